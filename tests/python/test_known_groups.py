"""People whose group is known: against separate regressions, an EM written out here, and identities."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch
from scipy.special import logsumexp
from scipy.stats import norm

import gbtm
from gbtm.data.known_groups import group_classes, group_weights, largest_known
from gbtm.errors import DataError, SpecificationError
from gbtm.likelihood.derivatives import posterior_gradient, subject_scores
from gbtm.likelihood.mixture import Mixture
from gbtm.recipes.code import code_for
from gbtm.specification.constraint_text import label_classes

WAVES = 6


def made(n=150, seed=0):
    """Long data of three groups that overlap, of which group 3 is the lowest, and each person's group 0, 1, 2."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, size=n, p=[0.5, 0.3, 0.2])
    t = np.tile(np.arange(WAVES) / (WAVES - 1), n)
    who = np.repeat(np.arange(n), WAVES)
    mean = np.array([2.0, 1.0, 0.0])[group][who] + np.array([-0.5, 0.5, 1.0])[group][who] * t
    y = mean + np.array([0.8, 1.0, 1.2])[group][who] * rng.standard_normal(who.size)
    return pd.DataFrame({"id": who, "t": t, "y": y, "true": group[who] + 1.0}), group


def told(data, share, seed=1):
    """The data with the group of some in a column ``known``."""
    some = np.random.default_rng(seed).random(data["id"].nunique()) < share
    return data.assign(known=data["true"].where(some[data["id"]]))


def fit(data, **options):
    given = {"id": "id", "groups": 3, "order": 1, "family": "normal", "sigma_by_group": True}
    return gbtm.GBTM.from_formula("y ~ t", data, **{**given, **options}).fit(rng=0)


def em(data, m, group):
    """EM of sum_k pi_k m_ik f_ik with normal lines, from the true groups; log-likelihood, coefficients, posteriors."""
    n = len(m)
    x = np.column_stack([np.ones(WAVES), data["t"].to_numpy()[:WAVES]])
    y = data["y"].to_numpy().reshape(n, WAVES)
    p, before = np.eye(3)[group], -np.inf
    for _ in range(20_000):
        pi = p.mean(axis=0)
        b = np.stack([np.linalg.lstsq(x, (p[:, k] @ y) / p[:, k].sum(), rcond=None)[0] for k in range(3)])
        s = np.sqrt([(p[:, k] @ ((y - x @ b[k]) ** 2)).sum() / (WAVES * p[:, k].sum()) for k in range(3)])
        with np.errstate(divide="ignore"):
            joint = np.stack([norm.logpdf(y, x @ b[k], s[k]).sum(axis=1) + np.log(pi[k]) for k in range(3)], axis=1)
            joint = joint + np.log(m)
        total = logsumexp(joint, axis=1)
        p = np.exp(joint - total[:, None])
        if total.sum() - before < 1e-12:
            break
        before = total.sum()
    return total.sum(), b, p


def weights_of(known):
    """m (N, 3) of numbers, NaN for not known."""
    m = (known[:, None] == np.array([1.0, 2.0, 3.0])).astype(float)
    m[np.isnan(known)] = 1.0
    return m


def test_when_all_are_known_the_fit_is_separate_regressions_and_a_multinomial():
    data, group = made()
    res = fit(data, known="true")
    total = np.log(np.bincount(group)[group] / group.size).sum()
    for k in range(3):
        mine = data[data["true"] == k + 1]
        ols = sm.OLS(mine["y"], sm.add_constant(mine["t"])).fit()
        total += ols.llf
        variance = ols.ssr / len(mine)  # of maximum likelihood
        se = np.sqrt(np.diag(ols.normalized_cov_params) * variance)
        for at, name in enumerate(("intercept", "t")):
            assert res.params[f"{name}[{k + 1}]"] == pytest.approx(ols.params.iloc[at], abs=1e-8)
            assert res.bse[f"{name}[{k + 1}]"] == pytest.approx(se[at], rel=1e-6)
        assert res.params[f"sigma[{k + 1}]"] == pytest.approx(np.sqrt(variance), rel=1e-8)
        assert res.bse[f"sigma[{k + 1}]"] == pytest.approx(np.sqrt(variance / (2 * len(mine))), rel=1e-6)
    assert res.llf == pytest.approx(total, abs=1e-7)
    share = np.bincount(group) / group.size
    assert np.allclose(res.group_shares["share"], share, atol=1e-9)
    assert np.allclose(res.group_shares["std err"], np.sqrt(share * (1 - share) / group.size), rtol=1e-6)
    assert np.array_equal(res.posterior.to_numpy(), np.eye(3)[group])


