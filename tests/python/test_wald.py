"""Wald tests, the delta method and odds ratios: each number by hand from the estimates and their covariance."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
from conftest import build, long_table, true_data
from gbtm.api.results import GBTMResults
from gbtm.compute.expressions import evaluate, read
from gbtm.inference.delta import delta
from gbtm.inference.equal_curves import equal_curves, equal_slopes
from gbtm.inference.hypotheses import linear_hypotheses
from gbtm.inference.odds_ratios import odds_ratios
from gbtm.inference.wald import t_test, wald_test, wald_test_nonlinear
from gbtm.record.rebuild import prepared_of
from gbtm.traj_programs.trajtest import trajtest

NAMES = [
    "intercept[1]", "t[1]", "t^2[1]", "W[1]", "intercept[2]", "t[2]", "bs(t, df=4)[1][2]", "zero_intercept", "zero_t",
    "sigma", "theta[2]", "theta_X1[2]",
]


def made(params, cov, names=None, **more):
    """Results of these numbers, without a fit."""
    params = np.asarray(params, dtype=float)
    names = names or NAMES[: params.size]
    inside = {"params": params, "cov": np.zeros((0, 0)), "undetermined": np.zeros((0, 0))}  # as in the first files
    return GBTMResults(
        {"names": names, "params": params, "cov_params": np.asarray(cov, dtype=float), "nobs": 500, "internal": inside,
         **more}
    )


@pytest.fixture(scope="module")
def numbers():
    """Results with all kinds of names, and a covariance of full rank."""
    rng = np.random.default_rng(3)
    half = rng.normal(size=(len(NAMES), len(NAMES) + 5)) / 10
    return made(rng.normal(size=len(NAMES)) + 2.0, half @ half.T)


def row(**of):
    """(1, p) with these entries; keys are positions as in x3."""
    out = np.zeros(len(NAMES))
    for key, value in of.items():
        out[int(key[1:])] = value
    return out[None]


def by_hand(res, R, q):
    d = R @ res.params.to_numpy() - q
    V = R @ res.cov_params().to_numpy() @ R.T
    return float(d @ np.linalg.solve(V, d))


# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "R", "q"),
    [
        ("t[1] = t[2]", row(x1=1, x5=-1), [0]),
        ("t[1]=t[2]", row(x1=1, x5=-1), [0]),
        ("t^2[1]", row(x2=1), [0]),
        ("sigma = 1", row(x9=1), [1]),
        ("1 = sigma", row(x9=-1), [-1]),
        ("2*t[1] - (t[2] + 1)/4 = -W[1] + 3", row(x1=2, x5=-0.25, x3=1), [3.25]),
        ("t[1] = t[2] = 0", np.vstack([row(x1=1, x5=-1), row(x5=1)]), [0, 0]),
        ("zero_t = 1, theta_X1[2] = theta[2]", np.vstack([row(x8=1), row(x11=1, x10=-1)]), [1, 0]),
        ("bs(t, df=4)[1][2] = 2.5e-1", row(x6=1), [0.25]),
        ("exp(0) * t[1] / 2^2 = log(exp(2))", row(x1=0.25), [2]),
        ("--t[1] + +t[1] = 0", row(x1=2), [0]),
        ({"t[1] - t[2]": 1, "sigma": 2.0}, np.vstack([row(x1=1, x5=-1), row(x9=1)]), [1, 2]),
        (["t[1] = 1", "t[2] = 2, sigma = 3"], np.vstack([row(x1=1), row(x5=1), row(x9=1)]), [1, 2, 3]),
        (row(x1=1)[0], row(x1=1), [0]),
        ((np.vstack([row(x1=1), row(x5=1)]), [1, 2]), np.vstack([row(x1=1), row(x5=1)]), [1, 2]),
        ((np.vstack([row(x1=1), row(x5=1)]), 3), np.vstack([row(x1=1), row(x5=1)]), [3, 3]),
    ],
)
def test_hypotheses_are_read(text, R, q):
    h = linear_hypotheses(text, NAMES)
    np.testing.assert_array_equal(h.matrix, R)
    np.testing.assert_allclose(h.value, q, rtol=1e-15)
    assert len(h.labels) == len(h.value)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("t[3] = 0", "unknown_parameter", "'t[3]' is not a parameter"),
        ("age = 0", "unknown_parameter", "'age'"),
        ("sigma2 = 0", "unknown_parameter", "'sigma2'"),
        ("zero_intercept[1] = 0", "unknown_parameter", "'zero_intercept[1]'"),
        ("t^2[2] = 0", "unknown_parameter", "'t^2[2]'"),
        ("2t[1] = 0", "unknown_parameter", "2t[1]"),
        ("p3 = 0", "unknown_parameter", "'p3'"),
        ("t[1] * t[2] = 0", "not_linear", "not linear"),
        ("exp(t[1]) = 1", "not_linear", "exp(t[1]) = 1"),
        ("t[1]^2 = 1", "not_linear", "wald_test_nonlinear"),
        ("1 / t[1] = 1", "not_linear", "not linear"),
        ("t[1] / 0 = 1", "not_linear", "not linear"),
        ("t[1] =", "bad_expression", "cannot be read"),
        ("t[1], ", "bad_expression", "cannot be read"),
        ("", "bad_expression", "cannot be read"),
        ("t[1] t[2]", "bad_expression", "cannot be read"),
        ("(t[1], t[2])", "bad_expression", "cannot be read"),
        ("t[1](2)", "bad_expression", "cannot be read"),
        ("exp(t[1], 2)", "bad_expression", "cannot be read"),
        ("exp()", "bad_expression", "cannot be read"),
        ("1e999 * t[1]", "bad_expression", "cannot be read"),
        ("(" * 300 + "t[1]" + ")" * 300, "bad_expression", "cannot be read"),
        ("open(1)", "bad_expression", "no function 'open'"),
        ("__import__('os').system('true')", "bad_expression", "no function '__import__'"),
        ("t[1].real", "unknown_parameter", ".real"),
        ("lambda: 1", "unknown_parameter", "lambda"),
        (np.eye(3), "bad_hypotheses", "shape (3, 3)"),
        ((row(x1=1), [1, 2]), "bad_hypotheses", "2 values"),
        (row(x1=np.nan), "bad_hypotheses", "not finite"),
        (None, "bad_hypotheses", "None"),
        ({}, "bad_hypotheses", "none"),
        ({"t[1] = 2": 1}, "bad_hypotheses", "equals sign"),
        ({"t[1]": "x"}, "bad_hypotheses", "'x'"),
    ],
)
def test_hypotheses_that_cannot_be_read(text, code, words, numbers):
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test(numbers, text)
    assert error.value.code == code
    assert words in str(error.value)
    assert error.value.way_out


def test_names_that_are_not_unique_need_a_matrix():
    res = made([1, 2], np.eye(2), ["a", "a"])
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test(res, "a = 1")
    assert error.value.code == "ambiguous_parameter"
    assert wald_test(res, np.array([1.0, 0])).statistic == 1.0


def test_longest_name_wins():
    """zero_t^2 is a parameter where there is one, else the square of zero_t."""
    at = np.array([3.0, 5.0])
    trees = [read("zero_t^2", names, "x")[0].left for names in (["zero_t", "zero_t^2"], ["zero_t", "b"])]
    assert [evaluate(tree, at).value for tree in trees] == [5.0, 9.0]


# -- linear tests ----------------------------------------------------------------------------------------------------


def test_t_test_by_hand(numbers):
    test = t_test(numbers, "t[1] = t[2], sigma = 1, zero_t")
    R, q = np.vstack([row(x1=1, x5=-1), row(x9=1), row(x8=1)]), np.array([0, 1, 0])
    effect = R @ numbers.params.to_numpy()
    sd = np.sqrt(np.diag(R @ numbers.cov_params().to_numpy() @ R.T))
    np.testing.assert_allclose(test.effect, effect)
    np.testing.assert_allclose(test.sd, sd)
    np.testing.assert_allclose(test.statistic, (effect - q) / sd)
    np.testing.assert_allclose(test.pvalue, 2 * stats.norm.sf(np.abs((effect - q) / sd)))
    np.testing.assert_allclose(test.conf_int(0.1)[:, 1], effect + stats.norm.ppf(0.95) * sd)
    assert list(test.summary_frame().index) == ["t[1] = t[2]", "sigma = 1", "zero_t = 0"]
    assert "t[1] = t[2]" in str(test.summary())
    assert "sigma = 1" in str(test)


def test_t_test_with_degrees_of_freedom(numbers):
    z = t_test(numbers, "t[1] = t[2]").statistic
    np.testing.assert_allclose(t_test(numbers, "t[1] = t[2]", use_t=True).pvalue, 2 * stats.t.sf(np.abs(z[0]), 500))
    narrow = t_test(numbers, "t[1] = t[2]", df=3)
    np.testing.assert_allclose(narrow.pvalue, 2 * stats.t.sf(np.abs(z[0]), 3))
    np.testing.assert_allclose(np.diff(narrow.conf_int())[0, 0], 2 * stats.t.ppf(0.975, 3) * narrow.sd[0])
    with pytest.raises(gbtm.SpecificationError) as error:
        t_test(numbers, "t[1]", df=-1)
    assert error.value.code == "bad_df"


def test_single_parameters_give_the_table_of_the_fit(fitted):
    res = fitted("zip_own")
    test = t_test(res, np.eye(res.df_model))
    np.testing.assert_allclose(test.statistic, res.tvalues)
    np.testing.assert_allclose(test.pvalue, res.pvalues)
    np.testing.assert_allclose(test.conf_int(), res.conf_int())


def test_traj_convention_gives_trajs_p_values():
    res = build("normal").fit(rng=0, cov_type="traj")
    table = res.to_traj().table
    rows = table[table["parameter"].isin(["Intercept", "Linear", "Quadratic"])]
    test = t_test(res, np.eye(res.df_model)[:5], use_t=True)
    np.testing.assert_allclose(test.pvalue, rows["p"])


def test_wald_test_by_hand(numbers):
    test = wald_test(numbers, "t[1] = t[2], sigma = 1.5")
    w = by_hand(numbers, np.vstack([row(x1=1, x5=-1), row(x9=1)]), [0, 1.5])
    assert test.statistic == pytest.approx(w, rel=1e-10)
    assert (test.df, test.distribution, test.df_denom) == (2, "chi2", None)
    assert test.pvalue == pytest.approx(stats.chi2.sf(w, 2), rel=1e-10)
    assert test.hypotheses == ["t[1] = t[2]", "sigma = 1.5"]
    assert "chi2(2) = " in str(test)
    f = wald_test(numbers, "t[1] = t[2], sigma = 1.5", use_f=True)
    assert f.statistic == pytest.approx(w / 2)
    assert (f.distribution, f.df_denom) == ("F", 500)
    assert f.pvalue == pytest.approx(stats.f.sf(w / 2, 2, 500))
    assert wald_test(numbers, "t[1]=0", df=7).pvalue == pytest.approx(
        stats.t.sf(abs(t_test(numbers, "t[1]").statistic[0]), 7) * 2
    )
    assert "F(2, 500) = " in str(f)


def test_one_hypothesis_is_the_square_of_z(numbers):
    z = t_test(numbers, "W[1] = 3*t[1] - 2").statistic[0]
    assert wald_test(numbers, "W[1] = 3*t[1] - 2").statistic == pytest.approx(z**2, rel=1e-12)


def test_invariant_to_how_a_linear_hypothesis_is_written(numbers):
    """Mixing the rows, and reparametrising b -> A b with R -> R A^-1, leave W as it is."""
    rng = np.random.default_rng(0)
    R, q = np.vstack([row(x1=1, x5=-1), row(x9=1), row(x2=1)]), np.array([0.3, 1, 2])
    w = wald_test(numbers, (R, q)).statistic
    mix = rng.normal(size=(3, 3))
    assert wald_test(numbers, (mix @ R, mix @ q)).statistic == pytest.approx(w, rel=1e-8)
    A = rng.normal(size=(len(NAMES), len(NAMES)))
    moved = made(A @ numbers.params.to_numpy(), A @ numbers.cov_params().to_numpy() @ A.T)
    assert wald_test(moved, (R @ np.linalg.inv(A), q)).statistic == pytest.approx(w, rel=1e-6)
    units = np.diag(10.0 ** rng.integers(-6, 6, len(NAMES)))
    scaled = made(units @ numbers.params.to_numpy(), units @ numbers.cov_params().to_numpy() @ units)
    assert wald_test(scaled, (R @ np.linalg.inv(units), q)).statistic == pytest.approx(w, rel=1e-8)


def test_redundant_rows_are_dropped_with_a_note(numbers):
    test = wald_test(numbers, "t[1] = t[2], t[2] = W[1], t[1] = W[1], t[1] = t[1]")
    assert test.df == 2
    assert test.statistic == pytest.approx(wald_test(numbers, "t[1] = t[2] = W[1]").statistic)
    assert len(test.notes) == 2
    assert "'t[1] = W[1]' follows" in test.notes[0]
    assert "Note: 't[1] = t[1]'" in str(test)


@pytest.mark.parametrize("text", ["t[1] = 1, t[1] = 2", "t[1] = t[2], t[2] = W[1] + 1, t[1] = W[1]", "t[1] = 1, 1 = 2"])
def test_contradictory_hypotheses(text, numbers):
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test(numbers, text)
    assert error.value.code == "contradictory"
    assert text.split(", ")[-1] in str(error.value)


def test_hypotheses_that_say_nothing(numbers):
    for test in (wald_test, t_test):
        with pytest.raises(gbtm.SpecificationError) as error:
            test(numbers, "t[1] = t[1]")
        assert error.value.code == "bad_hypotheses"


def test_without_a_standard_error():
    cov = np.diag([1.0, 2, 3])
    cov[1, :] = cov[:, 1] = np.nan
    res = made([1, 2, 3], cov, ["a", "b", "c"])
    assert wald_test(res, "a = 0, c = 0").statistic == pytest.approx(1 + 3)
    assert delta(res, "a + 0*b").bse.iloc[0] == 1.0
    for call in (
        lambda: wald_test(res, "a = b"), lambda: t_test(res, "a, b"), lambda: delta(res, "exp(b)"),
        lambda: delta(res, lambda p: p["a"] * p["b"]), lambda: wald_test_nonlinear(res, "a / b = 1"),
    ):
        with pytest.raises(gbtm.SpecificationError) as error:
            call()
        assert error.value.code == "no_standard_error"
        assert "standard error of b," in str(error.value)


def test_covariance_of_lower_rank():
    half = np.random.default_rng(0).normal(size=(4, 2))  # two clusters
    res = made([1, 2, 3, 4], half @ half.T, list("abcd"))
    assert np.isfinite(wald_test(res, "a = 0, b = 0").statistic)
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test(res, "a = 0, b = 0, c = 0")
    assert error.value.code == "singular_covariance"


def test_size_of_the_test():
    """Under the null hypothesis p is uniform: linear hypotheses of estimates drawn from their normal distribution."""
    rng = np.random.default_rng(11)
    half = rng.normal(size=(5, 8))
    cov, truth = half @ half.T, np.array([1.0, 1, 2, 2, 0])
    p = [
        wald_test(made(b, cov, list("abcde")), "a = b, c = d = 2, e = 0").pvalue
        for b in rng.multivariate_normal(truth, cov, size=1500)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1500))


# -- delta method ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        ("exp(theta_X1[2])", lambda b: np.exp(b[11]), lambda b: {11: np.exp(b[11])}),
        (
            "-t[1] / (2 * t^2[1])", lambda b: -b[1] / (2 * b[2]),
            lambda b: {1: -1 / (2 * b[2]), 2: b[1] / (2 * b[2] ** 2)},
        ),
        ("log(sigma)", lambda b: np.log(b[9]), lambda b: {9: 1 / b[9]}),
        ("sqrt(sigma) * 2", lambda b: 2 * np.sqrt(b[9]), lambda b: {9: 1 / np.sqrt(b[9])}),
        ("sigma^2", lambda b: b[9] ** 2, lambda b: {9: 2 * b[9]}),
        ("sigma ** -2", lambda b: b[9] ** -2, lambda b: {9: -2 * b[9] ** -3}),
        ("2^sigma", lambda b: 2 ** b[9], lambda b: {9: np.log(2) * 2 ** b[9]}),
        (
            "invlogit(theta[2])", lambda b: 1 / (1 + np.exp(-b[10])),
            lambda b: {10: np.exp(-b[10]) / (1 + np.exp(-b[10])) ** 2},
        ),
        ("logit(invlogit(t[1]) )", lambda b: b[1], lambda b: {1: 1.0}),
        ("sigma^sigma", lambda b: b[9] ** b[9], lambda b: {9: b[9] ** b[9] * (1 + np.log(b[9]))}),
        ("t[1] - 2 * (t[2] - 3)", lambda b: b[1] - 2 * b[5] + 6, lambda b: {1: 1, 5: -2}),
    ],
)
def test_delta_of_an_expression(text, value, slope, numbers):
    b, V = numbers.params.to_numpy(), numbers.cov_params().to_numpy()
    got = delta(numbers, text)
    gradient = np.zeros(b.size)
    for at, s in slope(b).items():
        gradient[at] = s
    se = np.sqrt(gradient @ V @ gradient)
    assert got.estimate.iloc[0] == pytest.approx(value(b), rel=1e-12)
    np.testing.assert_allclose(got.jacobian.to_numpy()[0], gradient, rtol=1e-12, atol=1e-14)
    assert got.bse.iloc[0] == pytest.approx(se, rel=1e-10)
    z = stats.norm.ppf(0.95)
    np.testing.assert_allclose(got.conf_int(0.1).to_numpy()[0], [value(b) - z * se, value(b) + z * se], rtol=1e-10)


FUNCTIONS = {
    "-t[1] / (2 * t^2[1])": lambda b: -b["t[1]"] / (2 * b["t^2[1]"]),
    "exp(theta_X1[2])": lambda b: np.exp(b["theta_X1[2]"]),
    "invlogit(theta[2])": lambda b: 1 / (1 + np.exp(-b["theta[2]"])),
    "log(sigma) + t[1]^3": lambda b: np.log(b["sigma"]) + b["t[1]"] ** 3,
}


@pytest.mark.parametrize("text", FUNCTIONS)
@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
def test_python_functions_agree_with_expressions(text, unit, numbers):
    """In any units of the parameters: the steps follow the standard errors."""
    exact = delta(numbers, text)
    units = np.full(len(NAMES), unit)
    res = made(units * numbers.params, np.outer(units, units) * numbers.cov_params())
    got = delta(res, lambda b: FUNCTIONS[text](b / unit))
    assert got.estimate.iloc[0] == pytest.approx(exact.estimate.iloc[0], rel=1e-12)
    assert got.bse.iloc[0] == pytest.approx(exact.bse.iloc[0], rel=1e-6)
    unused = (exact.jacobian == 0).to_numpy()
    assert (got.jacobian.to_numpy()[unused] == 0).all()


def test_delta_of_several(numbers):
    got = delta(numbers, {"peak": "-t[1] / (2 * t^2[1])", "share": "invlogit(theta[2])"})
    again = delta(
        numbers, lambda b: {"peak": -b["t[1]"] / (2 * b["t^2[1]"]), "share": 1 / (1 + np.exp(-b["theta[2]"]))}
    )
    for d in (got, again):
        assert list(d.estimate.index) == list(d.bse.index) == list(d.cov.columns) == ["peak", "share"]
    np.testing.assert_allclose(got.cov, again.cov, rtol=1e-9)
    J, V = got.jacobian.to_numpy(), numbers.cov_params().to_numpy()
    np.testing.assert_allclose(got.cov, J @ V @ J.T)
    frame = got.summary_frame(0.1)
    assert list(frame.columns) == ["estimate", "std err", "z", "P>|z|", "lower", "upper"]
    np.testing.assert_allclose(frame["z"], got.estimate / got.bse)
    assert "peak" in str(got)
    assert list(delta(numbers, "t[1], t[2]").estimate) == list(numbers.params[["t[1]", "t[2]"]])
    assert list(delta(numbers, lambda b: b[["t[1]", "t[2]"]]).estimate.index) == ["t[1]", "t[2]"]
    assert list(delta(numbers, lambda b: np.array([b["t[1]"], b["t[2]"]])).estimate.index) == ["value 1", "value 2"]


def test_where_differences_drown_the_function_is_refused(numbers):
    """Adding and taking away 1e16 leaves no digits, 1e13 too few; with 1e8 there are enough."""
    for much, code in ((1e16, "constant_function"), (1e13, "rough_function")):
        with pytest.raises(gbtm.SpecificationError) as error:
            delta(numbers, lambda b, much=much: (b["t[1]"] + much) - much)
        assert error.value.code == code
    got = delta(numbers, lambda b: (b["t[1]"] + 1e8) - 1e8)
    assert got.bse.iloc[0] == pytest.approx(numbers.bse["t[1]"], rel=1e-4)


def test_steps_stay_where_the_function_is_finite():
    """A value that is small beside its standard error: a tenth of that is already too far for log and sqrt."""
    res = made([0.02, 1.0], np.diag([4.0, 1.0]), ["a", "b"])
    got = delta(res, lambda b: [np.log(b["a"]), np.sqrt(b["a"]) * b["b"]])
    np.testing.assert_allclose(got.jacobian, [[1 / 0.02, 0], [0.5 / np.sqrt(0.02), np.sqrt(0.02)]], rtol=1e-6)
    assert got.jacobian.iloc[0, 1] == 0


def test_a_parameter_that_does_not_matter_needs_no_standard_error():
    """Neither one that the function leaves alone, nor one at whose value it is flat."""
    res = made([1.3, 0.0, 5.0], np.diag([0.04, 0.09, np.nan]), ["a", "b", "c"])
    got = delta(res, lambda b: np.exp(b["a"]) + b["b"] ** 2 + 0 * b["c"])
    np.testing.assert_allclose(got.jacobian.to_numpy()[0, 0], np.exp(1.3), rtol=1e-9)
    assert (got.jacobian.to_numpy()[0, 1:] == 0).all()
    with pytest.raises(gbtm.SpecificationError) as error:
        delta(res, lambda b: b["b"] ** 2)
    assert error.value.code == "constant_function"
    with pytest.raises(gbtm.SpecificationError) as error:
        delta(res, lambda b: b["a"] * b["c"])
    assert error.value.code == "no_standard_error"


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        ("log(-exp(t[1]))", "not_finite", "log(-exp(t[1]))"),
        ("t[1] / (t[2] - t[2])", "not_finite", "not a finite number"),
        (lambda b: np.log(-np.exp(b["t[1]"])), "not_finite", "value"),
        (lambda b: 3.0, "constant_function", "does not vary"),
        ("3", "constant_function", "3 does not vary"),
        (lambda b: np.random.default_rng().normal() + b["t[1]"], "rough_function", "does not settle"),
        ("t[1] = t[2]", "bad_expression", "hypothesis"),
        ("foo(t[1])", "bad_expression", "no function 'foo'"),
        ("t[9]", "unknown_parameter", "'t[9]'"),
        (5, "bad_expression", "neither text nor a function"),
        ([1, 2], "bad_expression", "neither text"),
        (" + ".join(["t[1]"] * 5000), "bad_expression", ""),
    ],
)
def test_functions_that_will_not_do(function, code, words, numbers):
    with np.errstate(all="ignore"), pytest.raises(gbtm.SpecificationError) as error:
        delta(numbers, function)
    assert error.value.code == code
    assert words in str(error.value)


def test_errors_of_a_users_function_reach_the_user(numbers):
    with pytest.raises(KeyError):
        delta(numbers, lambda b: b["nothing"])


def test_bad_alpha(numbers):
    with pytest.raises(gbtm.SpecificationError) as error:
        delta(numbers, "t[1]").conf_int(1.5)
    assert error.value.code == "bad_alpha"


def test_nonlinear_wald_by_hand(numbers):
    b, V = numbers.params.to_numpy(), numbers.cov_params().to_numpy()
    J = np.vstack([row(x1=-1 / (2 * b[2]), x2=b[1] / (2 * b[2] ** 2)), row(x9=1 / b[9])])
    d = np.array([-b[1] / (2 * b[2]) - 3, np.log(b[9]) - 0.5])
    w = d @ np.linalg.solve(J @ V @ J.T, d)
    test = wald_test_nonlinear(numbers, "-t[1] / (2 * t^2[1]) = 3, log(sigma) = 0.5")
    assert test.statistic == pytest.approx(w, rel=1e-8)
    assert test.hypotheses == ["-t[1] / (2 * t^2[1]) = 3", "log(sigma) = 0.5"]
    same = wald_test_nonlinear(numbers, lambda b: [-b["t[1]"] / (2 * b["t^2[1]"]), np.log(b["sigma"])], [3, 0.5])
    assert same.statistic == pytest.approx(w, rel=1e-6)
    assert same.df == 2
    f = wald_test_nonlinear(numbers, "log(sigma)", 0.5, use_f=True)
    assert f.pvalue == pytest.approx(stats.f.sf(f.statistic, 1, 500))
    assert f.hypotheses == ["log(sigma) = 0.5"]


def test_nonlinear_form_of_a_linear_hypothesis(numbers):
    linear = wald_test(numbers, "t[1] = 2 * t[2] - 1, sigma = 1")
    assert wald_test_nonlinear(numbers, "t[1] = 2 * t[2] - 1, sigma = 1").statistic == pytest.approx(linear.statistic)
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test_nonlinear(numbers, "t[1] = 1, 2*t[1] = 2")
    assert error.value.code == "singular_covariance"
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test_nonlinear(numbers, "t[1]", [1, 2])
    assert error.value.code == "bad_value"


# -- SAS's macro -----------------------------------------------------------------------------------------------------


def test_trajtest_has_the_macros_numbers(fitted):
    """W with traj's covariance; p from F, and the chi-square that has the same p."""
    res = fitted("normal")
    assert list(res.params.index[:5]) == ["intercept[1]", "t[1]", "intercept[2]", "t[2]", "t^2[2]"]
    R = np.zeros((2, 7))
    R[0, 1], R[0, 3], R[1, 4] = 1, -1, 1
    n, k = res.nobs, res.df_model
    w = by_hand(res, R, [0, 0.1]) * (n - k + 1) / n
    p = stats.f.sf(w / 2, 2, n - k + 1)
    test = trajtest(res, "linear1=linear2, quadra2=0.1")
    assert test.pvalue == pytest.approx(p, rel=1e-8)
    assert (test.df, test.df_denom) == (2, n - k + 1)
    assert f"W = {w:.4f}" in test.notes[-1]
    mild = trajtest(res, f"linear2={res.params['t[2]'] + 0.01}")
    assert mild.statistic == pytest.approx(stats.chi2.isf(mild.pvalue, 1))


