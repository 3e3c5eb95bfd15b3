"""People of like information: those of whom it is known that they may be in the same groups.

Who is known to be in one group is assigned to it without error, and who may be in some of the groups with other errors
than who may be in all. So each class r of such people has its own, D_r,ts = P(assigned to s | in t and r): ``bch``
undoes them within the class, and people who are known have a weight of 1 in their group. For ``ml`` the class is part
of what is observed: P(of class r, assigned to s | in t), of which a cell (r, s) is a column. The share of a class may
then go with the group, as where people of one group only are known; given the group neither may go with what step three
is about. Of people who are known log sum_t e^{v_t} D_t,(r,s) is v of their group but for a constant, and were each
person a class of his own, it would be what ``two-step`` has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

MOST_CONDITION = 1e8  # of D, from which its inverse says nothing


@dataclass(frozen=True, eq=False)
class Alike:
    """People of like information.

    Attributes
    ----------
    people : (n,) their positions
    groups : (S,) those that they may be in, from 0
    """

    people: np.ndarray
    groups: np.ndarray


def alike(possible: np.ndarray | None) -> tuple[Alike, ...]:
    """Classes of people by the groups that they may be in (N, K) bool; none where everybody may be in all."""
    if possible is None or possible.all():
        return ()
    kinds, of = np.unique(possible, axis=0, return_inverse=True)
    return tuple(Alike(np.flatnonzero(of.ravel() == r), np.flatnonzero(kind)) for r, kind in enumerate(kinds))


def reachable(classes: Sequence[Alike], n: int, n_groups: int) -> np.ndarray:
    """The groups that each of n people may be in (n, K) bool."""
    out = np.zeros((n, n_groups), dtype=bool)
    for c in classes:
        out[np.ix_(c.people, c.groups)] = True
    return out


def in_cells(a: Tensor, classes: Sequence[Alike]) -> Tensor:
    """Assignment (N, K) -> to cells of class and group (N, C)."""
    import torch

    columns = torch.as_tensor(np.concatenate([c.groups for c in classes]))
    member = a.new_zeros((len(a), len(columns)))
    at = 0
    for c in classes:
        member[torch.as_tensor(c.people), at : at + len(c.groups)] = 1.0
        at += len(c.groups)
    return a[:, columns] * member


def undone(weighted: Tensor, a: Tensor, classes: Sequence[Alike]) -> Tensor:
    """BCH weights (N, K) of posteriors times sampling weights (N, K) and an assignment (N, K).

    Raises
    ------
    DataError
        ``singular_classification`` for a class whose groups the assignment does not tell apart.
    """
    import torch

    out = torch.zeros_like(a)
    for c in classes:
        people, groups = torch.as_tensor(c.people), torch.as_tensor(c.groups)
        block = torch.ones_like(a[people][:, groups])
        if len(groups) > 1:
            mine = weighted[people][:, groups]
            size = mine.sum(0)
            d = mine.T @ a[people][:, groups] / size[:, None]
            condition = float(torch.linalg.cond(d.detach())) if bool((size > 0).all()) else np.inf
            if not condition < MOST_CONDITION:
                raise singular(condition, c)
            block = torch.linalg.solve(d.T, a[people][:, groups].T).T
        wide = torch.zeros_like(a[people]).index_copy(1, groups, block)
        out = out.index_copy(0, people, wide)
    return out


def singular(condition: float, people: Alike | None = None) -> DataError:
    """Words for errors of classification that cannot be undone."""
    of = "" if people is None else (
        f" of the {len(people.people)} people who may be in groups {', '.join(str(g + 1) for g in people.groups)}")
    return DataError(
        f"res: the assignment does not tell the groups{of} apart: their classification errors cannot be undone "
        f"(condition number {condition:.2g}).", code="singular_classification", argument="res",
        way_out="Use assignment='proportional', method='two-step', or fit fewer groups.",
    )
