"""Starting values: reproducible, finite, different, and close where the groups are plain."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

import gbtm
from conftest import TRUTH, build, true_data
from gbtm.estimation.starts import StartingPlan, clusters, merged, subject_curves
from gbtm.likelihood.mixture import Mixture


def _plan(name: str, seed: int = 0):
    built = build(name, keep=0.8)
    module = Mixture(built.layout, built.panel)
    return built, module, StartingPlan(module, built.panel, np.random.default_rng(seed))


@pytest.mark.parametrize("name", TRUTH)
def test_starts_have_a_finite_likelihood(name):
    built, module, plan = _plan(name)
    starts = plan.next(12)
    assert starts.shape == (12, built.layout.size)
    assert np.isfinite(module.loglik(starts).numpy()).all()


def test_same_seed_same_starts_and_the_batch_size_does_not_matter():
    many = _plan("zip_own", 3)[2].next(6).numpy()
    np.testing.assert_array_equal(many, _plan("zip_own", 3)[2].next(6).numpy())
    other = _plan("zip_own", 4)[2].next(6).numpy()
    np.testing.assert_array_equal(many[0], other[0])  # the first is deterministic
    assert not np.allclose(many[2:], other[2:])


def test_starts_differ_in_their_partitions_and_in_their_zero_parts():
    _, _, plan = _plan("zip_own")
    starts = plan.next(10).numpy()
    layout = plan.layout
    zero = np.concatenate([starts[:, b.entries] for b in layout.blocks if b.predictor == "zero"], axis=1)
    assert len(np.unique(np.round(zero, 6), axis=0)) >= 8
    assert zero[2:].std() > 0.5
    assert len(np.unique(np.round(starts, 6), axis=0)) == 10


def test_weights_are_soft_partitions():
    _, _, plan = _plan("normal")
    w = plan.weights(8)
    assert w.shape[:2] == (8, 2)
    assert (w > 0).all()
    total = w.sum(axis=1)
    assert (np.isclose(total, 1.0) | np.isclose(total, 0.02)).all()
    assert np.isclose(total[:3], 1.0).all()
    # the first start splits the subjects in halves by level
    own = w[0].argmax(axis=0)
    assert np.bincount(own).tolist() == [40, 40]


def test_first_start_orders_groups_by_level_and_is_near_plain_groups():
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 4.0, 8.0], 20)[:, None] + rng.normal(0, 0.5, (60, 5))
    built = gbtm.GBTM(y, range(5), groups=3, order=0)
    module = Mixture(built.layout, built.panel)
    start = built.layout.report(StartingPlan(module, built.panel, rng).next(1)[0].numpy())
    np.testing.assert_allclose(start[:3], [0, 4, 8], atol=1.0)  # clusters share a tenth of their weight
    assert (np.diff(start[:3]) > 2).all()


def test_subject_curves_are_the_ridge_regressions():
    built = build("normal", keep=0.8)
    part, measures = built.layout.parts[0], built.panel.outcomes[0]
    got = subject_curves(part, measures, built.panel.n_subjects)
    x = part.bases["mean"].internal(measures.time)[:, :4]
    z = (measures.y - part.centre) / part.scale
    residual = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
    want = []
    for i in range(built.panel.n_subjects):
        rows = measures.subject == i
        xi = x[rows]
        want.append(np.linalg.solve(xi.T @ xi + 0.3 * np.eye(x.shape[1]), xi.T @ residual[rows]))
    want = np.array(want)
    np.testing.assert_allclose(got, want / want.std(axis=0), rtol=1e-8, atol=1e-10)


def _within(x, labels):
    return sum(((x[labels == k] - x[labels == k].mean(axis=0)) ** 2).sum() for k in np.unique(labels))


def test_clusters_are_rounds_of_k_means():
    x = np.random.default_rng(0).normal(size=(200, 3)) + np.repeat(np.eye(4, 3) * 3, 50, axis=0)
    by_rounds = [clusters(x, 4, np.random.default_rng(5), rounds) for rounds in range(6)]
    for before, after in itertools.pairwise(by_rounds):
        centres = np.stack([x[before == k].mean(axis=0) for k in range(4)])
        np.testing.assert_array_equal(after, ((x[:, None] - centres) ** 2).sum(-1).argmin(axis=1))
        assert _within(x, after) <= _within(x, before) + 1e-9
    np.testing.assert_array_equal(by_rounds[5], clusters(x, 4, np.random.default_rng(5), 5))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("k", [1, 2, 5])
def test_fewer_points_than_clusters(k):
    x = np.repeat([[0.0, 1.0], [2.0, 3.0]], 10, axis=0)
    labels = clusters(x, k, np.random.default_rng(0), 3)
    assert labels.shape == (20,)
    assert ((labels >= 0) & (labels < k)).all()
    assert len(np.unique(labels)) == min(k, 2)


@pytest.mark.parametrize("groups", [1, 5])
def test_more_groups_than_kinds_of_subjects(groups):
    """Two kinds of subjects only: k-means centres coincide, starts stay finite."""
    y = np.repeat([[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]], 10, axis=0)
    built = gbtm.GBTM(y, [0, 1, 2], groups=groups, order=0, family="logit")
    module = Mixture(built.layout, built.panel)
    starts = StartingPlan(module, built.panel, np.random.default_rng(0)).next(16)
    assert np.isfinite(module.loglik(starts).numpy()).all()


def test_signed_log_of_counts():
    subject, _time, y = true_data("poisson")
    built = build("poisson")
    curves = subject_curves(built.layout.parts[0], built.panel.outcomes[0], built.panel.n_subjects)
    level = np.array([np.log1p(y[subject == i]).mean() for i in range(80)])
    assert np.corrcoef(curves[:, 0], level)[0, 1] > 0.999


# -- several outcomes -------------------------------------------------------------------------------------------------


def _several(k=4, n=80):
    """Four groups of which each of two outcomes tells two halves apart."""
    rng = np.random.default_rng(0)
    group = np.arange(n) % 4
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(np.arange(4.0), n)})
    data["y"] = rng.normal(6.0 * (group // 2)[data["id"]])
    data["z"] = rng.normal(6.0 * (group % 2)[data["id"]])
    model = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=k, order=0)
    module = Mixture(model.layout, model.panel)
    return module, StartingPlan(module, model.panel, np.random.default_rng(1)), group


def _pairs(labels):
    return labels[:, None] == labels[None]


def test_crossings_of_outcomes_find_groups_that_none_shows_alone():
    _, plan, group = _several()
    crossed = [plan._of_several(4, turn) for turn in (1, 4, 7, 10, 13, 16, 19, 22)]
    assert max((_pairs(x) == _pairs(group)).mean() for x in crossed) == 1.0
    assert {len(np.unique(x)) for x in crossed} == {4}


def test_partitions_of_one_outcome_alone_ignore_the_others():
    _, plan, group = _several(k=2)
    by_first = [plan._of_several(2, turn) for turn in (0, 6, 12, 18)]
    by_second = [plan._of_several(2, turn) for turn in (3, 9, 15, 21)]
    for labels, own in ((by_first, group // 2), (by_second, group % 2)):
        assert max((_pairs(x) == _pairs(own)).mean() for x in labels) == 1.0


def test_starts_of_several_outcomes_are_finite_and_the_same_for_a_seed():
    module, plan, _ = _several()
    many = plan.next(9)
    assert np.isfinite(module.loglik(many).numpy()).all()
    np.testing.assert_array_equal(_several()[1].next(9).numpy(), many.numpy())
    assert len(np.unique(np.round(many.numpy(), 6), axis=0)) >= 6


def test_merged_is_wards_clustering():
    rng = np.random.default_rng(3)
    curves = rng.normal(size=(12, 3))
    want = fcluster(linkage(curves, "ward"), 4, "maxclust")
    got = merged(np.arange(12), curves, 4)
    assert sorted(np.unique(got)) == [0, 1, 2, 3]
    np.testing.assert_array_equal(_pairs(got), _pairs(want))
