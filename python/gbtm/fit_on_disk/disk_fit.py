"""What a fit of people on disk says of them: tables from sums."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from ..data.output_names import apart
from ..families.levels import refuse_without_mean
from ..fit.criteria import criteria
from ..fit.fit import Fit
from ..fit.predictions import below_each_other
from ..record.on_disk import OnDisk
from ..record.shares import share_table


class DiskFit(Fit):
    """A :class:`.fit.Fit` whose document has sums over people, and nothing of each of them."""

    @property
    def sums(self) -> OnDisk:
        """The document's ``on_disk``."""
        assert self.on_disk is not None
        return self.on_disk

    @property
    def n_assigned(self) -> pd.Series:
        """As :attr:`.fit.Fit.n_assigned`."""
        return pd.Series(self.sums.n_assigned.astype(int), index=pd.Index(self.group_names, name="group"))

    @cached_property
    def group_shares(self) -> pd.DataFrame:
        """As :attr:`.fit.Fit.group_shares`."""
        return share_table(self.group_set, self.df_inference, self.sums.n_assigned / self.n_subjects)

    @cached_property
    def entropy(self) -> float:
        """As :attr:`.fit.Fit.entropy`."""
        if self.n_groups == 1:
            return float("nan")
        return float(1 - self.sums.uncertainty / (self.n_subjects * np.log(self.n_groups)))

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """As :attr:`.fit.Fit.criteria`."""
        sizes = {"subjects": self.n_subjects, "observations": self.nobs}
        return criteria(self.llf, self.df_model, sizes, self.sums.weighted_uncertainty)

    @cached_property
    def observed_means(self) -> pd.DataFrame:
        """As :attr:`.fit.Fit.observed_means`."""
        if len(self.outcomes) > 1:
            return below_each_other({name: self.of_outcome(name).observed_means for name in self.outcome_names})
        refuse_without_mean(self.outcome.spec.traits, "observed_means")
        s, (time,) = self.sums, apart([self.time_name], ["group", "mean", "weight"])
        return pd.DataFrame({
            "group": np.repeat(np.arange(1, self.n_groups + 1), s.waves.size), time: np.tile(s.waves, self.n_groups),
            "mean": s.means.T.ravel(), "weight": s.mass.T.ravel(),
        })
