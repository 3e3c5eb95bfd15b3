# What a new table has to have, and what its values may not depend on.

people_of_two <- function() {
  d <- two_curves(24)
  d$x <- (d$id %% 7) / 7
  d$w <- (d$id * 3 + d$t) %% 5
  d
}

test_that("a variable of the user's never stands in for a column that new data lack", {
  need_engine()
  d <- people_of_two()
  scale_of_w <- 0.5
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~ x,
                               tcov = ~ I(w * scale_of_w), control = quick()))
  some <- d[d$id < 3, ]
  lacks <- function(ask) expect_error(ask, "newdata: no column named", class = "gbtm_unknown_column")
  x <- c(0.1, 0.2)
  w <- rep(4, nrow(some))
  lacks(predict(fit, newdata = some[c("id", "t", "y", "w")], type = "posterior"))
  lacks(predict(fit, newdata = some[c("id", "t", "y", "w")], type = "group"))
  lacks(predict(fit, newdata = some["id"], type = "posterior"))
  lacks(augment(fit, newdata = some[c("id", "t", "y", "x")]))
  # what was no column in the fit is found where the formula was written
  expect_equal(group_columns(predict(fit, newdata = some, type = "posterior")),
               unname(group_columns(posterior(fit)[1:2, ])), tolerance = 1e-10, ignore_attr = TRUE)
})

test_that("curves of new data want every column of the covariates, whatever variables there are", {
  need_engine()
  d <- people_of_two()
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ w + x, control = quick())
  w <- 100
  expect_error(predict(fit, newdata = data.frame(t = 1, x = 0)), "no column named 'w'", class = "gbtm_unknown_column")
  b <- coef(fit)
  expect_equal(predict(fit, newdata = data.frame(t = 1, x = 0, w = 2))$estimate,
               unname(b[c("intercept[1]", "intercept[2]")] + b[c("t[1]", "t[2]")] + 2 * b[c("w[1]", "w[2]")]),
               tolerance = 1e-8)
})

test_that("outcomes, exposures and events that depend on who is in the table are refused for new people", {
  need_engine()
  d <- people_of_two()
  d$n <- 1 + d$t + d$id %% 3
  d$k <- (d$id + d$t) %% 4 + ifelse(d$id > 12, 5, 0)
  d$until <- 5 + d$id / 9
  d$left <- d$id %% 2
  fits <- list(
    gbtm(y - max(y) ~ t, d, id = "id", groups = 2, order = 1, control = quick()),
    gbtm(rank(y) ~ t, d, id = "id", groups = 2, order = 1, control = quick()),
    gbtm(k ~ t, d, id = "id", groups = 2, order = 1, family = "poisson", exposure = ~ n / mean(n), control = quick()),
    gbtm(y ~ t, d, id = "id", groups = 2, order = 1, event = Surv(until - min(until) + 1, left) ~ 1, control = quick())
  )
  for (fit in fits) {
    expect_error(predict(fit, newdata = d[d$id == 5, ], type = "posterior"), "depends on who else is in the table",
                 class = "gbtm_not_pointwise")
  }
  expect_error(augment(fits[[1]], newdata = d[d$id == 5, ]), class = "gbtm_not_pointwise")
  expect_identical(nrow(augment(fits[[1]], d)), nrow(d)) # what was fitted needs no new value
})

test_that("what each row, or each person, has by itself is scored as in the fit", {
  need_engine()
  d <- people_of_two()
  shift <- 3
  for (formula in c(log(y + shift) ~ t, I(y / 2) ~ t, pmin(y, 5) ~ t, y - ave(y, id) ~ t)) {
    fit <- suppressWarnings(gbtm(formula, d, id = "id", groups = 2, order = 1, control = quick()))
    expect_equal(group_columns(predict(fit, newdata = d[d$id %in% 3:4, ], type = "posterior")),
                 group_columns(posterior(fit)[3:4, ]), tolerance = 1e-8, ignore_attr = TRUE, info = deparse(formula))
  }
})

test_that("a table of new people without a row is refused", {
  need_engine()
  d <- people_of_two()
  for (fit in list(small_fit(), gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~ x, control = quick()))) {
    for (type in c("posterior", "group")) {
      expect_error(predict(fit, newdata = d[0, ], type = type), "newdata: it has no row", class = "gbtm_no_data")
    }
    expect_error(predict(fit, newdata = d[0, ]), "newdata: it has no row", class = "gbtm_bad_times")
  }
})
