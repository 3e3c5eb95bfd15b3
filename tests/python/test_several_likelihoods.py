"""Two outcomes of every family, the first with every part: the log-likelihood against the formula written out in numpy,
where the outcomes share their groups and where each has its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import logsumexp

import gbtm
import oracle
from conftest import arguments
from gbtm.likelihood.derivatives import observed
from gbtm.likelihood.mixture import Mixture
from gbtm.specification.description import options_of
from gbtm.specification.outcome import Outcome
from parts import PARTS, draw

FAMILIES = ["normal", "cnorm", "poisson", "zip", "negbin", "zinb", "logit", "beta"]
SCALES = {"normal": 1.2, "cnorm": 1.0, "negbin": 0.6, "zinb": 0.5, "beta": 9.0}


def second(family: str, k: int) -> tuple[oracle.Model, list[float]]:
    """A plain model of a second outcome in k groups, with true parameters."""
    model = oracle.Model(
        family, (1, 0, 1)[:k], (0,) if family in ("zip", "zinb") else (), lower=0.0 if family == "cnorm" else -np.inf)
    levels = {"beta": (-1.0, 0.5, 1.5), "logit": (-1.5, 1.0, 2.0)}.get(family, (0.3, 1.5, 0.8))
    curves = [v for g in range(k) for v in ([levels[g], 0.2] if model.order[g] else [levels[g]])]
    scales = [SCALES.get(family, 0.0)] * model.n_scales
    return model, [*curves, *([-0.7] if model.iorder else []), *scales, *[0.1] * (k - 1)]


def second_table(model: oracle.Model, params: list[float], ids: np.ndarray) -> pd.DataFrame:
    """Long data of most of the people."""
    rng = np.random.default_rng(5)
    mine = np.sort(rng.permutation(ids)[: int(0.85 * len(ids))])
    subject, time, v, _ = oracle.simulate(model, params, len(mine), np.arange(4.0), rng)
    return pd.DataFrame({"id": mine[subject], "t2": time / 2, "v": v})


def built(name: str, family: str, dual: bool):
    """The package's model, and what the oracle takes."""
    d = draw(name)
    ids = np.array(list(dict.fromkeys((d.data[0] + 1).tolist())))
    k = 2 if dual else d.truth.model.n_groups
    model, params = second(family, k)
    table = second_table(model, params, ids)
    own = {n: v for n, v in d.options.items() if n in options_of(Outcome)}
    whole = {n: v for n, v in d.options.items() if n not in own}
    # people whose first outcome was never seen are not the oracle's
    first = d.table[d.table["id"].isin(ids)]
    other = {n: v for n, v in arguments(model).items() if n in options_of(Outcome)}
    groups = [d.truth.model.n_groups, 2] if dual else d.truth.model.n_groups
    m = gbtm.GBTM.from_formula(
        [gbtm.Outcome("y ~ t", **own), gbtm.Outcome("v ~ t2", data=table, **other)], first, id="id",
        **{**whole, "groups": groups})
    alone = gbtm.GBTM.from_formula("v ~ t2", table, id="id", **{**arguments(model), "groups": k})
    return m, d, ids, model, table, alone


def by_formula(d, ids, model, table, alone, names, params) -> np.ndarray:
    """(N,) subject log-likelihoods."""
    p = dict(zip(names, params, strict=True))

    def of(outcome, single):
        return [p.get(f"{outcome}: {n}", p.get(n)) for n in single]

    first = oracle.joint(d.truth.model, of("y", d.built().layout.names), *d.data, d.beside)
    curves = [n for n in alone.layout.names if not n.startswith("theta")]
    k = model.n_groups
    own = [*of("v", curves), *[0.0] * (k - 1)]
    other = oracle.joint(model, own, table["id"], table["t2"].to_numpy(), table["v"].to_numpy()) + np.log(k)
    seen = list(dict.fromkeys(table["id"].tolist()))
    log_g = np.zeros((len(ids), k))
    log_g[[list(ids).index(i) for i in seen]] = other
    if "theta2[2|1]" not in p:
        return logsumexp(first + log_g, axis=1)
    gamma = np.array([[0.0, p[f"theta2[2|{j}]"]] for j in range(1, first.shape[1] + 1)])
    given = gamma - logsumexp(gamma, axis=1, keepdims=True)
    return logsumexp(first[:, :, None] + given + log_g[:, None], axis=(1, 2))


def check(name: str, family: str, dual: bool, derivatives: bool) -> None:
    m, d, ids, model, table, alone = built(name, family, dual)
    module = Mixture(m.layout, m.panel)
    at = module.layout.unreport(m.layout.report(np.random.default_rng(2).normal(0, 0.4, m.layout.size)))
    params = m.layout.report(at)
    flat = torch.as_tensor(at)[None]
    ours = module.subject_loglik(flat)[0].detach().numpy()
    ours = ours if module.expand is None else ours[module.expand]
    want = pd.Series(by_formula(d, ids, model, table, alone, m.layout.names, params), index=ids)
    assert list(m.panel.ids) == list(ids)
    np.testing.assert_allclose(ours, want.to_numpy(), rtol=1e-9, atol=1e-8)
    if derivatives:
        _, gradient, _ = observed(module, flat)
        step = 1e-6 * np.random.default_rng(3).normal(size=at.size)
        up, down = (float(module.loglik(flat + sign * torch.as_tensor(step))[0].detach()) for sign in (1, -1))
        assert (up - down) / 2 == pytest.approx(float(gradient[0] @ torch.as_tensor(step)), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("dual", [False, True], ids=["shared", "dual"])
@pytest.mark.parametrize("name", list(PARTS))
def test_the_first_outcome_with_every_part(name, dual):
    families = FAMILIES[list(PARTS).index(name) % len(FAMILIES)]
    check(name, families, dual, derivatives=True)


@pytest.mark.parametrize("dual", [False, True], ids=["shared", "dual"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_second_outcome_of_every_family(family, dual):
    check("exposure", family, dual, derivatives=True)


@pytest.mark.slow
@pytest.mark.parametrize("dual", [False, True], ids=["shared", "dual"])
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", list(PARTS))
def test_every_part_with_every_second_family(name, family, dual):
    check(name, family, dual, derivatives=False)
