#' Summary of a fit
#'
#' @param object,x a fit, or its summary
#' @param digits significant digits
#' @param cov_type other standard errors than the fit's, as for [gbtm()]; needs the engine
#' @param ... nothing: an argument that does not exist is refused
#' @return List of class `summary.gbtm`: `call`, `coefficients` (matrix of estimate, standard error, z or t, and p; NA
#'   where there is no standard error), `groups` (see [group_shares()]), `criteria` (AIC, and BIC for n = subjects and
#'   n = observations; none of one outcome of several), `entropy` (relative, 1 for a perfect
#'   classification; sampling weights do not enter), `fit`. Of a dual model both sets of groups are printed, and
#'   [transitions()] between them.
#'   Printed with a heading for each group.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' summary(fit)
#' @export
summary.gbtm <- function(object, cov_type = NULL, ...) {
  check_dots(...)
  object <- with_cov_type(object, cov_type, sys.call())
  k <- n_parameters(object)
  structure(
    class = "summary.gbtm",
    list(
      call = object$call, coefficients = coefficient_table(object), groups = group_shares(object),
      criteria = if (!length(object$part_of)) c(
        logLik = object$loglik, AIC = -2 * object$loglik + 2 * k, BIC_subjects = BIC.gbtm(object),
        BIC_observations = BIC.gbtm(object, n = "observations")
      ),
      entropy = entropy(object), fit = object
    )
  )
}

#' @rdname summary.gbtm
#' @export
print.summary.gbtm <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(...)
  if (!is.null(x$call)) cat("Call: ", strtrim(deparse_line(x$call), 400), "\n\n", sep = "")
  print_heading(x$fit)
  sections <- coefficient_sections(x)
  for (heading in names(sections)) {
    cat("\n", heading, "\n", sep = "")
    if (is.null(sections[[heading]])) cat("  rate zero, no parameters\n") else print_rows(sections[[heading]], digits)
  }
  for (name in if (is_dual(x$fit)) outcome_names(x$fit) else "") {
    cat(if (nzchar(name)) sprintf("\nGroup shares of %s\n", name) else "\nGroup shares\n")
    print_group_shares(if (nzchar(name)) x$groups[x$groups$outcome == name, ] else x$groups)
  }
  if (!all(is.na(x$groups$se))) {
    print_wrapped("Intervals are symmetric about the shares, within their range; those of adequacy() are logit ones.")
  }
  if (is_dual(x$fit)) print_transitions(x$fit)
  print_criteria(x)
  print_constraints(x$fit)
  print_units(x$fit)
  print_ranges(x$fit)
  print_findings(x$fit)
  invisible(x)
}

print_group_shares <- function(shares) {
  shown <- data.frame(
    group = shares$group, share = percent(shares$share), "std. error" = or_na(shares$se, percent),
    "95 % interval" = ifelse(is.na(shares$se), "NA", paste(percent(shares$lower), "to", percent(shares$upper))),
    assigned = percent(shares$assigned), check.names = FALSE
  )
  print(shown, row.names = FALSE)
}

or_na <- function(x, show) ifelse(is.na(x), "NA", show(x))

print_criteria <- function(x) {
  value <- function(name) formatC(x$criteria[[name]], format = "f", digits = 2)
  cat("\n")
  if (!is.null(x$criteria)) {
    cat("log-likelihood ", value("logLik"), " (", n_parameters(x$fit), " parameters), AIC ", value("AIC"), "\n",
        "BIC ", value("BIC_subjects"), " (n = ", x$fit$n_subjects, " subjects), ", value("BIC_observations"), " (n = ",
        x$fit$nobs, " observations)\n", sep = "")
  }
  if (!is.null(x$fit$prior)) print_wrapped(prior_sentence(x$fit$prior))
  if (!is.null(x$fit[["event"]])) print_wrapped(event_sentence(x$fit[["event"]]))
  known <- x$entropy[!is.na(x$entropy)]
  if (length(known)) {
    numbers <- formatC(known, format = "f", digits = 3)
    cat("Relative entropy ", paste(if (is.null(names(known))) numbers else paste(numbers, "of", names(known)),
                                   collapse = ", "), "\n", sep = "")
  }
  kind <- x$fit$cov_type
  title <- if (kind == "traj" && x$fit$weighted) "robust (sandwich), as traj's" else covariance_kinds()[[kind]]$title
  df <- df_of(x$fit)
  by <- if (is.finite(df)) sprintf("; tests and intervals by t with %s degrees of freedom", format_short(df))
  cat("Standard errors: ", title, by, "\n", sep = "")
}

