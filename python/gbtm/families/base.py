"""What a family is: a log density that is linear in a few statistics of y, and what the rest of the package asks of it.

The traits are asked where a model is specified, checked, drawn, described or handed to another program. No file outside
this folder knows a family by its name, so that a new family is one file here and a line in ``__init__``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Predictors = Mapping[str, np.ndarray]
Link = Literal["identity", "log", "logit", "cumulative", "multinomial"]
RANGES: dict[Link, tuple[float, float]] = {"identity": (-np.inf, np.inf), "log": (0.0, np.inf), "logit": (0.0, 1.0),
                                         "cumulative": (-np.inf, np.inf), "multinomial": (0.0, 1.0)}


class Family(ABC):
    """One outcome distribution.

    The log density of y is ``constant(y) + sum_s statistics(y)_s * terms(u)_s`` where u holds the linear predictors:
    ``mean`` (eta), and for some families ``zero`` (logit of the zero-inflation probability) or ``log_sigma``.
    Sums of statistics over the observations of a design cell are all that a fit needs of the data.

    Attributes
    ----------
    name : what users write, ``family="zip"``
    label : its name within a sentence, ``"zero-inflated Poisson"``
    predictors : ``mean``, and ``zero`` (zero inflation) and scale parameters (``log_sigma``, ``log_psi``, ``log_phi``)
    link : g of E(y) = (1 - p) g^-1(eta), p being the zero-inflation probability; before censoring where it has bounds.
        Where ``of_log``, E(y) = exp(eta + sigma^2/2)
        Where ``is_hurdle``, that of counts above 0 is g^-1(eta)/(1 - P(0)), P(0) that of the count before truncation
    is_count, is_binary, is_positive : y is 0, 1, 2, ..; y is 0 or 1; y is any number above 0
    is_hurdle : p is the probability of 0 itself, and what is above 0 is truncated at 0
    of_log : eta and sigma are of log y
    takes_exposure : log exposure may be added to eta
    takes_trials : y is a number of successes out of given numbers of trials, which stand where others have exposure
    may_be_squeezed : y is a proportion that cannot be 0 or 1
    has_levels : y is one of a few levels, which the data name, see :meth:`having_codes`
    has_mean : a mean says something of y; where its levels have no order there are their probabilities alone
    may_be_never : a group's order may be -1, y being 0 throughout
    has_bounds : y may be censored at ``min`` and ``max``, see :meth:`between`
    may_correlate : errors may be AR(1), or a subject may have random effects
    with_bounds, without_zeros, without_dispersion, without_trials : the family that is this one with bounds, without
        zero inflation, without psi, or of one trial
    residual_remedy : what to consider where residuals are not as the family says
    traj_model, traj_heading : ``model()`` of Stata's traj, and what heads its table; None for families it does not have
    sas_models : words for it after MODEL in a step of SAS's Proc Traj
    traj_band_fault : what is wrong with the confidence bands that traj plots; empty where nothing is
    """

    name: ClassVar[str]
    label: ClassVar[str]
    link: ClassVar[Link]
    predictors: ClassVar[tuple[str, ...]] = ("mean",)

    is_count: ClassVar[bool] = False
    is_hurdle: ClassVar[bool] = False
    is_binary: ClassVar[bool] = False
    is_positive: ClassVar[bool] = False
    of_log: ClassVar[bool] = False
    takes_exposure: ClassVar[bool] = False
    takes_trials: ClassVar[bool] = False
    has_levels: ClassVar[bool] = False
    may_be_squeezed: ClassVar[bool] = False
    has_mean: ClassVar[bool] = True
    may_be_never: ClassVar[bool] = False
    has_bounds: ClassVar[bool] = False
    may_correlate: ClassVar[bool] = False
    with_bounds: ClassVar[str | None] = None
    without_zeros: ClassVar[str | None] = None
    without_dispersion: ClassVar[str | None] = None
    without_trials: ClassVar[str | None] = None
    residual_remedy: ClassVar[str] = ""

    traj_model: ClassVar[str | None] = None
    traj_heading: ClassVar[str | None] = None
    sas_models: ClassVar[tuple[str, ...]] = ()
    traj_band_fault: ClassVar[str] = ""

    # how the engine computes
    has_scale: ClassVar[bool] = False  # the outcome may be shifted and scaled inside
    folds_exposure: ClassVar[bool] = False  # exposure goes into the statistics, see folded(), and makes no cells
    lagged: ClassVar[bool] = False  # an observation depends on the one before: pairs(), u["lag_mean"], u["gap"]
    by_value: ClassVar[bool] = False  # a design cell for each value of y, which terms() gets as u["y"]

    @property
    def has_zero_part(self) -> bool:
        """It has a polynomial for the probability of a 0, or of a 0 by nature."""
        return "zero" in self.predictors

    @property
    def is_zero_inflated(self) -> bool:
        """Zeros may be by nature, or may be the count's own."""
        return self.has_zero_part and not self.is_hurdle

    @property
    def curve_predictors(self) -> tuple[str, ...]:
        """Predictors that are curves on the mean's columns, with its covariates: the mean, and of some more."""
        return ("mean",)

    @property
    def has_denominator(self) -> bool:
        """Outcomes may have an exposure, or have trials."""
        return self.takes_exposure or self.takes_trials

    @property
    def is_discrete(self) -> bool:
        """y is a whole number."""
        return self.is_count or self.is_binary or self.takes_trials or self.has_levels

    @property
    def has_sigma(self) -> bool:
        return "log_sigma" in self.predictors

    @property
    def has_dispersion(self) -> bool:
        """It has an overdispersion psi."""
        return "log_psi" in self.predictors

    @property
    def ties_zeros(self) -> bool:
        """Zero inflation depends on eta by one number tau."""
        return "tau" in self.predictors

    @property
    def has_precision(self) -> bool:
        """It has a precision phi."""
        return "log_phi" in self.predictors

    @property
    def mean_range(self) -> tuple[float, float]:
        """Smallest and largest possible E(y)."""
        return RANGES[self.link]

    @property
    def title(self) -> str:
        """The label with a capital, as it heads a table."""
        return self.label[:1].upper() + self.label[1:]

    @abstractmethod
    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        """Mask (n,) of values this family cannot take, a sentence saying why, and the way out."""

    def problem_of_trials(self, y: np.ndarray, trials: np.ndarray) -> tuple[np.ndarray, str, str]:
        """The same of outcomes and their trials (n,); only where ``takes_trials``."""
        raise NotImplementedError

    @abstractmethod
    def statistics(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, S)."""

    def deviations(self, y: np.ndarray, level: np.ndarray) -> np.ndarray:
        """(n,) and (K, n) -> statistics (K, n, S) of y - level, whose mean is eta - level; only where ``has_scale``."""
        raise NotImplementedError

    def pairs(self, y: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Outcomes (n,) and those before them (n,) -> statistics (n, S); only where ``lagged``."""
        raise NotImplementedError

    def constant(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n,): the part of the log density free of parameters."""
        return np.zeros_like(y)

    def folded(self, statistics: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        """Statistics (n, S) of outcomes with these exposures (n,); only where ``folds_exposure``."""
        return np.concatenate([statistics[..., :1] * exposure[:, None], statistics[..., 1:]], axis=-1)

    def folded_constant(self, y: np.ndarray, exposure: np.ndarray) -> np.ndarray:
        """:meth:`constant` of outcomes with these exposures (n,); only where ``folds_exposure``."""
        return self.constant(y) + y * np.log(exposure)

    def exposed(self, u: Predictors, exposure: np.ndarray) -> dict[str, np.ndarray]:
        """Predictors (..., n) of observations that have these exposures (n,), or trials."""
        return {**u, "mean": u["mean"] + np.log(exposure)}

    def log_density(self, y: np.ndarray, u: Predictors) -> np.ndarray:
        """log f(y) (K, n) of outcomes (n,) and predictors (K, n), which have their exposure in them."""
        import torch

        given = {name: torch.from_numpy(np.ascontiguousarray(v)) for name, v in u.items()}
        if self.by_value:
            given["y"] = torch.from_numpy(np.array(y, dtype=float)).expand_as(given["mean"])
        with torch.no_grad():
            terms = self.terms(given).numpy()
        with np.errstate(invalid="ignore"):
            return np.asarray((terms * self.statistics(y)).sum(axis=-1) + self.constant(y))

    @abstractmethod
    def terms(self, u: Mapping[str, Tensor]) -> Tensor:
        """Predictors (...,) -> (..., S): what each statistic is multiplied with."""

    def slopes(self, u: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """First derivatives of :meth:`terms` by predictor, (..., S) each; a family may give them in closed form."""
        import torch

        leaves = {name: u[name].detach().requires_grad_() for name in self.predictors}
        with torch.enable_grad():
            terms = self.terms({**u, **leaves})
            columns = [
                torch.autograd.grad(
                    terms[..., s].sum(), list(leaves.values()), retain_graph=True, materialize_grads=True
                )
                for s in range(terms.shape[-1])
            ]
        # detached: zeros that stand for no derivative ask for one in older versions of torch
        return {name: torch.stack([c[j] for c in columns], dim=-1).detach() for j, name in enumerate(leaves)}

    def curvatures(self, u: Mapping[str, Tensor]) -> dict[tuple[str, str], Tensor]:
        """Second derivatives of :meth:`terms` by pair of predictors in their order, (..., S) each; 0 where absent."""
        import torch

        leaves = {name: u[name].detach().requires_grad_() for name in self.predictors}
        names, inputs = list(leaves), list(leaves.values())
        with torch.enable_grad():
            terms = self.terms({**u, **leaves})
            out: dict[tuple[str, str], list[Tensor]] = {}
            for s in range(terms.shape[-1]):
                first = torch.autograd.grad(terms[..., s].sum(), inputs, create_graph=True, materialize_grads=True)
                for i, a in enumerate(names):
                    rest = torch.autograd.grad(
                        first[i].sum() + 0 * inputs[i].sum(), inputs[i:], retain_graph=True, materialize_grads=True
                    )
                    for b, value in zip(names[i:], rest, strict=True):
                        out.setdefault((a, b), []).append(value)
        return {pair: torch.stack(values, dim=-1).detach() for pair, values in out.items()}

    def on_eta(self, y: np.ndarray) -> np.ndarray:
        """The outcome (n,) on the scale of eta, where its curve is looked for first: log y where ``is_positive``."""
        return y

    def features(self, y: np.ndarray) -> list[np.ndarray]:
        """What curves are first looked for in, each (n,): the outcome on the scale of eta, or its levels one by one."""
        return [self.on_eta(y)]

    def shown(self, u: Predictors) -> np.ndarray:
        """(..., V) what tells groups apart to who looks at them: E(y), or the probabilities of levels without order."""
        return self.expected(u)[..., None]

    def far_out(self, u: Predictors) -> np.ndarray:
        """Above which (...,) y lies with a probability that no one asks for; only where ``is_positive``."""
        raise NotImplementedError

    def moments(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, S'): columns whose totals :meth:`initial` takes; the statistics unless the family is by value."""
        return self.statistics(y)

    @abstractmethod
    def initial(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """Totals of :meth:`moments` (..., S') -> constant predictors (...,) to start from."""

    @abstractmethod
    def expected(self, u: Predictors) -> np.ndarray:
        """E(y) on the outcome's scale from predictors (...,)."""

    @abstractmethod
    def expected_gradient(self, u: Predictors) -> dict[str, np.ndarray]:
        """Derivative of :meth:`expected` with respect to each predictor."""

    @abstractmethod
    def variance(self, u: Predictors) -> np.ndarray:
        """Var(y) on the outcome's scale from predictors (...,)."""

    @abstractmethod
    def cumulative(self, y: np.ndarray, u: Predictors) -> tuple[np.ndarray, np.ndarray]:
        """P(Y < y) and P(Y <= y), each (...,); equal where y has no mass of its own."""

    @abstractmethod
    def simulate(self, u: Predictors, rng: np.random.Generator) -> np.ndarray:
        """Draw y from predictors (...,)."""

    def safe_curvature(
        self, a: str, b: str, curvature: Tensor, collected: Tensor, u: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Second derivative of Q in predictors a and b (B, K, C), altered so that a Newton step does not overshoot.

        ``collected`` (B, K, C, S) are the statistics of Q, ``u`` the predictors that they are taken at.
        """
        return curvature

    def seen_in(self, y: np.ndarray) -> Family:
        """The same family without statistics that are zero throughout ``y``."""
        return self

    def scaled(self, centre: float, scale: float) -> Family:
        """The family of (y - centre) / scale; only where ``has_scale``."""
        return self

    def having_codes(self, codes: tuple[float, ...] | None) -> Family:
        """The family whose levels have these values, ascending; only where ``has_levels``."""
        return self

    def between(self, lower: float | None, upper: float | None) -> Family:
        """The family censored at these bounds; only where ``has_bounds``."""
        return self


class CountFamily(Family):
    """What the families of counts share: y is 0, 1, 2, .. with mean e exp(eta), e the exposure."""

    link: ClassVar[Link] = "log"
    is_count: ClassVar[bool] = True
    takes_exposure: ClassVar[bool] = True
    may_be_never: ClassVar[bool] = True

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (y < 0) | (y != np.floor(y)), "counts must be whole numbers, 0 or more", "Round or recode them."


class PositiveFamily(Family):
    """What the families of positive measurements share: y > 0, statistics with log y, a density over log y."""

    link: ClassVar[Link] = "log"
    is_positive: ClassVar[bool] = True

    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        return (
            ~(y > 0),
            "values must be above 0",
            "Where 0 is none at all, model whether there is any (family 'logit') and how much, with 0 as missing, as "
            "two outcomes of the same groups; counts have families 'negbin' and 'zip'.",
        )

    def constant(self, y: np.ndarray) -> np.ndarray:
        return -np.log(y)

    def on_eta(self, y: np.ndarray) -> np.ndarray:
        return np.log(y)
