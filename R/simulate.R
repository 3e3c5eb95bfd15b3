#' Draw new outcomes from a fit
#'
#' The same people at the same times, with their covariates, exposure and missing waves: each is drawn into a group, and
#' its outcomes from that group's distribution.
#'
#' @param object a fit
#' @param nsim number of data sets
#' @param seed whole number, 0 or more, the same as `rng` of the Python package; the j-th data set is that of seed
#'   `seed + j - 1`. By default it is drawn from R's random numbers, so that `set.seed()` decides
#' @param ... nothing: an argument that does not exist is refused
#' @return A data frame in long form: id, time and outcome, named as in the data, and `group`, the group that each was
#'   drawn into; of a fit of several outcomes the id, `outcome` (which), `time`, `y` and `group`, as in Python. With
#'   `nsim` above 1 a list of them. The attribute `seed` is the seed.
#' @section Errors: `gbtm_no_simulation` for a fit with dropout.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' head(simulate(fit, seed = 1))
#' @importFrom stats simulate
#' @export
simulate.gbtm <- function(object, nsim = 1, seed = NULL, ...) {
  check_dots(...)
  check_whole(nsim, "nsim", 1, "Give a number of data sets, 1 or more.")
  if (is.null(seed)) seed <- sample.int(.Machine$integer.max, 1)
  check_seed(seed)
  text <- document_text(object)
  drawn <- lapply(seed + seq_len(nsim) - 1, function(own) {
    answer <- fitted_answer("simulate", text, as.character(json_number(own)))
    if (is_several(object)) return(drawn_outcomes(object, decode(answer$y, answer$arrays),
                                                  decode(answer$group, answer$arrays)))
    table <- data.frame(user_ids(object)[object$data$subject], object$data$time, decode(answer$y, answer$arrays),
                        as.integer(decode(answer$group, answer$arrays)), stringsAsFactors = FALSE)
    names(table) <- c(apart(c(object$id_name, object$time_name, object$outcome_name), "group"), "group")
    table
  })
  structure(if (nsim == 1) drawn[[1]] else drawn, seed = seed)
}

# What was drawn of several outcomes, one after the other.
drawn_outcomes <- function(fit, y, group) {
  views <- outcome_views(fit)
  rows <- lapply(views, function(view) {
    data.frame(user_ids(view)[view$data$subject], view$data$time, stringsAsFactors = FALSE)
  })
  table <- below_each_other(rows, NULL)
  table <- cbind(table[c(2, 1, 3)], y = y, group = as.integer(group))
  names(table)[1:3] <- c(apart(fit$id_name, c("outcome", "time", "y", "group")), "outcome", "time")
  table
}
