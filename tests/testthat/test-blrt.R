test_that("the bootstrap test is Python's, and prints as a test does", {
  need_engine()
  b <- blrt(small_fit(), small_fit(1), n_max = 19, n_starts = 1)
  expect_python(list(b$statistic, b$p.value, b$replicates), "blrt")
  expect_s3_class(b, "htest")
  expect_equal(unname(b$statistic), 2 * as.numeric(logLik(small_fit()) - logLik(small_fit(1))))
  expect_output(print(b), "2 against 1 group.*p-value")
  expect_identical(b$failures, 0L)
  expect_length(b$replicates, b$parameter)
})

test_that("Lo, Mendell and Rubin's test comes with its caveat", {
  need_engine()
  l <- lmr(small_fit(), small_fit(1))
  expect_python(list(l$statistic, l$p.value, l$unadjusted, l$weights), "lmr")
  expect_output(print(l), "Jeffries")
})

test_that("a search is tested from two groups up", {
  need_engine()
  x <- blrt(small_search(), n_max = 19, n_starts = 1, with_lmr = TRUE)
  tested <- x$table["2: 1 1", ]
  expect_identical(tested$blrt_p, 1 / 20)
  expect_false(is.na(tested$lmr_p))
  expect_match(x$sentences, "Jeffries", all = FALSE)
  expect_output(print(x), "BLRT p")
})

test_that("what cannot be tested is refused", {
  need_engine()
  expect_error(blrt(small_fit(1)), class = "gbtm_one_group")
  expect_error(blrt(small_fit(), small_fit()), class = "gbtm_not_nested")
  expect_error(blrt(small_fit(), n_max = 5), class = "gbtm_bad_n_max")
  expect_error(blrt(small_fit(), smaller = 3), class = "gbtm_bad_fit")
  expect_error(lmr(3), class = "gbtm_bad_fit")
})
