"""What distal outcomes refuse or doubt of a fit: dual models with covariates of the second groups, dropout, one set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTMWarning, SpecificationError
from gbtm.step_three.classification import refuse


def two_outcomes(n=60, seed=4):
    rng = np.random.default_rng(seed)
    t = np.arange(4.0)
    a, b = rng.integers(0, 2, n), rng.integers(0, 2, n)
    y = np.where(a[:, None] == 0, 1 + 0.5 * t, 6 - 0.3 * t) + rng.normal(0, 0.4, (n, 4))
    z = np.where(b[:, None] == 0, 0.2 * t, 4.0) + rng.normal(0, 0.4, (n, 4))
    table = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(t, n), "y": y.ravel(), "z": z.ravel()})
    table["w"] = np.repeat(rng.normal(size=n), 4)
    return table, pd.DataFrame({"id": np.arange(n), "late": rng.normal(size=n) + a})


def test_the_second_groups_covariates_are_in_their_posteriors():
    table, people = two_outcomes()
    fit = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], table, id="id", groups=(2, 2), order=1, risk2="~ w").fit(
        n_starts=2, rng=0)
    for groups_of in ("y", "z"):
        with pytest.raises(SpecificationError, match="membership covariates") as error:
            fit.distal("late ~ group", people, groups_of=groups_of)
        assert error.value.code == "membership_covariates"
        assert "risk2" in error.value.way_out


def test_a_fit_of_one_set_of_groups_has_none_to_choose():
    table, people = two_outcomes(24)
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=1, rng=0)
    for ask in (lambda: fit.distal("late ~ group", people, groups_of="y"),
                lambda: fit.predictors("~ late", people, groups_of=1)):
        with pytest.raises(SpecificationError, match="one set of groups") as error:
            ask()
        assert error.value.code == "one_group_set"
    refuse(fit)


def test_groups_that_dropout_helped_to_make_are_doubted():
    table, people = two_outcomes(80)
    rng = np.random.default_rng(0)
    leaves = rng.integers(2, 6, 80)
    table = table[table["t"] < leaves[table["id"]]]
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, dropout=0).fit(n_starts=1, rng=0)
    with pytest.warns(GBTMWarning, match="dropout"):
        out = fit.distal("late ~ group", people)
    assert any("dropout" in w for w in out.warnings)


def test_a_term_of_several_columns_is_tested_at_once():
    table, people = two_outcomes(80)
    people["kind"] = np.array(["a", "b", "c"])[people["id"] % 3]
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=1, rng=0)
    out = fit.predictors("~ C(kind) + late", people)
    names = ["C(kind)[T.b]", "C(kind)[T.c]"]
    at = [f"theta_{n}[2]" for n in names]
    b, v = out.params[at].to_numpy(), out.cov_params().loc[at, at].to_numpy()
    test = out.test(names)
    assert test.df == 2
    np.testing.assert_allclose(test.statistic, b @ np.linalg.solve(v, b), rtol=1e-8)
    with pytest.raises(SpecificationError, match=r"term: 'nosuch'"):
        out.test(["late", "nosuch"])
