test_that("one normal group is lm()", {
  need_engine()
  d <- two_curves()
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 1, order = 2, control = quick())
  m <- lm(y ~ t + I(t^2), d)
  expect_equal(unname(coef(fit)[1:3]), unname(coef(m)), tolerance = 1e-8)
  expect_equal(unname(coef(fit)["sigma"]), sqrt(mean(residuals(m)^2)), tolerance = 1e-8)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(m)), tolerance = 1e-10)
  expect_equal(AIC(fit), AIC(m), tolerance = 1e-10)
  expect_equal(unname(vcov(fit)[1:3, 1:3]), unname(vcov(m)) * m$df.residual / nobs(m), tolerance = 1e-6)
})

test_that("one Poisson or logistic group is glm()", {
  need_engine()
  d <- example_data()
  d <- d[!is.na(d$offenses), ]
  d$any <- d$offenses > 0
  for (family in c("poisson", "logit")) {
    outcome <- if (family == "logit") "any" else "offenses"
    m <- glm(reformulate(c("age", "I(age^2)"), outcome), if (family == "logit") binomial() else poisson(), d,
             control = list(epsilon = 1e-14))
    fit <- gbtm(reformulate("age", outcome), data = d, id = "id", groups = 1, family = family, control = quick())
    expect_equal(unname(coef(fit)), unname(coef(m)), tolerance = 1e-6)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(m)), tolerance = 1e-10)
    expect_equal(unname(vcov(fit)), unname(vcov(m)), tolerance = 1e-6)
  }
})

test_that("one censored group is survreg()", {
  need_engine()
  skip_if_not_installed("survival")
  d <- two_curves()
  d$y <- pmin(pmax(d$y, 1.5), 5)
  lower <- ifelse(d$y <= 1.5, NA, d$y)
  upper <- ifelse(d$y >= 5, NA, d$y)
  m <- survival::survreg(survival::Surv(lower, upper, type = "interval2") ~ t, d, dist = "gaussian",
                         control = survival::survreg.control(rel.tolerance = 1e-12))
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 1, order = 1, family = "cnorm", min = 1.5, max = 5,
              control = quick())
  expect_equal(unname(coef(fit)), unname(c(coef(m), m$scale)), tolerance = 1e-6)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(m)), tolerance = 1e-9)
  expect_equal(unname(vcov(fit)[1:2, 1:2]), unname(vcov(m)[1:2, 1:2]), tolerance = 1e-5)
})

test_that("bounds that are infinite or absent are the same", {
  need_engine()
  d <- two_curves(10)
  d$y <- pmax(d$y, 1.5)
  one <- gbtm(y ~ t, data = d, id = "id", groups = 1, family = "cnorm", min = 1.5, control = quick())
  two <- gbtm(y ~ t, data = d, id = "id", groups = 1, family = "cnorm", min = 1.5, max = Inf, control = quick())
  expect_identical(coef(one), coef(two))
})

test_that("the order of the rows changes nothing", {
  need_engine()
  d <- two_curves()
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  set.seed(2)
  shuffled <- d[sample(nrow(d)), ]
  again <- gbtm(y ~ t, data = shuffled, id = "id", groups = 2, order = 1, control = quick())
  expect_equal(coef(again), coef(fit), tolerance = 1e-7)
  expect_equal(assignment(again)[names(assignment(fit))], assignment(fit))
  expect_equal(residuals(again)[row.names(d)], residuals(fit), tolerance = 1e-6)
  expect_equal(unname(fitted(again) + residuals(again)), shuffled$y)
  expect_identical(names(fitted(again)), row.names(shuffled))
})

