# Fits of several outcomes: each is read as that of a model of one, from its own table or the
# table of all, and the engine joins them by their ids.

#' Fit several outcomes
#'
#' @param frame where the arguments of [gbtm()] stand
#' @param outcomes what [as_outcomes()] returned
#' @param caller where [gbtm()] was called
#' @noRd
gbtm_several <- function(frame, outcomes, call, caller) {
  data <- if (!eval(quote(missing(data)), frame)) frame$data
  asked_joint(frame, NULL, call)
  laid <- checked_tables(outcomes, data, frame$wide, call, caller)
  if (!length(laid)) {
    ask_columns(c("id", covariate_arguments()), frame, named_table(outcomes, data), if (is.list(frame$wide)) frame$wide)
  }
  given <- mget(model_arguments(), envir = frame)
  values <- mget(intersect(names(call), outcome_arguments()), envir = frame)
  outcomes <- options_of_outcomes(outcomes, Filter(Negate(is.null), values))
  groups <- groups_of_several(if (!eval(quote(missing(groups)), frame)) frame$groups, outcomes, given$link, call)
  if (length(groups) < 2) refuse_second_groups(groups, given$link, given$risk2, given$refgroup2, call)
  if (length(groups) == 2) given["known"] <- list(known_of_sets(given$known, names(outcomes), call))
  chosen <- function(table) subset_rows(table, eval(quote(substitute(subset)), frame), caller)
  sent <- asked_outcomes(outcomes, list(data = data, laid = laid, id = frame$id, chosen = chosen), groups, given,
                         fails_on_missing(frame$na.action), call)
  several_fit(answer_of_several(sent, groups, given, frame, call), sent$tables, sent$asked, call)
}

# The outcomes' matrices, see laid_outcomes(), once it is known that every outcome has a table.
checked_tables <- function(outcomes, data, wide, call, caller) {
  laid <- laid_outcomes(outcomes, data, wide, call, caller)
  if (is.null(data)) refuse_without_data(call, own_tables(outcomes) | names(outcomes) %in% names(laid))
  if (!is.null(data)) check_data(data)
  laid
}

own_tables <- function(outcomes) vapply(outcomes, function(o) !is.null(o$data), NA)

# The table whose columns arguments name: that of all, or else the first outcome's own; NULL where there is none.
named_table <- function(outcomes, data) {
  if (!is.null(data)) return(data)
  own <- which(own_tables(outcomes))
  if (length(own)) outcomes[[own[1]]]$data
}

#' What is asked of each outcome
#'
#' @param source list: `data`, the table of all, or NULL; `laid`, see [laid_outcomes()]; `id`; `chosen`, a function that
#'   keeps rows of a table
#' @param groups number of groups, of a dual model two
#' @param given values of all [gbtm()]'s arguments named by `model_arguments()`
#' @param fails whether missing values are an error
#' @return list by outcome: `own`, whether it has a table of its own; `tables`; `asked`, see [asked_model()]
#' @noRd
asked_outcomes <- function(outcomes, source, groups, given, fails, call) {
  own <- own_tables(outcomes)
  refuse_people_elsewhere(given, own)
  data <- source$data
  all <- if (!is.null(data)) with_levels_of_people(outcomes[!own], source$chosen(data), source$id, given, call)
  tables <- lapply(stats::setNames(nm = names(outcomes)), function(name) {
    one <- outcomes[[name]]
    if (name %in% names(source$laid)) {
      return(table_of_matrices(source$laid[[name]], one, source$id, given, source$chosen))
    }
    if (own[[name]]) return(list(formula = one$formula, data = one$data, id = source$id, own = TRUE))
    list(formula = one$formula, data = all$data, id = source$id, wide = wide_of(one, given), settled = all$settled)
  })
  asked <- Map(function(one, table, k, m) asked_outcome(one, table, k, of_this_outcome(given, m), call), outcomes,
               tables, rep_len(groups, length(outcomes)), seq_along(outcomes))
  if (fails) for (one in asked) refuse_missing(one)
  list(own = own, tables = tables, asked = asked)
}

