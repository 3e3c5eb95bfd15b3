"""Effects common to all groups, against EM with one stacked design, numerical derivatives and constrained fits."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import gbtm
from gbtm.errors import SpecificationError
from gbtm.estimation.rearrange import copied, grown
from gbtm.model.nesting import embed
from gbtm.recipes.code import code_for
from gbtm.record.rebuild import layout_of, module_of

N, T, K = 150, 5, 3
SHAPES = [[0.0, 0.4], [2.2, -0.3], [4.4, 0.1]]


def _table():
    rng = np.random.default_rng(4)
    group, sex = rng.integers(0, K, N), rng.integers(0, 2, N)
    time, w = np.arange(T, dtype=float), rng.normal(size=(N, T))
    shape = np.array(SHAPES)[group]
    effect = 0.7 * sex[:, None] + 0.15 * sex[:, None] * time + 0.4 * w
    eta = shape[:, :1] + shape[:, 1:] * time + effect
    return pd.DataFrame({
        "id": np.repeat(np.arange(N), T), "t": np.tile(time, N), "sex": np.repeat(sex, T), "w": w.ravel(),
        "group": np.repeat(group, T), "y": (eta + 0.8 * rng.normal(size=eta.shape)).ravel(),
        "count": rng.poisson(np.exp(0.5 * eta - 0.6)).ravel().astype(float),
        "any": (rng.random(eta.shape) < expit(1.6 * (eta - 2.4))).ravel() * 1.0,
    })


DATA = _table()
OUTCOMES = {"normal": "y", "poisson": "count", "logit": "any"}


def model(family="normal", groups=K, order=1, common="~ sex * t + w", **options):
    return gbtm.GBTM.from_formula(
        f"{OUTCOMES[family]} ~ t", DATA, id="id", groups=groups, order=order, family=family, common=common, **options)


def fit(family="normal", groups=K, n_starts=4, **options):
    return model(family, groups, **options).fit(rng=0, n_starts=n_starts)


@pytest.fixture(scope="module")
def fits():
    return {family: fit(family) for family in OUTCOMES}


# -- an independent likelihood and EM -----------------------------------------------------------------------------


def stacked(groups, effects):
    """(K n, 2 K + q): each group's own constant and slope, and columns that all groups share."""
    t = DATA["t"].to_numpy()
    own = np.column_stack([np.ones(t.size), t])
    return np.vstack([np.hstack([np.kron(np.eye(groups)[g], own), effects]) for g in range(groups)])


def log_density(family, y, eta, sigma):
    if family == "normal":
        return stats.norm.logpdf(y, eta, sigma)
    return stats.poisson.logpmf(y, np.exp(eta)) if family == "poisson" else stats.bernoulli.logpmf(y, expit(eta))


def loglik(values, family, design, groups=K):
    """Of coefficients of the design, log sigma of the normal, logits of the shares."""
    y, q = DATA[OUTCOMES[family]].to_numpy(), design.shape[1]
    eta = (design @ values[:q]).reshape(groups, y.size)
    sigma = np.exp(values[q]) if family == "normal" else 1.0
    of_people = log_density(family, y, eta, sigma).reshape(groups, N, T).sum(axis=2)
    logits = np.append(0.0, values[q + (family == "normal") :])
    joint = of_people + (logits - np.logaddexp.reduce(logits))[:, None]
    return np.logaddexp.reduce(joint).sum(), np.exp(joint - np.logaddexp.reduce(joint))


def em(family, design, beta, groups=K, steps=3000):
    """EM, whose M-step is one weighted regression on the stacked design; of counts by weighted least squares again and
    again. From coefficients beta."""
    y = np.tile(DATA[OUTCOMES[family]].to_numpy(), groups)
    shares, sigma, before = np.full(groups, 1 / groups), 1.0, -np.inf
    for _ in range(steps):
        logits = np.log(shares[1:] / shares[0])
        values = np.concatenate([beta, [np.log(sigma)] if family == "normal" else [], logits])
        value, posterior = loglik(values, family, design, groups)
        if value - before < 1e-11:
            break
        before, weight = value, np.repeat(posterior, T, axis=1).ravel()
        shares = posterior.mean(axis=1)
        for _ in range(1 if family == "normal" else 2):
            eta = design @ beta
            if family == "normal":
                curvature, target = weight, y
            else:
                mean = np.exp(eta) if family == "poisson" else expit(eta)
                slope = mean if family == "poisson" else mean * (1 - mean)
                curvature, target = weight * slope, eta + (y - mean) / slope
            beta = np.linalg.solve(design.T @ (curvature[:, None] * design), design.T @ (curvature * target))
        if family == "normal":
            sigma = np.sqrt((weight * (y - design @ beta) ** 2).sum() / (N * T))
    return value, values


