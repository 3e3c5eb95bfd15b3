# The pictures of the probabilities of levels, on top of each other in a panel per group, and of the observed shares.

#' @rdname level_probabilities
#' @param observed draw the observed shares as points
#' @export
plot_levels <- function(fit, observed = TRUE) {
  check_names()
  need_ggplot2("plot_levels")
  check_fit(fit)
  refuse_several_levels(fit)
  check_flag(observed, "observed")
  table <- level_probabilities(fit, fine_times(fit, 101))
  names(table)[2] <- "time"
  levels <- levels(table$level)
  panels <- sprintf("Group %d (%s)", seq_len(fit$n_groups), percent(fit$shares))
  placed <- function(rows) {
    rows$panel <- factor(panels[rows$group], panels)
    rows$level <- factor(rows$level, rev(levels))
    rows
  }
  colours <- stats::setNames(level_colours(fit$curves, length(levels)), levels)
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(placed(table), ggplot2::aes(.data$time, .data$probability, fill = .data$level)) +
    ggplot2::geom_area(stat = "identity", colour = "white", linewidth = 0.2, outline.type = "upper") +
    ggplot2::facet_wrap("panel", ncol = panel_columns(fit$n_groups)) +
    ggplot2::scale_fill_manual(values = colours, name = NULL, labels = function(x) in_lines(x, 34)) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(if (observed) 0.03 else 0)) +
    ggplot2::scale_y_continuous(expand = c(0, 0)) + ggplot2::coord_cartesian(ylim = c(0, 1), clip = "off") +
    ggplot2::labs(x = in_lines(fit$time_name, 36), y = in_lines(sprintf("probability of %s", fit$outcome_name), 28),
                  caption = if (observed) wrapped_caption(shares_sentence, 90)) +
    theme_figures() + ggplot2::theme(legend.position = "right", panel.spacing = ggplot2::unit(1.2, "lines"),
                                     panel.grid.major.y = ggplot2::element_blank())
  if (!observed) return(picture)
  shares <- placed(shares_drawn(fit))
  marks <- ggplot2::aes(y = .data$upto)
  picture + ggplot2::geom_point(marks, shares, size = 2.6, colour = "white", show.legend = FALSE) +
    ggplot2::geom_point(marks, shares, size = 1.7, shape = 21, stroke = 0.4, colour = "#333333", show.legend = FALSE)
}

shares_sentence <- paste("Points: observed shares weighted by the posterior, added up as the areas are: each is where",
                         "the area of its colour, below it, would end.")

# Of one hue that darkens as the levels rise; of categories without an order the groups' own colours, the reference in
# grey.
level_colours <- function(curves, n) {
  if (has_mean(curves)) return(grDevices::hcl.colors(n + 1, "Blues 3", rev = TRUE)[-1])
  c("#d9d9d9", rep_len(group_colours[-length(group_colours)], n - 1))
}

# Posterior-weighted shares of the levels by group and wave, with their sums up to each level: data frame with `group`,
# `time`, `level`, `share`, `upto`, and the `weight` of the group then.
observed_shares <- function(fit, wave = fit$data$wave) {
  at <- sort(unique(wave))
  index <- match(wave, at)
  time <- as.vector(rowsum(fit$data$time, index)) / tabulate(index)
  p <- fit$posterior[fit$data$subject, , drop = FALSE]
  weight <- rowsum(p, index)
  names <- level_names(fit$curves)
  share <- vapply(fit$curves$codes, function(code) rowsum(p * (fit$data$y == code), index) / weight, weight)
  share_table(time, weight, array(share, c(dim(weight), length(names))), names)
}

# As observed_shares(), from the sums at each wave, of which some may be taken together: `index` (T) says which.
shares_of_sums <- function(fit, index) {
  sums <- fit$sums
  names <- level_names(fit$curves)
  together <- function(x) rowsum(as.matrix(x), index)
  people <- rowSums(sums$mass)
  weight <- together(sums$mass)
  shares <- aperm(array(sums$shares, c(length(names), rev(dim(sums$mass)))), 3:1) # as the document has them: by rows
  parts <- lapply(seq_along(names), function(c) {
    together(ifelse(sums$mass > 0, sums$mass * shares[, , c], 0)) / weight
  })
  share_table(as.vector(together(people * sums$waves) / together(people)), weight,
              array(unlist(parts), c(dim(weight), length(names))), names)
}

