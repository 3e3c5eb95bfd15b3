# Documents of version 1 say what they said to the R code of their day, tests/documents/make_v1.R; no engine is needed.

folder <- testthat::test_path("..", "documents", "v1")
v1_names <- sub("\\.r\\.json$", "", list.files(folder, "\\.r\\.json$"))

v1_fit <- function(name) read_gbtm(file.path(folder, paste0(name, ".json")))
v1_answers <- function(name) jsonlite::fromJSON(file.path(folder, paste0(name, ".r.json")))

# Numbers of JSON, where null is NA.
stored_numbers <- function(x) {
  if (is.list(x)) vapply(x, function(v) if (is.null(v)) NA_real_ else v, 0) else as.double(x)
}

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
    expect_equal(unname(group_columns(posterior(fit)[1:5, ])), said$posterior, tolerance = 1e-12)
    close_to(fitted(fit), said$fitted)
    expect_identical(nrow(out_of_sample(fit)), said$out_of_sample)
    curves <- predict(fit, times = c(0, 2, 4))
    if (fit$family %in% c("beta", "logit")) { # version 1 wrote limits on the mean's own scale
      p <- as.numeric(said$curves$estimate)
      reach <- stats::qnorm(0.975) * as.numeric(said$curves[[4]]) / (p * (1 - p))
      said$curves$lower <- stats::plogis(stats::qlogis(p) - reach)
      said$curves$upper <- stats::plogis(stats::qlogis(p) + reach)
    }
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
    expect_equal(unname(group_columns(scored)), said$scored, tolerance = 1e-12)
  }
})

test_that("what was read as version 1 is written as version 2, with the same numbers to the last bit", {
  skip_if_not(dir.exists(folder), "tests/documents")
  file <- tempfile(fileext = ".json")
  for (name in v1_names) {
    fit <- v1_fit(name)
    write_gbtm(fit, file)
    stored <- jsonlite::fromJSON(file, simplifyVector = FALSE)
    expect_identical(stored$format_version, 2L)
    expect_length(intersect(c("spec", "data", "posterior", "membership"), names(stored)), 0)
    expect_identical(read_gbtm(file), fit)
  }
})

test_that("a fit that an earlier version kept with saveRDS() is written as version 2", {
  skip_if_not(dir.exists(folder), "tests/documents")
  path <- file.path(folder, "parts.json")
  fit <- v1_fit("parts")
  fit$document <- list(text = paste(readLines(path, warn = FALSE), collapse = "\n"), arrays = NULL, held = NULL)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  again <- read_gbtm(file)
  expect_identical(again[names(again) != "document"], unclass(fit)[names(again) != "document"])
})

test_that("Python reads what R made of version 1 as its own reading of it", {
  need_engine()
  skip_if_not(dir.exists(folder), "tests/documents")
  file <- tempfile(fileext = ".json")
  write_gbtm(v1_fit("parts"), file)
  lines <- run_python(c(
    "import gbtm, numpy as np",
    sprintf("a, b = gbtm.load(%s).document, gbtm.load(%s).document", deparse(file),
            deparse(normalizePath(file.path(folder, "parts.json")))),
    "def same(x, y):",
    "    if isinstance(x, dict): return set(x) == set(y) and all(same(x[k], y[k]) for k in x)",
    "    if isinstance(x, (list, tuple)): return len(x) == len(y) and all(map(same, x, y))",
    "    if isinstance(x, np.ndarray): return x.shape == y.shape and x.tobytes() == y.tobytes()",
    "    return x == y",
    "print(same(a, b))"
  ))
  expect_identical(lines, "True")
})

test_that("a document without a field is refused by the field's name, of either version", {
  skip_if_not(dir.exists(folder), "tests/documents")
  file <- tempfile(fileext = ".json")
  v1 <- jsonlite::fromJSON(file.path(folder, "normal.json"), simplifyVector = FALSE)
  v2 <- gbtm:::upgraded_document(v1)
  refused <- function(document, field) {
    writeLines(gbtm:::json_text(document), file)
    expect_error(read_gbtm(file), sprintf("'%s' is missing", field), class = "gbtm_bad_document", fixed = TRUE)
  }
  refused(v1[names(v1) != "posterior"], "posterior")
  refused(v1[names(v1) != "search"], "search")
  refused(v2[names(v2) != "params"], "params")
  cut <- v2
  cut$outcomes[[1]]$data <- NULL
  refused(cut, "outcomes.data")
  cut <- v2
  cut$group_sets[[1]]$shares <- NULL
  refused(cut, "group_sets.shares")
})
