# Formulas of covariates: contrasts of a factor's own, and what cannot be a column.

with_region <- function() {
  d <- two_curves(24)
  d$region <- factor(c("a", "b", "c")[d$id %% 3 + 1])
  d$w <- (d$id * 3 + d$t) %% 5
  d
}

test_that("contrasts that a factor has of its own hold for new people too", {
  need_engine()
  d <- with_region()
  own <- d
  contrasts(own$region) <- stats::contr.helmert(3)
  plain <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ region, control = quick())
  for (tcov in c(~ region, ~ C(region, contr.sum))) {
    expect_no_warning(fit <- gbtm(y ~ t, own, id = "id", groups = 2, order = 1, tcov = tcov, control = quick()))
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(plain)), tolerance = 1e-8)
    # one person has one level, and curves do not depend on the coding
    expect_equal(group_columns(predict(fit, newdata = d[d$id == 4, ], type = "posterior")),
                 group_columns(posterior(plain)[4, ]), tolerance = 1e-6, ignore_attr = TRUE)
    expect_equal(predict(fit, newdata = d[5:6, ])$estimate, predict(plain, newdata = d[5:6, ])$estimate,
                 tolerance = 1e-6)
  }
})

test_that("an offset or a dot among covariates is refused, not left out", {
  d <- with_region()
  d$w <- d$id %% 5
  d$t2 <- d$id
  for (asked in list(list(risk = ~ w + offset(w)), list(tcov = ~ offset(w)), list(common = ~ region + offset(w)),
                     list(event = Surv(t2, w > 2) ~ offset(w)))) {
    expect_error(do.call(gbtm, c(list(y ~ t, d, id = "id", groups = 2), asked)), "offset\\(\\)",
                 class = "gbtm_bad_formula")
  }
  for (formula in c(y ~ offset(t), y ~ t + offset(0.5 * t))) {
    expect_error(gbtm(formula, d, id = "id", groups = 2), "give exposure", class = "gbtm_bad_formula")
  }
  for (asked in list(list(risk = ~ .), list(tcov = ~ . - y), list(event = Surv(t2, w > 2) ~ .))) {
    expect_error(do.call(gbtm, c(list(y ~ t, d, id = "id", groups = 2), asked)), "'.' in", fixed = TRUE,
                 class = "gbtm_bad_formula")
  }
})

test_that("a transform without a value says in how many rows", {
  d <- with_region()
  expect_error(suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, tcov = ~ sqrt(w - 1))),
               sprintf("has no value in %d rows", sum(d$w < 1)), class = "gbtm_bad_formula")
})

test_that("arithmetic that is no formula is refused in words", {
  d <- with_region()
  for (asked in list(list(risk = ~ id - 40), list(tcov = ~ w - 3))) {
    expect_error(do.call(gbtm, c(list(y ~ t, d, id = "id", groups = 2), asked)), "cannot be computed",
                 class = "gbtm_bad_formula")
  }
})
