# subset and na.action as lm() has them.

test_that("subset fits the rows that lm() fits, and keeps their names", {
  need_engine()
  d <- small_data()
  d$t[5] <- NA
  least <- 1
  fit <- gbtm(y ~ t, d, "id", 1, 1, control = quick(), subset = t >= least)
  reference <- stats::lm(y ~ t, d, subset = t >= least)
  expect_equal(unname(coef(fit)[1:2]), unname(stats::coef(reference)), tolerance = 1e-6)
  expect_identical(names(fitted(fit)), names(stats::fitted(reference)))
  expect_identical(update(fit, subset = t >= 1 & id < 10)$nobs, 27L)
  search <- gbtm_search(y ~ t, d, "id", 1, list(1), "groups", control = quick(), subset = t >= least, seed = 3)
  expect_identical(coef(best(search)), coef(fit))
  expect_identical(best(search)$search$rng, 3L)
})

test_that("rows are told by a condition or by their numbers", {
  d <- data.frame(a = c(1, NA, 3, 4), row.names = letters[1:4])
  kept <- function(expression) row.names(subset_rows(d, expression, environment()))
  expect_identical(kept(NULL), letters[1:4])
  expect_identical(kept(quote(a > 1)), c("c", "d"))
  expect_identical(kept(c(2, 4)), c("b", "d"))
  expect_identical(kept(-1), c("b", "c", "d"))
  bad <- list(quote(a > 9), quote(zz > 1), quote(a), c(1, 1), c(-1, 2), 5, 0, "a", c(TRUE, FALSE), quote(stop("no")))
  for (expression in bad) expect_error(kept(expression), "subset: ", class = "gbtm_bad_subset")
})

test_that("na.fail makes a missing value an error, and na.omit and na.exclude are what is done anyway", {
  need_engine()
  d <- transform(small_data(), w = 1)
  fit <- function(d, action, ...) gbtm(y ~ t, d, "id", 1, 1, control = quick(), na.action = action, ...)
  expect_s3_class(fit(d, na.fail), "gbtm")
  for (column in c("y", "t", "id")) {
    lost <- d
    lost[[column]][3] <- NA
    expect_error(fit(lost, na.fail), paste0(column, ": 1 value is missing"), class = "gbtm_missing_values")
    for (action in list(na.omit, "na.exclude", NULL)) expect_identical(fit(lost, action)$nobs, 63L)
  }
  lost <- d
  lost$w[lost$id == 2] <- NA
  expect_error(fit(lost, "na.fail", weights = "w"), "weights: 1 value", class = "gbtm_missing_values")
  expect_error(fit(d, na.pass), "na.action: this function", class = "gbtm_bad_na.action")
  expect_error(fit(d, "drop"), "na.action: \"drop\"", class = "gbtm_bad_na.action")
  expect_error(gbtm_search(y ~ t, replace(d, "y", NA), "id", na.action = na.fail), class = "gbtm_missing_values")
})
