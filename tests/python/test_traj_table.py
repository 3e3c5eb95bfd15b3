"""traj's layout, conventions and renamed groups; against traj itself in test_reference.py."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest
from scipy import stats

import gbtm
import oracle
from conftest import TRUTH, arguments, long_table, true_data
from gbtm import SpecificationError
from gbtm.traj_programs.traj_table import _stata
from parts import PARTS, draw


@pytest.fixture(scope="module")
def three():
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 4.0, 8.0], [20, 30, 40])[:, None] + rng.normal(size=(90, 4))
    return gbtm.GBTM(y, range(4), groups=3, order=[1, 1, 1]).fit()


def test_relabelled_groups_are_the_same_model(three):
    for order in ([1, 2, 3], [3, 1, 2], [2, 1, 3], [3, 2, 1]):
        table = three.to_traj(order)
        got = oracle.loglik(oracle.of_results(three), table.b.to_numpy(), *oracle.data_of(three))
        assert got == pytest.approx(three.llf, rel=1e-12)
        for k, source in enumerate(order, 1):
            assert table.b[f"interc{k}"] == three.params[f"intercept[{source}]"]
            assert table.shares.loc[k, "percent"] == pytest.approx(100 * three.group_shares.loc[source, "share"])
            se = 100 * three.group_shares.loc[source, "std err"] * np.sqrt(360 / (360 - 9 + 1))
            assert table.shares.loc[k, "se"] == pytest.approx(se, rel=1e-9)


def test_covariance_moves_with_the_groups(three):
    """Against the delta method written out: theta'_k = theta_{o(k)} - theta_{o(1)}."""
    order = [3, 1, 2]
    table, plain = three.to_traj(order), three.to_traj()
    p = len(plain.b)
    move = np.zeros((p, p))
    names = list(plain.b.index)
    for i, name in enumerate(names):
        if name.startswith("theta"):
            k = int(name[5:])
            if order[k - 1] > 1:
                move[i, names.index(f"theta{order[k - 1]}")] += 1
            move[i, names.index("theta3")] -= 1
        elif name == "sigma":
            move[i, i] = 1
        else:
            move[i, names.index(name[:-1] + str(order[int(name[-1]) - 1]))] = 1
    np.testing.assert_allclose(table.b, move @ plain.b, atol=1e-12)
    np.testing.assert_allclose(table.V, move @ plain.V @ move.T, atol=1e-12)


def test_p_values_are_from_t_with_the_number_of_observations(three):
    table = three.to_traj().table
    np.testing.assert_allclose(table["t"], table["estimate"] / table["se"])
    np.testing.assert_allclose(table["p"], 2 * stats.t.sf(np.abs(table["t"]), three.nobs))
    assert table["parameter"].tolist() == ["Intercept", "Linear"] * 3 + ["Sigma"] + ["(%)"] * 3


@pytest.mark.parametrize("order", [[1, 2], [1, 1, 2], [0, 1, 2], [1, 2, 4]])
def test_orders_that_are_no_permutation(three, order):
    with pytest.raises(SpecificationError, match="group_order") as caught:
        three.to_traj(order)
    assert (caught.value.code, caught.value.argument) == ("bad_group_order", "group_order")


def test_groups_of_other_orders_cannot_swap(fitted):
    with pytest.raises(SpecificationError, match="their orders differ"):
        fitted("normal").to_traj([2, 1])
    with pytest.raises(SpecificationError, match="their orders differ"):
        fitted("zip_own").to_traj([2, 1])


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("normal", "interc1 linear1 interc2 linear2 quadra2 sigma theta2"),
        ("cnorm_sbg", "interc1 interc2 linear2 sigma1 sigma2 theta2"),
        ("zip_common", "interc1 linear1 interc2 linear2 alpha0 alpha1 theta2"),
        ("zip_own", "interc1 linear1 interc2 linear2 alpha0G1 alpha0G2 alpha1G2 theta2"),
        ("poisson_never", "interc2 linear2 theta2"),
    ],
)
def test_names(name, names, fitted):
    assert list(fitted(name).to_traj().b.index) == names.split()


@pytest.mark.parametrize("name", TRUTH)
def test_every_family_prints(name, fitted):
    text = fitted(name).to_traj().text
    assert str(fitted(name).to_traj()) == text
    assert "Group membership" in text
    assert f"ll: {fitted(name).llf:.2f}" in text
    assert f"BIC(N={fitted(name).nobs})" in text
    assert "nan" not in text