# The engine's fit of what is asked of each outcome, with the settings of gbtm()'s `frame`.
answer_of_several <- function(sent, groups, given, frame, call) {
  dual <- length(groups) > 1
  control <- seeded(frame$control, frame$seed)
  start <- frame$start
  smaller <- inherits(start, "gbtm") && !dual && !is_dual(start) && start$spec$n_groups < groups
  options <- search_options(control, frame$cov_type, if (!smaller) start_values(start))
  second <- if (dual) list(reference = second_reference(given$refgroup2, call))
  bridge_fit_several(sent$asked, sent$own, options, control, call, if (smaller) document_text(start), second)
}

# The outcomes whose formulas name matrices, by name: what outcome_matrix() returns of each.
laid_outcomes <- function(outcomes, data, wide, call, caller) {
  laid <- lapply(outcomes, function(o) {
    if (!is.null(o$data)) return(NULL)
    tryCatch(outcome_matrix(o$formula, data, wide, call, caller), gbtm_bad_data = function(e) NULL) # said later
  })
  Filter(Negate(is.null), laid)
}

# Matrices of an outcome as the wide table that they are, with what is known of people beside them.
table_of_matrices <- function(laid, outcome, id, given, chosen) {
  covariates <- known_by_set(given[covariate_arguments()])
  varying <- c("tcov", "common", "exposure", "trials")
  covariates[varying] <- outcome$options[varying]
  table <- matrix_table(laid, id, Filter(Negate(is.null), covariates))
  table$data <- chosen(table$data)
  table
}

several_fit <- function(answer, tables, asked, call) {
  each <- asked_of_each(tables, asked, answer$rows)
  fit <- if (length(each) > 1) {
    new_gbtm(answer$document, answer$arrays, call = call, each = each)
  } else {
    new_gbtm(answer$document, answer$arrays, call = call, formula = each[[1]]$formula, terms = each[[1]]$terms)
  }
  if (length(each) == 1) for (name in c("inputs", "rows")) fit[[name]] <- each[[1]][[name]]
  fit$own_ids <- asked[[1]]$own_ids
  warn_findings(fit$warnings, call)
  fit
}

# How the user asked for each outcome, as a fit keeps it; `rows` are those used, by outcome.
asked_of_each <- function(tables, asked, rows) {
  lapply(stats::setNames(seq_along(tables), names(tables)), function(m) {
    table <- tables[[m]]
    list(formula = table$formula, terms = asked[[m]]$terms, inputs = asked[[m]]$inputs, own_table = isTRUE(table$own),
         rows = if (is.null(table$wide)) used_rows(rows[[m]], row.names(table$data)))
  })
}

# One outcome as asked_model() makes it; what is known of people is in the table of all alone.
asked_outcome <- function(outcome, table, groups, given, call) {
  given[outcome_arguments()] <- lapply(formals(gbtm)[outcome_arguments()], eval, envir = baseenv())
  given[names(outcome$options)] <- outcome$options
  if (isTRUE(table$own)) given[c(subject_arguments, "event")] <- list(NULL)
  given["wide"] <- list(table$wide)
  asked_model(table$formula, table$data, table$id, c(list(groups = groups), given), call, settled = table$settled)
}

# What is said of the whole model is said with the first outcome; dropout goes by it.
of_this_outcome <- function(given, m) {
  given$refgroup2 <- 1
  given["link"] <- list(NULL)
  if (m > 1) {
    given$refgroup <- 1
    given[c("dropout", "dcov", "obsmar", "constraints")] <- list(NULL)
  }
  given
}

# The names of `wide` that an outcome uses.
wide_of <- function(outcome, given) {
  if (!is.list(given$wide)) return(given$wide)
  covariates <- lapply(c("tcov", "common", "exposure", "trials"), function(name) {
    if (!is.null(given[[name]]) && !is.numeric(given[[name]])) all.vars(one_sided(given[[name]], name))
  })
  used <- c(column_label(outcome$formula[[2]]), all.vars(outcome$formula), unlist(covariates))
  given$wide[names(given$wide) %in% used]
}

refuse_without_data <- function(call, own) {
  if (!is.null(call$subset)) {
    stop_gbtm("bad_subset", "subset: there is no table for it, as each outcome has its own.", "subset",
              "Choose the rows of those tables.", call)
  }
  if (!all(own)) {
    stop_gbtm("no_data", sprintf("data: not given, and outcome '%s' needs it.", names(own)[!own][1]), "data",
              "Give data, the table of the outcomes without their own and of what is known of people.", call)
  }
}

