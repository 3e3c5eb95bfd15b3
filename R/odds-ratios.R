#' Membership as odds
#'
#' exp(theta) with intervals, per group and membership covariate; of a distal outcome the ratios of groups.
#'
#' @param fit a fit, or what [distal()] or [predictors()] returned
#' @param level of the intervals, which are symmetric in theta: exp(theta -/+ z se)
#' @param ref of what [distal()] or [predictors()] returned: the reference group, by default 1 and that of the estimates
#' @param ... nothing: an argument that does not exist is refused; the reference group of a fit is its `refgroup`
#' @return Of a fit: data frame with one row per theta: `group`, `term`, `kind` ("odds ratio" of a covariate per unit
#'   of it; "odds" for the intercept: of this group against the reference where all covariates are 0), `theta`,
#'   `estimate` = exp(theta), `se` of the estimate by the delta method, `lower`, `upper`, and `z` (`t`
#'   where the fit's intervals go by t) and `p` of theta = 0. The attribute `reference` is the reference group. A row
#'   without a standard error has NA, and a warning of class `gbtm_no_standard_error` names it.
#'
#'   Of predictors: the same by `group` and `term`, with `se` that of theta. Of a distal outcome: each group against
#'   `ref` and each covariate per unit, the ratio (`odds_ratio`; of counts `rate_ratio`, of times to an event
#'   `hazard_ratio`), `lower`, `upper`, `log_ratio`, its `se`, `z` and `p`.
#' @section Errors: `gbtm_one_group` where there is no membership to model; `gbtm_bad_level`; `gbtm_bad_ref`;
#'   `gbtm_no_ratio` for a normal distal outcome.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' odds_ratios(fit)
#' @export
odds_ratios <- function(fit, ...) UseMethod("odds_ratios")

#' @rdname odds_ratios
#' @export
odds_ratios.default <- function(fit, ...) check_fit(fit)

#' @rdname odds_ratios
#' @export
odds_ratios.gbtm <- function(fit, level = 0.95, ...) {
  check_dots(...)
  check_fit(fit)
  check_level(level)
  pattern <- "^theta(_(.+))?\\[([0-9]+)\\]$"
  found <- grep(pattern, names(fit$coefficients), value = TRUE)
  if (!length(found)) {
    stop_gbtm("one_group", "fit: with one group there are no odds of membership.", "fit", "Fit two groups or more.")
  }
  theta <- unname(fit$coefficients[found])
  variance <- unname(diag(fit$vcov)[found])
  se <- sqrt(ifelse(is.na(variance) | variance < 0, NA_real_, variance))
  if (anyNA(se)) {
    warning(gbtm_condition("no_standard_error", sprintf("%s: no standard error, so no interval.",
                                                        listing(found[is.na(se)])), NULL, "", sys.call(),
                           c("gbtm_warning", "warning")))
  }
  z <- reach_of(fit, level)
  term <- sub(pattern, "\\2", found)
  group <- as.integer(sub(pattern, "\\3", found))
  table <- data.frame(
    group = group, term = ifelse(nzchar(term), term, "intercept"), kind = ifelse(nzchar(term), "odds ratio", "odds"),
    theta = theta, estimate = exp(theta), se = exp(theta) * se, lower = exp(theta - z * se),
    upper = exp(theta + z * se), z = theta / se, p = two_sided(fit, theta / se), stringsAsFactors = FALSE
  )
  names(table)[names(table) == "z"] <- statistic_letter(fit)
  structure(table, reference = setdiff(seq_len(fit$n_groups), group))
}
