"""The time as an expression of a column: the same fit as of a column made by hand, by the user's own column."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm

AGES = np.array([38.0, 40, 42, 45, 50])


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(2)
    n = 60
    d = pd.DataFrame({"id": np.repeat(np.arange(n), AGES.size), "age": np.tile(AGES, n)})
    d["y"] = np.where(d["id"] % 2, 1 + 0.1 * (d["age"] - 40), 5 - 0.2 * (d["age"] - 40)) + rng.normal(size=len(d))
    d["sex"] = np.where(d["id"] % 3, "man", "woman")
    return d


def fit(table, formula, **options):
    return gbtm.GBTM.from_formula(formula, table, **{"id": "id", "groups": 2, **options}).fit(n_starts=2)


@pytest.mark.parametrize(("text", "made", "order"), [
    ("I(age - 40)", lambda a: a - 40, 2),
    ("I((age-40)/10)", lambda a: (a - 40) / 10, [1, 2]),
    ("np.log(age)", np.log, 1),
    ("log(age)", np.log, 2),
    ("center(age)", lambda a: a - a.mean(), 1),
])
def test_a_column_made_by_hand_is_the_same_fit(table, text, made, order, tmp_path):
    ours = fit(table, f"y ~ {text}", order=order)
    theirs = fit(table.assign(u=made(table["age"])), "y ~ u", order=order)
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-9)
    assert ours.params.index.tolist() == [n.replace("u[", f"{text}[").replace("u^", f"{text}^") for n in
                                          theirs.params.index]
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-8)
    ours.save(tmp_path / "fit.json")
    some = table[table["id"].isin([7, 2])].groupby("id").head(3)
    want = theirs.classify(some.assign(u=made(table["age"]))).rename(columns={"u": text})
    for res in (ours, gbtm.load(tmp_path / "fit.json")):
        pd.testing.assert_frame_equal(res.classify(some), want)
    with pytest.raises(gbtm.DataError, match="no column named 'age'"):
        ours.classify(some.drop(columns="age"))


@pytest.mark.parametrize("columns", [True, False])
def test_wide_tables(table, columns):
    long = fit(table, "y ~ I(age - 40)", order=1)
    wide = table.pivot(index="id", columns="age", values="y")
    wide = wide.set_axis([f"y{j}" for j in range(5)], axis=1).reset_index()
    wide = wide.assign(**{f"age{j}": a for j, a in enumerate(AGES)})
    res = fit(wide, "y ~ I(age - 40)", wide={"y": "y*", "age": "age*" if columns else AGES.tolist()}, order=1)
    assert res.llf == pytest.approx(long.llf, abs=1e-8)
    assert res.params.index.tolist() == long.params.index.tolist()
    found = res.classify(wide.head(5))["probability"].to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(found, res.posterior.head(5), atol=1e-9)


def test_covariates_may_use_the_column_itself(table):
    d = table.assign(u=table["age"] - 40, w=(table["sex"] == "woman").astype(float))
    d["wa"] = d["w"] * d["age"]
    with pytest.warns(gbtm.GBTMWarning, match="tcov: age is no covariate here"):
        ours = fit(table, "y ~ I(age - 40)", order=1, tcov="~ sex * age")
    theirs = fit(d, "y ~ u", order=1, tcov=["w", "wa"])
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-7)
    np.testing.assert_allclose(ours.params, theirs.params, rtol=1e-4, atol=1e-4)


def test_without_an_order_it_is_a_basis(table):
    assert fit(table, "y ~ I(age - 40)").time_name == "age"
    found = gbtm.search("y ~ I(age - 40)", table, id="id", groups=[2], order=[1], n_starts=2)
    assert found.best("bic_subjects").llf == pytest.approx(fit(table, "y ~ I(age - 40)", order=1).llf, abs=1e-6)


@pytest.mark.parametrize(("formula", "code"), [
    ("y ~ age - 40", "bad_formula"), ("y ~ age / 12", "bad_formula"), ("y ~ as.numeric(age)", "bad_formula"),
    ("y ~ {age - age.min()}", "not_pointwise"), ("y ~ bs(age, df=4)", "order_or_basis"),
    ("y ~ C(age)", "order_or_basis"), ("y ~ I(age - 40) + 1", "order_or_basis"),
])
def test_what_is_no_time(table, formula, code):
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.GBTM.from_formula(formula, table, id="id", groups=2, order=1)
    assert caught.value.code == code
    if formula == "y ~ age - 40":
        assert caught.value.way_out == "Write I(age - 40)."
