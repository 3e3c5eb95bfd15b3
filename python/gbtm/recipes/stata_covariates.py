"""Covariates as Stata's variables: columns of the file, and the indicators of factors, which are made first."""

from __future__ import annotations

import re

from .recipe import Recipe
from .stata_names import LEGAL, StataNames

LEVEL = re.compile(r"(?:C\()?(?P<column>[^\[\]()]+)\)?\[(?:T\.)?(?P<level>[^\]]+)\]")  # as formulaic writes it


def columns_of(names: list[str], recipe: Recipe, kind: str) -> list[str]:
    """The columns of the file behind what a fit calls its covariates, ``kind`` "risk", "tcov" or "dcov"."""
    columns = [_source(name, recipe, kind)[0] for name in names]
    return [column for column in dict.fromkeys(columns) if column is not None]


def covariates(
    names: list[str], recipe: Recipe, kind: str, called: StataNames, prepare: list[str], comments: list[str]
) -> list[str]:
    """What Stata calls them; lines that make the indicators go to ``prepare``, what remains to do to ``comments``."""
    variables = []
    for name in names:
        column, level = _source(name, recipe, kind)
        if column is None:
            made = called.add(name)
            comments.append(f"make the variable {made} first: it stands for {name}.")
        elif level is None:
            made = called[column]
        else:
            made = called.add(f"{column}_{level}")
            value = level if re.fullmatch(r"-?\d+(\.\d+)?", level) else f'"{level}"'
            line = f"generate {made} = {called[column]} == {value} if !missing({called[column]})"
            if line not in prepare:
                prepare.append(line)
        variables.append(made)
    return variables


def _source(name: str, recipe: Recipe, kind: str) -> tuple[str | None, str | None]:
    """Column and level of a covariate; (None, None) for another expression."""
    terms = recipe.columns.get(kind) or []
    if isinstance(terms, str):
        terms = [t.strip().strip("`") for t in re.split(r"[~+]", terms)]
    if name in terms:
        return name, None
    level = LEVEL.fullmatch(name)
    if level:
        return level["column"].strip("` "), level["level"]
    for column, levels in recipe.factors.items():  # as R writes it
        for value in map(str, levels):
            if name in (f"{column}{value}", f"factor({column}){value}"):
                return column, value
    return (name, None) if LEGAL.fullmatch(name) else (None, None)
