"""Users' names among ours: parameters that would be called alike are refused, columns of tables get an underscore."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.data.output_names import apart

N, T = 30, 4


def _data():
    rng = np.random.default_rng(0)
    i = np.repeat(np.arange(N), T)
    d = pd.DataFrame({"who": i, "t": np.tile(np.arange(T), N) * 1.0, "x": rng.normal(size=N)[i]})
    d["w"] = rng.normal(size=N * T)
    d["y"] = 4 * (i % 2) + rng.normal(size=N * T)
    d["c"] = rng.poisson(1 + 4 * (i % 2))
    return d


DATA = _data()


def test_each_name_is_apart_from_the_tables_and_from_those_before():
    assert apart(["a", "b"], ["c"]) == ["a", "b"]
    assert apart(["group", "group", "group_"], ["group"]) == ["group_", "group__", "group___"]


COLUMNS = {
    "predict": lambda r, d: (r.predict([0.0, 1.0]), 7),
    "observed_means": lambda r, d: (r.observed_means, 4),
    "classify": lambda r, d: (r.classify(d), 7),
    "classify by wave": lambda r, d: (r.classify(d, by_wave=True), 7),
    "simulate": lambda r, d: (r.simulate(), 4),
    "posterior": lambda r, d: (r.posterior.reset_index(), 3),
    "assignment": lambda r, d: (r.assignment.reset_index(), 2),
}
TABLE_NAMES = ["group", "estimate", "lower", "mean", "weight", "probability", "assigned", "upper", "id", "outside"]


@pytest.fixture(scope="module")
def plain():
    return gbtm.GBTM.from_formula("y ~ t", DATA, id="who", groups=2, order=1).fit(n_starts=2)


@pytest.mark.parametrize("name", TABLE_NAMES)
@pytest.mark.parametrize("whose", ["time", "id", "outcome"])
def test_a_column_called_as_one_of_a_table_is_in_it_all_the_same(name, whose, plain):
    old = {"time": "t", "id": "who", "outcome": "y"}[whose]
    d = DATA.rename(columns={old: name})
    names = {"time": "t", "id": "who", "outcome": "y", whose: name}
    model = gbtm.GBTM.from_formula(f"{names['outcome']} ~ {names['time']}", d, id=names["id"], groups=2, order=1)
    res = model.fit(start=plain.params.to_numpy())
    for what, make in COLUMNS.items():
        table, width = make(res, d)
        own, _ = make(plain, DATA)
        assert (len(table.columns), table.columns.is_unique) == (width, True), what
        for a, b in zip(table, own, strict=True):  # the same numbers in the same places
            np.testing.assert_allclose(table[a].to_numpy(dtype=float), own[b].to_numpy(dtype=float), atol=1e-6)
    res.plot()


CLASHES = {
    "time intercept": ({"t": "intercept"}, "y ~ intercept", {}, "time"),
    "time theta": ({"t": "theta"}, "y ~ theta", {}, "time"),
    "time sigma": ({"t": "sigma"}, "y ~ sigma", {"sigma_by_group": True}, "time"),
    "time rho": ({"t": "rho"}, "y ~ rho", {"ar1": True, "rho_by_group": True}, "time"),
    "tcov sigma": ({"w": "sigma"}, "y ~ t", {"tcov": "sigma", "sigma_by_group": True}, "tcov"),
    "tcov psi": ({"w": "psi"}, "c ~ t", {"tcov": "psi", "family": "negbin", "dispersion_by_group": True}, "tcov"),
    "tcov zero part": (
        {"w": "zero_t"}, "c ~ t", {"tcov": "zero_t", "family": "zip", "iorder": [1, 1]}, "tcov"),
    "tcov random effect": ({"w": "r0_sigma"}, "y ~ t", {"tcov": "r0_sigma", "rorder": 0}, "tcov"),
    "tcov and risk": ({"w": "theta_x"}, "y ~ t", {"tcov": "theta_x", "risk": "x"}, "risk"),
    "tcov power": ({"w": "t^2"}, "y ~ t", {"tcov": ["t^2"], "order": 2}, "tcov"),
    "tcov blank": ({"w": "t "}, "y ~ t", {"tcov": ["t "]}, "tcov"),
}


@pytest.mark.parametrize("case", CLASHES)
def test_parameters_that_would_be_called_alike_are_refused(case):
    renamed, formula, model, argument = CLASHES[case]
    with pytest.raises(SpecificationError) as caught:
        gbtm.GBTM.from_formula(
            formula, DATA.rename(columns=renamed), id="who", groups=2, **{"order": 1, **model})
    assert (caught.value.code, caught.value.argument) == ("name_clash", argument)


def test_columns_that_differ_in_blanks_alone_are_refused():
    d = DATA.assign(**{"x ": DATA["x"] ** 2})
    with pytest.raises(SpecificationError, match="blanks") as caught:
        gbtm.GBTM.from_formula("y ~ t", d, id="who", groups=2, order=1, risk=["x", "x "])
    assert caught.value.argument == "risk"
    with pytest.raises(SpecificationError, match="blanks"):
        gbtm.GBTM.from_formula("y ~ t", d.assign(**{"w ": d["w"] ** 2}), id="who", groups=2, order=1, tcov=["w", "w "])


def test_a_covariate_called_as_a_scale_parameter_may_be_negative():
    d = DATA.assign(sigma_own=-DATA["w"], y=DATA["t"] + 3 * DATA["w"] + 0.1 * DATA["y"])
    model = gbtm.GBTM.from_formula("y ~ t", d, id="who", groups=1, order=1, tcov="sigma_own")
    res = model.fit()
    assert res.params["sigma_own[1]"] == pytest.approx(-3, abs=0.4)
    assert model.fit(start=res.params).llf == pytest.approx(res.llf)
    assert "sigma_own" in str(res.summary())
