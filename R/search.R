#' Search for a model one can defend
#'
#' Fits models with more and fewer groups and of higher and lower orders, and says which to choose, how clearly, and
#' where the criteria disagree. Every number of groups is fitted by the full default search of [gbtm()], which also
#' splits each group of the fit before it. Models of lower orders start from the estimates of the model above with a
#' coefficient dropped, and from `shape_starts` random starts. No fit stays below a model nested in it: where one does
#' it is made again from there.
#'
#' @param formula,data,id as for [gbtm()]; a list of formulas or [outcome()]s is a search over models of several
#'   outcomes, which share their groups unless `groups` says otherwise
#' @param groups 5 for 1 to 5 groups; a vector such as `2:4` for these numbers, `list(3)` for this one. Dual models, in
#'   which each of two outcomes has groups of its own, are searched by a list by outcome of the numbers to try,
#'   `list(2:4, 2:3)`, or with names, `list(y = 2:4, n = 2:3)`; with `link = "dual"` 4 tries 2 to 4 groups of both.
#' @param order 3 (the default) for orders 0 to 3; a vector or list for these orders. For counts -1, a group whose rate
#'   is zero, where it is named, as in `c(-1, 0, 1, 2)`. Leave it out with a basis formula, where only the number of
#'   groups is searched. Of several outcomes a list has what is to be tried of each, in their order or by name:
#'   `list(2, c(0, 1))`; or it stands in [outcome()].
#' @param how `"two_stage"` (Nagin's): the number of groups with all of them at the highest order, then, for each
#'   number that BIC, ICL or `criterion` chooses, the orders, lowered one group and one step at a time as long as the
#'   best of such models is better. `"stepwise"`: the same for every number of groups. `"grid"`: every set of orders.
#'   `"groups"`: the number of groups only
#' @param criterion by which orders are lowered, and [best()] chooses: a column of the table such as `"bic_subjects"`,
#'   `"bic_observations"`, `"icl_subjects"`; `"BIC"`, `"ICL"` and the like mean n = subjects
#' @param ... further arguments of [gbtm()]: `family`, `risk`, `tcov`, `weights`, `wide`, ... ; `iorder`, `rorder` and
#'   `dropout` take one number for all groups. With zero inflation `iorder = "order"` gives each group a zero part of
#'   its own, of the order of its curve; `iorder_by_group = TRUE` one of its own of order `iorder`.
#' @param cov_type as for [gbtm()]
#' @param control settings from [gbtm_control()]: `n_starts` and `max_starts` for each number of groups, `seed`,
#'   `device`, `progress`. Its `time_budget`, which is that of one fit, is not used.
#' @param n_jobs worker processes, -1 for one per core; the digits do not depend on it. `NULL`, no other process
#' @param checkpoint folder that keeps each finished fit: the same call on the same data goes on where it was, whatever
#'   ended it
#' @param time_budget seconds after which no further fit begins
#' @param shape_starts random starts of models of lower orders
#' @param subset,na.action,seed as for [gbtm()]
#' @param x,object a search
#' @param by columns of the table by which it is sorted, best first; models that cannot be chosen are last. Default,
#'   the search's criterion
#' @param decreasing whether larger is first; by default what is better
#' @param row.names,optional not used
#'
#' @return A list of class `gbtm_search` that holds plain values only:
#' \describe{
#'   \item{`table`}{data frame, one row per model, named by number of groups and orders: `"3: 2 1 0"`; with zero
#'     inflation `"3: 2 1 0 / 1"`. Columns: log-likelihood, parameters, criteria for n = subjects and n = observations
#'     (smaller is better, those named `traj_` larger), relative entropy, share and size of the smallest group, the
#'     worst average posterior probability, odds of correct classification and mismatch, how many of the starts
#'     reached the optimum, what [cross_validate()] and [blrt()] added, number of warnings, the criteria that
#'     choose it, and `flag`: why it cannot be chosen, or `""`}
#'   \item{`fits`}{the fits by label, each as [gbtm()] returns it; they share one copy of the data, on disk too}
#'   \item{`choices`}{named character: the model that each criterion chooses}
#'   \item{`sentences`}{who chooses what and how clearly, what is wrong with the chosen models, repairs, what was left
#'     out}
#' }
#' `best()` returns the fit that a criterion chooses, `sort()` and `as.data.frame()` the table. `summary()` prints all
#' models, `print()` the best for each number of groups and those that a criterion chooses; `*` marks each criterion's
#' choice. See also [plot.gbtm_search()], [write_search()], [grolts_report()].
#'
#' @section Several outcomes: Numbers of groups first, all at the highest orders; then, for those that are chosen, the
#'   orders of each outcome: they are lowered with the posterior probabilities held fixed, outcome by outcome, and the
#'   outcomes then fitted together, until both agree. Models are called by the orders of each outcome,
#'   `"2: bmi 2 1, smokes 1 0"`. There is no `how = "grid"`, and the zero part is common to groups. The curves of one
#'   outcome are drawn by `plot_models(found, outcome = )`.
#'
#' @section Dual models: All pairs of numbers are fitted with every group at the highest order, each grown from those
#'   with fewer groups of either outcome. Then orders, as above: of the first outcome's groups by the probabilities of
#'   these, of the second's by theirs. Models are called `"3 x 2: aggression 2 1 0, offenses 1 1"`; the table has
#'   `groups` and `groups2`, and measures of adequacy are of the worst group of either outcome. [plot_criteria()] shows
#'   each criterion over both numbers. `blrt()` is refused, for one group less could be one of either.
#'
#' @section Errors: As for [gbtm()]; `gbtm_unknown_argument`; `gbtm_unknown_how`, `gbtm_unknown_criterion`;
#'   `gbtm_other_checkpoint` where the folder holds fits of another search. `best()`: `gbtm_not_computed`,
#'   `gbtm_nothing_to_choose`.
#' @examplesIf gbtm_engine()$available
#' found <- gbtm_search(offenses ~ age, offending, id = "id", groups = 3, order = 1, family = "zip",
#'                      control = gbtm_control(n_starts = 8))
#' found
#' coef(best(found))
#' head(sort(found, by = "icl_subjects"), 3)
#' @export
gbtm_search <- function(formula, data, id = NULL, groups = 5, order = NULL, how = "two_stage",
                        criterion = "bic_subjects", ..., cov_type = NULL, control = gbtm_control(), n_jobs = NULL,
                        checkpoint = NULL, time_budget = NULL, shape_starts = 10, subset = NULL,
                        na.action = NULL, seed = NULL) { # nolint: object_name_linter.
  call <- match.call()
  check_names()
  refuse_others_in_search(..., call = call)
  outcomes <- as_outcomes(formula, call, eval(call$family, parent.frame()))
  table <- if (!missing(data) && is.data.frame(data)) data else if (!is.null(outcomes)) named_table(outcomes, NULL)
  dots <- if (is.null(table)) list(...) else asked_dots(covariate_arguments(), environment(), table)
  given <- search_arguments(dots)
  counted <- successes_of(formula, given$family, !is.null(given$trials), call)
  if (!is.null(counted)) {
    formula <- counted$formula
    given["trials"] <- list(counted$trials)
  }
  if (!is.null(outcomes)) return(search_several(environment(), outcomes, given, names(dots), call, parent.frame()))
  laid <- outcome_matrix(formula, if (missing(data)) NULL else data, given$wide, call, parent.frame())
  if (!is.null(laid)) {
    table <- matrix_table(laid, id, given[covariate_arguments()])
    formula <- table$formula
    data <- table$data
    id <- table$id
    given$wide <- table$wide
  }
  check_data(data)
  control <- seeded(control, seed)
  fails <- fails_on_missing(na.action)
  if (is.null(laid)) ask_columns("id", environment(), data)
  data <- subset_rows(data, substitute(subset), parent.frame())
  refuse_second_groups(if (is.list(groups)) groups, given$link, given$risk2, given$refgroup2, call)
  asked <- asked_model(formula, data, id, c(list(groups = groups, order = order), given), call)
  if (fails) refuse_missing(asked)
  zero <- zero_part(list(given$iorder), given$iorder_by_group)
  asked <- template_of(asked, zero, given$iorder)
  options <- asked_of_search(environment(), given, control)
  options[c("groups", "order")] <- list(one_or_several(groups), one_or_several(order))
  answer <- bridge_search(asked, options, zero, control$progress, call)
  rows <- if (is.null(given$wide)) used_rows(answer$rows, row.names(data))
  common <- c(asked[c("terms", "inputs", "own_ids")], list(formula = formula, rows = rows))
  new_search(answer, call, common)
}

