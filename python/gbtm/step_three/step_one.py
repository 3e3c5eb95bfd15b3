"""What step three needs of step one: densities of the trajectories, shares, and how each person moves the estimates.

Step one's parameters theta enter what follows through log f_t(y_i; theta) and log pi_t(theta) alone. A derivative in
these two, which autograd gives, becomes one in theta by the engine's own derivatives of log f_t.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import logsumexp

from ..data.subjects import Subjects
from .classification import refuse
from .information import Alike, alike

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..likelihood.mixture import Mixture


@dataclass(frozen=True, eq=False)
class StepOne:
    """A fitted trajectory model without membership covariates, as step three sees it.

    Attributes
    ----------
    module : its likelihood
    flat : (p,) its estimates, internal
    log_f : (N, K) log f_t(y_i), and log m_it where something is known of people's groups: -inf where he is not in t
    log_pi : (K,) log of the shares
    group_of : (C,) the group of each class of the likelihood; of a dual model, whose classes are pairs of groups, the
        groups are those of one outcome, and f_t(y) = sum over the classes of t of pi_class / pi_t f_class(y)
    within : (N, C) probability of a class given its group and the data; ones where classes are groups
    log_class_shares : (C,)
    alike : people of like information, where the group of some is known
    influence : (N, p) what each person moves the estimates by, J^-1 s_i d log L_i / d theta
    inverse_information : (p, p), J^-1
    subjects : sampling weights, clusters and strata
    ids : (N,)
    """

    module: Mixture
    flat: np.ndarray
    log_f: np.ndarray
    log_pi: np.ndarray
    influence: np.ndarray
    inverse_information: np.ndarray
    subjects: Subjects
    ids: pd.Index
    group_of: np.ndarray
    within: np.ndarray
    log_class_shares: np.ndarray
    alike: tuple[Alike, ...] = ()

    @classmethod
    def of(cls, fit: Fit, group_set: int = 0) -> StepOne:
        """Step one of a fit; of a dual model ``group_set``, from 0, says which outcome's groups.

        Raises
        ------
        SpecificationError
            ``one_group``; ``membership_covariates`` where posteriors already hold what membership covariates say;
            ``part_of_a_fit``.
        """
        refuse(fit)
        import torch

        from ..compute.threads import workers
        from ..estimation.covariance import covariance, information
        from ..likelihood.derivatives import subject_scores
        from ..record.rebuild import module_of, panel_of

        sizes = fit.spec.set_sizes
        group_of = np.unravel_index(np.arange(int(np.prod(sizes))), sizes)[group_set]
        module, flat, subjects = module_of(fit), fit.internal.params, panel_of(fit).subjects
        with workers():
            at = torch.as_tensor(flat)
            inverse = covariance(information(module, flat), "hessian", fit.nobs).internal
            with torch.no_grad():
                log_f = torch.cat([s.group_loglik(at[None])[0] for s in module.shards], dim=1).T.numpy()
                log_pi = module.log_shares(at[None])[0, :, 0].numpy()
                scores = subject_scores(module, at).numpy()
        known = module.membership.m.numpy() if module.membership.has_known else np.ones(log_f.shape)
        if module.expand is not None:
            log_f, scores, known = log_f[module.expand], scores[module.expand], known[module.expand]
        moved = (scores * subjects.relative_weights[:, None]) @ inverse
        k = sizes[group_set]
        log_group = np.stack([logsumexp(log_pi[group_of == t]) for t in range(k)])
        with np.errstate(divide="ignore"):
            by_class = log_f + np.log(known) + log_pi - log_group[group_of]
        by_group = np.stack([logsumexp(by_class[:, group_of == t], axis=1) for t in range(k)], axis=1)
        possible = np.stack([(known[:, group_of == t] > 0).any(axis=1) for t in range(k)], axis=1)
        within = np.exp(by_class - np.where(possible, by_group, 0.0)[:, group_of])
        return cls(module, flat, by_group, log_group, moved, inverse, subjects, fit.ids, group_of, within, log_pi,
                   alike(possible))

    @property
    def n_groups(self) -> int:
        return self.log_f.shape[1]

    @property
    def weight(self) -> np.ndarray:
        """(N,) sampling weights of mean 1; ones without."""
        return self.subjects.relative_weights

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: people whose group is known."""
        known = np.zeros(len(self.weight), dtype=bool)
        for people in self.alike:
            known[people.people] = len(people.groups) == 1
        return known

    @cached_property
    def posterior(self) -> np.ndarray:
        """(N, K) P_it."""
        joint = self.log_f + self.log_pi
        p = np.exp(joint - joint.max(axis=1, keepdims=True))
        return np.asarray(p / p.sum(axis=1, keepdims=True))

    def in_parameters(self, by_log_f: np.ndarray, by_log_pi: np.ndarray) -> np.ndarray:
        """Derivatives in log f (q, N, K) and in log pi (q, K) -> in theta (q, p)."""
        import torch

        from ..compute.threads import in_order, workers
        from ..likelihood.derivatives import group_scores

        module, at = self.module, torch.as_tensor(self.flat)
        by_class = by_log_f[:, :, self.group_of] * self.within
        total = by_class.sum(axis=1)  # (q, C)
        of_group = np.stack([total[:, self.group_of == t].sum(axis=1) for t in range(self.n_groups)], axis=1)
        share = np.exp(self.log_class_shares - self.log_pi[self.group_of])
        by_log_share = total + share * (by_log_pi - of_group)[:, self.group_of]
        given = torch.as_tensor(by_class).transpose(1, 2)  # (q, C, N)
        if module.expand is not None:
            none = given.new_zeros((*given.shape[:2], module.weight.numel()))
            given = none.index_add(2, torch.as_tensor(module.expand), given)
        ends = np.cumsum([s.weight.numel() for s in module.shards])
        pieces = [(s, given[:, :, e - s.weight.numel() : e]) for s, e in zip(module.shards, ends, strict=True)]

        def block(piece: tuple[Mixture, torch.Tensor]) -> torch.Tensor:
            shard, mine = piece
            _, local = group_scores(shard, at[None])  # (1, K, Q, N)
            own = torch.einsum("jkn,kqn->jkq", mine, local[0])
            return torch.einsum("jkq,kqp->jp", own, shard.select)

        with workers():
            by_shares = torch.autograd.functional.jacobian(  # type: ignore[no-untyped-call]
                lambda x: module.log_shares(x[None])[0, :, 0], at).numpy()
            with torch.no_grad():
                by_curves = torch.stack(in_order(block, pieces)).sum(0).numpy()
        return np.asarray(by_curves + by_log_share @ by_shares)
