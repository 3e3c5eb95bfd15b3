"""A document that lacks a field, or has it in another shape, is refused by the field's name."""

from __future__ import annotations

import copy
import json
import re

import numpy as np
import pytest

import gbtm
from conftest import ROOT
from gbtm.record.document import decode, from_json, to_json
from gbtm.record.document_schema import FIT

V1 = ROOT / "tests" / "documents" / "v1"


@pytest.fixture(scope="module")
def stored():
    """A document with all there can be, as its JSON says it."""
    return json.loads(to_json(gbtm.load(V1 / "parts.json").document))


def _paths(rule, at=()):
    """Every field of the table that must be there, by the way to it."""
    for name, own in rule.items():
        plain = name.strip("@?")
        if name == "*" or name.endswith("~"):
            continue
        here = (*at, plain)
        yield here
        if isinstance(own, dict):
            yield from _paths(own, here)
        elif isinstance(own, list) and isinstance(own[0], dict):
            yield from _paths(own[0], (*here, 0))


def _holder(document, path):
    for step in path[:-1]:
        document = document[step]
    return document


def _refused(document, tmp_path) -> str:
    (tmp_path / "fit.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(gbtm.DataError) as caught:
        gbtm.load(tmp_path / "fit.json")
    assert (caught.value.code, caught.value.argument) == ("bad_document", "path")
    assert "fit.json" in caught.value.message
    return caught.value.message


def test_every_field_of_the_table_is_missed_by_name(stored, tmp_path):
    paths = list(_paths(FIT))
    assert len(paths) > 100
    for path in paths:
        document = copy.deepcopy(stored)
        del _holder(document, path)[path[-1]]
        shown = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")
        assert f"'{shown}' is missing" in _refused(document, tmp_path)


@pytest.mark.parametrize(
    ("path", "value", "fragment"),
    [
        (("params",), [1.0, 2.0], r"'params' is of shape \(2\) instead of \(16\)"),
        (("cov_params",), [[1.0]], r"'cov_params' is of shape \(1, 1\) instead of \(16, 16\)"),
        (("group_sets", 0, "posterior"), [[0.5, 0.5]], r"posterior' is of shape \(1, 2\) instead of \(40, 2\)"),
        (("outcomes", 0, "data", "y"), [1.0], r"'outcomes\[0\].data.y' is of shape \(1\) instead of \(165\)"),
        (("ids",), ["a"], r"'ids' is of shape \(1\) instead of \(40\)"),
        (("weights",), "none", "'weights' is no array of numbers"),
        (("loglik",), None, "'loglik' is no number"),
        (("loglik",), True, "'loglik' is no number"),
        (("nobs",), 1.5, "'nobs' is no whole number"),
        (("n_subjects",), -40, "'n_subjects' is no whole number"),
        (("names",), "theta", "'names' is no list"),
        (("outcomes",), {}, "'outcomes' is no list"),
        (("search",), [], "'search' is no object"),
        (("certificate", "converged"), 1, "converged' is neither true nor false"),
        (("outcomes", 0, "name"), 3, r"'outcomes\[0\].name' is no text"),
        (("outcomes", 0, "offsets", "mean"), [0.0], r"offsets.mean' is of shape \(1\) instead of \(2\)"),
        (("outcomes", 0, "group_set"), 1, r"'outcomes\[0\].group_set' is 1, of 1 there are"),
        (("outcomes", 0, "spec", "moving_average"), 1, "'moving_average', which this package does not know"),
        (("blocks", 0, "start"), 40, "'blocks' has parameters that 'names' has not"),
    ],
)
def test_another_shape_is_refused_by_name(path, value, fragment, stored, tmp_path):
    document = copy.deepcopy(stored)
    _holder(document, path)[path[-1]] = value
    assert re.search(fragment, _refused(document, tmp_path))


def test_an_outcome_has_the_curves_of_its_groups(stored, tmp_path):
    document = copy.deepcopy(stored)
    outcome = document["outcomes"][0]
    for name in ("coefficients", "positions", "offsets"):
        outcome[name] = {p: v[:1].tolist() for p, v in decode(outcome[name]).items()}
    outcome["dropout"]["orders"] = [0]
    assert "'outcomes[0].coefficients' are not those of 2 groups" in _refused(document, tmp_path)


@pytest.mark.parametrize("name", ["spec", "membership", "posterior", "search", "data", "nobs", "blocks", "loglik"])
def test_version_1_is_checked_too(name, tmp_path):
    document = json.loads((V1 / "parts.json").read_text(encoding="utf-8"))
    del document[name]
    assert f"'{name}' is missing" in _refused(document, tmp_path)


@pytest.mark.parametrize("version", [None, "2", 0, -1, 1.5, True])
def test_a_version_that_is_none_is_refused(version, stored, tmp_path):
    assert "format_version" in _refused({**stored, "format_version": version}, tmp_path)


def test_fields_of_the_future_are_let_be(stored):
    """What later code adds within version 2 does not keep this code from reading the rest."""
    document = copy.deepcopy(stored)
    document["later"] = document["outcomes"][0]["later"] = document["group_sets"][0]["given"] = {"table": [[1.0]]}
    document["certificate"]["later"] = document["dropped"]["later"] = document["blocks"][0]["later"] = 1
    res = gbtm.GBTMResults(from_json(json.dumps(document)))
    assert res.certificate.converged
    assert res.dropped.sentence().startswith("Dropped: 35 observations")
    assert len(res.blocks) == len(stored["blocks"])


def test_a_search_is_checked(tmp_path):
    whole = json.loads((V1 / "search.json").read_text(encoding="utf-8"))
    file = tmp_path / "search.json"
    cases = [
        (("space",), "'space' is missing"), (("shared", "data"), "'data' is missing"),
        (("fits", 0, "label"), r"'fits[0].label' is missing"), (("fits", 0, "document", "params"), "model 1"),
    ]
    for path, fragment in cases:
        document = copy.deepcopy(whole)
        del _holder(document, path)[path[-1]]
        file.write_text(json.dumps(document), encoding="utf-8")
        with pytest.raises(gbtm.DataError) as caught:
            gbtm.load_search(file)
        assert caught.value.code == "bad_document"
        assert fragment in caught.value.message
    assert np.isfinite(decode(whole)["fits"][0]["document"]["params"]).all()
