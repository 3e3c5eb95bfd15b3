# Time among the time-varying covariates: `tcov = ~ sex * t` asks whether the curve differs by sex. The main effect of
# time is the curve's own: a column of time alone that is a combination of the curve's columns is left out. And it
# counts
# as being there when the levels of a factor are coded, so that `sex:t` has a column for each level but the first.

#' The columns of the curve that covariates meet
#'
#' @param order as in [gbtm()]; `basis` (n, q) the columns of a basis formula, or NULL
#' @param values (n) of the column that the time is or is made of
#' @return list: `times` (m), values of that column, `x` (m, q) at them, `time`, what the curve is `called`; NULL
#'   without times
#' @noRd
curve_beside <- function(parts, columns, order, basis, values) {
  known <- is.finite(columns$time)
  if (!is.null(basis)) known <- known & stats::complete.cases(basis)
  times <- values[known]
  if (!length(times)) return(NULL)
  if (!is.null(basis)) {
    return(list(times = times, x = basis[known, , drop = FALSE], time = parts$time,
                called = deparse_line(parts$basis[[2]])))
  }
  at <- columns$time[known][!duplicated(times)]
  times <- unique(times)
  order <- if (is.null(order)) 2 else suppressWarnings(max(0, as.numeric(unlist(order)), na.rm = TRUE))
  order <- min(order, length(unique(at)) - 1)
  x <- if (order > 0) cbind(1, stats::poly(at, order)) else matrix(1, length(times))
  list(times = times, x = x, time = time_source(parts), called = sprintf("a polynomial of order %d", order))
}

# Which columns of x (m, r) at the curve's times are combinations of the curve's own.
in_curve <- function(x, curve) {
  size <- sqrt(colSums(x^2))
  scaled <- sweep(x, 2, ifelse(size > 0, size, 1), "/")
  rest <- as.matrix(stats::lm.fit(curve$x, scaled)$residuals)
  unname(sqrt(colSums(rest^2)) <= 1e-8)
}

# Whether each variable of some terms, as text, uses the time and no other column.
of_time <- function(variables, curve, table) {
  vapply(variables, function(v) identical(intersect(all.vars(str2lang(v)), names(table)), curve$time), NA)
}

# Of each term the variables in it, as text.
variables_of <- function(terms) {
  in_term <- attr(terms, "factors")
  lapply(stats::setNames(nm = attr(terms, "term.labels")), function(l) rownames(in_term)[in_term[, l] > 0])
}

#' A covariates' formula with the main effect of time for each of its interactions, where the curve has it
#' @noRd
with_time <- function(formula, table, curve) {
  if (is.null(curve) || !curve$time %in% all.vars(formula)) return(formula)
  for (variables in variables_of(stats::terms(formula, data = table))) {
    mine <- variables[of_time(variables, curve, table)]
    if (!length(mine) || length(mine) == length(variables)) next
    margin <- str2lang(paste(mine, collapse = ":"))
    alone <- stats::as.formula(call("~", margin), env = environment(formula))
    x <- tryCatch(stats::model.matrix(alone, time_frame(curve$time, curve$times)), error = function(e) NULL)
    if (is.null(x) || !all(in_curve(x, curve))) next
    formula[[2]] <- call("+", formula[[2]], margin)
  }
  formula
}

#' The columns of a design that are the curve's own
#' @param made list of `terms` and `x`, the design's matrix at the rows of `table`
#' @return their names
#' @noRd
columns_of_curve <- function(made, curve, table) {
  if (is.null(curve)) return(character())
  variables <- variables_of(made$terms)
  alone <- vapply(variables, function(v) all(of_time(v, curve, table)), NA)
  at <- which(attr(made$x, "assign") %in% which(alone))
  times <- table[[curve$time]]
  if (!length(at) || !(is.numeric(times) || inherits(times, "Date"))) return(character())
  # the same rows as the curve's, by their times
  row <- match(curve$times, times)
  x <- made$x[row[!is.na(row)], at, drop = FALSE]
  curve$x <- curve$x[!is.na(row), , drop = FALSE]
  if (!nrow(x)) return(character())
  colnames(x)[in_curve(x, curve)]
}

# What is said of them; nothing where the user's formula has no term of time alone.
own_time_note <- function(own, formula, table, curve) {
  if (!length(own)) return(NULL)
  written <- variables_of(stats::terms(formula, data = table))
  if (!any(vapply(written, function(v) all(of_time(v, curve, table)), NA))) return(NULL)
  list(list("time_in_tcov", sprintf(
    "tcov: %s %s here: the main effect of %s is each group's curve, %s.", listing(gsub("`", "", own)),
    if (length(own) == 1) "is no covariate" else "are no covariates", curve$time, curve$called
  )))
}
