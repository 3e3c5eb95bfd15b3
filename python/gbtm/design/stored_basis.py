"""Time bases from the fit document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ..columns.formula_design import FormulaDesign, design_of
from .network_basis import network_basis_of
from .time_basis import TimeBasis, polynomial_of, tabulated_basis


def basis_from_document(
    document: dict[str, Any], time_name: str, *, trusted: bool = False, observed: Callable[[], np.ndarray] | None = None
) -> TimeBasis:
    """The basis that ``document`` describes; only if it is ``trusted`` is an expression in it run that is code.

    ``observed`` gives the times (n_obs,) of the fit, from which a trusted formula takes its knots again where an
    earlier version did not keep them.
    """
    names, mix = tuple(document["names"]), np.asarray(document["mix"], dtype=float)
    if document["kind"] == "polynomial":
        return polynomial_of(names, document["centre"], document["scale"], mix)
    if document["kind"] == "network":
        return network_basis_of(document)
    stored, formula = document.get("design"), document["formula"]
    if stored is not None:
        design: FormulaDesign | None = FormulaDesign.from_document(stored, trusted=trusted)
    elif formula is not None and trusted and observed is not None:
        design = design_of(formula, pd.DataFrame({time_name: observed()}), "formula", constant=True)[1]
    else:
        design = None
    return tabulated_basis(
        names, np.asarray(document["times"], dtype=float), np.asarray(document["columns"], dtype=float), mix,
        formula, design, time_name,
    )
