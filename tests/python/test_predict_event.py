"""Dynamic predictions of an event against formulas by hand, and their errors against differences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import event_data as hand
import gbtm
from gbtm import DataError, GBTMWarning, SpecificationError

DATA = hand.people()
NEW = DATA[DATA["id"].isin([3, 8, 20])]


@pytest.fixture(scope="module")
def res():
    event = gbtm.Event(time="T", status="d", covariates="~ sex")
    return gbtm.GBTM.from_formula("y ~ t", DATA, id="id", groups=2, order=1, event=event).fit(n_starts=2)


def by_hand(b, person, now, step):
    """P(event by now + step | none by now, outcomes up to now) of one person's rows."""
    seen = person[person["t"] <= now]
    joint, left = [], []
    for k in (1, 2):
        total, _ = hand.weibull_hazard(b[f"event_scale[{k}]"], b[f"event_shape[{k}]"])
        risk = np.exp(b["event_sex"] * person["sex"].iloc[0])
        curve = hand.log_normal_curve(seen, [b[f"intercept[{k}]"], b[f"t[{k}]"]], b["sigma"])[0]
        joint.append(curve + (b["theta[2]"] if k == 2 else 0.0) - risk * total(now))
        left.append(np.exp(risk * (total(now) - total(now + step))))
    w = np.exp(np.array(joint) - max(joint))
    return float((w / w.sum()) @ (1 - np.array(left)))


def test_predictions_by_hand(res):
    table = res.predict_event(NEW, horizon=[0.5, 2.0], landmark=1.0)
    expected = [by_hand(res.params, NEW[NEW["id"] == i], 1.0, s) for i in (3, 8, 20) for s in (0.5, 2.0)]
    np.testing.assert_allclose(table["probability"], expected, rtol=1e-9)
    assert table["landmark"].eq(1.0).all()


def test_wave_by_wave(res):
    table = res.predict_event(NEW, horizon=2.0, by_wave=True).set_index(["id", "landmark"])["probability"]
    assert len(table) == 12
    for (i, now), p in table.items():
        assert p == pytest.approx(by_hand(res.params, NEW[NEW["id"] == i], now, 2.0), rel=1e-9)


def test_the_last_wave_is_the_landmark_and_the_event_is_not_looked_at(res):
    other = NEW.assign(T=0.5, d=1)
    table = res.predict_event(other, horizon=1.0)
    assert table["landmark"].eq(3.0).all()
    pd.testing.assert_frame_equal(table, res.predict_event(NEW.drop(columns=["T", "d"]), horizon=1.0))


def test_errors_are_the_delta_method_of_it_all(res):
    """By differences of the reported parameters, of the weights of the groups and of the hazards."""
    row = res.predict_event(NEW[NEW["id"] == 8], horizon=2.0, landmark=1.0).iloc[0]
    names, b, v = list(res.params.index), res.params.to_numpy(), res.cov_params().to_numpy()
    person = NEW[NEW["id"] == 8]
    gradient = np.array([
        (by_hand(pd.Series(b + h, names), person, 1.0, 2.0) - by_hand(pd.Series(b - h, names), person, 1.0, 2.0)) / 2e-5
        for h in 1e-5 * np.eye(b.size)])
    se = np.sqrt(gradient @ v @ gradient)
    assert row["std err"] == pytest.approx(se, rel=1e-5)
    p = row["probability"]
    eta, spread = np.log(-np.log1p(-p)), se / ((1 - p) * -np.log1p(-p))
    ends = [-np.expm1(-np.exp(eta + sign * 1.959963984540054 * spread)) for sign in (-1, 1)]
    np.testing.assert_allclose([row["lower"], row["upper"]], ends, rtol=1e-5)


def test_causes_add_up():
    rng = np.random.default_rng(2)
    people = hand.once(DATA)
    data = DATA.merge(pd.DataFrame({"id": people["id"], "c": people["d"] * rng.integers(1, 3, len(people))}))
    event = gbtm.Event(time="T", status="c", hazard="piecewise", cuts=[2.0])
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, event=event).fit(n_starts=2)
    new = data[data["id"] < 4]
    each = [res.predict_event(new, horizon=1.5, landmark=1.0, cause=c)["probability"] for c in (1, 2)]
    total = res.predict_event(new, horizon=1.5, landmark=1.0)["probability"]
    np.testing.assert_allclose(each[0] + each[1], total, atol=1e-9)


def test_people_without_an_outcome_by_then_are_told(res):
    new = pd.concat([NEW[NEW["id"] == 3], NEW[(NEW["id"] == 8) & (NEW["t"] >= 2)]])
    with pytest.warns(GBTMWarning, match="1 people have no outcome up to the landmark"):
        table = res.predict_event(new, horizon=1.0, landmark=1.0)
    assert table["id"].tolist() == [3]


def test_bad_questions_are_refused(res):
    for more, code in (({"horizon": 0.0}, "bad_horizon"), ({"cause": 2}, "bad_cause"),
                       ({"landmark": -1.0}, "bad_landmark"), ({"landmark": 1.0, "by_wave": True}, "bad_landmark")):
        with pytest.raises(SpecificationError) as caught:
            res.predict_event(NEW, **more)
        assert caught.value.code == code


def test_a_covariate_that_new_people_lack_is_named():
    data = hand.people(80)
    model = gbtm.GBTM.from_formula(
        "y ~ t", data, id="id", groups=2, order=1, event=gbtm.Event("T", "d", covariates="~ sex + z"))
    made = model.fit(n_starts=1)
    with pytest.raises(DataError, match="event: no column named 'z'"):
        made.predict_event(data.drop(columns="z"))


@pytest.mark.parametrize("given", ["a", ["x"], pd.Timestamp("2020-01-01"), {"t": 1}])
def test_what_is_no_number_is_refused_by_name(res, given):
    with pytest.raises(DataError) as caught:
        res.survival(times=given)
    assert (caught.value.code, caught.value.argument) == ("not_numeric", "times")
