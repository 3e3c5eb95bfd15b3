"""The law of a likelihood ratio where random effects have their covariance at zero in the smaller model.

Under the smaller model the covariances of the further effects lie at the tip of a cone: sds at zero, and of effects
that are correlated a matrix that is positive semidefinite (Stram and Lee 1994). Twice the difference of the
log-likelihoods then is distributed as the squared length of the projection of a normal vector onto that cone in the
metric of the information (Self and Liang 1987), a mixture of chi-squares whose weights depend on the data. With one
further sd the weights are one half each. Otherwise they are counted here: the cone is spanned by rays, and the number
of rays that a projection lies between is the degrees of freedom of its part (Silvapulle and Sen 2005, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import chi2

from ..data.panel import Panel
from ..families.random_normal import RANDOM, RANDOM_PART, root_of_covariance
from ..fit.fit import Fit
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.nesting import embed
from ..record.rebuild import layout_of, panel_of

DRAWS = 4000  # of a normal vector, by which the weights are known to .008 and better
RAYS = 48  # of the cone of 2 x 2 matrices that are positive semidefinite
TINY = 1e-9


@dataclass(frozen=True)
class ConeLaw:
    """The mixture.

    Attributes
    ----------
    weights : (d + 1,) of ``free`` to ``free`` + d degrees of freedom
    free : parameters more that are at no bound
    """

    weights: np.ndarray
    free: int

    def pvalue(self, statistic: float) -> float:
        """Probability of a statistic as large."""
        df = self.free + np.arange(self.weights.size)
        return float(self.weights @ np.where(df > 0, chi2.sf(statistic, np.maximum(df, 1)), float(statistic <= 0)))

    def __str__(self) -> str:
        parts = [f"{w:.2f} chi2({self.free + j})" for j, w in enumerate(self.weights) if w >= 0.005]
        return f"{' + '.join(parts)}: sds of random effects are 0 at their bound."


def cone_law(res: Fit, restricted: Fit) -> ConeLaw:
    """The law of the ratio of two nested fits of the same people, ``res`` having further random effects."""
    layout, small = layout_of(res), layout_of(restricted)
    starts = embed(small, restricted.internal.params, layout)
    nearest = np.argmin(np.linalg.norm(starts - res.internal.params, axis=1))  # of the ways to match the groups
    flat, panel = starts[nearest], panel_of(res)
    module = Mixture.near(layout, panel, flat)
    cone = _Cone.of(layout, flat)
    scores = _scores(module, flat)
    beyond = cone.scores(module, layout, panel, flat)
    plain = np.delete(scores, cone.positions, axis=1)
    left = beyond - plain @ np.linalg.lstsq(plain, beyond, rcond=None)[0]
    unit = np.sqrt((left**2).sum(axis=0))
    left = left / unit
    metric = np.linalg.cholesky(left.T @ left + TINY * np.eye(unit.size)).T
    rays = metric @ (cone.rays(unit) * unit[:, None])
    draws = np.random.default_rng(0).standard_normal((DRAWS, unit.size))
    faces = np.array([np.count_nonzero(nnls(rays, z)[0]) for z in draws])
    weights = np.bincount(faces, minlength=unit.size + 1)[: unit.size + 1] / DRAWS
    return ConeLaw(weights, res.df_model - restricted.df_model - unit.size)


def _scores(module: Mixture, flat: np.ndarray) -> np.ndarray:
    from ..estimation.score_variance import by_person, distinct_scores

    return by_person(module, distinct_scores(module, flat))


@dataclass(frozen=True)
class _Effects:
    """The random effects of one outcome, of a group or (``group`` None) of all: which of them are further ones."""

    outcome: int
    group: int | None
    further: tuple[int, ...]
    correlated: bool

    @property
    def entries(self) -> list[tuple[int, int]]:
        """Places of the covariance that are free beyond the smaller model: variances, then the covariance."""
        return [(a, a) for a in self.further] + ([(0, 1)] if self.correlated else [])

    @property
    def rays(self) -> np.ndarray:
        """(d, n) directions that span the cone in these places, in units in which the effects are about as large."""
        if not self.correlated:
            return np.eye(len(self.further))
        if len(self.further) == 1:  # a covariance with an effect that is there already may be anything
            return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
        angle = np.pi * np.arange(RAYS) / RAYS
        return np.stack([np.cos(angle) ** 2, np.sin(angle) ** 2, np.cos(angle) * np.sin(angle)])


@dataclass(frozen=True)
class _Cone:
    effects: tuple[_Effects, ...]
    positions: np.ndarray  # among the internal parameters, of what is 0 in the smaller model and has no score there

    @classmethod
    def of(cls, layout: Layout, flat: np.ndarray) -> _Cone:
        owners = dict.fromkeys((b.outcome, b.group) for b in layout.blocks if b.predictor in RANDOM)
        effects, positions = [], []
        for m, group in owners:
            own = {b.predictor: b.start for b in layout.blocks if (b.outcome, b.group) == (m, group)}
            further = [a for a, name in enumerate(RANDOM) if name in own and flat[own[name]] == 0]
            if further:
                correlation = RANDOM_PART[2] in own
                effects.append(_Effects(m, group, tuple(further), correlation))
                positions += [own[RANDOM[a]] for a in further] + ([own[RANDOM_PART[2]]] if correlation else [])
        return cls(tuple(effects), np.array(positions, dtype=np.int64))

    def rays(self, unit: np.ndarray) -> np.ndarray:
        """(d, n) those of all effects; of two correlated ones in units of the information on their variances."""
        blocks = [e.rays for e in self.effects]
        out, row, column = np.zeros((unit.size, sum(b.shape[1] for b in blocks))), 0, 0
        for effect, block in zip(self.effects, blocks, strict=True):
            own = slice(row, row + block.shape[0])
            if effect.correlated and len(effect.further) > 1:  # diag(s) v v' diag(s), s^2 the inverse of the units
                s = 1 / np.sqrt(unit[own][:2])
                block = block * np.array([s[0] ** 2, s[1] ** 2, s[0] * s[1]])[:, None]
            out[own, column : column + block.shape[1]] = block
            row, column = row + block.shape[0], column + block.shape[1]
        return out

    def scores(self, module: Mixture, layout: Layout, panel: Panel, flat: np.ndarray) -> np.ndarray:
        """(N, d) derivatives of each person's log-likelihood in the entries of the covariances."""
        import torch

        with torch.no_grad():
            posterior = module.posterior(torch.as_tensor(flat)[None])[0].numpy()
        posterior = posterior if module.expand is None else posterior[:, module.expand]
        columns = []
        for effect in self.effects:
            given = _given_group(layout, panel, flat, effect.outcome)
            groups = range(layout.n_groups) if effect.group is None else [effect.group]
            for a, b in effect.entries:
                parts = [posterior[k] * given[k, :, a, b] for k in groups]
                columns.append((0.5 if a == b else 1.0) * np.sum(parts, axis=0))
        return np.stack(columns, axis=1)


