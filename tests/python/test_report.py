"""The report: it opens, needs nothing from elsewhere, and has no number that the fit does not have."""

from __future__ import annotations

import base64
import re
import struct
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import TRUTH, arguments, long_table, true_data
from gbtm.errors import GBTMError, SpecificationError
from gbtm.report import content, pictures
from gbtm.report.fit_tables import cases_table, choice_table, label_of
from gbtm.tables.numbers import DASH

lxml = pytest.importorskip("lxml.html")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def table():
    subject, time, y = true_data("zip_common", keep=0.9)
    return long_table(subject, time, y)


@pytest.fixture(scope="module")
def search(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.search(
            "y ~ t", table, id="id", groups=3, order=1, iorder=1, how="groups", family="zip", n_jobs=1,
        )


@pytest.fixture(scope="module")
def checks(search):
    from gbtm.adequacy.residuals import residual_checks

    return residual_checks(search.best())


@pytest.fixture(scope="module")
def folder(search, checks, tmp_path_factory):
    """The same report in every format."""
    at = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "DPI", 40)
        drawn: dict = {}  # once for all formats
        patch.setattr(content, "draw", lambda name, subject, **options: drawn.setdefault(
            name, drawn.get(name) or pictures.draw(name, subject, **options)))
        for ending in ("html", "md", "docx"):
            gbtm.grolts_report(search, at / f"r.{ending}", author="A. Author", checks=checks,
                               data_description="Simulated <people> & their counts.")
    return at


@pytest.fixture(scope="module")
def page(folder):
    return lxml.parse(str(folder / "r.html")).getroot()


# -- the page ------------------------------------------------------------------------------------------------------


class Strict(HTMLParser):
    """Every tag that is opened is closed, in order."""

    VOID = frozenset({"meta", "img", "br", "link", "hr", "input"})

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere(folder, page):
    text = (folder / "r.html").read_text(encoding="utf-8")
    parser = Strict()
    parser.feed(text)
    assert not parser.open
    assert not page.xpath("//script | //link | //iframe")
    for element in page.xpath("//*[@src]"):
        assert element.get("src").startswith("data:image/png;base64,")
        png = base64.b64decode(element.get("src").split(",")[1])
        assert png.startswith(b"\x89PNG")
        assert min(struct.unpack(">II", png[16:24])) > 50
        assert element.get("alt")
    for element in page.xpath("//a"):
        assert page.xpath(f"//*[@id='{element.get('href')[1:]}']")
    style = page.xpath("string(//style)")
    assert "url(" not in style
    assert "@import" not in style


def test_text_is_escaped_and_given_words_are_there(page):
    assert "Simulated <people> & their counts." in page.text_content()
    assert page.xpath("string(//p[@class='author'])") == "A. Author"


def test_figures_and_tables_are_numbered_in_their_order(page):
    labels = page.xpath("//figcaption/b/text()")
    for word in ("Table", "Figure"):
        own = [label for label in labels if label.startswith(word)]
        assert own == [f"{word} {i}." for i in range(1, len(own) + 1)]
    assert len(page.xpath("//img")) >= 5
    text = page.text_content()
    for number in set(re.findall(r"\b(?:Table|Figure) \d+", text)):
        assert f"{number}." in labels


def test_nothing_is_printed_as_nan_or_none(folder):
    docx = pytest.importorskip("docx")
    word = docx.Document(str(folder / "r.docx"))
    texts = [p.text for p in word.paragraphs] + [c.text for t in word.tables for r in t.rows for c in r.cells]
    page = re.sub(r"base64,[^\"]+", "", (folder / "r.html").read_text(encoding="utf-8"))
    for text in (page, (folder / "r.md").read_text(encoding="utf-8"), "\n".join(texts)):
        assert not re.search(r"\b(nan|NaN|None|inf|NaT|-0\.0+)\b(?! of)(?! in this model)(?! of \d+ starts)", text)


# -- every number is the fit's ---------------------------------------------------------------------------------------


