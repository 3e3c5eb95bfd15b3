"""People whose measures stay on disk: a table in Parquet files, surveyed once and read block by block in a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..columns.formula_design import FormulaDesign
from ..columns.formula_variables import term_columns
from ..columns.reading import expand_columns, is_number, numeric, require_columns
from ..data.panel import Panel
from ..data.subjects import levels_of
from ..data.waves import joined, refuse_wave_of_wide
from ..errors import DataError, SpecificationError
from .block_survey import Survey, survey, together
from .joined_source import JoinedSource
from .parquet_files import Block, ParquetFiles, blocks_of, files_of
from .parquet_source import ParquetSource, schema_of
from .query import query_files
from .repartition import repartition as write_partition

SAMPLE = 5000  # people on whom starts are tried
DRAWN = 2  # times as many are drawn, as the size of a block is known only when it is read
LONG_ROWS, WIDE_ROWS = 1_000_000, 100_000  # of a block
MEMORY = 1_200_000_000  # bytes of blocks, as sums need them, that a process keeps
COVARIATES = ("tcov", "risk", "dcov")
OF_PEOPLE = ("weights", "cluster", "stratum", "out_of_sample", "obsmar")
PANEL = tuple(f.name for f in fields(Panel))
LATER = ("out_of_sample", "risk2", "known", "event")


@dataclass(frozen=True, eq=False)
class DiskPanel:
    """What :meth:`gbtm.Panel.from_parquet` makes: where the data are, and sums over all of them.

    Attributes
    ----------
    source : the blocks, and how each is read
    survey : sums over all people, and a sample of them
    memory : bytes of blocks, ready for sums, that a process keeps; what is beyond is read again at each pass
    """

    source: ParquetSource | JoinedSource
    survey: Survey = field(repr=False)
    memory: int = MEMORY

    def __repr__(self) -> str:
        return f"<DiskPanel: {self.n_subjects} people, {self.nobs} observations, {self.n_blocks} blocks>"

    @property
    def n_subjects(self) -> int:
        return self.survey.n_subjects

    @property
    def nobs(self) -> int:
        return self.survey.nobs

    @property
    def n_blocks(self) -> int:
        return len(self.source.blocks)

    @property
    def id_name(self) -> str:
        return str(self.source.given["id"])

    @property
    def inputs(self) -> dict[str, Any]:
        """How the tables are read, as a fit document says it (:class:`~gbtm.model.prepared.Prepared`)."""
        return self.inputs_of(0)

    def inputs_of(self, m: int) -> dict[str, Any]:
        """How outcome m and what is known of people is read."""
        source = self.source.each[m]
        given, wide = source.given, source.wide
        designs = {k: given[k] for k in COVARIATES if isinstance(given.get(k), FormulaDesign)}
        terms = {k: given.get(k) for k in COVARIATES} | {k: f"~ {d.formula}" for k, d in designs.items()}
        named = ("id", "time", "outcome", "exposure", *(("name", "time_name") if wide else ()))
        return {
            "form": "wide" if wide else "long", **{k: given.get(k) for k in named}, **terms,
            **{k: terms[k] or ({} if wide else None) for k in ("tcov", "dcov")},
            **{k: given[k] for k in ("wave", "repeated") if given.get(k)},
            **{f"{k}_design": d.document for k, d in designs.items()}, "dropout": bool(given.get("dropout")),
            "levels": {c: list(levels) for c, levels in source.levels},
            "design": {k: given.get(k) for k in OF_PEOPLE},
        }

    def sampled(self) -> SampledPanel:
        """The sample as it stands for all."""
        plain = {f: getattr(self.survey.sample, f) for f in PANEL}
        return SampledPanel(**{**plain, "dropped": self.survey.dropped}, of=self)


@dataclass(frozen=True)
class SampledPanel(Panel):
    """A sample of people that says of itself how many they all are; ``people`` are those of the sample.

    What asks it for sizes is told those of all, what asks for measures gets those of the sample.
    """

    of: DiskPanel | None = None

    @property
    def n_subjects(self) -> int:
        assert self.of is not None
        return self.of.n_subjects

    @property
    def nobs(self) -> int:
        assert self.of is not None
        return self.of.nobs

    def nobs_of(self, m: int) -> int:
        assert self.of is not None
        return self.of.survey.seen[m].nobs

    @property
    def for_starts(self) -> Panel:
        plain = {f: getattr(self, f) for f in PANEL}
        return Panel(**plain)


@checked
def disk_panel(
    data: Any, *, id: str, time: Any, outcome: Any,
    repartition: str | Path | None = None, block: int | None = None, memory: float = MEMORY, **given: Any,
) -> DiskPanel:
    """A table in Parquet files whose rows are never in memory all at once.

    Parameters
    ----------
    data : a file, a folder, a list of files, or a pattern such as ``"register/*.parquet"``; or
        :class:`~gbtm.disk.parquet_files.ParquetFiles`
    id : column that tells people apart; all rows of a person must lie in one file, next to each other where the file
        has several row groups
    time, outcome, tcov, exposure : as for :meth:`gbtm.Panel.from_long`; or, one row per person, as for
        :meth:`gbtm.Panel.from_wide`. Factors have the levels of all files; functions of covariates are those of the
        first block
    repartition : a new folder, to which the rows are written once more with those of a person together (by DuckDB)
    block : rows that are read at once, about; default a million of long data, 100,000 of wide data
    memory : bytes of blocks, ready for sums, that a process keeps; those beyond are read again at each pass
    given : ``risk``, ``weights``, ``cluster``, ``stratum``, ``obsmar``, as for
        :func:`gbtm.data.subjects.subjects_of`; ``dropout``, ``dcov``, and ``wave`` of long data, as for
        :meth:`gbtm.Panel.from_long`, ``repeated`` too; ``name`` and ``time_name`` of wide data

    Returns
    -------
    DiskPanel
        For :meth:`gbtm.GBTM.from_panel`. The files are read once here.

    Raises
    ------
    SpecificationError
        ``missing_package`` without pyarrow, or without duckdb for ``repartition``; ``not_on_disk``.
    DataError
        ``split_person`` where someone has rows in two blocks, ``missing_file``, ``changed_file``, ``damaged_file``,
        ``not_parquet``, and what the readers of tables in memory refuse, with the file's name.
    """
    each = [{"id": id, "time": time, "outcome": outcome, **given}]
    return joined_disk_panel(data, each, repartition=repartition, block=block, memory=memory)


def joined_disk_panel(
    data: Any, each: Sequence[dict[str, Any]], *, repartition: str | Path | None = None, block: int | None = None,
    memory: float = MEMORY,
) -> DiskPanel:
    """:func:`disk_panel` of several outcomes, with its arguments for each: those of people in all of them."""
    if isinstance(data, ParquetFiles):
        own = None if memory == MEMORY else memory
        asked: dict[str, Any] = {"repartition": repartition, "block": block, "memory": own}
        asked = data.reading | {k: v for k, v in asked.items() if v is not None}
        return joined_disk_panel(data.files, each, **asked)
    files = files_of(data)
    id = each[0]["id"]
    if not isinstance(id, str):
        raise SpecificationError(
            "id: data on disk need one column that tells people apart.", code="no_id", argument="id",
            way_out="Write the files with such a column.",
        )
    given_each = [_given(given) for given in each]
    first = blocks_of(files[:1], None, 1)
    if not first:
        raise DataError(f"data: {files[0].path!r} has no rows.", code="no_data", argument="data",
                        way_out="Leave it out.")
    schema = schema_of(first)
    require_columns(schema, [id], "id")
    wide = any(
        not (isinstance(g["outcome"], str) and g["outcome"] in schema.columns and isinstance(g["time"], str))
        for g in given_each)
    rows = block or (WIDE_ROWS if wide else LONG_ROWS)
    if repartition is not None:
        total = sum(b.rows for b in blocks_of(files, None, rows))
        files = files_of(write_partition(files, id, repartition, max(1, -(-total // rows))))
    blocks = blocks_of(files, id, rows)
    sources = tuple(
        _with_designs(_with_waves(ParquetSource(blocks, wide, _columns(schema, wide, g), g))) for g in given_each)
    source = sources[0] if len(sources) == 1 else JoinedSource(sources)
    parts = _surveys(source)
    seen = [p.n_subjects > 0 for p in parts]
    if not all(seen):
        source = source.of_blocks(tuple(b for b, some in zip(source.blocks, seen, strict=True) if some))
    return DiskPanel(source, together(parts, SAMPLE), int(memory))


def _given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an outcome that were given."""
    for argument in LATER:
        if asked.get(argument) not in (None, False):
            raise SpecificationError(
                f"{argument}: is not taken with data that stay on disk.", code="not_on_disk", argument=argument,
                way_out="Read the table into memory, Panel.from_long(pandas.read_parquet(..), ..).",
            )
    given = {k: v for k, v in asked.items() if v is not None and k not in LATER and not (k == "dropout" and v is False)}
    _refuse_without_dropout(given)
    return given


