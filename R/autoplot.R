#' Plot the fitted curves with ggplot2
#'
#' The same picture as [plot.gbtm()], as a ggplot object to which layers, scales and themes can be added.
#'
#' @param object a fit
#' @inheritParams plot.gbtm
#' @param type `"curves"`; of a dual model also `"transitions"`, bars of the second outcome's groups given each of the
#'   first's, with intervals, and `"joint"`, both together as a heat map: see [plot_transitions()]
#' @param at,stacked for these, as for [plot_transitions()]
#' @param ... nothing: an argument that does not exist is refused
#' @return A ggplot object, with the colours, marks and theme of the package's figures.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' ggplot2::autoplot(fit)
#' ggplot2::autoplot(fit, groups = c(1, 3), level = NULL)
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm <- function(object, level = 0.95, individuals = FALSE, observed = TRUE, colours = group_colours,
                          n = 201, tcov = NULL, ..., groups = NULL, labels = NULL, outcome = NULL, type = "curves",
                          at = NULL, stacked = FALSE) {
  check_dots(...)
  type <- match_choice(type, c("curves", "transitions", "joint"), "type")
  if (type == "transitions") return(transition_bars(object, at, level, stacked, if (!missing(colours)) colours))
  if (type == "joint") return(joint_heat(object, at))
  if (!is.null(outcome)) {
    chosen <- chosen_outcome(object, outcome, colours, own = missing(colours))
    object <- chosen$fit
    colours <- chosen$colours
  }
  if (is_several(object)) refuse_categories_among(object, "autoplot")
  if (!is_several(object) && !has_mean(object$curves)) {
    return(levels_of_autoplot(object, observed, names(match.call())))
  }
  curve_picture(object, level, individuals, observed, colours, n, tcov, groups, labels)
}

# Of categories without an order, whose probabilities are drawn; of what else may be asked for nothing has a place.
levels_of_autoplot <- function(object, observed, given) {
  if (length(setdiff(given, c("", "object", "outcome", "type", "observed")))) {
    refuse_without_mean(object$curves, "autoplot")
  }
  plot_levels(object, observed)
}

# A panel for each outcome, under one legend.
curve_picture <- function(object, level, individuals, observed, colours, n, tcov, groups, labels) {
  views <- outcome_views(object)
  keys <- legend_keys(object, views, groups, labels, colours)
  known <- keys[!duplicated(keys$name), ]
  check_flag(individuals, "individuals")
  panels <- lapply(stats::setNames(nm = names(views)), function(name) {
    panel_tables(views[[name]], level, individuals, n, tcov, keys$group[keys$panel == name])
  })
  tables <- joined_panels(panels, keys, panel_titles(views))
  shown <- list(level = level, observed = check_flag(observed, "observed"))
  said <- unique(unlist(lapply(panels, `[[`, "said")))
  times <- unique(vapply(views, function(view) view$time_name, ""))
  picture <- curve_layers(tables, shown) +
    ggplot2::scale_colour_manual(values = known$colour, aesthetics = c("colour", "fill"), drop = FALSE) +
    ggplot2::scale_shape_manual(values = known$pch, drop = FALSE) +
    ggplot2::labs(x = if (length(times) == 1) in_lines(times, 36), # otherwise the panels' titles have them
                  y = if (length(views) == 1) in_lines(outcome_label(views[[1]]), 28), colour = NULL, fill = NULL,
                  shape = NULL, caption = if (length(said)) wrapped_caption(said, 90)) +
    theme_figures() + legend_beside(known$name)
  if (length(views) == 1) return(picture + ggplot2::coord_cartesian(ylim = tables$limits$estimate))
  .data <- ggplot2::.data
  picture + ggplot2::geom_blank(ggplot2::aes(x = .data$time, y = .data$estimate), tables$limits, inherit.aes = FALSE) +
    ggplot2::facet_wrap(ggplot2::vars(.data$panel), scales = "free")
}

