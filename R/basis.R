# Reading the formula, and bases of time other than polynomials.

#' The parts of `outcome ~ time` or `outcome ~ basis(time)`
#'
#' @param known column names (of long data, or of `wide`)
#' @param data the table, for what an error says
#' @return list: `formula`, `text`, `outcome` (name), `outcome_vars`, `time` (name), `basis` (one-sided formula or NULL)
#' @noRd
formula_parts <- function(formula, known, data = NULL) {
  if (!inherits(formula, "formula") || length(formula) != 3) {
    stop_gbtm("bad_formula", sprintf("formula: %s is not of the form outcome ~ time.", shown(formula)), "formula",
              "For example offenses ~ age.")
  }
  right <- formula[[3]]
  parts <- list(
    formula = formula, text = deparse_line(formula), outcome = column_label(formula[[2]]),
    outcome_vars = all.vars(formula[[2]]), basis = NULL
  )
  if (is.name(right)) {
    parts$time <- as.character(right)
    return(parts)
  }
  used <- intersect(all.vars(right), c(known, names(data)))
  text <- deparse_line(right)
  if (length(used) != 1) {
    stop_gbtm("bad_formula", sprintf("formula: '%s' must use exactly one column, the time; it uses %s.", text,
                                     if (length(used)) paste(used, collapse = ", ") else "none"),
              "formula", formula_advice(text, used, data, parts$outcome))
  }
  if (bare_power(right)) { # to a formula, age^2 is age once more
    stop_gbtm("bad_formula", sprintf("formula: '%s' does not make a power of %s.", text, used), "formula",
              formula_advice(text, used, data, parts$outcome))
  }
  parts$time <- used
  parts$basis <- stats::reformulate(deparse_line(right), env = with_time_terms(right, environment(formula)))
  if (length(tryCatch(attr(stats::terms(parts$basis), "offset"), error = function(e) NULL))) { # arithmetic is no term
    stop_gbtm("bad_formula", sprintf("formula: offset() in '%s' has no coefficient, and is not added here.", text),
              "formula", sprintf("For counts %s.", offset_in(text)$said))
  }
  parts
}

# A power that is a term by itself, outside of I() and all other functions.
bare_power <- function(x) {
  if (!is.call(x)) return(FALSE)
  if (identical(x[[1]], as.name("^"))) return(is.numeric(x[[3]]))
  as.character(x[[1]])[1] %in% c("+", "-", "*", ":", "(") && any(vapply(as.list(x)[-1], bare_power, NA))
}

deparse_line <- function(x) paste(trimws(deparse(x, width.cutoff = 500L)), collapse = " ")

# A column's name without the backticks that a formula needs.
column_label <- function(x) if (is.name(x)) as.character(x) else deparse_line(x)

#' Columns of a basis at the complete observations, NA elsewhere
#'
#' Only complete observations count, so that knots are placed by what is fitted.
#' @return list: `columns` (n, q) with names; `terms` that make the same columns at other times, NULL where they are
#'   known at the observed times alone: categories of time, or what depends on which times there are; `design`, the same
#'   in the words of the fit document, see [design_of_basis()]
#' @noRd
basis_columns <- function(parts, columns) {
  complete <- !is.na(columns$subject) & !is.na(columns$y) & !is.na(columns$time)
  times <- columns$time[complete]
  if (any(is.infinite(times))) {
    stop_gbtm("infinite", sprintf("%s: %d infinite values.", parts$time, sum(is.infinite(times))), parts$time,
              "Recode them as missing or as finite numbers.")
  }
  made <- tryCatch({
    frame <- stats::model.frame(parts$basis, time_frame(parts$time, times), na.action = stats::na.fail)
    list(frame = frame, matrix = stats::model.matrix(attr(frame, "terms"), frame))
  }, error = function(e) {
    if (inherits(e, "gbtm_error")) stop(e)
    stop_gbtm("bad_formula", sprintf("formula: '%s' cannot be computed: %s.", deparse_line(parts$basis[[2]]),
                                     conditionMessage(e)), "formula",
              sprintf("Its only variable must be the time '%s'.", parts$time))
  })
  all <- matrix(NA_real_, length(columns$time), ncol(made$matrix))
  all[complete, ] <- made$matrix
  colnames(all) <- sub("(Intercept)", "intercept", colnames(made$matrix), fixed = TRUE)
  between <- known_between(made, times, parts$time)
  list(columns = all, terms = if (between) attr(made$frame, "terms"),
       design = if (between) design_of_basis(made$frame, made$matrix, parts$time))
}

known_between <- function(made, times, time_name) {
  terms <- attr(made$frame, "terms")
  categories <- attr(terms, "dataClasses") %in% c("factor", "ordered", "character", "logical")
  some <- list(x = made$matrix, terms = terms, xlevels = NULL)
  !any(categories) && is.null(depends_on_others(some, time_frame(time_name, times)))
}

# Columns (n, q) of stored terms at new times; predvars carry the knots.
basis_at <- function(terms, time_name, times) {
  frame <- stats::model.frame(terms, time_frame(time_name, times), na.action = stats::na.pass)
  unname(stats::model.matrix(terms, frame)[, , drop = FALSE])
}

time_frame <- function(name, times) stats::setNames(data.frame(times), name)
