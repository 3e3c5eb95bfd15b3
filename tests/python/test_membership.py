"""Group membership that depends on covariates: the multinomial logit by itself, and in fits against statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import torch

import gbtm
import oracle
from gbtm import SpecificationError
from gbtm.likelihood.mixture import Mixture
from parts import PARTS, away, draw, in_blocks, mixture, own_posterior

WITH_RISK = [name for name, truth in PARTS.items() if truth.model.n_risk]


@pytest.mark.parametrize("name", [*WITH_RISK, "dropout0"])
def test_log_shares_are_the_softmax(name):
    drawn = draw(name)
    built = drawn.built()
    module = mixture(built)
    flats = np.stack([away(built, name, seed, sd=1.0) for seed in (1, 2, 3)])
    got = module.log_shares(torch.as_tensor(flats)).numpy()
    for row, flat in zip(got, flats, strict=True):
        params = built.layout.report(flat)
        want = oracle.log_shares(drawn.truth.model, params, built.panel.n_subjects, drawn.beside.z)
        row = row if drawn.beside.z is None or module.expand is None else row[:, module.expand]
        np.testing.assert_allclose(np.broadcast_to(row.T, want.shape), want, rtol=1e-11, atol=1e-13)


def _q(module, weighted):
    """EM's Q of the membership as a function of theta, the rest of the parameters at 0."""
    theta = module.layout.theta

    def q(x):
        flat = torch.zeros(module.layout.size, dtype=torch.float64)
        return (weighted * module.log_shares(flat.index_put((torch.arange(theta.start, theta.stop),), x)[None])).sum()

    return q


@pytest.mark.parametrize("name", WITH_RISK)
def test_gathered_are_the_derivatives_of_q(name):
    built = draw(name).built()
    module, flat = mixture(built), torch.as_tensor(away(built, name))
    weighted = own_posterior(module, flat.numpy())
    totals, gradient, information = module.membership.gather(flat[None], weighted, module.weight)
    q, theta = _q(module, weighted), flat[built.layout.theta]
    np.testing.assert_allclose(totals[0].sum(), built.panel.n_subjects, rtol=1e-12)
    want = torch.autograd.functional.jacobian(q, theta)
    np.testing.assert_allclose(gradient[0], want, rtol=0, atol=1e-12 * built.panel.n_subjects)
    want = -torch.autograd.functional.hessian(q, theta)
    np.testing.assert_allclose(information[0], want, rtol=0, atol=1e-12 * built.panel.n_subjects)


