"""Terms of time: R's, patsy's and mgcv's columns, slopes, smoothness at knots and over periods, and fits with them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

import gbtm
from conftest import needs_r
from gbtm import SpecificationError
from gbtm.columns.formula_design import covariate_columns
from gbtm.design.stored_basis import basis_from_document
from gbtm.design.time_basis import formula_basis
from gbtm.recipes.code import code_for
from gbtm.time_terms import cc, lspline, ns, of_time_terms, sincos

AGES = np.array([8.0, 9.5, 9.5, 11.0, 12.0, 14.0, 14.5, 17.0, 21.0, 30.0, 38.0])
WIDE = np.linspace(2.0, 50.0, 97)  # beyond the ages, too
MONTHS = np.arange(0.0, 48.0)
TERMS = ["lspline(t, knots=[3, 9])", "lspline(t, df=3)", "ns(t, df=4)",
         "ns(t, knots=[4.5, 11], boundary_knots=[1, 18])",
         "cc(t, df=4, period=12)", "cc(t, knots=[2, 7], period=[1, 11.5])", "sincos(t, period=12, order=2)",
         "t + sincos(t, period=12)"]


def columns(made) -> np.ndarray:
    return np.column_stack(list(made.values()))


def left_of(x: np.ndarray, space: np.ndarray) -> float:
    """The largest part of columns ``x`` that is no combination of ``space``."""
    return float(np.abs(x - space @ np.linalg.lstsq(space, x, rcond=None)[0]).max())


def panel(n: int = 90, seed: int = 0) -> pd.DataFrame:
    rng, t = np.random.default_rng(seed), np.arange(20.0)
    group = np.arange(n) % 2
    bent = 1 + 0.2 * np.minimum(t, 9) - 0.3 * np.maximum(t - 9, 0)
    y = np.where(group[:, None] == 0, bent, 4 - 0.1 * t) + rng.normal(0, 0.5, (n, t.size))
    return pd.DataFrame({"id": np.repeat(np.arange(n), t.size), "t": np.tile(t, n), "y": y.ravel()})


def fitted(term: str, groups: int = 2, **options):
    data = options.pop("data", None)
    model = gbtm.GBTM.from_formula(f"y ~ {term}", panel() if data is None else data, id="id", groups=groups, **options)
    return model.fit(rng=0, n_starts=2)


def test_coefficients_of_lspline_are_the_slopes_of_its_segments():
    slopes = np.array([0.5, -1.25, 3.0])
    x = columns(lspline(WIDE, knots=[12, 15]))
    want = np.where(WIDE <= 12, 0.5 * WIDE, np.where(
        WIDE <= 15, 6 - 1.25 * (WIDE - 12), 6 - 1.25 * 3 + 3 * (WIDE - 15)))
    np.testing.assert_allclose(x @ slopes, want, atol=1e-12)
    np.testing.assert_array_equal(columns(lspline(WIDE, [15, 12])), x)  # in any order
    np.testing.assert_array_equal(columns(lspline(WIDE, df=1))[:, 0], WIDE)


@pytest.mark.parametrize(("df", "inner"), [(2, [0.5]), (4, [0.25, 0.5, 0.75])])
def test_knots_of_df_are_quantiles_of_what_was_first_seen(df, inner):
    state: dict = {}
    first = columns(lspline(AGES, df=df, _state=state))
    assert first.shape[1] == df
    np.testing.assert_allclose(state["knots"], np.quantile(AGES, inner))
    np.testing.assert_array_equal(columns(lspline(AGES[3:5], df=df, _state=state)), first[3:5])


@pytest.mark.parametrize("settings", [
    {"df": 1}, {"df": 3}, {"df": 5}, {"knots": [12.0, 20.0]}, {"knots": [12.0], "boundary_knots": [9.0, 33.0]},
])
def test_ns_has_the_columns_of_r(settings):
    needs_r("splines")
    import rpy2.robjects as ro

    def vector(values) -> str:
        return f"c({', '.join(repr(float(v)) for v in np.ravel(values))})"

    names = {"df": "df", "knots": "knots", "boundary_knots": "Boundary.knots"}
    asked = ", ".join(f"{names[k]} = {v if k == 'df' else vector(v)}" for k, v in settings.items())
    made = f"b <- splines::ns({vector(AGES)}, {asked})"
    first, further = (np.asarray(ro.r(f"{{{made}; as.matrix({what})}}")).reshape(n, -1) for what, n in (
        ("b", AGES.size), (f"predict(b, {vector(WIDE)})", WIDE.size)))
    state: dict = {}
    np.testing.assert_allclose(columns(ns(AGES, **settings, _state=state)), first, atol=1e-13)
    np.testing.assert_allclose(columns(ns(WIDE, **settings, _state=state)), further, atol=1e-12)


def test_ns_spans_patsys_natural_cubic_splines():
    import patsy

    at = np.linspace(8, 38, 61)
    theirs = np.asarray(patsy.dmatrix("cr(x, knots=(12, 20), lower_bound=8, upper_bound=38) - 1", {"x": at}))
    mine = np.column_stack([np.ones(at.size), columns(ns(at, knots=[12, 20]))])
    assert mine.shape[1] == theirs.shape[1] == 4
    assert left_of(mine, theirs) < 1e-12
    assert left_of(theirs, mine) < 1e-12


def test_ns_is_smooth_at_its_knots_and_a_line_beyond_them():
    state: dict = {}
    ns(AGES, knots=[12.0, 20.0], _state=state)
    far = columns(ns(np.array([-5.0, 0.0, 5.0, 40.0, 45.0, 50.0]), _state=state))
    np.testing.assert_allclose(np.diff(far[:3], 2, axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.diff(far[3:], 2, axis=0), 0, atol=1e-12)
    step = 1e-4
    for knot in (8.0, 12.0, 20.0, 38.0):
        second = [np.diff(columns(ns(knot + side * step * np.array([1.0, 2.0, 3.0]), _state=state)), 2, axis=0)
                  / step**2 for side in (-1, 1)]
        np.testing.assert_allclose(second[0], second[1], atol=1e-3)


def test_cc_is_the_periodic_spline_of_scipy():
    """Also with one inner knot, where patsy's has a kink."""
    from scipy.interpolate import CubicSpline

    for knots in ([4.0], [2.0, 3.0, 9.5]):
        made = columns(cc(MONTHS, knots=knots, period=[1, 11.5]))
        for j, column in enumerate(made.T):
            values = np.concatenate([[0.0], np.eye(len(knots))[j], [0.0]])
            want = CubicSpline([1, *knots, 11.5], values, bc_type="periodic")(1 + (MONTHS - 1) % 10.5)
            np.testing.assert_allclose(column, want, atol=1e-13)


