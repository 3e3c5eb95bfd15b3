# A fit of these numbers, as far as the tests read one.
made_fit <- function(b, v, ...) {
  dimnames(v) <- list(names(b), names(b))
  structure(class = "gbtm", list(coefficients = b, vcov = v, nobs = 500, cov_type = "hessian", ...))
}

with_all_names <- function() {
  set.seed(3)
  names <- c("intercept[1]", "t[1]", "t^2[1]", "W[1]", "intercept[2]", "t[2]", "bs(t, df=4)[1][2]", "zero_intercept",
             "zero_t", "sigma", "theta[2]", "theta_X1[2]")
  half <- matrix(rnorm(12 * 17), 12) / 10
  made_fit(stats::setNames(rnorm(12) + 2, names), half %*% t(half))
}

row_of <- function(fit, ...) {
  row <- stats::setNames(numeric(length(coef(fit))), names(coef(fit)))
  values <- list(...)
  for (i in seq_along(values)) row[names(values)[i]] <- values[[i]]
  unname(row)
}

by_hand <- function(fit, rows, value = 0, v = vcov(fit)) {
  d <- rows %*% coef(fit) - value
  as.numeric(t(d) %*% solve(rows %*% v %*% t(rows)) %*% d)
}

test_that("hypotheses are read with names that R could not", {
  fit <- with_all_names()
  r <- function(...) row_of(fit, ...)
  read <- function(text, value = NULL) gbtm:::linear_hypotheses(text, names(coef(fit)), value)
  cases <- list(
    list("t[1] = t[2]", rbind(r("t[1]" = 1, "t[2]" = -1)), 0),
    list("t^2[1]", rbind(r("t^2[1]" = 1)), 0),
    list("1 = sigma", rbind(r(sigma = -1)), -1),
    list("2*t[1] - (t[2] + 1)/4 = -W[1] + 3", rbind(r("t[1]" = 2, "t[2]" = -0.25, "W[1]" = 1)), 3.25),
    list("t[1] = t[2] = 0", rbind(r("t[1]" = 1, "t[2]" = -1), r("t[2]" = 1)), c(0, 0)),
    list("bs(t, df=4)[1][2] = 2.5e-1", rbind(r("bs(t, df=4)[1][2]" = 1)), 0.25),
    list("exp(0) * t[1] / 2**2 = log(exp(2))", rbind(r("t[1]" = 0.25)), 2),
    list(c("t[1] = 1", "theta_X1[2] = theta[2]"), rbind(r("t[1]" = 1), r("theta_X1[2]" = 1, "theta[2]" = -1)), c(1, 0))
  )
  for (case in cases) {
    h <- read(case[[1]])
    expect_equal(h$matrix, case[[2]])
    expect_equal(h$value, case[[3]])
  }
  h <- read(c("t[1] - t[2]", "sigma"), c(1, 2))
  expect_equal(h$value, c(1, 2))
  expect_identical(h$labels, c("t[1] - t[2] = 1", "sigma = 2"))
})

test_that("what cannot be read or tested is an error by name", {
  fit <- with_all_names()
  errors <- list(
    unknown_parameter = list("t[3] = 0", "sigma2 = 1", "zero_intercept[1]", "t^2[2]", "2t[1] = 0", "p3", "t[1]$a"),
    not_linear = list("t[1] * t[2] = 0", "exp(t[1]) = 1", "t[1]^2 = 1", "1 / t[1] = 1", "t[1] / 0"),
    bad_expression = list("t[1] =", "t[1],", "", "t[1] t[2]", "(t[1], t[2])", "t[1](2)", "exp(t[1], 2)", "exp()",
                          "1e999 * t[1]", "system(1)", strrep("(", 300), paste(rep("t[1]", 5000), collapse = "+")),
    bad_hypotheses = list(diag(3), TRUE, NULL, "t[1] = t[1]", matrix(NA_real_, 1, 12)),
    contradictory = list("t[1] = 1, t[1] = 2", "t[1] = t[2], t[2] = W[1] + 1, t[1] = W[1]", "t[1] = 1, 1 = 2")
  )
  for (code in names(errors)) {
    for (text in errors[[code]]) expect_error(wald_test(fit, text), class = paste0("gbtm_", code))
  }
  expect_error(wald_test(fit, "t[1] = 1", value = 2), class = "gbtm_bad_hypotheses")
  expect_error(wald_test(fit, "t[1]", df = -1, test = "F"), class = "gbtm_bad_df")
  expect_error(wald_test(fit, "t[1]", test = "LR"), class = "gbtm_bad_test")
  expect_error(wald_test(1, "t[1]"), class = "gbtm_bad_fit")
  twice <- made_fit(c(a = 1, a = 2), diag(2))
  expect_error(wald_test(twice, "a"), class = "gbtm_ambiguous_parameter")
})