@pytest.mark.parametrize(
    "text",
    [
        "%TRAJTEST('linear1=linear2, quadra2=0')", "%trajtest( \"LINEAR01 = Linear2,quadra02\" ) ;",
        " 'linear1=linear2,quadra2=0' ", "linear1-linear2, 2*quadra2=0",
    ],
)
def test_trajtest_reads_the_call(text, fitted):
    want = trajtest(fitted("normal"), "linear1=linear2, quadra2=0")
    got = trajtest(fitted("normal"), text)
    assert (got.statistic, got.df) == (pytest.approx(want.statistic), 2)


def test_trajtest_chains_and_group_order(fitted):
    res = fitted("normal")
    assert trajtest(res, "linear1=linear2=0").df == 2
    shown = trajtest(res, "linear2=0.3", group_order=[1, 2])
    moved = trajtest(fitted("normal_sbg"), "linear1=0.3, theta2=0", group_order=[2, 1])
    other = trajtest(fitted("normal_sbg"), "linear2=0.3, theta2=0")
    assert shown.df == 1
    assert moved.statistic == pytest.approx(other.statistic)


@pytest.mark.parametrize(
    ("text", "code"), [("quadra1=0", "unknown_parameter"), ("", "bad_expression"), (3, "bad_text")]
)
def test_trajtest_errors(text, code, fitted):
    with pytest.raises(gbtm.SpecificationError) as error:
        trajtest(fitted("normal"), text)
    assert error.value.code == code