def test_some_known_against_em():
    data, group = made()
    data = told(data, 0.3)
    known = data["known"].to_numpy()[::WAVES]
    res = fit(data, known="known")
    loglik, b, p = em(data, weights_of(known), group)
    assert res.llf == pytest.approx(loglik, abs=1e-6)
    assert np.allclose(res.params[["intercept[1]", "t[1]", "intercept[3]", "t[3]"]], [*b[0], *b[2]], atol=1e-4)
    assert np.allclose(res.posterior.to_numpy(), p, atol=1e-4)
    is_known = ~np.isnan(known)
    assert np.array_equal(res.posterior.to_numpy()[is_known], np.eye(3)[group[is_known]])
    assert b[0, 0] > b[2, 0]  # not in the order of their levels


def test_training_weights_against_em():
    data, group = made()
    rng = np.random.default_rng(3)
    m = np.where(np.eye(3)[group] == 1, 1.0, rng.choice([0.0, 0.3, 1.0], size=(group.size, 3)))
    columns = {f"m{k + 1}": np.repeat(m[:, k], WAVES) for k in range(3)}
    res = fit(data.assign(**columns), known=list(columns))
    loglik, _, p = em(data, m, group)
    assert res.llf == pytest.approx(loglik, abs=1e-6)
    assert np.allclose(res.posterior.to_numpy(), p, atol=1e-4)
    assert res.posterior.to_numpy()[m == 0].max() == 0


def test_standard_errors_are_those_of_the_likelihood_by_differences():
    data, _ = made(80)
    model = gbtm.GBTM.from_formula("y ~ t", told(data, 0.4), id="id", groups=3, order=1, known="known")
    res = model.fit(rng=0)
    module = Mixture(model.layout, model.panel)
    at = torch.as_tensor(res.internal.params)
    hessian = torch.autograd.functional.hessian(lambda x: module.loglik(x[None])[0], at)
    assert np.allclose(np.linalg.inv(-hessian.numpy()), res.internal.cov, rtol=1e-6, atol=1e-10)


def test_when_nobody_is_known_the_fit_is_the_same_to_the_bit():
    data, _ = made()
    plain = fit(data)
    for known in ({"known": "none"}, {"known": ["a", "b", "c"]}):
        res = fit(data.assign(none=np.nan, a=1, b=1, c=1), **known)
        assert np.array_equal(res.params, plain.params)
        assert np.array_equal(res.cov_params(), plain.cov_params())
        assert res.llf == plain.llf


def test_equal_weights_for_everybody_cost_their_log_and_change_nothing_else():
    data, group = made()
    plain = fit(data, groups=2)
    res = fit(data.assign(a=0.5, b=0.5), groups=2, known=["a", "b"])
    assert res.llf == pytest.approx(plain.llf + group.size * np.log(0.5), abs=1e-9)
    assert np.allclose(res.params, plain.params, atol=1e-6)
    assert np.allclose(res.bse, plain.bse, rtol=1e-5)


def test_the_order_of_people_does_not_matter():
    data, _ = made()
    data = told(data, 0.3)
    res = fit(data, known="known")
    order = np.random.default_rng(0).permutation(data["id"].nunique())
    other = fit(pd.concat([data[data["id"] == i] for i in order]), known="known")
    assert other.llf == pytest.approx(res.llf, abs=1e-8)
    assert np.allclose(other.posterior.loc[res.ids], res.posterior, atol=1e-5)


