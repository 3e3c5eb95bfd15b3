"""People whose group is known, or known to be among some: the number of a group, or a weight m_ik for each.

With weights m_ik the likelihood of a person is sum_k pi_k m_ik f_ik: 1 for one group and 0 for the others where the
group is known, 1 for all where it is not. As they were given they are (N, 1), the number of each person's group, NaN
where it is not known, or (N, K), the weights, NaN throughout a row where nothing is known. Of a dual model either set
of groups has its own, and the weight of a pair of groups is the product of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..columns.reading import MAX_SHOWN, number_array, numeric
from ..errors import DataError, SpecificationError


def known_columns(known: Any) -> list[str]:
    """The columns that an argument ``known`` names: one, or one a group."""
    if known is None or isinstance(known, str):
        return [] if known is None else [known]
    if not isinstance(known, (list, tuple)) or not all(isinstance(c, str) for c in known):
        raise SpecificationError(
            f"known: {known!r} does not name columns.", code="bad_known", argument="known",
            way_out="Name the column with the number of the group, or a column of weights for each group.",
        )
    return list(known)


def known_of_table(data: pd.DataFrame, known: Any) -> np.ndarray | None:
    """(N, 1) or (N, K) of a table with one row a person."""
    columns = known_columns(known)
    return np.column_stack([numeric(data[c], c) for c in columns]) if columns else None


def known_of_array(known: Any, n_subjects: int) -> np.ndarray | None:
    """(N, 1) or (N, K) of an array."""
    return None if known is None else number_array(known, "known").reshape(n_subjects, -1)


def check_known(known: np.ndarray | None, n_groups: int, ids: pd.Index, of: str = "of the model") -> None:
    """Refuse numbers that are none of a model's groups, and weights that are none, naming the people.

    Raises
    ------
    DataError
        ``bad_known``.
    """
    if known is None:
        return
    if known.shape[1] == 1:
        number = known[:, 0]
        bad = np.asarray(~np.isnan(number) & ~np.isin(number, np.arange(1, n_groups + 1)))
        _refuse(bad, ids, f"a group that is none of the {n_groups} {of}",
                f"Number the groups from 1 to {n_groups}, and leave the value missing where the group is not known.",
                number)
        return
    if known.shape[1] != n_groups:
        whose = "" if of == "of the model" else f" {of}"
        raise DataError(
            f"known: {known.shape[1]} columns of weights for {n_groups} groups{whose}.", code="bad_known",
            argument="known",
            way_out="Give one column of weights for each group, or one column with the number of the group.",
        )
    missing = np.isnan(known)
    _refuse(missing.any(axis=1) & ~missing.all(axis=1), ids, "a weight for some groups only",
            "Give a person's weights for all groups, or for none where nothing is known.")
    with np.errstate(invalid="ignore"):
        _refuse(np.asarray(((known < 0) | (known > 1)).any(axis=1)), ids, "weights outside 0 to 1",
                "A weight is 1 for a group that a person may be in, 0 for one that it is not in, or between.")
    _refuse((known == 0).all(axis=1), ids, "a weight of 0 for all groups",
            "A person has to be possible in some group; leave the weights missing where nothing is known.")

def _refuse(bad: np.ndarray, ids: pd.Index, what: str, way_out: str, values: np.ndarray | None = None) -> None:
    if bad.any():
        at = np.flatnonzero(bad)[:MAX_SHOWN]
        shown = ", ".join(f"{ids[i]}" if values is None else f"{ids[i]}: {values[i]:g}" for i in at)
        n = int(bad.sum())
        raise DataError(
            f"known: {n} {'person has' if n == 1 else 'people have'} {what} "
            f"(id {shown}{', ..' if n > len(at) else ''}).", code="bad_known", argument="known",
            way_out=way_out,
        )


def largest_known(known: np.ndarray | None) -> int:
    """The fewest groups that a model of these people can have."""
    if known is None:
        return 1
    if known.shape[1] > 1:
        return known.shape[1]
    return int(known[~np.isnan(known)].max(initial=1))  # not by nanmax(), to which R's NA is a number


def group_weights(known: np.ndarray | None, n_groups: int) -> np.ndarray | None:
    """m (N, K); None where nothing is known of anybody.

    Raises
    ------
    DataError
        ``bad_known``, where somebody is known to be in a group that is none of these: models with other numbers of
        groups than the one that was asked for are made in many places.
    """
    if known is None:
        return None
    if known.shape[1] == 1:
        weights = (known == np.arange(1, n_groups + 1)).astype(float)
        weights[np.isnan(known[:, 0])] = 1.0
    else:
        weights = np.where(np.isnan(known), 1.0, known)
    if weights.shape[1] != n_groups or (weights == 0).all(axis=1).any():
        raise DataError(
            f"known: people are known to be in one of {largest_known(known)} groups, and a model of {n_groups} is "
            "asked for.", code="bad_known", argument="known", way_out="Ask for as many groups, or leave known out.",
        )
    return None if (weights == 1).all() else weights


def class_weights(known: Sequence[np.ndarray | None], sizes: Sequence[int]) -> np.ndarray | None:
    """m (N, C) of the classes of a model, which are the groups of its one set of groups, or the pairs of those of two.

    None where nothing is known of anybody.
    """
    each = [group_weights(of_set, size) for of_set, size in zip(known, sizes, strict=True)]
    if len(each) == 1:
        return each[0]
    given = next((m for m in each if m is not None), None)
    if given is None:
        return None
    first, second = (np.ones((len(given), size)) if m is None else m for m, size in zip(each, sizes, strict=True))
    return np.asarray((first[:, :, None] * second[:, None, :]).reshape(len(given), -1))


def group_classes(weights: np.ndarray | None) -> tuple[int, ...]:
    """The class of each group (K,): two of one class have the same weights for everybody, and may change places.

    Empty where all may.
    """
    if weights is None:
        return ()
    _, classes = np.unique(weights, axis=1, return_inverse=True)
    return tuple(int(c) for c in classes.ravel()) if classes.max() else ()


def certain(weights: np.ndarray) -> np.ndarray:
    """(N,) bool: people who can be in one group only."""
    return np.asarray((weights > 0).sum(axis=1) == 1)


def without(known: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """What is known when nothing is known of those ``hidden`` (N,) bool."""
    return np.where(hidden[:, None], np.nan, known)