test_that("the joint test is the quadratic form", {
  fit <- with_all_names()
  rows <- rbind(row_of(fit, "t[1]" = 1, "t[2]" = -1), row_of(fit, sigma = 1))
  w <- by_hand(fit, rows, c(0, 1.5))
  test <- wald_test(fit, "t[1] = t[2], sigma = 1.5")
  expect_s3_class(test, "htest")
  expect_equal(unname(test$statistic), w, tolerance = 1e-10)
  expect_equal(unname(test$parameter), 2)
  expect_equal(test$p.value, pchisq(w, 2, lower.tail = FALSE))
  expect_equal(unname(test$estimate), as.vector(rows %*% coef(fit)) - c(0, 1.5))
  f <- wald_test(fit, "t[1] = t[2], sigma = 1.5", test = "F")
  expect_equal(unname(f$statistic), w / 2)
  expect_equal(f$p.value, pf(w / 2, 2, 500, lower.tail = FALSE))
  expect_equal(unname(wald_test(fit, rows, c(0, 1.5))$statistic), w)
  mix <- matrix(c(2, 1, -3, 0.5), 2)
  expect_equal(unname(wald_test(fit, mix %*% rows, mix %*% c(0, 1.5))$statistic), w)
  expect_output(print(test), "t[1] = t[2]\n  sigma = 1.5", fixed = TRUE)
})

test_that("redundant hypotheses are dropped with a note", {
  fit <- with_all_names()
  test <- wald_test(fit, "t[1] = t[2], t[2] = W[1], t[1] = W[1]")
  expect_equal(unname(test$parameter), 2)
  expect_equal(test$statistic, wald_test(fit, "t[1] = t[2] = W[1]")$statistic)
  expect_match(test$notes, "'t[1] = W[1]' follows", fixed = TRUE)
  expect_output(print(test), "Note: 't[1] = W[1]'", fixed = TRUE)
})

test_that("a parameter without a standard error is named, never NA", {
  v <- diag(c(1, 2, 3))
  v[2, ] <- v[, 2] <- NA
  fit <- made_fit(c(a = 1, b = 2, c = 3), v)
  expect_equal(unname(wald_test(fit, "a, c")$statistic), 1 + 3)
  expect_error(wald_test(fit, "a = b"), "standard error of b", class = "gbtm_no_standard_error")
  expect_error(delta_method(fit, "exp(b)"), class = "gbtm_no_standard_error")
  expect_error(delta_method(fit, function(p) p["a"] * p["b"]), class = "gbtm_no_standard_error")
  expect_equal(delta_method(fit, function(p) 2 * p["a"])$se, 2, tolerance = 1e-8)
  half <- matrix(rnorm(8), 4)
  few <- made_fit(c(a = 1, b = 2, c = 3, d = 4), half %*% t(half))
  expect_error(wald_test(few, "a, b, c"), class = "gbtm_singular_covariance")
})

test_that("the test keeps its size", {
  set.seed(5)
  half <- matrix(rnorm(40), 5)
  v <- half %*% t(half)
  root <- t(chol(v))
  p <- replicate(600, {
    b <- c(a = 1, b = 1, c = 2, d = 2, e = 0) + as.vector(root %*% rnorm(5))
    wald_test(made_fit(b, v), "a = b, c = d = 2, e = 0")$p.value
  })
  expect_gt(stats::ks.test(p, "punif")$p.value, 0.01)
})

