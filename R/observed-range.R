# At which times a group was seen: the range that holds all but a small share of its weighted observations. An
# observation weighs as much for a group as the posterior probability that its subject belongs to it. At either end at
# most constants$outside_share of the group's weight is left out: other groups' people. An end that reaches into the
# outermost constants$outside_thin of all observations is the first or last time observed at all: there it is people who
# are few, not people of the group.

#' The ranges of a fit of one outcome
#' @return list: `low` and `high` (K), NA for a group that nobody is in; `first` and `last`, of all
#' @noRd
observed_ranges <- function(fit) {
  seen <- range(seen_times(fit))
  if (is_on_disk(fit)) {
    times <- fit$sums$waves
    mass <- fit$sums$mass
  } else {
    p <- if (is.list(fit$posterior)) as.matrix(fit$posterior) else fit$posterior
    mass <- rowsum(p[fit$data$subject, , drop = FALSE], fit$data$time)
    times <- sort(unique(fit$data$time))
  }
  order <- order(times)
  up <- lower_ends(times[order], mass[order, , drop = FALSE], seen[1])
  down <- lower_ends(-times[rev(order)], mass[rev(order), , drop = FALSE], -seen[2])
  list(low = up, high = -down, first = seen[1], last = seen[2])
}

lower_ends <- function(times, mass, first) {
  people <- rowSums(mass)
  thin <- times[which(cumsum(people) >= constants$outside_thin * sum(people))[1]]
  vapply(seq_len(ncol(mass)), function(k) {
    total <- sum(mass[, k])
    if (!(total > 0)) return(NA_real_)
    own <- times[which(cumsum(mass[, k]) / total >= constants$outside_share)[1]]
    if (own <= thin) first else own
  }, 0)
}

# Whether each group was not seen at a time, for rows of groups and times.
is_outside <- function(ranges, group, times) {
  !((times >= ranges$low[group] & times <= ranges$high[group]) %in% TRUE)
}

narrower_groups <- function(ranges) {
  which(!((ranges$low <= ranges$first & ranges$high >= ranges$last) %in% TRUE))
}

# A table of curves, with groups and times in its first columns, with a column `outside`.
with_outside <- function(fit, table) {
  table$outside <- is_outside(observed_ranges(fit), table$group, table[[2]])
  table
}

range_words <- function(ranges, k) {
  number <- function(x) format(x, digits = 6, trim = TRUE)
  if (is.na(ranges$low[k])) "never" else sprintf("%s to %s", number(ranges$low[k]), number(ranges$high[k]))
}

# Warn of times that were asked for and at which some group was not seen.
warn_outside <- function(fit, times, call = NULL) {
  far <- warn_far_times(fit, times, call)
  ranges <- observed_ranges(fit)
  at <- setdiff(sort(unique(times[is.finite(times)])), far)
  groups <- seq_len(fit$n_groups)
  outside <- vapply(groups, function(k) is_outside(ranges, k, at), logical(length(at)))
  outside <- matrix(outside, length(at))
  if (!any(outside)) return(invisible())
  listed <- function(k) paste("at", listing(vapply(at[outside[, k]], format, "", digits = 6, trim = TRUE), 4))
  said <- if (!length(narrower_groups(ranges))) {
    sprintf("%s of all groups (%s)", listed(1), range_words(ranges, 1))
  } else {
    some <- which(colSums(outside) > 0)
    paste(vapply(some, function(k) sprintf("%s of group %d (%s)", listed(k), k, range_words(ranges, k)), ""),
          collapse = "; ")
  }
  warning(gbtm_condition("outside", sprintf(
    "times: outside of what was seen %s: what the curves do there is a matter of their formula alone.", said
  ), "times", "", call, c("gbtm_warning", "warning")))
}

# The sentence on groups that were not seen at all times; NULL where there is none.
narrow_words <- function(fit) {
  ranges <- observed_ranges(fit)
  groups <- narrower_groups(ranges)
  if (!length(groups)) return(NULL)
  number <- function(x) format(x, digits = 6, trim = TRUE)
  sprintf(paste("Not seen over all of %s %s to %s: %s. At other times a curve is a matter of its formula alone, and",
                "predict() marks it as outside."), fit$time_name, number(ranges$first), number(ranges$last),
          listing(vapply(groups, function(k) sprintf("group %d (%s)", k, range_words(ranges, k)), ""), 8))
}

unseen_words <- function(curves) {
  if (any(curves$outside)) "Dotted, greyed: next to nobody of the group was seen then."
}

# Lines of curves with ggplot2, a curve for each value of `by`: dotted and pale where the group was not seen.
curve_lines <- function(curves, by, width) {
  .data <- ggplot2::.data
  parts <- function(name) {
    rows <- split(curves, do.call(paste, curves[by]))
    do.call(rbind, unname(lapply(rows, function(curve) {
      part <- seen_parts(curve)[[name]]
      if (is.null(part)) part <- rep(FALSE, nrow(curve))
      curve$estimate[!part] <- NA
      curve
    })))
  }
  estimate <- ggplot2::aes(y = .data$estimate)
  lines <- list(ggplot2::geom_line(estimate, parts("seen"), linewidth = width, na.rm = TRUE))
  if (!any(curves$outside)) return(lines)
  c(lines, ggplot2::geom_line(estimate, parts("unseen"), linewidth = width, linetype = "11", alpha = 0.5, na.rm = TRUE,
                              show.legend = FALSE))
}

# A colour drawn towards grey.
grey_of_white <- 0.6

greyed <- function(colour) {
  part <- grDevices::col2rgb(colour) / 255
  grDevices::rgb(t(constants$grey_share * grey_of_white + (1 - constants$grey_share) * part))
}

# The two parts of a group's curve, of `curve` in the order of its times: where it was seen, and where it was not, each
# with the next row, so that they meet. NULL for a part that there is none of.
seen_parts <- function(curve) {
  outside <- curve$outside
  if (is.null(outside) || !any(outside)) return(list(seen = rep(TRUE, nrow(curve)), unseen = NULL))
  reaching <- function(part) part | c(FALSE, part[-length(part)])
  list(seen = if (any(!outside)) reaching(!outside), unseen = reaching(outside))
}

# The stretches of a curve that a part of it has.
pieces_of <- function(curve, part) {
  run <- cumsum(c(TRUE, diff(part) != 0))
  unname(lapply(split(which(part), run[part]), function(rows) curve[rows, ]))
}
