# Categories without an order: against nnet's multinom(), the logit, the formula written out, and what R has in the
# place of a mean.

working <- function(n = 120, seed = 3) {
  set.seed(seed)
  d <- data.frame(id = rep(seq_len(n), each = 5), t = rep(0:4, n))
  one <- d$id %% 2 == 1
  d$w <- stats::rnorm(nrow(d))
  second <- ifelse(one, 1.5 - 0.7 * d$t, -1.5 + 0.5 * d$t) + 0.4 * d$w
  eta <- cbind(0, second, ifelse(one, -2 + 0.6 * d$t, 1 - 0.4 * d$t))
  y <- apply(exp(eta), 1, function(p) sample(3, 1, prob = p))
  d$where <- factor(c("home", "at work", "school")[y], c("home", "at work", "school"))
  d
}

multinomial_fit <- function(data, groups = 2, formula = where ~ t, ...) {
  suppressWarnings(gbtm(formula, data = data, id = "id", groups = groups, order = 1, family = "multinomial", ...,
                        control = gbtm_control(n_starts = 4)))
}

# P(category) (T, C) in a group of a fit.
by_hand <- function(fit, group, t, w = 0) {
  b <- coef(fit)
  eta <- vapply(c("at work", "school"), function(c) {
    effect <- b[sprintf("w:%s[%d]", c, group)]
    own <- b[sprintf("intercept:%s[%d]", c, group)] + b[sprintf("t:%s[%d]", c, group)] * t
    own + ifelse(is.na(effect), 0, effect) * w
  }, t * 1)
  weights <- cbind(1, exp(matrix(eta, length(t))))
  weights / rowSums(weights)
}

test_that("one group is nnet's multinom()", {
  need_engine()
  skip_if_not_installed("nnet")
  d <- working()
  fit <- multinomial_fit(d, 1, tcov = ~w)
  multinom <- getExportedValue("nnet", "multinom")
  other <- multinom(where ~ t + w, d, trace = FALSE, abstol = 1e-14, reltol = 1e-14, Hess = TRUE)
  expect_equal(as.numeric(logLik(fit)), as.numeric(stats::logLik(other)), tolerance = 1e-9)
  expect_equal(unname(coef(fit)), as.vector(t(coef(other))), tolerance = 1e-4)
  expect_equal(unname(sqrt(diag(vcov(fit)))), unname(sqrt(diag(vcov(other)))), tolerance = 1e-4)
})

test_that("two categories are a logit, with its bands", {
  need_engine()
  d <- working()
  d$two <- as.integer(d$where == "school")
  fit <- multinomial_fit(d, formula = two ~ t)
  logit <- suppressWarnings(gbtm(two ~ t, data = d, id = "id", groups = 2, order = 1, family = "logit",
                                 control = gbtm_control(n_starts = 4)))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(logit)), tolerance = 1e-10)
  expect_equal(unname(coef(fit)), unname(coef(logit)), tolerance = 1e-5)
  own <- predict(fit, times = c(0, 2.5))
  own <- own[own$level == "1", names(own) != "level"]
  expect_equal(own, predict(logit, times = c(0, 2.5)), tolerance = 1e-5, ignore_attr = TRUE)
})

