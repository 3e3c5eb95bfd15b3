"""Rubin's rules: by hand, one quantity at a time; and labels exchanged between the fits."""

import copy

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import arguments, long_table, other_groups, other_outcome
from gbtm.record.rebuild import layout_of, prepared_of
from gbtm.resampling.imputation import rubin

MODEL = oracle.Model("normal", (1, 1), sigma_by_group=True)
TRUTH = [0, 0.5, 3, -0.3, 0.8, 1.1, 0.4]


def scalar(estimates, variances, d):
    """Barnard and Rubin (1999), for one quantity: estimate, total variance, riv, df, fmi."""
    m = len(estimates)
    q = sum(estimates) / m
    u = sum(variances) / m
    b = sum((e - q) ** 2 for e in estimates) / (m - 1)
    t = u + b + b / m
    r = (b + b / m) / u
    lam = (b + b / m) / t
    old = (m - 1) / lam**2
    observed = (d + 1) / (d + 3) * d * (1 - lam)
    df = old * observed / (old + observed)
    return q, t, r, df, (r + 2 / (df + 3)) / (r + 1)


def fit(table, model=MODEL, **more):
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", **{**arguments(model), **more}).fit(n_starts=6, rng=0)


@pytest.fixture(scope="module")
def fits():
    """Four imputations of values that are missing at random."""
    rng = np.random.default_rng(11)
    subject, time, y, _ = oracle.simulate(MODEL, TRUTH, 120, range(5), rng)
    gone = rng.random(y.size) < 0.2
    out = []
    for _ in range(4):
        filled = np.where(gone, y + rng.normal(0, 0.8, y.size), y)
        out.append(fit(long_table(subject, time, filled)))
    return out


def exchanged(res, order=(1, 0)):
    """The same fit with its groups in another order, labels and all that goes with them."""
    document = copy.copy(res.document)
    layout, order = layout_of(res), np.array(order)
    move = layout.permute(np.eye(layout.size), order).T
    document["params"] = move @ document["params"]
    document["cov_params"] = move @ document["cov_params"] @ move.T
    internal = dict(document["internal"])
    internal["params"] = layout.permute(np.asarray(internal["params"]), order)
    internal["cov"] = move @ internal["cov"] @ move.T
    document["internal"] = internal
    groups = res.group_sets[0]
    document = other_groups(
        document, shares=groups.shares[order], cov_shares=groups.cov_shares[np.ix_(order, order)],
        posterior=groups.posterior[:, order],
    )
    coefficients = {p: c[order] for p, c in res.outcomes[0].coefficients.items()}
    return gbtm.GBTMResults(other_outcome(document, coefficients=coefficients))


def test_rubin_by_hand():
    rng = np.random.default_rng(1)
    q = rng.normal(size=(5, 3))
    u = np.stack([np.diag(rng.uniform(0.1, 2, 3)) for _ in range(5)])
    pooled = rubin(q, u, 80.0)
    for j in range(3):
        expected = scalar(q[:, j], u[:, j, j], 80.0)
        got = [pooled.estimate[j], pooled.cov[j, j], pooled.riv[j], pooled.df[j], pooled.fmi[j]]
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    cross = sum(np.outer(a, a) for a in q - q.mean(axis=0)) / 4
    np.testing.assert_allclose(pooled.cov, u.mean(axis=0) + 1.2 * cross)


def test_a_worked_example():
    """Estimates 1, 2, 3 with variance 4 each: B = 1, T = 4 + 4/3, riv = 1/3, lambda = 1/4."""
    pooled = rubin(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1, 1), 4.0), np.inf)
    assert pooled.estimate[0] == 2
    assert pooled.cov[0, 0] == pytest.approx(16 / 3)
    assert pooled.riv[0] == pytest.approx(1 / 3)
    pooled = rubin(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1, 1), 4.0), 97.0)
    assert pooled.df[0] == pytest.approx(1 / (1 / 32 + 1 / (0.98 * 97 * 0.75)))


