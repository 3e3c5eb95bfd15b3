#' Curves, posterior probabilities and assignments
#'
#' @param object a fit
#' @param newdata data frame. For curves, it holds the time column and, where the fit has time-varying covariates, their
#'   columns: these are then the values at which curves are drawn, in place of the profile. Of `lag(y)` among them the
#'   values stand in a column that is called `lag(y)`, or are taken from the rows before, where these have id and
#'   outcome. For people, it holds the
#'   columns of the fit: outcome,
#'   time, id, covariates and exposure, one row per observation (for a fit to wide data: one row per person); partial
#'   histories are welcome, and people of whom the membership covariates alone are known. By default what was fitted.
#' @param times numeric: times at which to evaluate the curves; by default those observed
#' @param type `"curve"`: expected outcome of each group. `"posterior"`: probability of each group for each person.
#'   `"assignment"`: the most probable group of each person. `"group"`: a table of both for new people, with intervals.
#'   `"response"`, `"prob"` and `"class"` are other names of the first three.
#' @param level level of the confidence band, and of the intervals
#' @param tcov for curves of a fit with time-varying covariates: their values, one per covariate (by name or in order),
#'   or one row of them per time. By default the profile that `summary()` names: their mean at each time.
#' @param by_wave for `"group"`: after each wave, from what was seen up to it
#' @param outcome of a fit of several outcomes, the name or number of one: its curves, and people scored by it alone.
#'   Without it the curves of all stand below each other, with a column `outcome` and the times in a column `time`, and
#'   people are scored by all outcomes that `newdata` has
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return A data frame or vector, by `type`. A time or id of yours that is called as another column of a table gets an
#'   underscore in it, `group_`.
#'
#'   **Curves**: a data frame with a row for each group and time, and for each distinct row of covariates in `newdata`,
#'   which stand beside the time: `group`, the time under its own name, `estimate`, `se`, `lower`, `upper`, on the
#'   outcome's scale; for counts, per unit of exposure. Of categories without an order it has a row for each group,
#'   time and category, with the probability of each and a column `level` after the time. `outside` is TRUE where next
#'   to nobody of the group was seen, so that the curve is a matter of its formula alone. The range that a group was
#'   seen at holds all but 0.5 % of its observations at either end, each weighted by the posterior probability of its
#'   subject; an end among the outermost 2 % of all observations is the first or last time observed at all. Times that
#'   are asked for beyond it bring a warning of class `gbtm_outside`. The band is pointwise, by the delta method: the
#'   estimate plus and minus a multiple of `se`, cut to the outcome's range; for `r those_with_link("logit")` formed
#'   on the link's scale and taken back, so that it lies within 0 and 1. `se`, `lower` and `upper` are NA where the
#'   data do not determine them.
#'
#'   **People**: `"posterior"` and `"assignment"` are as [posterior()] and [assignment()] have them. `"group"` is a data
#'   frame with a row for each person (with `by_wave`: and wave) and group: the id, the time of the last observation
#'   used, `group`, `probability`, `lower` and `upper` (the delta method on the logit), `assigned`, TRUE for the group
#'   of the largest probability. Of a dual model people have a row or column for each pair of groups, `group1` and
#'   `group2`. Nobody in `newdata` counts as having dropped out. Who has no usable observation, or is in a table without
#'   the outcome's columns, gets the prior of every type: the probabilities given the membership covariates, or the
#'   group shares, and NA as the time. A warning of class `gbtm_prior` says who. A table without the id too has a person
#'   in each row. `"posterior"` and `"assignment"` of a normal, censored normal, Poisson, zero-inflated or hurdle
#'   Poisson or logistic model without covariates, exposure, dropout, AR(1) errors and random effects use R alone; all
#'   else needs the engine.
#' @section Errors: `gbtm_unknown_time` for a basis formula of a fit read from a file, at times not observed;
#'   `gbtm_bad_outcome` for values the family cannot take; `gbtm_unknown_column`; `gbtm_new_level` for a level of a
#'   factor that did not occur in the fit; `gbtm_bad_profile`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(predict(fit))
#' predict(fit, times = c(12.5, 15))
#' someone <- data.frame(id = "new", age = 10:12, offenses = c(0, 2, NA))
#' predict(fit, newdata = someone, type = "posterior")
#' if (gbtm_engine()$available) predict(fit, newdata = someone, type = "group", by_wave = TRUE)
#' @export
predict.gbtm <- function(object, newdata = NULL, times = NULL, type = c("curve", "posterior", "assignment", "group"),
                         level = 0.95, tcov = NULL, by_wave = FALSE, outcome = NULL, ...) {
  check_dots(...)
  call <- match.call()
  if (!is.null(outcome)) object <- of_outcome(object, outcome)
  type <- prediction_type(type)
  check_level(level)
  switch(
    type,
    curve = predicted_curves(object, newdata, times, tcov, level, call),
    group = classify(object, newdata, check_flag(by_wave, "by_wave"), level, call),
    predicted_people(object, newdata, type, level, call)
  )
}

