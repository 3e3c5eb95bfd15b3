"""Curves of a time to an event by group: survival, or the cumulative incidence of one cause, with bands.

The band is that of log H = log(-log S), of an incidence F of log(-log(1 - F)), by the delta method, taken back: it lies
within (0, 1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..columns.reading import number_array
from ..compute.reference_distribution import reach
from ..data.event_times import TIME
from ..errors import SpecificationError
from ..fit.event_hazards import EventHazards, covariates_at

if TYPE_CHECKING:
    from ..fit.fit import Fit

POINTS = 101  # times of a curve where none are given


@checked
def survival(
    res: Fit, times: float | Sequence[float] | np.ndarray | None = None, *, at: Mapping[str, Any] | None = None,
    cause: int | None = None, level: float = 0.95,
) -> pd.DataFrame:
    """Probability of no event up to given times, by group; with ``cause``, of an event of that cause by then.

    Parameters
    ----------
    times : 0 or more; 101 times up to the last of the people fitted when not given
    at : values of covariates of the event, by name; of those not given the mean of the people fitted
    cause : of competing events, 1, 2, ..: the cumulative incidence of that cause, the others being there
    level : of the intervals

    Returns
    -------
    DataFrame with columns group, time, survival (or incidence), std err, lower, upper; ``attrs["at"]`` are the
    covariates

    Raises
    ------
    SpecificationError
        ``no_event`` for a model without, ``bad_times``, ``bad_cause``, ``unknown_covariate``, ``bad_level``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["T"], data["died"] = 2.0 + data["id"] % 7, 1
    >>> event = gbtm.Event(time="T", status="died")
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, event=event).fit(rng=0)
    >>> table = res.survival([1, 3])
    >>> list(table.columns), bool(table["survival"].between(0, 1).all())
    (['group', 'time', 'survival', 'std err', 'lower', 'upper'], True)
    """
    check_level(level)
    hazards = EventHazards.of(res)
    t = _times(res, times)
    hazards.check_cause(cause)
    x = covariates_at(res, at)
    rows = np.broadcast_to(x, (t.size, x.size))
    if cause is None:
        total, slope = hazards.all_causes(t, rows)
        value, what = np.exp(-total), "survival"
    else:
        value, slope = hazards.incidence(cause - 1, np.zeros(t.size), t, rows)
        total, what = -np.log1p(-value), "incidence"
        slope = slope / (1 - value)[:, :, None]
    spread = errors_of(res, slope)
    lower, upper = band(total, spread, reach(level, res.df_inference))
    if cause is None:
        lower, upper = 1 - upper, 1 - lower
    k = hazards.part.n_groups
    out = pd.DataFrame({
        "group": np.repeat(np.arange(1, k + 1), t.size), "time": np.tile(t, k), what: value.ravel(),
        "std err": (spread * np.exp(-total)).ravel(), "lower": lower.ravel(), "upper": upper.ravel(),
    })
    out.attrs["at"] = dict(zip(hazards.part.names, x.tolist(), strict=True))
    return out


def errors_of(res: Fit, slope: np.ndarray) -> np.ndarray:
    """Standard errors of functions with gradients (.., p); NaN where the data do not determine one."""
    flat = slope.reshape(-1, slope.shape[-1])
    root = res.internal.root
    variance = ((flat @ root) ** 2).sum(axis=1) if root is not None else np.einsum(
        "ip,pq,iq->i", flat, res.internal.cov, flat)
    known = np.ones(len(flat), dtype=bool) if root is None else res.internal.determined(flat)
    none = ~flat.any(axis=1)
    return np.where(none, 0.0, np.where(known, np.sqrt(np.maximum(variance, 0.0)), np.nan)).reshape(slope.shape[:-1])


def band(total: np.ndarray, spread: np.ndarray, z: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of 1 - exp(-H), of H and its standard error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = np.where(total > 0, z * spread / total, 0.0)
        low, high = (-np.expm1(-total * np.exp(sign * wide)) for sign in (-1, 1))
    return low, high


def _times(res: Fit, times: Any) -> np.ndarray:
    assert res.event is not None
    if times is None:
        known = res.event.known
        return np.linspace(0.0, float(np.nanmax(known[:, TIME])), POINTS)
    t = np.atleast_1d(number_array(times, "times")).ravel()
    if not t.size or not np.isfinite(t).all() or (t < 0).any():
        raise SpecificationError(
            "times: not numbers of 0 or more throughout.", code="bad_times", argument="times",
            way_out="For example times=[1, 2, 5], in the units of the event's time.",
        )
    return t
