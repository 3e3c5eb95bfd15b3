# A fit with these coefficients and log-likelihood, as far as anova() reads one.
nested_fit <- function(names, loglik, n_groups = 2, family = "normal", y = 1:20 / 7, cov_type = "hessian",
                       dropout = NULL) {
  structure(class = "gbtm", list(
    spec = list(dropout = dropout),
    coefficients = stats::setNames(rep(1, length(names)), names), loglik = loglik, n_groups = n_groups,
    family = family, nobs = length(y), n_subjects = 5, data = data.frame(y = y), formula = y ~ t, cov_type = cov_type,
    curves = list(family = family, lower = -Inf, upper = Inf)
  ))
}

line <- c("intercept[1]", "t[1]", "intercept[2]", "t[2]", "sigma", "theta[2]")

test_that("nested fits are compared by their likelihood ratio, smallest first", {
  small <- nested_fit(line, -100)
  middle <- nested_fit(c(line, "t^2[2]"), -97)
  large <- nested_fit(c(line, "t^2[1]", "t^2[2]", "theta_X[2]"), -94)
  table <- anova(large, small, middle)
  expect_s3_class(table, "anova")
  expect_identical(row.names(table), c("small", "middle", "large"))
  expect_equal(table$Chisq, c(NA, 6, 6))
  expect_equal(table$Df, c(NA, 1, 2))
  expect_equal(table[["Pr(>Chisq)"]], c(NA, pchisq(6, 1, lower.tail = FALSE), pchisq(6, 2, lower.tail = FALSE)))
  expect_equal(table$BIC[1], 200 + 6 * log(5))
  expect_output(print(table), "Likelihood ratio")
})

test_that("a common part may become the groups' own, not the other way round", {
  common <- nested_fit(line, -100)
  own <- nested_fit(c(setdiff(line, "sigma"), "sigma[1]", "sigma[2]"), -98)
  expect_equal(anova(common, own)[2, "Pr(>Chisq)"], pchisq(4, 1, lower.tail = FALSE))
  wide <- nested_fit(c(line, "t^2[1]", "t^2[2]"), -95)
  expect_warning(anova(own, wide), "more of sigma", class = "gbtm_no_chisq")
})

test_that("comparisons without a chi-square have no p-value, and say why", {
  small <- nested_fit(line, -100)
  cases <- list(
    list(nested_fit(c(line, "intercept[3]", "theta[3]"), -90, n_groups = 3), "3 groups against 2"),
    list(nested_fit(sub("sigma", "t^2[1]", line), -99), "as many parameters"),
    list(nested_fit(c(line, "t^2[1]"), -101), "fits worse"),
    list(nested_fit(c(line, "t^2[1]"), -99, cov_type = "robust"), "no likelihood ratio"),
    list(nested_fit(c(line, "t^2[1]"), -99, dropout = c(0, 1)), "dropout of other orders"),
    list(nested_fit(c(setdiff(line, "t[2]"), "a[1]", "a[2]"), -99), "more of t than")
  )
  for (case in cases) {
    expect_warning(table <- anova(small, case[[1]]), case[[2]], class = "gbtm_no_chisq")
    expect_true(all(is.na(table[2, c("Chisq", "Df", "Pr(>Chisq)")])))
    expect_false(anyNA(table[2, c("npar", "logLik", "AIC", "BIC")]))
  }
  without <- nested_fit(c("intercept[2]", "t[2]", "zero_intercept[2]", "theta[2]"), -100, family = "zip")
  rate <- nested_fit(c("intercept[1]", "intercept[2]", "t[2]", "zero_intercept[2]", "theta[2]"), -99, family = "zip")
  expect_warning(anova(without, rate), "without a rate", class = "gbtm_no_chisq")
  zero <- nested_fit(c(names(coef(rate)), "zero_intercept[1]"), -98, family = "zip")
  expect_warning(anova(rate, zero), "without a zero part", class = "gbtm_no_chisq")
})

test_that("fits to other data or families are not compared", {
  small <- nested_fit(line, -100)
  expect_error(anova(small), class = "gbtm_one_fit")
  expect_error(anova(small, 1), class = "gbtm_bad_fit")
  expect_error(anova(small, nested_fit(c(line, "t^2[1]"), -99, y = 1:20)), class = "gbtm_other_data")
  expect_error(anova(small, nested_fit(c(line, "t^2[1]"), -99, y = 1:19)), class = "gbtm_other_data")
  expect_error(anova(small, nested_fit(c(line, "t^2[1]"), -99, family = "logit")), class = "gbtm_other_family")
})

test_that("real fits are compared", {
  need_engine()
  d <- two_curves()
  fit <- function(order) gbtm(y ~ t, d, id = "id", groups = 2, order = order, control = quick())
  small <- fit(1)
  large <- fit(2)
  table <- anova(small, large)
  expect_equal(table$Chisq[2], 2 * (as.numeric(logLik(large)) - as.numeric(logLik(small))))
  expect_equal(table$Df[2], 2)
  expect_gt(table[2, "Pr(>Chisq)"], 1e-4)
  wald <- wald_test(large, "t^2[1] = 0, t^2[2] = 0")
  expect_equal(unname(wald$statistic), table$Chisq[2], tolerance = 0.1)
})

test_that("a random effect that is 0 in the smaller fit is at its bound", {
  need_engine()
  skip_if_not_installed("nlme")
  set.seed(9)
  d <- expand.grid(t = 0:4, id = 1:40)
  d$y <- 1 + 0.3 * d$t + stats::rnorm(40, sd = 0.5)[d$id] + stats::rnorm(nrow(d))
  fit <- function(...) gbtm(y ~ t, d, id = "id", order = 1, control = quick(), ...)
  fixed <- fit(groups = 1)
  random <- fit(groups = 1, rorder = 0)
  table <- anova(fixed, random)
  theirs <- nlme::lme(y ~ t, d, ~ 1 | id, method = "ML")
  expect_equal(as.numeric(logLik(random)), as.numeric(logLik(theirs)), tolerance = 1e-6)
  chisq <- 2 * as.numeric(logLik(theirs) - logLik(lm(y ~ t, d)))
  expect_equal(table[2, "Chisq"], chisq, tolerance = 1e-4)
  expect_equal(table[2, "Pr(>Chisq)"], stats::pchisq(chisq, 1, lower.tail = FALSE) / 2, tolerance = 1e-3)
  expect_match(attr(table, "heading"), "half the time each", all = FALSE)
  # an intercept's and a slope's sd, or those of two groups, are a mixture whose weights depend on the data
  slope <- suppressWarnings(fit(groups = 1, rorder = 1))
  expect_no_warning(table <- anova(fixed, slope))
  tails <- stats::pchisq(table[2, "Chisq"], 1:2, lower.tail = FALSE)
  expect_true(table[2, "Pr(>Chisq)"] > tails[1] / 2 && table[2, "Pr(>Chisq)"] < tails[2])
  expect_match(paste(attr(table, "heading"), collapse = " "), "is distributed as 0[.]")
  correlated <- suppressWarnings(fit(groups = 1, rorder = 1, rcorr = TRUE))
  # a slope and its correlation, beside an intercept that is there: half with one degree of freedom, half with two
  table <- anova(random, correlated)
  expect_equal(table[2, "Pr(>Chisq)"], mean(stats::pchisq(table[2, "Chisq"], 1:2, lower.tail = FALSE)))
  expect_equal(half_and_half(5, 3), mean(stats::pchisq(5, 2:3, lower.tail = FALSE)))
  expect_equal(half_and_half(0, 1), 1)
})
