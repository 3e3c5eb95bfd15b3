# Covariates, weights and what else a model asks of the table besides outcome and time: as columns of numbers.

subject_arguments <- c("risk", "risk2", "weights", "cluster", "stratum", "out_of_sample", "obsmar", "known", "known2")

#' Columns of covariates, in the order of the ids and of the observations
#' @param asked the arguments of [gbtm()] by name: `risk`, `risk2`, `tcov`, `dcov`, `exposure`, `trials`, `wave`,
#'   `weights`, `cluster`, `stratum`, `out_of_sample`, `obsmar`, `known`, `known2`; and `event`, see [asked_event()]
#' @param data the user's table
#' @param columns what [long_columns()] or [wide_columns()] returned
#' @param wide as in [gbtm()]
#' @param kept what an earlier call returned as `kept`, for new data: the same factor levels and codings
#' @param curve what [curve_beside()] returned: its columns are no covariates
#' @return list: `columns` with the subjects as codes; `sent`, named numeric vectors; `request`, how the engine reads
#'   them; and `kept`. NULL where nothing is asked for.
#' @noRd
covariate_columns <- function(asked, data, columns, wide, kept = NULL, curve = NULL) {
  asked <- Filter(Negate(is.null), asked)
  if (!length(asked)) return(NULL)
  if (is.null(columns$ids)) columns[c("subject", "ids")] <- code_ids(columns$subject)
  mine <- asked[names(asked) %in% c(subject_arguments, "event")]
  of_subjects <- if (length(mine)) subject_columns(mine, data, columns, wide, kept)
  of_observations <- observation_columns(asked, data, columns, wide, kept, curve)
  parts <- c("sent", "request", "kept")
  c(list(columns = columns), lapply(stats::setNames(nm = parts), function(p) c(of_subjects[[p]], of_observations[[p]])))
}

# What is known of each subject: one value per id.
subject_columns <- function(mine, data, columns, wide, kept) {
  table <- if (is.null(wide)) {
    constant_within(data, subject_variables(mine, data), columns)
  } else {
    data[!is.na(columns$subject[seq(1, by = columns$waves, length.out = nrow(data))]), , drop = FALSE]
  }
  single <- !names(mine) %in% c("risk", "risk2", "event")
  found <- list(
    sent = lapply(stats::setNames(nm = names(mine)[single]), function(n) subject_column(mine[[n]], table, n)),
    request = list(subjects = json_array(names(mine)))
  )
  found$request <- c(found$request, known_widths(found$sent, nrow(table)))
  for (name in intersect(names(mine), c("risk", "risk2"))) {
    made <- design_columns(mine[[name]], table, name, kept[[name]])
    found$sent[[name]] <- as.vector(made$x)
    found$request[[paste0(name, "_names")]] <- json_array(colnames(made$x))
    if (name == "risk") found$request$risk_levels <- made$levels
    found$kept[[name]] <- made$kept
  }
  if (is.null(mine$event)) found else with_event_columns(found, mine$event, table, kept)
}

# What differs from wave to wave: one value per observation.
observation_columns <- function(asked, data, columns, wide, kept, curve) {
  wave <- wave_column(asked$wave, data, wide)
  lagged <- if (!is.null(asked$tcov)) {
    rows <- if (is.null(wide)) data else rows_of_wide(asked$tcov, data, wide, columns)
    lagged_columns(asked$tcov, rows, columns, wave, kept$lags)
  }
  found <- covariates_of_waves(asked, data, columns, wide, kept, curve, lagged)
  if (!is.null(lagged)) found <- with_lags(found, lagged, columns)
  if (!is.null(denominator_of(asked))) {
    found$sent$exposure <- denominator_column(asked, data, wide, if (is.null(wide)) 1 else columns$waves)
    found$request$exposure <- TRUE
    found$request$trials <- !is.null(asked$trials)
  }
  if (!is.null(wave)) {
    found$sent$wave <- wave
    found$request$wave <- if (is.character(asked$wave)) asked$wave else deparse_line(one_sided(asked$wave, "wave")[[2]])
  }
  found
}

