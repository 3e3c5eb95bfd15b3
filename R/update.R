#' Fit a model again with changes
#'
#' The call that made the fit is repeated with other arguments, as [stats::update()] does for all models.
#'
#' @param object a fit that was made here, by [gbtm()], [traj()] or a search
#' @param formula. changes of the formula, in which a dot stands for what was there
#' @param ... arguments of [gbtm()], which take the place of those of the call or come beside them
#' @param evaluate `FALSE` returns the call instead of making it
#' @return A fit, or the call.
#' @section Errors: `gbtm_no_call` for a fit that was read by [read_gbtm()], since a file has no call to repeat: fits
#'   kept by `saveRDS()` have it.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(offenses ~ age, data = offending, id = "id", groups = 2, order = 1, family = "zip")
#' update(fit, groups = 1)
#' @importFrom stats update
#' @export
update.gbtm <- function(object, formula., ..., evaluate = TRUE) { # nolint: object_name_linter.
  refuse_part(object)
  if (is_several(object) && !missing(formula.) && inherits(formula., "formula")) {
    stop_gbtm("several_outcomes", sprintf("formula.: the fit has %d outcomes, and this is one formula.",
                                          length(outcome_names(object))), "formula.",
              "Give the list of all: update(fit, formula = list(...)).", sys.call())
  }
  if (is.null(object$call)) {
    stop_gbtm(
      "no_call", "object: this fit was read from a file, and a file has no call to repeat.", "object",
      sprintf(paste("Write it out: gbtm(%s, data = ..., groups = ..., start = ...); grolts_report() writes the code of",
                    "a fit. saveRDS() keeps fits with their call."), formula_words(object)), sys.call()
    )
  }
  NextMethod()
}
