"""Several outcomes from one table or from many: the reference numbers, and what people of one table alone become."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import gbtm
from gbtm import GBTM, DataError, SpecificationError
from several import DATA, EXPECTED, FOLDER, WIDE, long_table, outcomes, start


@pytest.fixture(scope="module")
def wide():
    return GBTM.from_formula(outcomes(), DATA, id="id", groups=3, wide=WIDE).fit(start=start())


@pytest.mark.parametrize(("which", "risk"), [("multi", None), ("multi_risk", ["x"])])
def test_the_reference_program_has_the_same_numbers(which, risk):
    """Log-likelihood, estimates, standard errors and posteriors of an independent torch program."""
    model = GBTM.from_formula(outcomes(), DATA, id="id", groups=3, wide=WIDE, risk=risk)
    res = model.fit(start=start(which))
    want = EXPECTED[which]
    assert res.llf == pytest.approx(want["llf"], abs=1e-6)
    np.testing.assert_allclose(res.params, start(which), rtol=1e-6, atol=1e-8)
    se = dict(zip(want["params"], want["se"].values(), strict=True))
    order = sorted(se, key=lambda n: ("theta" in n, "sigma" in n))  # curves and zero part, sigma, theta
    np.testing.assert_allclose(res.bse, [se[n] for n in order], rtol=1e-5)
    posterior = pd.read_csv(FOLDER / f"{which}_posterior.csv").filter(like="P")
    np.testing.assert_allclose(res.posterior, posterior, atol=1e-6)
    assert res.entropy == pytest.approx(want["entropy"], abs=1e-6)


@pytest.mark.slow
def test_the_default_call_finds_the_reference_optimum():
    res = GBTM.from_formula(outcomes(), DATA, id="id", groups=3, wide=WIDE).fit(rng=0)
    assert res.llf == pytest.approx(EXPECTED["multi"]["llf"], abs=1e-6)


def test_own_long_tables_are_joined_by_id(wide):
    """Rows in any order, ids of one table missing in another: the same fit as of one wide table."""
    tables = {name: long_table(name).sample(frac=1, random_state=i) for i, name in enumerate("abc")}
    res = GBTM.from_formula(outcomes(**tables), id="id", groups=3).fit(start=start())
    assert res.llf == pytest.approx(wide.llf, abs=1e-9)
    np.testing.assert_allclose(res.params, wide.params, rtol=1e-8)
    ours = res.posterior.loc[wide.posterior.index]
    np.testing.assert_allclose(ours, wide.posterior, atol=1e-9)


def test_one_long_table_with_a_column_for_each():
    one = long_table("a").rename(columns={"ta": "t"})
    two = one.assign(z=np.where(one["t"] > 0, one["a"] ** 2, np.nan))  # z is missing in half of the rows
    res = GBTM.from_formula(["a ~ t", "z ~ t"], two, id="id", groups=2, order=1).fit(n_starts=2)
    assert [o.nobs for o in res.outcomes] == [two["a"].notna().sum(), two["z"].notna().sum()]
    assert res.df_model == 2 * (2 * 2 + 1) + 1


def test_people_of_one_outcome_stay_and_people_of_none_are_counted(wide):
    assert wide.n_subjects == 400
    few = DATA.copy()
    few.loc[few["id"] == 7, [c for c in few if c[0] in "abc" and c[1:].isdigit()]] = np.nan
    model = GBTM.from_formula(outcomes(), few, id="id", groups=3, wide=WIDE)
    assert model.panel.n_subjects == 399
    assert model.panel.dropped.subjects == (7,)
    without_b = DATA[WIDE["b"]].isna().all(axis=1)
    assert without_b.sum() == 12
    assert set(DATA["id"][without_b]) <= set(model.panel.ids)


def test_one_outcome_is_the_model_of_one_outcome():
    table = gbtm.datasets.two_groups(rng=0)
    plain = GBTM.from_formula("y ~ t", table, id="id", groups=2, order=[1, 2]).fit(rng=0)
    listed = GBTM.from_formula([gbtm.Outcome("y ~ t", order=[1, 2])], table, id="id", groups=2).fit(rng=0)
    assert listed.llf == plain.llf
    pd.testing.assert_series_equal(listed.params, plain.params)
    pd.testing.assert_series_equal(listed.bse, plain.bse)


def test_waves_split_over_two_outcomes_of_equal_parameters_are_one_outcome():
    """The likelihood of one outcome at its values, in two halves; sigma is that of both."""
    table = gbtm.datasets.two_groups(rng=0)
    plain = GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(rng=0)
    early = table["t"] <= 0
    halves = table.assign(u=table["y"].where(early), v=table["y"].where(~early))
    both = GBTM.from_formula(["u ~ t", "v ~ t"], halves, id="id", groups=2, order=1)
    one = plain.params
    same = [*one.iloc[:4], *one.iloc[:4], one["sigma"], one["sigma"], one["theta[2]"]]
    module = both.module()
    module.set_flat(both.layout.unreport(np.array(same)))
    assert float(module().sum().detach()) == pytest.approx(plain.llf, abs=1e-9)


def test_an_outcome_that_is_noise_to_all_groups_adds_its_own_likelihood():
    """Groups with one curve of the second outcome have the posteriors of the first."""
    table = gbtm.datasets.two_groups(rng=0)
    rng = np.random.default_rng(1)
    table["w"] = rng.poisson(2.0, len(table))
    first = GBTM.from_formula("y ~ t", table, id="id", groups=2, order=1).fit(rng=0)
    noise = GBTM.from_formula("w ~ t", table, id="id", groups=1, order=0, family="poisson").fit(rng=0)
    both = GBTM.from_formula(
        [gbtm.Outcome("y ~ t", order=1), gbtm.Outcome("w ~ t", order=0, family="poisson")], table, id="id", groups=2)
    rate = noise.params.iloc[0]
    one = first.params
    module = both.module()
    module.set_flat(both.layout.unreport(np.array([*one.iloc[:4], rate, rate, one["sigma"], one["theta[2]"]])))
    assert float(module().sum().detach()) == pytest.approx(first.llf + noise.llf, abs=1e-9)


def test_weights_and_covariates_of_people_come_from_the_model_s_table():
    """People of an own table of whom the model's table knows nothing are left out and counted."""
    main = long_table("a").merge(DATA[["id", "x"]])
    main = main[main["id"] > 3]
    model = GBTM.from_formula(
        [outcomes()[0], gbtm.Outcome("b ~ tb", family="logit", order=1, data=long_table("b"))], main, id="id",
        groups=3, risk=["x"])
    assert 3 not in set(model.panel.ids)
    assert {1, 2, 3} <= set(model.panel.dropped.incomplete_subjects)
    x = DATA.set_index("id")["x"]
    np.testing.assert_array_equal(model.panel.subjects.risk[:, 0], x.loc[model.panel.ids])


