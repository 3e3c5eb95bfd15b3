# Documents of version 1 say what they said to the R code of their day, tests/documents/make_v1.R; no engine is needed.

folder <- testthat::test_path("..", "documents", "v1")
v1_names <- sub("\\.r\\.json$", "", list.files(folder, "\\.r\\.json$"))

v1_fit <- function(name) read_gbtm(file.path(folder, paste0(name, ".json")))
v1_answers <- function(name) jsonlite::fromJSON(file.path(folder, paste0(name, ".r.json")))

# Numbers of JSON, where null is NA.
stored_numbers <- function(x) if (is.list(x)) vapply(x, function(v) if (is.null(v)) NA_real_ else v, 0) else as.double(x)

close_to <- function(object, wanted, within = 1e-12) {
  testthat::expect_equal(unname(object), stored_numbers(wanted), tolerance = within)
}

# What is printed, without the words, which may be put better.
printed_numbers <- function(lines) {
  text <- paste(lines, collapse = " ")
  regmatches(text, gregexpr("-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?", text))[[1]]
}

test_that("there are documents of many kinds, one that R wrote among them", {
  skip_if_not(dir.exists(folder), "tests/documents")
  expect_length(v1_names, 13)
  expect_true("from_r" %in% v1_names)
})

for (name in v1_names) {
  test_that(paste("version 1 is read:", name), {
    fit <- v1_fit(name)
    said <- v1_answers(name)
    expect_identical(names(coef(fit)), names(said$coef))
    close_to(coef(fit), unlist(said$coef))
    close_to(sqrt(diag(vcov(fit))), said$se)
    close_to(as.numeric(logLik(fit)), said$loglik)
    expect_identical(nobs(fit), said$nobs)
    close_to(BIC(fit), said$bic)
    expect_equal(unname(as.matrix(posterior(fit)[1:5, -1])), said$posterior, tolerance = 1e-12)
    close_to(fitted(fit), said$fitted)
    expect_identical(nrow(out_of_sample(fit)), said$out_of_sample)
    curves <- predict(fit, times = c(0, 2, 4))
    for (column in names(said$curves)) close_to(curves[[column]], said$curves[[column]])
    expect_identical(printed_numbers(utils::capture.output(print(fit))), printed_numbers(said$print))
    expect_identical(printed_numbers(utils::capture.output(print(summary(fit)))), printed_numbers(said$summary))
  })
}

test_that("new people are scored as before", {
  skip_if_not(dir.exists(folder), "tests/documents")
  people <- utils::read.csv(file.path(folder, "people.csv"))
  for (name in v1_names) {
    said <- v1_answers(name)
    if (is.null(said$scored) || !length(said$scored)) next
    fit <- v1_fit(name)
    new <- people[people$id %in% c("p00", "p01") & people$t < 3, ]
    new[[fit$outcome_name]] <- pmin(pmax(new[[fit$outcome_name]], fit$curves$lower), fit$curves$upper)
    scored <- predict(fit, newdata = new, type = "posterior")
    expect_equal(unname(as.matrix(scored[, -1])), said$scored, tolerance = 1e-12)
  }
})
