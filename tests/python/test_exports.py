"""Tables in every format: the same numbers, gaps with their reason, libraries that are missing named."""

from __future__ import annotations

import io
import re
import sys

import numpy as np
import pandas as pd
import pytest

import gbtm
import parts
from conftest import long_table, true_data
from gbtm.errors import GBTMError, SpecificationError
from gbtm.report.exports import FORMATS, to_table
from gbtm.tables.numbers import DASH, show


@pytest.fixture(scope="module")
def res():
    return parts.draw("zinb").built().fit(n_starts=3, rng=0)


@pytest.fixture(scope="module")
def undetermined():
    """A fit one of whose standard errors there is not: a group that separates."""
    subject, time, y = true_data("logit")
    table = long_table(subject, time, y)
    table["y"] = np.where(table["id"] % 3 == 0, 0.0, table["y"])
    with pytest.warns(gbtm.GBTMWarning):
        return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=1, family="logit").fit(n_starts=6)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (0.12345, "percent", "12.3"), (0.12345, "probability", "0.123"), (-1234.567, "criterion", "-1234.57"),
        (0.0004, "p", "<0.001"), (0.0406, "p", "0.041"), (1.0, "p", "1.000"), (0.00012345, "estimate", "0.000123"),
        (-0.5, "estimate", "-0.500"), (float("nan"), "percent", DASH), (float("inf"), "tenths", "∞"),
        (7.0, "count", "7"),
        (-0.0001, "percent", "0.0"), (None, "text", DASH), (True, "text", "yes"), (10.0, "plain", "10"),
        (1234567.0, "estimate", "1.23e+06"), (float("-inf"), "estimate", "-∞"),
    ],
)
def test_numbers_are_shown_by_kind(value, kind, text):
    assert show(value, kind) == text


def test_digits_can_be_given_by_column_and_by_kind():
    frame = pd.DataFrame({"loglik": [-12.3456], "a": [1.23456]})
    text = to_table(frame, "markdown", digits={"a": 1, "criterion": 3}, index=False)
    assert "-12.346" in text
    assert re.search(r"\b1\.2 ", text)


def numbers_in(text: str) -> list[str]:
    return re.findall(r"-?\d+\.\d+", text)


def expected_numbers(res) -> list[str]:
    """Estimates and standard errors as they should be printed, made without the package's tables."""
    return [f"{v:.3f}" for v in [*res.params, *res.bse]]


def test_every_format_has_the_estimates(res):
    docx = pytest.importorskip("docx")
    for format in FORMATS:
        out = to_table(res, format)
        if format == "docx":
            saved = io.BytesIO()
            out.save(saved)
            saved.seek(0)
            text = "\n".join(c.text for row in docx.Document(saved).tables[0].rows for c in row.cells)
        else:
            text = out.as_raw_html() if format == "great_tables" else out
        found = numbers_in(text)
        for number in expected_numbers(res):
            assert number in found, (format, number)
        assert "nan" not in re.sub(r"[a-z]*nan[a-z]+|[a-z]+nan", "", text.lower())


def test_files_are_written(res, tmp_path):
    for format, name in (("latex", "t.tex"), ("html", "t.html"), ("markdown", "t.md"), ("docx", "t.docx")):
        path = tmp_path / name
        to_table(res, format, path, what="groups")
        assert path.stat().st_size > 100
    assert (tmp_path / "t.tex").read_text().count(r"\begin{tabular") == 1


def test_latex_escapes_what_latex_reads_as_commands():
    frame = pd.DataFrame({"a_b": ["50 % & more_"], "occ": [np.inf]})
    text = to_table(frame, "latex", index=False, caption="x_y")
    assert r"a\_b" in text
    assert r"50 \% \& more\_" in text
    assert r"$\infty$" in text
    assert "∞" not in text


def test_markdown_escapes_bars():
    assert r"a\|b" in to_table(pd.DataFrame({"x": ["a|b"]}), "markdown")


def test_a_gap_is_an_en_dash_and_says_why(undetermined):
    assert undetermined.bse.isna().any()
    text = to_table(undetermined, "markdown")
    assert DASH in text
    note = next(line for line in text.splitlines() if line.startswith(f"*{DASH}:"))
    about = [w["message"] for w in undetermined.document["warnings"] if w.get("parameters") or w["group"]]
    assert any(message in note for message in about)
    assert "nan" not in text.lower()


def test_no_gap_no_note(res):
    assert DASH not in to_table(res, "markdown")


def test_odds_ratios_are_exponentials(res):
    text = to_table(res, "markdown", what="odds_ratios")
    theta = res.params[[n for n in res.params.index if n.startswith("theta")]]
    for value in np.exp(theta):
        assert f"{value:.2f}" in numbers_in(text)
    low = np.exp(res.conf_int(0.1).loc[theta.index, 0])
    text = to_table(res, "markdown", what="odds_ratios", level=0.9)
    assert "90 % CI lower" in text
    assert all(f"{v:.2f}" in numbers_in(text) for v in low)


def test_group_table_is_the_adequacy(res):
    text = to_table(res, "markdown", what="groups")
    for value in res.adequacy["share"]:
        assert f"{100 * value:.1f}" in numbers_in(text)
    assert res.adequacy.attrs["notes"][0] in text


def test_an_index_with_levels_and_its_names_are_shown():
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["who", "wave"])
    text = to_table(pd.DataFrame({"v": [0.5, np.nan]}, index=index), "markdown")
    assert "who" in text
    assert "wave" in text
    assert DASH in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"format": "pdf"}, "unknown_format"), ({"what": "choice"}, "unknown_table"),
        ({"what": "nothing"}, "unknown_table"),
    ],
)
def test_what_cannot_be_done_is_an_error(res, arguments, code):
    with pytest.raises(SpecificationError) as error:
        to_table(res, **arguments)
    assert error.value.code == code
    assert error.value.way_out


def test_what_is_no_table_is_an_error():
    with pytest.raises(SpecificationError, match="neither a fit"):
        to_table([1, 2])


@pytest.mark.parametrize(("module", "format"), [("great_tables", "latex"), ("docx", "docx"), ("tabulate", "markdown")])
def test_a_missing_library_is_named(res, monkeypatch, module, format):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(GBTMError, match=r"which is not installed\. .*pip install gbtm\[report\]"):
        to_table(res, format)


def test_a_library_that_lacks_another_says_so(tmp_path, monkeypatch):
    (tmp_path / "tabulate.py").write_text("import a_module_that_is_not_there", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tabulate", raising=False)
    with pytest.raises(GBTMError, match=r"tabulate, which does not load .*a_module_that_is_not_there"):
        to_table(pd.DataFrame({"x": [1]}), "markdown")
