# How the groups of a dual model's two outcomes go together: tables of probabilities with standard errors. As the
# engine's inference/transitions.py, so that it needs no Python; tests hold the two against each other.

#' Probabilities of the groups of two outcomes, given each other
#'
#' With \eqn{\pi_{jk}}{pi_jk} the joint probability of group j of the first and group k of the second outcome of a dual
#' model: group k given group j, \eqn{\pi_{jk} / \pi_{j.}}{pi_jk / pi_j.}; the other way round,
#' \eqn{\pi_{jk} / \pi_{.k}}{pi_jk / pi_.k}; both together; and each outcome's groups by themselves. Standard errors by
#' the delta method. With covariates of the groups \eqn{\pi_{jk}}{pi_jk} is the mean over the people, with their
#' weights, or that at the values `at`.
#'
#' @param fit a fit of a dual model, see [gbtm()]
#' @param type `"conditional"`: the second outcome's groups given the first's; `"reverse"`; `"joint"`; `"margins"`
#' @param at named numbers: values of the covariates of `risk` and `risk2`, as they are called in `coef()`; those that
#'   are left out stand at their means
#' @param level of the intervals, which are cut at 0 and 1
#' @return Data frame with `group1` and `group2` (of `"margins"` with `outcome` and `group`), `estimate`, `se`, `lower`,
#'   `upper`. A standard error is NA where the data do not determine the probability, as at 0 and 1.
#' @section Errors: `gbtm_no_dual` for a fit with one set of groups; `gbtm_bad_type`; `gbtm_unknown_covariate`,
#'   `gbtm_bad_at`.
#' @references Nagin, D. S. and Tremblay, R. E. (2001). Analyzing developmental trajectories of distinct but related
#'   behaviors: a group-based method. *Psychological Methods* 6, 18-34.
#'
#'   Jones, B. L. and Nagin, D. S. (2007). Advances in group-based trajectory modeling and an SAS procedure for
#'   estimating them. *Sociological Methods & Research* 35, 542-571.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "dual.json", package = "gbtm"))
#' transitions(fit)
#' transitions(fit, "reverse")
#' @export
transitions <- function(fit, type = c("conditional", "reverse", "joint", "margins"), at = NULL, level = 0.95) {
  check_names()
  fit <- dual_of(fit)
  type <- match_choice(type, c("conditional", "reverse", "joint", "margins"), "type")
  check_level(level)
  found <- probabilities_of(joint_table(fit, at), fit$dual$sizes, type)
  rows <- if (type == "margins") {
    sizes <- fit$dual$sizes
    data.frame(outcome = rep(outcome_names(fit), sizes), group = sequence(sizes), stringsAsFactors = FALSE)
  } else {
    pairs_of(fit)
  }
  cbind(rows, with_errors(fit, found$value, found$slope, level))
}

#' The joint table
#'
#' @return list: `value` (C) and `slope` (C, p), its derivative in the internal parameters
#' @noRd
joint_table <- function(fit, at = NULL) {
  dual <- fit$dual
  if (is.null(at)) return(list(value = as.vector(dual$shares), slope = dual$jacobian))
  whole <- jsonlite::fromJSON(fit$document$text, simplifyVector = FALSE)
  array_of <- function(x) stored_array(x, fit$document$arrays)
  first <- whole$group_sets[[1]]$membership
  values <- profile_of_groups(fit, at, if (!is.null(first$risk)) array_of(first$risk))
  z <- (c(1, (values[[1]] - unlist(first$centre)) / unlist(first$scale)) %*% rows_to_matrix(first$mix))[1, ]
  v <- (values[[2]] - unlist(dual$basis$centre)) / unlist(dual$basis$scale)
  one <- softmax_of(array_of(first$coefficients) %*% z)
  j <- length(one)
  k <- dual$sizes[2]
  b <- dual$coefficients
  given <- vapply(seq_len(j), function(g) softmax_of(b[, g] + b[, j + seq_along(v), drop = FALSE] %*% v), numeric(k))
  given <- matrix(given, k) # (K, J)
  p <- length(dual$params)
  # d log pi_j / d theta_h = (1[j = h] - pi_h) z; d log pi_k|j / d gamma_hj = 1[k = h] - pi_h|j, delta_h by v
  score1 <- softmax_scores(one, array_of(first$positions), z, p)
  value <- slope <- NULL
  for (g in seq_len(j)) {
    score2 <- softmax_scores(given[, g], dual$positions[, c(g, j + seq_along(v)), drop = FALSE], c(1, v), p)
    own <- one[g] * given[, g]
    value <- c(value, own)
    slope <- rbind(slope, own * (score2 + rep(score1[g, ], each = k)))
  }
  list(value = value, slope = slope)
}

