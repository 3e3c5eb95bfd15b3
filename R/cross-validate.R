#' Cross-validation
#'
#' For each fold the model is fitted to the other subjects and asked for the log-likelihood of each subject of the
#' fold: how well it would do on new people. Unlike the log-likelihood itself that falls when groups are added which
#' only follow the noise. The absolute error is that of Nielsen et al. (2014), as in the package crimCV with
#' `folds = "subject"`.
#'
#' @param x a fit, or a search: then the columns `cv_loglik` and `cv_se` of its table are filled in
#' @param folds number of random folds; `"subject"` leaves out one subject at a time; or the fold of each subject, in
#'   the order of [posterior()]
#' @param n_starts random starts of each fold's fit besides the estimates on all data; default 8, and none with
#'   `"subject"`
#' @param seed whole number; folds and starts follow from it. For a search its own by default
#' @param n_jobs worker processes, -1 for one per core; the digits do not depend on it
#' @param cluster sampling clusters to be kept together, one value per subject in the order of [posterior()]; default
#'   those of the model
#' @param labels models of the search; default those that some criterion chooses and, for each number of groups, the
#'   first
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param ... for a search: `folds`, `n_starts`; otherwise not used
#'
#' @return For a fit a list of class `gbtm_cv`: `loglik` (held-out total), `se` (its standard error, from the spread
#'   over subjects), `absolute_error`, `by_subject` (data frame: id, `loglik`, `error`, `fold`, `weight`,
#'   `observations`, `cluster`), `n_folds`, `failures` and `sentences`. Where a fold failed the totals are NA. Of
#'   several outcomes `absolute_error` has one each, by name, as they have units of their own, and `by_subject` has
#'   `error_y`, .., `observations_y`, ..; a fold holds people with all outcomes of theirs. For a search the search.
#'   `cv_difference()`: `difference` of the held-out log-likelihoods of two models for the same subjects, and its
#'   standard error, paired by subject, which tells models apart where the two `se` cannot.
#' @section Errors: `gbtm_bad_folds`, `gbtm_bad_cluster`, `gbtm_bad_n_jobs`, `gbtm_other_subjects`;
#'   `gbtm_part_of_a_fit` for one outcome of several.
#' @examplesIf gbtm_engine()$available
#' one <- gbtm(offenses ~ age, offending, id = "id", groups = 1, order = 1, family = "poisson")
#' two <- update(one, groups = 2)
#' cv <- lapply(list(one, two), cross_validate, folds = 3, n_starts = 2)
#' cv
#' cv_difference(cv[[2]], cv[[1]])
#' @export
cross_validate <- function(x, ...) UseMethod("cross_validate")

#' @rdname cross_validate
#' @export
cross_validate.gbtm <- function(x, folds = 10, n_starts = NULL, seed = 0, n_jobs = NULL, cluster = NULL,
                                progress = interactive(), ...) {
  check_dots(...)
  call <- sys.call()
  refuse_part(x)
  check_seed(seed)
  options <- list(folds = folds_asked(folds, x$ids), n_starts = n_starts, rng = seed, n_jobs = n_jobs)
  if (!is.null(cluster)) cluster <- of_subjects(cluster, x$ids, "cluster")
  if (!is.null(cluster)) options$cluster <- json_array(as.character(cluster))
  answer <- long_answer("cross_validate", document_text(x), as_request(options), progress = progress, call = call)
  totals <- answer_array(answer$totals, answer$arrays)
  by_subject <- answer_frame(answer$by_subject, answer$arrays)
  ids <- stats::setNames(data.frame(user_ids(x), stringsAsFactors = FALSE), apart(x$id_name, names(by_subject)))
  error <- totals[-(1:2)]
  if (is_several(x)) names(error) <- outcome_names(x)
  structure(class = "gbtm_cv", list(
    loglik = totals[1], se = totals[2], absolute_error = error, n_folds = answer$n_folds,
    by_subject = cbind(ids, by_subject),
    failures = as_text(answer$failures), sentences = as_text(answer$sentences),
    model = sprintf("%s, %s", formula_words(x), count_words(x))
  ))
}

# Values of each subject, those with names in the order of the ids.
of_subjects <- function(values, ids, argument) {
  if (length(values) != length(ids)) values else in_named_order(values, id_labels(ids), argument)
}

folds_asked <- function(folds, ids) {
  if (is.numeric(folds) && length(folds) == 1) return(json_number(folds))
  if (identical(folds, "subject")) return(folds)
  folds <- of_subjects(folds, ids, "folds")
  if (is.factor(folds)) folds <- as.integer(folds)
  json_array(folds)
}

#' @rdname cross_validate
#' @export
cross_validate.gbtm_search <- function(x, labels = NULL, folds = 10, n_starts = NULL, seed = NULL, n_jobs = NULL,
                                       progress = interactive(), ...) {
  check_dots(...)
  if (!is.null(seed)) check_seed(seed)
  options <- list(folds = folds_asked(folds, x$fits[[1]]$ids), n_starts = n_starts, rng = seed, n_jobs = n_jobs)
  more_of_search(x, "search_cross_validate", labels, options, progress, sys.call())
}

# A search with more columns filled in.
more_of_search <- function(x, name, labels, options, progress, call) {
  if (!is.null(labels)) options$labels <- json_array(labels)
  answer <- long_answer(name, search_text(x), as_request(options), progress = progress, call = call)
  with_said(x, answer)
}

#' @export
print.gbtm_cv <- function(x, ...) {
  check_dots(...)
  cat("Cross-validation of ", x$model, ": ", x$n_folds, " folds of ", nrow(x$by_subject), " subjects\n", sep = "")
  number <- function(v, digits) or_na(v, function(v) formatC(v, format = "f", digits = digits))
  error <- number(x$absolute_error, 4)
  of <- names(x$absolute_error)
  cat("held-out log-likelihood ", number(x$loglik, 2), " (standard error ", number(x$se, 2), ")\n",
      "mean absolute error     ", paste(if (is.null(of)) error else paste(error, "of", of), collapse = ", "), "\n",
      sep = "")
  print_sentences(x$sentences)
  invisible(x)
}

#' @rdname cross_validate
#' @param a,b what `cross_validate()` returned for two fits to the same subjects, with the same folds
#' @export
cv_difference <- function(a, b) {
  check_names()
  for (name in c("a", "b")) {
    if (!inherits(get(name), "gbtm_cv")) {
      stop_gbtm("bad_cv", sprintf("%s: an object of class %s is no cross-validation.", name, class(get(name))[1]), name,
                "Give what cross_validate() returned for a fit.")
    }
  }
  if (!identical(a$by_subject[[1]], b$by_subject[[1]])) {
    stop_gbtm("other_subjects", "b: it is about other subjects.", "b", "Cross-validate both models on the same data.")
  }
  gap <- a$by_subject$weight * (a$by_subject$loglik - b$by_subject$loglik)
  totals <- rowsum(gap, a$by_subject$cluster)
  c(difference = sum(gap), se = sqrt(length(totals)) * stats::sd(totals))
}
