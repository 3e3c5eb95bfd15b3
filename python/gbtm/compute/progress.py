"""Progress lines for anything that takes more than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable

Progress = Callable[[str, float], None]  # called with a sentence and the seconds elapsed

QUIET_SECONDS = 2.0
LINE_EVERY = 0.5


class _Lines:
    """Overwrites one line on stderr, from two seconds on."""

    def __init__(self) -> None:
        self.last = 0.0

    def __call__(self, what: str, seconds: float) -> None:
        if seconds >= QUIET_SECONDS and seconds - self.last >= LINE_EVERY:
            self.last = seconds
            sys.stderr.write(f"\rgbtm {seconds:5.1f} s  {what:<90}")
            if what.startswith(("standard errors", "search done")):
                sys.stderr.write("\n")
            sys.stderr.flush()


def reporter(progress: Progress | bool | None) -> Progress | None:
    """The callback that ``progress`` stands for; None where nothing is to be shown."""
    if progress is None:
        progress = hasattr(sys, "ps1") or sys.stderr.isatty()
    if isinstance(progress, bool):
        return _Lines() if progress else None
    return progress
