# The next waves of people: what is known of them is sent, and the engine foretells.

#' @importFrom generics forecast
#' @export
generics::forecast

#' What people will do next
#'
#' The predictive distribution of everybody's next waves, from the waves seen: the groups' distributions, weighted by
#' the posterior probabilities that the waves seen give, p(y) = sum over k of P_k f_k(y) (Elmer, Jones and Nagin 2018).
#' The parameters are taken as known.
#'
#' `forecast()` is the generic of the package generics, which the package forecast uses too: with that package attached
#' a fit has this method as well.
#'
#' @param object a fit
#' @param people data frame in the form of the one that was fitted, of people new or known; who has no observation gets
#'   the prior. Rows of a person after the last that was seen, with a missing outcome, are the waves to come, with their
#'   covariates
#' @param steps how many waves ahead
#' @param times when they are, one time per step, the same for all. By default the waves of the fit after a person's
#'   last, and after those at their usual distance
#' @param future data frame of further rows: ids, times, time-varying covariates and exposure
#' @param quantiles,level of the distributions; `level` is that of `lower` and `upper`, with as much on either side
#' @param draws,seed number of simulated paths a person and their seed, used only for `steps` after the first of a
#'   model with `lag(y)` among `tcov`; all else is exact
#' @param probabilities,cdf values v of the outcome: columns `p_v` with P(y = v), of an outcome without point masses its
#'   density, and `cdf_v` with P(y <= v)
#' @param y outcomes of the rows of the result, in its order, once they are known, `NA` where they are not: a column
#'   `log_score` with log p(y)
#' @param x what `forecast()` returned
#' @param digits of the numbers
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return Data frame of class `gbtm_forecast`, a row a person and step: the id, of several outcomes `outcome`, the
#'   time, `step`, `mean`, `sd`, `lower`, `upper`, `p_positive` = P(y > 0), the quantiles `q0.05`, .., and with a
#'   dropout model `stays`, the probability that the person is still seen then, given which the rest is. Of categories
#'   without an order it has the probability of each, `p_employed`, in the place of all these but `stays`. Its
#'   attributes `level` and `draws`; 0 draws where all is exact.
#' @section Errors: `gbtm_no_future` where covariates of the waves to come are not known; `gbtm_unknown_id` for people
#'   in `future` alone; `gbtm_no_waves` where times are people's own; `gbtm_bad_times`; `gbtm_no_forecast` for censored
#'   outcomes with correlated errors, and for dropout that depends on more than the last waves seen.
#' @references Elmer J, Jones BL, Nagin DS (2018). Using the Beta distribution in group-based trajectory models. BMC
#'   Medical Research Methodology 18, 152.
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' forecast(fit, d[d$id %in% 1:3 & d$age < 15, ], steps = 2, probabilities = 0:1)
#' @rawNamespace S3method(forecast::forecast, gbtm)
#' @export
forecast.gbtm <- function(object, people, steps = 1, times = NULL, future = NULL,
                          quantiles = c(0.05, 0.25, 0.5, 0.75, 0.95), level = 0.95, draws = 2000, seed = 0,
                          probabilities = NULL, cdf = NULL, y = NULL, ...) {
  check_dots(...)
  call <- sys.call()
  if (missing(people)) {
    stop_gbtm("no_people", "people: not given.", "people", "Give a table of people, in the form of the fit's data.",
              call)
  }
  check_table(people, "people")
  if (!is.null(future)) check_table(future, "future")
  check_asked_forecast(steps, level, quantiles, draws, seed)
  asked <- list(
    steps = steps, times = numbers_asked(times, "times"), quantiles = json_array(quantiles),
    level = json_number(level), draws = draws, rng = seed,
    probabilities = numbers_asked(probabilities, "probabilities"), cdf = numbers_asked(cdf, "cdf"),
    y = numbers_asked(y, "y"), given = !is.null(future)
  )
  sent <- send_people(object, people, future, asked, call)
  answer <- fitted_answer("forecast", document_text(object), as_request(c(asked, sent)), call = call)
  warn_sentences(answer$sentences, "people", call)
  table <- answer_frame(answer$table, answer$arrays)
  table[[1]] <- in_own_type(table[[1]], own_ids(people, ids_asked(object)))
  further <- matrix(as.vector(answer_array(answer$further, answer$arrays)), nrow(table))
  names <- c(labelled("p_", probabilities), labelled("cdf_", cdf), if (!is.null(y)) "log_score")
  for (j in seq_along(names)) table[[names[j]]] <- further[, j]
  structure(table, class = c("gbtm_forecast", "data.frame"), level = level, draws = answer$draws)
}

