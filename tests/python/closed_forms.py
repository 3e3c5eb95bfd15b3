"""A family's terms and derivatives at given predictors: by its closed forms and by autograd."""

from __future__ import annotations

import numpy as np
import torch

COUNTS = np.array([0.0, 1.0, 2.0, 5.0, 30.0, 400.0])


def tensors(**values):
    return {name: torch.as_tensor(value, dtype=torch.float64) for name, value in values.items()}


def log_density(family, y, **predictors):
    u = tensors(y=y, **predictors)
    return family.terms(u)[..., 0].numpy() + family.constant(y)


def traced(family, u):
    """Slopes and curvatures by autograd."""
    leaves = {p: u[p].clone().requires_grad_() for p in family.predictors}
    terms = family.terms({**u, **leaves})
    slopes, curvatures = {}, {}
    for s in range(terms.shape[-1]):
        first = torch.autograd.grad(terms[..., s].sum(), list(leaves.values()), create_graph=True)
        for i, a in enumerate(family.predictors):
            slopes.setdefault(a, []).append(first[i].detach())
            rest = torch.autograd.grad(
                first[i].sum() + 0 * leaves[a].sum(), list(leaves.values()), retain_graph=True, materialize_grads=True
            )
            for j in range(i, len(rest)):
                curvatures.setdefault((a, family.predictors[j]), []).append(rest[j])
    stacked = [{key: torch.stack(v, dim=-1) for key, v in found.items()} for found in (slopes, curvatures)]
    return stacked[0], stacked[1]


def assert_closed_forms(family, u, rtol=1e-9, atol=1e-11):
    for closed, autograd in zip((family.slopes(u), family.curvatures(u)), traced(family, u), strict=True):
        assert list(closed) == list(autograd)
        for key, value in closed.items():
            torch.testing.assert_close(value, autograd[key], rtol=rtol, atol=atol)
