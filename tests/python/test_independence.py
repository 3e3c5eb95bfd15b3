"""The bootstrap of independence: draws follow the chi-square law where all pairs of groups hold people."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from dual import DATA, fitted, model
from gbtm import SpecificationError
from gbtm.estimation.control import Control
from gbtm.fit.fit_model import separate_fits
from gbtm.likelihood.mixture import Mixture
from gbtm.resampling.independence import bootstrap_independence


def test_independent_parameters_have_the_log_likelihood_of_the_separate_fits():
    import torch

    m = model("dual_risk", data=DATA.iloc[:200])
    module = Mixture(m.layout, m.panel)
    apart = separate_fits(m.prepared, module, Control(n_starts=2))
    value = float(module.total_loglik(torch.as_tensor(apart.independent)[None])[0])
    assert value == pytest.approx(sum(apart.logliks), abs=1e-8)


def test_a_strong_dependence_has_the_least_p_there_can_be():
    test = fitted().independence(bootstrap=5, rng=3)
    assert test.table.loc["LR, bootstrap", "p-value"] == pytest.approx(1 / 6)
    assert (test.table["df"] == 2).all()
    assert "5 draws" in test.sentence


def test_the_same_seed_gives_the_same_draws():
    first, second = (bootstrap_independence(fitted(), 2, rng=1).replicates for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_number_of_draws_is_refused_by_name():
    with pytest.raises(SpecificationError, match="bootstrap"):
        fitted().independence(bootstrap=0)


@pytest.mark.slow
def test_draws_under_independence_are_chi_square():
    drawn = bootstrap_independence(fitted(), 200, rng=5).replicates
    assert drawn.mean() == pytest.approx(2.0, abs=0.45)
    assert (drawn > chi2.ppf(0.9, 2)).mean() == pytest.approx(0.1, abs=0.07)
