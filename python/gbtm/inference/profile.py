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
from ..errors import SpecificationError
from ..fit.rebuild import module_of
from ..model.blocks import SCALES

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..likelihood.mixture import Mixture

STEPS = 60
ENOUGH = 1e-9  # log-likelihood still to be gained at which a constrained maximum is reached
WIDEST = 1e3  # standard errors (or internal units where there is none) beyond which an interval is open
TOLERANCE = 1e-8


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

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2).fit(n_starts=2)
    >>> low, high = res.profile_int("theta[2]")
    >>> round(low, 2), round(high, 2)
    (-0.39, 0.39)
    """
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
    return low, high


class Profile:
    """The log-likelihood along one reported parameter, the others at their best.

    A reported parameter is a linear function of the internal ones or, for a scale parameter, a function of one of
    them: ``direction`` (p,) is its gradient, and the profile is taken over ``direction @ flat``.
    """

    def __init__(self, module: Mixture, position: int) -> None:
        import torch

        from ..likelihood.derivatives import observed

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
        self.top, self.warm = self._climb(self.best.copy())
        with torch.no_grad():
            information = -observed(module, torch.as_tensor(self.best)[None])[2][0].numpy()
        values, vectors = np.linalg.eigh(information)
        along = vectors.T @ self.direction
        good = values > 1e-6
        self.unit = float(np.sqrt((along[good] ** 2 / values[good]).sum())) or 1.0
        self.path = (vectors[:, good] / values[good]) @ along[good]  # where the others go as the parameter moves

    def _climb(self, flat: np.ndarray) -> tuple[float, np.ndarray]:
        """The largest log-likelihood along the free directions, and where it is."""
        import torch

        from ..estimation.newton import newton

        start = torch.as_tensor(flat)[None]
        with torch.no_grad():
            if not self.free.shape[1]:  # a model of one parameter
                return float(self.module.total_loglik(start)[0]), flat
            done = newton(self.module, start, steps=STEPS, tolerance=ENOUGH, directions=self.free)
        return float(done.loglik[0]), done.flat[0].numpy()

    def at(self, c: float) -> float:
        """Largest log-likelihood with the parameter at internal value c."""
        move = c - float(self.direction @ self.warm)
        length = float(self.direction @ self.path)
        start = self.warm + self.path * (move / length) if length > 0 else self.warm + self.direction * (
            move / float(self.direction @ self.direction))
        value, self.warm = self._climb(start)
        return value

    def end(self, side: float, half: float) -> float:
        """Internal value where the log-likelihood has fallen by ``half``; infinite if it never does."""
        self.warm = self.best.copy()
        inside, step = self.centre, self.unit * np.sqrt(2 * half)
        outside = self.centre + side * step
        while self.top - self.at(outside) < half:
            inside, step = outside, 1.6 * step
            outside = self.centre + side * step
            if step > WIDEST * max(self.unit, 1e-3):
                return side * np.inf
        tolerance = TOLERANCE * self.unit
        return float(brentq(lambda c: self.top - self.at(c) - half, inside, outside, xtol=tolerance, rtol=1e-12))

    def reported(self, c: float) -> float:
        """Internal value -> the user's units."""
        if self.scale is not None:
            with np.errstate(over="ignore"):
                at = self.best.copy()
                at[self.position] = c
                return float(self.layout.report(at)[self.position])
        return c + float(self.layout.report(self.best)[self.position]) - self.centre
