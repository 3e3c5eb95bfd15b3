"""Making the fits of a round: here or on workers, from the checkpoint where they are there already."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..compute.parallel import spread, workers_of
from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..errors import GBTMError, warn
from ..estimation.control import Control
from ..fit.fit_model import fit_model
from ..model.layout import make_layout
from ..model.nesting import embed, lowered
from ..model.prepared import Prepared
from ..record.document import current_fields, decode, encode
from ..record.fit_record import FitRecord
from ..record.shared_data import attach, slim, with_own_code
from ..specification.spec import ModelSpec
from .candidates import Candidate, groups_in_words
from .checkpoint import Checkpoint, digest

if TYPE_CHECKING:
    from ..api.results import GBTMResults

JITTERS = (0.02, 0.3)  # sd of the change of internal coefficients where a fit starts anew from a nested one

Estimates = tuple[ModelSpec, np.ndarray]  # a model and its estimates in internal coordinates


@dataclass(frozen=True)
class Task:
    """One fit to make.

    Attributes
    ----------
    n_starts : starts of the search; None lets the hit rate decide
    smaller : a fit with one group less, to grow from
    above : fits of higher orders, whose coefficients are dropped for further starts
    below : fits of models nested in this one, to start from with the same log-likelihood
    again : an earlier fit of this model, than which this one must be no worse
    """

    candidate: Candidate
    spec: ModelSpec
    n_starts: int | None
    smaller: Estimates | None = None
    above: tuple[Estimates, ...] = ()
    below: tuple[Estimates, ...] = ()
    again: Estimates | None = None


@dataclass(frozen=True)
class Ground:
    """What all fits of a search share.

    Attributes
    ----------
    panel, held_out : the subjects that are fitted, and those that are scored only
    bases : time basis of the mean at the highest order
    deadline : time (of ``time.time``) after which no fit begins
    device : torch device; no part of a fit's key, so that a search begun on one machine can go on on another
    """

    panel: Panel
    held_out: Panel | None
    bases: tuple[TimeBasis | None, ...]
    formula: str | None
    inputs: dict[str, Any] | None
    profile: np.ndarray | None
    rng: int
    max_starts: int
    cov_type: str | None
    checkpoint: Checkpoint | None = None
    deadline: float | None = None
    device: str = "cpu"

    def key(self, task: Task) -> str:
        """Hash of all that a fit depends on besides what the checkpoint's header has."""
        frames = [None if b is None else (b.document, b.mix) for b in self.bases]
        return digest(frames, task.spec, task.n_starts, task.smaller, task.above, task.below, task.again)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A candidate's fit, or why there is none.

    Attributes
    ----------
    document : the fit document without the data; None where the fit failed
    failure : the error's message, or ""
    shared : the data, as :func:`gbtm.record.shared_data.shared_fields` has them
    trust_formula : expressions of the document that are code may be run
    """

    candidate: Candidate
    document: dict[str, Any] | None
    failure: str
    shared: dict[str, Any]
    trust_formula: bool = False

    @cached_property
    def results(self) -> GBTMResults:
        """The fit with the data, which all fits of a search share."""
        from ..api.load import results_of

        assert self.document is not None
        return results_of(attach(self.document, self.shared), trust_formula=self.trust_formula)

    @property
    def loglik(self) -> float:
        return float("nan") if self.document is None else self.record.llf

    @cached_property
    def record(self) -> FitRecord:
        """What the document says, without the data."""
        assert self.document is not None
        return FitRecord(self.document)

    @property
    def estimates(self) -> Estimates:
        return self.record.spec, self.record.internal.params

    @property
    def flag(self) -> str:
        """Why this fit cannot be chosen; "" where it can."""
        if self.document is None:
            return f"failed: {self.failure}"
        if self.record.search.optima[0].collapsed:
            return "sigma collapsed"
        return "" if self.record.certificate.converged else "not converged"

    @property
    def usable(self) -> bool:
        return not self.flag


def make_round(ground: Ground, tasks: Sequence[Task], *, n_jobs: int | None) -> Iterator[tuple[Task, str | None]]:
    """The fits of a round as JSON text, in order as they come in; None for those that the deadline kept from beginning.

    What the checkpoint has comes first.
    """
    checkpoint = ground.checkpoint
    texts = [None if checkpoint is None else _intact(checkpoint.read(ground.key(task))) for task in tasks]
    for task, text in zip(tasks, texts, strict=True):
        if text is not None:
            yield task, text
    left = [task for task, text in zip(tasks, texts, strict=True) if text is None]
    done = spread(fit_task, [(ground, task) for task in left], n_jobs=n_jobs)
    yield from zip(left, done, strict=True)


def _intact(text: str | None) -> str | None:
    """What :func:`fit_task` wrote; None for a file that is not as it was written, so that the fit is made again."""
    if text is None:
        return None
    try:
        stored = json.loads(text)
        if stored["document"] is not None:
            current_fields(decode(stored["document"]), "checkpoint", data=False)
        return text if isinstance(stored["failure"], str) else None
    except (GBTMError, ValueError, TypeError, LookupError, RecursionError):
        return None


def n_workers(n_jobs: int | None) -> int:
    """How many fits are made at once."""
    return workers_of(n_jobs)


def read_fit(text: str, candidate: Candidate, ground: Ground, shared: dict[str, Any]) -> Fitted:
    """What :func:`fit_task` wrote; formulas, which are code, are this search's own and not the file's."""
    stored = json.loads(text)
    if stored.get("not_kept"):
        warn(f"checkpoint: a fit of {groups_in_words(candidate.number)} could not be kept ({stored['not_kept']}).")
    if stored["document"] is None:
        return Fitted(candidate, None, stored["failure"], shared)
    document = current_fields(decode(stored["document"]), "checkpoint", data=False)
    document = with_own_code(document, ground.formula, ground.inputs, ground.bases)
    return Fitted(candidate, document, "", shared, trust_formula=True)


def fit_task(ground: Ground, task: Task) -> str | None:
    """Make one fit and keep it in the checkpoint, before anyone waits for it; a job of a worker."""
    if ground.deadline is not None and time.time() > ground.deadline:
        return None
    stored: dict[str, Any] = {"document": None, "failure": ""}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are in the document
            stored["document"] = encode(slim(_fit(ground, task)))
    except (GBTMError, ArithmeticError, RuntimeError, np.linalg.LinAlgError) as error:
        stored["failure"] = str(error).splitlines()[0]
    text = json.dumps(stored, allow_nan=False)
    if ground.checkpoint is not None:
        try:
            ground.checkpoint.write(ground.key(task), text)
        except OSError as error:  # the disk is full: the search goes on, and says what it could not keep
            text = json.dumps({**stored, "not_kept": error.strerror or str(error)}, allow_nan=False)
    return text


def _fit(ground: Ground, task: Task) -> dict[str, Any]:
    prepared = Prepared.of(
        ground.panel, task.spec, ground.bases, formula=ground.formula, inputs=ground.inputs, profile=ground.profile,
        held_out=ground.held_out,
    )
    # without a time budget, so that the digits do not depend on the machine's speed
    control = Control(
        n_starts=task.n_starts, max_starts=ground.max_starts, time_budget=None, rng=ground.rng, device=ground.device,
    )
    smaller = None
    if task.smaller is not None:
        smaller = (make_layout(prepared.panel, task.smaller[0], ground.bases), task.smaller[1])
    starts = _further(prepared, ground, task)
    return fit_model(
        prepared, control, cov_type=ground.cov_type, smaller=smaller, further=starts if len(starts) else None,
    )


def _further(prepared: Prepared, ground: Ground, task: Task) -> np.ndarray:
    """Starts (B, p) from the fits that were there before."""
    starts = [np.zeros((0, prepared.layout.size))]
    starts += [lowered(make_layout(prepared.panel, s, ground.bases), flat, prepared.layout) for s, flat in task.above]
    rng = np.random.default_rng(ground.rng)
    for spec, flat in task.below:
        exact = embed(make_layout(prepared.panel, spec, ground.bases), flat, prepared.layout)
        starts += [exact, *(exact + sd * rng.standard_normal(exact.shape) for sd in JITTERS)]
    if task.again is not None:
        starts.append(task.again[1][None])
    return np.concatenate(starts)
