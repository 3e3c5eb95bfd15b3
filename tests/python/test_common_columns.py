"""Reading covariates whose effects are common to all groups: which columns they are, in every kind of table."""

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm.errors import GBTMError, SpecificationError

N, T = 40, 4


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(0)
    sex, job = rng.integers(0, 2, N), rng.integers(0, 3, N)
    w = rng.normal(size=(N, T))
    y = 2.0 * (np.arange(N)[:, None] % 2) + sex[:, None] + 0.5 * w + rng.normal(size=(N, T))
    columns = {f"y{j}": y[:, j] for j in range(T)} | {f"w{j}": w[:, j] for j in range(T)}
    return pd.DataFrame({"id": np.arange(N), "sex": sex, "job": np.array(["a", "b", "c"])[job], **columns})


@pytest.fixture(scope="module")
def long(wide):
    values = {s: wide[[f"{s}{j}" for j in range(T)]].to_numpy().ravel() for s in ("y", "w")}
    people = wide[["id", "sex", "job"]].loc[wide.index.repeat(T)].reset_index(drop=True)
    return people.assign(t=np.tile(np.arange(T, dtype=float), N), **values)


def common(data, groups=2, order=1, **options):
    model = gbtm.GBTM.from_formula("y ~ t", data, **{"id": "id", **options}, groups=groups, order=order)
    return model.spec.outcomes[0].common, [n for n in model.layout.names if not n.startswith(("int", "theta", "sigma"))]


@pytest.mark.parametrize(("tcov", "shared", "wanted"), [
    (None, "sex", ("sex",)),
    (["w"], ["sex"], ("sex",)),
    ("w", "~ sex * t", ("sex", "sex:t")),
    ("~ sex", "~ sex:t", ("sex:t",)),
    (None, "~ w + C(job)", ("w", "C(job)[T.b]", "C(job)[T.c]")),
    ("~ C(job)", "~ C(job):w + w", ("w", "C(job)[T.b]:w", "C(job)[T.c]:w")),
    ("~ np.exp(w)", "~ w:sex", ("w:sex",)),
    ("~ sex", "~ np.log1p(w**2) + I(w ** 3)", ("np.log1p(w ** 2)", "I(w ** 3)")),
    (None, "~ t:w + I(t ** 2)", ("I(t ** 2)", "t:w")),
])
def test_the_terms_of_a_formula_say_which_columns_they_are(long, tcov, shared, wanted):
    names, parameters = common(long, tcov=tcov, common=shared)
    assert set(names) == set(wanted)
    # each stands once, and what is in tcov once a group
    assert [n for n in parameters if "[" not in n.replace("[T.", "")] == list(names)


def test_what_is_common_with_order_0_is_time_itself(long):
    assert common(long, order=0, common="~ t")[0] == ("t",)
    assert common(long, order=0, common="~ sex * t")[0] == ("sex", "t", "sex:t")
    model = gbtm.GBTM.from_formula("y ~ t", long, id="id", groups=2, order=1, common="~ sex * t")
    ((_, sentence),) = [d for d in model.panel.doubts if d[0] == "time_in_tcov"]
    assert sentence.startswith("common: t is no covariate here")
    with pytest.raises(SpecificationError, match=r"common: nothing is left of '~ t'.* order 0"):
        common(long, common="~ t")


def test_a_lagged_outcome_may_be_common(long, wide):
    names, parameters = common(long, tcov="w", common='~ lag("y") + sex')
    assert set(names) == {"lag(y)", "sex"}
    assert parameters[-2:] == list(names)
    of = {"y": "y*", "t": [0, 1, 2, 3], "w": "w*"}
    assert common(wide, tcov="w", common=['lag("y")'], wide=of)[0] == ("lag(y)",)


def test_wide_data_may_know_it_once_of_a_person(long, wide):
    of = {"y": "y*", "t": [0, 1, 2, 3], "w": "w*", "sex": "sex"}
    one = gbtm.GBTM.from_formula("y ~ t", wide, id="id", wide=of, groups=2, order=1, tcov="w", common="sex")
    other = gbtm.GBTM.from_formula("y ~ t", long, id="id", groups=2, order=1, tcov="w", common="sex")
    a, b = (m.fit(rng=0, n_starts=2) for m in (one, other))
    assert a.llf == pytest.approx(b.llf, abs=1e-10)
    assert not a.warnings
    scored = a.classify(wide.head(5))["probability"].to_numpy().reshape(5, 2)
    np.testing.assert_allclose(scored, a.posterior.to_numpy()[:5], atol=1e-10)
    with pytest.raises(SpecificationError, match="common: 'job' does not stand in wide"):
        common(wide, common="job", wide=of)


def test_arrays(long, wide):
    y, w = (wide[[f"{s}{j}" for j in range(T)]].to_numpy() for s in ("y", "w"))
    sex = np.repeat(wide["sex"].to_numpy()[:, None], T, axis=1)
    time = np.arange(T, dtype=float)
    res = gbtm.GBTM(y, time, groups=2, order=1, tcov=w, common=sex).fit(rng=0, n_starts=2)
    named = gbtm.GBTM(y, time, groups=2, order=1, tcov=w, common={"sex": sex, "w2": w**2})
    table = gbtm.GBTM.from_formula("y ~ t", long, id="id", groups=2, order=1, tcov="w", common="sex").fit(
        rng=0, n_starts=2)
    assert res.llf == pytest.approx(table.llf, abs=1e-10)
    assert res.spec.outcomes[0].common == ("c1",)
    assert named.spec.outcomes[0].common == ("sex", "w2")
    once = gbtm.GBTM(y, time, groups=2, order=1, tcov=w, common=wide["sex"].to_numpy()).fit(rng=0, n_starts=2)
    assert once.llf == res.llf
    mixed = gbtm.GBTM(y, time, groups=2, order=1, common={"sex": wide["sex"].to_numpy(), "w": w})
    assert mixed.spec.outcomes[0].common == ("sex", "w")
    both = gbtm.GBTM(y, time, groups=2, order=1, common=np.stack([w, sex], axis=2))
    assert both.spec.outcomes[0].common == ("c1", "c2")


@pytest.mark.parametrize(("arguments", "sentence"), [
    ({"tcov": ["sex"], "common": ["sex", "w"]}, "common: sex stands in tcov too"),
    ({"tcov": "~ sex * w", "common": "~ w + sex:w"}, "common: sex:w, w stand in tcov too"),
    ({"common": "~ nosuch"}, "^common: 'nosuch' cannot be evaluated.*common="),
    ({"common": "~ one"}, "^common: one is the same throughout"),
    ({"common": ["missing"]}, "no column named 'missing'"),
])
def test_errors_speak_of_common(long, arguments, sentence):
    with pytest.raises(GBTMError, match=sentence):
        common(long.assign(one=1.0), **arguments)


def test_values_in_its_place_are_refused(long):
    with pytest.raises(GBTMError, match="common: values"):
        common(long, common=long["sex"])
