"""The curves that findings look at, against the predictors written out."""

from __future__ import annotations

import numpy as np
import pytest

import oracle
from gbtm.findings.group_curves import predictors_at_means
from parts import PARTS, draw


@pytest.mark.parametrize("name", ["tcov", "exposure_zip", "never", "risk", "beta", "everything"])
def test_predictors_are_those_at_the_means_of_covariates_and_exposure(name):
    drawn = draw(name)
    built, model = drawn.built(), PARTS[name].model
    p = oracle.read(model, PARTS[name].params)
    flat = built.layout.unreport(np.array(PARTS[name].params))
    u = predictors_at_means(built.layout, built.panel, flat, 0)
    t, beside = np.arange(float(PARTS[name].waves)), drawn.beside
    w = None if beside.w is None else np.tile(beside.w.mean(axis=0), (t.size, 1))
    exposure = None if beside.exposure is None else np.full(t.size, beside.exposure.mean())
    part = built.layout.outcomes[0]
    for k in range(model.n_groups):
        eta = oracle.linear_predictor(p, k, t, oracle.Beside(w=w, exposure=exposure))
        if eta is None:
            assert (u["mean"][k] < -1e7).all()
            continue
        np.testing.assert_allclose(part.centre + part.scale * u["mean"][k], eta, rtol=1e-9, atol=1e-9)
        if p.zero[k] is not None:
            np.testing.assert_allclose(u["zero"][k], oracle.polynomial(t, p.zero[k]) + 0 * t, rtol=1e-9, atol=1e-9)
    if model.family == "beta":
        np.testing.assert_allclose(u["log_phi"], np.log(p.scale)[:, None] + 0 * t, rtol=1e-12)
