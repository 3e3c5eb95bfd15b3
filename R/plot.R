# Pictures: what is drawn is computed here once, for base graphics and for ggplot2.

group_symbols <- c(16, 17, 15, 18, 1, 2, 0, 5)

#' Plot the fitted curves
#'
#' Curves with 95 % bands on the outcome's scale, and posterior-weighted observed means as points. With more than 60
#' distinct waves the means are taken over 20 bins of time of equal width. Where less than half a subject's weight
#' stands behind a mean it is not drawn: it would be that of other groups' people.
#'
#' @param x a fit
#' @param level level of the pointwise bands; `NULL` for none
#' @param individuals `TRUE` draws the subjects' own lines behind, coloured by assigned group (300 at most, evenly
#'   chosen)
#' @param observed draw the observed means
#' @param colours one colour per group; recycled
#' @param legend `TRUE` above the plot, a position such as `"topleft"`, or `FALSE`
#' @param n number of times at which the curves are drawn
#' @param tcov values of the time-varying covariates at which the curves are drawn, one per covariate; see
#'   [predict.gbtm()]
#' @param ... passed to [graphics::plot.default()]: `xlab`, `ylab`, `main`, `ylim`, ...
#' @return The table of curves, see [predict.gbtm()], invisibly.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' plot(fit)
#' plot(fit, individuals = TRUE, main = "Offences", ylim = c(0, 8))
#' @export
plot.gbtm <- function(x, level = 0.95, individuals = FALSE, observed = TRUE, colours = group_colours, legend = TRUE,
                      n = 201, tcov = NULL, ...) {
  check_dots(..., known = plot_settings)
  curves <- drawn_curves(x, check_band_level(level), n, tcov)
  draw_curves(x, curves, level, individuals, observed, colours, legend, ...)
}

# The picture that plot.gbtm() makes, of these curves.
draw_curves <- function(x, curves, level, individuals = FALSE, observed = TRUE, colours = group_colours, legend = TRUE,
                        ...) {
  colours <- rep_len(colours, x$n_groups)
  symbols <- rep_len(group_symbols, x$n_groups)
  means <- binned_means(x)
  frame <- list(
    x = range(x$data$time), y = drawn_range(x, curves, means, level, individuals), xlab = x$time_name,
    ylab = x$outcome_name, type = "n", las = 1
  )
  do.call(graphics::plot, utils::modifyList(frame, list(...)))
  if (check_flag(individuals, "individuals")) draw_individuals(x, colours)
  for (k in seq_len(x$n_groups)) {
    here <- curves[curves$group == k, ]
    if (!is.null(level)) draw_band(here, colours[k])
    graphics::lines(here$time, here$estimate, col = colours[k], lwd = 2)
  }
  if (check_flag(observed, "observed")) {
    graphics::points(means$time, means$mean, col = colours[means$group], pch = symbols[means$group])
  }
  draw_legend(legend, legend_labels(x), colours, if (observed) symbols)
  invisible(curves)
}

# Without a level, the band that would be drawn is there all the same.
drawn_curves <- function(fit, level, n = constants$curve_points, tcov = NULL) {
  check_whole(n, "n", 2, sprintf("Give a number of times, for example n = %d.", constants$curve_points))
  at <- if (can_interpolate(fit)) {
    seq(min(fit$data$time), max(fit$data$time), length.out = n)
  } else {
    sort(unique(fit$data$time))
  }
  w <- covariate_rows(fit, tcov, length(at))
  table <- curve_table(fit, at, if (is.null(level)) constants$level else level, w)
  names(table)[2] <- "time"
  table
}

# A basis read from a file is known at the observed times only.
can_interpolate <- function(fit) {
  !is.null(fit$terms) || all(vapply(fit$curves$bases, function(b) b$kind == "polynomial", NA))
}

binned_means <- function(fit) {
  wave <- fit$data$wave
  if (length(unique(wave)) > constants$waves_most) {
    edges <- seq(min(fit$data$time), max(fit$data$time), length.out = constants$bins + 1)
    wave <- findInterval(fit$data$time, edges, rightmost.closed = TRUE)
  }
  means <- observed_means(fit, wave)
  means[means$weight > constants$least_weight, ]
}

# Curves and points always fit; a band that explodes is cut at half their height beyond them.
drawn_range <- function(fit, curves, means, level, individuals) {
  core <- range(curves$estimate, means$mean, finite = TRUE)
  room <- constants$band_room * max(diff(core), 1e-8)
  shown <- core
  if (!is.null(level)) {
    shown[1] <- max(min(core[1], curves$lower, na.rm = TRUE), core[1] - room)
    shown[2] <- min(max(core[2], curves$upper, na.rm = TRUE), core[2] + room)
  }
  if (isTRUE(individuals)) range(shown, fit$data$y) else shown
}

# A band with gaps where the data do not determine it.
draw_band <- function(curve, colour) {
  known <- !is.na(curve$lower)
  run <- cumsum(c(TRUE, diff(known) != 0))
  for (piece in split(curve[known, ], run[known])) {
    graphics::polygon(c(piece$time, rev(piece$time)), c(piece$lower, rev(piece$upper)),
                      col = grDevices::adjustcolor(colour, 0.2), border = NA)
  }
}

# One line with gaps for all subjects of a group: fast for many subjects.
draw_individuals <- function(fit, colours) {
  chosen <- chosen_subjects(fit)
  group <- assignment(fit)
  faint <- max(0.12, min(0.4, 40 / length(chosen)))
  for (k in seq_len(fit$n_groups)) {
    rows <- fit$data[fit$data$subject %in% chosen[group[chosen] == k], ]
    if (!nrow(rows)) next
    path <- broken_path(rows)
    graphics::lines(path$x, path$y, col = grDevices::adjustcolor(colours[k], faint), lwd = 0.7)
  }
}

# One path through all rows, with a gap after each subject.
broken_path <- function(rows) {
  place <- seq_len(nrow(rows)) + cumsum(c(0, diff(rows$subject) != 0))
  x <- y <- rep(NA_real_, max(place))
  x[place] <- rows$time
  y[place] <- rows$y
  list(x = x, y = y)
}

chosen_subjects <- function(fit) evenly(seq_len(fit$n_subjects), constants$individuals_most)

legend_labels <- function(fit) sprintf("Group %d (%s)", seq_len(fit$n_groups), percent(fit$shares))

draw_legend <- function(where, labels, colours, symbols) {
  if (isFALSE(where)) return(invisible())
  arguments <- list(
    x = where, legend = labels, col = colours, lwd = 2, bty = "n", title = NULL, seg.len = 1.5
  )
  if (!is.null(symbols)) arguments$pch <- symbols
  if (isTRUE(where)) {
    usr <- graphics::par("usr")
    arguments <- utils::modifyList(arguments, list(x = mean(usr[1:2]), y = usr[4], xjust = 0.5, yjust = 0, xpd = NA,
                                              legend = paste0(labels, "  ")))
    size <- function(columns) {
      drawn <- do.call(graphics::legend, c(arguments, list(ncol = columns, plot = FALSE)))
      drawn$rect$w / diff(usr[1:2])
    }
    columns <- length(labels)
    while (columns > 1 && size(columns) > 1.05) columns <- columns - 1
    arguments$ncol <- columns
  }
  do.call(graphics::legend, arguments)
}
