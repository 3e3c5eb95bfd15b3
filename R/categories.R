# Categories without an order, which have no mean: their probabilities, and what is drawn of them.

has_mean <- function(curves) !isFALSE(family_traits(curves$family)$has_mean)

refuse_without_mean <- function(curves, argument) {
  if (has_mean(curves)) return(invisible())
  stop_gbtm("no_mean", sprintf("%s: categories without an order have no mean, nor what is made of one.", argument),
            argument, "See level_probabilities(), and plot_levels() for the figure.")
}

# Of several outcomes those with levels are asked one by one.
refuse_several_levels <- function(fit) {
  if (!is_several(fit)) return(invisible())
  views <- outcome_views(fit)
  leveled <- vapply(views, function(view) has_levels(view$family), NA)
  refuse_several(names(views), names(views)[order(!leveled)][1])
}

# Pictures of the means of all outcomes have no place for categories.
refuse_categories_among <- function(fit, argument) {
  views <- outcome_views(fit)
  without <- names(views)[!vapply(views, function(view) has_mean(view$curves), NA)]
  if (!length(without)) return(invisible())
  stop_gbtm("no_mean", sprintf("%s: '%s' has categories without an order, and no mean to be drawn beside others.",
                               argument, without[1]), argument, "Draw the outcomes one by one, with outcome = .")
}

# Probabilities of the levels: list of (K, C).
level_chances <- function(curves, u) {
  if (has_mean(curves)) {
    below <- c(list(0 * u$mean), at_most_level(curves, u), list(1 + 0 * u$mean))
    return(lapply(seq_along(below)[-1], function(c) below[[c]] - below[[c - 1]]))
  }
  eta <- category_etas(curves, u)
  most <- do.call(pmax, eta)
  weights <- lapply(eta, function(x) exp(x - most))
  lapply(weights, `/`, Reduce(`+`, weights))
}

# Linear predictors of the categories, that of the reference 0: list of (K, C).
category_etas <- function(curves, u) c(list(0 * u$mean), u[category_predictors(curves)])

category_predictors <- function(curves) c("mean", sprintf("level%d", seq_along(curves$codes)[-(1:2)]))

# Derivatives of the probability of category `c` in the predictors, of the probabilities `p`: list of (K, C).
chance_slopes <- function(curves, p, c) {
  slopes <- lapply(seq_along(p)[-1], function(j) p[[c]] * (if (j == c) others(p, c) else -p[[j]]))
  stats::setNames(slopes, category_predictors(curves))
}

# 1 - p has no digits left where p is near 1.
others <- function(p, c) Reduce(`+`, p[-c])

# One row per group, time and category: estimate, se, lower, upper; the limits are formed for the log odds of the
# category against all others.
category_table <- function(fit, times, level, w) {
  p <- level_chances(fit$curves, linear_predictors(fit, times, w))
  se <- lapply(seq_along(p), function(c) se_of(fit, chance_slopes(fit$curves, p, c), times, w))
  odds <- lapply(seq_along(p), function(c) log(p[[c]]) - log(others(p, c)))
  se <- in_level_order(se)
  ends <- around_logit(in_level_order(odds), reach_of(fit, level) * se)
  level_table(fit, times, data.frame(estimate = in_level_order(p), se = se, lower = ends$lower, upper = ends$upper))
}

# A list by level of (K, C) as one vector: by group, then time, then level.
in_level_order <- function(by_level) as.vector(t(vapply(by_level, t, numeric(length(by_level[[1]])))))

# A table of numbers of each level, by group and time.
level_table <- function(fit, times, numbers) {
  names <- level_names(fit$curves)
  table <- data.frame(
    group = rep(seq_len(fit$n_groups), each = length(times) * length(names)),
    time = rep(rep(times, each = length(names)), fit$n_groups),
    level = factor(rep(names, length(times) * fit$n_groups), names, ordered = has_mean(fit$curves)), numbers
  )
  names(table)[2] <- apart(fit$time_name, names(table)[-2])
  table
}

level_names <- function(curves) {
  if (length(curves$levels)) curves$levels[curves$codes] else format(curves$codes, trim = TRUE)
}

# What the levels are called in names of parameters: their numbers where a name has signs that hypotheses use, or two
# differ in blanks alone.
names_in_parameters <- function(curves) {
  names <- level_names(curves)
  unclear <- any(grepl("[]=<>,:[]", names)) || anyDuplicated(gsub("\\s", "", names))
  if (unclear) format(curves$codes, trim = TRUE) else names
}
