"""The questions of GRoLTS, in our words: what a paper on latent trajectories should report."""

from __future__ import annotations

from dataclasses import dataclass

SOURCE_2017 = (
    "van de Schoot, R., Sijbrandij, M., Winter, S. D., Depaoli, S. & Vermunt, J. K. (2017). The GRoLTS-Checklist: "
    "Guidelines for Reporting on Latent Trajectory Studies. Structural Equation Modeling, 24(3), 451-467. "
    "doi:10.1080/10705511.2016.1247646. Questions in our words."
)
# The list of 18 is in the authors' group's public material on rating papers by GRoLTS; a later codebook there has 19:
# it asks for the distribution of the outcome and the plot of individual trajectories (4 and 14c of 2017) and not for
# the estimator. None of this is the published revision, which was not at hand.
SOURCE_REVISED = (
    "The revision's 18 questions as they stand in its authors' public working material, in our words. Check them "
    "against the published version: a later codebook of the same group has 19 questions; it keeps 4 and 14c of 2017 "
    "and has none on the estimator."
)


@dataclass(frozen=True)
class Question:
    """Attributes
    ----------
    number : as in the source, such as "3a"
    text : what is asked
    topic : name of the answer, shared between lists
    """

    number: str
    text: str
    topic: str


Q = Question
GROLTS_2017 = (
    Q("1", "Is the metric of time used in the model reported?", "time"),
    Q("2", "Are the mean and the variance of time within a wave reported?", "spread"),
    Q("3a", "Is the mechanism of the missing data reported?", "mechanism"),
    Q("3b", "Is it described which variables are related to attrition or missing data?", "related"),
    Q("3c", "Is it described how missing data were dealt with?", "handling"),
    Q("4", "Is the distribution of the observed variables described?", "distribution"),
    Q("5", "Is the software named?", "software"),
    Q("6a", "Were alternative specifications of heterogeneity within classes considered and documented?", "within"),
    Q("6b", "Were alternative specifications of differences between classes in variances and covariances considered "
            "and documented?", "between"),
    Q("7", "Are alternative shapes or functional forms of the trajectories described?", "shapes"),
    Q("8", "If covariates were used, can the analyses be replicated?", "covariates"),
    Q("9", "Are the number of random starts and of final iterations reported?", "starts"),
    Q("10", "Are the tools for comparing and selecting models described from a statistical perspective?", "selection"),
    Q("11", "Is the total number of fitted models reported, a one-class solution among them?", "models"),
    Q("12", "Is the number of cases per class reported for each model, absolute or as a proportion?", "cases"),
    Q("13", "If classification is the goal, is entropy reported?", "entropy"),
    Q("14a", "Is there a plot of the estimated mean trajectories of the final solution?", "plot"),
    Q("14b", "Are there plots of the estimated mean trajectories of each model?", "plots"),
    Q("14c", "Is there a plot of the final model's estimated means together with the observed individual trajectories, "
             "split by class?", "individuals"),
    Q("15", "Are the characteristics of the final class solution described in numbers (means, SD or SE, n, CI)?",
      "numbers"),
    Q("16", "Are the syntax files available?", "syntax"),
)
GROLTS_REVISED = (
    Q("1", "Is the metric or unit of time used in the model reported?", "time"),
    Q("2", "Are the mean and the variance of time within a wave reported?", "spread"),
    Q("3", "Is it described how missing data were dealt with?", "handling"),
    Q("4", "Is the estimator reported?", "estimator"),
    Q("5", "Is the software used for the analysis named?", "software"),
    Q("6", "Were alternative specifications of heterogeneity within classes considered and documented?", "within"),
    Q("7", "Are alternative shapes or functional forms of the trajectories described?", "shapes"),
    Q("8", "If covariates or predictors were used, can the analyses be replicated?", "covariates"),
    Q("9", "Are the number of random starts and of final iterations reported?", "starts"),
    Q("10", "Are the tools for comparing and selecting models described from a statistical perspective?", "selection"),
    Q("11", "Is there a table of the fit of all models that were evaluated?", "fit_table"),
    Q("12", "Is a one-class solution reported?", "one_class"),
    Q("13", "Is the number of cases per class reported for the final model?", "final_cases"),
    Q("14", "Is the number of cases per class reported for all models?", "cases"),
    Q("15", "Is entropy reported?", "entropy"),
    Q("16", "Is there a plot of the estimated mean trajectories of the final solution?", "plot"),
    Q("17", "Is the final class solution described in numbers (means, SD or SE, n, CI)?", "numbers"),
    Q("18", "Are data or code available?", "data_or_code"),
)
