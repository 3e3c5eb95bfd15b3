test_that("held-out log-likelihoods are Python's, whatever the number of workers", {
  need_engine()
  cv <- cross_validate(small_fit(), folds = 3, n_starts = 1)
  expect_python(c(cv[c("loglik", "se", "absolute_error")], cv$by_subject[c("loglik", "error", "fold")]), "cv")
  expect_identical(cv$by_subject$id, small_fit()$ids)
  expect_equal(sum(cv$by_subject$loglik), cv$loglik)
  expect_silent(two <- cross_validate(small_fit(), folds = 3, n_starts = 1, n_jobs = 2))
  expect_identical(two, cv)
  expect_output(print(cv), "3 folds of 16 subjects")
  one <- cross_validate(small_fit(1), folds = 3, n_starts = 1)
  expect_equal(unname(cv_difference(cv, one)), python_alone()$difference, tolerance = 1e-12)
})

test_that("folds may be given, and a wrong split is refused", {
  need_engine()
  given <- rep(1:2, 8)
  cv <- cross_validate(small_fit(), folds = given, n_starts = 1)
  expect_identical(cv$by_subject$fold, given)
  expect_identical(cross_validate(small_fit(), folds = factor(given), n_starts = 1)$loglik, cv$loglik)
  expect_error(cross_validate(small_fit(), folds = 1), class = "gbtm_bad_folds")
  expect_error(cross_validate(small_fit(), seed = -1), class = "gbtm_bad_seed")
  expect_error(cross_validate(small_fit(), n_jobs = "all"), class = "gbtm_bad_n_jobs")
  expect_error(cv_difference(cv, 3), class = "gbtm_bad_cv")
})

test_that("a search gets its columns, and the choice", {
  need_engine()
  labels <- c("1: 1", "2: 1 1")
  x <- cross_validate(small_search(), labels = labels, folds = 3, n_starts = 1)
  expect_identical(row.names(x$table)[!is.na(x$table$cv_loglik)], labels)
  expect_equal(x$table["2: 1 1", "cv_loglik"], python_alone()$cv[1], tolerance = 0.01)
  expect_identical(x$choices[["cv_loglik"]], "2: 1 1")
  expect_identical(coef(best(x, "cv_loglik")), coef(x$fits[["2: 1 1"]]))
  expect_identical(x$table$loglik, small_search()$table$loglik)
  expect_output(print(x), "CV logLik")
  # what was added goes back to the engine too
  file <- tempfile(fileext = ".json")
  write_search(x, file)
  expect_identical(read_search(file)$table$cv_loglik, x$table$cv_loglik)
  expect_error(cross_validate(x, labels = "7: 1"), class = "gbtm_unknown_model")
})

test_that("several outcomes are validated together, with an error of each, as in Python; a dual model too", {
  need_engine()
  for (fit in list(two_outcome_fit(), example_dual())) {
    cv <- cross_validate(fit, folds = 2, n_starts = 1)
    file <- tempfile(fileext = ".json")
    write_gbtm(fit, file)
    lines <- run_python(c(
      "import gbtm", sprintf("cv = gbtm.cross_validate(gbtm.load(%s), folds=2, n_starts=1)", deparse(file)),
      "out = [cv.loglik, cv.se, *cv.absolute_error, *cv.errors.iloc[:, 1], *cv.counts[:, 1]]",
      "print(*['%.17g' % v for v in out])"
    ))
    theirs <- as.numeric(strsplit(lines, " ")[[1]])
    names <- outcome_names(fit)
    ours <- c(cv$loglik, cv$se, cv$absolute_error, cv$by_subject[[paste0("error_", names[2])]],
              cv$by_subject[[paste0("observations_", names[2])]])
    expect_equal(unname(ours), theirs, tolerance = 1e-12)
    expect_identical(names(cv$absolute_error), names)
    said <- sprintf("mean absolute error +[0-9.]+ of %s, [0-9.]+ of %s$", names[1], names[2])
    expect_match(capture.output(print(cv)), said, all = FALSE)
    expect_identical(unname(cv_difference(cv, cv)), c(0, 0))
    expect_error(cross_validate(of_outcome(fit, 2)), class = "gbtm_part_of_a_fit")
  }
  expect_match(cv$model, "; offenses ~ year, 2 and 2 groups", fixed = TRUE)
})
