"""Designs: formulaic's columns at the fit, the same columns for the same people alone, and from a file without code."""

from __future__ import annotations

import json

import formulaic
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.columns.formula_design import FormulaDesign, covariate_columns, design_of

ARITHMETIC = [
    "x", "scale(x)", "center(x) ** 2", "poly(x, 3)", "bs(w, df=5)", "cr(w, df=4)", "cc(w, df=4)", "z", "C(k)",
    "C(z, contr.sum) * x", "C(z, levels=['c', 'a', 'b'])", "b", "z:C(k)", "np.log(w) + I(x**2)", "{x + 1}",
    "np.log(`job class`)", "scale(np.log(w))", "C(x > 3)", "{np.where(x > 5, 1, 0)}", "standardize(x)", "C(when)",
    "Q('job class')", "poly(scale(x), 2):z", "C(z, contr.treatment('b'))", "(x + w + k) ** 2", "x + x:z", "b * z",
    "scale(x, center=False)", "bs(x, knots=[3, 5], degree=2)", "{1 * (z == 'a')}", "cat * x",
]
CODE = ["{x.fillna(0)}", "{x.astype(int)}", "{x.map(abs)}"]
OF_ALL_ROWS = ["{x - x.mean()}", "{x.rank()}", "I(x / np.mean(x))", "{pd.cut(x, 3)}", "{(x > x.median()) * 1}",
               "hashed(z, levels=3)", "{x / x.max()}", "I(x - np.min(x))", "{x.diff().fillna(0)}"]


@pytest.fixture(scope="module")
def table():
    rng, n = np.random.default_rng(0), 300
    found = pd.DataFrame({
        "x": rng.normal(5, 2, n), "w": rng.random(n) + 0.1, "z": rng.choice(list("abc"), n), "k": rng.integers(0, 4, n),
        "b": rng.random(n) < 0.5, "job class": rng.random(n) + 1,
        "cat": pd.Categorical(rng.choice(["lo", "hi"], n), categories=["lo", "hi"]),
        "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 3, n), "D"),
    })
    found.loc[3, "x"] = np.nan
    return found


@pytest.mark.parametrize("formula", ARITHMETIC + CODE)
def test_some_people_alone_have_the_columns_they_had_among_all(formula, table):
    values, names, design = covariate_columns(f"~ {formula}", table, "risk")
    used = [v for v in design.variables]
    rows = table.dropna(subset=used)
    want = formulaic.model_matrix(formulaic.Formula(f"1 + {formula}"), rows).drop(columns="Intercept")
    np.testing.assert_array_equal(values[table.index.isin(rows.index)], np.asarray(want, dtype=float))
    assert len(names) == want.shape[1]
    some = rows[(rows.x > 6) & (rows.x < 8)].iloc[::2]
    stored = json.loads(json.dumps(design.document))
    again = FormulaDesign.from_document(stored, trusted=formula in CODE).matrix(some, "risk")
    np.testing.assert_allclose(again, np.asarray(want.loc[some.index], dtype=float), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("formula", CODE)
def test_code_in_a_file_is_refused_without_trust(formula, table):
    design = covariate_columns(f"~ {formula}", table, "risk")[2]
    with pytest.raises(gbtm.SpecificationError, match="nothing in a file is executed") as caught:
        FormulaDesign.from_document(design.document, trusted=False).matrix(table.head(), "risk")
    assert caught.value.code == "untrusted_formula"


@pytest.mark.parametrize("formula", OF_ALL_ROWS)
def test_a_value_that_depends_on_the_other_rows_is_told(formula, table):
    rows = table.dropna()
    design = covariate_columns(f"~ {formula}", rows, "tcov")[2]
    with pytest.raises(gbtm.SpecificationError, match="depends on who else is in the table") as caught:
        design.matrix(rows.head(7), "tcov")
    assert caught.value.code == "not_pointwise"


def test_new_tables_lack_columns_or_have_other_levels(table):
    design = covariate_columns("~ z + x", table, "risk")[2]
    with pytest.raises(gbtm.DataError, match="risk: no column named 'z'"):
        design.matrix(table[["x"]], "risk")
    with pytest.raises(gbtm.DataError, match="'q' did not occur in the fit"):
        design.matrix(pd.DataFrame({"x": [1.0], "z": ["q"]}), "risk")
    found = design.matrix(pd.DataFrame({"x": [1.0, 2.0], "z": ["a", None]}), "risk")
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[0]).all()