def effects_of(table=DATA):
    return np.column_stack([table["sex"], table["w"], table["sex"] * table["t"]])


NAMES = [f"{n}[{g}]" for g in range(1, K + 1) for n in ("intercept", "t")] + ["sex", "w", "sex:t"]


@pytest.mark.parametrize("family", OUTCOMES)
def test_estimates_are_those_of_em_with_one_stacked_design(fits, family):
    res, design = fits[family], stacked(K, effects_of())
    start = np.concatenate([np.ravel(SHAPES), [0.5, 0.3, 0.1]]) * (1.0 if family == "normal" else 0.5)
    start[0:6:2] += {"normal": 0.0, "poisson": -0.6, "logit": -1.5}[family]
    best, values = em(family, design, start)
    assert res.llf == pytest.approx(best, abs=1e-6)
    assert res.params[NAMES].to_numpy() == pytest.approx(values[: len(NAMES)], abs=1e-4)
    assert res.df_model == values.size == res.params.size
    assert res.bic == pytest.approx(-2 * best + values.size * np.log(N), abs=1e-5)


@pytest.mark.parametrize("family", OUTCOMES)
def test_standard_errors_are_those_of_a_numerical_hessian(fits, family):
    res, design = fits[family], stacked(K, effects_of())
    at = np.concatenate([res.params[NAMES], np.log(res.params.filter(like="sigma")), res.params.filter(like="theta")])
    step, size = 1e-4, at.size
    hessian = np.empty((size, size))
    for i, j in itertools.product(range(size), repeat=2):
        ends = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        v = [loglik(at + step * (a * np.eye(size)[i] + b * np.eye(size)[j]), family, design)[0] for a, b in ends]
        hessian[i, j] = (v[0] - v[1] - v[2] + v[3]) / (4 * step**2)
    cov = np.linalg.inv(-hessian)
    assert res.bse[NAMES].to_numpy() == pytest.approx(np.sqrt(np.diag(cov))[: len(NAMES)], rel=2e-4)
    at = NAMES.index("sex"), NAMES.index("sex:t")
    assert res.cov_params().loc["sex", "sex:t"] == pytest.approx(cov[at], rel=1e-3)


# -- the same as equalities that name the groups ------------------------------------------------------------------


def test_it_is_the_fit_whose_groups_are_constrained_to_equal_effects(fits):
    res = fits["normal"]
    equal = [f"{n}[1] = {n}[{g}]" for n in ("sex", "sex:t", "w") for g in (2, 3)]
    held = fit(common=None, tcov="~ sex * t + w", constraints=equal)
    assert res.llf == pytest.approx(held.llf, abs=1e-7)
    assert res.df_model == held.df_model
    for name in ("sex", "sex:t", "w"):
        assert res.params[name] == pytest.approx(held.params[f"{name}[2]"], abs=1e-6)
        assert res.bse[name] == pytest.approx(held.bse[f"{name}[2]"], rel=1e-6)


def test_the_slope_is_common_where_order_0_leaves_time_out_of_the_curves():
    res = fit(order=0, common="~ t")
    held = fit(order=1, common=None, constraints=["t[1] = t[2] = t[3]"])
    assert list(res.params.index[:4]) == ["intercept[1]", "intercept[2]", "intercept[3]", "t"]
    assert res.llf == pytest.approx(held.llf, abs=1e-7)
    assert res.params["t"] == pytest.approx(held.params["t[1]"], abs=1e-6)
    assert res.bse["t"] == pytest.approx(held.bse["t[3]"], rel=1e-6)
    # curves follow time between the waves and beyond them, and no sentence says that they are drawn at a mean of it
    at = [-2.0, 0.5, 9.0]
    wanted = held.predict(times=at)
    columns = ["estimate", "std err", "lower", "upper"]
    np.testing.assert_allclose(res.predict(times=at)[columns], wanted[columns], rtol=1e-5)
    assert "drawn at" not in res.summary().as_text()


