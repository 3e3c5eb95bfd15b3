"""The log density of a weak prior, with its gradient and Hessian, which join those of the log-likelihood.

With alpha pseudo-people in K groups, and means over the observations of all people (:mod:`.pseudo_people`):

    shares    (alpha / K) sum_k mean_i log pi_k(z_i), of a dual model over its J x K pairs of groups
    curves    (alpha / K) sum_k mean_it [y_it eta_k(x_it) - b(eta_k(x_it))], b that of the link: log(1 + e^eta), e^eta,
              and eta^2 / 2 for an outcome in its standard deviations, or the log of a lognormal one; of a gamma
              outcome mean_it -[eta_k(x_it) + y_it exp(-eta_k(x_it))]; of levels mean_it log P_k(y_it), of all their
              curves and the cut points (:mod:`.level_prior`)
    zero      (alpha / K) sum_k mean_it [zeta_k / 2 - log(1 + e^zeta_k)]
    sigma     -(alpha / 2K) sum_k [s^2 / sigma_k^2 + log sigma_k^2], s^2 the variance of all
    psi, rho  half a pseudo-trial on either side of psi / (1 + psi) and of (1 + rho) / 2
    phi       (alpha / 2K) sum_k [log phi_k - phi_k / phi], phi that of all
    tau       alpha log tau for each sd of a random effect (Chung et al. 2013)
    ridge     -sum beta^2 / 2 s^2 on the orthonormal time basis, with 4 s for the intercept
    firth     1/2 log det of the information of the membership logits

All but the last are sums over linear predictors of concave functions, except tau's, which is so on either side of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from ..compute.threads import with_gradients
from ..families import Family
from ..families.random_normal import CORRELATIONS
from ..model.blocks import SCALES
from ..model.layout import Layout
from ..model.outcome import OutcomePart
from ..specification.prior import Prior
from .dual_membership import DualMembership
from .level_prior import LevelTerm
from .membership import Membership
from .pseudo_people import PseudoPeople, reach_of

INTERCEPT = 4.0  # times that the ridge of an intercept is as wide as that of a slope: 10 and 2.5 in Gelman et al. 2008
CURVE_LAWS = {"logit": "trials", "log": "counts", "identity": "squares"}  # of a family's link
Derivatives = tuple[Tensor, Tensor, Tensor]


def _trials(eta: Tensor, y: Tensor, mass: Tensor) -> Derivatives:
    p = torch.sigmoid(eta)
    return y * eta - mass * nn.functional.softplus(eta), y - mass * p, -mass * p * torch.sigmoid(-eta)


def _counts(eta: Tensor, y: Tensor, mass: Tensor) -> Derivatives:
    rate = mass * torch.exp(eta)
    return y * eta - rate, y - rate, -rate


def _squares(eta: Tensor, y: Tensor, mass: Tensor) -> Derivatives:
    return y * eta - 0.5 * mass * eta**2, y - mass * eta, -mass.expand_as(eta)


def _amounts(eta: Tensor, y: Tensor, mass: Tensor) -> Derivatives:
    ratio = y * torch.exp(-eta)
    return -mass * eta - ratio, ratio - mass, -ratio


def _sizes(eta: Tensor, y: Tensor, mass: Tensor) -> Derivatives:
    return y * torch.log(eta.abs()), y / eta, -y / eta**2


LAWS: dict[str, Callable[[Tensor, Tensor, Tensor], Derivatives]] = {
    "trials": _trials, "counts": _counts, "squares": _squares, "sizes": _sizes,
    "amounts": _amounts}


class Term(nn.Module):
    """sum over groups and cells of a law of the linear predictors there.

    Attributes
    ----------
    positions : (G, q) of the groups' coefficients in the flat vector, its size where absent
    columns : (C, q)
    y, mass : (G, C) or (1, C)
    """

    positions: Tensor
    columns: Tensor
    y: Tensor
    mass: Tensor

    def __init__(self, law: str, positions: np.ndarray, columns: np.ndarray, y: np.ndarray, mass: np.ndarray) -> None:
        super().__init__()
        self.law = law
        self.register_buffer("positions", torch.from_numpy(np.ascontiguousarray(positions)))
        for name, values in (("columns", columns), ("y", y), ("mass", mass)):
            values = np.ascontiguousarray(np.atleast_2d(values), dtype=float)
            self.register_buffer(name, torch.from_numpy(values))

    def forward(self, padded: Tensor, gradient: Tensor, hessian: Tensor | None) -> Tensor:
        """Value (B,) at (B, p + 1); adds to ``gradient`` (B, p + 1) and ``hessian`` (B, (p + 1)^2) in place."""
        eta = padded[:, self.positions] @ self.columns.T
        value, slope, bend = LAWS[self.law](eta, self.y, self.mass)
        if hessian is not None:
            gradient.index_add_(1, self.positions.flatten(), (slope @ self.columns).flatten(1))
            local = (bend[..., None, :] * self.columns.T) @ self.columns
            at = self.positions[:, :, None] * padded.shape[1] + self.positions[:, None, :]
            hessian.index_add_(1, at.flatten(), local.flatten(1))
        return value.sum((1, 2))


class LogPrior(nn.Module):
    """Log density of a model's prior.

    Parameters
    ----------
    layout : its specification has the prior
    people : the pseudo-people of each of its parts
    weight : of all people, their sampling weights summed
    """

    weight: Tensor

    @with_gradients()
    def __init__(self, layout: Layout, people: list[PseudoPeople], weight: float) -> None:
        super().__init__()
        prior = layout.spec.prior
        assert prior is not None
        self.size, self.theta, self.n_classes = layout.size, layout.theta, layout.n_groups
        self.people, self.shares, self.firth = weight, 0.0 if prior.firth else prior.shares, prior.firth
        terms = [t for m, own in enumerate(people) for t in _terms(layout, m, own, prior)]
        self.terms = nn.ModuleList([*terms, *_ridge(layout, prior)])
        z, shares = _kinds(layout)
        self.membership = _membership(layout, z)
        self.register_buffer("weight", torch.from_numpy(shares))

    @property
    def extra(self) -> float:
        """Pseudo-people in each class, per weight of the people fitted: what joins them in the M-step of membership."""
        return self.shares / (self.n_classes * self.people)

    def value(self, flat: Tensor) -> Tensor:
        """(B, p) -> log density (B,), up to a constant."""
        return self._at(flat, False)[0]

    def derivatives(self, flat: Tensor) -> Derivatives:
        """(B, p) -> value (B,), gradient (B, p) and Hessian (B, p, p)."""
        return self._at(flat, True)

    def _at(self, flat: Tensor, slopes: bool) -> Derivatives:
        batch, wide = flat.shape[0], self.size + 1
        padded = nn.functional.pad(flat, (0, 1))
        gradient = flat.new_zeros(batch, wide)
        hessian = flat.new_zeros(batch, wide * wide) if slopes else None
        value = flat.new_zeros(batch)
        for term in self.terms:
            value = value + term(padded, gradient, hessian)
        gradient = gradient[:, : self.size]
        second = flat.new_zeros(batch, 0, 0)
        if hessian is not None:
            second = hessian.unflatten(1, (wide, wide))[:, : self.size, : self.size]  # type: ignore[no-untyped-call]
        if self.n_classes == 1:
            return value, gradient, second
        if self.shares:
            own, slope, bend = self.membership.evenly(flat, self.weight * self.shares, slopes)
            value = value + own
            if slopes:
                gradient[:, self.theta] += slope
                second[:, self.theta, self.theta] += bend
        if self.firth:
            own, slope, bend = self._jeffreys(flat, slopes)
            value = value + own
            if slopes:
                gradient, second = gradient + slope, second + bend
        return value, gradient, second

    def _jeffreys(self, flat: Tensor, slopes: bool) -> Derivatives:
        """Half the log determinant of the information that all people's groups would have, were they known."""
        assert isinstance(self.membership, Membership)  # a dual model has no such prior
        gradient, bend = torch.zeros_like(flat), flat.new_zeros(flat.shape[0], self.size, self.size)
        if not slopes:
            information = self.membership.information(flat, self.weight)
            return 0.5 * torch.linalg.slogdet(information)[1], gradient, bend
        with with_gradients():
            at = flat.detach().clone().requires_grad_()
            value = 0.5 * torch.linalg.slogdet(self.membership.information(at, self.weight))[1]
            slope = torch.autograd.grad(value.sum(), at, create_graph=True)[0]  # of each member of the batch
            for j in range(self.theta.start, self.theta.stop):
                bend[:, j] = torch.autograd.grad(slope[:, j].sum(), at, retain_graph=True)[0]
        return value.detach(), slope.detach(), bend


