# How the columns of a basis of time are made, as the fit document says it: what R's terms took from the data in
# Python's words, and what Python's took evaluated here, so that a fit read from a file has its curve at any time.

#' A basis in the words of the fit document
#'
#' @param frame the model frame of the formula at the fit's times, `matrix` its model matrix
#' @param time name of the time
#' @return list for JSON, or NULL where the formula has more than columns of time and terms that Python has too
#' @noRd
design_of_basis <- function(frame, matrix, time) {
  terms <- attr(frame, "terms")
  variables <- rownames(attr(terms, "factors"))
  if (is.null(variables) || !is.null(attr(terms, "offset"))) return(NULL)
  expressions <- as.list(attr(terms, "variables"))[-1]
  kept <- Map(kept_of_variable, frame[variables], expressions, time)
  if (any(vapply(kept, is.null, NA))) return(NULL)
  width <- vapply(frame[variables], NCOL, 1)
  assign <- attr(matrix, "assign")
  in_term <- attr(terms, "factors") > 0
  parts <- lapply(seq_len(max(assign)), function(k) parts_of_term(which(in_term[, k]), width))
  parts <- c(if (attr(terms, "intercept") == 1) list(list(list())), parts)
  parts <- do.call(c, parts)
  if (length(parts) != ncol(matrix)) return(NULL)
  names <- sub("(Intercept)", "intercept", colnames(matrix), fixed = TRUE)
  list(
    formula = python_formula(terms, kept, in_term, time), variables = list(time),
    factors = unname(lapply(kept, document_factor, time = time)),
    columns = lapply(seq_along(parts), function(j) list(names[j], 1, parts[[j]]))
  )
}

# What a variable of the frame took from the data; an empty list for the time itself, NULL for what Python lacks.
kept_of_variable <- function(value, expression, time) {
  if (identical(expression, as.name(time))) return(if (is.numeric(value) && is.null(dim(value))) list())
  if (is.call(expression) && identical(expression[[2]], as.name(time))) kept_of_term(value)
}

# The same of a term that R has: ours, or natural splines.
kept_of_term <- function(value) {
  if (inherits(value, "time_term")) return(attr(value, "term"))
  if (inherits(value, "ns") && !isTRUE(attr(value, "intercept"))) {
    list(term = "ns", knots = as.double(attr(value, "knots")), boundary = attr(value, "Boundary.knots"))
  } else if (inherits(value, "bs") && !isTRUE(attr(value, "intercept"))) {
    list(term = "bs", knots = as.double(attr(value, "knots")), boundary = attr(value, "Boundary.knots"),
         degree = as.integer(attr(value, "degree")))
  } else if (inherits(value, "poly") && !is.null(attr(value, "degree"))) {
    c(list(term = "poly", degree = length(attr(value, "degree"))), attr(value, "coefs"))
  }
}

# The columns of one term, the first variable's changing fastest: of each its parts, (variable, "number", column), from
# 0.
parts_of_term <- function(at, width) {
  grid <- as.matrix(expand.grid(lapply(width[at], seq_len)))
  lapply(seq_len(nrow(grid)), function(i) {
    lapply(seq_along(at), function(j) list(at[[j]] - 1, "number", grid[[i, j]] - 1))
  })
}

quoted_name <- function(name) sprintf("`%s`", name)

document_factor <- function(kept, time) {
  call <- function(x) if (length(kept)) sprintf("%s(%s%s)", kept$term, x, further_arguments(kept)) else x
  text <- call(quoted_name(time))
  state <- if (length(kept)) list(list(call("_quoted_0"), list(map = stored_state(kept)))) else list()
  list(text = text, state = list(map = state), pointwise = TRUE, arithmetic = TRUE, levels = NULL, codings = NULL)
}

# Of Python's own splines and polynomials what they keep is not all: beyond its boundary knots R's spline goes on.
further_arguments <- function(kept) {
  switch(kept$term,
    bs = sprintf(", degree=%d, extrapolation='extend'", kept$degree),
    poly = sprintf(", %d%s", kept$degree, if (is.null(kept$alpha)) ", raw=True" else ""),
    ""
  )
}