check_asked_forecast <- function(steps, level, quantiles, draws, seed) {
  check_whole(steps, "steps", 1, "Give a number of waves, such as steps = 2.")
  check_whole(draws, "draws", 1, "Give a number of paths, such as draws = 2000.")
  check_seed(seed)
  check_level(level)
  for (q in quantiles) check_level(q, "quantiles", 0.5)
}

# Numbers that may be left out, as a JSON array.
numbers_asked <- function(values, argument) {
  if (!is.null(values)) json_array(numeric_column(values, argument))
}

labelled <- function(prefix, values) if (length(values)) paste0(prefix, format_each(values))

format_each <- function(values) vapply(values, format, "", digits = 15)

#' Send people to the engine
#'
#' What the engine can read itself goes as the table that it is: fits from a file, and wide data. Else R makes the
#' columns, as for the fit.
#' @return list: `people` and `future`, columns of the tables; NULL where the engine holds columns that R made
#' @noRd
send_people <- function(fit, people, future, asked, call) {
  views <- if (is_dual(fit)) views_of_people(fit) else outcome_views(fit)
  readable <- all(vapply(views, function(v) !is.null(v$read_as), NA))
  in_r <- all(vapply(views, function(v) !is.null(v$inputs) && is.null(v$inputs$wide), NA))
  if (readable && !in_r) return(send_tables(views[[1]], people, future))
  if (!is.null(future)) {
    if (!in_r) {
      stop_gbtm("no_future", "future: R alone knows how the columns of this fit are made of a wide table.", "future",
                "Give the rows of a fit to long data, or put the waves to come into people.", call)
    }
    people <- with_future(views, people, future, call)
  }
  for (m in seq_along(views)) hold_forecast(fit, views[[m]], m, people, asked, call)
  list(people = NULL, future = NULL)
}

# The tables as they are; columns of other classes than numbers, text and factors are no column of a fit from a file.
send_tables <- function(fit, people, future) {
  wide <- fit$inputs$wide
  list(people = send_table(fit, if (is.null(wide)) people else spread_matrices(people, wide), "people"),
       future = if (!is.null(future)) send_table(fit, future, "future"))
}

send_table <- function(fit, table, prefix) {
  table <- without_declared(table)$data
  columns <- sent_columns(as.list(table)[vapply(table, is_plain_column, NA)], "")
  for (i in seq_along(columns)) {
    if (columns[[i]]$name %in% ids_asked(fit) && columns[[i]]$kind == "number") columns[[i]]$kind <- "id"
    send_column(paste0(prefix, i - 1), as.double(columns[[i]]$x))
  }
  lapply(columns, function(column) column[names(column) != "x"])
}

is_plain_column <- function(x) {
  is.null(dim(x)) && (is.factor(x) || is.character(x) || is.logical(x) || is_number_column(x))
}

