test_that("the short form fits a screen and says what was dropped", {
  lines <- capture.output(print(example_fit()))
  expect_lt(length(lines), 20)
  expect_true(all(nchar(lines) <= 100))
  expect_match(lines, "Dropped: 40 observations with a missing outcome.", fixed = TRUE, all = FALSE)
  expect_match(lines, "starts reached", all = FALSE)
})

test_that("the summary has a heading for each group, both BICs and the shares", {
  lines <- capture.output(print(summary(example_fit())))
  for (heading in c("^Group 1 \\(", "^Group 3 \\(", "^Zero inflation, common", "^Group shares", "Relative entropy")) {
    expect_match(lines, heading, all = FALSE)
  }
  expect_match(lines, "n = 150 subjects.*n = 1160 observations", all = FALSE)
})

test_that("a parameter without a standard error prints NA for all that follows from one", {
  fit <- example_fit()
  fit$vcov["age[1]", ] <- fit$vcov[, "age[1]"] <- NA
  expect_identical(unname(is.na(summary(fit)$coefficients["age[1]", ])), c(FALSE, TRUE, TRUE, TRUE))
  row <- grep("^  age ", capture.output(print(summary(fit))), value = TRUE)[1]
  expect_match(row, "NA +NA +NA$")
})
