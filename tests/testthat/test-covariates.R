# People with all that a model can ask for.
people <- function(n = 80, waves = 5, seed = 11) {
  set.seed(seed)
  d <- expand.grid(t = seq_len(waves) - 1, id = seq_len(n))
  d$male <- as.integer((d$id * 7) %% 5 < 2)
  d$region <- factor(c("east", "north", "west")[1 + d$id %% 3])
  d$w <- 0.5 + d$id %% 4
  d$site <- paste0("site", d$id %% 16)
  d$half <- d$id %% 2 == 0
  d$hold <- as.integer(d$id > n - 4)
  d$x <- round(stats::rnorm(nrow(d)), 3)
  d$months <- 1 + (d$id + d$t) %% 3
  high <- stats::runif(n)[d$id] < stats::plogis(-0.5 + 1.2 * d$male)
  d$high <- high
  d$y <- ifelse(high, 6 - 0.3 * d$t, 1 + 0.5 * d$t + 0.4 * d$x) + stats::rnorm(nrow(d), sd = 0.8)
  d$count <- stats::rnbinom(nrow(d), size = 2, mu = d$months * exp(ifelse(high, 1.2, -0.7 + 0.2 * d$t)))
  d$share <- stats::rbeta(nrow(d), 2 + 6 * high, 6 - 4 * high)
  d
}

two <- function(formula, data, ...) {
  gbtm(formula, data = data, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 3, progress = FALSE),
       ...)
}

# The same model in Python: coefficients, covariance, fitted values and curves.
in_python <- function(data, arguments, fit_arguments = "", times = "[0, 1.5]", setup = character()) {
  file <- tempfile(fileext = ".csv")
  on.exit(unlink(file))
  utils::write.csv(data, file, row.names = FALSE)
  lines <- run_python(c(
    "import gbtm, warnings, pandas as pd, numpy as np", "warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", encodeString(file, quote = "'")), setup,
    sprintf("res = gbtm.GBTM.from_formula(data=d, id='id', groups=2, order=1, %s).fit(n_starts=3, progress=False%s)",
            arguments, fit_arguments),
    sprintf("p = res.predict(%s)", times),
    "for x in (res.params, res.cov_params(), res.fittedvalues, p['estimate'], p['std err'], [res.llf]):",
    "    print(*('%.17g' % v for v in np.ravel(x)))",
    "print(res.document['cov_type'])"
  ))
  c(lapply(strsplit(utils::head(lines, -1), " "), as.numeric), lines[length(lines)])
}

expect_same_as_python <- function(fit, python) {
  curves <- predict(fit, times = c(0, 1.5))
  expect_equal(unname(coef(fit)), python[[1]], tolerance = 1e-6)
  expect_equal(as.vector(vcov(fit)), python[[2]], tolerance = 1e-5)
  fit$rows <- NULL
  expect_equal(fitted(fit), python[[3]], tolerance = 1e-6)
  expect_equal(curves$estimate, python[[4]], tolerance = 1e-6)
  expect_equal(curves$se, python[[5]], tolerance = 1e-5)
  expect_equal(fit$loglik, python[[6]], tolerance = 1e-9)
  expect_identical(fit$cov_type, python[[7]])
}

