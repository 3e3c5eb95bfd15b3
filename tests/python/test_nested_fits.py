"""Likelihood-ratio tests of nested fits: the statistic, the law at a bound, what has none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import dual
import gbtm
from dual import fitted
from gbtm import GBTM, SpecificationError

DATA = gbtm.datasets.two_groups(rng=0)


def fit(formula="y ~ t", data=DATA, **options):
    return GBTM.from_formula(formula, data, id="id", **{"groups": 2, "order": 1, **options}).fit(n_starts=4)


PLAIN = fit()


@pytest.mark.parametrize("options", [{"order": 2}, {"order": [1, 2]}, {"sigma_by_group": True}, {"ar1": True}])
def test_the_statistic_is_chi_square(options):
    larger = fit(**options)
    test = larger.compare_lr_test(PLAIN)
    assert test.statistic == pytest.approx(2 * (larger.llf - PLAIN.llf))
    assert test.df == larger.df_model - PLAIN.df_model
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, test.df))
    assert list(test) == [test.statistic, test.pvalue, test.df]


def test_a_covariate_of_membership():
    rng = np.random.default_rng(1)
    z = rng.normal(size=100)
    data = DATA.assign(z=z[DATA["id"].to_numpy() - DATA["id"].min()])
    test = fit(data=data, risk="z").compare_lr_test(fit(data=data))
    assert test.df == 1
    with pytest.raises(SpecificationError, match="some coefficients 0 or equal"):
        fit(data=data).compare_lr_test(fit(data=data, risk="z"))


def test_an_effect_at_its_bound_has_the_mixture():
    test = fit(rorder=[0, -1]).compare_lr_test(PLAIN)
    half = 0.5 * stats.chi2.sf(test.statistic, 1) + 0.5 * float(test.statistic <= 0)
    assert test.pvalue == pytest.approx(half)
    both = fit(rorder=0).compare_lr_test(PLAIN)
    assert both.df == 2
    assert "sds of random effects are 0 at their bound" in both.note


def test_dual_models():
    test = fitted("dual_risk").compare_lr_test(fitted("dual"))
    assert test.df == 3
    curved = gbtm.GBTM.from_formula(
        [gbtm.Outcome("a ~ ta", order=2), gbtm.Outcome("b ~ tb", order=1, family="poisson")], dual.DATA, id="id",
        wide=dual.WIDE, groups=[3, 2]).fit(n_starts=2)
    assert curved.compare_lr_test(fitted("dual")).df == 3


@pytest.mark.parametrize(("other", "code"), [
    (lambda: fit(groups=1), "no_chi_square"), (lambda: fit(order=2), "not_nested"),
    (lambda: fit(data=DATA.iloc[:-3]), "other_data"), (lambda: fit("y ~ bs(t, df=4)", order=None), "not_nested"),
    (lambda: PLAIN.with_cov_type("robust"), "no_chi_square"),
])
def test_what_has_no_chi_square_law_is_refused(other, code):
    with pytest.raises(SpecificationError) as caught:
        PLAIN.compare_lr_test(other())
    assert caught.value.code == code
