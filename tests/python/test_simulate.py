"""Simulated outcomes against formulas: means, variances, shares of zeros, correlations within subjects."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import gbtm
import oracle
from conftest import arguments
from gbtm.likelihood.simulate import simulate
from gbtm.record.rebuild import prepared_of
from parts import PARTS, draw

N = 4000
UNEVEN = np.array([0.0, 0.5, 2.0, 3.5, 7.0])


def built(model, n=N, times=(0, 1, 2, 3), **more):
    """The package's model on made-up outcomes at given times; one observation in seven is missing."""
    rng = np.random.default_rng(3)
    times = np.asarray(times, dtype=float)
    table = pd.DataFrame({"id": np.repeat(np.arange(n), times.size), "t": np.tile(times, n)})
    table["y"] = rng.uniform(0.2, 0.8, len(table)) if model.family in ("normal", "cnorm", "beta") else rng.integers(
        0, 2, len(table)).astype(float)
    return gbtm.GBTM.from_formula("y ~ t", table[rng.random(len(table)) < 0.86], id="id", **arguments(model), **more)


def drawn(model, params, rng=0):
    panel, group = simulate(model.layout, model.layout.unreport(np.asarray(params, dtype=float)), model.panel, rng)
    return panel.outcomes[0], group


def is_mean(values, expected, z=4.5):
    """The mean of independent values is the expected one, as far as chance allows."""
    se = values.std(ddof=1) / np.sqrt(values.size)
    assert abs(values.mean() - expected) <= z * se + 1e-12, (values.mean(), expected, se)


MOMENTS = {  # oracle model, parameters, and (mean, P(lowest value) or None, variance) of eta, scale and zero part
    "normal": (oracle.Model("normal", (1, 2), sigma_by_group=True), [100, 8, 400, -50, 6, 5, 20, 0.4]),
    "cnorm": (oracle.Model("cnorm", (1, 0), lower=0.0, upper=3.0), [0.2, 0.3, 2.5, 1.0, -0.4]),
    "poisson": (oracle.Model("poisson", (-1, 1)), [0.4, 0.2, 0.3]),
    "zip_own": (oracle.Model("zip", (0, 1), (-1, 1)), [-0.5, 1.2, 0.1, -1, 0.3, 0.1]),
    "zip_common": (oracle.Model("zip", (1, 1), (0,)), [0, 0.2, 1.4, 0, -0.6, 0.2]),
    "negbin": (oracle.Model("negbin", (1, 0), dispersion_by_group=True), [0.1, 0.1, 1.6, 0.4, 1.2, 0.3]),
    "zinb": (oracle.Model("zinb", (0, 1), (0,)), [0.3, 1.3, 0.1, -0.7, 0.6, 0.1]),
    "logit": (oracle.Model("logit", (1, 1)), [-2, 0.4, 1, 0.2, 0.2]),
    "beta": (oracle.Model("beta", (0, 1)), [-1, 0.5, 0.3, 6, 15, -0.3]),
}


def formulas(model, p, k, time):
    """E(y), Var(y) and P(y = its lowest value) of group k at a time, by scipy."""
    eta = None if p.mean[k] is None else float(oracle.polynomial(time, p.mean[k]))
    if model.family in ("normal", "cnorm"):
        low, high, s = model.lower, model.upper, p.scale[k]
        grid = np.linspace(eta - 9 * s, eta + 9 * s, 200_001)
        density = stats.norm.pdf(grid, eta, s) * (grid[1] - grid[0])
        y = np.clip(grid, low, high)
        mean = density @ y
        return mean, density @ (y - mean) ** 2, stats.norm.cdf(low, eta, s)
    if model.family == "logit":
        q = expit(eta)
        return q, q * (1 - q), 1 - q
    if model.family == "beta":
        d = stats.beta(p.scale[k] * expit(eta), p.scale[k] * expit(-eta))
        return d.mean(), d.var(), 0.0
    y = np.arange(600.0)
    f = np.exp(oracle.log_density(
        model.family, y, eta, psi=p.scale[k], zeta=None if p.zero[k] is None else oracle.polynomial(time, p.zero[k])))
    return f @ y, f @ (y - f @ y) ** 2, f[0]


