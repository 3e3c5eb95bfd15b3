# Models compared by how they foretell: the same digits as Python's, and differences computed anew.


checked_models <- local({
  made <- NULL
  function() {
    if (!is.null(made)) return(made)
    set.seed(2)
    d <- expand.grid(t = 0:3, id = 1:30)
    d$y <- stats::rpois(nrow(d), c(0.5, 3)[d$id %% 2 + 1])
    one <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 1, order = 0, family = "poisson"))
    two <- suppressWarnings(update(one, groups = 2, control = gbtm_control(n_starts = 1)))
    check <- suppressWarnings(forecast_check(list(one = one, two = two), c("carry", "ar"), folds = 2, n_starts = 1,
                                             lags = 1, progress = FALSE))
    made <<- list(data = d, one = one, two = two, check = check)
    made
  }
})

test_that("tables and sentence are Python's, to the last digit", {
  need_engine()
  m <- checked_models()
  files <- vapply(m[c("one", "two")], function(fit) {
    file <- tempfile(fileext = ".json")
    write_gbtm(fit, file)
    file
  }, "")
  said <- run_python(c(
    "import gbtm, warnings; warnings.simplefilter('ignore')",
    sprintf("fits = {'one': gbtm.load(%s), 'two': gbtm.load(%s)}", deparse(files[[1]]), deparse(files[[2]])),
    "c = gbtm.forecast_check(fits, against=['carry', 'ar'], folds=2, n_starts=1, lags=[1])",
    "print(*c.table.index, sep='|')", "print(c.sentence)", "print(*c.difference('one', 'carried forward', 'crps'))",
    "numbers = c.table.select_dtypes('number')",
    "print(*(repr(float(v)) for v in numbers.to_numpy().ravel()), sep=' ')",
    "print(*(repr(float(v)) for v in c.paired.to_numpy().ravel()), sep=' ')"
  ))
  numbers <- function(line) as.numeric(strsplit(line, " ")[[1]])
  table <- m$check$table
  expect_identical(row.names(table), strsplit(said[1], "|", fixed = TRUE)[[1]])
  expect_identical(m$check$sentence, said[2])
  expect_equal(unname(forecast_difference(m$check, "one", "carried forward", "crps")), numbers(said[3]),
               tolerance = 1e-12)
  expect_equal(as.vector(t(as.matrix(table[vapply(table, is.numeric, NA)]))), numbers(said[4]), tolerance = 1e-14)
  expect_equal(as.vector(t(as.matrix(m$check$paired[c("difference", "se")]))), numbers(said[5]), tolerance = 1e-14)
})

test_that("scores are means of what the observations have, and pairs are of the same people", {
  need_engine()
  m <- checked_models()
  o <- m$check$observations
  expect_identical(nrow(o), sum(m$data$t >= 2))
  for (name in row.names(m$check$table)) {
    expect_equal(m$check$table[name, "log_score"], mean(o[[name]]), tolerance = 1e-12)
  }
  gap <- forecast_difference(m$check, "two", "autoregression")
  d <- o$two - o$autoregression
  sums <- rowsum(d - mean(d), o$id)
  expect_equal(gap[["difference"]], mean(d), tolerance = 1e-10)
  expect_equal(gap[["se"]], sqrt(sum(sums^2) * 30 / 29) / nrow(o), tolerance = 1e-10)
})

test_that("print and pictures show every model", {
  need_engine()
  m <- checked_models()
  expect_output(print(m$check), "60 observations of 30 people")
  expect_output(print(m$check), "carried forward")
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file)
  expect_identical(plot(m$check), m$check)
  grDevices::dev.off()
  expect_gt(file.size(file), 1000)
  skip_if_not_installed("ggplot2")
  picture <- autoplot(m$check, level = 0.9)
  expect_s3_class(picture, "ggplot")
  expect_equal(picture$data$upper - picture$data$lower,
               2 * stats::qnorm(0.95) * m$check$paired$se[m$check$paired$score == "log_score"], tolerance = 1e-12)
})

test_that("what cannot be compared is refused by name", {
  need_engine()
  m <- checked_models()
  refused <- function(class, ...) expect_error(forecast_check(..., progress = FALSE), class = class)
  refused("gbtm_unknown_model", m$two, against = "arima")
  refused("gbtm_bad_origin", m$two, origin = 99, against = character())
  refused("gbtm_no_names", list(m$one, m$two))
  refused("gbtm_bad_fit", m$data)
  refused("gbtm_bad_folds", m$two, folds = 1)
  expect_error(forecast_difference(m$check, "one", "three"), class = "gbtm_bad_other")
  expect_error(forecast_difference(m$check, "one", "two", "auk"), class = "gbtm_bad_score")
})

test_that("a fit without a name is called by its groups", {
  need_engine()
  check <- forecast_check(checked_models()$two, against = "carry", folds = 2, n_starts = 1)
  expect_setequal(row.names(check$table), c("2 groups", "carried forward"))
})
