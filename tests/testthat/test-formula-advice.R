# What is said of a formula with more or less than time in it; the engine is not needed.

advice_data <- function() {
  t <- rep(0:5, 20)
  set.seed(1)
  data.frame(id = rep(1:20, each = 6), t = t, y = t, sex = rep(0:1, each = 6, length.out = 120), e = 1 + t %% 3,
             income = stats::rnorm(120), tsquare = (t - 2)^2 / 10, t2 = t^2, t3 = t^3)
}

test_that("more than time is pointed to the argument that says it", {
  d <- advice_data()
  cases <- list(
    list(y ~ t + sex, c("y ~ t", "risk = \"sex\"", "tcov = \"sex\"")),
    list(y ~ factor(sex) * t + income, c("y ~ t", "risk = c(\"sex\", \"income\")")),
    list(y ~ t + offset(log(e)), "exposure = \"e\""), list(y ~ t + offset(e), "exposure = ~ exp(e)"),
    list(y ~ t | id, "id = \"id\""), list(y ~ t + sex | id, c("id = \"id\"", "risk = \"sex\"")),
    list(y ~ t + (1 | id), c("rorder = 0", "id = \"id\"")), list(y ~ t + (1 + t | id), "rorder = 1"),
    list(y ~ t + (t || id), "rorder = 1"),
    list(y ~ t + (t + I(t^2) | id), "rorder = 2"), list(y ~ t + (poly(t, 2) | id), "rorder = 2"),
    list(y ~ 1, "order = 0"), list(y ~ 0, "order = 0"),
    list(y ~ t + t^3, "order = 3"), list(y ~ t + tsquare, "order = 2"), list(y ~ t + t2 + t3, "order = 3"),
    list(y ~ t + tsquare + sex, c("order = 2", "risk = \"sex\""))
  )
  for (case in cases) {
    error <- expect_error(gbtm(case[[1]], d, id = "id", groups = 2), class = "gbtm_bad_formula")
    for (part in case[[2]]) expect_match(conditionMessage(error), part, fixed = TRUE)
    expect_equal(grepl("risk = ", conditionMessage(error), fixed = TRUE), "sex" %in% all.vars(case[[1]]))
  }
})

test_that("a basis of time stays one", {
  for (formula in list(y ~ poly(t, 2), y ~ t + I(t^2), y ~ factor(t), y ~ log(t + 1), y ~ splines::bs(t, df = 4))) {
    expect_equal(gbtm:::formula_parts(formula, c("y", "t", "sex"))$time, "t")
  }
})

test_that("risk = ~ 1 asks for no covariate", {
  need_engine()
  d <- two_curves(16, 0:3)
  plain <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = quick())
  for (none in list(~1, "~ 1", "~1")) {
    fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = none, control = quick())
    expect_equal(coef(fit), coef(plain))
  }
})

test_that("a level that separates the groups is named, the reference level too", {
  need_engine()
  d <- two_curves(40, 0:3)
  d$level <- ifelse(d$id > 36, "a rare one", "usual")
  warned <- expect_warning(
    gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~level, control = quick()),
    class = "gbtm_separated_membership"
  )
  expect_match(conditionMessage(warned), "4 people with level = a rare one nobody is in group", fixed = TRUE)
  expect_no_match(conditionMessage(warned), "order", fixed = TRUE)
})

test_that("times far outside what was seen bring a warning with the range", {
  fit <- example_fit()
  seen <- range(fit$data$time)
  expect_silent(predict(fit))
  near <- expect_warning(predict(fit, times = seen[2] + 0.24 * diff(seen)), class = "gbtm_outside")
  expect_match(conditionMessage(near), sprintf("of all groups (%g to %g)", seen[1], seen[2]), fixed = TRUE)
  warned <- expect_warning(predict(fit, times = c(seen[1], seen[2] + 3 * diff(seen))), class = "gbtm_far_times")
  expect_match(conditionMessage(warned), sprintf("observed ones, %g to %g", seen[1], seen[2]), fixed = TRUE)
})
