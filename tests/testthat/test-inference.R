test_that("estimates, their names and their covariance go together", {
  fit <- example_fit()
  expect_identical(dimnames(vcov(fit)), list(names(coef(fit)), names(coef(fit))))
  expect_identical(names(coef(fit))[c(1, 5, 10, 11)], c("intercept[1]", "age[2]", "zero_intercept", "theta[2]"))
  expect_equal(
    unname(confint(fit)["age[2]", ]), unname(coef(fit)["age[2]"] + c(-1, 1) * qnorm(0.975) * sqrt(vcov(fit)[5, 5]))
  )
  table <- summary(fit)$coefficients
  expect_equal(table[, 3], table[, 1] / table[, 2])
})

test_that("criteria count what they say", {
  fit <- example_fit()
  ll <- as.numeric(logLik(fit))
  k <- length(coef(fit))
  expect_equal(AIC(fit), -2 * ll + 2 * k)
  expect_equal(BIC(fit), -2 * ll + k * log(150))
  expect_equal(stats::BIC(logLik(fit)), BIC(fit))
  expect_equal(BIC(fit, n = "observations"), -2 * ll + k * log(nobs(fit)))
  expect_identical(nobs(fit), 1160L)
  expect_error(BIC(fit, n = "people"), class = "gbtm_bad_n")
  both <- BIC(fit, fit, n = "observations")
  expect_identical(names(both), c("df", "BIC"))
  expect_equal(both$BIC[2], BIC(fit, n = "observations"))
})

test_that("the log-likelihood is that of the densities", {
  fit <- example_fit()
  mean <- exp(cbind(1, fit$data$time, fit$data$time^2) %*% matrix(coef(fit)[1:9], 3))
  p <- stats::plogis(coef(fit)["zero_intercept"])
  f <- p * (fit$data$y == 0) + (1 - p) * stats::dpois(fit$data$y, mean)
  subject <- exp(rowsum(log(f), fit$data$subject)) %*% exp(c(0, coef(fit)[11:12])) / sum(exp(c(0, coef(fit)[11:12])))
  expect_equal(sum(log(subject)), as.numeric(logLik(fit)), tolerance = 1e-10)
})

test_that("a profile that climbs above the fit warns that it is not the best optimum", {
  need_engine()
  set.seed(3)
  level <- rep(c(0, 4, 8), c(20, 14, 16))
  data <- data.frame(id = rep(1:50, each = 4), t = rep(0:3, 50))
  data$y <- rep(level, each = 4) + rnorm(200)
  fits <- lapply(list(c(0, 6, 1.5, 0.4), c(2, 8, 1.5, -0.7)), function(start) {
    suppressWarnings(gbtm(y ~ t, data, id = "id", groups = 2, order = 0, start = start))
  })
  fits <- fits[order(-vapply(fits, logLik, 1))]
  gain <- as.numeric(logLik(fits[[1]])) - as.numeric(logLik(fits[[2]]))
  expect_gt(gain, 0.1)
  expect_warning(ends <- confint(fits[[2]], "theta[2]", method = "profile"), class = "gbtm_better_optimum",
                 sprintf("a log-likelihood %s above the fit's", format(signif(gain, 3))), fixed = TRUE)
  expect_true(all(is.finite(ends)))
  expect_no_warning(confint(fits[[1]], "theta[2]", method = "profile"), class = "gbtm_better_optimum")
})
