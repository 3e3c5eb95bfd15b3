#' Run SAS Proc Traj statements
#'
#' Reads one `PROC TRAJ` step, translates it into the command of Stata's traj for the same model, and runs that with
#' [traj()]. Output data sets and plot macros are left out; an unknown statement is an error that names it. Variable
#' lists read `x1-x5`, `a--b` (columns side by side) and `x:` (all that begin with x), upper and lower case alike.
#'
#' @param text the step: one string, or its lines
#' @param data wide data frame, one row per subject, with the columns the step names
#' @param id name of the column with the subjects' ids, in place of the step's `ID`
#' @param ... further arguments of [traj()]: `cov_type`, `control`
#'
#' @return A fit, see [traj()]. A default of Proc Traj that the step does not write, such as `MIN 0`, is told as a
#'   warning of class `gbtm_assumed`.
#' @section Errors: Conditions of class `gbtm_error`, for example `gbtm_unknown_option`, `gbtm_unknown_column`.
#' @examplesIf gbtm_engine()$available
#' d <- read.csv(system.file("extdata", "offenses.csv", package = "gbtm"))
#' wide <- reshape(d, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide", sep = "_")
#' for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
#' proc_traj("PROC TRAJ DATA=wide OUT=of; ID id; VAR offenses_10-offenses_17; INDEP t_10-t_17;
#'            MODEL ZIP; IORDER 0; NGROUPS 2; ORDER 2 2; RUN;", data = wide)
#' @export
proc_traj <- function(text, data, id = NULL, ...) {
  call <- match.call()
  check_data(data)
  text <- one_text(text, "not_traj", "of a PROC TRAJ step",
                   "It reads \"PROC TRAJ DATA=..; VAR ..; INDEP ..; MODEL ..; ORDER ..; RUN;\".", call)
  read <- call_bridge("read_proc", text, as.character(json_array(names(data))), call = call)
  for (sentence in read$assumed) {
    warning(gbtm_condition("assumed", sentence, NULL, "", call, c("gbtm_warning", "warning")))
  }
  fit <- traj(read$command, data, id = if (is.null(id)) read$id else id, ...)
  fit$call <- call
  fit
}
