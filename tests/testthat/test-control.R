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

test_that("a seed beside control is control's", {
  expect_identical(seeded(gbtm_control(n_starts = 2), 7), gbtm_control(n_starts = 2, seed = 7))
  expect_identical(seeded(gbtm_control(seed = 7), 7), gbtm_control(seed = 7))
  expect_identical(seeded(gbtm_control(seed = 7), NULL), gbtm_control(seed = 7))
  expect_error(seeded(gbtm_control(seed = 7), 8), "seed: 8, and control has seed 7", class = "gbtm_two_seeds")
  expect_error(seeded(gbtm_control(), 0.5), class = "gbtm_bad_seed")
  expect_error(seeded(3, 1), class = "gbtm_bad_control")
})
