"""What each of several outcomes tells about the groups that they share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import comb, logsumexp

from ..checks import check_seed
from ..errors import SpecificationError
from ..fit.outcome_view import prefix_of

if TYPE_CHECKING:
    from ..fit.fit import Fit

DOMINANT = 0.8  # share of the log Bayes factors from which on one outcome is said to make the groups
LITTLE = 0.05  # share of them up to which an outcome is said to say next to nothing


def outcome_contributions(res: Fit, *, refit: bool = False, rng: int = 0) -> pd.DataFrame:
    """What each outcome tells about the groups, at the joint estimates.

    With f_km(i) the density of subject i's values of outcome m in group k, pi_k(z_i) its prior probability and P_ik
    its posterior probability from all outcomes:

    Parameters
    ----------
    refit : fit the model without each outcome, its groups matched to those of the fit by posterior probabilities, in
        place of leaving the outcome out at the joint estimates: other curves may then make other groups
    rng : seed of these fits

    Returns
    -------
    DataFrame indexed by outcome
        people : subjects with a value of the outcome
        observations : its values
        entropy : relative entropy of the posteriors from this outcome alone, pi_k f_km / sum_j pi_j f_jm
        log_bayes_factor : mean over the subjects of sum_k P_ik log f_km - log sum_k pi_k f_km: how much likelier
            the outcome is in the subject's own group than in a group drawn from the prior. Of several outcomes they
            add up to more than all of them have together, as far as they say the same
        share : of the sum of these over the outcomes
        rand_without : adjusted Rand index (Hubert and Arabie 1985, Journal of Classification 2, 193-218) of the most
            probable groups with and without the outcome
        agreement_without : share of the subjects whose most probable group is the same without it

    ``.attrs["entropy"]`` is that of all outcomes together, ``.attrs["notes"]`` says in sentences what the numbers mean.

    Notes
    -----
    Somebody without a value of an outcome has the prior from it. With sampling weights ``log_bayes_factor`` and
    ``agreement_without`` are weighted means; entropies and the Rand index are of the people of the sample, as
    ``res.entropy`` is.

    Raises
    ------
    SpecificationError
        ``one_outcome``, ``part_of_a_fit``; ``one_group``.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> data["noise"] = data["y"].sample(frac=1.0, random_state=0).to_numpy()
    >>> res = gbtm.GBTM.from_formula(["y ~ t", "noise ~ t"], data, id="id", groups=2, order=1).fit(n_starts=4)
    >>> table = res.outcome_contributions()
    >>> bool(table.loc["y", "entropy"] > 0.9 > 0.1 > table.loc["noise", "entropy"])
    True
    """
    check_seed(rng)
    refuse_one_outcome(res)
    if res.n_groups == 1:
        raise SpecificationError(
            "groups: there is one group, which no outcome has anything to tell about.", code="one_group",
            argument="groups", way_out="Fit more groups.",
        )
    prior, densities = _densities(res)
    names, everything = res.outcome_names, prior + sum(densities)
    posterior = _shares(everything)
    weight = np.ones(res.n_subjects) if res.weights is None else res.weights
    rows = []
    for m, (outcome, own) in enumerate(zip(res.outcomes, densities[: len(names)], strict=True)):
        alone = prior + own
        gain = (posterior * own).sum(axis=1) - logsumexp(alone, axis=1)
        without = _refitted(res, m, posterior, weight, rng) if refit else _shares(everything - own)
        mine, others = posterior.argmax(axis=1), without.argmax(axis=1)
        rows.append({
            "people": np.unique(outcome.data.subject).size, "observations": outcome.nobs,
            "entropy": relative_entropy(_shares(alone)), "log_bayes_factor": float(weight @ gain / weight.sum()),
            "rand_without": adjusted_rand(mine, others),
            "agreement_without": float(weight @ (mine == others) / weight.sum()),
        })
    table = pd.DataFrame(rows, index=pd.Index(names, name="outcome"))
    total = table["log_bayes_factor"].sum()
    table.insert(4, "share", table["log_bayes_factor"] / total if total > 0 else np.nan)
    table.attrs = {"entropy": relative_entropy(posterior), "notes": _notes(table, relative_entropy(posterior))}
    return table


def refuse_one_outcome(res: Fit) -> None:
    """An error where there are no other outcomes of the same groups that this one could be held against."""
    if len(res.group_sets) > 1:
        raise SpecificationError(
            f"outcome: {', '.join(res.outcome_names)} have groups of their own, and this compares outcomes of the same "
            "groups.", code="two_group_sets", argument="outcome", way_out="See transitions() and independence().",
        )
    if res.part_of:
        raise SpecificationError(
            f"outcome: {res.outcomes[0].name} is one of {', '.join(res.part_of)}, and this is asked of all of them.",
            code="part_of_a_fit", argument="outcome", way_out="Ask the whole fit.",
        )
    if len(res.outcomes) == 1:
        raise SpecificationError(
            f"outcome: {res.outcomes[0].name} is the only one, and this compares several outcomes of the same groups.",
            code="one_outcome", argument="outcome",
            way_out="Fit them together: GBTM.from_formula(['a ~ t', 'b ~ t'], ..).",
        )


def relative_entropy(posterior: np.ndarray) -> float:
    """1 - sum_ik (-P_ik log P_ik) / (N log K) of probabilities (N, K)."""
    n, k = posterior.shape
    surprise = np.where(posterior > 0, posterior * np.log(np.maximum(posterior, 1e-300)), 0.0)
    return float(1 + surprise.sum() / (n * np.log(k)))


def adjusted_rand(one: np.ndarray, other: np.ndarray) -> float:
    """Hubert and Arabie's index of two partitions (N,), 0 on average by chance and 1 where they are the same."""
    table = pd.crosstab(one, other).to_numpy()
    pairs, rows, columns = (comb(c, 2).sum() for c in (table, table.sum(axis=1), table.sum(axis=0)))
    by_chance = rows * columns / comb(len(one), 2)
    most = (rows + columns) / 2
    return 1.0 if most == by_chance else float((pairs - by_chance) / (most - by_chance))


