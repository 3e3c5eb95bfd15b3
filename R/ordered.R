# Ordered factors as outcomes: their levels as numbers 1, 2, .. in their order.

# list: `data` with ordered factors among the outcome's columns as numbers, and `levels`, as JSON has them; NULL where
# there is none, or the family has no levels. `known` are the levels of a fit, which new data have to keep to.
numbers_of_ordered <- function(data, parts, wide, family, known = NULL) {
  if (!identical(family, "ordinal")) return(list(data = data))
  named <- if (is.null(wide)) parts$outcome else wide[[parts$outcome]]
  levels <- known
  for (name in intersect(named, names(data))) {
    if (!is.ordered(data[[name]])) next
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

# A new table in which the outcome's ordered factor is numbers of the fit's levels.
with_level_numbers <- function(fit, parts, data, wide) {
  known <- fit$curves$levels
  numbers_of_ordered(data, parts, wide, fit$family, if (length(known)) known)$data
}