test_that("expressions have exact derivatives", {
  fit <- with_all_names()
  b <- unname(coef(fit))
  share <- plogis(b[11])
  cases <- list(
    list("exp(theta_X1[2])", exp(b[12]), row_of(fit, "theta_X1[2]" = exp(b[12]))),
    list("-t[1] / (2 * t^2[1])", -b[2] / (2 * b[3]),
         row_of(fit, "t[1]" = -1 / (2 * b[3]), "t^2[1]" = b[2] / (2 * b[3]^2))),
    list("log(sigma) + sqrt(sigma)", log(b[10]) + sqrt(b[10]), row_of(fit, sigma = 1 / b[10] + 0.5 / sqrt(b[10]))),
    list("sigma^sigma", b[10]^b[10], row_of(fit, sigma = b[10]^b[10] * (1 + log(b[10])))),
    list("invlogit(theta[2])", share, row_of(fit, "theta[2]" = share * (1 - share))),
    list("logit(invlogit(t[1]))", b[2], row_of(fit, "t[1]" = 1))
  )
  for (case in cases) {
    got <- delta_method(fit, case[[1]], level = 0.9)
    se <- sqrt(as.numeric(t(case[[3]]) %*% vcov(fit) %*% case[[3]]))
    expect_equal(got$estimate, case[[2]], tolerance = 1e-12)
    expect_equal(got$se, se, tolerance = 1e-10)
    expect_equal(c(got$lower, got$upper), case[[2]] + c(-1, 1) * qnorm(0.95) * se)
    expect_identical(row.names(got), case[[1]])
  }
})

test_that("functions agree with expressions, in any units", {
  fit <- with_all_names()
  exact <- delta_method(fit, c(peak = "-t[1] / (2 * t^2[1])", share = "invlogit(theta[2])"))
  for (unit in c(1e-6, 1, 1e6)) {
    scaled <- made_fit(coef(fit) * unit, vcov(fit) * unit^2)
    got <- delta_method(scaled, function(b) {
      b <- b / unit
      c(peak = -b[["t[1]"]] / (2 * b[["t^2[1]"]]), share = stats::plogis(b[["theta[2]"]]))
    })
    expect_identical(row.names(got), c("peak", "share"))
    expect_equal(got$se, exact$se, tolerance = 1e-6)
    expect_equal(attr(got, "vcov"), attr(exact, "vcov"), tolerance = 1e-6)
  }
})

test_that("functions that will not do are errors by name", {
  fit <- with_all_names()
  expect_error(delta_method(fit, "log(-exp(t[1]))"), class = "gbtm_not_finite")
  expect_error(delta_method(fit, function(b) b[2] / 0), class = "gbtm_not_finite")
  expect_error(delta_method(fit, function(b) 3), class = "gbtm_constant_function")
  expect_error(delta_method(fit, "3"), class = "gbtm_constant_function")
  expect_error(delta_method(fit, function(b) b[2] + rnorm(1)), class = "gbtm_rough_function")
  expect_error(delta_method(fit, function(b) (b[2] + 1e14) - 1e14), class = "gbtm_rough_function")
  expect_error(delta_method(fit, "t[1] = t[2]"), class = "gbtm_bad_expression")
  expect_error(delta_method(fit, 5), class = "gbtm_bad_expression")
  expect_error(delta_method(fit, "t[1]", level = 2), class = "gbtm_bad_level")
})

test_that("nonlinear hypotheses are tested by the delta method", {
  fit <- with_all_names()
  b <- unname(coef(fit))
  j <- rbind(row_of(fit, "t[1]" = -1 / (2 * b[3]), "t^2[1]" = b[2] / (2 * b[3]^2)), row_of(fit, sigma = 1 / b[10]))
  d <- c(-b[2] / (2 * b[3]) - 3, log(b[10]) - 0.5)
  w <- as.numeric(t(d) %*% solve(j %*% vcov(fit) %*% t(j)) %*% d)
  test <- wald_test_nonlinear(fit, "-t[1] / (2 * t^2[1]) = 3, log(sigma) = 0.5")
  expect_equal(unname(test$statistic), w, tolerance = 1e-8)
  same <- wald_test_nonlinear(fit, function(b) c(-b[2] / (2 * b[3]), log(b[10])), c(3, 0.5))
  expect_equal(unname(same$statistic), w, tolerance = 1e-6)
  expect_error(wald_test_nonlinear(fit, "t[1]", 1:2), class = "gbtm_bad_value")
  expect_error(wald_test_nonlinear(fit, "t[1] = 1, 2*t[1] = 2"), class = "gbtm_singular_covariance")
})

