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
  need_engine(brief = TRUE)
  engine <- gbtm_engine()
  expect_true(all(c("python", "torch", "numpy", "pandas") %in% names(engine$versions)))
  expect_output(print(engine), "ready")
})

test_that("asking for the engine does not load reticulate, which takes a second", {
  skip_if_not(isTRUE(gbtm_engine()$available))
  lines <- fresh_session("e <- gbtm_engine(); cat(e$state, isNamespaceLoaded('reticulate'))",
                         env = paste0("GBTM_PYTHON=", gbtm_engine()$python))
  expect_identical(lines, "ready FALSE")
})

test_that("install_gbtm() refuses a Python that is none", {
  expect_error(install_gbtm(tempfile(), python = tempfile()), class = "gbtm_no_python")
})

test_that("the packages named without a lock file are those the probe asks for", {
  probe <- paste(readLines(system.file("probe.py", package = "gbtm")), collapse = " ")
  named <- regmatches(probe, regexpr("NEEDED = [(][^)]*", probe))
  expect_identical(regmatches(named, gregexpr("[a-z]+>=[0-9.]+", named))[[1]], gbtm:::engine_packages)
})

# A program that answers as a Python does: what probe.py prints, an environment, and pip, whose words go to a file.
fake_python <- function(..., packages = list(), lacking = character()) {
  folder <- tempfile("fake")
  dir.create(file.path(folder, "bin"), recursive = TRUE)
  known <- utils::modifyList(list(python = "3.11.2", recent = TRUE, shared = TRUE, base = "/opt/python", pip = TRUE,
                                  locked = FALSE), list(...))
  answer <- jsonlite::toJSON(c(known, list(packages = packages, lacking = I(lacking))), auto_unbox = TRUE)
  path <- file.path(folder, "bin", "python")
  writeLines(c("#!/bin/sh", "case \"$*\" in",
               paste0("*probe.py*) echo '", answer, "';;"),
               "*'-m venv'*) mkdir -p \"$3/bin\"; cp \"$0\" \"$3/bin/python\";;",
               "*) echo \"$*\" >> \"$(dirname \"$0\")/said\";;", "esac"), path)
  Sys.chmod(path, "755")
  path
}

engine_of <- function(python) {
  before <- options(gbtm.python = python)
  on.exit(options(before))
  fresh <- fresh_session(c(sprintf("options(gbtm.python = %s)", deparse(python)),
                           "cat('JSON', jsonlite::toJSON(unclass(gbtm_engine()), auto_unbox = TRUE), '\\n')",
                           "print(gbtm_engine())"))
  at <- grep("^JSON ", fresh)
  c(jsonlite::fromJSON(sub("^JSON ", "", fresh[at])), list(printed = paste(fresh[-seq_len(at)], collapse = "\n")))
}

test_that("an incomplete Python says what it lacks, and the line that mends that Python", {
  skip_on_os("windows")
  python <- fake_python(packages = list(scipy = "1.11.4"), lacking = c("torch>=2.1", "scipy>=1.15"))
  engine <- engine_of(python)
  expect_identical(engine$state, "incomplete")
  expect_false(engine$available)
  expect_match(engine$missing, "packages torch, scipy 1.15 (1.11.4 is too old)", fixed = TRUE)
  expect_match(engine$printed, paste("found but incomplete,", python), fixed = TRUE)
  line <- sub("^Run (.*) and restart R[.]$", "\\1", engine$way_out)
  eval(parse(text = line))
  said <- readLines(file.path(dirname(python), "said"))
  expect_match(said, "-m pip install torch>=2.1 scipy>=1.15", fixed = TRUE)
  expect_identical(grepl("whl/cpu", said), Sys.info()[["sysname"]] != "Darwin")
})

test_that("a Python without pip, one that pip is kept out of, and one that R cannot load have ways out of their own", {
  skip_on_os("windows")
  python <- fake_python(lacking = "joblib>=1.3", pip = FALSE)
  eval(parse(text = sub("^Run (.*) and restart R[.]$", "\\1", engine_of(python)$way_out)))
  expect_identical(readLines(file.path(dirname(python), "said")), c("-m ensurepip", "-m pip install joblib>=1.3"))
  locked <- engine_of(fake_python(lacking = "joblib>=1.3", locked = TRUE))
  expect_match(locked$way_out, "^Unset option gbtm.python and run gbtm::install_gbtm")
  static <- engine_of(fake_python(shared = FALSE, base = "/usr"))
  expect_identical(static$state, "incomplete")
  expect_match(static$way_out, "libpython3.11", fixed = TRUE)
  expect_match(engine_of(fake_python(shared = FALSE))$way_out, "--enable-shared", fixed = TRUE)
  old <- engine_of(fake_python(recent = FALSE, python = "3.8.10"))
  expect_match(old$missing, "Python 3.10 or later, this is 3.8.10", fixed = TRUE)
  expect_match(old$way_out, "a newer one", fixed = TRUE)
})

