#' Whether groups share one curve, or have parallel ones
#'
#' Joint Wald tests that all coefficients of time are equal over groups, or all but the intercept. Where a group's order
#' is lower, what it lacks is 0. The curve is that of the mean's linear predictor, where there are time-varying
#' covariates at 0 of each: not their effects, nor the zero part (zero inflation, or a hurdle) or sigma. Of a fit of
#' several outcomes the groups are compared in all of them together, or in one.
#'
#' Were the curves equal and nothing else told the groups apart, they would be one group, and chi-square is not the
#' reference then: to choose the number of groups, compare fits by BIC or a bootstrap. Curves of one outcome that are
#' alike leave groups that the others tell apart: whether it has a part in them at all.
#'
#' @param fit a fit; of a dual model one outcome has to be named, as each has groups of its own
#' @param groups the groups to compare; by default all
#' @param include_intercept FALSE compares shapes only, as `equal_slopes()` does
#' @param outcome of several outcomes the one whose curves are compared, by name or number from 1; by default all
#'   together
#' @return As [wald_test()].
#' @section Errors: `gbtm_bad_groups`, `gbtm_unknown_outcome`; `gbtm_no_curve` for a group whose rate is zero, where
#'   that of others is not; `gbtm_no_slopes` where there is nothing to compare; `gbtm_no_standard_error`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' equal_curves(fit, groups = c(2, 3))
#' equal_slopes(fit)
#' @export
equal_curves <- function(fit, groups = NULL, include_intercept = TRUE, outcome = NULL) {
  check_names()
  check_fit(fit)
  check_flag(include_intercept, "include_intercept")
  curves_test(fit, groups, include_intercept, outcome, short_name(substitute(fit)))
}

#' @rdname equal_curves
#' @export
equal_slopes <- function(fit, groups = NULL, outcome = NULL) {
  check_names()
  check_fit(fit)
  curves_test(fit, groups, FALSE, outcome, short_name(substitute(fit)))
}

curves_test <- function(fit, groups, include_intercept, outcome, data_name) {
  refuse_networks(fit, "groups", "a Wald test of the curves", "Compare the bands of bootstrap().")
  if (is_dual(fit) && !is.null(outcome)) {
    fit <- of_outcome(fit, outcome)
    outcome <- NULL
  }
  groups <- check_groups(fit, groups)
  chosen <- if (is.null(outcome)) seq_along(outcome_names(fit)) else outcome_number(outcome_names(fit), outcome)
  views <- outcome_views(fit)[chosen]
  equalities <- do.call(c, unlist(lapply(unname(views), function(view) {
    lapply(setdiff(names(view$curves$bases), "zero"), coefficient_equalities, view, fit, groups, include_intercept)
  }), recursive = FALSE))
  if (!length(equalities)) {
    stop_gbtm("no_slopes", "groups: their curves are constant, so that there are no slopes to compare.", "groups",
              "equal_curves() compares the levels too.")
  }
  b <- fit$coefficients
  names <- lapply(equalities, `[[`, "names")
  labels <- vapply(names, function(n) paste(c(n, if (length(n) == 1) "0"), collapse = " = "), "")
  rows <- do.call(rbind, lapply(names, function(n) (names(b) == n[1]) - (names(b) %in% n[-1])))
  tested <- list(estimate = as.vector(rows %*% b), labels = labels, notes = character())
  # the engine centres covariates, and the user's intercepts are those at 0
  covariates <- any(vapply(views, function(view) {
    ncol(view$curves$positions$mean) > length(view$curves$bases$mean$names)
  }, NA))
  compared <- if (include_intercept && covariates) {
    list(estimate = tested$estimate, vcov = checked_vcov(fit$vcov, names(b), rows, labels, "groups", fit$internal))
  } else {
    internal_difference(fit, equalities, rows, labels)
  }
  tested$w <- quadratic_form(compared$estimate, compared$vcov, labels, "groups")
  others <- length(chosen) < length(outcome_names(fit)) || length(fit$part_of) # that tell the groups apart all the same
  if (include_intercept && !others) {
    tested$notes <- sprintf(paste(
      "Were the curves equal and nothing else told these groups apart (sigma, %s, time-varying covariates), they would",
      "be one group, and chi-square is not the reference then: to choose the number of groups, compare fits by BIC or",
      "a bootstrap."
    ), words_of_zeros(views))
  }
  as_wald(tested, "Chisq", NULL, data_name)
}

