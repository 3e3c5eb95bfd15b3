#' Likelihood ratio tests of nested fits
#'
#' Twice the difference of the log-likelihoods is chi-square when the smaller model is the larger one with some
#' coefficients set to 0 or equal, inside the range they can take. Where that fails there is no statistic and no
#' p-value, and a warning says why: fits that differ in the number of groups (the smaller is on the edge of the larger,
#' where the shares of groups and the coefficients they belong to cannot be told apart), in a group of rate zero or in
#' whether a group has a zero part; fits with other priors; fits that are not nested, such as with dropout of other
#' orders; and pseudo-likelihoods, whose covariance is robust. BIC is there for those that are likelihoods of the same
#' data. Further random effects have their sds at the bound 0 in the smaller model. One is tested by the mixture, half
#' and half, of the chi-squares without and with it (Self and Liang 1987, case 6); several, and such that are
#' correlated, by a mixture whose weights the engine counts by simulation (Stram and Lee 1994; not for dual models).
#' The heading says so. Constraints are compared by what they allow, not by how they are written: `"t[2] = t[3]"` is
#' `"t[3] = t[2]"`. A single bound is tested by the mixture, half and half, of the chi-squares without and with it.
#'
#' @param object,... two or more fits to the same data
#' @param test `"Chisq"` or `"LRT"`, which are the same
#' @return Data frame of class `anova`, smallest model first: `npar`, `logLik`, `AIC`, `BIC` (n = subjects), `Chisq`,
#'   `Df`, `Pr(>Chisq)` of each against the one before it, NA where that is no test.
#' @section Errors: `gbtm_one_fit`; `gbtm_other_data` where the fits are not of the same data; `gbtm_other_family`.
#' @section Warnings: `gbtm_no_chisq` for a comparison that is no test.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' small <- gbtm(offenses ~ age, offending, id = "id", groups = 3, order = 1, family = "zip",
#'               iorder = 0)
#' anova(small, fit)
#' @importFrom stats anova
#' @export
anova.gbtm <- function(object, ..., test = "Chisq") {
  check_fits_in_dots(...)
  match_choice(test, c("Chisq", "LRT"), "test")
  fits <- list(object, ...)
  lapply(fits, check_fit)
  if (length(fits) == 1) {
    stop_gbtm("one_fit", "object: one fit is nothing to compare.", "object",
              "Give two fits, or test hypotheses about this one with wald_test().")
  }
  asked <- as.list(match.call())[-1]
  labels <- make.unique(vapply(asked[!names(asked) %in% "test"], short_name, ""))
  by_size <- order_of_sizes(fits)
  fits <- fits[by_size]
  labels <- unname(labels)[by_size]
  check_same_data(fits, labels)
  table <- anova_table(fits, labels)
  notes <- character()
  for (i in seq_along(fits)[-1]) {
    law <- ratio_law(fits[[i - 1]], fits[[i]], table$Chisq[i], table$Df[i])
    pair <- sprintf("%s against %s: ", labels[i], labels[i - 1])
    if (is.null(law$why)) {
      table[i, "Pr(>Chisq)"] <- law$pvalue
      notes <- c(notes, if (!is.null(law$words)) paste0(pair, law$words))
      next
    }
    table[i, c("Chisq", "Df", "Pr(>Chisq)")] <- NA # printed, they would be read as a test
    warning(gbtm_condition("no_chisq", paste0(pair, law$why), "object", "", sys.call(),
                           c("gbtm_warning", "warning")))
  }
  formulas <- vapply(fits, function(f) {
    paste0(formula_words(f), ", ", paste(group_counts(f), collapse = " and "), " groups, ", family_words(f))
  }, "")
  heading <- c("Likelihood ratio tests of group-based trajectory models\n",
               paste0(labels, ": ", formulas, collapse = "\n"), strwrap(notes))
  structure(table, heading = heading, class = c("anova", "data.frame"))
}

# Smallest first. A bound takes no parameter away, so that of fits of one size those with more of them come first,
# and of constrained ones those with the lower log-likelihood.
order_of_sizes <- function(fits) {
  relations <- lengths(lapply(fits, function(fit) relations_of(constraint_texts(fit))))
  loglik <- vapply(fits, function(fit) fit$loglik, 1)
  order(vapply(fits, n_parameters, 1L), -relations, if (any(relations > 0)) loglik else seq_along(fits))
}

