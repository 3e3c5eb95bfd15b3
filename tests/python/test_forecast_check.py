"""Models compared by how they foretell: scores against scipy and by hand, people kept apart, digits that repeat."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
from gbtm.errors import SpecificationError
from gbtm.families import make_family
from gbtm.fit.refit import Refit
from gbtm.forecast import recurrent
from gbtm.forecast.check import with_groups
from gbtm.forecast.rivals import autoregression, carry_forward, lag_matrix
from gbtm.forecast.rolling import before, one_step_ahead
from gbtm.forecast.scores import area_under_curve, mean_score, root_mean_square
from gbtm.record.rebuild import layout_of, panel_of

pytestmark = pytest.mark.filterwarnings("ignore::gbtm.errors.GBTMWarning")


@pytest.fixture(scope="module", autouse=True)
def _few_epochs():
    """How well the network learns is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recurrent, "EPOCHS", 3)
        yield


@pytest.fixture(scope="module")
def data() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(60):
        last = 0
        for t in range(6):
            mean = np.exp((-0.5, 0.6)[i % 2] + (0.0, 0.5)[i % 2] * np.log1p(last))
            last = rng.negative_binomial(2, 2 / (2 + mean))
            rows.append((i, float(t), float(last)))
    return pd.DataFrame(rows, columns=["id", "t", "y"])


@pytest.fixture(scope="module")
def res(data):
    return gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=0, family="poisson").fit(n_starts=1)


@pytest.fixture(scope="module")
def check(data, res):
    lagged = gbtm.GBTM.from_formula(
        "y ~ t", data=data, id="id", groups=1, order=0, family="negbin", tcov="~ log1p(lag(y))")
    return gbtm.forecast_check({"groups": res, "lagged": lagged}, folds=2, n_starts=1, hidden=[2], lags=[1])


def test_posteriors_are_updated_wave_by_wave(data, res) -> None:
    fit = Refit(layout_of(res), res.internal.params, res.llf, True, False)
    ahead = one_step_ahead(fit, panel_of(res))
    by_wave = res.classify(data, by_wave=True).set_index(["id", "t", "group"])["probability"].unstack()
    m = panel_of(res).outcomes[0]
    for row in (1, 4, 11):
        np.testing.assert_allclose(ahead.weights[:, row], by_wave.loc[(m.subject[row - 1], m.time[row - 1])], rtol=1e-8)
    np.testing.assert_allclose(ahead.weights[:, 6], res.group_shares["share"], rtol=1e-8)
    # the chain of one-step probabilities is the likelihood
    assert ahead.log_density(m.y).sum() == pytest.approx(res.llf, abs=1e-6)


def test_before_sums_a_person_s_own_past() -> None:
    assert before(np.array([1.0, 2, 4, 8, 16]), np.array([0, 0, 0, 1, 1])).tolist() == [0, 1, 3, 0, 8]


def test_area_under_the_curve_is_mann_and_whitney_s() -> None:
    rng = np.random.default_rng(1)
    p, event = rng.integers(0, 6, 80) / 6, rng.random(80) < 0.4
    u = stats.mannwhitneyu(p[event], p[~event]).statistic
    found = area_under_curve(p, event)
    assert found.value == pytest.approx(u / (event.sum() * (~event).sum()), rel=1e-12)
    # DeLong's variance where everybody has one observation, by its own formula
    kernel = (p[event][:, None] > p[~event]) + 0.5 * (p[event][:, None] == p[~event])
    variance = kernel.mean(1).var(ddof=1) / event.sum() + kernel.mean(0).var(ddof=1) / (~event).sum()
    assert found.se(np.arange(80)) == pytest.approx(np.sqrt(variance), rel=0.02)
    assert np.isnan(area_under_curve(p, np.ones(80)).value)


def test_standard_errors_sum_over_people_first() -> None:
    values, person = np.array([1.0, 3.0, 2.0, 6.0, 0.0, 0.0]), np.repeat(["a", "b", "c"], 2)
    score = mean_score(values)
    totals = np.array([4.0, 8.0, 0.0])
    assert score.value == 2.0
    assert score.se(person) == pytest.approx(np.sqrt(3) * totals.std(ddof=1) / 6, rel=1e-12)
    assert root_mean_square(np.array([3.0, 4.0])).value == pytest.approx(np.sqrt(12.5))
    assert score.minus(mean_score(values - 1), person) == (1.0, pytest.approx(0.0, abs=1e-15))


def test_lags_of_the_autoregression(data, res) -> None:
    m = panel_of(res).outcomes[0]
    w = lag_matrix(m, make_family("negbin"), 2)
    f = np.log1p(data["y"])
    own = f.groupby(data["id"]).transform(lambda x: x.expanding().mean().shift(1)).fillna(0)
    by = f.groupby(data["id"])
    want = np.column_stack([by.shift(1).fillna(own), by.shift(2).fillna(own), own])
    np.testing.assert_allclose(w, want, rtol=1e-12, atol=1e-12)


