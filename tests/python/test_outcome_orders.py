"""A search of several outcomes: orders with posteriors held fixed, against weighted least squares; and the whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.selection.candidates import Candidate
from gbtm.selection.outcome_orders import _Alone, lower_by_one, make_several_space


@pytest.fixture(scope="module")
def data():
    """Group 1 flat in y, group 2 rising; both flat in c, at other levels; some people without c."""
    rng = np.random.default_rng(2)
    n = 60
    group, t = np.repeat(rng.integers(0, 2, n), 5), np.tile(np.arange(5.0), n)
    table = pd.DataFrame({"id": np.repeat(np.arange(n), 5), "t": t, "y": rng.normal(1 + group * (1.5 + 0.6 * t)),
                          "c": rng.poisson(np.exp(0.2 + 1.1 * group)).astype(float)})
    table.loc[table["id"] < 4, "c"] = np.nan
    return table


OUTCOMES = [gbtm.Outcome("y ~ t", order=2), gbtm.Outcome("c ~ t", family="poisson", order=1)]


@pytest.fixture(scope="module")
def found(data):
    return gbtm.search(OUTCOMES, data, id="id", groups=2, n_starts=4, shape_starts=1)


def test_numbers_of_groups_and_then_orders(found):
    best = found.best()
    assert best.n_groups == 2
    slopes = [n for n in best.params.index if ": t" in n]
    group = 1 + int(best.params["y: intercept[2]"] > best.params["y: intercept[1]"])
    assert slopes == [f"y: t[{group}]"]  # no other group, and no other outcome, has a slope
    label = found.choices["bic_subjects"]
    assert label == "2: y 1 0, c 0 0"
    top = found.fits["2: y 2 2, c 1 1"]
    assert (len(top.params), len(best.params)) == (12, 7)
    assert best.bic < top.bic
    assert any("outcome by outcome" in s for s in found.sentences)
    assert set(found.table["groups"]) == {1, 2}


def test_a_search_is_read_from_its_file_and_goes_on_from_its_folder(found, data, tmp_path):
    found.save(tmp_path / "search.json")
    again = gbtm.load_search(tmp_path / "search.json")
    pd.testing.assert_frame_equal(again.table, found.table)
    assert again.space.spec(Candidate(2, (2, 1, 0, 0))).outcomes[1].orders == (1, 0)
    options = {"id": "id", "groups": [1, 2], "n_starts": 2, "shape_starts": 1, "how": "groups"}
    first = gbtm.search(OUTCOMES, data, checkpoint=tmp_path / "kept", **options)
    kept = sorted(f.name for f in (tmp_path / "kept").iterdir())
    second = gbtm.search(OUTCOMES, data, checkpoint=tmp_path / "kept", **options)
    assert sorted(f.name for f in (tmp_path / "kept").iterdir()) == kept
    assert second.table["loglik"].tolist() == first.table["loglik"].tolist()
    with pytest.raises(gbtm.GBTMError):
        gbtm.search([*OUTCOMES[:1], "c ~ t"], data, checkpoint=tmp_path / "kept", **options)


def test_what_orders_cost_with_posteriors_fixed(data):
    """-2 Q + c p of a normal outcome, by weighted least squares with one sigma."""
    model = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=2)
    p = np.random.default_rng(0).dirichlet([1, 1], data["id"].nunique())
    alone = _Alone(model.panel, model.spec.outcomes[0], model.layout.outcomes[0].bases["mean"], p, 3.0)
    weight, n, gaps = p[data["id"]], len(data), []
    for orders in ((2, 2), (1, 0), (0, 2)):
        total = 0.0
        for k, order in enumerate(orders):
            x, root = np.vander(data["t"], order + 1), np.sqrt(weight[:, k])
            beta = np.linalg.lstsq(x * root[:, None], data["y"] * root, rcond=None)[0]
            total += (weight[:, k] * (data["y"] - x @ beta) ** 2).sum()
        gaps.append(alone.value(orders) - n * np.log(total / n) - 3.0 * (sum(orders) + 3))
    assert gaps == pytest.approx([gaps[0]] * 3, abs=1e-4)  # what is left is the same for all orders


def test_people_alike_in_one_outcome_are_still_told_apart(data):
    """Equal counts are one person to the engine; their posterior probabilities are added up."""
    model = gbtm.GBTM.from_formula("c ~ t", data[data["id"] >= 4].assign(c=lambda d: d["c"].clip(upper=1)), id="id",
                                   groups=2, order=1, family="poisson")
    table = data[data["id"] >= 4].assign(c=lambda d: d["c"].clip(upper=1))
    p = np.random.default_rng(1).dirichlet([1, 1], model.panel.n_subjects)
    alone = _Alone(model.panel, model.spec.outcomes[0], model.layout.outcomes[0].bases["mean"], p, 0.0)
    weight = p[pd.factorize(table["id"])[0]]
    want = 0.0
    for k in (0, 1):
        rate = (weight[:, k] * table["c"]).sum() / weight[:, k].sum()
        want -= 2 * (weight[:, k] * (table["c"] * np.log(rate) - rate)).sum()
    assert alone.value((0, 0)) == pytest.approx(want, rel=1e-6)


def test_shapes_of_a_space(data):
    prepared = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=0), gbtm.Outcome("c ~ t", family="poisson", order=0)], data, id="id",
        groups=1).prepared
    space = make_several_space(prepared.spec, [2], [2, [-1, 0, 1]], ["y", "c"], 0)
    top = space.top(2)
    assert space.of_outcomes(top) == [(2, 2), (1, 1)]
    assert [space.label(c) for c in space.reductions(top)] == ["2: y 2 1, c 1 1", "2: y 2 2, c 1 0"]
    assert space.candidate([(0, 2), (1, -1)]).orders == (2, -1, 0, 1)  # groups go by their shapes, together
    assert lower_by_one((0, -1), (-1, 0, 1)) == []  # two groups that never happen, or only such, are no model
    assert lower_by_one((1, 0), (-1, 0, 1)) == [(0, 0), (1, -1)]
    assert space.steps(space.candidate([(0, 2), (1, -1)])) == 4


@pytest.mark.parametrize(("options", "code"), [
    ({"how": "grid"}, "unknown_how"), ({"iorder_by_group": True}, "bad_iorder"), ({"iorder": "order"}, "bad_iorder"),
    ({"sigma_by_group": True}, "whose_option"), ({"groups": 0}, "bad_groups"),
])
def test_what_a_search_of_several_outcomes_cannot_do(data, options, code):
    with pytest.raises(SpecificationError) as caught:
        gbtm.search(OUTCOMES, data, id="id", **{"groups": 2, **options})
    assert caught.value.code == code
    assert caught.value.way_out
