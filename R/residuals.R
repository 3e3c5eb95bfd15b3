#' Residual checks
#'
#' Do the curves run through the data, is the outcome distributed as the family says, and is there correlation within
#' subjects that the groups leave? `ar1_check()` asks what would become of the number of groups if errors within a
#' subject were allowed to be correlated: subjects who stay above their curve for a while look like further groups.
#'
#' @param fit a fit; `residual_checks()` of several outcomes is of one of them, [of_outcome()]
#' @param lags the most lags of the autocorrelation
#' @param seed whole number: seed of the randomized quantile residuals, or of the starts
#' @param groups numbers of groups to fit; by default one less than the fit has, as many, and one more
#' @param n_starts random starts of each fit
#' @param n_jobs worker processes, -1 for one per core; the digits do not depend on it
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#'
#' @return `residual_checks()`: a list of class `gbtm_residual_checks`. `means`: data frame, a row per group and time,
#'   with `n` (expected members observed), `observed` and `fitted` (posterior-weighted means), `lower` and `upper`
#'   (where 95 % of observed means should lie), `se`. `distribution`: for counts the rootogram, `value`, `observed`,
#'   `expected`; else quantiles of the quantile residuals, `theoretical`, `sample`, `lower`, `upper`.
#'   `autocorrelation`: `lag`, `pairs`, `correlation`, `lower`, `upper`. `sentences`: the findings in words. `plot()`
#'   draws them, see [plot_adequacy()].
#'
#'   `ar1_check()`: a list of class `gbtm_ar1_check`. `table`: data frame, a row for each number of groups and each
#'   kind of errors; `chosen` and `chosen_ar1`: the number of groups with the smallest BIC among either; `survives`:
#'   whether they are the same; `autocorrelation` and `sentences`. For families that have no version with AR(1) errors
#'   the table is empty.
#' @section Errors: `gbtm_bad_groups`.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' residual_checks(fit)
#' @export
residual_checks <- function(fit, lags = 5, seed = 0, progress = interactive()) {
  check_names()
  call <- match.call()
  check_fit(fit)
  if (is_several(fit)) refuse_several(outcome_names(fit))
  check_whole(lags, "lags", 1, "Give a number of lags, 1 or more.")
  check_seed(seed)
  found <- long_answer("residual_checks", document_text(fit), as_request(list(lags = lags, rng = seed)),
                       progress = progress, call = call)
  structure(class = "gbtm_residual_checks", c(
    lapply(found$tables, answer_frame, arrays = found$arrays),
    list(sentences = as_text(found$sentences), outcome_name = found$outcome_name, time_name = found$time_name)
  ))
}

#' @export
print.gbtm_residual_checks <- function(x, ...) {
  check_dots(...)
  cat("Residual checks of ", x$outcome_name, " over ", x$time_name, "\n", sep = "")
  print_sentences(x$sentences)
  if (nrow(x$autocorrelation)) {
    cat("\nCorrelation of residuals within subjects\n")
    print(x$autocorrelation, digits = 2, row.names = FALSE)
  }
  cat("\n$means, $distribution and $autocorrelation have the numbers; plot() draws them.\n")
  invisible(x)
}

#' @rdname residual_checks
#' @export
ar1_check <- function(fit, groups = NULL, n_starts = 8, seed = 0, n_jobs = NULL, progress = interactive()) {
  check_names()
  call <- match.call()
  check_fit(fit)
  refuse_all_outcomes(fit, "ar1_check()")
  check_seed(seed)
  options <- list(groups = if (!is.null(groups)) json_array(groups), n_starts = n_starts, rng = seed, n_jobs = n_jobs)
  found <- long_answer("ar1_check", document_text(fit), as_request(options), progress = progress, call = call)
  structure(class = "gbtm_ar1_check", list(
    table = answer_frame(found$table, found$arrays), chosen = found$chosen, chosen_ar1 = found$chosen_ar1,
    survives = if (is.null(found$survives)) NA else found$survives,
    autocorrelation = answer_frame(found$autocorrelation, found$arrays), sentences = as_text(found$sentences)
  ))
}

#' @export
print.gbtm_ar1_check <- function(x, ...) {
  check_dots(...)
  cat("Does the number of groups survive AR(1) errors?\n")
  if (nrow(x$table)) {
    cat("\n")
    table <- x$table
    print(data.frame(
      groups = table$groups, errors = ifelse(table$ar1, "AR(1)", "independent"),
      logLik = formatC(table$loglik, format = "f", digits = 2), k = table$params,
      BIC = formatC(table$bic, format = "f", digits = 2),
      rho = or_na(table$rho, function(v) formatC(v, format = "f", digits = 2)), problem = table$problem
    ), row.names = FALSE)
  }
  print_sentences(x$sentences)
  invisible(x)
}
