"""Profile-likelihood intervals against likelihoods whose profile can be written down."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq, minimize
from scipy.special import log_expit, logsumexp, xlogy
from scipy.stats import chi2

import gbtm
from gbtm.inference.profile_likelihood import Profile
from gbtm.record.rebuild import module_of


def _one_group(family: str, y: np.ndarray, order: int = 0, waves: int = 4, **more):
    table = pd.DataFrame({"id": np.arange(y.size) // waves, "t": 1.0 * (np.arange(y.size) % waves), "y": y})
    return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=order, family=family, **more).fit(rng=0)


def _ends(loglik, at: float, half: float, low: float, high: float) -> tuple[float, float]:
    """Where a log-likelihood of one number has fallen by half from its maximum at ``at``."""
    top = loglik(at)
    return tuple(brentq(lambda c: top - loglik(c) - half, at, end, xtol=1e-13) for end in (low, high))


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(1)
    y = 2 + 0.5 * (np.arange(120) % 4) + rng.normal(0, 0.7, 120)
    return y, _one_group("normal", y, order=1)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_coefficients_of_a_regression(line, level):
    """max ll given b_j = c is -(n/2) log RSS(c) but for constants, and RSS(c) a parabola in c."""
    y, res = line
    x = np.column_stack([np.ones(y.size), np.arange(y.size) % 4])
    b, rss = np.linalg.lstsq(x, y, rcond=None)[:2]
    reach = np.sqrt(np.expm1(chi2.ppf(level, 1) / y.size) * rss[0] * np.diag(np.linalg.inv(x.T @ x)))
    for j, name in enumerate(["intercept[1]", "t[1]"]):
        np.testing.assert_allclose(res.profile_int(name, level), [b[j] - reach[j], b[j] + reach[j]], rtol=1e-7)


def test_sigma_of_a_regression(line):
    y, res = line
    x = np.column_stack([np.ones(y.size), np.arange(y.size) % 4])
    rss = np.linalg.lstsq(x, y, rcond=None)[1][0]
    at, half = np.sqrt(rss / y.size), chi2.ppf(0.95, 1) / 2
    want = _ends(lambda s: -y.size * np.log(s) - rss / (2 * s * s), at, half, 0.1, 9)
    np.testing.assert_allclose(res.profile_int("sigma"), want, rtol=1e-7)


def random_intercept_loglik(y, mean, sigma, tau):
    """Normal with variance sigma^2 and covariance tau^2 within a person, by the person's mean and spread."""
    n, waves = y.shape
    within, between = sigma**2, sigma**2 + waves * tau**2
    spread = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum()
    level = waves * ((y.mean(axis=1) - mean) ** 2).sum()
    return -0.5 * (n * waves * np.log(2 * np.pi) + n * (waves - 1) * np.log(within) + n * np.log(between)
                   + spread / within + level / between)


@pytest.mark.parametrize("tau", [0.0, 0.25, 1.0], ids=["none", "weak", "clear"])
def test_an_sd_of_random_effects_has_an_interval_from_0_where_none_is_not_ruled_out(tau):
    rng = np.random.default_rng(4)
    y = 3 + tau * rng.normal(size=40)[:, None] + rng.normal(size=(40, 4))
    res = gbtm.GBTM(y, np.arange(4), groups=1, order=0, rorder=0, family="normal").fit()

    def fallen(value):
        best = minimize(lambda p: -random_intercept_loglik(y, y.mean(), np.exp(p[0]), value), [0.0], method="BFGS")
        return res.llf + best.fun - chi2.ppf(0.95, 1) / 2

    low, high = res.profile_int("r0_sigma[1]")
    estimate = res.params["r0_sigma[1]"]
    assert high == pytest.approx(brentq(fallen, estimate, 5), abs=1e-5)
    if fallen(0.0) < 0:
        assert low == 0.0
    else:
        assert low == pytest.approx(brentq(fallen, 0, estimate), abs=1e-5)
    assert (low > 0) == (tau == 1.0)


