# Finding and starting the Python engine. With bridge.R the only file that knows reticulate.

engine_state <- new.env(parent = emptyenv())

#' The engine that computes the fits
#'
#' Fitting needs Python with torch; reading, printing, plotting and predicting do not. `gbtm_engine()` says which Python
#' would be used, or what is missing and the one line that mends it. It starts no Python in this session and downloads
#' nothing.
#'
#' Its state is one of
#' * `"ready"`: fits run;
#' * `"incomplete"`: a Python was found that lacks something: packages, newer versions of them, a shared library, or it
#'   is older than 3.10. `missing` says what, `way_out` has the line that mends this Python;
#' * `"not tried"`: no Python here has what it takes, and reticulate has yet to try to provide one;
#' * `"absent"`: no Python was found, or none runs where one was named.
#'
#' The first of these that is set decides: Python already running in this session; option `gbtm.python`; the environment
#' variables `GBTM_PYTHON` and `RETICULATE_PYTHON`. Each may name a Python or the folder of a virtual environment.
#' Otherwise the first complete one of: a folder `.venv` in the working directory or above it; the environment
#' made by [install_gbtm()]. With reticulate 1.41 or later and none of these, reticulate tries to
#' provide one at the first fit; until then the engine does not count as available. Under `R CMD check` it never does.
#'
#' @return A list of class `gbtm_engine`: `state`; `available` (logical: whether the state is `"ready"`), `python`
#'   (path), `source` (what chose it), `versions` (named character), `missing` (character), `way_out`.
#' @examples
#' gbtm_engine()
#' @export
gbtm_engine <- function() {
  found <- find_python()
  probe <- found$probe
  missing <- engine_lacks(found)
  state <- engine_state_of(found, missing)
  structure(
    class = "gbtm_engine",
    list(
      state = state, available = state == "ready", python = found$python, source = found$source,
      versions = c(python = probe$python, unlist(probe$packages)), missing = missing,
      way_out = if (state == "ready") "" else engine_way_out(found)
    )
  )
}

#' @export
print.gbtm_engine <- function(x, ...) {
  check_dots(...)
  said <- c(ready = "ready, ", incomplete = "not available: found but incomplete, ",
            "not tried" = "not available: not yet tried", absent = "not available: absent")
  python <- if (x$state %in% c("ready", "incomplete")) x$python
  cat("gbtm engine: ", said[[x$state]], python, "\n", sep = "")
  if (!is.null(x$source)) cat("  chosen by: ", x$source, "\n", sep = "")
  if (length(x$versions)) cat("  versions:  ", paste(names(x$versions), x$versions, collapse = ", "), "\n", sep = "")
  if (length(x$missing)) cat(paste0("  missing:   ", x$missing, "\n"), sep = "")
  if (nzchar(x$way_out)) cat("  way out:   ", x$way_out, "\n", sep = "")
  invisible(x)
}

