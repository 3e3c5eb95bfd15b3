#' Functions of the parameters, with standard errors by the delta method
#'
#' The variance of g(b) is J V J' with J the derivative of g at the estimates: exact for expressions; for R functions by
#' central differences, extrapolated to step 0 and accepted only where the extrapolation settles. With package car
#' loaded, `car::deltaMethod()` takes a fit too, and gives its usual table.
#'
#' @param fit a fit
#' @param expression text such as `"exp(theta_X1[2])"` or `"-age[1] / (2 * age^2[1])"`, several of them separated by
#'   commas or in a vector (its names become labels). Expressions know + - * / ^ ( ), `exp`, `log`, `sqrt`, `logit` and
#'   `invlogit`, and the names of `coef(fit)`; `age^2[1]` is a parameter, `age[1]^2` a square. Or a function of the
#'   named vector of parameters that returns numbers.
#' @param level level of the intervals
#'
#' @return Data frame with a row for each expression: `estimate`, `se`, `lower`, `upper`. Its attribute `vcov` is the
#'   covariance of the rows.
#' @section Errors: `gbtm_unknown_parameter`, `gbtm_bad_expression`; `gbtm_not_finite` where the function or its
#'   derivative is not a number at the estimates; `gbtm_rough_function` where it has no derivative that can be had;
#'   `gbtm_no_standard_error` where the data do not determine it (a sum of two parameters that have none may have one);
#'   `gbtm_constant_function` where it does not vary with the parameters there.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' delta_method(fit, c(peak = "-age[1] / (2 * age^2[1])", odds = "exp(theta[2])"))
#' delta_method(fit, function(b) exp(b["theta[2]"]))
#' @export
delta_method <- function(fit, expression, level = 0.95) {
  check_names()
  check_fit(fit)
  check_level(level)
  d <- differentiate(fit, expression, "expression")
  v <- checked_vcov(fit$vcov, names(fit$coefficients), d$jacobian, d$labels, "expression", fit$internal)
  flat <- !(diag(v) > 0)
  if (any(flat)) {
    stop_gbtm("constant_function", sprintf("expression: %s does not vary with the parameters at the estimates.",
                                           listing(d$labels[flat])), "expression",
              "The delta method needs a derivative that is not zero.")
  }
  se <- sqrt(diag(v))
  z <- reach_of(fit, level)
  dimnames(v) <- list(d$labels, d$labels)
  table <- data.frame(estimate = d$value, se = se, lower = d$value - z * se, upper = d$value + z * se,
                      row.names = make.unique(d$labels))
  structure(table, vcov = v)
}

#' @rdname delta_method
#' @param object,g. the fit and the expression, as car's generic names them
#' @param ... nothing: an argument that does not exist is refused
#' @exportS3Method car::deltaMethod
deltaMethod.gbtm <- function(object, g., level = 0.95, ...) { # nolint: object_name_linter.
  check_dots(...)
  table <- delta_method(object, g., level)
  limits <- paste(format(50 * (1 + c(-level, level)), trim = TRUE, digits = 3), "%")
  attr(table, "vcov") <- NULL
  structure(table, names = c("Estimate", "SE", limits), class = c("deltaMethod", "data.frame"))
}

# Values, derivative (r, p) and labels; with `equations`, an equation stands for the difference of its sides.
differentiate <- function(fit, expression, argument, equations = FALSE) {
  b <- fit$coefficients
  d <- if (is.function(expression)) {
    differentiate_function(expression, fit, argument)
  } else {
    differentiate_text(expression, b, argument, equations)
  }
  bad <- !is.finite(d$value) | !is.finite(rowSums(d$jacobian))
  if (any(bad)) {
    stop_gbtm("not_finite", sprintf(
      "%s: %s is not a finite number at the estimates, or its derivative is not.", argument, listing(d$labels[bad])
    ), argument, "Look for a logarithm or root of what is negative there, or a division by zero.")
  }
  d
}

