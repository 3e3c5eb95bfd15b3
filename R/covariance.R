# Standard errors of other kinds than those that the fit was asked for, and the distribution that goes with them.

#' The same fit with other standard errors
#'
#' @param cov_type as for [gbtm()]; NULL leaves the fit as it is
#' @noRd
with_cov_type <- function(fit, cov_type, call = NULL) {
  if (is.null(cov_type)) return(fit)
  known <- names(covariance_kinds())
  which <- if (is.character(cov_type) && length(cov_type) == 1) match(tolower(cov_type), tolower(known)) else NA
  if (is.na(which)) {
    same <- list(hc0 = "robust", hc = "robust", cr0 = "cluster", cr1 = "cluster", cr = "cluster")
    ours <- if (is.character(cov_type) && length(cov_type) == 1) same[[tolower(cov_type)]]
    stop_gbtm("bad_cov_type", sprintf("cov_type: %s is not known.", shown(cov_type)), "cov_type",
              if (is.null(ours)) sprintf("Use one of %s.", paste0("\"", known, "\"", collapse = ", ")) else
                sprintf("It is called \"%s\" here.", ours), call)
  }
  cov_type <- known[which]
  if (identical(cov_type, fit$cov_type)) return(fit)
  answer <- if (is_on_disk(fit)) {
    cov_type_of_files(fit, cov_type, call)
  } else {
    fitted_answer("with_cov_type", document_text(fit), cov_type, call = call)
  }
  other <- new_gbtm(answer$document, answer$arrays)
  changed <- intersect(names(other), c("vcov", "cov_type", "df_inference", "identified", "cov_shares", "curves",
                                       "internal", "document", "dual"))
  fit[changed] <- other[changed]
  fit
}

# Degrees of freedom of t in intervals and tests; Inf where these go by the normal distribution.
df_of <- function(fit) if (is.null(fit$df_inference)) Inf else fit$df_inference

# How many standard errors an interval of this level reaches to either side; qt() with Inf is qnorm().
reach_of <- function(fit, level = 0.95) stats::qt(0.5 + level / 2, df_of(fit))

# Two-sided p-values of estimate / standard error, and what that is called.
two_sided <- function(fit, statistic) 2 * stats::pt(-abs(statistic), df_of(fit))
statistic_letter <- function(fit) if (is.finite(df_of(fit))) "t" else "z"

#' Scores and bread, for sandwich estimators of other packages
#'
#' With the package sandwich, `sandwich::sandwich(fit)` is `vcov(fit, cov_type = "robust")`, and `sandwich::vcovCL()`
#' takes a cluster for each subject. The independent units of a trajectory model are the subjects, so that there is a
#' row for each of them, not for each observation.
#'
#' @param x a fit
#' @param ... nothing
#' @return `estfun()`: matrix (subjects, parameters) of the derivatives of each subject's log-likelihood in `coef(x)`,
#'   times its sampling weight, rows named by id. `bread()`: the number of subjects times the inverse of the observed
#'   information.
#' @section Errors: `gbtm_no_standard_error` where the data do not determine some parameter.
#' @examplesIf gbtm_engine()$available && requireNamespace("sandwich", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' all.equal(sandwich::sandwich(fit), vcov(fit, cov_type = "robust"))
#' @name estfun.gbtm
NULL

#' @rdname estfun.gbtm
#' @method estfun gbtm
#' @rawNamespace S3method(sandwich::estfun,gbtm)
#' @rawNamespace S3method(estfun, gbtm)
estfun.gbtm <- function(x, ...) {
  check_dots(...)
  answer <- fitted_answer("scores", document_text(x))
  scores <- rows_of(answer$scores, answer$arrays)
  dimnames(scores) <- list(id_labels(x$ids), names(x$coefficients))
  scores
}

#' @rdname estfun.gbtm
#' @exportS3Method sandwich::bread
bread.gbtm <- function(x, ...) {
  check_dots(...)
  v <- with_cov_type(x, "hessian")$vcov
  if (anyNA(v)) {
    unknown <- names(x$coefficients)[is.na(diag(v))]
    stop_gbtm("no_standard_error", sprintf("x: %s %s no standard error.", listing(unknown),
                                           if (length(unknown) > 1) "have" else "has"), "x",
              "The fit's warnings say why; without such a parameter the model has a sandwich.")
  }
  x$n_subjects * v
}
