"""The fit document of people on disk: as that of people in memory, without a number for each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..data.panel import Panel
from ..disk.block_survey import Seen
from ..estimation.covariance import Covariance
from ..estimation.estimate import Estimate
from ..findings.data_checks import Finding
from ..findings.fit_checks import examine
from ..findings.near_ties import examine_near_ties
from ..fit.make_document import DRIVER, document_of, with_polynomials
from ..likelihood.block_mixture import BlockMixture
from ..likelihood.tiny_sigma import has_tiny_sigma
from ..model.prepared_blocks import PreparedBlocks
from ..record.shared_data import shared_fields
from .block_sums import on_disk

PER_PERSON = ("ids", "weights", "cluster", "stratum")


def block_document(
    prepared: PreparedBlocks, module: BlockMixture, estimate: Estimate, cov: Covariance, df: float | None
) -> dict[str, Any]:
    """The fit document; its field ``on_disk`` has the sums, and says that nothing is known of single people."""
    survey, layout = prepared.panel.survey, prepared.layout
    sample = _unclustered(prepared.sample)
    ties = examine_near_ties(layout, sample, module, estimate, cov)
    sums, leaving = on_disk(module, estimate.flat, prepared.panel)
    findings = _few_clusters(df, layout.n_free, cov)
    findings += [*examine(layout, sample, estimate, cov, None, module, leaving), *ties]
    findings += _tiny_sigma(prepared, estimate)
    nobody = np.zeros((0, layout.n_groups))
    document = document_of(
        replace(prepared.of_sample, panel=sample), estimate, cov, (nobody, None), findings, near_tie=bool(ties), df=df)
    outcomes, (group_set,) = document["outcomes"], document["group_sets"]
    for outcome, part, seen in zip(outcomes, layout.outcomes, survey.seen, strict=True):
        outcome |= {"data": None, "nobs": seen.nobs, "times": seen.times}
        if outcome["spec"]["repeated"]:
            outcome["n_shared"] = seen.n_shared
        if outcome["profile"] is not None:
            outcome["profile"] = with_polynomials(
                _profile(seen), part, seen.times, seen.covariates / seen.counts[:, None])
    if leaving is not None:
        left = {"records": None, "n_records": leaving.n_records, "n_dropped": leaving.n_dropped}
        outcomes[DRIVER]["dropout"] |= left
    group_set |= {"posterior": None, "membership": {**group_set["membership"], "risk": None}}
    dropped = shared_fields(replace(prepared.sample.for_starts, dropped=survey.dropped))["dropped"]
    return {
        **document, **dict.fromkeys(PER_PERSON), "outcomes": outcomes, "group_sets": [group_set],
        "dropped": dropped, "on_disk": sums.document,
    }


def _unclustered(sample: Panel) -> Any:
    """The sample without its clusters, which are not those of all people."""
    known = sample.known
    return sample if known is None else replace(sample, known=replace(known, cluster=None, stratum=None))


def _profile(seen: Seen) -> dict[str, Any]:
    """The mean of the time-varying covariates at each time."""
    values = seen.covariates / seen.counts[:, None]
    mean = seen.covariates.sum(axis=0) / seen.counts.sum()
    if np.allclose(values, mean, rtol=1e-12, atol=1e-12 * np.abs(values).max(initial=0.0)):
        return {"times": np.zeros(1), "values": mean[None], "given": False}
    return {"times": seen.times, "values": values, "given": False}


def _few_clusters(df: float | None, n_parameters: int, cov: Covariance) -> list[Finding]:
    if df is None or df >= n_parameters:
        return []
    return [Finding(
        "few_clusters", None,
        f"The clusters leave {df:g} degrees of freedom for the {n_parameters} parameters: standard errors of "
        f"cov_type '{cov.cov_type}' are too small for some of them, and tests of more parameters than that have none. "
        "Use fewer parameters.",
    )]


def _tiny_sigma(prepared: PreparedBlocks, estimate: Estimate) -> list[Finding]:
    if not has_tiny_sigma(prepared.layout, prepared.sample, estimate.flat):
        return []
    return [Finding(
        "tiny_sigma", None,
        "A group's sigma is so small beside the outcome that sums of squares, which are all that is kept of data on "
        "disk, lose digits there: estimates and standard errors of that group may have few. Fit a sample in memory.",
    )]
