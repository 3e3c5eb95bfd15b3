"""Stata's command text: what is read, and every refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import true_data
from gbtm import CommandError
from gbtm.api.traj import build
from gbtm.specification.spec import model_spec
from gbtm.traj_commands.do_file import parse
from parts import draw

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
        ("zip", None, "poisson", None), ("zip", "-1", "poisson", None), ("zip", "-1 -1", "poisson", None),
        ("zip", "-1 0", "zip", (-1, 0)), ("zip", "0", "zip", (0,)), ("zip", "0 1", "zip", (0, 1)),
        ("logit", None, "logit", None),
    ],
)
def test_model_and_family(model, iorder, family, zero):
    text = f"traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model({model}) order(1 2)" + (f" iorder({iorder})" if iorder else "")
    spec = model_spec(*parse(text, COLUMNS).described)
    assert spec.outcomes[0].family == family
    assert spec.outcomes[0].zero_orders == zero
    assert spec.n_groups == 2


@pytest.mark.parametrize(
    ("text", "code", "argument"),
    [
        ("regress y x", "not_traj", "command"),
        ("", "not_traj", "command"),
        ("traj var(Y1)", "not_traj", "command"),
        (BASE.replace("traj,", "traj if age > ,"), "if_in", "if"),
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


RUN = "traj, var(Y1-Y5) indep(T1-T5) model(cnorm) order(1 2) min(-99) max(99)"


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


# -- covariates, exposure, weights, dropout ---------------------------------------------------------------------------

MORE = [*COLUMNS, "X1", "X2", *(f"{c}{j}" for c in "WVE" for j in (1, 2, 3)), "wt", "out", "mar"]
SETS = (("W1", "W2", "W3"), ("V1", "V2", "V3"))


def test_every_option_for_covariates_is_read():
    read = parse(
        BASE + " risk(X1 X2) refgroup(2) tcov(W1 W2 W3 V1 V2 V3) plottcov(1 2 3 4 5 6) weight(wt) outofsample(out) "
        "dropout(1 2) dcov(V1-V3) obsmar(mar)", MORE)
    assert (read.risk, read.refgroup, read.tcov) == (("X1", "X2"), 2, SETS)
    assert read.plottcov == (1, 2, 3, 4, 5, 6)
    assert (read.weight, read.outofsample, read.obsmar) == ("wt", "out", "mar")
    assert (read.dropout, read.dcov) == ((1, 2), SETS[1:])
    assert read.exposure == ()
    assert set(read.columns) == {*read.var, *read.indep, "X1", "X2", *SETS[0], *SETS[1], "wt", "out", "mar"}
    counts = parse(BASE.replace("cnorm", "zip") + " exposure(E1 E2 E3)", MORE)
    assert counts.exposure == ("E1", "E2", "E3")
    plain = parse(BASE, MORE)
    assert (plain.risk, plain.refgroup, plain.tcov, plain.plottcov, plain.exposure) == ((), 1, (), None, ())
    assert (plain.weight, plain.outofsample, plain.dropout, plain.dcov, plain.obsmar) == (None, None, None, (), None)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("risk(X*)", "risk", ("X1", "X2")), ("risk(X1-X2)", "risk", ("X1", "X2")), ("refg(2)", "refgroup", 2),
        ("refgroup( 2 )", "refgroup", 2), ("tcov(W1-W3 V?)", "tcov", SETS), ("tcov(W1-V3)", "tcov", SETS),
        ("TCOV(W1 W2 W3)", "tcov", SETS[:1]), ("plottcov(0.5, -1)", "plottcov", (0.5, -1.0)),
        ("plottcov(p0)", "plottcov", "p0"), ("plottcov(1 2 \\ 3 4)", "plottcov", (1, 2, 3, 4)),
        ("expos(E1-E3)", "exposure", ("E1", "E2", "E3")), ("exposu(E?)", "exposure", ("E1", "E2", "E3")),
        ("weight(w)", "weight", "wt"), ("outof(out)", "outofsample", "out"),
        ("outofs(ou)", "outofsample", "out"), ("drop(0 1)", "dropout", (0, 1)), ("dropo(2)", "dropout", (2,)),
        ("dcov(V1-V3 W1-W3)", "dcov", SETS[::-1]), ("obsmar(mar)", "obsmar", "mar"),
    ],
)
def test_abbreviations_and_variable_lists(text, field, value):
    assert getattr(parse(f"{BASE} {text}", MORE), field) == value


@pytest.mark.parametrize(
    ("text", "code", "argument"),
    [
        ("risk(X9)", "unknown_column", "risk"), ("risk()", "missing_option", "risk"),
        ("risk(X)", "unknown_column", "risk"),  # an abbreviation of two
        ("refgroup(one)", "bad_order", "refgroup"), ("refgroup(1 2)", "bad_order", "refgroup"),
        ("refgroup()", "bad_order", "refgroup"), ("tcov(W1 W2)", "wave_mismatch", "tcov"),
        ("tcov(W1-W3 V1)", "wave_mismatch", "tcov"), ("tcov()", "missing_option", "tcov"),
        ("exposure(E1 E2)", "wave_mismatch", "exposure"), ("exposure(E1-E3 W1-W3)", "wave_mismatch", "exposure"),
        ("dcov(V1)", "wave_mismatch", "dcov"), ("weight(wt X1)", "bad_syntax", "weight"),
        ("weight(nothing)", "unknown_column", "weight"), ("outofsample(out mar)", "bad_syntax", "outofsample"),
        ("obsmar(out mar)", "bad_syntax", "obsmar"), ("dropout(yes)", "bad_order", "dropout"),
        ("risk(X1) risk(X2)", "bad_syntax", "risk"), ("rsk(X1)", "unknown_option", "rsk"),
    ],
)
def test_refusals_of_covariates(text, code, argument):
    with pytest.raises(CommandError) as caught:
        parse(f"{BASE} {text}", MORE)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert argument in str(caught.value)
    assert caught.value.way_out


def test_what_the_model_refuses_comes_through_by_name():
    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(4, 1, (30, len(MORE))), columns=MORE).assign(out=0, mar=0, T1=1, T2=2, T3=3)
    data[["wt", "E1", "E2", "E3"]] = np.abs(data[["wt", "E1", "E2", "E3"]])
    make = lambda text, table=data: build(parse(f"{BASE} {text}", MORE), table)  # noqa: E731
    for text, kind, argument in (
        ("refgroup(3)", gbtm.SpecificationError, "refgroup"), ("dropout(0 0 0)", gbtm.SpecificationError, "dropout"),
        ("dropout(3 3)", gbtm.SpecificationError, "dropout"), ("exposure(E1-E3)", gbtm.SpecificationError, "exposure"),
        ("plottcov(0)", CommandError, "plottcov"), ("tcov(W1-W3) plottcov(0 0)", CommandError, "plottcov"),
        ("tcov(W1-W3) plottcov(p0)", CommandError, "plottcov"), ("dcov(V1-V3)", gbtm.SpecificationError, "dcov"),
        ("obsmar(mar)", gbtm.SpecificationError, "obsmar"), ("dropout(0 0)", gbtm.SpecificationError, "dropout"),
        ("tcov(T1-T3)", gbtm.SpecificationError, "tcov"),
    ):
        with pytest.raises(kind) as caught:
            make(text)
        assert caught.value.argument == argument, text
    for column, text in (("wt", "weight(wt)"), ("out", "outofsample(out)"), ("E1", "exposure(E1-E3)")):
        with pytest.raises((gbtm.DataError, gbtm.SpecificationError)):
            make(text.replace("cnorm", "zip"), data.assign(**{column: -1.0}))


@pytest.fixture(scope="module")
def everything():
    """The data of 'everything' as Stata has them: a row per subject, a column per wave."""
    drawn = draw("everything")
    table = drawn.table.astype({"t": int})
    pieces = [table.pivot(index="id", columns="t", values=c).add_prefix(f"{c}_") for c in ("y", "w1", "e", "v1")]
    wide = pd.concat([*pieces, table.groupby("id")[["z1", "wt"]].first()], axis=1).loc[table["id"].unique()]
    return drawn, wide.assign(**{f"t_{j}": j for j in range(5)})


EVERYTHING = (
    "traj, var(y_*) indep(t_*) model(zip) order(1 0) iorder(0) tcov(w1_*) risk(z1) expos(e_*) weight(wt) dropout(1 0) "
    "dcov(v1_*)"
)


def test_the_command_is_the_model_with_every_part(everything):
    drawn, wide = everything
    res = gbtm.traj(EVERYTHING, wide, n_starts=4)
    base = drawn.built().fit(cov_type="robust", n_starts=4)
    assert res.llf == pytest.approx(base.llf, abs=1e-9)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(res.cov_params(), base.cov_params(), rtol=1e-4, atol=1e-8)  # weighted: plain sandwich
    assert res.document["cov_type"] == "traj"
    names = list(res.to_traj().b.index)
    assert names[:5] == ["interc1", "linear1", "w1_0G1", "interc2", "w1_0G2"]  # a covariate is called as its first
    assert names[-2:] == ["const2", "z1G2"]


def test_out_of_sample_and_missing_at_random(everything):
    drawn, wide = everything
    flags = np.arange(len(wide)) % 4 == 0
    res = gbtm.traj(EVERYTHING + " outofsample(held)", wide.assign(held=flags.astype(int)), n_starts=4)
    without = gbtm.traj(EVERYTHING, wide[~flags], n_starts=4)
    assert res.llf == without.llf
    np.testing.assert_array_equal(res.params.to_numpy(), without.params.to_numpy())
    marked = build(parse(EVERYTHING + " obsmar(mar)", [*wide, "mar"]), wide.assign(mar=flags.astype(int)))
    table = drawn.table.assign(mar=drawn.table["id"].isin(wide.index[flags]).astype(int))
    want = drawn.built(data=table, obsmar="mar")
    np.testing.assert_array_equal(marked.panel.departures.subject, want.panel.departures.subject)
    assert marked.panel.departures.nobs < build(parse(EVERYTHING, list(wide)), wide).panel.departures.nobs


# -- plottcov ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_covariates():
    rng = np.random.default_rng(3)
    data = {f"Y{j}": rng.normal(size=60) + (np.arange(60) < 30) * 4 for j in (1, 2, 3)}
    data |= {f"{c}{j}": rng.normal(size=60) for c in "WV" for j in (1, 2, 3)} | {f"T{j}": float(j) for j in (1, 2, 3)}
    return pd.DataFrame(data)


TWO = "traj, var(Y1-Y3) indep(T1-T3) model(cnorm) order(1 1) min(-99) max(99) tcov(W1-W3 V1-V3)"


def _curve_at(res, profile):
    """Straight lines plus the covariates' effects at profile (T, 2), waves at 1, 2, 3."""
    p = res.params
    return [
        p[f"intercept[{g}]"] + p[f"{res.time_name}[{g}]"] * t + p[f"W1[{g}]"] * w + p[f"V1[{g}]"] * v
        for g in (1, 2) for t, (w, v) in zip((1, 2, 3), profile, strict=True)
    ]


