"""Printed summaries: every number in them is the result's."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import TRUTH


@pytest.mark.parametrize("name", TRUTH)
def test_summary_shows_every_parameter_with_its_numbers(name, fitted):
    res = fitted(name)
    text = str(res.summary())
    ci = res.conf_int()
    for parameter in res.params.index:
        stub = parameter if parameter.startswith("theta") else re.sub(r"\[\d+\]$", "", parameter)
        numbers = [f"{x:.4g}" if abs(x) < 1e-3 else f"{x:.4f}"
                   for x in (res.params[parameter], res.bse[parameter], *ci.loc[parameter])]
        assert any(
            line.startswith(stub + " ") and all(f" {n}" in line for n in numbers) for line in text.split("\n")
        ), parameter
    for value in (f"{res.llf:.4f}", f"{res.aic:.4f}", f"{res.bic:.4f}", str(res.n_subjects), str(res.nobs)):
        assert value in text
    assert " ".join(res.start_report.attrs["sentence"].split()) in " ".join(text.split())
    for g in (1, 2):
        percent = 100 * res.group_shares.loc[g, "share"]
        assert f"Group {g} ({percent:.1f} %)" in text or TRUTH[name][0].order[g - 1] == -1
        assert f"{percent:.2f}" in text


def test_summary_tells_warnings_and_what_was_dropped():
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((30, 10)), rng.random((40, 10)) < 0.4, np.full((1, 10), np.nan)])
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM(y, range(10), groups=2, order=0, family="logit").fit()
    text = " ".join(str(res.summary()).split())
    assert "Warning: In group 2 the probability is 1" in text
    assert "Dropped: 10 observations with a missing outcome" in text
    assert "NA" in text
    assert "nan" not in text


def test_summary_of_one_group():
    res = gbtm.GBTM(np.random.default_rng(0).normal(size=(30, 4)), range(4), groups=1, order=1).fit()
    text = str(res.summary())
    assert "Group 1 (100.0 %)" in text
    assert "theta" not in text


def test_average_posterior_of_those_assigned(fitted):
    res = fitted("logit")
    for g in (1, 2):
        average = res.posterior.loc[res.assignment == g, g].mean()
        assert f"{average:.3f}" in str(res.summary())


def test_small_coefficients_have_digits():
    """Of time in days a square has a coefficient of about 1e-6, which four decimals would print as -0.0000."""
    rng, i = np.random.default_rng(0), np.repeat(np.arange(40), 5)
    t = np.tile(np.arange(5.0), 40)
    table = pd.DataFrame({"id": i, "days": 365.25 * t, "y": i % 2 * 2 + 0.3 * t + rng.normal(size=i.size)})
    res = gbtm.GBTM.from_formula("y ~ days", table, id="id", groups=2, order=2).fit(n_starts=1)
    text = str(res.summary())
    assert f" {res.params['days^2[1]']:.4g} " in text
    assert f" {res.bse['days^2[1]']:.4g} " in text
    assert not re.search(r" -?0\.0000 +-?0\.0000 ", text)