test_that("risk, tcov, weights, clusters and held out people: the same numbers as in Python", {
  need_engine()
  d <- people()
  fit <- two(y ~ t, d, risk = ~ male + region, tcov = "x", weights = "w", cluster = "site", stratum = ~half,
             out_of_sample = "hold", refgroup = 2)
  expect_same_as_python(fit, in_python(d, paste(
    "formula='y ~ t', risk='~ male + region', tcov='x', weights='w', cluster='site', stratum='half',",
    "out_of_sample='hold', refgroup=2"
  )))
  expect_identical(names(coef(fit))[8:11], c("theta[1]", "theta_male[1]", "theta_regionnorth[1]",
                                             "theta_regionwest[1]"))
  expect_identical(out_of_sample(fit)$id, 77:80)
  expect_identical(nrow(posterior(fit)), 76L)
  text <- paste(utils::capture.output(print(summary(fit))), collapse = "\n")
  expect_match(text, "Membership logits (reference: group 2)", fixed = TRUE)
  expect_match(text, "4 subjects scored but not fitted.", fixed = TRUE)
  expect_match(text, "Curves are drawn at the mean of x at each time", fixed = TRUE)
  expect_match(text, "by sampling cluster and stratum", fixed = TRUE)
  expect_identical(two(y ~ t, d, weights = "w")$cov_type, "robust")
  left <- traj_data(fit)
  expect_identical(names(left), c("_traj_Group", "_traj_ProbG1", "_traj_ProbG2"))
  expect_identical(row.names(left), as.character(1:80))
  expect_equal(attr(left, "percentages")[[1]], 100 * fit$shares[1])
})

test_that("dropout, AR(1) errors and random effects: the same numbers as in Python", {
  need_engine()
  d <- people()
  gone <- (d$id * 5) %% 7 < 3 & d$t > 1 + d$id %% 3
  d$y[gone] <- NA
  d$mar <- as.integer(d$id %% 10 == 0)
  expect_warning(
    fit <- two(y ~ t, d, dropout = c(0, 1), dcov = "x", obsmar = "mar"), "dropout orders 0, 1 differ",
    class = "gbtm_warning"
  )
  expect_same_as_python(fit, in_python(d, "formula='y ~ t', dropout=[0, 1], dcov='x', obsmar='mar'"))
  expect_true(all(c("drop0[1]", "drop1[2]", "drop_x[1]") %in% names(coef(fit))))
  expect_true(all(c("Avg1", "Est2", "U952", "Dropout1") %in% names(plot_matrix(fit))))
  expect_same_as_python(two(y ~ t, d, ar1 = TRUE), in_python(d, "formula='y ~ t', ar1=True"))
  expect_error(two(y ~ t, d, obsmar = "mar"), class = "gbtm_no_dropout")
})

test_that("new families with exposure: the same numbers as in Python", {
  need_engine()
  d <- people()
  fit <- two(count ~ t, d, family = "negbin", exposure = "months")
  expect_same_as_python(fit, in_python(d, "formula='count ~ t', family='negbin', exposure='months'"))
  expect_equal(predict(fit)$estimate[1], exp(coef(fit)[[1]]), tolerance = 1e-8)
  test <- dispersion_test(fit, control = gbtm_control(n_starts = 3, progress = FALSE))
  expect_s3_class(test, "htest")
  expect_identical(test$family, "poisson")
  expect_equal(test$statistic[["LR"]], 2 * (fit$loglik - test$loglik), tolerance = 1e-8)
  expect_output(print(test), "no overdispersion")
  expect_same_as_python(two(share ~ t, d, family = "beta"), in_python(d, "formula='share ~ t', family='beta'"))
  d$count[stats::rbinom(nrow(d), 1, 0.3) == 1] <- 0
  inflated <- gbtm(count ~ t, d, id = "id", groups = 1, order = 1, family = "zinb", control = quick())
  expect_equal(
    predict(inflated, times = 2)$estimate,
    stats::plogis(-coef(inflated)[["zero_intercept"]]) * exp(sum(coef(inflated)[1:2] * c(1, 2))), tolerance = 1e-8
  )
  expect_output(print(inflated), "zero-inflated negative binomial")
})

