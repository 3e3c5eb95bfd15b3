# Curves of hidden units: what R computes of them by itself, against the formula and the engine.

step_data <- function(n = 60) {
  set.seed(3)
  times <- 10:20
  group <- rep(1:2, length.out = n)
  eta <- outer(c(-1, 1)[group], rep(1, length(times))) + outer(c(0.5, 2)[group], tanh((times - 14.3) / 1.2))
  data.frame(id = rep(seq_len(n), each = length(times)), age = rep(times, n),
             y = as.vector(t(eta + stats::rnorm(length(eta), 0, 0.4))))
}

test_that("network_curve() is a number of units", {
  expect_identical(network_curve(3)$units, 3L)
  expect_output(print(network_curve(1)), "1 hidden unit")
  for (bad in list(0, 2.5, 11, "3", c(1, 2), NA)) expect_error(network_curve(bad), class = "gbtm_bad_curve")
  expect_error(hidden_units(example_fit()), class = "gbtm_no_network")
})

test_that("a fit has its units, counts them, and predicts without the engine by the formula", {
  need_engine()
  data <- step_data()
  fit <- gbtm(y ~ age, data = data, id = "id", groups = 2, curve = network_curve(1),
              control = gbtm_control(n_starts = 2, progress = FALSE))
  units <- hidden_units(fit)
  expect_equal(units$location, 14.3, tolerance = 0.02)
  expect_identical(attr(logLik(fit), "df"), length(coef(fit)) + 2L)
  expect_equal(AIC(fit), -2 * as.numeric(logLik(fit)) + 2 * (length(coef(fit)) + 2))
  path <- tempfile(fileext = ".json")
  write_gbtm(fit, path)
  back <- read_gbtm(path)
  found <- predict(back, times = c(10.5, 14.2))
  b <- coef(fit)
  by_hand <- function(g) {
    unit <- tanh((c(10.5, 14.2) - units$location) / units$width)
    b[[sprintf("intercept[%d]", g)]] + b[[sprintf("tanh1[%d]", g)]] * unit
  }
  expect_equal(found$estimate, c(by_hand(1), by_hand(2)), tolerance = 1e-10)
  expect_true(all(is.na(found$lower)))
  expect_output(print(summary(back)), "Hidden units, shared by the groups, turn in age: 1 at 14")
  expect_equal(as.numeric(logLik(update(fit, start = fit))), as.numeric(logLik(fit)), tolerance = 1e-9)
  boot <- bootstrap(fit, n = 4, n_starts = 0)
  bands <- predict(boot, times = c(10.5, 14.2))
  expect_equal(bands$estimate, found$estimate, tolerance = 1e-10)
  expect_true(all(bands$lower < bands$upper))
  expect_error(equal_curves(fit), class = "gbtm_units_would_move")
  expect_error(confint(fit, method = "profile"), class = "gbtm_units_would_move")
})

test_that("one of several outcomes may be a network, and what cannot have one says so", {
  need_engine()
  data <- transform(step_data(), z = y + age / 10 + rep(c(-0.1, 0.1), length.out = length(y)))
  fit <- gbtm(list(y ~ age, z ~ age), data = data, id = "id", groups = 2, order = list(NULL, 1),
              curve = list(network_curve(1), NULL), control = gbtm_control(n_starts = 2, progress = FALSE))
  expect_identical(hidden_units(fit)$outcome, "y")
  expect_equal(hidden_units(fit)$location, 14.3, tolerance = 0.02)
  expect_error(gbtm(y ~ age, data = data, id = "id", groups = 2, curve = 3), class = "gbtm_bad_curve")
  expect_error(gbtm(y ~ age, data = data, id = "id", groups = 2, order = 2, curve = network_curve(1)),
               class = "gbtm_order_or_basis")
  expect_error(gbtm_search(y ~ age, data = data, id = "id", curve = network_curve(2)), class = "gbtm_no_network_here")
})

test_that("a prior is refused with the way out", {
  need_engine()
  expect_error(
    gbtm(offenses ~ age, data = offending, id = "id", groups = 2, family = "poisson", curve = network_curve(2),
         prior = "weak"),
    "hidden units.*Leave prior out", class = "gbtm_bad_curve")
})