@pytest.mark.parametrize(("knots", "ends"), [([3.0, 6.5, 9.0], [0.0, 12.0]), ([3.0, 5.0], [2.0, 9.0])])
def test_cc_spans_patsys_cyclic_splines(knots, ends):
    import patsy

    formula = f"cc(x, knots={knots}, lower_bound={ends[0]}, upper_bound={ends[1]}) - 1"
    theirs = np.asarray(patsy.dmatrix(formula, {"x": MONTHS}, patsy.EvalEnvironment([])))  # its cc, not ours
    state: dict = {}
    mine = np.column_stack([np.ones(48), columns(cc(MONTHS, knots=knots, period=ends, _state=state))])
    assert mine.shape == theirs.shape
    assert left_of(mine, theirs) < 1e-12
    assert left_of(theirs, mine) < 1e-12
    at_knots = columns(cc(np.array([ends[0], *knots, ends[1]]), _state=state))
    np.testing.assert_allclose(at_knots, np.vstack([np.zeros(len(knots)), np.eye(len(knots)), np.zeros(len(knots))]),
                               atol=1e-14)  # a coefficient is the curve at its knot above that at the start


@pytest.mark.parametrize("term", [lambda x: cc(x, knots=[2, 5, 9], period=12), lambda x: cc(x, knots=[2], period=12),
                                  lambda x: sincos(x, period=12, order=3)])
