# A search as plain values: the data once, each fit without them, and the text that the engine reads.

# From the engine's answer to a search; `common` is what the user's call adds to every fit.
new_search <- function(answer, call, common) {
  shared <- lapply(answer$shared, decode, answer$arrays)
  if (is.numeric(shared$ids)) shared$ids <- whole_numbers(shared$ids)
  data <- data_columns(shared$data, answer$data)
  held <- shared[names(shared) != "data"]
  names(answer$fits) <- vapply(answer$fits, `[[`, "", "label")
  made <- Filter(function(fit) !is.null(fit$document), answer$fits)
  fits <- lapply(made, function(about) {
    own <- answer$arrays[about$at + seq_len(about$size)]
    fit <- new_gbtm(about$document, own, formula = common$formula, terms = common$terms, data = data, held = held)
    fit["call"] <- list(fit_call(call, about, fit$spec))
    fit[names(common)] <- common
    fit
  })
  search <- list(
    call = call, how = answer$how, criterion = answer$criterion, fits = lapply(fits, without_shared),
    shared = c(list(data = data, held = held), common),
    entries = lapply(answer$fits, function(fit) fit[c("label", "n_groups", "orders", "failure")]),
    about = if (length(fits)) fits[[1]][c("family", "n_subjects", "nobs", "outcome_name", "time_name")]
  )
  with_said(structure(search, class = "gbtm_search"), answer)
}

# What is said of the models, anew.
with_said <- function(search, answer) {
  search$table <- answer_frame(answer$table, answer$arrays)
  search$table$seconds <- NULL # equal searches are identical()
  search$choices <- as_text(answer$choices)
  search$sentences <- unname(as_text(answer$sentences))
  search$head <- answer$head
  search
}

as_text <- function(x) if (length(x)) unlist(x) else character()

# The call that fits this model alone.
fit_call <- function(call, about, spec) {
  if (is.null(call)) return(NULL)
  given <- c("groups", "order", "how", "criterion", "n_jobs", "checkpoint", "time_budget", "shape_starts",
             "iorder_by_group")
  made <- call[!names(call) %in% given]
  made[[1]] <- quote(gbtm)
  made$groups <- as.numeric(about$n_groups)
  if (!is.null(about$orders)) made$order <- as.numeric(about$orders)
  zero <- unlist(spec$outcomes[[1]]$zero_orders)
  if (length(zero)) made$iorder <- as.numeric(zero)
  made
}

shared_fields <- c("data", "ids", "weights", "terms", "inputs", "rows", "own_ids")

without_shared <- function(fit) {
  fit$document$held <- NULL
  unclass(fit)[setdiff(names(fit), shared_fields)]
}

# A fit with the data, which all of them share.
with_shared <- function(fit, shared) {
  fit$document$held <- shared$held
  fit[shared_fields] <- list(
    shared$data, shared$held$ids, shared$held$weights, shared$terms, shared$inputs, shared$rows, shared$own_ids
  )
  structure(Filter(Negate(is.null), fit), class = "gbtm")
}

#' @export
`$.gbtm_search` <- function(x, name) x[[name]]

#' @export
`[[.gbtm_search` <- function(x, i, ...) {
  check_dots(..., known = "exact")
  value <- .subset2(x, i)
  if (!identical(i, "fits")) return(value)
  shared <- .subset2(x, "shared")
  lapply(value, with_shared, shared)
}

# The text that the engine reads: the data once, none with the fits.
search_text <- function(search) {
  shared <- search$shared
  owner <- list(data = shared$data, ids = shared$held$ids, document = list(held = shared$held))
  head <- replace_matches(search$head, held_place, function(found) {
    held_text(owner, jsonlite::fromJSON(found)$held)
  })
  entries <- lapply(search$entries, function(about) {
    fit <- .subset2(search, "fits")[[about$label]]
    about$orders <- if (length(about$orders)) json_array(about$orders)
    about["document"] <- list(if (!is.null(fit)) structure(fit_text(fit), class = "json"))
    as_request(about)
  })
  paste0(substr(head, 1, nchar(head) - 1), ", \"fits\": [", paste(entries, collapse = ", "), "]}")
}

# A fit without what it shares with others.
fit_text <- function(fit) {
  text <- replace_matches(fit$document$text, held_place, function(found) "null")
  document_text(list(document = list(text = text, arrays = fit$document$arrays)))
}

#' Write and read searches
#'
#' A search is one JSON file that R and Python both write and read, with the data once and the same numbers to the last
#' bit: `found.save("search.json")` and `gbtm.load_search("search.json")` in Python. `saveRDS()` works too, keeps the
#' calls and the terms of a basis formula besides, and needs no engine to be read.
#'
#' @param search a search
#' @param path file to write or read
#' @return `write_search()`: `path`, invisibly. `read_search()`: a search, see [gbtm_search()].
#' @section Errors: `gbtm_bad_document` when the file is no search, or of a newer format; `gbtm_no_file`.
#' @examplesIf gbtm_engine()$available
#' d <- read.csv(system.file("extdata", "offenses.csv", package = "gbtm"))
#' found <- gbtm_search(offenses ~ age, d, id = "id", groups = 2, order = 1, family = "poisson")
#' copy <- tempfile(fileext = ".json")
#' write_search(found, copy)
#' identical(read_search(copy)$table, found$table)
#' @export
write_search <- function(search, path) {
  check_names()
  check_search(search, "search")
  writeBin(charToRaw(enc2utf8(search_text(search))), path)
  invisible(path)
}

#' @rdname write_search
#' @export
read_search <- function(path) {
  call <- match.call()
  check_file(path, call)
  answer <- fitted_answer("read_search", normalizePath(path), call = call)
  search <- new_search(answer, NULL, list())
  search
}
