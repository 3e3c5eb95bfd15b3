# Linear hypotheses R b = q: from text or a matrix to rows that can be tested.

#' List with `matrix` (m, p), `value` (m), `labels` and `notes`
#' @noRd
linear_hypotheses <- function(hypotheses, names, value = NULL) {
  if (is.character(hypotheses) && length(hypotheses)) return(hypotheses_of_text(hypotheses, names, value))
  if (is.numeric(hypotheses)) return(hypotheses_of_matrix(hypotheses, names, if (is.null(value)) 0 else value))
  stop_hypotheses(sprintf("hypotheses: %s are none.", shown(hypotheses)))
}

hypotheses_of_text <- function(text, names, value) {
  equations <- do.call(c, lapply(text, read_equations, names = names, argument = "hypotheses"))
  rows <- lapply(equations, hypothesis_row, p = length(names))
  h <- list(matrix = do.call(rbind, lapply(rows, `[[`, "slope")), value = vapply(rows, function(r) -r$value, 1) + 0,
            labels = vapply(rows, `[[`, "", "label"), notes = character())
  if (is.null(value)) h else with_value(h, value, equations)
}

hypotheses_of_matrix <- function(given, names, value) {
  p <- length(names)
  if ((if (is.matrix(given)) ncol(given) else length(given)) == p) given <- in_named_order(given, names, "hypotheses")
  rows <- if (is.matrix(given)) unname(given) else matrix(given, 1)
  if (ncol(rows) != p || !nrow(rows)) {
    stop_hypotheses(sprintf("hypotheses: a matrix of %d rows and %d columns for %d parameters.", nrow(rows),
                            ncol(rows), p))
  }
  if (!is.numeric(value) || !length(value) %in% c(1, nrow(rows)) || !all(is.finite(c(rows, value)))) {
    stop_hypotheses("hypotheses: the matrix or its values are not finite, or not as many as its rows.")
  }
  list(matrix = rows, value = rep_len(as.numeric(value), nrow(rows)), labels = paste("row", seq_len(nrow(rows))),
       notes = character())
}

# At 0 the value is the constant itself, free of the rounding that taking it from R b would bring.
hypothesis_row <- function(equation, p) {
  side <- evaluate_tree(equation$left, numeric(p))
  if (!is.null(equation$right)) side <- binary_term("-", side, evaluate_tree(equation$right, numeric(p)))
  if (side$degree > 1 || !all(is.finite(side$slope)) || !is.finite(side$value)) {
    stop_gbtm("not_linear", sprintf("hypotheses: '%s' is not linear in the parameters.", equation$text), "hypotheses",
              "Use wald_test_nonlinear(), or delta_method() for an estimate.")
  }
  side$label <- if (is.null(equation$right)) paste(equation$text, "= 0") else equation$text
  side
}

# Values beside expressions: expression = value.
with_value <- function(h, value, equations) {
  alone <- all(vapply(equations, function(e) is.null(e$right), TRUE))
  if (!alone || !is.numeric(value) || !length(value) %in% c(1, length(h$value)) || !all(is.finite(value))) {
    stop_hypotheses("hypotheses: values go with expressions that have no equals sign, one for each.")
  }
  h$value <- h$value + rep_len(value, length(h$value))
  h$labels <- paste(vapply(equations, `[[`, "", "text"), "=", format_short(rep_len(value, length(h$value))))
  h
}

format_short <- function(x) vapply(x, function(v) format(v, digits = 6), "")

stop_hypotheses <- function(message) {
  stop_gbtm("bad_hypotheses", message, "hypotheses",
            "Give text such as \"t[1] = t[2]\", or a matrix of one row a hypothesis.")
}

# Covariance (r, r) of functions of the parameters with derivatives `slopes` (r, p), after making sure that each has
# one: it is judged by its own variance, which a sum may have though its terms have none. `inside` is the fit's
# `internal`; without it, as of a file of before it was stored, only functions of parameters with a standard error have
# one.
checked_vcov <- function(v, names, slopes, labels, argument, inside = NULL) {
  variance <- diag(v)
  withheld <- sweep(slopes != 0, 2, is.na(variance) | variance < 0, `&`)
  if (is.null(inside)) {
    refuse_undetermined(rowSums(withheld) > 0, withheld, names, labels, argument)
  } else {
    gradient <- slopes %*% inside$jacobian
    refuse_undetermined(!determined(inside, gradient), withheld, names, labels, argument)
    if (any(withheld)) return(tcrossprod(gradient %*% inside$root))
  }
  v[is.na(v)] <- 0
  slopes %*% unname(v) %*% t(slopes)
}

