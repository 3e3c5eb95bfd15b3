# Love plot: standardised mean differences before and after weighting, a panel a group and one of all.

panels_across <- 4 # at most, side by side

#' @rdname balance_table
#' @export
plot.gbtm_balance <- function(x, colours = group_colours, main = "", ...) {
  check_dots(...)
  panels <- balance_panels(x, colours)
  names <- unique(x$covariate)
  across <- min(length(panels), panels_across)
  before <- graphics::par(c("mfrow", "mar", "oma", "mgp"))
  on.exit(graphics::par(before))
  graphics::par(mfrow = c(ceiling(length(panels) / across), across), mgp = c(1.8, 0.5, 0))
  small <- 0.8 # of the letters of names and titles
  room <- max(graphics::strwidth(names, "inches", cex = small)) / margin_line()
  graphics::par(mar = c(2.2, 0.6, 2.2, 0.6), oma = c(2.6, min(room, 14) + 0.6, if (nzchar(main)) 3.2 else 2, 0.4))
  limits <- smd_limits(x)
  for (k in seq_along(panels)) {
    draw_balance_panel(panels[[k]], names, limits, k %% across == 1 || across == 1, small)
  }
  graphics::mtext(smd_words(x), 1, 1, outer = TRUE, cex = 0.8)
  if (nzchar(main)) graphics::mtext(main, 3, 1.6, outer = TRUE, font = 2)
  draw_before_after(any(!is.na(x$smd) & x$smd != x$smd_before))
  invisible(x)
}

draw_balance_panel <- function(panel, names, limits, named, small) {
  rows <- panel$rows[match(names, panel$rows$covariate), ]
  at <- seq_along(names)
  most <- constants$balance_most
  graphics::plot(NULL, xlim = limits, ylim = c(length(names) + 0.5, 0.5), yaxt = "n", xlab = "", ylab = "", bty = "l",
                 cex.axis = small)
  usr <- graphics::par("usr")
  graphics::rect(-most, usr[3], most, usr[4], col = "#EEEEEE", border = NA)
  graphics::abline(v = 0, col = "#999999")
  graphics::box(bty = "l")
  graphics::mtext(panel$title, 3, 0.3, cex = 0.7 * graphics::par("cex") / 0.83, adj = 0)
  if (named) graphics::axis(2, at, names, las = 1, tick = FALSE, cex.axis = small)
  if (all(is.na(rows$smd))) {
    graphics::text(mean(usr[1:2]), mean(usr[3:4]), "nobody to compare", col = "#595959", cex = small)
    return(invisible())
  }
  graphics::segments(at_edge(rows$smd_before), at, at_edge(rows$smd), at, col = "#999999")
  graphics::points(at_edge(rows$smd_before), at, pch = panel$open, col = panel$colour, bg = "white", cex = 1.1)
  graphics::points(at_edge(rows$smd), at, pch = panel$open, col = panel$colour, bg = panel$colour, cex = 1.1)
  far <- far_balance(rows)
  if (nrow(far)) {
    graphics::text(at_edge(far$side * Inf), far$row, far$words, cex = 0.9 * small, pos = ifelse(far$side > 0, 2, 4),
                   col = "#595959")
  }
}

at_edge <- function(smd) pmax(pmin(smd, constants$balance_shown), -constants$balance_shown)

# Row, side (1 or -1) and words of what lies beyond the edge: its value, before and after where these differ.
far_balance <- function(rows) {
  found <- expand.grid(row = seq_len(nrow(rows)), side = c(1, -1))
  found$words <- mapply(function(row, side) {
    values <- c(rows$smd_before[row], rows$smd[row])
    paste(unique(sprintf("%.1f", values[which(side * values > constants$balance_shown)])), collapse = ", ")
  }, found$row, found$side)
  found[nzchar(found$words), ]
}

smd_limits <- function(x) range(at_edge(c(x$smd, x$smd_before)), c(-1, 1) * constants$balance_most, na.rm = TRUE)

# What the axis is called.
smd_words <- function(x) {
  paste0("Standardised mean difference",
         if (any(abs(c(x$smd, x$smd_before)) > constants$balance_shown, na.rm = TRUE)) {
           sprintf(" (beyond %g at the edge, with its value)", constants$balance_shown)
         })
}

