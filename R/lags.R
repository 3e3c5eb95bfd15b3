# Earlier outcomes among the time-varying covariates: `tcov = ~ log1p(lag(y))`. The call is read and never evaluated
# (the lag() of the stats package shifts the times of a series, which is something else); in its place comes a column
# that is called so.

#' A table with the columns that `lag(y)` asks for
#'
#' @param asked `tcov` as the user gave it
#' @param data,columns the table, and what [long_columns()] returned of it
#' @param wave values of the column that counts the waves, or NULL
#' @param waves those of a fit, for new people
#' @return NULL without a call of lag(); or a list: `data`, the table with the columns; `asked`, the formula that names
#'   them; `rows` and `values` (n, L), where each comes from, counted from 0, below 0 for none; `terms`, `waves`,
#'   `notes`
#' @noRd
lagged_columns <- function(asked, data, columns, wave, waves = NULL) {
  formula <- lag_formula(asked, names(data))
  if (is.null(formula)) return(NULL)
  calls <- named_lags(formula[[2]], columns$outcome_name)
  formula[[2]] <- calls$node
  found <- calls$found
  told <- if (is.null(wave)) columns$time else wave
  answer <- fitted_answer("lag_columns", as_request(list(
    terms = unname(lapply(found, function(t) t[c("outcome", "by", "first", "gaps")])), is_fit = is.null(waves),
    repeated = isTRUE(columns$repeated), waves = if (!is.null(waves)) json_array(waves)
  )), as_doubles(columns$subject), as_doubles(told), as_doubles(columns$y))
  rows <- matrix(decode(answer$rows, answer$arrays), ncol = length(found))
  values <- matrix(decode(answer$values, answer$arrays), ncol = length(found))
  for (j in seq_along(found)) data[[names(found)[j]]] <- values[, j]
  list(data = data, asked = formula, rows = rows, values = values, terms = unname(found),
       waves = as.double(decode(answer$waves, answer$arrays)), notes = answer$notes)
}

# Wide data as rows, with the names of `wide` that covariates with lag() use besides the outcome.
rows_of_wide <- function(asked, data, wide, columns) {
  formula <- lag_formula(asked, names(wide))
  names <- if (!is.null(formula)) setdiff(all.vars(formula), c(columns$outcome_name, columns$time_name))
  rows <- stats::setNames(data.frame(columns$time, columns$y), c(columns$time_name, columns$outcome_name))
  if (length(names)) rows[names] <- wide_covariates(names, data, wide, columns$waves, "tcov")
  rows
}

# What is sent and kept of covariates, with what lags are made of.
with_lags <- function(found, lagged, columns) {
  found$kept$lags <- lagged$waves
  found$sent[c("lag_rows", "lag_values")] <- list(as.vector(lagged$rows), as.vector(lagged$values))
  found$request$lags <- lag_request(lagged, jsonlite::fromJSON(found$request$tcov_names), columns$time_name)
  found$request$notes <- c(found$request$notes, lagged$notes)
  found
}

# The formula of `tcov` where it calls lag(), else NULL; of names of columns and calls in quotes their sum.
lag_formula <- function(asked, columns) {
  names_columns <- !is.character(asked) || is_formula_text(asked) || all(asked %in% columns)
  if (!names_columns && any(grepl("\\blag\\(", asked))) {
    asked <- paste("~", paste(ifelse(asked %in% columns, sprintf("`%s`", asked), asked), collapse = " + "))
  }
  formula <- tryCatch(one_sided(asked, "tcov"), gbtm_bad_formula = function(e) NULL)
  if (!is.null(formula) && "lag" %in% all.names(formula)) formula
}

# An expression with the columns' names in place of the calls of lag(), and what these ask for, by column.
named_lags <- function(node, outcome) {
  found <- list()
  named <- function(node) {
    if (!is.call(node)) return(node)
    if (!identical(node[[1]], quote(lag))) return(as.call(lapply(as.list(node), named)))
    term <- lag_term(node, outcome)
    if (!is.null(found[[term$column]]) && !identical(found[[term$column]], term)) {
      bad_lag(node, sprintf("%s stands there in two ways", term$column))
    }
    found[[term$column]] <<- term
    as.name(term$column)
  }
  list(node = named(node), found = found)
}

