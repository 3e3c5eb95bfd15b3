# The time as an expression of a column: the same fit as of a column made by hand.

test_that("a polynomial of an expression is that of a column made by hand", {
  need_engine()
  d <- two_curves(40, c(38, 40, 42, 45, 50))
  names(d)[2] <- "age"
  d$date <- as.Date("2021-05-01") + round(365.25 * (d$age - 38))
  c0 <- 40
  cases <- list(
    list(y ~ I(age - 40), d$age - 40, 2, TRUE), list(y ~ I(age - c0), d$age - 40, 1, FALSE),
    list(y ~ log(age), log(d$age), c(1, 2), TRUE), list(y ~ as.numeric(date), as.numeric(d$date), 2, TRUE),
    list(y ~ I(as.numeric(date - as.Date("2021-05-01")) / 365.25), as.numeric(d$date - d$date[1]) / 365.25, 1, TRUE)
  )
  for (case in cases) {
    ours <- gbtm(case[[1]], d, id = "id", groups = 2, order = case[[3]], control = quick())
    d$u <- case[[2]]
    theirs <- gbtm(y ~ u, d, id = "id", groups = 2, order = case[[3]], control = quick())
    text <- deparse(case[[1]][[3]])
    expect_equal(ours$loglik, theirs$loglik, tolerance = 1e-10, info = text)
    expect_identical(names(coef(ours)), sub("^u(?=[[^])", text, names(coef(theirs)), perl = TRUE))
    expect_equal(unname(coef(ours)), unname(coef(theirs)), tolerance = 1e-8, info = text)
    some <- d[c(1, 3, 4, 196:198), c("id", "age", "date", "y")]
    want <- predict(theirs, newdata = cbind(some, u = case[[2]][c(1, 3, 4, 196:198)]), type = "group")
    found <- predict(ours, newdata = some, type = "group")
    expect_identical(names(found)[2], text)
    expect_equal(unname(found), unname(want), tolerance = 1e-8, info = text)
    curve <- predict(ours, newdata = some[4:6, ])
    expect_identical(names(curve)[1:3], c("group", text, all.vars(case[[1]][[3]])[1]))
    expect_equal(curve$estimate, predict(theirs, times = case[[2]][196:198])$estimate, tolerance = 1e-8, info = text)
    path <- tempfile(fileext = ".json")
    write_gbtm(ours, path)
    again <- read_gbtm(path)
    if (case[[4]]) {
      expect_equal(predict(again, newdata = some, type = "posterior"),
                   predict(ours, newdata = some, type = "posterior"))
    } else {
      expect_error(predict(again, newdata = some, type = "posterior"), class = "gbtm_untrusted_formula")
    }
  }
  undated <- gbtm(y ~ as.numeric(date), d, id = "id", groups = 2, control = quick())
  expect_true("as.numeric(date)^2[1]" %in% names(coef(undated)))
})

test_that("what is no time is refused with the way out", {
  need_engine()
  d <- two_curves(20)
  d$day <- as.Date("2020-01-01") + d$t
  d$at <- as.POSIXct(d$day)
  d$since <- d$day - d$day[1]
  try_it <- function(formula) gbtm(formula, d, id = "id", groups = 2, order = 1)
  expect_error(try_it(y ~ t - 40), "Write I\\(t - 40\\)", class = "gbtm_bad_formula")
  expect_error(try_it(y ~ I(t - mean(t))), class = "gbtm_not_pointwise")
  expect_error(try_it(y ~ scale(t)), class = "gbtm_not_pointwise")
  expect_error(try_it(y ~ splines::bs(t, df = 4)), class = "gbtm_order_or_basis")
  expect_error(try_it(y ~ factor(t)), class = "gbtm_order_or_basis")
  expect_error(try_it(y ~ I(day)), class = "gbtm_not_numeric")
  # the way out is R code that does it
  for (name in c("day", "at", "since")) {
    said <- tryCatch(try_it(stats::reformulate(name, "y")), gbtm_not_numeric = function(e) e$way_out)
    code <- sub("^.*first date, (.*)\\.$", "\\1", said)
    expect_equal(eval(str2lang(code), d), d$t / 365.25, tolerance = 1e-8, info = code)
  }
})

test_that("a file's time is computed only where it is arithmetic", {
  fit <- example_fit()
  fit$formula <- offenses ~ I(age + system("touch mark"))
  fit$time_name <- deparse(fit$formula[[3]])
  fit$inputs <- NULL
  expect_error(predict(fit, newdata = data.frame(id = 1, age = 12, offenses = 1), type = "posterior"),
               class = "gbtm_untrusted_formula")
  expect_false(file.exists("mark"))
})
