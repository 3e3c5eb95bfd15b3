# A distal outcome by group: numbers with their intervals beside the naive ones, and corrected survival curves.

survival_families <- c("cox", "weibull", "exponential")
naive_colour <- "#999999"
beside <- 0.12 # how far a group's two numbers stand from its place

#' Plot a distal outcome by group
#'
#' Each group's mean, probability, rate, median time or hazard ratio with its interval, and beside it, hollow and grey,
#' what it is where errors of classification are ignored. Of times to an event also survival curves by group, corrected
#' for these errors and averaged over everybody's covariates.
#'
#' @param x,object what [distal()] returned
#' @param type `"groups"`, or `"survival"` of Cox regression, Weibull and exponential models
#' @param naive whether to draw the naive numbers too
#' @param level of the intervals
#' @param colours one colour per group; recycled
#' @param labels names of the groups; default `"Group 1"`, ...
#' @param ... of `plot()` settings such as `main`, `xlab`, `ylab`, `ylim`; of `autoplot()` nothing
#' @return `plot()`: the table that was drawn, invisibly; of `"survival"` a data frame with `group`, `time`, `survival`,
#'   the share without the event. `autoplot()`: a ggplot object.
#' @section Errors: `gbtm_no_survival`, `gbtm_bad_type`, `gbtm_bad_level`, `gbtm_bad_labels`.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' set.seed(1)
#' people <- data.frame(id = unique(fit$ids))
#' people$age <- rexp(nrow(people), assignment(fit) / 3)
#' people$arrested <- rbinom(nrow(people), 1, 0.8)
#' out <- distal(fit, Surv(age, arrested) ~ group, people)
#' plot(out)
#' plot(out, type = "survival")
#' @export
plot.gbtm_distal <- function(x, type = "groups", naive = TRUE, level = 0.95, colours = group_colours, labels = NULL,
                             ...) {
  check_dots(..., known = plot_settings)
  asked <- list(...)
  type <- match_choice(type, c("groups", "survival"), "type")
  labels <- distal_labels(x, labels)
  if (type == "survival") return(draw_survival(x, survival_table(x, sys.call()), colours, labels, asked))
  draw_distal(x, distal_marks(x, naive, level, labels, sys.call()), colours, asked)
}

#' @rdname plot.gbtm_distal
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_distal <- function(object, type = "groups", naive = TRUE, level = 0.95, colours = group_colours, # nolint
                                 labels = NULL, ...) {
  check_dots(...)
  type <- match_choice(type, c("groups", "survival"), "type")
  labels <- distal_labels(object, labels)
  if (type == "survival") return(survival_picture(object, survival_table(object, sys.call()), colours, labels))
  distal_picture(object, distal_marks(object, naive, level, labels, sys.call()), colours)
}

# The numbers that are drawn: `mark` says whether they are corrected, `at` is where they stand, `place` of which of
# `names`.
distal_marks <- function(x, naive, level, labels, call) {
  check_flag(naive, "naive")
  check_level(level)
  naive <- naive && x$method != "naive"
  asked <- list(level = json_number(level))
  tables <- list(corrected = ask_step_three(x, "group_table", asked, call),
                 naive = if (naive) ask_step_three(x, "naive_groups", asked, call))
  tables <- Filter(Negate(is.null), tables)
  value <- setdiff(names(tables$corrected), c("group", "category", "se", "lower", "upper"))[1]
  all <- do.call(rbind, lapply(names(tables), function(which) {
    table <- tables[[which]]
    group <- as.integer(table$group)
    data.frame(
      mark = which, group = group, place = seq_len(nrow(table)),
      at = seq_len(nrow(table)) + if (!naive) 0 else if (which == "naive") beside else -beside,
      name = if (is.null(table$category)) labels[group] else paste0(labels[group], "\n", table$category),
      estimate = table[[value]], lower = table$lower, upper = table$upper, stringsAsFactors = FALSE
    )
  }))
  measure <- gsub("_", " ", value)
  structure(all, tables = tables, measure = measure, log = measure == "hazard ratio",
            axis = sprintf("%s of %s", sentence_case(measure), distal_left(x)))
}

# The outcome of a formula, as it was written.
distal_left <- function(x) deparse_line(stats::as.formula(x$formula)[[2]])

distal_labels <- function(x, labels) {
  if (is.null(labels)) paste("Group", seq_len(x$n_groups)) else check_labels(labels, x$n_groups)
}

mark_words <- c(corrected = "corrected", naive = "ignoring errors of classification")

draw_distal <- function(x, marks, colours, asked) {
  log <- attr(marks, "log")
  values <- c(marks$estimate, marks$lower, marks$upper)
  values <- values[is.finite(values) & (!log | values > 0)]
  places <- marks[marks$mark == "corrected", ]
  frame <- list(x = c(0.5, nrow(places) + 0.5), y = range(values), xlim = c(0.5, nrow(places) + 0.5),
                ylim = range(values), xlab = "", ylab = attr(marks, "axis"), las = 1, xaxt = "n", bty = "l")
  if (log) frame$log <- "y"
  look <- group_look(asked, colours, x$n_groups)
  settings <- utils::modifyList(frame, asked[setdiff(names(asked), c("lwd", "lty", "pch", "cex"))])
  room <- draw_frame(settings, character())
  if (!identical(asked$xaxt, "n") && !isFALSE(asked$axes)) draw_places(places$place, places$name)
  naive <- marks$mark == "naive"
  open <- rep_len(c(21, 24, 22, 23, 25), x$n_groups)[marks$group]
  colour <- ifelse(naive, naive_colour, look$colour[marks$group])
  known <- is.finite(marks$lower) & is.finite(marks$upper) & marks$upper > marks$lower
  if (any(known)) {
    with(marks[known, ], graphics::segments(at, lower, at, upper, col = colour[known], lwd = look$lwd[group]))
  }
  graphics::points(marks$at, marks$estimate, pch = open, col = colour, bg = ifelse(naive, "white", colour),
                   cex = 1.2 * look$cex[marks$group])
  if (any(naive)) {
    draw_legend(TRUE, unname(mark_words), list(pch = 21, col = c("black", naive_colour), pt.bg = c("black", "white")),
                room, marks$at, marks$estimate)
  }
  invisible(attr(marks, "tables")$corrected)
}

