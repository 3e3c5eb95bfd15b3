# Probabilities of the levels of an ordinal or multinomial outcome, group by group over time.

#' Probabilities of the levels of an outcome
#'
#' `level_probabilities()`: the probability of each level, or category, in each group. `plot_levels()` draws them on top
#' of each other, the lowest level at the bottom, a panel per group, and as points the observed shares. These are
#' weighted by the posterior and added up as the areas are: the point of a level stands where its area would end, and is
#' of the area below it. They are drawn by wave, or over 20 bins of time where there are more than 60 waves, where
#' somebody of the group was seen.
#'
#' @param fit a fit of one outcome with `family = "ordinal"` or `"multinomial"`; of several, of one of
#'   its outcomes: `level_probabilities(of_outcome(fit, "y"))`
#' @param times numeric: times; by default those observed
#' @param tcov values of the time-varying covariates, as for [predict()][predict.gbtm]
#' @return `level_probabilities()`: data frame with `group`, the time under its own name, `level` (a factor,
#'   ordered where the levels are) and `probability`. Of an ordinal outcome that is
#'   \eqn{F(\kappa_c - \eta) - F(\kappa_{c-1} - \eta)}{F(kappa_c - eta) - F(kappa_(c-1) - eta)} with the logistic F; of
#'   a multinomial one \eqn{\exp(\eta_c) / \sum_j \exp(\eta_j)}{exp(eta_c) / sum_j exp(eta_j)} with
#'   \eqn{\eta_1 = 0}{eta_1 = 0}, of which [predict()][predict.gbtm] has the band too. `plot_levels()`: a ggplot object.
#' @section Errors: `gbtm_no_levels`, `gbtm_several_outcomes`.
#' @examplesIf gbtm_engine()$available
#' d <- symptoms
#' d$grade <- cut(d$score, c(-Inf, 2, 5, Inf), c("low", "middle", "high"), ordered_result = TRUE)
#' fit <- gbtm(grade ~ month, data = d, id = "id", groups = 2, order = 1, family = "ordinal",
#'             control = gbtm_control(n_starts = 4))
#' level_probabilities(fit, times = 0)
#' if (requireNamespace("ggplot2", quietly = TRUE)) plot_levels(fit)
#' of_none <- gbtm(grade ~ month, data = d, id = "id", groups = 2, order = 1, family = "multinomial",
#'                 control = gbtm_control(n_starts = 4))
#' predict(of_none, times = 0)
#' @export
level_probabilities <- function(fit, times = NULL, tcov = NULL) {
  check_names()
  check_fit(fit)
  refuse_several_levels(fit)
  if (!isTRUE(family_traits(fit$family)$has_levels)) {
    stop_gbtm("no_levels", sprintf("fit: family '%s' has no levels.", fit$family), "fit",
              "Ask a fit with family = \"ordinal\" or \"multinomial\".")
  }
  at <- curve_times(fit, times)
  u <- linear_predictors(fit, at, covariate_rows(fit, tcov, length(at)))
  level_table(fit, at, data.frame(probability = in_level_order(level_chances(fit$curves, u))))
}
