# Positive outcomes: gamma against glm(), lognormal against lm() on the log, in both the curves and the predictions.

costs <- function() {
  set.seed(6)
  d <- expand.grid(t = 0:4, id = 1:80)
  low <- rep(stats::rbinom(80, 1, 0.4), each = 5)
  eta <- ifelse(low == 1, 3 + 0.2 * d$t, 5 - 0.1 * d$t)
  d$y <- stats::rgamma(nrow(d), 3, 3 / exp(eta))
  d$z <- exp(stats::rnorm(nrow(d), eta, 0.6))
  d
}

fitted_costs <- function(formula, family, groups = 2, ...) {
  suppressWarnings(gbtm(formula, costs(), id = "id", groups = groups, order = 1, family = family, ...,
                        control = gbtm_control(n_starts = 3, seed = 1)))
}

test_that("one gamma group has the coefficients of glm()", {
  need_engine()
  fit <- fitted_costs(y ~ t, stats::Gamma("log"), 1)
  m <- glm(y ~ t, stats::Gamma("log"), costs(), control = list(epsilon = 1e-14))
  expect_identical(fit$family, "gamma")
  expect_equal(unname(coef(fit)[1:2]), unname(coef(m)), tolerance = 1e-6)
  phi <- unname(coef(fit)[3])
  by_formula <- sum(stats::dgamma(costs()$y, phi, phi / fitted(m), log = TRUE))
  expect_equal(as.numeric(logLik(fit)), by_formula, tolerance = 1e-9)
  expect_equal(unname(fitted(fit)), unname(fitted(m)), tolerance = 1e-6)
})

test_that("lognormal groups are those of the normal on log y, and curves are means of y", {
  need_engine()
  fit <- fitted_costs(z ~ t, "lognormal")
  d <- costs()
  d$z <- log(d$z)
  normal <- suppressWarnings(gbtm(z ~ t, d, id = "id", groups = 2, order = 1, family = "normal",
                                  control = gbtm_control(n_starts = 3, seed = 1)))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(normal)) - sum(d$z), tolerance = 1e-9)
  expect_equal(coef(fit), coef(normal), tolerance = 1e-4)
  at <- predict(fit, times = c(0, 3))
  b <- matrix(coef(fit)[1:4], 2)
  eta <- as.vector(rbind(b[1, ], b[1, ] + 3 * b[2, ]))
  expect_equal(at$estimate, exp(eta + coef(fit)[["sigma"]]^2 / 2), tolerance = 1e-10)
  first <- c(1, 0, 0, 0, coef(fit)[["sigma"]]) * at$estimate[1]
  v <- vcov(fit)[1:5, 1:5]
  expect_equal(at[[grep("^(se|std)", names(at))[1]]][1], sqrt(drop(first %*% v %*% first)), tolerance = 1e-5)
})

test_that("people are scored and values at 0 are refused", {
  need_engine()
  for (family in c("gamma", "lognormal")) {
    fit <- fitted_costs(y ~ t, family)
    d <- costs()
    scored <- predict(fit, newdata = d[d$id < 4, ], type = "posterior")
    expect_equal(as.numeric(scored$group_1), unname(fit$posterior[1:3, 1]), tolerance = 1e-7)
    d$y[4] <- 0
    expect_error(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, family = family), "above 0")
    expect_error(predict(fit, newdata = d[d$id < 4, ], type = "posterior"), class = "gbtm_error")
  }
})

test_that("a shape that moves with time is that of the formula, in coefficients, curves and files", {
  need_engine()
  set.seed(2)
  d <- expand.grid(t = 0:4, id = 1:120)
  d$y <- stats::rgamma(nrow(d), exp(2 - 0.3 * d$t), exp(2 - 0.3 * d$t) / exp(1 + 0.2 * d$t))
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 1, order = 1, family = "gamma", phi_order = 1))
  loss <- function(b) {
    phi <- exp(b[3] + b[4] * d$t)
    -sum(stats::dgamma(d$y, phi, phi / exp(b[1] + b[2] * d$t), log = TRUE))
  }
  found <- stats::optim(c(1, 0, 1, 0), loss, method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
  expect_equal(as.numeric(logLik(fit)), -found$value, tolerance = 1e-8)
  expect_equal(unname(coef(fit)), found$par, tolerance = 1e-3)
  expect_identical(names(coef(fit)), c("intercept[1]", "t[1]", "phi_intercept[1]", "phi_t[1]"))
  file <- tempfile(fileext = ".rds")
  saveRDS(fit, file)
  expect_equal(predict(readRDS(file)), predict(fit))
  expect_equal(unname(predict(fit)$estimate[1:2]), unname(exp(coef(fit)[[1]] + coef(fit)[[2]] * predict(fit)$t[1:2])))
  expect_error(gbtm(y ~ t, d, id = "id", groups = 1, phi_order = 1), "no precision phi", class = "gbtm_bad_order")
})
