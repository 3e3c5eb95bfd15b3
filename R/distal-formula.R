# Formulas of distal outcomes, prison ~ group + age0 or Surv(time, event) ~ group, where `group` stands for the
# groups of the fit. What stands beside it is computed here, as R means it; the engine gets columns of numbers by name.

distal_example <- "For example prison ~ group + age0, or Surv(time, event) ~ group."

#' A formula and its table as the engine takes them
#'
#' @param people what [people_ids()] returned: which rows of the table are of people of the fit
#' @param further columns of the table that are needed besides, which may be missing for nobody of step three
#' @return list: `text` of the formula, with the columns of the design by name; `outcome`, names of the columns that
#'   the left side is computed from; `columns`, a named list of the table's columns; `terms`, the columns of each term
#'   that stands beside the group
#' @noRd
distal_columns <- function(formula, data, people, further, call) {
  if (!inherits(formula, "formula") || length(formula) != 3) {
    stop_gbtm("bad_formula", sprintf("formula: %s is not 'outcome ~ group + ..'.", shown(formula)), "formula",
              distal_example, call)
  }
  refuse_taking_away(formula[[3]], "formula")
  left <- left_columns(formula, data, call)
  right <- right_terms(formula, data, call)
  require_columns(data, further, "data")
  covariates <- intersect(all.vars(right$formula), names(data))
  refuse_twice(data, c(left$used, covariates))
  known <- stats::complete.cases(as.data.frame(c(left$columns, as.list(data[c(covariates, further)])),
                                               optional = TRUE))
  design <- design_of_people(right$formula, data, known, people, c(names(left$columns), covariates, further), call)
  x <- design$x
  # by variables, as R may turn a:b to b:a
  sets <- function(terms) {
    stands <- attr(terms, "factors") > 0
    apply(stands, 2, function(f) sort(row.names(stands)[f]), simplify = FALSE)
  }
  mine <- if (length(right$own)) sets(stats::terms(of_terms(right$own, environment(formula)))) else list()
  own <- if (ncol(x)) sets(design$kept$terms)[design$of_term] %in% mine else logical()
  quoted <- sprintf("`%s`", colnames(x))
  terms <- c("group", sprintf("group:%s", quoted[own]), quoted[!own])
  list(
    terms = columns_of_terms(design, own),
    text = sprintf("%s ~ %s", left$text, paste(terms, collapse = " + ")), outcome = left$used,
    columns = c(left$columns, as.list(data[setdiff(further, names(left$columns))]),
                lapply(stats::setNames(seq_len(ncol(x)), colnames(x)), function(j) x[, j]))
  )
}

#' Columns of covariates of people of the fit of whom nothing is missing; NA on all other rows of the table
#' @noRd
design_of_people <- function(formula, data, known, people, needed, call) {
  none <- matrix(NA_real_, nrow(data), 0, dimnames = list(NULL, character()))
  if (is.null(formula)) return(list(x = none))
  rows <- which(known & (people | !any(people)))
  if (!length(rows)) {
    stop_gbtm("nobody", sprintf("data: nobody has all of %s.", listing(unique(needed))), "data",
              "Look for a column without values.", call)
  }
  made <- design_columns(formula, data[rows, , drop = FALSE], "formula")
  x <- matrix(NA_real_, nrow(data), ncol(made$x), dimnames = list(NULL, colnames(made$x)))
  x[rows, ] <- made$x
  made$x <- x
  made
}

# Names of the columns of each term of a design, of those columns that are `kept`.
columns_of_terms <- function(design, kept = rep(TRUE, ncol(design$x))) {
  if (!any(kept)) return(list())
  labels <- gsub("`", "", attr(design$kept$terms, "term.labels"), fixed = TRUE)
  split(colnames(design$x)[kept], factor(labels[design$of_term][kept], unique(labels[design$of_term][kept])))
}