def test_all_orders_up_to_five_have_a_word():
    rng = np.random.default_rng(0)
    res = gbtm.GBTM(rng.normal(size=(40, 8)), range(8), groups=1, order=5).fit()
    table = res.to_traj()
    assert list(table.b.index) == ["interc1", "linear1", "quadra1", "cubic1", "quarti1", "quinti1", "sigma"]
    assert table.table["parameter"].tolist()[:6] == ["Intercept", "Linear", "Quadratic", "Cubic", "Quartic", "Quintic"]
    assert "Entropy" not in table.text


def test_missing_errors_are_dots():
    rng = np.random.default_rng(0)
    y = np.vstack([np.ones((30, 10)), rng.random((40, 10)) < 0.4])
    with pytest.warns(gbtm.GBTMWarning):
        res = gbtm.GBTM(y, range(10), groups=2, order=0, family="logit").fit()
    line = next(x for x in res.to_traj().text.split("\n") if x.startswith(" 2       Intercept"))
    assert line.split()[-3:] == [".", ".", "."]
    swapped = res.to_traj([2, 1])
    assert np.isnan(swapped.V.loc["interc1"]).all()
    assert np.isfinite(swapped.V.loc["interc2", "interc2"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.50000"), (-0.000004, "-0.00000"), (208232.10779, "208232.10779"), (1735270.1697, "1735270.1697"),
     (-1735270.1697, "-1735270.170"), (np.nan, "."), (np.inf, ".")],
)
def test_stata_numbers_fit_their_column(value, text):
    """As in traj's own output of cam_logit_2222: fewer decimals where the number would not fit."""
    assert _stata(value, 12, 5) == text
    assert len(_stata(1.23e30, 12, 5)) <= 12


def test_a_formula_basis_prints_its_columns():
    table = long_table(*true_data("normal"))
    res = gbtm.GBTM.from_formula("y ~ t + I(t**2)", table, id="id", groups=2).fit()
    text = res.to_traj().text
    assert len(res.to_traj().b) == 8
    assert res.to_traj([2, 1]).b.iloc[0] == res.params.iloc[3]
    assert "Group membership" in text


def test_dropped_subjects_are_told_as_traj_does():
    kw = arguments(TRUTH["normal"][0])
    _, _, y = true_data("normal")
    wide = np.vstack([y.reshape(-1, 5), np.full((2, 5), np.nan)])
    res = gbtm.GBTM(wide, range(5), **kw).fit()
    lines = res.to_traj().text.split("\n")
    assert "82 observations read." in lines
    assert "2 had no trajectory data." in lines
    assert "80 observations used in the trajectory model." in lines


# -- membership covariates, dropout, time-varying covariates ----------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2, 3])
def exchangeable(request):
    """Three groups of one specification with every part, and the number of the reference group."""
    drawn = draw("everything_censored")
    options = {"order": 1, "dropout": 1, "refgroup": request.param}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = drawn.built(**options).fit(n_starts=4, cov_type="hessian")
    return drawn, res, request.param


def _theta_names(g):
    return [f"const{g}", f"z1G{g}", f"z2G{g}"]


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 1, 2], [2, 1, 3]])
def test_relabelled_groups_with_parts_are_the_same_model(order, exchangeable):
    drawn, res, reference = exchangeable
    table = res.to_traj(order)
    model = oracle.of_results(res)
    assert (model.reference, model.dropout, model.n_risk, model.n_dcov) == (reference - 1, (1, 1, 1), 2, 1)
    assert oracle.loglik(model, table.b.to_numpy(), *drawn.data, drawn.beside) == pytest.approx(res.llf, rel=1e-12)
    np.testing.assert_allclose(
        oracle.posterior(model, table.b.to_numpy(), *drawn.data, drawn.beside),
        res.posterior.to_numpy()[:, np.array(order) - 1], atol=1e-10)


