"""One row per model: what model choice looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..constants import SHARED
from ..errors import SpecificationError
from .candidates import Space
from .runner import Fitted

if TYPE_CHECKING:
    from ..api.results import GBTMResults

BY_N = ("bic", "sabic", "caic", "icl")
SMALLER = ("aic", *(f"{name}_{n}" for name in BY_N for n in ("subjects", "observations")))
LARGER = ("traj_aic", "traj_bic_subjects", "traj_bic_observations")  # the choices of AIC and BIC, on traj's scale
CRITERIA = (*SMALLER, *LARGER)
LATER = ("cv_loglik", "cv_se", "blrt_p", "lmr_p")  # filled in when asked for
NUMBERS = ("groups", "groups2")  # the second of dual models only
COLUMNS = (
    "groups", "order", "loglik", "params", *SMALLER, *LARGER, "entropy", "smallest_group", "smallest_n", "avepp_min",
    "occ_min", "mismatch_max", "hits", "starts", "converged", *LATER, "warnings", "seconds", "chosen_by", "flag",
)
DESCENDING = (*LARGER, "loglik", "entropy", "smallest_group", "smallest_n", "avepp_min", "occ_min", "hits", "cv_loglik")


def values_of(res: GBTMResults) -> dict[str, float]:
    """All criteria of a fit, by name."""
    by_n = res.criteria
    out: dict[str, float] = {"aic": by_n["subjects"]["aic"], "traj_aic": by_n["subjects"]["traj_aic"]}
    for name in (*BY_N, "traj_bic"):
        for n in ("subjects", "observations"):
            out[f"{name}_{n}"] = float(by_n[n][name])
    return out


def score(fit: Fitted, criterion: str) -> float:
    """The criterion, smaller for the better; infinite where the fit cannot be chosen."""
    if not fit.usable:
        return float("inf")
    value = values_of(fit.results)[criterion]
    return -value if criterion in LARGER else value


def numbers_in(table: pd.DataFrame) -> list[str]:
    """The columns of the numbers of groups: of dual models two."""
    return [c for c in NUMBERS if c in table]


def row(space: Space, fit: Fitted) -> dict[str, Any]:
    """What is known of one model."""
    out: dict[str, Any] = dict.fromkeys(COLUMNS, float("nan"))
    if fit.candidate.second is not None:
        out["groups2"] = fit.candidate.second
    out.update(
        groups=fit.candidate.n_groups, order=space.shape(fit.candidate), chosen_by="", flag=fit.flag,
        converged=fit.flag == "", warnings=1, hits=0, starts=0, params=0,
    )
    if fit.document is None:
        return out
    from ..adequacy.groups import adequacy

    res, record = fit.results, fit.record
    own = [res] if fit.candidate.second is None else [res.of_outcome(name) for name in res.outcome_names]
    groups = pd.concat([adequacy(part) for part in own])
    out.update(
        values_of(res), loglik=res.llf, params=res.df_model, entropy=res.entropy,
        smallest_group=float(groups["share"].min()), smallest_n=int(groups["n_assigned"].min()),
        avepp_min=_worst(groups["avepp"]), occ_min=_worst(groups["occ"]),
        mismatch_max=float(groups["mismatch"].abs().max()), hits=record.search.optima[0].hits,
        starts=record.search.n_starts, converged=record.certificate.converged,
        warnings=len(res.warnings), seconds=record.seconds,
    )
    return out


def _worst(values: pd.Series) -> float:
    """The smallest; unknown where it is unknown for a group."""
    return float(values.min(skipna=False))


def make_table(rows: Mapping[str, Mapping[str, Any]], later: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Rows by label, with what was computed later and the criteria that choose each model."""
    pairs = any("groups2" in values for values in rows.values())
    columns = [*NUMBERS, *COLUMNS[1:]] if pairs else list(COLUMNS)
    table = pd.DataFrame.from_dict({k: dict(v) for k, v in rows.items()}, orient="index", columns=columns)
    table.index.name = "model"
    for label, criteria in later.items():
        for column, value in criteria.items():
            table.loc[label, column] = value
    counts = (*numbers_in(table), "params", "hits", "starts", "warnings")
    text = ("order", "chosen_by", "flag")
    kinds: dict[str, Any] = {c: float for c in COLUMNS if c not in (*counts, *text, "converged")}
    table = table.astype({**kinds, **dict.fromkeys(counts, int), "converged": bool})
    for criterion, label in choose(table).items():
        chosen_by = str(table.loc[label, "chosen_by"])
        table.loc[label, "chosen_by"] = f"{chosen_by}, {criterion}" if chosen_by else str(criterion)
    return table


def choose(table: pd.DataFrame) -> pd.Series:
    """The best usable model by each criterion: Series criterion -> label; the smaller model of equals.

    ``blrt``, where it was computed: models by number of groups, up to the first whose p is above 0.05.
    """
    usable = table[table["flag"] == ""]
    best: dict[str, str] = {}
    for criterion in (*SMALLER, "cv_loglik"):
        values = usable[criterion].dropna()
        if len(values):
            best[criterion] = str(values.idxmax() if criterion == "cv_loglik" else values.idxmin())
    by_test = _by_blrt(usable)
    if by_test is not None:
        best["blrt"] = by_test
    return pd.Series(best, name="model", dtype=object)


BLRT_LEVEL: float = SHARED["p_level"]


def _by_blrt(usable: pd.DataFrame) -> str | None:
    """The last number of groups that is needed, K against K - 1 rejected one after the other from two groups up."""
    tested = usable[usable["blrt_p"].notna()].drop_duplicates("groups")
    best: str | None = None
    for label, k, p in zip(tested.index, tested["groups"], tested["blrt_p"], strict=True):
        if best is None:
            below = usable[usable["groups"] == k - 1]
            if k != 2 or below.empty:
                return None
            best = str(below.index[0])
        if not p <= BLRT_LEVEL + 1e-12:  # as blrt() itself has it
            break
        best = str(label)
    return best


def sort_table(table: pd.DataFrame, by: str | Sequence[str], ascending: bool | None = None) -> pd.DataFrame:
    """The table with the best first; models that cannot be chosen, and unknown values, last."""
    columns = [by] if isinstance(by, str) else list(by)
    unknown = [c for c in columns if c not in table.columns]
    if unknown or not columns:
        raise SpecificationError(
            f"by: {by!r} is no column of the table.", code="unknown_column", argument="by",
            way_out=f"Use one of {', '.join(table.columns)}.",
        )
    up = [(c not in DESCENDING) if ascending is None else ascending for c in columns]
    ordered = table.sort_values(columns, ascending=up, kind="stable", na_position="last")
    flagged = ordered["flag"] != ""
    return pd.concat([ordered[~flagged], ordered[flagged]])


def weights(values: pd.Series) -> pd.Series:
    """Schwarz (or Akaike) weights exp(-d/2) over their sum, d the difference to the best; smaller is better.

    With BIC they approximate posterior probabilities of the models, all equally probable beforehand (Nagin 2005,
    section 4.3.1).
    """
    present = values.dropna()
    relative = np.exp(-0.5 * (present - present.min()))
    return relative / relative.sum()
