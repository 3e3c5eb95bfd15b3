"""Traj's ``outcome()`` in a command's text: its table line by line, e(b), e(V), ``_traj_Outcome``."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import case_folder
from gbtm import CommandError, DataError, SpecificationError

CASES = ("outcome_logit", "outcome_logit_twostep", "outcome_normal_ocov", "outcome_poisson")


@pytest.fixture(scope="module", params=CASES)
def case(request):
    folder = case_folder(request.param)
    said = json.loads((folder / "estimates.json").read_text(encoding="utf-8"))
    out = gbtm.traj(said["stata_command"], pd.read_csv(folder / "data.csv"), n_starts=2)
    return out, said, folder


def test_names_and_digits_are_trajs(case):
    out, said, _ = case
    table = out.to_traj()
    assert list(table.b.index) == list(table.V.index) == said["names"]
    assert np.abs((table.b - said["b"]) / said["se"]).max() < 1e-3
    np.testing.assert_allclose(np.sqrt(np.diag(table.V)), said["se"], rtol=2e-3)


def test_the_table_is_trajs_line_by_line(case):
    """All but the numbers to the letter; these to what traj's differencing leaves of standard errors, t and p."""
    out, _, folder = case
    ours = out.to_traj().text.split("\n")
    theirs = (folder / "traj_output.txt").read_text(encoding="utf-8").split("\n")
    assert len(ours) == len(theirs)
    for mine, yours in zip(ours[2:], theirs[2:], strict=True):
        number = r"-?\d+\.\d+"
        assert re.sub(number, lambda m: "#" * len(m[0]), mine) == re.sub(number, lambda m: "#" * len(m[0]), yours)
        for a, b in zip(re.findall(number, mine), re.findall(number, yours), strict=True):
                decimals = len(b.partition(".")[2])  # four: a probability
                last = 5e-4 if decimals == 4 else 1.5 * 10.0**-decimals
                assert abs(float(a) - float(b)) <= max(last, 2e-3 * abs(float(b)))


def test_what_is_expected_of_the_outcome(case):
    out, _, folder = case
    theirs = pd.read_csv(folder / "traj_posterior.csv").dropna()
    ours = out.traj_data()
    assert list(ours.columns) == list(theirs.columns)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(case_folder("outcome_logit") / "data.csv")


TRAJ = "traj, var(Y1-Y5) indep(T1-T5) model(cnorm) order(2 2) min(-1000) max(1000) "


def test_several_categories_against_the_one_that_is_named(table):
    """Another base is the same model with other signs."""
    first, other = (gbtm.traj(f"{TRAJ} outcome(om) omodel(mlogit) {base}", table, n_starts=1)
                    for base in ("", "baseoutcome(3)"))
    assert abs(first.llf - other.llf) < 1e-6
    a, b = first.to_traj().b, other.to_traj().b
    assert {"Group1_2", "Group1_3", "Group2_2", "Group2_3"} < set(a.index)
    np.testing.assert_allclose(b["Group1_1"], -a["Group1_3"], atol=1e-4)
    np.testing.assert_allclose(b["Group1_2"], a["Group1_2"] - a["Group1_3"], atol=1e-4)
    shown = first.traj_data().filter(like="_traj_Outcome")
    np.testing.assert_allclose(shown.sum(axis=1), 1.0)


ASKED = [
    ("outcome(ob) omodel(logit)", {"outcome": "ob", "omodel": "logit"}),
    ("outcome(ob) omodel(logit) twostep", {"outcome": "ob", "omodel": "logit", "twostep": True}),
    ("outcome(on) omodel(normal) ocov(Z)", {"outcome": "on", "omodel": "normal", "ocov": "Z"}),
    ("outcome(om) omodel(mlogit) baseoutcome(3)", {"outcome": "om", "omodel": "mlogit", "baseoutcome": 3}),
]
WIDE = {"wide": {"y": "Y*", "t": [1, 2, 3, 4, 5]}, "family": "cnorm", "order": [2, 2], "min": -1000, "max": 1000}