# Rows by heading: one section per group (of several outcomes: outcome by outcome), then what is common to all. A group
# without parameters has NULL.
coefficient_sections <- function(x) {
  kind <- block_field(x$fit, "kind")
  theta <- kind == "theta"
  mine <- !kind %in% c("theta", "theta2")
  sections <- if (is_several(x$fit)) {
    names <- outcome_names(x$fit)
    do.call(c, lapply(seq_along(names), function(m) {
      outcome_sections(x, kind, mine & block_field(x$fit, "outcome") %in% (m - 1), names[m])
    }))
  } else {
    outcome_sections(x, kind, mine)
  }
  reference <- if (is_dual(x$fit)) x$fit$dual$references else x$fit$reference
  of <- if (is_dual(x$fit)) paste0(outcome_names(x$fit), ": ")
  if (any(theta)) {
    heading <- sprintf("%sMembership logits (reference: group %d)", c(of, "")[1], reference[1])
    sections[[heading]] <- x$coefficients[theta, , drop = FALSE]
  }
  second <- kind == "theta2"
  if (any(second)) {
    heading <- sprintf("%sMembership logits given group | group of %s (reference: group %d)", of[2],
                       outcome_names(x$fit)[1], reference[2])
    sections[[heading]] <- x$coefficients[second, , drop = FALSE]
  }
  sections
}

# A field of the block that each parameter is of; NA where it has none.
block_field <- function(fit, name) {
  value <- lapply(fit$blocks, function(b) if (is.null(b[[name]])) NA else b[[name]])
  rep(unlist(value), vapply(fit$blocks, function(b) b$width, 1))
}

# The sections of one outcome, whose parameters `mine` are; `name` is given where there are several.
outcome_sections <- function(x, kind, mine, name = NULL) {
  group <- block_field(x$fit, "group")
  label <- function(rows) {
    table <- labelled_rows(x$coefficients, rows)
    if (!is.null(name)) rownames(table) <- vapply(rownames(table), without_prefix, "", name)
    table
  }
  groups <- if (is_dual(x$fit)) x$groups[x$groups$outcome == name, ] else x$groups
  sections <- lapply(groups$group, function(k) {
    rows <- which(group %in% k & mine)
    if (length(rows)) label(rows)
  })
  names(sections) <- sprintf("Group %d (%s)", groups$group, percent(groups$share))
  common <- which(is.na(group) & mine)
  zero <- kind[common] == "zero"
  if (any(zero)) {
    family <- x$fit$spec$outcomes[[if (is.null(name)) 1 else match(name, outcome_names(x$fit))]]$family
    part <- if (isTRUE(family_traits(family)$is_hurdle)) "Zero part" else "Zero inflation"
    sections[[paste0(part, ", common to all groups")]] <- label(common[zero])
  }
  if (any(!zero)) sections[["Common to all groups"]] <- label(common[!zero])
  if (is.null(name)) return(sections)
  stats::setNames(sections, paste0(name, ": ", tolower(substr(names(sections), 1, 1)), substring(names(sections), 2)))
}

labelled_rows <- function(table, rows) {
  table <- table[rows, , drop = FALSE]
  rownames(table) <- sub("\\[[0-9]+\\]$", "", rownames(table))
  table
}

print_rows <- function(rows, digits) {
  p <- rows[, 4]
  fixed <- rows[, 2] %in% 0 & is.na(p)
  columns <- cbind(
    formatC(rows[, 1], digits = digits, format = "g", flag = "#"),
    or_na(rows[, 2], function(v) formatC(v, digits = digits, format = "g", flag = "#")),
    or_na(rows[, 3], function(v) formatC(v, digits = 3, format = "f")),
    or_na(p, function(v) ifelse(v < 1e-4, "< 0.0001", formatC(v, digits = 4, format = "f")))
  )
  columns[fixed, 2:4] <- rep(c("fixed", "", ""), each = sum(fixed))
  dimnames(columns) <- list(paste0("  ", rownames(rows)), colnames(rows))
  print(columns, quote = FALSE, right = TRUE)
}
