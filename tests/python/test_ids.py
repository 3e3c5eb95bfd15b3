"""Ids of several columns: one person a combination, joined so that nobody is taken for another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import DataError
from gbtm.data.ids import id_column, wide_ids
from gbtm.recipes.recipe import recipe

N, T = 30, 4


def _long():
    rng = np.random.default_rng(0)
    i = np.repeat(np.arange(N), T)
    d = pd.DataFrame({"HHID": i // 2, "PN": 10.0 * (i % 2 + 1), "one": i, "t": np.tile(np.arange(T), N) * 1.0})
    d["x"] = rng.normal(size=N)[i]
    d["y"] = 4 * (i % 3 == 0) + rng.normal(size=N * T)
    return d.sample(frac=1, random_state=1)


def _wide():
    d = _long().pivot(index=["HHID", "PN", "one"], columns="t", values="y").add_prefix("y")
    d.columns = [f"y{j}" for j in range(T)]
    return d.reset_index()


def test_joined_ids_are_apart_wherever_the_columns_are():
    d = pd.DataFrame({"a": ["a.b", "a", "a.b", None], "b": ["c", "b.c", "c", "d"]})
    joined = id_column(d, ["a", "b"])
    assert joined.tolist()[:3] == ["a.b_c", "a_b.c", "a.b_c"]
    assert pd.isna(joined[3])
    assert joined.name == "a.b"
    assert id_column(d, "a") is not None
    assert id_column(d, ["a"]).tolist()[:2] == ["a.b", "a"]
    assert id_column(pd.DataFrame({"a": [1, 2], "b": [10.0, 2.5]}), ["a", "b"]).tolist() == ["1.10", "2.2.5"]
    index = pd.MultiIndex.from_tuples([(1, "x"), (1, "y")], names=["h", "p"])
    assert wide_ids(pd.DataFrame({"y": [1, 2]}, index=index), None).tolist() == ["1.x", "1.y"]
    everything = [(s.join("ab"), "c") for s in ("._|", " / ")]
    assert id_column(pd.DataFrame(everything, columns=["a", "b"]), ["a", "b"]).is_unique


def test_long_data_have_a_person_per_combination(tmp_path):
    d = _long()
    model = {"groups": 2, "order": 1, "risk": ["x"]}
    one = gbtm.GBTM.from_formula("y ~ t", d, id="one", **model).fit(n_starts=2)
    res = gbtm.GBTM.from_formula("y ~ t", d, id=["HHID", "PN"], **model).fit(n_starts=2)
    assert res.n_subjects == N
    assert res.llf == pytest.approx(one.llf, abs=1e-9)
    first = d.drop_duplicates("one")
    assert res.ids.tolist() == [f"{h}.{p:.0f}" for h, p in zip(first["HHID"], first["PN"], strict=True)]
    assert res.id_name == "HHID.PN"
    res.save(tmp_path / "fit.json")
    for fit in (res, gbtm.load(tmp_path / "fit.json")):
        new = fit.classify(d)
        assert new.columns[0] == "HHID.PN"
        np.testing.assert_allclose(new["probability"], fit.posterior.to_numpy().ravel(), atol=1e-8)
    assert recipe(res).id == ["HHID", "PN"]
    assert gbtm.GBTM(d["y"], d["t"], d[["HHID", "PN"]], groups=1).panel.ids.tolist() == res.ids.tolist()


def test_wide_data_and_commands_have_a_person_per_combination():
    d = _wide()
    for j in range(T):
        d[f"t{j}"] = float(j)
    res = gbtm.GBTM.from_formula("y ~ t", d, id=["HHID", "PN"], groups=2, order=1, wide={"y": "y?", "t": "t?"})
    assert res.panel.n_subjects == N
    text = "traj, var(y0-y3) indep(t0-t3) model(cnorm) min(-99) max(99) order(1 1)"
    assert gbtm.traj(text, d, id=["HHID", "PN"], n_starts=2).ids.tolist() == res.panel.ids.tolist()
    with pytest.raises(DataError, match="id=\\['HHID', 'PN'\\]") as caught:
        gbtm.GBTM.from_formula("y ~ t", d, id="HHID", groups=2, wide={"y": "y?", "t": "t?"})
    assert caught.value.code == "duplicate_id"


@pytest.mark.parametrize(("id", "code"), [(["HHID", "nobody"], "unknown_column"), ([], "bad_id")])
def test_columns_that_are_none(id, code):
    with pytest.raises(DataError) as caught:
        gbtm.GBTM.from_formula("y ~ t", _long(), id=id, groups=2)
    assert caught.value.code == code
