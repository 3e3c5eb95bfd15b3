"""Dual models: the numbers of an independent program, identities, and what is said of pairs and of each outcome."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import norm, poisson

import gbtm
from dual import COLUMNS, DATA, PAIRS, TIMES, WIDE, expected, fitted, model
from gbtm import GBTM, Outcome, SpecificationError
from several import EXPECTED, FOLDER

WHICH = ["dual", "dual_risk"]


@pytest.mark.parametrize("which", WHICH)
def test_the_reference_program_has_the_same_numbers(which):
    res = fitted(which)
    assert res.llf == pytest.approx(EXPECTED[which]["llf"], abs=1e-8)
    np.testing.assert_allclose(res.params, expected(res.names, which), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(res.bse, expected(res.names, which, "se"), rtol=1e-7)
    stored = pd.read_csv(FOLDER / f"{which}_posterior.csv")[[f"P{j}_{k}" for j, k in PAIRS]]
    np.testing.assert_allclose(res.posterior, stored, atol=1e-8)


def test_the_default_search_finds_it_from_its_own_starts():
    res = model().fit()
    assert res.llf == pytest.approx(EXPECTED["dual"]["llf"], abs=1e-6)
    assert res.search.optima[0].hits > 0
    assert res.warnings == []


def test_the_log_likelihood_is_that_of_the_formula():
    res = fitted("dual_risk")
    p = res.params
    a, b = DATA[COLUMNS["a"]].to_numpy(), DATA[COLUMNS["b"]].to_numpy()
    one = [1, np.array(TIMES["a"])]
    log_f = np.stack([
        np.nansum(norm.logpdf(a, p[f"a: intercept[{j}]"] * one[0] + p[f"a: ta[{j}]"] * one[1], p["a: sigma"]), axis=1)
        for j in (1, 2, 3)], axis=1)
    log_g = np.stack([
        np.nansum(poisson.logpmf(b, np.exp(p[f"b: intercept[{k}]"] + p[f"b: tb[{k}]"] * np.array(TIMES["b"]))), axis=1)
        for k in (1, 2)], axis=1)
    x, z = DATA["x"].to_numpy(), DATA["z"].to_numpy()
    u = np.stack([0 * x, *(p[f"theta[{j}]"] + p[f"theta_x[{j}]"] * x for j in (2, 3))], axis=1)
    log_pi = u - logsumexp(u, axis=1, keepdims=True)
    v = np.stack([np.stack([0 * z, p[f"theta2[2|{j}]"] + p["theta2_z[2]"] * z], axis=1) for j in (1, 2, 3)], axis=1)
    log_given = v - logsumexp(v, axis=2, keepdims=True)
    joint = (log_pi + log_f)[:, :, None] + log_given + log_g[:, None]
    assert res.llf == pytest.approx(logsumexp(joint, axis=(1, 2)).sum(), abs=1e-8)


@pytest.mark.parametrize("which", WHICH)
def test_independent_outcomes_are_two_fits(which):
    res = fitted(which)
    want = EXPECTED[which]["independence"]["llf_independent"]
    assert sum(res.pairs.separate_logliks) == pytest.approx(want, abs=1e-7)


def test_people_without_the_second_outcome_stay_and_have_the_prior():
    res = fitted()
    nobody = DATA[COLUMNS["b"]].isna().all(axis=1).to_numpy()
    assert nobody.sum() == 10
    p = res.posterior.to_numpy().reshape(-1, 3, 2)[nobody]
    given = res.transitions()["estimate"].to_numpy().reshape(3, 2)
    np.testing.assert_allclose(p / p.sum(axis=2, keepdims=True), np.broadcast_to(given, p.shape), rtol=1e-9)


def test_other_references_are_the_same_model():
    one, other = fitted("dual_risk"), model("dual_risk", refgroup=2, refgroup2=2)
    assert "theta2[1|3]" in other.layout.names
    res = other.fit(n_starts=8)
    assert res.llf == pytest.approx(one.llf, abs=1e-7)
    assert res.params["theta2[1|3]"] == pytest.approx(-one.params["theta2[2|3]"], abs=1e-6)
    pd.testing.assert_frame_equal(res.transitions("joint"), one.transitions("joint"), atol=1e-6)


def test_outcomes_the_other_way_round_have_the_same_likelihood_without_covariates():
    m = gbtm.GBTM.from_formula(
        list(reversed([Outcome("a ~ ta", order=1), Outcome("b ~ tb", order=1, family="poisson")])), DATA, id="id",
        wide={**COLUMNS, **{f"t{s}": TIMES[s] for s in "ab"}}, groups=[2, 3])
    res = m.fit(n_starts=8)
    assert res.llf == pytest.approx(fitted().llf, abs=1e-7)
    here, there = res.transitions("reverse")["estimate"], fitted().transitions()["estimate"]
    np.testing.assert_allclose(here.to_numpy().reshape(2, 3).T.ravel(), there, atol=1e-6)


def test_weights_count_as_repeated_people():
    few = DATA.iloc[:120]
    twice = pd.concat([few, few.iloc[:30].assign(id=lambda d: d["id"] + 10_000)])
    weighted = model(data=few.assign(w=np.where(np.arange(120) < 30, 2.0, 1.0)), weights="w").fit(
        n_starts=2, cov_type="hessian")
    repeated = model(data=twice).fit(n_starts=2)
    np.testing.assert_allclose(weighted.params, repeated.params, atol=1e-5)
    assert weighted.llf * 150 / 120 == pytest.approx(repeated.llf, rel=1e-9)
    assert sum(weighted.pairs.separate_logliks) * 150 / 120 == pytest.approx(
        sum(repeated.pairs.separate_logliks), rel=1e-7)


def test_one_outcome_has_its_own_groups():
    res = fitted()
    assert res.set_sizes == (3, 2)
    one, other = res.of_outcome("a"), res.of_outcome("b")
    assert (one.n_groups, other.n_groups) == (3, 2)
    np.testing.assert_allclose(
        other.posterior, res.posterior.to_numpy().reshape(-1, 3, 2).sum(axis=1), atol=1e-14)
    table = EXPECTED["dual"]["tables"]
    for view, name, size in ((one, 1, 3), (other, 2, 2)):
        for g in range(1, size + 1):
            share, se = table[f"P({name}={g})"]
            assert view.group_shares.loc[g, "share"] == pytest.approx(share, abs=1e-9)
            assert view.group_shares.loc[g, "std err"] == pytest.approx(se, abs=1e-8)
    # the logit of the second outcome's margin, by the delta method from its share
    share, se = table["P(2=2)"]
    assert other.params["theta[2]"] == pytest.approx(np.log(share / (1 - share)), abs=1e-9)
    assert other.bse["theta[2]"] == pytest.approx(se / (share * (1 - share)), rel=1e-7)


def test_assignment_by_margins_and_by_pairs():
    a = fitted().assignment
    p = fitted().posterior.to_numpy()
    assert (a["group1"].to_numpy() == p.reshape(-1, 3, 2).sum(2).argmax(1) + 1).all()
    assert (a["pair1"].to_numpy() == p.argmax(1) // 2 + 1).all()
    assert (a["pair2"].to_numpy() == p.argmax(1) % 2 + 1).all()


def test_entropy_is_of_the_pairs_and_that_of_each_outcome_stands_beside_it():
    res = fitted()
    p = res.posterior.to_numpy()
    want = 1 + (p * np.log(np.maximum(p, 1e-300))).sum() / (len(p) * np.log(6))
    assert res.entropy == pytest.approx(want, abs=1e-12)
    assert list(res.entropies.index) == ["a", "b", "pairs"]


def test_saved_and_read_it_is_the_same(tmp_path):
    res = fitted("dual_risk")
    res.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    assert isinstance(back, gbtm.DualResults)
    pd.testing.assert_frame_equal(back.transitions(at={"x": 1}), res.transitions(at={"x": 1}), rtol=1e-12)
    pd.testing.assert_frame_equal(back.posterior, res.posterior)
    new = DATA.iloc[:20]
    pd.testing.assert_frame_equal(back.classify(new), res.classify(new), rtol=1e-12)


@pytest.mark.parametrize("which", WHICH)
def test_people_are_classified_as_in_the_fit(which):
    res = fitted(which)
    table = res.classify(DATA.iloc[15:40])
    p = table.pivot(index="id", columns=["group1", "group2"], values="probability").to_numpy()
    np.testing.assert_allclose(p, res.posterior.iloc[15:40], atol=1e-10)
    margin = res.of_outcome("a").posterior.iloc[15:40]
    np.testing.assert_allclose(p.reshape(-1, 3, 2).sum(2), margin, atol=1e-10)


def test_new_people_without_outcomes_have_the_prior_of_their_covariates():
    res = fitted("dual_risk")
    with pytest.warns(gbtm.GBTMWarning, match="prior"):
        table = res.classify(DATA.iloc[:3][["id", "x", "z"]])
    one = table[table["id"] == 2]["probability"].to_numpy()
    at = res.transitions("joint", at=DATA.loc[1, ["x", "z"]].to_dict())
    np.testing.assert_allclose(one, at["estimate"], atol=1e-12)


def test_other_standard_errors_are_the_sandwich():
    res = fitted("dual_risk")
    robust = res.with_cov_type("robust")
    bread = res.cov_params().to_numpy()
    want = bread @ (res.scores.T @ res.scores).to_numpy() @ bread
    np.testing.assert_allclose(robust.cov_params(), want, rtol=1e-6, atol=1e-12)
    assert robust.of_outcome("b").group_shares["std err"][1] != res.of_outcome("b").group_shares["std err"][1]


def test_simulated_people_are_of_their_groups():
    drawn = fitted().simulate(rng=1)
    groups = drawn.groupby(["id", "outcome"])["group"].first().unstack()
    assert set(groups["a"].dropna()) == {1, 2, 3}
    assert set(groups["b"].dropna()) == {1, 2}
    share = pd.crosstab(groups["a"], groups["b"], normalize="index").to_numpy().ravel()
    np.testing.assert_allclose(share, fitted().transitions()["estimate"], atol=0.12)


@pytest.mark.filterwarnings("ignore:Nobody of group")
def test_an_empty_pair_is_named():
    few = DATA[DATA["id"] > 10]
    first, second = (fitted().assignment[c].to_numpy()[10:] for c in ("group1", "group2"))
    res = model(data=few[~((first == 1) & (second == 2))]).fit(n_starts=8)
    assert res.transitions().loc[(1, 2), "estimate"] < 1e-3
    assert any("Nobody of group 1 of a is in group 2 of b" in w for w in res.warnings)
    assert np.isnan(res.bse["theta2[2|1]"])
    assert res.transitions()["std err"].isna().tolist() == [True, True, False, False, False, False]
    test = res.independence()
    assert np.isnan(test.table.loc["Wald", "statistic"])
    assert test.table.loc["LR", "statistic"] > 50


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
def test_one_outcome_scores_new_people_by_its_own_groups():
    """With covariates of both sets: those of the second's do not enter the first's."""
    res = fitted("dual_risk")
    new = DATA.iloc[:6]
    alone = res.of_outcome("a").classify(new)["probability"].to_numpy().reshape(6, 3)
    unseen = new.assign(**dict.fromkeys(COLUMNS["b"], np.nan))
    pairs = res.classify(unseen)["probability"].to_numpy().reshape(6, 3, 2)
    np.testing.assert_allclose(alone, pairs.sum(axis=2), rtol=1e-9)
    second = res.of_outcome("b").classify(new)["probability"].to_numpy().reshape(6, 2)
    np.testing.assert_allclose(second.sum(axis=1), 1)


@pytest.mark.parametrize(("options", "code"), [
    ({"groups": [3, 2, 2]}, "bad_groups"), ({"groups": [3, 1]}, "bad_groups"),
    ({"groups": [3, 0]}, "bad_groups"), ({"refgroup2": 3}, "bad_refgroup2"),
    ({"groups": 3, "risk2": "z"}, "no_second_groups"), ({"groups": [3, 2], "link": "multi"}, "bad_groups"),
    ({"groups": 3, "link": "dul"}, "bad_link"), ({"risk2": "nowhere"}, "bad_formula"),
])
def test_what_is_no_dual_model_is_refused(options, code):
    with pytest.raises(gbtm.GBTMError) as caught:
        model(**options)
    assert caught.value.code == code


def test_two_numbers_of_groups_need_two_outcomes():
    with pytest.raises(SpecificationError, match="one outcome"):
        GBTM.from_formula("a ~ ta", DATA, id="id", groups=[3, 2], wide=WIDE_ONE)
    with pytest.raises(SpecificationError, match="outcomes are 3"):
        GBTM.from_formula(["a ~ ta", "b ~ tb", "c ~ tb"], DATA, id="id", groups=[3, 2])


WIDE_ONE = {"a": COLUMNS["a"], "ta": TIMES["a"]}


def test_link_dual_takes_one_number_for_both():
    m = model(groups=2, link="dual")
    assert m.spec.set_sizes == (2, 2)
    orders = [Outcome("a ~ ta", order=[1, 0, 1]), Outcome("b ~ tb", order=[1, 0], family="poisson")]
    assert GBTM.from_formula(orders, DATA, id="id", wide=WIDE, link="dual").spec.set_sizes == (3, 2)


@pytest.mark.parametrize("ask", [
    lambda res: res.group_set, lambda res: res.adequacy, lambda res: res.equal_curves(), lambda res: res.group_names,
])
def test_what_is_asked_of_one_set_of_groups_is_refused_of_two(ask):
    with pytest.raises(SpecificationError) as caught:
        ask(fitted())
    assert caught.value.code in ("two_group_sets", "several_outcomes")
    assert "of_outcome" in str(caught.value)


def test_the_summary_has_both_sets_and_the_table():
    text = str(fitted().summary())
    for line in ("Groups of a", "Groups of b", "Groups of b given those of a", "3 x 2", "theta2[2|1]"):
        assert line in text


def test_dropout_goes_with_the_first_outcome(tmp_path):
    from test_several_likelihoods import built

    m = built("dropout1", "poisson", dual=True)[0]
    res = m.fit(n_starts=2)
    assert {"drop0[1]", "drop1[2]"} <= set(res.names)
    assert res.of_outcome("y").dropout is not None
    assert res.of_outcome("v").dropout is None
    res.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(back.transitions(), res.transitions(), rtol=1e-12)
    assert "Drop0" in back.to_traj().text


def test_the_second_set_s_covariates_need_two_sets_as_arrays_too():
    with pytest.raises(SpecificationError) as caught:
        GBTM(DATA[COLUMNS["a"]], TIMES["a"], groups=2, risk2=DATA["z"])
    assert caught.value.code == "no_second_groups"
