"""What traj leaves behind, under its names: ``_traj_Group``, ``_traj_ProbG1`` .. and the matrix that trajplot draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked

if TYPE_CHECKING:
    from ..fit.fit import Fit


@checked
def traj_data(res: Fit) -> pd.DataFrame:
    """Assignment and posteriors, indexed by id.

    Subjects held out of the fit (``outofsample``) are scored and follow at the end; subjects that were dropped have no
    row, so that joining on the id leaves them missing, as Stata does.

    Returns
    -------
    DataFrame with ``_traj_Group`` and ``_traj_ProbG1`` .. ``_traj_ProbGK``
    """
    posterior = pd.concat([res.posterior, res.out_of_sample]) if len(res.out_of_sample) else res.posterior
    out = pd.DataFrame({"_traj_Group": posterior.to_numpy().argmax(axis=1) + 1}, index=posterior.index)
    for g in res.group_names:
        out[f"_traj_ProbG{g}"] = posterior[g]
    return out


@checked
def plot_matrix(res: Fit, level: float = 0.95) -> pd.DataFrame:
    """What traj stores as ``e(plot1)``: one row per wave.

    ``trajT`` is the wave's mean time, ``Avg#`` the posterior-weighted mean of the outcome, ``Est#`` the model's mean
    with ``L95#`` and ``U95#`` at equal distances, cut to the outcome's range, and with dropout ``Dropout#`` the
    posterior-weighted mean probability of leaving among those at risk. Where traj's own are at fault (bands of
    censored, zero-inflated and beta models, curves with tcov but no plottcov or with exposure; docs/model.md section 5)
    these differ on purpose.
    """
    observed = res.observed_means
    times = observed.iloc[:, 1].to_numpy()[: len(observed) // res.n_groups]
    estimate, _, low, high = res.curves.band(times, level, symmetric=True)
    out = {"trajT": times}
    for g in res.group_names:
        out[f"Avg{g}"] = observed.loc[observed["group"] == g, "mean"].to_numpy()
    for k, g in enumerate(res.group_names):
        out[f"Est{g}"] = estimate[k]
    for k, g in enumerate(res.group_names):
        out[f"L95{g}"], out[f"U95{g}"] = low[k], high[k]
    return pd.DataFrame({**out, **_dropout(res, times.size)})


def _dropout(res: Fit, n_waves: int) -> dict[str, np.ndarray]:
    if res.dropout is None:
        return {}
    from ..record.rebuild import parts_of

    part, records = parts_of(res)[-1], res.dropout.records
    subject, wave, covariates = records.subject, records.wave, records.covariates
    posterior = res.group_set.posterior
    columns = part.columns("dropout", np.zeros(subject.size), covariates)
    mask = part.cell_data(np.zeros(subject.size), covariates, None)["mask"]
    flat = res.internal.params
    out = {}
    for k, g in enumerate(res.group_names):
        blocks = [b for b in res.blocks if b.kind == "dropout" and b.group == g]
        if not blocks:
            continue
        block = blocks[0]
        # a group of lower order uses the leading columns of the lags, and all covariates
        lags = part.bases["dropout"].width
        order = block.width - (columns.shape[1] - lags)
        pick = [*range(order), *range(lags, columns.shape[1])]
        hazard = 1 / (1 + np.exp(-(columns[:, pick] @ flat[block.entries])))
        weight = posterior[subject, k] * mask[k]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.bincount(wave, weight * hazard, minlength=n_waves) / np.bincount(wave, weight, minlength=n_waves)
        out[f"Dropout{g}"] = mean[:n_waves]
    return out
