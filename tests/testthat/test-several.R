test_that("an independent program has the same numbers", {
  need_engine()
  for (which in c("multi", "multi_risk")) {
    fit <- several_fit_of(which)
    want <- several_expected()[[which]]
    expect_equal(as.numeric(logLik(fit)), want$llf, tolerance = 1e-6 / abs(want$llf))
    expect_equal(unname(coef(fit)), several_in_order(which), tolerance = 1e-6)
    expect_equal(unname(summary(fit)$coefficients[, 2]), several_in_order(which, "se"), tolerance = 1e-5)
    theirs <- utils::read.csv(several_folder(paste0(which, "_posterior.csv")))
    expect_equal(unname(group_columns(posterior(fit))), unname(as.matrix(theirs[grep("^P", names(theirs))])),
                 tolerance = 1e-6)
    expect_equal(entropy(fit), want$entropy, tolerance = 1e-6)
    expect_equal(nobs(fit), sum(!is.na(several_data()[unlist(several_wide()[c("a", "b", "c")])])))
  }
})

test_that("own long tables are joined by id, rows in any order", {
  need_engine()
  set.seed(1)
  tables <- lapply(c(a = "a", b = "b", c = "c"), function(name) {
    table <- several_long(name)
    table[sample(nrow(table)), ]
  })
  fit <- gbtm(do.call(several_outcomes, tables), id = "id", groups = 3, start = several_in_order())
  wide <- several_fit_of()
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(wide)), tolerance = 1e-12)
  expect_equal(coef(fit), coef(wide), tolerance = 1e-8)
  ours <- posterior(fit)
  expect_equal(group_columns(ours[match(posterior(wide)$id, ours$id), ]), group_columns(posterior(wide)),
               ignore_attr = TRUE, tolerance = 1e-9)
  # residuals stand in the order of each table's own rows
  view <- of_outcome(fit, "b")
  expect_equal(names(fitted(view)), row.names(tables$b))
  expect_equal(unname(fitted(view) + residuals(view)), tables$b$b)
})

test_that("the digits are Python's", {
  need_engine()
  d <- two_outcomes()
  d$t <- d$t + 0.5
  fit <- gbtm(list(y ~ t, n ~ t), d, id = "id", groups = 2, order = list(1, 0), family = c("normal", "poisson"),
              risk = ~ sex, control = gbtm_control(n_starts = 4))
  table <- tempfile(fileext = ".csv")
  d$y <- sprintf("%.17g", d$y)
  utils::write.csv(d, table, row.names = FALSE)
  lines <- run_python(c(
    "import gbtm, pandas as pd",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(table)),
    "y = gbtm.Outcome",
    "res = gbtm.GBTM.from_formula([y('y ~ t', order=1), y('n ~ t', order=0, family='poisson')], d, id='id', groups=2,",
    "                             risk='sex').fit(n_starts=4, rng=0, progress=False)",
    "print(*('%.17g' % v for v in res.params)); print(*('%.17g' % v for v in res.bse))",
    "print(*res.params.index, sep='|')"
  ))
  numbers <- lapply(strsplit(lines[1:2], " "), as.numeric)
  expect_equal(unname(coef(fit)), numbers[[1]], tolerance = 1e-12)
  expect_equal(unname(sqrt(diag(vcov(fit)))), numbers[[2]], tolerance = 1e-10)
  expect_equal(gsub("[T.woman]", "woman", strsplit(lines[3], "|", fixed = TRUE)[[1]], fixed = TRUE), names(coef(fit)))
})

test_that("a person stays who is seen in one outcome, and goes who is seen in none", {
  need_engine()
  d <- two_outcomes()
  d$y[d$id == 3] <- NA
  d$n[d$id == 5] <- NA
  d[d$id == 7, c("y", "n")] <- NA
  fit <- gbtm(list(y ~ t, n ~ t), d, id = "id", groups = 2, order = 0, family = c("normal", "poisson"),
              control = gbtm_control(n_starts = 2))
  expect_setequal(posterior(fit)$id, setdiff(d$id, 7))
  expect_equal(nobs(fit), sum(!is.na(d$y)) + sum(!is.na(d$n)))
})

