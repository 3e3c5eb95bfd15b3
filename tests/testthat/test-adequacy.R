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