# What other packages call a type is understood.
prediction_type <- function(type) {
  known <- c("curve", "posterior", "assignment", "group")
  theirs <- c(response = "curve", class = "assignment", prob = "posterior", probs = "posterior",
              membership = "posterior")
  if (is.character(type) && length(type) == 1 && type %in% names(theirs)) return(theirs[[type]])
  match_choice(type, known, "type")
}

predicted_curves <- function(fit, newdata, times, tcov, level, call) {
  if (is_several(fit)) {
    if (!is.null(newdata)) refuse_several(outcome_names(fit)) # which hold times, and whose covariates
    views <- outcome_views(fit)
    return(below_each_other(lapply(views, predicted_curves, newdata, times, tcov, level, call)))
  }
  if (is.null(newdata)) {
    at <- curve_times(fit, times)
    w <- covariate_rows(fit, tcov, length(at)) # refused here where the fit has none: nothing would look at it later
    return(with_outside(fit, curve_table(fit, at, level, w)))
  }
  also <- c(if (!is.null(times)) "times", if (!is.null(tcov)) "tcov")
  if (length(also)) {
    stop_gbtm("two_tables", sprintf("%s: newdata is given too.", also[1]), also[1], "Give one of them.", call)
  }
  curves_of_rows(fit, newdata, level, call)
}

predicted_people <- function(fit, newdata, type, level, call) {
  if (is.null(newdata)) return(if (type == "posterior") posterior(fit) else assignment(fit))
  if (is_plain(fit)) return(score(fit, newdata, type))
  scored <- classify(fit, newdata, FALSE, level, call)
  if (is_dual(fit)) {
    p <- matrix(scored$probability, ncol = prod(fit$dual$sizes), byrow = TRUE)
    ids <- scored[[1]][scored$group1 == 1 & scored$group2 == 1]
    return(if (type == "posterior") pair_frame(fit, p, ids) else assignment_frame(fit, p, ids))
  }
  ids <- scored[[1]][scored$group == 1]
  p <- matrix(scored$probability, ncol = fit$n_groups, byrow = TRUE)
  if (type == "posterior") posterior_frame(p, ids, fit$id_name) else most_probable(p, ids)
}

# Nothing but outcome and time matters to the posterior, and observations are independent given the group.
is_plain <- function(fit) {
  if (is_several(fit)) return(FALSE)
  spec <- fit$spec$outcomes[[1]]
  further <- list(fit$membership, fit[["event"]], fit$curves$covariates, if (has_exposure(fit)) TRUE, fit$spec$dropout,
                  spec$random_orders, fit$inputs$wide, if (identical(fit$read_as$form, "wide")) fit$read_as)
  all(vapply(further, is.null, NA)) && !isTRUE(spec$ar1) && has_log_density(spec$family)
}