# -- curves of groups ------------------------------------------------------------------------------------------------


def test_equal_curves_and_slopes_by_hand(fitted):
    """Orders 1 and 2: the coefficient that group 1 lacks is 0."""
    res = fitted("normal")
    R = np.zeros((3, 7))
    R[0, 0], R[0, 2], R[1, 1], R[1, 3], R[2, 4] = 1, -1, 1, -1, 1
    curves = equal_curves(res)
    assert curves.hypotheses == ["intercept[1] = intercept[2]", "t[1] = t[2]", "t^2[2] = 0"]
    assert curves.statistic == pytest.approx(by_hand(res, R, 0), rel=1e-6)
    assert curves.statistic == pytest.approx(wald_test(res, ", ".join(curves.hypotheses)).statistic, rel=1e-6)
    assert "one group" in curves.notes[0]
    slopes = equal_slopes(res)
    assert slopes.df == 2
    assert slopes.statistic == pytest.approx(by_hand(res, R[1:], 0), rel=1e-6)
    assert slopes.notes == ()
    assert equal_curves(res, [2, 1], include_intercept=False).statistic == pytest.approx(slopes.statistic)


@pytest.fixture(scope="module")
def three():
    """Three groups of orders 0, 1 and 2 over calendar years, and the same over 0..4."""
    rng = np.random.default_rng(5)
    t = np.arange(5)
    means = np.stack([0 * t + 1.0, 4 + 0.5 * t, 9 - t + 0.4 * t**2])
    y = means[np.arange(90) % 3] + rng.normal(size=(90, 5))
    frames = [long_table(np.repeat(np.arange(90), 5), np.tile(t + start, 90), y.ravel()) for start in (0, 2000)]
    return [
        gbtm.GBTM.from_formula("y ~ t", f, id="id", groups=3, order=[0, 1, 2]).fit(rng=0) for f in frames
    ]


