"""How often the model finds the group of people whose group is known, when it is not told.

For each fold of the known people the model is fitted to everybody with their groups hidden, and asked for their groups.
They stay in the fit by their outcomes: new people, of whom a fit knows nothing, may be told their groups less well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_count, check_seed
from ..compute.progress import Progress
from ..data.known_groups import certain, group_weights, without
from ..errors import GBTMError, SpecificationError
from ..fit.fit import Fit
from ..fit.outcome_view import number_of

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..design.time_basis import TimeBasis
    from ..specification.spec import ModelSpec

STARTS = 8  # of each fold's fit, besides the estimates


@checked
@dataclass(frozen=True)
class KnownAccuracy:
    """Known people's groups as the model finds them with these hidden.

    Attributes
    ----------
    by_subject : by id the ``known`` group, the group ``found``, the ``probability`` of the known one, and the ``fold``;
        NaN where a fold failed
    weights : (n,) sampling weights of mean 1 over all people; ones without
    failures : a sentence for each fold whose fit could not be used
    of : the outcome whose groups these are, of a dual model
    """

    by_subject: pd.DataFrame
    weights: np.ndarray
    n_groups: int
    failures: tuple[str, ...] = ()
    of: str = ""

    def __repr__(self) -> str:
        return f"<KnownAccuracy: {self.sentence}>"

    @property
    def n(self) -> int:
        """People whose group was hidden and found, rightly or not."""
        return int(self._there.sum())

    @property
    def accuracy(self) -> float:
        """The share of them whose most probable group is the known one."""
        return float((self._weight * self._right).sum() / self._weight.sum()) if self.n else float("nan")

    @property
    def se(self) -> float:
        """Its standard error, from the spread over people; the fits are taken as given."""
        squares = self._weight**2 @ (self._right - self.accuracy) ** 2
        return float(np.sqrt(squares) / self._weight.sum()) if self.n else float("nan")

    @property
    def table(self) -> pd.DataFrame:
        """Counts of people by known group (rows) and the group that was found."""
        some, groups = self.by_subject[self._there], range(1, self.n_groups + 1)
        counts = pd.crosstab(some["known"].astype(int), some["found"].astype(int))
        out = counts.reindex(index=groups, columns=groups, fill_value=0)
        return out.rename_axis(index="known", columns="found")

    @property
    def by_group(self) -> pd.DataFrame:
        """Of each group that somebody is known to be in: how many they are, and the share of them that is found."""
        table = self.table
        n = table.sum(axis=1)
        found = pd.Series(np.diag(table), index=table.index)
        return pd.DataFrame({"n": n, "accuracy": found / n})[n > 0].rename_axis("group")

    @property
    def sentence(self) -> str:
        """The share in words."""
        if not self.n:
            return f"No fold could be used: {' '.join(self.failures)}"
        each = ", ".join(f"{100 * a:.0f} % of group {g} ({n})" for g, n, a in self.by_group.itertuples())
        folds = int(self.by_subject["fold"].nunique())
        error = f" (standard error {100 * self.se:.1f})" if self.se > 0 else ""  # where all were found it says nothing
        failed = f" {len(self.failures)} folds could not be used: {self.failures[0]}" if self.failures else ""
        whose = f" of the groups of {self.of}" if self.of else ""
        return (
            f"Held-out accuracy{whose}: of {self.n} people whose group is known {100 * self.accuracy:.1f} %{error} are "
            f"put into it when the model is fitted without being told, {folds} times with a part of them hidden; "
            f"{each}.{failed}"
        )

    @property
    def _there(self) -> np.ndarray:
        return self.by_subject["found"].notna().to_numpy()

    @property
    def _right(self) -> np.ndarray:
        return (self.by_subject["found"] == self.by_subject["known"]).to_numpy(dtype=float)

    @property
    def _weight(self) -> np.ndarray:
        return np.where(self._there, self.weights, 0.0)


@checked
def known_accuracy(
    res: Fit, *, folds: int = 5, n_starts: int = STARTS, rng: int = 0, n_jobs: int | None = None,
    progress: Progress | bool | None = None, groups_of: str | int | None = None,
) -> KnownAccuracy:
    """Hide the group of some of those whose group is known, fit, and see whether the model finds it; for each fold.

    Parameters
    ----------
    res : a fit in which the group of some people is known
    folds : number of random folds of these people, of each group in equal parts; sampling clusters are not kept whole
    n_starts, rng, n_jobs, progress : as for :func:`gbtm.cross_validate`; ``n_starts=0`` for the estimates alone
    groups_of : of a dual model the outcome whose groups are hidden, by name or number from 1; not needed where people
        are known of one outcome's groups only

    Returns
    -------
    KnownAccuracy
        ``.accuracy``, ``.se``, ``.by_group``, ``.table``, ``.by_subject``, ``.sentence``

    Raises
    ------
    SpecificationError
        ``no_known`` where fewer than two people's group is known for certain; ``bad_folds`` for more folds than these;
        ``one_group_set``, ``two_group_sets``, ``unknown_outcome``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> told = data["group"].where(data["id"] <= 60)
    >>> res = gbtm.GBTM.from_formula(
    ...     "y ~ t", data.assign(told=told), id="id", groups=2, order=2, known="told").fit(rng=0)
    >>> gbtm.known_accuracy(res).accuracy
    1.0
    """
    import time

    from ..compute.parallel import spread
    from ..compute.progress import reporter
    from ..record.rebuild import prepared_of

    check_seed(rng)
    check_count(n_starts, "n_starts", STARTS, least=0)
    group_set = _set_asked(res, groups_of)
    group = _known_of(res, group_set)
    fold = _folds(group, folds, rng)
    built, started, tell = prepared_of(res), time.monotonic(), reporter(progress)
    bases = [part.bases["mean"] for part in built.layout.outcomes]
    hidden = [np.flatnonzero(fold == f) for f in range(folds)]
    seeds = [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(rng).spawn(folds)]
    start = res.params.to_numpy()
    jobs = [(built.panel, built.spec, bases, some, start, n_starts, seed, group_set)
            for some, seed in zip(hidden, seeds, strict=True)]
    n_groups = res.group_sets[group_set].n_groups
    posterior, failures = np.full((group.size, n_groups), np.nan), []
    for f, (found, failure) in enumerate(spread(_fold, jobs, n_jobs=n_jobs)):
        posterior[hidden[f]] = found
        if failure:
            failures.append(f"Fold {f + 1} ({hidden[f].size} people): {failure}")
        if tell is not None:
            tell(f"fold {f + 1} of {folds}", time.monotonic() - started)
    at = np.flatnonzero(group >= 0)
    p = posterior[at]
    failed = np.isnan(p).any(axis=1)
    by_subject = pd.DataFrame(
        {"known": group[at] + 1, "found": np.where(failed, np.nan, np.nan_to_num(p).argmax(axis=1) + 1.0),
         "probability": p[np.arange(at.size), group[at]], "fold": fold[at] + 1}, index=built.panel.ids[at])
    return KnownAccuracy(
        by_subject, built.panel.subjects.relative_weights[at], n_groups, tuple(failures),
        "" if res.dual is None else res.outcome_names[group_set])


def _set_asked(res: Fit, groups_of: str | int | None) -> int:
    """The set of groups that is meant."""
    if res.dual is None:
        if groups_of is not None:
            raise SpecificationError(
                "groups_of: the fit has one set of groups.", code="one_group_set", argument="groups_of",
                way_out="Leave it out: it is for dual models.",
            )
        return 0
    if groups_of is not None:
        return number_of(res.outcome_names, groups_of)
    known = [s for s, of_set in enumerate(res.known_sets) if of_set is not None]
    if len(known) > 1:
        one, other = res.outcome_names
        raise SpecificationError(
            "groups_of: people are known of the groups of both outcomes.", code="two_group_sets",
            argument="groups_of", way_out=f"Say whose groups are meant: groups_of='{one}' or '{other}'.",
        )
    return known[0] if known else 0


def _known_of(res: Fit, group_set: int) -> np.ndarray:
    """(N,) the group of a set of those whose group is known for certain, from 0; -1 for the others."""
    weights = group_weights(res.known_sets[group_set], res.group_sets[group_set].n_groups)
    group = np.full(res.n_subjects, -1) if weights is None else np.where(certain(weights), weights.argmax(axis=1), -1)
    if (group >= 0).sum() < 2:
        raise SpecificationError(
            "res: the group of nobody is known, so that there is nothing to hide." if weights is None else
            "res: the group of fewer than two people is known for certain, so that there is nothing to hide.",
            code="no_known", argument="res", way_out="Fit with known, the group of some people.",
        )
    return group


def _folds(group: np.ndarray, folds: int, rng: int) -> np.ndarray:
    """(N,) fold of each known person, from 0, -1 for the others: those of each group are spread over the folds."""
    known = np.flatnonzero(group >= 0)
    check_count(folds, "folds", 5, least=2)
    if folds > known.size:
        raise SpecificationError(
            f"folds: {folds} are more than the {known.size} people whose group is known.", code="bad_folds",
            argument="folds", way_out="Give a smaller number.",
        )
    draw = np.random.default_rng(np.random.SeedSequence(rng))
    mixed = draw.permutation(known)
    mixed = mixed[np.argsort(group[mixed], kind="stable")]
    fold = np.full(group.size, -1)
    fold[mixed] = np.arange(known.size) % folds
    return fold


def _fold(
    panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None], hidden: np.ndarray, start: np.ndarray,
    n_starts: int, seed: int, group_set: int,
) -> tuple[np.ndarray, str]:
    """Posteriors (n, K) of the people at positions ``hidden`` by a fit that is not told their groups; what failed."""
    from ..fit.refit import refit
    from .held_out import posterior_of

    subjects = panel.subjects
    known = subjects.known_sets[group_set]
    assert known is not None
    is_hidden = np.isin(np.arange(panel.n_subjects), hidden)
    less: Any = {"known_groups2" if group_set else "known_groups": without(known, is_hidden)}
    blind: Any = replace(panel, known=replace(subjects, **less))
    none = np.full((hidden.size, spec.set_sizes[group_set]), np.nan)
    try:
        fit = refit(blind, spec, bases, start=start, n_starts=n_starts, rng=seed)
    except (GBTMError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
        return none, str(error)
    if fit.collapsed or not fit.converged:
        return none, "sigma collapsed to zero." if fit.collapsed else "the fit did not converge."
    return fit.layout.marginal(posterior_of(fit, blind.subset(hidden)), group_set), ""
