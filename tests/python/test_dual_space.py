"""A search of dual models: both numbers of groups, orders outcome by outcome, the same table, file and folder."""

from __future__ import annotations

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import SpecificationError
from gbtm.model.nesting import nested
from gbtm.selection.candidates import Candidate
from gbtm.selection.dual_space import make_dual_space, numbers_of_both
from gbtm.selection.search import search_models
from gbtm.selection.strategy import task_for, wanted

OUTCOMES = [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("c ~ t", family="poisson", order=1)]
OPTIONS = {"id": "id", "n_starts": 1, "shape_starts": 1, "risk2": "x"}


@pytest.fixture(scope="module")
def data():
    """Group 1 of y flat, group 2 rising; both groups of c flat, the second likelier after the second of y."""
    rng = np.random.default_rng(4)
    n = 50
    j = rng.integers(0, 2, n)
    k = (rng.random(n) < np.where(j == 1, 0.8, 0.25)).astype(int)
    group, other, t = np.repeat(j, 5), np.repeat(k, 5), np.tile(np.arange(5.0), n)
    table = pd.DataFrame({"id": np.repeat(np.arange(n), 5), "t": t, "y": rng.normal(1 + group * (1.5 + 0.6 * t)),
                          "c": rng.poisson(np.exp(0.2 + 1.3 * other)).astype(float),
                          "x": np.repeat(rng.normal(size=n), 5)})
    table.loc[table["id"] < 4, "c"] = np.nan
    return table


@pytest.fixture(scope="module")
def found(data):
    return gbtm.search(OUTCOMES, data, groups=[[2], 2], **OPTIONS)


@pytest.fixture(scope="module")
def grown(data):
    said = []
    options = {"groups": [[2, 3], 2], "how": "groups", "progress": lambda text, _: said.append(text)}
    return gbtm.search(OUTCOMES, data, **OPTIONS, **options), said


def test_orders_outcome_by_outcome(found):
    best = found.best()
    assert isinstance(best, gbtm.DualResults)
    assert best.set_sizes == (2, 2)
    slopes = [name for name in best.params.index if ": t" in name]
    rising = 1 + int(best.params["y: intercept[2]"] > best.params["y: intercept[1]"])
    assert slopes == [f"y: t[{rising}]"]  # no other group, and no other outcome, has a slope
    assert found.choices["bic_subjects"] == "2 x 2: y 1 0, c 0 0"
    assert best.bic < found.fits["2 x 2: y 1 1, c 1 1"].bic
    assert any("2 x 2 groups" in s for s in found.sentences)
    assert any("outcome by outcome" in s for s in found.sentences)
    assert "2 x 2: y 1 0, c 0 0" in found.summary()


def test_the_table_has_the_worst_of_both_sets_of_groups(found):
    label = "2 x 2: y 1 0, c 0 0"
    res, row = found.fits[label], found.table.loc[label]
    each = pd.concat([res.of_outcome(name).adequacy for name in ("y", "c")])
    assert row["smallest_group"] == each["share"].min()
    assert row["avepp_min"] == each["avepp"].min()
    assert row["smallest_n"] == min(np.bincount(res.assignment[g])[1:].min() for g in ("group1", "group2"))
    assert row["loglik"] == res.llf
    assert row["bic_subjects"] == pytest.approx(-2 * res.llf + len(res.params) * np.log(50))


def test_both_numbers_of_groups(grown):
    found, said = grown
    assert found.table[["groups", "groups2"]].to_numpy().tolist() == [[2, 2], [3, 2]]
    small, large = found.fits.values()
    assert nested(small.spec, large.spec)
    assert small.llf < large.llf  # as it starts from the smaller one
    task = task_for(found.space, found.space.top((3, 2)), {f.candidate: f for f in found._fitted.values()}, 2, 1)
    assert [spec.set_sizes for spec, _ in task.below] == [(2, 2)]
    assert any(text.startswith("1 of 2 fits") for text in said)
    assert said[-1] == "search done: 2 models"


def test_it_is_the_fit_of_the_model_by_itself(found, data):
    outcomes = [gbtm.Outcome("y ~ t", order=[0, 1]), gbtm.Outcome("c ~ t", family="poisson", order=0)]
    alone = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=[2, 2], risk2="x").fit(n_starts=4)
    best = found.best()
    assert best.llf == pytest.approx(alone.llf, abs=1e-6)
    theirs = alone.transitions("joint")["estimate"].to_numpy()
    np.testing.assert_allclose(np.sort(best.transitions("joint")["estimate"]), np.sort(theirs), atol=1e-5)
    np.testing.assert_array_equal(best.pairs.risk[:, 0], data["x"].to_numpy()[::5])  # shared between fits, and there


def test_a_search_is_read_from_its_file_and_goes_on_from_its_folder(found, data, tmp_path):
    found.save(tmp_path / "search.json")
    again = gbtm.load_search(tmp_path / "search.json")
    pd.testing.assert_frame_equal(again.table, found.table)
    assert again.space == found.space
    pd.testing.assert_frame_equal(again.best().transitions(), found.best().transitions())
    stored = json.loads((tmp_path / "search.json").read_text())
    stored["space"]["second_groups"] = 2
    (tmp_path / "broken.json").write_text(json.dumps(stored))
    with pytest.raises(gbtm.DataError, match="second_groups"):
        gbtm.load_search(tmp_path / "broken.json")
    small = {**OPTIONS, "groups": [2, 2], "link": "dual", "how": "groups", "checkpoint": tmp_path / "kept"}
    first = gbtm.search(OUTCOMES, data, **small)
    kept = sorted(f.name for f in (tmp_path / "kept").iterdir())
    second = gbtm.search(OUTCOMES, data, **small)
    assert sorted(f.name for f in (tmp_path / "kept").iterdir()) == kept
    assert second.table["loglik"].tolist() == first.table["loglik"].tolist()
    with pytest.raises(SpecificationError) as caught:
        gbtm.search(OUTCOMES, data, **{**small, "refgroup2": 2})
    assert caught.value.code == "other_checkpoint"


