"""Tables for papers: LaTeX, HTML, Markdown, Word, or a great_tables object to go on with."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ..arguments import checked
from ..errors import GBTMError, SpecificationError
from ..tables.table import Table, table_of
from .fit_tables import make_table

FORMATS = ("latex", "html", "markdown", "docx", "great_tables")
NAMES = {"great_tables": "great_tables", "docx": "python-docx", "tabulate": "tabulate", "jinja2": "jinja2"}


def need(module: str, purpose: str) -> Any:
    """An optional library, or an error that says how to get it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        state = "is not installed" if error.name == module else f"does not load ({error})"
        raise GBTMError(
            f"{purpose} needs the library {NAMES[module]}, which {state}.", code="missing_library",
            argument="format", way_out="Run `pip install gbtm[report]`.",
        ) from error


@checked
def to_table(
    x: Any, format: str = "markdown", path: str | Path | None = None, *, what: str | None = None,
    caption: str | None = None, notes: Sequence[str] = (), digits: Mapping[str, int] | None = None,
    level: float = 0.95, index: bool = True,
) -> Any:
    """A table made ready for a paper.

    Parameters
    ----------
    x : GBTMResults, ModelSearch, or any DataFrame
    format : "latex", "html", "markdown", "docx" or "great_tables"
    path : where to write it too; an existing file is replaced
    what : of a fit "estimates" (default), "groups" (shares and adequacy), "odds_ratios"; of a search "choice"
        (default), "classification", "cases"
    caption : instead of the table's own
    notes : further sentences below the table
    digits : decimals by column, for DataFrames, or by kind of number ("percent", "probability", "criterion", "p",
        "estimate", "ratio")
    level : of the intervals
    index : whether a DataFrame's index is shown

    Returns
    -------
    text for "latex", "html" and "markdown"; a ``docx.Document``; or a ``great_tables.GT``

    Raises
    ------
    SpecificationError
        ``unknown_format``, ``unknown_table``, ``bad_table``.
    GBTMError
        ``missing_library`` where great_tables, python-docx or tabulate is not installed.

    Notes
    -----
    What there is not is printed as an en dash, and a note below says why.

    Examples
    --------
    >>> import gbtm
    >>> from gbtm.report.exports import to_table
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=[1, 2]).fit(rng=0)
    >>> print(to_table(res, "markdown", what="groups").splitlines()[0])
    **Group sizes and adequacy of the classification**
    """
    if format not in FORMATS:
        raise SpecificationError(
            f"format: '{format}' is not known.", code="unknown_format", argument="format",
            way_out=f"Use one of {', '.join(FORMATS)}.",
        )
    if isinstance(x, pd.DataFrame):
        if what is not None:
            raise SpecificationError(
                "what: a DataFrame is a table already.", code="unknown_table", argument="what", way_out="Leave it out.",
            )
        table = table_of(x, caption=caption or "", notes=notes, digits=digits, index=index)
    elif isinstance(x, Table):
        table = x
    elif hasattr(x, "document") or hasattr(x, "fits"):
        table = make_table(x, what, level=level)
    else:
        raise SpecificationError(
            f"x: {type(x).__name__} is neither a fit, nor a search, nor a DataFrame.", code="bad_table", argument="x",
            way_out="Give a GBTMResults, a ModelSearch or a DataFrame.",
        )
    if not isinstance(x, pd.DataFrame):
        table = replace(table, caption=caption if caption is not None else table.caption,
                        notes=(*table.notes, *notes))
    written = render(table, format)
    if path is not None:
        _write(written, format, Path(path))
    return written


def render(table: Table, format: str) -> Any:
    """A printed table in one of ``FORMATS``."""
    if format == "markdown":
        return markdown(table)
    if format == "docx":
        from ..tables.word_table import add_table

        document = need("docx", "A Word table").Document()
        add_table(document, table)
        return document
    great = great_table(table)
    if format == "great_tables":
        return great
    if format == "html":
        return great.as_raw_html()
    return great.as_latex().replace("∞", r"$\infty$")


def great_table(table: Table) -> Any:
    """As a ``great_tables.GT``."""
    gt = need("great_tables", "This format")
    cells, headings = _distinct(table.cells)
    great = gt.GT(cells, id="gbtm").cols_label(cases=headings)
    numbers = [c for c, right in zip(cells.columns, table.numeric, strict=True) if right]
    words = [c for c in cells.columns if c not in numbers]
    if numbers:
        great = great.cols_align("right", columns=numbers)
    if words:
        great = great.cols_align("left", columns=words)
    if table.caption:
        great = great.tab_header(title=table.caption)
    for note in table.notes:
        great = great.tab_source_note(note)
    return great


def _distinct(cells: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Columns named apart, and what is to be printed above them."""
    names = [f"c{i}" for i in range(cells.shape[1])]
    return cells.set_axis(names, axis=1), dict(zip(names, cells.columns, strict=True))


def markdown(table: Table) -> str:
    """Caption, table and notes as GitHub's Markdown."""
    need("tabulate", "A Markdown table")
    cells = table.cells.map(lambda text: str(text).replace("|", "\\|"))
    body = cells.to_markdown(
        index=False, disable_numparse=True, colalign=["right" if right else "left" for right in table.numeric]
    )
    head = [f"**{table.caption}**", ""] if table.caption else []
    foot = ["", *(f"*{note}*  " for note in table.notes)] if table.notes else []
    return "\n".join([*head, body, *foot]) + "\n"


def _write(written: Any, format: str, path: Path) -> None:
    if format == "docx":
        written.save(str(path))
    elif format == "great_tables":
        path.write_text(written.as_raw_html(), encoding="utf-8")
    else:
        path.write_text(written, encoding="utf-8")
