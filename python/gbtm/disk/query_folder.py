"""A folder of Parquet files that takes rows ordered by person as they come; nobody is split over its files."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import DataError
from .new_folder import beside_new
from .optional_package import optional_package

ROWS = 1_000_000  # of a file, about


class QueryFolder:
    """Where rows are written, as a context: the folder appears at its end, or not at all.

    Parameters
    ----------
    folder : a new one
    id : the column by which the rows are ordered
    rows : of a file, about

    Raises
    ------
    SpecificationError
        ``missing_package``.
    DataError
        ``folder_exists``, ``unknown_column``, ``no_data``, ``not_written``.
    """

    def __init__(self, folder: str | Path, id: str, rows: int = ROWS) -> None:
        optional_package("pyarrow.parquet", "a query", "disk")
        self.place, self.beside = beside_new(
            folder, "folder", "Read it, Panel.from_parquet(folder, ..), or give the name of a new folder.")
        self.id, self.rows = id, rows
        self.waiting: list[Any] = []
        self.number = self.count = 0

    def __enter__(self) -> QueryFolder:
        try:
            self.beside.mkdir(parents=True)
        except OSError as error:
            raise self._not_written(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as failed:
            raise self._not_written(failed) from failed
        finally:
            shutil.rmtree(self.beside, ignore_errors=True)
        if isinstance(error, OSError):
            raise self._not_written(error) from error

    def add(self, table: Any) -> None:
        """Take the next rows, an Arrow table."""
        if self.id not in table.column_names:
            raise DataError(
                f"id: no column named {self.id!r} in the query.", code="unknown_column", argument="id",
                way_out=f"Its columns are {', '.join(table.column_names)}.",
            )
        for at in range(0, table.num_rows, self.rows):
            piece = table.slice(at, self.rows)
            self.waiting.append(piece)
            self.count += piece.num_rows
            if self.count >= self.rows:
                self._cut()

    def _cut(self) -> None:
        """Write what waits up to where the last person begins; the rest goes on waiting."""
        table = self._joined()
        ids = table.column(self.id).to_pandas()
        last = ids.iloc[-1]
        same = ids.isna().to_numpy() if last is None or last != last else (ids == last).to_numpy()
        other = np.flatnonzero(~same)
        if not other.size:  # one person so far
            return
        at = int(other[-1]) + 1
        self._file(table.slice(0, at))
        rest = table.slice(at)
        self.waiting, self.count = [rest], rest.num_rows

    def _joined(self) -> Any:
        arrow = optional_package("pyarrow", "a query", "disk")
        return arrow.concat_tables(self.waiting, promote_options="permissive")

    def _file(self, table: Any) -> None:
        parquet = optional_package("pyarrow.parquet", "a query", "disk")
        parquet.write_table(table, self.beside / f"part-{self.number:05d}.parquet", compression="zstd")
        self.number += 1

    def _finish(self) -> None:
        if not self.count and not self.number:
            raise DataError("query: it has no rows.", code="no_data", argument="query", way_out="Ask for people.")
        if self.count:
            self._file(self._joined())
        self.beside.rename(self.place)

    def _not_written(self, error: OSError) -> DataError:
        return DataError(
            f"folder: {str(self.place)!r} cannot be written ({error}).", code="not_written", argument="folder",
            way_out="Check the folder and the space on the disk.",
        )
