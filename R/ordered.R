# Factors as outcomes: their levels as numbers 1, 2, .. in their order. Families of categories without an order take
# factors without one too, and text, whose levels are its values in the alphabet's order.

# list: `data` with such factors among the outcome's columns as numbers, and `levels`, as JSON has them; NULL where
# there is none, or the family has no levels. `known` are the levels of a fit, which new data have to keep to.
numbers_of_ordered <- function(data, parts, wide, family, known = NULL) {
  if (!has_levels(family)) return(list(data = data))
  named <- if (is.null(wide)) intersect(parts$outcome, names(data)) else columns_there(data, wide[[parts$outcome]])
  levels <- known
  takes <- is.ordered
  if (!has_mean(list(family = own_family_name(family)))) {
    data <- with_text_as_factors(data, named, known)
    takes <- is.factor
  }
  for (name in Filter(function(name) takes(data[[name]]), named)) {
    refuse_words_for_missing(data[[name]], name)
    own <- levels(data[[name]])
    if (!is.null(levels) && !identical(own, levels)) {
      stop_gbtm("other_levels", sprintf("%s: its levels are %s, and those of the outcome %s.", name, listing(own),
                                        listing(levels)), name, "Give all of them the same levels in one order.")
    }
    levels <- own
    data[[name]] <- as.integer(data[[name]])
  }
  list(data = data, levels = if (!is.null(levels)) json_array(levels))
}

# Those of a wide outcome's columns, names or patterns, that a table has.
columns_there <- function(data, given) {
  if (!is.character(given)) return(character())
  unlist(lapply(given, function(item) {
    if (grepl("[*?]", item)) grep(utils::glob2rx(item), names(data), value = TRUE) else intersect(item, names(data))
  }))
}

# A new table in which the outcome's ordered factor is numbers of the fit's levels.
with_level_numbers <- function(fit, parts, data, wide) {
  known <- fit$curves$levels
  numbers_of_ordered(data, parts, wide, fit$family, if (length(known)) known)$data
}

# Text among these columns as factors of one set of levels.
with_text_as_factors <- function(data, named, known) {
  text <- Filter(function(name) is.character(data[[name]]), named)
  if (!length(text)) return(data)
  found <- sort(unique(unlist(lapply(data[text], unique))), method = "radix")
  levels <- if (!is.null(known) && all(found %in% known)) known else found
  data[text] <- lapply(data[text], factor, levels)
  data
}
