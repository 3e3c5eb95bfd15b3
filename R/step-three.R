# What distal() and predictors() return, and the methods that take it apart.

#' Ask the engine, and make an object of the answer
#'
#' @param asked what is asked, for the engine; `columns` of the table by name; `id` the name of that of the ids
#' @param terms terms that can be tested alone: names of the columns of each, by their label
#' @param note a further sentence on what was done, or NULL
#' @noRd
new_step_three <- function(fit, asked, columns, id, formula, terms, note, call) {
  columns <- columns[!duplicated(names(columns))]
  request <- list(call = asked, columns = sent_columns(columns, id))
  answer <- step_three_answer(fit, request, NULL, call)
  kind <- c(distal = "gbtm_distal", predictors = "gbtm_predictors", traj = "gbtm_traj_outcome")[[answer$kind]]
  names <- as.character(answer$names)
  cov <- answer_array(answer$cov, answer$arrays)
  object <- list(
    formula = formula, coefficients = stats::setNames(answer_array(answer$params, answer$arrays), names),
    vcov = structure(cov, dimnames = list(names, names)),
    df = if (is.null(answer$df)) Inf else answer$df, family = answer$family, method = answer$method,
    assignment = answer$assignment, covariance = answer$covariance, n_groups = answer$n_groups, nobs = answer$nobs,
    n_step_one = answer$n_step_one, title = answer$title, method_words = answer$method_words,
    terms = terms, reference = answer$reference, loglik = answer$loglik,
    notes = c(as.character(unlist(answer$notes)), note),
    warnings = vapply(answer$findings, function(f) f$sentence, ""), fit = fit, request = request
  )
  if (!is.null(answer$test)) object$test <- group_test(answer$test)
  if (!is.null(answer$groups)) object$groups <- step_three_frame(answer$groups, answer$arrays)
  for (finding in answer$findings) {
    warning(gbtm_condition(finding$code, finding$sentence, NULL, "", call, c("gbtm_warning", "warning")))
  }
  structure(Filter(Negate(is.null), object), class = c(kind, "gbtm_step_three"))
}

# Each column as numbers, and how the engine is to read them.
sent_columns <- function(columns, id) {
  Map(function(values, name) {
    if (is.factor(values) || is.character(values)) {
      levels <- if (is.factor(values)) levels(values) else unique(values[!is.na(values)])
      return(list(name = name, kind = "text", levels = json_array(levels), factor = is.factor(values),
                  ordered = is.ordered(values), x = match(as.character(values), levels) - 1))
    }
    kind <- if (name == id) "id" else if (is.logical(values)) "logical" else "number"
    list(name = name, kind = kind, x = numeric_column(values, name))
  }, unname(columns), names(columns))
}

# What the engine says of a request: the result itself, or what is asked of it.
step_three_answer <- function(fit, request, asked, call) {
  for (i in seq_along(request$columns)) {
    send_column(paste0("people", i - 1), as.double(request$columns[[i]]$x))
  }
  described <- lapply(request$columns, function(column) column[names(column) != "x"])
  fitted_answer("step_three", document_text(fit),
                as_request(list(call = request$call, columns = described, asked = asked)), call = call)
}

# A table that is asked of a result.
ask_step_three <- function(x, what, options, call) {
  options <- Filter(Negate(is.null), options)
  if (!length(options)) names(options) <- character()
  answer <- step_three_answer(x$fit, x$request, list(what = what, options = options), call)
  if (is.null(answer$table)) return(group_test(answer))
  table <- step_three_frame(answer$table, answer$arrays)
  for (name in names(answer$attributes)) attr(table, name) <- answer$attributes[[name]]
  table
}

# A table of the engine's with names as they are in R; what stands in its margin becomes a column.
step_three_frame <- function(table, arrays) {
  frame <- answer_frame(table, arrays)
  if (!is.null(table$rows)) {
    frame <- cbind(data.frame(comparison = row.names(frame), stringsAsFactors = FALSE), frame)
    row.names(frame) <- NULL
  }
  names(frame) <- sub(" - ", " minus ", names(frame), fixed = TRUE)
  names(frame) <- sub("std_err$", "se", gsub("[ -]+", "_", gsub("[()]", "", sub("^P>\\|.\\|$", "p", names(frame)))))
  frame
}

# A joint test as R has them.
group_test <- function(test) {
  number <- function(x) if (is.null(x)) NA_real_ else x
  chisq <- is.null(test$df_denom)
  structure(class = "htest", list(
    statistic = stats::setNames(number(test$statistic), if (chisq) "Chisq" else "F"),
    parameter = c(df = test$df_num, "denominator df" = test$df_denom), p.value = number(test$pvalue),
    method = "Wald test", data.name = test$hypothesis
  ))
}

test_sentence <- function(test) {
  df <- paste(test$parameter, collapse = ", ")
  p <- format.pval(test$p.value, digits = 3, eps = 1e-4)
  sprintf("%s%s: %s(%s) = %.4f, p %s", toupper(substr(test$data.name, 1, 1)), substring(test$data.name, 2),
          if (length(test$parameter) > 1) "F" else "chi2", df, test$statistic, if (startsWith(p, "<")) p else
            paste("=", p))
}

