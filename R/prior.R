#' A weak prior
#'
#' Maximum likelihood has no estimates where a group's probabilities are 0 or 1, its rate or its sigma goes to 0, a
#' covariate tells groups apart without error, or nobody of one group is in another. A weak prior adds pseudo-people to
#' the data, of whom each group gets an equal part: by default one person in all, whose observations are those of all
#' people, each in part. It is the same prior in any time basis, in any units, and for any number of waves.
#'
#' The estimates maximise log-likelihood plus log prior (MAP), and standard errors are from the Hessian of both.
#' `logLik()`, `AIC()` and `BIC()` are without the prior. docs/priors.md has the formulas, and what the intervals cover.
#'
#' @param shares pseudo-people in the groups (of a dual model, in the pairs of groups), with the membership covariates
#'   of those fitted
#' @param curves pseudo-observations of each group's curve, and of its dropout, distributed as those of all people; of
#'   an outcome of levels they are of the curves of all categories, or of the curve and the cut points, together
#' @param zero pseudo-trials of the zero part, half of them zeros by nature
#' @param sigma of the spreads: an inverse gamma about the variance of all for sigma, a gamma for the phi of a beta
#'   family, half a trial on either side for psi and rho, and log tau for the sd of a random effect (Chung et al. 2013)
#' @param ridge standard deviation of a Gaussian prior for slopes on the orthonormal time basis, four times it for the
#'   intercept; Gelman et al. (2008) use 2.5. `NULL` for no such prior
#' @param firth Jeffreys' prior for the membership logits, half the log determinant of their information, in place of
#'   `shares`
#' @param ... nothing: an argument that does not exist is refused
#' @return A list of class `gbtm_prior`, to be given as `prior` to [gbtm()], [gbtm_search()], [traj()] or [proc_traj()].
#'   `prior = "weak"` is `gbtm_prior()`; with all strengths 0 it is maximum likelihood.
#' @section Errors: `gbtm_bad_prior`.
#' @references Clogg, Rubin, Schenker, Schultz and Weidman 1991, Journal of the American Statistical Association 86;
#'   Galindo Garre and Vermunt 2006, Behaviormetrika 33; Chung et al. 2013, Psychometrika 78; Firth 1993, Biometrika 80;
#'   Gelman et al. 2008, Annals of Applied Statistics 2.
#' @examples
#' gbtm_prior(shares = 1, curves = 0.5)
#' @examplesIf gbtm_engine()$available
#' d <- data.frame(id = rep(1:20, each = 4), t = 1:4, y = rep(c(0, 0, 0, 0, 1, 0, 1, 1), 10))
#' fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 0, family = "logit", prior = "weak")
#' coef(fit)
#' fit$prior
#' @export
gbtm_prior <- function(shares = 1, curves = 1, zero = 1, sigma = 1, ridge = NULL, firth = FALSE, ...) {
  check_dots(...)
  strengths <- list(shares = shares, curves = curves, zero = zero, sigma = sigma)
  for (name in names(strengths)) {
    if (!is_finite_number(strengths[[name]]) || strengths[[name]] < 0) {
      bad_prior(sprintf("%s is %s, and a strength is a number of pseudo-people, 0 or more.", name,
                        shown(strengths[[name]])))
    }
  }
  if (!is.null(ridge) && (!is_finite_number(ridge) || ridge <= 0)) {
    bad_prior(sprintf("ridge is %s, and it is a standard deviation above 0, or NULL.", shown(ridge)))
  }
  strengths <- lapply(strengths, as.double)
  ridge <- if (!is.null(ridge)) as.double(ridge)
  structure(c(strengths, list(ridge = ridge, firth = check_flag(firth, "firth"))), class = "gbtm_prior")
}

is_finite_number <- function(x) is.numeric(x) && length(x) == 1 && is.finite(x)

bad_prior <- function(problem, call = sys.call(-1)) {
  stop_gbtm("bad_prior", paste("prior:", problem), "prior",
            "Give prior = \"weak\", gbtm_prior(shares = 1, curves = 1, ..), or NULL for maximum likelihood.", call)
}

# A prior as it is sent to the engine: NULL, or its strengths by name.
sent_prior <- function(prior) {
  if (is.null(prior)) return(NULL)
  if (identical(prior, "weak")) prior <- gbtm_prior()
  if (!inherits(prior, "gbtm_prior")) bad_prior(sprintf("%s is no prior.", shown(prior)))
  sent <- unclass(prior)
  numbers <- setdiff(names(Filter(Negate(is.null), sent)), "firth")
  sent[numbers] <- lapply(sent[numbers], json_number)
  Filter(Negate(is.null), sent)
}

# The prior of a fit, as its document has it; NULL for maximum likelihood.
prior_of <- function(document) {
  if (is.null(document$prior)) return(NULL)
  do.call(gbtm_prior, Filter(Negate(is.null), document$prior$strengths))
}

is_weak <- function(prior) identical(unclass(prior), unclass(gbtm_prior()))

prior_words <- function(prior) {
  if (is_weak(prior)) return("prior = \"weak\"")
  numbers <- unlist(prior[c("shares", "curves", "zero", "sigma", "ridge")])
  numbers <- numbers[numbers > 0]
  paste(c(sprintf("%s %s", names(numbers), vapply(numbers, format_short, "")), if (prior$firth) "firth"),
        collapse = ", ")
}

# What it means for the numbers of a fit.
prior_sentence <- function(prior) {
  sprintf(paste(
    "MAP: estimates maximise the log-likelihood plus the log density of a weak prior (%s), and standard errors are",
    "from the Hessian of both. Log-likelihood, AIC and BIC are without the prior."
  ), prior_words(prior))
}

#' @export
print.gbtm_prior <- function(x, ...) {
  check_dots(...)
  cat("Weak prior: ", prior_words(x), "\n", sep = "")
  invisible(x)
}
