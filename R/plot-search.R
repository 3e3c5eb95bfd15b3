# Pictures of a search for a model, over plain data frames.

# Panels of the fit-criteria figure: the columns drawn together, what is better, whether the line joins the models that
# are best by this very column, a rule of thumb, the least that the axis spans, whether one group makes it trivial.
measure <- function(name, columns, says = "smaller is better", own = TRUE, threshold = NA_real_, span = 0,
                    trivial = FALSE) {
  list(name = name, columns = columns, says = says, own = own, threshold = threshold, span = span, trivial = trivial)
}
dotted <- function(says, threshold) paste(c(says, sprintf("dotted: %g", threshold)), collapse = "; ")
n_series <- c("n = subjects", "n = observations")
both_n <- function(stem) paste0(stem, c("_subjects", "_observations"))

criteria_measures <- function() {
  list(
    bic = measure("BIC", both_n("bic")),
    sabic = measure("Sample-size adjusted BIC", both_n("sabic")),
    caic = measure("CAIC", both_n("caic")),
    icl = measure("ICL-BIC", both_n("icl")),
    aic = measure("AIC", "aic"),
    loglik = measure("Log-likelihood", "loglik", "larger is better", own = FALSE),
    cv_loglik = measure("Cross-validated log-likelihood", "cv_loglik", "larger is better; bars: 1 SE"),
    p = measure("p, K against K - 1 groups", c("blrt_p", "lmr_p"), dotted("small speaks for K", constants$p_level),
                own = FALSE, threshold = constants$p_level, span = 0.1),
    entropy = measure("Relative entropy", "entropy", "larger is better", own = FALSE, span = 0.1, trivial = TRUE),
    smallest_group = measure("Share of the smallest group", "smallest_group", dotted(NULL, constants$small_share),
                             own = FALSE, threshold = constants$small_share, span = 0.1, trivial = TRUE),
    avepp_min = measure("Lowest AvePP of a group", "avepp_min", dotted("larger is better", constants$least_avepp),
                        own = FALSE, threshold = constants$least_avepp, span = 0.1, trivial = TRUE),
    occ_min = measure("Lowest OCC of a group, log10", "occ_min",
                      sprintf("larger is better; dotted: OCC of %g", constants$least_occ), own = FALSE,
                      threshold = log10(constants$least_occ), trivial = TRUE),
    mismatch_max = measure("Largest mismatch of a group", "mismatch_max", own = FALSE, span = 0.02, trivial = TRUE)
  )
}

larger_better <- c("loglik", "cv_loglik", "entropy", "avepp_min", "occ_min", "traj_aic", "traj_bic_subjects",
                   "traj_bic_observations")

