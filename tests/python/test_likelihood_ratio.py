"""The bootstrap likelihood-ratio test: its arithmetic on given draws, its statistic, size and power."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import ROOT, arguments, long_table
from gbtm.compute.parallel import spread
from gbtm.likelihood import simulate
from gbtm.resampling import likelihood_ratio as room
from parts import draw

ONE = oracle.Model("normal", (1,))
TWO = oracle.Model("normal", (1, 1))


def fit(model, params, groups, n=80, waves=4, seed=1, **more):
    subject, time, y, _ = oracle.simulate(model, params, n, range(waves), np.random.default_rng(seed))
    options = {**arguments(model), "groups": groups, "order": 1, **more}
    return gbtm.GBTM.from_formula("y ~ t", long_table(subject, time, y), id="id", **options).fit(rng=0, n_starts=8)


@pytest.fixture(scope="module")
def apart():
    return fit(TWO, [0, 0.5, 4, -0.5, 1, 0], 2)


@pytest.fixture(scope="module")
def one_too_many():
    return fit(ONE, [0, 0.5, 1], 2)


def given(monkeypatch, values):
    """Draws with these statistics; None for one whose fit fails."""
    left = list(values)

    def replicate(*_):
        value = left.pop(0)
        return (np.nan, "collapsed") if value is None else (value, "")

    monkeypatch.setattr(room, "_replicate", replicate)


def test_all_draws_smaller(monkeypatch, apart):
    given(monkeypatch, [1.0] * 39)
    test = gbtm.blrt(apart, n_max=39)
    assert test.p_value == 1 / 40
    assert (test.n, test.exceeding, test.failures, test.negative) == (39, 0, 0, 0)
    assert test.stopped == "all draws made"
    assert "2 groups fit better than 1" in test.sentence


def test_it_ends_with_the_hth_draw_as_large(monkeypatch, apart):
    """alpha (n_max + 1) = 2: the test cannot reject any more once two draws are as large."""
    big = apart.llf * 0 + 1e9
    given(monkeypatch, [1, big, 1, 1, 1, big, *[1] * 50])
    test = gbtm.blrt(apart, n_max=39)
    assert (test.n, test.exceeding) == (6, 2)
    assert test.p_value == 2 / 6
    assert "no longer" in test.stopped
    assert "not shown" in test.sentence


def test_the_early_end_never_changes_the_decision(monkeypatch, apart):
    """Whatever the draws: p <= alpha exactly where (1 + g) / (n_max + 1) of all draws is."""
    rng = np.random.default_rng(3)
    for share in (0.01, 0.03, 0.05, 0.08, 0.2):
        for _ in range(8):
            values = np.where(rng.random(99) < share, 1e9, 0.5)
            given(monkeypatch, values)
            test = gbtm.blrt(apart, n_max=99, n_min=99)
            assert (test.p_value <= 0.05) == ((1 + (values > 1).sum()) / 100 <= 0.05)


def test_a_clear_rejection_ends_it_too(monkeypatch, apart):
    given(monkeypatch, [1.0] * 999)
    test = gbtm.blrt(apart, n_max=999, n_min=50)
    assert test.n == 120  # the first round of 20 after 1 - 0.005^(1/n) < 0.05, that is n > 103
    assert stats.beta.ppf(0.995, 1, 120) < 0.05 < stats.beta.ppf(0.995, 1, 100)
    assert test.p_value == 1 / 121
    assert "clearly below" in test.stopped


def test_failures_and_negative_ones_are_reported(monkeypatch, apart):
    given(monkeypatch, [None, 1.0, -3.0, None, *[2.0] * 15])
    test = gbtm.blrt(apart, n_max=19)
    assert (test.n, test.failures, test.negative, test.reasons) == (17, 2, 1, {"collapsed": 2})
    assert test.p_value == 1 / 18
    assert "2 further draws were left out (2 collapsed)" in test.sentence
    assert "In 1 draw the larger model ended below" in test.sentence
    given(monkeypatch, [None] * 19)
    with pytest.raises(gbtm.DataError, match="none of 19 draws"):
        gbtm.blrt(apart, n_max=19)


@pytest.mark.parametrize("n", [4, pytest.param(19, marks=pytest.mark.slow)])
def test_power_and_the_statistic(n, apart):
    less = fit(TWO, [0, 0.5, 4, -0.5, 1, 0], 1)
    test = gbtm.blrt(apart, less, n_max=n, alpha=1 / (n + 1), n_starts=2)
    assert test.statistic == pytest.approx(2 * (apart.llf - less.llf))
    assert test.statistic > 50 > test.replicates.max()
    assert test.p_value == 1 / (n + 1)
    assert test.replicates.min() >= -2e-6
    own = gbtm.blrt(apart, n_max=2, alpha=0.5, n_starts=2)
    assert own.statistic == pytest.approx(test.statistic, abs=1e-6)
    np.testing.assert_allclose(own.replicates, test.replicates[:2], atol=1e-5)


@pytest.mark.parametrize("n", [3, pytest.param(9, marks=pytest.mark.slow)])
def test_the_same_digits_for_any_number_of_workers(n, one_too_many):
    one, two = (gbtm.blrt(one_too_many, n_max=n, alpha=0.5, n_starts=2, rng=3, n_jobs=jobs) for jobs in (1, 2))
    assert one.n > 1
    np.testing.assert_array_equal(one.replicates, two.replicates)
    assert one.p_value == two.p_value
    assert one.sentence == two.sentence


@pytest.mark.parametrize("n", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_one_normal_group_against_two_with_common_sigma_and_no_curve(n):
    """The statistics drawn are those of fits to the data drawn, found here by EM from many starts with numpy."""
    res = fit(oracle.Model("normal", (0,)), [1.0, 1.0], 2, n=40, waves=1, order=0)
    test = gbtm.blrt(res, n_max=n, rng=5, alpha=0.9)
    from gbtm.likelihood.simulate import simulate
    from gbtm.record.rebuild import prepared_of
    from gbtm.resampling.smaller import nested_pair

    model = prepared_of(res)
    _, _, below = nested_pair(res, None, model.spec, model.panel, model.bases, 5)
    for value, seed in zip(test.replicates, np.random.SeedSequence(5).spawn(n)):
        panel, _ = simulate(below.layout, below.flat, model.panel, np.random.default_rng(seed))
        y = panel.outcomes[0].y
        null = stats.norm.logpdf(y, y.mean(), y.std()).sum()
        assert value == pytest.approx(2 * (two_normals(y) - null), abs=2e-3)


def two_normals(y):
    """Best log-likelihood of two normals with one sigma, by EM."""
    best = -np.inf
    for share in (0.05, 0.2, 0.5, 0.8, 0.95):
        cut = np.quantile(y, share)
        p = np.where(y > cut, 0.98, 0.02)
        for _ in range(2000):
            before = p
            w = np.array([1 - p.mean(), p.mean()])
            mu = np.array([np.average(y, weights=1 - p), np.average(y, weights=p)])
            s = np.sqrt(((1 - p) * (y - mu[0]) ** 2 + p * (y - mu[1]) ** 2).mean())
            f = w * stats.norm.pdf(y[:, None], mu, s)
            p = f[:, 1] / f.sum(axis=1)
            if np.abs(p - before).max() < 1e-9:
                break
        best = max(best, np.log(f.sum(axis=1)).sum())
    return best


def test_with_covariates_exposure_and_weights():
    for name in ("tcov_cells", "exposure_zip"):
        test = gbtm.blrt(draw(name).built().fit(rng=0, n_starts=2), n_max=2, alpha=0.5, n_starts=1)
        assert test.n + test.failures <= 2
        assert test.replicates.min() > -1e-3
    weighted = draw("weights").built().fit(rng=0, n_starts=2)
    assert "weights" in gbtm.blrt(weighted, n_max=1, alpha=0.5, n_starts=1).sentence


def test_ar1_errors_stay_in_the_draws(monkeypatch):
    """Each draw's errors have the correlation that was fitted: sum of e_t e_(t-1) over sum of e_(t-1)^2 is near rho."""
    n, rho, rng = 60, 0.6, np.random.default_rng(3)
    errors = rng.normal(size=(n, 5))
    for t in range(1, 5):
        errors[:, t] = rho * errors[:, t - 1] + np.sqrt(1 - rho**2) * errors[:, t]
    curves = np.array([1 + 0.2 * np.arange(5), 5 - 0.3 * np.arange(5)])[np.repeat([0, 1], [35, 25])]
    table = long_table(np.repeat(np.arange(n), 5), np.tile(np.arange(5.0), n), (curves + errors).ravel())
    about = {"id": "id", "order": 1, "ar1": True}
    two, one = (gbtm.GBTM.from_formula("y ~ t", table, groups=k, **about).fit(n_starts=4) for k in (2, 1))
    draws, original = [], simulate.simulate

    def watching(*given):
        draws.append(original(*given))
        return draws[-1]

    monkeypatch.setattr(simulate, "simulate", watching)
    found = gbtm.blrt(two, one, n_max=4, alpha=0.2, n_starts=2)
    assert (found.n, found.failures, found.negative) == (4, 0, 0)
    assert found.statistic == pytest.approx(2 * (two.llf - one.llf))
    assert found.statistic > 30 > found.replicates.max()
    mean = one.params["intercept[1]"] + one.params["t[1]"] * np.arange(5)
    e = np.concatenate([panel.outcomes[0].y.reshape(n, 5) for panel, _ in draws]) - mean
    products, squares = (e[:, 1:] * e[:, :-1]).sum(axis=1), (e[:, :-1] ** 2).sum(axis=1)
    slope = products.sum() / squares.sum()
    se = (products - slope * squares).std(ddof=1) * np.sqrt(len(e)) / squares.sum()
    assert one.params["rho"] > 0.5
    assert abs(slope - one.params["rho"]) < 3.5 * se < 0.15