def test_equal_curves_of_some_groups(three):
    res = three[0]
    assert equal_curves(res).hypotheses == [
        "intercept[1] = intercept[2]", "intercept[1] = intercept[3]", "t[2] = 0", "t[3] = 0", "t^2[3] = 0",
    ]
    assert equal_slopes(res, [2, 3]).hypotheses == ["t[2] = t[3]", "t^2[3] = 0"]
    assert equal_slopes(res, [1, 2]).hypotheses == ["t[2] = 0"]
    for test in (equal_curves(res), equal_slopes(res, [2, 3]), equal_slopes(res, [1, 2])):
        assert test.statistic == pytest.approx(wald_test(res, ", ".join(test.hypotheses)).statistic, rel=1e-6)


def test_equal_curves_do_not_depend_on_the_time_scale(three):
    """Over 2000..2004 the powers of time cannot be told apart in double precision; the answer is that over 0..4."""
    years = gbtm.GBTM.from_formula(
        "y ~ t", long_table(np.repeat(np.arange(60), 5), np.tile(np.arange(2000, 2005), 60),
                            np.random.default_rng(1).normal(size=300) + np.repeat(np.arange(60) % 2, 5) * 6),
        id="id", groups=2, order=3,
    ).fit(rng=0)
    with pytest.raises(gbtm.SpecificationError) as error:
        wald_test(years, ", ".join(equal_curves(years).hypotheses))
    assert error.value.code == "singular_covariance"
    assert "shift the time" in str(error.value)
    assert np.isfinite(equal_slopes(years).statistic)
    for test in (equal_curves, equal_slopes):
        assert test(three[1]).statistic == pytest.approx(test(three[0]).statistic, rel=1e-5)


