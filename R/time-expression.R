# The time as an expression of a column: `y ~ I(age - 40)` or `y ~ as.numeric(date)` with an order is a polynomial of
# what it gives. Tables call the time as it was written; new data have the user's own column.

#' The parts of a formula whose time is an expression of a column
#'
#' @param parts what [formula_parts()] returned, with a basis
#' @return `parts` with the expression's text as `time`, its column as `source`, itself as `of`, and no basis
#' @noRd
expression_parts <- function(parts) {
  of <- parts$basis[[2]]
  signs <- c("+", "-", "*", "/", "(", ":")
  if (is.call(of) && all(setdiff(all.names(of), c(all.vars(of), signs)) == "")) { # nothing but signs
    text <- deparse_line(of)
    stop_gbtm("bad_formula", sprintf("formula: '%s' is no arithmetic: a formula takes its signs for terms.", text),
              "formula", sprintf("Write I(%s).", text))
  }
  replace(c(parts, list(source = parts$time, of = of)), c("time", "basis"), list(deparse_line(of), NULL))
}

# The same where the expression gives one number a row; NULL for a basis such as bs(t, df = 4) or factor(t).
expression_time <- function(parts, values) {
  found <- expression_parts(parts)
  made <- tryCatch(eval_time(found, values), error = function(e) {
    stop_gbtm("bad_formula", sprintf("formula: '%s' cannot be computed: %s.", found$time, conditionMessage(e)),
              "formula", sprintf("Its only variable must be the time '%s'.", found$source))
  })
  if (NCOL(made) != 1 || length(made) != length(values) || is.factor(made) || is.character(made)) return(NULL)
  number <- numeric_column(one_dimension(made), found$time)
  require_pointwise(found, values, number)
  found
}

# An error where some rows alone give other numbers than they do in the whole table, as scale(age) does.
require_pointwise <- function(parts, values, number) {
  some <- list(seq_len(ceiling(length(values) / 2)), 1, length(values))
  for (rows in some) {
    again <- tryCatch(as.double(unclass(eval_time(parts, values[rows]))), error = function(e) NULL)
    if (isTRUE(all.equal(again, number[rows], tolerance = 1e-9))) next
    stop_gbtm("not_pointwise", sprintf("formula: '%s' of a person depends on who else is in the table.", parts$time),
              "formula", "Compute the column before the fit, or take off a number, such as I(age - 40).")
  }
}

eval_time <- function(parts, values) {
  eval(parts$of, stats::setNames(list(values), parts$source), environment(parts$formula))
}

# Without I()'s class and a matrix's one column; a date stays one, to be refused for its unit.
one_dimension <- function(x) {
  if (inherits(x, "AsIs")) class(x) <- setdiff(oldClass(x), "AsIs")
  if (is.null(dim(x))) x else as.vector(x)
}

# The times (n,) of a table's column; as they stand in it where the formula names a column.
time_values <- function(parts, values) {
  if (is.null(parts$of)) return(numeric_column(values, parts$time))
  numeric_column(one_dimension(eval_time(parts, values)), parts$time)
}

time_source <- function(parts) if (is.null(parts$of)) parts$time else parts$source

#' The parts of a fit's formula
#' @param known names of the columns of a new table, or of `wide`
#' @noRd
fit_parts <- function(fit, known) {
  right <- fit$formula[[3]]
  if (!is.call(right) || !identical(deparse_line(right), fit$time_name)) return(formula_parts(fit$formula, known))
  source <- if (is.null(fit$inputs)) all.vars(right) else fit$inputs$source
  if (is.null(fit$inputs) && (length(source) != 1 || !is_plain_expression(right))) {
    said <- sprintf("formula: '%s' of the fit's file is code, and nothing in a file is executed.", fit$time_name)
    stop_gbtm("untrusted_formula", said, "formula",
              "Compute the time in newdata, and fit with that column.")
  }
  expression_parts(formula_parts(fit$formula, unique(c(setdiff(known, all.vars(right)), source))))
}

plain_functions <- c("I", "(", "+", "-", "*", "/", "^", "log", "log2", "log10", "log1p", "exp", "sqrt", "abs",
                     "as.numeric", "as.double", "as.integer", "floor", "ceiling", "round", "trunc", "%/%", "%%",
                     "as.Date")

# Arithmetic of columns, numbers and dates: what a file may ask to be computed.
is_plain_expression <- function(x) {
  if (is.name(x) || is.numeric(x) || is.character(x)) return(TRUE)
  is.call(x) && is.name(x[[1]]) && as.character(x[[1]]) %in% plain_functions &&
    all(vapply(as.list(x)[-1], is_plain_expression, NA))
}

#' A new table with the fit's time in it, made of the user's column where the time is an expression
#' @return list: `data`, and the name of the `source`, or NULL
#' @noRd
with_time_column <- function(fit, newdata) {
  parts <- fit_parts(fit, names(newdata))
  if (is.null(parts$of) || (fit$time_name %in% names(newdata) && !parts$source %in% names(newdata))) {
    return(list(data = newdata, source = NULL))
  }
  require_columns(newdata, parts$source, "newdata")
  newdata[[fit$time_name]] <- time_values(parts, newdata[[parts$source]])
  list(data = newdata, source = parts$source)
}

#' How Python makes the time of its column, in the words of the fit document; NULL where it cannot
#' @noRd
time_design <- function(parts) {
  if (!is_plain_expression(parts$of) || length(all.vars(parts$of)) != 1) return(NULL)
  text <- python_text(parts$of)
  if (is.null(text)) return(NULL)
  factor <- list(text = text, state = list(map = list()), pointwise = TRUE, arithmetic = TRUE, levels = NULL,
                 codings = NULL)
  list(formula = parts$time, variables = list(parts$source), factors = list(factor),
       columns = list(list(parts$time, 1, list(list(0, "number", 0)))))
}

python_names <- c(I = "I", log = "np.log", log2 = "np.log2", log10 = "np.log10", log1p = "np.log1p", exp = "np.exp",
                  sqrt = "np.sqrt", abs = "np.abs", as.numeric = "I", as.double = "I", floor = "np.floor",
                  ceiling = "np.ceil", trunc = "np.trunc")

python_signs <- c("+" = "+", "-" = "-", "*" = "*", "/" = "/", "^" = "**", "%/%" = "//", "%%" = "%")

# A plain expression as Python writes it; NULL where it has no equivalent there.
python_text <- function(x) {
  if (is.name(x)) return(sprintf("`%s`", as.character(x)))
  if (is.character(x)) return(NULL)
  if (is.numeric(x)) return(sprintf("%.17g", x))
  name <- as.character(x[[1]])
  inside <- lapply(as.list(x)[-1], python_text)
  if (any(vapply(inside, is.null, NA))) return(NULL)
  python_call(name, inside)
}

# The call of a function or a sign of R's whose arguments are Python's text already. Each sign has brackets of its own:
# the two languages need not agree on which goes first.
python_call <- function(name, inside) {
  if (name == "(") return(sprintf("(%s)", inside[[1]]))
  sign <- python_signs[name]
  if (!is.na(sign)) return(sprintf("(%s)", paste(c(if (length(inside) == 1) "", unlist(inside)), collapse = sign)))
  if (length(inside) == 1 && name %in% names(python_names)) sprintf("%s(%s)", python_names[[name]], inside[[1]])
}

# All times of wide data, one after the other.
wide_times <- function(data, given) {
  if (is.numeric(given) || is.null(given)) return(as.double(given))
  unlist(lapply(expand_columns(data, given, "time"), function(name) data[[name]]))
}
