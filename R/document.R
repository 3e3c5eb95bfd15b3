#' Write and read fits
#'
#' A fit is one JSON file that R and Python both write and read, with the same numbers to the last bit:
#' `res.save("fit.json")` and `gbtm.load("fit.json")` in Python. Nothing is executed on reading. `saveRDS()` works too
#' and keeps the call and the terms of a basis formula besides.
#'
#' @param fit a fit
#' @param path file to write or read
#'
#' @return `write_gbtm()`: `path`, invisibly. `read_gbtm()`: a fit, see [gbtm()].
#' @section Errors: `gbtm_bad_document` when the file is not a fit document, or of a newer format; `gbtm_no_file` when
#'   there is no such file.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' fit
#' copy <- tempfile(fileext = ".json")
#' write_gbtm(fit, copy)
#' identical(coef(read_gbtm(copy)), coef(fit))
#' @export
write_gbtm <- function(fit, path) {
  check_names()
  check_fit(fit)
  writeBin(charToRaw(enc2utf8(current_text(document_text(fit)))), path)
  invisible(path)
}

# The document with its arrays in it: each place among the doubles gives way to their base64, ids to plain numbers, and
# a column that the fit holds to that column.
document_text <- function(fit) {
  place <- "\\{\"at\": [0-9]+, \"shape\": \\[[0-9, ]*\\]\\}"
  arrays <- fit$document$arrays
  text <- replace_matches(fit$document$text, paste0("\"ids\": ", place), function(found) {
    paste0("\"ids\": ", whole_array(placed(sub("^\"ids\": ", "", found), arrays)$x))
  })
  text <- replace_matches(text, place, function(found) {
    value <- placed(found, arrays)
    array_text(value$x, value$shape)
  })
  replace_matches(text, held_place, function(found) held_text(fit, jsonlite::fromJSON(found)$held))
}

held_place <- "\\{\"held\": \"[a-z0-9_]+\"\\}"

# What the document says is held by the fit, as JSON.
held_text <- function(fit, name) {
  if (name == "ids") return(if (is.character(fit$ids)) json_array(fit$ids) else whole_array(fit$ids))
  of_data <- !is_several(fit) && name %in% names(fit$data)
  x <- if (of_data) fit$data[[name]] else fit$document$held[[name]]
  if (is.matrix(x)) return(array_text(as.vector(t(x)), dim(x)))
  array_text(if (name %in% counted_from_zero) x - 1 else x, length(x))
}

whole_array <- function(x) sprintf("[%s]", paste(sprintf("%.0f", x), collapse = ", "))

# Each match of a pattern through a function.
replace_matches <- function(text, pattern, change) {
  places <- gregexpr(pattern, text)
  found <- regmatches(text, places)[[1]]
  if (length(found)) regmatches(text, places) <- list(vapply(found, change, ""))
  text
}

placed <- function(place, arrays) {
  value <- jsonlite::fromJSON(place)
  list(x = arrays[value$at + seq_len(prod(value$shape))], shape = value$shape)
}

array_text <- function(x, shape) {
  bytes <- gsub("[\r\n]", "", jsonlite::base64_enc(writeBin(x, raw(), size = 8L, endian = "little")))
  sprintf("{\"f8\": \"%s\", \"shape\": [%s]}", bytes, paste(shape, collapse = ", "))
}

#' @rdname write_gbtm
#' @export
read_gbtm <- function(path) {
  call <- match.call()
  check_file(path, call)
  text <- rawToChar(readBin(path, "raw", file.size(path)))
  Encoding(text) <- "UTF-8"
  new_gbtm(checked_document(text, path, call))
}

check_file <- function(path, call) {
  if (!is.character(path) || length(path) != 1 || !file.exists(path) || dir.exists(path)) {
    stop_gbtm("no_file", sprintf("path: there is no file %s.", shown(path)), "path", "Check the path.", call)
  }
}

newest_version <- 2

# What every document has, by where it stands; its shapes are the engine's to check.
required_fields <- list(
  document = c("created_by", "n_subjects", "nobs", "id_name", "ids", "names", "outcomes", "group_sets", "blocks",
               "params", "cov_params", "identified", "internal", "loglik", "search", "certificate", "warnings",
               "dropped"),
  outcome = c("name", "time_name", "spec", "centre", "scale", "bases", "coefficients", "positions", "offsets", "data"),
  group_set = c("n_groups", "reference", "shares", "cov_shares", "posterior", "membership"),
  on_disk = c("files", "n_assigned", "assigned", "certain", "posterior", "gap", "gap_squares", "squares", "uncertainty",
              "waves", "means", "mass", "sd", "weighted"),
  dual = c("basis", "coefficients", "positions", "shares", "jacobian", "posterior", "separate", "two_step")
)
required_in_v1 <- c("spec", "outcomes", "blocks", "search", "membership", "shares", "cov_shares", "posterior", "nobs",
                    "data")

# The text of a document of any version as that of today's; refuses anything else by name.
checked_document <- function(text, path, call) {
  document <- tryCatch(jsonlite::fromJSON(text, simplifyVector = FALSE), error = function(e) NULL)
  if (!is.list(document) || !identical(document$format, "gbtm-fit")) {
    stop_gbtm("bad_document", sprintf("%s: not a fit document.", path), "path",
              "Give a file written by write_gbtm() or by save() in Python.", call)
  }
  version <- document$format_version
  if (!is.numeric(version) || version < 1) {
    stop_gbtm("bad_document", sprintf("%s: format_version is no number from 1 on.", path), "path",
              "Give a file as it was written.", call)
  }
  if (version > newest_version) {
    stop_gbtm("bad_document", sprintf("%s: format version %s is newer than this package reads.", path, format(version)),
              "path", "Update gbtm.", call)
  }
  if (version == 1) {
    check_fields(document, required_in_v1, "", path, call)
    document <- upgraded_document(document)
    text <- json_text(document)
  }
  check_fields(document, required_fields$document, "", path, call)
  if (!is.null(document$on_disk)) check_fields(document$on_disk, required_fields$on_disk, "on_disk.", path, call)
  if (!is.null(document$dual)) check_fields(document$dual, required_fields$dual, "dual.", path, call)
  for (outcome in document$outcomes) check_fields(outcome, required_fields$outcome, "outcomes.", path, call)
  for (group_set in document$group_sets) check_fields(group_set, required_fields$group_set, "group_sets.", path, call)
  text
}

check_fields <- function(value, fields, where, path, call) {
  missing <- setdiff(fields, names(value))
  if (length(missing)) {
    stop_gbtm("bad_document", sprintf("%s: '%s%s' is missing.", path, where, missing[1]), "path",
              "Give a file as it was written.", call)
  }
}
