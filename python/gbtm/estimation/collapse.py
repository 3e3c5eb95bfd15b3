"""Groups whose sigma goes to zero on a handful of observations, or whose Weibull shape goes to infinity on events at
one time: the likelihood has no maximum there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from ..data.event_times import STATUS, TIME, UPPER
from ..data.panel import Panel
from ..errors import DataError
from ..model.layout import Layout
from .ledger import Optimum

SIGMA_FLOOR = np.log(2e-5)  # log sigma, in standard deviations of the outcome, below which a group has collapsed
SIGMA_COLLAPSED = 0.05  # ratio to the largest sigma that is suspect when the group has next to no observations
TIED_WAY_OUT = ("Say between which times the event was where times are rounded, such as after 8 and no later than 9, "
                "take hazard 'piecewise', tie the shapes of the groups by constraints ('event_shape[1] = "
                "event_shape[2]'), fit fewer groups, or use more starts.")


def collapsing(layout: Layout, flat: Tensor, floor: float) -> Tensor:
    """(B, p) -> (B,) bool: a log sigma below the ``floor``, on its way to minus infinity."""
    entries = [b.start for b in layout.blocks if b.predictor == "log_sigma"]
    return (flat[:, entries] < floor).any(1)


def collapsed(layout: Layout, panel: Panel, flat: Tensor, floor: float) -> np.ndarray:
    """(B, p) -> (B,) bool: a sigma at zero, or tiny on a handful of observations."""
    if not layout.has("log_sigma"):
        return np.zeros(flat.shape[0], dtype=bool)
    gone = collapsing(layout, flat, floor).cpu().numpy()
    x = flat.cpu().numpy()
    for m, part in enumerate(layout.outcomes):
        if "log_sigma" not in part.family.predictors or not part.spec.sigma_by_group:
            continue
        group_set = layout.spec.set_of(m)
        sigma = np.exp(layout.coefficients(x, m, "log_sigma")[..., layout.rows_of(group_set), 0])
        shares = layout.marginal(layout.shares(x), group_set)
        few = shares * panel.nobs_of(m) < 3 * (part.width("mean") + 1)
        gone |= (few & (sigma < SIGMA_COLLAPSED * sigma.max(1, keepdims=True))).any(1)
    return gone


class Collapse:
    """What a climb may come to that is no maximum.

    Attributes
    ----------
    floor : log sigma below which a group has collapsed
    shapes : (S,) entries of the logarithms of Weibull shapes
    most : what these may be: as steep as a sigma of log T at its floor; infinite where nobody's time is known exactly
    """

    def __init__(self, layout: Layout, panel: Panel) -> None:
        self.layout, self.panel, self.floor = layout, panel, SIGMA_FLOOR
        self.shapes = [b.start for b in layout.blocks if b.predictor.endswith("_log_shape")]
        self.most = _steepest(panel.subjects.event) if self.shapes else np.inf

    def steep(self, flat: Tensor) -> Tensor:
        """(B, p) -> (B,) bool: a Weibull shape on its way to infinity."""
        return (flat[:, self.shapes] > self.most).any(1)

    def is_steep(self, flat: np.ndarray) -> bool:
        """The same of parameters (p,)."""
        return bool((flat[self.shapes] > self.most).any())

    def ending(self, flat: Tensor) -> Tensor:
        """(B, p) -> (B,) bool: climbs that need not go on."""
        if not self.layout.has("log_sigma"):
            return self.steep(flat)
        ending = collapsing(self.layout, flat, self.floor)
        return ending | self.steep(flat) if self.shapes else ending

    @property
    def stop(self) -> Callable[[Tensor], Tensor] | None:
        """:meth:`ending` where that may be, for :func:`.newton.newton`."""
        return self.ending if self.shapes or self.layout.has("log_sigma") else None

    @property
    def late_stop(self) -> Callable[[Tensor], Tensor] | None:
        """Of climbs that go on where others were given up: a sigma may be anything on its way, a shape may not."""
        return self.steep if self.shapes else None

    def collapsed(self, flat: Tensor) -> np.ndarray:
        """(B, p) -> (B,) bool: what ended there is no maximum."""
        gone = collapsed(self.layout, self.panel, flat, self.floor)
        return gone | self.steep(flat).cpu().numpy() if self.shapes else gone


def refuse_no_bound(collapse: Collapse, best: Optimum) -> None:
    """Raise where all that was found has a Weibull shape on its way to infinity.

    Raises
    ------
    DataError
        ``collapsed_event``
    """
    if best.collapsed and collapse.is_steep(best.flat):
        raise DataError(
            "event: the event_shape of a group runs to infinity wherever the search ended: all its events are at one "
            "time, where the likelihood has no bound.", code="collapsed_event", argument="event",
            way_out=TIED_WAY_OUT)


def _steepest(known: np.ndarray | None) -> float:
    """Largest log shape of times (N, 4 + q); where all events are at one time there is no spread to go by."""
    if known is None:
        return np.inf
    times = known[(known[:, STATUS] > 0) & (known[:, UPPER] == known[:, TIME]), TIME]
    if not times.size:
        return np.inf
    spread = float(np.log(times).std())
    return float(-SIGMA_FLOOR - np.log(spread if spread > np.exp(SIGMA_FLOOR) else 1.0))
