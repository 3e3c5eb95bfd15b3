# What gbtm() asks of the engine, made of its arguments and the user's table.

#' What is asked of the engine: columns of numbers and a model
#'
#' @param given values of `groups`, `order` and of all [gbtm()]'s arguments named by `model_arguments()`
#' @param settled arguments whose factors have fitted levels alone already
#' @return list: `columns`; `further`, what [covariate_columns()] returns; `model`, arguments by name; `terms` of a
#'   basis formula; `inputs`, for new data; `read_as`, the same for Python; `own_ids`, for ids in the user's type
#' @noRd
asked_model <- function(formula, data, id, given, call, settled = NULL) {
  given <- without_constants(given)
  given$family <- family_name(given$family, call, given$trials)
  given["event"] <- list(asked_event(given$event))
  wide <- given$wide
  own <- own_ids(data, id)
  declared <- without_declared(data, id)
  data <- declared$data
  parts <- formula_parts(formula, if (is.null(wide)) names(data) else names(wide), data)
  parts <- parts_by_order(parts, data, wide, given$order, given$curve)
  ordered <- numbers_of_ordered(data, parts, wide, given$family)
  data <- ordered$data
  if (is.list(wide)) given$wide <- wide_in_order(wide, parts, data)
  given <- with_common(given, parts, data)
  wide <- given$wide
  columns <- if (is.null(wide)) long_columns(parts, data, id) else wide_columns(parts, data, id, wide)
  covariates <- known_by_set(stats::setNames(given[covariate_arguments()], covariate_arguments()))
  refuse_dots(data, if (is.null(wide)) covariates else covariates[c("risk", "risk2")])
  refuse_formula_faults(parts, covariates, given$event, data, wide)
  columns$factor_levels <- ordered$levels
  columns$repeated <- check_flag(given$repeated, "repeated")
  columns$declared <- declared_in(declared$counts, c(list(formula, id, given$event$formula), covariates, wide), data)
  unsettled <- covariates[setdiff(names(covariates), settled)]
  known <- without_unfitted_levels(unsettled, data, columns, wide, call)
  basis <- basis_without_order(parts, columns, given$order)
  curve <- curve_of_tcov(parts, columns, given, basis$columns, known)
  covariates["event"] <- list(given$event)
  further <- covariate_columns(covariates, known, columns, wide, curve = curve)
  if (!is.null(further)) columns <- further$columns
  columns$basis <- basis$columns
  columns$basis_design <- basis$design
  parts$made_alike <- !is.null(basis$design)
  list(columns = columns, further = further, model = sent_options(given), terms = basis$terms, own_ids = own,
       read_as = read_as(parts, known, id, given, further$kept),
       inputs = c(list(id = id, wide = wide, kept = further$kept, source = parts$source,
                       outside = variables_outside(parts, covariates, c(names(data), names(wide))),
                       others = if (is.null(wide)) expressions_of_others(parts, covariates, data, columns$subject)),
                  Filter(Negate(is.null), covariates)))
}

# What looks like a basis is a time to be computed where an order was given with it, or where it is made of dates, which
# are no times of a basis.
parts_by_order <- function(parts, data, wide, order, curve = NULL) {
  of_dates <- is.null(wide) && inherits(data[[parts$time]], c("Date", "POSIXt", "difftime"))
  if (is.null(parts$basis) || (is.null(order) && is.null(curve) && !of_dates)) return(parts)
  found <- expression_time(parts, if (is.null(wide)) data[[parts$time]] else wide_times(data, wide[[parts$time]]))
  if (is.null(found)) parts else found
}

# The columns of the basis formula; NULL where the curve is a polynomial.
basis_without_order <- function(parts, columns, order) {
  if (is.null(parts$basis)) return(NULL)
  if (!is.null(order)) {
    stop_gbtm("order_or_basis", "order: give either a polynomial order or a basis formula, not both.", "order",
              "Leave order out.")
  }
  basis_columns(parts, columns)
}

# What stands beside covariates that use the time, whose main effect of time is the curve itself; NULL for others.
curve_of_tcov <- function(parts, columns, given, basis, known) {
  if (!is.null(given$wide) || is.null(given$tcov)) return(NULL)
  source <- time_source(parts)
  if (source %in% all.vars(one_sided(given$tcov, "tcov"))) {
    curve_beside(parts, columns, given$order, basis, known[[source]])
  }
}

# `risk = ~ 1` asks for no covariate: the constant is in the model anyway.
without_constants <- function(given) {
  none <- function(asked) {
    if (is.character(asked) && length(asked) == 1) return(grepl("^\\s*~\\s*1\\s*$", asked))
    inherits(asked, "formula") && length(asked) == 2 && identical(asked[[2]], 1)
  }
  covariates <- intersect(c("risk", "risk2", "tcov", "common", "dcov"), names(given))
  given[covariates[vapply(given[covariates], none, NA)]] <- list(NULL)
  given
}

# Arguments by name, without those that cannot be evaluated: they have errors of their own later.
values_here <- function(names, frame) {
  lapply(stats::setNames(nm = names), function(name) tryCatch(get(name, frame), error = function(e) NULL))
}

# The number of groups where only their orders were given.
groups_of <- function(order) {
  if (length(order) < 2) {
    stop_gbtm("bad_groups", "groups: not given.", "groups", "Give the number of groups, 1 or more.")
  }
  length(order)
}

start_values <- function(start) {
  if (is.null(start)) return(NULL)
  if (inherits(start, "gbtm")) start <- start$coefficients
  check_start(start)
  own <- if (is.null(dim(start))) names(start) else if (nrow(start) == 1) colnames(start)
  if (is.null(own) || !all(nzchar(own))) return(json_array(as.vector(t(start))))
  named <- stats::setNames(lapply(as.vector(t(start)), json_number), own) # the engine knows which is which
  structure(as_request(named), class = "json")
}

check_start <- function(start) {
  if (!is.numeric(start) || !length(start)) {
    stop_gbtm("bad_start", sprintf("start: %s is neither numbers nor a fit.", shown(start)), "start",
              "Give values in the order of coef(), or a fit of the same model.")
  }
  if (!all(is.finite(start))) {
    stop_gbtm("bad_start", sprintf("start: %d of the %d values are missing or infinite.", sum(!is.finite(start)),
                                   length(start)), "start", "Give a finite number for each parameter of coef().")
  }
}

# Positions in the user's table of the observations, in the order of the fit's data; all of them where none is given.
used_rows <- function(rows, labels) {
  if (!length(rows)) return(list(position = seq_along(labels), label = labels))
  list(position = rows, label = labels[rows])
}
