"""Survival curves by group, corrected for errors of classification: S_t(u) = mean over people of exp(-H(u) e^eta_it).

H(u) = u^k for Weibull's and exponential hazards (k each group's own where it has one). In Cox regression H is the sum
of the baseline's jumps up to u: of mixtures as they were estimated, of weighting methods Breslow's, d_u / sum over the
risk set of w e^eta. With covariates everybody of step three counts with his own, as in the table of the groups.
"""

from __future__ import annotations

import numpy as np
import torch

from .cox import CoxStructure
from .estimates import Estimates
from .problem import DistalStructure

POINTS = 200  # times at which a curve is computed


def survival_curves(found: Estimates) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) from 0 to the last exit, and S (T, K) of a model of times to an event."""
    problem, structure = found.problem, found.problem.structure
    assert isinstance(structure, (CoxStructure, DistalStructure))
    y = structure.y if isinstance(structure, CoxStructure) else structure.model.y.numpy()
    times = np.linspace(0.0, float(y[:, 1].max()), POINTS)
    share = torch.as_tensor(problem.weight / problem.weight.sum())
    x = torch.as_tensor(found.parameters)
    with torch.no_grad():
        if isinstance(structure, CoxStructure):
            at = structure.n_shares + structure.predictor.size
            hazard = torch.exp(structure.predictor(x[structure.n_shares : at])[:, :, 0])
            exposed = torch.as_tensor(_baseline(found, structure, hazard, times))[:, None]
        else:
            _, coefficients, shape = structure.split(x)
            hazard = torch.exp(structure.predictor(coefficients)[:, :, 0])
            power = torch.exp(shape) if shape.numel() else torch.ones(1, dtype=torch.float64)
            exposed = torch.as_tensor(times)[:, None] ** power
        curves = torch.stack([share @ torch.exp(-u * hazard) for u in exposed])
    return times, curves.numpy()


def _baseline(found: Estimates, structure: CoxStructure, hazard: torch.Tensor, times: np.ndarray) -> np.ndarray:
    """H (T,)."""
    if structure.mixes:
        jumps = np.exp(found.parameters[structure.n_shares + structure.predictor.size :])
    else:
        weights = found.problem.evidence().weights
        assert weights is not None
        each = torch.as_tensor(found.problem.weight)[:, None] * weights
        jumps = (structure.risk.at_events(each.sum(1)) / structure.risk.sums((each * hazard).sum(1))).numpy()
    return np.concatenate([[0.0], np.cumsum(jumps)])[np.searchsorted(structure.risk.times, times, side="right")]