test_that("predictions are the formula's, and the engine's", {
  need_engine()
  fit <- multinomial_fit(working(), tcov = ~w)
  table <- predict(fit, times = c(0, 3), tcov = 0.5)
  expect_named(table, c("group", "t", "level", "estimate", "se", "lower", "upper", "outside"))
  for (k in 1:2) {
    expect_equal(table$estimate[table$group == k], as.vector(t(by_hand(fit, k, c(0, 3), 0.5))), tolerance = 1e-8)
  }
  expect_equal(level_probabilities(fit, c(0, 3), 0.5)$probability, table$estimate)
  expect_false(is.ordered(table$level))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  ran <- reticulate::py_run_string(sprintf("
import gbtm
own = gbtm.load(r'%s').predict([0, 3], tcov=0.5)
numbers = own[['estimate', 'std err', 'lower', 'upper']].to_numpy().tolist()", file), local = TRUE)
  expect_equal(as.matrix(table[c("estimate", "se", "lower", "upper")]), do.call(rbind, ran$numbers), tolerance = 1e-8,
               ignore_attr = TRUE)
  rows <- predict(fit, newdata = data.frame(t = c(0, 3), w = c(0.5, 0.5)))
  expect_equal(rows$estimate, table$estimate)
  expect_equal(rows$w, rep(0.5, 12))
})

test_that("text and factors of any kind are categories", {
  need_engine()
  d <- working()
  fit <- multinomial_fit(d)
  expect_true(all(c("t:at work[1]", "t:school[2]") %in% names(coef(fit))))
  ordered <- multinomial_fit(transform(d, where = ordered(where, levels(where))))
  expect_equal(coef(ordered), coef(fit))
  text <- multinomial_fit(transform(d, where = as.character(where)))
  expect_true("t:home[1]" %in% names(coef(text))) # "at work" is the first by the alphabet
  expect_equal(as.numeric(logLik(text)), as.numeric(logLik(fit)), tolerance = 1e-9)
  some <- d[d$id < 4, ]
  for (one in list(fit, ordered)) {
    expect_equal(as.matrix(predict(one, newdata = some, type = "posterior")[2:3]), as.matrix(posterior(one)[1:3, 2:3]),
                 tolerance = 1e-7, ignore_attr = TRUE)
  }
  own <- predict(text, newdata = transform(some, where = as.character(where)), type = "posterior")
  expect_equal(as.matrix(own[2:3]), as.matrix(posterior(text)[1:3, 2:3]), tolerance = 1e-7, ignore_attr = TRUE)
  some$where <- factor("prison")
  expect_error(predict(fit, newdata = some, type = "posterior"), class = "gbtm_other_levels")
  asked <- suppressWarnings(gbtm(where ~ t, data = d, id = "id", groups = 1, order = 1, family = "Multinomial logit"))
  expect_identical(asked$family, "multinomial")
})

test_that("names with signs that hypotheses use give way to numbers", {
  need_engine()
  d <- working()
  levels(d$where) <- c("<18", "a = b", "[x]")
  fit <- multinomial_fit(d)
  expect_true("t:2[1]" %in% names(coef(fit)))
  expect_setequal(as.character(predict(fit, times = 0)$level), levels(d$where))
  expect_equal(unname(equal_curves(fit)$parameter), 4)
})

test_that("curves are compared over all categories", {
  need_engine()
  fit <- multinomial_fit(working())
  joint <- equal_curves(fit)
  text <- paste(sprintf("%s[1] = %s[2]", names <- c("intercept:at work", "t:at work", "intercept:school", "t:school"),
                        names), collapse = ", ")
  expect_equal(unname(joint$statistic), unname(wald_test(fit, text)$statistic), tolerance = 1e-6)
  expect_equal(unname(equal_slopes(fit)$parameter), 2)
})

test_that("what needs a mean is refused, and the rest is of the categories", {
  need_engine()
  fit <- multinomial_fit(working())
  for (ask in list(fitted, residuals, residual_checks, plot_groups, function(x) plot(x, individuals = TRUE),
                   function(x) residuals(x, "pearson"))) {
    expect_error(ask(fit), class = "gbtm_no_mean")
  }
  expect_false(any(c(".fitted", ".resid") %in% names(augment(fit))))
  expect_identical(c(family(fit)$family, family(fit)$link), c("multinomial", "logit"))
  odds <- tidy(fit, exponentiate = TRUE)
  expect_equal(odds$estimate, unname(exp(coef(fit))))
  expect_output(print(fit), "school")
  boot <- predict(bootstrap(fit, n = 4), times = c(0, 2))
  expect_equal(boot$estimate, predict(fit, times = c(0, 2))$estimate)
  expect_true(all(boot$lower >= 0 & boot$upper <= 1))
  pooled <- predict(pool(list(fit, fit)), times = 0)
  expect_equal(pooled$se, predict(fit, times = 0)$se, tolerance = 1e-8)
  ahead <- forecast(fit, working()[1:10, ], times = 5)
  chances <- c("p_home", "p_at work", "p_school")
  expect_true(all(chances %in% names(ahead)))
  expect_equal(rowSums(as.data.frame(ahead)[chances]), c(1, 1), ignore_attr = TRUE)
})

test_that("the figures are of the probabilities", {
  need_engine()
  fit <- multinomial_fit(working())
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  drawn <- plot(fit, n = 11)
  expect_equal(drawn$estimate, predict(fit, times = seq(0, 4, length.out = 11))$estimate)
  skip_if_not_installed("ggplot2")
  expect_s3_class(plot_levels(fit), "ggplot")
  expect_s3_class(ggplot2::autoplot(fit), "ggplot")
})

test_that("the report is written, without checks of residuals that there are not", {
  need_engine()
  fit <- multinomial_fit(working())
  file <- withr::local_tempfile(fileext = ".md")
  grolts_report(fit, file)
  expect_false(any(grepl("Residual checks", readLines(file))))
  expect_error(grolts_report(fit, file, checks = TRUE), class = "gbtm_no_mean")
})
