"""The flat parameter vector: which entry is what, which are absent, and how they are reported.

Internal order (as in traj's e(b)): mean coefficients by group, zero-inflation coefficients, scale parameters
(log sigma, log psi, log phi), theta. Internal coefficients multiply orthonormal columns and a shifted, scaled outcome;
:meth:`Layout.report` takes them to the user's time and units, and sigma for log sigma.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from ..data.panel import Panel
from ..design.coordinates import Coordinates
from ..design.covariate_basis import CovariateBasis, membership_basis
from ..design.time_basis import TimeBasis
from ..families.random_normal import RANDOM
from .blocks import MEMBERSHIP, SCALES, Block
from .names import refuse_alike, traj_names, user_names
from .outcome import OutcomePart, Part, make_parts
from .spec import ModelSpec

# Predictors of absent parts. Finite, so that nothing becomes 0 * inf; exact in double precision all the same.
RATE_ZERO = -1e8  # eta of a count group that never happens: exp(eta) = 0 and any positive count is impossible
NO_ZERO_INFLATION = -800.0  # logit p of a group without zero inflation: p = 0

LEAST_SPREAD = 0.15  # sd, relative to the outcome's, of errors and random effects to start from
MOST_ATANH_RHO = 1.5
NO_EFFECT = 1e-4  # sd of a random effect, relative to the outcome's, that is none; less where sigma is tiny


class Layout:
    """Names, positions and reporting of all parameters of one model.

    Attributes
    ----------
    size : number of free parameters
    index : per outcome, predictor -> (K, q) positions in the flat vector, ``size`` where absent
    offset : per outcome, predictor -> (K,) constant added to the predictor
    theta : slice of the membership coefficients, all groups but the reference
    theta_index : (K, R) their positions, ``size`` for the reference group
    z, weights : (N, R) internal membership columns and (N,) weights of the subjects that shares average over;
        one row of 1 where there are no membership covariates
    """

    def __init__(
        self, spec: ModelSpec, parts: tuple[Part, ...], membership: CovariateBasis | None = None,
        z: np.ndarray | None = None, weights: np.ndarray | None = None,
    ) -> None:
        self.spec = spec
        self.parts = parts
        self.n_groups = spec.n_groups
        self.reference = spec.reference
        self.membership = membership if membership is not None else membership_basis(np.zeros((1, 0)), ())
        self.z = np.ones((1, 1)) if z is None else z
        self.weights = np.full(self.z.shape[0], 1 / self.z.shape[0]) if weights is None else weights / weights.sum()
        self.blocks: list[Block] = []
        for block in self._plan():
            self.blocks.append(block)
        membership_blocks = [b for b in self.blocks if b.outcome == MEMBERSHIP]
        self.size = self.blocks[-1].entries.stop if self.blocks else 0
        self.theta = slice(membership_blocks[0].start if membership_blocks else self.size, self.size)
        self.index = [self._index(m) for m in range(len(parts))]
        self.offset = [self._offset(m) for m in range(len(parts))]
        self.theta_index = np.full((self.n_groups, self.membership.width), self.size, dtype=np.int64)
        for b in membership_blocks:
            self.theta_index[b.group] = np.arange(b.start, b.start + b.width)

    @property
    def outcomes(self) -> list[OutcomePart]:
        """The parts that are outcomes, without dropout."""
        return [p for p in self.parts if isinstance(p, OutcomePart)]

    # -- where things are --------------------------------------------------------------------------------------

    def _plan(self) -> Iterator[Block]:
        """All blocks, in order: curves, scale parameters, membership."""
        start = 0
        # the curve of the observation before is the curve, with no parameters of its own
        predictors = [(m, p, q) for m, p in enumerate(self.parts) for q in p.family.predictors if q != "lag_mean"]
        scales = [x for x in predictors if x[2] in SCALES]
        kinds = [[x for x in predictors if x[2] not in SCALES], [x for x in scales if x[2] not in RANDOM]]
        random = [x for x in predictors if x[2] in RANDOM]
        planned = [
            (m, predictor, *group_columns) for m, part, predictor in kinds[0] + kinds[1]
            for group_columns in self._groups_of(part, predictor)
        ]
        effects = [(m, q, *group_columns) for m, part, q in random for group_columns in self._groups_of(part, q)]
        planned += sorted(effects, key=lambda e: (e[0], e[2] or 0))  # by group, its intercept before its slope
        for m, predictor, group, basis, columns in planned:
            yield Block(m, predictor, group, start, basis, columns)
            start += len(columns)
        z = self.membership
        coordinates = Coordinates(z.names, z.to_user, z.constant)
        for g in range(self.n_groups):
            if g != self.reference:
                yield Block(MEMBERSHIP, "theta", g, start, coordinates, tuple(range(z.width)))
                start += z.width

    def _groups_of(
        self, part: Part, predictor: str
    ) -> list[tuple[int | None, Coordinates | TimeBasis | None, tuple[int, ...]]]:
        """(group, coordinates, columns) of each block of a predictor; groups without it are left out."""
        groups = range(self.n_groups)
        owners: list[int | None] = [None] if part.common(predictor) else list(groups)
        if predictor in SCALES:
            has = part.orders(predictor) if predictor in RANDOM else None
            return [(g, None, (0,)) for g in owners if has is None or has[g or 0] >= 0]
        basis = part.bases[predictor]
        orders = part.orders(predictor)
        if orders is None:
            orders = (basis.width - 1,) * self.n_groups
        out: list[tuple[int | None, Coordinates | TimeBasis | None, tuple[int, ...]]] = []
        for owner, order in zip(owners, orders, strict=True):
            if order < 0:
                continue
            coordinates = basis if order + 1 == basis.width else basis.leading(order + 1)
            columns = tuple(range(order + 1))
            if predictor != "zero" and part.covariates is not None:
                columns += tuple(range(basis.width, basis.width + part.covariates.width))
                out.append((owner, coordinates.joined(part.covariates), columns))
            else:
                out.append((owner, coordinates, columns))
        return out

    def _index(self, m: int) -> dict[str, np.ndarray]:
        part = self.parts[m]
        index = {}
        for predictor in part.family.predictors:
            table = np.full((self.n_groups, part.width(predictor)), self.size, dtype=np.int64)
            for b in self.blocks:
                if b.outcome == m and b.predictor == ("mean" if predictor == "lag_mean" else predictor):
                    rows = slice(None) if b.group is None else b.group
                    table[rows, list(b.columns)] = np.arange(b.start, b.start + b.width)
            if predictor == "zero" and part.common(predictor):
                table[self.never(m)] = self.size
            index[predictor] = table
        return index

    def _offset(self, m: int) -> dict[str, np.ndarray]:
        absent = {"mean": RATE_ZERO, "lag_mean": RATE_ZERO, "zero": NO_ZERO_INFLATION}
        return {
            predictor: np.where((table == self.size).all(axis=1), absent.get(predictor, 0.0), 0.0)
            for predictor, table in self.index[m].items()
        }

    def never(self, m: int) -> np.ndarray:
        """(K,) bool: count groups of order -1, whose rate is exactly zero."""
        orders = self.parts[m].orders("mean")
        return np.array([o == -1 for o in orders]) if orders is not None else np.zeros(self.n_groups, dtype=bool)

    def has(self, predictor: str, *, by_group: bool = False) -> bool:
        """Some outcome has this predictor (with parameters of each group's own)."""
        return any(b.predictor == predictor and (b.group is not None or not by_group) for b in self.blocks)

    # -- names -------------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> list[str]:
        """User-facing names: ``age^2[1]``, ``zero_intercept[2]``, ``sigma``, ``theta[2]``, ``theta_male[2]``."""
        return user_names(self.blocks, self.parts, self.membership)

    @cached_property
    def traj_names(self) -> list[str]:
        """Names of the parameters in traj's e(b)."""
        return traj_names(self.blocks, self.parts, self.membership)

    # -- reporting ---------------------------------------------------------------------------------------------

    def _block_map(self, b: Block) -> np.ndarray:
        if b.basis is None:
            return np.eye(1)
        return b.basis.to_user * (self.parts[b.outcome].scale if b.predictor == "mean" else 1.0)

    def _units(self, b: Block) -> float:
        """What a scale parameter is multiplied with to be in the user's units."""
        part = self.parts[b.outcome]
        if b.predictor in RANDOM and isinstance(part, OutcomePart):
            return part.scale / part.time_scale ** RANDOM.index(b.predictor)
        return part.scale if SCALES[b.predictor].in_units else 1.0

    def _shift(self, b: Block) -> np.ndarray:
        if b.predictor != "mean" or b.basis is None or self.parts[b.outcome].centre == 0.0:
            return np.zeros(b.width)
        return self.parts[b.outcome].centre * (b.basis.to_user @ b.basis.constant)

    def report(self, flat: np.ndarray) -> np.ndarray:
        """Internal (p,) -> the user's time and units (p,), sigma for log sigma."""
        out = np.array(flat, dtype=float)
        for b in self.blocks:
            if b.is_scale:
                out[b.entries] = self._units(b) * SCALES[b.predictor].report(flat[b.entries])
            else:
                out[b.entries] = self._block_map(b) @ flat[b.entries] + self._shift(b)
        return out

    def report_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p, p) derivative of :meth:`report`."""
        jac = np.eye(self.size)
        for b in self.blocks:
            if b.is_scale:
                jac[b.entries, b.entries] = self._units(b) * SCALES[b.predictor].slope(flat[b.entries])
            else:
                jac[b.entries, b.entries] = self._block_map(b)
        return jac

    def unreport(self, params: np.ndarray) -> np.ndarray:
        """The user's parameters (p,) -> internal (p,): the inverse of :meth:`report`."""
        out = np.array(params, dtype=float)
        for b in self.blocks:
            if b.is_scale:
                out[b.entries] = SCALES[b.predictor].unreport(params[b.entries] / self._units(b))
            else:
                out[b.entries] = np.linalg.solve(self._block_map(b), params[b.entries] - self._shift(b))
        return out

    def at_bound(self, flat: np.ndarray) -> np.ndarray:
        """Positions of the random effects whose sd is zero, in (p,)."""
        effects = [b for b in self.blocks if b.predictor in RANDOM]
        entries = [b.start for b in effects if abs(flat[b.start]) < self._no_effect(flat, b)]
        return np.array(entries, dtype=np.int64)

    def _no_effect(self, flat: np.ndarray, b: Block) -> float:
        """Where errors are tiny, effects may be tiny too."""
        sigma = float(np.exp(self.coefficients(flat, b.outcome, "log_sigma")).max())
        return NO_EFFECT * min(1.0, sigma / LEAST_SPREAD)

    def inside(self, flat: np.ndarray) -> np.ndarray:
        """(p,) -> (p,) with scale parameters moved away from where a climb would not come back from: no spread at all,
        a random effect of sd 0, correlations of 1 and -1."""
        out = flat.copy()
        for b in self.blocks:
            at = b.entries
            if b.predictor == "log_sigma":
                out[at] = np.maximum(out[at], np.log(LEAST_SPREAD))
            elif b.predictor in RANDOM:
                out[at] = np.maximum(np.abs(out[at]), LEAST_SPREAD)
            elif b.predictor == "atanh_rho":
                out[at] = np.clip(out[at], -MOST_ATANH_RHO, MOST_ATANH_RHO)
        return out

    # -- groups ------------------------------------------------------------------------------------------------

    def coefficients(self, flat: np.ndarray, m: int, predictor: str) -> np.ndarray:
        """(..., p) -> (..., K, q) coefficients, zeros where absent."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return padded[..., self.index[m][predictor]]

    def membership_coefficients(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> theta (..., K, R), zeros for the reference group."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return padded[..., self.theta_index]

    def set_membership(self, flat: np.ndarray, theta: np.ndarray) -> None:
        """Put theta (..., K, R), known up to a constant of each column, into ``flat`` (..., p), in place."""
        others = [g for g in range(self.n_groups) if g != self.reference]
        relative = theta - theta[..., self.reference : self.reference + 1, :]
        flat[..., self.theta] = relative[..., others, :].reshape(*flat.shape[:-1], -1)

    def shares(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., K) group shares; with membership covariates, their mean over the subjects."""
        return np.einsum("n,...nk->...k", self.weights, self._subject_shares(flat))

    def _subject_shares(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> pi (..., N, K)."""
        logits = np.einsum("nr,...kr->...nk", self.z, self.membership_coefficients(flat))
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def shares_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p,) -> (K, p) derivative of the shares."""
        pi = self._subject_shares(flat)
        weighted = pi * self.weights[:, None]
        # sum_i w_i (diag pi - pi pi') x z_i, (K, K, R)
        slope = -np.einsum("nk,nj,nr->kjr", weighted, pi, self.z)
        slope[np.arange(self.n_groups), np.arange(self.n_groups)] += weighted.T @ self.z
        jac = np.zeros((self.n_groups, self.size + 1))
        jac[:, self.theta_index.ravel()] = slope.reshape(self.n_groups, -1)
        return jac[:, :-1]

    def permute(self, flat: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Group k of the result is group ``order[k]`` of ``flat`` (..., p); linear in ``flat``."""
        out = np.array(flat, dtype=float)
        where = {(b.outcome, b.predictor, b.group): b for b in self.blocks if b.outcome != MEMBERSHIP}
        for (m, predictor, group), b in where.items():
            if group is not None:
                out[..., b.entries] = flat[..., where[m, predictor, int(order[group])].entries]
        self.set_membership(out, self.membership_coefficients(flat)[..., order, :])
        return out


def make_layout(panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None = None) -> Layout:
    """Bases, scaling and parameter layout for these data."""
    parts = make_parts(panel, spec, bases)
    subjects = panel.subjects
    if not subjects.risk_names:
        layout = Layout(spec, parts)
    else:
        membership = membership_basis(subjects.risk, subjects.risk_names)
        layout = Layout(spec, parts, membership, membership.internal(subjects.risk), subjects.relative_weights)
    refuse_alike(layout.names, parts, subjects.risk_names)
    return layout
