#' Wald tests of hypotheses on the parameters
#'
#' `wald_test()` tests linear hypotheses jointly, `wald_test_nonlinear()` functions of the parameters by the delta
#' method. With package car loaded, `car::linearHypothesis()` takes a fit too, and gives its usual table.
#'
#' W = (R b - q)' (R V R')^-1 (R b - q) is chi-square with as many degrees of freedom as there are independent
#' hypotheses. That of nonlinear hypotheses depends on how they are written: that a = b and that a / b = 1 give
#' different numbers.
#'
#' @param fit,model a fit
#' @param hypotheses,hypothesis.matrix text in the names of `coef(fit)`, such as `"age[1] = age[2], sigma = 1"`, or
#'   several texts. Without an equals sign, "= 0" is meant; a chain `a = b = c` is two hypotheses. Or a matrix of one
#'   row a hypothesis and one column a parameter.
#' @param value,rhs values of the rows of a matrix, or of expressions without an equals sign; by default 0
#' @param test `"Chisq"`, or `"F"` with `df` denominator degrees of freedom; `df` alone asks for F, and so does a fit
#'   whose intervals go by t, as those by cluster do
#' @param df,error.df denominator degrees of freedom of F; by default those of the fit's t, or `nobs(fit)` where its
#'   intervals go by the normal distribution
#' @param vcov. another covariance than `vcov(model)`
#' @param expression expressions, as for [delta_method()], or equations; or a function of the named parameters
#' @param x a test
#' @param digits significant digits
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return `wald_test()` and `wald_test_nonlinear()`: list of class `gbtm_wald` and `htest`: `statistic`, `parameter`
#'   (df), `p.value`, `hypotheses`, `estimate` (R b - q), `notes` (hypotheses that follow from the others are left out
#'   with a note). `linearHypothesis()`: data frame of class `anova` with attributes `value` (R b) and `vcov`.
#' @section Errors: `gbtm_unknown_parameter`, `gbtm_bad_expression`, `gbtm_not_linear`, `gbtm_bad_hypotheses`;
#'   `gbtm_no_standard_error` where the data do not determine what a hypothesis speaks of; `gbtm_contradictory`;
#'   `gbtm_singular_covariance` where some combination of the hypotheses has no variance.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' wald_test(fit, "age[1] = age[2], age^2[1] = age^2[2]")
#' wald_test_nonlinear(fit, "-age[1] / (2 * age^2[1]) = -age[2] / (2 * age^2[2])")
#' if (requireNamespace("car", quietly = TRUE)) car::linearHypothesis(fit, "age[1] = age[2]")
#' @export
wald_test <- function(fit, hypotheses, value = NULL, test = c("Chisq", "F"), df = NULL) {
  check_names()
  check_fit(fit)
  data_name <- short_name(substitute(fit))
  tested <- test_linear(fit$coefficients, fit$vcov, hypotheses, value, fit$internal)
  as_wald(tested, asked_test(test, missing(test), df, fit), check_df(df, fit), data_name)
}

#' @rdname wald_test
#' @export
wald_test_nonlinear <- function(fit, expression, value = 0, test = c("Chisq", "F"), df = NULL) {
  check_names()
  check_fit(fit)
  data_name <- short_name(substitute(fit))
  d <- differentiate(fit, expression, "expression", equations = TRUE)
  if (!is.numeric(value) || !length(value) %in% c(1, length(d$value)) || !all(is.finite(value))) {
    stop_gbtm("bad_value", sprintf("value: %s for %d functions.", shown(value), length(d$value)), "value",
              "Give one finite number, or one for each.")
  }
  labels <- if (any(value != 0)) paste(d$labels, "=", format_short(rep_len(value, length(d$value)))) else d$labels
  v <- checked_vcov(fit$vcov, names(fit$coefficients), d$jacobian, labels, "expression", fit$internal)
  tested <- list(w = quadratic_form(d$value - value, v, labels, "expression"), estimate = d$value - value, vcov = v,
                 labels = labels, notes = character())
  as_wald(tested, asked_test(test, missing(test), df, fit), check_df(df, fit), data_name)
}

# Degrees of freedom, given or the fit's own, ask for F where no test is named, as in Python.
asked_test <- function(test, unnamed, df, fit) {
  if (unnamed && (!is.null(df) || is.finite(df_of(fit)))) "F" else match_choice(test, c("Chisq", "F"), "test")
}

