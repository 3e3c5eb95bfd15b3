# A row of panels for each group and a column for each outcome.

test_that("a grid has the panels of Python's, those of an outcome on one axis", {
  need_engine()
  fit <- two_outcome_fit()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mfrow", "mar", "mgp")
  panels <- list()
  draw <- gbtm:::draw_frame
  on.exit(utils::assignInNamespace("draw_frame", draw, "gbtm"), add = TRUE)
  utils::assignInNamespace("draw_frame", ns = "gbtm", value = function(settings, words) {
    room <- draw(settings, words)
    panels[[length(panels) + 1]] <<- c(settings, list(usr = graphics::par("usr"), place = graphics::par("mfg")))
    room
  })
  drawn <- plot(fit, grid = TRUE, labels = c("low", "high"), groups = c(2, 1), n = 11)
  expect_length(panels, python_says(fit, "[len(res.plot(grid=True).axes)]")[[1]])
  expect_identical(graphics::par("mfrow", "mar", "mgp"), before)
  places <- t(vapply(panels, function(p) as.double(p$place[1:2]), c(0, 0)))
  expect_equal(places, cbind(c(1, 2, 1, 2), c(1, 1, 2, 2)))
  expect_identical(panels[[1]]$usr, panels[[2]]$usr)
  expect_identical(panels[[3]]$usr, panels[[4]]$usr)
  expect_match(panels[[1]]$ylab, "^high \\(")
  expect_match(panels[[2]]$ylab, "^low \\(")
  expect_identical(c(panels[[1]]$xlab, panels[[2]]$xlab, panels[[4]]$ylab), c("", "t", ""))
  at <- predict(fit, times = seq(0, 3, length.out = 11))
  expect_equal(drawn$estimate, at$estimate)
  expect_identical(unique(drawn$outcome), c("y", "n"))
  one <- plot(fit, grid = TRUE, outcome = "n", individuals = TRUE, level = NULL)
  expect_length(panels, 6)
  expect_null(one$outcome)
})

test_that("what has no place in a grid is refused", {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_error(plot(example_dual(), grid = TRUE), "grid", class = "gbtm_two_group_sets")
  expect_error(plot(example_fit(), grid = TRUE, legend = "topleft"), class = "gbtm_bad_legend")
  expect_error(plot(example_fit(), grid = TRUE, groups = 9), class = "gbtm_unknown_group")
  expect_error(plot(example_fit(), grid = NA), class = "gbtm_bad_flag")
  expect_equal(plot(example_fit(), grid = TRUE)$estimate, plot(example_fit())$estimate)
})
