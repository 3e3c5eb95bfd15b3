#' Run SAS Proc Traj statements
#'
#' Reads `PROC TRAJ` steps, translates each into the command of Stata's traj for the same model, and runs that with
#' [traj()]. Rows are selected by `WHERE` and by the data set options `WHERE=`, `OBS=`, `FIRSTOBS=`; several `ID`
#' variables name a person together; `%LET` is done; `%TRAJPLOT` after a step draws. Output data sets are left out; an
#' unknown statement is an error that names it. Variable lists read `x1-x5`, `a--b` (columns side by side) and `x:` (all
#' that begin with x), upper and lower case alike.
#'
#' @param text the steps: one string, or its lines
#' @param data wide data frame, one row per subject, with the columns the step names
#' @param id name of the column with the subjects' ids, in place of the step's `ID`
#' @inheritParams traj
#'
#' @return A fit, see [traj()], or a list of fits where the text has several steps. A default of Proc Traj that the step
#'   does not write, such as `MIN 0`, is told as a warning of class `gbtm_assumed`.
#' @section Errors: Conditions of class `gbtm_error`, for example `gbtm_unknown_option`, `gbtm_unknown_column`.
#' @examplesIf gbtm_engine()$available
#' wide <- reshape(offending, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide",
#'                 sep = "_")
#' for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
#' proc_traj("PROC TRAJ DATA=wide OUT=of; ID id; VAR offenses_10-offenses_17; INDEP t_10-t_17;
#'            MODEL ZIP; IORDER 0; NGROUPS 2; ORDER 2 2; RUN;", data = wide)
#' @export
proc_traj <- function(text, data, id = NULL, matrices = list(), cov_type = "traj", control = gbtm_control(),
                      seed = NULL, prior = NULL) {
  check_names()
  call <- match.call()
  check_data(data)
  control <- seeded(control, seed)
  ask_columns("id", environment(), data)
  text <- one_text(text, "not_traj", "of a PROC TRAJ step",
                   "It reads \"PROC TRAJ DATA=..; VAR ..; INDEP ..; MODEL ..; ORDER ..; RUN;\".", call)
  run_commands(text, "sas", data, id, matrices, cov_type, control, call, parent.frame(), prior)
}
