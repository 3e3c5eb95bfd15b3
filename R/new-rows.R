# Rows of a new table under a fit: whose they are, and what curves and fitted values take from them.

# The covariates w (rows, q) of a long table, made as the fit made them; NULL for a fit without any.
new_covariates <- function(fit, newdata, inputs = known_inputs(fit, newdata)) {
  names <- as.character(fit$curves$covariates$names)
  if (!length(names)) return(NULL)
  if (!is.null(inputs$wide)) {
    require_columns(newdata, names, "newdata")
    return(vapply(newdata[names], numeric_column, numeric(nrow(newdata)), name = "newdata"))
  }
  design_columns(inputs$tcov, newdata, "tcov", inputs$kept$tcov)$x
}

# Names of the columns that the time-varying covariates are made of, besides the time.
covariate_variables <- function(fit, inputs) {
  if (!length(fit$curves$covariates$names)) return(character())
  used <- if (is.null(inputs$wide)) all.vars(one_sided(inputs$tcov, "tcov")) else fit$curves$covariates$names
  setdiff(as.character(used), fit$time_name)
}

#' Times and covariates at which a new table asks for curves
#'
#' @return list: `table`, the distinct rows of the time and the covariates' columns; `w` (rows, q), NULL where the table
#'   has no covariates, so that the fit's own profile is meant
#' @noRd
asked_rows <- function(fit, newdata, call) {
  check_data(newdata)
  newdata <- without_declared(newdata, ids_asked(fit))$data
  found <- with_time_column(fit, newdata)
  newdata <- found$data
  require_columns(newdata, fit$time_name, "newdata")
  if (asks_for_covariates(fit, names(newdata))) newdata <- with_design_columns(fit, newdata, "tcov", call)
  lagged <- with_lag_columns(fit, newdata, known_inputs(fit, newdata))
  newdata <- lagged$data
  inputs <- lagged$inputs
  used <- covariate_variables(fit, inputs)
  here <- used %in% names(newdata)
  if (!any(here)) {
    return(list(table = unique(as.data.frame(newdata)[c(fit$time_name, found$source)]), w = NULL))
  }
  require_columns(newdata[setdiff(names(newdata), fit$outcome_name)], setdiff(used, inputs$outside$tcov), "newdata")
  table <- unique(as.data.frame(newdata)[unique(c(fit$time_name, found$source, intersect(used, names(newdata))))])
  w <- new_covariates(fit, table, inputs)
  if (anyNA(w)) {
    stop_gbtm("missing_covariate", sprintf("newdata: %d rows lack a value of %s.", sum(!stats::complete.cases(w)),
                                           listing(used)), "newdata", "Leave these rows out, or give the values.", call)
  }
  list(table = table, w = w)
}

# Curves at the rows of a new table, with its covariates beside the time.
curves_of_rows <- function(fit, newdata, level, call) {
  asked <- asked_rows(fit, newdata, call)
  times <- numeric_column(asked$table[[1]], fit$time_name)
  if (!length(times) || !all(is.finite(times))) {
    stop_gbtm("bad_times", sprintf("newdata: %s.", if (length(times)) "missing or infinite times" else "it has no row"),
              "newdata", "Give finite numbers.", call)
  }
  warn_outside(fit, times, call)
  table <- with_outside(fit, curve_table(fit, times, level, asked$w))
  if (ncol(asked$table) == 1) return(table)
  each <- nrow(table) / nrow(asked$table) / fit$n_groups # rows of a time: one for each category without an order
  further <- asked$table[rep(rep(seq_len(nrow(asked$table)), each = each), fit$n_groups), -1, drop = FALSE]
  taken <- names(further) %in% names(table)
  names(further)[taken] <- paste0(names(further)[taken], "_given")
  cbind(table[1:2], further, table[-(1:2)], row.names = NULL)
}

