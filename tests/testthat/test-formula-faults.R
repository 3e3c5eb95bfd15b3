# Formulas that say what cannot be meant are refused before anything is fitted.

d <- local({
  set.seed(1)
  id <- rep(1:20, each = 4)
  data.frame(id, t = rep(0:3, 20), y = rnorm(80) + 2 * (id %% 2), w = rnorm(80), before = id %% 7, after = id %% 5,
             job = c("clerk", "cook")[id %% 2 + 1], stop = 1 + id %% 4, died = as.integer(id %% 3 > 0))
})
asked <- function(formula = y ~ t, data = d, order = 1, ...) {
  gbtm(formula, data, id = "id", groups = 2, order = order, control = gbtm_control(n_starts = 1), ...)
}

test_that("a minus that takes nothing away is no difference", {
  expect_error(asked(y ~ -t, order = NULL), "takes the term t away", class = "gbtm_nothing_taken_away")
  expect_error(asked(y ~ splines::ns(t, 2) - t, order = NULL), class = "gbtm_nothing_taken_away")
  for (argument in c("risk", "tcov", "common")) {
    given <- stats::setNames(list(~ after - before), argument)
    said <- expect_error(do.call(asked, given), "'after - before' takes the term before away",
                         class = "gbtm_nothing_taken_away")
    expect_identical(said$argument, argument)
  }
  expect_error(asked(event = survival::Surv(stop, died) ~ after - before), class = "gbtm_nothing_taken_away")
})

test_that("what takes a term away, or stands inside of a function, stays", {
  for (right in list(quote(a * b - a:b), quote(a - 1), quote(-1 + a), quote(a + b - b), quote((a + b)^2 - b:a),
                     quote(I(a - b)), quote(log(a - 3)), quote(a %in% b), quote(`a b` + `c-d`))) {
    expect_null(refuse_taking_away(right, "risk"))
  }
})

test_that("an outcome does not explain itself, and its lags do", {
  for (given in list(list(tcov = ~ w + y), list(common = "y"), list(tcov = ~ I(y^2)))) {
    expect_error(do.call(asked, given), "y is the outcome itself", class = "gbtm_own_covariate")
  }
  expect_identical(all.vars(without_lags(quote(w + lag(y, 2) + I(z * lag(y))))), c("w", "z"))
})

test_that("text for a missing value is no category", {
  for (word in c("", " ", ".", ".a", "nan", "NA", "-99")) {
    for (as in list(identity, factor)) {
      e <- d
      e$job <- as(ifelse(e$id > 4, e$job, word))
      expect_error(asked(data = e, risk = ~ before + job), "job: 16 values are", class = "gbtm_missing_as_text")
      expect_error(asked(data = e, tcov = "job"), class = "gbtm_missing_as_text")
      expect_error(asked(job ~ t, e, family = "multinomial"), class = "gbtm_missing_as_text")
    }
  }
  for (words in list(c("none", "some"), c("-9", "9"), c("0", "-99"), c(NA, "b"))) {
    expect_null(refuse_words_for_missing(factor(words), "job"))
  }
  expect_null(refuse_words_for_missing(factor("a", levels = c("", "a")), "job"))
})

test_that("distal formulas are read alike", {
  fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
  people <- data.frame(id = names(assignment(fit)), prison = 1, a = 1, b = 2)
  expect_error(distal(fit, prison ~ group + a - b, people), class = "gbtm_nothing_taken_away")
})
