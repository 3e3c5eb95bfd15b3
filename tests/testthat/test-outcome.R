test_that("an outcome holds its formula and what was given, and prints it", {
  one <- outcome(bmi ~ age, order = c(1, 2), min = 10, family = "cnorm")
  expect_identical(names(one$options), c("order", "family", "min"))
  expect_output(print(one), "bmi ~ age.*order: c\\(1, 2\\).*family: \"cnorm\".*min: 10")
  expect_output(print(outcome(y ~ t, data = small_data())), "its own table, 64 rows of id, t, y")
  expect_error(outcome("bmi ~ age"), class = "gbtm_bad_formula")
  expect_error(outcome(bmi ~ age, data = 3), class = "gbtm_bad_data")
  expect_error(outcome(bmi ~ age, orders = 2), class = "gbtm_unknown_argument")
  expect_error(outcome(bmi ~ age, groups = 2), class = "gbtm_unknown_argument")
})

test_that("columns are named in quotes, by a formula, bare, or by a variable", {
  expect_identical(outcome(n ~ t, exposure = "e")$options$exposure, "e")
  expect_identical(outcome(n ~ t, exposure = e)$options$exposure, "e")
  key <- "e"
  expect_identical(outcome(n ~ t, exposure = key)$options$exposure, "e")
  expect_identical(outcome(n ~ t, tcov = ~ x)$options$tcov, ~ x, ignore_attr = TRUE)
  d <- two_outcomes()
  expect_identical(outcome(n ~ t, tcov = d$x, data = d)$options$tcov, "x")
})

test_that("a value is that of all outcomes, a list has one an outcome, in order or by name", {
  names <- c("a", "b")
  spread <- function(value, argument) gbtm:::by_outcome(value, argument, names)
  expect_identical(spread("logit", "family"), list(a = "logit", b = "logit"))
  expect_identical(spread(c("normal", "logit"), "family"), list(a = "normal", b = "logit"))
  expect_identical(spread(c(b = "logit", a = "normal"), "family"), list(a = "normal", b = "logit"))
  expect_identical(spread(list(stats::poisson(), "logit"), "family")$b, "logit")
  expect_s3_class(spread(stats::poisson(), "family")$b, "family")
  expect_identical(spread(c(1, 2, 0), "order"), list(a = c(1, 2, 0), b = c(1, 2, 0))) # by group, alike for both
  expect_identical(spread(list(2, c(1, 1, 2)), "order"), list(a = 2, b = c(1, 1, 2)))
  expect_identical(spread(list(b = 1), "order"), list(a = NULL, b = 1))
  expect_identical(spread(c(0, NA), "min"), list(a = 0, b = NULL))
  expect_identical(spread(list(NULL, ~ x), "tcov")$a, NULL)
  expect_error(spread(list(1, 2, 3), "order"), "3 values for 2 outcomes", class = "gbtm_wrong_length")
  expect_error(spread(c(TRUE, FALSE, TRUE), "ar1"), class = "gbtm_wrong_length")
  expect_error(spread(list(z = 1), "order"), "'z' is none of the outcomes", class = "gbtm_unknown_outcome")
  expect_error(spread(list(a = 1, 2), "order"), class = "gbtm_unknown_outcome")
  expect_error(spread(list(a = 1, a = 2), "order"), "stands twice", class = "gbtm_unknown_outcome")
})

test_that("an option that is given both ways is refused, and one that is given to the others is not", {
  outcomes <- gbtm:::as_outcomes(list(outcome(y ~ t, order = 2), n ~ t))
  expect_error(gbtm:::options_of_outcomes(outcomes, list(order = 1)), "outcome\\(\\) of 'y'",
               class = "gbtm_given_twice")
  both <- gbtm:::options_of_outcomes(outcomes, list(order = list(n = 1), family = c("normal", "poisson")))
  expect_identical(both$y$options, list(order = 2, family = "normal"))
  expect_identical(both$n$options, list(order = 1, family = "poisson"))
})
