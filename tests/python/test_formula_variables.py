"""Which columns a formula uses: what Python itself reads as a variable that is neither function nor argument name."""

from __future__ import annotations

import ast

import pandas as pd
import pytest

from gbtm.columns.formula_variables import formula_variables, term_columns

COLUMNS = ["age", "df", "bs", "pay", "job", "np", "x.y", "years of school", "age2"]


@pytest.mark.parametrize(
    ("formula", "used"),
    [
        ("age", ["age"]), ("bs(age, df=4)", ["age"]), ("bs(age, df = df)", ["age", "df"]),
        ("center(pay) + poly(age, 2)", ["pay", "age"]), ("age * pay - age", ["age", "pay"]),
        ("C(job, contr.treatment('bs'))", ["job"]), ('C(job, Treatment("pay")):age', ["job", "age"]),
        ("age.fillna(0) + age2", ["age", "age2"]), ("{age + pay} + age**2", ["age", "pay"]),
        ("I(age == df)", ["age", "df"]),
        ("`years of school` + `x.y`", ["years of school", "x.y"]), ("x.y", ["x.y"]), ("log(`bs`)", ["bs"]),
        ("1 + 2.5e3:age", ["age"]), ("age2", ["age2"]), ("weight", []), ("", []),
    ],
)
def test_variables_of_a_formula(formula, used):
    assert formula_variables(formula, COLUMNS) == used


@pytest.mark.parametrize(
    "call", ["bs(age, df=4)", "cr(pay, df=df) + age", "hashed(job, levels=bs)", "center(scale(age / pay))"]
)
def test_pythons_own_reading_of_a_call_is_the_same(call):
    tree = ast.parse(call)
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions}
    assert set(formula_variables(call, COLUMNS)) == names


def test_columns_of_terms_given_either_way():
    table = pd.DataFrame(columns=COLUMNS)
    assert term_columns(None, table) == []
    assert term_columns(["pay", "age"], table) == ["pay", "age"]
    assert term_columns("years of school", table) == ["years of school"]
    assert term_columns("~ bs(age, df=3) + job", table) == ["age", "job"]