# Covariates of the outcome and of dropout, `lagged` being what [lagged_columns()] made of those of the outcome.
covariates_of_waves <- function(asked, data, columns, wide, kept, curve, lagged) {
  found <- list()
  if (!is.null(lagged)) asked$tcov <- lagged$asked
  for (name in intersect(c("tcov", "dcov"), names(asked))) {
    rows <- if (name == "tcov" && !is.null(lagged)) lagged$data else if (is.null(wide)) data
    argument <- c(attr(asked[[name]], "argument"), name)[1]
    made <- if (is.null(rows)) {
      list(x = wide_covariates(asked[[name]], data, wide, columns$waves, argument))
    } else {
      design_columns(asked[[name]], rows, argument, kept[[name]], if (name == "tcov") curve) # dropout has no curve
    }
    found$kept[[name]] <- made$kept
    if (!is.null(made$note)) found$request$notes <- note_of_common(made$note, asked[[name]], curve)
    shared <- if (is.null(kept)) common_names(asked[[name]], made, columns$outcome_name)
    if (!is.null(shared)) found$request$common_names <- json_array(shared)
    found$request[[paste0(name, "_names")]] <- json_array(colnames(made$x))
    found$sent[[name]] <- as.vector(made$x)
  }
  found
}

# Values of the column that counts the waves of long data; NULL where none is asked for.
wave_column <- function(asked, data, wide) {
  if (is.null(asked)) return(NULL)
  if (!is.null(wide)) {
    stop_gbtm("wave_of_wide", "wave: in wide data each column is a wave.", "wave",
              "Leave wave out; the columns must stand in the order of the waves.")
  }
  one_column(asked, data, "wave")
}

#' The table without the levels of factors that no fitted row has: nothing can be estimated for them
#'
#' Their values become missing, with a warning, so that the rows count as incomplete.
#' @noRd
without_unfitted_levels <- function(asked, data, columns, wide, call) {
  rows <- fitted_rows(asked, data, columns, wide)
  for (argument in intersect(names(rows), names(Filter(Negate(is.null), asked)))) {
    for (name in intersect(all.vars(one_sided(asked[[argument]], argument)), names(data))) {
      values <- data[[name]]
      if (!is.factor(values) && !is.character(values)) next
      lost <- setdiff(as.character(values[!is.na(values)]), as.character(values[rows[[argument]]]))
      if (!length(lost) || !any(rows[[argument]] & !is.na(values))) next
      count <- sum(values %in% lost)
      warning(gbtm_condition("unfitted_level", sprintf(
        "%s: %s occurs in no row that is fitted; %d rows count as without a value.", name, listing(lost, 5), count
      ), name, "", call, c("gbtm_warning", "warning")))
      data[[name]][values %in% lost] <- NA
    }
  }
  data
}

# Which rows of the table count for each argument.
fitted_rows <- function(asked, data, columns, wide) {
  fitted <- rep(TRUE, nrow(data))
  if (!is.null(asked$out_of_sample)) fitted <- !(one_column(asked$out_of_sample, data, "out_of_sample") %in% 1)
  if (!is.null(wide)) return(list(risk = fitted, risk2 = fitted)) # the time-varying covariates of wide data are numbers
  seen <- fitted & !is.na(columns$y) & !is.na(columns$time) & !is.na(columns$subject)
  people <- columns$subject %in% columns$subject[seen]
  # a wave that was missed has its say in dropout
  list(risk = people, risk2 = people, tcov = if (is.null(asked$dcov)) seen else people, dcov = people)
}

# Names of the columns that arguments about subjects use.
subject_variables <- function(mine, data) {
  used <- lapply(names(mine), function(name) {
    asked <- mine[[name]]
    if (name == "event") return(intersect(all.vars(asked$formula), names(data)))
    known <- all.vars(one_sided(asked, name))
    if (is.character(asked) && !is_formula_text(asked)) require_columns(data, asked, name)
    intersect(known, names(data))
  })
  unique(unlist(used))
}

is_formula_text <- function(asked) length(asked) == 1 && grepl("~", asked, fixed = TRUE)

