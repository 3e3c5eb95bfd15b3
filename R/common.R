# Covariates whose effects are common to all groups, `common = ~ sex * t`. They are read with those of `tcov` as one
# formula, so that levels and interactions are coded as one, and told from them by their terms.

#' Arguments of [gbtm()] whose `tcov` has the covariates of `common` too
#'
#' The formula's attribute `common` is that of `common` alone, `own` that of `tcov` alone, and `argument` what errors
#' speak of. Of wide data a covariate that is known once of a person stands at each wave.
#' @param given values of the arguments by name
#' @param parts what [formula_parts()] returned
#' @noRd
with_common <- function(given, parts, data) {
  if (is.null(given$common)) return(given)
  known <- if (is.null(given$wide)) names(data) else names(given$wide)
  shared <- covariates_formula(given$common, "common", known)
  own <- if (!is.null(given$tcov)) covariates_formula(given$tcov, "tcov", known)
  both <- shared
  if (!is.null(own)) {
    both <- if (identical(environment(own), baseenv())) shared else own
    both[[2]] <- call("+", own[[2]], shared[[2]])
  }
  given$tcov <- structure(both, common = shared, own = own, argument = if (is.null(own)) "common" else "tcov")
  if (is.list(given$wide)) given$wide <- at_each_wave(given$wide, all.vars(shared), parts$outcome, data)
  given
}

# A formula, or column names and calls of lag() in quotes as their sum.
covariates_formula <- function(asked, argument, known) {
  formula <- if (is.character(asked)) lag_formula(asked, known)
  if (!is.null(formula)) return(formula)
  if (is.character(asked) && !is_formula_text(asked)) {
    unknown <- setdiff(asked, known)
    if (length(unknown)) {
      stop_gbtm("unknown_column", sprintf("%s: no column named '%s'.", argument, unknown[1]), argument,
                sprintf("The columns are %s.", listing(known)))
    }
  }
  one_sided(asked, argument)
}

at_each_wave <- function(wide, names, outcome, data) {
  waves <- length(expand_columns(data, wide[[outcome]], outcome))
  for (name in intersect(names, setdiff(names(wide), outcome))) {
    if (!is.character(wide[[name]])) next
    found <- expand_columns(data, wide[[name]], name)
    if (length(found) == 1) wide[[name]] <- rep(found, waves)
  }
  wide
}

#' Which covariates have one effect for all groups
#'
#' @param asked the formula of [with_common()]
#' @param made what [design_columns()] returned; of wide data a list of `x` alone
#' @param outcome what the outcome is called, for lags of it
#' @return names of columns; NULL where there is no `common`
#' @noRd
common_names <- function(asked, made, outcome) {
  if (is.null(attr(asked, "common"))) return(NULL)
  shared <- terms_apart(attr(asked, "common"), outcome)
  own <- if (!is.null(attr(asked, "own"))) terms_apart(attr(asked, "own"), outcome)
  twice <- intersect(shared, own)
  if (length(twice)) {
    stop_gbtm("common_and_own", sprintf(
      "common: %s %s in tcov too, and an effect is one for all groups or each group's own.", listing(twice),
      if (length(twice) == 1) "stands" else "stand"), "common", "Leave it out of one of them.")
  }
  names <- if (is.null(made$of_term)) {
    intersect(colnames(made$x), shared)
  } else {
    colnames(made$x)[label_keys(made$kept$terms)[made$of_term] %in% shared]
  }
  if (!length(names)) {
    stop_gbtm("no_common", sprintf(
      "common: nothing is left of '%s': the main effect of time is each group's own curve.",
      deparse_line(attr(asked, "common")[[2]])), "common", paste(
      "For one effect of time beside each group's own level give order 0, which leaves time out of the curves."))
  }
  names
}

# The terms of a formula, each by the variables in it.
terms_apart <- function(formula, outcome) {
  formula[[2]] <- named_lags(formula[[2]], outcome)$node
  label_keys(stats::terms(formula))
}

# Of each term its variables in one order, as text.
label_keys <- function(terms) {
  vapply(variables_of(terms), function(v) paste(sort(gsub("`", "", v)), collapse = ":"), "", USE.NAMES = FALSE)
}

# The sentence on the main effect of time speaks of `common` where `tcov` has no time.
note_of_common <- function(note, asked, curve) {
  own <- attr(asked, "own")
  if (is.null(note) || is.null(attr(asked, "common")) || (!is.null(own) && curve$time %in% all.vars(own))) return(note)
  note[[1]][[2]] <- sub("^tcov:", "common:", note[[1]][[2]])
  note
}

#' What the document says of covariates that were read as one
#'
#' @param covariates what [varying_covariates()] returned of them
#' @return list of `tcov` and `common` for JSON; NULL without `common`
#' @noRd
asked_apart <- function(given, kept, data, covariates, outcome) {
  asked <- given$tcov
  if (is.null(attr(asked, "common"))) return(NULL)
  shared <- terms_apart(attr(asked, "common"), outcome)
  if (!is.null(given$wide)) {
    return(list(tcov = json_array(setdiff(covariates$terms, shared)), common = json_array(shared)))
  }
  mine <- label_keys(kept$tcov$terms) %in% shared
  labels <- attr(kept$tcov$terms, "term.labels")
  said <- function(some) {
    some <- setdiff(some, kept$tcov$own)
    texts <- vapply(lapply(some, plain_term, data, kept$tcov$xlevels), `[[`, "", "term")
    if (length(texts)) paste("~", paste(texts, collapse = " + "))
  }
  list(tcov = said(labels[!mine]), common = said(labels[mine]))
}
