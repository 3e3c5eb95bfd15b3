#' Hold a fit against a printout of Stata's traj or SAS Proc Traj
#'
#' Finds the printed table in a log, matches the groups, puts both side by side, counts differences in standard errors,
#' and says what explains them: another optimum, the n in BIC, the convention of the standard errors, another scale of
#' time or outcome, a sigma common to all groups or not, other orders or data, or one of traj's known faults.
#'
#' @param object a fit
#' @param text a Stata log or SAS listing with a traj table, of any age: one string, or its lines as [readLines()] gives
#'   them
#' @param which the table wanted where the text has several: 1 is the first, `NULL` the last
#'
#' @return A list of class `gbtm_comparison`; `print()` shows all of it.
#'   \describe{
#'     \item{`agree`}{log-likelihood, estimates (0.01 standard errors) and standard errors (0.1 %) agree, but for
#'       rounding}
#'     \item{`same_optimum`}{log-likelihood and estimates agree, perhaps on another scale}
#'     \item{`verdict`}{one sentence}
#'     \item{`sentences`, `codes`}{what explains the differences, and a stable name for each sentence}
#'     \item{`table`}{data frame, one row per parameter: `group`, `group_printout`, `parameter`, `estimate`,
#'       `estimate_printout`, `difference` (in standard errors), `se`, `se_printout`, `se_ratio`, `agrees`}
#'     \item{`groups`}{the printout's number of each group}
#'     \item{`start`}{the printed estimates as start values for [gbtm()], with time and outcome in the printout's units,
#'       or `NULL`}
#'     \item{`text`}{what `print()` shows}
#'   }
#' @section Errors: `gbtm_no_table` where the text has no traj table, or not that many.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(offenses ~ age, data = offending, id = "id", groups = 2, order = 2, family = "zip")
#' # In place of a log of Stata's, where time is (age - 13.5) / 3.5:
#' wide <- reshape(offending, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide",
#'                 sep = "_")
#' for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
#' command <- "traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)"
#' theirs <- traj(command, wide)
#' compare_traj(fit, theirs$traj$text)
#' @export
compare_traj <- function(object, text, which = NULL) {
  check_names()
  call <- match.call()
  check_fit(object)
  refuse_all_outcomes(object, "compare_traj()")
  text <- one_text(text, "no_table", "of a log", "Give its lines, for example readLines(\"traj.log\").", call)
  which <- table_number(which, call)
  answer <- call_bridge("compare_traj", document_text(object), text, which, call = call)
  found <- answer[c("agree", "same_optimum", "verdict", "sentences", "codes", "groups", "text")]
  found$sentences <- as.character(unlist(found$sentences))
  found$codes <- as.character(unlist(found$codes))
  found$groups <- as.integer(found$groups)
  found$table <- comparison_table(answer$table)
  found$start <- answer$start
  structure(found, class = "gbtm_comparison")
}

# Lines or one string as one string; `what` and `way_out` go into the error for anything else.
one_text <- function(text, code, what, way_out, call, argument = "text") {
  if (!is.character(text) || !length(text) || anyNA(text)) {
    stop_gbtm(code, sprintf("%s: %s is not the text %s.", argument, shown(text), what), argument, way_out, call)
  }
  enc2utf8(paste(text, collapse = "\n"))
}

# The engine counts tables from 0, and -1 is the last.
table_number <- function(which, call) {
  if (is.null(which)) return("-1")
  if (!is.numeric(which) || length(which) != 1 || !isTRUE(which >= 1 && which == round(which))) {
    stop_gbtm("no_table", sprintf("which: %s is not the number of a table.", shown(which)), "which",
              "Give 1 for the first table, or NULL for the last.", call)
  }
  format(which - 1, scientific = FALSE)
}

# Columns of JSON as a data frame: null is missing.
comparison_table <- function(columns) {
  columns <- lapply(columns, function(x) if (is.list(x)) rep(NA, length(x)) else x)
  whole <- c("group", "group_printout")
  columns[whole] <- lapply(columns[whole], as.integer)
  numbers <- setdiff(names(columns), c(whole, "parameter", "agrees"))
  columns[numbers] <- lapply(columns[numbers], as.double)
  as.data.frame(columns, stringsAsFactors = FALSE)
}

#' @export
print.gbtm_comparison <- function(x, ...) {
  check_dots(...)
  cat(x$text)
  invisible(x)
}
