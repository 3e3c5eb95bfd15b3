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
  data <- system.file("python", "gbtm", "datasets", "offending.csv", package = "gbtm")
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

test_that("update() of a fit from a file is refused with what to do", {
  expect_error(update(example_fit(), groups = 2), "from a file.*gbtm\\(offenses ~ age, data", class = "gbtm_no_call")
})

# Two curves with a place and a number for each person, and what a person does at each time.
people_with_covariates <- function() {
  d <- two_curves(24, 0:3)
  d$place <- c("north", "east", "south")[1 + d$id %% 3]
  set.seed(5)
  d$x <- stats::rnorm(24)[d$id]
  d$w <- round(stats::rnorm(nrow(d)), 3)
  d$half <- 1 + d$id %% 2
  d
}

test_that("a fit that Python saved takes the table's own columns, and makes them as Python did", {
  need_engine()
  d <- people_with_covariates()
  folder <- tempfile()
  dir.create(folder)
  utils::write.csv(d, file.path(folder, "d.csv"), row.names = FALSE)
  run_python(sprintf(c(
    "import warnings, gbtm, pandas as pd; warnings.simplefilter('ignore'); d = pd.read_csv('%1$s/d.csv')",
    "for name, k in {'factor': dict(risk='~ place + scale(x)', tcov='~ scale(w)*place'),",
    "                'poly': dict(risk='~ poly(x, 2)', tcov='~ bs(w, df=4)'),",
    "                'number': dict(risk='~ C(half)', tcov='~ w:t', dropout=0, dcov='~ C(half)')}.items():",
    "    some = d[(d.id %% 5 > 0) | (d.t < 3)] if 'dropout' in k else d",
    "    m = gbtm.GBTM.from_formula('y ~ t', some, id='id', groups=2, order=1, **k)",
    "    res = m.fit(start=m.fit(n_starts=1).params)",
    "    res.save(f'%1$s/{name}.json'); res.classify(d.iloc[:40]).to_csv(f'%1$s/{name}.csv')"
  ), folder))
  for (name in c("factor", "poly", "number")) {
    fit <- read_gbtm(file.path(folder, paste0(name, ".json")))
    python <- utils::read.csv(file.path(folder, paste0(name, ".csv")))
    for (new in list(d[1:40, ], transform(d[1:40, ], place = factor(place), half = factor(half)))) {
      table <- predict(fit, newdata = new, type = "group")
      expect_equal(table$probability, python$probability, tolerance = 1e-12, label = name)
    }
    if (name != "number") { # with dropout who is gone says something, and nobody is in a new table
      expect_equal(augment(fit, newdata = d)$.fitted, unname(fitted(fit)), tolerance = 1e-8, label = name)
    }
    # the curve at a row's own covariates is that at the design's columns
    own <- predict(fit, newdata = d[3, ])
    w <- fit$data$covariates[3, , drop = FALSE]
    expect_equal(own$estimate, predict(fit, times = d$t[3], tcov = w)$estimate, tolerance = 1e-8, label = name)
  }
  fit <- read_gbtm(file.path(folder, "factor.json"))
  expect_error(predict(fit, newdata = transform(d, place = "moon"), type = "posterior"), class = "gbtm_new_level")
  expect_error(predict(fit, newdata = d[c("id", "t", "y", "w")], type = "posterior"), "no column named 'place'",
               class = "gbtm_unknown_column")
})

test_that("a file of R's takes columns that Python can make too, and says what to do of others", {
  need_engine()
  d <- people_with_covariates()
  back <- function(fit) {
    path <- tempfile()
    write_gbtm(fit, path)
    read_gbtm(path)
  }
  fitted_with <- function(...) {
    suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 1), ...))
  }
  fit <- fitted_with(risk = ~ place + x, tcov = ~w)
  again <- back(fit)
  expect_equal(predict(again, d[1:40, ], type = "posterior"), predict(fit, d[1:40, ], type = "posterior"))
  expect_equal(predict(again, newdata = d[1:9, ]), predict(fit, newdata = d[1:9, ]))
  other <- back(fitted_with(risk = ~ scale(x), tcov = ~ place:t))
  expect_error(predict(other, d, type = "posterior"), "no column 'scale\\(x\\)'.*saveRDS",
               class = "gbtm_unknown_design")
  expect_error(predict(other, newdata = d), "placenorth:t", class = "gbtm_unknown_design")
  expect_error(augment(other, newdata = d), class = "gbtm_unknown_design")
  # the design's columns themselves are taken, and no column at all means the profile
  z <- (d$x - mean(d$x[!duplicated(d$id)])) / stats::sd(d$x[!duplicated(d$id)])
  whole <- cbind(d, "scale(x)" = z, "placenorth:t" = (d$place == "north") * d$t,
                 "placesouth:t" = (d$place == "south") * d$t)
  expect_equal(predict(other, whole, type = "posterior")$group_1, posterior(other)$group_1, tolerance = 1e-8)
  expect_identical(nrow(predict(other, newdata = data.frame(t = 1:2))), 4L)
  path <- tempfile()
  write_gbtm(other, path)
  said <- run_python(c("import gbtm, pandas as pd", sprintf("res = gbtm.load('%s')", path),
                       "try: res.classify(pd.DataFrame({'id': [1], 't': [0], 'y': [1.0]}))",
                       "except gbtm.GBTMError as error: print(error.code, error)"))
  expect_match(said, "^no_inputs newdata: this fit is R's, of y ~ t, with the columns scale\\(x\\), .*In R predict")
})

test_that("a fit of people on disk without its sums is refused by name", {
  path <- tempfile(fileext = ".json")
  document <- jsonlite::fromJSON(system.file("extdata", "offenses.json", package = "gbtm"),
                                 simplifyVector = FALSE)
  writeLines(jsonlite::toJSON(c(document, list(on_disk = list(files = list("a.parquet")))), auto_unbox = TRUE,
                              null = "null", digits = NA), path)
  expect_error(read_gbtm(path), "'on_disk.n_assigned' is missing", class = "gbtm_bad_document")
})
