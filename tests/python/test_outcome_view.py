"""One outcome of a fit of several: its curves by their formula, and what cannot be asked of it alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import gbtm
from gbtm import GBTM, SpecificationError
from several import COLUMNS, DATA, WIDE, outcomes, start


@pytest.fixture(scope="module")
def res():
    return GBTM.from_formula(outcomes(), DATA, id="id", groups=3, wide=WIDE, risk=["x"]).fit(start=start("multi_risk"))


def test_its_parameters_go_without_the_outcome_s_name(res):
    one = res.of_outcome("b")
    assert list(one.params.index[:2]) == ["intercept[1]", "tb[1]"]
    assert one.params["tb[2]"] == res.params["b: tb[2]"]
    assert one.bse["theta_x[3]"] == res.bse["theta_x[3]"]
    own = res.cov_params()
    names = [n if n.startswith("theta") else f"b: {n}" for n in one.params.index]
    np.testing.assert_array_equal(one.cov_params(), own.loc[names, names])
    assert res.of_outcome(2).params.equals(one.params)


def test_curves_and_bands_are_those_of_the_formula(res):
    table = res.predict(outcome="b")
    eta = {g: res.params[f"b: intercept[{g}]"] + res.params[f"b: tb[{g}]"] * np.array(WIDE["tb"]) for g in (1, 2, 3)}
    np.testing.assert_allclose(table["estimate"], expit(np.concatenate(list(eta.values()))), rtol=1e-10)
    cov = res.cov_params().loc[["b: intercept[2]", "b: tb[2]"], ["b: intercept[2]", "b: tb[2]"]].to_numpy()
    z = np.column_stack([np.ones(5), WIDE["tb"]])
    se = np.sqrt(np.einsum("ij,jk,ik->i", z, cov, z)) * expit(eta[2]) * (1 - expit(eta[2]))
    np.testing.assert_allclose(table[table["group"] == 2]["std err"], se, rtol=1e-8)


def test_all_outcomes_stand_below_each_other(res):
    table = res.predict()
    assert list(table.columns) == ["outcome", "group", "time", "estimate", "std err", "lower", "upper", "outside"]
    assert table["outcome"].value_counts(sort=False).to_dict() == {"a": 18, "b": 15, "c": 21}
    means = res.observed_means
    b = DATA[COLUMNS["b"]].to_numpy()
    p = res.posterior.to_numpy()[:, 0, None] * ~np.isnan(b)
    want = np.nansum(p * np.nan_to_num(b), axis=0) / p.sum(axis=0)
    np.testing.assert_allclose(means[(means["outcome"] == "b") & (means["group"] == 1)]["mean"], want)


def test_tests_of_one_outcome_and_across_outcomes(res):
    alone = res.of_outcome("b").equal_curves([1, 2])
    whole = res.wald_test("b: intercept[1] = b: intercept[2], b: tb[1] = b: tb[2]")
    assert alone.statistic == pytest.approx(whole.statistic, rel=1e-9)
    assert res.wald_test("a: ta[1] = c: tc[2]").df == 1


@pytest.mark.parametrize("ask", [
    lambda one: one.profile_int("tb[2]"), lambda one: one.with_cov_type("robust"), lambda one: one.to_traj(),
    lambda one: gbtm.bootstrap(one, n=2), lambda one: one.scores,
])
def test_what_needs_the_whole_likelihood_is_refused(res, ask):
    with pytest.raises(SpecificationError) as caught:
        ask(res.of_outcome("b"))
    assert caught.value.code == "part_of_a_fit"


@pytest.mark.parametrize("ask", [
    lambda res: res.fittedvalues, lambda res: res.resid_pearson,
    lambda res: res.plot_groups(), lambda res: gbtm.residual_checks(res),
    lambda res: gbtm.ar1_check(res), lambda res: res.family,
])
def test_what_is_of_one_outcome_says_so(res, ask, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SpecificationError) as caught:
        ask(res)
    assert caught.value.code == "several_outcomes"
    assert not list(tmp_path.iterdir())


def test_an_unknown_outcome(res):
    for wrong in ("d", 0, 4, True, None):
        with pytest.raises(SpecificationError, match="outcome: "):
            res.of_outcome(wrong)


def test_a_file_has_all_outcomes(res, tmp_path):
    res.save(tmp_path / "fit.json")
    read = gbtm.load(tmp_path / "fit.json")
    assert read.outcome_names == ["a", "b", "c"]
    assert read.formula == "a ~ ta; b ~ tb; c ~ tc"
    assert read.of_outcome("c").formula == "c ~ tc"
    pd.testing.assert_frame_equal(read.predict(), res.predict())
    assert [n for n in read.traj_names if n.endswith("M1")][:3] == ["intercG1M1", "linearG1M1", "intercG2M1"]
    assert {"sigmaG1M1", "alpha0M3", "constG2", "xG3"} <= set(read.traj_names)


def test_a_file_of_one_outcome_knows_what_it_is_part_of(res, tmp_path):
    res.of_outcome("b").save(tmp_path / "part.json")
    read = gbtm.load(tmp_path / "part.json")
    assert read.part_of == ("a", "b", "c")
    pd.testing.assert_frame_equal(read.predict(), res.of_outcome("b").predict())
    with pytest.raises(SpecificationError, match="was fitted together with others"):
        read.profile_int("tb[2]")


def test_new_people_are_classified_by_whatever_is_seen_of_them(res):
    """Posteriors by the formula pi_k f_k / sum: of all outcomes, of one, and of none, which is the prior."""
    whole = res.classify(DATA)
    np.testing.assert_allclose(whole["probability"].to_numpy().reshape(-1, 3), res.posterior, atol=1e-9)
    b_alone = res.classify(DATA[["id", "x", *COLUMNS["b"]]])["probability"].to_numpy().reshape(-1, 3)
    y = DATA[COLUMNS["b"]].to_numpy()
    eta = [res.params[f"b: intercept[{g}]"] + res.params[f"b: tb[{g}]"] * np.array(WIDE["tb"]) for g in (1, 2, 3)]
    loglik = np.stack([np.nansum(y * e - np.log1p(np.exp(e)) * ~np.isnan(y), axis=1) for e in eta], axis=1)
    theta = np.column_stack([
        np.zeros(len(DATA)), *(res.params[f"theta[{g}]"] + res.params[f"theta_x[{g}]"] * DATA["x"] for g in (2, 3))])
    joint = np.exp(loglik + theta)
    order = np.argsort(~DATA[COLUMNS["b"]].isna().all(axis=1).to_numpy(), kind="stable")
    assert len(order) == len(b_alone)
    by_id = res.classify(DATA[["id", "x", *COLUMNS["b"]]]).pivot(index="id", columns="group", values="probability")
    np.testing.assert_allclose(by_id.loc[DATA["id"]], joint / joint.sum(axis=1, keepdims=True), atol=1e-9)
    none = res.classify(DATA[["id", "x"]]).pivot(index="id", columns="group", values="probability")
    prior = np.exp(theta)
    np.testing.assert_allclose(none.loc[DATA["id"]], prior / prior.sum(axis=1, keepdims=True), atol=1e-9)


def test_simulated_outcomes_are_those_of_the_same_people(res):
    table = res.simulate(rng=1)
    assert list(table.columns) == ["id", "outcome", "time", "y", "group"]
    assert table["outcome"].value_counts().to_dict() == {o.name: o.nobs for o in res.outcomes}
    assert table.groupby("id")["group"].nunique().max() == 1


def test_a_panel_for_each_outcome(res):
    figure = res.plot()
    axes = figure.axes
    assert [ax.get_xlabel() for ax in axes] == ["ta", "tb", "tc"]
    assert [ax.get_legend() is not None for ax in axes] == [True, False, False]
    import matplotlib.pyplot as plt

    plt.close(figure)


def test_the_summary_has_each_outcome(res):
    text = str(res.summary())
    for words in ("a, b, c", "normal, logit, zip", "a over ta, normal: group 1", "c over tc", "theta_x[3]"):
        assert words in text
