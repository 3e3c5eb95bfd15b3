"""What the user holds: every number recomputed from its definition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import TRUTH, long_table, true_data


@pytest.mark.parametrize("name", TRUTH)
def test_loglik_posterior_and_assignment(name, fitted):
    res = fitted(name)
    data = true_data(name)
    assert res.llf == pytest.approx(oracle.loglik(TRUTH[name][0], res.params.to_numpy(), *data), rel=1e-10)
    p = oracle.posterior(TRUTH[name][0], res.params.to_numpy(), *data)
    np.testing.assert_allclose(res.posterior.to_numpy(), p, atol=1e-9)
    assert res.posterior.columns.tolist() == [1, 2]
    np.testing.assert_array_equal(res.assignment.to_numpy(), p.argmax(axis=1) + 1)
    assert res.posterior.index.equals(res.ids)
    assert res.ids.name == "id"


@pytest.mark.parametrize("name", TRUTH)
def test_shares_are_the_mean_posterior(name, fitted):
    """At the maximum without covariates, pi_k is the mean of P_ik."""
    res = fitted(name)
    np.testing.assert_allclose(res.group_shares["share"], res.posterior.mean().to_numpy(), atol=1e-6)
    assert res.group_shares["share"].sum() == pytest.approx(1.0, abs=1e-12)
    assigned = res.assignment.value_counts(normalize=True).reindex([1, 2], fill_value=0)
    np.testing.assert_allclose(res.group_shares["assigned"], assigned)


def test_tests_and_intervals(fitted):
    res = fitted("zip_own")
    z = res.params / res.bse
    np.testing.assert_allclose(res.tvalues, z)
    np.testing.assert_allclose(res.pvalues, 2 * stats.norm.sf(np.abs(z)))
    ci = res.conf_int()
    np.testing.assert_allclose(ci[0], res.params - 1.959963984540054 * res.bse)
    np.testing.assert_allclose(ci[1], res.params + 1.959963984540054 * res.bse)
    narrow = res.conf_int(alpha=0.5)
    assert (narrow[1] - narrow[0] < ci[1] - ci[0]).all()
    np.testing.assert_allclose(np.sqrt(np.diag(res.cov_params())), res.bse)
    for s in (res.bse, res.tvalues, res.pvalues, ci, res.cov_params()):
        assert list(s.index) == list(res.params.index)


@pytest.mark.parametrize("name", ["normal", "zip_own"])
def test_criteria(name, fitted):
    res = fitted(name)
    ll, k = res.llf, len(res.params)
    assert res.df_model == k == TRUTH[name][0].size
    assert res.aic == pytest.approx(-2 * ll + 2 * k)
    p = res.posterior.to_numpy()
    spread = -(p * np.log(np.where(p > 0, p, 1))).sum()
    assert res.entropy == pytest.approx(1 - spread / (res.n_subjects * np.log(2)), rel=1e-12)
    for column, n in (("subjects", res.n_subjects), ("observations", res.nobs)):
        c = res.criteria[column]
        assert c["aic"] == res.aic
        assert c["bic"] == pytest.approx(-2 * ll + k * np.log(n))
        assert c["sabic"] == pytest.approx(-2 * ll + k * np.log((n + 2) / 24))
        assert c["caic"] == pytest.approx(-2 * ll + k * (np.log(n) + 1))
        assert c["icl"] == pytest.approx(c["bic"] + 2 * spread)
        assert c["traj_aic"] == pytest.approx(ll - k)
        assert c["traj_bic"] == pytest.approx(ll - k / 2 * np.log(n))
    assert res.bic == res.criteria.loc["bic", "subjects"]


def test_icl_counts_a_weight_as_so_many_people(fitted):
    """Integer weights against the people written down as often: only log n tells the two apart.

    Weights are rescaled to mean 1, so that the weighted sums come out smaller by the mean weight.
    """
    table = long_table(*true_data("normal"))
    times = 1 + table["id"] % 3
    copies = table.loc[table.index.repeat(times)].reset_index(drop=True)
    copies["id"] = copies["id"] * 10 + copies.groupby(["id", "t"]).cumcount()
    about = {"id": "id", "groups": 2, "order": (1, 2)}
    start = fitted("normal").params
    weighted = gbtm.GBTM.from_formula("y ~ t", table.assign(w=times), weights="w", **about).fit(start=start)
    written = gbtm.GBTM.from_formula("y ~ t", copies, **about).fit(start=start)
    mean = written.n_subjects / weighted.n_subjects
    assert written.llf == pytest.approx(weighted.llf * mean, rel=1e-9)
    for n in ("subjects", "observations"):
        ours, theirs = weighted.criteria[n], written.criteria[n]
        assert theirs["icl"] - theirs["bic"] > 0.01
        assert (ours["icl"] - ours["bic"]) * mean == pytest.approx(theirs["icl"] - theirs["bic"], rel=1e-5)
    p = weighted.posterior.to_numpy()
    assert weighted.entropy == pytest.approx(1 + (p * np.log(p)).sum() / (len(p) * np.log(2)), rel=1e-9)


def test_one_group(fitted):
    res = gbtm.GBTM.from_formula("y ~ t", long_table(*true_data("normal")), id="id", groups=1, order=1).fit()
    assert np.isnan(res.entropy)
    assert (res.posterior == 1).all(axis=None)
    assert (res.assignment == 1).all()
    assert res.group_shares["share"].tolist() == [1.0]
    assert list(res.params.index) == ["intercept[1]", "t[1]", "sigma"]


def test_sizes(fitted):
    res = fitted("normal")
    assert (res.n_groups, res.nobs, res.n_subjects, res.family) == (2, 400, 80, "normal")
    assert res.group_names == [1, 2]
    assert (res.outcome_name, res.time_name) == ("y", "t")
    assert "2 groups" in repr(res)
    assert f"{res.llf:.4f}" in repr(res)


def test_observed_means_are_posterior_weighted(fitted):
    res = fitted("cnorm")
    subject, time, y = true_data("cnorm")
    p = res.posterior.to_numpy()
    table = res.observed_means
    for row in table.itertuples():
        here = time == row.t
        w = p[subject[here], row.group - 1]
        assert row.mean == pytest.approx((w * y[here]).sum() / w.sum(), rel=1e-12)
        assert row.weight == pytest.approx(w.sum(), rel=1e-12)
    assert len(table) == 10


def test_observed_means_at_waves_of_wide_data_with_own_times():
    """A wave is a column, its time the mean of the times seen there."""
    rng = np.random.default_rng(0)
    times = np.array([1.0, 2.0, 3.0]) + rng.uniform(-0.2, 0.2, (40, 3))
    y = np.repeat([0.0, 5.0], 20)[:, None] + rng.normal(size=(40, 3))
    res = gbtm.GBTM(y, times, groups=2, order=0).fit()
    table = res.observed_means
    assert len(table) == 6
    np.testing.assert_allclose(table["time"][:3], times.mean(axis=0))
    p = res.posterior.to_numpy()
    np.testing.assert_allclose(table["mean"][:3], (p[:, [0]] * y).sum(0) / p[:, 0].sum())


def test_fitted_values_and_residuals(fitted):
    res = fitted("normal")
    subject, time, y = true_data("normal")
    p = res.posterior.to_numpy()
    b = res.params
    low = b["intercept[1]"] + b["t[1]"] * time
    curve = np.stack([low, b["intercept[2]"] + b["t[2]"] * time + b["t^2[2]"] * time**2])
    want = (p[subject].T * curve).sum(axis=0)
    np.testing.assert_allclose(res.fittedvalues, want, rtol=1e-9)
    np.testing.assert_allclose(res.resid, y - want, atol=1e-9)


def test_start_report(fitted):
    report = fitted("logit").start_report
    assert report.index.name == "rank"
    assert report.index.tolist() == list(range(1, len(report) + 1))
    assert report["difference"].iloc[0] == 0
    assert report["loglik"].iloc[0] == fitted("logit").llf
    np.testing.assert_allclose(report["difference"], report["loglik"] - fitted("logit").llf)
    assert set(report.attrs) >= {"sentence", "n_starts", "n_moves", "n_failed"}


def test_ids_survive_in_order_and_kind():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(10, 3)) + np.repeat([0, 9], 5)[:, None]
    names = [f"p{i}" for i in (5, 3, 9, 1, 0, 2, 4, 8, 7, 6)]
    res = gbtm.GBTM(y, range(3), names, groups=2, order=0).fit()
    assert list(res.ids) == names
    assert res.assignment.loc[names[:5]].eq(1).all()
    assert res.assignment.loc[names[5:]].eq(2).all()


def test_results_do_not_load_torch(tmp_path, fitted):
    """A saved fit is read, printed and predicted from without torch."""
    import subprocess
    import sys

    from conftest import ROOT

    fitted("zip_own").save(tmp_path / "fit.json")
    code = (
        "import sys, gbtm\n"
        f"res = gbtm.load({str(tmp_path / 'fit.json')!r})\n"
        "res.params, res.bse, res.criteria, res.group_shares, res.predict([1.5])\n"
        "res.observed_means, res.fittedvalues\n"
        "res.to_traj().text\n"
        "str(res.summary())\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "python", check=False
    )
    assert done.returncode == 0, done.stderr


def test_group_tables_have_the_same_groups(fitted):
    res = fitted("zip_own")
    for table in (res.group_shares, res.posterior.T):
        assert table.index.tolist() == [1, 2]
    assert isinstance(res.assignment, pd.Series)


def test_fitted_values_say_whose_they_are():
    """As bare numbers in the order of people and times they were put beside the rows of a table in another order."""
    table = gbtm.datasets.two_groups(rng=0, n_per_group=10, periods=4)
    mixed = table.sample(frac=1, random_state=2).reset_index(drop=True)
    mixed.loc[5, "y"] = np.nan
    res = gbtm.GBTM.from_formula("y ~ t", mixed, id="id", groups=2, order=1).fit(n_starts=1)
    there = mixed.set_index(["id", "t"]).assign(fitted=res.fittedvalues, resid=res.resid, pearson=res.resid_pearson)
    assert there.fitted.isna().tolist() == mixed.y.isna().tolist()
    p, b = res.posterior.loc[mixed.id].to_numpy(), res.params
    means = np.column_stack([b[f"intercept[{k}]"] + b[f"t[{k}]"] * mixed.t for k in (1, 2)])
    want = pd.Series((p * means).sum(axis=1)).where(mixed.y.notna()).to_numpy()
    np.testing.assert_allclose(there.fitted, want, rtol=1e-9)
    np.testing.assert_allclose(there.resid, mixed.y - want, rtol=1e-7, atol=1e-9)
    assert np.sign(there.pearson).equals(np.sign(there.resid).rename("pearson"))