# Column names or a one-sided formula, as a formula.
one_sided <- function(asked, argument) {
  if (is.character(asked) && length(asked) && !anyNA(asked)) {
    if (!is_formula_text(asked)) return(of_names(asked))
    # poly(), scale() and the like are found wherever the text comes from
    asked <- tryCatch(stats::as.formula(asked, env = asNamespace("stats")), error = function(e) NULL)
  }
  if (!inherits(asked, "formula") || length(asked) != 2) {
    stop_gbtm("bad_formula", sprintf("%s: %s is neither column names nor a one-sided formula.", argument, shown(asked)),
              argument, sprintf("For example %s = \"age\" or %s = ~ age + region.", argument, argument))
  }
  environment(asked) <- with_time_terms(asked[[2]], environment(asked))
  asked
}

# The sum of columns whatever their names are: a name is never read as code.
of_names <- function(columns) {
  sum <- Reduce(function(a, b) call("+", a, b), lapply(columns, as.name))
  stats::as.formula(call("~", sum), env = baseenv())
}

#' One row per subject from long data
#'
#' What is said of a subject must be the same on all its rows; a missing value yields to what another row says.
#' @noRd
constant_within <- function(data, variables, columns) {
  at <- columns$subject + 1
  n <- length(columns$ids)
  table <- lapply(stats::setNames(nm = variables), function(name) {
    values <- data[[name]]
    known <- which(!is.na(values) & !is.na(at))
    first <- known[match(seq_len(n), at[known])]
    code <- match(values, unique(values))
    varies <- unique(at[known][code[known] != code[first][at[known]]])
    if (length(varies)) {
      stop_gbtm("not_constant", sprintf("%s: differs between the rows of %d subjects (first id %s).", name,
                                        length(varies), format(columns$ids[min(varies)])), name,
                paste("A membership covariate, weight, cluster or known group is one per subject; for one that changes",
                      "time use tcov."))
    }
    values[first]
  })
  if (!length(table)) return(data.frame(row.names = seq_len(n)))
  as.data.frame(table, optional = TRUE, stringsAsFactors = FALSE)
}

#' Columns of a design without the constant
#'
#' Factors and text get treatment contrasts where they have none of their own, TRUE counts as 1; a row with a missing
#' value is NA throughout. Levels, and what `poly()` and the like take from the data, come from complete rows alone.
#' @param kept terms and levels of an earlier call; its `others` names a term whose values depend on the other rows,
#'   its `own` the columns that are the curve's
#' @param curve as for [covariate_columns()]
#' @return list: `x` (n, q) with names, `of_term` which term each column is of, `kept`, and a `note` on what is the
#'   curve's, or NULL
#' @noRd
design_columns <- function(asked, table, argument, kept = NULL, curve = NULL) {
  refuse_others(kept$others, argument)
  written <- if (is.null(kept)) one_sided(asked, argument) else kept$terms
  formula <- if (is.null(kept)) with_time(written, table, curve) else written
  used <- all.vars(formula)
  if (is.character(asked) && !is_formula_text(asked)) require_columns(table, asked, argument)
  mine <- intersect(used, names(table))
  for (name in mine) if (is.logical(table[[name]])) table[[name]] <- as.double(table[[name]])
  refuse_no_terms(formula, used, table, argument)
  known_levels(table, kept$xlevels)
  complete <- if (length(mine)) stats::complete.cases(table[mine]) else rep(TRUE, nrow(table))
  old <- options(contrasts = c("contr.treatment", "contr.treatment"))
  on.exit(options(old))
  made <- tryCatch(design_of_rows(formula, table[complete, , drop = FALSE], kept), error = function(e) {
    stop_gbtm("bad_formula", sprintf("%s: '%s' cannot be computed: %s.", argument, deparse_line(formula[[2]]),
                                     conditionMessage(e)), argument,
              sprintf("The columns are %s.", listing(names(table))))
  })
  refuse_without_value(made$x, formula, argument)
  own <- if (is.null(kept)) columns_of_curve(made, curve, table[complete, , drop = FALSE]) else kept$own
  keep <- !colnames(made$x) %in% c("(Intercept)", own)
  x <- matrix(NA_real_, nrow(table), sum(keep), dimnames = list(NULL, gsub("`", "", colnames(made$x)[keep])))
  x[complete, ] <- made$x[, keep]
  others <- if (is.null(kept)) depends_on_others(made, table[complete, , drop = FALSE])
  list(x = x, of_term = attr(made$x, "assign")[keep],
       kept = list(terms = plain_terms(made$terms), xlevels = made$xlevels, others = others, own = own,
                   contrasts = made$contrasts),
       levels = factor_columns(made, keep), note = if (is.null(kept)) own_time_note(own, written, table, curve))
}

