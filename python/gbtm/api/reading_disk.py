"""From files and a description of a model to the model on people on disk."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ..arguments import shown
from ..data.columns import refuse_values
from ..design.time_basis import split_formula
from ..disk.disk_panel import disk_panel
from ..disk.parquet_files import ParquetFiles, blocks_of, files_of
from ..disk.parquet_source import schema_of
from ..errors import SpecificationError
from ..model.description import Design, Outcome
from ..model.prepared_blocks import PreparedBlocks
from ..model.spec import design_spec, groups_of_one, outcome_spec
from .reading import Ids, Wide

ONLY_IN_MEMORY = ("dropout", "dcov", "wave", "risk2", "out_of_sample", "obsmar")


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
            way_out="Give a pandas DataFrame, or the pattern of Parquet files.",
        )


def read_files(
    data: str | Sequence[str], outcome: Outcome, design: Design, *, id: Ids, wide: Wide | None
) -> PreparedBlocks:
    """The model of a formula on Parquet files, long or wide."""
    assert outcome.formula is not None
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
    refuse_values(outcome.tcov, "tcov")
    schema = schema_of(blocks_of(files_of(data)[:1], None, 1))
    name, time, basis = split_formula(outcome.formula, schema, wide)
    if basis is not None and outcome.order is not None:
        raise SpecificationError(
            f"formula: with data that stay on disk a polynomial is one of a column, and '{basis}' is none.",
            code="not_on_disk", argument="formula", way_out=f"Write '{name} ~ {time}'; curves are the same.",
        )
    groups = groups_of_one(design)
    of_people = ("risk", "weights", "cluster", "stratum")
    given: dict[str, Any] = {k: v for k, v in design.of_subjects.items() if k in of_people}
    if wide is None:
        panel = disk_panel(
            data, id=id, time=time, outcome=name, tcov=outcome.tcov, exposure=outcome.exposure, **given)
    else:
        names = [outcome.tcov] if isinstance(outcome.tcov, str) else list(outcome.tcov or ())
        panel = disk_panel(
            data, id=id, time=wide[time], outcome=wide[name], name=name, time_name=time,
            tcov={n: wide[n] for n in names} or None,
            exposure=None if outcome.exposure is None else wide[outcome.exposure], **given)
    spec = design_spec(design, (outcome_spec(outcome, groups, basis),), groups)
    return PreparedBlocks.of(panel, spec, formula=outcome.formula)
