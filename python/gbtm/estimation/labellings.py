"""Which group takes which number where constraints or known people name some: starts have no numbers of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, islice, product

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from ..compute.threads import in_order
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..specification.spec import ModelSpec
from .fence import projected

LABELLINGS_MOST = 120  # that are tried of a start
RELABELLED = 3  # best optima whose groups change numbers once more
WAYS_MOST = 24  # of each
LOOKED_AT = 5000  # of which these are drawn where there are more
FORBIDDEN = 1e12  # of log-likelihood


def labellings(layout: Layout) -> np.ndarray:
    """(L, C) orders of the classes that give each group another part in the constraints; the first changes nothing.

    Groups of one shape change places, but for those that constraints do not tell apart. Of more than 120 a sample.
    """
    spec = layout.spec
    sets = [list(islice(_of_set(spec, s), LOOKED_AT)) for s in range(len(spec.set_sizes))]
    pairs = list(islice(product(*sets), LOOKED_AT))
    if len(pairs) > LABELLINGS_MOST:
        drawn = np.random.default_rng(0).choice(np.arange(1, len(pairs)), LABELLINGS_MOST - 1, replace=False)
        pairs = [pairs[0], *(pairs[i] for i in np.sort(drawn))]
    return np.stack([layout.class_order(tuple(np.array(order) for order in orders)) for orders in pairs])


def unlabelled(spec: ModelSpec) -> ModelSpec:
    """Where groups of one shape are exchangeable."""
    return replace(spec, constraints=(), known_classes=(), second_known_classes=())


def _of_set(spec: ModelSpec, group_set: int) -> Iterator[list[int]]:
    bare = unlabelled(spec)
    size = spec.set_sizes[group_set]
    keys = [bare.group_key(g, group_set) for g in range(size)]
    shapes = [[g for g in range(size) if keys[g] == key] for key in dict.fromkeys(keys)]
    classes = spec.label_classes(group_set)
    for parts in product(*(list(islice(_assignments(members, classes), LOOKED_AT)) for members in shapes)):
        order = list(range(size))
        for part in parts:
            for target, source in part:
                order[target] = source
        yield order


def _assignments(members: list[int], classes: Sequence[int]) -> Iterator[list[tuple[int, int]]]:
    """Ways to give each of ``members`` one of them, up to changes within a class."""
    kinds = list(dict.fromkeys(classes[g] for g in members))

    def fill(at: int, left: list[int]) -> Iterator[list[tuple[int, int]]]:
        if at == len(kinds):
            yield []
            return
        targets = [g for g in members if classes[g] == kinds[at]]
        own = [g for g in targets if g in left]
        ordered = own + [g for g in left if g not in own]  # as they are first
        for chosen in combinations(ordered, len(targets)):
            for rest in fill(at + 1, [g for g in left if g not in chosen]):
                yield [*zip(targets, sorted(chosen), strict=True), *rest]

    return fill(0, list(members))


def well_labelled(module: Mixture, starts: Tensor) -> Tensor:
    """Starts (B, p) with their groups numbered so that constraints and known people, if any, cost least, and within."""
    if not module.layout.has_labels:
        return starts
    if module.layout.constraints is None:
        return _as_people_are_known(module, starts)
    best, values = projected(module.layout, starts), None
    for order in labellings(module.layout):
        at = _reordered(module.layout, starts, order)
        value = torch.nan_to_num(module.objective(at), nan=-torch.inf)
        better = torch.ones_like(value, dtype=torch.bool) if values is None else value > values
        best = torch.where(better[:, None], at, best)
        values = value if values is None else torch.maximum(values, value)
    return best


def _as_people_are_known(module: Mixture, starts: Tensor) -> Tensor:
    """Starts (B, p) with the numbers that make those likeliest whose group is known, an assignment problem: of others
    the likelihood is the same with any. Of a dual model either set of groups has its own."""
    layout = module.layout
    sets = range(len(layout.spec.set_sizes))
    if not len(_weights(module)):  # a sample in which nobody is
        return starts

    def block(shard: Mixture) -> list[Tensor]:
        joint = shard.group_loglik(starts) + shard.log_shares(starts)
        return [torch.einsum("ng,bjn->bgj", _told(shard, s), _over_set(shard, joint, s)) for s in sets]

    with torch.no_grad():
        blocks = in_order(block, module.shards)
        fits = [torch.stack([b[s] for b in blocks]).sum(0).cpu().numpy() for s in sets]
    costs = [-np.nan_to_num(f, nan=-FORBIDDEN, neginf=-FORBIDDEN) for f in fits]
    orders = [layout.class_order(tuple(assigned(layout.spec, c, s) for s, c in enumerate(each)))
              for each in zip(*costs, strict=True)]
    moved = [layout.permute(flat, order) for flat, order in zip(starts.cpu().numpy(), orders, strict=True)]
    return torch.as_tensor(np.stack(moved), dtype=starts.dtype, device=starts.device)


def _over_set(module: Mixture, joint: Tensor, group_set: int) -> Tensor:
    """Logarithms (B, C, U) that belong to classes, of the sums over those of each group of a set (B, J, U)."""
    sizes = module.layout.spec.set_sizes
    if len(sizes) == 1:
        return joint
    return torch.logsumexp(joint.unflatten(1, sizes), dim=2 - group_set)  # type: ignore[no-untyped-call]


def _told(module: Mixture, group_set: int = 0) -> Tensor:
    """(U, K) of the people's weight the part for each group of a set, 0 for those of whom nothing is known."""
    m, sizes = _weights(module), module.layout.spec.set_sizes
    if len(sizes) > 1:  # a product, of whose other factor the largest is left
        m = m.unflatten(1, sizes).amax(2 - group_set)  # type: ignore[no-untyped-call]
    some = (m != m[:, :1]).any(1, keepdim=True)
    return m * some / m.sum(1, keepdim=True) * module.weight[:, None]


