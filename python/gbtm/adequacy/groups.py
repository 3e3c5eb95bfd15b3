"""How well the groups are told apart: average posterior probability, odds of correct classification, mismatch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from ..compute.reference_distribution import quantile
from ..constants import SHARED
from ..fit.known_words import judged_on

if TYPE_CHECKING:
    from ..fit.fit import Fit
    from ..record.on_disk import OnDisk

LEAST_AVEPP: float = SHARED["least_avepp"]  # Nagin (2005), Group-Based Modeling of Development, section 5.6
LEAST_OCC: float = SHARED["least_occ"]  # the same
CLEAR_ENTROPY: float = SHARED["clear_entropy"]
SMALL_SHARE: float = SHARED["small_share"]
SHARE_INTERVALS = "Intervals of shares are made on the logit scale; those of summary() are symmetric about the shares."
NOTABLE_MISMATCH: float = SHARED["notable_mismatch"]  # and twice its standard error


def adequacy(res: Fit) -> pd.DataFrame:
    """Adequacy of the classification, group by group (Nagin 2005, section 5.6).

    Returns
    -------
    DataFrame indexed by group (1..K)
        share, share_lower, share_upper : estimated share pi_k and its 95 % interval, made on the logit scale so that
            it stays between 0 and 1 (``group_shares`` has the symmetric one)
        n_assigned : subjects for whom group k is the most probable; a count of people, never weighted
        assigned : their share
        avepp : mean posterior probability P_ik of those assigned to k
        occ : odds of correct classification, [avepp/(1 - avepp)] / [pi_k/(1 - pi_k)]
        mismatch : assigned - pi_k
        mismatch_se : standard error of the mean of 1(assigned to k) - P_ik, which is the mismatch at a maximum;
            the parameters are taken as known

    ``.attrs["notes"]`` says in sentences what these numbers mean and what is missing.

    Notes
    -----
    With sampling weights ``assigned``, ``avepp``, ``mismatch`` and its standard error are weighted, as the shares are.

    Examples
    --------
    >>> import gbtm
    >>> data = gbtm.datasets.two_groups(rng=0)
    >>> res = gbtm.GBTM.from_formula("y ~ t", data=data, id="id", groups=2, order=1).fit(rng=0)
    >>> table = res.adequacy
    >>> bool((table["avepp"] > 0.7).all())
    True
    """
    posterior = res.group_set.posterior
    n = len(posterior)
    given = res.weights
    weight = np.full(n, 1 / n) if given is None else given / np.sum(given)
    mine = (res.assignment.to_numpy()[:, None] == np.asarray(res.group_names)).astype(float)  # (N, K)
    assigned = weight @ mine
    with np.errstate(divide="ignore", invalid="ignore"):
        avepp = np.where(mine.any(axis=0), (weight @ (mine * posterior)) / assigned, np.nan)
    gap = mine - posterior
    spread = np.sqrt((weight**2) @ (gap - weight @ gap) ** 2)
    return _table(res, mine.sum(axis=0), assigned, avepp, spread, weighted=given is not None)


def adequacy_of_sums(res: Fit, sums: OnDisk) -> pd.DataFrame:
    """:func:`adequacy` of a fit of people on disk, from the sums over them that it keeps."""
    n = sums.assigned.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        avepp = np.where(sums.n_assigned > 0, sums.certain / sums.assigned, np.nan)
    # the mean of 1(assigned) - P with the weights themselves, about which squares are taken
    gap = (sums.assigned - sums.posterior) / n
    spread = np.sqrt(np.maximum(sums.gap_squares - 2 * gap * sums.gap + gap**2 * sums.squares, 0.0)) / n
    return _table(res, sums.n_assigned, sums.assigned / n, avepp, spread, weighted=sums.weighted)


def _table(
    res: Fit, n_assigned: np.ndarray, assigned: np.ndarray, avepp: np.ndarray, spread: np.ndarray, *, weighted: bool
) -> pd.DataFrame:
    """The table of :func:`adequacy` from what is counted of people, (K,) each."""
    share, k = res.group_shares["share"].to_numpy(), len(avepp)
    with np.errstate(divide="ignore", invalid="ignore"):
        occ = (avepp / (1 - avepp)) / (share / (1 - share))
    if k == 1:
        occ = np.full(1, np.nan)
    lower, upper = _share_interval(share, res.group_shares["std err"].to_numpy(), res.df_inference)
    table = pd.DataFrame(
        {
            "share": share, "share_lower": lower, "share_upper": upper, "n_assigned": n_assigned.astype(int),
            "assigned": assigned, "avepp": avepp, "occ": occ, "mismatch": assigned - share,
            "mismatch_se": np.full(1, np.nan) if k == 1 else spread,
        },
        index=pd.Index(res.group_names, name="group"),
    )
    about = "" if res.on_disk is not None or k == 1 else judged_on(res)
    table.attrs["notes"] = [*_notes(table, res.entropy, weighted=weighted), *([about] if about else [])]
    return table


def _share_interval(share: np.ndarray, se: np.ndarray, df: float) -> tuple[np.ndarray, np.ndarray]:
    """95 % intervals on the logit scale; NaN where there is no standard error or the share is 0 or 1."""
    inside = (share > 0) & (share < 1) & np.isfinite(se) & (se > 0)
    p = np.where(inside, share, 0.5)
    half = quantile(0.025, df) * se / (p * (1 - p))
    return np.where(inside, expit(logit(p) - half), np.nan), np.where(inside, expit(logit(p) + half), np.nan)


def _notes(table: pd.DataFrame, entropy: float, *, weighted: bool) -> list[str]:
    if len(table) == 1:
        return ["One group: there is no classification to judge, so OCC, mismatch and the share's interval are left "
                "out."]
    notes = [
        f"Relative entropy is {entropy:.2f}; "
        + ("groups are clearly told apart." if entropy >= CLEAR_ENTROPY else
           f"below {CLEAR_ENTROPY:g} many subjects have no clear group: use posterior probabilities, not assignments.")
    ]
    for group, row in zip(table.index.tolist(), table.to_dict("records"), strict=True):
        notes += _about(group, row)
    notes.append(_smallest(table))
    if table["share_lower"].notna().any():
        notes.append(SHARE_INTERVALS)
    no_interval = table.index[table["share_lower"].isna()].tolist()
    if no_interval:
        notes.append(
            f"The data give no standard error for the share of group {_listed(no_interval)}, so no interval either."
        )
    if weighted:
        notes.append("Shares, assigned shares, AvePP and mismatch use the sampling weights; n_assigned counts people.")
    return notes


def _about(group: int, row: Mapping[Any, Any]) -> list[str]:
    """What has to be said of one group."""
    if row["n_assigned"] == 0:
        return [f"Group {group} (estimated share {100 * row['share']:.3g} %) is nobody's most probable group: it has "
                "no AvePP and no OCC. Consider fewer groups."]
    notes, avepp, occ = [], row["avepp"], row["occ"]
    if avepp < LEAST_AVEPP:
        low = f" and its OCC {occ:.1f}, below {LEAST_OCC:g}" if occ < LEAST_OCC else ""
        notes.append(
            f"Group {group}: AvePP is {avepp:.2f}, below {LEAST_AVEPP:g}{low}; those assigned to it may well belong "
            "elsewhere."
        )
    elif occ < LEAST_OCC:
        odds = LEAST_OCC * row["share"] / (1 - row["share"])
        notes.append(
            f"Group {group}: OCC is {occ:.1f}, below {LEAST_OCC:g}, but a large group's OCC is low by construction: "
            f"with a share of {100 * row['share']:.0f} % it would take an AvePP of {odds / (1 + odds):.2f} to reach "
            f"{LEAST_OCC:g}. Its AvePP is {avepp:.2f}; judge it by that."
        )
    elif not np.isfinite(occ):
        notes.append(f"Group {group}: all assigned to it belong to it with probability 1, so its OCC is infinite.")
    gap, se = row["mismatch"], row["mismatch_se"]
    if abs(gap) >= NOTABLE_MISMATCH and abs(gap) > 2 * se:
        notes.append(
            f"Group {group}: {100 * row['assigned']:.1f} % are assigned to it, its estimated share is "
            f"{100 * row['share']:.1f} % (mismatch {100 * gap:+.1f} points, standard error {100 * se:.1f}): counts of "
            "assigned subjects misstate its size."
        )
    return notes


def _smallest(table: pd.DataFrame) -> str:
    share = table["share"]
    group = int(share.to_numpy().argmin()) + 1
    small = (
        f"; below {100 * SMALL_SHARE:g} % a group needs a reason to be kept." if share[group] < SMALL_SHARE else "."
    )
    n = int(table["n_assigned"][group])
    return (
        f"The smallest group is group {group}, with an estimated {100 * share[group]:.1f} % and {n} "
        f"subject{'' if n == 1 else 's'} assigned{small}"
    )


def _listed(groups: list[int]) -> str:
    return ", ".join(str(g) for g in groups)
