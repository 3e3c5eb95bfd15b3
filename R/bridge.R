# What crosses to Python: raw little-endian doubles, JSON text and one callback. reticulate corrupts missing values in
# data frames and in integer, logical and character vectors, and cannot convert arrays under NumPy 2.

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
  items[is.na(x)] <- "null"
  structure(paste0("[", paste(items, collapse = ","), "]"), class = "json")
}

# Call a function of the bridge and return its answer; engine errors become classed conditions.
call_bridge <- function(name, ..., call = NULL) {
  bridge <- engine_bridge()
  text <- tryCatch(bridge[[name]](...), error = function(e) engine_failed(conditionMessage(e), call))
  answer <- jsonlite::fromJSON(text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  if (isTRUE(answer$ok)) return(answer)
  problem <- answer$error
  stop_gbtm(problem$code, problem$message, problem$argument, problem$way_out, call)
}

# Call a function of the bridge that fits; the arrays of its document come apart, as doubles.
fitted_answer <- function(name, ..., call = NULL) {
  answer <- call_bridge(name, ..., call = call)
  bytes <- engine_bridge()$take_bulk()
  answer$arrays <- readBin(bytes, "double", n = length(bytes) %/% 8L, size = 8L, endian = "little")
  answer
}

# Ids cross as text in the request, or as numbers beside it.
text_ids <- function(ids) if (is.character(ids)) json_array(ids)

number_ids <- function(ids) if (is.character(ids)) raw(0) else as_doubles(ids)

# An interrupt that reached Python first comes back as an error in some versions of reticulate.
engine_failed <- function(message, call) {
  if (grepl("KeyboardInterrupt", message, fixed = TRUE)) {
    signalCondition(structure(class = c("interrupt", "condition"), list()))
    invokeRestart("abort")
  }
  stop_gbtm("engine_failed", sprintf("engine: %s", message), "engine",
            "If memory is not the cause, this is a fault in gbtm: please report it.", call)
}

#' Fit from long columns
#'
#' @param columns what [long_columns()] or [wide_columns()] returns
#' @param model arguments of the model, by name
#' @param options settings of the search, see [search_options()]
#' @param start_document JSON text of a fit with one group less to grow from
#' @return list of `document` (JSON text), `arrays` (the doubles it points into) and `traj` (list of `text`)
#' @noRd
bridge_fit <- function(columns, model, options, control, call, start_document = NULL) {
  request <- list(
    ids = text_ids(columns$ids), id_name = columns$id_name, time_name = columns$time_name,
    outcome_name = columns$outcome_name, formula = columns$formula, model = model,
    basis_names = if (is.null(columns$basis)) NULL else json_array(colnames(columns$basis)), options = options,
    start_document = start_document
  )
  basis <- if (is.null(columns$basis)) raw(0) else as_doubles(columns$basis)
  line <- progress_line(control$progress)
  on.exit(line$end())
  fitted_answer("fit", as_request(request), number_ids(columns$ids), as_doubles(columns$subject),
                as_doubles(columns$time), as_doubles(columns$y), basis, line$tell, call = call)
}

# Which columns a traj command needs, and the name of its start matrix if it names one.
bridge_read_command <- function(text, columns, call) {
  call_bridge("read_command", text, as.character(json_array(columns)), call = call)
}

# Run a traj command on a table (a named list of numeric columns of one length).
bridge_command <- function(text, table, ids, id_name, start, options, control, call) {
  request <- list(
    columns = json_array(names(table)), ids = text_ids(ids), id_name = id_name, start = start, options = options
  )
  line <- progress_line(control$progress)
  on.exit(line$end())
  values <- as_doubles(unlist(table, use.names = FALSE))
  fitted_answer("command", text, as_request(request), number_ids(ids), values, line$tell, call = call)
}

# The engine's name for each setting; cov_type NULL leaves the engine's default.
search_options <- function(control, cov_type, start = NULL) {
  options <- list(
    n_starts = control$n_starts, max_starts = control$max_starts, rng = control$seed,
    time_budget = control$time_budget, device = control$device
  )
  if (!is.null(cov_type)) options$cov_type <- cov_type
  if (!is.null(start)) options$start <- start
  options
}

# One line that is overwritten, from two seconds on. The callback is given to the engine even when nothing is shown:
# R looks for the user's interrupt whenever it runs.
progress_line <- function(show) {
  shown <- FALSE
  tell <- function(what, seconds) {
    if (show && seconds >= 2) {
      shown <<- TRUE
      cat(sprintf("\rgbtm %5.1f s  %-90s", seconds, what), file = stderr())
    }
    NULL
  }
  list(tell = tell, end = function() if (shown) cat("\n", file = stderr()))
}

# One number as JSON, to the last bit.
json_number <- function(x) structure(sprintf("%.17g", x), class = "json")
