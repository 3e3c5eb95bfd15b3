"""How often each criterion finds the true number of groups; writes docs/choosing.md. Half an hour long.

Per family and separation: three groups, 300 subjects at six waves, 100 data sets; fits with 1 to 4 groups of linear
curves, each grown from the one before besides eight starts.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import gbtm
import oracle
from conftest import ROOT, arguments
from gbtm.api.model import GBTM
from gbtm.compute.parallel import spread
from gbtm.estimation.control import Control
from gbtm.estimation.estimate import estimate
from gbtm.likelihood.mixture import Mixture

DATA_SETS = 100
SUBJECTS = 300
WAVES = np.arange(6.0) / 5
TRUE_GROUPS, MOST_GROUPS = 3, 4
CRITERIA = ("AIC", "BIC, subjects", "BIC, observations", "SABIC, subjects", "CAIC, subjects", "ICL, subjects")

# centre and slope of the middle curve on the scale of the linear predictor, distances of the outer ones, and what
# follows the curves among the parameters: zero inflation, scale parameters
FAMILIES = {
    "normal": (0.0, (0.65, 0.85, 1.1), [1.0], {}),
    "cnorm": (0.0, (0.7, 0.95, 1.2), [1.0], {"lower": -1.0, "upper": 1.5}),
    "poisson": (0.5, (0.6, 0.8, 1.1), [], {}),
    "zip": (0.8, (0.6, 0.85, 1.1), [-0.8], {"iorder": (0,)}),
    "negbin": (0.8, (0.6, 0.85, 1.1), [0.3], {}),
    "zinb": (1.0, (0.8, 1.1, 1.4), [-0.8, 0.3], {"iorder": (0,)}),
    "logit": (0.0, (1.3, 1.9, 2.5), [], {}),
    "beta": (0.0, (0.5, 0.75, 1.0), [5.0, 5.0, 5.0], {}),
}
HEAD = f"""# How often each criterion finds the number of groups

Written by `pytest -m slow tests/python/test_choice.py`: {DATA_SETS} simulated data sets per row, three groups of
35, 40 and 25 %, {SUBJECTS} subjects at six waves, linear curves that lie the distance apart on the scale of the linear
predictor; fits with 1 to 4 groups.
Each cell: % of the data sets in which the criterion chooses three groups
(fewer / more). ICL asks for groups that can be told apart person by person, which at these distances they cannot be: it
does not look for the true number. [How many groups](tutorials/how-many-groups.Rmd) shows how to choose
for data of one's own.

| family | distance | {" | ".join(CRITERIA)} |
|---|---:|{"---:|" * len(CRITERIA)}
"""


def truth(family: str, distance: float) -> tuple[oracle.Model, list[float]]:
    centre, _, more, known = FAMILIES[family]
    model = oracle.Model(family, (1, 1, 1), **known)
    curves = [centre - distance, 0.3, centre, 0.0, centre + distance, -0.3]
    return model, [*curves, *more, np.log(40 / 35), np.log(25 / 35)]


def chosen(family: str, distance: float, seed: int) -> list[int]:
    """The number of groups by each criterion, on one data set."""
    model, params = truth(family, distance)
    _, _, y, _ = oracle.simulate(model, params, SUBJECTS, WAVES, np.random.default_rng([2025, seed]))
    values, smaller, loglik = [], None, -np.inf
    for k in range(1, MOST_GROUPS + 1):
        given = arguments(model) | {"groups": k, "order": 1, "refgroup": 1}
        built = GBTM(y.reshape(SUBJECTS, -1), WAVES, **given)
        module = Mixture(built.layout, built.panel)
        found = estimate(module, built.panel, Control(n_starts=8, rng=seed), smaller=smaller, exact_growth=k > 1)
        assert found.loglik >= loglik - 1e-6
        smaller, loglik = (built.layout, found.flat), found.loglik
        values.append(_criteria(found.loglik, built.layout.size, y.size, _doubt(module, found.flat)))
    return (np.argmin(values, axis=0) + 1).tolist()


def _doubt(module: Mixture, flat: np.ndarray) -> float:
    """-2 sum P log P over the posteriors."""
    p = module.posterior(torch.as_tensor(flat)[None])[0].detach().numpy()
    weight = module.weight.numpy()
    return float(-2 * (np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0).sum(axis=0) * weight).sum())


def _criteria(loglik: float, size: int, nobs: int, doubt: float) -> list[float]:
    fit = -2 * loglik
    bic = fit + size * np.log(SUBJECTS)
    return [fit + 2 * size, bic, fit + size * np.log(nobs), fit + size * np.log((SUBJECTS + 2) / 24), bic + size,
            bic + doubt]


def test_the_criteria_are_those_of_a_fit():
    model, params = truth("normal", 1.0)
    _, _, y, _ = oracle.simulate(model, params, SUBJECTS, WAVES, np.random.default_rng([2025, 0]))
    res = gbtm.GBTM(y.reshape(SUBJECTS, -1), WAVES, groups=3, order=1).fit(n_starts=4)
    p = res.posterior.to_numpy()
    mine = _criteria(res.llf, res.df_model, res.nobs, -2 * (p * np.log(p)).sum())
    theirs = res.criteria
    np.testing.assert_allclose(
        mine, [theirs["subjects"]["aic"], theirs["subjects"]["bic"], theirs["observations"]["bic"],
               theirs["subjects"]["sabic"], theirs["subjects"]["caic"], theirs["subjects"]["icl"]], rtol=1e-10)


@pytest.fixture(scope="module")
def report():
    rows: dict[str, str] = {}
    yield rows
    if list(rows) == list(FAMILIES):
        (ROOT / "docs" / "choosing.md").write_text(HEAD + "".join(rows.values()), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_true_number_is_found_where_groups_are_apart(family, report):
    lines, shares = [], []
    for distance in FAMILIES[family][1]:
        jobs = [(family, distance, seed) for seed in range(DATA_SETS)]
        found = np.array(list(spread(chosen, jobs, n_jobs=-1)))
        hit, less, more = (100 * (test).mean(axis=0) for test in (
            found == TRUE_GROUPS, found < TRUE_GROUPS, found > TRUE_GROUPS))
        cells = [f"{h:.0f} ({a:.0f} / {b:.0f})" for h, a, b in zip(hit, less, more, strict=True)]
        lines.append(f"| {family} | {distance:g} | {' | '.join(cells)} |\n")
        shares.append(hit)
    report[family] = "".join(lines)
    bic = np.array(shares)[:, CRITERIA.index("BIC, subjects")]
    assert bic[-1] >= 90, bic
    assert (np.diff(bic) > -10).all(), bic
