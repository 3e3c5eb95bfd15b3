"""Options are declared once: every door has them, refuses what is none, and reads their values in one way."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pytest

import gbtm
from conftest import ROOT
from gbtm import SpecificationError
from gbtm.families import FAMILIES, having
from gbtm.foreign_words import MEANT, SAID
from gbtm.recipes.spec_options import arguments_of
from gbtm.specification.covariance_kinds import COVARIANCE_KINDS
from gbtm.specification.description import Design, DistalOutcome, described
from gbtm.specification.option import options_of
from gbtm.specification.outcome import Outcome
from gbtm.specification.outcome_spec import OutcomeSpec
from gbtm.specification.spec import make_spec

ALL = {**options_of(Outcome), **options_of(Design)}


@pytest.mark.parametrize("door", [gbtm.GBTM, gbtm.GBTM.from_formula])
def test_every_option_stands_in_the_signature_that_help_shows(door):
    shown = inspect.signature(door).parameters
    assert set(ALL) <= set(shown)
    assert (set(options_of(DistalOutcome)) <= set(shown)) == (door is not gbtm.GBTM)
    assert shown["family"].default == "normal"
    assert shown["refgroup"].default == 1
    assert all(shown[n].kind is inspect.Parameter.KEYWORD_ONLY for n in ALL)


def test_an_argument_like_no_other_gets_the_list():
    with pytest.raises(TypeError, match=r"zzz: no such argument\. There are: .*order.*risk.*wide"):
        gbtm.search("y ~ t", gbtm.datasets.two_groups(rng=0), id="id", zzz=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_has_the_options_that_its_traits_allow(family):
    given = {"orders": 0, "flag": True, "bound": 1.0, "columns": "w"}
    for name, option in options_of(Outcome).items():
        if not option.trait:
            continue
        value = given[option.kind]
        if family in having(option.trait):
            described({"groups": 2, "family": family, name: value})
        else:
            with pytest.raises(SpecificationError, match=name) as caught:
                described({"groups": 2, "family": family, name: value})
            assert (caught.value.code, caught.value.argument) == (option.code, name)
            assert caught.value.way_out


@pytest.mark.parametrize("stored", [o.stored for o in options_of(Outcome).values() if o.stored])
def test_stored_fields_are_those_of_the_specification(stored):
    assert stored in OutcomeSpec.__dataclass_fields__


@pytest.mark.parametrize("arguments", [
    {"groups": 2, "order": 1, "family": "normal"},
    {"groups": 3, "order": [1, 0, -1], "family": "zip", "iorder": [0, 0, -1]},
    {"groups": 2, "order": 1, "family": "zip", "iorder": 1, "refgroup": 2, "dropout": 1},
    {"groups": 2, "order": [0, 2], "family": "cnorm", "min": 0.0, "max": 5.0, "censor_beyond": True,
     "sigma_by_group": True},
    {"groups": 2, "order": 1, "family": "normal", "rorder": [0, 1]},
    {"groups": 2, "order": 1, "family": "normal", "ar1": True, "rho_by_group": True},
    {"groups": 2, "order": 1, "family": "negbin", "dispersion_by_group": True},
])
def test_a_specification_says_of_what_it_was_made(arguments):
    assert arguments_of(make_spec(**arguments)) == arguments


def test_the_number_of_groups_follows_from_their_orders():
    assert make_spec(order=[1, 2, 0]).n_groups == 3
    for order in (2, [2], None):
        with pytest.raises(SpecificationError, match="groups: not given"):
            make_spec(order=order)


@pytest.mark.parametrize(("name", "value", "code"), [
    ("ar1", "yes", "bad_flag"), ("sigma_by_group", 2, "bad_flag"), ("min", "low", "bad_bounds"),
    ("max", True, "bad_bounds"), ("min", np.nan, "bad_bounds"), ("order", True, "bad_order"),
    ("order", "2", "bad_order"), ("order", [], "order_length"), ("family", None, "bad_family"),
    ("refgroup", 1.5, "bad_refgroup"),
    ("groups", 2.5, "bad_groups"), ("groups", True, "bad_groups"), ("dropout", 0.5, "bad_order"),
])
def test_values_that_an_option_cannot_have(name, value, code):
    with pytest.raises(SpecificationError, match=f"^{name}: ") as caught:
        make_spec(**{"groups": 2, "family": "cnorm", name: value})
    assert (caught.value.code, caught.value.argument) == (code, name)


@pytest.mark.parametrize("name", ["dcov", "obsmar"])
def test_what_is_about_dropout_needs_dropout(name):
    with pytest.raises(SpecificationError, match=f"^{name}: goes with dropout") as caught:
        described({"groups": 2, name: "w"})
    assert caught.value.code == "no_dropout"
    described({"groups": 2, name: "w", "dropout": 0})


def test_what_r_reads_is_what_the_engine_declares():
    """Written by ``make tables``."""
    table = json.loads((ROOT / "inst" / "extdata" / "options.json").read_text(encoding="utf-8"))
    meant = {word: " ".join(ours) for word, ours in MEANT.items()}
    kinds = {n: o.kind for n, o in ALL.items()}
    covariances = {k.name: {"title": k.title, "units": k.units} for k in COVARIANCE_KINDS.values()}
    outcome, distal = list(options_of(Outcome)), list(options_of(DistalOutcome))
    assert table == {"kinds": kinds, "outcome": outcome, "distal": distal, "meant": meant, "said": SAID,
                     "covariances": covariances}, "run `make tables`"