# Whose the zero part is, in the engine's words; `iorders` of each outcome.
zero_part <- function(iorders, by_group) {
  if (any(vapply(iorders, identical, NA, "order"))) "order" else if (by_group) "own" else "common"
}

# The model of one group, whose settings all models of the search share.
template_of <- function(asked, zero, iorder) {
  for (name in c("rorder", "dropout", "iorder")) {
    given <- asked$model[[name]]
    if (length(given) < 2) next
    stop_gbtm("bad_template", sprintf("%s: %s is not one order for all groups.", name, shown(given)), name,
              "In a search the number of groups varies: give one number.")
  }
  asked$model[c("groups", "order", "iorder")] <- list(1, NULL, if (zero == "order") NULL else iorder)
  if (is.null(asked$columns$basis)) asked$model$order <- 0
  asked$model$refgroup <- NULL
  asked
}

# What the engine is asked of a search besides its groups and orders; `frame` has the arguments of gbtm_search().
asked_of_search <- function(frame, given, control) {
  list(
    how = frame$how, criterion = criterion_name(frame$criterion), n_jobs = frame$n_jobs,
    checkpoint = checkpoint_folder(frame$checkpoint), time_budget = seconds_of(frame$time_budget),
    rng = control$seed, n_starts = control$n_starts, max_starts = control$max_starts,
    shape_starts = frame$shape_starts, cov_type = frame$cov_type, refgroup = given$refgroup, device = control$device
  )
}

