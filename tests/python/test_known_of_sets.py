"""People of a dual model whose groups are known: against regressions, log-sum-exp, and what they are without."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

import gbtm
from gbtm.data.known_groups import class_weights
from gbtm.errors import SpecificationError
from gbtm.recipes.code import code_for
from gbtm.specification.known_of_sets import KnownOfSets, known_of_sets

N, WAVES = 160, 5
T = np.arange(WAVES) / (WAVES - 1)


@pytest.fixture(scope="module")
def sample():
    """Two outcomes whose groups hang together; the groups of either, of all in ``all_y``, of some in ``told_y``."""
    rng = np.random.default_rng(0)
    a = rng.choice(3, size=N, p=[0.5, 0.3, 0.2])
    b = (rng.random(N) > np.array([0.8, 0.4, 0.2])[a]).astype(int)
    y = np.array([0.0, 1, 2])[a][:, None] + np.array([1, 0.5, -0.5])[a][:, None] * T + rng.normal(0, 0.8, (N, WAVES))
    z = np.array([1.5, 0.0])[b][:, None] + rng.normal(0, 0.8, (N, WAVES))
    who = np.repeat(np.arange(N), WAVES)
    some = rng.random((N, 2)) < 0.3
    data = pd.DataFrame({"id": who, "t": np.tile(T, N), "y": y.ravel(), "z": z.ravel(), "all_y": a[who] + 1.0,
                         "all_z": b[who] + 1.0})
    data["told_y"] = data["all_y"].where(some[who, 0])
    data["told_z"] = data["all_z"].where(some[who, 1])
    return data, a, b, some


def fit(data, groups=(3, 2), **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gbtm.GBTM.from_formula(
            ["y ~ t", "z ~ t"], data, id="id", groups=list(groups), order=1, family="normal", **options
        ).fit(rng=0, n_starts=3)


@pytest.fixture(scope="module")
def half(sample):
    return fit(sample[0], known=["told_y", "told_z"])


def log_joint(res, data, m):
    """log pi_jk m_ijk f_ij g_ik (N, 3, 2) of a dual fit's parameters."""
    p = res.params
    total = np.log(np.asarray(res.dual.shares).reshape(3, 2))[None]
    for axis, name in enumerate(("y", "z")):
        size = (3, 2)[axis]
        line = [p[f"{name}: intercept[{k}]"] + p[f"{name}: t[{k}]"] * T for k in range(1, size + 1)]
        values = data[name].to_numpy().reshape(N, 1, WAVES)
        density = norm.logpdf(values, np.array(line), p[f"{name}: sigma"]).sum(axis=2)
        total = total + (density[:, :, None] if axis == 0 else density[:, None, :])
    with np.errstate(divide="ignore"):
        return total + np.log(m)


def product(some, a, b):
    """m (N, 3, 2) of those that are told."""
    first = np.where(some[:, :1], np.eye(3)[a], 1.0)
    second = np.where(some[:, 1:], np.eye(2)[b], 1.0)
    return first[:, :, None] * second[:, None, :]


def test_with_all_known_it_is_regressions_and_the_cross_table(sample):
    data, a, b, _ = sample
    res = fit(data, known=["all_y", "all_z"])
    for name, group, size in (("y", a, 3), ("z", b, 2)):
        left, x = 0.0, np.column_stack([np.ones(N * WAVES), data["t"]])
        for k in range(size):
            here = (group == k)[data["id"]]
            line, rest, *_ = np.linalg.lstsq(x[here], data.loc[here, name], rcond=None)
            np.testing.assert_allclose(res.params[[f"{name}: intercept[{k + 1}]", f"{name}: t[{k + 1}]"]], line,
                                       atol=1e-7)
            left += float(rest[0])
        assert res.params[f"{name}: sigma"] == pytest.approx(np.sqrt(left / (N * WAVES)), abs=1e-7)
    np.testing.assert_allclose(res.dual.shares, pd.crosstab(a, b).to_numpy().ravel() / N, atol=1e-7)
    assert np.array_equal(np.asarray(res.dual.posterior), np.eye(6)[a * 2 + b])


@pytest.mark.parametrize("known", [["told_y", "told_z"], ["told_y", None], {"z": "told_z"}])
def test_the_likelihood_and_posteriors_are_those_of_log_sum_exp(sample, half, known):
    data, a, b, some = sample
    res = half if known == ["told_y", "told_z"] else fit(data, known=known)
    given = some.copy()
    given[:, 0] &= "told_y" in known
    given[:, 1] &= "told_z" in known or isinstance(known, dict)
    joint = log_joint(res, data, product(given, a, b)).reshape(N, 6)
    assert res.llf == pytest.approx(logsumexp(joint, axis=1).sum(), abs=1e-7)
    np.testing.assert_allclose(np.asarray(res.dual.posterior), np.exp(joint - logsumexp(joint, axis=1, keepdims=True)),
                               atol=1e-8)
    for name, at, group, size in (("y", 0, a, 3), ("z", 1, b, 2)):  # sums over pairs, which round
        here = res.of_outcome(name).posterior.to_numpy()[given[:, at]]
        np.testing.assert_allclose(here, np.eye(size)[group[given[:, at]]], atol=1e-12)
    from gbtm.likelihood.derivatives import subject_scores
    from gbtm.record.rebuild import module_of

    module = module_of(res)
    assert module().sum().item() == pytest.approx(res.llf, abs=1e-7)
    import torch

    assert subject_scores(module, torch.as_tensor(res.internal.params)).sum(0).abs().max() < 1e-4


