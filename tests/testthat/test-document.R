test_that("writing and reading keeps every byte", {
  from <- system.file("extdata", "offenses.json", package = "gbtm")
  fit <- read_gbtm(from)
  to <- tempfile()
  expect_identical(write_gbtm(fit, to), to)
  expect_identical(unname(tools::md5sum(to)), unname(tools::md5sum(from)))
  again <- read_gbtm(to)
  expect_identical(again, fit)
})

test_that("what is not a fit document is refused", {
  file <- tempfile()
  expect_error(read_gbtm(file), class = "gbtm_no_file")
  expect_error(read_gbtm(tempdir()), class = "gbtm_no_file")
  writeLines("{\"format\": \"other\"}", file)
  expect_error(read_gbtm(file), class = "gbtm_bad_document")
  writeLines("not json", file)
  expect_error(read_gbtm(file), class = "gbtm_bad_document")
  writeLines("{\"format\": \"gbtm-fit\", \"format_version\": 99}", file)
  expect_error(read_gbtm(file), "newer", class = "gbtm_bad_document")
  expect_error(write_gbtm(list(), file), class = "gbtm_bad_fit")
})

test_that("a formula in a file is never executed", {
  text <- readLines(system.file("extdata", "offenses.json", package = "gbtm"), warn = FALSE)
  file <- tempfile()
  for (bad in c("stop(1) ~ age", "stop(1)", "stop(1) ~ stop(2)", "~ stop(1)", "((")) {
    writeLines(sub("offenses ~ age", bad, text, fixed = TRUE), file)
    fit <- read_gbtm(file)
    expect_identical(formula(fit)[[2]], as.name("offenses"))
    expect_identical(nrow(predict(fit, times = 1:3)), 9L)
  }
})

test_that("R and Python fit the same numbers to the last bit, and read each other's files", {
  need_engine()
  data <- system.file("extdata", "offenses.csv", package = "gbtm")
  theirs <- tempfile(fileext = ".json")
  ours <- tempfile(fileext = ".json")
  fit <- gbtm(offenses ~ age, data = example_data(), id = "id", groups = 2, family = "zip", control = quick())
  write_gbtm(fit, ours)
  lines <- run_python(c(
    "import gbtm, pandas as pd, warnings", "warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s)", deparse(data)),
    "m = gbtm.GBTM.from_formula('offenses ~ age', d, id='id', groups=2, order=2, family='zip')",
    "res = m.fit(n_starts=8, rng=0, progress=False)", sprintf("res.save(%s)", deparse(theirs)),
    sprintf("r = gbtm.load(%s)", deparse(ours)), "print(repr(r.llf), repr(r.bic), repr(r.entropy))",
    "print(*[repr(float(v)) for v in r.params])", "print(*[repr(float(v)) for v in r.cov_params().to_numpy().ravel()])",
    "p = r.predict([10, 12.5, 17], level=0.9)",
    "[print(*[repr(float(v)) for v in p[c]]) for c in ('estimate', 'std err', 'lower', 'upper')]",
    "print(*[repr(float(v)) for v in r.fittedvalues])"
  ))
  numbers <- lapply(strsplit(lines, " "), as.double)
  same <- read_gbtm(theirs)
  for (field in c("loglik", "coefficients", "vcov", "posterior", "shares", "ids", "data", "search")) {
    expect_identical(same[[field]], fit[[field]])
  }
  exact <- function(line) jsonlite::fromJSON(paste0("[", gsub(" ", ",", line), "]"))
  expect_identical(exact(lines[1])[1], fit$loglik)
  expect_equal(numbers[[1]][2:3], c(BIC(fit), summary(fit)$entropy), tolerance = 1e-14)
  expect_identical(exact(lines[2]), unname(coef(fit)))
  expect_identical(exact(lines[3]), as.vector(t(unname(vcov(fit)))))
  table <- predict(fit, times = c(10, 12.5, 17), level = 0.9)
  for (j in 1:4) expect_equal(table[[j + 2]], numbers[[j + 3]], tolerance = 1e-11)
  expect_equal(unname(residuals(same)), same$data$y - numbers[[8]], tolerance = 1e-11)
})

test_that("the bands of every family are Python's", {
  need_engine()
  set.seed(5)
  d <- expand.grid(t = 1:6, id = 1:60)
  eta <- ifelse(d$id <= 30, 0.2 * d$t - 1, 1 - 0.1 * d$t)
  d$normal <- round(eta + stats::rnorm(nrow(d), sd = 0.5), 3)
  d$cnorm <- pmin(pmax(d$normal, -0.5), 1)
  d$poisson <- stats::rpois(nrow(d), exp(eta))
  d$logit <- stats::rbinom(nrow(d), 1, stats::plogis(2 * eta))
  arguments <- list(normal = list(sigma_by_group = TRUE), cnorm = list(min = -0.5, max = 1), poisson = list(),
                    logit = list())
  for (family in names(arguments)) {
    fit <- suppressWarnings(do.call(gbtm, c(list(reformulate("t", family), data = d, id = "id", groups = 2, order = 1,
                                                 family = family, control = quick()), arguments[[family]])))
    file <- tempfile(fileext = ".json")
    write_gbtm(fit, file)
    lines <- run_python(c(
      "import gbtm", sprintf("p = gbtm.load(%s).predict([1, 2.5, 7])", deparse(file)),
      "[print(*[repr(float(v)) for v in p[c]]) for c in ('estimate', 'std err', 'lower', 'upper')]"
    ))
    numbers <- lapply(strsplit(lines, " "), as.double)
    table <- predict(fit, times = c(1, 2.5, 7))
    for (j in 1:4) expect_equal(table[[j + 2]], numbers[[j]], tolerance = 1e-9, info = family)
    scored <- predict(fit, newdata = d, type = "posterior")
    expect_equal(scored, posterior(fit), tolerance = 1e-8, info = family)
  }
})
