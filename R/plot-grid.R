# Groups by outcomes: a row of panels for each group, a column for each outcome, so that a group is read across.

# As plot.gbtm(); panels of an outcome have one axis. The names of the rows stand in place of a legend.
plot_grid <- function(x, level, individuals, observed, colours, n, tcov, ..., groups, labels) {
  refuse_grid_of_two_sets(x)
  chosen <- check_drawn_groups(groups, x$n_groups)
  labels <- legend_labels(x, labels)
  views <- outcome_views(x)
  asked <- list(...)
  before <- graphics::par(mfcol = c(length(chosen), length(views)), mar = c(3.4, 3.6, 1.8, 0.6), mgp = c(1.8, 0.6, 0))
  on.exit(graphics::par(before))
  drawn <- lapply(stats::setNames(nm = names(views)), function(name) {
    view <- views[[name]]
    curves <- drawn_curves(view, check_band_level(level), n, tcov)
    curves <- curves[curves$group %in% chosen, ]
    limits <- limits_of_groups(view, curves, level, individuals, asked$log, chosen)
    for (g in chosen) {
      own <- list(ylim = limits, main = if (g == chosen[1]) outcome_label(view) else "",
                  xlab = if (g == chosen[length(chosen)]) view$time_name else "",
                  ylab = if (name == names(views)[1]) labels[g] else "")
      do.call(draw_curves, c(list(view, curves, level, individuals, observed, colours, FALSE, groups = g,
                                  words = if (g == chosen[length(chosen)]) profile_sentence(view, tcov)),
                             utils::modifyList(own, asked)))
    }
    curves
  })
  invisible(if (is_several(x)) below_each_other(drawn) else drawn[[1]])
}

limits_of_groups <- function(view, curves, level, individuals, log, groups) {
  means <- binned_means(view)
  lines <- if (check_flag(individuals, "individuals")) drawn_lines(view, groups)
  drawn_range(view, curves, means[means$group %in% groups, ], level, lines$y,
              grepl("y", check_log(log, view, groups)))
}

refuse_grid_of_two_sets <- function(fit) {
  if (!is_dual(fit)) return(invisible())
  names <- outcome_names(fit)
  stop_gbtm("two_group_sets", sprintf("grid: %s and %s have groups of their own, so that no row is of both.", names[1],
                                      names[2]), "grid", "Leave out grid, or name one outcome.")
}
