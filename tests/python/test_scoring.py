"""Scoring new people: their probabilities and intervals by the formula, wave by wave, and what is refused."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logit, softmax

import gbtm
import oracle
from gbtm.fit.scoring import panel_like, probabilities
from gbtm.record.rebuild import layout_of
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


# -- people of whom nothing was observed ------------------------------------------------------------------------------


def softmax_of_coefficients(res, z):
    """pi_k(z) (N, K) by the printed coefficients: theta'z, 0 for the group that has none."""
    def of(params):
        u = np.zeros((len(z), res.n_groups))
        for k in range(res.n_groups):
            if f"theta[{k + 1}]" in res.params.index:
                u[:, k] = params[f"theta[{k + 1}]"] + sum(
                    z[name].to_numpy() * params[f"theta_{name}[{k + 1}]"] for name in z)
        return softmax(u, axis=1)

    at, step = res.params, res.bse.to_numpy()
    move = [at + step * np.eye(len(at))[j] * 1e-3 for j in range(len(at))]
    back = [at - step * np.eye(len(at))[j] * 1e-3 for j in range(len(at))]
    p = of(at)
    slopes = np.stack([(logit(of(a)) - logit(of(b))) / (2e-3 * s) for a, b, s in zip(move, back, step, strict=True)], 2)
    half = stats.norm.ppf(0.975) * np.sqrt(np.einsum("nkp,pq,nkq->nk", slopes, res.cov_params().to_numpy(), slopes))
    return p, expit(logit(p) - half), expit(logit(p) + half)


@pytest.mark.parametrize("name", ["risk", "risk_reference", "dropout1", "exposure_zip", "everything"])
@pytest.mark.parametrize("by_wave", [False, True])
def test_who_was_not_observed_has_the_prior(known, name, by_wave):
    """The softmax of the coefficients with its interval, beside people who were observed, at their place."""
    res = known(name)
    some = new_people(name, [4, 9])
    covariates = [c for c in some if c.startswith("z")]
    others = some[some["id"] == 4].head(2).assign(y=np.nan)
    at = [{c: 0.7 * j - i for i, c in enumerate(covariates)} for j in (0, 1)]
    unseen = pd.concat([others.assign(id=f"u{j}", **at[j]) for j in (0, 1)])
    order = [some[some["id"] == 4], unseen, some[some["id"] != 4]]
    with pytest.warns(gbtm.GBTMWarning, match=r"newdata: 2 people have no usable observation \(u0, u1\): .* prior"):
        got = res.classify(pd.concat(order, ignore_index=True), by_wave=by_wave)
    assert got["id"].drop_duplicates().tolist() == [4, "u0", "u1", 9, 1000]
    mine = got[got["id"].isin(["u0", "u1"])]
    assert mine["t"].isna().all()
    z = unseen.drop_duplicates("id")[covariates if res.group_sets[0].membership.covariate_names else []]
    p, low, high = softmax_of_coefficients(res, z)
    np.testing.assert_allclose(matrix(mine, "probability"), p, rtol=1e-9)
    np.testing.assert_allclose(matrix(mine, "lower"), low, rtol=1e-5)
    np.testing.assert_allclose(matrix(mine, "upper"), high, rtol=1e-5)
    np.testing.assert_array_equal(matrix(mine, "assigned"), p == p.max(axis=1, keepdims=True))
    rest = got[~got["id"].isin(["u0", "u1"])].reset_index(drop=True).astype({"id": int})
    pd.testing.assert_frame_equal(rest, res.classify(some, by_wave=by_wave))


def test_a_table_of_people_needs_no_outcome(once, table):
    """Ids and covariates alone, or covariates alone; factors are those of the fit."""
    people = pd.DataFrame({"id": [7, 3, 9, 5], "region": ["south", "east", "north", None]})
    at = once.params
    u = np.array([at["theta_region[T.south][2]"], 0.0, at["theta_region[T.north][2]"]]) + at["theta[2]"]
    for new, ids in ((people, [7, 3, 9]), (people[["region"]], [0, 1, 2])):
        with pytest.warns(gbtm.GBTMWarning) as told:
            got = once.classify(new)
        assert got["id"].drop_duplicates().tolist() == ids
        np.testing.assert_allclose(matrix(got, "probability")[:, 1], expit(u), rtol=1e-9)
        assert "1 subject with a missing membership covariate" in str(told[0].message)
        assert "no column 'y': 3 people have no usable observation" in str(told[1].message)
    with pytest.raises(gbtm.DataError, match="no column named 'region'") as caught:
        once.classify(people[["id"]])
    assert (caught.value.code, caught.value.argument) == ("unknown_column", "risk")
    with pytest.raises(gbtm.DataError, match="missing for 1 of the 1 people, and nobody is left"):
        once.classify(table[table["id"] == 3].assign(y=np.nan, region=None))


