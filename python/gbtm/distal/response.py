"""Each group's number on the scale of the outcome: mean, probability, rate, median time, hazard ratio.

With covariates it is what would be expected if everybody of step three were in the group, averaged over their
covariates with the sampling weights. Intervals are symmetric on the scale of the link.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ..compute.reference_distribution import reach
from ..step_three.cox import CoxStructure
from ..step_three.problem import DistalStructure, Structure
from .comparisons import covariance_of


def jacobian(function: Callable[[Tensor], Tensor], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values (r,) and derivatives (r, q) of a function of parameters (q,)."""
    from ..compute.threads import with_gradients

    with with_gradients():
        x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
        values = function(x)
        rows = [torch.autograd.grad(v, x, retain_graph=True, allow_unused=True)[0] for v in values]
    none = np.zeros(len(at))
    return values.detach().numpy(), np.stack([none if r is None else r.numpy() for r in rows])


def mean_predictors(structure: DistalStructure | CoxStructure, weight: np.ndarray) -> np.ndarray:
    """(E, K, q) so that this times the named parameters is each group's linear predictor at the mean covariates."""
    predictor = structure.predictor
    share = weight / weight.sum()
    design, k = predictor.design, predictor.n_groups
    mean = np.stack([share @ design.of_group(t, k) for t in range(k)])  # (K, width)
    out = np.zeros((len(predictor.equations), k, len(structure.names)))
    place = predictor.place.numpy().reshape(len(predictor.equations), predictor.width)
    for e in range(place.shape[0]):
        here = place[e] < predictor.size
        out[e][:, structure.n_shares + place[e][here]] = mean[:, here]
    return out


def group_table(
    structure: Structure, parameters: np.ndarray, cov: np.ndarray, weight: np.ndarray, level: float, df: float
) -> pd.DataFrame:
    """A row a group (and category): its number, standard error, interval."""
    k = structure.predictor.n_groups if isinstance(structure, (DistalStructure, CoxStructure)) else 0
    if isinstance(structure, CoxStructure):
        contrast = mean_predictors(structure, weight)[0]
        contrast = contrast - contrast[0]
        log_ratio = contrast @ parameters
        names: tuple[str, ...] = ("",)
        scale, measure = "log", "hazard ratio"
        value, slope = np.exp(log_ratio)[:, None], (np.exp(log_ratio)[:, None] * contrast)[:, None]
    else:
        assert isinstance(structure, DistalStructure)
        model, share = structure.model, torch.as_tensor(weight / weight.sum())

        def averaged(x: Tensor) -> Tensor:
            _, coefficients, shape = structure.split(x)
            each = model.response(structure.predictor(coefficients), shape)
            return torch.einsum("n,nkr->kr", share, each).flatten()

        names, scale, measure = model.response_names, model.response_scale, model.measure
        flat, slopes = jacobian(averaged, parameters)
        value, slope = flat.reshape(k, -1), slopes.reshape(k, len(names), -1)
    variance = np.diag(covariance_of(slope.reshape(-1, slope.shape[2]), cov))
    se = np.sqrt(np.maximum(variance, 0.0)).reshape(value.shape)
    lower, upper = interval(value, se, scale, level, df)
    table = pd.DataFrame({
        "group": np.repeat(np.arange(1, k + 1), len(names)), "category": np.tile(np.array(names, dtype=object), k),
        measure: value.ravel(), "std err": se.ravel(), "lower": lower.ravel(), "upper": upper.ravel(),
    })
    if len(names) == 1:
        return table.drop(columns="category").set_index("group")
    return table.set_index(["group", "category"])


def interval(
    value: np.ndarray, se: np.ndarray, scale: str, level: float, df: float
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds symmetric on a scale: identity, log or logit."""
    z = reach(level, df)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if scale == "log":
            return value * np.exp(-z * se / value), value * np.exp(z * se / value)
        if scale == "logit":
            logit, spread = np.log(value) - np.log1p(-value), se / (value * (1 - value))
            return 1 / (1 + np.exp(-(logit - z * spread))), 1 / (1 + np.exp(-(logit + z * spread)))
    return value - z * se, value + z * se
