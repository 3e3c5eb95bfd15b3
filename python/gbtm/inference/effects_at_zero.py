"""The law of a likelihood ratio where random effects have their covariance at zero in the smaller model.

Under the smaller model the covariances of the further effects lie at the tip of a cone: sds at zero, and of effects
that are correlated a matrix that is positive semidefinite (Stram and Lee 1994), beside which their covariances with
effects that are there already may be anything. Twice the difference of the
log-likelihoods then is distributed as the squared length of the projection of a normal vector onto that cone in the
metric of the information (Self and Liang 1987), a mixture of chi-squares whose weights depend on the data. With one
further sd the weights are one half each. Otherwise they are counted here: the cone is spanned by rays, and the number
of rays that a projection lies between is the degrees of freedom of its part (Silvapulle and Sen 2005, section 3.4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag
from scipy.optimize import nnls
from scipy.stats import chi2

from ..data.panel import Panel
from ..families.effect_correlations import Pair, pairs_of
from ..families.random_normal import CORRELATIONS, RANDOM, RANDOM_PART, root_of_covariance
from ..fit.fit import Fit
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.nesting import embed
from ..record.rebuild import layout_of, panel_of

DRAWS = 4000  # of a normal vector, by which the weights are known to .008 and better
RAYS = {1: 1, 2: 48, 3: 300}  # of the cone of matrices of that size that are positive semidefinite
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
    beyond, shapes = cone.scores(module, layout, panel, flat)
    plain = np.delete(scores, cone.positions, axis=1)
    left = beyond - plain @ np.linalg.lstsq(plain, beyond, rcond=None)[0]
    unit = np.sqrt((left**2).sum(axis=0))
    left = left / unit
    metric = np.linalg.cholesky(left.T @ left + TINY * np.eye(unit.size)).T
    rays = metric @ (cone.rays(shapes) * unit[:, None])
    rays = rays / np.linalg.norm(rays, axis=0)
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
    pairs: tuple[Pair, ...]  # that are correlated

    @property
    def freed(self) -> list[Pair]:
        """Those with a further effect."""
        return [pair for pair in self.pairs if set(pair) & set(self.further)]

    @property
    def entries(self) -> list[Pair]:
        """Places of the covariance that are free beyond the smaller model: variances, then covariances."""
        return [*((a, a) for a in self.further), *self.freed]

    def rays(self, shape: np.ndarray) -> np.ndarray:
        """(d, n) directions that span the cone in these places; ``shape`` (L, L) is the effects' information, in the
        metric of which they are about as far from each other."""
        n = len(self.further)
        if not self.pairs:
            return np.eye(n)
        own = shape[np.ix_(self.further, self.further)]
        vectors = np.linalg.solve(np.linalg.cholesky(own).T, _directions(n))
        place, columns = {a: i for i, a in enumerate(self.further)}, []
        for a, b in self.entries:
            inside = a in place and b in place
            columns.append(vectors[place[a]] * vectors[place[b]] if inside else np.zeros(vectors.shape[1]))
        free = [i for i, (a, b) in enumerate(self.entries) if not (a in place and b in place)]
        lines = np.eye(len(self.entries))[:, free]  # a covariance with an effect that is there already
        return np.hstack([np.array(columns), lines, -lines])


def _directions(n: int) -> np.ndarray:
    """(n, r) unit vectors, one of each pair of opposites, that lie evenly in n dimensions."""
    if n == 1:
        return np.ones((1, 1))
    turn = np.arange(RAYS[n])
    if n == 2:
        angle = np.pi * turn / turn.size
        return np.stack([np.cos(angle), np.sin(angle)])
    height, angle = (turn + 0.5) / turn.size, np.pi * (3 - np.sqrt(5)) * turn  # a spiral of Fibonacci
    width = np.sqrt(1 - height**2)
    return np.stack([width * np.cos(angle), width * np.sin(angle), height])


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
                pairs = tuple(pair for pair in pairs_of(len(RANDOM)) if CORRELATIONS[pair] in own)
                effects.append(_Effects(m, group, tuple(further), pairs))
                positions += [own[RANDOM[a]] for a in further]
                positions += [own[CORRELATIONS[pair]] for pair in effects[-1].freed]
        return cls(tuple(effects), np.array(positions, dtype=np.int64))

    def rays(self, shapes: list[np.ndarray]) -> np.ndarray:
        """(d, n) those of all effects, each with the information (L, L) on its own."""
        return np.asarray(block_diag(*(e.rays(shape) for e, shape in zip(self.effects, shapes, strict=True))))

    def scores(
        self, module: Mixture, layout: Layout, panel: Panel, flat: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """(N, d) derivatives of each person's log-likelihood in the entries of the covariances, and of each of the
        effects Z'V^-1 Z (L, L), summed over people."""
        import torch

        with torch.no_grad():
            posterior = module.posterior(torch.as_tensor(flat)[None])[0].numpy()
        posterior = posterior if module.expand is None else posterior[:, module.expand]
        columns, shapes = [], []
        for effect in self.effects:
            given, within = _given_group(layout, panel, flat, effect.outcome)
            groups = range(layout.n_groups) if effect.group is None else [effect.group]
            shapes.append(sum(np.einsum("i,iab->ab", posterior[k], within[k]) for k in groups))
            for a, b in effect.entries:
                parts = [posterior[k] * given[k, :, a, b] for k in groups]
                columns.append((0.5 if a == b else 1.0) * np.sum(parts, axis=0))
        return np.stack(columns, axis=1), shapes


def _given_group(layout: Layout, panel: Panel, flat: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, N, L, L): Z'V^-1 e e'V^-1 Z - Z'V^-1 Z of each person in each group, V with the effects that are there, and
    Z'V^-1 Z alone."""
    part, data = layout.outcomes[m], panel.outcomes[m]
    if part.correlated_and_censored(data.y):
        return _given_group_censored(layout, panel, flat, m)
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
    shape = np.zeros_like(out)
    gram, h = np.zeros(out.shape[1:]), np.zeros(out.shape[:3])
    np.add.at(gram, data.subject, z[:, :, None] * z[:, None, :])
    for k in range(layout.n_groups):
        np.add.at(h[k], data.subject, z * error[k][:, None])
        inner = np.eye(part.n_random) + root[k].T @ gram @ root[k]
        m_matrix = root[k] @ np.linalg.solve(inner, np.broadcast_to(root[k].T, inner.shape))
        beyond = h[k] - np.einsum("iab,ib->ia", gram @ m_matrix, h[k])
        within = gram - gram @ m_matrix @ gram
        out[k] = (beyond[:, :, None] * beyond[:, None, :] - within) / sigma[k] ** 2
        shape[k] = within / sigma[k] ** 2
    return out, shape


def _given_group_censored(layout: Layout, panel: Panel, flat: np.ndarray, m: int) -> tuple[np.ndarray, np.ndarray]:
    """The same where values are censored: their means over what the effects that are there may be."""
    import torch

    from ..densities.make_cells import make_cells

    part = layout.outcomes[m]
    room = make_cells(part, panel.outcomes[m], panel.n_subjects)
    own = [layout.coefficients(flat, m, name) for name in part.family.predictors]
    both, information = room.effect_scores(torch.as_tensor(np.concatenate(own, axis=1)))  # type: ignore[operator]
    return both.numpy(), information.numpy()