#' The fit-criteria figure: all criteria against the number of groups
#'
#' The line of a fit criterion joins, for each number of groups K, the model that is best by it. Other models (other
#' shapes of the curves) are faint dots, and a ring marks the model that the criterion chooses. The line of a measure of
#' adequacy joins the models that are best by `criterion`; the K which that one chooses is shaded in every panel. One
#' group that is so far from the others that they could not be told apart on its axis is off the scale: an arrow has its
#' value.
#'
#' Of dual models each panel is a small table, the number of the first outcome's groups down and that of the second's
#' across: how far the best model of each pair of numbers is from the best of all, and a frame around the numbers that
#' the criterion chooses. The darker, the better. Panels that are not asked for are then without `"sabic"`, `"caic"` and
#' `"mismatch_max"`.
#'
#' @param x what `gbtm_search()` returns, or its table: a data frame with one row per model
#' @param criterion a column of the table; which model stands for its K where a panel's own value cannot say
#' @param show panels, of `"bic"`, `"sabic"`, `"caic"`, `"icl"`, `"aic"`, `"loglik"`, `"cv_loglik"`, `"p"`,
#'   `"entropy"`, `"smallest_group"`, `"avepp_min"`, `"occ_min"`, `"mismatch_max"`; default all that have values
#' @param object a search
#' @param ... passed to `plot_criteria()`
#' @return A ggplot object; `plot()` draws it and returns it invisibly.
#' @references Klijn SL, Weijenberg MP, Lemmens P, van den Brandt PA, Lima Passos V (2017). Introducing the fit-criteria
#'   assessment plot as a visualisation tool to assist class enumeration in group-based trajectory modelling.
#'   *Statistical Methods in Medical Research* 26, 2424-2436.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' table <- data.frame(
#'   groups = 1:4, loglik = c(-900, -800, -770, -766), aic = c(1806, 1612, 1558, 1554),
#'   bic_subjects = c(1820, 1640, 1600, 1609), bic_observations = c(1830, 1655, 1660, 1680),
#'   entropy = c(NA, 0.9, 0.8, 0.72), row.names = c("1: 2", "2: 2 2", "3: 2 2 2", "4: 2 2 2 2")
#' )
#' plot_criteria(table)
#' @export
plot_criteria <- function(x, criterion = "bic_subjects", show = NULL) {
  check_names()
  criterion <- criterion_name(criterion)
  need_ggplot2("plot_criteria")
  table <- search_table(x, criterion)
  choices <- search_choices(x, table)
  pairs <- is_of_pairs(table)
  if (pairs && is.null(show)) show <- setdiff(names(criteria_measures()), left_out_of_pairs)
  shown <- shown_measures(table, show)
  if (pairs) return(plot_pairs(table, shown, choices, criterion))
  pieces <- lapply(shown, measure_pieces, table = table, choices = choices, criterion = criterion)
  part <- function(name) {
    rows <- do.call(rbind, lapply(pieces, `[[`, name))
    if (is.null(rows)) return(NULL)
    rows$panel <- factor(rows$panel, vapply(shown, panel_title, ""))
    rows
  }
  line <- part("line")
  joined <- line[stats::ave(line$value, line$panel, line$series, FUN = length) > 1, ]
  line <- line[!line$off, ]
  off <- part("off")
  best <- table$groups[best_model(table, choices, criterion)]
  hidden <- sum(vapply(pieces, `[[`, 0, "hidden"))
  caption <- criteria_caption(shown, table, criterion, best, hidden, NROW(off) > 0)
  .data <- ggplot2::.data
  ggplot2::ggplot(line, ggplot2::aes(x = .data$groups, y = .data$value)) +
    ggplot2::annotate("rect", xmin = best - 0.3, xmax = best + 0.3, ymin = -Inf, ymax = Inf, fill = "#EBEBEB") +
    ggplot2::geom_blank(data = part("limits")) +
    ggplot2::geom_hline(ggplot2::aes(yintercept = .data$value), part("threshold"), linetype = "dotted",
                        colour = "#595959", na.rm = TRUE) +
    ggplot2::geom_point(data = part("dots"), colour = "#B3B3B3", size = 0.9) +
    ggplot2::geom_errorbar(ggplot2::aes(ymin = .data$value - .data$se, ymax = .data$value + .data$se,
                                        colour = .data$series), width = 0.15, linewidth = 0.4, na.rm = TRUE) +
    ggplot2::geom_line(ggplot2::aes(colour = .data$series, linetype = .data$series), joined, linewidth = 0.6) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$series, shape = .data$series), size = 1.7) +
    ggplot2::geom_point(ggplot2::aes(colour = .data$series), part("rings"), shape = 1, size = 4, stroke = 0.9,
                        show.legend = FALSE) +
    off_scale_layers(off) +
    ggplot2::facet_wrap(~panel, scales = "free_y", ncol = few_empty(length(shown))) +
    ggplot2::scale_x_continuous(breaks = whole_breaks(table$groups), limits = range(table$groups) + c(-0.5, 0.5)) +
    ggplot2::scale_y_continuous(expand = ggplot2::expansion(0.1)) +
    ggplot2::scale_colour_manual(values = group_colours[1:2], drop = FALSE) +
    ggplot2::scale_linetype_manual(values = c("solid", "42"), drop = FALSE) +
    ggplot2::scale_shape_manual(values = c(16, 15), drop = FALSE) +
    ggplot2::labs(x = "number of groups K", y = NULL, colour = NULL, linetype = NULL, shape = NULL,
                  caption = caption) +
    theme_figures()
}

#' @rdname plot_criteria
#' @export
plot.gbtm_search <- function(x, ...) {
  check_dots(..., known = names(formals(plot_criteria)))
  picture <- plot_criteria(x, ...)
  print(picture)
  invisible(picture)
}

#' @rdname plot_criteria
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_search <- function(object, ...) { # nolint
  check_dots(..., known = names(formals(plot_criteria)))
  plot_criteria(object, ...)
}

need_ggplot2 <- function(what) {
  if (!requireNamespace("ggplot2", quietly = TRUE)) {
    stop_gbtm("no_ggplot2", sprintf("%s: ggplot2 is not installed.", what), NULL, "install.packages(\"ggplot2\")")
  }
}

