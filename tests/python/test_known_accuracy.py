"""Held-out accuracy of known groups: against a count over fits made by hand, and against groups that cannot be told."""

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.errors import SpecificationError
from gbtm.resampling.known_accuracy import _folds


def data_of(n=120, apart=1.2, seed=0):
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 2
    t = np.tile(np.linspace(-1, 1, 5), n)
    who = np.repeat(np.arange(n), 5)
    y = apart * group[who] + rng.standard_normal(who.size)
    told = np.where(rng.random(n) < 0.5, group + 1.0, np.nan)
    return pd.DataFrame({"id": who, "t": t, "y": y, "told": told[who]}), group, told


def fitted(data, **options):
    return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=0, known="told", **options).fit(rng=0)


def test_accuracy_is_that_of_fits_with_the_groups_hidden():
    data, group, told = data_of()
    res = fitted(data)
    found = gbtm.known_accuracy(res, folds=4, rng=3)
    right = []
    for f in range(1, 5):
        hidden = found.by_subject.index[found.by_subject["fold"] == f]
        blind = data.assign(told=data["told"].where(~data["id"].isin(hidden)))
        one = fitted(blind)
        right += (one.assignment.loc[hidden] == group[hidden] + 1).tolist()
    known = ~np.isnan(told)
    assert found.n == known.sum()
    assert found.by_subject.index.tolist() == np.flatnonzero(known).tolist()
    assert np.array_equal(found.by_subject["known"], told[known])
    assert found.accuracy == pytest.approx(np.mean(right))
    assert 0.7 < found.accuracy < 1
    p = found.accuracy
    assert found.se == pytest.approx(np.sqrt(p * (1 - p) / found.n))
    assert found.table.to_numpy().sum() == found.n
    assert np.trace(found.table) == sum(right)
    assert found.by_group["n"].tolist() == np.bincount(group[known]).tolist()
    assert f"{100 * p:.1f} %" in found.sentence


def test_groups_that_are_not_those_of_the_outcome_are_found_by_chance():
    data, _, told = data_of(200, apart=3.0)
    rng = np.random.default_rng(1)
    mixed = told.copy()
    mixed[~np.isnan(told)] = rng.permutation(told[~np.isnan(told)])
    found = gbtm.known_accuracy(fitted(data.assign(told=mixed[data["id"]])), folds=5)
    assert abs(found.accuracy - 0.5) < 3 * np.sqrt(0.25 / found.n)


def test_each_group_is_spread_over_the_folds_and_workers_change_nothing():
    group = np.repeat([0, 1, -1], [13, 9, 20])
    fold = _folds(group, 4, 0)
    assert (fold[group < 0] == -1).all()
    for k in (0, 1):
        assert np.ptp(np.bincount(fold[group == k], minlength=4)) <= 1
    data, _, _ = data_of(60)
    res = fitted(data)
    one, two = (gbtm.known_accuracy(res, folds=3, n_jobs=n) for n in (1, 2))
    pd.testing.assert_frame_equal(one.by_subject, two.by_subject)


def test_weights_count():
    data, _, told = data_of()
    weight = np.random.default_rng(2).uniform(0.5, 2, told.size)
    found = gbtm.known_accuracy(fitted(data.assign(w=weight[data["id"]]), weights="w"), folds=3)
    right = (found.by_subject["found"] == found.by_subject["known"]).to_numpy()
    mine = weight[found.by_subject.index]
    assert found.accuracy == pytest.approx(np.average(right, weights=mine))


def test_nobody_or_too_few():
    data, _, _ = data_of(30)
    plain = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=0).fit(rng=0)
    with pytest.raises(SpecificationError, match="nobody is known") as error:
        gbtm.known_accuracy(plain)
    assert error.value.code == "no_known"
    with pytest.raises(SpecificationError, match="more than the") as error:
        gbtm.known_accuracy(fitted(data), folds=100)
    assert error.value.code == "bad_folds"
