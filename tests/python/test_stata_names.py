"""Names for Stata: legal, no two alike, and not those that reshape makes."""

from __future__ import annotations

import re

import pandas as pd

from do_files import STATA_NAME, imported, renamed
from gbtm.recipes.stata_names import RESERVED, StataNames

COLUMNS = ["y.1", "y 1", "y_1", "y", "if", "str5", "1st", "...", "\N{CJK UNIFIED IDEOGRAPH-5E74}", "a" * 40, "a" * 41,
           "a" * 27, "_", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", 'say "so"', "$cost", "Age", "age"]


def test_names_are_legal_and_no_two_alike():
    names = StataNames(COLUMNS)
    made = [names[c] for c in COLUMNS]
    assert all(STATA_NAME.fullmatch(f"{n}_1234") for n in made)
    assert len(set(made)) == len(made)
    assert not RESERVED & set(made)
    assert not re.search(r"\bstr\d+\b", " ".join(made))
    waves = {f"{a}_{j}" for a in made for j in ("", *range(30))}
    assert not waves & set(made)


def test_names_that_are_allowed_stay():
    allowed = ["Age", "age", "_x", "a" * 27, "y_1"]
    names = StataNames(["y.1", *allowed])
    assert [names[c] for c in allowed] == allowed
    assert list(names.changed) == ["y.1"]
    assert StataNames(allowed).reading("d.csv", allowed) == ['import delimited "d.csv", clear case(preserve)']


def test_columns_are_found_by_their_headings():
    names = StataNames(COLUMNS)
    table = pd.DataFrame([range(len(COLUMNS))], columns=COLUMNS)
    data = renamed(names.reading("d.csv", COLUMNS), COLUMNS, imported(table))
    assert [data[names[c]].iloc[0] for c in COLUMNS] == list(range(len(COLUMNS)))


def test_what_stata_would_read_as_a_macro_is_escaped():
    lines = StataNames(["$cost", "a`b"]).reading("d.csv", ["$cost", "a`b"])
    assert any('"\\$cost"' in line for line in lines)
    assert any('"a\\`b"' in line for line in lines)


def test_a_variable_that_is_made_has_a_name_of_its_own():
    names = StataNames(["region_north", "y"])
    assert names.add("region north") not in ("region_north", "y")
    assert names.add("region north") == names.add("region north")