refuse_others_in_search <- function(..., call) {
  if (!...length()) return(invisible())
  labels <- names(substitute(list(...)))[-1]
  if (is.null(labels)) labels <- rep("", ...length())
  known <- c(model_arguments(), "iorder_by_group", setdiff(names(formals(gbtm_search)), "..."))
  refuse_unknown(labels, known, call, if (!all(nzchar(labels))) ...elt(which(!nzchar(labels))[1]))
}

# Values of all arguments of gbtm() that describe a model, and of iorder_by_group.
search_arguments <- function(asked) {
  given <- lapply(formals(gbtm)[model_arguments()], eval, envir = baseenv())
  given$iorder_by_group <- FALSE
  given[names(asked)] <- asked
  check_flag(given$iorder_by_group, "iorder_by_group")
  refuse_curve_in_search(given$curve)
  given
}

# Models on other columns of time do not start from each other.
refuse_curve_in_search <- function(curve) {
  if (is.null(curve)) return(invisible())
  stop_gbtm("no_network_here",
            "curve: a search lowers orders and splits groups, and hidden units have neither orders nor stand still.",
            "curve", "Fit each number of groups and of units by itself, and compare them by cross_validate().")
}

# A number stands for all up to it; several, or one in a list, for themselves.
one_or_several <- function(x) {
  if (is.null(x) || (length(x) == 1 && !is.list(x))) return(if (is.numeric(x)) json_number(x) else x)
  if (is.character(unlist(x))) unlist(x) else json_array(unlist(x))
}

checkpoint_folder <- function(path) if (is.null(path)) NULL else normalizePath(path, mustWork = FALSE)

