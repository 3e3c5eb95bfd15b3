"""Outcomes correlated within groups: the estimate written out, what a copy gives, size and power by simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import SpecificationError

TIMES = np.arange(4.0)


def _draw(seed: int, rho: float, n: int = 150) -> pd.DataFrame:
    """Two normal outcomes of two groups whose errors at one time correlate by rho, and a binary one; some missing."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 2, n)
    who = np.repeat(np.arange(n), TIMES.size)
    e = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], who.size)
    t, g = np.tile(TIMES, n), group[who]
    data = pd.DataFrame({
        "id": who, "t": t, "y": 2.0 * g + 0.3 * t + e[:, 0], "z": 5 + (1.5 - 0.5 * t) * g + 2 * e[:, 1],
        "b": (rng.random(who.size) < 0.35 + 0.3 * g).astype(float),
    })
    data.loc[rng.random(who.size) < 0.1, "z"] = np.nan
    return data


def _fit(data: pd.DataFrame, **options):
    outcomes = ["y ~ t", "z ~ t", gbtm.Outcome("b ~ t", family="logit", order=0)]
    model = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2, order=1, **options)
    start = [0, 0.3, 2, 0.3, 5, 0, 6.5, -0.5, -0.6, 0.6, 1, 2, 0]
    return model.fit(start=start, n_starts=1)


@pytest.fixture(scope="module")
def correlated():
    data = _draw(0, 0.4)
    return _fit(data), data


def test_estimates_by_the_formula(correlated):
    res, data = correlated
    table = res.residual_correlations()
    assert table[["outcome", "other"]].drop_duplicates().to_numpy().tolist() == [["y", "z"], ["y", "b"], ["z", "b"]]
    p, both = res.params, data["z"].notna()
    for k in (1, 2):
        e = (data["y"] - p[f"y: intercept[{k}]"] - p[f"y: t[{k}]"] * data["t"]) / p["y: sigma"]
        f = (data["z"] - p[f"z: intercept[{k}]"] - p[f"z: t[{k}]"] * data["t"]) / p["z: sigma"]
        w = res.posterior[k].reindex(data["id"]).to_numpy()[both]
        e, f = e[both], f[both]
        want = (w * e * f).sum() / np.sqrt((w * e**2).sum() * (w * f**2).sum())
        row = table[(table["outcome"] == "y") & (table["other"] == "z") & (table["group"] == k)].iloc[0]
        assert row["correlation"] == pytest.approx(want, rel=1e-6)
        assert (row["pairs"], row["people"]) == (both.sum(), data[both]["id"].nunique())
        assert row["p"] < 1e-4
    assert any("y and z" in note for note in table.attrs["notes"])
    others = table[table["other"] == "b"]
    assert (others["p"] > 0.001).all()


def test_weights_of_one_and_people_as_clusters_change_nothing(correlated):
    res, data = correlated
    plain = res.residual_correlations(by_group=False)
    alike = _fit(data.assign(one=7.0), weights="one").residual_correlations(by_group=False)
    np.testing.assert_allclose(alike[["correlation", "std err"]], plain[["correlation", "std err"]], rtol=1e-4)
    people = _fit(data, cluster="id").residual_correlations(by_group=False)
    n = data["id"].nunique()
    np.testing.assert_allclose(
        people["std err"], plain["std err"] * np.sqrt((n - len(res.params)) / n * n / (n - 1)), rtol=1e-4)


def test_times_that_are_not_shared():
    data = _draw(1, 0.0, n=60)
    data["b"] = np.where(data["t"] < 2, data["b"], np.nan)
    data["y"] = np.where(data["t"] < 2, np.nan, data["y"])
    res = _fit(data)
    table = res.residual_correlations(by_group=False).set_index(["outcome", "other"])
    assert table.loc[("y", "b"), "pairs"] == 0
    assert np.isnan(table.loc[("y", "b"), "p"])
    assert any("y and b have no time in common" in note for note in table.attrs["notes"])
    two = gbtm.GBTM.from_formula(
        ["y ~ t", gbtm.Outcome("b ~ t", family="logit", order=0)], data, id="id", groups=2, order=0).fit(n_starts=2)
    with pytest.raises(SpecificationError) as caught:
        two.residual_correlations()
    assert caught.value.code == "no_common_time"


@pytest.mark.slow
def test_size_and_power():
    """At 5 % it rejects in about 5 % of samples without correlation, though the parameters are estimated."""
    p = np.stack([_fit(_draw(s, 0.0, n=120)).residual_correlations()["p"].to_numpy() for s in range(300)])
    rates = (p < 0.05).mean(axis=0)
    spread = np.sqrt(0.05 * 0.95 / 300)
    assert (np.abs(rates - 0.05) < 3.5 * spread).all(), rates
    assert abs(rates.mean() - 0.05) < 0.02
    power = np.stack([
        _fit(_draw(s, 0.25, n=120)).residual_correlations(by_group=False)["p"].to_numpy() for s in range(40)])
    assert (power[:, 0] < 0.05).mean() > 0.8
