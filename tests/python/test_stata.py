"""The do-file of a report, done as Stata would: it makes the same fit, whatever the columns are called."""

from __future__ import annotations

import re

import pytest

import gbtm
from conftest import TRUTH, arguments, long_table, true_data
from do_files import STATA_FITS, STATA_NAME, fitted, prepared, stata_fit
from gbtm.recipes.code import code_for


@pytest.mark.parametrize("name", STATA_FITS)
def test_the_stata_code_makes_the_same_fit(name):
    table, res = fitted(name)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-5)


@pytest.mark.parametrize("name", ["normal", "logit", "zip_own", "poisson_never", "cnorm"])
def test_the_stata_code_of_plain_models(name):
    table = long_table(*true_data(name, keep=0.9))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", **arguments(TRUTH[name][0])).fit(n_starts=3)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-5)


def test_stata_says_what_traj_lacks():
    _, res = fitted("exposure_negbin")
    code = code_for(res, "Stata")
    assert code.startswith("*")
    assert "negbin" in code
    assert "traj," not in code
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ bs(t, df=4)", table, id="id", groups=2).fit(n_starts=2)
    assert "basis formula" in code_for(res, "Stata")


def test_bounds_beyond_the_data_censor_nothing():
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2]).fit(n_starts=2)
    code = code_for(res, "Stata")
    low, high = (float(re.search(rf"{w}\((\S+)\)", code)[1]) for w in ("min", "max"))
    assert low < table["y"].min()
    assert high > table["y"].max()


def test_wide_data_are_not_reshaped():
    table = long_table(*true_data("normal"))
    wide = table.pivot(index="id", columns="t", values="y").add_prefix("y_").reset_index()
    res = gbtm.GBTM.from_formula(
        "y ~ t", wide, id="id", groups=2, order=[1, 2], wide={"y": "y_*", "t": [0, 1, 2, 3, 4]}).fit(n_starts=2)
    code = code_for(res, "Stata")
    assert "reshape" not in code
    assert stata_fit(code, wide).llf == pytest.approx(res.llf, abs=1e-6)


def test_a_factor_is_made_of_indicators():
    table = long_table(*true_data("normal"))
    table["region"] = table["id"].map(lambda i: (None, "north", "east", "south")[i % 4])  # a person without is dropped
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2], risk="~ region").fit(n_starts=2)
    assert stata_fit(code_for(res, "Stata"), table).llf == pytest.approx(res.llf, abs=1e-6)


GROESSE = "gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e"
ODD = {"id": "person id", "y": "y.1", "t": "in", "x": GROESSE,
       "w": "a name that is much too long for Stata to take it", "region": "my region"}


@pytest.fixture(scope="module")
def odd():
    """A table whose columns have names that Stata does not allow, and two beside them that are close to those."""
    table = long_table(*true_data("normal"))
    table["x"] = (table["id"] % 5) * 1.5
    table["w"] = 1.0 + table["id"] % 3
    table["region"] = table["id"].map(lambda i: ("north east", "south")[i % 2])
    return table.assign(y1=0.0, unused=1.0)[["unused", *ODD, "y1"]].rename(columns=ODD)


def test_names_that_stata_does_not_allow_are_changed(odd):
    res = gbtm.GBTM.from_formula("y.1 ~ in", odd, id="person id", groups=2, order=[1, 2], risk=[ODD["x"], "my region"],
                                 weights=ODD["w"]).fit(n_starts=2)
    code = code_for(res, "Stata")
    command, data = prepared(code, odd)
    named = set(re.findall(r"[^\s()]+", re.sub(r"\b\w+\(", " ", command.replace("///", "")).removeprefix("traj,")))
    names = {n for n in named if not re.fullmatch(r"-?[\d.]+|cnorm|zip", n)}
    assert names <= set(data.columns)
    assert all(STATA_NAME.fullmatch(n) for n in names)
    assert stata_fit(code, odd).llf == pytest.approx(res.llf, abs=1e-6)
    outside = re.sub(r'"[^"]*"', "", code)  # odd names stand between quotes only
    assert all(name not in outside for name in ODD.values() if name != "in")


