"""Standard errors of the two-step table with the curves known: against derivatives in scipy, and beside the joint."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp

import gbtm
from dual import DATA, fitted, model
from gbtm.likelihood.mixture import Mixture


@pytest.fixture(scope="module")
def res():
    return fitted()


def _by_differences(densities, shares, weight):
    """Covariance (6, 6) of joint shares: the inverse information of their logits, by central differences."""
    def gradient(u):
        p = np.exp(log_f + u - logsumexp(u))
        p /= p.sum(axis=1, keepdims=True)
        return weight @ (p - np.exp(u - logsumexp(u)))

    log_f, u, h = densities, np.log(shares), 1e-5
    info = -np.stack([(gradient(u + h * e) - gradient(u - h * e)) / (2 * h) for e in np.eye(6)])[1:, 1:]
    slopes = (np.diag(shares) - np.outer(shares, shares))[:, 1:]
    return slopes @ np.linalg.inv(info) @ slopes.T


def test_they_are_the_inverse_information_of_the_table_alone():
    """At curves that the test knows: those of the joint fit, started from where the separate fits have been."""
    from gbtm.estimation.control import Control
    from gbtm.estimation.covariance import covariance_of_some
    from gbtm.fit.fit_model import separate_fits

    m = model(data=DATA.iloc[:200])
    module = Mixture(m.layout, m.panel)
    found = separate_fits(m.prepared, module, Control(n_starts=2))
    flat = found.two_step.flats[0]
    cov = covariance_of_some(module, flat, "hessian", m.panel.subjects, m.panel.nobs, m.layout.theta)
    stored = found.document(m.layout, cov)["two_step"]
    import torch

    densities = (module.group_loglik(torch.as_tensor(flat)[None])[0] + module.constant).T.numpy()
    want = _by_differences(densities, m.layout.shares(flat), module.weight.numpy())
    np.testing.assert_allclose(stored["jacobian"] @ stored["cov"] @ stored["jacobian"].T, want, rtol=1e-5, atol=1e-12)
    traj = covariance_of_some(module, flat, "traj", m.panel.subjects, m.panel.nobs, m.layout.theta)
    np.testing.assert_allclose(traj.internal, cov.internal * m.panel.nobs / (m.panel.nobs - 5 + 1), rtol=1e-12)


def test_known_curves_know_more(res):
    """Of the joint table the curves' own uncertainty is left out."""
    for table in ("joint", "conditional", "reverse", "margins"):
        both = res.two_step(table)
        np.testing.assert_allclose(both["estimate"], res.transitions(table)["estimate"])
        np.testing.assert_allclose(both["std err"], res.transitions(table)["std err"])
        assert (both["separate std err"] < both["std err"] * 1.02).all()
        assert (both["separate std err"] > both["std err"] * 0.5).all()
        np.testing.assert_allclose(both["difference"], both["estimate"] - both["separate"])
    given = res.two_step("conditional")
    np.testing.assert_allclose(given["separate"].groupby("group1").sum(), 1.0)
    rows = given["separate std err"].groupby("group1")
    np.testing.assert_allclose(rows.max(), rows.min(), rtol=1e-9)  # with two groups one is 1 less the other


def test_with_weights_they_are_sandwiches():
    data = DATA.iloc[:150].assign(w=np.random.default_rng(0).uniform(0.5, 2.0, 150))
    m = model(data=data, weights="w")
    weighted = m.fit(n_starts=1, cov_type="robust")
    plain = m.fit(n_starts=1, cov_type="hessian")
    at = [r.two_step()["separate std err"].to_numpy() for r in (weighted, plain)]
    assert np.isfinite(at).all()
    assert not np.allclose(*at, rtol=0.01)
    np.testing.assert_allclose(at[0] / at[1], 1.0, atol=0.6)


def test_they_are_in_the_file_and_not_missed_in_older_ones(res, tmp_path):
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    np.testing.assert_array_equal(again.two_step()["separate std err"], res.two_step()["separate std err"])
    old = dict(res.document)
    older = {k: v for k, v in old["dual"]["two_step"].items() if k in ("loglik", "shares")}
    document = {**old, "dual": {**old["dual"], "two_step": older}}
    table = gbtm.DualResults(document).two_step()
    assert table["separate std err"].isna().all()
    assert table["separate"].tolist() == res.two_step()["separate"].tolist()


def test_other_tables_are_refused(res):
    with pytest.raises(gbtm.SpecificationError) as caught:
        res.two_step("both")
    assert caught.value.code == "unknown_table"
