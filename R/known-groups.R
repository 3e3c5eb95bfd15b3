# People whose group is known, or has a weight: how the columns are read, and what is said of them. As the engine's
# fit/known_words.py, so that it needs no Python; a test holds the two against each other.

# Of a dual model, what is known of the groups of each outcome: an entry an outcome, in order or by name.
known_of_sets <- function(asked, outcomes, call) {
  if (is.null(asked)) return(NULL)
  text <- is.character(asked) && is_formula_text(asked)
  each <- if (is.list(asked)) asked else if (is.character(asked) && !text) as.list(asked) else list(asked)
  if (!is.null(names(each))) {
    each <- named_by_outcome(each, "known", outcomes)
  } else if (length(each) != 2) {
    refuse_sets_unsaid(each, outcomes, call)
  }
  structure(list(first = each[[1]], second = each[[2]]), class = "gbtm_known_sets")
}

# One column, or too many: of which outcome's groups is not said.
refuse_sets_unsaid <- function(each, outcomes, call) {
  column <- if (length(each) == 1 && is.character(each[[1]])) each[[1]][1] else "told"
  said <- if (length(each) == 1) "it is one column" else paste(length(each), "entries")
  example <- sprintf("known = list(%s = \"%s\"), or known = list(\"%s\", NULL)", outcomes[1], column, column)
  stop_gbtm("bad_known", sprintf("known: %s, and each of the two outcomes has groups of its own.", said), "known",
            sprintf(paste("Say whose groups are known: %s for those of %s, NULL where nothing is known of an outcome's",
                          "groups."), example, outcomes[1]), call)
}

# Arguments by name with `known2`, what is known of the second set of groups, beside `known`.
known_by_set <- function(given) {
  known <- given$known
  if (inherits(known, "gbtm_known_sets")) {
    given["known"] <- list(known$first)
    given["known2"] <- list(known$second)
  } else if (is.list(known)) {
    stop_gbtm("bad_known", "known: it has an entry for each outcome, and the outcomes share their groups.", "known",
              "Give one column with the number of the group, or a column of weights for each group.")
  }
  given
}

# Numbers of groups (n, 1), or weights (n, K), of an argument `known`.
known_matrix <- function(asked, table) {
  columns <- known_terms(asked)
  matrix(vapply(columns, one_column, numeric(nrow(table)), table, "known"), nrow(table))
}

# How many columns the engine is sent of each set of groups.
known_widths <- function(sent, n) {
  sent <- sent[intersect(c("known", "known2"), names(sent))]
  stats::setNames(lapply(sent, function(x) length(x) / n), sprintf("%s_width", names(sent)))
}

# Each column by itself: names, or the terms of a formula.
known_terms <- function(asked) {
  if (is.character(asked) && !is_formula_text(asked)) return(as.list(asked))
  formula <- one_sided(asked, "known")
  labels <- attr(stats::terms(formula), "term.labels")
  if (length(labels) < 2) return(list(formula))
  lapply(labels, function(label) stats::as.formula(paste("~", label), env = environment(formula)))
}

# For the document: the name of one column, or those of one a group; FALSE for an expression.
known_names <- function(asked, data) {
  names <- lapply(known_terms(asked), one_name, "known", names(data), data)
  if (any(vapply(names, isFALSE, NA))) return(FALSE)
  if (length(names) == 1) names[[1]] else json_array(unlist(names))
}

# Weights (N, K) of the groups of a fit with one set of them; NULL where nothing is known of anybody.
group_weights <- function(fit) {
  known <- fit$known_groups
  if (is.null(known)) return(NULL)
  m <- if (ncol(known) == 1) outer(known[, 1], seq_len(fit$n_groups), "==") * 1 else known
  m[is.na(m)] <- 1
  if (any(m != 1)) m
}

# What is known of people's groups, in the order of their ids.
known_by_id <- function(fit) {
  each <- fit[c("known_groups", "known_groups2")]
  if (all(vapply(each, is.null, NA))) return(NULL)
  lapply(each, function(known) {
    if (is.null(known)) return(NULL)
    known <- known[order(as.character(fit$ids)), , drop = FALSE]
    known[is.na(known)] <- NA
    known
  })
}

# Of a dual model, outcome by outcome.
known_sentence <- function(fit) {
  if (is_dual(fit)) {
    said <- unlist(lapply(outcome_views(fit), known_sentence))
    return(if (length(said)) paste(paste0(names(said), ": ", said), collapse = " ") else character())
  }
  m <- group_weights(fit)
  if (is.null(m)) return(character())
  sure <- rowSums(m > 0) == 1
  counts <- colSums(m[sure, , drop = FALSE] > 0)
  each <- paste(sprintf("%d in group %d", as.integer(counts), seq_along(counts))[counts > 0], collapse = ", ")
  partly <- sum(rowSums(m != m[, 1]) > 0 & !sure)
  paste(c(
    if (any(sure)) sprintf("The group of %d of %d subjects is known: %s.", sum(sure), fit$n_subjects, each),
    if (partly) sprintf("%d subjects have weights of the groups.", partly)
  ), collapse = " ")
}

# On whom AvePP, OCC and entropy are computed, and what they are of those whose group is not known.
judged_on <- function(fit) {
  m <- group_weights(fit)
  sure <- if (is.null(m)) FALSE else rowSums(m > 0) == 1
  if (!any(sure)) return(NULL)
  lead <- sprintf(paste("AvePP, OCC and entropy are of all %d subjects, also of the %d whose group is known and whose",
                        "probability of it is 1"), fit$n_subjects, sum(sure))
  if (all(sure)) return(paste0(lead, ": they say nothing of how well the groups are told apart."))
  p <- fit$posterior[!sure, , drop = FALSE]
  weight <- subject_weights(fit)[!sure]
  mine <- max.col(p, ties.method = "first")
  each <- vapply(intersect(seq_len(fit$n_groups), mine[weight > 0]), function(k) {
    sprintf("%.2f in group %d", stats::weighted.mean(p[mine == k, k], weight[mine == k]), k)
  }, "")
  sprintf("%s. Of the other %d relative entropy is %.2f and AvePP %s.", lead, nrow(p), entropy_of(p),
          paste(each, collapse = ", "))
}
