"""Adequacy of the classification: formulas by hand, bounds, and what is said about odd groups."""

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import other_groups
from gbtm.adequacy.groups import adequacy
from gbtm.api.results import GBTMResults
from parts import draw


def changed(res, posterior, shares, weights=None):
    """The same fit with another posterior and other shares."""
    k = len(shares)
    p = np.asarray(posterior, dtype=float)
    document = {
        **other_groups(res.document, posterior=p, shares=np.asarray(shares), cov_shares=1e-4 * np.eye(k), n_groups=k),
        "weights": weights, "n_subjects": len(p), "ids": list(range(len(p))),
    }
    return GBTMResults(document)


@pytest.mark.parametrize("name", ["normal", "zip_own", "logit"])
def test_formulas(fitted, name):
    res = fitted(name)
    table = res.adequacy
    p = res.group_sets[0].posterior
    own = p.argmax(axis=1)
    for g in range(2):
        pi = res.group_sets[0].shares[g]
        mean = np.mean([p[i, g] for i in range(len(p)) if own[i] == g])
        row = table.loc[g + 1]
        assert row["avepp"] == pytest.approx(mean)
        assert row["occ"] == pytest.approx(mean / (1 - mean) / (pi / (1 - pi)))
        assert row["n_assigned"] == (own == g).sum()
        assert row["mismatch"] == pytest.approx((own == g).mean() - pi)
        assert row["share_lower"] < pi < row["share_upper"]
    pd.testing.assert_series_equal(res.avepp, table["avepp"])
    pd.testing.assert_series_equal(res.occ, table["occ"])
    assert table["mismatch"].sum() == pytest.approx(0, abs=1e-8)
    assert table["n_assigned"].sum() == res.n_subjects


def test_interval_of_the_share_is_that_of_theta(fitted):
    """With two groups the logit of a share is theta itself: both Wald intervals are one."""
    res = fitted("poisson")
    low, high = res.conf_int().loc["theta[2]"]
    table = res.adequacy
    assert table["share_lower"][2] == pytest.approx(1 / (1 + np.exp(-low)), rel=1e-6)
    assert table["share_upper"][2] == pytest.approx(1 / (1 + np.exp(-high)), rel=1e-6)
    assert table["share_lower"][1] == pytest.approx(1 - table["share_upper"][2], rel=1e-6)


def test_two_intervals_of_one_share_are_told_apart(fitted):
    res = fitted("logit")
    assert res.group_shares["lower"][2] != pytest.approx(res.adequacy["share_lower"][2], abs=1e-3)
    assert any("logit scale" in note and "summary()" in note for note in res.adequacy.attrs["notes"])
    assert "symmetric" in " ".join(str(res.summary()).split())
    one = gbtm.GBTM(np.random.default_rng(0).normal(size=(30, 4)), range(4), groups=1, order=1).fit()
    assert "symmetric" not in " ".join([str(one.summary()), *one.adequacy.attrs["notes"]])


def test_weights_count():
    res = draw("weights").built().fit(rng=0, n_starts=4)
    w, p = res.weights, res.group_sets[0].posterior
    table, own = res.adequacy, p.argmax(axis=1)
    mine = own == 0
    assert table["avepp"][1] == pytest.approx(np.average(p[mine, 0], weights=w[mine]))
    assert table["assigned"][1] == pytest.approx(w[mine].sum() / w.sum())
    assert table["n_assigned"][1] == mine.sum()
    assert any("sampling weights" in n for n in table.attrs["notes"])


def test_standard_error_of_the_mismatch_is_the_bootstraps(fitted):
    """Over resamples of subjects, the parameters held, the mean of 1(assigned) - P varies by that much."""
    res = fitted("logit")
    p = res.group_sets[0].posterior
    gap = (p.argmax(axis=1) == 0) - p[:, 0]
    rng = np.random.default_rng(3)
    means = [gap[rng.integers(0, len(gap), len(gap))].mean() for _ in range(4000)]
    assert res.adequacy["mismatch_se"][1] == pytest.approx(np.std(means), rel=0.05)


def test_nobody_assigned_is_said(fitted):
    p = np.tile([0.6, 0.4], (20, 1))
    table = adequacy(changed(fitted("normal"), p, [0.6, 0.4]))
    assert np.isnan(table.loc[2, ["avepp", "occ"]].to_numpy(dtype=float)).all()
    assert table["n_assigned"].tolist() == [20, 0]
    assert any("Group 2" in n and "nobody's" in n for n in table.attrs["notes"])


def test_low_avepp_and_a_large_groups_occ_are_told_apart(fitted):
    p = np.vstack([np.tile([0.85, 0.15], (80, 1)), np.tile([0.4, 0.6], (20, 1))])
    notes = adequacy(changed(fitted("normal"), p, [0.8, 0.2])).attrs["notes"]
    large = next(n for n in notes if n.startswith("Group 1: OCC"))
    assert "OCC is 1.4" in large
    assert "low by construction" in large
    assert "AvePP of 0.95 to reach 5" in large  # 20 / 21
    assert any(n.startswith("Group 2: AvePP is 0.60, below 0.7") for n in notes)
    clear = np.vstack([np.tile([0.99, 0.01], (50, 1)), np.tile([0.01, 0.99], (50, 1))])
    notes = adequacy(changed(fitted("normal"), clear, [0.5, 0.5])).attrs["notes"]
    assert not any(n.startswith("Group") for n in notes)


def test_one_group_says_so():
    res = gbtm.GBTM.from_formula("y ~ t", data=gbtm.datasets.two_groups(rng=0), id="id", groups=1, order=1).fit(rng=0)
    table = res.adequacy
    assert table.loc[1, ["avepp", "assigned", "share"]].tolist() == pytest.approx([1, 1, 1], abs=1e-15)
    assert table.loc[1, ["occ", "mismatch_se", "share_lower", "share_upper"]].isna().all()
    assert table.attrs["notes"] == [n for n in table.attrs["notes"] if n.startswith("One group")]


def test_a_certain_groups_occ_is_infinite_and_said(fitted):
    p = np.vstack([np.tile([1.0, 0.0], (50, 1)), np.tile([0.0, 1.0], (50, 1))])
    table = adequacy(changed(fitted("normal"), p, [0.5, 0.5]))
    assert np.isposinf(table["occ"]).all()
    assert sum("infinite" in n for n in table.attrs["notes"]) == 2


def test_summary_prints_it(fitted):
    res = fitted("zip_own")
    text = str(res.summary())
    assert f"{res.adequacy['avepp'][1]:.3f}" in text
    assert isinstance(res.adequacy, pd.DataFrame)
