# Whether, and how strongly, the groups of a dual model's two outcomes go together. As the engine's
# inference/association.py, so that it needs no Python.

#' Are the groups of two outcomes independent, and how strongly do they go together?
#'
#' Of a dual model, see [gbtm()]. Under independence the second outcome's groups do not depend on the first's,
#' \eqn{\pi_{k|j} = \pi_k}{pi_k|j = pi_k}, and the log-likelihood is the sum of those of the two separate fits, with
#' (J - 1)(K - 1) parameters fewer. With sampling weights, clusters or a robust covariance the likelihood ratio has no
#' chi-square law, and the Wald test is given then. Where pairs of groups hold hardly anybody the chi-square law is
#' rough: draw under independence.
#'
#' @param fit a fit of a dual model
#' @param bootstrap number of data sets drawn under independence, by which the likelihood ratio is judged; needs the
#'   engine
#' @param seed,n_jobs,progress of the draws, as for [bootstrap()]
#' @param level of the intervals
#' @param x a test
#' @param digits significant digits
#' @param ... nothing: an argument that does not exist is refused
#' @return `independence_test()`: list of class `gbtm_independence` and `htest`, `statistic`, `parameter` (df) and
#'   `p.value` of the first of the tests in its `table` (rows `LR`, `Wald`, `LR, bootstrap`; columns `statistic`, `df`,
#'   `p.value`), or of the bootstrap where there is one; `loglik` and `loglik_independent`, `sentence`.
#'
#'   `association()`: data frame with `measure`, `group1`, `group2` (NA for those of the whole table), `estimate`, `se`,
#'   `lower`, `upper`: `lift`, \eqn{\pi_{jk} / (\pi_j \pi_k)}{pi_jk / (pi_j pi_k)}, 1 for independence; `odds ratio` of
#'   the pair against the first groups of both outcomes, intervals on the log scale; `cramers_v`, 0 to 1; `kappa`,
#'   agreement beyond chance where both outcomes have as many groups, which means something where group k of the one
#'   corresponds to group k of the other.
#' @section Errors: `gbtm_no_dual` for a fit with one set of groups.
#' @references Nagin, D. S. and Tremblay, R. E. (2001). Analyzing developmental trajectories of distinct but related
#'   behaviors: a group-based method. *Psychological Methods* 6, 18-34.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "dual.json", package = "gbtm"))
#' independence_test(fit)
#' association(fit)
#' @export
independence_test <- function(fit, bootstrap = NULL, seed = 0, n_jobs = NULL, progress = interactive()) {
  check_names()
  call <- match.call()
  data_name <- short_name(substitute(fit))
  fit <- dual_of(fit)
  apart <- fit$dual$separate
  together <- sum(unlist(apart$logliks))
  if (!is.null(fit$constraints)) {
    stop_gbtm("constrained", sprintf(
      "fit: the model has constraints (%s), and the separate fits that it would be compared with have none.",
      paste(constraint_texts(fit), collapse = "; ")
    ), "fit", "Fit without them, or compare two constrained fits with anova().")
  }
  df <- length(fit$coefficients) - sum(unlist(apart$n_parameters))
  sandwich <- !fit$cov_type %in% c("hessian", "traj") || fit$weighted
  ratio <- max(2 * (fit$loglik - together), 0)
  wald <- independence_wald(fit)
  rows <- list()
  if (df > 0 && !sandwich) rows$LR <- c(ratio, df, stats::pchisq(ratio, df, lower.tail = FALSE))
  rows$Wald <- c(wald, df, if (df > 0) stats::pchisq(wald, df, lower.tail = FALSE) else NA)
  sentence <- independence_sentence(fit, rows, is.na(wald))
  if (!is.null(bootstrap)) {
    check_whole(bootstrap, "bootstrap", 1, "Give a number of draws, for example bootstrap = 200.")
    check_seed(seed)
    options <- Filter(Negate(is.null), list(n = bootstrap, rng = seed, n_jobs = n_jobs))
    drawn <- long_answer("independence_bootstrap", document_text(fit), as_request(options), progress = progress,
                         call = call)
    rows[["LR, bootstrap"]] <- c(ratio, df, drawn$p_value)
    failed <- if (drawn$failures) sprintf(", %d further ones failed", drawn$failures) else ""
    sentence <- sprintf("%s By %d draws under independence%s: p = %s.", sentence, drawn$draws, failed,
                        format_p(drawn$p_value))
  }
  table <- as.data.frame(do.call(rbind, rows))
  names(table) <- c("statistic", "df", "p.value")
  shown <- if (is.null(bootstrap)) 1 else nrow(table)
  structure(class = c("gbtm_independence", "htest"), list(
    statistic = stats::setNames(table$statistic[shown], if (row.names(table)[shown] == "Wald") "Wald" else "LR"),
    parameter = if (is.null(bootstrap)) c(df = df), p.value = table$p.value[shown],
    method = "Independence of the groups of two outcomes", data.name = data_name, table = table, loglik = fit$loglik,
    loglik_independent = together, sentence = sentence
  ))
}

format_p <- function(p) sprintf("%.2g", p)

# gamma_kj = gamma_k1 for all j and k; NA where one of them has no variance.
independence_wald <- function(fit) {
  dual <- fit$dual
  at <- dual$positions[, seq_len(dual$sizes[1]), drop = FALSE]
  rows <- lapply(which(at[, 1] >= 0), function(k) {
    do.call(rbind, lapply(seq_len(ncol(at))[-1], function(j) {
      row <- numeric(length(dual$params))
      row[at[k, c(j, 1)] + 1] <- c(1, -1)
      row
    }))
  })
  gradient <- do.call(rbind, rows)
  if (is.null(gradient) || !all(determined(fit$internal, gradient))) return(NA_real_)
  value <- as.vector(gradient %*% as.vector(dual$params))
  sum(value * solve(tcrossprod(gradient %*% fit$internal$root), value))
}

