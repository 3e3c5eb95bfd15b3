# One outcome of a fit of several, as a fit of its own: its curves and observations, the groups of them all. In R as in
# Python it is made of the fit document, so that the engine takes it as it takes any fit.

#' One outcome of a fit of several
#'
#' Whatever is asked of one outcome is asked of this: its curves, observations and parameters, as a fit of its own.
#' Groups, shares, posteriors, the log-likelihood and the start report stay those of all outcomes together, so that it
#' cannot be fitted again, and nothing that maximises a likelihood is asked of it. Of a dual model the groups are the
#' outcome's own; those of the second have the shares that they have in all, whose logits `theta[2]`, .. stand in for
#' parameters of the model.
#'
#' @param fit a fit
#' @param outcome name of the outcome, or its number from 1
#' @return A fit, see [gbtm()], whose parameters go without the outcome's name, `age[1]` for `bmi: age[1]`; a fit of
#'   one outcome as it is.
#' @section Errors: `gbtm_unknown_outcome`. What needs the whole fit is an error of class `gbtm_part_of_a_fit`, and what
#'   is asked of one outcome but given a fit of several one of class `gbtm_several_outcomes`.
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(list(conduct ~ year, absences ~ year), data = school, id = "id", groups = 3, order = 1,
#'             family = c("normal", "poisson"))
#' coef(of_outcome(fit, "absences"))
#' head(predict(of_outcome(fit, "absences")))
#' @export
of_outcome <- function(fit, outcome) {
  check_names()
  check_fit(fit)
  names <- outcome_names(fit)
  number <- outcome_number(names, outcome)
  if (length(names) == 1) fit else outcome_view(fit, number)
}

outcome_names <- function(fit) if (is_several(fit)) names(.subset2(fit, "each")) else fit$outcome_name

is_several <- function(fit) inherits(fit, "gbtm_several")

outcome_number <- function(names, asked) {
  by_name <- is.character(asked) && length(asked) == 1 && asked %in% names
  by_number <- is.numeric(asked) && length(asked) == 1 && isTRUE(asked %in% seq_along(names))
  if (by_name) return(match(asked, names))
  if (by_number) return(as.integer(asked))
  stop_gbtm("unknown_outcome", sprintf("outcome: %s is none of the outcomes.", shown(asked)), "outcome",
            sprintf("They are %s.", listing(names)))
}

# The outcomes of a fit, each as a fit of its own, by name.
outcome_views <- function(fit) {
  if (!is_several(fit)) return(stats::setNames(list(fit), fit$outcome_name))
  names <- outcome_names(fit)
  lapply(stats::setNames(seq_along(names), names), function(m) outcome_view(fit, m))
}

#' What is kept of each outcome beside the document: how the user asked for it
#'
#' `formula`, `terms` of a basis, `inputs` for new data, `rows` of the user's table, `own_table`.
#' @noRd
outcome_view <- function(fit, number) {
  text <- view_text(jsonlite::fromJSON(fit$document$text, simplifyVector = FALSE), number, fit$document$arrays)
  own <- fit$each[[number]]
  view <- new_gbtm(text, fit$document$arrays, formula = own$formula, terms = own$terms, held = fit$document$held)
  for (name in c("inputs", "rows")) view[[name]] <- own[[name]]
  for (name in c("own_ids", "rows_read")) view[[name]] <- fit[[name]]
  view$own_table <- isTRUE(own$own_table) || isTRUE(view$read_as$own_table)
  if (is_dual(fit)) without_second_covariates(view, number) else view
}

#' The text of the document with one outcome alone; the same rules as `outcome_view()` of Python's `gbtm.fit`
#'
#' @param document nested lists, nothing simplified; its arrays may be places in `arrays`
#' @noRd
view_text <- function(document, number, arrays) {
  whole <- document
  outcome <- document$outcomes[[number]]
  second <- outcome$group_set > 0 # of a dual model, whose coefficients are not these groups'
  foreign <- c("theta2", if (second) "theta")
  blocks <- Filter(function(b) {
    (is.null(b$outcome) || b$outcome == number - 1) && !b$kind %in% foreign
  }, document$blocks)
  kept <- unlist(lapply(blocks, function(b) b$start + seq_len(b$width)))
  place <- rep(-1, length(document$names) + 1) # the last is where a place of -1 points to
  place[kept] <- seq_along(kept) - 1
  moved <- function(at) {
    at <- stored_array(at, arrays)
    new <- place[ifelse(at < 0, length(place), at + 1)]
    dim(new) <- dim(at)
    json_array_of(new)
  }
  vector <- function(x) if (is.null(x)) NULL else json_array_of(stored_array(x, arrays)[kept])
  square <- function(x) if (is.null(x)) NULL else json_array_of(stored_array(x, arrays)[kept, kept, drop = FALSE])
  rows <- function(x) if (is.null(x)) NULL else json_array_of(stored_array(x, arrays)[kept, , drop = FALSE])
  document["formula"] <- list(view_formula(document, number))
  document$names <- lapply(document$names[kept], without_prefix, outcome$name)
  document$traj_names <- document$traj_names[kept]
  document$identified <- document$identified[kept]
  document$params <- vector(document$params)
  document$cov_params <- square(document$cov_params)
  document$nobs <- outcome$nobs
  document$part_of <- lapply(document$outcomes, `[[`, "name")
  internal <- document$internal
  document$internal <- Filter(Negate(is.null), Map(function(x, name) {
    if (name %in% c("cov", "jacobian")) return(square(x))
    if (is.null(x)) NULL else if (length(x$shape) == 2) rows(x) else vector(x)
  }, internal, names(internal)))
  groups <- document$group_sets[[outcome$group_set + 1]]
  groups$membership$positions <- moved(groups$membership$positions)
  if (!is.null(groups$inputs)) groups$inputs <- groups$inputs[!startsWith(names(groups$inputs), "risk2")]
  document$group_sets <- list(groups)
  document["known_groups"] <- document[if (second) "known_groups2" else "known_groups"]
  document[c("known_groups", "known_groups2")[c(is.null(document[["known_groups"]]), TRUE)]] <- NULL
  outcome$group_set <- 0L
  outcome$positions <- lapply(outcome$positions, moved)
  document$outcomes <- list(outcome)
  document$blocks <- view_blocks(blocks)
  document$search$optima <- lapply(document$search$optima, function(o) o[names(o) != "params"])
  if (second) document <- with_margins(document, whole, kept, arrays)
  json_text(without_others(document, number))
}

# What goes with the first of several outcomes, or with all of them, is none of the others'.
without_others <- function(document, number) {
  document$dual <- NULL
  if (number > 1) document$event <- NULL # it goes with the first, as dropout does
  if (!is.null(document$on_disk)) document$on_disk <- sums_of_outcome(document$on_disk, number)
  document
}

view_blocks <- function(blocks) {
  starts <- cumsum(c(0, vapply(blocks, function(b) as.double(b$width), 1)))
  lapply(seq_along(blocks), function(i) {
    block <- blocks[[i]]
    block["outcome"] <- list(if (!is.null(block$outcome)) 0L)
    block$group_set <- 0L
    block$start <- starts[i]
    block
  })
}

# An outcome's own among the formulas of all.
view_formula <- function(document, number) {
  inputs <- document$outcomes[[number]]$inputs
  if ("formula" %in% names(inputs)) return(inputs$formula)
  if (is.null(document$formula)) return(NULL)
  all <- strsplit(document$formula, "; ", fixed = TRUE)[[1]]
  if (length(all) == length(document$outcomes)) all[number] else document$formula
}

without_prefix <- function(name, outcome) {
  prefix <- paste0(outcome, ": ")
  if (startsWith(name, prefix)) substring(name, nchar(prefix) + 1) else name
}

# Numbers of a document whose lists are not simplified: an array, or nested lists of numbers.
stored_array <- function(value, arrays) {
  if ("shape" %in% names(value)) return(decode(replace(value, "shape", list(unlist(value$shape))), arrays))
  if (length(value) && is.list(value[[1]])) return(do.call(rbind, lapply(value, function(row) as.double(unlist(row)))))
  as.double(unlist(value))
}

# As the engine writes arrays, for json_text().
json_array_of <- function(x) {
  by_row <- if (is.matrix(x)) as.vector(t(x)) else as.vector(x)
  bytes <- gsub("[\r\n]", "", jsonlite::base64_enc(writeBin(as.double(by_row), raw(), size = 8L, endian = "little")))
  list(f8 = bytes, shape = as.list(if (is.matrix(x)) dim(x) else length(x)))
}

# -- what is refused of the whole ---------------------------------------------------------------------------------

# What a fit of one outcome has and one of several has of each.
of_one_outcome <- c("outcome_name", "time_name", "family", "data", "curves", "read_as", "dropout_covariates", "terms",
                    "inputs", "rows")

#' What stands in a fit of several outcomes
#'
#' What belongs to one outcome is refused in words: an answer of the first alone, or NULL, would be silently wrong.
#' @noRd
#' @export
`$.gbtm_several` <- function(x, name) {
  if (name %in% of_one_outcome) refuse_several(names(.subset2(x, "each")))
  .subset2(x, name)
}

#' @noRd
#' @export
`[[.gbtm_several` <- function(x, i, ...) {
  if (is.character(i) && length(i) == 1 && i %in% of_one_outcome) refuse_several(names(.subset2(x, "each")))
  .subset2(x, i)
}

refuse_several <- function(names, one = names[1]) {
  stop_gbtm(
    "several_outcomes",
    sprintf("outcome: this is asked of one outcome, and the fit has %d: %s.", length(names), listing(names)), "outcome",
    sprintf("Ask it of one of them, of_outcome(fit, \"%s\").", one)
  )
}

# One outcome of several has no likelihood of its own, and nothing that follows from one.
refuse_part <- function(fit) {
  if (!length(fit$part_of)) return(invisible())
  stop_gbtm("part_of_a_fit", sprintf(
    "outcome: %s was fitted together with others, and its own likelihood is not what was maximised.", fit$outcome_name
  ), "outcome", sprintf("Ask the whole fit, of %s.", listing(fit$part_of)))
}

# What has no version for several outcomes, and rests on the likelihood of one, so that a part of them has none either.
refuse_all_outcomes <- function(fit, what) {
  refuse_part(fit)
  if (!is_several(fit)) return(invisible())
  stop_gbtm("several_outcomes", sprintf("%s: is of a fit of one outcome, and this is one of %d: %s.", what,
                                        length(outcome_names(fit)), listing(outcome_names(fit))), "fit",
            "Fit an outcome alone to ask it of that.")
}

# What is computed of each outcome, in one table: with a column `outcome`, and the time of all called `time`.
below_each_other <- function(tables, time = 2) {
  alike <- lapply(names(tables), function(name) {
    table <- tables[[name]]
    if (length(time)) names(table)[time] <- "time"
    if (!is.null(table$level)) table$level <- as.character(table$level)
    cbind(outcome = name, table, stringsAsFactors = FALSE)
  })
  columns <- unique(unlist(lapply(alike, names)))
  whole <- do.call(rbind, lapply(alike, function(table) {
    table[setdiff(columns, names(table))] <- NA # only categories without an order have levels
    table[columns]
  }))
  levels <- unlist(lapply(tables, function(table) levels(table$level)), use.names = FALSE)
  if (!is.null(whole$level)) whole$level <- factor(whole$level, unique(levels))
  whole
}

# The formulas of a fit in words.
formula_words <- function(fit) {
  paste(vapply(if (is_several(fit)) fit$formula else list(fit$formula), deparse_line, ""), collapse = "; ")
}
