# The outcome distributions, as far as a fitted curve needs them: mean, its derivative, log density. What a family is
# (a count, censored, ..) is asked of inst/extdata/families.json, which the engine writes (`make tables`).
# Predictors come as a list of (K, C) matrices: mean, and zero, log_sigma, log_psi, log_phi or tau. What is of
# categories without an order stands in R/categories.R.

families_known <- new.env(parent = emptyenv())

# The traits of every family, by name, read once.
family_table <- function() {
  if (is.null(families_known$table)) {
    file <- system.file("extdata", "families.json", package = "gbtm", mustWork = TRUE)
    families_known$table <- jsonlite::fromJSON(file, simplifyVector = FALSE)
  }
  families_known$table
}

# The traits of one family: label, link, is_count, .. as in scripts/tables.py.
family_traits <- function(family) {
  traits <- family_table()[[family]]
  if (is.null(traits)) {
    stop_gbtm("unknown_family", sprintf("family: '%s' is not known to this version of gbtm, which has %s.", family,
                                        listing(names(family_table()))),
              "family", "The fit was made with a newer one: update gbtm.")
  }
  traits
}

# What R's family objects call our families, in small letters and without parameters.
families_of_r <- c(
  gaussian = "normal", poisson = "poisson", binomial = "logit", "negative binomial" = "negbin", nbinom2 = "negbin",
  "beta regression" = "beta", beta = "beta", betar = "beta", gamma = "gamma", lognormal = "lognormal"
)

#' The name of a family that was given as R has it: `poisson`, `poisson()`, `MASS::negative.binomial(2)`
#'
#' Text is the engine's to read. A link other than ours is refused.
#' @noRd
family_name <- function(family, call = NULL, trials = NULL) {
  if (is.function(family)) {
    made <- tryCatch(family(), error = function(e) NULL)
    if (is.null(made)) {
      made <- tryCatch(family(1), error = function(e) NULL) # a family with a parameter, given without it
    }
    if (!is.list(made)) {
      stop_gbtm("unknown_family", "family: this function makes no family.", "family", family_way_out(), call)
    }
    theirs <- made
  } else if (is.list(family) && is.character(family$family)) {
    theirs <- family
  } else {
    return(family)
  }
  label <- theirs$family[1]
  name <- unname(families_of_r[trimws(tolower(sub("[(].*$", "", label)))])
  if (is.na(name)) {
    stop_gbtm("unknown_family", sprintf("family: there is no family '%s' here.", label), "family", family_way_out(),
              call)
  }
  ours <- family_traits(name)$link
  if (!identical(theirs$link[1], ours)) {
    stop_gbtm("bad_link", sprintf("family: '%s' has the link '%s' here, not '%s'.", label, ours, theirs$link[1]),
              "family", sprintf("Give family = \"%s\", whose link is '%s'.", name, ours), call)
  }
  if (name == "logit" && !is.null(trials)) name <- "binomial"
  known <- grepl("^negative binomial[(][0-9.e+-]+[)]$", label, ignore.case = TRUE) && !is.function(family)
  if (known) {
    said <- sprintf("family: '%s' says that the dispersion is known; here it is estimated.", label)
    warning(gbtm_condition("assumed", said, "family", "", call, c("gbtm_warning", "warning")))
  }
  name
}

# Our name of a family that text calls by another, as the engine reads it; what is none stays as it is.
own_family_name <- function(family) {
  if (!is.character(family) || length(family) != 1 || is.na(family)) return(family)
  plain <- gsub("[ ._-]+", "_", trimws(tolower(family)))
  table <- family_table()
  if (plain %in% names(table)) return(plain)
  known <- Filter(function(traits) plain %in% unlist(traits$other_names), table)
  if (length(known)) names(known)[1] else family
}

has_levels <- function(family) {
  name <- own_family_name(family)
  is.character(name) && length(name) == 1 && isTRUE(family_table()[[name]]$has_levels)
}

family_way_out <- function() sprintf("Use one of %s.", listing(names(family_table()), 20))

family_label <- function(family) family_traits(family)$label

# For the help pages: names in backticks, as a list in words.
in_list <- function(names, last) {
  n <- length(names)
  if (n < 2) names else paste(paste(names[-n], collapse = ", "), last, names[n])
}

