"""Scoring new people: their probabilities and intervals by the formula, wave by wave, and what is refused."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit

import gbtm
import oracle
from gbtm.fit.rebuild import layout_of
from gbtm.fit.scoring import panel_like, probabilities
from parts import PARTS, draw


@pytest.fixture(scope="module")
def table():
    found = gbtm.datasets.two_groups(rng=0)
    found["region"] = found["id"].map(lambda i: ("north", "east", "south")[i % 3])
    return found


@pytest.fixture(scope="module")
def once(table):
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, risk="~ region").fit(n_starts=2)


@pytest.fixture
def res(once):
    return gbtm.GBTMResults(copy.deepcopy(once.document))


def named(res, *names: str):
    res.document["group_sets"][0]["membership"]["names"] = ["constant", *names]
    return gbtm.GBTMResults(res.document)


def test_levels_may_be_named_as_in_r(res, table):
    ours = res.classify(table)
    for names in (("regionnorth", "regionsouth"), ("factor(region)north", "factor(region)south")):
        pd.testing.assert_frame_equal(named(res, *names).classify(table), ours)
    np.testing.assert_allclose(ours["probability"].to_numpy().reshape(-1, 2), res.posterior, atol=1e-10)


def test_other_levels_are_refused(res, table):
    with pytest.raises(gbtm.DataError, match="membership covariates"):
        named(res, "regionnorth", "regionwest").classify(table)


# -- probabilities and intervals by the formula ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def known():
    """name -> fit of the model of that name, from its true parameters."""
    done = {}

    def get(name):
        if name not in done:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", gbtm.GBTMWarning)
                done[name] = draw(name).built().fit(start=list(PARTS[name].params))
        return done[name]

    return get


def new_people(name, ids):
    """Some people drawn from the same truth, in that order; two of them have one and the same record."""
    table = draw(name, seed=99).table.dropna()
    some = pd.concat([table[table["id"] == i] for i in ids])
    return pd.concat([some, some[some["id"] == ids[0]].assign(id=1000)], ignore_index=True)


def seen(name, table, until=np.inf):
    """What the oracle needs of the rows up to a time: subject, time, y, and the rest."""
    own = table[table["t"] <= until]
    model = PARTS[name].model
    z = own.drop_duplicates("id")[[f"z{j + 1}" for j in range(model.n_risk)]].to_numpy() if model.n_risk else None
    waves = np.arange(PARTS[name].waves)
    people = [g.set_index("t")["y"] for _, g in own.groupby("id", sort=False)]
    history = [g.reindex(waves[: int(g.index.max()) + 1]).to_numpy() for g in people] if model.dropout else None
    return own["id"].to_numpy(), own["t"].to_numpy(float), own["y"].to_numpy(), oracle.Beside(z=z, history=history)


def interval(name, res, data, level):
    """Bayes' P (N, K), and expit(logit P -+ z se), se by the delta method on the logit, derivatives by differences."""
    model, at, step = PARTS[name].model, res.params.to_numpy(), res.bse.to_numpy()
    jacobian = oracle.fd_gradient(
        lambda x: logit(oracle.posterior(model, at + step * x, *data)), np.zeros(at.size), step=1e-2) / step
    se = np.sqrt(np.einsum("nkp,pq,nkq->nk", jacobian, res.cov_params().to_numpy(), jacobian))
    p = oracle.posterior(model, at, *data)
    half = stats.norm.ppf(0.5 + level / 2) * se
    return p, expit(logit(p) - half), expit(logit(p) + half)


def matrix(table, column):
    return table[column].to_numpy().reshape(-1, table["group"].max())


@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_is_the_delta_method_on_the_logit(known, level):
    res = known("risk")
    new = new_people("risk", [5, 2, 17, 8, 30, 11]).groupby("id", sort=False).head(2)
    new["y"] = 2.0 + 0.5 * new["y"]  # between the curves: nobody's group is plain
    got = res.classify(new, level=level)
    assert list(got.columns) == ["id", "t", "group", "probability", "lower", "upper", "assigned"]
    p, low, high = interval("risk", res, seen("risk", new), level)
    np.testing.assert_allclose(matrix(got, "probability"), p, rtol=1e-8, atol=1e-12)
    certain = (p < 1e-12) | (p > 1 - 1e-12)
    assert (~certain).sum() > 10
    np.testing.assert_allclose(matrix(got, "lower")[~certain], low[~certain], rtol=1e-5)
    np.testing.assert_allclose(matrix(got, "upper")[~certain], high[~certain], rtol=1e-5)
    assert got["id"].tolist() == np.repeat([5, 2, 17, 8, 30, 11, 1000], 3).tolist()
    assert got["group"].tolist() == [1, 2, 3] * 7
    assert got["t"].tolist() == np.repeat(new.groupby("id", sort=False)["t"].last(), 3).tolist()
    np.testing.assert_array_equal(matrix(got, "assigned"), p == p.max(axis=1, keepdims=True))


