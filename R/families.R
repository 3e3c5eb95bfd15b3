# The outcome distributions, as far as a fitted curve needs them: mean, its derivative, log density.
# Predictors come as a list of (K, C) matrices: mean, and zero, log_sigma, log_psi or log_phi.

# E(y) on the outcome's scale (K, C).
expected_outcome <- function(curves, u) {
  switch(
    curves$family,
    normal = u$mean,
    cnorm = expected_censored(curves, u),
    poisson = , negbin = exp(u$mean),
    zip = , zinb = stats::plogis(-u$zero) * exp(u$mean),
    logit = , beta = stats::plogis(u$mean)
  )
}

# Derivative of E(y) in each predictor: list of (K, C).
expected_slopes <- function(curves, u) {
  switch(
    curves$family,
    normal = list(mean = 1 + 0 * u$mean),
    cnorm = {
      at <- bounds_in_sigmas(curves, u)
      list(
        mean = stats::pnorm(at$upper) - stats::pnorm(at$lower),
        log_sigma = at$sigma * (stats::dnorm(at$lower) - stats::dnorm(at$upper))
      )
    },
    poisson = , negbin = list(mean = exp(u$mean)),
    zip = , zinb = {
      mean <- expected_outcome(curves, u)
      list(mean = mean, zero = -stats::plogis(u$zero) * mean)
    },
    logit = , beta = list(mean = stats::plogis(u$mean) * stats::plogis(-u$mean))
  )
}

bounds_in_sigmas <- function(curves, u) {
  sigma <- exp(u$log_sigma)
  list(lower = (curves$lower - u$mean) / sigma, upper = (curves$upper - u$mean) / sigma, sigma = sigma)
}

expected_censored <- function(curves, u) {
  at <- bounds_in_sigmas(curves, u)
  low <- if (is.finite(curves$lower)) curves$lower * stats::pnorm(at$lower) else 0
  high <- if (is.finite(curves$upper)) curves$upper * stats::pnorm(-at$upper) else 0
  low + high + u$mean * (stats::pnorm(at$upper) - stats::pnorm(at$lower)) +
    at$sigma * (stats::dnorm(at$lower) - stats::dnorm(at$upper))
}

# Smallest and largest possible mean.
outcome_range <- function(curves) {
  switch(
    curves$family,
    normal = c(-Inf, Inf),
    cnorm = c(curves$lower, curves$upper),
    poisson = , zip = , negbin = , zinb = c(0, Inf),
    logit = , beta = c(0, 1)
  )
}

# log f_k(y) of each observation in each group (K, n); y (n), predictors (K, n).
log_density <- function(curves, u, y) {
  y <- matrix(y, nrow(u$mean), length(y), byrow = TRUE)
  switch(
    curves$family,
    normal = stats::dnorm(y, u$mean, exp(u$log_sigma), log = TRUE),
    cnorm = {
      sigma <- exp(u$log_sigma)
      inside <- stats::dnorm(y, u$mean, sigma, log = TRUE)
      low <- stats::pnorm(curves$lower, u$mean, sigma, log.p = TRUE)
      high <- stats::pnorm(curves$upper, u$mean, sigma, lower.tail = FALSE, log.p = TRUE)
      ifelse(y <= curves$lower, low, ifelse(y >= curves$upper, high, inside))
    },
    poisson = stats::dpois(y, exp(u$mean), log = TRUE),
    zip = {
      positive <- stats::plogis(-u$zero, log.p = TRUE) + stats::dpois(y, exp(u$mean), log = TRUE)
      zero <- stats::plogis(-u$zero, log.p = TRUE) - exp(u$mean) -
        stats::plogis(-(u$zero + exp(u$mean)), log.p = TRUE)
      ifelse(y == 0, zero, positive)
    },
    logit = stats::plogis(ifelse(y == 1, u$mean, -u$mean), log.p = TRUE)
  )
}

# Whether this family can take the values y.
possible_values <- function(curves, y) {
  switch(
    curves$family,
    normal = rep(TRUE, length(y)),
    cnorm = y >= curves$lower & y <= curves$upper,
    poisson = , zip = y >= 0 & y == floor(y),
    logit = y == 0 | y == 1
  )
}