# The left side: a column, or an expression of columns; of Surv() its parts.
left_columns <- function(formula, data, call) {
  side <- formula[[2]]
  is_survival <- is.call(side) && (identical(side[[1]], quote(Surv)) || identical(side[[1]], quote(survival::Surv)))
  if (!is_survival) {
    column <- left_column(side, formula, data, call)
    return(list(columns = column, text = sprintf("`%s`", names(column)), used = all.vars(side)))
  }
  parts <- survival_parts(as.list(side)[-1], formula, call)
  columns <- do.call(c, unname(lapply(parts, left_column, formula, data, call)))
  at <- match("event", names(parts))
  columns[[at]] <- as_event(columns[[at]], names(columns)[at], call)
  names(columns) <- gsub(",", ";", names(columns), fixed = TRUE) # the engine parts them by commas
  list(columns = columns, text = sprintf("Surv(%s)", paste0("`", names(columns), "`", collapse = ", ")),
       used = all.vars(side))
}

# As survival::Surv() matches them: time and event, or entry, time and event.
survival_parts <- function(given, formula, call) {
  names <- names(given)
  if (is.null(names)) names <- rep("", length(given))
  odd <- setdiff(names, c("", "time", "time2", "event"))
  free <- setdiff(if (length(given) == 3) c("time", "time2", "event") else c("time", "event"), names)
  names[names == ""] <- free[seq_len(sum(names == ""))]
  if (length(odd) || !setequal(names, if (length(given) == 3) c("time", "time2", "event") else c("time", "event"))) {
    stop_gbtm("bad_formula", sprintf(
      "formula: %s: Surv() takes a time and an event, or an entry, a time and an event.", deparse_line(formula[[2]])
    ), "formula", distal_example, call)
  }
  names(given) <- names
  given[intersect(c("time", "time2", "event"), names)]
}

left_column <- function(side, formula, data, call) {
  if (is.name(side)) require_columns(data, as.character(side), "formula")
  values <- tryCatch(eval(side, data, environment(formula)), error = function(e) {
    stop_gbtm("unknown_column", sprintf("formula: '%s' cannot be computed: %s.", deparse_line(side),
                                        conditionMessage(e)), "formula",
              sprintf("The columns are %s.", listing(names(data))), call)
  })
  if (length(values) != nrow(data) || !is.null(dim(values))) {
    stop_gbtm("bad_formula", sprintf("formula: '%s' is not one value a row.", deparse_line(side)), "formula",
              distal_example, call)
  }
  stats::setNames(list(values), gsub("`", "", deparse_line(side), fixed = TRUE))
}

# 1 and 2 are no event and event, as in Surv().
as_event <- function(values, name, call) {
  if (is.factor(values) || is.character(values)) {
    stop_gbtm("bad_outcome", sprintf("%s: an event is 0 or 1, or FALSE or TRUE, not a factor.", name), name,
              sprintf("For example Surv(time, %s == \"dead\").", name), call)
  }
  if (is.numeric(values) && any(values == 2, na.rm = TRUE) && all(values %in% c(1, 2, NA))) values - 1 else values
}

# The right side: the terms that stand beside `group`, and one formula of all covariates, NULL where there are none.
right_terms <- function(formula, data, call) {
  bad <- function(why) {
    stop_gbtm("bad_formula", sprintf("formula: '%s': %s.", deparse_line(formula), why), "formula", distal_example, call)
  }
  read <- tryCatch(stats::terms(formula[-2], data = data), error = function(e) bad(conditionMessage(e)))
  if (length(attr(read, "offset"))) {
    stop_gbtm("bad_formula", "formula: an offset has no place in it.", "formula",
              "Give the time at risk of counts with exposure = \"column\".", call)
  }
  factors <- attr(read, "factors")
  ours <- row.names(factors) %in% c("group", "factor(group)", "as.factor(group)", "C(group)")
  labels <- lapply(seq_len(max(0, ncol(factors))), function(j) row.names(factors)[factors[, j] > 0 & !ours])
  with_group <- if (any(ours)) colSums(factors[ours, , drop = FALSE] > 0) > 0 else rep(FALSE, length(labels))
  if (!any(with_group)) {
    stop_gbtm("no_group", sprintf("formula: '%s' has no group on its right.", deparse_line(formula)), "formula",
              paste("'group' stands for the groups of the fit.", distal_example), call)
  }
  joined <- vapply(labels, paste, "", collapse = ":")
  own <- joined[with_group & nzchar(joined)]
  common <- setdiff(joined[!with_group], own)
  all <- c(own, common)
  list(own = own, formula = if (length(all)) of_terms(all, environment(formula)))
}

of_terms <- function(labels, env) stats::reformulate(labels, env = env)
