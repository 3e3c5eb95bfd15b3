test_that("the object is plain values, and everything but fitting works with no Python at all", {
  file <- tempfile(fileext = ".rds")
  fit <- example_fit()
  saveRDS(fit, file)
  picture <- tempfile(fileext = ".png")
  lines <- fresh_session(
    c(
      sprintf("fit <- readRDS(%s)", deparse(file)), "print(fit); print(summary(fit)); print(start_report(fit))",
      sprintf("png(%s); plot(fit, individuals = TRUE); invisible(dev.off())", deparse(picture)),
      "values <- list(coef(fit), vcov(fit), confint(fit), AIC(fit), BIC(fit), nobs(fit), fitted(fit), residuals(fit),",
      "  predict(fit), predict(fit, type = 'assignment'), posterior(fit), group_shares(fit), formula(fit),",
      "  logLik(fit))",
      "stopifnot(lengths(values) > 0, !reticulate::py_available())", "cat('all', length(values))"
    ),
    env = c("RETICULATE_PYTHON=no-such-python", "GBTM_PYTHON=no-such-python")
  )
  expect_match(utils::tail(lines, 1), "all 14", fixed = TRUE)
  expect_gt(file.size(picture), 1000)
})

test_that("no part of the object is a pointer or an environment", {
  kinds <- rapply(unclass(example_fit())[setdiff(names(example_fit()), "formula")], typeof, how = "unlist")
  expect_true(all(kinds %in% c("double", "integer", "character", "logical", "NULL")))
})

test_that("arrays of a document are read by row", {
  bytes <- jsonlite::base64_enc(writeBin(as.double(1:6), raw(), endian = "little"))
  decoded <- gbtm:::decode(list(a = list(f8 = bytes, shape = c(2, 3))))
  expect_identical(decoded$a, matrix(as.double(1:6), 2, byrow = TRUE))
})
