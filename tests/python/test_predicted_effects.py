"""Predicted random effects: against the conditional normal written out by matrices, and what must hold of any."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm


def table(people=60, seed=3):
    """Two groups with a random intercept and slope, some observations missing; times of five to nine."""
    rng = np.random.default_rng(seed)
    subject, t = np.repeat(np.arange(people), 5), np.tile(np.arange(5.0, 10.0), people)
    high = (np.arange(people) % 3 == 0)[subject]
    b = rng.normal(size=(people, 2)) * [1.0, 0.3]
    y = np.where(high, 9.0 + 0.5 * t, 0.0) + b[subject, 0] + b[subject, 1] * (t - 7) + 0.5 * rng.normal(size=t.size)
    data = pd.DataFrame({"id": [f"p{i:03d}" for i in subject], "t": t, "y": y, "w": rng.normal(size=t.size)})
    return data[rng.random(len(data)) > 0.2]


def fit(data, rorder, **more):
    return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=rorder, **more).fit(
        n_starts=4, rng=0)


def written_out(res, data, group, effects, covariate=None):
    """Means and covariances of the effects of each person, given the group: the conditional of a joint normal."""
    p = res.params
    sigma = p["sigma"]
    sd = np.array([p[f"r{j}_sigma[{group}]"] for j in range(effects)])
    prior = np.diag(sd**2)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        if f"r{a}{b}_corr[{group}]" in p.index:
            prior[a, b] = prior[b, a] = p[f"r{a}{b}_corr[{group}]"] * sd[a] * sd[b]
    out = {}
    for who, rows in data.groupby("id"):
        t, y = rows["t"].to_numpy(), rows["y"].to_numpy()
        mean = p[f"intercept[{group}]"] + p[f"t[{group}]"] * t
        if covariate:
            mean = mean + p[f"{covariate}[{group}]"] * rows[covariate].to_numpy()
        z = np.vander(t, effects, increasing=True)
        joint = z @ prior  # Cov(y, b)
        inverse = np.linalg.inv(sigma**2 * np.eye(t.size) + joint @ z.T)
        out[who] = joint.T @ inverse @ (y - mean), prior - joint.T @ inverse @ joint
    return out


@pytest.mark.parametrize(("rorder", "covariate", "correlated"), [
    (0, None, False), (1, None, False), (1, "w", False), (1, None, True), (2, None, True)])
def test_given_the_group_they_are_the_conditional_normal(rorder, covariate, correlated):
    data = table()
    res = fit(data, rorder, tcov=covariate, rcorr=correlated)
    got, effects = res.random_effects(by_group=True), rorder + 1
    for group in (1, 2):
        for who, (mean, cov) in written_out(res, data, group, effects, covariate).items():
            row = got.loc[(who, group)]
            names = ["intercept", "slope", "quadratic"][:effects]
            tolerance = 1e-8 if effects < 3 else 1e-6
            np.testing.assert_allclose(row[names], mean, rtol=tolerance, atol=1e-10)
            np.testing.assert_allclose(row[[f"{n} sd" for n in names]], np.sqrt(np.diag(cov)), rtol=tolerance)
            if rorder == 2:
                for a, b in ((0, 1), (0, 2), (1, 2)):
                    correlation = cov[a, b] / np.sqrt(cov[a, a] * cov[b, b])
                    assert row[f"{names[a]}:{names[b]} correlation"] == pytest.approx(correlation, abs=1e-6)
            elif rorder:
                assert row["correlation"] == pytest.approx(cov[0, 1] / np.sqrt(cov[0, 0] * cov[1, 1]), abs=1e-8)


def test_over_the_groups_they_are_the_mixture():
    res = fit(table(), 1)
    by_group, over = res.random_effects(by_group=True), res.random_effects()
    assert list(over.index) == list(res.ids)
    p = res.posterior.to_numpy()
    np.testing.assert_allclose(by_group["probability"].to_numpy().reshape(p.shape), p, atol=0)
    mean = by_group["slope"].to_numpy().reshape(p.shape)
    second = by_group["slope sd"].to_numpy().reshape(p.shape) ** 2 + mean**2
    np.testing.assert_allclose(over["slope"], (p * mean).sum(1), rtol=1e-10)
    np.testing.assert_allclose(over["slope sd"] ** 2, (p * second).sum(1) - over["slope"] ** 2, rtol=1e-8)


def test_their_variances_add_up_to_those_of_the_model():
    """E over people of V + m^2 is the prior's variance, at the maximum exactly: the score of the sd is zero."""
    data = table()
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, rorder=1).fit(rng=0)
    got = res.random_effects()
    for name, sd in (("intercept", "r0_sigma[1]"), ("slope", "r1_sigma[1]")):
        assert (got[f"{name} sd"] ** 2 + got[name] ** 2).mean() == pytest.approx(res.params[sd] ** 2, rel=1e-5)


def test_a_group_without_them_has_none():
    res = fit(table(), [-1, 0])
    got = res.random_effects(by_group=True)
    np.testing.assert_array_equal(got.xs(1, level="group")[["intercept", "intercept sd"]], 0.0)
    assert (got.xs(2, level="group")["intercept sd"] > 0).all()


def test_a_fit_from_a_file_has_the_same(tmp_path):
    res = fit(table(), 0)
    res.save(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(gbtm.load(tmp_path / "fit.json").random_effects(), res.random_effects())


def test_refusals():
    data = table()
    with pytest.raises(gbtm.SpecificationError, match="rorder=0"):
        gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1).fit(n_starts=1).random_effects()
    several = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=1, rorder=0), gbtm.Outcome("w ~ t", order=1)], data, id="id", groups=1
    ).fit(n_starts=1)
    with pytest.raises(gbtm.SpecificationError, match="of_outcome"):
        several.random_effects()
    assert list(several.of_outcome("y").random_effects()) == ["intercept", "intercept sd"]
    low = data.assign(y=data["y"].clip(lower=0.0))
    censored = gbtm.GBTM.from_formula(
        "y ~ t", low, id="id", groups=1, order=1, family="cnorm", min=0, rorder=0).fit(n_starts=1)
    with pytest.raises(gbtm.SpecificationError, match="bound"):
        censored.random_effects()
