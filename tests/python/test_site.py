"""The site's parts: pages read as on GitHub, broken links are found, a tutorial that fails ends the build."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest
from markdown_it import MarkdownIt

from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts" / "site"))

import check
from assemble import to_tutorials
from dialect import to_python_markdown
from docstring import Writer

import tutorials

PAGES = [ROOT / "README.md", ROOT / "NEWS.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def as_github(text: str) -> str:
    """HTML by CommonMark, without what tells loose lists from tight ones, and without line breaks."""
    html = MarkdownIt("commonmark").enable("table").render(text)
    return re.sub(r"\s+", "", re.sub(r"</?p>", "", html))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_written_for_the_site_reads_as_it_did(page):
    text = page.read_text(encoding="utf-8")
    assert as_github(to_python_markdown(text)) == as_github(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("Text:\n* one\n* two", "Text:\n\n* one\n* two\n"),
    ("* one\n  * inner\n  * inner\n* two", "* one\n    * inner\n    * inner\n* two\n"),
    ("1. one\n   goes on\n\n   again", "1. one\n    goes on\n\n    again\n"),
    ("* one\n\n  | a |\n  |---|\n  | 1 |", "* one\n\n    | a |\n    |---|\n    | 1 |\n"),
    ("Text\n| a |\n|---|", "Text\n\n| a |\n|---|\n"),
    ("```\n* one\n  * inner\n```", "```\n* one\n  * inner\n```\n"),
    ("* one\ngoes on", "* one\n    goes on\n"),
])
def test_lists_and_tables_are_set_apart(text, expected):
    assert to_python_markdown(text) == expected


def test_a_docstring_becomes_a_page():
    text = """A sum, with ``x*y`` and *args* of :func:`gbtm.load`; docs/model.md has it.

Parameters
----------
x, y : numbers,
    or more of them

    a : one of them
other : text

Raises
------
ValueError
    Of no numbers.

Examples
--------
>>> 1 + 1
2

>>> 2 + 2
4
"""
    written = Writer(lambda target: {"gbtm.load": "load.md"}.get(target)).markdown(text, 2)
    assert written.split("\n\n") == [
        r"A sum, with `x*y` and \*args\* of [`gbtm.load()`](load.md); [docs/model.md](../../docs/model.md) has it.",
        "## Parameters", "`x`, `y`\n:   numbers,\n    or more of them", "    `a`\n    :   one of them",
        "`other`\n:   text", "## Raises", "`ValueError`\n:   Of no numbers.", "## Examples",
        "```pycon\n>>> 1 + 1\n2", ">>> 2 + 2\n4\n```"]


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<h2 id="here">A</h2><a href="b.html#there">b</a><a href="#here">up</a>')
    (tmp_path / "b.html").write_text(
        '<a href="a.html">a</a><a href="c.html">c</a><a href="a.html#gone">gone</a><script src="https://e.org/x.js"></script>'
        '<a href="https://e.org">elsewhere</a>')
    pages = {path: check.Page(path.read_text()) for path in sorted(tmp_path.glob("*.html"))}
    assert check.leads_nowhere(tmp_path, pages) == [
        "a.html: no heading for b.html#there", "b.html: no file for c.html", "b.html: no heading for a.html#gone",
        "b.html: fetches https://e.org/x.js"]


def test_links_to_sources_of_tutorials_lead_to_their_pages():
    text = "[a](docs/tutorials/first-model.Rmd) [b](tutorials/a-b.Rmd#here) [c](https://e.org/tutorials/x.Rmd) `x.Rmd`"
    assert to_tutorials(text) == (
        "[a](docs/tutorials/first-model.md) [b](tutorials/a-b.md#here) [c](https://e.org/tutorials/x.Rmd) `x.Rmd`")


def test_figures_need_words():
    page = check.Page('<img src="a.png" alt="Curves"><img src="b.png"><img src="c.png" alt="plot of chunk c">')
    assert page.without_words == ["b.png", "c.png"]


def test_a_tutorial_is_run_again_when_it_or_the_engine_changes(tmp_path):
    (tmp_path / "R").mkdir()
    source, code = tmp_path / "one.Rmd", tmp_path / "R" / "a.R"
    source.write_text("# One\n")
    code.write_text("1")
    first = tutorials.digest(source, tmp_path)
    assert tutorials.digest(source, tmp_path) == first
    code.write_text("2")
    second = tutorials.digest(source, tmp_path)
    source.write_text("# Two\n")
    assert len({first, second, tutorials.digest(source, tmp_path)}) == 3


def _needs_knitr():
    there = shutil.which("Rscript") and subprocess.run(
        ["Rscript", "-e", "quit(status = !requireNamespace('knitr', quietly = TRUE))"], check=False).returncode == 0
    if not there:
        assert not os.environ.get("GBTM_REQUIRE_R"), "knitr is missing"
        pytest.skip("needs R and knitr")


def test_a_chunk_that_fails_ends_the_build(tmp_path, capfd):
    _needs_knitr()
    right, wrong = tmp_path / "right.Rmd", tmp_path / "wrong.Rmd"
    right.write_text("# Right\n\n```{r}\n1 + 1\n```\n")
    wrong.write_text("# Wrong\n\n```{r}\nstop('no such luck')\n```\n")
    out, cache = tmp_path / "out", tmp_path / "cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GBTM_PYTHON", sys.executable)
        assert tutorials.run(right, out, cache) is True
        assert "#> [1] 2" in (out / "right.md").read_text()
        assert tutorials.run(right, out, cache) is False
        with pytest.raises(SystemExit, match="a chunk failed"):
            tutorials.run(wrong, out, cache)
    assert "no such luck" in capfd.readouterr().err
    assert not (out / "wrong.md").exists()
