"""How a number is printed in a table: by the kind of column it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

DASH = "\N{EN DASH}"
INFINITE = "∞"
LARGE, SMALL = 1e5, 1e-3
PLACES = {"percent": 1, "criterion": 2, "ratio": 2, "tenths": 1}  # others 3
KINDS = ("text", "count", "percent", "probability", "criterion", "p", "estimate", "ratio", "tenths", "plain")

# kind -> the columns of this package's tables that are of it
COLUMNS = {
    "percent": (
        "share", "share_lower", "share_upper", "assigned", "mismatch", "mismatch_se", "smallest_group", "mismatch_max",
        "missing_share",
    ),
    "probability": ("entropy", "avepp", "avepp_min", "correlation"),
    "criterion": (
        "loglik", "difference", "aic", "bic_subjects", "bic_observations", "sabic_subjects", "sabic_observations",
        "caic_subjects", "caic_observations", "icl_subjects", "icl_observations", "traj_aic", "traj_bic_subjects",
        "traj_bic_observations", "cv_loglik", "cv_se",
    ),
    "p": ("P>|z|", "P>|t|", "p", "p_value", "blrt_p", "lmr_p"),
    "ratio": ("odds ratio", "z", "t"),
    "tenths": ("occ", "occ_min", "seconds"),
    "count": (
        "group", "groups", "params", "n", "n_assigned", "smallest_n", "hits", "starts", "rank", "lag", "pairs", "wave",
        "warnings", "subjects", "observed", "waves",
    ),
}
KIND_OF = {name: kind for kind, names in COLUMNS.items() for name in names}


def kind_of(column: Any, values: pd.Series) -> str:
    """The kind of a column: by its name where the package knows it, else by its values."""
    if values.dtype == object or not pd.api.types.is_numeric_dtype(values):
        return "text"
    if pd.api.types.is_bool_dtype(values):
        return "text"
    kind = KIND_OF.get(str(column))
    if kind == "count" and not are_whole(values):
        kind = None
    if kind is not None:
        return kind
    return "count" if pd.api.types.is_integer_dtype(values) else "estimate"


def are_whole(values: pd.Series) -> bool:
    """All of the finite ones are whole numbers."""
    v = values.to_numpy(dtype=float)
    v = v[np.isfinite(v)]
    return bool((v == np.round(v)).all())


def show(value: Any, kind: str, digits: int | None = None) -> str:
    """One value as text; an en dash for what there is not, never ``nan``.

    Parameters
    ----------
    value : number or text
    kind : one of ``KINDS``; ``percent`` takes a share and prints it times 100
    digits : decimals instead of the kind's own: percent 1, probability 3, criterion 2, p 3, estimate 3, ratio 2,
        tenths 1; plain has up to 5 digits

    Examples
    --------
    >>> from gbtm.tables.numbers import show
    >>> show(0.4512, "percent"), show(float("nan"), "estimate"), show(0.00004, "p"), show(0.00004, "estimate")
    ('45.1', '–', '<0.001', '4e-05')
    """
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return DASH
    if kind == "text" or isinstance(value, str):
        return {"True": "yes", "False": "no"}.get(str(value), str(value)) or DASH
    number = float(value)
    if not np.isfinite(number):
        return DASH if np.isnan(number) else ("-" if number < 0 else "") + INFINITE
    if kind == "count":
        return f"{number:.0f}"
    if kind == "p":
        places = 3 if digits is None else digits
        return f"<{10.0**-places:.{places}f}" if number < 10.0**-places else f"{number:.{places}f}"
    if kind == "percent":
        number *= 100
    if kind == "plain" and digits is None:
        return f"{number:.5g}"
    places = PLACES.get(kind, 3) if digits is None else digits
    if kind in ("estimate", "ratio", "tenths") and number and not SMALL <= abs(number) < LARGE:
        return f"{number:.3g}"
    text = f"{number:.{places}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text  # no negative zero


def format_frame(
    frame: pd.DataFrame, kinds: Mapping[Any, str] | None = None, digits: Mapping[str, int] | None = None
) -> tuple[pd.DataFrame, list[bool]]:
    """Every cell as text, and which columns are numbers (to be set to the right).

    Parameters
    ----------
    frame : any table with flat columns
    kinds : kind by column, where it is not to be guessed
    digits : decimals by column or by kind
    """
    kinds, digits = kinds or {}, digits or {}
    shown, numeric = {}, []
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position]
        kind = kinds.get(column) or kind_of(column, values)
        places = digits.get(column, digits.get(kind))
        shown[position] = [show(v, kind, places) for v in values.tolist()]
        numeric.append(kind != "text")
    text = pd.DataFrame(shown, index=frame.index, dtype=object)
    text.columns = frame.columns
    return text, numeric
