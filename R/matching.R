# People with and without an event among those of like trajectories: the rows before the event, and a table to match by.

#' Tables for matching within groups
#'
#' Haviland and Nagin (2005) compare people with and without an event within groups of like trajectories before it.
#' `untreated_history()` gives the rows to fit the trajectories to, `matching_frame()` what matching and weighting need,
#' a row a person; [balance_table()] says how alike the two are. Matching itself is left to others, such as MatchIt:
#' `matchit(gang ~ x + prob_2 + prob_3, data = m, exact = ~group, method = "nearest", caliper = 0.2)`.
#'
#' @param fit a fit of the observations before the event; of one outcome of a dual model [of_outcome()]
#' @param people data frame with the treatment and covariates, a row a person or rows of a person that agree; joined to
#'   the fit by id, never by the order of rows
#' @param treatment name of a column, 1 for those who had the event and 0 for those who had not (or `TRUE`, `FALSE`);
#'   of whom it is missing is left out, with a warning
#' @param id name of the column or columns of the ids; of `matching_frame()` by default those of the fit
#' @param data data frame, a row an observation
#' @param event name of the column with the time of each person's event, on the scale of `time`; missing for who never
#'   had it
#' @param time name of the column of the times
#' @param start when the events that are studied begin: all rows from then on are cut, of everybody, and who had the
#'   event before is left out. Without it each person's rows are cut from his own event on, and who had it by his first
#'   observation is left out
#'
#' @return `untreated_history()`: the rows that stay, as they are; a warning tells how many people are left out and how
#'   many rows are cut. `matching_frame()`: data frame with the id; `group` and `prob_1`, `prob_2`, .. of the fit; the
#'   outcome at each time, such as `y@@11`, which formulas take in backticks; the columns of `people`. Its row names are
#'   the ids. The probabilities add up to 1: leave one out of a model.
#' @section Errors: `gbtm_bad_treatment`, `gbtm_taken_name`, `gbtm_unknown_column`, `gbtm_no_id_matches`,
#'   `gbtm_not_constant`, `gbtm_two_group_sets`; `gbtm_nobody` where no row stays.
#' @section Warnings: `gbtm_left_out`.
#' @section What it does not identify: what led to the event and to the outcome, and shows in neither covariates nor
#'   earlier observations. Observations at or after the event must not be in the fit.
#' @references Haviland and Nagin (2005, Psychometrika 70, 557-578, \doi{10.1007/s11336-004-1261-y}).
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' set.seed(1)
#' people <- data.frame(id = unique(fit$ids))
#' people$x <- rnorm(nrow(people))
#' people$gang <- rbinom(nrow(people), 1, plogis(assignment(fit) - 3))
#' m <- matching_frame(fit, people, "gang")
#' head(m)
#' balance_table(m, "gang", c("x", "prob_2", "prob_3"))
#' d <- data.frame(id = rep(1:3, each = 2), age = 11:12, joined = rep(c(12, 11, NA), each = 2))
#' untreated_history(d, "joined", "age", "id", start = 12)
#' @export
matching_frame <- function(fit, people, treatment, id = NULL) {
  check_names()
  call <- sys.call()
  check_fit(fit)
  people <- without_declared(check_table(people, "people"))$data
  check_column_name(treatment, "treatment")
  require_columns(people, treatment, "treatment")
  found <- people_ids(fit, people, id, call)
  asked_id <- if (is.null(id)) ids_asked(fit) else id
  own <- setdiff(names(people), asked_id)
  people[[treatment]] <- numeric_column(people[[treatment]], treatment)
  coded <- lapply(stats::setNames(nm = own), function(name) coded_column(people[[name]], name, call))
  columns <- c(stats::setNames(list(found$values), found$name), lapply(coded, `[[`, "x"))
  request <- c(sent_people(columns, found$name), list(treatment = treatment, id = found$name))
  answer <- fitted_answer("matching_frame", document_text(fit), as_request(request), call = call)
  warn_sentences(answer$sentences, "left_out", call)
  table <- answer_frame(answer$table, answer$arrays)
  for (name in own) table[[name]] <- coded[[name]]$back(table[[name]])
  who <- fit$ids[as.vector(decode(answer$people, answer$arrays))]
  ids <- stats::setNames(list(in_own_type(who, fit$own_ids)), found$name)
  taken <- intersect(names(ids), names(table))
  if (length(taken)) {
    stop_gbtm("taken_name", sprintf("people: its column '%s' has the name of the ids.", taken[1]), "people",
              "Rename it.", call)
  }
  made <- cbind(as.data.frame(ids, optional = TRUE, stringsAsFactors = FALSE), table)
  row.names(made) <- id_labels(who)
  made
}

