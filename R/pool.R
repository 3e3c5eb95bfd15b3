#' Pool fits to multiply imputed data
#'
#' Rubin's rules over fits of one model to several imputed data sets, with the groups of every fit put in the order of
#' the first one's by the posterior probabilities of the people that both have. Degrees of freedom are Barnard and
#' Rubin's (1999).
#'
#' The generic of the package mice has the same name. What is not a list of these fits is handed on to it, and
#' `gbtm::pool()` is this one whatever is attached.
#'
#' @param object a list of two or more fits from [gbtm()]; or what `with()` makes of a `mids` object of mice, for
#'   example `with(imputed, gbtm(y ~ t, data.frame(id, t, y), id = "id", groups = 2))`
#' @param df_complete degrees of freedom if nothing were missing; default subjects minus parameters
#' @param x pooled fits
#' @param parm names or numbers of the parameters, all when missing
#' @param level level of the intervals
#' @param times,tcov as for [predict.gbtm()]; `times` default to all that were observed in some imputation
#' @param digits significant digits
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return A list of class `gbtm_pooled`: `coefficients`, `vcov` (total), `df`, `riv` (relative increase in variance by
#'   the missing values) and `fmi` (fraction of missing information) by parameter, `shares` (data frame: group, share,
#'   lower, upper, fmi; pooled on the logit scale), `orders` (matrix: group k here is group `orders[j, k]` of fit j),
#'   `df_complete`, `notes`, `fits`. Methods: `print`, `summary`, `coef`, `vcov`, `confint` (by t), `predict` (curves).
#' @section Errors: `gbtm_one_fit`, `gbtm_different_models`, `gbtm_bad_fit`.
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' gone <- which(is.na(d$offenses))
#' fits <- lapply(1:3, function(seed) {
#'   set.seed(seed)
#'   d$offenses[gone] <- rpois(length(gone), 1) # for show: impute with care, see the package mice
#'   gbtm(offenses ~ age, d, id = "id", groups = 2, order = 1, family = "poisson")
#' })
#' pooled <- pool(fits)
#' summary(pooled)
#' confint(pooled)
#' @export
pool <- function(object, ...) UseMethod("pool")

#' @rdname pool
#' @export
pool.list <- function(object, df_complete = NULL, ...) {
  check_dots(...)
  call <- sys.call()
  for (fit in object) {
    if (!inherits(fit, "gbtm")) {
      stop_gbtm("bad_fit", sprintf("object: it holds an object of class %s, which is no fit.", class(fit)[1]), "object",
                "Give a list of fits from gbtm().", call)
    }
  }
  texts <- vapply(object, document_text, "")
  documents <- sprintf("[%s]", paste(texts, collapse = ", "))
  df <- if (is.null(df_complete)) "null" else as.character(json_number(df_complete))
  found <- fitted_answer("pool", documents, df, call = call)
  table <- answer_frame(found$table, found$arrays)
  parameter <- function(column) stats::setNames(table[[column]], row.names(table))
  k <- length(found$orders[[1]])
  pooled <- list(
    call = call, coefficients = parameter("estimate"), vcov = named_square(decode(found$cov, found$arrays),
                                                                           row.names(table)),
    df = parameter("df"), riv = parameter("riv"), fmi = parameter("fmi"),
    logits = answer_frame(found$shares, found$arrays), df_complete = found$df_complete,
    orders = matrix(unlist(found$orders), ncol = k, byrow = TRUE), notes = as_text(found$notes),
    fits = unname(unclass(object))
  )
  pooled$shares <- pooled_shares(pooled$logits, 0.95)
  structure(pooled, class = "gbtm_pooled")
}

#' @rdname pool
#' @export
pool.mira <- function(object, ...) {
  fits <- object$analyses
  if (length(fits) && all(vapply(fits, inherits, NA, "gbtm"))) pool.list(fits, ...) else pool.default(object, ...)
}

#' @rdname pool
#' @export
pool.default <- function(object, ...) {
  if (isNamespaceLoaded("mice")) return(getExportedValue("mice", "pool")(object, ...))
  stop_gbtm("bad_fit", sprintf("object: an object of class %s is no list of fits.", class(object)[1]), "object",
            "Give a list of fits from gbtm().")
}

# Logits of the shares back to shares that add to 1, with limits by t.
pooled_shares <- function(logits, level) {
  k <- nrow(logits)
  if (k == 1) return(data.frame(group = 1L, share = 1, lower = NA_real_, upper = NA_real_, fmi = NA_real_))
  share <- stats::plogis(logits$estimate)
  reach <- stats::qt(0.5 + level / 2, logits$df) * logits$se
  data.frame(group = seq_len(k), share = share / sum(share), lower = stats::plogis(logits$estimate - reach),
             upper = stats::plogis(logits$estimate + reach), fmi = logits$fmi)
}

#' @rdname pool
#' @export
coef.gbtm_pooled <- function(object, ...) {
  check_dots(..., known = "complete")
  object$coefficients
}

#' @rdname pool
#' @export
vcov.gbtm_pooled <- function(object, ...) {
  check_dots(..., known = "complete")
  object$vcov
}

#' @rdname pool
#' @export
confint.gbtm_pooled <- function(object, parm, level = 0.95, ...) {
  check_dots(...)
  names <- names(object$coefficients)
  wanted <- wanted_parameters(names, if (missing(parm)) names else parm, sys.call())
  half <- stats::qt(0.5 + check_level(level) / 2, object$df) * sqrt(diag(object$vcov))
  ends <- cbind(object$coefficients - half, object$coefficients + half)[match(wanted, names), , drop = FALSE]
  dimnames(ends) <- list(wanted, percent_labels(level))
  ends
}

#' @rdname pool
#' @export
summary.gbtm_pooled <- function(object, level = 0.95, ...) {
  check_dots(...)
  se <- sqrt(diag(object$vcov))
  t <- object$coefficients / se
  limits <- stats::confint(object, level = level)
  table <- cbind(object$coefficients, se, t, object$df, 2 * stats::pt(-abs(t), object$df), limits, object$fmi)
  dimnames(table) <- list(names(object$coefficients),
                          c("Estimate", "Std. Error", "t", "df", "Pr(>|t|)", colnames(limits), "fmi"))
  structure(class = "summary.gbtm_pooled", list(
    coefficients = table, shares = pooled_shares(object$logits, level), notes = object$notes, object = object
  ))
}

#' @rdname pool
#' @export
print.gbtm_pooled <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(...)
  print_pooled_heading(x)
  table <- cbind(estimate = x$coefficients, "std. error" = sqrt(diag(x$vcov)), df = x$df, fmi = x$fmi)
  print(table, digits = digits)
  cat("\nGroup shares\n")
  print_shares(x$shares)
  print_sentences(x$notes)
  invisible(x)
}

