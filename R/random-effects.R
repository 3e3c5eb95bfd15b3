# Where each subject lies beside the curve of its group, as users of nlme and lme4 ask for it.

# Random effects of time to the powers 0, 1, 2, and what their sds are called among the parameters.
effect_names <- c("intercept", "slope", "quadratic")
effect_sds <- c("r0_sigma", "r1_sigma", "r2_sigma")
effect_correlations <- c("atanh_r01", "atanh_r02", "atanh_r12")

#' Predicted random effects
#'
#' The random intercept (slope, effect of time squared) of each subject in a model with `rorder`: its empirical Bayes
#' prediction and the standard deviation given the outcomes. `ranef()`, the generic of nlme and lme4, asks for them by
#' the name that users of mixed models know.
#'
#' @param fit,object a fit with random effects of one outcome; of several see [of_outcome()]
#' @param by_group `TRUE`: a row for each subject and group, the effects given that the subject is in this group;
#'   `FALSE`: a row for each subject, over the groups by their posterior probabilities
#' @param ... nothing
#'
#' @return Data frame with the ids in a column of their name (and `group`, `probability`); `intercept` and
#'   `intercept_sd` in the outcome's units; with a random slope `slope` (per unit of time), `slope_sd` and
#'   `correlation`, that of the two given the outcomes; with `rorder = 2` also `quadratic`, `quadratic_sd` and in place
#'   of `correlation` one for each two effects, such as `intercept:slope_correlation`. A group without an effect has 0
#'   there. `ranef()` has the effects alone, the ids as row names, and the conditional covariances (effects by effects
#'   by subjects) as attribute `postVar`.
#' @section Formulas: With \eqn{y_i | k \sim N(X_i\beta_k + Z_i b, \sigma_k^2 I)}{y_i | k ~ N(X_i beta_k + Z_i b,
#'   sigma_k^2 I)} and \eqn{b \sim N(0, G_k)}{b ~ N(0, G_k)} the effects given outcomes and group have variance
#'   \eqn{V_{ik} = (G_k^{-1} + Z_i'Z_i / \sigma_k^2)^{-1}}{V_ik = (G_k^-1 + Z_i'Z_i / sigma_k^2)^-1} and mean
#'   \eqn{m_{ik} = V_{ik} Z_i'(y_i - X_i\beta_k) / \sigma_k^2}{m_ik = V_ik Z_i'(y_i - X_i beta_k) / sigma_k^2} (Laird
#'   and Ware 1982, *Biometrics* 38, 963-974); over the groups the mean is
#'   \eqn{\sum_k P_{ik} m_{ik}}{sum_k P_ik m_ik} and the variance that of the mixture. Estimates are taken as known.
#' @section Errors: `gbtm_no_random_effects`, `gbtm_censored`, `gbtm_several_outcomes`.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(aggression ~ age, data = pathways, id = "id", groups = 2, order = 1, rorder = 0,
#'             control = gbtm_control(n_starts = 4))
#' head(random_effects(fit))
#' head(ranef(fit))
#' @export
random_effects <- function(fit, by_group = FALSE) {
  check_names()
  call <- match.call()
  check_fit(fit)
  answer <- fitted_answer("random_effects", document_text(fit), check_flag(by_group, "by_group"), call = call)
  table <- answer_frame(answer$table, answer$arrays)
  names(table) <- sub(" (sd|correlation)$", "_\\1", names(table))
  table
}

#' @rdname random_effects
#' @exportS3Method nlme::ranef
ranef.gbtm <- function(object, ...) {
  check_dots(...)
  table <- random_effects(object)
  effects <- intersect(effect_names, names(table))
  variances <- array(0, c(length(effects), length(effects), nrow(table)), list(effects, effects, NULL))
  for (e in effects) variances[e, e, ] <- table[[paste0(e, "_sd")]]^2
  for (b in effects[-1]) {
    for (a in effects[seq_len(match(b, effects) - 1)]) {
      correlation <- if (length(effects) == 2) "correlation" else sprintf("%s:%s_correlation", a, b)
      cross <- table[[correlation]] * table[[paste0(a, "_sd")]] * table[[paste0(b, "_sd")]]
      variances[a, b, ] <- variances[b, a, ] <- ifelse(is.na(cross), 0, cross)
    }
  }
  structure(table[effects], row.names = as.character(table[[1]]), postVar = variances)
}

# with_marginal_sd() where the effects are correlated: variances `own` (K, C) and units of each effect, list of (K, C).
# Of each group the root of the matrix of correlations has in row b the partial correlations tanh(z) of effect b with
# those before it, each times what the ones before leave.
with_correlated_sd <- function(u, own, units) {
  n <- length(units)
  present <- effect_correlations[seq_len(n * (n - 1) / 2)]
  total <- own
  chain <- lapply(stats::setNames(nm = c(names(units), present)), function(p) 0 * own)
  for (k in seq_len(nrow(own))) {
    made <- correlation_root(vapply(present, function(p) u[[p]][k, 1], 1), n)
    loads <- vapply(names(units), function(p) u[[p]][k, ] * units[[p]][k, ], numeric(ncol(own)))
    loads <- matrix(loads, ncol(own), n)
    along <- loads %*% made$root
    total[k, ] <- own[k, ] + rowSums(along^2)
    met <- along %*% t(made$root)
    for (j in seq_len(n)) chain[[j]][k, ] <- met[, j] * units[[j]][k, ] / total[k, ]
    for (m in seq_along(present)) {
      chain[[present[m]]][k, ] <- rowSums((loads %*% made$slopes[[m]]) * along) / total[k, ]
    }
  }
  u$log_sigma <- log(total) / 2
  list(u = u, chain = c(list(log_sigma = own / total), chain))
}

# The root (n, n) for z, and its derivative in each.
correlation_root <- function(z, n) {
  p <- tanh(z)
  root <- diag(n)
  slopes <- lapply(p, function(x) matrix(0, n, n))
  before <- cumsum(c(0, seq_len(n - 1))) # where the z of row b begin
  for (b in seq_len(n)[-1]) {
    mine <- p[before[b - 1] + seq_len(b - 1)]
    left <- cumprod(c(1, sqrt(1 - mine^2)))
    root[b, seq_len(b)] <- c(mine, 1) * left
    for (a in seq_len(b - 1)) {
      after <- (a + 1):b
      slopes[[before[b - 1] + a]][b, a] <- (1 - mine[a]^2) * left[a]
      slopes[[before[b - 1] + a]][b, after] <- -mine[a] * root[b, after]
    }
  }
  list(root = root, slopes = slopes)
}
