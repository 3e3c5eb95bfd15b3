"""A table in Parquet files and how a model reads it: block by block, each a panel of its own people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.panel import Panel
from ..errors import DataError
from .optional_package import optional_package
from .parquet_files import Block, unreadable

NO_LABEL = -1
LABEL_BITS = np.uint64(2**63 - 1)


@dataclass(frozen=True)
class ParquetSource:
    """Blocks of a table and the arguments of :meth:`gbtm.Panel.from_long` or ``from_wide`` that read each.

    It is small and can be sent to another process, which reads the block there.

    Attributes
    ----------
    wide : one row is a person
    columns : those that are read
    given : the arguments, designs of covariates in the place of formulas
    levels : of each factor among the columns those that occur in any block
    """

    blocks: tuple[Block, ...]
    wide: bool
    columns: tuple[str, ...]
    given: dict[str, Any]
    levels: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def each(self) -> tuple[ParquetSource, ...]:
        """The sources of the outcomes: this one."""
        return (self,)

    def of_blocks(self, blocks: tuple[Block, ...]) -> ParquetSource:
        """Of some of the blocks."""
        return replace(self, blocks=blocks)

    def table(self, number: int, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The rows of a block, of some of the columns.

        Raises
        ------
        DataError
            ``missing_file``, ``changed_file``, ``damaged_file``.
        """
        arrow, parquet = (optional_package(f"pyarrow{m}", "data in Parquet files", "disk") for m in ("", ".parquet"))
        tables = []
        for piece in self.blocks[number].pieces:
            piece.file.check()
            try:
                with parquet.ParquetFile(piece.file.path) as file:
                    tables.append(file.read_row_groups(list(piece.groups), columns=list(columns or self.columns)))
            except (OSError, arrow.ArrowException) as error:
                raise unreadable(piece.file.path, error) from None
        table = tables[0] if len(tables) == 1 else arrow.concat_tables(tables, promote_options="permissive")
        out = table.to_pandas(ignore_metadata=True)
        return out.assign(**{c: pd.Categorical(out[c], categories=levels) for c, levels in self.levels if c in out})

    def read(self, number: int) -> Panel:
        """The people of a block; clusters and strata are numbered alike in all blocks."""
        table = self.table(number)
        try:
            panel = (Panel.from_wide if self.wide else Panel.from_long)(table, **self.given, is_block=True)
        except DataError as error:
            error.args = (f"{self.blocks[number].name}: {error.args[0]}",)
            raise
        if panel.history is not None and panel.history.levels is not None:
            # of all blocks, of which this one may have the first alone
            panel = replace(panel, history=replace(panel.history, n_waves=len(self.given["waves"])))
        known = panel.known
        if known is None or (known.cluster is None and known.stratum is None):
            return panel
        cluster, stratum = (
            self._labels(table, n, panel.ids) if n in self.given else None for n in ("cluster", "stratum"))
        return replace(panel, known=replace(known, cluster=cluster, stratum=stratum))

    def _labels(self, table: pd.DataFrame, argument: str, ids: pd.Index) -> np.ndarray:
        """Numbers (N,) of the people's clusters that do not depend on who else is in the block."""
        of_rows = table[[self.given["id"], self.given[argument]]].dropna()
        first = of_rows.drop_duplicates(self.given["id"]).set_index(self.given["id"])[self.given[argument]]
        return label_numbers(first.reindex(ids))


def label_numbers(labels: pd.Series | pd.Index) -> np.ndarray:
    """A number from 0 on (n,) for each label, the same wherever the label occurs; -1 for a missing one.

    Whole numbers are the same label whatever the type of their column.
    """
    values = pd.Series(labels).reset_index(drop=True)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    there = values.notna().to_numpy()
    known = values[there]
    whole = pd.api.types.is_float_dtype(known.dtype) and (known == np.floor(known)).all() and known.abs().max() < 2**53
    if whole or pd.api.types.is_integer_dtype(known.dtype):
        known = known.astype("int64")
    elif not pd.api.types.is_numeric_dtype(known.dtype):
        known = known.astype(str)
    out = np.full(len(values), NO_LABEL, dtype=np.int64)
    out[there] = (pd.util.hash_array(known.to_numpy(), categorize=False) & LABEL_BITS).astype(np.int64)
    return out


def schema_of(blocks: Sequence[Block]) -> pd.DataFrame:
    """A table without rows that has the columns of the first file."""
    parquet = optional_package("pyarrow.parquet", "data in Parquet files", "disk")
    return parquet.read_schema(blocks[0].pieces[0].file.path).empty_table().to_pandas(ignore_metadata=True)
