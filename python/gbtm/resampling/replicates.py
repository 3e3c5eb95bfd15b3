"""One replicate of a bootstrap: other data, the model fitted to them, and how many groups BIC would choose there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.panel import Panel
from ..data.subjects import Subjects
from ..design.time_basis import TimeBasis
from ..errors import GBTMError, SpecificationError
from ..model.known_people import refuse_known
from ..specification.spec import ModelSpec
from .smaller import with_groups

if TYPE_CHECKING:
    from ..fit.refit import Refit

NO_CLOCK: dict[str, Any] = {"time_budget": None}  # results do not depend on the machine's speed


@dataclass(frozen=True)
class Task:
    """What all replicates share. ``rivals`` are the models with other numbers of groups and their estimates."""

    panel: Panel
    spec: ModelSpec
    bases: Sequence[TimeBasis | None] | None
    params: np.ndarray
    kind: str
    rivals: tuple[tuple[ModelSpec, np.ndarray], ...]
    n_starts: int


@dataclass(frozen=True)
class Draw:
    """One replicate, groups in its own order; ``why`` it failed, '' where it did not."""

    why: str
    params: np.ndarray
    shares: np.ndarray
    chosen: int = 0
    unfitted: int = 0
    bases: tuple[TimeBasis, ...] = ()  # with the hidden units that were found, where there are any


def replicate(task: Task, seed: np.random.SeedSequence) -> Draw:
    from ..fit.refit import refit

    nothing = np.empty(0)
    start_seed = int(seed.generate_state(1)[0])
    try:
        panel, n_subjects = resample(task, np.random.default_rng(seed))
        fit = refit(panel, task.spec, task.bases, start=task.params, n_starts=task.n_starts, rng=start_seed,
                    search=NO_CLOCK)
    except (GBTMError, np.linalg.LinAlgError) as error:
        return Draw(getattr(error, "code", "singular"), nothing, nothing)
    if fit.collapsed or not fit.converged:
        return Draw("collapsed" if fit.collapsed else "not converged", nothing, nothing)
    shares = fit.layout.shares(fit.flat)
    bases = tuple(p.bases["mean"] for p in fit.layout.outcomes) if task.spec.has_networks else ()
    if not task.rivals:
        return Draw("", fit.params, shares, bases=bases)
    fits = {task.spec.n_groups: fit}
    unfitted = 0
    for spec, params in task.rivals:
        below = fits.get(spec.n_groups - 1)
        try:
            other = refit(panel, spec, task.bases, start=params, n_starts=task.n_starts, rng=start_seed,
                          search=NO_CLOCK, smaller=below)
        except (GBTMError, np.linalg.LinAlgError):
            unfitted += 1
            continue
        if other.converged and not other.collapsed:
            fits[spec.n_groups] = other
        else:
            unfitted += 1
    # a refit's weights have mean 1 over the subjects left, not over the sample
    scale = n_subjects / panel.n_subjects
    bic = {k: -2 * f.loglik * scale + f.layout.n_free * np.log(n_subjects) for k, f in fits.items()}
    return Draw("", fit.params, shares, min(bic, key=lambda k: (bic[k], k)), unfitted)


def resample(task: Task, rng: np.random.Generator) -> tuple[Panel, float]:
    """Other data, and how many subjects they stand for."""
    from ..likelihood.simulate import simulate
    from ..model.layout import make_layout

    if task.kind == "subjects":
        count = resampled(task.panel.subjects, rng)
        return task.panel.weighted(count), float(count.sum())
    layout = make_layout(task.panel, task.spec, task.bases)
    return simulate(layout, layout.unreport(task.params), task.panel, rng)[0], task.panel.n_subjects


def resampled(subjects: Subjects, rng: np.random.Generator) -> np.ndarray:
    """(N,) how many times each subject stands in a sample drawn with replacement, by clusters within strata."""
    n = subjects.n_subjects
    if subjects.cluster is None and subjects.stratum is None:
        return rng.multinomial(n, np.full(n, 1 / n)).astype(float)
    stratum = np.zeros(n, dtype=np.int64) if subjects.stratum is None else subjects.stratum
    cluster = np.arange(n) if subjects.cluster is None else subjects.cluster
    units, unit = np.unique(np.stack([stratum, cluster]), axis=1, return_inverse=True)
    count = np.zeros(units.shape[1])
    for h in np.unique(units[0]):
        clusters = np.flatnonzero(units[0] == h)
        if clusters.size < 2:
            raise SpecificationError(
                f"stratum: {h + 1} has one cluster, which cannot be resampled.", code="single_cluster",
                argument="stratum", way_out="Join strata, or use kind='parametric'.",
            )
        drawn = rng.multinomial(clusters.size - 1, np.full(clusters.size, 1 / clusters.size))
        count[clusters] = drawn * clusters.size / (clusters.size - 1)
    return count[unit.ravel()]


def chosen(spec: ModelSpec, k: int) -> list[int]:
    """The first k groups, at least one of which has a rate, in each outcome; beyond those of the fit its last that has
    one again."""
    orders = [o.orders or (0,) * spec.n_groups for o in spec.outcomes]
    able = [g for g in range(spec.n_groups) if all(o[g] >= 0 for o in orders)] or [spec.n_groups - 1]
    few = combinations(range(spec.n_groups), min(k, spec.n_groups))
    first = next((list(some) for some in few if all(any(o[g] >= 0 for g in some) for o in orders)), [able[-1]])
    return first + [able[-1]] * (k - len(first))


def rivals_of(
    panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None, groups: Sequence[int] | None, rng: int
) -> tuple[tuple[ModelSpec, np.ndarray], ...]:
    """The models with other numbers of groups, and their estimates from all the data."""
    from ..fit.refit import refit

    if groups:
        refuse_known(panel, "groups", "and these are in groups of this model.", "Leave groups out.")
    out = []
    below: Refit | None = None
    for k in sorted(set(groups or ()) - {spec.n_groups}):
        rival = with_groups(spec, chosen(spec, k))
        smaller = below if below is not None and below.layout.n_groups == k - 1 else None
        below = refit(panel, rival, bases, rng=rng, search={"n_starts": None, "time_budget": None}, smaller=smaller)
        out.append((rival, below.params))
    return tuple(out)
