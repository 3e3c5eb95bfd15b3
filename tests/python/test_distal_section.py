"""A report's section on distal outcomes has the results' numbers, and refuses results of other fits."""

from __future__ import annotations

import re

import pytest

import distal_cases as cases
import gbtm
from gbtm import SpecificationError
from gbtm.report.blocks import Builder
from gbtm.report.distal_section import distal_results, distal_section

NAME = "d2_zip_k3"


@pytest.fixture(scope="module")
def outs():
    res, people = cases.fit_of(NAME), cases.people(NAME)
    return [res.distal("o_normal ~ group + v1", people), res.distal("Surv(o_time, o_event) ~ group", people),
            res.predictors("~ z1 + z2", people)]


@pytest.fixture(scope="module")
def text(outs, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "r.md"
    gbtm.grolts_report(cases.fit_of(NAME), path, distal=outs, level=0.9)
    whole = path.read_text(encoding="utf-8")
    return whole.partition("## Distal outcomes")[2].partition("\n## ")[0], path


def test_tables_have_the_results_numbers(outs, text):
    shown, path = text
    for out in outs[:2]:
        for g, row in out.group_table(0.9).iterrows():
            wanted = [f"{row.iloc[0]:.3f}", f"{row['lower']:.3f}", f"{row['upper']:.3f}"]
            table = shown.partition(f"group: {out.formula}")[2].splitlines()
            line = next(x for x in table if re.match(rf"\| +{g} \|", x))
            assert set(wanted) <= set(re.findall(r"\d+\.\d+", line))
        assert str(out.test())[1:] in shown
    odds = outs[2].odds_ratios(level=0.9).loc[(2, "z1")]
    line = next(x for x in shown.splitlines() if re.match(r"\| +2 \| z1", x))
    assert f"{odds['lower']:.3f}" in line
    assert "| intercept" not in shown.partition("Odds ratios")[2]
    pictures = re.findall(r"\((r_files/[^)]*)\)", shown)
    assert [p.partition("/")[2] for p in pictures] == ["distal-1.png", "distal-2.png", "survival-2.png"]
    assert all((path.parent / p).stat().st_size > 5000 for p in pictures)


def test_warnings_are_there_to_be_read_and_without_results_there_is_no_section():
    res, people = cases.fit_of(NAME), cases.people(NAME)
    with pytest.warns(gbtm.GBTMWarning, match="measured at 0"):
        out = res.distal("o_binary ~ group", people, measured_at=0.0)
    to = Builder()
    distal_section(to, distal_results(res, out), 0.95)
    doubts = [b for b in to.blocks if b.kind == "bullets"]
    assert doubts[0].warning
    assert doubts[0].items == tuple(out.warnings)
    assert next(b.table.caption for b in to.blocks if b.kind == "table") == "Probability by group: o_binary ~ group"
    nothing = Builder()
    distal_section(nothing, distal_results(res, None), 0.95)
    assert not nothing.blocks


@pytest.mark.parametrize("other", ["fit", "text"])
def test_what_is_not_of_this_fit_is_refused(other, outs, tmp_path):
    given = [outs[0], 3.0] if other == "text" else outs[0]
    fit = cases.fit_of(NAME if other == "text" else "d3_logit_k3")
    with pytest.raises(SpecificationError) as error:
        gbtm.grolts_report(fit, tmp_path / "r.md", distal=given)
    assert (error.value.code, error.value.argument) == ("bad_distal", "distal")
    assert not (tmp_path / "r.md").exists()
