test_that("marginal means are refused with the way out, in the form that emmeans tells", {
  fit <- example_fit()
  text <- gbtm:::recover_data.gbtm(fit, data = NULL)
  expect_match(text, "predict(fit, times = )", fixed = TRUE)
  expect_error(gbtm:::emm_basis.gbtm(fit, NULL, NULL, NULL), "no factor of the data", class = "gbtm_no_marginal_means")
  skip_if_not_installed("emmeans")
  text <- "latent, no factor of the data"
  expect_error(emmeans::emmeans(fit, pairwise ~ age, adjust = "none", at = list(age = 10)), text)
  expect_error(emmeans::emtrends(fit, ~ 1, var = "age"), text)
  expect_error(emmeans::ref_grid(fit, data = example_data()), text)
})
