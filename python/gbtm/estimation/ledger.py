"""The distinct optima that a search found, and how many starts reached each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .newton import Climb

SAME_OPTIMUM = 1e-3  # log-likelihoods closer than this count as one optimum


@dataclass(frozen=True, eq=False)
class Optimum:
    """One place where starts ended."""

    flat: np.ndarray
    loglik: float
    hits: int
    converged: bool
    collapsed: bool


@dataclass
class Ledger:
    """Distinct optima with their hits."""

    optima: list[Optimum] = field(default_factory=list)
    n_failed: int = 0

    def add(self, climb: Climb, collapsed: np.ndarray, *, hits: int) -> None:
        flat, loglik = climb.flat.cpu().numpy(), climb.loglik.cpu().numpy()
        converged = climb.converged.cpu().numpy()
        for i in np.argsort(-np.nan_to_num(loglik, nan=-np.inf), kind="stable"):
            if not np.isfinite(loglik[i]) or not (converged[i] or collapsed[i]):
                self.n_failed += 1
            if np.isfinite(loglik[i]):
                self._note(
                    Optimum(flat[i], float(loglik[i]), hits, bool(converged[i]), bool(collapsed[i]))
                )
        self.optima.sort(key=lambda o: (o.collapsed, not o.converged, -o.loglik))

    def _note(self, new: Optimum) -> None:
        for j, old in enumerate(self.optima):
            same = abs(old.loglik - new.loglik) < SAME_OPTIMUM
            if same and old.collapsed == new.collapsed and old.converged == new.converged:
                keep = new if new.loglik > old.loglik else old
                self.optima[j] = Optimum(keep.flat, keep.loglik, old.hits + new.hits, keep.converged, keep.collapsed)
                return
        self.optima.append(new)

    def taken(self, some: list[Optimum]) -> list[Optimum]:
        """These of the optima, which are here no longer: all at once, since one that is added may stand for another."""
        self.optima = [o for o in self.optima if not any(o is optimum for optimum in some)]
        return some

    @property
    def usable(self) -> list[Optimum]:
        return [o for o in self.optima if o.converged and not o.collapsed]

    def unseen(self) -> float:
        """Estimated share of starts that would end at an optimum not seen yet (Boender and Rinnooy Kan 1987)."""
        n = sum(o.hits for o in self.usable)
        w = len([o for o in self.usable if o.hits])
        return w * (w + 1) / (n * (n - 1)) if n > 1 else 1.0
