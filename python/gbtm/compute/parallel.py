"""Many fits at once: independent jobs on the cores, or the machines, that joblib has.

A job is a plain function of plain arguments, and its answer does not depend on how many workers there are. Inside
``joblib.parallel_config(backend=...)`` another backend, Dask's or Ray's, takes over.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from ..checks import is_count
from ..errors import SpecificationError

R = TypeVar("R")


def spread(call: Callable[..., R], jobs: Iterable[tuple[Any, ...]], *, n_jobs: int | None = None) -> Iterator[R]:
    """``call(*job)`` for each job, in order, as they come in.

    Parameters
    ----------
    call : a function that can be pickled: one at the top of a module
    n_jobs : worker processes; 1 works here, with all of torch's threads; -1 takes one per core; None what
        ``joblib.parallel_config`` says, else here
    """
    work = list(jobs)
    count = workers_of(n_jobs)
    if count == 1 or len(work) < 2:
        for job in work:
            yield call(*job)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=n_jobs, return_as="generator")
    yield from pool(delayed(_alone)(call, job) for job in work)


def workers_of(n_jobs: int | None) -> int:
    """How many worker processes that is here."""
    if n_jobs is not None and not is_count(n_jobs) and (isinstance(n_jobs, bool) or n_jobs != -1):
        raise SpecificationError(
            f"n_jobs: {n_jobs!r} is not a number of workers.", code="bad_n_jobs", argument="n_jobs",
            way_out="1 works in this process, -1 takes one worker per core.",
        )
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))


def _alone(call: Callable[..., R], job: tuple[Any, ...]) -> R:
    """One job in a worker process: on one thread, as the other cores have jobs of their own."""
    import torch

    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they travel in the answer
        return call(*job)
