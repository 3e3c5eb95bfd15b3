"""The membership coefficients among the parameters: where they stand, and the shares that they make.

A subject is in one *class*: a group, or of a dual model a pair of groups, that of group j of the first set and group k
of the second being the class j K + k.
"""

from __future__ import annotations

import numpy as np

from ..design.covariate_basis import CovariateBasis
from ..specification.spec import ModelSpec
from .transitions import Transitions


class MembershipLayout:
    """The membership part of a :class:`~gbtm.model.layout.Layout`.

    Attributes
    ----------
    n_groups : classes of subjects: K groups, or J x K pairs
    reference : the group, from 0, whose theta is 0
    membership : basis of the membership covariates of the (first set of) groups
    theta : slice of all membership coefficients
    theta_index : (K, R) positions of those of the (first set of) groups, ``size`` for the reference group
    z, weights : (N, R) internal membership columns and (N,) weights of the subjects that shares average over;
        one row of 1 where there are no membership covariates
    transitions : the second set of groups given the first, of a dual model
    class_groups : (S, C) the group in each set of groups that a class stands for
    """

    spec: ModelSpec
    size: int
    n_groups: int
    reference: int
    membership: CovariateBasis
    theta: slice
    theta_index: np.ndarray
    z: np.ndarray
    weights: np.ndarray
    transitions: Transitions | None
    class_groups: np.ndarray

    def _set_classes(self) -> None:
        self.class_groups = np.stack(np.unravel_index(np.arange(self.spec.n_classes), self.spec.set_sizes))

    def set_orders(self, order: np.ndarray) -> tuple[np.ndarray, ...]:
        """An order of the classes (C,) as one of each set's groups."""
        if self.transitions is None:
            return (order,)
        n_to = self.transitions.n_to
        return order[::n_to] // n_to, order[:n_to] % n_to

    def class_order(self, orders: tuple[np.ndarray, ...]) -> np.ndarray:
        """The inverse of :meth:`set_orders`."""
        if self.transitions is None:
            return orders[0]
        return (orders[0][:, None] * self.transitions.n_to + orders[1]).ravel()

    def rows_of(self, group_set: int) -> np.ndarray:
        """The first class of each group of a set."""
        return np.unique(self.class_groups[group_set], return_index=True)[1]

    def marginal(self, values: np.ndarray, group_set: int, axis: int = -1) -> np.ndarray:
        """What belongs to classes, along ``axis``, summed over those of each group of a set."""
        if self.transitions is None:
            return values
        table = np.moveaxis(values, axis, -1).reshape(*np.moveaxis(values, axis, -1).shape[:-1], *self.spec.set_sizes)
        return np.moveaxis(table.sum(axis=-1 if group_set == 0 else -2), -1, axis)

    def membership_coefficients(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> theta (..., K, R), zeros for the reference group."""
        padded = np.concatenate([flat, np.zeros((*flat.shape[:-1], 1))], axis=-1)
        return padded[..., self.theta_index]

    def set_membership(self, flat: np.ndarray, theta: np.ndarray) -> None:
        """Put theta (..., K, R), known up to a constant of each column, into ``flat`` (..., p), in place."""
        relative = theta - theta[..., self.reference : self.reference + 1, :]
        for g, at in enumerate(self.theta_index):
            if g != self.reference:
                flat[..., at] = relative[..., g, :]

    def set_shares(self, flat: np.ndarray, shares: np.ndarray) -> None:
        """Membership coefficients (in ``flat`` (..., p), in place) for class shares (..., C), without covariates."""
        first = self.marginal(shares, 0)
        theta = np.zeros((*first.shape, self.membership.width))
        theta[..., 0] = np.log(first) / self.membership.mix[0, 0]
        self.set_membership(flat, theta)
        if self.transitions is not None:
            t = self.transitions
            values = np.zeros((*shares.shape[:-1], t.n_to, t.basis.width))
            table = shares.reshape(*shares.shape[:-1], *self.spec.set_sizes)
            values[..., : t.n_from] = np.moveaxis(np.log(table), -1, -2)
            t.set_coefficients(flat, values)

    def split_share(self, flat: np.ndarray, source: np.ndarray, group_set: int, a: int, b: int) -> None:
        """Group b of a set takes half of a's share in ``source`` (p,), and all of what depends on covariates and on
        the other set; in ``flat``, in place."""
        theta = self.membership_coefficients(source).copy()
        if self.transitions is not None:
            values = self.transitions.coefficients(source).copy()
            if group_set == 0:
                values[:, b] = values[:, a]
            else:
                values[a, : self.transitions.n_from] -= np.log(2.0)
                values[b] = values[a]
            self.transitions.set_coefficients(flat, values)
        if group_set == 0:
            theta[a, 0] -= np.log(2.0) / self.membership.mix[0, 0]
            theta[b] = theta[a]
        self.set_membership(flat, theta)

    def shares(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., C) class shares; with membership covariates, their mean over the subjects."""
        return np.einsum("n,...nk->...k", self.weights, self.subject_shares(flat))

    def _first_shares(self, flat: np.ndarray, z: np.ndarray | None = None) -> np.ndarray:
        """(..., p) -> pi (..., N, K) of the (first set of) groups."""
        logits = np.einsum("nr,...kr->...nk", self.z if z is None else z, self.membership_coefficients(flat))
        e = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    def subject_shares(self, flat: np.ndarray) -> np.ndarray:
        """(..., p) -> (..., N, C), by the subjects' covariates."""
        return self._joined(self._first_shares(flat), flat, None)

    def shares_given(self, flat: np.ndarray, risk: np.ndarray, risk2: np.ndarray | None = None) -> np.ndarray:
        """(p,) -> (N, C) for subjects with covariates ``risk`` (N, r) and, of a dual model, ``risk2`` (N, r2)."""
        z = self.membership.internal(risk) if self.membership.width > 1 else np.ones((len(risk), 1))
        second = None
        if self.transitions is not None:
            basis = self.transitions.basis
            second = np.zeros((len(risk), 0)) if risk2 is None else basis.covariates(risk2)
        return self._joined(self._first_shares(flat, z), flat, second)

    def _joined(self, first: np.ndarray, flat: np.ndarray, second: np.ndarray | None) -> np.ndarray:
        if self.transitions is None:
            return first
        table = first[..., None] * self.transitions.conditional(flat, second)
        return table.reshape(*table.shape[:-2], -1)

    def shares_jacobian(self, flat: np.ndarray) -> np.ndarray:
        """(p,) -> (C, p) derivative of the shares."""
        pi = self._first_shares(flat)
        weighted = pi * self.weights[:, None]
        # sum_i w_i (diag pi - pi pi') x z_i, (K, K, R)
        if self.transitions is not None:
            return np.einsum("n,nc,ncp->cp", self.weights, self.subject_shares(flat), self.class_scores(flat))
        slope = -np.einsum("nk,nj,nr->kjr", weighted, pi, self.z)
        slope[np.arange(self.n_groups), np.arange(self.n_groups)] += weighted.T @ self.z
        jac = np.zeros((self.n_groups, self.size + 1))
        jac[:, self.theta_index.ravel()] = slope.reshape(self.n_groups, -1)
        return jac[:, :-1]

    def class_scores_given(self, flat: np.ndarray, risk: np.ndarray, risk2: np.ndarray) -> np.ndarray:
        """:meth:`class_scores` for subjects with covariates (N, r) and (N, r2)."""
        assert self.transitions is not None
        z = self.membership.internal(risk) if self.membership.width > 1 else np.ones((len(risk), 1))
        return self.class_scores(flat, z, self.transitions.basis.covariates(risk2))

    def class_scores(self, flat: np.ndarray, z: np.ndarray | None = None, z2: np.ndarray | None = None) -> np.ndarray:
        """(p,) -> (N, C, p) derivatives of the log of the subjects' class shares, of a dual model."""
        assert self.transitions is not None
        z = self.z if z is None else z
        pi = self._first_shares(flat, z)
        slope = np.eye(pi.shape[1]) - pi[:, None, :]  # (N, J, J): of log pi_j in theta_g
        scores = np.zeros((len(pi), pi.shape[1], self.size + 1))
        for g, at in enumerate(self.theta_index):
            scores[:, :, at] = slope[:, :, g, None] * z[:, None, :]
        given = self.transitions.conditional(flat, z2)
        joined = scores[:, :, None, :-1] + self.transitions.scores(given, self.size, z2)
        return joined.reshape(len(joined), -1, self.size)

    def permute_membership(self, out: np.ndarray, flat: np.ndarray, orders: tuple[np.ndarray, ...]) -> None:
        """Membership coefficients of ``flat`` (..., p) with the groups of each set in another order, into ``out``."""
        self.set_membership(out, self.membership_coefficients(flat)[..., orders[0], :])
        if self.transitions is not None:
            values = self.transitions.coefficients(flat)
            self.transitions.set_coefficients(out, self.transitions.permuted(values, *orders))