def test_the_curve_and_its_derivatives_go_round(term):
    step = 1e-3
    state_of = np.concatenate([MONTHS, 12 + step * np.arange(-4, 5), step * np.arange(-4, 5)])
    made = columns(term(state_of))
    np.testing.assert_allclose(made[:12], made[24:36], atol=1e-12)  # one period later
    end, start = made[48:57], made[57:]
    np.testing.assert_allclose(end, start, atol=1e-12)
    for order in (1, 2):
        before = np.diff(end[:5], order, axis=0)[-1] / step**order
        after = np.diff(end[4:], order, axis=0)[0] / step**order
        np.testing.assert_allclose(before, after, atol=20 * step)  # half a step or two apart


def test_sincos_is_sine_and_cosine():
    made = sincos(MONTHS, period=12, order=2)
    assert list(made) == ["sin1", "cos1", "sin2", "cos2"]
    np.testing.assert_allclose(made["cos2"], np.cos(2 * np.pi * 2 * MONTHS / 12), atol=1e-14)
    np.testing.assert_allclose(made["sin1"], np.sin(2 * np.pi * MONTHS / 12), atol=1e-14)


@pytest.mark.parametrize("term", TERMS)
def test_a_basis_comes_back_from_its_document_at_any_time(term):
    times = np.repeat(np.arange(20.0), 3)
    basis = formula_basis(times, term, "t")
    stored = json.loads(json.dumps(basis.document))
    again = basis_from_document(stored, "t")  # nothing in it is code
    at = np.array([-3.0, 0.0, 4.25, 19.0, 31.5])
    assert again.everywhere
    np.testing.assert_array_equal(again.internal(at), basis.internal(at))
    one = np.vstack([again.internal(np.array([t])) for t in at])
    np.testing.assert_allclose(one, basis.internal(at), atol=1e-12)  # knots are remembered
    x = basis.internal(times)
    np.testing.assert_allclose(x.T @ x / times.size, np.eye(basis.width), atol=1e-9)


@pytest.mark.parametrize("term", TERMS)
def test_one_normal_group_is_least_squares(term):
    data = panel(40)
    res = fitted(term, 1, data=data)
    t = data["t"].to_numpy()
    x = np.column_stack([np.ones(t.size), covariate_columns(f"~ {term}", data, "tcov")[0]])
    ols = sm.OLS(data["y"], x).fit()
    np.testing.assert_allclose(res.params[:-1], ols.params, rtol=1e-6, atol=1e-8)
    assert res.params.iloc[-1] == pytest.approx(np.sqrt(ols.ssr / t.size), rel=1e-6)
    want = np.asarray(ols.predict(x[:20]))
    np.testing.assert_allclose(res.predict()["estimate"], want, atol=1e-7)


def test_slopes_of_two_segments_can_be_the_same():
    names = [f"lspline(t, knots=[3, 9])[{j}][{g}]" for g in (1, 2) for j in (1, 2)]
    equal = [f"{names[0]} = {names[1]}", f"{names[2]} = {names[3]}"]
    res = fitted("lspline(t, knots=[3, 9])", constraints=equal)
    free = fitted("lspline(t, knots=[9])")  # a knot where nothing bends is none
    assert res.params[names[0]] == pytest.approx(res.params[names[1]], abs=1e-12)
    assert res.llf == pytest.approx(free.llf, abs=1e-6)
    assert res.wald_test(f"{names[0]} = {names[2]}").pvalue < 1e-6
    test = fitted("lspline(t, knots=[3, 9])").wald_test(", ".join(equal))
    assert test.df == 2
    assert test.pvalue > 0.01


