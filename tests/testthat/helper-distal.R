# The reference of distal outcomes, whose numbers an independent program computed; as tests/python/distal_cases.py.
distal_file <- function(file) test_path("..", "reference", "distal", file)

distal_people <- function(data) once(paste("people", data), function() { # nolint: brace_linter.
  utils::read.csv(distal_file(paste0(data, "_data.csv")))
})

# Step one of the reference, from its own estimates.
distal_fit <- function(data) once(paste("step one", data), function() { # nolint: brace_linter.
  said <- jsonlite::fromJSON(distal_file(paste0(data, "_step1.json")))
  people <- distal_people(data)
  waves <- paste0("y", seq_along(said$times))
  long <- data.frame(id = rep(people$id, length(waves)), time = rep(said$times, each = nrow(people)),
                     y = unlist(people[waves], use.names = FALSE))
  more <- if (said$family == "zip") list(iorder = 0)
  start <- stats::setNames(said$params, said$names)
  do.call(gbtm, c(list(y ~ time, quote(long), id = "id", groups = said$K, order = said$order, family = said$family,
                       control = gbtm_control(n_starts = 1, progress = FALSE), start = start), more))
})

# Estimates of the reference by its names of parameters.
distal_reference <- function(data, model, method, assignment = "modal", shares = "", file = "step3_estimates.csv") {
  t <- once(file, function() utils::read.csv(distal_file(file), na.strings = "NA"))
  t <- t[t$data == data & t$model == model & t$method == method & t$assignment == assignment & t$shares == shares, ]
  t
}

# Without the warnings of what is doubtful.
calm <- function(expr) {
  withCallingHandlers(expr, gbtm_warning = function(w) invokeRestart("muffleWarning"))
}

# What Python makes of the same fit, people and calls; a named list of numbers.
distal_in_python <- function() once("distal in python", function() { # nolint: brace_linter.
  fit <- tempfile(fileext = ".json")
  write_gbtm(distal_fit("d2_zip_k3"), fit)
  lines <- run_python(c(
    "import gbtm, warnings, numpy as np, pandas as pd", "warnings.simplefilter('ignore')",
    sprintf("res = gbtm.load(%s)", deparse(fit)),
    sprintf("p = pd.read_csv(%s, float_precision='round_trip')",
            deparse(normalizePath(distal_file("d2_zip_k3_data.csv")))),
    "p['kind'] = p['o_nominal'].map({0: 'a', 1: 'b', 2: 'c'})", "p['v1_2'] = p['v1'] ** 2",
    "def tell(name, *values):",
    "    flat = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in values])",
    "    print('\\n' + name, *('%.17g' % v for v in flat))",
    "def all_of(name, out):", "    tell(name, out.params, out.cov_params(), [out.test().statistic, out.test().pvalue])",
    "out = res.distal('o_binary ~ group + v1 + v1_2', p)", "all_of('binary', out)",
    "tell('groups', out.group_table(0.9).T)", "tell('pairs', out.compare().T)",
    "tell('odds', out.odds_ratios(2, level=0.9).T)", "tell('naive', out.beside_naive().T)",
    "all_of('slopes', res.distal('o_normal ~ group * C(kind) + v1', p, method='ml', sigma_by_group=False))",
    "all_of('counts', res.distal('o_count ~ group', p, family='negbin', exposure='o_time', assignment='proportional'))",
    "all_of('nominal', res.distal('kind ~ group + v1', p, covariance='bov'))",
    "all_of('cox', res.distal('Surv(o_time, o_event) ~ group + v1', p, method='bch'))",
    "all_of('weibull', res.distal('Surv(o_time, o_event) ~ group', p, family='weibull', shares='fixed'))",
    "lead = res.predictors('~ z1 + C(kind)', p)", "all_of('predictors', lead)", "tell('logits', lead.odds_ratios(3).T)",
    "tell('kind', [lead.test(['C(kind)[T.b]', 'C(kind)[T.c]']).statistic])",
    "tell('one_step', lead.beside_one_step().T)",
    "t = res.distal('o_binary ~ group', p, method='traj')", "tell('traj', t.params, t.cov_params(), [t.llf])",
    "e = res.classification_error('proportional')",
    "tell('errors', e.table, e.inverse, e.logits, e.shares, [e.condition])",
    "tell('weights', res.bch_weights())"
  ))
  told <- strsplit(lines[nzchar(lines)], " ")
  stats::setNames(lapply(told, function(words) as.numeric(words[-1])), vapply(told, `[[`, "", 1))
})

# The numbers of a table or a list of arrays, in the order of Python's, to 1e-10.
expect_distal <- function(ours, name) {
  theirs <- distal_in_python()[[name]]
  ours <- as.double(unlist(ours, use.names = FALSE))
  testthat::expect_identical(is.na(ours), is.na(theirs))
  testthat::expect_lt(max(0, abs(ours - theirs) / pmax(1, abs(theirs)), na.rm = TRUE), 1e-10)
}

numbers_of <- function(out) list(coef(out), t(vcov(out)), out$test$statistic, out$test$p.value)
