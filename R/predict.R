#' Curves, posterior probabilities and assignments
#'
#' @param object a fit
#' @param newdata data frame. For curves, it holds the time column. For posterior probabilities and assignments, it
#'   holds the columns of the formula and the id, one row per observation; partial histories are welcome. By default
#'   what was fitted.
#' @param times numeric: times at which to evaluate the curves; by default those observed
#' @param type `"curve"`: expected outcome of each group. `"posterior"`: probability of each group for each subject.
#'   `"assignment"`: the most probable group of each subject.
#' @param level level of the confidence band
#' @param ... not used
#'
#' @return For `"curve"` a data frame with one row per group and time: `group`, the time under its own name,
#'   `estimate`, `se`, `lower`, `upper`, on the outcome's scale. The band is pointwise, by the delta method, and cut to
#'   the outcome's range; `se`, `lower` and `upper` are NA where the data do not determine them. For `"posterior"` and
#'   `"assignment"` as [posterior()] and [assignment()]. Scoring uses R alone.
#' @section Errors: `gbtm_unknown_time` for a basis formula of a fit read from a file, at times not observed;
#'   `gbtm_bad_outcome` for values the family cannot take; `gbtm_unknown_column`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(predict(fit))
#' predict(fit, times = c(12.5, 15))
#' someone <- data.frame(id = "new", age = 10:12, offenses = c(0, 2, NA))
#' predict(fit, newdata = someone, type = "posterior")
#' @export
predict.gbtm <- function(object, newdata = NULL, times = NULL, type = c("curve", "posterior", "assignment"),
                         level = 0.95, ...) {
  type <- match_choice(type, c("curve", "posterior", "assignment"), "type")
  if (type == "curve") return(curve_table(object, curve_times(object, newdata, times), check_level(level)))
  if (is.null(newdata)) return(if (type == "posterior") posterior(object) else assignment(object))
  score(object, newdata, type)
}

curve_times <- function(fit, newdata, times) {
  if (is.null(times) && is.null(newdata)) return(sort(unique(fit$data$time)))
  if (is.null(times)) {
    check_data(newdata)
    require_columns(newdata, fit$time_name, "newdata")
    times <- unique(newdata[[fit$time_name]])
  }
  times <- numeric_column(times, "times")
  if (!length(times) || !all(is.finite(times))) {
    stop_gbtm("bad_times", "times: missing or infinite times.", "times", "Give finite numbers.")
  }
  times
}

# Posterior probabilities of new subjects, from their own observations.
score <- function(fit, newdata, type) {
  check_data(newdata)
  parts <- formula_parts(fit$formula, names(newdata))
  require_columns(newdata, fit$id_name, "newdata")
  columns <- long_columns(parts, newdata, fit$id_name)
  known <- which(!is.na(columns$subject) & !is.na(columns$y) & !is.na(columns$time))
  y <- columns$y[known]
  bad <- !possible_values(fit$curves, y)
  if (any(bad)) {
    stop_gbtm("bad_outcome", sprintf("%s: family '%s' cannot take the value %s (row %d).", fit$outcome_name, fit$family,
                                     format(y[bad][1]), known[bad][1]), fit$outcome_name, "Recode it, or drop the row.")
  }
  log_f <- matrix(0, fit$n_groups, 0)
  if (length(known)) {
    times <- unique(columns$time[known])
    u <- lapply(linear_predictors(fit, times), function(x) x[, match(columns$time[known], times), drop = FALSE])
    log_f <- log_density(fit$curves, u, y)
  }
  total <- matrix(log(fit$shares), length(columns$ids), fit$n_groups, byrow = TRUE)
  sums <- rowsum(t(log_f), columns$subject[known] + 1)
  at <- as.integer(rownames(sums))
  total[at, ] <- total[at, ] + sums
  p <- exp(total - apply(total, 1, max))
  p <- p / rowSums(p)
  if (type == "posterior") posterior_frame(p, columns$ids, fit$id_name) else most_probable(p, columns$ids)
}

#' Fitted values and residuals
#'
#' The fitted value of an observation is sum over k of P_ik E_k(y): the groups' curves at its time, weighted by the
#' subject's posterior probabilities.
#'
#' @param object a fit
#' @param ... not used
#' @return Numeric vector, one value for each of the `nobs()` observations used. For a fit to long data it has the order
#'   of the data's rows, and their row names as names; otherwise subjects in order of first appearance, and by time
#'   within (for wide data: by wave).
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' summary(residuals(fit))
#' @export
fitted.gbtm <- function(object, ...) in_user_order(object, fitted_here(object))

#' @rdname fitted.gbtm
#' @export
residuals.gbtm <- function(object, ...) in_user_order(object, object$data$y - fitted_here(object))

fitted_here <- function(fit) {
  times <- unique(fit$data$time)
  expected <- t(expected_at(fit, times))[match(fit$data$time, times), , drop = FALSE]
  rowSums(expected * fit$posterior[fit$data$subject, , drop = FALSE])
}

in_user_order <- function(fit, values) {
  if (is.null(fit$rows)) return(values)
  by_row <- order(fit$rows$position)
  stats::setNames(values[by_row], fit$rows$label[by_row])
}

match_choice <- function(value, choices, argument) {
  if (identical(value, choices)) return(choices[1])
  if (!is.character(value) || length(value) != 1 || !value %in% choices) {
    stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not known.", argument, shown(value)), argument,
              sprintf("Use one of %s.", paste0("\"", choices, "\"", collapse = ", ")))
  }
  value
}
