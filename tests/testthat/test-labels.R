# What has names is matched by them, in every order; names that disagree are refused.

people <- function(n = 24, waves = 4) {
  set.seed(1)
  d <- data.frame(id = rep(sprintf("p%d", n:1), each = waves), t = rep(seq_len(waves) - 1, n))
  d$y <- 3 * (as.integer(factor(d$id)) %% 2) + stats::rnorm(nrow(d))
  d$w <- stats::rnorm(nrow(d))
  d$v <- stats::rnorm(nrow(d))
  d
}

test_that("values with names come in the order wanted, and names that disagree are refused", {
  expect_identical(in_named_order(c(b = 2, a = 1), c("a", "b"), "x"), c(a = 1, b = 2))
  expect_identical(in_named_order(c(2, 1), c("a", "b"), "x"), c(2, 1))
  expect_error(in_named_order(c(b = 2, c = 1), c("a", "b"), "x"), class = "gbtm_labels_disagree")
})

test_that("times of wide columns are matched by the columns", {
  need_engine()
  d <- people()
  wide <- stats::reshape(d[c("id", "t", "y")], idvar = "id", timevar = "t", direction = "wide", sep = "_")
  control <- gbtm_control(n_starts = 2)
  right <- gbtm(y ~ t, wide, id = "id", groups = 2, order = 1, wide = list(y = "y_*", t = 0:3), control = control)
  times <- c(y_3 = 3, y_0 = 0, y_2 = 2, y_1 = 1)
  named <- gbtm(y ~ t, wide, id = "id", groups = 2, order = 1, wide = list(y = "y_*", t = times), control = control)
  expect_equal(coef(named), coef(right))
  expect_equal(predict(named, wide, type = "posterior"), predict(right, wide, type = "posterior"))
  names(times)[1] <- "z_3"
  expect_error(gbtm(y ~ t, wide, id = "id", groups = 2, wide = list(y = "y_*", t = times)),
               class = "gbtm_labels_disagree")
})

test_that("starts, profiles, hypotheses and folds are matched by name", {
  need_engine()
  d <- people()
  control <- gbtm_control(n_starts = 2)
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ w + v, control = control)
  again <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ w + v, start = rev(coef(fit)))
  expect_equal(as.numeric(logLik(again)), as.numeric(logLik(fit)), tolerance = 1e-10)
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ w + v,
                    start = c(stranger = 1, coef(fit)[-1])), class = "gbtm_bad_start")
  expect_equal(predict(fit, times = 1, tcov = c(v = -2, w = 0.5)), predict(fit, times = 1, tcov = c(0.5, -2)))
  expect_error(predict(fit, times = 1, tcov = c(v = -2, u = 0.5)), class = "gbtm_labels_disagree")
  row <- stats::setNames(as.numeric(names(coef(fit)) == "t[1]"), names(coef(fit)))
  expect_equal(wald_test(fit, rev(row))$statistic, wald_test(fit, "t[1] = 0")$statistic)
  folds <- stats::setNames(rep(1:3, 8), fit$ids)
  right <- cross_validate(fit, folds = unname(folds), n_starts = 1)
  expect_equal(cross_validate(fit, folds = rev(folds), n_starts = 1)$loglik, right$loglik)
  expect_error(cross_validate(fit, folds = stats::setNames(folds, rev(letters)[1:24])),
               class = "gbtm_labels_disagree")
})

test_that("the user's names are apart from those of a table", {
  expect_identical(apart(c("a", "b"), "c"), c("a", "b"))
  expect_identical(apart(c("group", "group", "group_"), "group"), c("group_", "group__", "group___"))
})

test_that("a time, id or outcome called as a column of a table is in it all the same", {
  need_engine()
  d <- people(12, 3)
  d$id <- as.integer(factor(d$id))
  plain <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 2))
  tables <- function(fit, d) {
    list(predict(fit, times = 0:1), posterior(fit), predict(fit, d, type = "group"),
         predict(fit, d, type = "posterior"), simulate(fit, seed = 1), generics::augment(fit))
  }
  right <- tables(plain, d)
  for (name in c("group", "estimate", "lower", "probability", "assigned", "group_1", ".fitted", "se")) {
    for (whose in c("t", "id", "y")) {
      other <- stats::setNames(d, replace(names(d), names(d) == whose, name))
      own <- stats::setNames(c("y", "t", "id"), c("y", "t", "id"))
      own[whose] <- name
      formula <- stats::as.formula(paste(own["y"], "~", own["t"]))
      fit <- gbtm(formula, other, id = own[["id"]], groups = 2, order = 1, start = unname(coef(plain)))
      made <- tables(fit, other)
      expect_false(any(vapply(made, function(table) anyDuplicated(names(table)) > 0, NA)))
      expect_equal(lapply(made, function(x) unname(as.list(x))), lapply(right, function(x) unname(as.list(x))),
                   tolerance = 1e-5, ignore_attr = TRUE)
    }
  }
})

test_that("parameters that would be called alike are refused", {
  need_engine()
  d <- people(12, 3)
  names(d)[names(d) == "w"] <- "sigma"
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ sigma, sigma_by_group = TRUE),
               class = "gbtm_name_clash")
  d$intercept <- d$t
  expect_error(gbtm(y ~ intercept, d, id = "id", groups = 2, order = 1), class = "gbtm_name_clash")
})
