"""Covariance of the estimates, and which of them have one.

V = A^-1 with A the observed information, the Hessian of the negative log-likelihood in internal (unconstrained,
orthonormal) coordinates: in closed form (:mod:`..likelihood.derivatives`), or by ``torch.autograd.functional.hessian``
where that loses digits or the density is an integral. The delta method takes it to what is reported.

The kinds that are a sandwich are A^-1 B A^-1 with B of :mod:`.score_variance`. ``traj`` multiplies A^-1 by
N_obs / (N_obs - k + 1) as Stata's traj does, or is ``robust`` where there are weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ..compute.determined import determined, sandwich_is_empty
from ..compute.threads import Elsewhere, in_order, with_gradients
from ..data.subjects import Subjects
from ..errors import DataError, SpecificationError
from ..likelihood.derivatives import observed
from ..likelihood.mixture import Mixture
from ..model.layout import Layout
from ..model.random_effects import effects_at_bound
from ..specification.covariance_kinds import kind_named
from .score_variance import score_variance

ROUNDING = 1e-12  # of the largest eigenvalue of the information, below which one may be zero
VERY_WELL_KNOWN = 1e7  # information from which a parameter is taken in smaller units for the arithmetic


@dataclass(frozen=True)
class Covariance:
    """Covariance in internal coordinates.

    Attributes
    ----------
    internal : (p, p), of all directions that have information, however little
    undetermined : (p, d), orthonormal directions that have none
    negative : some eigenvalue of the information is clearly below zero: not a maximum
    by_information : (p, p), the same without the middle of a sandwich; None where it has none
    root : (p, m), the square root of ``internal``: root root' is it. What cancels in a combination of parameters, as a
        weak direction does in the sum of two that run to opposite infinities, cancels in the root before it is squared
    information_root : (p, m), the root of ``by_information``; None where there is none
    """

    internal: np.ndarray
    undetermined: np.ndarray
    negative: bool
    cov_type: str
    by_information: np.ndarray | None = None
    root: np.ndarray | None = None
    information_root: np.ndarray | None = None

    def reported(self, jacobian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Delta method: (r, p) derivative -> covariance (r, r), NaN where not identified, and identified (r,)."""
        identified = self.identified(jacobian) & ~self.without_variance(jacobian)
        cov = jacobian @ self.internal @ jacobian.T
        cov[~identified, :] = np.nan
        cov[:, ~identified] = np.nan
        return cov, identified

    def through(self, map_: np.ndarray) -> Covariance:
        """That of other coordinates, linear in these by ``map_`` (q, p)."""
        def both(v: np.ndarray | None) -> np.ndarray | None:
            return None if v is None else map_ @ v @ map_.T

        def one(v: np.ndarray | None) -> np.ndarray | None:
            return None if v is None else map_ @ v

        return replace(
            self, internal=map_ @ self.internal @ map_.T, undetermined=map_ @ self.undetermined,
            by_information=both(self.by_information), root=one(self.root), information_root=one(self.information_root),
        )

    def without(self, positions: np.ndarray) -> Covariance:
        """The same where nothing is known of the parameters at these positions."""
        if not positions.size:
            return self
        unknown = np.eye(len(self.internal))[:, positions]
        return replace(self, undetermined=np.hstack([self.undetermined, unknown]))

    def without_variance(self, jacobian: np.ndarray) -> np.ndarray:
        """(r, p) -> (r,) bool: what all clusters agree in has a sandwich of zero, and so no standard error."""
        if self.by_information is None:
            return np.zeros(jacobian.shape[0], dtype=bool)
        kinds = (self.internal, self.by_information)
        sandwich, plain = (np.einsum("rp,pq,rq->r", jacobian, v, jacobian) for v in kinds)
        return sandwich_is_empty(sandwich, plain) & self.identified(jacobian)

    def identified(self, jacobian: np.ndarray) -> np.ndarray:
        """(r, p) -> (r,) bool: the variance of the reported quantity is known and not boundless."""
        plain = self.internal if self.by_information is None else self.by_information
        return determined(jacobian, np.einsum("rp,pq,rq->r", jacobian, plain, jacobian), self.undetermined)


