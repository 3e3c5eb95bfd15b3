#' The observations of a fit, and its formula's terms
#'
#' `model.frame()` is what was fitted: rows with a missing outcome, time, id or covariate are not in it. A fit keeps the
#' columns of its design, not the table: a factor among the covariates stands there as its contrasts, `sexwoman`, under
#' the name that it has in [coef.gbtm()].
#'
#' @param formula,x,object a fit
#' @param ... nothing: an argument that does not exist is refused
#' @return `model.frame()`: data frame with a row for each of the `nobs()` observations, ordered and named as
#'   [fitted.gbtm()] is: the outcome, the time and the id under their own names, `tcov`, `risk` (the same on all rows
#'   of a subject), the exposure, and `(weights)`, each where the fit has it; a name that occurs twice gets an
#'   underscore. Covariates of dropout are not in it: they belong to waves, also those that were missed.
#'   Its attribute `terms` is `terms()`, so that `model.response()` and `model.weights()` take it.
#'
#'   `terms()`: terms object of `formula(x)`, the outcome and its time. The orders of the polynomials are no terms, and
#'   neither are covariates, which are arguments of [gbtm()] of their own.
#'
#'   `model.matrix()`: an error, since each group has a curve of its own order.
#' @section Errors: `gbtm_no_model_matrix`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(model.frame(fit))
#' terms(fit)
#' @name model_frame
NULL

#' @rdname model_frame
#' @importFrom stats model.frame
#' @export
model.frame.gbtm <- function(formula, ...) {
  check_dots(...)
  fit <- formula
  subject <- fit$data$subject
  columns <- c(
    list(fit$data$y, fit$data$time, user_ids(fit)[subject]), column_list(fit$data$covariates),
    column_list(membership_rows(fit)[subject, , drop = FALSE]),
    if (!is.null(fit$data$exposure)) list(fit$data$exposure),
    if (!is.null(fit$weights)) list(as.vector(fit$weights)[subject])
  )
  names <- c(
    fit$outcome_name, fit$time_name, fit$id_name, if (!is.null(fit$data$covariates)) fit$curves$covariates$names,
    fit$membership, if (!is.null(fit$data$exposure)) exposure_name(fit), if (!is.null(fit$weights)) "(weights)"
  )
  names(columns) <- apart(as.character(names), character())
  frame <- as.data.frame(columns, optional = TRUE, stringsAsFactors = FALSE)
  rows <- fit[["rows"]]
  if (!is.null(rows)) {
    by_row <- order(rows$position)
    frame <- frame[by_row, , drop = FALSE]
    row.names(frame) <- rows$label[by_row]
  }
  attr(frame, "terms") <- stats::terms(fit)
  frame
}

column_list <- function(x) if (!is.null(x)) lapply(seq_len(ncol(x)), function(j) x[, j])

# Membership covariates (N, R - 1) of each subject, as the document has them; (N, 0) where there are none.
membership_rows <- function(fit) {
  if (!length(fit$membership)) return(matrix(0, fit$n_subjects, 0))
  stored <- jsonlite::fromJSON(fit$document$text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  risk <- decode(stored$group_sets[[1]]$membership$risk, fit$document$arrays)
  if (is.list(risk)) risk <- fit$document$held[[risk$held]] # of a search, whose fits share it
  matrix(risk, fit$n_subjects)
}

# What the user calls the exposure, where that is one column or name of `wide`.
exposure_name <- function(fit) {
  own <- if (is.null(denominator_of(fit$inputs))) fit$read_as$exposure else denominator_of(fit$inputs)
  if (inherits(own, "formula") && is.name(own[[2]])) own <- as.character(own[[2]])
  if (is.character(own) && length(own) == 1 && !is_formula_text(own)) return(own)
  if (has_trials(fit)) "trials" else "exposure"
}

#' @rdname model_frame
#' @importFrom stats terms
#' @export
terms.gbtm <- function(x, ...) {
  check_dots(...)
  if (is_several(x)) refuse_several(outcome_names(x))
  stats::terms(x$formula)
}

#' @rdname model_frame
#' @importFrom stats model.matrix
#' @export
model.matrix.gbtm <- function(object, ...) {
  check_dots(...)
  stop_gbtm("no_model_matrix", "object: there is no one design matrix, since each group has a curve of its own order.",
            "object", paste("model.frame() has the observations, coef() the coefficients of each group's powers of",
                            "time, predict() the curves."), sys.call())
}
