#' Write a report of a fit
#'
#' Tables, figures, attrition, the GRoLTS checklist (van de Schoot et al. 2017, *Structural Equation Modeling* 24,
#' 451-467) filled in as far as software can know, with a prompt where only the author can, and the code in R, Python
#' and Stata that makes the fit again.
#'
#' @param x the final fit, or a search, whose best model by `criterion` is reported
#' @param file file to write; an existing one is replaced
#' @param format `"html"`, one page; `"md"`, with its pictures in a folder beside it; `"docx"`, Word. By default by the
#'   ending of `file`
#' @param author,title for the head of the report
#' @param data_description a paragraph on the sample and the outcome; a prompt stands there without it
#' @param search the search from which a fit was chosen
#' @param criterion by which the best model of a search is the final one
#' @param checks whether to make residual checks of the final fit, see [residual_checks()], and show them; of a fit of
#'   several outcomes there are none, as they are of one, none of people on disk, as they are of each person, and none
#'   of categories without an order, which have no residuals
#' @param level level of the intervals of estimates
#' @param data_file name of the data in the code
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param distal what [distal()] and [predictors()] returned of the final fit, one or a list: a section on what the
#'   groups lead to, and what leads to them
#' @return Path of the file, invisibly. The report on several outcomes speaks of each; that of a dual model has the
#'   tables of how the two sets of groups go together.
#' @section Errors: `gbtm_unknown_format`, `gbtm_no_folder`, `gbtm_bad_level`, `gbtm_bad_distal`;
#'   `gbtm_missing_library` where the engine's Python lacks what a format needs.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' report <- file.path(tempdir(), "offenses.md")
#' grolts_report(fit, report, checks = FALSE)
#' head(readLines(report))
#' @export
grolts_report <- function(x, file, format = NULL, author = NULL, title = NULL, data_description = NULL, search = NULL,
                          criterion = "bic_subjects", checks = TRUE, level = 0.95, data_file = "data.csv",
                          progress = interactive(), distal = NULL) {
  check_names()
  call <- match.call()
  check_path(file, "file")
  options <- list(format = format, author = author, title = title, data_description = data_description,
                  criterion = criterion_name(criterion),
                  checks = check_flag(checks, "checks"), level = json_number(check_level(level)),
                  data_file = data_file)
  if (!is.null(search)) {
    check_search(search, "search")
    options$search <- structure(search_text(search), class = "json")
  }
  final <- if (inherits(x, "gbtm_search")) best(x, criterion) else x
  check_fit(final)
  refuse_part(final)
  if (missing(checks)) options$checks <- !is_several(final) && !is_on_disk(final) && has_mean(final$curves)
  options$said <- list(warnings = json_array(vapply(final$warnings, `[[`, "", "message")),
                       sentence = final$search$sentence)
  options$distal <- sent_results(distal, call)
  sent <- printed_object(x)
  long_answer("grolts_report", sent$text, sent$kind, path.expand(file), as_request(options), progress = progress,
              call = call)
  invisible(file)
}

#' Results of step three for a report: what was asked, and the words of R
#' @noRd
sent_results <- function(distal, call) {
  if (is.object(distal) || !is.list(distal)) distal <- if (!is.null(distal)) list(distal)
  odd <- Filter(function(x) !inherits(x, c("gbtm_distal", "gbtm_predictors")), distal)
  if (length(odd)) {
    stop_gbtm("bad_distal", sprintf("distal: an object of class %s is no distal outcome.", class(odd[[1]])[1]),
              "distal", "Give what distal() or predictors() returned (not of method = \"traj\"), or a list of such.",
              call)
  }
  if (!length(distal)) return(NULL)
  lapply(seq_along(distal), function(k) {
    x <- distal[[k]]
    prefix <- sprintf("distal %d ", k)
    columns <- x$request$columns
    for (i in seq_along(columns)) send_column(paste0(prefix, i - 1), as.double(columns[[i]]$x))
    list(document = document_text(x$fit), call = x$request$call, prefix = prefix, formula = x$formula,
         columns = lapply(columns, function(column) column[names(column) != "x"]), warnings = json_array(x$warnings))
  })
}

