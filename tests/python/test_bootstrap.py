"""The bootstrap: against standard errors of theory, designs by hand, and labels that change places."""

import numpy as np
import pandas as pd
import pytest

import gbtm
import oracle
from conftest import arguments, long_table
from gbtm.data.subjects import Subjects
from gbtm.record.rebuild import prepared_of
from gbtm.resampling.replicates import chosen, resampled, rivals_of
from gbtm.specification.outcome_spec import OutcomeSpec
from gbtm.specification.spec import ModelSpec
from parts import draw

MODEL = oracle.Model("normal", (1, 1))
TRUTH = [0, 0.5, 4, -0.3, 1, 0.3]


def fit(model, params, n=150, waves=5, seed=2, **more):
    subject, time, y, _ = oracle.simulate(model, params, n, range(waves), np.random.default_rng(seed))
    table = more.pop("table", lambda t: t)(long_table(subject, time, y))
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", **{**arguments(model), **more}).fit(rng=0, n_starts=6)


@pytest.fixture(scope="module")
def res():
    return fit(MODEL, TRUTH)


@pytest.fixture(scope="module")
def boot(res):
    return gbtm.bootstrap(res, n=80, n_starts=0, progress=False)


def test_standard_errors_are_near_those_of_theory(res, boot):
    """A standard deviation of 80 replicates has a relative error of 1/sqrt(160) = 0.08."""
    robust = gbtm.GBTM.from_prepared(prepared_of(res)).fit(rng=0, n_starts=2, cov_type="robust").bse
    ratio = boot.bse / robust
    assert ((ratio > 0.7) & (ratio < 1.35)).all(), ratio
    parametric = gbtm.bootstrap(res, kind="parametric", n=80, n_starts=0, progress=False)
    ratio = parametric.bse / res.bse
    assert ((ratio > 0.7) & (ratio < 1.35)).all(), ratio
    assert boot.failures == parametric.failures == 0
    np.testing.assert_allclose(parametric.params.mean(), res.params, atol=4 * res.bse.max() / np.sqrt(80))


def test_tables(res, boot):
    assert boot.n == 80
    assert list(boot.params.columns) == list(res.params.index)
    lower, upper = np.quantile(boot.params["t[1]"], [0.05, 0.95])
    assert boot.conf_int(0.1).loc["t[1]"].tolist() == pytest.approx([lower, upper])
    assert boot.summary().loc["sigma", "std err"] == pytest.approx(boot.params["sigma"].std())
    np.testing.assert_allclose(boot.shares.sum(axis=1), 1)
    theta = boot.params["theta[2]"]
    np.testing.assert_allclose(boot.shares[2], 1 / (1 + np.exp(-theta)))
    shares = boot.group_shares()
    assert shares["lower"][1] < res.group_shares["share"][1] < shares["upper"][1]
    np.testing.assert_allclose(np.sqrt(np.diag(boot.cov_params())), boot.bse)
    assert "80 samples of subjects" in boot.sentence


def test_bands_of_straight_lines_are_those_of_their_parameters(res, boot):
    table = boot.curves([0.0, 2.5])
    at = boot.params["intercept[2]"] + 2.5 * boot.params["t[2]"]
    row = table[(table["group"] == 2) & (table["t"] == 2.5)].iloc[0]
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(at, [0.025, 0.975]).tolist())
    assert row["std err"] == pytest.approx(at.std())
    assert row["estimate"] == pytest.approx(res.predict([2.5])["estimate"].iloc[1])


def test_the_same_digits_for_any_number_of_workers(res):
    one = gbtm.bootstrap(res, n=4, n_starts=1, groups=[1, 2], progress=False)
    two = gbtm.bootstrap(res, n=4, n_starts=1, groups=[1, 2], n_jobs=2, progress=False)
    pd.testing.assert_frame_equal(one.params, two.params, check_exact=True)
    pd.testing.assert_frame_equal(one.shares, two.shares, check_exact=True)
    pd.testing.assert_frame_equal(one.chosen_groups, two.chosen_groups)
    other = gbtm.bootstrap(res, n=4, n_starts=1, rng=1, progress=False)
    assert not np.allclose(one.params, other.params)


