# How alike people with and without an event are in what was known before it.

#' Balance of treated and untreated people
#'
#' @param frame data frame, a row a person, as [matching_frame()] makes it
#' @param treatment name of a column of 1 and 0, or `TRUE` and `FALSE`
#' @param covariates names of columns of numbers; by default all of them but the treatment, the weights, the groups and
#'   the ids. Of a factor give columns of 0 and 1
#' @param weights name of the column of the weights of matching or weighting, 0 for who was not matched; without it
#'   nothing is weighted
#' @param by name of the column of the groups; `NULL` for everybody together only
#' @param x,object what `balance_table()` returned
#' @param digits of the numbers
#' @param colours one colour per group; recycled. Everybody together is black
#' @param main title of the figure
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return `balance_table()`: data frame of class `gbtm_balance`, a row a group (`"all"` for everybody) and covariate:
#'   `treated` and `control` (means with the weights); `smd_before` and `smd`, the difference of the means over the
#'   standard deviation of the treated before weighting; `variance_ratio_before` and `variance_ratio`, treated over
#'   others; `ks_before` and `ks`, the largest difference of the distribution functions; `n_treated` and `n_control`
#'   with weight; `ess_control`, the effective number of those without; `balanced`, whether `smd` is 0.1 or
#'   less in size. NA where nobody is treated or nobody untreated, which a warning says.
#'
#'   `plot()` draws the differences before (hollow) and after (full), a panel a group, and returns the table invisibly;
#'   the band is 0.1 in size or less. `autoplot()` is the same picture as a ggplot object.
#' @section Errors: `gbtm_bad_treatment`, `gbtm_bad_weights`, `gbtm_unknown_column`, `gbtm_not_numeric`,
#'   `gbtm_no_covariates`.
#' @section Warnings: `gbtm_nobody_to_compare`.
#' @examplesIf gbtm_engine()$available
#' set.seed(1)
#' m <- data.frame(group = rep(1:2, each = 100), x = rnorm(200))
#' m$joined <- rbinom(200, 1, plogis(m$x - 1))
#' e <- fitted(glm(joined ~ x, binomial, m))
#' m$w <- ifelse(m$joined == 1, 1, e / (1 - e))
#' b <- balance_table(m, "joined", weights = "w")
#' b
#' plot(b)
#' @export
balance_table <- function(frame, treatment, covariates = NULL, weights = NULL, by = "group") {
  check_names()
  call <- sys.call()
  frame <- without_declared(check_table(frame, "frame"))$data
  named <- c(treatment = check_column_name(treatment, "treatment"),
             weights = if (!is.null(weights)) balance_weights(weights),
             by = if (!is.null(by)) check_column_name(by, "by"))
  for (argument in names(named)) require_columns(frame, named[[argument]], argument)
  looked_at <- balance_covariates(frame, covariates, named, call)
  covariates <- looked_at$names
  groups <- if (!is.null(by)) ordered_groups(frame[[by]])
  sent <- lapply(stats::setNames(nm = unique(c(treatment, covariates, weights))),
                 function(name) numeric_column(frame[[name]], name))
  if (!is.null(by)) sent[[by]] <- groups
  request <- c(sent_people(sent), list(treatment = treatment, covariates = json_array(unique(covariates)),
                                       weights = weights, by = by))
  answer <- fitted_answer("balance", as_request(request), call = call)
  warn_sentences(answer$sentences, "nobody_to_compare", call)
  table <- step_three_frame(answer$table, answer$arrays)
  table <- table[order(match(table[[1]], c(levels(groups), "all"))), ]
  row.names(table) <- NULL
  table <- table[c(names(table)[1:4], "smd_before", "smd", "variance_ratio_before", "variance_ratio", "ks_before", "ks",
                   "n_treated", "n_control", "ess_control", "balanced")]
  structure(table, class = c("gbtm_balance", "data.frame"), treatment = treatment, weights = weights,
            left_out = looked_at$left_out)
}

