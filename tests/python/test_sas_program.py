"""A SAS program's text: several steps, where, two ids, %LET, %TRAJPLOT, all faults at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import CommandError
from gbtm.api.traj import build
from gbtm.traj_commands.do_file import parse
from gbtm.traj_commands.sas_program import parse_proc, read_sas, sas_commands

COLUMNS = ["HHID", "PN", "SEX", "AGE", "Y1", "Y2", "Y3", "T1", "T2", "T3"]
STEP = "proc traj data=a; id hhid pn; var y1-y3; indep t1-t3; model cnorm; min 0; max 9; ngroups 2; order 1 2; run;"
STATA = "traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 2) min(0) max(9)"
DATA = pd.DataFrame({
    "HHID": [1, 1, 2, 3], "PN": [10, 20, 10, 10], "SEX": ["F", "M", "F", None], "AGE": [1.0, 5.0, np.nan, 9.0],
    **{f"Y{j}": [1.0, 2.0, 3.0, 4.0] for j in (1, 2, 3)}, **{f"T{j}": [float(j)] * 4 for j in (1, 2, 3)},
})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age < 3", [0, 2]), ("age > 3", [1, 3]), ("age <= 5 and age ne .", [0, 1]), ("age", [0, 1, 3]),
        ("age ge 5 or sex = 'F'", [0, 1, 2, 3]), ("age in (1, 9)", [0, 3]), ("age not in (1 9)", [1, 2]),
        ("age between 2 and 9", [1, 3]), ("age is missing", [2]), ("age is not null", [0, 1, 3]),
        ("not missing(age)", [0, 1, 3]), ("not (age < 3)", [1, 3]), ("sex eq \"F\"", [0, 2]), ("age ^= 5", [0, 2, 3]),
        ("1 < age", [1, 3]), ("3 >= age", [0, 2]), ("age < hhid", [2]), ("age - 1 = 4 | pn = 20", [1]),
        ("age > . & -age < -4", [1, 3]), ("not age", [2]), ("age ** 2 = 25", [1]),
    ],
)
def test_where_selects_what_sas_selects(text, rows):
    """Missing is below all numbers in SAS, above them in Stata, in whose words the rows are kept."""
    for step in (STEP.replace("data=a", f"data=a(where=({text}))"), STEP.replace("run;", f"where {text}; run;")):
        read = sas_commands(step, COLUMNS)[0]
        np.testing.assert_array_equal(np.flatnonzero(read.selection.keep(DATA)), rows)
        again = parse(read.text, COLUMNS)  # the text alone says the same rows
        np.testing.assert_array_equal(np.flatnonzero(again.selection.keep(DATA)), rows)


def test_data_set_options():
    options = "=lib.a (keep=y1-y3 t: obs=3 where=(age<6) firstobs=2) out=b(drop=x);"
    read = parse_proc(STEP.replace("=a;", options), COLUMNS)
    assert read.command.startswith("traj if missing(AGE) | AGE < 6 in 2/3, ")
    assert read.data == "lib.a"
    assert any(s.startswith("KEEP=") for s in read.ignored)
    where = parse_proc(STEP.replace("run;", "where age = 5; run;"), COLUMNS)
    assert "does not support WHERE" in where.assumed[0]


@pytest.mark.parametrize(
    "text",
    [
        f"%let k = 1 2; %let last=3; {STEP.replace('order 1 2', 'order &k').replace('y1-y3', 'y1-y&last.')}",
        f"%let k=1; %let kk=&k 2; * comment &nothing; {STEP.replace('order 1 2', 'order &KK')}",
        STEP.replace("proc", "/* a; */ proc").replace("model", "* off;\nmodel"),
        STEP.replace("var", "var1").replace("model", "model1").replace("order", "order1"),
    ],
)
def test_macro_variables_and_comments(text):
    assert parse_proc(text, COLUMNS).command == STATA


def test_no_order_is_a_default_that_is_said():
    read = parse_proc(STEP.replace("order 1 2;", ""), COLUMNS)
    assert "order(3 3)" in read.command
    assert "ORDER is not given" in read.assumed[0]


def test_steps_one_after_another():
    plots = "%TRAJPLOT (op, os, 'Title (a, b)', \"Sub\", 'Y label', 'X label')"
    first, second = read_sas(f"libname a 'x';\n{STEP}\n{plots}\n{STEP.replace('1 2', '0 1')} proc print; run;", COLUMNS)
    assert ("order(1 2)" in first.command, "order(0 1)" in second.command) == (True, True)
    plot = first.plots[0]
    assert (plot.title, plot.ytitle, plot.xtitle, second.plots) == ("Title (a, b)\nSub", "Y label", "X label", ())
    assert second.ignored[-1] == "proc print: not part of the step."


def test_every_fault_is_told_at_once_with_its_place():
    text = (f"{STEP.replace('ngroups 2', 'ngroups 3')}\nproc traj data=a print=b;\n var y1-y4 q;\n indep t1-t3;\n"
            " model gamma;\n order 1 b;\n by sex;\n colour red;\n where age = ;\nrun;")
    with pytest.raises(CommandError) as caught:
        read_sas(text, COLUMNS)
    found = [(f.argument, f.message.partition(",")[0]) for f in caught.value.faults]
    assert found == [
        ("NGROUPS", "line 1"), ("print", "line 2"), ("VAR", "line 3"), ("VAR", "line 3"), ("MODEL", "line 5"),
        ("ORDER", "line 6"), ("BY", "line 7"), ("colour", "line 8"), ("where", "line 9"),
    ]


def test_two_ids_name_a_person_together():
    read = sas_commands(STEP, COLUMNS)[0]
    assert read.persons == ("HHID", "PN")
    panel = build(read, DATA).panel
    assert panel.n_subjects == 4
    assert len(set(panel.ids)) == 4
    twice = pd.concat([DATA, DATA[:1]], ignore_index=True)
    with pytest.raises(gbtm.DataError):
        build(read, twice)
    single = sas_commands(STEP.replace("hhid pn", "pn"), COLUMNS)[0]
    assert build(single, DATA.assign(PN=range(4))).panel.ids.name == "PN"


def test_a_data_step_is_not_run_and_that_is_said():
    text = f"data W; set V; if male = 1; z = x / 2; run;\n{STEP}\nproc sort data=W; by id; run;\n{STEP}"
    first, second = read_sas(text, COLUMNS)
    assert len(first.assumed) == 1
    assert first.assumed[0].startswith("data W: DATA steps are not run")
    assert not second.assumed
    assert not any("male" in said for said in first.ignored)
    assert second.ignored[0] == "proc sort data=W: not part of the step."
