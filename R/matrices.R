# Outcomes and times as matrices, one row per person and one column per wave, as trajeR and crimCV take them: laid out
# as a wide table, with the `wide` that reads it.

#' The matrices that a call names, or NULL where it names a table
#'
#' @param formula `Y ~ A` with a matrix `Y`, or `Y` itself; then `data` is `A`
#' @param data the table that holds them or more; NULL where none was given
#' @param call,frame the user's call and where it was made
#' @return list: `y`, `time` (a matrix, a vector, or NULL where none was given) and their names, `right`, the right-hand
#'   side, `data`, `around`, the environment of further variables, and `written`, that of the formula
#' @noRd
outcome_matrix <- function(formula, data, wide, call, frame) {
  if (is_two_way(formula) && may_be_times(data)) {
    return(plain_matrices(formula, data, call, frame))
  }
  given <- !is.null(data)
  if (!given) data <- list()
  if (is_two_sided(formula) && is.null(wide) && is.list(data)) {
    laid <- formula_matrices(formula, data)
    if (!is.null(laid)) return(laid)
  }
  if (!given) {
    stop_gbtm("bad_data", "data: not given.", "data",
              "Give the data frame with the columns; a matrix with one row per person may stand in the formula: Y ~ A.")
  }
  NULL
}

may_be_times <- function(x) is.null(x) || is_two_way(x) || is.numeric(x)

is_two_sided <- function(x) inherits(x, "formula") && length(x) == 3

# The matrices of a call without a formula, called what the user's variables are called.
plain_matrices <- function(y, time, call, frame) {
  right <- as.name(name_or(call$data, "time"))
  list(y = y, time = time, y_name = name_or(call$formula, "y"), time_name = as.character(right), right = right,
       data = NULL, around = frame, written = frame)
}

# The matrices that a formula names, NULL where its left-hand side is none: then its variables are columns of a table.
formula_matrices <- function(formula, data) {
  around <- environment(formula)
  if (!is.data.frame(data)) around <- list2env(data[nzchar(names(data))], parent = around)
  value <- function(x) tryCatch(eval(x, data, around), error = function(e) NULL)
  y <- value(formula[[2]])
  if (!is_two_way(y) || (is.data.frame(data) && nrow(y) != nrow(data))) return(NULL)
  c(list(y = y, y_name = name_or(formula[[2]], "y"), data = if (is.data.frame(data)) data, around = around,
         written = environment(formula)),
    time_of(formula[[3]], y, value, has_pair(formula)))
}

is_two_way <- function(x) length(dim(x)) == 2 && (is.matrix(x) || is.data.frame(x)) && ncol(x) > 1

name_or <- function(expression, other) if (is.name(expression)) as.character(expression) else other

# The time of `Y ~ right`: what the right-hand side is, or the variable that it makes a basis of.
time_of <- function(right, y, value, pair) {
  suits <- function(x) {
    (is_two_way(x) && identical(dim(x), dim(y))) || (is.numeric(x) && is.null(dim(x)) && length(x) == ncol(y))
  }
  time <- value(right)
  if (suits(time)) {
    name <- name_or(right, "time")
    return(list(time = time, time_name = name, right = as.name(name)))
  }
  turned <- is_two_way(time) && identical(dim(time), rev(dim(y)))
  used <- if (!turned) Filter(function(name) suits(value(as.name(name))), all.vars(right))
  if (length(used) != 1) {
    stop_gbtm("wave_mismatch", sprintf(
      "formula: '%s' gives no times for an outcome of %d rows and %d columns.", deparse_line(right), nrow(y), ncol(y)
    ), "formula", paste0(sprintf(
      "Give %d times, one for each column, or a matrix of them like the outcome: Y ~ 1:%d, or Y ~ A.", ncol(y), ncol(y)
    ), if (pair) " If these are successes and failures, family = \"binomial\" takes them so."))
  }
  list(time = value(as.name(used)), time_name = used, right = right)
}