def test_figures_of_a_search(found):
    criteria, models = found.plot(), found.plot_models(outcome="c", which="all")
    assert len(models.axes) == len(found.table)
    assert {"BIC (n = subjects)", "Relative entropy"} <= {ax.get_title(loc="left") for ax in criteria.axes}
    for fig in (criteria, models):
        plt.close(fig)


def test_cross_validation_of_dual_models(found):
    table = found.cross_validate(["2 x 2: y 1 0, c 0 0"], folds=2)
    assert np.isfinite(table.loc["2 x 2: y 1 0, c 0 0", "cv_loglik"])
    assert found.best("cv_loglik").set_sizes == (2, 2)


def test_tests_of_one_group_less_are_refused(found):
    with pytest.raises(SpecificationError) as caught:
        found.blrt()
    assert caught.value.code == "two_group_sets"
    assert "by itself" in caught.value.way_out


def test_shapes_and_rounds_of_a_space(data):
    spec = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=0), gbtm.Outcome("c ~ t", family="poisson", order=0)], data, id="id",
        groups=[2, 2]).spec
    spec = replace(spec, dropout=(0, 0))
    space = make_dual_space(spec, [3, [2, 4]], [2, [-1, 0, 1]], ["y", "c"], (2, 1))
    assert space.numbers == ((2, 2), (2, 4), (3, 2), (3, 4))
    top = space.top((3, 2))
    assert space.label(top) == "3 x 2: y 2 2 2, c 1 1"
    assert [space.label(c) for c in space.reductions(top)] == ["3 x 2: y 2 2 1, c 1 1", "3 x 2: y 2 2 2, c 1 0"]
    assert space.candidate([(0, 2, 1), (-1, 1)]) == Candidate(3, (2, 1, 0, 1, -1), 2)  # each outcome's by themselves
    made = space.spec(space.candidate([(0, 2, 1), (-1, 1)]))
    assert (made.set_sizes, made.reference, made.second_reference, made.dropout) == ((3, 2), 2, 1, (0, 0, 0))
    assert space.spec(space.top((2, 2))).reference == 0  # which has no third group
    assert space.steps(space.candidate([(0, 2, 1), (-1, 1)])) == 5
    assert [c.number for c in wanted(space, "groups", "bic_subjects", {})] == [(2, 2)]
    smaller, skipped = space.within(3)
    assert (smaller.numbers, skipped) == (((2, 2), (3, 2)), [4])


@pytest.mark.parametrize(("options", "code"), [
    ({"groups": [[2, 3], [1, 2]]}, "bad_groups"), ({"groups": [[2, 3], 1]}, "bad_groups"),
    ({"groups": [[2], [2], [2]]}, "bad_groups"), ({"groups": [["a"], 2]}, "bad_groups"),
    ({"groups": [[2, 3], 2], "link": "multi"}, "bad_groups"), ({"how": "grid"}, "unknown_how"),
    ({"refgroup2": 0}, "bad_refgroup2"), ({"groups": [2, 3], "risk2": "x"}, "no_second_groups"),
    ({"groups": [[200], 2]}, "bad_groups"), ({"refgroup2": 4}, "bad_refgroup2"), ({"refgroup": 5}, "bad_refgroup"),
])
def test_what_a_dual_search_refuses(data, options, code):
    with pytest.raises(SpecificationError) as caught:
        gbtm.search(OUTCOMES, data, id="id", **{"groups": [[2], 2], **options})
    assert caught.value.code == code
    assert caught.value.way_out


def test_a_dual_search_takes_two_outcomes(data):
    with pytest.raises(SpecificationError) as caught:
        gbtm.search([*OUTCOMES, "x ~ t"], data, id="id", groups=[[2], [2]])
    assert caught.value.code == "bad_groups"
    with pytest.raises(SpecificationError):
        gbtm.search("y ~ t", data, id="id", groups=[[2], [2]])


@pytest.mark.parametrize(("groups", "numbers"), [
    ([[2, 3, 4], [2, 3]], ((2, 3, 4), (2, 3))), ([4, 3], ((2, 3, 4), (2, 3))), (3, ((2, 3), (2, 3))),
    ([[3], 2], ((3,), (2,))),
])
def test_numbers_of_both(groups, numbers):
    assert numbers_of_both(groups) == numbers


def test_from_a_panel_and_a_model_of_one_group(grown, data):
    base = gbtm.GBTM.from_formula([replace(o, order=0) for o in OUTCOMES], data, id="id", groups=1)
    panel = gbtm.GBTM.from_formula(OUTCOMES, data, id="id", groups=[2, 2], risk2="x").panel
    options = {"groups": [[2], 2], "order": [1, 1], "how": "groups", "n_starts": 1}
    found = search_models(panel, base.spec, **options)
    assert found.table["loglik"].tolist() == pytest.approx(grown[0].table["loglik"].tolist()[:1], abs=1e-6)
    with pytest.raises(SpecificationError):
        search_models(panel, base.spec, link="multi", **options)
