"""A table as it is printed: text in every cell, a caption, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from .numbers import DASH, format_frame

HEADINGS = {
    "share": "Share (%)", "share_lower": "Lower (%)", "share_upper": "Upper (%)", "n_assigned": "n assigned",
    "assigned": "Assigned (%)", "avepp": "AvePP", "occ": "OCC", "mismatch": "Mismatch (points)",
    "mismatch_se": "SE of mismatch", "loglik": "Log-lik.", "params": "Params", "aic": "AIC",
    "bic_subjects": "BIC (subjects)", "bic_observations": "BIC (obs.)", "sabic_subjects": "SABIC (subjects)",
    "sabic_observations": "SABIC (obs.)", "caic_subjects": "CAIC (subjects)", "caic_observations": "CAIC (obs.)",
    "icl_subjects": "ICL (subjects)", "icl_observations": "ICL (obs.)", "traj_aic": "traj's AIC",
    "traj_bic_subjects": "traj's BIC (subjects)", "traj_bic_observations": "traj's BIC (obs.)", "entropy": "Entropy",
    "smallest_group": "Smallest group (%)", "smallest_n": "Smallest n", "avepp_min": "Lowest AvePP",
    "occ_min": "Lowest OCC", "mismatch_max": "Largest mismatch (points)", "hits": "Hits", "starts": "Starts",
    "cv_loglik": "CV log-lik.", "cv_se": "SE of CV", "blrt_p": "BLRT p", "lmr_p": "LMR p", "chosen_by": "Best by",
    "std err": "SE", "P>|z|": "p", "P>|t|": "p", "missing_share": "Missing (%)", "groups": "Groups", "group": "Group",
    "orders": "Orders", "warnings": "Warnings", "converged": "Converged", "lower": "Lower", "upper": "Upper",
    "estimate": "Estimate", "term": "Term", "flag": "Cannot be chosen",
}


@dataclass(frozen=True)
class Table:
    """Attributes
    ----------
    cells : DataFrame of text, its index not shown; columns are the headings
    numeric : which columns hold numbers
    caption : what the table is about
    notes : sentences below it
    strong : position of a row to be set in bold
    """

    cells: pd.DataFrame
    numeric: tuple[bool, ...]
    caption: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)
    strong: int | None = None


def table_of(
    frame: pd.DataFrame, *, caption: str = "", notes: Iterable[str] = (), index: bool = True,
    kinds: Mapping[Any, str] | None = None, digits: Mapping[str, int] | None = None,
    headings: Mapping[Any, str] | None = None, gap: str | None = None, strong: int | None = None,
) -> Table:
    """A DataFrame made ready to be printed.

    Parameters
    ----------
    frame : columns with several levels are joined by a space
    index : whether the index becomes the leading columns
    kinds, digits : see :func:`gbtm.tables.numbers.format_frame`
    headings : what to print above a column instead of its name
    gap : why a cell holds no value; added to the notes where there is such a cell
    """
    frame = frame.copy()
    if isinstance(frame.columns, pd.MultiIndex):
        frame.columns = [" ".join(str(level) for level in c if str(level)) for c in frame.columns]
    if index:
        names = [n if n is not None else ("" if frame.index.nlevels == 1 else f"level {i}")
                 for i, n in enumerate(frame.index.names)]
        frame.index.names = names
        frame = frame.reset_index(names=names) if not set(names) & set(frame.columns) else frame.reset_index(drop=True)
    cells, numeric = format_frame(frame.reset_index(drop=True), kinds, digits)
    cells.columns = [str((headings or {}).get(c, HEADINGS.get(str(c), str(c)))) for c in frame.columns]
    shown_notes = [n for n in notes if n]
    if (cells == DASH).to_numpy().any():
        shown_notes.append(f"{DASH}: {gap}" if gap else f"{DASH}: no value.")
    return Table(cells, tuple(numeric), caption, tuple(shown_notes), strong)
