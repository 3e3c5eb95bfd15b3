# Tables of the groups of two outcomes given each other, against an independent program, Python, and draws.

numbers <- function(table) unname(as.vector(t(as.matrix(table[c("estimate", "se", "lower", "upper")]))))

test_that("the tables have the reference's digits", {
  need_engine()
  for (which in c("dual", "dual_risk")) {
    fit <- dual_fit(which)
    want <- several_expected()[[which]]$tables
    check <- function(type, label) {
      table <- transitions(fit, type)
      theirs <- do.call(rbind, want[label(table)])
      expect_equal(table$estimate, unname(theirs[, 1]), tolerance = 1e-6)
      expect_equal(table$se, unname(theirs[, 2]), tolerance = 1e-5)
    }
    check("conditional", function(t) sprintf("P(2=%d|1=%d)", t$group2, t$group1))
    check("reverse", function(t) sprintf("P(1=%d|2=%d)", t$group1, t$group2))
    check("joint", function(t) sprintf("P(1=%d,2=%d)", t$group1, t$group2))
    check("margins", function(t) sprintf("P(%d=%d)", match(t$outcome, c("a", "b")), t$group))
  }
})

test_that("the digits are Python's, at covariates too", {
  need_engine()
  fit <- dual_fit("dual_risk")
  types <- c("conditional", "reverse", "joint", "margins")
  theirs <- python_says(fit, c(sprintf("res.transitions('%s')", types),
                               sprintf("res.transitions('%s', at={'x': 1.5, 'z': 0}, level=0.9)", types),
                               "res.transitions('joint', at={'z': 1})"))
  ours <- c(lapply(types, function(type) transitions(fit, type)),
            lapply(types, function(type) transitions(fit, type, at = c(z = 0, x = 1.5), level = 0.9)),
            list(transitions(fit, "joint", at = list(z = 1))))
  for (i in seq_along(ours)) expect_equal(numbers(ours[[i]]), theirs[[i]], tolerance = 1e-10)
})

test_that("the tables belong together", {
  fit <- example_dual()
  joint <- transitions(fit, "joint")
  expect_equal(sum(joint$estimate), 1, tolerance = 1e-12)
  given <- transitions(fit)
  expect_equal(as.vector(rowsum(given$estimate, given$group1)), c(1, 1), tolerance = 1e-12)
  margins <- transitions(fit, "margins")
  expect_equal(joint$estimate, given$estimate * margins$estimate[joint$group1], tolerance = 1e-12)
  shares <- group_shares(fit)
  expect_equal(margins[c("estimate", "se", "lower", "upper")], shares[c("share", "se", "lower", "upper")],
               ignore_attr = TRUE, tolerance = 1e-8)
  # the logits of the model, read off the conditional table
  logit <- with(given, log(estimate[group2 == 2] / estimate[group2 == 1]))
  expect_equal(logit, unname(coef(fit)[c("theta2[2|1]", "theta2[2|2]")]), tolerance = 1e-8)
})

test_that("standard errors are those of draws from the estimates' law", {
  fit <- example_dual()
  set.seed(1)
  theta <- c("theta[2]", "theta2[2|1]", "theta2[2|2]")
  drawn <- coef(fit)[theta] + t(chol(vcov(fit)[theta, theta])) %*% matrix(stats::rnorm(3 * 4e4), 3)
  first <- stats::plogis(drawn[1, ])
  both <- first * stats::plogis(drawn[3, ])
  reverse <- both / (both + (1 - first) * stats::plogis(drawn[2, ]))
  table <- transitions(fit, "reverse")
  expect_equal(table$se[table$group1 == 2 & table$group2 == 2], stats::sd(reverse), tolerance = 0.05)
})

test_that("other standard errors, and t, go into the tables", {
  need_engine()
  fit <- example_dual()
  other <- gbtm:::with_cov_type(fit, "HC1")
  theirs <- python_says(other, "res.transitions('reverse')")[[1]]
  expect_equal(numbers(transitions(other, "reverse")), theirs, tolerance = 1e-10)
  expect_true(is.finite(other$df_inference))
})

test_that("what cannot be asked is refused", {
  fit <- example_dual()
  expect_error(transitions(example_fit()), "groups = c\\(3, 2\\)", class = "gbtm_no_dual")
  expect_error(transitions(of_outcome(fit, 1)), "aggression, offenses", class = "gbtm_no_dual")
  expect_error(transitions(fit, "others"), class = "gbtm_bad_type")
  expect_error(transitions(fit, at = c(x = 1)), "no risk", class = "gbtm_unknown_covariate")
  expect_error(transitions(fit, at = 1), class = "gbtm_bad_at")
  expect_error(transitions(fit, at = c(x = NA_real_)), class = "gbtm_bad_at")
  expect_error(transitions(fit, level = 95), class = "gbtm_bad_level")
  expect_error(transitions(3), class = "gbtm_bad_fit")
})
