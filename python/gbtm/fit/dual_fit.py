"""A dual model's fit: two sets of groups, the second given the first. A reading of the fit document, no torch here."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..arguments import checked
from ..data.output_names import apart
from ..errors import SpecificationError
from ..record.dual_record import DualRecord
from ..record.shares import share_table
from .criteria import uncertainty
from .fit import Fit

if TYPE_CHECKING:
    from ..model.layout import Layout

PAIR = ["group1", "group2"]


@checked
class DualFit(Fit):
    """What a fit document says of a dual model: group j of the first outcome, group k of the second.

    Each outcome by itself, with its own groups, is ``res.of_outcome(name)``; what is asked of one set of groups is
    asked of that.
    """

    @property
    def pairs(self) -> DualRecord:
        """The pairs of groups."""
        assert self.dual is not None
        return self.dual

    @property
    def set_sizes(self) -> tuple[int, int]:
        """Numbers of groups (J, K)."""
        return self.group_sets[0].n_groups, self.group_sets[1].n_groups

    @property
    def n_groups(self) -> int:
        """Number of pairs of groups, J x K; the numbers of groups are ``set_sizes``."""
        first, second = self.set_sizes
        return first * second

    @property
    def group_names(self) -> list[int]:
        raise SpecificationError(
            "group: a dual model has two sets of groups.", code="two_group_sets", argument="group",
            way_out=f"Ask it of one outcome, res.of_outcome('{self.outcomes[0].name}').",
        )

    @property
    def pair_names(self) -> pd.MultiIndex:
        """The pairs (1, 1), (1, 2), .., (2, 1), .."""
        first, second = self.set_sizes
        return pd.MultiIndex.from_product([range(1, first + 1), range(1, second + 1)], names=PAIR)

    @property
    def class_names(self) -> pd.Index:
        """The pairs of groups."""
        return self.pair_names

    @property
    def class_shares(self) -> pd.Series:
        """Joint shares of the pairs of groups."""
        return pd.Series(self.pairs.shares, index=self.pair_names, name="share")

    @cached_property
    def layout(self) -> Layout:
        """Where each parameter stands, and the shares that they make."""
        from ..record.rebuild import layout_of

        return layout_of(self)

    @cached_property
    def group_shares(self) -> pd.DataFrame:
        """Shares of each outcome's groups, in all, with standard errors, 95 % intervals and the share assigned."""
        tables = {
            name: share_table(s, self.df_inference) for name, s in zip(self.outcome_names, self.group_sets, strict=True)
        }
        return pd.concat(tables, names=["outcome"])

    @property
    def _uncertainty(self) -> np.ndarray:
        """Entropy (N,) of each subject's posterior of the pairs."""
        return uncertainty(self.pairs.posterior)

    @cached_property
    def posterior(self) -> pd.DataFrame:
        """Probability of each pair of groups (N, J x K), indexed by the user's ids; those of one outcome's groups are
        ``res.of_outcome(name).posterior``."""
        return pd.DataFrame(self.pairs.posterior, index=self._subjects, columns=self.pair_names)

    @cached_property
    def assignment(self) -> pd.DataFrame:  # type: ignore[override]
        """Most probable group of each outcome, and most probable pair, of each subject.

        Returns
        -------
        DataFrame (N, 4): ``group1`` and ``group2``, by the probabilities of each outcome's groups; ``pair1`` and
        ``pair2``, the most probable pair, which need not be the same two
        """
        first, second = (s.posterior.argmax(axis=1) + 1 for s in self.group_sets)
        pair = self.pairs.posterior.argmax(axis=1)
        one, other = np.unravel_index(pair, self.set_sizes)
        columns = {"group1": first, "group2": second, "pair1": one + 1, "pair2": other + 1}
        return pd.DataFrame(columns, index=self._subjects)

    @property
    def _subjects(self) -> pd.Index:
        return self.ids.rename(apart([self.id_name], [*PAIR, "pair1", "pair2", "group", "outcome"])[0])

    @cached_property
    def out_of_sample(self) -> pd.DataFrame:
        """Probability of each pair of groups of the subjects that were scored but not fitted."""
        held = self.pairs.out_of_sample
        ids = pd.Index(self.document["out_of_sample_ids"] or [], name=self.id_name)
        return pd.DataFrame(np.zeros((0, self.n_groups)) if held is None else held, index=ids, columns=self.pair_names)

    @property
    def entropies(self) -> pd.Series:
        """Relative entropy of each outcome's groups and of the pairs, 1 for a perfect classification.

        traj prints that of the first outcome's groups alone.
        """
        alone: dict[str, float] = {name: self.of_outcome(name).entropy for name in self.outcome_names}
        return pd.Series({**alone, "pairs": self.entropy}, name="entropy")
