"""What is doubtful about a dual model: each set of groups by itself, and pairs of groups that nobody is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..data.panel import Panel
from ..estimation.covariance import Covariance
from ..model.layout import Layout
from ..model.one_set import marginal, marginal_layout, panel_of_set
from .data_checks import Finding
from .group_curves import EMPTY_SUBJECTS


@dataclass(frozen=True)
class SetOfGroups:
    """One set of groups of a dual model, as a model of its own: parameters (q,), posterior (N, K) or None."""

    group_set: int
    layout: Layout
    panel: Panel
    flat: np.ndarray
    cov: Covariance
    posterior: np.ndarray | None

    def told(self, finding: Finding) -> Finding:
        """The finding with the outcome's name, its parameters by their names in the dual model."""
        outcome = self.layout.outcomes[0].name
        prefix = f"{outcome}: "
        names = [
            n if n.startswith("theta") and not self.group_set else prefix + n for n in finding.parameters
            if not (self.group_set and n.startswith("theta"))
        ]
        return replace(finding, message=prefix + finding.message, parameters=tuple(names))


def sets_of_groups(
    layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance, posterior: np.ndarray | None
) -> Iterator[SetOfGroups]:
    """Both, the one with the first outcome first; ``posterior`` (N, C) of the pairs of groups."""
    for s in (0, 1):
        own, jacobian = marginal(layout, flat, s)
        yield SetOfGroups(
            s, marginal_layout(layout, s), panel_of_set(panel, layout.spec, s), own, cov.through(jacobian),
            None if posterior is None else layout.marginal(posterior, s),
        )


def examine_pairs(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Pairs of groups that hold nobody, and what has no standard error for it; none where a prior has them off 0."""
    assert layout.transitions is not None
    if layout.spec.prior is not None and layout.spec.prior.shares:
        return []
    t, (first, second) = layout.transitions, layout.outcomes[:2]
    table = layout.shares(flat).reshape(layout.spec.set_sizes)
    lost = ~cov.identified(layout.report_jacobian(flat))
    findings = []
    for j, k in zip(*np.nonzero(table * panel.n_subjects < EMPTY_SUBJECTS), strict=True):
        if table[j].sum() * panel.n_subjects < EMPTY_SUBJECTS or table[:, k].sum() * panel.n_subjects < EMPTY_SUBJECTS:
            continue  # the group is empty, which is told of it
        others = [g for g in t.others if g == k or k == t.reference]
        names = tuple(layout.names[t.index[g, j]] for g in others if lost[t.index[g, j]])
        ending = f", and {', '.join(names)} {'has' if len(names) == 1 else 'have'} no standard error" if names else ""
        findings.append(Finding(
            "empty_pair", None,
            f"Nobody of group {j + 1} of {first.name} is in group {k + 1} of {second.name}: the transition "
            f"probability is 0{ending}. Curves, shares and the other probabilities are as good as without it; for a "
            "test of independence use independence(bootstrap=199), or fit fewer groups.",
            names,
        ))
    return findings
