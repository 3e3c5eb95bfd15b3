#' Who belongs where, and how large the groups are
#'
#' @param fit a fit
#' @return `posterior()`: data frame, one row per subject in order of first appearance: the id under its own name and
#'   in the type that it has in the data, the probabilities `group_1`, `group_2`, ... and `assigned`, the number of the
#'   most probable group. A file knows ids as numbers and text alone: of a fit read from one, a factor's or dates are
#'   text. `assignment()`: integer vector of the most probable group of each subject, named by id. `group_shares()`:
#'   data frame with one row per group: `share` (estimated pi), `se` (delta method), `lower` and `upper` (95 %
#'   interval), `assigned` (share of the subjects assigned to it). With membership covariates the shares are means over
#'   the subjects. `out_of_sample()`: as `posterior()`, of the subjects that were scored but not fitted.
#'
#'   Of a dual model, see [gbtm()]: `posterior()` has the probabilities of the pairs of groups, `pair_1_1` (group 1 of
#'   the first outcome and group 1 of the second), `pair_1_2`, ..., and what `assignment()` has: a data frame with the
#'   id, `group1` and `group2`, the most probable group of each outcome, and `pair1` and `pair2`, the most probable
#'   pair, which need not be the same two. `group_shares()` has the shares of each outcome's groups, in all, with a
#'   column `outcome`; those of the pairs are [transitions()] of type `"joint"`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(posterior(fit))
#' table(assignment(fit))
#' group_shares(fit)
#' @name groups
NULL

#' @rdname groups
#' @export
posterior <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(pair_frame(fit, fit$dual$posterior, user_ids(fit)))
  posterior_frame(fit$posterior, user_ids(fit), fit$id_name)
}

#' @rdname groups
#' @export
assignment <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(assignment_frame(fit, fit$dual$posterior, user_ids(fit)))
  most_probable(fit$posterior, fit$ids)
}

#' @rdname groups
#' @export
group_shares <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(below_each_other(lapply(outcome_views(fit), group_shares), NULL))
  k <- fit$n_groups
  se <- if (k > 1) sqrt(pmax(diag(fit$cov_shares), 0)) else NA_real_
  se[is.nan(se)] <- NA_real_
  z <- reach_of(fit)
  data.frame(
    group = seq_len(k), share = fit$shares, se = se, lower = pmax(fit$shares - z * se, 0),
    upper = pmin(fit$shares + z * se, 1), assigned = assigned_counts(fit) / fit$n_subjects
  )
}

#' @rdname groups
#' @export
out_of_sample <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(out_of_sample_pairs(fit))
  held <- fit$out_of_sample
  if (is.null(held)) return(posterior_frame(matrix(0, 0, fit$n_groups), user_ids(fit)[0], fit$id_name))
  posterior_frame(held$posterior, user_ids(fit, held$ids), fit$id_name)
}

out_of_sample_pairs <- function(fit) {
  held <- fit$dual$out_of_sample
  ids <- fit$dual$out_of_sample_ids
  if (is.null(held)) return(pair_frame(fit, fit$dual$posterior, user_ids(fit))[0, ])
  pair_frame(fit, held, user_ids(fit, ids))
}

posterior_frame <- function(p, ids, id_name) {
  colnames(p) <- paste0("group_", seq_len(ncol(p)))
  id <- data.frame(ids, stringsAsFactors = FALSE)
  assigned <- unname(most_probable(p, ids))
  cbind(stats::setNames(id, apart(id_name, c(colnames(p), "assigned"))), as.data.frame(p), assigned = assigned)
}

most_probable <- function(p, ids) {
  stats::setNames(max.col(p, ties.method = "first"), id_labels(ids))
}

# People for whom each group is the most probable.
assigned_counts <- function(fit) {
  if (is_on_disk(fit)) fit$sums$n_assigned else tabulate(assignment(fit), fit$n_groups)
}

# Posterior-weighted mean of the outcome per group and wave: group, time (mean of the wave), mean, weight. Of successes
# it is the share of the trials.
observed_means <- function(fit, wave = fit$data$wave) {
  refuse_without_mean(fit$curves, "observed means")
  at <- sort(unique(wave))
  index <- match(wave, at)
  time <- as.vector(rowsum(fit$data$time, index)) / tabulate(index)
  p <- fit$posterior[fit$data$subject, , drop = FALSE]
  weight <- rowsum(p, index)
  tried <- if (has_trials(fit)) rowsum(p * fit$data$exposure, index) else weight
  mean <- rowsum(p * fit$data$y, index) / tried
  data.frame(
    group = rep(seq_len(fit$n_groups), each = length(at)), time = rep(time, fit$n_groups), mean = as.vector(mean),
    weight = as.vector(weight)
  )
}

#' What the starts found
#'
#' The likelihood of a mixture has many optima. A best one that several starts reached is worth more than one
#' that a single start happened upon, and a close runner-up is a second reading of the data.
#'
#' Another optimum about as high as the best, with other groups, is a near tie: a warning of the fit says what differs.
#' Where the best one is degenerate (a group is empty, or parameters run to infinity) and a regular optimum is within
#' rounding of it, the warning names that one. `update(fit, start = optimum(fit, 2))` fits it.
#'
#' @param fit a fit
#' @param rank of an optimum in the start report; 1 is the fit itself
#' @return `start_report()`: data frame of class `gbtm_starts`, one row per distinct optimum, best first: `rank`,
#'   `loglik`, `difference` to the best, `hits` (starts that ended there), `converged`, `collapsed` (a sigma ran to
#'   zero), `how` it differs from the best in words. Attributes `sentence`, `n_starts`, `n_moves`, `n_failed`.
#'
#'   `optimum()`: parameters of one of these optima, named as [coef()] is, its groups from the lowest curve up; for
#'   `start` of [gbtm()].
#' @section Errors: `gbtm_bad_rank` where the start report has no such optimum, or the file of the fit is older than its
#'   parameters.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' start_report(fit)
#' optimum(fit, 1)
#' @export
start_report <- function(fit) {
  check_fit(fit)
  columns <- c("rank", "loglik", "difference", "hits", "converged", "collapsed", "how")
  rows <- lapply(fit$search$optima, function(o) as.data.frame(o[columns], stringsAsFactors = FALSE))
  report <- do.call(rbind, rows)
  for (field in c("sentence", "n_starts", "n_moves", "n_failed")) attr(report, field) <- fit$search[[field]]
  class(report) <- c("gbtm_starts", class(report))
  report
}

#' @rdname start_report
#' @export
optimum <- function(fit, rank) {
  check_names()
  check_fit(fit)
  count <- length(fit$search$optima)
  check_whole(rank, "rank", 1, sprintf("Give a rank of start_report(), 1 to %d.", count))
  if (rank == 1) return(fit$coefficients)
  if (rank > count) {
    stop_gbtm("bad_rank", sprintf("rank: %s is none of the %d optima in the start report.", shown(rank), count),
              "rank", sprintf("Give 1 to %d.", count))
  }
  params <- fit$search$optima[[rank]]$params
  if (is.null(params)) {
    stop_gbtm("bad_rank", sprintf("rank: the file of this fit is older than the parameters of optimum %d.", rank),
              "rank", "Fit the model again.")
  }
  stats::setNames(as.vector(params), names(fit$coefficients))
}

#' @export
print.gbtm_starts <- function(x, ...) {
  check_dots(..., known = c("digits", "quote", "right", "max"))
  if (!is.null(attr(x, "sentence"))) cat(attr(x, "sentence"), "\n\n", sep = "")
  print.data.frame(x, row.names = FALSE, ...)
  invisible(x)
}
