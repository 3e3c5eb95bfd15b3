"""A weak prior of levels: against likelihood x prior written out and maximised by scipy, autograd, the logit, and what
it promises to be the same in."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import expit, logsumexp

import gbtm
from gbtm.likelihood.level_prior import LevelTerm
from gbtm.likelihood.mixture import Mixture
from gbtm.recipes.code import code_for

QUICK = {"n_starts": 4, "rng": 0}
FAMILIES = ("ordinal", "multinomial")
pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
of_each = pytest.mark.parametrize("family", FAMILIES)


def separated(n=60, waves=5, seed=0):
    """Levels 1 to 3 of two groups, one of which is at level 1 throughout; sampling weights, a covariate of waves."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n)[:, None] < n // 2, 1.0, rng.choice([1.0, 2.0, 3.0], (n, waves), p=[0.2, 0.4, 0.4]))
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "age": np.tile(np.arange(waves) + 10.0, n),
                         "y": y.ravel(), "w": np.repeat(rng.uniform(0.5, 2, n), waves),
                         "x": rng.integers(0, 2, n * waves).astype(float)})


def model(family, data=None, formula="y ~ age", **options):
    data = separated() if data is None else data
    options = {"groups": 2, "order": [0, 1], "prior": "weak", **options}
    return gbtm.GBTM.from_formula(formula, data, id="id", family=family, **options)


@cache
def fitted(family, prior="weak"):
    return model(family, prior=prior).fit(**QUICK)


def log_chances(family, params, group, t, x=0.0):
    """log P(level) (T, 3) in a group, from named parameters."""
    def curve(level=""):
        at = lambda name: params.get(f"{name}{level}[{group}]", 0.0)  # noqa: E731
        return at("intercept") + at("age") * t + at("x") * x

    if family == "multinomial":
        eta = np.stack([0.0 * t, curve(":2"), curve(":3")], axis=-1)
        return eta - logsumexp(eta, axis=-1, keepdims=True)
    eta = curve()
    below, upto = expit(-eta), expit(params["cut2"] - eta)
    return np.log(np.stack([below, upto - below, expit(eta - params["cut2"])], axis=-1))


def written_out(family, params, data, strengths=(1.0, 1.0), weights=None):
    """Log-likelihood and log prior of docs/priors.md, of two groups, at named parameters."""
    w = np.ones(len(data)) if weights is None else data[weights].to_numpy()
    people = np.ones(data["id"].nunique()) if weights is None else data.groupby("id")[weights].first().to_numpy()
    people = people / people.mean()
    pi = np.array([1.0, np.exp(params["theta[2]"])])
    pi /= pi.sum()
    t, x, level = (data[c].to_numpy() for c in ("age", "x", "y"))
    seen = np.stack([log_chances(family, params, k, t, x)[np.arange(len(data)), level.astype(int) - 1] for k in (1, 2)])
    log_l = np.stack([np.bincount(data["id"], row) for row in seen], axis=-1)
    prior = strengths[0] / 2 * np.log(pi).sum() + strengths[1] / 2 * (w / w.sum() * seen).sum()
    return people @ logsumexp(log_l + np.log(pi), axis=1), prior


# -- the formula -----------------------------------------------------------------------------------------------------


@of_each
@pytest.mark.parametrize("options", [{}, {"tcov": ["x"], "weights": "w", "order": 1}])
def test_it_is_its_formula(family, options):
    asked = model(family, prior=gbtm.Prior(shares=0.7, curves=1.3), **options)
    module = Mixture(asked.layout, asked.panel)
    flat = 0.3 * np.random.default_rng(1).standard_normal(asked.layout.size)
    flat[[n.startswith("cut") for n in asked.layout.names]] = 0.8
    params = dict(zip(asked.layout.names, asked.layout.report(flat), strict=True))
    loglik, prior = written_out(family, params, separated(), (0.7, 1.3), options.get("weights"))
    at = torch.as_tensor(flat)[None]
    assert float(module.log_prior.value(at)[0]) == pytest.approx(prior, rel=1e-10)
    assert float(module.objective(at)[0]) == pytest.approx(loglik + prior, rel=1e-9)


