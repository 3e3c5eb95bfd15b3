"""Does K survive AR(1) errors? Simulated data where it does and where it does not, and families without AR(1)."""

import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.adequacy.autocorrelation import ar1_check


def sample(rho, levels, n=60, waves=6, seed=1, common=0.0):
    rng = np.random.default_rng(seed)
    t = np.arange(float(waves))
    error = rng.multivariate_normal(np.zeros(waves), rho ** np.abs(t[:, None] - t), n)
    y = np.resize(levels, n)[:, None] + common * rng.normal(size=(n, 1)) + error
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": np.tile(t, n), "y": y.ravel()})


def fit(data, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        return gbtm.GBTM.from_formula("y ~ t", data, id="id", **options).fit(rng=0, n_starts=6)


def test_groups_made_of_correlation_do_not_survive():
    res = fit(sample(0.8, [0.0], n=80), groups=2, order=0)
    check = ar1_check(res, n_starts=1)
    assert check.table["groups"].tolist() == [1, 2, 3, 1, 2, 3]
    assert str(check).endswith(check.sentences[-1])
    assert "loglik" in str(check)
    assert check.chosen > 1
    assert check.chosen_ar1 == 1
    assert check.survives is False
    assert any("does not survive" in s for s in check.sentences)
    rho = check.table.query("ar1 and groups == 1")["rho"].iloc[0]
    assert rho == pytest.approx(0.8, abs=0.08)


def test_true_groups_survive_and_nested_fits_are_no_worse():
    data = sample(0.2, [0.0, 6.0])
    res = fit(data, groups=2, order=0)
    check = ar1_check(res, [1, 2], n_starts=2)
    assert check.survives
    assert check.chosen_ar1 == 2
    assert any("2 groups survive" in s for s in check.sentences)
    plain, ar1 = (check.table[check.table["ar1"] == a].set_index("groups") for a in (False, True))
    assert (ar1["loglik"] >= plain["loglik"] - 1e-9).all()
    assert plain["loglik"][2] == pytest.approx(res.llf, abs=1e-6)
    own = fit(data, groups=2, order=0, ar1=True)
    assert ar1["loglik"][2] == pytest.approx(own.llf, abs=1e-5)
    assert ar1["bic"][2] == pytest.approx(own.bic, abs=1e-4)
    assert plain["params"][2] + 1 == ar1["params"][2]
    from_ar1 = ar1_check(own, [2], n_starts=1)
    assert from_ar1.survives is None
    np.testing.assert_allclose(from_ar1.table["loglik"], [plain["loglik"][2], ar1["loglik"][2]], atol=1e-5)


def test_digits_do_not_depend_on_the_workers():
    res = fit(sample(0.5, [0.0, 6.0], n=40), groups=2, order=0)
    here, there = (ar1_check(res, [2], n_starts=1, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(here.table, there.table, check_exact=True)


@pytest.mark.parametrize(
    ("options", "why"), [({"family": "logit"}, "family 'logit' has no version"), ({"rorder": 0}, "random effects")])
def test_what_has_no_ar1_version_says_so(options, why):
    data = sample(0.5, [0.0], n=60, common=0.5)
    if "family" in options:
        data["y"] = (data["y"] > 0).astype(float)
    check = ar1_check(fit(data, groups=1, order=0, **options))
    assert check.table.empty
    assert check.survives is None
    assert any(why in s for s in check.sentences)
    assert check.autocorrelation["lag"].tolist() == [1, 2, 3, 4, 5]


def test_fewer_groups_than_one_are_refused():
    res = fit(sample(0.0, [0.0], n=20, waves=3), groups=1, order=0)
    assert ar1_check(res, n_starts=1).table["groups"].tolist() == [1, 2, 1, 2]
    with pytest.raises(gbtm.SpecificationError, match="groups"):
        ar1_check(res, [0, 1])


def test_a_fit_that_is_refused_is_said():
    data = sample(0.0, [0.0], n=3)
    check = ar1_check(fit(data, groups=1, order=0), [1, 4], n_starts=1)
    assert any("4 groups for 3 subjects" in s for s in check.sentences)
    assert check.chosen == 1


def test_of_several_outcomes_it_is_refused_with_a_way_that_leads_somewhere():
    from dual import fitted

    res = fitted()
    for fit in (res, res.of_outcome("a")):
        with pytest.raises(gbtm.SpecificationError) as caught:
            gbtm.ar1_check(fit)
        assert caught.value.code == "several_outcomes"
        assert "res.of_outcome('a')" in caught.value.way_out
    assert len(gbtm.residual_checks(res.of_outcome("a")).autocorrelation)
