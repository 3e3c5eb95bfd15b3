# How well the groups are told apart. As the engine's adequacy/groups.py, so that it needs no Python; a test holds the
# two against each other, sentences too.

#' Adequacy of the classification
#'
#' Average posterior probability, odds of correct classification and mismatch, group by group (Nagin 2005,
#' *Group-Based Modeling of Development*, section 5.6), and what they mean in sentences.
#'
#' @param fit a fit
#' @return Data frame of class `gbtm_adequacy`, one row per group: `group`; `share` (estimated pi) with `share_lower`,
#'   `share_upper`, a 95 % interval made on the logit scale; `n_assigned`, people for whom it is the most probable
#'   group; `assigned`, their share; `avepp`, mean posterior probability of those; `occ`, odds of correct
#'   classification; `mismatch`, `assigned - share`, and `mismatch_se`. Attribute `notes`: sentences, which `print()`
#'   shows. With sampling weights all but `n_assigned` are weighted.
#'
#'   `avepp()`, `occ()`: numeric, the columns of that name alone, a number for each group in their order; NA for a group
#'   that nobody is assigned to, `occ()` also where there is one group. `entropy()`: a number, NA with one group; of a
#'   dual model those of each outcome's groups, by name, and of the `pairs`.
#' @section Definitions: With \eqn{p_{ik}}{p_ik} the posterior probability of group k for subject i, \eqn{\pi_k}{pi_k}
#'   the estimated share, N subjects and K groups:
#'
#'   AvePP of group k is the mean of \eqn{p_{ik}}{p_ik} over the subjects whose most probable group is k; at least
#'   `r constants$least_avepp` is asked for.
#'
#'   OCC of group k is
#'   \eqn{\frac{AvePP_k / (1 - AvePP_k)}{\pi_k / (1 - \pi_k)}}{(AvePP_k / (1 - AvePP_k)) / (pi_k / (1 - pi_k))};
#'   at least `r constants$least_occ` is asked for (Nagin 2005).
#'
#'   Relative entropy is \eqn{1 - \sum_i \sum_k (-p_{ik} \log p_{ik}) / (N \log K)}{1 - sum_i sum_k (-p_ik log p_ik) /
#'   (N log K)}: 1 where everybody has one group for certain, 0 where all groups are as probable for everybody
#'   (Ramaswamy, DeSarbo, Reibstein and Robinson 1993). Sampling weights do not enter.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' adequacy(fit)
#' c(entropy = entropy(fit), least_avepp = min(avepp(fit)), least_occ = min(occ(fit)))
#' @export
adequacy <- function(fit) {
  check_fit(fit)
  if (is_on_disk(fit)) return(adequacy_of_sums(fit))
  p <- fit$posterior
  weight <- subject_weights(fit) / sum(subject_weights(fit))
  mine <- outer(assignment(fit), seq_len(fit$n_groups), "==") * 1
  assigned <- as.vector(weight %*% mine)
  avepp <- ifelse(colSums(mine) > 0, as.vector(weight %*% (mine * p)) / assigned, NA_real_)
  gap <- mine - p
  spread <- sqrt(as.vector(weight^2 %*% sweep(gap, 2, as.vector(weight %*% gap))^2))
  adequacy_table(fit, colSums(mine), assigned, avepp, spread)
}

# The table of what was counted of people, a number for each group.
adequacy_table <- function(fit, n_assigned, assigned, avepp, spread) {
  k <- fit$n_groups
  shares <- group_shares(fit)
  occ <- if (k == 1) NA_real_ else (avepp / (1 - avepp)) / (shares$share / (1 - shares$share))
  limits <- logit_interval(shares$share, shares$se, fit)
  table <- data.frame(
    group = seq_len(k), share = shares$share, share_lower = limits$lower, share_upper = limits$upper,
    n_assigned = as.integer(n_assigned), assigned = assigned, avepp = avepp, occ = occ,
    mismatch = assigned - shares$share, mismatch_se = if (k == 1) NA_real_ else spread
  )
  structure(table, class = c("gbtm_adequacy", "data.frame"), notes = c(
    adequacy_notes(table, entropy(fit), fit$weighted), if (k > 1) judged_on(fit)
  ))
}

#' @rdname adequacy
#' @export
avepp <- function(fit) adequacy(fit)$avepp

#' @rdname adequacy
#' @export
occ <- function(fit) adequacy(fit)$occ

#' @rdname adequacy
#' @export
entropy <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(c(vapply(outcome_views(fit), entropy, 1), pairs = entropy_of(fit$dual$posterior)))
  if (fit$n_groups == 1) return(NA_real_)
  if (is_on_disk(fit)) return(1 - fit$sums$uncertainty / (fit$n_subjects * log(fit$n_groups)))
  entropy_of(fit$posterior)
}

entropy_of <- function(p) {
  if (ncol(p) == 1) return(NA_real_)
  1 + sum(ifelse(p > 0, p * log(p), 0)) / (nrow(p) * log(ncol(p)))
}

