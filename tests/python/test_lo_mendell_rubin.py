"""The Lo-Mendell-Rubin test: weighted chi-squares against simulation, weights against a regular nested pair."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import gbtm
import oracle
from conftest import arguments, long_table
from gbtm.resampling.lo_mendell_rubin import vuong_weights, weighted_chi_squares


@pytest.mark.parametrize("weights", [
    [3, 2, 0.5, -0.4], [2, 1], [2, -1], [5, 0.1], [1, 0.9, 0.8, 0.7, -0.6, 0.5], [1, -1, 0.001], [0.3] * 4,
])
def test_weighted_chi_squares_against_draws(weights):
    weights = np.array(weights, dtype=float)
    total = np.random.default_rng(0).chisquare(1, (400_000, weights.size)) @ weights
    for x in (-2.0, 0.0, 0.01, 1.0, 5.0, 20.0):
        share = (total >= x).mean()
        assert weighted_chi_squares(x, weights) == pytest.approx(share, abs=4.5 * np.sqrt(0.25 / 400_000) + 1e-6)


@pytest.mark.parametrize("df", [1, 2, 3, 6])
def test_equal_weights_are_a_chi_square(df):
    nearly = 2.0 * (1 + 1e-7 * np.arange(df))
    for x in (0.5, 4.0, 30.0):
        expected = stats.chi2.sf(x / 2, df)
        assert weighted_chi_squares(x, np.full(df, 2.0)) == pytest.approx(expected, rel=1e-12)
        assert weighted_chi_squares(x, nearly) == pytest.approx(expected, abs=2e-6)
        assert weighted_chi_squares(-x, -nearly) == pytest.approx(1 - expected, abs=2e-6)


def test_a_known_pair():
    """2 chi2_2-scaled weights (a, a, b, b): the sum of two exponentials has a closed form."""
    a, b, x = 3.0, 1.0, 4.0
    expected = (a * np.exp(-x / (2 * a)) - b * np.exp(-x / (2 * b))) / (a - b)
    assert weighted_chi_squares(x, np.array([a, a, b, b])) == pytest.approx(expected, abs=1e-7)


def test_weights_of_a_regular_nested_pair_are_ones():
    """Linear regression with two columns too many, as Vuong's theorem has it: a chi-square with 2 df."""
    rng = np.random.default_rng(2)
    n = 60_000
    x = sm.add_constant(rng.normal(size=(n, 3)))
    y = 1 + 0.5 * x[:, 1] + rng.normal(size=n)

    def parts(columns):
        fit = sm.OLS(y, x[:, columns]).fit()
        return x[:, columns] * np.asarray(fit.resid)[:, None], np.linalg.inv(x[:, columns].T @ x[:, columns])

    weights = vuong_weights(*parts([0, 1, 2, 3]), *parts([0, 1]))
    large = np.abs(weights) > 0.2
    np.testing.assert_allclose(weights[large], 1, atol=0.05)
    assert large.sum() == 2


def fit(groups, n=150, seed=1, **more):
    model = oracle.Model("normal", (1, 1))
    subject, time, y, _ = oracle.simulate(model, [0, 0.5, 3, -0.5, 1, 0], n, range(4), np.random.default_rng(seed))
    options = {**arguments(model), "groups": groups, "order": 1, **more}
    return gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **options).fit(rng=0, n_starts=8)


@pytest.fixture(scope="module")
def fits():
    return {k: fit(k) for k in (1, 2, 3)}


def test_statistics(fits):
    test = gbtm.lmr(fits[2], fits[1])
    lr = 2 * (fits[2].llf - fits[1].llf)
    assert test.statistic == pytest.approx(lr)
    assert test.df == 3
    assert test.adjusted == pytest.approx(lr / (1 + 1 / (3 * np.log(150))))
    assert test.p_value < 1e-4
    assert test.p_unadjusted <= test.p_value
    extra = gbtm.lmr(fits[3], fits[2])
    assert extra.p_value > 0.01
    assert gbtm.lmr(fits[3]).adjusted == pytest.approx(extra.adjusted, abs=1e-5)
    assert "Jeffries" in extra.sentence
    assert "blrt()" in extra.sentence


def test_weights_by_hand(fits):
    """Eigenvalues of Vuong's W = [[B_f A_f^-1, -B_fg A_g^-1], [B_gf A_f^-1, -B_g A_g^-1]] from the oracle's scores."""
    res, less = fits[2], fits[1]
    both = []
    for r in (res, less):
        model, data = oracle.of_results(r), oracle.data_of(r)

        def own(params, model=model, data=data):
            return oracle.subject_loglik(model, params, *data)

        def total(params, own=own):
            return float(own(params).sum())

        x = r.params.to_numpy()
        both.append((oracle.fd_gradient(own, x), np.linalg.inv(-oracle.fd_hessian(total, x))))
    (f, af), (g, ag) = both
    w = np.block([[f.T @ f @ af, -f.T @ g @ ag], [g.T @ f @ af, -g.T @ g @ ag]])
    expected = np.sort(np.linalg.eigvals(w).real)[::-1]
    expected = expected[np.abs(expected) > 1e-6]  # the rank is less than the size where the models share parameters
    np.testing.assert_allclose(gbtm.lmr(res, less).weights, expected, rtol=2e-3, atol=2e-4)


def test_refusals(fits):
    for res, less, code in ((fits[1], None, "one_group"), (fits[3], fits[1], "not_nested")):
        with pytest.raises(gbtm.SpecificationError) as caught:
            gbtm.lmr(res, less)
        assert caught.value.code == code
