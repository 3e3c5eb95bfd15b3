"""Predictive distributions: mixtures of one family, a component for each group or for each simulated path.

F(y) = sum_c w_c F(y; u_c), with w_c the probability of component c and u_c its linear predictors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from ..families import Family
from ..model.squeezed import into_interval, out_of_interval

CHUNK = 2_000_000  # components looked at together
LARGEST_COUNT = 2.0**40
BISECTIONS = 80
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class Predictive:
    """The distributions of n outcomes.

    Attributes
    ----------
    family : of all components
    weights : (C, n), columns that add up to 1
    predictors : of each predictor of the family (C, n), on the user's scale
    squeezed_by : the family is that of (y (m - 1) + 1/2) / m with this m, 0 where it is that of y: all that is asked
        and answered is y, between 0 and 1, where what the family has beyond lies too
    """

    family: Family
    weights: np.ndarray
    predictors: dict[str, np.ndarray]
    squeezed_by: int = 0

    @property
    def n(self) -> int:
        return int(self.weights.shape[1])

    @property
    def is_discrete(self) -> bool:
        """Outcomes are whole numbers."""
        return self.family.is_discrete

    def take(self, at: np.ndarray) -> Predictive:
        """Some of the n distributions."""
        return replace(self, weights=self.weights[:, at], predictors={k: v[:, at] for k, v in self.predictors.items()})

    def mean(self) -> np.ndarray:
        """(n,) expected outcomes."""
        with np.errstate(over="ignore"):
            inside = np.asarray((self.weights * self.family.expected(self.predictors)).sum(axis=0))
        return out_of_interval(inside, self.squeezed_by)

    def sd(self) -> np.ndarray:
        """(n,) standard deviations: within components and between their means."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean = self.family.expected(self.predictors) + 0 * self.predictors["mean"]
            square = self.family.variance(self.predictors) + mean**2
            overall = (self.weights * mean).sum(axis=0)
            inside = np.asarray(np.sqrt(np.maximum((self.weights * square).sum(axis=0) - overall**2, 0.0)))
        m = self.squeezed_by
        return inside * (m / (m - 1)) if m else inside

    def cumulative(self, y: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """P(Y < y) and P(Y <= y), (n,) each."""
        asked = np.broadcast_to(np.asarray(y, dtype=float), (self.n,))
        below, upto = self._cumulative(into_interval(asked, self.squeezed_by))
        if self.squeezed_by:
            below = np.where(asked <= 0, 0.0, np.where(asked > 1, 1.0, below))
            upto = np.where(asked < 0, 0.0, np.where(asked >= 1, 1.0, upto))
        return below, upto

    def _cumulative(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same of what the family is of."""
        with np.errstate(over="ignore", invalid="ignore"):
            below, upto = self.family.cumulative(at, self.predictors)
        none = at < 0 if self.is_discrete else np.zeros(self.n, dtype=bool)
        return tuple(  # type: ignore[return-value]
            np.where(none, 0.0, np.clip((self.weights * part).sum(axis=0), 0.0, 1.0)) for part in (below, upto))

    def positive(self) -> np.ndarray:
        """(n,) P(Y > 0)."""
        return np.asarray(1 - self.cumulative(0.0)[1])

    def log_density(self, y: np.ndarray | float) -> np.ndarray:
        """(n,) log of the probability of y, or of its density where it has none."""
        asked, m = np.broadcast_to(np.asarray(y, dtype=float), (self.n,)), self.squeezed_by
        at = into_interval(asked, m)
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = np.asarray(logsumexp(
                np.log(np.maximum(self.weights, SMALLEST)) + self.family.log_density(at, self.predictors), axis=0))
        return np.where((asked < 0) | (asked > 1), -np.inf, inside + np.log1p(-1 / m)) if m else inside

    def quantile(self, p: float) -> np.ndarray:
        """(n,) the smallest y with P(Y <= y) >= p."""
        step = max(1, CHUNK // max(self.weights.shape[0], 1))
        parts = [self.take(np.arange(i, min(i + step, self.n)))._quantile(p) for i in range(0, self.n, step)]
        inside = np.concatenate([np.empty(0), *parts])
        return np.clip(out_of_interval(inside, self.squeezed_by), 0.0, 1.0) if self.squeezed_by else inside

    def _quantile(self, p: float) -> np.ndarray:
        def reached(y: np.ndarray) -> np.ndarray:
            return np.asarray(self._cumulative(y)[1] >= p)

        if self.is_discrete:
            return smallest_whole(reached, self.n)
        low, high = self._range()
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            enough = reached(middle)
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        bounds = [b for b in (getattr(self.family, "lower", None), getattr(self.family, "upper", None))
                  if b is not None and np.isfinite(b)]
        for bound in bounds:  # which has a probability of its own
            high = np.where(np.abs(high - bound) <= 1e-9 * (1 + abs(bound)), bound, high)
        return high

    def _range(self) -> tuple[np.ndarray, np.ndarray]:
        """Between which values (n,) each all outcomes lie but for a share that no one asks for."""
        low, high = self.family.mean_range
        if np.isfinite(low) and np.isfinite(high):
            return np.full(self.n, low), np.full(self.n, high)
        if self.family.is_positive:
            return np.zeros(self.n), np.asarray(self.family.far_out(self.predictors).max(axis=0))
        spread = np.exp(self.predictors["log_sigma"]) + 0 * self.predictors["mean"]
        ends = [(self.predictors["mean"] + s * 12 * spread) for s in (-1, 1)]
        lower, upper = getattr(self.family, "lower", -np.inf), getattr(self.family, "upper", np.inf)
        return np.clip(ends[0].min(axis=0), lower, upper), np.clip(ends[1].max(axis=0), lower, upper)

    def simulate(self, rng: np.random.Generator) -> np.ndarray:
        """(n,) a draw of each."""
        upper = np.cumsum(self.weights, axis=0)
        which = np.minimum((rng.random(self.n) > upper).sum(axis=0), self.weights.shape[0] - 1)
        at = np.arange(self.n)
        inside = np.asarray(self.family.simulate({k: v[which, at] for k, v in self.predictors.items()}, rng))
        return np.clip(out_of_interval(inside, self.squeezed_by), 0.0, 1.0) if self.squeezed_by else inside


def smallest_whole(reached: Callable[[np.ndarray], np.ndarray], n: int) -> np.ndarray:
    """(n,) the smallest whole numbers from 0 on of which ``reached`` is true, by doubling and bisection."""
    low, high = np.full(n, -1.0), np.zeros(n)
    open_end = ~reached(high)
    while open_end.any() and high.max() < LARGEST_COUNT:
        low = np.where(open_end, high, low)
        high = np.where(open_end, 2 * high + 1, high)
        open_end = ~reached(high)
    while (high - low > 1).any():
        middle = np.floor(0.5 * (low + high))
        enough = reached(middle)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
