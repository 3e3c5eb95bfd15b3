# Models compared by how they foretell the same waves of people whom they were not fitted to.

#' Does the model foretell the next wave as well as simpler and larger ones?
#'
#' Foretells the next wave, again and again, of people who were not fitted, and compares fits with each other, with the
#' last outcome carried forward, with an autoregression and with a small recurrent network. One table, one figure, and a
#' sentence that names the simplest model within one standard error of the best.
#'
#' Every observation at or after `origin` that has one before it is foretold from all of the person's earlier ones,
#' posterior probabilities being updated wave by wave. Rivals see the outcome, the time and the exposure, and no
#' covariates; of counts they are negative binomial. A model whose `lag(y)` drops the first wave is scored on what all
#' models foretell; and where it is the only model, rivals do not see those first waves either. With
#' `lag(y, first = 0)` nothing is dropped: write that where a model with a lag is compared with rivals alone.
#'
#' @param models a fit, or a list of fits with names, of one outcome of the same people
#' @param against `"carry"` (the last outcome carried forward), `"ar"` (an autoregression with a curve over time and the
#'   mean of all outcomes before), `"rnn"` (a recurrent network, GRU); none with `character()`
#' @param groups numbers of groups among which each fold's training people choose by BIC; by default the model's own
#' @param lags,hidden orders L of the autoregression, among which BIC chooses, and numbers of hidden units of the
#'   network, among which held-out training people choose; both inside each fold
#' @param folds number of random folds of people
#' @param origin the first time that is foretold; by default half-way through the distinct times
#' @param n_starts random starts of each fit of groups
#' @param seed whole number: folds, starts and networks follow from it; the same seed gives the same digits
#' @param progress `TRUE` shows a line that tells what is being done once it takes more than two seconds
#' @param x,object what `forecast_check()` returned
#' @param digits of the numbers
#' @param level of the intervals in the figure
#' @param main title of the figure
#' @param one,other names of two models
#' @param score `"log_score"`, `"crps"`, `"rmse"`, `"brier"` or `"auc"`
#' @param ... nothing: an argument that does not exist is refused
#'
#' @return `forecast_check()`: a list of class `gbtm_forecast_check`. `table`: data frame, a row a model, the best log
#'   score first: what was `chosen` in the folds, `parameters` (median over folds), and each score with its standard
#'   error in the column after it, `log_score`, `log_score_se`, .. (`log_score` and `auc`: larger is better; `crps`,
#'   `brier`, `rmse`: smaller is better; `brier` and `auc` are of y > 0). `paired`: data frame, a row a `model` and
#'   `score`: the `difference` from the model with the best log score and its standard error `se`. `observations`: data
#'   frame, a row an observation foretold: `id`, `time`, `y`, and the log score of each model. `sentence`. `plot()`
#'   draws the differences of the log scores from the best with intervals and returns `x` invisibly; `autoplot()` is the
#'   same picture as a ggplot object.
#'
#'   `forecast_difference()`: the score of `one` less that of `other`, and its standard error by person (paired).
#' @section Errors: `gbtm_no_forecast` for several outcomes, dropout, correlated errors or random effects;
#'   `gbtm_other_data` for models of different outcomes; `gbtm_unknown_model`, `gbtm_bad_origin`, `gbtm_no_names`.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' check <- forecast_check(fit, against = c("carry", "ar"), folds = 2, n_starts = 1, lags = 1)
#' check
#' plot(check)
#' forecast_difference(check, "3 groups", "carried forward", "crps")
#' @export
forecast_check <- function(models, against = c("carry", "ar", "rnn"), groups = NULL, lags = c(1, 2, 3, 5),
                           hidden = c(4, 8), folds = 5, origin = NULL, n_starts = 8, seed = 0,
                           progress = interactive()) {
  check_names()
  call <- match.call()
  fits <- named_models(models, call)
  check_seed(seed)
  check_whole(folds, "folds", 2, "Give a number of folds, such as folds = 5.")
  check_whole(n_starts, "n_starts", 1, "Give a number of starts, such as n_starts = 8.")
  if (!is.character(against)) {
    stop_gbtm("unknown_model", sprintf("against: %s is not known.", shown(against)), "against",
              "Use some of \"carry\", \"ar\", \"rnn\".", call)
  }
  options <- list(against = json_array(against), groups = numbers_asked(groups, "groups"),
                  lags = numbers_asked(lags, "lags"), hidden = numbers_asked(hidden, "hidden"), folds = folds,
                  origin = if (!is.null(origin)) json_number(check_number(origin, "origin", call)),
                  n_starts = n_starts, rng = seed)
  documents <- lapply(fits, function(fit) structure(document_text(fit), class = "json"))
  answer <- long_answer("forecast_check", as_request(documents), as_request(options), progress = progress, call = call)
  new_forecast_check(answer, fits[[1]])
}

# The engine's answer; ids as the first model's fit has them.
new_forecast_check <- function(answer, fit) {
  table <- with_r_names(answer_frame(answer$table, answer$arrays))
  paired <- answer_frame(answer$paired, answer$arrays)
  names(paired)[4] <- "se"
  paired$score <- score_names(paired$score)
  observations <- answer_frame(answer$observations, answer$arrays)
  observations$id <- in_own_type(observations$id, fit$own_ids)
  shape <- c(nrow(observations), length(answer$scores), nrow(table))
  influence <- array(as.vector(answer_array(answer$influence, answer$arrays)), shape,
                     list(NULL, score_names(unlist(answer$scores)), row.names(table)))
  structure(class = "gbtm_forecast_check", list(
    table = table, paired = paired, observations = observations, sentence = answer$sentence, influence = influence
  ))
}