def own_numbers(search, checks) -> np.ndarray:
    """The numbers of the fit and its search, from the document and the results; none from the report's tables."""
    res = search.best()
    document = res.document
    data = pd.DataFrame({k: np.asarray(document["outcomes"][0]["data"][k]) for k in ("subject", "time", "y", "wave")})
    n, waves = res.n_subjects, int(data["wave"].max()) + 1
    seen = np.zeros((n, waves), bool)
    seen[data["subject"].astype(int), data["wave"].astype(int)] = True
    later = np.maximum.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    before = np.maximum.accumulate(seen, axis=1)
    patterns = pd.Series(["".join("X" if s else "." for s in row) for row in seen]).value_counts()
    sizes = pd.Series(seen.sum(axis=1)).value_counts()
    grouped = data.groupby("wave")
    y = data["y"].to_numpy()
    found = [
        res.params, res.bse, res.conf_int(), res.tvalues, res.pvalues, res.criteria, res.group_shares, res.adequacy,
        res.posterior.to_numpy()[:0], [res.llf, res.aic, res.bic, res.entropy, res.df_model, res.nobs, n, res.n_groups],
        seen.sum(axis=0), seen.mean(axis=0), (~later).sum(axis=0), (~before).sum(axis=0),
        (before & later & ~seen).sum(axis=0), grouped["time"].mean(), grouped["y"].mean(), grouped["y"].std(),
        grouped["time"].std(), np.arange(1, waves + 1), patterns, patterns / n, sizes, sizes / n, sizes.index,
        [seen.sum(axis=1).min(), seen.sum(axis=1).max(), np.median(seen.sum(axis=1)), waves, seen.all(axis=1).sum()],
        [y.mean(), y.std(ddof=1), y.min(), y.max(), (y == 0).mean(), data["time"].min(), data["time"].max()],
        search.table.select_dtypes("number"), [len(search.table), search.table["groups"].max()],
        res.assignment.value_counts(), checks.means, checks.autocorrelation, checks.autocorrelation.index,
        [o["loglik"] for o in document["search"]["optima"]], [o["hits"] for o in document["search"]["optima"]],
        [o["difference"] for o in document["search"]["optima"]], [document["search"]["n_starts"]],
        [document["search"]["n_moves"], document["certificate"]["gradient"]], np.arange(1, res.n_groups + 1),
        [o for spec in (o["spec"] for o in document["outcomes"]) for o in (*spec["orders"], *spec["zero_orders"])],
    ]
    for fit in search.fits.values():
        found += [fit.group_shares["share"], fit.assignment.value_counts()]
    flat = [np.asarray(v, dtype=float).ravel() for v in found]
    return np.concatenate(flat)


NUMBER = re.compile(rf"(?<![\w.])[-{MINUS}]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]|\.\d)")


def foreign(tokens: list[str], known: np.ndarray) -> list[str]:
    """Tokens that are no known number, nor a known share as a percentage, rounded as the token is."""
    known = known[np.isfinite(known)]
    known = np.concatenate([known, 100 * known])
    out = []
    for token in tokens:
        value = float(token.replace(MINUS, "-"))
        mantissa, _, exponent = token.partition("e")
        decimals = len(mantissa.partition(".")[2])
        half = 0.5 * 10.0 ** (int(exponent or 0) - decimals)
        if not (np.abs(np.abs(known) - abs(value)) <= half * (1 + 1e-9) + 1e-12).any() and value != 0.001:
            out.append(token)
    return out


def report_numbers(page, search, checks) -> tuple[list[str], list[str]]:
    """Numbers of the tables' cells, and of the summary and the checklist's answers."""
    cells = [c.text_content() for c in page.xpath("//figure//td[@class='number']")]
    cells += [c.text_content() for c in page.xpath("//figure//td[contains(text(), '%')]")]
    said = [p.text_content() for p in page.xpath("//main/p[not(@class)] | //td[@class='answer']/p[not(@class)]")]
    said += [p.text_content() for p in page.xpath("//main/ul[not(@class)]/li")]
    left_out = [*search.sentences, *checks.sentences]
    said = [text for text in said if text.replace(MINUS, "-") not in left_out]
    running = " ".join(said).replace(MINUS, "-")
    for sentence in left_out:  # other modules' words, with their own tests
        running = running.replace(sentence, "")
    running = re.sub(r"(Table|Figure) \d+|95 %|Fitted by [^.]*\.[^)]*\)|AR\(1\)|\d+ questions.*?\.", " ", running)
    return NUMBER.findall(" ".join(cells)), NUMBER.findall(running)