test_that("ids may be integer, double, text or factor, in a tibble too", {
  need_engine()
  d <- two_curves(12)
  reference <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  expect_identical(reference$ids, 1:12)
  kinds <- list(
    double = d$id + 0.1, text = paste0("s\u00e9 \"", d$id, "\""), factor = factor(d$id, levels = 12:1)
  )
  for (values in kinds) {
    other <- d
    other$id <- values
    fit <- gbtm(y ~ t, data = other, id = "id", groups = 2, order = 1, control = quick())
    expect_identical(coef(fit), coef(reference))
    expected <- unique(values)
    expect_identical(fit$ids, if (is.factor(values)) as.character(expected) else expected)
    expect_identical(names(posterior(fit)), c("id", "group_1", "group_2", "assigned"))
  }
  skip_if_not_installed("tibble")
  fit <- gbtm(y ~ t, data = tibble::as_tibble(d), id = "id", groups = 2, order = 1, control = quick())
  expect_identical(coef(fit), coef(reference))
})

test_that("one subject and names that need care cross the bridge", {
  need_engine()
  d <- data.frame(a = "x", b = 1:6 / 3, c = c(1, 3, 2, 5, 4, 6) / 7)
  names(d) <- c("who is it", "\u00e5r", "v\u00e4rde")
  formula <- stats::as.formula(call("~", as.name(names(d)[3]), as.name(names(d)[2])))
  fit <- gbtm(formula, data = d, id = "who is it", groups = 1, order = 1, control = quick())
  expect_identical(fit$ids, "x")
  expect_identical(names(coef(fit)), c("intercept[1]", "\u00e5r[1]", "sigma"))
  expect_equal(unname(coef(fit)[1:2]), unname(coef(lm(d[[3]] ~ d[[2]]))), tolerance = 1e-8)
  expect_output(print(summary(fit)), "1 subjects, 6 observations")
})

test_that("missing values survive in every kind of column, and are counted", {
  need_engine()
  d <- two_curves(12)
  plain <- d[-c(1, 2, 3), ]
  reference <- gbtm(y ~ t, data = plain, id = "id", groups = 2, order = 1, control = quick())
  for (kind in c("integer", "double", "character", "factor")) {
    other <- d
    other$y[1] <- NA
    other$t[2] <- NA
    other$id <- switch(kind, integer = d$id, double = as.double(d$id), character = as.character(d$id),
                       factor = factor(d$id))
    other$id[3] <- NA
    fit <- gbtm(y ~ t, data = other, id = "id", groups = 2, order = 1, control = quick())
    expect_identical(coef(fit), coef(reference))
    expect_identical(
      unlist(fit$dropped[c("missing_outcome", "missing_time", "missing_id")]),
      c(missing_outcome = 1L, missing_time = 1L, missing_id = 1L)
    )
    expect_output(print(fit), "1 observation with a missing id")
  }
  binary <- data.frame(id = rep(1:40, each = 4), t = rep(1:4, 40))
  binary$y <- (binary$id + binary$t) %% 3 == 0
  binary$y[5] <- NA
  fit <- gbtm(y ~ t, data = binary, id = "id", groups = 1, order = 1, family = "logit", control = quick())
  expect_identical(fit$dropped$missing_outcome, 1L)
  expect_identical(sum(fit$data$y), as.double(sum(binary$y, na.rm = TRUE)))
})

test_that("a subject with no observation left is named", {
  need_engine()
  d <- two_curves(12)
  d$y[d$id == 5] <- NA
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  expect_match(fit$dropped$sentence, "1 subject with no observation left (5)", fixed = TRUE)
  expect_identical(fit$ids, setdiff(1:12, 5L))
})

