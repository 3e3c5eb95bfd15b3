# Terms that bend a curve over time. Python has the same (time_terms.py), with the same columns.

#' Terms of time: lines that bend, cyclic splines, sine and cosine
#'
#' What may stand on the right of a formula in place of a polynomial: `gbtm(y ~ lspline(age, knots = c(12, 15)), ..)`,
#' and beside [splines::ns()] and [splines::bs()], which are found there without `splines::`. They are ordinary
#' functions, also of a covariate and in [lm()]. A fit keeps its knots: it has the curve at any time, also when it was
#' read from a file, in R and in Python.
#'
#' @param x times, or another column of numbers
#' @param knots where the line bends; of `cc()` the knots within the period. `df` in place of knots puts them at
#'   equally spaced quantiles of `x`
#' @param df number of columns: of `lspline()` of segments, of `cc()` of knots within the period
#' @param period after which the curve repeats: its length, of `cc()` counted from 0, or its two ends
#' @param order number of waves in a period of the fastest; two columns each
#'
#' @return A matrix with a row for each `x`.
#'
#'   `lspline()`: a line that bends at the knots, a column a segment. A coefficient is the slope in its segment, as the
#'   package \pkg{lspline} has it by default, so that `"lspline(age, knots = 12)1[2] = lspline(age, knots = 12)2[2]"`
#'   tests whether the slope of group 2 changes at 12; the intercept is the curve at 0.
#'
#'   `cc()`: a cyclic cubic spline. The curve and its first two derivatives are the same at both ends of the period. A
#'   coefficient is the curve at its knot above what it is where the period starts, which is the intercept.
#'
#'   `sincos()`: sine and cosine of `2 * pi * x / period`, and of half the period, a third, up to `order`.
#' @section Errors: `gbtm_bad_time_term` for knots, a number of columns or a period that make no curve.
#' @examples
#' age <- 8:20
#' lspline(age, knots = c(12, 15))
#' coef(lm(offenses ~ lspline(age, knots = 14), offending))
#' cc(1:12, df = 3, period = 12)
#' sincos(1:12, period = 12)
#' @examplesIf gbtm_engine()$available
#' # slopes before and after 13 in each group
#' fit <- gbtm(offenses ~ lspline(age, knots = 13), offending, id = "id", groups = 2, family = "zip",
#'             control = gbtm_control(n_starts = 4))
#' confint(fit)
#' @name time_terms
NULL

#' @rdname time_terms
#' @export
lspline <- function(x, knots = NULL, df = NULL) {
  check_names()
  inner <- inner_knots("lspline", x, knots, df)
  seen <- range(x, na.rm = TRUE)
  if (is.null(attr(knots, "placed")) && length(inner) && (inner[1] <= seen[1] || inner[length(inner)] >= seen[2])) {
    refuse_term(sprintf("lspline: knots must lie between the smallest and the largest value, %s and %s.",
                        format(seen[1]), format(seen[2])),
                "Leave out those that do not: there is no slope to find beyond the data.")
  }
  time_term(line_columns(x, inner), list(term = "lspline", knots = inner))
}

#' @rdname time_terms
#' @export
cc <- function(x, df = NULL, knots = NULL, period) {
  check_names()
  ends <- if (!missing(period)) period_ends(period)
  if (is.null(ends)) {
    refuse_term("cc: the period must be a number above 0, or its two ends, the smaller one first.",
                "For months within years it is 12.")
  }
  inner <- inner_knots("cc", ends[1] + (x - ends[1]) %% diff(ends), knots, df, 0)
  if (inner[1] <= ends[1] || inner[length(inner)] >= ends[2]) {
    refuse_term(sprintf("cc: knots must lie within the period, %s to %s.", format(ends[1]), format(ends[2])),
                "The ends of the period are knots by themselves.")
  }
  time_term(cyclic_columns(x, c(ends[1], inner, ends[2])), list(term = "cc", knots = inner, ends = ends))
}

#' @rdname time_terms
#' @export
sincos <- function(x, period, order = 1) {
  check_names()
  if (missing(period) || !is_number(period) || period <= 0) {
    refuse_term("sincos: the period must be a number above 0.", "For months within years it is 12.")
  }
  if (!is_count(order) || order > most_waves) {
    refuse_term(sprintf("sincos: the order must be a whole number from 1 to %d.", most_waves),
                "It is 1 for one rise and fall in a period.")
  }
  time_term(wave_columns(x, period, order), list(term = "sincos", period = period, order = order))
}

most_waves <- 50

#' A call with what its term took from the data, so that predict() of any model makes the same columns
#' @noRd
#' @importFrom stats makepredictcall
#' @export
makepredictcall.time_term <- function(var, call) {
  kept <- attr(var, "term")
  call <- call[1:2]
  if (kept$term == "sincos") {
    call[c("period", "order")] <- kept[c("period", "order")]
    return(call)
  }
  call$knots <- structure(kept$knots, placed = TRUE)
  if (kept$term == "cc") call$period <- kept$ends
  call
}

time_term <- function(columns, kept) structure(columns, term = kept, class = c("time_term", "matrix"))