def test_every_number_of_the_report_is_one_of_the_fit(page, search, checks):
    known = own_numbers(search, checks)
    in_tables, in_words = report_numbers(page, search, checks)
    assert len(in_tables) > 150
    assert len(in_words) > 40
    assert foreign(in_tables, known) == []
    assert foreign(in_words, known) == []


def test_a_number_of_no_fit_would_be_found(search, checks):
    known = own_numbers(search, checks)
    assert foreign(["123.457", "77.7", "-9.876", "4321"], known) == ["123.457", "77.7", "-9.876", "4321"]


def test_the_estimates_are_in_their_cells(page, search):
    res = search.best()
    estimates = next(t for t in page.xpath("//figure[.//figcaption[contains(., 'Estimates')]]//table"))
    rows = [[c.text_content().replace(MINUS, "-") for c in r.xpath("./td")] for r in estimates.xpath(".//tbody/tr")]
    assert len(rows) == res.df_model
    printed = sorted((row[2], row[3]) for row in rows)
    assert printed == sorted((f"{b:.3f}", f"{s:.3f}") for b, s in zip(res.params, res.bse, strict=True))


def test_the_table_of_models_is_that_of_the_search(page, search):
    models = next(t for t in page.xpath("//figure[.//figcaption[contains(., 'Models fitted')]]//table"))
    headings = [h.text_content() for h in models.xpath(".//th")]
    rows = {r.xpath("./td")[0].text_content(): [c.text_content().replace(MINUS, "-") for c in r.xpath("./td")]
            for r in models.xpath(".//tbody/tr")}
    assert list(rows) == list(search.table.index)
    shown = {"Log-lik.": "loglik", "AIC": "aic", "BIC (subjects)": "bic_subjects", "BIC (obs.)": "bic_observations",
             "SABIC (subjects)": "sabic_subjects", "ICL (subjects)": "icl_subjects"}
    for label, row in rows.items():
        for heading, column in shown.items():
            assert row[headings.index(heading)] == f"{search.table.loc[label, column]:.2f}"
        assert row[headings.index("Params")] == str(search.fits[label].df_model)


# -- the other formats ----------------------------------------------------------------------------------------------


def test_markdown_refers_to_pictures_that_are_there(folder):
    text = (folder / "r.md").read_text(encoding="utf-8")
    named = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert len(named) >= 5
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in named)
    assert text.count("```") == 6
    for line in (line for line in text.splitlines() if line.startswith("| ")):
        assert len(re.findall(r"(?<!\\)\|", line)) >= 3


def test_word_opens_and_has_what_the_page_has(folder, page):
    docx = pytest.importorskip("docx")
    word = docx.Document(str(folder / "r.docx"))
    assert len(word.inline_shapes) == len(page.xpath("//img"))
    assert len(word.tables) == len(page.xpath("//table"))
    headings = [p.text for p in word.paragraphs if p.style.name == "Heading 1"]
    assert headings == [h.text for h in page.xpath("//h2")]
    assert word.core_properties.author == "A. Author"
    cells = " ".join(c.text for t in word.tables for r in t.rows for c in r.cells)
    wanted = [c.text_content().replace(MINUS, "-") for c in page.xpath("//figure//td[@class='number']")]
    assert all(number in cells for number in wanted)


# -- what is reported ----------------------------------------------------------------------------------------------


def test_a_fit_alone_without_a_search_or_checks(table, tmp_path):
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1, family="poisson").fit(n_starts=1)
    path = gbtm.grolts_report(res, tmp_path / "one.html", title="One <group>")
    page = lxml.parse(str(path)).getroot()
    assert page.xpath("string(//h1)") == "One <group>"
    headings = [h.text for h in page.xpath("//h2")]
    assert "Choice of the model" not in headings
    assert "Residual checks" not in headings
    assert "nan" not in re.sub(r"base64,[^\"]+", "", path.read_text(encoding="utf-8")).split()


