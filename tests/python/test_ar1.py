"""AR(1) errors: the terms against scipy's normal density, their closed derivatives against autograd and differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from gbtm.families.ar1 import AutoregressiveNormal, _correlation, power_of_rho
from gbtm.families.base import Family

FAMILY = AutoregressiveNormal()
GAPS = {"whole": [1.0, 2.0, 3.0, 4.0, 7.0, np.inf], "uneven": [0.3, 1.0, 1.7, 2.5, 3.2, np.inf]}


def predictors(rho, gaps):
    rng = np.random.default_rng(0)
    u = {name: torch.as_tensor(0.7 * rng.normal(size=(3, 6))) for name in FAMILY.predictors[:3]}
    return {**u, "atanh_rho": torch.as_tensor(np.full((3, 6), np.arctanh(rho))), "gap": torch.tensor(gaps).double()}


@pytest.mark.parametrize("rho", [0.6, -0.4, 0.0])
def test_terms_are_the_conditional_density(rho):
    u = predictors(rho, GAPS["whole"])
    y, last = np.random.default_rng(1).normal(size=(2, 6))
    got = (FAMILY.terms(u).numpy() * FAMILY.pairs(y, last)).sum(-1)
    eta, before, log_sigma = (u[name].numpy() for name in FAMILY.predictors[:3])
    c = np.where(np.isinf(GAPS["whole"]), 0.0, np.power(rho, GAPS["whole"]))
    want = stats.norm.logpdf(y, eta + c * (last - before), np.exp(log_sigma) * np.sqrt(1 - c**2))
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize(
    ("rho", "gaps"), [(0.6, "whole"), (-0.4, "whole"), (0.97, "whole"), (0.6, "uneven"), (1e-3, "uneven")])
def test_closed_form_derivatives_are_those_of_autograd(rho, gaps):
    u = predictors(rho, GAPS[gaps])
    for closed, traced in (
        (FAMILY.slopes(u), Family.slopes(FAMILY, u)), (FAMILY.curvatures(u), Family.curvatures(FAMILY, u)),
    ):
        assert closed.keys() == traced.keys()
        for key, value in closed.items():
            torch.testing.assert_close(value, traced[key], rtol=1e-9, atol=1e-11)


def test_derivatives_where_rho_is_zero():
    """c = rho^gap itself, in whole gaps: 1 and 0 at a gap of one, 0 and 2 at a gap of two, nothing beyond."""
    c, moved, bent = _correlation(predictors(0.0, GAPS["whole"]))
    np.testing.assert_allclose(c, np.zeros((3, 6)), atol=1e-20)
    np.testing.assert_allclose(moved[0], [1, 0, 0, 0, 0, 0], atol=1e-11)
    np.testing.assert_allclose(bent[0], [0, 2, 0, 0, 0, 0], atol=1e-11)
    for value in _correlation(predictors(0.0, GAPS["uneven"])):
        assert torch.isfinite(value).all()


def test_a_negative_rho_has_its_sign_at_odd_gaps():
    gap = torch.tensor(GAPS["whole"])
    got = power_of_rho(torch.tensor(-0.5), gap)
    np.testing.assert_allclose(got, [-0.5, 0.25, -0.125, 0.0625, -(0.5**7), 0.0])
