"""Pictures of a distal outcome: what stands where, and survival curves against their formulas and the data."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest

import distal_cases as cases
from gbtm import SpecificationError
from gbtm.step_three.survival_curves import survival_curves

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")


@pytest.fixture(scope="module")
def ask():
    fit, people = cases.fit_of("d2_zip_k3"), cases.people("d2_zip_k3")
    return lambda formula, **options: fit.distal(formula, people, **options)


def test_marks_stand_at_the_numbers_and_the_naive_ones_beside_them(ask):
    out = ask("o_binary ~ group + v1")
    ax = out.plot(level=0.9)
    heights = [float(line.get_ydata()[0]) for line in ax.lines if line.get_marker() not in ("_", "None", None)]
    naive = out.again("naive").groups["probability"]
    np.testing.assert_allclose(sorted(heights), sorted([*naive, *out.groups["probability"]]))
    ends = np.sort(np.concatenate([s[:, 1] for c in ax.collections for s in c.get_segments()]))
    table = out.group_table(0.9)
    assert np.isclose(ends[:, None], table[["lower", "upper"]].to_numpy().ravel()).any(axis=0).all()
    assert len(out.plot(naive=False, ax=plt.subplots()[1]).containers) == 3
    plt.close("all")


def test_weibulls_curves_have_the_tables_medians(ask):
    out = ask("Surv(o_time, o_event) ~ group", family="weibull")
    times, curves = survival_curves(out.found)
    seen = [(k, m) for k, m in enumerate(out.groups["median time"]) if m < times[-1]]
    assert len(seen) > 1
    for k, median in seen:
        assert abs(np.interp(median, times, curves[:, k]) - 0.5) < 2e-3
    ax = out.plot_survival()
    np.testing.assert_allclose(ax.lines[1].get_ydata(), curves[:, 1])
    plt.close("all")


@pytest.mark.parametrize("method", ["naive", "bch", "ml"])
def test_coxs_curves_are_near_weibulls_where_these_are_true(ask, method):
    cox = survival_curves(ask("Surv(o_time, o_event) ~ group + v1", method=method).found)[1]
    weibull = survival_curves(ask("Surv(o_time, o_event) ~ group + v1", method=method, family="weibull").found)[1]
    assert (np.diff(cox, axis=0) <= 1e-12).all()
    assert np.abs(cox - weibull)[:120].max() < 0.08


def test_what_has_no_survival_is_said(ask):
    with pytest.raises(SpecificationError, match="no survival curves"):
        ask("o_binary ~ group").plot_survival()
