# Hurdles: glm() for the zeros, and the truncated count maximised by optim(); curves, scores and words.

drinks <- function() {
  set.seed(4)
  d <- expand.grid(t = 0:5, id = 1:120)
  low <- rep(stats::rbinom(120, 1, 0.5), each = 6)
  rate <- exp(ifelse(low == 1, 0.1 + 0.1 * d$t, 1.5 - 0.1 * d$t))
  none <- stats::plogis(ifelse(low == 1, 1, -1))
  u <- stats::runif(nrow(d), stats::dpois(0, rate), 1)
  d$y <- ifelse(stats::runif(nrow(d)) < none, 0, stats::qpois(u, rate))
  d
}

fitted_drinks <- function(family = "hurdle", groups = 2, ..., order = 1) {
  suppressWarnings(gbtm(y ~ t, drinks(), id = "id", groups = groups, order = order, family = family, ...,
                        control = gbtm_control(n_starts = 4, seed = 1)))
}

test_that("one group is glm() for the zeros and a truncated count for the rest", {
  need_engine()
  d <- drinks()
  above <- d[d$y > 0, ]
  zero <- glm(y == 0 ~ t, binomial, d, control = list(epsilon = 1e-14))
  loglik <- list(
    hurdle = function(b) {
      rate <- exp(b[1] + b[2] * above$t)
      sum(dpois(above$y, rate, log = TRUE) - log(-expm1(-rate)))
    },
    hurdle_negbin = function(b) {
      mu <- exp(b[1] + b[2] * above$t)
      sum(dnbinom(above$y, exp(-b[3]), mu = mu, log = TRUE) - log(1 - dnbinom(0, exp(-b[3]), mu = mu)))
    }
  )
  for (family in names(loglik)) {
    fit <- fitted_drinks(family, 1, iorder = 1)
    start <- c(0.5, 0, if (family == "hurdle_negbin") -1)
    best <- optim(start, loglik[[family]], method = "BFGS", control = list(fnscale = -1, reltol = 1e-14))
    expect_equal(as.numeric(logLik(fit)), best$value + as.numeric(logLik(zero)), tolerance = 1e-8, info = family)
    expect_equal(unname(coef(fit)[1:2]), best$par[1:2], tolerance = 1e-3, info = family)
    expect_equal(unname(coef(fit)[3:4]), unname(coef(zero)), tolerance = 1e-6, info = family)
    expect_equal(unname(sqrt(diag(vcov(fit)))[3:4]), unname(sqrt(diag(vcov(zero)))), tolerance = 1e-4, info = family)
  }
})

test_that("curves, bands and people's probabilities in R are the engine's", {
  need_engine()
  d <- drinks()
  for (family in c("hurdle", "hurdle_negbin")) {
    fit <- fitted_drinks(family, iorder = c(0, 1))
    file <- tempfile(fileext = ".json")
    write_gbtm(fit, file)
    lines <- run_python(c(
      "import gbtm", sprintf("p = gbtm.load(%s).predict([0, 2.5])", deparse(file)),
      "[print(*[repr(float(v)) for v in p[c]]) for c in ('estimate', 'std err', 'lower', 'upper')]"
    ))
    ours <- as.list(predict(fit, times = c(0, 2.5)))[c("estimate", "se", "lower", "upper")]
    expect_equal(unname(ours), lapply(strsplit(lines, " "), as.double), tolerance = 1e-8, info = family)
    expect_equal(as.matrix(predict(fit, newdata = d[d$id < 5, ], type = "posterior")[paste0("group_", 1:2)]),
                 fit$posterior[1:4, ], tolerance = 1e-8, ignore_attr = TRUE, info = family)
  }
})

test_that("the zero part is called what it is, and what a hurdle has not is refused", {
  need_engine()
  fit <- fitted_drinks()
  expect_match(capture.output(print(summary(fit))), "^Zero part, common to all groups", all = FALSE)
  expect_output(print(family(fit)), "Link function of the zero part: logit")
  expect_error(fitted_drinks(order = c(-1, 1)), class = "gbtm_bad_order")
  expect_error(fitted_drinks(iorder = -1), "no zeros", class = "gbtm_bad_iorder")
  expect_error(gbtm(y ~ t, transform(drinks(), y = y - 0.5), "id", 1, 1, "hurdle"), "whole numbers")
})

test_that("psi of a hurdle is tested against the hurdle without it, and outcomes are drawn", {
  need_engine()
  fit <- fitted_drinks("hurdle_negbin", iorder = c(0, 0))
  test <- dispersion_test(fit, gbtm_control(n_starts = 4, seed = 1))
  expect_identical(test$family, "hurdle")
  smaller <- fitted_drinks(iorder = c(0, 0))
  expect_equal(unname(test$statistic), max(0, 2 * as.numeric(logLik(fit) - logLik(smaller))), tolerance = 1e-5)
  drawn <- simulate(smaller, nsim = 1, seed = 1)
  expect_true(all(drawn[[1]] >= 0))
})

test_that("what compares curves calls its zeros no inflation", {
  need_engine()
  note <- equal_curves(fitted_drinks(iorder = 0))$notes
  expect_match(note, "(sigma, the zero part, time-varying covariates)", fixed = TRUE)
  expect_match(equal_curves(fitted_drinks("zip", iorder = 0))$notes, "zero inflation")
})
