# Pictures: what is drawn is computed here once, for base graphics and for ggplot2.

group_symbols <- c(16, 17, 15, 18, 1, 2, 0, 5)

#' Plot the fitted curves
#'
#' Curves with 95 % bands, see [predict.gbtm()], and posterior-weighted observed means as points. With more than 60
#' distinct waves the means are taken over 20 bins of time of equal width. Where less than half a subject's weight
#' stands behind a mean it is not drawn: it would be that of other groups' people. The axis of the outcome is scaled by
#' the data, the observed means and the subjects' lines: a curve or band that goes far beyond them leaves it, and the
#' picture says so. Of categories without an order (`family = "multinomial"`) it is their probabilities, on top of each
#' other in a panel per group, with the observed shares as [plot_levels()] has them, and of what follows `observed`, `n`
#' and `tcov` alone have a place. Where next to nobody of a group was seen its curve is dotted and greyed, see `outside`
#' of [predict.gbtm()].
#'
#' @param x a fit
#' @param level level of the pointwise bands; `NULL` for none
#' @param individuals `TRUE` draws the subjects' own lines behind, coloured by assigned group (300 at most, evenly
#'   chosen)
#' @param observed draw the observed means, of categories the observed shares
#' @param colours one colour per group, of a dual model those of the first outcome and then those of the second, so that
#'   no two groups have one colour; recycled
#' @param legend `TRUE` in the margin above the plot (in a corner of it where there is no such margin), a position such
#'   as `"topleft"`, or `FALSE`
#' @param n number of times at which the curves are drawn
#' @param tcov values of the time-varying covariates at which the curves are drawn, one per covariate; see
#'   [predict.gbtm()]
#' @param ... passed to [graphics::plot.default()]: `xlab`, `ylab`, `main`, `xlim`, `ylim`, `log`, ...; and `lwd`, `lty`
#'   of the curves, `pch`, `cex` of the points, one or one per group. What has no place in the picture is refused
#' @param groups numbers of the groups to draw; by default all. Colours and marks stay those of all groups
#' @param labels names of the groups, one per group of the fit; default `"Group 1"`, ...
#' @param outcome name or number of an outcome of a fit of several; without it each has a panel of its own, a group in
#'   one colour throughout. Of a dual model each panel has its own groups and legend, and `groups` and `labels` are
#'   lists by outcome
#' @param grid `TRUE` draws a row of panels for each group, in the order of `groups`, and a column for each outcome,
#'   with one axis in a column: a group is what its people do in all outcomes (Nagin, Jones, Passos and Tremblay 2018,
#'   *Statistical Methods in Medical Research* 27, 2015-2023)
#' @return The table of curves that were drawn, see [predict.gbtm()], invisibly.
#' @section Errors: `gbtm_unknown_group`; `gbtm_bad_labels`; `gbtm_bad_log` for a logarithmic axis of which the data
#'   have nothing above zero; `gbtm_unknown_argument`; `gbtm_bad_legend` where a grid is to have one, and
#'   `gbtm_two_group_sets` for a grid of a dual model.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' plot(fit)
#' plot(fit, individuals = TRUE, main = "Offences", ylim = c(0, 8))
#' plot(fit, groups = c(1, 3), labels = c("few", "rising", "many"), lwd = 3)
#' @export
plot.gbtm <- function(x, level = 0.95, individuals = FALSE, observed = TRUE, colours = group_colours, legend = TRUE,
                      n = 201, tcov = NULL, ..., groups = NULL, labels = NULL, outcome = NULL, grid = FALSE) {
  check_dots(..., known = plot_settings)
  if (!is.null(outcome)) {
    chosen <- chosen_outcome(x, outcome, colours, own = missing(colours))
    x <- chosen$fit
    colours <- chosen$colours
  }
  if (is_several(x)) refuse_categories_among(x, "plot")
  if (check_flag(grid, "grid")) {
    if (!missing(legend) && !isFALSE(legend)) {
      stop_gbtm("bad_legend", "legend: has no place in a grid, whose rows are named.", "legend",
                "Leave it out; labels = has the names.")
    }
    return(plot_grid(x, level, individuals, observed, colours, n, tcov, ..., groups = groups, labels = labels))
  }
  if (is_dual(x)) {
    return(plot_both_sets(x, level, individuals, observed, colours, legend, n, tcov, ..., groups = groups,
                          labels = labels))
  }
  if (is_several(x)) {
    return(in_panels(outcome_views(x), legend, function(view, legend) {
      plot(view, level, individuals, observed, colours, legend, n, tcov, ..., groups = groups, labels = labels)
    }))
  }
  if (!has_mean(x$curves)) return(plot_categories(x, n, tcov, observed, names(match.call())))
  curves <- drawn_curves(x, check_band_level(level), n, tcov)
  draw_curves(x, curves, level, individuals, observed, colours, legend, ..., groups = groups, labels = labels,
              words = profile_sentence(x, tcov))
}

