# What several outcomes have to do with each other, against Python and formulas written out.

# The fit's two outcomes share their times, so that residuals have partners.
numbers_of <- function(table) unname(as.vector(t(as.matrix(as.data.frame(table)[vapply(table, is.numeric, NA)]))))

test_that("all digits and sentences are Python's", {
  need_engine()
  fit <- two_outcome_fit()
  ours <- list(outcome_contributions(fit), residual_correlations(fit), residual_correlations(fit, by_group = FALSE))
  theirs <- python_says(fit, c(
    "res.outcome_contributions()", "res.residual_correlations().iloc[:, 2:]",
    "res.residual_correlations(by_group=False).iloc[:, 2:]", "[res.outcome_contributions().attrs['entropy']]",
    "[len(n) for n in res.residual_correlations().attrs['notes']]"
  ))
  for (i in 1:3) expect_equal(numbers_of(ours[[i]]), theirs[[i]], tolerance = 1e-10)
  expect_equal(attr(ours[[1]], "entropy"), theirs[[4]], tolerance = 1e-12)
  expect_equal(nchar(attr(ours[[2]], "notes")), theirs[[5]])
  expect_identical(ours[[1]]$outcome, c("y", "n"))
  expect_identical(names(ours[[2]]), c("outcome", "other", "group", "people", "pairs", "correlation", "se", "z",
                                       "p.value"))
  expect_equal(ours[[2]]$p.value, 2 * stats::pnorm(-abs(ours[[2]]$z)), tolerance = 1e-10)
  expect_type(ours[[1]]$people, "integer")
  expect_output(print(ours[[1]]), "Relative entropy of all outcomes together")
  expect_s3_class(ours[[3]], "data.frame")
})

test_that("an outcome's entropy and log Bayes factor are those of its densities", {
  need_engine()
  fit <- two_outcome_fit()
  d <- two_outcomes()
  b <- coef(fit)
  pi <- group_shares(fit)$share
  log_f <- list(
    y = sapply(1:2, function(k) {
      mean <- b[[sprintf("y: intercept[%d]", k)]] + b[[sprintf("y: t[%d]", k)]] * d$t
      tapply(stats::dnorm(d$y, mean, b[["y: sigma"]], log = TRUE), d$id, sum)
    }),
    n = sapply(1:2, function(k) {
      tapply(stats::dpois(d$n, exp(b[[sprintf("n: intercept[%d]", k)]]), log = TRUE), d$id, sum)
    })
  )
  shares <- function(x) {
    joint <- exp(sweep(x, 2, log(pi), "+"))
    joint / rowSums(joint)
  }
  posterior <- shares(log_f$y + log_f$n)
  table <- outcome_contributions(fit)
  for (m in 1:2) {
    own <- log_f[[m]]
    p <- shares(own)
    expect_equal(table$entropy[m], 1 + sum(ifelse(p > 0, p * log(p), 0)) / (nrow(p) * log(2)), tolerance = 1e-7)
    gain <- rowSums(posterior * own) - log(rowSums(exp(sweep(own, 2, log(pi), "+"))))
    expect_equal(table$log_bayes_factor[m], mean(gain), tolerance = 1e-7)
  }
  expect_equal(table$share, table$log_bayes_factor / sum(table$log_bayes_factor))
})

test_that("the sentence on an outcome that says nothing names R's call", {
  need_engine()
  d <- two_outcomes()
  set.seed(5)
  d$noise <- stats::rnorm(nrow(d))
  fit <- gbtm(list(y ~ t, noise ~ t), d, id = "id", groups = 2, order = 0, control = gbtm_control(n_starts = 2))
  notes <- attr(outcome_contributions(fit), "notes")
  expect_match(notes, "equal_curves(fit, outcome = \"noise\")", fixed = TRUE, all = FALSE)
  again <- outcome_contributions(fit, refit = TRUE, seed = 1)
  expect_equal(numbers_of(again),
               python_says(fit, "res.outcome_contributions(refit=True, rng=1)")[[1]], tolerance = 1e-8)
})

test_that("what has no other outcome of its groups is refused in words", {
  need_engine()
  for (ask in list(outcome_contributions, residual_correlations)) {
    expect_error(ask(small_fit()), "gbtm\\(list", class = "gbtm_one_outcome")
    expect_error(ask(of_outcome(two_outcome_fit(), "n")), "one of y, n", class = "gbtm_part_of_a_fit")
    expect_error(ask(example_dual()), "independence_test\\(\\)", class = "gbtm_two_group_sets")
    expect_error(ask(1), class = "gbtm_bad_fit")
  }
  expect_error(outcome_contributions(two_outcome_fit(), refit = NA), class = "gbtm_bad_flag")
  expect_error(outcome_contributions(two_outcome_fit(), seed = -1), class = "gbtm_bad_seed")
})
