"""Profile-likelihood intervals: the values of a parameter that the data do not rule out, whatever the others are.

The interval holds the values c with 2 (max ll - max ll given c) <= chi-square quantile, each maximum over all other
parameters. Near a boundary, or where a Wald interval would leave the range, it is the honest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import chi2

from ..arguments import checked
from ..checks import check_level
from ..errors import SpecificationError, warn
from ..fit.hidden_units import refuse_networks
from ..record.rebuild import layout_of, module_of
from .profile_likelihood import Profile

if TYPE_CHECKING:
    from ..fit.fit import Fit

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
        Infinite (or 0, for a scale parameter) where the likelihood never falls far enough: the data set no bound. An sd
        of random effects has 0 where none is not ruled out.

    Notes
    -----
    Of the set of values, those that are joined to the estimate: an end is where the log-likelihood has first fallen far
    enough. Its maxima are followed from value to value by the people of the groups, so that the ends are those of the
    groups as they are in the fit. Without that the profile would go on in the same curves under other numbers, as it
    still does where the log-likelihood stays high enough all the way there; and where K - 1 groups fit nearly as well
    as K, by less than the quantile, any curve may be that of a group that holds nobody, and every profile of a curve
    would be unbounded. An end is infinite for that reason only where the parameter's own group loses its people little
    by little on the way.

    Raises
    ------
    SpecificationError
        For an unknown parameter, for weighted fits, whose log-likelihood differences have no chi-square law, and for
        the correlation of two random effects beside a random intercept.

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
    if res.weighted:
        raise SpecificationError(
            "parameter: with sampling weights the log-likelihood is no sample's, and its profile has no known law.",
            code="weighted_profile", argument="parameter", way_out="Use conf_int(), which has robust standard errors.",
        )
    res.spec.refuse_constraints(
        "parameter", "and profiles are climbed without them.",
        "Use conf_int(); or hold the parameter too, constraints=[.., 'time[1] = 0.5'], and compare log-likelihoods.",
    )
    refuse_networks(res, "parameter", "a profile", "Use gbtm.bootstrap(res), which finds them anew in each sample.")
    check_level(level)
    _refuse_correlation(res, names.index(parameter))
    with with_gradients():
        profile = Profile(module_of(res), names.index(parameter))
        half = chi2.ppf(level, 1) / 2
        ends = [profile.end(side, half) for side in (-1.0, 1.0)]
        low, high = profile.interval(*ends)
        higher = profile.higher()
    if higher is None:
        return (low, high), None
    gain, start = higher
    return (low, high), (gain, (
        f"The profile of {parameter} finds a log-likelihood {gain:.3g} above the fit's: the fit is not the best "
        "optimum, and neither its estimates and standard errors nor this interval are those of the best. Fit again "
        f"with more starts (n_starts), or with start at these values: {', '.join(f'{v:.{DIGITS}g}' for v in start)}."))


def _refuse_correlation(res: Fit, position: int) -> None:
    """A profile is climbed along one internal parameter; some correlations are functions of several."""
    sets = layout_of(res).correlation_sets
    if any(position in r.places[np.array([a > 0 for a, _ in r.pairs])] for r in sets):
        raise SpecificationError(
            f"parameter: {res.names[position]} depends on the correlations with the random intercept too, and its "
            "profile is not climbed.", code="no_profile", argument="parameter",
            way_out="Use conf_int(), or the profiles of the correlations with the random intercept.")