# What the zero part of these outcomes is called: a hurdle's is no inflation.
words_of_zeros <- function(views) {
  traits <- lapply(views, function(view) family_traits(view$family))
  hurdle <- unlist(lapply(traits, function(t) if (isTRUE(t$has_zero_part)) isTRUE(t$is_hurdle)))
  if (!any(hurdle)) "zero inflation" else if (all(hurdle)) "the zero part" else "zero parts"
}

check_groups <- function(fit, groups) {
  known <- seq_len(fit$n_groups)
  chosen <- if (is.null(groups)) known else groups
  if (!is.numeric(chosen) || length(chosen) < 2 || anyDuplicated(chosen) || !all(chosen %in% known)) {
    stop_gbtm("bad_groups", sprintf("groups: %s are not two or more different groups of this fit.", shown(chosen)),
              "groups", sprintf("The groups are %s.", paste(known, collapse = ", ")))
  }
  as.integer(chosen)
}

# Names of a curve's coefficients without the group.
# Names of the coefficients of a curve without the group; of a category's its name after them.
curve_stems <- function(view, predictor) {
  stems <- as.character(unlist(view$curves$bases$mean$names))
  if (has_mean(view$curves)) return(stems)
  paste0(stems, ":", names_in_parameters(view$curves)[1 + match(predictor, category_predictors(view$curves))])
}

#' What makes the curves of an outcome equal
#'
#' @param predictor one that is a curve
#' @param view the outcome, as a fit of its own, of `fit`
#' @return A list: each the `names` of the two parameters that are to be equal, or of the one that is to be 0; `at`,
#'   their places among the parameters of `fit`, and `values`, the engine's.
#' @noRd
coefficient_equalities <- function(predictor, view, fit, groups, include_intercept) {
  stems <- curve_stems(view, predictor)
  named <- function(j, g) paste0(if (is_several(fit)) paste0(view$outcome_name, ": "), stems[j], "[", g, "]")
  all <- names(fit$coefficients)
  has <- outer(groups, seq_along(stems), function(g, j) named(j, g) %in% all)
  without <- groups[rowSums(has) == 0]
  if (is_several(fit) && length(without) == length(groups)) return(list()) # they are alike in never happening
  if (length(without)) {
    of <- if (is_several(fit)) paste(" of", view$outcome_name) else ""
    stop_gbtm("no_curve", sprintf("groups: group %d has no curve%s, its rate is zero.", without[1], of), "groups",
              if (of == "") "Leave it out." else "Leave it out, or compare the other outcomes, outcome = .")
  }
  columns <- seq_along(stems)
  if (!include_intercept) columns <- columns[as.character(unlist(view$curves$bases$mean$names)) != "intercept"]
  found <- lapply(columns, function(j) {
    owners <- groups[has[, j]]
    # a group without this coefficient has it at 0, and so must all the others
    sets <- if (length(owners) < length(groups)) as.list(owners) else lapply(owners[-1], function(g) c(owners[1], g))
    lapply(sets, function(set) {
      at <- view$curves$positions[[predictor]][set, j] + 1
      # the places of a view are among its own parameters
      if (is_several(fit)) at <- match(named(j, set), all)
      list(names = named(j, set), at = at, values = view$curves$coefficients[[predictor]][set, j])
    })
  })
  do.call(c, found)
}

# Differences and covariance of the same equalities among the engine's orthonormal coefficients. These are the user's
# times a triangular matrix common to all groups, so that the hypothesis and its statistic are the same; but over
# calendar years the user's own are correlated beyond what double precision can tell. `reported` are the rows in these.
internal_difference <- function(fit, equalities, reported, labels) {
  inside <- fit$internal
  rows <- matrix(0, length(equalities), length(fit$coefficients))
  if (!is_several(fit)) rows <- matrix(0, length(equalities), ncol(fit$curves$cov))
  for (i in seq_along(equalities)) {
    at <- equalities[[i]]$at
    rows[i, at] <- c(1, -1)[seq_along(at)]
  }
  estimate <- vapply(equalities, function(e) sum(c(1, -1)[seq_along(e$values)] * e$values), 1)
  withheld <- sweep(reported != 0, 2, is.na(diag(fit$vcov)), `&`)
  lost <- if (is.null(inside)) rowSums(withheld) > 0 else !determined(inside, rows)
  refuse_undetermined(lost, withheld, names(fit$coefficients), labels, "groups")
  # files of before there was a root are of one outcome
  list(estimate = estimate,
       vcov = if (is.null(inside)) rows %*% fit$curves$cov %*% t(rows) else tcrossprod(rows %*% inside$root))
}
