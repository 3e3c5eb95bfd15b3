"""What a method makes of step one: weights of people in groups, or a mixture over the groups.

naive            sum_i s_i sum_t A_it v_it
bch              sum_i s_i sum_t b_it v_it, b = A D^-1              Bolck, Croon & Hagenaars 2004; Vermunt 2010
ml               sum_i s_i sum_s A_is log sum_t e^{v_it} D_ts        Vermunt 2010; Bakk, Tekle & Vermunt 2013
two-step         sum_i s_i log sum_t e^{v_it} f_t(y_i)              Bakk & Kuha 2018

v_it is log g_t(o_i), for ml and two-step with log rho_t added; of a membership model it is log rho_t(z_i) alone. In ml
the assignment's weights stand outside the logarithm. Where the group of some people is known, D is that of
:mod:`.information`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .information import Alike, in_cells, reachable, undone

WEIGHTING = ("naive", "bch")
MIXTURES = ("ml", "two-step")


@dataclass(frozen=True, eq=False)
class Evidence:
    """Of the people of step three.

    Attributes
    ----------
    weights : (n, K) of ``naive`` and ``bch``, else None
    log_f : (n, K) of ``two-step``, else None
    d : (K, S) of ``ml``, with ``a`` (n, S) its assignment, else None; S is K but where the group of some is known
    reach : (n, K) the groups that a person may be in, of ``ml`` where that is not all for everybody
    log_pi : (K,) shares of step one
    """

    log_pi: Tensor
    weights: Tensor | None = None
    log_f: Tensor | None = None
    d: Tensor | None = None
    a: Tensor | None = None
    reach: Tensor | None = None

    def mixed(self, v: Tensor) -> Tensor:
        """v (n, K) -> what each person adds to the objective (n,)."""
        if self.log_f is not None:
            return torch.logsumexp(v + self.log_f, dim=1)
        assert self.d is not None
        assert self.a is not None
        v = self._reached(v)
        largest = v.detach().amax(1, keepdim=True)
        inside = torch.exp(v - largest) @ self.d  # (n, S): D may hold zeros, whose logarithm has no derivative
        outside = torch.where(self.a > 0, torch.log(torch.where(self.a > 0, inside, 1.0)), 0.0)
        return (self.a * outside).sum(1) + largest[:, 0] * self.a.sum(1)

    def members(self, v: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """v (n, K) -> p (n, K), the derivatives of :meth:`mixed`, and how p moves along a direction (n, K) of v.

        Of log sum_t e^{v_t} f_t: p_t = e^{v_t} f_t / sum, dp = p (dv - sum_u p_u dv_u). Of sum_s A_s log i_s with
        i_s = sum_t e^{v_t} D_ts: p_t = e^{v_t} sum_s D_ts A_s / i_s, and
        dp_t = p_t dv_t - e^{v_t} sum_s D_ts A_s / i_s^2 sum_u e^{v_u} D_us dv_u.
        """
        if self.log_f is not None:
            p = torch.softmax(v + self.log_f, dim=1)
            ones = p.new_ones(p.shape[1])
            return p, lambda d: p * (d - ((p * d) @ ones)[:, None])
        assert self.d is not None
        assert self.a is not None
        d_ts, v = self.d, self._reached(v)
        e = torch.exp(v - v.amax(1, keepdim=True))
        inside = torch.where(self.a > 0, e @ d_ts, 1.0)
        once = self.a / inside
        twice, p = once / inside, e * (once @ d_ts.T)
        return p, lambda d: p * d - e * ((twice * ((e * d) @ d_ts)) @ d_ts.T)

    def _reached(self, v: Tensor) -> Tensor:
        return v if self.reach is None else v.masked_fill(~self.reach, -torch.inf)


def evidence_of(
    method: str, one_hot: Tensor | None, weight: Tensor, log_f: Tensor, log_pi: Tensor, *, rows: Tensor,
    classes: Sequence[Alike] = (),
) -> Evidence:
    """The evidence of a method, differentiable in all that it is made of.

    Parameters
    ----------
    method : of ``WEIGHTING`` or ``MIXTURES``
    one_hot : (N, K) the modal assignment, which stays as it is; None for proportional
    weight : (N,) sampling weights, with which D is estimated
    log_f, log_pi : (N, K) and (K,) of step one
    rows : (n,) who is in step three
    classes : of people who may be in the same groups, where the group of some is known
    """
    if method == "two-step":
        return Evidence(log_pi, log_f=log_f[rows])
    posterior = torch.softmax(log_f + log_pi, dim=1)
    a = posterior if one_hot is None else one_hot
    if method == "naive":
        return Evidence(log_pi, weights=a[rows])
    weighted = posterior * weight[:, None]
    if classes and method == "bch":
        return Evidence(log_pi, weights=undone(weighted, a, classes)[rows])
    reach = None
    if classes:
        a, reach = in_cells(a, classes), torch.as_tensor(reachable(classes, *a.shape))[rows]
    d = weighted.T @ a / weighted.sum(0)[:, None]
    if method == "ml":
        return Evidence(log_pi, d=d, a=a[rows], reach=reach)
    return Evidence(log_pi, weights=torch.linalg.solve(d.T, a[rows].T).T)
