"""What a fit document says of the constraints that the parameters were estimated under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.layout import Layout

NO_ROOM = 1e-9  # share of a parameter's gradient that is free to move, below which the parameter is fixed


@dataclass(frozen=True)
class ConstraintRecord:
    """Constraints, and what they came to.

    Attributes
    ----------
    texts : as they were given
    n_free : the number of free parameters
    fixed : parameters that have one value under the constraints
    at_bound : the bounds that the estimates lie at
    held : parameters that have one value once these bounds are kept to, besides those that are ``fixed``
    """

    texts: tuple[str, ...]
    n_free: int
    fixed: tuple[str, ...] = ()
    at_bound: tuple[str, ...] = ()
    held: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: dict[str, Any]) -> ConstraintRecord:
        """The document's ``constraints``."""
        words = {k: tuple(stored[k]) for k in ("texts", "fixed", "at_bound", "held")}
        return cls(n_free=int(stored["n_free"]), **words)

    @classmethod
    def at(cls, layout: Layout, flat: np.ndarray) -> ConstraintRecord | None:
        """Of estimates (p,) in internal coordinates; None where there are no constraints."""
        constraints = layout.constraints
        if constraints is None:
            return None
        jacobian = layout.report_jacobian(flat)

        def unmoved(directions: np.ndarray) -> list[str]:
            share = np.linalg.norm(jacobian @ directions, axis=1) / np.linalg.norm(jacobian, axis=1)
            return [n for n, s in zip(layout.names, share, strict=True) if s < NO_ROOM]

        fixed = unmoved(constraints.directions)
        held = [n for n in unmoved(constraints.face(flat)) if n not in fixed]
        labels = [x for x, near in zip(constraints.labels, constraints.at_bounds(flat), strict=True) if near]
        return cls(constraints.texts, constraints.n_free, tuple(fixed), tuple(labels), tuple(held))

    @property
    def without_error(self) -> dict[str, str]:
        """Why a parameter has no standard error of its own, by its name."""
        return dict.fromkeys(self.fixed, "fixed") | dict.fromkeys(self.held, "at bound")

    @property
    def sentence(self) -> str:
        """What had to hold."""
        return f"Constraints: {'; '.join(self.texts)}."

    @property
    def document(self) -> dict[str, Any]:
        """Plain values."""
        words = {k: list(getattr(self, k)) for k in ("texts", "fixed", "at_bound", "held")}
        return {**words, "n_free": self.n_free}


def constraint_document(layout: Layout, flat: np.ndarray, cov_params: np.ndarray) -> dict[str, Any]:
    """The document's ``constraints``, and ``params`` (p,) and ``cov_params`` (p, p) with zeros where these are due."""
    record, params = ConstraintRecord.at(layout, flat), layout.report(flat)
    if record is None:
        return {"params": params, "cov_params": cov_params}
    cov = cov_params.copy()
    still = [layout.names.index(n) for n in record.without_error]
    cov[still], cov[:, still] = 0.0, 0.0
    scale = np.linalg.norm(layout.report_jacobian(flat), axis=1)
    params[[i for i in still if abs(params[i]) < NO_ROOM * scale[i]]] = 0.0
    return {"params": params, "cov_params": cov, "constraints": record.document}
