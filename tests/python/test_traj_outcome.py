"""``method="traj"``: traj's own numbers where its results are at hand, and its likelihood written out."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import distal_cases as cases
import gbtm
from conftest import case_folder
from gbtm import SpecificationError


def traj_case(name: str):
    """Step one on those of whom the outcome is known, as traj takes them; their table; and what traj found."""
    folder = case_folder(name)
    said = json.loads((folder / "estimates.json").read_text(encoding="utf-8"))
    command, _, rest = said["stata_command"].partition(" outcome(")
    needed = [c for c in ("ob", "on", "op", "Z") if f"({c})" in f"({rest}"]
    table = pd.read_csv(folder / "data.csv").dropna(subset=needed)
    fit = gbtm.traj(command, table, n_starts=2)
    return fit.with_cov_type("traj"), table.assign(id=table.index), said


@pytest.mark.parametrize(("name", "formula", "family"), [
    ("outcome_logit", "ob ~ group", "logit"), ("outcome_normal_ocov", "on ~ group + Z", "normal"),
    ("outcome_poisson", "op ~ group", "poisson"),
])
def test_trajs_digits(name, formula, family):
    """traj differences its likelihood: its standard errors hold three digits."""
    fit, people, said = traj_case(name)
    out = fit.distal(formula, people, family=family, method="traj")
    b, se = np.array(said["b"]), np.array(said["se"])
    assert abs(out.llf - said["ll"]) < 1e-6
    assert np.abs((out.params.to_numpy() - b) / se).max() < 1e-3
    np.testing.assert_allclose(out.bse, se, rtol=2e-3)
    np.testing.assert_allclose(out.bse[-2:], se[-2:], rtol=2e-4)


def test_trajs_twostep_is_two_step_with_fixed_shares():
    """traj's factor N / (N - k + 1) apart, with the outcome's k alone."""
    fit, people, said = traj_case("outcome_logit_twostep")
    out = fit.distal("ob ~ group", people, method="two-step", shares="fixed", covariance="model")
    n = out.nobs
    np.testing.assert_allclose(out.params, said["b"][-2:], atol=1e-5)
    np.testing.assert_allclose(out.bse * np.sqrt(n / (n - 1)), said["se"][-2:], rtol=1e-4)


def test_the_likelihood_written_out_and_no_better_nearby():
    """Normal outcome with a covariate, some people without it: their trajectories count all the same."""
    name = "d1_normal_k2"
    res, people = cases.fit_of(name), cases.people(name)
    out = res.distal("o_normal ~ group + v1", people, method="traj")
    y = people[[f"y{j}" for j in range(1, 6)]].to_numpy()
    t = np.array(cases.step_one_of(name)["times"])
    seen = people["o_normal"].notna().to_numpy()

    def loglik(x):
        log_f = np.stack([stats.norm.logpdf(y, x[2 * k] + x[2 * k + 1] * t, x[4]).sum(axis=1) for k in (0, 1)], axis=1)
        joint = log_f + np.log(np.array([1, np.exp(x[5])]) / (1 + np.exp(x[5])))
        p = np.exp(joint - np.logaddexp(*joint.T)[:, None])
        mean = p @ x[6:8] + x[8] * people["v1"].to_numpy()
        return np.logaddexp(*joint.T).sum() + stats.norm.logpdf(people["o_normal"], mean, x[9])[seen].sum()

    x = out.params.to_numpy()
    assert out.names[6:] == ["o_normal: group[1]", "o_normal: group[2]", "o_normal: v1", "o_normal: sigma"]
    np.testing.assert_allclose(loglik(x), out.llf, rtol=1e-10)
    step = 1e-4
    for j in range(10):
        e = step * np.eye(10)[j]
        assert abs(loglik(x + e) - loglik(x - e)) / (2 * step) < 1e-3
    hessian = np.array([[(loglik(x + a + b) - loglik(x + a - b) - loglik(x - a + b) + loglik(x - a - b))
                         for b in 1e-3 * np.eye(10)] for a in 1e-3 * np.eye(10)]) / 4e-6
    np.testing.assert_allclose(out.bse, np.sqrt(np.diag(np.linalg.inv(-hessian))), rtol=1e-3)
    assert "no means of the groups" in str(out.summary()).replace("\n", " ")


@pytest.mark.parametrize(("formula", "family"), [
    ("Surv(o_time, o_event) ~ group", "cox"), ("o_ordinal ~ group", "ordinal"), ("o_binary ~ group * v1", "logit"),
])
def test_what_traj_has_not_is_said(formula, family):
    with pytest.raises(SpecificationError) as error:
        cases.fit_of("d1_normal_k2").distal(formula, cases.people("d1_normal_k2"), family=family, method="traj")
    assert error.value.code == "not_with_traj"


def test_categories_are_in_their_own_order_and_what_is_no_base_is_said():
    """Text in the alphabet's, categories in that of the table whatever it is, numbers by size."""
    table = pd.DataFrame({"id": np.repeat(np.arange(60), 3), "t": np.tile([0.0, 1, 2], 60)})
    rng = np.random.default_rng(0)
    table["y"] = (table["id"] % 2) * 3 + rng.normal(size=len(table))
    words = np.array(["none", "low", "high"])[rng.integers(0, 3, 60)][table["id"]]
    ordered = pd.Categorical(words, ["none", "low", "high", "unused"])
    numbers = pd.Series(words).map({"none": 0, "low": 1, "high": 2})

    def ask(kind, **options):
        return gbtm.GBTM.from_formula("y ~ t", table.assign(kind=kind), id="id", groups=2, order=1, outcome="kind",
                                      omodel="mlogit", **options)

    by_number, by_order = ask(numbers).fit(n_starts=1), ask(ordered).fit(n_starts=1)
    np.testing.assert_allclose(by_order.params, by_number.params, atol=1e-7)
    for kind, said in ((words, "high, low, none"), (ordered, "none, low, high"), (numbers, "0, 1, 2")):
        with pytest.raises(gbtm.DataError, match="no value of kind is 7") as error:
            ask(kind, baseoutcome=7)
        assert error.value.way_out == f"Its values are {said}."


def test_a_distal_outcome_goes_with_one_trajectory():
    with pytest.raises(SpecificationError, match="one trajectory of a table") as error:
        gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], pd.DataFrame(), id="id", groups=2, outcome="o", omodel="logit")
    assert (error.value.code, error.value.argument) == ("bad_distal", "outcome")
