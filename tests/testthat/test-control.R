test_that("settings are checked by name", {
  for (argument in c("n_starts", "max_starts", "seed", "time_budget", "device")) {
    for (value in list(-1, NA, c(1, 2), TRUE)) {
      error <- expect_error(do.call(gbtm_control, stats::setNames(list(value), argument)), class = "gbtm_error")
      expect_identical(error$argument, argument)
    }
  }
  expect_error(gbtm_control(n_starts = 1.5), class = "gbtm_bad_n_starts")
  expect_error(gbtm_control(progress = NA), class = "gbtm_bad_flag")
})

test_that("no limit may be said in two ways", {
  expect_identical(gbtm_control(time_budget = Inf), gbtm_control(time_budget = NULL))
  expect_output(print(gbtm_control(time_budget = NULL)), "no limit")
})
