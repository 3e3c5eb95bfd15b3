# Ids of several columns: one person a combination, joined as in Python.

households <- function() {
  set.seed(5)
  d <- data.frame(HHID = rep(0:14, each = 8), PN = rep(c(10, 20), each = 4, times = 15), t = rep(0:3, 30))
  d$one <- rep(1:30, each = 4)
  d$x <- rep(stats::rnorm(30), each = 4)
  d$y <- 4 * (d$one %% 3 == 0) + stats::rnorm(120)
  d
}

test_that("joined ids are apart wherever the columns are", {
  d <- data.frame(a = c("a.b", "a", "a.b", NA), b = c("c", "b.c", "c", "d"))
  expect_identical(id_values(d, c("a", "b")), list(values = c("a.b_c", "a_b.c", "a.b_c", NA), name = "a.b"))
  expect_identical(id_values(data.frame(a = 1:2, b = c(10, 2.5)), c("a", "b"))$values, c("1.10", "2.2.5"))
  expect_identical(id_values(d, "a")$values, d$a)
  expect_error(id_values(d, c("a", "z")), class = "gbtm_unknown_column")
  expect_error(id_values(d, 1), class = "gbtm_bad_id")
})

test_that("a person is a combination, also among new people and in a fit read from a file", {
  need_engine()
  d <- households()
  one <- gbtm(y ~ t, d, id = "one", groups = 2, order = 1, risk = ~ x, control = quick())
  fit <- gbtm(y ~ t, d, id = c("HHID", "PN"), groups = 2, order = 1, risk = ~ x, control = quick())
  expect_equal(coef(fit), coef(one))
  expect_identical(fit$n_subjects, 30L)
  expect_identical(fit$ids[1:3], c("0.10", "0.20", "1.10"))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  for (same in list(fit, read_gbtm(file))) {
    new <- predict(same, d, type = "posterior")
    expect_identical(names(new)[1], "HHID.PN")
    expect_equal(new$group_1, posterior(fit)$group_1, tolerance = 1e-7)
  }
  plain <- gbtm(y ~ t, d, id = c("HHID", "PN"), groups = 2, order = 1, control = quick())
  expect_equal(predict(plain, d, type = "posterior"), posterior(plain), tolerance = 1e-7, ignore_attr = TRUE)
})

test_that("so it is in wide data and in commands", {
  need_engine()
  d <- households()
  wide <- stats::reshape(d[c("HHID", "PN", "t", "y")], idvar = c("HHID", "PN"), timevar = "t", direction = "wide",
                         sep = "")
  for (j in 0:3) wide[[paste0("t", j)]] <- j
  fit <- gbtm(y ~ t, wide, id = c("HHID", "PN"), groups = 2, order = 1, wide = list(y = "y*", t = 0:3),
              control = quick())
  expect_identical(fit$ids[1:2], c("0.10", "0.20"))
  command <- traj("traj, var(y0-y3) indep(t0-t3) model(cnorm) min(-99) max(99) order(1 1)", wide, id = c("HHID", "PN"))
  expect_identical(command$ids, fit$ids)
  expect_error(gbtm(y ~ t, wide, id = "HHID", groups = 2, wide = list(y = "y*", t = 0:3)), "HHID", class =
                 "gbtm_duplicate_id")
})
