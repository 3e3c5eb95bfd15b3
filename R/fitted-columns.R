# What a fit took from its table, which a new table has to have again: the columns, lest a variable of the user's that
# is called so takes the place of one; and values that each row has by itself, whoever else is in the table.

# Arguments that new people are asked for, besides the outcome and the time.
asked_of_new <- c("risk", "risk2", "tcov", "dcov", "exposure", "trials", "wave", "event")

# Names of the variables that an argument uses. Of an event to come its times are not read.
variables_asked <- function(asked, argument) {
  if (is.null(asked) || is.numeric(asked)) return(character())
  if (argument != "event") return(all.vars(one_sided(asked, argument)))
  all.vars(if (isTRUE(asked$ahead)) asked$formula[[3]] else asked$formula)
}

#' Variables of a fit that were no columns: they are found where the formula was written
#'
#' @param known names of columns, and of `wide`
#' @return names by argument, those of the outcome as `outcome`
#' @noRd
variables_outside <- function(parts, covariates, known) {
  found <- function(used, frame) Filter(function(name) exists(name, envir = frame), setdiff(used, known))
  further <- lapply(stats::setNames(nm = asked_of_new), function(name) {
    asked <- covariates[[name]]
    if (is.null(asked) || is.numeric(asked)) return(character())
    formula <- if (name == "event") asked$formula else one_sided(asked, name)
    found(variables_asked(asked, name), environment(formula))
  })
  c(list(outcome = found(parts$outcome_vars, environment(parts$formula))), further)
}

#' Refuse a new table that lacks columns which the fit had
#'
#' @param inputs how the fit's data were read, see [known_inputs()]
#' @param parts those of the fit's formula where the outcome is needed too
#' @noRd
require_fitted <- function(inputs, newdata, arguments, parts = NULL) {
  for (name in arguments) {
    wanted <- setdiff(variables_asked(inputs[[name]], name), c(inputs$outside[[name]], names(inputs$wide)))
    require_columns(newdata, wanted, "newdata")
  }
  if (!is.null(parts) && !parts$outcome %in% names(newdata)) {
    require_columns(newdata, setdiff(parts$outcome_vars, c(inputs$outside$outcome, names(inputs$wide))), "newdata")
  }
}

#' Expressions of the outcome and the like that depend on who is in the table, such as `y - mean(y)`
#'
#' They are good for the fit, and new people cannot have them.
#' @return texts by argument; covariates have theirs in their own terms
#' @noRd
expressions_of_others <- function(parts, covariates, data, subject) {
  single <- Filter(Negate(is.numeric), covariates[c("exposure", "trials", "wave")])
  asked <- lapply(stats::setNames(nm = names(Filter(Negate(is.null), single))), function(name) {
    formula <- one_sided(single[[name]], name)
    list(list(formula[[2]], environment(formula)))
  })
  if (!parts$outcome %in% names(data)) asked$formula <- list(list(parts$formula[[2]], environment(parts$formula)))
  event <- covariates$event
  asked$event <- lapply(event$parts, function(part) list(part, environment(event$formula)))
  texts <- lapply(asked, function(each) {
    found <- Filter(function(one) depends_on_table(one[[1]], one[[2]], data, subject), each)
    if (length(found)) deparse_line(found[[1]][[1]])
  })
  Filter(Negate(is.null), texts)
}

# Whether an expression has other values for some people alone than among all.
depends_on_table <- function(expression, frame, data, subject) {
  if (!is.call(expression)) return(FALSE)
  here <- data[intersect(all.vars(expression), names(data))]
  value <- function(rows) {
    x <- suppressWarnings(eval(expression, here[rows, , drop = FALSE], frame))
    if (is.factor(x)) as.character(x) else as.vector(unclass(x))
  }
  all <- tryCatch(value(seq_along(subject)), error = function(e) NULL)
  if (length(all) != length(subject)) return(FALSE) # one value for all, or an error, which comes later
  people <- unique(subject[!is.na(subject)])
  some <- people[spread_over(length(people), 1000)]
  for (who in c(list(some[seq_len(ceiling(length(some) / 2))]), as.list(people[spread_over(length(people), 6)]))) {
    rows <- which(subject %in% who)
    again <- tryCatch(value(rows), error = function(e) NULL)
    if (!isTRUE(all.equal(again, all[rows], tolerance = 1e-9))) return(TRUE)
  }
  FALSE
}

# Places among n, at most so many of them, from the first to the last.
spread_over <- function(n, most) unique(round(seq(1, n, length.out = min(n, most))))

# Refuse new people where the fit's outcome and the like depend on who is in the table.
refuse_expressions <- function(inputs, arguments) {
  for (name in intersect(arguments, names(inputs$others))) {
    refuse_others(inputs$others[[name]], name, "Compute the column before the fit.")
  }
}

# The first term that gives some rows other values than it gave them among all, such as x - mean(x); NULL for none. What
# scale(), poly(), bs() and ns() took from the data stands in the terms. Rows are looked at together, and a few of them
# each alone: the largest value is the largest of many parts too.
depends_on_others <- function(made, table) {
  together <- spread_over(nrow(table), 1000)
  labels <- attr(made$terms, "term.labels")
  for (some in c(list(together[seq_len(ceiling(length(together) / 2))]), as.list(spread_over(nrow(table), 6)))) {
    again <- tryCatch({
      frame <- suppressWarnings(stats::model.frame(made$terms, table[some, , drop = FALSE], na.action = stats::na.pass,
                                                   xlev = made$xlevels))
      stats::model.matrix(made$terms, frame, contrasts.arg = made$contrasts)
    }, error = function(e) NULL)
    if (is.null(again) || ncol(again) != ncol(made$x)) return(labels[1])
    first <- made$x[some, , drop = FALSE]
    same <- (abs(again - first) <= 1e-9 * pmax(abs(first), 1)) %in% TRUE | (is.na(again) & is.na(first))
    at <- which(colSums(!matrix(same, nrow(first))) > 0)
    if (length(at)) return(labels[attr(made$x, "assign")[at[1]]])
  }
  NULL
}

refuse_others <- function(term, argument, way_out = paste(
  "Compute the column before the fit, or use scale(), poly(), bs() or ns(), which keep what they took from the",
  "fitted data."
)) {
  if (is.null(term)) return(invisible())
  stop_gbtm("not_pointwise", sprintf("%s: '%s' of a person depends on who else is in the table.", argument, term),
            argument, way_out)
}
