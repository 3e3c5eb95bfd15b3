# What crosses to Python: raw little-endian numbers, JSON text and single numbers. reticulate corrupts
# missing values in data frames and in integer, logical and character vectors, and cannot convert arrays under NumPy 2.

# Numbers as raw bytes, NaN for missing.
as_doubles <- function(x) writeBin(as.double(x), raw(), endian = "little")

# A list as JSON text: scalars unboxed, NULL and NA as null. Vectors that must stay arrays go through json_array().
as_request <- function(x) {
  as.character(jsonlite::toJSON(x, auto_unbox = TRUE, null = "null", na = "null", json_verbatim = TRUE))
}

# A vector as a JSON array. jsonlite writes at most 15 digits, so that numbers are written here, to the last bit.
json_array <- function(x) {
  if (is.character(x)) return(structure(as.character(jsonlite::toJSON(enc2utf8(x), na = "null")), class = "json"))
  items <- sprintf("%.17g", as.double(x))
  items <- sub("Inf", "Infinity", items, fixed = TRUE) # as the engine reads it
  items[is.na(x)] <- "null"
  structure(paste0("[", paste(items, collapse = ","), "]"), class = "json")
}

# Call a function of the bridge and return its answer; engine errors become classed conditions.
call_bridge <- function(name, ..., call = NULL) {
  list(...) # an argument that cannot be had is its own error, not the engine's
  bridge <- engine_bridge()
  text <- tryCatch(bridge[[name]](...), error = function(e) engine_failed(conditionMessage(e), call))
  settled(read_answer(text), call)
}

read_answer <- function(text) jsonlite::fromJSON(text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)

# An answer without error, what it says in R's words.
settled <- function(answer, call) {
  if (isTRUE(answer$ok)) return(answer_in_r_words(answer))
  problem <- answer$error
  way_out <- lacking_way_out(problem)
  if (is.null(way_out)) way_out <- in_r_words(problem$way_out)
  stop_gbtm(problem$code, in_r_words(problem$message, problem$argument), r_argument(problem$argument), way_out, call)
}

# Call a function of the bridge that fits; the arrays of its document come apart, as doubles.
fitted_answer <- function(name, ..., call = NULL) with_arrays(call_bridge(name, ..., call = call))

with_arrays <- function(answer) {
  force(answer) # the engine has the arrays once it has answered
  bytes <- engine_bridge()$take_bulk()
  answer$arrays <- readBin(bytes, "double", n = length(bytes) %/% 8L, size = 8L, endian = "little")
  answer
}

# A table among an answer: the engine's integers, logicals and text as R's own, NaN as NA.
answer_frame <- function(table, arrays) {
  columns <- Map(function(kind, x) {
    if (kind == "text") return(as.character(unlist(lapply(x, function(v) if (is.null(v)) NA else v))))
    x <- as.vector(decode(x, arrays))
    x[is.nan(x)] <- NA_real_
    switch(kind, integer = whole_numbers(x), logical = as.logical(x), x)
  }, table$kinds, table$columns)
  columns <- stats::setNames(columns, table$names)
  said <- names(columns) %in% said_fields
  columns[said] <- lapply(columns[said], in_r_words)
  frame <- as.data.frame(columns, optional = TRUE, stringsAsFactors = FALSE)
  if (!is.null(table$rows)) row.names(frame) <- as.character(table$rows)
  frame
}

# An array of an answer; NaN as NA.
answer_array <- function(x, arrays) {
  x <- decode(x, arrays)
  x[is.nan(x)] <- NA_real_
  x
}

# A column for the next fit, in blocks: whole, it would stand in memory three times, and ten million rows are much.
send_column <- function(name, x, block = 2^18) {
  kind <- if (is.integer(x)) "<i4" else "<f8"
  n <- as.double(length(x))
  for (at in block * (seq_len(max(1, ceiling(n / block))) - 1)) {
    part <- x[at + seq_len(min(block, n - at))]
    engine_bridge()$receive(name, kind, n, at, writeBin(part, raw(), endian = "little"))
  }
}

#' The data of a fit, made again of what was sent
#'
#' The engine sends whole numbers in their place: ten million rows back would take longer than the fit.
#'
#' @param width bytes of each code, by name: `count` (observations by subject), `wave`, and `row` where the rows used
#'   are not simply all
#' @return list: `rows`, positions among the rows sent, empty when they are simply all; and `data`, the columns of the
#'   fit's data
#' @noRd
held_data <- function(width, columns) {
  codes <- held_codes(width)
  sent <- columns[c("time", "y")]
  if (!is.null(codes$row)) sent <- lapply(sent, `[`, codes$row)
  list(
    rows = as.integer(codes$row),
    data = list(
      subject = rep.int(as.double(seq_along(codes$count)), codes$count), time = sent$time, y = sent$y,
      wave = as.double(codes$wave)
    )
  )
}

