"""The largest log-likelihoods with one parameter held at a value, as they are climbed to from value to value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..families.random_normal import RANDOM
from ..model.blocks import SCALES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..likelihood.mixture import Mixture

STEPS = 25
NEARLY = 1e-3  # log-likelihood still to be gained at which climbs are compared
STEPS_LAST = 100  # of the best of them
BRANCHES = 4  # conditional maxima that are followed
OF_NOTE = 6.0  # log-likelihood below the best of them within which another is one
ENOUGH = 1e-9  # log-likelihood still to be gained at which it has arrived
LEAST = 0.1  # information that a direction is taken to have at least, for the length of a step
MOVES = 8  # rearrangements of the groups that are tried where a value decides


class ConditionalMaxima:
    """The log-likelihood along one reported parameter, the others at their best.

    A reported parameter is a linear function of the internal ones or, for a scale parameter, a function of one of
    them: ``direction`` (p,) is its gradient, and the profile is taken over ``direction @ flat``.

    A conditional maximum is the best of several climbs, for the likelihood has more than one: from where the maximum
    was at the next values, from the fit, and where it decides, from groups split and put in others' places. The same
    curves under other numbers would make every interval reach over the other groups' values. So what is followed must
    keep from value to value the people of each group (:func:`~gbtm.likelihood.matching.same_people`), though little by
    little groups may change and empty; what is found from the fit must have its groups in their order, and what is
    found from rearranged groups, which may be anything, the fit's people in each.
    """

    def __init__(self, module: Mixture, position: int) -> None:
        import torch

        from ..likelihood.derivatives import observed
        from ..likelihood.matching import Matcher

        self.module, self.layout, self.position = module, module.layout, position
        self.best = module.flat().detach().numpy()
        block = next(b for b in self.layout.blocks if b.entries.start <= position < b.entries.stop)
        self.scale = SCALES[block.predictor] if block.is_scale else None
        self.is_even = block.predictor in RANDOM
        jacobian = self.layout.report_jacobian(self.best)[position]
        self.direction = np.eye(self.best.size)[position] if block.is_scale else jacobian
        self.centre = float(self.direction @ self.best)
        # an orthonormal basis of what the parameter leaves free
        full = np.linalg.svd(self.direction[None], full_matrices=True)[2]
        self.free = torch.from_numpy(full[1:].T.copy())
        self.matcher = Matcher(module, self.best)
        self.highest = (-np.inf, self.best)  # of all climbs, whatever became of their groups
        self.maxima = {self.centre: self._climb(self.best[None])}  # at each value, the best first
        self.top = self.maxima[self.centre][0][0]
        self.limit = np.inf  # log-likelihood of an interval's ends
        self.rng = np.random.default_rng(0)
        with torch.no_grad():
            information = -observed(module, torch.as_tensor(self.best)[None])[2][0].numpy()
        values, vectors = np.linalg.eigh(information)
        along = vectors.T @ self.direction
        good = values > 1e-6
        self.unit = float(np.sqrt((along**2 / values.clip(min=LEAST)).sum()))
        self.path = (vectors[:, good] / values[good]) @ along[good]  # where the others go as the parameter moves

    def _climb(
        self, starts: np.ndarray, same: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> list[tuple[float, np.ndarray]]:
        """The largest log-likelihood along the free directions from starts (B, p), and where it is; and after it the
        lesser ones of note, which may overtake it further on.

        Those alone that end where ``same`` (B, p) -> (B,) bool finds the groups the same. Nothing may be left.
        """
        import torch

        from ..estimation.newton import newton

        flats = torch.as_tensor(starts)
        with torch.no_grad():
            if not self.free.shape[1]:  # a model of one parameter
                return [(float(self.module.objective(flats[:1])[0]), starts[0])]
            done = newton(self.module, flats, steps=STEPS, tolerance=NEARLY, directions=self.free)
        # a climb that leaves what can be computed is none
        values = torch.nan_to_num(done.loglik, nan=-torch.inf).numpy()
        ends = done.flat.numpy()
        best = int(np.argmax(values))
        self.highest = max(self.highest, (float(values[best]), ends[best].copy()), key=lambda m: m[0])
        kept = np.isfinite(values)
        same = same if self.layout.n_groups > 1 else None
        if same is not None:
            kept &= same(ends)
        order = [k for k in np.argsort(-values, kind="stable") if kept[k]]
        maxima: list[tuple[float, np.ndarray]] = []
        while order and not maxima:
            k = order.pop(0)
            value, flat = self._arrived(float(values[k]), ends[k])
            ends[k] = flat
            if same is None or same(ends)[k]:  # groups may have changed places on the last steps
                maxima.append((value, flat.copy()))
        for k in order:
            if len(maxima) < BRANCHES and maxima[0][0] - OF_NOTE < values[k] < maxima[-1][0] - 2 * NEARLY:
                maxima.append((float(values[k]), ends[k]))
        return maxima

    def _arrived(self, value: float, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """A climb that is nearly there, (p,) and its log-likelihood, gone on with until it has arrived."""
        import torch

        from ..estimation.newton import newton

        with torch.no_grad():
            last = newton(self.module, torch.as_tensor(flat)[None], steps=STEPS_LAST, tolerance=ENOUGH,
                          directions=self.free)
        return (float(last.loglik[0]), last.flat[0].numpy()) if np.isfinite(float(last.loglik[0])) else (value, flat)

    def _moved(self, flat: np.ndarray, c: float, path: np.ndarray | None = None) -> np.ndarray:
        """``flat`` with the parameter at internal value c, the others unchanged or moved along ``path``."""
        path = self.direction if path is None else path
        return flat + path * ((c - float(self.direction @ flat)) / float(self.direction @ path))

    def _followed(self, c: float) -> tuple[np.ndarray, np.ndarray]:
        """Starts (B, p) at value c from the maxima at the next values, and which maxima these are, (B, p)."""
        below = sorted((x for x in self.maxima if x < c), reverse=True)[:2]
        above = sorted(x for x in self.maxima if x > c)[:2]
        starts, origins = [], []
        for near in (below, above):
            flats = [self.maxima[x][0][1] for x in near]
            for _, flat in self.maxima[near[0]] if near else []:
                starts.append(self._moved(flat, c))
                origins.append(flat)
            if len(near) == 2 and float(self.direction @ (flats[0] - flats[1])) != 0:  # on their line
                starts.append(self._moved(flats[0], c, flats[0] - flats[1]))
                origins.append(flats[0])
        return np.stack(starts), np.stack(origins)

    def _near(self, c: float) -> tuple[list[tuple[float, np.ndarray]], bool]:
        """Maxima at c that are climbed to from those at the next values, and from the fit; and whether any is from
        those at the next values."""
        import torch

        starts, origins = self._followed(c)
        leaps = [self._moved(self.best, c)]
        if float(self.direction @ self.path) > 0:
            leaps.append(self._moved(self.best, c, self.path))

        with torch.no_grad():
            begun = self.module.objective(torch.as_tensor(starts)).numpy()
        # what sets out above the limit and climbs is joined to where it comes from by values above the limit
        joined = np.nan_to_num(begun, nan=-np.inf) > self.limit
        followed = np.ones(len(origins), dtype=bool)

        def same(ends: np.ndarray) -> np.ndarray:
            n = len(origins)
            followed[:] = joined | self.matcher.same_people(origins, ends[:n])
            return np.append(followed, [self.matcher.same_order(x) for x in ends[n:]])

        found = self._climb(np.concatenate([starts, leaps]), same)
        return found, bool(found) and bool(followed.any())

    def _rearranged(self, c: float) -> list[tuple[float, np.ndarray]]:
        """Maxima at c that are climbed to from rearranged groups, and have the fit's groups."""
        from ..estimation.rearrange import rearranged

        optima = np.stack([flat for _, flat in self.maxima[c]] + [self.best])
        moves = rearranged(self.layout, optima, self.rng, MOVES)
        starts = np.stack([self._moved(x, c) for x in moves])
        return self._climb(starts, lambda ends: self.matcher.same_people(np.tile(self.best, (len(ends), 1)), ends))

    def at(self, c: float, *, thorough: bool = False, strict: bool = False) -> float:
        """Largest log-likelihood with the parameter at internal value c; when ``thorough``, from all that has been seen
        near by now, and from rearranged groups.

        Where no climb from the next values ends with the groups that it set out from: none when ``strict``, otherwise
        one from the fit that does, or the best of those from the next values.
        """
        if c not in self.maxima:
            found, followed = self._near(c)
            if strict and not followed:
                return -np.inf
            if not found:
                found = self._climb(self._followed(c)[0])
            if not found:
                return -np.inf
            self.maxima[c] = found
        if thorough:
            self._add(c, self._near(c)[0])
        if thorough and self.layout.n_groups > 1:
            self._add(c, self._rearranged(c))
        return self.maxima[c][0][0]

    def _add(self, c: float, further: list[tuple[float, np.ndarray]]) -> None:
        self.maxima[c] = sorted(self.maxima[c] + further, key=lambda m: -m[0])[:BRANCHES]

    def drop(self, c: float, *, thorough: bool = False, strict: bool = False) -> float:
        return self.top - self.at(c, thorough=thorough, strict=strict)
