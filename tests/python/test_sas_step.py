"""SAS Proc Traj statements become the Stata command of the same model, or an error that names the statement."""

from __future__ import annotations

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import CommandError
from gbtm.api.traj import proc_traj
from gbtm.traj_commands.do_file import parse
from gbtm.traj_commands.sas_program import parse_proc, sas_commands
from gbtm.traj_commands.sas_text import expand_list, statements

COLUMNS = ["ID", "QCP84OP", "QCP88OP", "QCP89OP", "QCP90OP", "QCP91OP", "age1", "age2", "age3", "age4", "age5", "X"]
HEAD = "PROC TRAJ DATA=montreal OUTPLOT=op OUTSTAT=os OUT=of OUTEST=oe ITDETAIL; "
DATA = "ID id; VAR qcp84op qcp88op-qcp91op; INDEP age1-age5; "
MODEL = "MODEL CNORM; MIN 0; MAX 10; NGROUPS 3; ORDER 2 2 2; "
STEP = HEAD + DATA + MODEL + "RUN;"
STATA = (
    "traj, var(QCP84OP QCP88OP QCP89OP QCP90OP QCP91OP) indep(age1 age2 age3 age4 age5) model(cnorm) order(2 2 2) "
    "min(0) max(10)"
)


def test_the_textbook_step():
    read = parse_proc(STEP, COLUMNS)
    assert read.command == STATA
    assert (read.id, read.data) == ("ID", "montreal")
    assert read.assumed == ()
    names = ["OUTPLOT=op", "OUTSTAT=os", "OUT=of", "OUTEST=oe", "ITDETAIL"]
    assert [i.partition(":")[0] for i in read.ignored] == names
    assert all(i.endswith(".") for i in read.ignored)
    assert parse(read.command, COLUMNS).order == (2, 2, 2)


@pytest.mark.parametrize(
    "text",
    [
        STEP.lower(), STEP.replace(";", " ;\n"), STEP.replace("RUN;", ""), STEP.replace(" RUN;", " quit;"),
        STEP.replace("ORDER 2 2 2", "order (2 2 2)"), STEP.replace("ORDER 2 2 2", "order(2 2 2)"),
        STEP.replace("NGROUPS 3; ", ""), STEP.replace("MODEL", "/* ; a */ MODEL"),
        STEP.replace("MODEL", "* risk x;\nMODEL"),
        STEP.replace("MODEL", "title 'a; b'; MODEL"), STEP.replace("age1-age5", "age1 - age5"),
        STEP.replace("age1-age5", "age:"), STEP.replace("age1-age5", "AGE1--age5"),
        STEP.replace("age1-age5", "age1 AGE2-AGE3 age4 age5"), STEP.replace("DATA=montreal", "data = a.montreal"),
        "data a; set b; run;\n" + STEP + "%TRAJPLOT(op,os,'a','b','c','d')\nproc print data=of; run;",
        "%TRAJPLOT(op,os) " + STEP,
    ],
)
def test_ways_to_write_it(text):
    read = parse_proc(text, COLUMNS)
    assert read.command == STATA
    assert read.id == "ID"


def test_what_stands_around_is_told():
    read = parse_proc("libname a 'x'; " + STEP + " %TRAJPLOT(op,os,'a');", COLUMNS)
    assert read.ignored[0] == "libname a 'x': not part of the step."
    assert [p.title for p in read.plots] == ["a"]
    before = parse_proc("%TRAJPLOT(op,os,'a')" + STEP, COLUMNS)
    assert before.ignored[0] == "%TRAJPLOT(op,os,'a'): no step before it; plots come from plot() of a fit."


