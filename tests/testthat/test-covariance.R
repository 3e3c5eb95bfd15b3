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

test_that("corrections for few people and clusters are the formulas, and intervals and tests go by t", {
  need_engine()
  d <- small_data()
  d$school <- (d$id * 7) %% 5
  expect_warning(
    fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, cluster = "school", control = quick()),
    "5 clusters leave 4 degrees of freedom"
  )
  expect_identical(fit$cov_type, "cluster")
  n <- fit$n_subjects
  k <- length(coef(fit))
  expect_equal(vcov(fit, cov_type = "hc1"), vcov(fit, cov_type = "robust") * n / (n - k), tolerance = 1e-9)
  expect_equal(vcov(fit, cov_type = "CR1S"), vcov(fit) * (n - 1) / (n - k), tolerance = 1e-9)
  expect_gt(min(diag(vcov(fit, cov_type = "HC3")) / diag(vcov(fit, cov_type = "robust"))), 1)
  for (case in list(list("CR3", 4), list("HC2", n - k))) {
    se <- sqrt(diag(vcov(fit, cov_type = case[[1]])))
    half <- qt(0.975, case[[2]]) * se
    expect_equal(unname(confint(fit, cov_type = case[[1]])), unname(cbind(coef(fit) - half, coef(fit) + half)))
    table <- summary(fit, cov_type = case[[1]])$coefficients
    expect_identical(colnames(table)[3:4], c("t", "Pr(>|t|)"))
    expect_equal(unname(table[, 4]), unname(2 * pt(-abs(coef(fit) / se), case[[2]])))
    expect_output(print(summary(fit, cov_type = case[[1]])), sprintf("%s: .* t with %g degrees", case[[1]], case[[2]]))
  }
  test <- wald_test(fit, "t[1] = 0")
  expect_equal(test$p.value, unname(coefficient_table(fit)["t[1]", 4]))
  expect_equal(unname(test$parameter), c(1, 4))
  expect_named(wald_test(fit, "t[1] = 0", test = "Chisq")$statistic, "Chisq")
  curve <- predict(fit)
  expect_equal(curve$upper, curve$estimate + qt(0.975, 4) * curve$se)
  expect_true(all(c("t", "p") %in% names(odds_ratios(fit))))
  again <- tempfile(fileext = ".json")
  write_gbtm(fit, again)
  expect_identical(confint(read_gbtm(again)), confint(fit))
  plain <- small_fit()
  expect_identical(confint(plain)[, 2], coef(plain) + qnorm(0.975) * sqrt(diag(vcov(plain))))
  expect_identical(colnames(summary(plain)$coefficients)[3], "z")
  expect_error(vcov(plain, cov_type = "CR2"), class = "gbtm_bad_cov_type")
  expect_match(tryCatch(vcov(plain, cov_type = "CR1"), error = conditionMessage), "called \"cluster\"", fixed = TRUE)
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