test_that("one outcome in a list is the model of one outcome", {
  need_engine()
  d <- small_data()
  plain <- small_fit()
  listed <- gbtm(list(y ~ t), d, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 4))
  object <- gbtm(outcome(y ~ t, order = 1), d, id = "id", groups = 2, control = gbtm_control(n_starts = 4))
  for (fit in list(listed, object)) {
    expect_s3_class(fit, "gbtm", exact = TRUE)
    expect_identical(coef(fit), coef(plain))
    expect_identical(fitted(fit), fitted(plain))
    expect_identical(predict(fit, d[d$id < 3, ], type = "posterior"), predict(plain, d[d$id < 3, ], type = "posterior"))
  }
})

test_that("a level of a membership factor that one outcome lacks is there by the other, and none is there by neither", {
  need_engine()
  d <- two_outcomes()
  d$region <- factor(c("north", "south", "west", "nowhere")[c(1, 2, 1, 2, 3, 1, 2, 3, 1, 2, 1, 2, 3, 1, 2, 4)][d$id])
  d$y[d$region == "west"] <- NA # west is seen in n alone
  d[d$region == "nowhere", c("y", "n")] <- NA
  expect_warning(
    fit <- gbtm(list(y ~ t, n ~ t), d, id = "id", groups = 2, order = 0, family = c("normal", "poisson"),
                risk = ~ region, control = gbtm_control(n_starts = 2)),
    class = "gbtm_unfitted_level"
  ) |> suppressWarnings()
  expect_equal(grep("theta_", names(coef(fit)), value = TRUE), c("theta_regionsouth[2]", "theta_regionwest[2]"))
})

test_that("outcomes have bases, times of their own, covariates and exposure", {
  need_engine()
  d <- two_outcomes()
  d$u <- d$t + 10
  d$e <- 1 + d$id %% 2
  fit <- suppressWarnings(gbtm(
    list(y ~ splines::ns(t, df = 2), n ~ I(u - 10)), d, id = "id", groups = 2, order = list(NULL, 1),
    family = c("normal", "poisson"), tcov = list(y = ~ x), exposure = list(n = "e"),
    control = gbtm_control(n_starts = 2)
  ))
  expect_true(all(c("y: x[1]", "n: I(u - 10)[2]") %in% names(coef(fit))))
  expect_null(of_outcome(fit, "n")$curves$covariates)
  at <- predict(fit, outcome = "y", times = 1.5, tcov = 0.3)
  expect_equal(nrow(at), 2)
  expect_equal(mean(fitted(of_outcome(fit, "n"))), mean(d$n), tolerance = 0.05)
  again <- predict(fit, d[d$id <= 4, ], type = "posterior")
  expect_equal(group_columns(again), group_columns(posterior(fit)[1:4, ]), ignore_attr = TRUE, tolerance = 1e-6)
  kept <- tempfile(fileext = ".rds")
  saveRDS(fit, kept)
  expect_equal(predict(readRDS(kept), outcome = "y", times = 1.5, tcov = 0.3), at)
  # the same model by hand: log f of each outcome, and the share
  alone <- predict(fit, outcome = "n")
  expect_equal(sort(unique(alone[[2]])), sort(unique(d$t)))
})

test_that("new people are scored by the outcomes that there are", {
  need_engine()
  fit <- several_fit_of()
  d <- several_data()[1:6, ]
  expect_equal(group_columns(suppressWarnings(predict(fit, d, type = "posterior"))),
               group_columns(posterior(fit)[1:6, ]), ignore_attr = TRUE, tolerance = 1e-8)
  without_b <- d[!names(d) %in% several_wide()$b]
  partly <- suppressWarnings(predict(fit, without_b, type = "posterior"))
  # by Bayes from what a and c say alone: P(k) a posterior of each outcome over the shares
  say <- function(name) group_columns(suppressWarnings(predict(fit, d, type = "posterior", outcome = name)))
  by_hand <- say("a") * say("c") / rep(fit$shares, each = 6)
  expect_equal(unname(group_columns(partly)), unname(by_hand / rowSums(by_hand)), tolerance = 1e-8)
  expect_error(predict(fit, d, type = "group", by_wave = TRUE), class = "gbtm_several_outcomes")
})

