"""The rows of a database's query, put once into Parquet files that are read from then on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import DataError, SpecificationError
from .new_folder import beside_new
from .optional_package import optional_package
from .parquet_files import ParquetFiles

FETCHED = 100_000  # rows of a database that are in memory at once
ROWS = 1_000_000  # of a file, about


@checked
def query_files(
    query: str, connection: Any, *, id: str, folder: str | Path, rows: int = ROWS,
) -> ParquetFiles:
    """Read a query once, ordered by person, into Parquet files in which nobody is split.

    Parameters
    ----------
    query : a SELECT, without a semicolon; the database orders its rows by ``id``
    connection : a DuckDB connection, a DuckDB file (``"register.duckdb"``), or a SQLAlchemy engine, connection or URL
        (``"postgresql://host/register"``)
    id : the column that tells people apart
    folder : a new folder for the files; it appears when all is written, or not at all
    rows : of a file, about; a person's rows stay in one

    Returns
    -------
    ParquetFiles
        For :meth:`gbtm.Panel.from_parquet` and as ``data`` of :meth:`gbtm.GBTM.from_formula`. The files are as the
        database was: to see its later rows, read the query again into another folder.

    Raises
    ------
    SpecificationError
        ``missing_package`` without pyarrow, duckdb or sqlalchemy where it is needed; ``bad_connection``.
    DataError
        ``folder_exists``; ``bad_query`` for what the database refuses; ``unknown_column``; ``no_data``;
        ``not_written``.

    Examples
    --------
    >>> import duckdb, gbtm, tempfile
    >>> db = duckdb.connect()
    >>> sql = "SELECT i // 3 AS id, i % 3 AS t, (i % 7) * 1.0 AS y FROM range(60) s(i)"
    >>> panel = gbtm.Panel.from_query(
    ...     sql, db, folder=tempfile.mkdtemp() + "/cache", id="id", time="t", outcome="y")
    >>> panel.n_subjects
    20
    """
    optional_package("pyarrow.parquet", "a query", "disk")
    place, beside = beside_new(
        folder, "folder", "Read it, Panel.from_parquet(folder, ..), or give the name of a new folder.")
    asked = f'SELECT * FROM (\n{query.strip().rstrip(";")}\n) gbtm_query ORDER BY '
    try:
        beside.mkdir(parents=True)
        with _batches(asked, connection, id) as batches:
            _write(batches, id, beside, rows)
        beside.rename(place)
    except OSError as error:
        raise DataError(
            f"folder: {str(folder)!r} cannot be written ({error}).", code="not_written", argument="folder",
            way_out="Check the folder and the space on the disk.",
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return ParquetFiles(str(place))


@contextmanager
def _batches(asked: str, connection: Any, id: str) -> Iterator[Iterator[Any]]:
    """Arrow record batches of the ordered query."""
    if _is_duckdb(connection):
        with _of_duckdb(asked, connection, id) as batches:
            yield batches
    else:
        with _of_sqlalchemy(asked, connection, id) as batches:
            yield batches


def _is_duckdb(connection: Any) -> bool:
    if isinstance(connection, (str, Path)):
        return "://" not in str(connection)
    return type(connection).__module__.split(".")[0] in ("duckdb", "_duckdb")


@contextmanager
def _of_duckdb(asked: str, connection: Any, id: str) -> Iterator[Iterator[Any]]:
    duckdb = optional_package("duckdb", "a query of a DuckDB file", "disk")
    opened = isinstance(connection, (str, Path))
    if opened and not Path(connection).is_file():
        raise DataError(
            f"connection: there is no file {str(connection)!r}.", code="missing_file", argument="connection",
            way_out="Give a DuckDB file, a DuckDB connection, or the URL of a database, 'postgresql://host/name'.",
        )
    try:
        # the user's own, which alone knows temporary tables and data frames
        db = duckdb.connect(str(connection), read_only=True) if opened else connection
    except duckdb.Error as error:
        raise _refused(error) from error
    try:
        quoted = id.replace('"', '""')
        relation = db.sql(f'{asked}"{quoted}"')
        reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
        yield _said_of(iter(reader(FETCHED)), duckdb.Error)
    except duckdb.Error as error:
        raise _refused(error) from error
    finally:
        if opened:
            db.close()


@contextmanager
def _of_sqlalchemy(asked: str, connection: Any, id: str) -> Iterator[Iterator[Any]]:
    alchemy = optional_package("sqlalchemy", "a query of this database", "sql")
    failed = alchemy.exc.SQLAlchemyError
    try:
        engine = alchemy.create_engine(connection) if isinstance(connection, str) else connection
    except (failed, ImportError) as error:
        raise SpecificationError(
            f"connection: {_hidden(alchemy, connection)} cannot be used ({error}).", code="bad_connection",
            argument="connection", way_out="Give SQLAlchemy's URL of the database, and install its driver.",
        ) from error
    if not isinstance(engine, (alchemy.engine.Engine, alchemy.engine.Connection)):
        raise SpecificationError(
            f"connection: an object of class {type(connection).__name__} is no connection to a database.",
            code="bad_connection", argument="connection",
            way_out="Give a DuckDB connection or file, or a SQLAlchemy engine, connection or URL.",
        )
    own = engine.connect() if isinstance(engine, alchemy.engine.Engine) else None
    db = own or engine
    try:
        column = db.dialect.identifier_preparer.quote_identifier(id)
        text = alchemy.text((asked + column).replace(":", "\\:"))
        result = db.execution_options(stream_results=True).execute(text)
        yield _said_of(_arrow_rows(result), failed)
    except failed as error:
        raise _refused(error) from error
    finally:
        if own is not None:
            own.close()
        if isinstance(connection, str):
            engine.dispose()


def _hidden(alchemy: Any, url: Any) -> str:
    """A URL without its password."""
    with suppress(Exception):
        return repr(alchemy.engine.make_url(url).render_as_string(hide_password=True))
    return "the URL"


def _arrow_rows(result: Any) -> Iterator[Any]:
    """Rows of a cursor as Arrow tables; a column that begins with missing values has its type from later rows."""
    import pandas as pd

    arrow = optional_package("pyarrow", "a query", "disk")
    names = list(result.keys())
    while rows := result.fetchmany(FETCHED):
        table = pd.DataFrame.from_records([tuple(r) for r in rows], columns=names, coerce_float=True)
        yield from arrow.Table.from_pandas(table, preserve_index=False).to_batches()


def _said_of(batches: Iterator[Any], failed: Any) -> Iterator[Any]:
    """The batches; what the database says while they come is an error of ours."""
    while True:
        try:
            batch = next(batches, None)
        except failed as error:
            raise _refused(error) from error
        if batch is None:
            return
        yield batch


def _refused(error: Exception) -> DataError:
    return DataError(
        f"query: the database says: {str(error).splitlines()[0]}", code="bad_query", argument="query",
        way_out="Try it in the database: a SELECT without a semicolon, each of whose columns has a name of its own.",
    )


def _write(batches: Iterator[Any], id: str, folder: Path, rows: int) -> None:
    """Files of about so many rows, cut where a person ends."""
    arrow = optional_package("pyarrow", "a query", "disk")
    waiting: list[Any] = []
    number = count = 0
    pieces = (b.slice(at, rows) for b in batches for at in range(0, b.num_rows, rows))
    for batch in pieces:
        table = arrow.Table.from_batches([batch])
        if id not in table.column_names:
            raise DataError(
                f"id: no column named {id!r} in the query.", code="unknown_column", argument="id",
                way_out=f"Its columns are {', '.join(table.column_names)}.",
            )
        waiting.append(table)
        count += table.num_rows
        if count >= rows:
            number, rest = _cut(waiting, id, folder, number)
            waiting, count = [rest] if rest.num_rows else [], rest.num_rows
    if not count:
        if number:
            return
        raise DataError("query: it has no rows.", code="no_data", argument="query", way_out="Ask for people.")
    _file(arrow.concat_tables(waiting, promote_options="permissive"), folder, number)


def _cut(waiting: list[Any], id: str, folder: Path, number: int) -> tuple[int, Any]:
    """Write what waits up to where the last person begins; the rest goes on waiting."""
    import numpy as np

    arrow = optional_package("pyarrow", "a query", "disk")
    table = arrow.concat_tables(waiting, promote_options="permissive")
    ids = table.column(id).to_pandas()
    last = ids.iloc[-1]
    same = ids.isna().to_numpy() if last is None or last != last else (ids == last).to_numpy()
    other = np.flatnonzero(~same)
    if not other.size:  # one person so far
        return number, table
    at = int(other[-1]) + 1
    _file(table.slice(0, at), folder, number)
    return number + 1, table.slice(at)


def _file(table: Any, folder: Path, number: int) -> None:
    parquet = optional_package("pyarrow.parquet", "a query", "disk")
    parquet.write_table(table, folder / f"part-{number:05d}.parquet", compression="zstd")