independence_sentence <- function(fit, rows, empty) {
  names <- outcome_names(fit)
  if (empty && is.null(rows$LR)) {
    return(sprintf(paste("A pair of groups holds nobody, so that there is no Wald test of whether the groups of %s",
                         "depend on those of %s: fit fewer groups."), names[2], names[1]))
  }
  p <- rows[[1]][3]
  note <- if (empty) {
    " A pair of groups holds nobody: there is no Wald test, and the chi-square law is approximate."
  } else {
    ""
  }
  words <- if (p < 0.05) "The groups of %s depend on those of %s (p = %s).%s" else
    "The data do not show that the groups of %s depend on those of %s (p = %s).%s"
  sprintf(words, names[2], names[1], format_p(p), note)
}

#' @rdname independence_test
#' @export
print.gbtm_independence <- function(x, digits = 4, ...) {
  check_dots(...)
  cat("\n", x$method, "\n\n", sep = "")
  shown <- data.frame(statistic = format(x$table$statistic, digits = digits), df = format(x$table$df),
                      "p-value" = or_na(x$table$p.value, function(p) format.pval(p, digits = digits)),
                      row.names = row.names(x$table), check.names = FALSE)
  if ("LR, bootstrap" %in% row.names(shown)) shown["LR, bootstrap", "df"] <- ""
  print(shown)
  cat("\n")
  print_wrapped(x$sentence)
  invisible(x)
}

#' @rdname independence_test
#' @export
association <- function(fit, level = 0.95) {
  check_names()
  fit <- dual_of(fit)
  check_level(level)
  joint <- joint_table(fit)
  sizes <- fit$dual$sizes
  table <- matrix(joint$value, sizes[1], sizes[2], byrow = TRUE)
  pairs <- pairs_of(fit)
  at <- function(j, k) (j - 1) * sizes[2] + k
  first <- rowSums(table)
  second <- colSums(table)
  slope1 <- rowsum(joint$slope, pairs$group1)
  slope2 <- rowsum(joint$slope, pairs$group2)
  z <- reach_of(fit, level)
  rows <- Map(function(j, k) {
    value <- table[j, k] / (first[j] * second[k])
    gradient <- value * (joint$slope[at(j, k), ] / max(table[j, k], 1e-300) - slope1[j, ] / first[j] -
                           slope2[k, ] / second[k])
    association_row(fit, "lift", c(j, k), value, gradient, z)
  }, pairs$group1, pairs$group2)
  others <- pairs[pairs$group1 > 1 & pairs$group2 > 1, ]
  rows <- c(rows, Map(function(j, k) {
    cells <- c(at(j, k), 1, at(j, 1), at(1, k))
    sign <- c(1, 1, -1, -1)
    p <- pmax(joint$value[cells], 1e-300)
    value <- exp(min(max(sum(sign * log(p)), -700), 700))
    association_row(fit, "odds ratio", c(j, k), value, colSums(sign / p * joint$slope[cells, , drop = FALSE]), z, TRUE)
  }, others$group1, others$group2), list(cramers_v(fit, table, joint$slope, z)))
  if (sizes[1] == sizes[2]) rows <- c(rows, list(kappa_of(fit, table, joint$slope, z)))
  do.call(rbind, unname(rows))
}

# A row; with `log`, the gradient is that of the logarithm, on whose scale the interval is made.
association_row <- function(fit, measure, pair, value, gradient, z, log = FALSE) {
  gradient <- matrix(gradient, 1)
  known <- determined(fit$internal, gradient)
  se <- if (known) sqrt(sum((gradient %*% fit$internal$root)^2)) else NA_real_
  ends <- if (log) value * exp(c(-z, z) * se) else value + c(-z, z) * se
  data.frame(measure = measure, group1 = pair[1], group2 = pair[2], estimate = value,
             se = if (log) value * se else se, lower = ends[1], upper = ends[2], stringsAsFactors = FALSE)
}

nobodys_pair <- c(NA_integer_, NA_integer_)

# V = sqrt(phi^2 / (min(J, K) - 1)), phi^2 = sum_jk pi_jk^2 / (pi_j pi_k) - 1.
cramers_v <- function(fit, joint, slopes, z) {
  first <- rowSums(joint)
  second <- colSums(joint)
  expected <- outer(first, second)
  size <- min(dim(joint)) - 1
  if (!size) return(association_row(fit, "cramers_v", nobodys_pair, NA_real_, numeric(ncol(slopes)), z))
  parts <- joint^2 / expected
  value <- sqrt(max(sum(parts) - 1, 0) / size)
  total <- 2 * joint / expected - rowSums(parts) / first - rep(colSums(parts) / second, each = nrow(joint))
  gradient <- colSums(as.vector(t(total)) * slopes) / max(2 * value * size, 1e-300)
  association_row(fit, "cramers_v", nobodys_pair, value, gradient, z)
}

# kappa = (sum_k pi_kk - sum_k pi_k. pi_.k) / (1 - sum_k pi_k. pi_.k).
kappa_of <- function(fit, joint, slopes, z) {
  first <- rowSums(joint)
  second <- colSums(joint)
  agreed <- sum(diag(joint))
  chance <- sum(first * second)
  weights <- diag(nrow(joint)) / (1 - chance) + (agreed - 1) / (1 - chance)^2 * outer(second, first, "+")
  association_row(fit, "kappa", nobodys_pair, (agreed - chance) / (1 - chance), colSums(as.vector(t(weights)) * slopes),
                  z)
}
