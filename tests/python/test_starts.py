"""Starting values: reproducible, finite, different, and close where the groups are plain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import gbtm
from conftest import TRUTH, build, true_data
from gbtm.estimation.starts import StartingPlan, clusters, subject_curves
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
