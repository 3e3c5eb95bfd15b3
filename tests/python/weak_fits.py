"""Mixtures that the data hardly determine, simulated, and their profiles by scipy from a log-likelihood in numpy.

150 people in six waves, three groups of order 1 with shares .7, .2 and .1: of binary outcomes, counts, and counts with
zeros of their own. Nothing here is the package's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment, minimize
from scipy.special import expit, gammaln, log_expit, log_softmax, logsumexp, softmax

TIMES = np.arange(6) / 5
CURVES = {
    "logit": [(-2.5, 0.5), (-1.0, 3.0), (1.5, -2.0)],
    "poisson": [(-1.5, 0.5), (0.0, 0.9), (1.0, -1.0)],
    "zip": [(-1.0, 0.5), (0.3, 0.9), (1.3, -1.0)],
}
SHARES = (0.7, 0.2, 0.1)
ZEROS = 0.3
FEW = 0.1  # of the people, in other groups a step further
HALVINGS = 5  # of a step
NEARLY = 1e-3  # log-likelihood by which one is as high as another
FARTHEST = 60.0  # of a linear predictor: beyond, exp() of a count's is as good as infinite


def simulated(family: str, seed: int, n: int = 150) -> np.ndarray:
    """(n, 6) outcomes."""
    rng = np.random.default_rng([seed, list(CURVES).index(family)])
    b = np.array(CURVES[family])[rng.choice(3, n, p=SHARES)]
    eta = b[:, :1] + b[:, 1:] * TIMES
    if family == "logit":
        return (rng.random(eta.shape) < expit(eta)).astype(float)
    y = rng.poisson(np.exp(eta)).astype(float)
    return np.where(rng.random(eta.shape) < ZEROS, 0.0, y) if family == "zip" else y


def long_table(y: np.ndarray) -> pd.DataFrame:
    n = len(y)
    return pd.DataFrame({"id": np.repeat(np.arange(n), 6), "t": np.tile(TIMES, n), "y": y.ravel()})


@dataclass
class Likelihood:
    """Of intercepts and slopes of three groups, for zip the logit of zeros of their own, and theta of the last two."""

    family: str
    y: np.ndarray
    rows: np.ndarray = field(init=False)
    count: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.rows, self.count = np.unique(self.y, axis=0, return_counts=True)

    def _terms(self, eta: np.ndarray, zero: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """log f (N, 3, 6) and its derivatives in eta and in the logit of zeros."""
        y = self.rows[:, None]
        if self.family == "logit":
            return y * log_expit(eta) + (1 - y) * log_expit(-eta), y - expit(eta), np.zeros(1)
        rate = np.exp(eta)
        poisson, slope = y * eta - rate - gammaln(y + 1), y - rate
        if self.family == "poisson":
            return poisson, slope, np.zeros(1)
        none = np.logaddexp(log_expit(zero), log_expit(-zero) - rate)
        from_count = np.exp(log_expit(-zero) - rate - none)  # of a zero, that it is the count's
        return (
            np.where(y > 0, log_expit(-zero) + poisson, none), np.where(y > 0, slope, -rate * from_count),
            np.where(y > 0, -expit(zero), expit(-zero) - from_count),
        )

    def posterior(self, x: np.ndarray) -> np.ndarray:
        """(N, 3) of each distinct row."""
        eta = np.clip(x[:6].reshape(3, 2)[:, :1] + x[:6].reshape(3, 2)[:, 1:] * TIMES, -np.inf, FARTHEST)
        return softmax(self._terms(eta, x[6])[0].sum(2) + log_softmax(np.append(0.0, x[-2:])), axis=1)

    def __call__(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The log-likelihood and its gradient (p,)."""
        b, theta = x[:6].reshape(3, 2), np.append(0.0, x[-2:])
        eta = b[:, :1] + b[:, 1:] * TIMES
        terms, in_eta, in_zero = self._terms(np.clip(eta, -np.inf, FARTHEST), x[6])
        joint = terms.sum(2) + log_softmax(theta)
        each = logsumexp(joint, axis=1)
        p = np.exp(joint - each[:, None]) * self.count[:, None]
        of_eta = (p[:, :, None] * in_eta).sum(0)
        gradient = np.stack([of_eta.sum(1), (of_eta * TIMES).sum(1)], axis=1).ravel()
        of_theta = (p.sum(0) - self.count.sum() * softmax(theta))[1:]
        zero = [(p[:, :, None] * in_zero).sum()] if self.family == "zip" else []
        return float(self.count @ each), np.concatenate([gradient, zero, of_theta])