seconds_of <- function(budget) {
  if (is.null(budget) || identical(budget, Inf)) return(NULL)
  if (is.numeric(budget) && length(budget) == 1) json_number(budget) else budget
}

#' @rdname gbtm_search
#' @export
best <- function(x, criterion = x$criterion) {
  check_names()
  check_search(x)
  criterion <- criterion_name(criterion)
  twins <- c(traj_aic = "aic", traj_bic_subjects = "bic_subjects", traj_bic_observations = "bic_observations")
  known <- c(smaller_is_better, names(twins), "cv_loglik", "blrt")
  if (!is.character(criterion) || length(criterion) != 1 || !criterion %in% known) {
    stop_gbtm("unknown_criterion", sprintf("criterion: %s is not known.", shown(criterion)), "criterion",
              sprintf("Use one of %s.", listing(known, 20)))
  }
  name <- if (criterion %in% names(twins)) twins[[criterion]] else criterion
  label <- unname(x$choices[name])
  if (!is.na(label)) return(fit_of_search(x, label))
  if (criterion %in% c("cv_loglik", "blrt")) {
    stop_gbtm("not_computed", sprintf("criterion: %s was not computed.", criterion), "criterion",
              sprintf("First x <- %s(x).", if (criterion == "blrt") "blrt" else "cross_validate"))
  }
  stop_gbtm("nothing_to_choose", "criterion: none of the fits converged, so that there is nothing to choose from.",
            "criterion", "The column flag of the table has the reasons.")
}

# Criteria as R's users and the printed table call them: BIC() counts subjects, as BIC.gbtm() does.
criterion_name <- function(criterion) {
  if (identical(criterion, stats::BIC)) criterion <- "bic"
  if (identical(criterion, stats::AIC)) criterion <- "aic"
  if (!is.character(criterion)) return(criterion)
  plain <- gsub("[. ]+", "_", tolower(criterion))
  short <- plain %in% c("bic", "sabic", "caic", "icl")
  plain[short] <- paste0(plain[short], "_subjects")
  plain <- sub("_obs$", "_observations", plain)
  ifelse(plain %in% smaller_is_better, plain, criterion)
}

smaller_is_better <- c("aic", paste0(rep(c("bic", "sabic", "caic", "icl"), each = 2), c("_subjects", "_observations")))
larger_is_better <- c(larger_better, "smallest_group", "smallest_n", "hits")

check_search <- function(x, argument = "x") {
  if (!inherits(x, "gbtm_search")) {
    stop_gbtm("bad_search", sprintf("%s: an object of class %s is not a search.", argument, class(x)[1]), argument,
              "Give what gbtm_search() or read_search() returned.")
  }
}

#' @rdname gbtm_search
#' @export
sort.gbtm_search <- function(x, decreasing = NULL, by = x$criterion, ...) {
  check_dots(...)
  table <- x$table
  by <- criterion_name(by)
  unknown <- setdiff(by, names(table))
  if (!length(by) || length(unknown)) {
    stop_gbtm("unknown_column", sprintf("by: %s is no column of the table.", shown(by)), "by",
              sprintf("The columns are %s.", listing(names(table), 50)))
  }
  down <- by %in% larger_is_better
  if (!is.null(decreasing)) down[] <- check_flag(decreasing, "decreasing")
  keys <- Map(function(column, turn) if (turn) -xtfrm(column) else xtfrm(column), table[by], down)
  table[do.call(order, c(list(nzchar(table$flag)), unname(keys), list(na.last = TRUE))), , drop = FALSE]
}

#' @rdname gbtm_search
#' @export
as.data.frame.gbtm_search <- function(x, row.names = NULL, optional = FALSE, ..., by = NULL) { # nolint
  check_dots(...)
  if (is.null(by)) x$table else sort(x, by = by)
}

#' @rdname gbtm_search
#' @export
summary.gbtm_search <- function(object, by = object$criterion, ...) {
  check_dots(...)
  structure(class = "summary.gbtm_search", list(table = sort(object, by = by), search = object))
}