refuse_people_elsewhere <- function(given, own) {
  of_people <- names(Filter(Negate(is.null), given[c(subject_arguments, "event")]))
  if (all(own) && length(of_people)) {
    stop_gbtm("no_data", sprintf("%s: no outcome is in data, so that nobody there is known to be measured.",
                                 of_people[1]), of_people[1],
              "Join the column to the table of one outcome, and give that as data.")
  }
  if (own[[1]] && !is.null(given$obsmar)) {
    stop_gbtm("no_data", sprintf(paste("obsmar: it is of people in data, and '%s', whose waves dropout goes by, has a",
                                       "table of its own."), names(own)[1]), "obsmar", "Put first an outcome of data.")
  }
}

#' One number of groups, or of a dual model two, one an outcome
#'
#' @noRd
groups_of_several <- function(groups, outcomes, link, call) {
  link <- check_link(link)
  if (is.null(groups)) groups <- groups_of_orders(outcomes, link)
  if (is.list(groups) && all(lengths(groups) == 1)) groups <- unlist(groups)
  if (!is.numeric(groups)) return(groups) # the engine says what is wrong with it
  if (length(groups) == 1 && identical(link, "dual")) groups <- rep(groups, 2)
  if (length(groups) < 2) return(groups)
  refuse_two_numbers(groups, link, names(outcomes), call)
  if (is.null(names(groups))) groups else unlist(groups_by_name(groups, names(outcomes), call))
}

# The number of groups where only their orders were given, of a dual model one an outcome.
groups_of_orders <- function(outcomes, link) {
  orders <- lapply(outcomes, function(o) o$options$order)
  long <- Filter(function(order) length(order) > 1, orders)
  if (!identical(link, "dual")) return(groups_of(if (length(long)) long[[1]]))
  if (length(long) < length(outcomes)) groups_of(NULL)
  lengths(orders)
}

# Numbers of groups with names, in the order of the outcomes.
groups_by_name <- function(groups, outcomes, call) {
  named <- named_by_outcome(as.list(groups), "groups", outcomes)
  missing <- outcomes[vapply(named, is.null, NA)]
  if (length(missing)) {
    stop_gbtm("bad_groups", sprintf("groups: there is no number for '%s'.", missing[1]), "groups",
              "Give one for each outcome.", call)
  }
  named
}

refuse_two_numbers <- function(groups, link, outcomes, call) {
  if (identical(link, "multi")) {
    stop_gbtm("bad_groups", sprintf("groups: %s are two numbers, and outcomes that share their groups have one.",
                                    shown(unname(groups))), "groups", "Give one number, or link = \"dual\".", call)
  }
  if (length(groups) != 2 || length(outcomes) != 2) {
    stop_gbtm("bad_groups", sprintf("groups: %s are %d numbers of groups, and outcomes are %d.", shown(unname(groups)),
                                    length(groups), length(outcomes)), "groups",
              "A dual model has two outcomes; more than two share one number of groups.", call)
  }
}

check_link <- function(link) if (!is.null(link)) match_choice(link, c("multi", "dual"), "link")

# What belongs to the second set of groups of a dual model, in a model without one.
refuse_second_groups <- function(groups, link, risk2, refgroup2, call) {
  if ((is.numeric(groups) && length(groups) > 1) || tries_two_sets(groups, link)) {
    what <- if (is.null(link)) sprintf("groups: %s are numbers of groups for each of two outcomes, and there is one.",
                                       shown(groups)) else "link: a dual model has two outcomes, and there is one."
    stop_gbtm("bad_groups", what, if (is.null(link)) "groups" else "link",
              "Give one number, or two outcomes: gbtm(list(y ~ age, z ~ age), groups = c(3, 2), ...).", call)
  }
  given <- c(if (!is.null(risk2)) "risk2", if (!identical(as.numeric(refgroup2), 1)) "refgroup2")
  if (length(given)) {
    stop_gbtm("no_second_groups", sprintf("%s: belongs to the second set of groups of a dual model.", given[1]),
              given[1], "Give two outcomes and two numbers of groups, such as groups = c(3, 2).", call)
  }
}

# The reference group of the second set; which there are, the engine knows.
second_reference <- function(group, call) {
  if (is.null(group)) return(1)
  check_whole(group, "refgroup2", 1, "Give the number of a group of the second outcome.")
  group
}

