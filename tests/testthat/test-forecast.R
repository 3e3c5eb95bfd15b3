# Forecasts: against mixtures summed by hand, and against what Python makes of the same fit.


waves <- function(n = 40, family = "poisson") {
  set.seed(4)
  d <- expand.grid(t = 0:4, id = seq_len(n))
  d$w <- stats::rnorm(nrow(d))
  d$y <- stats::rpois(nrow(d), c(0.4, 3)[d$id %% 2 + 1])
  d
}

fitted_to <- function(d, formula = y ~ t, order = 1, ...) {
  suppressWarnings(gbtm(formula, d, id = "id", groups = 2, order = order, family = "poisson",
                        control = gbtm_control(n_starts = 1), ...))
}

posteriors <- function(fit, people) {
  p <- suppressWarnings(predict(fit, newdata = people, type = "posterior"))
  unname(as.matrix(p[c("group_1", "group_2")]))
}

rates <- function(fit, t) predict(fit, times = t)$estimate

test_that("the distribution is the mixture over the posteriors", {
  need_engine()
  d <- waves()
  fit <- fitted_to(d)
  people <- d[d$id <= 3 & d$t <= 2, ]
  got <- forecast(fit, people, probabilities = 0:2, cdf = 4, y = c(0, NA, 2))
  p <- posteriors(fit, people)
  rate <- rates(fit, 3)
  expect_equal(got$mean, as.vector(p %*% rate), tolerance = 1e-9)
  for (v in 0:2) expect_equal(got[[paste0("p_", v)]], as.vector(p %*% stats::dpois(v, rate)), tolerance = 1e-9)
  expect_equal(got$cdf_4, as.vector(p %*% stats::ppois(4, rate)), tolerance = 1e-9)
  expect_equal(got$log_score, log(c(got$p_0[1], NA, got$p_2[3])), tolerance = 1e-9)
  expect_equal(got$p_positive, 1 - got$p_0, tolerance = 1e-9)
  expect_identical(got$t, rep(3, 3))
  expect_identical(got$id, 1:3)
  expect_identical(attr(got, "draws"), 0L)
  expect_output(print(got), "intervals of 95 %, exact")
})

test_that("the generic is the one of generics, whoever attaches it", {
  fit <- example_fit()
  expect_identical(gbtm::forecast, generics::forecast)
  expect_error(generics::forecast(fit), class = "gbtm_no_people")
  # a generic of another package's own, as forecast had before it took that of generics
  other <- new.env(parent = asNamespace("gbtm"))
  other$forecast <- function(object, ...) UseMethod("forecast")
  environment(other$forecast) <- other
  expect_error(other$forecast(fit), class = "gbtm_no_people")
  expect_error(forecast(fit, fit$data, h = 2), class = "gbtm_unknown_argument")
})

test_that("covariates of the future are the user's, in R's own grammar", {
  need_engine()
  d <- waves()
  d$kind <- factor(ifelse(d$w > 0.3, "b", "a"))
  fit <- fitted_to(d, order = 0, tcov = ~ kind + I(w^2))
  people <- d[d$id <= 2, ]
  expect_error(forecast(fit, people), class = "gbtm_no_future")
  future <- data.frame(id = c(1, 2, 1, 2), t = c(5, 5, 6, 6), w = c(0.5, -1, 0, 1), kind = c("b", "a", "a", "b"))
  got <- forecast(fit, people, steps = 2, future = future)
  future$y <- NA
  expect_equal(forecast(fit, rbind(people, future[names(people)]), steps = 2), got)
  p <- posteriors(fit, people)
  b <- coef(fit)
  eta <- vapply(1:2, function(k) {
    of <- function(name) b[[sprintf("%s[%d]", name, k)]]
    of("intercept") + of("kindb") * (future$kind == "b") + of("I(w^2)") * future$w^2
  }, numeric(4))
  want <- rowSums(p[c(1, 2, 1, 2), ] * exp(eta))
  expect_equal(got$mean[order(got$step, got$id)], want, tolerance = 1e-9)
  strange <- transform(future, id = id + 100)
  expect_error(forecast(fit, people, future = strange), class = "gbtm_unknown_id")
})