test_that("a complete Python is ready, and none is absent", {
  skip_on_os("windows")
  expect_identical(engine_of(fake_python(packages = list(torch = "2.13.0")))$state, "ready")
  none <- engine_of("/no/such/python")
  expect_identical(none$state, "absent")
  expect_match(none$printed, "absent", fixed = TRUE)
  expect_match(none$way_out, "Unset option gbtm.python or correct it", fixed = TRUE)
})

test_that("a folder .venv that is incomplete is told of where there is nothing better", {
  skip_on_os("windows")
  project <- dirname(dirname(fake_python(lacking = "torch>=2.1")))
  above <- tempfile("project")
  dir.create(above)
  file.rename(project, file.path(above, ".venv"))
  lines <- fresh_session(
    c(sprintf("setwd(%s)", deparse(above)), "e <- gbtm_engine()", "cat(e$state, e$python, e$way_out, sep = '\\n')"),
    env = c("GBTM_PYTHON=", "RETICULATE_PYTHON=", "_R_CHECK_PACKAGE_NAME_=gbtm", # in a check nothing is provided
            paste0("R_USER_DATA_DIR=", tempfile()))
  )
  expect_identical(lines[1], "incomplete")
  expect_match(lines[2], ".venv/bin/python", fixed = TRUE)
  expect_match(lines[3], "pip install 'torch>=2.1'", fixed = TRUE)
  lines <- fresh_session(
    c(sprintf("setwd(%s)", deparse(tempdir())), "e <- gbtm_engine()", "cat(e$state, e$way_out, sep = '\\n')"),
    env = c("GBTM_PYTHON=", "RETICULATE_PYTHON=", "_R_CHECK_PACKAGE_NAME_=gbtm", paste0("R_USER_DATA_DIR=", tempfile()))
  )
  expect_identical(lines[1], "absent")
  expect_match(lines[2], "^Run gbtm::install_gbtm\\(\\), which needs the internet.*GBTM_PYTHON = ")
})

test_that("install_gbtm() makes the environment and asks for torch without graphics cards", {
  skip_on_os("windows")
  path <- tempfile("made")
  expect_message(install_gbtm(path, python = fake_python()), "Installed in")
  said <- readLines(file.path(path, "bin", "said"))
  expect_match(said, "-m pip install .*constraints/requirements.txt")
  expect_identical(grepl("whl/cpu", said), Sys.info()[["sysname"]] != "Darwin")
})

test_that("install_gbtm() adds what was asked for beyond the engine's packages", {
  skip_on_os("windows")
  path <- tempfile("made")
  expect_message(install_gbtm(path, python = fake_python(), extras = c("disk", "sql")), "Installed in")
  said <- readLines(file.path(path, "bin", "said"))
  expect_match(said, "constraints/requirements.txt duckdb>=1.0 pyarrow>=14 sqlalchemy>=2.0$")
  expect_error(install_gbtm(path, python = fake_python(), extras = "disc"), "\"disk\", \"sql\"",
               class = "gbtm_bad_extras")
})

test_that("what data on disk need is named where it is missing, with the line that gets it", {
  need_engine()
  small_fit() # starts Python
  reticulate::py_run_string("
import sys
kept = {name: sys.modules[name] for name in list(sys.modules) if name.split('.')[0] == 'pyarrow'}
sys.modules.update(dict.fromkeys([*kept, 'pyarrow', 'pyarrow.parquet']))")
  on.exit(reticulate::py_run_string("
for name in [name for name in sys.modules if name.split('.')[0] == 'pyarrow']: del sys.modules[name]
sys.modules.update(kept)
"))
  file <- tempfile(fileext = ".parquet")
  file.create(file)
  error <- expect_error(gbtm(y ~ t, data = file, id = "id", groups = 2), "Parquet", class = "gbtm_missing_package")
  expect_match(error$way_out, "-m pip install 'duckdb>=1.0' 'pyarrow>=14'", fixed = TRUE)
  made <- gbtm:::environment_python(gbtm:::default_environment())
  expect_identical(gbtm:::library_way_out(made, managed = FALSE, extra = "disk"),
                   "Run gbtm::install_gbtm(extras = \"disk\") and restart R.")
})

test_that("the extras are those of the Python package", {
  skip_if_not(file.exists("../../pyproject.toml"))
  lines <- readLines("../../pyproject.toml")
  for (extra in names(gbtm:::extra_packages)) {
    line <- grep(paste0("^", extra, " = "), lines, value = TRUE)
    named <- gsub("\"", "", regmatches(line, gregexpr("\"[^\"]+\"", line))[[1]])
    expect_identical(gbtm:::extra_packages[[extra]], named)
  }
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
  expect_identical(gbtm:::engine_state_of(found, gbtm:::engine_lacks(found)), "not tried")
  expect_match(gbtm:::engine_lacks(found), "yet to provide")
  expect_match(gbtm:::engine_way_out(found), "install_gbtm")
})
