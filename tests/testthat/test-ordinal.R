graded <- function() {
  d <- symptoms
  d$grade <- cut(d$score, c(-Inf, 2, 5, 7, Inf), labels = c("none", "some", "much", "worst"), ordered_result = TRUE)
  d
}

ordinal_fit <- function(data, groups, ...) {
  suppressWarnings(gbtm(grade ~ month, data = data, id = "id", groups = groups, order = 1, family = "ordinal", ...,
                        control = gbtm_control(n_starts = 3)))
}

test_that("one group is MASS::polr()", {
  need_engine()
  skip_if_not_installed("MASS")
  d <- graded()
  fit <- ordinal_fit(d, 1)
  theirs <- MASS::polr(grade ~ month, data = d, Hess = TRUE, control = list(reltol = 1e-14, maxit = 1000))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(theirs)), tolerance = 1e-8)
  b <- coef(fit)
  expect_equal(unname(c(b[["month[1]"]], -b[["intercept[1]"]], b[["cut2"]] - b[["intercept[1]"]],
                        b[["cut3"]] - b[["intercept[1]"]])), unname(c(coef(theirs), theirs$zeta)), tolerance = 1e-4)
  # polr's cut points are ours less the intercept
  map <- rbind(c(0, 1, 0, 0), c(-1, 0, 0, 0), c(-1, 0, 1, 0), c(-1, 0, 0, 1))
  expect_equal(sqrt(diag(map %*% vcov(fit) %*% t(map))), unname(sqrt(diag(vcov(theirs)))), tolerance = 1e-3)
})

test_that("an ordered factor is its numbers, in the fit and in new data", {
  need_engine()
  d <- graded()
  fit <- ordinal_fit(d, 2)
  of_numbers <- ordinal_fit(transform(d, grade = as.integer(grade)), 2)
  expect_equal(coef(fit), coef(of_numbers))
  expect_equal(predict(fit, newdata = d, type = "posterior"), posterior(fit), tolerance = 1e-8)
  numbers <- transform(d, grade = as.integer(grade))
  expect_equal(augment(fit, newdata = d)$.fitted, augment(of_numbers, newdata = numbers)$.fitted)
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(predict(read_gbtm(file)), predict(fit))
  other <- d
  levels(other$grade)[1] <- "nothing"
  expect_error(predict(fit, newdata = other, type = "posterior"), class = "gbtm_other_levels")
})

test_that("probabilities of levels add up, and to the expected score", {
  need_engine()
  fit <- ordinal_fit(graded(), 2)
  table <- level_probabilities(fit)
  expect_s3_class(table$level, "ordered")
  expect_identical(levels(table$level), c("none", "some", "much", "worst"))
  by <- interaction(table$month, table$group)
  expect_equal(as.vector(tapply(table$probability, by, sum)), rep(1, nlevels(by)))
  score <- tapply(table$probability * as.integer(table$level), by, sum)
  expect_equal(as.vector(score), predict(fit)$estimate, tolerance = 1e-10)
  skip_if_not_installed("ggplot2")
  expect_s3_class(plot_levels(fit), "ggplot")
})

test_that("other families have no levels", {
  fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
  expect_error(level_probabilities(fit), class = "gbtm_no_levels")
})

test_that("family() is that of a cumulative logit", {
  need_engine()
  own <- family(ordinal_fit(graded(), 1))
  expect_identical(c(own$family, own$link), c("ordinal", "logit"))
})