def _terms(layout: Layout, m: int, people: PseudoPeople, prior: Prior) -> Iterator[Term | LevelTerm]:
    """Those of one part of a model."""
    part = layout.parts[m]
    rows = layout.rows_of(layout.spec.set_of(m))
    family = part.family
    if isinstance(part, OutcomePart) and family.has_levels:
        if prior.curves:
            places = {p: (layout.index[m][p][rows], part.columns(p, people.time, people.covariates))
                      for p in family.predictors}
            yield LevelTerm(family, places, prior.curves / len(rows) * people.levels)
        return
    for predictor in family.predictors:
        if predictor == "lag_mean":
            continue
        positions = layout.index[m][predictor][rows]
        here = (positions < layout.size).any(axis=1)
        share = 1.0 / len(rows)
        if predictor in SCALES:
            yield from _scale(predictor, positions[here], share, people, prior.sigma, family)
        elif here.any():
            strength = prior.zero if predictor == "zero" else prior.curves
            columns = part.columns(predictor, people.time, people.covariates)
            law = "trials" if predictor in ("zero", "dropout") else _curve_law(family)
            seen = reach_of(part, people)
            counted = np.ones((1, 1)) if seen is None else seen[here]
            y, mass = (0.5 * people.share, people.share) if predictor == "zero" else (people.y, people.mass)
            if family.of_log:  # which is not in its standard deviations
                y, mass = (part / max(people.variance, 1e-12) for part in (y, mass))
            if strength and y.size:
                counted = strength * share * counted
                yield Term(law, positions[here], columns, counted * y, counted * mass)