def _given_group(layout: Layout, panel: Panel, flat: np.ndarray, m: int) -> np.ndarray:
    """(K, N, L, L): Z'V^-1 e e'V^-1 Z - Z'V^-1 Z of each person in each group, V with the effects that are there."""
    part, data = layout.outcomes[m], panel.outcomes[m]
    columns = part.columns("mean", data.time, data.covariates)
    mean = layout.coefficients(flat, m, "mean") @ columns.T
    sigma = np.exp(layout.coefficients(flat, m, "log_sigma"))  # (K, 1)
    sds = {name: layout.coefficients(flat, m, name)[:, 0] for name in RANDOM_PART if name in layout.index[m]}
    root = root_of_covariance(sds)
    assert root is not None
    root = root / sigma[:, :, None]
    z = np.vander(data.time / part.time_scale, part.n_random, increasing=True)
    error = ((data.y - part.centre) / part.scale - mean) / sigma
    out = np.zeros((layout.n_groups, panel.n_subjects, part.n_random, part.n_random))
    gram, h = np.zeros(out.shape[1:]), np.zeros(out.shape[:3])
    np.add.at(gram, data.subject, z[:, :, None] * z[:, None, :])
    for k in range(layout.n_groups):
        np.add.at(h[k], data.subject, z * error[k][:, None])
        inner = np.eye(part.n_random) + root[k].T @ gram @ root[k]
        m_matrix = root[k] @ np.linalg.solve(inner, np.broadcast_to(root[k].T, inner.shape))
        beyond = h[k] - np.einsum("iab,ib->ia", gram @ m_matrix, h[k])
        within = gram - gram @ m_matrix @ gram
        out[k] = (beyond[:, :, None] * beyond[:, None, :] - within) / sigma[k] ** 2
    return out