test_that("wide data give the same fit as long data", {
  need_engine()
  d <- two_curves(12)
  long <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  wide <- reshape(d, idvar = "id", timevar = "t", v.names = "y", direction = "wide", sep = "_")
  fit <- gbtm(y ~ t, data = wide, id = "id", wide = list(y = "y_*", t = 0:5), groups = 2, order = 1, control = quick())
  expect_identical(coef(fit), coef(long))
  expect_identical(fit$ids, long$ids)
  for (j in 0:5) wide[[paste0("at", j)]] <- j
  columns <- gbtm(y ~ t, data = wide, wide = list(y = paste0("y_", 0:5), t = "at?"), groups = 2, order = 1,
                  control = quick())
  expect_identical(coef(columns), coef(long))
  expect_identical(columns$ids, 1:12)
  expect_error(gbtm(y ~ t, data = wide, wide = list(y = "y_*", t = 0:4), groups = 2), class = "gbtm_wave_mismatch")
  expect_error(gbtm(y ~ t, data = wide, wide = list(y = "z_*", t = 0:5), groups = 2), class = "gbtm_unknown_column")
  expect_error(gbtm(y ~ t, data = wide, wide = list(y = "y_*"), groups = 2), class = "gbtm_bad_wide")
  expect_error(gbtm(y ~ t, data = rbind(wide, wide), id = "id", wide = list(y = "y_*", t = 0:5), groups = 2),
               class = "gbtm_duplicate_id")
})

test_that("a basis formula fits what lm() fits, and predicts between the observed times", {
  need_engine()
  d <- two_curves(times = seq(0, 5, 0.5))
  d$y <- sin(d$t) + d$y / 10
  d$y[3] <- NA
  fit <- gbtm(y ~ splines::bs(t, df = 4), data = d, id = "id", groups = 1, control = quick())
  m <- lm(y ~ splines::bs(t, df = 4), d)
  expect_equal(unname(coef(fit)[1:5]), unname(coef(m)), tolerance = 1e-8)
  expect_identical(names(coef(fit))[1:2], c("intercept[1]", "splines::bs(t, df = 4)1[1]"))
  new <- data.frame(t = c(0.1, 2.22, 4.9))
  expect_equal(predict(fit, newdata = new)$estimate, unname(predict(m, new)), tolerance = 1e-8)
  file <- tempfile()
  write_gbtm(fit, file)
  copy <- read_gbtm(file)
  expect_equal(predict(copy)$estimate, predict(fit)$estimate, tolerance = 1e-10)
  expect_equal(predict(copy, times = 0.1)$estimate, predict(fit, times = 0.1)$estimate, tolerance = 1e-10)
  expect_error(gbtm(y ~ splines::bs(t, df = 4), data = d, id = "id", groups = 1, order = 2),
               class = "gbtm_order_or_basis")
  expect_silent({
    grDevices::png(tempfile())
    plot(copy)
    grDevices::dev.off()
  })
})

test_that("the outcome may be an expression", {
  need_engine()
  d <- two_curves(12)
  d$e <- exp(d$y)
  fit <- gbtm(log(e) ~ t, data = d, id = "id", groups = 1, order = 1, control = quick())
  expect_equal(unname(coef(fit)[1:2]), unname(coef(lm(y ~ t, d))), tolerance = 1e-8)
  expect_equal(nrow(predict(fit, newdata = d, type = "posterior")), 12)
})

test_that("start takes the estimates back to themselves", {
  need_engine()
  d <- two_curves(12)
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  for (start in list(fit, coef(fit), c(coef(fit)[1:5], 50, 50))) {
    again <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, start = start, control = quick())
    expect_equal(coef(again), coef(fit), tolerance = 1e-8)
    expect_match(again$search$sentence, "start values given")
  }
  expect_error(gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, start = 1:3), class = "gbtm_bad_start")
})

test_that("zero inflation per group and a group that never offends have their place in the summary", {
  need_engine()
  fit <- suppressWarnings(gbtm(offenses ~ age, data = example_data(), id = "id", groups = 3, order = c(-1, 2, 2),
                               family = "zip", iorder = c(-1, 0, 1), control = quick()))
  lines <- capture.output(summary(fit))
  expect_match(lines, "rate zero, no parameters", all = FALSE)
  expect_match(lines, "^  zero_age ", all = FALSE)
  expect_identical(predict(fit, times = 12)$estimate[1], 0)
  one <- gbtm(offenses ~ age, data = example_data(), id = "id", groups = 1, family = "zip", control = quick())
  expect_output(print(summary(one)), "100.0 % +NA +NA +100.0 %")
  expect_true(all(assignment(one) == 1L))
})

