"""Quantiles and p-values against scipy.stats, which the module does without: it is slow to import."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gbtm.compute.reference_distribution import quantile, reach, two_sided


@pytest.mark.parametrize("df", [1.0, 3.0, 23.5, 1e4])
def test_t(df):
    for tail in (0.5, 0.05, 0.025, 1e-6):
        assert quantile(tail, df) == pytest.approx(stats.t.isf(tail, df), rel=1e-14)
        level = 1 - 2 * tail
        assert reach(level, df) == pytest.approx(stats.t.ppf(0.5 + level / 2, df), rel=1e-14, abs=1e-15)
    statistic = np.array([0.0, -1.0, 2.5, 40.0, np.nan, np.inf])
    np.testing.assert_allclose(two_sided(statistic, df), 2 * stats.t.sf(np.abs(statistic), df), rtol=1e-14)


def test_normal():
    for tail in (0.5, 0.05, 0.025, 1e-6):
        assert quantile(tail) == pytest.approx(stats.norm.isf(tail), rel=1e-14, abs=1e-15)
        level = 1 - 2 * tail
        assert reach(level) == pytest.approx(stats.norm.ppf(0.5 + level / 2), rel=1e-14, abs=1e-15)
    statistic = pd.Series([0.0, -1.0, 2.5, 40.0, np.nan])
    found = two_sided(statistic)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, 2 * stats.norm.sf(statistic.abs()), rtol=1e-14)


def test_a_model_is_described_without_scipy_stats():
    """Its import alone takes a second of a first fit."""
    code = "import sys, gbtm; gbtm.GBTM, gbtm.GBTMResults; sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
