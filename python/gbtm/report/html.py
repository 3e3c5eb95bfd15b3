"""The report as one HTML file that needs no other: style inside, pictures as data."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from .blocks import Report
from .exports import need

TEMPLATES = Path(__file__).parent / "templates"
MINUS = "\N{MINUS SIGN}"


def environment(autoescape: bool) -> Any:
    """jinja2 with this package's templates."""
    jinja2 = need("jinja2", "A report")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)), autoescape=autoescape, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def html(report: Report) -> str:
    """The report as text of a self-contained HTML page."""
    made = environment(autoescape=True)
    made.filters |= {"data_uri": _data_uri, "minus": _minus, "anchor": anchor}
    return str(made.get_template("report.html.j2").render(report=report))


def anchor(text: str) -> str:
    """A heading as the name of a link's target."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _minus(text: str) -> str:
    """A hyphen before a number, set as a minus sign."""
    return re.sub(r"(^|(?<=[\s(]))-(?=[\d∞])", MINUS, str(text))
