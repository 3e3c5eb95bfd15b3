"""Parquet files that hold one table: which they are, what their footers say, and in which blocks they are read.

A block is some row groups of a file, or all files of a folder that :func:`.repartition.repartition` wrote. Its limits
depend on the files alone, so that sums over blocks have the same digits whoever computes them.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import DataError
from .optional_package import optional_package

FOLDER = "gbtm_block="  # of a hash partition: all rows of a person are in one of these folders


@dataclass(frozen=True)
class File:
    """A file as it was when the data were first read.

    Attributes
    ----------
    size, changed : bytes, and nanoseconds since the epoch
    """

    path: str
    size: int
    changed: int

    @classmethod
    def at(cls, path: str) -> File:
        """The file that is there now."""
        try:
            state = os.stat(path)
        except OSError as error:
            raise missing(path, error.strerror or str(error)) from None
        return cls(path, state.st_size, state.st_mtime_ns)

    def check(self) -> None:
        """Refuse a file that is gone, or is another one by now."""
        if File.at(self.path) != self:
            raise DataError(
                f"data: {self.path!r} has changed since the data were first read.", code="changed_file",
                argument="data", way_out="Make the panel again: sums of old and new rows would be no fit of either.",
            )


@dataclass(frozen=True)
class Piece:
    """Some row groups of a file."""

    file: File
    groups: tuple[int, ...]
    rows: int


@dataclass(frozen=True)
class Block:
    """What is read at once; ``least`` and ``most`` are the ends of its ids, None where the footers do not say."""

    pieces: tuple[Piece, ...]
    least: Any = None
    most: Any = None

    @property
    def rows(self) -> int:
        return sum(p.rows for p in self.pieces)

    @property
    def name(self) -> str:
        """The block in the user's terms."""
        first = self.pieces[0]
        if len(self.pieces) > 1:
            return str(Path(first.file.path).parent)
        groups = first.groups
        more = f" to {groups[-1] + 1}" if len(groups) > 1 else ""
        return f"{first.file.path} (row group {groups[0] + 1}{more})"


@dataclass(frozen=True)
class ParquetFiles:
    """Files, and how they are read: ``data`` of :meth:`gbtm.GBTM.from_formula` where a pattern alone does not say it.

    Attributes
    ----------
    files : a file, a folder, a list of files, or a pattern such as ``"register/*.parquet"``
    repartition : a new folder, to which the rows are written once more with those of a person together (by DuckDB)
    block : rows that are read at once, about; default a million of long data, 100,000 of wide data
    memory : bytes of blocks, ready for sums, that a process keeps; those beyond are read again at each pass

    Examples
    --------
    >>> import gbtm
    >>> files = gbtm.ParquetFiles("register/*.parquet", block=500_000, memory=4e9)
    >>> files.memory
    4000000000.0
    """

    files: Any
    repartition: str | Path | None = None
    block: int | None = None
    memory: float | None = None

    @property
    def reading(self) -> dict[str, Any]:
        """What was said of the reading, by name."""
        asked = {"repartition": self.repartition, "block": self.block, "memory": self.memory}
        return {k: v for k, v in asked.items() if v is not None}


def missing(path: str, why: str) -> DataError:
    """The error for a file that cannot be had."""
    return DataError(
        f"data: {path!r} cannot be read ({why}).", code="missing_file", argument="data",
        way_out="Put the file back where it was, or make the panel again from the files there are.",
    )


def unreadable(path: str, error: Exception) -> DataError:
    """The error for a file that cannot be had, or whose rows cannot be made out."""
    if isinstance(error, OSError) and error.errno is not None:  # the system's; the reader's own have no number
        return missing(path, error.strerror or str(error))
    return DataError(
        f"data: rows of {path!r} cannot be read ({str(error).strip()}).", code="damaged_file", argument="data",
        way_out="The file is damaged, or was cut off while it was written: write or copy it anew, and make the panel "
        "again.",
    )