def test_names_of_groups_are_not_read_out_of_the_knots():
    """Knots 2 and 3 of one outcome name no groups: the groups of the constraint alone keep their places."""
    from gbtm.specification.constraint_text import label_classes

    name = "lspline(t, knots=[2, 3])"
    assert label_classes((f"{name}[1][1] = {name}[2][1]",), 3, 0) == label_classes(("t[1] = t^2[1]",), 3, 0)
    assert label_classes((f"{name}[1][1] = {name}[1][2]",), 3, 0) == label_classes(("t[1] = t[2]",), 3, 0)
    assert label_classes(("lspline(t, knots=[3])[1][1] = 0.5",), 3, 0) == (1, 0, 0)


@pytest.mark.parametrize(("term", "said"), [
    ("lspline(t)", "either knots or df"), ("lspline(t, knots=[3], df=2)", "either knots or df"),
    ("lspline(t, knots=[25])", "between the smallest and the largest value, 0 and 19"),
    ("lspline(t, knots=[3, 3])", "different, finite"), ("lspline(t, df=0)", "whole number from 1"),
    ("lspline(t, df=2.5)", "whole number from 1"),
    ("ns(t, knots=[5], boundary_knots=[6, 18])", "between the boundary knots 6 and 18"),
    ("ns(t, df=3, boundary_knots=[8])", "two numbers"), ("cc(t, df=3, period=0)", "a number above 0, or its two ends"),
    ("cc(t, df=3, period=[5, 1])", "the smaller one first"), ("cc(t, knots=[12], period=12)", "within the period"),
    ("cc(t, knots=[3], period=12, constraints='center')", "takes no constraints"),
    ("sincos(t)", "above 0"), ("sincos(t, period=-2)", "above 0"), ("sincos(t, period=12, order=0)", "from 1 to 50"),
    ("sincos(t, period=12, order=1.5)", "from 1 to 50"),
])
def test_settings_that_make_no_curve(term, said):
    with pytest.raises(SpecificationError, match=said) as e:
        formula_basis(np.arange(20.0), term, "t")
    assert (e.value.code, e.value.argument) == ("bad_time_term", "formula")
    assert e.value.way_out
    with pytest.raises(SpecificationError, match=said):
        covariate_columns(f"~ {term}", pd.DataFrame({"t": np.arange(20.0)}), "risk")


def test_waves_that_the_times_cannot_tell_apart():
    with pytest.raises(SpecificationError, match="linearly dependent"):
        formula_basis(np.arange(20.0), "sincos(t, period=2)", "t")
    with pytest.raises(SpecificationError, match=r"Give cc\(\) its period"):
        formula_basis(np.arange(20.0), "cc(t, df=4)", "t")  # formulaic's, whose columns add up to 1
    assert formula_basis(np.arange(20.0), "cc(t, df=4, constraints='center')", "t").width == 5


def test_quantiles_that_fall_together():
    with pytest.raises(SpecificationError, match="4 knots at quantiles fall together") as e:
        formula_basis(np.repeat([1.0, 2.0, 3.0], 50), "lspline(t, df=5)", "t")
    assert "a smaller df" in e.value.way_out


def test_a_period_in_days_is_no_count():
    basis = formula_basis(np.arange(0.0, 900, 7), "sincos(day, period=365) + lspline(day, knots=400)", "day")
    assert basis.everywhere


def test_terms_that_r_makes_alike():
    assert of_time_terms("lspline(age, knots=[3]) + `the age`")
    assert of_time_terms("ns(age, df=3)")
    assert not of_time_terms("bs(age, df=3)")
    assert not of_time_terms("ns(np.log(age), df=3)")
    assert not of_time_terms("cc(age, df=3, constraints='center')")
    assert not of_time_terms("age")
    assert not of_time_terms("ns(age,")


