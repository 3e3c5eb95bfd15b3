"""Stata's variable lists: names, wildcards, ranges in the data's order, abbreviations."""

from __future__ import annotations

import pytest

from gbtm import CommandError
from gbtm.traj_commands.stata_varlist import expand_varlist

COLUMNS = ["id", "Y1", "Y2", "Y3", "T1", "T2", "T3", "Offense8", "Offense9", "age"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Y1-Y3", ("Y1", "Y2", "Y3")), ("Y3 Y1", ("Y3", "Y1")), ("Off*", ("Offense8", "Offense9")), ("ag", ("age",)),
        ("Y1 T1-T2", ("Y1", "T1", "T2")), ("Offense~", ("Offense8", "Offense9")),
    ],
)
def test_varlists(text, names):
    assert expand_varlist(text, COLUMNS, "var") == names


@pytest.mark.parametrize(
    ("text", "code"),
    [("Q1", "unknown_column"), ("Q*", "unknown_column"), ("Off", "unknown_column"), (" ", "missing_option")])
def test_what_names_no_variable_is_refused(text, code):
    with pytest.raises(CommandError) as caught:
        expand_varlist(text, COLUMNS, "tcov")
    assert (caught.value.code, caught.value.argument) == (code, "tcov")