# What a call of lag() asks for.
lag_term <- function(node, outcome) {
  given <- tryCatch(as.list(match.call(function(x, by = 1, first = "drop", gaps = "drop") NULL, node))[-1],
                    error = function(e) bad_lag(node, "it has arguments that are not known"))
  name <- if (is.character(given$x)) given$x else gsub("`", "", deparse_line(given$x))
  if (!identical(name, outcome)) bad_lag(node, sprintf("the outcome is '%s'", outcome))
  values <- utils::modifyList(list(by = 1, first = "drop", gaps = "drop"), given[names(given) != "x"])
  for (argument in names(values)) {
    value <- values[[argument]]
    if (!is.numeric(value) && !is.character(value)) bad_lag(node, sprintf("%s is no number and no text", argument))
  }
  if (!is_lag(values)) bad_lag(node, "it has values that it cannot have")
  term <- list(outcome = name, by = values$by, first = if (is.numeric(values$first)) values$first, gaps = values$gaps)
  term$column <- if (term$by == 1) sprintf("lag(%s)", name) else sprintf("lag(%s, %d)", name, as.integer(term$by))
  term
}

is_lag <- function(values) {
  is_number(values$by) && values$by %in% 1:50 && values$gaps %in% c("drop", "last") &&
    (is.numeric(values$first) || identical(values$first, "drop"))
}

bad_lag <- function(node, why) {
  stop_gbtm("bad_lag", sprintf("tcov: '%s': %s.", deparse_line(node), why), "tcov", paste(
    "Write lag(y), y the outcome, or lag(y, 2) for the wave before that, with first = 0 to keep the first wave and",
    "gaps = \"last\" to take the last outcome seen where waves were missed."))
}

#' New rows with columns for the calls of lag() in the fit's `tcov`
#'
#' Columns that are called so are taken as they are; else they are made of the rows, where these are histories.
#' @return list: `data`, and `inputs`, whose `tcov` names the columns
#' @noRd
with_lag_columns <- function(fit, newdata, inputs) {
  formula <- if (is.null(inputs$wide) && !is.null(inputs$tcov)) lag_formula(inputs$tcov, names(newdata))
  if (is.null(formula)) return(list(data = newdata, inputs = inputs))
  calls <- named_lags(formula[[2]], fit$outcome_name)
  history <- c(ids_asked(fit), fit$outcome_name)
  if (!all(names(calls$found) %in% names(newdata)) && all(history %in% names(newdata))) {
    columns <- long_columns(fit_parts(fit, names(newdata)), newdata, ids_asked(fit))
    made <- lagged_columns(inputs$tcov, newdata, columns, wave_column(inputs$wave, newdata, NULL), inputs$kept$lags)
    given <- intersect(names(calls$found), names(newdata))
    newdata <- replace(made$data, given, newdata[given])
  }
  formula[[2]] <- calls$node
  inputs$tcov <- formula
  list(data = newdata, inputs = inputs)
}

# What the engine keeps of the lags: the terms, the waves, and the parts of each covariate, as Python writes them.
lag_request <- function(lagged, names, time) {
  columns <- vapply(lagged$terms, `[[`, "", "column")
  list(
    terms = lapply(lagged$terms, function(t) t[c("outcome", "by", "first", "gaps")]),
    waves = json_array(lagged$waves), time = time,
    parts = lapply(as.list(names), function(name) {
      json_array(vapply(strsplit(name, ":", fixed = TRUE)[[1]], lag_part, "", columns, USE.NAMES = FALSE))
    })
  )
}

lag_part <- function(text, columns) {
  here <- columns[vapply(columns, grepl, NA, text, fixed = TRUE)]
  if (!length(here)) return(sprintf("`%s`", text))
  for (column in here) text <- gsub(column, sprintf("`%s`", column), text, fixed = TRUE)
  gsub("^", "**", text, fixed = TRUE)
}
