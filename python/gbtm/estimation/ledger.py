"""The distinct optima that a search found, and how many starts reached each.

Two starts ended at one optimum where their log-likelihoods agree and so do the densities that they give every subject.
What the groups are like shows there whatever their labels are, and only where the data feel it: the curve of an empty
group, coefficients on their way to infinity and the shares of two groups with one curve may be anything.

The distance of two points is D = sqrt(sum_i s_i (log L_i - log L_i')^2), by the information equality about
sqrt(d' I d) for a step d: a length in standard errors. Places whose log-likelihoods are within e of one maximum are at
most sqrt(2 e) from it, and 2 sqrt(2 e) from each other; more by the root of J / I where the family is wrong and scores
spread more than the curvature says. Converged starts are a hundred times closer, different optima farther apart than 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from ..likelihood.mixture import Mixture
from .newton import Climb

SAME_OPTIMUM = 1e-3  # log-likelihoods closer than this may be of one optimum
MISFIT = 3.0  # root of J / I that is allowed for
SAME_DENSITIES = MISFIT * 2 * np.sqrt(2 * SAME_OPTIMUM)  # and are, where the subjects' densities are no farther apart
RIVAL_Z = 5.0
FULL_OPTIMA = 3  # of these optima, the best are then climbed to with all subjects


@dataclass(frozen=True, eq=False)
class Optimum:
    """One place where starts ended; ``densities`` (U,) are the log-likelihoods of the distinct subjects there.

    ``loglik`` is what is maximised, the ``log_prior`` in it, 0 where there is none.
    """

    flat: np.ndarray
    loglik: float
    hits: int
    converged: bool
    collapsed: bool
    densities: np.ndarray
    log_prior: float = 0.0


@dataclass
class Ledger:
    """Distinct optima of one likelihood with their hits."""

    module: Mixture
    optima: list[Optimum] = field(default_factory=list)
    n_failed: int = 0

    def add(self, climb: Climb, collapsed: np.ndarray, *, hits: int | list[int]) -> None:
        """Note where runs ended, with the ``hits`` of all or of each."""
        each = [hits] * len(collapsed) if isinstance(hits, int) else hits
        flat, loglik = climb.flat.cpu().numpy(), climb.loglik.cpu().numpy()
        converged = climb.converged.cpu().numpy()
        densities = self.module.subject_logliks(climb.flat).cpu().numpy()
        for i in np.argsort(-np.nan_to_num(loglik, nan=-np.inf), kind="stable"):
            if not np.isfinite(loglik[i]) or not (converged[i] or collapsed[i]):
                self.n_failed += 1
            if np.isfinite(loglik[i]):
                ended = bool(converged[i]), bool(collapsed[i])
                self._note(Optimum(flat[i], float(loglik[i]), each[i], *ended, densities[i].copy()))
        self.optima.sort(key=lambda o: (o.collapsed, not o.converged, -o.loglik))

    def _note(self, new: Optimum) -> None:
        for j, old in enumerate(self.optima):
            if old.collapsed == new.collapsed and old.converged == new.converged and same(old, new, self.module):
                self.optima[j] = replace(new if new.loglik > old.loglik else old, hits=old.hits + new.hits)
                return
        self.optima.append(new)

    def returned(self, known: list[Optimum], counts: np.ndarray) -> None:
        """So many starts have come back to each of the optima."""
        more = {id(o): int(n) for o, n in zip(known, counts, strict=True)}
        self.optima = [replace(o, hits=o.hits + more[id(o)]) if more.get(id(o)) else o for o in self.optima]

    def taken(self, some: list[Optimum]) -> list[Optimum]:
        """These of the optima, which are here no longer: all at once, since one that is added may stand for another."""
        self.optima = [o for o in self.optima if not any(o is optimum for optimum in some)]
        return some

    @property
    def usable(self) -> list[Optimum]:
        return [o for o in self.optima if o.converged and not o.collapsed]

    def rivals(self) -> list[Optimum]:
        """The best optimum, and those that a paired z test on the subjects' log-likelihoods does not rule out."""
        optima = self.usable[:FULL_OPTIMA]
        if len(optima) < 2:
            return optima
        flats = torch.as_tensor(np.stack([o.flat for o in optima]), device=self.module.device)
        logliks = self.module.subject_loglik(flats)
        gap = logliks[0] - logliks[1:]
        weight = self.module.weight / self.module.weight.sum()
        mean = gap @ weight
        spread = (((gap - mean[:, None]) ** 2) @ weight / self.module.weight.sum()).sqrt()
        near = (mean < RIVAL_Z * spread).tolist()
        return optima[:1] + [o for o, keep in zip(optima[1:], near, strict=True) if keep]

    def unseen(self) -> float:
        """Estimated share of starts that would end at an optimum not seen yet (Boender and Rinnooy Kan 1987)."""
        n = sum(o.hits for o in self.usable)
        w = len([o for o in self.usable if o.hits])
        return w * (w + 1) / (n * (n - 1)) if n > 1 else 1.0


def distance(a: Optimum, b: Optimum, module: Mixture) -> float:
    """How far the densities of the subjects are apart, about in standard errors."""
    return float(np.sqrt((a.densities - b.densities) ** 2 @ module.judged.cpu().numpy()))


def same(a: Optimum, b: Optimum, module: Mixture) -> bool:
    """Two starts ended at one optimum."""
    return abs(a.loglik - b.loglik) < SAME_OPTIMUM and distance(a, b, module) < SAME_DENSITIES