@pytest.mark.parametrize("n", [4, pytest.param(19, marks=pytest.mark.slow)])
def test_a_group_that_never_happens(n):
    """Without the group that has a rate nothing is left: the other one goes."""
    res = fit(oracle.Model("poisson", (-1, 0)), [0.3, 0.5], 2, order=[-1, 0])
    test = gbtm.blrt(res, n_max=n, alpha=1 / (n + 1), n_starts=2)
    assert test.p_value == 1 / (n + 1)
    assert test.replicates.min() >= -2e-6


def test_refusals(apart, one_too_many):
    for call, code in (
        (lambda: gbtm.blrt(fit(ONE, [0, 0.5, 1], 1)), "one_group"),
        (lambda: gbtm.blrt(apart, n_max=10), "bad_n_max"),
        (lambda: gbtm.blrt(apart, alpha=2), "bad_alpha"),
        (lambda: gbtm.blrt(apart, n_starts=0), "bad_n_starts"),
        (lambda: gbtm.blrt(apart, apart), "not_nested"),
        (lambda: gbtm.blrt(apart, fit(ONE, [0, 0.5, 1], 1)), "not_nested"),  # other data
        (lambda: gbtm.blrt(apart, fit(TWO, [0, 0.5, 4, -0.5, 1, 0], 1, order=2)), "not_nested"),
        (lambda: gbtm.blrt(draw("dropout1").built().fit(rng=0, n_starts=2)), "no_simulation"),
    ):
        with pytest.raises(gbtm.SpecificationError) as caught:
            call()
        assert caught.value.code == code, code
    worse = gbtm.GBTMResults({**one_too_many.document, "loglik": one_too_many.llf - 40})
    with pytest.raises(gbtm.SpecificationError, match="has not found its best optimum"):
        gbtm.blrt(worse, n_max=19)


