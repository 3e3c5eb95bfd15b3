# A time to an event as a part of the model: what is asked for, and its columns.

#' A time to an event beside the outcomes
#'
#' With `gbtm(.., event = Surv(T, died) ~ sex)` the hazard of an event depends on the group, and the groups are made of
#' the outcomes and of the event together: a joint latent class model, as `lcmm::Jointlcmm()` has it. The formula alone
#' asks for Weibull hazards; `gbtm_event()` says more.
#'
#' @param formula `Surv(time, status) ~ covariates`, as in the survival package, which need not be installed:
#'   `Surv(entry, time, status)` where people were watched from `entry` on (left truncation), and
#'   `Surv(low, high, type = "interval2")` where the event is known to have been after `low` and no later than `high`,
#'   which is NA for people without an event up to `low` (interval censoring). What stands in it is the same on all rows
#'   of a person. It may be left out where `time` and the other columns are given by name. `status` is 0 or FALSE for no
#'   event up to `time`, 1 or TRUE for the event (or 1 and 2, as in the survival package); of competing events 1, 2, ..
#'   are the causes, or the levels of a factor after the first, and each has hazards of its own. Times are 0 or more.
#'   Covariates of the person multiply the hazard (of each cause), by the same in all groups unless `effects_by_group`:
#'   proportional hazards. `~ 1` for none
#' @param hazard `"weibull"`, each group with a scale and a shape of its own, or `"piecewise"`: constant in intervals
#' @param cuts for a piecewise hazard the times between its intervals
#' @param intervals in place of `cuts`, how many intervals there are, with as many events each; 4 when neither is given
#' @param time,status,entry,upper in place of `formula`, the columns by name, of which `Surv()` cannot have all: the
#'   event was after `time` and no later than `upper`, whichever of the causes in `status` it had (competing causes with
#'   interval censoring); it was at `time` where `upper` is NA and `status` is not 0
#' @param covariates with these, a one-sided formula, or names of columns
#' @param effects_by_group whether covariates have effects of their own in each group, `event_sex[1]`, `event_sex[2]`,
#'   ..; a constraint makes one of them common to the groups: `constraints = "event_sex[1] = event_sex[2]"`
#' @param x a `gbtm_event()`
#' @param ... nothing: an argument that does not exist is refused
#' @return A list of class `gbtm_event`, to be given as `event` to [gbtm()] or [gbtm_search()].
#' @section Model: In group k, with d_c 1 for an event of cause c, \eqn{\log f = \sum_c [d_c \log h_{kc}(T) -
#'   \int_{entry}^T h_{kc}]}{log f = sum over c of d_c log h_kc(T) - integral from entry to T of h_kc}. Weibull hazards
#'   have \eqn{H_k(t) = (t / scale_k)^{shape_k} \exp(x'b)}{H_k(t) = (t / scale_k)^shape_k exp(x'b)}, piecewise ones
#'   \eqn{h_k(t) = \exp(a_{kj} + x'b)}{h_k(t) = exp(a_kj + x'b)} in interval j, which is open at its start; an interval
#'   contributes \eqn{S(low) - S(high)}{S(low) - S(high)}, one of cause c among others
#'   \eqn{\int_{low}^{high} h_c S}{the integral of h_c S from low to high}. Parameters are `event_scale[1]`,
#'   `event_shape[1]`, or `event_log_hazard1[1]`, .., and `event_sex`; of competing events `event1_scale[1]`,
#'   `event2_scale[1]`, ... A shape common to the groups is a constraint:
#'   `constraints = "event_shape[1] = event_shape[2]"`. Who has no time says
#'   nothing of the event and stays in the model. [survival_curves()] has survival by group, [predict_event()] what lies
#'   ahead of new people.
#' @section Errors: `gbtm_bad_event`; `gbtm_no_event`, where nobody had the event; `gbtm_collapsed_event`, where all
#'   that was found is a Weibull group with all its events at one time, whose likelihood has no bound (where an optimum
#'   is found besides such places, a warning tells of them); `gbtm_own_covariate`, where the time or status is among
#'   the covariates; `gbtm_beside_event` for what it does not go with: dropout, a prior, hidden units, two sets of
#'   groups.
#' @examples
#' gbtm_event(Surv(T, died) ~ sex, hazard = "piecewise", cuts = c(2, 5))
#' gbtm_event(time = "low", status = "cause", upper = "high", covariates = ~ sex,
#'            effects_by_group = TRUE)
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' d$T <- 15 + d$id %% 9
#' d$left <- d$id %% 3 > 0
#' fit <- gbtm(offenses ~ age, data = d, id = "id", groups = 2, family = "zip",
#'             event = Surv(T, left) ~ 1, control = gbtm_control(n_starts = 4))
#' survival_curves(fit, times = c(18, 20))
#' @export
gbtm_event <- function(formula = NULL, hazard = "weibull", cuts = NULL, intervals = NULL, time = NULL, status = NULL,
                       entry = NULL, upper = NULL, covariates = NULL, effects_by_group = FALSE, ...) {
  check_dots(...)
  columns <- Filter(Negate(is.null), list(time = time, status = status, entry = entry, upper = upper))
  said <- if (is.null(formula)) event_by_name(columns, covariates, parent.frame()) else
    event_by_formula(formula, c(columns, list(covariates)[!is.null(covariates)]))
  refuse_event_among(said)
  check_flag(effects_by_group, "effects_by_group")
  hazard <- match_choice(hazard, c("weibull", "piecewise"), "hazard")
  if (hazard == "weibull" && !is.null(c(cuts, intervals))) {
    bad_event("cuts and intervals go with hazard = \"piecewise\"")
  }
  if (!is.null(cuts) && !is.null(intervals)) bad_event("cuts and intervals are two ways to say one thing: give one")
  if (!is.null(cuts)) cuts <- numeric_column(cuts, "cuts")
  if (!is.null(intervals)) {
    check_whole(intervals, "intervals", 1, "Give a number of intervals, such as intervals = 4.")
  }
  structure(c(said, list(hazard = hazard, cuts = cuts, intervals = intervals, effects_by_group = effects_by_group)),
            class = "gbtm_event")
}

