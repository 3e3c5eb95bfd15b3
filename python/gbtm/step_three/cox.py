"""Cox regression on groups that are known with error.

Weighting methods (naive, BCH) solve the score of Breslow's partial likelihood with a row for each person and group,
its weight s_i A_it or s_i b_it; risk sets sum over all of them. Mixtures (ml, two-step) have the full likelihood

    log g_t(o_i) = d_i (log lambda(T_i) + eta_it) - Lambda(T_i) e^eta_it

whose baseline hazard has a jump lambda_j at each event time. Its maximum is found by EM: given who is probably where,
the coefficients are those of the partial likelihood, and lambda_j = d_j / sum over the risk set of s_i p_it e^eta_it.
Newton's steps by conjugate gradients end it, in which the jumps are parameters like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .evidence import Evidence
from .linear_predictor import LinearPredictor
from .problem import Problem, Products, Structure
from .risk_sets import RiskSets
from .root import about_inverse, conjugate_gradients, followed, maximum, no_solution, value_and_score

ROUNDS = 500
NEAR = 1e-5  # change of the coefficients in a round of EM from which Newton takes over
CLOSE = 1e-3  # the same among many people, from where a part of them led to
NEWTON_STEPS = 20
ROUGHLY = 1e-4  # of the residual, to which a step of Newton's is solved: the next one makes up for it
HALVINGS = 20


class CoxStructure(Structure):
    """Parameters: with free shares theta_2.. theta_K, the coefficients, and for mixtures log lambda_1.. lambda_J."""

    def __init__(self, y: np.ndarray, predictor: LinearPredictor, *, mixes: bool, free_shares: bool) -> None:
        self.y, self.predictor, self.mixes, self.risk = y, predictor, mixes, RiskSets(y)
        self.n_shares = predictor.n_groups - 1 if mixes and free_shares else 0

    def part(self, keep: np.ndarray) -> CoxStructure:
        return CoxStructure(self.y[keep], self.predictor.part(keep), mixes=self.mixes, free_shares=self.n_shares > 0)

    def nuisance(self, weight: np.ndarray) -> np.ndarray:
        """Of the logarithm of a jump: how many have the event then."""
        return self.risk.at_events(torch.as_tensor(weight)).numpy() if self.mixes else np.zeros(0)

    @property
    def names(self) -> list[str]:
        return [*(f"theta[{k + 2}]" for k in range(self.n_shares)), *self.predictor.names]

    def objective(self, parameters: Tensor, evidence: Evidence, weight: Tensor) -> Tensor:
        at = self.n_shares + self.predictor.size
        eta = self.predictor(parameters[self.n_shares : at])[:, :, 0]
        if evidence.weights is not None:
            return self.partial(eta, weight[:, None] * evidence.weights)
        return weight @ evidence.mixed(self.log_density(eta, parameters[at:]) + self.log_rho(parameters, evidence))

    def partial(self, eta: Tensor, weights: Tensor) -> Tensor:
        """Breslow's log partial likelihood of eta (n, K) with weights (n, K)."""
        at_risk = self.risk.sums((weights * torch.exp(eta)).sum(1))
        if not bool((at_risk > 0).all()):
            return torch.full((), torch.nan, dtype=eta.dtype) * eta.sum()
        events = self.risk.at_events(weights.sum(1))
        return self.risk.event @ (weights * eta).sum(1) - events @ torch.log(at_risk)

    def log_density(self, eta: Tensor, log_jumps: Tensor) -> Tensor:
        exposed = self.risk.cumulative(torch.exp(log_jumps))
        event = self.risk.event[:, None]
        return event * (log_jumps[self.risk.at_event][:, None] + eta) - exposed[:, None] * torch.exp(eta)

    def log_rho(self, parameters: Tensor, evidence: Evidence) -> Tensor:
        if not self.n_shares:
            return evidence.log_pi
        return torch.log_softmax(torch.nn.functional.pad(parameters[: self.n_shares], (1, 0)), dim=0)

    def start(self, weight: np.ndarray, log_pi: np.ndarray) -> np.ndarray:
        theta = (log_pi - log_pi[0])[1:][: self.n_shares]
        return np.concatenate([theta, np.zeros(self.predictor.size)])

    def curvature_times(self, parameters: np.ndarray, evidence: Evidence, weight: Tensor) -> Products:
        """u (q + J,) -> minus the Hessian of a mixture's objective times u.

        With v the log density and log rho, p = dr/dv of what each person adds, dp = d2r/dv2 dv, L = Lambda e^eta:
        along a direction dv = d (dl + deta) - (dLambda + Lambda deta) e^eta + dlog rho, and the scores
        s (p - rho) of theta, s p (d - L) x of the coefficients, s d - lambda S(s p e^eta) of log lambda move by what
        dp, deta, dLambda, drho and dlambda do to them.
        """
        n_shares, at = self.n_shares, self.n_shares + self.predictor.size
        x = torch.as_tensor(parameters)
        with torch.no_grad():
            log_jumps, log_rho = x[at:], self.log_rho(x, evidence)
            jumps, rho, eta = torch.exp(log_jumps), torch.exp(log_rho), self.predictor(x[n_shares:at])[:, :, 0]
            hazard, exposed, event = torch.exp(eta), self.risk.cumulative(jumps)[:, None], self.risk.event[:, None]
            member, moves = evidence.members(self.log_density(eta, log_jumps) + log_rho)
            s_p, residual, of_person = weight[:, None] * member, event - exposed * hazard, weight[:, None]
            at_risk_of, ones = s_p * hazard, torch.ones_like(rho)
            at_risk = self.risk.sums(at_risk_of @ ones)

        @torch.no_grad()
        def times(u: np.ndarray) -> np.ndarray:
            d = torch.as_tensor(u)
            theta = torch.nn.functional.pad(d[:n_shares], (1, 0)) if n_shares else torch.zeros_like(rho)
            d_log_rho, d_eta = theta - rho @ theta, self.predictor(d[n_shares:at])[:, :, 0]
            moved = d_eta * exposed
            moved.add_(self.risk.cumulative(jumps * d[at:])[:, None]).mul_(hazard)
            d_v = d_eta + d[at:][self.risk.at_event][:, None]
            d_v.mul_(event).sub_(moved).add_(d_log_rho)
            d_s_p = moves(d_v).mul_(of_person)
            of_shares = d_s_p.T @ torch.ones_like(weight) - weight.sum() * rho * d_log_rho
            d_at_risk = self.risk.sums((at_risk_of * d_eta).addcmul_(d_s_p, hazard) @ ones)
            of_jumps = -jumps * (d[at:] * at_risk + d_at_risk)
            of_slopes = self.predictor.gathered(d_s_p.mul_(residual).sub_(moved.mul_(s_p))[:, :, None])
            return -torch.cat([of_shares[1:][:n_shares], of_slopes, of_jumps]).numpy()

        return times