def test_second_groups_keep_their_numbers_against_their_levels(sample):
    """Of z the group of the higher curve is the first; without known people the lower one is."""
    data, _, _, _ = sample
    plain, res = fit(data), fit(data, known=[None, "told_z"])
    assert plain.params["z: intercept[1]"] < plain.params["z: intercept[2]"]
    assert res.params["z: intercept[1]"] > res.params["z: intercept[2]"]
    assert res.params["y: intercept[1]"] < res.params["y: intercept[2]"] < res.params["y: intercept[3]"]
    turned = data.assign(told_y=4 - data["told_y"])
    other = fit(turned, known=["told_y", "told_z"])
    assert other.params["y: intercept[1]"] > other.params["y: intercept[3]"]


def test_with_nobody_known_bits_stay(sample):
    data = sample[0].assign(nobody=np.nan)
    plain, res = fit(data), fit(data, known=["nobody", "nobody"])
    assert np.array_equal(plain.params, res.params)
    assert np.array_equal(plain.cov_params(), res.cov_params())
    assert plain.llf == res.llf
    assert "known_groups" not in plain.document


def test_weights_for_each_group_and_constraints(sample, half):
    data, a, b, some = sample
    m = np.where(some[:, :1], np.eye(3)[a], 1.0)
    columns = {f"m{k}": np.repeat(m[:, k], WAVES) for k in range(3)}
    res = fit(data.assign(**columns), known={"y": list(columns), "z": "told_z"})
    assert res.llf == pytest.approx(half.llf, abs=1e-6)
    assert res.known_groups.shape == (N, 3)
    assert class_weights(res.known_sets, (3, 2)).shape == (N, 6)
    held = fit(data, known=["told_y", "told_z"], constraints=["y: t[2] = y: t[3]"])
    assert held.params["y: t[2]"] == pytest.approx(held.params["y: t[3]"], abs=1e-9)
    assert held.llf < half.llf
    here = held.of_outcome("z").posterior.to_numpy()[some[:, 1]]
    np.testing.assert_allclose(here, np.eye(2)[b[some[:, 1]]], atol=1e-12)


def test_files_words_code_and_report(sample, half, tmp_path):
    data, _, _, some = sample
    half.save(tmp_path / "fit.json")
    again = gbtm.load(tmp_path / "fit.json")
    assert again.spec == half.spec
    assert np.array_equal(again.known_groups2, half.known_groups2, equal_nan=True)
    assert code_for(again, "Python") == code_for(half, "Python")
    assert 'known=["told_y", "told_z"]' in code_for(half, "Python")
    assert 'known = list("told_y", "told_z")' in code_for(half, "R")
    assert "people whose group is known" in code_for(half, "Stata")
    counts = some.sum(axis=0)
    assert f"y: The group of {counts[0]} of {N} subjects is known:" in str(half.summary())
    assert f"z: The group of {counts[1]} of {N} subjects is known:" in str(half.summary())
    assert f"also of the {counts[1]} whose group is known" in half.of_outcome("z").adequacy.attrs["notes"][-1]
    one = fit(data, known={"z": "told_z"})
    assert 'known=[None, "told_z"]' in code_for(one, "Python")
    assert 'known = list(NULL, "told_z")' in code_for(one, "R")
    assert "y: The group" not in str(one.summary())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gbtm.grolts_report(one, tmp_path / "report.md")
    text = (tmp_path / "report.md").read_text()
    assert "Held-out accuracy of the groups of z: of " in text
    assert "Held-out accuracy of the groups of y" not in text


