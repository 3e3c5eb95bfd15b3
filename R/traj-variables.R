#' What traj leaves behind, under its names
#'
#' @param fit a fit
#' @param level level of the bands
#'
#' @return `traj_data()`: data frame with `_traj_Group` (the most probable group) and `_traj_ProbG1`, `_traj_ProbG2`,
#'   ...
#'   (the probabilities). For a fit by [traj()] its rows are those of the data, so that `cbind()` joins them; a subject
#'   that was not used is NA, one held out by `outofsample()` is scored. For other fits it has one row per subject,
#'   named
#'   by id, those held out at the end. Its attribute `percentages` are the groups' percentages.
#'
#'   `plot_matrix()`: data frame like traj's `e(plot1)`, one row per wave: `trajT` (mean time), `Avg1` ..
#'   (posterior-weighted
#'   mean of the outcome), `Est1` .. (the model's mean) with `L951`, `U951` .., and with dropout `Dropout1` .. (mean
#'   probability of leaving), for which it needs the engine. traj's own bands of censored, zero-inflated and beta
#'   models are
#'   at fault, and so are its curves with exposure or with time-varying covariates but no `plottcov()`: there these
#'   differ.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(traj_data(fit))
#' plot_matrix(fit)
#' @name traj_variables
NULL

#' @rdname traj_variables
#' @export
traj_data <- function(fit) {
  if (inherits(fit, "gbtm_traj_outcome") && !is.null(fit$traj_data)) return(fit$traj_data)
  check_fit(fit)
  held <- fit$out_of_sample
  p <- rbind(fit$posterior, held$posterior)
  ids <- id_labels(c(fit$ids, held$ids))
  rows <- seq_along(ids)
  if (!is.null(fit$rows_read)) {
    rows <- match(fit$rows_read$ids, c(fit$ids, held$ids), incomparables = NA)
    ids <- fit$rows_read$label
  }
  colnames(p) <- paste0("_traj_ProbG", seq_len(ncol(p)))
  table <- cbind("_traj_Group" = max.col(p, ties.method = "first"), p)[rows, , drop = FALSE]
  structure(
    data.frame(table, check.names = FALSE, row.names = ids),
    percentages = stats::setNames(100 * fit$shares, seq_len(fit$n_groups))
  )
}

#' @rdname traj_variables
#' @export
plot_matrix <- function(fit, level = 0.95) {
  check_names()
  check_fit(fit)
  check_level(level)
  if (!is.null(fit$spec$dropout)) {
    answer <- call_bridge("plot_matrix", document_text(fit), level, call = match.call())
    return(as.data.frame(answer$columns))
  }
  means <- observed_means(fit)
  at <- means$time[means$group == 1]
  curves <- curve_table(fit, at, level, symmetric = TRUE)
  by_group <- function(values, stem) {
    stats::setNames(as.data.frame(matrix(values, length(at))), paste0(stem, seq_len(fit$n_groups)))
  }
  bands <- cbind(by_group(curves$lower, "L95"), by_group(curves$upper, "U95"))
  bands <- bands[as.vector(matrix(seq_len(2 * fit$n_groups), 2, byrow = TRUE))]
  cbind(trajT = at, by_group(means$mean, "Avg"), by_group(curves$estimate, "Est"), bands)
}
