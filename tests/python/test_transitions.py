"""Tables of a dual model's groups: the reference program's estimates and standard errors, identities, profiles."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dual import DATA, fitted
from gbtm import GBTM, SpecificationError
from several import EXPECTED


@pytest.mark.parametrize("which", ["dual", "dual_risk"])
def test_estimates_and_standard_errors_are_the_reference_s(which):
    res = fitted(which)
    tables = {t: res.transitions(t) for t in ("conditional", "reverse", "joint", "margins")}
    for name, (estimate, se) in EXPECTED[which]["tables"].items():
        digits = [int(d) for d in re.findall(r"=(\d)", name)]
        if re.match(r"P\(2=\d\|", name):
            row = tables["conditional"].loc[(digits[1], digits[0])]
        elif re.match(r"P\(1=\d\|", name):
            row = tables["reverse"].loc[tuple(digits)]
        elif "," in name:
            row = tables["joint"].loc[tuple(digits)]
        else:
            row = tables["margins"].loc[("ab"[int(name[2]) - 1], digits[0])]
        assert row["estimate"] == pytest.approx(estimate, abs=1e-8)
        assert row["std err"] == pytest.approx(se, abs=1e-7)


def test_a_profile_is_the_model_s_probability_there():
    res = fitted("dual_risk")
    p = res.params
    table = res.transitions("conditional", at={"x": 0.5, "z": -1.0})
    odds = np.exp(p["theta2[2|3]"] - p["theta2_z[2]"])
    assert table.loc[(3, 2), "estimate"] == pytest.approx(odds / (1 + odds), abs=1e-12)
    names = ["theta2[2|3]", "theta2_z[2]"]
    se = np.sqrt(np.array([1, -1]) @ res.cov_params().loc[names, names].to_numpy() @ np.array([1, -1]))
    want = se * odds / (1 + odds) ** 2
    assert table.loc[(3, 2), "std err"] == pytest.approx(want, rel=1e-7)
    margins = res.transitions("margins", at={"x": 0.5})
    u = np.exp([0, *(p[f"theta[{j}]"] + 0.5 * p[f"theta_x[{j}]"] for j in (2, 3))])
    np.testing.assert_allclose(margins.loc["a", "estimate"], u / u.sum(), atol=1e-12)


def test_what_is_left_out_of_a_profile_stands_at_its_mean():
    res = fitted("dual_risk")
    whole = res.transitions(at={"x": float(DATA["x"].mean()), "z": float(DATA["z"].mean())})
    np.testing.assert_allclose(res.transitions(at={})["estimate"], whole["estimate"], atol=1e-12)


def test_levels_of_intervals():
    res = fitted()
    wide, narrow = res.transitions(level=0.99), res.transitions(level=0.5)
    assert (wide["lower"] < narrow["lower"]).all()
    table = res.transitions(level=0.95)
    np.testing.assert_allclose(table["upper"] - table["estimate"], 1.959964 * table["std err"], rtol=1e-6)


@pytest.mark.parametrize(("options", "code"), [
    ({"table": "condtional"}, "unknown_table"), ({"at": {"y": 1.0}}, "unknown_covariate"),
    ({"at": {"x": "high"}}, "bad_at"), ({"at": {"x": float("nan")}}, "bad_at"),
])
def test_unknown_tables_and_covariates_are_refused(options, code):
    with pytest.raises(SpecificationError) as caught:
        fitted("dual_risk").transitions(**options)
    assert caught.value.code == code


def test_one_set_of_groups_has_no_transitions():
    from gbtm.inference.transitions import transitions

    one = GBTM([[0, 1.0], [2, 3], [4, 4.5], [5, 6]], groups=1, order=1).fit()
    with pytest.raises(SpecificationError, match="dual"):
        transitions(one)
