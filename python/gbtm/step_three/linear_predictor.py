"""The linear predictors of an outcome in each group: which columns each group has coefficients of its own for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Design:
    """Columns of the people of step three.

    Attributes
    ----------
    own : (n, a) with a coefficient in each group; the first is 1
    own_names : their a names, "" for the first
    common : (n, b) with one coefficient for all groups
    common_names : their b names
    """

    own: np.ndarray
    own_names: tuple[str, ...]
    common: np.ndarray
    common_names: tuple[str, ...]

    @property
    def n(self) -> int:
        return self.own.shape[0]

    @property
    def saturated(self) -> bool:
        """Groups and nothing else."""
        return self.own.shape[1] == 1 and not self.common_names

    def part(self, keep: np.ndarray) -> Design:
        """Of the people at some positions."""
        return Design(self.own[keep], self.own_names, self.common[keep], self.common_names)

    def of_group(self, group: int, n_groups: int) -> np.ndarray:
        """(n, K a + b) columns that meet the coefficients of an equation in a group, from 0."""
        wide = np.zeros((self.n, n_groups, self.own.shape[1]))
        wide[:, group] = self.own
        return np.hstack([wide.reshape(self.n, -1), self.common])


class LinearPredictor:
    """eta_ite = B_i' beta_te + C_i' c_e for equations e, from one vector of coefficients.

    In each equation the coefficients stand group by group, then the common ones. Where ``first_is_zero`` the first
    group's intercept is not among them.
    """

    def __init__(self, design: Design, n_groups: int, equations: tuple[str, ...], first_is_zero: bool = False) -> None:
        self.design, self.n_groups, self.equations = design, n_groups, equations
        self.first_is_zero = first_is_zero
        self.own, self.common = torch.tensor(design.own), torch.tensor(design.common)
        a = design.own.shape[1]
        self.width = n_groups * a + design.common.shape[1]  # of an equation
        full = np.arange(self.width * len(equations))
        kept = full % self.width != 0 if first_is_zero else np.ones(full.size, dtype=bool)
        place = np.full(full.size, int(kept.sum()))
        place[kept] = np.arange(int(kept.sum()))
        self.size = int(kept.sum())
        self.place = torch.as_tensor(place)  # of each coefficient in the vector, ``size`` where it is 0
        self.kept = np.flatnonzero(kept)

    def part(self, keep: np.ndarray) -> LinearPredictor:
        """Of the people at some positions."""
        return LinearPredictor(self.design.part(keep), self.n_groups, self.equations, self.first_is_zero)

    def __call__(self, coefficients: Tensor) -> Tensor:
        """(q,) -> eta (n, K, E)."""
        by_equation = self.spread(coefficients)
        a, k = self.own.shape[1], self.n_groups
        parts = []
        for row in by_equation:
            eta = self.own @ row[: k * a].view(k, a).T
            parts.append(eta + (self.common @ row[k * a :])[:, None] if self.common.shape[1] else eta)
        return torch.stack(parts, dim=2) if len(parts) > 1 else parts[0][:, :, None]

    def gathered(self, m: Tensor) -> Tensor:
        """m (n, K, E) -> (q,), sum over people and groups of m times what each coefficient is multiplied by."""
        rows = []
        for e in range(len(self.equations)):
            own = (m[:, :, e].T @ self.own).reshape(-1)
            rows.append(torch.cat([own, (m[:, :, e].T @ self.common).sum(0)]))
        return torch.cat(rows)[torch.as_tensor(self.kept)]

    def spread(self, coefficients: Tensor) -> Tensor:
        """(q,) -> (E, K a + b), zeros where absent."""
        padded = torch.nn.functional.pad(coefficients, (0, 1))
        return padded[self.place].view(len(self.equations), self.width)

    def start(self, intercepts: np.ndarray) -> np.ndarray:
        """(E,) intercepts of everybody -> (q,), with slopes of 0."""
        full = np.zeros((len(self.equations), self.width))
        full[:, : self.n_groups * self.own.shape[1] : self.own.shape[1]] = intercepts[:, None]
        return full.ravel()[self.kept]

    @property
    def all_names(self) -> list[str]:
        """Names of all coefficients, E (K a + b): ``group[1]``, ``age[1]``, ``age``, ``yes: group[1]``."""
        bare = [f"{n or 'group'}[{k + 1}]" for k in range(self.n_groups) for n in self.design.own_names]
        bare += self.design.common_names
        return [f"{e}: {n}" if e else n for e in self.equations for n in bare]

    @property
    def names(self) -> list[str]:
        """Those of the vector (q,)."""
        every = self.all_names
        return [every[j] for j in self.kept]

    def own_positions(self, column: int) -> np.ndarray:
        """(E, K) where the groups' coefficients of an own column stand in the vector; -1 where one is 0."""
        a = self.own.shape[1]
        at = np.arange(self.n_groups) * a + column
        place = self.place.numpy().reshape(len(self.equations), self.width)[:, at]
        return np.where(place < self.size, place, -1)
