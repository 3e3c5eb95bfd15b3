#' Whether groups share one curve, or have parallel ones
#'
#' Joint Wald tests that all coefficients of time are equal over groups, or all but the intercept. Where a group's order
#' is lower, what it lacks is 0. The curve is that of the mean's linear predictor, where there are time-varying
#' covariates at 0 of each: not their effects, nor the zero inflation or sigma.
#'
#' Were the curves equal and nothing else told the groups apart, they would be one group, and chi-square is not the
#' reference then: to choose the number of groups, compare fits by BIC or a bootstrap.
#'
#' @param fit a fit
#' @param groups the groups to compare; by default all
#' @param include_intercept FALSE compares shapes only, as `equal_slopes()` does
#' @return As [wald_test()].
#' @section Errors: `gbtm_bad_groups`; `gbtm_no_curve` for a group whose rate is zero; `gbtm_no_slopes` where there is
#'   nothing to compare; `gbtm_no_standard_error`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' equal_curves(fit, groups = c(2, 3))
#' equal_slopes(fit)
#' @export
equal_curves <- function(fit, groups = NULL, include_intercept = TRUE) {
  check_names()
  check_fit(fit)
  check_flag(include_intercept, "include_intercept")
  curves_test(fit, groups, include_intercept, short_name(substitute(fit)))
}

#' @rdname equal_curves
#' @export
equal_slopes <- function(fit, groups = NULL) {
  check_names()
  check_fit(fit)
  curves_test(fit, groups, FALSE, short_name(substitute(fit)))
}

curves_test <- function(fit, groups, include_intercept, data_name) {
  equalities <- coefficient_equalities(fit, check_groups(fit, groups), include_intercept)
  stems <- curve_stems(fit)
  names <- lapply(equalities, function(pair) sprintf("%s[%d]", stems[pair$column], pair$groups))
  b <- fit$coefficients
  labels <- vapply(names, function(n) paste(c(n, if (length(n) == 1) "0"), collapse = " = "), "")
  rows <- do.call(rbind, lapply(names, function(n) (names(b) == n[1]) - (names(b) %in% n[-1])))
  tested <- list(estimate = as.vector(rows %*% b), labels = labels, notes = character())
  # the engine centres covariates, and the user's intercepts are those at 0
  covariates <- ncol(fit$curves$positions$mean) > length(stems)
  compared <- if (include_intercept && covariates) {
    list(estimate = tested$estimate, vcov = checked_vcov(fit$vcov, names(b), rows, labels, "groups", fit$internal))
  } else {
    internal_difference(fit, equalities, rows, labels)
  }
  tested$w <- quadratic_form(compared$estimate, compared$vcov, labels, "groups")
  if (include_intercept) {
    tested$notes <- paste(
      "Were the curves equal and nothing else told these groups apart (sigma, zero inflation, time-varying",
      "covariates), they would be one group, and chi-square is not the reference then: to choose the number of groups,",
      "compare fits by BIC or a bootstrap."
    )
  }
  as_wald(tested, "Chisq", NULL, data_name)
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
curve_stems <- function(fit) {
  several <- length(fit$spec$outcomes) > 1
  paste0(if (several) paste0(fit$outcome_name, ":"), as.character(unlist(fit$curves$bases$mean$names)))
}

# Each a column and the two groups that are to have it equal, or the one that is to have it 0.
coefficient_equalities <- function(fit, groups, include_intercept) {
  stems <- curve_stems(fit)
  has <- outer(groups, stems, function(g, s) sprintf("%s[%d]", s, g) %in% names(fit$coefficients))
  if (any(rowSums(has) == 0)) {
    stop_gbtm("no_curve", sprintf("groups: group %d has no curve, its rate is zero.", groups[rowSums(has) == 0][1]),
              "groups", "Leave it out.")
  }
  columns <- seq_along(stems)
  if (!include_intercept) columns <- columns[unlist(fit$curves$bases$mean$names) != "intercept"]
  found <- lapply(columns, function(j) {
    owners <- groups[has[, j]]
    # a group without this coefficient has it at 0, and so must all the others
    sets <- if (length(owners) < length(groups)) as.list(owners) else lapply(owners[-1], function(g) c(owners[1], g))
    lapply(sets, function(set) list(column = j, groups = set))
  })
  found <- do.call(c, found)
  if (!length(found)) {
    stop_gbtm("no_slopes", "groups: their curves are constant, so that there are no slopes to compare.", "groups",
              "equal_curves() compares the levels too.")
  }
  found
}

# Differences and covariance of the same equalities among the engine's orthonormal coefficients. These are the user's
# times a triangular matrix common to all groups, so that the hypothesis and its statistic are the same; but over
# calendar years the user's own are correlated beyond what double precision can tell. `reported` are the rows in these.
internal_difference <- function(fit, equalities, reported, labels) {
  cov <- fit$curves$cov
  rows <- matrix(0, length(equalities), ncol(cov))
  estimate <- numeric(length(equalities))
  for (i in seq_along(equalities)) {
    j <- equalities[[i]]$column
    sign <- c(1, -1)
    for (g in equalities[[i]]$groups) {
      rows[i, fit$curves$positions$mean[g, j] + 1] <- sign[1]
      estimate[i] <- estimate[i] + sign[1] * fit$curves$coefficients$mean[g, j]
      sign <- sign[-1]
    }
  }
  inside <- fit$internal
  withheld <- sweep(reported != 0, 2, is.na(diag(fit$vcov)), `&`)
  lost <- if (is.null(inside)) rowSums(withheld) > 0 else !determined(inside, rows)
  refuse_undetermined(lost, withheld, names(fit$coefficients), labels, "groups")
  list(estimate = estimate, vcov = if (is.null(inside)) rows %*% cov %*% t(rows) else tcrossprod(rows %*% inside$root))
}
