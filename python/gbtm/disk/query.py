"""The rows of a database's query, put once into Parquet files that are read from then on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..arguments import checked
from ..errors import DataError, SpecificationError
from .optional_package import optional_package
from .parquet_files import ParquetFiles
from .query_folder import ROWS, QueryFolder

FETCHED = 100_000  # rows of a database that are in memory at once


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
    arrow = optional_package("pyarrow", "a query", "disk")
    with QueryFolder(folder, id, rows) as out, _batches(asked_of(query), connection, id) as batches:
        for batch in batches:
            out.add(arrow.Table.from_batches([batch]))
    return ParquetFiles(str(out.place))


def asked_of(query: str) -> str:
    """The query ordered by what is written behind it."""
    return f'SELECT * FROM (\n{query.strip().rstrip(";")}\n) gbtm_query ORDER BY '


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