def test_identical_people_of_whom_one_is_known_stay_apart():
    rng = np.random.default_rng(0)
    y = (rng.random((300, 4)) < np.where(np.arange(300) < 150, 0.2, 0.8)[:, None]).astype(float)
    known = np.full(300, np.nan)
    known[:40], known[260:] = 2, 1
    plain = gbtm.GBTM(y, np.arange(4), groups=2, order=1, family="logit")
    model = gbtm.GBTM(y, np.arange(4), groups=2, order=1, family="logit", known=known)
    assert plain.module().n_distinct < model.module().n_distinct < 60
    res = model.fit(rng=0)
    assert (res.posterior.to_numpy()[:40, 1] == 1).all()
    assert (res.posterior.to_numpy()[260:, 0] == 1).all()
    module = model.module()
    module.set_flat(res.internal.params)
    assert module.batch(np.arange(300))().sum().item() == pytest.approx(res.llf, abs=1e-8)


def test_arrays_and_tables_are_the_same():
    data, _ = made()
    data = told(data, 0.3)
    y = data["y"].to_numpy().reshape(-1, WAVES)
    known = data["known"].to_numpy()[::WAVES]
    one = fit(data, known="known")
    options = {"groups": 3, "order": 1, "sigma_by_group": True}
    for given in (known, weights_of(known), pd.Series(known)):
        other = gbtm.GBTM(y, data["t"].to_numpy()[:WAVES], **options, known=given).fit(rng=0)
        assert other.llf == pytest.approx(one.llf, abs=1e-8)
        assert np.allclose(other.params, one.params, atol=1e-5)


def test_groups_keep_their_numbers_whatever_starts_and_seeds():
    data, _ = made()
    data = told(data, 0.15)
    res = fit(data, known="known")
    for seed in (1, 2):
        again = gbtm.GBTM.from_formula(
            "y ~ t", data, id="id", groups=3, order=1, sigma_by_group=True, known="known").fit(rng=seed)
        assert again.llf == pytest.approx(res.llf, abs=1e-6)
        assert np.allclose(again.params, res.params, atol=1e-4)
    # a start whose groups have other numbers is put right
    other = res.params[["intercept[3]", "t[3]", "intercept[2]", "t[2]", "intercept[1]", "t[1]", "sigma[3]", "sigma[2]",
                        "sigma[1]", "theta[2]", "theta[3]"]].to_numpy().copy()
    other[-2:] = [other[-2] - other[-1], -other[-1]]
    started = gbtm.GBTM.from_formula(
        "y ~ t", data, id="id", groups=3, order=1, sigma_by_group=True, known="known").fit(rng=0, start=other)
    assert started.llf == pytest.approx(res.llf, abs=1e-6)


def test_groups_of_which_nobody_is_known_go_by_their_level():
    data, group = made()
    lowest = pd.Series(np.where(group == 2, 2.0, np.nan))  # the lowest is to be group 2, of the others nobody is known
    res = fit(data.assign(known=data["id"].map(lowest)), known="known")
    start = res.params[["intercept[1]", "intercept[2]", "intercept[3]"]].to_numpy()
    assert start[1] < start[0] < start[2]


def test_weights_and_constraints_tell_groups_apart_together():
    assert group_classes(group_weights(np.array([[1.0], [np.nan]]), 3)) == (1, 0, 0)
    assert group_classes(np.array([[0.5, 0.5], [0.2, 0.2]])) == ()
    assert len(set(label_classes(("t[2] = 0",), 3, 0, False, (1, 0, 0)))) == 3


def test_many_people_are_searched_on_some_and_take_their_numbers():
    data, _ = made(4000, seed=4)
    data = told(data, 0.002)  # of the 2000 on whom starts are tried hardly any is known
    res = fit(data, known="known")
    assert "tried on a random 2000 subjects" in res.search.sentence
    intercepts = res.params[["intercept[1]", "intercept[2]", "intercept[3]"]].to_numpy()
    assert np.argsort(intercepts).tolist() == [2, 1, 0]


