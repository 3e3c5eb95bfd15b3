"""From tables and several outcomes to the one panel that is fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.ids import id_columns
from ..data.joined_panels import joined_panels
from ..design.time_basis import split_formula
from ..errors import SpecificationError
from ..model.prepared import Prepared
from ..record.inputs import split_inputs
from ..specification.description import Design
from ..specification.known_of_sets import known_of_sets, refuse_sets
from ..specification.outcome import Outcome
from ..specification.spec import design_spec, groups_of_one
from .reading import Ids, Wide, people_of, read_outcome

OF_PEOPLE = ("risk", "risk2", "weights", "cluster", "stratum", "out_of_sample", "obsmar", "known", "event")


def read_tables(
    data: pd.DataFrame | None, outcomes: Sequence[Outcome], design: Design, *, id: Ids, wide: Wide | None
) -> Prepared:
    """The model of several outcomes: they share their groups, or each of two has its own.

    ``data`` has the outcomes that bring no table of their own, and what is known of people.

    Raises
    ------
    SpecificationError
        ``no_data``, where ``data`` is needed and not given, or does not have the outcome that
        drives dropout.
    """
    design = _with_known(design, outcomes)
    of_people = [name for name in OF_PEOPLE if getattr(design, name) is not None]
    mine = [o.data is None for o in outcomes]
    if data is None and (any(mine) or of_people):
        what = of_people[0] if of_people else f"outcome '{outcomes[mine.index(True)].formula}'"
        raise SpecificationError(
            f"data: not given, and {what} needs it.", code="no_data", argument="data",
            way_out="Give data=, the table of the outcomes without their own and of what is known of people.",
        )
    if of_people and not any(mine):
        raise SpecificationError(
            f"{of_people[0]}: no outcome is in data, so that nobody there is known to be measured.", code="no_data",
            argument=of_people[0], way_out="Join the column to the table of one outcome, and give that as data.",
        )
    people = _people_seen(data, [o for o, is_mine in zip(outcomes, mine, strict=True) if is_mine], design, id, wide)
    if design.obsmar is not None and not mine[0]:
        raise SpecificationError(
            f"obsmar: it is of people in data, and '{outcomes[0].formula}', whose waves dropout goes by, has a table "
            "of its own.", code="no_data", argument="obsmar", way_out="Put first an outcome of data.",
        )
    nothing: dict[str, Any] = dict.fromkeys(OF_PEOPLE)
    groups = _groups_of_each(design, len(outcomes))
    read = []
    for i, (o, is_mine, k) in enumerate(zip(outcomes, mine, groups, strict=True)):
        # dropout goes by the waves and the last values of the first outcome
        its = design if i == 0 else replace(design, dropout=None, dcov=None, obsmar=None)
        read.append(read_outcome(
            data if is_mine else o.data, o, its if is_mine else replace(its, **nothing), k,  # type: ignore[arg-type]
            id=id, wide=wide if is_mine else None, people=people if is_mine else None))
    first = mine.index(True) if any(mine) else 0
    spec = design_spec(design, tuple(s for _, s, _ in read), groups[0], groups[1] if design.is_dual else None)
    return Prepared.of(
        joined_panels([panel for panel, _, _ in read], mine), spec, formula="; ".join(str(o.formula) for o in outcomes),
        inputs=joined_record([inputs for _, _, inputs in read], [o.formula for o in outcomes],
                             [not is_mine for is_mine in mine], first),
    )


def _with_known(design: Design, outcomes: Sequence[Outcome]) -> Design:
    """Whose group is known, of the groups of each outcome of a dual model."""
    if design.known is None:
        return design
    if not design.is_dual:
        refuse_sets(design.known)
        return design
    names = [str(o.formula).partition("~")[0].strip() for o in outcomes]
    return replace(design, known=known_of_sets(design.known, names) if len(names) == 2 else None)


def _groups_of_each(design: Design, n_outcomes: int) -> list[int]:
    """The number of groups of each outcome."""
    if not design.is_dual:
        return [groups_of_one(design)] * n_outcomes
    assert isinstance(design.groups, tuple)
    if n_outcomes != 2:
        raise SpecificationError(
            f"groups: {list(design.groups)} are two numbers of groups, and outcomes are {n_outcomes}.",
            code="bad_groups", argument="groups",
            way_out="A dual model has two outcomes; more than two share one number of groups.",
        )
    return list(design.groups)


def _people_seen(
    data: pd.DataFrame | None, outcomes: Sequence[Outcome], design: Design, id: Ids, wide: Wide | None
) -> np.ndarray | None:
    """(n,) whether a row's person is fitted and seen in some outcome of a long table; None where nobody asks.

    Levels of a factor that nobody has in one outcome alone are there by the others.
    """
    if data is None or wide is not None or design.risk is None or id is None or not set(id_columns(id)) <= set(data):
        return None
    seen = np.zeros(len(data), dtype=bool)
    for outcome in outcomes:
        name, time, _ = split_formula(str(outcome.formula), data, None)
        if not {name, time} <= set(data.columns):
            return None
        seen |= data[[name, time]].notna().all(axis=1).to_numpy()
    if design.out_of_sample is not None and design.out_of_sample in data:
        seen &= ~data[design.out_of_sample].eq(1).to_numpy()
    return people_of(seen, data, id)


def joined_record(
    read: Sequence[dict[str, Any]], formulas: Sequence[str | None], own_tables: Sequence[bool], first: int
) -> dict[str, Any]:
    """How the tables were read; what is known of people was in that of outcome ``first``."""
    whole, _, of_groups = split_inputs(read[first])
    each = [{**(split_inputs(inputs)[1][0] or {}), "form": inputs["form"], "formula": formula, "own_table": own}
            for inputs, formula, own in zip(read, formulas, own_tables, strict=True)]
    levels = {column: known for inputs in read for column, known in (inputs.get("levels") or {}).items()}
    return {**(whole or {}), "levels": levels, **(of_groups or {}), "outcomes": each}