# What a formula says: itself, and the expressions in it.
event_by_formula <- function(formula, others) {
  if (!inherits(formula, "formula") || length(formula) != 3) {
    bad_event(sprintf("%s is not Surv(time, status) ~ covariates", shown(formula)))
  }
  if (length(others)) bad_event("a formula and columns by name are two ways to say one thing: give one")
  list(formula = formula, parts = surv_parts(formula))
}

# The same of columns by name; the left of the formula, which no Surv() could be, is for the eye alone.
event_by_name <- function(columns, covariates, env) {
  for (name in names(columns)) {
    if (!is.character(columns[[name]]) || length(columns[[name]]) != 1) {
      bad_event(sprintf("%s is %s, and has to be the name of a column", name, shown(columns[[name]])))
    }
  }
  if (is.null(columns$time)) bad_event("neither a formula nor the column of the time is given")
  if (is.null(columns$status) && is.null(columns$upper)) bad_event("status is not given, which says who had the event")
  parts <- lapply(columns, as.name)
  right <- if (is.null(covariates)) 1 else one_sided(covariates, "event")[[2]]
  if (inherits(covariates, "formula")) env <- environment(covariates)
  list(formula = stats::as.formula(call("~", as.call(c(quote(gbtm_event), parts)), right), env), parts = parts)
}

# What says when the event was does not explain it; a start of the time, `Surv(end - start, died) ~ start`, may.
refuse_event_among <- function(said) {
  own <- vapply(Filter(is.name, said$parts[c("time", "status", "upper")]), as.character, "")
  among <- intersect(all.vars(said$formula[[3]]), own)
  if (length(among)) {
    stop_gbtm("own_covariate", sprintf("event: %s says when the event was, and is among its covariates.", among[1]),
              "event", "Leave it out of the covariates: they are what was known before.")
  }
}