def test_a_curvature_is_common_beside_slopes_of_their_own():
    res = fit(order=1, common="~ I(t ** 2) + sex")
    held = fit(order=2, common=None, tcov="sex", constraints=[
        "t^2[1] = t^2[2]", "t^2[1] = t^2[3]", "sex[1] = sex[2]", "sex[1] = sex[3]"])
    assert res.llf == pytest.approx(held.llf, abs=1e-7)
    assert res.params["I(t ** 2)"] == pytest.approx(held.params["t^2[1]"], abs=1e-6)
    np.testing.assert_allclose(
        res.predict(times=[0.25, 7.0])["estimate"], held.predict(times=[0.25, 7.0])["estimate"], rtol=1e-6)
    told = {"sex": 1.0, "I(t ** 2)": 0.25}
    np.testing.assert_allclose(res.predict(times=[0.5], tcov={"sex": 1.0})["estimate"],
                               res.predict(times=[0.5], tcov=told)["estimate"], rtol=1e-10)
    np.testing.assert_array_equal(res.predict(times=[0.5, 3], tcov=[1.0])["lower"],
                                  res.predict(times=[0.5, 3], tcov={"sex": 1.0})["lower"])
    with pytest.raises(SpecificationError, match="not values for the time-varying covariates"):
        res.predict(times=[0.5], tcov={"sex": np.nan})
    assert res.predict(times=[7.0], tcov={"sex": 0.0, "I(t ** 2)": 49.0})["estimate"].to_numpy() == pytest.approx(
        [res.params[f"intercept[{g}]"] + 7 * res.params[f"t[{g}]"] + 49 * res.params["I(t ** 2)"] for g in (1, 2, 3)])


# -- one group, and groups that change places --------------------------------------------------------------------


@pytest.mark.parametrize("family", OUTCOMES)
def test_with_one_group_common_and_own_effects_are_the_same(family):
    shared = fit(family, 1)
    own = fit(family, 1, common=None, tcov="~ sex * t + w")
    assert shared.llf == pytest.approx(own.llf, abs=1e-10)
    own.params.index = own.bse.index = [n if n == "sigma" or n[0] in "it" else n[:-3] for n in own.params.index]
    assert list(shared.params.index[:2]) == list(own.params.index[:2])
    np.testing.assert_allclose(shared.params[own.params.index], own.params, atol=1e-8)
    np.testing.assert_allclose(shared.bse[own.bse.index], own.bse, rtol=1e-6)


def test_groups_that_change_places_leave_the_likelihood_and_the_common_effects(fits):
    res = fits["normal"]
    layout, module, flat = layout_of(res), module_of(res), res.internal.params
    for order in itertools.permutations(range(K)):
        moved = layout.permute(flat, np.array(order))
        assert float(module.total_loglik(module.flat()[None] * 0 + module.flat().new_tensor(moved))[0].detach()) == (
            pytest.approx(res.llf, abs=1e-9))
        there, here = (dict(zip(layout.names, layout.report(x), strict=True)) for x in (moved, flat))
        assert there["sex"] == here["sex"]
        assert there["t[1]"] == pytest.approx(here[f"t[{order[0] + 1}]"])


def test_groups_keep_no_numbers_and_are_sorted_as_without_common_effects(fits):
    spec = fits["normal"].spec
    assert len({spec.group_key(g) for g in range(K)}) == 1
    levels = [fits["normal"].params[f"intercept[{g}]"] for g in (1, 2, 3)]
    assert levels == sorted(levels)
    # from parameters whose groups stand in another order
    start = fits["normal"].params.copy()
    for n in ("intercept", "t"):
        start[f"{n}[1]"], start[f"{n}[3]"] = start[f"{n}[3]"], start[f"{n}[1]"]
    again = model().fit(start=start)
    np.testing.assert_allclose(again.params[NAMES], fits["normal"].params[NAMES], atol=1e-5)