# The names of the covariates, and of what is left out as it is no numbers; `named` are the columns with another part.
balance_covariates <- function(frame, covariates, named, call) {
  left_out <- character()
  if (is.null(covariates)) {
    own <- setdiff(names(frame)[!vapply(frame, is_its_names, NA, row.names(frame))], named)
    numbers <- vapply(frame[own], function(v) (is.numeric(v) || is.logical(v)) && !is.object(v) && is.null(dim(v)), NA)
    covariates <- own[numbers]
    left_out <- own[!numbers]
  }
  if (!is.character(covariates) || !length(covariates) || anyNA(covariates)) {
    stop_gbtm("no_covariates", sprintf("covariates: %s names no column of numbers.", shown(covariates)), "covariates",
              "For example covariates = c(\"x\", \"prob_2\").", call)
  }
  require_columns(frame, covariates, "covariates")
  list(names = covariates, left_out = left_out)
}

# Whether a column is the ids that name the rows.
is_its_names <- function(values, names) {
  is.atomic(values) && is.null(dim(values)) && length(values) > 0 && identical(id_labels(values), names)
}

balance_weights <- function(weights) {
  if (is.numeric(weights)) {
    stop_gbtm("bad_weights", "weights: numbers, and not the name of a column.", "weights",
              "Put them into the frame, frame$w <- .., and give weights = \"w\".")
  }
  check_column_name(weights, "weights")
}

# The groups as text, in their own order.
ordered_groups <- function(values) {
  known <- if (is.factor(values)) intersect(levels(values), as.character(values)) else id_labels(sort(unique(values)))
  factor(if (is.factor(values)) as.character(values) else id_labels(values), known)
}

#' @rdname balance_table
#' @export
print.gbtm_balance <- function(x, digits = 3, ...) {
  check_dots(...)
  if (!is_whole_balance(x)) {
    print(structure(x, class = "data.frame"), digits = digits)
    return(invisible(x))
  }
  most <- constants$balance_most
  weights <- attr(x, "weights")
  cat("Balance of ", attr(x, "treatment"), ", ",
      if (is.null(weights)) "without weights" else paste("weighted by", weights), "\n", sep = "")
  for (group in unique(x[[1]])) {
    here <- x[x[[1]] == group, ]
    nobody <- all(is.na(here$smd))
    cat("\n", group_heading(here, names(x)[1], group),
        if (!nobody) sprintf(", %.4g effective", max(here$ess_control, na.rm = TRUE)), "\n", sep = "")
    if (nobody) {
      cat("Nobody to compare\n")
      next
    }
    shown <- here[c("smd_before", "smd", "variance_ratio_before", "variance_ratio", "ks_before", "ks")]
    if (is.null(weights)) shown <- shown[c("smd", "variance_ratio", "ks")]
    shown <- as.data.frame(lapply(shown, function(v) formatC(v, digits, format = "f")), row.names = here$covariate)
    shown[[" "]] <- ifelse(here$balanced, "", "*")
    print(shown)
  }
  cat("\n", sprintf("* standardised mean difference (smd) beyond %g, or not known\n", most), sep = "")
  left_out <- attr(x, "left_out")
  if (length(left_out)) print_sentences(sprintf("Not looked at, as they are no numbers: %s.", listing(left_out)))
  invisible(x)
}

# Whether a table still has what the print and the picture need: columns may have been taken out of it.
is_whole_balance <- function(x) {
  all(c("covariate", "smd", "smd_before", "n_treated", "n_control", "balanced", "ess_control") %in% names(x)) &&
    names(x)[2] == "covariate"
}

group_heading <- function(rows, by, group) {
  count <- function(n) format(max(n), big.mark = ",")
  sprintf("%s: %s treated, %s not", if (group == "all") "All" else paste(sentence_case(by), group),
          count(rows$n_treated), count(rows$n_control))
}

sentence_case <- function(text) paste0(toupper(substr(text, 1, 1)), substring(text, 2))
