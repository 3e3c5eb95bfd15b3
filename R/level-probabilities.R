# Probabilities of the levels of an ordinal or multinomial outcome, group by group over time.

#' Probabilities of the levels of an outcome
#'
#' `level_probabilities()`: the probability of each level, or category, in each group. `plot_levels()` draws them on top
#' of each other, the lowest level at the bottom, a panel per group.
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

#' @rdname level_probabilities
#' @export
plot_levels <- function(fit) {
  check_names()
  need_ggplot2("plot_levels")
  check_fit(fit)
  refuse_several_levels(fit)
  table <- level_probabilities(fit, fine_times(fit, 101))
  table$panel <- factor(sprintf("Group %d (%.0f %%)", table$group, 100 * fit$shares[table$group]))
  names(table)[2] <- "at"
  table$level <- factor(table$level, rev(levels(table$level)))
  .data <- ggplot2::.data
  ggplot2::ggplot(table, ggplot2::aes(.data$at, .data$probability, fill = .data$level)) +
    ggplot2::geom_area(colour = NA) + ggplot2::facet_wrap("panel", nrow = 1) +
    level_colours(fit) +
    ggplot2::scale_x_continuous(expand = c(0, 0)) + ggplot2::scale_y_continuous(expand = c(0, 0)) +
    ggplot2::labs(x = fit$time_name, y = "Probability") + ggplot2::theme_minimal() +
    ggplot2::theme(panel.spacing = ggplot2::unit(1.5, "lines"))
}

# From dark to light as levels fall; of categories without an order colours of no order, the reference in grey.
level_colours <- function(fit) {
  if (has_mean(fit$curves)) {
    return(ggplot2::scale_fill_brewer(palette = "Blues", direction = -1, name = fit$outcome_name))
  }
  names <- level_names(fit$curves)
  ggplot2::scale_fill_manual(values = stats::setNames(category_colours(length(names)), names), name = fit$outcome_name)
}