# Whole numbers that the engine holds, by name, as numbers.
held_codes <- function(width) {
  lapply(stats::setNames(nm = names(width)), function(name) {
    bytes <- engine_bridge()$take_codes(name)
    size <- width[[name]]
    if (size == 1L) return(as.double(bytes)) # readBin() takes these one by one
    readBin(bytes, "integer", length(bytes) %/% size, size, signed = size == 4L, endian = "little")
  })
}

# Ids cross as text in the request, or as numbers beside it, or (NULL) as the subjects themselves.
text_ids <- function(ids) if (is.character(ids)) json_array(ids)

number_ids <- function(ids) if (is.numeric(ids)) as_doubles(ids) else raw(0)

#' Fit from long columns
#'
#' @param asked what [asked_model()] returns
#' @param options settings of the search, see [search_options()]
#' @param start_document JSON text of a fit with one group less to grow from
#' @return list of `document` (JSON text), `arrays` (the doubles it points into), `rows` and `data` (see
#'   [held_data()])
#' @noRd
bridge_fit <- function(asked, options, control, call, start_document = NULL) {
  columns <- asked$columns
  further <- asked$further
  request <- c(panel_request(columns, further), list(
    formula = columns$formula, model = asked$model, options = options, inputs = asked$read_as,
    start_document = start_document, table = FALSE
  ))
  basis <- if (is.null(columns$basis)) raw(0) else as_doubles(columns$basis)
  send_panel(columns, further)
  sent <- raw(0)
  answer <- long_answer("fit", as_request(request), number_ids(columns$ids), sent, sent, sent, basis,
                        progress = control$progress, call = call)
  c(answer, held_data(answer$held, columns))
}

# What tells the engine how to read the columns that send_panel() sends.
panel_request <- function(columns, further) {
  c(list(
    ids = text_ids(columns$ids), id_name = columns$id_name, time_name = columns$time_name,
    outcome_name = columns$outcome_name, waves = columns$waves, wave_lists = columns$wave_lists,
    declared = columns$declared, factor_levels = columns$factor_levels,
    repeated = if (isTRUE(columns$repeated)) TRUE,
    basis_names = if (is.null(columns$basis)) NULL else json_array(colnames(columns$basis)),
    basis_design = columns$basis_design
  ), further$request)
}

send_panel <- function(columns, further) {
  for (name in c("subject", "time", "y")) send_column(name, columns[[name]])
  for (name in names(further$sent)) send_column(name, as.double(further$sent[[name]]))
}

# As bridge_fit(), for a search; `options` are further arguments of the engine's search.
bridge_search <- function(asked, options, zero, progress, call) {
  columns <- asked$columns
  request <- c(panel_request(columns, asked$further), list(
    formula = columns$formula, model = asked$model, options = options, inputs = asked$read_as, zero = zero
  ))
  basis <- if (is.null(columns$basis)) raw(0) else as_doubles(columns$basis)
  send_panel(columns, asked$further)
  answer <- long_answer("search", as_request(request), number_ids(columns$ids), basis, progress = progress, call = call)
  c(answer, held_data(answer$held, columns))
}

# New people under a fit: list of the table's `columns`, and `dropped`, a sentence.
bridge_classify <- function(document, columns, further, by_wave, level, call) {
  request <- c(panel_request(columns, further), list(by_wave = by_wave, level = json_number(level)))
  send_panel(columns, further)
  if (!is.null(columns$basis)) send_column("basis", as.vector(columns$basis))
  call_bridge("classify", document, as_request(request), number_ids(columns$ids), call = call)
}

# What the commands of a do-file (or of a SAS program) need: columns of numbers, a condition's columns, names of
# matrices, the columns that name persons; what was assumed; notes; plots.
bridge_read_commands <- function(text, columns, language, call) {
  call_bridge("read_commands", text, as.character(json_array(columns)), language, call = call)$commands
}

# Run one of them on a table (a named list of numeric columns of one length); `id` is the ids' column, or NULL.
# `asked`: the `language`, `which` of the commands from 0, `all_columns` of the data, and `texts` of a condition;
# `declared`: how many values each column declared missing.
bridge_command <- function(text, table, id, coded, matrices, asked, options, control, call, declared = NULL) {
  ids <- coded$ids
  request <- c(list(
    columns = json_array(names(table)), ids = text_ids(ids), id_name = coded$name, id = id,
    matrices = matrices, options = options, declared = declared
  ), asked)
  values <- as_doubles(unlist(table, use.names = FALSE))
  long_answer("command", text, as_request(request), number_ids(ids), values, progress = control$progress, call = call)
}

# The engine's name for each setting; cov_type NULL leaves the engine's default.
search_options <- function(control, cov_type, start = NULL) {
  options <- list(
    n_starts = control$n_starts, max_starts = control$max_starts, rng = control$seed,
    time_budget = control$time_budget, device = control$device
  )
  if (!is.null(cov_type)) options$cov_type <- known_values(cov_type, "cov_type")
  if (!is.null(start)) options$start <- start
  options
}

# One number as JSON, to the last bit.
json_number <- function(x) structure(sub("Inf", "Infinity", sprintf("%.17g", x), fixed = TRUE), class = "json")
