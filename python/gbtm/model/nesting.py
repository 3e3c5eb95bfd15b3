"""One model inside another: which models nest, and the smaller one's estimates as starts for the larger one.

A model nests in another when each of its groups finds a group of its own there with at least its order. The larger
model then is the smaller one where the further coefficients are zero and each further group is a copy of another with
a part of its share. So its log-likelihood cannot be lower; where a fit's is, the search for it fell short.

A dual model nests in another when both of its sets of groups do: a copy of a group of the first set leads to the groups
of the second as the group itself does, and a copy of one of the second takes a part of what leads to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, product

import numpy as np

from ..families.precision import PRECISION
from ..specification.event import EventSpec
from ..specification.outcome_spec import OutcomeSpec
from ..specification.spec import ModelSpec
from .blocks import MEMBERSHIP, Block
from .common_effects import with_common
from .layout import Layout

FAR = -40.0  # log rate or logit that is zero in double precision for any data, and still a parameter
NOTHING = -300.0  # log share of a group that nobody is in
MATCHES_MOST = 12  # ways to match groups that are tried
STARTS_MOST = 24

Shape = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Placing:
    """Where the groups of one set of a model come from.

    Attributes
    ----------
    group : (K,) the group of the source that each takes its coefficients from
    further : groups that have no counterpart there
    real : those of them that take a part of a share; the others have none
    """

    group: np.ndarray
    further: tuple[int, ...] = ()
    real: tuple[int, ...] = ()


@lru_cache(maxsize=100_000)
def nested(small: ModelSpec, big: ModelSpec) -> bool:
    """Whether ``small`` is ``big`` with some coefficients zero and some groups alike.

    Group by group: orders of the mean, of the zero part and of random effects may be lower. A scale parameter or zero
    part that is common to all groups nests in one per group. A group whose rate is zero (order -1) is the limit of one
    of order 0, and so are no zero inflation and no random effect. Families, bounds, bases and dropout have to be the
    same.
    """
    if small.is_dual != big.is_dual or (big.constraints and big.constraints != small.constraints):
        return False
    return all(
        _comparable(a, b) and next(_matches(a, b), None) is not None for a, b in _sets(small, big)
    )


def embed(small: Layout, flat: np.ndarray, big: Layout) -> np.ndarray:
    """Starts (B, p) for a larger model at which its likelihood is that of the smaller one at ``flat``.

    There is one for each way to match the groups and each group that the further ones can be copies of (at most 24);
    none, (0, p), where the smaller model is not nested. A further group that can be a copy of none has no share.

    Both layouts are of one panel. Coefficients go by their columns' names, so that the bases may differ.
    """
    if not nested(small.spec, big.spec):
        return np.zeros((0, big.size))
    each = [list(_placings(a, b)) for a, b in _sets(small.spec, big.spec)]
    return np.stack([_start(small, flat, big, placings) for placings in islice(product(*each), STARTS_MOST)])


def _placings(small: ModelSpec, big: ModelSpec) -> Iterator[Placing]:
    """Ways to put the groups of a set into those of a larger one."""
    shapes, rooms = _shapes(small), _shapes(big)
    for match in islice(_matches(small, big), MATCHES_MOST):
        further = [g for g in range(big.n_groups) if g not in match]
        able = [a for a in range(small.n_groups) if any(_fits(shapes[a], rooms[g]) for g in further)]
        for copied in (*able,) if able else (None,):
            source = np.full(big.n_groups, 0 if copied is None else copied)
            source[list(match)] = np.arange(small.n_groups)
            real = [g for g in further if copied is not None and _fits(shapes[copied], rooms[g])]
            yield Placing(source, tuple(further), tuple(real))


def lowered(large: Layout, flat: np.ndarray, low: Layout) -> np.ndarray:
    """Starts (B, p) for a model whose groups have lower orders, from the estimates of one with as many groups.

    The coefficients that it does not have are dropped, in the orthonormal coordinates inside; one start for each way
    to match the groups of a set (at most 12), none where the orders are not lower.
    """
    if large.spec.set_sizes != low.spec.set_sizes:
        return np.zeros((0, low.size))
    each = [
        [Placing(np.asarray(m)) for m in islice(_matches(a, b, alike="small"), MATCHES_MOST)] if _comparable(a, b) else
        [] for a, b in _sets(low.spec, large.spec)
    ]
    starts = [_start(large, flat, low, placings) for placings in islice(product(*each), STARTS_MOST)]
    return np.stack(starts) if starts else np.zeros((0, low.size))


# -- which groups go where --------------------------------------------------------------------------------------------


def _sets(small: ModelSpec, big: ModelSpec) -> list[tuple[ModelSpec, ModelSpec]]:
    """Each set of groups of two models by itself."""
    return [(small.of_set(s), big.of_set(s)) for s in range(len(big.set_sizes))]


def _comparable(small: ModelSpec, big: ModelSpec) -> bool:
    """All but the groups' own orders allows nesting."""
    if small.n_groups > big.n_groups or len(small.outcomes) != len(big.outcomes):
        return False
    alone = small.n_groups == 1
    if (small.dropout is None) != (big.dropout is None) or not _event_comparable(small.event, big.event, alone):
        return False
    return all(_outcome_comparable(a, b, alone) for a, b in zip(small.outcomes, big.outcomes, strict=True))