def test_labels_where_sorting_by_level_would_swap_them():
    """Two groups of one mean level, one rising and one falling: sorted by their mean they change places at random."""
    crossing = fit(oracle.Model("normal", (1, 1)), [0, 1, 4, -1, 0.8, 0.2], n=120, seed=5)
    boot = gbtm.bootstrap(crossing, n=40, n_starts=0, progress=False)
    rising = crossing.params["t[1]"] > 0
    assert ((boot.params["t[1]"] > 0) == rising).all()
    assert ((boot.params["t[2]"] > 0) == (not rising)).all()
    level = boot.params["intercept[1]"] + 2 * boot.params["t[1]"]
    other = boot.params["intercept[2]"] + 2 * boot.params["t[2]"]
    assert 0.1 < (level > other).mean() < 0.9  # a sort would have swapped them
    assert (boot.bse / crossing.bse).between(0.6, 1.6).all()


@pytest.mark.parametrize("n", [25, pytest.param(30, marks=pytest.mark.slow)])
def test_groups_of_unlike_orders_that_change_places_are_counted_and_told(n, res, boot):
    """Two flat groups with orders 0 and 2: which of them gets the second order is left to chance in each sample."""
    flat = oracle.Model("normal", (0, 0))
    unlike = gbtm.bootstrap(fit(flat, [0, 3, 1, 0.2], n=60, order=[0, 2]), n=n, n_starts=3, progress=False)
    level = unlike.params["intercept[2]"] + 2 * unlike.params["t[2]"] + 4 * unlike.params["t^2[2]"]
    low = level < unlike.params["intercept[1]"]
    there = unlike.res.predict([2.0])["estimate"]
    swapped = int((low != (there.iloc[1] < there.iloc[0])).sum())
    assert unlike.crossed == swapped >= 2
    assert f"In {swapped} of {n} replicates groups of unlike orders changed places" in unlike.sentence
    same = gbtm.bootstrap(fit(flat, [0, 3, 1, 0.2], n=60, order=0), n=n, n_starts=1, progress=False)
    assert same.crossed == boot.crossed == 0
    assert "changed places" not in same.sentence + boot.sentence


@pytest.mark.parametrize("n", [3, pytest.param(6, marks=pytest.mark.slow)])
def test_how_many_groups_are_chosen(n, res):
    boot = gbtm.bootstrap(res, n=n, groups=[1, 3], n_starts=1, progress=False)
    assert boot.chosen_groups.index.tolist() == [1, 2, 3]
    assert boot.chosen_groups["times"].sum() == n
    assert boot.chosen_groups["times"][1] == 0  # the groups lie four sd apart
    assert boot.chosen_groups["times"][2] >= 2 / 3 * n
    assert "2 in" in boot.sentence


@pytest.mark.parametrize("order", [[-1, 0], [0, -1]])
def test_rivals_of_a_fit_with_a_group_whose_rate_is_zero(order):
    rng = np.random.default_rng(3)
    table = long_table(np.repeat(np.arange(80), 4), np.tile(np.arange(4), 80),
                       rng.poisson(np.repeat(np.where(rng.random(80) < 0.5, 0.0, 2.0), 4)))
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=order, family="poisson").fit(rng=0)
    model = prepared_of(res)
    found = rivals_of(model.panel, model.spec, model.bases, [1, 3], 0)
    assert [spec.outcomes[0].orders for spec, _ in found] == [(0,), (*order, 0)]
    rate = np.log(table["y"].mean())  # one group of order 0
    np.testing.assert_allclose(found[0][1], [rate], atol=1e-6)


def test_the_loglik_of_a_replicate_is_that_of_the_repeated_subjects(res):
    """Against fits of a table in which each subject stands as often as it was drawn."""
    from gbtm.resampling import replicates as room

    model = prepared_of(res)
    rng = np.random.default_rng(0)
    task = room.Task(model.panel, model.spec, model.bases, res.params.to_numpy(), "subjects",
                      room.rivals_of(model.panel, model.spec, model.bases, [1], 0), 2)
    panel, n = room.resample(task, rng)
    assert n == 150
    count = np.zeros(150)
    count[[int(i) - 1 for i in panel.ids]] = panel.subjects.weights
    m = model.panel.outcomes[0]
    data = pd.DataFrame({"id": m.subject, "t": m.time, "y": m.y})
    rows = pd.concat([data[data["id"] == i].assign(id=1000 * i + j) for i in range(150) for j in range(int(count[i]))])
    again = gbtm.GBTM.from_formula("y ~ t", rows, id="id", groups=2, order=1, family="normal").fit(n_starts=4)
    from gbtm.fit.refit import refit

    own = refit(panel, model.spec, model.bases, start=task.params, n_starts=2)
    assert own.loglik * n / panel.n_subjects == pytest.approx(again.llf, abs=1e-5)


