"""Printed summaries: every number in them is the result's."""

from __future__ import annotations

import re

import numpy as np
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
        numbers = [f"{res.params[parameter]:.4f}", f"{res.bse[parameter]:.4f}", f"{ci.loc[parameter, 0]:.4f}",
                   f"{ci.loc[parameter, 1]:.4f}"]
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