#' What is drawn in all panels, as one table each of `curves`, `means`, `lines` and `limits`
#'
#' @param panels by outcome what [panel_tables()] returned; `keys` see [legend_keys()]; `titles` of the panels
#' @return list of data frames, of which each row has its `panel`, and all but `limits` the `group` as the legend calls
#'   it; NULL where there are no rows
#' @noRd
joined_panels <- function(panels, keys, titles) {
  of_panel <- function(what, name) {
    table <- panels[[name]][[what]]
    if (!NROW(table)) return(NULL)
    own <- keys[keys$panel == name, ]
    if (what != "limits") table$group <- factor(own$name[match(table$group, own$group)], unique(keys$name))
    cbind(table, panel = name, stringsAsFactors = FALSE)
  }
  lapply(stats::setNames(nm = c("curves", "means", "lines", "limits")), function(what) {
    table <- do.call(rbind, lapply(names(panels), function(name) of_panel(what, name)))
    if (!is.null(table)) table$panel <- factor(table$panel, names(panels), titles)
    table
  })
}

# Lines of people, bands, curves and observed means, of the tables of joined_panels(); `shown` has `level` and whether
# the means are `observed`.
curve_layers <- function(tables, shown) {
  curves <- tables$curves
  lines <- tables$lines
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$time, colour = .data$group, fill = .data$group))
  if (length(lines)) {
    picture <- picture + ggplot2::geom_line(ggplot2::aes(y = .data$y, group = .data$subject), lines, alpha = 0.15,
                                            linewidth = 0.3, show.legend = FALSE)
  }
  if (!is.null(shown$level)) {
    picture <- picture + ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper),
                                              with_band(curves, c("group", "panel")), alpha = 0.2, colour = NA,
                                              na.rm = TRUE)
  }
  picture <- picture + curve_lines(curves, c("group", "panel"), 0.9)
  if (!shown$observed) return(picture)
  picture + ggplot2::geom_point(ggplot2::aes(y = .data$mean, shape = .data$group), tables$means, size = 1.8)
}

# Panel by panel the groups that are drawn, what the legend calls them, and their looks. Of a dual model each outcome
# has groups of its own.
legend_keys <- function(fit, views, groups, labels, colours) {
  outcomes <- names(views)
  if (is_dual(fit)) {
    groups <- of_each_outcome(groups, "groups", outcomes)
    labels <- of_each_outcome(labels, "labels", outcomes)
    colours <- colours_of_sets(fit, colours)
  }
  own <- function(value, name) if (is_dual(fit)) value[[name]] else value
  do.call(rbind, lapply(outcomes, function(name) {
    view <- views[[name]]
    drawn <- check_drawn_groups(own(groups, name), view$n_groups)
    words <- legend_labels(view, own(labels, name))[drawn]
    if (is_dual(fit)) words <- paste0(name, ": ", tolower(substr(words, 1, 1)), substring(words, 2))
    look <- group_look(list(), own(colours, name), view$n_groups)
    data.frame(panel = name, group = drawn, name = in_lines(words, 34), colour = look$colour[drawn],
               pch = look$pch[drawn], stringsAsFactors = FALSE)
  }))
}

# What is drawn of one outcome: `curves`, `means`, `lines` of people, the `limits` of its axis, and what is `said`. Of
# several outcomes each has its own axis, beyond which nothing is drawn.
panel_tables <- function(view, level, individuals, n, tcov, groups) {
  here <- function(table) table[table$group %in% groups, ]
  curves <- here(drawn_curves(view, check_band_level(level), n, tcov))
  means <- here(binned_means(view))
  lines <- if (individuals) drawn_lines(view, groups)
  limits <- drawn_range(view, curves, means, level, lines$y)
  said <- c(profile_sentence(view, tcov), unseen_words(curves), axis_sentences(curves, means, limits, FALSE))
  if (length(view$part_of)) {
    for (name in c("lower", "upper")) curves[[name]] <- pmin(pmax(curves[[name]], limits[1]), limits[2])
    curves$estimate[curves$estimate < limits[1] | curves$estimate > limits[2]] <- NA
  }
  list(curves = curves, means = means, lines = lines, said = said,
       limits = data.frame(time = range(seen_times(view)), estimate = limits))
}

panel_titles <- function(views) {
  times <- vapply(views, function(view) view$time_name, "")
  titles <- vapply(views, outcome_label, "")
  if (length(unique(times)) > 1) titles <- paste(titles, "by", times)
  in_lines(titles, 40)
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
