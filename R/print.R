# Short forms. The words are those of the fit; nothing is computed here.

#' @export
print.gbtm <- function(x, digits = 4, ...) {
  check_dots(...)
  print_heading(x)
  if (is_several(x)) {
    for (view in outcome_views(x)) {
      cat("\nCurves of ", view$outcome_name, " at the first, middle and last observed time:\n", sep = "")
      print(curve_sketch(view), digits = digits, row.names = FALSE)
    }
    if (is_dual(x)) print_transitions(x)
  } else {
    cat("\nCurves at the first, middle and last observed time:\n")
    print(curve_sketch(x), digits = digits, row.names = FALSE)
  }
  if (!length(x$part_of)) {
    cat("\nlog-likelihood ", format(x$loglik, nsmall = 2, digits = 8), ", ", n_parameters(x),
        " parameters, BIC ", format(BIC.gbtm(x), nsmall = 2, digits = 8), " (n = ", x$n_subjects, " subjects)\n",
        sep = "")
  }
  if (!is.null(x$prior)) print_wrapped(prior_sentence(x$prior))
  print_findings(x)
  invisible(x)
}

print_heading <- function(x) {
  print_model(x)
  if (length(x$part_of)) {
    print_wrapped(sprintf(
      paste("One of %d outcomes that share their groups: %s. Groups, their shares and what the starts found are those",
            "of all."), length(x$part_of), paste(x$part_of, collapse = ", ")
    ))
  } else if (nzchar(x$dropped$sentence)) {
    print_wrapped(x$dropped$sentence)
  }
  for (one in x$shared_times) print_wrapped(shared_sentence(one))
  for (name in names(x$squeezed)) print_wrapped(squeezed_sentence(name, x$squeezed[[name]]))
  held <- NROW(if (is_dual(x)) x$dual$out_of_sample else x$out_of_sample$posterior)
  if (held) cat(held, " subject", if (held > 1) "s", " scored but not fitted.\n", sep = "")
  if (length(known_sentence(x))) print_wrapped(known_sentence(x))
  print_profiles(x)
}

# How many observations of an outcome share their time, as the engine's summary says it.
shared_sentence <- function(one) {
  some <- if (one$n_shared) sprintf("%d of %d", one$n_shared, one$nobs) else "None of the"
  sprintf("%s observations of %s share their %s with another one of the same person; each counts.", some, one$name,
          one$time_name)
}

squeezed_sentence <- function(name, n) {
  sprintf("%s is squeezed into (0, 1), (y * %d + 0.5) / %d: curves, means and residuals are of these values.", name,
          n - 1L, n)
}

# What was fitted, to how many people and observations.
print_model <- function(x) {
  of_groups <- count_words(x)
  if (is_several(x)) {
    cat("Group-based trajectory model: ", length(x$each), " outcomes, ", of_groups,
        if (is_dual(x)) " (dual model)", "\n", sep = "")
    cat(x$n_subjects, " subjects, ", x$nobs, " observations:\n", sep = "")
    print_outcomes(x$each)
  } else {
    cat("Group-based trajectory model: ", family_label(x$family), ", ", of_groups, "\n", sep = "")
    cat(x$n_subjects, " subjects, ", x$nobs, " observations of ", x$outcome_name, " over ", x$time_name, ".\n",
        sep = "")
  }
}

# At which time-varying covariates curves are drawn.
print_profiles <- function(x) {
  for (view in if (is_several(x)) outcome_views(x) else list(x)) {
    if (is.null(view$curves$covariates)) next
    of <- if (is_several(x)) paste(" of", view$outcome_name)
    at <- profile_words(view)
    if (nzchar(at)) print_wrapped(paste0("Curves", of, " are drawn at ", at, "."))
  }
}

# A line an outcome; of each its `time_name`, `family` and `nobs`.
print_outcomes <- function(each) {
  for (name in names(each)) {
    one <- each[[name]]
    print_wrapped(sprintf("%s over %s: %s, %d observations.", name, one$time_name, family_label(one$family), one$nobs),
                  exdent = 2)
  }
}

# The second outcome's groups given the first's, in per cent.
print_transitions <- function(x) {
  table <- transitions(x)
  names <- outcome_names(x)
  cat("\nGroups of ", names[2], " given those of ", names[1], ":\n", sep = "")
  shown <- data.frame(given = sprintf("%d | %d", table$group2, table$group1), share = percent(table$estimate),
                      "std. error" = or_na(table$se, percent),
                      "95 % interval" = ifelse(is.na(table$se), "NA", paste(percent(table$lower), "to",
                                                                            percent(table$upper))),
                      check.names = FALSE)
  names(shown)[1] <- paste(names[2], "|", names[1])
  print(shown, row.names = FALSE)
}

# Which groups were not seen at all times.
print_ranges <- function(x) {
  for (view in if (is_several(x)) outcome_views(x) else list(x)) {
    seen <- narrow_words(view)
    if (!is.null(seen)) print_wrapped(paste0(if (is_several(x)) paste0(view$outcome_name, ": "), seen))
  }
}

# Where curves are drawn, in words; empty where time alone says it.
profile_words <- function(x) {
  covariates <- x$curves$covariates
  left <- setdiff(seq_along(covariates$names), covariates$of_time$columns)
  if (!length(left)) return("")
  values <- covariates$profile[, left, drop = FALSE]
  covariates$names <- covariates$names[left]
  if (any(values != rep(values[1, ], each = nrow(values)))) {
    words <- if (covariates$given) "the values of %s that were given for each wave" else "the mean of %s at each time"
    return(sprintf(words, paste(covariates$names, collapse = ", ")))
  }
  paste(covariates$names, "=", format(values[1, ], digits = 4, trim = TRUE), collapse = ", ")
}

# Shares, and each group's mean at three times; of categories without an order a row for each, with its probability.
curve_sketch <- function(fit) {
  times <- sort(unique(seen_times(fit)))
  times <- unique(times[c(1, (length(times) + 1) %/% 2, length(times))])
  columns <- paste(fit$time_name, "=", format(times, trim = TRUE, digits = 4))
  if (!has_mean(fit$curves)) return(category_sketch(fit, times, columns))
  means <- as.data.frame(expected_at(fit, times))
  names(means) <- columns
  cbind(data.frame(group = seq_len(fit$n_groups), share = percent(fit$shares)), means)
}

category_sketch <- function(fit, times, columns) {
  table <- level_probabilities(fit, times)
  first <- table[!duplicated(table[c("group", "level")]), ]
  probabilities <- matrix(table$probability[order(table$group, table$level)], ncol = length(times), byrow = TRUE,
                          dimnames = list(NULL, columns))
  data.frame(group = first$group, share = percent(fit$shares[first$group]), level = first$level, probabilities,
             check.names = FALSE)
}

print_findings <- function(x) {
  cat("\n")
  print_wrapped(x$search$sentence)
  for (finding in x$warnings) print_wrapped(paste("Warning:", finding$message), exdent = 2)
}

print_wrapped <- function(text, exdent = 0) {
  cat(strwrap(text, width = min(getOption("width"), 100), exdent = exdent), sep = "\n")
}

percent <- function(share, digits = 1) paste(formatC(100 * share, format = "f", digits = digits), "%")

#' @export
print.traj <- function(x, ...) {
  check_dots(...)
  cat(x$traj$text, if (!endsWith(x$traj$text, "\n")) "\n", sep = "")
  print_findings(x)
  invisible(x)
}
