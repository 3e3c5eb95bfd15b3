"""The figures of a report as PNG: drawn by gbtm.figures, left out where one cannot be drawn for this fit."""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from typing import Any

from ..errors import GBTMError

DPI = 160


@dataclass(frozen=True)
class Picture:
    """Attributes
    ----------
    name : a key of ``DRAWINGS``
    png : the image
    caption : what is shown
    """

    name: str
    png: bytes
    caption: str


@dataclass(frozen=True)
class _Drawing:
    module: str
    function: str
    subject: str
    caption: str


DRAWINGS = {
    "curves": _Drawing(
        "curves", "plot_curves", "fit",
        "Estimated mean trajectories of the final model with pointwise confidence bands; points are observed means, "
        "weighted by the posterior probability of the group.",
    ),
    "curves_of_outcomes": _Drawing(
        "outcomes", "plot_outcomes", "fit",
        "Estimated mean trajectories of each outcome with pointwise confidence bands; points are observed means, "
        "weighted by the posterior probability of the group.",
    ),
    "curves_of_levels": _Drawing(
        "levels", "plot_levels", "fit", "Estimated probabilities of the categories in each group of the final model.",
    ),
    "criteria": _Drawing(
        "criteria", "plot_criteria", "search", "Criteria of model choice against the number of groups.",
    ),
    "panels": _Drawing("panels", "plot_models", "search", "Estimated mean trajectories of every model fitted."),
    "best_panels": _Drawing(
        "panels", "plot_models", "search",
        "Estimated mean trajectories: for each number of groups the model that is best by BIC (n = subjects).",
    ),
    "individuals": _Drawing(
        "groups", "plot_groups", "fit",
        "Estimated mean trajectory of each group over the observed trajectories of the subjects assigned to it.",
    ),
    "individuals_of_outcomes": _Drawing(
        "outcome_grid", "plot_outcome_grid", "fit",
        "Estimated mean trajectory of each group in each outcome over the observed trajectories of the subjects "
        "assigned to it.",
    ),
    "posteriors": _Drawing(
        "posteriors", "plot_posteriors", "fit",
        "Posterior probabilities of group membership, by the group that subjects are assigned to.",
    ),
    "transitions": _Drawing(
        "transitions", "plot_transitions", "fit",
        "Probabilities of the second outcome's groups given those of the first, with confidence intervals, and the "
        "joint probabilities.",
    ),
    "distal": _Drawing(
        "distal_groups", "plot_distal", "distal",
        "Each group's number with its interval; hollow and grey what it is where errors of classification are ignored.",
    ),
    "survival": _Drawing(
        "distal_groups", "plot_survival", "distal", "Survival by group, corrected for errors of classification.",
    ),
    "checks": _Drawing("adequacy", "plot_adequacy", "checks", "Residual checks: what was observed against the fit."),
}


def draw(name: str, subject: Any, **options: Any) -> Picture | None:
    """A figure of a fit, a search or residual checks; None where it cannot be drawn.

    Parameters
    ----------
    name : a key of ``DRAWINGS``
    subject : the GBTMResults, ModelSearch or ResidualChecks
    options : passed to the figure's function
    """
    import matplotlib
    import matplotlib.pyplot as plt

    drawing = DRAWINGS[name]
    try:
        module = importlib.import_module(f"..figures.{drawing.module}", __package__)
    except ModuleNotFoundError:
        return None
    with matplotlib.rc_context({"figure.max_open_warning": 0}), plt.ioff():
        try:
            drawn = getattr(module, drawing.function)(subject, **options)
        except GBTMError:  # one group has no posterior probabilities to show, and the like
            return None
        figure = drawn if hasattr(drawn, "savefig") else drawn.figure
        held = io.BytesIO()
        figure.savefig(
            held, format="png", dpi=DPI, facecolor="white", bbox_inches="tight", pad_inches=0.05,
            metadata={"Software": None},
        )
        plt.close(figure)
    return Picture(name, held.getvalue(), drawing.caption)
