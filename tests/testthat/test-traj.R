wide_example <- function() {
  d <- example_data()
  wide <- reshape(d, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide", sep = "_")
  for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
  wide
}

command <- "traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)"

test_that("a command fits what gbtm() fits, with traj's covariance and table", {
  need_engine()
  wide <- wide_example()
  fit <- traj(command, wide, control = quick())
  expect_s3_class(fit, c("traj", "gbtm"), exact = TRUE)
  long <- transform(example_data(), t = (age - 13.5) / 3.5)
  same <- gbtm(offenses ~ t, data = long, id = "id", groups = 2, family = "zip", cov_type = "traj", control = quick())
  expect_equal(unname(coef(fit)), unname(coef(same)), tolerance = 1e-6)
  expect_equal(unname(vcov(fit)), unname(vcov(same)), tolerance = 1e-5)
  expect_identical(fit$traj_names[1:4], c("interc1", "linear1", "quadra1", "interc2"))
  expect_output(print(fit), "Maximum Likelihood Estimates")
  expect_output(print(fit), "starts reached")
  expect_output(print(summary(fit)), "traj's correction")
  expect_identical(fit$ids, seq_len(nrow(wide)))
  expect_identical(traj(command, wide, id = "id", control = quick())$ids, wide$id)
})

test_that("matrices give start values", {
  need_engine()
  wide <- wide_example()
  fit <- traj(command, wide, control = quick())
  with_start <- paste(command, "start(b0)")
  again <- traj(with_start, wide, matrices = list(b0 = matrix(coef(fit), 1)), control = quick())
  expect_equal(coef(again), coef(fit), tolerance = 1e-7)
  expect_error(traj(with_start, wide), class = "gbtm_bad_start")
})

test_that("what cannot be honoured is an error", {
  expect_error(traj(2, data.frame()), class = "gbtm_not_traj")
  need_engine()
  wide <- wide_example()
  expect_error(traj("logit y x", wide), class = "gbtm_not_traj")
  expect_error(traj(sub("t_10", "q_10", command), wide), class = "gbtm_unknown_column")
  expect_error(traj(paste(command, "nonsense(1)"), wide), class = "gbtm_error")
  wide$offenses_10 <- factor(wide$offenses_10)
  expect_error(traj(command, wide), class = "gbtm_not_numeric")
})