those_having <- function(trait, last = "and") {
  own <- vapply(family_table(), function(traits) isTRUE(traits[[trait]]), NA)
  in_list(sprintf("`\"%s\"`", names(own)[own]), last)
}

those_with_link <- function(link) {
  own <- vapply(family_table(), function(traits) identical(traits$link, link), NA)
  in_list(sprintf("`\"%s\"`", names(own)[own]), "and")
}

family_choices <- function() {
  names <- names(family_table())
  labels <- vapply(family_table(), function(traits) traits$label, "")
  note <- sub("^.* \\((.*)\\)$", "\\1", labels)
  shown <- ifelse(tolower(note) == names, "", sprintf(" (%s)", note))
  in_list(sprintf("`\"%s\"`%s", names, shown), "or")
}

# Inverse links, their derivatives and what they can be.
links <- list(
  identity = list(mean = function(eta) eta, slope = function(eta) 1 + 0 * eta, range = c(-Inf, Inf)),
  log = list(mean = exp, slope = exp, range = c(0, Inf)),
  logit = list(
    mean = function(eta) stats::plogis(eta), slope = function(eta) stats::plogis(eta) * stats::plogis(-eta),
    range = c(0, 1)
  )
)

link_of <- function(curves) {
  name <- family_traits(curves$family)$link
  link <- links[[name]]
  if (is.null(link)) {
    stop_gbtm("unknown_link", sprintf("family: the link '%s' of family '%s' is not known to R.", name, curves$family),
              "family", "Update gbtm, or predict in Python.")
  }
  link
}

# P(y <= level) of an ordinal outcome, all levels but the last: list of (K, C).
at_most_level <- function(curves, u) {
  cuts <- c(list(0 * u$mean), u[sprintf("cut%d", seq_len(length(curves$codes) - 2) + 1)])
  lapply(cuts, function(cut) stats::plogis(as.vector(cut) - u$mean))
}

# E(y) on the outcome's scale (K, C).
expected_outcome <- function(curves, u) {
  traits <- family_traits(curves$family)
  if (isTRUE(traits$has_levels)) {
    parts <- Map(`*`, diff(curves$codes), at_most_level(curves, u))
    return(curves$codes[length(curves$codes)] - Reduce(`+`, parts))
  }
  if (traits$has_bounds) return(expected_censored(curves, u))
  if (traits$of_log) return(exp(u$mean + exp(2 * u$log_sigma) / 2))
  mean <- if (isTRUE(traits$is_hurdle)) above_zero(traits, u)$mean else link_of(curves)$mean(u$mean)
  if (isTRUE(traits$ties_zeros)) return(stats::plogis(u$tau * u$mean) * mean)
  if (traits$has_zero_part) stats::plogis(-u$zero) * mean else mean
}

# Of counts above 0, truncated there: their mean, the log of the probability that a count is above 0, and the
# derivatives of that log in eta and log psi.
above_zero <- function(traits, u) {
  mu <- exp(pmax(u$mean, -700)) # so that the mean of a rate of 0 is 1
  slope <- cost <- mu # of minus the log of P(0) of the count before truncation
  if (traits$has_dispersion) {
    psi <- exp(u$log_psi)
    cost <- log1p(psi * mu) / psi
    slope <- 1 / (1 / mu + psi)
  }
  some <- -expm1(-cost)
  odds <- exp(-cost) / some
  slope <- pmin(slope, 1e300) # so that an overflow times 0 is 0
  cost <- pmin(cost, 1e300)
  list(mean = mu / some, log_some = log(some), by_mean = odds * slope, by_psi = odds * (slope - cost))
}

# Derivative of E(y) in each predictor: list of (K, C).
expected_slopes <- function(curves, u) {
  traits <- family_traits(curves$family)
  if (traits$has_bounds) {
    at <- bounds_in_sigmas(curves, u)
    return(list(
      mean = stats::pnorm(at$upper) - stats::pnorm(at$lower),
      log_sigma = at$sigma * (stats::dnorm(at$lower) - stats::dnorm(at$upper))
    ))
  }
  if (isTRUE(traits$has_levels)) {
    parts <- Map(function(step, p) step * p * (1 - p), diff(curves$codes), at_most_level(curves, u))
    names(parts) <- c("mean", sprintf("cut%d", seq_along(parts)[-1]))
    return(c(list(mean = Reduce(`+`, parts)), lapply(parts[-1], function(x) -x)))
  }
  if (traits$of_log) {
    mean <- expected_outcome(curves, u)
    return(list(mean = mean, log_sigma = exp(2 * u$log_sigma) * mean))
  }
  if (isTRUE(traits$ties_zeros)) {
    mean <- expected_outcome(curves, u)
    zeros <- stats::plogis(-u$tau * u$mean)
    return(list(mean = mean * (1 + u$tau * zeros), tau = mean * u$mean * zeros))
  }
  if (isTRUE(traits$is_hurdle)) return(slopes_of_hurdle(traits, expected_outcome(curves, u), u))
  slope <- link_of(curves)$slope(u$mean)
  if (!traits$has_zero_part) return(list(mean = slope))
  list(mean = stats::plogis(-u$zero) * slope, zero = -stats::plogis(u$zero) * expected_outcome(curves, u))
}

