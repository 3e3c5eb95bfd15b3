"""Traj's ``outcome()`` as the user holds it: with traj's table."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from ..arguments import checked
from ..distal.traj_outcome import TrajOutcome

if TYPE_CHECKING:
    from ..traj_programs.outcome_traj_table import OutcomeTrajTable


@checked
class OutcomeResults(TrajOutcome):
    """A joint fit of trajectories and an outcome regressed on their posterior probabilities, with traj's table."""

    @classmethod
    def of(cls, out: TrajOutcome, excluded: int = 0) -> OutcomeResults:
        """The same, with so many people left out before."""
        return cls(**{**{f.name: getattr(out, f.name) for f in fields(out)}, "excluded": excluded})

    def to_traj(self) -> OutcomeTrajTable:
        """Traj's table with its section on the outcome; ``b`` and ``V`` as traj's e(b) and e(V)."""
        from ..traj_programs.outcome_traj_table import OutcomeTrajTable

        return OutcomeTrajTable(self)
