"""traj commands of several outcomes with multgroups(): the digits, e(b) in its order, the table line by line."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import case_folder, relabelled
from gbtm import CommandError
from gbtm.traj_commands.do_file import read_do_file

SAME = ("multi", "multi_risk_sbg", "sim_multi_czl_risk")  # traj found the best optimum
LOWER = {"agrisus_multi2x3": 19.78, "agrisus_multi3x2_sbg": 49.58}  # log-likelihood that traj missed
TWO = (
    "traj, var1(Y1 Y2) indep1(T1 T2) model1(cnorm) order1(1 1) min1(0) max1(9) var2(C1 C2) indep2(T1 T2) "
    "model2(zip) order2(1 0) iorder2(0)"
)
COLUMNS = ["Y1", "Y2", "C1", "C2", "T1", "T2", "x", "v"]


def _read(text: str):
    return read_do_file(text, COLUMNS)[0]


def _case(name: str):
    folder = case_folder(name)
    return (
        json.loads((folder / "estimates.json").read_text()), pd.read_csv(folder / "data.csv"),
        (folder / "traj_output.txt").read_text(),
    )


@pytest.mark.parametrize("name", SAME)
def test_traj_has_the_same_digits(name):
    """From traj's estimates: its log-likelihood, estimates, standard errors, names, entropy and printed lines."""
    traj, data, printed = _case(name)
    start = " ".join(f"{v:.17g}" for v in traj["b"])
    res = gbtm.traj(f"{traj['stata_command']} start({start})", data)
    assert res.llf == pytest.approx(traj["loglike"], abs=1e-4)
    assert res.llf > traj["loglike"] - 1e-6
    table = min(relabelled(res), key=lambda t: np.abs(t.b.to_numpy() - traj["b"]).max())
    assert list(table.b.index) == traj["names"] == list(table.V.index)
    np.testing.assert_array_less(np.abs(table.b - traj["b"]), 0.01 * np.array(traj["se"]))
    np.testing.assert_allclose(np.sqrt(np.diag(table.V)), traj["se"], rtol=1e-3)
    assert table.entropy == pytest.approx(traj["entropy"], abs=1e-6)
    ours, theirs = table.text.splitlines(), printed.splitlines()
    words = [re.sub(r"[-\d.]+", "#", line) for line in ours[2:]]
    assert words == [re.sub(r"[-\d.]+", "#", line) for line in theirs[2:]]  # all but the program's name
    numbers = [np.array(re.findall(r"-?\d+\.\d+", "\n".join(lines[2:])), dtype=float) for lines in (ours, theirs)]
    np.testing.assert_allclose(*numbers, rtol=2e-3, atol=1e-4)  # traj stops up to 1e-4 standard errors short


@pytest.mark.slow
@pytest.mark.parametrize("name", LOWER)
def test_where_traj_stopped_short_the_default_call_does_not(name):
    traj, data, _ = _case(name)
    res = gbtm.traj(traj["stata_command"], data)
    assert res.llf > traj["best_known_ll"] - 1e-3
    assert res.llf - traj["loglike"] == pytest.approx(LOWER[name], abs=0.01)


def test_each_outcome_has_its_own_options_and_shares_the_rest():
    read = _read(f"{TWO} multgroups(2) multrisk(x) sigmabygroup weight(v)")
    (other,) = read.others
    assert (read.model, other.model) == ("cnorm", "zip")
    assert (read.order, other.order, other.iorder) == ((1, 1), (1, 0), (0,))
    assert (read.sigma_by_group, other.sigma_by_group) == (True, False)
    assert (read.risk, read.weight) == (("x",), "v")
    assert set(read.columns) == set(COLUMNS)


@pytest.mark.parametrize(("text", "code", "argument"), [
    (f"{TWO} multgroups(3)", "bad_groups", "multgroups"),
    (f"{TWO} multgroups(2) risk(x)", "bad_syntax", "risk"),
    (f"{TWO} multgroups(2) dropout(1 1)", "bad_syntax", "dropout"),
    (f"{TWO} multgroups(2) weight2(v)", "bad_syntax", "weight2"),
    (f"{TWO} multgroups(2) refgroup2(2)", "bad_syntax", "refgroup2"),
    (f"{TWO} multgroups(2) order2(1 1)", "bad_syntax", "order2"),
    (f"{TWO} multgroups(2) var4(Y1) indep4(T1) model4(logit) order4(1 1)", "bad_syntax", "var4"),
    (TWO.replace("order2(1 0)", "") + " multgroups(2)", "missing_option", "order"),
])
def test_refusals(text, code, argument):
    with pytest.raises(CommandError) as caught:
        _read(text)
    assert caught.value.code == code
    assert caught.value.argument == argument
    assert caught.value.way_out


def test_outcomes_whose_columns_are_called_alike_are_numbered():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({f"{y}{w}": rng.normal(size=30) for y in ("a_", "A_") for w in (1, 2, 3)})
    data = data.assign(t1=1.0, t2=2.0, t3=3.0).rename(columns={"A_1": "a_4", "A_2": "a_5", "A_3": "a_6"})
    res = gbtm.traj(
        "traj, var(a_1-a_3) indep(t1-t3) model(cnorm) order(0) min(-9) max(9) var2(a_4-a_6) indep2(t1-t3) "
        "model2(cnorm) order2(0) min2(-9) max2(9) multgroups(1)", data)
    assert len(set(res.outcome_names)) == 2
    assert [o.data.y.mean() for o in res.outcomes] == pytest.approx(
        [data[[f"a_{w}" for w in block]].to_numpy().mean() for block in ((1, 2, 3), (4, 5, 6))])
