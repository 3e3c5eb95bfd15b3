#' Tidy tables of fits, searches, pooled fits and bootstraps
#'
#' For broom, modelsummary, gt and the like, which take models apart by these generics.
#'
#' @param x a fit, a search, pooled fits, a bootstrap, or what [distal()] or [predictors()] returned
#' @param conf.int whether to add `conf.low` and `conf.high`
#' @param conf.level their level
#' @param exponentiate whether estimates and limits of log rates and log odds are turned into rates, odds and ratios of
#'   them: membership, zero inflation, dropout, and the curves of counts, binary outcomes and shares. Standard errors
#'   and tests stay those of the logs, as in broom; what is on another scale (means, sigma) stays as it is.
#' @param conf.method,cov_type as `method` and `cov_type` of [confint.gbtm()]
#' @param data the data frame that was fitted, its rows in any order and in part: they are found by id and time. By
#'   default the observations as the fit holds them
#' @param newdata other people in the same form: their groups follow from their own outcomes
#' @param ... nothing: an argument that does not exist is refused
#' @return `tidy()`: data frame, one row per parameter: `term`, `estimate`, `std.error`, `statistic`, `p.value`, and
#'   `component` (the group, or what is common to all). Of a search one row per model. `glance()`: one row: `n_groups`,
#'   `family`, `logLik`, `AIC`, `BIC` (n = subjects), `BIC_observations`, `entropy`, `df`, `nobs`, `n_subjects`,
#'   `converged`; of a search the chosen model's, and how many models there are. `augment()`: the observations with
#'   `.fitted`, `.resid` and `.group`; NA on rows that were not fitted. Of a fit of several outcomes `tidy()` has a
#'   column `outcome`, and `augment()` the observations of all below each other: `outcome`, the id, `time`, `y`, ...
#'   Of a dual model `n_groups` is text, `"3 x 2"`, `entropy` that of the pairs of groups, and `.group` one of the
#'   outcome's own.
#'   Tibbles where that package is installed.
#' @examplesIf requireNamespace("generics", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' generics::tidy(fit, conf.int = TRUE)
#' generics::glance(fit)
#' head(generics::augment(fit))
#' @name tidy.gbtm
NULL

#' @rdname tidy.gbtm
#' @export
tidy.gbtm <- function(x, conf.int = FALSE, conf.level = 0.95, exponentiate = FALSE, # nolint
                      conf.method = c("wald", "profile"), cov_type = NULL, ...) { # nolint: object_name_linter.
  check_dots(...)
  check_level(conf.level, "conf.level")
  method <- match_choice(conf.method, c("wald", "profile"), "conf.method")
  x <- with_cov_type(x, cov_type, sys.call())
  table <- coefficient_table(x)
  tidied <- data.frame(term = rownames(table), estimate = table[, 1], std.error = table[, 2], statistic = table[, 3],
                       p.value = table[, 4], component = components(x), row.names = NULL)
  tidied$outcome <- outcome_of_terms(x)
  if (conf.int) {
    tidied[c("conf.low", "conf.high")] <- as.data.frame(stats::confint(x, level = conf.level, method = method))
  }
  as_table(exponentiated(tidied, x, exponentiate))
}

# Estimates and limits of log rates and log odds as rates, odds and their ratios; what is on another scale stays.
exponentiated <- function(tidied, fit, exponentiate) {
  if (!check_flag(exponentiate, "exponentiate")) return(tidied)
  families <- outcome_families(fit)
  rows <- unlist(lapply(fit$blocks, function(block) {
    on_log <- block$kind %in% c("theta", "theta2", "zero", "dropout") ||
      (grepl("^(mean|level[0-9]+)$", block$kind) &&
         family_traits(families[[block$outcome + 1]])$link %in% c("log", "logit", "multinomial")) ||
      grepl("^event[0-9]?_(effects|log_hazard)", block$kind)
    rep(on_log, block$width)
  }))
  if (!any(rows)) {
    stop_gbtm("nothing_to_exponentiate", sprintf(
      "exponentiate: family '%s' with one group has no log odds or log rates.", paste(families, collapse = "', '")
    ), "exponentiate", "Leave it out.")
  }
  for (column in intersect(c("estimate", "conf.low", "conf.high"), names(tidied))) {
    tidied[rows, column] <- exp(tidied[rows, column])
  }
  tidied
}

# The families of a fit's outcomes, by name.
outcome_families <- function(fit) {
  if (is_several(fit)) vapply(fit$each, `[[`, "", "family") else stats::setNames(fit$family, fit$outcome_name)
}

family_words <- function(fit) paste(outcome_families(fit), collapse = ", ")

# Of several outcomes, whose each parameter is, NA for those of groups that they share; NULL of one.
outcome_of_terms <- function(fit) {
  if (!is_several(fit)) return(NULL)
  whose <- block_field(fit, "outcome")
  if (is_dual(fit)) whose <- ifelse(is.na(whose), as.numeric(block_field(fit, "kind") == "theta2"), whose)
  outcome_names(fit)[whose + 1]
}

# A tibble where that package is, as users of these generics expect.
as_table <- function(data) if (requireNamespace("tibble", quietly = TRUE)) tibble::as_tibble(data) else data