# Of each factor that stands by itself: its name, its levels, and the place of its first column, from 0. Its columns are
# one a level, without the first level.
factor_columns <- function(made, keep) {
  term <- attr(made$x, "assign")[keep]
  labels <- attr(made$terms, "term.labels")
  lapply(intersect(labels, names(made$xlevels)), function(name) {
    list(gsub("`", "", name), json_array(made$xlevels[[name]]), which(term == match(name, labels))[1] - 1)
  })
}

# Terms without the caller's whole environment, which saveRDS() would write with the fit.
plain_terms <- function(terms) {
  made_in <- environment(terms)
  if (isNamespace(made_in) && !identical(made_in, asNamespace("stats"))) environment(terms) <- baseenv()
  terms
}

# Factor levels that did not occur in the fit are refused by name.
known_levels <- function(table, xlevels) {
  for (name in intersect(names(xlevels), names(table))) {
    unknown <- setdiff(as.character(table[[name]][!is.na(table[[name]])]), xlevels[[name]])
    if (length(unknown)) {
      stop_gbtm("new_level", sprintf("%s: %s did not occur in the fit.", name, listing(unknown, 5)), name,
                sprintf("Its levels are %s.", listing(xlevels[[name]])))
    }
  }
}

# One value per subject, as numbers: labels of clusters and strata as codes.
subject_column <- function(asked, table, argument) {
  if (argument %in% c("known", "known2")) return(as.vector(known_matrix(asked, table)))
  if (!argument %in% c("cluster", "stratum")) return(one_column(asked, table, argument))
  values <- one_variable(asked, table, argument)
  as.double(match(values, unique(values[!is.na(values)]))) - 1
}

one_column <- function(asked, table, argument) {
  numeric_column(one_variable(asked, table, argument), argument)
}

one_variable <- function(asked, table, argument) {
  formula <- one_sided(asked, argument)
  if (is.character(asked) && !is_formula_text(asked)) {
    require_columns(table, asked, argument)
    if (length(asked) == 1) return(table[[asked]])
  }
  values <- tryCatch(eval(formula[[2]], table, environment(formula)), error = function(e) NULL)
  if (length(values) != nrow(table)) {
    stop_gbtm("bad_formula", sprintf("%s: %s is not one column.", argument, shown(asked)), argument,
              sprintf("For example %s = \"w\" or %s = ~ w.", argument, argument))
  }
  values
}

# Columns (n, q) in the order of the observations, from names of `wide`.
wide_covariates <- function(asked, data, wide, waves, argument) {
  listed <- is.character(asked) && !is_formula_text(asked)
  wanted <- if (listed) asked else plain_names(one_sided(asked, argument), argument)
  x <- vapply(wanted, function(name) {
    if (!name %in% names(wide)) {
      stop_gbtm("unknown_column", sprintf("%s: '%s' does not stand in wide.", argument, name), argument,
                sprintf("Say which columns it is: wide = list(..., %s = \"%s_*\").", name, name))
    }
    found <- expand_columns(data, wide[[name]], name)
    if (length(found) != waves) {
      stop_gbtm("wave_mismatch", sprintf("%s: %d columns of '%s' for %d waves.", argument, length(found), name, waves),
                argument, "Give one column per outcome column.")
    }
    as.vector(t(wide_matrix(data, found)))
  }, numeric(nrow(data) * waves))
  matrix(x, nrow(data) * waves, dimnames = list(NULL, wanted))
}

plain_names <- function(formula, argument) {
  labels <- gsub("`", "", attr(stats::terms(formula), "term.labels"))
  if (!setequal(labels, all.vars(formula))) {
    stop_gbtm("bad_formula", sprintf("%s: '%s' is more than names of wide.", argument, deparse_line(formula[[2]])),
              argument, "For wide data give names of wide; compute further columns first.")
  }
  labels
}