def _shares(joint: np.ndarray) -> np.ndarray:
    """log pi_k + log f_k (N, K) -> posterior probabilities."""
    return np.exp(joint - logsumexp(joint, axis=1, keepdims=True))


def _densities(res: Fit) -> tuple[np.ndarray, list[np.ndarray]]:
    """log pi_k(z_i) (N, K), and of each outcome, and of dropout where it is modelled, log f_k (N, K) up to a number of
    each subject's own."""
    import torch

    from ..record.rebuild import module_of

    module = module_of(res)
    flat = torch.as_tensor(res.internal.params)[None]
    with torch.no_grad():
        parts = [
            torch.cat([s.cells[m].spread(s.cells[m].terms(s.predictors(flat, m)))[0] for s in module.shards], dim=1)
            for m in range(len(module.cells))
        ]
        shares = torch.cat([s.log_shares(flat)[0].expand(-1, s.weight.numel()) for s in module.shards], dim=1)
    prior, *densities = (
        (x.T if module.expand is None else x.T[module.expand]).cpu().numpy() for x in (shares, *parts))
    return prior, densities


def _refitted(res: Fit, left_out: int, posterior: np.ndarray, weight: np.ndarray, rng: int) -> np.ndarray:
    """Posteriors (N, K) of a fit without an outcome, its groups in the order of the fit of all."""
    import torch

    from ..fit.refit import refit
    from ..likelihood.matching import match_posteriors
    from ..likelihood.mixture import Mixture
    from ..model.layout import make_layout
    from ..record.rebuild import prepared_of

    model = prepared_of(res)
    model.spec.refuse_constraints(
        "refit", "which may name the outcome that is left out.", "Leave refit out: the groups' agreement is then that "
        "of the same estimates.")
    stay = [m for m in range(len(res.outcomes)) if m != left_out]
    spec = replace(model.spec, outcomes=tuple(model.spec.outcomes[m] for m in stay))
    bases = [model.layout.outcomes[m].bases["mean"] for m in stay]
    panel = replace(model.panel, outcomes=tuple(model.panel.outcomes[m] for m in stay))
    seen = np.unique(np.concatenate([m.subject for m in panel.outcomes]))
    some = panel.subset(seen)
    names = make_layout(some, spec, bases).names
    # the one outcome that is left goes without its name
    known = res.params if len(stay) > 1 else res.params.rename(
        index=lambda name: name.removeprefix(prefix_of(res.outcome_names[stay[0]])))
    fit = refit(some, spec, bases, start=known[names].to_numpy(), rng=rng, search={"time_budget": None})
    module = Mixture.near(fit.layout, panel, fit.flat)
    with torch.no_grad():
        found = module.posterior(torch.as_tensor(fit.flat)[None])[0].T.cpu().numpy()
    found = found if module.expand is None else found[module.expand]
    return np.asarray(found[:, match_posteriors(posterior[seen], found[seen], spec, weight[seen])])


def _notes(table: pd.DataFrame, entropy: float) -> list[str]:
    share = dict(zip(table.index.tolist(), table["share"].tolist(), strict=True))
    best = max(share, key=lambda name: share[name])
    listed = ", ".join(f"{name} {e:.2f}" for name, e in table["entropy"].items())
    notes = [f"Relative entropy of all outcomes together is {entropy:.2f}; from one alone: {listed}."]
    if share[best] >= DOMINANT:
        notes.append(
            f"The groups are mostly those of {best}, which has {100 * share[best]:.0f} % of the log Bayes factors: "
            "outcomes with many observations or little noise outweigh others. Nothing is weighted for that."
        )
    for name, part in share.items():
        if part <= LITTLE:
            notes.append(
                f"{name} says next to nothing about the groups ({100 * part:.1f} % of the log Bayes factors); "
                f"whether its curves differ at all: equal_curves(outcome='{name}')."
            )
    return notes
