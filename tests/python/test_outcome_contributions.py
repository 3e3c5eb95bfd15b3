"""What each outcome tells about the groups: the reference's entropies, formulas written out, refits without one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, logsumexp

import gbtm
import several
from gbtm import SpecificationError
from gbtm.adequacy.outcome_contributions import adjusted_rand


@pytest.fixture(scope="module")
def reference():
    model = gbtm.GBTM.from_formula(several.outcomes(), several.DATA, id="id", wide=several.WIDE, groups=3)
    return model.fit(start=several.start(), n_starts=1)


def test_entropies_of_each_outcome_alone_are_the_references(reference):
    table = reference.outcome_contributions()
    expected = several.EXPECTED["multi"]
    assert table["entropy"].to_dict() == pytest.approx(expected["entropy_by_outcome"], abs=1e-7)
    assert table.attrs["entropy"] == pytest.approx(expected["entropy"], abs=1e-7) == pytest.approx(reference.entropy)
    seen = several.DATA[several.COLUMNS["b"]].notna().any(axis=1).sum()
    assert table.loc["b", ["people", "observations"]].tolist() == [seen, reference.outcomes[1].nobs]


def _two(weights=None):
    """A clear normal outcome and a binary one that says less, of 60 people, some without the second."""
    rng = np.random.default_rng(1)
    group, n = rng.integers(0, 2, 60), 60
    who = np.repeat(np.arange(n), 4)
    t = np.tile([0.0, 1, 2, 3], n)
    data = pd.DataFrame({"id": who, "t": t, "y": rng.normal(3.0 * group[who] + 0.2 * t)})
    data["z"] = np.where(who < 6, np.nan, rng.random(who.size) < 0.4 + 0.25 * group[who])
    data["w"] = rng.exponential(size=n)[who]
    outcomes = ["y ~ t", gbtm.Outcome("z ~ t", family="logit", order=0)]
    model = gbtm.GBTM.from_formula(outcomes, data, id="id", groups=2, order=1, weights=weights)
    return model.fit(n_starts=4), data


def _log_densities(res, data):
    """log f_k of each outcome (N, K), from the parameters by scipy."""
    p = res.params
    out = []
    for k in (1, 2):
        mean = p[f"y: intercept[{k}]"] + p[f"y: t[{k}]"] * data["t"]
        prob = expit(p[f"z: intercept[{k}]"])
        z = data["z"].fillna(-1)
        each = np.where(z < 0, 0.0, stats.bernoulli.logpmf(z.clip(0), prob))
        out.append((stats.norm.logpdf(data["y"], mean, p["y: sigma"]), each))
    total = lambda x: np.bincount(data["id"], x)  # noqa: E731
    return [np.column_stack([total(out[k][m]) for k in (0, 1)]) for m in (0, 1)]


@pytest.mark.parametrize("weights", [None, "w"])
def test_log_bayes_factors_and_agreement_by_their_formulas(weights):
    res, data = _two(weights)
    y, z = _log_densities(res, data)
    prior = np.log(res.group_shares["share"].to_numpy())
    joint = prior + y + z
    posterior = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(res.posterior, posterior, atol=1e-9)
    s = np.ones(60) if weights is None else data.groupby("id")["w"].first().to_numpy()
    table = res.outcome_contributions()
    for name, own, other in (("y", y, z), ("z", z, y)):
        gain = (posterior * own).sum(1) - logsumexp(prior + own, axis=1)
        assert table.loc[name, "log_bayes_factor"] == pytest.approx(np.average(gain, weights=s), abs=1e-10)
        same = (prior + other).argmax(1) == posterior.argmax(1)
        assert table.loc[name, "agreement_without"] == pytest.approx(np.average(same, weights=s))
    assert table["share"].sum() == pytest.approx(1)
    assert any("mostly those of y" in note for note in table.attrs["notes"])


def test_refitted_without_an_outcome():
    """Without the binary outcome it is the fit of the other alone, in the order of the groups of both."""
    res, data = _two()
    alone = gbtm.GBTM.from_formula("y ~ t", data, id="id", groups=2, order=1).fit(n_starts=4)
    most = alone.assignment.to_numpy()
    agreement = max((most == res.assignment).mean(), (3 - most == res.assignment).mean())
    table = res.outcome_contributions(refit=True)
    assert table.loc["z", "agreement_without"] == pytest.approx(agreement)
    assert table.loc["z", "rand_without"] == pytest.approx(adjusted_rand(most, res.assignment.to_numpy()))
    assert table.loc["y", "agreement_without"] < agreement


def test_adjusted_rand_by_counting_pairs():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    i, j = np.triu_indices(40, 1)
    a, b = one[i] == one[j], other[i] == other[j]
    by_chance = a.sum() * b.sum() / a.size
    want = ((a & b).sum() - by_chance) / ((a.sum() + b.sum()) / 2 - by_chance)
    assert adjusted_rand(one, other) == pytest.approx(want)
    assert adjusted_rand(one, 7 - one) == 1
    assert adjusted_rand(np.zeros(5), np.zeros(5)) == 1


@pytest.mark.parametrize(("make", "code"), [
    (lambda res: gbtm.GBTM.from_formula("y ~ t", gbtm.datasets.two_groups(rng=0), id="id", groups=2, order=1).fit(
        n_starts=2), "one_outcome"),
    (lambda res: res.of_outcome("a"), "part_of_a_fit"),
])
def test_one_outcome_is_refused(make, code, reference):
    for ask in ("outcome_contributions", "residual_correlations"):
        with pytest.raises(SpecificationError) as caught:
            getattr(make(reference), ask)()
        assert caught.value.code == code
        assert caught.value.way_out
