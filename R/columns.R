# From the user's table to plain numeric columns, one entry per observation.

check_data <- function(data) {
  if (!is.data.frame(data)) {
    if (on_files(data)) refuse_files()
    stop_gbtm("bad_data", sprintf("data: an object of class %s is not a data frame.", class(data)[1]), "data",
              "Give a data frame, tibble or data.table; for a matrix, as.data.frame().")
  }
}

# A table of new people.
check_newdata <- function(newdata) {
  check_data(newdata)
  if (!nrow(newdata)) {
    stop_gbtm("no_data", "newdata: it has no row.", "newdata", "Give rows of the people to be scored.")
  }
}

require_columns <- function(data, wanted, argument = NULL) {
  unknown <- setdiff(wanted, names(data))
  if (length(unknown)) {
    stop_gbtm("unknown_column",
              sprintf("%s: no column named '%s'.", if (is.null(argument)) unknown[1] else argument, unknown[1]),
              if (is.null(argument)) unknown[1] else argument, sprintf("The columns are %s.", listing(names(data))))
  }
  refuse_twice(data, wanted)
}

# Of two columns with one name R takes the first.
refuse_twice <- function(data, wanted) {
  twice <- intersect(wanted, names(data)[duplicated(names(data))])
  if (length(twice)) {
    stop_gbtm("duplicate_column", sprintf("%s: %d columns have this name.", twice[1], sum(names(data) == twice[1])),
              twice[1], "Rename them, so that it is clear which is meant.")
  }
}

# Doubles with NA for missing; text, categories and dates are refused by name.
numeric_column <- function(values, name) {
  gone <- declared_missing(values)
  if (!is.null(gone)) {
    values <- as.vector(unclass(values))
    values[gone] <- NA
  }
  if (length(dim(values)) == 2 && ncol(values) == 1) values <- as.vector(values) # as scale() returns
  plain <- (is.numeric(values) || is.logical(values)) && !inherits(values, "integer64") && is.null(dim(values))
  if (!plain) {
    way_out <- if (inherits(values, c("Date", "POSIXt", "difftime"))) {
      dates_way_out(values, name)
    } else if (has_dots(values)) {
      dots_way_out(name)
    } else if (is.factor(values)) {
      paste("Convert it to numbers first: as.numeric(as.character(x)) if its levels are numbers, or x == \"yes\" for 0",
            "and 1. An outcome may be a factor with family = \"multinomial\", and an ordered one with \"ordinal\".")
    } else {
      "Convert it to numbers first."
    }
    stop_gbtm("not_numeric", sprintf("%s: the column is not numeric (class %s).", name, class(values)[1]), name,
              way_out)
  }
  as.double(unclass(values))
}

# What subtracting gives has a unit of R's choice, so that it is named.
dates_way_out <- function(values, name) {
  years <- if (inherits(values, "difftime")) {
    sprintf("as.numeric(%s, units = \"days\") / 365.25", name)
  } else if (inherits(values, "Date")) {
    sprintf("as.numeric(%s - min(%s)) / 365.25", name, name)
  } else {
    sprintf("as.numeric(difftime(%s, min(%s), units = \"days\")) / 365.25", name, name)
  }
  sprintf("Time is a number: give for example years since the first date, %s.", years)
}

# Ids as something JSON can hold: numbers stay numbers, the rest becomes text.
id_column <- function(values, name) {
  if (!is.atomic(values) || !is.null(dim(values))) {
    stop_gbtm("bad_id", sprintf("%s: ids of class %s are not supported.", name, class(values)[1]), name,
              "Use numbers, text or a factor.")
  }
  if (is.numeric(values) && !is.object(values)) values else as.character(values)
}

# Codes 0.. in the order of first appearance, NA for a missing id, and the ids they stand for.
code_ids <- function(values) {
  ids <- unique(values)
  ids <- ids[!is.na(ids)]
  list(codes = match(values, ids, incomparables = NA) - 1L, ids = ids)
}

# Whose observation each row is. Numbers stay as they are, for the engine tells them apart faster; the rest as codes.
code_subjects <- function(values, name) {
  if (is.factor(values) && !anyNA(levels(values))) {
    coded <- code_ids(as.integer(values))
    return(list(subject = coded$codes, ids = levels(values)[coded$ids]))
  }
  values <- id_column(values, name)
  if (is.numeric(values)) return(list(subject = values, ids = NULL))
  coded <- code_ids(values)
  list(subject = coded$codes, ids = coded$ids)
}

