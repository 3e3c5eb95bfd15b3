"""Maximum likelihood of one group by a family's own derivatives, without the engine."""

from __future__ import annotations

import numpy as np
import torch
from scipy import optimize

from closed_forms import tensors
from gbtm.compute.damped_newton import damped_step


def one_group(family, y, columns, start):
    """Maximum likelihood of a single group by the family's own derivatives: estimates, log-likelihood, covariance."""
    columns = {p: torch.as_tensor(x, dtype=torch.float64) for p, x in columns.items()}
    statistics = torch.from_numpy(family.statistics(y))
    ends = np.cumsum([columns[p].shape[1] for p in family.predictors])
    place = {p: slice(e - columns[p].shape[1], e) for p, e in zip(family.predictors, ends, strict=True)}

    def predictors(x):
        return tensors(y=y, **{p: columns[p] @ torch.from_numpy(x[place[p]]) for p in family.predictors})

    def value(x):
        return -float((family.terms(predictors(x)) * statistics).sum())

    def gradient(x):
        slopes = family.slopes(predictors(x))
        return -np.concatenate([((slopes[p] * statistics).sum(-1) @ columns[p]).numpy() for p in family.predictors])

    def hessian(x):
        out = np.zeros((x.size, x.size))
        for (a, b), bend in family.curvatures(predictors(x)).items():
            block = -(((bend * statistics).sum(-1)[:, None] * columns[a]).T @ columns[b]).numpy()
            out[place[a], place[b]], out[place[b], place[a]] = block, block.T
        return out

    found = optimize.minimize(
        value, np.asarray(start, dtype=float), jac=gradient, hess=hessian, method="trust-exact",
        options={"gtol": 1e-7, "maxiter": 500},
    )
    x = found.x
    for _ in range(3):  # the value's last digits stop the search before the gradient's do
        x = x - np.linalg.solve(hessian(x), gradient(x))
    assert np.abs(gradient(x)).max() < 1e-6
    return x, family.constant(y).sum() - value(x), np.linalg.inv(hessian(x))


def climb(family, y, columns, weight, start, steps):
    """Log-likelihoods along the way of the engine's own M-step: damped Newton with the safe curvature."""
    columns = {p: torch.as_tensor(x, dtype=torch.float64) for p, x in columns.items()}
    collected = torch.as_tensor(weight[:, None] * family.statistics(y))[None, None]
    ends = np.cumsum([columns[p].shape[1] for p in family.predictors])
    place = {p: slice(e - columns[p].shape[1], e) for p, e in zip(family.predictors, ends, strict=True)}

    def predictors(flat):
        return {"y": torch.as_tensor(y)} | {
            p: (flat[:, place[p]] @ columns[p].T)[:, None] for p in family.predictors
        }

    flat, damping = torch.as_tensor(start, dtype=torch.float64)[None], torch.full((1,), 1e-3, dtype=torch.float64)
    values = []
    for _ in range(steps):
        u = predictors(flat)
        values.append(float((family.terms(u) * collected).sum()))
        slopes, hessian = family.slopes(u), torch.zeros(1, ends[-1], ends[-1], dtype=torch.float64)
        gradient = torch.cat([(slopes[p] * collected).sum(-1)[:, 0] @ columns[p] for p in family.predictors], 1)
        for (a, b), bend in family.curvatures(u).items():
            curvature = family.safe_curvature(a, b, (bend * collected).sum(-1), collected, u)
            assert curvature.shape == (1, 1, y.size)
            block = (curvature * columns[a].T) @ columns[b]
            hessian[:, place[a], place[b]], hessian[:, place[b], place[a]] = block, block.transpose(1, 2)
        step, damping = damped_step(hessian, gradient, damping, flat)
        better = float((family.terms(predictors(flat + step)) * collected).sum()) >= values[-1]
        flat = flat + step if better else flat
        damping = (damping / 10).clamp(min=1e-12) if better else (damping * 10).clamp(min=1e-3)
    return np.array(values)


def covariate(rng, n=1500):
    time = rng.uniform(0, 4, n)
    return time, np.column_stack([np.ones(n), time])
