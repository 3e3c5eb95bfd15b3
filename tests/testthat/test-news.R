test_that("news() reads what is new in this version, by subject", {
  skip_if_not_installed("commonmark")
  skip_if_not_installed("xml2")
  new <- utils::news(package = "gbtm")
  expect_s3_class(new, "news_db")
  expect_identical(new$Version[1], as.character(utils::packageVersion("gbtm")))
  expect_true(all(c("Models", "After a fit", "Beside Stata and SAS") %in% new$Category))
  expect_match(new$Text[new$Category == "Models"], "Families: normal, censored normal")
})
