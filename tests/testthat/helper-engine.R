# Tests that fit need the engine. Without one they are skipped, except where GBTM_REQUIRE_ENGINE=1 forbids it. A check
# as CRAN makes it has time for the `brief` ones only; NOT_CRAN=true, which devtools sets, runs all.
need_engine <- function(brief = FALSE) {
  engine <- gbtm_engine()
  required <- identical(Sys.getenv("GBTM_REQUIRE_ENGINE"), "1")
  if (engine$available && !brief && !required) skip_on_cran()
  if (engine$available) return(invisible())
  if (required) {
    stop("The engine is required: ", paste(engine$missing, collapse = "; "), ". ", engine$way_out)
  }
  skip("no engine")
}

# Few starts: enough for data this clear, and quick.
quick <- function(...) gbtm_control(n_starts = 8, progress = FALSE, ...)

example_fit <- function() read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))

example_data <- function() gbtm::offending[c("id", "age", "offenses")]

# The probabilities among the columns of posterior().
group_columns <- function(table) as.matrix(table[grep("^group_[0-9]+$", names(table))])

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

# Small data, what is fitted to them, and what Python alone makes of the same, each made once for all test files.
made_once <- new.env()

once <- function(name, make) {
  if (is.null(made_once[[name]])) made_once[[name]] <- make()
  made_once[[name]]
}

small_data <- function() two_curves(16, 0:3)

small_fit <- function(groups = 2) {
  once(paste("fit", groups), function() {
    gbtm(y ~ t, small_data(), id = "id", groups = groups, order = 1, control = gbtm_control(n_starts = 4))
  })
}

small_search <- function() {
  once("search", function() {
    gbtm_search(y ~ t, small_data(), id = "id", groups = 2, order = 1, how = "grid", shape_starts = 2,
                control = gbtm_control(n_starts = 4))
  })
}

# Named list of numbers, and of files.
python_alone <- function() {
  once("python", function() {
    data <- tempfile(fileext = ".csv")
    d <- small_data()
    utils::write.csv(transform(d, y = sprintf("%.17g", y)), data, row.names = FALSE, quote = FALSE)
    found <- tempfile(fileext = ".json")
    lines <- run_python(c(
      "import gbtm, warnings, numpy as np, pandas as pd", "warnings.simplefilter('ignore')",
      sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(data)),
      "def tell(name, *values):",
      "    flat = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in values])",
      "    print('\\n' + name, *('%.17g' % v for v in flat))",
      "one, two = (gbtm.GBTM.from_formula('y ~ t', d, id='id', groups=k, order=1).fit(n_starts=4, progress=False)",
      "            for k in (1, 2))",
      "s = gbtm.search('y ~ t', d, id='id', groups=2, order=1, how='grid', shape_starts=2, n_starts=4)",
      sprintf("s.save(%s)", deparse(found)),
      "cv = gbtm.cross_validate(two, folds=3, n_starts=1)",
      "tell('cv', [cv.loglik, cv.se, cv.absolute_error], cv.by_subject, cv.errors, cv.folds)",
      "tell('difference', cv.difference(gbtm.cross_validate(one, folds=3, n_starts=1)))",
      "b = gbtm.blrt(two, one, n_max=19, n_starts=1)",
      "tell('blrt', [b.statistic, b.p_value], b.replicates)",
      "l = gbtm.lmr(two, one)", "tell('lmr', [l.adjusted, l.p_value, l.statistic, l.p_unadjusted], l.weights)",
      "boot = gbtm.bootstrap(two, n=6, n_starts=1)", "c = boot.curves([0, 1.5], level=0.9)",
      "tell('bootstrap', boot.params.T, boot.conf_int(0.1).T, boot.shares.T, c['std err'], c['lower'], c['upper'])",
      "moved = [gbtm.GBTM.from_formula('y ~ t', d.assign(y=d.y + j * d.t % 3 / 9), id='id', groups=2, order=1)",
      "         .fit(n_starts=4, progress=False) for j in range(3)]",
      "p = gbtm.pool(moved)", "q = p.predict([0, 1.5], level=0.9)",
      "tell('pool', p.params, p.cov_params(), p.df, p.fmi, p.conf_int(0.1).T, p.group_shares().T)",
      "tell('pooled_curves', q['estimate'], q['std err'], q['lower'], q['upper'])",
      "drawn = two.simulate(rng=3)", "tell('simulate', drawn['y'], drawn['group'])",
      "from gbtm.adequacy.residuals import residual_checks",
      "from gbtm.adequacy.autocorrelation import ar1_check",
      "r = residual_checks(two)",
      "tell('residuals', r.means.T, r.distribution.T, r.autocorrelation.T)",
      "a = ar1_check(two, [1, 2], n_starts=1).table", "tell('ar1', a['loglik'], a['bic'], a['rho'])"
    ))
    told <- strsplit(lines[nzchar(lines)], " ")
    numbers <- lapply(told, function(words) as.numeric(words[-1]))
    c(stats::setNames(numbers, vapply(told, `[[`, "", 1)), list(search = found))
  })
}

# The same to the last digit, NA where Python has NaN.
expect_python <- function(ours, name) {
  theirs <- python_alone()[[name]]
  theirs[is.nan(theirs)] <- NA
  testthat::expect_identical(as.double(unlist(ours, use.names = FALSE)), theirs)
}
