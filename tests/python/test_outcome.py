"""Outcomes as the engine sees them: what a family refuses, and what covariates and exposure do to a fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from conftest import arguments, long_table, true_data
from gbtm import DataError, SpecificationError
from gbtm.data.panel import Panel
from gbtm.families import FAMILIES
from gbtm.model.outcome import prepare
from gbtm.specification.spec import make_spec
from parts import draw, mixture


def _refused(code, argument, call, *fragments):
    with pytest.raises(SpecificationError) as caught:
        call()
    assert (caught.value.code, caught.value.argument) == (code, argument)
    assert caught.value.way_out
    for fragment in (argument, *fragments):
        assert fragment in str(caught.value)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_exposure_goes_with_counts_only(family):
    y = {"beta": [[0.2, 0.5], [0.3, 0.6]], "normal": [[0.2, 0.5], [0.3, 0.6]], "cnorm": [[0.2, 0.5], [0.3, 0.6]]}
    make = lambda: gbtm.GBTM(  # noqa: E731
        np.array(y.get(family, [[0, 1], [1, 0]])), [1, 2], groups=1, order=0, family=family, exposure=np.ones((2, 2)))
    if FAMILIES[family].takes_exposure:
        assert make().panel.outcomes[0].exposure.tolist() == [1, 1, 1, 1]
    else:
        named = FAMILIES[family].without_trials or family  # without trials it is a logit
        _refused("bad_exposure", "exposure", make, named, "poisson")


def test_covariates_that_say_nothing_new_are_refused():
    rng = np.random.default_rng(0)
    table = long_table(*true_data("normal"))
    w = rng.normal(size=len(table))
    make = lambda order=1, **columns: gbtm.GBTM.from_formula(  # noqa: E731
        "y ~ t", table.assign(**columns), id="id", groups=2, order=order, tcov=list(columns))
    _refused("dependent_covariates", "tcov", lambda: make(w=w, u=2 * w - 1), "w, u")
    _refused("dependent_covariates", "tcov", lambda: make(w=3 * table["t"] + 1), "time")
    _refused("dependent_covariates", "tcov", lambda: make(order=2, w=table["t"] ** 2), "time")
    _refused("constant_covariate", "tcov", lambda: make(w=w, flat=7.0), "flat is the same throughout")
    assert "w[1]" in make(w=table["t"] ** 2).layout.names  # not a combination of 1 and t


def test_a_panel_without_its_history_has_no_dropout():
    table = long_table(*true_data("normal", keep=0.7))
    panel = Panel.from_long(table, id="id", time="t", outcome="y")
    _refused("no_history", "dropout", lambda: prepare(panel, make_spec(
        groups=1, order=0, family="normal", dropout=0)), "dropout=True")


def test_internal_columns_are_the_users_in_other_coordinates():
    built = draw("tcov").built()
    part, block = built.layout.parts[0], built.layout.blocks[1]
    m = built.panel.outcomes[0]
    internal = np.random.default_rng(0).normal(size=part.width("mean"))
    columns = part.columns("mean", m.time, m.covariates)
    assert columns.shape == (m.nobs, 5)
    user = np.column_stack([np.ones(m.nobs), m.time, m.time**2, m.covariates])
    np.testing.assert_allclose(user @ (block.basis.to_user @ internal), columns @ internal, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(columns @ part.constant("mean"), 1.0, atol=1e-12)


# -- what covariates do to a fit --------------------------------------------------------------------------------------


def _fit(name, **change):
    return draw(name).built(**change).fit(n_starts=4)


def _moved(base, entries):
    """(p, p) map of the parameters: the unit matrix with {(row, column): value} put in."""
    names = list(base.params.index)
    move = np.eye(len(names))
    for (row, column), value in entries.items():
        move[names.index(row), names.index(column)] = value
    return move


def _same_after(res, base, move):
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, move @ base.params, rtol=1e-5, atol=1e-6)
    cov = move @ base.cov_params().to_numpy() @ move.T
    scale = np.outer(*[np.sqrt(np.diag(cov))] * 2)
    np.testing.assert_allclose(res.cov_params() / scale, cov / scale, atol=1e-6)
    np.testing.assert_allclose(res.posterior, base.posterior, atol=1e-6)


def test_shifted_and_rescaled_time_varying_covariates():
    """w -> 300 - 4 w: the effect is divided by -4, and the intercept takes up the shift."""
    base, table = _fit("tcov"), draw("tcov").table
    res = _fit("tcov", data=table.assign(w1=300 - 4 * table["w1"]))
    move = _moved(base, {key: v for g in (1, 2) for key, v in {
        (f"w1[{g}]", f"w1[{g}]"): -1 / 4, (f"intercept[{g}]", f"w1[{g}]"): 300 / 4}.items()})
    _same_after(res, base, move)


def test_a_covariate_that_is_a_power_of_time_is_that_power():
    """Time squared as a covariate of straight lines: the quadratic curve."""
    table = draw("dropout0").table
    quadratic = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=2).fit(n_starts=4)
    res = gbtm.GBTM.from_formula(
        "y ~ t", table.assign(square=table["t"] ** 2), id="id", groups=2, order=1, tcov=["square"]).fit(n_starts=4)
    assert list(res.params.index)[:3] == ["intercept[1]", "t[1]", "square[1]"]
    assert res.llf == pytest.approx(quadratic.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, quadratic.params, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse, quadratic.bse, rtol=1e-5)


def test_a_normal_outcome_moved_and_rescaled_with_covariates():
    """y -> 50 + 1000 y: effects of covariates by 1000, the intercept's 50 besides; membership stays."""
    rng = np.random.default_rng(3)
    table = long_table(*true_data("normal"))
    table = table.assign(w=rng.normal(5, 2, len(table)), z=rng.normal(size=80)[table["id"] - 1])
    make = lambda data: gbtm.GBTM.from_formula(  # noqa: E731
        "y ~ t", data, id="id", groups=2, order=1, tcov=["w"], risk=["z"]).fit(n_starts=4)
    base, res = make(table), make(table.assign(y=50 + 1000 * table["y"]))
    assert res.llf == pytest.approx(base.llf - len(table) * np.log(1000), abs=1e-7)
    want = base.params * np.where(base.params.index.str.startswith("theta"), 1, 1000)
    want[["intercept[1]", "intercept[2]"]] += 50
    np.testing.assert_allclose(res.params, want, rtol=1e-6)
    np.testing.assert_allclose(
        res.bse, base.bse * np.where(base.params.index.str.startswith("theta"), 1, 1000), rtol=1e-5)


