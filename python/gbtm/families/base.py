"""What a family is: a log density that is linear in a few statistics of y, given its linear predictors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Predictors = Mapping[str, np.ndarray]


class Family(ABC):
    """One outcome distribution.

    The log density of y is ``constant(y) + sum_s statistics(y)_s * terms(u)_s`` where u holds the linear predictors:
    ``mean`` (eta), and for some families ``zero`` (logit of the zero-inflation probability) or ``log_sigma``.
    Sums of statistics over the observations of a design cell are all that a fit needs of the data.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    predictors: ClassVar[tuple[str, ...]] = ("mean",)
    has_scale: ClassVar[bool] = False  # the outcome may be shifted and scaled inside
    folds_exposure: ClassVar[bool] = False  # exposure multiplies the first statistic and makes no cells of its own
    lagged: ClassVar[bool] = False  # an observation depends on the one before: pairs(), u["lag_mean"], u["gap"]
    by_value: ClassVar[bool] = False  # a design cell for each value of y, which terms() gets as u["y"]

    @abstractmethod
    def problem(self, y: np.ndarray) -> tuple[np.ndarray, str, str]:
        """Mask (n,) of values this family cannot take, a sentence saying why, and the way out."""

    @abstractmethod
    def statistics(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n, S)."""

    def pairs(self, y: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Outcomes (n,) and those before them (n,) -> statistics (n, S); only where ``lagged``."""
        raise NotImplementedError

    def constant(self, y: np.ndarray) -> np.ndarray:
        """(n,) -> (n,): the part of the log density free of parameters."""
        return np.zeros_like(y)

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
        return {name: torch.stack([c[j] for c in columns], dim=-1) for j, name in enumerate(leaves)}

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
        return {pair: torch.stack(values, dim=-1) for pair, values in out.items()}

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


def whole_counts(y: np.ndarray) -> tuple[np.ndarray, str, str]:
    """The check shared by the count families."""
    return (y < 0) | (y != np.floor(y)), "counts must be whole numbers, 0 or more", "Round or recode them."
