"""Dropout: who is at risk when, by hand; with one group against statsmodels' logit of the person-waves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

import gbtm
import oracle
from gbtm import DataError, SpecificationError
from gbtm.fit.refit import refit
from gbtm.record.rebuild import prepared_of
from gbtm.specification.first_groups import first_groups
from parts import draw

# waves seen -> the waves at risk of orders 0, 1 and 2, counted from 0, the last one negative where the subject left
RISK_SETS = {
    "11111": ([1, 2, 3, 4], [1, 2, 3, 4], [2, 3, 4]),
    "1111.": ([1, 2, 3, -4], [1, 2, 3, -4], [2, 3, -4]),
    "11...": ([1, -2], [1, -2], [-2]),
    "1....": ([-1], [-1], []),
    "1.1..": ([1, 2, -3], [1, -3], []),  # the wave missed in between: stayed, but its lags are unknown
    "1.11.": ([1, 2, 3, -4], [1, 3, -4], [-4]),
    ".11..": ([2, -3], [2, -3], [-3]),  # waves before the first say nothing
    "..1.1": ([3, 4], [3], []),
    "....1": ([], [], []),
    "1...1": ([1, 2, 3, 4], [1], []),
}


def _wide(patterns, seed=0):
    """Outcomes (N, T) seen as the patterns say."""
    rng = np.random.default_rng(seed)
    seen = np.array([[c == "1" for c in p] for p in patterns])
    return np.where(seen, rng.normal(5, 2, seen.shape).round(3), np.nan)


def _records(y, v, order, exempt=()):
    """Person-waves by loops: subject, wave, left or not, lags .., covariates .."""
    rows = []
    for i, waves in enumerate(y):
        if i in exempt:
            continue
        seen = [t for t in range(len(waves)) if waves[t] == waves[t]]
        for t in range(seen[0] + 1, len(waves)):
            if t > seen[-1] + 1:
                break
            lags = [waves[t - 1], waves[t - 2] if t > 1 else np.nan][:order]
            row = [i, t, float(t == seen[-1] + 1), *lags, *([] if v is None else [v[i, t - 1]])]
            if not np.isnan(row).any():
                rows.append(row)
    return np.array(rows)


def _fit(y, **model):
    more = {k: model.pop(k) for k in ("n_starts",) if k in model}
    return gbtm.GBTM(y, range(y.shape[1]), **{"groups": 1, "order": 1, **model}).fit(**more)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_risk_sets_by_hand(order):
    y = _wide(RISK_SETS)
    records = gbtm.GBTM(y, range(5), groups=1, order=1, dropout=order).panel.departures
    want = [(i, abs(t), float(t < 0)) for i, sets in enumerate(RISK_SETS.values()) for t in sets[order]]
    assert list(zip(records.subject, records.wave, records.y, strict=True)) == want
    for i, t, (_known, *lags) in zip(records.subject, records.wave, records.covariates, strict=True):
        assert lags == [y[i, t - 1], y[i, t - 2]][:order]
    assert want == [(i, t, left) for i, t, left, *_ in _records(y, None, order)]


def test_groups_of_other_orders_have_parameters_of_their_own():
    """-1: no dropout model in that group. What they add to the likelihood is in test_mixture.py."""
    y = _wide(RISK_SETS)
    built = gbtm.GBTM(y, range(5), groups=3, order=0, dropout=[-1, 2, 0])
    assert built.layout.names[3:7] == ["drop0[2]", "drop1[2]", "drop2[2]", "drop0[3]"]
    records = _records(y, None, 0)  # those of the lowest order: each counts for some group
    assert list(zip(built.panel.departures.subject, built.panel.departures.wave, strict=True)) == [
        (int(i), int(t)) for i, t, _ in records]


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("covariate", [False, True], ids=["", "dcov"])
def test_one_group_is_a_logit_of_the_person_waves(order, covariate):
    rng = np.random.default_rng(order)
    n, waves = 250, 7
    y = 3 + 0.3 * np.arange(waves) + rng.normal(size=(n, waves))
    v = rng.normal(2, 3, (n, waves)) if covariate else None
    for i in range(n):
        for t in range(2, waves):
            eta = -2.5 + 0.3 * y[i, t - 1] - 0.2 * y[i, t - 2] + (0.2 * v[i, t - 1] if covariate else 0)
            if rng.random() < 1 / (1 + np.exp(-eta)):
                y[i, t:] = np.nan
                break
    holes = rng.random(y.shape) < 0.1
    holes[:, 0] = False
    y[holes] = np.nan
    if covariate:
        v[rng.random(v.shape) < 0.05] = np.nan
    res, plain = _fit(y, dropout=order, dcov=v), _fit(y)
    records = _records(y, v, order)
    logit = sm.Logit(records[:, 2], sm.add_constant(records[:, 3:]) if records.shape[1] > 3 else np.ones(len(records)))
    logit = logit.fit(disp=0, tol=1e-12)
    names = [n for n in res.params.index if n.startswith("drop")]
    assert names == [f"drop{j}[1]" for j in range(order + 1)] + ["drop_w1[1]"] * covariate
    np.testing.assert_allclose(res.params[names], logit.params, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(res.bse[names], logit.bse, rtol=1e-6)
    np.testing.assert_allclose(res.cov_params().loc[names, names], logit.cov_params(), rtol=1e-5, atol=1e-9)
    assert res.llf == pytest.approx(plain.llf + logit.llf, abs=1e-8)
    # with one group, the curve knows nothing of dropout
    np.testing.assert_allclose(res.params[plain.params.index], plain.params, rtol=1e-7)
    np.testing.assert_allclose(res.bse[plain.params.index], plain.bse, rtol=1e-7)
    assert res.nobs == plain.nobs
    assert res.dropout.n_records == len(records)
    assert res.dropout.n_dropped == records[:, 2].sum()


def test_weights_count_for_dropout_too():
    drawn = draw("dropout1")
    y = drawn.beside.history
    weight = np.random.default_rng(0).uniform(0.2, 3, len(y))
    res = _fit(y, dropout=1, weights=weight)
    records = _records(y, None, 1)
    own = (weight / weight.mean())[records[:, 0].astype(int)]
    logit = sm.GLM(records[:, 2], sm.add_constant(records[:, 3:]), family=sm.families.Binomial(), freq_weights=own)
    np.testing.assert_allclose(res.params[["drop0[1]", "drop1[1]"]], logit.fit(tol=1e-13).params, rtol=1e-6)


def test_who_is_missing_at_random_says_nothing_of_dropout():
    """Their outcomes count all the same."""
    y = draw("dropout1").beside.history
    exempt = np.arange(len(y)) % 3 == 0
    res, all_of_them = _fit(y, dropout=1, obsmar=exempt.astype(int)), _fit(y, dropout=1)
    records = _records(y, None, 1, exempt=set(np.flatnonzero(exempt)))
    logit = sm.Logit(records[:, 2], sm.add_constant(records[:, 3:])).fit(disp=0, tol=1e-12)
    np.testing.assert_allclose(res.params[["drop0[1]", "drop1[1]"]], logit.params, rtol=1e-6)
    assert res.nobs == all_of_them.nobs
    assert res.params["intercept[1]"] == pytest.approx(all_of_them.params["intercept[1]"], rel=1e-8)
    assert abs(res.params["drop0[1]"] - all_of_them.params["drop0[1]"]) > 1e-3


# -- invariances ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def base():
    return draw("dropout2").built().fit(n_starts=4)


def test_the_scale_of_the_outcome(base):
    """y -> 100 + 20 y: effects of the lags by 1/20, the constant takes up the shift."""
    drawn = draw("dropout2")
    res = drawn.built(data=drawn.table.assign(y=100 + 20 * drawn.table["y"])).fit(n_starts=4)
    assert res.llf == pytest.approx(base.llf - base.nobs * np.log(20), abs=1e-7)
    for g in (1, 2):
        d0, d1, d2 = (base.params[f"drop{j}[{g}]"] for j in (0, 1, 2))
        np.testing.assert_allclose(
            res.params[[f"drop{j}[{g}]" for j in (0, 1, 2)]], [d0 - 5 * (d1 + d2), d1 / 20, d2 / 20],
            rtol=1e-5, atol=1e-7)
        assert res.bse[f"drop1[{g}]"] == pytest.approx(base.bse[f"drop1[{g}]"] / 20, rel=1e-5)


def test_waves_are_ranks_of_the_times(base):
    drawn = draw("dropout2")
    res = drawn.built(data=drawn.table.assign(t=2000 + 12 * drawn.table["t"])).fit(n_starts=4)
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    drops = [n for n in base.params.index if n.startswith("drop")]
    np.testing.assert_allclose(res.params[drops], base.params[drops], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse[drops], base.bse[drops], rtol=1e-5)


def test_absent_rows_wide_data_and_permuted_rows_are_the_same(base):
    drawn = draw("dropout2")
    table = drawn.table.dropna(subset="y")
    assert len(table) < len(drawn.table)
    assert set(table["t"]) == set(drawn.table["t"])
    model = drawn.truth.model
    fits = [
        drawn.built(data=table).fit(n_starts=4),
        drawn.built(data=drawn.table.sample(frac=1.0, random_state=0)).fit(n_starts=4),
        _fit(drawn.beside.history, groups=2, order=list(model.order), dropout=list(model.dropout), n_starts=4),
    ]
    for res in fits:
        assert res.llf == pytest.approx(base.llf, abs=1e-8)
        np.testing.assert_allclose(res.params, base.params, rtol=1e-5, atol=1e-6)


def test_a_subject_never_seen_does_not_count(base):
    drawn = draw("dropout2")
    nobody = pd.DataFrame({"id": [9001] * 7, "t": np.arange(7.0), "y": np.nan})
    res = drawn.built(data=pd.concat([drawn.table, nobody])).fit(n_starts=4)
    assert res.llf == pytest.approx(base.llf, abs=1e-9)
    assert res.n_subjects == base.n_subjects


def test_subjects_held_out_do_not_count():
    drawn = draw("dropout_mixed")
    table = drawn.table.assign(held=(drawn.table["id"] % 4 == 0).astype(int))
    res = drawn.built(data=table, out_of_sample="held").fit(n_starts=4)
    without = drawn.built(data=table[table["held"] == 0]).fit(n_starts=4)
    assert res.llf == without.llf
    np.testing.assert_array_equal(res.params.to_numpy(), without.params.to_numpy())
    np.testing.assert_array_equal(res.bse.to_numpy(), without.bse.to_numpy())


def test_waves_of_subjects_held_out_do_not_count():
    drawn = draw("dropout1")
    later = pd.DataFrame({"id": [9001] * 3, "t": [0.0, 1, 9], "y": [1.0, 2, 3], "held": 1})
    res = drawn.built(data=pd.concat([drawn.table.assign(held=0), later]), out_of_sample="held").fit(n_starts=2)
    without = drawn.built().fit(n_starts=2)
    assert res.llf == pytest.approx(without.llf, abs=1e-9)


def test_parameters_are_recovered():
    model = oracle.Model("normal", (1, 1), dropout=(2, 2), n_dcov=1)
    truth = np.array([0, 0.5, 6, -0.5, -2, 0.4, 0.1, 0.5, -1.5, -0.3, 0.15, -0.4, 1.0, 0.3])
    rng = np.random.default_rng(5)
    n, waves = 1500, 6
    v = rng.normal(size=(n, waves, 1))
    _, _, y, _ = oracle.simulate(model, truth, n, range(waves), rng, oracle.Beside(v=v))
    y = y.reshape(n, waves)
    assert 0.3 < np.isnan(y[:, -1]).mean() < 0.9
    res = _fit(y, groups=2, order=1, dropout=2, dcov=v[..., 0], n_starts=4)
    assert (((res.params - truth) / res.bse).abs() < 3.5).all()
    assert (res.bse < 0.5).all()


# -- refusals ---------------------------------------------------------------------------------------------------------


def _refused(code, argument, call, *fragments, kind=SpecificationError):
    with pytest.raises(kind) as caught:
        call()
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert caught.value.way_out
    for fragment in (argument, *fragments):
        assert fragment in str(caught.value)


def test_nothing_to_model():
    y = _wide(["111", "111", "1.1"])
    _refused("no_dropout", "dropout", lambda: _fit(y, dropout=0), "nobody drops out")
    _refused("no_dropout", "dropout", lambda: _fit(_wide(["1..", "1..", "1.."]), order=0, dropout=0))
    _refused("no_dropout", "dropout", lambda: _fit(np.array([[1.0], [2], [3]]), order=0, dropout=0), "one wave")
    y = _wide(["11.", "11.", "111"])
    _refused("no_dropout", "dropout", lambda: _fit(y, dropout=0, obsmar=[1, 1, 0]), "nobody drops out")


@pytest.mark.parametrize("dropout", [3, -1, [0, 3], [-2, 0], [-1, -1]])
def test_orders_that_are_none(dropout):
    _refused("bad_dropout", "dropout", lambda: _fit(_wide(RISK_SETS), groups=2, dropout=dropout), "0, 1 or 2")


def test_orders_for_another_number_of_groups():
    _refused("order_length", "dropout", lambda: _fit(_wide(RISK_SETS), groups=2, dropout=[0, 0, 1]), "3 values for 2")
    _refused("bad_order", "dropout", lambda: _fit(_wide(RISK_SETS), dropout="one"), "whole number")


def test_lags_and_covariates_that_say_nothing():
    y = _wide(RISK_SETS)
    constant, same = np.ones_like(y), np.where(np.isnan(y), 0.0, 2 * y)
    _refused("constant_covariate", "dcov", lambda: _fit(y, dropout=0, dcov=constant), "the same throughout")
    _refused("dependent_covariates", "dcov", lambda: _fit(y, dropout=1, dcov=same), "linearly dependent")


def test_a_covariate_that_is_infinite():
    y = _wide(RISK_SETS)
    v = np.random.default_rng(0).normal(size=y.shape)
    v[0, 1] = np.inf
    _refused("infinite", "w1", lambda: _fit(y, dropout=0, dcov=v), "1 infinite", kind=DataError)


@pytest.mark.parametrize("what", ["dcov", "obsmar"])
def test_what_goes_with_dropout_only(what):
    y = _wide(RISK_SETS)
    value = np.random.default_rng(0).normal(size=y.shape) if what == "dcov" else np.arange(len(y)) % 2
    _refused("no_dropout", what, lambda: _fit(y, **{what: value}), "dropout")


@pytest.mark.parametrize("cut", [1, 2])
def test_first_groups_without_dropout(cut):
    """The default search grows from the first groups, none of which drops out here; the data are still those."""
    drawn = draw("dropout_mixed")
    order, leaving = drawn.truth.model.order[: cut + 1], (*(-1,) * cut, 1)
    built = drawn.built(groups=cut + 1, order=list(order), dropout=list(leaving))
    res = built.fit(rng=0, max_starts=8)
    model = oracle.Model("normal", order, dropout=leaving, n_dcov=1)
    want = oracle.loglik(model, res.params.to_numpy(), *drawn.data, drawn.beside)
    assert res.llf == pytest.approx(want, abs=1e-8)
    # the smaller model has nobody drop out, and is refitted to the same panel
    below = refit(prepared_of(res).panel, first_groups(built.spec, cut), built.prepared.bases, n_starts=2)
    plain = oracle.Model("normal", order[:cut])
    want = oracle.loglik(plain, below.params, *drawn.data)
    assert below.loglik == pytest.approx(want, abs=1e-8)
    assert gbtm.lmr(res).statistic == pytest.approx(2 * (res.llf - below.loglik), abs=0.5)


# -- several outcomes -------------------------------------------------------------------------------------------------


def _leaving(n=80, waves=5):
    """Two groups; who leaves depends on the last y. The second outcome is of people whom the first has not, too."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(n):
        g = int(rng.integers(0, 2))
        for t in range(waves):
            y, z = rng.normal(2 * g + 0.2 * t), rng.poisson(np.exp(0.3 + 0.8 * g))
            rows.append((i, float(t), y, z, float(i % 3 == 0)))
            if rng.random() < 1 / (1 + np.exp(1.5 + 0.5 * y)):
                break
    data = pd.DataFrame(rows, columns=["id", "t", "y", "z", "m"])
    data.loc[(data["id"] < 3) | (data["t"] == 1) & (data["id"] < 20), "y"] = np.nan
    return data


