built <- function(picture) {
  expect_s3_class(picture, "ggplot")
  expect_s3_class(ggplot2::ggplot_build(picture), "ggplot_built")
}

test_that("the figures of a fit are built without Python", {
  skip_if_not_installed("ggplot2")
  fit <- example_fit()
  built(plot_groups(fit))
  built(plot_groups(fit, level = NULL, individuals = 0, labels = c("low", "middle", "high")))
  built(plot_posteriors(fit))
  expect_error(plot_groups(fit, labels = "one"), class = "gbtm_bad_labels")
  expect_error(plot_groups(3), class = "gbtm_bad_fit")
})

test_that("the figures of a search are built", {
  skip_if_not_installed("ggplot2")
  need_engine()
  x <- small_search()
  built(plot_criteria(x))
  built(plot_criteria(x$table, "icl_subjects", show = c("bic", "entropy")))
  built(plot_models(x))
  built(plot_models(x, which = "all"))
  built(ggplot2::autoplot(x))
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  picture <- plot(x)
  grDevices::dev.off()
  expect_gt(file.size(file), 3000)
  expect_s3_class(picture, "ggplot")
  expect_error(plot_criteria(3), class = "gbtm_bad_table")
  expect_error(plot_criteria(x, show = "colour"), class = "gbtm_unknown_panel")
})

criteria_table <- function() {
  data.frame(
    groups = 1:4, loglik = c(-900, -800, -770, -766), aic = c(1680, 1612, 1558, 1554),
    bic_subjects = c(1700, 1640, 1600, 1609), entropy = c(NA, 0.9, 0.8, 0.72),
    row.names = c("1: 2", "2: 2 2", "3: 2 2 2", "4: 2 2 2 2")
  )
}

# The range of each panel's axis, by the name of the panel.
panel_ranges <- function(picture) {
  built <- ggplot2::ggplot_build(picture)
  layout <- built$layout$layout
  stats::setNames(lapply(built$layout$panel_params[layout$PANEL], function(p) p$y.range), sub("\n.*", "", layout$panel))
}

test_that("one group far off does not squeeze the others", {
  skip_if_not_installed("ggplot2")
  table <- criteria_table()
  table[1, c("aic", "bic_subjects", "loglik")] <- c(5806, 5820, -2900)
  picture <- plot_criteria(table)
  here <- panel_ranges(picture)
  alone <- panel_ranges(plot_criteria(table[-1, ]))
  expect_equal(here[c("AIC", "BIC", "Log-likelihood")], alone[c("AIC", "BIC", "Log-likelihood")])
  text <- Filter(function(l) inherits(l$geom, "GeomText"), picture$layers)[[1]]$data
  expect_setequal(text$text, c("K = 1:\n5,806", "K = 1:\n5,820", "K = 1:\n-2,900"))
  up <- text$end > text$value
  expect_identical(up[order(text$text)], c(FALSE, TRUE, TRUE))
  expect_match(gsub("\n", " ", picture$labels$caption), "Arrow: K = 1 is off the scale")
})

test_that("one group that is near or chosen stays on the axis", {
  skip_if_not_installed("ggplot2")
  near <- plot_criteria(criteria_table(), show = c("aic", "bic"))
  expect_gte(panel_ranges(near)$AIC[2], 1680)
  expect_no_match(near$labels$caption, "Arrow")
  chosen <- criteria_table()
  chosen$aic[1] <- 500
  expect_lte(panel_ranges(plot_criteria(chosen, show = "aic"))$AIC[1], 500)
  two <- criteria_table()[1:2, ]
  two$aic[1] <- 9e4
  expect_no_match(plot_criteria(two)$labels$caption, "Arrow")
})