@pytest.mark.parametrize(("known", "says"), [
    ([4.0, 1, np.nan], "1 person has a group that is none of the 3 of the model (id a: 4)"),
    ([0.0, 1.5, np.nan], "2 people have a group that is none of the 3 of the model (id a: 0, b: 1.5)"),
    ([[0.0, 0, 0], [1, 1, 1], [1, 1, 1]], "a weight of 0 for all groups (id a)"),
    ([[1.2, 0, 0], [1, 1, 1], [1, 1, 1]], "weights outside 0 to 1 (id a)"),
    ([[np.nan, 0, 1], [1, 1, 1], [1, 1, 1]], "a weight for some groups only (id a)"),
    ([[1.0, 0], [1, 1], [1, 1]], "2 columns of weights for 3 groups"),
])
def test_what_cannot_be_is_refused_with_the_people(known, says):
    y = np.random.default_rng(0).standard_normal((12, 4))
    known = np.concatenate([np.array(known)] + [np.array(known)[2:]] * 9)
    with pytest.raises(DataError, match="known") as error:
        gbtm.GBTM(y, np.arange(4), id=list("abcdefghijkl"), groups=3, order=0, known=known)
    assert error.value.code == "bad_known"
    assert says in str(error.value)


def test_one_group_and_conflicting_rows():
    data, _ = made(30)
    with pytest.raises(DataError, match="a group that is none of the 1 of the model"):
        fit(data, known="true", groups=1)
    data.loc[3, "true"] = data.loc[3, "true"] % 3 + 1
    with pytest.raises(DataError, match="true: differs between the rows of 1 subjects") as error:
        fit(data, known="true")
    assert error.value.code == "not_constant"


def test_several_outcomes_share_groups_of_which_some_are_known():
    data, group = made()
    rng = np.random.default_rng(5)
    data = told(data, 0.3).assign(z=data["y"] * 0 + rng.standard_normal(len(data)) + 0.7 * data["true"])
    res = gbtm.GBTM.from_formula(
        ["y ~ t", "z ~ t"], data, id="id", groups=3, order=1, known="known").fit(rng=0)
    known = ~np.isnan(data["known"].to_numpy()[::WAVES])
    assert np.array_equal(res.posterior.to_numpy()[known], np.eye(3)[group[known]])
    assert 'known="known"' in code_for(res, "Python")
    assert 'known = "known"' in code_for(res, "R")
    part = res.of_outcome("z")
    assert np.array_equal(part.posterior.to_numpy()[known], np.eye(3)[group[known]])


def test_a_saved_fit_knows_whose_group_is_known(tmp_path):
    data, _ = made()
    data = told(data, 0.3)
    res = fit(data, known="known")
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.spec == res.spec
    assert len(set(again.spec.known_classes)) == 3
    assert np.array_equal(again.known_groups, res.known_groups, equal_nan=True)
    from gbtm.record.rebuild import module_of, prepared_of

    assert module_of(again)().sum().item() == pytest.approx(res.llf, abs=1e-8)
    assert gbtm.GBTM.from_prepared(prepared_of(again)).fit(rng=0).llf == pytest.approx(res.llf, abs=1e-7)
    plain = fit(data)
    assert "known_groups" not in plain.document
    assert "known" not in plain.document["inputs"]["design"]


def test_new_people_and_people_held_out_are_told_their_groups_by_their_outcomes():
    data, _ = made()
    data = told(data, 0.3)
    res = fit(data, known="known")
    new = data.drop(columns=["known", "true"])
    b = res.params[[f"{name}[{k}]" for k in (1, 2, 3) for name in ("intercept", "t")]].to_numpy().reshape(3, 2)
    sd = res.params[[f"sigma[{k}]" for k in (1, 2, 3)]].to_numpy()
    y = data["y"].to_numpy().reshape(-1, WAVES)
    curves = b[:, :1] + b[:, 1:] * data["t"].to_numpy()[:WAVES]
    joint = norm.logpdf(y[:, None], curves, sd[:, None]).sum(axis=2) + np.log(res.group_shares["share"].to_numpy())
    expected = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    assert np.allclose(res.classify(new)["probability"].to_numpy().reshape(-1, 3), expected, atol=1e-9)
    out = data.assign(out=(data["id"] < 10).astype(float))
    held = fit(out, known="known", out_of_sample="out")
    rows = held.out_of_sample.to_numpy()
    assert len(rows) == 10
    assert rows.max() < 1