def test_a_group_copied_or_added_leaves_the_likelihood(fits):
    res, rng = fits["normal"], np.random.default_rng(0)
    layout, module = layout_of(res), module_of(res)
    of = lambda m, flat: float(m.total_loglik(m.flat().new_tensor(flat)[None])[0].detach())  # noqa: E731
    twice = copied(layout, res.internal.params, 0, 1)
    assert layout.report(twice)[NAMES.index("sex")] == pytest.approx(res.params["sex"])
    larger = model(groups=K + 1)
    starts = grown(larger.layout, layout, res.internal.params, rng, exact=True)
    assert max(of(larger.module(), s) for s in starts[::3]) == pytest.approx(res.llf, abs=0.2)
    # a rate of zero takes no effects
    never = model("poisson", 2, order=[-1, 1]).layout
    assert (never.index[0]["mean"][0] == never.size).all()
    assert never.names[:2] == ["intercept[2]", "t[2]"]
    assert module.layout.names == list(res.params.index)


def test_a_smaller_model_lies_in_a_larger_one(fits):
    of = lambda m, flat: float(m.module().total_loglik(m.module().flat().new_tensor(flat)[None])[0].detach())  # noqa: E731
    own = model(common=None, tcov="~ sex * t + w")
    small, flat = layout_of(fits["normal"]), fits["normal"].internal.params
    for larger in (own, model(common="w", tcov="~ sex * t"), model(order=2), model(groups=4)):
        starts = embed(small, flat, larger.layout)
        assert len(starts)
        assert of(larger, starts[0]) == pytest.approx(fits["normal"].llf, abs=1e-7)
    # of one group the effects are of all groups in any case
    one = fit(groups=1, common=None, tcov="~ sex * t + w")
    start = embed(layout_of(one), one.internal.params, model().layout)[0]
    assert of(model(), start) == pytest.approx(one.llf, abs=1e-7)
    assert len(embed(own.layout, np.zeros(own.layout.size), model().layout)) == 0


def test_reported_coefficients_and_their_derivatives_are_each_other_s_inverse():
    layout = model(common="~ sex + t:w", tcov="w", order=[0, 1, 2]).layout
    flat = np.random.default_rng(1).normal(size=layout.size)
    np.testing.assert_allclose(layout.unreport(layout.report(flat)), flat, atol=1e-12)
    steps = 1e-6 * np.eye(layout.size)
    slopes = [(layout.report(flat + s) - layout.report(flat - s)) / 2e-6 for s in steps]
    np.testing.assert_allclose(layout.report_jacobian(flat), np.transpose(slopes), atol=1e-7)


# -- tests, tables, files ------------------------------------------------------------------------------------------


def test_one_name_serves_intervals_tests_and_tables(fits):
    res = fits["normal"]
    low, high = res.conf_int().loc["sex"]
    assert (low, high) == pytest.approx((res.params["sex"] - 1.959964 * res.bse["sex"],
                                         res.params["sex"] + 1.959964 * res.bse["sex"]), rel=1e-6)
    assert res.wald_test("sex = 0").statistic == pytest.approx((res.params["sex"] / res.bse["sex"]) ** 2)
    text = res.summary().as_text()
    assert text.index("Group 3") < text.index("All groups") < text.index("sex ") < text.index("sigma")
    assert text.count("\nsex:t ") == 1
    printed = res.to_traj().text
    assert printed.index(" 3       Intercept") < printed.index("sex ") < printed.index("Sigma")
    table = gbtm.to_table(res)
    assert "All groups" in table
    assert res.traj_names[6:9] == ["sex", "w", "sex:t"]


def test_likelihood_ratio_of_common_against_own_effects(fits):
    res, own = fits["normal"], fit(common=None, tcov="~ sex * t + w")
    test = own.compare_lr_test(res)
    assert test.df == 3 * (K - 1)
    assert test.statistic == pytest.approx(2 * (own.llf - res.llf))
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, test.df))
    mixed = fit(common="w", tcov="~ sex * t")
    assert own.compare_lr_test(mixed).df == K - 1
    assert mixed.compare_lr_test(res).df == 2 * (K - 1)
    assert res.compare_lr_test(fit(common="w")).df == 2
    for larger, smaller in ((res, own), (res, fit(common=None, tcov="w"))):
        with pytest.raises(SpecificationError, match="is not the larger model"):
            larger.compare_lr_test(smaller)


