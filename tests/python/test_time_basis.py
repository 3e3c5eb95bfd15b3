"""Time bases: orthonormal inside, the user's columns outside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.design.stored_basis import basis_from_document
from gbtm.design.time_basis import (
    formula_basis,
    matrix_basis,
    polynomial_basis,
    power_names,
    split_formula,
)

AGES = np.repeat(np.arange(8.0, 39.0), 5)


@pytest.mark.parametrize("times", [AGES, AGES * 1e-3, AGES + 2000, np.random.default_rng(0).normal(50, 10, 300)],
                         ids=["ages", "small", "years", "irregular"])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
def test_columns_are_orthonormal_over_the_observations(times, order):
    basis = polynomial_basis(times, order)
    x = basis.internal(times)
    assert x.shape == (times.size, order + 1)
    np.testing.assert_allclose(x.T @ x / times.size, np.eye(order + 1), atol=1e-11)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
def test_internal_coefficients_go_back_to_powers_of_time(order):
    rng = np.random.default_rng(order)
    basis = polynomial_basis(AGES, order, "age")
    internal = rng.normal(size=order + 1)
    user = basis.to_user @ internal
    t = np.linspace(8, 38, 50)
    powers = np.stack([t**j for j in range(order + 1)], axis=1)
    # powers of ages to the fifth cancel: the sum of absolute terms is the scale of the comparison
    scale = np.abs(powers * user).sum(axis=1).max()
    np.testing.assert_allclose(powers @ user, basis.internal(t) @ internal, atol=1e-12 * scale)
    assert np.allclose(np.tril(basis.to_user, -1), 0)
    np.testing.assert_allclose(basis.internal(t) @ basis.constant, 1.0, atol=1e-12)


def test_counts_weigh_the_times():
    times = np.array([0.0] * 90 + [1.0] * 10)
    x = polynomial_basis(times, 1).internal(times)
    assert x[:, 1].mean() == pytest.approx(0, abs=1e-12)


def test_leading_columns_are_the_lower_order_basis():
    full, low = polynomial_basis(AGES, 4, "age"), polynomial_basis(AGES, 2, "age")
    cut = full.leading(3)
    np.testing.assert_allclose(cut.internal(AGES), low.internal(AGES), atol=1e-10)
    np.testing.assert_allclose(cut.to_user, low.to_user, rtol=1e-8, atol=1e-10)
    assert cut.names == low.names == ("intercept", "age", "age^2")


def test_names():
    assert power_names(0, "t") == ("intercept",)
    assert power_names(3, "age") == ("intercept", "age", "age^2", "age^3")


@pytest.mark.parametrize("argument", ["order", "iorder"])
def test_more_powers_than_times(argument):
    said = rf"{argument}: order 2 needs at least 3 distinct times, age has 2"
    with pytest.raises(SpecificationError, match=said) as e:
        polynomial_basis(np.array([1.0, 2.0, 1.0]), 2, "age", argument)
    assert (e.value.code, e.value.argument) == ("order_too_high", argument)
    assert "Use order 1" in e.value.way_out


def test_a_single_time_takes_order_zero():
    assert polynomial_basis(np.full(4, 7.0), 0).internal(np.array([7.0])) == pytest.approx(1.0)


def test_matrix_basis_reproduces_its_columns():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(31, 3))
    table[:, 0] = 1.0
    columns = table[(AGES - 8).astype(int)]
    basis = matrix_basis(AGES, columns, ("intercept", "a", "b"))
    x = basis.internal(AGES)
    np.testing.assert_allclose(x.T @ x / AGES.size, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(x, columns @ basis.to_user, atol=1e-12)
    assert basis.has_intercept
    assert not matrix_basis(AGES, columns[:, 1:], ("a", "b")).has_intercept


def test_matrix_basis_refuses_dependent_columns_and_unknown_times():
    columns = np.stack([np.ones_like(AGES), AGES, 2 * AGES - 1], axis=1)
    with pytest.raises(SpecificationError, match="formula: the 3 basis columns are linearly dependent") as e:
        matrix_basis(AGES, columns, ("1", "a", "b"))
    assert e.value.code == "dependent_basis"
    with pytest.raises(SpecificationError, match="dependent"):
        matrix_basis(np.array([1.0, 2.0]), np.eye(2, 3), ("a", "b", "c"))
    basis = matrix_basis(AGES, columns[:, :2], ("1", "a"))
    with pytest.raises(SpecificationError, match="times") as e:
        basis.internal(np.array([8.5]))
    assert e.value.code == "unknown_time"


def test_formula_basis_is_formulaics_matrix():
    import formulaic

    basis = formula_basis(AGES, "bs(age, df=5)", "age")
    want = np.asarray(formulaic.model_matrix("bs(age, df=5)", pd.DataFrame({"age": AGES})), dtype=float)
    got = basis.internal(AGES) @ np.linalg.inv(basis.mix)
    np.testing.assert_allclose(got, want, atol=1e-11)
    assert basis.names[0] == "intercept"
    assert basis.width == want.shape[1]
    inside = basis.internal(np.array([8.5, 20.25]))  # knots are remembered, not taken from the new times
    again = basis.internal(np.array([20.25]))
    np.testing.assert_allclose(inside[1], again[0], rtol=1e-12)


@pytest.mark.parametrize("formula", ["bs(nothing, df=4)", "bs(age, df=", "nofunction(age)"])
def test_formulas_that_cannot_be_evaluated(formula):
    with pytest.raises(SpecificationError, match="formula") as e:
        formula_basis(AGES, formula, "age")
    assert e.value.code == "bad_formula"
    assert "'age'" in e.value.way_out


def test_bases_come_back_from_their_documents():
    grid = np.unique(AGES)
    made = [
        polynomial_basis(AGES, 3, "age"), formula_basis(AGES, "bs(age, df=4)", "age"),
        matrix_basis(AGES, np.stack([np.ones_like(AGES), np.log(AGES)], axis=1), ("1", "log")),
    ]
    for basis in made:
        again = basis_from_document(basis.document, "age")
        assert again.names == basis.names
        np.testing.assert_array_equal(again.internal(grid), basis.internal(grid))
        np.testing.assert_array_equal(again.to_user, basis.to_user)


def test_names_may_be_quoted_as_in_r():
    data = pd.DataFrame({"y <b>": [1.0], "age in years": [1.0], "y": [1.0]})
    assert split_formula("`y <b>` ~ `age in years`", data) == ("y <b>", "age in years", None)
    assert split_formula("y ~ age in years", data) == ("y", "age in years", None)
    named = pd.DataFrame({"y": [1.0], "t": [0.0], "df": [1.0], "bs": [1.0]})
    assert split_formula("y ~ bs(t, df=4)", named) == ("y", "t", "bs(t, df=4)")


def test_models_and_fits_can_be_pickled_after_use():
    import pickle

    data = gbtm.datasets.two_groups(rng=0)
    for formula, further in (("y ~ t", {"order": 1, "dropout": 1}), ("y ~ bs(t, df=4)", {}), ("y ~ C(t)", {})):
        data = data[~((data.id % 5 == 0) & (data.t > data.t.median()))]
        model = gbtm.GBTM.from_formula(formula, data, id="id", groups=2, **further)
        res = model.fit(n_starts=1)
        want = res.predict()
        res.plot()
        pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(res)).predict(), want)
        assert pickle.loads(pickle.dumps(model)).fit(n_starts=1).llf == res.llf


@pytest.mark.parametrize(
    ("right", "parts"),
    [
        ("t + sex", ["y ~ t'", "risk='sex'", "tcov='sex'"]),
        ("C(sex) * t + income", ["y ~ t'", "risk=['sex', 'income']", "tcov=['sex', 'income']"]),
        ("t + offset(log(e))", ["exposure='e'"]), ("t + offset(np.log(e))", ["exposure='e'"]),
        ("t + offset(e)", ["exposure='exp(e)'"]),
        ("t | id", ["id='id'"]), ("t + sex | id", ["id='id'", "risk='sex'"]),
        ("t + (1 | id)", ["rorder=0", "id='id'"]), ("t + (1 + t | id)", ["rorder=1", "id='id'"]),
        ("t + (t||id)", ["rorder=1"]), ("1", ["order=0"]), ("0 + 1", ["order=0"]),
        ("t + I(t^2)", ["order=2"]), ("t + t^3", ["order=3"]), ("t + t**2", ["order=2"]),
        ("t + tsquare", ["order=2"]), ("t + t2 + t3", ["order=3"]), ("t + tsquare + sex", ["order=2", "risk='sex'"]),
    ],
)
def test_more_than_time_is_pointed_to_the_argument_that_says_it(right, parts):
    t = np.tile(np.arange(6.0), 20)
    data = pd.DataFrame({
        "id": np.repeat(np.arange(20), 6), "t": t, "y": t, "sex": np.repeat(np.arange(20) % 2, 6), "e": 1 + t % 3,
        "income": np.random.default_rng(0).normal(size=120), "tsquare": (t - 2) ** 2 / 10, "t2": t**2, "t3": t**3,
    })
    with pytest.raises(SpecificationError, match=r"^formula: ") as e:
        split_formula(f"y ~ {right}", data)
    assert e.value.code == "bad_formula"
    for part in parts:
        assert part in e.value.way_out
    assert ("risk=" in e.value.way_out) == ("sex" in right)


@pytest.mark.parametrize("formula", ["bs(t, df=5)", "poly(t, 2)", "C(t)"])
def test_distinct_times_with_counts_are_all_observations(formula, monkeypatch):
    rng = np.random.default_rng(4)
    times = np.arange(12) / 2
    counts = rng.integers(1, 40, times.size)
    whole, told = formula_basis(np.repeat(times, counts), formula, "t"), formula_basis(times, formula, "t", counts)
    assert told.document == whole.document
    monkeypatch.setattr("gbtm.design.time_basis.OBSERVATIONS_MOST", 60)
    fewer = formula_basis(times, formula, "t", counts)  # every time is there, and all are weighted as they occur
    x = fewer.internal(times)
    np.testing.assert_allclose((x.T * counts) @ x / counts.sum(), np.eye(x.shape[1]), atol=1e-10)


def test_what_is_a_basis_of_time_stays_one():
    data = pd.DataFrame({"y": [1.0], "t": [0.0], "sex": [1.0]})
    for right in ("bs(t, df=4)", "t + I(t**2)", "C(t)", "np.log(t + 1)", "poly(t, 2)"):
        assert split_formula(f"y ~ {right}", data) == ("y", "t", right)


def test_covariates_of_wide_data_stand_in_no_formula():
    data = pd.DataFrame({"y1": [1.0], "y2": [2.0], "sex": [1.0]})
    with pytest.raises(SpecificationError) as e:
        split_formula("y ~ t + sex", data, {"y": "y*", "t": [1, 2]})
    assert "risk='sex'" in e.value.way_out


def test_a_name_that_is_missing_points_to_wide():
    table = pd.DataFrame({"id": [1, 2], "s1": [1.0, 2.0], "s2": [2.0, 3.0]})
    with pytest.raises(gbtm.DataError) as caught:
        split_formula("s ~ month", table)
    assert "wide says" in caught.value.way_out
    with pytest.raises(gbtm.DataError) as caught:
        split_formula("s ~ month", table, {"s": "s*"})
    assert "Give it 'month' too" in caught.value.way_out