def tampered(design, path, value):
    stored = json.loads(json.dumps(design.document))
    at = stored
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return stored


@pytest.mark.parametrize(("path", "value"), [
    (["factors"], None), (["factors", 0, "levels"], 3), (["factors", 0, "codings"], {"full": [["a"]]}),
    (["columns", 0, 2, 0, 0], 9), (["columns", 0, 2, 0, 1], "other"), (["columns"], "abc"), (["variables"], 3),
    (["factors", 0, "state"], {"nothing": 1}),
])
def test_a_document_of_another_shape_is_refused(path, value, table):
    design = covariate_columns("~ z + scale(x)", table, "risk")[2]
    with pytest.raises(gbtm.DataError, match="does not say how its covariates are made") as caught:
        FormulaDesign.from_document(tampered(design, path, value), trusted=False)
    assert caught.value.code == "bad_document"


def test_an_expression_that_a_file_put_in_is_not_run(table, tmp_path):
    mark = tmp_path / "mark"
    design = covariate_columns("~ scale(x)", table, "risk")[2]
    for text, arithmetic in ((f"open({str(mark)!r}, 'w')", True), (f"open({str(mark)!r}, 'w')", False)):
        stored = tampered(design, ["factors", 0, "text"], text)
        stored["factors"][0]["arithmetic"] = arithmetic
        with pytest.raises(gbtm.SpecificationError):
            FormulaDesign.from_document(stored, trusted=False).matrix(table, "risk")
    assert not mark.exists()


def test_the_constant_is_a_column_where_it_is_asked_for():
    values, design = design_of("bs(t, df=4)", pd.DataFrame({"t": np.arange(9.0)}), "formula", constant=True)
    assert design.names[0] == "intercept"
    np.testing.assert_array_equal(values[:, 0], 1.0)
    assert design.of_numbers
    assert not design_of("C(t)", pd.DataFrame({"t": np.arange(3.0)}), "formula", constant=True)[1].of_numbers


TRANSFORMS = ["bs(age, df=4)", "cr(age, df=3)", "center(age)", "scale(age)", "poly(age, 2)", "np.log(age)",
              "C(age > 40)"]


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_row_without_a_value_is_nan_and_no_part_of_a_transform(transform):
    """Knots, means and the like come from the rows that can be fitted."""
    age = np.array([20.0, np.nan, 31, 45, 50, 62, np.nan, 28])
    known = ~np.isnan(age)
    z, names = covariate_columns(f"~ {transform}", pd.DataFrame({"age": age, "df": np.nan}), "risk")[:2]
    alone, same = covariate_columns(f"~ {transform}", pd.DataFrame({"age": age[known]}), "risk")[:2]
    assert names == same
    np.testing.assert_array_equal(z[known], alone)
    assert np.isnan(z[~known]).all()


def test_levels_of_a_factor_are_columns_of_zero_and_one():
    z, names = covariate_columns(["region"], pd.DataFrame({"region": ["s", "e", None, "w"]}), "risk")[:2]
    assert names == ("region[T.s]", "region[T.w]")
    np.testing.assert_array_equal(z, [[1, 0], [0, 0], [np.nan, np.nan], [0, 1]])


def test_the_reference_level_is_the_users():
    order = pd.Categorical(["s", "e", "w"], categories=["w", "s", "e"])
    _, names = covariate_columns(["region"], pd.DataFrame({"region": order}), "risk")[:2]
    assert names == ("region[T.s]", "region[T.e]")