slopes_of_hurdle <- function(traits, mean, u) {
  own <- above_zero(traits, u)
  c(list(mean = mean * (1 - own$by_mean), zero = -stats::plogis(u$zero) * mean),
    if (traits$has_dispersion) list(log_psi = -pmin(mean, 1e300) * own$by_psi))
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
  if (isTRUE(family_traits(curves$family)$has_levels)) return(range(curves$codes))
  if (family_traits(curves$family)$has_bounds) c(curves$lower, curves$upper) else link_of(curves)$range
}

# log f_k(y) (K, n) of the families that R can score by itself, from y (K, n) and predictors (K, n). Others are scored
# by
# the engine, see is_plain().
log_densities <- list(
  normal = function(curves, u, y) stats::dnorm(y, u$mean, exp(u$log_sigma), log = TRUE),
  cnorm = function(curves, u, y) {
    sigma <- exp(u$log_sigma)
    inside <- stats::dnorm(y, u$mean, sigma, log = TRUE)
    low <- stats::pnorm(curves$lower, u$mean, sigma, log.p = TRUE)
    high <- stats::pnorm(curves$upper, u$mean, sigma, lower.tail = FALSE, log.p = TRUE)
    ifelse(y <= curves$lower, low, ifelse(y >= curves$upper, high, inside))
  },
  poisson = function(curves, u, y) stats::dpois(y, exp(u$mean), log = TRUE),
  zip = function(curves, u, y) {
    positive <- stats::plogis(-u$zero, log.p = TRUE) + stats::dpois(y, exp(u$mean), log = TRUE)
    zero <- stats::plogis(-u$zero, log.p = TRUE) - exp(u$mean) -
      stats::plogis(-(u$zero + exp(u$mean)), log.p = TRUE)
    ifelse(y == 0, zero, positive)
  },
  zip_tau = function(curves, u, y) {
    log_densities$zip(curves, list(mean = u$mean, zero = -u$tau * u$mean), y)
  },
  hurdle = function(curves, u, y) {
    above <- stats::dpois(y, exp(u$mean), log = TRUE) - above_zero(family_traits("hurdle"), u)$log_some
    ifelse(y == 0, stats::plogis(u$zero, log.p = TRUE), stats::plogis(-u$zero, log.p = TRUE) + above)
  },
  logit = function(curves, u, y) stats::plogis(ifelse(y == 1, u$mean, -u$mean), log.p = TRUE)
)

has_log_density <- function(family) family %in% names(log_densities)

# log f_k(y) of each observation in each group (K, n); y (n), predictors (K, n).
log_density <- function(curves, u, y) {
  if (!has_log_density(curves$family)) {
    stop_gbtm("unknown_family", sprintf("family: R has no density of family '%s'.", curves$family), "family",
              "Score with the engine, see install_gbtm(), or update gbtm.")
  }
  log_densities[[curves$family]](curves, u, matrix(y, nrow(u$mean), length(y), byrow = TRUE))
}

# Whether this family can take the values y.
possible_values <- function(curves, y) {
  traits <- family_traits(curves$family)
  if (traits$has_bounds) return(y >= curves$lower & y <= curves$upper)
  if (isTRUE(traits$has_levels)) return(y %in% curves$codes)
  if (traits$is_count) return(y >= 0 & y == floor(y))
  if (isTRUE(traits$takes_trials)) return(y >= 0 & y == floor(y))
  if (traits$is_binary) return(y == 0 | y == 1)
  if (traits$is_positive) return(y > 0)
  rep(TRUE, length(y))
}
