# A dual model's fit: two outcomes, each with groups of its own, those of the second given those of the first. What the
# document says of one set of groups is asked of one outcome; the pairs of groups stand in `dual`.

is_dual <- function(fit) inherits(fit, "gbtm_dual")

# A fit of a dual model: without what belongs to one set of groups, and with `dual` in its place. Pairs of groups are in
# the order (1, 1), (1, 2), .., (2, 1), ..
of_two_sets <- function(fit, document) {
  stored <- document$dual
  sets <- document$group_sets
  fit <- fit[setdiff(names(fit), of_one_set)]
  fit$dual <- c(stored[required_fields$dual],
                list(risk = stored$risk, out_of_sample = stored$out_of_sample,
                     out_of_sample_ids = document$out_of_sample_ids, params = document$internal$params,
                     cov = document$internal$cov))
  fit$dual$sizes <- vapply(sets, function(s) as.integer(s$n_groups), 1L)
  fit$dual$references <- vapply(sets, function(s) as.integer(s$reference) + 1L, 1L)
  fit$dual$covariates <- list(membership_of(sets[[1]]), as.character(stored$basis$names))
  fit$spec$n_groups <- fit$dual$sizes
  fit$spec$reference <- fit$dual$references - 1L
  fit
}

# What a fit with one set of groups has, and one of two of each.
of_one_set <- c("n_groups", "shares", "cov_shares", "posterior", "reference", "membership", "out_of_sample")

#' What stands in a fit of a dual model
#'
#' What belongs to one set of groups is refused in words.
#' @noRd
#' @export
`$.gbtm_dual` <- function(x, name) {
  if (name %in% of_one_set) refuse_two_sets(x)
  `$.gbtm_several`(x, name)
}

#' @noRd
#' @export
`[[.gbtm_dual` <- function(x, i, ...) {
  if (is.character(i) && length(i) == 1 && i %in% of_one_set) refuse_two_sets(x)
  `[[.gbtm_several`(x, i)
}

refuse_two_sets <- function(fit) {
  names <- names(.subset2(fit, "each"))
  stop_gbtm("two_group_sets", sprintf("outcome: this is asked of one set of groups, and %s and %s have each its own.",
                                      names[1], names[2]), "outcome",
            sprintf("Ask it of one of them, of_outcome(fit, \"%s\").", names[1]))
}

# The groups of one outcome of a dual model are asked for the covariates of the first set alone, or for none.
without_second_covariates <- function(view, number) {
  foreign <- c(if (number > 1) "risk", "risk2")
  view$inputs <- view$inputs[setdiff(names(view$inputs), foreign)]
  view
}

# What a picture is told of groups, outcome by outcome, as each has its own.
of_each_outcome <- function(value, argument, names) {
  if (is.null(value) || is.list(value)) return(by_outcome(value, argument, names))
  stop_gbtm("two_group_sets", sprintf("%s: %s and %s have groups of their own.", argument, names[1], names[2]),
            argument, sprintf("Give a list by outcome, %s = list(%s = ..., %s = ...).", argument, names[1], names[2]))
}

# The colours of each outcome's groups, by outcome: no two groups of a picture have one as long as the colours last.
colours_of_sets <- function(fit, colours) {
  sizes <- fit$dual$sizes
  all <- rep_len(colours, sum(sizes))
  stats::setNames(list(utils::head(all, sizes[1]), utils::tail(all, sizes[2])), outcome_names(fit))
}

#' A view of a dual model's second outcome with the logits of its groups' shares after its parameters
#'
#' @param view the document of the outcome alone, `whole` that of the fit, of which it has the parameters `kept`
#' @noRd
with_margins <- function(view, whole, kept, arrays) {
  groups <- view$group_sets[[1]]
  k <- groups$n_groups
  reference <- groups$reference + 1
  others <- setdiff(seq_len(k), reference)
  shares <- stored_array(groups$shares, arrays)
  joint <- stored_array(whole$dual$jacobian, arrays)
  slopes <- rowsum(joint, rep(seq_len(k), nrow(joint) / k)) / shares
  n <- length(kept)
  through <- matrix(0, n + length(others), length(whole$names))
  through[cbind(seq_len(n), kept)] <- 1
  mine <- n + seq_along(others)
  through[mine, ] <- slopes[others, , drop = FALSE] - slopes[rep(reference, length(others)), , drop = FALSE]
  logits <- log(shares[others] / shares[reference])
  inside <- lapply(whole$internal, function(x) if (!is.null(x)) stored_array(x, arrays))
  jacobian <- diag(nrow(through))
  if (!is.null(inside$jacobian)) jacobian[seq_len(n), seq_len(n)] <- inside$jacobian[kept, kept]
  made <- list(params = c(inside$params[kept], logits), cov = through %*% inside$cov %*% t(through),
               jacobian = jacobian)
  for (name in c("undetermined", "root", "information_root")) {
    if (!is.null(inside[[name]])) made[[name]] <- through %*% inside[[name]]
  }
  known <- determined(made, diag(nrow(through))[mine, , drop = FALSE])
  reported <- jacobian %*% made$cov %*% t(jacobian)
  unknown <- c(!unlist(view$identified), !known)
  reported[unknown, ] <- NaN
  reported[, unknown] <- NaN
  view$names <- c(view$names, as.list(sprintf("theta[%d]", others)))
  view$traj_names <- c(view$traj_names, as.list(sprintf("theta%d", others)))
  view$params <- json_array_of(c(stored_array(view$params, arrays), logits))
  view$cov_params <- json_array_of(reported)
  view$identified <- as.list(!unknown)
  view$internal <- lapply(made, json_array_of)
  positions <- matrix(-1, k, 1)
  positions[others, 1] <- mine - 1
  view$group_sets[[1]]$membership$positions <- json_array_of(positions)
  view$blocks <- c(view$blocks, lapply(seq_along(others), function(at) {
    list(kind = "theta", outcome = NULL, group_set = 0L, group = others[at], start = mine[at] - 1, width = 1L)
  }))
  view
}