# "group 1", "membership" or "common", for each parameter.
components <- function(fit) {
  unlist(lapply(fit$blocks, function(block) {
    group <- if (is.null(block$group)) "common" else paste("group", block$group)
    rep(if (block$kind %in% c("theta", "theta2")) "membership" else group, block$width)
  }))
}

#' @rdname tidy.gbtm
#' @export
glance.gbtm <- function(x, ...) {
  check_dots(...)
  refuse_part(x)
  k <- n_parameters(x)
  as_table(data.frame(
    n_groups = counts(x), family = family_words(x), logLik = x$loglik, AIC = -2 * x$loglik + 2 * k, BIC = BIC.gbtm(x),
    BIC_observations = BIC.gbtm(x, n = "observations"), entropy = unname(utils::tail(entropy(x), 1)), df = k,
    nobs = x$nobs,
    n_subjects = x$n_subjects, converged = x$certificate$converged
  ))
}

# Number of groups in one cell: 3, and of a dual model "3 x 2".
counts <- function(fit) if (is_dual(fit)) paste(fit$dual$sizes, collapse = " x ") else fit$n_groups

#' @rdname tidy.gbtm
#' @export
augment.gbtm <- function(x, data = NULL, newdata = NULL, ...) {
  check_dots(...)
  if (!is.null(newdata)) {
    if (!is.null(data)) {
      stop_gbtm("two_tables", "newdata: data are given too.", "newdata", "Give one of them.")
    }
    if (is_several(x)) refuse_several(outcome_names(x))
    return(as_table(augmented_new(x, newdata, sys.call())))
  }
  if (is_several(x)) {
    if (!is.null(data)) refuse_several(outcome_names(x))
    tables <- lapply(outcome_views(x), function(view) {
      table <- as.data.frame(augment(view))
      stats::setNames(table, c(names(table)[1], "time", "y", names(table)[-(1:3)]))
    })
    return(as_table(below_each_other(tables, NULL)))
  }
  fitted <- if (has_mean(x$curves)) fitted_here(x)
  group <- unname(assignment(x))[x$data$subject]
  if (is.null(data)) {
    data <- stats::setNames(data.frame(user_ids(x)[x$data$subject], x$data$time, x$data$y, stringsAsFactors = FALSE),
                            apart(c(x$id_name, x$time_name, x$outcome_name), c(".fitted", ".resid", ".group")))
    at <- seq_len(nrow(data))
  } else {
    check_data(data)
    at <- fitted_row(x, data)
  }
  if (length(fitted)) {
    data$.fitted <- fitted[at]
    data$.resid <- (x$data$y - fitted)[at]
  }
  data$.group <- group[at]
  as_table(data)
}

#' @rdname tidy.gbtm
#' @export
tidy.gbtm_search <- function(x, ...) { # nolint
  check_dots(...)
  as_table(cbind(model = row.names(x$table), x$table, row.names = NULL, stringsAsFactors = FALSE))
}

#' @rdname tidy.gbtm
#' @export
glance.gbtm_search <- function(x, ...) { # nolint
  check_dots(...)
  as_table(cbind(model = unname(x$choices[x$criterion]), as.data.frame(glance.gbtm(best(x))), n_models = nrow(x$table),
                 criterion = x$criterion, stringsAsFactors = FALSE))
}

#' @rdname tidy.gbtm
#' @export
tidy.gbtm_pooled <- function(x, conf.int = FALSE, conf.level = 0.95, exponentiate = FALSE, ...) { # nolint
  check_dots(...)
  check_level(conf.level, "conf.level")
  table <- summary(x, level = conf.level)$coefficients
  tidied <- data.frame(term = rownames(table), estimate = table[, 1], std.error = table[, 2], statistic = table[, 3],
                       p.value = table[, 5], df = table[, 4], fmi = table[, 8], component = components(x$fits[[1]]),
                       row.names = NULL)
  tidied$outcome <- outcome_of_terms(x$fits[[1]])
  if (conf.int) tidied[c("conf.low", "conf.high")] <- as.data.frame(table[, 6:7])
  as_table(exponentiated(tidied, x$fits[[1]], exponentiate))
}

#' @rdname tidy.gbtm
#' @export
glance.gbtm_pooled <- function(x, ...) { # nolint
  check_dots(...)
  first <- x$fits[[1]]
  as_table(data.frame(n_groups = counts(first), family = family_words(first), n_imputations = length(x$fits),
                      df = n_parameters(x), nobs = first$nobs, n_subjects = first$n_subjects))
}

#' @rdname tidy.gbtm
#' @export
tidy.gbtm_bootstrap <- function(x, conf.int = FALSE, conf.level = 0.95, exponentiate = FALSE, ...) { # nolint
  check_dots(...)
  check_level(conf.level, "conf.level")
  table <- summary(x, level = conf.level)
  tidied <- data.frame(term = row.names(table), estimate = table$estimate, std.error = table$se,
                       component = components(x$fit), row.names = NULL)
  tidied$outcome <- outcome_of_terms(x$fit)
  if (conf.int) tidied[c("conf.low", "conf.high")] <- table[c("lower", "upper")]
  as_table(exponentiated(tidied, x$fit, exponentiate))
}

#' @rdname tidy.gbtm
#' @export
glance.gbtm_bootstrap <- function(x, ...) { # nolint
  check_dots(...)
  as_table(data.frame(n_groups = counts(x$fit), family = family_words(x$fit), kind = x$kind, n_replicates = x$n,
                      failures = x$failures))
}