#' Install the engine
#'
#' Makes a virtual environment and installs the versions of torch, numpy, pandas, scipy and formulaic this package was
#' tested with. [gbtm_engine()] finds it from then on. Torch comes without the libraries of graphics cards, which take
#' gigabytes and which no fit needs. Asked again with `extras`, it adds them to what is there.
#'
#' @param path folder of the environment; by default one for this package among the user's data
#' @param python a Python, 3.10 or later and with a shared library, to make it from; by default the one on the search
#'   path
#' @param extras what only some functions need: `"disk"` for data that stay on disk, see [parquet_files()] (pyarrow,
#'   duckdb), `"sql"` for databases by their URL, see [query_files()] (pyarrow, SQLAlchemy)
#'
#' @return The folder, invisibly.
#' @section Errors: `gbtm_no_python` when there is no usable Python to begin from; `gbtm_install_failed` when a step
#'   fails; `gbtm_bad_extras`.
#' @examples
#' \dontrun{
#' install_gbtm()
#' install_gbtm(extras = "disk")
#' }
#' @export
install_gbtm <- function(path = NULL, python = NULL, extras = NULL) {
  check_names()
  for (extra in extras) match_choice(extra, names(extra_packages), "extras")
  requirements <- system.file("constraints", "requirements.txt", package = "gbtm")
  path <- path.expand(if (is.null(path)) default_environment() else path)
  if (is.null(python)) python <- unname(Sys.which(c("python3", "python")))
  python <- python[nzchar(python)][1]
  probe <- if (is.na(python)) NULL else probe_python(python)
  if (is.null(probe) || !isTRUE(probe$recent) || !isTRUE(probe$shared)) {
    what <- if (is.na(python)) "none was found" else sprintf("'%s' is not", python)
    stop_gbtm("no_python", sprintf("python: a Python 3.10 or later with a shared library is needed, %s.", what),
              "python", "Give its path; on Debian and Ubuntu, install python3-dev and python3-venv.")
  }
  dir.create(dirname(path), recursive = TRUE, showWarnings = FALSE)
  run_step(python, c("-m", "venv", shQuote(path)), "making the environment")
  pip <- c("-m", "pip", "install", "--disable-pip-version-check", cpu_torch())
  wanted <- if (nzchar(requirements)) c("-r", shQuote(requirements)) else shQuote(c(engine_packages, report_packages))
  added <- unique(unlist(extra_packages[extras]))
  run_step(environment_python(path), c(pip, wanted, if (length(added)) shQuote(added)), "installing the packages")
  message("Installed in ", path, ".")
  invisible(path)
}

run_step <- function(program, arguments, what) {
  if (system2(program, arguments, env = own_libraries()) != 0) {
    stop_gbtm("install_failed", sprintf("%s failed: %s %s.", what, program, paste(arguments, collapse = " ")), "path",
              "See the messages above.")
  }
}

engine_packages <- c("torch>=2.1", "numpy>=1.24", "pandas>=2.1", "scipy>=1.15", "formulaic>=1.1", "joblib>=1.3",
                     "matplotlib>=3.8", "statsmodels>=0.14")
report_packages <- c("great-tables", "jinja2", "python-docx", "tabulate") # tables and reports; fits do without
extra_packages <- list(disk = c("duckdb>=1.0", "pyarrow>=14"), sql = c("pyarrow>=14", "sqlalchemy>=2.0"))

default_environment <- function() file.path(tools::R_user_dir("gbtm", "data"), "venv")

# The Python of a virtual environment's folder.
environment_python <- function(path) {
  if (.Platform$OS.type == "windows") file.path(path, "Scripts", "python.exe") else file.path(path, "bin", "python")
}

# A Python that the user named is final; one that merely lies around counts only when it is complete.
find_python <- function() {
  named <- named_python()
  if (!is.null(named)) return(named)
  near <- nearest_python(c(folders_above(".venv"), default_environment()))
  if (length(near) && !length(engine_lacks(near))) return(near)
  checked <- nzchar(Sys.getenv("_R_CHECK_PACKAGE_NAME_")) # a check downloads nothing
  if (!checked && utils::packageVersion("reticulate") >= "1.41") return(list(source = provided, managed = TRUE))
  near
}

# The first complete Python of these environments, else the first of all, else nothing.
nearest_python <- function(places) {
  incomplete <- list()
  for (place in places) {
    python <- environment_python(place)
    if (!file.exists(python)) next
    found <- list(python = python, source = place, probe = probe_python(python))
    if (!length(engine_lacks(found))) return(found)
    if (!length(incomplete)) incomplete <- found
  }
  incomplete
}

provided <- "reticulate's py_require()"
running <- "Python already running in this session"

named_python <- function() {
  # reticulate takes a second to load: where it is not, no Python runs
  if (isNamespaceLoaded("reticulate") && reticulate::py_available(initialize = FALSE)) {
    python <- reticulate::py_config()$python
    return(list(python = python, source = running, probe = probe_python(python)))
  }
  settings <- list(
    "option gbtm.python" = getOption("gbtm.python", ""), "GBTM_PYTHON" = Sys.getenv("GBTM_PYTHON"),
    "RETICULATE_PYTHON" = Sys.getenv("RETICULATE_PYTHON")
  )
  for (setting in names(settings)) {
    python <- settings[[setting]]
    if (!nzchar(python) || python == "managed") next
    if (dir.exists(python)) python <- environment_python(python)
    return(list(python = python, source = setting, probe = probe_python(python)))
  }
  NULL
}

