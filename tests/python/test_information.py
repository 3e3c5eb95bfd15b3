"""Step three where the group of some people is known: against regressions by group, numpy, and simulated truths."""

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.optimize import minimize
from scipy.stats import norm

import gbtm
from gbtm.errors import DataError
from gbtm.step_three.classification import classification_table
from test_known_groups import fit, made, told

N = 240


@pytest.fixture(scope="module")
def sample():
    """Trajectories, each person's group, and what leads to it and follows."""
    data, group = made(N)
    rng = np.random.default_rng(3)
    people = pd.DataFrame({
        "id": np.arange(N), "o": rng.normal(np.array([0.0, 1, 2])[group], 0.7), "z": rng.normal(0.4 * group),
        "b": (rng.random(N) < np.array([0.2, 0.5, 0.8])[group]) * 1.0, "s": rng.exponential(np.exp(-0.5 * group)),
        "event": (rng.random(N) < 0.8) * 1.0,
    })
    return data, group, people


@pytest.fixture(scope="module")
def half(sample):
    return fit(told(sample[0], 0.5), known="known")


@pytest.fixture(scope="module")
def everybody(sample):
    return fit(sample[0], known="true")


ALL_WAYS = [(m, a) for m in ("bch", "ml", "naive") for a in ("modal", "proportional")] + [("two-step", "modal")]


@pytest.mark.parametrize(("method", "assignment"), ALL_WAYS)
def test_with_everybody_known_it_is_a_regression_in_each_group(sample, everybody, method, assignment):
    _, group, people = sample
    names = [f"group[{k}]" for k in (1, 2, 3)]
    options = {"method": method, "assignment": assignment}
    by = people.groupby(group)
    out = everybody.distal("o ~ group", people, sigma_by_group=True, **options)
    np.testing.assert_allclose(out.params[names], by["o"].mean(), atol=1e-7)
    np.testing.assert_allclose(out.params[[f"sigma[{k}]" for k in (1, 2, 3)]], by["o"].std(ddof=0), atol=1e-7)
    np.testing.assert_allclose(out.bse[names], by["o"].std(ddof=0) / np.sqrt(by.size()), atol=1e-7)
    out = everybody.distal("b ~ group * z", people, **options)
    for k, some in by:
        line = sm.Logit(some["b"], sm.add_constant(some["z"])).fit(disp=0, tol=1e-12)
        np.testing.assert_allclose(out.params[[f"group[{k + 1}]", f"z[{k + 1}]"]], line.params, atol=1e-7)
    logit = sm.MNLogit(group, sm.add_constant(people["z"])).fit(disp=0, cov_type="HC0")
    theta = everybody.predictors("~ z", people, **options)
    np.testing.assert_allclose(theta.params, logit.params.to_numpy().T.ravel(), atol=1e-7)
    np.testing.assert_allclose(theta.bse, logit.bse.to_numpy().T.ravel(), atol=1e-7)


@pytest.mark.parametrize("method", ["bch", "ml", "two-step"])
def test_cox_regression_with_everybody_known(sample, everybody, method):
    _, group, people = sample
    dummies = np.column_stack([group == 1, group == 2]).astype(float)
    theirs = sm.PHReg(people["s"], dummies, status=people["event"], ties="breslow").fit(disp=0)
    mine = everybody.distal("Surv(s, event) ~ group", people, method=method)
    np.testing.assert_allclose(mine.params[["group[2]", "group[3]"]], theirs.params, atol=1e-6)


def test_trajs_outcome_with_everybody_known(sample, everybody):
    _, group, people = sample
    out = everybody.distal("o ~ group", people, method="traj")
    np.testing.assert_allclose(out.params[[f"o: group[{k}]" for k in (1, 2, 3)]], people.groupby(group)["o"].mean(),
                               atol=1e-6)


