# What a fit of people on disk has in the place of what is known of each of them: sums over them.

is_on_disk <- function(fit) inherits(fit, "gbtm_disk")

# What a fit in memory has of each person or observation.
of_each_person <- c("posterior", "data", "ids", "weights", "rows")

# A fit whose document has sums: without what is of each person.
of_sums <- function(fit, document) {
  fit <- fit[setdiff(names(fit), of_each_person)]
  fit$sums <- document$on_disk
  fit$times <- lapply(document$outcomes, function(o) sort(as.vector(o$times)))[[1]]
  fit$weighted <- isTRUE(document$on_disk$weighted)
  fit
}

# The document's sums with those of one outcome alone.
sums_of_outcome <- function(sums, number) {
  own <- sums[setdiff(names(sums), "further")]
  if (number > 1) own[names(sums$further[[number - 1]])] <- sums$further[[number - 1]]
  own
}

#' What stands in a fit of people on disk
#'
#' What is of each person is refused in words: NULL would be silently wrong.
#' @noRd
#' @export
`$.gbtm_disk` <- function(x, name) {
  if (name %in% of_each_person) refuse_each_person(name)
  if (is_several(x)) `$.gbtm_several`(x, name) else .subset2(x, name)
}

refuse_each_person <- function(what) {
  stop_gbtm("on_disk", sprintf("%s: the people of this fit are on disk, and the fit keeps sums over them alone.", what),
            what, paste(
              "posterior_to(fit, \"folder\") writes the probabilities of all people, block by block, to Parquet files;",
              "for what asks for each person, fit a sample of them in memory."
            ))
}

# The times of the observations, or the distinct ones of people on disk.
seen_times <- function(fit) if (is_on_disk(fit)) fit$times else fit$data$time

has_exposure <- function(fit) {
  if (is_on_disk(fit)) !is.null(fit$read_as$exposure) else !is.null(fit$data$exposure)
}

# Standard deviation of the outcome.
outcome_spread <- function(fit) {
  if (is_on_disk(fit)) return(fit$sums$sd)
  y <- shown_outcome(fit)
  sqrt(mean((y - mean(y))^2))
}

# As observed_means(), from the sums at each wave, of which some may be taken together: `index` (T) says which.
means_of_sums <- function(fit, index = seq_along(fit$sums$waves)) {
  sums <- fit$sums
  together <- function(x) rowsum(as.matrix(x), index)
  people <- rowSums(sums$mass)
  weight <- together(sums$mass)
  total <- together(ifelse(sums$mass > 0, sums$mass * sums$means, 0))
  time <- if (anyDuplicated(index)) as.vector(together(people * sums$waves) / together(people)) else sums$waves
  data.frame(
    group = rep(seq_len(fit$n_groups), each = nrow(weight)), time = rep(time, fit$n_groups),
    mean = as.vector(total / weight), weight = as.vector(weight)
  )
}

# As adequacy().
adequacy_of_sums <- function(fit) {
  sums <- fit$sums
  n <- sum(sums$assigned)
  avepp <- ifelse(sums$n_assigned > 0, sums$certain / sums$assigned, NA_real_)
  gap <- (sums$assigned - sums$posterior) / n # the mean of 1(assigned) - P, about which squares are taken
  spread <- sqrt(pmax(sums$gap_squares - 2 * gap * sums$gap + gap^2 * sums$squares, 0)) / n
  adequacy_table(fit, sums$n_assigned, sums$assigned / n, avepp, spread)
}
