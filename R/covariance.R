# Standard errors of other kinds than those that the fit was asked for.

cov_types <- c("hessian", "robust", "cluster", "traj")

#' The same fit with other standard errors
#'
#' @param cov_type as for [gbtm()]; NULL leaves the fit as it is
#' @noRd
with_cov_type <- function(fit, cov_type, call = NULL) {
  if (is.null(cov_type)) return(fit)
  if (!is.character(cov_type) || length(cov_type) != 1 || !cov_type %in% cov_types) {
    stop_gbtm("bad_cov_type", sprintf("cov_type: %s is not known.", shown(cov_type)), "cov_type",
              sprintf("Use one of %s.", paste0("\"", cov_types, "\"", collapse = ", ")), call)
  }
  if (identical(cov_type, fit$cov_type)) return(fit)
  answer <- fitted_answer("with_cov_type", document_text(fit), cov_type, call = call)
  other <- new_gbtm(answer$document, answer$arrays)
  changed <- c("vcov", "cov_type", "identified", "cov_shares", "curves", "internal", "document")
  fit[changed] <- other[changed]
  fit
}

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
