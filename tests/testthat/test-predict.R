test_that("curves are the formula's, and bands the delta method's", {
  fit <- example_fit()
  at <- c(10, 13.3, 17)
  table <- predict(fit, times = at)
  expect_identical(names(table), c("group", "age", "estimate", "se", "lower", "upper"))
  mean <- function(b) {
    u <- exp(cbind(1, at, at^2) %*% matrix(b[1:9], 3))
    as.vector((1 - stats::plogis(b[10])) * u)
  }
  expect_equal(table$estimate, mean(coef(fit)), tolerance = 1e-8)
  h <- 1e-6
  slope <- vapply(1:12, function(j) {
    up <- down <- coef(fit)
    step <- h * max(1e-3, abs(up[j]))
    up[j] <- up[j] + step
    down[j] <- down[j] - step
    (mean(up) - mean(down)) / (2 * step)
  }, numeric(9))
  expect_equal(table$se, sqrt(diag(slope %*% vcov(fit) %*% t(slope))), tolerance = 1e-4)
  expect_equal(table$upper, table$estimate + stats::qnorm(0.975) * table$se)
  expect_true(all(table$lower >= 0))
  expect_equal(predict(fit, newdata = data.frame(age = at)), table)
})

test_that("people are scored from partial histories", {
  fit <- example_fit()
  expect_equal(predict(fit, newdata = example_data(), type = "posterior"), posterior(fit), tolerance = 1e-8)
  expect_identical(predict(fit, newdata = example_data(), type = "assignment"), assignment(fit))
  unknown <- data.frame(id = c("a", "a", "b"), age = c(10, 11, 12), offenses = c(NA, NA, 9))
  p <- predict(fit, newdata = unknown, type = "posterior")
  expect_equal(unlist(p[1, -1]), fit$shares, ignore_attr = TRUE)
  expect_identical(predict(fit, newdata = unknown, type = "assignment"), c(a = 1L, b = 3L))
})

test_that("what cannot be predicted is an error", {
  fit <- example_fit()
  expect_error(predict(fit, type = "curves"), class = "gbtm_bad_type")
  expect_error(predict(fit, times = NA), class = "gbtm_bad_times")
  expect_error(predict(fit, times = "12"), class = "gbtm_not_numeric")
  expect_error(predict(fit, level = 95), class = "gbtm_bad_level")
  expect_error(predict(fit, newdata = data.frame(t = 1)), class = "gbtm_unknown_column")
  wrong <- data.frame(id = 1, age = 10, offenses = 0.5)
  expect_error(predict(fit, newdata = wrong, type = "posterior"), class = "gbtm_bad_outcome")
})

test_that("fitted values and residuals add up to the data", {
  fit <- example_fit()
  expect_equal(fitted(fit) + residuals(fit), fit$data$y)
})
