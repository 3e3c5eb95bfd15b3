names_of_data <- c("offending", "symptoms", "smoking", "school", "pathways")

test_that("the data sets are the rows that Python reads", {
  for (name in names_of_data) {
    file <- system.file("python", "gbtm", "datasets", paste0(name, ".csv"), package = "gbtm", mustWork = TRUE)
    expect_identical(getExportedValue("gbtm", name), utils::read.csv(file))
  }
})

test_that("data() lists them, and each has a page that tells its columns", {
  listed <- utils::data(package = "gbtm")$results
  expect_setequal(listed[, "Item"], names_of_data)
  pages <- tools::Rd_db("gbtm")
  for (name in names_of_data) {
    page <- paste(as.character(pages[[paste0(name, ".Rd")]]), collapse = "")
    for (column in names(getExportedValue("gbtm", name))) expect_match(page, column, fixed = TRUE)
  }
})

test_that("fits find what drew the data", {
  need_engine(brief = TRUE)
  fit <- gbtm(aggression ~ age, gbtm::pathways, id = "id", groups = 2, order = 1, control = quick())
  truth <- c("intercept[1]" = 1, "age[1]" = 0, "intercept[2]" = 1.4, "age[2]" = 0.2, sigma = 1)
  expect_true(all(abs(coef(fit)[names(truth)] - truth) < 3.3 * sqrt(diag(vcov(fit)))[names(truth)]))
})
