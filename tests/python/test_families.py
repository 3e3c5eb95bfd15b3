"""Each family against scipy and plain arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import integrate, stats

import gbtm
import oracle
from gbtm.errors import DataError
from gbtm.families import FAMILIES as NAMED
from gbtm.families import (
    OTHER_NAMES,
    CensoredNormal,
    Family,
    Logit,
    Normal,
    Poisson,
    ZeroInflatedPoisson,
    make_family,
    own_name,
)

FAMILIES = {
    "normal": (Normal(), np.array([-2.0, 0.0, 1.3, 8.0])),
    "cnorm_both": (CensoredNormal(0.0, 4.0), np.array([0.0, 0.5, 3.9, 4.0])),
    "cnorm_low": (CensoredNormal(0.0, None), np.array([0.0, 0.2, 7.0])),
    "cnorm_high": (CensoredNormal(None, 4.0), np.array([-5.0, 3.0, 4.0])),
    "cnorm_none": (CensoredNormal(), np.array([-5.0, 3.0, 4.0])),
    "poisson": (Poisson(), np.array([0.0, 1.0, 4.0, 30.0])),
    "zip": (ZeroInflatedPoisson(), np.array([0.0, 1.0, 4.0, 30.0])),
    "logit": (Logit(), np.array([0.0, 1.0])),
}
ETAS = [-3.0, -0.4, 0.0, 1.1, 4.5]


def _predictors(family, eta, zeta=-0.7, log_sigma=0.3):
    values = {"mean": eta, "zero": zeta, "log_sigma": log_sigma}
    return {p: values[p] for p in family.predictors}


def _oracle(family, y, u):
    return oracle.log_density(
        family.name, y, u["mean"], sigma=np.exp(u.get("log_sigma", 0.0)), zeta=u.get("zero"),
        lower=getattr(family, "lower", -np.inf), upper=getattr(family, "upper", np.inf),
    )


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("eta", ETAS)
def test_log_density(name, eta):
    family, y = FAMILIES[name]
    u = _predictors(family, eta)
    terms = family.terms({p: torch.tensor(v, dtype=torch.float64) for p, v in u.items()}).numpy()
    got = family.statistics(y) @ terms + family.constant(y)
    np.testing.assert_allclose(got, _oracle(family, y, u), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", ["poisson", "zip", "logit"])
def test_probabilities_add_to_one(name):
    family, _ = FAMILIES[name]
    y = np.arange(2.0 if name == "logit" else 200.0)
    u = _predictors(family, 0.9)
    terms = family.terms({p: torch.tensor(v, dtype=torch.float64) for p, v in u.items()}).numpy()
    assert np.exp(family.statistics(y) @ terms + family.constant(y)).sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("eta", [-1.5, 0.2, 3.0])
def test_expected_is_the_mean_of_the_density(name, eta):
    family, _ = FAMILIES[name]
    u = {p: np.array(v) for p, v in _predictors(family, eta).items()}
    sigma = float(np.exp(u.get("log_sigma", 0.0)))
    if name == "logit":
        want = 1 / (1 + np.exp(-eta))
    elif name == "poisson":
        want = np.exp(eta)
    elif name == "zip":
        y = np.arange(400.0)
        want = (y * np.exp(_oracle(family, y, u))).sum()
    else:  # integral of clip(x) over the uncensored normal
        low, high = getattr(family, "lower", -np.inf), getattr(family, "upper", np.inf)
        breaks = [b for b in (low, high) if np.isfinite(b)]
        want, _ = integrate.quad(
            lambda x: np.clip(x, low, high) * stats.norm.pdf(x, eta, sigma), eta - 12 * sigma, eta + 12 * sigma,
            points=breaks or None, epsabs=1e-12, epsrel=1e-12, limit=200,
        )
    np.testing.assert_allclose(family.expected(u), want, rtol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("eta", [-1.5, 0.2, 3.0])
def test_expected_gradient_is_its_derivative(name, eta):
    family, _ = FAMILIES[name]
    u = {p: np.array(v) for p, v in _predictors(family, eta).items()}
    got = family.expected_gradient(u)
    assert set(got) == set(family.predictors)
    for p in family.predictors:
        fd = oracle.fd_gradient(lambda x, p=p: family.expected({**u, p: x[0]}), np.array([u[p]]))
        np.testing.assert_allclose(got[p], fd[..., 0], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", FAMILIES)
def test_simulate_has_the_expected_mean_and_density(name):
    family, _ = FAMILIES[name]
    n = 200_000
    u = {p: np.full(n, v) for p, v in _predictors(family, 0.8).items()}
    y = family.simulate(u, np.random.default_rng(1))
    assert y.shape == (n,)
    bad, _, _ = family.problem(y)
    assert not bad.any()
    mean = float(family.expected({p: v[0] for p, v in u.items()}))
    assert y.mean() == pytest.approx(mean, abs=4.5 * y.std() / np.sqrt(n))
    if name in ("poisson", "zip", "logit"):
        for value in (0.0, 1.0):
            p = np.exp(_oracle(family, np.array([value]), {k: v[0] for k, v in u.items()}))[0]
            assert (y == value).mean() == pytest.approx(p, abs=4.5 * np.sqrt(p * (1 - p) / n))


@pytest.mark.parametrize(
    ("name", "bad_values"),
    [
        ("poisson", [-1.0, 0.5]), ("zip", [-1.0, 0.5]), ("logit", [2.0, 0.5, -1.0]), ("cnorm_both", [-0.1, 4.1]),
        ("cnorm_low", [-0.1]), ("cnorm_high", [4.1]),
    ],
)
def test_problem_marks_only_what_the_family_cannot_take(name, bad_values):
    family, good = FAMILIES[name]
    mask, sentence, way_out = family.problem(np.concatenate([good, bad_values]))
    assert mask.tolist() == [False] * good.size + [True] * len(bad_values)
    assert sentence
    assert way_out


@pytest.mark.parametrize("family", [name for name, family in NAMED.items() if family.is_positive])
@pytest.mark.parametrize("value", [0.0, -3.0])
def test_values_that_are_not_above_0_are_refused_with_ways_out(family, value):
    table = pd.DataFrame({"id": np.repeat(np.arange(9), 3), "t": np.tile([0.0, 1.0, 2.0], 9), "y": 1 + np.arange(27.0)})
    with pytest.raises(DataError, match="above 0") as caught:
        gbtm.GBTM.from_formula("y ~ t", table.assign(y=table["y"].where(table.index != 3, value)), id="id", groups=1,
                               order=1, family=family)
    assert all(word in str(caught.value) for word in ("two outcomes", "'logit'", "'zip'"))


@pytest.mark.parametrize("name", ["cnorm_both", "cnorm_low", "cnorm_high"])
def test_seen_in_drops_empty_statistics_and_keeps_the_density(name):
    family, _ = FAMILIES[name]
    y = np.array([1.0, 2.0, 3.0])
    slim = family.seen_in(y)
    assert slim.statistics(y).shape[1] == 3
    u = {"mean": torch.tensor(0.4, dtype=torch.float64), "log_sigma": torch.tensor(0.1, dtype=torch.float64)}
    np.testing.assert_allclose(
        slim.statistics(y) @ slim.terms(u).numpy(), family.statistics(y) @ family.terms(u).numpy(), rtol=1e-13
    )


@pytest.mark.parametrize("name", ["cnorm_both", "cnorm_low"])
def test_scaled_family_is_the_same_distribution(name):
    family, y = FAMILIES[name]
    scaled = family.scaled(1.5, 2.5)
    u = _predictors(family, 1.2, log_sigma=0.4)
    v = {"mean": (1.2 - 1.5) / 2.5, "log_sigma": 0.4 - np.log(2.5)}
    inside = family.statistics(y)[:, 0]
    got = _oracle(scaled, (y - 1.5) / 2.5, v) - inside * np.log(2.5)
    np.testing.assert_allclose(got, _oracle(family, y, u), rtol=1e-12)
    mean = scaled.expected({k: np.array(x) for k, x in v.items()})
    np.testing.assert_allclose(
        1.5 + 2.5 * mean, family.expected({k: np.array(x) for k, x in u.items()}), rtol=1e-12
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_initial_is_finite_even_without_data(name):
    family, y = FAMILIES[name]
    stats_all = family.statistics(y)
    totals = np.stack([stats_all.sum(0), np.zeros(stats_all.shape[1])])
    start = family.initial(totals)
    assert set(start) == set(family.predictors)
    for values in start.values():
        assert values.shape == (2,)
        assert np.isfinite(values).all()


def test_initial_is_the_sample_mean_where_that_is_the_answer():
    y = np.array([1.0, 4.0, 7.0, 8.0])
    start = Normal().initial(Normal().statistics(y).sum(0))
    assert float(start["mean"]) == pytest.approx(5.0)
    assert float(np.exp(start["log_sigma"])) == pytest.approx(y.std())


def test_zip_with_no_zero_inflation_is_poisson():
    y = np.array([0.0, 1.0, 5.0])
    u = {"mean": torch.tensor(0.7, dtype=torch.float64), "zero": torch.tensor(-800.0, dtype=torch.float64)}
    zip_family = ZeroInflatedPoisson()
    got = zip_family.statistics(y) @ zip_family.terms(u).numpy() + zip_family.constant(y)
    np.testing.assert_allclose(got, stats.poisson.logpmf(y, np.exp(0.7)), rtol=1e-13)


@pytest.mark.parametrize("family_name", ["normal", "cnorm", "poisson", "zip", "logit"])
def test_make_family_knows_every_name(family_name):
    assert make_family(family_name).name == family_name


@pytest.mark.parametrize("z", [-100.0, -38.0, -10.0, -1.0, 5.0, 24.0, 30.0, 45.0])
def test_censored_part_keeps_its_derivatives_in_the_tails(z):
    """d log Phi = h and d2 log Phi = -h (z + h), h the inverse Mills ratio, at both bounds."""
    log_h = stats.norm.logpdf(z) - stats.norm.logcdf(z)
    h = np.exp(log_h)
    sigma = 1.0
    for family, sign, eta in ((CensoredNormal(0.0, None), -1.0, -z), (CensoredNormal(None, 0.0), 1.0, z)):
        at = torch.tensor(eta, dtype=torch.float64, requires_grad=True)
        log_sigma = torch.tensor(np.log(sigma), dtype=torch.float64)
        value = family.terms({"mean": at, "log_sigma": log_sigma})[3]
        (first,) = torch.autograd.grad(value, at, create_graph=True)
        (second,) = torch.autograd.grad(first, at, allow_unused=True)
        assert first.item() == pytest.approx(sign * h, rel=1e-7, abs=1e-100)
        # in the far tail h (z + h) tends to 1 by cancellation
        assert second.item() == pytest.approx(-h * (z + h), rel=1e-6, abs=1e-9 if z > -30 else 1e-2)


@pytest.mark.parametrize("name", ["normal", "cnorm", "poisson", "zip", "logit"])
def test_closed_form_derivatives_are_those_of_autograd(name):
    torch.manual_seed(0)
    family = make_family(name, -0.5, 1.5)
    u = {p: 0.7 * torch.randn(3, 5, dtype=torch.float64) for p in family.predictors}
    for closed, traced in (
        (family.slopes(u), Family.slopes(family, u)), (family.curvatures(u), Family.curvatures(family, u)),
    ):
        assert closed.keys() == traced.keys()
        for key, value in closed.items():
            torch.testing.assert_close(value, traced[key], rtol=1e-9, atol=1e-11)


def test_other_names_are_of_families_that_exist_and_shadow_none():
    assert set(OTHER_NAMES.values()) <= set(NAMED)
    assert not set(OTHER_NAMES) & set(NAMED)
    assert {own_name(name) for name in NAMED} == set(NAMED)
    for theirs, ours in OTHER_NAMES.items():
        assert own_name(theirs.replace("_", " ").title()) == own_name(theirs.replace("_", "-")) == ours


@pytest.mark.parametrize(("name", "ours"), [
    ("gaussian", "normal"), ("Tobit", "cnorm"), ("negative.binomial", "negbin"), ("BERNOULLI", "logit"), ("ZIP", "zip"),
    ("gamma", "gamma"), ("", ""),
])
def test_own_name(name, ours):
    assert own_name(name) == ours
