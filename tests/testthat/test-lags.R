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
