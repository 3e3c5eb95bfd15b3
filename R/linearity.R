#' Is membership linear in the covariates?
#'
#' Does a flexible membership predict people it has not seen better than the multinomial logit of `risk`, and by how
#' much? A network of one hidden layer beside a linear skip, `pi(z) = softmax(V tanh(W z + c) + U z + a)` on
#' standardised covariates, is trained with the groups' curves on all folds of people but one, which it then predicts.
#' It is a check of the logit, no model to report: where the network predicts better, its partial dependence shows what
#' the logit misses, and squares or interactions belong into `risk`.
#'
#' @param x a fit with membership covariates (`risk`)
#' @param hidden number of hidden units
#' @param ridge half of it times the squared weights into and out of hidden units is subtracted from the
#'   log-likelihood; of several, that which predicts best by cross-validation within the people trained on
#' @param early_stopping `TRUE` for no ridge, but training that stops by a sixth of the people trained on
#' @param folds number of folds of people (clusters stay whole), or the fold of each subject, in the order of
#'   [posterior()]
#' @param seed whole number; folds and first weights follow from it
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param ... nothing
#'
#' @return A list of class `gbtm_linearity`, of plain values, so that `saveRDS()` keeps it: `table` (by membership its
#'   number of `parameters`, the `held_out` log-likelihood per person, the `difference` from the logit's and its
#'   standard error `se`, paired by person), `by_subject` (held-out log-likelihoods by id), `ridge`, `ridges` (of the
#'   folds), `network` and `logit` (the weights when trained on all people), `dependence` (data frame: `covariate`,
#'   `value`, `membership`, `group`, `probability`) and `sentence`. `predict()` gives probabilities of the groups (n, K)
#'   from a data frame or matrix with the columns `x$network$names`; neither it nor the figures need the engine.
#' @section Errors: `gbtm_no_covariates`, `gbtm_bad_ridge`, `gbtm_bad_hidden`, `gbtm_bad_folds`.
#' @examplesIf gbtm_engine()$available
#' set.seed(1)
#' z <- rnorm(60)
#' d <- data.frame(id = rep(1:60, each = 3), t = rep(0:2, 60), z = rep(z, each = 3))
#' d$y <- rep(2 * (rnorm(60) < z), each = 3) + rnorm(180)
#' fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 0, risk = ~z)
#' check <- linearity_check(fit, hidden = 2, ridge = 3, folds = 2)
#' check
#' plot(check)
#' predict(check, data.frame(z = c(-1, 0, 1)))
#' @export
linearity_check <- function(x, hidden = 8, ridge = c(0.3, 1, 3, 10), early_stopping = FALSE, folds = 5, seed = 0,
                            progress = interactive()) {
  check_names()
  call <- sys.call()
  refuse_part(x)
  check_seed(seed)
  options <- list(hidden = hidden, ridge = json_array(ridge), early_stopping = early_stopping,
                  folds = folds_asked(folds, x$ids), rng = seed)
  answer <- long_answer("linearity_check", document_text(x), as_request(options), progress = progress, call = call)
  weights <- decode_weights(answer$weights, answer$arrays)
  ids <- stats::setNames(data.frame(user_ids(x), stringsAsFactors = FALSE), x$id_name)
  structure(class = "gbtm_linearity", list(
    table = answer_frame(answer$table, answer$arrays),
    by_subject = cbind(ids, answer_frame(answer$by_subject, answer$arrays)),
    ridge = if (is.null(answer$ridge)) NA_real_ else answer$ridge, ridges = as.numeric(unlist(answer$ridges)),
    network = weights$network, logit = weights$logit, dependence = dependence_of(answer), sentence = answer$sentence
  ))
}

decode_weights <- function(weights, arrays) {
  lapply(weights, function(of_one) {
    c(list(names = as_text(of_one$names)),
      lapply(of_one[setdiff(names(of_one), "names")], answer_array, arrays = arrays))
  })
}

# One row a covariate, value, membership and group.
dependence_of <- function(answer) {
  probability <- answer_array(answer$dependence, answer$arrays)
  groups <- unlist(answer$groups)
  value <- as.vector(answer_array(answer$value, answer$arrays))
  columns <- expand.grid(group = groups, membership = c("network", "multinomial logit"), stringsAsFactors = FALSE)
  data.frame(
    covariate = rep(as_text(answer$covariate), times = nrow(columns)), value = rep(value, times = nrow(columns)),
    membership = rep(columns$membership, each = length(value)), group = rep(columns$group, each = length(value)),
    probability = as.vector(probability), stringsAsFactors = FALSE
  )
}