# A folder of that name in the working directory and above.
folders_above <- function(name) {
  at <- normalizePath(getwd(), mustWork = FALSE)
  found <- character()
  repeat {
    found <- c(found, file.path(at, name))
    if (dirname(at) == at) return(found)
    at <- dirname(at)
  }
}

# R sets LD_LIBRARY_PATH to the system's libraries; a Python from elsewhere would then load the system's libpython.
own_libraries <- function() if (Sys.info()[["sysname"]] == "Linux") "LD_LIBRARY_PATH=" else character()

# What probe.py says of a Python, or NULL when it does not run. A path is asked once a session.
probe_python <- function(python) {
  if (!file.exists(python)) return(NULL)
  known <- engine_state$probes[[python]]
  if (!is.null(known)) return(known)
  script <- system.file("probe.py", package = "gbtm")
  answer <- tryCatch(
    suppressWarnings(system2(python, shQuote(script), stdout = TRUE, stderr = FALSE, env = own_libraries())),
    error = function(e) character()
  )
  probe <- tryCatch(jsonlite::fromJSON(paste(answer, collapse = "")), error = function(e) NULL)
  # an incomplete Python is asked again, as the user may install what it lacks
  complete <- !is.null(probe) && !length(probe$lacking)
  if (complete) engine_state$probes[[python]] <- probe
  probe
}

# Start the engine at the first fit: importing torch takes two seconds.
engine_bridge <- function() {
  if (!is.null(engine_state$bridge)) return(engine_state$bridge)
  engine <- gbtm_engine()
  managed <- is.null(engine$python) && identical(engine$source, provided)
  if (!engine$available && !managed) {
    stop_gbtm("no_engine", sprintf("engine: fitting needs Python with torch; missing: %s.",
                                   paste(engine$missing, collapse = "; ")), "engine", engine$way_out)
  }
  if (is.null(engine$python)) {
    getExportedValue("reticulate", "py_require")(engine_packages)
    engine_state$managed <- TRUE
  } else {
    # of all the ways to choose a Python, only this one goes before a Poetry or Pipenv project in the working directory
    before <- Sys.getenv("RETICULATE_PYTHON", NA)
    Sys.setenv(RETICULATE_PYTHON = engine$python)
    on.exit(if (is.na(before)) Sys.unsetenv("RETICULATE_PYTHON") else Sys.setenv(RETICULATE_PYTHON = before))
  }
  engine_state$bridge <- tryCatch(
    load_bridge(system.file("python", package = "gbtm")),
    error = function(e) {
      where <- if (is.null(engine$python)) "the Python that reticulate provides" else engine$python
      stop_gbtm("no_engine", sprintf("engine: it does not load in %s: %s.", where, conditionMessage(e)),
                "engine", "Run gbtm::install_gbtm() in a fresh session.")
    }
  )
  engine_state$bridge
}

# R's own BLAS and LAPACK stand in the global scope, where torch's calls of dgemm and its kin would find them instead of
# the library that torch brings: up to 60 times slower, and not the digits that Python alone gives. RTLD_DEEPBIND makes
# libraries look into themselves first. It exists on Linux only, and so does the trouble.
load_bridge <- function(folder) {
  sys <- reticulate::import("sys")
  deepbind <- reticulate::import("os")$RTLD_DEEPBIND
  if (!is.null(deepbind)) {
    before <- sys$getdlopenflags()
    on.exit(sys$setdlopenflags(before))
    sys$setdlopenflags(bitwOr(before, deepbind))
  }
  reticulate::import("torch")
  bridge <- reticulate::import_from_path("gbtm.bridge", path = folder, convert = TRUE)
  reg.finalizer(engine_state, function(state) try(state$bridge$end_workers(), silent = TRUE), onexit = TRUE)
  bridge
}
