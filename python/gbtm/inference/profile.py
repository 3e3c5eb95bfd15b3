"""Profile-likelihood intervals: the values of a parameter that the data do not rule out, whatever the others are.

The interval holds the values c with 2 (max ll - max ll given c) <= chi-square quantile, each maximum over all other
parameters. Near a boundary, or where a Wald interval would leave the range, it is the honest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from ..arguments import checked
from ..checks import check_level
from ..errors import SpecificationError, warn
from ..model.blocks import SCALES
from ..record.rebuild import module_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..fit.fit import Fit
    from ..likelihood.mixture import Mixture

STEPS = 25
NEARLY = 1e-3  # log-likelihood still to be gained at which climbs are compared
STEPS_LAST = 100  # of the best of them
BRANCHES = 4  # conditional maxima that are followed
OF_NOTE = 6.0  # log-likelihood below the best of them within which another is one
ENOUGH = 1e-9  # log-likelihood still to be gained at which it has arrived
WIDEST = 1e6  # standard errors, and units of the linear predictor, beyond which an interval is open
LEAST = 0.1  # information that a direction is taken to have at least, for the length of a step
FIRST_STEP = 0.25  # of the way to where the end would be by the Wald interval; further out, of the way gone
SHORTEST = 1 / 16  # of the first step
FAR_STEP = 1.0  # of the way gone, from four such ways on
MOVES = 8  # rearrangements of the groups that are tried where a value decides
SETTLED = 1e-6  # log-likelihood by which a better maximum moves an end
TOLERANCE = 1e-8
HIGHER = 1e-3  # log-likelihood by which a conditional maximum shows that the fit is not the best optimum
DIGITS = 5  # of the values to start from again


@checked
def profile_interval(res: Fit, parameter: str, level: float = 0.95) -> tuple[float, float]:
    """Profile-likelihood interval of one parameter.

    Parameters
    ----------
    parameter : one of the names in ``res.params``, in whose units the interval is
    level : between 0 and 1

    Returns
    -------
    (lower, upper)
        Infinite (or 0, for a scale parameter) where the likelihood never falls far enough: the data set no bound.

    Raises
    ------
    SpecificationError
        For an unknown parameter, and for weighted fits, whose log-likelihood differences have no chi-square law.

    Warns
    -----
    GBTMWarning
        Where the log-likelihood along the profile exceeds the fit's: by how much, and from which values to fit again.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(n_starts=2)
    >>> low, high = res.profile_int("theta[2]")
    >>> round(low, 2), round(high, 2)
    (-0.39, 0.39)
    """
    ends, better = profile_ends(res, parameter, level)
    if better is not None:
        warn(better[1])
    return ends


def profile_ends(res: Fit, parameter: str, level: float) -> tuple[tuple[float, float], tuple[float, str] | None]:
    """As :func:`profile_interval`; beside the ends, by how much the fit is surpassed and the sentence that says so."""
    from ..compute.threads import with_gradients

    names = res.names
    if parameter not in names:
        raise SpecificationError(
            f"parameter: '{parameter}' is not in the model.", code="unknown_parameter", argument="parameter",
            way_out=f"The parameters are {', '.join(names[:12])}{', ..' if len(names) > 12 else ''}.",
        )
    if res.weights is not None:
        raise SpecificationError(
            "parameter: with sampling weights the log-likelihood is no sample's, and its profile has no known law.",
            code="weighted_profile", argument="parameter", way_out="Use conf_int(), which has robust standard errors.",
        )
    check_level(level)
    with with_gradients():
        profile = Profile(module_of(res), names.index(parameter))
        half = chi2.ppf(level, 1) / 2
        ends = [profile.end(side, half) for side in (-1.0, 1.0)]
        low, high = sorted(profile.reported(e) for e in ends)
        higher = profile.higher()
    if higher is None:
        return (low, high), None
    gain, start = higher
    return (low, high), (gain, (
        f"The profile of {parameter} finds a log-likelihood {gain:.3g} above the fit's: the fit is not the best "
        "optimum, and neither its estimates and standard errors nor this interval are those of the best. Fit again "
        f"with more starts (n_starts), or with start at these values: {', '.join(f'{v:.{DIGITS}g}' for v in start)}."))


class Profile:
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
                return [(float(self.module.total_loglik(flats[:1])[0]), starts[0])]
            done = newton(self.module, flats, steps=STEPS, tolerance=NEARLY, directions=self.free)
            # a climb that leaves what can be computed is none
            values = torch.nan_to_num(done.loglik, nan=-torch.inf).numpy()
            ends = done.flat.numpy()
            best = int(np.argmax(values))
            self.highest = max(self.highest, (float(values[best]), ends[best]), key=lambda m: m[0])
            kept = np.isfinite(values)
            if same is not None and self.layout.n_groups > 1:
                kept &= same(ends)
            order = [k for k in np.argsort(-values, kind="stable") if kept[k]]
            if not order:
                return []
            last = newton(self.module, done.flat[order[0]][None], steps=STEPS_LAST, tolerance=ENOUGH,
                          directions=self.free)
        value = float(last.loglik[0])
        maxima = [(value, last.flat[0].numpy()) if np.isfinite(value) else (float(values[order[0]]), ends[order[0]])]
        for k in order[1:]:
            if len(maxima) < BRANCHES and values[order[0]] - OF_NOTE < values[k] < maxima[-1][0] - 2 * NEARLY:
                maxima.append((float(values[k]), ends[k]))
        return maxima

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
            if len(near) == 2:  # on the line through the two last maxima
                starts.append(self._moved(flats[0], c, flats[0] - flats[1]))
                origins.append(flats[0])
        return np.stack(starts), np.stack(origins)

    def _near(self, c: float) -> list[tuple[float, np.ndarray]]:
        """Maxima at c that are climbed to from those at the next values, and from the fit."""
        starts, origins = self._followed(c)
        leaps = [self._moved(self.best, c)]
        if float(self.direction @ self.path) > 0:
            leaps.append(self._moved(self.best, c, self.path))

        def same(ends: np.ndarray) -> np.ndarray:
            n = len(origins)
            in_order = [self.matcher.same_order(x) for x in ends[n:]]
            return np.append(self.matcher.same_people(origins, ends[:n]), in_order)

        return self._climb(np.concatenate([starts, leaps]), same)

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

        Where no climb ends with the groups that it set out from: none when ``strict``, otherwise the best of those
        from the next values.
        """
        if c not in self.maxima:
            found = self._near(c)
            if not found and not strict:
                found = self._climb(self._followed(c)[0])
            if not found:
                return -np.inf
            self.maxima[c] = found
        if thorough:
            self._add(c, self._near(c))
        if thorough and self.layout.n_groups > 1:
            self._add(c, self._rearranged(c))
        return self.maxima[c][0][0]

    def _add(self, c: float, further: list[tuple[float, np.ndarray]]) -> None:
        self.maxima[c] = sorted(self.maxima[c] + further, key=lambda m: -m[0])[:BRANCHES]

    def drop(self, c: float, *, thorough: bool = False, strict: bool = False) -> float:
        return self.top - self.at(c, thorough=thorough, strict=strict)

    def end(self, side: float, half: float) -> float:
        """Internal value where the log-likelihood has first fallen by ``half``; infinite if it never does.

        Outwards in small steps, so that no gap is stepped over, until the fall is found and stands after groups have
        been rearranged; then between the last two values. A better maximum found there sends the search on.
        """
        inside, reach = self.centre, self.unit * np.sqrt(2 * half)
        widest = WIDEST * max(self.unit, 1.0)
        first = step = FIRST_STEP * reach
        while True:
            outside = self._next(inside, side * step, min(first, 1.0))
            while self.drop(outside) < half or (
                    np.isfinite(self.drop(outside)) and self.drop(outside, thorough=True) < half):
                gone = abs(outside - self.centre)
                if gone > widest:
                    return side * np.inf
                inside, step = outside, max(first, gone * (FAR_STEP if gone > 4 * reach else FIRST_STEP))
                outside = self._next(inside, side * step, min(first, 1.0))
            if self.drop(outside) == np.inf:  # it has not fallen as far out as there are numbers
                return side * np.inf
            root = float(brentq(lambda c: self.drop(c) - half, inside, outside, xtol=TOLERANCE * self.unit, rtol=1e-12))
            if self.drop(root, thorough=True) > half - SETTLED:
                return root
            inside, step = root, abs(outside - root)

    def _next(self, inside: float, step: float, least: float) -> float:
        """The value a ``step`` outwards, or a shorter one, down to ``least`` or a part of it, where the groups are
        others there, or no log-likelihood can be computed, as where exp() of it is infinite."""
        while self.drop(inside + step, strict=True) == np.inf and abs(step) > SHORTEST * least:
            step /= 2
        return inside + step

    def higher(self) -> tuple[float, np.ndarray] | None:
        """By how much the fit is surpassed, and the reported parameters (p,) that surpass it; None where it is not.

        The highest conditional maximum, climbed from with all parameters free. One that climbs on without end, as to a
        sigma of zero, is no better fit.
        """
        import torch

        from ..estimation.newton import newton

        value, flat = max((self.highest, *(m[0] for m in self.maxima.values())), key=lambda m: m[0])
        if not value > self.top + HIGHER:
            return None
        with torch.no_grad():
            done = newton(self.module, torch.as_tensor(flat)[None], steps=STEPS_LAST, tolerance=ENOUGH)
        if not bool(done.converged[0]):
            return None
        return float(done.loglik[0]) - self.top, self.layout.report(done.flat[0].numpy())

    def reported(self, c: float) -> float:
        """Internal value -> the user's units."""
        if self.scale is not None:
            with np.errstate(over="ignore"):
                at = self.best.copy()
                at[self.position] = c
                return float(self.layout.report(at)[self.position])
        return c + float(self.layout.report(self.best)[self.position]) - self.centre
