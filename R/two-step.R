# The table of a dual model's groups at the curves of two separate fits, beside that of the joint fit. As the engine's
# inference/two_step.py, so that it needs no Python.

#' How far the groups' table moves between two steps and one
#'
#' The two-step table is the maximum of \eqn{\sum_i \log \sum_{jk} \pi_{jk} f_{ij} g_{ik}}{sum_i log sum_jk pi_jk f_ij
#' g_ik} over the joint probabilities alone, at the curves of the fits of each outcome by itself. Its standard errors,
#' by the delta method from the information in the membership coefficients, take these curves as known: they leave out
#' that the curves are estimates too, which those of the joint fit do not.
#'
#' With sampling weights or clusters the standard errors are sandwiches, as those of the fit are; corrections for
#' leverage are left out of those with known curves.
#'
#' @param fit a fit of a dual model, see [gbtm()]
#' @param type `"joint"`, `"conditional"`, `"reverse"` or `"margins"`, as for [transitions()]; with covariates of the
#'   groups, means over the people
#' @return Data frame with `group1` and `group2` (of `"margins"` with `outcome` and `group`); `separate`, at the curves
#'   of the separate fits, and `separate_se`, its standard error with the curves taken as known; `estimate` and `se` of
#'   this fit; `difference`, estimate - separate. A standard error is NA where the data do not determine the
#'   probability; `separate_se` is so too of fits from older files.
#' @section Errors: `gbtm_no_dual` for a fit with one set of groups; `gbtm_bad_type`.
#' @seealso [transitions()], [association()]
#' @examples
#' fit <- read_gbtm(system.file("extdata", "dual.json", package = "gbtm"))
#' two_step(fit)
#' two_step(fit, "conditional")
#' @export
two_step <- function(fit, type = c("joint", "conditional", "reverse", "margins")) {
  check_names()
  fit <- dual_of(fit)
  type <- match_choice(type, c("joint", "conditional", "reverse", "margins"), "type")
  here <- transitions(fit, type)
  stored <- fit$dual$two_step
  known <- !is.null(stored$cov)
  slopes <- if (known) stored$jacobian else matrix(0, length(stored$shares), 0)
  found <- probabilities_of(list(value = as.vector(stored$shares), slope = slopes), fit$dual$sizes, type)
  separate <- found$value
  se <- if (known) errors_at_known_curves(found$slope, stored) else rep(NA_real_, length(separate))
  of_table <- setdiff(names(here), c("estimate", "se", "lower", "upper"))
  cbind(here[of_table], data.frame(separate = separate, separate_se = se), here[c("estimate", "se")],
        difference = here$estimate - separate)
}

# Standard errors of functions with gradients (r, t) in the membership coefficients; NA where the data determine none.
errors_at_known_curves <- function(gradient, stored) {
  size <- pmax(sqrt(rowSums(gradient^2)), 1e-300)
  variance <- rowSums((gradient %*% stored$cov) * gradient)
  lost <- sqrt(rowSums((gradient %*% stored$undetermined)^2)) > constants$undetermined_share * size
  ifelse(lost | variance > (constants$se_most * size)^2, NA, sqrt(pmax(variance, 0)))
}