def test_pool_is_rubin_of_the_fits(fits):
    pooled = gbtm.pool(fits)
    d = 120 - fits[0].df_model
    for name in fits[0].params.index:
        expected = scalar([f.params[name] for f in fits], [f.bse[name] ** 2 for f in fits], d)
        got = [pooled.params[name], pooled.bse[name] ** 2, pooled.riv[name], pooled.df[name], pooled.fmi[name]]
        np.testing.assert_allclose(got, expected, rtol=1e-9)
        lower, upper = pooled.conf_int(0.1).loc[name]
        reach = stats.t.ppf(0.95, expected[3]) * np.sqrt(expected[1])
        assert (lower, upper) == pytest.approx((expected[0] - reach, expected[0] + reach))
        p = 2 * stats.t.sf(abs(expected[0]) / np.sqrt(expected[1]), expected[3])
        assert pooled.pvalues[name] == pytest.approx(p)
    assert (pooled.bse > pd.concat([f.bse for f in fits], axis=1).min(axis=1)).all()
    assert pooled.summary().shape == (7, 8)
    np.testing.assert_allclose(np.sqrt(np.diag(pooled.cov_params())), pooled.bse)
    assert gbtm.pool(fits, df_complete=30).df.max() < 30


def test_shares_on_the_logit_scale(fits):
    pooled = gbtm.pool(fits)
    table = pooled.group_shares()
    p = np.array([f.group_shares["share"][1] for f in fits])
    se = np.array([f.group_shares["std err"][1] for f in fits])
    q, t, _, df, fmi = scalar(np.log(p / (1 - p)), (se / (p * (1 - p))) ** 2, 120 - fits[0].df_model)
    reach = stats.t.ppf(0.975, df) * np.sqrt(t)
    assert table["share"][1] == pytest.approx(1 / (1 + np.exp(-q)), rel=1e-9)
    assert table["lower"][1] == pytest.approx(1 / (1 + np.exp(-q + reach)))
    assert table["fmi"][1] == pytest.approx(fmi)
    assert table["share"].sum() == pytest.approx(1)


def test_curves_are_pooled_time_by_time(fits):
    table = gbtm.pool(fits).predict([0.5, 3.0])
    row = table[(table["group"] == 2) & (table["t"] == 3.0)].iloc[0]
    own = [f.predict([3.0]).iloc[1] for f in fits]
    q, t, _, df, _ = scalar([o["estimate"] for o in own], [o["std err"] ** 2 for o in own], 120 - fits[0].df_model)
    assert row["estimate"] == pytest.approx(q)
    assert row["std err"] == pytest.approx(np.sqrt(t))
    assert row["upper"] == pytest.approx(q + stats.t.ppf(0.975, df) * np.sqrt(t))


def test_swapped_labels_give_the_same_answer(fits):
    plain, mixed = gbtm.pool(fits), gbtm.pool([fits[0], exchanged(fits[1]), fits[2], exchanged(fits[3])])
    assert mixed.orders.tolist() == [[0, 1], [1, 0], [0, 1], [1, 0]]
    pd.testing.assert_frame_equal(mixed.summary(), plain.summary(), rtol=1e-9)
    pd.testing.assert_frame_equal(mixed.group_shares(), plain.group_shares(), rtol=1e-9)
    pd.testing.assert_frame_equal(mixed.predict(), plain.predict(), rtol=1e-9)
    assert not np.isclose(exchanged(fits[1]).params["sigma[1]"], fits[1].params["sigma[1]"])


def test_people_that_only_some_fits_have(fits):
    """The people in common match the groups; where there are none, the curves do."""
    def renamed(res, ids):
        document = {**res.document, "ids": ids}
        return gbtm.GBTMResults(document)

    some = renamed(exchanged(fits[1]), [*fits[0].ids[:60], *range(1000, 1060)])
    assert gbtm.pool([fits[0], some]).orders[1].tolist() == [1, 0]
    none = gbtm.pool([fits[0], renamed(exchanged(fits[1]), list(range(1000, 1120)))])
    assert none.orders[1].tolist() == [1, 0]
    assert "nobody in common" in none.notes[0]


def test_three_groups_with_membership_covariates_and_a_loaded_fit(tmp_path):
    model = oracle.Model("poisson", (0, 0, 0), n_risk=1)
    rng = np.random.default_rng(2)
    z = rng.normal(size=(200, 1)).round(2)
    subject, time, y, _ = oracle.simulate(
        model, [-1.5, 0.3, 2, 0.2, 0.5, 0.1, -0.5], 200, range(4), rng, oracle.Beside(z=z))
    tables = [long_table(subject, time, np.where(rng.random(y.size) < 0.1, rng.permutation(y), y)) for _ in range(2)]
    a, b = (fit(t.assign(z=z[subject, 0]), model, risk="z") for t in tables)
    b.save(tmp_path / "b.json")
    plain = gbtm.pool([a, gbtm.load(tmp_path / "b.json")])
    mixed = gbtm.pool([a, exchanged(b, (2, 0, 1))])
    np.testing.assert_array_equal(mixed.orders[1], [1, 2, 0])
    pd.testing.assert_frame_equal(mixed.summary(), plain.summary(), rtol=1e-8)


