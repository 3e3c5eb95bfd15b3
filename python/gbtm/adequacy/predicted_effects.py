"""Where each subject lies beside the curve of each group: predicted random effects (empirical Bayes)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..data.output_names import apart
from ..errors import SpecificationError
from ..families.effect_correlations import pairs_of
from ..families.random_normal import EFFECTS, RANDOM_PART, root_of_covariance
from .fitted import Fitted

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
def random_effects(res: Fit, *, by_group: bool = False) -> pd.DataFrame:
    """Predicted random effects of each subject, with their conditional standard deviations.

    With y_i | k ~ N(X_i beta_k + Z_i b, sigma_k^2 I), b ~ N(0, G_k), the effects given the outcomes and the group are
    normal with

        variance V_ik = (G_k^-1 + Z_i'Z_i / sigma_k^2)^-1,   mean m_ik = V_ik Z_i'(y_i - X_i beta_k) / sigma_k^2

    (Laird and Ware 1982, Biometrics 38, 963-974). Over the groups the mean is sum_k P_ik m_ik and the variance
    sum_k P_ik (V_ik + m_ik^2) - (sum_k P_ik m_ik)^2. Estimates are taken as known, as in lme4's ``ranef``.

    Parameters
    ----------
    by_group : a row for each subject and group, the effects given that the subject is in this group; else a row for
        each subject, over the groups by their posterior probabilities

    Returns
    -------
    DataFrame indexed by id (and group): ``intercept`` and its standard deviation ``intercept sd``, in the outcome's
    units; with a random slope ``slope`` (per unit of time), ``slope sd`` and ``correlation``, that of the two given the
    outcomes; with a random effect of time^2 also ``quadratic``, ``quadratic sd`` and in place of ``correlation`` one
    for each two of them, such as ``intercept:slope correlation``; with ``by_group`` also ``probability``. A group
    without an effect has 0 there, with sd 0, and no correlation (NaN).

    Raises
    ------
    SpecificationError
        ``no_random_effects``; ``censored`` where outcomes lie at a bound, as the effects are then not normal;
        ``several_outcomes``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1, rorder=0).fit(rng=0)
    >>> list(res.random_effects().columns)
    ['intercept', 'intercept sd']
    """
    _refuse(res)
    fitted = Fitted.of(res)
    if fitted.censored:
        raise SpecificationError(
            f"random_effects: some values of {res.outcome_name} lie at a bound of the scale, and given such values the "
            "effects have no normal distribution.", code="censored", argument="random_effects",
            way_out="Use family 'normal', or read the groups' curves alone.",
        )
    mean, cov = _given_group(fitted, res)
    ids = res.ids.rename(apart([res.id_name], ["group"])[0])
    if by_group:
        k, n = mean.shape[:2]
        index = pd.MultiIndex.from_product([ids, res.group_names], names=[ids.name, "group"])
        table = _table(mean.swapaxes(0, 1).reshape(n * k, -1), cov.swapaxes(0, 1).reshape(n * k, *cov.shape[2:]), index)
        table.insert(0, "probability", fitted.posterior.ravel())
        return table
    p = fitted.posterior.T[:, :, None]
    overall = (p * mean).sum(0)
    apart_by = mean - overall
    spread = (p[..., None] * (cov + apart_by[..., :, None] * apart_by[..., None, :])).sum(0)
    return _table(overall, spread, ids)


def _refuse(res: Fit) -> None:
    if len(res.outcomes) > 1:
        raise SpecificationError(
            f"random_effects: the fit has the outcomes {', '.join(res.outcome_names)}, each with effects of its own.",
            code="several_outcomes", argument="random_effects",
            way_out=f"Ask one of them: res.of_outcome('{res.outcome_names[0]}').",
        )
    if res.outcome.spec.random_orders is None or max(res.outcome.spec.random_orders) < 0:
        raise SpecificationError(
            "random_effects: the model has none.", code="no_random_effects", argument="random_effects",
            way_out="Fit with rorder=0 for a random intercept in each group, rorder=1 for a slope too, or rorder=2.",
        )


def _given_group(fitted: Fitted, res: Fit) -> tuple[np.ndarray, np.ndarray]:
    """Means (K, N, L) and covariances (K, N, L, L) of the effects given the group, in the user's units.

    Effects are R v, of which v has a standard normal prior, and R may be 0.
    """
    assert fitted.own_sigma is not None
    z = np.stack([e / fitted.own_sigma for e in fitted.effects], axis=-1)  # (K, n, L)
    error = (fitted.y - fitted.predictors["mean"]) / fitted.own_sigma
    start = np.searchsorted(fitted.subject, np.arange(fitted.n_subjects))
    within = np.add.reduceat(z[..., :, None] * z[..., None, :], start, axis=1)
    cov = np.linalg.inv(np.eye(z.shape[-1]) + within)
    mean = np.einsum("kiab,kib->kia", cov, np.add.reduceat(z * error[..., None], start, axis=1))
    root = _root(res)[:, None]  # (K, 1, L, L)
    return np.einsum("kiab,kib->kia", root + np.zeros_like(cov), mean), root @ cov @ np.swapaxes(root, -2, -1)


def _root(res: Fit) -> np.ndarray:
    """(K, L, L) R of the effects' covariance R R', the slope per unit of time."""
    curves = res.curves
    sds = {name: curves.coefficients[name][:, 0] for name in RANDOM_PART if name in curves.coefficients}
    root = root_of_covariance(sds)
    assert root is not None
    units = curves.scale / res.outcome.time_scale ** np.arange(root.shape[-1])
    return np.asarray(units[:, None] * root)


def _table(mean: np.ndarray, cov: np.ndarray, index: pd.Index) -> pd.DataFrame:
    sd, n_effects = np.sqrt(np.diagonal(cov, axis1=-2, axis2=-1)), mean.shape[-1]
    columns: dict[str, np.ndarray] = {}
    for at, name in enumerate(EFFECTS[:n_effects]):
        columns |= {name: mean[:, at], f"{name} sd": sd[:, at]}
    for a, b in pairs_of(n_effects):
        product = sd[:, a] * sd[:, b]
        name = "correlation" if n_effects == 2 else f"{EFFECTS[a]}:{EFFECTS[b]} correlation"
        columns[name] = np.divide(cov[:, a, b], product, out=np.full(product.shape, np.nan), where=product > 0)
    return pd.DataFrame(columns, index=index)