stored_state <- function(kept) {
  if (kept$term == "bs") return(state_of_bs(kept))
  if (kept$term == "poly") return(state_of_poly(kept))
  unname(Map(function(name, value) {
    list(name, if (name %in% c("knots", "boundary", "ends")) list(array = json_array(value)) else json_plain(value))
  }, names(kept), kept))
}

# The boundary knots stand once more for each degree.
state_of_bs <- function(kept) {
  low <- kept$boundary[1]
  high <- kept$boundary[2]
  knots <- c(rep(low, kept$degree + 1), kept$knots, rep(high, kept$degree + 1))
  list(list("lower_bound", json_number(low)), list("upper_bound", json_number(high)), list("knots", json_array(knots)))
}

# The recurrence's coefficients and the sums of squares, by degree; R counts one more before that of degree 0.
state_of_poly <- function(kept) {
  if (is.null(kept$alpha)) return(list())
  by_degree <- function(values) list(map = lapply(seq_along(values), function(k) list(k - 1, json_number(values[k]))))
  list(list("alpha", by_degree(kept$alpha)), list("norms2", by_degree(kept$norm2[-1])))
}

json_plain <- function(value) if (is.numeric(value)) json_number(value) else value

# The right-hand side as Python is asked for it.
python_formula <- function(terms, kept, in_term, time) {
  name <- if (grepl("^[A-Za-z_][A-Za-z0-9_]*$", time)) time else quoted_name(time)
  texts <- vapply(kept, python_term, "", name = name)
  labels <- vapply(seq_len(ncol(in_term)), function(k) paste(texts[in_term[, k]], collapse = ":"), "")
  paste(c(if (attr(terms, "intercept") == 0) "0", labels), collapse = " + ")
}

python_term <- function(kept, name) {
  if (!length(kept)) return(name)
  numbers <- function(x) sprintf("[%s]", paste(vapply(x, format, "", digits = 17), collapse = ", ")) # of one, too
  settings <- switch(kept$term,
    lspline = sprintf("knots=%s", numbers(kept$knots)),
    ns = sprintf("knots=%s, boundary_knots=%s", numbers(kept$knots), numbers(kept$boundary)),
    cc = sprintf("knots=%s, period=%s", numbers(kept$knots), numbers(kept$ends)),
    sincos = sprintf("period=%s, order=%d", format(kept$period, digits = 17), as.integer(kept$order)),
    bs = sprintf("knots=%s, degree=%d, lower_bound=%s, upper_bound=%s", numbers(kept$knots), kept$degree,
                 decimal(kept$boundary[1]), decimal(kept$boundary[2])),
    poly = sprintf("%d%s", kept$degree, if (is.null(kept$alpha)) ", raw=True" else "")
  )
  sprintf("%s(%s, %s)", kept$term, name, settings)
}

# Whole numbers with a point: Python takes others for counts.
decimal <- function(x) if (x == round(x)) sprintf("%.1f", x) else format(x, digits = 17)

#' Columns (C, q) of a stored design at new times; NULL where it has more than R can make
#' @noRd
stored_columns <- function(design, times) {
  if (is.null(design) || length(design$variables) != 1) return(NULL)
  made <- lapply(design$factors, factor_columns_at, time = design$variables[[1]], times = times)
  if (any(vapply(made, is.null, NA))) return(NULL)
  columns <- lapply(design$columns, function(column) {
    parts <- lapply(column[[3]], function(part) { # numbers and text: text to a reader of JSON
      made[[as.numeric(part[[1]]) + 1]][, as.numeric(part[[3]]) + 1]
    })
    Reduce(`*`, parts, rep(as.double(column[[2]]), length(times)))
  })
  matrix(unlist(columns), length(times))
}

