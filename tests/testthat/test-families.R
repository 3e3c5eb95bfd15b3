# Curves of each family against formulas, and families that this version does not know.

curves_of_family <- function(family, lower = -Inf, upper = Inf) list(family = family, lower = lower, upper = upper)

predictors_at <- function(eta) {
  rows <- function(x) matrix(x, 1, length(eta))
  list(mean = rows(eta), zero = rows(-0.7), log_sigma = rows(0.3), log_psi = rows(-0.4), log_phi = rows(1.1),
       tau = rows(0.8))
}

test_that("means of every family are the formula's, their slopes the differences", {
  eta <- c(-2, -0.3, 0, 0.8, 1.7)
  means <- list(
    normal = eta, cnorm = eta, poisson = exp(eta), zip = exp(eta) / (1 + exp(-0.7)), negbin = exp(eta),
    zinb = exp(eta) / (1 + exp(-0.7)), logit = 1 / (1 + exp(-eta)), beta = 1 / (1 + exp(-eta)),
    gamma = exp(eta), lognormal = exp(eta + exp(0.6) / 2), zip_tau = exp(eta) / (1 + exp(-0.8 * eta)),
    hurdle = exp(eta) / (1 - dpois(0, exp(eta))) / (1 + exp(-0.7)),
    hurdle_negbin = exp(eta) / (1 - dnbinom(0, exp(0.4), mu = exp(eta))) / (1 + exp(-0.7))
  )
  expect_true(all(names(means) %in% names(family_table())))
  for (family in names(means)) {
    curves <- curves_of_family(family)
    u <- predictors_at(eta)
    expect_equal(as.vector(expected_outcome(curves, u)), means[[family]], tolerance = 1e-13, info = family)
    slopes <- expected_slopes(curves, u)
    expect_true("mean" %in% names(slopes))
    for (p in names(slopes)) {
      up <- down <- u
      up[[p]] <- u[[p]] + 1e-6
      down[[p]] <- u[[p]] - 1e-6
      difference <- (expected_outcome(curves, up) - expected_outcome(curves, down)) / 2e-6
      expect_equal(slopes[[p]], difference, tolerance = 1e-8, info = paste(family, p))
    }
    range <- outcome_range(curves)
    expect_true(all(means[[family]] >= range[1] & means[[family]] <= range[2]), info = family)
  }
  expect_identical(outcome_range(curves_of_family("cnorm", 0, 4)), c(0, 4))
})

test_that("values and densities are those of the family", {
  expect_identical(possible_values(curves_of_family("poisson"), c(0, 3, 1.5, -1)), c(TRUE, TRUE, FALSE, FALSE))
  expect_identical(possible_values(curves_of_family("logit"), c(0, 1, 2, 0.5)), c(TRUE, TRUE, FALSE, FALSE))
  expect_identical(possible_values(curves_of_family("cnorm", 0, 4), c(-1, 0, 4, 5)), c(FALSE, TRUE, TRUE, FALSE))
  for (family in c("gamma", "lognormal")) {
    expect_identical(possible_values(curves_of_family(family), c(-1, 0, 0.5, 7)), c(FALSE, FALSE, TRUE, TRUE))
  }
  expect_true(all(possible_values(curves_of_family("normal"), c(-1e9, 0.5))))
  tied <- log_density(curves_of_family("zip_tau"), predictors_at(rep(0.4, 60)), 0:59)
  expect_equal(sum(exp(tied)), 1, tolerance = 1e-12)
  expect_equal(exp(tied[1, 1]), stats::plogis(-0.32) + stats::plogis(0.32) * exp(-exp(0.4)))
  for (family in c("zip", "hurdle")) {
    counts <- log_density(curves_of_family(family), predictors_at(rep(0.4, 60)), 0:59)
    expect_equal(sum(exp(counts)), 1, tolerance = 1e-12)
  }
})

test_that("a family that this version does not know is an error that says so", {
  fit <- example_fit()
  fit$family <- fit$curves$family <- "weibull"
  expect_error(predict(fit), "update gbtm", class = "gbtm_unknown_family")
  expect_error(print(fit), "'weibull' is not known", class = "gbtm_unknown_family")
  expect_error(log_density(curves_of_family("beta"), predictors_at(0), 0.5), "engine", class = "gbtm_unknown_family")
})