@with_gradients()
def information(module: Mixture, flat: np.ndarray) -> np.ndarray:
    """Observed information (p, p) at internal parameters (p,), that of the prior included where there is one."""
    at = torch.as_tensor(flat, dtype=torch.float64, device=module.device)
    found = _by_autograd(module, at) if by_autograd(module) else -observed(module, at[None])[2][0]
    matrix = found.detach().cpu().numpy()
    if not np.isfinite(matrix).all():
        raise DataError(
            "outcome: the log-likelihood has no finite curvature at its optimum.", code="not_finite",
            argument="outcome", way_out="Look for enormous values of the outcome, and give it in other units.",
        )
    return 0.5 * (matrix + matrix.T)


def by_autograd(module: Mixture) -> bool:
    """Densities whose closed Hessian is another approximation (nodes of an integral), or loses digits (tiny sigmas)."""
    return module.by_integral or any(cells.centred for cells in module.cells)


def _by_autograd(module: Mixture, at: torch.Tensor) -> torch.Tensor:
    """The information (p, p) at (p,) from the density alone."""
    def block(shard: Mixture) -> torch.Tensor:
        return torch.autograd.functional.hessian(  # type: ignore[no-untyped-call]
            lambda x: -shard.loglik(x[None])[0], at
        )

    # autograd's many steps gain from threads only where each is long: over rows, not over cells
    long = any(cells.listed for cells in module.cells) or any(isinstance(s, Elsewhere) for s in module.shards)
    parts = in_order(block, module.shards) if long else [block(s) for s in module.shards]
    matrix = torch.stack(parts).sum(0)
    return matrix if module.log_prior is None else matrix - module.log_prior.derivatives(at[None])[2][0]


def resolve(cov_type: str | None, subjects: Subjects, n_parameters: int = 0) -> str:
    """The kind of covariance: what is asked for, else what the data call for.

    Raises
    ------
    SpecificationError
        ``bad_cov_type`` for an unknown kind, clusters asked for where none are named, a correction for leverage where
        there are strata; ``few_people`` for a factor N / (N - k) with no more people than parameters.
    """
    survey = subjects.cluster is not None or subjects.stratum is not None
    if cov_type is None:
        return "cluster" if survey else "robust" if subjects.weights is not None else "hessian"
    kind = kind_named(cov_type)
    if kind.units == "clusters" and not survey:
        raise SpecificationError(
            f"cov_type: '{kind.name}' needs to know the clusters.", code="bad_cov_type", argument="cov_type",
            way_out=f"Name the column with cluster='...', or use cov_type='{kind.of_people}'.",
        )
    if kind.units == "clusters" and kind.leverage and subjects.stratum is not None:
        raise SpecificationError(
            f"cov_type: '{kind.name}' has no definition for clusters within strata.", code="bad_cov_type",
            argument="cov_type", way_out="Use 'cluster', which centres within strata and has t intervals, or 'CR1S'.",
        )
    if kind.few and subjects.n_subjects <= n_parameters:
        raise SpecificationError(
            f"cov_type: '{kind.name}' needs more people than parameters, of which there are {subjects.n_subjects} and "
            f"{n_parameters}.", code="few_people", argument="cov_type",
            way_out=f"Fit fewer parameters, or use '{'cluster' if kind.units == 'clusters' else 'robust'}'.",
        )
    return kind.name


def covariance_at(module: Mixture, flat: np.ndarray, cov_type: str, subjects: Subjects, nobs: int) -> Covariance:
    """The covariance of estimates (p,), of a kind that :func:`resolve` has let through."""
    free = free_directions(module.layout, flat)
    info = within(information(module, flat), free)
    root = covariance(info, "hessian", nobs).root
    assert root is not None
    meat = score_variance(module, flat, cov_type, subjects, root if free is None else free @ root)
    return constrained_covariance(module.layout, flat, info, cov_type, nobs, meat)


