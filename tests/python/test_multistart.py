"""The search: rounds of starts, rearranged groups, and the best optima known."""

from __future__ import annotations

import json

import pandas as pd
import pytest

import gbtm
from conftest import reference_root
from gbtm.estimation import multistart as optima
from tables import two_halves


def _optimum_sets() -> dict[str, dict]:
    root = reference_root()
    return json.loads((root / "optima" / "index.json").read_text()) if root else {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", _optimum_sets())
def test_the_default_call_finds_the_best_optimum_known(name, seed):
    """Data sets with many optima; the best known are of thousands of starts."""
    known = _optimum_sets()[name]
    data = pd.read_csv(reference_root() / "optima" / f"{name}.csv")
    res = gbtm.GBTM.from_formula("y ~ t", data, id="id", **known["arguments"]).fit(rng=seed)
    assert res.llf > known["best_loglik"] - 1e-3


def test_starts_that_agree_are_followed_by_a_few_rearrangements():
    """24 of 24 are no proof: every search but that of one group rearranges the groups of what it found."""
    res = gbtm.GBTM.from_formula("y ~ t", two_halves("normal", 200), id="id", groups=2, order=1).fit(rng=0)
    assert len(res.search.optima) == 1
    grown = 2  # the one group split, twice
    assert res.search.n_moves == grown + optima.MOVES_ALONE * 2
    one = gbtm.GBTM.from_formula("y ~ t", two_halves("normal", 200), id="id", groups=1, order=1).fit(rng=0)
    assert one.search.n_moves == 0