# In the engine's words.
warn_prior <- function(who, why = "") {
  if (!length(who)) return(invisible())
  people <- if (length(who) == 1) "1 person has" else sprintf("%d people have", length(who))
  shown <- paste0(paste(utils::head(who, 5), collapse = ", "), if (length(who) > 5) ", ...")
  warning(gbtm_condition("prior", sprintf(
    paste("newdata: %s%s no usable observation (%s): their probabilities are the prior, the group shares, alike for",
          "all."), why, people, shown
  ), NULL, "", sys.call(-1), c("gbtm_warning", "warning")))
}

# The columns that name a person; several have one name in the fit.
ids_asked <- function(fit) {
  if (is_several(fit)) fit <- outcome_view(fit, 1) # the same for all outcomes
  own <- if (is.null(fit$inputs$id)) fit$read_as$id else fit$inputs$id
  if (length(own) > 1) own else fit$id_name
}

basis_names <- function(fit) fit$curves$bases$mean$names

# How the fit's data were read. A fit read from a file knows the names of its covariates' columns alone.
known_inputs <- function(fit, newdata) {
  if (!is.null(fit$inputs)) return(fit$inputs)
  stored <- fit$read_as
  leaving <- fit$dropout_covariates
  in_wide <- identical(stored$form, "wide")
  exposure <- if (!has_exposure(fit)) {
    NULL
  } else if (is.numeric(stored$exposure)) {
    stored$exposure
  } else if (in_wide) {
    "exposure"
  } else {
    c(stored$exposure, "exposure")[1]
  }
  list(
    risk = if (length(fit$membership)) of_names(fit$membership),
    risk2 = if (length(fit$second_membership)) of_names(fit$second_membership),
    tcov = if (length(fit$curves$covariates$names)) of_names(fit$curves$covariates$names),
    dcov = if (length(leaving)) of_names(leaving),
    exposure = if (!has_trials(fit)) exposure, trials = if (has_trials(fit)) exposure,
    wave = stored$wave, wide = if (in_wide) stored_wide(fit), event = stored_event(fit)
  )
}

# The columns of a fit to wide data, traj's among them, as `wide` says them.
stored_wide <- function(fit) {
  stored <- fit$read_as
  wide <- c(stats::setNames(list(stored$outcome, stored$time), c(fit$outcome_name, fit$time_name)), stored$tcov,
            stored$dcov)
  if (is.null(stored$exposure) || is.numeric(stored$exposure)) return(wide)
  c(wide, stats::setNames(list(stored$exposure), "exposure"))
}

curve_times <- function(fit, times) {
  if (is.null(times)) return(sort(unique(seen_times(fit))))
  times <- numeric_column(times, "times")
  if (!length(times) || !all(is.finite(times))) {
    stop_gbtm("bad_times", "times: missing or infinite times.", "times", "Give finite numbers.")
  }
  warn_outside(fit, times)
  times
}

# A polynomial knows nothing of times far from those that it was fitted to. Returns which are far.
warn_far_times <- function(fit, times, call = NULL) {
  seen <- range(seen_times(fit))
  room <- constants$far_times * diff(seen)
  far <- sort(unique(times[is.finite(times) & (times < seen[1] - room | times > seen[2] + room)]))
  if (!length(far)) return(invisible(far))
  number <- function(x) format(x, digits = 6, trim = TRUE)
  warning(gbtm_condition("far_times", sprintf(
    paste("times: %s %s far outside the observed ones, %s to %s: what the curves do there is a matter of their formula",
          "alone."),
    listing(vapply(far, number, ""), 4), if (length(far) == 1) "is" else "are", number(seen[1]), number(seen[2])
  ), "times", "", call, c("gbtm_warning", "warning")))
  invisible(far)
}

