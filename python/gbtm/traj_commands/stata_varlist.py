"""Stata's variable lists."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import CommandError
from .faults import each_read


class StataColumns:
    """The data's columns under the names that a do-file calls them by.

    Stata tells upper from lower case; ``import delimited`` makes all names lower case, so that a file's ``AGE`` is a
    do-file's ``age``. A name that is no column as it stands is looked for whatever its case, which ``otherwise`` keeps.

    Examples
    --------
    >>> columns = StataColumns(["HHID", "AD_1", "AD_2"])
    >>> columns.expand("ad_1-ad_2", "var"), columns.otherwise
    (('AD_1', 'AD_2'), {'ad_1': 'AD_1', 'ad_2': 'AD_2'})
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.names = [str(c) for c in columns]
        self.otherwise: dict[str, str] = {}

    def column(self, word: str, option: str) -> str:
        """The one column that a name, which may be abbreviated, stands for."""
        found = self.expand(word, option)
        if len(found) != 1:
            raise CommandError(
                f"{option}(): '{word}' is {len(found)} variables.", code="unknown_column", argument=option,
                way_out="Name one.",
            )
        return found[0]

    def expand(self, text: str, option: str) -> tuple[str, ...]:
        """A list of names, ``stub*``, ``a?``, ranges ``Y1-Y5`` in the data's order, as columns of the data."""
        items = re.sub(r"\s*-\s*", "-", text.strip()).split()
        found = each_read(items, lambda item: self._item(item, option))
        if not found:
            raise CommandError(
                f"{option}(): empty.", code="missing_option", argument=option, way_out="List the variables.",
            )
        return tuple(found)

    def _item(self, item: str, option: str) -> list[str]:
        if re.match(r"(?i:i|c|ib\d*|ibn|o|[fdls]\d*)\.|.*#", item) and item not in self.names:
            raise _no_factor(item, option)
        exact = self._name(item)
        if exact:
            return self._told(item, exact, option)
        ends = item.split("-", 1)
        if "-" in item and all(self._name(end) for end in ends):
            first, last = (self.names.index(self._told(end, self._name(end), option)[0]) for end in ends)
            if last < first:
                raise CommandError(
                    f"{option}(): {item}: the second stands before the first in the data.", code="unknown_column",
                    argument=option, way_out="Give the earlier column first, or list the names.",
                )
            return self.names[first : last + 1]
        if re.search(r"[*?~]", item):
            pattern = re.escape(item).replace(r"\*", ".*").replace(r"\?", ".").replace(r"\~", ".*").replace("~", ".*")
            return self._fitting(item, re.compile(pattern), option)
        # Stata lets a variable be abbreviated when that is unambiguous
        hits = self._fitting(item, re.compile(re.escape(item) + ".*"), option)
        if len(hits) != 1:
            raise _unknown(item, self.names, option)
        return hits

    def _name(self, word: str) -> list[str]:
        """The columns of that name: as written, else whatever their case."""
        return [word] if word in self.names else [n for n in self.names if n.lower() == word.lower()]

    def _fitting(self, item: str, pattern: re.Pattern[str], option: str) -> list[str]:
        hits = [n for n in self.names if pattern.fullmatch(n)]
        if hits:
            return hits
        loose = re.compile(pattern.pattern, re.IGNORECASE)
        hits = [n for n in self.names if loose.fullmatch(n)]
        if not hits:
            raise _unknown(item, self.names, option)
        twins = [n for n in hits if sum(n.lower() == other.lower() for other in hits) > 1]
        if twins:
            self._told(item, twins, option)
        self.otherwise[item] = hits[0] if len(hits) == 1 else f"{hits[0]} .. {hits[-1]}"
        return hits

    def _told(self, word: str, hits: list[str], option: str) -> list[str]:
        """One column; that its name is written otherwise is kept, to be said."""
        if len(hits) > 1:
            raise CommandError(
                f"{option}(): '{word}' could be {' or '.join(hits)}, which differ in case only.",
                code="unknown_column", argument=option, way_out="Write the one that is meant, or rename the other.",
            )
        if hits[0] != word:
            self.otherwise[word] = hits[0]
        return hits

    @property
    def sentence(self) -> str | None:
        """What to say of names that were found in another case; None where there are none."""
        if not self.otherwise:
            return None
        shown = [f"{word} is {name}" for word, name in list(self.otherwise.items())[:3]]
        more = len(self.otherwise) - len(shown)
        return (f"Names of the text are found in the data in another case: {', '.join(shown)}"
                f"{f' and {more} more' if more else ''}.")


def expand_varlist(text: str, columns: Sequence[str], option: str) -> tuple[str, ...]:
    """A Stata variable list: names, ``stub*``, ``a?``, ranges ``Y1-Y5`` in the data's order."""
    return StataColumns(columns).expand(text, option)


def _no_factor(item: str, option: str) -> CommandError:
    name = re.sub(r"^\w+\.", "", item)
    return CommandError(
        f"{option}(): {item}: traj reads no factor variables or time-series operators.", code="factor_variable",
        argument=option, way_out=f"Make a 0/1 column for each level but one of {name} and name those (Stata: tabulate "
        f"{name}, generate({name}_)), or use gbtm() with risk = ~ factor({name}) (Python: risk='~ C({name})').",
    )


def _unknown(item: str, names: list[str], option: str) -> CommandError:
    shown = ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
    return CommandError(
        f"{option}(): no variable '{item}'.", code="unknown_column", argument=option,
        way_out=f"The data have {shown}.",
    )