# The rows of the future below those that were seen, in a long table.
with_future <- function(views, people, future, call) {
  id <- ids_asked(views[[1]])
  require_columns(future, id, "future")
  outcomes <- unlist(lapply(views, function(v) {
    parts <- fit_parts(v, names(people))
    c(parts$outcome_vars, parts$outcome)
  }))
  strange <- setdiff(id_labels(id_values(future, id)$values), id_labels(id_values(people, id)$values))
  if (length(strange)) {
    stop_gbtm("unknown_id", sprintf("future: %d ids are not in the table of people, first %s.", length(strange),
                                    strange[1]), "future",
              "Give everybody a row in people, with a missing outcome where none was seen.", call)
  }
  below <- people[rep(NA_integer_, nrow(future)), , drop = FALSE]
  for (name in setdiff(intersect(names(future), names(people)), outcomes)) {
    x <- future[[name]]
    below[[name]] <- if (is.factor(people[[name]])) factor(as.character(x), levels(people[[name]])) else x
  }
  rbind(as.data.frame(people), as.data.frame(below), make.row.names = FALSE)
}

# Keep the people of one outcome, number `m`, with the engine.
hold_forecast <- function(fit, view, m, people, asked, call) {
  found <- new_people(view, people, call)
  columns <- found$columns
  further <- found$further
  if (isTRUE(further$request$people)) {
    require_columns(people, unique(c(view$outcome_name, view$time_name)), "people")
  }
  exposure <- found$inputs$exposure
  request <- c(panel_request(columns, further), list(
    number = m - 1, own_table = isTRUE(view$own_table),
    exposure_name = if (is.character(exposure)) exposure else if (!is.null(exposure)) deparse_line(exposure[[2]])
  ), if (m == 1 && !is.null(fit$spec$dropout)) list(known = known_waves(fit)))
  send_panel(columns, further)
  rows <- covariates_to_come(found, columns, further)
  if (!is.null(rows)) send_column("rows_tcov", as.vector(rows))
  if (!is.null(columns$basis)) {
    at <- times_to_come(view, asked)
    send_column("basis_times", c(columns$time, at))
    send_column("basis", as.vector(rbind(columns$basis, basis_where_known(view, at))))
  }
  call_bridge("hold_forecast", as_request(request), number_ids(columns$ids), call = call)
}

# Covariates (n, q) of all rows. A row to come has no lag yet, which must not make its other covariates missing too.
covariates_to_come <- function(found, columns, further) {
  inputs <- found$inputs
  if (is.null(inputs$tcov)) return(NULL)
  wave <- if (!is.null(inputs$wave) && is.null(inputs$wide)) one_column(inputs$wave, found$table, "wave")
  wide <- inputs$wide
  rows <- if (is.null(wide)) found$table else rows_of_wide(inputs$tcov, found$table, wide, columns)
  lagged <- lagged_columns(inputs$tcov, rows, columns, wave, inputs$kept$lags)
  if (is.null(lagged)) return(further$sent$tcov)
  for (term in lagged$terms) lagged$data[[term$column]][is.na(lagged$data[[term$column]])] <- 1
  design_columns(lagged$asked, lagged$data, "tcov", inputs$kept$tcov)$x
}

# Times at which the engine may need R's basis: the waves of the fit, those after them, and those asked for.
times_to_come <- function(fit, asked) {
  levels <- sort(unique(seen_times(fit)))
  gap <- if (length(levels) > 1) stats::median(diff(levels)) else 1
  given <- if (!is.null(asked$times)) jsonlite::fromJSON(asked$times)
  unique(c(levels, levels[length(levels)] + gap * seq_len(asked$steps + length(levels)), given))
}

#' @rdname forecast.gbtm
#' @export
print.gbtm_forecast <- function(x, digits = 3, ...) {
  check_dots(...)
  level <- attr(x, "level")
  if (!is.null(level)) {
    draws <- attr(x, "draws")
    cat(sprintf("Forecast, intervals of %g %%, %s\n", 100 * level,
                if (draws > 0) sprintf("%d simulated paths a person where steps are several", draws) else "exact"))
  }
  print(structure(x, class = "data.frame"), digits = digits, row.names = FALSE)
  invisible(x)
}