#' Whom each row is about: a column as it is, or several joined by a dot
#'
#' Where a dot would make two people one it is another sign, as in Python. An id is missing where one of its columns is.
#' @return list: `values` and their `name`
#' @noRd
id_values <- function(data, id) {
  if (!is.character(id) || !length(id) || anyNA(id)) {
    stop_gbtm("bad_id", sprintf("id: %s is not the name of a column.", shown(id)), "id",
              "Give id = \"column\", or the columns that name a person together: id = c(\"HHID\", \"PN\").")
  }
  require_columns(data, id, "id")
  if (length(id) == 1) return(list(values = data[[id]], name = id))
  parts <- lapply(id, function(name) {
    x <- id_column(data[[name]], name)
    if (is.character(x)) x else trimws(format(x, digits = 15, scientific = FALSE, trim = TRUE, drop0trailing = TRUE))
  })
  missing <- Reduce(`|`, lapply(id, function(name) is.na(data[[name]])))
  people <- nrow(unique(as.data.frame(parts, col.names = seq_along(parts))[!missing, , drop = FALSE]))
  for (separator in c(".", "_", "|", " / ")) {
    joined <- do.call(paste, c(parts, sep = separator))
    joined[missing] <- NA
    if (length(unique(joined[!missing])) == people) return(list(values = joined, name = paste(id, collapse = ".")))
  }
  stop_gbtm("bad_id", sprintf("id: %s cannot be joined so that everybody keeps an id of his own.", listing(id)), "id",
            "Make one column of them, for example numbers.")
}

#' Columns of long data
#'
#' @return list: `subject` codes and the `ids` they stand for, or the ids themselves and NULL; `time`, `y` (n), the
#'   names, and `basis` (n, q) with NA where an observation is incomplete, or NULL
#' @noRd
long_columns <- function(parts, data, id) {
  if (is.null(id)) {
    stop_gbtm("no_id", "id: long data need the column that tells subjects apart.", "id",
              "Give id = \"column\", or wide = list(...) for data with one row per subject.")
  }
  ids <- id_values(data, id)
  require_columns(data, time_source(parts), "formula")
  require_columns(data, intersect(parts$outcome_vars, parts$outcome), "formula")
  c(code_subjects(ids$values, ids$name), list(
    id_name = ids$name, time = time_values(parts, data[[time_source(parts)]]),
    y = numeric_column(outcome_values(parts, data), parts$outcome), time_name = parts$time,
    outcome_name = parts$outcome, formula = parts$text
  ))
}

# The outcome may be an expression of columns, such as log(y).
outcome_values <- function(parts, data) {
  if (parts$outcome %in% names(data)) return(data[[parts$outcome]])
  values <- tryCatch(
    eval(parts$formula[[2]], data, environment(parts$formula)),
    error = function(e) {
      stop_gbtm("unknown_column", sprintf("formula: '%s' cannot be computed: %s.", parts$outcome, conditionMessage(e)),
                "formula", sprintf("The columns are %s.", listing(names(data))))
    }
  )
  if (length(values) != nrow(data)) {
    stop_gbtm("bad_formula", sprintf("formula: '%s' gives %d values for %d rows.", parts$outcome, length(values),
                                     nrow(data)), "formula", "Use a column, or an expression of columns.")
  }
  values
}

