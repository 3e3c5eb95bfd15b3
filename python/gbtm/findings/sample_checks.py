"""Whether there are people enough: in each group, for the parameters, and in clusters for their standard errors."""

from __future__ import annotations

import numpy as np

from ..compute.reference_distribution import quantile
from ..data.panel import Panel
from ..estimation.covariance import Covariance
from ..estimation.score_variance import cluster_units, degrees_of_freedom
from ..model.layout import Layout
from ..specification.covariance_kinds import COVARIANCE_KINDS
from .data_checks import Finding

FEW_PEOPLE = 5.0
OUTSIDE = 0.025  # on either side of the 95 % interval that tables of group shares give


def examine_sample(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Groups of a few people, more parameters than people, too few clusters."""
    return _parameters(layout, panel) + _small_groups(layout, panel, flat, cov) + _clusters(layout, panel, flat, cov)


def _parameters(layout: Layout, panel: Panel) -> list[Finding]:
    if not panel.n_subjects <= layout.n_free < panel.nobs:
        return []
    return [
        Finding(
            "more_parameters_than_people", None,
            f"The model has {layout.n_free} parameters for {panel.n_subjects} people. What is repeated within a person "
            "says little of how people differ: standard errors and criteria mean little. Fit fewer groups or lower "
            "orders.",
        )
    ]


def _small_groups(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Groups of fewer than five people, and those whose share has an interval that reaches down to 0."""
    if layout.n_groups == 1:
        return []
    shares, jac = layout.shares(flat), layout.shares_jacobian(flat)
    variance, identified = cov.reported(jac)
    df = degrees_of_freedom(cov.cov_type, panel.subjects, layout.n_free)
    reach = quantile(OUTSIDE, df or np.inf)
    findings = []
    for g, share in enumerate(shares):
        people = share * panel.n_subjects
        se = float(np.sqrt(max(variance[g, g], 0.0))) if identified[g] else 0.0
        if people < 0.5:  # empty, which is told elsewhere
            continue
        told = f"Group {g + 1}, {100 * share:.2g} % or about {people:.2g} of {panel.n_subjects} people"
        if people < FEW_PEOPLE:
            findings.append(
                Finding(
                    "small_group", g + 1,
                    f"{told}, is too small to stand on: its curve is that of these few. Fit fewer groups, or look "
                    "at who they are (posterior probabilities) before you name it a group.",
                )
            )
        elif share - reach * se <= 0:
            findings.append(
                Finding(
                    "share_reaches_zero", g + 1,
                    f"{told}: the 95 % interval of its share reaches down to 0, so that the data do not say that it "
                    "is there. Fit fewer groups and compare.",
                )
            )
    return findings


def _clusters(layout: Layout, panel: Panel, flat: np.ndarray, cov: Covariance) -> list[Finding]:
    """Clusters that are fewer than the parameters, and what does not vary between them at all."""
    findings = []
    by_cluster = COVARIANCE_KINDS[cov.cov_type].units == "clusters"
    if by_cluster:
        stratum, _ = cluster_units(panel.subjects)
        clusters, strata = stratum.size, np.unique(stratum).size
        if clusters - strata < layout.n_free:
            within = f" in {strata} strata" if strata > 1 else ""
            findings.append(
                Finding(
                    "few_clusters", None,
                    f"{clusters} clusters{within} leave {clusters - strata} degrees of freedom for the "
                    f"standard errors of {layout.n_free} parameters: these are too small, and tests of several "
                    "parameters at once have no valid covariance. Fit fewer parameters, or use cov_type 'robust' "
                    "if people of a cluster are no more alike than others.",
                )
            )
    flat_names = tuple(
        n for n, none in zip(layout.names, cov.without_variance(layout.report_jacobian(flat)), strict=True) if none
    )
    if flat_names:
        findings.append(
            Finding(
                "no_variance", None,
                f"The sampled {'clusters' if by_cluster else 'people'} do not differ in what "
                f"{', '.join(flat_names)} {'is' if len(flat_names) == 1 else 'are'} estimated from: the standard error "
                "would be zero, which is none, and is left out. Use cov_type 'hessian', or name the clusters that "
                "people were drawn in.",
                flat_names,
            )
        )
    return findings
