drawn <- function(...) {
  file <- tempfile(fileext = ".png")
  grDevices::png(file, 700, 500)
  table <- plot(...)
  grDevices::dev.off()
  expect_gt(file.size(file), 3000)
  table
}

test_that("plots take the usual dots and return the curves", {
  fit <- example_fit()
  curves <- expect_silent(drawn(fit))
  expect_identical(nrow(curves), 603L)
  expect_silent(drawn(fit, individuals = TRUE, main = "m", xlab = "x", ylab = "y", ylim = c(0, 9), legend = "topleft"))
  expect_silent(drawn(fit, level = NULL, observed = FALSE, legend = FALSE))
  expect_error(plot(fit, level = 2), class = "gbtm_bad_level")
})

test_that("observed means are weighted by the posteriors", {
  fit <- example_fit()
  means <- gbtm:::observed_means(fit)
  rows <- fit$data$time == 12
  w <- fit$posterior[fit$data$subject[rows], 2]
  expect_equal(means$mean[means$group == 2 & means$time == 12], stats::weighted.mean(fit$data$y[rows], w))
})

test_that("no mean is drawn where less than half a subject's weight stands behind it", {
  fit <- example_fit()
  one <- fit$data[1, ]
  one[c("time", "y", "wave")] <- c(20, 40, max(fit$data$wave) + 1)
  fit$data <- rbind(fit$data, one)
  fit$posterior[one$subject, ] <- c(0.6, 0.3, 0.1)
  means <- gbtm:::binned_means(fit)
  expect_identical(means$group[means$time == 20], 1L)
  expect_identical(nrow(means), nrow(gbtm:::observed_means(fit)) - 2L)
  expect_silent(drawn(fit))
  skip_if_not_installed("ggplot2")
  for (picture in list(ggplot2::autoplot(fit), plot_groups(fit))) {
    points <- Filter(function(l) inherits(l$geom, "GeomPoint"), picture$layers)
    expect_identical(as.integer(points[[1]]$data$group[points[[1]]$data$time == 20]), 1L)
  }
})

test_that("many distinct times are gathered into bins", {
  fit <- example_fit()
  set.seed(1)
  fit$data$time <- fit$data$time + stats::runif(nrow(fit$data)) / 2
  fit$data$wave <- rank(fit$data$time)
  expect_lte(nrow(gbtm:::binned_means(fit)), 60)
  expect_silent(drawn(fit))
})

test_that("individual lines do not run from one subject to the next", {
  rows <- data.frame(subject = c(1, 1, 2, 2, 2), time = 1:5, y = 6:10)
  path <- gbtm:::broken_path(rows)
  expect_identical(path$x, c(1, 2, NA, 3, 4, 5))
  expect_identical(path$y, c(6, 7, NA, 8, 9, 10))
})

test_that("some groups alone, in their own colours and marks", {
  fit <- example_fit()
  table <- drawn(fit, groups = c(1, 3))
  expect_identical(unique(table$group), c(1L, 3L))
  whole <- drawn(fit)
  expect_equal(table$estimate, whole$estimate[whole$group %in% c(1, 3)])
  for (wrong in list(4, 0, c(1, 1), "low", numeric(), 1.5)) {
    expect_error(plot(fit, groups = wrong), class = "gbtm_unknown_group")
  }
  expect_error(plot(fit, labels = "one"), class = "gbtm_bad_labels")
  skip_if_not_installed("ggplot2")
  picture <- ggplot2::autoplot(fit, groups = c(1, 3))
  data <- ggplot2::layer_data(picture, 2)
  expect_identical(unique(data$colour), gbtm:::group_colours[c(1, 3)])
  expect_equal(data$y, table$estimate)
  expect_error(ggplot2::autoplot(fit, groups = 9), class = "gbtm_unknown_group")
})

test_that("what has a place in the picture is honoured, the rest refused by name", {
  fit <- example_fit()
  look <- gbtm:::group_look(list(lwd = 5, lty = 1:3, pch = 3, cex = 2), "red", 3)
  expect_identical(look, list(colour = rep("red", 3), lwd = rep(5, 3), lty = 1:3, pch = rep(3, 3), cex = rep(2, 3)))
  expect_silent(drawn(fit, lwd = 5, lty = 1:3, pch = 3, cex = 2, main = NULL, sub = "under it"))
  usr <- function(...) {
    grDevices::pdf(NULL, 7, 5)
    on.exit(grDevices::dev.off())
    plot(fit, ...)
    graphics::par("usr")
  }
  expect_equal(usr(ylim = c(0, 20), yaxs = "i")[3:4], c(0, 20))
  expect_equal(usr(xlim = c(5, 30), xaxs = "i")[1:2], c(5, 30))
  expect_silent(drawn(fit, col = "red", lab = c(3, 3, 7)))
  expect_error(plot(fit, group = 1), class = "gbtm_unknown_argument", regexp = "groups")
  for (name in c("type", "panel.first", "bg", "nonsense")) {
    expect_error(do.call(plot, c(list(fit), stats::setNames(list(1), name))), class = "gbtm_unknown_argument")
  }
})

