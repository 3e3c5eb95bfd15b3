"""A time to an event beside the outcomes: against survreg, a Poisson regression with offset, and formulas by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize

import event_data as hand
import gbtm
from conftest import needs_r
from gbtm import DataError, SpecificationError

DATA = hand.people()
PEOPLE = hand.once(DATA)
CUTS = (1.5, 4.0)


def fit(event, groups=1, data=DATA, formula="y ~ t", **more):
    options = {k: more.pop(k) for k in ("start", "n_starts", "cov_type") if k in more}
    model = gbtm.GBTM.from_formula(formula, data, id="id", groups=groups, order=1, event=event, **more)
    return model.fit(**{"n_starts": 3, **options})


def alone():
    """The log-likelihood of the outcomes of one group."""
    return fit(None).llf


def numeric_errors(loglik, at):
    """Standard errors from a Hessian by differences."""
    steps = 1e-4 * np.maximum(1, np.abs(at))
    n, h = at.size, np.zeros((at.size, at.size))
    for i in range(n):
        for j in range(n):
            ei, ej = steps[i] * np.eye(n)[i], steps[j] * np.eye(n)[j]
            h[i, j] = (loglik(at + ei + ej) - loglik(at + ei - ej) - loglik(at - ei + ej) + loglik(at - ei - ej)) / (
                4 * steps[i] * steps[j])
    return np.sqrt(np.diag(np.linalg.inv(-h)))


def test_weibull_of_one_group_is_survreg():
    """log T = mu + x'g + s W: scale = exp(mu), shape = 1 / s, b = -g / s."""
    needs_r("survival")
    from rpy2 import robjects
    from rpy2.robjects import conversion, pandas2ri

    with conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        robjects.globalenv["p"] = PEOPLE[["T", "d", "sex", "z"]]
    out = np.asarray(robjects.r(
        "m <- survival::survreg(survival::Surv(T, d) ~ sex + z, p, dist = 'weibull', control ="
        " survival::survreg.control(rel.tolerance = 1e-14)); c(logLik(m), coef(m), m$scale, vcov(m))"))
    llf, mu, g, s, v = out[0], out[1], out[2:4], out[4], out[5:].reshape(4, 4)
    res = fit(gbtm.Event(time="T", status="d", covariates="~ sex + z"))
    assert res.llf - alone() == pytest.approx(llf, abs=1e-6)
    np.testing.assert_allclose(
        res.params[["event_scale[1]", "event_shape[1]", "event_sex", "event_z"]],
        [np.exp(mu), 1 / s, *(-g / s)], rtol=1e-5)
    jacobian = np.array([  # in mu, g1, g2, log s
        [np.exp(mu), 0, 0, 0], [0, 0, 0, -1 / s], [0, -1 / s, 0, g[0] / s], [0, 0, -1 / s, g[1] / s]])
    se = np.sqrt(np.diag(jacobian @ v @ jacobian.T))
    np.testing.assert_allclose(
        res.bse[["event_scale[1]", "event_shape[1]", "event_sex", "event_z"]], se, rtol=1e-4)


def test_piecewise_of_one_group_is_a_poisson_regression_with_offset():
    rows = []
    for _, p in PEOPLE.iterrows():
        for j, (a, b) in enumerate(zip((0, *CUTS), (*CUTS, np.inf), strict=True)):
            at_risk = min(p["T"], b) - max(p["entry"], a)
            if at_risk > 0:
                rows.append((j, at_risk, p["d"] * (a < p["T"] <= b), p["sex"]))
    long = pd.DataFrame(rows, columns=["j", "e", "d", "sex"])
    x = np.column_stack([long["j"] == j for j in range(3)] + [long["sex"]]).astype(float)
    theirs = sm.GLM(long["d"], x, family=sm.families.Poisson(), offset=np.log(long["e"])).fit(tol=1e-14)
    llf = theirs.llf - (long["d"] * np.log(long["e"])).sum()
    res = fit(gbtm.Event(time="T", status="d", entry="entry", hazard="piecewise", cuts=CUTS, covariates="~ sex"))
    names = ["event_log_hazard1[1]", "event_log_hazard2[1]", "event_log_hazard3[1]", "event_sex"]
    assert res.llf - alone() == pytest.approx(llf, abs=1e-6)
    np.testing.assert_allclose(res.params[names], theirs.params, atol=1e-6)
    np.testing.assert_allclose(res.bse[names], theirs.bse, rtol=1e-4)