# The panels of a dual model, whose outcomes have groups of their own.
plot_both_sets <- function(x, level, individuals, observed, colours, legend, n, tcov, ..., groups, labels) {
  names <- outcome_names(x)
  groups <- of_each_outcome(groups, "groups", names)
  labels <- of_each_outcome(labels, "labels", names)
  colours <- colours_of_sets(x, colours)
  in_panels(outcome_views(x), legend, each = TRUE, draw = function(view, legend) {
    name <- view$outcome_name
    plot(view, level, individuals, observed, colours[[name]], legend, n, tcov, ..., groups = groups[[name]],
         labels = labels[[name]])
  })
}

# One outcome of a fit, and the colours of its groups: `own` ones of a dual model where the user gave none.
chosen_outcome <- function(fit, outcome, colours, own) {
  of <- of_outcome(fit, outcome)
  if (is_dual(fit) && own) colours <- colours_of_sets(fit, colours)[[of$outcome_name]]
  list(fit = of, colours = colours)
}

# A panel for each outcome, up to three side by side; what the legend of the first says holds for all, unless `each` has
# groups of its own. `draw` returns the table of what it drew.
in_panels <- function(views, legend, draw, each = FALSE) {
  across <- min(length(views), 3)
  before <- graphics::par(mfrow = c(ceiling(length(views) / across), across))
  on.exit(graphics::par(before))
  drawn <- lapply(seq_along(views), function(m) draw(views[[m]], if (m == 1 || each) legend else FALSE))
  invisible(below_each_other(stats::setNames(drawn, names(views))))
}

# The picture that plot.gbtm() makes, of these curves.
draw_curves <- function(x, curves, level, individuals = FALSE, observed = TRUE, colours = group_colours, legend = TRUE,
                        ..., groups = NULL, labels = NULL, words = profile_sentence(x)) {
  groups <- check_drawn_groups(groups, x$n_groups)
  dots <- Filter(Negate(is.null), list(...))
  look <- group_look(dots, colours, x$n_groups)
  lines <- if (check_flag(individuals, "individuals")) drawn_lines(x, groups)
  curves <- curves[curves$group %in% groups, ]
  means <- binned_means(x)
  means <- means[means$group %in% groups, ]
  log <- check_log(dots$log, x, groups)
  limits <- drawn_range(x, curves, means, level, lines$y, grepl("y", log))
  frame <- list(x = range(seen_times(x)), y = limits, xlab = x$time_name, ylab = outcome_label(x), las = 1)
  settings <- utils::modifyList(frame, dots[setdiff(names(dots), c("lwd", "lty", "pch", "cex"))])
  settings$ylim <- if (is.null(dots$ylim)) limits else dots$ylim
  words <- c(words, unseen_words(curves), axis_sentences(curves, means, settings$ylim, grepl("y", log)))
  room <- draw_frame(settings, words)
  if (length(lines)) draw_individuals(lines, look$colour)
  for (k in groups) {
    here <- curves[curves$group == k, ]
    draw_curve(here, look$colour[k], look$lwd[k], look$lty[k], !is.null(level))
  }
  if (check_flag(observed, "observed")) {
    graphics::points(means$time, means$mean, col = look$colour[means$group], pch = look$pch[means$group],
                     cex = look$cex[means$group])
  }
  key <- list(col = look$colour[groups], lwd = look$lwd[groups], lty = look$lty[groups])
  if (observed) key <- c(key, list(pch = look$pch[groups], pt.cex = look$cex[groups]))
  draw_legend(legend, legend_labels(x, labels)[groups], key, room, c(curves$time, means$time),
              c(curves$estimate, means$mean))
  invisible(curves)
}