#' The law of the likelihood ratio of two fits
#'
#' @param chisq,df twice the difference of their log-likelihoods, and parameters more
#' @return list: `why` there is none; or `pvalue` and, where it is no chi-square, its `words`
#' @noRd
ratio_law <- function(small, large, chisq, df) {
  why <- other_likelihoods(small, large)
  if (is.null(why) && !(is.null(small$constraints) && is.null(large$constraints))) {
    return(constrained_law(small, large))
  }
  if (is.null(why)) why <- not_nested(small, large)
  if (is.null(why) && large$loglik < small$loglik - 1e-6) why <- worse_fit
  if (is.null(why)) law_of_nested(small, large, chisq, df) else list(why = why)
}

law_of_nested <- function(small, large, chisq, df) {
  freed <- freed_sds(small, large)
  if (freed == 1) {
    return(list(pvalue = half_and_half(chisq, df), words = sprintf(paste(
      "the sd of a random effect is 0, at its bound, in the smaller model, so that Chisq is chi-square with %d or %d",
      "degrees of freedom, half the time each."
    ), as.integer(df - 1), as.integer(df))))
  }
  if (freed > 1) {
    found <- call_bridge("freed_effects_law", document_text(large), document_text(small), max(chisq, 0))
    return(list(pvalue = found$pvalue, words = paste("Chisq is distributed as", found$law)))
  }
  list(pvalue = stats::pchisq(chisq, df, lower.tail = FALSE))
}

anova_table <- function(fits, labels) {
  size <- vapply(fits, n_parameters, 1L)
  loglik <- vapply(fits, function(f) f$loglik, 1)
  chisq <- c(NA, 2 * diff(loglik))
  df <- c(NA, diff(size))
  data.frame(
    npar = size, logLik = loglik, AIC = -2 * loglik + 2 * size, BIC = vapply(fits, BIC.gbtm, 1), Chisq = chisq, Df = df,
    "Pr(>Chisq)" = stats::pchisq(chisq, df, lower.tail = FALSE), row.names = labels, check.names = FALSE
  )
}

check_same_data <- function(fits, labels) {
  first <- outcome_views(fits[[1]])
  for (i in seq_along(fits)[-1]) {
    views <- outcome_views(fits[[i]])
    same <- fits[[i]]$nobs == fits[[1]]$nobs && fits[[i]]$n_subjects == fits[[1]]$n_subjects &&
      identical(names(views), names(first)) && all(mapply(same_values, views, first))
    if (!same) {
      stop_gbtm("other_data", sprintf("%s and %s are fits to different data.", labels[1], labels[i]), "object",
                "Fit both to the same observations; missing covariates may have dropped some.")
    }
    if (!identical(known_by_id(fits[[i]]), known_by_id(fits[[1]]))) {
      stop_gbtm("other_data", sprintf("%s and %s: the group of other people is known.", labels[1], labels[i]), "object",
                "Fit both with the same known groups: the log-likelihood is also that of these.")
    }
    if (!all(mapply(same_distribution, views, first))) {
      stop_gbtm("other_family", sprintf("%s is of family %s, %s of family %s, or their bounds differ.", labels[1],
                                        family_words(fits[[1]]), labels[i], family_words(fits[[i]])), "object",
                "Compare them by BIC().")
    }
  }
}

same_values <- function(one, other) isTRUE(all.equal(sort(one$data$y), sort(other$data$y)))

same_distribution <- function(one, other) {
  what <- c("family", "lower", "upper")
  identical(one$curves[what], other$curves[what])
}

