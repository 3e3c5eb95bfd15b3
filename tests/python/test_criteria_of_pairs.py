"""The fit-criteria figure of dual models: which numbers stand in which cell, what is framed, what is dark."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.figures.criteria import best_per_group, plot_criteria
from gbtm.figures.panels import plot_models

TABLE = pd.DataFrame(
    {"groups": [2, 2, 3, 3, 3], "groups2": [2, 3, 2, 2, 3],
     "bic_subjects": [120.0, 130.0, 100.0, 96.5, np.nan], "bic_observations": [125.0, 140.0, 104.0, 108.0, np.nan],
     "loglik": [-50.0, -49.0, -40.0, -41.0, np.nan], "entropy": [0.7, 0.8, 0.9, 0.95, np.nan],
     "flag": ["", "", "", "", "not converged"]},
    index=["2 x 2: a", "2 x 3: a", "3 x 2: a", "3 x 2: b", "3 x 3: a"])


@pytest.fixture(scope="module")
def axes():
    fig = plot_criteria(TABLE)
    yield {ax.get_title(loc="left"): ax for ax in fig.axes}
    plt.close(fig)


def _cells(ax):
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts if t.get_text()
            and t.get_transform() == ax.transData}


def test_numbers_are_distances_from_the_best_of_each_pair(axes):
    cells = _cells(axes["BIC (n = subjects)"])
    assert cells == {(0, 0): "+23.5", (0, 1): "+33.5", (1, 0): "0", (1, 1): "NA"}
    observations = _cells(axes["BIC (n = observations)"])
    assert (observations[0, 0], observations[1, 0]) == ("+21.0", "0")  # its own best shape, not that of the other n
    assert _cells(axes["Relative entropy"])[1, 0] == "0.95"  # of the model that BIC prefers
    assert _cells(axes["Log-likelihood"])[1, 0] == "0"
    assert any("best 96.5" in t.get_text() for t in axes["BIC (n = subjects)"].texts)


def test_the_chosen_numbers_are_framed_and_the_best_is_darkest(axes):
    ax = axes["BIC (n = subjects)"]
    frames = [p for p in ax.patches if p.get_gid() == "chosen bic_subjects"]
    assert [(p.get_y() + 0.46, p.get_x() + 0.48) for p in frames] == [pytest.approx((1, 0))]
    shades = ax.images[0].get_array()
    assert np.unravel_index(np.nanargmax(shades), shades.shape) == (1, 0)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2", "3"]


def test_best_of_each_pair_of_numbers():
    best = best_per_group(TABLE, "bic_subjects")
    assert best.tolist() == ["2 x 2: a", "2 x 3: a", "3 x 2: b"]


def test_panels_that_are_asked_for():
    fig = plot_criteria(TABLE, show=["entropy"])
    assert len(fig.axes) == 1
    plt.close(fig)
    with pytest.raises(gbtm.SpecificationError) as caught:
        plot_criteria(TABLE, show=["p"])
    assert caught.value.code == "unknown_panel"


def test_curves_of_models_of_several_outcomes_are_those_of_one():
    class Fit:
        outcomes, outcome_names = (1, 2), ("a", "b")

    class Search:
        table, fits, choices = TABLE, dict.fromkeys(TABLE.index, Fit()), {}

    with pytest.raises(gbtm.SpecificationError) as caught:
        plot_models(Search())
    assert caught.value.code == "several_outcomes"
    assert "outcome='a'" in caught.value.way_out
