# What is asked of a fit of several outcomes: of the whole, or of one of them.

test_that("one outcome is a fit of its own curves and observations, as Python makes it", {
  need_engine()
  fit <- several_fit_of()
  file <- tempfile(fileext = ".json")
  theirs <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  run_python(c("import gbtm", sprintf("gbtm.load(%s).of_outcome('b').save(%s)", deparse(file), deparse(theirs))))
  made <- read_gbtm(theirs)
  ours <- of_outcome(fit, 2)
  for (field in c("coefficients", "vcov", "posterior", "shares", "blocks", "traj_names", "identified", "internal",
                  "curves", "nobs", "part_of", "data", "spec", "formula", "membership", "read_as")) {
    expect_equal(ours[[field]], made[[field]], tolerance = 1e-14, ignore_formula_env = TRUE, label = field)
  }
  expect_identical(coef(of_outcome(fit, "b")), coef(ours))
  expect_equal(unname(coef(ours)["tb[2]"]), coef(fit)[["b: tb[2]"]])
  expect_identical(of_outcome(ours, 1), ours)
  expect_error(of_outcome(fit, "z"), "They are a, b, c", class = "gbtm_unknown_outcome")
  expect_error(of_outcome(fit, 4), class = "gbtm_unknown_outcome")
})

test_that("a file goes to Python and back with the same digits", {
  need_engine()
  fit <- several_fit_of("multi_risk")
  file <- tempfile(fileext = ".json")
  back <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  lines <- run_python(c(
    "import gbtm", sprintf("res = gbtm.load(%s); res.save(%s)", deparse(file), deparse(back)),
    "print(*('%.17g' % v for v in res.params)); print(*res.outcome_names)",
    "print(*('%.17g' % v for v in res.predict()['upper']))"
  ))
  expect_identical(as.numeric(strsplit(lines[1], " ")[[1]]), unname(coef(fit)))
  expect_identical(lines[2], "a b c")
  expect_equal(as.numeric(strsplit(lines[3], " ")[[1]]), predict(fit)$upper, tolerance = 1e-12)
  for (again in list(read_gbtm(file), read_gbtm(back))) {
    expect_identical(coef(again), coef(fit))
    expect_identical(vcov(again), vcov(fit))
    expect_identical(predict(again), predict(fit))
    expect_identical(lapply(formula(again), deparse), lapply(formula(fit), deparse))
    d <- several_data()[1:4, ]
    expect_equal(suppressWarnings(predict(again, d, type = "posterior")),
                 suppressWarnings(predict(fit, d, type = "posterior")), tolerance = 1e-12)
  }
  second <- tempfile(fileext = ".json")
  write_gbtm(read_gbtm(file), second)
  expect_identical(readBin(second, "raw", file.size(second)), readBin(file, "raw", file.size(file)))
})

test_that("saveRDS() keeps all of it", {
  need_engine()
  file <- tempfile(fileext = ".rds")
  saveRDS(several_fit_of(), file)
  again <- readRDS(file)
  expect_identical(predict(again), predict(several_fit_of()))
  expect_identical(coef(of_outcome(again, "c")), coef(of_outcome(several_fit_of(), "c")))
})

test_that("what belongs to one outcome is refused of the whole, and what belongs to the whole of one", {
  need_engine()
  fit <- several_fit_of()
  for (field in gbtm:::of_one_outcome) {
    expect_error(eval(call("$", fit, field)), class = "gbtm_several_outcomes")
    expect_error(fit[[field]], class = "gbtm_several_outcomes")
  }
  asks <- list(fitted, residuals, model.frame, terms, plot_matrix, residual_checks, ar1_check,
               dispersion_test, plot_groups)
  for (ask in asks) expect_error(ask(fit), "a, b, c", class = "gbtm_several_outcomes")
  expect_error(compare_traj(fit, "log"), class = "gbtm_several_outcomes")
  expect_error(augment(fit, data = several_data()), class = "gbtm_several_outcomes")
  expect_error(residuals(fit, type = "pearson"), "of_outcome\\(fit, \"a\"\\)", class = "gbtm_several_outcomes")
  one <- of_outcome(fit, "b")
  asks <- list(logLik, AIC, BIC, deviance, glance, dispersion_test, cross_validate, to_table,
               ar1_check)
  for (ask in asks) expect_error(ask(one), "Ask the whole fit, of a, b, c", class = "gbtm_part_of_a_fit")
  expect_error(confint(one, method = "profile"), class = "gbtm_part_of_a_fit")
  expect_error(anova(one, one), class = "gbtm_part_of_a_fit")
})

test_that("predict() has the curves of all outcomes, or of one", {
  need_engine()
  fit <- several_fit_of()
  all <- predict(fit, level = 0.9)
  expect_identical(names(all)[1:4], c("outcome", "group", "time", "estimate"))
  for (name in c("a", "b", "c")) {
    one <- predict(fit, outcome = name, level = 0.9)
    expect_identical(unname(as.list(all[all$outcome == name, -1])), unname(as.list(one)))
    expect_identical(names(one)[2], paste0("t", name))
  }
  b <- coef(fit)
  at <- predict(fit, outcome = "b", times = 0.7)
  expect_equal(at$estimate[2], stats::plogis(b[["b: intercept[2]"]] + 0.7 * b[["b: tb[2]"]]), tolerance = 1e-10)
  expect_error(predict(fit, data.frame(ta = 1)), class = "gbtm_several_outcomes")
  expect_identical(names(predict(fit, type = "posterior")), names(posterior(fit)))
})

