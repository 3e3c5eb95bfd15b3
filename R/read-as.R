# How a fit's data were read, in the words of the fit document, so that Python scores new people and writes code with
# the right columns. What Python cannot read as R did has none: a wrong column would be worse than no column.

#' What the document calls `inputs`
#'
#' @param parts what [formula_parts()] returned; `made_alike` where its basis is one that Python makes too
#' @param given values of [gbtm()]'s arguments by name
#' @param kept what [covariate_columns()] returned as `kept`
#' @return list for JSON, or NULL where an expression of R's has no equivalent: an outcome such as `log(y)`, a basis
#'   formula, covariates other than columns and `factor()` of them, weights such as `~ 1 / p`
#' @noRd
read_as <- function(parts, data, id, given, kept) {
  wide <- given$wide
  known <- if (is.null(wide)) names(data) else names(wide)
  made <- if (!is.null(parts$of)) time_design(parts)
  if (!is_plain_curve(parts, known, made, wide)) return(NULL)
  single <- single_columns(known_by_set(given), known, data)
  covariates <- list(
    risk = plain_covariates(given$risk, "risk", kept$risk, data),
    risk2 = plain_covariates(given$risk2, "risk2", kept$risk2, data),
    tcov = varying_covariates("tcov", given, kept, data), dcov = varying_covariates("dcov", given, kept, data)
  )
  if (any(vapply(c(single, covariates), identical, NA, FALSE))) return(NULL)
  form <- if (is.null(wide)) {
    long_form(parts, id, single, covariates, made)
  } else {
    wide_form(parts, id, single, covariates, wide)
  }
  apart <- asked_apart(given, kept, data, covariates$tcov, parts$outcome)
  event <- event_as_read(given$event, data, kept$event)
  if (!is.null(event)) covariates$event <- event["levels"]
  if (!is.null(form)) {
    c(form, if (isTRUE(given$repeated)) list(repeated = TRUE), people_form(single, covariates, given$dropout),
      if (!is.null(event)) list(event = event$form), if (!is.null(apart)) list(asked = apart))
  }
}

# Whether Python can read the outcome and the time: a column, and a column or what it can make of one.
is_plain_curve <- function(parts, known, made, wide) {
  if ((!is.null(parts$basis) && !isTRUE(parts$made_alike)) || !parts$outcome %in% known) return(FALSE)
  is.null(parts$of) || (!is.null(made) && is.null(wide)) # in wide data no column holds the time
}

# Names of the columns of arguments that take one column each, of those given; FALSE for an expression.
single_columns <- function(given, known, data) {
  columns <- intersect(c("exposure", "trials", "wave", "weights", "cluster", "stratum", "out_of_sample", "obsmar",
                         "known", "known2"), names(Filter(Negate(is.null), given)))
  lapply(stats::setNames(nm = columns), function(name) {
    if (startsWith(name, "known")) known_names(given[[name]], data) else one_name(given[[name]], name, known, data)
  })
}

# What the document says of long and of wide data alike.
people_form <- function(single, covariates, dropout) {
  levels <- do.call(c, c(list(), unname(lapply(covariates, `[[`, "levels"))))
  columns <- setdiff(subject_arguments, c("risk", "risk2", setdiff(c("known", "known2"), names(single))))
  design <- single[columns]
  names(design) <- columns # a name for each that was not given, too
  c(list(risk = covariates$risk$terms), if (!is.null(covariates$risk2)) list(risk2 = covariates$risk2$terms),
    list(dropout = !is.null(dropout), design = design,
         levels = structure(as_request(as_object(levels[!duplicated(names(levels))])), class = "json")))
}

# Python takes a member that is there for one in use: what made the time and the waves are left out where not given.
long_form <- function(parts, id, single, covariates, made) {
  c(list(form = "long", id = id, time = parts$time, outcome = parts$outcome, tcov = covariates$tcov$terms,
         dcov = covariates$dcov$terms, exposure = denominator_of(single)),
    if (!is.null(made)) list(time_design = made),
    if (!is.null(single$wave)) list(wave = single$wave))
}

# NULL where R reads a pattern of column names that Python does not.
wide_form <- function(parts, id, single, covariates, wide) {
  in_wide <- lapply(wide, wide_names)
  if (any(vapply(in_wide, identical, NA, FALSE))) return(NULL)
  of <- function(names) structure(as_request(as_object(in_wide[names])), class = "json")
  list(form = "wide", id = id, outcome = in_wide[[parts$outcome]], time = in_wide[[parts$time]], name = parts$outcome,
       time_name = parts$time, tcov = of(covariates$tcov$terms), dcov = of(covariates$dcov$terms),
       exposure = in_wide_or_number(denominator_of(single), in_wide))
}