# Curve and band of a group, greyed and dotted where it was not seen.
draw_curve <- function(curve, colour, lwd, lty, banded) {
  part <- seen_parts(curve)
  for (name in names(Filter(Negate(is.null), part))) {
    shade <- if (name == "seen") colour else greyed(colour)
    for (piece in pieces_of(curve, part[[name]])) {
      if (banded) draw_band(piece, shade, from_usr(2, 0))
      graphics::lines(piece$time, piece$estimate, col = shade, lwd = lwd, lty = if (name == "seen") lty else "23")
    }
  }
}

# Colour, line and mark of each group.
group_look <- function(dots, colours, n) {
  each <- function(value, default) rep_len(if (is.null(value)) default else value, n)
  list(colour = each(colours, group_colours), lwd = each(dots$lwd, 2), lty = each(dots$lty, 1),
       pch = each(dots$pch, group_symbols), cex = each(dots$cex, 1))
}

# Axes, titles and what is said below; how many inches above the plot remain for the legend.
draw_frame <- function(settings, words) {
  titled <- !isFALSE(settings$ann)
  both <- length(settings$sub) && titled
  if (both) settings$sub <- paste(c(settings$sub, words), collapse = ". ")
  bare <- utils::modifyList(settings, list(xlab = "", ylab = "", main = "", type = "n"))
  do.call(graphics::plot, bare)
  if (!titled) return(graphics::par("mai")[3])
  draw_axis_names(settings$xlab, settings$ylab, settings)
  if (!both) draw_words(words)
  draw_title(settings$main, settings)
}

check_drawn_groups <- function(groups, n) {
  if (is.null(groups)) return(seq_len(n))
  if (!is.numeric(groups) || !length(groups) || !all(groups %in% seq_len(n)) || anyDuplicated(groups)) {
    stop_gbtm("unknown_group", sprintf("groups: %s are not groups of this fit, each named once.", shown(groups)),
              "groups", sprintf("Give some of %s, or leave groups out.", listing(seq_len(n), 20)))
  }
  as.integer(groups)
}

# The logarithmic axes asked for. One on which nothing has a place is refused.
check_log <- function(log, fit, groups) {
  if (is.null(log)) return("")
  if (!is.character(log) || length(log) != 1 || !log %in% c("", "x", "y", "xy", "yx")) {
    stop_gbtm("bad_log", sprintf("log: %s names no axes.", shown(log)), "log", "Give \"y\", \"x\" or \"xy\".")
  }
  if (grepl("x", log) && any(seen_times(fit) <= 0)) {
    stop_gbtm("bad_log", sprintf("log: there are times at or below zero (%s).", format(min(seen_times(fit)))), "log",
              "Leave \"x\" out.")
  }
  means <- binned_means(fit)
  if (grepl("y", log) && !any(means$mean[means$group %in% groups] > 0)) {
    stop_gbtm("bad_log", "log: no mean of the outcome is above zero.", "log", "Leave \"y\" out.")
  }
  log
}

# Where the curves are drawn, if there are covariates that vary with time.
profile_sentence <- function(fit, tcov = NULL) {
  covariates <- fit$curves$covariates
  if (is.null(covariates)) return(NULL)
  at <- if (is.null(tcov)) profile_words(fit)
  if (identical(at, "")) return(NULL)
  if (is.null(tcov)) return(sprintf("Curves at %s.", at))
  sprintf("Curves at %s.", given_words(covariates$names, tcov))
}

given_words <- function(names, tcov) {
  names <- as.character(names)
  if (is.null(dim(tcov)) && length(tcov) == length(names) && is.null(names(tcov))) {
    return(paste(names, "=", format(as.double(tcov), digits = 4, trim = TRUE), collapse = ", "))
  }
  if (is.null(dim(tcov)) && length(tcov) == length(names)) {
    return(paste(names, "=", format(as.double(tcov[names]), digits = 4, trim = TRUE), collapse = ", "))
  }
  sprintf("the values of %s that were given", paste(names, collapse = ", "))
}

# What the axis does not show of curves and means.
axis_sentences <- function(curves, means, limits, log) {
  beyond <- any(curves$estimate < min(limits) | curves$estimate > max(limits))
  zeros <- log && any(means$mean <= 0)
  c(if (beyond) "A curve leaves the axis, which is scaled by the data.",
    if (zeros) "Means of zero have no place on the logarithmic axis.")
}