test_that("update() refits", {
  need_engine()
  d <- two_curves(12)
  fit <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = 1, control = quick())
  one <- update(fit, groups = 1)
  expect_identical(one$n_groups, 1L)
  expect_gt(as.numeric(logLik(fit)), as.numeric(logLik(one)))
  expect_identical(formula(update(fit, log(y + 5) ~ .)), log(y + 5) ~ t)
})

test_that("errors are classed and name what is wrong", {
  d <- two_curves(6)
  fails <- function(class, argument, ...) {
    error <- expect_error(gbtm(...), class = paste0("gbtm_", class))
    expect_s3_class(error, "gbtm_error")
    expect_identical(error$argument, argument)
    expect_match(conditionMessage(error), argument, fixed = TRUE)
    expect_true(nzchar(error$way_out))
  }
  fails("bad_data", "data", y ~ t, data = as.matrix(d), id = "id", groups = 2)
  fails("bad_groups", "groups", y ~ t, data = d, id = "id")
  fails("no_id", "id", y ~ t, data = d, groups = 2)
  fails("unknown_column", "id", y ~ t, data = d, id = "person", groups = 2)
  fails("unknown_column", "formula", y ~ age, data = d, id = "id", groups = 2)
  fails("unknown_column", "formula", z ~ t, data = d, id = "id", groups = 2)
  fails("bad_formula", "formula", ~t, data = d, id = "id", groups = 2)
  fails("bad_formula", "formula", y ~ t + id, data = d, id = "id", groups = 2)
  fails("bad_control", "control", y ~ t, data = d, id = "id", groups = 2, control = list())
  fails("bad_bounds", "min", y ~ t, data = d, id = "id", groups = 2, min = "0")
  fails("bad_flag", "sigma_by_group", y ~ t, data = d, id = "id", groups = 2, sigma_by_group = NA)
  fails("not_numeric", "y", y ~ t, data = transform(d, y = factor(y)), id = "id", groups = 2)
  fails("not_numeric", "y", y ~ t, data = transform(d, y = as.character(y)), id = "id", groups = 2)
  fails("not_numeric", "t", y ~ t, data = transform(d, t = as.Date("2020-01-01") + t), id = "id", groups = 2)
})

test_that("the engine's errors arrive classed", {
  need_engine()
  d <- two_curves(6)
  fails <- function(class, argument, ...) {
    error <- expect_error(gbtm(..., id = "id"), class = paste0("gbtm_", class))
    expect_s3_class(error, "gbtm_error")
    expect_identical(error$argument, argument)
    expect_identical(as.character(error$call[[1]]), "gbtm")
  }
  fails("bad_groups", "groups", y ~ t, data = d, groups = 2.5)
  fails("unknown_family", "family", y ~ t, data = d, groups = 2, family = "gauss")
  fails("order_too_high", "order", y ~ t, data = d[d$t < 2, ], groups = 1, order = 3)
  fails("order_length", "order", y ~ t, data = d, groups = 3, order = 1:2)
  fails("duplicate_time", "t", y ~ t, data = rbind(d, d), groups = 2)
  fails("bad_outcome", "y", y ~ t, data = d, groups = 2, family = "logit")
  fails("infinite", "y", y ~ t, data = transform(d, y = y / 0), groups = 2)
  fails("no_data", "y", y ~ t, data = d[0, ], groups = 1)
  fails("bad_cov_type", "cov_type", y ~ t, data = d, groups = 1, cov_type = "cluster")
})