def test_warnings_come_first(tmp_path):
    table = long_table(*true_data("logit"))
    table["y"] = np.where(table["id"] % 3 == 0, 0.0, table["y"])
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=1, family="logit").fit(n_starts=6)
    page = lxml.parse(str(gbtm.grolts_report(res, tmp_path / "w.html"))).getroot()
    items = page.xpath("//ul[@class='warning']/li/text()")
    assert [i.replace(MINUS, "-") for i in items] == res.warnings
    assert DASH in page.xpath("string(//figure[.//figcaption[contains(., 'Estimates')]])")


def test_the_final_model_is_marked_in_the_table_of_models(search, page):
    res = search.best()
    assert label_of(search, res) == search.choices["bic_subjects"]
    strong = page.xpath("//tr[@class='strong']/td[1]/text()")
    assert strong
    assert set(strong) == {search.choices["bic_subjects"]}
    assert choice_table(search).strong is None
    cells = cases_table(search).cells
    for label, row in zip(search.fits, cells.itertuples(index=False), strict=True):
        counts = [int(c.split()[0]) for c in row[1:] if c.strip()]
        assert sum(counts) == search.fits[label].n_subjects


def test_the_same_fit_makes_the_same_file(search, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "DPI", 40)
    res = search.best()
    one, two = (gbtm.grolts_report(res, tmp_path / f"{i}.html").read_bytes() for i in range(2))
    assert one == two


def test_families_have_reports(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "draw", lambda *a, **k: None)
    monkeypatch.setattr("gbtm.report.content.draw", lambda *a, **k: None)
    for name in ("normal", "cnorm", "zip_own", "poisson_never", "logit"):
        table = long_table(*true_data(name))
        res = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH[name][0])).fit(n_starts=2)
        for ending in ("html", "md", "docx"):
            assert gbtm.grolts_report(res, tmp_path / f"{name}.{ending}").stat().st_size > 5000


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("r.pdf", {}, "unknown_format"), ("r.html", {"format": "pdf"}, "unknown_format"),
        ("none/r.html", {}, "no_folder"), ("r.html", {"level": 95}, "bad_level"),
        ("r.html", {"search": "a search"}, "bad_report"),
    ],
)
def test_what_cannot_be_written_is_an_error(search, tmp_path, name, options, code):
    with pytest.raises(SpecificationError) as error:
        gbtm.grolts_report(search.best(), tmp_path / name, **options)
    assert error.value.code == code
    assert not any(tmp_path.iterdir())


def test_what_is_no_fit_is_an_error(tmp_path):
    with pytest.raises(SpecificationError, match="DataFrame"):
        gbtm.grolts_report(pd.DataFrame(), tmp_path / "r.html")


def test_a_missing_library_is_named(search, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    monkeypatch.setattr("gbtm.report.content.draw", lambda *a, **k: None)
    with pytest.raises(GBTMError, match=r"pip install gbtm\[report\]"):
        gbtm.grolts_report(search.best(), tmp_path / "r.docx")


def test_templates_travel_with_the_package():
    configuration = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert '"gbtm.report" = ["templates/*"]' in configuration
    inside = Path(__file__).parents[2] / "inst" / "python" / "gbtm" / "report" / "templates"
    assert {p.name for p in inside.iterdir()} >= {"report.html.j2", "report.md.j2", "report.css"}


def test_a_report_says_what_it_is_drawing(search, tmp_path, monkeypatch):
    monkeypatch.setattr(content, "draw", lambda *_, **__: None)
    said = []
    gbtm.grolts_report(search, tmp_path / "r.md", progress=lambda what, seconds: said.append((what, seconds)))
    assert all(what.startswith("report: drawing figure") for what, _ in said)
    assert len(said) >= 3
    assert [s for _, s in said] == sorted(s for _, s in said)
