"""Another covariance of the estimates of people on disk: their files are read once more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..disk.disk_panel import DiskPanel
from ..errors import DataError
from ..fit.other_covariance import document_with
from ..model.layout import Layout
from ..model.outcome import OutcomePart, prepare
from ..record.rebuild import layout_of

if TYPE_CHECKING:
    from .disk_fit import DiskFit

SAME = 1e-8  # of a log-likelihood, relatively: rounding of sums in another order


def with_covariance_of(
    fit: DiskFit, cov_type: str | None, panel: DiskPanel, *, executor: Any = None
) -> dict[str, Any]:
    """As :func:`.other_covariance.with_covariance`, of the people of the fit in ``panel``.

    Parameters
    ----------
    executor : where blocks are worked on; see :class:`gbtm.compute.blocks.Workplace`

    Raises
    ------
    SpecificationError
        As :func:`gbtm.estimation.covariance.resolve`; ``not_on_disk`` for corrections for leverage.
    DataError
        ``other_people`` where the files have others than those of the fit, or other values.
    """
    from ..compute.blocks import Workplace
    from ..compute.threads import workers
    from ..estimation.block_scores import block_score_variance
    from ..estimation.covariance import constrained_covariance, free_directions, information, resolve, within
    from ..likelihood.block_mixture import BlockMixture
    from ..likelihood.mixture import Mixture

    sampled = panel.sampled()
    kind = resolve(cov_type, sampled.subjects, fit.df_model)
    if kind == fit.cov_type:
        return fit.document
    _refuse_others(fit, (panel.n_subjects, panel.nobs) == (fit.n_subjects, fit.nobs))
    layout, flat = _with_extents(layout_of(fit), panel), fit.internal.params
    people = prepare(sampled.for_starts, layout.spec)
    place = Workplace(executor)
    try:
        module = BlockMixture(layout, panel, Mixture(layout, people), people, place)
        with workers():
            _refuse_others(fit, abs(_loglik(module, flat) - fit.llf) <= SAME * (1 + abs(fit.llf)))
            meat, df = block_score_variance(module, flat, kind, weighted="weights" in panel.source.given)
            info = within(information(module, flat), free_directions(layout, flat))
            cov = constrained_covariance(layout, flat, info, kind, panel.nobs, meat)
    finally:
        place.close()
    return document_with(fit, cov, layout, df)


def _loglik(module: Any, flat: np.ndarray) -> float:
    import torch

    with torch.no_grad():
        return float(module.total_loglik(torch.as_tensor(flat)[None])[0])


def _with_extents(layout: Layout, panel: DiskPanel) -> Layout:
    """With what blocks do not see: the smallest and largest outcome of all people, and their membership covariates."""
    parts = tuple(
        replace(p, extent=panel.survey.seen[m].extent) if isinstance(p, OutcomePart) else p
        for m, p in enumerate(layout.parts))
    if layout.z is None or not layout.z.shape[1]:
        return Layout(layout.spec, parts, layout.membership)
    z = layout.membership.internal(panel.survey.risk)
    return Layout(layout.spec, parts, layout.membership, z, panel.survey.risk_weight)


def _refuse_others(fit: DiskFit, same: bool) -> None:
    if not same:
        raise DataError(
            f"panel: the files have other people or other values than the {fit.n_subjects} people of the fit.",
            code="other_people", argument="panel", way_out="Give the files that were fitted, or fit these.",
        )
