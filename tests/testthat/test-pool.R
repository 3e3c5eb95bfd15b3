imputed_fits <- function() {
  once("imputed", function() {
    lapply(0:2, function(j) {
      d <- transform(small_data(), y = y + ((j * t) %% 3) / 9)
      gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 4))
    })
  })
}

test_that("Rubin's rules are Python's", {
  need_engine()
  p <- pool(imputed_fits())
  shares <- unlist(p$shares[c("share", "lower", "upper", "fmi")])
  ours <- unlist(list(coef(p), vcov(p), p$df, p$fmi, confint(p, level = 0.9), shares))
  expect_equal(as.double(ours), python_alone()$pool, tolerance = 1e-9)
  curves <- predict(p, times = c(0, 1.5), level = 0.9)
  expect_equal(as.double(unlist(curves[c("estimate", "se", "lower", "upper")])), python_alone()$pooled_curves,
               tolerance = 1e-9)
  expect_equal(unname(coef(p)["sigma"]), mean(vapply(imputed_fits(), function(f) coef(f)[["sigma"]], 1)))
})

test_that("groups are matched, and a mira is a list of fits", {
  need_engine()
  fits <- imputed_fits()
  # the same fits with the groups of one the other way round
  turned <- suppressWarnings(gbtm(-y ~ t, transform(small_data(), y = -y), id = "id", groups = 2, order = 1,
                                  control = gbtm_control(n_starts = 4)))
  expect_equal(coef(turned), coef(fits[[1]]), tolerance = 1e-6)
  mira <- structure(list(call = NULL, analyses = fits), class = c("mira", "matrix"))
  expect_identical(coef(pool(mira)), coef(pool(fits)))
  lines <- capture.output(print(summary(pool(fits))))
  expect_true(all(nchar(lines) <= 80))
  expect_match(lines, "^sigma ", all = FALSE)
  expect_output(print(pool(fits)), "Pooled over 3 imputations")
})

test_that("what cannot be pooled is refused", {
  need_engine()
  expect_error(pool(list(small_fit())), class = "gbtm_one_fit")
  expect_error(pool(list(small_fit(), small_fit(1))), class = "gbtm_different_models")
  expect_error(pool(list(small_fit(), 1)), class = "gbtm_bad_fit")
  if (!isNamespaceLoaded("mice")) expect_error(pool(1), class = "gbtm_bad_fit")
})
