#' How often the model finds groups that are known
#'
#' For each fold of the people whose group is known the model is fitted to everybody with the groups of the fold hidden,
#' and asked for these. They stay in the fit by their outcomes.
#'
#' @inheritParams cross_validate
#' @param fit a fit with `known`, see [gbtm()]
#' @param folds number of random folds of these people, of each group in equal parts
#' @param n_starts random starts of each fold's fit besides the estimates on all data
#' @param seed whole number; folds and starts follow from it
#' @param groups_of of a dual model the outcome whose groups are hidden, by name or number; not needed where people are
#'   known of one outcome's groups only
#' @param x what `known_accuracy()` returned
#' @param ... nothing
#' @return A list of class `gbtm_known_accuracy`: `accuracy`, the share of the people whose most probable group is the
#'   known one, weighted where the fit is, with its standard error `se`, from the spread over people; `n`, how many
#'   these people are; `by_group` (data frame: `group`, `n`, `accuracy`); `table`, counts by known group (rows) and the
#'   group that was found; `by_subject` (data frame: id, `known`, `found`, `probability` of the known group, `fold`),
#'   NA where a fold failed; `weights`, `failures` and `sentence`.
#' @section Errors: `gbtm_no_known` where fewer than two people's group is known for certain; `gbtm_bad_folds` for more
#'   folds than these; `gbtm_part_of_a_fit` for one outcome of several; `gbtm_two_group_sets`, `gbtm_one_group_set`,
#'   `gbtm_unknown_outcome`.
#' @examplesIf gbtm_engine()$available
#' d <- pathways
#' fit <- gbtm(aggression ~ age, d, id = "id", groups = 2, order = 1)
#' # say that the groups of a third of the people were diagnosed
#' d$told <- assignment(fit)[match(d$id, fit$ids)]
#' d$told[d$id %% 3 != 0] <- NA
#' known_accuracy(gbtm(aggression ~ age, d, id = "id", groups = 2, order = 1, known = "told"))
#' @export
known_accuracy <- function(fit, folds = 5, n_starts = 8, seed = 0, n_jobs = NULL, progress = interactive(),
                           groups_of = NULL) {
  check_names()
  call <- match.call()
  check_fit(fit)
  refuse_part(fit)
  check_seed(seed)
  options <- Filter(Negate(is.null), list(folds = folds, n_starts = n_starts, rng = seed, n_jobs = n_jobs,
                                           groups_of = groups_of))
  found <- long_answer("known_accuracy", document_text(fit), as_request(options), progress = progress, call = call)
  totals <- answer_array(found$totals, found$arrays)
  by_subject <- answer_frame(found$by_subject, found$arrays)
  for (name in c("known", "found", "fold")) by_subject[[name]] <- as.integer(by_subject[[name]])
  ids <- data.frame(user_ids(fit)[unlist(found$ids) + 1], stringsAsFactors = FALSE)
  names(ids) <- apart(fit$id_name, names(by_subject))
  by_group <- answer_frame(found$by_group, found$arrays)
  k <- as.character(seq_len(found$n_groups))
  structure(class = "gbtm_known_accuracy", list(
    accuracy = totals[1], se = totals[2], n = sum(!is.na(by_subject$found)), by_group = by_group,
    table = matrix(as.integer(answer_array(found$table, found$arrays)), found$n_groups,
                   dimnames = list(known = k, found = k)),
    by_subject = cbind(ids, by_subject), weights = answer_array(found$weights, found$arrays),
    failures = as_text(found$failures), sentence = found$sentence
  ))
}

#' @rdname known_accuracy
#' @export
print.gbtm_known_accuracy <- function(x, ...) {
  check_dots(...)
  print_wrapped(x$sentence)
  print(x$table)
  invisible(x)
}
