by_sex <- function() {
  once("by sex", function() {
    set.seed(4)
    d <- two_curves(30, 0:4)
    d$sex <- factor(c("man", "woman")[1 + d$id %% 2])
    d$z <- stats::rnorm(nrow(d))
    d$y <- d$y + 0.8 * (d$sex == "woman") + 0.3 * d$z
    list(data = d, fit = gbtm(y ~ t, d, id = "id", groups = 2, order = 1, tcov = ~ sex + z, control = quick()))
  })
}

# What a curve is by the coefficients of a fit, written out.
by_hand <- function(fit, k, t, woman, z) {
  b <- function(name) unname(coef(fit)[sprintf("%s[%d]", name, k)])
  b("intercept") + b("t") * t + b("sexwoman") * woman + b("z") * z
}

test_that("curves are drawn at the covariates of newdata", {
  need_engine()
  fit <- by_sex()$fit
  new <- data.frame(t = c(0, 3, 3), sex = c("woman", "man", "man"), z = c(1, -2, 0.5), y = NA)
  p <- predict(fit, newdata = new)
  expect_identical(names(p), c("group", "t", "sex", "z", "estimate", "se", "lower", "upper", "outside"))
  expect_identical(p$group, rep(1:2, each = 3))
  for (k in 1:2) {
    expect_equal(p$estimate[p$group == k], by_hand(fit, k, new$t, new$sex == "woman", new$z), tolerance = 1e-8)
  }
  one <- predict(fit, times = 3, tcov = c(0, -2))
  expect_equal(p[p$t == 3 & p$z == -2, c("estimate", "se")], one[c("estimate", "se")], ignore_attr = TRUE)
  # a table of times alone means the profile
  expect_equal(predict(fit, newdata = new["t"])$estimate, predict(fit, times = c(0, 3))$estimate)
  expect_error(predict(fit, newdata = new[c("t", "z")]), class = "gbtm_unknown_column")
  expect_error(predict(fit, newdata = transform(new, z = NA)), class = "gbtm_missing_covariate")
  expect_error(predict(fit, newdata = new, times = 1), class = "gbtm_two_tables")
  expect_error(predict(fit, newdata = transform(new, sex = "other")), class = "gbtm_new_level")
})

test_that("augment() finds rows by id and time", {
  need_engine()
  skip_if_not_installed("generics")
  d <- by_sex()$data
  fit <- by_sex()$fit
  whole <- generics::augment(fit, d)
  expect_equal(whole$.resid, unname(residuals(fit)))
  shuffled <- d[rev(seq_len(nrow(d))), ]
  expect_equal(generics::augment(fit, shuffled)$.fitted, rev(whole$.fitted))
  part <- d[c(77, 3, 20), ]
  expect_equal(generics::augment(fit, part)$.fitted, whole$.fitted[c(77, 3, 20)])
  expect_equal(generics::augment(fit, rbind(part, transform(part[1, ], id = 999)))$.fitted,
               c(whole$.fitted[c(77, 3, 20)], NA))
  expect_error(generics::augment(fit, transform(d, y = y + 1)), class = "gbtm_other_data")
  expect_error(generics::augment(fit, transform(d, id = id + 1000)), class = "gbtm_other_data")
  expect_error(generics::augment(fit, d["t"]), class = "gbtm_other_data")
})

test_that("augment() finds rows whatever the ids are, and gives ids back as they are", {
  need_engine()
  skip_if_not_installed("generics")
  d <- small_data()
  kinds <- list(factor = factor(paste0("p", d$id), paste0("p", 16:1)), date = as.Date("2020-02-27") + d$id,
                double = d$id * 1e5)
  for (ids in kinds) {
    own <- transform(d, id = ids)
    fit <- gbtm(y ~ t, own, id = "id", groups = 2, order = 1, control = quick())
    rows <- generics::augment(fit)
    expect_identical(rows$id, own$id)
    shuffled <- own[c(50, 3, 64, 17), ]
    expect_equal(generics::augment(fit, shuffled)$.fitted, rows$.fitted[c(50, 3, 64, 17)])
    expect_equal(generics::augment(fit, newdata = own[64:1, ])$.fitted, rev(rows$.fitted), tolerance = 1e-7)
  }
})

test_that("augment() of new people takes their own outcomes and covariates", {
  need_engine()
  skip_if_not_installed("generics")
  fit <- by_sex()$fit
  new <- data.frame(id = c("b", "a", "b", "a"), t = c(0, 1, 2, 4), y = c(5.5, 1, 5, NA),
                    sex = c("man", "woman", "man", "woman"), z = c(0, 1, 0, -1))
  rows <- generics::augment(fit, newdata = new)
  expect_identical(rows$id, new$id)
  p <- predict(fit, newdata = new, type = "posterior")
  own <- as.matrix(p[2:3])[match(new$id, p$id), ]
  expected <- own[, 1] * by_hand(fit, 1, new$t, new$sex == "woman", new$z) +
    own[, 2] * by_hand(fit, 2, new$t, new$sex == "woman", new$z)
  expect_equal(rows$.fitted, unname(expected), tolerance = 1e-8)
  expect_equal(rows$.resid, new$y - rows$.fitted)
  expect_identical(rows$.group, c(2L, 1L, 2L, 1L))
  expect_error(generics::augment(fit, new, newdata = new), class = "gbtm_two_tables")
})

test_that("numbers of any kind are the same id", {
  need_engine()
  skip_if_not_installed("generics")
  d <- small_data()
  d$id <- d$id * 1e5 # 1e+05 as text
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = quick())
  whole <- generics::augment(fit, d)
  expect_false(anyNA(whole$.fitted))
  expect_equal(generics::augment(fit, transform(d, id = as.integer(id)))$.fitted, whole$.fitted)
})
