"""Errors and warnings: each names the argument, says what is wrong with its value, and gives the way out."""

from __future__ import annotations

import sys
import warnings


class GBTMError(ValueError):
    """Base of all errors raised by this package.

    Attributes
    ----------
    code : str
        Stable machine-readable name, e.g. ``"duplicate_time"``; R raises it as the condition class ``gbtm_<code>``.
    argument : str or None
        The argument or column at fault.
    way_out : str
        What to do about it.
    """

    def __init__(self, message: str, *, code: str = "error", argument: str | None = None, way_out: str = "") -> None:
        self.message = message
        self.code = code
        self.argument = argument
        self.way_out = way_out
        super().__init__(f"{message} {way_out}".strip())


class DataError(GBTMError):
    """The data cannot be used as they are."""


class SpecificationError(GBTMError):
    """The model asked for is not a model, or not one for these data."""


class UnknownArgumentError(SpecificationError, TypeError):
    """An argument that does not exist; also a ``TypeError``, as Python has it for such calls."""


class MissingArgumentError(SpecificationError, TypeError):
    """An argument that has to be given and was not; also a ``TypeError``, as Python has it for such calls."""


class InternalError(GBTMError):
    """What went wrong without words of its own; ``code`` is "breakdown" (of numbers), "not_written" or "internal"."""


class CommandError(GBTMError):
    """A text of Stata or SAS that cannot be read, or asks for what cannot be honoured.

    Attributes
    ----------
    faults : tuple of CommandError
        Each fault of the text where it has several, in the order of their places; empty otherwise.
    """

    faults: tuple[CommandError, ...] = ()


class GBTMWarning(UserWarning):
    """Something the reader of the results has to know; also kept in ``res.warnings``."""


def warn(sentence: str) -> None:
    """A :class:`GBTMWarning` at the line of whoever called the package, however deep in it the sentence is said."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith("gbtm."):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, GBTMWarning, stacklevel=level + 1)
