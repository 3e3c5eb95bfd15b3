"""A report's do-file, done line by line by pandas as Stata would, and its traj command by the package's own parser."""

from __future__ import annotations

import re
import warnings
from functools import cache

import pandas as pd

import gbtm
import parts

STATA_FITS = ("risk_reference", "tcov", "exposure_zip", "never", "weights", "beta", "dropout1", "everything_censored")
STATA_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")


@cache
def fitted(name: str):
    """A table and a fit of it."""
    data = parts.draw(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return data.table, data.built().fit(n_starts=4, rng=3)


def imported(table: pd.DataFrame) -> pd.DataFrame:
    """As ``import delimited, case(preserve)``: what a name may not have is dropped, and v1, v2, .. stand for none."""
    names: list[str] = []
    for at, column in enumerate(map(str, table.columns), 1):
        plain = re.sub(r"[^A-Za-z0-9_]", "", column)[:32]
        bad = not STATA_NAME.fullmatch(plain) or plain in names or plain in ("if", "in", "with", "long")
        names.append(f"v{at}" if bad else plain)
    return table.set_axis(names, axis=1)


def renamed(lines: list[str], headings: list[str], data: pd.DataFrame) -> pd.DataFrame:
    """The columns that the do-file finds by their headings, under their names."""
    wanted = [re.search(r'== `?"(.*)"\'? local at(\d+) ', line) for line in lines]
    found = {int(m[2]): headings.index(m[1].replace("\\", "")) for m in wanted if m}
    names = next(m[1].split() for line in lines if (m := re.match(r"rename \(`found'\) \((.+)\)$", line)))
    columns = list(data.columns)
    for at, name in enumerate(names, 1):
        columns[found[at]] = name
    assert len(set(columns)) == len(columns)
    return data.set_axis(columns, axis=1)


def prepared(code: str, table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The last command of the do-file, and the data it is given."""
    before, _, command = code.rpartition("\ntraj,")
    before = re.sub(r"foreach k of numlist.*?\n}", "", before, flags=re.DOTALL)
    lines = [line for line in before.splitlines() if not line.startswith("*")]
    data = imported(table)
    if any(line.startswith("rename (`found')") for line in lines):
        data = renamed(lines, list(map(str, table.columns)), data)
        lines = lines[next(i for i, line in enumerate(lines) if line.startswith("rename (`found')")) + 1:]
    for line in lines:
        data = _done(line, data)
    return "traj," + command.removesuffix("trajplot\n"), data


def _done(line: str, data: pd.DataFrame) -> pd.DataFrame:
    if found := re.match(r"drop if missing\((.+)\)$", line):
        return data.dropna(subset=[c.strip() for c in found[1].split(",")])
    if found := re.match(r"egen _wave = group\((\w+)\)", line):
        return data.assign(_wave=data[found[1]].rank(method="dense").astype(int))
    if found := re.match(r"generate (\w+) = (\w+) == \"?([^\"]+)\"? if !missing\(\2\)$", line):
        one = (data[found[2]].astype(str) == found[3]).astype(float)
        return data.assign(**{found[1]: one.where(data[found[2]].notna())})
    if found := re.match(r"generate double (\w+) = (\S+)$", line):
        return data.assign(**{found[1]: float(found[2])})
    if found := re.match(r"keep (.+)", line):
        return data[found[1].split()]
    if found := re.match(r"rename \((.+)\) =_", line):
        return data.rename(columns={c: f"{c}_" for c in found[1].split()})
    if found := re.match(r"reshape wide (.+), i\((\w+)\) j\(_wave\)", line):
        varying = found[1].split()
        wide = data.pivot(index=found[2], columns="_wave", values=varying)
        wide.columns = [f"{v}{j}" for v, j in wide.columns]
        rest = data.drop(columns=[*varying, "_wave"]).groupby(found[2]).first()
        return wide.join(rest).reset_index()
    if found := re.match(r"    quietly replace (\w+)_`j'", line):
        waves = [c for c in data if re.fullmatch(rf"{found[1]}_\d+", str(c))]
        return data.fillna({c: data[c].mean() for c in waves})
    assert re.match(r"import delimited|forvalues|    quietly summarize|}?$", line), line
    return data


def stata_fit(code: str, table: pd.DataFrame):
    """The fit of the do-file's command."""
    command, data = prepared(code, table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.traj(command, data, n_starts=4, rng=3)