def _columns(schema: pd.DataFrame, wide: bool, given: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that are read."""
    used: list[str] = [given["id"]]
    for argument in ("weights", "cluster", "stratum", "obsmar"):
        used += [given[argument]] if argument in given else []
    used += _terms(given.get("risk"), schema)
    at_risk = None if is_number(given.get("exposure")) else given.get("exposure")
    if not wide:
        used += [given["time"], given["outcome"], *([at_risk] if isinstance(at_risk, str) else [])]
        used += [given["wave"]] if "wave" in given else []
        used += [*_terms(given.get("tcov"), schema), *_terms(given.get("dcov"), schema)]
    else:
        if "wave" in given:
            refuse_wave_of_wide()
        covariates = [*given.get("tcov", {}).values(), *given.get("dcov", {}).values()]
        lists = [given["outcome"], at_risk, *covariates]
        if not isinstance(given["time"], Mapping) and _names(given["time"]):
            lists.append(given["time"])
        used += [c for names in lists if names is not None for c in expand_columns(schema, names, "outcome")]
    require_columns(schema, used)
    return tuple(dict.fromkeys(used))


def _names(values: Any) -> bool:
    return isinstance(values, str) or (isinstance(values, (list, tuple)) and all(isinstance(v, str) for v in values))


def _terms(terms: Any, schema: pd.DataFrame) -> list[str]:
    if terms is None:
        return []
    return list(terms.variables) if isinstance(terms, FormulaDesign) else term_columns(terms, schema)


def _with_designs(source: ParquetSource) -> ParquetSource:
    """Columns of covariates are made in all blocks as they are in the first, unless it is known already how."""
    asked = [a for a in COVARIATES if a in source.given and (a == "risk" or not source.wide)]
    asked = [a for a in asked if not isinstance(source.given[a], FormulaDesign)]
    if not asked:
        return source
    source = replace(source, levels=_levels(source, [source.given[a] for a in asked]))
    panel = source.read(0)
    designs = {**panel.designs, "risk": panel.subjects.risk_design}
    return replace(source, given=source.given | {a: designs[a] for a in asked if designs.get(a) is not None})


def _with_waves(source: ParquetSource) -> ParquetSource:
    """The waves of long data are those of all blocks, also where nobody of a block was seen at some."""
    if source.wide or not ("dropout" in source.given or "wave" in source.given):
        return source
    column = source.given.get("wave", source.given["time"])
    found = [numeric(source.table(i, [column])[column], column) for i in range(len(source.blocks))]
    known = np.concatenate([np.asarray(source.given.get("waves", ()), dtype=float), *map(np.unique, found)])
    return replace(source, given=source.given | {"waves": np.unique(joined(known[~np.isnan(known)]))})


def _refuse_without_dropout(given: Mapping[str, Any]) -> None:
    for argument in ("dcov", "obsmar"):
        if argument in given and "dropout" not in given:
            raise SpecificationError(
                f"{argument}: goes with dropout, which is not asked for.", code="no_dropout", argument=argument,
                way_out=f"Give dropout=True too, or leave {argument} out.",
            )


def _levels(source: ParquetSource, terms: list[Any]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """Of each factor that the terms use, the levels of all blocks, ascending."""
    factors = list(levels_of(schema_of(source.blocks)[list(source.columns)], terms))
    if not factors:
        return ()
    tables = [levels_of(source.table(i, factors), terms) for i in range(len(source.blocks))]
    return tuple((c, tuple(sorted({level for t in tables for level in t.get(c, ())}))) for c in factors)


def _surveys(source: ParquetSource | JoinedSource) -> list[Survey]:
    """The survey of each block, with the check that nobody is in two of them."""
    total = sum(b.rows for b in source.blocks)
    compared = not _apart(source.blocks)
    parts = []
    for number, b in enumerate(source.blocks):
        # all where there are few; else about as many as the block has of the rows
        parts.append(survey(source, number, -(-DRAWN * SAMPLE * b.rows // total), compared))
    if compared:
        _refuse_split(source, [p.people for p in parts])
    for m, own in enumerate(source.each):
        if not any(p.seen[m].nobs for p in parts):
            name = str(own.given.get("name", own.given["outcome"]))
            raise DataError(
                f"{name}: no observation is left in any of the files once missing values are dropped.", code="no_data",
                argument=name, way_out="Check the column names and the coding of missing values.",
            )
    n = sum(p.n_subjects for p in parts)
    if n <= 1.5 * SAMPLE and any(p.sample.n_subjects < p.n_subjects for p in parts):
        parts = [survey(source, i, p.n_subjects, False) for i, p in enumerate(parts)]
    return parts


def _apart(blocks: Sequence[Block]) -> bool:
    """By what the footers say no id can be in two blocks."""
    ends = [(b.least, b.most) for b in blocks]
    if len(ends) < 2:
        return True
    if any(least is None for least, _ in ends):
        return False
    ends.sort()
    return all(a[1] < b[0] for a, b in pairwise(ends))


def _refuse_split(source: ParquetSource | JoinedSource, people: Sequence[np.ndarray]) -> None:
    everyone = np.concatenate(people)
    number, count = np.unique(everyone, return_counts=True)
    split = number[count > 1]
    if not split.size:
        return
    here = [i for i, mine in enumerate(people) if (mine == split[0]).any()]
    who = source.read(here[0]).ids[int(np.flatnonzero(people[here[0]] == split[0])[0])]
    where = " and in ".join(source.blocks[i].name for i in here[:2])
    raise DataError(
        f"id: {split.size} of {number.size} people have rows in more than one block; id {who} is in {where}.",
        code="split_person", argument="id",
        way_out="Give data=gbtm.ParquetFiles(.., repartition='folder') beside a formula, or Panel.from_parquet(.., "
        "repartition='folder'): the rows are written there once more, those of a person together. Or write the files "
        "sorted by id.",
    )


Panel.on_disk = staticmethod(disk_panel)
Panel.of_query = staticmethod(query_files)
