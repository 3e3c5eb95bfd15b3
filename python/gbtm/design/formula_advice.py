"""What a formula with more than time in it was meant to say, and which argument says it here."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

NAME = r"`?([\w.]+)`?"
EFFECT = re.compile(rf"\(((?:[^()|]|\([^()|]*\))*)\|{{1,2}}\s*{NAME}\s*\)")
PERSON = re.compile(rf"\|\s*{NAME}\s*$")
OFFSET_LOG = re.compile(rf"\boffset\(\s*(?:np\.)?log\(\s*{NAME}\s*\)\s*\)")
OFFSET = re.compile(r"\boffset\((.+?)\)")
SQUARE = re.compile(r"(\^|\*\*)\s*2|\bpoly\(\s*[^,]*,\s*(degree\s*=\s*)?2")
CONSTANT = re.compile(r"[\s01+-]+")
MOST = 5  # the highest order


def advice(rhs: str, used: Sequence[str], data: pd.DataFrame, outcome: str) -> str:
    """The way out for a right-hand side that is more or less than time; ``used`` are the columns in it."""
    if CONSTANT.fullmatch(rhs):
        return f"A curve that does not change is order=0: '{outcome} ~ t' with order=0, t the time."
    said, gone = [], set()
    effect = EFFECT.search(rhs)
    if effect:
        order = 0 if CONSTANT.fullmatch(effect[1] or " ") else 2 if SQUARE.search(effect[1]) else 1
        said.append(f"for random effects give rorder={order}, and id='{effect[2]}', in place of {effect[0]}")
        gone.add(effect[2])
        rhs = rhs.replace(effect[0], "")
    person = PERSON.search(rhs)
    if person:
        said.append(f"give id='{person[1]}' in place of {person[0].strip()}")
        gone.add(person[1])
    offset = OFFSET_LOG.search(rhs) or OFFSET.search(rhs)
    if offset:
        logged = "log(" in offset[0]
        name = offset[1] if logged else f"exp({offset[1].strip()})"
        what = "" if logged else " as a column of its own"
        said.append(f"give exposure='{name}'{what}, the time at risk itself, in place of {offset[0]}")
        gone |= {c for c in used if re.search(rf"\b{re.escape(c)}\b", offset[0])}
    left = [c for c in used if c not in gone]
    time = _time(left, rhs, data)
    powers = {c: k for c in left if c != time and (k := power_of(c, time, data))}
    order = max([0, *powers.values(), *own_powers(rhs, time)])
    if order > 1:
        said.append(f"powers of time are order={order}, one value for all groups or one for each")
    others = [c for c in left if c != time and c not in powers]
    if others:
        names = repr(others[0]) if len(others) == 1 else repr(others)
        said.append(
            f"for {', '.join(others)} give risk={names} (one value a person, and who is in which group depends on it) "
            f"or tcov={names} (it moves the outcome itself, in each group)"
        )
    if not said:
        return f"For example '{outcome} ~ bs(age, df=4)'."
    return f"Leave '{outcome} ~ {time}' and {'; '.join(said)}."


def _time(left: Sequence[str], rhs: str, data: pd.DataFrame) -> str:
    """Which of the columns is the time: the first that is a number of more than two values, and no category."""
    for name in left:
        category = re.search(rf"\b(?:C|factor|as\.factor)\(\s*`?{re.escape(name)}\b", rhs)
        here = data[name] if name in data.columns else None
        plain = here is None or (pd.api.types.is_numeric_dtype(here.dtype) and here.nunique() > 2)
        if plain and not category:
            return name
    return left[0] if left else "t"


def own_powers(rhs: str, time: str) -> list[int]:
    """The powers of ``time`` that are written out: I(age^2), age**3, I(age * age)."""
    name = rf"`?{re.escape(time)}`?"
    found = [int(k) for k in re.findall(rf"(?<![\w.]){name}\s*(?:\^|\*\*)\s*(\d+)", rhs)]
    return found + [2] * bool(re.search(rf"I\(\s*{name}\s*\*\s*{name}\s*\)", rhs))


def power_of(column: str, time: str, data: pd.DataFrame) -> int:
    """The order of the polynomial of time that a column is, by its values or its name; 0 where it is none."""
    named = re.fullmatch(rf"{re.escape(time)}[_.]?(?:(sq|squared|quad)|(cub|cubed|cubic)|([2-{MOST}]))", column, re.I)
    by_name = 0 if named is None else 2 if named[1] else 3 if named[2] else int(named[3])
    if not {column, time} <= set(data.columns):
        return by_name
    if not all(pd.api.types.is_numeric_dtype(data[c].dtype) for c in (column, time)):
        return 0
    both = data[[time, column]].astype(float).dropna().drop_duplicates().to_numpy()
    distinct = np.unique(both[:, 0]).size
    if both.shape[0] > distinct or not np.isfinite(both).all():  # one time, several values
        return 0
    centre, scale = both[:, 0].mean(), max(float(both[:, 0].std()), 1e-300)
    for k in range(2, min(MOST, distinct - 2) + 1):
        x = np.vander((both[:, 0] - centre) / scale, k + 1)
        rest = both[:, 1] - x @ np.linalg.lstsq(x, both[:, 1], rcond=None)[0]
        if np.abs(rest).max() <= 1e-9 * max(float(np.abs(both[:, 1]).max()), 1e-300):
            return k
    return by_name