@pytest.mark.parametrize("name", ["exposure", "exposure_zip", "exposure_negbin"])
def test_exposure_times_a_constant_moves_the_intercepts(name):
    """The rate per unit of exposure is divided by it; all else stays."""
    base, table = _fit(name), draw(name).table
    res = _fit(name, data=table.assign(e=100 * table["e"]))
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    shift = np.where(base.params.index.str.startswith("intercept"), np.log(100), 0.0)
    np.testing.assert_allclose(res.params, base.params - shift, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(res.bse, base.bse, rtol=1e-5)
    assert res.warnings == base.warnings == []


@pytest.mark.parametrize("name", ["exposure", "exposure_zip", "exposure_negbin"])
def test_exposure_of_one_is_none(name):
    plain, ones = _fit(name, exposure=None), _fit(name, data=draw(name).table.assign(e=1.0))
    assert ones.llf == pytest.approx(plain.llf, abs=1e-9)
    np.testing.assert_allclose(ones.params, plain.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(ones.bse, plain.bse, rtol=1e-6)


def test_log_exposure_as_a_covariate_of_effect_one():
    """The likelihood with exposure is that with log exposure among the covariates, its effect fixed at 1."""
    drawn = draw("exposure")
    built = drawn.built()
    other = drawn.built(data=drawn.table.assign(le=np.log(drawn.table["e"])), exposure=None, tcov=["le"])
    params = np.array([-0.7, 0.15, 0.9, 0.05, 0.3])
    with_effect = np.array([-0.7, 0.15, 1.0, 0.9, 0.05, 1.0, 0.3])
    found = []
    for model, x in ((built, params), (other, with_effect)):
        module = mixture(model)
        module.set_flat(model.layout.unreport(x))
        found.append(module().detach().numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


@pytest.mark.parametrize("name", ["tcov", "everything"])
def test_permuted_rows_do_not_count(name):
    base, table = _fit(name), draw(name).table
    res = _fit(name, data=table.sample(frac=1.0, random_state=4))
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(res.bse, base.bse, rtol=1e-4)


def test_wide_equals_long_with_every_part():
    """Columns by wave, what is known of subjects in one column each."""
    drawn = draw("everything")
    model, table = drawn.truth.model, drawn.table
    by_wave = ("y", "w1", "e", "v1")
    pieces = [table.astype({"t": int}).pivot(index="id", columns="t", values=c).add_prefix(f"{c}_") for c in by_wave]
    pieces.append(table.groupby("id")[["z1", "wt"]].first())
    wide = pd.concat(pieces, axis=1).loc[table["id"].unique()]
    waves = {c: [f"{c}_{t}" for t in range(drawn.truth.waves)] for c in by_wave}
    res = gbtm.GBTM.from_formula(
        "y ~ t", wide, wide={**waves, "t": list(range(drawn.truth.waves))}, risk=["z1"], weights="wt", tcov="w1",
        exposure="e", dcov=["v1"], **arguments(model)).fit(n_starts=4)
    base = _fit("everything")
    assert res.llf == base.llf
    np.testing.assert_array_equal(res.params.to_numpy(), base.params.to_numpy())
    np.testing.assert_array_equal(res.cov_params().to_numpy(), base.cov_params().to_numpy())
    assert list(res.params.index) == list(base.params.index)


def test_names_that_wide_does_not_have():
    wide = pd.DataFrame({"y0": [0.0, 1], "y1": [1.0, 2]})
    for what in ("tcov", "dcov", "exposure"):
        with pytest.raises((SpecificationError, gbtm.DataError), match=what):
            gbtm.GBTM.from_formula("y ~ t", wide, wide={"y": "y?", "t": [0, 1]}, groups=1, order=0, **{what: "w"})


def test_bounds_move_values_with_covariates():
    """censor_beyond: the fit of the values moved to the bound by hand."""
    drawn = draw("weights")
    table = drawn.table
    beyond = table.assign(y=np.where(table["y"] == 0, -0.7, table["y"]))
    base, res = _fit("weights"), _fit("weights", data=beyond, censor_beyond=True)
    assert res.llf == base.llf


@pytest.mark.parametrize(("family", "value"), [("gamma", 3.0), ("lognormal", 0.2), ("beta", 0.5), ("normal", -1.0)])
def test_an_outcome_that_never_varies_is_refused(family, value):
    """The density of a precision without bound is unbounded: a fit ended at 9e15 with a table of numbers."""
    table = pd.DataFrame({"id": np.repeat(np.arange(20), 3), "t": np.tile(np.arange(3.0), 20), "y": value})
    with pytest.raises(DataError, match="y: all values are equal") as caught:
        gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, family=family)
    assert caught.value.code == "constant_outcome"


@pytest.mark.parametrize("family", ["ordinal", "multinomial"])
def test_levels_of_which_one_occurs_are_nothing_to_model(family):
    table = pd.DataFrame({"id": np.repeat(np.arange(20), 3), "t": np.tile(np.arange(3.0), 20), "y": 2})
    with pytest.raises(DataError, match="all observations are at one level"):
        gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, family=family)
