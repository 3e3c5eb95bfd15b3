"""What a family says of itself, held against what it does: its values, its mean, its variance, its neighbours."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import expit

from conftest import ROOT
from gbtm import SpecificationError
from gbtm.families import FAMILIES, family_named, having, make_family, those_having
from gbtm.specification.spec import make_spec

each = pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
ETA = np.array([-2.0, -0.3, 0.0, 0.8, 1.7])
OTHERS = {"zero": -0.7, "log_sigma": 0.3, "log_psi": -0.4, "log_phi": 1.1, "cut2": 1.3, "tau": 0.8, "level3": 0.6}
SIGMA, PSI, PHI, ZERO = (np.exp(OTHERS["log_sigma"]), np.exp(OTHERS["log_psi"]), np.exp(OTHERS["log_phi"]),
                         expit(OTHERS["zero"]))
# the matrix: each family as scipy has it, at eta and OTHERS, before the zero part
LAWS = {
    "normal": lambda eta: stats.norm(eta, SIGMA),
    "cnorm": lambda eta: stats.norm(eta, SIGMA),
    "poisson": lambda eta: stats.poisson(np.exp(eta)),
    "zip": lambda eta: stats.poisson(np.exp(eta)),
    "zip_tau": lambda eta: stats.poisson(np.exp(eta)),
    "negbin": lambda eta: stats.nbinom(1 / PSI, 1 / (1 + PSI * np.exp(eta))),
    "zinb": lambda eta: stats.nbinom(1 / PSI, 1 / (1 + PSI * np.exp(eta))),
    "logit": lambda eta: stats.bernoulli(expit(eta)),
    "beta": lambda eta: stats.beta(PHI * expit(eta), PHI * expit(-eta)),
    "gamma": lambda eta: stats.gamma(PHI, scale=np.exp(eta) / PHI),
    "lognormal": lambda eta: stats.lognorm(SIGMA, scale=np.exp(eta)),
    "binomial": lambda eta: stats.bernoulli(expit(eta)),  # of one trial
}
def _levels(eta):
    """Three levels, 1 to 3."""
    below = np.array([expit(-eta), expit(OTHERS["cut2"] - eta), 1.0])
    return stats.rv_discrete(values=((1, 2, 3), np.diff(below, prepend=0.0)))()


def _categories(eta):
    """Three categories, 1 to 3, of which the first is the reference."""
    weight = np.exp([0.0, eta, OTHERS["level3"]])
    return stats.rv_discrete(values=((1, 2, 3), weight / weight.sum()))()


LAWS["ordinal"] = _levels


class _AboveZero:
    """A count law of scipy's that is truncated at 0."""

    def __init__(self, law):
        self.law, self.dist, self.none = law, law.dist, law.pmf(0)

    def pmf(self, y):
        return np.where(y > 0, self.law.pmf(y) / (1 - self.none), 0.0)

    def cdf(self, y):
        return np.where(y > 0, (self.law.cdf(y) - self.none) / (1 - self.none), 0.0)

    def ppf(self, q):
        return np.array([next(k for k in range(10_000) if self.cdf(k) >= p) for p in q], dtype=float)

    def mean(self):
        return self.law.mean() / (1 - self.none)

    def var(self):
        return (self.law.var() + self.law.mean() ** 2) / (1 - self.none) - self.mean() ** 2


LAWS["hurdle"] = lambda eta: _AboveZero(LAWS["poisson"](eta))
LAWS["hurdle_negbin"] = lambda eta: _AboveZero(LAWS["negbin"](eta))
LAWS["multinomial"] = _categories
INVERSE = {"identity": lambda eta: eta, "log": np.exp, "logit": expit,
           "cumulative": lambda eta: 3 - expit(-eta) - expit(OTHERS["cut2"] - eta),
           "multinomial": lambda eta: 1 - 1 / (1 + np.exp(eta) + np.exp(OTHERS["level3"]))}


