"""Long work for R: on worker processes where they can be had, and with an ear for the user's interrupt throughout.

R sees an interrupt only while R code runs. So the work is done by a thread, and this one calls R back five times a
second; where R raises there, the work is ended.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ..compute.parallel import workers_of
from ..compute.progress import Progress
from .transfer import CALLBACK_EVERY, RCallback

R = TypeVar("R")

PACKAGE = str(Path(__file__).parents[2])


def waited_for(work: Callable[[Progress], R], callback: RCallback | None) -> R:
    """``work(tell)`` in a thread, where ``tell`` takes what progress reports; R hears of it all the while."""
    said: list[tuple[str, float]] = [("working", 0.0)]
    done: dict[str, Any] = {}

    def run() -> None:
        try:
            done["answer"] = work(lambda what, seconds: said.append((what, seconds)))
        except BaseException as error:
            done["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    begun = time.monotonic()
    thread.start()
    try:
        while thread.is_alive():
            thread.join(CALLBACK_EVERY)
            if callback is not None and thread.is_alive():
                callback(said[-1][0], time.monotonic() - begun)
    except BaseException:
        _end(thread)
        raise
    if "error" in done:
        raise done["error"]
    return done["answer"]


def _end(thread: threading.Thread) -> None:
    """Raise an interrupt in a thread, and wait until it is over."""
    while thread.is_alive():
        which = ctypes.c_ulong(thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(which, ctypes.py_object(KeyboardInterrupt))
        thread.join(2.0)


def with_workers(
    n_jobs: int | None, work: Callable[[int | None, Progress], R], callback: RCallback | None
) -> tuple[R, list[str]]:
    """``work(n_jobs, tell)``, and a sentence where it had to do with one worker."""

    def whole(tell: Progress) -> tuple[R, list[str]]:
        with _surroundings():
            found, notes = _usable(n_jobs)
            return work(found, tell), notes

    return waited_for(whole, callback)


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
def _surroundings() -> Iterator[None]:
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
