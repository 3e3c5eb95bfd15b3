#' Tests of the number of groups
#'
#' `blrt()` is McLachlan's parametric bootstrap of the likelihood-ratio statistic of K groups against K - 1. The
#' statistic has no chi-square distribution here, so that data are drawn from the smaller fit, at the observed times,
#' with the covariates and the missing values of the sample, and both models are fitted to each. Draws end when the
#' test can no longer reject, or clearly will. `lmr()` is the adjusted test of Lo, Mendell and Rubin (2001): Jeffries
#' (2003) showed that its proof needs conditions that fail for mixtures, so that it is at best a description.
#'
#' @param x a fit with two or more groups; or for `blrt()` a search: K is then tested against K - 1, all groups at the
#'   highest order, from two groups up, until a test does not reject at 0.05, and the column `blrt_p` filled in
#' @param smaller fit with one group less to the same data, whose groups are among those of `x`; by default the model
#'   without the last group, fitted for it
#' @param n_max,n_min largest number of draws, and the smallest before a rejection may end them
#' @param alpha level of the test
#' @param n_starts random starts of the larger fit to each draw
#' @param seed whole number; draws and starts follow from it. For a search its own by default
#' @param n_jobs worker processes, -1 for one per core; the digits do not depend on it
#' @param labels models of a search to be tested instead
#' @param with_lmr for a search: `lmr()` too, in the column `lmr_p`
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return For a fit a list of class `htest`. `blrt()`: `statistic`, `p.value`, `parameter` (draws), `replicates` (the
#'   statistics drawn), `exceeding` (how many are as large as the observed one), `failures` and `reasons` for them,
#'   `negative` (draws whose larger model fitted worse), `stopped` (why there were no more draws), `loglik`, and
#'   `sentence`. `lmr()`: `statistic` (adjusted), `p.value`, `unadjusted` (statistic and p), `df`, `weights` of the
#'   chi-squares, `sentence`. For a search the search.
#' @section Errors: `gbtm_one_group`, `gbtm_not_nested`, `gbtm_worse_fit`, `gbtm_no_simulation` with dropout,
#'   `gbtm_bad_n_max`, `gbtm_no_replicate`.
#' @examplesIf gbtm_engine()$available
#' two <- gbtm(offenses ~ age, offending, id = "id", groups = 2, order = 1, family = "poisson")
#' blrt(two, n_max = 19, n_starts = 2)
#' lmr(two)
#' @export
blrt <- function(x, ...) UseMethod("blrt")

#' @rdname blrt
#' @export
blrt.gbtm <- function(x, smaller = NULL, n_max = 199, n_min = 99, alpha = 0.05, n_starts = 8, seed = 0, n_jobs = NULL,
                      progress = interactive(), ...) {
  check_dots(...)
  call <- sys.call()
  check_seed(seed)
  check_level(alpha, "alpha", 0.05)
  options <- list(n_max = n_max, n_min = n_min, alpha = json_number(alpha), n_starts = n_starts, rng = seed,
                  n_jobs = n_jobs)
  found <- long_answer("blrt", document_text(x), optional_document(smaller), as_request(options), progress = progress,
                       call = call)
  numbers <- answer_array(found$numbers, found$arrays)
  structure(class = c("gbtm_blrt", "htest"), list(
    statistic = c("2 x difference of log-likelihoods" = numbers[1]), parameter = c(draws = found$n),
    p.value = numbers[2], method = sprintf("Bootstrap likelihood-ratio test of %s", against(found$groups)),
    data.name = formula_words(x), replicates = answer_array(found$replicates, found$arrays),
    exceeding = found$exceeding, failures = found$failures, reasons = unlist(found$reasons),
    negative = found$negative, stopped = found$stopped, loglik = c(smaller = numbers[4], larger = numbers[3]),
    alpha = numbers[5], sentence = found$sentence
  ))
}

against <- function(k) sprintf("%d against %d group%s", k, k - 1L, if (k > 2) "s" else "")

optional_document <- function(fit) {
  if (is.null(fit)) return("")
  check_fit(fit)
  document_text(fit)
}

#' @rdname blrt
#' @export
blrt.gbtm_search <- function(x, labels = NULL, with_lmr = FALSE, n_max = 199, n_min = 99, alpha = 0.05, n_starts = 8,
                             seed = NULL, n_jobs = NULL, progress = interactive(), ...) {
  check_dots(...)
  if (!is.null(seed)) check_seed(seed)
  check_level(alpha, "alpha", 0.05)
  options <- list(lmr = check_flag(with_lmr, "with_lmr"), n_max = n_max, n_min = n_min, alpha = json_number(alpha),
                  n_starts = n_starts, rng = seed, n_jobs = n_jobs)
  more_of_search(x, "search_blrt", labels, options, progress, sys.call())
}

#' @rdname blrt
#' @export
lmr <- function(x, smaller = NULL, seed = 0) {
  check_names()
  call <- match.call()
  check_fit(x)
  check_seed(seed)
  found <- long_answer("lmr", document_text(x), optional_document(smaller), as.character(json_number(seed)),
                       progress = interactive(), call = call)
  numbers <- answer_array(found$numbers, found$arrays)
  structure(class = c("gbtm_lmr", "htest"), list(
    statistic = c("adjusted LR" = numbers[2]), p.value = numbers[3],
    method = sprintf("Lo-Mendell-Rubin adjusted likelihood-ratio test of %s", against(found$groups)),
    data.name = formula_words(x), unadjusted = c(statistic = numbers[1], p.value = numbers[4]), df = found$df,
    weights = answer_array(found$weights, found$arrays), sentence = found$sentence
  ))
}

#' @export
print.gbtm_blrt <- function(x, digits = getOption("digits"), ...) {
  check_dots(...)
  print_test(x, digits, c("statistic", "draws", "p-value"), c(
    format(x$statistic, digits = max(1, digits - 2)), format(x$parameter), format.pval(x$p.value, digits = digits - 3)
  ))
}

#' @export
print.gbtm_lmr <- function(x, digits = getOption("digits"), ...) {
  check_dots(...)
  print_test(x, digits, c("adjusted LR", "p-value"), c(
    format(x$statistic, digits = max(1, digits - 2)), format.pval(x$p.value, digits = digits - 3)
  ))
}

# As base R's tests are printed, with the result in words below.
print_test <- function(x, digits, names, values) {
  cat("\n")
  cat(strwrap(x$method, prefix = "\t"), sep = "\n")
  cat("\ndata:  ", x$data.name, "\n", sep = "")
  cat(paste(names, "=", values, collapse = ", "), "\n", sep = "")
  print_sentences(sub(paste0(x$method, ": "), "", x$sentence, fixed = TRUE))
  cat("\n")
  invisible(x)
}