def test_equal_curves_follow_the_covariance_of_the_fit():
    plain, traj = (build("normal").fit(rng=0, cov_type=c) for c in ("hessian", "traj"))
    n, k = plain.nobs, plain.df_model
    assert equal_curves(traj).statistic == pytest.approx(equal_curves(plain).statistic * (n - k + 1) / n, rel=1e-8)


def test_equal_curves_beside_covariates(fitted):
    """Inside, covariates are centred; what is compared are the coefficients as reported, as one would write them."""
    res = fitted("normal")
    outcome = dict(res.document["outcomes"][0])
    positions = np.hstack([outcome["positions"]["mean"], np.full((2, 1), -1.0)])
    outcome["positions"] = {**outcome["positions"], "mean": positions}
    beside = GBTMResults({**res.document, "outcomes": [outcome]})
    want = wald_test(res, ", ".join(equal_curves(res).hypotheses)).statistic
    assert equal_curves(beside).statistic == pytest.approx(want, rel=1e-12)
    assert equal_slopes(beside).statistic == equal_slopes(res).statistic


@pytest.mark.parametrize("groups", [[1], [1, 1], [1, 4], [], "ab", [0, 1]])
def test_bad_groups(groups, three):
    with pytest.raises(gbtm.SpecificationError) as error:
        equal_curves(three[0], groups)
    assert error.value.code == "bad_groups"


