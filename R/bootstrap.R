#' Label-matched bootstrap
#'
#' How far parameters, shares, curves and the number of groups would vary. Each replicate's groups are put in the order
#' of the fit by the posterior probabilities that it gives the people of the fit: labels that change places would
#' otherwise pass for uncertainty.
#'
#' @param fit a fit
#' @param kind `"subjects"`: subjects with all their measures are drawn with replacement, or clusters within strata
#'   where the fit has them. `"parametric"`: outcomes are drawn from the fit, all else stays as observed
#' @param n number of replicates
#' @param groups numbers of groups, for example `2:4`, among which, and that of the fit, BIC chooses in each replicate
#' @param n_starts starts of each refit besides the estimates themselves
#' @param seed whole number; the replicates follow from it
#' @param n_jobs worker processes, -1 for one per core; the digits do not depend on it
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param x,object a bootstrap
#' @param parm names or numbers of the parameters, all when missing
#' @param level level of the percentile intervals and bands; for `plot()`, `NULL` draws no bands
#' @param times,tcov as for [predict.gbtm()]
#' @param ... further arguments of [plot.gbtm()]; otherwise not used
#'
#' @return A list of class `gbtm_bootstrap`: `params` (matrix, a row per replicate), `shares` (matrix), `failures`
#'   (replicates left out, as their fit failed) and `reasons`, `chosen_groups` (data frame: how often BIC chose so many
#'   groups), `unfitted` (fits with other numbers of groups that failed), `crossed` (replicates in which groups of
#'   unlike orders changed places, which no matching can undo), `kind`, `sentence`, `fit`. `coef()` gives the fit's
#'   estimates, `vcov()` the replicates' covariance, `confint()` percentile intervals, `summary()` all of these in a
#'   data frame, `group_shares` in its attribute. `predict()` gives the fit's curves with percentile bands, which
#'   `plot()` draws.
#' @section Errors: `gbtm_bad_kind`, `gbtm_bad_n`, `gbtm_bad_groups`, `gbtm_no_simulation` for a parametric one with
#'   dropout, `gbtm_single_cluster`, `gbtm_no_replicate`.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(offenses ~ age, offending, id = "id", groups = 2, order = 1, family = "poisson")
#' boot <- bootstrap(fit, n = 20, n_starts = 1)
#' boot
#' confint(boot)
#' @export
bootstrap <- function(fit, kind = "subjects", n = 200, groups = NULL, n_starts = 4, seed = 0, n_jobs = NULL,
                      progress = interactive()) {
  check_names()
  call <- match.call()
  check_fit(fit)
  check_seed(seed)
  options <- list(kind = kind, n = n, groups = if (!is.null(groups)) json_array(groups), n_starts = n_starts,
                  rng = seed, n_jobs = n_jobs)
  options <- Filter(Negate(is.null), options)
  found <- long_answer("bootstrap", document_text(fit), as_request(options), progress = progress, call = call)
  params <- rows_of(found$params, found$arrays)
  dimnames(params) <- list(found$replicates, names(fit$coefficients))
  shares <- rows_of(found$shares, found$arrays)
  colnames(shares) <- if (is_dual(fit)) pair_names(fit) else seq_len(fit$n_groups)
  coefficients <- lapply(found$coefficients, function(own) lapply(own, rows_of, arrays = found$arrays))
  units <- lapply(found$units, function(own) if (is.list(own)) lapply(own, rows_of, arrays = found$arrays))
  structure(class = "gbtm_bootstrap", list(
    call = call, kind = kind, n = nrow(params), params = params, shares = shares, failures = found$failures,
    reasons = unlist(found$reasons), unfitted = found$unfitted, crossed = found$crossed,
    chosen_groups = if (!is.null(found$chosen_groups)) answer_frame(found$chosen_groups, found$arrays),
    sentence = found$sentence, fit = fit,
    coefficients = if (is_several(fit)) stats::setNames(coefficients, outcome_names(fit)) else coefficients[[1]],
    units = if (is_several(fit)) stats::setNames(units, outcome_names(fit)) else units[[1]]
  ))
}

# A matrix of an answer, even with one row or column.
rows_of <- function(x, arrays) matrix(answer_array(x, arrays), x$shape[1], x$shape[2])

#' @rdname bootstrap
#' @export
print.gbtm_bootstrap <- function(x, ...) {
  check_dots(...)
  print_wrapped(x$sentence)
  cat("\n")
  print(data.matrix(summary(x)), digits = 4)
  if (ncol(x$shares) > 1) {
    cat(if (is_dual(x$fit)) "\nShares of the pairs of groups\n" else "\nGroup shares\n")
    print(bootstrap_shares(x, 0.95), digits = 4, row.names = FALSE)
  }
  if (!is.null(x$chosen_groups)) {
    cat("\nNumber of groups that BIC (n = subjects) chose\n")
    print(x$chosen_groups, digits = 3, row.names = FALSE)
  }
  invisible(x)
}

