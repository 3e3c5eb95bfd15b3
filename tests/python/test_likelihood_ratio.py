"""The bootstrap likelihood-ratio test: its arithmetic on given draws, its statistic, size and power."""

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
    from gbtm.fit.rebuild import prepared_of
    from gbtm.likelihood.simulate import simulate
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

