"""A search as text: the table in a width that fits a page, and the sentences."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd

from .words import name_of

WIDTH = 100
COLUMNS = {
    "loglik": ("loglik", 2), "params": ("k", 0), "bic_subjects": ("BIC(N)", 2), "bic_observations": ("BIC(NT)", 2),
    "icl_subjects": ("ICL(N)", 2), "entropy": ("entropy", 2), "smallest_group": ("small %", 1),
    "avepp_min": ("AvePP", 2), "occ_min": ("OCC", 1), "cv_loglik": ("CV loglik", 2), "blrt_p": ("BLRT p", 3),
    "lmr_p": ("LMR p", 3),
}
MARKS = {
    "aic": "A", "bic_subjects": "B", "bic_observations": "b", "sabic_subjects": "S", "sabic_observations": "s",
    "caic_subjects": "C", "caic_observations": "c", "icl_subjects": "I", "icl_observations": "i", "cv_loglik": "X",
    "blrt": "T",
}


def summary_text(table: pd.DataFrame, sentences: Sequence[str]) -> str:
    """The main columns of a sorted table, what the marks stand for, and the sentences."""
    shown = pd.DataFrame(index=table.index)
    for column, (head, digits) in COLUMNS.items():
        values = table[column] * (100 if column == "smallest_group" else 1)
        if values.notna().any():
            shown[head] = [f"{v:.{digits}f}" if pd.notna(v) else "" for v in values]
    shown["hits"] = [f"{h:.0f}/{n:.0f}" if n else "" for h, n in zip(table["hits"], table["starts"], strict=True)]
    shown["warn"] = [f"{v:.0f}" if v else "" for v in table["warnings"]]
    marks = [_marks(text, bool(flag)) for text, flag in zip(table["chosen_by"], table["flag"], strict=True)]
    shown["best by"] = [m.ljust(max(map(len, marks), default=0)) for m in marks]
    used = [f"{mark} {name_of(c)}" for c, mark in MARKS.items() if any(mark in m for m in marks)]
    key = "Best by: " + "; ".join(used) + "." if used else ""
    note = "N: subjects, NT: observations. AvePP, OCC: of the worst group. hits: starts that reached the optimum."
    aside = ["x: cannot be chosen."] if any("x" in m for m in marks) else []
    shown.index.name = None
    text = [*filter(None, [key]), " ".join([note, *aside]), "", *sentences]
    return "\n".join([shown.to_string(), "", *(textwrap.fill(line, WIDTH) for line in text)])


def _marks(chosen_by: str, flagged: bool) -> str:
    criteria = {c.strip() for c in chosen_by.split(",")}
    return "".join(mark for c, mark in MARKS.items() if c in criteria) + ("x" if flagged else "")