test_that("equal curves and slopes are those of the coefficients", {
  fit <- example_fit()
  curves <- equal_curves(fit)
  expect_identical(curves$hypotheses[c(1, 6)], c("intercept[1] = intercept[2]", "age^2[1] = age^2[3]"))
  expect_match(curves$notes, "one group")
  slopes <- equal_slopes(fit, c(3, 1))
  expect_identical(slopes$hypotheses, c("age[3] = age[1]", "age^2[3] = age^2[1]"))
  rows <- rbind(row_of(fit, "age[3]" = 1, "age[1]" = -1), row_of(fit, "age^2[3]" = 1, "age^2[1]" = -1))
  expect_equal(unname(slopes$statistic), by_hand(fit, rows), tolerance = 1e-6)
  expect_equal(unname(slopes$estimate), as.vector(rows %*% coef(fit)))
  for (test in list(curves, slopes, equal_curves(fit, 2:3, include_intercept = FALSE))) {
    expect_equal(test$statistic, wald_test(fit, test$hypotheses)$statistic, tolerance = 1e-6)
  }
  covariate <- fit # one column more than those of time
  covariate$curves$positions$mean <- cbind(fit$curves$positions$mean, -1)
  expect_equal(equal_curves(covariate)$statistic, wald_test(fit, curves$hypotheses)$statistic)
  expect_error(equal_curves(fit, 1), class = "gbtm_bad_groups")
  expect_error(equal_curves(fit, c(1, 4)), class = "gbtm_bad_groups")
})

test_that("a lower order means coefficients of 0; a rate of zero is no curve", {
  fit <- example_fit()
  drop <- function(fit, names) {
    keep <- !names(coef(fit)) %in% names
    fit$coefficients <- fit$coefficients[keep]
    fit$vcov <- fit$vcov[keep, keep]
    fit
  }
  expect_identical(equal_slopes(drop(fit, "age^2[1]"), 1:2)$hypotheses, c("age[1] = age[2]", "age^2[2] = 0"))
  expect_error(equal_curves(drop(fit, c("intercept[1]", "age[1]", "age^2[1]"))), class = "gbtm_no_curve")
  flat <- drop(fit, c(sprintf("age[%d]", 1:3), sprintf("age^2[%d]", 1:3)))
  expect_error(equal_slopes(flat), class = "gbtm_no_slopes")
})

test_that("trajtest reads SAS's call and has the macro's numbers", {
  fit <- example_fit()
  n <- nobs(fit)
  k <- length(coef(fit))
  rows <- rbind(row_of(fit, "age[1]" = 1, "age[2]" = -1), row_of(fit, "age^2[1]" = 1, "age^2[2]" = -1))
  w <- by_hand(fit, rows, v = vcov(fit) * n / (n - k + 1))
  p <- pf(w / 2, 2, n - k + 1, lower.tail = FALSE)
  for (text in c("linear1=linear2, quadra1=quadra2", "%TRAJTEST('linear01=LINEAR2,quadra1-quadra02');")) {
    test <- trajtest(fit, text)
    expect_equal(test$p.value, p)
    expect_equal(unname(test$statistic), qchisq(p, 2, lower.tail = FALSE))
  }
  expect_match(test$notes, sprintf("W = %.4f", w))
  expect_equal(unname(trajtest(fit, "linear1=linear2=0")$parameter), 2)
  expect_error(trajtest(fit, "cubic1=0"), class = "gbtm_unknown_parameter")
  expect_error(trajtest(fit, 3), class = "gbtm_bad_expression")
})

test_that("odds ratios are exp(theta) with intervals", {
  v <- diag(c(1, 0.04, 0.01, 0.09, 0.16))
  b <- c(sigma = 1, "theta[1]" = 0.5, "theta_X1[1]" = -0.2, "theta[3]" = 1, "theta_group: a[3]" = 0.3)
  fit <- made_fit(b, v, n_groups = 3L)
  table <- odds_ratios(fit, level = 0.9)
  expect_identical(attr(table, "reference"), 2L)
  expect_identical(table$group, c(1L, 1L, 3L, 3L))
  expect_identical(table$term, c("intercept", "X1", "intercept", "group: a"))
  expect_identical(table$kind, c("odds", "odds ratio", "odds", "odds ratio"))
  se <- c(0.2, 0.1, 0.3, 0.4)
  expect_equal(table$estimate, unname(exp(b[-1])))
  expect_equal(table$se, unname(exp(b[-1]) * se))
  expect_equal(table$upper, unname(exp(b[-1] + qnorm(0.95) * se)))
  expect_equal(table$p, unname(2 * pnorm(-abs(b[-1] / se))))
  v[3, ] <- v[, 3] <- NA
  expect_warning(table <- odds_ratios(made_fit(b, v, n_groups = 3L)), "theta_X1[1]", class = "gbtm_no_standard_error",
                 fixed = TRUE)
  expect_identical(is.na(table$lower), c(FALSE, TRUE, FALSE, FALSE))
  expect_error(odds_ratios(made_fit(c(a = 1), matrix(1))), class = "gbtm_one_group")
  expect_equal(odds_ratios(example_fit())$estimate, group_shares(example_fit())$share[2:3] /
                 group_shares(example_fit())$share[1], tolerance = 1e-8)
})