#' @rdname matching_frame
#' @export
untreated_history <- function(data, event, time, id, start = NULL) {
  check_names()
  call <- sys.call()
  table <- without_declared(check_table(data, "data"))$data
  for (name in c("event", "time")) {
    check_column_name(get(name), name)
    require_columns(table, get(name), name)
  }
  if (!is.null(start)) start <- json_number(check_number(start, "start", call))
  ids <- id_values(table, id)
  columns <- c(stats::setNames(list(id_column(ids$values, ids$name)), ids$name),
               lapply(stats::setNames(nm = unique(c(event, time))), function(n) numeric_column(table[[n]], n)))
  request <- c(sent_people(columns, ids$name), list(event = event, time = time, id = ids$name, start = start))
  answer <- fitted_answer("untreated_history", as_request(request), call = call)
  warn_sentences(answer$sentences, "left_out", call)
  data[as.vector(decode(answer$rows, answer$arrays)), , drop = FALSE]
}

# Send columns, and tell the engine how to read them.
sent_people <- function(columns, id = "") {
  sent <- sent_columns(columns, id)
  for (i in seq_along(sent)) send_column(paste0("people", i - 1), as.double(sent[[i]]$x))
  list(columns = lapply(sent, function(column) column[names(column) != "x"]))
}

# A column as it crosses, and the function that gives what comes back its own type again. Dates and other classes cross
# as places among their distinct values.
coded_column <- function(values, name, call) {
  if (!is.atomic(values) || !is.null(dim(values))) {
    stop_gbtm("bad_column", sprintf("%s: not a plain column (class %s).", name, class(values)[1]), "people",
              "Leave it out, or make one column of it for each of its parts.", call)
  }
  if (is.factor(values)) {
    return(list(x = values, back = function(x) factor(x, levels(values), ordered = is.ordered(values))))
  }
  if (is.character(values)) return(list(x = values, back = identity))
  if (!is.object(values) && (is.numeric(values) || is.logical(values))) {
    return(list(x = as.double(values), back = function(x) in_storage(x, typeof(values))))
  }
  own <- unique(values[!is.na(values)])
  list(x = match(values, own), back = function(x) own[x])
}

in_storage <- function(x, type) {
  storage.mode(x) <- type
  x
}

warn_sentences <- function(sentences, code, call) {
  for (sentence in sentences) warning(gbtm_condition(code, sentence, NULL, "", call, c("gbtm_warning", "warning")))
}

check_table <- function(data, argument) {
  if (is.data.frame(data)) return(data)
  stop_gbtm("bad_data", sprintf("%s: an object of class %s is not a data frame.", argument, class(data)[1]), argument,
            "Give a data frame, tibble or data.table; for a matrix, as.data.frame().")
}

check_column_name <- function(value, argument) {
  if (is_text(value)) return(value)
  stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not the name of a column.", argument, shown(value)), argument,
            sprintf("Give %s = \"column\".", argument))
}

check_number <- function(value, argument, call) {
  if (is_number(value)) return(value)
  stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not one number.", argument, shown(value)), argument,
            "Give a time on the scale of the data.", call)
}
