# The curves of the models of a search, a panel each.

#' The curves of many models in small panels
#'
#' One panel per model on common axes, with the group shares in % at the ends of the curves.
#'
#' @param x what `gbtm_search()` returns: has `table`, `fits` and `choices`
#' @param which `"best"`: the best model by `criterion` for each number of groups; `"all"`: every model; or labels of
#'   models
#' @param criterion a column of the table; a star marks the model that it chooses
#' @param level level of the pointwise bands; `NULL` for none
#' @param observed draw the posterior-weighted observed means
#' @param outcome of a search over models of several outcomes, whose curves are drawn: its name or number
#' @return A ggplot object.
#' @section Errors: `gbtm_unknown_model`; `gbtm_unknown_outcome`, and `gbtm_several_outcomes` where there are several
#'   and `outcome` is not given.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' table <- data.frame(groups = fit$n_groups, bic_subjects = BIC(fit), row.names = "3: 2 2 2")
#' plot_models(list(table = table, fits = list("3: 2 2 2" = fit)))
#' @export
plot_models <- function(x, which = "best", criterion = "bic_subjects", level = 0.95, observed = TRUE, outcome = NULL) {
  check_names()
  need_ggplot2("plot_models")
  criterion <- criterion_name(criterion)
  table <- search_table(x, criterion)
  chosen <- best_model(table, search_choices(x, table), criterion)
  fits <- x$fits
  labels <- which_models(fits, table, which, criterion)
  titles <- model_titles(table, labels, criterion, chosen)
  fits <- lapply(fits[labels], drawn_outcome, outcome)
  gather <- function(draw) {
    tables <- Map(function(label, title) cbind(draw(fits[[label]]), model = title), labels, titles)
    rows <- do.call(rbind, unname(tables))
    rows$model <- factor(rows$model, titles)
    rows$group <- factor(rows$group)
    rows
  }
  level <- check_band_level(level)
  curves <- gather(function(fit) drawn_curves(fit, level))
  means <- gather(binned_means)
  limits <- models_range(fits, level)
  ends <- gather(function(fit) share_labels(fit, limits))
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(curves, ggplot2::aes(x = .data$time, colour = .data$group, fill = .data$group))
  if (!is.null(level)) {
    picture <- picture + ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper),
                                              with_band(curves, c("model", "group")), alpha = 0.18, colour = NA,
                                              na.rm = TRUE)
  }
  picture <- picture + curve_lines(curves, c("model", "group"), 0.7)
  if (check_flag(observed, "observed")) {
    picture <- picture + ggplot2::geom_point(ggplot2::aes(y = .data$mean, shape = .data$group), means, size = 1,
                                             na.rm = TRUE)
  }
  first <- fits[[1]]
  picture + ggplot2::geom_text(ggplot2::aes(y = .data$at, label = .data$share), ends, size = 2.6, hjust = 0,
                               fontface = "bold") +
    ggplot2::facet_wrap(~model, ncol = few_empty(length(labels))) +
    group_scales(nlevels(curves$group)) +
    ggplot2::scale_x_continuous(expand = ggplot2::expansion(c(0.03, constants$label_room))) +
    ggplot2::coord_cartesian(ylim = limits) +
    ggplot2::labs(x = in_lines(first$time_name, 36), y = in_lines(outcome_label(first), 28),
                  caption = models_caption(criterion, level, observed, unseen_words(curves))) +
    theme_figures() + ggplot2::theme(legend.position = "none")
}

# What is drawn of a fit: of several outcomes the one that was asked for.
drawn_outcome <- function(fit, outcome) {
  if (is.null(outcome) && is_several(fit)) {
    stop_gbtm("several_outcomes", sprintf("outcome: the models have %d, and a panel shows the curves of one: %s.",
                                          length(outcome_names(fit)), listing(outcome_names(fit))), "outcome",
              sprintf("Give one of them, outcome = \"%s\".", outcome_names(fit)[1]))
  }
  if (is.null(outcome)) fit else of_outcome(fit, outcome)
}

which_models <- function(fits, table, which, criterion) {
  labels <- if (identical(which, "best")) {
    table$label[best_rows(table, criterion)]
  } else if (identical(which, "all")) {
    table$label[order(number_keys(table), goodness(table, criterion))]
  } else {
    as.character(which)
  }
  missing <- setdiff(labels, names(fits))
  if (length(missing) || !length(labels)) {
    stop_gbtm("unknown_model", sprintf("which: no fit is called %s.", listing(missing)), "which",
              "Give \"best\", \"all\", or labels of the table.")
  }
  labels
}

model_titles <- function(table, labels, criterion, chosen) {
  rows <- match(labels, table$label)
  count <- sub(":.*", "", labels)
  numbers <- "^[0-9]+( x [0-9]+)?: "
  heading <- ifelse(grepl(numbers, labels), sprintf("%s group%s, orders %s", count, ifelse(count == "1", "", "s"),
                                                    sub(numbers, "", labels)), labels)
  value <- formatC(table[[criterion]][rows], format = "f", digits = 1, big.mark = ",")
  star <- ifelse(rows == chosen, " *", "")
  paste0(heading, star, "\n", sub(" \\(.*", "", criterion_label(criterion)), " ", value)
}

# One range of the outcome that holds every model's curves; a band that explodes in one is cut.
models_range <- function(fits, level) {
  each <- function(level) {
    vapply(fits, function(fit) {
      drawn_range(fit, drawn_curves(fit, level), binned_means(fit), level)
    }, numeric(2))
  }
  core <- range(each(NULL))
  if (is.null(level)) return(core)
  wide <- range(each(level))
  room <- constants$models_band_room * diff(core)
  c(max(wide[1], core[1] - room), min(wide[2], core[2] + room))
}

# Shares in % at the ends of the curves, moved apart where they would hide each other.
share_labels <- function(fit, limits) {
  last <- drawn_curves(fit, NULL)
  last <- last[last$time == max(last$time), ]
  height <- diff(limits)
  room <- limits + c(0.03, -0.03) * height
  share <- 100 * fit$shares[last$group]
  data.frame(
    group = last$group, time = last$time + 0.03 * diff(range(seen_times(fit))),
    at = spread_apart(pmin(pmax(last$estimate, room[1]), room[2]), constants$label_gap * height, room),
    share = ifelse(share >= 0.95, sprintf("%.0f", share), sprintf("%.1f", share))
  )
}

# Heights moved as little as need be so that neighbours are `least` apart within `room`.
spread_apart <- function(at, least, room) {
  n <- length(at)
  gap <- min(least, diff(room) / max(n - 1, 1))
  order <- order(at)
  steps <- gap * (seq_len(n) - 1)
  moved <- stats::isoreg(at[order] - steps)$yf
  moved <- pmin(pmax(moved, room[1]), room[2] - gap * (n - 1)) + steps
  moved[match(seq_len(n), order)]
}

models_caption <- function(criterion, level, observed, unseen) {
  band <- if (is.null(level)) "" else sprintf(" with pointwise %g %% bands", 100 * level)
  wrapped_caption(c(
    sprintf("Lines: fitted means%s.", band), if (observed) "Points: observed means weighted by the posterior.",
    unseen, "Numbers: group shares in %.", sprintf("*: the model chosen by %s.", criterion_label(criterion))
  ))
}