step_three_table <- function(object) {
  se <- sqrt(diag(object$vcov))
  t <- object$coefficients / se
  letter <- if (is.finite(object$df)) "t" else "z"
  p <- 2 * stats::pt(-abs(t), object$df)
  matrix(c(object$coefficients, se, t, p), ncol = 4, dimnames = list(
    names(object$coefficients), c("Estimate", "Std. Error", paste(letter, "value"), sprintf("Pr(>|%s|)", letter))
  ))
}

#' @export
print.gbtm_step_three <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(...)
  if (!is.null(x$traj)) {
    cat(x$traj$text, if (!endsWith(x$traj$text, "\n")) "\n", sep = "")
    return(invisible(x))
  }
  print_head(x)
  if (is.null(x$groups)) print(x$coefficients, digits = digits) else print(x$groups, digits = digits, row.names = FALSE)
  if (!is.null(x$test)) cat("\n", test_sentence(x$test), "\n", sep = "")
  print_sentences(if (length(x$warnings)) paste("Warning:", x$warnings))
  invisible(x)
}

print_head <- function(x) {
  if (inherits(x, "gbtm_traj_outcome")) {
    cat("Outcome regressed on posterior probabilities, as Stata's traj does\n", x$formula, ", ", x$family,
        ", log-likelihood ", formatC(x$loglik, format = "f", digits = 4), "\n",
        if (isTRUE(x$excluded > 0)) sprintf("%d people without the outcome left out\n", x$excluded), "\n", sep = "")
    return(invisible())
  }
  how <- c(x$family, x$method_words, if (x$assignment != "none") paste(x$assignment, "assignment"))
  cat(x$title, "\n", x$formula, "; ", paste(how, collapse = ", "), "\n", x$nobs, " of ", x$n_step_one,
      " people; standard errors: ", x$covariance, "\n\n", sep = "")
}

#' @export
summary.gbtm_step_three <- function(object, ...) {
  check_dots(...)
  object$coefficients <- step_three_table(object)
  structure(object, class = c("summary.gbtm_step_three", class(object)[1]))
}

#' @export
print.summary.gbtm_step_three <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(...)
  print_head(x)
  stats::printCoefmat(x$coefficients, digits = digits, signif.stars = FALSE)
  if (!is.null(x$groups)) {
    cat("\n")
    print(x$groups, digits = digits, row.names = FALSE)
  }
  if (!is.null(x$test)) cat("\n", test_sentence(x$test), "\n", sep = "")
  if (inherits(x, "gbtm_traj_outcome")) {
    x$notes <- paste("Its group coefficients are no means of the groups: method = \"ml\", \"bch\" and \"two-step\"",
                     "estimate those.")
  }
  print_sentences(c(x$notes, if (length(x$warnings)) paste("Warning:", x$warnings)))
  invisible(x)
}

#' @export
coef.gbtm_step_three <- function(object, ...) {
  check_dots(...)
  object$coefficients
}

#' @export
vcov.gbtm_step_three <- function(object, ...) {
  check_dots(...)
  object$vcov
}

#' @export
nobs.gbtm_step_three <- function(object, ...) {
  check_dots(...)
  object$nobs
}

#' @export
formula.gbtm_step_three <- function(x, ...) {
  check_dots(...)
  stats::as.formula(x$formula)
}

#' @export
confint.gbtm_step_three <- function(object, parm = NULL, level = 0.95, ...) {
  check_dots(...)
  check_level(level)
  b <- object$coefficients
  unknown <- if (is.character(parm)) setdiff(parm, names(b)) else setdiff(parm, seq_along(b))
  if (length(unknown)) {
    stop_gbtm("unknown_parameter", sprintf("parm: there is no %s.", listing(as.character(unknown))), "parm",
              sprintf("The parameters are %s.", listing(names(b), 40)))
  }
  half <- stats::qt((1 + level) / 2, object$df) * sqrt(diag(object$vcov))
  percent <- paste(format(100 * c((1 - level) / 2, (1 + level) / 2), trim = TRUE, digits = 3), "%")
  table <- matrix(c(b - half, b + half), ncol = 2, dimnames = list(names(b), percent))
  if (is.null(parm)) table else table[parm, , drop = FALSE]
}

#' @rdname tidy.gbtm
#' @export
tidy.gbtm_step_three <- function(x, conf.int = FALSE, conf.level = 0.95, ...) { # nolint
  check_dots(...)
  check_level(conf.level, "conf.level")
  table <- step_three_table(x)
  tidied <- data.frame(term = rownames(table), estimate = table[, 1], std.error = table[, 2], statistic = table[, 3],
                       p.value = table[, 4], row.names = NULL)
  if (conf.int) tidied[c("conf.low", "conf.high")] <- as.data.frame(stats::confint(x, level = conf.level))
  as_table(tidied)
}

#' @rdname tidy.gbtm
#' @export
glance.gbtm_step_three <- function(x, ...) { # nolint
  check_dots(...)
  if (is.null(x$test)) return(as_table(data.frame(family = x$family, method = x$method, logLik = x$loglik)))
  as_table(data.frame(
    n_groups = x$n_groups, family = if (is.null(x$family)) NA_character_ else x$family, method = x$method,
    assignment = x$assignment, nobs = x$nobs, n_step_one = x$n_step_one, statistic = unname(x$test$statistic),
    df = unname(x$test$parameter[1]), p.value = x$test$p.value
  ))
}
