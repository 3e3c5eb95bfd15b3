"""The flat parameter vector: which entry is what, which are absent, and how they are reported.

Internal order (as in traj's e(b)): mean coefficients by group, zero-inflation coefficients, log sigma, theta.
Internal coefficients multiply orthonormal time columns and a shifted, scaled outcome; :meth:`Layout.report` takes
them to the user's time and units, and sigma for log sigma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .design import TimeBasis, formula_basis, polynomial_basis
from .errors import DataError, SpecificationError
from .families import Family, make_family
from .panel import Measures, Panel
from .spec import SCALE_FAMILIES, ModelSpec, OutcomeSpec

# Predictors of absent parts. Finite, so that nothing becomes 0 * inf; exact in double precision all the same.
RATE_ZERO = -1e8  # eta of a count group that never happens: exp(eta) = 0 and any positive count is impossible
NO_ZERO_INFLATION = -800.0  # logit p of a group without zero inflation: p = 0


@dataclass(frozen=True)
class Block:
    """A run of entries of the flat vector: the coefficients of one predictor in one group (None: common to all)."""

    outcome: int
    predictor: str
    group: int | None
    start: int
    basis: TimeBasis | None

    @property
    def width(self) -> int:
        return self.basis.width if self.basis is not None else 1

    @property
    def entries(self) -> slice:
        return slice(self.start, self.start + self.width)


@dataclass(frozen=True)
class OutcomePart:
    """One outcome with what the engine needs to know of it.

    Attributes
    ----------
    bases : time basis of each predictor (log_sigma: none)
    centre, scale : inside, the outcome is (y - centre) / scale
    """

    spec: OutcomeSpec
    bases: dict[str, TimeBasis]
    centre: float
    scale: float
    name: str = "y"

    @cached_property
    def family(self) -> Family:
        """The family on the user's scale."""
        return make_family(self.spec.family, self.spec.lower, self.spec.upper)

    @cached_property
    def internal_family(self) -> Family:
        return self.family.scaled(self.centre, self.scale)


