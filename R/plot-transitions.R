# The two sets of groups of a dual model: bars of the second's groups given the first's, and the joint table.

least_of_stack <- 0.05 # of a stack, from which a bar has room for its number
dark_share <- 0.6 # of the largest joint share, from which its number is written in white
heat_colours <- c("#F7FBFF", "#08519C")
ink <- "#333333"

#' Plot how the groups of two outcomes go together
#'
#' Bars of the second outcome's groups given each of the first's, which add up to 1, with intervals, and beside them the
#' joint probabilities, see [transitions()]. With ggplot2, `autoplot(fit, type = "transitions")` and
#' `autoplot(fit, type = "joint")` are the two pictures.
#'
#' @param fit a fit of a dual model
#' @inheritParams transitions
#' @param level of the intervals; `NULL` draws none
#' @param stacked bars on top of each other; the interval of each stands at its upper end
#' @param colours one colour per group of the second outcome, recycled; by default those of its curves
#' @return The tables that were drawn, `conditional` and `joint`, in a list, invisibly.
#' @section Errors: `gbtm_no_dual` for a fit with one set of groups.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "dual.json", package = "gbtm"))
#' plot_transitions(fit)
#' @export
plot_transitions <- function(fit, at = NULL, level = 0.95, stacked = FALSE, colours = NULL) {
  check_names()
  fit <- dual_of(fit)
  bars <- conditional_bars(fit, at, level, stacked)
  joint <- transitions(fit, "joint", at)
  before <- graphics::par(c("mar", "mfrow", "xpd"))
  graphics::layout(matrix(1:2, 1), widths = c(1.5, 1))
  on.exit({
    graphics::layout(1)
    graphics::par(before)
  })
  draw_bars(fit, bars, stacked, second_colours(fit, colours), level)
  draw_heat(fit, joint)
  invisible(list(conditional = bars[c("group1", "group2", "estimate", "se", "lower", "upper")], joint = joint))
}

# One per group of the second outcome, as its curves have them.
second_colours <- function(fit, colours) {
  if (is.null(colours)) colours_of_sets(fit, group_colours)[[2]] else rep_len(colours, fit$dual$sizes[2])
}

# The table with where each bar stands: its middle `x`, `from` and `to`, and the ends `low` and `high` of its interval.
conditional_bars <- function(fit, at, level, stacked) {
  check_flag(stacked, "stacked")
  table <- transitions(fit, "conditional", at, if (is.null(level)) 0.95 else level)
  k <- fit$dual$sizes[2]
  below <- if (stacked) stats::ave(table$estimate, table$group1, FUN = function(p) cumsum(p) - p) else 0
  width <- if (stacked) 0.6 else 0.8 / k
  table$x <- table$group1 + if (stacked) 0 else (table$group2 - (k + 1) / 2) * width
  table$half <- 0.46 * width
  table$from <- below
  table$to <- below + table$estimate
  table$low <- below + table$lower
  table$high <- below + table$upper
  hidden <- is.null(level) | is.na(table$se) | (stacked & table$group2 == k) # the last group's is that of the rest
  table[hidden, c("low", "high")] <- NA
  table$label <- percent(table$estimate, 0)
  if (stacked) table$label[table$estimate <= least_of_stack] <- ""
  table$label_at <- if (stacked) table$from + table$estimate / 2 else pmax(table$to, table$high, na.rm = TRUE)
  table
}

draw_bars <- function(fit, bars, stacked, colours, level) {
  names <- outcome_names(fit)
  j <- fit$dual$sizes[1]
  graphics::par(mar = c(4.2, 4, 4.6, 1))
  graphics::plot(NULL, xlim = c(0.5, j + 0.5), ylim = c(0, if (stacked) 1 else 1.1), xaxt = "n", yaxt = "n", bty = "l",
                 xlab = names[1], ylab = "", yaxs = "i")
  graphics::axis(1, seq_len(j), paste("Group", seq_len(j)), tick = FALSE)
  graphics::axis(2, seq(0, 1, 0.25), paste(100 * seq(0, 1, 0.25), "%"), las = 1)
  graphics::rect(bars$x - bars$half, bars$from, bars$x + bars$half, bars$to, col = colours[bars$group2], border = NA)
  drawn <- bars[!is.na(bars$low) & bars$high - bars$low > 1e-3, ]
  if (nrow(drawn)) graphics::arrows(drawn$x, drawn$low, drawn$x, drawn$high, 0.03, 90, 3, col = ink)
  graphics::text(bars$x, bars$label_at, bars$label, pos = if (!stacked) 3, offset = 0.25, cex = 0.8, xpd = NA,
                 col = if (stacked) "white" else ink)
  draw_title(sprintf("%s given %s", names[2], names[1]))
  draw_legend(TRUE, paste(names[2], "group", seq_len(fit$dual$sizes[2])), list(fill = colours, border = NA),
              graphics::par("mai")[3] - 1.6 * margin_line(), bars$x, bars$to)
}