def refuse_unreadable(files: Sequence[File]) -> None:
    """Read all rows, for the name of a file that another reader stumbled on without saying which."""
    arrow, parquet = (optional_package(f"pyarrow{m}", "data in Parquet files", "disk") for m in ("", ".parquet"))
    for file in files:
        try:
            with parquet.ParquetFile(file.path) as opened:
                for _ in opened.iter_batches():
                    pass
        except (OSError, arrow.ArrowException) as error:
            raise unreadable(file.path, error) from None


def files_of(data: Any) -> tuple[File, ...]:
    """The files of a pattern, a folder, a list of files, or :class:`ParquetFiles`, by name."""
    if isinstance(data, ParquetFiles):
        return files_of(data.files)
    if isinstance(data, (str, os.PathLike)):
        paths = _paths(os.fspath(data))
    else:
        paths = [p for d in data for p in _paths(os.fspath(d))]
    if not paths:
        raise DataError(
            f"data: no Parquet file at {data!r}.", code="missing_file", argument="data",
            way_out="Give a file, a folder, a list of files, or a pattern such as 'register/*.parquet'.",
        )
    return tuple(File.at(os.path.abspath(p)) for p in sorted(set(paths)))


def _paths(text: str) -> list[str]:
    if os.path.isdir(text):
        return [str(p) for p in Path(text).rglob("*.parquet")]
    return glob.glob(text, recursive=True) if glob.has_magic(text) else [text]


def blocks_of(files: Sequence[File], id: str | None, rows: int) -> tuple[Block, ...]:
    """Blocks of about so many rows; neighbouring row groups that share an id stand in one."""
    out: list[Block] = []
    folders: dict[str, list[Piece]] = {}
    for file in files:
        found = _pieces(file, id)
        folder = os.path.dirname(file.path)
        if os.path.basename(folder).startswith(FOLDER):
            folders.setdefault(folder, []).extend(b.pieces[0] for b in found)
        else:
            out += _joined(found, rows)
    return (*out, *(Block(tuple(p for p in pieces if p.rows)) for pieces in folders.values()))


def _pieces(file: File, id: str | None) -> list[Block]:
    """A block for each row group of a file."""
    parquet = optional_package("pyarrow.parquet", "data in Parquet files", "disk")
    try:
        footer = parquet.read_metadata(file.path)
    except OSError as error:
        raise unreadable(file.path, error) from None
    except Exception as error:
        raise DataError(
            f"data: {file.path!r} is no Parquet file ({error}).", code="not_parquet", argument="data",
            way_out="Give Parquet files alone.",
        ) from None
    columns = [footer.schema.column(j).path for j in range(footer.num_columns)]
    at = columns.index(id) if id in columns else None
    found = []
    for g in range(footer.num_row_groups):
        group = footer.row_group(g)
        said = None if at is None else group.column(at).statistics
        # a writer may shorten the ends that it notes of text
        ends: tuple[Any, Any] = (None, None)
        if said is not None and said.has_min_max and isinstance(said.min, (int, float)):
            ends = (said.min, said.max)
        found.append(Block((Piece(file, (g,), group.num_rows),), *ends))
    return [b for b in found if b.rows]


def _joined(found: list[Block], rows: int) -> list[Block]:
    """Row groups of one file in blocks: those in the order of their ids apart, all others together."""
    ordered = all(b.most is not None for b in found) and all(
        a.most <= b.least for a, b in pairwise(found))
    out: list[Block] = []
    for b in found:
        last = out[-1] if out else None
        if last is not None and (not ordered or last.most == b.least or last.rows + b.rows <= rows):
            piece = last.pieces[0]
            both = Piece(piece.file, (*piece.groups, *b.pieces[0].groups), piece.rows + b.rows)
            out[-1] = Block((both,), last.least, b.most)
        else:
            out.append(b)
    return out if ordered else [Block(b.pieces) for b in out]
