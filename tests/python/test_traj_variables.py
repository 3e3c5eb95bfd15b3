"""traj's _traj_ variables and plot matrix against what traj itself left behind."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm


@pytest.mark.parametrize("name", ["zip_iorder0", "cnorm_risk_tcov", "dropout0"])
def test_groups_and_probabilities_are_trajs(name, reference):
    case = reference(name)
    theirs = pd.read_csv(case.folder / "traj_posterior.csv")
    ours = case.at_trajs.traj_data()
    assert list(ours.columns) == list(theirs.columns)
    # groups of the two programs may be numbered the other way round
    match = [int(np.argmax([np.corrcoef(ours[f"_traj_ProbG{g}"], theirs[c])[0, 1] for c in theirs.columns[1:]])) + 1
             for g in range(1, theirs.shape[1])]
    for g, m in enumerate(match, start=1):
        np.testing.assert_allclose(ours[f"_traj_ProbG{g}"], theirs[f"_traj_ProbG{m}"], atol=1e-4)
    assert [match[g - 1] for g in ours["_traj_Group"]] == theirs["_traj_Group"].astype(int).tolist()


@pytest.mark.parametrize(("name", "bands"), [("pois", True), ("cnorm_2grp", True), ("cnorm_risk_tcov", True),
                                             ("zip_iorder0", False), ("sim_cnorm3_miss40", True)])
def test_plot_matrix_is_trajs(name, bands, reference):
    case = reference(name)
    ours, theirs = case.at_trajs.plot_matrix(), case.traj["plot1"]
    groups = range(1, case.at_trajs.n_groups + 1)
    np.testing.assert_allclose(ours["trajT"], theirs["trajT"], atol=1e-9)
    for g in groups:
        m = min(groups, key=lambda m, g=g: np.abs(ours[f"Est{g}"] - np.array(theirs[f"Est{m}"])).sum())
        np.testing.assert_allclose(ours[f"Est{g}"], theirs[f"Est{m}"], rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(ours[f"Avg{g}"], theirs[f"Avg{m}"], rtol=1e-3, atol=1e-4)
        if bands:  # traj's are those of its own covariance, times N/(N - k + 1), with a t quantile
            np.testing.assert_allclose(ours[f"L95{g}"], theirs[f"L95{m}"], rtol=2e-2, atol=2e-2)


def test_held_out_subjects_follow(reference):
    data = gbtm.datasets.two_groups(rng=0)
    data["out"] = (data["id"] > 95).astype(int)
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2, out_of_sample="out").fit(n_starts=2)
    left = res.traj_data()
    assert left.index.tolist() == list(range(1, 101))
    assert (left.loc[96:, "_traj_Group"] == left.loc[51, "_traj_Group"]).all()


def test_dropout_is_the_mean_hazard_of_those_at_risk(reference):
    case = reference("dropout1")
    res = case.at_trajs
    matrix = res.plot_matrix()
    y = case.data[[f"Y{j}" for j in range(1, 6)]].to_numpy()
    seen = ~np.isnan(y)
    last = 4 - seen[:, ::-1].argmax(axis=1)
    for g in (1, 2):
        d0, d1 = res.params[f"drop0[{g}]"], res.params[f"drop1[{g}]"]
        p = res.posterior[g].to_numpy()
        for t in range(1, 5):
            at_risk = (t > seen.argmax(axis=1)) & (t <= last + 1) & seen[:, t - 1]
            hazard = 1 / (1 + np.exp(-(d0 + d1 * y[at_risk, t - 1])))
            assert matrix[f"Dropout{g}"][t] == pytest.approx(np.average(hazard, weights=p[at_risk]), abs=1e-9)
