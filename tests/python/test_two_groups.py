"""The little data set of examples and tests."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gbtm import datasets


def test_two_groups_is_what_its_docstring_says():
    data = datasets.two_groups(rng=3, n_per_group=7, periods=5, noise=0.1)
    assert list(data.columns) == ["id", "t", "y", "group"]
    assert len(data) == 2 * 7 * 5
    assert data.groupby("id").size().eq(5).all()
    t = (np.arange(5) - 5.5) / 5.5
    np.testing.assert_allclose(np.sort(data["t"].unique()), t)
    curve = np.where(data["group"] == 1, 1 + 0.5 * data["t"], 1.5 * data["t"] ** 2)
    noise = data["y"] - curve
    assert noise.abs().max() <= 0.1
    assert noise.std() > 0.04
    assert data.groupby("group")["id"].nunique().tolist() == [7, 7]


def test_same_seed_same_data():
    pd.testing.assert_frame_equal(datasets.two_groups(rng=1), datasets.two_groups(rng=1))
    assert not datasets.two_groups(rng=1)["y"].equals(datasets.two_groups(rng=2)["y"])
