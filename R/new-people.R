# People of a new table, read as those of the fit were, and scored by the engine.

# The engine's table of new people.
classify <- function(fit, newdata, by_wave, level, call) {
  if (is.null(newdata)) {
    stop_gbtm("no_newdata", "newdata: not given.", "newdata", "Give a table of people, in the form of the fit's data.",
              call)
  }
  if (is_several(fit)) {
    views <- if (is_dual(fit)) views_of_people(fit) else outcome_views(fit)
    people <- lapply(views, new_people, newdata, call)
    answer <- bridge_classify_several(fit, people, vapply(views, function(v) v$own_table, NA), by_wave, level, call)
    return(classified(answer, people[[1]]$own, call))
  }
  people <- new_people(fit, newdata, call)
  answer <- bridge_classify(document_text(fit), people$columns, people$further, by_wave, level, call)
  classified(answer, people$own, call)
}

#' New people as the columns that the engine scores
#'
#' @return list: `columns`, `further` (see [covariate_columns()]); `own`, their ids as the user has them; the `table`
#'   and `inputs` by which they were read
#' @noRd
new_people <- function(fit, newdata, call) {
  if (!is.null(fit$inputs$wide)) newdata <- spread_matrices(newdata, fit$inputs$wide)
  check_newdata(newdata)
  own <- own_ids(newdata, ids_asked(fit))
  newdata <- without_declared(newdata, ids_asked(fit))$data
  inputs <- known_inputs(fit, newdata)
  # what is known of people is in the table of all
  if (isTRUE(fit$own_table)) inputs[c("risk", "risk2", "event")] <- list(NULL)
  wide <- inputs$wide
  parts <- fit_parts(fit, if (is.null(wide)) names(newdata) else names(wide))
  newdata <- with_level_numbers(fit, parts, newdata, wide)
  people <- without_outcome(fit, parts, newdata, wide)
  designs <- c(if (!isTRUE(fit$own_table)) c("risk", if (length(fit$second_membership)) "risk2"),
               if (!people) c("tcov", "dcov"), if (!is.null(event_of_table(inputs, newdata))) "event")
  newdata <- with_design_columns(fit, newdata, designs, call)
  found <- if (people) people_alone(fit, parts, newdata, inputs) else
    observed_people(fit, parts, newdata, inputs, wide, call)
  c(found, list(own = own, table = newdata, inputs = inputs))
}

# `columns` and `further` of people of whom no outcome is known.
people_alone <- function(fit, parts, newdata, inputs) {
  asked <- c(inputs[c("risk", "risk2")], list(event = event_of_table(inputs, newdata)))
  require_new(inputs, newdata, asked)
  columns <- people_columns(fit, parts, newdata)
  further <- covariate_columns(asked, newdata, columns, NULL, inputs$kept)
  further$request$people <- TRUE
  if (!is.null(further$columns)) columns <- further$columns
  list(columns = columns, further = further)
}

# `columns` and `further` of people whose outcome is in the table.
observed_people <- function(fit, parts, newdata, inputs, wide, call) {
  asked <- inputs[c("risk", "risk2", "tcov", "dcov", "exposure", "trials", "wave")]
  asked["event"] <- list(event_of_table(inputs, newdata))
  require_new(inputs, newdata, asked, parts)
  columns <- if (is.null(wide)) {
    long_columns(parts, newdata, ids_asked(fit))
  } else {
    wide_columns(parts, newdata, if (all(ids_asked(fit) %in% names(newdata))) ids_asked(fit), wide)
  }
  columns$repeated <- isTRUE(fit$spec$outcomes[[1]]$repeated)
  further <- covariate_columns(asked, newdata, columns, wide, inputs$kept)
  if (!is.null(further)) columns <- further$columns
  warn_far_times(fit, columns$time, call)
  if (!is.null(fit$terms)) columns$basis <- basis_where_known(fit, columns$time)
  list(columns = columns, further = further)
}

# What is asked of new people stands in their table, and is theirs whoever else is in it.
require_new <- function(inputs, newdata, asked, parts = NULL) {
  given <- names(Filter(Negate(is.null), asked))
  require_fitted(inputs, newdata, given, parts)
  refuse_expressions(inputs, c(given, if (!is.null(parts)) "formula"))
}

# The basis of a fit's formula at these times, by column; NA where the time is.
basis_where_known <- function(fit, time) {
  known <- is.finite(time)
  basis <- matrix(NA_real_, length(known), length(basis_names(fit)), dimnames = list(NULL, basis_names(fit)))
  basis[known, ] <- basis_at(fit$terms, fit$time_name, time[known])
  basis
}

# The engine's table, and what it says of the people in it; `own` are their ids as the user has them.
classified <- function(answer, own, call) {
  for (code in c("dropped", "prior")) {
    if (!length(answer[[code]]) || !nzchar(answer[[code]])) next
    warning(gbtm_condition(code, paste("newdata:", answer[[code]]), NULL, "", call, c("gbtm_warning", "warning")))
  }
  table <- as.data.frame(answer$columns, optional = TRUE, stringsAsFactors = FALSE)
  table[[1]] <- in_own_type(table[[1]], own)
  table[[2]] <- as.double(table[[2]]) # the time is NA where nobody was observed
  table
}

# Whether a table is one of people alone: none of the outcome's columns is in it.
without_outcome <- function(fit, parts, newdata, wide) {
  none <- if (is.null(wide)) {
    !any(c(parts$outcome, parts$outcome_vars) %in% names(newdata))
  } else {
    patterns <- utils::glob2rx(wide[[parts$outcome]])
    !any(vapply(patterns, function(p) any(grepl(p, names(newdata))), NA))
  }
  none && (length(c(fit$membership, fit$second_membership)) > 0 || any(ids_asked(fit) %in% names(newdata)))
}

#' Everybody in a table without an outcome, in the form of [long_columns()]; without the id's column, each row is a
#' person
#' @noRd
people_columns <- function(fit, parts, newdata) {
  named <- any(ids_asked(fit) %in% names(newdata))
  ids <- if (named) id_values(newdata, ids_asked(fit)) else list(values = seq_len(nrow(newdata)), name = "row")
  n <- nrow(newdata)
  c(code_subjects(ids$values, ids$name), list(
    id_name = ids$name, time = rep(NA_real_, n), y = rep(NA_real_, n), time_name = parts$time,
    outcome_name = parts$outcome, formula = parts$text
  ))
}