@of_each
def test_its_derivatives_are_autograds(family):
    module = Mixture(model(family, order=1, tcov=["x"]).layout, model(family, order=1, tcov=["x"]).panel)
    term = next(t for t in module.log_prior.terms if isinstance(t, LevelTerm))
    size = module.log_prior.size
    flat = torch.as_tensor(0.3 * np.random.default_rng(2).standard_normal(size))
    flat[[n.startswith("cut") for n in module.layout.names]] = 0.8

    def value(at):
        return term(torch.nn.functional.pad(at[None], (0, 1)), at.new_zeros(1, size + 1), None)[0]

    gradient, hessian = (flat.new_zeros(1, n) for n in (size + 1, (size + 1) ** 2))
    term(torch.nn.functional.pad(flat[None], (0, 1)), gradient, hessian)
    torch.testing.assert_close(gradient[0, :size], torch.autograd.functional.jacobian(value, flat), rtol=1e-9,
                               atol=1e-11)
    bend = hessian.reshape(size + 1, size + 1)[:size, :size]
    torch.testing.assert_close(bend, torch.autograd.functional.hessian(value, flat), rtol=1e-8, atol=1e-10)


@of_each
def test_estimates_are_the_maximum_that_scipy_finds(family):
    """Of likelihood x prior written out in numpy, from the fit and from elsewhere; standard errors by its curvature."""
    res, data = fitted(family), separated()
    names = list(res.params.index)

    def loss(at):
        with np.errstate(all="ignore"):
            total = sum(written_out(family, dict(zip(names, at, strict=True)), data))
        return -total if np.isfinite(total) else 1e10

    start = res.params.to_numpy()
    found = minimize(loss, 0.8 * start, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
    assert res.llf + res.log_prior == pytest.approx(-found.fun, abs=1e-6)
    np.testing.assert_allclose(res.params, found.x, rtol=2e-3, atol=2e-3)
    h, n = 1e-3, start.size
    steps = h * np.eye(n)
    bend = np.array([[loss(start + a + b) - loss(start + a - b) - loss(start - a + b) + loss(start - a - b)
                      for b in steps] for a in steps]) / (4 * h**2)
    np.testing.assert_allclose(res.bse, np.sqrt(np.diag(np.linalg.inv(bend))), rtol=1e-3)


# -- what it is for --------------------------------------------------------------------------------------------------


@of_each
def test_what_has_no_maximum_of_the_likelihood_has_one_with_the_prior(family):
    plain, weak = fitted(family, None), fitted(family)
    assert plain.bse.isna().any()
    told = [f for f in plain.findings if f.code == "separated_group"]
    assert told
    assert all(f.message.endswith("With prior='weak' estimates are finite and have standard errors.") for f in told)
    assert weak.bse.notna().all()
    assert np.abs(weak.params).max() < 12
    assert not any(f.code == "separated_group" for f in weak.findings)
    at = [10.0, 14.0]
    theirs, ours = (gbtm.level_probabilities(r, at)["probability"] for r in (plain, weak))
    np.testing.assert_allclose(ours, theirs, atol=0.01)


def test_a_group_of_the_highest_level_is_told_of_too():
    turned = separated().assign(y=lambda d: 4 - d["y"])
    res = model("ordinal", turned, prior=None, order=[1, 0]).fit(**QUICK)
    assert any("the probability of the lowest level is 0" in w for w in res.warnings)
    weak = model("ordinal", turned, order=[1, 0]).fit(**QUICK)
    assert weak.llf == pytest.approx(fitted("ordinal").llf, abs=1e-6)  # a cumulative logit read from its other end


# -- what it is the same in ------------------------------------------------------------------------------------------


@of_each
@pytest.mark.parametrize(("shift", "scale"), [(10.0, 1.0), (12.0, 5.0)])
def test_another_time_is_the_same_fit_in_other_coefficients(family, shift, scale):
    weak = fitted(family)
    res = model(family, separated().assign(age=lambda d: (d.age - shift) * scale)).fit(**QUICK)
    assert res.llf == pytest.approx(weak.llf, abs=1e-8)
    assert res.log_prior == pytest.approx(weak.log_prior, abs=1e-6)
    for level in ([""] if family == "ordinal" else [":2", ":3"]):
        b0, b1 = weak.params[[f"intercept{level}[2]", f"age{level}[2]"]]
        theirs = res.params[[f"intercept{level}[2]", f"age{level}[2]"]]
        np.testing.assert_allclose(theirs, [b0 + b1 * shift, b1 / scale], rtol=1e-4, atol=1e-6)
        assert res.params[f"intercept{level}[1]"] == pytest.approx(weak.params[f"intercept{level}[1]"], rel=1e-5)


def test_any_category_may_be_the_reference():
    """The prior is of the probabilities: another first category has the same, and coefficients against it."""
    weak = fitted("multinomial")
    res = model("multinomial", separated().assign(y=lambda d: d["y"].map({3.0: 1.0, 1.0: 2.0, 2.0: 3.0})), order=[1, 0])
    res = res.fit(**QUICK)
    assert res.llf == pytest.approx(weak.llf, abs=1e-7)
    assert res.log_prior == pytest.approx(weak.log_prior, abs=1e-6)
    assert res.params["intercept:2[2]"] == pytest.approx(-weak.params["intercept:3[1]"], rel=1e-4)


@of_each
def test_two_levels_are_the_logit_with_its_prior(family):
    two = separated().assign(y=lambda d: 1.0 * (d["y"] > 1))
    logit, other = (model(f, two).fit(**QUICK) for f in ("logit", family))
    assert other.llf == pytest.approx(logit.llf, abs=1e-8)
    assert other.log_prior == pytest.approx(logit.log_prior, abs=1e-8)
    np.testing.assert_allclose(other.params, logit.params, rtol=1e-5)
    np.testing.assert_allclose(other.bse, logit.bse, rtol=1e-5)


@of_each
def test_a_prior_that_vanishes_is_maximum_likelihood(family):
    rng = np.random.default_rng(3)
    data = separated().assign(y=lambda d: np.where(rng.random(len(d)) < 0.3, rng.integers(1, 4, len(d)), d["y"]))
    likely = model(family, data, prior=None, order=1).fit(**QUICK)
    near = model(family, data, prior=gbtm.Prior(shares=1e-7, curves=1e-7), order=1).fit(**QUICK)
    np.testing.assert_allclose(near.params, likely.params, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(near.bse, likely.bse, rtol=1e-5)


# -- beside other parts ----------------------------------------------------------------------------------------------


def test_the_ridge_is_of_each_categorys_curve():
    """On columns that are orthonormal over the observations, as of one curve."""
    prior = gbtm.Prior(shares=0, curves=0, zero=0, sigma=0, ridge=2.0)
    asked = model("multinomial", prior=prior, order=1)
    module, d = Mixture(asked.layout, asked.panel), separated()
    flat = 0.3 * np.random.default_rng(4).standard_normal(asked.layout.size)
    b = dict(zip(asked.layout.names, asked.layout.report(flat), strict=True))
    r = np.linalg.qr(np.stack([np.ones(len(d)), d["age"]], axis=1) / np.sqrt(len(d)), mode="r")
    wanted = -0.5 * sum(
        ((r @ [b[f"intercept:{c}[{k}]"], b[f"age:{c}[{k}]"]] / [8.0, 2.0]) ** 2).sum() for c in (2, 3) for k in (1, 2))
    assert float(module.log_prior.value(torch.as_tensor(flat)[None])[0]) == pytest.approx(wanted, rel=1e-9)


@of_each
def test_it_is_saved_drawn_bootstrapped_and_beside_others(family, tmp_path):
    weak = fitted(family)
    weak.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.prior == gbtm.Prior()
    assert again.with_cov_type("robust").bse.notna().all()
    assert 'prior="weak"' in code_for(weak, "Python", "d.csv")
    assert np.abs(gbtm.bootstrap(weak, n=3, rng=0).params.to_numpy()).max() < 100
    assert np.isfinite(gbtm.cross_validate(weak, folds=3, n_starts=1).loglik)
    low, high = weak.profile_int("theta[2]")
    assert low < weak.params["theta[2]"] < high
    table = separated()
    table = table[~((table["id"] % 7 == 0) & (table["age"] > 12))].assign(z=table["x"] + table["w"])
    outcomes = [gbtm.Outcome("y ~ age", family=family, order=0), gbtm.Outcome("z ~ age", order=0)]
    for groups in (2, [2, 2]):
        both = gbtm.GBTM.from_formula(outcomes, table, id="id", groups=groups, prior="weak").fit(n_starts=2, rng=0)
        assert both.bse.notna().all()
    assert model(family, table, dropout=[0, 0]).fit(n_starts=2, rng=0).bse.notna().all()
    tied = model(family, order=0, constraints=["intercept:3[2] = intercept:2[2]"] if family == "multinomial" else
                 ["cut2 = 1.5"]).fit(n_starts=2, rng=0)
    assert tied.llf <= fitted(family).llf + 1