#' A wide table of matrices, and how it is read
#'
#' @param laid what [outcome_matrix()] returned
#' @param covariates values of the arguments about covariates, by name
#' @return list: `formula`, `data`, `id`, `wide`, as [gbtm()] takes them
#' @noRd
matrix_table <- function(laid, id, covariates) {
  table <- if (is.null(laid$data)) data.frame(row.names = seq_len(nrow(laid$y))) else laid$data
  found <- function(name) {
    if (name %in% names(laid$data)) laid$data[[name]] else get0(name, laid$around, inherits = TRUE)
  }
  known <- matrix_ids(laid, id, found)
  if (is.null(laid$data) && !is.null(known$ids)) table[[known$id]] <- known$ids
  beside <- beside_matrices(table, laid, covariates, found)
  spread <- spread_in_table(beside$table, beside$matrices, laid, known$labels)
  formula <- stats::as.formula(call("~", as.name(laid$y_name), laid$right), env = laid$written)
  list(formula = formula, data = spread$table, id = known$id, wide = spread$wide)
}

# Outcome, times and the covariates with a value for each wave as `matrices`; the table with the other covariates that
# are variables beside it.
beside_matrices <- function(table, laid, covariates, found) {
  matrices <- outcome_and_times(laid)
  for (argument in names(covariates)) {
    for (name in covariate_names(covariates[[argument]], argument)) {
      value <- at_each_wave_of(laid$y, found(name), argument)
      by_wave <- argument %in% c("tcov", "common", "dcov", "exposure")
      if (by_wave) {
        if (is_two_way(value)) matrices[[name]] <- value
      } else if (is_new_column(name, value, table)) {
        table[[name]] <- value
      }
    }
  }
  list(table = table, matrices = matrices)
}

# What `common` has once of a person as a matrix like the outcome's; anything else as it is.
at_each_wave_of <- function(y, value, argument) {
  once <- argument == "common" && is.atomic(value) && is.null(dim(value)) && length(value) == nrow(y)
  if (once) matrix(value, nrow(y), ncol(y)) else value
}

outcome_and_times <- function(laid) {
  time <- if (is.null(laid$time)) counted_times(laid$y) else laid$time
  stats::setNames(list(laid$y, time), c(laid$y_name, laid$time_name))
}

is_new_column <- function(name, value, table) {
  !name %in% names(table) && NROW(value) == nrow(table) && (is.atomic(value) || is.data.frame(value))
}

# The table with the columns of the matrices in their place, and the `wide` that says which these are.
spread_in_table <- function(table, matrices, laid, labels) {
  table <- table[setdiff(names(table), names(matrices))]
  wide <- list()
  for (name in names(matrices)) {
    value <- in_rows_and_waves(matrices[[name]], laid, labels, name)
    if (is_two_way(value)) {
      value <- named_columns(value, name, names(table))
      table[names(value)] <- value
      value <- names(value)
    }
    wide[[name]] <- value
  }
  list(table = table, wide = wide)
}

covariate_names <- function(asked, argument) {
  formula <- if (is.null(asked)) NULL else tryCatch(one_sided(asked, argument), error = function(e) NULL)
  if (is.null(formula)) character() else all.vars(formula)
}

# Whose each row is: `id`, the column; `ids`, its values where the table has none; `labels`, which the rows of matrices
# are matched by, NULL where nothing names them.
matrix_ids <- function(laid, id, found) {
  own <- row_labels(laid$y)
  if (!is.null(laid$data)) return(ids_of_table(laid$data, id, own))
  if (is.null(own)) own <- row_labels(laid$time)
  if (is.null(id)) return(list(id = if (!is.null(own)) "id", ids = own, labels = own))
  ids_given(laid, id, own, found)
}

is_one_name <- function(id) length(id) == 1 && is.character(id)

# In a table, rows of matrices go by the ids or by the table's row names: whichever the outcome's row names are.
ids_of_table <- function(data, id, own) {
  ids <- if (is_one_name(id) && id %in% names(data)) as.character(data[[id]])
  for (labels in Filter(Negate(is.null), list(ids, row_labels(data)))) {
    if (is.null(own) || setequal(own, labels)) return(list(id = id, labels = labels))
  }
  list(id = id, labels = if (is.null(ids)) row_labels(data) else ids)
}

# Without a table, `id` is the ids themselves or the name of a variable that has them.
ids_given <- function(laid, id, own, found) {
  values <- if (is_one_name(id)) found(id) else id
  if (length(values) != nrow(laid$y)) {
    stop_gbtm("bad_id", sprintf("id: %s gives no id for each of the %d rows of %s.", shown(id), nrow(laid$y),
                                laid$y_name), "id", "Give one per row, or leave it out: the row names are ids then.")
  }
  named <- if (is.null(own) || !setequal(own, as.character(values))) own else as.character(values)
  list(id = if (length(id) == 1) id else "id", ids = values, labels = named)
}

