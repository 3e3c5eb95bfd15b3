"""Membership coefficients that run to infinity: which level or value of a covariate has nobody of a group."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..data.panel import Panel
from ..estimation.covariance import Covariance
from ..model.blocks import MEMBERSHIP
from ..model.layout import Layout
from .data_checks import Finding

NOBODY = 1e-3  # mean posterior probability of a group among the people of a level who are none of it
LISTED = 4
MOST_LIKELY = 0.5


def examine_membership(
    layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance, posterior: np.ndarray | None, told: set[str]
) -> list[Finding]:
    """Coefficients without a standard error for which a covariate answers, and no other finding (``told``)."""
    gone = ~cov.identified(layout.report_jacobian(flat))
    lost = [n for n, none in zip(layout.names, gone, strict=True) if none]
    mine = tuple(n for n in lost if n in set(layout.names[layout.theta]) - told)
    covariates = layout.membership.names[1:]
    if not mine or not covariates:
        return []
    blocks = [b for b in layout.blocks if b.outcome == MEMBERSHIP and set(layout.names[b.entries]) & set(mine)]
    groups = [layout.reference, *(b.group for b in blocks if b.group is not None)]
    sentences, which = _separations(panel, posterior, groups) if posterior is not None else ([], [])
    if not sentences:
        blamed = [c for c in covariates if any(n.startswith(f"theta_{c}[") for n in mine)] or list(covariates)
        sentences = [f"{', '.join(blamed)} {'tells' if len(blamed) == 1 else 'tell'} some groups apart without error"]
        which = blamed
        remedy = f"Leave {' or '.join(which)} out of risk, or give it fewer values."
    else:
        remedy = f"Join what has nobody with another level or value, or leave {' and '.join(which)} out of risk."
    one = len(mine) == 1
    more = f"; and {len(sentences) - LISTED} more" if len(sentences) > LISTED else ""
    return [
        Finding(
            "separated_membership", None,
            f"A membership covariate separates the groups: {'; '.join(sentences[:LISTED])}{more}. {', '.join(mine)} "
            f"{'runs' if one else 'run'} to infinity and {'has' if one else 'have'} no standard error. {remedy} "
            "The curves are as good as without it.",
            mine,
        )
    ]


def _separations(panel: Panel, posterior: np.ndarray, groups: list[int]) -> tuple[list[str], list[str]]:
    """Sentences that say who is missing where, and the covariates concerned."""
    sentences, which = [], []
    there = [g for g in groups if posterior[:, g].sum() >= 1.0]
    for name, value, people in _values(panel):
        share = posterior[people].mean(axis=0)
        none = [g for g in there if share[g] < NOBODY]
        if none and people.any():
            who = "nobody" if len(none) == 1 else "none"
            n = int(people.sum())
            sentences.append(
                f"of the {n} {'person' if n == 1 else 'people'} with {name} = {value} {who} is in group"
                f"{'s' if len(none) > 1 else ''} {', '.join(str(g + 1) for g in none)}"
            )
            which.append(name)
    if not sentences:
        for column, name in zip(panel.subjects.risk.T, panel.subjects.risk_names, strict=True):
            sentence = _thresholds(column, name, posterior, there)
            if sentence:
                sentences.append(sentence)
                which.append(name)
    return sentences, list(dict.fromkeys(which))


def _values(panel: Panel) -> Iterator[tuple[str, str, np.ndarray]]:
    """Covariate, level and mask (N,) of all levels of factors and both values of what has two."""
    subjects, taken = panel.subjects, set()
    for name, levels, columns, codes in subjects.risk_factors:
        taken |= set(columns)
        for j, level in enumerate(levels):
            yield name, str(level), codes == j
    for j, (column, name) in enumerate(zip(subjects.risk.T, subjects.risk_names, strict=True)):
        values = np.unique(column)
        if j not in taken and values.size == 2:
            for value in values:
                yield name, f"{value:g}", column == value


def _thresholds(column: np.ndarray, name: str, posterior: np.ndarray, groups: list[int]) -> str:
    """Two groups whose people's values do not overlap, in words; empty where there are none."""
    for i, a in enumerate(groups):
        for b in groups[i + 1 :]:
            x, y = (column[posterior[:, g] > MOST_LIKELY] for g in (a, b))
            if not x.size or not y.size:
                continue
            low, high, first, second = (x, y, a, b) if x.max() <= y.min() else (y, x, b, a)
            if low.max() <= high.min():
                return (
                    f"all of group {first + 1} have {name} up to {low.max():.4g}, all of group {second + 1} "
                    f"{high.min():.4g} or more"
                )
    return ""
