# Curves of a time to an event by group, and what lies ahead of people who have had none.

#' Survival by group of a model with a time to an event
#'
#' `survival_curves()`: the probability of no event up to given times in each group; with `cause`, of an event of that
#' cause by then, the cumulative incidence. `plot_survival_curves()` draws it.
#'
#' @param fit a fit with `event`, see [gbtm_event()]
#' @param times numeric, 0 or more; 101 times up to the last of the people fitted when not given
#' @param at values of covariates of the event, a named vector or list, by the names that coefficients have without
#'   `event_`; of those not given the mean of the people fitted
#' @param cause of competing events, 1, 2, ..
#' @param level of the intervals, which are formed for log(-log S) by the delta method and taken back
#' @return `survival_curves()`: data frame with `group`, `time`, `survival` (or `incidence`), `se`, `lower`, `upper`;
#'   attribute `at` has the covariates. `plot_survival_curves()`: a ggplot object.
#' @section Errors: `gbtm_no_event` for a model without; `gbtm_bad_times`, `gbtm_bad_cause`, `gbtm_unknown_covariate`.
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' d$T <- 15 + d$id %% 9
#' d$left <- d$id %% 3 > 0
#' fit <- gbtm(offenses ~ age, data = d, id = "id", groups = 2, family = "zip",
#'             event = Surv(T, left) ~ 1, control = gbtm_control(n_starts = 4))
#' survival_curves(fit, times = c(18, 20))
#' if (requireNamespace("ggplot2", quietly = TRUE)) plot_survival_curves(fit)
#' @export
survival_curves <- function(fit, times = NULL, at = NULL, cause = NULL, level = 0.95) {
  check_names()
  check_fit(fit)
  check_level(level)
  given <- if (length(at)) lapply(as.list(at), function(v) json_number(numeric_column(v, "at")))
  if (length(given) && is.null(names(given))) {
    stop_gbtm("unknown_covariate", "at: its values have no names.", "at", "For example at = c(sex = 1).")
  }
  request <- list(times = numbers_asked(times, "times"), at = as_object(given), cause = cause_asked(cause),
                  level = json_number(level))
  answer <- fitted_answer("survival", document_text(fit), as_request(request), call = sys.call())
  table <- answer_frame(answer$table, answer$arrays)
  names(table)[names(table) == "std err"] <- "se"
  structure(table, at = unlist(answer$at))
}

cause_asked <- function(cause) {
  if (is.null(cause)) return(NULL)
  check_whole(cause, "cause", 1, "Causes are 1, 2, ..")
  as.integer(cause)
}

#' @rdname survival_curves
#' @export
plot_survival_curves <- function(fit, at = NULL, cause = NULL, level = 0.95) {
  check_names()
  need_ggplot2("plot_survival_curves")
  table <- survival_curves(fit, at = at, cause = cause, level = level)
  what <- names(table)[3]
  table$value <- table[[what]]
  names <- sprintf("Group %d (%.1f %%)", seq_along(fit$shares), 100 * fit$shares)
  table$Group <- factor(names[table$group], names)
  .data <- ggplot2::.data
  ggplot2::ggplot(table, ggplot2::aes(.data$time, .data$value, colour = .data$Group, fill = .data$Group,
                                      linetype = .data$Group)) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper), alpha = 0.18, colour = NA) +
    ggplot2::geom_line(linewidth = 0.8) + ggplot2::coord_cartesian(ylim = c(0, 1)) + group_scales(length(names)) +
    ggplot2::scale_linetype_manual(values = rep_len(seq_len(6), length(names))) +
    ggplot2::labs(x = "Time", y = if (is.null(cause)) "Share without the event" else
      sprintf("Share with the event of cause %d", cause), colour = NULL, fill = NULL, linetype = NULL) +
    theme_figures()
}

#' Dynamic prediction of an event
#'
#' The probability that people who have had no event up to now have one within given times, from their outcomes so far:
#' the groups' probabilities given the outcomes and that there was no event, times each group's chance of one ahead.
#'
#' @param fit a fit with `event`, see [gbtm_event()]
#' @param newdata table in the form of the fit's data, with the outcomes up to now and the covariates of the event; its
#'   columns of the event's time and status are not looked at
#' @param horizon how far ahead, one or more numbers above 0
#' @param landmark the time up to which there was no event and outcomes are used; by default each person's last wave
#' @param by_wave after each wave, from what was seen up to it
#' @param cause of competing events, the one that is foretold; any when not given
#' @param level of the intervals, which are formed for log(-log(1 - P)) by the delta method and taken back
#' @return Data frame with the id, `landmark`, `horizon`, `probability`, `se`, `lower`, `upper`.
#' @section Errors: `gbtm_no_event`, `gbtm_bad_horizon`, `gbtm_bad_landmark`, `gbtm_bad_cause`; `gbtm_no_data`, where
#'   nobody has an outcome up to the landmark. A warning says who is left out.
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' d$T <- 15 + d$id %% 9
#' d$left <- d$id %% 3 > 0
#' fit <- gbtm(offenses ~ age, data = d, id = "id", groups = 2, family = "zip",
#'             event = Surv(T, left) ~ 1, control = gbtm_control(n_starts = 4))
#' predict_event(fit, d[d$id == 3, ], horizon = c(1, 2), landmark = 13)
#' @export
predict_event <- function(fit, newdata, horizon = 1, landmark = NULL, by_wave = FALSE, cause = NULL, level = 0.95) {
  call <- match.call()
  check_names()
  check_fit(fit)
  check_level(level)
  if (is.null(fit[["event"]])) {
    stop_gbtm("no_event", "fit: the model has no time to an event.", "fit", "Fit it with event = Surv(T, died) ~ 1.")
  }
  check_table(newdata, "newdata")
  ahead <- list(horizon = numbers_asked(horizon, "horizon"),
                landmark = if (!is.null(landmark)) json_number(numeric_column(landmark, "landmark")),
                by_wave = check_flag(by_wave, "by_wave"), cause = cause_asked(cause), level = json_number(level))
  several <- is_several(fit)
  views <- lapply(if (several) outcome_views(fit) else list(fit), to_come)
  people <- lapply(views, new_people, newdata, call)
  request <- list(ahead = ahead, several = several)
  ids <- raw(0)
  if (several) {
    hold_people(fit, people, vapply(views, function(v) v$own_table, NA), call)
  } else {
    columns <- people[[1]]$columns
    request <- c(panel_request(columns, people[[1]]$further), request)
    send_panel(columns, people[[1]]$further)
    if (!is.null(columns$basis)) send_column("basis", as.vector(columns$basis))
    ids <- number_ids(columns$ids)
  }
  answer <- fitted_answer("predict_event", document_text(fit), as_request(request), ids, call = call)
  warn_sentences(answer$sentences, "newdata", call)
  table <- answer_frame(answer$table, answer$arrays)
  names(table)[names(table) == "std err"] <- "se"
  table[[1]] <- in_own_type(table[[1]], people[[1]]$own)
  table
}

# A fit whose new people have had no event yet.
to_come <- function(fit) {
  if (is.null(fit$inputs)) {
    fit$event$ahead <- TRUE
  } else if (!is.null(fit$inputs$event)) {
    fit$inputs$event$ahead <- TRUE
  }
  fit
}