test_that("car's generics take a fit", {
  fit <- example_fit()
  rows <- rbind(row_of(fit, "age[1]" = 1, "age[2]" = -1))
  own <- wald_test(fit, "age[1] = age[2]")
  table <- gbtm:::linearHypothesis.gbtm(fit, "age[1] = age[2]")
  expect_s3_class(table, "anova")
  expect_equal(table$Chisq[2], by_hand(fit, rows), tolerance = 1e-10)
  expect_equal(table[2, "Pr(>Chisq)"], own$p.value)
  expect_equal(attr(table, "vcov")[1], as.numeric(rows %*% vcov(fit) %*% t(rows)))
  expect_output(print(table), "Model 1: restricted model")
  robust <- gbtm:::linearHypothesis.gbtm(fit, "age[1] = age[2]", vcov. = 4 * vcov(fit), test = "F")
  expect_equal(robust$F[2], table$Chisq[2] / 4)
  delta <- gbtm:::deltaMethod.gbtm(fit, "exp(age[1])")
  expect_identical(names(delta), c("Estimate", "SE", "2.5 %", "97.5 %"))
  expect_equal(delta$SE, delta_method(fit, "exp(age[1])")$se)
  skip_if_not_installed("car")
  expect_equal(car::linearHypothesis(fit, "age[1] = age[2]")$Chisq, table$Chisq)
  expect_equal(car::deltaMethod(fit, "exp(age[1])")$SE, delta$SE)
})

test_that("Python gives the same numbers", {
  need_engine()
  fit <- example_fit()
  peak <- "-age[1] / (2 * age^2[1])"
  file <- normalizePath(system.file("extdata", "offenses.json", package = "gbtm"))
  lines <- run_python(c(
    "import gbtm, numpy as np",
    "from gbtm.inference.delta import delta",
    "from gbtm.inference.equal_curves import equal_curves",
    "from gbtm.inference.odds_ratios import odds_ratios",
    "from gbtm.traj_programs.trajtest import trajtest",
    "from gbtm.inference.wald import wald_test, wald_test_nonlinear",
    sprintf("res = gbtm.load(%s)", encodeString(file, quote = "'")),
    "tests = [wald_test(res, 'age[1] = age[2] = age[3]', use_f=True), wald_test_nonlinear(res, 'exp(theta[2]) = 1'),",
    "         trajtest(res, 'linear1=linear2, quadra1=quadra2'), equal_curves(res, [2, 3])]",
    "numbers = [x for t in tests for x in (t.statistic, t.pvalue)]",
    sprintf("d = delta(res, ['%s', 'logit(invlogit(theta[3]))'])", peak),
    "r = delta(res, lambda b: np.exp(b['theta[3]'] - b['age[1]']))",
    "o = odds_ratios(res)",
    "numbers += [*d.estimate, *d.bse, *r.bse, *o['std err'], *o['lower'], *o['P>|z|']]",
    "print(*('%.17g' % x for x in numbers), sep='\\n')"
  ))
  tests <- list(wald_test(fit, "age[1] = age[2] = age[3]", test = "F"), wald_test_nonlinear(fit, "exp(theta[2]) = 1"),
                trajtest(fit, "linear1=linear2, quadra1=quadra2"), equal_curves(fit, 2:3))
  d <- delta_method(fit, c(peak, "logit(invlogit(theta[3]))"))
  o <- odds_ratios(fit)
  own <- c(unlist(lapply(tests, function(t) c(t$statistic[[1]], t$p.value))), d$estimate, d$se,
           delta_method(fit, function(b) exp(b["theta[3]"] - b["age[1]"]))$se, o$se, o$lower, o$p)
  expect_equal(as.numeric(lines), own, tolerance = 1e-9)
})

