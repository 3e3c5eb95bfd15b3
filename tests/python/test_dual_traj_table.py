"""traj's joint model: its digits, e(b) in its order, the four tables line by line."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import case_folder
from dual import fitted
from gbtm import CommandError, SpecificationError
from gbtm.traj_commands.do_file import read_do_file

JOINT = (
    "traj, var1(Y1 Y2) indep1(T1 T2) model1(cnorm) order1(1 1) min1(0) max1(9) var2(C1 C2) indep2(T1 T2) "
    "model2(zip) order2(1 0 1) iorder2(0)"
)
COLUMNS = ["Y1", "Y2", "C1", "C2", "T1", "T2", "x", "v"]


def _case(name: str):
    folder = case_folder(name)
    return (
        json.loads((folder / "estimates.json").read_text()), pd.read_csv(folder / "data.csv"),
        (folder / "traj_output.txt").read_text(), pd.read_csv(folder / "traj_posterior.csv"),
    )


@pytest.mark.parametrize("name", ["joint", "joint_risk", "sim_joint_cnorm_logit"])
def test_traj_has_the_same_digits(name):
    traj, data, printed, posterior = _case(name)
    start = " ".join(f"{v:.17g}" for v in traj["b"])
    res = gbtm.traj(f"{traj['stata_command']} start({start})", data)
    assert res.llf == pytest.approx(traj["loglike"], abs=1e-4)
    table = res.to_traj()
    assert list(table.b.index) == traj["names"] == list(table.V.index)
    np.testing.assert_array_less(np.abs(table.b - traj["b"]), 0.01 * np.array(traj["se"]))
    np.testing.assert_allclose(np.sqrt(np.diag(table.V)), traj["se"], rtol=1e-3)
    assert table.entropy == pytest.approx(traj["entropy"], abs=1e-4)
    ours, theirs = table.text.splitlines(), printed.splitlines()
    words = [re.sub(r"[-\d.]+", "#", line) for line in ours[2:]]
    assert words == [re.sub(r"[-\d.]+", "#", line) for line in theirs[2:]]
    numbers = [np.array(re.findall(r"-?\d+\.\d+", "\n".join(lines[2:])), dtype=float) for lines in (ours, theirs)]
    np.testing.assert_allclose(*numbers, rtol=2e-3, atol=1e-3)  # traj stops up to 1e-3 standard errors short
    first = posterior[[c for c in posterior if c.startswith("_traj_ProbG")]]
    np.testing.assert_allclose(res.of_outcome(1).posterior, first, atol=1e-3)
    second = posterior[[c for c in posterior if "_Model2_ProbG" in c]]
    np.testing.assert_allclose(res.of_outcome(2).posterior, second, atol=1e-3)


def test_groups_in_another_order_are_the_same_model():
    res = fitted()
    plain, other = res.to_traj(), res.to_traj([[3, 1, 2], [2, 1]])
    assert other.b["interc1"] == plain.b["interc3"]
    assert other.b["m2linr2"] == plain.b["m2linr1"]
    np.testing.assert_allclose(other.joint, plain.joint[[2, 0, 1]][:, [1, 0]])
    assert other.b["m2theta2G1"] == pytest.approx(-plain.b["m2theta2G3"])
    rows = [t.table[t.table["group"] == g] for t, g in ((plain, "1|3"), (other, "2|1"))]
    np.testing.assert_allclose(rows[0][["estimate", "se"]], rows[1][["estimate", "se"]], rtol=1e-10)
    with pytest.raises(SpecificationError, match="group_order"):
        res.to_traj([[1, 2], [1, 2]])


def test_a_command_of_two_outcomes_without_multgroups_is_read():
    (read,) = read_do_file(f"{JOINT} risk1(x) risk2(v) refgroup2(3)", COLUMNS)
    design = read.design
    assert (design.groups, design.risk, design.risk2, design.refgroup2) == ((2, 3), ("x",), ("v",), 3)
    assert read.others[0].model == "zip"


@pytest.mark.parametrize(("more", "argument"), [
    ("multrisk(x)", "multrisk"), ("weight2(v)", "weight2"), ("dropout2(1 1)", "dropout2"),
    ("var3(C1 C2) indep3(T1 T2) model3(zip) order3(1 0)", "multgroups"),
])
def test_what_goes_with_multgroups_alone_is_refused(more, argument):
    with pytest.raises(CommandError) as caught:
        read_do_file(f"{JOINT} {more}", COLUMNS)
    assert argument in [f.argument for f in (caught.value, *caught.value.faults)]


def test_trajtest_speaks_of_both_outcomes_groups():
    """The Wald statistic of the table's own estimates and covariance, by the macro's F."""
    from scipy import stats

    res = fitted("dual_risk")
    table = res.to_traj()
    test = res.trajtest("%TRAJTEST('m2intr1 = m2intr2, linear1 = linear2')")
    rows = np.zeros((2, len(table.b)))
    for row, (plus, minus) in zip(rows, (("m2intr1", "m2intr2"), ("linear1", "linear2")), strict=True):
        row[[table.b.index.get_loc(plus), table.b.index.get_loc(minus)]] = 1, -1
    gap = rows @ table.b.to_numpy()
    w = gap @ np.linalg.solve(rows @ table.V.to_numpy() @ rows.T, gap)
    assert test.pvalue == pytest.approx(stats.f.sf(w / 2, 2, res.nobs - res.df_model + 1), rel=1e-8)
    assert any(f"W = {w:.4f}" in note for note in test.notes)
    swapped = res.trajtest("m2intr2 = 1.4", group_order=[[1, 2, 3], [2, 1]])
    assert swapped.pvalue == pytest.approx(res.trajtest("m2intr1 = 1.4").pvalue, rel=1e-9)
