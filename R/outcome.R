#' One outcome of a model of several
#'
#' A list of outcomes makes a model in which they share the groups: `gbtm(list(outcome(..), outcome(..)), ..)`. It holds
#' the formula and the options of the outcome, and no results. Each outcome has its own family, times, orders and
#' covariates; what is the same for all, and what is known of people, is an argument of [gbtm()].
#'
#' @param formula `outcome ~ time`, as in [gbtm()]
#' @param order,family,iorder,sigma_by_group,dispersion_by_group,min,max,censor_beyond,ar1,rho_by_group,rorder as in
#'   [gbtm()]
#' @param rcorr,rcommon,phi_order,repeated,squeeze as in [gbtm()]
#' @param curve as in [gbtm()]
#' @param tcov,common,exposure,trials as in [gbtm()]: a formula, or names of columns in quotes
#' @param data the outcome's own long table, with the same ids; without it the outcome is in the table of [gbtm()]
#' @param x an outcome
#' @param ... nothing: an argument that does not exist is refused
#' @return A list of class `gbtm_outcome`: `formula`, `options` (what was given, by name), `data`.
#' @section Errors: `gbtm_bad_formula`, `gbtm_bad_data`, `gbtm_unknown_argument`.
#' @examples
#' outcome(bmi ~ age, order = 2)
#' outcome(visits ~ year, family = "zip", order = c(1, 2), iorder = 0)
#' @examplesIf gbtm_engine()$available
#' early <- subset(offending, age < 14, c(id, age, offenses))
#' late <- subset(offending, age >= 14, c(id, age, offenses))
#' names(late) <- c("id", "years", "later")
#' fit <- gbtm(list(outcome(offenses ~ age, family = "zip", order = 1),
#'                  outcome(later ~ years, family = "zip", order = c(0, 1), data = late)),
#'             data = early, id = "id", groups = 2)
#' summary(fit)
#' @export
outcome <- function(formula, order = NULL, family = NULL, iorder = NULL, sigma_by_group = NULL, min = NULL, max = NULL,
                    censor_beyond = NULL, dispersion_by_group = NULL, tcov = NULL, exposure = NULL, ar1 = NULL,
                    rho_by_group = NULL, rorder = NULL, data = NULL, curve = NULL, ..., trials = NULL,
                    rcorr = NULL, rcommon = NULL, phi_order = NULL, repeated = NULL, squeeze = NULL,
                    common = NULL) {
  call <- match.call()
  check_names()
  refuse_unknown(names(substitute(list(...)))[-1], names(formals(outcome)), call)
  if (!is_two_sided(formula)) {
    stop_gbtm("bad_formula", sprintf("formula: %s is not of the form outcome ~ time.", shown(formula)), "formula",
              "For example offenses ~ age.", call)
  }
  counted <- successes_of(formula, family, !missing(trials), call)
  if (!is.null(counted)) {
    formula <- counted$formula
    trials <- counted$trials
  }
  if (!is.null(data)) check_data(data)
  known <- if (is.null(data)) named_in_call(call, parent.frame()) else data
  ask_columns(c("tcov", "common", "exposure", "trials"), environment(), known)
  structure(class = "gbtm_outcome", list(
    formula = formula, options = Filter(Negate(is.null), mget(outcome_arguments())), data = data
  ))
}

# Where the table is not known yet, a bare name is that of a column.
named_in_call <- function(call, frame) {
  given <- as.list(call)[c("tcov", "common", "exposure", "trials")]
  bare <- Filter(function(x) is.name(x) && !exists(as.character(x), frame), given)
  as.data.frame(stats::setNames(rep(list(numeric()), length(bare)), vapply(bare, as.character, "")), optional = TRUE)
}

#' @rdname outcome
#' @export
print.gbtm_outcome <- function(x, ...) {
  check_dots(...)
  cat("Outcome: ", deparse_line(x$formula), "\n", sep = "")
  for (name in names(x$options)) cat("  ", name, ": ", shown(x$options[[name]]), "\n", sep = "")
  if (!is.null(x$data)) {
    cat("  data: its own table, ", nrow(x$data), " rows of ", listing(names(x$data), 6), "\n", sep = "")
  }
  invisible(x)
}

