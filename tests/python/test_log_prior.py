"""The log density of a weak prior: against its formulas written out in numpy in the user's coordinates, and its
derivatives against finite differences."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit, log_expit, softmax

import gbtm
from gbtm.estimation.covariance import information
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture

STRENGTHS = {"shares": 0.7, "curves": 1.3, "zero": 0.9, "sigma": 1.1}
PRIOR = gbtm.Prior(**STRENGTHS)


@cache
def table(seed=0, n=40, waves=4):
    """A long table with an outcome of each kind; weights, covariates of people and of waves, exposure."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame({"id": np.arange(n), "w": rng.uniform(0.5, 2, n), "z": rng.standard_normal(n),
                           "sex": rng.integers(0, 2, n), "u": rng.standard_normal(n)})
    long = people.loc[people.index.repeat(waves)].reset_index(drop=True)
    long["t"] = np.tile(np.arange(waves) + 20.0, n)
    long["x"] = rng.integers(0, 3, len(long)).astype(float)
    long["e"] = rng.uniform(0.5, 2, len(long)).round(1)
    long["normal"] = 3 + long.u + 0.4 * long.t + rng.standard_normal(len(long))
    long["count"] = rng.poisson(np.exp(0.3 + 0.5 * long.u)).astype(float)
    long["binary"] = (rng.random(len(long)) < expit(long.u)).astype(float)
    long["share"] = rng.beta(2, 3, len(long))
    keep = rng.random(len(long)) < 0.8
    return long[keep | (long.t == 20)]


def module_at(model, seed=0):
    """The likelihood of a model and some internal parameters (p,)."""
    module = Mixture(model.layout, model.panel)
    return module, 0.3 * np.random.default_rng(seed).standard_normal(model.layout.size)


def make(family, outcome, **options):
    options = {"groups": 2, "order": 1, "prior": PRIOR, **options}
    return gbtm.GBTM.from_formula(f"{outcome} ~ t", data=table(), id="id", family=family, **options)


def written_out(model, flat, family, outcome, prior=PRIOR):
    """The formulas of docs/priors.md at parameters (p,), up to no constant but those that the module leaves out."""
    d = table()
    b = dict(zip(model.layout.names, model.layout.report(flat), strict=True))
    groups = model.spec.n_groups
    w = d.w / d.groupby("id").w.first().mean() if model.panel.subjects.weights is not None else pd.Series(1.0, d.index)
    w = w / w.sum()
    y, sd = d[outcome], model.layout.outcomes[0].scale
    total = 0.0
    for k in range(1, groups + 1):
        at = lambda name, k=k: b.get(f"{name}[{k}]", b.get(name, 0.0))  # noqa: E731
        eta = at("intercept") + at("t") * d.t + at("t^2") * d.t**2 + at("x") * d.x
        if family in ("normal", "cnorm"):
            z, m = (y - y.mean()) / sd, (eta - y.mean()) / sd
            total += prior.curves / groups * (w * (z * m - 0.5 * m**2)).sum()
            variance = (w * z**2).sum() - (w * z).sum() ** 2
            sigma = at("sigma") / sd
            total -= prior.sigma / (2 * groups) * (variance / sigma**2 + np.log(sigma**2))
        elif family == "beta":
            mean = (w * y).sum()
            variance = (w * y**2).sum() - mean**2
            phi = mean * (1 - mean) / variance - 1
            total += prior.sigma / (2 * groups) * (np.log(at("phi")) - at("phi") / phi)
        if family in ("logit", "beta"):
            total += prior.curves / groups * (w * (y * eta + log_expit(-eta))).sum()
        if family in ("poisson", "zip", "negbin", "zinb", "hurdle", "hurdle_negbin"):
            e = d.e if model.panel.outcomes[0].exposure is not None else 1.0
            e = e * (y > 0) if family.startswith("hurdle") else e
            total += prior.curves / groups * (w * (y * eta - e * np.exp(eta))).sum()
        if family in ("zip", "zinb", "hurdle", "hurdle_negbin"):
            zeta = at("zero_intercept") + at("zero_t") * d.t
            total += prior.zero / groups * (w * (0.5 * zeta + log_expit(-zeta))).sum()
        if family in ("negbin", "zinb", "hurdle_negbin"):
            q = at("psi") / (1 + at("psi"))
            total += prior.sigma / (2 * groups) * (np.log(q) + np.log(1 - q))
        if "rho" in b:
            total += prior.sigma / (2 * groups) * (np.log1p(at("rho")) + np.log1p(-at("rho")))
            total -= prior.sigma / groups * np.log(2)
        for effect, units in (("r0_sigma", sd), ("r1_sigma", sd / 23.0)):
            if f"{effect}[{k}]" in b:
                total += prior.sigma * np.log(at(effect) / units)
    people = d.groupby("id").first()
    weighted = model.panel.subjects.weights is not None
    share = people.w / people.w.sum() if weighted else pd.Series(1 / len(people), people.index)
    logits = np.stack([
        b.get(f"theta[{k}]", 0.0) + b.get(f"theta_z[{k}]", 0.0) * people.z for k in range(1, groups + 1)], axis=1)
    return total + prior.shares * (share.to_numpy() @ np.log(softmax(logits, axis=1))).mean()


