"""The check of the multinomial logit against a network: its pieces by hand, what it says of known truths."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp, softmax

import gbtm
from gbtm.networks.linearity import _curves_of, without_covariates
from gbtm.networks.membership_network import MembershipNetwork
from gbtm.networks.training import People, climb, fresh
from gbtm.record.rebuild import prepared_of

RISK = ["z0", "z1"]


def table(people, interacting, seed=5):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(people, 2))
    p = 1 / (1 + np.exp(-(2.5 * z[:, 0] * z[:, 1] if interacting else z[:, 0] - 0.5 * z[:, 1])))
    group = (rng.random(people) < p).astype(int)
    y = np.array([0.0, 2.5])[group][:, None] + rng.normal(size=(people, 4))
    long = {"id": np.repeat(np.arange(people) + 7, 4), "t": np.tile(np.arange(4), people), "y": y.ravel(),
            "area": np.repeat(np.arange(people) % 40, 4)}
    return pd.DataFrame(long | {f"z{j}": np.repeat(z[:, j], 4) for j in range(2)})


def fitted(people=250, interacting=False, **options):
    data = table(people, interacting)
    return gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=0, risk=RISK, **options).fit(n_starts=2)


@pytest.fixture(scope="module")
def linear():
    return fitted()


@pytest.fixture(scope="module")
def check(linear):
    return gbtm.linearity_check(linear, hidden=3, ridge=3.0, folds=2)


def test_without_hidden_units_it_is_the_engines_logit(linear):
    prepared = prepared_of(linear)
    plain = without_covariates(prepared)
    people = People(gbtm.likelihood.mixture.Mixture(plain.layout, plain.panel), prepared.panel.subjects.risk,
                    np.ones(250), np.arange(250))
    network = fresh(people, linear.names and tuple(RISK), 0, np.array([0.5, 0.5]), 0)
    flat, top = climb(network, people, 0.0, torch.as_tensor(_curves_of(linear, plain)))
    assert top == pytest.approx(linear.llf, abs=1e-6)
    weights = network.weights()
    slopes = weights.skip[1] / weights.scale
    np.testing.assert_allclose(slopes, linear.params[["theta_z0[2]", "theta_z1[2]"]], atol=1e-3)
    np.testing.assert_allclose(plain.layout.report(flat.numpy())[:3], linear.params.iloc[:3], atol=1e-3)


def test_the_networks_formula():
    rng = np.random.default_rng(0)
    z = rng.normal(2, 3, size=(30, 2))
    network = MembershipNetwork(("a", "b"), z, 3, 4, np.array([0.5, 0.3, 0.2]), rng)
    w = network.weights()
    x = (z - z.mean(axis=0)) / z.std(axis=0)
    by_hand = softmax(np.tanh(x @ w.hidden.T + w.hidden_bias) @ w.out.T + x @ w.skip.T + w.bias, axis=1)
    np.testing.assert_allclose(w.probabilities(z), by_hand, rtol=1e-12)
    np.testing.assert_allclose(network(network.standardised(z)).exp().detach().numpy().T, by_hand, rtol=1e-12)
    assert network.size == 4 * 2 + 4 + 3 * 4 + 2 * 2 + 2
    assert network.penalty(2.0).item() == pytest.approx((w.hidden**2).sum() + (w.out**2).sum())


def test_held_out_people_are_predicted_as_by_cross_validation(linear, check):
    folds = gbtm.cross_validate(linear, folds=2).folds.to_numpy()
    plain = gbtm.GBTM.from_formula("y ~ t", table(250, False), id="id", groups=2, order=0)
    own = gbtm.cross_validate(plain.fit(n_starts=2), folds=folds, n_starts=0)
    np.testing.assert_allclose(check.by_subject["no covariates"], own.by_subject, atol=1e-6)
    logit = gbtm.cross_validate(linear, folds=folds, n_starts=0)
    np.testing.assert_allclose(check.by_subject["multinomial logit"], logit.by_subject, atol=1e-4)


def test_the_table_is_of_paired_differences(check):
    gap = check.by_subject["network"] - check.by_subject["multinomial logit"]
    row = check.table.loc["network"]
    assert row["difference"] == pytest.approx(gap.mean())
    assert row["se"] == pytest.approx(gap.std(ddof=1) / np.sqrt(250))
    assert row["held_out"] == pytest.approx(check.by_subject["network"].mean())


def test_a_linear_truth_is_not_called_anything_else(check):
    assert check.table.loc["network", "difference"] > -0.05
    assert "nothing speaks against the logit" in check.sentence


@pytest.mark.slow
def test_an_interacting_truth_is_found():
    out = gbtm.linearity_check(fitted(interacting=True), hidden=4, ridge=1.0, folds=2)
    gain, se = out.table.loc["network", ["difference", "se"]]
    assert gain > 0.1
    assert gain > 3 * se
    assert "membership is not linear" in out.sentence
    # at z1 = 2 and -2 the product pulls z0's effect opposite ways, which the network has and the logit has not
    at = np.array([[1.5, 1.5], [1.5, -1.5]])
    network = out.network.probabilities(at)[:, 1]
    assert network[0] - network[1] > 0.5


def test_early_stopping_is_the_alternative(linear):
    out = gbtm.linearity_check(linear, hidden=3, early_stopping=True, folds=2)
    assert np.isnan(out.ridge)
    assert out.table.loc["network", "difference"] > -0.2
    np.testing.assert_allclose(out.by_subject["network"].isna().sum(), 0)


@pytest.mark.slow
def test_the_ridge_is_chosen_among_those_given(linear):
    out = gbtm.linearity_check(linear, hidden=2, ridge=[0.1, 30.0], folds=2)
    assert set(out.ridges) | {out.ridge} <= {0.1, 30.0}


@pytest.mark.slow
def test_a_seed_decides_all(linear, check):
    again = gbtm.linearity_check(linear, hidden=3, ridge=3.0, folds=2)
    pd.testing.assert_frame_equal(again.by_subject, check.by_subject, check_exact=True)


def test_partial_dependence_by_hand(linear, check):
    z = prepared_of(linear).panel.subjects.risk
    (name, value), row = check.dependence.index[3], check.dependence.iloc[3]
    at = z.copy()
    at[:, RISK.index(name)] = value
    np.testing.assert_allclose(row["network"], check.network.probabilities(at).mean(axis=0))
    np.testing.assert_allclose(row["multinomial logit"], check.logit.probabilities(at).mean(axis=0))


def test_saved_and_read_again_to_the_last_bit(check, tmp_path):
    check.save(tmp_path / "check.json")
    again = gbtm.load_linearity_check(tmp_path / "check.json")
    pd.testing.assert_frame_equal(again.table, check.table, check_exact=True)
    pd.testing.assert_frame_equal(again.dependence, check.dependence, check_exact=True)
    z = np.array([[0.3, -2.0]])
    assert (again.network.probabilities(z) == check.network.probabilities(z)).all()
    assert repr(again) == repr(check)
    (tmp_path / "other.json").write_text('{"format": "else"}')
    with pytest.raises(gbtm.DataError) as caught:
        gbtm.load_linearity_check(tmp_path / "other.json")
    assert caught.value.code == "bad_document"


@pytest.mark.slow
def test_clusters_stay_whole_and_make_the_standard_error():
    res = fitted(cluster="area")
    out = gbtm.linearity_check(res, hidden=2, ridge=3.0, folds=2)
    gap = (out.by_subject["network"] - out.by_subject["multinomial logit"]).to_numpy() / 250
    totals = np.bincount(np.arange(250) % 40, gap)
    assert out.table.loc["network", "se"] == pytest.approx(np.sqrt(40) * totals.std(ddof=1))


def test_held_out_log_likelihood_written_out(linear, check):
    """With one group's curve each, log L of a person is that of two normals mixed by the network."""
    y = table(250, False)["y"].to_numpy().reshape(250, 4)
    z = prepared_of(linear).panel.subjects.risk
    level, sigma = linear.params[["intercept[1]", "intercept[2]"]].to_numpy(), linear.params["sigma"]
    log_f = -0.5 * ((y[:, :, None] - level) ** 2).sum(axis=1) / sigma**2 - 4 * np.log(sigma) - 2 * np.log(2 * np.pi)
    values = logsumexp(np.log(check.logit.probabilities(z)) + log_f, axis=1)
    assert values.sum() == pytest.approx(linear.llf, abs=1e-3)


@pytest.mark.parametrize(("asked", "code"), [
    ({"ridge": -1.0}, "bad_ridge"), ({"ridge": []}, "bad_ridge"), ({"hidden": 0}, "bad_hidden"),
    ({"folds": 1}, "bad_folds"),
])
def test_what_cannot_be_is_refused(linear, asked, code):
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.linearity_check(linear, **asked)
    assert caught.value.code == code


def test_a_fit_without_covariates_has_nothing_to_check():
    res = gbtm.GBTM.from_formula("y ~ t", table(60, False), id="id", groups=2, order=0).fit(n_starts=2)
    with pytest.raises(gbtm.SpecificationError) as caught:
        gbtm.linearity_check(res)
    assert caught.value.code == "no_covariates"


def test_the_figure_has_a_panel_a_covariate(check):
    figure = gbtm.plot_dependence(check)
    assert [ax.get_xlabel() for ax in figure.axes] == RISK
    solid = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    np.testing.assert_allclose(solid[1].get_ydata(), check.dependence.loc["z0", ("network", 2)])
