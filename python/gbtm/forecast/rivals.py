"""What groups have to beat: the outcome carried forward, and autoregressions, each of them fitted to training people.

All give a whole distribution, of the family of the groups; of counts a negative binomial, as under-dispersed families
foretell badly whoever uses them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.measures import Measures
from ..data.panel import Panel
from ..errors import GBTMError, SpecificationError
from ..families import Family, family_named, make_family
from .predictive import Predictive
from .rolling import before, one_step_ahead, place_of

if TYPE_CHECKING:
    from ..fit.refit import Refit

CURVE_ORDER = 2  # of time, in autoregressions


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that foretells.

    Attributes
    ----------
    choice : what was tuned, ``"AR(3)"``
    n_parameters : free parameters
    predictive : the distribution of each observation of the people held out that has one before it
    rows : which observations those are
    """

    choice: str
    n_parameters: int
    predictive: Predictive
    rows: np.ndarray


def rivals_family(name: str) -> str:
    """The family by which rivals of groups with family ``name`` foretell."""
    return "negbin" if family_named(name).is_count else name


def transformed(family: Family, y: np.ndarray) -> np.ndarray:
    """The outcome as a regressor: log(1 + y) of counts, log y where it is above 0."""
    return np.log1p(y) if family.is_count else family.on_eta(y)


# -- carried forward ---------------------------------------------------------------------------------------------------


def carry_forward(train: Panel, test: Panel, family: Family) -> Fitted:
    """The last outcome as the mean of the next, kept off the ends of its range by a fitted amount; fitted spread."""
    from scipy.optimize import minimize

    m = train.outcomes[0]
    rows = np.flatnonzero(m.previous >= 0)
    last, y = m.y[m.previous[rows]], m.y[rows]
    scale = [p for p in family.predictors if p.startswith("log_")]
    low, high = family.mean_range
    floor = np.isfinite(low)
    spread = max(float(np.std(family.on_eta(y))), 1e-6)
    start = [*([-2.0] if floor else []), *([np.log(spread) if s == "log_sigma" else 0.0 for s in scale])]

    def u(theta: np.ndarray, before: np.ndarray) -> dict[str, np.ndarray]:
        mean = before
        if floor:
            c = 0.5 / (1 + np.exp(-theta[0])) if np.isfinite(high) else np.exp(theta[0])
            mean = np.clip(before, low + c, high - c)
            mean = np.log(mean) if family.link == "log" else np.log(mean) - np.log(high - mean)
        out = {"mean": mean[None]}
        return out | {s: np.full((1, before.size), theta[-len(scale) + j]) for j, s in enumerate(scale)}

    def loss(theta: np.ndarray) -> float:
        value = -float(family.log_density(y, u(theta, last)).mean())
        return value if np.isfinite(value) else 1e10

    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000})
    t = test.outcomes[0]
    at = np.flatnonzero(t.previous >= 0)
    return Fitted("last outcome", len(start), Predictive(
        family, np.ones((1, at.size)), u(found.x, t.y[t.previous[at]])), at)


# -- autoregressions ---------------------------------------------------------------------------------------------------


def autoregression(train: Panel, test: Panel, family: str, lags: Sequence[int], spec: Any, rng: int) -> Fitted:
    """A curve over time, the last L outcomes and the mean of all before, in one group; L by BIC of the training people.

    ``spec`` is the outcome of the groups, for its bounds.
    """
    from ..fit.refit import refit
    from ..specification.outcome_spec import OutcomeSpec
    from ..specification.spec import ModelSpec

    best: tuple[float, int, Refit] | None = None
    order = min(CURVE_ORDER, max(np.unique(train.outcomes[0].time).size - 1, 0))
    one = ModelSpec(1, (OutcomeSpec(family=family, orders=(order,), lower=spec.lower, upper=spec.upper),))
    for n_lags in sorted(lags):
        panel, _ = _with_lags(train, family, n_lags)
        try:
            fit = refit(panel, one, n_starts=1, rng=rng)
        except GBTMError:
            continue  # lags that cannot be told apart in these people
        bic = -2 * fit.loglik + fit.layout.size * np.log(panel.n_subjects)
        if best is None or bic < best[0]:
            best = bic, n_lags, fit
    if best is None:
        raise SpecificationError(
            f"lags: none of {list(lags)} can be fitted to the training people.", code="no_rival", argument="lags",
            way_out="Give fewer, or leave 'ar' out of against.",
        )
    panel, rows = _with_lags(test, family, best[1])
    return Fitted(f"AR({best[1]})", best[2].layout.size, one_step_ahead(best[2], panel), rows)


def _with_lags(panel: Panel, family: str, n_lags: int) -> tuple[Panel, np.ndarray]:
    """The panel of observations that have one before, with lags as covariates; and which observations they are."""
    m = panel.outcomes[0]
    w = lag_matrix(m, family_named(family), n_lags)
    rows = np.flatnonzero(m.previous >= 0)
    names = (*(f"lag {j}" for j in range(1, n_lags + 1)), *(("own mean",) if n_lags > 0 else ()))
    present = np.unique(m.subject[rows])
    new = np.full(panel.n_subjects, -1)
    new[present] = np.arange(present.size)
    made = replace(m, covariates=w, covariate_names=names, lags=None, lag_source=None, lag_values=None)
    return Panel(ids=panel.ids[present], outcomes=(made.take(rows, new[m.subject]),)), rows


def lag_matrix(m: Measures, family: Family, n_lags: int) -> np.ndarray:
    """(n, L + 1) the last L outcomes seen and the mean of all before; a lag before the first is that mean."""
    f = transformed(family, m.y)
    place = place_of(m.subject)
    own = before(f, m.subject) / np.maximum(place, 1)
    at = np.arange(f.size)
    lagged = [np.where(place >= j, f[np.maximum(at - j, 0)], own) for j in range(1, n_lags + 1)]
    return np.column_stack([*lagged, own])


def family_of(spec: Any) -> Family:
    """The family by which rivals foretell the outcome of a specification."""
    return make_family(rivals_family(spec.family), spec.lower, spec.upper)
