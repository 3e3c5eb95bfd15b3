# Several observations of one person at one time: each counts.

raters <- function(n = 40, waves = 4) {
  set.seed(5)
  d <- expand.grid(t = seq_len(waves) - 1, id = seq_len(n), rater = c("a", "b"), stringsAsFactors = FALSE)
  late <- d$id %% 2
  d$y <- rnorm(nrow(d), 1 + 2 * late - 0.5 * late * d$t, 0.7)
  d$count <- rpois(nrow(d), exp(0.3 + late - 0.2 * late * d$t))
  d[d$rater == "a" | runif(nrow(d)) < 0.8, ]
}

fit_raters <- function(d, formula = y ~ t, ..., repeated = TRUE, groups = 2) {
  gbtm(formula, data = d, id = "id", groups = groups, order = 1, control = gbtm_control(n_starts = 3),
       repeated = repeated, ...)
}

in_columns <- function(d) {
  w <- reshape(transform(d[c("id", "t", "rater", "y")], c = paste0(rater, t))[c("id", "c", "y")],
               idvar = "id", timevar = "c", direction = "wide")
  names(w) <- sub("^y\\.", "", names(w))
  w[paste0("t", 0:3)] <- rep(0:3, each = nrow(w))
  w
}

columns_of <- function(letters) as.vector(t(outer(letters, 0:3, paste0)))

probabilities <- function(fit, people) {
  suppressWarnings(predict(fit, newdata = people, type = "group"))$probability
}

test_that("one group is least squares on all rows, and counts are their sum with twice the exposure", {
  need_engine()
  d <- raters()
  one <- fit_raters(d, groups = 1)
  expect_equal(unname(coef(one)[1:2]), unname(coef(lm(y ~ t, d))), tolerance = 1e-7)
  expect_equal(as.numeric(logLik(one)), as.numeric(logLik(lm(y ~ t, d))), tolerance = 1e-9)
  expect_equal(nobs(one), nrow(d))
  rows <- fit_raters(d, count ~ t, family = "poisson")
  s <- merge(aggregate(count ~ id + t, d, sum), setNames(aggregate(count ~ id + t, d, length), c("id", "t", "e")))
  sums <- fit_raters(s, count ~ t, family = "poisson", exposure = "e", repeated = FALSE)
  expect_equal(coef(rows), coef(sums), tolerance = 1e-5)
  constant <- sum(lgamma(s$count + 1)) - sum(lgamma(d$count + 1)) - sum(s$count * log(s$e))
  expect_equal(as.numeric(logLik(rows)), as.numeric(logLik(sums)) + constant, tolerance = 1e-8)
})

test_that("the order of rows has no say, and wide columns may have the same times", {
  need_engine()
  d <- raters()
  fit <- fit_raters(d)
  first <- which(!duplicated(d$id))
  other <- fit_raters(d[c(first, sample(setdiff(seq_len(nrow(d)), first))), ])
  expect_identical(coef(other), coef(fit))
  w <- in_columns(d)
  for (times in list(rep(0:3, 2), rep(paste0("t", 0:3), 2))) {
    wide <- gbtm(y ~ t, data = w, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 3),
                 repeated = TRUE, wide = list(y = columns_of(c("a", "b")), t = times))
    expect_equal(coef(wide), coef(fit), tolerance = 1e-7)
    expect_equal(observed_means(wide)$mean, observed_means(fit)$mean, tolerance = 1e-7)
    expect_length(wide$warnings, 0)
    expect_equal(probabilities(wide, w), probabilities(fit, d), tolerance = 1e-6)
  }
})

test_that("what it is without, and what has no order, is refused", {
  need_engine()
  d <- raters()
  expect_error(fit_raters(d, repeated = FALSE), "repeated = TRUE", class = "gbtm_duplicate_time")
  expect_error(fit_raters(d, ar1 = TRUE), "no order", class = "gbtm_no_order")
  expect_error(fit_raters(d, dropout = 0), "no order", class = "gbtm_no_order")
  expect_error(fit_raters(d, tcov = ~ lag(y)), "no order", class = "gbtm_no_order")
  expect_error(fit_raters(d, repeated = "yes"), "repeated")
  expect_error(forecast_check(fit_raters(d)), "several observations at one time", class = "gbtm_no_forecast")
})

test_that("it is told, kept in files, and asked for again", {
  need_engine()
  d <- raters()
  fit <- fit_raters(d)
  shared <- sum(duplicated(d[c("id", "t")]) | duplicated(d[c("id", "t")], fromLast = TRUE))
  said <- sprintf("%d of %d observations of y share their t", shared, nrow(d))
  expect_output(print(fit), said)
  expect_output(print(summary(fit)), said)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  back <- read_gbtm(file)
  expect_output(print(back), said)
  expect_equal(probabilities(back, d[d$id < 6, ]), probabilities(fit, d[d$id < 6, ]))
  direct <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, repeated = TRUE,
                 control = gbtm_control(n_starts = 2))
  expect_equal(nobs(update(direct, groups = 1)), nrow(d))
  found <- gbtm_search(y ~ t, data = d, id = "id", groups = 2, order = 1, repeated = TRUE,
                       control = gbtm_control(n_starts = 2))
  expect_equal(nobs(best(found)), nrow(d))
})

test_that("residuals, forecasts and lines are of all that a time has", {
  need_engine()
  d <- raters()
  fit <- fit_raters(d)
  expect_length(residuals(fit), nrow(d))
  checks <- residual_checks(fit)
  expect_equal(checks$autocorrelation$lag[1], 0)
  past <- d[d$t < 2, ]
  f <- as.data.frame(forecast(fit, past, steps = 2))
  expect_equal(f$t[f$id == 1], c(2, 3))
  lines <- drawn_lines(fit, 1:2)
  mine <- lines[lines$subject == 1, ]
  expect_equal(mine$y, as.vector(tapply(d$y[d$id == 1], d$t[d$id == 1], mean)))
  expect_s3_class(autoplot(fit, individuals = TRUE), "ggplot")
  plain <- fit_raters(d[d$rater == "a", ], repeated = FALSE)
  expect_identical(drawn_lines(plain, 1:2)$y, plain$data$y[plain$data$subject %in% chosen_subjects(plain)])
})

test_that("traj does not ask, and each of several outcomes may have it", {
  need_engine()
  d <- raters()
  text <- sprintf("traj, var(%s) indep(%s) model(cnorm) order(1 1) min(-50) max(50)",
                  paste(columns_of(c("a", "b")), collapse = " "), paste(rep(paste0("t", 0:3), 2), collapse = " "))
  found <- traj(text, in_columns(d), id = "id", control = gbtm_control(n_starts = 3))
  fit <- fit_raters(d)
  expect_equal(as.numeric(logLik(found)), as.numeric(logLik(fit)), tolerance = 1e-8)
  d$z <- d$y^2
  both <- gbtm(list(outcome(y ~ t, order = 1, repeated = TRUE), outcome(z ~ t, order = 1, data = d[d$rater == "a", ])),
               data = d, id = "id", groups = 2, control = gbtm_control(n_starts = 2))
  expect_output(print(both), "observations of y share their t")
  expect_equal(vapply(both$spec$outcomes, function(o) isTRUE(o$repeated), NA), c(TRUE, FALSE))
  one <- of_outcome(both, "y")
  expect_equal(one$nobs, nrow(d))
  few <- d[d$id < 4, ]
  expect_error(probabilities(both, few), class = "gbtm_duplicate_time") # z has one rater
  expect_length(probabilities(both, few[few$rater == "a", ]), 6)
})
