# The options of a model, as the engine declares them: inst/extdata/options.json, which `make tables` writes. Each has a
# `kind`, which says how R sends its value; `columns` stand in the data and are sent as such.

options_known <- new.env(parent = emptyenv())

option_kinds <- function() {
  if (is.null(options_known$kinds)) {
    file <- system.file("extdata", "options.json", package = "gbtm", mustWork = TRUE)
    options_known$kinds <- unlist(jsonlite::fromJSON(file)$kinds)
    options_known$synonyms <- unlist(jsonlite::fromJSON(file)$synonyms)
  }
  options_known$kinds
}

# Names of the options that stand in the data, and of all that describe a model besides its groups and orders.
covariate_arguments <- function() names(which(option_kinds() == "columns"))
model_arguments <- function() c(setdiff(names(option_kinds()), c("groups", "order")), "wide")

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
      given[[name]]
    )
  })
}

# A censoring bound for JSON, which has no infinity: absent instead.
bound <- function(value, argument) {
  if (is.null(value)) return(NULL)
  if (!is.numeric(value) || length(value) != 1 || is.na(value)) {
    stop_gbtm("bad_bounds", sprintf("%s: %s is not a number.", argument, shown(value)), argument,
              sprintf("Give one number, or leave %s out.", argument))
  }
  if (is.infinite(value)) NULL else json_number(value)
}

# Refuse arguments that do not exist; what another program calls so, or what is nearly so spelled, is the way out.
refuse_unknown <- function(names, known, call) {
  if (is.null(names)) names <- "without a name"
  unknown <- setdiff(names, known)
  if (!length(unknown)) return(invisible())
  name <- if (nzchar(unknown[1])) unknown[1] else "without a name"
  option_kinds()
  likely <- unname(options_known$synonyms[tolower(gsub(".", "_", name, fixed = TRUE))])
  if (!likely %in% known) likely <- known[match(tolower(name), tolower(known))]
  if (is.na(likely)) {
    distance <- utils::adist(tolower(name), known)
    likely <- if (min(distance) <= 2) known[which.min(distance)] else NA
  }
  stop_gbtm("unknown_argument", sprintf("%s: no such argument.", name), name,
            if (is.na(likely)) sprintf("There are: %s.", listing(known, 40)) else
              sprintf("It is called %s here.", likely), call)
}
