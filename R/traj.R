#' Run a command of Stata's traj
#'
#' Reads the command's own syntax, fits it, and prints traj's table. Options that cannot be honoured are errors that say
#' so; none is ignored silently. The start is not traj's, so that a better optimum may be found; see [start_report()].
#'
#' A piece of a do-file is read as Stata reads it: comments, `///`, `#delimit ;`, the prefixes quietly, capture and
#' noisily, `if` and `in`, traj's abbreviations and its options with a 1 at their end, several commands, and `trajplot`
#' after one, which draws. What is not given has traj's default: `min()` is 0, `max()` is required for `model(cnorm)`.
#' Any other command is an error that names what to use here.
#'
#' @param command the command text, for example
#'   `"traj, var(y_1-y_5) indep(t_1-t_5) model(zip) order(2 2) iorder(0)"`, or lines of a do-file
#' @param data wide data frame, one row per subject, with the columns the command names; a name that is no column as it
#'   is written is looked for whatever its case, which is said
#' @param id name of the column with the subjects' ids, or of several that name a person together; row numbers when not
#'   given
#' @param matrices named list of the matrices that the command names, such as `start(b0)` or `plottcov(m)`; those that
#'   are not in it are looked for among your variables. Bounds, `lower(lo)` and `upper(up)`, have NA where there is none
#' @param cov_type `"traj"`, as Stata's traj does, or `"hessian"`
#' @param control settings of the search, from [gbtm_control()]
#' @param seed the same as `control = gbtm_control(seed = )`
#' @param prior as for [gbtm()]
#'
#' @return A fit, see [gbtm()], of additional class `traj`: `print()` shows traj's table, which is also in
#'   `$traj$text`. The parameters' names in traj's `e(b)` are in `$traj_names`. A list of fits where the text has
#'   several traj commands. With `outcome()` of class `gbtm_traj_outcome`: the joint fit of the trajectories and of an
#'   outcome regressed on their posterior probabilities, with `coef()`, `vcov()` and [traj_data()], whose
#'   `_traj_Outcome` is what is expected of the outcome; its `fit` is that of the trajectories alone. See [distal()] for
#'   what it does not estimate. A default of traj's that matters is told as a warning of class `gbtm_assumed` and kept
#'   in `$warnings`; what of the text has no effect here is told as a message.
#' @section Errors: Conditions of class `gbtm_error`, for example `gbtm_unknown_column`, `gbtm_unsupported_command`; all
#'   faults of a text are told in one error, each with its line and column.
#' @examplesIf gbtm_engine()$available
#' wide <- reshape(offending, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide",
#'                 sep = "_")
#' for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
#' traj("traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)", wide)
#' @export
traj <- function(command, data, id = NULL, matrices = list(), cov_type = "traj", control = gbtm_control(),
                 seed = NULL, prior = NULL) {
  check_names()
  call <- match.call()
  check_data(data)
  control <- seeded(control, seed)
  ask_columns("id", environment(), data)
  command <- one_text(command, "not_traj", "of a traj command",
                      "It reads \"traj, var(..) indep(..) model(..) order(..)\".", call, "command")
  run_commands(command, "stata", data, id, matrices, cov_type, control, call, parent.frame(), prior)
}

# Every command of a do-file's or a SAS program's text, with its pictures; a list of fits where there are several.
run_commands <- function(text, language, data, id, matrices, cov_type, control, call, frame, prior = NULL) {
  needed <- bridge_read_commands(text, names(data), language, call)
  declared <- without_declared(data)
  fits <- lapply(seq_along(needed), function(which) {
    asked <- needed[[which]]
    if (length(asked$notes)) message("No effect here: ", paste(unlist(asked$notes), collapse = " "))
    fit <- run_command(text, language, which, asked, declared, id, matrices, cov_type, control, call, frame, prior)
    for (request in asked$plots) draw_request(fit, request)
    fit
  })
  if (length(fits) == 1) fits[[1]] else fits
}

