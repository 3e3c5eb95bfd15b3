# Pictures of a dual model.

test_that("bars stand where the conditional probabilities are, and the device stays as it was", {
  fit <- example_dual()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mfrow", "mar"))
  drawn <- plot_transitions(fit)
  expect_identical(graphics::par(c("mfrow", "mar")), before)
  expect_equal(drawn$conditional, transitions(fit))
  expect_equal(drawn$joint, transitions(fit, "joint"))
  expect_equal(plot_transitions(fit, level = NULL)$joint, drawn$joint)
  bars <- gbtm:::conditional_bars(fit, NULL, 0.95, TRUE)
  expect_equal(bars$to[bars$group2 == 2], c(1, 1))
  expect_equal(bars$from[bars$group2 == 2], bars$to[bars$group2 == 1])
  expect_true(all(is.na(bars$low[bars$group2 == 2])))
  expect_error(plot_transitions(example_fit()), class = "gbtm_no_dual")
  expect_error(plot_transitions(fit, stacked = "yes"), "stacked")
})

test_that("each outcome's panel has its own groups", {
  fit <- example_dual()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  drawn <- plot(fit, n = 5, groups = list(offenses = 2), labels = list(aggression = c("low", "high")))
  expect_equal(as.vector(table(drawn$outcome, drawn$group)), c(5, 0, 5, 5))
  expect_error(plot(fit, labels = list(aggression = c("a", "b", "c"))), class = "gbtm_bad_labels")
  expect_error(plot(fit, groups = list(others = 1)), class = "gbtm_unknown_outcome")
  skip_if_not_installed("ggplot2")
  built <- ggplot2::ggplot_build(autoplot(fit, n = 5))
  expect_equal(nrow(built$layout$layout), 2)
  expect_equal(levels(autoplot(fit, n = 5)$data$group)[3], "offenses: group 1 (62.9 %)")
  expect_error(autoplot(fit, labels = c("a", "b")), class = "gbtm_two_group_sets")
})

test_that("ggplot2 draws the same bars and the joint table", {
  skip_if_not_installed("ggplot2")
  fit <- example_dual()
  bars <- ggplot2::ggplot_build(autoplot(fit, type = "transitions"))$data
  expect_equal(bars[[1]]$ymax - bars[[1]]$ymin, transitions(fit)$estimate)
  expect_equal(bars[[2]]$ymax, transitions(fit)$upper)
  expect_equal(length(ggplot2::ggplot_build(autoplot(fit, type = "transitions", level = NULL))$data), 2)
  heat <- ggplot2::ggplot_build(autoplot(fit, type = "joint"))$data
  expect_equal(heat[[2]]$label, gbtm:::percent(transitions(fit, "joint")$estimate, 0))
  expect_error(autoplot(fit, type = "others"), class = "gbtm_bad_type")
  expect_error(autoplot(example_fit(), type = "joint"), class = "gbtm_no_dual")
})