# Names below their places, in lines that have room, or else one above the other.
draw_places <- function(at, names) {
  inches <- 0.95 * graphics::par("pin")[1] / length(at)
  cex <- 1
  for (cex in c(1, 0.85, 0.7, 0.6)) {
    text <- broken_text(names, inches, cex)
    if (max(graphics::strwidth(text, "inches", cex = cex)) <= inches) break
  }
  for (i in seq_along(at)) { # axis() would leave out what it takes to be too near
    graphics::axis(1, at[i], text[i], tick = FALSE, cex.axis = cex, padj = if (any(grepl("\n", text))) 0.5 else NA)
  }
}

# The same for ggplot2, in lines of so many letters.
place_lines <- function(names) {
  width <- max(8, 60 %/% length(names))
  vapply(strsplit(names, "\n", fixed = TRUE), function(parts) paste(in_lines(parts, width), collapse = "\n"), "")
}

distal_picture <- function(x, marks, colours) {
  places <- marks[marks$mark == "corrected", ]
  marks$mark <- factor(marks$mark, intersect(names(mark_words), marks$mark), mark_words[intersect(names(mark_words),
                                                                                                 marks$mark)])
  naive <- marks$mark == mark_words[["naive"]]
  group <- as.character(marks$group)
  marks$colour <- ifelse(naive, "naive", group)
  marks$fill <- ifelse(naive, "hollow", group)
  palette <- stats::setNames(rep_len(colours, x$n_groups), seq_len(x$n_groups))
  known <- marks[is.finite(marks$lower) & is.finite(marks$upper) & marks$upper > marks$lower, ]
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(marks, ggplot2::aes(x = .data$at, y = .data$estimate, colour = .data$colour)) +
    ggplot2::geom_linerange(ggplot2::aes(ymin = .data$lower, ymax = .data$upper), known, linewidth = 0.7) +
    ggplot2::geom_point(ggplot2::aes(fill = .data$fill, shape = factor(.data$group), alpha = .data$mark), size = 2.4) +
    ggplot2::scale_colour_manual(values = c(palette, naive = naive_colour), guide = "none") +
    ggplot2::scale_fill_manual(values = c(palette, hollow = "white"), guide = "none") +
    ggplot2::scale_shape_manual(values = rep_len(c(21, 24, 22, 23, 25), x$n_groups), guide = "none") +
    ggplot2::scale_x_continuous(breaks = places$place, labels = place_lines(places$name)) +
    ggplot2::labs(x = NULL, y = in_lines(attr(marks, "axis"), 36), alpha = NULL) + theme_figures() +
    ggplot2::scale_alpha_manual(values = c(1, 1), guide = if (!any(naive)) "none" else ggplot2::guide_legend(
      override.aes = list(shape = 21, fill = c("black", "white"), colour = c("black", naive_colour))))
  if (attr(marks, "log")) picture + ggplot2::scale_y_log10() else picture
}

# -- survival curves ------------------------------------------------------------------------------------------------

survival_table <- function(x, call) {
  if (!x$family %in% survival_families) {
    stop_gbtm("no_survival", sprintf("type: '%s' has no survival curves.", x$family), "type",
              "Use type = \"groups\" for the numbers of the groups.", call)
  }
  ask_step_three(x, "survival", list(), call)
}

draw_survival <- function(x, table, colours, labels, asked) {
  frame <- list(x = range(table$time), y = c(0, 1), xlab = "Time", ylab = "Share without the event", las = 1, bty = "l",
                xaxs = "i", yaxs = "i", ylim = c(0, 1.02))
  look <- group_look(asked, colours, x$n_groups)
  if (is.null(asked$lty)) look$lty <- rep_len(seq_len(6), x$n_groups)
  settings <- utils::modifyList(frame, asked[setdiff(names(asked), c("lwd", "lty", "pch", "cex"))])
  room <- draw_frame(settings, character())
  for (k in seq_len(x$n_groups)) {
    here <- table[table$group == k, ]
    graphics::lines(here$time, here$survival, type = if (x$family == "cox") "s" else "l", col = look$colour[k],
                    lwd = look$lwd[k], lty = look$lty[k])
  }
  draw_legend(TRUE, labels, c(look[c("lwd", "lty")], list(col = look$colour)), room, table$time, table$survival)
  invisible(table)
}

survival_picture <- function(x, table, colours, labels) {
  table$group <- factor(labels[table$group], labels)
  draw <- if (x$family == "cox") ggplot2::geom_step else ggplot2::geom_line
  .data <- ggplot2::.data
  ggplot2::ggplot(table, ggplot2::aes(x = .data$time, y = .data$survival, colour = .data$group,
                                      linetype = .data$group)) +
    draw(linewidth = 0.8) +
    ggplot2::scale_colour_manual(values = rep_len(colours, x$n_groups)) +
    ggplot2::scale_linetype_manual(values = rep_len(seq_len(6), x$n_groups)) +
    ggplot2::scale_y_continuous(limits = c(0, 1.02), expand = c(0, 0)) +
    ggplot2::labs(x = "Time", y = "Share without the event", colour = NULL, linetype = NULL) + theme_figures()
}