run_command <- function(text, language, which, needed, declared, id, matrices, cov_type, control, call, frame,
                        prior) {
  data <- declared$data
  condition <- intersect(names(data), unlist(needed$condition))
  is_text <- vapply(data[condition], function(x) is.character(x) || is.factor(x), NA)
  columns <- intersect(names(data), c(unlist(needed$columns), condition[!is_text]))
  table <- lapply(stats::setNames(nm = columns), function(name) numeric_column(data[[name]], name))
  texts <- lapply(data[condition[is_text]], function(x) json_array(as.character(x)))
  if (is.null(id)) id <- unlist(needed$persons)
  coded <- traj_ids(data, id)
  asked <- list(language = language, which = which - 1, all_columns = json_array(names(data)), texts = as_object(texts))
  # without those of lower() and upper() the fit warns that the bounds are not kept
  here <- function(name) {
    !is.null(matrices[[name]]) || (grepl("^[[:alpha:]]", name) && exists(name, frame, mode = "numeric"))
  }
  given <- named_matrices(c(needed$matrices, Filter(here, needed$bounds)), matrices, frame)
  options <- c(search_options(control, cov_type), if (!is.null(prior)) list(prior = sent_prior(prior)))
  named <- if (length(id) > 1) json_array(id) else id
  answer <- bridge_command(text, table, named, coded, given, asked, options, control, call,
                           declared_in(declared$counts, list(columns), data))
  fit <- new_gbtm(answer$document, answer$arrays, call = call, traj = answer$traj)
  fit$own_ids <- own_ids(data, id)
  fit$rows_read <- list(ids = coded$ids, label = row.names(data))
  warn_findings(fit$warnings, call)
  if (is.null(answer$outcome)) return(fit)
  out <- new_traj_outcome(fit, answer$outcome, fit$rows_read)
  out$traj <- list(text = answer$outcome$text) # what print() shows of a command
  out
}

#' What traj's outcome() gave, beside the fit of the trajectories before it
#'
#' @param said the engine's answer
#' @param read ids of the rows of the user's table, and what they are called
#' @noRd
new_traj_outcome <- function(fit, said, read) {
  names <- as.character(said$names)
  rows <- match(read$ids, fit$ids, incomparables = NA)
  variables <- lapply(said$variables, function(x) {
    x <- as.vector(decode(x))[rows]
    replace(x, is.nan(x), NA_real_)
  })
  structure(class = c("gbtm_traj_outcome", "gbtm_step_three"), list(
    formula = said$formula, coefficients = stats::setNames(as.vector(decode(said$params)), names),
    vcov = structure(decode(said$cov), dimnames = list(names, names)), df = if (is.null(said$df)) Inf else said$df,
    family = said$family, method = "traj", loglik = said$loglik, nobs = fit$n_subjects,
    traj_names = as.character(said$traj_names), fit = fit,
    traj_data = as.data.frame(variables, row.names = read$label, optional = TRUE)
  ))
}

# The picture that trajplot or %TRAJPLOT asks for.
draw_request <- function(fit, request) {
  if (is_several(fit)) {
    legend <- isTRUE(request$legend)
    return(in_panels(outcome_views(fit), legend, each = is_dual(fit), draw = function(view, legend) {
      draw_request(view, replace(request, "legend", legend))
    }))
  }
  words <- Filter(Negate(is.null), list(main = request$title, xlab = request$xtitle, ylab = request$ytitle))
  axes <- list(xaxt = if (length(request$xticks)) "n", yaxt = if (length(request$yticks)) "n")
  drawn <- do.call(plot, c(list(fit, level = if (isTRUE(request$bands)) 0.95, observed = isTRUE(request$averages),
                                         legend = isTRUE(request$legend)), words, Filter(Negate(is.null), axes)))
  if (length(request$xticks)) graphics::axis(1, at = unlist(request$xticks))
  if (length(request$yticks)) graphics::axis(2, at = unlist(request$yticks), las = 1)
  invisible(drawn)
}

# Ids in the order of the rows, missing ones included.
traj_ids <- function(data, id) {
  coded <- wide_ids(data, id)
  list(ids = coded$ids[coded$codes + 1], name = coded$name)
}

# The matrices a command names, `wanted` = list(start = "b0"), by row.
named_matrices <- function(wanted, matrices, frame) {
  names <- unlist(wanted)
  lapply(stats::setNames(nm = unique(names)), function(name) {
    found <- matrices[[name]]
    if (is.null(found)) found <- get0(name, frame, mode = "numeric")
    option <- names(names)[match(name, names)]
    if (!is.numeric(found)) {
      stop_gbtm(paste0("bad_", option), sprintf("%s(%s): no matrix of that name was given.", option, name), option,
                sprintf("Pass matrices = list(%s = c(...)), or write the numbers into the command.", name))
    }
    json_array(as.vector(t(found)))
  })
}
