"""Other standard errors of the same estimates: as if the fit had been asked for them, and from the formula's scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
import oracle
from conftest import FEW_STARTS, TRUTH, build, true_data


@pytest.mark.parametrize(("name", "kind"), [("normal", "robust"), ("zip_own", "traj"), ("logit", "robust")])
def test_as_if_the_fit_had_been_asked_for_them(name, kind, fitted):
    res = fitted(name)
    asked = build(name).fit(rng=0, n_starts=FEW_STARTS, cov_type=kind)
    other = res.with_cov_type(kind)
    assert other.cov_type == kind
    assert res.cov_type == "hessian"
    np.testing.assert_allclose(other.cov_params(), asked.cov_params(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(res.cov_params(kind), asked.cov_params(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(other.group_shares, asked.group_shares, rtol=1e-6)
    pd.testing.assert_frame_equal(other.predict(), asked.predict(), rtol=1e-6)
    assert other.warnings == res.warnings


def test_there_and_back(fitted):
    res = fitted("zip_own")
    np.testing.assert_allclose(
        res.with_cov_type("robust").with_cov_type("hessian").cov_params(), res.cov_params(), rtol=1e-8, atol=1e-12
    )
    assert res.with_cov_type("hessian").document is res.document


@pytest.mark.parametrize("name", ["normal", "zip_own"])
def test_scores_are_the_derivatives_of_the_formula(name, fitted):
    res, data = fitted(name), true_data(name)
    step = res.bse.to_numpy()
    ours = res.scores.to_numpy() * step
    theirs = oracle.fd_gradient(
        lambda z: oracle.subject_loglik(TRUTH[name][0], res.params.to_numpy() + step * z, *data), np.zeros(step.size)
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert res.scores.index.equals(res.ids)


def test_bread_and_scores_make_the_sandwich(fitted):
    res = fitted("logit")
    bread, scores = res.cov_params(), res.scores
    np.testing.assert_allclose(bread @ scores.T @ scores @ bread, res.cov_params("robust"), rtol=1e-6, atol=1e-10)


def test_what_is_no_kind_is_refused(fitted):
    for kind in ("HC0", "cluster"):
        with pytest.raises(gbtm.SpecificationError) as caught:
            fitted("normal").with_cov_type(kind)
        assert caught.value.code == "bad_cov_type"
