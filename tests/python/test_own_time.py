"""Time among time-varying covariates: the same model as products made by hand, whatever the formula's spelling."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.design.own_time import Curve, of_time


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(5)
    n, t = 60, np.arange(5.0)
    d = pd.DataFrame({"id": np.repeat(np.arange(n), t.size), "t": np.tile(t, n)})
    d["sex"], d["site"] = (d["id"] * 7 % 3 == 0).astype(float), rng.choice(list("abc"), n)[d["id"]]
    d["sexf"] = np.where(d["sex"] == 1, "woman", "man")
    d["y"] = np.where(d["id"] % 2, 1 + 0.4 * d["t"], 5 - 0.3 * d["t"]) + d["sex"] * (0.5 + 0.3 * d["t"])
    d["y"] += rng.normal(size=len(d)) * 0.5
    d["st"], d["stt"] = d["sex"] * d["t"], d["sex"] * d["t"] ** 2
    for level in "bc":
        d[f"is_{level}"] = (d["site"] == level).astype(float)
        d[f"{level}t"], d[f"s{level}"] = d[f"is_{level}"] * d["t"], d[f"is_{level}"] * d["sex"]
        d[f"s{level}t"] = d[f"s{level}"] * d["t"]
    return d


def fitted(table, tcov, formula="y ~ t", order=1):
    """A fit, and what it told about time."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        res = gbtm.GBTM.from_formula(formula, table, id="id", groups=2, order=order, tcov=tcov).fit(n_starts=2)
    return res, [str(w.message) for w in caught if "each group's curve" in str(w.message)]


@pytest.mark.parametrize(("formula", "by_hand", "told", "order"), [
    ("~ sex * t", ["sex", "st"], True, 1),
    ("~ t * sexf", ["sex", "st"], True, 1),
    ("~ sexf + sexf:t", ["sex", "st"], False, 1),
    ("~ t:sexf", ["st"], False, 1),
    ("~ t + sex:t", ["st"], True, 2),
    ("~ sexf * site * t", ["sex", "is_b", "is_c", "sb", "sc", "st", "bt", "ct", "sbt", "sct"], True, 1),
    ("~ sexf * (t + I(t**2))", ["sex", "st", "stt"], True, 2),
    ("~ sexf:t + sexf:I(t**2) + sexf", ["sex", "st", "stt"], False, [1, 2]),
    ("~ sexf * poly(t, 2)", ["sex", "st", "stt"], True, 2),
    (["sex", "t"], ["sex"], True, 1),
    ("t", None, True, 1),
])
def test_products_by_hand_are_the_same_model(table, formula, by_hand, told, order):
    ours, said = fitted(table, formula, order=order)
    theirs, nothing = fitted(table, by_hand, order=order)
    assert not nothing
    assert bool(said) == told
    assert len(ours.params) == len(theirs.params)
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-6)
    np.testing.assert_allclose(ours.posterior.to_numpy(), theirs.posterior.to_numpy(), atol=1e-5)
    some = table[table["id"].isin([3, 8])].drop(columns=["st", "stt"])
    found = ours.classify(some)["probability"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(found, ours.posterior.loc[[3, 8]], atol=1e-9)


def test_what_is_left_out_is_told_and_stored(table, tmp_path):
    res, said = fitted(table, "~ sex * t")
    assert len(said) == 1
    assert said[0].startswith("tcov: t is no covariate here: the main effect of t is each group's curve, a polynomial")
    assert "time_in_tcov" in [f["code"] for f in res.document["warnings"]]
    assert said[0] in str(res.summary())
    assert list(res.outcomes[0].covariate_names) == ["sex", "sex:t"]
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    some = table[table["id"] < 3]
    pd.testing.assert_frame_equal(again.classify(some), res.classify(some))


def test_a_basis_has_its_own_columns(table):
    """Categories of time are the curve's where it is made of them, and no polynomial's."""
    ours, said = fitted(table, "~ sexf * C(t)", formula="y ~ C(t)", order=None)
    table = table.assign(**{f"s{j}": table["sex"] * (table["t"] == j) for j in range(1, 5)})
    theirs, _ = fitted(table, ["sex", "s1", "s2", "s3", "s4"], formula="y ~ C(t)", order=None)
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-6)
    assert len(said) == 1
    assert "C(t)[T.4.0] are no covariates" in said[0]
    with pytest.raises(gbtm.SpecificationError) as caught:
        fitted(table, "~ sexf * C(t)")
    assert caught.value.code == "dependent_covariates"


def test_a_curve_without_time_leaves_it_to_the_covariates(table):
    """Of order 0 the curve has no slope, so that time is a covariate like any other."""
    ours, said = fitted(table, "~ sexf * t", order=0)
    theirs, _ = fitted(table.assign(u=table["t"]), ["u", "sex", "st"], order=0)
    assert not said
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-6)


def test_dropout_has_no_curve_of_time(table):
    gone = table[~((table["t"] > 2) & (table["id"] % 4 == 0)) & ~((table["t"] > 3) & (table["id"] % 7 == 0))]
    model = gbtm.GBTM.from_formula("y ~ t", gone, id="id", groups=1, order=1, dropout=0, dcov="~ sex + t")
    assert list(model.panel.history.covariate_names) == ["sex", "t"]


def test_a_search_reads_them_for_all_orders(table):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = gbtm.search("y ~ t", table, id="id", groups=[2], order=[1], n_starts=2, tcov="~ sex * t")
    ours, _ = fitted(table, "~ sex * t")
    assert found.best("bic_subjects").llf == pytest.approx(ours.llf, abs=1e-5)


def test_which_columns_a_curve_has(table):
    curve = Curve.beside("~ sex * t", table, ("t", "t"), (2, 1), None)
    t = curve.times
    x = np.column_stack([t, 1e6 * t**2 - t, t**3, np.log1p(t), np.full(t.size, 3.0)])
    assert curve.has(x).tolist() == [True, True, False, False, True]
    assert Curve.beside("~ sex", table, ("t", "t"), (2, 1), None) is None
    assert of_time("I(t**2)", "t", ["t", "sex"])
    assert not of_time("I(t * sex)", "t", ["t", "sex"])
