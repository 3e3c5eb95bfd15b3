test_that("a Python that is not there is said to be missing, with the way out", {
  answer <- fresh_session(
    c(
      "e <- gbtm_engine()", "stopifnot(!e$available, nzchar(e$way_out))", "print(e)",
      "d <- data.frame(id = 1, t = 1:3, y = 1:3)",
      "tell <- function(e) cat('classed:', conditionMessage(e))",
      "tryCatch(gbtm(y ~ t, data = d, id = 'id', groups = 1), gbtm_no_engine = tell)"
    ),
    env = c("GBTM_PYTHON=no-such-python")
  )
  text <- paste(answer, collapse = "\n")
  expect_match(text, "not available")
  expect_match(text, "GBTM_PYTHON", fixed = TRUE)
  expect_match(text, "classed: engine: .*install_gbtm")
})

test_that("an option goes before the environment", {
  found <- fresh_session(
    c("options(gbtm.python = 'chosen-by-option')", "cat(gbtm_engine()$source, gbtm_engine()$python)"),
    env = c("GBTM_PYTHON=no-such-python")
  )
  expect_identical(found, "option gbtm.python chosen-by-option")
})

test_that("a ready engine tells its versions", {
  need_engine()
  engine <- gbtm_engine()
  expect_true(all(c("python", "torch", "numpy", "pandas") %in% names(engine$versions)))
  expect_output(print(engine), "ready")
})

test_that("install_gbtm() refuses a Python that is none", {
  expect_error(install_gbtm(tempfile(), python = tempfile()), class = "gbtm_no_python")
})

test_that("the packages named without a lock file are those the probe asks for", {
  probe <- readLines(system.file("probe.py", package = "gbtm"))
  named <- regmatches(probe, regexpr("^NEEDED = .*", probe))
  expect_identical(regmatches(named, gregexpr("[a-z]+", named))[[1]], gbtm:::engine_packages)
})

test_that("a library that tables need is got the R way", {
  own <- gbtm:::library_way_out("/some/bin/python", managed = FALSE)
  expect_match(own, 'Run system2("/some/bin/python", "-m pip install great-tables jinja2 python-docx tabulate")',
               fixed = TRUE)
  made <- gbtm:::environment_python(gbtm:::default_environment())
  expect_match(gbtm:::library_way_out(made, managed = FALSE), "gbtm::install_gbtm()", fixed = TRUE)
  expect_match(gbtm:::library_way_out(NULL, managed = TRUE), 'py_require(c("great-tables", "jinja2",', fixed = TRUE)
  need_engine()
  small_fit() # starts Python
  reticulate::py_run_string("import sys; kept = sys.modules.get('tabulate'); sys.modules['tabulate'] = None")
  on.exit(reticulate::py_run_string("
if kept is None: del sys.modules['tabulate']
else: sys.modules['tabulate'] = kept
"))
  error <- expect_error(to_table(small_fit(), "markdown"), "needs the library tabulate", class = "gbtm_missing_library")
  expect_identical(error$way_out, gbtm:::library_way_out())
  expect_false(grepl("gbtm[report]", conditionMessage(error), fixed = TRUE))
})

test_that("an engine that reticulate has yet to provide is not ready, and says why", {
  found <- list(source = gbtm:::provided, managed = TRUE)
  expect_match(gbtm:::engine_lacks(found), "yet to provide")
  expect_match(gbtm:::engine_way_out(found), "install_gbtm")
})