test_that("new people of own tables have no membership covariates there", {
  need_engine()
  d <- two_outcomes()
  own <- d[c("id", "t", "n")]
  fit <- gbtm(list(y ~ t, outcome(n ~ t, family = "poisson", data = own)), d[c("id", "t", "y", "sex")], id = "id",
              groups = 2, order = 0, risk = ~ sex, control = gbtm_control(n_starts = 2))
  expect_equal(group_columns(predict(fit, d, type = "posterior")), group_columns(posterior(fit)), ignore_attr = TRUE,
               tolerance = 1e-7)
  expect_warning(people <- predict(fit, data.frame(id = 1:2, sex = c("man", "woman")), type = "posterior"),
                 class = "gbtm_prior")
  theta <- coef(fit)[c("theta[2]", "theta_sexwoman[2]")]
  expect_equal(people$group_2, unname(stats::plogis(cumsum(theta))), tolerance = 1e-8)
})

test_that("starts: numbers, a fit, and a fit of one group less", {
  need_engine()
  d <- two_outcomes()
  fit <- two_outcome_fit()
  again <- update(fit, start = fit)
  expect_equal(coef(again), coef(fit), tolerance = 1e-6)
  one <- suppressWarnings(update(fit, groups = 1)) # one group for two is overdispersed
  grown <- update(fit, start = one)
  expect_equal(grown$loglik, fit$loglik, tolerance = 1e-9)
  expect_error(update(fit, . ~ . + 1), class = "gbtm_several_outcomes")
  expect_error(update(of_outcome(fit, 1), groups = 1), class = "gbtm_part_of_a_fit")
})

test_that("subset, na.fail, weights and ids of any type", {
  need_engine()
  d <- two_outcomes()
  d$who <- factor(paste0("p", d$id))
  d$w <- 1 + d$id %% 3
  fit <- gbtm(list(y ~ t, n ~ t), d, id = "who", groups = 2, order = 0, family = c("normal", "poisson"), weights = "w",
              subset = id > 2, control = gbtm_control(n_starts = 2))
  expect_identical(levels(posterior(fit)$who), levels(d$who))
  expect_equal(nrow(posterior(fit)), 14)
  w <- d$w[d$t == 0 & d$id > 2]
  expect_equal(unname(weights(fit)), w / mean(w))
  expect_identical(fit$cov_type, "robust")
  d$n[3] <- NA
  expect_error(gbtm(list(y ~ t, n ~ t), d, id = "id", groups = 2, na.action = na.fail), class = "gbtm_missing_values")
})

test_that("matrices with a row per person are outcomes too", {
  need_engine()
  d <- two_outcomes()
  across <- function(x) matrix(x, ncol = 4, byrow = TRUE)
  Y <- across(d$y) # nolint: object_name_linter.
  N <- across(d$n) # nolint: object_name_linter.
  fit <- gbtm(list(Y ~ 0:3, N ~ 0:3), groups = 2, order = list(1, 0), family = c("normal", "poisson"),
              control = gbtm_control(n_starts = 4))
  expect_equal(unname(coef(fit)), unname(coef(two_outcome_fit())), tolerance = 1e-6)
})

