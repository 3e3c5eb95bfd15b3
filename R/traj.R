#' Run a command of Stata's traj
#'
#' Reads the command's own syntax, fits it, and prints traj's table. Options that cannot be honoured are errors that say
#' so; none is ignored silently. The start is not traj's, so that a better optimum may be found; see [start_report()].
#'
#' @param command the command text, for example
#'   `"traj, var(y_1-y_5) indep(t_1-t_5) model(zip) order(2 2) iorder(0)"`
#' @param data wide data frame, one row per subject, with the columns the command names
#' @param id name of the column with the subjects' ids; row numbers when not given
#' @param matrices named list of the matrices that the command names, such as `start(b0)` or `plottcov(m)`; those that
#'   are not in it are looked for among your variables
#' @param cov_type `"traj"`, as Stata's traj does, or `"hessian"`
#' @param control settings of the search, from [gbtm_control()]
#'
#' @return A fit, see [gbtm()], of additional class `traj`: `print()` shows traj's table, which is also in
#'   `$traj$text`. The parameters' names in traj's `e(b)` are in `$traj_names`.
#' @section Errors: Conditions of class `gbtm_error`, for example `gbtm_unknown_column`, `gbtm_not_yet`.
#' @examplesIf gbtm_engine()$available
#' d <- read.csv(system.file("extdata", "offenses.csv", package = "gbtm"))
#' wide <- reshape(d, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide", sep = "_")
#' for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
#' traj("traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)", data = wide)
#' @export
traj <- function(command, data, id = NULL, matrices = list(), cov_type = "traj", control = gbtm_control()) {
  call <- match.call()
  check_data(data)
  check_control(control)
  if (!is.character(command) || length(command) != 1 || is.na(command)) {
    stop_gbtm("not_traj", sprintf("command: %s is not a command text.", shown(command)), "command",
              "It reads \"traj, var(..) indep(..) model(..) order(..)\".")
  }
  command <- enc2utf8(command)
  needed <- bridge_read_command(command, names(data), call)
  columns <- names(data)[names(data) %in% unlist(needed$columns)]
  table <- lapply(stats::setNames(nm = columns), function(name) numeric_column(data[[name]], name))
  coded <- traj_ids(data, id)
  given <- named_matrices(needed$matrices, matrices, parent.frame())
  options <- search_options(control, cov_type)
  answer <- bridge_command(command, table, id, coded, given, options, control, call)
  fit <- new_gbtm(answer$document, answer$arrays, call = call, traj = answer$traj)
  fit$rows_read <- list(ids = coded$ids, label = row.names(data))
  warn_findings(fit$warnings, call)
  fit
}

# Ids in the order of the rows, missing ones included.
traj_ids <- function(data, id) {
  coded <- wide_ids(data, id)
  list(ids = coded$ids[coded$codes + 1], name = coded$name)
}

# The matrices a command names, `wanted` = list(start = "b0"), by row.
named_matrices <- function(wanted, matrices, frame) {
  names <- unlist(wanted)
  lapply(stats::setNames(nm = unique(names)), function(name) {
    found <- matrices[[name]]
    if (is.null(found)) found <- get0(name, frame, mode = "numeric")
    option <- names(names)[match(name, names)]
    if (!is.numeric(found)) {
      stop_gbtm(paste0("bad_", option), sprintf("%s(%s): no matrix of that name was given.", option, name), option,
                sprintf("Pass matrices = list(%s = c(...)), or write the numbers into the command.", name))
    }
    json_array(as.vector(t(found)))
  })
}
