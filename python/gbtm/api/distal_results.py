"""A distal outcome as the user holds it: with its pictures."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..arguments import checked
from ..distal.distal_result import DistalResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@checked
class DistalResults(DistalResult):
    """A distal outcome within the groups of a fit."""

    @classmethod
    def of(cls, out: DistalResult) -> DistalResults:
        """The same."""
        return cls(**{f.name: getattr(out, f.name) for f in fields(out)})

    def plot(self, **options: Any) -> Axes:
        """Each group's number with its interval beside the naive one; see :mod:`gbtm.figures.distal_groups`."""
        from ..figures.distal_groups import plot_distal

        return plot_distal(self, **options)

    def plot_survival(self, **options: Any) -> Axes:
        """Corrected survival curves by group; see :mod:`gbtm.figures.distal_groups`."""
        from ..figures.distal_groups import plot_survival

        return plot_survival(self, **options)
