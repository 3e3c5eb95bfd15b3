# Tests that fit need the engine. Without one they are skipped, except where GBTM_REQUIRE_ENGINE=1 forbids it.
need_engine <- function() {
  engine <- gbtm_engine()
  if (engine$available) return(invisible())
  if (identical(Sys.getenv("GBTM_REQUIRE_ENGINE"), "1")) {
    stop("The engine is required: ", paste(engine$missing, collapse = "; "), ". ", engine$way_out)
  }
  skip("no engine")
}

# Few starts: enough for data this clear, and quick.
quick <- function(...) gbtm_control(n_starts = 8, progress = FALSE, ...)

example_fit <- function() read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))

example_data <- function() utils::read.csv(system.file("extdata", "offenses.csv", package = "gbtm"))

# Two clear groups of normal curves.
two_curves <- function(n = 30, times = 0:5, seed = 1) {
  set.seed(seed)
  d <- expand.grid(t = times, id = seq_len(n))
  d$y <- ifelse(d$id <= n / 2, 1 + 0.5 * d$t, 6 - 0.3 * d$t) + stats::rnorm(nrow(d), sd = 0.4)
  d[c("id", "t", "y")]
}

# A script for a fresh session that loads this package as the tests did, and how to run it.
session_script <- function(code) {
  script <- tempfile(fileext = ".R")
  folder <- dirname(system.file("DESCRIPTION", package = "gbtm"))
  installed <- file.exists(file.path(folder, "Meta"))
  load <- if (installed) "library(gbtm)" else sprintf("pkgload::load_all(%s, quiet = TRUE)", deparse(folder))
  writeLines(c(sprintf(".libPaths(%s)", paste(deparse(.libPaths()), collapse = "")), load, code), script)
  c("--vanilla", script)
}

# Run R code in a fresh session; what it prints, as lines.
fresh_session <- function(code, env = character()) {
  suppressWarnings(system2(file.path(R.home("bin"), "Rscript"), session_script(code), stdout = TRUE, stderr = TRUE,
                           env = env))
}

# Begin to run R code in a fresh session, what it prints going to a file.
start_session <- function(code, output) {
  file.create(output)
  system2(file.path(R.home("bin"), "Rscript"), session_script(code), stdout = output, stderr = output, wait = FALSE)
}

# Python code run by the engine's own Python; what it prints, as lines.
run_python <- function(code) {
  script <- tempfile(fileext = ".py")
  on.exit(unlink(script))
  writeLines(code, script)
  system2(gbtm_engine()$python, script, stdout = TRUE,
          env = c(paste0("PYTHONPATH=", system.file("python", package = "gbtm")), gbtm:::own_libraries()))
}
