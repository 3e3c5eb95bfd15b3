#' Estimates, their covariance and the fit's criteria
#'
#' `coef()` and `vcov()` are in the user's time and units. Names: `intercept[1]`, `age[1]`, `age^2[1]` for the curve of
#' group 1; `zero_intercept` or `zero_intercept[1]` for the zero-inflation part; `sigma` or `sigma[1]`;
#' `psi`, `phi[1]`, `rho`, `r0_sigma[1]` for the other families and errors; `drop0[1]`, `drop1[1]`, `drop_x[1]` for
#' dropout; `theta[2]` for
#' the logit of group 2 against the reference group, `theta_male[2]` for the effect of a membership covariate on it.
#' `confint()` gives Wald intervals, or profile-likelihood intervals: the values that the data do not rule out, whatever
#' the other parameters are. Near a boundary the latter are the honest ones.
#'
#' `logLik()` counts n in subjects, so that `BIC(fit)` uses log(subjects); `nobs()` is the number of observations.
#' Both are in use and can pick different models, so that `BIC()` offers both. `AIC` is -2 ll + 2 k and `BIC`
#' -2 ll + k log n, smaller is better; Stata's traj prints ll - k and ll - k/2 log n.
#'
#' @param object a fit
#' @param n what to count for BIC: `"subjects"` or `"observations"`
#' @param x a fit
#' @param parm names or numbers of the parameters, all when missing
#' @param level level of the intervals
#' @param method `"wald"`, or `"profile"`, which needs the engine and takes a few fits for each parameter
#' @param cov_type other standard errors than the fit's, any that [gbtm()] has; needs the engine. Intervals go by the
#'   normal distribution, or by t where standard errors rest on clusters or are corrected for few people
#' @param ... further fits for `BIC()`; otherwise nothing: an argument that does not exist is refused. `complete` and
#'   `use.fallback`, which some packages give to any fit, change nothing
#' @return `coef()`: named numeric. `vcov()`: matrix (k, k), NA where the data do not determine a parameter, in which
#'   case a warning at the fit said which and why. `logLik()`: class `logLik` with `df` and `nobs` (subjects). `nobs()`:
#'   observations. `confint()`: matrix with a row for each parameter; with `"profile"` infinite (or 0 for a scale
#'   parameter) where the data set no bound, and with a warning `gbtm_better_optimum` where the log-likelihood along a
#'   profile exceeds the fit's. `BIC()`: a number, or with several fits a data frame with `df` and `BIC`.
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
coef.gbtm <- function(object, ...) {
  check_dots(..., known = "complete")
  object$coefficients
}

#' @rdname estimates
#' @export
vcov.gbtm <- function(object, cov_type = NULL, ...) {
  check_dots(..., known = "complete")
  with_cov_type(object, cov_type, sys.call())$vcov
}

#' @rdname estimates
#' @export
confint.gbtm <- function(object, parm, level = 0.95, method = c("wald", "profile"), cov_type = NULL, ...) {
  check_dots(...)
  call <- match.call()
  method <- match_choice(method, c("wald", "profile"), "method")
  check_level(level)
  names <- names(object$coefficients)
  wanted <- wanted_parameters(names, if (missing(parm)) names else parm, call)
  if (method == "profile" && !is.null(cov_type)) {
    stop_gbtm("bad_cov_type", "cov_type: profile intervals have no covariance.", "cov_type",
              "Leave it out, or use method = \"wald\".", call)
  }
  if (method == "wald") {
    object <- with_cov_type(object, cov_type, call)
    variance <- diag(object$vcov)
    se <- sqrt(ifelse(is.na(variance) | variance < 0, NA_real_, variance))
    half <- reach_of(object, level) * se
    ends <- cbind(object$coefficients - half, object$coefficients + half)[match(wanted, names), , drop = FALSE]
  } else {
    answer <- finished_work("profile_intervals", document_text(object), as.character(json_array(wanted)), level,
                            progress = interactive(), call = call)
    for (note in answer$notes) {
      warning(gbtm_condition("better_optimum", note, NULL, "", call, c("gbtm_warning", "warning")))
    }
    open <- function(x, end) {
      x <- vapply(as.list(x), function(value) if (is.null(value)) NA_real_ else as.double(value), 1)
      ifelse(is.na(x), end, x)
    }
    ends <- cbind(open(answer$lower, -Inf), open(answer$upper, Inf))
  }
  dimnames(ends) <- list(wanted, percent_labels(level))
  ends
}

# Names of parameters given by name or number.
wanted_parameters <- function(names, parm, call) {
  wanted <- if (is.numeric(parm)) names[parm] else parm
  unknown <- setdiff(wanted, names)
  if (length(unknown)) {
    stop_gbtm("unknown_parameter", sprintf("parm: '%s' is not in the model.", unknown[1]), "parm",
              sprintf("The parameters are %s.", listing(names)), call)
  }
  wanted
}

percent_labels <- function(level) {
  tail <- (1 - level) / 2
  paste(format(100 * c(tail, 1 - tail), trim = TRUE, digits = 3), "%")
}

#' @rdname estimates
#' @export
logLik.gbtm <- function(object, ...) {
  check_dots(...)
  refuse_part(object)
  structure(object$loglik, df = n_parameters(object), nobs = object$n_subjects, class = "logLik")
}

#' @rdname estimates
#' @export
nobs.gbtm <- function(object, ...) {
  check_dots(..., known = "use.fallback")
  object$nobs
}

#' @rdname estimates
#' @export
BIC.gbtm <- function(object, ..., n = c("subjects", "observations")) {
  check_fits_in_dots(...)
  n <- match_choice(n, c("subjects", "observations"), "n")
  fits <- list(object, ...)
  for (fit in fits) {
    check_fit(fit)
    refuse_part(fit)
  }
  df <- vapply(fits, n_parameters, 1L)
  count <- vapply(fits, function(f) as.double(if (n == "subjects") f$n_subjects else f$nobs), 1)
  bic <- -2 * vapply(fits, function(f) f$loglik, 1) + df * log(count)
  if (length(fits) == 1) return(bic)
  labels <- vapply(as.list(match.call())[-1], deparse_line, "")
  labels <- labels[is.null(names(labels)) | names(labels) != "n"]
  data.frame(df = df, BIC = bic, row.names = make.unique(unname(labels)))
}

#' @rdname estimates
#' @export
formula.gbtm <- function(x, ...) {
  check_dots(...)
  x$formula
}

# Estimates with z tests, or t tests where the fit's intervals go by t; a parameter without a standard error has NA for
# all that follows from one, and what constraints fix has none of these.
coefficient_table <- function(fit) {
  estimate <- fit$coefficients
  variance <- diag(fit$vcov)
  se <- sqrt(ifelse(is.na(variance) | variance < 0, NA_real_, variance))
  z <- ifelse(names(estimate) %in% names(without_error(fit)), NA_real_, estimate / se)
  letter <- statistic_letter(fit)
  table <- cbind(estimate, se, z, two_sided(fit, z))
  dimnames(table) <- list(names(estimate), c("Estimate", "Std. Error", letter, sprintf("Pr(>|%s|)", letter)))
  table
}