differentiate_text <- function(text, b, argument, equations) {
  if (!is.character(text) || !length(text)) {
    stop_gbtm("bad_expression", sprintf("%s: %s is neither text nor a function.", argument, shown(text)), argument,
              "For example \"exp(theta[2])\", or function(b) exp(b[\"theta[2]\"]).")
  }
  found <- lapply(unname(text), read_equations, names = names(b), argument = argument)
  given <- if (is.null(names(text))) rep("", length(text)) else names(text)
  labels <- Map(function(equations, label) {
    if (nzchar(label) && length(equations) == 1) label else vapply(equations, `[[`, "", "text")
  }, found, given)
  terms <- lapply(do.call(c, found), function(one) {
    if (!is.null(one$right) && !equations) {
      stop_gbtm("bad_expression", sprintf("%s: '%s' is a hypothesis, not a quantity.", argument, one$text), argument,
                "Test it with wald_test() or wald_test_nonlinear().")
    }
    left <- evaluate_tree(one$left, b)
    if (is.null(one$right)) left else binary_term("-", left, evaluate_tree(one$right, b))
  })
  list(value = vapply(terms, `[[`, 1, "value"), jacobian = do.call(rbind, lapply(terms, `[[`, "slope")),
       labels = unlist(labels))
}

# -- R functions -----------------------------------------------------------------------------------------------------

differentiate_function <- function(f, fit, argument) {
  b <- fit$coefficients
  first <- f(b)
  value <- suppressWarnings(as.numeric(unlist(first)))
  labels <- if (is.null(names(first)) || length(value) == 1) NULL else names(unlist(first))
  if (is.null(labels)) labels <- if (length(value) == 1) "value" else paste("value", seq_along(value))
  if (!length(value) || !all(is.finite(value))) {
    return(list(value = c(value, if (!length(value)) NA), jacobian = matrix(0, max(length(value), 1), length(b)),
                labels = labels))
  }
  se <- sqrt(pmax(diag(fit$vcov), 0))
  spread <- unname(ifelse(is.finite(se) & se > 0, se, 0))
  flat <- function(x) suppressWarnings(as.numeric(unlist(f(stats::setNames(x, names(b))))))
  columns <- lapply(seq_along(b), function(j) central_difference(flat, unname(b), j, spread[j], length(value)))
  jacobian <- matrix(vapply(columns, `[[`, numeric(length(value)), "slope"), nrow = length(value))
  error <- matrix(vapply(columns, `[[`, numeric(length(value)), "error"), nrow = length(value))
  total <- sqrt(rowSums(sweep(jacobian, 2, spread, `*`)^2))
  settled <- sweep(error, 2, spread, `*`) <= constants$derivative_accuracy * total
  rough <- which(colSums(!(settled | is.na(error))) > 0)
  if (length(rough)) {
    stop_gbtm("rough_function", sprintf("%s: the derivative of the function in %s does not settle.", argument,
                                        names(b)[rough[1]]), argument,
              "It must be smooth near the estimates: no rounding, sorting or drawing of random numbers.")
  }
  list(value = value, jacobian = jacobian, labels = labels)
}

# Ridders' extrapolation of central differences in parameter j, and an estimate of its error. Steps are a tenth of a
# standard error and less: the natural scale of a parameter, whatever its units.
central_difference <- function(f, b, j, spread, size) {
  step <- max(0.1 * spread, 1e-4 * abs(b[j]))
  if (step == 0) step <- 1e-4
  slope_at <- function(h) {
    up <- down <- b
    up[j] <- b[j] + h
    down[j] <- b[j] - h
    (f(up) - f(down)) / (up[j] - down[j])
  }
  row <- list()
  best <- rep(NaN, size)
  error <- rep(Inf, size)
  for (i in 0:7) {
    new <- list(slope_at(step * 0.5^i))
    for (m in seq_along(row)) {
      new[[m + 1]] <- new[[m]] + (new[[m]] - row[[m]]) / (4^m - 1)
      doubt <- pmax(abs(new[[m + 1]] - new[[m]]), abs(new[[m + 1]] - row[[m]]))
      better <- !is.na(doubt) & doubt < error
      best[better] <- new[[m + 1]][better]
      error[better] <- doubt[better]
    }
    row <- new
  }
  # two rounded differences can agree by chance: a further step, no power of two of the others, has a say
  list(slope = best, error = pmax(error, 0.1 * abs(slope_at(0.037 * step) - best)))
}
