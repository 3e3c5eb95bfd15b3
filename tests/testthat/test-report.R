# Whether the engine's Python has what reports need.
need_report <- function() {
  need_engine()
  gbtm:::engine_bridge()
  for (module in c("jinja2", "docx", "tabulate", "great_tables")) {
    if (!reticulate::py_module_available(module)) skip(paste("no", module))
  }
}

test_that("a fit and a search are reported on", {
  need_report()
  file <- tempfile(fileext = ".html")
  expect_identical(grolts_report(small_fit(), file, author = "A. B\u00f6hm", checks = FALSE), file)
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, "A. B\u00f6hm", fixed = TRUE)
  expect_match(text, "GRoLTS", fixed = TRUE)
  file <- tempfile(fileext = ".md")
  grolts_report(small_search(), file)
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, formatC(BIC(best(small_search())), format = "f", digits = 2), fixed = TRUE)
  expect_error(grolts_report(small_fit(), tempfile(fileext = ".xyz")), class = "gbtm_unknown_format")
  expect_error(grolts_report(3, file), class = "gbtm_bad_fit")
})

test_that("tables go out as text and as files", {
  need_report()
  expect_match(to_table(small_fit(), "markdown"), "Estimates")
  expect_match(to_table(small_search(), "latex"), "tabular")
  expect_match(to_table(adequacy(small_fit()), "html"), "<table")
  given <- data.frame(name = c("a|b", NA), count = c(1L, NA), size = c(1.25, NA), row.names = c("x", "y"))
  expect_output(print(to_table(given, digits = c(size = 2))), "1.25")
  file <- tempfile(fileext = ".docx")
  expect_identical(to_table(small_fit(), "docx", file = file, what = "groups"), file)
  expect_gt(file.size(file), 5000)
  expect_error(to_table(small_fit(), "docx"), class = "gbtm_no_file")
  expect_error(to_table(small_fit(), what = "nothing"), class = "gbtm_unknown_table")
})

test_that("tidy methods are there for other packages", {
  skip_if_not_installed("generics")
  fit <- example_fit()
  table <- generics::tidy(fit, conf.int = TRUE)
  expect_identical(table$term, names(coef(fit)))
  expect_identical(table$estimate, unname(coef(fit)))
  expect_identical(unname(as.matrix(table[c("conf.low", "conf.high")])), unname(confint(fit)))
  expect_identical(generics::glance(fit)$BIC, BIC(fit))
  rows <- generics::augment(fit)
  expect_equal(rows$.fitted + rows$.resid, rows$offenses)
  d <- example_data()
  need_engine()
  mine <- gbtm(offenses ~ age, d, id = "id", groups = 1, order = 1, family = "poisson", control = quick())
  full <- generics::augment(mine, d)
  expect_identical(nrow(full), nrow(d))
  expect_identical(is.na(full$.fitted), is.na(d$offenses))
  expect_equal(full$.fitted + full$.resid, as.double(d$offenses))
  x <- small_search()
  expect_identical(nrow(generics::tidy(x)), nrow(x$table))
  expect_identical(generics::glance(x)$model, x$choices[["bic_subjects"]])
})
