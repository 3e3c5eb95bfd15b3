"""The sentence on fits that the data hardly determine: who gets it, whom it names, and what it says."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import gbtm
import oracle
from findings import fit_and_codes, message_of
from gbtm.findings import weak_checks as room
from weak_data import weak_table

WAVES = np.arange(6.0) / 5


SHARES_7_2_1 = (np.log(2 / 7), np.log(1 / 7))


def three_binary_groups(n, seed, theta=SHARES_7_2_1, apart=2.0):
    model = oracle.Model("logit", (1, 1, 1))
    _, _, y, _ = oracle.simulate(
        model, np.array([-apart, 0.5, 0, 0.5, apart, 0, *theta]), n, WAVES, np.random.default_rng(seed)
    )
    return y.reshape(n, -1)


@pytest.mark.parametrize("seed", [4, 6])
def test_groups_that_overlap_are_told(seed):
    res, codes = fit_and_codes(
        three_binary_groups(150, seed), WAVES, groups=3, order=1, family="logit", fit={"n_starts": 4})
    assert codes.count("weak_fit") == 1
    said = message_of(res, "weak_fit")
    assert "profile_int() or gbtm.bootstrap()" in said
    named = re.search(r"tests of (.*?) are not to be trusted", said)[1].split(" and ")[0].split(", ")
    assert set(named) <= set(res.params.index[res.bse.notna()])


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_that_stand_apart_are_not(seed):
    y = three_binary_groups(1000, seed, theta=(0.0, -0.3), apart=2.5)
    _, codes = fit_and_codes(y, WAVES, groups=3, order=1, family="logit", fit={"n_starts": 1})
    assert "weak_fit" not in codes


def test_the_sentence_gives_the_fall_at_the_end_of_an_interval():
    """The fall that is quoted, from the profile interval's own machinery."""
    from gbtm.compute.threads import with_gradients
    from gbtm.inference.profile import Profile
    from gbtm.record.rebuild import module_of

    res = gbtm.GBTM.from_formula("y ~ t", data=weak_table(), id="id", groups=3, order=1, family="logit").fit(n_starts=2)
    said = message_of(res, "weak_fit")
    found = re.search(r"errors (above|below) (\S+) the log-likelihood is(?: only)? (\S+) lower", said)
    side, name, fall = found.groups()
    with with_gradients():
        profile = Profile(module_of(res), res.names.index(name))
        end = profile.centre + (1 if side == "above" else -1) * 1.959964 * float(res.bse[name])
        assert profile.drop(end) == pytest.approx(float(fall), abs=0.1)


def test_estimates_are_the_same_with_and_without_it(monkeypatch):
    y = three_binary_groups(150, 4)
    res, codes = fit_and_codes(y, WAVES, groups=3, order=1, family="logit", fit={"n_starts": 2})
    monkeypatch.setattr(room, "falls", lambda module, flat, cov, gradients: np.full((2, len(gradients)), room.PARABOLA))
    other, silent = fit_and_codes(y, WAVES, groups=3, order=1, family="logit", fit={"n_starts": 2})
    assert "weak_fit" in codes
    assert "weak_fit" not in silent
    assert res.params.equals(other.params)
    assert res.bse.equals(other.bse)


def test_with_weights_there_is_no_profile_to_point_to():
    y = three_binary_groups(150, 4)
    table = pd.DataFrame({"id": np.repeat(np.arange(150), 6), "t": np.tile(WAVES, 150), "y": y.ravel()})
    table["w"] = np.repeat(np.random.default_rng(0).uniform(0.99, 1.01, 150), 6)
    model = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=1, family="logit", weights="w")
    with pytest.warns(gbtm.GBTMWarning, match="weakly"):
        res = model.fit(n_starts=2)
    said = message_of(res, "weak_fit")
    assert "Use gbtm.bootstrap()" in said
    assert "profile_int" not in said


@pytest.mark.parametrize(
    ("fall", "told", "group"),
    [
        ([[1.92] * 5] * 2, False, None),  # a parabola
        ([[1.0] * 5, [3.0] * 5], True, None),  # all of them off
        ([[0.5, 0.5, 1.9, 1.9, 1.9], [6.0, 6.0, 1.9, 1.9, 1.9]], True, 1),  # one group's
        ([[0.8, 1.9, 1.9, 1.9, 1.9], [3.0, 1.9, 1.9, 1.9, 1.9]], False, None),  # one skew parameter of one group
        ([[np.inf] * 5, [1.9] * 5], True, None), ([[np.nan] * 5] * 2, False, None), ([[-0.04] * 5] * 2, True, None),
    ],
)
def test_bounds(monkeypatch, fall, told, group):
    y = np.random.default_rng(0).poisson(np.repeat([1.0, 8.0], 50)[:, None], (100, 5))
    monkeypatch.setattr(room, "falls", lambda *_: np.array(fall))
    res, codes = fit_and_codes(y, groups=2, order=1, family="poisson", fit={"n_starts": 1})
    assert ("weak_fit" in codes) == told
    if told:
        assert next(w for w in res.document["warnings"] if w["code"] == "weak_fit")["group"] == group
        assert "intercept[1], time[1]" in message_of(res, "weak_fit")
        assert ("is no lower than at the estimates" in message_of(res, "weak_fit")) == (np.min(fall) < 0)


def test_a_search_that_fell_short_is_told_by_a_higher_place_within_the_intervals():
    """Four starts end 13 below the best optimum, which the intervals of random effects' sds reach."""
    rng = np.random.default_rng(3)
    people = 60
    subject, t = np.repeat(np.arange(people), 5), np.tile(np.arange(5.0, 10.0), people)
    high = (np.arange(people) % 3 == 0)[subject]
    b = rng.normal(size=(people, 2)) * [1.0, 0.3]
    y = np.where(high, 9.0 + 0.5 * t, 0.0) + b[subject, 0] + b[subject, 1] * (t - 7) + 0.5 * rng.normal(size=t.size)
    rng.normal(size=t.size)
    data = pd.DataFrame({"id": subject, "t": t, "y": y})[rng.random(t.size) > 0.2]
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1, rorder=1)
    best, short = model.fit(rng=0), model.fit(n_starts=4, rng=0)
    assert best.llf > short.llf + 10
    said = message_of(short, "fell_short")
    assert 0.05 < float(re.search(r"likelihood (\S+) higher", said)[1]) <= best.llf - short.llf + 1e-6
    assert "fell_short" not in [w["code"] for w in best.document["warnings"]]