def test_a_poisson_rate():
    y = np.random.default_rng(2).poisson(1.3, 60).astype(float)
    want = _ends(lambda c: y.sum() * c - y.size * np.exp(c), np.log(y.mean()), chi2.ppf(0.9, 1) / 2, -3, 3)
    np.testing.assert_allclose(_one_group("poisson", y).profile_int("intercept[1]", 0.9), want, rtol=1e-7)


def test_a_share_of_groups_that_do_not_overlap():
    """Who belongs where is plain, so that theta has the likelihood of a binomial logit."""
    rng = np.random.default_rng(3)
    y = np.repeat(np.where(np.arange(40) < 28, 0.0, 50.0), 4) + rng.normal(0, 0.5, 160)
    table = pd.DataFrame({"id": np.arange(160) // 4, "t": np.arange(160) % 4, "y": y})
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=0).fit(rng=0)

    def loglik(theta: float) -> float:
        p = 1 / (1 + np.exp(-theta))
        return float(xlogy(12, p) + xlogy(28, 1 - p))

    want = _ends(loglik, np.log(12 / 28), chi2.ppf(0.95, 1) / 2, -6, 4)
    np.testing.assert_allclose(res.profile_int("theta[2]"), want, rtol=1e-7)


def test_the_log_likelihood_at_the_ends_is_that_of_a_fit_with_the_parameter_held_there(line):
    """By an outcome from which the slope is taken away: what is left is fitted without one."""
    y, res = line
    t = np.arange(y.size) % 4
    for end in res.profile_int("t[1]"):
        held = _one_group("normal", y - end * t)
        assert 2 * (res.llf - held.llf) == pytest.approx(chi2.ppf(0.95, 1), abs=1e-6)


def test_no_bound_where_the_likelihood_never_falls():
    """Never a 1 in the data: no logit is too low."""
    with pytest.warns(gbtm.GBTMWarning):
        res = _one_group("logit", np.zeros(80))
    low, high = res.profile_int("intercept[1]")
    assert low == -np.inf
    # 80 zeros have the probability (1 - p)^80, whose supremum is 1
    p = -np.expm1(-chi2.ppf(0.95, 1) / 2 / 80)
    assert high == pytest.approx(np.log(p / (1 - p)), rel=1e-6)


def test_no_bound_where_most_values_on_the_way_overflow():
    """No events at time 0, so that the slope has no upper end; far out exp() is infinite but at the best intercepts.

    With S events at time 1 the largest log-likelihood given the slope s is S log expit(s), but for constants."""
    y = np.zeros(40)
    y[1::2] = np.random.default_rng(4).poisson(1.5, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = _one_group("poisson", y, order=1, waves=2)
    low, high = res.profile_int("t[1]")
    assert high == np.inf
    p = np.exp(-chi2.ppf(0.95, 1) / 2 / y.sum())
    assert low == pytest.approx(np.log(p / (1 - p)), rel=1e-5)


# -- two groups that overlap: nothing can be written down, but scipy can maximise --------------------------------------


@pytest.fixture(scope="module")
def overlapping():
    """A fit of two levels and one sigma, and its log-likelihood as a function of the reported parameters."""
    rng = np.random.default_rng(7)
    y = rng.normal(np.repeat([0.0, 2.0], [14, 10])[:, None], 1.0, (24, 3))
    res = gbtm.GBTM(y, range(3), groups=2, order=0).fit(rng=0, n_starts=4)

    def loglik(params):
        low, high, sigma, theta = params
        each = [-((y - mean) ** 2).sum(axis=1) / (2 * sigma**2) - 3 * np.log(sigma) for mean in (low, high)]
        joint = logsumexp([each[0] + log_expit(-theta), each[1] + log_expit(theta)], axis=0)
        return float(joint.sum() - y.size / 2 * np.log(2 * np.pi))

    assert loglik(res.params) == pytest.approx(res.llf, abs=1e-9)
    return res, loglik


def _held(loglik, params, j, value):
    """The largest log-likelihood with the j-th parameter held, by scipy."""
    rest = np.delete(params, j)
    return -minimize(lambda x: -loglik(np.insert(x, j, value)), rest, method="BFGS", options={"gtol": 1e-4}).fun


@pytest.mark.parametrize("name", ["intercept[1]", "intercept[2]", "sigma", "theta[2]"])
def test_ends_are_where_scipys_constrained_maximum_has_fallen_by_the_quantile(overlapping, name):
    res, loglik = overlapping
    params, j = res.params.to_numpy(), list(res.params.index).index(name)
    level = {"sigma": 0.8, "theta[2]": 0.95}.get(name, 0.9)
    ends = res.profile_int(name) if level == 0.95 else res.profile_int(name, level)
    assert ends[0] < params[j] < ends[1]
    for end in ends:
        assert 2 * (res.llf - _held(loglik, params, j, end)) == pytest.approx(chi2.ppf(level, 1), abs=1e-5)


def test_the_profile_is_the_constrained_maximum_wherever_it_was_before(overlapping):
    """In internal units: sigma by its logarithm, levels in sd of the outcome; at values visited in any order."""
    res, loglik = overlapping
    params, names = res.params.to_numpy(), list(res.params.index)
    for name, values in (("theta[2]", (-1.5, 1.0, 0.2)), ("sigma", (1.3, 0.8)), ("intercept[2]", (1.2, 2.6))):
        j = names.index(name)
        profile = Profile(module_of(res), j)
        assert profile.top == pytest.approx(res.llf, abs=1e-9)
        assert profile.reported(profile.centre) == pytest.approx(params[j], rel=1e-9)
        for value in values:
            flat = profile.layout.unreport(np.insert(np.delete(params, j), j, value))
            c = float(profile.direction @ flat)
            assert profile.reported(c) == pytest.approx(value, rel=1e-9)
            assert profile.at(c) == pytest.approx(_held(loglik, params, j, value), abs=1e-6)


def test_a_standard_error_is_the_unit_of_the_search(overlapping):
    """sqrt(d' I^-1 d), d the direction: that of the fit, for a parameter that is reported as it is."""
    res, _ = overlapping
    for j, name in enumerate(res.params.index):
        profile = Profile(module_of(res), j)
        inside = res.bse.iloc[j] / (res.params["sigma"] if name == "sigma" else 1.0)
        assert profile.unit == pytest.approx(inside, rel=1e-6)
        assert float(profile.direction @ profile.path) == pytest.approx(profile.unit**2, rel=1e-9)
        free = profile.free.numpy()
        np.testing.assert_allclose(free.T @ free, np.eye(3), atol=1e-12)
        np.testing.assert_allclose(free.T @ profile.direction, 0, atol=1e-12)


def test_refusals_in_full(overlapping):
    res, _ = overlapping
    with pytest.raises(gbtm.SpecificationError) as error:
        res.profile_int("slope")
    assert str(error.value) == (
        "parameter: 'slope' is not in the model. The parameters are intercept[1], intercept[2], sigma, theta[2].")
    with pytest.raises(gbtm.SpecificationError) as error:
        res.profile_int("sigma", 95)
    assert error.value.code == "bad_level"


def test_refusals(line):
    _, res = line
    with pytest.raises(gbtm.SpecificationError) as error:
        res.profile_int("slope")
    assert (error.value.code, error.value.argument) == ("unknown_parameter", "parameter")
    table = pd.DataFrame({"id": np.arange(40) // 4, "t": np.arange(40) % 4, "y": np.arange(40) % 7, "w": 1.0})
    weighted = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=1, order=0, weights="w").fit(rng=0)
    with pytest.raises(gbtm.SpecificationError) as error:
        weighted.profile_int("sigma")
    assert error.value.code == "weighted_profile"


# -- the search for an end ---------------------------------------------------------------------------------------------


class Curve(Profile):
    """A profile that is a formula of the parameter: how far the log-likelihood has fallen at a distance."""

    def __init__(self, fallen) -> None:
        self.centre, self.unit, self.top, self.limit, self.fallen = 0.0, 1.0, 0.0, np.inf, fallen

    def at(self, c: float, *, thorough: bool = False, strict: bool = False) -> float:
        return -float(self.fallen(abs(c)))

    def _without_bound(self, inside: float, c: float, far: float) -> bool:
        return False

    def _slope(self, c: float) -> float:
        return (self.fallen(abs(c + 1e-6)) - self.fallen(abs(c - 1e-6))) / 2e-6


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("middle", [11.0, 30.0, 60.0, 250.0])
def test_a_fall_between_two_steps_far_out_is_not_stepped_over(middle, side):
    """1.5 far out, and a hill a third as wide as its distance, of which the steps, each twice the last, see a side."""
    def fallen(c):
        return 1.5 * c**2 / (1 + c**2) + 0.6 * np.exp(-18 * (c / middle - 1) ** 2)

    half = chi2.ppf(0.95, 1) / 2
    end = Curve(fallen).end(side, half)
    assert side * end == pytest.approx(brentq(lambda c: fallen(c) - half, 1.0, middle), rel=1e-6)


def test_a_hill_below_the_limit_leaves_an_end_infinite():
    assert Curve(lambda c: 1.5 * c**2 / (1 + c**2) + 0.3 * np.exp(-18 * (c / 40 - 1) ** 2)).end(1.0, 1.92) == np.inf


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("above", [0.02, 0.3])
@pytest.mark.parametrize("meet", [0.7, 1.2, 1.7, 4.1])
def test_a_gap_where_one_maximum_overtakes_another_between_two_steps_is_not_stepped_over(meet, above, side):
    """One has fallen by half and some more where the other, which rises outwards, is as high."""
    half = chi2.ppf(0.95, 1) / 2

    def fallen(c):
        return min((half + above) * (c / meet) ** 2, max(half + above - 3 * (c - meet), 1.0))

    assert side * Curve(fallen).end(side, half) == pytest.approx(meet * np.sqrt(half / (half + above)), rel=1e-6)


@pytest.mark.parametrize("meet", [0.7, 1.2, 1.7, 4.1])
def test_where_maxima_meet_above_the_limit_there_is_no_end(meet):
    half = chi2.ppf(0.95, 1) / 2
    top = half - 0.02
    assert Curve(lambda c: min(top * (c / meet) ** 2, max(top - 3 * (c - meet), 1.0))).end(1.0, half) == np.inf


def test_groups_are_judged_again_where_a_climb_has_arrived(overlapping):
    """On its last steps a climb may exchange its groups. The next best one is taken then."""
    res, _ = overlapping
    profile = Profile(module_of(res), 3)
    # the parameter itself as it is; from the first there is nothing to climb, so that it is the higher one
    starts = profile.best + np.array([[0.0, 0.0, 0.0, 0.0], [0.9, -0.4, 0.3, 0.0]])
    seen = []

    def same(ends):
        seen.append(ends.copy())
        return np.array([len(seen) != 2, True])

    (value, flat), *_ = profile._climb(starts, same)
    assert len(seen) == 3
    np.testing.assert_allclose(flat, seen[2][1])
    assert value == pytest.approx(profile.top, abs=1e-9)
    seen.clear()
    assert profile._climb(starts[:1], lambda ends: same(ends)[:1]) == []
    assert len(seen) == 2


# -- fits that the data hardly determine, and parameters at infinity ---------------------------------------------------


WEAK_SLOW = ("intercept[1]", "intercept[2]", "theta[2]")


@pytest.fixture(scope="module")
def weak():
    from weak_data import weak_table

    return gbtm.GBTM.from_formula("y ~ t", weak_table(), id="id", groups=3, order=1, family="logit").fit(rng=0)


@pytest.fixture(scope="module")
def weak_written_out():
    from weak_data import COUNT, Y
    from weak_fits import Likelihood

    return Likelihood("logit", np.repeat(Y, COUNT.astype(int), axis=0))


@pytest.mark.parametrize("name", ["t[3]", *(pytest.param(n, marks=pytest.mark.slow) for n in WEAK_SLOW)])
def test_ends_of_a_weak_fit_hold_a_likelihood_that_another_climb_does_not_surpass(weak, weak_written_out, name):
    """At a finite end, by the log-likelihood written out: what holds it has fallen by the quantile to the digit, and
    scipy climbs no higher from there, nor along a grid from the estimates, in steps that leap over no gap: those land
    on the groups under other numbers. Where there is no end, what lies far out has fallen less."""
    from weak_fits import Held

    params, j = weak.params.to_numpy(), list(weak.params.index).index(name)
    half = chi2.ppf(0.95, 1) / 2
    held = Held(weak_written_out, j)
    profile = Profile(module_of(weak), j)
    for side, reported in zip((-1, 1), weak.profile_int(name), strict=True):
        end = profile.end(side, half)
        far = max(profile.maxima) if side == 1 else min(profile.maxima)
        there = profile.layout.report(profile.maxima[end if np.isfinite(end) else far][0][1])
        fallen = weak.llf - weak_written_out(there)[0]
        if np.isfinite(end):
            assert there[j] == pytest.approx(reported, rel=1e-6)
            assert fallen == pytest.approx(half, abs=1e-6)
            assert weak.llf - held.climb(there[j], there)[0] == pytest.approx(half, abs=1e-5)
            *_, (_, along) = held.along(params, np.linspace(params[j], reported, 25)[1:], weak.llf - half)
            assert weak.llf - along > half - 1e-4
        else:
            assert reported == end
            assert abs(there[j]) > 1e5
            assert fallen < half


def test_a_slope_that_runs_to_infinity_has_no_lower_end(weak, weak_written_out):
    """Which is seen at once: far out the log-likelihood written out is as high, and on the line that leads there."""
    from weak_fits import Held

    profile = Profile(module_of(weak), 1)
    assert profile.end(-1.0, chi2.ppf(0.95, 1) / 2) == -np.inf
    outermost, last = sorted(profile.maxima)[:2]
    assert last > -1e3
    assert outermost < -9e5
    out, near = (profile.layout.report(profile.maxima[c][0][1]) for c in (outermost, last))
    on_the_line = [weak_written_out(near + part * (out - near))[0] for part in np.geomspace(1e-6, 1, 60)]
    np.testing.assert_allclose(on_the_line, weak_written_out(near)[0], rtol=0, atol=2e-6)
    assert weak.llf - Held(weak_written_out, 1).climb(-1e4, weak.params.to_numpy())[0] < 0.01


@pytest.mark.slow
def test_a_rare_group_and_a_group_of_zeros():
    """Two groups of order 0: 60 people by their number of ones, and the conditional maximum by a grid and Brent."""
    rng = np.random.default_rng(16)
    group = np.repeat(rng.random(60) < 0.3, 6)
    table = pd.DataFrame({"id": np.repeat(np.arange(60), 6), "t": np.tile(np.arange(6.0), 60)})
    table["y"] = (rng.random(360) < np.where(group, 0.18, 0.01)).astype(int)
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=0, family="logit").fit(rng=0)
    ones = table.groupby("id")["y"].sum().to_numpy()

    def loglik(low, high, theta):
        each = [ones * log_expit(b) + (6 - ones) * log_expit(-b) for b in (low, high)]
        return float(logsumexp([each[0] + log_expit(-theta), each[1] + log_expit(theta)], axis=0).sum())

    def profile(j, value):
        grid = [(a, b) for a in (-30, -6, -4, -2, -1) for b in (-3, -1, 0, 2)]
        starts = sorted(grid, key=lambda x: -loglik(*np.insert(x, j, value)))[:6]
        return max(-minimize(lambda x: -loglik(*np.insert(x, j, value)), x0, method="Nelder-Mead",
                             options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}).fun for x0 in starts)

    half = chi2.ppf(0.95, 1) / 2
    ends = {name: res.profile_int(name) for name in res.params.index}
    assert ends["intercept[1]"][0] == -np.inf
    for j, name in enumerate(res.params.index):
        for end in ends[name]:
            if np.isfinite(end):
                assert res.llf - profile(j, end) == pytest.approx(half, abs=1e-4)


@pytest.mark.parametrize("sign", [1, pytest.param(-1, marks=pytest.mark.slow)])
def test_a_covariate_that_separates_has_one_end(sign):
    """Nobody with z is in group 1; all are in group 2 by their outcomes, so that theta is a logit of plain counts."""
    group = np.arange(60) % 2
    z = np.where((group == 1) & (np.arange(60) % 4 == 1), sign, 0)
    y = np.where(group == 1, 9.0, 0.0)[:, None] + np.random.default_rng(0).normal(0, 0.5, (60, 4))
    table = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "t": np.tile(np.arange(4), 60), "y": y.ravel(),
                          "z": np.repeat(z, 4)})
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=0, risk=["z"]).fit(rng=0)
    low, high = res.profile_int("theta_z[2]")
    finite, infinite = (low, high) if sign == 1 else (-high, -low)
    assert infinite == np.inf

    def loglik(slope):
        """15 of 45 in group 2 where z is 0, 15 of 15 where it is 1, at the best constant."""
        return -minimize(lambda a: -(15 * log_expit(a[0]) + 30 * log_expit(-a[0]) + 15 * log_expit(a[0] + slope)),
                         [0.0], method="BFGS", options={"gtol": 1e-9}).fun

    top = 15 * np.log(1 / 3) + 30 * np.log(2 / 3)
    assert top - loglik(finite) == pytest.approx(chi2.ppf(0.95, 1) / 2, abs=1e-5)