def test_constraints_name_a_common_effect_and_leave_the_groups_alone(fits):
    held = fit(constraints=["sex = 0.5", "w > 0"])
    assert held.params["sex"] == pytest.approx(0.5)
    assert held.bse["sex"] == 0
    assert held.df_model == fits["normal"].df_model - 1
    assert len({held.spec.group_key(g) for g in range(K)}) == 1
    assert fits["normal"].compare_lr_test(fit(constraints=["sex = 0.5"])).df == 1


def test_files_keep_them_and_code_asks_for_them(fits, tmp_path):
    res = fit(tcov="w", common="~ sex * t")
    res.save(tmp_path / "fit.json")
    back = gbtm.load(tmp_path / "fit.json")
    assert back.spec == res.spec
    assert back.spec.outcomes[0].common == ("sex", "sex:t")
    np.testing.assert_array_equal(back.params, res.params)
    new = DATA[DATA["id"] < 20]
    scored = back.classify(new)["probability"].to_numpy().reshape(-1, K)
    np.testing.assert_allclose(scored, res.posterior.to_numpy()[:20], atol=1e-9)
    DATA.to_csv(tmp_path / "data.csv", index=False)
    code = code_for(res, "Python", str(tmp_path / "data.csv"))
    assert 'tcov="w", common="~ sex * t"' in code
    space: dict = {}
    exec(code.replace("print(res.summary())", ""), space)
    assert space["res"].llf == pytest.approx(res.llf, abs=1e-8)
    assert "common = ~ sex * t" in code_for(res, "R")
    assert "one coefficient for all groups" in code_for(res, "Stata")
    profile = fit(order=0, common="~ t")
    profile.save(tmp_path / "time.json")
    again = gbtm.load(tmp_path / "time.json")
    np.testing.assert_array_equal(again.predict(times=[12.5])["estimate"], profile.predict(times=[12.5])["estimate"])


# -- with other parts ------------------------------------------------------------------------------------------------


def test_each_of_several_outcomes_has_common_effects_of_its_own():
    outcomes = [gbtm.Outcome("y ~ t", order=1, common="~ sex + w"),
                gbtm.Outcome("count ~ t", order=1, family="poisson", common="sex")]
    res = gbtm.GBTM.from_formula(outcomes, DATA, id="id", groups=2).fit(rng=0, n_starts=4)
    own = [gbtm.Outcome("y ~ t", order=1, tcov="~ sex + w"),
           gbtm.Outcome("count ~ t", order=1, family="poisson", tcov="sex")]
    equal = ["y: sex[1] = y: sex[2]", "y: w[1] = y: w[2]", "count: sex[1] = count: sex[2]"]
    held = gbtm.GBTM.from_formula(own, DATA, id="id", groups=2, constraints=equal).fit(rng=0, n_starts=4)
    assert res.llf == pytest.approx(held.llf, abs=1e-7)
    assert res.params["count: sex"] == pytest.approx(held.params["count: sex[1]"], abs=1e-6)
    assert list(res.of_outcome("count").params.index) == [
        "intercept[1]", "t[1]", "intercept[2]", "t[2]", "sex", "theta[2]"]
    assert 'common="~ sex + w"' in code_for(res, "Python")


def test_a_dual_model_has_common_effects_within_each_set_of_groups():
    def dual(argument, **more):
        outcomes = [gbtm.Outcome("y ~ t", order=1, **{argument: "sex"}),
                    gbtm.Outcome("count ~ t", order=0, family="poisson", **{argument: "~ sex + w"})]
        return gbtm.GBTM.from_formula(outcomes, DATA, id="id", groups=[3, 2], **more).fit(rng=0, n_starts=4)

    res = dual("common")
    equal = ["y: sex[1] = y: sex[2] = y: sex[3]", "count: sex[1] = count: sex[2]", "count: w[1] = count: w[2]"]
    held = dual("tcov", constraints=equal)
    assert res.llf == pytest.approx(held.llf, abs=1e-6)
    assert res.params["y: sex"] == pytest.approx(held.params["y: sex[3]"], abs=1e-5)
    assert "count: w" in res.params.index
    assert "all groups" in res.summary().as_text()