test_that("tables of the whole say which outcome they are of", {
  need_engine()
  fit <- several_fit_of()
  tidied <- tidy(fit, exponentiate = TRUE)
  expect_equal(tidied$outcome, unname(c(a = "a", b = "b", c = "c", t = NA)[substr(names(coef(fit)), 1, 1)]))
  on_log <- grepl("^(b|c|theta)", names(coef(fit)))
  expect_equal(tidied$estimate, unname(ifelse(on_log, exp(coef(fit)), coef(fit))))
  expect_equal(glance(fit)$family, "normal, logit, zip")
  observed <- augment(fit)
  expect_equal(nrow(observed), nobs(fit))
  expect_equal(observed$.fitted[observed$outcome == "c"], fitted(of_outcome(fit, "c")), ignore_attr = TRUE)
  expect_equal(names(sigma(fit)), "a")
  expect_equal(vapply(family(fit), `[[`, "", "link"), c(a = "identity", b = "logit", c = "log"))
  expect_output(print(fit), "b over tb: logit")
  shown <- capture.output(print(summary(fit)))
  expect_true(all(c("a: group 3 (26.8 %)", "c: zero inflation, common to all groups") %in% shown))
  expect_equal(sum(grepl("^  (intercept|ta|tb|tc|ta\\^2|sigma|zero_intercept) ", shown)), 22)
  expect_false(any(grepl("log-likelihood", capture.output(print(summary(of_outcome(fit, "a")))))))
})

test_that("tests, simulation and likelihood ratios take the whole fit", {
  need_engine()
  fit <- two_outcome_fit()
  b <- coef(fit)
  v <- vcov(fit)
  test <- wald_test(fit, "y: t[1] = y: t[2]")
  contrast <- (names(b) == "y: t[1]") - (names(b) == "y: t[2]")
  expect_equal(test$statistic[[1]], sum(contrast * b)^2 / drop(contrast %*% v %*% contrast), tolerance = 1e-9)
  expect_equal(delta_method(fit, "exp(n: intercept[1])")$estimate, exp(b[["n: intercept[1]"]]))
  expect_equal(equal_curves(of_outcome(fit, "n"))$parameter[[1]], 1)
  drawn <- simulate(fit, seed = 3)
  expect_identical(names(drawn), c("id", "outcome", "time", "y", "group"))
  expect_equal(as.vector(table(drawn$outcome)), c(64, 64))
  expect_true(all(tapply(drawn$group, drawn$id, function(g) length(unique(g))) == 1))
  straight <- update(fit, order = list(0, 0))
  ratio <- anova(straight, fit)
  expect_equal(ratio$Chisq[2], 2 * (fit$loglik - straight$loglik))
  expect_equal(ratio$Df[2], 2)
  pooled <- pool(list(fit, fit))
  expect_equal(predict(pooled)$estimate, predict(fit)$estimate)
  expect_equal(tidy(pooled)$outcome, tidy(fit)$outcome)
})

test_that("replicates of a bootstrap have the curves of each outcome", {
  need_engine()
  fit <- two_outcome_fit()
  boot <- bootstrap(fit, n = 4, n_starts = 1, seed = 1)
  table <- predict(boot)
  means <- exp(boot$params[, "n: intercept[2]"]) # the count's curves are constant
  here <- table[table$outcome == "n" & table$group == 2 & table$time == 0, ]
  expect_equal(here$se, stats::sd(means), tolerance = 1e-8)
  slopes <- boot$params[, "y: intercept[1]"] + 2 * boot$params[, "y: t[1]"]
  there <- table[table$outcome == "y" & table$group == 1 & table$time == 2, ]
  expect_equal(there$se, stats::sd(slopes), tolerance = 1e-8)
  expect_equal(there$estimate, predict(fit, outcome = "y", times = 2)$estimate[1])
})

test_that("pictures have a panel an outcome, and leave the device as it was", {
  need_engine()
  fit <- two_outcome_fit()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mfrow", "mar"))
  drawn <- plot(fit, n = 11, individuals = TRUE)
  expect_identical(graphics::par(c("mfrow", "mar")), before)
  expect_identical(as.vector(table(drawn$outcome)), c(22L, 22L))
  one <- plot(fit, n = 11, outcome = "n", legend = FALSE)
  expect_identical(drawn$estimate[drawn$outcome == "n"], one$estimate)
  expect_error(plot(fit, outcome = "z"), class = "gbtm_unknown_outcome")
  skip_if_not_installed("ggplot2")
  built <- ggplot2::ggplot_build(autoplot(fit, n = 11, individuals = TRUE))
  expect_equal(nrow(built$layout$layout), 2)
  alone <- ggplot2::ggplot_build(autoplot(fit, n = 11, outcome = "y"))
  expect_equal(nrow(alone$layout$layout), 1)
})
