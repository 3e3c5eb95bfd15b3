"""A formula's minus that takes nothing away is refused wherever formulas stand; errors of formulaic are readable."""

from __future__ import annotations

import numpy as np
import pytest

import gbtm
from gbtm.columns.formula_faults import in_plain_words, refuse_taking_away
from gbtm.errors import SpecificationError


@pytest.fixture(scope="module")
def table():
    data = gbtm.datasets.two_groups(rng=0, n_per_group=15, periods=4)
    data["before"] = data.id % 7.0
    data["after"] = data.id % 5.0
    data["my w"] = np.linspace(0, 1, len(data))
    data["état"] = data["my w"] ** 2
    return data


def asked(data, formula="y ~ t", **more):
    return gbtm.GBTM.from_formula(formula, data, id="id", groups=2, **more)


@pytest.mark.parametrize(("said", "away"), [
    ("t - 3", "3"), ("t-2.5", "2.5"), ("(t - 3)", "3"), ("-t", "t"), ("ns(t, df=2) - 1 - 4", "4"),
    ("bs(t, df=3) - t", "t"),
])
def test_time_less_a_number_is_not_silently_the_time(table, said, away):
    """To formulaic ``t - 3`` is ``t``: the intercept would be that of time 0; ``-t`` would be no time."""
    with pytest.raises(SpecificationError) as caught:
        asked(table, f"y ~ {said}")
    assert caught.value.code == "nothing_taken_away"
    assert f"takes the term {away} away" in str(caught.value)
    assert "I(" in caught.value.way_out


@pytest.mark.parametrize(("argument", "given"), [
    ("risk", "~ after - before"), ("risk", "before - 3"), ("tcov", "~ `my w` - 2"), ("common", "~ before - after"),
    ("common", "~ état - before"),
])
def test_a_change_score_is_not_silently_its_first_column(table, argument, given):
    with pytest.raises(SpecificationError, match="takes the term") as caught:
        asked(table, order=1, **{argument: given})
    assert caught.value.argument == argument
    assert caught.value.code == "nothing_taken_away"


def test_the_covariates_of_an_event_and_of_a_distal_outcome_are_read_alike(table):
    table = table.assign(T=1.0 + table.id % 4, died=(table.id % 3 > 0) * 1)
    event = gbtm.Event("T", "died", covariates="~ after - before")
    with pytest.raises(SpecificationError, match="takes the term before away"):
        asked(table, order=1, event=event)
    res = asked(table, order=1).fit(n_starts=1)
    people = table.drop_duplicates("id")
    with pytest.raises(SpecificationError, match="takes the term before away"):
        res.distal("died ~ group + after - before", people)


@pytest.mark.parametrize("formula", [
    "a * b - a:b", "a - 1", "-1 + a", "0 + a", "a + b - b", "(a + b)**2 - a:b", "I(a - 40)", "np.log(a - 3)",
    "a %in% b", "`a b` + `c-d`", "C(a, contr.treatment(base=-1))", "bs(a, knots=[-1, 2])",
])
def test_what_takes_away_a_term_or_is_inside_of_a_function_stays(formula):
    refuse_taking_away(formula, "formula")


def test_a_difference_in_I_is_what_was_meant(table):
    here = asked(table, "y ~ I(t - 3)", order=1).fit(n_starts=1)
    there = asked(table.assign(u=table.t - 3), "y ~ u", order=1).fit(n_starts=1)
    assert here.llf == pytest.approx(there.llf, abs=1e-9)
    np.testing.assert_allclose(here.params, there.params, atol=1e-7)


@pytest.mark.parametrize("given", ["~ before +", "~ before / 10"])
def test_no_marks_of_a_terminal_are_in_a_message(table, given):
    with pytest.raises(SpecificationError) as caught:
        asked(table, order=1, tcov=given)
    assert not set("\x1b⧛⧚\n") & set(str(caught.value))


def test_words_of_an_error():
    assert in_plain_words(ValueError("a\n\n1 + ⧛\x1b[1;31m2\x1b[0m⧚.")) == "a 1 + 2"