CASES = {
    "normal": ("normal", {"order": 2, "sigma_by_group": True}), "common": ("normal", {}),
    "ar1": ("normal", {"ar1": True}), "effects": ("normal", {"rorder": [0, 1]}), "cnorm": ("normal", {"min": 0.0}),
    "logit": ("binary", {"risk": ["z"], "weights": "w"}), "poisson": ("count", {"exposure": "e", "tcov": ["x"]}),
    "zip": ("count", {"iorder": [1, 0]}), "zip_common": ("count", {"iorder": 1, "exposure": "e"}),
    "negbin": ("count", {"dispersion_by_group": True, "exposure": "e"}), "zinb": ("count", {"groups": 3, "order": 0}),
    "beta": ("share", {"weights": "w"}), "hurdle": ("count", {"iorder": [1, 0], "exposure": "e"}),
    "hurdle_negbin": ("count", {"groups": 3, "order": 0}),
}
FAMILIES = {"common": "normal", "ar1": "normal", "effects": "normal", "zip_common": "zip"}


@pytest.mark.parametrize("case", CASES)
def test_it_is_its_formula(case):
    outcome, options = CASES[case]
    family = FAMILIES.get(case, case)
    model = make(family, outcome, **options)
    module, flat = module_at(model)
    at = torch.as_tensor(flat)[None]
    assert float(module.log_prior.value(at)[0]) == pytest.approx(written_out(model, flat, family, outcome), rel=1e-10)
    assert float(module.objective(at)[0]) == float(module.total_loglik(at)[0] + module.log_prior.value(at)[0])


