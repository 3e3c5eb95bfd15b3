# What several outcomes of one set of groups have to do with each other: the engine's tables, with what they mean.

#' What each of several outcomes tells about the groups
#'
#' `outcome_contributions()`: which outcomes make the groups that they share. `residual_correlations()`: the model takes
#' outcomes as independent within a group; where they are not, groups may have to make up for it that are not there.
#'
#' @param fit a fit of several outcomes that share their groups
#' @param refit `TRUE` fits the model without each outcome, its groups matched to those of the fit, in place of leaving
#'   the outcome out at the joint estimates: other curves may then make other groups
#' @param seed whole number: seed of these fits
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param by_group `FALSE` adds the groups up, one row a pair of outcomes
#'
#' @return Data frames of class `gbtm_outcome_table`, with sentences on what the numbers mean in attribute `notes`,
#'   which `print()` shows.
#'
#'   `outcome_contributions()`: a row for each outcome, with `outcome`; `people` who have a value of it, `observations`;
#'   `entropy`, relative entropy of the posterior probabilities from this outcome alone; `log_bayes_factor`, mean over
#'   the people of how much likelier the outcome is in the person's own group than in one drawn from the prior; `share`
#'   of their sum; `rand_without`, adjusted Rand index (Hubert and Arabie 1985, *Journal of Classification* 2, 193-218)
#'   of the most probable groups with and without the outcome, and `agreement_without`, share of the people whose most
#'   probable group is the same without it. Attribute `entropy`: that of all outcomes together. With sampling weights
#'   `log_bayes_factor` and `agreement_without` are weighted.
#'
#'   `residual_correlations()`: a row for each pair of outcomes and group, with `outcome`, `other`, `group` (where
#'   `by_group`), `people` and `pairs` (how many have values of both at one time, and how many pairs of values),
#'   `correlation`, `se` under independence, `z` and the two-sided `p.value`; NA where nobody has both.
#' @section Formulas: With \eqn{f_{km}(i)}{f_km(i)} the density of person i's values of outcome m in group k,
#'   \eqn{\pi_k}{pi_k} the prior and \eqn{P_{ik}}{P_ik} the posterior probability from all outcomes, the log Bayes
#'   factor is the mean of
#'   \eqn{\sum_k P_{ik} \log f_{km} - \log \sum_k \pi_k f_{km}}{sum_k P_ik log f_km - log sum_k pi_k f_km}.
#'
#'   With \eqn{e_{itmk}}{e_itmk} the standardized residuals and \eqn{s_i}{s_i} the sampling weights, the correlation of
#'   outcomes m and l in group k is \eqn{\sum_i s_i P_{ik} \sum_t e_{itmk} e_{itlk}}{sum_i s_i P_ik sum_t e_itmk e_itlk}
#'   over the root of the product of the same sums of squares. Its standard error takes into account that parameters
#'   were estimated (a conditional-moment test; Newey 1985, *Econometrica* 53, 1047-1070).
#' @section Errors: `gbtm_one_outcome`, `gbtm_part_of_a_fit`, `gbtm_two_group_sets` for a dual model, `gbtm_one_group`;
#'   `gbtm_no_common_time` where no two outcomes were measured at one time.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(list(conduct ~ year, absences ~ year), data = school, id = "id", groups = 3, order = 1,
#'             family = c("normal", "poisson"))
#' outcome_contributions(fit)
#' residual_correlations(fit, by_group = FALSE)
#' @export
outcome_contributions <- function(fit, refit = FALSE, seed = 0, progress = interactive()) {
  check_names()
  call <- match.call()
  refuse_one_outcome(fit, "outcome_contributions()")
  check_seed(seed)
  options <- as_request(list(refit = check_flag(refit, "refit"), rng = seed))
  answer <- long_answer("outcome_contributions", document_text(fit), options, progress = progress, call = call)
  outcome_table(answer, entropy = answer$entropy)
}

#' @rdname outcome_contributions
#' @export
residual_correlations <- function(fit, by_group = TRUE) {
  check_names()
  call <- match.call()
  refuse_one_outcome(fit, "residual_correlations()")
  answer <- fitted_answer("residual_correlations", document_text(fit), check_flag(by_group, "by_group"), call = call)
  table <- outcome_table(answer)
  names(table)[match(c("std err", "p"), names(table))] <- c("se", "p.value")
  table
}

outcome_table <- function(answer, ...) {
  structure(answer_frame(answer$table, answer$arrays), class = c("gbtm_outcome_table", "data.frame"),
            notes = as_text(answer$sentences), ...)
}

#' @export
print.gbtm_outcome_table <- function(x, digits = 3, ...) {
  check_dots(...)
  print(as.data.frame(x), digits = digits, row.names = FALSE)
  print_sentences(attr(x, "notes"))
  invisible(x)
}

# An error where there are no other outcomes of the same groups that this one could be held against.
refuse_one_outcome <- function(fit, what) {
  check_fit(fit)
  if (is_dual(fit)) {
    stop_gbtm("two_group_sets", sprintf(
      "fit: %s have groups of their own, and %s compares outcomes of the same groups.", listing(outcome_names(fit)),
      what
    ), "fit", "See transitions() and independence_test().")
  }
  if (length(fit$part_of)) {
    stop_gbtm("part_of_a_fit", sprintf("fit: %s is one of %s, and %s is asked of all of them.", fit$outcome_name,
                                       listing(fit$part_of), what), "fit", "Ask the whole fit.")
  }
  if (!is_several(fit)) {
    stop_gbtm("one_outcome", sprintf(
      "fit: %s is the only outcome, and %s compares several of the same groups.", fit$outcome_name, what
    ), "fit", "Fit them together: gbtm(list(a ~ t, b ~ t), ...).")
  }
}
