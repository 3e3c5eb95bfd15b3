"""lower() and upper() of traj: bounds of its parameters, in the order of start(), as constraints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import CommandError
from ..families.random_normal import CORRELATIONS
from ..model.blocks import SCALES
from ..model.layout import Layout

LEAST = {  # what a scale parameter is above anyway
    "log_sigma": 0.0, "log_psi": 0.0, "log_phi": 0.0, "atanh_rho": -1.0,
    **dict.fromkeys(CORRELATIONS.values(), -1.0)}
MOST = {"atanh_rho": 1.0, **dict.fromkeys(CORRELATIONS.values(), 1.0)}


def bound_texts(layout: Layout, lower: np.ndarray | None, upper: np.ndarray | None) -> tuple[str, ...]:
    """Constraints for bounds (p,) in the order of the layout's parameters, NaN or infinite where there is none.

    Raises
    ------
    CommandError
        ``bad_bounds``, for other numbers of them, and where a lower bound is above the upper one.
    """
    low, high = (_whole(layout, values, name) for values, name in ((lower, "lower"), (upper, "upper")))
    texts = []
    for b in layout.blocks:
        for i in range(b.start, b.start + b.width):
            name, least, most = layout.names[i], low[i], high[i]
            if b.predictor in SCALES:
                least = np.nan if least <= LEAST.get(b.predictor, -np.inf) else least
                most = np.nan if most >= MOST.get(b.predictor, np.inf) else most
            if least > most:
                raise CommandError(
                    f"lower(), upper(): {least:g} is above {most:g}, the upper bound of {name}.", code="bad_bounds",
                    argument="lower", way_out="Give bounds of which the lower is below.",
                )
            if least == most:
                texts.append(f"{name} = {float(least)!r}")
                continue
            texts += [f"{name} {sign} {float(v)!r}" for sign, v in ((">", least), ("<", most)) if np.isfinite(v)]
    return tuple(texts)


def _whole(layout: Layout, values: Sequence[float] | np.ndarray | None, option: str) -> np.ndarray:
    """(p,), NaN where nothing is said; numbers for all parameters, or for those before the membership's."""
    out = np.full(layout.size, np.nan)
    if values is None:
        return out
    given = np.asarray(values, dtype=float).ravel()
    if given.size not in (layout.size, layout.theta.start):
        raise CommandError(
            f"{option}(): {given.size} numbers, the model has {layout.size} parameters.", code="bad_bounds",
            argument=option, way_out=f"Give one for each of {', '.join(layout.names)}, a dot where there is no bound; "
            "those of theta may be left out.",
        )
    out[: given.size] = given
    return out
