#' Estimates, their covariance and the fit's criteria
#'
#' `coef()` and `vcov()` are in the user's time and units. Names: `intercept[1]`, `age[1]`, `age^2[1]` for the curve of
#' group 1; `zero_intercept` or `zero_intercept[1]` for the zero-inflation part; `sigma` or `sigma[1]`;
#' `theta[2]` for the logit of group 2 against group 1. `confint()` gives Wald intervals.
#'
#' `logLik()` counts n in subjects, so that `BIC(fit)` uses log(subjects); `nobs()` is the number of observations.
#' Both are in use and can pick different models, so that `BIC()` offers both. `AIC` is -2 ll + 2 k and `BIC`
#' -2 ll + k log n, smaller is better; Stata's traj prints ll - k and ll - k/2 log n.
#'
#' @param object a fit
#' @param n what to count for BIC: `"subjects"` or `"observations"`
#' @param x a fit
#' @param ... further fits for `BIC()`; otherwise not used
#' @return `coef()`: named numeric. `vcov()`: matrix (k, k), NA where the data do not determine a parameter, in which
#'   case a warning at the fit said which and why. `logLik()`: class `logLik` with `df` and `nobs` (subjects). `nobs()`:
#'   observations. `BIC()`: a number, or with several fits a data frame with `df` and `BIC`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' coef(fit)
#' confint(fit)
#' logLik(fit)
#' c(BIC(fit), BIC(fit, n = "observations"))
#' @name estimates
NULL

#' @rdname estimates
#' @export
coef.gbtm <- function(object, ...) object$coefficients

#' @rdname estimates
#' @export
vcov.gbtm <- function(object, ...) object$vcov

#' @rdname estimates
#' @export
logLik.gbtm <- function(object, ...) {
  structure(object$loglik, df = length(object$coefficients), nobs = object$n_subjects, class = "logLik")
}

#' @rdname estimates
#' @export
nobs.gbtm <- function(object, ...) object$nobs

#' @rdname estimates
#' @export
BIC.gbtm <- function(object, ..., n = c("subjects", "observations")) {
  n <- match_choice(n, c("subjects", "observations"), "n")
  fits <- list(object, ...)
  lapply(fits, check_fit)
  df <- vapply(fits, function(f) length(f$coefficients), 1L)
  count <- vapply(fits, function(f) as.double(if (n == "subjects") f$n_subjects else f$nobs), 1)
  bic <- -2 * vapply(fits, function(f) f$loglik, 1) + df * log(count)
  if (length(fits) == 1) return(bic)
  labels <- vapply(as.list(match.call())[-1], deparse_line, "")
  labels <- labels[is.null(names(labels)) | names(labels) != "n"]
  data.frame(df = df, BIC = bic, row.names = make.unique(unname(labels)))
}

#' @rdname estimates
#' @export
formula.gbtm <- function(x, ...) x$formula

# Relative entropy: 1 for a perfect classification, NA with one group.
entropy <- function(fit) {
  if (fit$n_groups == 1) return(NA_real_)
  p <- fit$posterior
  1 + sum(ifelse(p > 0, p * log(p), 0)) / (fit$n_subjects * log(fit$n_groups))
}

# Estimates with z tests; a parameter without a standard error has NA for all that follows from one.
coefficient_table <- function(fit) {
  estimate <- fit$coefficients
  variance <- diag(fit$vcov)
  se <- sqrt(ifelse(is.na(variance) | variance < 0, NA_real_, variance))
  z <- estimate / se
  table <- cbind(estimate, se, z, 2 * stats::pnorm(-abs(z)))
  dimnames(table) <- list(names(estimate), c("Estimate", "Std. Error", "z", "Pr(>|z|)"))
  table
}