@pytest.mark.parametrize(
    ("statements", "options"),
    [
        ("SIGMABYGROUP;", "sigmabygroup"), ("RISK x;", "risk(X)"), ("REFGROUP 2;", "refgroup(2)"),
        ("DROPOUT 1 1 1;", "dropout(1 1 1)"), ("DROPOUT 0;", "dropout(0 0 0)"), ("DROPOUT (2 2 2);", "dropout(2 2 2)"),
        ("DCOV age1-age5;", "dcov(age1 age2 age3 age4 age5)"), ("TCOV age1-age5;", "tcov(age1 age2 age3 age4 age5)"),
        ("PLOTTCOV 0 0 0 0 1;", "plottcov(0 0 0 0 1)"), ("WEIGHT x;", "weight(X)"), ("OBSMAR x;", "obsmar(X)"),
        ("EXPOS age1-age5;", "expos(age1 age2 age3 age4 age5)"), ("RORDER 0;", "rorder(0 0 0)"),
        ("START 1 -2.5\n 3e-1\t4;", "start(1 -2.5 3e-1 4)"), ("OUTCOME x; OMODEL LOGIT;", "outcome(X) omodel(logit)"),
    ],
)
def test_every_part_goes_over(statements, options):
    assert parse_proc(HEAD + DATA + MODEL + statements + "RUN;", COLUMNS).command == f"{STATA} {options}"


def test_flags_on_the_proc_statement():
    read = parse_proc(STEP.replace("ITDETAIL", "SIGMABYGROUP CI95M ALTSTART"), COLUMNS)
    assert read.command == STATA + " sigmabygroup"
    told = ("CI95M: res.predict() gives confidence bands.", "ALTSTART: many starts are tried anyway.")
    assert read.ignored[-2:] == told


@pytest.mark.parametrize(
    ("model", "stata"),
    [
        ("MODEL ZIP; IORDER 0;", "model(zip) order(1 1) iorder(0)"), ("MODEL ZIP;", "model(zip) order(1 1)"),
        ("MODEL POISSON;", "model(zip) order(1 1)"), ("MODEL LOGIT;", "model(logit) order(1 1)"),
        ("model logistic;", "model(logit) order(1 1)"), ("MODEL BETA;", "model(beta) order(1 1)"),
    ],
)
def test_models(model, stata):
    read = parse_proc(HEAD + DATA + model + "ORDER 1 1; RUN;", COLUMNS)
    assert read.command.endswith(stata)
    assert ("IORDER is not given: no zero inflation." in read.assumed) == (model == "MODEL ZIP;")


def test_min_is_zero_where_it_is_not_given():
    read = parse_proc(STEP.replace("MIN 0;", ""), COLUMNS)
    assert read.command == STATA
    assert read.assumed == ("MIN is not given: Proc Traj takes 0.",)


