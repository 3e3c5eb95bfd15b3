"""New people read as the fit's were: the same people have the same posteriors, and no file runs code."""

from __future__ import annotations

import contextlib
import json
import warnings

import numpy as np
import pandas as pd
import pytest

import gbtm

PEOPLE = 150
TRANSFORMS = ["scale(x)", "bs(x, df=4)", "poly(x, 2)", "center(x)", "C(z)", "scale(x):z",
              "standardize(x) + bs(w, df=4)", "{x.clip(2, 8)}"]


@pytest.fixture(scope="module")
def table():
    rng, waves = np.random.default_rng(3), 4
    x = rng.normal(5, 2, PEOPLE)
    g = (rng.random(PEOPLE) < 1 / (1 + np.exp(5 - x))).astype(int)
    i = np.repeat(np.arange(PEOPLE), waves)
    t = np.tile(np.arange(waves), PEOPLE)
    return pd.DataFrame({
        "id": i, "t": t, "y": np.where(g[i] == 0, 1, 2.2) + rng.normal(size=i.size), "x": x[i],
        "w": rng.normal(2, 1, i.size), "z": np.array(list("abc"))[i % 3],
    })


def fitted(table, **arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, **{"order": 0, **arguments}).fit(n_starts=1)


def difference(res, new):
    p = res.classify(new).pivot(index="id", columns="group", values="probability")
    return float(np.abs(p - res.posterior.loc[p.index]).to_numpy().max())


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_same_people_have_the_same_posteriors(transform, table, tmp_path):
    """Whoever else stands in the new table; from memory, and from a file."""
    by_person = "w" not in transform
    res = fitted(table, **({"risk": f"~ {transform}"} if by_person else {"tcov": f"~ {transform}", "order": 1}))
    some = table[table.x > 7]
    assert difference(res, some) < 1e-9
    res.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json", trust_formula="clip" in transform)
    assert difference(again, some) < 1e-9


@pytest.mark.parametrize("argument", ["tcov", "dcov"])
def test_covariates_of_waves_keep_what_they_took(argument, table):
    left = table[~((table.id % 4 == 0) & (table.t > 1))]
    res = fitted(left, order=1, dropout=0, **{argument: "~ scale(w)"})
    everyone = res.classify(left, by_wave=True).query("t == 1").set_index(["id", "group"]).probability
    some = left[left.id < 9]
    alone = res.classify(some, by_wave=True).query("t == 1").set_index(["id", "group"]).probability
    np.testing.assert_allclose(alone, everyone.loc[alone.index], rtol=1e-10)


def test_covariates_that_depend_on_the_other_rows_are_refused(table):
    res = fitted(table, risk="~ {x - x.mean()}")
    with pytest.raises(gbtm.SpecificationError, match="depends on who else is in the table"):
        res.classify(table[table.id < 9])


HOSTILE = "{open(%r, 'w').close() or 0}"


@pytest.mark.parametrize("change", ["risk", "risk_design", "tcov", "levels", "basis", "formula", "no design"])
def test_nothing_in_a_file_is_run(change, table, tmp_path):
    path, mark = tmp_path / "fit.json", tmp_path / "EXECUTED"
    code = HOSTILE % str(mark)
    formula = {"basis": "y ~ bs(t, df=3)", "formula": "y ~ bs(t, df=3)"}.get(change, "y ~ t")
    order = {} if change in ("basis", "formula") else {"order": 1}
    res = gbtm.GBTM.from_formula(formula, table, id="id", groups=2, risk="~ scale(x)", tcov="~ w", **order)
    res.fit(n_starts=1).save(path)
    document = json.loads(path.read_text())
    groups, outcome = document["group_sets"][0], document["outcomes"][0]
    if change == "risk":
        groups["inputs"]["risk"] = f"~ x + {code}"
    elif change == "risk_design":
        groups["inputs"]["risk_design"]["factors"][0]["text"] = code.strip("{}")
        groups["inputs"]["risk_design"]["factors"][0]["arithmetic"] = False
    elif change == "no design":
        del groups["inputs"]["risk_design"]
        groups["inputs"]["risk"] = f"~ x + {code}"
    elif change == "tcov":
        del outcome["inputs"]["tcov_design"]
        outcome["inputs"]["tcov"] = f"~ w + {code}"
    elif change == "levels":
        document["inputs"]["levels"] = {"x": [code]}
    elif change == "basis":
        design = outcome["bases"]["mean"]["design"]
        design["factors"][-1] |= {"text": code.strip("{}"), "arithmetic": False}
    elif change == "formula":
        outcome["bases"]["mean"].pop("design")
        outcome["bases"]["mean"]["formula"] = code
        document["formula"] = f"y ~ {code}"
    path.write_text(json.dumps(document))
    again = gbtm.load(path)
    for use in (lambda: again.classify(table.head(40)), lambda: again.predict([0.5]), lambda: again.plot(),
                lambda: again.classify(table, by_wave=True), again.summary, lambda: again.resid):
        with contextlib.suppress(gbtm.GBTMError):
            use()
    assert not mark.exists()


def test_a_spline_of_a_file_is_known_between_the_times_without_trust(table, tmp_path):
    res = gbtm.GBTM.from_formula("y ~ bs(t, df=3)", table, id="id", groups=2).fit(n_starts=1)
    res.save(tmp_path / "fit.json")
    pd.testing.assert_frame_equal(gbtm.load(tmp_path / "fit.json").predict([0.5, 1.25]), res.predict([0.5, 1.25]))


def test_categories_of_time_are_known_at_the_times_that_were_observed(table):
    """At any other time there is no mean of theirs: formulaic would give the reference category's."""
    res = gbtm.GBTM.from_formula("y ~ C(t)", table, id="id", groups=2).fit(n_starts=1)
    assert set(res.predict([0, 3]).t) == {0, 3}
    with pytest.raises(gbtm.SpecificationError, match=r"times: 1\.5 was not observed") as caught:
        res.predict([1, 1.5])
    assert caught.value.code == "unknown_time"
    assert "0, 1, 2, 3" in caught.value.way_out


class TestWithoutDesign:
    """Documents that do not say how covariates are made: those of R, and of earlier versions."""

    def document(self, table, tmp_path, risk):
        path = tmp_path / "fit.json"
        fitted(table, risk=risk).save(path)
        document = json.loads(path.read_text())
        del document["group_sets"][0]["inputs"]["risk_design"]
        path.write_text(json.dumps(document))
        return path

    @pytest.mark.parametrize("risk", ["~ x + C(z)", "~ z", ["x", "z"], "x"])
    def test_names_and_factors_need_no_more(self, risk, table, tmp_path):
        res = gbtm.load(self.document(table, tmp_path, risk))
        assert difference(res, table[table.x > 7]) < 1e-9

    def test_other_formulas_are_code(self, table, tmp_path):
        path = self.document(table, tmp_path, "~ np.log(x + 20)")
        with pytest.raises(gbtm.SpecificationError, match="nothing in a file is executed"):
            gbtm.load(path).classify(table)
        assert difference(gbtm.load(path, trust_formula=True), table[table.x > 7]) < 1e-9

    def test_what_was_taken_from_the_data_is_not_taken_anew(self, table, tmp_path):
        path = self.document(table, tmp_path, "~ scale(x)")
        with pytest.raises(gbtm.SpecificationError, match="does not say what '~ scale"):
            gbtm.load(path, trust_formula=True).classify(table[table.x > 7])
