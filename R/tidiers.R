#' Tidy tables of fits, searches, pooled fits and bootstraps
#'
#' For broom, modelsummary, gt and the like, which take models apart by these generics.
#'
#' @param x a fit, a search, pooled fits or a bootstrap
#' @param conf.int whether to add `conf.low` and `conf.high`
#' @param conf.level their level
#' @param data the data frame that was fitted; by default the observations as the fit holds them
#' @param ... not used
#' @return `tidy()`: data frame, one row per parameter: `term`, `estimate`, `std.error`, `statistic`, `p.value`, and
#'   `component` (the group, or what is common to all). Of a search one row per model. `glance()`: one row: `n_groups`,
#'   `family`, `logLik`, `AIC`, `BIC` (n = subjects), `BIC_observations`, `entropy`, `df`, `nobs`, `n_subjects`,
#'   `converged`; of a search the chosen model's, and how many models there are. `augment()`: the observations with
#'   `.fitted`, `.resid` and `.group`.
#' @examplesIf requireNamespace("generics", quietly = TRUE)
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' generics::tidy(fit, conf.int = TRUE)
#' generics::glance(fit)
#' head(generics::augment(fit))
#' @name tidy.gbtm
NULL

#' @rdname tidy.gbtm
#' @exportS3Method generics::tidy
tidy.gbtm <- function(x, conf.int = FALSE, conf.level = 0.95, ...) { # nolint
  check_level(conf.level, "conf.level")
  table <- coefficient_table(x)
  tidied <- data.frame(term = rownames(table), estimate = table[, 1], std.error = table[, 2], statistic = table[, 3],
                       p.value = table[, 4], component = components(x), row.names = NULL)
  if (conf.int) tidied[c("conf.low", "conf.high")] <- as.data.frame(stats::confint(x, level = conf.level))
  tidied
}

# "group 1", "membership" or "common", for each parameter.
components <- function(fit) {
  unlist(lapply(fit$blocks, function(block) {
    group <- if (is.null(block$group)) "common" else paste("group", block$group)
    rep(if (block$kind == "theta") "membership" else group, block$width)
  }))
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::glance
glance.gbtm <- function(x, ...) {
  k <- length(x$coefficients)
  data.frame(
    n_groups = x$n_groups, family = x$family, logLik = x$loglik, AIC = -2 * x$loglik + 2 * k, BIC = BIC.gbtm(x),
    BIC_observations = BIC.gbtm(x, n = "observations"), entropy = entropy(x), df = k, nobs = x$nobs,
    n_subjects = x$n_subjects, converged = x$certificate$converged
  )
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::augment
augment.gbtm <- function(x, data = NULL, ...) {
  fitted <- fitted_here(x)
  group <- unname(assignment(x))[x$data$subject]
  if (is.null(data)) {
    data <- stats::setNames(data.frame(x$ids[x$data$subject], x$data$time, x$data$y, stringsAsFactors = FALSE),
                            apart(c(x$id_name, x$time_name, x$outcome_name), c(".fitted", ".resid", ".group")))
    where <- seq_len(nrow(data))
  } else {
    check_data(data)
    if (is.null(x$rows) || max(x$rows$position) > nrow(data)) {
      stop_gbtm("other_data", "data: this is not the long table that was fitted.", "data", "Leave data out.")
    }
    where <- x$rows$position
  }
  add <- function(values) {
    column <- rep(values[NA_integer_], nrow(data))
    column[where] <- values
    column
  }
  data$.fitted <- add(fitted)
  data$.resid <- add(x$data$y - fitted)
  data$.group <- add(group)
  data
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::tidy
tidy.gbtm_search <- function(x, ...) { # nolint
  cbind(model = row.names(x$table), x$table, row.names = NULL, stringsAsFactors = FALSE)
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::glance
glance.gbtm_search <- function(x, ...) { # nolint
  cbind(model = unname(x$choices[x$criterion]), glance.gbtm(best(x)), n_models = nrow(x$table), criterion = x$criterion,
        stringsAsFactors = FALSE)
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::tidy
tidy.gbtm_pooled <- function(x, conf.int = FALSE, conf.level = 0.95, ...) { # nolint
  check_level(conf.level, "conf.level")
  table <- summary(x, level = conf.level)$coefficients
  tidied <- data.frame(term = rownames(table), estimate = table[, 1], std.error = table[, 2], statistic = table[, 3],
                       p.value = table[, 5], df = table[, 4], fmi = table[, 8], component = components(x$fits[[1]]),
                       row.names = NULL)
  if (conf.int) tidied[c("conf.low", "conf.high")] <- as.data.frame(table[, 6:7])
  tidied
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::glance
glance.gbtm_pooled <- function(x, ...) { # nolint
  first <- x$fits[[1]]
  data.frame(n_groups = first$n_groups, family = first$family, n_imputations = length(x$fits),
             df = length(x$coefficients), nobs = first$nobs, n_subjects = first$n_subjects)
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::tidy
tidy.gbtm_bootstrap <- function(x, conf.int = FALSE, conf.level = 0.95, ...) { # nolint
  check_level(conf.level, "conf.level")
  table <- summary(x, level = conf.level)
  tidied <- data.frame(term = row.names(table), estimate = table$estimate, std.error = table$se,
                       component = components(x$fit), row.names = NULL)
  if (conf.int) tidied[c("conf.low", "conf.high")] <- table[c("lower", "upper")]
  tidied
}

#' @rdname tidy.gbtm
#' @exportS3Method generics::glance
glance.gbtm_bootstrap <- function(x, ...) { # nolint
  data.frame(n_groups = x$fit$n_groups, family = x$fit$family, kind = x$kind, n_replicates = x$n, failures = x$failures)
}
