# Waves: distinct times up to rounding, or the column that counts them.

leavers <- function(n = 45, waves = 5) {
  set.seed(2)
  d <- data.frame(id = rep(seq_len(n), each = waves), wave = rep(seq_len(waves), n))
  d$age <- round(d$wave + stats::runif(nrow(d), 0, 0.5), 3)
  d$y <- 4 * (d$id %% 2) + 0.3 * d$wave + stats::rnorm(nrow(d))
  d[!(d$id %% 3 == 0 & d$wave > 3), ]
}

test_that("the hazard is drop-outs over person-waves at risk", {
  need_engine()
  d <- leavers()
  last <- tapply(d$wave, d$id, max)
  hazard <- sum(last < 5) / sum(pmin(last, 4))
  for (wave in list("wave", ~ wave)) {
    fit <- gbtm(y ~ age, d, id = "id", groups = 1, order = 1, dropout = 0, wave = wave, control = quick())
    expect_equal(unname(stats::plogis(coef(fit)["drop0[1]"])), hazard, tolerance = 1e-7)
  }
  expect_error(gbtm(y ~ age, d, id = "id", groups = 2, order = 1, dropout = 0), class = "gbtm_no_waves")
  expect_error(gbtm(y ~ age, transform(d, wave = -wave), id = "id", groups = 2, wave = "wave"),
               class = "gbtm_waves_disagree")
})

test_that("new people are scored by the waves of the fit, also of one read from a file", {
  need_engine()
  d <- leavers()
  fit <- gbtm(y ~ age, d, id = "id", groups = 2, order = 1, dropout = 0, wave = "wave", control = quick())
  some <- d[d$id %in% 1:2 & d$wave %in% c(1, 3), ]
  stay <- -2 * log1p(exp(coef(fit)[c("drop0[1]", "drop0[2]")]))
  log_joint <- vapply(1:2, function(k) {
    mean <- coef(fit)[sprintf("intercept[%d]", k)] + coef(fit)[sprintf("age[%d]", k)] * some$age
    log_f <- stats::dnorm(some$y, mean, coef(fit)["sigma"], log = TRUE)
    log(fit$shares[k]) + stay[k] + as.vector(rowsum(log_f, some$id))
  }, numeric(2))
  p <- exp(log_joint) / rowSums(exp(log_joint))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  for (one in list(fit, read_gbtm(file))) {
    expect_equal(as.vector(t(p)), predict(one, some, type = "group")$probability, tolerance = 1e-8)
  }
})

test_that("times that rounding tells apart are one wave", {
  need_engine()
  d <- two_curves(n = 20, times = c(0, 0.1, 0.2, 0.3))
  split <- d
  split$t[d$id %% 2 == 0 & d$t == 0.3] <- 0.1 * 3
  expect_length(unique(split$t), 5)
  right <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = quick())
  fit <- gbtm(y ~ t, split, id = "id", groups = 2, order = 1, control = quick())
  expect_equal(coef(fit), coef(right))
  expect_equal(nrow(predict(fit)), 8)
  expect_identical(max(fit$data$wave), 4)
})

test_that("in wide data each column is a wave", {
  need_engine()
  expect_error(gbtm(y ~ t, data.frame(y1 = 1:3, y2 = 1:3, w = 1), groups = 1, wave = "w",
                    wide = list(y = "y*", t = 1:2)), class = "gbtm_wave_of_wide")
})