test_that("a sum of two parameters at opposite infinities is tested by its own variance", {
  fit <- read_gbtm(test_path("..", "shared", "fits", "empty_cell.json"))
  expect_true(all(is.na(diag(vcov(fit))[c("theta[2]", "theta_z[2]")])))
  # 7 of 20 people, by the counts
  se <- sqrt(1 / 7 + 1 / 13)
  sum <- "theta[2] + theta_z[2]"
  table <- delta_method(fit, sum)
  expect_equal(c(table$estimate, table$se), c(log(7 / 13), se), tolerance = 1e-9)
  by_function <- delta_method(fit, function(b) stats::plogis(b[["theta[2]"]] + b[["theta_z[2]"]]))
  expect_equal(by_function$se, sqrt(0.35 * 0.65 / 20), tolerance = 1e-7)
  names <- stats::setNames(fit$traj_names, names(coef(fit)))
  macro <- trajtest(fit, paste(names[["theta[2]"]], "+", names[["theta_z[2]"]], "= 0"))
  n <- nobs(fit)
  expect_match(macro$notes, sprintf("W = %.4f", (log(7 / 13) / se)^2 * (n - 7 + 1) / n), fixed = TRUE, all = FALSE)
  skip_if_not_installed("car")
  expect_equal(car::linearHypothesis(fit, paste(sum, "= 0"))$Chisq[2], (log(7 / 13) / se)^2, tolerance = 1e-9)
  expect_equal(car::deltaMethod(fit, sum)$SE, se, tolerance = 1e-9)
  expect_error(car::linearHypothesis(fit, paste(sum, "= 0"), vcov. = vcov(fit)), class = "gbtm_no_standard_error")
})

test_that("a file of before the Jacobian was stored refuses what it refused", {
  fit <- read_gbtm(test_path("..", "shared", "fits", "empty_cell.json"))
  fit["internal"] <- list(NULL)
  expect_error(wald_test(fit, "theta[2] + theta_z[2] = 0"), "standard error of theta[2], theta_z[2],", fixed = TRUE,
               class = "gbtm_no_standard_error")
  old <- read_gbtm(test_path("..", "shared", "fits", "logit_separated.json"))
  expect_null(old$internal)
  expect_error(equal_curves(old), class = "gbtm_no_standard_error")
})

test_that("other standard errors of a sum come with their own root", {
  need_engine()
  fit <- read_gbtm(test_path("..", "shared", "fits", "empty_cell.json"))
  robust <- gbtm:::with_cov_type(fit, "robust")
  # saturated in the counts, so that the sandwich is the information's inverse
  expect_equal(delta_method(robust, "theta[2] + theta_z[2]")$se, sqrt(1 / 7 + 1 / 13), tolerance = 1e-8)
  expect_error(delta_method(robust, "theta[2]"), class = "gbtm_no_standard_error")
})

test_that("equal curves of several outcomes are of all together, or of one", {
  need_engine()
  fit <- several_fit_of() # orders differ between groups and outcomes
  ours <- list(equal_curves(fit), equal_slopes(fit), equal_curves(fit, outcome = "b"),
               equal_slopes(fit, c(2, 3), outcome = 3))
  said <- python_says(fit, paste0("(lambda t: [t.statistic, t.df, t.pvalue])(", c(
    "res.equal_curves()", "res.equal_slopes()", "res.equal_curves(outcome='b')", "res.equal_slopes([2, 3], outcome=3)"
  ), ")"))
  for (i in seq_along(ours)) {
    expect_equal(c(ours[[i]]$statistic[[1]], ours[[i]]$parameter[[1]], ours[[i]]$p.value), said[[i]], tolerance = 1e-9)
    expect_equal(ours[[i]]$statistic, wald_test(fit, ours[[i]]$hypotheses)$statistic, tolerance = 1e-6)
  }
  expect_identical(ours[[3]]$hypotheses[1], "b: intercept[1] = b: intercept[2]")
  expect_match(ours[[1]]$notes, "one group")
  expect_length(ours[[3]]$notes, 0) # the other outcomes tell the groups apart
  one <- equal_curves(of_outcome(fit, "b"))
  expect_equal(one$statistic, ours[[3]]$statistic, tolerance = 1e-9)
  expect_length(one$notes, 0)
  expect_error(equal_curves(fit, outcome = "z"), class = "gbtm_unknown_outcome")
  expect_error(equal_slopes(fit, outcome = "z"), class = "gbtm_unknown_outcome")
  level <- two_outcome_fit() # the count is constant
  expect_error(equal_slopes(level, outcome = "n"), class = "gbtm_no_slopes")
  expect_identical(equal_slopes(level)$hypotheses, "y: t[1] = y: t[2]")
  dual <- example_dual()
  expect_error(equal_curves(dual), class = "gbtm_two_group_sets")
  expect_identical(equal_curves(dual, outcome = "offenses")$statistic,
                   equal_curves(of_outcome(dual, "offenses"))$statistic)
})
