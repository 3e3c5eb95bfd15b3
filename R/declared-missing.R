# Values that a file declares missing, as SPSS files do, and the dots that SAS and Stata write for missing values.

# Which values haven's `na_values` and `na_range` declare missing; NULL where nothing is declared. Not is.na(), which
# knows it only while haven is loaded.
declared_missing <- function(x) {
  values <- attr(x, "na_values", exact = TRUE)
  range <- attr(x, "na_range", exact = TRUE)
  if (is.null(values) && is.null(range)) return(NULL)
  bare <- as.vector(unclass(x))
  found <- bare %in% values & !is.na(bare)
  if (length(range) == 2) found <- found | (!is.na(bare) & bare >= range[1] & bare <= range[2])
  found
}

#' A table with what it declares missing made missing
#'
#' @param id columns that name a person: where given, whole numbers of 64 bits in all others are made numbers
#' @return list: `data`, and `counts`, how many values of which columns that are
#' @noRd
without_declared <- function(data, id) {
  counts <- integer()
  for (name in names(data)) {
    if (!missing(id) && !name %in% id && inherits(data[[name]], "integer64")) {
      data[[name]] <- plain_integers(data[[name]])
    }
    gone <- declared_missing(data[[name]])
    if (is.null(gone)) next
    bare <- as.vector(unclass(data[[name]]))
    bare[gone] <- NA
    data[[name]] <- bare
    if (any(gone)) counts[name] <- sum(gone)
  }
  list(data = data, counts = counts)
}

# Whole numbers of 64 bits, as databases give them, as doubles; beyond 2^53, where these are not exact, as they are. By
# their bits, for the package that knows the class need not be loaded.
plain_integers <- function(x) {
  words <- matrix(readBin(writeBin(as.vector(unclass(x)), raw()), "integer", 2 * length(x), 4), 2)
  if (.Platform$endian == "big") words <- words[2:1, , drop = FALSE]
  low <- ifelse(is.na(words[1, ]), 2^31, words[1, ] %% 2^32) # the lowest integer is R's NA
  made <- words[2, ] * 2^32 + low
  if (all(abs(made) <= 2^53, na.rm = TRUE)) made else x
}

# What stands in the columns that a model uses, for the engine to tell with what was dropped.
declared_in <- function(counts, asked, data) {
  words <- unlist(lapply(asked, function(x) {
    if (is.character(x) && !is_formula_text(x)) {
      patterns <- vapply(x[grepl("[*?]", x)], utils::glob2rx, "")
      return(c(x, unlist(lapply(patterns, grep, names(data), value = TRUE))))
    }
    if (is.character(x)) x <- stats::as.formula(x)
    if (inherits(x, "formula")) all.vars(x)
  }))
  counts <- counts[names(counts) %in% words]
  if (length(counts)) as.list(counts)
}

# Numbers read as text because missing values were written as ".", ".a" ..
has_dots <- function(x) {
  if (!is.character(x) && !is.factor(x)) return(FALSE)
  text <- trimws(unique(as.character(x)))
  text <- text[!is.na(text)]
  dots <- grepl("^[.][A-Za-z_]?$", text)
  any(dots) && !anyNA(suppressWarnings(as.numeric(text[!dots])))
}

dots_way_out <- function(name) {
  sprintf(paste("\".\" is how SAS and Stata write a missing value: read the file with na.strings = c(\"NA\", \".\"),",
                "or as.numeric(replace(as.character(d$%s), d$%s == \".\", NA))."), name, name)
}

# Covariates that are numbers but for dots: as text they would be categories.
refuse_dots <- function(data, asked) {
  for (argument in intersect(c("risk", "risk2", "tcov", "dcov"), names(Filter(Negate(is.null), asked)))) {
    for (name in intersect(all.vars(one_sided(asked[[argument]], argument)), names(data))) {
      if (has_dots(data[[name]])) {
        stop_gbtm("not_numeric", sprintf("%s: numbers and \".\", read as text.", name), name, dots_way_out(name))
      }
    }
  }
}