def free_directions(layout: Layout, flat: np.ndarray) -> np.ndarray | None:
    """(p, r) orthonormal directions that the constraints, and the bounds at which (p,) lies, leave; None for all."""
    return None if layout.constraints is None else layout.constraints.face(flat)


def within(matrix: np.ndarray, free: np.ndarray | None) -> np.ndarray:
    """A quadratic form (p, p) along directions (p, r)."""
    return matrix if free is None else free.T @ matrix @ free


def constrained_covariance(
    layout: Layout, flat: np.ndarray, info: np.ndarray, cov_type: str, nobs: int, meat: np.ndarray | None
) -> Covariance:
    """:func:`covariance` of all parameters from the information (r, r) along those directions that are free.

    ``meat`` is (p, p), of all.
    """
    free, bounded = free_directions(layout, flat), np.eye(layout.size)[:, effects_at_bound(layout, flat)]
    if free is None:
        return covariance(info, cov_type, nobs, meat, bounded)
    lost = free.T @ bounded
    length = np.linalg.norm(lost, axis=0)
    lost = lost[:, length > 1e-9] / length[length > 1e-9]
    return covariance(info, cov_type, nobs, None if meat is None else within(meat, free), lost).through(free)


def covariance_of_some(
    module: Mixture, flat: np.ndarray, cov_type: str, subjects: Subjects, nobs: int, some: slice
) -> Covariance:
    """That of a maximum over some of the parameters (p,), the others being known.

    Kinds that correct scores for their leverage, which is that of all parameters, are the same without the correction.
    """
    kind = kind_named(cov_type)
    plain = cov_type if not kind.leverage else "cluster" if kind.units == "clusters" else "robust"
    with torch.no_grad():
        at = torch.as_tensor(flat, dtype=torch.float64, device=module.device)[None]
        info = -observed(module, at)[2][0, some, some].cpu().numpy()
    meat = score_variance(module, flat, plain, subjects, np.zeros((flat.size, 0)))
    return covariance(0.5 * (info + info.T), plain, nobs, None if meat is None else meat[some, some])


def covariance(
    info: np.ndarray, cov_type: str, nobs: int, meat: np.ndarray | None = None, bounded: np.ndarray | None = None
) -> Covariance:
    """Invert the information (p, p) in all directions that have any.

    ``meat`` (p, p), from :func:`.score_variance.score_variance`, makes it a sandwich. ``bounded`` (p, b) are
    directions that lead to the boundary of what they can be, where the curvature is no measure of their uncertainty.
    """
    size = info.shape[0]
    units = information_units(np.diag(info))
    values, vectors = np.linalg.eigh(info / np.outer(units, units))
    good = values > ROUNDING * max(values[-1], 1.0) if size else values > 0
    root = vectors[:, good] / np.sqrt(values[good]) / units[:, None]
    internal = (vectors[:, good] / values[good]) @ vectors[:, good].T / np.outer(units, units)
    nothing = vectors[:, ~good]
    if (units > 1).any():
        nothing = np.linalg.qr(nothing / units[:, None])[0]
    by_information, information_root = (None, None) if meat is None else (internal, root)
    if meat is not None:
        internal = internal @ meat @ internal
        spread, axes = np.linalg.eigh(meat)
        root = root @ (root.T @ (axes * np.sqrt(spread.clip(min=0.0))))
    elif cov_type == "traj":
        internal = internal * nobs / (nobs - size + 1)
        root = root * np.sqrt(nobs / (nobs - size + 1))
    negative = bool(size and values[0] < -1e-6 * max(values[-1], 1.0))
    undetermined = nothing if bounded is None else np.hstack([nothing, bounded])
    return Covariance(internal, undetermined, negative, cov_type, by_information, root, information_root)


def information_units(diagonal: np.ndarray) -> np.ndarray:
    """Diagonal of the information (p,) -> units (p,) of the parameters, 1 up to ``VERY_WELL_KNOWN``.

    Of a curve with a tiny sigma the data may know 20 digits more than of the shares. In these units the information has
    eigenvalues close enough to each other that the small ones are right.
    """
    return np.sqrt(np.maximum(diagonal / VERY_WELL_KNOWN, 1.0))
