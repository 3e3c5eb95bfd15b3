"""Waves: distinct times up to rounding, or a column that counts them where times are people's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError, SpecificationError
from gbtm.data.panel import Panel
from gbtm.data.waves import joined, wave_codes
from gbtm.recipes.recipe import recipe

N, T = 60, 5
TENTHS = np.array([0.1 * k for k in range(T)])  # 0.30000000000000004 among them
ROUNDED = np.array([0, 0.1, 0.2, 0.3, 0.4])


def _people(seed=0, leave=True):
    """People who leave at known waves, at ages of their own."""
    rng = np.random.default_rng(seed)
    i, w = np.repeat(np.arange(N), T), np.tile(np.arange(T), N)
    d = pd.DataFrame({"id": i, "wave": w + 1, "age": (w + rng.uniform(0, 0.5, N * T)).round(3)})
    d["y"] = 4.0 * (i % 2) + 0.3 * w + rng.normal(size=N * T)
    return d[~((d["id"] % 3 == 0) & (d["wave"] > 3))] if leave else d


def _hazard(d):
    """Drop-outs over person-waves at risk, counted person by person."""
    left = at_risk = 0
    for _, waves in d.groupby("id")["wave"]:
        last = waves.max()
        left += last < T
        at_risk += min(last, T - 1) - waves.min() + 1
    return left / at_risk


def test_values_that_rounding_tells_apart_are_one():
    values = np.array([0.30000000000000004, 0.3, 0.3, 7.0, np.nan, 0.1 + 0.2, 7.000000001])
    out = joined(values)
    assert out[:6].tolist()[:4] == [0.3, 0.3, 0.3, 7.0]
    assert np.isnan(out[4])
    assert out[5] == 0.3
    assert out[6] == 7.0
    apart = np.array([0.0, 1e-6, 1.0])
    assert joined(apart) is apart  # nothing is touched where nothing is to be joined
    assert joined(np.array([5.0, 5.0])).tolist() == [5.0, 5.0]


def test_waves_of_a_fit_count_where_nobody_new_was_seen():
    levels, codes = wave_codes(np.array([4.0, 1.0, np.nan]), np.array([True, True, False]), [0, 1, 2, 3])
    assert levels.tolist() == [0, 1, 2, 3, 4]
    assert codes[:2].tolist() == [4, 1]


@pytest.mark.parametrize("form", ["long", "arrays", "wide"])
@pytest.mark.parametrize("dropout", [None, 1])
def test_times_that_rounding_tells_apart_are_one_wave(form, dropout):
    y = 3.0 * (np.arange(N) % 2)[:, None] + np.random.default_rng(0).normal(size=(N, T))
    y[::4, 3:] = np.nan
    fits = []
    for times in (np.tile(ROUNDED, (N, 1)), np.where(np.arange(N)[:, None] % 3 == 0, TENTHS, ROUNDED)):
        if form == "wide":
            table = pd.DataFrame(np.hstack([y, times]), columns=[f"{s}{j}" for s in "yt" for j in range(T)])
            model = gbtm.GBTM.from_formula(
                "y ~ t", table, groups=2, order=1, dropout=dropout, wide={"y": "y?", "t": "t?"})
        elif form == "long":
            table = pd.DataFrame({"id": np.repeat(np.arange(N), T), "t": times.ravel(), "y": y.ravel()})
            model = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, dropout=dropout)
        else:
            model = gbtm.GBTM(y.ravel(), times.ravel(), np.repeat(np.arange(N), T), groups=2, order=1, dropout=dropout)
        fits.append(model.fit(n_starts=2))
    for fit in fits:
        assert fit.predict().iloc[:, 1].tolist() == [*ROUNDED, *ROUNDED]
        assert fit.observed_means.iloc[:, 1].tolist() == pytest.approx([*ROUNDED, *ROUNDED])
        assert fit.outcomes[0].data.wave.max() == T - 1
    assert fits[0].llf == pytest.approx(fits[1].llf, abs=1e-9)
    if dropout:
        assert fits[1].dropout.n_records == fits[0].dropout.n_records


def test_two_rows_of_a_person_at_one_time_but_for_rounding_are_refused():
    d = pd.DataFrame({"id": [1, 1, 1], "t": [0.1 + 0.2, 0.3, 1.0], "y": [1.0, 2.0, 3.0]})
    with pytest.raises(DataError) as caught:
        Panel.from_long(d, id="id", time="t", outcome="y")
    assert caught.value.code == "duplicate_time"


def test_the_hazard_is_dropouts_over_person_waves_at_risk():
    d = _people()
    res = gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=1, order=1, dropout=0, wave="wave").fit()
    assert 1 / (1 + np.exp(-res.params["drop0[1]"])) == pytest.approx(_hazard(d), abs=1e-8)
    arrays = gbtm.GBTM(d["y"], d["age"], d["id"], groups=1, order=1, dropout=0, wave=d["wave"].sample(frac=1)).fit()
    assert arrays.llf == pytest.approx(res.llf)
    # where the times are the waves, the column says nothing new
    by_time = gbtm.GBTM.from_formula("y ~ wave", d, id="id", groups=1, order=1, dropout=1).fit()
    by_wave = gbtm.GBTM.from_formula("y ~ wave", d, id="id", groups=1, order=1, dropout=1, wave="wave").fit()
    assert by_wave.llf == pytest.approx(by_time.llf, abs=1e-10)


def test_a_wave_that_was_missed_counts_as_stayed():
    d = _people()
    d = d[~((d["id"] % 5 == 1) & d["wave"].isin([2, 3]))]
    res = gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=1, order=1, dropout=0, wave="wave").fit()
    assert 1 / (1 + np.exp(-res.params["drop0[1]"])) == pytest.approx(_hazard(d), abs=1e-8)


@pytest.mark.parametrize("digits", [0, 1, 3])
def test_times_of_peoples_own_are_no_waves(digits):
    d = _people().assign(age=lambda x: (10 * x["age"]).round(digits))
    with pytest.raises(SpecificationError, match="wave=") as caught:
        gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=2, order=1, dropout=0)
    assert (caught.value.code, caught.value.argument) == ("no_waves", "dropout")
    gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=2, order=1)  # without dropout they may be


def test_waves_of_which_many_are_missed_are_waves():
    d = _people(leave=False).sample(frac=0.6, random_state=1)
    assert gbtm.GBTM.from_formula("y ~ wave", d, id="id", groups=1, order=1, dropout=0).panel.history.n_waves == T


def test_ages_of_cohorts_are_told():
    d = _people(leave=False).assign(age=lambda x: x["wave"] + 10 + 2 * (x["id"] % 3))
    res = gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=1, order=1, dropout=0).fit()
    assert any(f.code == "no_common_end" for f in res.findings)
    whole = d[~((d["id"] == 1) & (d["wave"] == T))]
    counted = gbtm.GBTM.from_formula("y ~ age", whole, id="id", groups=1, order=1, dropout=0, wave="wave").fit()
    assert not any(f.code == "no_common_end" for f in counted.findings)
    assert counted.dropout.n_dropped == 1


def test_new_people_are_scored_by_the_waves_of_the_fit(tmp_path):
    d = _people()
    res = gbtm.GBTM.from_formula("y ~ age", d, id="id", groups=2, order=1, dropout=0, wave="wave").fit(n_starts=2)
    res.save(tmp_path / "fit.json")
    some = d[d["id"].isin([0, 1]) & d["wave"].isin([1, 3])]  # seen at waves 1 and 3: stayed at 2 and 3
    for fit in (res, gbtm.load(tmp_path / "fit.json")):
        p = fit.classify(some).pivot(index="id", columns="group", values="probability").to_numpy()
        stay = np.exp(-2 * np.logaddexp(0, res.params[["drop0[1]", "drop0[2]"]].to_numpy()))
        log_f = np.zeros((2, 2))
        for k in (1, 2):
            mean = res.params[f"intercept[{k}]"] + res.params[f"age[{k}]"] * some["age"]
            log_f[:, k - 1] = -0.5 * (((some["y"] - mean) / res.params["sigma"]) ** 2).groupby(some["id"]).sum()
        joint = res.group_shares["share"].to_numpy() * stay * np.exp(log_f)
        np.testing.assert_allclose(p, joint / joint.sum(axis=1, keepdims=True), atol=1e-10)
        assert fit.classify(d, by_wave=True)["probability"].notna().all()
    assert recipe(res).columns["wave"] == "wave"


def test_new_people_at_some_of_the_times_of_a_fit_have_its_waves():
    d = _people()
    res = gbtm.GBTM.from_formula("y ~ wave", d, id="id", groups=2, order=1, dropout=0).fit(n_starts=2)
    counted = gbtm.GBTM.from_formula("y ~ wave", d, id="id", groups=2, order=1, dropout=0, wave="wave").fit(n_starts=2)
    some = d[d["wave"].isin([1, 4])]
    np.testing.assert_allclose(res.classify(some)["probability"], counted.classify(some)["probability"], atol=1e-7)


REFUSED = {
    "wide": (lambda d: gbtm.GBTM.from_formula(
        "y ~ t", d.pivot(index="id", columns="wave", values="y").add_prefix("y"), groups=1, wave="wave",
        wide={"y": "y*", "t": range(T)}), "wave_of_wide"),
    "wide arrays": (lambda d: gbtm.GBTM(np.zeros((3, 2)), [0, 1], groups=1, wave=[0, 1]), "wave_of_wide"),
    "missing": (lambda d: gbtm.GBTM.from_formula(
        "y ~ age", d.assign(wave=d["wave"].where(d["wave"] != 2)), id="id", groups=1, wave="wave"), "missing_wave"),
    "falling": (lambda d: gbtm.GBTM.from_formula(
        "y ~ age", d.assign(wave=-d["wave"]), id="id", groups=1, wave="wave"), "waves_disagree"),
    "the same": (lambda d: gbtm.GBTM.from_formula(
        "y ~ age", d.assign(wave=d["wave"] // 2), id="id", groups=1, wave="wave"), "waves_disagree"),
    "no column": (lambda d: gbtm.GBTM.from_formula(
        "y ~ age", d, id="id", groups=1, wave="visit"), "unknown_column"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_counts_no_waves_is_refused(case):
    call, code = REFUSED[case]
    with pytest.raises(DataError) as caught:
        call(_people())
    assert caught.value.code == code
