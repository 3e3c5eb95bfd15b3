"""Where training starts: the optimum of a light search on a sample of those trained on, or what the user gives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import DataError, SpecificationError
from ..estimation.control import Control
from ..estimation.multistart import search
from ..estimation.start_panel import start_panel
from ..estimation.starts import StartingPlan
from ..fit.fit_model import LIGHT_STARTS, separate_fits
from ..fit.start_values import read_start
from ..likelihood.mixture import Mixture
from ..model.prepared import Prepared
from .epochs import Settings
from .people import split


def first_values(prepared: Prepared, settings: Settings, start: Any, control: Control) -> np.ndarray:
    """Internal parameters (p,).

    ``start`` is None for the best of a light search on a sample, "random" for one random partition of the people, or
    as for :meth:`gbtm.GBTM.fit`.
    """
    layout, smaller = prepared.layout, None
    if start is not None and not isinstance(start, str):
        given, smaller = read_start(start, prepared)
        if given is not None:
            return np.asarray(given[0])
    elif start not in (None, "random"):
        raise SpecificationError(
            f"start: {start!r} is no way to start.", code="bad_start", argument="start",
            way_out="Leave it out for a light search, or give 'random', parameters, or a fit.",
        )
    trained_on, _ = split(prepared.panel.subjects, settings.held_out, settings.rng)
    panel = start_panel(prepared.panel.subset(trained_on), layout, control)
    module = Mixture(layout, panel, surrogate=True)
    if start == "random":
        plan = StartingPlan(module, panel, np.random.default_rng(control.rng))
        return np.asarray(plan.next(3)[2])  # the first two are not drawn
    light = replace(control, n_starts=control.n_starts or LIGHT_STARTS, progress=None)
    if prepared.spec.is_dual:
        return np.asarray(separate_fits(replace(prepared, panel=panel), module, light).two_step.flats[0])
    found = search(module, panel, light, None, smaller, exact_growth=True).ledger.optima
    if not found:
        raise DataError(
            "outcome: no start gave a finite log-likelihood.", code="no_finite_start", argument="outcome",
            way_out="Look for outliers, or fit fewer groups or lower orders.",
        )
    return found[0].flat