test_that("a factor is an outcome among several, as it is alone", {
  need_engine()
  set.seed(3)
  d <- expand.grid(t = 0:3, id = 1:60)
  d$x <- rnorm(nrow(d), ifelse(d$id > 30, 1.5, -1.5))
  d$mood <- cut(rnorm(nrow(d), ifelse(d$id > 30, 1, -1) * d$t / 3), c(-Inf, -0.5, 0.8, Inf), c("low", "mid", "high"),
                ordered_result = TRUE)
  d$job <- factor(sample(c("none", "part", "full"), nrow(d), TRUE), c("none", "part", "full"))
  d$sex <- factor(ifelse(d$id %% 2, "m", "f")) # whose levels are settled over all outcomes
  three <- list(x ~ t, outcome(mood ~ t, family = "ordinal"), outcome(job ~ t, family = "multinomial"))
  several <- function(data, ...) {
    gbtm(three, data, id = "id", groups = 2, order = 1, risk = ~ sex, control = gbtm_control(n_starts = 2), ...)
  }
  fit <- several(d)
  numbers <- d
  numbers[c("mood", "job")] <- lapply(d[c("mood", "job")], as.integer)
  plain <- several(numbers)
  expect_equal(unname(coef(fit)), unname(coef(plain)), tolerance = 1e-6)
  expect_true(all(c("job: intercept:part[1]", "mood: t[2]") %in% names(coef(fit))))
  # in one table, where categories without an order have a column of levels
  table <- predict(fit)
  expect_identical(names(table)[c(1, 3, ncol(table))], c("outcome", "time", "level"))
  expect_equal(table$estimate, predict(plain)$estimate, tolerance = 1e-6)
  expect_identical(levels(table$level), levels(d$job))
  expect_identical(is.na(table$level), table$outcome != "job")
  expect_error(level_probabilities(fit), "of_outcome(fit, \"mood\")", fixed = TRUE, class = "gbtm_several_outcomes")
  chances <- level_probabilities(of_outcome(fit, "mood"))
  expect_identical(levels(chances$level), c("low", "mid", "high"))
  expect_equal(as.vector(tapply(chances$probability, chances[c("group", "t")], sum)), rep(1, 8))
  expect_equal(sum(level_probabilities(of_outcome(fit, "job"), times = 0)$probability), 2)
  # new people, by the levels of the fit, also after saveRDS() and through a file
  new <- d[d$id %in% c(1, 60), ]
  wanted <- predict(plain, numbers[d$id %in% c(1, 60), ], type = "posterior")
  kept <- withr::local_tempfile(fileext = ".rds")
  saveRDS(fit, kept)
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, file)
  for (one in list(fit, readRDS(kept), read_gbtm(file))) {
    expect_equal(predict(one, new, type = "posterior"), wanted, tolerance = 1e-6)
  }
  expect_error(predict(fit, transform(new, mood = factor(mood, c("low", "mid"), ordered = TRUE)), type = "posterior"),
               class = "gbtm_other_levels")
  expect_error(plot(fit), "'job' has categories", class = "gbtm_no_mean")
  # Python reads the same levels from the file
  python <- reticulate::py_run_string(sprintf("
import gbtm, pandas as pd
people = pd.DataFrame({'id': [1, 1], 't': [0.0, 1.0], 'x': [0.5, -1.0], 'sex': 'm',
    'mood': pd.Categorical(['low', 'high'], ['low', 'mid', 'high'], ordered=True),
    'job': pd.Categorical(['part', 'none'], ['none', 'part', 'full'])})
theirs = gbtm.load('%s').classify(people)['probability'].tolist()", file), local = TRUE)
  same <- data.frame(id = 1, t = 0:1, x = c(0.5, -1), sex = "m",
                     mood = factor(c("low", "high"), levels(d$mood), ordered = TRUE),
                     job = factor(c("part", "none"), levels(d$job)))
  expect_equal(unlist(python$theirs), predict(fit, same, type = "group")$probability, tolerance = 1e-10)
  # a wide table by a pattern of names, and a table of its own
  wide <- stats::reshape(d, direction = "wide", idvar = "id", timevar = "t", v.names = c("x", "mood", "job"), sep = "_")
  laid <- several(wide, wide = list(x = "x_*", mood = "mood_*", job = "job_*", t = 0:3))
  expect_equal(as.double(logLik(laid)), as.double(logLik(fit)), tolerance = 1e-8)
  expect_equal(predict(laid, wide[c(1, 60), ], type = "group")$probability,
               predict(fit, new, type = "group")$probability, tolerance = 1e-6)
  apart <- gbtm(list(x ~ t, outcome(mood ~ t, family = "ordinal", data = d[c("id", "t", "mood")])), d, id = "id",
                groups = 2, order = 1, control = gbtm_control(n_starts = 2))
  together <- gbtm(list(x ~ t, outcome(mood ~ t, family = "ordinal")), d, id = "id", groups = 2, order = 1,
                   control = gbtm_control(n_starts = 2))
  expect_equal(as.double(logLik(apart)), as.double(logLik(together)), tolerance = 1e-8)
})