# The fit of a dual model, or an error for any other.
dual_of <- function(fit) {
  check_fit(fit)
  if (is_dual(fit)) return(fit)
  part <- length(fit$part_of) > 1
  way_out <- if (part) sprintf("Ask the whole fit, of %s, if each has groups of its own.", listing(fit$part_of)) else
    "Fit a dual model: two outcomes and two numbers of groups, groups = c(3, 2)."
  stop_gbtm("no_dual", "fit: it has one set of groups, and this is between the groups of two outcomes.", "fit", way_out)
}

# The pairs of groups (1, 1), (1, 2), .., (2, 1), ..: a data frame `group1`, `group2`.
pairs_of <- function(fit) {
  sizes <- fit$dual$sizes
  data.frame(group1 = rep(seq_len(sizes[1]), each = sizes[2]), group2 = rep(seq_len(sizes[2]), sizes[1]))
}

pair_names <- function(fit) with(pairs_of(fit), paste("pair", group1, group2, sep = "_"))

# Number of groups of a fit; of a dual model two.
group_counts <- function(fit) if (is_dual(fit)) fit$dual$sizes else fit$n_groups

# How many groups there are, in words: "3 groups", "3 and 2 groups".
count_words <- function(fit) {
  n <- group_counts(fit)
  paste0(paste(n, collapse = " and "), " group", if (any(n > 1)) "s")
}

# Posterior probabilities (N, J) and (N, K) of each outcome's groups, of those (N, J K) of the pairs.
posterior_sets <- function(fit, p) {
  pairs <- pairs_of(fit)
  lapply(pairs, function(group) t(rowsum(t(p), group)))
}

#' Posterior probabilities of pairs of groups as a table
#'
#' @param p (N, J K)
#' @return data frame: the id, `pair_1_1`, `pair_1_2`, .., and what [assigned_pairs()] returns
#' @noRd
pair_frame <- function(fit, p, ids) {
  colnames(p) <- pair_names(fit)
  best <- assigned_pairs(fit, p)
  id <- data.frame(ids, stringsAsFactors = FALSE)
  cbind(stats::setNames(id, apart(fit$id_name, c(colnames(p), names(best)))), as.data.frame(p), best)
}

# Of each person the most probable group of each outcome, and the most probable pair, which need not be the same two.
assigned_pairs <- function(fit, p) {
  best <- function(x) max.col(x, ties.method = "first")
  each <- unname(lapply(posterior_sets(fit, p), best))
  both <- pairs_of(fit)[best(p), ]
  data.frame(group1 = each[[1]], group2 = each[[2]], pair1 = both$group1, pair2 = both$group2)
}

# These with the ids before them.
assignment_frame <- function(fit, p, ids) {
  best <- assigned_pairs(fit, p)
  cbind(stats::setNames(data.frame(ids, stringsAsFactors = FALSE), apart(fit$id_name, names(best))), best)
}

# The outcomes of a dual model, each with what is known of people, by which both sets of groups are predicted.
views_of_people <- function(fit) {
  views <- outcome_views(fit)
  for (m in seq_along(views)) {
    view <- views[[m]]
    view["inputs"] <- list(fit$each[[m]]$inputs)
    view["membership"] <- list(fit$dual$covariates[[1]])
    view$second_membership <- fit$dual$covariates[[2]]
    of_people <- of_both_sets(fit)
    if (!is.null(view$read_as)) view$read_as <- utils::modifyList(view$read_as, of_people)
    view$whole <- fit
    views[[m]] <- view
  }
  views
}

# How the covariates of both sets of groups were read, which the document says with the first.
of_both_sets <- function(fit) {
  stored <- jsonlite::fromJSON(fit$document$text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  Filter(Negate(is.null), as.list(stored$group_sets[[1]]$inputs)[c("risk", "risk2")])
}