# Posterior probabilities of new subjects, from their own observations.
score <- function(fit, newdata, type) {
  check_newdata(newdata)
  own <- own_ids(newdata, ids_asked(fit))
  newdata <- without_declared(newdata, ids_asked(fit))$data
  parts <- fit_parts(fit, names(newdata))
  require_columns(newdata, ids_asked(fit), "newdata")
  of_people <- without_outcome(fit, parts, newdata, NULL)
  if (!of_people) require_new(known_inputs(fit, newdata), newdata, list(), parts)
  columns <- if (of_people) people_columns(fit, parts, newdata) else long_columns(parts, newdata, ids_asked(fit))
  if (is.null(columns$ids)) columns[c("subject", "ids")] <- code_ids(columns$subject)
  known <- which(!is.na(columns$subject) & !is.na(columns$y) & !is.na(columns$time))
  warn_far_times(fit, columns$time[known])
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
  total <- matrix(rep(log(fit$shares), each = length(columns$ids)), length(columns$ids))
  sums <- rowsum(t(log_f), columns$subject[known] + 1)
  at <- as.integer(rownames(sums))
  total[at, ] <- total[at, ] + sums
  p <- exp(total - apply(total, 1, max))
  p <- p / rowSums(p)
  unseen <- if (length(at)) columns$ids[-at] else columns$ids
  warn_prior(unseen, if (of_people) sprintf("There is no column '%s': ", fit$outcome_name) else "")
  if (type == "assignment") return(most_probable(p, columns$ids))
  posterior_frame(p, in_own_type(columns$ids, own), fit$id_name)
}

#' Fitted values and residuals
#'
#' The fitted value of an observation is sum over k of P_ik E_k(y): the groups' means at its time, covariates and
#' exposure,
#' weighted by the subject's posterior probabilities. Categories without an order have none, see
#' [level_probabilities()].
#'
#' @param object a fit
#' @param type `"response"`, observed minus fitted values; or `"pearson"`, these over the standard deviation of the
#'   mixture, the root of sum over k of P_ik (Var_k(y) + E_k(y)^2) - fitted^2, which needs the engine
#' @param ... nothing: an argument that does not exist is refused
#' @return Numeric vector, one value for each of the `nobs()` observations used. For a fit to long data it has the order
#'   of the data's rows, and their row names as names; otherwise subjects in order of first appearance, and by time
#'   within (for wide data: by wave).
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' summary(residuals(fit))
#' @export
fitted.gbtm <- function(object, ...) {
  check_dots(...)
  in_user_order(object, fitted_here(object))
}

#' @rdname fitted.gbtm
#' @export
residuals.gbtm <- function(object, type = c("response", "pearson"), ...) {
  check_dots(...)
  if (match_choice(type, c("response", "pearson"), "type") == "response") {
    return(in_user_order(object, object$data$y - fitted_here(object)))
  }
  answer <- fitted_answer("pearson_residuals", document_text(object), call = sys.call())
  in_user_order(object, answer_array(answer$residuals, answer$arrays))
}

fitted_here <- function(fit) {
  expected <- if (is.null(fit$data$covariates)) {
    times <- unique(fit$data$time)
    t(expected_at(fit, times))[match(fit$data$time, times), , drop = FALSE]
  } else {
    t(expected_at(fit, fit$data$time, fit$data$covariates))
  }
  if (!is.null(fit$data$exposure)) expected <- expected * fit$data$exposure
  rowSums(expected * fit$posterior[fit$data$subject, , drop = FALSE])
}

in_user_order <- function(fit, values) {
  rows <- fit[["rows"]] # exactly: $rows would find rows_read of a traj() fit
  if (is.null(rows)) return(values)
  by_row <- order(rows$position)
  stats::setNames(values[by_row], rows$label[by_row])
}

match_choice <- function(value, choices, argument) {
  if (identical(value, choices)) return(choices[1])
  if (!is.character(value) || length(value) != 1 || !value %in% choices) {
    stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not known.", argument, shown(value)), argument,
              sprintf("Use one of %s.", paste0("\"", choices, "\"", collapse = ", ")))
  }
  value
}
