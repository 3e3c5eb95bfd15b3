"""Long work for R: a thread does it, and R waits for it a moment at a time.

R begins the work, asks five times a second how it stands, and ends it where the user interrupts. Python never calls R:
an interrupt there would jump over Python's own frames, and the session would not survive the next call.
"""

from __future__ import annotations

import ctypes
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from ..compute.progress import Progress
from .interrupts import Interrupts


class LongWork:
    """``work(tell)`` in a thread, where ``tell`` takes what progress reports."""

    def __init__(self, work: Callable[[Progress], str]) -> None:
        self.begun = time.monotonic()
        self.said = "working"
        self.answer: str | None = None
        self.error: BaseException | None = None
        self.interrupts = Interrupts()
        self.thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.thread.start()

    def _run(self, work: Callable[[Progress], str]) -> None:
        try:
            self.answer = work(self._tell)
        except BaseException as error:
            self.error = error

    def _tell(self, what: str, seconds: float) -> None:
        self.said = what

    def wait(self, seconds: float) -> str:
        """Wait at most so long for the answer; as long as there is none, JSON of what it is ``working`` at."""
        self.thread.join(seconds)
        if self.interrupts.noted:
            return json.dumps({"interrupted": True})
        if self.thread.is_alive():
            return json.dumps({"working": self.said, "seconds": time.monotonic() - self.begun})
        if self.error is not None:
            raise self.error
        assert self.answer is not None
        return self.answer

    def end(self) -> None:
        """Raise an interrupt in the thread, wait until it is over, and give interrupts back."""
        while self.thread.is_alive():
            which = ctypes.c_ulong(self.thread.ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(which, ctypes.py_object(KeyboardInterrupt))
            self.thread.join(2.0)
        self.interrupts.end()


_now: list[LongWork] = []


def begin(work: Callable[..., str], *given: Any) -> None:
    """Begin a function of the bridge whose last argument takes progress; :func:`wait` has its answer."""
    end()
    _now[:] = [LongWork(lambda tell: work(*given, tell))]


def wait(seconds: float) -> str:
    """The answer of what was begun; or, as JSON, that the user ``interrupted`` it, or what it is ``working`` at."""
    work = _now[0]
    answer = work.wait(seconds)
    if not work.thread.is_alive():
        end()
    return answer


def end() -> None:
    """End what was begun, if it still runs."""
    for work in _now:
        work.end()
    _now.clear()
