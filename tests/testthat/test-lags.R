# lag(y) among the time-varying covariates: against a column that was shifted by hand.


lagged_data <- function() {
  set.seed(1)
  d <- expand.grid(t = 0:5, id = 1:40)
  d$y <- stats::rpois(nrow(d), c(0.5, 3)[d$id %% 2 + 1])
  d
}

shifted <- function(d) {
  d$b <- stats::ave(d$y, d$id, FUN = function(y) c(NA, utils::head(y, -1)))
  d
}

write_gbtm_to_file <- function(fit) {
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  file
}

ask <- function(d, ...) suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 0, family = "poisson", ...))

test_that("the fit is that of a shifted column, and says what was left out", {
  need_engine()
  d <- lagged_data()
  fit <- ask(d, tcov = ~ log1p(lag(y)))
  known <- ask(shifted(d), tcov = ~ log1p(b))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(known)), tolerance = 1e-10)
  expect_equal(unname(coef(fit)), unname(coef(known)), tolerance = 1e-6)
  expect_true("log1p(lag(y))[1]" %in% names(coef(fit)))
  expect_warning(gbtm(y ~ t, d, id = "id", groups = 1, order = 0, family = "poisson", tcov = ~ lag(y)),
                 "40 observations")
})

test_that("first and gaps are heeded", {
  need_engine()
  d <- lagged_data()
  zero <- shifted(d)
  zero$b[is.na(zero$b)] <- 0
  expect_equal(as.numeric(logLik(ask(d, tcov = "lag(y, first = 0)"))), as.numeric(logLik(ask(zero, tcov = "b"))),
               tolerance = 1e-10)
  holes <- d[-c(3, 15), ]
  expect_equal(as.numeric(logLik(ask(holes, tcov = ~ lag(y, gaps = "last")))),
               as.numeric(logLik(ask(shifted(holes), tcov = ~b))), tolerance = 1e-10)
})

test_that("new people, simulations and files build their own lags", {
  need_engine()
  d <- lagged_data()
  fit <- ask(d, tcov = ~ lag(y))
  p <- suppressWarnings(predict(fit, newdata = d[d$id %in% 3:4, ], type = "posterior"))
  expect_equal(p$group_1, unname(predict(fit, type = "posterior")[3:4, "group_1"]), tolerance = 1e-8)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(simulate(read_gbtm(file), seed = 1), simulate(fit, seed = 1))
})

test_that("simulated lags and products with them are those of what was drawn", {
  need_engine()
  d <- lagged_data()
  d$w <- d$t %% 2 - 0.5
  fit <- ask(d, tcov = ~ w * log1p(lag(y, first = 0)))
  known <- ask(transform(shifted(d), b = ifelse(is.na(b), 0, b)), tcov = ~ w * log1p(b))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(known)), tolerance = 1e-10)
  said <- run_python(c(
    "import gbtm, numpy", "from gbtm.likelihood.simulate import simulate",
    "from gbtm.record.rebuild import layout_of, panel_of",
    sprintf("res = gbtm.load(%s)", deparse(write_gbtm_to_file(fit))),
    "m = simulate(layout_of(res), res.internal.params, panel_of(res), 3)[0].outcomes[0]",
    "before = numpy.where(m.lag_source[:, 0] >= 0, m.y[numpy.maximum(m.lag_source[:, 0], 0)], 0)",
    "w, lag, product = m.covariates.T",
    "print(numpy.allclose(lag, numpy.log1p(before)) and numpy.allclose(product, w * lag))"
  ))
  expect_identical(said, "True")
})

test_that("what is no lag of the outcome is refused", {
  need_engine()
  d <- lagged_data()
  for (bad in list(~ lag(t), ~ lag(y, 0), ~ lag(y, n = 2), ~ lag(y, gaps = "all"), ~ lag(y) + lag(y, first = 0))) {
    expect_error(ask(d, tcov = bad), class = "gbtm_bad_lag")
  }
})

test_that("curves and fitted values of new rows take the lag from the rows before, or from a column of its name", {
  need_engine()
  fit <- suppressWarnings(gbtm(offenses ~ year, data = pathways, id = "id", groups = 2, order = 1, family = "poisson",
                               tcov = ~ log1p(lag(offenses, first = 0)), control = gbtm_control(n_starts = 3)))
  seen <- data.frame(id = "new", year = 13:16, offenses = c(2, 0, 3, 1))
  before <- c(0, 2, 0, 3)
  b <- coef(fit)
  rate <- function(k) {
    of <- function(name) unname(b[sprintf("%s[%d]", name, k)])
    exp(of("intercept") + of("year") * seen$year + of("log1p(lag(offenses))") * log1p(before))
  }
  curves <- predict(fit, newdata = seen)
  expect_identical(curves[["lag(offenses)"]], rep(before, 2))
  expect_equal(curves$estimate, c(rate(1), rate(2)), tolerance = 1e-10)
  given <- data.frame(year = seen$year, check.names = FALSE, `lag(offenses)` = before)
  expect_equal(predict(fit, newdata = given)[names(curves)], curves)
  # rows in another order are the same people
  turned <- augment(fit, newdata = seen[4:1, ])
  p <- predict(fit, newdata = seen, type = "posterior")
  expect_equal(turned$.fitted, rev(p$group_1 * rate(1) + p$group_2 * rate(2)), tolerance = 1e-8)
  # without a history the fit's own profile is meant, as before
  expect_equal(predict(fit, newdata = data.frame(year = 14:15))$estimate, predict(fit, times = 14:15)$estimate)
})

test_that("a row without an outcome before it is told", {
  need_engine()
  fit <- suppressWarnings(gbtm(offenses ~ year, data = pathways, id = "id", groups = 1, order = 1, family = "poisson",
                               tcov = ~ lag(offenses), control = gbtm_control(n_starts = 1)))
  seen <- data.frame(id = "new", year = 13:15, offenses = c(2, 0, 3))
  expect_error(predict(fit, newdata = seen), "1 rows lack a value of lag(offenses)", fixed = TRUE,
               class = "gbtm_missing_covariate")
})

test_that("wide data have lags as long ones do", {
  need_engine()
  wide <- stats::reshape(pathways[c("id", "year", "offenses", "hours")], idvar = "id", timevar = "year",
                         direction = "wide")
  lists <- list(offenses = paste0("offenses.", 13:17), hours = paste0("hours.", 13:17), year = 13:17)
  for (asked in list(~ log1p(lag(offenses, first = 0)) + hours, ~ lag(offenses))) {
    fitted <- function(data, ...) {
      suppressWarnings(gbtm(offenses ~ year, data = data, id = "id", groups = 2, order = 1, family = "poisson",
                            tcov = asked, control = gbtm_control(n_starts = 3), ...))
    }
    of_wide <- fitted(wide, wide = lists)
    of_long <- fitted(pathways)
    expect_equal(coef(of_wide), coef(of_long), tolerance = 1e-8)
    expect_identical(nobs(of_wide), nobs(of_long))
    of_new <- function(fit, data) suppressWarnings(predict(fit, data, type = "posterior"))
    expect_equal(of_new(of_wide, wide)$group_1, of_new(of_long, pathways)$group_1, tolerance = 1e-8)
  }
  ahead <- suppressWarnings(list(forecast(of_wide, wide, steps = 1), forecast(of_long, pathways, steps = 1)))
  expect_equal(ahead[[1]]$mean, ahead[[2]]$mean, tolerance = 1e-8)
})
