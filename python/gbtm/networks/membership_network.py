"""Group membership by a network of one hidden layer beside a linear skip.

    pi(z) = softmax(V tanh(W z~ + c) + U z~ + a),    z~ the covariates standardised

Without hidden units it is the multinomial logit. U and a are 0 for the first group; V is held by its ridge.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

FIRST_SIZE = 0.5  # sd of the hidden units' weights before training, on standardised covariates
FIRST_OUT = 0.1


@dataclass(frozen=True, eq=False)
class MembershipWeights:
    """A trained network's numbers, enough to predict without torch.

    Attributes
    ----------
    names : (r,) covariates
    centre, scale : (r,) by which they are standardised
    hidden, hidden_bias : W (H, r), c (H,)
    out, skip, bias : V (K, H), U (K, r), a (K,)
    """

    names: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    hidden: np.ndarray
    hidden_bias: np.ndarray
    out: np.ndarray
    skip: np.ndarray
    bias: np.ndarray

    def probabilities(self, z: np.ndarray) -> np.ndarray:
        """Covariates (n, r) in the user's units -> probabilities of the groups (n, K)."""
        x = (np.asarray(z, dtype=float) - self.centre) / self.scale
        logits = np.tanh(x @ self.hidden.T + self.hidden_bias) @ self.out.T + x @ self.skip.T + self.bias
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    @property
    def document(self) -> dict[str, Any]:
        """As a dictionary of lists and arrays."""
        return {f.name: list(self.names) if f.name == "names" else getattr(self, f.name) for f in fields(self)}

    @classmethod
    def of(cls, document: dict[str, Any]) -> MembershipWeights:
        """The inverse of :attr:`document`."""
        arrays = {f.name: np.asarray(document[f.name], dtype=float) for f in fields(cls) if f.name != "names"}
        return cls(names=tuple(str(n) for n in document["names"]), **arrays)


class MembershipNetwork(nn.Module):
    """The network in training.

    Parameters
    ----------
    names, z : covariates (N, r) of those trained on, by which it standardises
    groups : K
    hidden : number of hidden units H, 0 for the multinomial logit
    shares : (K,) that it starts from
    rng : draws the hidden units' first weights
    """

    def __init__(
        self, names: tuple[str, ...], z: np.ndarray, groups: int, hidden: int, shares: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        super().__init__()
        self.names = names
        spread = z.std(axis=0)
        self.centre, self.scale = z.mean(axis=0), np.where(spread > 0, spread, 1.0)
        r = z.shape[1]
        self.hidden = _parameter(FIRST_SIZE * rng.normal(size=(hidden, r)))
        self.hidden_bias = _parameter(FIRST_SIZE * rng.normal(size=hidden))
        self.out = _parameter(FIRST_OUT * rng.normal(size=(groups, hidden)))
        self.skip = _parameter(np.zeros((groups - 1, r)))
        self.bias = _parameter(np.log(shares[1:] / shares[0]))

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(p.numel() for p in self.parameters())

    def standardised(self, z: np.ndarray) -> Tensor:
        return torch.as_tensor((z - self.centre) / self.scale)

    def forward(self, x: Tensor) -> Tensor:
        """Standardised covariates (n, r) -> log pi (K, n)."""
        linear = torch.nn.functional.pad(x @ self.skip.T + self.bias, (1, 0))
        return torch.log_softmax(linear + torch.tanh(x @ self.hidden.T + self.hidden_bias) @ self.out.T, dim=1).T

    def penalty(self, ridge: float) -> Tensor:
        """Half the ridge times the squares of the weights into and out of the hidden units."""
        return 0.5 * ridge * ((self.hidden**2).sum() + (self.out**2).sum())

    def weights(self) -> MembershipWeights:
        """Its numbers as they are now."""
        with torch.no_grad():
            whole = [torch.nn.functional.pad(t.T, (1, 0)).T if t.dim() == 2 else torch.nn.functional.pad(t, (1, 0))
                     for t in (self.skip, self.bias)]
            return MembershipWeights(
                self.names, self.centre, self.scale,
                *(t.detach().numpy().copy() for t in (self.hidden, self.hidden_bias, self.out, *whole)))


def _parameter(values: np.ndarray) -> nn.Parameter:
    return nn.Parameter(torch.tensor(values, dtype=torch.float64))