def test_wide_tables_of_people(table):
    """Without the outcome's columns, and with all of them missing; shares where there are no covariates."""
    wide = table.pivot(index="id", columns="t", values="y").add_prefix("y_")
    wide = wide.set_axis([f"y_{j}" for j in range(wide.shape[1])], axis=1).reset_index()
    wide["male"] = (wide["id"] % 2).astype(float)
    fits = {
        risk: gbtm.GBTM.from_formula(
            "y ~ t", wide, id="id", wide={"y": "y_*", "t": list(range(wide.shape[1] - 2))}, groups=2, order=1, risk=risk
        ).fit(n_starts=2) for risk in ("male", None)
    }
    for risk, res in fits.items():
        u = res.params["theta[2]"] + (np.array([1.0, 0.0]) * res.params["theta_male[2]"] if risk else np.zeros(2))
        missing = wide.head(2).assign(**{c: np.nan for c in wide if c.startswith("y_")})
        for new in (wide.head(2)[["id", "male"]], missing):
            with pytest.warns(gbtm.GBTMWarning, match="2 people have no usable observation"):
                got = res.classify(new)
            np.testing.assert_allclose(matrix(got, "probability")[:, 1], expit(u), rtol=1e-9)
            assert got["id"].tolist() == np.repeat(wide["id"].head(2), 2).tolist()
    with pytest.raises(gbtm.DataError, match="no column") as caught:
        fits[None].classify(pd.DataFrame({"pay": [1.0]}))  # nothing of the fit
    assert caught.value.code == "unknown_column"


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
        ({"y": new["y"].where(new["id"] != 2)}, r"1 person has no usable observation \(2\)"),
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


def test_warnings_are_at_the_users_line(once, table):
    """However deep in the package a warning is said; of the public methods that have one to say."""
    unseen = table.groupby("id").head(1).assign(y=np.nan).head(3)
    bad = copy.deepcopy(once.document)
    bad["cov_params"] = np.full_like(bad["cov_params"], np.nan)
    held = table.assign(out=(table["id"] < 2) * 1, region=table["region"].where(table["id"] > 1, "moon"))
    says = {
        "classify": lambda: once.classify(unseen), "predict": lambda: once.predict(times=[99.0]),
        "odds_ratios": lambda: gbtm.GBTMResults(bad).odds_ratios(),
        "from_formula": lambda: gbtm.GBTM.from_formula(
            "y ~ t", held, id="id", groups=2, risk="~ region", out_of_sample="out"),
        "fit": lambda: gbtm.GBTM.from_formula("y ~ t", table[table["id"] < 6], id="id", groups=2, order=1).fit(
            n_starts=1),
    }
    for name, say in says.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            say()
        ours = [w for w in caught if issubclass(w.category, gbtm.GBTMWarning)]
        assert ours, name
        assert {w.filename for w in ours} == {__file__}, name


def test_several_outcomes_go_up_to_each_time_together():
    data = gbtm.datasets.two_groups(rng=0)
    data["z"] = (data["y"] + np.random.default_rng(0).normal(size=len(data)) > 0.5).astype(float)
    outcomes = [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("z ~ t", family="logit", order=1)]
    res = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2).fit(n_starts=2)
    new = data[data["id"] <= 3]
    new = new[~((new["id"] == 2) & (new["t"] < 0))]
    table = res.classify(new, by_wave=True)
    for time, part in table.groupby("time"):
        seen = new[np.isclose(new["t"], time)]["id"].unique()
        want = res.classify(new[(new["t"] <= time + 1e-9) & new["id"].isin(seen)])
        np.testing.assert_allclose(part["probability"], want["probability"], atol=1e-14)
        assert part["id"].unique().tolist() == seen.tolist()
    other = data.rename(columns={"t": "age"})[["id", "age", "z"]]
    apart = gbtm.GBTM.from_formula(
        [outcomes[0], gbtm.Outcome("z ~ age", family="logit", order=1, data=other)], data, id="id", groups=2)
    with pytest.raises(gbtm.SpecificationError, match="different times"):
        apart.fit(n_starts=2).classify(new.assign(age=new["t"]), by_wave=True)