def test_what_is_said_of_known_people_and_on_whom_adequacy_is_judged():
    data, group = made()
    data = told(data, 0.3)
    res = fit(data, known="known")
    known = ~np.isnan(data["known"].to_numpy()[::WAVES])
    counts = np.bincount(group[known], minlength=3)
    said = f"The group of {known.sum()} of 150 subjects is known: {counts[0]} in group 1"
    assert said in str(res.summary())
    assert said in res.to_traj().text
    p = res.posterior.to_numpy()[~known]
    entropy = 1 + np.sum(p * np.log(np.maximum(p, 1e-300))) / (len(p) * np.log(3))
    note = res.adequacy.attrs["notes"][-1]
    assert f"of all 150 subjects, also of the {known.sum()} whose group is known" in note
    assert f"Of the other {len(p)} relative entropy is {entropy:.2f} and AvePP " in note
    assert f"{p[p.argmax(1) == 0, 0].mean():.2f} in group 1" in note
    assert "known" not in str(fit(data).summary())


def test_the_code_of_a_fit_names_the_column():
    data, _ = made(60)
    res = fit(told(data, 0.5), known="known")
    assert 'known="known"' in code_for(res, "Python")
    assert 'known = "known"' in code_for(res, "R")
    assert "people whose group is known" in code_for(res, "Stata")
    weights = weights_of(told(data, 0.5)["known"].to_numpy())
    columns = {f"m{k}": weights[:, k - 1] for k in (1, 2, 3)}
    other = fit(data.assign(**columns), known=list(columns))
    assert 'known=["m1", "m2", "m3"]' in code_for(other, "Python")
    assert 'known = c("m1", "m2", "m3")' in code_for(other, "R")


def test_a_search_tries_numbers_that_have_the_known_groups():
    data, _ = made()
    known = told(data, 0.3)
    known["known"] = known["known"].where(known["known"] < 3)
    found = gbtm.search("y ~ t", known, id="id", groups=[2, 3], order=1, how="groups", known="known")
    assert sorted(f.n_groups for f in found.fits.values()) == [2, 3]
    three = next(f for f in found.fits.values() if f.n_groups == 3)
    assert three.llf == pytest.approx(fit(known, known="known", sigma_by_group=False).llf, abs=1e-6)
    assert len(set(three.spec.known_classes)) == 3
    for groups, how, says in (
        (3, "groups", "group 2 is among the known ones"), ([2, 3], "two_stage", "may change places"),
    ):
        with pytest.raises(SpecificationError, match=says):
            gbtm.search("y ~ t", known, id="id", groups=groups, order=1, how=how, known="known")


def test_resampled_and_simulated_people_keep_what_is_known_of_them():
    data, group = made(80)
    res = fit(told(data, 0.5), known="known")
    known = ~np.isnan(told(data, 0.5)["known"].to_numpy()[::WAVES])
    drawn = res.simulate(rng=1)
    assert np.array_equal(drawn["group"].to_numpy()[::WAVES][known], group[known] + 1)
    for kind in ("subjects", "parametric"):
        found = gbtm.bootstrap(res, n=6, kind=kind, rng=0)
        assert len(found.params) == 6
        assert found.crossed == 0
        gap = (found.params.mean() - res.params)[["intercept[1]", "intercept[3]"]]
        assert (gap.abs() < 0.5).all()
    assert np.isfinite(gbtm.cross_validate(res, folds=3).loglik)


