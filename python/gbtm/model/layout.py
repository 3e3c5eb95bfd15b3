"""The flat parameter vector: which entry is what, which are absent, and how they are reported.

Internal order (as in traj's e(b)): mean coefficients by group, zero-inflation coefficients, scale parameters
(log sigma, log psi, log phi), theta. Internal coefficients multiply orthonormal columns and a shifted, scaled outcome;
:meth:`Layout.report` takes them to the user's time and units, and sigma for log sigma.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import cached_property

import numpy as np

from ..data.panel import Panel
from ..design.coordinates import Coordinates
from ..design.covariate_basis import CovariateBasis, membership_basis
from ..design.time_basis import TimeBasis
from ..families.precision import PRECISION
from ..families.random_normal import CORRELATIONS, RANDOM, RANDOM_PART
from ..specification.spec import ModelSpec
from .blocks import MEMBERSHIP, SCALES, Block
from .common_effects import Centring, centrings, common_block, own_covariates
from .constraints import Constraints
from .correlation_sets import CorrelationSet, correlation_sets
from .membership_layout import MembershipLayout
from .names import refuse_alike, traj_names, user_names
from .outcome import OutcomePart, Part, make_parts
from .transitions import TransitionBasis, Transitions, transitions_of

# Predictors of absent parts. Finite, so that nothing becomes 0 * inf; exact in double precision all the same.
RATE_ZERO = -1e8  # eta of a count group that never happens: exp(eta) = 0 and any positive count is impossible
NO_ZERO_INFLATION = -800.0  # logit p of a group without zero inflation: p = 0

LEAST_SPREAD = 0.15  # sd, relative to the outcome's, of errors and random effects to start from
MOST_ATANH_RHO = 1.5


class Layout(MembershipLayout):
    """Names, positions and reporting of all parameters of one model.

    Attributes
    ----------
    size : number of free parameters
    index : per outcome, predictor -> (C, q) positions in the flat vector, ``size`` where absent, of each class: a
        group, or of a dual model a pair of groups
    offset : per outcome, predictor -> (C,) constant added to the predictor
    """

    def __init__(
        self, spec: ModelSpec, parts: tuple[Part, ...], membership: CovariateBasis | None = None,
        z: np.ndarray | None = None, weights: np.ndarray | None = None, transitions: Transitions | None = None,
    ) -> None:
        self.spec = spec
        self.parts = parts
        self.n_groups = spec.n_classes
        self.reference = spec.reference
        self.transitions = transitions
        if spec.is_dual and transitions is None:
            self.transitions = Transitions(
                spec.set_sizes[1], spec.second_reference, TransitionBasis(spec.n_groups, (), np.zeros(0), np.ones(0)))
        self._set_classes()
        self.membership = membership if membership is not None else membership_basis(np.zeros((1, 0)), ())
        self.z = np.ones((1, 1)) if z is None else z
        n = max(len(self.z), 1 if self.transitions is None else len(self.transitions.z))
        self.weights = np.full(n, 1 / n) if weights is None else weights / weights.sum()
        self.blocks: list[Block] = []
        for block in self._plan():
            self.blocks.append(block)
        membership_blocks = [b for b in self.blocks if b.outcome == MEMBERSHIP]
        self.size = self.blocks[-1].entries.stop if self.blocks else 0
        self.theta = slice(membership_blocks[0].start if membership_blocks else self.size, self.size)
        self.index = [self._index(m) for m in range(len(parts))]
        self.offset = [self._offset(m) for m in range(len(parts))]
        self.theta_index = np.full((spec.n_groups, self.membership.width), self.size, dtype=np.int64)
        for b in membership_blocks:
            if b.predictor == "theta":
                self.theta_index[b.group] = np.arange(b.start, b.start + b.width)
        if self.transitions is not None:
            self.transitions.place(membership_blocks, self.size)

    @property
    def outcomes(self) -> list[OutcomePart]:
        """The parts that are outcomes, without dropout."""
        return [p for p in self.parts if isinstance(p, OutcomePart)]

    def on_columns(self, means: Sequence[TimeBasis]) -> Layout:
        """The same model with other columns of time for each outcome's mean."""
        own = iter(means)
        parts = tuple(p.on_columns(next(own)) if isinstance(p, OutcomePart) else p for p in self.parts)
        # a layout writes into the transitions where their parameters stand
        return Layout(self.spec, parts, self.membership, self.z, self.weights, deepcopy(self.transitions))

    @property
    def given_units(self) -> np.ndarray:
        """Positions (q,) of the coefficients of hidden units. The curvature in these, the units being known, says too
        little of their uncertainty."""
        at = [np.arange(b.start, b.start + b.width) for b in self.blocks
              if b.predictor == "mean" and self.spec.outcomes[b.outcome].curve is not None]
        return np.concatenate([np.empty(0, dtype=np.int64), *at])

    # -- where things are --------------------------------------------------------------------------------------

    def _plan(self) -> Iterator[Block]:
        """All blocks, in order: curves, scale parameters, membership."""
        start = 0
        # the curve of the observation before is the curve, with no parameters of its own
        predictors = [(m, p, q) for m, p in enumerate(self.parts) for q in p.family.predictors if q != "lag_mean"]
        scales = [x for x in predictors if x[2] in SCALES]
        kinds = [[x for x in predictors if x[2] not in SCALES], [x for x in scales if x[2] not in RANDOM_PART]]
        random = [x for x in predictors if x[2] in RANDOM_PART]
        planned = [
            (m, predictor, *group_columns) for m, _, predictor in kinds[0] + kinds[1]
            for group_columns in self._groups_of(m, predictor)
        ]
        effects = [(m, q, *group_columns) for m, _, q in random for group_columns in self._groups_of(m, q)]
        planned += sorted(effects, key=lambda e: (e[0], e[2] or 0))  # by group, its intercept before its slope
        for m, predictor, group, basis, columns in planned:
            yield Block(m, predictor, group, start, basis, columns)
            start += len(columns)
        z = self.membership
        coordinates = Coordinates(z.names, z.to_user, z.constant)
        for g in range(self.spec.n_groups):
            if g != self.reference:
                yield Block(MEMBERSHIP, "theta", g, start, coordinates, tuple(range(z.width)))
                start += z.width
        if self.transitions is not None:
            yield from self.transitions.blocks(start)

    def n_groups_of(self, m: int) -> int:
        """The number of groups of a part's own set."""
        return self.spec.set_sizes[self.spec.set_of(m)]

    def _groups_of(
        self, m: int, predictor: str
    ) -> list[tuple[int | None, Coordinates | TimeBasis | None, tuple[int, ...]]]:
        """(group, coordinates, columns) of each block of a predictor; groups without it are left out."""
        part, groups = self.parts[m], range(self.n_groups_of(m))
        owners: list[int | None] = [None] if part.common(predictor) else list(groups)
        if predictor in SCALES:
            has = part.orders(predictor) if predictor in RANDOM_PART else None
            return [(g, None, (0,)) for g in owners if has is None or (max(has) if g is None else has[g]) >= 0]
        basis = part.bases[predictor]
        orders = part.orders(predictor)
        if orders is None:
            orders = (basis.width - 1,) * len(groups)
        out: list[tuple[int | None, Coordinates | TimeBasis | None, tuple[int, ...]]] = []
        for owner, order in zip(owners, orders, strict=True):
            if order < 0:
                continue
            coordinates = basis if order + 1 == basis.width else basis.leading(order + 1)
            columns = tuple(range(order + 1))
            own = own_covariates(part) if predictor not in ("zero", PRECISION) else ()
            if own and part.covariates is not None:
                columns += tuple(basis.width + j for j in own)
                out.append((owner, coordinates.joined(part.covariates.take(own)), columns))
            else:
                out.append((owner, coordinates, columns))
        return [*out, *common_block(part, predictor)]

    def _index(self, m: int) -> dict[str, np.ndarray]:
        part, own = self.parts[m], self.class_groups[self.spec.set_of(m)]
        index = {}
        for predictor in part.family.predictors:
            table = np.full((self.n_groups, part.width(predictor)), self.size, dtype=np.int64)
            for b in self.blocks:
                if b.outcome == m and b.predictor == ("mean" if predictor == "lag_mean" else predictor):
                    rows = np.flatnonzero((own == b.group) | (b.group is None))
                    table[rows[:, None], np.array(b.columns)] = np.arange(b.start, b.start + b.width)
            if (predictor == "zero" and part.common(predictor)) or predictor in ("mean", "lag_mean"):
                table[self.never(m)] = self.size
            if predictor in RANDOM_PART and part.common(predictor):
                table[np.array(part.orders(predictor))[own] < 0] = self.size
            index[predictor] = table
        return index

    def _offset(self, m: int) -> dict[str, np.ndarray]:
        absent = {"mean": RATE_ZERO, "lag_mean": RATE_ZERO, "zero": NO_ZERO_INFLATION}
        return {
            predictor: np.where((table == self.size).all(axis=1), absent.get(predictor, 0.0), 0.0)
            for predictor, table in self.index[m].items()
        }

    def never(self, m: int) -> np.ndarray:
        """(C,) bool: count groups of order -1, whose rate is exactly zero."""
        orders = self.parts[m].orders("mean")
        if orders is None:
            return np.zeros(self.n_groups, dtype=bool)
        return np.array([o == -1 for o in orders])[self.class_groups[self.spec.set_of(m)]]

    def has(self, predictor: str, *, by_group: bool = False) -> bool:
        """Some outcome has this predictor (with parameters of each group's own)."""
        return any(b.predictor == predictor and (b.group is not None or not by_group) for b in self.blocks)

    # -- names -------------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> list[str]:
        """User-facing names: ``age^2[1]``, ``zero_intercept[2]``, ``sigma``, ``theta[2]``, ``theta_male[2]``."""
        return user_names(self.blocks, self.parts, self.membership, self.transitions)

    @cached_property
    def traj_names(self) -> list[str]:
        """Names of the parameters in traj's e(b)."""
        return traj_names(self.blocks, self.parts, self.membership, self.transitions)

    # -- constraints -------------------------------------------------------------------------------------------

    @cached_property
    def constraints(self) -> Constraints | None:
        """What the specification's constraints leave of the parameters; None where there are none."""
        return Constraints.of(self)

    @property
    def has_labels(self) -> bool:
        """Constraints, or people whose group is known, tell groups of one shape apart."""
        return bool(self.spec.constraints or self.spec.has_known)

    @property
    def n_free(self) -> int:
        """The number of free parameters: all, but for those that constraints take away."""
        own = self.size if self.constraints is None else self.constraints.n_free
        return own + self.spec.n_of_units

    # -- reporting ---------------------------------------------------------------------------------------------

    def _block_map(self, b: Block) -> np.ndarray:
        if b.basis is None:
            return np.eye(1)
        return b.basis.to_user * (self.parts[b.outcome].scale if b.predictor == "mean" else 1.0)

    def units_of(self, b: Block) -> float:
        """What a scale parameter is multiplied with to be in the user's units."""
        part = self.parts[b.outcome]
        if b.predictor in RANDOM and isinstance(part, OutcomePart):
            return part.scale / part.time_scale ** RANDOM.index(b.predictor)
        return part.scale if SCALES[b.predictor].in_units else 1.0

    def _shift(self, b: Block) -> np.ndarray:
        if b.predictor != "mean" or b.basis is None or self.parts[b.outcome].centre == 0.0:
            return np.zeros(b.width)
        return self.parts[b.outcome].centre * (b.basis.to_user @ b.basis.constant)

    @cached_property
    def centrings(self) -> list[Centring]:
        """What each group's own coefficients take up of effects common to all groups."""
        return centrings(self.blocks, self.parts)

    @cached_property
    def correlation_sets(self) -> list[CorrelationSet]:
        """Correlations of more than two random effects, each of which depends on several internal parameters."""
        return correlation_sets(self.blocks)

    def report(self, flat: np.ndarray) -> np.ndarray:
        """Internal (p,) -> the user's time and units (p,), sigma for log sigma."""
        out = np.array(flat, dtype=float)
        for b in self.blocks:
            if b.is_scale:
                out[b.entries] = self.units_of(b) * SCALES[b.predictor].report(flat[b.entries])
            else:
                out[b.entries] = self._block_map(b) @ flat[b.entries] + self._shift(b)
        for c in self.centrings:
            out[c.own] += c.map @ flat[c.common]
        for r in self.correlation_sets:
            out[r.places] = r.report(flat[r.places])
        return out

    def report_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p, p) derivative of :meth:`report`."""
        jac = np.eye(self.size)
        for b in self.blocks:
            if b.is_scale:
                jac[b.entries, b.entries] = self.units_of(b) * SCALES[b.predictor].slope(flat[b.entries])
            else:
                jac[b.entries, b.entries] = self._block_map(b)
        for c in self.centrings:
            jac[c.own, c.common] = c.map
        for r in self.correlation_sets:
            jac[np.ix_(r.places, r.places)] = r.jacobian(flat[r.places])
        return jac

    def unreport(self, params: np.ndarray) -> np.ndarray:
        """The user's parameters (p,) -> internal (p,): the inverse of :meth:`report`."""
        out = np.array(params, dtype=float)
        for b in self.blocks:
            if b.is_scale:
                out[b.entries] = SCALES[b.predictor].unreport(params[b.entries] / self.units_of(b))
            else:
                out[b.entries] = np.linalg.solve(self._block_map(b), params[b.entries] - self._shift(b))
        for c in self.centrings:
            out[c.own] -= np.linalg.solve(self._block_map(c.block), c.map @ out[c.common])
        for r in self.correlation_sets:
            out[r.places] = r.unreport(params[r.places])
        return out

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
            elif b.predictor in ("atanh_rho", *CORRELATIONS.values()):
                out[at] = np.clip(out[at], -MOST_ATANH_RHO, MOST_ATANH_RHO)
        return out

    # -- groups ------------------------------------------------------------------------------------------------

    def coefficients(self, flat: np.ndarray, m: int, predictor: str) -> np.ndarray:
        """(..., p) -> (..., C, q) coefficients of the classes, zeros where absent."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return padded[..., self.index[m][predictor]]

    def permute(self, flat: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Class c of the result is class ``order[c]`` of ``flat`` (..., p); linear in ``flat``.

        Classes are the groups, and of a dual model the pairs of groups, whose order is one of either set's groups.
        """
        out = np.array(flat, dtype=float)
        orders = self.set_orders(order)
        where = {(b.outcome, b.predictor, b.group): b for b in self.blocks if b.outcome != MEMBERSHIP}
        for (m, predictor, group), b in where.items():
            if group is not None:
                source = int(orders[self.spec.set_of(m)][group])
                out[..., b.entries] = flat[..., where[m, predictor, source].entries]
        self.permute_membership(out, flat, orders)
        return out


def make_layout(panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None = None) -> Layout:
    """Bases, scaling and parameter layout for these data."""
    parts = make_parts(panel, spec, bases)
    subjects = panel.subjects
    membership, z, transitions = None, None, None
    if subjects.risk_names:
        membership = membership_basis(subjects.risk, subjects.risk_names)
        z = membership.internal(subjects.risk)
    if spec.is_dual:
        basis = TransitionBasis.of(spec.n_groups, subjects.second_risk, subjects.risk2_names)
        transitions = transitions_of(spec, basis, subjects.risk2)
    varies = bool(subjects.risk_names) or (spec.is_dual and bool(subjects.risk2_names))
    layout = Layout(spec, parts, membership, z, subjects.relative_weights if varies else None, transitions)
    refuse_alike(layout.names, parts, subjects.risk_names)
    _ = layout.constraints  # read here, so that what is wrong with them is told before the fit
    return layout
