test_that("other standard errors are those of a fit that was asked for them", {
  need_engine()
  fit <- small_fit()
  asked <- gbtm(y ~ t, small_data(), id = "id", groups = 2, order = 1, cov_type = "robust",
                control = gbtm_control(n_starts = 4))
  expect_equal(vcov(fit, cov_type = "robust"), vcov(asked), tolerance = 1e-6)
  expect_equal(summary(fit, cov_type = "robust")$coefficients, summary(asked)$coefficients, tolerance = 1e-6)
  expect_equal(summary(fit, cov_type = "robust")$groups, group_shares(asked), tolerance = 1e-6)
  expect_equal(confint(fit, "sigma", cov_type = "robust"), confint(asked, "sigma"), tolerance = 1e-6)
  expect_output(print(summary(fit, cov_type = "robust")), "robust (sandwich)", fixed = TRUE)
  expect_identical(vcov(fit, cov_type = "hessian"), vcov(fit))
  expect_error(vcov(fit, cov_type = "HC0"), class = "gbtm_bad_cov_type")
  expect_error(vcov(fit, cov_type = "cluster"), class = "gbtm_bad_cov_type")
  expect_error(confint(fit, method = "profile", cov_type = "robust"), class = "gbtm_bad_cov_type")
})

test_that("scores and bread make the sandwich, with weights too", {
  need_engine()
  d <- small_data()
  d$w <- 1 + d$id %% 3
  for (fit in list(small_fit(), gbtm(y ~ t, d, id = "id", groups = 2, order = 1, weights = "w", control = quick()))) {
    scores <- estfun.gbtm(fit)
    expect_identical(dimnames(scores), list(as.character(fit$ids), names(coef(fit))))
    expect_lt(max(abs(colSums(scores)) * sqrt(diag(vcov(fit)))), 1e-5)
    n <- nrow(scores)
    bread <- bread.gbtm(fit)
    made <- bread %*% (crossprod(scores) / n) %*% bread / n
    expect_equal(made, vcov(fit, cov_type = "robust"), tolerance = 1e-6)
    if (requireNamespace("sandwich", quietly = TRUE)) {
      expect_equal(sandwich::sandwich(fit), vcov(fit, cov_type = "robust"), tolerance = 1e-6)
    }
  }
})

test_that("Pearson residuals of one group are glm()'s", {
  need_engine()
  d <- example_data()
  d <- d[!is.na(d$offenses), ]
  m <- glm(offenses ~ age, poisson(), d, control = list(epsilon = 1e-14))
  fit <- gbtm(offenses ~ age, d, id = "id", groups = 1, order = 1, family = "poisson", control = quick())
  expect_equal(residuals(fit, type = "pearson"), residuals(m, "pearson"), tolerance = 1e-6)
  expect_equal(residuals(fit), residuals(m, "response"), tolerance = 1e-6)
  expect_error(residuals(fit, type = "deviance"), class = "gbtm_bad_type")
})

test_that("tidy() exponentiates what is on a log scale", {
  need_engine()
  skip_if_not_installed("generics")
  fit <- example_fit()
  plain <- generics::tidy(fit, conf.int = TRUE)
  ratio <- generics::tidy(fit, conf.int = TRUE, exponentiate = TRUE)
  expect_equal(ratio$estimate, exp(plain$estimate))
  expect_equal(ratio$conf.high, exp(plain$conf.high))
  expect_identical(ratio$std.error, plain$std.error)
  normal <- generics::tidy(small_fit(), exponentiate = TRUE)
  theta <- grepl("^theta", normal$term)
  expect_true(any(theta))
  expect_equal(normal$estimate[theta], unname(exp(coef(small_fit())[theta])))
  expect_equal(normal$estimate[!theta], unname(coef(small_fit())[!theta]))
  expect_error(generics::tidy(small_fit(1), exponentiate = TRUE), class = "gbtm_nothing_to_exponentiate")
  expect_equal(generics::tidy(small_fit(), conf.int = TRUE, conf.method = "profile")$conf.low,
               unname(confint(small_fit(), method = "profile")[, 1]))
})