# Times (T), weights (T, K) and shares (T, K, S) as a table.
share_table <- function(time, weight, share, names) {
  upto <- aperm(apply(share, 1:2, cumsum), c(2, 3, 1))
  expand <- function(x) rep(as.vector(x), length(names))
  data.frame(group = expand(col(weight)), time = expand(time[row(weight)]),
             level = factor(rep(names, each = length(weight)), names), share = as.vector(share),
             upto = as.vector(upto), weight = expand(weight))
}

# Those that are drawn: where somebody of the group was seen, of each level but the last, which ends at 1.
shares_drawn <- function(fit) {
  wave <- drawn_waves(fit)
  shares <- if (is_on_disk(fit)) shares_of_sums(fit, wave) else observed_shares(fit, wave)
  shares[shares$weight > constants$least_weight & as.integer(shares$level) < nlevels(shares$level), ]
}

# As plot_levels() for what plot() was asked; options of the other figure have no place here.
plot_categories <- function(fit, n, tcov, observed, asked) {
  if (length(setdiff(asked, c("", "x", "n", "tcov", "outcome", "observed")))) refuse_without_mean(fit$curves, "plot")
  draw_categories(fit, n, tcov, check_flag(observed, "observed"))
}

# The picture that plot() makes of categories: a panel per group, the legend above them all, what the points are below.
draw_categories <- function(fit, n, tcov, observed) {
  check_whole(n, "n", 2, sprintf("Give a number of times, for example n = %d.", constants$curve_points))
  times <- fine_times(fit, n)
  table <- level_table(fit, times, data.frame(estimate = in_level_order(
    level_chances(fit$curves, linear_predictors(fit, times, covariate_rows(fit, tcov, length(times))))
  )))
  names <- levels(table$level)
  colours <- level_colours(fit$curves, length(names))
  shares <- if (observed) shares_drawn(fit)
  across <- panel_columns(fit$n_groups)
  rows <- min(max(ceiling(0.1 * sum(nchar(names) + 5) / graphics::par("din")[1]), 1), 5) # of the legend, about
  before <- graphics::par(mfrow = c(ceiling(fit$n_groups / across), across), mar = c(3.6, 3.8, 2, 1),
                          mgp = c(2.3, 0.7, 0), omi = c(if (observed) 0.4 else 0.1, 0, 0.22 * rows + 0.08, 0))
  on.exit(graphics::par(before))
  for (k in seq_len(fit$n_groups)) {
    upto <- apply(matrix(table$estimate[table$group == k], length(names)), 2, cumsum)
    draw_levels(fit, k, times, upto, colours, shares[shares$group == k, ])
  }
  words_and_legend(names, colours, if (observed) shares_sentence)
  invisible(table)
}

# The panel of a group: `upto` (C, T) are its probabilities added up.
draw_levels <- function(fit, k, times, upto, colours, shares) {
  margin <- if (NROW(shares)) 0.03 * max(diff(range(times)), 1e-8) else 0 # in which a point at either end is whole
  draw_frame(list(x = range(times) + c(-margin, margin), y = c(0, 1), xaxs = "i", yaxs = "i", las = 1, bty = "n",
                  xlab = fit$time_name, ylab = sprintf("probability of %s", fit$outcome_name),
                  main = sprintf("Group %d (%s)", k, percent(fit$shares[k]))), NULL)
  for (c in rev(seq_along(colours))) {
    graphics::polygon(c(times, rev(range(times))), c(upto[c, ], 0, 0), col = colours[c], border = NA)
    graphics::lines(times, upto[c, ], col = "white", lwd = 0.5)
  }
  graphics::points(shares$time, shares$upto, pch = 19, cex = 1.5, col = "white", xpd = NA)
  graphics::points(shares$time, shares$upto, pch = 21, cex = 1.1, bg = colours[as.integer(shares$level)],
                   col = "#333333", xpd = NA)
}

# Over the outer margins of all panels: the legend at the top of the page, what has to be said at its foot.
words_and_legend <- function(names, colours, words) {
  room <- graphics::par("omi")[3]
  graphics::par(fig = c(0, 1, 0, 1), oma = rep(0, 4), mar = rep(0, 4), cex = 1, new = TRUE)
  graphics::plot.new()
  graphics::plot.window(0:1, 0:1, xaxs = "i", yaxs = "i")
  key <- list(fill = colours, border = NA)
  one <- legend_above(names, room, key)
  if (!is.null(one)) legend_call(c(one, list(x = 0.5, y = 1, xjust = 0.5, yjust = 1)), key)
  if (length(words)) {
    text <- broken_text(words, 0.96 * graphics::par("fin")[1], 0.7)
    graphics::text(0.02, 0.01, text, adj = c(0, 0), cex = 0.7, col = "#595959", xpd = NA)
  }
}
