"""What mkdocs is told beside its configuration: where the parts of R's help pages go, which come as HTML.

A page of ``reference/r/`` has ``<p>%%NUMBER%%</p>`` for each part; the parts lie beside it in ``NAME.parts.json``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PLACE = re.compile(r"<p>%%(\d+)%%</p>")


def on_page_content(html: str, page: Any, **rest: Any) -> str:
    """The page with the parts put in."""
    parts = Path(page.file.abs_src_path).with_suffix(".parts.json")
    if not parts.exists():
        return html
    texts = json.loads(parts.read_text(encoding="utf-8"))
    return PLACE.sub(lambda found: texts[int(found[1])], html)


def on_files(files: Any, **rest: Any) -> Any:
    """The parts themselves are no files of the site."""
    for file in list(files):
        if file.src_uri.endswith(".parts.json"):
            files.remove(file)
    return files