# Of the time itself, or of a call of a term with the state that it left; NULL for anything else.
factor_columns_at <- function(factor, time, times) {
  bare <- function(text) gsub("\"", "'", gsub("[[:space:]]", "", text), fixed = TRUE)
  text <- gsub(quoted_name(time), "_quoted_0", bare(factor$text), fixed = TRUE)
  if (text %in% c("_quoted_0", time)) return(cbind(times))
  states <- factor$state$map
  if (length(states) != 1) return(NULL)
  call <- states[[1]][[1]]
  kept <- known_state(states[[1]][[2]]$map, text)
  opening <- sprintf("%s(%s", kept$term, c("_quoted_0", time))
  mine <- identical(bare(call), text) && any(startsWith(text, opening))
  if (mine && kept$term %in% stored_terms && plain_argument(text, opening)) term_columns(kept, times)
}

stored_terms <- c("lspline", "ns", "cc", "sincos", "bs", "poly")

# Whether the term is of the time itself: after its name comes the next argument, or the end.
plain_argument <- function(text, opening) {
  after <- nchar(opening[startsWith(text, opening)][1]) + 1
  substring(text, after, after) %in% c(",", ")")
}

# What a term took from the data, of Python's own splines and polynomials with what their `text` says.
known_state <- function(map, text) {
  if (startsWith(text, "bs(")) return(known_bs(map, text))
  if (startsWith(text, "poly(")) return(known_poly(map, text))
  values <- lapply(map, function(pair) if (is.list(pair[[2]])) as.double(unlist(pair[[2]]$array)) else pair[[2]])
  names <- vapply(map, function(pair) as.character(pair[[1]]), "")
  values <- stats::setNames(values, names)
  for (name in intersect(c("period", "order"), names)) values[[name]] <- as.double(values[[name]])
  if (is.null(values$term)) values$term <- ""
  values
}

state_value <- function(map, name) {
  for (pair in map) if (identical(as.character(pair[[1]]), name)) return(pair[[2]])
}

not_known <- list(term = "")

# The degree is one less than how often a boundary knot stands there.
known_bs <- function(map, text) {
  stored <- state_value(map, "knots")
  knots <- as.double(unlist(if (is.list(stored) && !is.null(stored$array)) stored$array else stored))
  other <- grepl("include_intercept|extrapolation='(clip|na|zero)", text)
  if (length(knots) < 2 || other) return(not_known)
  ends <- range(knots)
  degree <- sum(knots == ends[1]) - 1
  inside <- knots > ends[1] & knots < ends[2]
  if (degree < 1 || sum(knots == ends[2]) != degree + 1) return(not_known)
  list(term = "bs", knots = knots[inside], boundary = ends, degree = degree)
}

known_poly <- function(map, text) {
  by_degree <- function(name) {
    pairs <- state_value(map, name)$map
    order <- vapply(pairs, function(pair) as.double(pair[[1]]), 1)
    vapply(pairs, function(pair) as.double(pair[[2]]), 1)[order(order)]
  }
  alpha <- by_degree("alpha")
  if (length(alpha)) return(list(term = "poly", alpha = alpha, norms2 = by_degree("norms2")))
  raw <- "^poly\\([^(),]+,(degree=)?([0-9]+),(raw=)?True\\)$"
  if (grepl(raw, text)) list(term = "poly", degree = as.integer(sub(raw, "\\2", text))) else not_known
}

# Columns of orthogonal polynomials by their recurrence, of which `norms2` are the sums of squares, or plain powers.
poly_columns <- function(kept, x) {
  if (is.null(kept$alpha)) return(outer(x, seq_len(kept$degree), "^"))
  n <- length(kept$alpha)
  p <- matrix(1, length(x), n + 1)
  for (k in seq_len(n)) {
    p[, k + 1] <- (x - kept$alpha[k]) * p[, k]
    if (k > 1) p[, k + 1] <- p[, k + 1] - kept$norms2[k] / kept$norms2[k - 1] * p[, k - 1]
  }
  sweep(p, 2, sqrt(kept$norms2), "/")[, -1, drop = FALSE]
}