class Layout:
    """Names, positions and reporting of all parameters of one model.

    Attributes
    ----------
    size : number of free parameters
    index : per outcome, predictor -> (K, q) positions in the flat vector, ``size`` where absent
    offset : per outcome, predictor -> (K,) constant added to the predictor
    theta : slice of the K - 1 membership logits
    """

    def __init__(self, spec: ModelSpec, parts: tuple[OutcomePart, ...]) -> None:
        self.spec = spec
        self.parts = parts
        self.n_groups = spec.n_groups
        self.blocks: list[Block] = []
        start = 0
        for m, part in enumerate(parts):
            for predictor in part.family.predictors:
                for group, basis, width in self._plan(part, predictor):
                    self.blocks.append(Block(m, predictor, group, start, basis))
                    start += width
        self.theta = slice(start, start + self.n_groups - 1)
        self.size = self.theta.stop
        self.index = [self._index(m) for m in range(len(parts))]
        self.offset = [self._offset(m) for m in range(len(parts))]

    def _plan(self, part: OutcomePart, predictor: str) -> list[tuple[int | None, TimeBasis | None, int]]:
        """(group, basis, width) of each block of a predictor; groups without it are left out."""
        groups = range(self.n_groups)
        if predictor == "log_sigma":
            return [(g, None, 1) for g in (groups if part.spec.sigma_by_group else [None])]
        basis = part.bases[predictor]
        orders = part.spec.orders if predictor == "mean" else part.spec.zero_orders
        if orders is None:
            return [(g, basis, basis.width) for g in groups]
        owners: list[int | None] = [None] if predictor == "zero" and part.spec.zero_common else list(groups)
        return [(g, basis.leading(o + 1), o + 1) for g, o in zip(owners, orders, strict=True) if o >= 0]

    def _index(self, m: int) -> dict[str, np.ndarray]:
        part = self.parts[m]
        index = {}
        for predictor in part.family.predictors:
            width = 1 if predictor == "log_sigma" else part.bases[predictor].width
            table = np.full((self.n_groups, width), self.size, dtype=np.int64)
            for b in self.blocks:
                if b.outcome == m and b.predictor == predictor:
                    rows = slice(None) if b.group is None else b.group
                    table[rows, : b.width] = np.arange(b.start, b.start + b.width)
            if predictor == "zero" and part.spec.zero_common:
                table[self.never(m)] = self.size
            index[predictor] = table
        return index

    def _offset(self, m: int) -> dict[str, np.ndarray]:
        absent = {"mean": RATE_ZERO, "zero": NO_ZERO_INFLATION, "log_sigma": 0.0}
        return {
            predictor: np.where((table == self.size).all(axis=1), absent[predictor], 0.0)
            for predictor, table in self.index[m].items()
        }

    def never(self, m: int) -> np.ndarray:
        """(K,) bool: count groups of order -1, whose rate is exactly zero."""
        orders = self.parts[m].spec.orders
        return np.array([o == -1 for o in orders]) if orders is not None else np.zeros(self.n_groups, dtype=bool)

    # -- names -------------------------------------------------------------------------------------------------

    @cached_property
    def names(self) -> list[str]:
        """User-facing names: ``age^2[1]``, ``zero_intercept[2]``, ``sigma``, ``theta[2]``."""
        names = []
        for b in self.blocks:
            suffix = "" if b.group is None else f"[{b.group + 1}]"
            outcome = f"{self.parts[b.outcome].name}:" if len(self.parts) > 1 else ""
            stems = ["sigma"] if b.basis is None else list(b.basis.names)
            prefix = outcome + ("zero_" if b.predictor == "zero" else "")
            names += [f"{prefix}{stem}{suffix}" for stem in stems]
        return names + [f"theta[{g + 1}]" for g in range(1, self.n_groups)]

    @cached_property
    def traj_names(self) -> list[str]:
        """Names of the parameters in traj's e(b)."""
        powers = ["interc", "linear", "quadra", "cubic", "quarti", "quinti"]
        names: list[str] = []
        for b in self.blocks:
            group = b.group + 1 if b.group is not None else None
            if b.predictor == "mean":
                polynomial = self.parts[b.outcome].spec.basis is None
                names += [f"{powers[j] if polynomial else f'basis{j + 1}_'}{group}" for j in range(b.width)]
            elif b.predictor == "zero":
                names += [f"alpha{j}" + ("" if group is None else f"G{group}") for j in range(b.width)]
            else:
                names.append("sigma" + ("" if group is None else str(group)))
        return names + [f"theta{g}" for g in range(2, self.n_groups + 1)]

    # -- reporting ---------------------------------------------------------------------------------------------

    def _block_map(self, b: Block) -> np.ndarray:
        if b.basis is None:
            return np.eye(1)
        return b.basis.to_user * (self.parts[b.outcome].scale if b.predictor == "mean" else 1.0)

    def _shift(self, b: Block) -> np.ndarray:
        centre = self.parts[b.outcome].centre
        if b.predictor != "mean" or b.basis is None or centre == 0.0:
            return np.zeros(b.width)
        return centre * (b.basis.to_user @ b.basis.constant)

    def report(self, flat: np.ndarray) -> np.ndarray:
        """Internal (p,) -> the user's time and units (p,), sigma for log sigma."""
        out = np.array(flat, dtype=float)
        for b in self.blocks:
            if b.predictor == "log_sigma":
                out[b.entries] = self.parts[b.outcome].scale * np.exp(flat[b.entries])
            else:
                out[b.entries] = self._block_map(b) @ flat[b.entries] + self._shift(b)
        return out

    def report_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p, p) derivative of :meth:`report`."""
        jac = np.eye(self.size)
        for b in self.blocks:
            if b.predictor == "log_sigma":
                jac[b.entries, b.entries] = self.parts[b.outcome].scale * np.exp(flat[b.entries])
            else:
                jac[b.entries, b.entries] = self._block_map(b)
        return jac

    def unreport(self, params: np.ndarray) -> np.ndarray:
        """The user's parameters (p,) -> internal (p,): the inverse of :meth:`report`."""
        out = np.array(params, dtype=float)
        for b in self.blocks:
            if b.predictor == "log_sigma":
                out[b.entries] = np.log(params[b.entries] / self.parts[b.outcome].scale)
            else:
                out[b.entries] = np.linalg.solve(self._block_map(b), params[b.entries] - self._shift(b))
        return out

    # -- groups ------------------------------------------------------------------------------------------------

    def coefficients(self, flat: np.ndarray, m: int, predictor: str) -> np.ndarray:
        """(..., p) -> (..., K, q) coefficients, zeros where absent."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return padded[..., self.index[m][predictor]]

    def logits(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., K) membership logits, 0 for the reference group 1."""
        return np.concatenate([np.zeros((*flat.shape[:-1], 1)), flat[..., self.theta]], axis=-1)

    def shares(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., K) group shares."""
        e = np.exp(self.logits(flat) - self.logits(flat).max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def shares_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p,) -> (K, p) derivative of the shares."""
        pi = self.shares(flat)
        jac = np.zeros((self.n_groups, self.size))
        jac[:, self.theta] = (np.diag(pi) - np.outer(pi, pi))[:, 1:]
        return jac

    def permute(self, flat: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Group k of the result is group ``order[k]`` of ``flat`` (..., p); linear in ``flat``."""
        out = np.array(flat, dtype=float)
        where = {(b.outcome, b.predictor, b.group): b for b in self.blocks}
        for (m, predictor, group), b in where.items():
            if group is not None:
                out[..., b.entries] = flat[..., where[m, predictor, int(order[group])].entries]
        logits = self.logits(flat)[..., order]
        out[..., self.theta] = (logits - logits[..., :1])[..., 1:]
        return out


def prepare(panel: Panel, spec: ModelSpec) -> Panel:
    """Check the outcomes against their families; values beyond the bounds are moved to them where the user said so."""
    outcomes = []
    for measures, outcome in zip(panel.outcomes, spec.outcomes, strict=True):
        y = measures.y
        if outcome.censor_beyond:
            y = np.clip(y, outcome.lower, outcome.upper)
            measures = replace(measures, y=y)
        bad, sentence, way_out = make_family(outcome.family, outcome.lower, outcome.upper).problem(y)
        if bad.any():
            raise DataError(
                f"{measures.name}: {sentence} for family '{outcome.family}'; {int(bad.sum())} values are not, "
                f"first {panel.describe_rows(np.flatnonzero(bad), measures)}.",
                code="bad_outcome", argument=measures.name, way_out=way_out,
            )
        outcomes.append(measures)
    if panel.n_subjects < spec.n_groups:
        raise SpecificationError(
            f"groups: {spec.n_groups} groups for {panel.n_subjects} subjects.", code="too_few_subjects",
            argument="groups", way_out="Ask for fewer groups.",
        )
    return replace(panel, outcomes=tuple(outcomes))


def make_layout(panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None = None) -> Layout:
    """Time bases, scaling and parameter layout for these data."""
    given = bases if bases is not None else [None] * len(spec.outcomes)
    return Layout(
        spec,
        tuple(_make_part(o, m, basis) for o, m, basis in zip(spec.outcomes, panel.outcomes, given, strict=True)),
    )


def _make_part(outcome: OutcomeSpec, measures: Measures, given: TimeBasis | None) -> OutcomePart:
    if given is not None:
        mean = given
    elif outcome.basis is not None:
        mean = formula_basis(measures.time, outcome.basis, measures.time_name)
    else:
        mean = polynomial_basis(measures.time, max(0, *(outcome.orders or (0,)), 0), measures.time_name)
    bases = {"mean": mean}
    if outcome.zero_orders is not None:
        bases["zero"] = polynomial_basis(measures.time, max(0, *outcome.zero_orders, 0), measures.time_name, "iorder")
    centre, scale = 0.0, 1.0
    if outcome.family in SCALE_FAMILIES:
        scale = float(measures.y.std())
        if not scale > 1e-12 * float(np.abs(measures.y).max()):
            raise DataError(
                f"{measures.name}: all values are equal ({measures.y[0]:g}).", code="constant_outcome",
                argument=measures.name, way_out="There is nothing to model.",
            )
        centre = float(measures.y.mean()) if mean.has_intercept else 0.0
    return OutcomePart(spec=outcome, bases=bases, centre=centre, scale=scale, name=measures.name)
