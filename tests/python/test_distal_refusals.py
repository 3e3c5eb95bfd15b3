"""What distal outcomes refuse or doubt of a fit: dual models with covariates of the second groups, dropout, one set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTMWarning, SpecificationError
from gbtm.step_three.classification import refuse


def two_outcomes(n=60, seed=4):
    rng = np.random.default_rng(seed)
    t = np.arange(4.0)
    a, b = rng.integers(0, 2, n), rng.integers(0, 2, n)
    y = np.where(a[:, None] == 0, 1 + 0.5 * t, 6 - 0.3 * t) + rng.normal(0, 0.4, (n, 4))
    z = np.where(b[:, None] == 0, 0.2 * t, 4.0) + rng.normal(0, 0.4, (n, 4))
    table = pd.DataFrame({"id": np.repeat(np.arange(n), 4), "t": np.tile(t, n), "y": y.ravel(), "z": z.ravel()})
    table["w"] = np.repeat(rng.normal(size=n), 4)
    return table, pd.DataFrame({"id": np.arange(n), "late": rng.normal(size=n) + a})


def test_the_second_groups_covariates_are_in_their_posteriors():
    table, people = two_outcomes()
    fit = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], table, id="id", groups=(2, 2), order=1, risk2="~ w").fit(
        n_starts=2, rng=0)
    for groups_of in ("y", "z"):
        with pytest.raises(SpecificationError, match="membership covariates") as error:
            fit.distal("late ~ group", people, groups_of=groups_of)
        assert error.value.code == "membership_covariates"
        assert "risk2" in error.value.way_out


def test_a_fit_of_one_set_of_groups_has_none_to_choose():
    table, people = two_outcomes(24)
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=1, rng=0)
    for ask in (lambda: fit.distal("late ~ group", people, groups_of="y"),
                lambda: fit.predictors("~ late", people, groups_of=1)):
        with pytest.raises(SpecificationError, match="one set of groups") as error:
            ask()
        assert error.value.code == "one_group_set"
    refuse(fit)


def test_one_outcome_of_several_names_the_way_to_ask_the_whole():
    """Of a dual model by groups_of, whichever of its outcomes and whichever question, whatever else is wrong."""
    table, people = two_outcomes(100)
    fit = gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], table, id="id", groups=(2, 2), order=0).fit(n_starts=1, rng=0)
    for name in ("y", "z"):
        part = fit.of_outcome(name)
        for ask in (lambda p=part: p.distal("late ~ group", people), lambda p=part: p.predictors("~ late", people),
                    lambda p=part, n=name: p.distal("late ~ group", people, groups_of=n, method="naive"),
                    lambda p=part: p.distal("late ~ group", people, method="traj")):
            with pytest.raises(SpecificationError, match=f"{name} was fitted together with others") as error:
                ask()
            assert (error.value.code, error.value.argument) == ("part_of_a_fit", "res")
            assert f"groups_of='{name}'" in error.value.way_out
        whole = fit.distal("late ~ group", people, groups_of=name, method="naive")
        np.testing.assert_allclose(
            whole.groups["mean"], people.set_index("id")["late"].groupby(part.assignment).mean(), rtol=1e-10)


def test_groups_that_dropout_helped_to_make_are_doubted():
    table, people = two_outcomes(80)
    rng = np.random.default_rng(0)
    leaves = rng.integers(2, 6, 80)
    table = table[table["t"] < leaves[table["id"]]]
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1, dropout=0).fit(n_starts=1, rng=0)
    with pytest.warns(GBTMWarning, match="dropout"):
        out = fit.distal("late ~ group", people)
    assert any("dropout" in w for w in out.warnings)


def test_a_term_of_several_columns_is_tested_at_once():
    table, people = two_outcomes(80)
    people["kind"] = np.array(["a", "b", "c"])[people["id"] % 3]
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=1, rng=0)
    out = fit.predictors("~ C(kind) + late", people)
    names = ["C(kind)[T.b]", "C(kind)[T.c]"]
    at = [f"theta_{n}[2]" for n in names]
    b, v = out.params[at].to_numpy(), out.cov_params().loc[at, at].to_numpy()
    test = out.test(names)
    assert test.df == 2
    np.testing.assert_allclose(test.statistic, b @ np.linalg.solve(v, b), rtol=1e-8)
    with pytest.raises(SpecificationError, match=r"term: 'nosuch'"):
        out.test(["late", "nosuch"])


@pytest.fixture(scope="module")
def small():
    """A fit, its people with an outcome of each kind, and what the plain columns give."""
    table, people = two_outcomes(100)
    fit = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(n_starts=1, rng=0)
    rng = np.random.default_rng(5)
    people = people.assign(count=rng.poisson(2.0, 100), yes=rng.random(100) < 0.4, kind=rng.choice(["a", "b"], 100))
    return fit, people


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
@pytest.mark.parametrize("kind", ["object", "Float64", "pyarrow", "None", "pd.NA", "pd.NA object", "absent"])
def test_values_are_read_whatever_kind_of_column_holds_them(small, kind):
    """Numbers stay numbers and truth values logits, some missing or not; 'absent': who is missing has no row."""
    fit, people = small
    columns = ["late", "yes"]
    missing = kind not in ("object", "Float64", "pyarrow")
    plain = people[people["id"] != 3] if missing else people
    if kind == "pyarrow":
        table = people.convert_dtypes(dtype_backend="pyarrow")
    elif kind == "absent":
        table = plain
    else:
        to = {"Float64": {"late": "Float64", "yes": "boolean"}, "pd.NA": {"late": "Float64", "yes": "boolean"}}
        table = people.astype(to.get(kind, dict.fromkeys(columns, object)))
        if missing:
            table.loc[table["id"] == 3, columns] = None if kind == "None" else pd.NA
    for name, family in (("late", "normal"), ("yes", "logit")):
        out = fit.distal(f"{name} ~ group", table)
        assert out.family == family
        assert out.nobs == len(plain)
        np.testing.assert_allclose(out.params, fit.distal(f"{name} ~ group", plain).params, rtol=1e-10)
        lead = fit.predictors(f"~ {name}", table.assign(yes=table["yes"].astype("Float64")))
        np.testing.assert_allclose(lead.params, fit.predictors(
            f"~ {name}", plain.assign(yes=plain["yes"] * 1.0)).params, rtol=1e-8)
    with pytest.raises(SpecificationError) as error:
        fit.distal("count ~ group", table.assign(count=table["count"].astype(object)))
    assert error.value.code == "no_family"  # counts, and no categories


@pytest.mark.filterwarnings("ignore::gbtm.GBTMWarning")
def test_categories_that_nobody_has_are_none(small):
    """In the table, or among those of whom nothing is missing."""
    fit, people = small
    plain = fit.distal("late ~ group + C(kind)", people)
    unused = people.assign(kind=pd.Categorical(people["kind"], ["a", "never", "b"]))
    np.testing.assert_allclose(fit.distal("late ~ group + C(kind)", unused).params, plain.params, rtol=1e-10)
    np.testing.assert_allclose(fit.predictors("~ C(kind)", unused).params, fit.predictors("~ C(kind)", people).params,
                               rtol=1e-8)
    alone = people.assign(kind=pd.Categorical(np.where(people["id"] == 3, "alone", people["kind"])),
                          late=people["late"].where(people["id"] != 3))
    np.testing.assert_allclose(fit.distal("late ~ group * kind", alone).params,
                               fit.distal("late ~ group * kind", people[people["id"] != 3]).params, rtol=1e-10)


@pytest.mark.parametrize(("change", "code"), [
    (lambda o: o.where(o.index != 4, np.inf), "infinite"), (lambda o: o.where(o.index != 4, -np.inf), "infinite"),
    (lambda o: o + 0j, "bad_outcome"), (lambda o: pd.Timestamp("2020-01-01") + pd.to_timedelta(o.round(), unit="D"),
                                       "bad_outcome"),
    (lambda o: pd.to_timedelta(o.round(), unit="D"), "bad_outcome"),
    (lambda o: (pd.Timestamp("2020-01-01") + pd.to_timedelta(o.round(), unit="D")).dt.date, "bad_outcome"),
])
@pytest.mark.parametrize("family", [None, "normal", "nominal"])
def test_dates_complex_and_infinite_values_are_no_outcome(small, change, code, family):
    fit, people = small
    if family == "nominal" and code == "infinite":
        return
    with pytest.raises(gbtm.DataError, match="late") as error:
        fit.distal("late ~ group", people.assign(late=change(people["late"])), family=family)
    assert error.value.code == code


@pytest.mark.parametrize("name", ["late", "age", "id", "when"])
def test_of_two_columns_with_one_name_none_is_taken(small, name):
    fit, people = small
    table = people.assign(age=people["late"] ** 2, when=9.0)
    twice = pd.concat([table, -table[[name]]], axis=1)
    asked = [lambda: fit.distal("late ~ group + age", twice, measured_at="when"),
             lambda: fit.distal("late ~ group * age", twice, method="traj", measured_at="when")]
    if name != "late":
        asked.append(lambda: fit.predictors("~ age + when", twice))
    for ask in asked:
        with pytest.raises(gbtm.DataError, match="2 columns have this name") as caught:
            ask()
        assert (caught.value.code, caught.value.argument) == ("duplicate_column", name)
