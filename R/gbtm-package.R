#' gbtm: group-based trajectory models
#'
#' Begin with [gbtm()], or with [traj()] for a command of Stata's traj. [gbtm_engine()] says whether the engine that
#' fits is ready, and how to get it.
#'
#' * **To learn**: `vignette("first-model", "gbtm")`; `"how-many-groups"`; `"scales"`, which family for which outcome;
#'   `"counts"`, `"covariates"`, `"dropout"`, `"exposure"`, `"several-outcomes"`; `"time-to-event"`; `"refining"`,
#'   random effects, constraints, bent lines and known groups; `"coming-from"` other packages, `"from-stata"`.
#' * **To fit**: [gbtm()], [outcome()] for one of several outcomes, [gbtm_event()], [gbtm_prior()], [gbtm_control()],
#'   [time_terms] for curves that are no polynomials; [parquet_files()] and [query_files()] for data on disk.
#' * **To choose**: [gbtm_search()], [cross_validate()], [blrt()], [anova()][anova.gbtm].
#' * **To look at a fit**: [summary()][summary.gbtm], [plot()][plot.gbtm], [predict()][predict.gbtm], [posterior()],
#'   [adequacy()], [residual_checks()], [level_probabilities()], [survival_curves()], [random_effects()],
#'   [start_report()].
#' * **To test**: [wald_test()], [equal_curves()], [confint()][confint.gbtm], [bootstrap()], [delta_method()].
#' * **What follows from the groups**: [distal()], [predictors()], [transitions()], [forecast()][forecast.gbtm],
#'   [predict_event()].
#' * **To write up**: [grolts_report()], [to_table()], [write_gbtm()].
#'
#' @name gbtm-package
#' @keywords internal
#' @importFrom stats BIC coef fitted formula logLik nobs predict residuals vcov
NULL
