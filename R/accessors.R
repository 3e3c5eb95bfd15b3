#' What R's other functions ask of a fit
#'
#' The standard functions that take a model apart. What a mixture of curves does not have is refused, with what to use
#' instead: the defaults of R would answer with `NULL`, or with a number of another model.
#'
#' @section Why these values:
#' `sigma()` is the sd of an outcome around its group's curve. For a censored outcome it is that of the outcome before
#' censoring; with AR(1) errors that of each error, whose correlation is `rho`; with random effects that around the
#' subject's own curve.
#'
#' `deviance()` is -2 log L, as for mixed models, so that the difference of two nested fits is their likelihood-ratio
#' statistic (see [anova.gbtm()] for when that is a chi-square) and `AIC()` is this plus 2 k. It is not measured from a
#' saturated model, since a mixture has none, so that it is no test of fit by itself: see [residual_checks()] and
#' [adequacy()]. With sampling weights it is that of the pseudo-likelihood.
#'
#' `df.residual()` has no value. Observations of one subject depend on each other through its group, so that
#' observations minus parameters counts what there is not. All tests here are z and chi-square tests; functions that
#' look for residual degrees of freedom, such as `lmtest::coeftest()`, then make z tests too.
#'
#' @param object,x a fit; for `print()` what `family()` returned
#' @param ... nothing: an argument that does not exist is refused. `use.fallback`, which R gives to `sigma()`, changes
#'   nothing
#' @return `sigma()`: for `r those_having("has_sigma")` the sd in the outcome's units (of lognormal, of its log):
#'   a number that is common to all
#'   groups, or with `sigma_by_group` a vector with names `group_1`, `group_2`, ...
#'
#'   `deviance()`: a number. `df.residual()`: an error.
#'
#'   `weights()`: the sampling weights of the subjects, scaled to mean 1 as in the likelihood, in the order of
#'   [posterior()] and named by id; `NULL` where there are none, as for `lm()`.
#'
#'   `family()`: a list of class `gbtm_family`, as far as R's `family` objects have a meaning here: `family` (its name
#'   in [gbtm()]), `label` (in words), `link` and its functions `linkfun`, `linkinv`, `mu.eta` and `valideta`, `lower`
#'   and `upper` (the bounds of a censored outcome, else infinite), `zero_link` (the link of the zero part's
#'   probability, or `NULL`). It is no argument for `glm()`.
#'   Of a fit of several outcomes `sigma()` and `family()` are lists by outcome, `sigma()` of those that have one.
#' @section Errors: `gbtm_no_sigma` for other families, `gbtm_no_residual_df`.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' deviance(fit)
#' family(fit)
#' weights(fit)
#' try(df.residual(fit))
#' if (gbtm_engine()$available) {
#'   d <- offending
#'   d$root <- sqrt(d$offenses)
#'   sigma(gbtm(root ~ age, d, id = "id", groups = 2, order = 1, sigma_by_group = TRUE))
#' }
#' @name accessors
NULL

#' @rdname accessors
#' @importFrom stats sigma
#' @export
sigma.gbtm <- function(object, ...) {
  check_dots(..., known = "use.fallback")
  if (is_several(object)) return(sigma_of_several(object, sys.call()))
  estimates <- object$coefficients
  own <- sprintf("sigma[%d]", seq_len(object$n_groups))
  if ("sigma" %in% names(estimates)) return(estimates[["sigma"]])
  if (all(own %in% names(estimates))) {
    return(stats::setNames(estimates[own], paste0("group_", seq_len(object$n_groups))))
  }
  stop_gbtm("no_sigma", sprintf("object: family '%s' has no sigma, since its variance follows from its mean and shape.",
                                object$family), "object",
            paste("residuals(type = \"pearson\") are in standard deviations of the outcome; coef() has all parameters,",
                  "and simulate() draws outcomes."), sys.call())
}

# Of several outcomes, a list with those that have a sigma.
sigma_of_several <- function(fit, call) {
  views <- Filter(function(view) family_traits(view$family)$has_sigma, outcome_views(fit))
  if (!length(views)) {
    stop_gbtm("no_sigma", "object: none of the outcomes has a sigma, since their variances follow from their means.",
              "object", "coef() has all parameters.", call)
  }
  lapply(views, sigma.gbtm)
}

#' @rdname accessors
#' @importFrom stats deviance
#' @export
deviance.gbtm <- function(object, ...) {
  check_dots(...)
  refuse_part(object)
  -2 * object$loglik
}

#' @rdname accessors
#' @importFrom stats df.residual
#' @export
df.residual.gbtm <- function(object, ...) {
  check_dots(...)
  stop_gbtm("no_residual_df", paste(
    "object: a mixture has no residual degrees of freedom, since observations of one subject depend on each other",
    "through its group."
  ), "object", sprintf(paste(
    "Tests are z and chi-square tests, see summary() and wald_test(). There are %d observations (nobs()) of %d",
    "subjects, and %d parameters (length(coef()))."
  ), object$nobs, object$n_subjects, n_parameters(object)), sys.call())
}

#' @rdname accessors
#' @importFrom stats weights
#' @export
weights.gbtm <- function(object, ...) {
  check_dots(...)
  if (is.null(object$weights)) return(NULL)
  stats::setNames(as.vector(object$weights), id_labels(object$ids))
}

#' @rdname accessors
#' @importFrom stats family
#' @export
family.gbtm <- function(object, ...) {
  check_dots(...)
  if (is_several(object)) return(lapply(outcome_views(object), family.gbtm))
  traits <- family_traits(object$family)
  if (!isTRUE(traits$has_levels)) link_of(object$curves) # an unknown link is refused by name
  structure(class = c("gbtm_family", "family"), c(
    list(family = object$family, label = traits$label), of_link(traits$link),
    list(lower = object$curves$lower, upper = object$curves$upper,
         zero_link = if (traits$has_zero_part) "logit")
  ))
}

of_link <- function(name) {
  # of the probability of a level or one below it; of a category against the first
  if (name %in% c("cumulative", "multinomial")) name <- "logit"
  made <- stats::make.link(name)
  c(list(link = name), made[c("linkfun", "linkinv", "mu.eta", "valideta")])
}

#' @rdname accessors
#' @export
print.gbtm_family <- function(x, ...) {
  check_dots(...)
  words <- sub(" \\(.*\\)$", "", x$label)
  cat("\nFamily: ", x$family, if (words != x$family) sprintf(" (%s)", words), "\n", sep = "")
  cat("Link function: ", x$link, "\n", sep = "")
  part <- if (isTRUE(family_traits(x$family)$is_hurdle)) "zero part" else "zero inflation"
  if (!is.null(x$zero_link)) cat("Link function of the ", part, ": ", x$zero_link, "\n", sep = "")
  if (is.finite(x$lower) || is.finite(x$upper)) cat("Censored at: ", x$lower, " and ", x$upper, "\n", sep = "")
  cat("\n")
  invisible(x)
}
