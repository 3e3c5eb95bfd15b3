# From the fit document to the object: plain R values, nothing of Python.

#' Make a fit from its document
#'
#' @param text the document, JSON; kept as it is, so that [write_gbtm()] writes the same bytes
#' @param arrays doubles that `text` points into, or NULL where its arrays are in it
#' @param call,formula how the user asked for it; made up from the document when NULL
#' @param terms terms of a basis formula, or NULL
#' @param traj list with traj's table as `text`, or NULL
#' @noRd
new_gbtm <- function(text, arrays = NULL, call = NULL, formula = NULL, terms = NULL, traj = NULL) {
  document <- decode(jsonlite::fromJSON(text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE), arrays)
  names <- as.character(document$names)
  first <- document$outcomes[[1]]
  fit <- list(
    call = call, formula = if (is.null(formula)) document_formula(document) else formula, terms = terms,
    family = document$spec$outcomes[[1]]$family, n_groups = document$spec$n_groups, spec = document$spec,
    outcome_name = first$name, time_name = first$time_name, id_name = document$id_name, ids = document$ids,
    coefficients = stats::setNames(as.vector(document$params), names),
    vcov = named_square(document$cov_params, names), cov_type = document$cov_type,
    identified = stats::setNames(as.logical(document$identified), names),
    traj_names = as.character(document$traj_names),
    loglik = document$loglik, nobs = document$nobs, n_subjects = document$n_subjects,
    shares = as.vector(document$shares), cov_shares = document$cov_shares, posterior = document$posterior,
    data = as.data.frame(lapply(document$data, as.vector)), search = document$search,
    certificate = document$certificate, warnings = document$warnings, dropped = document$dropped,
    curves = curves_of(document), created_by = document$created_by, seconds = document$seconds, traj = traj,
    document = list(text = text, arrays = arrays)
  )
  fit$data[c("subject", "wave")] <- fit$data[c("subject", "wave")] + 1
  structure(fit, class = c(if (!is.null(traj)) "traj", "gbtm"))
}

named_square <- function(x, names) {
  x[is.nan(x)] <- NA_real_
  matrix(x, length(names), length(names), dimnames = list(names, names))
}

# Arrays of the document are by row: base64 of little-endian doubles, or a place among `arrays`.
decode <- function(value, arrays = NULL) {
  if (!is.list(value)) return(value)
  if (length(value) == 2 && setequal(names(value), c("f8", "shape"))) {
    bytes <- jsonlite::base64_dec(value$f8)
    return(shaped(readBin(bytes, "double", n = length(bytes) %/% 8L, size = 8L, endian = "little"), value$shape))
  }
  if (length(value) == 2 && setequal(names(value), c("at", "shape"))) {
    return(shaped(arrays[value$at + seq_len(prod(value$shape))], value$shape))
  }
  lapply(value, decode, arrays)
}

shaped <- function(x, shape) {
  shape <- as.integer(shape)
  if (length(shape) == 2) matrix(x, shape[1], shape[2], byrow = TRUE) else x
}

# The formula a document names; a traj command has none, so that it is made of the names. The outcome becomes a plain
# column even where it was an expression, so that nothing a file says is ever executed.
document_formula <- function(document) {
  first <- document$outcomes[[1]]
  made <- tryCatch(str2lang(document$formula), error = function(e) NULL)
  right <- if (is.call(made) && identical(made[[1]], as.name("~")) && length(made) == 3) made[[3]]
  if (is.null(right)) right <- as.name(first$time_name)
  structure(call("~", as.name(first$name), right), class = "formula", .Environment = globalenv())
}

# What predict() needs to make the curves again.
curves_of <- function(document) {
  spec <- document$spec$outcomes[[1]]
  stored <- document$outcomes[[1]]
  list(
    family = spec$family, lower = if (is.null(spec$lower)) -Inf else spec$lower,
    upper = if (is.null(spec$upper)) Inf else spec$upper, centre = stored$centre, scale = stored$scale,
    bases = lapply(stored$bases, basis_matrices), coefficients = stored$coefficients, positions = stored$positions,
    offsets = stored$offsets, cov = document$internal$cov, undetermined = document$internal$undetermined
  )
}

# Nested lists of a basis as matrices.
basis_matrices <- function(basis) {
  basis$mix <- rows_to_matrix(basis$mix)
  if (!is.null(basis$columns)) basis$columns <- rows_to_matrix(basis$columns)
  basis
}

rows_to_matrix <- function(rows) do.call(rbind, lapply(rows, as.double))