def _event_comparable(a: EventSpec | None, b: EventSpec | None, alone: bool) -> bool:
    """The same, whose effects may be each group's own where they were common."""
    if a is None or b is None or a == b:
        return a == b
    same = a.effects_by_group <= b.effects_by_group or alone
    return same and replace(a, effects_by_group=False) == replace(b, effects_by_group=False)


def _outcome_comparable(a: OutcomeSpec, b: OutcomeSpec, alone: bool) -> bool:
    if a.curve is not None or b.curve is not None:
        return False  # the hidden units of one are not those of the other
    same = ("family", "lower", "upper", "censor_beyond", "basis")
    if any(getattr(a, name) != getattr(b, name) for name in same):
        return False
    by_group = [("sigma_by_group", a, b), ("dispersion_by_group", a, b), ("rho_by_group", a, b)]
    if any(getattr(x, name) and not getattr(y, name) and not alone for name, x, y in by_group):
        return False
    if (b.zero_common and not a.zero_common) or not (alone or set(b.common) <= set(a.common)):
        return False
    if (a.phi_orders or (-1,)) > (b.phi_orders or (-1,)):
        return False
    has_effects = a.random_orders is not None and max(a.random_orders) >= 0
    if has_effects and ((b.random_common and not a.random_common) or a.random_correlated > b.random_correlated):
        return False
    return b.ar1 or not a.ar1


def _shapes(spec: ModelSpec) -> list[Shape]:
    """Of each group: orders of mean, own zero part and random effects, outcome by outcome; last, of dropout."""
    out: list[Shape] = []
    for g in range(spec.n_groups):
        orders = []
        for o in spec.outcomes:
            zero = 0 if o.zero_orders is None else o.zero_orders[0] if o.zero_common else o.zero_orders[g]
            orders.append((
                0 if o.orders is None else o.orders[g], zero, -1 if o.random_orders is None else o.random_orders[g],
            ))
        out.append((*orders, (0 if spec.dropout is None else spec.dropout[g],)))
    return out


def _fits(shape: Shape, room: Shape) -> bool:
    """A group of orders ``shape`` is one of orders ``room`` with some coefficients zero."""
    pairs = zip(shape[:-1], room[:-1], strict=True)
    low = all(a <= b for orders, room_orders in pairs for a, b in zip(orders, room_orders, strict=True))
    return low and shape[-1] == room[-1]  # the lag of dropout decides which waves count


