#' Plot the fitted curves with ggplot2
#'
#' The same picture as [plot.gbtm()], as a ggplot object to which layers, scales and themes can be added.
#'
#' @param object a fit
#' @inheritParams plot.gbtm
#' @param ... nothing: an argument that does not exist is refused
#' @return A ggplot object.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' ggplot2::autoplot(fit)
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm <- function(object, level = 0.95, individuals = FALSE, observed = TRUE, colours = group_colours, n = 201,
                          tcov = NULL, ...) {
  check_dots(...)
  labels <- legend_labels(object)
  named <- function(table) {
    table$group <- factor(table$group, seq_along(labels), labels)
    table
  }
  curves <- named(drawn_curves(object, check_band_level(level), n, tcov))
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$time, colour = .data$group, fill = .data$group))
  if (check_flag(individuals, "individuals")) {
    lines <- object$data[object$data$subject %in% chosen_subjects(object), ]
    lines$group <- assignment(object)[lines$subject]
    picture <- picture + ggplot2::geom_line(
      ggplot2::aes(y = .data$y, group = .data$subject), named(lines), alpha = 0.15, linewidth = 0.3
    )
  }
  if (!is.null(level)) {
    picture <- picture + ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper),
                                              with_band(curves, "group"), alpha = 0.2, colour = NA, na.rm = TRUE)
  }
  picture <- picture + ggplot2::geom_line(ggplot2::aes(y = .data$estimate), linewidth = 0.9)
  if (check_flag(observed, "observed")) {
    picture <- picture + ggplot2::geom_point(ggplot2::aes(y = .data$mean), named(binned_means(object)))
  }
  colours <- stats::setNames(rep_len(colours, length(labels)), labels)
  limits <- drawn_range(object, curves, binned_means(object), level, individuals)
  picture + ggplot2::scale_colour_manual(values = colours) + ggplot2::scale_fill_manual(values = colours) +
    ggplot2::labs(x = object$time_name, y = object$outcome_name, colour = NULL, fill = NULL) +
    ggplot2::coord_cartesian(ylim = limits)
}