# What hollow and full marks are, in the outer margin above.
draw_before_after <- function(weighted) {
  words <- if (weighted) c("before weighting", "after") else "without weights"
  graphics::par(fig = c(0, 1, 0, 1), oma = rep(0, 4), mar = rep(0, 4), new = TRUE)
  graphics::plot(NULL, xlim = 0:1, ylim = 0:1, axes = FALSE, xlab = "", ylab = "")
  graphics::legend("topright", words, pch = 21, pt.bg = if (weighted) c("white", "black") else "black", bty = "n",
                   horiz = TRUE, cex = 0.8)
}

#' @rdname balance_table
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_balance <- function(object, colours = group_colours, ...) { # nolint
  check_dots(...)
  panels <- balance_panels(object, colours)
  titles <- vapply(panels, `[[`, "", "title")
  table <- do.call(rbind, lapply(panels, function(panel) cbind(panel$rows, panel = panel$title)))
  table$panel <- factor(table$panel, titles)
  table$at <- factor(table$covariate, rev(unique(object$covariate)))
  known <- table[!is.na(table$smd), ]
  marks <- do.call(rbind, lapply(c("before weighting", "after"), function(when) {
    smd <- if (when == "after") known$smd else known$smd_before
    cbind(known[c("panel", "at")], smd = smd, when = rep(when, nrow(known)))
  }))
  far <- far_balance(known)
  far <- cbind(known[far$row, c("panel", "at")], far)
  marks$when <- factor(marks$when, c("before weighting", "after"))
  marks$fill <- ifelse(marks$when == "after", as.character(marks$panel), "none")
  nobody <- table[!duplicated(table$panel) & !table$panel %in% known$panel, ]
  colour <- stats::setNames(vapply(panels, `[[`, "", "colour"), titles)
  open <- stats::setNames(vapply(panels, `[[`, 0, "open"), titles)
  most <- constants$balance_most
  .data <- ggplot2::.data
  ggplot2::ggplot(table, ggplot2::aes(y = .data$at)) +
    ggplot2::annotate("rect", xmin = -most, xmax = most, ymin = -Inf, ymax = Inf, fill = "#EEEEEE") +
    ggplot2::geom_vline(xintercept = 0, colour = "#999999", linewidth = 0.3) +
    ggplot2::geom_segment(ggplot2::aes(x = at_edge(.data$smd_before), xend = at_edge(.data$smd), yend = .data$at),
                          known, colour = "#999999", linewidth = 0.3) +
    ggplot2::geom_point(ggplot2::aes(x = at_edge(.data$smd), colour = .data$panel, fill = .data$fill,
                                     shape = .data$panel, alpha = .data$when), marks, size = 2) +
    (if (nrow(far)) {
      ggplot2::geom_text(ggplot2::aes(x = at_edge(.data$side * Inf), label = .data$words,
                                      hjust = ifelse(.data$side > 0, 1.3, -0.3)), far, colour = "#595959", size = 2.5)
    }) +
    (if (nrow(nobody)) { # a layer of no rows cannot be drawn
      ggplot2::geom_text(ggplot2::aes(x = mean(smd_limits(object))), nobody, label = "nobody to compare",
                         colour = "#595959", size = 2.8, y = (nlevels(table$at) + 1) / 2)
    }) +
    ggplot2::facet_wrap(~panel, ncol = min(length(panels), panels_across), drop = FALSE) +
    ggplot2::scale_colour_manual(values = colour, guide = "none", drop = FALSE) +
    ggplot2::scale_fill_manual(values = c(colour, none = "white"), guide = "none", drop = FALSE) +
    ggplot2::scale_shape_manual(values = open, guide = "none", drop = FALSE) +
    ggplot2::scale_alpha_manual(values = c(1, 1), drop = FALSE, guide = ggplot2::guide_legend(
      override.aes = list(shape = 21, fill = c("white", "black")))) +
    ggplot2::labs(x = smd_words(object), y = NULL, alpha = NULL) + theme_figures() +
    ggplot2::theme(panel.spacing.x = ggplot2::unit(12, "pt"))
}

# Panel by panel the rows, the title, the colour and the mark.
balance_panels <- function(x, colours) {
  if (!is_whole_balance(x)) {
    stop_gbtm("no_balance", "x: columns of the table of balance are missing.", "x",
              "Give what balance_table() returned.", sys.call(-1))
  }
  groups <- unique(x[[1]])
  colours <- rep_len(colours, length(groups))
  symbols <- rep_len(c(21, 24, 22, 23, 25), length(groups))
  lapply(seq_along(groups), function(k) {
    rows <- as.data.frame(x)[x[[1]] == groups[k], ]
    list(rows = rows, title = group_heading(rows, names(x)[1], groups[k]), open = symbols[k],
         colour = if (groups[k] == "all") "black" else colours[k])
  })
}