#' The outcomes that a formula argument gives, or NULL for one formula
#'
#' @param family of all, which says where `cbind(k, n - k)` are successes and failures
#' @return list of `gbtm_outcome`, by what the outcomes are called
#' @noRd
as_outcomes <- function(given, call = NULL, family = NULL) {
  if (inherits(given, "gbtm_outcome")) given <- list(given)
  if (!is.list(given) || is.object(given)) return(NULL)
  if (!length(given)) {
    stop_gbtm("no_outcome", "formula: the list of outcomes is empty.", "formula",
              "Give formulas, or outcome(y ~ age, order = 2), ...", call)
  }
  made <- with_successes(lapply(given, as_outcome, call), family, call)
  names <- vapply(made, function(o) column_label(o$formula[[2]]), "")
  twice <- names[duplicated(names)]
  if (length(twice)) {
    stop_gbtm("same_outcome", sprintf("outcomes: two are called '%s'.", twice[1]), "outcomes",
              "Give the column of one of them another name: their parameters would have the same names.", call)
  }
  other <- which(nzchar(names(given)) & names(given) != names)
  if (length(other)) {
    stop_gbtm("labels_disagree", sprintf("formula: '%s' is called '%s' by its formula.", names(given)[other[1]],
                                         names[other[1]]), "formula",
              "Outcomes are called as on the left of their formulas: rename the column, or leave the names out.", call)
  }
  stats::setNames(made, names)
}

as_outcome <- function(x, call) {
  if (inherits(x, "gbtm_outcome")) return(x)
  if (!is_two_sided(x)) {
    stop_gbtm("bad_formula", sprintf("formula: %s is no outcome with a formula.", shown(x)), "formula",
              "Give formulas, or outcome(y ~ age, order = 2), ...", call)
  }
  structure(class = "gbtm_outcome", list(formula = x, options = list(), data = NULL))
}

#' Values of an option, one an outcome
#'
#' One value is that of all. A list has one an outcome, in their order or by their names; so has a vector with names,
#' and a vector of several values of an option that is one value of an outcome (a family, a bound, TRUE or FALSE). Of an
#' option with a value a group a plain vector is that of the groups, the same for all outcomes.
#' @return list by the names of the outcomes, NULL where nothing was given
#' @noRd
by_outcome <- function(value, argument, names) {
  if (is_one_each(value, option_kinds()[[argument]])) value <- as.list(value)
  if (!is.list(value) || is.object(value)) return(stats::setNames(rep(list(value), length(names)), names))
  if (any(nzchar(names(value)))) return(named_by_outcome(value, argument, names))
  if (!length(value) %in% c(1, length(names))) {
    stop_gbtm("wrong_length", sprintf("%s: %d values for %d outcomes.", argument, length(value), length(names)),
              argument, sprintf("Give one for all, or one for each of %s.", listing(names)))
  }
  stats::setNames(lapply(rep_len(value, length(names)), not_na), names)
}

# Whether the values of a vector are those of the outcomes.
is_one_each <- function(value, kind) {
  if (is.null(value)) return(FALSE)
  if (!is.atomic(value) || is.object(value)) return(FALSE)
  !is.null(names(value)) || (kind %in% c("flag", "bound", "family") && length(value) > 1)
}

named_by_outcome <- function(value, argument, names) {
  unknown <- setdiff(names(value), names)
  if (length(unknown) || anyDuplicated(names(value))) {
    odd <- if (length(unknown)) sprintf("'%s' is none of the outcomes", unknown[1]) else "a name stands twice"
    stop_gbtm("unknown_outcome", sprintf("%s: %s.", argument, odd), argument,
              sprintf("They are %s.", listing(names)))
  }
  lapply(stats::setNames(nm = names), function(name) not_na(value[[name, exact = TRUE]]))
}

not_na <- function(x) if (is.atomic(x) && length(x) == 1 && is.na(x)) NULL else x

# The options of each outcome: those of its own, and those of all that the call gives.
options_of_outcomes <- function(outcomes, given) {
  for (argument in names(given)) {
    values <- by_outcome(given[[argument]], argument, names(outcomes))
    for (name in names(outcomes)) {
      if (is.null(values[[name]])) next
      if (argument %in% names(outcomes[[name]]$options)) {
        stop_gbtm("given_twice", sprintf("%s: given for all outcomes and in outcome() of '%s'.", argument, name),
                  argument, "Give it once; a list by outcome leaves out the outcomes that it does not name.")
      }
      outcomes[[name]]$options[argument] <- values[name]
    }
  }
  outcomes
}
