"""The log-likelihood along one parameter, the others at their best, and where it has fallen so far."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq, minimize_scalar

from .conditional_maxima import ENOUGH, STEPS_LAST, ConditionalMaxima

WIDEST = 1e6  # standard errors, and units of the linear predictor, beyond which an interval is open
FIRST_STEP = 0.25  # of the way to where the end would be by the Wald interval; further out, of the way gone
SHORTEST = 1 / 16  # of the first step
FAR = 4  # ways to where the end would be by the Wald interval
PROBES = 10  # between three values of which that in the middle is lowest
MEETINGS = 6  # of lines along the profile from two values, one between the other two
ASIDE = 0.1  # of the way between them, of one from either
FAR_STEP = 1.0  # of the way gone, from so far on
SETTLED = 1e-6  # log-likelihood by which a better maximum moves an end
ON_THE_WAY = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)  # parts of it, to infinity
TOLERANCE = 1e-8
HIGHER = 1e-3  # log-likelihood by which a conditional maximum shows that the fit is not the best optimum


class Profile(ConditionalMaxima):
    """The ends of an interval, and by how much the fit is surpassed on the way to them."""

    def end(self, side: float, half: float) -> float:
        """Internal value where the log-likelihood has first fallen by ``half``; infinite if it never does.

        Outwards in small steps, so that no gap is stepped over, until the fall is found and stands after groups have
        been rearranged; then between the last two values. A better maximum found there sends the search on. Infinite
        is shown by values up to WIDEST, or as far as there are numbers, at which it has not fallen so far.
        """
        self.limit = self.top - half
        before = inside = self.centre
        reach, widest = self.unit * np.sqrt(2 * half), WIDEST * max(self.unit, 1.0)
        first = step = FIRST_STEP * reach
        while True:
            outside = self._next(inside, side * step, min(first, 1.0), reach)
            while self.drop(outside) < half or (
                    np.isfinite(self.drop(outside)) and self.drop(outside, thorough=True) < half):
                gone = abs(outside - self.centre)
                if gone > widest or self._without_bound(inside, outside, self.centre + side * widest):
                    return side * np.inf
                over = self._met(inside, outside, half)
                if over is None and gone > FAR * reach:
                    over = self._stepped_over(before, inside, outside, half)
                    inside = inside if over is None else before
                if over is not None:
                    outside = over
                    break
                before, inside = inside, outside
                step = max(first, gone * (FAR_STEP if gone > FAR * reach else FIRST_STEP))
                outside = self._next(inside, side * step, min(first, 1.0), reach)
            if self.drop(outside) == np.inf:  # it has not fallen as far out as there are numbers
                return side * np.inf
            root = float(brentq(lambda c: self.drop(c) - half, inside, outside, xtol=TOLERANCE * self.unit, rtol=1e-12))
            if self.drop(root, thorough=True) > half - SETTLED:
                return root
            before, inside, step = inside, root, abs(outside - root)

    def _without_bound(self, inside: float, c: float, far: float) -> bool:
        """Whether the log-likelihood at c stays the same up to ``far``, as where its group holds nobody: for
        log(p f + q g) is then at least that of p f, whatever g is; or where it has not changed from ``inside`` to c,
        and has not at the maximum ``far`` out either, nor on the line that leads there."""
        value, flat = self.maxima[c][0]
        if self._same_up_to(value, flat, self._moved(flat, far)):
            self.maxima[far] = [(value, self._moved(flat, far))]
            return True
        if abs(self.at(inside) - value) > SETTLED:
            return False
        if abs(self.at(far, strict=True) - value) < SETTLED and self._same_up_to(value, flat, self.maxima[far][0][1]):
            return True
        self.maxima.pop(far, None)
        return False

    def _same_up_to(self, value: float, flat: np.ndarray, end: np.ndarray) -> bool:
        """Whether the log-likelihood is ``value`` all the way from (p,) to (p,), of which only the first parts and the
        last are looked at."""
        import torch

        flats = np.stack([flat + part * (end - flat) for part in ON_THE_WAY])
        with torch.no_grad():
            there = self.module.objective(torch.as_tensor(flats)).numpy()
        return bool((np.abs(there - value) < SETTLED).all())

    def _slope(self, c: float) -> float:
        """By how much the largest log-likelihood falls per unit of the parameter at c; what the others do does not
        count, for they are at their best."""
        import torch

        from ..likelihood.derivatives import observed

        with torch.no_grad():
            gradient = observed(self.module, torch.as_tensor(self.maxima[c][0][1])[None])[1][0].numpy()
        return -float(gradient @ self.direction) / float(self.direction @ self.direction)

    def _met(self, inside: float, outside: float, half: float) -> float | None:
        """A value between two where the log-likelihood has fallen by ``half``, if it falls outwards from the one and
        inwards from the other, or is higher there all the same, as where two conditional maxima are equally high.

        It is looked for where lines along the profile from both meet, if they lead half way down to the limit; then
        from there and the one of the two that is beyond it, not too near to either, for a curve may leave its line.
        """
        for k in range(MEETINGS):
            width = abs(outside - inside)
            side = (outside - inside) / max(width, 1e-300)
            outwards, inwards = side * self._slope(inside), -side * self._slope(outside)
            lower = self.drop(outside) - self.drop(inside)
            if not outwards > 0 or (inwards <= 0 and lower >= 0):
                return None
            gone = (lower + inwards * width) / (outwards + inwards) if inwards > 0 else width / 2
            deep = self.drop(inside) + outwards * gone
            if k == 0 and deep < (half + max(self.drop(inside), self.drop(outside))) / 2:
                return None
            met = inside + side * float(np.clip(gone, ASIDE * width, (1 - ASIDE) * width))
            if self.drop(met) > half and self.drop(met, thorough=True) > half:
                return met if np.isfinite(self.drop(met)) else None
            inside, outside = (met, outside) if side * self._slope(met) > 0 else (inside, met)
        return None

    def _stepped_over(self, before: float, inside: float, outside: float, half: float) -> float | None:
        """A value between three where the log-likelihood has fallen by ``half``, if that in the middle is the lowest of
        them, and half way down."""
        if not max(self.drop(before), self.drop(outside), half / 2) < self.drop(inside) - SETTLED:  # more than rounding
            return None
        low, high = sorted((before, outside))
        lowest = minimize_scalar(lambda c: -self.drop(c), bounds=(low, high), method="bounded",
                                 options={"maxiter": PROBES})
        return float(lowest.x) if self.drop(float(lowest.x), thorough=True) > half else None

    def _next(self, inside: float, step: float, least: float, reach: float) -> float:
        """The value a ``step`` outwards, or a shorter one, down to ``least`` or a part of it, or far out of the way
        gone, where the groups are others there, or no log-likelihood can be computed, as where exp() of it is
        infinite."""
        gone = abs(inside - self.centre)
        if gone > FAR * reach:
            least = max(least, gone / FAR)
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

    def interval(self, below: float, above: float) -> tuple[float, float]:
        """Internal ends -> those in the user's units, the lower one first.

        The likelihood is the same at an sd of random effects and at minus it. An end beyond 0 says that 0 itself, no
        effect, is not ruled out.
        """
        low, high = sorted((self.reported(below), self.reported(above)))
        return (0.0, high) if self.is_even and below < 0 < above else (low, high)

    def reported(self, c: float) -> float:
        """Internal value -> the user's units."""
        if self.scale is not None:
            with np.errstate(over="ignore"):
                at = self.best.copy()
                at[self.position] = c
                return float(self.layout.report(at)[self.position])
        return c + float(self.layout.report(self.best)[self.position]) - self.centre
