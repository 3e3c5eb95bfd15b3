# From the fit document to the object: plain R values, nothing of Python.

#' Make a fit from its document
#'
#' @param text the document, JSON; kept as it is, so that [write_gbtm()] writes the same bytes
#' @param arrays doubles that `text` points into, or NULL where its arrays are in it
#' @param call,formula how the user asked for it; made up from the document when NULL
#' @param terms terms of a basis formula, or NULL
#' @param traj list with traj's table as `text`, or NULL
#' @param data columns that the document says are held here, as the fit's data have them
#' @param held what else the document says is held here, by name: `ids`, `weights`, ...
#' @param each of several outcomes, how the user asked for each, see [outcome_view()]
#' @noRd
new_gbtm <- function(text, arrays = NULL, call = NULL, formula = NULL, terms = NULL, traj = NULL, data = NULL,
                     held = NULL, each = NULL) {
  stored <- jsonlite::fromJSON(text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  document <- with_r_words(decode(stored, arrays))
  for (name in c("ids", "weights", "known_groups", "known_groups2")) {
    if (is.list(document[[name]])) document[[name]] <- held[[name]]
  }
  if (is.list(stored$ids) && is.numeric(document$ids)) document$ids <- whole_numbers(document$ids)
  if (is.null(formula)) formula <- document_formula(document)
  as_asked <- list(call = call, formula = formula, terms = terms)
  kept <- list(traj = traj, document = list(text = text, arrays = arrays, held = held))
  fit <- c(as_asked, of_document(document, data), kept)
  of_kind(fit, document, each)
}

# What a fit has of its document, as the first outcome and the first set of groups have it; `data` as for new_gbtm().
of_document <- function(document, data) {
  names <- as.character(document$names)
  first <- document$outcomes[[1]]
  groups <- document$group_sets[[1]]
  list(
    family = first$spec$family, n_groups = groups$n_groups, spec = spec_of(document),
    outcome_name = first$name, time_name = first$time_name, id_name = document$id_name,
    ids = document$ids, coefficients = stats::setNames(as.vector(document$params), names),
    vcov = named_square(document$cov_params, names), cov_type = document$cov_type,
    df_inference = if (is.null(document$df_inference)) Inf else document$df_inference,
    identified = stats::setNames(as.logical(document$identified), names),
    traj_names = as.character(document$traj_names),
    loglik = document$loglik, nobs = document$nobs, n_subjects = document$n_subjects,
    shares = as.vector(groups$shares), cov_shares = groups$cov_shares, posterior = groups$posterior,
    data = data_columns(first$data, data), search = with_first_shares(document$search),
    certificate = document$certificate, warnings = document$warnings, dropped = document$dropped,
    blocks = document$blocks, reference = groups$reference + 1, membership = membership_of(groups),
    weighted = !is.null(document$weights), weights = document$weights, out_of_sample = out_of_sample_of(document),
    read_as = joined_inputs(document), dropout_covariates = as.character(first$dropout$covariates$names),
    curves = curves_of(document), internal = internal_of(document), created_by = document$created_by,
    constraints = document$constraints, prior = prior_of(document), known_groups = document[["known_groups"]],
    known_groups2 = document[["known_groups2"]],
    shared_times = shared_times_of(document), squeezed = squeezed_of(document), event = event_of(document)
  )
}

# A fit of what its document says it is of: a part of a fit, data on disk, several outcomes, two sets of groups.
of_kind <- function(fit, document, each) {
  if (length(document$part_of)) fit$part_of <- as.character(document$part_of)
  if (!is.null(document$on_disk)) fit <- of_sums(fit, document)
  several <- length(document$outcomes) > 1
  if (several) fit <- of_all_outcomes(fit, document, each)
  dual <- !is.null(document$dual)
  if (dual) fit <- of_two_sets(fit, document)
  structure(fit, class = c(
    if (!is.null(fit[["traj"]])) "traj", if (!is.null(document$on_disk)) "gbtm_disk", if (dual) "gbtm_dual",
    if (several) "gbtm_several", "gbtm"
  ))
}

# A fit of several outcomes: without what belongs to one, and with `each` in its place.
of_all_outcomes <- function(fit, document, each) {
  names <- vapply(document$outcomes, `[[`, "", "name")
  if (is.null(each)) {
    each <- lapply(seq_along(names), function(m) {
      list(formula = outcome_formula(document$outcomes[[m]], view_formula(document, m)))
    })
  }
  each <- stats::setNames(lapply(seq_along(names), function(m) {
    c(each[[m]], document$outcomes[[m]][c("time_name", "nobs")], list(family = document$outcomes[[m]]$spec$family))
  }), names)
  fit <- fit[setdiff(names(fit), of_one_outcome)]
  fit$formula <- lapply(each, `[[`, "formula")
  fit$each <- each
  fit
}

# What a document says to the user; its text, which goes back to the engine and into files, keeps the engine's words.
with_r_words <- function(document) {
  document$warnings <- lapply(document$warnings, function(w) replace(w, "message", in_r_words(w$message)))
  document$search$sentence <- in_r_words(document$search$sentence)
  document$dropped$sentence <- in_r_words(document$dropped$sentence)
  document
}

# Of each outcome of which a person may have several observations at one time, how many share theirs; else NULL.
shared_times_of <- function(document) {
  repeated <- Filter(function(o) isTRUE(o$spec$repeated), document$outcomes)
  counts <- lapply(repeated, function(o) o[c("name", "time_name", "nobs", "n_shared")])
  if (length(counts)) counts
}

# By how many observations each squeezed outcome is squeezed, by name; NULL where none is.
squeezed_of <- function(document) {
  by <- lapply(document$outcomes, function(o) o$spec$squeezed_by)
  names(by) <- vapply(document$outcomes, `[[`, "", "name")
  unlist(by)
}

# What was fitted, as one list; `dropout` has the orders of each group.
spec_of <- function(document) {
  groups <- document$group_sets[[1]]
  list(
    n_groups = groups$n_groups, outcomes = lapply(document$outcomes, `[[`, "spec"), reference = groups$reference,
    dropout = document$outcomes[[1]]$dropout$orders
  )
}

# Group shares of each optimum, of the first set of groups.
with_first_shares <- function(search) {
  search$optima <- lapply(search$optima, function(o) replace(o, "shares", list(o$shares[[1]])))
  search
}

out_of_sample_of <- function(document) {
  if (is.null(document$out_of_sample_ids)) return(NULL)
  list(ids = document$out_of_sample_ids, posterior = document$group_sets[[1]]$out_of_sample)
}

# How the table was read, of a single outcome: the inverse of what split_inputs() does.
joined_inputs <- function(document) {
  whole <- document$inputs
  outcome <- document$outcomes[[1]]$inputs
  if (is.null(whole) || is.null(outcome)) return(NULL)
  if ("obsmar" %in% names(outcome)) whole$design["obsmar"] <- outcome["obsmar"]
  c(whole, outcome[names(outcome) != "obsmar"], document$group_sets[[1]]$inputs)
}

# Integers where they go, as jsonlite reads whole numbers.
whole_numbers <- function(x) if (all(abs(x) <= .Machine$integer.max)) as.integer(x) else x

# The document counts subjects and waves from 0. A column it says is held stands in `held`, counted from 1 already; what
# these data do not have is null.
data_columns <- function(stored, held) {
  stored <- Filter(Negate(is.null), stored)
  columns <- lapply(stats::setNames(nm = names(stored)), function(name) {
    x <- stored[[name]]
    if (is.list(x)) return(held[[x$held]])
    if (name %in% counted_from_zero) x + 1 else x
  })
  table <- as.data.frame(columns[names(columns) != "covariates"])
  if (!is.null(columns$covariates)) table$covariates <- columns$covariates # a matrix
  table
}

counted_from_zero <- c("subject", "wave")

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
document_formula <- function(document) outcome_formula(document$outcomes[[1]], document$formula)

outcome_formula <- function(first, text) {
  made <- tryCatch(str2lang(text), error = function(e) NULL)
  right <- if (is.call(made) && identical(made[[1]], as.name("~")) && length(made) == 3) made[[3]]
  if (is.null(right)) right <- as.name(first$time_name)
  structure(call("~", as.name(first$name), right), class = "formula", .Environment = globalenv())
}

# What predict() needs to make the curves again.
curves_of <- function(document) {
  stored <- document$outcomes[[1]]
  spec <- stored$spec
  list(
    family = spec$family, lower = if (is.null(spec$lower)) -Inf else spec$lower,
    upper = if (is.null(spec$upper)) Inf else spec$upper, codes = as.double(unlist(spec$codes)),
    levels = as.character(unlist(spec$levels)), centre = stored$centre, scale = stored$scale,
    bases = lapply(stored$bases, basis_matrices), coefficients = stored$coefficients, positions = stored$positions,
    offsets = stored$offsets, covariates = covariates_of(stored),
    time_scale = if (is.null(stored$time_scale)) 1 else stored$time_scale,
    cov = document$internal$cov, undetermined = document$internal$undetermined
  )
}

# What the variance of a function of the parameters takes: the derivative (p, p) of these in the engine's coordinates, a
# root (p, m) of the covariance there, that of the inverse information where it is a sandwich, and the directions
# without information. NULL for a file of before they were stored.
internal_of <- function(document) {
  stored <- document$internal
  if (is.null(stored$jacobian) || is.null(stored$root)) return(NULL)
  stored[intersect(c("jacobian", "root", "information_root", "undetermined"), names(stored))]
}

# The time-varying covariates and the profile, (T, q) at its times, at which curves are drawn.
covariates_of <- function(stored) {
  if (is.null(stored$covariates)) return(NULL)
  drawn <- stored$profile
  of_time <- drawn$of_time
  if (!is.null(of_time)) {
    of_time$columns <- as.integer(unlist(of_time$columns)) + 1L
    if (is.list(of_time$coefficients)) of_time$coefficients <- rows_to_matrix(of_time$coefficients)
    of_time$coefficients <- matrix(of_time$coefficients, length(of_time$columns))
  }
  c(basis_matrices(stored$covariates),
    list(profile = drawn$values, profile_times = drawn$times, given = !isFALSE(drawn$given), of_time = of_time))
}

# Names of the membership covariates; NULL where there are none.
membership_of <- function(group_set) {
  names <- as.character(group_set$membership$names)[-1]
  if (length(names)) names
}

# Nested lists of a basis as matrices.
basis_matrices <- function(basis) {
  basis$mix <- rows_to_matrix(basis$mix)
  if (!is.null(basis$columns)) basis$columns <- rows_to_matrix(basis$columns)
  if (identical(basis$kind, "network")) {
    basis[c("location", "width")] <- lapply(basis[c("location", "width")], function(x) as.double(unlist(x)))
  }
  basis
}

rows_to_matrix <- function(rows) do.call(rbind, lapply(rows, as.double))
