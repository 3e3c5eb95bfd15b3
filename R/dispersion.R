#' Is there overdispersion?
#'
#' Likelihood-ratio test of a negative binomial fit against the Poisson, of a zero-inflated negative binomial one
#' against the zero-inflated Poisson, or of one hurdle against the other, which is fitted for it. No dispersion, psi =
#' 0, is on the boundary of what psi can be, so that the statistic's law is a mixture: chi-square(0) / 2 +
#' chi-square(1) / 2 for one psi.
#'
#' @param fit a fit of family `r those_having("has_dispersion", "or")`
#' @param control settings of the search for the fit without psi
#' @param outcome of several outcomes the one whose psi is tested, by name or number; the others are fitted as they are
#'
#' @return A list of class `htest`: `statistic`, `p.value`, `weights` of chi-square(0), chi-square(1), ..., and of the
#'   fit
#'   without psi its `family` and `loglik`.
#' @section Errors: `gbtm_no_dispersion` for other families, `gbtm_weighted_test` for weighted fits,
#'   `gbtm_several_outcomes` where there are several and `outcome` is not given.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(offenses ~ age, data = offending, id = "id", groups = 2, order = 1, family = "negbin")
#' dispersion_test(fit)
#' @export
dispersion_test <- function(fit, control = gbtm_control(), outcome = NULL) {
  check_names()
  call <- match.call()
  check_fit(fit)
  refuse_part(fit)
  names <- outcome_names(fit)
  number <- if (!is.null(outcome)) outcome_number(names, outcome)
  if (is_several(fit) && is.null(number)) {
    stop_gbtm("several_outcomes", sprintf("outcome: the fit is of %s, and psi that of one of them.", listing(names)),
              "outcome", "Give outcome =, the name of a count: the others are fitted as they are.", call)
  }
  check_control(control)
  options <- c(search_options(control, NULL), if (is_several(fit)) list(outcome = number))
  found <- finished_work("dispersion_test", document_text(fit), as_request(options), progress = control$progress,
                         call = call)
  family <- if (is_several(fit)) fit$each[[number]]$family else fit$family
  of <- if (is_several(fit)) paste0(names[number], ": ") else ""
  structure(class = "htest", list(
    statistic = c(LR = found$statistic), p.value = found$pvalue, weights = found$weights, family = found$family,
    loglik = found$loglik, method = "Likelihood-ratio test of no overdispersion",
    data.name = sprintf("%sfamily %s against %s, weights %s of chi-square(0), chi-square(1), ..", of, family,
                        found$family, paste(format(found$weights), collapse = ", "))
  ))
}