@pytest.mark.parametrize("name", MOMENTS)
def test_moments_of_each_group_and_time(name):
    model, params = MOMENTS[name]
    m, group = drawn(built(model), params)
    p = oracle.read(model, params)
    for k in range(2):
        for time in (0.0, 3.0):
            y = m.y[(group[m.subject] == k) & (m.time == time)]
            mean, variance, lowest = formulas(model, p, k, time)
            is_mean(y, mean)
            is_mean((y - mean) ** 2, variance)
            bottom = model.lower if model.family == "cnorm" else 0.0
            is_mean((y <= bottom).astype(float), lowest)
    shares = np.exp(oracle.log_shares(model, params, 1))[0]
    is_mean((group == 1).astype(float), shares[1])


def test_censored_values_are_the_bounds_exactly():
    model, params = MOMENTS["cnorm"]
    m, _ = drawn(built(model), params)
    assert m.y.min() == 0.0
    assert m.y.max() == 3.0


@pytest.mark.parametrize("name", [n for n, t in PARTS.items() if not t.model.dropout])
def test_the_likelihood_of_simulated_data_is_highest_at_the_truth(name):
    """With covariates, exposure, weights: the score at the parameters drawn from has mean zero."""
    d = draw(name)
    model = d.built()
    flat = model.layout.unreport(np.array(d.truth.params, dtype=float))
    beside = d.beside
    weights = np.ones(model.panel.n_subjects) if beside.weights is None else beside.weights / beside.weights.mean()
    scores = []
    for seed in range(60):
        panel, _ = simulate(model.layout, flat, model.panel, seed)
        y = panel.outcomes[0].y

        def total(params, y=y):
            own = oracle.subject_loglik(d.truth.model, params, d.data[0], d.data[1], y, beside)
            return own @ weights

        x = np.array(d.truth.params, dtype=float)
        step = 1e-4
        scores.append([(total(x + step * e) - total(x - step * e)) / (2 * step) for e in np.eye(x.size)])
    scores = np.array(scores)
    z = scores.mean(axis=0) / (scores.std(axis=0, ddof=1) / np.sqrt(len(scores)))
    # parameters are few and the draws are the same at each run: 4.2 is beyond one in a thousand over all of them
    assert np.abs(z).max() < 4.2, dict(zip(model.layout.names, z.round(1)))


def test_what_was_given_stays():
    d = draw("exposure_zip")
    model = d.built()
    panel, group = simulate(model.layout, model.layout.unreport(np.array(d.truth.params)), model.panel, 1)
    old, new = model.panel.outcomes[0], panel.outcomes[0]
    for name in ("subject", "time", "wave", "row", "exposure"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name))
    assert panel.ids.equals(model.panel.ids)
    assert group.shape == (panel.n_subjects,)
    assert not np.array_equal(new.y, old.y)
    again, _ = simulate(model.layout, model.layout.unreport(np.array(d.truth.params)), model.panel, 1)
    np.testing.assert_array_equal(again.outcomes[0].y, new.y)


@pytest.mark.parametrize("rho", [0.6, -0.5])
def test_ar1_errors_over_uneven_gaps(rho):
    times = UNEVEN if rho > 0 else np.array([0.0, 1, 3, 4, 6])
    model = built(oracle.Model("normal", (1, 1)), times=times, ar1=True)
    m, group = drawn(model, [1, 0.5, 40, -0.5, 2.0, rho, 0.2])
    k = group[m.subject]
    e = (m.y - np.where(k == 0, 1 + 0.5 * m.time, 40 - 0.5 * m.time)) / 2.0
    is_mean(e, 0)
    is_mean(e**2, 1)
    table = np.full((group.size, 5), np.nan)
    table[m.subject, np.searchsorted(times, m.time)] = e
    for a, b in ((0, 1), (1, 2), (0, 3), (2, 4)):
        both = ~np.isnan(table[:, a]) & ~np.isnan(table[:, b])
        gap = times[b] - times[a]
        expected = np.sign(rho) ** gap * abs(rho) ** gap
        is_mean(table[both, a] * table[both, b], expected)