#' @rdname gbtm_event
#' @export
print.gbtm_event <- function(x, ...) {
  check_dots(...)
  where <- if (length(x$cuts)) paste(" between", listing(format_each(x$cuts), 20))
  cat(sprintf("Time to an event, %s hazard in each group%s%s: %s\n",
              if (x$hazard == "weibull") "Weibull" else "piecewise constant", if (is.null(where)) "" else where,
              if (x$effects_by_group) ", and effects of covariates too" else "", deparse_line(x$formula)))
  invisible(x)
}

bad_event <- function(problem) {
  stop_gbtm("bad_event", paste0("event: ", problem, "."), "event",
            "For example event = Surv(T, died) ~ sex, or gbtm_event(Surv(T, died) ~ sex, hazard = \"piecewise\").")
}

# What was asked for as a gbtm_event(); NULL for nothing.
asked_event <- function(value) {
  if (is.null(value) || inherits(value, "gbtm_event")) return(value)
  if (inherits(value, "formula")) return(gbtm_event(value))
  bad_event(sprintf("%s is neither a formula nor a gbtm_event()", shown(value)))
}

#' The expressions in Surv(), as survival::Surv() matches them
#'
#' @return list of expressions: `time`, `status`, `entry`, `upper`, those that are there
#' @noRd
surv_parts <- function(formula) {
  side <- formula[[2]]
  if (!is_surv(side)) bad_event(sprintf("%s on the left is not Surv(time, status)", deparse_line(side)))
  given <- as.list(side)[-1]
  in_interval <- surv_type(given$type) == "interval2"
  given$type <- NULL
  given <- surv_arguments(given, in_interval)
  if (in_interval) return(list(time = given$time, upper = given$time2))
  status <- if (is.null(given$event)) 1 else given$event
  if (is.null(given$time2)) return(list(time = given$time, status = status))
  list(time = given$time2, status = status, entry = given$time)
}

is_surv <- function(side) {
  is.call(side) && (identical(side[[1]], quote(Surv)) || identical(side[[1]], quote(survival::Surv)))
}

surv_type <- function(type) {
  if (is.null(type)) return("right")
  if (!type %in% c("right", "counting", "interval2")) bad_event(sprintf("type '%s' of Surv() is not known", type))
  type
}

# Arguments of Surv() by name: of three the first is the entry, of two the second the status, or the end of an interval.
surv_arguments <- function(given, in_interval) {
  if (is.null(names(given))) names(given) <- rep("", length(given))
  names <- names(given)
  wanted <- if (in_interval) c("time", "time2") else if (length(given) == 3) c("time", "time2", "event") else
    c("time", "event")
  free <- setdiff(wanted, names)
  open <- which(names == "")
  if (!length(given) %in% 1:3 || length(open) > length(free)) {
    bad_event("Surv() takes a time and a status, or an entry, a time and a status")
  }
  names(given)[open] <- free[seq_along(open)]
  odd <- setdiff(names(given), c("time", "time2", "event"))
  if (!is.null(given$time) && !length(odd)) return(given)
  bad_event(if (length(odd)) sprintf("Surv() has no argument '%s' here", odd[1]) else "Surv() has no time")
}

# The variables that say when the event was.
surv_variables <- function(event) unique(unlist(lapply(event$parts, all.vars)))

