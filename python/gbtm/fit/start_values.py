"""Parameters that the user gives a fit to start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..data.labels import by_names
from ..errors import DataError, SpecificationError
from ..model.layout import Layout, make_layout
from ..model.prepared import Prepared
from ..record.rebuild import parts_of
from ..specification.first_groups import first_groups
from .fit import Fit


def read_start(start: Any, prepared: Prepared) -> tuple[np.ndarray | None, tuple[Layout, np.ndarray] | None]:
    """What the ``start`` of :meth:`gbtm.GBTM.fit` means.

    Returns
    -------
    (1, p) internal parameters, or None; and the layout and internal parameters (p',) of a fit with one group less,
    or None
    """
    if start is None:
        return None, None
    layout, spec = prepared.layout, prepared.spec
    if isinstance(start, Fit):
        families = ", ".join(o.family for o in start.outcomes)
        same_family = [o.family for o in start.outcomes] == [o.family for o in spec.outcomes]
        if not spec.is_dual and start.spec.set_sizes == (spec.n_groups - 1,):
            smaller = make_layout(prepared.panel, first_groups(spec, start.n_groups), prepared.bases)
            if not same_family or smaller.traj_names != start.traj_names:
                raise SpecificationError(
                    "start: the smaller fit is not this model with its last group left out.", code="bad_start",
                    argument="start",
                    way_out="Give a fit of the same family, its orders the leading ones of this model.",
                )
            return None, (smaller, smaller.unreport(start.params.to_numpy()))
        if not same_family or start.traj_names != layout.traj_names:
            raise SpecificationError(
                f"start: a {families} fit with {' x '.join(map(str, start.spec.set_sizes))} groups is not this model.",
                code="bad_start", argument="start", way_out="Give a fit of the same model, or one with a group less.",
            )
        start = start.params.to_numpy()
    values = _in_order(start, layout)
    try:
        numbers = np.asarray(values, dtype=float).ravel()
    except (TypeError, ValueError):
        numbers = np.empty(0)
    return layout.unreport(_checked(numbers, layout))[None], None


def at_units_of(start: Any, prepared: Prepared) -> Prepared:
    """The model with its hidden units where those of the fit ``start`` are.

    Raises
    ------
    SpecificationError
        ``bad_start`` for numbers, which say nothing without the units, and for a fit of another model.
    """
    if not isinstance(start, Fit) or start.spec != prepared.spec:
        raise SpecificationError(
            "start: the coefficients of hidden units mean nothing without the units.", code="bad_start",
            argument="start", way_out="Give a fit of the same model, or leave start out.",
        )
    bases = tuple(p.bases["mean"] for p in parts_of(start))
    layout = make_layout(prepared.panel, prepared.spec, bases)
    return replace(prepared, bases=bases, layout=layout)


def _in_order(start: Any, layout: Layout) -> Any:
    """Labelled values in the order of the parameters, by our names or by traj's."""
    if not isinstance(start, (pd.Series, pd.DataFrame, Mapping)):
        return start
    if isinstance(start, pd.DataFrame) and start.shape[1] == 1:
        start = start.iloc[:, 0]
    labels = {str(n) for n in start.index} if isinstance(start, pd.Series) else set(start)
    try:
        return by_names(start, "start", layout.traj_names if labels == set(layout.traj_names) else layout.names)
    except DataError as error:
        raise SpecificationError(
            error.message, code="bad_start", argument="start",
            way_out=f"Label them {', '.join(layout.names)}, or give them in this order without labels.",
        ) from None


def _checked(values: np.ndarray, layout: Layout) -> np.ndarray:
    """Parameters (p,) in the user's units, group percentages turned into theta."""
    k, size, reference = layout.n_groups, layout.size, layout.reference
    plain = layout.membership.width == 1  # with membership covariates there is no one percentage
    percent = plain and values.size == size + 1 and np.isclose(values[-k:].sum(), 100.0, atol=0.5)
    if percent and (values[-k:] > 0).all():
        log_share = np.log(values[-k:])
        values = np.concatenate([values[:-k], np.delete(log_share - log_share[reference], reference)])
    if values.size != size or not np.isfinite(values).all():
        raise SpecificationError(
            f"start: {np.isfinite(values).sum()} finite values, the model has {size} parameters.",
            code="bad_start", argument="start",
            way_out=f"Give them in the order {', '.join(layout.names)}"
            + (f", or percentages for the last {k}." if plain else "."),
        )
    for r in layout.correlation_sets:
        if not np.isfinite(r.unreport(values[r.places])).all():
            listed = ", ".join(f"{layout.names[j]} = {values[j]:g}" for j in r.places)
            raise SpecificationError(
                f"start: {listed} are the correlations of no random effects.", code="bad_start", argument="start",
                way_out="Give correlations whose matrix is positive definite, such as 0 for all.")
    positive = {j for b in layout.blocks if b.predictor == "log_sigma" for j in range(b.start, b.start + b.width)}
    sigma = [n for j, (n, v) in enumerate(zip(layout.names, values, strict=True)) if j in positive and not v > 0]
    if sigma:
        raise SpecificationError(
            f"start: {', '.join(sigma)} must be positive.", code="bad_start", argument="start",
            way_out="Sigma is a standard deviation, in the outcome's units.",
        )
    return values