# Names of the rows, where somebody gave any.
row_labels <- function(x) {
  if (is.data.frame(x)) return(if (.row_names_info(x) > 0) row.names(x))
  rownames(x)
}

# A matrix with its rows and columns in the order of the outcome's, where names say in which order they are; of a
# vector, its entries.
in_rows_and_waves <- function(x, laid, labels, name) {
  y <- laid$y
  if (!is_two_way(x)) {
    at <- places(names(x), colnames(y), name, "columns", laid$y_name)
    return(if (is.null(at)) x else unname(x[at]))
  }
  if (!identical(dim(x), dim(y))) {
    stop_gbtm("bad_shape", sprintf("%s: %d rows and %d columns do not go with the %d and %d of %s.", name, nrow(x),
                                   ncol(x), nrow(y), ncol(y), laid$y_name), name,
              "Give one row per person and one column per wave.")
  }
  own <- row_labels(x)
  if (!is.null(labels) && !is.null(own) && !setequal(own, labels)) refuse_labels(own, labels, name, "rows", laid$y_name)
  rows <- places(own, labels, name, "rows", laid$y_name)
  columns <- places(colnames(x), colnames(y), name, "columns", laid$y_name)
  if (!is.null(rows)) x <- x[rows, , drop = FALSE]
  if (is.null(columns)) x else x[, columns, drop = FALSE]
}

# Where each of `wanted` stands among `own`; NULL where they have nothing in common, or are in order.
places <- function(own, wanted, name, what, of) {
  if (is.null(own) || is.null(wanted) || !any(own %in% wanted) || identical(as.character(own), as.character(wanted))) {
    return(NULL)
  }
  if (!same_once(own, wanted)) refuse_labels(own, wanted, name, what, of)
  match(wanted, own)
}

# Whether both have the same entries, each of them once.
same_once <- function(own, wanted) setequal(own, wanted) && !anyDuplicated(own) && !anyDuplicated(wanted)

refuse_labels <- function(own, wanted, name, what, of) {
  strange <- c(setdiff(own, wanted), setdiff(wanted, own))
  stop_gbtm("labels_disagree", sprintf("%s: the names of its %s are not those of %s%s.", name, what, of,
                                       if (length(strange)) sprintf(" (%s)", listing(strange, 5)) else ""), name,
            sprintf("Name them alike, once each, or give unname(%s) if it is in this order.", name))
}

# Columns of a matrix for the table: the matrix's name, a dot, and the column's own name or number.
named_columns <- function(x, name, taken) {
  own <- if (is.null(colnames(x))) seq_len(ncol(x)) else colnames(x)
  columns <- as.data.frame(x, optional = TRUE, stringsAsFactors = FALSE)
  all <- make.unique(c(taken, paste(name, own, sep = ".")))
  stats::setNames(columns, all[length(taken) + seq_along(columns)])
}

# Times of an outcome without any: what its columns are called, where these are numbers, or else 1, 2, .. The engine
# tells it with the fit.
counted_times <- function(y) {
  called <- if (is.null(colnames(y))) character() else colnames(y)
  named <- suppressWarnings(as.numeric(called))
  times <- if (length(named) && all(is.finite(named))) named else as.double(seq_len(ncol(y)))
  structure(times, called = called)
}

# New people as matrices, under a fit that was made of such: a list or data frame that has them under their names.
spread_matrices <- function(newdata, wide) {
  if (!is.list(newdata)) return(newdata)
  listed <- vapply(wide, function(x) is.character(x) && !any(grepl("[*?]", x)), NA)
  held <- Filter(function(name) is_two_way(newdata[[name]]), names(wide)[listed])
  if (!length(held)) return(newdata)
  rest <- newdata[setdiff(names(newdata), held)]
  tables <- lapply(held, function(name) {
    x <- as.data.frame(newdata[[name]], optional = TRUE)
    if (length(x) != length(wide[[name]])) {
      stop_gbtm("wave_mismatch", sprintf("%s: %d columns for the %d waves of the fit.", name, length(x),
                                         length(wide[[name]])), name, "Give one column per wave, NA where nothing is.")
    }
    stats::setNames(x, wide[[name]])
  })
  if (length(unique(vapply(tables, nrow, 0L))) > 1) {
    stop_gbtm("bad_shape", sprintf("newdata: %s have different numbers of rows.", listing(held)), "newdata",
              "Give one row per person in each.")
  }
  do.call(cbind, c(if (length(rest)) list(as.data.frame(rest)), tables))
}