def test_what_does_not_go_with_known_people_says_so():
    data, _ = made(60)
    data = told(data, 0.5)
    res = fit(data, known="known")
    plain = fit(data)
    for ask in (lambda: gbtm.blrt(res), lambda: gbtm.lmr(res),
                lambda: res.compare_lr_test(plain), lambda: gbtm.bootstrap(res, n=2, groups=[2, 3])):
        with pytest.raises(SpecificationError, match="known") as error:
            ask()
        assert error.value.code in ("no_known_here", "other_data")
    check = gbtm.ar1_check(res)
    assert any("known people are in groups of this model" in s for s in check.sentences)


def test_a_prior_membership_covariates_and_dropout_go_with_known_people():
    data, group = made()
    data = told(data, 0.3).assign(z=np.repeat(np.random.default_rng(0).standard_normal(150), WAVES))
    known = ~np.isnan(data["known"].to_numpy()[::WAVES])
    gone = data[~((data["id"] % 3 == 0) & (data["t"] > 0.7))]
    for options, table in (({"prior": "weak"}, data), ({"risk": "z"}, data), ({"dropout": 0}, gone),
                           ({"ar1": True}, data)):
        res = fit(table, known="known", **options)
        assert res.converged
        assert np.array_equal(res.posterior.to_numpy()[known], np.eye(3)[group[known]])
        assert np.isfinite(res.bse.drop("rho", errors="ignore")).all()  # times are not even


def test_training_by_batches():
    data, _ = made(300)
    data = told(data, 0.3)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=3, order=1, sigma_by_group=True, known="known")
    out = gbtm.train(model, batch_size=50, epochs=3, rng=0)
    assert out.res.llf == pytest.approx(model.fit(rng=0).llf, abs=1e-5)


def test_the_largest_known_group_does_not_mind_the_missing_value_of_r():
    missing = np.array([0x7FF00000000007A2], dtype=np.uint64).view(float)  # a signalling NaN
    known = np.concatenate([missing, [2.0], missing])[:, None]
    assert np.isnan(known[0, 0])
    assert largest_known(known) == 2
    assert np.array_equal(group_weights(known, 2), [[1, 1], [0, 1], [1, 1]])


def test_scores_of_people_and_probabilities_of_the_known_have_no_holes():
    data, group = made(60)
    data = told(data, 0.5)
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=3, order=1, known="known")
    res = model.fit(rng=0)
    module = Mixture(model.layout, model.panel)
    at = torch.as_tensor(res.internal.params)
    jacobian = torch.autograd.functional.jacobian(lambda x: module.subject_loglik(x[None])[0], at)
    scores = subject_scores(module, at)
    assert torch.allclose(scores, jacobian, atol=1e-8)
    bread, meat = res.internal.cov, scores.numpy().T @ scores.numpy()
    robust = model.fit(rng=0, start=res.params, cov_type="robust")
    assert np.allclose(robust.internal.cov, bread @ meat @ bread, rtol=1e-5, atol=1e-10)
    p, variance = posterior_gradient(module, at, torch.as_tensor(res.internal.cov))
    known = ~np.isnan(data["known"].to_numpy()[::WAVES])
    assert np.array_equal(p.numpy()[known], np.eye(3)[group[known]])
    assert (variance.numpy()[known] == 0).all()
    assert (variance.numpy()[~known] > 0).all()


@pytest.mark.parametrize("known", [1, {1: "k"}, ["k", 2], np.array([1.0])])
def test_what_names_no_columns_is_refused(known):
    data = told(made(30)[0], 0.5)
    with pytest.raises((SpecificationError, DataError)) as caught:
        fit(data, known=known)
    assert caught.value.argument == "known"
    assert caught.value.code in ("bad_known", "no_column")


def test_a_group_in_which_nobody_can_be_is_refused():
    data = made(30)[0].assign(all_one=1, a=1.0, b=0.0)
    for known, groups, said in (("all_one", 2, "group 2"), ("all_one", 3, "group 2"), (["a", "b"], 2, "group 2")):
        with pytest.raises(DataError, match=f"nobody who is fitted can be in {said}") as caught:
            fit(data, known=known, groups=groups)
        assert caught.value.code == "bad_known"
    data.loc[data.id == data.id.max(), ["all_one", "a", "b"]] = np.nan
    assert np.isfinite(fit(data, known="all_one").llf)
