"""The ordinal family: against statsmodels, against numpy written out, and derivatives against autograd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import expit
from statsmodels.miscmodels.ordinal_model import OrderedModel

import gbtm
from gbtm.errors import DataError, SpecificationError
from gbtm.families.base import Family
from gbtm.families.levels import level_names
from gbtm.families.ordinal import IMPOSSIBLE, Ordinal

CUTS = np.array([0.0, 1.2, 2.5, 3.4])
LABELS = ["never", "rarely", "monthly", "weekly", "daily"]
QUICK = {"rng": 0, "n_starts": 4}
FAMILY = Ordinal((1, 2, 3, 5))
U = {"mean": np.linspace(-3, 4, 7), "cut2": np.full(7, 0.8), "cut3": np.full(7, 2.1)}


def drawn(n=120, waves=5, seed=1):
    """Two groups of people, one that rises and one that falls, and a covariate."""
    rng = np.random.default_rng(seed)
    t, w = np.tile(np.arange(waves) * 1.0, (n, 1)), rng.normal(size=(n, waves))
    high = (np.arange(n) % 2 == 1)[:, None]
    eta = np.where(high, 2.5 - 0.4 * t, -1 + 0.3 * t) + 0.4 * w
    y = (rng.logistic(size=eta.shape) + eta)[..., None] > CUTS
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": t.ravel(), "y": y.sum(-1).ravel() + 1.0,
                         "w": w.ravel()})


TABLE = drawn()


@pytest.fixture(scope="module")
def fit():
    return gbtm.GBTM.from_formula("y ~ t", TABLE, id="id", groups=2, order=1, family="ordinal").fit(**QUICK)


def by_hand(codes, u):
    """P(level) (..., C) from the definition."""
    cuts = [np.zeros_like(u["mean"]), u["cut2"], u["cut3"]]
    below = [0 * u["mean"], *(expit(c - u["mean"]) for c in cuts), 0 * u["mean"] + 1]
    return np.diff(np.stack(below, axis=-1), axis=-1)


def test_density_moments_and_distribution_are_the_definitions():
    p, codes = by_hand(FAMILY.codes, U), np.array(FAMILY.codes)
    np.testing.assert_allclose(FAMILY.probabilities(U), p, atol=1e-15)
    for c, code in enumerate(codes):
        y = np.full(7, code)
        np.testing.assert_allclose(FAMILY.log_density(y, U), np.log(p[:, c]), rtol=1e-10)
        low, high = FAMILY.cumulative(y, U)
        np.testing.assert_allclose(low, p[:, :c].sum(1), atol=1e-14)
        np.testing.assert_allclose(high, p[:, : c + 1].sum(1), atol=1e-14)
    np.testing.assert_allclose(FAMILY.expected(U), p @ codes, rtol=1e-12)
    np.testing.assert_allclose(FAMILY.variance(U), p @ codes**2 - (p @ codes) ** 2, rtol=1e-10)
    for name, slope in FAMILY.expected_gradient(U).items():
        ends = [FAMILY.expected({**U, name: U[name] + h}) for h in (1e-5, -1e-5)]
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-5, atol=1e-9)


def test_closed_derivatives_are_autograds():
    u = {name: torch.from_numpy(v) for name, v in U.items()}
    plain = Family.slopes(FAMILY, u), Family.curvatures(FAMILY, u)
    for name, slope in FAMILY.slopes(u).items():
        torch.testing.assert_close(slope, plain[0][name], rtol=1e-9, atol=1e-11)
    closed = FAMILY.curvatures(u)
    for pair, value in plain[1].items():
        torch.testing.assert_close(closed.get(pair, torch.zeros_like(value)), value, rtol=1e-8, atol=1e-10)


def test_no_step_goes_where_cut_points_are_out_of_order():
    u = {name: torch.from_numpy(v) for name, v in {**U, "cut3": U["cut2"] - 0.1}.items()}
    assert (FAMILY.terms(u) == IMPOSSIBLE).all()
    assert all(torch.isfinite(v).all() for v in FAMILY.curvatures(u).values())


def test_draws_are_of_the_levels_in_their_shares():
    u = {name: np.full(40000, v[3]) for name, v in U.items()}
    y = FAMILY.simulate(u, np.random.default_rng(0))
    shares = [(y == c).mean() for c in FAMILY.codes]
    np.testing.assert_allclose(shares, by_hand(FAMILY.codes, U)[3], atol=0.01)


def test_one_group_is_a_cumulative_logit_regression():
    """Log-likelihood, coefficients and standard errors of statsmodels' OrderedModel; its cuts less the first."""
    res = gbtm.GBTM.from_formula("y ~ t", TABLE, id="id", groups=1, order=1, family="ordinal", tcov=["w"]).fit(rng=0)
    model = OrderedModel(TABLE["y"].astype(int), TABLE[["t", "w"]], distr="logit")
    other = model.fit(method="bfgs", disp=0, gtol=1e-9, maxiter=5000)
    cuts = model.transform_threshold_params(other.params)[1:-1]
    assert res.llf == pytest.approx(other.llf, abs=1e-6)
    np.testing.assert_allclose(res.params[["t[1]", "w[1]"]], other.params[:2], atol=1e-5)
    np.testing.assert_allclose(res.bse[["t[1]", "w[1]"]], other.bse[:2], atol=1e-4)
    np.testing.assert_allclose(res.params["intercept[1]"], -cuts[0], atol=1e-4)
    np.testing.assert_allclose(res.params[["cut2", "cut3", "cut4"]], cuts[1:] - cuts[0], atol=1e-4)


