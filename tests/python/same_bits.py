"""Two fits with the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

import gbtm

FIELDS = ("loglik", "params", "cov_params", "certificate", "on_disk")


def same_bits(a: gbtm.GBTMResults, b: gbtm.GBTMResults) -> None:
    """Estimates, standard errors and sums; the files may be others."""
    for field in FIELDS:
        _same(a.document[field], b.document[field], field)


def _same(mine: Any, theirs: Any, name: str) -> None:
    if isinstance(mine, dict):
        assert mine.keys() == theirs.keys()
        for k in mine:
            if k != "files":
                _same(mine[k], theirs[k], f"{name}.{k}")
    elif isinstance(mine, list) and mine and isinstance(mine[0], dict):
        for one, other in zip(mine, theirs, strict=True):
            _same(one, other, name)
    else:
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), err_msg=name)
