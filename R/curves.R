# Fitted curves with bands, made again from what the fit holds. The standard error is the delta method's: Var E(y) =
# g' V g with g the derivative of E(y) in the engine's internal parameters. The band is E(y) plus and minus a multiple
# of it, cut to the outcome's range; of a mean with a logit link it is formed for eta = logit E(y) and taken back.
# Categories without an order have no mean: the curves are their probabilities, see R/categories.R.

# Design columns (C, q) of a predictor in the engine's internal coordinates; `w` (C, q) are time-varying covariates, by
# default those of the profile.
internal_columns <- function(fit, predictor, times, w = NULL) {
  own <- time_columns(fit, predictor, times)
  covariates <- fit$curves$covariates
  if (predictor %in% c("zero", "precision") || is.null(fit$curves$bases[[predictor]]) || is.null(covariates)) {
    return(own)
  }
  w <- if (is.null(w)) profile_at(covariates, times) else with_time_of(covariates, w, times)
  cbind(own, sweep(sweep(w, 2, covariates$centre), 2, covariates$scale, "/") %*% covariates$mix)
}

# Covariates (C, q) of the profile, along a line between its times, but for those that are polynomials of time.
profile_at <- function(covariates, times) {
  in_order <- order(covariates$profile_times)
  known <- covariates$profile_times[in_order]
  columns <- apply(covariates$profile[in_order, , drop = FALSE], 2, function(values) {
    if (length(known) == 1) return(rep(values, length(times)))
    stats::approx(known, values, times, rule = 2, ties = "ordered")$y
  })
  at <- matrix(columns, length(times))
  at[, covariates$of_time$columns] <- NA
  with_time_of(covariates, at, times)
}

# Covariates (C, q) with what time says in place of those that are missing and polynomials of it.
with_time_of <- function(covariates, w, times) {
  of_time <- covariates$of_time
  if (is.null(of_time) || !anyNA(w)) return(w)
  powers <- outer((times - of_time$centre) / of_time$scale, seq_len(ncol(of_time$coefficients)) - 1, "^")
  values <- powers %*% t(of_time$coefficients)
  at <- w[, of_time$columns, drop = FALSE]
  w[, of_time$columns] <- ifelse(is.na(at), values, at)
  w
}

time_columns <- function(fit, predictor, times) {
  basis <- fit$curves$bases[[predictor]]
  if (is.null(basis)) return(matrix(1, length(times), 1))
  raw <- if (basis$kind == "polynomial") {
    outer((times - basis$centre) / basis$scale, seq_along(basis$names) - 1, "^")
  } else if (basis$kind == "network") {
    unit_columns(basis, times)
  } else if (!is.null(fit$terms)) {
    basis_at(fit$terms, fit$time_name, times)
  } else {
    made <- stored_columns(basis$design, times)
    if (is.null(made)) tabulated_columns(basis, times) else made
  }
  raw %*% basis$mix
}

tabulated_columns <- function(basis, times) {
  where <- match(times, basis$times)
  if (anyNA(where)) {
    unknown <- format(times[is.na(where)][1])
    stop_gbtm("unknown_time", sprintf("times: %s was not observed, and the curve is known only at times that were.",
                                      unknown), "times",
              sprintf(paste("The times are %s. A file has other times of polynomials and of terms of time alone,",
                            "such as poly(t, 2), bs(t, df = 4), lspline(): fit one of these, or ask the fit itself."),
                      listing(format(basis$times, trim = TRUE))))
  }
  basis$columns[where, , drop = FALSE]
}

# Linear predictors on the user's scale: list of (K, C).
linear_predictors <- function(fit, times, w = NULL) {
  curves <- fit$curves
  u <- lapply(stats::setNames(nm = names(curves$coefficients)), function(p) {
    curves$coefficients[[p]] %*% t(internal_columns(fit, p, times, w)) + as.vector(curves$offsets[[p]])
  })
  if (!is.null(u$log_sigma)) {
    u$mean <- curves$centre + curves$scale * u$mean
    u$log_sigma <- matrix(u$log_sigma + log(curves$scale), fit$n_groups, length(times))
  }
  u
}

# E(y) per group and time (K, C).
expected_at <- function(fit, times, w = NULL) {
  refuse_without_mean(fit$curves, "mean")
  expected_outcome(fit$curves, with_marginal_sd(fit$curves, linear_predictors(fit, times, w), times)$u)
}

# Predictors with the sd of an outcome among those of all subjects in place of that around a subject's own curve,
# sqrt(sigma^2 + z'Gz) with random effects, which a mean asks for where the outcome is censored; and the derivatives
# of its log in log sigma, the sds of the effects and what their correlations are made of, list of (K, C), or NULL.
with_marginal_sd <- function(curves, u, times) {
  effects <- intersect(effect_sds, names(u))
  if (!length(effects) || !family_traits(curves$family)$has_bounds) return(list(u = u, chain = NULL))
  own <- exp(2 * u$log_sigma)
  units <- lapply(stats::setNames(nm = effects), function(p) {
    power <- match(p, effect_sds) - 1
    matrix(curves$scale * (times / curves$time_scale)^power, nrow(own), length(times), byrow = TRUE)
  })
  if (any(effect_correlations %in% names(u))) return(with_correlated_sd(u, own, units))
  total <- own
  for (p in effects) total <- total + (u[[p]] * units[[p]])^2
  chain <- lapply(stats::setNames(nm = effects), function(p) u[[p]] * units[[p]]^2 / total)
  u$log_sigma <- log(total) / 2
  list(u = u, chain = c(list(log_sigma = own / total), chain))
}