@pytest.mark.parametrize(
    ("plottcov", "profile"),
    [
        ("0 0 0 0 0 0", np.zeros((3, 2))), ("1 2 3 40 50 60", np.array([[1, 40], [2, 50], [3, 60]])),
        ("7 -8", np.array([[7, -8]] * 3)),
    ],
    ids=["zeros", "by wave", "one number per covariate"],
)
def test_curves_are_drawn_where_plottcov_says(plottcov, profile, two_covariates):
    inline = gbtm.traj(f"{TWO} plottcov({plottcov})", two_covariates, n_starts=2)
    numbers = np.array(plottcov.split(), dtype=float)
    matrices = {"p0": numbers.reshape(2, -1)}  # a row for each covariate
    by_name = gbtm.traj(f"{TWO} plottcov(p0)", two_covariates, matrices=matrices, n_starts=2)
    for res in (inline, by_name):
        np.testing.assert_allclose(res.predict([1, 2, 3])["estimate"], _curve_at(res, profile), rtol=1e-10)


def test_curves_without_plottcov_are_drawn_at_the_means(two_covariates):
    res = gbtm.traj(TWO, two_covariates, n_starts=2)
    means = np.column_stack([two_covariates[[f"{c}{j}" for j in (1, 2, 3)]].mean() for c in "WV"])  # of each wave
    np.testing.assert_allclose(res.predict([1, 2, 3])["estimate"], res.predict([1, 2, 3], tcov=means)["estimate"])
    assert res.llf == gbtm.traj(f"{TWO} plottcov(9 9)", two_covariates, n_starts=2).llf
