#' Does the fitted model look like the data?
#'
#' Observed against fitted means per group, with bands; the distribution of the outcome (a hanging rootogram of counts)
#' or of the residuals (a normal quantile plot); and the correlation of residuals within subjects by lag.
#'
#' In a hanging rootogram (Tukey 1977; Kleiber and Zeileis 2016) bars of height sqrt(observed) hang from the curve
#' sqrt(expected): where bars end above zero the model expects too many, where they end below too few.
#'
#' @param x what `residual_checks()` returns, or a list of the data frames `means` (columns `group`, `time`, `n`,
#'   `observed`, `fitted`, `lower`, `upper`), `distribution` (`value`, `observed`, `expected`, or `theoretical`,
#'   `sample`, `lower`, `upper`) and `autocorrelation` (`lag`, `correlation`, `lower`, `upper`); a part without rows
#'   is left out
#' @param labels names of the groups; default `"Group 1"`, ...
#' @param colours one colour per group; recycled
#' @param object what `residual_checks()` returns
#' @param ... passed to `plot_adequacy()`
#' @return A ggplot object; each panel's title says what its axes are. `plot()` draws it and returns it invisibly.
#' @references Kleiber C, Zeileis A (2016). Visualizing count data regressions using rootograms. *The American
#'   Statistician* 70, 296-303.
#' @examplesIf requireNamespace("ggplot2", quietly = TRUE)
#' means <- data.frame(group = rep(1:2, each = 4), time = 0:3, n = 50,
#'                     fitted = c(1, 1.2, 1.4, 1.6, 3, 3.1, 3.2, 3.3))
#' means$observed <- means$fitted + c(0.1, -0.05, 0.02, 0, 0.3, 0, -0.1, 0.05)
#' means$lower <- means$fitted - 0.2
#' means$upper <- means$fitted + 0.2
#' lags <- data.frame(lag = 1:2, correlation = c(0.2, 0.05), lower = c(0.1, -0.06),
#'                    upper = c(0.3, 0.16))
#' counts <- data.frame(value = 0:4, observed = c(150, 120, 80, 35, 15),
#'                      expected = c(140, 125, 82, 40, 13))
#' plot_adequacy(list(means = means, distribution = counts, autocorrelation = lags))
#' @export
plot_adequacy <- function(x, labels = NULL, colours = group_colours) {
  check_names()
  need_ggplot2("plot_adequacy")
  means <- adequacy_means(x, labels)
  spread <- adequacy_distribution(x$distribution)
  lags <- adequacy_lags(x$autocorrelation)
  panels <- c(levels(means$panel), spread$panel[1], lags$panel[1])
  ordered <- function(table) {
    table$panel <- factor(table$panel, panels)
    table
  }
  means <- ordered(means)
  groups <- length(unique(means$group))
  # All groups on one scale though each panel has its own axes
  frame <- ordered(expand.grid(panel = levels(droplevels(means$panel)), edge = 1:2, stringsAsFactors = FALSE))
  frame$x <- range(means$time)[frame$edge]
  frame$y <- range(means$observed, means$fitted, means$lower, means$upper, finite = TRUE)[frame$edge]
  outside <- sum(means$outside)
  .data <- ggplot2::.data
  picture <- ggplot2::ggplot(means, ggplot2::aes(x = .data$time, colour = .data$group)) +
    ggplot2::geom_blank(ggplot2::aes(x = .data$x, y = .data$y), frame, inherit.aes = FALSE) +
    ggplot2::geom_ribbon(ggplot2::aes(ymin = .data$lower, ymax = .data$upper, fill = .data$group),
                         with_band(means, "group"), alpha = 0.2, colour = NA, na.rm = TRUE) +
    ggplot2::geom_line(ggplot2::aes(y = .data$fitted), linewidth = 0.8) +
    ggplot2::geom_point(ggplot2::aes(y = .data$observed, shape = .data$group), means[!means$outside, ], fill = "white",
                        size = 1.6, stroke = 0.6) +
    ggplot2::geom_point(ggplot2::aes(y = .data$observed, shape = .data$group), means[means$outside, ], fill = "black",
                        colour = "black", size = 1.6, stroke = 0.6)
  if (!is.null(spread)) picture <- picture + distribution_layers(ordered(spread))
  if (!is.null(lags)) picture <- picture + lag_layers(ordered(lags))
  said <- c("Line: fitted mean with the band in which 95 % of observed means should lie; points: observed means.",
            if (!is.null(x$means$lower)) sprintf("%d of %d lie outside (black).", outside, sum(!is.na(means$lower))))
  columns <- if (length(panels) < 5) 2 else min(few_empty(length(panels)), 3)
  picture + ggplot2::facet_wrap(~panel, scales = "free", ncol = columns) +
    open_scales(groups, colours) + ggplot2::scale_x_continuous(breaks = pretty) +
    ggplot2::labs(x = NULL, y = NULL, caption = wrapped_caption(said, 110)) +
    theme_figures() + ggplot2::theme(legend.position = "none")
}

#' @rdname plot_adequacy
#' @export
plot.gbtm_residual_checks <- function(x, ...) {
  check_dots(..., known = names(formals(plot_adequacy)))
  picture <- plot_adequacy(x, ...)
  print(picture)
  invisible(picture)
}