# The table of a search with the label of each model as `label`; the models it must not choose are marked.
search_table <- function(x, criterion) {
  table <- if (is.data.frame(x)) x else if (is.list(x)) x$table
  if (is.null(table$groups) || !NROW(table)) {
    stop_gbtm("bad_table", sprintf("x: an object of class %s is neither a search nor a table with a column groups.",
                                   class(x)[1]), "x", "Give what gbtm_search() returned, or its $table.")
  }
  if (!is.character(criterion) || length(criterion) != 1 || !any(is.finite(table[[criterion]]))) {
    stop_gbtm("unknown_criterion", sprintf("criterion: the table has no values for %s.", shown(criterion)), "criterion",
              "Give one of its columns, such as \"bic_subjects\".")
  }
  known <- intersect(c("label", "model"), names(table))
  table$label <- if (length(known)) as.character(table[[known[1]]]) else rownames(table)
  table$usable <- usable_models(table$flag, nrow(table))
  table
}

# Models without a flag; all of them where every one has a flag.
usable_models <- function(flag, n) {
  fine <- if (is.null(flag)) rep(TRUE, n) else is.na(flag) | flag == ""
  if (any(fine)) fine else rep(TRUE, n)
}

# Rows of the table by criterion.
search_choices <- function(x, table) {
  choices <- if (is.data.frame(x)) NULL else unlist(x$choices)
  if (is.null(choices)) return(NULL)
  rows <- stats::setNames(match(choices, table$label), names(choices))
  rows[!is.na(rows)]
}

best_model <- function(table, choices, criterion) {
  if (criterion %in% names(choices)) return(choices[[criterion]])
  rows <- best_rows(table, criterion)
  rows[which.min(goodness(table, criterion)[rows])]
}

# Smaller for the better, whatever the column.
goodness <- function(table, column) table[[column]] * if (column %in% larger_better) -1 else 1

# Row of the best model for each number of groups that has a value.
best_rows <- function(table, column) {
  value <- goodness(table, column)
  rows <- which(table$usable & is.finite(value))
  unlist(lapply(split(rows, number_keys(table)[rows]), function(i) i[which.min(value[i])]), use.names = FALSE)
}

# Which number of groups each model has, of dual models which pair of numbers, counted in ascending order.
number_keys <- function(table) {
  numbers <- numbers_of(table)
  each <- unique(numbers[do.call(order, unname(numbers)), , drop = FALSE])
  match(do.call(paste, numbers), do.call(paste, each))
}

has_values <- function(table, column) !is.null(table[[column]]) && any(!is.na(table[[column]]))

informative <- function(table, measure) if (measure$trivial) table$groups > 1 else rep(TRUE, nrow(table))

shown_measures <- function(table, show) {
  unknown <- setdiff(show, names(criteria_measures()))
  if (length(unknown)) {
    stop_gbtm("unknown_panel", sprintf("show: no panel is called %s.", listing(unknown)), "show",
              sprintf("Give some of %s.", listing(names(criteria_measures()), 20)))
  }
  wanted <- criteria_measures()[if (is.null(show)) names(criteria_measures()) else show]
  there <- Filter(function(m) {
    any(vapply(m$columns, function(column) has_values(table[informative(table, m), ], column), NA))
  }, wanted)
  if (!length(there)) {
    stop_gbtm("unknown_panel", "show: the table has no values for these panels.", "show", "Leave show out.")
  }
  there
}

panel_title <- function(measure) paste0(measure$name, "\n", measure$says)

# What one panel holds: line, dots, rings, threshold, limits (data frames), and how many models are left out.
measure_pieces <- function(measure, table, choices, criterion) {
  title <- panel_title(measure)
  keep <- informative(table, measure)
  shown <- Filter(function(column) has_values(table[keep, ], column), measure$columns)
  pieces <- lapply(shown, column_pieces, measure, table, keep, choices, criterion)
  joined <- function(name) do.call(rbind, lapply(pieces, `[[`, name))
  line <- joined("line")
  dots <- joined("dots")
  rings <- joined("rings")
  off <- NULL
  if (is.na(measure$threshold) && !any(rings$groups == 1) && first_is_far(line)) {
    dots <- dots[dots$groups > 1, ]
    limits <- measure_limits(measure, line[line$groups > 1, ], dots)
    off <- off_scale(line, limits, title)
    line <- cut_at(line, limits)
  } else {
    limits <- measure_limits(measure, line, dots)
  }
  far <- dots$value < limits[1] | dots$value > limits[2]
  list(
    line = line, dots = dots[!far, ], rings = rings, hidden = sum(far), off = off,
    threshold = data.frame(panel = title, value = measure$threshold),
    limits = data.frame(panel = title, groups = table$groups[1], value = limits)
  )
}