@pytest.mark.parametrize(("name", "change"), [
    ("exposure", {"exposure": None}), ("weights", {"weights": None}), ("tcov", {"tcov": ["w1"]}),
    ("exposure", {"exposure": "other"}), ("tcov", {"tcov": ["w1", "other"]}), ("risk", {}),
])
def test_a_smaller_fit_with_other_covariates_exposure_or_weights_is_refused(name, change):
    drawn = draw(name)
    rng = np.random.default_rng(0)
    table = drawn.table.assign(other=rng.uniform(1, 2, len(drawn.table)))
    if name == "risk":
        table["z2"] = table["id"] % 7  # the same name for something else
    res = drawn.built().fit(rng=0, n_starts=2)
    kept = res.n_groups - 1
    less = {"groups": kept, "order": list(drawn.truth.model.order[:kept]), **change}
    smaller = drawn.built(data=table, **less).fit(rng=0, n_starts=2)
    for test in (gbtm.lmr, gbtm.blrt):
        with pytest.raises(gbtm.SpecificationError) as caught:
            test(res, smaller)
        assert caught.value.code == "not_nested"


# -- the arithmetic, draw by draw --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "n_max", "h"), [
    (0.05, 199, 10), (0.05, 19, 1), (0.05, 39, 2), (0.07, 99, 7), (0.03, 99, 3), (0.1, 94, 10), (0.1, 98, 10),
])
def test_it_ends_with_draw_h(alpha, n_max, h):
    """h = ceil(alpha (n_max + 1)), in exact arithmetic; what comes after it does not count."""
    tally = room._Tally(10.0, alpha, n_max, 1)
    for i in range(2 * h + 3):
        assert (tally.n, bool(tally.stopped)) == (min(i, 2 * h), i >= 2 * h)
        tally.add(12.0 if i % 2 else 3.0, "")
        tally.add(np.nan, "singular")
    assert (tally.n, tally.exceeding, tally.reasons) == (2 * h, h, {"singular": 2 * h - 1})
    assert tally.stopped == f"ended early, as it can no longer be {alpha:g} or less"
    assert tally.values == [3.0, 12.0] * h
    got = tally.result(result_of(2), SimpleNamespace(loglik=-60.0))
    assert (got.p_value, got.n, got.exceeding, got.failures) == (0.5, 2 * h, h, 2 * h - 1)
    assert got.stopped == tally.stopped


