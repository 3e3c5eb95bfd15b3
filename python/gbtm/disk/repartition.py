"""Files in which people are split, written anew so that all rows of a person lie together: DuckDB's hash partition."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from ..errors import DataError
from .new_folder import beside_new
from .optional_package import optional_package
from .parquet_files import File, refuse_unreadable


def repartition(files: Sequence[File], id: str, folder: str | Path, blocks: int) -> Path:
    """Write the rows of all files to ``folder``, those of a person into one of ``blocks`` folders in it.

    The folder appears when all is written, or not at all.

    Raises
    ------
    DataError
        ``folder_exists`` where there is something at ``folder``, ``not_written``; ``missing_file``, ``damaged_file``
        for a file that DuckDB cannot read.
    """
    duckdb = optional_package("duckdb", "repartition=", "disk")
    place, beside = beside_new(
        folder, "repartition", "Read it, Panel.from_parquet(folder, ..), or give the name of a new folder.")
    column, paths = id.replace('"', '""'), [f.path for f in files]
    try:
        with duckdb.connect() as db:
            db.execute(
                f'COPY (SELECT *, hash("{column}") % {int(blocks)} AS gbtm_block '
                "FROM read_parquet($files, union_by_name = true, hive_partitioning = false)) "
                f"TO '{_quoted(beside)}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (gbtm_block))",
                {"files": paths},
            )
        beside.rename(place)
    except (OSError, duckdb.Error) as error:
        shutil.rmtree(beside, ignore_errors=True)
        refuse_unreadable(files)
        raise DataError(
            f"repartition: the rows cannot be written once more to {str(folder)!r} ({error}).", code="not_written",
            argument="repartition", way_out="Check the folder and the space on the disk.",
        ) from error
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return place


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
