# Successes out of trials: against glm(), and the two ways to write them.

successes <- function() {
  set.seed(5)
  d <- expand.grid(t = 0:4, id = 1:80)
  low <- rep(stats::rbinom(80, 1, 0.4), each = 5)
  d$n <- sample(1:12, nrow(d), replace = TRUE)
  d$k <- stats::rbinom(nrow(d), d$n, stats::plogis(ifelse(low == 1, -1.5 + 0.3 * d$t, 1 - 0.2 * d$t)))
  d
}

two <- function(formula, data, ...) {
  suppressWarnings(gbtm(formula, data, id = "id", groups = 2, order = 1, ...,
                        control = gbtm_control(n_starts = 3, seed = 1)))
}

test_that("a formula of successes and failures is read as successes of trials", {
  of <- function(formula, given = FALSE) successes_of(formula, "binomial", given)
  expect_identical(of(cbind(k, n - k) ~ t)$trials, "n")
  expect_identical(of(cbind(k, 10 - k) ~ t)$trials, 10)
  expect_identical(deparse(of(cbind(k, failed) ~ t)$trials), "~k + failed")
  expect_identical(deparse(of(cbind(k, n - k) ~ t)$formula), "k ~ t")
  expect_null(of(k ~ t))
  expect_null(successes_of(cbind(a, b) ~ t, "normal", FALSE)) # two waves
  expect_identical(successes_of(cbind(k, n - k) ~ t, binomial(), FALSE)$trials, "n")
  expect_error(of(cbind(a, b, c) ~ t), class = "gbtm_bad_formula")
  expect_error(of(cbind(k, n - k) ~ t, TRUE), class = "gbtm_given_twice")
})

test_that("one group is glm()", {
  need_engine()
  d <- successes()
  fit <- gbtm(cbind(k, n - k) ~ t, d, id = "id", groups = 1, order = 2, family = "binomial")
  m <- glm(cbind(k, n - k) ~ t + I(t^2), binomial(), d, control = list(epsilon = 1e-14))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(m)), tolerance = 1e-10)
  expect_equal(unname(coef(fit)), unname(coef(m)), tolerance = 1e-6)
  expect_equal(unname(sqrt(diag(vcov(fit)))), unname(sqrt(diag(vcov(m)))), tolerance = 1e-5)
  expect_equal(unname(fitted(fit)), unname(fitted(m) * d$n), tolerance = 1e-6)
})

test_that("the ways to say trials are the same model, and predictions have them", {
  need_engine()
  d <- successes()
  fit <- two(k ~ t, d, family = "binomial", trials = "n")
  d$failed <- d$n - d$k
  for (other in list(two(cbind(k, n - k) ~ t, d, family = binomial()),
                     two(cbind(k, failed) ~ t, d, family = "binomial"),
                     two(k ~ t, d, family = binomial, trials = ~ n), two(k ~ t, d, family = "binomial", trials = n))) {
    expect_equal(coef(other), coef(fit), tolerance = 1e-7)
    expect_identical(other$family, "binomial")
  }
  expect_equal(as.numeric(predict(fit, newdata = d[d$id < 4, ], type = "posterior")$group_1),
               unname(fit$posterior[1:3, 1]), tolerance = 1e-7)
  curve <- predict(fit, times = c(0, 3))
  b <- matrix(coef(fit)[1:4], 2)
  expect_equal(curve$estimate, as.vector(plogis(rbind(b[1, ], b[1, ] + 3 * b[2, ]))), tolerance = 1e-10)
  p <- fit$posterior[, 1]
  first <- d$t == 0
  expect_equal(observed_means(fit)$mean[1], sum(p * d$k[first]) / sum(p * d$n[first]), tolerance = 1e-10)
  expect_identical(outcome_label(fit), "share of k among the trials")
  expect_true(all(own_lines(fit, 5)$y <= 1))
  expect_identical(names(model.frame(fit))[4], "n")
  drawn <- simulate(fit, seed = 1)
  expect_true(all(drawn$k <= d$n) && any(drawn$k > 1))
})

