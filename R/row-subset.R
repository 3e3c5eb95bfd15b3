# Which rows of a table are fitted: `subset` and `na.action`, as R's users know them from lm().

#' The rows that `subset` keeps
#'
#' @param expression what the user wrote, evaluated among the columns and then in `frame`; NULL keeps all
#' @return the table; a row where the condition is missing is left out, as in [base::subset()]
#' @noRd
subset_rows <- function(data, expression, frame) {
  if (is.null(expression)) return(data)
  shown <- deparse_line(expression)
  kept <- evaluated_subset(expression, shown, data, frame)
  if (is.null(kept)) return(data)
  rows <- kept_rows(kept, nrow(data))
  if (is.null(rows)) {
    stop_gbtm("bad_subset", sprintf(
      "subset: '%s' gives neither TRUE or FALSE for each of the %d rows nor their numbers.", shown, nrow(data)
    ), "subset", "For example subset = age > 12.")
  }
  if (!length(rows)) {
    stop_gbtm("bad_subset", sprintf("subset: '%s' leaves no row.", shown), "subset",
              "Give a condition that some rows meet.")
  }
  data[rows, , drop = FALSE]
}

# The value of `subset`; `shown` is its text, for the error.
evaluated_subset <- function(expression, shown, data, frame) {
  tryCatch(eval(expression, data, frame), error = function(e) {
    stop_gbtm("bad_subset", sprintf("subset: '%s' cannot be computed: %s.", shown, conditionMessage(e)), "subset",
              sprintf("Give a condition on the columns; they are %s.", listing(names(data))))
  })
}

# The numbers of the rows that a value of `subset` keeps; NULL where it is neither a condition nor numbers of rows.
kept_rows <- function(kept, n) {
  if (is.logical(kept) && length(kept) == n) return(which(kept))
  if (are_row_numbers(kept, n)) seq_len(n)[kept]
}

# Rows to keep or, negative, to leave out: each at most once, and not both kinds together.
are_row_numbers <- function(kept, n) {
  is.numeric(kept) && all(abs(kept) %in% seq_len(n)) && !anyDuplicated(kept) && length(unique(sign(kept))) < 2
}

# TRUE where missing values are to be an error. Otherwise what is incomplete is dropped and counted, always.
fails_on_missing <- function(given) {
  if (is.null(given)) return(FALSE)
  actions <- list(na.omit = stats::na.omit, na.exclude = stats::na.exclude, na.fail = stats::na.fail)
  name <- if (is.character(given) && length(given) == 1) {
    given
  } else {
    names(actions)[vapply(actions, identical, NA, given)]
  }
  if (!length(name) || !name %in% names(actions)) {
    what <- if (is.function(given)) "this function" else shown(given)
    stop_gbtm("bad_na.action", sprintf("na.action: %s is not known here.", what), "na.action",
              "Leave it out: incomplete observations are dropped and counted. na.fail makes them an error.")
  }
  name == "na.fail"
}

# Refuse missing values among what a model asks of the table.
refuse_missing <- function(asked) {
  columns <- asked$columns
  of_people <- asked$further$sent
  of_people$known <- NULL # who is not known has no value
  values <- c(stats::setNames(columns[c("subject", "time", "y")],
                              c(columns$id_name, columns$time_name, columns$outcome_name)), of_people)
  lost <- vapply(values, function(x) sum(is.na(x)), 0)
  if (!any(lost > 0)) return(invisible())
  name <- names(lost)[lost > 0][1]
  stop_gbtm("missing_values", sprintf("%s: %d %s missing, and na.action is na.fail.", name, lost[[name]],
                                      if (lost[[name]] == 1) "value is" else "values are"), name,
            "Without na.action incomplete observations are dropped and counted.")
}
