"""Worker processes for long work under R: they are tried, found a way to this package, and ended with R."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from ..compute.parallel import workers_of

R = TypeVar("R")

PACKAGE = str(Path(__file__).parents[2])


def with_workers(
    n_jobs: int | None, work: Callable[[int | None], R],
) -> tuple[R, list[str]]:
    """``work(n_jobs)``, and a sentence where it had to do with one worker."""
    with surroundings():
        found, notes = _usable(n_jobs)
        return work(found), notes


def _usable(n_jobs: int | None) -> tuple[int | None, list[str]]:
    """As many workers as asked for, or one where none can be started."""
    if workers_of(n_jobs) == 1:
        return n_jobs, []
    why = ""
    for _ in range(2):  # a pool that was there before may not know this package; the second one is new
        try:
            from joblib import Parallel, delayed

            Parallel(n_jobs=n_jobs)(delayed(workers_of)(1) for _ in range(2))
            return n_jobs, []
        except Exception as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
    return 1, [f"n_jobs: worker processes cannot be started here ({why}); one process does all the work."]


def end_workers() -> None:
    """End the worker processes that are there, and remove their files; R does this when it ends."""
    from joblib.externals.loky import reusable_executor

    executor = reusable_executor._executor
    if executor is not None and hasattr(executor, "terminate"):
        executor.terminate(kill_workers=True)


@contextmanager
def surroundings() -> Iterator[None]:
    """Within: processes that are started find this package, and their own libraries instead of R's.

    One of them removes the others' files when R ends, as Python's own end does not come under R; it need not say so.
    """
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONWARNINGS", "LD_LIBRARY_PATH")}
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [before["PYTHONWARNINGS"], quiet]))
    if PACKAGE not in sys.path:
        sys.path.append(PACKAGE)  # which workers take over from here
    found = [p for p in (before["PYTHONPATH"] or "").split(os.pathsep) if p and p != PACKAGE]
    os.environ["PYTHONPATH"] = os.pathsep.join([PACKAGE, *found])
    if sys.platform == "linux":
        os.environ.pop("LD_LIBRARY_PATH", None)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
