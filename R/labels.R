# What has names is matched by them: nothing that is named is taken by its place.

#' Values in the order of names
#'
#' @param values a vector, or a matrix or data frame whose columns have names; without names it is returned as it is
#' @param names in the order wanted; each of them once
#' @return `values`, without other names than these
#' @noRd
in_named_order <- function(values, names, argument) {
  w <- if (is.data.frame(values)) as.matrix(values) else values
  if (is.list(w)) w <- unlist(w)
  own <- if (is.null(dim(w))) names(w) else colnames(w)
  if (is.null(own) || !any(nzchar(own))) return(w)
  if (length(own) != length(names) || !setequal(own, names)) {
    strange <- c(setdiff(own, names), setdiff(names, own))
    stop_gbtm("labels_disagree", sprintf("%s: its names are not %s%s.", argument, listing(as.character(names)),
                                         if (length(strange)) sprintf(" (%s)", listing(strange, 5)) else ""), argument,
              sprintf("Name it so, or give unname(%s) if it is in this order.", argument))
  }
  if (is.null(dim(w))) w[as.character(names)] else w[, names, drop = FALSE]
}

#' The user's own column names among those of a table of results
#'
#' One rule for all tables, the same in Python: a column of the user's whose name the table needs itself, or has
#' already, gets an underscore.
#' @noRd
apart <- function(own, fixed) {
  for (i in seq_along(own)) {
    while (own[i] %in% c(fixed, own[seq_len(i - 1)])) own[i] <- paste0(own[i], "_")
  }
  own
}