def _scale(
    predictor: str, positions: np.ndarray, share: float, people: PseudoPeople, strength: float, family: Family
) -> Iterator[Term]:
    """Of a scale parameter, each of whose groups has ``share`` of the pseudo-people."""
    if not strength or not len(positions):
        return
    half = np.array([[0.5 * strength * share]])
    if predictor == "log_sigma":  # in internal units the variance of all
        yield Term("counts", positions, np.array([[-2.0]]), half, half * max(people.variance, 1e-12))
    elif predictor == "log_phi":
        precision = _precision(family, people)
        yield Term("counts", positions, np.ones((1, 1)), half, half / precision)
    elif predictor == "log_psi":
        yield Term("trials", positions, np.ones((1, 1)), half, 2 * half)
    elif predictor == "tau":  # what holds the curves off infinity holds it
        return
    elif predictor in ("atanh_rho", *CORRELATIONS.values()):
        yield Term("trials", positions, np.array([[2.0]]), half, 2 * half)
    else:
        own = strength * len(np.unique(positions)) / len(positions)  # one that is common to the groups counts once
        yield Term("sizes", positions, np.ones((1, 1)), np.array([[own]]), np.zeros((1, 1)))


def _curve_law(family: Family) -> str:
    if family.is_positive:
        return "squares" if family.of_log else "amounts"
    return CURVE_LAWS[family.link]


def _precision(family: Family, people: PseudoPeople) -> float:
    """phi by the mean and the variance of all, of a positive outcome or of a proportion."""
    variance = max(people.variance, 1e-12)
    scaled = people.mean**2 / variance if family.is_positive else people.mean * (1 - people.mean) / variance - 1
    return max(scaled, 1e-3)


def _ridge(layout: Layout, prior: Prior) -> list[Term]:
    """Of the curves' coefficients, and of the membership covariates'."""
    if prior.ridge is None:
        return []
    out = []
    for m, part in enumerate(layout.parts):
        for predictor in part.family.curve_predictors if isinstance(part, OutcomePart) else ():
            positions = layout.index[m][predictor][layout.rows_of(layout.spec.set_of(m))]
            positions = positions[(positions < layout.size).any(axis=1)]
            out.append(_gaussian(positions, prior.ridge, constant=bool(part.bases[predictor].has_intercept)))
    if layout.membership.width > 1:
        slopes = layout.theta_index[:, 1:]
        out.append(_gaussian(slopes[(slopes < layout.size).any(axis=1)], prior.ridge, constant=False))
    return out


def _gaussian(positions: np.ndarray, sd: float, *, constant: bool) -> Term:
    precision = np.full(positions.shape[1], sd**-2.0)
    if constant:
        precision[0] = (INTERCEPT * sd) ** -2.0
    return Term("squares", positions, np.eye(positions.shape[1]), np.zeros((1, precision.size)), precision)


def _kinds(layout: Layout) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Membership covariates of both sets of groups, (U, R) and (U, r), of the distinct people and their shares (U,)."""
    x = layout.z
    z = np.zeros((1, 0)) if layout.transitions is None else layout.transitions.z
    if len(x) == len(z) == 1 or (len(x) == 1 and not z.shape[1]):
        return (x, z), np.ones(1)
    n = max(len(x), len(z))
    wide = np.hstack([np.broadcast_to(a, (n, a.shape[1])) for a in (x, z)])
    kinds, which = np.unique(wide, axis=0, return_inverse=True)
    shares = np.bincount(which.ravel(), layout.weights)
    first, second = kinds[:, : x.shape[1]], kinds[:, x.shape[1] :]
    return (first if len(x) > 1 else x, second if z.shape[1] else np.zeros((1, 0))), shares


def _membership(layout: Layout, z: tuple[np.ndarray, np.ndarray]) -> Membership | DualMembership:
    first, second = (torch.from_numpy(np.ascontiguousarray(a)) for a in z)
    return DualMembership(layout, first, second) if layout.spec.is_dual else Membership(layout, first)
