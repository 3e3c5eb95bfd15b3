"""Whether lists of columns, one column a wave, stand beside each other in the order that their names say.

Wide data are read by place: the first column of the outcome goes with the first of the time, and so on. A wildcard
takes columns in the table's order, which may be y1, y10, y11, y2; and takes in whatever else begins so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import numpy as np

from ..columns.reading import MAX_SHOWN, listing
from .shared_times import layers

CENTURY = 50  # among two-digit years those below it are of the later century

Doubt = tuple[str, str]  # code and sentence


def wave_numbers(names: Sequence[str]) -> list[int | None]:
    """The number of its wave in each name, None in a name that is not like most of the others.

    Of several numbers in a name it is the last that differs between the names. Two-digit years go on after 99.

    Examples
    --------
    >>> from gbtm.data.wave_order import wave_numbers
    >>> wave_numbers(["y2_w1", "y2_w10", "year", "y2_w2"])
    [1, 10, None, 2]
    >>> wave_numbers(["y98", "y99", "y00"])
    [98, 99, 100]
    """
    shapes = [re.sub(r"\d+", "#", n) for n in names]
    common, count = Counter(s for s in shapes if "#" in s).most_common(1)[0] if "#" in "".join(shapes) else ("", 0)
    if count < 2:
        return [None] * len(names)
    runs = {n: re.findall(r"\d+", n) for n, s in zip(names, shapes, strict=True) if s == common}
    differs = [j for j in range(common.count("#")) if len({r[j] for r in runs.values()}) > 1]
    own = {n: r[differs[-1] if differs else -1] for n, r in runs.items()}
    values = {n: int(text) for n, text in own.items()}
    if all(len(text) == 2 for text in own.values()) and max(values.values()) >= CENTURY:
        later = {n: v + 100 * (v < CENTURY) for n, v in values.items()}
        values = later if _rises([later[n] for n in names if n in later]) else values
    return [values.get(n) for n in names]


def doubts(
    lists: Mapping[str, Sequence[str]], times: Sequence[float] | np.ndarray | None = None,
    written: Collection[str] | None = None, *, repeated: bool = False,
) -> tuple[Doubt, ...]:
    """What makes it doubtful that the waves stand in order and the lists beside each other.

    Parameters
    ----------
    lists : what a list is called -> its columns; the outcome's first
    times : of the waves, where they are numbers or the means of the time's columns
    written : columns that the user wrote down one by one; the others came by a wildcard or a range. None: all
    repeated : columns may share a time: the first ones of the times are looked at by themselves, then the second ones
    """
    if repeated and times is not None:
        at = np.asarray(times, dtype=float)
        parts = [({what: [names[j] for j in own] for what, names in lists.items() if len(names) == at.size}, at[own])
                 for own in layers(at)]
        return tuple(dict.fromkeys(d for some, when in parts for d in doubts(some, when, written)))
    said: list[Doubt] = []
    if not lists:
        return ()
    numbers = {what: wave_numbers(names) for what, names in lists.items()}
    for what, names in lists.items():
        known = [v for v in numbers[what] if v is not None]
        odd = [n for n, v in zip(names, numbers[what], strict=True)
               if v is None and known and written is not None and n not in written]
        if odd:
            like = [n for n, v in zip(names, numbers[what], strict=True) if v is not None]
            said.append(("other_columns", (
                f"{what}: the wildcard or range takes in {listing(odd, MAX_SHOWN)} besides {listing(like, MAX_SHOWN)}, "
                "and each is read as a wave. Name the columns one by one if it is none.")))
        if not _rises(known):
            said.append(("wave_order", (
                f"{what}: the columns stand in the order {listing(list(names))}, in which their numbers do not rise. "
                "Waves are read in this order, the first with the first time and so on: name the columns in the order "
                "of time, or sort them by their numbers.")))
    said += _beside(lists, numbers)
    if times is not None and len(times) > 1 and not any(code == "wave_order" for code, _ in said):
        at = np.asarray(times, dtype=float)
        if np.isfinite(at).all() and not _rises(at.tolist()):
            first = next(iter(lists))
            said.append(("wave_order", (
                f"time: the times of {listing(list(lists[first]))} are {listing([f'{t:g}' for t in at])}, which do not "
                "rise. Waves are read in the order of the columns: check that each time is that of its column.")))
    return tuple(said)


def times_without(y_columns: Sequence[object] | None, waves: int) -> tuple[np.ndarray, Doubt]:
    """The times (T,) of outcomes that came without any, and what is said of it.

    They are what the columns are called, where all of these are numbers, and otherwise 1, 2, .., T.

    Examples
    --------
    >>> from gbtm.data.wave_order import times_without
    >>> times_without(["10", "12", "15"], 3)[0].tolist(), times_without(["y1", "y2"], 2)[0].tolist()
    ([10.0, 12.0, 15.0], [1.0, 2.0])
    """
    try:
        named = np.asarray([] if y_columns is None else [float(str(c)) for c in y_columns])
    except ValueError:
        named = np.zeros(0)
    if named.size == waves and np.isfinite(named).all():
        shown = listing([f"{t:g}" for t in named], MAX_SHOWN)
        return named, ("times_of_names", f"time: not given; the columns are called {shown}, and these are the times.")
    return np.arange(1.0, waves + 1), ("counted_waves", (
        f"time: not given, so that the waves are at times 1 to {waves}. Where they are not equally far apart, give "
        "their times."))


def _beside(lists: Mapping[str, Sequence[str]], numbers: Mapping[str, list[int | None]]) -> list[Doubt]:
    """Lists whose numbers differ from the outcome's, although they number waves alike."""
    (first, own), *others = numbers.items()
    said: list[Doubt] = []
    for what, theirs in others:
        alike = len(own) == len(theirs) and None not in own and None not in theirs and set(own) & set(theirs)
        if alike and own != theirs:
            at = next(j for j, (a, b) in enumerate(zip(own, theirs, strict=True)) if a != b)
            said.append(("wave_order", (
                f"{what}: {lists[what][at]} stands beside {lists[first][at]} of {first}, at place {at + 1}. Lists are "
                f"read by place: name the columns of {what} and of {first} in the same order of waves.")))
    return said


def _rises(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values))