def cox_estimates(problem: Problem) -> np.ndarray:
    """The parameters that solve a problem of Cox regression, the jumps of mixtures among them.

    Raises
    ------
    DataError
        ``no_solution``.
    """
    structure = problem.structure
    assert isinstance(structure, CoxStructure)
    plain = CoxStructure(structure.y, structure.predictor, mixes=False, free_shares=False)
    assignment = "proportional" if problem.method == "two-step" else problem.assignment
    naive = replace(problem, structure=plain, method="naive", assignment=assignment)
    evidence, weight = naive.evidence(), torch.as_tensor(problem.weight)
    start, _ = maximum(lambda x: plain.objective(x, evidence, weight), np.zeros(structure.predictor.size))
    if problem.method == "naive":
        return start
    if problem.method == "bch":
        return followed(problem, start)
    return _Mixture(problem, structure, problem.evidence(), weight).solved(start, None)


def cox_from_near(problem: Problem, near: np.ndarray) -> np.ndarray:
    """The same of a mixture, from shares and coefficients that are close."""
    structure, evidence, weight = problem.structure, problem.evidence(), torch.as_tensor(problem.weight)
    assert isinstance(structure, CoxStructure)
    log_rho = structure.log_rho(torch.as_tensor(near), evidence)
    return _Mixture(problem, structure, evidence, weight, CLOSE).solved(near[structure.n_shares :], log_rho)


