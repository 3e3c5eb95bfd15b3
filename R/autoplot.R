#' Plot the fitted curves with ggplot2
#'
#' The same picture as [plot.gbtm()], as a ggplot object to which layers, scales and themes can be added.
#'
#' @param object a fit
#' @inheritParams plot.gbtm
#' @param ... nothing: an argument that does not exist is refused
#' @return A ggplot object, with the colours, marks and theme of the package's figures.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' ggplot2::autoplot(fit)
#' ggplot2::autoplot(fit, groups = c(1, 3), level = NULL)
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm <- function(object, level = 0.95, individuals = FALSE, observed = TRUE, colours = group_colours, n = 201,
                          tcov = NULL, ..., groups = NULL, labels = NULL) {
  check_dots(...)
  names <- in_lines(legend_labels(object, labels), 34)
  groups <- check_drawn_groups(groups, object$n_groups)
  named <- function(table) {
    table <- table[table$group %in% groups, ]
    table$group <- factor(table$group, groups, names[groups])
    table
  }
  curves <- named(drawn_curves(object, check_band_level(level), n, tcov))
  means <- named(binned_means(object))
  lines <- if (check_flag(individuals, "individuals")) named(drawn_lines(object, groups))
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$time, colour = .data$group, fill = .data$group))
  if (length(lines)) {
    picture <- picture + ggplot2::geom_line(ggplot2::aes(y = .data$y, group = .data$subject), lines, alpha = 0.15,
                                            linewidth = 0.3, show.legend = FALSE)
  }
  if (!is.null(level)) {
    picture <- picture + ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper),
                                              with_band(curves, "group"), alpha = 0.2, colour = NA, na.rm = TRUE)
  }
  picture <- picture + ggplot2::geom_line(ggplot2::aes(y = .data$estimate), linewidth = 0.9)
  if (check_flag(observed, "observed")) {
    picture <- picture + ggplot2::geom_point(ggplot2::aes(y = .data$mean, shape = .data$group), means, size = 1.8)
  }
  limits <- drawn_range(object, curves, means, level, lines$y)
  look <- group_look(list(), colours, object$n_groups)
  said <- c(profile_sentence(object, tcov), axis_sentences(curves, means, limits, FALSE))
  picture +
    ggplot2::scale_colour_manual(values = look$colour[groups], aesthetics = c("colour", "fill"), drop = FALSE) +
    ggplot2::scale_shape_manual(values = look$pch[groups], drop = FALSE) +
    ggplot2::labs(x = in_lines(object$time_name, 36), y = in_lines(outcome_label(object), 28), colour = NULL,
                  fill = NULL, shape = NULL, caption = if (length(said)) wrapped_caption(said, 90)) +
    ggplot2::coord_cartesian(ylim = limits) + theme_figures() + legend_beside(names[groups])
}

# The legend above in as many columns as have room, and beside the picture where they would be many lines.
legend_beside <- function(names) {
  widest <- max(nchar(unlist(strsplit(names, "\n", fixed = TRUE))))
  columns <- max(1, min(length(names), floor(66 / (widest + 5))))
  if (length(names) > 4) {
    return(ggplot2::theme(legend.position = "right", legend.text = ggplot2::element_text(size = 8)))
  }
  guide <- ggplot2::guide_legend(ncol = columns)
  list(ggplot2::guides(colour = guide, fill = guide, shape = guide),
       ggplot2::theme(legend.text = ggplot2::element_text(size = 8)))
}