#' Columns of wide data, laid out as long ones: the waves of the first subject, then those of the second
#'
#' @param wide list naming what the formula's outcome and time stand for: column names or a pattern; for the time also
#'   one number per wave
#' @return as [long_columns()], and `waves`, the number of observations of each subject
#' @noRd
wide_columns <- function(parts, data, id, wide) {
  source <- time_source(parts)
  missing <- setdiff(c(parts$outcome, source), names(wide))
  if (!is.list(wide) || length(missing)) {
    stop_gbtm("bad_wide", sprintf("wide: nothing is given for '%s'.", c(missing, parts$outcome)[1]), "wide",
              sprintf("For example wide = list(%s = \"%s_*\", %s = 1:5).", parts$outcome, parts$outcome, parts$time))
  }
  columns <- expand_columns(data, wide[[parts$outcome]], parts$outcome)
  y <- wide_matrix(data, columns)
  times <- wide[[source]]
  time <- if (is.numeric(times)) {
    check_waves(length(times), length(columns), parts)
    matrix(as.double(times), nrow(data), length(times), byrow = TRUE)
  } else {
    time_columns <- expand_columns(data, times, source)
    check_waves(length(time_columns), length(columns), parts)
    wide_matrix(data, time_columns)
  }
  if (!is.null(parts$of)) time[] <- time_values(parts, as.vector(time))
  coded <- wide_ids(data, id)
  list(
    subject = rep(coded$codes, each = ncol(y)), ids = coded$ids, id_name = coded$name, time = as.vector(t(time)),
    y = as.vector(t(y)), time_name = parts$time, outcome_name = parts$outcome, formula = parts$text, waves = ncol(y),
    wave_lists = wave_lists(parts, data, wide, colMeans(time, na.rm = TRUE))
  )
}

# The columns of each name in `wide`, the outcome first, for the engine to see whether they stand in order; `written`
# are those that no pattern stands for.
wave_lists <- function(parts, data, wide, times) {
  named <- Filter(is.character, wide[c(parts$outcome, setdiff(names(wide), parts$outcome))])
  columns <- lapply(stats::setNames(nm = names(named)), function(n) json_array(expand_columns(data, named[[n]], n)))
  called <- attr(wide[[parts$time]], "called") # of a matrix that came without times
  c(list(columns = columns, times = json_array(times), written = json_array(unlist(named, use.names = FALSE))),
    if (!is.null(called)) list(without_times = json_array(called)))
}

# `wide` with times in the order of the outcome's columns where they are named by them.
wide_in_order <- function(wide, parts, data) {
  source <- time_source(parts)
  times <- wide[[source]]
  if (!is.numeric(times) || is.null(wide[[parts$outcome]])) return(wide)
  columns <- expand_columns(data, wide[[parts$outcome]], parts$outcome)
  if (length(times) == length(columns)) wide[[source]] <- unname(in_named_order(times, columns, source))
  wide
}

wide_ids <- function(data, id) {
  if (is.null(id)) return(list(codes = seq_len(nrow(data)) - 1L, ids = seq_len(nrow(data)), name = "row"))
  own <- id_values(data, id)
  id <- own$name
  values <- id_column(own$values, id)
  repeated <- values[duplicated(values) & !is.na(values)]
  if (length(repeated)) {
    stop_gbtm("duplicate_id", sprintf("%s: %d ids stand on more than one row of wide data, first %s.", id,
                                      length(unique(repeated)), repeated[1]), id,
              paste("Wide data have one row per subject. Where two columns name a person, give both:",
                    "id = c(\"HHID\", \"PN\")."))
  }
  c(code_ids(values), name = id)
}

wide_matrix <- function(data, columns) {
  matrix(vapply(columns, function(name) numeric_column(data[[name]], name), numeric(nrow(data))), nrow = nrow(data))
}

check_waves <- function(n_times, n_columns, parts) {
  if (n_times != n_columns) {
    stop_gbtm("wave_mismatch", sprintf("%s: %d times for %d columns of %s.", parts$time, n_times, n_columns,
                                       parts$outcome), parts$time, "Give one time per outcome column.")
  }
}

# Names and patterns (*, ?) to existing column names, in the table's order within a pattern.
expand_columns <- function(data, wanted, argument) {
  if (!is.character(wanted) || !length(wanted)) {
    stop_gbtm("bad_wide", sprintf("wide: %s = %s names no columns.", argument, shown(wanted)), "wide",
              "Give column names or a pattern such as \"count_*\".")
  }
  found <- lapply(wanted, function(item) {
    if (!grepl("[*?]", item)) {
      require_columns(data, item, argument)
      return(item)
    }
    hits <- grep(utils::glob2rx(item), names(data), value = TRUE)
    if (!length(hits)) {
      stop_gbtm("unknown_column", sprintf("%s: no column matches '%s'.", argument, item), argument,
                sprintf("The columns are %s.", listing(names(data))))
    }
    hits
  })
  unlist(found)
}
