"""A do-file's text is read as Stata reads it: comments, prefixes, if and in, abbreviations, several commands, plots."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import CommandError, DataError
from gbtm.api.traj import build
from gbtm.traj_commands.do_file import parse, read_do_file
from gbtm.traj_commands.row_selection import RowSelection, read_condition, read_range
from gbtm.traj_commands.stata_options import option_name

COLUMNS = ["id", "sex", "age", "Y1", "Y2", "Y3", "T1", "T2", "T3", "E1", "E2", "E3", "region"]
PLAIN = "traj, var(Y1-Y3) indep(T1-T3) model(cnorm) order(1 2) min(0) max(9)"


@pytest.mark.parametrize(
    "text",
    [
        f"* a comment; with traj, in it\n{PLAIN}", f"// one\n{PLAIN} // another", f"/* a /* nested */ one */ {PLAIN}",
        PLAIN.replace(" order", " /* order(3 3) */ order"), PLAIN.replace(" model", " /// all\n\t// so\n model"),
        "* off for now ///\n  sort age\n" + PLAIN, PLAIN.replace(" ", "\t"), PLAIN + ",", PLAIN + " ,",
        "#delimit ;\n" + PLAIN.replace(") ", ")\n  ") + ";\n", "#d ;\n* off\n order(3); " + PLAIN + ";\n#delimit cr\n",
        f"quietly {PLAIN}", f"qui: {PLAIN}", f"cap noi {PLAIN}", f"capture noisily quietly {PLAIN}",
        f"version 14: {PLAIN}", f"set more off\nversion 15\n{PLAIN}", PLAIN.replace(" indep", "\r\n indep"),
        "traj, v(Y1-Y3) i(T1-T3) m(cnorm) o(1 2) min1(0) max1(9)",
        "traj, var1(Y1-Y3) indep1(T1-T3) model1(cnorm) order1(1 2) min1(0) max1(9)",
        PLAIN.replace("traj,", "traj, multgroups(2)"), PLAIN.replace("traj,", "traj,multg(2)"),
        PLAIN.replace("(", " ("), "\ufeff" + PLAIN,
    ],
)
def test_the_same_command_as_do_files_have_it(text):
    read, plain = parse(text, COLUMNS), parse(PLAIN, COLUMNS)
    for name in ("var", "indep", "model", "order", "min", "max", "selection", "assumed"):
        assert getattr(read, name) == getattr(plain, name), name


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("v", "var"), ("var1", "var"), ("ind", "indep"), ("i", "indep"), ("io", "iorder"), ("iorder1", "iorder"),
        ("o", "order"), ("m", "model"), ("r", "rorder"), ("ri", "risk"), ("ref", "refgroup"), ("w", "weight"),
        ("e", "exposure"), ("expos1", "exposure"), ("t", "tcov"), ("p", "plottcov"), ("d", "dropout"), ("dc", "dcov"),
        ("ob", "obsmar"), ("outof", "outofsample"), ("multr", "multrisk"), ("ar1", "ar1"), ("ci", "ci"),
    ],
)
def test_abbreviations_are_those_of_trajs_syntax(word, name):
    assert option_name(word) == name


@pytest.mark.parametrize("word", ["ma", "mi", "sigmaby", "det", "ex1", "var0", "q", "multi"])
def test_what_is_shorter_than_the_shortest_is_no_option(word):
    with pytest.raises(CommandError) as caught:
        option_name(word)
    assert caught.value.code == "unknown_option"


TABLE = pd.DataFrame({
    "age": [1.0, 5.0, np.nan, 9.0, 5.0], "sex": ["F", "M", None, "F", ""], "g": pd.Categorical(list("abaab")),
})


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("age > 3", [1, 2, 3, 4]), ("age>3 & age<.", [1, 3, 4]), ("age == .", [2]), ("age >= .", [2]),
        ("missing(age)", [2]), ("!missing(age)", [0, 1, 3, 4]), ("!mi(age, sex)", [0, 1, 3]), ("age != 5", [0, 2, 3]),
        ("age ~= 5 | sex == \"M\"", [0, 1, 2, 3]), ('sex == "F" & age < 5', [0]), ('sex == ""', [2, 4]),
        ("age", [0, 1, 2, 3, 4]), ("age - 5", [0, 2, 3]), ("2 * age + 1 >= 11 & !(age == 9)", [1, 2, 4]),
        ("inlist(age, 1, 9)", [0, 3]), ('inlist(sex, "F", "M")', [0, 1, 3]), ("inrange(age, 2, 6)", [1, 4]),
        ("inrange(age, ., 6)", [0, 1, 4]), ("_n > 3", [3, 4]), ("_n == _N", [4]), ("age^2 == 25", [1, 4]),
        ("-age < -5", [3]), ('g == "b"', [1, 4]), ("(age > 1) == 1 & (age < 9)", [1, 4]),
        ("age == 1 | age == 5 & age == 9", [0]),
        ("!age == 0", [0, 1, 2, 3, 4]),
    ],
)
def test_conditions_select_what_stata_selects(text, rows):
    selection = RowSelection(text, read_condition(text, str))
    np.testing.assert_array_equal(np.flatnonzero(selection.keep(TABLE)), rows)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age = 3", "compares with =="), ("age >", "the end"), ("(age > 3", "the end"), ("age > 3)", "')'"),
        ("log(age) > 1", "log()"), ("age > 3 $ 4", "'$ 4'"), ("sex == 1", "text is compared with a number"),
        ("sex", "text stands where a condition"), ("age + sex > 1", "text stands where a number"),
        ("sex == 'F'", "cannot be read"), ("age > 100 & age < .", "none of the 5 rows"),
        ("__import__('os')", "cannot be read"),
    ],
)
def test_conditions_that_are_refused(text, words):
    with pytest.raises(CommandError) as caught:
        RowSelection(text, read_condition(text, str)).keep(TABLE)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("1/3", [0, 1, 2]), ("2", [1]), ("f/2", [0, 1]), ("-2/l", [3, 4]), ("4/L", [3, 4]), (" 2 / 3 ", [1, 2]),
     ("l", [4])],
)
def test_ranges(text, rows):
    np.testing.assert_array_equal(np.flatnonzero(RowSelection("in", None, read_range(text)).keep(TABLE)), rows)


@pytest.mark.parametrize("text", ["0/3", "1-3", "1/", "a/b", "3/99", "1/-99"])
def test_ranges_that_are_refused(text):
    with pytest.raises(CommandError) as caught:
        RowSelection("in", None, read_range(text)).keep(TABLE)
    assert caught.value.argument == "in"


def test_if_and_in_of_a_command():
    read = parse(PLAIN.replace("traj,", 'traj if sex == "in, F" & age > 3 in 1/2 ,'), COLUMNS)
    assert read.selection.columns == ["sex", "age"]
    assert read.selection.rows == (1, 2)
    data = pd.DataFrame({"sex": ["in, F", "x", "in, F"], "age": [4, 4, 4]})
    np.testing.assert_array_equal(read.selection.keep(data), [True, False, False])


@pytest.mark.parametrize(
    ("text", "argument", "words"),
    [
        ("estat ic", "estat", "in criteria,"), ("test [x]", "test", "wald_test()"),
        ("margins, at(T1=1)", "margins", "predict()"),
        ("keep if age > 3", "keep", "before they are handed over"), ("use a.dta, clear", "use", "Read the file first"),
        ("forvalues k = 1/3 {", "forvalues", "write each command out"),
        ("bysort sex: " + PLAIN, "bysort", "an if of its own"),
        ("by sex, sort: " + PLAIN, "by", "an if of its own"), ("svy: " + PLAIN, "svy", "clusters and strata"),
        ("xi: " + PLAIN, "xi", "0/1 columns"), ("bootstrap, reps(9): " + PLAIN, "bootstrap", "bootstrap()"),
        ("multtrajplot, xtitle(a)", "multtrajplot", "several outcomes"), ("graph export a.png", "graph", "plot()"),
        ("lincom a - b", "lincom", "delta()"), ("tab _traj_Group", "tabulate", "assignment"),
        ("matrix b0 = (1, 2)", "matrix", "matrices="),
        ("trajtest linear1 = linear2", "trajtest", "trajtest() of the fit"),
    ],
)
def test_other_commands_are_refused_by_name_with_what_to_use(text, argument, words):
    with pytest.raises(CommandError) as caught:
        read_do_file(f"{PLAIN}\n{text}", COLUMNS)
    assert (caught.value.code, caught.value.argument) == ("unsupported_command", argument)
    assert words in caught.value.way_out
    assert "line 2, column 1" in str(caught.value)


@pytest.mark.parametrize("variable", ["i.region", "c.age#i.sex", "ib2.region", "L.age"])
def test_factor_variables_are_not_trajs(variable):
    with pytest.raises(CommandError, match="factor variables") as caught:
        parse(f"{PLAIN} risk({variable})", COLUMNS)
    assert caught.value.argument == "risk"
    assert "0/1 column" in caught.value.way_out


def test_every_fault_is_told_at_once_with_its_place():
    text = ("quietly traj if age = 3,\n  var(Y1-Y3) indep(T1-T2) ///\n model(normal) order(a 2) risk(i.region nobody)\n"
            "estat ic\ntraj, var(Y1-Y3) indep(T1-T3) model(logit) order(1) colour(red)")
    text = text.replace(",\n", ", ///\n")
    with pytest.raises(CommandError) as caught:
        read_do_file(text, COLUMNS)
    error = caught.value
    assert error.code == "several_faults"
    found = [(f.argument, f.message.partition(":")[0]) for f in error.faults]
    assert found == [
        ("if", "line 1, column 14"), ("indep", "line 2, column 20"), ("model", "line 3, column 8"),
        ("order", "line 3, column 22"), ("risk", "line 3, column 32"), ("risk", "line 3, column 32"),
        ("estat", "line 4, column 1"),
        ("colour", "line 5, column 53"),
    ]
    assert all(f.way_out in str(error) for f in error.faults)


def test_several_commands_are_several_fits_and_plots_go_with_their_own():
    text = (f"{PLAIN}\ntrajplot, xtitle(\"Age, years\") ytitle(Score (0-9)) xlabel(0(2)6, angle(45)) ylabel(0 3 9) ci\n"
            f"{PLAIN.replace('1 2', '1 1 1')} detail\ntrajplot, nolegend noaverages")
    first, second = read_do_file(text, COLUMNS)
    assert (first.order, second.order) == ((1, 2), (1, 1, 1))
    plot = first.plots[0]
    assert (plot.xtitle, plot.ytitle, plot.bands, plot.xticks, plot.yticks) == (
        "Age, years", "Score (0-9)", True, (0, 2, 4, 6), (0, 3, 9))
    assert (second.plots[0].legend, second.plots[0].averages, second.plots[0].bands) == (False, False, False)
    assert second.notes == ("detail: progress is an option of the fit here.",)
    with pytest.raises(CommandError, match="2 traj commands"):
        parse(text, COLUMNS)


@pytest.mark.parametrize(
    ("option", "argument"),
    [("dropout", "dropout"), ("model(2)", "model"), ("xlabel(a b)", "xlabel"), ("colour(red)", "colour")],
)
def test_plot_options_that_are_refused(option, argument):
    with pytest.raises(CommandError) as caught:
        read_do_file(f"{PLAIN}\ntrajplot, {option}", COLUMNS)
    assert caught.value.argument == argument
    with pytest.raises(CommandError, match="no traj command before"):
        read_do_file("trajplot", COLUMNS)


@pytest.mark.parametrize("options", ["altstart nderiv trace detail novar ci tol(1e-8) probupdates"])
def test_what_changes_no_estimate_is_said(options):
    read = parse(f"{PLAIN} {options}", COLUMNS)
    assert [n.partition(":")[0] for n in sorted(read.notes)] == sorted(o.partition("(")[0] for o in options.split())
    bounded = parse(f"{PLAIN} lower(lo) upper(up)", COLUMNS)
    assert [s.partition(":")[0] for s in bounded.assumed] == ["lower(lo)", "upper(up)"]


@pytest.mark.parametrize(
    ("option", "argument"),
    [("multgroups(3)", "multgroups"), ("multgroups(2) risk(age)", "risk"), ("multrisk(age)", "multrisk"),
     ("detail(2)", "detail"), ("risk", "risk"), ("risk(`x')", "command"), ("start($b)", "command")],
)
def test_what_traj_would_refuse(option, argument):
    with pytest.raises(CommandError) as caught:
        parse(f"{PLAIN} {option}", COLUMNS)
    assert caught.value.argument == argument
    assert parse(f"{PLAIN} multgroups(2) multrisk(age)", COLUMNS).risk == ("age",)


# -- defaults ---------------------------------------------------------------------------------------------------------


def test_min_is_zero_where_it_is_not_given_and_that_is_said():
    read = parse(PLAIN.replace("min(0) ", ""), COLUMNS)
    assert read.min == 0
    assert read.assumed[0].startswith("min() is not given: traj takes 0")
    assert parse(PLAIN, COLUMNS).assumed == ()
    assert parse(PLAIN.replace("cnorm) order(1 2) min(0) max(9)", "logit) order(1 2)"), COLUMNS).min is None


def test_max_has_to_be_given():
    with pytest.raises(CommandError, match="traj requires it") as caught:
        parse(PLAIN.replace("max(9)", ""), COLUMNS)
    assert (caught.value.code, caught.value.argument) == ("missing_option", "max")


@pytest.fixture(scope="module")
def censored():
    """Two groups, the lower one censored at 0, in the capitals of a file that Stata would read in lower case."""
    rng = np.random.default_rng(5)
    t, group = np.arange(4.0), rng.random(90) < 0.5
    y = np.where(group[:, None], 6 - 0.5 * t, 0.5 - 0.3 * t) + rng.normal(size=(90, 4))
    data = pd.DataFrame(np.clip(y, 0, None), columns=[f"AD_{j}" for j in range(1, 5)])
    return data.assign(**{f"T_{j + 1}": t[j] for j in range(4)}, SEX=np.where(rng.random(90) < 0.5, "F", "M"))


SHORT = "traj, var(AD_*) indep(T_*) model(cnorm) order(1 1) max(40)"


def test_the_default_is_the_fit_of_min_0(censored):
    with pytest.warns(gbtm.GBTMWarning, match="traj takes 0"):
        res = gbtm.traj(SHORT, censored, n_starts=2)
    same = gbtm.traj(SHORT + " min(0)", censored, n_starts=2)
    assert res.llf == same.llf
    assert "traj takes 0" in res.warnings[0]
    assert res.outcomes[0].spec.lower == 0
    below = censored.assign(AD_2=censored["AD_2"] - 1)
    with pytest.raises(DataError, match="below 0, traj's minimum where min") as caught:
        gbtm.traj(SHORT, below)
    assert caught.value.argument == "min"


def test_names_are_found_whatever_their_case(censored):
    read = parse(SHORT.lower(), list(censored))
    assert (read.var, read.indep) == (("AD_1", "AD_2", "AD_3", "AD_4"), ("T_1", "T_2", "T_3", "T_4"))
    assert any("another case: ad_* is AD_1 .. AD_4, t_* is T_1 .. T_4" in s for s in read.assumed)
    text = SHORT.lower().replace("ad_*", "ad_1-ad_4").replace("traj,", 'traj if sex=="F",')
    assert parse(text, list(censored)).var == read.var
    for text in ("ad_1 AD_2-AD_4", "ad_*", "ad_1-ad_4"):
        with pytest.raises(CommandError, match="differ in case only") as caught:
            parse(SHORT.replace("AD_*", text), [*censored, "Ad_1"])
        assert caught.value.argument == "var"
    assert parse(SHORT, [*censored, "ad_1"]).var == read.var


def test_rows_are_selected_before_the_fit(censored):
    data = censored.assign(who=[f"p{i}" for i in range(90)])
    text = SHORT.replace("traj,", 'traj if SEX == "F" in 1/80,') + " min(0)"
    res = gbtm.traj(text, data, id="who", n_starts=2)
    kept = data[:80].query("SEX == 'F'")
    same = gbtm.traj(SHORT + " min(0)", kept, id="who", n_starts=2)
    assert res.llf == same.llf
    assert list(res.ids) == list(kept["who"])
    np.testing.assert_array_equal(build(parse(text, list(data)), data).panel.ids, kept.index)


def test_a_text_with_two_commands_is_two_fits_with_their_pictures(censored):
    import matplotlib.pyplot as plt

    plt.close("all")
    plot = "trajplot, xtitle(Wave) ytitle(Score) xlabel(0(1)3) nolegend ci"
    text = f"{SHORT} min(0)\n{plot}\n{SHORT.replace('1 1', '1')} min(0) detail"
    first, second = gbtm.traj(text, censored, n_starts=2)
    assert (first.n_groups, second.n_groups) == (2, 1)
    ax = plt.gcf().axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_legend()) == ("Wave", "Score", None)
    np.testing.assert_array_equal(ax.get_xticks(), [0, 1, 2, 3])
    assert len(plt.get_fignums()) == 1
    plt.close("all")


def test_a_picture_of_the_second_outcome():
    columns = ["Y1", "Y2", "Y3", "C1", "C2", "C3", "T1", "T2", "T3"]
    dual = (f"{PLAIN} var2(C1-C3) indep2(T1-T3) model2(logit) order2(0 0)\ntrajplot, ytitle(a)\n"
            "trajplot, model(2)")
    (read,) = read_do_file(dual, columns)
    assert [(p.outcome, p.ytitle) for p in read.plots] == [(1, "a"), (2, None)]
    with pytest.raises(CommandError) as caught:
        read_do_file(dual + "\ntrajplot, model(3)", columns)
    assert caught.value.argument == "model"
    assert "1 to 2" in caught.value.way_out


def test_the_name_of_a_file_is_not_its_text():
    with pytest.raises(CommandError, match="name of a file") as caught:
        read_do_file("run.do", COLUMNS)
    assert "Read the file first" in caught.value.way_out


def test_clear_changes_nothing():
    assert read_do_file(f"clear all\n{PLAIN}", COLUMNS)[0].order == read_do_file(PLAIN, COLUMNS)[0].order


@pytest.mark.parametrize("option", ["order", "iorder", "multgroups"])
def test_an_option_without_its_numbers_is_named(option):
    text = PLAIN.replace("order(1 2)", "order()") if option == "order" else f"{PLAIN} {option}()"
    with pytest.raises(CommandError, match=r"\(\): not whole numbers") as caught:
        parse(text, COLUMNS)
    assert caught.value.argument == option
