# The engine's table and notes of a fit.
engine_adequacy <- function(fit) {
  answer <- gbtm:::fitted_answer("adequacy", gbtm:::document_text(fit))
  list(table = gbtm:::answer_frame(answer$table, answer$arrays), notes = unlist(answer$notes))
}

expect_as_engine <- function(fit) {
  theirs <- engine_adequacy(fit)
  ours <- adequacy(fit)
  for (name in names(theirs$table)) {
    # the odds of a probability near 1 have few digits
    tolerance <- if (name == "occ") 1e-6 else 1e-12
    expect_equal(ours[[name]], theirs$table[[name]], tolerance = tolerance, info = name)
  }
  expect_identical(attr(ours, "notes"), theirs$notes)
}

test_that("adequacy in R alone is the engine's, sentences too", {
  need_engine()
  expect_as_engine(example_fit())
  expect_as_engine(small_fit())
  expect_as_engine(small_fit(1))
  d <- transform(small_data(), w = 1 + id %% 3, y = y * 0.2 + id %% 5)
  expect_as_engine(suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 3, order = 1, weights = "w", control = quick())))
})

test_that("the numbers are those of the definitions", {
  fit <- example_fit()
  table <- adequacy(fit)
  p <- fit$posterior
  mine <- assignment(fit) == 2
  expect_equal(table$avepp[2], mean(p[mine, 2]))
  odds <- function(x) x / (1 - x)
  expect_equal(table$occ[2], odds(mean(p[mine, 2])) / odds(fit$shares[2]))
  expect_equal(table$mismatch[2], mean(mine) - fit$shares[2])
  lines <- capture.output(print(table))
  expect_true(all(nchar(lines) <= 80))
  expect_match(lines, "Relative entropy", all = FALSE)
})

test_that("avepp(), occ() and entropy() are the columns and the entropy of the definitions", {
  fit <- example_fit()
  table <- adequacy(fit)
  p <- fit$posterior
  expect_identical(avepp(fit), table$avepp)
  expect_identical(occ(fit), table$occ)
  expect_equal(avepp(fit), vapply(1:3, function(k) mean(p[max.col(p) == k, k]), 1))
  expect_equal(occ(fit), (avepp(fit) / (1 - avepp(fit))) / (fit$shares / (1 - fit$shares)))
  expect_equal(entropy(fit), 1 - sum(-p * log(p)) / (150 * log(3)))
  expect_identical(entropy(fit), summary(fit)$entropy)
  expect_match(attr(table, "notes")[1], sprintf("Relative entropy is %.2f", entropy(fit)), fixed = TRUE)
  for (f in list(avepp, occ, entropy)) expect_error(f(1), class = "gbtm_bad_fit")
  certain <- replace(fit, "posterior", list(diag(3)[max.col(p), ]))
  expect_identical(entropy(certain), 1)
  expect_equal(entropy(replace(fit, "posterior", list(matrix(1 / 3, 150, 3)))), 0)
  need_engine()
  expect_identical(list(avepp(small_fit(1)), occ(small_fit(1)), entropy(small_fit(1))), list(1, NA_real_, NA_real_))
})
