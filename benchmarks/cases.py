"""The benchmark's data: simulated with a seed, the same for every package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
NORMAL = np.array([[0.0, 1.0, 0.5], [2.0, -1.0, 0.0], [4.0, 0.0, -1.0], [-2.0, 0.5, 1.0]])
COUNT = np.array([[-1.5, 0.5, -0.3], [0.3, -0.6, -0.4], [1.2, 0.4, -0.6]])
BINARY = np.array([[-2.5, 0.5, -0.3], [0.0, 1.5, 0.3], [2.2, -0.5, 0.4]])


@dataclass(frozen=True)
class Case:
    """A family with its number of groups; all curves are quadratic in t in [-1, 1].

    ``iorder`` is the order of the zero part of each group; none means one constant for all groups.
    """

    family: str
    groups: int
    waves: int = 10
    iorder: int | None = None

    @property
    def name(self) -> str:
        own = "" if self.iorder is None else f", zero part by group, order {self.iorder}"
        return f"{self.family} K={self.groups}{own}"

    @property
    def coefficients(self) -> np.ndarray:
        table = {"normal": NORMAL, "poisson": COUNT, "zip": COUNT, "logit": BINARY}[self.family]
        return table[: self.groups]

    def simulate(self, n_subjects: int, seed: int = 1) -> pd.DataFrame:
        """Long data with columns id, t, y."""
        rng = np.random.default_rng(seed)
        t = np.linspace(-1, 1, self.waves)
        shares = SHARES[: self.groups] / SHARES[: self.groups].sum()
        group = rng.choice(self.groups, size=n_subjects, p=shares)
        eta = (self.coefficients @ np.vander(t, 3, increasing=True).T)[group]
        if self.family == "normal":
            y = rng.normal(eta, 1.0)
        elif self.family == "logit":
            y = (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))).astype(float)
        else:
            y = rng.poisson(np.exp(eta)).astype(float)
            if self.family == "zip":
                y *= rng.random(eta.shape) > 0.3
        return pd.DataFrame(
            {"id": np.repeat(np.arange(n_subjects), self.waves), "t": np.tile(t, n_subjects), "y": y.ravel()}
        )

    def arguments(self) -> dict[str, object]:
        """Arguments of ``GBTM.from_formula``; sigma by group, as flexmix has it."""
        extra: dict[str, object] = {"sigma_by_group": True} if self.family == "normal" else {}
        if self.iorder is not None:
            extra["iorder"] = [self.iorder] * self.groups
        return {"groups": self.groups, "order": 2, "family": self.family, **extra}