#' The table without the levels of membership factors that nobody has who is seen in some outcome
#'
#' Outcome by outcome other levels would be left, and their covariates were not the same columns.
#' @return list: `data`; `settled`, the arguments whose levels are seen to
#' @noRd
with_levels_of_people <- function(outcomes, data, id, given, call) {
  of_people <- names(Filter(Negate(is.null), given[c("risk", "risk2")]))
  named <- unlist(lapply(of_people, function(name) intersect(all.vars(one_sided(given[[name]], name)), names(data))))
  kinds <- vapply(named, function(name) is.factor(data[[name]]) || is.character(data[[name]]), NA)
  if (!any(kinds) || !is.null(given$wide) || !length(outcomes)) return(list(data = data, settled = NULL))
  columns <- lapply(outcomes, function(o) {
    parts <- parts_by_order(formula_parts(o$formula, names(data), data), data, NULL, o$options$order)
    family <- if (is.null(o$options$family)) formals(gbtm)$family else o$options$family
    family <- family_name(family, call, o$options$trials)
    long_columns(parts, numbers_of_ordered(data, parts, NULL, family)$data, id)
  })
  seen <- Reduce(`|`, lapply(columns, function(x) !is.na(x$y) & !is.na(x$time)))
  anybody <- list(subject = columns[[1]]$subject, y = ifelse(seen, 1, NA), time = rep(1, length(seen)))
  asked <- given[c(of_people, "out_of_sample")]
  list(data = without_unfitted_levels(asked, data, anybody, NULL, call), settled = c("risk", "risk2"))
}

#' Fit what [asked_model()] made of each outcome
#'
#' @return list of `document`, `arrays`, and `rows`, positions among the rows of each outcome's table
#' @noRd
bridge_fit_several <- function(asked, own, options, control, call, start_document = NULL, second = NULL) {
  send_outcomes(asked, own, call)
  request <- as_request(list(options = options, start_document = start_document, second = second))
  answer <- long_answer("fit_several", request, progress = control$progress, call = call)
  answer$rows <- rows_of_outcomes(answer$held, length(asked))
  answer
}

# Hand the engine what is asked of each outcome; `own`: whether it has a table of its own.
send_outcomes <- function(asked, own, call) {
  for (m in seq_along(asked)) {
    one <- asked[[m]]
    columns <- one$columns
    request <- c(panel_request(columns, one$further), list(
      formula = columns$formula, model = one$model, inputs = one$read_as, number = m - 1, own_table = own[[m]]
    ))
    send_panel(columns, one$further)
    basis <- if (is.null(columns$basis)) raw(0) else as_doubles(columns$basis)
    call_bridge("hold_outcome", as_request(request), number_ids(columns$ids), basis, call = call)
  }
}

# Positions of the rows used, by outcome, of what the engine holds.
rows_of_outcomes <- function(held, n) lapply(held_codes(held)[paste0("row", seq_len(n) - 1)], as.integer)

# The waves of a dropout model, or NULL where they are columns.
known_waves <- function(fit) {
  stored <- jsonlite::fromJSON(fit$document$text, simplifyDataFrame = FALSE, simplifyMatrix = FALSE)
  waves <- stored$outcomes[[1]]$dropout$waves
  if (!is.null(waves)) json_array(as.vector(decode(waves, fit$document$arrays)))
}

# New people under a fit of several outcomes, as bridge_classify(); `people` as classify() reads them of each outcome.
bridge_classify_several <- function(fit, people, own, by_wave, level, call) {
  hold_people(fit, people, own, call)
  request <- as_request(list(by_wave = by_wave, level = json_number(level)))
  call_bridge("classify_several", document_text(fit), request, call = call)
}

# Send the people of each outcome, which the engine keeps for what is asked of them next.
hold_people <- function(fit, people, own, call) {
  for (m in seq_along(people)) {
    columns <- people[[m]]$columns
    request <- c(panel_request(columns, people[[m]]$further), list(number = m - 1, own_table = own[[m]]),
                 if (m == 1 && !is.null(fit$spec$dropout)) list(known = known_waves(fit)))
    send_panel(columns, people[[m]]$further)
    if (!is.null(columns$basis)) send_column("basis", as.vector(columns$basis))
    call_bridge("hold_people", as_request(request), number_ids(columns$ids), call = call)
  }
}