def test_people_on_disk_have_the_estimates_of_people_in_memory(tmp_path):
    rounded = DATA.assign(w=DATA["w"].round())
    rounded.to_parquet(tmp_path / "long.parquet")
    arguments = dict(id="id", groups=2, order=1, tcov="w", common="~ C(sex) * t")
    memory = gbtm.GBTM.from_formula("y ~ t", rounded.assign(sex=rounded["sex"]), **arguments).fit(rng=0, n_starts=3)
    disk = gbtm.GBTM.from_formula(
        "y ~ t", str(tmp_path / "long.parquet"), **{**arguments, "common": "~ sex"}).fit(rng=0, n_starts=3)
    plain = gbtm.GBTM.from_formula("y ~ t", rounded, **{**arguments, "common": "~ sex"}).fit(rng=0, n_starts=3)
    np.testing.assert_allclose(disk.params, plain.params, rtol=1e-6)
    assert list(disk.params.index) == list(plain.params.index)
    assert "C(sex)[T.1]:t" in memory.params.index


def test_search_cross_validation_and_bootstrap(fits):
    found = gbtm.search("y ~ t", DATA, id="id", groups=[1, 2, 3], order=1, common="~ sex * t + w", rng=0)
    loglik = found.table["loglik"]
    assert loglik["3: 1 1 1"] == pytest.approx(fits["normal"].llf, abs=1e-6)
    assert found.table["params"]["2: 1 1"] == 2 * 2 + 3 + 1 + 1
    assert (np.diff(loglik[["1: 1", "2: 1 1", "3: 1 1 1"]]) > 0).all()
    without, shared = (
        gbtm.cross_validate(model(groups=2, common=c), folds=3, rng=0, n_starts=2) for c in (None, "~ sex * t + w"))
    assert shared.loglik > without.loglik + 20
    boot = gbtm.bootstrap(fits["normal"], n=20, rng=1, n_starts=2)
    table = boot.summary()
    assert table.loc["sex", "std err"] == pytest.approx(fits["normal"].bse["sex"], rel=0.6)
    # the labels of the groups are matched, so that levels stay apart
    assert table.loc["intercept[3]", "lower"] > table.loc["intercept[1]", "upper"]


def test_new_outcomes_are_drawn_with_the_effects(fits):
    drawn = fits["normal"].simulate(rng=2)
    drawn = DATA.drop(columns="y").merge(drawn[["id", "t", "y"]], on=["id", "t"])
    again = gbtm.GBTM.from_formula(
        "y ~ t", drawn, id="id", groups=K, order=1, common="~ sex * t + w").fit(rng=0, n_starts=3)
    for name in ("sex", "w", "sex:t"):
        assert abs(again.params[name] - fits["normal"].params[name]) < 4 * again.bse[name]


def test_forecasts_take_the_effects_of_the_waves_to_come(fits):
    res = fit(common="~ sex * t", tcov="w")
    past, future = DATA[DATA["t"] < 4].query("id < 10"), DATA[DATA["t"] == 4].query("id < 10")
    told = res.forecast(past, future=future.drop(columns="y"))
    weight = res.classify(past)["probability"].to_numpy().reshape(-1, K)
    b, row = res.params, future.reset_index(drop=True)
    mean = sum(
        weight[:, g - 1] * (b[f"intercept[{g}]"] + 4 * b[f"t[{g}]"] + b[f"w[{g}]"] * row["w"] + b["sex"] * row["sex"]
                            + 4 * b["sex:t"] * row["sex"]) for g in (1, 2, 3))
    np.testing.assert_allclose(told.table["mean"], mean, rtol=1e-8)


def test_what_does_not_go_together_is_refused():
    with pytest.raises(SpecificationError, match="common: does not go with curves of hidden units"):
        model(order=None, curve=gbtm.Network(2))
    with pytest.raises(SpecificationError, match="common: two parameters would be called 'sigma'"):
        gbtm.GBTM.from_formula("y ~ t", DATA.assign(sigma=DATA["w"]), id="id", groups=2, common="sigma")
    with pytest.raises(SpecificationError, match="common: sex, half and the other columns are linearly dependent"):
        gbtm.GBTM.from_formula("y ~ t", DATA.assign(half=DATA["sex"] / 2), id="id", groups=2, common="~ sex + half")
