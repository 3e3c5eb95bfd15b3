"""What the user holds after the fit of a dual model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..arguments import checked
from ..fit.dual_fit import DualFit
from ..fit.outcome_view import number_of, outcome_view
from .results import GBTMResults

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..compute.progress import Progress
    from ..inference.association import IndependenceTest
    from ..traj_programs.dual_traj_table import DualTrajTable


@checked
class DualResults(DualFit, GBTMResults):
    """A fitted dual model: each of two outcomes has groups of its own, those of the second given those of the first.

    What is asked of one set of groups (adequacy, curves, assignment, ..) is asked of ``res.of_outcome(name)``, which is
    a :class:`~gbtm.api.results.GBTMResults` with that outcome's groups.
    """

    def of_outcome(self, outcome: str | int) -> GBTMResults:  # type: ignore[override]
        """One outcome with its own groups, as a fit of its own; see :meth:`gbtm.fit.fit.Fit.of_outcome`."""
        number = number_of(self.outcome_names, outcome)
        return GBTMResults(outcome_view(self.document, number), trust_formula=self.trust_formula)

    def plot(
        self, ax: Axes | None = None, *, outcome: str | int | None = None, grid: bool = False, **options: Any
    ) -> Axes | Figure:
        """See :meth:`gbtm.api.results.GBTMResults.plot`. Groups of the second outcome have other colours than those of
        the first, also where one outcome is drawn alone."""
        if outcome is not None and not grid and options.get("colors") is None:
            from ..figures.style import colors_of_outcome

            options["colors"] = colors_of_outcome(self, number_of(self.outcome_names, outcome))
        return super().plot(ax, outcome=outcome, grid=grid, **options)

    def transitions(
        self, table: str = "conditional", *, at: Mapping[str, float] | None = None, level: float = 0.95
    ) -> pd.DataFrame:
        """Probabilities of the groups given each other, together, and each by itself; see
        :func:`gbtm.inference.transitions.transitions`."""
        from ..inference.transitions import transitions

        return transitions(self, table, at=at, level=level)

    def independence(
        self, *, bootstrap: int | None = None, rng: int = 0, n_jobs: int | None = None,
        progress: Progress | bool | None = None,
    ) -> IndependenceTest:
        """Whether the groups of the two outcomes are independent; see
        :func:`gbtm.inference.association.independence`.

        ``bootstrap`` is a number of draws under independence, for where pairs of groups hold hardly anybody; ``rng``,
        ``n_jobs`` and ``progress`` are those of :func:`gbtm.bootstrap`; see
        :func:`gbtm.resampling.independence.bootstrap_independence`.
        """
        from ..inference.association import independence

        test = independence(self)
        if bootstrap is None:
            return test
        from ..resampling.independence import bootstrap_independence

        drawn = bootstrap_independence(self, bootstrap, rng=rng, n_jobs=n_jobs, progress=progress)
        return test.with_bootstrap(drawn.p_value, drawn.replicates.size, drawn.failures)

    def association(self, *, level: float = 0.95) -> pd.DataFrame:
        """Lift, odds ratios, Cramer's V and kappa; see :func:`gbtm.inference.association.association`."""
        from ..inference.association import association

        return association(self, level=level)

    def to_traj(self, group_order: Any = None) -> DualTrajTable:
        """The fit as Stata's traj would show it: ``.text``, ``.b``, ``.V``, ``.table``.

        ``group_order``, two lists, renames the groups of each outcome first: the k-th entry is the group that becomes
        group k.
        """
        from ..traj_programs.dual_traj_table import DualTrajTable

        return DualTrajTable(self, group_order)

    def two_step(self, table: str = "joint") -> pd.DataFrame:
        """How far a table of the groups moved from that at the curves of the separate fits, whose standard errors take
        these curves as known; see :func:`gbtm.inference.two_step.two_step`."""
        from ..inference.two_step import two_step

        return two_step(self, table)

    def plot_transitions(self, **options: Any) -> Figure:
        """Bars of the conditional probabilities and a heat map of the joint ones; see
        :func:`gbtm.figures.transitions.plot_transitions`."""
        from ..figures.transitions import plot_transitions

        return plot_transitions(self, **options)

    def summary(self) -> Any:
        """Tables in the look of statsmodels; ``print()`` them."""
        from ..fit.summary import dual_summary

        return dual_summary(self, {name: self.of_outcome(name).adequacy for name in self.outcome_names},
                            self.transitions())