def test_how_often_known_groups_are_found(sample, half):
    data, _, b, some = sample
    found = gbtm.known_accuracy(half, folds=2, n_starts=0, groups_of="z")
    assert found.n == some[:, 1].sum()
    assert found.table.shape == (2, 2)
    assert found.accuracy > 0.85
    assert np.array_equal(found.by_subject["known"], b[some[:, 1]] + 1)
    by_number = gbtm.known_accuracy(half, folds=2, n_starts=0, groups_of=2)
    pd.testing.assert_frame_equal(by_number.by_subject, found.by_subject)
    # what is known of y stays known: a hidden group is found by it too
    one = fit(data, known={"z": "told_z"})
    alone = gbtm.known_accuracy(one, folds=2, n_starts=0)
    assert alone.sentence.startswith("Held-out accuracy of the groups of z")
    assert not np.allclose(alone.by_subject["probability"], found.by_subject["probability"], atol=1e-4)
    with pytest.raises(SpecificationError, match="known of the groups of both outcomes") as error:
        gbtm.known_accuracy(half)
    assert error.value.code == "two_group_sets"
    with pytest.raises(SpecificationError) as error:
        gbtm.known_accuracy(one, groups_of="y")
    assert error.value.code == "no_known"


def test_three_steps_of_either_outcome(sample, half):
    data, a, b, some = sample
    rng = np.random.default_rng(2)
    people = pd.DataFrame({"id": np.arange(N), "o": rng.normal(a), "x": rng.normal(0.5 * b)})
    everybody = fit(data, known=["all_y", "all_z"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for method in ("bch", "ml", "two-step"):
            out = everybody.distal("o ~ group", people, groups_of="y", method=method)
            np.testing.assert_allclose(out.groups["mean"], people.groupby(a)["o"].mean(), atol=1e-7)
            out = everybody.distal("x ~ group", people, groups_of="z", method=method)
            np.testing.assert_allclose(out.groups["mean"], people.groupby(b)["x"].mean(), atol=1e-7)
        out = half.distal("o ~ group", people, groups_of="y", method="bch")
        two = half.predictors("~ x", people, groups_of="z")
    part = half.of_outcome("y")
    p, told = part.posterior.to_numpy(), some[:, 0]
    hot = np.eye(3)[p.argmax(axis=1)]
    d = p[~told].T @ hot[~told] / p[~told].sum(axis=0)[:, None]
    weights = np.where(told[:, None], np.eye(3)[a], hot @ np.linalg.inv(d))
    np.testing.assert_allclose(part.bch_weights(), weights, atol=1e-9)
    np.testing.assert_allclose(out.groups["mean"], weights.T @ people["o"] / weights.sum(axis=0), atol=1e-9)
    assert np.isfinite(two.bse).all()


def test_resampling_simulation_and_new_people(sample, half):
    data = sample[0]
    drawn = half.simulate(rng=1)
    assert set(drawn["outcome"]) == {"y", "z"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(gbtm.bootstrap(half, n=3, rng=0).params) == 3
        assert np.isfinite(gbtm.cross_validate(half, folds=2).loglik)
    new = half.classify(data.drop(columns=["told_y", "told_z"]))
    joint = log_joint(half, data, np.ones((N, 3, 2))).reshape(N, 6)
    pairs = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)).reshape(N, 3, 2)
    np.testing.assert_allclose(new["probability"].to_numpy().reshape(N, 3, 2), pairs, atol=1e-7)


def test_what_is_asked_for_says_whose_groups():
    assert known_of_sets(["a", None], ["y", "z"]) == KnownOfSets("a", None)
    assert known_of_sets({"z": ("a", "b")}, ["y", "z"]) == KnownOfSets(None, ["a", "b"])
    assert known_of_sets([None, None], ["y", "z"]) is None
    for known, says in (("a", "'a' is one column"), (["a"], "1 entries"), (["a", "b", "c"], "3 entries"),
                        ({"q": "a"}, "'q' is no outcome")):
        with pytest.raises(SpecificationError, match=says) as error:
            known_of_sets(known, ["y", "z"])
        assert error.value.code == "bad_known"
    with pytest.raises(SpecificationError) as error:
        known_of_sets("a", ["y", "z"])
    assert "known={'y': 'a'} or known=['a', None]" in error.value.way_out


def test_refusals(sample):
    data = sample[0]
    for known in ({"y": "told_y"}, ["told_y", None]):
        with pytest.raises(SpecificationError, match="the outcomes share their groups") as error:
            gbtm.GBTM.from_formula(["y ~ t", "z ~ t"], data, id="id", groups=3, order=1, known=known)
        assert error.value.code == "bad_known"
        with pytest.raises(SpecificationError, match="the outcomes share their groups"):
            gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=3, order=1, known=known)
    with pytest.raises(gbtm.errors.DataError, match="a group that is none of the 2 of z"):
        fit(data.assign(all_z=3.0), known=["all_y", "all_z"])
    m = data.assign(m1=1.0, m2=1.0)
    with pytest.raises(gbtm.errors.DataError, match="2 columns of weights for 3 groups of y"):
        fit(m, known={"y": ["m1", "m2"]})
    with pytest.raises(SpecificationError, match="pairs of numbers of groups are tried") as error:
        gbtm.search(["y ~ t", "z ~ t"], data, id="id", groups=[[2, 3], [2]], known=["told_y", "told_z"])
    assert error.value.code == "no_known_here"
