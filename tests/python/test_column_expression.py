"""Expressions of columns: the values of numpy and formulaic, states that are kept, and nothing that is run."""

from __future__ import annotations

import numpy as np
import pytest

from gbtm.columns.column_expression import NotArithmetic, as_columns, compute

X = np.array([1.0, 2.0, 4.0, 8.0])
Z = np.array(["a", "b", "a", "c"], dtype=object)
TABLE = {"x": X, "z": Z, "job class": X + 1, "b": X > 2}


@pytest.mark.parametrize(("expression", "want"), [
    ("x + 1", X + 1), ("-x ** 2 / 3", -(X**2) / 3), ("np.log(x)", np.log(X)), ("log10(x)", np.log10(X)),
    ("I(x - 2)", X - 2), ("x // 3 + x % 3", X // 3 + X % 3), ("np.where(x > 2, x, 0)", np.where(X > 2, X, 0)),
    ("1 * (z == 'a')", 1.0 * (Z == "a")), ("`job class` * 2", (X + 1) * 2), ("Q('job class')", X + 1),
    ("np.minimum(x, `job class`)", X), ("b + 0", (X > 2) + 0), ("1 * ((x > 1) & (x < 8))", 1.0 * ((X > 1) & (X < 8))),
])
def test_values_are_numpys(expression, want):
    np.testing.assert_allclose(as_columns(compute(expression, TABLE, {}), 4)[0][:, 0], np.asarray(want, dtype=float))


def test_a_state_is_kept_by_the_text_of_its_call():
    """scale() divides by the sd with n - 1, of the first data."""
    state: dict = {}
    first = compute("scale(x) + center(np.log(x))", TABLE, state)
    np.testing.assert_allclose(first, (X - X.mean()) / X.std(ddof=1) + np.log(X) - np.log(X).mean())
    assert set(state) == {"scale(x)", "center(np.log(x))"}
    again = compute("scale(x) + center(np.log(x))", {"x": np.array([8.0])}, state)
    np.testing.assert_allclose(again, first[3:])


def test_knots_and_polynomials_are_those_of_the_first_data():
    for expression, columns in (("bs(x, df=4)", 4), ("poly(x, 2)", 2), ("cr(x, df=3)", 3), ("poly(scale(x), 2)", 2)):
        state: dict = {}
        first = as_columns(compute(expression, TABLE, state), 4)[0]
        assert first.shape == (4, columns)
        again = as_columns(compute(expression, {"x": X[1:3]}, state), 2)[0]
        np.testing.assert_allclose(again, first[1:3], atol=1e-12)


@pytest.mark.parametrize("expression", [
    "open('f', 'w')", "__import__('os').system('true')", "x.__class__", "(lambda: 1)()", "[c for c in x]", "x[0]",
    "{'a': x}", "np.load('f')", "np.lib.os.getcwd()", "eval('x')", "f'{x}'", "x if True else x", "y", "x +",
    "scale(x, _state={})", "scale(x, *[1])", "scale(x, **{'a': 1})", "bs(x, df=100000)", "poly(x, 2000)",
    "np.log(x, out=x)", "poly(x, degree=x)", "(x := 3)", "np.log", "scale", "x and x", "await_(x)", "1 < x < 3", "",
    "x" + " + x" * 2000, "(" * 300 + "x" + ")" * 300,
])
def test_what_is_no_arithmetic_is_refused(expression):
    with pytest.raises(NotArithmetic):
        compute(expression, TABLE, {})


def test_powers_without_end_end():
    """Python's integers would fill the memory."""
    assert compute("10 ** x ** 10", TABLE, {})[3] == np.inf
    with pytest.raises(NotArithmetic, match="out of range"):
        compute("9 ** 9 ** 9 ** 9", {}, {})


def test_columns_of_what_an_expression_gives():
    assert as_columns(3.0, 2)[0].tolist() == [[3.0], [3.0]]
    assert as_columns({"a": X, "b": X, "__kind__": 1}, 4)[1] == ("a", "b")
    assert as_columns(np.ones((4, 2)), 4)[1] == ("1", "2")
