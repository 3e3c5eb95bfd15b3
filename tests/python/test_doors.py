"""Every door that takes a level, a seed or a count refuses what is none, by the argument's name and with a way out."""

from __future__ import annotations

import warnings

import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.adequacy.autocorrelation import ar1_check
from gbtm.adequacy.residuals import residual_checks
from gbtm.figures.curves import plot_curves
from gbtm.figures.groups import plot_groups
from gbtm.figures.panels import plot_models
from gbtm.inference.delta import delta
from gbtm.report.fit_tables import make_table
from gbtm.resampling.lo_mendell_rubin import lmr
from gbtm.traj_programs.traj_variables import plot_matrix

NO_LEVELS = [1, 1.5, -0.1, float("nan"), "0.95", None]
NO_BAND = ("plot_curves", "plot_groups", "plot_models")  # of which None asks
NO_SEEDS = [-1, 1.5, "0", None]
NO_COUNTS = [-1, 1.5, "3"]


@pytest.fixture(scope="module")
def made():
    """Fits of two and of one group, and what is made of them."""
    data = gbtm.datasets.two_groups(rng=0, n_per_group=12, periods=5)
    search = gbtm.search("y ~ t", data, id="id", groups=[1, 2], order=1, rng=0)
    fits = {k: gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=k, order=1).fit(rng=0) for k in (1, 2)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        boot = gbtm.bootstrap(fits[2], n=2, n_starts=0, rng=0)
    return {
        "data": data, "search": search, "fit": fits[2], "one": fits[1], "boot": boot,
        "pooled": gbtm.pool([fits[2], fits[2]]), "delta": delta(fits[2], "t[1]"),
    }