# What makes the two log-likelihoods no two of one kind; NULL where nothing does.
other_likelihoods <- function(small, large) {
  if (!identical(as.integer(group_counts(small)), as.integer(group_counts(large)))) {
    return(sprintf(paste(
      "%s against %s have no chi-square distribution, since the smaller model is on the edge of the larger.",
      "Compare them by BIC."
    ), count_words(large), paste(group_counts(small), collapse = " and ")))
  }
  if (!identical(small$prior, large$prior)) {
    return("their priors differ, so that their log-likelihoods are not at maxima of the same kind. Fit both with one.")
  }
  if (any(vapply(c(small$cov_type, large$cov_type), function(kind) nzchar(covariance_kinds()[[kind]]$units), NA))) {
    return("with weights or clusters this is no likelihood ratio. Test hypotheses with wald_test().")
  }
  if (!identical(sort(unlist(small$spec$dropout)), sort(unlist(large$spec$dropout)))) {
    return("dropout of other orders is the likelihood of other waves, so that they are not nested.")
  }
  if (!identical(small[["event"]][of_times], large[["event"]][of_times])) {
    return("the times to an event of one are not those of the other, or its hazards, so that they are not nested.")
  }
  if (length(unit_bases(small)) || length(unit_bases(large))) {
    "the hidden units of one are not those of the other, so that they are not nested."
  }
}

of_times <- c("hazard", "cuts", "n_causes", "n_known", "n_events")

# Why the smaller model is no special case of the larger, within it; NULL where it is one.
not_nested <- function(small, large) {
  if (n_parameters(small) == n_parameters(large)) {
    return("as many parameters, so that neither is a special case of the other. Compare them by BIC.")
  }
  before <- stem_counts(small)
  after <- stem_counts(large)
  freed <- !names(before) %in% names(large$coefficients) | names(before) %in% names(small$coefficients)
  gone <- names(before)[!((before <= after[names(before)]) %in% TRUE & freed)]
  if (length(gone)) {
    return(sprintf("the smaller model has more of %s than the larger, so that it is no special case. Compare by BIC.",
                   listing(gone)))
  }
  at_a_bound(small, large)
}

worse_fit <- "the larger model fits worse, so that it is not at its best optimum, or they are not nested."

# What of the smaller model is on the edge of the larger, whose law then is no chi-square; NULL where nothing is.
at_a_bound <- function(small, large) {
  before <- stem_counts(small)
  after <- stem_counts(large)
  stems <- c("intercept", "zero_intercept")
  edge <- intersect(names_in_outcomes(large, stems), names(after)[!(after == before[names(after)]) %in% TRUE])
  if (length(edge)) {
    return(paste("a group without", if (!all(grepl("zero_intercept$", edge))) "a rate" else "a zero part",
                 "is on the edge of a model that gives it one. Compare them by BIC."))
  }
  freed <- freed_sds(small, large)
  if (freed > 1 && (is_dual(large) || !gbtm_engine()$available)) {
    sprintf(paste(
      "the sds of %d random effects are 0, at their bound, in the smaller model, so that this is a mixture of",
      "chi-squares whose weights depend on the data, and which the engine finds for models of one set of groups.",
      "Compare them by BIC, or with what simulate() draws from the smaller one."
    ), as.integer(freed))
  }
}

# How many sds of random effects the larger fit has that are 0 in the smaller one.
freed_sds <- function(small, large) {
  before <- stem_counts(small)
  after <- stem_counts(large)
  names <- intersect(names_in_outcomes(large, effect_sds), names(after))
  freed <- vapply(names, function(name) {
    had <- if (name %in% names(before)) before[[name]] else 0
    if (name %in% names(large$coefficients)) as.double(had == 0) else after[[name]] - had # a common one counts once
  }, 1)
  sum(freed)
}

# Names as the parameters of each outcome have them.
names_in_outcomes <- function(fit, names) {
  if (is_several(fit)) as.vector(outer(outcome_names(fit), names, paste, sep = ": ")) else names
}

# Upper tail where one parameter is at its bound and all others inside (Self and Liang 1987, case 6).
half_and_half <- function(chisq, df) {
  tail <- function(df) stats::pchisq(chisq, df, lower.tail = FALSE)
  (if (df > 1) tail(df - 1) else as.double(chisq <= 0)) / 2 + tail(df) / 2
}

# How many groups have a parameter, by its name without the group; what is common to all counts for all.
stem_counts <- function(fit) {
  names <- names(fit$coefficients)
  stem <- sub("\\[[0-9]+\\]$", "", names)
  of_all <- if (is_dual(fit)) fit$dual$sizes[block_field(fit, "outcome") + 1] else fit$n_groups
  weight <- ifelse(names == stem & !startsWith(names, "theta2"), of_all, 1)
  vapply(split(weight, stem), sum, 1)
}
