# A weak prior: finite where the likelihood has no maximum, told as MAP, the digits of Python.

separated <- function() {
  set.seed(1)
  y <- matrix(0, 60, 5)
  for (i in 31:60) y[i, sample(5, 3 + i %% 2)] <- 1
  data.frame(id = rep(1:60, each = 5), age = 10:14, y = as.vector(t(y)))
}

fitted_to <- function(..., data = separated()) {
  suppressWarnings(
    gbtm(y ~ age, data, id = "id", groups = 2, order = c(0, 1), family = "logit", control = quick(), ...))
}

test_that("a prior is checked where it is made", {
  expect_s3_class(gbtm_prior(), "gbtm_prior")
  expect_error(gbtm_prior(shares = -1), "shares is -1", class = "gbtm_bad_prior")
  expect_error(gbtm_prior(curves = NA), class = "gbtm_bad_prior")
  expect_error(gbtm_prior(ridge = 0), "ridge", class = "gbtm_bad_prior")
  expect_error(gbtm_prior(share = 1), class = "gbtm_unknown_argument")
  expect_error(fitted_to(prior = "strong"), "strong", class = "gbtm_bad_prior")
  expect_output(print(gbtm_prior(ridge = 2.5)), "ridge 2.5", fixed = TRUE)
  expect_output(print(gbtm_prior()), "prior = \"weak\"", fixed = TRUE)
})

test_that("it reaches the engine to the last bit", {
  sent <- gbtm:::sent_prior(gbtm_prior(shares = 1 / 3, firth = TRUE))
  expect_identical(as.numeric(sent$shares), 1 / 3)
  expect_true(sent$firth)
  expect_null(sent$ridge)
  expect_null(gbtm:::sent_prior(NULL))
})

test_that("it gives finite estimates where there are none, and names itself as the remedy", {
  need_engine()
  plain <- fitted_to()
  weak <- fitted_to(prior = "weak")
  said <- vapply(plain$warnings, `[[`, "", "message")
  expect_true(any(grepl("With prior = \"weak\" estimates are finite", said, fixed = TRUE)))
  expect_true(anyNA(sqrt(diag(vcov(plain)))))
  expect_false(anyNA(vcov(weak)))
  expect_lt(max(abs(coef(weak))), 10)
  expect_lt(max(abs(weak$shares - plain$shares)), 0.01)
  expect_null(plain$prior)
  expect_identical(weak$prior, gbtm_prior())
  expect_lt(as.numeric(logLik(weak)), as.numeric(logLik(plain)))
})

test_that("prints and summaries say MAP, and a file keeps it", {
  need_engine()
  weak <- fitted_to(prior = gbtm_prior(shares = 0.5, ridge = 2.5))
  expect_output(print(weak), "MAP: estimates maximise")
  expect_output(print(summary(weak)), "shares 0.5, curves 1, zero 1, sigma 1,?\\s+ridge 2.5")
  path <- tempfile(fileext = ".json")
  write_gbtm(weak, path)
  again <- read_gbtm(path)
  expect_identical(again$prior, weak$prior)
  expect_identical(coef(again), coef(weak))
  expect_equal(predict(again, data.frame(age = 10:12)), predict(weak, data.frame(age = 10:12)))
})

test_that("likelihood ratios across priors have no p-value", {
  need_engine()
  weak <- fitted_to(prior = "weak")
  small <- suppressWarnings(gbtm(y ~ age, separated(), id = "id", groups = 2, order = 0, family = "logit",
                                 control = quick()))
  expect_warning(table <- anova(small, weak), "priors differ", class = "gbtm_no_chisq")
  expect_true(is.na(table[2, "Pr(>Chisq)"]))
})

test_that("searches, traj commands and profile intervals take it", {
  need_engine()
  d <- separated()
  weak <- fitted_to(prior = "weak")
  wide <- reshape(d, idvar = "id", timevar = "age", v.names = "y", direction = "wide", sep = "")
  for (age in 10:14) wide[[paste0("t", age)]] <- age
  fit <- suppressWarnings(traj("traj, var(y10-y14) indep(t10-t14) model(logit) order(0 1)", wide, control = quick(),
                               prior = "weak"))
  expect_equal(unname(coef(fit)), unname(coef(weak)), tolerance = 1e-5)
  expect_output(print(fit), "Maximum a Posteriori")
  found <- suppressWarnings(gbtm_search(y ~ age, d, id = "id", groups = 2, order = 0, family = "logit", prior = "weak",
                                        control = quick()))
  expect_identical(found$fits[[length(found$fits)]]$prior, gbtm_prior())
  ends <- confint(weak, "intercept[1]", method = "profile")
  expect_true(all(is.finite(ends)))
})

test_that("levels have a prior of all their predictors together", {
  need_engine()
  set.seed(1)
  d <- data.frame(id = rep(1:60, each = 4), t = rep(0:3, 60))
  d$y <- ifelse(d$id <= 30, 1, sample(3, nrow(d), TRUE, c(0.2, 0.4, 0.4)))
  for (family in c("ordinal", "multinomial")) {
    fit <- function(prior, y = d$y, kind = family) {
      d$y <- y
      suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = c(0, 1), family = kind, prior = prior,
                            control = gbtm_control(n_starts = 3)))
    }
    plain <- fit(NULL)
    weak <- fit("weak")
    expect_true(anyNA(sqrt(diag(vcov(plain)))))
    expect_false(anyNA(sqrt(diag(vcov(weak)))))
    expect_lt(max(abs(coef(weak))), 15)
    expect_lt(as.numeric(logLik(weak)), as.numeric(logLik(plain)))
    expect_equal(level_probabilities(weak, 0:3)$probability, level_probabilities(plain, 0:3)$probability,
                 tolerance = 0.02)
    expect_output(print(summary(weak)), "MAP")
    two <- as.numeric(d$y > 1)
    expect_equal(unname(coef(fit("weak", two))), unname(coef(fit("weak", two, "logit"))), tolerance = 1e-4)
  }
})