def test_two_levels_are_a_logit():
    two = TABLE.assign(y=1.0 * (TABLE["y"] > 2))
    fits = [gbtm.GBTM.from_formula("y ~ t", two, id="id", groups=2, order=1, family=f).fit(**QUICK)
            for f in ("logit", "ordinal")]
    assert fits[0].llf == pytest.approx(fits[1].llf, abs=1e-8)
    np.testing.assert_allclose(fits[0].params, fits[1].params, atol=1e-5)


def test_the_likelihood_of_a_mixture_is_numpys(fit):
    p = fit.params
    cuts = [-np.inf, 0.0, p["cut2"], p["cut3"], p["cut4"], np.inf]
    log_l = np.zeros((120, 2))
    for k in (1, 2):
        eta = p[f"intercept[{k}]"] + p[f"t[{k}]"] * TABLE["t"]
        level = TABLE["y"].astype(int)
        prob = expit(np.take(cuts, level) - eta) - expit(np.take(cuts, level - 1) - eta)
        log_l[:, k - 1] = np.bincount(TABLE["id"], np.log(prob))
    assert fit.llf == pytest.approx(np.log(np.exp(log_l) @ fit.group_set.shares).sum(), abs=1e-8)


def test_cut_points_may_be_constrained_as_they_are():
    """Linear constraints of them, which are no logarithms: against scipy's maximum over what they leave free."""
    res = gbtm.GBTM.from_formula(
        "y ~ t", TABLE, id="id", groups=1, order=1, family="ordinal",
        constraints=["cut3 = 2 * cut2", "cut4 = cut3 + 1"]).fit(rng=0)
    level = TABLE["y"].astype(int).to_numpy()

    def loss(b):
        cuts = np.array([-np.inf, 0.0, b[2], 2 * b[2], 2 * b[2] + 1, np.inf])
        eta = b[0] + b[1] * TABLE["t"].to_numpy()
        return -np.log(expit(cuts[level] - eta) - expit(cuts[level - 1] - eta)).sum()

    found = minimize(loss, [0.5, 0.0, 1.0], tol=1e-12)
    assert res.llf == pytest.approx(-found.fun, abs=1e-6)
    p = res.params
    np.testing.assert_allclose(p[["cut2", "cut3", "cut4"]], found.x[2] * np.array([1, 2, 2]) + [0, 0, 1], atol=1e-4)
    assert res.df_model == 3


def test_an_ordered_categorical_is_its_codes(fit, tmp_path):
    named = TABLE.assign(y=pd.Categorical.from_codes(TABLE["y"].astype(int) - 1, LABELS, ordered=True))
    res = gbtm.GBTM.from_formula("y ~ t", named, id="id", groups=2, order=1, family="ordinal").fit(**QUICK)
    assert res.llf == fit.llf
    assert tuple(level_names(res.spec.outcomes[0].codes, res.spec.outcomes[0].levels)) == tuple(LABELS)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert tuple(level_names(again.spec.outcomes[0].codes, again.spec.outcomes[0].levels)) == tuple(LABELS)
    some = named[named["id"] < 3]
    np.testing.assert_allclose(again.classify(some)["probability"].to_numpy().reshape(-1, 2),
                               fit.posterior.to_numpy()[:3], atol=1e-8)


def test_levels_that_nobody_has_have_no_cut_point():
    gap = TABLE.assign(y=TABLE["y"].replace({4.0: 7.0, 5.0: 7.0}))
    res = gbtm.GBTM.from_formula("y ~ t", gap, id="id", groups=2, order=1, family="ordinal").fit(**QUICK)
    assert [n for n in res.params.index if n.startswith("cut")] == ["cut2", "cut3"]
    assert res.spec.outcomes[0].codes == (1.0, 2.0, 3.0, 7.0)
    assert ((res.fittedvalues > 1) & (res.fittedvalues < 7)).all()


@pytest.mark.parametrize(("change", "error"), [
    ({"y": 1.5}, DataError), ({"y": 1.0}, DataError), ({"y": TABLE["t"] * 30 + TABLE["id"]}, DataError)])
def test_what_are_no_levels_is_refused(change, error):
    with pytest.raises(error) as caught:
        gbtm.GBTM.from_formula("y ~ t", TABLE.assign(**change), id="id", groups=2, order=1, family="ordinal")
    assert caught.value.way_out


def test_beside_another_outcome_it_has_the_likelihood_of_both():
    """Three groups' worth of independent outcomes: with one group the sum of the two fits."""
    table = TABLE.assign(z=np.random.default_rng(5).normal(size=len(TABLE)))
    both = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", family="ordinal", order=1), gbtm.Outcome("z ~ t", order=1)], table, id="id", groups=1
    ).fit(**QUICK)
    alone = [gbtm.GBTM.from_formula(f"{y} ~ t", table, id="id", groups=1, order=1, family=f).fit(**QUICK).llf
             for y, f in (("y", "ordinal"), ("z", "normal"))]
    assert both.llf == pytest.approx(sum(alone), abs=1e-7)
    named = table.assign(y=pd.Categorical.from_codes(table["y"].astype(int) - 1, LABELS, ordered=True))
    again = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", family="ordinal", order=1), gbtm.Outcome("z ~ t", order=1)], named, id="id", groups=1
    ).fit(**QUICK)
    assert again.llf == both.llf


def test_folds_and_forecasts_know_the_levels(fit):
    assert np.isfinite(gbtm.cross_validate(fit, folds=3, n_starts=1).loglik)
    ahead = fit.forecast(TABLE[TABLE["id"] < 2], steps=1).table
    assert ahead["mean"].between(1, 5).all()
    with pytest.raises(SpecificationError, match="ordered levels"):
        gbtm.forecast_check(fit)