#' @export
print.summary.gbtm_search <- function(x, ...) {
  check_dots(...)
  print_search_heading(x$search)
  print_models(x$table, x$search)
  print_sentences(x$search$sentences)
  invisible(x)
}

#' @rdname gbtm_search
#' @export
print.gbtm_search <- function(x, ...) {
  check_dots(...)
  print_search_heading(x)
  table <- sort(x)
  kept <- !duplicated(numbers_of(table)) | row.names(table) %in% x$choices
  table <- table[kept, ]
  table <- table[do.call(order, unname(numbers_of(table))), ]
  print_models(table, x)
  left <- nrow(x$table) - nrow(table)
  if (left) cat("and ", left, " more model", if (left > 1) "s", ": see summary(), sort()\n", sep = "")
  print_sentences(x$sentences)
  invisible(x)
}

print_search_heading <- function(x) {
  about <- x$about
  several <- !is.null(about$outcomes)
  what <- if (several) paste(length(about$outcomes), "outcomes") else family_label(about$family)
  models <- nrow(x$table)
  cat("Search over trajectory models: ", what, ", ", tried_words(numbers_of(x$table)), ", ", models, " model",
      if (models > 1) "s", "\n", sep = "")
  if (several) {
    cat(about$n_subjects, " subjects, ", about$nobs, " observations:\n", sep = "")
    print_outcomes(about$outcomes)
    cat("\n")
  } else {
    cat(about$n_subjects, " subjects, ", about$nobs, " observations of ", about$outcome_name, " over ",
        about$time_name, ".\n\n", sep = "")
  }
}

# Columns of a search's table that have numbers of groups: `groups`, of dual models `groups2` too.
numbers_of <- function(table) table[intersect(c("groups", "groups2"), names(table))]

# The numbers of groups that were tried, in words; `numbers` as numbers_of() returns them.
tried_words <- function(numbers) {
  each <- vapply(numbers, function(groups) paste(unique(range(groups)), collapse = " to "), "")
  paste0(paste(each, collapse = " and "), " group", if (any(unlist(numbers) > 1)) "s")
}

# Narrow columns; a star at each criterion's choice.
print_models <- function(table, x) {
  fixed <- function(v, digits) ifelse(is.na(v), "", formatC(v, format = "f", digits = digits))
  starred <- function(column, digits = 1) {
    paste0(fixed(table[[column]], digits), ifelse(row.names(table) %in% x$choices[column], "*", " "))
  }
  shown <- data.frame(
    logLik = fixed(table$loglik, 1), k = table$params, AIC = starred("aic"), BIC = starred("bic_subjects"),
    BIC.obs = starred("bic_observations"), ICL = starred("icl_subjects"), entr = fixed(table$entropy, 2),
    least = percent(table$smallest_group, 0), AvePP = fixed(table$avepp_min, 2),
    starts = paste(table$hits, table$starts, sep = "/"), row.names = row.names(table)
  )
  if (getOption("width") < 90) shown$AIC <- NULL
  if (!all(is.na(table$cv_loglik))) shown[["CV logLik"]] <- starred("cv_loglik")
  for (name in c("blrt_p", "lmr_p")) {
    if (!all(is.na(table[[name]]))) shown[[paste(toupper(sub("_p", "", name)), "p")]] <- fixed(table[[name]], 3)
  }
  if (any(nzchar(table$flag))) shown$flag <- strtrim(table$flag, 20)
  print(format(shown), quote = FALSE)
  cat("\n")
  print_wrapped(paste(
    "*: chosen by the criterion. k: parameters; BIC, ICL: n = subjects; BIC.obs: n = observations; entr: relative",
    "entropy; least: share of the smallest group; AvePP: the lowest; starts: how many reached the optimum."
  ))
}

print_sentences <- function(sentences) {
  if (length(sentences)) cat("\n")
  for (sentence in sentences) print_wrapped(sentence, exdent = 2)
}