def test_clusters_are_drawn_whole_within_strata():
    rng = np.random.default_rng(4)
    cluster = np.array([0, 0, 1, 2, 2, 0, 1, 1])  # numbered anew in each stratum
    stratum = np.array([0, 0, 0, 0, 0, 1, 1, 1])
    known = Subjects(risk=np.zeros((8, 0)), cluster=cluster, stratum=stratum)
    counts = np.stack([resampled(known, rng) for _ in range(4000)])
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 3] == counts[:, 4]).all()
    assert (counts[:, 6] == counts[:, 7]).all()
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.06)
    units = counts[:, [0, 2, 3]]
    np.testing.assert_allclose(units.sum(axis=1), 3)
    assert set(np.unique(units)) == {0, 1.5, 3}
    assert (counts[:, [5, 6]].sum(axis=1) == 2).all()
    with pytest.raises(gbtm.SpecificationError, match="one cluster"):
        resampled(Subjects(risk=np.zeros((3, 0)), cluster=np.zeros(3, dtype=int)), rng)
    plain = resampled(Subjects.nothing(50), rng)
    assert plain.sum() == 50
    assert plain.max() > 1


def test_clusters_of_the_fit_are_used_also_when_it_was_stored(tmp_path):
    """People of a cluster are alike, so that the cluster bootstrap's errors are larger, as the sandwich's are."""
    def doubled(table):
        copies = [table.assign(id=table["id"] + 1000 * j, site=table["id"]) for j in range(4)]
        return pd.concat(copies, ignore_index=True)

    res = fit(MODEL, TRUTH, n=60, table=doubled, cluster="site")
    res.save(tmp_path / "fit.json")
    boot = gbtm.bootstrap(gbtm.load(tmp_path / "fit.json"), n=40, n_starts=0, progress=False)
    ratio = boot.bse / res.bse
    assert ((ratio > 0.65) & (ratio < 1.5)).all(), ratio
    apart = gbtm.bootstrap(without_clusters(res), n=40, n_starts=0, progress=False)
    assert (boot.bse / apart.bse).median() > 1.5  # sqrt(4) = 2 where copies count as people


def without_clusters(res):
    return gbtm.GBTMResults({**res.document, "cluster": None})


@pytest.mark.parametrize("name", ["everything_censored", "exposure_zip", pytest.param("zinb", marks=pytest.mark.slow)])
def test_with_all_parts(name):
    model = draw(name).built()
    res = model.fit(rng=0, n_starts=4)
    boot = gbtm.bootstrap(res, n=3, n_starts=1, progress=False)
    assert boot.n + boot.failures == 3
    assert boot.params.notna().all(axis=None)
    assert np.isfinite(boot.curves()["upper"]).all()


def test_failures_are_counted_and_left_out(monkeypatch, res):
    from gbtm.resampling import replicates as room

    original, calls = room.resample, []

    def sometimes(task, rng):
        calls.append(1)
        if len(calls) % 3 == 0:
            raise gbtm.DataError("no.", code="no_finite_start")
        return original(task, rng)

    monkeypatch.setattr(room, "resample", sometimes)
    boot = gbtm.bootstrap(res, n=6, n_starts=1, progress=False)
    assert (boot.n, boot.failures, boot.reasons) == (4, 2, {"no_finite_start": 2})
    assert boot.params.index.tolist() == [0, 1, 3, 4]
    assert "2 further replicates are left out" in boot.sentence
    monkeypatch.setattr(room, "resample", lambda task, rng: 1 / 0)
    with pytest.raises(ZeroDivisionError):  # a fault of ours is no failure of a fit
        gbtm.bootstrap(res, n=2, progress=False)


