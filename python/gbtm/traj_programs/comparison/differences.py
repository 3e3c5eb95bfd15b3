"""Two sides held together number by number: what agrees, and by how much the rest differs.

Printed numbers are rounded: a difference that rounding can make is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .matching import Line
from .printout import Printout
from .rescale import Rescaled
from .rows import Row
from .side import Side

ESTIMATE = 0.01  # standard errors; traj stops climbing a little below the summit
ERROR = 1e-3  # relative
LOGLIK = 0.0055  # half a unit of the second decimal, and what an early stop costs
HALF = 0.5 * (1 + 1e-6)
WORKED_OUT = {"": 0.0, "AIC": 0.0, "BIC": 0.0005}


@dataclass(frozen=True)
class Held:
    """One parameter, both sides held together.

    ``converted`` is on the printout's scale; ``fitted`` as in the fit. ``same`` and ``same_se`` are None where there is
    nothing to hold against: no partner, no standard error on one side, or a family in which the number means something
    else (``comparable`` is False).
    """

    line: Line
    converted: Row | None
    fitted: Row | None
    comparable: bool = True

    @property
    def paired(self) -> tuple[Row, Row] | None:
        """Our row and theirs, where they can be held together."""
        converted, printed = self.converted, self.line.printed
        return (converted, printed) if converted is not None and printed is not None and self.comparable else None

    @property
    def printed(self) -> Row | None:
        return self.line.printed

    @cached_property
    def yardstick(self) -> float:
        """Standard error that differences are counted in: ours, else the printed one."""
        for row in (self.converted, self.printed):
            if row is not None and np.isfinite(row.se) and row.se > 0:
                return row.se
        return float("nan")

    @cached_property
    def gap(self) -> float:
        """Ours minus theirs, in standard errors; NaN where one is missing."""
        if self.paired is None:
            return float("nan")
        away = self.paired[0].estimate - self.paired[1].estimate
        return away / self.yardstick if np.isfinite(self.yardstick) else (0.0 if self.rounded else float("nan"))

    @cached_property
    def rounded(self) -> bool:
        """The printed digits are ours, rounded."""
        if self.paired is None:
            return False
        return abs(self.paired[0].estimate - self.paired[1].estimate) <= HALF * self.paired[1].unit + 1e-12

    @cached_property
    def same(self) -> bool | None:
        if self.paired is None or (self.unidentified and not self.rounded):
            return None
        return self.rounded or abs(self.gap) <= ESTIMATE

    @property
    def unidentified(self) -> bool:
        """The fit gives no standard error for it, because the data do not determine it."""
        return self.converted is not None and not np.isfinite(self.converted.se)

    @cached_property
    def se_ratio(self) -> float:
        """Their standard error over ours."""
        if self.paired is None or not self.paired[0].se > 0 or not self.paired[1].se > 0:
            return float("nan")
        return self.paired[1].se / self.paired[0].se

    @cached_property
    def se_rounded(self) -> bool:
        """The printed digits of the standard error are ours, rounded."""
        if self.paired is None or not np.isfinite(self.paired[0].se + self.paired[1].se):
            return False
        return abs(self.paired[0].se - self.paired[1].se) <= HALF * self.paired[1].se_unit + 1e-12

    @cached_property
    def same_se(self) -> bool | None:
        if self.paired is None or not np.isfinite(self.paired[0].se + self.paired[1].se):
            return None
        return self.se_rounded or abs(self.se_ratio - 1) <= ERROR


@dataclass(frozen=True)
class Differences:
    """All that is held together: two sides, their lines, and what follows from them.

    Attributes
    ----------
    pairs : our group -> their group
    rescaled : the change of scale that explains them, or None
    apart : codes of the sentences that say why the two likelihoods are not of one model
    """

    ours: Side
    theirs: Side
    printed: Printout
    pairs: dict[int, int]
    rescaled: Rescaled | None
    held: tuple[Held, ...]
    apart: tuple[str, ...] = ()

    @cached_property
    def gain(self) -> float | None:
        """Our log-likelihood minus theirs, on their scale; None where theirs is not known."""
        if self.ours.loglik is None or self.theirs.loglik is None:
            return None
        moved = self.rescaled.loglik_moves if self.rescaled else 0.0
        return self.ours.loglik + moved - self.theirs.loglik

    @property
    def same_loglik(self) -> bool | None:
        if self.gain is None:
            return None
        allowed = LOGLIK + WORKED_OUT[self.theirs.worked_out]
        if self.rescaled and self.rescaled.scale.factor != 1:
            allowed = float("inf")  # part of the change of scale, and checked there
        return abs(self.gain) <= allowed

    @cached_property
    def same_model(self) -> bool:
        """Every parameter of one side has its partner on the other, and nothing else tells the models apart."""
        paired = all(h.paired is not None for h in self.held)
        return self.printed.kind == "single" and paired and not self.apart

    @cached_property
    def same_data(self) -> bool:
        """Sizes agree as far as they are printed."""
        sizes = ((self.ours.n_subjects, self.theirs.n_subjects), (self.ours.nobs, self.theirs.nobs))
        return all(theirs is None or ours == theirs for ours, theirs in sizes)

    @cached_property
    def same_estimates(self) -> bool:
        return self.same_model and all(h.same is not False for h in self.held)

    @cached_property
    def same_errors(self) -> bool:
        return all(h.same_se is not False for h in self.held)

    @property
    def same_optimum(self) -> bool:
        return self.same_estimates and self.same_loglik is not False and self.same_data

    @property
    def agree(self) -> bool:
        """Log-likelihood, estimates and standard errors agree as printed, on one scale."""
        return self.same_optimum and self.same_errors and self.rescaled is None
