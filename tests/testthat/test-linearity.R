linear_data <- function() {
  i <- 1:80
  z <- sin(i * 2.3) * 2
  w <- cos(i * 1.7)
  y <- rep(2 * (z + sin(i * 5.1) > 0), each = 3) + sin((1:240) * 1.31)
  data.frame(id = rep(i, each = 3), t = rep(0:2, 80), y = y, z = rep(z, each = 3), w = rep(w, each = 3))
}

linear_fit <- function() {
  gbtm(y ~ t, linear_data(), id = "id", groups = 2, order = 0, risk = ~ z + w, control = gbtm_control(n_starts = 2))
}

test_that("the check has the logit's fit, predicts without the engine, and is drawn", {
  need_engine()
  fit <- linear_fit()
  check <- linearity_check(fit, hidden = 2, ridge = 3, folds = 2)
  expect_s3_class(check, "gbtm_linearity")
  expect_identical(check$table$membership, c("no covariates", "multinomial logit", "network"))
  expect_identical(check$by_subject$id, fit$ids)
  gap <- check$by_subject$network - check$by_subject$logit
  expect_equal(check$table$difference[3], mean(gap))
  expect_equal(check$table$se[3], sd(gap) / sqrt(80))
  # the logit on all people is the fit's own membership
  z <- unique(linear_data()[c("id", "z", "w")])
  own <- coef(fit)[c("theta[2]", "theta_z[2]", "theta_w[2]")]
  expect_equal(unname(predict(check, z, type = "logit")[, 2]), plogis(drop(cbind(1, z$z, z$w) %*% own)),
               tolerance = 1e-3, ignore_attr = TRUE)
  # and the network's formula by hand for one person
  w <- check$network
  x <- (c(0.4, -1) - w$centre) / w$scale
  logits <- w$out %*% tanh(w$hidden %*% x + c(w$hidden_bias)) + w$skip %*% x + c(w$bias)
  expect_equal(unname(predict(check, data.frame(z = 0.4, w = -1))[1, ]), c(exp(logits) / sum(exp(logits))))
  at <- z
  at$z <- check$dependence$value[1]
  expect_equal(check$dependence$probability[1], mean(predict(check, at)[, 1]))
  file <- withr::local_tempfile()
  saveRDS(check, file)
  expect_identical(readRDS(file), check)
  expect_output(print(check), "multinomial logit")
  expect_error(predict(check, data.frame(z = 1)), class = "gbtm_unknown_column")
  grDevices::pdf(NULL)
  withr::defer(grDevices::dev.off())
  expect_silent(plot(check))
  skip_if_not_installed("ggplot2")
  expect_s3_class(ggplot2::autoplot(check), "ggplot")
})

test_that("what cannot be checked is refused", {
  need_engine()
  expect_error(linearity_check(small_fit()), class = "gbtm_no_covariates")
  expect_error(linearity_check(linear_fit(), ridge = -1), class = "gbtm_bad_ridge")
})
