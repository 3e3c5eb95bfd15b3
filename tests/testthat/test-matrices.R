# Outcomes and times as matrices are the wide data, and so the long data, that they hold.

n <- 30
waves <- 10:14
set.seed(7)
A <- matrix(rep(waves, each = n) + stats::runif(5 * n, -0.2, 0.2), n) # nolint: object_name_linter.
Y <- c(1, 4)[rep(1:2, each = n / 2)] + 0.3 * A + matrix(stats::rnorm(5 * n, sd = 0.5), n) # nolint: object_name_linter.
Y[3, 2] <- NA # nolint: object_name_linter.
x <- stats::rnorm(n)
w_matrix <- matrix(stats::rnorm(5 * n), n)
long <- data.frame(id = rep(seq_len(n), each = 5), A = as.vector(t(A)), Y = as.vector(t(Y)), wave = waves,
                   x = rep(x, each = 5), w_matrix = as.vector(t(w_matrix)))
few <- function() gbtm_control(n_starts = 2, progress = FALSE)

test_that("matrices are the long data that they hold, however they are given", {
  need_engine()
  expected <- gbtm(Y ~ A, long, id = "id", groups = 2, order = 1, control = few())
  same <- function(fit) expect_equal(coef(fit), coef(expected), tolerance = 1e-8)
  same(fit <- gbtm(Y ~ A, groups = 2, order = 1, control = few()))
  same(gbtm(Y, A, groups = 2, order = 1, control = few()))
  frames <- gbtm(as.data.frame(Y), as.data.frame(A), order = c(1, 1), control = few())
  expect_equal(unname(coef(frames)), unname(coef(expected)), tolerance = 1e-8)
  held <- data.frame(who = letters[rep(1:15, 2)], stringsAsFactors = FALSE)
  held$who <- paste0(held$who, seq_len(n))
  held$Y <- Y
  held$A <- A
  same(of_table <- gbtm(Y ~ A, held, id = "who", groups = 2, order = 1, control = few()))
  expect_identical(of_table$ids, held$who)
  same(gbtm(Y ~ A, list(Y = Y, A = A), groups = 2, order = 1, control = few()))
  expect_equal(nobs(fit), sum(!is.na(Y)))
  some <- c(1, n)
  expect_equal(predict(fit, newdata = list(Y = Y[some, ], A = A[some, ]), type = "posterior")[, -1],
               posterior(fit)[some, -1], tolerance = 1e-6, ignore_attr = TRUE)
  expect_equal(predict(of_table, newdata = held[some, ], type = "posterior")[, -1], posterior(fit)[some, -1],
               tolerance = 1e-6, ignore_attr = TRUE)
  expect_error(predict(fit, newdata = list(Y = Y[some, 1:4], A = A[some, ]), type = "posterior"),
               class = "gbtm_wave_mismatch")
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(coef(read_gbtm(file)), coef(fit))
})

test_that("times may be one for each wave, and without any the waves are counted or named by them", {
  need_engine()
  expected <- gbtm(Y ~ wave, long, id = "id", groups = 2, order = 1, control = few())
  same <- function(fit) expect_equal(unname(coef(fit)), unname(coef(expected)), tolerance = 1e-8)
  same(gbtm(Y ~ waves, order = c(1, 1), control = few()))
  same(gbtm(Y ~ 10:14, order = c(1, 1), control = few()))
  same(gbtm(Y, waves, order = c(1, 1), control = few()))
  same(gbtm(cbind(y1, y2, y3, y4, y5) ~ waves, stats::setNames(as.data.frame(Y), paste0("y", 1:5)), order = c(1, 1),
            control = few()))
  named <- Y
  colnames(named) <- waves
  expect_warning(fit <- gbtm(named, order = c(1, 1), control = few()), class = "gbtm_times_of_names")
  same(fit)
  expect_warning(counted <- gbtm(Y, order = c(1, 1), control = few()), "at times 1 to 5", class = "gbtm_counted_waves")
  expect_equal(sort(unique(counted$data$time)), as.numeric(1:5))
  expect_equal(logLik(counted), logLik(expected), tolerance = 1e-8, ignore_attr = TRUE)
})

test_that("covariates may be variables beside the matrices", {
  need_engine()
  expected <- gbtm(Y ~ A, long, id = "id", groups = 2, order = 1, risk = ~ x, tcov = "w_matrix", control = few())
  fit <- gbtm(Y ~ A, groups = 2, order = 1, risk = ~ x, tcov = ~ w_matrix, control = few())
  expect_equal(coef(fit), coef(expected), tolerance = 1e-8)
  found <- gbtm_search(Y ~ A, groups = 2, order = 1, how = "groups", control = few())
  expect_identical(nrow(found$table), 2L)
})

test_that("rows and columns are matched by their names, never by their places", {
  need_engine()
  y <- Y
  dimnames(y) <- list(sprintf("p%02d", seq_len(n)), paste0("w", 1:5))
  a <- A
  dimnames(a) <- dimnames(y)
  expected <- gbtm(y ~ a, groups = 2, order = 1, control = few())
  expect_identical(expected$ids, rownames(y))
  turned <- a[n:1, 5:1]
  fit <- gbtm(y ~ turned, groups = 2, order = 1, control = few())
  expect_equal(unname(coef(fit)), unname(coef(expected)))
  times <- stats::setNames(5:1, paste0("w", 5:1))
  expect_equal(unique(gbtm(y ~ times, groups = 1, order = 1, control = few())$data$time[1:5]), as.numeric(1:5))
  rownames(turned)[1] <- "stranger"
  expect_error(gbtm(y ~ turned, groups = 2), "turned: the names of its rows", class = "gbtm_labels_disagree")
  turned <- a
  colnames(turned)[1] <- "other"
  expect_error(gbtm(y ~ turned, groups = 2), "turned: the names of its columns", class = "gbtm_labels_disagree")
  held <- data.frame(id = rev(rownames(y)), x = rev(x))
  beside <- gbtm(y ~ a, held, id = "id", groups = 2, order = 1, risk = ~ x, control = few())
  by_place <- gbtm(Y ~ A, groups = 2, order = 1, risk = ~ x, control = few())
  expect_equal(unname(coef(beside)), unname(coef(by_place)), tolerance = 1e-6)
  expect_error(gbtm(y ~ a, transform(held, id = seq_len(n)), id = "id", groups = 2), class = "gbtm_labels_disagree")
})

test_that("what does not go together is refused with the way out", {
  expect_error(gbtm(t(Y) ~ A, groups = 2), "40 columns|30 columns", class = "gbtm_wave_mismatch")
  expect_error(gbtm(Y ~ t(A), groups = 2), "Y ~ 1:5", class = "gbtm_wave_mismatch")
  expect_error(gbtm(Y, A[, 1:4], groups = 2), class = "gbtm_bad_shape")
  expect_error(gbtm(y ~ t, groups = 2), "data: not given.*Y ~ A", class = "gbtm_bad_data")
  expect_error(gbtm(Y ~ A, id = 1:3, groups = 2), "3|no id", class = "gbtm_bad_id")
})