# Standard error of E(y) (K, C); NA where the data do not determine it.
curve_se <- function(fit, times, w = NULL) {
  at <- with_marginal_sd(fit$curves, linear_predictors(fit, times, w), times)
  slopes <- expected_slopes(fit$curves, at$u)
  if (!is.null(at$chain)) slopes <- c(slopes["mean"], lapply(at$chain, function(own) slopes$log_sigma * own))
  se_of(fit, slopes, times, w)
}

# Standard error (K, C) of what has these derivatives in the predictors, a list of (K, C).
se_of <- function(fit, slopes, times, w) {
  curves <- fit$curves
  columns <- lapply(stats::setNames(nm = names(slopes)), function(p) {
    internal_columns(fit, p, times, w) * (if (p == "mean") curves$scale else 1)
  })
  se <- vapply(seq_len(fit$n_groups), function(k) {
    gradient <- matrix(0, length(times), nrow(curves$cov))
    for (p in names(slopes)) {
      at <- curves$positions[[p]][k, ]
      present <- at >= 0
      here <- at[present] + 1
      gradient[, here] <- gradient[, here] + slopes[[p]][k, ] * columns[[p]][, present, drop = FALSE]
    }
    variance <- rowSums((gradient %*% curves$cov) * gradient)
    boundless <- variance > constants$se_most^2 * rowSums(gradient^2)
    variance[boundless & variance > (constants$loading_most * curves$scale)^2] <- NA_real_
    loading <- sqrt(rowSums((gradient %*% curves$undetermined)^2))
    variance[loading > constants$loading_most * curves$scale] <- NA_real_
    sqrt(pmax(variance, 0))
  }, numeric(length(times)))
  t(matrix(se, length(times), fit$n_groups))
}

# One row per group and time: estimate, se, lower, upper; the limits at equal distances whatever the link where
# `symmetric`. Of categories without an order one row per group, time and category.
curve_table <- function(fit, times, level = 0.95, w = NULL, symmetric = FALSE) {
  if (!has_mean(fit$curves)) return(category_table(fit, times, level, w))
  estimate <- as.vector(t(expected_at(fit, times, w)))
  se <- as.vector(t(curve_se(fit, times, w)))
  z <- reach_of(fit, level)
  ends <- if (has_logit_link(fit$curves) && !symmetric) {
    around_logit(as.vector(t(linear_predictors(fit, times, w)$mean)), z * se)
  } else {
    cut_to_range(fit$curves, estimate - z * se, estimate + z * se)
  }
  table <- data.frame(
    group = rep(seq_len(fit$n_groups), each = length(times)), time = rep(times, fit$n_groups), estimate = estimate,
    se = se, lower = ends$lower, upper = ends$upper
  )
  names(table)[2] <- apart(fit$time_name, c(names(table)[-2], "outside"))
  table
}

has_logit_link <- function(curves) family_traits(curves$family)$link == "logit"

# Limits about a mean plogis(eta), whose derivative in eta is plogis(eta) plogis(-eta); `reach` is how far they would
# lie on the mean's own scale. A mean that cannot vary is its limits.
around_logit <- function(eta, reach) {
  half <- ifelse(reach == 0, 0, reach / (stats::plogis(eta) * stats::plogis(-eta)))
  list(lower = stats::plogis(eta - half), upper = stats::plogis(eta + half))
}

cut_to_range <- function(curves, lower, upper) {
  range <- outcome_range(curves)
  list(lower = pmin(pmax(lower, range[1]), range[2]), upper = pmin(pmax(upper, range[1]), range[2]))
}

# Values given for the time-varying covariates, as one row per time (C, q).
covariate_rows <- function(fit, tcov, n_times) {
  if (is.null(tcov)) return(NULL)
  names <- as.character(fit$curves$covariates$names)
  q <- length(names)
  free <- setdiff(seq_len(q), fit$curves$covariates$of_time$columns)
  if (length(free) < q && given_without_time(tcov, names[free])) {
    given <- covariate_rows_of(tcov, names[free], n_times)
    w <- matrix(NA_real_, n_times, q)
    w[, free] <- given
    return(w)
  }
  covariate_rows_of(tcov, names, n_times)
}

# Whether values are those of covariates that time does not decide.
given_without_time <- function(tcov, names) {
  own <- if (is.null(dim(tcov))) names(tcov) else colnames(tcov)
  if (any(nzchar(own))) return(setequal(own, names))
  length(names) > 0 && (if (is.null(dim(tcov))) length(tcov) else ncol(tcov)) == length(names)
}

covariate_rows_of <- function(tcov, names, n_times) {
  q <- length(names)
  w <- if (q > 0) in_named_order(tcov, names, "tcov") else tcov
  by_time <- identical(as.integer(dim(w)), as.integer(c(n_times, q))) || (q == 1 && length(w) == n_times)
  once <- is.null(dim(w)) && length(w) %in% c(1, q)
  if (!all(q > 0, by_time || once, is.numeric(w), is.finite(unlist(w)))) refuse_profile(names)
  if (by_time) matrix(as.double(w), n_times) else matrix(rep_len(as.double(w), q), n_times, q, byrow = TRUE)
}

refuse_profile <- function(names) {
  stop_gbtm("bad_profile", sprintf("tcov: not values for the time-varying covariates (%s).",
                                   if (length(names)) paste(names, collapse = ", ") else "none"), "tcov",
            "Give one number per covariate, or one row of them per time.")
}
