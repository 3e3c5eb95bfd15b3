# Of a formula of covariates the matrix of complete rows, and what cannot be made a column.

# The matrix of complete rows, its terms, levels and the contrasts that a factor has of its own, which model.frame()
# drops, with a warning, where the levels are given.
design_of_rows <- function(formula, table, kept) {
  terms <- stats::terms(formula, data = table)
  attr(terms, "intercept") <- 1L
  frame_of <- if (is.null(kept)) identity else suppressWarnings
  frame <- frame_of(stats::model.frame(terms, table, na.action = stats::na.pass, xlev = kept$xlevels,
                                       drop.unused.levels = is.null(kept)))
  terms <- attr(frame, "terms")
  x <- stats::model.matrix(terms, frame, contrasts.arg = kept$contrasts)
  own <- Filter(function(given) !identical(given, "contr.treatment"), attr(x, "contrasts"))
  list(terms = terms, xlevels = stats::.getXlevels(terms, frame), x = x, contrasts = if (length(own)) own)
}

# What has no column of its own: `.`, which would be the outcome and the ids too, and what is only added.
refuse_no_terms <- function(formula, used, table, argument) {
  text <- deparse_line(formula[[2]])
  if ("." %in% used && !"." %in% names(table)) {
    stop_gbtm("bad_formula", sprintf("%s: '.' in '%s' names no columns here.", argument, text), argument,
              sprintf("Name them: %s = ~ age + region.", argument))
  }
  added <- tryCatch(attr(stats::terms(formula, data = table), "offset"), error = function(e) NULL) # said later
  if (length(added)) {
    stop_gbtm("bad_formula", sprintf("%s: offset() in '%s' has no coefficient, and is not added here.", argument, text),
              argument, "Leave it out; of counts a time at risk is given as exposure.")
  }
  for (name in intersect(used, names(table))) {
    if (inherits(table[[name]], "integer64")) numeric_column(table[[name]], name)
  }
}

# A transform may have no value where its column has one, such as the log of what is below 0.
refuse_without_value <- function(x, formula, argument) {
  lost <- sum(!stats::complete.cases(x))
  if (!lost) return(invisible())
  stop_gbtm("bad_formula", sprintf("%s: '%s' has no value in %d rows whose columns have one.", argument,
                                   deparse_line(formula[[2]]), lost), argument,
            "Compute the column before the fit, with NA where there is no value: such rows are dropped and counted.")
}