def test_odd_names_in_wide_data(odd):
    table = long_table(*true_data("normal"))
    wide = table.pivot(index="id", columns="t", values="y")
    wide.columns = [f"score {j}" for j in range(5)]
    given = {"y": list(wide.columns), "t": [0, 1, 2, 3, 4]}
    res = gbtm.GBTM.from_formula("y ~ t", wide, groups=2, order=[1, 2], wide=given).fit(n_starts=2)
    assert stata_fit(code_for(res, "Stata"), wide).llf == pytest.approx(res.llf, abs=1e-6)
    by_pattern = gbtm.GBTM.from_formula("y ~ t", wide, groups=2, order=[1, 2], wide={**given, "y": "score *"})
    code = code_for(by_pattern.fit(n_starts=2), "Stata")
    assert "score *: call these columns of the file y_1 to y_5" in code
    asked = wide.set_axis([f"y_{j}" for j in range(1, 6)], axis=1)
    assert stata_fit(code, asked).llf == pytest.approx(res.llf, abs=1e-6)


def test_columns_that_are_not_known_are_named_in_a_comment():
    table = long_table(*true_data("normal")).rename(columns={"y": "y.1"})
    res = gbtm.GBTM.from_formula("y.1 ~ t", table, id="id", groups=2, order=[1, 2]).fit(n_starts=2)
    res.document["inputs"] = None
    code = code_for(res, "Stata")
    assert "* call the column y.1 y_1 in the file" in code
    assert "rename (`found')" not in code
    assert stata_fit(code, table.rename(columns={"y.1": "y_1"})).llf == pytest.approx(res.llf, abs=1e-6)


def test_bounds_that_censor_what_is_beyond():
    for wide in (False, True):
        table = long_table(*true_data("normal"))
        low = float(table["y"].quantile(0.1))
        given = {"id": "id"}
        if wide:
            table = table.astype({"t": int}).pivot(index="id", columns="t", values="y").add_prefix("y_")
            given = {"wide": {"y": list(table.columns), "t": [0, 1, 2, 3, 4]}}
        res = gbtm.GBTM.from_formula(
            "y ~ t", table, groups=2, order=[1, 2], family="cnorm", min=low, censor_beyond=True, **given,
        ).fit(n_starts=2)
        code = code_for(res, "Stata")
        columns = re.search(r"foreach v of varlist (.+) \{\n    replace `v' = (\S+) if `v' < \2 & !missing", code)
        assert columns[1].split() == (list(table.columns) if wide else ["y"])


def test_the_numbers_of_groups_are_compared_where_there_was_a_search():
    table = gbtm.datasets.two_groups(rng=0)
    search = gbtm.search("y ~ t", table, id="id", groups=2, order=1, how="grid", n_starts=2, shape_starts=1)
    res = search.best()
    code = code_for(res, "Stata", search=search)
    loop = re.search(r"foreach k of numlist 1 2 \{\n(.+?)\n\}\n", code, re.DOTALL)[1]
    assert 'local orders = strtrim(`k\' * "1 ")' in loop
    assert "e(BIC_n_subjects)" in loop
    assert stata_fit(code, table).llf == pytest.approx(res.llf, abs=1e-5)
    _, data = prepared(code, table)
    command = re.search(r"quietly (traj,.*?)\n    display", loop, re.DOTALL)[1]
    for k in (1, 2):  # the loop, by the package's own parser
        again = gbtm.traj(command.replace("`orders'", " ".join(["1"] * k)), data, n_starts=4)
        best = search.table.loc[f"{k}: {' '.join(['1'] * k)}", "loglik"]
        assert again.llf == pytest.approx(best, abs=1e-5)


def test_stata_says_that_a_search_was_made_where_it_lacks_the_model():
    table = gbtm.datasets.two_groups(rng=0)
    search = gbtm.search("y ~ bs(t, df=4)", table, id="id", groups=2, n_starts=2)
    code = code_for(search.best(), "Stata", search=search)
    assert all(line.startswith("*") for line in code.splitlines())
    assert "search" in code
    assert "basis formula" in code


def test_one_group_has_no_membership_to_compare():
    table = gbtm.datasets.two_groups(rng=0)
    table["z"] = table["id"] % 3
    search = gbtm.search("y ~ t", table, id="id", groups=2, order=1, how="groups", risk="z", n_starts=2)
    assert "foreach k of numlist 2 {" in code_for(search.best(), "Stata", search=search)
