"""Where the hidden units of network curves lie.

Given the units, tanh((t - location) / width) are columns of time like those of a spline, and the log-likelihood is
maximised over all else, the parameters x, as ever. What is left is L(u), the height of that maximum as a function of
the units' coordinates u. Its gradient needs no derivative of the inner maximum (the envelope theorem):

    dL/du_j = sum_k b_kh sum_c (d loglik / d eta_kc) d tanh_h(t_c) / du_j

which is b_kh times the derivative of the log-likelihood in the coefficient, zero here, of a further column: the tangent
of unit h. With the second derivatives of the units as columns too, the Hessian in x and u together follows in the same
way, of any family, and both are climbed at once by damped Newton steps within the bounds of u.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..compute.damped_newton import DAMPING_FLOOR, damped_step
from ..data.panel import Panel
from ..design.network_basis import HiddenUnits, Span, network_basis, units_of
from ..design.time_basis import TimeBasis
from ..errors import SpecificationError
from ..likelihood.derivatives import observed
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from .collapse import SIGMA_FLOOR, collapsing
from .newton import em, newton

EM_STEPS, INNER_STEPS, INNER_TOLERANCE = 10, 8, 1e-8  # before the units move
DAMPING_START, DAMPING_MOST = 1e-3, 1e8
STALLED, LITTLE = 15, 1e-3  # steps that gained so little
FOLLOWING = 3  # steps in the parameters after each in both
LONGEST = 0.4  # step of a coordinate
AT_BOUND = 1e-6
NOTHING_TO_GAIN = 1e-5  # decrement

Late = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Place:
    """The model with its units at one place.

    Attributes
    ----------
    at : (d,) coordinates of all units, see :meth:`gbtm.design.network_basis.Span.bounds`
    layout : with the columns of these units
    flat : (p,) internal parameters
    gradient, hessian : (p + d,), (p + d, p + d) of the log-likelihood in the parameters and the coordinates, the
        coefficients of the user's columns standing still when a unit moves
    """

    at: np.ndarray
    layout: Layout
    flat: np.ndarray
    loglik: float
    gradient: np.ndarray
    hessian: np.ndarray

    @property
    def bases(self) -> tuple[TimeBasis, ...]:
        """Of each outcome's mean."""
        return tuple(p.bases["mean"] for p in self.layout.outcomes)


@dataclass(frozen=True)
class UnitsCertificate:
    """That the units are where the log-likelihood is highest.

    Attributes
    ----------
    gradient : largest absolute slope of the log-likelihood in a coordinate that is not at a bound
    smallest_eigenvalue : of the negative Hessian in these coordinates, of the log-likelihood maximised over all else;
        None where all are at bounds
    decrement : log-likelihood that a Newton step in units and parameters would still gain
    at_bound : number of coordinates at a bound: a unit that turns between two waves, or is a straight line
    converged : there is nothing to gain
    """

    gradient: float
    smallest_eigenvalue: float | None
    decrement: float
    at_bound: int
    converged: bool


