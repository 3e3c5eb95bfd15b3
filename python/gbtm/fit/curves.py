"""Fitted curves with bands, from a fit document: without torch.

The standard error is the delta method's: Var E(y) = g' V g with g the derivative of E(y) in the internal parameters.
The band is E(y) plus and minus a multiple of it, cut to the outcome's range; of a mean with a logit link it is formed
for eta = logit E(y) and taken back, so that it lies within (0, 1) without a cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit

from ..checks import check_level
from ..compute.reference_distribution import reach
from ..constants import SHARED
from ..design.covariate_basis import CovariateBasis
from ..design.time_basis import TimeBasis
from ..design.time_polynomials import TimePolynomials
from ..errors import SpecificationError
from ..families import Family, make_family
from ..families.effect_correlations import correlation_root, correlation_root_slopes
from ..families.levels import refuse_without_mean
from ..families.multinomial import Multinomial
from ..families.random_normal import CORRELATIONS, RANDOM
from ..record.outcome_record import OutcomeRecord, time_bases
from ..record.parameters import InternalEstimates

# Of the outcome's scale, per unit of a direction the data do not determine; or a standard error that does not matter
LOADING_MOST: float = SHARED["loading_most"]
SE_MOST: float = SHARED["se_most"]  # on the scale of the linear predictor


@dataclass(frozen=True)
class Curves:
    """The curves of one outcome of a fit.

    ``positions`` maps a predictor to (K, q) entries of the internal parameter vector, -1 where absent. ``profile`` are
    values (T, q) of the time-varying covariates at ``profile_times`` (T,), between which curves are drawn along a line
    but for polynomials ``of_time``; one row where they are the same at all times (their means at each time, unless the
    user gave others).
    Counts are for exposure 1. ``df`` are degrees of freedom of t in bands, infinite for the normal distribution.
    """

    family: Family
    bases: dict[str, TimeBasis]
    coefficients: dict[str, np.ndarray]
    positions: dict[str, np.ndarray]
    offsets: dict[str, np.ndarray]
    centre: float
    scale: float
    cov: np.ndarray
    undetermined: np.ndarray
    covariates: CovariateBasis | None = None
    profile: np.ndarray | None = None
    profile_times: np.ndarray | None = None
    of_time: TimePolynomials | None = None
    time_scale: float = 1.0
    df: float = np.inf

    @classmethod
    def of(
        cls, outcome: OutcomeRecord, internal: InternalEstimates, *, trust_formula: bool = False, df: float = np.inf
    ) -> Curves:
        """The curves of an outcome of a fit; only with ``trust_formula`` is code in it run."""
        profile = outcome.profile
        return cls(
            family=make_family(outcome.family, outcome.spec.lower, outcome.spec.upper, outcome.spec.codes,
                               moving_phi=outcome.spec.phi_orders is not None),
            bases=time_bases(outcome, trust_formula=trust_formula), coefficients=outcome.coefficients,
            positions=outcome.positions, offsets=outcome.offsets, centre=outcome.centre, scale=outcome.scale,
            covariates=outcome.covariates, profile=None if profile is None else profile.values,
            profile_times=None if profile is None else profile.times,
            of_time=None if profile is None else profile.of_time, cov=internal.cov,
            undetermined=internal.undetermined, time_scale=outcome.time_scale, df=df,
        )

    @property
    def everywhere(self) -> bool:
        """The curves can be drawn at any time, not only at the observed ones."""
        return all(b.everywhere for b in self.bases.values())

    @property
    def n_groups(self) -> int:
        return self.coefficients["mean"].shape[0]

    def _columns(self, predictor: str, times: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        if predictor not in self.bases:
            return np.ones((times.size, 1))
        time_columns = self.bases[predictor].internal(times)
        if predictor == "zero" or self.covariates is None:
            return time_columns
        at = self._profile_at(times) if w is None else np.broadcast_to(w, (times.size, self.covariates.width))
        if self.of_time is not None and np.isnan(at).any():
            at = np.where(np.isnan(at), self.of_time.fill(times, at), at)
        return np.hstack([time_columns, self.covariates.internal(at)])

    def _profile_at(self, times: np.ndarray) -> np.ndarray:
        """Covariates (C, q) at times (C,)."""
        assert self.profile is not None
        assert self.profile_times is not None
        order = np.argsort(self.profile_times)
        profile_times, values = self.profile_times[order], self.profile[order]
        at = np.column_stack([np.interp(times, profile_times, column) for column in values.T])
        return at if self.of_time is None else self.of_time.fill(times, at)

    def predictors(
        self, times: np.ndarray, w: np.ndarray | None = None, exposure: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Linear predictors on the user's scale, each (K, C), at covariates w (q,) or (C, q) and exposure (C,)."""
        u = {
            p: c @ self._columns(p, times, w).T + self.offsets[p][:, None] for p, c in self.coefficients.items()
        }
        if self.family.has_scale:
            u["mean"] = self.centre + self.scale * u["mean"]
            u["log_sigma"] = u["log_sigma"] + np.log(self.scale)
        if exposure is not None:
            u = self.family.exposed(u, exposure)
        return u

    def expected(
        self, times: np.ndarray, w: np.ndarray | None = None, exposure: np.ndarray | None = None
    ) -> np.ndarray:
        """E(y) per group and time (K, C).

        Raises
        ------
        SpecificationError
            ``no_mean`` of categories without an order.
        """
        refuse_without_mean(self.family, "mean")
        with np.errstate(over="ignore"):
            return self.family.expected(self._marginal(self.predictors(times, w, exposure), times)[0])

    def shown(self, times: np.ndarray, w: np.ndarray | None = None) -> np.ndarray:
        """(K, C, V) what the curves are drawn of: E(y), or the probabilities of categories without an order."""
        if self.family.has_mean:
            return self.expected(times, w)[..., None]
        return self.family.shown(self.predictors(times, w))

    def _marginal(
        self, u: dict[str, np.ndarray], times: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Predictors with the sd of an outcome among those of all subjects in place of that around a subject's own
        curve, sqrt(sigma^2 + z' G z) with random effects; and the derivatives of its log in log sigma, the sds of
        the effects and what their correlations are made of (K, C). A mean asks for it where the outcome is censored."""
        effects = [name for name in RANDOM if name in u]
        if not effects or not self.family.has_bounds:
            return u, {}
        variance = np.exp(2 * u["log_sigma"])
        units = {name: self.scale * (times / self.time_scale) ** RANDOM.index(name) for name in effects}
        if any(name in u for name in CORRELATIONS.values()):
            return _with_correlations(u, variance, effects, units)
        total = variance + sum((u[name] * units[name]) ** 2 for name in effects)
        slopes = {"log_sigma": variance / total, **{name: u[name] * units[name] ** 2 / total for name in effects}}
        return {**u, "log_sigma": 0.5 * np.log(total)}, slopes

    def standard_error(self, times: np.ndarray, w: np.ndarray | None = None) -> np.ndarray:
        """Standard error of E(y) (K, C); NaN where the data do not determine it."""
        u, chain = self._marginal(self.predictors(times, w), times)
        with np.errstate(over="ignore"):
            slopes = self.family.expected_gradient(u)
        if chain:
            in_log_sd = slopes.pop("log_sigma")
            slopes |= {name: in_log_sd * factor for name, factor in chain.items()}
        return self._error_of(slopes, times, w)

    def _error_of(self, slopes: dict[str, np.ndarray], times: np.ndarray, w: np.ndarray | None) -> np.ndarray:
        """(K, C) of what has these derivatives in each predictor (K, C)."""
        gradient = np.zeros((self.n_groups, times.size, self.cov.shape[0] + 1))
        for p, slope in slopes.items():
            columns = self._columns(p, times, w) * (self.scale if p == "mean" else 1.0)
            for k in range(self.n_groups):
                gradient[k][:, self.positions[p][k]] += slope[k][:, None] * columns
        gradient = gradient[..., :-1]
        variance = np.einsum("kcp,pq,kcq->kc", gradient, self.cov, gradient)
        boundless = variance > (SE_MOST * np.linalg.norm(gradient, axis=-1)) ** 2
        variance[boundless & (variance > (LOADING_MOST * self.scale) ** 2)] = np.nan
        if self.undetermined.size:
            loading = np.linalg.norm(gradient @ self.undetermined, axis=-1)
            variance[loading > LOADING_MOST * self.scale] = np.nan
        return np.sqrt(variance)

    def band(
        self, times: np.ndarray, level: float = 0.95, w: np.ndarray | None = None, *, symmetric: bool = False
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Estimate, standard error, lower and upper limit, each (K, C).

        Parameters
        ----------
        symmetric : about the estimate, cut to the outcome's range, whatever the link

        Raises
        ------
        SpecificationError
            ``bad_level``; ``bad_times`` for times that are missing or infinite, or none; ``unknown_time``.
        """
        _check_asked(times, level)
        z = reach(level, self.df)
        estimate, se = self.expected(times, w), self.standard_error(times, w)
        if self.family.link == "logit" and not symmetric:
            eta = self.predictors(times, w)["mean"]
            return estimate, se, *around_logit(eta, z * se)
        low, high = self.range
        return estimate, se, np.clip(estimate - z * se, low, high), np.clip(estimate + z * se, low, high)

    def level_band(
        self, times: np.ndarray, level: float = 0.95, w: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """As :meth:`band`, of the probabilities of categories without an order, (K, C, V) each; limits are formed for
        the log odds of a category against all others."""
        _check_asked(times, level)
        family, u = self.family, self.predictors(times, w)
        assert isinstance(family, Multinomial)
        errors = [self._error_of(family.probability_gradient(u, c), times, w) for c in range(len(family.codes))]
        se = np.stack(errors, axis=-1)
        return family.probabilities(u), se, *around_logit(family.log_odds(u), reach(level, self.df) * se)

    @cached_property
    def range(self) -> tuple[float, float]:
        """Smallest and largest possible mean."""
        return self.family.mean_range


def _check_asked(times: np.ndarray, level: float) -> None:
    check_level(level)
    if not (times.size and np.isfinite(times).all()):
        raise SpecificationError(
            "times: missing or infinite times.", code="bad_times", argument="times", way_out="Give finite numbers.",
        )


def around_logit(eta: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Limits expit(eta -+ reach / slope) about a mean expit(eta), whose derivative in eta is slope = expit(eta)
    expit(-eta); ``reach`` is how far they would lie on the mean's own scale. A mean that cannot vary is its limits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(reach == 0, 0.0, reach / (expit(eta) * expit(-eta)))
    return expit(eta - half), expit(eta + half)


def _with_correlations(
    u: dict[str, np.ndarray], variance: np.ndarray, effects: list[str], units: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What :meth:`Curves._marginal` answers where the effects are correlated."""
    atanh = {pair: u[name] for pair, name in CORRELATIONS.items() if name in u}
    n, shape = len(effects), u["mean"].shape
    root = correlation_root(n, atanh, shape)
    loads = np.stack([np.broadcast_to(u[name] * units[name], shape) for name in effects], axis=-1)
    along = np.einsum("kcab,kca->kcb", root, loads)
    total = variance + (along**2).sum(axis=-1)
    met = np.einsum("kcab,kcb->kca", root, along)
    slopes = {"log_sigma": variance / total}
    slopes |= {name: met[..., j] * units[name] / total for j, name in enumerate(effects)}
    for pair, moved in correlation_root_slopes(n, atanh, shape).items():
        if pair in atanh:
            slopes[CORRELATIONS[pair]] = np.einsum("kcab,kca,kcb->kc", moved, loads, along) / total
    return {**u, "log_sigma": 0.5 * np.log(total)}, slopes
