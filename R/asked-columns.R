# Arguments that name a column: in quotes, as `~ id`, bare, or by its values, d$id. Whatever it was, a name or a formula
# goes on, so that new data and files know the column too.

#' What an argument says of a column, as names or a formula
#'
#' A bare name is the column, unless a variable of that name holds the names of columns: `key <- "id"; id = key`.
#' @param value function that evaluates the argument
#' @param expression what the user wrote
#' @param data the user's table
#' @param wide as in [gbtm()]
#' @noRd
asked_column <- function(argument, value, expression, data, wide = NULL) {
  known <- c(names(data), if (is.list(wide)) names(wide))
  found <- tryCatch(value(), error = function(e) e)
  named <- names_columns(found, known)
  is_column <- is.name(expression) && as.character(expression) %in% known
  if (is_column && !named && !is_none_or_formula(found)) found <- as.character(expression)
  if (inherits(found, "error")) stop_unevaluated(argument, found, expression, known)
  if (!named && are_values_of_rows(found, data)) found <- column_of_values(argument, found, expression, data)
  if (argument == "id") names_of_id(found) else found
}

# TRUE for names of columns, and for the text of a formula.
names_columns <- function(found, known) is.character(found) && (all(found %in% known) || is_formula_text(found))

# What a variable of a column's name may hold and be meant all the same; any other value gives way to the column.
is_none_or_formula <- function(found) is.null(found) || inherits(found, "formula")

# TRUE for a value to each row. One value is none of a column: in a table of one row it may be a name or a number.
are_values_of_rows <- function(found, data) {
  is_vector <- is.atomic(found) && !is.null(found) && is.null(dim(found))
  is_vector && length(found) == nrow(data) && length(found) > 1
}

# An expression of columns that was written without quotes.
stop_unevaluated <- function(argument, problem, expression, known) {
  used <- all.vars(expression)
  if (inherits(problem, "gbtm_error") || !length(used)) stop(problem)
  shown <- deparse_line(expression)
  if (!all(used %in% known)) {
    stop_gbtm("unknown_column", sprintf("%s: '%s' is neither a column nor an object.", argument,
                                        setdiff(used, known)[1]), argument,
              sprintf("The columns are %s.", listing(known)))
  }
  joined <- is.call(expression) && as.character(expression[[1]])[1] %in% c("c", "list")
  quoted <- paste0("\"", used, "\"", collapse = ", ")
  stop_gbtm("bad_formula", sprintf("%s: %s is no object here.", argument, shown), argument, if (joined) {
    sprintf("Give the names in quotes: %s = %s(%s).", argument, as.character(expression[[1]]), quoted)
  } else {
    sprintf("Give a formula: %s = ~ %s.", argument, shown)
  })
}

# The column that has these values; the one that was written, where several do.
column_of_values <- function(argument, values, expression, data) {
  plain <- function(x) if (is.factor(x)) x else unname(as.vector(x))
  same <- names(data)[vapply(data, function(x) identical(plain(x), plain(values)), NA)]
  written <- if (is.call(expression) && length(expression) == 3) as.character(expression[[3]])
  found <- c(intersect(written, same), if (length(same) == 1) same)
  if (length(found)) return(found[1])
  example <- if (length(written) == 1 && written %in% names(data)) written else argument
  stop_gbtm("values_given", sprintf("%s: values are given, and not those of one column of the data.", argument),
            argument, sprintf("Put them into the data, d$%s <- ..., and give the column's name: %s = \"%s\".", example,
                              argument, example))
}

# `~ id`, `~ HHID + PN`
names_of_id <- function(asked) {
  if (is.character(asked) && is_formula_text(asked)) asked <- one_sided(asked, "id")
  if (!inherits(asked, "formula")) return(asked)
  used <- all.vars(asked)
  right <- asked[[length(asked)]]
  plain <- length(asked) == 2 && length(used) && setequal(used, gsub("`", "", attr(stats::terms(asked), "term.labels")))
  if (!plain) {
    stop_gbtm("bad_id", sprintf("id: ~ %s is more than names of columns.", deparse_line(right)), "id",
              "Give id = \"column\", or the columns that name a person together: id = c(\"HHID\", \"PN\").")
  }
  used
}

# Evaluate a function's own arguments that name columns, in its frame.
ask_columns <- function(arguments, frame, data, wide = NULL) {
  for (argument in arguments) {
    expression <- eval(call("substitute", as.name(argument)), frame)
    if (is.null(expression)) next
    found <- asked_column(argument, function() get(argument, frame), expression, data, wide)
    assign(argument, found, frame)
  }
}

# The values of a function's dots by name, those of `arguments` as ask_columns() has them.
asked_dots <- function(arguments, frame, data) {
  expressions <- as.list(eval(quote(substitute(list(...))), frame))[-1]
  value <- function(i) eval(call("...elt", i), frame)
  wide <- if ("wide" %in% names(expressions)) value(match("wide", names(expressions)))
  given <- lapply(seq_along(expressions), function(i) {
    name <- names(expressions)[i]
    if (!name %in% arguments) return(value(i))
    asked_column(name, function() value(i), expressions[[i]], data, wide)
  })
  stats::setNames(given, names(expressions))
}
