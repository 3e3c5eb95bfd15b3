# Comparisons, tests and what stands beside: asked of the engine, which holds the last result.

#' Compare the groups in a distal outcome
#'
#' @param x,object what [distal()] returned; for `anova()` and `beside_naive()` also what [predictors()] did
#' @param which `"pairs"` for all pairs of groups, `"reference"` for each group against `ref`
#' @param ref a group
#' @param adjust `"holm"`, `"bonferroni"` or `"none"`: p-values for the number of comparisons
#' @param level of the intervals, which are of one comparison each
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return `compare()`: data frame, a row a comparison: `difference` on the scale of the link, `se`, `z` (`t` with
#'   clusters), `p`, `p_holm`, `lower`, `upper`; where the link is a logit or logarithm the ratio (`odds_ratio`,
#'   `rate_ratio`, `hazard_ratio`) with `ratio_lower` and `ratio_upper`. Covariances between groups count: one person
#'   counts in several.
#'
#'   `anova()`: data frame of class `anova`: the Wald test that the groups are equal, and of each covariate with
#'   coefficients in each group that these are; of predictors that all covariates, and each, say nothing.
#'
#'   `beside_naive()`: data frame, each number beside what it is where errors of classification are ignored, which
#'   shows the attenuation. `group_table()`: the data frame `groups` with intervals of another level.
#' @section Errors: `gbtm_bad_which`, `gbtm_bad_ref`, `gbtm_bad_adjust`, `gbtm_bad_level`.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' set.seed(1)
#' people <- data.frame(id = unique(fit$ids))
#' people$income <- rnorm(nrow(people), 3 - assignment(fit))
#' out <- distal(fit, income ~ group, people)
#' compare(out, "reference", ref = 1)
#' anova(out)
#' group_table(out, level = 0.9)
#' @export
compare <- function(x, ...) UseMethod("compare")

#' @rdname compare
#' @export
compare.default <- function(x, ...) not_step_three(x, "distal()")

#' @rdname compare
#' @export
compare.gbtm_distal <- function(x, which = "pairs", ref = 1, adjust = "holm", level = 0.95, ...) {
  check_dots(...)
  check_level(level)
  check_word(which, "which", sys.call())
  check_word(adjust, "adjust", sys.call())
  check_whole(ref, "ref", 1, "Give the number of a group.")
  ask_step_three(x, "compare", list(which = which, ref = ref, adjust = adjust, level = json_number(level)), sys.call())
}

#' @rdname compare
#' @export
group_table <- function(x, level = 0.95) {
  check_names()
  if (!inherits(x, "gbtm_distal")) not_step_three(x, "distal()")
  check_level(level)
  ask_step_three(x, "group_table", list(level = json_number(level)), sys.call())
}

#' @rdname compare
#' @export
beside_naive <- function(x) {
  check_names()
  if (!inherits(x, c("gbtm_distal", "gbtm_predictors"))) not_step_three(x, "distal() or predictors()")
  table <- ask_step_three(x, "beside_naive", list(), sys.call())
  if (inherits(x, "gbtm_predictors")) names(table)[1] <- "term"
  table
}

#' @rdname predictors
#' @export
beside_one_step <- function(x) {
  check_names()
  if (!inherits(x, "gbtm_predictors")) not_step_three(x, "predictors()")
  table <- ask_step_three(x, "beside_one_step", list(), sys.call())
  names(table)[1] <- "term"
  table
}

not_step_three <- function(x, maker) {
  stop_gbtm("bad_object", sprintf("x: an object of class %s is not what %s returns.", class(x)[1], maker), "x",
            sprintf("Give what %s returned.", maker), sys.call(-1))
}

#' @rdname compare
#' @export
anova.gbtm_step_three <- function(object, ...) {
  check_dots(...)
  if (is.null(object$test)) {
    stop_gbtm("not_with_traj", "object: traj's outcome() has no test of the groups here.", "object",
              "Use method = \"ml\", \"bch\" or \"two-step\".")
  }
  tests <- list(object$test)
  for (columns in object$terms) {
    tests <- c(tests, list(ask_step_three(object, "test", list(term = json_array(columns)), sys.call())))
  }
  first <- if (inherits(object, "gbtm_distal")) "group" else "all covariates"
  rows <- c(first, sprintf(if (first == "group") "group:%s" else "%s", names(object$terms)))
  statistic <- vapply(tests, function(t) unname(t$statistic), 0)
  table <- data.frame(df = vapply(tests, function(t) unname(t$parameter[1]), 0), statistic = statistic,
                      p = vapply(tests, function(t) t$p.value, 0), row.names = rows)
  kind <- names(object$test$statistic)
  names(table) <- c("Df", kind, sprintf("Pr(>%s)", kind))
  structure(table, class = c("anova", "data.frame"),
            heading = c("Wald tests that coefficients are equal in all groups\n"[first == "group"],
                        "Wald tests that covariates say nothing of membership\n"[first != "group"], object$formula))
}

#' @rdname odds_ratios
#' @export
odds_ratios.gbtm_distal <- function(fit, ref = 1, level = 0.95, ...) { # nolint: object_name_linter.
  check_dots(...)
  check_level(level)
  check_whole(ref, "ref", 1, "Give the number of a group.")
  ask_step_three(fit, "odds_ratios", list(ref = ref, level = json_number(level)), sys.call())
}

#' @rdname odds_ratios
#' @export
odds_ratios.gbtm_predictors <- function(fit, ref = NULL, level = 0.95, ...) { # nolint: object_name_linter.
  check_dots(...)
  check_level(level)
  if (!is.null(ref)) check_whole(ref, "ref", 1, "Give the number of a group.")
  ask_step_three(fit, "odds_ratios", list(ref = ref, level = json_number(level)), sys.call())
}