test_that("a link that R does not know is an error that says so", {
  known <- families_known$table
  on.exit(families_known$table <- known)
  families_known$table <- family_table()
  families_known$table$poisson$link <- "cloglog"
  expect_error(expected_outcome(curves_of_family("poisson"), predictors_at(0)), "cloglog", class = "gbtm_unknown_link")
})

test_that("families are understood as R has them, and other links refused", {
  for (family in list(gaussian, gaussian())) expect_identical(family_name(family), "normal")
  for (family in list(poisson, poisson(), poisson("log"))) expect_identical(family_name(family), "poisson")
  for (family in list(binomial, binomial())) expect_identical(family_name(family), "logit")
  expect_identical(family_name(list(family = "nbinom2", link = "log")), "negbin")
  expect_identical(family_name(list(family = "beta", link = "logit")), "beta")
  expect_identical(family_name(Gamma("log")), "gamma")
  expect_error(family_name(Gamma()), "the link 'log' here, not 'inverse'", class = "gbtm_bad_link")
  expect_identical(family_name("tobit"), "tobit") # the engine's to read
  expect_error(family_name(poisson("sqrt")), "'poisson' has the link 'log' here, not 'sqrt'", class = "gbtm_bad_link")
  expect_error(family_name(gaussian("log")), class = "gbtm_bad_link")
  expect_error(family_name(binomial("probit")), class = "gbtm_bad_link")
  for (family in list(quasipoisson, inverse.gaussian(), mean)) {
    expect_error(family_name(family), "family: .* Use one of normal", class = "gbtm_unknown_family")
  }
  skip_if_not_installed("MASS")
  expect_identical(family_name(MASS::negative.binomial), "negbin")
  expect_warning(given <- family_name(MASS::negative.binomial(2)), "estimated", class = "gbtm_assumed")
  expect_identical(given, "negbin")
  expect_error(family_name(MASS::negative.binomial(2, "sqrt")), class = "gbtm_bad_link")
})

test_that("a fit by another name of its family is the same fit", {
  need_engine()
  d <- transform(small_data(), n = pmax(0, round(y)), b = as.numeric(y > 3))
  fit <- function(formula, family) coef(gbtm(formula, d, "id", 1, 1, family, control = quick()))
  expect_identical(fit(n ~ t, poisson), fit(n ~ t, "poisson"))
  for (family in list(binomial(), "bernoulli", "Binomial")) expect_identical(fit(b ~ t, family), fit(b ~ t, "logit"))
  expect_identical(fit(y ~ t, "gaussian"), fit(y ~ t, "normal"))
  expect_identical(fit(y ~ t, "Tobit"), fit(y ~ t, "cnorm"))
  expect_error(fit(y ~ t, "weibull"), class = "gbtm_unknown_family")
})

test_that("zeros tied to the rate are crimCV's default model, in R as in the formula", {
  need_engine()
  set.seed(4)
  d <- expand.grid(t = 0:5, id = 1:150)
  eta <- -0.2 + 0.3 * d$t
  d$y <- ifelse(stats::runif(nrow(d)) < stats::plogis(-0.9 * eta), 0, stats::rpois(nrow(d), exp(eta)))
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 1, order = 1, family = "ZIPt"))
  loss <- function(b) {
    eta <- b[1] + b[2] * d$t
    p <- stats::plogis(-b[3] * eta)
    -sum(log(p * (d$y == 0) + (1 - p) * stats::dpois(d$y, exp(eta))))
  }
  found <- stats::optim(c(0, 0, 0.5), loss, method = "BFGS", control = list(reltol = 1e-14, maxit = 500))
  expect_equal(as.numeric(logLik(fit)), -found$value, tolerance = 1e-8)
  expect_equal(unname(coef(fit)), found$par, tolerance = 1e-3)
  b <- coef(fit)
  eta <- b[[1]] + b[[2]] * predict(fit)$t
  expect_equal(predict(fit)$estimate, exp(eta) * stats::plogis(b[["tau"]] * eta))
})
