test_that("library(gbtm) alone finds the generics of other packages", {
  exported <- getNamespaceExports("gbtm")
  methods <- parseNamespaceFile("gbtm", dirname(system.file(package = "gbtm")))$S3methods
  from_elsewhere <- unique(methods[!is.na(methods[, 4]), 1]) # the fourth column names their package
  expect_true(all(c("autoplot", "linearHypothesis", "estfun") %in% from_elsewhere))
  called_by_others <- c("knit_print", "recover_data", "emm_basis") # by knitr and emmeans, never by a user
  expect_identical(setdiff(c("tidy", "glance", "augment", from_elsewhere), c(exported, called_by_others)), character())
  expect_identical(gbtm::tidy, generics::tidy)
  fit <- example_fit()
  expect_identical(gbtm::glance(fit), generics::glance(fit))
})

test_that("generics of large packages are called, with all their methods, or said to be missing", {
  fit <- example_fit()
  expect_error(generic_of("no.such.package", "bread")(fit), "which is not installed", class = "gbtm_no_package")
  skip_if_not_installed("ggplot2")
  expect_s3_class(gbtm::autoplot(fit), "ggplot")
  expect_error(gbtm::autoplot(1), "numeric")
})
