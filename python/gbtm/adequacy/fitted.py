"""What a fit says of each of its observations in each group: mean, variance, density, standardized residual."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..families.levels import refuse_without_mean
from ..families.random_normal import RANDOM_PART, loadings
from ..record.wave_counts import occasions

if TYPE_CHECKING:
    from ..families import Family
    from ..fit.fit import Fit


@dataclass(frozen=True)
class Fitted:
    """The first outcome of a fit, observation by observation.

    Attributes
    ----------
    y, time, subject, wave : (n,) the observations
    weight : (N,) sampling weights of mean 1
    posterior : (N, K)
    predictors : on the user's scale, each (K, n), at the observation's own covariates and exposure; with random effects
        ``log_sigma`` is that of the marginal standard deviation
    effects : (K, n) each: loadings of an observation on the independent standard normal v that the random effects are
        made of; () without random effects
    rho : (K,) of AR(1) errors, or None
    censored : some values lie at a bound of the outcome
    """

    family: Family
    y: np.ndarray
    time: np.ndarray
    subject: np.ndarray
    wave: np.ndarray
    weight: np.ndarray
    posterior: np.ndarray
    predictors: dict[str, np.ndarray]
    own_sigma: np.ndarray | None = None
    effects: tuple[np.ndarray, ...] = ()
    rho: np.ndarray | None = None
    censored: bool = False

    @classmethod
    def of(cls, res: Fit) -> Fitted:
        """Of a fit's own data at its estimates.

        Raises
        ------
        SpecificationError
            ``no_mean`` of categories without an order, which have no residuals.
        """
        outcome, curves = res.outcome, res.curves
        refuse_without_mean(curves.family, "residuals")
        data, weights = outcome.data, res.weights
        y, time = data.y, data.time
        with np.errstate(over="ignore"):
            u = curves.predictors(time, data.covariates if data.covariate_names else None, data.exposure)
        effects = tuple(curves.scale * part for part in loadings(u, time / outcome.time_scale))
        u = {name: v for name, v in u.items() if name not in RANDOM_PART}
        sigma = np.exp(u["log_sigma"]) if effects else None
        if sigma is not None:
            u["log_sigma"] = 0.5 * np.log(sigma**2 + sum(f**2 for f in effects))
        rho = u.pop("atanh_rho", None)
        low, high = outcome.bounds
        return cls(
            family=curves.family, y=y, time=time, subject=data.subject, wave=data.wave,
            weight=np.ones(res.n_subjects) if weights is None else weights,
            posterior=res.group_set.posterior, predictors=u, own_sigma=sigma, effects=effects,
            rho=None if rho is None else np.tanh(rho[:, 0]),
            censored=bool((y <= low).any() or (y >= high).any()),
        )

    @property
    def n_subjects(self) -> int:
        return self.weight.size

    @property
    def correlated(self) -> bool:
        """The model itself has correlated errors."""
        return self.rho is not None or bool(self.effects)

    @property
    def innovations(self) -> bool:
        """:attr:`standardized` are innovations: the correlation that the model has is taken out of them."""
        return self.correlated and not self.censored

    @cached_property
    def share(self) -> np.ndarray:
        """(K, n) s_i P_ik at each observation."""
        return np.asarray((self.weight[:, None] * self.posterior)[self.subject].T)

    @cached_property
    def expected(self) -> np.ndarray:
        """(K, n) E_k(y)."""
        with np.errstate(over="ignore"):
            return self.family.expected(self.predictors) + np.zeros_like(self.predictors["mean"])

    @cached_property
    def variance(self) -> np.ndarray:
        """(K, n) Var_k(y)."""
        with np.errstate(over="ignore"):
            return self.family.variance(self.predictors)

    def log_density(self, y: np.ndarray | float | None = None) -> np.ndarray:
        """(K, n) log f_k of the observed outcomes, or of others; marginal where errors are correlated."""
        value = self.y if y is None else np.broadcast_to(np.asarray(y, dtype=float), self.y.shape)
        return self.family.log_density(value, self.predictors)

    @cached_property
    def standardized(self) -> np.ndarray:
        """(K, n) residuals with mean 0 and variance 1 in their group: Pearson's, or innovations.

        With AR(1) errors or random effects y_t is held against what the group and the subject's earlier outcomes
        foretell, so that what the model says of correlation is not found again as left over. That needs outcomes that
        are not censored; where they are, it is Pearson's.
        """
        if self.innovations:
            return self._after_random_effects() if self.effects else self._after_ar1()
        spread = np.sqrt(self.variance)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(spread > 0, (self.y - self.expected) / spread, 0.0)

    @cached_property
    def place(self) -> np.ndarray:
        """(n,) which of its subject's observations each is, from 0; they are in the order of time."""
        return np.arange(self.y.size) - np.searchsorted(self.subject, self.subject)

    @property
    def has_shared(self) -> bool:
        """Some subject has several observations at one time."""
        return bool(((np.diff(self.subject) == 0) & (np.diff(self.time) == 0)).any())

    @cached_property
    def occasion(self) -> np.ndarray:
        """(n,) the same of times: observations of a subject that share one have the same number."""
        return occasions(self.subject, self.time)

    def _after_ar1(self) -> np.ndarray:
        import torch

        from ..families.ar1 import power_of_rho

        assert self.rho is not None
        error = (self.y - self.predictors["mean"]) / np.exp(self.predictors["log_sigma"])
        before = np.maximum(np.arange(self.y.size) - 1, 0)
        gap = np.where(self.place > 0, np.abs(self.time - self.time[before]), np.inf)
        c = power_of_rho(torch.from_numpy(self.rho)[:, None], torch.from_numpy(gap)).numpy()
        return np.asarray((error - c * error[:, before]) / np.sqrt(1 - c * c))

    def _after_random_effects(self) -> np.ndarray:
        """One step ahead by Kalman's filter, all subjects at once; the state is v, of which the effects are made."""
        assert self.own_sigma is not None
        z = np.stack(self.effects, axis=-1)  # (K, n, L)
        k, _, n_effects = z.shape
        mean = np.zeros((k, self.n_subjects, n_effects))
        cov = np.broadcast_to(np.eye(n_effects), (k, self.n_subjects, n_effects, n_effects)).copy()
        out = np.empty(self.predictors["mean"].shape)
        for t in range(int(self.place.max()) + 1):
            rows = np.flatnonzero(self.place == t)
            who, here = self.subject[rows], z[:, rows]
            towards = np.einsum("kiab,kib->kia", cov[:, who], here)
            spread = np.einsum("kia,kia->ki", here, towards) + self.own_sigma[:, rows] ** 2
            error = self.y[rows] - self.predictors["mean"][:, rows] - np.einsum("kia,kia->ki", here, mean[:, who])
            out[:, rows] = error / np.sqrt(spread)
            gain = towards / spread[..., None]
            mean[:, who] += gain * error[..., None]
            cov[:, who] -= gain[..., :, None] * towards[..., None, :]
        return out