def test_as_large_is_but_for_rounding():
    tally = room._Tally(10.0, 0.5, 99, 1)
    for below in (0.0, 1.9e-6, 2.1e-6, -3.0):
        tally.add(10.0 - below, "")
    assert (tally.n, tally.exceeding) == (4, 3)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_a_rejection_ends_it_where_the_upper_limit_of_p_is_below_the_level(alpha):
    """Clopper-Pearson, one-sided 99.5 %: scipy's two-sided interval of 99 %; from n_min draws on, before n_max."""
    for n in (10, 24, 25, 26, 49, 50, 110, 140, 149, 150, 199, 200):
        for exceeding in (0, 1, 2, 4):
            tally = room._Tally(10.0, alpha, 200, 25)
            tally.values, tally.exceeding = [1.0] * n, exceeding
            upper = stats.binomtest(exceeding, n).proportion_ci(0.99, "exact").high
            ends = 25 <= n < 200 and upper < alpha
            assert tally.end_of_round() == ends
            assert tally.stopped == (f"ended early, as it is clearly below {alpha:g}" if ends else "")
    tally = room._Tally(10.0, 0.05, 19, 1)
    tally.add(11.0, "")
    assert tally.end_of_round() is True


def result_of(groups, weights=None):
    return SimpleNamespace(n_groups=groups, llf=-55.0, weights=weights, weighted=weights is not None)


def test_the_result_counts_what_was_drawn():
    tally = room._Tally(10.0, 0.05, 99, 99)
    for value in (3.0, 11.0, -1.9e-6, -2.1e-6, -5.0):
        tally.add(value, "")
    for why in ("collapsed", "singular", "collapsed"):
        tally.add(0.0, why)
    got = tally.result(result_of(3, weights=np.ones(4)), SimpleNamespace(loglik=-60.0))
    assert (got.groups, got.statistic, got.p_value, got.n, got.exceeding) == (3, 10.0, 2 / 6, 5, 1)
    assert (got.failures, got.negative, got.stopped, got.alpha) == (3, 2, "all draws made", 0.05)
    assert (got.loglik, got.smaller_loglik, got.weighted) == (-55.0, -60.0, True)
    assert got.reasons == {"collapsed": 2, "singular": 1}
    np.testing.assert_array_equal(got.replicates, [3.0, 11.0, -1.9e-6, -2.1e-6, -5.0])
    assert tally.result(result_of(3), SimpleNamespace(loglik=-60.0)).weighted is False
    none = room._Tally(10.0, 0.05, 99, 99)
    for why in ("collapsed", "singular", "collapsed"):
        none.add(np.nan, why)
    with pytest.raises(gbtm.DataError) as caught:
        none.result(result_of(3), SimpleNamespace(loglik=-60.0))
    assert (caught.value.code, caught.value.argument) == ("no_replicate", "res")
    assert str(caught.value) == (
        "blrt: none of 3 draws could be fitted (collapsed, singular). Look at the fit's warnings, or fit a simpler "
        "model.")


