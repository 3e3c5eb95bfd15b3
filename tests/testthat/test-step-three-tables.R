test_that("tables have Python's digits", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  people$kind <- letters[people$o_nominal + 1]
  calm({
    out <- distal(fit, o_binary ~ group + v1 + I(v1^2), people)
    lead <- predictors(fit, ~ z1 + kind, people)
    expect_distal(group_table(out, 0.9)[-1], "groups")
    expect_distal(compare(out)[-1], "pairs")
    expect_distal(odds_ratios(out, 2, level = 0.9)[-1], "odds")
    expect_distal(beside_naive(out)[-1], "naive")
    expect_distal(odds_ratios(lead, 3)[-(1:2)], "logits")
    expect_distal(anova(lead)["kind", 2], "kind")
    one_step <- beside_one_step(lead)
    expect_distal(one_step[-1], "one_step")
  })
  expect_gt(attr(one_step, "agreement"), 0.8)
  expect_identical(attr(odds_ratios(lead, 3), "reference"), 3L)
  expect_identical(names(compare(out, "reference", ref = 2, adjust = "none")),
                   c("comparison", "difference", "se", "z", "p", "lower", "upper", "odds_ratio", "ratio_lower",
                     "ratio_upper"))
  expect_identical(compare(out)$p_holm, p.adjust(compare(out)$p, "holm"))
})

test_that("anova() tests the groups, and each term in them", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  out <- calm(distal(fit, o_binary ~ group * v1, people))
  tests <- anova(out)
  expect_identical(row.names(tests), c("group", "group:v1"))
  apart <- c("v1[1]", "v1[2]", "v1[3]")
  contrast <- rbind(c(-1, 1, 0), c(-1, 0, 1))
  d <- contrast %*% coef(out)[apart]
  by_hand <- sum(d * solve(contrast %*% vcov(out)[apart, apart] %*% t(contrast), d))
  expect_equal(tests["group:v1", "Chisq"], by_hand, tolerance = 1e-8)
  expect_equal(tests[["Pr(>Chisq)"]], pchisq(tests$Chisq, tests$Df, lower.tail = FALSE))
})

test_that("what is no such result is refused", {
  fit <- example_fit()
  expect_error(compare(fit), "not what distal\\(\\) returns", class = "gbtm_bad_object")
  expect_error(beside_naive(fit), class = "gbtm_bad_object")
  expect_error(group_table(1), class = "gbtm_bad_object")
  expect_error(beside_one_step(fit), class = "gbtm_bad_object")
  expect_error(odds_ratios(1), class = "gbtm_bad_fit")
  need_engine()
  out <- calm(distal(distal_fit("d2_zip_k3"), o_binary ~ group, distal_people("d2_zip_k3")))
  expect_error(compare(out, "all"), class = "gbtm_bad_which")
  expect_error(compare(out, ref = 9, which = "reference"), class = "gbtm_bad_ref")
  expect_error(compare(out, adjust = "fdr"), class = "gbtm_bad_adjust")
  expect_error(compare(out, level = 95), class = "gbtm_bad_level")
})