#' @rdname pool
#' @export
print.summary.gbtm_pooled <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(...)
  print_pooled_heading(x$object)
  table <- x$coefficients
  number <- function(column, digits) formatC(table[, column], digits = digits, format = "g", flag = "#")
  shown <- cbind(
    number(1, digits), number(2, digits), formatC(table[, 3], digits = 3, format = "f"),
    formatC(table[, 4], digits = 0, format = "f"),
    or_na(table[, 5], function(v) ifelse(v < 1e-4, "< 0.0001", formatC(v, digits = 4, format = "f"))),
    number(6, digits), number(7, digits), formatC(table[, 8], digits = 3, format = "f")
  )
  dimnames(shown) <- list(rownames(table), sub("Std. Error", "SE", colnames(table), fixed = TRUE))
  print(shown, quote = FALSE, right = TRUE)
  cat("\nGroup shares\n")
  print_shares(x$shares)
  print_sentences(x$notes)
  invisible(x)
}

print_pooled_heading <- function(x) {
  first <- x$fits[[1]]
  family <- if (is_several(first)) family_words(first) else family_label(first$family)
  cat("Pooled over ", length(x$fits), " imputations: ", family, ", ", first$n_groups, " group",
      if (first$n_groups > 1) "s", "\n", formula_words(first), "\n\n", sep = "")
}

print_shares <- function(shares) {
  print(data.frame(
    group = shares$group, share = percent(shares$share),
    "95 % interval" = ifelse(is.na(shares$lower), "NA", paste(percent(shares$lower), "to", percent(shares$upper))),
    fmi = or_na(shares$fmi, function(v) formatC(v, digits = 3, format = "f")), check.names = FALSE
  ), row.names = FALSE)
}

#' @rdname pool
#' @export
predict.gbtm_pooled <- function(object, times = NULL, level = 0.95, tcov = NULL, ...) {
  check_dots(...)
  first <- object$fits[[1]]
  if (is_several(first)) {
    return(below_each_other(lapply(stats::setNames(nm = outcome_names(first)), function(name) {
      object$fits <- lapply(object$fits, of_outcome, name)
      predict(object, times, level, tcov)
    })))
  }
  at <- if (is.null(times)) sort(unique(unlist(lapply(object$fits, seen_times)))) else curve_times(first, times)
  tables <- Map(function(fit, j) {
    table <- curve_table(fit, at, check_level(level), covariate_rows(fit, tcov, length(at)))
    size <- integer(nrow(table) / first$n_groups)
    table[as.vector(vapply(object$orders[j, ], function(g) which(table$group == g), size)), ]
  }, object$fits, seq_along(object$fits))
  estimates <- vapply(tables, `[[`, numeric(nrow(tables[[1]])), "estimate")
  variances <- vapply(tables, `[[`, numeric(nrow(tables[[1]])), "se")^2
  pooled <- rubin(matrix(estimates, ncol = length(tables)), matrix(variances, ncol = length(tables)),
                  object$df_complete)
  table <- with_outside(first, curve_table(first, at, level, covariate_rows(first, tcov, length(at))))
  reach <- stats::qt(0.5 + level / 2, pooled$df) * pooled$se
  table$estimate <- pooled$estimate
  table$se <- pooled$se
  table[c("lower", "upper")] <- if (has_logit_link(first$curves) || !has_mean(first$curves)) {
    around_logit(stats::qlogis(pooled$estimate), reach)
  } else {
    cut_to_range(first$curves, pooled$estimate - reach, pooled$estimate + reach)
  }
  table
}

# Rubin's rules by row of m estimates and their variances; Barnard and Rubin's degrees of freedom.
rubin <- function(estimates, variances, df_complete) {
  m <- ncol(estimates)
  between <- (1 + 1 / m) * apply(estimates, 1, stats::var)
  total <- rowMeans(variances) + between
  share <- between / total
  observed <- (df_complete + 1) / (df_complete + 3) * df_complete * (1 - share)
  list(estimate = rowMeans(estimates), se = sqrt(total), df = 1 / (share^2 / (m - 1) + 1 / observed))
}
