"""Constraints on parameters, against the fits of reduced designs and likelihoods written out and climbed by scipy."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import gbtm
from gbtm.errors import SpecificationError
from gbtm.estimation.labellings import labellings
from gbtm.recipes.code import code_for
from gbtm.specification.constraint_text import label_classes


def long(y, time, name="y"):
    n, waves = y.shape
    return pd.DataFrame({"id": np.repeat(np.arange(n), waves), "t": np.tile(time, n), name: y.ravel()})


@pytest.fixture(scope="module")
def normal():
    """Three groups, of which the flat one is neither the lowest nor the highest."""
    rng = np.random.default_rng(1)
    time = np.linspace(-1, 1, 5)
    group = np.repeat([0, 1, 2], [50, 40, 30])
    curves = np.stack([-1.5 + 0.5 * time, 0 * time, 1.5 + 0.6 * time])
    sd = np.array([0.5, 0.7, 0.6])
    return long(curves[group] + sd[group, None] * rng.standard_normal((120, 5)), time)


@pytest.fixture(scope="module")
def counts():
    rng = np.random.default_rng(2)
    time = np.linspace(-1, 1, 6)
    group = np.repeat([0, 1], 60)
    rates = np.exp(np.stack([0.2 + 0.4 * time, 1.6 + 0.4 * time]))
    return long(rng.poisson(rates[group]).astype(float), time)


def fitted(data, groups=2, order=1, **options):
    how = {k: options.pop(k) for k in ("n_starts", "start", "cov_type") if k in options}
    return gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=groups, order=order, **options).fit(rng=0, **how)


def loglik(data, log_density, shares):
    """sum_i log sum_k pi_k prod_t f_k(y_it), of log densities (K, N T)."""
    by_person = log_density.reshape(len(shares), data["id"].nunique(), -1).sum(axis=2)
    return np.logaddexp.reduce(by_person + np.log(shares)[:, None]).sum()


def climbed(minus, start):
    """The maximum, where it is, and standard errors by central differences of the likelihood."""
    done = optimize.minimize(minus, start, method="BFGS", options={"gtol": 1e-9})
    fine = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}
    done = optimize.minimize(minus, done.x, method="Nelder-Mead", options=fine)
    step, size = 2e-4, len(start)
    hessian = np.empty((size, size))
    for i, j in itertools.product(range(size), repeat=2):
        signs = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
        values = [minus(done.x + step * (a * np.eye(size)[i] + b * np.eye(size)[j])) for a, b in signs]
        hessian[i, j] = (values[0] - values[1] - values[2] + values[3]) / (4 * step**2)
    return -done.fun, done.x, np.linalg.inv(hessian)


def test_coefficients_at_zero_are_a_lower_order_and_the_best_labels_are_found(normal):
    held = fitted(normal, 3, 1, constraints=["t[1] = 0"], n_starts=12)
    reduced = fitted(normal, 3, [0, 1, 1], n_starts=12)
    assert held.llf == pytest.approx(reduced.llf, abs=1e-7)
    assert held.df_model == reduced.df_model
    assert held.params["t[1]"] == 0
    assert held.bse["t[1]"] == 0
    same = list(reduced.params.index)
    assert held.params[same].to_numpy() == pytest.approx(reduced.params.to_numpy(), abs=1e-6)
    assert held.bse[same].to_numpy() == pytest.approx(reduced.bse.to_numpy(), rel=1e-6)
    assert held.bic == pytest.approx(reduced.bic, abs=1e-6)
    # the flat group keeps its number, and the others stand lowest first
    assert abs(held.params["intercept[1]"]) < 0.3
    assert held.params["intercept[2]"] < held.params["intercept[3]"]


@pytest.mark.parametrize(("family", "iorder"), [("logit", None), ("zip", 0)])
def test_other_families_with_a_coefficient_at_zero(counts, family, iorder):
    data = counts if family == "zip" else counts.assign(y=(counts["y"] > 2).astype(float))
    options = {} if iorder is None else {"iorder": iorder}
    held = fitted(data, 2, 1, family=family, constraints="t[2] = 0", n_starts=12, **options)
    reduced = fitted(data, 2, [1, 0], family=family, n_starts=12, **options)
    assert held.llf == pytest.approx(reduced.llf, abs=1e-7)
    same = list(reduced.params.index)
    assert held.params[same].to_numpy() == pytest.approx(reduced.params.to_numpy(), abs=1e-5)
    assert held.bse[same].to_numpy() == pytest.approx(reduced.bse.to_numpy(), rel=1e-5)


def test_equal_slopes_against_scipy(counts):
    res = fitted(counts, family="poisson", constraints=["t[1] = t[2]"])
    t, y = counts["t"].to_numpy(), counts["y"].to_numpy()

    def minus(x):
        shares = np.exp([0, x[3]]) / np.exp([0, x[3]]).sum()
        rate = np.exp(np.stack([x[0] + x[2] * t, x[1] + x[2] * t]))
        return -loglik(counts, stats.poisson.logpmf(y, rate), shares)

    best, at, cov = climbed(minus, np.array([0.1, 1.5, 0.1, 0.1]))
    assert res.llf == pytest.approx(best, abs=1e-6)
    places = [0, 2, 1, 2, 3]
    assert res.params.to_numpy() == pytest.approx(at[places], abs=1e-4)
    assert res.cov_params().to_numpy() == pytest.approx(cov[np.ix_(places, places)], rel=2e-3, abs=1e-6)
    assert res.df_model == 4


def test_a_ratio_of_sigmas_and_a_sum_of_coefficients_against_scipy(normal):
    data = normal[normal["id"] < 90]
    told = ["sigma[1] = 0.8 * sigma[2]", "intercept[1] + 2 * t[1] = -0.5"]
    res = fitted(data, sigma_by_group=True, constraints=told, n_starts=12)
    t, y = data["t"].to_numpy(), data["y"].to_numpy()

    def minus(x):
        shares = np.exp([0, x[4]]) / np.exp([0, x[4]]).sum()
        mean = np.stack([-0.5 - 2 * x[0] + x[0] * t, x[1] + x[2] * t])
        sd = np.array([0.8 * x[3], x[3]])
        return np.inf if x[3] <= 0 else -loglik(data, stats.norm.logpdf(y, mean, sd[:, None]), shares)

    assert res.params["sigma[1]"] == pytest.approx(0.8 * res.params["sigma[2]"], rel=1e-12)
    assert res.params["intercept[1]"] + 2 * res.params["t[1]"] == pytest.approx(-0.5, abs=1e-12)
    names = ["t[1]", "intercept[2]", "t[2]", "sigma[2]", "theta[2]"]
    best, at, cov = climbed(minus, res.params[names].to_numpy() + 0.02)
    assert res.llf == pytest.approx(best, abs=1e-6)
    assert res.params[names].to_numpy() == pytest.approx(at, abs=1e-4)
    assert res.bse[names].to_numpy() == pytest.approx(np.sqrt(np.diag(cov)), rel=2e-3)
    # delta method through the map
    assert res.bse["intercept[1]"] == pytest.approx(2 * res.bse["t[1]"], rel=1e-9)


def test_equal_sigmas_are_the_common_one(normal):
    apart = fitted(normal, 3, 1, sigma_by_group=True, constraints="sigma[1] = sigma[2] = sigma[3]", n_starts=12)
    common = fitted(normal, 3, 1, n_starts=12)
    assert apart.llf == pytest.approx(common.llf, abs=1e-8)
    assert apart.params["sigma[2]"] == pytest.approx(common.params["sigma"], rel=1e-7)
    assert apart.bse["sigma[2]"] == pytest.approx(common.bse["sigma"], rel=1e-6)
    # said of all groups alike: they stand lowest first
    assert apart.params.filter(like="intercept").is_monotonic_increasing
    for kind in ("robust", "HC3", "traj"):
        own, other = (f.with_cov_type(kind).bse["t[3]"] for f in (apart, common))
        assert own == pytest.approx(other, rel=1e-6)


def test_bounds_that_hold_anyway_and_bounds_that_bite(normal):
    free = fitted(normal, 3, 1, n_starts=12)
    loose = fitted(normal, 3, 1, constraints=["t[1] > 0", "sigma < 5"], n_starts=12)
    assert loose.llf == pytest.approx(free.llf, abs=1e-8)
    assert loose.bse.to_numpy() == pytest.approx(free.bse.to_numpy(), rel=1e-6)
    assert loose.constraints.at_bound == ()
    tight = fitted(normal, 3, 1, constraints=["sigma < 0.5"], n_starts=12)
    held = fitted(normal, 3, 1, constraints=["sigma = 0.5"], n_starts=12)
    assert tight.llf == pytest.approx(held.llf, abs=1e-7)
    assert tight.bse.to_numpy() == pytest.approx(held.bse.to_numpy(), abs=1e-8)
    assert tight.constraints.at_bound == ("sigma < 0.5",)
    assert "at_constraint" in [f.code for f in tight.findings]
    assert (tight.df_model, held.df_model) == (9, 8)
    assert "at bound" in str(tight.summary())
    assert "fixed" in str(held.summary())


def test_several_bounds_against_scipy(normal):
    """Bounds that cross: one of them is left again on the way, whichever comes first."""
    data = normal[normal["id"] < 50]
    told = ["intercept[1] + t[1] > -0.9", "intercept[1] - t[1] > -2", "t[1] < 0.7"]
    res = fitted(data, 1, 1, constraints=told)
    t, y = data["t"].to_numpy(), data["y"].to_numpy()
    done = optimize.minimize(
        lambda x: -stats.norm.logpdf(y, x[0] + x[1] * t, x[2]).sum(), [-1.0, 0.3, 0.5], method="SLSQP",
        bounds=[(None, None), (None, 0.7), (0.01, None)], options={"ftol": 1e-13},
        constraints=[{"type": "ineq", "fun": lambda x: x[0] + x[1] + 0.9},
                     {"type": "ineq", "fun": lambda x: x[0] - x[1] + 2}])
    assert res.llf == pytest.approx(-done.fun, abs=1e-6)
    assert res.params.to_numpy() == pytest.approx(done.x, abs=1e-4)
    assert res.converged


def test_the_best_of_all_labels_under_a_bound(normal):
    """t[1] < -0.1: the group that it costs least is found, whichever number it had."""
    res = fitted(normal, 3, 1, constraints=["t[1] < -0.1"], n_starts=12)
    free = fitted(normal, 3, 1, n_starts=12)
    ends = []
    for g in (1, 2, 3):
        order = [g, *(k for k in (1, 2, 3) if k != g)]
        start = np.concatenate([
            np.ravel([[free.params[f"intercept[{k}]"], free.params[f"t[{k}]"]] for k in order]), [free.params["sigma"]],
            np.log(free.group_shares["share"][order[1:]].to_numpy() / free.group_shares["share"][order[0]])])
        ends.append(fitted(normal, 3, 1, constraints=["t[1] = -0.1"], start=start).llf)
    assert res.llf == pytest.approx(max(ends), abs=1e-6)


def test_splitting_waves_into_two_outcomes_of_equal_parameters(normal):
    """Two outcomes whose parameters are all equal are one outcome."""
    early = normal["t"] < 0.1
    first, second = normal[early], normal[~early].rename(columns={"y": "z"})
    table = pd.concat([first, second])
    names = [*(f"{c}[{g}]" for g in (1, 2, 3) for c in ("intercept", "t")), "sigma"]
    told = [f"y: {n} = z: {n}, same units" for n in names]
    both = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], table, id="id", groups=3, order=1, constraints=told)
    res, one = both.fit(rng=0, n_starts=12), fitted(normal, 3, 1, n_starts=12)
    assert res.llf == pytest.approx(one.llf, abs=1e-6)
    assert res.df_model == one.df_model
    for n in names:
        assert res.params[f"z: {n}"] == pytest.approx(one.params[n], abs=1e-5)
        assert res.bse[f"y: {n}"] == pytest.approx(one.bse[n], rel=1e-4)
    assert res.params["theta[3]"] == pytest.approx(one.params["theta[3]"], abs=1e-5)


def test_sigma_common_to_outcomes_only_in_the_same_units(normal):
    rng = np.random.default_rng(3)
    data = normal.assign(z=normal["y"] + rng.normal(size=len(normal)), n=rng.poisson(2.0, len(normal)))

    def fit(told, *formulas, **options):
        outcomes = [gbtm.Outcome(f, order=0, **options.get(f[0], {})) for f in formulas]
        return gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2, constraints=told).fit(rng=0, n_starts=2)

    res = fit("sigma = common, same units", "y ~ t", "z ~ t")
    assert res.params["y: sigma"] == pytest.approx(res.params["z: sigma"], rel=1e-12)
    assert res.df_model == len(res.params) - 1
    # at the maximum the common variance is the mean of both outcomes' posterior-weighted squares
    post = res.posterior.to_numpy()[np.searchsorted(res.ids, data["id"])]
    squares = [
        sum(post[:, g] @ (data[n].to_numpy() - res.params[f"{n}: intercept[{g + 1}]"]) ** 2 for g in (0, 1))
        for n in ("y", "z")]
    assert res.params["y: sigma"] ** 2 == pytest.approx(sum(squares) / (2 * len(data)), rel=1e-6)

    def code(*arguments, **options):
        with pytest.raises(SpecificationError) as caught:
            fit(*arguments, **options)
        return caught.value.code

    assert code("sigma = common", "y ~ t", "z ~ t") == "other_units"
    assert code("y: sigma = z: sigma", "y ~ t", "z ~ t") == "other_units"
    bounded = {"family": "cnorm", "min": -9, "max": 9}
    assert code("sigma = common, same units", "y ~ t", "z ~ t", z=bounded) == "other_units"
    assert code("sigma = common, same units", "y ~ t", "z ~ t", y={**bounded, "max": 8}, z=bounded) == "other_units"
    assert code("y: intercept[1] = n: intercept[1]", "y ~ t", "n ~ t", n={"family": "poisson"}) == "other_units"
    assert code("psi = common", "y ~ t", "z ~ t") == "bad_constraint"
    both = fit("sigma = common", "y ~ t", "z ~ t", y=bounded, z=bounded)  # one scale: the same floor and ceiling
    assert both.params["y: sigma"] == pytest.approx(both.params["z: sigma"], rel=1e-12)


@pytest.mark.parametrize(("told", "code", "said"), [
    ("time[1] = 0", "unknown_parameter", "intercept[1]"),
    ("t[4] = 0", "unknown_parameter", "t[3]"),
    (["t[1] = 0", "t[1] = 1"], "contradictory", "t[1] = 1"),
    (["t[1] = t[2]", "t[2] = t[1]"], "redundant", "t[2] = t[1]"),
    (["t[1] > 0", "t[1] < -1"], "contradictory", "no room"),
    (["t[1] > 0", "t[1] > -1"], "redundant", "t[1] > -1"),
    (["t[1] = 0", "t[1] > 1"], "contradictory", "t[1] > 1"),
    ("t[1] = t[1]", "redundant", "for any"),
    ("t[1] * t[2] = 0", "not_linear", "linear"),
    ("sigma = t[1]", "not_linear", "logarithm"),
    ("sigma = -1", "bad_constraint", "positive"),
    ("t[1]", "bad_expression", "none of"),
    ("t[1] = ", "bad_expression", "cannot be read"),
    (3, "bad_constraint", "not text"),
    (["t[1] = 0", ""], "bad_constraint", "not text"),
])
def test_what_cannot_hold_is_refused_before_the_fit(normal, told, code, said):
    with pytest.raises(SpecificationError) as caught:
        gbtm.GBTM.from_formula("y ~ t", normal, id="id", groups=3, order=1, constraints=told)
    assert (caught.value.code, caught.value.argument) == (code, "constraints")
    assert said in str(caught.value)


def test_likelihood_ratio_and_wald_tests_of_constraints(normal):
    free = fitted(normal, 3, 1, n_starts=12)
    held = fitted(normal, 3, 1, constraints=["t[2] = 0"], n_starts=12)
    test = free.compare_lr_test(held)
    assert (test.df, test.statistic) == (1, pytest.approx(2 * (free.llf - held.llf)))
    assert test.pvalue == pytest.approx(stats.chi2.sf(test.statistic, 1))
    assert free.wald_test("t[2] = 0").statistic == pytest.approx(test.statistic, rel=0.2, abs=0.2)
    bounded = fitted(normal, 3, 1, constraints=["sigma < 0.5"], n_starts=12)
    half = free.compare_lr_test(bounded)
    assert half.pvalue == pytest.approx(0.5 * stats.chi2.sf(half.statistic, 1))
    assert "bound" in half.note
    edge = bounded.compare_lr_test(fitted(normal, 3, 1, constraints=["sigma = 0.5"], n_starts=12))
    assert (edge.statistic, edge.pvalue) == (pytest.approx(0, abs=1e-6), pytest.approx(1.0, abs=0.51))
    for larger, smaller in ((held, free), (held, fitted(normal, 3, 1, constraints=["sigma = 0.5"], n_starts=2))):
        with pytest.raises(SpecificationError, match="restricted"):
            larger.compare_lr_test(smaller)
    with pytest.raises(SpecificationError, match="constraints"):
        held.wald_test("t[2] = 0")


def test_a_fit_keeps_its_constraints(normal, tmp_path):
    res = fitted(normal, 3, 1, constraints=["t[1] = 0"], n_starts=4)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.spec.constraints == ("t[1] = 0",)
    assert again.df_model == res.df_model == len(res.params) - 1
    assert again.constraints == res.constraints
    assert "Constraints: t[1] = 0." in str(again.summary())
    low, high = res.conf_int().loc["t[1]"]
    assert low == high == 0
    assert np.isnan(res.pvalues["t[1]"])
    assert np.isfinite(res.predict(times=[0.0, 1.0])["std err"]).all()
    with pytest.raises(SpecificationError, match="constraints"):
        res.profile_int("intercept[1]")
    with pytest.raises(SpecificationError, match="constraints"):
        gbtm.blrt(res, n_max=19)
    with pytest.raises(SpecificationError, match="search"):
        gbtm.search("y ~ t", normal, id="id", groups=[1, 2], order=1, constraints=["t[1] = 0"])
    draws = gbtm.bootstrap(res, n=3, rng=0)
    assert (draws.params["t[1]"] == 0).all()


def test_dual_models_have_constraints(counts, normal):
    z = normal[normal["id"] < 90].rename(columns={"y": "z"})
    outcomes = [gbtm.Outcome("y ~ t", data=counts[counts["id"] < 90], family="poisson", order=1),
                gbtm.Outcome("z ~ t", data=z, order=1)]
    told = ["y: t[1] = y: t[2]", "z: t[2] = 0"]
    res = gbtm.GBTM.from_formula(outcomes, id="id", groups=[2, 2], constraints=told).fit(rng=0, n_starts=4)
    assert res.params["y: t[1]"] == pytest.approx(res.params["y: t[2]"], abs=1e-12)
    assert res.params["z: t[2]"] == 0
    assert res.df_model == len(res.params) - 2
    reduced = gbtm.GBTM.from_formula(
        [outcomes[0], gbtm.Outcome("z ~ t", data=z, order=[1, 0])], id="id", groups=[2, 2],
        constraints=["y: t[1] = y: t[2]"]).fit(rng=0, n_starts=4)
    assert res.llf == pytest.approx(reduced.llf, abs=1e-6)
    with pytest.raises(SpecificationError, match="constraints"):
        res.independence()


def test_which_groups_constraints_tell_apart():
    assert label_classes(("t[1] = 0",), 3, 0) == (1, 0, 0)
    assert label_classes(("s[1] = s[2]", "s[2] = s[3]"), 4, 0) == (1, 1, 1, 0)
    assert label_classes(("s[1] < s[2]",), 2, 0) == (1, 2)
    assert label_classes(("t[1] = 0", "t[2] = 0"), 3, 0) == (1, 1, 0)
    assert label_classes(("theta[2] = 0",), 3, 0) == (1, 2, 0)
    assert label_classes(("s = 2",), 2, 0) == (0, 0)


def test_each_labelling_is_tried_once(normal):
    def orders(told, order=1, groups=4):
        layout = gbtm.GBTM.from_formula("y ~ t", normal, id="id", groups=groups, order=order, constraints=told).layout
        return labellings(layout).tolist()

    assert orders("t[1] = 0")[0] == [0, 1, 2, 3]
    assert sorted(o[0] for o in orders("t[1] = 0")) == [0, 1, 2, 3]
    assert len(orders(["t[1] = 0", "t[2] = 1"])) == 12
    assert len(orders(["t[1] = t[2]"])) == 6
    assert orders(["t[1] = t[2] = t[3] = t[4]"]) == [[0, 1, 2, 3]]
    assert sorted(o[0] for o in orders("t[1] = 0", [1, 1, 2, 2])) == [0, 1]


def test_a_sound_fit_is_not_called_weak(normal):
    """The parabola is looked at within the constraints: outside them the likelihood has no maximum here."""
    held = fitted(normal, 3, 1, constraints=["t[1] = 0"], n_starts=4)
    reduced = fitted(normal, 3, [0, 1, 1], n_starts=4)
    assert [f.code for f in held.findings] == [f.code for f in reduced.findings]
    assert "weak_fit" not in [f.code for f in held.findings]


def test_a_fit_is_asked_for_again_in_all_languages(normal):
    res = fitted(normal, 3, 1, constraints=["t[1] = 0", "t[2] > 0"], n_starts=2)
    python, r, stata = (" ".join(code_for(res, language).split()) for language in ("Python", "R", "Stata"))
    assert "constraints=['t[1] = 0', 't[2] > 0']" in python.replace('"', "'")
    assert 'constraints = c("t[1] = 0", "t[2] > 0")' in r
    assert "lacks constraints (t[1] = 0; t[2] > 0)" in stata
    table = normal.assign(z=normal["y"] + np.tile([0.4, -0.4], 300))
    both = gbtm.GBTM.from_formula(
        ["y ~ t", "z ~ t"], table, id="id", groups=2, order=0, constraints="sigma = common, same units").fit(n_starts=2)
    python, r, stata = (" ".join(code_for(both, language).split()) for language in ("Python", "R", "Stata"))
    assert "sigma = common, same units" in python
    assert 'constraints = c("sigma = common, same units")' in r
    assert "lacks constraints" in stata


def test_people_on_disk_have_the_digits_of_memory(normal, tmp_path):
    normal.to_parquet(tmp_path / "people.parquet")
    told = {"constraints": ["t[1] = 0", "t[2] > 0.55"], "n_starts": 6}
    here, there = (fitted(d, 3, 1, **told) for d in (normal, str(tmp_path / "people.parquet")))
    assert there.llf == pytest.approx(here.llf, abs=1e-8)
    assert there.params.to_numpy() == pytest.approx(here.params.to_numpy(), abs=1e-6)
    assert there.bse.to_numpy() == pytest.approx(here.bse.to_numpy(), rel=1e-5)
    assert there.constraints == here.constraints


@pytest.mark.parametrize(("options", "told", "of"), [
    ({"ar1": True, "rho_by_group": True}, "rho[1] = rho[2]", {"ar1": True}),
    ({"family": "cnorm", "min": -2, "sigma_by_group": True, "censor_beyond": True}, "sigma[1] = sigma[2]",
     {"family": "cnorm", "min": -2, "censor_beyond": True}),
])
def test_scale_parameters_of_a_kind_are_the_common_one(normal, options, told, of):
    data = normal[normal["id"].between(30, 109)]
    held, common = fitted(data, constraints=told, n_starts=4, **options), fitted(data, n_starts=4, **of)
    assert held.llf == pytest.approx(common.llf, abs=1e-6)
    assert held.df_model == common.df_model


def test_bounds_of_traj_commands(normal):
    wide = normal.pivot(index="id", columns="t", values="y")
    wide.columns = [f"y{j}" for j in range(1, 6)]
    for j, t in enumerate(sorted(normal["t"].unique()), start=1):
        wide[f"t{j}"] = t
    text = "traj, var(y1-y5) indep(t1-t5) model(cnorm) order(1 1 1) min(-99) max(99)"
    bounded = gbtm.traj(f"{text} upper(. . . . . . 0.5) lower(. . . . . . 0.1)", wide)
    assert bounded.spec.constraints == ("sigma > 0.1", "sigma < 0.5")
    assert bounded.llf == pytest.approx(fitted(normal, 3, 1, constraints="sigma = 0.5", n_starts=6).llf, abs=1e-6)
    assert "Constraints: sigma > 0.1; sigma < 0.5." in bounded.to_traj().text
    lo = [*[np.nan] * 3, 0.0, *[np.nan] * 3]
    named = gbtm.traj(f"{text} lower(lo) upper(lo)", wide, matrices={"lo": lo})
    assert named.spec.constraints == ("time[2] = 0.0",)
    with pytest.raises(gbtm.errors.CommandError, match=r"lower\(\): 2 numbers"):
        gbtm.traj(f"{text} lower(1 2)", wide)
    with pytest.warns(gbtm.errors.GBTMWarning, match=r"lower\(lo\): no matrix"):
        gbtm.traj(f"{text} lower(lo)", wide, n_starts=1)


@pytest.fixture(scope="module")
def four_levels():
    rng = np.random.default_rng(4)
    group = np.arange(80) % 2
    return long(1.0 + rng.binomial(3, np.where(group, 0.7, 0.3)[:, None], (80, 4)), np.arange(4.0))


@pytest.mark.parametrize("told", [
    ["cut2 = -1"], ["cut2 < 0"], ["cut2 = 0"], ["cut3 < cut2"], ["cut2 = 3", "cut3 = 2"], ["cut3 = 0.5 * cut2"],
    ["cut2 > 2", "cut3 < 1"], ["cut2 + cut3 = 0"],
])
def test_cut_points_that_cannot_rise_are_refused(four_levels, told):
    """Out of order they have no likelihood: a fit ended at -2e15 with a table."""
    with pytest.raises(SpecificationError, match="cut points rise from 0") as caught:
        fitted(four_levels, family="ordinal", constraints=told)
    assert caught.value.code == "bad_constraint"


def test_cut_points_that_rise_are_held(four_levels):
    free = fitted(four_levels, family="ordinal")
    held = fitted(four_levels, family="ordinal", constraints=["cut2 = 1", "cut3 = 2 * cut2"])
    assert held.params[["cut2", "cut3"]].tolist() == pytest.approx([1.0, 2.0])
    assert held.llf < free.llf