#' @rdname bootstrap
#' @export
summary.gbtm_bootstrap <- function(object, level = 0.95, ...) {
  check_dots(...)
  limits <- stats::confint(object, level = level)
  table <- data.frame(estimate = object$fit$coefficients, se = sqrt(diag(vcov(object))), lower = limits[, 1],
                      upper = limits[, 2], row.names = names(object$fit$coefficients))
  structure(table, group_shares = bootstrap_shares(object, level))
}

bootstrap_shares <- function(x, level) {
  limits <- percentiles(x$shares, level)
  groups <- if (is_dual(x$fit)) pairs_of(x$fit) else data.frame(group = seq_len(ncol(x$shares)))
  share <- as.vector(if (is_dual(x$fit)) x$fit$dual$shares else x$fit$shares)
  data.frame(groups, share = share, se = apply(x$shares, 2, stats::sd),
             lower = limits[, 1], upper = limits[, 2], row.names = NULL)
}

percentiles <- function(values, level) {
  tail <- (1 - check_level(level)) / 2
  limits <- function(x) if (anyNA(x)) c(NA, NA) else stats::quantile(x, c(tail, 1 - tail), names = FALSE)
  t(apply(values, 2, limits))
}

# The basis of hidden units as a replicate has them.
units_of_replicate <- function(basis, units, i) {
  basis[c("location", "width")] <- list(units$location[i, ], units$width[i, ])
  basis$mix <- matrix(units$mix[i, ], nrow(basis$mix), byrow = TRUE)
  basis
}

#' @rdname bootstrap
#' @export
coef.gbtm_bootstrap <- function(object, ...) {
  check_dots(..., known = "complete")
  object$fit$coefficients
}

#' @rdname bootstrap
#' @export
vcov.gbtm_bootstrap <- function(object, ...) {
  check_dots(..., known = "complete")
  stats::cov(object$params)
}

#' @rdname bootstrap
#' @export
confint.gbtm_bootstrap <- function(object, parm, level = 0.95, ...) {
  check_dots(...)
  names <- colnames(object$params)
  wanted <- wanted_parameters(names, if (missing(parm)) names else parm, sys.call())
  ends <- percentiles(object$params[, wanted, drop = FALSE], level)
  dimnames(ends) <- list(wanted, percent_labels(level))
  ends
}

#' @rdname bootstrap
#' @export
predict.gbtm_bootstrap <- function(object, times = NULL, level = 0.95, tcov = NULL, ...) {
  check_dots(...)
  fit <- object$fit
  if (is_several(fit)) return(below_each_other(lapply(bootstrap_views(object), predict, times, level, tcov)))
  bootstrap_curves(object, curve_times(fit, times), check_level(level), tcov)
}

# The table of curves at these times, of a bootstrap of one outcome.
bootstrap_curves <- function(object, at, level, tcov = NULL) {
  fit <- object$fit
  w <- covariate_rows(fit, tcov, length(at))
  table <- with_outside(fit, curve_table(fit, at, level, w))
  drawn <- vapply(seq_len(object$n), function(i) {
    for (p in names(object$coefficients)) {
      own <- object$coefficients[[p]][i, ]
      fit$curves$coefficients[[p]] <- matrix(own, fit$n_groups, byrow = TRUE)
    }
    if (length(object$units)) fit$curves$bases$mean <- units_of_replicate(fit$curves$bases$mean, object$units, i)
    if (has_mean(fit$curves)) as.vector(t(expected_at(fit, at, w))) else
      in_level_order(level_chances(fit$curves, linear_predictors(fit, at, w)))
  }, numeric(nrow(table)))
  drawn <- matrix(drawn, nrow(table))
  table$se <- apply(drawn, 1, stats::sd)
  table[c("lower", "upper")] <- as.data.frame(percentiles(t(drawn), level))
  table
}

#' @rdname bootstrap
#' @export
plot.gbtm_bootstrap <- function(x, level = 0.95, ...) {
  check_dots(..., known = c("individuals", "observed", "colours", "legend", "groups", "labels", plot_settings))
  if (is_several(x$fit)) {
    legend <- if (is.null(list(...)$legend)) TRUE else list(...)$legend
    further <- list(...)[setdiff(names(list(...)), "legend")]
    return(in_panels(bootstrap_views(x), legend, each = is_dual(x$fit), draw = function(view, legend) {
      do.call(plot, c(list(view, level = level, legend = legend), further))
    }))
  }
  at <- if (can_interpolate(x$fit)) {
    seq(min(seen_times(x$fit)), max(seen_times(x$fit)), length.out = constants$curve_points)
  } else {
    curve_times(x$fit, NULL)
  }
  curves <- bootstrap_curves(x, at, if (is.null(level)) constants$level else check_level(level))
  names(curves)[2] <- "time"
  draw_curves(x$fit, curves, level, ...)
}

# The bootstrap of each outcome of several, by name, for its curves.
bootstrap_views <- function(x) {
  views <- outcome_views(x$fit)
  lapply(stats::setNames(nm = names(views)), function(name) {
    x$fit <- views[[name]]
    x$coefficients <- x$coefficients[[name]]
    x["units"] <- list(x$units[[name]])
    x
  })
}