#' Times of people and covariates of the event, (n, 4 + q): time, status, entry, upper, ..
#'
#' @param event a gbtm_event(); where it is `ahead`, of new people whose event is to come, its times are not read
#' @param table one row for each person
#' @param kept as for [design_columns()]; `coding` how the fit's status is coded, NULL for the fit itself
#' @return list: `x`, the `names` of the covariates, `kept`, `coding`
#' @noRd
event_columns <- function(event, table, kept, coding = event$coding) {
  if (is.null(coding)) coding <- status_coding(event_values("status", event, table))
  x <- vapply(c("time", "status", "entry", "upper"), event_column, numeric(nrow(table)), event, table, coding)
  x <- matrix(x, nrow(table))
  if (!is.null(event$parts$upper)) { # survival's NA at the lower end: before the upper one
    early <- is.na(x[, 1]) & !is.na(x[, 4])
    x[early, 1] <- 0
  }
  made <- covariates_of_event(event, table, kept)
  list(x = unname(cbind(x, made$x)), names = as.character(colnames(made$x)), kept = made$kept, coding = coding)
}

# One of the columns, NA where it was not given.
event_column <- function(name, event, table, coding) {
  values <- event_values(name, event, table)
  if (is.null(values)) return(rep(NA_real_, nrow(table)))
  label <- deparse_line(event$parts[[name]])
  if (name == "status") status_codes(values, label, coding) else numeric_column(values, label)
}

# Its values, NULL where it was not given; of an event to come only the entry is read, where it is there.
event_values <- function(name, event, table) {
  expression <- event$parts[[name]]
  unread <- isTRUE(event$ahead) && (name != "entry" || !all(all.vars(expression) %in% names(table)))
  if (is.null(expression) || unread) return(NULL)
  values <- tryCatch(eval(expression, table, environment(event$formula)), error = function(e) {
    bad_event(sprintf("%s cannot be computed: %s", deparse_line(expression), conditionMessage(e)))
  })
  if (length(values) == 1) values <- rep(values, nrow(table))
  if (length(values) != nrow(table)) bad_event(sprintf("%s is not one column", deparse_line(expression)))
  values
}

# What is known of each subject, with the columns of the event.
with_event_columns <- function(found, event, table, kept) {
  if (!is.null(kept$coding_of_event)) event$coding <- kept$coding_of_event
  made <- event_columns(event, table, kept[["event"]])
  found$sent$event <- as.vector(made$x)
  found$request$event_names <- json_array(made$names)
  found$kept$event <- made$kept
  found$kept$coding_of_event <- made$coding
  found
}

covariates_of_event <- function(event, table, kept) {
  right <- one_sided(stats::as.formula(call("~", event$formula[[3]]), environment(event$formula)), "event")
  if (!length(all.vars(right)) && is.null(kept)) {
    return(list(x = matrix(0, nrow(table), 0, dimnames = list(NULL, character())), kept = NULL))
  }
  design_columns(right, table, "event", kept)
}

# How a fit's statuses are coded, which those of new people are too: the levels of a factor, or as in the survival
# package 1 and 2 for 0 and 1.
status_coding <- function(values) {
  if (is.factor(values)) return(list(levels = levels(values)))
  known <- values[!is.na(values)]
  list(from_one = is.numeric(known) && length(known) > 0 && all(known %in% 1:2) && any(known == 2))
}

# 0 for no event, 1, 2, .. for causes.
status_codes <- function(values, label, coding = status_coding(values)) {
  if (is.null(coding$levels)) {
    if (is.factor(values)) bad_event(sprintf("%s was a number in the fit, and is a factor", label))
    return(numeric_column(values, label) - if (isTRUE(coding$from_one)) 1 else 0)
  }
  labels <- as.character(values)
  unknown <- setdiff(labels, c(coding$levels, NA))
  if (length(unknown)) {
    bad_event(sprintf("%s did not occur in the fit, where the levels of %s are %s", listing(unknown, 5), label,
                      listing(coding$levels)))
  }
  as.double(match(labels, coding$levels)) - 1
}

# As the engine is sent it.
sent_event <- function(value) {
  event <- asked_event(value)
  if (is.null(event)) return(NULL)
  names <- lapply(event$parts, deparse_line)
  cuts <- if (length(event$cuts)) json_array(event$cuts) else event$intervals
  c(names, list(hazard = event$hazard), if (!is.null(cuts)) list(cuts = cuts),
    if (event$effects_by_group) list(effects_by_group = TRUE))
}

