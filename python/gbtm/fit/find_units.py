"""The hidden units of network curves: from many places to the best one, and a certified fit there."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.panel import Panel
from ..errors import DataError
from ..estimation.control import Control
from ..findings.data_checks import Finding
from ..model.layout import Layout
from ..model.prepared import Prepared

if TYPE_CHECKING:
    from ..estimation.estimate import Estimate
    from ..estimation.hidden_units import Place, UnitClimb, UnitsCertificate

SEED_STARTS = 24  # starts of the groups with the units where they stand first
SEEDS = 6  # best optima of these from which units are moved
PLACES, PLACES_PER_UNIT = 4, 5  # of the units, besides the first
PLACES_AGAIN = 3  # where a fit of like data says where they are
FIRST_STEPS, STEPS, TOLERANCE = 10, 60, 1e-10
CLIMBED_ON = 8  # of the places that steps from all of them lead to
SAME = 1e-3  # log-likelihood by which an optimum is the same
ROUNDS = 4  # of moving units and rearranging groups in turn


@dataclass(frozen=True, eq=False)
class FoundUnits:
    """A fit with its hidden units where they are best.

    Attributes
    ----------
    prepared : the model on the columns of these units
    estimate : the fit to these columns, from starts of its own and from where the units were found
    certificate : of the units
    n_places : from so many places the units were moved; ``hits`` of them led to the best maximum
    higher : by so much the log-likelihood was higher where curves ran on to infinity, at no maximum
    """

    prepared: Prepared
    estimate: Estimate
    certificate: UnitsCertificate
    n_places: int
    hits: int
    higher: float
    out_of_time: bool
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """Plain values, for the fit document."""
        return {**asdict(self.certificate), "n_places": self.n_places, "hits": self.hits, "higher": self.higher,
                "out_of_time": self.out_of_time}

    @property
    def findings(self) -> list[Finding]:
        """What is doubtful about the units."""
        if self.certificate.converged:
            return []
        return [Finding(
            "units_not_at_top", None,
            f"The hidden units are at no maximum: a step would still gain {self.certificate.decrement:.2g}, and curves "
            "run on to infinity. Fit fewer units, or more people; do not read the curves where they leave their data.",
        )]

    @property
    def sentence(self) -> str:
        """For the start report."""
        out = f"The hidden units were moved from {self.n_places} places, {self.hits} of which led to the best maximum."
        if self.n_places == 1:
            out = "The hidden units were moved from where they were."
        if self.higher > SAME:
            out += (f" Where curves run on to infinity without one the log-likelihood is {self.higher:.3f} higher.")
        if self.out_of_time:
            out += " The time budget cut that short: a longer time_budget may find better ones."
        return out


def find_units(prepared: Prepared, control: Control, start: np.ndarray | None = None) -> FoundUnits:
    """Move the hidden units from many places, and fit as ever on the columns of the best; in turn, until neither gains.

    With a ``start`` (p,) they move from where they are in ``prepared``, and no other starts are made.

    Raises
    ------
    DataError
        ``no_finite_start`` where no place gave a finite log-likelihood.
    """
    from ..compute.threads import workers
    from ..estimation.estimate import estimate
    from ..estimation.hidden_units import UnitClimb
    from ..likelihood.mixture import Mixture

    begun = time.monotonic()

    def late() -> bool:
        return control.time_budget is not None and time.monotonic() - begun > control.time_budget

    panel = prepared.panel
    climb = UnitClimb(panel, prepared.layout, control.device)
    if start is not None:
        jobs = [(climb.first, start)]
    else:
        _tell(control, "groups with the hidden units where they stand first", begun)
        quiet = replace(control, progress=None, n_starts=control.n_starts or SEED_STARTS)
        first = estimate(Mixture(prepared.layout, panel), panel, quiet)
        seeds = [first.flat, *(o.flat for o in first.search.optima[1:SEEDS] if o.converged and not o.collapsed)]
        rng = np.random.default_rng(control.rng)
        jobs = [(climb.first, flat) for flat in seeds] + [
            (p, seeds[i % len(seeds)]) for i, p in enumerate(_places(climb, _count(climb), rng))]
    with workers():
        tops, tried = _from_places(climb, prepared.layout, jobs, late, lambda w: _tell(control, w, begun))
        best = tops[0]
        for _ in range(ROUNDS):
            own = replace(prepared, layout=best.layout, bases=best.bases)
            _tell(control, f"groups with the hidden units at their best, log-likelihood {best.loglik:.3f}", begun)
            given: dict[str, Any] = {"further" if start is None else "user_starts": best.flat[None]}
            result = estimate(Mixture(own.layout, panel), panel, control, **given)
            here = climb.at(best.at, own.layout, result.flat)
            if here is None or abs(result.loglik - best.loglik) <= SAME or late():
                break
            moved = climb.climb(here, STEPS, TOLERANCE, late)
            if not _is_better(climb, moved, best):
                break
            best = moved
    return FoundUnits(
        own, result, climb.certificate(best if here is None else here), tried,
        sum(p.loglik > best.loglik - SAME and climb.certificate(p).converged for p in tops),
        max(0.0, max(p.loglik for p in tops) - best.loglik), late(), time.monotonic() - begun)


def _is_better(climb: UnitClimb, place: Place, best: Place) -> bool:
    """A maximum is better than what runs on to infinity, and among either the higher is."""
    return (climb.certificate(place).converged, place.loglik) > (climb.certificate(best).converged, best.loglik + SAME)


def units_again(
    panel: Panel, layout: Layout, control: Control, flat: np.ndarray | None, n_starts: int, *, known: bool
) -> tuple[Place, bool]:
    """The best place of the units in data like those of a fit, and whether it is an optimum.

    Parameters
    ----------
    layout : the model with its units where they are to begin with
    flat : (p,) parameters to begin from, or None
    n_starts : starts of the groups besides; with 0 the units move from where they are alone
    known : the units of ``layout`` are those of a fit, and not first places
    """
    from ..compute.threads import workers
    from ..estimation.estimate import estimate
    from ..estimation.hidden_units import UnitClimb
    from ..likelihood.mixture import Mixture

    climb = UnitClimb(panel, layout, control.device)
    seeds = [] if flat is None else [flat]
    if n_starts or flat is None:
        given: dict[str, Any] = {} if flat is None else {"further": flat[None]}
        seeds.append(estimate(Mixture(layout, panel), panel, control, **given).flat)
    rng = np.random.default_rng(control.rng)
    more = PLACES_AGAIN if known else _count(climb)
    jobs = [(climb.first, seed) for seed in seeds]
    jobs += [(place, seeds[-1]) for place in _places(climb, more if n_starts or not known else 0, rng)]
    with workers():
        best = _from_places(climb, layout, jobs, None, lambda _: None)[0][0]
    return best, climb.certificate(best).converged


def _tell(control: Control, what: str, begun: float) -> None:
    if control.progress is not None:
        control.progress(what, time.monotonic() - begun)


def _count(climb: UnitClimb) -> int:
    """Of places to try: more units have more optima."""
    return PLACES + PLACES_PER_UNIT * (climb.first.size // 2)


def _places(climb: UnitClimb, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Other places (d,) of the units: anywhere in the observed times, of any width from a tenth of the range."""
    out = []
    for _ in range(count):
        place = climb.first.copy()
        for part in climb.parts.values():
            n = (part.stop - part.start) // 2
            spread = (np.arange(n) + rng.uniform(size=n)) / n
            place[part] = np.concatenate([2.2 * spread - 1.1, rng.uniform(np.log(0.1), np.log(1.0), n)])
        out.append(climb.clipped(place))
    return out


def _from_places(
    climb: UnitClimb, layout: Layout, jobs: list[tuple[np.ndarray, np.ndarray]], late: Any, tell: Any
) -> tuple[list[Place], int]:
    """Where climbs from the best of all places lead to, maxima first and of them the highest; how many were tried."""
    found: list[Place] = []
    tried = 0
    for at, flat in jobs:
        if found and late is not None and late():
            break
        tried += 1
        tell(f"hidden units from place {tried} of {len(jobs)}")
        start = climb.place(at, layout, flat)
        if start is not None:
            found.append(climb.climb(start, FIRST_STEPS, TOLERANCE, late))
    if not found:
        raise DataError(
            "curve: no place of the hidden units gave a finite log-likelihood.", code="no_finite_start",
            argument="curve", way_out="Give fewer units, or fit polynomials.",
        )
    found.sort(key=lambda p: -p.loglik)
    tell(f"hidden units from the best {CLIMBED_ON} of {len(found)} places")
    found = [climb.climb(p, STEPS, TOLERANCE, late) for p in found[:CLIMBED_ON]]
    return sorted(found, key=lambda p: (climb.certificate(p).converged, p.loglik), reverse=True), tried