def test_the_result_in_words():
    def of(**change):
        return room.BootstrapLRT(**{
            "groups": 2, "statistic": 12.345, "p_value": 0.05, "n": 99, "exceeding": 4, "failures": 0, "negative": 0,
            "replicates": np.ones(99), "stopped": "all draws made", "loglik": -50.0, "smaller_loglik": -56.2,
            "alpha": 0.05, "reasons": {}, **change})

    assert of().sentence == (
        "Bootstrap likelihood-ratio test of 2 against 1 group: 2 x the difference of the log-likelihoods is 12.35; 4 "
        "of 99 samples drawn from the 1-group fit gave as much (p = 0.05; all draws made). 2 groups fit better than 1 "
        "at the 5 % level.")
    assert repr(of()) == f"<BootstrapLRT: {of().sentence}>"
    three = of(groups=3, p_value=0.0501, failures=1, reasons={"collapsed": 1}, negative=1).sentence
    assert "of 3 against 2 groups: " in three
    assert three.endswith(
        " 3 groups are not shown to fit better than 2 at the 5 % level. 1 further draw was left out (1 collapsed). In "
        "1 draw the larger model ended below the smaller one: its search was too short there, which makes the p-value "
        "too small.")
    many = of(failures=3, reasons={"collapsed": 2, "singular": 1}, negative=2, weighted=True).sentence
    assert many.endswith(
        " at the 5 % level. 3 further draws were left out (2 collapsed, 1 singular). In 2 draws the larger model ended "
        "below the smaller one: its search was too short there, which makes the p-value too small. The sampling "
        "weights were kept as they are; they are taken to say nothing of the outcome.")


def settled(monkeypatch, loglik):
    """From here on the smaller model has this log-likelihood, whatever is asked for; what it is asked with."""
    asked = []

    def pair(*given):
        asked.append(given)
        return "larger", "less", SimpleNamespace(loglik=loglik)

    monkeypatch.setattr(room, "nested_pair", pair)
    return asked


@pytest.fixture(scope="module")
def small():
    y = np.random.default_rng(0).normal([[0.0]] * 6 + [[5.0]] * 6, 1, (12, 3))
    return gbtm.GBTM(y, range(3), groups=2, order=0).fit(n_starts=1)


def test_each_draw_is_told_the_models_and_its_own_seed(monkeypatch, small):
    """Seeds are children of rng in their order; rounds of 20; progress is told after each draw."""
    asked, jobs, told = settled(monkeypatch, small.llf - 4), [], []

    def replicate(*job):
        jobs.append(job)
        return 9.0, ""

    monkeypatch.setattr(room, "_replicate", replicate)
    test = gbtm.blrt(small, progress=lambda words, seconds: told.append((words, seconds)))
    assert (test.n, test.p_value, test.statistic) == (10, 1.0, pytest.approx(8.0))  # 0.05 x 200 = 10 as large
    assert len(jobs) == len(told) == 20
    assert asked[0][:2] == (small, None)
    assert asked[0][5] == 0
    for job, seed in zip(jobs, np.random.SeedSequence(0).spawn(199), strict=False):
        assert job[1:4] == (SimpleNamespace(loglik=small.llf - 4), "less", "larger")
        assert job[5] == 8
        assert job[6].generate_state(2).tolist() == seed.generate_state(2).tolist()
        assert (job[0].n_subjects, job[0].nobs) == (12, 36)
    assert told[2][0] == "bootstrap LRT: 3 of at most 199 draws, 3 as large as observed"
    assert all(0 <= seconds < 60 for _, seconds in told)
    jobs.clear()
    gbtm.blrt(small, small, rng=7, n_starts=3, n_max=39, alpha=0.1)
    assert asked[1][1] is small
    assert asked[1][5] == 7
    assert (jobs[1][5], jobs[1][6].generate_state(1)) == (3, np.random.SeedSequence(7).spawn(2)[1].generate_state(1))


def test_ninety_nine_draws_are_the_least_by_default(monkeypatch, small):
    """With a failure among the first hundred; at 10 % they are enough."""
    settled(monkeypatch, small.llf - 4)
    given(monkeypatch, [None, *[1.0] * 500])
    assert gbtm.blrt(small, alpha=0.1, n_max=499).n == 99
    given(monkeypatch, [None, *[1.0] * 500])
    assert gbtm.blrt(small, alpha=0.1, n_max=499, n_min=100).n == 119
    given(monkeypatch, [1.0] * 500)
    assert gbtm.blrt(small, n_max=30).n == 30  # the last round is a part of one


