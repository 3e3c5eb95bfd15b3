"""K groups against K - 1: McLachlan's parametric bootstrap of the likelihood-ratio statistic.

The statistic has no chi-square distribution here: under the smaller model a share is 0 and the parameters of that
group mean nothing. So data are drawn from the smaller fit, at the observed times, with the covariates and the missing
values of the sample, and both models are fitted to each (McLachlan 1987, Applied Statistics 36, 318-324).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from ..arguments import checked
from ..checks import check_count, check_level, check_seed
from ..compute.parallel import spread
from ..compute.progress import Progress
from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import DataError, GBTMError, SpecificationError
from ..specification.spec import ModelSpec
from .smaller import nested_pair

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..fit.refit import Refit

ROUND = 20  # draws between two looks at whether to go on
SMALLER_STARTS = 4  # besides the values that the draw was made with
LARGER_STARTS = 8  # besides those that split a group of the smaller fit
ROUNDING = 1e-6  # log-likelihood
RISK = 0.005  # of stopping early with a rejection that all draws together would not have given
NO_CLOCK: dict[str, Any] = {"time_budget": None}  # results do not depend on the machine's speed


@dataclass(frozen=True)
class BootstrapLRT:
    """The test of ``groups`` against one group less.

    Attributes
    ----------
    statistic : 2 (loglik - smaller_loglik)
    p_value : h / n where n draws brought the h-th value as large as the statistic, h = ceil(alpha (n_max + 1)) (Besag
        and Clifford 1991, Biometrika 78, 301-304); else (1 + number as large) / (n + 1)
    n : draws that count
    exceeding : how many of them gave a statistic as large as the observed one
    failures : draws left out because a fit of them failed; ``reasons`` counts them by what went wrong
    negative : draws whose larger model fitted worse than the smaller one by more than rounding
    replicates : (n,) the statistics drawn
    stopped : why there were no more draws
    weighted : the fit has sampling weights
    """

    groups: int
    statistic: float
    p_value: float
    n: int
    exceeding: int
    failures: int
    negative: int
    replicates: np.ndarray
    stopped: str
    loglik: float
    smaller_loglik: float
    alpha: float
    reasons: dict[str, int]
    weighted: bool = False

    @property
    def sentence(self) -> str:
        """The result in words."""
        k = self.groups
        better = "fit better than" if self.p_value <= self.alpha else "are not shown to fit better than"
        out = (
            f"Bootstrap likelihood-ratio test of {k} against {k - 1} group{'s' if k > 2 else ''}: 2 x the difference "
            f"of the log-likelihoods is {self.statistic:.2f}; {self.exceeding} of {self.n} samples drawn from the "
            f"{k - 1}-group fit gave as much (p = {self.p_value:.3g}; {self.stopped}). {k} groups {better} {k - 1} at "
            f"the {100 * self.alpha:g} % level."
        )
        if self.failures:
            why = ", ".join(f"{count} {what}" for what, count in self.reasons.items())
            out += f" {self.failures} further draw{'s were' if self.failures > 1 else ' was'} left out ({why})."
        if self.negative:
            out += (
                f" In {self.negative} draw{'s' if self.negative > 1 else ''} the larger model ended below the smaller "
                "one: its search was too short there, which makes the p-value too small."
            )
        if self.weighted:
            out += " The sampling weights were kept as they are; they are taken to say nothing of the outcome."
        return out

    def __repr__(self) -> str:
        return f"<BootstrapLRT: {self.sentence}>"


@checked
def blrt(
    res: Fit, smaller: Fit | None = None, *, n_max: int = 199, n_min: int = 99, alpha: float = 0.05,
    rng: int = 0, n_starts: int = LARGER_STARTS, n_jobs: int | None = None, progress: Progress | bool | None = None,
) -> BootstrapLRT:
    """Bootstrap likelihood-ratio test of a fit against one with a group less.

    Draws end when the test can no longer reject at ``alpha``, that is with the h-th draw as large as the observed
    statistic, h = ceil(alpha (n_max + 1)) (Besag and Clifford 1991: the p-value is exact); and from ``n_min`` draws on,
    at the end of a round of 20, when the upper Clopper-Pearson limit of p (one-sided, 99.5 %) is below ``alpha``.

    Parameters
    ----------
    res : fit with K >= 2 groups
    smaller : fit with K - 1 groups to the same data, whose groups are among those of ``res`` (orders no higher);
        by default the model without the last group, fitted here
    n_max, n_min : largest number of draws, and the smallest before a rejection may end them
    alpha : level of the test
    rng : seed; the same digits for any ``n_jobs``
    n_starts : random starts of the K-group fit to each draw, besides those that split a group of the K - 1 group fit
    n_jobs : worker processes, as for joblib
    progress : callable(sentence, seconds), True for lines on stderr

    Raises
    ------
    SpecificationError
        ``not_nested``, ``no_simulation`` (a dropout part), ``bad_n_max``.
    DataError
        When no draw could be fitted.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1, family="normal").fit(rng=0)
    >>> gbtm.blrt(res, n_max=19, n_starts=2).p_value
    0.05
    """
    from ..compute.progress import reporter
    from ..record.rebuild import prepared_of

    _check(res, n_max, n_min, alpha, n_starts, rng)
    model = prepared_of(res)
    if model.spec.event is not None:
        raise SpecificationError(
            "blrt: samples cannot be drawn from a model with a time to an event.", code="no_simulation",
            argument="res", way_out="Fit the model without event, or compare the fits by BIC or cross-validation.",
        )
    if model.panel.departures is not None:
        raise SpecificationError(
            "blrt: samples cannot be drawn from a model with a dropout part.", code="no_simulation", argument="res",
            way_out="Fit the model without dropout, or compare the fits by BIC or cross-validation.",
        )
    larger, less, below = nested_pair(res, smaller, model.spec, model.panel, model.bases, rng)
    statistic = 2 * (res.llf - below.loglik)
    if statistic < -2 * ROUNDING * max(1.0, abs(res.llf)):
        raise SpecificationError(
            f"res: with {res.n_groups} groups the log-likelihood is {res.llf:.4f}, with {res.n_groups - 1} it is "
            f"{below.loglik:.4f}: the fit with more groups has not found its best optimum.", code="worse_fit",
            argument="res", way_out="Fit it again with start=, the fit with a group less.",
        )
    jobs = [
        (model.panel, below, less, larger, model.bases, n_starts, seed)
        for seed in np.random.SeedSequence(rng).spawn(n_max)
    ]
    tally = _Tally(statistic, alpha, n_max, n_min)
    told, begun = reporter(progress), time.monotonic()
    for first in range(0, n_max, ROUND):
        for value, why in spread(_replicate, jobs[first : first + ROUND], n_jobs=n_jobs):
            tally.add(value, why)
            if told is not None:
                told(f"bootstrap LRT: {tally.n} of at most {n_max} draws, {tally.exceeding} as large as observed",
                     time.monotonic() - begun)
        if tally.end_of_round():
            break
    return tally.result(res, below)


def _check(res: Fit, n_max: int, n_min: int, alpha: float, n_starts: int, rng: int) -> None:
    if res.n_groups < 2:
        raise SpecificationError(
            "res: a fit with one group has nothing smaller to be tested against.", code="one_group", argument="res",
            way_out="Give a fit with two groups or more.",
        )
    check_level(alpha, "alpha", 0.05)
    check_seed(rng)
    check_count(n_starts, "n_starts", LARGER_STARTS)
    check_count(n_max, "n_max", 199)
    check_count(n_min, "n_min", 99)
    if alpha * (n_max + 1) < 1 - 1e-9:
        raise SpecificationError(
            f"n_max: {n_max!r} draws cannot give a p-value of {alpha:g} or less.", code="bad_n_max", argument="n_max",
            way_out=f"Give {ceil(1 / alpha) - 1} or more, for example 199.",
        )


class _Tally:
    """The draws so far, taken in their order: whatever the number of workers, the same ones count."""

    def __init__(self, statistic: float, alpha: float, n_max: int, n_min: int) -> None:
        self.statistic, self.alpha, self.n_max, self.n_min = statistic, alpha, n_max, n_min
        self.enough = ceil(alpha * (n_max + 1) - 1e-9)
        self.values: list[float] = []
        self.reasons: Counter[str] = Counter()
        self.exceeding = 0
        self.stopped = ""

    @property
    def n(self) -> int:
        return len(self.values)

    def add(self, value: float, why: str) -> None:
        if self.stopped:
            return
        if why:
            self.reasons[why] += 1
            return
        self.values.append(value)
        self.exceeding += value >= self.statistic - 2 * ROUNDING
        if self.exceeding == self.enough:
            self.stopped = f"ended early, as it can no longer be {self.alpha:g} or less"

    def end_of_round(self) -> bool:
        if not self.stopped and self.n >= self.n_min and self.n < self.n_max:
            upper = stats.beta.isf(RISK, self.exceeding + 1, self.n - self.exceeding)
            if upper < self.alpha:
                self.stopped = f"ended early, as it is clearly below {self.alpha:g}"
        return bool(self.stopped)

    def result(self, res: Fit, below: Refit) -> BootstrapLRT:
        if not self.values:
            why = ", ".join(self.reasons)
            raise DataError(
                f"blrt: none of {self.reasons.total()} draws could be fitted ({why}).", code="no_replicate",
                argument="res", way_out="Look at the fit's warnings, or fit a simpler model.",
            )
        values = np.array(self.values)
        many = self.exceeding == self.enough
        return BootstrapLRT(
            groups=res.n_groups, statistic=self.statistic,
            p_value=self.exceeding / self.n if many else (1 + self.exceeding) / (self.n + 1), n=self.n,
            exceeding=self.exceeding, failures=self.reasons.total(), negative=int((values < -2 * ROUNDING).sum()),
            replicates=values, stopped=self.stopped or "all draws made", loglik=res.llf, smaller_loglik=below.loglik,
            alpha=self.alpha, reasons=dict(self.reasons), weighted=res.weighted,
        )


def _replicate(
    panel: Panel, below: Refit, less: ModelSpec, larger: ModelSpec, bases: Sequence[TimeBasis | None] | None,
    n_starts: int, seed: np.random.SeedSequence,
) -> tuple[float, str]:
    """The statistic of one draw, and what went wrong ('' for nothing)."""
    from ..fit.refit import refit
    from ..likelihood.simulate import simulate

    start_seed = int(seed.generate_state(1)[0])
    try:
        drawn, _ = simulate(below.layout, below.flat, panel, np.random.default_rng(seed))
        null = refit(drawn, less, bases, start=below.params, n_starts=SMALLER_STARTS, rng=start_seed,
                     search=NO_CLOCK)
        full = refit(drawn, larger, bases, n_starts=n_starts, rng=start_seed, search=NO_CLOCK, smaller=null)
    except (GBTMError, np.linalg.LinAlgError) as error:
        return np.nan, getattr(error, "code", "singular")
    for fit in (null, full):
        if fit.collapsed or not fit.converged:
            return np.nan, "collapsed" if fit.collapsed else "not converged"
    return 2 * (full.loglik - null.loglik), ""
