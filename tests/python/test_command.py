"""Stata's command text: what is read, and every refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import true_data
from gbtm import CommandError
from gbtm.post.command import build, expand_varlist, parse

COLUMNS = ["id", "Y1", "Y2", "Y3", "T1", "T2", "T3", "Offense8", "Offense9", "age"]
BASE = "traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 2) min(0) max(9)"


def test_the_whole_command():
    read = parse(BASE + " sigmabygroup start(1 2 3) detail", COLUMNS)
    assert read.var == ("Y1", "Y2", "Y3")
    assert read.indep == ("T1", "T2", "T3")
    assert (read.model, read.order, read.iorder, read.min, read.max) == ("cnorm", (1, 2), None, 0.0, 9.0)
    assert read.sigma_by_group
    assert read.start == (1.0, 2.0, 3.0)
    assert read.ignored == ("detail",)


@pytest.mark.parametrize(
    "text",
    [
        BASE.replace(" ", "  "), BASE.replace("(", "( ").replace(")", " )"), BASE + ";", BASE.replace("indep", "INDEP"),
        BASE.replace(") indep", ") ///\n  indep"), BASE.replace(") indep", ") /// the times\n indep"),
        "  " + BASE + "\n",
        BASE.replace("Y1 Y2 Y3", "Y1-Y3"), BASE.replace("Y1 Y2 Y3", "Y*"), BASE.replace("Y1 Y2 Y3", "Y?"),
        BASE.replace("T1 T2 T3", "T1-T2 T3"), BASE.replace("model(cnorm)", "model(CNORM)"),
        BASE.replace("order(1 2)", "order(1,2)"),
    ],
)
def test_the_same_command_written_otherwise(text):
    read, plain = parse(text, COLUMNS), parse(BASE, COLUMNS)
    assert (read.var, read.indep, read.model, read.order, read.min, read.max) == (
        plain.var, plain.indep, plain.model, plain.order, plain.min, plain.max
    )


@pytest.mark.parametrize(
    ("model", "iorder", "family", "zero"),
    [
        ("zip", None, "poisson", None), ("zip", "0", "zip", (0,)), ("zip", "0 1", "zip", (0, 1)),
        ("logit", None, "logit", None),
    ],
)
def test_model_and_family(model, iorder, family, zero):
    text = f"traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model({model}) order(1 2)" + (f" iorder({iorder})" if iorder else "")
    arguments = parse(text, COLUMNS).spec_arguments()
    assert arguments["family"] == family
    assert arguments["iorder"] == (None if zero is None else list(zero))
    assert arguments["groups"] == 2


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Y1-Y3", ("Y1", "Y2", "Y3")), ("Y3 Y1", ("Y3", "Y1")), ("Off*", ("Offense8", "Offense9")), ("ag", ("age",)),
        ("Y1 T1-T2", ("Y1", "T1", "T2")), ("Offense~", ("Offense8", "Offense9")),
    ],
)
def test_varlists(text, names):
    assert expand_varlist(text, COLUMNS, "var") == names


@pytest.mark.parametrize(
    ("text", "code", "argument"),
    [
        ("regress y x", "not_traj", "command"),
        ("", "not_traj", "command"),
        ("traj var(Y1)", "not_traj", "command"),
        (BASE.replace("traj,", "traj if age > 3,"), "if_in", "command"),
        (BASE.replace("var(Y1 Y2 Y3) ", ""), "missing_option", "var"),
        (BASE.replace("indep(T1 T2 T3) ", ""), "missing_option", "indep"),
        (BASE.replace("model(cnorm) ", ""), "missing_option", "model"),
        (BASE.replace("order(1 2) ", ""), "missing_option", "order"),
        (BASE.replace("Y1 Y2 Y3", " "), "missing_option", "var"),
        (BASE.replace("cnorm", "gamma"), "unknown_model", "model"),
        (BASE.replace("order(1 2)", "order(one)"), "bad_order", "order"),
        (BASE.replace("order(1 2)", "order(1.5 2)"), "bad_order", "order"),
        (BASE.replace("min(0)", "min(zero)"), "bad_bounds", "min"),
        (BASE.replace("max(9)", "max()"), "bad_bounds", "max"),
        (BASE.replace("Y1 Y2 Y3", "Y1 Y2"), "wave_mismatch", "indep"),
        (BASE.replace("Y1 Y2 Y3", "Y1 Y2 Q3"), "unknown_column", "var"),
        (BASE.replace("Y1 Y2 Y3", "Q*"), "unknown_column", "var"),
        (BASE.replace("T1 T2 T3", "Off"), "unknown_column", "indep"),  # an abbreviation of two variables
        (BASE + " order(1 1)", "bad_syntax", "order"),
        (BASE + " @", "bad_syntax", "command"),
        (BASE + " start(1 2", "bad_syntax", "command"),
        (BASE + " colour(red)", "unknown_option", "colour"),
    ],
)
def test_refusals(text, code, argument):
    with pytest.raises(CommandError) as caught:
        parse(text, COLUMNS)
    assert caught.value.code == code
    assert caught.value.argument == argument
    assert caught.value.way_out


@pytest.mark.parametrize(
    "option",
    ["multgroups(2)", "outcome(age)", "omodel(logit)", "twostep"],
)
def test_what_is_not_done_yet_says_so(option):
    with pytest.raises(CommandError, match="traj has this option, this version does not") as caught:
        parse(f"{BASE} {option}", COLUMNS)
    assert caught.value.code == "unsupported_option"
    assert caught.value.argument == option.partition("(")[0]


def test_several_outcomes_are_not_done_yet():
    text = "traj, var1(Y1 Y2) indep1(T1 T2) model1(cnorm) order1(1) var2(Y3) indep2(T3) model2(logit) order2(1)"
    with pytest.raises(CommandError) as caught:
        parse(text, COLUMNS)
    assert caught.value.code == "unsupported_option"


def test_specification_errors_come_through():
    wide = pd.DataFrame({f"Y{j}": [0.0, 1.0, 2.0] for j in (1, 2, 3)} | {f"T{j}": [j] * 3 for j in (1, 2, 3)})
    with pytest.raises(gbtm.SpecificationError, match="order"):
        build(parse(BASE.replace("order(1 2)", "order(7 2)"), list(wide)), wide)
    with pytest.raises(gbtm.DataError, match=r"min = 0\.5"):
        build(parse(BASE.replace("min(0)", "min(0.5)"), list(wide)), wide)


# -- running one ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wide():
    _, _, y = true_data("normal")
    y = y.reshape(-1, 5)
    data = pd.DataFrame({**{f"Y{j + 1}": y[:, j] for j in range(5)}, **{f"T{j + 1}": float(j) for j in range(5)}})
    return data.assign(pid=[f"p{i}" for i in range(len(data))])


RUN = "traj, var(Y1-Y5) indep(T1-T5) model(cnorm) order(1 2)"


def test_traj_is_the_model_fitted(wide, fitted):
    res = gbtm.traj(RUN, wide, id="pid")
    assert res.llf == pytest.approx(fitted("normal").llf, abs=1e-8)
    assert res.document["cov_type"] == "traj"
    assert res.ids[0] == "p0"
    assert res.document["formula"] == RUN
    plain = gbtm.traj(RUN, wide, cov_type="hessian", rng=3)
    assert plain.document["cov_type"] == "hessian"
    assert (plain.bse < res.bse).all()


def test_start_inline_and_by_matrix(wide):
    base = gbtm.traj(RUN, wide)
    numbers = " ".join(repr(float(x)) for x in base.params)
    percent = [*base.params.iloc[:-1], *(100 * base.group_shares["share"])]
    fits = [
        gbtm.traj(f"{RUN} start({numbers})", wide),
        gbtm.traj(f"{RUN} start({numbers.replace(' ', ', ')})", wide),
        gbtm.traj(f"{RUN} start(b0)", wide, matrices={"b0": base.params.to_numpy()[None]}),
        gbtm.traj(f"{RUN} start(b0)", wide, matrices={"b0": percent}),
        gbtm.traj(RUN, wide, start=base),
    ]
    for res in fits:
        assert res.start_report.attrs["n_starts"] == 1
        np.testing.assert_allclose(res.params, base.params, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("options", [{}, {"matrices": {"b1": [1.0]}}])
def test_a_matrix_that_was_not_given(wide, options):
    with pytest.raises(CommandError, match=r"start\(b0\)") as caught:
        gbtm.traj(RUN + " start(b0)", wide, **options)
    assert caught.value.code == "bad_start"


def test_start_given_twice(wide):
    with pytest.raises(CommandError, match="twice"):
        gbtm.traj(RUN + " start(1 2)", wide, start=[1, 2])