@pytest.mark.parametrize(
    ("text", "code", "argument", "words"),
    [
        (STEP.replace("RUN", "FOO 3; RUN"), "unknown_option", "FOO", "Read are ID, MODEL"),
        (STEP.replace("ITDETAIL", "NONSENSE"), "unknown_option", "NONSENSE", "option of PROC TRAJ"),
        (STEP.replace("OUT=of", "PRINT=of"), "unknown_option", "PRINT", "option of PROC TRAJ"),
        (STEP.replace("RUN", "VAR2 a; INDEP2 b; MODEL2 ZIP; RUN"), "missing_option", "ORDER2", "a further outcome"),
        (STEP.replace("RUN", "VAR3 qcp84op; INDEP3 age1; MODEL3 ZIP; ORDER3 0; RUN"), "bad_syntax", "VAR3", "dual"),
        (STEP.replace("RUN", "MULTGROUPS 2; VAR2 a; INDEP2 b; MODEL2 zip; RUN"), "missing_option", "ORDER2",
         "a further outcome"),
        (STEP.replace("RUN", "MULTRISK x; RUN"), "bad_syntax", "MULTRISK", "RISK2"),
        (STEP.replace("RUN", "MODEL ZIP; RUN"), "bad_syntax", "MODEL", "given twice"),
        (STEP.replace("NGROUPS 3", "NGROUPS 4"), "bad_groups", "NGROUPS", "ORDER gives 3"),
        (STEP.replace("CNORM", "PROBIT"), "unknown_model", "MODEL", "not available"),
        (STEP.replace("2 2 2", "2 b 2"), "bad_syntax", "ORDER", "not numbers"),
        (STEP.replace("MAX 10;", ""), "missing_option", "MAX", "Proc Traj requires it"),
        (STEP.replace("ORDER 2 2 2;", "").replace("NGROUPS 3;", ""), "missing_option", "ORDER", "missing"),
        (STEP.replace("INDEP age1-age5;", ""), "missing_option", "INDEP", "missing"),
        (STEP.replace("VAR qcp84op qcp88op-qcp91op", "VAR"), "missing_option", "VAR", "empty"),
        (STEP.replace("RUN", "WHERE x=; RUN"), "if_in", "where", "cannot be read"),
        (STEP.replace("RUN", "WHERE not x = 1; RUN"), "if_in", "where", "Write not (..)"),
        (STEP.replace("RUN", "WHERE q=1; RUN"), "unknown_column", "where", "no variable 'q'"),
        (STEP.replace("RUN", "BY x; RUN"), "if_in", "BY", "fits by groups"),
        (STEP.replace("montreal", "a(rename=(x=y))"), "if_in", "DATA", "not a data set option"),
        (STEP.replace("montreal", "a(obs=few)"), "if_in", "DATA", "not a number of rows"),
        (STEP.replace("montreal", "a(where=(x=1)"), "bad_syntax", "DATA", "not closed"),
        (STEP.replace("3; ORDER", "&k; ORDER"), "bad_syntax", "text", "'&k': macro language"),
        (STEP + STEP, "several_commands", "text", "2 PROC TRAJ steps"),
        ("proc means; run;", "not_traj", "text", "no PROC TRAJ"),
        (STEP.replace("age1-age5", "age1-age6"), "unknown_column", "INDEP", "no variable 'age6'"),
        (STEP.replace("age1-age5", "wave:"), "unknown_column", "INDEP", "no variable 'wave:'"),
        (STEP.replace("age1-age5", "age5-age1"), "bad_syntax", "INDEP", "not a numbered range"),
        (STEP.replace("age1-age5", "age5--age1"), "bad_syntax", "INDEP", "stands before"),
        (STEP.replace("age1-age5", "_numeric_"), "bad_syntax", "INDEP", "lists by type"),
        (STEP.replace("ID id", "ID nobody"), "unknown_column", "ID", "no variable 'nobody'"),
    ],
)
def test_errors_name_the_statement(text, code, argument, words):
    with pytest.raises(CommandError) as caught:
        parse_proc(text, COLUMNS)
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert words in str(caught.value)
    assert caught.value.way_out.endswith(".") or caught.value.way_out.endswith(";")


def test_lists():
    names = ["t01", "t02", "t10", "y_1", "y_2", "y_3", "b", "B", "other"]
    assert expand_list("t01-t02", names, "VAR") == ["t01", "t02"]
    assert expand_list("Y_1-Y_3 b", names, "VAR") == ["y_1", "y_2", "y_3", "b"]
    assert expand_list("y_2--other", names, "VAR") == ["y_2", "y_3", "b", "B", "other"]
    assert expand_list("T: y_ :", names, "VAR") == ["t01", "t02", "t10", "y_1", "y_2", "y_3"]
    with pytest.raises(CommandError, match="'bb'"):
        expand_list("bb", names, "VAR")
    assert expand_list("a", ["A", "aa"], "VAR") == ["A"]
    with pytest.raises(CommandError, match="could be Ab or AB"):
        expand_list("ab", ["Ab", "AB"], "VAR")


def test_statements_and_quotes():
    assert statements("title 'it''s; here'; run;") == ["title 'it''s; here'", "run"]
    assert statements("%macro_call(a, b) var x; %* comment; y") == ["%macro_call(a, b)", "var x", "y"]
    assert statements("/* never closed ; var x;") == []


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(3)
    group = rng.random(60) < 0.5
    times = np.arange(5.0)
    y = np.where(group[:, None], 1 + 0.5 * times, 6 - 0.4 * times) + 0.5 * rng.normal(size=(60, 5))
    table = pd.DataFrame(np.clip(y, 0, 9), columns=[f"Score{j}" for j in range(1, 6)])
    for j, t in enumerate(times, 1):
        table[f"T{j}"] = t
    return table.assign(pid=np.arange(500, 560))