class UnitClimb:
    """The log-likelihood as a function of the parameters and of the units of all outcomes that have them.

    Parameters
    ----------
    panel : the people to fit, prepared
    layout : the model with its units where they are to begin with
    """

    def __init__(self, panel: Panel, layout: Layout, device: str = "cpu") -> None:
        self.panel, self.device, self.spec = panel, device, layout.spec
        self.given = tuple(p.bases["mean"] for p in layout.outcomes)
        self.which = [m for m, o in enumerate(self.spec.outcomes) if o.curve is not None]
        self.spans = {m: Span.of(panel.outcomes[m].time) for m in self.which}
        sizes = [2 * _units(self.given[m]).location.size for m in self.which]
        ends = np.cumsum([0, *sizes])
        self.parts = {m: slice(a, b) for m, a, b in zip(self.which, ends[:-1], ends[1:], strict=True)}
        bounds = [b for m, size in zip(self.which, sizes, strict=True) for b in self.spans[m].bounds(size // 2)]
        self.low, self.high = np.array(bounds).T
        self.first = self.coordinates(self.given)

    def coordinates(self, bases: Sequence[TimeBasis]) -> np.ndarray:
        """(d,) of the units of bases, within bounds."""
        at = np.concatenate([self.spans[m].coordinates(_units(bases[m])) for m in self.which])
        return self.clipped(at)

    def clipped(self, at: np.ndarray) -> np.ndarray:
        """Coordinates (d,) within bounds."""
        return np.clip(at, self.low, self.high)

    def bases(self, at: np.ndarray, tangents: bool = False) -> tuple[TimeBasis, ...]:
        """Of each outcome's mean, with units at coordinates (d,).

        Raises
        ------
        SpecificationError
            Where two units make one column.
        """
        made = list(self.given)
        for m in self.which:
            units = self.spans[m].units(at[self.parts[m]])
            made[m] = network_basis(self.panel.outcomes[m].time, units, tangents)
        return tuple(made)

    def place(self, at: np.ndarray, layout: Layout, flat: np.ndarray) -> Place | None:
        """Units at ``at`` (d,), with parameters climbed to from the curves of a model with other units; None where the
        units make no curves, or nothing was found."""
        try:
            own = layout.on_columns(self.bases(at))
        except SpecificationError:
            return None
        module = Mixture(own, self.panel).to(self.device)
        start = torch.as_tensor(self._nearest(layout, flat, own), device=module.device)[None]
        done = newton(module, em(module, start, EM_STEPS)[0], steps=INNER_STEPS, tolerance=INNER_TOLERANCE)
        return self.at(at, own, done.flat[0].cpu().numpy())

    def at(self, at: np.ndarray, layout: Layout, flat: np.ndarray) -> Place | None:
        """Units at ``at`` (d,), whose columns ``layout`` has, and parameters (p,); None where these have no finite
        log-likelihood, or a sigma near zero."""
        if layout.has("log_sigma") and bool(collapsing(layout, torch.as_tensor(flat)[None], SIGMA_FLOOR)[0]):
            return None
        value, gradient, hessian = self.derivatives(at, layout, flat)
        if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return None
        return Place(at, layout, flat, value, gradient, hessian)

    def _nearest(self, layout: Layout, flat: np.ndarray, own: Layout) -> np.ndarray:
        """Parameters (p,) of one model in another that has other columns of time: the curves nearest to its own."""
        moves = {}
        for m in self.which:
            old, new = layout.outcomes[m].bases["mean"], own.outcomes[m].bases["mean"]
            times = self.panel.outcomes[m].time
            distinct, count = np.unique(times, return_counts=True)
            x = new.internal(distinct)  # orthonormal over the observations
            moves[m] = x.T @ ((count / times.size)[:, None] * old.internal(distinct))
        out = np.zeros(own.size)
        for before, after in zip(layout.blocks, own.blocks, strict=True):
            values = flat[before.entries]
            if before.predictor == "mean" and before.outcome in moves:
                move = moves[before.outcome]
                values = np.concatenate([move @ values[: move.shape[1]], values[move.shape[1] :]])
            out[after.entries] = values
        return out

    def derivatives(self, at: np.ndarray, layout: Layout, flat: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood, its gradient (p + d,) and its Hessian (p + d, p + d), see :class:`Place`."""
        wide = layout.on_columns(self.bases(at, tangents=True))
        kept, padded = np.zeros(layout.size, dtype=np.int64), np.zeros(wide.size)
        curves = []
        for block, more in zip(layout.blocks, wide.blocks, strict=True):
            values, entries = flat[block.entries], np.arange(more.start, more.start + more.width)
            if block.predictor == "mean" and block.outcome in self.which:
                basis = layout.outcomes[block.outcome].bases["mean"]
                n, extra = basis.width, 5 * (basis.width - 1)
                further = entries[n : n + extra]
                curves.append((self.parts[block.outcome], block.start, basis.to_user[1:], values[:n], further))
                entries = np.delete(entries, np.s_[n : n + extra])
            kept[block.entries], padded[entries] = entries, values
        module = Mixture(wide, self.panel).to(self.device)
        value, slope, bend = (
            t[0].cpu().numpy() for t in observed(module, torch.as_tensor(padded, device=module.device)[None]))
        p, d = layout.size, at.size
        # derivative of the wide parameters in the parameters and coordinates
        jacobian = np.zeros((wide.size, p + d))
        jacobian[kept, np.arange(p)] = 1.0
        second = np.zeros((p + d, p + d))
        for part, start, to_user, values, entries in curves:
            h = to_user.shape[0]
            b = to_user @ values
            of_unit = [p + part.start + np.arange(h), p + part.start + h + np.arange(h)]  # locations, log widths
            columns = entries.reshape(5, h)
            for coordinate, tangent in zip(of_unit, columns[:2], strict=True):
                jacobian[tangent, coordinate] = b
                mixed = to_user.T * slope[tangent]  # (n, h)
                own = np.arange(start, start + to_user.shape[1])
                second[np.ix_(own, coordinate)] += mixed
                second[np.ix_(coordinate, own)] += mixed.T
            for i, j, column in ((0, 0, 2), (0, 1, 3), (1, 0, 3), (1, 1, 4)):
                second[of_unit[i], of_unit[j]] += b * slope[columns[column]]
        return float(value), jacobian.T @ slope, jacobian.T @ bend @ jacobian + second

    def moved(self, place: Place, step: np.ndarray, inner: int = 0) -> Place | None:
        """Along a step (p + d,), the coefficients of the user's columns standing still as the units move; and on by so
        many ``inner`` steps in the parameters, from there or from the nearest curves, whichever leads higher.

        Far out a unit is an exponential, whose height and location are one: a valley so narrow and bent that steps in
        both at once are short. It is none where the parameters follow.
        """
        p = place.flat.size
        at = self.clipped(place.at + step[p:])
        try:
            layout = place.layout.on_columns(self.bases(at))
        except SpecificationError:
            return None
        flat = place.flat + step[:p]
        out = flat.copy()
        for block in layout.blocks:
            if block.predictor == "mean" and block.outcome in self.which:
                old, new = (x.outcomes[block.outcome].bases["mean"].to_user for x in (place.layout, layout))
                own = slice(block.start, block.start + len(new))
                out[own] = np.linalg.solve(new, old @ flat[own])
        if inner:
            module = Mixture(layout, self.panel).to(self.device)
            starts = np.stack([out, self._nearest(place.layout, place.flat, layout)])
            done = newton(
                module, torch.as_tensor(starts, device=module.device), steps=inner, tolerance=INNER_TOLERANCE)
            out = done.flat[int(torch.argmax(torch.nan_to_num(done.loglik, nan=-torch.inf)))].cpu().numpy()
        return self.at(at, layout, out)

    def free(self, place: Place) -> np.ndarray:
        """Positions, among parameters and coordinates, of all that can move up: coordinates at a bound that are pushed
        against it cannot."""
        slope = place.gradient[place.flat.size :]
        stuck = ((place.at <= self.low + AT_BOUND) & (slope <= 0)) | ((place.at >= self.high - AT_BOUND) & (slope >= 0))
        return np.concatenate([np.arange(place.flat.size), place.flat.size + np.flatnonzero(~stuck)])

    def _step(self, place: Place, free: np.ndarray, damping: float) -> tuple[np.ndarray, float, float]:
        """Newton's step (p + d,), the damping it took, and what it promises to gain."""
        x = np.concatenate([place.flat, place.at])[free]
        found, used = damped_step(
            torch.from_numpy(place.hessian[np.ix_(free, free)])[None], torch.from_numpy(place.gradient[free])[None],
            torch.tensor([damping], dtype=torch.float64), torch.from_numpy(x)[None])
        step = np.zeros(place.gradient.size)
        step[free] = found[0].numpy()
        return step, float(used[0]), float(0.5 * step @ place.gradient)

    def climb(self, place: Place, steps: int, tolerance: float, late: Late | None = None) -> Place:
        """Up from a place by Newton's method in parameters and units, until a step promises less than ``tolerance``."""
        damping, p, before = DAMPING_START, place.flat.size, -np.inf
        for i in range(steps):
            if i % STALLED == STALLED - 1:
                if place.loglik < before + LITTLE:  # on the way to infinity
                    break
                before = place.loglik
            step, used, gain = self._step(place, self.free(place), damping)
            arrived = gain < tolerance and used <= 10 * DAMPING_START
            if arrived or used > DAMPING_MOST or (late is not None and late()):
                break
            step *= min(1.0, LONGEST / max(float(np.abs(step[p:]).max(initial=0.0)), 1e-300))
            found = self.moved(place, step, FOLLOWING)
            if found is not None and found.loglik > place.loglik:
                place, damping = found, max(used / 10, DAMPING_FLOOR)
            else:
                damping = max(10 * used, DAMPING_START)
        return place

    def certificate(self, place: Place) -> UnitsCertificate:
        """What is known of a place where a climb ended."""
        p, free = place.flat.size, self.free(place)
        units = free[free >= p]
        information = -place.hessian
        smallest = None
        if units.size:
            inner = np.linalg.lstsq(information[:p, :p], information[:p, units], rcond=1e-12)[0]
            smallest = float(np.linalg.eigvalsh(information[np.ix_(units, units)] - information[units, :p] @ inner)[0])
        decrement = self._step(place, free, DAMPING_FLOOR)[2]
        return UnitsCertificate(
            gradient=float(np.abs(place.gradient[units]).max(initial=0.0)), smallest_eigenvalue=smallest,
            decrement=decrement, at_bound=place.at.size - units.size,
            converged=decrement < NOTHING_TO_GAIN and (smallest is None or smallest > 0),
        )


def _units(basis: TimeBasis) -> HiddenUnits:
    units = units_of(basis)
    assert units is not None
    return units