@pytest.mark.parametrize(("words", "options", "long"), [*((*a, False) for a in ASKED), (*ASKED[2], True)])
def test_as_options_of_the_model_it_has_the_commands_digits(words, options, long, table):
    """In wide data by their index; in long data with the outcome at a person's first wave alone."""
    command = gbtm.traj(f"{TRAJ} {words}", table, n_starts=1)
    data, arguments = table, WIDE
    if long:
        data = pd.wide_to_long(table[["Id", "Z", "on", *(f"{c}{j}" for c in "YT" for j in range(1, 6))]],
                               ["Y", "T"], "Id", "wave").reset_index()
        data.loc[data["wave"] > 1, ["on", "Z"]] = np.nan
        arguments = {"id": "Id", **{k: v for k, v in WIDE.items() if k != "wide"}}
    model = gbtm.GBTM.from_formula("Y ~ T" if long else "y ~ t", data, **arguments, **options)
    out = model.fit(start=command.fit.params.to_numpy(), cov_type="traj", n_starts=1)
    np.testing.assert_allclose(out.params, command.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(out.bse, command.bse, rtol=1e-6)
    assert out.excluded == command.excluded
    np.testing.assert_allclose(out.to_traj().b, command.to_traj().b, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize(("options", "argument"), [
    ({"omodel": "logit"}, "omodel"), ({"outcome": "ob"}, "omodel"), ({"outcome": "ob", "omodel": "probit"}, "omodel"),
    ({"outcome": "ob", "omodel": "logit", "baseoutcome": 1}, "baseoutcome"), ({"ocov": ["Z"]}, "ocov"),
    ({"outcome": "on", "omodel": "normal", "twostep": True}, "twostep"),
    ({"outcome": "om", "omodel": "mlogit", "baseoutcome": 9}, "baseoutcome"),
    ({"outcome": "nowhere", "omodel": "logit"}, "outcome"), ({"outcome": ["ob"], "omodel": "logit"}, "outcome"),
])
def test_options_that_say_nothing_sensible_are_refused_before_the_fit(options, argument, table):
    with pytest.raises((SpecificationError, DataError)) as error:
        gbtm.GBTM.from_formula("y ~ t", table, **WIDE, **options)
    assert error.value.argument == argument
    assert error.value.way_out


def test_with_several_outcomes_it_is_refused_with_the_way_out(table):
    distal = {"outcome": "ob", "omodel": "logit"}
    wide = {"wide": {"y": "Y*", "w": "W*", "t": [1, 2, 3, 4, 5]}, "order": 1}
    for groups in (2, [2, 2]):
        with pytest.raises(SpecificationError, match=r"one trajectory of a table") as error:
            gbtm.GBTM.from_formula(["y ~ t", "w ~ t"], table, groups=groups, **wide, **distal)
        assert "res.distal(" in error.value.way_out
    with pytest.raises(SpecificationError, match=r"GBTM\.from_formula") as error:
        gbtm.GBTM(table.filter(regex=r"Y\d").to_numpy(), groups=2, order=1, **distal)
    assert error.value.code == "no_distal_here"
    with pytest.raises(SpecificationError, match="outcome"):
        gbtm.search("y ~ t", table, wide=wide["wide"], **distal)


@pytest.mark.parametrize(("options", "words", "code"), [
    ("outcome(ob)", "omodel\\(\\): missing", "missing_option"),
    ("omodel(logit)", "goes with outcome", "missing_option"),
    ("outcome(ob) omodel(probit)", "not available", "unknown_model"),
    ("outcome(ob) omodel(logit) baseoutcome(1)", "goes with omodel\\(mlogit\\)", "bad_syntax"),
    ("outcome(ob on) omodel(logit)", "2 variables", "bad_syntax"),
    ("outcome(on) omodel(normal) twostep", "twostep: read with omodel\\(logit\\)", "unsupported_option"),
    ("outcome(om) omodel(mlogit) baseoutcome(9)", "no value of om", "bad_outcome"),
])
def test_what_cannot_be_read_is_said(options, words, code, table):
    with pytest.raises(CommandError, match=words) as error:
        gbtm.traj(TRAJ + options, table, n_starts=1)
    assert error.value.code == code
