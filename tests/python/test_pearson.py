"""Pearson residuals against moments by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit


def _curve(res, prefix, k, t):
    names = [f"{prefix}intercept", f"{prefix}t", f"{prefix}t^2", f"{prefix}t^3"]
    return sum(res.params.get(f"{n}[{k}]", res.params.get(n, 0.0)) * t**p for p, n in enumerate(names))


@pytest.mark.parametrize("name", ["normal", "poisson", "logit", "zip_own"])
def test_they_are_those_of_the_mixture_of_the_groups(name, fitted):
    res = fitted(name)
    data = res.outcomes[0].data
    t, y, p = data.time, data.y, res.posterior.to_numpy()[data.subject]
    first, second = np.zeros(y.size), np.zeros(y.size)
    for k in res.group_names:
        eta = _curve(res, "", k, t)
        if name == "normal":
            law, stay = stats.norm(eta, res.params["sigma"]), 1.0
        elif name == "logit":
            law, stay = stats.bernoulli(expit(eta)), 1.0
        else:
            law = stats.poisson(np.exp(eta))
            stay = 1 - expit(_curve(res, "zero_", k, t)) if name == "zip_own" else 1.0
        first += p[:, k - 1] * stay * law.mean()
        second += p[:, k - 1] * stay * (law.var() + law.mean() ** 2)
    np.testing.assert_allclose(res.resid_pearson, (y - first) / np.sqrt(second - first**2), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(res.resid, y - first, rtol=1e-7, atol=1e-9)
