# Which rows of a table are fitted: `subset` and `na.action`, as R's users know them from lm().

#' The rows that `subset` keeps
#'
#' @param expression what the user wrote, evaluated among the columns and then in `frame`; NULL keeps all
#' @return the table; a row where the condition is missing is left out, as in [base::subset()]
#' @noRd
subset_rows <- function(data, expression, frame) {
  if (is.null(expression)) return(data)
  shown <- deparse_line(expression)
  kept <- tryCatch(eval(expression, data, frame), error = function(e) {
    stop_gbtm("bad_subset", sprintf("subset: '%s' cannot be computed: %s.", shown, conditionMessage(e)), "subset",
              sprintf("Give a condition on the columns; they are %s.", listing(names(data))))
  })
  if (is.null(kept)) return(data)
  rows <- seq_len(nrow(data))
  if (is.logical(kept) && length(kept) == nrow(data)) {
    rows <- which(kept)
  } else if (is.numeric(kept) && all(abs(kept) %in% rows) && !anyDuplicated(kept) && length(unique(sign(kept))) < 2) {
    rows <- rows[kept]
  } else {
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
    stop_gbtm("bad_na.action", sprintf("na.action: %s is not known here.", if (is.function(given)) "this function" else
      shown(given)), "na.action",
      "Leave it out: incomplete observations are dropped and counted. na.fail makes them an error.")
  }
  name == "na.fail"
}

# Refuse missing values among what a model asks of the table.
refuse_missing <- function(asked) {
  columns <- asked$columns
  of_people <- asked$further$sent
  values <- c(stats::setNames(columns[c("subject", "time", "y")],
                              c(columns$id_name, columns$time_name, columns$outcome_name)), of_people)
  lost <- vapply(values, function(x) sum(is.na(x)), 0)
  if (!any(lost > 0)) return(invisible())
  name <- names(lost)[lost > 0][1]
  stop_gbtm("missing_values", sprintf("%s: %d %s missing, and na.action is na.fail.", name, lost[[name]],
                                      if (lost[[name]] == 1) "value is" else "values are"), name,
            "Without na.action incomplete observations are dropped and counted.")
}