in_wide_or_number <- function(given, in_wide) if (is.null(given) || is.numeric(given)) given else in_wide[[given]]

# A named list that is an object in JSON even where it is empty.
as_object <- function(x) if (length(x)) x else stats::setNames(list(), character())

# The name of one column, given as such or as `~ name`; FALSE for another expression.
one_name <- function(asked, argument, known, data) {
  if (argument == "trials" && is.numeric(asked) && length(asked) == 1) return(asked)
  expression <- one_sided(asked, argument)[[2]]
  if (!is.name(expression)) return(FALSE)
  name <- as.character(expression)
  if (name %in% (if (argument %in% c("exposure", "trials")) known else names(data))) name else FALSE
}

# Columns of each wave: names as a JSON array, with the patterns that R and Python read alike; times as numbers.
wide_names <- function(given) {
  if (is.numeric(given)) return(json_array(given))
  if (is.character(given) && !any(grepl("[", given, fixed = TRUE))) json_array(given) else FALSE
}

varying_covariates <- function(argument, given, kept, data) {
  asked <- given[[argument]]
  if (is.null(asked)) return(NULL)
  if (is.null(given$wide)) return(plain_covariates(asked, argument, kept[[argument]], data))
  if (!is.null(lag_formula(asked, names(given$wide)))) return(FALSE)
  listed <- is.character(asked) && !is_formula_text(asked)
  list(terms = if (listed) asked else plain_names(one_sided(asked, argument), argument))
}

#' Covariates as Python reads them
#'
#' Main effects of columns have the same treatment contrasts in both languages, once the levels are in R's order.
#' @return list: `terms` for JSON, `levels` by column; NULL where none are asked for; FALSE where Python has no
#'   equivalent
#' @noRd
plain_covariates <- function(asked, argument, kept, data) {
  if (is.null(asked)) return(NULL)
  without_constant <- attr(stats::terms(one_sided(asked, argument), data = data), "intercept") == 0
  if (without_constant || !is.null(attr(kept$terms, "offset"))) return(FALSE)
  labels <- setdiff(attr(kept$terms, "term.labels"), kept$own)
  terms <- lapply(labels, plain_term, data, kept$xlevels)
  if (any(vapply(terms, is.null, NA))) return(FALSE)
  levels <- stats::setNames(lapply(terms, `[[`, "levels"), vapply(terms, `[[`, "", "name"))
  texts <- vapply(terms, `[[`, "", "term")
  formula <- !identical(texts, vapply(terms, `[[`, "", "quoted")) || !is.character(asked) || is_formula_text(asked)
  list(terms = if (formula) paste("~", paste(texts, collapse = " + ")) else json_array(names(levels)),
       levels = Filter(Negate(is.null), levels))
}

# A column, or factor() of one: its `name`, which is `quoted` where it is odd, the `term` as Python has it, and the
# `levels`; NULL for anything else.
plain_term <- function(label, data, xlevels) {
  column <- column_of(str2lang(label))
  if (is.null(column) || !column %in% names(data)) return(NULL)
  values <- data[[column]]
  quoted <- if (grepl("^[A-Za-z_][A-Za-z0-9_]*$", column)) column else sprintf("`%s`", column)
  term <- list(name = column, quoted = quoted, term = quoted)
  levels <- xlevels[[gsub("`", "", label)]]
  if (!is.null(levels)) return(factor_term(term, values, levels))
  if (is_number_column(values)) term
}

is_number_column <- function(x) (is.numeric(x) || is.logical(x)) && !is.object(x) && is.null(dim(x))

# Levels that read as numbers are numbers in a file, and Python has to be told that they are a factor's.
factor_term <- function(term, values, levels) {
  if (!is.null(attr(values, "contrasts")) || is.logical(values)) return(NULL)
  numbers <- suppressWarnings(as.numeric(levels))
  if (anyNA(numbers)) return(c(term, list(levels = json_array(levels))))
  if (is.numeric(values) && !all(numbers %in% values)) return(NULL) # more digits than a level shows
  term$term <- sprintf("C(%s)", term$quoted)
  c(term, list(levels = json_array(numbers)))
}

# The column's name in `x` or `factor(x)`.
column_of <- function(expression) {
  if (is.name(expression)) return(as.character(expression))
  wrapped <- is.call(expression) && length(expression) == 2 && is.name(expression[[1]]) && is.name(expression[[2]])
  if (wrapped && as.character(expression[[1]]) %in% c("factor", "as.factor")) as.character(expression[[2]])
}