test_that("wide data give the same fit as long data", {
  need_engine()
  d <- people()
  d$x[3] <- NA
  wide <- stats::reshape(d[c("id", "t", "male", "region", "w", "x", "months", "count")], idvar = "id", timevar = "t",
                         v.names = c("x", "months", "count"), direction = "wide", sep = "_")
  long <- two(count ~ t, d, family = "poisson", risk = ~ male + region, tcov = ~x, exposure = "months", weights = ~w)
  fit <- two(count ~ t, wide, wide = list(count = "count_*", t = 0:4, x = "x_*", months = "months_*"),
             family = "poisson", risk = ~ male + region, tcov = "x", exposure = "months", weights = "w")
  expect_identical(coef(fit), coef(long))
  expect_identical(vcov(fit), vcov(long))
  expect_identical(fit$dropped$missing_covariate, 1L)
  expect_equal(predict(fit, wide[4:5, ], type = "posterior"), posterior(fit)[4:5, ], ignore_attr = TRUE,
               tolerance = 1e-8)
  expect_error(two(count ~ t, wide, wide = list(count = "count_*", t = 0:4), tcov = "x"),
               class = "gbtm_unknown_column")
})

test_that("missing covariates are counted, and what cannot be used is an error", {
  need_engine()
  d <- people()
  d$male[d$id == 2] <- NA
  d$male[d$id == 3][1:3] <- NA # another row knows
  d$region[d$id == 5] <- NA
  fit <- two(y ~ t, d, risk = ~ male + region)
  expect_match(fit$dropped$sentence, "2 subjects with a missing membership covariate, weight or cluster (2, 5)",
               fixed = TRUE)
  expect_true(3 %in% fit$ids)
  fails <- function(class, argument, ...) {
    error <- expect_error(two(y ~ t, d, ...), class = paste0("gbtm_", class))
    expect_identical(error$argument, argument)
  }
  fails("not_constant", "x", risk = ~x)
  fails("not_constant", "months", weights = "months")
  fails("unknown_column", "risk", risk = "males")
  fails("bad_formula", "tcov", tcov = ~ log(nothing))
  fails("bad_formula", "risk", risk = 3)
  fails("bad_weights", "weights", weights = ~ -w)
  fails("bad_flag", "out_of_sample", out_of_sample = "w")
  fails("not_numeric", "weights", weights = "region")
})

test_that("new people are scored as in Python, with the levels of the fit", {
  need_engine()
  d <- people()
  fit <- two(y ~ t, d, risk = ~ male + region, tcov = "x")
  seen <- d[d$id %in% 4:6 & d$t < 3, ]
  table <- predict(fit, droplevels(seen[seen$id == 4, ]), type = "group")
  expect_identical(names(table), c("id", "t", "group", "probability", "lower", "upper", "assigned"))
  table <- predict(fit, seen, type = "group", by_wave = TRUE, level = 0.9)
  expect_identical(nrow(table), 18L)
  expect_equal(predict(fit, d, type = "posterior"), posterior(fit), tolerance = 1e-8)
  expect_identical(predict(fit, d, type = "assignment"), assignment(fit))
  file <- tempfile(fileext = ".csv")
  utils::write.csv(d, file, row.names = FALSE)
  lines <- run_python(c(
    "import gbtm, pandas as pd", sprintf("d = pd.read_csv(%s)", encodeString(file, quote = "'")),
    "res = gbtm.GBTM.from_formula('y ~ t', d, id='id', groups=2, order=1, risk='~ male + region', tcov='x')",
    "out = res.fit(n_starts=3, progress=False).classify(d[d.id.isin([4, 5, 6]) & (d.t < 3)], by_wave=True, level=0.9)",
    "print(*('%.17g' % v for v in out[['probability', 'lower', 'upper']].to_numpy().T.ravel()))"
  ))
  expect_equal(c(table$probability, table$lower, table$upper), as.numeric(strsplit(lines, " ")[[1]]), tolerance = 1e-6)
  seen$region <- "south"
  expect_error(predict(fit, seen, type = "group"), class = "gbtm_new_level")
  expect_error(predict(fit, type = "group"), class = "gbtm_no_newdata")
  file <- tempfile(fileext = ".json")
  plain <- two(y ~ t, d, risk = "male", tcov = "x")
  write_gbtm(plain, file)
  read <- read_gbtm(file)
  expect_equal(predict(read, d, type = "posterior"), posterior(plain), tolerance = 1e-8)
  plain$rows <- NULL
  expect_identical(fitted(read), fitted(plain))
  spline <- gbtm(y ~ splines::bs(t, degree = 2), d, id = "id", groups = 2, risk = "male", control = quick())
  half <- d[d$id < 4, ]
  half$t <- half$t + 0.5 * (half$t < 4)
  expect_true(all(is.finite(predict(spline, half, type = "group")$probability)))
})

