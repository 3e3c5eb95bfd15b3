"""Curves of hidden units: exact derivatives, the truth recovered, and what the rest of the package makes of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import gbtm
from gbtm import SpecificationError
from gbtm.design.network_basis import HiddenUnits, Span, WithTangents, network_basis
from gbtm.design.stored_basis import basis_from_document
from gbtm.estimation.hidden_units import UnitClimb
from gbtm.fit.find_units import _places
from gbtm.recipes.code import code_for
from gbtm.record.rebuild import prepared_of

TIMES = np.arange(10.0, 21.0)
UNITS = HiddenUnits(np.array([14.3]), np.array([1.2]))
TRUE = np.array([[-1.0, 0.5], [1.0, 2.0]])  # a and b of each group
SIGMA = 0.5


def sigmoid_data(n: int = 120, rng: int = 1) -> pd.DataFrame:
    """People of two groups, whose curves are one step of time at other heights; and a count made of the same."""
    draw = np.random.default_rng(rng)
    group = draw.integers(0, 2, n)
    eta = TRUE[group] @ UNITS(TIMES).T
    return pd.DataFrame({
        "id": np.repeat(np.arange(n), TIMES.size), "age": np.tile(TIMES, n),
        "y": (eta + draw.normal(0, SIGMA, eta.shape)).ravel(), "count": draw.poisson(np.exp(0.5 * eta)).ravel(),
        "x": draw.normal(size=eta.size), "z": np.repeat(draw.normal(size=n), TIMES.size),
    })


DATA = sigmoid_data()


def model(**options) -> gbtm.GBTM:
    given = {"formula": "y ~ age", "data": DATA, "id": "id", "groups": 2, "curve": gbtm.Network(1), **options}
    return gbtm.GBTM.from_formula(given.pop("formula"), given.pop("data"), **given)


@pytest.fixture(scope="module")
def res():
    return model().fit(n_starts=4, rng=0)


def loglik_by_hand(units: HiddenUnits, coefficients: np.ndarray, sigma: float, share: float) -> float:
    """Of two groups, by scipy."""
    y = DATA["y"].to_numpy().reshape(-1, TIMES.size)
    mean = coefficients @ units(TIMES).T
    by_group = np.stack([stats.norm.logpdf(y, m, sigma).sum(axis=1) for m in mean])
    return float(np.logaddexp(*(by_group + np.log([[1 - share], [share]]))).sum())


def test_no_band_is_spoken_of_where_none_is_drawn():
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    t = np.arange(8)
    y = 3 * np.tanh(t - 4.0) * rng.choice([0.2, 1.0], 60)[:, None] + rng.normal(0, 0.5, (60, 8))
    res = gbtm.GBTM(y, t, groups=2, curve=gbtm.Network(1)).fit(n_starts=2)
    for picture in (res.plot(), res.plot_groups()):
        figure = picture if hasattr(picture, "axes") and not hasattr(picture, "get_figure") else picture.get_figure()
        words = " ".join(t.get_text() for t in figure.findobj(plt.Text))
        assert "band" not in words
        assert "fitted mean" in words


def test_a_sigmoid_is_recovered(res):
    units = res.hidden_units()
    assert units["outcome"].tolist() == ["y"]
    assert units["location"][0] == pytest.approx(14.3, abs=0.1)
    assert units["width"][0] == pytest.approx(1.2, abs=0.15)
    np.testing.assert_allclose(res.params.to_numpy()[:4].reshape(2, 2), TRUE, atol=0.08)
    assert res.params["sigma"] == pytest.approx(SIGMA, abs=0.03)
    assert res.document["hidden_units"]["converged"]
    assert res.document["hidden_units"]["smallest_eigenvalue"] > 0
    assert not res.warnings


def test_the_log_likelihood_is_that_of_the_formula_and_at_its_top(res):
    units = HiddenUnits(*(res.hidden_units()[c].to_numpy() for c in ("location", "width")))
    coefficients, share = res.params.to_numpy()[:4].reshape(2, 2), res.group_shares["share"][2]

    def at(location: float, width: float) -> float:
        moved = HiddenUnits(units.location + location, units.width * np.exp(width))
        return loglik_by_hand(moved, coefficients, res.params["sigma"], share)

    assert at(0, 0) == pytest.approx(res.llf, abs=1e-8)
    assert all(at(*move) < res.llf - 1e-6 for move in ((0.01, 0), (-0.01, 0), (0, 0.02), (0, -0.02)))


def test_hidden_units_count_as_parameters(res):
    assert res.df_model == len(res.params) + 2 == 8
    assert res.aic == pytest.approx(-2 * res.llf + 16)
    assert res.criteria["subjects"]["bic"] == pytest.approx(-2 * res.llf + 8 * np.log(120))


def test_units_that_stand_still_make_an_ordinary_fit_on_their_columns(res):
    """At the units found a basis formula of the same columns has the same maximum, and by one parameter less each."""
    at, width = (float(res.hidden_units()[c][0]) for c in ("location", "width"))
    ordinary = model(formula=f"y ~ np.tanh((age - {at!r}) / {width!r})", curve=None).fit(n_starts=2, rng=0)
    fixed = gbtm.GBTM.from_prepared(prepared_of(res)).fit(n_starts=2, rng=0)
    assert ordinary.llf == pytest.approx(res.llf, abs=1e-7)
    assert fixed.llf == pytest.approx(res.llf, abs=1e-7)
    np.testing.assert_allclose(fixed.params, ordinary.params, atol=1e-6)
    np.testing.assert_allclose(fixed.predict([12.5])["estimate"], ordinary.predict([12.5])["estimate"], atol=1e-7)


def test_tangents_are_derivatives_of_the_columns():
    span, units = Span.of(TIMES), HiddenUnits(np.array([12.0, 16.5]), np.array([1.0, 3.0]))
    at, h = span.coordinates(units), 1e-4
    wide = WithTangents(units, span.half)(TIMES)

    def shifted(*moves: tuple[int, float]) -> np.ndarray:
        moved = at.copy()
        for j, by in moves:
            moved[j] += by
        return span.units(moved)(TIMES)[:, 1:]

    for unit in (0, 1):
        place, log_width = unit, 2 + unit
        for block, j in ((0, place), (1, log_width)):
            first = (shifted((j, h)) - shifted((j, -h)))[:, unit] / (2 * h)
            np.testing.assert_allclose(wide[:, 3 + 2 * block + unit], first, atol=1e-6)
        for block, j in ((2, place), (4, log_width)):
            second = (shifted((j, h)) - 2 * shifted() + shifted((j, -h)))[:, unit] / h**2
            np.testing.assert_allclose(wide[:, 3 + 2 * block + unit], second, atol=1e-5)
        mixed = sum(a * b * shifted((place, a * h), (log_width, b * h)) for a in (1, -1) for b in (1, -1)) / (4 * h**2)
        np.testing.assert_allclose(wide[:, 9 + unit], mixed[:, unit], atol=1e-5)


OPTIONS = [
    {}, {"formula": "count ~ age", "family": "poisson", "curve": gbtm.Network(2)},
    {"formula": "count ~ age", "family": "zip", "iorder": [0, 1]}, {"ar1": True}, {"rorder": 0},
    {"tcov": ["x"], "risk": ["z"], "sigma_by_group": True}, {"family": "cnorm", "min": -1.5, "censor_beyond": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=["normal", "poisson", "zip", "ar1", "rorder", "covariates", "cnorm"])
def test_gradient_and_hessian_are_the_differences_of_the_log_likelihood(options):
    """In parameters and units together, of families whose density is a product, a chain, an integral."""
    asked = model(**options)
    climb = UnitClimb(asked.panel, asked.layout)
    at, flat = _places(climb, 1, np.random.default_rng(0))[0], asked.module().flat().detach().numpy()
    place = climb.place(at, asked.layout, flat)
    steps = 1e-5 * np.eye(place.gradient.size)
    ends = [(climb.moved(place, s), climb.moved(place, -s)) for s in steps]
    gradient = np.array([(up.loglik - down.loglik) / 2e-5 for up, down in ends])
    scale = np.abs(place.hessian).max()
    np.testing.assert_allclose(gradient, place.gradient, atol=1e-8 * scale + 1e-4)
    units = np.arange(place.flat.size, place.gradient.size)
    for j in units:  # the parameters' own part is the engine's, tested elsewhere
        up, down = ends[j]
        # the coefficients of the user's columns stand still as the units move: take gradients there
        slopes = [_in_users_columns(climb, place, end) for end in (up, down)]
        np.testing.assert_allclose((slopes[0] - slopes[1]) / 2e-5, place.hessian[j], atol=1e-6 * scale)


def _in_users_columns(climb, place, end):
    """The gradient at another place, in the coordinates of the first."""
    out = end.gradient.copy()
    for block in place.layout.blocks:
        if block.predictor == "mean" and block.outcome in climb.which:
            old, new = (x.layout.outcomes[block.outcome].bases["mean"].to_user for x in (place, end))
            own = slice(block.start, block.start + len(new))
            out[own] = (np.linalg.solve(new, old)).T @ end.gradient[own]
    return out


def test_the_envelope_theorem():
    """The slope of the maximum over all else is the derivative in the units alone."""
    asked = model()
    climb = UnitClimb(asked.panel, asked.layout)
    flat = asked.module().flat().detach().numpy()

    def top(at):
        place = climb.place(at, asked.layout, flat)
        for _ in range(30):  # Newton in the parameters alone
            p = place.flat.size
            step = np.zeros(place.gradient.size)
            step[:p] = -np.linalg.solve(place.hessian[:p, :p], place.gradient[:p])
            place = climb.moved(place, step)
            if 0.5 * step @ place.gradient < 1e-16:
                return place
        return place

    at = climb.first + 0.05
    place = top(at)
    for j in range(at.size):
        ends = [top(at + side * 1e-4 * np.eye(at.size)[j]).loglik for side in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(place.gradient[place.flat.size + j], rel=1e-5)


def test_curves_have_no_bands_but_by_the_bootstrap(res):
    table = res.predict([11.0, 15.5])
    assert table["estimate"].notna().all()
    assert table[["std err", "lower", "upper"]].isna().all(axis=None)
    assert res.bse[["sigma", "theta[2]"]].notna().all()
    assert res.bse.iloc[:4].isna().all()
    other = res.with_cov_type("robust")
    assert other.bse.iloc[:4].isna().all()
    assert other.predict([11.0])["lower"].isna().all()
    boot = gbtm.bootstrap(res, n=6, n_starts=0, rng=0, n_jobs=1)
    assert boot.params.iloc[:, :4].isna().all(axis=None)
    bands = boot.curves([11.0, 15.5])
    assert (bands["lower"] < bands["upper"]).all()
    np.testing.assert_allclose(bands["estimate"], table["estimate"])
    moved = [layout.outcomes[0].bases["mean"].document["location"][0] for layout, _ in boot.moved]
    assert np.std(moved) > 0.005  # the units are found anew
    # and the curves are those of the replicate's own units
    layout, flat = boot.moved[0]
    by_hand = layout.outcomes[0].centre + layout.outcomes[0].scale * (
        layout.coefficients(flat, 0, "mean") @ layout.outcomes[0].bases["mean"].internal(np.array([11.0])).T)
    assert bands["lower"][0] <= max(by_hand[0, 0], bands["lower"][0])
    assert by_hand[0, 0] == pytest.approx(table["estimate"][0], abs=0.2)


def test_save_load_and_start(res, tmp_path):
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(again.hidden_units(), res.hidden_units())
    np.testing.assert_array_equal(again.predict([10.5, 14.2])["estimate"], res.predict([10.5, 14.2])["estimate"])
    assert again.spec == res.spec
    from_there = model().fit(start=again)
    assert from_there.llf == pytest.approx(res.llf, abs=1e-8)
    with pytest.raises(SpecificationError, match="mean nothing without the units"):
        model().fit(start=res.params)


def test_cross_validation_finds_units_in_each_fold(res):
    held = gbtm.cross_validate(res, folds=2, n_starts=0, rng=0, n_jobs=1)
    assert held.loglik < res.llf
    assert held.loglik == pytest.approx(res.llf, abs=15)
    assert not held.failures


def test_the_words_that_name_the_units(res):
    text = str(res.summary())
    assert "Hidden units, shared by the groups, turn in age: 1 at 14." in text
    assert "gbtm.bootstrap(res).curves()" in text
    assert "The hidden units were moved from" in res.start_report.attrs["sentence"]
    for language, call in (("Python", "curve=gbtm.Network(units=1)"), ("R", "curve = network_curve(1)")):
        code = code_for(res, language, "d.csv")
        assert call in code
        assert "start=[" not in code
        assert "start = c(" not in code
    assert "cannot fit this model" in code_for(res, "Stata", "d.csv")
    assert "a network of 1 hidden unit of time" in code_for(res, "Stata", "d.csv")


def test_code_runs_to_the_same_digits(res):
    space: dict = {"data": DATA, "gbtm": gbtm}
    lines = code_for(res, "Python", "d.csv").splitlines()
    exec("\n".join(line for line in lines if "read_csv" not in line and "print" not in line), space)
    assert space["res"].llf == pytest.approx(res.llf, abs=1e-8)


@pytest.mark.parametrize(("ask", "code"), [
    (lambda r: r.profile_int("theta[2]"), "units_would_move"),
    (lambda r: r.equal_curves(), "units_would_move"),
    (lambda r: gbtm.blrt(r), "units_would_move"),
    (lambda r: gbtm.bootstrap(r, n=2, groups=[1, 2]), "units_would_move"),
    (lambda r: gbtm.pool([r, r]), "units_would_move"),
    (lambda r: gbtm.search("y ~ age", DATA, id="id", curve=gbtm.Network(1)), "no_network_here"),
    (lambda r: gbtm.search([gbtm.Outcome("y ~ age", curve=gbtm.Network(1)), "x ~ age"], DATA, id="id"),
     "no_network_here"),
    (lambda r: gbtm.train(model()), "no_network_here"),
    (lambda r: model(order=2), "order_or_basis"),
    (lambda r: model(formula="y ~ bs(age, df=4)"), "order_or_basis"),
    (lambda r: model(curve=3), "bad_curve"),
    (lambda r: gbtm.Network(0), "bad_curve"),
    (lambda r: gbtm.Network(2.5), "bad_curve"),
    (lambda r: gbtm.Network(True), "bad_curve"),
    (lambda r: model(data=DATA[DATA["age"] < 13], curve=gbtm.Network(3)), "too_many_units"),
    (lambda r: gbtm.GBTM.from_formula([gbtm.Outcome("y ~ age", curve=gbtm.Network(1)), "x ~ age"], DATA, id="id",
                                      groups=[2, 2]), "bad_curve"),
])
def test_what_would_take_the_units_as_known_or_cannot_have_them_is_refused(res, ask, code):
    with pytest.raises(SpecificationError) as caught:
        ask(res)
    assert caught.value.code == code
    assert caught.value.way_out


def test_one_of_several_outcomes_may_be_a_network():
    outcomes = [gbtm.Outcome("y ~ age", curve=gbtm.Network(1)), gbtm.Outcome("count ~ age", family="poisson", order=1)]
    res = gbtm.GBTM.from_formula(outcomes, DATA, id="id", groups=2).fit(n_starts=2, rng=0)
    assert res.hidden_units()["outcome"].tolist() == ["y"]
    assert res.hidden_units()["location"][0] == pytest.approx(14.3, abs=0.1)  # it was looked for
    assert res.document["hidden_units"]["converged"]
    assert res.df_model == len(res.params) + 2
    own = res.outcome_names.index("count")
    assert res.of_outcome(own + 1).predict([12.0])["lower"].notna().all()
    assert res.of_outcome(1).predict([12.0])["lower"].isna().all()


def test_units_of_two_places_make_no_basis_twice():
    twins = HiddenUnits(np.array([14.0, 14.0]), np.array([1.0, 1.0]))
    with pytest.raises(SpecificationError, match="same columns"):
        network_basis(TIMES, twins)


def test_a_basis_comes_back_from_its_document():
    basis = network_basis(np.repeat(TIMES, 3), HiddenUnits(np.array([12.0, 17.0]), np.array([1.0, 2.0])))
    again = basis_from_document(basis.document, "age")
    np.testing.assert_array_equal(again.internal(np.array([11.3])), basis.internal(np.array([11.3])))
    x = basis.internal(TIMES)
    np.testing.assert_allclose(x.T @ x / TIMES.size, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(x @ basis.constant, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_two_units_are_found_from_nothing(seed):
    """Two steps of time: the search is no worse than a climb from the truth."""
    draw = np.random.default_rng(seed)
    units = HiddenUnits(np.array([12.5, 17.5]), np.array([0.8, 1.5]))
    coefficients = np.array([[0.0, 1.0, -1.0], [0.5, -0.5, 1.0], [2.0, 1.0, 0.5]])
    n = 200
    eta = coefficients[draw.integers(0, 3, n)] @ units(TIMES).T
    data = pd.DataFrame({"id": np.repeat(np.arange(n), TIMES.size), "age": np.tile(TIMES, n),
                         "y": (eta + draw.normal(0, 0.5, eta.shape)).ravel()})
    asked = model(data=data, groups=3, curve=gbtm.Network(2))
    res = asked.fit(rng=seed, time_budget=None)
    climb = UnitClimb(asked.panel, asked.layout)
    layout = asked.layout.on_columns(climb.bases(climb.spans[0].coordinates(units)))
    truth = np.concatenate([coefficients.ravel(), [0.5, 0.0, 0.0]])
    start = climb.at(climb.spans[0].coordinates(units), layout, layout.unreport(truth))
    assert res.llf >= climb.climb(start, 100, 1e-10).loglik - 1e-3


def test_a_prior_is_refused_with_the_way_out():
    data = gbtm.datasets.offending()
    with pytest.raises(gbtm.SpecificationError, match=r"hidden units.*Leave prior out"):
        gbtm.GBTM.from_formula(
            "offenses ~ age", data, id="id", groups=2, family="poisson", curve=gbtm.Network(2), prior="weak")