def test_the_autoregression_is_a_regression(data) -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    d = data.assign(y=data["y"] + rng.normal(size=len(data)))
    panel = gbtm.GBTM.from_formula("y ~ t", data=d, id="id", groups=1, order=1).panel
    train, test = panel.subset(np.arange(40)), panel.subset(np.arange(40, 60))
    spec = gbtm.GBTM.from_formula("y ~ t", data=d, id="id", groups=1, order=1).spec.outcomes[0]
    got = autoregression(train, test, "normal", [2], spec, 0)
    lags = lag_matrix(panel.outcomes[0], make_family("normal"), 2)
    x = np.column_stack([np.ones(len(d)), d["t"], d["t"] ** 2, lags])
    later, old = (d["t"] > 0).to_numpy(), (d["id"] < 40).to_numpy()
    ols = sm.OLS(d["y"].to_numpy()[later & old], x[later & old]).fit()
    np.testing.assert_allclose(got.predictive.mean(), ols.predict(x[later & ~old]), rtol=1e-5)
    assert got.n_parameters == 7


def test_carried_forward_has_the_last_outcome_as_its_mean(res) -> None:
    panel = panel_of(res)
    got = carry_forward(panel, panel, make_family("negbin"))
    last = panel.outcomes[0].y[panel.outcomes[0].previous[got.rows]]
    np.testing.assert_allclose(got.predictive.mean()[last >= 1], last[last >= 1], rtol=1e-9)
    assert 0 < got.predictive.mean()[last == 0].max() < 1


def test_the_table(data, check) -> None:
    assert set(check.table.index) == {"groups", "lagged", "carried forward", "autoregression", "recurrent network"}
    assert check.table["log score"].is_monotonic_decreasing
    o = check.observations
    assert (o["time"] >= 3).all()
    assert len(o) == (data["t"] >= 3).sum()
    for name in check.table.index:
        assert check.table.loc[name, "log score"] == pytest.approx(o[name].mean(), rel=1e-12)
    difference, se = check.difference("lagged", "groups")
    gap = (o["lagged"] - o["groups"]).groupby(o["id"]).sum()
    mean = gap.sum() / len(o)
    n = o.groupby("id").size()
    assert difference == pytest.approx(mean, rel=1e-9)
    assert se == pytest.approx(np.sqrt(((gap - mean * n) ** 2).sum() * 60 / 59) / len(o), rel=1e-9)
    assert any(name in check.sentence for name in check.table.index)


def test_people_are_foretold_by_fits_without_them(data, check) -> None:
    fold = np.empty(60, dtype=int)
    fold[np.random.default_rng(0).permutation(60)] = np.arange(60) % 2
    train = data[data["id"].isin(np.flatnonzero(fold == 1))]
    fit = gbtm.GBTM.from_formula("y ~ t", data=train, id="id", groups=2, order=0, family="poisson").fit(n_starts=2)
    who = int(np.flatnonzero(fold == 0)[0])
    past = data[(data["id"] == who) & (data["t"] < 4)]
    y = data[(data["id"] == who) & (data["t"] == 4)]["y"]
    mine = check.observations.query("id == @who and time == 4")["groups"]
    assert mine.iloc[0] == pytest.approx(fit.forecast(past).log_score(y.to_numpy()).iloc[0], abs=1e-5)


def test_the_same_seed_gives_the_same_digits(data, res, check) -> None:
    again = gbtm.forecast_check(res, against="rnn", folds=2, n_starts=1, hidden=[2])
    assert again.table.loc["recurrent network", "log score"] == check.table.loc["recurrent network", "log score"]


def test_the_figure(check) -> None:
    ax = gbtm.plot_forecast_check(check)
    assert [t.get_text().split("\n")[0] for t in ax.get_yticklabels()] == list(check.table.index)
    x = ax.containers[0].lines[0].get_xdata()
    gap = check.paired.xs("log score", level="score").loc[check.table.index, "difference"]
    np.testing.assert_allclose(np.asarray(x, dtype=float), gap)


def test_what_cannot_be_checked_is_refused(data, res) -> None:
    for options, code in (({"against": ["arima"]}, "unknown_model"), ({"origin": 99.0}, "bad_origin")):
        with pytest.raises(SpecificationError) as error:
            gbtm.forecast_check(res, **{"folds": 2, "n_starts": 1, **options})
        assert error.value.code == code
    ar = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=1, order=1, ar1=True)
    with pytest.raises(SpecificationError) as error:
        gbtm.forecast_check(ar)
    assert error.value.code == "no_forecast"


def test_more_groups_are_like_the_last(res) -> None:
    assert with_groups(res.spec, 4).outcomes[0].orders == (0, 0, 0, 0)
    assert with_groups(res.spec, 1).n_groups == 1


def test_clusters_are_foretold_whole(monkeypatch):
    from gbtm.forecast import check as room

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.repeat(np.arange(40), 4), "t": np.tile(np.arange(4), 40)})
    frame["area"] = frame["id"] % 8
    frame["y"] = rng.poisson(1 + 3 * (frame["id"] % 2))
    model = gbtm.GBTM.from_formula("y ~ t", frame, id="id", groups=2, order=0, family="poisson", cluster="area")
    held = []
    original = room._groups

    def watched(one, test, *rest):
        held.append(set(test % 8))
        return original(one, test, *rest)

    monkeypatch.setattr(room, "_groups", watched)
    gbtm.forecast_check(model, against=["carry"], folds=3, n_starts=1)
    assert len(held) == 3
    assert sum(len(areas) for areas in held) == 8