test_that("curves are drawn at given covariates", {
  need_engine()
  fit <- two(y ~ t, people(), tcov = "x")
  at <- predict(fit, times = 0:1, tcov = 2)
  expect_equal(at$estimate[1:2], unname(coef(fit)[1] + 0:1 * coef(fit)[2] + 2 * coef(fit)[3]), tolerance = 1e-8)
  expect_equal(predict(fit, times = 0:1, tcov = c(x = 2)), at)
  expect_equal(predict(fit, times = 0:1, tcov = data.frame(x = c(2, 2))), at)
  expect_error(predict(fit, tcov = "2"), class = "gbtm_bad_profile")
  expect_error(predict(example_fit(), tcov = 2), class = "gbtm_bad_profile")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_false(isTRUE(all.equal(plot(fit, tcov = 3)$estimate, plot(fit)$estimate)))
})

test_that("profile intervals are Wald's where the likelihood is a parabola", {
  need_engine()
  fit <- two(y ~ t, people())
  profile <- confint(fit, "t[1]", method = "profile")
  expect_equal(profile, confint(fit, "t[1]"), tolerance = 0.02)
  expect_error(confint(fit, "q"), class = "gbtm_unknown_parameter")
  expect_identical(dimnames(confint(fit, 1:2, level = 0.9))[[2]], c("5 %", "95 %"))
  expect_error(dispersion_test(fit), class = "gbtm_no_dispersion")
})

test_that("what traj leaves behind joins the rows of its data", {
  need_engine()
  d <- two_curves(12)
  wide <- stats::reshape(d, idvar = "id", timevar = "t", v.names = "y", direction = "wide", sep = "_")
  for (j in 0:5) wide[[paste0("t_", j)]] <- j
  wide[2, paste0("y_", 0:5)] <- NA
  wide$hold <- as.integer(wide$id == 3)
  command <- "traj, var(y_0-y_5) indep(t_0-t_5) model(cnorm) order(1 1) min(-99) max(99) outofsample(hold)"
  fit <- traj(command, wide, control = quick())
  left <- traj_data(fit)
  expect_identical(row.names(left), row.names(wide))
  expect_identical(which(is.na(left$`_traj_Group`)), 2L)
  expect_identical(left$`_traj_Group`[c(1, 3, 12)], c(1, 1, 2))
  expect_identical(names(plot_matrix(fit)), c("trajT", "Avg1", "Avg2", "Est1", "Est2", "L951", "U951", "L952", "U952"))
})

test_that("traj() takes the options and reaches the original program's log-likelihood", {
  need_engine()
  root <- testthat::test_path("..", "reference")
  cases <- c("sim_logit2_weight_risk", "sim_cnorm2_drop1_tcov", "sim_pois3_expos", "sim_zip2_weight", "sim_beta2_tcov")
  skip_if_not(all(dir.exists(file.path(root, cases))), "no reference results beside the tests")
  for (case in cases) {
    known <- jsonlite::fromJSON(file.path(root, case, "estimates.json"))
    wide <- utils::read.csv(file.path(root, case, "data.csv"))
    fit <- traj(known$stata_command, wide, control = gbtm_control(progress = FALSE))
    best <- max(known$ll, known$best_known_ll)
    expect_gte(fit$loglik, best - 1e-4)
    if (fit$loglik < known$ll + 1e-4) expect_setequal(fit$traj_names, known$names)
    expect_s3_class(predict(fit), "data.frame")
    expect_identical(nrow(traj_data(fit)), nrow(wide))
    some <- wide[which(stats::complete.cases(wide[known$options$var]))[1:3], ]
    expect_identical(nrow(predict(fit, some, type = "group")), 3L * fit$n_groups)
  }
})