LEVELS = {
    "predict": lambda m, v: m["fit"].predict([0.0], level=v),
    "classify": lambda m, v: m["fit"].classify(m["data"], level=v),
    "odds_ratios": lambda m, v: m["fit"].odds_ratios(level=v),
    "profile_int": lambda m, v: m["fit"].profile_int("t[1]", level=v),
    "bootstrap curves": lambda m, v: m["boot"].curves([0.0], level=v),
    "pooled predict": lambda m, v: m["pooled"].predict([0.0], level=v),
    "plot_curves": lambda m, v: plot_curves(m["fit"], level=v),
    "plot_groups": lambda m, v: plot_groups(m["fit"], level=v),
    "plot_models": lambda m, v: plot_models(m["search"], level=v),
    "plot_matrix": lambda m, v: plot_matrix(m["fit"], level=v),
    "table": lambda m, v: make_table(m["fit"], level=v),
    "table of groups": lambda m, v: make_table(m["fit"], "groups", level=v),
    "report": lambda m, v: gbtm.grolts_report(m["fit"], "unwritten.html", level=v),
}
ALPHAS = {
    "conf_int": lambda m, v: m["fit"].conf_int(alpha=v),
    "delta": lambda m, v: m["delta"].conf_int(alpha=v),
    "delta frame": lambda m, v: m["delta"].summary_frame(alpha=v),
    "bootstrap": lambda m, v: m["boot"].conf_int(alpha=v),
    "bootstrap summary": lambda m, v: m["boot"].summary(alpha=v),
    "bootstrap shares": lambda m, v: m["boot"].group_shares(alpha=v),
    "pooled": lambda m, v: m["pooled"].conf_int(alpha=v),
    "pooled summary": lambda m, v: m["pooled"].summary(alpha=v),
    "pooled shares": lambda m, v: m["pooled"].group_shares(alpha=v),
    "blrt": lambda m, v: gbtm.blrt(m["fit"], m["one"], alpha=v),
}
SEEDS = {
    "fit": lambda m, v: gbtm.GBTM.from_formula("y ~ t", m["data"], id="id", groups=1, order=1).fit(rng=v),
    "search": lambda m, v: gbtm.search("y ~ t", m["data"], id="id", groups=[1], order=1, rng=v),
    "simulate": lambda m, v: m["fit"].simulate(rng=v),
    "bootstrap": lambda m, v: gbtm.bootstrap(m["fit"], n=2, rng=v),
    "blrt": lambda m, v: gbtm.blrt(m["fit"], m["one"], rng=v),
    "lmr": lambda m, v: lmr(m["fit"], m["one"], rng=v),
    "cross_validate": lambda m, v: gbtm.cross_validate(m["fit"], folds=2, rng=v),
    "residual_checks": lambda m, v: residual_checks(m["fit"], rng=v),
    "ar1_check": lambda m, v: ar1_check(m["fit"], rng=v),
    "two_groups": lambda m, v: gbtm.datasets.two_groups(rng=v),
}
COUNTS = {
    ("fit", "n_starts"): lambda m, v: gbtm.GBTM.from_formula(
        "y ~ t", m["data"], id="id", groups=1, order=1).fit(n_starts=v),
    ("bootstrap", "n"): lambda m, v: gbtm.bootstrap(m["fit"], n=v),
    ("bootstrap", "n_starts"): lambda m, v: gbtm.bootstrap(m["fit"], n=2, n_starts=v),
    ("bootstrap", "n_jobs"): lambda m, v: gbtm.bootstrap(m["fit"], n=2, n_jobs=-2 if v == -1 else v),
    ("blrt", "n_max"): lambda m, v: gbtm.blrt(m["fit"], m["one"], n_max=v),
    ("blrt", "n_min"): lambda m, v: gbtm.blrt(m["fit"], m["one"], n_min=v),
    ("blrt", "n_starts"): lambda m, v: gbtm.blrt(m["fit"], m["one"], n_starts=v),
    ("cross_validate", "n_starts"): lambda m, v: gbtm.cross_validate(m["fit"], folds=2, n_starts=v),
    ("cross_validate", "folds"): lambda m, v: gbtm.cross_validate(m["fit"], folds=v),
    ("residual_checks", "lags"): lambda m, v: residual_checks(m["fit"], lags=v),
    ("ar1_check", "n_starts"): lambda m, v: ar1_check(m["fit"], n_starts=v),
    ("plot_groups", "individuals"): lambda m, v: plot_groups(m["fit"], individuals=v),
    ("search", "max_starts"): lambda m, v: gbtm.search("y ~ t", m["data"], id="id", groups=[1], order=1, max_starts=v),
    ("two_groups", "n_per_group"): lambda m, v: gbtm.datasets.two_groups(n_per_group=v),
}


def _refuses(argument, code, call, made, value):
    with pytest.raises(SpecificationError, match=argument) as caught:
        call(made, value)
    assert (caught.value.argument, caught.value.code) == (argument, code)
    assert caught.value.way_out
    assert repr(value) in str(caught.value) or value == -1 or argument == "folds"


@pytest.mark.parametrize("value", NO_LEVELS)
@pytest.mark.parametrize("door", LEVELS)
def test_levels(made, door, value):
    if value is None and door in NO_BAND:
        assert LEVELS[door](made, None) is not None
        return
    _refuses("level", "bad_level", LEVELS[door], made, value)


@pytest.mark.parametrize("value", [0, *NO_LEVELS])
@pytest.mark.parametrize("door", ALPHAS)
def test_alphas(made, door, value):
    _refuses("alpha", "bad_alpha", ALPHAS[door], made, value)


@pytest.mark.parametrize("value", NO_SEEDS)
@pytest.mark.parametrize("door", SEEDS)
def test_seeds(made, door, value):
    _refuses("rng", "bad_seed", SEEDS[door], made, value)


@pytest.mark.parametrize("value", NO_COUNTS)
@pytest.mark.parametrize("door", COUNTS, ids=" ".join)
def test_counts(made, door, value):
    _refuses(door[1], f"bad_{door[1]}", COUNTS[door], made, value)


@pytest.mark.parametrize("plot", [plot_curves, plot_groups])
def test_level_0_of_a_figure_is_no_band(made, plot):
    assert plot(made["fit"], level=0) is not None