FIT = "proc traj data=d out=of; id PID; var score1-score5; indep t1-t5; model cnorm; max 9; ngroups 2; order 1 1; run;"


def test_it_fits_what_the_command_fits(wide):
    with pytest.warns(gbtm.GBTMWarning, match="MIN is not given: Proc Traj takes 0"):
        res = proc_traj(FIT, wide, rng=0, n_starts=4)
    command = "traj, var(Score1-Score5) indep(T1-T5) model(cnorm) order(1 1) min(0) max(9)"
    same = gbtm.traj(command, wide, rng=0, n_starts=4)
    assert res.llf == same.llf
    assert res.ids.tolist() == wide["pid"].tolist()
    assert res.document["cov_type"] == "traj"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        step = FIT.replace("max 9", "min 0; max 9").replace("id PID;", "").replace(" out=of", "")
        other = proc_traj(step, wide, rng=0, n_starts=4, cov_type="hessian", id="pid")
    assert other.document["cov_type"] == "hessian"
    assert other.ids.name == "pid"


def test_what_traj_cannot_do_is_its_error(wide):
    with pytest.raises(CommandError, match="omodel"):
        proc_traj(FIT.replace("run;", "min 0; outcome pid; omodel probit; run;"), wide)


# -- several outcomes -------------------------------------------------------------------------------------------------

SEVERAL = """
proc traj data=both out=of sigmabygroup;
  id no; var1 y1-y3; indep1 t1-t3; model1 cnorm; min1 0; max1 9; order1 1 2;
  var2 c1-c3; indep2 t1-t3; model2 zip; order2 (1 0); iorder2 0;
  multgroups 2; multrisk x;
run;
"""
BOTH = ["NO", "Y1", "Y2", "Y3", "C1", "C2", "C3", "T1", "T2", "T3", "X"]


def test_outcomes_that_share_their_groups():
    read = parse_proc(SEVERAL, BOTH)
    assert read.command == (
        "traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 2) min(0) max(9) sigmabygroup "
        "var2(C1 C2 C3) indep2(T1 T2 T3) model2(zip) order2(1 0) iorder2(0) multgroups(2) multrisk(X)"
    )
    (command,) = sas_commands(SEVERAL, BOTH)
    (other,) = command.others
    assert (command.risk, command.sigma_by_group, command.order) == (("X",), True, (1, 2))
    assert (other.model, other.order, other.iorder, other.sigma_by_group) == ("zip", (1, 0), (0,), False)


def test_defaults_of_a_further_outcome_are_told_of_it():
    text = SEVERAL.replace("model2 zip; order2 (1 0); iorder2 0;", "model2 cnorm; max2 9; order2 0 0;")
    read = parse_proc(text, BOTH)
    assert "Outcome 2: MIN is not given: Proc Traj takes 0." in read.assumed
    assert "min2(0)" in read.command


@pytest.mark.parametrize(("old", "new", "code", "argument"), [
    ("multgroups 2;", "", "bad_syntax", "MULTRISK"), ("order2 (1 0);", "", "missing_option", "ORDER2"),
    ("multgroups 2;", "multgroups two;", "bad_syntax", "MULTGROUPS"),
    ("multrisk x;", "risk x;", "bad_syntax", "risk"), ("order2 (1 0);", "order2 1;", "bad_groups", None),
    ("model2 zip;", "model2 weibull;", "unknown_model", "MODEL"), ("iorder2 0;", "iorder2 0; iorder2 1;", "bad_syntax",
                                                                  "IORDER2"),
])
def test_what_outcomes_that_share_their_groups_cannot_have(old, new, code, argument):
    with pytest.raises(CommandError) as caught:
        sas_commands(SEVERAL.replace(old, new), BOTH)
    assert caught.value.code == code
    assert argument is None or caught.value.argument == argument