def _weights(module: Mixture) -> Tensor:
    """m (U, C) of the classes; (0, C) where nobody's is known."""
    return module.membership.m


def of_some(module: Mixture, flat: np.ndarray) -> Tensor:
    """(1, p) where a search on some people ended: among these few or none may have been known."""
    at = torch.as_tensor(flat, device=module.device)[None]
    return well_labelled(module, at) if module.layout.spec.has_known else at


def partitions_of_known(module: Mixture, soft: np.ndarray) -> np.ndarray:
    """Soft partitions (B, K, U) in which known people are in their groups, and the others in the groups of their like.

    Which cluster takes which group's number is decided by the known people who are in it. Of a dual model, whose
    clusters are pairs of groups in no order, the curves of a start decide later.
    """
    if not module.layout.spec.has_known or not len(_weights(module)):
        return soft
    if module.layout.spec.is_dual:
        inside = soft * _weights(module).cpu().numpy().T
        return inside / np.maximum(inside.sum(axis=1, keepdims=True), 1e-300)
    told, m = _told(module).cpu().numpy(), _weights(module).cpu().numpy().T
    orders = [assigned(module.layout.spec, -(told.T @ part.T)) for part in soft]
    inside = np.stack([part[order] for part, order in zip(soft, orders, strict=True)])
    known = inside * m / np.maximum((inside * m).sum(axis=1, keepdims=True), 1e-300)
    return np.where(told.any(axis=1), known, inside)


def assigned(spec: ModelSpec, cost: np.ndarray, group_set: int = 0) -> np.ndarray:
    """The order (K,) of a set's groups of one shape, whatever their labels, that costs (K, K) least in all."""
    bare = unlabelled(spec)
    keys = [bare.group_key(g, group_set) for g in range(spec.set_sizes[group_set])]
    apart = np.array([[a != b for b in keys] for a in keys])
    return np.asarray(linear_sum_assignment(np.where(apart, FORBIDDEN * len(keys), cost))[1])


def relabelled(module: Mixture, optima: Sequence[np.ndarray]) -> Tensor:
    """Starts (B, p): the first optima, their groups in other parts in the constraints, the likeliest of each."""
    out = [torch.zeros((0, module.layout.size), dtype=torch.float64, device=module.device)]
    for flat in optima[:RELABELLED]:
        at = torch.as_tensor(flat, device=module.device)[None]
        others = [_reordered(module.layout, at, order) for order in labellings(module.layout)[1:]]
        if others:
            starts = torch.cat(others)
            value = torch.nan_to_num(module.objective(starts), nan=-torch.inf)
            out.append(starts[torch.argsort(value, descending=True, stable=True)[:WAYS_MOST]])
    return torch.cat(out)


def _reordered(layout: Layout, flat: Tensor, order: np.ndarray) -> Tensor:
    moved = torch.as_tensor(layout.permute(flat.cpu().numpy(), order), dtype=flat.dtype, device=flat.device)
    return projected(layout, moved)
