# Draws the data sets that both languages ship: Rscript data-raw/datasets.R, from the repository root.
# Writes python/gbtm/datasets/*.csv, and data/*.rda with the same rows; two folders as arguments write elsewhere.
# The truth behind them is told in R/datasets.R and in python/gbtm/datasets/shipped.py.

folders <- commandArgs(trailingOnly = TRUE)
if (!length(folders)) folders <- c("python/gbtm/datasets", "data")

# One row a person and wave, persons in order, waves within.
panel_of <- function(people, waves) {
  data.frame(person = rep(seq_len(people), each = length(waves)), wave = rep(waves, people))
}

# Whole numbers as such, also beside missing values.
whole <- function(x) as.integer(round(x))

# Counts of offenses from 10 to 17, zero-inflated Poisson, three groups; 40 counts are missing.
draw_offending <- function() {
  set.seed(20)
  ages <- 10:17
  group <- rep(1:3, c(75, 45, 30))
  rate <- rbind(
    exp(-1.2 - 0.02 * (ages - 13)^2),
    exp(1.0 - 0.12 * (ages - 13)^2),
    exp(1.3 + 0.05 * (ages - 13) - 0.02 * (ages - 13)^2)
  )
  d <- panel_of(150, ages)
  offenses <- ifelse(stats::runif(nrow(d)) < 0.25, 0, stats::rpois(nrow(d), as.vector(t(rate[group, ]))))
  offenses[sample(nrow(d), 40)] <- NA
  data.frame(id = d$person, age = d$wave, offenses = whole(offenses), true_group = group[d$person])
}

# A scale of symptoms from 0 to 10, censored normal, three groups; women are more often in groups 2 and 3.
draw_symptoms <- function() {
  set.seed(31)
  people <- 200
  female <- stats::rbinom(people, 1, 0.5)
  odds <- cbind(1, exp(-0.6 + 0.8 * female), exp(-1.4 + 1.0 * female))
  group <- 1 + rowSums(stats::runif(people) > t(apply(odds / rowSums(odds), 1, cumsum)))
  d <- panel_of(people, 0:5)
  g <- group[d$person]
  score <- stats::rnorm(nrow(d), c(-0.5, 2, 8.5)[g] + c(0.2, 1.1, -0.3)[g] * d$wave, 1.5)
  score[stats::runif(nrow(d)) < 0.05] <- NA
  data.frame(id = d$person, month = d$wave, score = round(pmin(pmax(score, 0), 10), 1), female = female[d$person],
             true_group = whole(g))
}

# Who smoked in the last month, yearly from 12 to 18, logit, three groups; more often where a parent smokes.
draw_smoking <- function() {
  set.seed(42)
  people <- 240
  parent <- stats::rbinom(people, 1, 0.4)
  odds <- cbind(1, exp(-0.9 + 0.7 * parent), exp(-1.6 + 1.2 * parent))
  group <- 1 + rowSums(stats::runif(people) > t(apply(odds / rowSums(odds), 1, cumsum)))
  d <- panel_of(people, 12:18)
  g <- group[d$person]
  at <- d$wave - 15
  chance <- stats::plogis(c(-3.5, -1.0, 1.5)[g] + c(0.2, 1.0, 0.5)[g] * at + c(0, 0, -0.15)[g] * at^2)
  smokes <- stats::rbinom(nrow(d), 1, chance)
  smokes[stats::runif(nrow(d)) < 0.04] <- NA
  data.frame(id = d$person, age = d$wave, smokes = whole(smokes), parent_smokes = parent[d$person],
             true_group = whole(g))
}

# Conduct (normal) and days of absence (Poisson) over six school years, three groups common to both; who finishes
# school.
draw_school <- function() {
  set.seed(53)
  people <- 240
  group <- rep(1:3, c(130, 70, 40))
  d <- panel_of(people, 1:6)
  g <- group[d$person]
  conduct <- stats::rnorm(nrow(d), c(8, 6.5, 6)[g] + c(0, 0, -0.5)[g] * (d$wave - 1), 1)
  absences <- stats::rpois(nrow(d), exp(c(0.5, 0.8, 1.2)[g] + c(0, 0.25, 0.15)[g] * (d$wave - 1)))
  finished <- stats::rbinom(people, 1, c(0.9, 0.7, 0.3)[group])
  conduct[stats::runif(nrow(d)) < 0.05] <- NA
  absences[stats::runif(nrow(d)) < 0.05] <- NA
  data.frame(id = d$person, year = d$wave, conduct = round(conduct, 1), absences = whole(absences),
             finished = whole(finished[d$person]), true_group = whole(g))
}

# Aggression in childhood (normal) and offenses in youth (Poisson), two groups each; hours of work a week at 25.
draw_pathways <- function() {
  set.seed(3)
  people <- 160
  child <- rep(1:2, c(100, 60))
  youth <- 1 + (stats::runif(people) < c(0.2, 0.65)[child])
  d <- panel_of(people, 0:4)
  age <- 6 + d$wave
  year <- 13 + d$wave
  mean <- c(1, 3)[child[d$person]] + c(0, 0.2)[child[d$person]] * (age - 8)
  aggression <- round(stats::rnorm(nrow(d), mean), 2)
  offenses <- stats::rpois(nrow(d), exp(c(-0.8, 1)[youth[d$person]] - 0.1 * (year - 15)^2))
  hours <- round(stats::rnorm(people, 38 - 2 * (child == 2) - 8 * (youth == 2), 6), 1)
  data.frame(id = d$person, age = whole(age), aggression = aggression, year = whole(year), offenses = whole(offenses),
             hours = hours[d$person], true_child = whole(child[d$person]), true_youth = whole(youth[d$person]))
}

drawn <- list(offending = draw_offending(), symptoms = draw_symptoms(), smoking = draw_smoking(),
              school = draw_school(), pathways = draw_pathways())
for (name in names(drawn)) {
  utils::write.csv(drawn[[name]], file.path(folders[1], paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
  save(list = name, envir = list2env(drawn[name]), file = file.path(folders[2], paste0(name, ".rda")), version = 2,
       compress = "xz")
}