test_that("a number of trials stands for all, wide data and files have trials", {
  need_engine()
  d <- successes()
  d$n <- 12
  fit <- two(k ~ t, d, family = "binomial", trials = 12)
  expect_equal(as.numeric(logLik(two(cbind(k, n - k) ~ t, d, family = "binomial"))), as.numeric(logLik(fit)))
  wide <- stats::reshape(d, direction = "wide", idvar = "id", timevar = "t", sep = "_")
  of_wide <- suppressWarnings(gbtm(
    k ~ t, wide, id = "id", groups = 2, order = 1, family = "binomial", trials = "n",
    wide = list(k = paste0("k_", 0:4), n = paste0("n_", 0:4), t = 0:4), control = gbtm_control(n_starts = 3, seed = 1)))
  expect_equal(as.numeric(logLik(of_wide)), as.numeric(logLik(fit)), tolerance = 1e-9)
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, file)
  again <- read_gbtm(file)
  expect_equal(as.numeric(predict(again, newdata = d[d$id < 3, ], type = "posterior")$group_1),
               unname(fit$posterior[1:2, 1]), tolerance = 1e-7)
})

test_that("binomial without trials is a logit, and trials go with binomial alone", {
  need_engine()
  d <- successes()
  d$b <- as.numeric(d$k > d$n / 2)
  expect_identical(two(b ~ t, d, family = "binomial")$family, "logit")
  expect_error(two(k ~ t, d, family = "poisson", trials = "n"), class = "gbtm_bad_trials")
  expect_error(two(k ~ t, d, family = "binomial", trials = 2), class = "gbtm_bad_outcome")
  expect_error(two(cbind(k, n - k) ~ t, d, family = "binomial", trials = "n"), class = "gbtm_given_twice")
})

test_that("successes and failures in a list of outcomes are as alone", {
  need_engine()
  d <- successes()
  d$x <- stats::rnorm(nrow(d), d$k / d$n)
  listed <- function(formulas, ...) {
    suppressWarnings(gbtm(formulas, d, id = "id", groups = 2, order = 1, ..., control = gbtm_control(n_starts = 3)))
  }
  wanted <- listed(list(x ~ t, outcome(k ~ t, family = "binomial", trials = "n")))
  for (fit in list(listed(list(x ~ t, cbind(k, n - k) ~ t), family = c("normal", "binomial")),
                   listed(list(x ~ t, outcome(cbind(k, n - k) ~ t)), family = list("normal", binomial)),
                   listed(list(x ~ t, k = cbind(k, n - k) ~ t), family = c(k = "binomial", x = "normal")),
                   listed(list(x ~ t, outcome(cbind(k, n - k) ~ t, family = "binomial"))))) {
    expect_equal(coef(fit), coef(wanted), tolerance = 1e-7)
  }
  alone <- listed(list(cbind(k, n - k) ~ t), family = binomial)
  expect_equal(coef(alone), coef(listed(k ~ t, family = "binomial", trials = "n")), tolerance = 1e-6)
  found <- gbtm_search(list(x ~ t, cbind(k, n - k) ~ t), d, id = "id", groups = 1, order = 1,
                       family = c("normal", "binomial"), control = gbtm_control(n_starts = 1))
  expect_match(names(coef(best(found))), "^k: |^x: |theta", all = TRUE)
  expect_error(listed(list(x ~ t, cbind(k, n - k) ~ t), family = c("normal", "binomial"), trials = "n"),
               class = "gbtm_given_twice")
  # without the family two columns are two waves, and it is said what makes them trials
  for (family in list("normal", c("normal", "poisson"))) {
    expect_error(listed(list(x ~ t, cbind(k, n - k) ~ t), family = family), "binomial", class = "gbtm_wave_mismatch")
  }
  expect_error(listed(cbind(k, n - k) ~ t), "family = \"binomial\" takes them so", class = "gbtm_wave_mismatch")
})
