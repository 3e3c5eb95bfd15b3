"""Bootstrap of the test of independence of a dual model's two sets of groups.

Where a pair of groups holds nobody, or nearly so, the likelihood ratio has no chi-square law. Outcomes are drawn from
the two separate fits, with which the groups are independent, and the dual model and the separate ones fitted to each
draw. p = (1 + number of statistics as large) / (n + 1).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_count, check_seed
from ..compute.parallel import spread
from ..compute.progress import Progress, reporter
from ..errors import DataError, GBTMError

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..fit.dual_fit import DualFit
    from ..model.prepared import Prepared

CLIMB: dict[str, Any] = {"time_budget": None}


@dataclass(frozen=True)
class Job:
    """What a draw needs: the model, parameters (p,) with independent groups, and those of each separate fit."""

    prepared: Prepared
    independent: np.ndarray
    separate: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class IndependenceBootstrap:
    """Statistics drawn under independence.

    Attributes
    ----------
    p_value : (1 + number as large as the observed one) / (n + 1)
    replicates : (n,) the statistics drawn
    failures : draws left out because a fit of them failed
    """

    p_value: float
    replicates: np.ndarray
    failures: int


def bootstrap_independence(
    fit: DualFit, n: int, *, rng: int = 0, n_jobs: int | None = None, progress: Progress | bool | None = None
) -> IndependenceBootstrap:
    """Draw ``n`` likelihood ratios under independence.

    Raises
    ------
    SpecificationError
        ``no_simulation`` for a dropout part.
    DataError
        ``no_replicate``, when no draw could be fitted.
    """
    import time

    from ..estimation.control import Control
    from ..fit.fit_model import separate_fits
    from ..likelihood.mixture import Mixture
    from ..record.rebuild import prepared_of

    check_seed(rng)
    check_count(n, "bootstrap", 199)
    prepared = prepared_of(fit)
    apart = separate_fits(prepared, Mixture(prepared.layout, prepared.panel), Control(rng=rng, n_starts=8))
    job = Job(prepared, apart.independent, apart.flats)
    jobs = [(job, seed) for seed in np.random.SeedSequence(rng).spawn(n)]
    told, begun = reporter(progress), time.monotonic()
    values, reasons = [], Counter[str]()
    for i, (value, why) in enumerate(spread(_replicate, jobs, n_jobs=n_jobs)):
        if why:
            reasons[why] += 1
        else:
            values.append(value)
        if told is not None:
            told(f"independence: {i + 1} of {n} draws", time.monotonic() - begun)
    if not values:
        raise DataError(
            f"bootstrap: none of {n} draws could be fitted ({', '.join(reasons)}).", code="no_replicate",
            argument="bootstrap", way_out="Look at the fit's warnings, or fit fewer groups.",
        )
    drawn = np.array(values)
    observed = 2 * (fit.llf - sum(fit.pairs.separate_logliks))
    p_value = float((1 + (drawn >= observed).sum()) / (drawn.size + 1))
    return IndependenceBootstrap(p_value, drawn, sum(reasons.values()))


def _replicate(job: Job, seed: np.random.SeedSequence) -> tuple[float, str]:
    """The likelihood ratio of one draw, or why there is none."""
    from ..likelihood.simulate import simulate

    prepared = job.prepared
    draw = int(seed.generate_state(1)[0])
    panel = simulate(prepared.layout, job.independent, prepared.panel, draw)[0]
    try:
        return _statistic(job, panel, draw), ""
    except (GBTMError, np.linalg.LinAlgError) as error:
        return np.nan, type(error).__name__


def _statistic(job: Job, panel: Panel, draw: int) -> float:
    from ..estimation.control import Control
    from ..estimation.dual_starts import two_step
    from ..estimation.estimate import estimate
    from ..likelihood.mixture import Mixture
    from ..model.one_set import prepared_of_set
    from ..model.prepared import Prepared

    drawn = Prepared.of(panel, job.prepared.spec, job.prepared.bases)
    control = Control(rng=draw, n_starts=2, **CLIMB)
    fits = []
    for s, flat in enumerate(job.separate):
        alone = prepared_of_set(drawn, s)
        at = alone.layout.unreport(prepared_of_set(job.prepared, s).layout.report(flat))
        fits.append((alone.layout, estimate(
            Mixture(alone.layout, alone.panel), alone.panel, control, further=at[None])))
    module = Mixture(drawn.layout, drawn.panel)
    starts = two_step(module, (fits[0], fits[1])).flats
    whole = estimate(module, drawn.panel, replace(control, n_starts=1), further=starts)
    together = sum(e.loglik for _, e in fits)
    return max(2 * (whole.loglik - together), 0.0)
