"""Step three as one function: the objective at parameters, given what a method makes of step one.

The objective depends on sampling weights twice, on each person's own term and on D, and on step one through log f and
log pi. With all of them as arguments, autograd gives whatever standard errors need.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from .classification import assigned
from .evidence import MIXTURES, Evidence, evidence_of
from .linear_predictor import LinearPredictor
from .outcome_models import OutcomeModel
from .step_one import StepOne

Products = Callable[[np.ndarray], np.ndarray]


class Structure(ABC):
    """The model of step three: what the groups lead to, or what leads to them."""

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Names of its parameters, internal: of logarithms after what is reported."""

    @abstractmethod
    def objective(self, parameters: Tensor, evidence: Evidence, weight: Tensor) -> Tensor:
        """Parameters (q,), sampling weights (n,) -> the sum over people."""

    @abstractmethod
    def start(self, weight: np.ndarray, log_pi: np.ndarray) -> np.ndarray:
        """(q,) to climb from."""

    def reported(self, parameters: Tensor) -> Tensor:
        """(q,) as reported: sigma for its logarithm."""
        return parameters

    @abstractmethod
    def part(self, keep: np.ndarray) -> Structure:
        """The same of the people at some positions."""

    def nuisance(self, weight: np.ndarray) -> np.ndarray:
        """About the curvature of the parameters that follow those with names: jumps of a baseline hazard."""
        return np.zeros(0)

    def curvature_times(self, parameters: np.ndarray, evidence: Evidence, weight: Tensor) -> Products:
        """Minus the Hessian times a vector, where there are parameters without names."""
        raise NotImplementedError


class DistalStructure(Structure):
    """An outcome given the groups, and with ``free_shares`` the shares too: [theta_2.. theta_K, coefficients, shape].

    ``mixes``: the method is a mixture over the groups, so that shares matter.
    """

    def __init__(self, model: OutcomeModel, predictor: LinearPredictor, *, mixes: bool, free_shares: bool) -> None:
        self.model, self.predictor, self.mixes = model, predictor, mixes
        self.n_shares = predictor.n_groups - 1 if mixes and free_shares else 0

    def part(self, keep: np.ndarray) -> DistalStructure:
        model, predictor = self.model.part(keep), self.predictor.part(keep)
        return type(self)(model, predictor, mixes=self.mixes, free_shares=self.n_shares > 0)

    @property
    def names(self) -> list[str]:
        theta = [f"theta[{k + 2}]" for k in range(self.n_shares)]
        return [*theta, *self.predictor.names, *self.model.shape_names]

    def split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shares, coefficients, shape."""
        at = self.n_shares + self.predictor.size
        return parameters[: self.n_shares], parameters[self.n_shares : at], parameters[at:]

    def objective(self, parameters: Tensor, evidence: Evidence, weight: Tensor) -> Tensor:
        theta, coefficients, shape = self.split(parameters)
        log_g = self.model.log_density(self.predictor(coefficients), shape)
        if evidence.weights is not None:
            return (weight[:, None] * evidence.weights * log_g).sum()
        log_rho = evidence.log_pi
        if self.n_shares:
            log_rho = torch.log_softmax(torch.nn.functional.pad(theta, (1, 0)), dim=0)
        return weight @ evidence.mixed(log_g + log_rho)

    def start(self, weight: np.ndarray, log_pi: np.ndarray) -> np.ndarray:
        intercepts, shape = self.model.start(weight)
        theta = (log_pi - log_pi[0])[1:][: self.n_shares]
        return np.concatenate([theta, self.predictor.start(intercepts), shape])

    def reported(self, parameters: Tensor) -> Tensor:
        theta, coefficients, shape = self.split(parameters)
        return torch.cat([theta, coefficients, self.model.reported_shape(shape) if shape.numel() else shape])


class MembershipStructure(Structure):
    """rho_t(z) = softmax_t(z' theta_t), theta of the reference group 0: [theta of each other group]."""

    def __init__(self, z: np.ndarray, covariates: tuple[str, ...], n_groups: int, reference: int) -> None:
        self.z, self.covariates, self.n_groups, self.reference = torch.as_tensor(z), covariates, n_groups, reference
        self.others = [k for k in range(n_groups) if k != reference]

    def part(self, keep: np.ndarray) -> MembershipStructure:
        return MembershipStructure(self.z.numpy()[keep], self.covariates, self.n_groups, self.reference)

    @property
    def names(self) -> list[str]:
        heads = ["theta", *(f"theta_{c}" for c in self.covariates)]
        return [f"{head}[{k + 1}]" for k in self.others for head in heads]

    def log_rho(self, parameters: Tensor) -> Tensor:
        """(q,) -> (n, K)."""
        u = self.z @ parameters.view(len(self.others), -1).T
        zero = u.new_zeros(u.shape[0], 1)
        return torch.log_softmax(torch.cat([u[:, : self.reference], zero, u[:, self.reference :]], dim=1), dim=1)

    def objective(self, parameters: Tensor, evidence: Evidence, weight: Tensor) -> Tensor:
        log_rho = self.log_rho(parameters)
        if evidence.weights is not None:
            return (weight[:, None] * evidence.weights * log_rho).sum()
        return weight @ evidence.mixed(log_rho)

    def start(self, weight: np.ndarray, log_pi: np.ndarray) -> np.ndarray:
        theta = np.zeros((len(self.others), self.z.shape[1]))
        theta[:, 0] = log_pi[self.others] - log_pi[self.reference]
        return theta.ravel()


@dataclass(frozen=True, eq=False)
class Problem:
    """A structure, a method and step one.

    Attributes
    ----------
    rows : (n,) positions in step one of the people of step three
    method : "naive", "bch", "ml" or "two-step"
    assignment : "modal" or "proportional"; says nothing for "two-step"
    """

    structure: Structure
    step_one: StepOne
    rows: np.ndarray
    method: str
    assignment: str
    one_hot: np.ndarray | None = field(init=False)

    def __post_init__(self) -> None:
        modal = self.assignment == "modal"
        object.__setattr__(self, "one_hot", assigned(self.step_one.posterior, "modal") if modal else None)

    @property
    def mixes(self) -> bool:
        return self.method in MIXTURES

    @property
    def weight(self) -> np.ndarray:
        """(n,) sampling weights of the people of step three."""
        return self.step_one.weight[self.rows]

    def part(self, keep: np.ndarray) -> Problem:
        """Of the people of step three at some positions; step one stays as it is."""
        return replace(self, structure=self.structure.part(keep), rows=self.rows[keep])

    def evidence(self, weight: Tensor | None = None, log_f: Tensor | None = None, log_pi: Tensor | None = None,
                 method: str | None = None) -> Evidence:
        """At step one's estimates, but for what is given."""
        given = [
            torch.as_tensor(default) if tensor is None else tensor
            for tensor, default in ((weight, self.step_one.weight), (log_f, self.step_one.log_f),
                                    (log_pi, self.step_one.log_pi))
        ]
        one_hot = None if self.one_hot is None else torch.as_tensor(self.one_hot)
        return evidence_of(method or self.method, one_hot, *given, rows=torch.as_tensor(self.rows),
                           classes=self.step_one.alike)
