# Covariates of a new table under a fit that was read from a file, which knows its columns by the names that they have
# in the design: `regionsouth`, `scale(x)`. The file says how they are made, and the engine makes them so.

#' The table with the columns of a stored design beside its own
#'
#' A table that has the design's columns is left as it is, and so is every table of a fit that was made here, which
#' keeps R's own terms.
#' @param arguments which of `risk`, `risk2`, `tcov` and `dcov` are needed
#' @noRd
with_design_columns <- function(fit, newdata, arguments, call) {
  if (!is.null(fit$inputs)) return(newdata)
  for (argument in arguments) {
    wanted <- stored_names(fit, argument)
    varies <- !argument %in% c("risk", "risk2", "event")
    if (all(wanted %in% names(newdata)) || (varies && identical(fit$read_as$form, "wide"))) next
    variables <- stored_variables(fit, argument)
    refuse_unstored(fit, argument, wanted, names(newdata), call)
    if (!is.null(variables)) require_columns(newdata, variables, "newdata")
    made <- stored_design(fit, argument, newdata[if (is.null(variables)) names(newdata) else variables], call)
    newdata[wanted] <- lapply(seq_along(wanted), function(j) made[, j])
  }
  newdata
}

# Names of the design's columns.
stored_names <- function(fit, argument) {
  as.character(switch(argument, risk = fit$membership, risk2 = fit$second_membership,
                      tcov = fit$curves$covariates$names, event = fit$event$names, fit$dropout_covariates))
}

# The columns of a table that a stored design is made of; NULL where the file does not say, or not in R's grammar.
stored_variables <- function(fit, argument) {
  stored <- unlist(if (argument == "event") fit$read_as$event$covariates else fit$read_as[[argument]])
  if (!is.character(stored)) return(NULL)
  if (!is_formula_text(stored)) return(stored)
  formula <- tryCatch(one_sided(stored, argument), error = function(e) NULL) # read, not run
  if (!is.null(formula)) all.vars(formula)
}

# Whether a table has columns that the covariates of a fit read from a file are made of. Where the file does not say of
# which, a column counts whose name stands in that of a covariate: `region` in `regionsouth:t`.
asks_for_covariates <- function(fit, columns) {
  columns <- setdiff(columns, c(fit$time_name, fit$outcome_name, fit$id_name))
  variables <- stored_variables(fit, "tcov")
  if (!is.null(variables)) return(any(columns %in% variables))
  names <- stored_names(fit, "tcov")
  starts <- vapply(columns, function(column) {
    at <- unlist(lapply(names, function(name) {
      found <- gregexpr(column, name, fixed = TRUE)[[1]]
      if (found[1] > 0) substring(paste0(" ", name), found, found)
    }))
    any(!grepl("[[:alnum:]._]", at))
  }, NA)
  any(starts)
}

# A file of R's tells how columns are made where Python can make them alike.
refuse_unstored <- function(fit, argument, wanted, known, call) {
  if (length(unlist(fit$read_as[[argument]]))) return(invisible())
  stop_gbtm("unknown_design", sprintf(
    "newdata: there is no column '%s', and the fit's file does not say how it is made.", setdiff(wanted, known)[1]
  ), "newdata", sprintf(paste("Give the columns of the design as they were fitted (%s: %s), or keep a fit of R with",
                              "saveRDS(), which has what makes them."), argument, listing(wanted, 12)), call)
}

stored_design <- function(fit, argument, table, call) {
  columns <- lapply(as.list(without_declared(table)$data), function(x) {
    if (is.factor(x) || is.character(x)) json_array(as.character(x)) else if (is_number_column(x)) json_array(x)
  })
  columns <- Filter(Negate(is.null), columns)
  request <- as_request(list(argument = argument, columns = as_object(columns)))
  of_people <- argument %in% c("risk", "risk2") && !is.null(fit$whole) # of a dual model, said of both sets at once
  answer <- fitted_answer("design_columns", document_text(if (of_people) fit$whole else fit), request, call = call)
  answer_array(answer$x, answer$arrays)
}
