"""A fit: a reading of the fit document in numpy and pandas. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..arguments import checked
from ..checks import check_level
from ..compute.reference_distribution import letter, p_label, quantile, two_sided
from ..data.output_names import apart
from ..errors import SpecificationError
from ..findings.data_checks import Finding
from ..record.document import save
from ..record.fit_record import FitRecord
from ..record.shares import share_table
from .criteria import criteria, uncertainty
from .curves import Curves
from .outcome_view import number_of, outcome_view
from .predictions import below_each_other, fitted_values, observed_means, predictions

if TYPE_CHECKING:
    from typing_extensions import Self


@checked
class Fit(FitRecord):
    """What a fit document says of a fitted group-based trajectory model.

    The user holds a :class:`~gbtm.api.results.GBTMResults`, which adds the methods that need other rooms.

    Parameters
    ----------
    document : the fit document, as made by a fit or read by :func:`gbtm.load`
    trust_formula : expressions of the document that are code may be run

    Notes
    -----
    Parameters are in the user's time and units. Standard errors are NaN where the data do not determine a parameter;
    ``warnings`` says which and why.
    """

    def like(self, document: dict[str, Any]) -> Self:
        """Another fit as this one is: with the same methods, and no more trusted."""
        return type(self)(document, trust_formula=self.trust_formula)

    def of_outcome(self, outcome: str | int) -> Self:
        """One outcome of a fit of several, as a fit of its own: its curves, observations and parameters.

        Groups, shares, posteriors, log-likelihood and start report stay those of all outcomes together. Whatever is
        asked of one outcome is asked of this: ``res.of_outcome("bmi").plot()``.

        Parameters
        ----------
        outcome : its name, or its number from 1

        Raises
        ------
        SpecificationError
            ``unknown_outcome``.
        """
        number = number_of(self.outcome_names, outcome)
        return self if len(self.outcomes) == 1 else self.like(outcome_view(self.document, number))

    @property
    def outcome_names(self) -> list[str]:
        """Names of the outcomes."""
        return [o.name for o in self.outcomes]

    def with_findings(self, findings: Sequence[Finding]) -> Self:
        """The fit with further findings in front of its own."""
        return self.like({**self.document, "warnings": [*map(asdict, findings), *self.document["warnings"]]})

    def __repr__(self) -> str:
        families = ", ".join(o.family for o in self.outcomes)
        groups = " x ".join(map(str, self.spec.set_sizes))
        return (
            f"<{type(self).__name__}: {families}, {groups} groups, {self.n_subjects} subjects, {self.nobs} "
            f"observations, log-likelihood {self.llf:.4f}{'' if self.prior is None else ' at MAP estimates'}>"
        )

    # -- size and shape ----------------------------------------------------------------------------------------

    @property
    def family(self) -> str:
        return self.outcome.family

    @property
    def n_groups(self) -> int:
        return self.group_set.n_groups

    @property
    def nobs(self) -> int:
        """Number of observations (not of subjects)."""
        return int(self.document["nobs"])

    @property
    def df_model(self) -> int:
        """Number of free parameters k: those with names, but for what constraints take away, and of hidden units."""
        return (len(self.names) if self.constraints is None else self.constraints.n_free) + self.spec.n_of_units

    @property
    def group_names(self) -> list[int]:
        return list(range(1, self.n_groups + 1))

    @property
    def class_names(self) -> pd.Index:
        """What a subject can be in: the groups, and of a dual model the pairs of groups."""
        return pd.Index(self.group_names, name="group")

    @property
    def class_shares(self) -> pd.Series:
        """Shares of :attr:`class_names`."""
        return self.group_shares["share"]

    # -- estimates ---------------------------------------------------------------------------------------------

    @cached_property
    def params(self) -> pd.Series:
        """Estimates, named, in the user's time and units."""
        return pd.Series(self.document["params"], index=self.names, name="estimate", dtype=float)

    @cached_property
    def bse(self) -> pd.Series:
        """Standard errors; NaN where ``warnings`` says that there is none, 0 for what constraints fix."""
        variance = np.diag(self.document["cov_params"])
        return pd.Series(np.sqrt(variance), index=self.names, name="std err")

    def cov_params(self) -> pd.DataFrame:
        """Covariance of the estimates (k, k)."""
        return pd.DataFrame(self.document["cov_params"], index=self.names, columns=self.names)

    @property
    def tvalues(self) -> pd.Series:
        """Estimate / standard error: z, or t where ``df_inference`` is finite; NaN for what constraints fix."""
        return (self.params / self.bse.where(self.bse > 0)).rename(letter(self.df_inference))

    @property
    def pvalues(self) -> pd.Series:
        """Two-sided, by the normal distribution, or by t with ``df_inference`` degrees of freedom."""
        df = self.df_inference
        return pd.Series(two_sided(self.tvalues, df), index=self.params.index, name=p_label(df))

    def conf_int(self, alpha: float = 0.05) -> pd.DataFrame:
        """Wald intervals (k, 2) of level 1 - alpha."""
        z = quantile(check_level(alpha, "alpha", 0.05) / 2, self.df_inference)
        return pd.DataFrame({0: self.params - z * self.bse, 1: self.params + z * self.bse})

    @cached_property
    def group_shares(self) -> pd.DataFrame:
        """Group shares pi with delta-method standard errors and 95 % intervals, and the share assigned."""
        return share_table(self.group_set, self.df_inference)

    # -- fit ---------------------------------------------------------------------------------------------------

    @property
    def aic(self) -> float:
        """-2 llf + 2 k; of one outcome of several there is none."""
        self._refuse_part("aic")
        return -2 * self.llf + 2 * self.df_model

    @property
    def bic(self) -> float:
        """-2 llf + k log n with n = subjects; ``criteria`` has it for n = observations too."""
        return float(self.criteria["subjects"]["bic"])

    def _refuse_part(self, what: str) -> None:
        if self.part_of:
            raise SpecificationError(
                f"{what}: the log-likelihood is that of {', '.join(self.part_of)} together, and has no part that is "
                f"{self.outcomes[0].name}'s.", code="part_of_a_fit", argument="outcome", way_out="Ask the whole fit.",
            )

    @cached_property
    def entropy(self) -> float:
        """Relative entropy, 1 for a perfect classification; NaN with one group.

        A mean over the people of the sample: sampling weights do not enter, unlike in ``criteria``'s ``icl``.
        """
        if self.n_groups == 1:
            return float("nan")
        return float(1 - self._uncertainty.sum() / (self.n_subjects * np.log(self.n_groups)))

    @property
    def _uncertainty(self) -> np.ndarray:
        """Entropy (N,) of each subject's posterior, -sum_k P_ik log P_ik."""
        return uncertainty(self.group_set.posterior)

    @cached_property
    def criteria(self) -> pd.DataFrame:
        """Information criteria for n = subjects and n = observations.

        ``aic``, ``bic``, ``sabic``, ``caic``, ``icl`` are on the usual scale (smaller is better); ``traj_aic`` and
        ``traj_bic`` on traj's (log-likelihood minus penalty, larger is better). ``icl`` is ``bic`` plus twice the
        entropy of the posteriors, summed with the sampling weights of the log-likelihood: people count alike in both.

        Raises
        ------
        SpecificationError
            ``part_of_a_fit``, for one outcome of several: the log-likelihood is that of all.
        """
        self._refuse_part("criteria")
        doubt = self._uncertainty if self.weights is None else self.weights * self._uncertainty
        return criteria(self.llf, self.df_model, {"subjects": self.n_subjects, "observations": self.nobs},
                        float(doubt.sum()))

    # -- who belongs where -------------------------------------------------------------------------------------

    @cached_property
    def posterior(self) -> pd.DataFrame:
        """Probability of each group (N, K), indexed by the user's ids."""
        columns = pd.Index(self.group_names, name="group")
        return pd.DataFrame(self.group_set.posterior, index=self._subjects, columns=columns)

    @cached_property
    def assignment(self) -> pd.Series:
        """Most probable group of each subject, 1..K."""
        groups = self.group_set.posterior.argmax(axis=1) + 1
        return pd.Series(groups, index=self._subjects, name="group")

    @property
    def n_assigned(self) -> pd.Series:
        """Number of subjects for whom each group is the most probable, by group (1..K)."""
        return self.assignment.value_counts().reindex(pd.Index(self.group_names, name="group"), fill_value=0)

    @property
    def _subjects(self) -> pd.Index:
        """The ids as the index of a table of groups."""
        return self.ids.rename(apart([self.id_name], ["group"])[0])

    # -- the search --------------------------------------------------------------------------------------------

    @cached_property
    def start_report(self) -> pd.DataFrame:
        """Distinct optima: log-likelihood, difference to the best, hits, and how they differ.

        ``start_report.attrs["sentence"]`` sums it up.
        """
        columns = ("rank", "loglik", "difference", "hits", "converged", "collapsed")
        table = pd.DataFrame(
            {**{c: getattr(o, c) for c in columns}, "shares": list(o.shares[0]), "how": o.how}
            for o in self.search.optima
        ).set_index("rank")
        table.attrs = {k: getattr(self.search, k) for k in ("sentence", "n_starts", "n_moves", "n_failed")}
        return table

    def optimum(self, rank: int) -> pd.Series:
        """Parameters (p,) of an optimum of the start report, by name, its groups from the lowest curve up.

        ``model.fit(start=res.optimum(2))`` fits the second best; 1 is the fit itself.

        Raises
        ------
        SpecificationError
            ``bad_rank``: the start report has no such optimum, or the file of the fit is older than its parameters.
        """
        values = self.search.params_of(rank) if rank != 1 else self.params.to_numpy()
        return pd.Series(values, index=self.params.index, name=f"optimum {rank}")

    @property
    def warnings(self) -> list[str]:
        """What has to be known before these numbers are used, in plain sentences."""
        return [finding.message for finding in self.findings]

    @property
    def converged(self) -> bool:
        return self.certificate.converged

    # -- curves ------------------------------------------------------------------------------------------------

    @cached_property
    def curves(self) -> Curves:
        """The fitted curves as functions of time."""
        return Curves.of(self.outcome, self.internal, trust_formula=self.trust_formula, df=self.df_inference)

    @cached_property
    def out_of_sample(self) -> pd.DataFrame:
        """Probability of each group (N', K) of the subjects that were scored but not fitted."""
        held = self.group_set.out_of_sample
        ids = pd.Index(self.document["out_of_sample_ids"] or [], name=self.id_name)
        columns = pd.Index(self.group_names, name="group")
        return pd.DataFrame(np.zeros((0, self.n_groups)) if held is None else held, index=ids, columns=columns)

    def predict(
        self, times: Any = None, *, level: float = 0.95, tcov: Any = None, outcome: str | int | None = None
    ) -> pd.DataFrame:
        """Expected outcome of each group at ``times`` (default: the observed ones) with a confidence band.

        Of several outcomes ``outcome`` names one; else all tables stand in one, with columns ``outcome`` and ``time``.

        With time-varying covariates the curves are drawn at ``tcov``: one value per covariate, or one row of them per
        time; default their mean at each time, as the summary says. Counts are for exposure 1. Times that were asked
        for and at which a group was not seen, see :mod:`gbtm.record.observed_ranges`, bring a warning.

        Returns
        -------
        DataFrame with columns group, the time's name, estimate, std err, lower, upper, outside (the group was not seen
        then). A time that is itself called so has an underscore more, here and in all tables. Of categories
        without an order there is a ``level`` after the time.
        """
        if len(self.outcomes) == 1 and outcome is None:
            return predictions(self.curves, self.outcome, self.observed_ranges, times, level, tcov)
        if outcome is not None:
            return self.of_outcome(outcome).predict(times, level=level, tcov=tcov)
        return below_each_other({
            name: self.of_outcome(name).predict(times, level=level, tcov=tcov) for name in self.outcome_names})

    @property
    def time_name(self) -> str:
        return self.outcome.time_name

    @property
    def outcome_name(self) -> str:
        return self.outcome.name

    @cached_property
    def observed_means(self) -> pd.DataFrame:
        """Posterior-weighted mean of the outcome per group and wave: group, time (mean of the wave), mean, weight."""
        if len(self.outcomes) == 1:
            return observed_means(self.outcome, self.group_set.posterior)
        return below_each_other({name: self.of_outcome(name).observed_means for name in self.outcome_names})

    @cached_property
    def fittedvalues(self) -> pd.Series:
        """(n_obs,) sum_k P_ik E_k(y) at each observation's time, covariates and exposure, by id and time."""
        return self.by_observation(fitted_values(self.curves, self.outcome, self.group_set.posterior), "fitted")

    @property
    def resid(self) -> pd.Series:
        """(n_obs,) observed minus fitted values, by id and time."""
        return (self.outcome.data.y - self.fittedvalues).rename("resid")

    def save(self, path: str | Path) -> None:
        """Write the fit document; read it with :func:`gbtm.load` or R's ``read_gbtm()``."""
        save(self.document, path)
