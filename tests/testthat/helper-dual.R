# The reference data of a dual model, whose numbers an independent program computed; as tests/python/dual.py.
dual_data <- function() once("dual data", function() utils::read.csv(several_folder("dual_data.csv")))

dual_wide <- function() {
  times <- several_expected()$dual$times
  columns <- lapply(c(a = "a", b = "b"), function(s) grep(paste0("^", s, "[0-9]+$"), names(dual_data()), value = TRUE))
  c(columns, list(ta = times$a, tb = times$b))
}

# What the reference calls our parameters.
dual_reference <- function(names, which, what = "params") {
  outcome <- sub(": .*$", "", names)
  rest <- sub("^.*: ", "", names)
  theirs <- ifelse(outcome == rest, if (which == "dual_risk") sub("^theta\\[", "theta_const[", names) else names,
                   ifelse(rest == "sigma", paste0(outcome, ":sigma"),
                          paste0(outcome, ":time^", ifelse(startsWith(rest, "intercept"), 0, 1),
                                 sub("^[^[]*", "", rest))))
  unlist(several_expected()[[which]][[what]])[theirs]
}

dual_names <- function(which) {
  curves <- c(paste0("a: ", c("intercept", "ta"), "[", rep(1:3, each = 2), "]"),
              paste0("b: ", c("intercept", "tb"), "[", rep(1:2, each = 2), "]"), "a: sigma")
  theta <- if (which == "dual") "theta" else c("theta", "theta_x")
  c(curves, paste0(theta, "[", rep(2:3, each = length(theta)), "]"), paste0("theta2[2|", 1:3, "]"),
    if (which == "dual_risk") "theta2_z[2]")
}

# The fit of the reference, by its own estimates.
dual_fit <- function(which = "dual") {
  once(which, function() {
    risk <- which == "dual_risk"
    gbtm(list(outcome(a ~ ta, order = 1), outcome(b ~ tb, order = 1, family = "poisson")), dual_data(), id = "id",
         groups = c(3, 2), wide = dual_wide(), risk = if (risk) ~ x, risk2 = if (risk) ~ z,
         start = unname(dual_reference(dual_names(which), which)))
  })
}

example_dual <- function() read_gbtm(system.file("extdata", "dual.json", package = "gbtm"))

# Numbers that Python prints of a fit, one list an expression of `res`.
python_says <- function(fit, expressions) {
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  code <- sprintf("print(*('%%.17g' %% float(v) for v in np.ravel(%s)))", expressions)
  lines <- run_python(c("import gbtm, numpy as np", sprintf("res = gbtm.load(%s)", deparse(file)), code))
  lapply(strsplit(lines, " "), as.numeric)
}