def test_groups_without_curve_or_slope(fitted, three):
    with pytest.raises(gbtm.SpecificationError) as error:
        equal_curves(fitted("poisson_never"))
    assert error.value.code == "no_curve"
    assert "group 1" in str(error.value)
    flat = gbtm.GBTM.from_formula("y ~ t", long_table(*true_data("normal")), id="id", groups=2, order=0).fit(rng=0)
    with pytest.raises(gbtm.SpecificationError) as error:
        equal_slopes(flat)
    assert error.value.code == "no_slopes"
    assert equal_curves(flat).df == 1


def test_equal_slopes_of_a_basis_formula():
    frame = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ bs(t, df=3)", frame, id="id", groups=2).fit(rng=0)
    test = equal_slopes(res)
    assert test.df == 3
    assert "bs(t, df=3)[1][1] = bs(t, df=3)[1][2]" in test.hypotheses
    assert test.statistic == pytest.approx(wald_test(res, ", ".join(test.hypotheses)).statistic, rel=1e-6)
    assert equal_curves(res).df == 4


def test_undetermined_coefficients_are_named():
    """A group of ones only has no finite logit curve: nothing is compared with it."""
    t = np.arange(8)
    y = np.vstack([np.ones((20, 8)), (np.random.default_rng(2).random((60, 8)) < 0.1)]).astype(float)
    frame = long_table(np.repeat(np.arange(80), 8), np.tile(t, 80), y.ravel())
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula("y ~ t", frame, id="id", groups=2, order=1, family="logit").fit(rng=0)
    lost = [n for n in res.params.index if np.isnan(res.bse[n])]
    assert lost
    with pytest.raises(gbtm.SpecificationError) as error:
        equal_curves(res)
    assert error.value.code == "no_standard_error"
    assert lost[0] in str(error.value)