# 95 % intervals on the logit scale; NA where there is no standard error or the share is 0 or 1.
logit_interval <- function(share, se, fit) {
  inside <- share > 0 & share < 1 & is.finite(se) & se > 0
  share[!inside] <- NA
  half <- reach_of(fit) * se / (share * (1 - share))
  list(lower = stats::plogis(stats::qlogis(share) - half), upper = stats::plogis(stats::qlogis(share) + half))
}

#' @export
print.gbtm_adequacy <- function(x, ...) {
  check_dots(...)
  if (!all(c("share", "avepp", "occ", "mismatch") %in% names(x))) return(NextMethod())
  fixed <- function(v, digits) or_na(v, function(v) formatC(v, format = "f", digits = digits))
  shown <- data.frame(
    group = x$group, share = percent(x$share),
    "95 % interval" = ifelse(is.na(x$share_lower), "NA", paste(percent(x$share_lower), "to", percent(x$share_upper))),
    n = x$n_assigned, assigned = percent(x$assigned), AvePP = fixed(x$avepp, 3),
    OCC = or_na(x$occ, function(v) format(round(v, 1), nsmall = 1, big.mark = ",", trim = TRUE)),
    mismatch = sprintf("%+.1f %%", 100 * x$mismatch), check.names = FALSE
  )
  print(shown, row.names = FALSE)
  print_sentences(attr(x, "notes"))
  invisible(x)
}

adequacy_notes <- function(table, entropy, weighted) {
  if (nrow(table) == 1) {
    return(paste("One group: there is no classification to judge, so OCC, mismatch and the share's interval are left",
                 "out."))
  }
  first <- sprintf("Relative entropy is %.2f; %s", entropy, if (entropy >= constants$clear_entropy) {
    "groups are clearly told apart."
  } else {
    sprintf("below %g many subjects have no clear group: use posterior probabilities, not assignments.",
            constants$clear_entropy)
  })
  unknown <- table$group[is.na(table$share_lower)]
  c(
    first, unlist(lapply(seq_len(nrow(table)), function(k) about_group(table[k, ]))), smallest_note(table),
    if (!all(is.na(table$share_lower))) {
      "Intervals of shares are made on the logit scale; those of summary() are symmetric about the shares."
    },
    if (length(unknown)) {
      sprintf("The data give no standard error for the share of group %s, so no interval either.",
              paste(unknown, collapse = ", "))
    },
    if (weighted) {
      "Shares, assigned shares, AvePP and mismatch use the sampling weights; n_assigned counts people."
    }
  )
}

# What has to be said of one group.
about_group <- function(row) {
  if (row$n_assigned == 0) {
    return(sprintf(paste("Group %d (estimated share %.3g %%) is nobody's most probable group: it has no AvePP and no",
                         "OCC. Consider fewer groups."), row$group, 100 * row$share))
  }
  c(about_certainty(row), about_mismatch(row))
}

about_certainty <- function(row) {
  if (row$avepp < constants$least_avepp) {
    low <- ""
    if (row$occ < constants$least_occ) low <- sprintf(" and its OCC %.1f, below %g", row$occ, constants$least_occ)
    return(sprintf("Group %d: AvePP is %.2f, below %g%s; those assigned to it may well belong elsewhere.", row$group,
                   row$avepp, constants$least_avepp, low))
  }
  if (row$occ < constants$least_occ) {
    odds <- constants$least_occ * row$share / (1 - row$share)
    return(sprintf(paste(
      "Group %d: OCC is %.1f, below %g, but a large group's OCC is low by construction: with a share of %.0f %% it",
      "would take an AvePP of %.2f to reach %g. Its AvePP is %.2f; judge it by that."
    ), row$group, row$occ, constants$least_occ, 100 * row$share, odds / (1 + odds), constants$least_occ, row$avepp))
  }
  if (!is.finite(row$occ)) {
    sprintf("Group %d: all assigned to it belong to it with probability 1, so its OCC is infinite.", row$group)
  }
}

about_mismatch <- function(row) {
  if (abs(row$mismatch) < constants$notable_mismatch || abs(row$mismatch) <= 2 * row$mismatch_se) return(NULL)
  sprintf(paste(
    "Group %d: %.1f %% are assigned to it, its estimated share is %.1f %% (mismatch %+.1f points, standard error",
    "%.1f): counts of assigned subjects misstate its size."
  ), row$group, 100 * row$assigned, 100 * row$share, 100 * row$mismatch, 100 * row$mismatch_se)
}

smallest_note <- function(table) {
  k <- which.min(table$share)
  n <- table$n_assigned[k]
  sprintf("The smallest group is group %d, with an estimated %.1f %% and %d subject%s assigned%s", k,
          100 * table$share[k], n, if (n == 1) "" else "s", if (table$share[k] < constants$small_share) {
            sprintf("; below %g %% a group needs a reason to be kept.", 100 * constants$small_share)
          } else {
            "."
          })
}
