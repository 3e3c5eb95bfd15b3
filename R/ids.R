# Ids as the user's own table has them. The engine and the fit document know numbers and text alone; a factor's levels,
# dates and other classes are found again by what they are as text.

#' What is kept of an id column, to give ids back in its own type
#'
#' @param id name of the column, or of several, which are joined to text; NULL for row numbers
#' @return NULL where ids come back as they went: integers and text. A number for other plain numbers; of a column with
#'   a class, and of TRUE and FALSE, its distinct values.
#' @noRd
own_ids <- function(data, id) {
  values <- single_id_column(data, id)
  if (is.null(values) || come_back_as_they_went(values)) return(NULL)
  if (are_plain_doubles(values)) return(numeric())
  own <- values[!duplicated(values) & !is.na(values)]
  if (identical(class(own), class(values))) own # a class whose package is not loaded is lost, and then better left out
}

# The values of an id that is one column, a plain vector; otherwise NULL, as for ids of several columns or row numbers.
single_id_column <- function(data, id) {
  if (!is.character(id) || length(id) != 1 || !id %in% names(data)) return(NULL)
  values <- data[[id]]
  if (is.atomic(values) && is.null(dim(values))) values
}

# The types that the engine and the fit document have too.
come_back_as_they_went <- function(values) !is.object(values) && (is.integer(values) || is.character(values))

# Numbers without a class: a double is enough to know their type, whatever their values.
are_plain_doubles <- function(values) !is.object(values) && is.double(values)

# Ids, as a fit holds them, in the type of the column that `own` was kept of.
in_own_type <- function(ids, own) {
  if (is.null(own)) return(ids)
  if (are_plain_doubles(own)) return(as.double(ids))
  at <- if (is.numeric(ids)) match(as.double(ids), as.double(unclass(own))) else match(ids, as.character(own))
  if (any(is.na(at) & !is.na(ids))) ids else own[at]
}

# The ids of a fit's subjects for a table of the user's.
user_ids <- function(fit, ids = fit$ids) in_own_type(ids, fit$own_ids)

# Ids as names: whole numbers have all their digits, whether they are integers or doubles (never 1e+05).
id_labels <- function(ids) {
  labels <- as.character(ids)
  if (is.object(ids) || !is.double(ids)) return(labels)
  whole <- !is.na(ids) & ids == floor(ids)
  labels[whole] <- sprintf("%.0f", ids[whole])
  labels
}