# -- odds ratios -----------------------------------------------------------------------------------------------------


def odds_fixture(cov):
    names = ["sigma", "theta[1]", "theta_X1[1]", "theta[3]", "theta_group: a[3]"]
    res = made([1.0, 0.5, -0.2, 1.0, 0.3], cov, names)
    res.group_sets = (SimpleNamespace(n_groups=3),)
    return res


def test_odds_ratios_by_hand():
    res = odds_fixture(np.diag([1, 0.04, 0.01, 0.09, 0.16]))
    table = odds_ratios(res, level=0.9)
    assert table.attrs["reference"] == 2
    assert list(table.index) == [(1, "intercept"), (1, "X1"), (3, "intercept"), (3, "group: a")]
    assert table["kind"].tolist() == ["odds", "odds ratio", "odds", "odds ratio"]
    theta, se = np.array([0.5, -0.2, 1.0, 0.3]), np.array([0.2, 0.1, 0.3, 0.4])
    z = stats.norm.ppf(0.95)
    np.testing.assert_allclose(table["theta"], theta)
    np.testing.assert_allclose(table["estimate"], np.exp(theta))
    np.testing.assert_allclose(table["std err"], np.exp(theta) * se)
    np.testing.assert_allclose(table["lower"], np.exp(theta - z * se))
    np.testing.assert_allclose(table["upper"], np.exp(theta + z * se))
    np.testing.assert_allclose(table["P>|z|"], 2 * stats.norm.sf(np.abs(theta / se)))
    assert table.loc[(1, "X1"), "std err"] == pytest.approx(delta(res, "exp(theta_X1[1])").bse.iloc[0])


def test_odds_ratios_of_a_fit(fitted):
    res = fitted("normal")
    table = odds_ratios(res)
    assert table.loc[(2, "intercept"), "estimate"] == pytest.approx(
        res.group_shares["share"][2] / res.group_shares["share"][1]
    )
    assert table.attrs["reference"] == 1


def test_odds_ratios_say_what_has_no_standard_error():
    cov = np.diag([1, 0.04, 0.01, 0.09, 0.16])
    cov[2, :] = cov[:, 2] = np.nan
    with pytest.warns(gbtm.GBTMWarning, match=r"theta_X1\[1\]: no standard error"):
        table = odds_ratios(odds_fixture(cov))
    assert table["lower"].isna().tolist() == [False, True, False, False]


def test_odds_ratios_errors():
    with pytest.raises(gbtm.SpecificationError) as error:
        odds_ratios(made([1.0], [[1.0]], ["sigma"]))
    assert error.value.code == "one_group"
    with pytest.raises(gbtm.SpecificationError) as error:
        odds_ratios(odds_fixture(np.eye(5)), level=95)
    assert error.value.code == "bad_level"


def test_series_given_to_a_function_is_a_copy(numbers):
    before = numbers.params.copy()

    def spoil(b: pd.Series) -> float:
        out = b["t[1]"] * 1
        b["t[1]"] = 99
        return out

    delta(numbers, spoil)
    pd.testing.assert_series_equal(numbers.params, before)


