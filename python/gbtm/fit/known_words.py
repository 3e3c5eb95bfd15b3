"""Of how many people the group is known, in words, and what that means for how well groups are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..data.known_groups import certain, group_weights
from .criteria import uncertainty

if TYPE_CHECKING:
    from .fit import Fit


def weights_of(res: Fit) -> np.ndarray | None:
    """m (N, K) of a fit; None where nothing is known of anybody's group."""
    return group_weights(res.known_groups, res.n_groups) if len(res.group_sets) == 1 else None


def known_sentence(res: Fit) -> str:
    """Of whom the group is known; empty where it is of nobody. Of a dual model, outcome by outcome."""
    if len(res.group_sets) == 1:
        return _sentence(weights_of(res))
    each = [_sentence(group_weights(known, s.n_groups))
            for known, s in zip(res.known_sets, res.group_sets, strict=True)]
    return " ".join(f"{name}: {said}" for name, said in zip(res.outcome_names, each, strict=True) if said)


def _sentence(weights: np.ndarray | None) -> str:
    if weights is None:
        return ""
    sure = certain(weights)
    each = ", ".join(f"{n} in group {k}" for k, n in enumerate((weights[sure] > 0).sum(axis=0).tolist(), 1) if n)
    partly = int(((weights != weights[:, :1]).any(axis=1) & ~sure).sum())
    said = [f"The group of {int(sure.sum())} of {len(sure)} subjects is known: {each}."] if sure.any() else []
    if partly:
        said.append(f"{partly} subjects have weights of the groups.")
    return " ".join(said)


def judged_on(res: Fit) -> str:
    """On whom AvePP, OCC and entropy are computed where the group of some is known, and what they are of the others."""
    weights = weights_of(res)
    if weights is None or not certain(weights).any():
        return ""
    sure = certain(weights)
    lead = (f"AvePP, OCC and entropy are of all {res.n_subjects} subjects, also of the {int(sure.sum())} whose group "
            "is known and whose probability of it is 1")
    if sure.all():
        return f"{lead}: they say nothing of how well the groups are told apart."
    p = res.group_set.posterior[~sure]
    weight = np.ones(len(p)) if res.weights is None else res.weights[~sure]
    entropy = 1 - float(uncertainty(p).sum()) / (len(p) * np.log(res.n_groups))
    mine = p.argmax(axis=1)
    each = ", ".join(
        f"{np.average(p[mine == k, k], weights=weight[mine == k]):.2f} in group {k + 1}"
        for k in range(res.n_groups) if weight[mine == k].sum() > 0)
    return f"{lead}. Of the other {len(p)} relative entropy is {entropy:.2f} and AvePP {each}."
