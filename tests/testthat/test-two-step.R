# The two-step table beside that of the joint fit: the engine's numbers, and what must hold of them.

test_that("every table is the engine's, digit by digit", {
  need_engine()
  for (fit in list(example_dual(), dual_fit("dual_risk"))) {
    for (type in c("joint", "conditional", "reverse", "margins")) {
      ours <- two_step(fit, type)
      theirs <- python_says(fit, sprintf("res.two_step('%s')['%s']", type, c("separate", "separate std err", "estimate",
                                                                            "std err", "difference")))
      columns <- c("separate", "separate_se", "estimate", "se", "difference")
      for (at in seq_along(columns)) expect_equal(ours[[columns[at]]], theirs[[at]], tolerance = 1e-10)
    }
  }
})

test_that("it stands beside the table of the fit, and adds up", {
  fit <- example_dual()
  both <- two_step(fit, "conditional")
  expect_identical(both[c("group1", "group2", "estimate", "se")],
                   transitions(fit)[c("group1", "group2", "estimate", "se")])
  expect_equal(as.vector(tapply(both$separate, both$group1, sum)), rep(1, max(both$group1)))
  expect_identical(both$difference, both$estimate - both$separate)
  margins <- two_step(fit, "margins")
  expect_identical(names(margins)[1:2], c("outcome", "group"))
  joint <- two_step(fit)
  first <- outcome_names(fit)[1]
  expect_equal(margins$separate[margins$outcome == first], as.vector(tapply(joint$separate, joint$group1, sum)))
})

test_that("a file of before they were stored has the table without standard errors", {
  fit <- example_dual()
  old <- fit
  dual <- fit$dual
  dual$two_step <- dual$two_step[c("loglik", "shares")]
  old$dual <- dual
  table <- two_step(old)
  expect_true(all(is.na(table$separate_se)))
  expect_identical(table[c("separate", "estimate", "se")], two_step(fit)[c("separate", "estimate", "se")])
})

test_that("what the data do not determine has no standard error", {
  need_engine()
  fit <- dual_fit()
  dual <- fit$dual
  n <- nrow(dual$two_step$cov)
  dual$two_step$undetermined <- matrix(diag(n)[, 1], n)
  fit$dual <- dual
  loads <- abs(dual$two_step$jacobian[, 1]) > 0.1 * sqrt(rowSums(dual$two_step$jacobian^2))
  expect_true(any(loads))
  expect_true(all(is.na(two_step(fit)$separate_se[loads])))
})

test_that("other fits and other tables are refused", {
  expect_error(two_step(example_fit()), class = "gbtm_no_dual")
  error <- expect_error(two_step(example_dual(), "both"), class = "gbtm_bad_type")
  expect_identical(error$argument, "type")
})
