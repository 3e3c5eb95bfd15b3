"""Blocks of the flat parameter vector, and the scale parameters among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..design.coordinates import Coordinates
from ..design.time_basis import TimeBasis
from ..families.hazards import EVENT_LOG_HAZARDS, EVENT_LOGS
from ..families.ordinal import CUTS
from ..families.random_normal import CORRELATIONS, RANDOM

MEMBERSHIP = -1  # outcome number of the blocks of theta


@dataclass(frozen=True)
class Scale:
    """How a scale parameter is reported: a function of the internal one, times the outcome's scale where in its units.

    The sd of a random effect is its own internal parameter, and reported without its sign, which says nothing.
    """

    name: str
    report: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    unreport: Callable[[np.ndarray], np.ndarray]
    in_units: bool = False
    as_is: bool = False  # the internal parameter itself


SCALES = {
    "log_sigma": Scale("sigma", np.exp, np.exp, np.log, in_units=True),
    "log_psi": Scale("psi", np.exp, np.exp, np.log),
    "log_phi": Scale("phi", np.exp, np.exp, np.log),
    "atanh_rho": Scale("rho", np.tanh, lambda x: 1 / np.cosh(x) ** 2, np.arctanh),
    # of more than two effects reported together, see Layout.correlation_sets
    **{name: Scale("r{}{}_corr".format(*pair), np.tanh, lambda x: 1 / np.cosh(x) ** 2, np.arctanh)
       for pair, name in CORRELATIONS.items()},
    **{name: Scale(name, np.abs, lambda x: np.where(x < 0, -1.0, 1.0), np.asarray, in_units=True) for name in RANDOM},
    "tau": Scale("tau", np.asarray, np.ones_like, np.asarray, as_is=True),
    **{name: Scale(name, np.asarray, np.ones_like, np.asarray, as_is=True) for name in CUTS},
    **{name: Scale(name.replace("_log_", "_"), np.exp, np.exp, np.log) for name in EVENT_LOGS},
    **{name: Scale(name, np.asarray, np.ones_like, np.asarray) for name in EVENT_LOG_HAZARDS},
}


@dataclass(frozen=True)
class Block:
    """A run of entries of the flat vector: the coefficients of one predictor in one group (None: common to all).

    ``columns`` are the places of its coefficients among the predictor's columns.
    """

    outcome: int
    predictor: str
    group: int | None
    start: int
    basis: Coordinates | TimeBasis | None
    columns: tuple[int, ...] = (0,)

    @property
    def width(self) -> int:
        return len(self.columns)

    @property
    def entries(self) -> slice:
        return slice(self.start, self.start + self.width)

    @property
    def is_scale(self) -> bool:
        return self.predictor in SCALES