# `inside` is the `internal` of the fit that `v` is of; NULL for a covariance that the user gives.
test_linear <- function(b, v, hypotheses, value, inside = NULL) {
  h <- linear_hypotheses(hypotheses, names(b), value)
  checked_vcov(v, names(b), h$matrix, h$labels, "hypotheses", inside) # every row, those that follow from others too
  h <- independent_rows(h, scales_of(v, inside))
  estimate <- as.vector(h$matrix %*% b)
  v <- checked_vcov(v, names(b), h$matrix, h$labels, "hypotheses", inside)
  list(w = quadratic_form(estimate - h$value, v, h$labels, "hypotheses"), estimate = estimate - h$value, vcov = v,
       value = estimate, labels = h$labels, notes = h$notes)
}

# What the user called it, where that is a name or an expression and not the thing itself.
short_name <- function(x) if (is.language(x)) strtrim(deparse_line(x), 60) else "fit"

check_df <- function(df, fit) {
  if (is.null(df)) return(if (is.finite(df_of(fit))) df_of(fit) else fit$nobs)
  if (!is.numeric(df) || length(df) != 1 || !isTRUE(df > 0)) {
    stop_gbtm("bad_df", sprintf("df: %s is not a positive number.", shown(df)), "df",
              "Leave it out for those of the fit, or the number of observations.")
  }
  df
}

as_wald <- function(tested, test, df, data_name) {
  m <- length(tested$labels)
  chisq <- test == "Chisq"
  structure(class = c("gbtm_wald", "htest"), list(
    statistic = if (chisq) c(Chisq = tested$w) else c(F = tested$w / m),
    parameter = if (chisq) c(df = m) else c(df = m, "denominator df" = df),
    p.value = wald_p(tested$w, m, if (!chisq) df), method = "Wald test", data.name = data_name,
    hypotheses = tested$labels, estimate = stats::setNames(tested$estimate, tested$labels), notes = tested$notes
  ))
}

wald_p <- function(w, m, df = NULL) {
  if (is.null(df)) stats::pchisq(w, m, lower.tail = FALSE) else stats::pf(w / m, m, df, lower.tail = FALSE)
}

#' @rdname wald_test
#' @export
print.gbtm_wald <- function(x, digits = getOption("digits"), ...) {
  check_dots(...)
  cat("\n", x$method, " of ", x$data.name, "\n\n", paste0("  ", x$hypotheses, "\n"), "\n", sep = "")
  parameters <- paste(names(x$parameter), "=", format(x$parameter, trim = TRUE), collapse = ", ")
  p <- format.pval(x$p.value, digits = max(1, digits - 3))
  cat(names(x$statistic), " = ", format(x$statistic, digits = max(1, digits - 2)), ", ", parameters, ", p-value ",
      if (startsWith(p, "<")) p else paste("=", p), "\n", sep = "")
  for (note in x$notes) print_wrapped(paste("Note:", note), exdent = 2)
  cat("\n")
  invisible(x)
}

#' @rdname wald_test
#' @exportS3Method car::linearHypothesis
linearHypothesis.gbtm <- function(model, hypothesis.matrix, rhs = NULL, test = c("Chisq", "F"), # nolint
                                  vcov. = NULL, error.df = NULL, ...) { # nolint: object_name_linter.
  check_dots(...)
  check_fit(model)
  test <- if (is.null(vcov.)) asked_test(test, missing(test), error.df, model) else
    match_choice(test, c("Chisq", "F"), "test")
  v <- if (is.null(vcov.)) model$vcov else if (is.function(vcov.)) vcov.(model) else vcov.
  inside <- if (is.null(vcov.)) model$internal
  tested <- test_linear(model$coefficients, v, hypothesis.matrix, rhs, inside)
  m <- length(tested$labels)
  df <- if (test == "F") check_df(error.df, model)
  table <- cbind(Df = c(NA, m), statistic = c(NA, if (test == "F") tested$w / m else tested$w),
                 p = c(NA, wald_p(tested$w, m, df)))
  colnames(table)[2:3] <- c(test, sprintf("Pr(>%s)", test))
  notes <- if (length(tested$notes)) c("", paste("Note:", tested$notes))
  heading <- c("Linear hypothesis test\n\nHypothesis:", tested$labels, "",
               paste0("Model 1: restricted model\nModel 2: ", formula_words(model)), notes, "")
  structure(data.frame(table, row.names = c("1", "2"), check.names = FALSE), heading = heading,
            class = c("anova", "data.frame"), value = matrix(tested$value, dimnames = list(tested$labels, NULL)),
            vcov = matrix(tested$vcov, m, m, dimnames = list(tested$labels, tested$labels)))
}
