"""All that is wrong with a program's text, told in one error, each fault with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from ..errors import CommandError


def joined(message: str, faults: Sequence[CommandError]) -> CommandError:
    """One error of several faults; its code is theirs where they have the same."""
    code = faults[0].code if len({e.code for e in faults}) == 1 else "several_faults"
    error = CommandError(message, code=code, argument=faults[0].argument)
    error.faults = tuple(faults)
    return error


def each_read(items: Iterable[str], read: Callable[[str], list[str]]) -> list[str]:
    """What ``read`` makes of all items of a list, or all that is wrong with them in one error."""
    found: list[str] = []
    wrong: list[CommandError] = []
    for item in items:
        try:
            found += read(item)
        except CommandError as error:
            wrong.append(error)
    if wrong:
        raise wrong[0] if len(wrong) == 1 else joined("\n".join(map(str, wrong)), wrong)
    return found


class Faults:
    """Collects the errors met while a text is read, so that its writer sees all of them at once.

    Parameters
    ----------
    source : the text as it was given; places are counted in it

    Examples
    --------
    >>> faults = Faults("traj,\\nvar(a)")
    >>> with faults.at(6):
    ...     raise CommandError("var(): no variable 'a'.", code="unknown_column", argument="var")
    >>> faults.tell()
    Traceback (most recent call last):
    gbtm.errors.CommandError: line 2, column 1: var(): no variable 'a'.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._found: list[tuple[int, CommandError]] = []

    @contextmanager
    def at(self, position: int) -> Iterator[None]:
        """Note an error raised within, as one of the text at ``position``, and go on."""
        try:
            yield
        except CommandError as error:
            self.add(error, position)

    def add(self, error: CommandError, position: int) -> None:
        """Note an error at a position of the text."""
        self._found += [(position, each) for each in error.faults or (error,)]

    def take(self, others: Faults) -> None:
        """Note what others have noted of the same text."""
        self._found += others._found

    @property
    def any(self) -> bool:
        """Whether something was found."""
        return bool(self._found)

    def tell(self) -> None:
        """Raise what was found, if anything was: one fault as itself, several in one error with all their places."""
        found = sorted(self._found, key=lambda f: f[0])
        if not found:
            return
        placed = [
            CommandError(f"{self.place(at)}: {e.message}", code=e.code, argument=e.argument, way_out=e.way_out)
            for at, e in found
        ]
        if len(placed) == 1:
            raise placed[0]
        told = "\n".join(f"  {e}" for e in placed)
        raise joined(f"{len(placed)} faults in the text:\n{told}", placed)

    def place(self, position: int) -> str:
        """Line and column, from 1."""
        before = self.source[:position]
        return f"line {before.count(chr(10)) + 1}, column {position - before.rfind(chr(10))}"