draw_heat <- function(fit, joint) {
  names <- outcome_names(fit)
  sizes <- fit$dual$sizes
  shade <- joint$estimate / max(joint$estimate)
  colours <- grDevices::rgb(grDevices::colorRamp(heat_colours)(shade) / 255)
  graphics::par(mar = c(4.2, 4.6, 4.6, 1))
  graphics::plot(NULL, xlim = c(0.5, sizes[2] + 0.5), ylim = c(sizes[1] + 0.5, 0.5), axes = FALSE, xaxs = "i",
                 yaxs = "i", xlab = names[2], ylab = names[1])
  graphics::rect(joint$group2 - 0.49, joint$group1 - 0.49, joint$group2 + 0.49, joint$group1 + 0.49, col = colours,
                 border = NA)
  graphics::text(joint$group2, joint$group1, percent(joint$estimate, 0), cex = 0.9,
                 col = ifelse(shade > dark_share, "white", ink))
  graphics::axis(1, seq_len(sizes[2]), paste("Group", seq_len(sizes[2])), tick = FALSE, cex.axis = 0.85)
  graphics::axis(2, seq_len(sizes[1]), paste("Group", seq_len(sizes[1])), tick = FALSE, cex.axis = 0.85)
  draw_title("Both together")
}

# -- with ggplot2 ---------------------------------------------------------------------------------------------------

transition_bars <- function(fit, at, level, stacked, colours) {
  fit <- dual_of(fit)
  bars <- conditional_bars(fit, at, level, stacked)
  names <- outcome_names(fit)
  sizes <- fit$dual$sizes
  bars$group2 <- factor(bars$group2, seq_len(sizes[2]), paste("Group", seq_len(sizes[2])))
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(bars) +
    ggplot2::geom_rect(ggplot2::aes(xmin = .data$x - .data$half, xmax = .data$x + .data$half, ymin = .data$from,
                                    ymax = .data$to, fill = .data$group2))
  if (any(!is.na(bars$low))) {
    picture <- picture + ggplot2::geom_errorbar(
      ggplot2::aes(x = .data$x, ymin = .data$low, ymax = .data$high), bars[!is.na(bars$low), ], width = 0.06,
      colour = ink
    )
  }
  picture +
    ggplot2::geom_text(ggplot2::aes(x = .data$x, y = .data$label_at, label = .data$label), size = 2.8,
                       vjust = if (stacked) 0.5 else -0.4, colour = if (stacked) "white" else ink) +
    ggplot2::scale_fill_manual(values = second_colours(fit, colours), drop = FALSE) +
    ggplot2::scale_x_continuous(breaks = seq_len(sizes[1]), labels = paste("Group", seq_len(sizes[1]))) +
    ggplot2::scale_y_continuous(breaks = seq(0, 1, 0.25), labels = paste(100 * seq(0, 1, 0.25), "%"),
                                expand = c(0, 0), limits = c(0, if (stacked) 1.001 else 1.1)) +
    ggplot2::labs(x = names[1], y = NULL, fill = names[2], title = sprintf("%s given %s", names[2], names[1])) +
    theme_figures() + ggplot2::theme(plot.title = ggplot2::element_text(size = 10, face = "bold"))
}

joint_heat <- function(fit, at) {
  fit <- dual_of(fit)
  joint <- transitions(fit, "joint", at)
  names <- outcome_names(fit)
  sizes <- fit$dual$sizes
  joint$dark <- joint$estimate > dark_share * max(joint$estimate)
  .data <- ggplot2::.data
  ggplot2::ggplot(joint, ggplot2::aes(x = .data$group2, y = .data$group1)) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$estimate), width = 0.98, height = 0.98, show.legend = FALSE) +
    ggplot2::geom_text(ggplot2::aes(label = percent(.data$estimate, 0)), colour = ifelse(joint$dark, "white", ink),
                       size = 3.2) +
    ggplot2::scale_fill_gradient(low = heat_colours[1], high = heat_colours[2], limits = c(0, NA)) +
    ggplot2::scale_x_continuous(breaks = seq_len(sizes[2]), labels = paste("Group", seq_len(sizes[2]))) +
    ggplot2::scale_y_reverse(breaks = seq_len(sizes[1]), labels = paste("Group", seq_len(sizes[1]))) +
    ggplot2::labs(x = names[2], y = names[1], title = "Both together") + theme_figures() +
    ggplot2::theme(plot.title = ggplot2::element_text(size = 10, face = "bold"),
                   panel.grid.major.y = ggplot2::element_blank(), axis.line = ggplot2::element_blank(),
                   axis.ticks = ggplot2::element_blank())
}
