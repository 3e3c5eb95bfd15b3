"""Distinct optima: what is taken out is gone, whatever is added meanwhile."""

from __future__ import annotations

import numpy as np
import torch

from gbtm.estimation.ledger import Ledger, Optimum
from gbtm.estimation.newton import Climb


def _climb(loglik: float) -> Climb:
    return Climb(torch.zeros(1, 1), torch.tensor([loglik]), torch.zeros(1), torch.tensor([False]))


def test_an_optimum_that_another_would_replace_is_taken_first():
    """Two unfinished runs, of which the first ends where the second stands."""
    first, second = (Optimum(np.zeros(1), loglik, 1, False, False) for loglik in (-10.0, -5.0))
    ledger = Ledger([first, second])
    for o in ledger.taken([first, second]):
        ledger.add(_climb(-5.0), np.array([False]), hits=o.hits)
    assert [(o.loglik, o.hits) for o in ledger.optima] == [(-5.0, 2)]