# Without a level, the band that would be drawn is there all the same.
drawn_curves <- function(fit, level, n = constants$curve_points, tcov = NULL) {
  refuse_without_mean(fit$curves, "plot")
  check_whole(n, "n", 2, sprintf("Give a number of times, for example n = %d.", constants$curve_points))
  at <- fine_times(fit, n)
  w <- covariate_rows(fit, tcov, length(at))
  table <- curve_table(fit, at, if (is.null(level)) constants$level else level, w)
  names(table)[2] <- "time"
  with_outside(fit, table)
}

# So many times between the first and the last that was observed; those themselves where the curve is known only there.
fine_times <- function(fit, n) {
  seen <- sort(unique(seen_times(fit)))
  if (can_interpolate(fit)) seq(seen[1], seen[length(seen)], length.out = n) else seen
}

# A basis read from a file is known at the observed times only, but of terms that R makes too.
can_interpolate <- function(fit) {
  !is.null(fit$terms) || all(vapply(fit$curves$bases, function(b) {
    b$kind %in% c("polynomial", "network") || !is.null(stored_columns(b$design, 0))
  }, NA))
}

binned_means <- function(fit) {
  wave <- drawn_waves(fit)
  means <- if (is_on_disk(fit)) means_of_sums(fit, wave) else observed_means(fit, wave)
  means[means$weight > constants$least_weight, ]
}

# The wave of each observation, or of each wave of people on disk: bins of time where there are many.
drawn_waves <- function(fit) {
  on_disk <- is_on_disk(fit)
  wave <- if (on_disk) seq_along(fit$sums$waves) else fit$data$wave
  if (length(unique(wave)) <= constants$waves_most) return(wave)
  time <- if (on_disk) fit$sums$waves else fit$data$time
  edges <- seq(min(time), max(time), length.out = constants$bins + 1)
  findInterval(time, edges, rightmost.closed = TRUE)
}

# The observed means and the subjects' lines `y` always fit; a curve or band goes no further beyond them than half their
# height. On a logarithmic axis what is not above zero has no place.
drawn_range <- function(fit, curves, means, level, y = NULL, log = FALSE) {
  on_axis <- function(values) {
    values <- values[is.finite(values) & (!log | values > 0)]
    if (log) base::log(values) else values
  }
  core <- on_axis(c(means$mean, y))
  if (!length(core)) core <- on_axis(curves$estimate)
  core <- range(core)
  spread <- if (log) 0 else outcome_spread(fit)
  room <- constants$band_room * max(diff(core), spread, 1e-8)
  shown <- on_axis(c(curves$estimate, if (!is.null(level)) c(curves$lower, curves$upper)))
  limits <- range(core, pmin(pmax(shown, core[1] - room), core[2] + room))
  if (log) exp(limits) else limits
}

# A band with gaps where the data do not determine it; on a logarithmic axis it ends at the axis's foot.
draw_band <- function(curve, colour, foot) {
  known <- !is.na(curve$lower)
  run <- cumsum(c(TRUE, diff(known) != 0))
  lower <- if (graphics::par("ylog")) pmax(curve$lower, foot) else curve$lower
  upper <- if (graphics::par("ylog")) pmax(curve$upper, foot) else curve$upper
  for (piece in split(which(known), run[known])) {
    graphics::polygon(c(curve$time[piece], rev(curve$time[piece])), c(lower[piece], rev(upper[piece])),
                      col = grDevices::adjustcolor(colour, 0.2), border = NA)
  }
}

# Observations of the subjects whose lines are drawn, with the group that each is assigned to.
drawn_lines <- function(fit, groups) {
  group <- unname(assignment(fit))
  chosen <- chosen_subjects(fit)
  rows <- fit$data[fit$data$subject %in% chosen[group[chosen] %in% groups], ]
  rows$group <- group[rows$subject]
  one_a_time(rows)
}

# One line with gaps for all subjects of a group: fast for many subjects.
draw_individuals <- function(lines, colours) {
  faint <- max(0.12, min(0.4, 40 / length(unique(lines$subject))))
  for (k in unique(lines$group)) {
    path <- broken_path(lines[lines$group == k, ])
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
