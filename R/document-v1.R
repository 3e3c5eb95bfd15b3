# Documents of version 1 as version 2: the one place in R that knows how version 1 was laid out. It had one outcome and
# one set of groups, so that data, posteriors and membership stood at the top; docs/fit-document.md says what went
# where.

moved_since_v1 <- c("spec", "dropout", "data", "shares", "cov_shares", "posterior", "out_of_sample", "membership",
                    "inputs", "outcomes", "blocks", "search")

# The text of a document of any version as that of today's; the version stands in front.
current_text <- function(text) {
  if (!grepl("\"format_version\": 1[,}]", substr(text, 1, 200))) return(text)
  json_text(upgraded_document(jsonlite::fromJSON(text, simplifyVector = FALSE)))
}

# Nested lists as jsonlite makes them without simplifying, of version 1, as those of version 2.
upgraded_document <- function(document) {
  spec <- document$spec
  held <- document$out_of_sample
  inputs <- split_inputs(document$inputs)
  later <- list(weights = NULL, cluster = NULL, stratum = NULL, formula = NULL) # the first documents did not have them
  kept <- document[setdiff(names(document), moved_since_v1)]
  kept$format_version <- 2L
  group_set <- list(
    n_groups = spec$n_groups, reference = spec$reference, inputs = inputs$group_set, membership = document$membership,
    shares = document$shares, cov_shares = document$cov_shares, posterior = document$posterior,
    out_of_sample = held$posterior
  )
  c(
    kept, later[setdiff(names(later), names(kept))],
    list(
      inputs = inputs$whole, out_of_sample_ids = held$ids,
      outcomes = lapply(document$outcomes, upgraded_outcome, document = document, inputs = inputs$outcome),
      group_sets = list(group_set), blocks = lapply(document$blocks, upgraded_block),
      search = upgraded_search(document$search)
    )
  )
}

upgraded_outcome <- function(stored, document, inputs) {
  dropout <- document$dropout
  if (!is.null(dropout)) dropout <- c(list(orders = document$spec$dropout), dropout)
  missing <- setdiff(c("time_scale", "covariates", "profile", "columns"), names(stored))
  defaults <- list(time_scale = 1, covariates = NULL, profile = NULL, columns = list())[missing]
  further <- list(covariates = NULL, exposure = NULL)
  data <- c(document$data, further[setdiff(names(further), names(document$data))])
  c(stored, defaults, list(
    group_set = 0L, spec = document$spec$outcomes[[1]], inputs = inputs, nobs = document$nobs, data = data,
    dropout = dropout
  ))
}

# Dropout was an outcome of its own, and membership outcome -1.
upgraded_block <- function(block) {
  block["outcome"] <- list(if (block$kind != "theta") 0L)
  c(block, list(group_set = 0L))
}

upgraded_search <- function(search) {
  further <- list(rng = NULL, n_starts_asked = NULL)
  search$optima <- lapply(search$optima, function(o) replace(o, "shares", list(list(o$shares))))
  c(search, further[setdiff(names(further), names(search))])
}

# How the table was read: what is said once, what of the outcome, and what of the set of groups.
split_inputs <- function(inputs) {
  if (is.null(inputs)) return(list(whole = NULL, outcome = NULL, group_set = NULL))
  whole <- inputs[intersect(names(inputs), c("form", "id", "levels", "design"))]
  outcome <- inputs[setdiff(names(inputs), c("form", "id", "levels", "design", "risk"))]
  if ("obsmar" %in% names(whole$design)) {
    outcome["obsmar"] <- whole$design["obsmar"]
    whole$design <- whole$design[setdiff(names(whole$design), "obsmar")]
  }
  list(whole = whole, outcome = outcome, group_set = list(risk = inputs$risk))
}

# Nested lists as JSON, numbers to the last bit: jsonlite writes at most 15 digits.
json_text <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x) && !is.null(names(x))) {
    fields <- vapply(x, json_text, "")
    return(sprintf("{%s}", paste(sprintf("%s: %s", json_strings(names(x)), fields), collapse = ", ")))
  }
  if (is.list(x)) return(sprintf("[%s]", paste(json_items(x), collapse = ", ")))
  json_scalars(x)
}

# Items of a list; those of one type, ids by the million, at once.
json_items <- function(x) {
  scalar <- vapply(x, function(v) is.atomic(v) && length(v) == 1, NA)
  types <- unique(vapply(x, typeof, ""))
  if (all(scalar) && length(types) == 1) json_scalars(unlist(x)) else vapply(x, json_text, "")
}

json_scalars <- function(x) {
  switch(typeof(x), character = json_strings(x), logical = ifelse(x, "true", "false"), sprintf("%.17g", x))
}

json_strings <- function(x) vapply(enc2utf8(x), function(s) as.character(jsonlite::toJSON(s, auto_unbox = TRUE)), "")
