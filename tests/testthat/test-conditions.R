refuses <- function(call, argument, value) {
  error <- expect_error(call(value), class = paste0("gbtm_bad_", argument))
  expect_identical(error$argument, argument)
  expect_true(nzchar(error$way_out))
}

test_that("every door refuses a level that is none, by the argument's name", {
  fit <- example_fit()
  doors <- list(
    confint = function(v) confint(fit, level = v), profile = function(v) confint(fit, level = v, method = "profile"),
    predict = function(v) predict(fit, level = v), odds = function(v) odds_ratios(fit, level = v),
    delta = function(v) delta_method(fit, "exp(theta[2])", level = v), plot = function(v) plot(fit, level = v),
    matrix = function(v) plot_matrix(fit, level = v),
    report = function(v) grolts_report(fit, "unwritten.html", level = v), table = function(v) to_table(fit, level = v)
  )
  for (value in list(0, 1, 1.5, -0.1, NaN, NA, "0.95", c(0.9, 0.95), TRUE)) {
    for (door in doors) refuses(door, "level", value)
  }
  for (value in list(0, 1.5, NaN, "0.95", c(0.9, 0.95))) {
    refuses(function(v) tidy.gbtm(fit, conf.level = v), "conf.level", value)
    refuses(function(v) tidy.gbtm(fit, conf.int = TRUE, conf.level = v), "conf.level", value)
  }
})

test_that("what resampling and pooling return refuses such a level too", {
  need_engine()
  boot <- suppressWarnings(bootstrap(small_fit(), n = 2, n_starts = 0))
  pooled <- suppressWarnings(pool(list(small_fit(), small_fit())))
  for (value in list(0, 1.5, NaN, "0.95")) {
    for (x in list(boot, pooled)) {
      for (door in list(confint, summary, function(x, level) predict(x, level = level))) {
        refuses(function(v) door(x, level = v), "level", value)
      }
    }
    refuses(function(v) plot(boot, level = v), "level", value)
    refuses(function(v) tidy.gbtm_bootstrap(boot, conf.level = v), "conf.level", value)
    refuses(function(v) tidy.gbtm_pooled(pooled, conf.level = v), "conf.level", value)
    refuses(function(v) blrt(small_fit(), alpha = v), "alpha", value)
    refuses(function(v) blrt(small_search(), alpha = v), "alpha", value)
  }
})

test_that("every door refuses a seed that is none, by the argument's name", {
  need_engine()
  fit <- small_fit()
  doors <- list(
    function(v) gbtm_control(seed = v), function(v) simulate(fit, seed = if (is.null(v)) NA else v),
    function(v) bootstrap(fit, n = 2, seed = v), function(v) blrt(fit, seed = v), function(v) lmr(fit, seed = v),
    function(v) cross_validate(fit, seed = v), function(v) residual_checks(fit, seed = v),
    function(v) ar1_check(fit, seed = v)
  )
  of_search <- list(function(v) blrt(small_search(), seed = v), function(v) cross_validate(small_search(), seed = v))
  for (value in list(-1, 1.5, NA, "0", c(1, 2), TRUE)) for (door in c(doors, of_search)) refuses(door, "seed", value)
  for (door in doors) refuses(door, "seed", NULL)
})

test_that("every door refuses a count that is none, by the argument's name", {
  need_engine()
  fit <- small_fit()
  doors <- list(
    n = function(v) bootstrap(fit, n = v), n_starts = function(v) bootstrap(fit, n = 2, n_starts = v),
    n_max = function(v) blrt(fit, n_max = v), n_min = function(v) blrt(fit, n_min = v),
    n_starts = function(v) blrt(fit, n_starts = v), n_starts = function(v) cross_validate(fit, n_starts = v),
    folds = function(v) cross_validate(fit, folds = v), lags = function(v) residual_checks(fit, lags = v),
    nsim = function(v) simulate(fit, nsim = v), n_starts = function(v) ar1_check(fit, n_starts = v),
    max_starts = function(v) gbtm_control(max_starts = v), n = function(v) plot(fit, n = v)
  )
  for (value in list(-1, 1.5, "many")) for (i in seq_along(doors)) refuses(doors[[i]], names(doors)[i], value)
  skip_if_not_installed("ggplot2")
  for (value in list(-1, 1.5, "many")) refuses(function(v) plot_groups(fit, individuals = v), "individuals", value)
})