@pytest.mark.parametrize(("loglik", "rounding"), [(-400.0, 4e-4), (-0.25, 1e-6)])
def test_a_larger_model_below_the_smaller_one_by_more_than_rounding_is_refused(monkeypatch, small, loglik, rounding):
    res = gbtm.GBTMResults({**small.document, "loglik": loglik})
    given(monkeypatch, [1.0] * 50)
    settled(monkeypatch, loglik + 0.9 * rounding)
    assert gbtm.blrt(res, n_max=19).statistic == pytest.approx(-1.8 * rounding)
    settled(monkeypatch, loglik + 1.1 * rounding)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.blrt(res, n_max=19)
    assert (caught.value.code, caught.value.argument) == ("worse_fit", "res")
    assert str(caught.value) == (
        f"res: with 2 groups the log-likelihood is {loglik:.4f}, with 1 it is {loglik + 1.1 * rounding:.4f}: the fit "
        "with more groups has not found its best optimum. Fit it again with start=, the fit with a group less.")


def test_what_cannot_be_asked_for(small):
    for change, code, argument in (
        ({"alpha": 1.5}, "bad_alpha", "alpha"), ({"rng": -1}, "bad_seed", "rng"), ({"n_max": 0}, "bad_n_max", "n_max"),
        ({"n_starts": 0}, "bad_n_starts", "n_starts"), ({"n_min": 0}, "bad_n_min", "n_min"),
    ):
        with pytest.raises(gbtm.SpecificationError) as caught:
            gbtm.blrt(small, **change)
        assert (caught.value.code, caught.value.argument) == (code, argument)
        example = {"alpha": "0.05", "n_max": "199", "n_min": "99", "n_starts": "8"}.get(argument, "")
        assert example in caught.value.way_out
    for alpha, least in ((0.05, 19), (0.1, 9), (0.07, 14), (0.5, 1)):
        room._check(small, least, 1, alpha, 1, 0)
        if least == 1:
            continue
        with pytest.raises(gbtm.SpecificationError) as caught:
            room._check(small, least - 1, 1, alpha, 1, 0)
        assert (caught.value.code, caught.value.argument) == ("bad_n_max", "n_max")
        assert str(caught.value) == (
            f"n_max: {least - 1} draws cannot give a p-value of {alpha:g} or less. Give {least} or more, for example "
            "199.")
    with pytest.raises(gbtm.SpecificationError) as caught:
        room._check(result_of(1), 19, 1, 0.05, 1, 0)
    assert (caught.value.code, caught.value.argument) == ("one_group", "res")
    assert str(caught.value) == (
        "res: a fit with one group has nothing smaller to be tested against. Give a fit with two groups or more.")
    y = np.where(np.arange(3) < np.array([[1], [2], [3]] * 8), np.arange(24.0)[:, None] % 5, np.nan)
    leaving = gbtm.GBTM(y, range(3), groups=2, order=0, dropout=0)
    with pytest.warns(gbtm.GBTMWarning):
        res = leaving.fit(n_starts=1)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.blrt(res)
    assert (caught.value.code, caught.value.argument) == ("no_simulation", "res")
    assert str(caught.value) == (
        "blrt: samples cannot be drawn from a model with a dropout part. Fit the model without dropout, or compare the "
        "fits by BIC or cross-validation.")


class Draws:
    """A draw and its two fits, made up: what is asked for, and what comes back."""

    def __init__(self, monkeypatch, null, full):
        self.asked, self.left = [], [null, full]
        monkeypatch.setattr("gbtm.fit.refit.refit", self.refit)
        monkeypatch.setattr("gbtm.likelihood.simulate.simulate", self.simulate)

    def simulate(self, layout, flat, panel, rng):
        self.drawn_with = layout, flat, panel, rng.random(3).tolist()
        return "drawn", "groups"

    def refit(self, *given, **named):
        self.asked.append((given, named))
        found = self.left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    @staticmethod
    def fit(loglik, collapsed=False, converged=True):
        return SimpleNamespace(loglik=loglik, collapsed=collapsed, converged=converged)

    def statistic(self):
        below = SimpleNamespace(layout="layout", flat="flat", params="params")
        return room._replicate("panel", below, "less", "larger", "bases", 6, np.random.SeedSequence(12))


