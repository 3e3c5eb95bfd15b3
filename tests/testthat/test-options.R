# The options of a model are declared once, in the engine;
# R reads their names, kinds and the words of others from a table.

test_that("gbtm() has every option, and no other argument of a model", {
  further <- c("formula", "data", "id", "wide", "cov_type", "start", "control", "subset", "na.action", "seed", "...")
  mine <- setdiff(names(formals(gbtm)), c(further, gbtm:::distal_arguments()))
  expect_setequal(intersect(names(formals(gbtm)), gbtm:::distal_arguments()), gbtm:::distal_arguments())
  expect_setequal(mine, names(gbtm:::option_kinds()))
})

test_that("an argument that does not exist is refused with the one that was meant", {
  d <- data.frame(id = rep(1:4, each = 2), t = 1:2, y = 0)
  expect_error(gbtm(y ~ t, d, id = "id", ng = 2), "ng: no such argument. It is called groups here",
               class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, degre = 1), "called order here", class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, Risk = ~ x), "called risk here", class = "gbtm_unknown_argument")
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, zzzzzz = 1), "There are: ", class = "gbtm_unknown_argument")
  for (fit in list(gbtm, gbtm_search)) {
    expect_error(fit(y ~ t, d, id = "id", n_starts = 5), "control = gbtm_control(n_starts = )", fixed = TRUE,
                 class = "gbtm_unknown_argument")
  }
  expect_error(gbtm_search(y ~ t, d, id = "id", ymin = 0), "called min here", class = "gbtm_unknown_argument")
  expect_error(gbtm_search(y ~ t, d, "id", 2, 1, "groups", "bic_subjects", 5), "without a name",
               class = "gbtm_unknown_argument")
})

test_that("each word of other programs names an argument of ours, a setting of the search, or says why there is none", {
  gbtm:::option_kinds()
  known <- gbtm:::options_known
  own <- names(formals(gbtm))
  settings <- names(formals(gbtm_control))
  expect_gt(length(known$meant), 200)
  for (word in setdiff(names(known$meant), own)) {
    meant <- known$meant[[word]]
    way_out <- gbtm:::argument_way_out(word, own)
    ours <- intersect(meant, own)
    if (identical(ours, "formula")) {
      expect_match(way_out, "in the formula.*Y ~ A", label = word)
    } else if (length(ours)) {
      expect_identical(way_out, sprintf("It is called %s here.", ours[1]), label = word)
    } else if ("n_jobs" %in% meant) {
      expect_match(way_out, "n_jobs is an argument of the search", label = word)
    } else {
      setting <- intersect(meant, settings)[1]
      expect_identical(way_out, sprintf("It is a setting of the search: control = gbtm_control(%s = ).", setting),
                       label = word)
      expect_identical(gbtm:::argument_way_out(word, settings), sprintf("It is called %s here.", setting), label = word)
    }
  }
  for (word in setdiff(names(known$said), gsub("[._]", "", own))) {
    expect_identical(gbtm:::argument_way_out(toupper(word), own), known$said[[word]], label = word)
  }
})

test_that("words in the spelling of their programs, and settings of the search, are told before they are evaluated", {
  d <- data.frame(id = rep(1:4, each = 2), t = 1:2, y = 0)
  refused <- function(expr) expect_error(expr, class = "gbtm_unknown_argument")$way_out
  expect_identical(refused(gbtm(y ~ t, d, groups = 2, subject = "id")), "It is called id here.")
  expect_identical(refused(gbtm(y ~ t, d, id = "id", groups = 2, random = ~ nothing)), "It is called rorder here.")
  expect_identical(refused(gbtm(y ~ t, d, id = "id", groups = 2, degre.nu = nothing)), "It is called iorder here.")
  expect_match(refused(gbtm(y ~ t, d, id = "id", groups = 2, n_starts = 5)), "gbtm_control(n_starts = )", fixed = TRUE)
  expect_match(refused(gbtm(y ~ t, d, id = "id", groups = 2, rng = 5)), "seed")
  expect_match(refused(gbtm(y ~ t, d, id = "id", groups = 2, itermax = 100)), "until it has converged")
  expect_match(refused(gbtm(Y = 1, A = 2, ng = 2)), "Y ~ A", fixed = TRUE)
  expect_identical(refused(gbtm_control(random_state = 1)), "It is called seed here.")
  expect_match(refused(gbtm_control(groups = 2)), "gbtm(..., groups = )", fixed = TRUE)
  expect_match(refused(odds_ratios(example_fit(), reference = 2)), "refgroup")
})

test_that("options are sent by kind", {
  given <- list(ar1 = TRUE, min = -Inf, max = 3, order = c(1, 2), groups = 2, risk = ~ x, sigma_by_group = FALSE,
                censor_beyond = FALSE, dispersion_by_group = FALSE, rho_by_group = FALSE, rcorr = FALSE,
                rcommon = FALSE, repeated = FALSE, squeeze = FALSE)
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
  need_engine()
  d <- two_curves(12)
  expect_equal(gbtm(y ~ t, d, id = "id", order = c(1, 0, 1), control = quick())$n_groups, 3)
  expect_equal(gbtm(y ~ t, d, id = "id", groups = NULL, order = c(1, 1), control = quick())$n_groups, 2)
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, order = c(1, 0, 1)), class = "gbtm_order_length")
})

test_that("NA and infinite options are refused, and not taken for none", {
  d <- two_curves(16, 0:3)
  fit_with <- function(...) gbtm(y ~ t, d, id = "id", groups = 2, ...)
  for (value in list(NA, Inf, c(1, NA))) {
    expect_error(fit_with(order = value), "order: ", class = "gbtm_bad_order")
    expect_error(fit_with(dropout = value), "dropout: ", class = "gbtm_bad_order")
    expect_error(fit_with(rorder = value), "rorder: ", class = "gbtm_bad_order")
  }
  expect_error(fit_with(cov_type = NA), "cov_type: ", class = "gbtm_bad_cov_type")
  expect_error(fit_with(constraints = NA), "constraints: ", class = "gbtm_bad_constraints")
  expect_error(fit_with(seed = Inf), "seed: Inf", class = "gbtm_bad_seed")
  expect_error(fit_with(family = "cnorm", min = Inf), "min: Inf", class = "gbtm_bad_bounds")
  expect_error(fit_with(family = "cnorm", max = -Inf), "max: -Inf", class = "gbtm_bad_bounds")
  for (start in list(Inf, c(1, NA, 2))) {
    expect_error(fit_with(start = start), "start: 1 of the", class = "gbtm_bad_start")
  }
})

test_that("orders with names that are not the groups' numbers are refused, for they are taken as they stand", {
  for (values in list(c("2" = 1, "1" = 2), c(a = 0, b = 1))) {
    expect_error(gbtm(y ~ t, two_curves(), id = "id", groups = 2, order = values), "order: the values are named",
                 class = "gbtm_bad_order")
    expect_error(gbtm(y ~ t, two_curves(), id = "id", groups = 2, rorder = values), "rorder: the values are named",
                 class = "gbtm_bad_order")
  }
  expect_identical(by_group(c("1" = 1, "2" = 2), "order"), c("1" = 1, "2" = 2))
})
