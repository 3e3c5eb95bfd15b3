# The options of a model, as the engine declares them: inst/extdata/options.json, which `make tables` writes. Each has a
# `kind`, which says how R sends its value; `columns` stand in the data and are sent as such. The same file has the
# words of other programs.

options_known <- new.env(parent = emptyenv())

option_kinds <- function() {
  if (is.null(options_known$kinds)) {
    file <- system.file("extdata", "options.json", package = "gbtm", mustWork = TRUE)
    table <- jsonlite::fromJSON(file)
    options_known$kinds <- unlist(table$kinds)
    options_known$outcome <- table$outcome # the options of one outcome; the others are the whole model's
    options_known$distal <- table$distal
    # of each word of other programs, our arguments
    options_known$meant <- lapply(table$meant, function(x) strsplit(x, " ")[[1]])
    options_known$said <- table$said # or what is to be done instead
    options_known$covariances <- table$covariances # by cov_type: title, and what is independent in a sandwich
  }
  options_known$kinds
}

# The kinds of covariance by `cov_type`: their `title`, and their `units`, "people" or "clusters" for a sandwich.
covariance_kinds <- function() {
  option_kinds()
  options_known$covariances
}

# Names of the options that stand in the data, and of all that describe a model besides its groups and orders.
covariate_arguments <- function() names(which(option_kinds() == "columns"))
model_arguments <- function() c(setdiff(names(option_kinds()), c("groups", "order")), "wide")

# Names of the options of traj's distal outcome, which is fitted with the trajectories.
distal_arguments <- function() {
  option_kinds()
  options_known$distal
}

# Names of the options that each outcome has for itself.
outcome_arguments <- function() {
  option_kinds()
  options_known$outcome
}

#' The options of a model as the engine is sent them
#'
#' @param given values by name
#' @return list without what stands in the data; NULL where nothing was given
#' @noRd
sent_options <- function(given) {
  kinds <- option_kinds()
  kinds <- kinds[kinds != "columns"]
  lapply(stats::setNames(nm = names(kinds)), function(name) {
    switch(
      kinds[[name]],
      flag = check_flag(given[[name]], name),
      bound = bound(given[[name]], name),
      prior = sent_prior(given[[name]]),
      network = sent_curve(given[[name]]),
      event = sent_event(given[[name]]),
      orders = by_group(known_values(given[[name]], name, "bad_order"), name),
      known_values(given[[name]], name)
    )
  })
}

# Values without NA, NaN and infinite ones: JSON has none of these, so that they would count as not given.
known_values <- function(value, argument, code = paste0("bad_", argument)) {
  odd <- function(x) is.atomic(x) && any(is.na(x) | (is.numeric(x) & !is.finite(x)))
  if (odd(value) || (is.list(value) && any(vapply(value, odd, NA)))) {
    stop_gbtm(code, sprintf("%s: %s stands among what was given: %s.", argument,
                            if (anyNA(unlist(value))) "a missing value" else "an infinite value", shown(value)),
              argument, sprintf("Give a value, or leave %s out.", argument))
  }
  value
}

# Orders of the groups, whose numbers are all that their names may be: they are taken one after the other.
by_group <- function(value, argument) {
  if (is.null(names(value)) || identical(names(value), as.character(seq_along(value)))) return(value)
  stop_gbtm("bad_order", sprintf("%s: the values are named %s, and are those of groups 1, 2, .. as they stand.",
                                 argument, listing(names(value))), argument,
            sprintf("Give them in the order of the groups: unname(%s) where they are.", argument))
}

# A censoring bound for JSON, which has no infinity: absent instead.
bound <- function(value, argument) {
  if (is.null(value)) return(NULL)
  if (!is.numeric(value) || length(value) != 1 || is.na(value)) {
    stop_gbtm("bad_bounds", sprintf("%s: %s is not a number.", argument, shown(value)), argument,
              sprintf("Give one number, or leave %s out.", argument))
  }
  if (value == if (argument == "min") Inf else -Inf) {
    stop_gbtm("bad_bounds", sprintf("%s: %s would leave no value between the bounds.", argument, shown(value)),
              argument, sprintf("Give one number, or leave %s out.", argument))
  }
  if (is.infinite(value)) NULL else json_number(value)
}
