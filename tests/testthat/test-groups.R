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

# Three clusters at -3, 0 and 3 and everybody's mirror image, of which two groups can join the middle to either side.
mirrored <- function() {
  set.seed(2)
  high <- matrix(stats::rnorm(64, 3), 16)
  middle <- matrix(stats::rnorm(32), 8)
  y <- rbind(high, -high, middle, -middle)
  data.frame(id = rep(seq_len(nrow(y)), 4), t = rep(0:3, each = nrow(y)), y = as.vector(y))
}

test_that("a near tie is a sentence, and the other optimum is there to start from", {
  need_engine()
  fit <- NULL
  expect_warning(
    fit <- gbtm(y ~ t, mirrored(), id = "id", groups = 2, order = 0, family = "normal", control = quick()), "Near tie"
  )
  sentence <- grep("Near tie", vapply(fit$warnings, `[[`, "", "message"), value = TRUE)
  expect_match(sentence, "update(fit, start = optimum(fit, 2)) fits the other", fixed = TRUE)
  expect_match(attr(start_report(fit), "sentence"), "There is a near tie")
  expect_lt(abs(start_report(fit)$difference[2]), 1e-8)
  expect_identical(optimum(fit, 1), coef(fit))
  expect_identical(names(optimum(fit, 2)), names(coef(fit)))
  again <- update(fit, start = optimum(fit, 2))
  expect_equal(coef(again)[1:2], -rev(coef(fit)[1:2]), tolerance = 1e-6, ignore_attr = TRUE)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  copy <- read_gbtm(file)
  expect_identical(optimum(copy, 2), optimum(fit, 2))
  expect_error(optimum(fit, 99), class = "gbtm_bad_rank")
  expect_error(optimum(fit, 0), class = "gbtm_error")
  expect_error(optimum(example_fit(), 2), class = "gbtm_bad_rank")
})

test_that("held out without an outcome, a person has the prior", {
  need_engine()
  d <- two_curves(20, 0:3)
  d$x <- (d$id * 7) %% 5
  d$held <- as.numeric(d$id %in% c(3, 4, 5))
  d$y[d$id %in% c(4, 5)] <- NA
  d$x[d$id == 5] <- NA
  expect_warning(fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~x, out_of_sample = "held",
                             control = gbtm_control(n_starts = 1)),
                 "out_of_sample: 1 person has no usable observation \\(4\\)", class = "gbtm_prior")
  scored <- out_of_sample(fit)
  expect_identical(scored$id, c(3L, 4L))
  b <- coef(fit)[c("theta[2]", "theta_x[2]")]
  expect_equal(scored$group_2[2], stats::plogis(b[[1]] + b[[2]] * ((4 * 7) %% 5)), tolerance = 1e-10)
  expect_match(fit$dropped$sentence, "1 subject with a missing membership covariate")
})
