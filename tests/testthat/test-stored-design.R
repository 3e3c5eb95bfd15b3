# Bases of time in files: what R wrote Python evaluates, and what Python wrote R does, at times that were not observed.

# Numbers that Python makes of a file, as the fit `r`, after running `before`.
in_python <- function(path, expression, before = "pass") {
  found <- run_python(c("import gbtm, json, warnings", "warnings.simplefilter('ignore')", before,
                        sprintf("r = gbtm.load('%s')", path), sprintf("print(json.dumps(%s))", expression)))
  jsonlite::fromJSON(found[length(found)])
}

posterior_of <- function(fit, people) suppressWarnings(predict(fit, people, type = "posterior"))[["group_1"]]

terms_of_both <- list(
  y ~ lspline(t, knots = c(3, 6)), y ~ lspline(t, df = 3), y ~ ns(t, df = 3),
  y ~ ns(t, knots = 4, Boundary.knots = c(1, 8)),
  y ~ bs(t, df = 4), y ~ splines::bs(t, knots = c(2.5, 6), degree = 2, Boundary.knots = c(-0.5, 9.25)),
  y ~ bs(t, degree = 3), y ~ poly(t, 3), y ~ poly(t, 2, raw = TRUE),
  y ~ cc(t, df = 3, period = c(1, 8.5)), y ~ t + sincos(t, period = 6, order = 2), y ~ sincos(t, period = 6) * t
)
at <- c(-1, 0.25, 5.5, 9, 12)

test_that("a file of R's has the curve at any time, in R and in Python", {
  need_engine()
  d <- two_curves(40, times = 0:9)
  for (formula in terms_of_both) {
    fit <- suppressWarnings(gbtm(formula, d, id = "id", groups = 2, control = quick()))
    path <- tempfile(fileext = ".json")
    write_gbtm(fit, path)
    copy <- read_gbtm(path)
    want <- suppressWarnings(predict(fit, times = at))
    expect_equal(suppressWarnings(predict(copy, times = at)), want, tolerance = 1e-10, info = deparse(formula))
    expect_true(gbtm:::can_interpolate(copy))
    theirs <- in_python(path, "r.predict(times=[-1, 0.25, 5.5, 9, 12])['estimate'].tolist()")
    expect_equal(theirs, want$estimate, tolerance = 1e-9, info = deparse(formula))
    people <- d[c(1:4, 391:396), ]
    expect_equal(posterior_of(copy, people), posterior_of(fit, people), tolerance = 1e-10)
  }
})

test_that("code for Python and R has the names of a constraint as each language calls them", {
  need_engine()
  name <- "lspline(t, knots = 4)"
  fit <- gbtm(y ~ lspline(t, knots = 4), two_curves(40, times = 0:9), id = "id", groups = 2,
              constraints = sprintf("%s1[1] = %s2[1]", name, name), control = quick())
  path <- tempfile(fileext = ".json")
  write_gbtm(fit, path)
  code <- function(language) {
    in_python(path, sprintf("code_for(r, '%s')", language), "from gbtm.recipes.code import code_for")
  }
  expect_match(code("Python"), "lspline(t, knots=[4])[1][1] = lspline(t, knots=[4])[2][1]", fixed = TRUE)
  expect_match(code("R"), "lspline(t, knots = c(4))1[1] = lspline(t, knots = c(4))2[1]", fixed = TRUE)
})

test_that("a file of Python's has it in R", {
  need_engine()
  d <- two_curves(40, times = 0:9)
  table <- tempfile(fileext = ".csv")
  utils::write.csv(d, table, row.names = FALSE)
  for (term in c("bs(t, df=4, extrapolation=\"extend\")", "bs(t, knots=[2.5, 6], degree=2, extrapolation=\"extend\")",
                 "poly(t, 3)", "poly(t, 2, raw=True)", "t + poly(t, 1):t", "lspline(t, knots=[3, 6])",
                 "ns(t, df=3)", "cc(t, df=3, period=[1, 8.5])",
                 "t + sincos(t, period=6, order=2)", "sincos(t, period=6) * t")) {
    path <- tempfile(fileext = ".json")
    theirs <- in_python(path, "r.predict(times=[-1, 0.25, 5.5, 9, 12])['estimate'].tolist()", sprintf(paste(
      "import pandas as pd; d = pd.read_csv('%s');",
      "gbtm.GBTM.from_formula('y ~ %s', d, id='id', groups=2).fit(rng=0, n_starts=2).save('%s')"), table, term, path))
    found <- suppressWarnings(predict(read_gbtm(path), times = at))
    expect_equal(found$estimate, theirs, tolerance = 1e-9, info = term)
  }
  # within the knots of a spline that Python does not carry beyond them
  path <- tempfile(fileext = ".json")
  theirs <- in_python(path, "r.predict(times=[0.25, 5.5])['estimate'].tolist()", sprintf(paste(
    "import pandas as pd; d = pd.read_csv('%s');",
    "gbtm.GBTM.from_formula('y ~ bs(t, df=5)', d, id='id', groups=2).fit(rng=0, n_starts=2).save('%s')"), table, path))
  expect_equal(predict(read_gbtm(path), times = c(0.25, 5.5))$estimate, theirs, tolerance = 1e-9)
})

test_that("what R cannot make alike stays known at the observed times", {
  design <- function(formula) {
    environment(formula) <- list2env(list(own = function(x) cbind(x, x^2)), parent = globalenv())
    parts <- gbtm:::formula_parts(formula, c("y", "t"))
    gbtm:::basis_columns(parts, list(subject = rep(1, 30), y = rep(0, 30), time = rep(0:9, 3)))$design
  }
  expect_null(design(y ~ own(t)))
  expect_null(design(y ~ splines::bs(t, df = 4, intercept = TRUE)))
  expect_null(design(y ~ lspline(log(t + 1), knots = 1)))
  expect_null(design(y ~ ns(t, df = 3, intercept = TRUE)))
  expect_identical(design(y ~ lspline(t, knots = 4))$formula, "lspline(t, knots=[4])")
  expect_identical(design(y ~ 0 + t + cc(t, knots = c(2, 4), period = 7))$formula,
                   "0 + t + cc(t, knots=[2, 4], period=[0, 7])")
  stored <- function(text, key = text, term = "lspline") {
    state <- list(map = list(list(key, list(map = list(list("term", term), list("knots", list(array = 4)))))))
    list(variables = list("t"), factors = list(list(text = text, state = state)),
         columns = list(list("a", 1, list(list(0, "number", 1)))))
  }
  expect_equal(gbtm:::stored_columns(stored("lspline(t, knots=[4])"), c(3, 6)), matrix(c(0, 2)))
  expect_null(gbtm:::stored_columns(stored("lspline(t, knots=[4]) * 2", "lspline(t, knots=[4])"), c(3, 6)))
  expect_null(gbtm:::stored_columns(stored("lspline(t - 1, knots=[4])"), c(3, 6)))
  expect_null(gbtm:::stored_columns(stored("cr(t, df=3)", term = "cr"), c(3, 6)))
  for (text in c("bs(t, df=4, include_intercept=True)", "bs(t, df=4, extrapolation='clip')", "bs(t, df=4) * 2")) {
    of_bs <- stored(text, sub(" [*] 2", "", text))
    of_bs$factors[[1]]$state$map[[1]][[2]]$map <- list(list("knots", rep(c(0, 9), each = 4)))
    expect_null(gbtm:::stored_columns(of_bs, c(3, 6)))
  }
  expect_null(gbtm:::stored_columns(NULL, 1))
})