def test_well_separated_groups_keep_their_own_intervals():
    """The same curves under other numbers would give every slope the other group's values too."""
    rng = np.random.default_rng(5)
    t = np.tile(np.arange(5.0), 80)
    y = np.where(np.repeat(np.arange(80) < 48, 5), 0 + 0.1 * t, 5 + 0.3 * t) + rng.normal(0, 0.8, 400)
    table = pd.DataFrame({"id": np.arange(400) // 5, "t": t, "y": y})
    res = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(rng=0)
    for name in ("t[1]", "t[2]", "intercept[2]"):
        wald = res.params[name] + np.array([-1, 1]) * 1.96 * res.bse[name]
        np.testing.assert_allclose(res.profile_int(name), wald, atol=0.1 * res.bse[name])


# -- a fit that is not the best optimum --------------------------------------------------------------------------------


def test_a_profile_that_climbs_above_the_fit_says_by_how_much_and_where_from():
    """Three clusters for two groups: the middle one goes with either side, and one of the two is the better optimum."""
    rng = np.random.default_rng(21)
    y = np.repeat([0.0, 4.0, 8.0], [20, 14, 16])[:, None] + rng.normal(0, 1.0, (50, 4))
    model = gbtm.GBTM(y, range(4), groups=2, order=0)
    fits = [model.fit(start=start) for start in ([0, 6, 1.5, 0.4], [2, 8, 1.5, -0.7])]
    best, worse = sorted(fits, key=lambda res: -res.llf)
    assert best.llf > worse.llf + 0.1
    with pytest.warns(gbtm.GBTMWarning) as caught:
        worse.profile_int("theta[2]")
    text = next(str(w.message) for w in caught if "The profile of theta[2]" in str(w.message))
    assert f"a log-likelihood {best.llf - worse.llf:.3g} above the fit's: the fit is not the best optimum" in text
    values = [float(v) for v in text.split("at these values: ")[1].rstrip(".").split(", ")]
    again = model.fit(start=values)
    assert again.llf == pytest.approx(best.llf, abs=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("error", gbtm.GBTMWarning)
        best.profile_int("theta[2]")


# -- groups that change places -----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_gap_between_the_groups_and_the_same_groups_under_other_numbers_ends_an_interval():
    """theta[2] down to where group 3's is, the curves of both change places and the fit is as good as ever. Before, the
    log-likelihood that is followed outwards has fallen by more than the quantile."""
    from weak_fits import Held, Likelihood, long_table, simulated

    y, half = simulated("logit", 0), chi2.ppf(0.95, 1) / 2
    with pytest.warns(gbtm.GBTMWarning, match="the 95 % interval of its share reaches down to 0"):
        res = gbtm.GBTM.from_formula("y ~ t", long_table(y), id="id", groups=3, order=1, family="logit").fit(rng=0)
    low = res.profile_int("theta[2]", 0.95)[0]
    held = Held(Likelihood("logit", y), list(res.params.index).index("theta[2]"))
    *_, (at, there) = held.along(res.params.to_numpy(), np.linspace(res.params["theta[2]"], low, 9)[1:], res.llf - half)
    assert at == low
    assert res.llf - there == pytest.approx(half, abs=1e-4)


# -- weakly identified fits, simulated ---------------------------------------------------------------------------------


def _chain(profile, to: float, centre: np.ndarray, limit: float) -> list[list[np.ndarray]]:
    """The reported parameters (p,) of the maxima that the package has at the values from the estimates to another; but
    for values next to the last, among them those of the search for a root."""
    low, high = sorted((profile.centre, to))
    values, kept = sorted((c for c in profile.maxima if low <= c <= high), key=lambda c: -abs(c - profile.centre)), [to]
    for c in values[1:-1]:
        if abs(c - kept[-1]) > 0.05 * abs(to - profile.centre) or abs(c - kept[-1]) > 0.1 * abs(c - profile.centre):
            kept.append(c)
    return [[centre], *([profile.layout.report(flat) for loglik, flat in profile.maxima[c][:2]
                         if loglik > limit or flat is profile.maxima[c][0][1]] for c in kept[::-1])]


def _checked_end(profile, held, res, end: float, se: float, half: float) -> tuple[float, float, list[float]]:
    """How far an internal ``end`` is from that of the likelihood written out, in standard errors; how far the
    log-likelihood falls below the limit on the way there, where it should not; and where the way leaps over a gap.

    The conditional maximum at a finite end is the best of scipy's: from the estimates outwards along a grid, and from
    where the package has it. On the way, what stays above the limit proves that the maximum does: from point to point
    of the package, and between them; and at an infinite end, where the group holds nobody or may come to, one point at
    all values.
    """
    limit, params, side = res.llf - half, res.params.to_numpy(), np.sign(end - profile.centre)
    far = end if np.isfinite(end) else side * max(side * c for c in profile.maxima)
    chain = _chain(profile, far, params, limit)
    if np.isinf(end) and held.empties(params, limit):
        return 0.0, 0.0, []
    if np.isinf(end) and held.whatever(chain[-1][0], params[held.j], limit):
        return 0.0, 0.0, []
    early, leaps = limit - held.lowest(chain, limit), held.leaps(chain, limit)
    if np.isinf(end):
        return 0.0, early, leaps
    at = profile.reported(end)
    *_, (_, outwards) = held.along(params, np.linspace(params[held.j], at, 13)[1:], limit)
    here, where = held.climb(at, chain[-1][0])
    before, _ = held.climb(at - side * 0.02 * se, where)
    slope = (before - here) / (0.02 * se)
    return abs(res.llf - max(here, outwards) - half) / (max(abs(slope), 1e-9) * se), early, leaps


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(34))
@pytest.mark.parametrize("family", ["logit", "poisson", "zip"])
def test_intervals_of_weakly_identified_fits_are_those_of_the_likelihood_written_out(family, seed):
    """102 fits, a parameter of each at random: its ends to 1e-3 standard errors, or infinite where the likelihood never
    falls so far."""
    from gbtm.compute.threads import with_gradients
    from weak_fits import Held, Likelihood, long_table, simulated

    y, half = simulated(family, seed), chi2.ppf(0.95, 1) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        more = {"iorder": 0} if family == "zip" else {}
        res = gbtm.GBTM.from_formula(
            "y ~ t", long_table(y), id="id", groups=3, order=1, family=family, **more).fit(rng=0)
    loglik = Likelihood(family, y)
    assert loglik(res.params.to_numpy())[0] == pytest.approx(res.llf, abs=1e-8)
    wrong = []
    j = int(np.random.default_rng([seed, 0]).integers(res.params.size))
    name = res.params.index[j]
    with with_gradients():
        profile = Profile(module_of(res), j)
        ends = [profile.end(side, half) for side in (-1.0, 1.0)]
    se = res.bse.iloc[j] if np.isfinite(res.bse.iloc[j]) else profile.unit
    held = Held(loglik, j)
    for side, end in zip((-1.0, 1.0), ends, strict=True):
        assert side * (end - profile.centre) > 0
        away, early, leaps = _checked_end(profile, held, res, end, se, half)
        wrong += [(name, end, away, early, leaps)] if away > 1e-3 or early > 1e-3 or leaps else []
    assert not wrong, wrong