def _u(family, eta=ETA, **values):
    """Predictors at eta, the others as in OTHERS unless given."""
    assert set(values) <= set(family.predictors)
    return {p: eta if p == "mean" else np.full(eta.shape, {**OTHERS, **values}[p]) for p in family.predictors}


def _zeros(family, eta):
    """Probability of a zero by nature."""
    if family.ties_zeros:
        return expit(-OTHERS["tau"] * eta)
    return ZERO if family.has_zero_part else 0.0


def _refuses(family, value):
    return bool(family.problem(np.array([value]))[0][0])


# -- the law ----------------------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("eta", ETA)
def test_density_distribution_mean_and_variance_are_scipys(family, eta):
    law, p = LAWS[family.name](eta), _zeros(family, eta)
    y = law.ppf([0.05, 0.3, 0.6, 0.9, 0.999])
    u = _u(family, np.full(y.shape, eta))
    density = law.pmf(y) if hasattr(law.dist, "pmf") else law.pdf(y)
    tensors = {name: torch.from_numpy(value) for name, value in {**u, "y": y}.items()}
    log_density = (family.statistics(y) * family.terms(tensors).numpy()).sum(axis=-1) + family.constant(y)
    np.testing.assert_allclose(log_density, np.log((1 - p) * density + p * (y == 0)), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(family.cumulative(y, u)[1], p + (1 - p) * law.cdf(y), rtol=1e-10)
    if not family.has_mean:  # the chance of any category but the first stands in its place
        np.testing.assert_allclose(family.expected(u), 1 - law.pmf(1), rtol=1e-12)
        np.testing.assert_allclose(family.variance(u), law.pmf(1) * (1 - law.pmf(1)), rtol=1e-10)
        return
    np.testing.assert_allclose(family.expected(u), (1 - p) * law.mean(), rtol=1e-12)
    np.testing.assert_allclose(family.variance(u), (1 - p) * (law.var() + p * law.mean() ** 2), rtol=1e-10)


# -- values -----------------------------------------------------------------------------------------------------------


@each
def test_counts_are_whole_and_without_end(family):
    whole = not _refuses(family, 0.0) and not _refuses(family, 7.0) and not _refuses(family, 1e6)
    assert (family.is_count or family.takes_trials) == (whole and _refuses(family, 1.5) and _refuses(family, -1.0))


@each
def test_binary_outcomes_are_0_and_1_and_nothing_else(family):
    both = not _refuses(family, 0.0) and not _refuses(family, 1.0)
    assert family.is_binary == (both and _refuses(family, 2.0) and _refuses(family, 0.5))


@each
def test_what_is_drawn_is_of_the_kind_it_says(family):
    y = family.simulate(_u(family, np.full(4000, 0.4)), np.random.default_rng(0))
    assert (family.is_count or family.has_levels) == (bool((y == np.floor(y)).all()) and bool((y > 1).any()))
    assert (family.is_binary or family.takes_trials) == (set(np.unique(y)) == {0.0, 1.0})
    if family.has_mean:
        assert family.mean_range[0] <= y.min()
        assert y.max() <= family.mean_range[1]


@each
def test_bounds_hold_values_and_curves(family):
    within = family.between(-0.5, 0.25)
    y = within.simulate(_u(within, np.full(4000, 0.0)), np.random.default_rng(0))
    at_both = bool((y == -0.5).any() and (y == 0.25).any() and (np.abs(y - (-0.125)) <= 0.375).all())
    assert family.has_bounds == at_both == (within.mean_range == (-0.5, 0.25))
    assert family.has_bounds == (type(make_family(family.name, 0.0, 1.0).problem(np.zeros(1))[1]) is str
                                 and _refuses(make_family(family.name, 0.5, None), 0.0) and not _refuses(family, 0.0))


@each
def test_positive_outcomes_are_any_number_above_0(family):
    above = not any(_refuses(family, v) for v in (1e-9, 0.5, 7.3, 1e9))
    assert family.is_positive == (above and _refuses(family, 0.0) and _refuses(family, -1.0))
    if family.is_positive:
        way_out = family.problem(np.zeros(1))[2]
        assert all(word in way_out for word in ("two outcomes", "'logit'", "'negbin'", "'zip'"))
        law = stats.norm(0.4, SIGMA) if family.of_log else None
        far = family.far_out(_u(family, np.array([0.4])))
        assert family.cumulative(far, _u(family, np.array([0.4])))[1] == pytest.approx(1.0, abs=1e-15)
        assert law is None or law.sf(np.log(far)) < 1e-30


# -- means and variances ----------------------------------------------------------------------------------------------


@each
def test_the_mean_is_the_inverse_link_less_the_zeros(family):
    p = _zeros(family, ETA)
    of_log = 0.5 * SIGMA**2 if family.of_log else 0.0
    mean = INVERSE[family.link](ETA + of_log)
    if family.is_hurdle:
        mean = mean / np.array([1 - LAWS[family.name](eta).none for eta in ETA])
    np.testing.assert_allclose(family.expected(_u(family)), (1 - p) * mean, rtol=1e-13)


@each
def test_the_range_is_what_the_mean_can_come_to(family):
    low, high = family.mean_range
    ends = np.array([-1e4, 1e4]) if family.link == "identity" else np.array([-700.0, 700.0])
    u = {**_u(family, ends), **dict.fromkeys(family.curve_predictors, ends)}
    if family.is_hurdle:  # what makes its mean small is the probability of a 0
        u["zero"] = np.array([700.0, -0.7])
    far = family.expected(u)
    for limit, value in zip((low, high), far, strict=True):
        if np.isfinite(limit):
            assert value == pytest.approx(limit, abs=1e-12)
        else:
            assert np.sign(limit) * value > 999


@each
def test_exposure_multiplies_the_mean(family):
    """Log exposure added to eta; elsewhere that is no rate. Of a hurdle, the mean before truncation."""
    factor = 1.0
    if family.is_hurdle:
        some = [np.array([1 - LAWS[family.name](eta).none for eta in at]) for at in (ETA, ETA + np.log(2))]
        factor = some[1] / some[0]
    more = family.expected(_u(family, ETA + np.log(2))) * factor
    doubled = np.allclose(more, 2 * family.expected(_u(family)), rtol=1e-12)
    assert family.takes_exposure == (doubled and family.is_count)


@each
def test_only_where_nothing_can_happen_for_certain_may_an_order_be_minus_one(family):
    u = _u(family, np.array([-700.0]))
    certain = family.expected(u)[0] < 1e-300 and not _refuses(family, 0.0) and family.variance(u)[0] < 1e-200
    if family.may_be_never:
        assert certain
        assert family.cumulative(np.zeros(1), u)[1] == pytest.approx(1.0, abs=1e-15)
    assert family.may_be_never == (certain and family.mean_range == (0.0, np.inf))


@each
def test_sigma_is_the_sd(family):
    if family.has_sigma:
        u = _u(family, log_sigma=np.log(3.0))
        sd = np.sqrt(np.log1p(family.variance(u) / family.expected(u)**2) if family.of_log else family.variance(u))
        np.testing.assert_allclose(sd, 3.0, rtol=1e-12)
    assert family.has_sigma == ("log_sigma" in family.expected_gradient(_u(family)))
    assert family.has_scale <= family.has_sigma  # what is rescaled needs a sigma to take it up
    assert family.may_correlate <= (family.link == "identity")


@each
def test_psi_adds_psi_times_the_squared_mean(family):
    if family.has_dispersion:
        one, two = (family.variance(_u(family, log_psi=np.log(v))) for v in (1.0, 2.0))
        p = expit(OTHERS["zero"]) if family.is_zero_inflated else 0.0
        if not family.is_hurdle:  # where psi moves the mean as well
            np.testing.assert_allclose(two - one, (1 - p) * np.exp(2 * ETA), rtol=1e-12)
    assert family.has_dispersion == ("log_psi" in family.expected_gradient(_u(family)))
    assert family.has_dispersion == (family.without_dispersion is not None)


@each
def test_phi_divides_the_variance(family):
    if family.has_precision:
        one, nine = (family.variance(_u(family, log_phi=np.log(v))) for v in (1.0, 9.0))
        np.testing.assert_allclose(one / nine, 9 if family.is_positive else 10 / 2, rtol=1e-12)
    assert family.has_precision == ("log_phi" in family.expected_gradient(_u(family)))


# -- neighbours -------------------------------------------------------------------------------------------------------

Y = np.arange(12.0)


@pytest.mark.parametrize("name", having("without_zeros"))
def test_without_zero_inflation_it_is_that_family(name):
    family, other = FAMILIES[name], FAMILIES[FAMILIES[name].without_zeros]
    assert not other.is_zero_inflated
    for eta in ETA:
        u = _u(family, np.full(Y.size, eta), zero=-60.0)
        np.testing.assert_allclose(family.cumulative(Y, u)[1], other.cumulative(Y, u)[1], rtol=1e-13)
    assert set(having("without_zeros")) == set(having("is_zero_inflated"))


@pytest.mark.parametrize("name", having("without_dispersion"))
def test_without_psi_it_is_that_family(name):
    family, other = FAMILIES[name], FAMILIES[FAMILIES[name].without_dispersion]
    assert not other.has_dispersion
    for eta in ETA:
        u = _u(family, np.full(Y.size, eta), log_psi=np.log(1e-9))
        np.testing.assert_allclose(family.cumulative(Y, u)[1], other.cumulative(Y, u)[1], rtol=1e-6)


@pytest.mark.parametrize("name", having("with_bounds"))
def test_with_bounds_it_is_that_family(name):
    family, other = FAMILIES[name], FAMILIES[FAMILIES[name].with_bounds]
    assert other.has_bounds
    assert not family.has_bounds
    for y in (-1.3, 0.2, 4.0):
        at = np.full(ETA.size, y)
        np.testing.assert_array_equal(family.cumulative(at, _u(family)), other.cumulative(at, _u(family)))


# -- what a specification makes of them -------------------------------------------------------------------------------


@each
@pytest.mark.parametrize(
    ("trait", "asked", "code"),
    [
        ("may_be_never", {"order": [-1, 1]}, "bad_order"), ("has_zero_part", {"iorder": 1}, "bad_iorder"),
        ("has_bounds", {"min": 0.0}, "bad_bounds"), ("has_bounds", {"max": 0.0}, "bad_bounds"),
        ("has_sigma", {"sigma_by_group": True}, "bad_sigma"),
        ("has_dispersion", {"dispersion_by_group": True}, "bad_dispersion"),
        ("may_correlate", {"ar1": True}, "bad_ar1"), ("may_correlate", {"rorder": 0}, "bad_rorder"),
    ],
)
def test_an_option_is_refused_where_the_trait_is_not(family, trait, asked, code):
    arguments = {"groups": 2, "order": 1, "family": family.name, **asked}
    if family.takes_trials:
        arguments["trials"] = "n"
    if getattr(family, trait):
        assert make_spec(**arguments).outcomes[0].traits is family
        return
    with pytest.raises(SpecificationError) as caught:
        make_spec(**arguments)
    assert caught.value.code == code
    if code != "bad_order":  # which speaks of counts
        assert set(re.findall(r"'(\w+)'", str(caught.value))) == {*having(trait), family.name}


def test_an_unknown_family_is_refused_with_the_list():
    for name in ("weibull", None, ["zip"]):
        with pytest.raises(SpecificationError) as caught:
            family_named(name)
        assert (caught.value.code, caught.value.argument) == ("unknown_family", "family")
        assert all(known in caught.value.way_out for known in FAMILIES)


def test_traits_that_are_none_are_refused():
    with pytest.raises(AttributeError):
        having("sigma")


def test_lists_in_words():
    assert those_having("has_bounds") == "'cnorm'"
    assert those_having("is_zero_inflated", "or") == "'zip' or 'zinb'"
    assert those_having("is_hurdle") == "'hurdle' and 'hurdle_negbin'"
    assert those_having("is_count").startswith("'poisson', 'zip', 'negbin'")


@each
def test_words(family):
    assert FAMILIES[family.name] is family
    assert family.title.lower() == family.label.lower()
    assert family.title[0].isupper()
    assert set(re.findall(r"family '(\w+)'", family.residual_remedy)) <= set(FAMILIES)


# -- traj -------------------------------------------------------------------------------------------------------------


@each
def test_trajs_model_is_the_same_law_or_one_that_holds_it(family):
    if family.traj_model is None:
        assert (family.traj_heading, family.sas_models, family.traj_band_fault) == (None, (), "")
        return
    host = FAMILIES[family.traj_model]
    assert host.traj_model == host.name
    unbounded = (name for name in FAMILIES if FAMILIES[name].with_bounds == host.name)
    assert family.name in {host.name, host.without_zeros, *unbounded}
    assert family.traj_heading == host.traj_heading
    assert f"({host.name})" in family.traj_heading


def test_headings_are_those_that_traj_prints():
    """The recorded printouts of Stata's traj, those that say of what model they are."""
    printed = set()
    for file in (ROOT / "tests" / "reference").glob("*/traj_output.txt"):
        printed |= {m.strip() for m in re.findall(r"Model: (.*\(\w+\))", file.read_text(errors="replace"))}
    assert printed
    assert printed <= {FAMILIES[name].traj_heading for name in having("traj_heading")}


def test_no_two_families_share_a_word_of_sas():
    words = [word for family in FAMILIES.values() for word in family.sas_models]
    assert len(words) == len(set(words))


# -- where they live --------------------------------------------------------------------------------------------------


def test_traits_are_asked_without_torch():
    code = (
        "import sys\nfrom gbtm.families import FAMILIES\n"
        "[getattr(f, t) for f in FAMILIES.values() for t in dir(f) if not t.startswith('_')]\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "python")
    assert done.returncode == 0, done.stderr


def test_the_table_for_r_is_the_engines():
    place = importlib.util.spec_from_file_location("tables", ROOT / "scripts" / "tables.py")
    tables = importlib.util.module_from_spec(place)
    place.loader.exec_module(tables)
    written = (tables.FOLDER / "families.json").read_text(encoding="utf-8")
    assert written == tables.families_table(), "stale: run `make tables`"


@each
def test_its_density_is_in_the_model_description(family):
    rows = (ROOT / "docs" / "model.md").read_text(encoding="utf-8").splitlines()
    assert sum(row.startswith(f"| `{family.name}`") for row in rows) == 1


def _asked_by_name(tree):
    """Lines that compare a family with a name, or list two names or more, outside docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and re.search(r"family\b(?!\.link)", ast.unparse(node.left)):
            named = [c for c in ast.walk(node) if isinstance(c, ast.Constant) and c.value in FAMILIES]
            if named:
                yield node.lineno
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict)):
            members = node.keys if isinstance(node, ast.Dict) else node.elts
            if sum(isinstance(m, ast.Constant) and m.value in FAMILIES for m in members) > 1:
                yield node.lineno


def test_no_file_but_a_familys_own_knows_it_by_name():
    package = ROOT / "python" / "gbtm"
    found = [
        f"{file.relative_to(package)}:{line}" for file in sorted(package.rglob("*.py"))
        if file.parent != package / "families"
        for line in _asked_by_name(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []
    asking = "x = family == 'zip'\ny = ('poisson', 'zip')\nz = family.link == 'logit'"
    assert list(_asked_by_name(ast.parse(asking))) == [1, 2]