def test_a_search_for_groups_takes_a_term_and_one_for_orders_does_not():
    found = gbtm.search("y ~ lspline(t, knots=[9])", panel(40), id="id", groups=[1, 2], family="normal", n_starts=1)
    assert found.table.index.tolist() == ["1: lspline(t, knots=[9])", "2: lspline(t, knots=[9])"]
    with pytest.raises(SpecificationError, match="order"):
        gbtm.search("y ~ lspline(t, knots=[9])", panel(40), id="id", groups=[1, 2], orders=[1, 2], n_starts=1)


def test_several_outcomes_of_which_each_has_a_term():
    data = panel(60)
    data["z"] = np.sin(2 * np.pi * data["t"] / 12) * (1 + data["id"] % 2) + np.random.default_rng(1).normal(
        size=len(data))
    outcomes = [gbtm.Outcome("y ~ lspline(t, knots=[9])"), gbtm.Outcome("z ~ sincos(t, period=12)")]
    res = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2).fit(rng=0, n_starts=2)
    own = res.of_outcome("z").predict(times=[3.0, 15.0])  # a period apart
    assert own["estimate"].iloc[0] == pytest.approx(own["estimate"].iloc[1], abs=1e-10)
    assert "z: sincos(t, period=12)[sin1][1]" in res.params.index


def test_quantile_knots_on_disk_are_those_of_memory(tmp_path):
    pytest.importorskip("pyarrow")
    rng = np.random.default_rng(3)
    data = panel(60)
    data["t"] = data["t"] + rng.integers(0, 4, len(data)) / 4
    data.to_parquet(tmp_path / "a.parquet")
    for term in ("lspline(t, df=3)", "ns(t, df=3)", "cc(t, df=3, period=12)"):
        memory = gbtm.GBTM.from_formula(f"y ~ {term}", data, id="id", groups=1)
        disk = gbtm.GBTM.from_formula(f"y ~ {term}", str(tmp_path / "a.parquet"), id="id", groups=1)
        mine, theirs = (m.layout.outcomes[0].bases["mean"].document for m in (disk, memory))
        assert mine["design"]["factors"] == theirs["design"]["factors"]
        a, b = disk.fit(), memory.fit()
        np.testing.assert_allclose(a.params, b.params, rtol=1e-8)
        np.testing.assert_allclose(a.predict(times=[2.25, 7.5])["estimate"], b.predict(times=[2.25, 7.5])["estimate"],
                                   rtol=1e-8)


def test_a_file_has_the_curve_between_the_times_and_new_people(tmp_path):
    data = panel(60)
    res = fitted("lspline(t, knots=[3, 9])", data=data)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    at = [1.5, 7.25]
    pd.testing.assert_frame_equal(again.predict(times=at), res.predict(times=at))
    someone = pd.DataFrame({"id": "new", "t": [2.5, 8.5, 18.0], "y": [1.5, 2.7, 0.1]})
    pd.testing.assert_frame_equal(again.classify(someone), res.classify(someone))


def test_recipes_have_the_term_and_stata_lacks_it(tmp_path):
    data = panel(60)
    name = "lspline(t, knots=[3, 9])"
    res = fitted(name, data=data, constraints=[f"{name}[1][1] = {name}[2][1]"])
    text = code_for(res, "Python")
    data.to_csv(tmp_path / "data.csv", index=False)
    scope: dict = {}
    exec(text.replace("data.csv", str(tmp_path / "data.csv")), scope)
    assert scope["res"].llf == pytest.approx(res.llf, abs=1e-6)
    in_r = code_for(res, "R")
    assert "y ~ lspline(t, knots=c(3, 9))" in in_r
    assert "lspline(t, knots = c(3, 9))1[1] = lspline(t, knots = c(3, 9))2[1]" in in_r.replace("\n", " ")
    assert "check that it spans" not in in_r
    plain = fitted("ns(t, knots=[9], boundary_knots=[1, 18])", data=data)
    assert "splines::ns(t, knots=c(9), Boundary.knots=c(1, 18))" in code_for(plain, "R")
    said = code_for(plain, "Stata")
    assert said.startswith("*")
    assert "ns(t, knots=[9], boundary_knots=[1, 18])" in said