@pytest.mark.parametrize("entry", [None, "entry"])
def test_left_entry_of_a_weibull_hazard(entry):
    start = 0.0 if entry is None else PEOPLE["entry"].to_numpy()

    def loglik(b):
        hazard = hand.weibull_hazard(np.exp(b[0]), np.exp(b[1]))
        return hand.log_times(hazard, b[2] * PEOPLE["sex"], PEOPLE["T"], PEOPLE["d"], start).sum()

    best = minimize(lambda b: -loglik(b), [1.5, 0.1, 0.1], method="BFGS", options={"gtol": 1e-7})
    res = fit(gbtm.Event(time="T", status="d", entry=entry, covariates=["sex"]))
    assert res.llf - alone() == pytest.approx(-best.fun, abs=1e-6)
    estimates = [np.log(res.params["event_scale[1]"]), np.log(res.params["event_shape[1]"]), res.params["event_sex"]]
    np.testing.assert_allclose(estimates, best.x, atol=1e-4)
    se = numeric_errors(loglik, np.array(estimates))
    found = [res.bse["event_scale[1]"] / res.params["event_scale[1]"],
             res.bse["event_shape[1]"] / res.params["event_shape[1]"], res.bse["event_sex"]]
    np.testing.assert_allclose(found, se, rtol=1e-3)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_times_in_intervals(hazard):
    """log(S(L) - S(R)), whose L may be 0."""
    assert (PEOPLE["low"] == 0).any()

    def loglik(b):
        h = hand.weibull_hazard(np.exp(b[0]), np.exp(b[1])) if hazard == "weibull" else (
            hand.piecewise_hazard(np.exp(b[:3]), CUTS))
        return hand.log_times(h, b[-1] * PEOPLE["sex"], PEOPLE["low"], None, upper=PEOPLE["high"]).sum()

    start = [1.5, 0.1, 0.1] if hazard == "weibull" else [-1.5, -1.5, -1.5, 0.1]
    best = minimize(lambda b: -loglik(b), start, method="BFGS", options={"gtol": 1e-7})
    more = {} if hazard == "weibull" else {"hazard": hazard, "cuts": CUTS}
    res = fit(gbtm.Event(time="low", upper="high", covariates="~ sex", **more))
    assert res.llf - alone() == pytest.approx(-best.fun, abs=1e-5)
    assert res.params["event_sex"] == pytest.approx(best.x[-1], abs=1e-4)


def test_survreg_of_intervals():
    needs_r("survival")
    from rpy2 import robjects
    from rpy2.robjects import conversion, pandas2ri

    some = PEOPLE[PEOPLE["low"] > 0]
    with conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        robjects.globalenv["p"] = some[["low", "high"]]
    llf, mu, s = np.asarray(robjects.r(
        "m <- survival::survreg(survival::Surv(low, high, type = 'interval2') ~ 1, p, dist = 'weibull', control ="
        " survival::survreg.control(rel.tolerance = 1e-14)); c(logLik(m), coef(m), m$scale)"))
    data = DATA[DATA["id"].isin(some["id"])]
    res = fit(gbtm.Event(time="low", upper="high"), data=data)
    assert res.llf - fit(None, data=data).llf == pytest.approx(llf, abs=1e-6)
    np.testing.assert_allclose(res.params[["event_scale[1]", "event_shape[1]"]], [np.exp(mu), 1 / s], rtol=1e-5)


