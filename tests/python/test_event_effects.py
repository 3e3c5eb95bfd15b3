"""Effects of covariates on the hazard that are each group's own."""

from __future__ import annotations

import numpy as np
import pytest

import event_data as hand
import gbtm
from conftest import needs_r

DATA = hand.people(200)
PEOPLE = hand.once(DATA)
OWN = gbtm.Event(time="T", status="d", covariates="~ sex + z", effects_by_group=True)
ONE = gbtm.Event(time="T", status="d", covariates="~ sex + z")
EFFECTS = ["event_sex[1]", "event_z[1]", "event_sex[2]", "event_z[2]"]


def fit(event, groups=2, data=DATA, **more):
    options = {k: more.pop(k) for k in ("start", "n_starts") if k in more}
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=groups, order=1, event=event, **more)
    return model.fit(**{"n_starts": 4, **options})


def test_one_group_is_survreg():
    needs_r("survival")
    from rpy2 import robjects
    from rpy2.robjects import conversion, pandas2ri

    with conversion.localconverter(robjects.default_converter + pandas2ri.converter):
        robjects.globalenv["p"] = PEOPLE[["T", "d", "sex", "z"]]
    mu, *g, s = np.asarray(robjects.r(
        "m <- survival::survreg(survival::Surv(T, d) ~ sex + z, p, dist = 'weibull', control ="
        " survival::survreg.control(rel.tolerance = 1e-14)); c(coef(m), m$scale)"))
    res = fit(OWN, 1)
    np.testing.assert_allclose(res.params[["event_scale[1]", "event_shape[1]", "event_sex[1]", "event_z[1]"]],
                               [np.exp(mu), 1 / s, *(-np.array(g) / s)], rtol=1e-5)
    assert res.llf == pytest.approx(fit(ONE, 1).llf, abs=1e-9)


@pytest.mark.parametrize("hazard", [{}, {"hazard": "piecewise", "cuts": [2.0, 4.0]}])
def test_a_mixture_is_that_of_the_likelihood_written_out(hazard):
    res = fit(gbtm.Event(time="T", status="d", covariates="~ sex + z", effects_by_group=True, **hazard))
    b, parts = res.params, []
    for k in (1, 2):
        curve = hand.log_normal_curve(DATA, b[[f"intercept[{k}]", f"t[{k}]"]].to_numpy(), b["sigma"])
        if hazard:
            h = hand.piecewise_hazard(np.exp([b[f"event_log_hazard{j}[{k}]"] for j in (1, 2, 3)]), [2.0, 4.0])
        else:
            h = hand.weibull_hazard(b[f"event_scale[{k}]"], b[f"event_shape[{k}]"])
        x = b[f"event_sex[{k}]"] * PEOPLE["sex"] + b[f"event_z[{k}]"] * PEOPLE["z"]
        parts.append(curve + hand.log_times(h, x, PEOPLE["T"], PEOPLE["d"]).to_numpy())
    share = np.log([1 / (1 + np.exp(b["theta[2]"])), 1 / (1 + np.exp(-b["theta[2]"]))])
    assert hand.mixture(share, parts) == pytest.approx(res.llf, abs=1e-8)
    assert res.bse[EFFECTS].notna().all()
    assert res.certificate.converged


def test_effects_made_equal_by_constraints_are_the_common_ones():
    one = fit(ONE)
    tied = fit(OWN, constraints=["event_sex[1] = event_sex[2]", "event_z[1] = event_z[2]"])
    assert tied.llf == pytest.approx(one.llf, abs=1e-6)
    np.testing.assert_allclose(tied.params[EFFECTS], one.params[["event_sex", "event_z"] * 2], atol=1e-6)
    np.testing.assert_allclose(tied.bse[EFFECTS], one.bse[["event_sex", "event_z"] * 2], rtol=1e-5)
    others = [n for n in one.names if n not in ("event_sex", "event_z")]
    np.testing.assert_allclose(tied.params[others], one.params[others], atol=1e-6)


def test_common_effects_are_tested_against_own_ones():
    own, one = fit(OWN), fit(ONE)
    test = own.compare_lr_test(one)
    assert test.df == 2
    assert test.statistic == pytest.approx(2 * (own.llf - one.llf), abs=1e-8)
    with pytest.raises(gbtm.SpecificationError):
        one.compare_lr_test(own)
    wald = own.wald_test("event_sex[1] = event_sex[2], event_z[1] = event_z[2]")
    assert wald.statistic == pytest.approx(test.statistic, abs=1.5)


