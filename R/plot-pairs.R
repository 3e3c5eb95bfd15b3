# The fit-criteria figure of dual models: each criterion over both numbers of groups, one small table a panel.

left_out_of_pairs <- c("sabic", "caic", "p", "mismatch_max") # panels that are drawn where they are asked for only

is_of_pairs <- function(table) "groups2" %in% names(table)

#' A panel a column of the table: the first outcome's number of groups down, the second's across
#'
#' @param shown panels, of [criteria_measures()]
#' @param choices row of the model that each criterion chooses
#' @param criterion whose best model for each pair of numbers stands for it where the column is no criterion
#' @noRd
plot_pairs <- function(table, shown, choices, criterion) {
  columns <- do.call(c, lapply(unname(shown), function(measure) {
    lapply(Filter(function(column) has_values(table, column), measure$columns), function(column) list(measure, column))
  }))
  cells <- do.call(rbind, lapply(columns, function(one) {
    pair_cells(one[[1]], one[[2]], table[table$usable, ], table$label[choices], names(choices), criterion)
  }))
  down <- function(name) factor(cells[[name]], sort(unique(table[[name]])))
  cells$panel <- factor(cells$panel, unique(cells$panel))
  cells$first <- factor(down("groups"), rev(levels(down("groups"))))
  cells$second <- down("groups2")
  .data <- ggplot2::.data
  ggplot2::ggplot(cells, ggplot2::aes(x = .data$second, y = .data$first)) +
    ggplot2::geom_tile(ggplot2::aes(fill = .data$shade)) +
    ggplot2::geom_tile(data = cells[cells$chosen, ], fill = NA, colour = group_colours[2], linewidth = 0.9,
                       width = 0.94, height = 0.9) +
    ggplot2::geom_text(ggplot2::aes(label = .data$text, colour = .data$shade > dark_share), size = 2.6) +
    ggplot2::facet_wrap(~panel, ncol = few_empty(nlevels(cells$panel))) +
    ggplot2::scale_fill_gradient(low = heat_colours[1], high = heat_colours[2], limits = c(0, 1)) +
    ggplot2::scale_colour_manual(values = c("FALSE" = ink, "TRUE" = "white")) +
    ggplot2::scale_x_discrete(drop = FALSE, expand = c(0, 0)) +
    ggplot2::scale_y_discrete(drop = FALSE, expand = c(0, 0)) +
    ggplot2::labs(x = "groups of the second outcome", y = "groups of the first outcome",
                  caption = pairs_caption(criterion)) +
    theme_figures() +
    ggplot2::theme(legend.position = "none", strip.text = ggplot2::element_text(hjust = 0, size = 7.5),
                   axis.line = ggplot2::element_blank(), axis.ticks = ggplot2::element_blank(),
                   panel.grid.major.y = ggplot2::element_blank())
}

#' The cells of one panel, a row for each pair of numbers that has a model
#'
#' @param table models that can be chosen
#' @param chosen,by labels of the models that criteria choose, and names of these
#' @return data frame: `groups`, `groups2`, `panel`, its heading, `shade`, 0 for the worst to 1 for the best, `text`,
#'   `chosen`, whether the criterion chooses these numbers
#' @noRd
pair_cells <- function(measure, column, table, chosen, by, criterion) {
  judge <- if (measure$own) column else criterion
  rows <- best_rows(table, judge)
  best <- if (judge %in% by) chosen[by == judge] else table$label[best_model(table, NULL, judge)]
  value <- table[[column]][rows]
  relative <- measure$own || column %in% c("loglik", "cv_loglik")
  larger <- column %in% c(larger_better, "smallest_group")
  finite <- value[is.finite(value)]
  at_best <- if (length(finite)) (if (larger) max else min)(finite) else NA_real_
  data.frame(
    table[rows, c("groups", "groups2")], panel = pair_heading(measure, column, if (relative) at_best),
    shade = pair_shades(if (larger) value else -value), chosen = table$label[rows] == best,
    text = pair_words(value, column, if (relative) at_best), row.names = NULL, stringsAsFactors = FALSE
  )
}

# 0 for the worst, 1 for the best; NA stays.
pair_shades <- function(good) {
  known <- good[is.finite(good)]
  if (!length(known)) return(ifelse(is.na(good), NA, 1))
  span <- diff(range(known))
  pmin(pmax((good - min(known)) / if (span > 0) span else 1, 0), 1)
}

pair_heading <- function(measure, column, best) {
  n <- n_series[endsWith(column, c("_subjects", "_observations"))]
  name <- sub(", log10$", "", measure$name)
  says <- sub("(^|; )dotted.*", "", measure$says)
  paste0(name, if (length(n)) sprintf(" (%s)", n), "\n",
         if (is.null(best)) says else sprintf("best %s", formatC(best, format = "f", digits = 1, big.mark = ",")))
}

# How far from the best, or the value itself.
pair_words <- function(value, column, best) {
  number <- function(x, digits, flag = "") formatC(x, format = "f", digits = digits, big.mark = ",", flag = flag)
  words <- if (!is.null(best)) ifelse(value == best, "0", number(value - best, 1, "+")) else
    number(value, if (column == "occ_min") 1 else 2)
  ifelse(is.na(value), "NA", ifelse(is.infinite(value), "Inf", words))
}

pairs_caption <- function(criterion) {
  wrapped_caption(c(
    "Criteria and log-likelihoods: how far from the best, which is 0 and stands in the heading.",
    sprintf("Measures of adequacy: of the model that is best by %s for its numbers of groups.",
            criterion_label(criterion)),
    "Frame: the numbers chosen. The darker, the better."
  ), 120)
}
