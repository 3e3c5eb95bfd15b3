# Lists that are paired by place are looked at, as in Python: the engine has one rule for both.

scrambled <- function() {
  set.seed(3)
  y <- matrix(stats::rnorm(40 * 11, rep(1:11, each = 40)), 40, dimnames = list(NULL, paste0("y", 1:11)))
  t <- matrix(rep(1:11, each = 40), 40, dimnames = list(NULL, paste0("t", 1:11)))
  as.data.frame(cbind(y[, order(colnames(y))], t))
}

test_that("columns that do not stand in the order of their numbers are told", {
  need_engine()
  d <- scrambled()
  expect_warning(
    fit <- gbtm(y ~ t, d, groups = 1, order = 1, wide = list(y = "y*", t = 1:11), control = quick()),
    class = "gbtm_wave_order"
  )
  expect_match(paste(vapply(fit$warnings, `[[`, "", "message"), collapse = " "), "do not rise")
  expect_warning(traj("traj, var(y*) indep(t1-t11) model(cnorm) min(-99) max(99) order(1)", d),
                 class = "gbtm_wave_order")
  right <- d[c(paste0("y", 1:11), paste0("t", 1:11))]
  expect_no_warning(gbtm(y ~ t, right, groups = 1, order = 1, wide = list(y = "y*", t = "t*"), control = quick()),
                    class = "gbtm_wave_order")
})

test_that("a wildcard that takes in another column is told", {
  need_engine()
  d <- cbind(scrambled(), year = 2001)
  expect_warning(
    gbtm(y ~ t, d[c("y1", "y2", "y3", "year")], groups = 1, order = 1, wide = list(y = "y*", t = 1:4),
         control = quick()), class = "gbtm_other_columns"
  )
})