def _matches(small: ModelSpec, big: ModelSpec, *, alike: str = "big") -> Iterator[tuple[int, ...]]:
    """Ways to give each group of ``small`` a group of ``big``; groups of one shape in the model ``alike`` are one."""
    shapes, rooms = _shapes(small), _shapes(big)
    wanted = sorted(range(len(shapes)), key=lambda a: [-n for part in shapes[a] for n in part])
    tight = sorted(range(len(rooms)), key=lambda g: [n for part in rooms[g] for n in part])

    def place(taken: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        at = len(taken)
        if at == len(wanted):
            yield tuple(g for _, g in sorted(zip(wanted, taken, strict=True)))
            return
        shape, tried = shapes[wanted[at]], set()
        again = alike == "small" and at > 0 and shape == shapes[wanted[at - 1]]
        for place_of_g, g in enumerate(tight):
            if g in taken or not _fits(shape, rooms[g]) or (again and place_of_g < tight.index(taken[-1])):
                continue
            if alike == "big" and rooms[g] in tried:
                continue
            tried.add(rooms[g])
            yield from place((*taken, g))

    return place(())


# -- coefficients -----------------------------------------------------------------------------------------------------


def _start(source: Layout, flat: np.ndarray, target: Layout, placings: Sequence[Placing]) -> np.ndarray:
    """Parameters of ``target``, whose groups of each set are placed."""
    blocks = {(b.outcome, b.predictor, b.group): b for b in source.blocks}
    out = np.zeros(target.size)
    for b in target.blocks:
        if b.outcome == MEMBERSHIP or (b.predictor == "mean" and b.group is None):  # effects common to all: with others
            continue
        a = 0 if b.group is None else int(placings[target.spec.set_of(b.outcome)].group[b.group])
        block = blocks.get((b.outcome, b.predictor, a))
        if block is None and b.predictor != "mean":
            block = blocks.get((b.outcome, b.predictor, None))
        if block is not None:
            block, here = with_common(block, source.blocks, source.parts)
            whole, there = with_common(b, target.blocks, target.parts)
            out[there] = _carried(block, flat[here], whole)
        elif b.predictor == PRECISION and b.basis is not None and (b.outcome, "log_phi", a) in blocks:
            out[b.entries] = flat[blocks[b.outcome, "log_phi", a].start] * b.basis.constant
        elif b.predictor in ("mean", "zero") and b.basis is not None:
            out[b.entries] = FAR * b.basis.constant
    theta = source.membership_coefficients(flat)[placings[0].group].copy()
    theta[:, 0] += _log_parts(placings[0]) / target.membership.mix[0, 0]
    target.set_membership(out, theta)
    if source.transitions is not None and target.transitions is not None:
        first, second = placings
        values = source.transitions.permuted(source.transitions.coefficients(flat), first.group, second.group)
        values[:, : target.transitions.n_from] += _log_parts(second)[:, None]
        target.transitions.set_coefficients(out, values)
    return out


def _log_parts(placing: Placing) -> np.ndarray:
    """(K,) log of the part of its source's share that each group takes."""
    group, real = placing.group, placing.real
    out = np.zeros(len(group))
    whole = (g for g in range(len(group)) if real and g not in placing.further and group[g] == group[real[0]])
    sharing = [*real, *whole]
    out[sharing] -= np.log(max(len(sharing), 1))
    out[[g for g in placing.further if g not in real]] += NOTHING
    return out


def _carried(source: Block, values: np.ndarray, target: Block) -> np.ndarray:
    """Coefficients of one block in the columns of another: by name, those the other does not have are dropped."""
    if source.basis is None or target.basis is None:
        return values
    at = {name: j for j, name in enumerate(target.basis.names)}
    here = [j for j, name in enumerate(source.basis.names) if name in at]
    there = [at[source.basis.names[j]] for j in here]
    out = np.zeros(target.width)
    if len(here) < source.width or _one_frame(source, target, there):
        out[there] = values[here]
        return out
    in_users = np.zeros(target.width)
    in_users[there] = source.basis.to_user @ values
    return np.asarray(np.linalg.solve(target.basis.to_user, in_users))


def _one_frame(source: Block, target: Block, there: list[int]) -> bool:
    """The two blocks' internal coordinates are the same where they share columns."""
    assert source.basis is not None
    assert target.basis is not None
    others = np.setdiff1d(np.arange(target.width), there)
    to_user = target.basis.to_user[:, there]
    return np.allclose(to_user[there], source.basis.to_user, rtol=1e-13, atol=0) and not to_user[others].any()
