"""What a distribution of a distal outcome has to say, whichever it is."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor


class OutcomeModel(ABC):
    """log g(o | eta, shape): the outcome's density given its linear predictor, in torch.

    A group t has eta_it = B_i' beta_t + C_i' c, one for each of E equations; ``shape`` are the parameters beyond eta,
    on scales without bounds.

    Parameters
    ----------
    y : (n,) outcomes, or (n, m) where one has several numbers, as (entry, exit, event)
    n_groups : K
    exposure : (n,) time at risk of counts, or None
    by_group : shape parameters are each group's own, where the distribution allows it

    Attributes
    ----------
    name, title : as the user names it, and in a heading
    measure : what a group's number on the response scale is called
    contrast : what exp of a difference between groups is called; None where differences stay as they are
    first_is_zero : the intercept of the first group is 0, because other parameters have its place
    """

    name: str
    title: str
    measure: str
    contrast: str | None = None
    first_is_zero = False

    def __init__(
        self, y: np.ndarray, n_groups: int, *, exposure: np.ndarray | None = None, by_group: bool = False
    ) -> None:
        self.n_groups, self.by_group = n_groups, by_group
        self.y = torch.tensor(np.asarray(y, dtype=float))
        self.log_exposure = None if exposure is None else torch.as_tensor(np.log(exposure), dtype=torch.float64)

    def part(self, keep: np.ndarray) -> OutcomeModel:
        """The same of the people at some positions."""
        out, at = copy.copy(self), torch.as_tensor(keep)
        out.y = self.y[at]
        out.log_exposure = None if self.log_exposure is None else self.log_exposure[at]
        return out

    @property
    def equations(self) -> tuple[str, ...]:
        """Names of the E linear predictors; one without a name unless the outcome has categories."""
        return ("",)

    @property
    def shape_names(self) -> tuple[str, ...]:
        """Of the parameters beyond eta, as reported."""
        return ()

    @abstractmethod
    def log_density(self, eta: Tensor, shape: Tensor) -> Tensor:
        """eta (n, K, E), shape (m,) -> log g (n, K)."""

    @abstractmethod
    def start(self, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Intercepts (E,) and shape (m,) that fit everybody together, with weights (n,)."""

    def reported_shape(self, shape: Tensor) -> Tensor:
        """Shape (m,) as reported: sigma for its logarithm."""
        return torch.exp(shape)

    @abstractmethod
    def response(self, eta: Tensor, shape: Tensor) -> Tensor:
        """eta (n, K, E) -> what is expected of each person in each group, (n, K, R)."""

    @property
    def response_names(self) -> tuple[str, ...]:
        """Names of the R numbers of ``response``; one without a name unless the outcome has categories."""
        return ("",)

    @property
    def response_scale(self) -> str:
        """Scale on which intervals of ``response`` are symmetric: identity, log or logit."""
        return "identity"


def weighted_mean(y: np.ndarray, weight: np.ndarray) -> float:
    """Mean of y (n,) with weights (n,)."""
    return float(weight @ y / weight.sum())