def test_what_is_gathered_adds_up_over_blocks_of_subjects(monkeypatch):
    built = draw("everything_censored").built()
    in_blocks(monkeypatch, 40)
    module, flat = mixture(built), torch.as_tensor(away(built, "everything_censored"))[None]
    weighted = own_posterior(module, flat[0].numpy())
    whole = module.membership.gather(flat, weighted, module.weight)
    at, blocks = 0, []
    for shard in module.shards:
        here = slice(at, at + shard.weight.numel())
        blocks.append(shard.membership.gather(flat, weighted[:, :, here], shard.weight))
        at = here.stop
    assert len(blocks) > 3
    for together, own in zip(whole, zip(*blocks, strict=True), strict=True):
        np.testing.assert_allclose(sum(own), together, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", WITH_RISK)
def test_steps_climb_to_the_maximum_of_q(name):
    built = draw(name).built()
    module, flat = mixture(built), torch.as_tensor(away(built, name))
    weighted = own_posterior(module, flat.numpy())
    q, theta = _q(module, weighted), built.layout.theta
    values = [float(q(flat[theta]))]
    for _ in range(12):
        gathered = module.membership.gather(flat[None], weighted, module.weight)
        flat[theta] = module.membership.m_step(flat[None], gathered)[0]
        values.append(float(q(flat[theta])))
    assert values[1] > values[0]
    assert (np.diff(values) > -1e-9).all()
    slope = torch.autograd.functional.jacobian(q, flat[theta])
    assert float(slope.abs().max()) < 1e-7 * built.panel.n_subjects


@pytest.mark.parametrize("name", WITH_RISK)
def test_a_step_from_afar_does_not_lower_q(name):
    built = draw(name).built()
    module, flat = mixture(built), torch.as_tensor(away(built, name))
    weighted, theta = own_posterior(module, flat.numpy()), built.layout.theta
    q = _q(module, weighted)
    for seed in range(30):
        start = torch.as_tensor(np.random.default_rng(seed).normal(0, 2.0, theta.stop - theta.start))
        flat[theta] = start
        moved = module.membership.m_step(flat[None], module.membership.gather(flat[None], weighted, module.weight))[0]
        assert float(q(moved)) >= float(q(start)) - 1e-9


@pytest.mark.parametrize("reference", [1, 2, 3])
def test_without_covariates_one_step_is_the_maximum(reference):
    rng = np.random.default_rng(0)
    built = gbtm.GBTM(rng.normal(size=(40, 4)), range(4), groups=3, order=0, refgroup=reference)
    module = mixture(built)
    posterior = torch.as_tensor(rng.dirichlet([1, 2, 3], 40).T[None])
    flat = torch.zeros(1, built.layout.size, dtype=torch.float64)
    gathered = module.membership.gather(flat, posterior, module.weight)
    flat[:, built.layout.theta] = module.membership.m_step(flat, gathered)
    np.testing.assert_allclose(built.layout.shares(flat.numpy()), posterior.mean(2), rtol=1e-12)


def test_without_covariates_a_group_that_lost_everybody_keeps_a_billionth():
    """log(n_j / n) - log(n_reference / n), no share below 1e-10."""
    built = gbtm.GBTM(np.random.default_rng(0).normal(size=(40, 4)), range(4), groups=3, order=0, refgroup=2)
    totals = torch.tensor([[30.0, 10, 0], [1e-12, 1, 3]], dtype=torch.float64)
    got = mixture(built).membership.m_step(torch.zeros(2, built.layout.size, dtype=torch.float64), (totals,))
    want = [[np.log(3), np.log(1e-10 * 4)], [np.log(1e-10 * 4), np.log(3)]]
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("size", [1e-7, 0.1, 3.0])
def test_the_step_is_newtons_shortened_by_what_it_changes_the_logits(size):
    """theta + log(1 + r)/r s, s = (I + 1e-6 diag I)^-1 g, r twice the longest z times the longest s of a group."""
    built = draw("risk").built()
    module = mixture(built)
    rng = np.random.default_rng(3)
    flats = torch.as_tensor(rng.normal(size=(2, built.layout.size)))
    root = rng.normal(size=(2, 6, 6)) + 4 * np.eye(6)
    information, gradient = root @ root.transpose(0, 2, 1), rng.normal(size=(2, 6)) * size
    got = module.membership.m_step(
        flats, (torch.empty(0), torch.as_tensor(gradient), torch.as_tensor(information))).numpy()
    longest_z = max(np.sqrt((z**2).sum()) for z in module.membership.z.numpy())
    for row, flat, i, g in zip(got, flats.numpy(), information, gradient, strict=True):
        newton = np.linalg.solve(i + 1e-6 * np.diag(np.diag(i)), g)
        r = 2 * longest_z * max(np.sqrt((newton[:3] ** 2).sum()), np.sqrt((newton[3:] ** 2).sum()))
        np.testing.assert_allclose(row - flat[built.layout.theta], np.log1p(r) / r * newton, rtol=1e-6, atol=1e-15)


def test_at_the_maximum_no_step_is_made():
    built = draw("risk").built()
    flat = torch.as_tensor(away(built, "risk"))[None]
    gathered = torch.empty(0), torch.zeros(1, 6, dtype=torch.float64), torch.eye(6, dtype=torch.float64)[None]
    np.testing.assert_array_equal(mixture(built).membership.m_step(flat, gathered), flat[:, built.layout.theta])


def _products(built, flat, z, select, pa, posterior, weight):
    """sum_i sum_k w P a a' + w P H in theta's rows and columns, subject by subject; and sum_k P a of theta (U, J)."""
    layout, k = built.layout, built.layout.n_groups
    others = [g for g in range(k) if g != layout.reference]
    first, r = layout.theta.start, z.shape[1]
    width = pa.shape[1]
    out, scores = np.zeros((layout.size, layout.size)), []
    for i in range(posterior.shape[1]):
        zi = z[i]
        logit = np.zeros(k)
        for j, g in enumerate(others):
            logit[g] = zi @ flat[first + j * r : first + (j + 1) * r]
        pi = np.exp(logit) / np.exp(logit).sum()
        own = [np.concatenate([((g == j) - pi[j]) * zi for j in others]) for g in range(k)]  # d log pi_g / d theta
        scores.append(sum(posterior[g, i] * own[g] for g in range(k)))
        rest = pi[others]
        block = -weight[i] * np.kron(np.diag(rest) - np.outer(rest, rest), np.outer(zi, zi))
        for g in range(k):
            block += weight[i] * posterior[g, i] * np.outer(own[g], own[g])
            cross = np.outer(select[g * width : (g + 1) * width].T @ pa[g, :, i], own[g])
            out[:, layout.theta] += cross
            out[layout.theta] += cross.T
        out[layout.theta, layout.theta] += block
    return out, np.array(scores)


@pytest.mark.parametrize("covariates", [True, False])
@pytest.mark.parametrize("refgroup", [1, 2, 3])
def test_its_part_of_the_information_is_summed_subject_by_subject(covariates, refgroup):
    """For scores and posteriors of any size, two parameter vectors at a time, on top of what is there."""
    drawn = draw("risk")
    built = drawn.built(refgroup=refgroup, **({} if covariates else {"risk": None}))
    membership = mixture(built).membership
    rng = np.random.default_rng(8)
    z = membership.z.numpy() if covariates else np.ones((9, 1))
    users, k, width, size = len(z), 3, 2, built.layout.size
    flats = rng.normal(size=(2, size))
    pa, posterior = rng.normal(size=(2, k, width, users)), rng.dirichlet(np.ones(k), (2, users)).transpose(0, 2, 1)
    weight, select = rng.uniform(0.2, 3, users), np.zeros((k * width, size))
    select[np.arange(k * width), [0, 1, 2, 1, 3, 4]] = 1  # two groups have a coefficient in common
    start = rng.normal(size=(2, size, size))
    products = torch.as_tensor(start.copy())
    scores = membership.add_products(
        torch.as_tensor(flats), products, *map(torch.as_tensor, (select, pa, posterior, weight)))
    for b in range(2):
        want, own = _products(built, flats[b], z, select, pa[b], posterior[b], weight)
        np.testing.assert_allclose(products[b].numpy() - start[b], want, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(scores[b].numpy().T, own, rtol=1e-9, atol=1e-12)


# -- in fits ----------------------------------------------------------------------------------------------------------


def _apart(n=300, levels=(0.0, 10.0, 20.0), seed=4):
    """Groups so far apart that everybody's is known, chosen by a logit on two covariates."""
    rng = np.random.default_rng(seed)
    z = np.column_stack([rng.normal(40, 12, n), rng.integers(0, 2, n)])
    theta = np.array([[0, 0, 0], [-2.0, 0.05, 0.6], [1.0, -0.03, -0.5]])[: len(levels)]
    logits = np.hstack([np.ones((n, 1)), z]) @ theta.T
    chance = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    group = np.array([rng.choice(len(levels), p=p) for p in chance])
    y = np.array(levels)[group][:, None] + rng.normal(0, 0.2, (n, 4))
    return y, pd.DataFrame(z, columns=["age", "male"]), group, theta


@pytest.mark.parametrize("levels", [(0.0, 10.0), (0.0, 10.0, 20.0)], ids=["logit", "multinomial"])
def test_known_groups_make_it_the_regression_of_the_groups(levels):
    y, z, group, _ = _apart(levels=levels)
    k = len(levels)
    plain = gbtm.GBTM(y, range(4), groups=k, order=0).fit(n_starts=4)
    res = gbtm.GBTM(y, range(4), groups=k, order=0, risk=z).fit(n_starts=4)
    logit = (sm.Logit if k == 2 else sm.MNLogit)(group, sm.add_constant(z)).fit(disp=0, tol=1e-13)
    names = [f"theta{stem}[{g}]" for g in range(2, k + 1) for stem in ("", "_age", "_male")]
    assert list(res.params.index[-len(names):]) == names
    np.testing.assert_allclose(res.params[names], np.asarray(logit.params).ravel(order="F"), rtol=1e-6)
    np.testing.assert_allclose(res.bse[names], np.asarray(logit.bse).ravel(order="F"), rtol=1e-6)
    own = np.asarray(logit.cov_params())
    np.testing.assert_allclose(res.cov_params().loc[names, names], own, rtol=1e-4, atol=1e-7 * np.abs(own).max())
    share = np.bincount(group) / len(group)
    known = (np.log(share) * np.bincount(group)).sum()
    assert res.llf - plain.llf == pytest.approx(logit.llf - known, abs=1e-8)
    # the mean share of a group is its share: the score of a constant
    np.testing.assert_allclose(res.group_shares["share"], share, atol=1e-8)
    np.testing.assert_allclose(res.posterior.to_numpy(), np.eye(k)[group], atol=1e-8)


@pytest.fixture(scope="module")
def base():
    return draw("risk").built().fit(n_starts=8)


def _theta(res):
    return [n for n in res.params.index if n.startswith("theta")]


def test_the_reference_group_changes_theta_only(base):
    rest = [n for n in base.params.index if not n.startswith("theta")]
    theta = {g: np.zeros(3) if g == 1 else base.params[[f"theta[{g}]", f"theta_z1[{g}]", f"theta_z2[{g}]"]].to_numpy()
             for g in (1, 2, 3)}
    for reference in (2, 3):
        res = draw("risk").built(refgroup=reference).fit(n_starts=8)
        assert res.llf == pytest.approx(base.llf, abs=1e-8)
        np.testing.assert_allclose(res.params[rest], base.params[rest], rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(res.bse[rest], base.bse[rest], rtol=1e-6)
        others = [g for g in (1, 2, 3) if g != reference]
        move = np.zeros((6, 6))  # from theta of groups 2, 3 to theta of the others
        for row, g in enumerate(others):
            for sign, source in ((1, g), (-1, reference)):
                if source > 1:
                    at = 3 * (source - 2)
                    move[3 * row : 3 * row + 3, at : at + 3] += sign * np.eye(3)
            own = res.params[[f"theta[{g}]", f"theta_z1[{g}]", f"theta_z2[{g}]"]]
            np.testing.assert_allclose(own, theta[g] - theta[reference], rtol=1e-5, atol=1e-6)
        cov = move @ base.cov_params().loc[_theta(base), _theta(base)].to_numpy() @ move.T
        np.testing.assert_allclose(res.cov_params().loc[_theta(res), _theta(res)], cov, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(res.posterior, base.posterior, atol=1e-7)
        np.testing.assert_allclose(res.group_shares.to_numpy(), base.group_shares.to_numpy(), atol=1e-7)


def test_shifted_and_rescaled_covariates(base):
    """z -> 5000 + 12 z: slopes by 1/12, constants move along, and the covariance with them."""
    drawn = draw("risk")
    res = drawn.built(data=drawn.table.assign(z1=5000 + 12 * drawn.table["z1"])).fit(n_starts=8)
    assert res.llf == pytest.approx(base.llf, abs=1e-8)
    move = np.eye(len(base.params))
    names = list(base.params.index)
    for g in (2, 3):
        constant, slope = names.index(f"theta[{g}]"), names.index(f"theta_z1[{g}]")
        move[slope, slope] = 1 / 12
        move[constant, slope] = -5000 / 12
    np.testing.assert_allclose(res.params, move @ base.params, rtol=1e-5, atol=1e-7)
    cov = move @ base.cov_params().to_numpy() @ move.T
    spread = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(res.cov_params() / np.outer(spread, spread), cov / np.outer(spread, spread), atol=1e-6)
    np.testing.assert_allclose(res.group_shares["share"], base.group_shares["share"], atol=1e-8)


def test_permuted_subjects(base):
    shuffled = draw("risk").table.sample(frac=1.0, random_state=1)
    res = draw("risk").built(data=shuffled).fit(n_starts=8)
    assert res.llf == pytest.approx(base.llf, abs=1e-9)
    np.testing.assert_allclose(res.params, base.params, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(res.posterior.sort_index(), base.posterior.sort_index(), atol=1e-7)


def test_shares_are_averaged_over_the_subjects(base):
    drawn = draw("risk")
    pi = np.exp(oracle.log_shares(drawn.truth.model, base.params, base.n_subjects, drawn.beside.z))
    np.testing.assert_allclose(base.group_shares["share"], pi.mean(axis=0), rtol=1e-10)
    share = lambda x: np.exp(  # noqa: E731
        oracle.log_shares(drawn.truth.model, x, base.n_subjects, drawn.beside.z)).mean(axis=0)
    jacobian = oracle.fd_gradient(share, base.params.to_numpy())
    want = np.sqrt(np.diag(jacobian @ base.cov_params().to_numpy() @ jacobian.T))
    np.testing.assert_allclose(base.group_shares["std err"], want, rtol=1e-7)


def test_theta_is_recovered():
    model = oracle.Model("logit", (1, 1), n_risk=2)
    truth = np.array([-2.0, 0.3, 1.0, 0.2, -0.4, 0.8, -0.6])
    rng = np.random.default_rng(11)
    z = np.column_stack([rng.normal(size=2500), rng.integers(0, 2, 2500)])
    _, _, y, _ = oracle.simulate(model, truth, 2500, range(6), rng, oracle.Beside(z=z))
    res = gbtm.GBTM(y.reshape(2500, 6), range(6), groups=2, order=1, family="logit", risk=z).fit(n_starts=4)
    off = (res.params - truth) / res.bse
    assert (off.abs() < 3.5).all()
    assert res.bse["theta_z1[2]"] < 0.1


def test_covariates_that_say_nothing_new_are_refused():
    y, z, *_ = _apart(n=60)
    with pytest.raises(SpecificationError, match=r"risk: age, double are linearly dependent") as e:
        gbtm.GBTM(y, range(4), groups=2, order=0, risk=pd.DataFrame({"age": z["age"], "double": 2 * z["age"] + 1}))
    assert (e.value.code, e.value.argument) == ("dependent_covariates", "risk")
    with pytest.raises(SpecificationError, match=r"risk: male is the same throughout") as e:
        gbtm.GBTM(y, range(4), groups=2, order=0, risk=z.assign(male=1))
    assert (e.value.code, e.value.argument) == ("constant_covariate", "risk")


@pytest.mark.parametrize("refgroup", [0, 3, 1.5, True, "first"])
def test_a_reference_group_that_is_none(refgroup):
    y, z, *_ = _apart(n=60)
    with pytest.raises(SpecificationError, match="refgroup") as e:
        gbtm.GBTM(y, range(4), groups=2, order=0, risk=z, refgroup=refgroup)
    assert (e.value.code, e.value.argument) == ("bad_refgroup", "refgroup")


def test_one_group_has_no_theta():
    """Covariates of membership have nothing to explain; the fit is that without them."""
    y, z, *_ = _apart(n=60)
    plain = gbtm.GBTM(y, range(4), groups=1, order=0).fit()
    res = gbtm.GBTM(y, range(4), groups=1, order=0, risk=z).fit()
    assert list(res.params.index) == list(plain.params.index)
    assert res.llf == pytest.approx(plain.llf, abs=1e-10)


def test_the_module_trains_with_covariates():
    """theta is among the module's own parameters, and its gradient is that of the likelihood."""
    built = draw("tcov_cells").built()
    module = Mixture(built.layout, built.panel)
    flat = away(built, "tcov_cells")
    module.set_flat(flat)
    (module().sum()).backward()
    assert module.free["theta"].shape == (2,)
    drawn = draw("tcov_cells")
    want = oracle.fd_gradient(lambda x: drawn.loglik(built.layout.report(x)), flat)
    np.testing.assert_allclose(module.free["theta"].grad, want[built.layout.theta], rtol=1e-7)
