"""Tables in Word: lines above, below the heading and at the end, columns as wide as their text needs."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from .table import Table

CAPTION_SIZE, NOTE_SIZE = 10, 8
BOLD, CAPITAL = 1.12, 1.3
WIDEST, EDGES = 22, 3  # characters of a cell that count for its column's width, and for its margins
SIZES = (9.0, 8.0, 7.0)
EM = 0.54  # width of a character, as a part of its size
UPRIGHT, SIDEWAYS = 480.0, 725.0  # points between the margins of a page of A4
LINE = {"w:val": "single", "w:sz": "8", "w:color": "1B1E23", "w:space": "0"}
THIN = {"w:val": "single", "w:sz": "4", "w:color": "D9DDE3", "w:space": "0"}


def add_table(document: Any, table: Table) -> None:
    """Append caption, table and notes to a Word document."""
    pt = importlib.import_module("docx.shared").Pt
    if table.caption:
        caption = document.add_paragraph()
        caption.paragraph_format.keep_with_next = True
        caption.paragraph_format.space_before, caption.paragraph_format.space_after = pt(10), pt(3)
        run = caption.add_run(table.caption)
        run.bold, run.font.size = True, pt(CAPTION_SIZE)
    rows = [[str(c) for c in row] for row in table.cells.itertuples(index=False, name=None)]
    headings = [str(c) for c in table.cells.columns]
    size, widths, _ = plan(table)
    grid = make_grid(document, headings, len(rows), widths)
    for position, heading in enumerate(headings):
        write_cell(grid.rows[0].cells[position], heading, size, bold=True, right=table.numeric[position])
    for at, (row, cells) in enumerate(zip(rows, list(grid.rows)[1:], strict=True)):
        for position, (text, cell) in enumerate(zip(row, cells.cells, strict=True)):
            write_cell(cell, text, size, bold=at == table.strong, right=table.numeric[position])
    for note in table.notes:
        add_note(document, note)


def add_note(document: Any, text: str) -> None:
    """A small sentence below a table."""
    pt = importlib.import_module("docx.shared").Pt
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = pt(0)
    run = paragraph.add_run(text)
    run.italic, run.font.size = True, pt(NOTE_SIZE)


def plan(table: Table) -> tuple[float, list[float], bool]:
    """Size of the letters, width of each column in points, and whether the page has to be turned sideways."""
    needed = []
    for i, heading in enumerate(table.cells.columns):
        words = BOLD * max((_length(w) for w in str(heading).split()), default=0.0)
        cells = max((_length(str(c)) for c in table.cells.iloc[:, i]), default=0.0)
        needed.append(max(words, min(cells, WIDEST)) + EDGES)
    total = EM * sum(needed)
    size = next((s for s in SIZES if total * s <= UPRIGHT), SIZES[-1])
    sideways = total * size > UPRIGHT
    if sideways:
        size = next((s for s in SIZES if total * s <= SIDEWAYS), SIZES[-1])
    shrink = min(1.0, (SIDEWAYS if sideways else UPRIGHT) / (total * size))
    return size, [EM * size * n * shrink for n in needed], sideways


def _length(text: str) -> float:
    """Width of a text in characters; capitals are wider."""
    return sum(CAPITAL if c.isupper() else 1.0 for c in text)


def make_grid(
    document: Any, headings: Sequence[str], n_rows: int, widths: Sequence[float], *, lines: bool = False
) -> Any:
    """An empty table: a heading that is printed again on each page, and rows that stay whole.

    Parameters
    ----------
    widths : of the columns, in points
    lines : thin lines between the rows
    """
    pt = importlib.import_module("docx.shared").Pt
    grid = document.add_table(rows=n_rows + 1, cols=len(headings))
    grid.autofit = False
    for column, width in zip(grid.columns, widths, strict=True):
        column.width = pt(width)
    last = n_rows
    for at, row in enumerate(grid.rows):
        _property(row._tr.get_or_add_trPr(), "w:cantSplit")
        for cell, width in zip(row.cells, widths, strict=True):
            cell.width = pt(width)
            edges = {"top": LINE, "bottom": LINE} if at == 0 else {"bottom": LINE if at == last else THIN}
            if at in (0, last) or lines:
                _border(cell, edges)
    _property(grid.rows[0]._tr.get_or_add_trPr(), "w:tblHeader")
    return grid


def write_cell(cell: Any, text: str, size: float, *, bold: bool = False, right: bool = False) -> Any:
    """Text into a cell's first paragraph; returns the paragraph."""
    pt = importlib.import_module("docx.shared").Pt
    align = importlib.import_module("docx.enum.text").WD_ALIGN_PARAGRAPH
    paragraph = cell.paragraphs[0]
    paragraph.alignment = align.RIGHT if right else align.LEFT
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = pt(1)
    paragraph.paragraph_format.line_spacing = 1.0
    run = paragraph.add_run(text)
    run.font.size, run.bold = pt(size), bold
    return paragraph


def _property(parent: Any, name: str) -> None:
    parent.append(importlib.import_module("docx.oxml").OxmlElement(name))


def _border(cell: Any, edges: dict[str, dict[str, str]]) -> None:
    oxml, qn = importlib.import_module("docx.oxml"), importlib.import_module("docx.oxml.ns").qn
    borders = oxml.OxmlElement("w:tcBorders")
    for edge, look in edges.items():
        element = oxml.OxmlElement(f"w:{edge}")
        for key, value in look.items():
            element.set(qn(key), value)
        borders.append(element)
    cell._tc.get_or_add_tcPr().append(borders)
