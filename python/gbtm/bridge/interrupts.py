"""The user's interrupt while Python works for R: it is noted, and raised nowhere.

reticulate tells R and Python of an interrupt at once, and where Python raises it outside the call that R waits for
(most of all while reticulate reads the error of the first one), the whole session crashes. So the signal comes here for
as long as the work lasts, and R is told in the answer.
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from types import FrameType

ACTION_BYTES = 1024  # room for the C library's record of what a signal does: 152 bytes on 64-bit Linux, 16 on macOS


class Interrupts:
    """From here to :meth:`end`, an interrupt sets ``noted``; in a thread that is not the main one, nothing changes."""

    def __init__(self) -> None:
        self.noted = False
        self.theirs = threading.current_thread() is threading.main_thread()
        if self.theirs:
            self.action = _action()
            self.handler = signal.signal(signal.SIGINT, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noted = True

    def end(self) -> None:
        """What an interrupt does is again what it did before: Python's own handler, and what R and reticulate set."""
        if self.theirs:
            self.theirs = False
            signal.signal(signal.SIGINT, signal.default_int_handler if self.handler is None else self.handler)
            _action(self.action)


def _action(new: ctypes.Array[ctypes.c_char] | None = None) -> ctypes.Array[ctypes.c_char] | None:
    """The C library's record of what SIGINT does, or set it; None where there is no such record (Windows)."""
    if os.name != "posix":
        return None
    old = ctypes.create_string_buffer(ACTION_BYTES)
    ctypes.CDLL(None).sigaction(int(signal.SIGINT), new, old)
    return old