test_that("findings are classed warnings, and the summary prints NA for what has no standard error", {
  need_engine()
  set.seed(4)
  d <- expand.grid(t = 1:12, id = 1:60)
  d$y <- ifelse(d$id <= 30, 0, stats::rbinom(nrow(d), 1, 0.6))
  expect_warning(
    fit <- gbtm(y ~ t, data = d, id = "id", groups = 2, order = c(1, 1), family = "logit", control = quick()),
    class = "gbtm_warning"
  )
  lost <- !fit$identified
  expect_true(any(lost))
  expect_true(all(is.na(summary(fit)$coefficients[lost, 2:4])))
  expect_true(all(is.na(diag(vcov(fit))[lost])))
  text <- paste(capture.output(summary(fit)), collapse = "\n")
  expect_match(text, "Warning:")
  expect_no_match(text, "NaN")
})

test_that("a fit with one group less is a start that is never ended below", {
  need_engine()
  d <- two_curves()
  one <- gbtm(y ~ t, d, id = "id", groups = 1, order = 1, control = quick())
  two <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, start = one, control = quick())
  expect_gte(as.numeric(logLik(two)), as.numeric(logLik(one)))
  expect_error(gbtm(y ~ t, d, id = "id", groups = 3, order = 1, start = one), class = "gbtm_bad_start")
})

test_that("random intercepts in R are those in Python", {
  need_engine()
  set.seed(5)
  d <- two_curves(24, 0:4)
  d$y <- d$y + stats::rnorm(24)[d$id]
  file <- tempfile(fileext = ".csv")
  utils::write.csv(transform(d, y = sprintf("%.17g", y)), file, row.names = FALSE, quote = FALSE)
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, rorder = 0, control = gbtm_control(n_starts = 2))
  lines <- run_python(c(
    "import gbtm, warnings, pandas as pd, numpy as np", "warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(file)),
    "res = gbtm.GBTM.from_formula('y ~ t', d, id='id', groups=2, order=1, rorder=0).fit(n_starts=2, progress=False)",
    "p = res.predict([0, 1.5])",
    "for x in (res.params, res.cov_params(), res.posterior, p['estimate'], p['std err'], [res.llf]):",
    "    print(*('%.17g' % v for v in np.ravel(x)))"
  ))
  theirs <- lapply(strsplit(lines, " "), as.numeric)
  expect_true("r0_sigma[1]" %in% names(coef(fit)))
  expect_identical(unname(coef(fit)), theirs[[1]])
  expect_identical(as.vector(t(vcov(fit))), theirs[[2]])
  expect_identical(as.vector(t(fit$posterior)), theirs[[3]])
  expect_identical(fit$loglik, theirs[[6]])
  curves <- predict(fit, times = c(0, 1.5))
  expect_equal(curves$estimate, theirs[[4]], tolerance = 1e-12)
  expect_equal(curves$se, theirs[[5]], tolerance = 1e-9)
})

test_that("equal calls with equal seeds give identical objects, in a file too", {
  need_engine()
  d <- small_data()
  formula <- y ~ t
  made <- lapply(1:2, function(i) gbtm(formula, d, "id", 2, 1, control = gbtm_control(n_starts = 2, progress = FALSE)))
  expect_identical(made[[1]], made[[2]])
  expect_match(made[[1]]$document$text, "\"seconds\": null", fixed = TRUE)
  environment(formula) <- globalenv() # another is a new one when it is read
  whole <- gbtm(formula, d, "id", 2, 1, control = quick())
  file <- tempfile()
  saveRDS(whole, file)
  expect_identical(readRDS(file), whole)
  write_gbtm(whole, file)
  expect_identical(read_gbtm(file), read_gbtm(file))
  same <- setdiff(names(whole), c("call", "formula", "document", "inputs", "rows"))
  expect_identical(unclass(read_gbtm(file))[same], unclass(whole)[same])
  expect_true(is.nan(as.numeric(run_python(sprintf("import gbtm; print(gbtm.load(%s).seconds)", deparse(file))))))
})