def test_covariance_of_parts_moves_with_the_groups(exchangeable):
    """Against the delta method written out: theta'_k = theta_{o(k)} - theta_{o(r)} for each column, r the reference."""
    _, res, reference = exchangeable
    order = [3, 1, 2]
    table, plain = res.to_traj(order), res.to_traj()
    names = list(plain.b.index)
    move = np.zeros((len(names), len(names)))
    theta = {g: _theta_names(g) for g in (1, 2, 3) if g != reference}
    for g, own in theta.items():
        for j, name in enumerate(own):
            for sign, source in ((1, order[g - 1]), (-1, order[reference - 1])):
                if source != reference:
                    move[names.index(name), names.index(_theta_names(source)[j])] += sign
    for name in names:
        if not any(name in own for own in theta.values()):
            stem, group, rest = re.fullmatch(r"(\D+\d*?G?|drop\dG|[vw]\dG)([123])(_dcov)?", name).groups()
            move[names.index(name), names.index(f"{stem}{order[int(group) - 1]}{rest or ''}")] = 1
    np.testing.assert_allclose(table.b, move @ plain.b, atol=1e-10)
    scale = np.outer(*[np.sqrt(np.diag(table.V))] * 2)
    np.testing.assert_allclose(table.V / scale, move @ plain.V @ move.T / scale, atol=1e-9)


def test_the_reference_group_is_the_baseline(exchangeable):
    """A section for each group; that of the reference has one line, and there are no percentages."""
    _, res, reference = exchangeable
    lines = res.to_traj().text.split("\n")
    after = lines[lines.index("  Group membership ") + 1 :]
    sections = [s.split("\n") for s in "\n".join(after).split("\n \n")]
    groups = [[x for x in s if x.strip()] for s in sections][:3]
    for g, section in enumerate(groups, start=1):
        if g == reference:
            assert section == [f" {g}       Baseline         (0.00000)           .               .            . "]
            continue
        words = [row.split() for row in section]
        assert [w[-5] for w in words] == ["Constant", "z1", "z2"]
        assert words[0][0] == str(g)
        estimates = [f"{res.params[n]:.5f}" for n in (f"theta[{g}]", f"theta_z1[{g}]", f"theta_z2[{g}]")]
        assert [w[-4] for w in words] == estimates
    assert "(%)" not in res.to_traj().text
    rows = res.to_traj().table.tail(7)
    assert rows["parameter"].tolist().count("Baseline") == 1
    assert rows[rows["parameter"] == "Baseline"]["group"].tolist() == [str(reference)]


def test_sections_follow_trajs_order(exchangeable):
    """Curves with their covariates by group, dropout by group, sigma, membership."""
    _, res, reference = exchangeable
    table = res.to_traj().table
    curve, leaving = ["Intercept", "Linear", "w1", "w2"], ["Drop0", "Drop1", "v1"]
    member = [["Baseline"] if g == reference else ["Constant", "z1", "z2"] for g in (1, 2, 3)]
    assert table["parameter"].tolist() == curve * 3 + leaving * 3 + ["Sigma"] * 3 + [word for m in member for word in m]
    assert table["group"].tolist() == [
        *np.repeat(["1", "2", "3"], 4), *np.repeat(["1", "2", "3"], 3), "1", "2", "3",
        *np.repeat(["1", "2", "3"], [len(m) for m in member])]
    np.testing.assert_allclose(table["t"], table["estimate"] / table["se"])
    blank = res.to_traj().text.split("Group membership")[0].count("\n \n")
    assert blank >= 7  # seven sections, each followed by a blank line


@pytest.mark.parametrize("dropout", [[1, 0], [-1, 1]])
def test_groups_of_other_dropout_orders_cannot_swap(dropout):
    res = draw("dropout1").built(dropout=dropout).fit(n_starts=2)
    with pytest.raises(SpecificationError, match="their orders differ"):
        res.to_traj([2, 1])


@pytest.mark.parametrize("name", PARTS)
def test_every_part_prints(name):
    drawn = draw(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", gbtm.GBTMWarning)
        res = drawn.built().fit(n_starts=2)
    text = res.to_traj().text
    assert "nan" not in text
    assert f"ll: {res.llf:.2f}" in text
    assert ("Baseline" in text) == (drawn.truth.model.n_risk > 0)
    np.testing.assert_allclose(res.to_traj().b, res.params, rtol=1e-12)
    factor = res.nobs / (res.nobs - res.df_model + 1) if res.document["cov_type"] == "hessian" else 1.0
    np.testing.assert_allclose(res.to_traj().V.to_numpy(), factor * res.cov_params().to_numpy(), rtol=1e-10)