# Columns of a term by what it keeps, also of one that a file has.
term_columns <- function(kept, x) {
  switch(kept$term,
    lspline = line_columns(x, kept$knots),
    ns = unclass_columns(splines::ns(x, knots = kept$knots, Boundary.knots = kept$boundary)),
    cc = cyclic_columns(x, c(kept$ends[1], kept$knots, kept$ends[2])),
    sincos = wave_columns(x, kept$period, kept$order),
    # it warns beyond the boundary knots, of which warn_far_times() and the column `outside` tell
    bs = unclass_columns(suppressWarnings(
      splines::bs(x, knots = kept$knots, degree = kept$degree, Boundary.knots = kept$boundary))),
    poly = poly_columns(kept, x)
  )
}

unclass_columns <- function(x) matrix(as.vector(x), nrow(x))

numbered <- function(columns) {
  colnames(columns) <- seq_len(ncol(columns))
  columns
}

# The first segment runs to its knot from 0, so that the constant is the curve at 0.
line_columns <- function(x, knots) {
  if (!length(knots)) return(numbered(cbind(x, deparse.level = 0)))
  ends <- c(knots[-1], Inf)
  rest <- vapply(seq_along(knots), function(j) pmin(pmax(x, knots[j]), ends[j]) - knots[j], as.double(x))
  numbered(cbind(pmin(x, knots[1]), matrix(rest, length(x)), deparse.level = 0))
}

# For q + 2 knots q columns: the cyclic spline that is 1 at an inner knot and 0 at the others and at the ends.
cyclic_columns <- function(x, knots) {
  n <- length(knots) - 1
  wide <- diff(knots)
  bend <- rise <- matrix(0, n, n) # second derivatives at the knots: bend %*% them = rise %*% values
  for (j in seq_len(n)) {
    before <- (j - 2) %% n + 1
    after <- j %% n + 1
    at <- c(before, j, after)
    further <- list(c(wide[before] / 6, (wide[before] + wide[j]) / 3, wide[j] / 6),
                    c(1 / wide[before], -1 / wide[before] - 1 / wide[j], 1 / wide[j]))
    for (i in 1:3) { # one by one: of two knots the one before is the one after
      bend[j, at[i]] <- bend[j, at[i]] + further[[1]][i]
      rise[j, at[i]] <- rise[j, at[i]] + further[[2]][i]
    }
  }
  curved <- solve(bend, rise)
  turned <- knots[1] + (x - knots[1]) %% (knots[n + 1] - knots[1])
  j <- pmin(pmax(findInterval(turned, knots), 1), n)
  after <- j %% n + 1
  right <- (turned - knots[j]) / wide[j]
  left <- 1 - right
  unit <- diag(n)
  made <- left * unit[j, , drop = FALSE] + right * unit[after, , drop = FALSE] + wide[j]^2 / 6 *
    ((left^3 - left) * curved[j, , drop = FALSE] + (right^3 - right) * curved[after, , drop = FALSE])
  numbered(made[, -1, drop = FALSE])
}

wave_columns <- function(x, period, order) {
  columns <- lapply(seq_len(order), function(j) cbind(sin(2 * pi * j * x / period), cos(2 * pi * j * x / period)))
  columns <- do.call(cbind, columns)
  colnames(columns) <- paste0(c("sin", "cos"), rep(seq_len(order), each = 2))
  columns
}

# Inner knots, ascending: those given, or quantiles, equally spaced; of `df` columns some come without a knot.
inner_knots <- function(term, x, knots, df, without_knot = 1) {
  if (is.null(knots) == is.null(df)) {
    refuse_term(sprintf("%s: either knots or df must be given.", term),
                "knots are values of time, df is the number of columns.")
  }
  if (is.null(df)) return(given_knots(term, knots, without_knot))
  if (!is_count(df)) {
    refuse_term(sprintf("%s: df must be a whole number from 1 on.", term), "It is the number of columns.")
  }
  n <- df - without_knot
  found <- stats::quantile(x, seq(0, 1, length.out = n + 2)[-c(1, n + 2)], na.rm = TRUE, names = FALSE)
  if (anyDuplicated(found)) {
    refuse_term(sprintf("%s: %d knots at quantiles fall together, since many values are the same.", term, n),
                "Give knots, or a smaller df.")
  }
  found
}

given_knots <- function(term, knots, without_knot) {
  if (is.numeric(knots) && all(is.finite(knots)) && !anyDuplicated(knots) && length(knots) + without_knot >= 1) {
    return(sort(as.double(knots)))
  }
  refuse_term(sprintf("%s: knots must be different, finite numbers.", term), "For example 12 and 15.")
}

# The two ends of a period; NULL for what is none.
period_ends <- function(period) {
  if (!is.numeric(period)) return(NULL)
  ends <- if (length(period) == 1) c(0, period) else as.double(period)
  if (length(ends) == 2 && all(is.finite(ends)) && ends[1] < ends[2]) ends
}

is_count <- function(x) is_number(x) && x == round(x) && x >= 1

refuse_term <- function(message, way_out) stop_gbtm("bad_time_term", message, "formula", way_out)

#' The environment of a formula in which the terms of time are found, also where no package is attached
#'
#' What the user calls so goes first.
#' @noRd
with_time_terms <- function(right, env) {
  ours <- list(lspline = lspline, cc = cc, sincos = sincos, ns = splines::ns, bs = splines::bs)
  lost <- Filter(function(name) !exists(name, envir = env, mode = "function"), intersect(names(ours), all.names(right)))
  if (length(lost)) list2env(ours[lost], parent = env) else env
}
