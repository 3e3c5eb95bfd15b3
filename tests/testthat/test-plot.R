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