# An error for functions that are `lost`, naming their parameters without a standard error.
refuse_undetermined <- function(lost, withheld, names, labels, argument) {
  if (!any(lost)) return(invisible())
  at_fault <- colSums(withheld[lost, , drop = FALSE]) > 0
  named <- if (any(at_fault)) names[at_fault] else paste0("'", labels[lost], "'")
  stop_gbtm("no_standard_error", sprintf(
    "%s: there is no standard error of %s, so that nothing can be tested or said of it.", argument,
    paste(named, collapse = ", ")
  ), argument, "The warnings of the fit say why; leave it out, or fit a model that the data determine.")
}

# Which functions with gradients (r, p) in the engine's coordinates the data determine: those that do not load on a
# direction without information, and whose standard error per unit of the gradient is not boundless.
determined <- function(inside, gradient) {
  size <- pmax(sqrt(rowSums(gradient^2)), 1e-300)
  sandwich <- !is.null(inside$information_root)
  plain <- rowSums((gradient %*% if (sandwich) inside$information_root else inside$root)^2)
  known <- sqrt(rowSums((gradient %*% inside$undetermined)^2)) <= constants$undetermined_share * size &
    plain <= (constants$se_most * size)^2
  if (!sandwich) return(known)
  # of what all clusters agree in, the sandwich's variance is zero
  known & !(rowSums((gradient %*% inside$root)^2) <= constants$no_variance * plain & plain > 0)
}

# What makes coefficients comparable: standard errors, and where there is none a unit of the predictor.
scales_of <- function(v, inside) {
  variance <- unname(diag(v))
  unit <- if (is.null(inside)) 1 else sqrt(rowSums(inside$jacobian^2))
  ifelse(!is.na(variance) & variance > 0, sqrt(pmax(variance, 0)), unit)
}

# Leave out what follows from the rows before, and say so; scales make the coefficients comparable.
independent_rows <- function(h, scales) {
  scaled <- h$matrix %*% diag(scales, length(scales))
  size <- sqrt(rowSums(scaled^2))
  keep <- integer()
  for (i in seq_along(size)) {
    row <- scaled[i, ] / max(size[i], .Machine$double.xmin)
    base <- scaled[keep, , drop = FALSE] / size[keep]
    weight <- if (length(keep)) qr.coef(qr(t(base), tol = 1e-12), row) else numeric()
    if (size[i] > 0 && sqrt(sum((row - colSums(weight * base))^2)) > constants$dependent_share) {
      keep <- c(keep, i)
      next
    }
    check_value(h, i, weight, size, keep)
    h$notes <- c(h$notes, sprintf("'%s' follows from the other hypotheses and is not counted.", h$labels[i]))
  }
  if (!length(keep)) stop_hypotheses(sprintf("hypotheses: '%s' holds for any parameters.", h$labels[1]))
  list(matrix = h$matrix[keep, , drop = FALSE], value = h$value[keep], labels = h$labels[keep], notes = h$notes)
}

# The value of the dependent row i is the one that the kept rows imply.
check_value <- function(h, i, weight, size, keep) {
  parts <- weight * h$value[keep] / size[keep]
  asked <- h$value[i] / (if (size[i] > 0) size[i] else 1)
  if (abs(asked - sum(parts)) > constants$dependent_share * (abs(asked) + sum(abs(parts)))) {
    stop_gbtm("contradictory", sprintf(
      "hypotheses: '%s' contradicts the others; together they hold for no parameters.", h$labels[i]
    ), "hypotheses", "Leave one of them out.")
  }
}

# d' V^-1 d of differences and their covariance.
quadratic_form <- function(difference, v, labels, argument) {
  sd <- sqrt(pmax(diag(v), 0))
  decomposed <- if (all(sd > 0)) eigen(v / (sd %o% sd), symmetric = TRUE)
  if (is.null(decomposed) || any(decomposed$values <= constants$least_eigenvalue)) {
    stop_gbtm("singular_covariance", sprintf(
      "%s: the estimates of %d hypotheses have a covariance of lower rank: %s.", argument, length(sd),
      paste(labels, collapse = ", ")
    ), argument, paste(
      "Test fewer at once. A robust covariance has no more dimensions than there are clusters; powers of a time far",
      "from 0, such as calendar years, cannot be told apart (shift the time towards 0)."
    ))
  }
  sum((crossprod(decomposed$vectors, difference / sd))^2 / decomposed$values)
}
