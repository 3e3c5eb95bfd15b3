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
