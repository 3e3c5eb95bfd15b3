"""Random effects: the terms against scipy's multivariate normal, their closed derivatives against autograd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

import gbtm
from gbtm.likelihood.mixture import Mixture

SUBJECTS, WAVES = 14, 5


def cells(rorder, missing, covariate=False):
    """The room's statistics of random data, and the table."""
    rng = np.random.default_rng(rorder)
    table = pd.DataFrame({
        "id": np.repeat(np.arange(SUBJECTS), WAVES), "t": np.tile(np.arange(float(WAVES)), SUBJECTS),
        "y": rng.normal(size=SUBJECTS * WAVES), "w": rng.normal(size=SUBJECTS * WAVES),
    })
    table = table[rng.random(len(table)) >= missing]
    model = gbtm.GBTM.from_formula(
        "y ~ t", table, id="id", groups=2, order=[1, 2], rorder=rorder, tcov=["w"] if covariate else None)
    return Mixture(model.layout, model.panel).cells[0], model


CASES = pytest.mark.parametrize(
    ("rorder", "missing", "covariate"),
    [(0, 0.0, False), (1, 0.0, False), (1, 0.4, False), (0, 0.3, True), (1, 0.3, True)])


def coefficients(room, rorder, seed=0):
    size = room.design.shape[2] + 2 + rorder
    return {"coefficients": torch.as_tensor(0.6 * np.random.default_rng(seed).normal(size=(3, 2, size)))}


@CASES
def test_terms_are_the_multivariate_normal(rorder, missing, covariate):
    room, model = cells(rorder, missing, covariate)
    u = coefficients(room, rorder)
    got = room.spread(room.terms(u))
    measures, q = model.panel.outcomes[0], room.design.shape[2]
    for i in range(model.panel.n_subjects):
        own, part = measures.subject == i, model.layout.outcomes[0]
        y = (measures.y[own] - part.centre) / part.scale
        x = room.design[i if room.private else int(room.cell[i])].numpy()[: y.size]
        z = np.vander(measures.time[own] / part.time_scale, 1 + rorder, increasing=True)
        for b, k in np.ndindex(3, 2):
            beta, log_sigma, r = np.split(u["coefficients"][b, k].numpy(), [q, q + 1])
            cov = np.exp(2 * log_sigma) * np.eye(y.size) + (z * r) @ (z * r).T
            assert float(got[b, k, i]) == pytest.approx(stats.multivariate_normal(x @ beta, cov).logpdf(y), abs=1e-9)


@CASES
def test_derivatives_are_those_of_autograd(rorder, missing, covariate):
    room, _ = cells(rorder, missing, covariate)
    u = coefficients(room, rorder)
    weights = torch.as_tensor(np.random.default_rng(1).random((3, 2, room.n_subjects)))
    collected = room.collect(weights)
    value, gradient, hessian = room.complete_data(u, collected, safe=False)
    density, scores = room.scores(u)
    np.testing.assert_allclose(value, (density * weights).sum((1, 2)), rtol=1e-10)
    for b, k in np.ndindex(3, 2):

        def q(own, b=b, k=k):
            return (room.terms({"coefficients": own})[0, 0] * collected[b, k]).sum()

        own = u["coefficients"][b : b + 1, k : k + 1]
        first = torch.autograd.functional.jacobian(q, own).flatten()
        second = torch.autograd.functional.hessian(q, own).reshape(first.numel(), -1)
        torch.testing.assert_close(gradient[b, k], first, rtol=1e-9, atol=1e-10)
        torch.testing.assert_close(hessian[b, k], second, rtol=1e-9, atol=1e-10)
        each = torch.autograd.functional.jacobian(lambda v: room.spread(room.terms({"coefficients": v}))[0, 0], own)
        torch.testing.assert_close(scores[b, k], each[:, 0, 0].T, rtol=1e-9, atol=1e-10)
