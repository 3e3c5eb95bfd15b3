# Numbers of successes out of numbers of trials: `cbind(k, n - k) ~ t` and `trials`. To the engine and in files trials
# stand where counts have their exposure.

#' A formula for successes and failures as one for successes, and the trials
#'
#' @return list: `formula` and `trials`; NULL where the outcome is no such pair
#' @noRd
successes_of <- function(formula, family, given, call = NULL) {
  if (!has_pair(formula) || !is_binomial(family)) return(NULL)
  left <- formula[[2]]
  if (length(left) != 3 || !is.null(names(left))) {
    stop_gbtm("bad_formula", sprintf("formula: '%s' are not successes and failures.", deparse_line(left)), "formula",
              "Write cbind(k, n - k) ~ time.", call)
  }
  if (given) {
    stop_gbtm("given_twice", "trials: given beside cbind(successes, failures), which says them already.", "trials",
              "Leave trials out.", call)
  }
  trials <- trials_of(left[[2]], left[[3]], environment(formula))
  formula[[2]] <- left[[2]]
  list(formula = formula, trials = trials)
}

# TRUE for `cbind(..) ~ t`.
has_pair <- function(formula) {
  if (!inherits(formula, "formula") || length(formula) != 3) return(FALSE)
  left <- formula[[2]]
  is.call(left) && identical(left[[1]], as.name("cbind"))
}

# Trials from the expressions of successes and failures: n where the failures are n - k, else their sum.
trials_of <- function(k, failures, frame) {
  is_rest <- is.call(failures) && length(failures) == 3 && identical(failures[[1]], as.name("-")) &&
    identical(failures[[3]], k)
  n <- if (is_rest) failures[[2]] else call("+", k, failures)
  if (is.name(n)) as.character(n) else if (is.numeric(n)) n else one_side_of(n, frame)
}

one_side_of <- function(expression, frame) stats::as.formula(call("~", expression), env = frame)

# TRUE for "binomial" and what binomial() makes.
is_binomial <- function(family) {
  if (is.function(family)) family <- tryCatch(family(), error = function(e) NULL)
  if (is.list(family)) family <- family$family
  is.character(family) && length(family) == 1 && identical(tolower(family), "binomial")
}

# The column, formula or number of exposure or trials, of arguments by name; and which of the two it is.
denominator_of <- function(asked) if (is.null(asked$trials)) asked$exposure else asked$trials

denominator_name <- function(asked) if (is.null(asked$trials)) "exposure" else "trials"

# (n) exposure or trials of the rows of a table, or of the observations of wide data.
denominator_column <- function(asked, data, wide = NULL, waves = 1) {
  given <- denominator_of(asked)
  if (is.null(given)) return(NULL)
  name <- denominator_name(asked)
  if (is.numeric(given) && length(given) == 1) return(rep(as.double(given), nrow(data) * waves))
  if (is.null(wide)) one_column(given, data, name) else wide_covariates(given, data, wide, waves, name)[, 1]
}

has_trials <- function(fit) isTRUE(family_traits(fit$family)$takes_trials)

# Outcomes as they stand beside the curves: shares of successes where there are trials.
shown_outcome <- function(fit) if (has_trials(fit)) fit$data$y / fit$data$exposure else fit$data$y

# Outcomes that are successes and failures by the family of all, with their trials, as outcome() has them by its own.
with_successes <- function(outcomes, family, call) {
  pairs <- vapply(outcomes, function(o) has_pair(o$formula) && is.null(o$options$family), NA)
  if (is.null(family) || !any(pairs)) return(outcomes)
  called <- vapply(outcomes, function(o) {
    left <- o$formula[[2]]
    column_label(if (has_pair(o$formula) && length(left) > 1) left[[2]] else left)
  }, "")
  families <- if (is.function(family) || inherits(family, "family")) rep(list(family), length(called)) else
    by_outcome(family, "family", called)
  outcomes[pairs] <- Map(function(o, family) {
    counted <- successes_of(o$formula, family, !is.null(o$options$trials), call)
    if (is.null(counted)) return(o)
    o$formula <- counted$formula
    o$options$trials <- counted$trials
    o
  }, outcomes[pairs], families[pairs])
  outcomes
}
