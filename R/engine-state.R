# What a Python that was found lacks, and the one line that mends it.

# One of "ready", "incomplete", "not tried", "absent". `missing` is engine_lacks(found).
engine_state_of <- function(found, missing) {
  if (!length(missing)) return("ready")
  if (isTRUE(found$managed)) return("not tried")
  if (is.null(found$probe)) "absent" else "incomplete"
}

engine_lacks <- function(found) {
  if (isTRUE(found$managed)) return("no Python here has the engine's packages; reticulate has yet to provide one")
  if (is.null(found$python)) return("no Python with the engine's packages was found")
  probe <- found$probe
  if (is.null(probe)) return(sprintf("no Python runs at '%s'", found$python))
  lacking <- vapply(probe$lacking, function(wanted) {
    have <- probe$packages[[sub(">=.*", "", wanted)]]
    if (is.null(have)) sub(">=.*", "", wanted) else sprintf("%s (%s is too old)", sub(">=", " ", wanted), have)
  }, "")
  c(
    if (!isTRUE(probe$recent)) sprintf("Python 3.10 or later, this is %s", probe$python),
    if (!isTRUE(probe$shared)) "a shared library of Python (libpython)",
    if (length(lacking)) paste("packages", paste(lacking, collapse = ", "))
  )
}

engine_way_out <- function(found) {
  if (isTRUE(found$managed)) {
    return("Run gbtm::install_gbtm(), or fit: reticulate then tries to download one, which needs the internet.")
  }
  probe <- found$probe
  if (is.null(probe)) {
    if (is.null(found$source)) {
      return(paste("Run gbtm::install_gbtm(), which needs the internet. If a Python has torch already, name it before",
                   "library(gbtm): Sys.setenv(GBTM_PYTHON = \"/path/to/python\")."))
    }
    return(sprintf("Unset %s or correct it, then run gbtm::install_gbtm().", found$source))
  }
  if (same_python(found$python, environment_python(default_environment()))) {
    return("Run gbtm::install_gbtm() and restart R.")
  }
  if (!isTRUE(probe$recent)) {
    return(paste0(not_named(found), "run gbtm::install_gbtm(python = \"..\") with the path of a newer one."))
  }
  if (!isTRUE(probe$shared)) return(shared_library_way_out(found))
  if (isTRUE(probe$locked)) { # PEP 668: pip refuses to install into the system's own Python
    return(paste0(not_named(found), "run gbtm::install_gbtm(): the system lets no pip into ", found$python, "."))
  }
  pip_way_out(found$python, probe$lacking, has_pip = !isFALSE(probe$pip))
}

# A Python that a setting names is final: what install_gbtm() makes is found only when the setting is gone.
not_named <- function(found) {
  if (identical(found$source, running)) return("Restart R, and before anything else starts Python ")
  if (is.null(found$source) || dir.exists(found$source)) return("In R ")
  sprintf("Unset %s and ", found$source)
}

shared_library_way_out <- function(found) {
  version <- sub("^([0-9]+[.][0-9]+).*", "\\1", found$probe$python)
  if (identical(found$probe$base, "/usr")) {
    return(sprintf("On Debian and Ubuntu: sudo apt-get install libpython%s", version))
  }
  paste0(not_named(found), "run gbtm::install_gbtm(python = \"..\") with a Python built with --enable-shared, such as ",
         "the system's.")
}

# The line of R that installs packages, such as "torch>=2.1", into that Python.
pip_way_out <- function(python, packages, has_pip = TRUE) {
  torch <- any(startsWith(packages, "torch"))
  install <- paste(c("-m pip install", shell_words(packages), if (torch) cpu_torch()), collapse = " ")
  if (has_pip) return(sprintf("Run system2(%s, %s) and restart R.", deparse(python), r_text(install)))
  program <- shell_words(python)
  sprintf("Run system(%s) and restart R.", r_text(paste(program, "-m ensurepip &&", program, install)))
}

# Quoted only where a shell would read it otherwise.
shell_words <- function(x) ifelse(grepl("[^A-Za-z0-9_./-]", x), paste0("'", x, "'"), x)

r_text <- function(x) encodeString(x, quote = "\"")

# Torch for Linux and Windows comes with gigabytes for graphics cards, except from this index.
cpu_torch <- function() {
  if (Sys.info()[["sysname"]] != "Darwin") c("--extra-index-url", "https://download.pytorch.org/whl/cpu")
}

# Paths of one folder: a Python of an environment is a link to another.
same_python <- function(python, other) {
  folder <- function(path) normalizePath(dirname(path), mustWork = FALSE)
  identical(folder(python), folder(other))
}

# How R gets the libraries of tables and reports, or the packages of some `extra`, into the Python that runs, in place
# of the engine's own word on it.
library_way_out <- function(python = gbtm_engine()$python, managed = isTRUE(engine_state$managed), extra = NULL) {
  packages <- if (is.null(extra)) report_packages else extra_packages[[extra]]
  if (managed) {
    return(sprintf("In a fresh session first run reticulate::py_require(c(%s)).",
                   paste0("\"", packages, "\"", collapse = ", ")))
  }
  if (same_python(python, environment_python(default_environment()))) {
    asked <- if (is.null(extra)) "" else sprintf("extras = \"%s\"", extra)
    return(sprintf("Run gbtm::install_gbtm(%s) and restart R.", asked))
  }
  pip_way_out(python, packages)
}

# That for an error of the engine about a library or package that it lacks; NULL for any other.
lacking_way_out <- function(problem) {
  if (identical(problem$code, "missing_library")) return(library_way_out())
  if (!identical(problem$code, "missing_package")) return(NULL)
  brings <- vapply(extra_packages, function(packages) problem$argument %in% sub(">=.*", "", packages), NA)
  if (any(brings)) return(library_way_out(extra = names(brings)[brings][1]))
  pip_way_out(gbtm_engine()$python, problem$argument)
}
