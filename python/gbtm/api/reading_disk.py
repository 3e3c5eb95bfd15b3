"""From files and a description of a model to the model on people on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pandas as pd

from ..arguments import shown
from ..columns.reading import expand_columns, is_number, refuse_values
from ..design.time_basis import split_formula
from ..disk.disk_panel import DiskPanel, joined_disk_panel
from ..disk.parquet_files import ParquetFiles, blocks_of, files_of
from ..disk.parquet_source import schema_of
from ..errors import GBTMError, SpecificationError
from ..families import family_named
from ..lags.term import CALL
from ..model.prepared_blocks import PreparedBlocks, refuse_dual
from ..specification.description import Design
from ..specification.outcome import Outcome
from ..specification.spec import design_spec, groups_of_one, outcome_spec
from .common_columns import asked_apart, at_each_wave, blame, common_of_design, common_of_wide, with_common
from .reading import Ids, Wide
from .reading_several import joined_record

ONLY_IN_MEMORY = ("risk2", "out_of_sample", "known", "event")


def on_files(data: Any) -> bool:
    """``data`` names files and is no table."""
    if isinstance(data, (str, os.PathLike, ParquetFiles)):
        return True
    return isinstance(data, (list, tuple)) and bool(data) and all(isinstance(d, (str, os.PathLike)) for d in data)


def refuse_no_table(data: Any) -> None:
    """Raise ``bad_data`` for what is neither a table nor names files."""
    if data is not None and not isinstance(data, pd.DataFrame):
        raise SpecificationError(
            f"data: {shown(data)} is not a table.", code="bad_data", argument="data",
            way_out="Give a pandas DataFrame (polars and Arrow have to_pandas()), or the pattern of Parquet files.",
        )


def read_files(
    data: Any, outcomes: Sequence[Outcome], design: Design, *, id: Ids, wide: Wide | None
) -> PreparedBlocks:
    """The model of a formula, or of several that share their groups, on Parquet files, long or wide."""
    for argument in ONLY_IN_MEMORY:
        if getattr(design, argument) is not None:
            raise SpecificationError(
                f"{argument}: is not taken with data that stay on disk.", code="not_on_disk", argument=argument,
                way_out="Read the table into memory, data=pandas.read_parquet(..).",
            )
    if not isinstance(id, str):
        raise SpecificationError(
            "id: data on disk need one column that tells people apart.", code="no_id", argument="id",
            way_out="Give id='column'.",
        )
    if design.is_dual:
        refuse_dual()
    schema, groups = schema_of(blocks_of(files_of(data)[:1], None, 1)), groups_of_one(design)
    # dropout goes by the waves and the last values of the first outcome
    further = replace(design, dropout=None, dcov=None, obsmar=None)
    read = []
    for i, o in enumerate(outcomes):
        try:
            read.append(_read_outcome(schema, o, further if i else design, id, wide))
        except GBTMError as error:
            blame(error, o)
            raise
    panel = joined_disk_panel(data, [given for given, _ in read])
    specs = tuple(
        replace(outcome_spec(o, groups, basis), common=_common(panel, m, o, schema, wide))
        for m, (o, (_, basis)) in enumerate(zip(outcomes, read, strict=True)))
    formulas = [o.formula for o in outcomes]
    each = [panel.inputs_of(m) | asked_apart(o) for m, o in enumerate(outcomes)]
    inputs = joined_record(each, formulas, [False] * len(outcomes), 0) if len(outcomes) > 1 else each[0]
    return PreparedBlocks.of(
        panel, design_spec(design, specs, groups), formula="; ".join(map(str, formulas)), inputs=inputs)


def _read_outcome(
    schema: pd.DataFrame, outcome: Outcome, design: Design, id: str, wide: Wide | None
) -> tuple[dict[str, Any], str | None]:
    """The arguments by which an outcome is read, and the basis of its formula."""
    assert outcome.formula is not None
    if outcome.data is not None:
        raise SpecificationError(
            f"data: '{outcome.formula}' has a table of its own, and with data that stay on disk all outcomes are in "
            "the same files.", code="not_on_disk", argument="data", way_out="Join the tables, and write them to one.",
        )
    for argument, of_rows in (
        ("tcov", outcome.tcov), ("common", outcome.common), ("dcov", design.dcov), ("wave", design.wave)):
        refuse_values(of_rows, argument)
    name, time, basis = split_formula(outcome.formula, schema, wide)
    outcome = with_common(
        outcome, [str(c) for c in schema.columns] if wide is None else wide, wide=wide is not None)
    _refuse_lags(outcome.tcov)
    if basis is not None and outcome.order is not None:
        raise SpecificationError(
            f"formula: with data that stay on disk a polynomial is one of a column, and '{basis}' is none.",
            code="not_on_disk", argument="formula", way_out=f"Write '{name} ~ {time}'; curves are the same.",
        )
    of_people = ("risk", "weights", "cluster", "stratum", "obsmar")
    given: dict[str, Any] = {k: v for k, v in design.of_subjects.items() if k in of_people}
    given |= {"id": id, "dropout": design.dropout is not None, "wave": design.wave}
    given |= {"repeated": True} if outcome.repeated else {}
    _refuse_texts(outcome, schema, [name] if wide is None else expand_columns(
        schema, cast("list[str]", wide[name]), "outcome"))
    if wide is None:
        given |= {"time": time, "outcome": name, "tcov": outcome.tcov, "dcov": design.dcov,
                  "exposure": outcome.denominator}
    else:
        varying = at_each_wave(_in_wide(outcome.tcov, wide) or {}, outcome, schema, wide[name])
        given |= {"time": wide[time], "outcome": wide[name], "name": name, "time_name": time,
                  "tcov": varying or None, "dcov": _in_wide(design.dcov, wide),
                  "exposure": outcome.denominator if outcome.denominator is None or is_number(outcome.denominator)
                  else wide[outcome.denominator]}
    return given, basis


def _common(
    panel: DiskPanel, m: int, outcome: Outcome, schema: pd.DataFrame, wide: Wide | None
) -> tuple[str, ...]:
    """The covariates of outcome m that have one coefficient for all groups."""
    name = split_formula(str(outcome.formula), schema, wide)[0]
    if wide is not None:
        return common_of_wide(outcome, name, wide)
    design = panel.source.each[m].given.get("tcov")
    return common_of_design(outcome, name, [str(c) for c in schema.columns], design)


def _refuse_lags(tcov: Any) -> None:
    for text in [tcov] if isinstance(tcov, str) else list(tcov or ()):
        if isinstance(text, str) and CALL.search(text):
            raise SpecificationError(
                f"tcov: '{text}' asks for a lag, which is not made of data that stay on disk.", code="not_on_disk",
                argument="tcov", way_out="Write the column with the files, in SQL as LAG(y) OVER (PARTITION BY id "
                "ORDER BY time).",
            )


def _refuse_texts(outcome: Outcome, schema: pd.DataFrame, columns: Sequence[str]) -> None:
    """Levels of data on disk are numbers, which mean the same in all files."""
    if not family_named(outcome.family).has_levels:
        return
    for c in columns:
        if c in schema and not pd.api.types.is_numeric_dtype(schema[c].dtype):
            raise SpecificationError(
                f"{c}: levels of an outcome are numbers where data stay on disk, and these are text or a factor.",
                code="not_on_disk", argument=c, way_out="Write numbers 1, 2, .. into the files, in the order of the "
                "levels.")


def _in_wide(names: Any, wide: Wide) -> dict[str, Any] | None:
    """The columns of each covariate of wide data that varies."""
    return {n: wide[n] for n in ([names] if isinstance(names, str) else list(names or ()))} or None
