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

is_bound <- function(relations) grepl("[<>]", relations)

# Whether two fits differ in constraints, and not in their models otherwise.
differ_in_constraints <- function(small, large) {
  !setequal(relations_of(constraint_texts(small)), relations_of(constraint_texts(large))) &&
    identical(names(small$coefficients), names(large$coefficients)) && identical(small$spec, large$spec)
}

# Why the constraints of two fits leave no chi-square law; NULL where they leave one, or a mixture with one bound.
constraints_not_nested <- function(small, large) {
  own <- setdiff(relations_of(constraint_texts(small)), relations_of(constraint_texts(large)))
  gone <- setdiff(relations_of(constraint_texts(large)), relations_of(constraint_texts(small)))
  if (length(gone)) {
    return(sprintf("the larger model has a constraint that the smaller lacks, %s. Compare by BIC.", gone[1]))
  }
  if (sum(is_bound(own)) > 1) {
    return("several parameters are at bounds, so that this is a mixture of chi-squares. Compare by BIC.")
  }
}

# How many bounds the smaller fit has that the larger has not.
further_bounds <- function(small, large) {
  sum(is_bound(setdiff(relations_of(constraint_texts(small)), relations_of(constraint_texts(large)))))
}
