# Terms of time: slopes, mgcv's cyclic spline, sine and cosine, and fits with them.

left_of <- function(x, space) max(abs(lm.fit(space, x)$residuals))

test_that("coefficients of lspline() are the slopes of its segments, at any time", {
  x <- seq(2, 50, 0.5)
  made <- lspline(x, knots = c(15, 12))
  want <- ifelse(x <= 12, 0.5 * x, ifelse(x <= 15, 6 - 1.25 * (x - 12), 6 - 1.25 * 3 + 3 * (x - 15)))
  expect_equal(as.vector(made %*% c(0.5, -1.25, 3)), want)
  expect_equal(attr(lspline(x, df = 4), "term")$knots, unname(quantile(x, c(0.25, 0.5, 0.75))))
  expect_equal(as.vector(lspline(x, df = 1)), x)
  d <- data.frame(x, y = want + sin(1:97))
  m <- lm(y ~ lspline(x, df = 3), d)
  expect_equal(unname(predict(m, d[c(90, 3), ])), unname(fitted(m)[c(90, 3)])) # knots are those of the fit
})

test_that("cc() spans mgcv's cyclic splines, and goes round", {
  skip_if_not_installed("mgcv")
  x <- 0:47 / 2
  knots <- c(0, 3, 6.5, 9, 12)
  smooth <- getExportedValue("mgcv", "smoothCon")
  term <- getExportedValue("mgcv", "s")(x, bs = "cc", k = 5)
  theirs <- smooth(term, data.frame(x = x %% 12), list(x = knots))[[1]]$X
  mine <- cbind(1, cc(x, knots = c(3, 6.5, 9), period = 12))
  expect_identical(dim(mine), dim(theirs))
  expect_lt(left_of(mine, theirs), 1e-12)
  expect_lt(left_of(theirs, mine), 1e-12)
  at <- cc(knots, knots = c(3, 6.5, 9), period = c(0, 12))
  expect_equal(matrix(at, 5), rbind(0, diag(3), 0))
  step <- 1e-3 # one inner knot: the knot before is the one after
  end <- cc(12 + step * -4:4, knots = 2, period = 12)
  for (order in 1:2) {
    slopes <- diff(end, differences = order) / step^order
    expect_lt(abs(slopes[length(slopes) / 2] - slopes[length(slopes) / 2 + 1]), 20 * step)
  }
})

test_that("sincos() is sine and cosine", {
  made <- sincos(1:24, period = 12, order = 2)
  expect_identical(colnames(made), c("sin1", "cos1", "sin2", "cos2"))
  expect_equal(as.vector(made[, "cos2"]), cos(2 * pi * 2 * 1:24 / 12))
  expect_equal(as.vector(made[, "sin1"]), sin(2 * pi * 1:24 / 12))
})

test_that("settings that make no curve are refused, in a fit too", {
  x <- 0:19
  expect_error(lspline(x), "either knots or df", class = "gbtm_bad_time_term")
  expect_error(lspline(x, knots = 25), "largest value, 0 and 19", class = "gbtm_bad_time_term")
  expect_error(lspline(x, knots = c(3, 3)), "different, finite", class = "gbtm_bad_time_term")
  expect_error(lspline(x, df = 2.5), "whole number", class = "gbtm_bad_time_term")
  expect_error(lspline(rep(1:2, 40), df = 5), "fall together", class = "gbtm_bad_time_term")
  expect_error(cc(x, df = 3), "a number above 0", class = "gbtm_bad_time_term")
  expect_error(cc(x, df = 3, period = c(5, 1)), "a number above 0", class = "gbtm_bad_time_term")
  expect_error(cc(x, knots = 12, period = 12), "within the period", class = "gbtm_bad_time_term")
  expect_error(sincos(x), "above 0", class = "gbtm_bad_time_term")
  expect_error(sincos(x, 12, order = 1.5), "from 1 to 50", class = "gbtm_bad_time_term")
  expect_error(gbtm(y ~ lspline(t, knots = 99), two_curves(10), id = "id", groups = 1), class = "gbtm_bad_time_term")
})

test_that("a fit has the term's curve as lm() has it, wherever the term is found", {
  need_engine()
  d <- two_curves(40, times = 0:9)
  d$y <- d$y + abs(d$t - 4)
  cases <- list(y ~ lspline(t, knots = c(3, 6)), y ~ ns(t, df = 3), y ~ cc(t, df = 3, period = 8),
                y ~ t + sincos(t, period = 6))
  for (formula in cases) {
    text <- deparse(formula)
    theirs <- formula
    environment(theirs) <- list2env(list(ns = splines::ns), parent = environment())
    environment(formula) <- baseenv() # where neither package is attached
    fit <- gbtm(formula, d, id = "id", groups = 1, control = quick())
    m <- lm(theirs, d)
    expect_equal(unname(coef(fit)[seq_along(coef(m))]), unname(coef(m)), tolerance = 1e-7, info = text)
    new <- data.frame(t = c(0.25, 5.5, 9))
    expect_equal(predict(fit, newdata = new)$estimate, unname(predict(m, new)), tolerance = 1e-7, info = text)
  }
})

test_that("slopes of segments can be tested and set equal", {
  need_engine()
  d <- two_curves(60, times = 0:9)
  name <- "lspline(t, knots = 4)"
  free <- gbtm(y ~ lspline(t, knots = 4), d, id = "id", groups = 2, control = quick())
  equal <- sprintf("%s1[%d] = %s2[%d]", name, 1:2, name, 1:2)
  expect_equal(unname(wald_test(free, paste(equal, collapse = ", "))$parameter), 2)
  line <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = quick())
  bound <- gbtm(y ~ lspline(t, knots = 4), d, id = "id", groups = 2, constraints = equal, control = quick())
  expect_equal(as.numeric(logLik(bound)), as.numeric(logLik(line)), tolerance = 1e-8)
})

test_that("a search for groups, several outcomes and data on disk take terms", {
  need_engine()
  d <- two_curves(40, times = 0:9)
  d$z <- sin(2 * pi * d$t / 6) + d$y / 5
  found <- suppressWarnings(gbtm_search(y ~ lspline(t, knots = 4), d, id = "id", groups = 1:2, control = quick()))
  expect_identical(row.names(found$table)[1], "1: lspline(t, knots = 4)")
  both <- suppressWarnings(gbtm(list(y ~ ns(t, df = 2), z ~ sincos(t, period = 6)), d, id = "id", groups = 2,
                                control = quick()))
  once <- predict(both, times = c(1, 7), outcome = "z")
  expect_equal(once$estimate[1], once$estimate[2], tolerance = 1e-10)
  expect_identical(gbtm:::formula_on_files(y ~ t + gbtm::sincos(t, period = 6), c("y", "t"), NULL),
                   "y ~ t + sincos(t, period=6)")
  here <- c(3, 6)
  spline <- y ~ splines::ns(t, knots = here, Boundary.knots = c(1, 8))
  expect_identical(gbtm:::formula_on_files(spline, c("y", "t"), NULL),
                   "y ~ ns(t, knots=[3, 6], boundary_knots=[1, 8])")
  expect_identical(gbtm:::formula_on_files(y ~ splines::bs(t, df = 4), c("y", "t"), NULL), "y ~ bs(t, df=4)")
  expect_error(gbtm:::formula_on_files(y ~ log(t), c("y", "t"), NULL), class = "gbtm_not_on_disk")
})