def test_a_step_of_several_outcomes_fits_the_model_of_its_command():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 2, 60)
    data = pd.DataFrame({"NO": np.arange(60), **{f"Y{j}": rng.normal(3 + 3 * group).clip(0, 9) for j in (1, 2, 3)},
                         **{f"C{j}": rng.poisson(1 + 2 * group) for j in (1, 2, 3)},
                         **{f"T{j}": float(j) for j in (1, 2, 3)}, "X": rng.normal(size=60)})
    start = {"n_starts": 2}
    res = gbtm.proc_traj(SEVERAL, data, **start)
    same = gbtm.traj(parse_proc(SEVERAL, BOTH).command, data, **start)
    assert res.llf == same.llf
    assert res.outcome_names == same.outcome_names


# -- a joint model: each of two outcomes has groups of its own --------------------------------------------------------

DUAL = """
proc traj data=both out=of outplot=op outstat=os outplot2=op2 outstat2=os2;
  id no; var y1-y3; indep t1-t3; model cnorm; min 0; max 9; ngroups 2; order 1 0; risk x;
  var2 c1-c3; indep2 t1-t3; model2 zip; ngroups2 3; order2 0 0 0; risk2 z;
run;
"""


def test_without_multgroups_each_outcome_has_groups_of_its_own():
    read = parse_proc(DUAL, [*BOTH, "Z"])
    assert read.command == (
        "traj, var(Y1 Y2 Y3) indep(T1 T2 T3) model(cnorm) order(1 0) min(0) max(9) risk(X) "
        "var2(C1 C2 C3) indep2(T1 T2 T3) model2(zip) order2(0 0 0) risk2(Z)"
    )
    assert "Outcome 2: IORDER is not given: no zero inflation." in read.assumed
    (command,) = sas_commands(DUAL, [*BOTH, "Z"])
    assert command.dual
    with pytest.raises(CommandError) as caught:
        sas_commands(DUAL.replace("risk2 z;", "risk2 z; weight2 x;"), [*BOTH, "Z"])
    assert caught.value.code == "bad_syntax"
    with pytest.raises(CommandError) as caught:
        sas_commands(DUAL.replace("ngroups2 3", "ngroups2 2"), [*BOTH, "Z"])
    assert caught.value.code == "bad_groups"


def test_a_joint_model_is_the_dual_model_of_its_command_with_trajs_table():
    rng = np.random.default_rng(1)
    group, n = rng.integers(0, 2, 80), 80
    other = (rng.random(n) < np.where(group == 1, 0.9, 0.2)).astype(int)
    data = pd.DataFrame({"NO": np.arange(n), **{f"Y{j}": rng.normal(3 + 3 * group).clip(0, 9) for j in (1, 2, 3)},
                         **{f"C{j}": rng.poisson(1 + 4 * other) for j in (1, 2, 3)},
                         **{f"T{j}": float(j) for j in (1, 2, 3)}, "X": rng.normal(size=n), "Z": rng.normal(size=n)})
    step = DUAL.replace("ngroups2 3; order2 0 0 0;", "ngroups2 2; order2 0 0;")
    plots = "%trajplot(op, os, 'one', , , ) %trajplot(OP2, OS2, 'two', , , )"
    res = gbtm.proc_traj(step + plots, data, n_starts=2)
    drawn = {plt.figure(n).axes[0].get_title(): plt.figure(n).axes[0] for n in plt.get_fignums()}
    assert drawn["one"].get_ylabel() != drawn["two"].get_ylabel()  # each outcome's own curves
    plt.close("all")
    assert isinstance(res, gbtm.DualResults)
    assert res.set_sizes == (2, 2)
    assert res.llf == gbtm.traj(parse_proc(step, [*BOTH, "Z"]).command, data, n_starts=2).llf
    text = res.to_traj().text
    assert "Model 2" in text or "model 2" in text.lower()
    assert any("IORDER is not given" in w for w in res.warnings)
    assert res.transitions().loc[(2, 2), "estimate"] > 0.6
