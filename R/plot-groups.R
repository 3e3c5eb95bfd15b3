# Pictures of one fit, a panel per group.

#' Each group by itself
#'
#' `plot_groups()`: one panel per group with the lines of the subjects assigned to it in grey, the posterior-weighted
#' observed means as white points, and the fitted curve with its band. GRoLTS (van de Schoot et al. 2017, items 14a to
#' 14c) asks for this figure. `plot_posteriors()`: with which probability subjects belong to the group they are assigned
#' to, and the mean of it, AvePP, beside Nagin's least value of 0.7.
#'
#' @param fit a fit
#' @param level level of the pointwise bands; `NULL` for none
#' @param individuals most subjects' lines per group, evenly chosen of those assigned when there are more; `FALSE` or
#'   0 for none, `TRUE` for 200. The lines of a 0/1 outcome or of counts are moved up or down by a little, so that equal
#'   lines do not hide each other
#' @param labels names of the groups; default `"Group 1"`, ...
#' @param colours one colour per group; recycled
#' @return A ggplot object.
#' @references van de Schoot R, Sijbrandij M, Winter SD, Depaoli S, Vermunt JK (2017). The GRoLTS-Checklist: Guidelines
#'   for Reporting on Latent Trajectory Studies. *Structural Equation Modeling* 24, 451-467.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' plot_groups(fit)
#' plot_posteriors(fit)
#' @export
plot_groups <- function(fit, level = 0.95, individuals = 200, labels = NULL, colours = group_colours) {
  check_names()
  need_ggplot2("plot_groups")
  check_fit(fit)
  panel <- group_panels(fit, labels)
  named <- function(table) {
    table$panel <- factor(panel[table$group], panel)
    table$group <- factor(table$group, seq_len(fit$n_groups))
    table
  }
  curves <- named(drawn_curves(fit, check_band_level(level)))
  means <- binned_means(fit)
  means$size <- pmax(means$weight / stats::ave(means$weight, means$group, FUN = max), 0.25)
  most <- check_individuals(individuals)
  lines <- own_lines(fit, most)
  limits <- groups_range(drawn_range(fit, curves, means, level), lines$y)
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$time, colour = .data$group, fill = .data$group))
  if (nrow(lines)) {
    faint <- min(0.7, max(0.22, 12 / (max(table(lines$group[!duplicated(lines$subject)])))^0.75))
    picture <- picture + ggplot2::geom_line(ggplot2::aes(y = .data$y, group = .data$subject), named(lines),
                                            colour = "#B3B3B3", linewidth = 0.25, alpha = faint)
  }
  if (!is.null(level)) {
    picture <- picture + ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper),
                                              with_band(curves, "group"), alpha = 0.2, colour = NA, na.rm = TRUE)
  }
  picture + curve_lines(curves, "group", 0.9) +
    ggplot2::geom_point(ggplot2::aes(y = .data$mean, shape = .data$group, size = .data$size), named(means),
                        fill = "white", stroke = 0.7) +
    ggplot2::scale_size_area(max_size = 1.9, guide = "none") +
    ggplot2::facet_wrap(~panel, ncol = panel_columns(fit$n_groups)) +
    open_scales(fit$n_groups, colours) + ggplot2::coord_cartesian(ylim = limits) +
    ggplot2::labs(x = in_lines(fit$time_name, 36), y = in_lines(outcome_label(fit), 28),
                  caption = groups_caption(fit, level, lines, limits, most, curves)) +
    theme_figures() + ggplot2::theme(legend.position = "none")
}

#' @rdname plot_groups
#' @export
plot_posteriors <- function(fit, labels = NULL, colours = group_colours) {
  check_names()
  need_ggplot2("plot_posteriors")
  check_fit(fit)
  panel <- group_panels(fit, labels)
  group <- assignment(fit)
  p <- fit$posterior[cbind(seq_along(group), group)]
  bars <- posterior_bars(p, group, fit$n_groups)
  bars$panel <- factor(panel[bars$group], panel)
  weight <- subject_weights(fit)
  avepp <- vapply(seq_len(fit$n_groups), function(k) {
    if (any(group == k)) stats::weighted.mean(p[group == k], weight[group == k]) else NA_real_
  }, 0)
  marks <- data.frame(group = factor(seq_len(fit$n_groups)), panel = factor(panel, panel), avepp = avepp)
  marks$text <- ifelse(is.na(avepp), "nobody is assigned", sprintf("AvePP %.2f", avepp))
  .data <- ggplot2::.data
  ggplot2::ggplot(bars) +
    ggplot2::geom_vline(xintercept = constants$least_avepp, linetype = "dotted", colour = "#595959") +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$left, xmax = .data$right, ymin = 0, ymax = .data$percent,
                                    fill = .data$group), colour = "white", linewidth = 0.25, alpha = 0.8) +
    ggplot2::geom_vline(ggplot2::aes(xintercept = .data$avepp), marks, linewidth = 0.6, na.rm = TRUE) +
    ggplot2::geom_text(ggplot2::aes(x = ifelse(is.na(.data$avepp), 0.8, .data$avepp - 0.012), y = 112,
                                    label = .data$text), marks, hjust = 1, size = 2.7, colour = "#333333") +
    ggplot2::facet_wrap(~panel, ncol = panel_columns(fit$n_groups), drop = FALSE) +
    ggplot2::scale_fill_manual(values = rep_len(colours, fit$n_groups), drop = FALSE) +
    ggplot2::scale_y_continuous(breaks = c(0, 25, 50, 75, 100), limits = c(0, 120), expand = c(0, 0)) +
    ggplot2::labs(x = "posterior probability", y = "% of those assigned", caption = wrapped_caption(c(
      "Solid line: AvePP, the mean of those assigned.",
      sprintf("Dotted line: %g, the least AvePP that Nagin (2005) accepts.", constants$least_avepp)
    ))) +
    theme_figures() + ggplot2::theme(legend.position = "none")
}