def test_the_certain_have_no_interval(known):
    """A probability that is 0 or 1 in double precision is its own interval; the others' are not."""
    new = pd.DataFrame({"id": [1, 1, 2], "t": [0, 1, 0], "y": [1e3, 1e3, 1.5], "z1": 0.0, "z2": 0.0})
    got = known("risk").classify(new)
    sure = got["probability"].isin([0.0, 1.0])
    assert sure.tolist()[:3] == [True] * 3
    assert not sure[3:].any()
    for end in ("lower", "upper"):
        assert (got[end] == got["probability"])[sure].all()
    assert (got["lower"] < got["probability"])[3:].all()
    assert (got["upper"] > got["probability"])[3:].all()


@pytest.mark.parametrize("name", ["risk", "dropout1"])
def test_wave_by_wave_is_bayes_with_what_was_seen_so_far(known, name):
    """At each wave at which a person was seen; nobody is taken to have dropped out."""
    res, model = known(name), PARTS[name].model
    new = new_people(name, [4, 9, 6, 3])
    got = res.classify(new, by_wave=True)
    want = []
    for i, person in new.groupby("id", sort=False):
        for t in person["t"]:
            p = oracle.posterior(model, res.params, *seen(name, person, t))[0]
            want += [(i, t, k + 1, p[k]) for k in range(model.n_groups)]
    np.testing.assert_allclose(got[["id", "t", "group", "probability"]].to_numpy(float), want, rtol=1e-7, atol=1e-9)
    last = got.groupby(["id", "group"], sort=False)["probability"].last()
    whole = res.classify(new).set_index(["id", "group"])["probability"]
    np.testing.assert_allclose(last, whole.loc[last.index], rtol=1e-10)
    first = new.groupby("id", sort=False).head(1)  # with dropout nobody is at risk of it yet
    np.testing.assert_allclose(
        matrix(res.classify(first), "probability"), oracle.posterior(model, res.params, *seen(name, first)), atol=1e-9)


def test_standard_errors_are_those_of_each_person(known):
    """probabilities(): Var P = (dP/d params)' V (dP/d params); equal records are computed once and told to each."""
    res = known("risk")
    new = new_people("risk", [5, 2, 17]).groupby("id", sort=False).head(1)
    p, se = probabilities(res, layout_of(res), panel_like(res, new))
    at, step = res.params.to_numpy(), res.bse.to_numpy()
    data = seen("risk", new)
    jacobian = oracle.fd_gradient(
        lambda x: oracle.posterior(PARTS["risk"].model, at + step * x, *data), np.zeros(at.size), step=1e-2) / step
    want = np.sqrt(np.einsum("nkp,pq,nkq->nk", jacobian, res.cov_params().to_numpy(), jacobian))
    assert p.shape == se.shape == (4, 3)
    np.testing.assert_allclose(se, want, rtol=1e-5, atol=1e-10)
    np.testing.assert_array_equal(se[0], se[3])


# -- what is refused, and what is told --------------------------------------------------------------------------------


def test_levels_that_did_not_occur_are_named(res, table):
    new = table.head(8).assign(region=[f"west{j}" for j in range(6)] + ["north", None])
    with pytest.raises(gbtm.DataError, match=r"region: 'west0', .*'west4' did not occur") as caught:
        res.classify(new)
    assert (caught.value.code, caught.value.argument) == ("new_level", "region")
    assert "west5" not in caught.value.message
    assert "'east', 'north', 'south'" in caught.value.way_out
    whole = res.classify(table[table["id"] == 3])
    np.testing.assert_allclose(whole["probability"], res.posterior.loc[3], atol=1e-10)  # one level of three


def test_a_fit_of_arrays_does_not_know_its_columns(known):
    res = known("risk")
    bare = gbtm.GBTMResults({**res.document, "inputs": None})
    with pytest.raises(gbtm.SpecificationError, match="from which columns") as caught:
        bare.classify(new_people("risk", [5]))
    assert (caught.value.code, caught.value.argument) == ("no_inputs", "newdata")


@pytest.mark.parametrize("level", [0, 1, 95])
def test_levels_that_are_none(known, level):
    with pytest.raises(gbtm.SpecificationError) as caught:
        known("risk").classify(new_people("risk", [5]), level=level)
    assert caught.value.code == "bad_level"


def test_what_is_dropped_is_told(known):
    """An observation, a whole person, a person without a covariate: each is a reason to say so; nothing else is."""
    new = new_people("risk", [5, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        known("risk").classify(new)
    for change, said in (
        ({"y": new["y"].where(new.index != 0)}, "1 observation with a missing outcome"),
        ({"y": new["y"].where(new["id"] != 2)}, "1 subject with no observation left"),
        ({"z1": new["z1"].where(new["id"] != 2)}, "1 subject with a missing membership covariate"),
    ):
        with pytest.warns(gbtm.GBTMWarning, match=rf"newdata: .*{said}"):
            known("risk").classify(new.assign(**change))


def test_a_panel_of_other_covariates_is_refused(known):
    res = known("risk")
    panel = panel_like(res, new_people("risk", [5, 2]))
    other = replace(panel, known=replace(panel.known, risk_names=("z2", "z1")))
    with pytest.raises(gbtm.DataError, match=r"\['z2', 'z1'\] instead of \['z1', 'z2'\]") as caught:
        gbtm.fit.scoring.classify_panel(res, other)
    assert caught.value.code == "other_covariates"
