"""Which subjects are alike in all that the likelihood asks of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

COLLAPSE_LOOK = 20_000  # subjects looked at before all are compared
COLLAPSE_SHARE = 0.8  # of distinct subjects above which collapsing does not pay


def identical_rows(statistics: list[Tensor]) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows equal in all matrices (N, ..): the first of each kind (U,) and the kind of each row (N,); None if few are.

    Rows are told apart by a random projection, and equality is then checked entry by entry.
    """
    rng = np.random.default_rng(0)
    draws = [torch.from_numpy(rng.standard_normal(s.shape[1])) for s in statistics]
    n = statistics[0].shape[0]
    look = min(n, COLLAPSE_LOOK)
    sample = sum((s[:look] @ d).numpy() for s, d in zip(statistics, draws, strict=True))
    if len(np.unique(sample)) > COLLAPSE_SHARE * look:
        return None
    key = sum((s @ d).numpy() for s, d in zip(statistics, draws, strict=True))
    _, first, kind = np.unique(key, return_index=True, return_inverse=True)
    kind = kind.ravel()
    if first.size > COLLAPSE_SHARE * n or not all(torch.equal(s[first][kind], s) for s in statistics):
        return None
    return first, kind