@pytest.mark.parametrize("hazard", ["weibull", "piecewise"])
def test_a_mixture_against_log_sum_exp_and_scipy(hazard):
    more = {} if hazard == "weibull" else {"hazard": hazard, "cuts": CUTS}
    res = fit(gbtm.Event(time="T", status="d", entry="entry", covariates="~ sex", **more), groups=2)
    p = 2 if hazard == "weibull" else 3

    def loglik(b):
        """Lines (4), log sigma, logit of the second share, effect, hazards of both groups."""
        share = np.log([1 / (1 + np.exp(b[5])), 1 / (1 + np.exp(-b[5]))])
        parts = []
        for k in range(2):
            own = b[7 + p * k : 7 + p * (k + 1)]
            h = hand.weibull_hazard(*np.exp(own)) if hazard == "weibull" else hand.piecewise_hazard(np.exp(own), CUTS)
            parts.append(hand.log_normal_curve(DATA, b[2 * k : 2 * k + 2], np.exp(b[4])) + hand.log_times(
                h, b[6] * PEOPLE["sex"], PEOPLE["T"], PEOPLE["d"], PEOPLE["entry"]).to_numpy())
        return hand.mixture(share, parts)

    own = [[f"event_scale[{k}]", f"event_shape[{k}]"] if hazard == "weibull" else
           [f"event_log_hazard{j + 1}[{k}]" for j in range(3)] for k in (1, 2)]
    values = res.params[[*own[0], *own[1]]].to_numpy()
    at = np.array([*res.params[["intercept[1]", "t[1]", "intercept[2]", "t[2]"]], np.log(res.params["sigma"]),
                   res.params["theta[2]"], res.params["event_sex"], *(np.log(values) if p == 2 else values)])
    assert loglik(at) == pytest.approx(res.llf, abs=1e-8)
    climbed = minimize(lambda b: -loglik(b), at + 0.02, method="BFGS", options={"gtol": 1e-5})
    assert -climbed.fun <= res.llf + 1e-6
    assert -climbed.fun == pytest.approx(res.llf, abs=1e-5)
    np.testing.assert_allclose(climbed.x, at, atol=2e-3)
    se = numeric_errors(loglik, at)
    assert res.bse["event_sex"] == pytest.approx(se[6], rel=1e-3)
    assert res.bse["theta[2]"] == pytest.approx(se[5], rel=1e-3)


def test_competing_causes_of_one_group_are_separate_models():
    """Given the group the log-likelihood is a sum over causes, each with the others' events for censored."""
    rng = np.random.default_rng(3)
    cause = np.where(PEOPLE["d"] == 1, rng.integers(1, 3, len(PEOPLE)), 0)
    data = DATA.merge(pd.DataFrame({"id": PEOPLE["id"], "c": cause, "c1": cause == 1, "c2": cause == 2}).astype(int))
    base = alone()
    both = fit(gbtm.Event(time="T", status="c", covariates="~ sex"), data=data)
    each = [fit(gbtm.Event(time="T", status=f"c{c}", covariates="~ sex"), data=data) for c in (1, 2)]
    assert both.llf - base == pytest.approx(sum(r.llf - base for r in each), abs=1e-7)
    for c in (1, 2):
        np.testing.assert_allclose(
            both.params[[f"event{c}_scale[1]", f"event{c}_shape[1]", f"event{c}_sex"]],
            each[c - 1].params[["event_scale[1]", "event_shape[1]", "event_sex"]], rtol=1e-5)


def test_cuts_by_number_have_as_many_events_in_each_interval():
    res = fit(gbtm.Event(time="T", status="d", hazard="piecewise", cuts=3))
    had = PEOPLE.loc[PEOPLE["d"] == 1, "T"]
    counts = np.histogram(had, [0, *res.event.spec.cuts, np.inf])[0]
    assert len(counts) == 3
    assert np.ptp(counts) <= 2


def test_who_has_no_time_says_nothing_of_the_event():
    """The log-likelihood is that of all people's outcomes and of the times that are known."""
    data = DATA.assign(T=DATA["T"].where(DATA["id"] >= 50))
    res = fit(gbtm.Event(time="T", status="d"), data=data)
    rest = fit(gbtm.Event(time="T", status="d"), data=DATA[DATA["id"] >= 50])
    assert res.event.n_known == 250
    assert res.n_subjects == 300
    np.testing.assert_allclose(res.params[["event_scale[1]", "event_shape[1]"]],
                               rest.params[["event_scale[1]", "event_shape[1]"]], rtol=1e-6)