# As Python reads it from a table; NULL where it could not: where R computes what Python would not.
event_as_read <- function(event, data, kept) {
  if (is.null(event) || !all(vapply(event$parts, is.name, NA))) return(NULL)
  parts <- lapply(event$parts, as.character)
  if (!all(unlist(parts) %in% names(data)) || !is_plain_status(parts$status, data)) return(NULL)
  right <- stats::as.formula(call("~", event$formula[[3]]), environment(event$formula))
  if (!length(all.vars(right))) return(list(form = parts))
  covariates <- plain_covariates(right, "event", kept, data)
  if (identical(covariates, FALSE)) return(NULL)
  list(form = c(parts, list(covariates = covariates$terms)), levels = covariates$levels)
}

# Whether a column of statuses is what it is read as: no factor, and not 1 and 2 for 0 and 1.
is_plain_status <- function(name, data) {
  if (is.null(name)) return(TRUE)
  is_number_column(data[[name]]) && identical(status_codes(data[[name]], name), as.double(data[[name]]))
}

# The event that new people of a table may have had; NULL where the table does not say when.
event_of_table <- function(inputs, newdata) {
  event <- inputs$event
  if (is.null(event) || isTRUE(event$ahead)) return(event)
  lacking <- setdiff(surv_variables(event), c(inputs$outside$event, names(newdata)))
  if (!length(lacking)) return(event)
  times <- setdiff(all.vars(event$parts$time), inputs$outside$event)
  if (length(times) && !any(times %in% lacking)) { # the time without the status says nothing
    stop_gbtm("bad_event", sprintf("newdata: it has %s, the time of the event, and no column %s.",
                                   deparse_line(event$parts$time), lacking[1]), "newdata",
              "Give all columns of the event, or leave them all out: then the outcomes alone say who belongs where.")
  }
}

# What a fit from a file says of its event, as gbtm() would be asked for it.
stored_event <- function(fit) {
  stored <- fit$read_as$event
  if (is.null(fit$event)) return(NULL)
  parts <- Filter(Negate(is.null), stored[c("entry", "time", "status", "upper")])
  if (is.null(stored$time)) parts <- list(time = "T", status = "status") # only covariates will be looked for
  event <- do.call(gbtm_event, c(parts, list(covariates = if (length(fit$event$names)) fit$event$names,
                                             effects_by_group = isTRUE(fit$event$effects_by_group))))
  environment(event$formula) <- baseenv()
  event$ahead <- isTRUE(fit$event$ahead)
  event$coding <- list(from_one = FALSE) # see is_plain_status()
  event
}

# A time to an event in words; the same as in the engine's summary.
event_sentence <- function(event) {
  each <- if (event$n_causes > 1) {
    sprintf(" (%s)", paste(sprintf("%d of cause %d", event$n_events, seq_along(event$n_events)), collapse = ", "))
  }
  hazard <- if (event$hazard == "weibull") "Weibull" else
    sprintf("piecewise constant in %d intervals", length(event$cuts) + 1L)
  sprintf("Event: %d among %d people%s; %s hazard in each group%s.", sum(event$n_events), as.integer(event$n_known),
          if (is.null(each)) "" else each, hazard,
          if (isTRUE(event$effects_by_group)) ", and effects of covariates too" else "")
}

# What a fit keeps of the event: its hazard, how many had it.
event_of <- function(document) {
  stored <- document$event
  if (is.null(stored)) return(NULL)
  list(hazard = stored$hazard, cuts = as.double(unlist(stored$cuts)), n_causes = stored$n_causes,
       names = as.character(unlist(stored$names)), n_known = stored$n_known,
       n_events = as.integer(unlist(stored$n_events)), effects_by_group = isTRUE(stored$effects_by_group))
}
