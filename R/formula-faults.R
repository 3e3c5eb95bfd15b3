# What formulas say that cannot be meant: a minus that takes nothing away, an outcome that explains itself, and text
# among covariates that stands for a missing value.

#' An error where the formulas of a model say what cannot be meant
#'
#' @param parts what [formula_parts()] returned
#' @param covariates the arguments of [gbtm()] that name covariates, by name
#' @param event what [asked_event()] returned, or NULL
#' @noRd
refuse_formula_faults <- function(parts, covariates, event, data, wide) {
  if (!is.null(parts$basis)) refuse_taking_away(parts$basis[[2]], "formula")
  if (length(event$formula) == 3) refuse_taking_away(event$formula[[3]], "event")
  asked <- Filter(Negate(is.null), covariates[c("risk", "risk2", if (is.null(wide)) c("tcov", "dcov"))])
  for (argument in names(asked)) {
    formula <- one_sided(asked[[argument]], argument)
    called <- c(attr(asked[[argument]], "argument"), argument)[1]
    refuse_taking_away(formula[[2]], called)
    for (name in intersect(all.vars(formula), names(data))) refuse_words_for_missing(data[[name]], name)
    if ("." %in% all.vars(formula)) next # refused where the covariates are made
    if (argument == "tcov" && any(parts$outcome_vars %in% all.vars(without_lags(formula[[2]])))) {
      stop_gbtm("own_covariate", sprintf("%s: %s is the outcome itself.", called, parts$outcome), called,
                sprintf("lag(%s) is its value at the wave before.", parts$outcome))
    }
  }
}

#' An error where a formula's minus takes away what is not there: `after - before` is `after` to a formula
#'
#' @param right a right-hand side
#' @noRd
refuse_taking_away <- function(right, argument) {
  for (part in minuses(right)) {
    away <- terms_in(part[[length(part)]])
    left <- if (length(part) == 3) terms_in(part[[2]]) else list()
    if (is.null(left) || all(away %in% left)) next # nothing, or what R refuses by itself
    said <- deparse_line(part)
    stop_gbtm("nothing_taken_away",
              sprintf(paste("%s: '%s' takes the term %s away from those before it, which have none such, and is no",
                            "arithmetic."), argument, said, deparse_line(part[[length(part)]])), argument,
              sprintf("Write I(%s) for a difference.", said))
  }
}

# The differences between terms, none inside of functions.
minuses <- function(x) {
  if (!is.call(x) || !as.character(x[[1]])[1] %in% c("+", "-", "*", "/", ":", "^", "(", "%in%")) return(list())
  inside <- unlist(lapply(as.list(x)[-1], minuses), recursive = FALSE)
  if (identical(x[[1]], as.name("-"))) c(inside, list(x)) else inside
}

# The terms without the constant, each its factors; NULL for what is no formula.
terms_in <- function(x) {
  found <- tryCatch(attr(stats::terms(stats::as.formula(call("~", x))), "factors"), error = function(e) NULL)
  if (is.null(found)) return(NULL)
  if (!length(found)) return(list())
  lapply(seq_len(ncol(found)), function(j) sort(row.names(found)[found[, j] > 0]))
}

# An expression without its calls of lag(), which have columns of their own.
without_lags <- function(x) {
  if (!is.call(x)) return(x)
  if (identical(x[[1]], as.name("lag"))) return(1)
  as.call(c(x[[1]], lapply(as.list(x)[-1], without_lags)))
}

# Blanks, what missing values become as text, and the codes of files: as text they would be categories.
missing_words <- c("", "nan", "NaN", "NA", "N/A", "<NA>", "NaT")
missing_numbers <- c(-7, -8, -9, -77, -88, -99, -777, -888, -999, 99, 999, 9999)

refuse_words_for_missing <- function(x, name) {
  if (!is.character(x) && !is.factor(x)) return(invisible())
  said <- unique(as.character(x[!is.na(x)]))
  numbers <- suppressWarnings(as.numeric(said))
  code <- numbers %in% missing_numbers & sum(!is.na(numbers)) == 1 & length(said) > 1
  found <- sort(said[trimws(said) %in% missing_words | grepl("^\\s*[.][A-Za-z_]?\\s*$", said) | code])
  if (!length(found)) return(invisible())
  stop_gbtm("missing_as_text",
            sprintf("%s: %d values are %s, which stand for a missing value and would be a category of their own.", name,
                    sum(as.character(x) %in% found), paste0("'", found, "'", collapse = ", ")), name,
            "Make them missing, or give the category another name.")
}
