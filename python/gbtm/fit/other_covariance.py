"""Another covariance of the same estimates, without another search; and the scores that a sandwich is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..record.constraint_record import constraint_document
from ..record.parameters import internal_document
from ..record.rebuild import module_of, panel_of

if TYPE_CHECKING:
    from ..estimation.covariance import Covariance
    from ..model.layout import Layout
    from .fit import Fit


def with_covariance(fit: Fit, cov_type: str | None) -> dict[str, Any]:
    """The document of a fit with the standard errors of another ``cov_type``.

    Parameters
    ----------
    cov_type : as for :meth:`gbtm.GBTM.fit`; None for what the data call for

    Returns
    -------
    The fit document with other ``cov_params``, ``cov_type`` and covariances of shares and curves; the same object where
    it has this kind already.

    Raises
    ------
    SpecificationError
        As :func:`gbtm.estimation.covariance.resolve`.
    """
    from ..compute.threads import workers
    from ..estimation.covariance import covariance_at, resolve
    from ..estimation.score_variance import degrees_of_freedom

    subjects = panel_of(fit).subjects
    kind = resolve(cov_type, subjects, fit.df_model)
    if kind == fit.cov_type:
        return fit.document
    module, flat = module_of(fit), fit.internal.params
    with workers():
        cov = covariance_at(module, flat, kind, subjects, fit.nobs)
    return document_with(fit, cov, module.layout, degrees_of_freedom(kind, subjects, module.layout.n_free))


def document_with(fit: Fit, cov: Covariance, layout: Layout, df: float | None) -> dict[str, Any]:
    """The document of a fit with this covariance of its internal parameters, and ``df`` degrees of freedom of t."""
    flat = fit.internal.params
    cov = cov.without(layout.given_units)
    jacobian = layout.report_jacobian(flat)
    cov_params, identified = cov.reported(jacobian)
    document = {name: value for name, value in fit.document.items() if name != "df_inference"}
    document |= {} if df is None else {"df_inference": df}
    document |= {
        **constraint_document(layout, flat, cov_params), "cov_type": cov.cov_type, "identified": identified.tolist(),
        "internal": internal_document(flat, cov, jacobian),
    }
    if layout.n_groups > 1:
        slopes = layout.shares_jacobian(flat)
        document["group_sets"] = [
            {**s, "cov_shares": cov.reported(layout.marginal(slopes, i, axis=0))[0]}
            for i, s in enumerate(fit.document["group_sets"])
        ]
    return document


def scores(fit: Fit) -> pd.DataFrame:
    """Each subject's part of the derivative of the log-likelihood in ``params``, times its sampling weight.

    s_i d log L_i / d b for b in the user's time and units: the derivatives in the internal coordinates times the
    inverse of the Jacobian of ``params`` in these. Their column sums are zero at a maximum, and bread (the covariance
    of ``cov_type="hessian"``) times their cross-products times bread is the covariance of ``cov_type="robust"``.

    Returns
    -------
    DataFrame (N, k), indexed by id
    """
    import torch

    from ..compute.threads import workers
    from ..likelihood.derivatives import subject_scores

    module, flat = module_of(fit), fit.internal.params
    with workers(), torch.no_grad():
        by_subject = subject_scores(module, torch.as_tensor(flat)).cpu().numpy()
    by_subject = by_subject if module.expand is None else by_subject[module.expand]
    weight = panel_of(fit).subjects.relative_weights
    reported = np.linalg.solve(module.layout.report_jacobian(flat).T, (by_subject * weight[:, None]).T).T
    return pd.DataFrame(reported, index=fit.ids, columns=fit.names)
