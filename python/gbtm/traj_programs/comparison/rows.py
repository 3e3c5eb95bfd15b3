"""The rows of a traj table, whoever printed it: what each stands for, told from its word and its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

POWERS = {"intercept": 0, "linear": 1, "quadratic": 2, "cubic": 3, "quartic": 4, "quintic": 5}
# kind of a row without a label -> kinds of the row above whose group it shares; what is not here is common to all
CONTINUES = {
    "mean": ("mean",), "covariate": ("mean", "covariate"), "zero": ("zero",), "drop": ("drop",),
    "drop_covariate": ("drop", "drop_covariate"), "random": ("random",), "theta": ("theta",),
}


@dataclass(frozen=True)
class Row:
    """One estimate.

    Attributes
    ----------
    group : the group, or None for what all groups share
    label : the group as printed; ``1|2`` in joint models
    parameter : the word, such as ``Linear``
    kind : "mean", "covariate", "zero", "sigma", "phi", "rho", "random", "drop", "drop_covariate", "outcome",
        "share" (percent) or "theta"
    unit, se_unit : one unit of the last printed digit; 0 for numbers with all their digits
    outcome : 0, 1, .. in models of several outcomes
    """

    group: int | None
    label: str
    parameter: str
    kind: str
    estimate: float
    se: float = float("nan")
    t: float = float("nan")
    p: float = float("nan")
    unit: float = 0.0
    se_unit: float = 0.0
    outcome: int = 0

    @property
    def power(self) -> int:
        """Power of time of a row of kind "mean" or "zero"."""
        word = self.parameter.lower()
        return POWERS[word] if word in POWERS else int(word.removeprefix("alpha") or 0)


def kind_of(word: str, section: str, above: Row) -> str:
    """What a row stands for.

    Parameters
    ----------
    section : "curves", "membership" or "outcome", by the headings above
    above : the row printed before
    """
    low = word.lower()
    if section == "outcome":
        return "outcome"
    if word == "(%)":
        return "share"
    if section == "membership" or low in ("baseline", "constant"):
        return "theta"
    if low in POWERS:
        return "mean"
    for kind, pattern in (
        ("zero", r"alpha\d*"), ("sigma", r"sigma\d*"), ("phi", r"phi\d*|psi\d*"), ("rho", r"rho\d*"),
        ("random", r"r\d+sigma"), ("drop", r"drop\d"),
    ):
        if re.fullmatch(pattern, low):
            return kind
    return "drop_covariate" if above.kind in ("drop", "drop_covariate") else "covariate"


def continues(kind: str, above: Row) -> bool:
    """A row of this kind without a label belongs to the group of the row above."""
    return above.kind in CONTINUES.get(kind, ())