#' Which observation of the fit each row of a long table is, by id and time
#'
#' @return integer, NA for a row that was not fitted
#' @noRd
fitted_row <- function(fit, data) {
  if (!is.null(fit$inputs$wide) || identical(fit$read_as$form, "wide") || is.null(fit$formula)) other_table()
  columns <- tryCatch({
    parts <- fit_parts(fit, names(data))
    long_columns(parts, with_level_numbers(fit, parts, data, NULL), ids_asked(fit))
  }, gbtm_unknown_column = function(e) other_table())
  ids <- if (is.null(columns$ids)) columns$subject else columns$ids[columns$subject + 1]
  subject <- if (is.numeric(ids) && is.numeric(fit$ids)) match(ids, fit$ids) else
    match(as.character(ids), as.character(fit$ids))
  times <- unique(fit$data$time)
  place <- function(subject, time) (subject - 1) * length(times) + match(time, times)
  at <- match(place(subject, columns$time), place(fit$data$subject, fit$data$time), incomparables = NA)
  same <- !is.na(at) & columns$y == fit$data$y[at]
  at[is.na(columns$y)] <- NA
  if (!any(same %in% TRUE) || any(!same & !is.na(at))) other_table()
  at
}

other_table <- function() {
  stop_gbtm("other_data", "data: this is not the long table that was fitted.", "data",
            "Leave data out; for other rows give newdata.")
}

# Outcomes as they were fitted, where the fit squeezed them.
squeezed_values <- function(fit, y) {
  n <- fit$spec$outcomes[[1]]$squeezed_by
  if (is.null(n)) y else (y * (n - 1) + 0.5) / n
}

# Fitted values, residuals and groups of the rows of a new table.
augmented_new <- function(fit, newdata, call) {
  check_data(newdata)
  given <- newdata
  newdata <- without_declared(newdata, ids_asked(fit))$data
  newdata <- with_design_columns(fit, newdata, "tcov", call)
  inputs <- known_inputs(fit, newdata)
  if (!is.null(inputs$wide)) {
    stop_gbtm("wide_newdata", "newdata: this fit is of wide data, whose rows are no observations.", "newdata",
              "predict(type = \"posterior\") takes them.", call)
  }
  parts <- fit_parts(fit, names(newdata))
  require_new(inputs, newdata, inputs[intersect(c("tcov", "exposure", "trials"), names(inputs))], parts)
  columns <- long_columns(parts, with_level_numbers(fit, parts, newdata, NULL), ids_asked(fit))
  ids <- if (is.null(columns$ids)) columns$subject else columns$ids[columns$subject + 1]
  p <- stats::predict(fit, newdata = newdata, type = "posterior")
  rows <- match(in_own_type(ids, own_ids(newdata, ids_asked(fit))), p[[1]], incomparables = NA)
  p <- as.matrix(p[paste0("group_", seq_len(fit$n_groups))])[rows, , drop = FALSE]
  lagged <- with_lag_columns(fit, newdata, inputs)
  w <- new_covariates(fit, lagged$data, lagged$inputs)
  known <- is.finite(columns$time) & !is.na(p[, 1])
  if (!is.null(w)) known <- known & stats::complete.cases(w)
  fitted <- rep(NA_real_, nrow(newdata))
  if (any(known) && has_mean(fit$curves)) {
    expected <- t(expected_at(fit, columns$time[known], if (!is.null(w)) w[known, , drop = FALSE]))
    fitted[known] <- rowSums(expected * p[known, , drop = FALSE])
  }
  if (!is.null(denominator_of(inputs))) fitted <- fitted * denominator_column(inputs, newdata)
  group <- rep(NA_integer_, nrow(newdata))
  group[!is.na(p[, 1])] <- max.col(p[!is.na(p[, 1]), , drop = FALSE], ties.method = "first")
  if (has_mean(fit$curves)) {
    given$.fitted <- fitted
    given$.resid <- squeezed_values(fit, columns$y) - fitted
  }
  given$.group <- group
  given
}