#' Tables for papers
#'
#' @param x a fit, a search, or any data frame, such as [adequacy()] or [group_shares()] return
#' @param format `"markdown"`, `"latex"`, `"html"` or `"docx"` (Word)
#' @param file where to write it too; needed for `"docx"`
#' @param what of a fit `"estimates"` (default), `"groups"` (shares and adequacy) or `"odds_ratios"`, of a dual model
#'   also `"transitions"`, `"reverse"`, `"joint"`, `"margins"` (see [transitions()]), `"independence"`,
#'   `"association"` or `"two_step"`; of a search `"choice"` (default), `"classification"` or `"cases"`
#' @param caption instead of the table's own
#' @param notes further sentences below the table
#' @param digits decimals by column (of a data frame) or by kind of number, as a named vector, for example
#'   `c(p = 2, estimate = 4)`
#' @param level level of the intervals
#' @return The text, of class `gbtm_table`, which `print()` shows as it is and which knitr takes as it is; for `"docx"`
#'   the path, invisibly. See also [tidy.gbtm] for tables by modelsummary, gt and the like.
#' @section Errors: `gbtm_unknown_format`, `gbtm_unknown_table`, `gbtm_bad_table`; `gbtm_missing_library` where the
#'   engine's Python lacks what a format needs.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' try(to_table(fit, what = "groups"))
#' @export
to_table <- function(x, format = c("markdown", "latex", "html", "docx"), file = NULL, what = NULL, caption = NULL,
                     notes = character(), digits = NULL, level = 0.95) {
  check_names()
  call <- match.call()
  format <- match_choice(format, c("markdown", "latex", "html", "docx"), "format")
  if (is.null(file) && format == "docx") {
    stop_gbtm("no_file", "file: a Word table goes to a file.", "file", "For example file = \"table.docx\".", call)
  }
  if (!is.null(file)) check_path(file, "file")
  options <- list(what = what, caption = caption, notes = json_array(notes), level = json_number(check_level(level)),
                  digits = if (!is.null(digits)) as.list(digits))
  sent <- printed_object(x)
  if (sent$kind == "table") options$index <- sent$index
  answer <- call_bridge("to_table", sent$text, sent$kind, format, if (is.null(file)) "" else path.expand(file),
                        as_request(options), call = call)
  if (format == "docx") return(invisible(file))
  structure(answer$text, class = "gbtm_table", format = format)
}

#' @export
print.gbtm_table <- function(x, ...) {
  check_dots(...)
  cat(x, if (!endsWith(x, "\n")) "\n", sep = "")
  invisible(x)
}

#' @exportS3Method knitr::knit_print
knit_print.gbtm_table <- function(x, ...) { # nolint
  check_dots(..., known = c("options", "inline"))
  structure(as.character(x), class = "knit_asis", knit_cacheable = NA)
}

check_path <- function(path, argument) {
  if (!is.character(path) || length(path) != 1 || is.na(path)) {
    stop_gbtm("no_file", sprintf("%s: %s is not a path.", argument, shown(path)), argument, "For example \"fit.html\".")
  }
}

# A fit, search or data frame as the engine's text, and what it is.
printed_object <- function(x) {
  if (inherits(x, "gbtm_search")) return(list(text = search_text(x), kind = "search"))
  if (!is.data.frame(x)) {
    check_fit(x)
    refuse_part(x)
    return(list(text = document_text(x), kind = "fit"))
  }
  numbers <- vapply(x, function(column) is.numeric(column) && !is.object(column), NA)
  for (at in which(numbers)) send_column(paste("column", at), as.double(x[[at]]))
  columns <- lapply(seq_along(x), function(at) if (!numbers[at]) json_array(as.character(x[[at]])))
  named <- is.character(attr(x, "row.names"))
  list(kind = "table", index = named, text = as_request(list(
    names = json_array(names(x)), columns = columns, whole = json_logical(vapply(x, is.integer, NA)),
    rows = if (named) json_array(row.names(x))
  )))
}

json_logical <- function(x) structure(sprintf("[%s]", paste(tolower(x), collapse = ",")), class = "json")
