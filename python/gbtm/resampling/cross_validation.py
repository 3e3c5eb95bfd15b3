"""How well does a model foretell subjects that it was not fitted to?

For each fold the model is fitted to the others, and asked for the log-likelihood of each subject of the fold. That is
an estimate of how well the model would do on new people: unlike the log-likelihood itself it falls when groups are
added that only follow the noise.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_count, check_seed
from ..compute.progress import Progress
from ..data.labels import by_rows
from ..errors import GBTMError, SpecificationError
from ..fit.fit import Fit
from .folds import Model, folds_of, units_of

if TYPE_CHECKING:
    from ..data.panel import Panel
    from ..design.time_basis import TimeBasis
    from ..specification.spec import ModelSpec

STARTS = 8  # random starts of each fold's fit, besides the estimates on all data
RESCUE_STARTS = 32  # the same where the first try does not converge
SHOWN = 3  # failures, ids


@checked
@dataclass(frozen=True)
class CrossValidation:
    """Held-out log-likelihoods and prediction errors of a model.

    Attributes
    ----------
    by_subject : Series by id of log L_i under the fit without subject i's fold, without weights; NaN where that failed
    errors : Series by id of the subject's mean absolute prediction error under the same fit; of several outcomes a
        DataFrame with a column each, NaN where a subject lacks one
    folds : Series by id, the fold (1..) of each subject
    weights : (N,) sampling weights of mean 1; ones where there are none
    counts : (N,) observations of each subject; of several outcomes (N, M)
    clusters : (N,) codes of the sampling clusters kept together; 0.. N-1 where there are none
    failures : a sentence for each fold whose fit could not be used
    sentences : what has to be known of these numbers
    """

    by_subject: pd.Series
    errors: pd.Series | pd.DataFrame
    folds: pd.Series
    weights: np.ndarray
    counts: np.ndarray
    clusters: np.ndarray
    failures: tuple[str, ...]
    sentences: tuple[str, ...]

    def __repr__(self) -> str:
        error = self.absolute_error
        said = f"{error:.4f}" if isinstance(error, float) else ", ".join(f"{n} {e:.4f}" for n, e in error.items())
        return (
            f"<CrossValidation: {self.n_folds} folds, held-out log-likelihood {self.loglik:.4f} (se {self.se:.4f}), "
            f"absolute error {said}, {len(self.failures)} failures>"
        )

    @property
    def n_folds(self) -> int:
        return int(self.folds.nunique())

    @property
    def loglik(self) -> float:
        """sum_i s_i log L_i, each under a fit without i; NaN when a fold failed, as totals over others mislead."""
        return float(self.weights @ self.by_subject.to_numpy())

    @property
    def se(self) -> float:
        """Standard error of :attr:`loglik` from its spread over subjects: sqrt(N) sd; over clusters where there are."""
        return self._spread(self.weights * self.by_subject.to_numpy())

    @property
    def absolute_error(self) -> float | pd.Series:
        """Mean over the observations of abs(y_it - yhat_it), yhat as in :func:`cross_validate`.

        With sampling weights a weighted mean. NaN when a fold failed. Of several outcomes a Series, for they have units
        of their own.
        """
        one = isinstance(self.errors, pd.Series)
        counts = self.counts.reshape(len(self.weights), -1)
        errors = self.errors.to_numpy().reshape(counts.shape)
        share = self.weights[:, None] * counts
        mean = (share * np.where(counts > 0, errors, 0.0)).sum(axis=0) / share.sum(axis=0)
        return float(mean[0]) if one else pd.Series(mean, index=self.errors.columns, name="absolute error")

    def difference(self, other: CrossValidation) -> tuple[float, float]:
        """:attr:`loglik` minus that of another model for the same subjects, and its standard error.

        Paired: subjects that are hard for both models do not count, so this tells models apart where the two ``se``
        cannot. The folds should be the same, as they are for the same seed.
        """
        if not self.by_subject.index.equals(other.by_subject.index):
            raise SpecificationError(
                "other: it is about other subjects.", code="other_subjects", argument="other",
                way_out="Cross-validate both models on the same data.",
            )
        gap = self.weights * (self.by_subject.to_numpy() - other.by_subject.to_numpy())
        return float(gap.sum()), self._spread(gap)

    def _spread(self, values: np.ndarray) -> float:
        totals = np.bincount(self.clusters, values)
        if not np.isfinite(totals).all() or totals.size < 2:
            return float("nan")
        return float(np.sqrt(totals.size) * totals.std(ddof=1))


@checked
def cross_validate(
    model: Fit | Model, *, folds: int | str | Sequence[Any] | np.ndarray = 10, n_starts: int | None = None,
    rng: int = 0, n_jobs: int | None = None, cluster: Sequence[Any] | np.ndarray | None = None,
    progress: Progress | bool | None = None,
) -> CrossValidation:
    """Fit a model to all but a fold of the subjects, foretell that fold, and so on for each fold.

    Parameters
    ----------
    model : a fit, or a model (which is fitted first)
    folds : number of random folds; "subject" leaves out one subject at a time; or the fold of each subject (N,)
    n_starts : random starts of each fold's fit besides the estimates on all data; default 8, and none with "subject"
    rng : seed of the folds and of the starts
    n_jobs : worker processes; -1 for one per core. The digits do not depend on it
    cluster : (N,) sampling clusters to be kept together; default those of the model
    progress : as for :meth:`gbtm.GBTM.fit`

    Returns
    -------
    CrossValidation
        ``.loglik``, ``.se``, ``.by_subject``, ``.absolute_error``, ``.failures``, ``.sentences``

    Notes
    -----
    The estimates on all data are only a place to start from: a fold's fit ends at a maximum of the likelihood of its
    own subjects. Which of several maxima that is may still owe something to the subjects left out; the random starts
    are there so that a better one is found where the start leads to a worse one. A time basis such as ``bs(age)`` keeps
    the knots of all data.

    A fold whose fit raises an error, does not converge or collapses is tried once more with 32 random starts; if that
    fails too it is among ``failures``, its subjects are NaN, and so are the totals: a total over fewer subjects cannot
    be compared with another model's. ``sentences`` give the count and the total over the rest.

    The absolute error is that of Nielsen et al. (2014) Group-based criminal trajectory analysis using cross-validation
    criteria, *Communications in Statistics: Theory and Methods* 43, 4337-4356, as R's crimCV has it (with "subject"):
    the mean over all observations of abs(y_it - yhat_it) with yhat_it = sum_k P_ik E_k(y_it), where E_k and the
    posterior P_ik are those of the fit without i, but P_ik is given i's own outcomes, so that yhat is no forecast. With
    AR(1) errors and random effects E_k is the group's mean. Of several outcomes a fold holds people with all of them,
    and the absolute error is that of each.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> one, two = (
    ...     gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=k, order=1).fit(rng=0) for k in (1, 2))
    >>> gain, se = gbtm.cross_validate(two, folds=5).difference(gbtm.cross_validate(one, folds=5))
    >>> gain > 2 * se
    True
    """
    from ..compute.parallel import spread
    from ..compute.progress import reporter
    from ..fit.refit import refit
    from ..record.rebuild import prepared_of

    check_seed(rng)
    if n_starts is not None:
        check_count(n_starts, "n_starts", STARTS, least=0)
    started, tell = time.monotonic(), reporter(progress)
    built = prepared_of(model) if isinstance(model, Fit) else model.prepared
    panel, spec = built.panel, built.spec
    bases = [part.bases["mean"] for part in built.layout.outcomes]
    names = [m.name for m in panel.outcomes]
    n, ids = panel.n_subjects, panel.ids
    units, about_clusters = units_of(panel, model, by_rows(cluster, "cluster", n, ids=ids))
    fold = folds_of(by_rows(folds, "folds", n, ids=ids), units, rng)
    if (fold != fold[np.unique(units, return_index=True)[1]][units]).any():
        about_clusters = [*about_clusters, "The folds given split sampling clusters: what is held out is not new, and "
                          "the held-out log-likelihood is too high."]
    if n_starts is None:
        n_starts = 0 if isinstance(folds, str) else STARTS
    start = model.params.to_numpy() if isinstance(model, Fit) else refit(panel, spec, bases, rng=rng).params
    held = [np.flatnonzero(fold == f) for f in range(int(fold.max()) + 1)]
    seeds = [int(s.generate_state(1)[0]) for s in np.random.SeedSequence(rng).spawn(len(held))]
    jobs = [(panel, spec, bases, out, start, n_starts, seed) for out, seed in zip(held, seeds, strict=True)]
    table = np.empty((panel.n_subjects, 2 + len(names)))
    failures = []
    for f, (columns, failure) in enumerate(spread(_fold, jobs, n_jobs=n_jobs)):
        table[held[f]] = columns
        if failure:
            failures.append(f"Fold {f + 1} ({_who(panel, held[f])}): {failure}")
        if tell is not None:
            tell(f"fold {f + 1} of {len(held)}", time.monotonic() - started)
    weights = panel.subjects.relative_weights
    loglik, impossible, errors = table[:, 0], table[:, 1], table[:, 2:]
    counts = np.stack([np.bincount(m.subject, minlength=n) for m in panel.outcomes], axis=1)
    return CrossValidation(
        by_subject=pd.Series(loglik, index=panel.ids, name="loglik"),
        errors=pd.Series(errors[:, 0], index=panel.ids, name="absolute error") if len(names) == 1
        else pd.DataFrame(errors, index=panel.ids, columns=pd.Index(names, name="outcome")),
        folds=pd.Series(fold + 1, index=panel.ids, name="fold"), weights=weights,
        counts=counts[:, 0] if len(names) == 1 else counts, clusters=units,
        failures=tuple(failures),
        sentences=tuple(
            about_clusters + _failed(loglik, weights, failures, len(held)) + _ruled_out(panel, impossible == 1)
        ),
    )


def _fold(
    panel: Panel, spec: ModelSpec, bases: list[TimeBasis | None], held: np.ndarray, start: np.ndarray, n_starts: int,
    seed: int,
) -> tuple[np.ndarray, str]:
    """Log-likelihood, 1 where ruled out, and the error of each outcome (n, 2 + M) of the subjects at positions
    ``held``; what failed, or ''."""
    from ..fit.refit import refit, subject_loglik
    from .held_out import posterior_of, prediction_error, ruled_out

    train = panel.subset(np.setdiff1d(np.arange(panel.n_subjects), held))
    failure = ""
    for starts in (n_starts, max(n_starts, RESCUE_STARTS)):
        try:
            fit = refit(train, spec, bases, start=start, n_starts=starts, rng=seed)
            failure = "" if fit.converged else "the fit without it did not converge."
            if fit.collapsed:
                failure = "sigma collapsed to zero in the fit without it."
            if not failure:
                test = panel.subset(held)
                p = posterior_of(fit, test)
                errors = [prediction_error(fit, test, p, m) for m in range(len(test.outcomes))]
                return np.column_stack([subject_loglik(fit, test), ruled_out(fit, test, p), *errors]), ""
        except (GBTMError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
            failure = str(error)
    return np.full((held.size, 2 + len(panel.outcomes)), np.nan), failure


def _who(panel: Panel, held: np.ndarray) -> str:
    return f"{panel.ids.name} {panel.ids[held[0]]}" if held.size == 1 else f"{held.size} subjects"


def _failed(loglik: np.ndarray, weights: np.ndarray, failures: list[str], n_folds: int) -> list[str]:
    if not failures:
        return []
    here = ~np.isnan(loglik)
    more = f" And {len(failures) - SHOWN} more." if len(failures) > SHOWN else ""
    return [
        f"{len(failures)} of {n_folds} folds could not be used, so the totals are left out; over the other "
        f"{int(here.sum())} subjects the held-out log-likelihood is {weights[here] @ loglik[here]:.4f}. "
        f"{' '.join(failures[:SHOWN])}{more}"
    ]


def _ruled_out(panel: Panel, impossible: np.ndarray) -> list[str]:
    if not impossible.any():
        return []
    who = panel.ids[impossible]
    shown = ", ".join(str(i) for i in who[:SHOWN]) + (", ..." if len(who) > SHOWN else "")
    return [
        f"{len(who)} subject{'s' if len(who) > 1 else ''} ({panel.ids.name} {shown}) did what the fit without them "
        "holds to be impossible, a rate or probability being estimated as 0 or 1. Their held-out log-likelihood is "
        "minus infinity in truth; the number here only says where the fit stopped. Fewer groups or lower orders avoid "
        "this."
    ]