def test_with_nobody_known_bits_are_those_without_the_column(sample):
    data, _, people = sample
    plain, res = fit(data), fit(data.assign(nobody=np.nan), known="nobody")
    for ask in (lambda r: r.distal("o ~ group", people), lambda r: r.distal("b ~ group + z", people),
                lambda r: r.predictors("~ z", people)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            one, other = ask(plain), ask(res)
        assert np.array_equal(one.params, other.params)
        assert np.array_equal(one.cov_params(), other.cov_params())
        assert one.notes == other.notes
    assert np.array_equal(plain.bch_weights(), res.bch_weights())
    assert str(plain.classification_error()) == str(res.classification_error())


def test_people_who_are_known_have_no_error_and_the_others_their_own(sample, half):
    _, group, people = sample
    known = ~np.isnan(half.known_groups[:, 0])
    p = half.posterior.to_numpy()
    a = np.eye(3)[p.argmax(axis=1)]
    d = (p[~known].T @ a[~known]) / p[~known].sum(axis=0)[:, None]
    error = half.classification_error()
    assert error.n_known == known.sum()
    assert f"Of those whose group is not known: that of {known.sum()} people is" in repr(error)
    np.testing.assert_allclose(error.table, d, atol=1e-12)
    b = np.where(known[:, None], np.eye(3)[group], a @ np.linalg.inv(d))
    np.testing.assert_allclose(half.bch_weights(), b, atol=1e-10)
    out = half.distal("o ~ group", people, method="bch")
    np.testing.assert_allclose(out.params.iloc[:3], b.T @ people["o"] / b.sum(axis=0), atol=1e-10)
    assert f"The group of {known.sum()} of these people is known: they have no errors of classification." in out.notes
    assert f"The group of {known[:100].sum()} of these" in half.predictors("~ z", people[:100]).notes[-1]


@pytest.mark.parametrize("assignment", ["modal", "proportional"])
def test_ml_is_a_mixture_over_what_is_observed_of_each_person(sample, half, assignment):
    """log sum_t rho_t g_t(o) P(known or not, assigned to s | t), written out."""
    _, _, people = sample
    known = ~np.isnan(half.known_groups[:, 0])
    p = half.posterior.to_numpy()
    a = np.eye(3)[p.argmax(axis=1)] if assignment == "modal" else p
    cells = np.hstack([a * known[:, None], a * ~known[:, None]])
    d = p.T @ cells / p.sum(axis=0)[:, None]

    def minus(x):
        rho = np.exp(np.append(0, x[:2])) / np.exp(np.append(0, x[:2])).sum()
        g = np.where(people["b"].to_numpy()[:, None] == 1, 1 / (1 + np.exp(-x[2:])), 1 / (1 + np.exp(x[2:])))
        inside = (rho * g) @ d
        return -(cells * np.log(np.where(cells > 0, inside, 1.0))).sum()

    out = half.distal("b ~ group", people, method="ml", assignment=assignment)
    best = minimize(minus, out.params, method="BFGS", options={"gtol": 1e-9})
    assert -best.fun == pytest.approx(out.found.objective, abs=1e-9)
    np.testing.assert_allclose(out.params, best.x, atol=1e-5)


def test_two_step_has_the_weights_in_its_likelihood(sample):
    data, _, people = sample
    m = np.where(np.arange(N)[:, None] % 3 == 0, [0.9, 0.4, 0.0], 1.0)
    res = fit(data.assign(**{f"m{k}": np.repeat(m[:, k], 6) for k in range(3)}), known=["m0", "m1", "m2"])
    curves = res.params[[f"{n}[{k}]" for k in (1, 2, 3) for n in ("intercept", "t")]].to_numpy().reshape(3, 2)
    sd = res.params[[f"sigma[{k}]" for k in (1, 2, 3)]].to_numpy()
    y, t = data["y"].to_numpy().reshape(N, 6), data["t"].to_numpy()[:6]
    f = m * np.exp(norm.logpdf(y[:, None], curves[:, :1] + curves[:, 1:] * t, sd[:, None]).sum(axis=2))
    out = res.predictors("~ z", people)

    def loglik(theta):
        u = np.column_stack([np.zeros(N), sm.add_constant(people["z"]) @ theta.reshape(2, 2).T])
        return np.log((np.exp(u) / np.exp(u).sum(axis=1, keepdims=True) * f).sum(axis=1)).sum()

    best = minimize(lambda x: -loglik(x), out.params, method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(out.params, best.x, atol=1e-5)


def test_people_who_may_be_in_some_groups_have_errors_of_their_own(sample):
    data, group, people = sample
    low = (np.arange(N) < 90) & (group > 0)  # known not to be in group 1
    m = np.where(low[:, None], [0.0, 1.0, 1.0], 1.0)
    m[100:130] = np.eye(3)[group[100:130]]
    res = fit(data.assign(**{f"m{k}": np.repeat(m[:, k], 6) for k in range(3)}), known=["m0", "m1", "m2"])
    p, b = res.posterior.to_numpy(), res.bch_weights().to_numpy()
    a = np.eye(3)[p.argmax(axis=1)]
    np.testing.assert_allclose(b.sum(axis=1), 1, atol=1e-9)
    assert (b[low, 0] == 0).all()
    assert np.array_equal(b[100:130], np.eye(3)[group[100:130]])
    two = [1, 2]
    d = p[low][:, two].T @ a[low][:, two] / p[low][:, two].sum(axis=0)[:, None]
    np.testing.assert_allclose(b[low][:, two], a[low][:, two] @ np.linalg.inv(d), atol=1e-9)
    np.testing.assert_allclose(b[low].sum(axis=0), p[low].sum(axis=0), atol=1e-8)
    for method in ("bch", "ml", "two-step"):
        out, names = res.distal("o ~ group", people, method=method), [f"group[{k}]" for k in (1, 2, 3)]
        assert (np.abs(out.params[names] - people.groupby(group)["o"].mean().to_numpy()) < 4 * out.bse[names]).all()
    alone = np.where((np.arange(N) == np.flatnonzero(group == 1)[0])[:, None], [0.0, 1.0, 1.0], 1.0)
    res = fit(data.assign(**{f"m{k}": np.repeat(alone[:, k], 6) for k in range(3)}), known=["m0", "m1", "m2"])
    with pytest.raises(DataError, match="of the 1 people who may be in groups 2, 3 apart") as error:
        res.distal("o ~ group", people, method="bch")
    assert error.value.code == "singular_classification"
    assert res.distal("o ~ group", people, method="ml").bse.notna().all()


@pytest.mark.parametrize(("method", "assignment"), [("bch", "modal"), ("ml", "proportional"), ("two-step", "modal")])
def test_the_influence_of_a_person_is_the_derivative_in_his_weight(sample, method, assignment):
    """With both steps done again."""
    data, _, people = sample
    data = told(data, 0.5)
    start = None
    out = {}
    for who, step in ((None, 0.0), (0, 1e-3), (0, -1e-3), (7, 1e-3), (7, -1e-3)):
        w = np.ones(N)
        if who is not None:
            w[who] += step
        table = data.assign(w=w[data["id"]])
        model = gbtm.GBTM.from_formula("y ~ t", table, id="id", groups=3, order=1, family="normal", known="known",
                                       sigma_by_group=True, weights="w")
        res = model.fit(rng=0) if start is None else model.fit(start=start, n_starts=1, rng=0)
        start = res.params
        # weights are brought to a mean of 1, which moves no estimate
        out[who, step] = res.distal("o ~ group", people, method=method, assignment=assignment)
    from gbtm.step_three.influence import person_influence

    psi = person_influence(out[None, 0.0].found.problem, out[None, 0.0].found.influence)
    known = ~np.isnan(told(data, 0.5)["known"].to_numpy()[::6])
    assert known[0] != known[7]
    for who in (0, 7):
        slope = (out[who, 1e-3].internal - out[who, -1e-3].internal) / 2e-3
        np.testing.assert_allclose(psi[who], slope, atol=2e-5 * (1 + np.abs(slope).max()))


SETS, PEOPLE, SLOPES = 100, 400, (0.5, -0.6)
TIMES = np.linspace(-1, 1, 5)
CURVES = np.array([[0.0, 0.5], [1.6, 0.0], [3.2, -0.5]])
MEANS, LOGITS = np.array([0.0, 1.0, 2.0]), np.array([-1.0, 0.0, 1.5])


def estimated(seed):
    """Of one data set whose people with x = 1 are known: estimates, standard errors and truths by method, and what
    comes of one table of errors for all."""
    rng = np.random.default_rng(seed)
    z, x = rng.normal(size=PEOPLE), (np.arange(PEOPLE) % 2).astype(float)
    eta = np.column_stack([np.full(PEOPLE, 0.8), SLOPES[0] * z, SLOPES[1] * z])
    p = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    g = (rng.random(PEOPLE)[:, None] > p.cumsum(axis=1)).sum(axis=1)
    y = CURVES[g, 0][:, None] + CURVES[g, 1][:, None] * TIMES + rng.normal(0, 1.5, (PEOPLE, 5))
    long = pd.DataFrame({"id": np.repeat(np.arange(PEOPLE), 5), "t": np.tile(TIMES, PEOPLE), "y": y.ravel()})
    long["told"] = np.where(x == 1, g + 1.0, np.nan)[long["id"]]
    people = pd.DataFrame({"id": np.arange(PEOPLE), "z": z, "x": x, "o": rng.normal(MEANS[g], 0.8),
                           "b": (rng.random(PEOPLE) < 1 / (1 + np.exp(-LOGITS[g]))) * 1.0})
    model = gbtm.GBTM.from_formula("y ~ t", long, id="id", groups=3, order=1, known="told")
    start = dict(zip(model.layout.names, [*CURVES.ravel(), 1.5, -0.8, -0.8], strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        res = model.fit(start=start, n_starts=1)
        asked = {
            "BCH": (res.distal("o ~ group * x", people, method="bch"), [*MEANS, 0, 0, 0],
                    [f"{n}[{k}]" for n in ("group", "x") for k in (1, 2, 3)]),
            "ML": (res.distal("b ~ group", people, method="ml"), LOGITS, [f"group[{k}]" for k in (1, 2, 3)]),
            **{f"membership, {m}": (res.predictors("~ z + x", people, method=m), [SLOPES[0], 0, SLOPES[1], 0],
                                    [f"theta_{v}[{k}]" for k in (2, 3) for v in ("z", "x")])
               for m in ("ml", "two-step")},
        }
    posterior = res.posterior.to_numpy()
    a = np.eye(3)[posterior.argmax(axis=1)]
    b = a @ np.linalg.inv(classification_table(posterior, np.ones(PEOPLE), "modal"))
    means = [[np.average(people["o"], weights=b[:, k] * (x == v)) for k in range(3)] for v in (0, 1)]
    found = {n: (out.params[c].to_numpy(), out.bse[c].to_numpy(), np.array(truth))
             for n, (out, truth, c) in asked.items()}
    return found, np.subtract(*means[::-1])


@pytest.mark.slow
def test_half_known_there_is_no_bias_and_intervals_hold_the_truth():
    """Within three standard errors of 100 data sets; one table of errors for all is far off."""
    sets = [estimated(seed) for seed in range(SETS)]
    for name in sets[0][0]:
        b, se, truth = (np.stack([found[name][j] for found, _ in sets]) for j in range(3))
        z = (b - truth).mean(axis=0) / (b.std(axis=0) / np.sqrt(SETS))
        held = (np.abs(b - truth) < 1.959964 * se).mean(axis=1)
        error = held.std() / np.sqrt(SETS)
        print(f"{name}: largest bias {np.abs((b - truth).mean(axis=0)).max():.3f}, z {np.abs(z).max():.2f}, held "
              f"{held.mean():.3f} ({error:.3f})")
        assert np.abs(z).max() < 3.5, name
        assert 0.93 - 3 * error < held.mean() < 0.97 + 3 * error, name
    pooled = np.stack([ignoring for _, ignoring in sets])
    gap = pooled.mean(axis=0)
    print(f"one table for all: slopes of x {gap.round(3)}, z {(gap / (pooled.std(axis=0) / np.sqrt(SETS))).round(1)}")
    assert np.abs(gap / (pooled.std(axis=0) / np.sqrt(SETS))).max() > 8
