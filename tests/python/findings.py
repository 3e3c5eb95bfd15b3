"""A fit and what the user is told about it."""

from __future__ import annotations

import warnings

import numpy as np

import gbtm


def fit_and_codes(y, times=None, **model):
    """The fit and its warnings' codes; every warning is also a Python warning."""
    y = np.asarray(y, dtype=float)
    options = model.pop("fit", {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        res = gbtm.GBTM(y, range(y.shape[1]) if times is None else times, **model).fit(**options)
    said = [str(w.message) for w in caught if issubclass(w.category, gbtm.GBTMWarning)]
    assert said == res.warnings
    return res, [w["code"] for w in res.document["warnings"]]


def message_of(res, code) -> str:
    return next(w["message"] for w in res.document["warnings"] if w["code"] == code)
