"""From a prepared model to its fit document: the search, the covariance, the record."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import check_seed
from ..compute.progress import Progress, reporter
from ..errors import SpecificationError
from ..estimation.control import Control
from ..model.known_people import refuse_unknown_groups, without_known
from ..model.layout import Layout, make_layout
from ..model.one_set import prepared_of_set
from ..model.prepared import Prepared
from ..specification.first_groups import first_groups
from .start_values import at_units_of, read_start

if TYPE_CHECKING:
    from ..estimation.estimate import Estimate
    from ..likelihood.mixture import Mixture
    from .separate_fits import SeparateFits

LIGHT_STARTS = 8
GROWN_NEARLY = 1e-2  # log-likelihood still to be gained at which a fit is good enough to have its groups split
GROWN_STEPS = 15  # of Newton's method: what takes longer is no good place to split

Smaller = tuple[Layout, np.ndarray]  # layout and internal parameters (p',) of a fit with one group less


def fit_model(
    prepared: Prepared, control: Control, *, cov_type: str | None = None, user_starts: np.ndarray | None = None,
    smaller: Smaller | None = None, further: np.ndarray | None = None, from_units: bool = False,
) -> dict[str, Any]:
    """Find the best optimum and its standard errors.

    Parameters
    ----------
    cov_type : as for :meth:`gbtm.GBTM.fit`
    user_starts : (B, p) internal parameters, the only starts
    smaller : a fit with one group less, to grow from; the result is no worse
    further : (B, p) starts besides those of the search; the result is no worse
    from_units : hidden units of the given bases are where they are to begin with; without it they stay

    Returns
    -------
    The fit document, see docs/fit-document.md; what is doubtful stands in its ``warnings``.
    """
    from ..compute.threads import workers
    from ..estimation.covariance import covariance_of_some, resolve
    from ..estimation.estimate import estimate
    from ..likelihood.mixture import Mixture

    panel, layout = prepared.panel, prepared.layout
    refuse_unknown_groups(prepared.spec, panel)
    kind = resolve(cov_type, panel.subjects, layout.n_free)
    module = searched = Mixture(layout, panel)
    exact = smaller is not None
    dual = None
    if prepared.seeks_units or from_units:
        return _with_units(prepared, control, kind, user_starts)
    if prepared.spec.is_dual:
        dual = separate_fits(prepared, module, control, None if user_starts is None else user_starts[0])
        found = dual.two_step.flats
        further = found if further is None else np.concatenate([further, found])
    elif user_starts is None and smaller is None and control.n_starts is None and prepared.spec.n_groups > 1:
        smaller = grow(prepared, control)
    result: Estimate = estimate(
        module, panel, control, user_starts=user_starts, smaller=smaller, exact_growth=exact, further=further
    )
    document = _document(prepared, control, result, kind)
    if dual is not None:
        with workers():
            known = covariance_of_some(
                searched, dual.two_step.flats[0], kind, panel.subjects, panel.nobs, prepared.layout.theta)
            document["dual"] |= dual.document(prepared.layout, known)
    return document


def _document(prepared: Prepared, control: Control, result: Estimate, kind: str) -> dict[str, Any]:
    """The fit document of an estimate, with standard errors of a ``kind``."""
    from ..compute.threads import workers
    from ..estimation.covariance import covariance_at
    from .make_document import make_document

    panel = prepared.panel
    if control.progress is not None:
        control.progress("standard errors", result.seconds)
    with workers():
        cov = covariance_at(result.module, result.flat, kind, panel.subjects, panel.nobs)
        document = make_document(prepared, result.module, result, cov)
    document["search"] |= {"rng": control.rng, "n_starts_asked": control.n_starts}
    return document


def _with_units(prepared: Prepared, control: Control, kind: str, start: np.ndarray | None) -> dict[str, Any]:
    """The document of a fit whose hidden units are to be found, from where they stand with a ``start`` (1, p)."""
    from .find_units import find_units

    found = find_units(prepared, control, None if start is None else start[0])
    document = _document(found.prepared, control, found.estimate, kind)
    document["seconds"] = found.seconds
    document["hidden_units"] = found.document
    document["warnings"] = [*(asdict(f) for f in found.findings), *document["warnings"]]
    document["search"]["sentence"] += f" {found.sentence}"
    return document


def separate_fits(
    prepared: Prepared, module: Mixture, control: Control, start: np.ndarray | None = None
) -> SeparateFits:
    """The two sets of groups of a dual model fitted by themselves, and the table of both at their curves.

    With a ``start`` (p,) of the dual model they start from its curves, and from few others.
    """
    from ..compute.threads import workers
    from ..estimation.dual_starts import independent, of_one_set, two_step
    from ..estimation.estimate import estimate
    from ..likelihood.mixture import Mixture
    from .separate_fits import SeparateFits

    fits = []
    for s in (0, 1):
        alone = prepared_of_set(prepared, s)
        if control.progress is not None:
            control.progress(f"{alone.layout.outcomes[0].name} by itself", 0.0)
        light = start is not None and control.n_starts is None
        quiet = replace(control, progress=None, n_starts=LIGHT_STARTS if light else control.n_starts)
        smaller = grow(alone, control) if quiet.n_starts is None and alone.spec.n_groups > 1 else None
        further = None if start is None else of_one_set(prepared.layout, start, alone.layout, s)[None]
        fits.append((alone.layout, estimate(
            Mixture(alone.layout, alone.panel), alone.panel, quiet, smaller=smaller, further=further)))
    module.to(control.device)
    with workers():
        found = two_step(module, (fits[0], fits[1]))
    (first, one), (second, other) = fits
    return SeparateFits(
        (one.loglik, other.loglik), (first.size, second.size), (one.flat, other.flat),
        independent(prepared.layout, ((first, one.flat), (second, other.flat))), found,
    )


def grow(prepared: Prepared, control: Control) -> Smaller | None:
    """A light fit with one group less, itself grown from one group up."""
    from ..compute.threads import workers
    from ..estimation.multistart import search
    from ..estimation.start_panel import start_panel
    from ..likelihood.mixture import Mixture

    panel = start_panel(without_known(prepared.panel), prepared.layout, control)  # known groups need not be among fewer
    smaller: Smaller | None = None
    light = replace(
        control, n_starts=LIGHT_STARTS, progress=None, tolerance=GROWN_NEARLY, newton_steps=GROWN_STEPS)
    for k in range(1, prepared.spec.n_groups):
        try:
            spec = first_groups(prepared.spec, k)
        except SpecificationError:
            continue
        layout = make_layout(prepared.panel, spec, prepared.bases)
        if layout.size == 0:  # the first group is the one that never happens
            continue
        module = Mixture(layout, panel, surrogate=True).to(control.device)
        with workers():
            found = search(module, panel, light, None, smaller, exact_growth=False).ledger.optima
        if not found:
            return None
        smaller = (layout, found[0].flat)
    return smaller if smaller is not None and smaller[0].n_groups == prepared.spec.n_groups - 1 else None


def fit_as_asked(
    prepared: Prepared, *, n_starts: int | None = None, rng: int = 0, device: str = "cpu",
    cov_type: str | None = None, start: Any = None, max_starts: int = 256, time_budget: float | None = 60.0,
    progress: Progress | bool | None = None,
) -> dict[str, Any]:
    """:func:`fit_model` with the arguments of :meth:`gbtm.GBTM.fit`, as users give them."""
    control = Control(
        n_starts=n_starts, max_starts=max_starts, time_budget=time_budget, rng=check_seed(rng), device=device,
        progress=reporter(progress),
    )
    from_units = start is not None and prepared.seeks_units
    if from_units:
        prepared = at_units_of(start, prepared)
    user_starts, smaller = read_start(start, prepared)
    return fit_model(
        prepared, control, cov_type=cov_type, user_starts=user_starts, smaller=smaller, from_units=from_units)
