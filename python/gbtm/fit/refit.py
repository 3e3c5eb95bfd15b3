"""The same model on other data: a fold, a bootstrap sample, a simulated set. Estimates only, no standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..data.panel import Panel
from ..design.time_basis import TimeBasis
from ..estimation.control import Control
from ..model.layout import Layout
from ..specification.spec import ModelSpec

STARTS = 8  # besides the given one


@dataclass(frozen=True)
class Refit:
    """A fit's estimates.

    Attributes
    ----------
    flat : (p,) internal parameters, in the coordinates of ``layout``
    collapsed : a sigma went to zero: this is no maximum
    """

    layout: Layout
    flat: np.ndarray
    loglik: float
    converged: bool
    collapsed: bool

    @cached_property
    def params(self) -> np.ndarray:
        """(p,) in the user's time and units, in the order of ``layout.names``."""
        return self.layout.report(self.flat)


def refit(
    panel: Panel, spec: ModelSpec, bases: Sequence[TimeBasis | None] | None = None, *,
    start: np.ndarray | None = None, n_starts: int = STARTS, rng: int = 0, search: dict[str, Any] | None = None,
    smaller: Refit | None = None,
) -> Refit:
    """Fit a model to a panel.

    Parameters
    ----------
    bases : time basis of each outcome's mean; None makes polynomials for these data. Hidden units of a network are
        where these are to begin with, and move
    start : (p,) parameters in the user's units to start from
    n_starts : starts of the search besides ``start``; 0 for none, and then ``start`` is needed
    search : further settings of :class:`~gbtm.estimation.control.Control`, for example a ``time_budget``
    smaller : fit of the same data with the last group left out, to grow from; the result is no worse

    Returns
    -------
    Refit
        At the best of what ``start``, ``smaller`` and the search lead to.
    """
    from ..estimation.estimate import estimate
    from ..likelihood.mixture import Mixture
    from ..model.known_people import with_known
    from ..model.layout import make_layout
    from ..model.outcome import prepare

    panel = prepare(panel, spec)
    if not spec.is_dual and len(spec.known_classes) != spec.n_groups:  # other groups than the panel was made for
        spec = with_known(spec, panel)
    layout = make_layout(panel, spec, bases)
    control = Control(**{"n_starts": n_starts or None, "rng": rng, **(search or {})})
    if spec.has_networks:
        from ..model.prepared import seeks_units
        from .find_units import units_again

        flat = None if start is None else layout.unreport(np.asarray(start, dtype=float))
        place, converged = units_again(panel, layout, control, flat, n_starts, known=not seeks_units(spec, bases))
        return Refit(place.layout, place.flat, place.loglik, converged, collapsed=False)
    given = None if start is None else layout.unreport(np.asarray(start, dtype=float))[None]
    only: dict[str, Any] = {"user_starts" if n_starts == 0 else "further": given}
    grown = None if smaller is None else (smaller.layout, smaller.flat)
    fitted = estimate(Mixture(layout, panel), panel, control, smaller=grown, exact_growth=smaller is not None, **only)
    return Refit(layout, fitted.flat, fitted.loglik, fitted.certificate.converged, fitted.search.optima[0].collapsed)


def subject_loglik(fit: Refit, panel: Panel) -> np.ndarray:
    """(N,) log-likelihood of each subject of a panel at a fit's estimates; of people who were not fitted, too.

    The panel is prepared: part of the one that a :class:`~gbtm.model.prepared.Prepared` holds.
    """
    import torch

    from ..compute.threads import workers
    from ..likelihood.mixture import Mixture

    module = Mixture.near(fit.layout, panel, fit.flat)
    with workers(), torch.no_grad():
        loglik = module.subject_loglik(torch.as_tensor(fit.flat)[None])[0].cpu().numpy()
    return loglik if module.expand is None else loglik[module.expand]