@dataclass(frozen=True, eq=False)
class _Mixture:
    problem: Problem
    structure: CoxStructure
    evidence: Evidence
    weight: Tensor
    near: float = NEAR

    def solved(self, coefficients: np.ndarray, log_rho: Tensor | None) -> np.ndarray:
        """From coefficients, and shares where they are known better than step one's."""
        at, rest = self._em(coefficients, log_rho), self.structure.nuisance(self.problem.weight)
        roughly = None
        for _ in range(NEWTON_STEPS):
            _, score = value_and_score(self._objective, at)
            times = self.structure.curvature_times(at, self.evidence, self.weight)
            if roughly is None:
                roughly = about_inverse(times, len(self.structure.names), rest)
            step = conjugate_gradients(times, score, roughly, ROUGHLY)
            gain = float(score @ step)
            at = at + step
            if not np.isfinite(at).all():
                break
            if gain < 1e-14 * (1 + float(self.weight.sum())):
                return np.asarray(at)
        raise no_solution()

    def _objective(self, x: Tensor) -> Tensor:
        return self.structure.objective(x, self.evidence, self.weight)

    def _em(self, coefficients: np.ndarray, log_rho: Tensor | None) -> np.ndarray:
        s, n_shares = self.structure, self.structure.n_shares
        beta, columns = torch.as_tensor(coefficients), self._columns()
        log_rho = self.evidence.log_pi if log_rho is None else log_rho
        p, _ = self.evidence.members(log_rho.expand(len(s.y), -1))
        for _ in range(ROUNDS):
            weights = self.weight[:, None] * p
            known = beta
            beta = self._partial_step(columns, weights, beta)
            with torch.no_grad():
                eta = s.predictor(beta)[:, :, 0]
                jumps = s.risk.at_events(self.weight) / s.risk.sums((weights * torch.exp(eta)).sum(1))
                p, _ = self.evidence.members(s.log_density(eta, torch.log(jumps)) + log_rho)
                if n_shares:
                    log_rho = torch.log((self.weight[:, None] * p).sum(0) / self.weight.sum())
            if float((beta - known).abs().max()) < self.near:
                break
        theta = (log_rho - log_rho[0])[1:][:n_shares].numpy()
        return np.concatenate([theta, beta.numpy(), torch.log(jumps).numpy()])

    def _columns(self) -> list[Tensor]:
        """What each coefficient is multiplied by, q of (n, K)."""
        return [self.structure.predictor(unit)[:, :, 0] for unit in torch.eye(self.structure.predictor.size).double()]

    def _partial_step(self, columns: list[Tensor], weights: Tensor, beta: Tensor) -> Tensor:
        """A step of Newton's up the partial likelihood, which is concave in beta for weights above 0.

        With r = weights e^eta, S the sums over risk sets and H_i = sum over the event times u that i is at risk at of
        d_u / S_u(r): score = sum x (w d - r H), information = sum x x' r H - sum_u d_u m_u m_u', with
        m_u = S_u(x r) / S_u(r).
        """
        s = self.structure
        with torch.no_grad():
            eta = s.predictor(beta)[:, :, 0]
            at_risk_of = weights * torch.exp(eta)
            at_risk, events = s.risk.sums(at_risk_of.sum(1)), s.risk.at_events(weights.sum(1))
            expected = at_risk_of * s.risk.cumulative(events / at_risk)[:, None]
            residual = weights * s.risk.event[:, None] - expected
            score = torch.stack([(x * residual).sum() for x in columns])
            mean = torch.stack([s.risk.sums((x * at_risk_of).sum(1)) for x in columns], dim=1) / at_risk[:, None]
            flat = torch.stack([x.reshape(-1) for x in columns], dim=1)
            information = (flat * expected.reshape(-1, 1)).T @ flat - (mean * events[:, None]).T @ mean
            step = torch.linalg.lstsq(information, score[:, None]).solution[:, 0]
            before = s.partial(eta, weights)
            for _ in range(HALVINGS):
                if bool(s.partial(s.predictor(beta + step)[:, :, 0], weights) >= before - 1e-12 * before.abs()):
                    return beta + step
                step = step / 2
        return beta
