"""Poisson hurdle: against scipy, high precision, statsmodels, an EM in numpy, and its two parts taken apart."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from scipy import optimize, stats
from scipy.special import expit, gammaln, log_expit, logsumexp, softmax
from statsmodels.discrete.truncated_model import HurdleCountModel, TruncatedLFPoisson

import gbtm
import oracle
from closed_forms import traced
from gbtm.errors import SpecificationError
from gbtm.families.hurdle import HurdlePoisson, log_expm1, rate_of_mean, truncated_moments
from gbtm.forecast.predictive import Predictive
from gbtm.inference.equal_curves import equal_curves

FAMILY = HurdlePoisson()
QUICK = {"n_starts": 6, "rng": 0}
MODEL = oracle.Model("hurdle", (1, 1), (1, 1))
TRUTH = (0.0, 0.1, 1.4, -0.1, 1.2, -0.2, -1.0, 0.1, -0.3)

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


def _table(n=250, waves=6, seed=3):
    rng = np.random.default_rng(seed)
    subject, time, y, _ = oracle.simulate(MODEL, TRUTH, n, np.arange(waves), rng)
    return pd.DataFrame({"id": subject, "t": time, "y": y, "e": rng.choice([0.5, 1.0, 2.0], y.size)})


TABLE = _table()


def _fit(table=TABLE, **options):
    given = {"groups": 2, "order": 1, "family": "hurdle", **options}
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", **given).fit(**QUICK)


@pytest.fixture(scope="module")
def fit():
    return _fit(iorder=[1, 1])


# -- the density ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [1e-12, 1e-5, 0.01, 0.2499, 0.2501, 0.9999, 1.0, 1.5, 30.0, 800.0])
def test_small_and_large_rates_keep_their_digits(rate):
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(rate)
        mean = exact / (1 - (-exact).exp())
        wanted = [float((exact.exp() - 1).ln()), float(mean), float(mean * (1 + exact - mean))]
    eta = torch.tensor([np.log(rate)], dtype=torch.float64)
    got = [float(log_expm1(eta)[0]), *(float(v[0]) for v in truncated_moments(eta))]
    np.testing.assert_allclose(got, wanted, rtol=1e-12 if rate < 100 else 1e-11)


def test_derivatives_are_autograds_at_all_rates():
    eta, zeta = np.meshgrid([-30.0, -5.0, -1.4, -1.3, 0.0, 2.0, 6.0], [-800.0, -3.0, 0.0, 4.0, 300.0])
    u = {"mean": torch.from_numpy(eta.ravel()), "zero": torch.from_numpy(zeta.ravel())}
    slopes, curvatures = traced(FAMILY, u)
    for name, value in FAMILY.slopes(u).items():
        torch.testing.assert_close(value, slopes[name], rtol=1e-9, atol=1e-12)
    own = FAMILY.curvatures(u)
    for pair, value in curvatures.items():
        torch.testing.assert_close(own.get(pair, torch.zeros_like(value)), value, rtol=1e-9, atol=1e-12)


def test_nothing_is_lost_where_the_rate_is_none_or_enormous():
    u = {"mean": torch.tensor([-1e4, -800.0, 600.0]), "zero": torch.tensor([-800.0, 0.0, 800.0])}
    u = {name: v.double() for name, v in u.items()}
    assert torch.isfinite(FAMILY.terms(u)).all()
    for values in (FAMILY.slopes(u), FAMILY.curvatures(u)):
        assert all(torch.isfinite(v).all() for v in values.values())
    far = {"mean": np.array([-1e3, 300.0, 720.0]), "zero": np.zeros(3)}
    with np.errstate(over="ignore"):
        assert not np.isnan([FAMILY.expected(far), *FAMILY.expected_gradient(far).values()]).any()
    density = FAMILY.log_density(np.array([1.0]), {"mean": np.array([[-700.0]]), "zero": np.array([[0.0]])})
    assert density[0, 0] == pytest.approx(np.log(0.5), abs=1e-12)  # at a rate of 0, what is above 0 is 1


def test_the_gradient_of_the_mean_is_a_difference():
    u = {"mean": np.array([-8.0, -1.0, 0.0, 2.0, 5.0]), "zero": np.array([1.0, -2.0, 0.3, 0.0, -6.0])}
    for name in u:
        up, down = ({**u, name: u[name] + h} for h in (1e-6, -1e-6))
        np.testing.assert_allclose(
            FAMILY.expected_gradient(u)[name], (FAMILY.expected(up) - FAMILY.expected(down)) / 2e-6, rtol=1e-6,
            atol=1e-9)


@pytest.mark.parametrize("rate", [0.01, 0.6, 4.0, 60.0])
def test_draws_follow_the_law(rate):
    u = {"mean": np.full(20_000, np.log(rate)), "zero": np.full(20_000, -0.5)}
    y = FAMILY.simulate(u, np.random.default_rng(1))
    values = np.arange(y.max() + 1)
    p = np.exp(FAMILY.log_density(values, {k: np.full((1, values.size), v[0]) for k, v in u.items()})[0])
    seen = np.bincount(y.astype(int), minlength=values.size)
    rare = np.cumsum(p[::-1])[::-1] * y.size < 8  # the upper tail is one class
    last = int(np.argmax(rare)) if rare.any() else values.size
    expected, observed = [*p[:last] * y.size], [*seen[:last]]
    expected, observed = [*expected, y.size - sum(expected)], [*observed, y.size - sum(observed)]
    keep = np.array(expected) > 1e-9
    assert stats.chisquare(np.array(observed)[keep], np.array(expected)[keep]).pvalue > 1e-4


def test_starts_have_the_mean_of_what_is_above_0():
    for mean in (1.05, 1.3, 2.0, 9.0, 400.0):
        rate = float(rate_of_mean(np.array(mean)))
        assert rate / -np.expm1(-rate) == pytest.approx(mean, rel=1e-9)
    assert np.isfinite(list(FAMILY.initial(np.zeros(3)).values())).all()


# -- one group --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone():
    return _fit(groups=1, order=2, iorder=1)


def _design(power):
    return np.stack([TABLE["t"].to_numpy() ** j for j in range(power + 1)], axis=1)


def test_one_group_is_its_formula_maximised(alone):
    y, x, z = TABLE["y"].to_numpy(), _design(2), _design(1)

    def loglik(b):
        rate, zeta = np.exp(x @ b[:3]), z @ b[3:]
        above = y * np.log(rate) - rate - gammaln(y + 1) - np.log(-np.expm1(-rate)) + log_expit(-zeta)
        return float(np.where(y == 0, log_expit(zeta), above).sum())

    found = optimize.minimize(lambda b: -loglik(b), np.array([0.5, 0, 0, 0, 0]), method="BFGS", options={"gtol": 1e-6})
    assert alone.llf == pytest.approx(-found.fun, abs=1e-6)
    assert alone.llf == pytest.approx(loglik(alone.params.to_numpy()), abs=1e-9)
    np.testing.assert_allclose(alone.params, found.x, atol=2e-4)
    errors = np.sqrt(np.diag(np.linalg.inv(-oracle.fd_hessian(loglik, alone.params.to_numpy()))))
    np.testing.assert_allclose(alone.bse, errors, rtol=1e-4)


def test_one_group_is_statsmodels_logit_and_truncated_poisson(alone):
    y, above = TABLE["y"].to_numpy(), TABLE["y"].to_numpy() > 0
    zero = sm.Logit(~above, _design(1)).fit(disp=0, tol=1e-12)
    count = TruncatedLFPoisson(y[above], _design(2)[above]).fit(disp=0, method="newton", tol=1e-12)
    assert alone.llf == pytest.approx(zero.llf + count.llf, abs=1e-6)
    np.testing.assert_allclose(alone.params, [*count.params, *zero.params], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(alone.bse, [*count.bse, *zero.bse], rtol=1e-4)


def test_with_a_constant_zero_part_it_is_statsmodels_hurdle_model():
    # whose zeros are a Poisson's, a probability all the same where it is a constant
    constant = np.ones((len(TABLE), 1))
    theirs = HurdleCountModel(TABLE["y"].to_numpy(), constant).fit(disp=0)
    ours = _fit(groups=1, order=0, iorder=0)
    assert ours.llf == pytest.approx(theirs.llf, abs=1e-6)
    assert ours.params["intercept[1]"] == pytest.approx(theirs.params[-1], abs=1e-4)
    assert expit(ours.params["zero_intercept"]) == pytest.approx(np.exp(-np.exp(theirs.params[0])), abs=1e-5)


def test_one_group_is_not_searched(alone):
    default = gbtm.GBTM.from_formula("y ~ t", TABLE, id="id", groups=1, order=2, family="hurdle", iorder=1).fit()
    assert default.search.n_starts == 2
    assert default.llf == pytest.approx(alone.llf, abs=1e-9)


def test_the_two_parts_are_fits_of_their_own(alone):
    """A logit of whether there is none, and a count of what there is, which says nothing of zeros."""
    none = _fit(TABLE.assign(y=(TABLE["y"] == 0) * 1.0), groups=1, order=1, family="logit")
    above = _fit(TABLE[TABLE["y"] > 0], groups=1, order=2, iorder=0)
    np.testing.assert_allclose(alone.params.iloc[3:], none.params, atol=1e-7)
    np.testing.assert_allclose(alone.bse.iloc[3:], none.bse, rtol=1e-6)
    np.testing.assert_allclose(alone.params.iloc[:3], above.params.iloc[:3], atol=1e-6)
    np.testing.assert_allclose(alone.bse.iloc[:3], above.bse.iloc[:3], rtol=1e-5)
    assert alone.llf == pytest.approx(none.llf + above.llf, abs=1e-5)
    assert np.abs(alone.cov_params().to_numpy()[:3, 3:]).max() < 1e-12


# -- groups -----------------------------------------------------------------------------------------------------------


def _em(y, t, k, rng, steps=3000):
    """EM in numpy: weighted logits and truncated Poissons per group. y (N, T), t (T,) -> log-likelihood, shares."""
    x = np.column_stack([np.ones_like(t), t])
    post = softmax(2 * np.argsort(np.argsort(y.mean(axis=1)))[:, None] / len(y) * np.arange(k) + rng.normal(
        size=(len(y), k)), axis=1)
    beta, alpha = np.tile([[0.5, 0.0]], (k, 1)), np.zeros((k, 2))
    before = -np.inf
    for _ in range(steps):
        shares = post.mean(axis=0)
        for g in range(k):
            above, none = post[:, g] @ (y > 0), post[:, g] @ (y == 0)
            total = post[:, g] @ y
            for _ in range(3):
                rate = np.exp(x @ beta[g])
                mean = rate / -np.expm1(-rate)
                info = (x * (above * mean * (1 + rate - mean))[:, None]).T @ x
                beta[g] += np.linalg.solve(info, x.T @ (total - above * mean))
                p = expit(x @ alpha[g])
                info = (x * ((above + none) * p * (1 - p))[:, None]).T @ x
                alpha[g] += np.linalg.solve(info, x.T @ (none - (above + none) * p))
        rate, zeta = np.exp(x @ beta.T).T[:, None], (x @ alpha.T).T[:, None]
        lf = np.where(y == 0, log_expit(zeta), log_expit(-zeta) + y * np.log(rate) - rate - gammaln(y + 1)
                      - np.log(-np.expm1(-rate))).sum(axis=2).T + np.log(shares)
        loglik = logsumexp(lf, axis=1).sum()
        post = np.exp(lf - logsumexp(lf, axis=1, keepdims=True))
        if loglik - before < 1e-11:
            break
        before = loglik
    return loglik, shares, beta, alpha


def test_a_mixture_is_where_em_in_numpy_ends(fit):
    y = TABLE["y"].to_numpy().reshape(-1, 6)
    loglik, shares, beta, alpha = _em(y, np.arange(6.0), 2, np.random.default_rng(0))
    order = np.argsort(beta[:, 0])
    assert fit.llf == pytest.approx(loglik, abs=1e-6)
    np.testing.assert_allclose(fit.group_shares["share"], shares[order], atol=1e-4)
    np.testing.assert_allclose(fit.params.iloc[:8], [*beta[order].ravel(), *alpha[order].ravel()], atol=1e-3)


def test_estimates_are_near_the_truth(fit):
    assert (np.abs(fit.params - np.array(TRUTH)) < 3.5 * fit.bse).all()


def test_exposure_multiplies_the_rate_of_what_is_above_0_and_leaves_the_zeros_alone():
    res = _fit(groups=1, order=1, iorder=1, exposure="e")
    y, above = TABLE["y"].to_numpy(), TABLE["y"].to_numpy() > 0
    zero = sm.Logit(~above, _design(1)).fit(disp=0, tol=1e-12)
    count = TruncatedLFPoisson(y[above], _design(1)[above], offset=np.log(TABLE["e"].to_numpy()[above])).fit(
        disp=0, method="newton", tol=1e-12)
    assert res.llf == pytest.approx(zero.llf + count.llf, abs=1e-6)
    np.testing.assert_allclose(res.params, [*count.params, *zero.params], rtol=1e-5, atol=1e-7)


def test_curves_are_the_mean_and_their_errors_the_delta_methods(fit):
    got = fit.predict([0.0, 2.5])
    cov, b = fit.cov_params().to_numpy(), fit.params.to_numpy()

    def mean(b, k, t):
        rate, p = np.exp(b[2 * k] + b[2 * k + 1] * t), expit(b[4 + 2 * k] + b[5 + 2 * k] * t)
        return (1 - p) * rate / (1 - np.exp(-rate))

    for row in got.itertuples():
        slope = oracle.fd_gradient(lambda b, row=row: mean(b, row.group - 1, row.t), b)
        assert row.estimate == pytest.approx(mean(b, row.group - 1, row.t), rel=1e-10)
        assert row[4] == pytest.approx(np.sqrt(slope @ cov @ slope), rel=1e-6)


def test_a_group_of_zeros_has_its_share_and_says_that_its_curve_means_nothing():
    rng = np.random.default_rng(8)
    y = np.where(rng.random(len(TABLE)) < 0.3, 0, rng.poisson(2.5, len(TABLE)))
    table = TABLE.assign(y=np.where(TABLE["id"] % 3 == 0, 0.0, y))
    res = _fit(table, iorder=[0, 0], order=[1, 1])
    found = {w["code"]: w["message"] for w in res.document["warnings"]}
    assert "the coefficients of its curve say nothing" in found["zero_inflation_at_bound"]
    assert "not_identified" not in found
    assert "the probability of a zero is 1" in found["zero_inflation_at_bound"]
    assert res.group_shares["share"].iloc[0] == pytest.approx((np.unique(TABLE["id"]) % 3 == 0).mean(), abs=5e-3)
    np.testing.assert_allclose(res.predict([0.0, 3.0])["estimate"].iloc[:2], 0.0, atol=1e-6)
    assert res.bse[["intercept[2]", "t[2]", "zero_intercept[2]", "theta[2]"]].notna().all()


def test_counts_that_are_all_1_or_above_0_are_named():
    ones = _fit(TABLE.assign(y=(TABLE["y"] > 0) * 1.0), groups=1, order=0, iorder=0)
    assert [w["message"] for w in ones.document["warnings"] if "what is above 0 is 1 throughout" in w["message"]]
    assert ones.predict([0.0])["estimate"].iloc[0] == pytest.approx((TABLE["y"] > 0).mean(), abs=1e-6)
    above = _fit(TABLE[TABLE["y"] > 0], groups=1, order=0, iorder=0)
    assert [w["message"] for w in above.document["warnings"] if w["message"].count("There are no zeros.")]
    some = _fit(iorder=[0, -1])
    assert some.posterior.iloc[(TABLE.groupby("id")["y"].min() == 0).to_numpy(), 1].max() < 1e-12


@pytest.mark.parametrize(
    ("options", "code"), [({"order": [-1, 1]}, "bad_order"), ({"iorder": -1}, "bad_iorder"),
                          ({"dispersion_by_group": True}, "bad_dispersion"), ({"ar1": True}, "bad_ar1")])
def test_what_it_is_not_is_refused(options, code):
    with pytest.raises(SpecificationError) as caught:
        _fit(**options)
    assert caught.value.code == code
    assert caught.value.way_out


def test_it_is_no_zip_and_does_not_nest_in_one(fit):
    from gbtm.model.nesting import nested

    inflated = _fit(family="zip", iorder=[1, 1])
    assert not nested(fit.spec, inflated.spec)
    assert not nested(inflated.spec, fit.spec)
    small = _fit(iorder=0)
    assert nested(small.spec, fit.spec)
    assert small.llf < fit.llf
    assert FAMILY.without_zeros is None
    assert FAMILY.name not in {f for f in gbtm.families.FAMILIES if gbtm.families.FAMILIES[f].is_zero_inflated}


def test_a_weak_prior_is_weak_and_keeps_all_ones_finite(fit):
    res = _fit(iorder=[1, 1], prior="weak")
    np.testing.assert_allclose(res.params, fit.params, atol=0.1)
    ones = _fit(TABLE.assign(y=(TABLE["y"] > 0) * 1.0), groups=1, order=0, iorder=0, prior="weak")
    assert np.isfinite(ones.bse).all()
    assert ones.params["intercept[1]"] > -10


# -- after a fit ------------------------------------------------------------------------------------------------------


def test_simulated_outcomes_have_the_models_zeros_and_means(fit):
    drawn = pd.concat([fit.simulate(rng=s) for s in range(30)])
    for g, table in drawn.groupby("group"):
        at = table.groupby("t")["y"]
        u = [fit.params[f"{n}[{g}]"] for n in ("intercept", "t", "zero_intercept", "zero_t")]
        t = np.arange(6.0)
        n, p = at.size().to_numpy(), expit(u[2] + u[3] * t)
        assert (np.abs(at.apply(lambda y: (y == 0).mean()) - p) < 4 * np.sqrt(p * (1 - p) / n)).all()
        mean = fit.predict(t).query("group == @g")["estimate"].to_numpy()
        assert (np.abs(at.mean() - mean) < 4 * at.std() / np.sqrt(n)).all()


def test_quantiles_of_forecasts_are_those_of_the_sum():
    u = {"mean": np.log([[0.05, 2.0, 40.0]]), "zero": np.array([[-1.0, 0.5, -3.0]])}
    law = Predictive(FAMILY, np.ones((1, 3)), u)
    y = np.arange(400.0)
    for j in range(3):
        p = np.exp(FAMILY.log_density(y, {k: np.full((1, y.size), v[0, j]) for k, v in u.items()})[0])
        for q in (0.02, 0.3, 0.5, 0.9, 0.999):
            assert law.quantile(q)[j] == np.argmax(np.cumsum(p) >= q)
        np.testing.assert_allclose(law.positive()[j], 1 - p[0], rtol=1e-12)
    assert law.cumulative(-1.0)[1].max() == 0


def test_a_forecast_is_the_posteriors_mixture(fit):
    people = TABLE[TABLE["id"] < 4]
    ahead = fit.forecast(people, steps=1)
    post = fit.posterior.to_numpy()[:4]
    means = fit.predict([6.0])["estimate"].to_numpy()
    np.testing.assert_allclose(ahead.table["mean"], post @ means, rtol=1e-6)


def test_residual_checks_speak_of_a_higher_iorder_and_of_psi():
    rng = np.random.default_rng(5)
    heavy = TABLE.assign(y=np.where(TABLE["y"] > 0, rng.negative_binomial(0.6, 0.1, len(TABLE)) + 1.0, 0.0))
    res = _fit(heavy, groups=1, order=0, iorder=0)
    said = [w["message"] for w in res.document["warnings"] if w["code"] == "overdispersed"]
    assert "Use family 'hurdle_negbin'" in said[0]
    trending = TABLE.assign(y=np.where(rng.random(len(TABLE)) < TABLE["t"] / 7, 0.0, TABLE["y"] + 1))
    checks = gbtm.residual_checks(_fit(trending, groups=1, order=0, iorder=0))
    assert not any("zero inflation" in s for s in checks.sentences)


def test_a_saved_fit_is_the_same_fit(fit, tmp_path):
    fit.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(back.predict([1.5]), fit.predict([1.5]))
    pd.testing.assert_frame_equal(back.classify(TABLE), fit.classify(TABLE))


def test_a_report_names_the_zero_part_and_stata_has_none(fit, tmp_path):
    report = gbtm.grolts_report(fit, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert report is not None
    assert "Orders of the zero part: 1, 1." in text
    assert "zero-inflation part: 1" not in text
    assert "family hurdle (it has" in text


def test_equal_curves_call_its_zeros_no_inflation(fit):
    said = " ".join(equal_curves(fit).notes)
    assert "(sigma, the zero part, time-varying covariates)" in said
    assert "inflation" not in said
    zip_note = " ".join(equal_curves(_fit(family="zip")).notes)
    assert "zero inflation" in zip_note


def test_people_on_disk_have_the_numbers_of_those_in_memory(fit, tmp_path):
    pytest.importorskip("pyarrow")
    TABLE.to_parquet(tmp_path / "people.parquet")
    panel = gbtm.Panel.from_parquet(str(tmp_path / "people.parquet"), id="id", time="t", outcome="y")
    res = gbtm.GBTM.from_panel(panel, fit.spec).fit(**QUICK)
    assert res.llf == pytest.approx(fit.llf, abs=1e-7)
    np.testing.assert_allclose(res.params, fit.params, atol=1e-6)
