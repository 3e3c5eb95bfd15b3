"""Correlations of three random effects as they are reported."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm


def layout(**more):
    rng = np.random.default_rng(0)
    t = np.tile(np.arange(5.0), 20)
    data = pd.DataFrame({"id": np.repeat(np.arange(20), 5), "t": t, "y": rng.normal(size=100)})
    return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rcorr=True, **more).layout


@pytest.mark.parametrize(("more", "sets"), [
    ({"rorder": 1}, 0), ({"rorder": 2}, 2), ({"rorder": [1, 2]}, 1), ({"rorder": 2, "rcommon": True}, 1)])
def test_reports_and_their_inverse(more, sets):
    made = layout(**more)
    assert len(made.correlation_sets) == sets
    flat = 0.5 * np.random.default_rng(1).normal(size=made.size)
    flat = np.where(["_sigma" in n for n in made.names], np.abs(flat), flat)
    np.testing.assert_allclose(made.unreport(made.report(flat)), flat, atol=1e-10)
    h = 1e-6
    moved = np.array([(made.report(flat + e) - made.report(flat - e)) / (2 * h) for e in h * np.eye(made.size)]).T
    np.testing.assert_allclose(made.report_jacobian(flat), moved, rtol=1e-6, atol=1e-7)


def test_without_an_effect_the_others_keep_their_correlation():
    made = layout(rorder=2, rcommon=True).correlation_sets[0]
    z = np.array([0.4, -0.6, 0.8])
    for effect, pair in ((0, 2), (1, 1), (2, 0)):  # the pair without it
        left = made.report(made.without(z, [effect]))
        assert left[pair] == pytest.approx(made.report(z)[pair], abs=1e-12)
        assert (np.delete(left, pair) == 0).all()