test_that("a wide pen makes a wide line", {
  fit <- example_fit()
  ink <- function(lwd) {
    file <- tempfile(fileext = ".svg")
    grDevices::pdf(file, 7, 5, compress = FALSE)
    plot(fit, lwd = lwd, level = NULL, observed = FALSE, legend = FALSE)
    grDevices::dev.off()
    on.exit(unlink(file))
    sum(grepl(sprintf("^%.2f w", 0.75 * lwd), readLines(file, warn = FALSE)))
  }
  expect_gte(ink(7), 1)
})

test_that("a logarithmic axis holds what is above zero, and one without any is refused", {
  fit <- example_fit()
  grDevices::pdf(NULL, 7, 5)
  on.exit(grDevices::dev.off())
  means <- gbtm:::binned_means(fit)
  expect_silent(plot(fit, log = "y", individuals = TRUE))
  expect_true(graphics::par("ylog"))
  ends <- 10^graphics::par("usr")[3:4]
  expect_lt(ends[1], min(means$mean[means$mean > 0]))
  expect_gt(ends[2], max(fit$data$y[fit$data$subject %in% gbtm:::chosen_subjects(fit)]) * 0.99)
  expect_silent(plot(fit, log = "xy"))
  expect_true(graphics::par("xlog"))
  early <- fit
  early$data$time <- early$data$time - 12
  expect_error(plot(early, log = "x"), class = "gbtm_bad_log")
  below <- fit
  below$data$y <- -1 - below$data$y
  expect_error(plot(below, log = "y"), class = "gbtm_bad_log")
  expect_error(plot(fit, log = "z"), class = "gbtm_bad_log")
})

test_that("a curve that explodes leaves the axis, which is scaled by the data, and the picture says so", {
  fit <- example_fit()
  curves <- gbtm:::drawn_curves(fit, 0.95)
  means <- gbtm:::binned_means(fit)
  calm <- gbtm:::drawn_range(fit, curves, means, 0.95)
  wild <- curves
  late <- wild$group == 3 & wild$time > 16
  wild$estimate[late] <- wild$estimate[late] * seq(1, 80, length.out = sum(late))
  wild$upper[late] <- wild$estimate[late] * 10
  range <- gbtm:::drawn_range(fit, wild, means, 0.95)
  height <- max(diff(range(means$mean)), stats::sd(fit$data$y))
  expect_lte(range[2], max(means$mean) + 0.51 * height)
  expect_gte(range[2], max(means$mean))
  expect_lt(range[2], max(wild$estimate))
  expect_match(gbtm:::axis_sentences(wild, means, range, FALSE), "leaves the axis")
  expect_null(gbtm:::axis_sentences(curves, means, calm, FALSE))
  expect_gte(gbtm:::drawn_range(fit, curves, means, 0.95, y = 99)[2], 99) # what was observed is always there
})

test_that("the pictures say where the curves are drawn when covariates vary with time", {
  fit <- example_fit()
  expect_null(gbtm:::profile_sentence(fit))
  fit$curves$covariates <- list(names = c("work", "age"), profile = rbind(c(0.5, 2), c(0.6, 3)), given = FALSE)
  expect_identical(gbtm:::profile_sentence(fit), "Curves at the mean of work, age at each time.")
  expect_identical(gbtm:::profile_sentence(fit, c(1, 2.5)), "Curves at work = 1.0, age = 2.5.")
  expect_identical(gbtm:::profile_sentence(fit, c(age = 1, work = 0)), "Curves at work = 0, age = 1.")
  expect_match(gbtm:::profile_sentence(fit, matrix(0, 3, 2)), "values of work, age that were given")
})

test_that("all three pictures call the outcome the same", {
  fit <- example_fit()
  expect_identical(gbtm:::outcome_label(fit), "mean of offenses")
  skip_if_not_installed("ggplot2")
  expect_identical(ggplot2::autoplot(fit)$labels$y, "mean of offenses")
  expect_identical(plot_groups(fit)$labels$y, "mean of offenses")
})

test_that("ggplot2 has a mark of its own for each group, the package's theme, and no band without a level", {
  skip_if_not_installed("ggplot2")
  fit <- example_fit()
  picture <- ggplot2::autoplot(fit)
  layer <- function(picture, geom) Filter(function(l) inherits(l$geom, geom), picture$layers)
  points <- ggplot2::layer_data(picture, which(vapply(picture$layers, function(l) inherits(l$geom, "GeomPoint"), NA)))
  expect_identical(unique(points$shape), gbtm:::group_symbols[1:3])
  expect_identical(unique(points$colour), gbtm:::group_colours[1:3])
  expect_identical(picture$theme$panel.grid.major.y, gbtm:::theme_figures()$panel.grid.major.y)
  expect_length(layer(picture, "GeomRibbon"), 1)
  bare <- ggplot2::autoplot(fit, level = NULL)
  expect_length(layer(bare, "GeomRibbon"), 0)
  expect_s3_class(ggplot2::ggplot_build(bare), "ggplot_built")
})

test_that("ggplot2 draws the same", {
  skip_if_not_installed("ggplot2")
  picture <- ggplot2::autoplot(example_fit(), individuals = TRUE)
  expect_s3_class(picture, "ggplot")
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  print(picture)
  grDevices::dev.off()
  expect_gt(file.size(file), 3000)
})