def test_refusals(res):
    for options, code in (({"kind": "wild"}, "bad_kind"), ({"n": 1}, "bad_n"), ({"groups": [0]}, "bad_groups"),
                          ({"n_starts": -1}, "bad_n_starts")):
        with pytest.raises(gbtm.SpecificationError) as caught:
            gbtm.bootstrap(res, **options)
        assert caught.value.code == code
    leaving = draw("dropout1").built().fit(rng=0, n_starts=2)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.bootstrap(leaving, kind="parametric", n=2)
    assert caught.value.code == "no_simulation"
    assert gbtm.bootstrap(leaving, n=2, n_starts=1, progress=False).n == 2


# -- several outcomes -------------------------------------------------------------------------------------------------


def _several(seed=6, n=80):
    rng = np.random.default_rng(seed)
    group, t = np.repeat(rng.integers(0, 2, n), 4), np.tile(np.arange(4.0), n)
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": t, "y": rng.normal(3.0 * group + 0.2 * t),
                         "c": rng.poisson(np.exp(0.4 + 0.8 * group)).astype(float)})
    data.loc[data["id"] < 3, "c"] = np.nan
    outcomes = ["y ~ t", gbtm.Outcome("c ~ t", family="poisson", order=0)]
    return gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2, order=1)


@pytest.mark.parametrize("kind", ["subjects", "parametric"])
def test_several_outcomes(kind):
    """People are drawn with all their outcomes; standard errors are near those of theory, curves those of predict."""
    model = _several()
    res = model.fit(n_starts=4, cov_type="robust")
    boot = gbtm.bootstrap(res, kind=kind, n=40, n_starts=0, progress=False)
    assert boot.failures == 0
    ratio = boot.bse / res.bse
    assert ((ratio > 0.6) & (ratio < 1.5)).all(), ratio  # a relative error of 1 / sqrt(80) = 0.11
    table, plain = boot.curves(), res.predict()
    assert table.columns.tolist() == plain.columns.tolist()
    np.testing.assert_allclose(table["estimate"], plain["estimate"])
    rates = np.exp(boot.params["c: intercept[2]"])
    row = boot.curves([2.0], level=0.8, outcome="c").iloc[1]
    assert row["std err"] == pytest.approx(rates.std(), rel=1e-6)
    assert [row["lower"], row["upper"]] == pytest.approx(np.quantile(rates, [0.1, 0.9]).tolist(), rel=1e-6)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.bootstrap(res.of_outcome("y"), n=2)
    assert caught.value.code == "part_of_a_fit"


def test_groups_that_rivals_start_with_have_a_rate_in_each_outcome():
    """Of outcomes that never happen in other groups, a model of one group has the group in which both do."""
    spec = ModelSpec(3, (OutcomeSpec("poisson", (-1, 0, 1)), OutcomeSpec("poisson", (0, -1, 1))))
    assert chosen(spec, 1) == [2]
    assert chosen(spec, 2) == [0, 1]
    assert chosen(spec, 4) == [0, 1, 2, 2]
    one = ModelSpec(2, (OutcomeSpec("poisson", (-1, 0)),))
    assert (chosen(one, 1), chosen(one, 3)) == ([1], [0, 1, 1])


def test_curves_of_a_dual_models_outcomes():
    """Each has bands of its own groups, around its own curve."""
    rng = np.random.default_rng(0)
    g = rng.integers(0, 2, 80)
    h = np.where(rng.random(80) < 0.8, g, 1 - g)
    who, t = np.repeat(np.arange(80), 4), np.tile(np.arange(4.0), 80)
    data = pd.DataFrame({"id": who, "t": t, "y": rng.normal(4.0 * g[who]), "z": rng.normal(3.0 * h[who])})
    res = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=[2, 2], order=0).fit(n_starts=4)
    boot = gbtm.bootstrap(res, n=6, n_starts=0, progress=False)
    for name in ("y", "z"):
        table = boot.curves([0.0], outcome=name)
        want = boot.params[[f"{name}: intercept[1]", f"{name}: intercept[2]"]]
        np.testing.assert_allclose(table["std err"], want.std(), rtol=1e-6)
