"""The report as Markdown, its pictures as files in a folder beside it."""

from __future__ import annotations

from pathlib import Path

from ..report import exports
from .blocks import FigureBlock, Report
from .html import environment


def write_markdown(report: Report, path: Path) -> None:
    """Write ``report.md`` and ``report_files/*.png``."""
    folder = path.with_name(f"{path.stem}_files")
    pictures = [b for b in report.blocks if isinstance(b, FigureBlock)]
    if pictures:
        folder.mkdir(exist_ok=True)
    for picture in pictures:
        (folder / f"{picture.name}.png").write_bytes(picture.png)
    path.write_text(markdown(report, folder.name), encoding="utf-8")


def markdown(report: Report, folder: str) -> str:
    """The report as text that refers to pictures in ``folder``."""
    made = environment(autoescape=False)
    made.filters |= {"table": exports.markdown, "cell": _cell}
    return str(made.get_template("report.md.j2").render(report=report, folder=folder.replace(" ", "%20")))


def _cell(text: str) -> str:
    """Text inside a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")
