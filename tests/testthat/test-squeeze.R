# Proportions of 0 and 1 squeezed for the beta family.

shares <- function() {
  set.seed(3)
  d <- expand.grid(t = 0:3, id = 1:40)
  d$y <- round(stats::rbeta(nrow(d), ifelse(d$id %% 2, 5, 1.5), ifelse(d$id %% 2, 1.2, 4)), 2)
  d$y[1:3] <- c(0, 1, NA)
  d
}

fit_shares <- function(d, ..., squeeze = TRUE) {
  gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, family = "beta", squeeze = squeeze,
       control = gbtm_control(n_starts = 2), ...)
}

test_that("it is the formula by hand, also for new rows and people", {
  need_engine()
  d <- shares()
  n <- sum(!is.na(d$y))
  by_hand <- transform(d, y = (y * (n - 1) + 0.5) / n)
  fit <- fit_shares(d)
  plain <- fit_shares(by_hand, squeeze = FALSE)
  expect_equal(coef(fit), coef(plain))
  expect_equal(residuals(fit), residuals(plain))
  of <- function(fit, d) suppressWarnings(predict(fit, newdata = d, type = "group"))$probability
  expect_equal(of(fit, d[d$id < 4, ]), of(plain, by_hand[d$id < 4, ]))
  rows <- 5:20
  expect_equal(suppressWarnings(generics::augment(fit, newdata = d[rows, ]))$.resid,
               suppressWarnings(generics::augment(plain, newdata = by_hand[rows, ]))$.resid)
})

test_that("it is told, kept, and refused where it has no place", {
  need_engine()
  d <- shares()
  fit <- fit_shares(d)
  said <- sprintf("y is squeezed into (0, 1), (y * %d + 0.5) / %d", nobs(fit) - 1, nobs(fit))
  expect_output(print(fit), said, fixed = TRUE)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_output(print(summary(read_gbtm(file))), said, fixed = TRUE)
  expect_error(fit_shares(d, squeeze = FALSE), "squeeze = TRUE", class = "gbtm_bad_outcome")
  expect_error(gbtm(y ~ t, data = d, id = "id", groups = 1, squeeze = TRUE), class = "gbtm_bad_squeeze")
  both <- gbtm(list(outcome(y ~ t, family = "beta", order = 1, squeeze = TRUE), outcome(z ~ t, order = 1)),
               data = transform(d, z = y * 10), id = "id", groups = 2, control = gbtm_control(n_starts = 2))
  expect_output(print(both), said, fixed = TRUE)
})

test_that("forecasts are on the scale of the outcome", {
  need_engine()
  d <- shares()
  n <- sum(!is.na(d$y))
  fit <- fit_shares(d)
  plain <- fit_shares(transform(d, y = (y * (n - 1) + 0.5) / n), squeeze = FALSE)
  seen <- d$id < 6 & d$t < 3
  ask <- function(fit, d, y) suppressWarnings(forecast(fit, d[seen, ], times = 3, y = rep(y, 5), cdf = y))
  for (y in c(0, 0.3)) {
    inside <- (y * (n - 1) + 0.5) / n
    ours <- ask(fit, d, y)
    theirs <- ask(plain, transform(d, y = (y * (n - 1) + 0.5) / n), inside)
    expect_equal(ours$mean, (theirs$mean * n - 0.5) / (n - 1), tolerance = 1e-8)
    expect_equal(ours$log_score, theirs$log_score + log((n - 1) / n), tolerance = 1e-8)
    expect_equal(ours[[paste0("cdf_", y)]], theirs[[paste0("cdf_", format(inside, digits = 15))]], tolerance = 1e-8)
  }
})