def test_a_parameter_without_standard_error_has_no_pooled_one_and_others_do(fits):
    swapped = exchanged(fits[1])
    cov = np.array(swapped.document["cov_params"])
    cov[2, :] = cov[:, 2] = np.nan  # intercept[2] there, intercept[1] here
    pooled = gbtm.pool([fits[0], gbtm.GBTMResults({**swapped.document, "cov_params": cov}), fits[2]])
    assert np.isnan(pooled.bse["intercept[1]"])
    assert pooled.bse.drop("intercept[1]").notna().all()
    assert pooled.bse["t[1]"] == pytest.approx(gbtm.pool(fits[:3]).bse["t[1]"])
    assert "intercept[1]: at least one fit" in pooled.notes[0]


def test_refusals(fits):
    with pytest.raises(gbtm.SpecificationError, match="at least two") as caught:
        gbtm.pool(fits[:1])
    assert caught.value.code == "one_fit"
    table = fits[0].simulate(0).drop(columns="group")
    with pytest.raises(gbtm.SpecificationError, match="fit 2") as caught:
        gbtm.pool([fits[0], fit(table, order=[2, 1])])
    assert caught.value.code == "different_models"


def test_groups_of_unlike_orders_that_change_places_are_told():
    """The flat curve is that of the low group in one data set, of the high group in the other."""
    rng = np.random.default_rng(1)
    n, t = 80, np.arange(5.0)
    high = np.repeat([False, True], n // 2)[:, None]

    def table(rising):
        y = np.where(high, 5.0, 0.0) + np.where(high == rising, 0.5 * t, 0.0) + rng.normal(0, 0.5, (n, 5))
        return pd.DataFrame({"id": np.repeat(np.arange(n), 5), "t": np.tile(t, n), "y": y.ravel()})

    model = oracle.Model("normal", (0, 1))
    low_flat, again, high_flat = (fit(table(rising), model) for rising in (True, True, False))
    assert not gbtm.pool([low_flat, again]).notes
    notes = gbtm.pool([low_flat, again, high_flat]).notes
    assert "In 1 of 3 fits groups of unlike orders have changed places" in notes[0]


def test_several_outcomes():
    """Rubin's rules on the parameters of all; groups matched by people, else by the curves of all outcomes."""
    rng = np.random.default_rng(9)
    group, t = np.repeat(rng.integers(0, 2, 60), 4), np.tile(np.arange(4.0), 60)
    base = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "t": t, "y": rng.normal(size=t.size),
                         "c": rng.poisson(np.exp(0.2 + 1.2 * group))})
    outcomes = ["y ~ t", gbtm.Outcome("c ~ t", family="poisson", order=0)]
    fits = [
        gbtm.GBTM.from_formula(
            outcomes, base.assign(y=base["y"] + rng.normal(0, 0.3, t.size), id=base["id"] + shift), id="id", groups=2,
            order=0).fit(n_starts=4) for shift in (0, 0, 1000)
    ]
    pooled = gbtm.pool(fits[:2])
    for name in ("y: intercept[1]", "c: intercept[2]"):
        q, total, *_ = scalar([f.params[name] for f in fits[:2]], [f.bse[name] ** 2 for f in fits[:2]],
                              60 - len(fits[0].params))
        assert (pooled.params[name], pooled.bse[name]) == pytest.approx((q, np.sqrt(total)))
    assert pooled.predict()["outcome"].unique().tolist() == ["y", "c"]
    alone = pooled.predict([1.0], outcome="c")["estimate"].tolist()
    want = np.mean([f.predict([1.0], outcome="c")["estimate"] for f in fits[:2]], axis=0)
    assert alone == pytest.approx(want.tolist())
    # the groups differ in the second outcome only: those of a fit whose groups stand the other way round are found
    moved = type(fits[0])(copy.deepcopy(fits[2].document))
    swapped = gbtm.GBTM.from_prepared(prepared_of(moved)).fit(
        start=layout_of(moved).permute(moved.params.to_numpy(), np.array([1, 0])), n_starts=1)
    for other in (fits[2], swapped):
        both = gbtm.pool([fits[0], other])
        assert "nobody in common" in both.notes[-1]
        rates = [f.params["c: intercept[2]"] for f in (fits[0], fits[2])]
        assert both.params["c: intercept[2]"] == pytest.approx(np.mean(rates), abs=0.02)
    assert repr(pooled).startswith("<PooledResults: normal, poisson, 2 groups")