test_that("plottcov() takes a matrix by name", {
  need_engine()
  root <- testthat::test_path("..", "reference", "sim_beta2_tcov")
  skip_if_not(dir.exists(root), "no reference results beside the tests")
  known <- jsonlite::fromJSON(file.path(root, "estimates.json"))
  wide <- utils::read.csv(file.path(root, "data.csv"))
  command <- sub("plottcov\\([^)]*\\)", "", known$stata_command)
  waves <- length(known$options$var)
  fit <- traj(paste(command, "plottcov(m)"), wide, matrices = list(m = matrix(seq_len(waves) / 10, 1)),
              control = quick())
  expect_equal(fit$curves$covariates$profile[, 1], seq_len(waves) / 10)
  m <- rep(0.5, waves)
  expect_equal(traj(paste(command, "plottcov(m)"), wide, control = quick())$curves$covariates$profile[, 1], m)
  expect_error(traj(paste(command, "plottcov(nowhere)"), wide), class = "gbtm_bad_plottcov")
})

test_that("a level of nobody who is fitted is no level", {
  need_engine()
  d <- data.frame(id = rep(1:40, each = 3), t = rep(0:2, 40), region = rep(c("n", "s", "n", "s", "w"), each = 24),
                  held = rep(c(0, 1), c(96, 24)))
  d$y <- rep(c(0, 5), 60)[d$id] + sin(seq_len(120)) + (d$region == "s")
  expect_warning(
    fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 0, risk = ~ region, out_of_sample = "held"),
    "region: w occurs in no row that is fitted; 24 rows", class = "gbtm_warning"
  )
  expect_identical(utils::tail(names(coef(fit)), 1), "theta_regions[2]")
})

test_that("a row with a missing value is NA under any transform, and has no part in its knots or means", {
  d <- data.frame(age = c(20, NA, 31, 45, 50, 62, NA, 28), df = NA) # df: an argument's name, no covariate
  known <- !is.na(d$age)
  for (transform in c("splines::bs(age, df = 4)", "splines::ns(age, 2)", "scale(age)", "poly(age, 2)", "log(age)",
                      "factor(age > 40)", "I(age^2)")) {
    for (asked in list(paste("~", transform), stats::as.formula(paste("~", transform)))) {
      x <- gbtm:::design_columns(asked, d, "risk")$x
      alone <- stats::model.matrix(stats::as.formula(paste("~", transform)), d[known, ])[, -1, drop = FALSE]
      expect_identical(unname(x[known, , drop = FALSE]), matrix(alone, sum(known)), label = transform)
      expect_true(all(is.na(x[!known, ])))
    }
  }
})

test_that("missing values under a transform are dropped and counted as in a plain column", {
  need_engine()
  d <- people(40)
  d$age <- round(stats::runif(40, 20, 60))[d$id]
  d$age[d$id == 3] <- NA
  d$x[c(9, 14)] <- NA
  plain <- suppressWarnings(two(y ~ t, d, risk = "age", tcov = "x"))
  expect_match(plain$dropped$sentence, "2 observations with a missing time-varying covariate")
  fit <- suppressWarnings(two(y ~ t, d, risk = "~ splines::bs(age, df = 3)", tcov = "~ poly(x, 2)"))
  expect_identical(fit$dropped, plain$dropped)
  expect_identical(fit$ids, plain$ids)
  # the fit is read again, and its transforms are those of the fit whatever the new data are
  again <- unserialize(serialize(fit, NULL))
  expect_equal(predict(again, d[d$id %in% 6:8, ], type = "posterior"), posterior(fit)[5:7, ], ignore_attr = TRUE,
               tolerance = 1e-8)
})
