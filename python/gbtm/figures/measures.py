"""What the fit-criteria figure shows: its panels, what they draw, which direction is better."""

from __future__ import annotations

from dataclasses import dataclass

from ..constants import SHARED

P_LEVEL, LEAST_SHARE, LEAST_AVEPP, LEAST_OCC = (
    SHARED[name] for name in ("p_level", "small_share", "least_avepp", "least_occ")
)
SMALLER, LARGER = "smaller is better", "larger is better"
N_NAMES = {"subjects": "n = subjects", "observations": "n = observations"}
SERIES = {"blrt_p": "bootstrap LRT", "lmr_p": "LMR"}


@dataclass(frozen=True)
class Measure:
    """One small panel.

    Attributes
    ----------
    columns : of the table, drawn together
    says : small print under the name: what is better
    own : the line joins the models that are best by this very column; else the models that are best by the criterion
        the figure is made for
    threshold : rule of thumb, a dotted line
    error : column with a standard error
    log : drawn on a log scale
    span : the axis spans at least this much, so that noise in the fourth digit does not look like a finding
    floor, ceiling : the axis does not go far beyond
    trivial : with one group it has the same value whatever the data
    """

    name: str
    columns: tuple[str, ...]
    says: str = SMALLER
    own: bool = True
    threshold: float | None = None
    error: str | None = None
    log: bool = False
    span: float = 0.0
    floor: float | None = None
    ceiling: float | None = None
    trivial: bool = False


def _pair(name: str, stem: str) -> Measure:
    return Measure(name, (f"{stem}_subjects", f"{stem}_observations"))


MEASURES = {
    "bic": _pair("BIC", "bic"), "sabic": _pair("Sample-size adjusted BIC", "sabic"), "caic": _pair("CAIC", "caic"),
    "icl": _pair("ICL-BIC", "icl"), "aic": Measure("AIC", ("aic",)),
    "loglik": Measure("Log-likelihood", ("loglik",), LARGER, own=False),
    "cv_loglik": Measure(
        "Cross-validated log-likelihood", ("cv_loglik",), f"{LARGER}; bars: one standard error", error="cv_se"
    ),
    "p": Measure(
        "p, K against K \u2212 1 groups", ("blrt_p", "lmr_p"), f"small speaks for K; dotted: {P_LEVEL:g}",
        own=False, threshold=P_LEVEL, span=0.1, floor=0, ceiling=1,
    ),
    "entropy": Measure("Relative entropy", ("entropy",), LARGER, own=False, span=0.1, floor=0, ceiling=1, trivial=True),
    "smallest_group": Measure(
        "Share of the smallest group", ("smallest_group",), f"dotted: {LEAST_SHARE:g}", own=False,
        threshold=LEAST_SHARE, span=0.1, floor=0, ceiling=1, trivial=True,
    ),
    "avepp_min": Measure(
        "Lowest AvePP of a group", ("avepp_min",), f"{LARGER}; dotted: {LEAST_AVEPP:g}", own=False,
        threshold=LEAST_AVEPP, span=0.1, floor=0, ceiling=1, trivial=True,
    ),
    "occ_min": Measure(
        "Lowest OCC of a group", ("occ_min",), f"{LARGER}; dotted: {LEAST_OCC:g}", own=False, threshold=LEAST_OCC,
        log=True, trivial=True,
    ),
    "mismatch_max": Measure(
        "Largest mismatch of a group", ("mismatch_max",), SMALLER, own=False, span=0.02, floor=0, trivial=True
    ),
}


def is_larger_better(column: str) -> bool:
    return column in ("loglik", "cv_loglik", "entropy", "avepp_min", "occ_min") or column.startswith("traj_")


def criterion_name(criterion: str) -> str:
    """``bic_subjects`` as "BIC (n = subjects)"."""
    stem, _, n = criterion.rpartition("_")
    name = next((m.name for key, m in MEASURES.items() if key == (stem if n in N_NAMES else criterion)), None)
    if n in N_NAMES:
        return f"{name or stem.replace('_', ' ')} ({N_NAMES[n]})"
    return name or criterion.replace("_", " ")