softmax_of <- function(u) {
  e <- exp(as.vector(u) - max(u))
  e / sum(e)
}

# Derivatives (K, p) of the logs of probabilities (K) whose logits are coefficients at `positions` (K, q) times x (q).
softmax_scores <- function(prob, positions, x, p) {
  scores <- matrix(0, length(prob), p)
  for (h in seq_along(prob)) {
    for (q in seq_along(x)) {
      at <- positions[h, q] + 1
      if (at > 0) scores[, at] <- scores[, at] + ((seq_along(prob) == h) - prob[h]) * x[q]
    }
  }
  scores
}

# Covariates of the first and of the second set of groups at the values asked for.
profile_of_groups <- function(fit, at, first) {
  known <- fit$dual$covariates
  at <- checked_profile(unlist(at), unique(unlist(known)))
  weights <- subject_weights(fit)
  Map(function(names, risk) {
    if (!length(names)) return(numeric())
    means <- colSums(matrix(risk, ncol = length(names)) * weights) / sum(weights)
    own <- match(names, names(at))
    ifelse(is.na(own), means, at[own])
  }, unname(known), list(first, fit$dual$risk))
}

are_values_by_name <- function(at) {
  is.numeric(at) && length(at) > 0 && !is.null(names(at)) && all(is.finite(at)) && !anyDuplicated(names(at))
}

# Values of some of the covariates of groups, which are called `known`, or an error.
checked_profile <- function(at, known) {
  if (!are_values_by_name(at)) {
    stop_gbtm("bad_at", sprintf("at: %s is not a value for each of some covariates, by name.", shown(at)), "at",
              "For example at = c(x = 1).")
  }
  unknown <- setdiff(names(at), known)
  if (length(unknown)) {
    stop_gbtm("unknown_covariate", sprintf("at: '%s' is no covariate of the groups.", unknown[1]), "at",
              if (length(known)) sprintf("They are %s.", listing(known)) else "The model has no risk and no risk2.")
  }
  at
}

# What a table holds and its derivative, of the joint table.
probabilities_of <- function(joint, sizes, type) {
  if (type == "joint") return(joint)
  first <- rep(seq_len(sizes[1]), each = sizes[2])
  second <- rep(seq_len(sizes[2]), sizes[1])
  sums <- function(group) list(value = as.vector(rowsum(joint$value, group)), slope = rowsum(joint$slope, group))
  if (type == "margins") {
    one <- sums(first)
    other <- sums(second)
    return(list(value = c(one$value, other$value), slope = rbind(one$slope, other$slope)))
  }
  at <- if (type == "conditional") first else second
  given <- sums(at)
  value <- joint$value / given$value[at]
  list(value = value, slope = (joint$slope - value * given$slope[at, , drop = FALSE]) / given$value[at])
}

with_errors <- function(fit, value, slope, level) {
  se <- sqrt(pmax(rowSums((slope %*% fit$dual$cov) * slope), 0))
  se[!determined(fit$internal, slope)] <- NA
  z <- reach_of(fit, level)
  data.frame(estimate = value, se = se, lower = pmin(pmax(value - z * se, 0), 1),
             upper = pmin(pmax(value + z * se, 0), 1))
}