BOTH = ["y ~ t", gbtm.Outcome("z ~ t", family="poisson", order=0)]


def test_with_one_group_several_outcomes_and_dropout_add_up():
    data = _leaving()
    joint = gbtm.GBTM.from_formula(BOTH, data, id="id", groups=1, order=1, dropout=1).fit()
    y = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=1, order=1, dropout=1).fit()
    z = gbtm.GBTM.from_formula("z ~ t", data, id="id", groups=1, order=0, family="poisson").fit()
    assert joint.llf == pytest.approx(y.llf + z.llf, abs=1e-7)
    assert joint.params["drop1[1]"] == pytest.approx(y.params["drop1[1]"], abs=1e-5)
    assert (joint.dropout.n_records, joint.dropout.n_dropped) == (y.dropout.n_records, y.dropout.n_dropped)
    assert "last values of y, the first" in str(joint.summary())
    ours = joint.of_outcome("y")
    assert list(ours.params.index) == list(y.params.index)
    assert "drop0[1]" not in joint.of_outcome("z").params


@pytest.mark.parametrize("options", [{}, {"obsmar": "m"}])
def test_dropout_of_several_outcomes_by_the_formula(options):
    """log sum_k pi_k f_y f_z prod h, with the waves of y alone; people without y say nothing of dropout."""
    data = _leaving()
    res = gbtm.GBTM.from_formula(BOTH, data, id="id", groups=2, order=1, dropout=1, **options).fit(n_starts=2)
    p, total = res.params, 0.0
    for _, d in data.groupby("id"):
        joint = []
        for k in (1, 2):
            y = d["y"].to_numpy()
            mean = p[f"y: intercept[{k}]"] + p[f"y: t[{k}]"] * d["t"].to_numpy()
            value = np.log(res.group_shares.loc[k, "share"]) + np.nansum(stats.norm.logpdf(y, mean, p["y: sigma"]))
            value += stats.poisson.logpmf(d["z"], np.exp(p[f"z: intercept[{k}]"])).sum()
            seen = {int(t): v for t, v in zip(d["t"], y, strict=True) if not np.isnan(v)}
            if seen and not (options and d["m"].iloc[0]):
                for t in range(min(seen) + 1, min(max(seen) + 1, 4) + 1):
                    if t - 1 in seen:
                        h = 1 / (1 + np.exp(-p[f"drop0[{k}]"] - p[f"drop1[{k}]"] * seen[t - 1]))
                        value += np.log(h if t > max(seen) else 1 - h)
            joint.append(value)
        total += np.logaddexp(*joint)
    assert res.llf == pytest.approx(total, abs=1e-6)
    again = gbtm.GBTM.from_prepared(prepared_of(res)).fit(start=res, n_starts=1)
    assert again.llf == pytest.approx(res.llf, abs=1e-7)
    scored = res.classify(data)
    row = scored[scored["id"] == 0]  # of whom y is not known: no wave of dropout
    f = stats.poisson.logpmf(data.loc[data["id"] == 0, "z"].to_numpy()[:, None],
                             np.exp(p[["z: intercept[1]", "z: intercept[2]"]].to_numpy())).sum(axis=0)
    weight = res.group_shares["share"].to_numpy() * np.exp(f)
    np.testing.assert_allclose(row["probability"], weight / weight.sum(), atol=1e-9)