test_that("dropout goes by the first outcome, with Python's digits", {
  need_engine()
  d <- two_outcomes()
  set.seed(4)
  gone <- sample(1:5, 16, TRUE)
  d$y[d$t >= gone[d$id]] <- NA
  d$mar <- as.numeric(d$id == 3)
  fit <- function(...) {
    gbtm(list(y ~ t, n ~ t), d, id = "id", order = list(1, 0), family = c("normal", "poisson"),
         control = gbtm_control(n_starts = 2), ...)
  }
  shared <- suppressWarnings(fit(groups = 2, dropout = 0, obsmar = "mar"))
  dual <- suppressWarnings(fit(groups = c(2, 2), dropout = 0))
  file <- tempfile(fileext = ".csv")
  utils::write.csv(transform(d, y = ifelse(is.na(y), NA, sprintf("%.17g", y))), file, row.names = FALSE, na = "")
  theirs <- run_python(c(
    "import gbtm, pandas as pd, warnings; warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(file)),
    "two = [gbtm.Outcome('y ~ t', order=1), gbtm.Outcome('n ~ t', order=0, family='poisson')]",
    "for more in ({'groups': 2, 'obsmar': 'mar'}, {'groups': [2, 2]}):",
    "    res = gbtm.GBTM.from_formula(two, d, id='id', dropout=0, **more).fit(n_starts=2, rng=0, progress=False)",
    "    print('%.17g' % res.llf); print(*('%.17g' % v for v in res.classify(d)['probability'][:8]))"
  ))
  said <- lapply(strsplit(theirs, " "), as.numeric)
  expect_equal(c(shared$loglik, dual$loglik), c(said[[1]], said[[3]]), tolerance = 1e-10)
  expect_true(all(c("drop0[1]", "drop0[2]") %in% names(coef(dual))))
  new <- function(fit, pattern) {
    p <- suppressWarnings(predict(fit, d, type = "posterior"))
    as.vector(t(as.matrix(p[grep(pattern, names(p))])))[1:8]
  }
  expect_equal(new(shared, "^group_"), said[[2]], tolerance = 1e-8)
  expect_equal(new(dual, "^pair_"), said[[4]], tolerance = 1e-8)
  expect_error(simulate(shared), class = "gbtm_no_simulation")
  own <- outcome(y ~ t, data = d[c("id", "t", "y")], order = 1)
  expect_error(gbtm(list(own, n ~ t), d, id = "id", groups = 2, dropout = 0, obsmar = "mar"), "Put first",
               class = "gbtm_no_data")
})

test_that("what is no model of several outcomes is refused in words", {
  d <- two_outcomes()
  two <- list(y ~ t, n ~ t)
  refused <- function(code, ...) expect_error(gbtm(...), class = paste0("gbtm_", code))
  refused("no_outcome", list(), d, id = "id", groups = 2)
  refused("bad_formula", list(y ~ t, 3), d, id = "id", groups = 2)
  refused("same_outcome", list(y ~ t, y ~ t), d, id = "id", groups = 2)
  refused("labels_disagree", list(weight = y ~ t, n ~ t), d, id = "id", groups = 2)
  refused("no_data", two, id = "id", groups = 2)
  refused("bad_groups", two, d, id = "id")
  own <- list(outcome(y ~ t, data = d), outcome(n ~ t, data = d))
  refused("no_data", own, id = "id", groups = 2, risk = ~ sex)
  refused("bad_subset", own, id = "id", groups = 2, subset = id > 1)
  need_engine()
  text <- transform(d, id = paste0("p", id))
  refused("no_common_id", list(y ~ t, outcome(n ~ t, data = text)), d, id = "id", groups = 2)
  # a call that failed half way leaves nothing behind
  after <- suppressWarnings(gbtm(two, d, id = "id", groups = 1, order = 0))
  expect_equal(names(after$each), c("y", "n"))
})

test_that("whether one outcome of several is overdispersed is tested as in Python, the others being as they are", {
  need_engine()
  fit <- suppressWarnings(update(two_outcome_fit(), family = c("normal", "negbin")), classes = "gbtm_warning")
  test <- dispersion_test(fit, outcome = "n", control = gbtm_control(n_starts = 2))
  expect_equal(test$loglik, as.numeric(logLik(two_outcome_fit())), tolerance = 1e-6) # the fit without psi
  expect_equal(unname(test$statistic), max(0, 2 * (as.numeric(logLik(fit)) - test$loglik)))
  expect_identical(test$family, "poisson")
  expect_match(test$data.name, "^n: family negbin against poisson")
  expect_identical(dispersion_test(fit, outcome = 2, control = gbtm_control(n_starts = 2))$statistic, test$statistic)
  expect_error(dispersion_test(fit), "Give outcome =", class = "gbtm_several_outcomes")
  expect_error(dispersion_test(fit, outcome = "y"), class = "gbtm_no_dispersion")
  expect_error(dispersion_test(of_outcome(fit, "n")), class = "gbtm_part_of_a_fit")
})
