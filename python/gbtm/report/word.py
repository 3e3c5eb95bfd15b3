"""The report as a Word document."""

from __future__ import annotations

import importlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..tables.word_table import add_note, add_table, make_grid, plan, write_cell
from .blocks import (
    Block,
    Bullets,
    ChecklistBlock,
    CodeBlock,
    FigureBlock,
    Heading,
    Paragraph,
    Report,
    TableBlock,
)
from .exports import need
from .grolts import Answer

PROMPT, WARNING = (0x9C, 0x57, 0x00), (0xA6, 0x1C, 0x1C)
SMALL = 9.0


def write_word(report: Report, path: Path) -> None:
    """Write a .docx file."""
    docx = need("docx", "A Word report")
    document = docx.Document()
    _margins(document.sections[0], docx)
    document.styles["Normal"].font.name, document.styles["Normal"].font.size = "Arial", docx.shared.Pt(10)
    document.core_properties.title, document.core_properties.author = report.title, report.author
    document.add_heading(report.title, level=0)
    if report.author:
        document.add_paragraph(report.author)
    for block in report.blocks:
        _add(document, block, docx)
    document.save(str(path))


def _margins(section: Any, docx: Any) -> None:
    section.page_width, section.page_height = docx.shared.Cm(21.0), docx.shared.Cm(29.7)
    for side in ("left_margin", "right_margin", "top_margin", "bottom_margin"):
        setattr(section, side, docx.shared.Cm(2.0))


def _add(document: Any, block: Block, docx: Any) -> None:
    if isinstance(block, Heading):
        document.add_heading(block.text, level=1)
    elif isinstance(block, Paragraph):
        _paragraph(document.add_paragraph(), block.text, docx, prompt=block.prompt, warning=block.warning)
    elif isinstance(block, Bullets):
        for item in block.items:
            _paragraph(document.add_paragraph(style="List Bullet"), item, docx, warning=block.warning)
    elif isinstance(block, TableBlock):
        _, _, sideways = plan(block.table)
        if sideways:
            _turn(document)
        add_table(document, replace(block.table, caption=f"{block.label}. {block.table.caption}"))
        if sideways:
            _turn(document)
    elif isinstance(block, FigureBlock):
        _figure(document, block, docx)
    elif isinstance(block, ChecklistBlock):
        _checklist(document, block, docx)
    elif isinstance(block, CodeBlock):
        _code(document, block, docx)


def _paragraph(paragraph: Any, text: str, docx: Any, *, prompt: bool = False, warning: bool = False) -> None:
    run = paragraph.add_run(f"[Author: {text}]" if prompt else text)
    run.italic = prompt or None
    if prompt or warning:
        run.font.color.rgb = docx.shared.RGBColor(*(PROMPT if prompt else WARNING))


def _turn(document: Any) -> None:
    """A new page, turned by a quarter."""
    enum = importlib.import_module("docx.enum.section")
    section = document.add_section(enum.WD_SECTION.NEW_PAGE)
    upright = section.orientation == enum.WD_ORIENT.PORTRAIT
    section.orientation = enum.WD_ORIENT.LANDSCAPE if upright else enum.WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = section.page_height, section.page_width


def _figure(document: Any, block: FigureBlock, docx: Any) -> None:
    holder = document.add_paragraph()
    holder.paragraph_format.keep_with_next = True
    shape = holder.add_run().add_picture(io.BytesIO(block.png))
    room = docx.shared.Cm(16.5)
    tall = docx.shared.Cm(21)
    scale = min(room / shape.width, tall / shape.height, 1.0)
    shape.width, shape.height = int(shape.width * scale), int(shape.height * scale)
    shape._inline.docPr.set("descr", block.caption)
    caption = document.add_paragraph()
    label = caption.add_run(f"{block.label}. ")
    label.bold = True
    for run in (label, caption.add_run(block.caption)):
        run.font.size = docx.shared.Pt(9)


def _checklist(document: Any, block: ChecklistBlock, docx: Any) -> None:
    headings = ("No.", "Question", "Answer")
    grid = make_grid(document, headings, len(block.answers), (34, 154, 292), lines=True)
    for cell, text in zip(grid.rows[0].cells, headings, strict=True):
        write_cell(cell, text, SMALL, bold=True)
    for row, answer in zip(list(grid.rows)[1:], block.answers, strict=True):
        _answer(row.cells, answer, docx)
    add_note(document, block.source)


def _answer(cells: Any, answer: Answer, docx: Any) -> None:
    write_cell(cells[0], answer.question.number, SMALL, bold=True)
    write_cell(cells[1], answer.question.text, SMALL)
    if answer.text:
        write_cell(cells[2], answer.text, SMALL)
    if answer.prompt:
        paragraph = cells[2].add_paragraph() if answer.text else cells[2].paragraphs[0]
        paragraph.paragraph_format.space_after = docx.shared.Pt(2)
        _paragraph(paragraph, answer.prompt, docx, prompt=True)
        paragraph.runs[-1].font.size = docx.shared.Pt(SMALL)


def _code(document: Any, block: CodeBlock, docx: Any) -> None:
    document.add_heading(block.language, level=2)
    paragraph = document.add_paragraph()
    run = paragraph.add_run(block.text.rstrip("\n"))
    run.font.name, run.font.size = "Consolas", docx.shared.Pt(7.5)
