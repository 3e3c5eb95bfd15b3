# Time among the time-varying covariates: the same model as products made by hand.

sex_by_time <- function() {
  d <- two_curves(60, 0:4)
  set.seed(4)
  d$sex <- rep(stats::rbinom(60, 1, 0.5), each = 5)
  d$sexf <- factor(ifelse(d$sex == 1, "woman", "man"))
  d$y <- d$y + d$sex * (0.5 + 0.2 * d$t)
  d$st <- d$sex * d$t
  d$stt <- d$sex * d$t^2
  d
}

test_that("every spelling of an interaction with time is the products' model", {
  need_engine()
  d <- sex_by_time()
  fit <- function(tcov, order = 1) gbtm(y ~ t, d, id = "id", groups = 2, order = order, tcov = tcov, control = quick())
  told <- function(expression) {
    codes <- character()
    value <- withCallingHandlers(expression, gbtm_warning = function(w) {
      codes <<- c(codes, grep("each group's curve", conditionMessage(w), value = TRUE))
      invokeRestart("muffleWarning")
    })
    list(fit = value, told = codes)
  }
  cases <- list(
    list(~ sex * t, ~ sex + st, 1, TRUE), list(~ t * sexf, ~ sex + st, 1, TRUE),
    list(~ sexf + sexf:t, ~ sex + st, 1, FALSE), list(~ sexf / t, ~ sex + st, 1, FALSE), list(~ t:sexf, ~ st, 2, FALSE),
    list(~ sexf * (t + I(t^2)), ~ sex + st + stt, 2, TRUE), list(c("sex", "t"), ~ sex, 1, TRUE)
  )
  for (case in cases) {
    ours <- told(fit(case[[1]], case[[3]]))
    theirs <- told(fit(case[[2]], case[[3]]))
    label <- paste(deparse(case[[1]]), collapse = " ")
    expect_equal(length(ours$told) > 0, case[[4]], info = label)
    expect_length(theirs$told, 0)
    expect_equal(ours$fit$loglik, theirs$fit$loglik, tolerance = 1e-8, info = label)
    expect_equal(unname(coef(ours$fit)), unname(coef(theirs$fit)), tolerance = 1e-4, info = label)
    some <- d[d$id %in% c(3, 40), c("id", "t", "y", "sex", "sexf")]
    expect_equal(unname(group_columns(predict(ours$fit, newdata = some, type = "posterior"))),
                 unname(group_columns(posterior(ours$fit)[c(3, 40), ])), tolerance = 1e-8,
                 info = label)
  }
  ours <- suppressWarnings(fit(~ sexf * t))
  expect_identical(grep("sexf", names(coef(ours)), value = TRUE),
                   c("sexfwoman[1]", "sexfwoman:t[1]", "sexfwoman[2]", "sexfwoman:t[2]"))
  curve <- predict(ours, newdata = data.frame(t = c(0, 4), sexf = "woman"))
  b <- coef(ours)
  expect_equal(curve$estimate[curve$group == 1],
               as.vector(b["intercept[1]"] + b["sexfwoman[1]"] + c(0, 4) * (b["t[1]"] + b["sexfwoman:t[1]"])))
})