# The rows of one column of a panel: on its line, the dots beside it, and the best models' rings.
column_pieces <- function(column, measure, table, keep, choices, criterion) {
  value <- if (column == "occ_min") log10(table[[column]]) else table[[column]]
  se <- if (column == "cv_loglik" && !is.null(table$cv_se)) table$cv_se else rep(NA_real_, nrow(table))
  rows <- data.frame(panel = panel_title(measure), groups = table$groups, value = value, se = se,
                     series = factor(n_series[match(column, measure$columns)], n_series), off = FALSE)
  on_line <- intersect(line_rows(table, measure, column, criterion), which(keep))
  best <- if (measure$own) best_model(table, choices, column) else choices[sub("_p$", "", column)]
  best <- intersect(stats::na.omit(unlist(best)), which(is.finite(value)))
  list(line = rows[on_line[is.finite(value[on_line])], ],
       dots = rows[setdiff(which(keep & is.finite(value)), on_line), ], rings = rows[best, ])
}

# Rows that the line joins, in the order of the number of groups.
line_rows <- function(table, measure, column, criterion) {
  if (measure$own) return(best_rows(table, column))
  preferred <- best_rows(table, criterion)
  known <- which(table$usable & !is.na(table[[column]]))
  if (!"blrt_p" %in% measure$columns) return(intersect(preferred, known))
  # p values are computed for few models, not always for the best of their number of groups
  unlist(lapply(split(known, table$groups[known]), function(i) c(intersect(i, preferred), i)[1]), use.names = FALSE)
}

# Range of a panel: its lines, the models near them, the rule of thumb.
measure_limits <- function(measure, line, dots) {
  core <- range(line$value, line$value - line$se, line$value + line$se, measure$threshold, na.rm = TRUE, finite = TRUE)
  reach <- if (is.na(measure$threshold)) constants$off_line * diff(core) else Inf
  if (diff(core) == 0) reach <- Inf
  near <- dots$value[dots$value >= core[1] - reach & dots$value <= core[2] + reach]
  limits <- range(core, near)
  limits + c(-0.5, 0.5) * max(0, measure$span - diff(limits))
}

# Columns of panels that leave few places empty.
few_empty <- function(n) {
  if (n < 5) return(n)
  columns <- if (n < 13) c(4, 5, 3) else c(5, 6)
  columns[which.min(-n %% columns)]
}

whole_breaks <- function(groups) {
  all <- sort(unique(groups))
  all[seq(1, length(all), by = ceiling(length(all) / 10))]
}

criterion_label <- function(criterion) {
  stem <- sub("_(subjects|observations)$", "", criterion)
  name <- if (is.null(criteria_measures()[[stem]])) gsub("_", " ", stem) else criteria_measures()[[stem]]$name
  if (stem == criterion) name else sprintf("%s (n = %s)", name, substring(criterion, nchar(stem) + 2))
}

criteria_caption <- function(shown, table, criterion, best, hidden, off) {
  said <- c(
    "Line of a fit criterion: for each K the best model by that criterion; ring: the model it chooses.",
    sprintf("Other lines: for each K the best model by %s, which chooses K = %d (shaded).", criterion_label(criterion),
            best),
    "Grey dots: other models."
  )
  if (any(vapply(shown, `[[`, NA, "trivial")) && any(table$groups == 1)) {
    said <- c(said, "Measures of classification begin with two groups.")
  }
  if ("p" %in% names(shown)) {
    tests <- c(blrt_p = "bootstrap LRT (circles)", lmr_p = "LMR (squares)")
    here <- vapply(names(tests), has_values, NA, table = table)
    said <- c(said, sprintf("p values: %s.", paste(tests[here], collapse = ", ")))
  }
  if (any(is.infinite(table$occ_min))) said <- c(said, "Infinite odds are not drawn.")
  barred <- sum(!table$usable)
  if (barred) said <- c(said, sprintf("%d of %d models cannot be chosen: dots off the lines.", barred, nrow(table)))
  if (hidden) said <- c(said, sprintf("%d values far worse than the lines are left out.", hidden))
  if (off) said <- c(said, "Arrow: K = 1 is off the scale.")
  wrapped_caption(said)
}