def test_curves_and_predictions_have_each_groups_own(tmp_path):
    res = fit(OWN)
    b, table = res.params, res.survival([2.0, 5.0], at={"sex": 1, "z": -0.5})
    want = [np.exp(-np.exp(b[f"event_sex[{k}]"] - 0.5 * b[f"event_z[{k}]"])
                   * (t / b[f"event_scale[{k}]"]) ** b[f"event_shape[{k}]"]) for k in (1, 2) for t in (2.0, 5.0)]
    np.testing.assert_allclose(table["survival"], want, rtol=1e-12)

    def total(values):
        """H of the first row."""
        v = dict(zip(res.names, values, strict=True))
        return np.exp(v["event_sex[1]"] - 0.5 * v["event_z[1]"]) * (2.0 / v["event_scale[1]"]) ** v["event_shape[1]"]

    at, steps = b.to_numpy(), 1e-6 * np.eye(len(b))
    slope = np.array([(total(at + s) - total(at - s)) / 2e-6 for s in steps])
    se = np.sqrt(slope @ res.cov_params().to_numpy() @ slope) * np.exp(-total(at))
    assert table["std err"][0] == pytest.approx(se, rel=1e-5)
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.event.spec.effects_by_group
    assert again.names == res.names
    new = DATA[DATA["id"] < 4]
    ahead = res.predict_event(new, horizon=2, landmark=1)
    later = again.predict_event(new, horizon=2, landmark=1)
    assert ahead["probability"].to_numpy() == pytest.approx(later["probability"])
    now, person = new[(new["id"] == 1) & (new["t"] <= 1)], PEOPLE.iloc[1]
    weight, gone = [], []
    for k in (1, 2):
        x = b[f"event_sex[{k}]"] * person["sex"] + b[f"event_z[{k}]"] * person["z"]
        h = hand.weibull_hazard(b[f"event_scale[{k}]"], b[f"event_shape[{k}]"])[0]
        curve = hand.log_normal_curve(now, b[[f"intercept[{k}]", f"t[{k}]"]].to_numpy(), b["sigma"])[0]
        weight.append(np.exp(curve + (b["theta[2]"] if k == 2 else 0.0) - np.exp(x) * h(1.0)))
        gone.append(1 - np.exp(-np.exp(x) * (h(3.0) - h(1.0))))
    assert ahead["probability"][1] == pytest.approx(np.average(gone, weights=weight), rel=1e-8)
    posterior = res.classify(DATA)
    assert posterior.loc[posterior["group"] == 2, "probability"].to_numpy() == pytest.approx(
        res.posterior[2].to_numpy(), abs=1e-8)


def test_competing_causes_have_own_effects_too():
    data = DATA.assign(c=np.where(DATA["d"] == 1, 1 + DATA["id"] % 2, 0))
    res = fit(gbtm.Event(time="T", status="c", covariates="~ sex", effects_by_group=True), data=data)
    assert {"event1_sex[1]", "event1_sex[2]", "event2_sex[1]", "event2_sex[2]"} <= set(res.names)
    shares = [res.survival([3.0], cause=c, at={"sex": 1})["incidence"] for c in (1, 2)]
    np.testing.assert_allclose(shares[0] + shares[1], 1 - res.survival([3.0], at={"sex": 1})["survival"], atol=1e-9)


def test_code_reports_and_searches_keep_it(tmp_path):
    from gbtm.recipes.python_code import python_code
    from gbtm.recipes.r_code import r_code
    from gbtm.recipes.recipe import recipe

    res = fit(OWN)
    assert "effects_by_group=True" in python_code(recipe(res), "data.csv")
    assert "gbtm_event(Surv(T, d) ~ sex + z, effects_by_group = TRUE)" in r_code(recipe(res), "data.csv")
    assert "hazard in each group, and effects of covariates too." in str(res.summary())
    gbtm.grolts_report(res, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<td>event_sex</td>") == 2  # once in each group's table
    found = gbtm.search("y ~ t", DATA, id="id", groups=[1, 2], order=1, event=OWN, n_starts=2)
    assert "event_z[2]" in found.best().names


def test_without_covariates_it_is_refused():
    with pytest.raises(gbtm.SpecificationError, match="effects_by_group goes with covariates"):
        fit(gbtm.Event(time="T", status="d", effects_by_group=True))
    with pytest.raises(gbtm.SpecificationError, match="True or False"):
        gbtm.Event(time="T", status="d", covariates="~ sex", effects_by_group=2)