def test_dropout_of_a_dual_model_by_the_formula():
    """log sum_jk pi_jk f_j prod h_j g_k, where the order of dropout differs between the groups of y."""
    data = _leaving()
    res = gbtm.GBTM.from_formula(BOTH, data, id="id", groups=[2, 3], order=1, dropout=[0, 1]).fit(n_starts=1)
    p, total = res.params, 0.0
    joint = np.log(res.transitions("joint")["estimate"].to_numpy().reshape(2, 3))
    for _, d in data.groupby("id"):
        y, t = d["y"].to_numpy(), d["t"].to_numpy()
        seen = {int(when): v for when, v in zip(t, y, strict=True) if not np.isnan(v)}
        first = []
        for j in (1, 2):
            mean = p[f"y: intercept[{j}]"] + p[f"y: t[{j}]"] * t
            value = np.nansum(stats.norm.logpdf(y, mean, p["y: sigma"]))
            for wave in range(min(seen) + 1, min(max(seen) + 1, 4) + 1) if seen else ():
                if j == 1 or wave - 1 in seen:
                    logit = p[f"drop0[{j}]"] + (p["drop1[2]"] * seen[wave - 1] if j == 2 else 0.0)
                    value += stats.bernoulli.logpmf(wave > max(seen), 1 / (1 + np.exp(-logit)))
            first.append(value)
        second = [stats.poisson.logpmf(d["z"], np.exp(p[f"z: intercept[{k}]"])).sum() for k in (1, 2, 3)]
        total += np.logaddexp.reduce((joint + np.array(first)[:, None] + np.array(second)).ravel())
    assert res.llf == pytest.approx(total, abs=1e-6)


def test_what_dropout_of_several_outcomes_cannot_have():
    data = _leaving()
    own = gbtm.Outcome("y ~ t", data=data[["id", "t", "y"]], order=1)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.GBTM.from_formula([own, BOTH[1]], data, id="id", groups=1, dropout=1, obsmar="m")
    assert (caught.value.code, caught.value.argument) == ("no_data", "obsmar")
    apart = gbtm.GBTM.from_formula([own, BOTH[1]], data, id="id", groups=1, dropout=1).fit()
    joint = gbtm.GBTM.from_formula(BOTH, data, id="id", groups=1, order=1, dropout=1).fit()
    assert apart.llf == pytest.approx(joint.llf, abs=1e-8)
