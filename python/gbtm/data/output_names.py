"""The user's own column names among those of a table of results.

One rule for all tables, the same in R: a column of the user's whose name the table needs itself, or has already, gets
an underscore. The time ``group`` is ``group_`` beside the column ``group``.
"""

from __future__ import annotations

from collections.abc import Sequence


def apart(own: Sequence[object], fixed: Sequence[str]) -> list[str]:
    """The user's names, each with underscores until it is none of the table's and none of those before it.

    Examples
    --------
    >>> from gbtm.data.output_names import apart
    >>> apart(["id", "group", "group_"], ["group", "estimate"])
    ['id', 'group_', 'group__']
    """
    out: list[str] = []
    for name in map(str, own):
        while name in fixed or name in out:
            name += "_"
        out.append(name)
    return out
