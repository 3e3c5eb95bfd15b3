"""What traj itself gets wrong, said where it concerns the printout at hand (docs: the model, section 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...families import FAMILIES
from .differences import Differences
from .model_sentences import Sentence, n_censored, uses
from .words import PROGRAMS

if TYPE_CHECKING:
    from ...fit.fit import Fit


def known_faults(d: Differences, res: Fit) -> list[Sentence]:
    """Faults of the program that bear on this table or on its plots."""
    if d.printed.source == "gbtm":
        return []
    return _convergence(d) + _rho(d) + _random(d) + _curves(d, res) + _bands(d, res) + _entropy(d, res)


def _convergence(d: Differences) -> list[Sentence]:
    if not d.printed.warnings:
        return []
    program = PROGRAMS[d.printed.source]
    meaning = ("The optimum is the one found here all the same; its standard errors deserve doubt." if d.same_optimum
               else f"Its numbers are where {program} gave up, not necessarily at an optimum.")
    return [Sentence("warned", f"The printout warns '{d.printed.warnings[-1]}'. {meaning}")]


def _rho(d: Differences) -> list[Sentence]:
    if not any(np.isnan(r.se) for r in d.theirs.of_kind("rho")):
        return []
    negative = [f"{r.estimate:.3f}" for r in d.ours.of_kind("rho") if r.estimate < 0]
    bounded = "" if not negative else (
        f" traj keeps rho at 0 or above; it is {', '.join(negative)} here: a log-likelihood that traj cannot reach."
    )
    return [Sentence(
        "rho", "traj gives no standard error for rho: its covariance matrix leaves rho out, so that the other standard "
        "errors count it as known. This package estimates all of them together; its others can be a little larger."
        + bounded,
    )]


def _random(d: Differences) -> list[Sentence]:
    if not d.theirs.of_kind("random"):
        return []
    return [Sentence(
        "rorder", "With rorder, traj stores a wrong theta in e(b); the printed percentages are right, and they are "
        "what is compared here.",
    )]


def _curves(d: Differences, res: Fit) -> list[Sentence]:
    """Nothing in the table is wrong then, but the plot is."""
    covariates = bool(d.theirs.of_kind("covariate")) and not any(o.startswith("plottcov") for o in d.printed.options)
    exposure = any(o.startswith("expos") for o in d.printed.options) or uses(res, "expos")
    if not covariates and not exposure:
        return []
    what = "exposure" if exposure and not covariates else "tcov, unless plottcov says otherwise"
    return [Sentence(
        "plotted_curves", f"With {what}, the curves that traj plots use the last subject's values. Its estimates are "
        "not touched by that; its plot is not to be compared.",
    )]


def _bands(d: Differences, res: Fit) -> list[Sentence]:
    """traj's plotted confidence bands are wrong for these families; said where bands were asked for."""
    plots_bands = "ci" in d.printed.options or any(o.startswith("ci95") for o in d.printed.options)
    family = FAMILIES.get(d.theirs.family)
    fault = "" if family is None else family.traj_band_fault
    if family is not None and family.has_bounds and not n_censored(res, res.outcome.bounds):
        fault = ""
    if not plots_bands or not fault:
        return []
    return [Sentence(
        "plotted_bands", f"The confidence bands that traj plots for this family are wrong: {fault}. This package's "
        "differ on purpose.",
    )]


def _entropy(d: Differences, res: Fit) -> list[Sentence]:
    empty = len(res.dropped.subjects)
    if not d.same_optimum or not empty or d.theirs.entropy is None:
        return []
    return [Sentence(
        "entropy", f"traj's entropy counts the {empty} subjects without data at their prior probabilities; this fit's "
        "`entropy` does not. The table shows traj's way for both.",
    )]