test_that("a lag is that of the outcome before, also where it is foretold itself", {
  need_engine()
  d <- waves()
  fit <- fitted_to(d, order = 0, tcov = ~ w * log1p(lag(y, first = 0)))
  people <- d[d$id <= 2, ]
  future <- data.frame(id = c(1, 2, 1, 2), t = c(5, 5, 6, 6), w = c(0.5, -1, 0, 1))
  got <- forecast(fit, people, steps = 2, future = future, draws = 4000)
  b <- coef(fit)
  p <- posteriors(fit, people)
  rate <- function(last, w) {
    vapply(1:2, function(k) {
      of <- function(name) b[[sprintf("%s[%d]", name, k)]]
      exp(of("intercept") + of("w") * w + log1p(last) * (of("log1p(lag(y))") + w * of("w:log1p(lag(y))")))
    }, numeric(length(last)))
  }
  first <- rate(people$y[people$t == 4], future$w[1:2])
  expect_equal(got$mean[got$step == 1], rowSums(p * first), tolerance = 1e-9)
  counts <- 0:200
  second <- vapply(1:2, function(i) {
    after <- rate(counts, future$w[2 + i])
    sum(p[i, ] * vapply(1:2, function(k) sum(stats::dpois(counts, first[i, k]) * after[, k]), 0))
  }, 0)
  expect_equal(got$mean[got$step == 2], second, tolerance = 0.05)
  expect_identical(attr(got, "draws"), 4000L)
})

test_that("a fit from a file foretells the same, and so does Python", {
  need_engine()
  d <- waves()
  d$who <- factor(paste0("p", d$id))
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "who", groups = 2, order = 1, family = "poisson",
                               control = gbtm_control(n_starts = 1)))
  people <- d[d$id <= 4 & d$t < 3, ]
  got <- forecast(fit, people, steps = 2)
  expect_identical(got$who, rep(unique(people$who), each = 2))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(forecast(read_gbtm(file), people, steps = 2), got, tolerance = 1e-12)
  table <- tempfile(fileext = ".csv")
  utils::write.csv(people, table, row.names = FALSE)
  said <- run_python(c(
    "import gbtm, pandas", sprintf("res = gbtm.load(%s)", deparse(file)),
    sprintf("t = res.forecast(pandas.read_csv(%s), steps=2).table", deparse(table)),
    "print(*(repr(float(v)) for c in ('mean', 'sd', 'lower', 'q0.95', 'p_positive') for v in t[c]), sep='\\n')"
  ))
  mine <- unlist(got[c("mean", "sd", "lower", "q0.95", "p_positive")], use.names = FALSE)
  expect_equal(as.numeric(said), mine, tolerance = 1e-14)
})

test_that("wide data, a basis of R's, several outcomes and dual models", {
  need_engine()
  d <- waves()
  fit <- fitted_to(d)
  wide <- stats::reshape(d[c("id", "t", "y")], idvar = "id", timevar = "t", direction = "wide")
  of_wide <- suppressWarnings(gbtm(y ~ t, wide, id = "id", groups = 2, order = 1, family = "poisson",
                                   wide = list(y = paste0("y.", 0:4), t = 0:4), control = gbtm_control(n_starts = 1)))
  some <- wide[1:3, ]
  some$y.4 <- NA
  long <- forecast(fit, d[d$id <= 3 & d$t < 4, ], steps = 2)
  got <- forecast(of_wide, some, steps = 2)
  expect_equal(got[-1], long[-1], tolerance = 1e-4, ignore_attr = TRUE)
  curved <- fitted_to(d, y ~ splines::ns(t, 2), NULL)
  got <- forecast(curved, d[d$id <= 3, ], steps = 2)
  p <- posteriors(curved, d[d$id <= 3, ])
  expect_equal(got$mean, as.vector(t(p %*% vapply(5:6, function(t) rates(curved, t), numeric(2)))),
               tolerance = 1e-9)
  d$z <- d$y / 2 + stats::rnorm(nrow(d))
  for (groups in list(2, c(2, 2))) {
    both <- suppressWarnings(gbtm(list(y ~ t, z ~ t), d, id = "id", groups = groups, order = 1,
                                  family = c("poisson", "normal"), control = gbtm_control(n_starts = 1)))
    people <- d[d$id <= 3 & d$t < 3, ]
    got <- forecast(both, people)
    expect_identical(got$outcome, rep(c("y", "z"), each = 3))
    p <- predict(both, newdata = people, type = "group")
    weight <- tapply(p$probability, list(p$id, p[[if (length(groups) > 1) "group2" else "group"]]), sum)
    expect_equal(got$mean[4:6], as.vector(weight %*% rates(of_outcome(both, "z"), 3)), tolerance = 1e-9)
  }
})

test_that("what cannot be foretold is refused by name", {
  need_engine()
  d <- waves(20)
  fit <- fitted_to(d)
  people <- d[d$id <= 2, ]
  refused <- function(class, ...) expect_error(forecast(fit, people, ...), class = class)
  refused("gbtm_bad_steps", steps = 0)
  refused("gbtm_bad_draws", draws = 1.5)
  refused("gbtm_bad_level", level = 1)
  refused("gbtm_bad_quantiles", quantiles = c(0.5, 2))
  refused("gbtm_bad_times", times = 3)
  refused("gbtm_bad_seed", seed = -1)
  refused("gbtm_bad_outcome", y = 1:3)
  expect_error(forecast(fit, as.matrix(people)), class = "gbtm_bad_data")
  expect_error(forecast(fit, people[c("id", "t")]), class = "gbtm_unknown_column")
})
