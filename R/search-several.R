# A search over models of several outcomes: what is asked of each is read as for gbtm(), the orders to try with it.

#' Search over models of several outcomes
#'
#' @param frame where the arguments of [gbtm_search()] stand
#' @param outcomes what [as_outcomes()] returned
#' @param given values of the arguments of [gbtm()] that describe a model, see [search_arguments()]
#' @param named names of those that the user gave
#' @param caller where [gbtm_search()] was called
#' @noRd
search_several <- function(frame, outcomes, given, named, call, caller) {
  for (o in outcomes) refuse_curve_in_search(o$options$curve)
  data <- if (!eval(quote(missing(data)), frame)) frame$data
  laid <- checked_tables(outcomes, data, given$wide, call, caller)
  if (!length(laid)) ask_columns("id", frame, named_table(outcomes, data))
  as_given <- outcomes
  given["order"] <- list(frame$order)
  values <- given[intersect(c(named, "order"), outcome_arguments())]
  outcomes <- options_of_outcomes(outcomes, Filter(Negate(is.null), values))
  groups <- frame$groups
  dual <- tries_two_sets(groups, given$link)
  if (dual) {
    groups <- numbers_by_outcome(groups, names(outcomes), given$link, call)
    if (!is.null(given$known)) {
      stop_gbtm("no_known_here", paste("known: pairs of numbers of groups are tried from two of each outcome on, and",
                                       "people are known to be in groups that these may not have."), "known",
                "Fit each pair of numbers by itself, and compare their BIC.", call)
    }
  } else {
    refuse_second_groups(NULL, given$link, given$risk2, given$refgroup2, call)
  }
  chosen <- function(table) subset_rows(table, eval(quote(substitute(subset)), frame), caller)
  sent <- asked_outcomes(outcomes, list(data = data, laid = laid, id = frame$id, chosen = chosen), 1, given,
                         fails_on_missing(frame$na.action), call)
  zero <- zero_part(lapply(outcomes, function(o) o$options$iorder), given$iorder_by_group)
  sent$asked <- Map(function(asked, o) template_of(asked, zero, o$options$iorder), sent$asked, outcomes)
  options <- asked_of_search(frame, given, seeded(frame$control, frame$seed))
  options$groups <- if (dual) lapply(unname(groups), one_or_several) else one_or_several(groups)
  options$order <- lapply(unname(outcomes), function(o) one_or_several(o$options$order))
  if (dual) options[c("link", "refgroup2")] <- list("dual", second_reference(given$refgroup2, call))
  answer <- bridge_search_several(sent, options, zero, frame$control$progress, call)
  common <- list(each = asked_of_each(sent$tables, sent$asked, answer$rows), own_ids = sent$asked[[1]]$own_ids)
  new_search(answer, call, common, as_given)
}

# Whether the numbers of groups to try are those of dual models: a list by outcome, `list(2:4, 2:3)`. In a list of
# numbers, `list(2, 3)`, these are numbers of one set of groups; `list(list(2), list(3))` is by outcome again.
tries_two_sets <- function(groups, link) {
  by_outcome <- is.list(groups) &&
    (any(lengths(groups) > 1) || any(vapply(groups, is.list, NA)) || !is.null(names(groups)))
  identical(check_link(link), "dual") || by_outcome
}

# What is to be tried of each outcome of dual models, in their order.
numbers_by_outcome <- function(groups, outcomes, link, call) {
  if (identical(link, "multi")) {
    stop_gbtm("bad_groups", "groups: a list by outcome, and outcomes that share their groups have one number.",
              "groups", "Give the numbers to try, such as groups = 2:4, or link = \"dual\".", call)
  }
  if (!is.list(groups)) groups <- rep(list(groups), 2)
  refuse_two_numbers(groups, link, outcomes, call)
  if (is.null(names(groups))) groups else groups_by_name(groups, outcomes, call)
}

# As bridge_search(), of what asked_outcomes() has.
bridge_search_several <- function(sent, options, zero, progress, call) {
  send_outcomes(sent$asked, sent$own, call)
  request <- as_request(list(options = options, zero = zero))
  answer <- long_answer("search_several", request, progress = progress, call = call)
  answer$rows <- rows_of_outcomes(answer$held, length(sent$asked))
  answer
}

# -- the call of one of its models ------------------------------------------------------------------------------

#' The call that fits a model of several outcomes alone
#'
#' @param made the call of the search without what is the search's own
#' @param outcomes what [as_outcomes()] returned
#' @return the call with this model's orders, in place of those that the outcomes had
#' @noRd
with_own_orders <- function(made, spec, outcomes) {
  asked <- made$formula
  own <- any(vapply(outcomes, function(o) !is.null(o$options$order), NA))
  if (own) asked <- if (is_outcome_list(asked)) without_orders(asked) else outcome_list(outcomes, asked)
  made$formula <- asked
  orders <- lapply(spec$outcomes, function(o) if (!is.null(o$orders)) as.numeric(unlist(o$orders)))
  made$order <- as.call(c(quote(list), unname(orders)))
  made
}

is_outcome_list <- function(asked) is.call(asked) && identical(asked[[1]], quote(list))

# `list(outcome(y ~ t, order = 2), ..)` without the orders.
without_orders <- function(asked) {
  plain <- function(one) {
    of_outcome <- is.call(one) && deparse_line(one[[1]]) %in% c("outcome", "gbtm::outcome")
    if (!of_outcome) return(one)
    one <- match.call(outcome, one)
    one$order <- NULL
    one
  }
  as.call(c(asked[[1]], lapply(as.list(asked)[-1], plain)))
}

# Outcomes as the code that makes them, without their orders; `asked` is what the user called them by, where their own
# tables are to be had.
outcome_list <- function(outcomes, asked) {
  as.call(c(quote(list), lapply(seq_along(outcomes), function(m) {
    one <- outcomes[[m]]
    options <- one$options[setdiff(names(one$options), "order")]
    own <- if (!is.null(one$data)) list(data = call("$", call("[[", asked, m), as.name("data")))
    as.call(c(quote(outcome), one$formula, options, own))
  })))
}