def test_both_models_are_fitted_to_a_draw_from_the_smaller_fit(monkeypatch):
    null = Draws.fit(-50.0)
    draws = Draws(monkeypatch, null, Draws.fit(-47.5))
    assert draws.statistic() == (5.0, "")
    seed = np.random.SeedSequence(12)
    assert draws.drawn_with == ("layout", "flat", "panel", np.random.default_rng(seed).random(3).tolist())
    rest = {"rng": int(seed.generate_state(1)[0]), "search": {"time_budget": None}}
    assert draws.asked == [
        (("drawn", "less", "bases"), {"start": "params", "n_starts": 4, **rest}),
        (("drawn", "larger", "bases"), {"n_starts": 6, "smaller": null, **rest}),
    ]


def test_a_draw_whose_fit_fails_says_why(monkeypatch):
    good, refused = Draws.fit(-50.0), gbtm.DataError("y: no.", code="all_equal", argument="y", way_out="Look.")
    for bad, why in (
        (Draws.fit(1.0, collapsed=True), "collapsed"), (Draws.fit(1.0, converged=False), "not converged"),
        (Draws.fit(1.0, collapsed=True, converged=False), "collapsed"), (refused, "all_equal"),
        (np.linalg.LinAlgError("singular matrix"), "singular"),
    ):
        for null, full in ((good, bad), (bad, good)):
            value, said = Draws(monkeypatch, null, full).statistic()
            assert np.isnan(value)
            assert said == why


# true model, its parameters: what is drawn under the hypothesis that a group more is one too many
SIZES = {
    "normal": (oracle.Model("normal", (1,)), [0, 0.1, 1]),
    "poisson": (oracle.Model("poisson", (1,)), [0, 0.1]),
    "logit": (oracle.Model("logit", (1,)), [0, 0.1]),
    "poisson, two groups": (oracle.Model("poisson", (1, 1)), [-0.5, 0.1, 1.5, -0.1, 0.0]),
}
DATA_SETS = 100
HEAD = f"""# How often the bootstrap likelihood-ratio test rejects a true number of groups

Written by `pytest -m slow tests/python/test_likelihood_ratio.py`: {DATA_SETS} simulated data sets per row, 60 subjects
at five waves, linear curves; the true number against one group more, by `blrt(n_max=39, n_starts=4)`. Each cell: % of
the data sets with a p-value as small as that. Expected are the figures at the head of the columns; the interval
(Clopper-Pearson, 95 %) says what {DATA_SETS} data sets can tell.

| family | true groups | p <= 0.05 | interval | p <= 0.10 | p <= 0.50 |
|---|---:|---:|---|---:|---:|
"""


@pytest.fixture(scope="module")
def sizes():
    rows: dict[str, str] = {}
    yield rows
    if list(rows) == list(SIZES):
        (ROOT / "docs" / "blrt.md").write_text(HEAD + "".join(rows.values()), encoding="utf-8")


def p_value(name, seed):
    """The p-value of a group too many, on one data set."""
    model, params = SIZES[name]
    res = fit(model, params, model.n_groups + 1, n=60, waves=5, seed=seed)
    return gbtm.blrt(res, n_max=39, n_starts=4, rng=seed, progress=False).p_value


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_size_under_the_smaller_model(name, sizes):
    """The share of rejections at 5 % is within chance of 5 %, the p-values are as large as chance has them.

    With n_max = 39 the level is exactly 2/40 in theory. Binomial(100, 0.05) lies in 0..12 with probability 0.9985.
    """
    p = np.array(list(spread(p_value, [(name, seed) for seed in range(DATA_SETS)], n_jobs=-1)))
    reject, tenth, half = (int((p <= level + 1e-12).sum()) for level in (0.05, 0.10, 0.50))
    low, high = stats.binomtest(reject, DATA_SETS).proportion_ci(0.95)
    sizes[name] = (
        f"| {name.split(',')[0]} | {SIZES[name][0].n_groups} | {100 * reject / DATA_SETS:.0f} | "
        f"{100 * low:.0f} to {100 * high:.0f} | {100 * tenth / DATA_SETS:.0f} | {100 * half / DATA_SETS:.0f} |\n"
    )
    assert reject <= 12, np.sort(p)[:15]
    assert 35 <= half <= 65, np.sort(p)  # Binomial(100, 0.5) lies there with probability 0.998