score_names <- function(names) gsub(" ", "_", names, fixed = TRUE)

with_r_names <- function(table) stats::setNames(table, score_names(names(table)))

# The fits by name; one that has none is called by its groups, "3 groups", as the engine calls it.
named_models <- function(models, call) {
  if (inherits(models, "gbtm")) return(stats::setNames(list(models), count_words(models)))
  good <- is.list(models) && length(models) > 0 && all(vapply(models, inherits, NA, "gbtm"))
  if (!good) {
    stop_gbtm("bad_fit", sprintf("models: an object of class %s is neither a fit nor a list of fits.",
                                 class(models)[1]), "models",
              "Give what gbtm() returned, or list(two = fit2, three = fit3).", call)
  }
  named <- names(models)
  if (is.null(named) || !all(nzchar(named)) || anyDuplicated(named)) {
    stop_gbtm("no_names", "models: each fit in the list needs a name of its own.", "models",
              "For example list(two = fit2, three = fit3).", call)
  }
  models
}

#' @rdname forecast_check
#' @export
forecast_difference <- function(x, one, other, score = "log_score") {
  check_names()
  if (!inherits(x, "gbtm_forecast_check")) {
    stop_gbtm("bad_check", sprintf("x: an object of class %s is no forecast check.", class(x)[1]), "x",
              "Give what forecast_check() returned.")
  }
  for (name in c("one", "other")) match_choice(get(name), row.names(x$table), name)
  match_choice(score, dimnames(x$influence)[[2]], "score")
  gap <- x$influence[, score, one] - x$influence[, score, other]
  sums <- rowsum(gap, match(x$observations$id, unique(x$observations$id)))[, 1]
  n <- length(sums)
  c(difference = x$table[one, score] - x$table[other, score], se = sqrt(sum(sums^2) * n / max(n - 1, 1)))
}

#' @rdname forecast_check
#' @export
print.gbtm_forecast_check <- function(x, digits = 4, ...) {
  check_dots(...)
  cat(sprintf("Forecasts of %d observations of %d people who were not fitted\n\n", nrow(x$observations),
              length(unique(x$observations$id))))
  scores <- dimnames(x$influence)[[2]]
  shown <- x$table[c("chosen", "parameters", scores)]
  shown[scores] <- lapply(shown[scores], function(v) or_na(v, function(v) formatC(v, digits, format = "f")))
  print(shown)
  print_sentences(x$sentence)
  invisible(x)
}

# Differences of the log scores from the best, in the order of the table, with the ends of intervals.
score_gaps <- function(x, level) {
  check_level(level)
  gap <- x$paired[x$paired$score == "log_score", ]
  gap <- gap[match(row.names(x$table), gap$model), ]
  reach <- stats::qnorm(0.5 + level / 2) * gap$se
  data.frame(model = gap$model, difference = gap$difference, lower = gap$difference - reach,
             upper = gap$difference + reach, parameters = x$table$parameters)
}

gap_words <- function(x, level) {
  sprintf("log score less that of %s, with %g %% intervals", row.names(x$table)[1], 100 * level)
}

model_words <- function(gap) {
  sprintf("%s\n%d parameter%s", gap$model, gap$parameters, ifelse(gap$parameters == 1, "", "s"))
}

#' @rdname forecast_check
#' @export
plot.gbtm_forecast_check <- function(x, level = 0.95, main = "", ...) {
  check_dots(...)
  gap <- score_gaps(x, level)
  at <- rev(seq_len(nrow(gap)))
  words <- model_words(gap)
  before <- graphics::par(c("mar", "mgp"))
  on.exit(graphics::par(before))
  small <- 0.85
  room <- max(graphics::strwidth(words, "inches", cex = small)) / margin_line()
  graphics::par(mar = c(3.6, room + 1, if (nzchar(main)) 2.4 else 0.8, 0.8), mgp = c(2.2, 0.6, 0))
  graphics::plot(NULL, xlim = range(gap$lower, gap$upper, 0), ylim = c(0.5, nrow(gap) + 0.5), yaxt = "n", bty = "l",
                 xlab = gap_words(x, level), ylab = "", main = main)
  graphics::abline(v = 0, col = "#999999")
  graphics::axis(2, at, words, las = 1, tick = FALSE, cex.axis = small)
  graphics::segments(gap$lower, at, gap$upper, at, col = group_colours[1], lwd = 1.5)
  graphics::points(gap$difference, at, pch = 19, col = group_colours[1])
  invisible(x)
}

#' @rdname forecast_check
#' @exportS3Method ggplot2::autoplot
autoplot.gbtm_forecast_check <- function(object, level = 0.95, ...) { # nolint: object_name_linter.
  check_dots(...)
  gap <- score_gaps(object, level)
  .data <- ggplot2::.data
  gap$words <- factor(model_words(gap), rev(model_words(gap)))
  ggplot2::ggplot(gap, ggplot2::aes(x = .data$difference, y = .data$words)) +
    ggplot2::geom_vline(xintercept = 0, colour = "#999999") +
    ggplot2::geom_segment(ggplot2::aes(x = .data$lower, xend = .data$upper, yend = .data$words),
                          colour = group_colours[1]) +
    ggplot2::geom_point(colour = group_colours[1], size = 2) +
    ggplot2::labs(x = gap_words(object, level), y = NULL) + theme_figures()
}
