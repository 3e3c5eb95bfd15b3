"""The checklist: every question answered, by the software or by a prompt, and its numbers right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
import parts
from conftest import long_table, true_data
from gbtm.report.checklist import GROLTS_2017, GROLTS_REVISED
from gbtm.report.grolts import COMPLETE, FILLED, TOPICS, WRITE, grolts

ITEMS_2017 = ["1", "2", "3a", "3b", "3c", "4", "5", "6a", "6b", "7", "8", "9", "10", "11", "12", "13", "14a", "14b",
              "14c", "15", "16"]


@pytest.fixture(scope="module")
def res():
    subject, time, y = true_data("zip_common", keep=0.9)
    table = long_table(subject, time, y)
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, family="zip").fit(n_starts=4)


@pytest.fixture(scope="module")
def search(res):
    return gbtm.search(
        "y ~ t", pd.DataFrame({
            "id": res.outcomes[0].data.subject, "t": res.outcomes[0].data.time, "y": res.outcomes[0].data.y,
        }), id="id", groups=2, order=1, how="groups", family="zip", n_jobs=1,
    )


def by_number(answers):
    return {a.question.number: a for a in answers}


def test_the_lists_have_21_and_18_questions():
    assert [q.number for q in GROLTS_2017] == ITEMS_2017
    assert [q.number for q in GROLTS_REVISED] == [str(i) for i in range(1, 19)]
    assert {q.topic for q in (*GROLTS_2017, *GROLTS_REVISED)} == set(TOPICS)


def test_every_question_has_an_answer_or_a_prompt(res, search):
    for given in (None, search):
        for revised in (False, True):
            for answer in grolts(res, given, revised=revised):
                assert answer.text or answer.prompt, answer.question.number
                assert answer.status in (FILLED, COMPLETE, WRITE)
                assert "nan" not in answer.text.split()
                for sentence in (answer.text, answer.prompt):
                    assert not sentence or sentence.endswith(".")


def test_a_fit_alone_leaves_the_other_models_to_the_author(res):
    found = by_number(grolts(res))
    assert found["11"].status == WRITE
    assert found["12"].prompt
    assert found["14b"].status == WRITE
    assert found["3b"].status == WRITE
    assert found["13"].status == FILLED


def test_a_search_fills_in_the_other_models(res, search):
    found = by_number(grolts(search.best(), search, places={"choice": "Table 9", "cases": "Table 8"}))
    assert found["11"].text == "2 models with 1 to 2 groups, a one-group model among them (Table 9)."
    assert found["12"].text == "Table 8."
    revised = by_number(grolts(search.best(), search, revised=True, places={"choice": "Table 9"}))
    one = search.table[search.table["groups"] == 1].iloc[0]
    assert f"{one['loglik']:.2f}" in revised["12"].text
    assert revised["11"].status == FILLED


def test_the_numbers_are_those_of_the_data(res):
    found, y = by_number(grolts(res)), res.outcomes[0].data.y
    assert f"mean {y.mean():.3f}" in found["4"].text
    assert f"SD {y.std(ddof=1):.3f}" in found["4"].text
    assert f"{100 * (y == 0).mean():.1f} % are zero" in found["4"].text
    assert f"{res.entropy:.3f}" in found["13"].text
    for share in res.group_shares["share"]:
        assert f"{100 * share:.1f} %" in found["15"].text
    assert res.start_report.attrs["sentence"] in found["9"].text
    assert "from 0 to 4" in found["1"].text


def test_covariates_dropout_and_weights_are_named():
    with pytest.warns(gbtm.GBTMWarning, match="dropout orders"):
        res = parts.draw("everything").built().fit(n_starts=2)
    found = by_number(grolts(res))
    for word in ("z1", "w1", "exposure", "weights"):
        assert word in found["8"].text.lower()
    assert found["8"].prompt
    assert "Dropout is part of the model (orders 1, 0 by group)" in found["3a"].text
    assert "v1" in found["3b"].text
    assert res.document["dropped"]["sentence"] in found["3c"].text


def test_the_alternative_that_could_have_been_is_asked_for():
    table = long_table(*true_data("normal_sbg"))
    common, own = (
        gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, sigma_by_group=by).fit(n_starts=2)
        for by in (False, True)
    )
    assert "sigma_by_group" in by_number(grolts(common))["6b"].prompt
    assert "one common sigma" in by_number(grolts(own))["6b"].prompt
    ar1 = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, ar1=True).fit(n_starts=2)
    assert "AR(1)" in by_number(grolts(ar1))["6a"].text


def test_one_group_and_a_start_of_ones_own():
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1).fit(n_starts=1)
    assert by_number(grolts(res))["13"].text == "With one group there is no classification."
    given = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=1).fit(start=res.params)
    assert "start values" in by_number(grolts(given))["9"].prompt


def test_names_of_covariates_stay_as_they_are():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "t": np.tile(np.arange(4.0), 60)})
    table["Region"] = np.where(table["id"] % 3 == 0, "North", "South")
    table["y"] = np.where(table["id"] % 2, 4.0, 0.0) + rng.normal(size=len(table))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=0, risk="~ Region").fit(n_starts=2)
    assert "Membership: Region[T.South]." in by_number(grolts(res))["8"].text


def test_the_call_that_draws_all_models_does(search):
    prompt = by_number(grolts(search.best(), search, places={"best_panels": "Figure 3"}))["14b"].prompt
    assert 'plot_models() with which = "all"' in prompt
    figure = search.plot_models(which="all")
    assert sum(bool(ax.lines) for ax in figure.axes) == len(search.fits)
