# Fits that have what the example fit has not, made once.
sigma_fit <- function(...) gbtm(y ~ t, small_data(), id = "id", groups = 2, order = 1, ..., control = quick())

test_that("sigma() is the sd around the curves, common or of each group", {
  need_engine()
  fit <- small_fit()
  expect_identical(sigma(fit), coef(fit)[["sigma"]])
  # the maximum-likelihood sd, groups being told apart for certain
  d <- small_data()
  rest <- stats::residuals(stats::lm(y ~ t * factor(assignment(fit)[as.character(id)]), d))
  expect_equal(sigma(fit), sqrt(mean(rest^2)), tolerance = 1e-4)
  own <- sigma_fit(sigma_by_group = TRUE)
  expect_identical(names(sigma(own)), c("group_1", "group_2"))
  expect_identical(unname(sigma(own)), unname(coef(own)[c("sigma[1]", "sigma[2]")]))
  censored <- sigma_fit(family = "cnorm", min = -50, max = 50)
  expect_equal(sigma(censored), sigma(fit), tolerance = 1e-5)
  one <- small_fit(1)
  expect_identical(sigma(one), coef(one)[["sigma"]])
})

test_that("what a mixture does not have is refused with the way out", {
  fit <- example_fit()
  error <- expect_error(sigma(fit), "family 'zip' has no sigma", class = "gbtm_no_sigma")
  expect_match(error$way_out, "pearson")
  expect_error(sigma(fit, use.fallback = FALSE), class = "gbtm_no_sigma")
  error <- expect_error(df.residual(fit), "no residual degrees of freedom", class = "gbtm_no_residual_df")
  expect_match(error$way_out, "1160 observations (nobs()) of 150 subjects, and 12 parameters", fixed = TRUE)
  expect_s3_class(error, "gbtm_error")
})

test_that("deviance() is -2 log L: differences of nested fits are likelihood-ratio statistics", {
  need_engine()
  small <- small_fit()
  large <- sigma_fit(sigma_by_group = TRUE)
  expect_equal(deviance(small), -2 * as.numeric(logLik(small)))
  expect_equal(deviance(small) - deviance(large), anova(small, large)$Chisq[2])
  expect_equal(AIC(small), deviance(small) + 2 * length(coef(small)))
})

test_that("weights() are the subjects' sampling weights", {
  need_engine()
  expect_null(weights(small_fit()))
  d <- transform(small_data(), w = 1 + id %% 3)
  d <- d[order(-d$id, d$t), ]
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, weights = "w", control = quick())
  each <- d$w[d$t == 0]
  expect_equal(weights(fit), stats::setNames(each / mean(each), 16:1))
  expect_identical(names(weights(fit)), as.character(posterior(fit)$id))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_identical(weights(read_gbtm(file)), weights(fit))
})

test_that("family() names the distribution and its link, and prints", {
  fit <- example_fit()
  own <- family(fit)
  expect_s3_class(own, c("gbtm_family", "family"))
  expect_identical(c(own$family, own$link, own$zero_link), c("zip", "log", "logit"))
  expect_equal(own$linkinv(own$linkfun(c(0.2, 3))), c(0.2, 3))
  lines <- capture.output(print(own))
  expect_match(lines, "^Family: zip \\(zero-inflated Poisson\\)$", all = FALSE)
  expect_match(lines, "^Link function: log$", all = FALSE)
  for (name in names(gbtm:::family_table())) {
    other <- family(replace(fit, "family", name))
    links <- list(normal = "identity", cnorm = "identity", logit = "logit", beta = "logit",
                  binomial = "logit", ordinal = "logit", multinomial = "logit")
    expect_identical(other$link, if (is.null(links[[name]])) "log" else links[[name]], info = name)
    expect_identical(is.null(other$zero_link), !name %in% c("zip", "zinb", "hurdle", "hurdle_negbin"), info = name)
    expect_output(print(other), paste0("Family: ", name), info = name)
  }
  need_engine()
  censored <- sigma_fit(family = "cnorm", min = -50)
  expect_identical(c(family(censored)$lower, family(censored)$upper), c(-50, Inf))
  expect_output(print(family(censored)), "Censored at: -50")
})
