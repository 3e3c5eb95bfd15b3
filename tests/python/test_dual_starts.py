"""The two-step table of a dual model: at fixed curves the maximum over the joint probabilities, which is one."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import logsumexp

from dual import DATA, fitted, model
from gbtm.estimation.control import Control
from gbtm.fit.fit_model import separate_fits
from gbtm.likelihood.mixture import Mixture


def test_the_table_is_the_concave_maximum_at_the_curves_of_the_separate_fits():
    m = model(data=DATA.iloc[:200])
    module = Mixture(m.layout, m.panel)
    found = separate_fits(m.prepared, module, Control(n_starts=4)).two_step
    flat = torch.as_tensor(found.flats[0])[None]
    log_density = (module.group_loglik(flat)[0] + module.constant).T.numpy()
    weight = module.weight.numpy()

    def minus(u):
        return -(logsumexp(log_density + u - logsumexp(u), axis=1) @ weight)

    best = minimize(minus, np.zeros(6), method="BFGS", options={"gtol": 1e-8})
    np.testing.assert_allclose(np.exp(best.x - logsumexp(best.x)), m.layout.shares(found.flats[0]), atol=1e-5)
    assert found.loglik >= -best.fun - 1e-7


def test_the_move_of_the_table_is_told():
    table = fitted().two_step()
    np.testing.assert_allclose(table["difference"], table["estimate"] - table["separate"])
    assert np.abs(table["difference"]).max() < 0.02
    assert abs(table["separate"].sum() - 1) < 1e-9