def test_random_intercept_and_slope():
    model = built(oracle.Model("normal", (1, 0)), times=UNEVEN, rorder=[1, 0])
    names = model.layout.names
    given = {"intercept[1]": 5, "t[1]": 1, "intercept[2]": 80, "sigma": 0.5, "theta[2]": 0.1, "r0_sigma[1]": 2,
             "r1_sigma[1]": 0.7, "r0_sigma[2]": 3}
    assert set(given) == set(names)
    m, group = drawn(model, [given[n] for n in names])
    table = np.full((group.size, 5), np.nan)
    table[m.subject, np.searchsorted(UNEVEN, m.time)] = m.y
    for k, mean, r in ((0, 5 + UNEVEN, (2, 0.7)), (1, 80 + 0 * UNEVEN, (3, 0))):
        e = table[group == k] - mean
        for a, b in ((1, 1), (0, 4), (2, 3)):
            both = ~np.isnan(e[:, a] * e[:, b])
            cov = r[0] ** 2 + r[1] ** 2 * UNEVEN[a] * UNEVEN[b] + 0.25 * (a == b)
            is_mean(e[both, a] * e[both, b], cov)


def test_membership_covariates_move_the_groups():
    d = draw("risk_reference")
    model = d.built()
    flat = model.layout.unreport(np.array(d.truth.params))
    groups = np.stack([simulate(model.layout, flat, model.panel, s)[1] for s in range(400)])
    theta = oracle.read(d.truth.model, d.truth.params).theta
    logits = np.column_stack([np.ones(model.panel.n_subjects), d.beside.z]) @ theta.T
    pi = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    for k in range(3):
        z = ((groups == k).mean(axis=0) - pi[:, k]) / np.sqrt(pi[:, k] * (1 - pi[:, k]) / 400)
        assert np.abs(z).max() < 4.5
        assert 0.7 < (z**2).mean() < 1.3


def test_dropout_is_refused_in_a_sentence():
    model = draw("dropout1").built()
    with pytest.raises(gbtm.SpecificationError, match="dropout part") as caught:
        simulate(model.layout, model.layout.unreport(np.array(PARTS["dropout1"].params)), model.panel, 0)
    assert caught.value.code == "no_simulation"


def test_rates_beyond_drawing_are_refused():
    model = built(oracle.Model("poisson", (0, 0)), n=20)
    with pytest.raises(gbtm.SpecificationError, match="expected count"):
        drawn(model, [0, 60, 0])


def test_from_results(fitted):
    res = fitted("poisson_never")
    table = res.simulate(rng=4)
    assert list(table.columns) == ["id", "t", "y", "group"]
    assert len(table) == res.nobs
    assert set(table["group"]) <= {1, 2}
    assert (table.loc[table["group"] == 1, "y"] == 0).all()
    model = prepared_of(res)
    flat = model.layout.unreport(res.params.to_numpy())
    panel, group = simulate(model.layout, flat, model.panel, 4)
    np.testing.assert_array_equal(table["y"], panel.outcomes[0].y)
    np.testing.assert_array_equal(table["group"], group[panel.outcomes[0].subject] + 1)


@pytest.mark.parametrize("errors", ["ar1", "rorder"])
def test_correlated_errors_are_censored_after_they_were_drawn(errors):
    """P(both of two outcomes at the lower bound) is that of two correlated normals."""
    more = {"ar1": True} if errors == "ar1" else {"rorder": [0, 0]}
    model = built(oracle.Model("cnorm", (0, 0), lower=0.0, upper=4.0), times=(0, 1, 3), **more)
    given = {"intercept[1]": 1, "intercept[2]": 0.4, "sigma": 1.5, "rho": 0.6, "theta[2]": 0.2, "r0_sigma[1]": 1.2,
             "r0_sigma[2]": 0.5}
    m, group = drawn(model, [given[n] for n in model.layout.names])
    assert m.y.min() == 0
    assert m.y.max() == 4
    low = np.full((group.size, 3), np.nan)
    low[m.subject, np.searchsorted([0, 1, 3], m.time)] = m.y == 0
    for k, mean, r in ((0, 1, 1.2), (1, 0.4, 0.5)):
        for a, b, gap in ((0, 1, 1), (1, 2, 2)):
            both = (group == k) & ~np.isnan(low[:, a] * low[:, b])
            variance = 2.25 if errors == "ar1" else 2.25 + r**2
            shared = 2.25 * 0.6**gap if errors == "ar1" else r**2
            expected = stats.multivariate_normal.cdf([0, 0], [mean, mean], [[variance, shared], [shared, variance]])
            is_mean(low[both, a] * low[both, b], expected)