@pytest.mark.parametrize(("outcome_list", "data", "options", "code"), [
    (["a ~ ta", "a ~ ta"], "a", {"order": 1}, "same_outcome"),
    ([gbtm.Outcome("a ~ ta")], "a", {"order": 1}, "whose_option"),
    ([], "a", {}, "no_outcome"),
    ([3], "a", {}, "bad_formula"),
    (["a ~ ta", "b ~ tb"], None, {"order": 1}, "no_data"),
])
def test_what_is_no_model_is_refused(outcome_list, data, options, code):
    with pytest.raises(SpecificationError) as caught:
        GBTM.from_formula(outcome_list, None if data is None else long_table(data), id="id", groups=2, **options)
    assert caught.value.code == code


def test_ids_in_two_forms_share_no_person():
    text = long_table("b").assign(id=lambda d: "p" + d["id"].astype(str))
    with pytest.raises(DataError, match="none of its") as caught:
        GBTM.from_formula(
            [outcomes()[0], gbtm.Outcome("b ~ tb", family="logit", data=text)], long_table("a"), id="id", groups=3)
    assert caught.value.code == "no_common_id"


def test_a_level_of_a_factor_that_one_outcome_lacks_is_there_by_another():
    """People seen in one outcome alone, of a region of their own; a region that nobody is seen in is none."""
    table = gbtm.datasets.two_groups(rng=0)
    table["n"] = np.random.default_rng(1).poisson(2, len(table)).astype(float)
    table["region"] = np.where(table["id"] <= 3, "nowhere", np.array(["north", "south", "west"])[table["id"] % 3])
    table.loc[table["region"] == "west", "y"] = np.nan
    table.loc[table["region"] == "nowhere", ["y", "n"]] = np.nan
    with pytest.warns(gbtm.GBTMWarning, match="'nowhere' occurs in no row"):
        model = GBTM.from_formula(
            ["y ~ t", gbtm.Outcome("n ~ t", family="poisson", order=0)], table, id="id", groups=2, order=1,
            risk="~ region")
    assert [n.strip("]").split(".")[-1] for n in model.panel.subjects.risk_names] == ["south", "west"]
    assert model.panel.n_subjects == table["id"].nunique() - 3


def test_a_fit_of_the_same_outcomes_and_one_of_a_group_less_are_starts():
    table = gbtm.datasets.two_groups(rng=0)
    table["n"] = np.random.default_rng(1).poisson(2, len(table))
    asked = ["y ~ t", gbtm.Outcome("n ~ t", family="poisson", order=0)]
    two = GBTM.from_formula(asked, table, id="id", groups=2, order=1)
    one = GBTM.from_formula(asked, table, id="id", groups=1, order=1).fit(n_starts=1)
    grown = two.fit(start=one)
    assert two.fit(start=grown).llf == pytest.approx(grown.llf, abs=1e-9)
    assert grown.llf > one.llf
    other = GBTM.from_formula(["n ~ t", "y ~ t"], table, id="id", groups=2, order=1)
    with pytest.raises(SpecificationError, match="is not this model"):
        other.fit(start=grown)
