"""What the user holds after a fit: :class:`~gbtm.fit.fit.Fit` with the methods that hand on to the other rooms.

Imports stand inside the methods: reading, printing and predicting run without torch and without matplotlib.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..arguments import checked
from ..checks import check_seed
from ..fit.fit import Fit
from .event_results import EventResults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..distal.distal_result import DistalResult
    from ..distal.predictors_result import PredictorsResult
    from ..distal.traj_outcome import TrajOutcome
    from ..forecast.forecast import Forecast
    from ..inference.delta import Delta
    from ..inference.dispersion import DispersionTest
    from ..inference.nested_fits import LikelihoodRatioTest
    from ..inference.wald import WaldTest
    from ..step_three.classification import ClassificationError
    from ..traj_programs.comparison.compare import Comparison
    from ..traj_programs.traj_table import TrajTable


@checked
class GBTMResults(EventResults):
    """A fitted group-based trajectory model.

    Parameters
    ----------
    document : the fit document, as made by a fit or read by :func:`gbtm.load`
    trust_formula : expressions of the document that are code may be run

    Notes
    -----
    Parameters are in the user's time and units. ``warnings`` says why the standard error of one is NaN.
    """

    # -- who belongs where ---------------------------------------------------------------------------------------------

    @cached_property
    def adequacy(self) -> pd.DataFrame:
        """AvePP, OCC, mismatch and shares with intervals; see :func:`gbtm.adequacy.groups.adequacy`."""
        from ..adequacy.groups import adequacy

        return adequacy(self)

    @property
    def avepp(self) -> pd.Series:
        """Average posterior probability of those assigned to each group (K,): the column of :attr:`adequacy`."""
        return self.adequacy["avepp"]

    @property
    def occ(self) -> pd.Series:
        """Odds of correct classification of each group (K,): the column of :attr:`adequacy`; NaN with one group."""
        return self.adequacy["occ"]

    @cached_property
    def resid_pearson(self) -> pd.Series:
        """(n_obs,) residuals in standard deviations, by id and time; see
        :func:`gbtm.adequacy.pearson.pearson_residuals`."""
        from ..adequacy.pearson import pearson_residuals

        return self.by_observation(pearson_residuals(self), "resid_pearson")

    def outcome_contributions(self, *, refit: bool = False, rng: int = 0) -> pd.DataFrame:
        """What each of several outcomes tells about the groups;
        see :func:`gbtm.adequacy.outcome_contributions.outcome_contributions`."""
        from ..adequacy.outcome_contributions import outcome_contributions

        return outcome_contributions(self, refit=refit, rng=rng)

    def random_effects(self, *, by_group: bool = False) -> pd.DataFrame:
        """Predicted random effects of each subject; see :func:`gbtm.adequacy.predicted_effects.random_effects`."""
        from ..adequacy.predicted_effects import random_effects

        return random_effects(self, by_group=by_group)

    def hidden_units(self) -> pd.DataFrame:
        """Where the hidden units of network curves turn; see :func:`gbtm.fit.hidden_units.hidden_units`."""
        from ..fit.hidden_units import hidden_units

        return hidden_units(self)

    def residual_correlations(self, *, by_group: bool = True) -> pd.DataFrame:
        """Whether outcomes are independent within groups; see
        :func:`gbtm.adequacy.residual_correlations.residual_correlations`."""
        from ..adequacy.residual_correlations import residual_correlations

        return residual_correlations(self, by_group=by_group)

    def classify(self, newdata: pd.DataFrame, *, by_wave: bool = False, level: float = 0.95) -> pd.DataFrame:
        """Probability of each group for new subjects, with intervals; see :func:`gbtm.fit.scoring.classify`."""
        from ..fit.scoring import classify

        return classify(self, newdata, by_wave=by_wave, level=level)

    # -- new outcomes, further fits ------------------------------------------------------------------------------------

    def forecast(self, people: pd.DataFrame, *, steps: int = 1, **options: Any) -> Forecast:
        """The predictive distribution of everybody's next waves; see :func:`gbtm.forecast.forecast.forecast`."""
        from ..forecast.forecast import forecast

        return forecast(self, people, steps=steps, **options)

    def simulate(self, rng: int = 0) -> pd.DataFrame:
        """New outcomes for the same people at the same times, with the group each was drawn into (1..K).

        Returns
        -------
        DataFrame in long form with columns id, time and outcome, named as in the data, and group; of several outcomes
        with columns id, outcome (which), time, y and group
        """
        from .simulated_table import simulated_table

        return simulated_table(self, check_seed(rng))

    def dispersion_test(self, *, outcome: str | int | None = None, **fit_options: Any) -> DispersionTest:
        """Is there overdispersion? See :func:`gbtm.inference.dispersion.dispersion_test`."""
        from ..inference.dispersion import dispersion_test

        return dispersion_test(self, outcome=outcome, **fit_options)

    def profile_int(self, parameter: str, level: float = 0.95) -> tuple[float, float]:
        """Profile-likelihood interval of a parameter; see :func:`gbtm.inference.profile.profile_interval`."""
        from ..inference.profile import profile_interval

        return profile_interval(self, parameter, level)

    # -- other standard errors -----------------------------------------------------------------------------------------

    def cov_params(self, cov_type: str | None = None) -> pd.DataFrame:
        """Covariance of the estimates (k, k); of another ``cov_type`` than the fit's where one is given."""
        other = self if cov_type is None else self.with_cov_type(cov_type)
        return super(GBTMResults, other).cov_params()

    def with_cov_type(self, cov_type: str | None) -> GBTMResults:
        """The same estimates with other standard errors: any ``cov_type`` of :meth:`gbtm.GBTM.fit`;
        see :func:`gbtm.fit.other_covariance.with_covariance`."""
        from ..fit.other_covariance import with_covariance

        return self.like(with_covariance(self, cov_type))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Each subject's derivative of the log-likelihood (N, k); see :func:`gbtm.fit.other_covariance.scores`."""
        from ..fit.other_covariance import scores

        return scores(self)

    # -- hypotheses and functions of the parameters --------------------------------------------------------------------

    def t_test(self, hypotheses: Any, *, use_t: bool | None = None, df: float | None = None) -> Any:
        """Linear hypotheses one by one, ``"t[1] = t[2], sigma = 1"``; see :func:`gbtm.inference.wald.t_test`."""
        from ..inference.wald import t_test

        return t_test(self, hypotheses, use_t=use_t, df=df)

    def wald_test(self, hypotheses: Any, *, use_f: bool | None = None, df: float | None = None) -> WaldTest:
        """Linear hypotheses jointly; see :func:`gbtm.inference.wald.wald_test`."""
        from ..inference.wald import wald_test

        return wald_test(self, hypotheses, use_f=use_f, df=df)

    def wald_test_nonlinear(
        self, function: Any, value: Any = 0.0, *, use_f: bool | None = None, df: float | None = None
    ) -> WaldTest:
        """Functions of the parameters against given values; see :func:`gbtm.inference.wald.wald_test_nonlinear`."""
        from ..inference.wald import wald_test_nonlinear

        return wald_test_nonlinear(self, function, value, use_f=use_f, df=df)

    def compare_lr_test(self, restricted: Fit) -> LikelihoodRatioTest:
        """Likelihood-ratio test against a smaller fit; see :func:`gbtm.inference.nested_fits.compare_lr_test`."""
        from ..inference.nested_fits import compare_lr_test

        return compare_lr_test(self, restricted)

    def delta(self, function: Any) -> Delta:
        """Any function of the parameters with its standard error, ``"-t[1] / (2 * t^2[1])"``; see
        :func:`gbtm.inference.delta.delta`."""
        from ..inference.delta import delta

        return delta(self, function)

    def equal_curves(
        self, groups: Sequence[int] | None = None, *, include_intercept: bool = True, outcome: str | int | None = None
    ) -> WaldTest:
        """Whether groups share one curve, of several outcomes those of all or of one; see
        :func:`gbtm.inference.equal_curves.equal_curves`."""
        from ..inference.equal_curves import equal_curves

        return equal_curves(self, groups, include_intercept=include_intercept, outcome=outcome)

    def equal_slopes(self, groups: Sequence[int] | None = None, *, outcome: str | int | None = None) -> WaldTest:
        """Whether the curves of groups are parallel; see :func:`gbtm.inference.equal_curves.equal_slopes`."""
        from ..inference.equal_curves import equal_slopes

        return equal_slopes(self, groups, outcome=outcome)

    def odds_ratios(self, level: float = 0.95) -> pd.DataFrame:
        """exp(theta) with intervals, per group and covariate; see :func:`gbtm.inference.odds_ratios.odds_ratios`."""
        from ..inference.odds_ratios import odds_ratios

        return odds_ratios(self, level)

    # -- what the groups lead to, and what leads to them ---------------------------------------------------------------

    def distal(self, formula: str, data: pd.DataFrame, **options: Any) -> DistalResult | TrajOutcome:
        """A distal outcome by group, ``"prison ~ group + age0"``; see :func:`gbtm.distal.distal_outcome.distal`."""
        from ..distal.distal_outcome import distal
        from ..distal.traj_outcome import TrajOutcome
        from .distal_results import DistalResults
        from .outcome_results import OutcomeResults

        found = distal(self, formula, data, **options)
        return OutcomeResults.of(found) if isinstance(found, TrajOutcome) else DistalResults.of(found)

    def predictors(self, covariates: str | Sequence[str], data: pd.DataFrame, **options: Any) -> PredictorsResult:
        """Membership covariates after the fact; see :func:`gbtm.distal.predictors.predictors`."""
        from ..distal.predictors import predictors

        return predictors(self, covariates, data, **options)

    def matching_frame(self, people: pd.DataFrame, treatment: str, **options: Any) -> pd.DataFrame:
        """A row a person for matching within groups; see :func:`gbtm.distal.matching_frame.matching_frame`."""
        from ..distal.matching_frame import matching_frame

        return matching_frame(self, people, treatment, **options)

    def classification_error(self, assignment: str = "modal") -> ClassificationError:
        """How surely people are assigned (K, K); see :class:`gbtm.step_three.classification.ClassificationError`."""
        from ..step_three.classification import classification_error

        return classification_error(self, assignment)

    def bch_weights(self, assignment: str = "modal") -> pd.DataFrame:
        """Weights (N, K) that undo errors of classification; see :func:`gbtm.step_three.classification.bch_weights`."""
        from ..step_three.classification import bch_weights

        return bch_weights(self, assignment)

    # -- Stata's traj, SAS's Proc Traj ---------------------------------------------------------------------------------

    def to_traj(self, group_order: list[int] | None = None) -> TrajTable:
        """The fit as Stata's traj would show it: ``.text``, ``.b``, ``.V``, ``.table``.

        ``group_order`` renames groups first: its k-th entry is the group that becomes group k.
        """
        from ..traj_programs.traj_table import TrajTable

        return TrajTable(self, group_order)

    def traj_data(self) -> pd.DataFrame:
        """``_traj_Group`` and ``_traj_ProbG#``, indexed by id;
        see :func:`gbtm.traj_programs.traj_variables.traj_data`."""
        from ..traj_programs.traj_variables import traj_data

        return traj_data(self)

    def plot_matrix(self, level: float = 0.95) -> pd.DataFrame:
        """What traj stores as ``e(plot1)``; see :func:`gbtm.traj_programs.traj_variables.plot_matrix`."""
        from ..traj_programs.traj_variables import plot_matrix

        return plot_matrix(self, level)

    def trajtest(self, text: str, *, group_order: Sequence[Any] | None = None) -> WaldTest:
        """SAS's ``%TRAJTEST('linear1=linear2')``; see :func:`gbtm.traj_programs.trajtest.trajtest`."""
        from ..traj_programs.trajtest import trajtest

        return trajtest(self, text, group_order=group_order)

    def compare_traj(self, text: str | Path, which: int = -1) -> Comparison:
        """This fit beside a printed table; see :func:`gbtm.traj_programs.comparison.compare.compare_traj`."""
        from ..traj_programs.comparison.compare import compare_traj

        return compare_traj(self, text, which)

    # -- tables and pictures -------------------------------------------------------------------------------------------

    def summary(self) -> Any:
        """Tables in the look of statsmodels; ``print()`` them."""
        from ..fit.summary import summary

        return summary(self, self.adequacy)

    def plot(
        self, ax: Axes | None = None, *, outcome: str | int | None = None, grid: bool = False, **options: Any
    ) -> Axes | Figure:
        """Curves with bands and observed means; see :func:`gbtm.figures.curves.plot_curves`.

        Of several outcomes a figure with a panel each (:func:`gbtm.figures.outcomes.plot_outcomes`), with ``grid`` one
        with a panel for each group and outcome (:func:`gbtm.figures.outcome_grid.plot_outcome_grid`); ``outcome``
        draws one of them, as a fit of its own. ``individuals=True`` draws the subjects' own lines behind. Of categories
        it is :func:`gbtm.plot_levels`.
        """
        if grid:
            from ..figures.outcome_grid import plot_outcome_grid

            return plot_outcome_grid(self if outcome is None else self.of_outcome(outcome), ax, **options)
        if outcome is not None:
            return self.of_outcome(outcome).plot(ax, **options)
        if len(self.outcomes) > 1 and ax is None:
            from ..figures.outcomes import plot_outcomes

            return plot_outcomes(self, **options)
        from ..figures import curves, levels

        if ax is None and set(options) <= {"observed"} and not self.outcome.spec.traits.has_mean:
            return levels.plot_levels(self, **options)
        return curves.plot_curves(self, ax, **options)

    def plot_groups(self, **options: Any) -> Figure:
        """A panel per group, subjects' own lines behind; see :func:`gbtm.figures.groups.plot_groups`."""
        from ..figures.groups import plot_groups

        return plot_groups(self, **options)

    def plot_posteriors(self, **options: Any) -> Figure:
        """How surely subjects are assigned; see :func:`gbtm.figures.posteriors.plot_posteriors`."""
        from ..figures.posteriors import plot_posteriors

        return plot_posteriors(self, **options)