#' @rdname linearity_check
#' @param object what `linearity_check()` returned
#' @param newdata data frame or matrix with the covariates' columns; factors as their 0/1 columns
#' @param type `"network"` or `"logit"`
#' @export
predict.gbtm_linearity <- function(object, newdata, type = c("network", "logit"), ...) {
  check_dots(...)
  type <- match.arg(type)
  w <- object[[type]]
  lacking <- setdiff(w$names, colnames(newdata))
  if (length(lacking)) {
    stop_gbtm("unknown_column", sprintf("newdata: no column %s.", paste(lacking, collapse = ", ")), "newdata",
              sprintf("Give the columns %s.", paste(w$names, collapse = ", ")))
  }
  z <- as.matrix(newdata[, w$names, drop = FALSE])
  z <- sweep(sweep(z, 2, w$centre), 2, w$scale, "/")
  k <- length(w$bias)
  logits <- z %*% t(w$skip) + rep(w$bias, each = nrow(z))
  if (length(w$hidden_bias)) {
    units <- tanh(z %*% t(matrix(w$hidden, ncol = length(w$names))) + rep(w$hidden_bias, each = nrow(z)))
    logits <- logits + units %*% t(matrix(w$out, nrow = k))
  }
  odds <- exp(logits - apply(logits, 1, max))
  out <- odds / rowSums(odds)
  dimnames(out) <- list(rownames(newdata), sort(unique(object$dependence$group)))
  out
}

#' @export
print.gbtm_linearity <- function(x, ...) {
  check_dots(...)
  shown <- x$table
  for (name in c("held_out", "difference", "se")) shown[[name]] <- formatC(shown[[name]], format = "f", digits = 4)
  print(shown, row.names = FALSE)
  cat("\n")
  print_sentences(x$sentence)
  invisible(x)
}

#' @rdname linearity_check
#' @param main title
#' @param colours of the groups
#' @export
plot.gbtm_linearity <- function(x, main = "", colours = group_colours, ...) {
  check_dots(...)
  names <- unique(x$dependence$covariate)
  groups <- sort(unique(x$dependence$group))
  own <- rep_len(colours, length(groups))
  across <- min(3, length(names))
  before <- graphics::par(c("mfrow", "mar", "oma", "mgp"))
  on.exit(graphics::par(before))
  graphics::par(mfrow = c(ceiling(length(names) / across), across), mar = c(3.2, 3.2, 0.8, 0.6),
                oma = c(2, 0, if (nzchar(main)) 2 else 0, 0), mgp = c(1.9, 0.6, 0))
  top <- min(1, 1.08 * max(x$dependence$probability))
  for (name in names) {
    of_one <- x$dependence[x$dependence$covariate == name, ]
    graphics::plot(NULL, xlim = range(of_one$value), ylim = c(0, top), xlab = name, ylab = "Mean probability",
                   bty = "l")
    for (line in split(of_one, list(of_one$membership, of_one$group))) {
      flexible <- line$membership[1] == "network"
      graphics::lines(line$value, line$probability, col = own[match(line$group[1], groups)],
                      lty = if (flexible) 1 else 2, lwd = if (flexible) 2 else 1)
    }
  }
  if (nzchar(main)) graphics::mtext(main, 3, 0.5, outer = TRUE, font = 2)
  graphics::par(fig = c(0, 1, 0, 1), oma = c(0, 0, 0, 0), mar = c(0, 0, 0, 0), new = TRUE)
  graphics::plot(0, 0, type = "n", axes = FALSE, xlab = "", ylab = "")
  graphics::legend("bottom", c(paste("Group", groups), "network", "multinomial logit"), horiz = TRUE, bty = "n",
                   col = c(own, "black", "black"), lty = c(rep(1, length(groups)), 1, 2),
                   lwd = c(rep(2, length(groups)), 2, 1), cex = 0.8)
  invisible(x)
}

#' @rdname linearity_check
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_linearity <- function(object, colours = group_colours, ...) { # nolint: object_name_linter.
  check_dots(...)
  lines <- object$dependence
  lines$group <- factor(lines$group)
  lines$covariate <- factor(lines$covariate, unique(lines$covariate))
  .data <- ggplot2::.data
  ggplot2::ggplot(lines, ggplot2::aes(.data$value, .data$probability, colour = .data$group,
                                      linetype = .data$membership)) +
    ggplot2::geom_line() +
    ggplot2::facet_wrap("covariate", scales = "free_x") +
    ggplot2::scale_colour_manual("Group", values = rep_len(colours, nlevels(lines$group))) +
    ggplot2::scale_linetype_manual("Membership", values = c(network = 1, `multinomial logit` = 2)) +
    ggplot2::labs(x = NULL, y = "Mean probability") +
    ggplot2::expand_limits(y = 0) + theme_figures()
}