# Titles of the panels: name, share, number assigned.
group_panels <- function(fit, labels) {
  names <- if (is.null(labels)) paste("Group", seq_len(fit$n_groups)) else check_labels(labels, fit$n_groups)
  n <- formatC(assigned_counts(fit), big.mark = ",", format = "d")
  sprintf("%s\n%s, %s assigned", vapply(names, function(x) paste(strwrap(x, 34), collapse = "\n"), ""),
          percent(fit$shares), n)
}

panel_columns <- function(n) if (n < 4) n else if (n == 4) 2 else if (n < 7) 3 else 4

# Lines in the order of subjects and times, with the mean where a subject has several observations at one time.
one_a_time <- function(lines) {
  first <- !duplicated(lines[c("subject", "time")])
  if (all(first)) return(lines)
  at <- cumsum(first)
  lines$y <- (rowsum(lines$y, at) / tabulate(at))[at]
  lines[first, ]
}

# Observations of at most `most` subjects of each group, lines of discrete outcomes moved by a little.
own_lines <- function(fit, most) {
  check_whole(most, "individuals", 0, "Give the most lines per group, for example individuals = 200; 0 for none.")
  group <- assignment(fit)
  chosen <- unlist(lapply(split(seq_along(group), group), evenly, most))
  lines <- data.frame(fit$data[c("subject", "time")], y = shown_outcome(fit))[fit$data$subject %in% chosen, ]
  lines$group <- unname(group)[lines$subject]
  lines$y <- lines$y + jitter_of(fit) * (2 * ((lines$subject * constants$jitter_step) %% 1) - 1)
  one_a_time(lines[order(lines$subject, lines$time), ])
}

# Largest move of a subject's line, in units of the outcome: 0 where the outcome is continuous.
jitter_of <- function(fit) {
  traits <- family_traits(fit$family)
  if (traits$is_binary) constants$jitter_binary else if (traits$is_count) constants$jitter_count else 0
}

check_individuals <- function(individuals) {
  if (isTRUE(individuals)) return(constants$individuals_per_group)
  if (isFALSE(individuals)) return(0)
  check_whole(individuals, "individuals", 0, "Give how many lines per group, or FALSE for none.")
  individuals
}

# The common axis: curves and means, and nearly all of the lines.
groups_range <- function(core, y) {
  if (!length(y)) return(core)
  tail <- (1 - constants$individuals_shown) / 2
  inner <- stats::quantile(y, c(tail, 1 - tail), names = FALSE)
  whole <- range(y)
  gain <- abs(whole - inner) < 0.25 * diff(inner)
  range(core, ifelse(gain, whole, inner))
}

groups_caption <- function(fit, level, lines, limits, most, curves) {
  banded <- !is.null(level) && !length(unit_bases(fit))
  band <- if (banded) sprintf(" with pointwise %g %% band", 100 * level) else ""
  said <- c(sprintf("Coloured line: fitted mean%s.", band), unseen_words(curves),
            "Points: observed means weighted by the posterior; smaller where less is observed.")
  if (nrow(lines)) {
    some <- max(tabulate(assignment(fit))) > most
    said <- c(said, sprintf("Grey: the subjects assigned to the group%s.",
                            if (some) sprintf(" (%d of each larger group, evenly chosen)", most) else ""))
    move <- jitter_of(fit)
    if (move > 0) {
      said <- c(said, sprintf("Grey lines are moved by up to %g so that they do not hide each other.", move))
    }
    beyond <- mean(lines$y < limits[1] | lines$y > limits[2])
    if (beyond > 0) said <- c(said, sprintf("%.2g %% of the grey values lie beyond the axis.", 100 * beyond))
  }
  wrapped_caption(c(said, axis_sentences(curves, data.frame(mean = 1), limits, FALSE), profile_sentence(fit)), 110)
}

# Marks with a white inside; colour and form tell the groups apart.
open_scales <- function(n, colours) {
  list(
    ggplot2::scale_colour_manual(values = rep_len(colours, n), aesthetics = c("colour", "fill"), drop = FALSE),
    ggplot2::scale_shape_manual(values = rep_len(c(21, 24, 22, 23, 25, 3, 4, 8), n), drop = FALSE)
  )
}

subject_weights <- function(fit) if (is.null(fit$weights)) rep(1, fit$n_subjects) else fit$weights

# Share in % of those assigned to a group in each twentieth of probability.
posterior_bars <- function(p, group, n_groups, width = constants$posterior_bin) {
  low <- min(floor(min(p) / width) * width, 0.5)
  edges <- seq(low, 1, length.out = round((1 - low) / width) + 1)
  bin <- pmin(findInterval(p + 1e-12, edges), length(edges) - 1)
  tables <- lapply(seq_len(n_groups), function(k) {
    count <- tabulate(bin[group == k], length(edges) - 1)
    data.frame(group = factor(k, seq_len(n_groups)), left = edges[-length(edges)], right = edges[-1],
               percent = 100 * count / max(sum(count), 1))
  })
  do.call(rbind, tables)
}