def slopes_agree(module, flat):
    """Gradient and Hessian of the objective by central differences of its value and gradient."""
    at = torch.as_tensor(flat)[None]
    value, gradient, hessian = (x[0].detach().numpy() for x in observed(module, at))
    h = 1e-5
    steps = torch.as_tensor(np.concatenate([flat + h * np.eye(flat.size), flat - h * np.eye(flat.size)]))
    values, slopes = (x.detach().numpy() for x in module.log_prior.derivatives(steps)[:2])
    own = [x[0].detach().numpy() for x in module.log_prior.derivatives(at)]
    n = flat.size
    np.testing.assert_allclose(own[1], (values[:n] - values[n:]) / (2 * h), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(own[2], (slopes[:n] - slopes[n:]) / (2 * h), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(own[2], own[2].T, atol=1e-12)
    whole = module.objective(steps).detach().numpy()
    np.testing.assert_allclose(gradient, (whole[:n] - whole[n:]) / (2 * h), rtol=1e-5, atol=1e-5)
    ends = observed(module, steps)[1].detach().numpy()
    np.testing.assert_allclose(hessian, (ends[:n] - ends[n:]) / (2 * h), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(information(module, flat), -hessian, rtol=1e-8, atol=1e-7)
    assert value == pytest.approx(float(module.objective(at)[0]), rel=1e-12)


@pytest.mark.parametrize("case", [*CASES, "ridge", "firth", "dropout", "dual", "dual_risk", "several"])
def test_its_derivatives_are_those_of_finite_differences(case):
    if case in CASES:
        outcome, options = CASES[case]
        model = make(FAMILIES.get(case, case), outcome, **options)
    elif case == "ridge":
        model = make("logit", "binary", risk=["z"], tcov=["x"], prior=gbtm.Prior(ridge=2.5))
    elif case == "firth":
        model = make("logit", "binary", groups=3, risk=["z", "sex"], prior=gbtm.Prior(firth=True))
    elif case == "dropout":
        model = make("normal", "normal", dropout=[1, 0])
    else:
        options = {"groups": [2, 3]} if case != "several" else {"groups": 2}
        options |= {"risk": ["z"], "risk2": ["sex"]} if case == "dual_risk" else {}
        model = gbtm.GBTM.from_formula(
            [gbtm.Outcome("binary ~ t", family="logit", order=1), gbtm.Outcome("count ~ t", family="poisson", order=1)],
            data=table(), id="id", prior=PRIOR, **options)
    slopes_agree(*module_at(model))


def test_the_ridge_is_its_formula_on_orthonormal_columns():
    """Sample moments over the observations make the columns orthonormal, whatever the package does inside."""
    prior = gbtm.Prior(shares=0, curves=0, zero=0, sigma=0, ridge=2.0)
    model = make("logit", "binary", order=2, prior=prior)
    module, flat = module_at(model)
    d = table()
    raw = np.stack([np.ones(len(d)), d.t, d.t**2], axis=1)
    r = np.linalg.qr(raw / np.sqrt(len(d)), mode="r")
    b = pd.Series(model.layout.report(flat), model.layout.names)
    expected = 0.0
    for k in (1, 2):
        inside = r @ b[[f"intercept[{k}]", f"t[{k}]", f"t^2[{k}]"]].to_numpy()
        expected -= 0.5 * (inside**2 / np.array([8.0, 2.0, 2.0]) ** 2).sum()
    assert float(module.log_prior.value(torch.as_tensor(flat)[None])[0]) == pytest.approx(expected, rel=1e-9)


def test_jeffreys_prior_is_half_the_log_determinant_of_the_multinomial_information():
    prior = gbtm.Prior(shares=0, curves=0, zero=0, sigma=0, firth=True)
    model = make("logit", "binary", groups=3, risk=["z"], prior=prior)
    module, flat = module_at(model)
    people = table().groupby("id").first()
    z = np.stack([np.ones(len(people)), people.z], axis=1)

    def half_log_det(flat):
        b = pd.Series(model.layout.report(flat), model.layout.names)
        theta = np.stack([np.zeros(2), *(b[[f"theta[{k}]", f"theta_z[{k}]"]] for k in (2, 3))])
        pi = softmax(z @ theta.T, axis=1)[:, 1:]
        info = sum(np.kron(np.diag(p) - np.outer(p, p), np.outer(x, x)) for p, x in zip(pi, z, strict=True))
        return 0.5 * np.linalg.slogdet(info)[1]

    other = flat + 0.3 * np.random.default_rng(1).standard_normal(flat.size)
    here, there = (float(module.log_prior.value(torch.as_tensor(x)[None])[0]) for x in (flat, other))
    # in other coordinates of z the determinant is another by a constant
    assert here - there == pytest.approx(half_log_det(flat) - half_log_det(other), rel=1e-9)


def test_a_dual_model_counts_pairs_of_groups():
    model = gbtm.GBTM.from_formula(
        [gbtm.Outcome("binary ~ t", family="logit", order=0), gbtm.Outcome("count ~ t", family="poisson", order=0)],
        data=table(), id="id", groups=[2, 3], prior=gbtm.Prior(shares=2.0, curves=0, zero=0, sigma=0))
    module, flat = module_at(model)
    pairs = model.layout.shares(flat)
    assert float(module.log_prior.value(torch.as_tensor(flat)[None])[0]) == pytest.approx(2 * np.log(pairs).mean())


def test_em_with_the_prior_climbs_to_its_maximum():
    """Its M-step is that of the objective: EM alone, for long, ends where Newton does."""
    from gbtm.estimation.newton import em, newton

    for outcome, family, options in (("binary", "logit", {"risk": ["sex"]}), ("count", "poisson", {})):
        module, flat = module_at(make(family, outcome, order=0, **options))
        start = torch.as_tensor(flat)[None]
        steps = [float(module.objective(start)[0])]
        x = start
        for _ in range(20):
            x = em(module, x, 20, enough=0.0)[0]
            steps.append(float(module.objective(x)[0]))
        assert (np.diff(steps) > -1e-9).all()
        top = newton(module, x, steps=50, tolerance=1e-12)
        assert steps[-1] == pytest.approx(float(top.loglik[0]), abs=1e-3)
