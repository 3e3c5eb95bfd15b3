"""A fit read by name and type says what its panel and its layout say; no room but ``fit/`` reads by key."""

from __future__ import annotations

import ast
import warnings

import numpy as np
import pytest

import gbtm
from conftest import ROOT
from gbtm.record.document import from_json, to_json
from gbtm.record.rebuild import layout_of, panel_of
from parts import draw

SOURCE = ROOT / "python" / "gbtm"
SEARCH_TRANSFER = "bridge/choice.py"  # hands the whole document of a search to R, the data apart


def test_no_room_but_fit_reads_a_document_by_key():
    """``res.document`` goes whole to files, to R and to other fits; what is in it is read by :class:`FitRecord`."""
    found = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in sorted(SOURCE.rglob("*.py")) if path.parent.name != "fit" and path != SOURCE / SEARCH_TRANSFER
        for line in _reads_by_key(path.read_text(encoding="utf-8"))
    ]
    assert not found, found


def test_the_test_sees_reading_by_key():
    assert _reads_by_key("x = res.document['spec']\ny = basis.document\nz = {**fit.document, 'ids': ids}") == [1]
    assert _reads_by_key("document = res.document\nx = document['spec']\ny = other['spec']") == [2]
    assert _reads_by_key("a, document = 1, res.document\nx = document['spec']") == [2]
    assert _reads_by_key("x = self.res.document.get('weights')\nfor k, v in fit.document.items():\n    pass") == [1, 2]


def _reads_by_key(source: str) -> list[int]:
    """Lines in which a fit's document is indexed, under its own name or another that it was given."""
    tree = ast.parse(source)

    def is_document(node) -> bool:
        return _is_attribute(node) or (isinstance(node, ast.Name) and node.id in names)

    names = {
        target.id for node in ast.walk(tree) if isinstance(node, ast.Assign)
        for target, value in zip(_each(node.targets[0]), _each(node.value)) if _is_attribute(value)
        if isinstance(target, ast.Name)
    }
    return sorted(
        node.lineno for node in ast.walk(tree)
        if (isinstance(node, ast.Subscript) and is_document(node.value))
        or (isinstance(node, ast.Attribute) and node.attr in ("get", "items", "keys", "values")
            and is_document(node.value))
    )


def _each(node) -> list:
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _is_attribute(node) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "document"


@pytest.fixture(scope="module", params=["everything", "zinb", "dropout1"])
def pair(request):
    model = draw(request.param).built()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = model.fit(rng=0, n_starts=2)
    return model, gbtm.GBTMResults(from_json(to_json(res.document)))


def test_observations_are_those_of_the_panel(pair):
    model, res = pair
    (outcome,), (measures,) = res.outcomes, model.panel.outcomes
    for name in ("subject", "time", "y", "wave", "exposure"):
        here, there = getattr(outcome.data, name), getattr(measures, name)
        assert (here is None) == (there is None)
        assert here is None or (here == there).all()
    assert outcome.data.covariates.shape == (outcome.nobs, len(outcome.covariate_names))
    assert outcome.nobs == measures.nobs == res.nobs
    assert (outcome.name, outcome.time_name) == (measures.name, measures.time_name)
    again = panel_of(res)
    assert list(again.ids) == list(model.panel.ids)
    assert (again.subjects.risk == model.panel.subjects.risk).all()


def test_the_model_is_the_one_that_was_fitted(pair):
    model, res = pair
    assert res.spec == model.spec
    assert res.outcomes[0].spec == model.spec.outcomes[0]
    layout = layout_of(res)
    assert layout.names == res.names == model.layout.names
    np.testing.assert_array_equal(layout.report(res.internal.params), res.params)
    for predictor, at in res.outcomes[0].positions.items():
        values = np.append(res.internal.params, 0.0)[at]
        np.testing.assert_allclose(values[at >= 0], res.outcomes[0].coefficients[predictor][at >= 0])


def test_blocks_tile_the_parameters(pair):
    _, res = pair
    places = [np.arange(res.df_model)[b.entries] for b in res.blocks]
    assert np.concatenate(places).tolist() == list(range(res.df_model))
    for b in res.blocks:
        assert (b.outcome is None) == (b.kind == "theta")
        assert b.group_set == 0
        assert b.group in (None, *res.group_names)


def test_groups_and_membership(pair):
    model, res = pair
    (groups,) = res.group_sets
    assert groups.n_groups == res.n_groups
    assert groups.reference == model.spec.reference
    np.testing.assert_allclose(groups.posterior.sum(axis=1), 1.0)
    np.testing.assert_array_equal(groups.posterior, res.posterior)
    assert groups.membership.covariate_names == model.panel.subjects.risk_names
    assert (groups.membership.positions[groups.reference] == -1).all()
    np.testing.assert_array_equal(groups.membership.coefficients[groups.reference], 0.0)


def test_dropout_belongs_to_its_outcome(pair):
    model, res = pair
    assert res.dropout is res.outcomes[0].dropout
    if model.spec.dropout is None:
        assert res.dropout is None
        return
    records = res.dropout.records
    assert res.dropout.orders == model.spec.dropout
    assert res.dropout.n_records == records.nobs == model.panel.departures.nobs
    assert res.dropout.n_dropped == records.y.sum()
    np.testing.assert_array_equal(records.covariates, model.panel.departures.covariates)


def test_the_search_and_what_was_found(pair):
    _, res = pair
    assert res.search.optima[0].loglik == res.llf
    assert res.search.optima[0].how == "best"
    np.testing.assert_allclose(sum(res.search.optima[0].shares[0]), 1.0)
    assert (res.search.rng, res.search.n_starts_asked) == (0, 2)
    assert res.certificate.gradient < 1e-3
    assert [f.message for f in res.findings] == res.warnings
    assert res.seconds > 0
    silent = type(res)({**res.document, "seconds": None})
    assert np.isnan(silent.seconds)
    assert res.created_by == f"gbtm {gbtm.__version__}"
