# A search as plain values: the data once, each fit without them, and the text that the engine reads.

# From the engine's answer to a search; `common` is what the user's call adds to every fit, `outcomes` those of a call.
new_search <- function(answer, call, common, outcomes = NULL) {
  shared <- lapply(answer$shared, decode, answer$arrays)
  if (is.numeric(shared$ids)) shared$ids <- whole_numbers(shared$ids)
  shared <- if (is.null(shared[["data"]])) {
    c(list(held = shared), common)
  } else {
    common <- of_one_alone(common)
    c(list(data = data_columns(shared$data, answer$data), held = shared[names(shared) != "data"]), common)
  }
  names(answer$fits) <- vapply(answer$fits, `[[`, "", "label")
  made <- Filter(function(fit) !is.null(fit$document), answer$fits)
  place <- if (is.null(shared$data)) shared_place(shared$held)
  documents <- lapply(made, function(about) {
    list(text = about$document, arrays = answer$arrays[about$at + seq_len(about$size)])
  })
  fits <- Map(function(about, document) {
    fit <- searched_fit(document, shared, place)
    fit["call"] <- list(fit_call(call, about, fit$spec, outcomes))
    for (name in setdiff(names(common), "each")) fit[name] <- common[name]
    fit
  }, made, documents)
  if (length(fits) && is_several(fits[[1]])) shared$each <- fits[[1]]$each
  search <- list(
    call = call, how = answer$how, criterion = answer$criterion,
    fits = Map(without_shared, fits, documents), shared = shared,
    entries = lapply(answer$fits, function(fit) fit[intersect(entry_fields, names(fit))]),
    about = if (length(fits)) about_search(fits[[1]])
  )
  with_said(structure(search, class = "gbtm_search"), answer)
}

# What a search keeps of each model besides its fit; `second_groups` of dual models.
entry_fields <- c("label", "n_groups", "second_groups", "orders", "failure")

# What a list of one outcome adds to a fit: what its formula alone would.
of_one_alone <- function(common) {
  if (length(common$each) != 1) return(common)
  c(common$each[[1]][c("terms", "inputs", "formula", "rows")], common["own_ids"])
}

# A fit from its document, whose data are those that all fits share; of several outcomes see shared_place().
searched_fit <- function(document, shared, place) {
  if (is.null(place)) {
    return(new_gbtm(document$text, document$arrays, formula = shared$formula, terms = shared$terms, data = shared$data,
                    held = shared$held))
  }
  whole <- placed_document(document, place)
  new_gbtm(whole$text, whole$arrays, each = shared$each)
}

# What a search tells of its data.
about_search <- function(fit) {
  if (!is_several(fit)) return(fit[c("family", "n_subjects", "nobs", "outcome_name", "time_name")])
  c(fit[c("n_subjects", "nobs")], list(outcomes = lapply(fit$each, `[`, c("time_name", "nobs", "family"))))
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

# The call that fits this model alone; `outcomes` are those of a search of several.
fit_call <- function(call, about, spec, outcomes = NULL) {
  if (is.null(call)) return(NULL)
  given <- c("groups", "order", "how", "criterion", "n_jobs", "checkpoint", "time_budget", "shape_starts",
             "iorder_by_group")
  made <- call[!names(call) %in% given]
  made[[1]] <- quote(gbtm)
  made$groups <- as.numeric(c(unlist(about$n_groups), about$second_groups))
  if (length(outcomes)) made <- with_own_orders(made, spec, outcomes) else
    if (!is.null(about$orders)) made$order <- as.numeric(about$orders)
  zero <- unlist(spec$outcomes[[1]]$zero_orders)
  if (length(outcomes) < 2 && length(zero)) made$iorder <- as.numeric(zero)
  made
}

shared_fields <- c("data", "ids", "weights", "terms", "inputs", "rows", "own_ids", "each")

# A fit without what all fits share; its `document` points to that.
without_shared <- function(fit, document) {
  fit <- unclass(fit)
  fit$document <- document
  if (!is.null(fit$dual)) fit$dual["risk"] <- list(NULL) # as `risk2` among what is held
  fit[setdiff(names(fit), shared_fields)]
}

# A fit with the data, which all of them share.
with_shared <- function(fit, shared) {
  if (!is.null(shared$place)) {
    fit$document <- placed_document(fit$document, shared$place)
  } else {
    fit$document$held <- shared$held
  }
  if (!is.null(fit$dual)) fit$dual["risk"] <- list(shared$held$risk2)
  fit[shared_fields] <- list(
    shared$data, shared$held$ids, shared$held$weights, shared$terms, shared$inputs, shared$rows, shared$own_ids,
    shared$each
  )
  classes <- c(if (!is.null(fit$dual)) "gbtm_dual", if (!is.null(shared$each)) "gbtm_several", "gbtm")
  structure(Filter(Negate(is.null), fit), class = classes)
}

#' Where the data that all fits of several outcomes share stand
#'
#' Such a fit has them among the arrays of its document, after its own, so that its outcomes are views of it as of any.
#' @param held what the documents say is held, by name
#' @return list: `values`, all numbers; `at` and `shape`, by name, where each array stands among them; `ids` as text
#' @noRd
shared_place <- function(held) {
  numbers <- Filter(is.numeric, held)
  by_row <- lapply(numbers, function(x) as.double(if (is.matrix(x)) t(x) else x))
  ends <- cumsum(lengths(by_row))
  list(
    values = unlist(by_row, use.names = FALSE), at = stats::setNames(c(0, ends)[seq_along(ends)], names(numbers)),
    shape = vapply(numbers, function(x) paste(if (is.matrix(x)) dim(x) else length(x), collapse = ", "), ""),
    ids = if (is.character(held$ids)) json_array(held$ids)
  )
}

# A document that points to what is shared, with it.
placed_document <- function(document, place) {
  size <- length(document$arrays)
  text <- replace_matches(document$text, held_place, function(found) {
    name <- jsonlite::fromJSON(found)$held
    if (!name %in% names(place$at)) return(place$ids)
    sprintf("{\"at\": %.0f, \"shape\": [%s]}", size + place$at[[name]], place$shape[[name]])
  })
  list(text = text, arrays = c(document$arrays, place$values))
}

#' @export
`$.gbtm_search` <- function(x, name) x[[name]]

#' @export
`[[.gbtm_search` <- function(x, i, ...) {
  check_dots(..., known = "exact")
  value <- .subset2(x, i)
  if (!identical(i, "fits")) return(value)
  lapply(value, with_shared, shared_of(x))
}

# What the fits of a search share; of several outcomes with its `place`.
shared_of <- function(search) {
  shared <- .subset2(search, "shared")
  if (!is.null(shared$each)) shared$place <- shared_place(shared$held)
  shared
}

# One of the fits of a search.
fit_of_search <- function(search, label) with_shared(.subset2(search, "fits")[[label]], shared_of(search))

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
#' found <- gbtm_search(offenses ~ age, offending, id = "id", groups = 2, order = 1,
#'                      family = "poisson")
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
