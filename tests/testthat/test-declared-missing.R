# What a file declares missing is missing, whether or not haven is loaded; numbers beside "." and dates get the way out.

spss <- function(x, ...) structure(x, ..., class = c("haven_labelled_spss", "haven_labelled", "vctrs_vctr", "double"))

declared_people <- function() {
  set.seed(4)
  d <- data.frame(id = rep(1:40, each = 4), t = rep(0:3, 40))
  d$x <- rep(stats::rpois(40, 3) + 1, each = 4)
  d$y <- stats::rpois(160, 1 + 5 * (d$id %% 2))
  d$w <- stats::rnorm(160)
  d$e <- 1 + stats::runif(160)
  d$s <- rep(1 + stats::runif(40), each = 4)
  d
}

fit_declared <- function(d) {
  gbtm(y ~ t, d, id = "id", groups = 2, order = 1, family = "poisson", risk = ~ x, tcov = ~ w, exposure = "e",
       weights = "s", control = quick())
}

test_that("declared values are found without haven", {
  expect_identical(declared_missing(spss(c(1, 6, NA), na_values = 6)), c(FALSE, TRUE, FALSE))
  expect_identical(declared_missing(spss(c(1, 7, 9, 10), na_range = c(7, 9))), c(FALSE, TRUE, TRUE, FALSE))
  expect_identical(declared_missing(spss(c("a", "b"), na_values = "b")), c(FALSE, TRUE))
  expect_null(declared_missing(c(1, 6)))
  expect_identical(numeric_column(spss(c(1, 6), na_values = 6), "x"), c(1, NA))
})

test_that("declared values are missing in every column, and counted", {
  need_engine()
  d <- declared_people()
  for (column in c("y", "t", "x", "w", "e", "s")) {
    gone <- d$id == 3 & (column %in% c("x", "s") | d$t > 1)
    missing <- d
    missing[[column]][gone] <- NA
    right <- fit_declared(missing)
    for (declared in list(list(na_values = 99), list(na_range = c(97, Inf)))) {
      coded <- d
      coded[[column]] <- do.call(spss, c(list(as.double(replace(d[[column]], gone, 99))), declared))
      fit <- fit_declared(coded)
      expect_equal(coef(fit), coef(right), tolerance = 1e-8)
      expect_identical(nobs(fit), nobs(right))
      expect_match(fit$dropped$sentence, sprintf("Missing as the data declare: %d of %s", sum(gone), column))
      of <- function(one, table) suppressWarnings(predict(one, table, type = "posterior"))
      expect_equal(of(fit, coded), of(right, missing))
    }
  }
})

test_that("declared values of wide data and of commands are missing", {
  need_engine()
  d <- declared_people()
  wide <- stats::reshape(d[c("id", "t", "y")], idvar = "id", timevar = "t", direction = "wide", sep = "")
  wide$y2[5] <- 99
  wide$y2 <- spss(as.double(wide$y2), na_values = 99)
  for (j in 0:3) wide[[paste0("t", j)]] <- j
  fit <- gbtm(y ~ t, wide, id = "id", groups = 2, order = 1, family = "poisson", wide = list(y = "y*", t = 0:3),
              control = quick())
  expect_identical(nobs(fit), 159L)
  expect_match(fit$dropped$sentence, "1 of y2")
  command <- traj("traj, var(y0-y3) indep(t0-t3) model(zip) order(1 1)", wide)
  expect_identical(nobs(command), 159L)
  expect_match(command$dropped$sentence, "1 of y2")
})

test_that("numbers beside dots, and dates, get the way out", {
  need_engine()
  d <- declared_people()
  for (column in c("y", "t", "x", "w", "e", "s")) {
    for (kind in list(identity, factor)) {
      dotted <- d
      dotted[[column]] <- kind(replace(as.character(d[[column]]), d$id == 3, "."))
      expect_error(fit_declared(dotted), "na.strings", class = "gbtm_not_numeric")
    }
  }
  d$day <- as.Date("2001-01-01") + d$t
  expect_error(gbtm(y ~ day, d, id = "id", groups = 2), "365.25", class = "gbtm_not_numeric")
})

# As the bit64 package stores them: the bits of a whole number of 64 bits in a double.
whole64 <- function(x) {
  high <- floor(x / 2^32)
  low <- x - high * 2^32
  low <- ifelse(low >= 2^31, low - 2^32, low)
  words <- rbind(as.integer(low), as.integer(high))
  words[, is.na(x)] <- c(0L, NA)
  bits <- writeBin(as.vector(if (.Platform$endian == "big") words[2:1, ] else words), raw())
  structure(readBin(bits, "double", length(x)), class = "integer64")
}

test_that("whole numbers of 64 bits are numbers, though no package that knows them is loaded", {
  values <- c(0, 1, -1, 2^31 + 5, -2^31 - 5, 2^40 + 3, NA, 2^53, -2^52)
  expect_identical(gbtm:::plain_integers(whole64(values)), values)
  expect_s3_class(gbtm:::plain_integers(whole64(c(2^60, 1))), "integer64") # not exact as a double
})

test_that("columns of 64 bits fit as plain numbers do, in every place", {
  need_engine()
  plain <- two_curves(24)
  plain$y <- round(100 * plain$y)
  plain$x <- plain$id %% 5
  plain$w <- (plain$id + 2 * plain$t) %% 3
  in_64 <- function(d) replace(d, c("t", "y", "x", "w"), lapply(d[c("t", "y", "x", "w")], whole64))
  fit_to <- function(d, ...) gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = quick(), ...)
  fits <- lapply(list(plain, in_64(plain)), fit_to, risk = ~ x, tcov = ~ I(w / 2))
  expect_identical(coef(fits[[2]]), coef(fits[[1]]))
  expect_identical(predict(fits[[2]], newdata = in_64(plain[1:6, ])), predict(fits[[1]], newdata = plain[1:6, ]))
  expect_identical(predict(fits[[2]], newdata = in_64(plain[1:6, ]), type = "posterior"),
                   predict(fits[[1]], newdata = plain[1:6, ], type = "posterior"))
})

test_that("a text with a star is a column's name, not a pattern of wide data", {
  d <- two_curves(16, 0:3)
  expect_error(gbtm(y ~ t, d, id = "id", groups = 2, tcov = "t*2"), "tcov: no column named 't*2'", fixed = TRUE,
               class = "gbtm_unknown_column")
})