def test_weights_count_people():
    twice = pd.concat([DATA, DATA.assign(id=DATA["id"] + 1000)])
    res = fit(gbtm.Event(time="T", status="d"), groups=2, data=twice)
    weighted = fit(gbtm.Event(time="T", status="d"), groups=2, data=DATA.assign(w=2.0), weights="w", cov_type="hessian")
    np.testing.assert_allclose(res.params, weighted.params, atol=1e-5)
    assert res.llf == pytest.approx(2 * weighted.llf, abs=1e-5)


def test_several_outcomes_share_groups_with_the_event():
    rng = np.random.default_rng(5)
    data = DATA.assign(x=rng.poisson(np.exp(0.5 + 0.2 * DATA["t"])))
    two = gbtm.GBTM.from_formula(
        ["y ~ t", gbtm.Outcome("x ~ t", family="poisson", order=1)], data, id="id", groups=1, order=1,
        event=gbtm.Event(time="T", status="d")).fit()
    x = gbtm.GBTM.from_formula("x ~ t", data, id="id", groups=1, order=1, family="poisson").fit()
    assert two.llf == pytest.approx(x.llf + fit(gbtm.Event(time="T", status="d"), data=data).llf, abs=1e-6)
    assert "event_scale[1]" in two.of_outcome("y").names
    assert "event_scale[1]" not in two.of_outcome("x").names
    posterior = two.classify(data.head(8))["probability"]
    assert (posterior == 1).all()


def test_saving_and_loading_keeps_everything(tmp_path):
    res = fit(gbtm.Event(time="T", status="d", covariates="~ C(sex) + z", hazard="piecewise", cuts=CUTS), groups=2)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.names == res.names
    np.testing.assert_array_equal(again.params, res.params)
    assert again.event.spec == res.event.spec
    np.testing.assert_array_equal(again.event.known, res.event.known)
    new = DATA[DATA["id"] < 5]
    pd.testing.assert_frame_equal(again.classify(new), res.classify(new))
    assert again.with_cov_type("robust").bse.notna().all()


def test_posteriors_use_the_time_where_it_is_known():
    res = fit(gbtm.Event(time="T", status="d"), groups=2)
    everything = res.classify(DATA)
    found = everything[everything["group"] == 2].set_index("id")["probability"]
    np.testing.assert_allclose(found, res.posterior[2], atol=1e-10)
    without = res.classify(DATA.drop(columns=["T", "d"]))
    b, z = res.params, []
    for k in (1, 2):
        curve = hand.log_normal_curve(DATA, b[[f"intercept[{k}]", f"t[{k}]"]].to_numpy(), b["sigma"])
        z.append(curve + (b["theta[2]"] if k == 2 else 0.0))
    np.testing.assert_allclose(without.loc[without["group"] == 2, "probability"], 1 / (1 + np.exp(z[0] - z[1])),
                               atol=1e-10)


def test_after_each_wave_an_event_to_come_is_not_known():
    res = fit(gbtm.Event(time="T", status="d"), groups=2)
    later = DATA[DATA["T"] > 3.5]
    changed = later.assign(T=later["T"] + 5, d=1 - later["d"])
    pd.testing.assert_frame_equal(res.classify(later, by_wave=True), res.classify(changed, by_wave=True))


def test_constraints_hold():
    event = gbtm.Event(time="T", status="d")
    res = fit(event, groups=2, constraints=["event_shape[1] = event_shape[2]"])
    assert res.params["event_shape[1]"] == pytest.approx(res.params["event_shape[2]"], abs=1e-12)
    free = fit(event, groups=2)
    assert free.llf > res.llf
    with pytest.raises(SpecificationError) as caught:
        fit(gbtm.Event(time="T", status="d", hazard="piecewise", cuts=CUTS), groups=2,
            constraints=["event_log_hazard1[1] = 2 * event_log_hazard1[2]"])
    assert caught.value.code == "not_linear"


