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
