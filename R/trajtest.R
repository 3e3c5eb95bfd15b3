#' SAS's %TRAJTEST
#'
#' A joint Wald test in the parameter names of Proc Traj, with the macro's numbers: the covariance is traj's, the
#' p-value that of F with the denominator degrees of freedom n - k + 1 of that covariance (n observations, k
#' parameters), and the statistic the chi-square with the same p-value. The plain Wald statistic, a little larger, is
#' in the notes.
#'
#' @param fit a fit
#' @param text the macro's argument, `"linear1=linear2, quadra1=quadra2"`, or the whole call,
#'   `"%TRAJTEST('linear1=linear2=linear3')"`. Names are those of traj, in any case; SAS's `interc01` is `interc1`.
#'   Chains of equalities and multiples (`2*linear1=linear2`) are understood. Groups are numbered as in this fit.
#' @return As [wald_test()].
#' @section Errors: As [wald_test()].
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' trajtest(fit, "%TRAJTEST('linear1=linear2, quadra1=quadra2')")
#' @export
trajtest <- function(fit, text) {
  check_names()
  check_fit(fit)
  data_name <- short_name(substitute(fit))
  as_sas <- names_as_in_sas(macro_argument(text), fit$traj_names)
  n <- fit$nobs
  k <- n_parameters(fit)
  # traj inflates the information's inverse only; a sandwich it leaves alone
  inflation <- if (identical(fit$cov_type, "hessian")) n / (n - k + 1) else 1
  inside <- fit$internal
  if (!is.null(inside)) inside$root <- inside$root * sqrt(inflation)
  named <- stats::setNames(fit$coefficients, as_sas$names)
  tested <- test_linear(named, fit$vcov * inflation, as_sas$text, NULL, inside)
  df <- length(tested$labels)
  p <- wald_p(tested$w, df, n - k + 1)
  same <- stats::qchisq(p, df, lower.tail = FALSE)
  tested$notes <- c(tested$notes, sprintf(
    "p is that of F(%d, %d), chi2 the value with the same p, as the macro has them; W = %.4f.", df, n - k + 1, tested$w
  ))
  test <- as_wald(tested, "Chisq", NULL, data_name)
  test$statistic[[1]] <- if (is.finite(same)) same else tested$w
  test$p.value <- p
  test
}

# What is between the quotes of a call, or the text itself.
macro_argument <- function(text) {
  if (!is.character(text) || length(text) != 1 || is.na(text)) {
    stop_gbtm("bad_expression", sprintf("text: %s is not text.", shown(text)), "text",
              "For example \"linear1=linear2, quadra1=quadra2\".")
  }
  call <- "(?is)^\\s*%\\s*trajtest\\s*\\((.*)\\)\\s*;?\\s*$"
  inner <- trimws(if (grepl(call, text, perl = TRUE)) sub(call, "\\1", text, perl = TRUE) else text)
  sub("^(['\"])(.*)\\1$", "\\2", inner)
}

# Text and names alike in lower case and without the zeros of interc01, as far as names stay distinct.
names_as_in_sas <- function(text, names) {
  no_zeros <- function(x) gsub("(?<=[a-z])0+(?=[0-9])", "", tolower(x), perl = TRUE)
  for (change in list(no_zeros, tolower)) {
    if (!anyDuplicated(change(names))) return(list(text = change(text), names = change(names)))
  }
  list(text = text, names = names)
}