def test_a_search_keeps_the_event():
    found = gbtm.search("y ~ t", DATA, id="id", groups=[1, 2], order=1, event=gbtm.Event(time="T", status="d"),
                        n_starts=2)
    assert found.best().event is not None
    assert found.best().llf == pytest.approx(fit(gbtm.Event(time="T", status="d"), groups=2).llf, abs=1e-4)


def test_what_it_does_not_go_with_is_refused():
    event = gbtm.Event(time="T", status="d")
    for more, argument in (({"dropout": 0}, "dropout"), ({"prior": "weak"}, "prior")):
        with pytest.raises(SpecificationError) as caught:
            fit(event, **more)
        assert (caught.value.code, caught.value.argument) == ("beside_event", argument)
    with pytest.raises(SpecificationError, match="one set of groups"):
        gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], DATA, id="id", groups=[2, 2], order=1, event=event)
    with pytest.raises(DataError, match="y is an array"):
        gbtm.GBTM(np.zeros((5, 3)), groups=1, event=event)
    res = fit(event)
    for ask, code in (
        (lambda: res.simulate(), "no_simulation"), (lambda: res.forecast(DATA), "no_forecast"),
        (lambda: gbtm.forecast_check(res, folds=2), "no_forecast"), (lambda: gbtm.blrt(fit(event, 2)), "no_simulation"),
        (lambda: gbtm.bootstrap(res, kind="parametric", n=2), "no_simulation"),
        (lambda: gbtm.train(gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=1, event=event)), "no_event_here"),
        (lambda: fit(None).survival(), "no_event"),
    ):
        with pytest.raises(SpecificationError) as caught:
            ask()
        assert caught.value.code == code


def test_a_bootstrap_of_people_works():
    out = gbtm.bootstrap(fit(gbtm.Event(time="T", status="d"), groups=2), n=5, rng=1)
    assert out.failures == 0
    assert out.params["event_scale[2]"].std() > 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"d": 7}, "a status other than"), ({"T": -1.0}, "infinite or negative time"),
        ({"entry": 99.0}, "not after their entry"), ({"d": np.nan}, "no status"), ({"d": 0}, "nobody had the event"),
    ],
)
def test_bad_values_are_refused(change, sentence):
    with pytest.raises(DataError, match=sentence):
        fit(gbtm.Event(time="T", status="d", entry="entry"), data=DATA.assign(**change))


def test_bad_requests_are_refused():
    for given in ({"time": "T"}, {"time": "T", "status": "d", "hazard": "gompertz"},
                  {"time": "T", "status": "d", "cuts": [1]}, {"time": 1, "status": "d"},
                  {"time": "T", "status": "d", "hazard": "piecewise", "cuts": [2, 1]}):
        with pytest.raises(SpecificationError) as caught:
            gbtm.Event(**given)
        assert caught.value.code == ("bad_time" if given["time"] == 1 else "bad_event")
    with pytest.raises(SpecificationError, match="nobody had the event between 50"):
        fit(gbtm.Event(time="T", status="d", hazard="piecewise", cuts=[3, 50]))
    with pytest.raises(SpecificationError, match="event"):
        fit({"status": "d"})
    with pytest.raises(DataError, match="differs between the rows"):
        fit(gbtm.Event(time="t", status="d"))


def test_a_group_without_an_event_is_told_of():
    low = DATA.groupby("id")["y"].transform("mean") < 1.2
    with pytest.warns(gbtm.GBTMWarning) as told:
        res = fit(gbtm.Event(time="T", status="d", hazard="piecewise", cuts=[2.0, 4.0]), groups=2,
                  data=DATA.assign(d=np.where(low, 0, DATA["d"])))
    assert {"event_log_hazard1[1]", "event_log_hazard2[1]"} <= set(res.bse[res.bse.isna()].index)
    assert any("In group 1 hardly anybody had the event in some of the intervals" in str(w.message) for w in told)
    assert not any("prior='weak'" in str(w.message) for w in told)


