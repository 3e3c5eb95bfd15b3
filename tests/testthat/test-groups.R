test_that("posteriors sum to one and assign", {
  fit <- example_fit()
  p <- posterior(fit)
  expect_identical(p$id, unique(example_data()$id))
  expect_identical(names(p), c("id", "group_1", "group_2", "group_3", "assigned"))
  expect_equal(rowSums(p[2:4]), rep(1, 150), ignore_attr = TRUE)
  expect_identical(p$assigned, unname(apply(p[2:4], 1, which.max)))
  expect_identical(unname(assignment(fit)), p$assigned)
  expect_identical(names(assignment(fit)), as.character(p$id))
})

test_that("shares come with a delta-method error", {
  fit <- example_fit()
  shares <- group_shares(fit)
  expect_equal(sum(shares$share), 1)
  expect_equal(shares$share, colMeans(posterior(fit)[2:4]), tolerance = 1e-6, ignore_attr = TRUE)
  pi <- shares$share
  slope <- (diag(pi) - pi %o% pi)[, -1]
  theta <- 11:12
  expect_equal(shares$se, sqrt(diag(slope %*% vcov(fit)[theta, theta] %*% t(slope))), tolerance = 1e-8)
  expect_equal(shares$assigned * 150, as.vector(table(assignment(fit))))
})

test_that("the start report has its sentence and one row per optimum", {
  report <- start_report(example_fit())
  expect_identical(report$difference[1], 0)
  expect_match(attr(report, "sentence"), "starts reached")
  expect_output(print(report), "starts reached")
  expect_error(start_report(1), class = "gbtm_bad_fit")
})