def test_methods_are_the_functions(fitted):
    res = fitted("normal")
    assert res.t_test("t[1]").statistic[0] == t_test(res, "t[1]").statistic[0]
    assert res.t_test("t[1]", df=5).df_denom == 5
    assert res.wald_test("t[1] = t[2]", use_f=True) == wald_test(res, "t[1] = t[2]", use_f=True)
    assert res.wald_test_nonlinear("log(sigma)", 1) == wald_test_nonlinear(res, "log(sigma)", 1)
    assert res.delta("exp(sigma)").bse.equals(delta(res, "exp(sigma)").bse)
    assert res.trajtest("linear1=0", group_order=[1, 2]) == trajtest(res, "linear1=0")
    assert res.equal_curves([1, 2]) == equal_curves(res)
    assert res.equal_slopes() == equal_slopes(res)
    pd.testing.assert_frame_equal(res.odds_ratios(0.9), odds_ratios(res, 0.9))


# -- several outcomes -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several_fitted():
    """A normal outcome whose name has blanks, a count whose curves are flat, and one that never happens in a group."""
    rng = np.random.default_rng(8)
    group, t = np.repeat(rng.integers(0, 2, 70), 5), np.tile(np.arange(5.0), 70)
    data = pd.DataFrame({"id": np.repeat(np.arange(70), 5), "t": t, "bmi score": rng.normal(2 * group + 0.3 * t),
                         "n": rng.negative_binomial(1.5, 0.4, t.size), "e": rng.poisson(1.5 * group)})
    outcomes = [gbtm.Outcome("`bmi score` ~ t", order=[1, 2]), gbtm.Outcome("n ~ t", family="negbin", order=1),
                gbtm.Outcome("e ~ t", family="poisson", order=[-1, 0])]
    return gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2).fit(n_starts=6)


def test_names_of_outcomes_with_blanks(several_fitted):
    res = several_fitted
    test = wald_test(res, "bmi score: t[1] = n: t[1]")
    R = np.zeros((1, len(res.params)))
    R[0, res.names.index("bmi score: t[1]")], R[0, res.names.index("n: t[1]")] = 1, -1
    assert test.statistic == pytest.approx(by_hand(res, R, 0))
    peak = delta(res, "-bmi score: t[2] / (2 * bmi score: t^2[2])")
    assert peak.estimate.iloc[0] == pytest.approx(-res.params["bmi score: t[2]"] / 2 / res.params["bmi score: t^2[2]"])
    assert res.odds_ratios().loc[(2, "intercept"), "theta"] == pytest.approx(res.params["theta[2]"])


def test_equal_curves_of_one_outcome_and_of_all(several_fitted):
    res = several_fitted
    first = equal_curves(res, outcome="bmi score")
    assert first.hypotheses == [
        "bmi score: intercept[1] = bmi score: intercept[2]", "bmi score: t[1] = bmi score: t[2]",
        "bmi score: t^2[2] = 0"]
    assert first.notes == ()  # the other outcomes tell the groups apart
    second = equal_curves(res, outcome=2)
    assert second.pvalue > 0.001 > first.pvalue
    for test in (first, second, equal_slopes(res, outcome="n")):
        assert test.statistic == pytest.approx(wald_test(res, ", ".join(test.hypotheses)).statistic, rel=1e-6)
    view = res.of_outcome("bmi score")
    assert equal_curves(view).statistic == pytest.approx(first.statistic)
    assert equal_curves(view).notes == ()
    with pytest.raises(gbtm.SpecificationError) as error:
        equal_curves(res)
    assert error.value.code == "no_curve"
    assert "of e" in str(error.value)
    both = gbtm.GBTM.from_formula(
        ["`bmi score` ~ t", gbtm.Outcome("n ~ t", family="negbin", order=1)], _data_of(res), id="id", groups=2, order=1,
    ).fit(n_starts=4)
    joint = equal_curves(both)
    assert joint.df == 4
    assert "one group" in joint.notes[0]
    assert joint.statistic == pytest.approx(wald_test(both, ", ".join(joint.hypotheses)).statistic, rel=1e-6)


def _data_of(res):
    a, b = res.outcomes[0].data, res.outcomes[1].data
    return pd.DataFrame({"id": a.subject, "t": a.time, a.name: a.y, b.name: b.y})


def test_dispersion_of_one_of_several_outcomes(several_fitted):
    res = several_fitted
    test = res.dispersion_test(outcome="n", n_starts=4)
    poisson = gbtm.GBTM.from_formula(
        [gbtm.Outcome("`bmi score` ~ t", order=[1, 2]), gbtm.Outcome("n ~ t", family="poisson", order=1),
         gbtm.Outcome("e ~ t", family="poisson", order=[-1, 0])],
        _data_of(res).assign(e=res.outcomes[2].data.y), id="id", groups=2).fit(n_starts=4)
    assert test.statistic == pytest.approx(2 * (res.llf - poisson.llf), abs=1e-4)
    assert "normal, poisson, poisson" in str(test)
    for ask in (res, res.of_outcome("n")):
        with pytest.raises(gbtm.SpecificationError) as error:
            ask.dispersion_test()
        assert error.value.code == "several_outcomes"
        assert "outcome=" in error.value.way_out


def test_a_fit_of_several_starts_another(several_fitted):
    res = several_fitted
    model = gbtm.GBTM.from_prepared(prepared_of(res))
    again = model.fit(start=res, n_starts=1)
    assert again.llf == pytest.approx(res.llf, abs=1e-6)
    with pytest.raises(gbtm.SpecificationError) as error:
        gbtm.GBTM.from_formula(
            ["`bmi score` ~ t", "n ~ t"], _data_of(res), id="id", groups=2, order=1).fit(start=res)
    assert error.value.code == "bad_start"