def test_new_people_with_other_causes_are_refused():
    res = fit(gbtm.Event(time="T", status="d"), groups=2)
    with pytest.raises(DataError, match="a cause of the event above 1"):
        res.classify(DATA[DATA["id"] < 3].assign(d=2))


def test_fits_with_other_events_are_not_compared():
    event = gbtm.Event(time="T", status="d")
    with_sex = fit(gbtm.Event(time="T", status="d", covariates="~ sex"))
    test = with_sex.compare_lr_test(fit(event))
    assert test.statistic == pytest.approx(2 * (with_sex.llf - fit(event).llf))
    for other in (fit(None), fit(event, data=DATA.assign(T=DATA["T"] + 1))):
        with pytest.raises(SpecificationError, match="another event"):
            with_sex.compare_lr_test(other)


def test_estimates_recover_what_was_drawn():
    """Means over sets within four standard errors of the truth, and spreads as the standard errors say."""
    names = ["event_scale[1]", "event_scale[2]", "event_shape[1]", "event_shape[2]", "event_sex"]
    truth = np.array([*hand.SCALES, *hand.SHAPES, hand.EFFECT])
    fits = [fit(gbtm.Event(time="T", status="d", covariates=["sex"]), groups=2, data=hand.people(seed=100 + s),
                n_starts=2) for s in range(30)]
    found, se = (np.array([getattr(r, what)[names] for r in fits]) for what in ("params", "bse"))
    off = (found.mean(axis=0) - truth) / (found.std(axis=0) / np.sqrt(len(fits)))
    assert (np.abs(off) < 4).all()
    assert (np.abs(found - truth) < 1.96 * se).mean() > 0.85


def test_the_code_of_a_fit_asks_for_it_again_and_the_report_tells_of_it(tmp_path):
    from gbtm.recipes.python_code import python_code
    from gbtm.recipes.r_code import r_code
    from gbtm.recipes.recipe import recipe
    from gbtm.recipes.stata import stata_code

    res = fit(gbtm.Event(time="T", status="d", covariates="~ sex", hazard="piecewise", cuts=CUTS), groups=2)
    text = python_code(recipe(res), "data.csv")
    assert 'event = gbtm_event(Surv(T, d) ~ sex, hazard = "piecewise", cuts = c(1.5, 4.0))' in r_code(
        recipe(res), "data.csv")
    assert "lacks a time to an event" in stata_code(res, recipe(res), "data.csv")
    gbtm.grolts_report(res, tmp_path / "report.html")
    assert "A time to an event is part of the model" in (tmp_path / "report.html").read_text(encoding="utf-8")
    call = text[text.index("event=") : text.index("event=") + 120].replace("\n", "")
    assert 'gbtm.Event(time="T", status="d", hazard="piecewise", cuts=[1.5, 4.0], covariates="~ sex")' in call


def test_a_status_of_one_and_two_is_told_of():
    """Many files code no event as 1 and an event as 2; here these are two causes, and nobody is censored."""
    coded = DATA.assign(d=DATA.d + 1)
    res = fit(gbtm.Event("T", "d"), data=coded)
    said = [w for w in res.warnings if "Nobody has the status 0" in w]
    assert len(said) == 1
    n = hand.once(coded).d.value_counts()
    assert f"{n[1]} of cause 1, {n[2]} of cause 2" in said[0]
    assert not any("status 0" in w for w in fit(gbtm.Event("T", "d")).warnings)


def test_words_on_an_event_are_of_an_event():
    with pytest.raises(DataError, match="time to an event is one per subject"):
        fit(gbtm.Event("t", "d"))
    with pytest.raises(SpecificationError, match=r"covariates: 'nope' cannot be evaluated.*covariates=\['age'"):
        fit(gbtm.Event("T", "d", covariates="nope"))
    with pytest.raises(TypeError, match="It is called covariates here"):
        gbtm.Event("T", "d", covariate="~ sex")
    with pytest.raises(SpecificationError) as caught:
        fit(np.zeros((300, 2)))
    assert len(str(caught.value)) < 200
