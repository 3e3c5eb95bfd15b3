# Whether and how strongly the groups of two outcomes go together, against an independent program and Python.

test_that("the tests have the reference's digits", {
  need_engine()
  want <- several_expected()$dual$independence
  test <- independence_test(dual_fit())
  expect_equal(test$table$statistic, c(want$lr, want$wald), tolerance = 1e-4)
  expect_equal(test$table$df, c(2, 2))
  expect_equal(test$table$p.value, c(want$p_lr, want$p_wald), tolerance = 1e-3)
  expect_equal(test$loglik_independent, want$llf_independent, tolerance = 1e-9)
  expect_s3_class(test, "htest")
  expect_equal(test$statistic, c(LR = test$table$statistic[1]))
})

test_that("all digits and words are Python's", {
  need_engine()
  fit <- dual_fit("dual_risk")
  theirs <- python_says(fit, c("res.association()", "res.independence().table", "res.association(level=0.8)"))
  ours <- function(table) unname(as.vector(t(as.matrix(table[c("estimate", "se", "lower", "upper")]))))
  expect_equal(ours(association(fit)), theirs[[1]], tolerance = 1e-10)
  expect_equal(ours(association(fit, 0.8)), theirs[[3]], tolerance = 1e-10)
  expect_equal(as.vector(t(as.matrix(independence_test(fit)$table))), theirs[[2]], tolerance = 1e-10)
  equal <- example_dual() # has as many groups in both, so that there is a kappa
  expect_equal(ours(association(equal)), python_says(equal, "res.association()")[[1]], tolerance = 1e-10)
})

test_that("the measures are those of the joint table", {
  fit <- example_dual()
  p <- matrix(transitions(fit, "joint")$estimate, 2, byrow = TRUE)
  table <- association(fit)
  value <- function(measure) table$estimate[table$measure == measure]
  expect_equal(value("lift"), as.vector(t(p / outer(rowSums(p), colSums(p)))), tolerance = 1e-12)
  expect_equal(value("odds ratio"), p[1, 1] * p[2, 2] / (p[1, 2] * p[2, 1]), tolerance = 1e-10)
  b <- coef(fit)[c("theta2[2|1]", "theta2[2|2]")]
  expect_equal(value("odds ratio"), exp(b[[2]] - b[[1]]), tolerance = 1e-8)
  expect_equal(value("cramers_v"), sqrt(sum(p^2 / outer(rowSums(p), colSums(p))) - 1), tolerance = 1e-12)
  chance <- sum(rowSums(p) * colSums(p))
  expect_equal(value("kappa"), (sum(diag(p)) - chance) / (1 - chance), tolerance = 1e-12)
  # the Wald test of one contrast, and the odds ratio's interval, by hand
  v <- vcov(fit)[names(b), names(b)]
  se <- sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2])
  expect_equal(independence_test(fit)$table["Wald", "statistic"], unname(diff(b) / se)^2, tolerance = 1e-8)
  ends <- unlist(table[table$measure == "odds ratio", c("lower", "upper")])
  expect_equal(unname(log(ends)), unname(diff(b)) + c(-1, 1) * stats::qnorm(0.975) * se, tolerance = 1e-8)
})

test_that("with a sandwich there is the Wald test alone; a test prints its sentence", {
  need_engine()
  fit <- example_dual()
  expect_identical(row.names(independence_test(gbtm:::with_cov_type(fit, "robust"))$table), "Wald")
  expect_output(print(independence_test(fit)), "The groups of offenses depend on those of aggression \\(p = ")
  expect_error(independence_test(example_fit()), class = "gbtm_no_dual")
  expect_error(association(example_fit()), class = "gbtm_no_dual")
  expect_error(independence_test(fit, bootstrap = 1.5), class = "gbtm_bad_bootstrap")
  expect_error(independence_test(fit, bootstrap = 5, seed = -1), class = "gbtm_bad_seed")
})

test_that("draws under independence are the engine's", {
  need_engine()
  fit <- example_dual()
  test <- independence_test(fit, bootstrap = 3, seed = 2)
  theirs <- python_says(fit, "res.independence(bootstrap=3, rng=2).table['p-value']")[[1]]
  expect_equal(test$table$p.value, theirs, tolerance = 1e-10)
  expect_equal(test$p.value, test$table["LR, bootstrap", "p.value"])
  expect_true(all(test$table$df == test$table["Wald", "df"]))
  expect_match(test$sentence, "By 3 draws under independence: p = ", fixed = TRUE)
})