@dataclass
class Held:
    """The largest log-likelihood with the j-th parameter held at a value, by scipy's trust region."""

    loglik: Likelihood
    j: int

    def climb(self, value: float, start: np.ndarray) -> tuple[float, np.ndarray]:
        """From the others at ``start`` (p,); the log-likelihood and where it is, (p,)."""
        def minus(rest: np.ndarray) -> tuple[float, np.ndarray]:
            value_there, gradient = self.loglik(np.insert(rest, self.j, value))
            return (-value_there, -np.delete(gradient, self.j)) if np.isfinite(value_there) else (1e300, rest * 0)

        def hessian(rest: np.ndarray) -> np.ndarray:
            step = 1e-5 * np.maximum(np.abs(rest), 1.0)
            columns = [(minus(rest + h)[1] - minus(rest - h)[1]) / (2 * h.max()) for h in np.diag(step)]
            return 0.5 * (np.array(columns) + np.array(columns).T)

        found = minimize(minus, np.delete(start, self.j), jac=True, hess=hessian, method="trust-exact",
                         options={"gtol": 1e-6, "maxiter": 200})
        return -float(found.fun), np.insert(found.x, self.j, value)

    def _in_order(self, centre: np.ndarray, x: np.ndarray) -> bool:
        """Whether no other order of the groups at x would put more people into the groups that they have at centre."""
        shared = (self.loglik.posterior(centre) * self.loglik.count[:, None]).T @ self.loglik.posterior(x)
        return bool((linear_sum_assignment(-shared)[1] == range(3)).all())

    def _changed(self, a: np.ndarray, b: np.ndarray) -> float:
        """The share of the people who are in another group at b than at a."""
        gap = np.abs(self.loglik.posterior(a) - self.loglik.posterior(b)).sum(1) / 2
        return float(gap @ self.loglik.count / self.loglik.count.sum())

    def follow(self, x: np.ndarray, value: float, limit: float, before: np.ndarray | None = None,
               enough: float = np.inf, halvings: int = HALVINGS) -> tuple[float, np.ndarray]:
        """Climbed to from the line through ``before`` and x (p,), and from x: with few people in other groups than
        there, in steps as short as that needs. A climb that sets out above the limit stays above it, and may end
        anywhere; one that sets out below has come over a gap when it ends elsewhere, and is none: minus infinity, at
        x. The first that is high ``enough`` will do."""
        starts = [np.insert(np.delete(x, self.j), self.j, value)]
        if before is not None and x[self.j] != before[self.j]:
            starts.insert(0, x + (value - x[self.j]) / (x[self.j] - before[self.j]) * (x - before))
        best, where = -np.inf, x
        for start in starts:
            there, end = self.climb(value, start)
            if there > best and (self.loglik(start)[0] > limit or self._changed(x, end) < FEW):
                best, where = there, end
            if best >= enough:
                return best, where
        if best > -np.inf or not halvings:
            return best, where
        half_way, middle = self.follow(x, (x[self.j] + value) / 2, limit, None, enough, halvings - 1)
        return (half_way, x) if half_way == -np.inf else self.follow(middle, value, limit, None, enough, halvings - 1)

    def along(self, centre: np.ndarray, values: np.ndarray, limit: float) -> Iterator[tuple[float, float]]:
        """(value, log-likelihood) at values further and further out, each from where the last two were, and from the
        estimates (p,), where that leaves the groups in their order."""
        before, last = None, centre
        for value in values:
            found = [self.follow(last, value, limit, before)]
            found += [f for f in [self.climb(value, centre)] if self._in_order(centre, f[1])]
            best, where = max(found, key=lambda f: f[0])
            if np.isfinite(best):
                before, last = last, where
            yield float(value), best

    def whatever(self, x: np.ndarray, near: float, limit: float) -> bool:
        """Whether the log-likelihood at x (p,) is above the limit with the parameter at any value from ``near`` on."""
        values = near + (x[self.j] - near) * np.concatenate([np.linspace(0, 1e-3, 200), np.geomspace(1e-3, 1, 50)])
        return min(self.loglik(np.insert(np.delete(x, self.j), self.j, v))[0] for v in values) > limit

    def empties(self, centre: np.ndarray, limit: float) -> bool:
        """Whether the group whose curve the parameter belongs to may lose all its people with the log-likelihood above
        the limit, its share lower and lower and all else climbed to from the estimates (p,): the parameter may then be
        anything. Asked of the groups that have a theta."""
        group = self.j // 2
        if not 1 <= group <= 2:
            return False
        share = Held(self.loglik, centre.size - 3 + group)
        way = share.along(centre, centre[share.j] - np.array([0.25, 0.5, 1, 2, 4, 8, 16, 32]), limit)
        return min(there for _, there in way) > limit

    def lowest(self, chain: list[list[np.ndarray]], limit: float) -> float:
        """The least log-likelihood on the way through the maxima (p,) at values further and further out: twice between
        two, and at each, where what is climbed to from the maxima at either, or at the next."""
        least = [self.loglik(chain[0][0])[0]]
        for k, (inner, outer) in enumerate(pairwise(chain)):
            next_out = chain[k + 2] if k + 2 < len(chain) else []
            for value in np.linspace(inner[0][self.j], outer[0][self.j], 4)[1:]:
                last = value == outer[0][self.j]
                there = self.loglik(outer[0])[0] if last else -np.inf
                for x, to in [*((x, outer[0]) for x in inner), *((x, inner[0]) for x in (next_out if last else outer))]:
                    if there < limit:
                        there = max(there, self.follow(x, value, limit, to, limit, 1)[0])
                least.append(there)
        return min(least)

    def leaps(self, chain: list[list[np.ndarray]], limit: float) -> list[float]:
        """The values at which the first of the maxima (p,) has neither the groups of the first of all in their order,
        nor is followed to from any at the value before."""
        over, before = [], None
        for inner, outer in pairwise(chain):
            value, there = outer[0][self.j], self.loglik(outer[0])[0] - NEARLY
            if not self._in_order(chain[0][0], outer[0]) and all(
                    self.follow(x, value, limit, before, there)[0] < there for x in inner):
                over.append(float(value))
            before = inner[0]
        return over
