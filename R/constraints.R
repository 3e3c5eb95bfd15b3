# Constraints that the parameters of a fit were estimated under: how many they leave free, and what is said of them.

# The number of free parameters.
n_parameters <- function(fit) {
  own <- if (is.null(fit$constraints)) length(fit$coefficients) else as.integer(fit$constraints$n_free)
  own + n_of_units(fit)
}

# Why a parameter has no standard error of its own, "fixed" or "at bound", by its name.
without_error <- function(fit) {
  fixed <- as.character(fit$constraints$fixed)
  held <- as.character(fit$constraints$held)
  stats::setNames(rep(c("fixed", "at bound"), c(length(fixed), length(held))), c(fixed, held))
}

constraint_texts <- function(fit) as.character(fit$constraints$texts)

print_constraints <- function(fit) {
  if (is.null(fit$constraints)) return(invisible())
  print_wrapped(sprintf("Constraints: %s.", paste(constraint_texts(fit), collapse = "; ")))
}

# One text of each relation, blanks taken out; a chain is as many.
relations_of <- function(texts) {
  if (!length(texts)) return(character())
  sides <- "(<=|>=|==|=|<|>)"
  unlist(lapply(trimws(unlist(strsplit(sub("[,;]? *(in +)?(the +)?same +units? *$", "", texts), ","))), function(text) {
    text <- gsub("[[:space:]]", "", text)
    signs <- regmatches(text, gregexpr(sides, text))[[1]]
    parts <- strsplit(text, sides)[[1]]
    vapply(seq_along(signs), function(i) paste0(parts[i], substr(signs[i], 1, 1), parts[i + 1]), "")
  }), use.names = FALSE)
}

#' The law of the likelihood ratio of two fits of which one has constraints at least, see `ratio_law()`
#'
#' Whether one model is in the other, what the constraints allow decides and not how they are written: the engine has
#' them as a linear map.
#' @noRd
constrained_law <- function(small, large) {
  if (!gbtm_engine()$available) {
    return(list(why = "the engine compares constraints, and it is not here. install_gbtm() installs it."))
  }
  if (large$loglik < small$loglik - 1e-6) return(list(why = worse_fit))
  found <- call_bridge("constrained_pair", document_text(large), document_text(small))
  if (!is.null(found$why)) return(list(why = in_r_words(found$why)))
  list(pvalue = found$pvalue, words = if (nzchar(found$law)) found$law)
}