#' @rdname plot_adequacy
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_residual_checks <- function(object, ...) { # nolint
  check_dots(..., known = names(formals(plot_adequacy)))
  plot_adequacy(object, ...)
}

adequacy_means <- function(x, labels) {
  means <- if (is.list(x)) x$means
  means <- means[!is.na(means$observed), ]
  if (!is.data.frame(means) || !all(c("group", "time", "observed", "fitted") %in% names(means)) || !nrow(means)) {
    stop_gbtm("bad_checks", sprintf("x: an object of class %s has no table of means by group.", class(x)[1]), "x",
              "Give what residual_checks() returned.")
  }
  groups <- sort(unique(means$group))
  names <- if (is.null(labels)) paste("Group", groups) else as.character(labels)
  if (length(names) != length(groups) || anyDuplicated(names)) {
    stop_gbtm("bad_labels", sprintf("labels: %s does not name %d groups.", shown(labels), length(groups)), "labels",
              "Give one name of its own per group, in the order of the groups.")
  }
  if (is.null(means$lower)) means$lower <- means$upper <- NA_real_
  means$outside <- !is.na(means$lower) & (means$observed < means$lower | means$observed > means$upper)
  titles <- paste0(names, "\nmean by ", if (is.null(x$time_name)) "time" else x$time_name)
  means$panel <- factor(titles[match(means$group, groups)], titles)
  means$group <- factor(means$group, groups)
  means[order(means$group, means$time), ]
}

adequacy_distribution <- function(table) {
  if (!is.data.frame(table) || !nrow(table)) return(NULL)
  if (all(c("value", "observed", "expected") %in% names(table))) {
    at <- suppressWarnings(as.numeric(gsub("[^0-9.-]", "", as.character(table$value))))
    return(data.frame(
      panel = "Hanging rootogram\nsquare root of frequency by count", kind = "rootogram", at = at,
      top = sqrt(table$expected), bottom = sqrt(table$expected) - sqrt(table$observed)
    ))
  }
  if (!all(c("theoretical", "sample") %in% names(table))) return(NULL)
  data.frame(panel = "Quantile residuals\nagainst normal quantiles", kind = "quantiles",
             at = table$theoretical, top = table$sample,
             lower = if (is.null(table$lower)) NA_real_ else table$lower,
             upper = if (is.null(table$upper)) NA_real_ else table$upper)
}

distribution_layers <- function(table) {
  .data <- ggplot2::.data
  if (table$kind[1] == "rootogram") {
    return(list(
      ggplot2::geom_rect(ggplot2::aes(xmin = .data$at - 0.4, xmax = .data$at + 0.4, ymin = .data$bottom,
                                      ymax = .data$top), table, inherit.aes = FALSE, fill = "#B3B3B3"),
      ggplot2::geom_line(ggplot2::aes(x = .data$at, y = .data$top), table, inherit.aes = FALSE,
                         colour = group_colours[2], linewidth = 0.6),
      ggplot2::geom_point(ggplot2::aes(x = .data$at, y = .data$top), table, inherit.aes = FALSE,
                          colour = group_colours[2], size = 1),
      ggplot2::geom_hline(ggplot2::aes(yintercept = 0), table[1, ], colour = "#333333", linewidth = 0.4)
    ))
  }
  list(
    ggplot2::geom_ribbon(ggplot2::aes(x = .data$at, ymin = .data$lower, ymax = .data$upper), with_band(table, "kind"),
                         inherit.aes = FALSE, fill = "#DDDDDD", na.rm = TRUE),
    ggplot2::geom_abline(ggplot2::aes(intercept = 0, slope = 1), table[1, ], linetype = "dashed", colour = "#595959"),
    ggplot2::geom_point(ggplot2::aes(x = .data$at, y = .data$top), table, inherit.aes = FALSE,
                        colour = group_colours[1], size = 0.8)
  )
}

adequacy_lags <- function(table) {
  if (!is.data.frame(table) || !nrow(table) || !all(c("lag", "correlation") %in% names(table))) return(NULL)
  if (is.null(table$lower)) table$lower <- table$upper <- NA_real_
  cbind(table[c("lag", "correlation", "lower", "upper")], panel = "Residual autocorrelation\nwithin subjects, by lag")
}

lag_layers <- function(table) {
  .data <- ggplot2::.data
  list(
    ggplot2::geom_hline(ggplot2::aes(yintercept = 0), table[1, ], colour = "#333333", linewidth = 0.4),
    ggplot2::geom_segment(ggplot2::aes(x = .data$lag, xend = .data$lag, y = 0, yend = .data$correlation), table,
                          inherit.aes = FALSE, colour = "#B3B3B3", linewidth = 0.8),
    ggplot2::geom_errorbar(ggplot2::aes(x = .data$lag, ymin = .data$lower, ymax = .data$upper), table,
                           inherit.aes = FALSE, colour = group_colours[1], width = 0.2, linewidth = 0.45, na.rm = TRUE),
    ggplot2::geom_point(ggplot2::aes(x = .data$lag, y = .data$correlation), table, inherit.aes = FALSE,
                        colour = group_colours[1], size = 1.7)
  )
}
