#' How surely people are classified
#'
#' `classification_error()` gives the table of the errors of classification, D_ts = P(assigned to s | in t), which the
#' three-step methods undo; `bch_weights()` the weights of Bolck, Croon and Hagenaars (2004,
#' \doi{10.1093/pan/mph001}), with which a person's row for each group is weighted in other software. Other software
#' needs standard errors that allow negative weights, and takes the weights as known; [distal()] does neither.
#'
#' @inheritParams distal
#' @param x what `classification_error()` returned
#' @param digits of the table
#' @param ... nothing: an argument that does not exist is refused
#' @return `classification_error()`: object of class `gbtm_classification`: `table` (D, rows the true groups, columns
#'   those assigned; rows sum to 1), `shares`, `inverse` (NULL where there is none), `logits` log(D_ts / D_tK), which
#'   Mplus' manual third step fixes, `condition` (the condition number of D), `assignment`, and `n_known`, of how many
#'   people the group is known (argument `known` of [gbtm()]): they have no errors, and `table` is of the others.
#'   `bch_weights()`: matrix, a row a person, named by id, a column a group; sampling weights are in it. Who is known to
#'   be in a group has a weight of 1 there.
#' @section Errors: `gbtm_membership_covariates`, `gbtm_one_group`, `gbtm_bad_assignment`, `gbtm_two_group_sets`;
#'   `gbtm_singular_classification` where the groups cannot be told apart by the assignment.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' classification_error(fit)
#' head(bch_weights(fit))
#' @export
classification_error <- function(fit, assignment = "modal", groups_of = NULL) {
  check_names()
  answer <- asked_classification(fit, assignment, groups_of, sys.call())
  groups <- as.character(seq_along(as.vector(decode(answer$shares, answer$arrays))))
  square <- function(x, rows, columns) {
    if (is.null(x)) return(NULL)
    x <- decode(x, answer$arrays)
    dimnames(x) <- stats::setNames(list(groups, groups), c(rows, columns))
    x
  }
  structure(class = "gbtm_classification", list(
    table = square(answer$table, "group", "assigned"),
    shares = stats::setNames(as.vector(decode(answer$shares, answer$arrays)), groups),
    inverse = square(answer$inverse, "assigned", "group"), logits = square(answer$logits, "group", "assigned"),
    condition = as.vector(decode(answer$condition, answer$arrays)), assignment = assignment,
    n_known = answer$n_known
  ))
}

asked_classification <- function(fit, assignment, groups_of, call) {
  check_fit(fit)
  check_word(assignment, "assignment", call)
  fitted_answer("classification", document_text(fit), assignment, as_request(groups_of), call = call)
}

#' @rdname classification_error
#' @export
bch_weights <- function(fit, assignment = "modal", groups_of = NULL) {
  check_names()
  call <- sys.call()
  answer <- asked_classification(fit, assignment, groups_of, call)
  problem <- answer$why_not
  if (!is.null(problem)) settled(list(ok = FALSE, error = problem), call)
  weights <- decode(answer$weights, answer$arrays)
  dimnames(weights) <- list(id_labels(fit$ids), seq_len(ncol(weights)))
  weights
}

#' @rdname classification_error
#' @export
print.gbtm_classification <- function(x, digits = 4, ...) {
  check_dots(...)
  cat("P(assigned | true group), ", x$assignment, " assignment\n", sep = "")
  if (x$n_known > 0) cat("Of those whose group is not known: that of", x$n_known, "people is\n")
  print(round(x$table, digits))
  cat("Condition number ", format(x$condition, digits = 3), "\n", sep = "")
  invisible(x)
}
