# The options of a model are declared once, in the engine; R reads their names, kinds and synonyms from a table.

test_that("gbtm() has every option, and no other argument of a model", {
  mine <- setdiff(names(formals(gbtm)), c("formula", "data", "id", "wide", "cov_type", "start", "control", "..."))
  expect_setequal(mine, names(gbtm:::option_kinds()))
})

test_that("an argument that does not exist is refused with the one that was meant", {
  d <- data.frame(id = rep(1:4, each = 2), t = 1:2, y = 0)
  expect_error(gbtm(y ~ t, d, id = "id", ng = 2), "ng: no such argument. It is called groups here",
               class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, degre = 1), "called order here", class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, Risk = ~ x), "called risk here", class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, zzzzzz = 1), "There are: ", class = "gbtm_unknown_argument")
  expect_error(gbtm_search(y ~ t, d, id = "id", ymin = 0), "called min here", class = "gbtm_unknown_argument")
  expect_error(gbtm_search(y ~ t, d, "id", 2, 1, "groups", "bic_subjects", 5), "without a name",
               class = "gbtm_unknown_argument")
})

test_that("options are sent by kind", {
  given <- list(ar1 = TRUE, min = -Inf, max = 3, order = c(1, 2), groups = 2, risk = ~ x, sigma_by_group = FALSE,
                censor_beyond = FALSE, dispersion_by_group = FALSE, rho_by_group = FALSE)
  sent <- gbtm:::sent_options(given)
  expect_null(sent$min)
  expect_identical(as.character(sent$max), "3")
  expect_identical(sent$order, c(1, 2))
  expect_false("risk" %in% names(sent))
  expect_error(gbtm:::sent_options(utils::modifyList(given, list(ar1 = "yes"))), "ar1: .* neither TRUE nor FALSE",
               class = "gbtm_bad_flag")
})

test_that("the number of groups follows from their orders", {
  expect_identical(gbtm:::groups_of(c(1, 2, 0)), 3L)
  expect_error(gbtm:::groups_of(2), "groups: not given", class = "gbtm_bad_groups")
})
