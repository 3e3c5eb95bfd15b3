# The data sets in data/, drawn by data-raw/datasets.R: the rows that gbtm.datasets has in Python.

#' Offenses from 10 to 17 (simulated)
#'
#' 150 people in three groups, zero-inflated Poisson counts. In Python `gbtm.datasets.offending()` has the same rows.
#'
#' In every group a count is zero with probability 0.25 whatever its rate (`zero_intercept` -1.0986), and otherwise
#' Poisson with the rate, at a = age - 13,
#' * group 1, 75 people: log rate = -1.2 - 0.02 a^2;
#' * group 2, 45 people: log rate = 1.0 - 0.12 a^2;
#' * group 3, 30 people: log rate = 1.3 + 0.05 a - 0.02 a^2.
#'
#' 40 counts are missing, at random.
#'
#' @format Data frame of 1200 rows: `id`, `age` in years, `offenses` in the year, `true_group`.
#' @source Drawn by `data-raw/datasets.R` of the package's sources.
#' @examples
#' round(tapply(offending$offenses, offending$true_group, mean, na.rm = TRUE), 2)
#' @family data sets
#' @name offending
#' @docType data
#' @keywords datasets
#' @usage offending
NULL

#' A scale of symptoms from 0 to 10 over six months (simulated)
#'
#' 200 people in three groups, censored normal scores. In Python `gbtm.datasets.symptoms()` has the same rows.
#'
#' The latent score is normal with sigma 1.5; what is recorded is cut at 0 and 10 and rounded to a decimal. Its mean,
#' * group 1: -0.5 + 0.2 month;
#' * group 2: 2 + 1.1 month;
#' * group 3: 8.5 - 0.3 month.
#'
#' Membership, with group 1 as the reference: log odds of group 2 are -0.6 + 0.8 female, of group 3 -1.4 + 1.0 female.
#' A score is missing with probability 0.05.
#'
#' @format Data frame of 1200 rows: `id`, `month` 0 to 5, `score`, `female` 0 or 1, `true_group`.
#' @source Drawn by `data-raw/datasets.R` of the package's sources.
#' @examples
#' # how many scores are at the floor
#' round(tapply(symptoms$score == 0, symptoms$true_group, mean, na.rm = TRUE), 2)
#' @examplesIf gbtm_engine()$available
#' gbtm(score ~ month, symptoms, id = "id", groups = 3, order = 1, family = "cnorm", min = 0, max = 10,
#'      risk = ~ female, control = gbtm_control(n_starts = 4))
#' @family data sets
#' @name symptoms
#' @docType data
#' @keywords datasets
#' @usage symptoms
NULL

#' Smoking from 12 to 18 (simulated)
#'
#' Whether 240 young people smoked in the last month, three groups, logit. In Python `gbtm.datasets.smoking()` has the
#' same rows.
#'
#' The log odds of smoking, at a = age - 15,
#' * group 1: -3.5 + 0.2 a;
#' * group 2: -1.0 + 1.0 a;
#' * group 3: 1.5 + 0.5 a - 0.15 a^2.
#'
#' Membership, with group 1 as the reference: log odds of group 2 are -0.9 + 0.7 parent_smokes, of group 3
#' -1.6 + 1.2 parent_smokes. An answer is missing with probability 0.04.
#'
#' @format Data frame of 1680 rows: `id`, `age` in years, `smokes` 0 or 1, `parent_smokes` 0 or 1, `true_group`.
#' @source Drawn by `data-raw/datasets.R` of the package's sources.
#' @examples
#' round(tapply(smoking$smokes, smoking[c("true_group", "age")], mean, na.rm = TRUE), 2)
#' @family data sets
#' @name smoking
#' @docType data
#' @keywords datasets
#' @usage smoking
NULL

#' Conduct and absences over six school years (simulated)
#'
#' 240 pupils in three groups common to two outcomes, and whether they finished school: data of a multi-trajectory
#' model with a distal outcome. In Python `gbtm.datasets.school()` has the same rows.
#'
#' At s = year - 1, conduct is normal with sigma 1, absences are Poisson, and the pupil finishes school with probability
#' * group 1, 130 pupils: mean conduct 8, log rate of absences 0.5, finishes 0.9;
#' * group 2, 70 pupils: mean conduct 6.5, log rate 0.8 + 0.25 s, finishes 0.7;
#' * group 3, 40 pupils: mean conduct 6 - 0.5 s, log rate 1.2 + 0.15 s, finishes 0.3.
#'
#' Given the group, outcomes are independent of one another. A conduct mark, and a count of absences, is missing with
#' probability 0.05 each.
#'
#' @format Data frame of 1440 rows: `id`, `year` 1 to 6, `conduct`, `absences` in days, `finished` 0 or 1 (the same in
#'   all rows of a pupil), `true_group`.
#' @source Drawn by `data-raw/datasets.R` of the package's sources.
#' @examples
#' pupils <- school[!duplicated(school$id), ]
#' round(tapply(pupils$finished, pupils$true_group, mean), 2)
#' @examplesIf gbtm_engine()$available
#' fit <- gbtm(list(conduct ~ year, absences ~ year), school, id = "id", groups = 3, order = 1,
#'             family = c("normal", "poisson"), control = gbtm_control(n_starts = 4))
#' distal(fit, finished ~ group, pupils)
#' @family data sets
#' @name school
#' @docType data
#' @keywords datasets
#' @usage school
NULL

#' Aggression from 6 to 10 and offenses from 13 to 17 (simulated)
#'
#' 160 people, two groups of aggression and two of offenses that depend on them, and hours of work at 25: data of a dual
#' model with a distal outcome. In Python `gbtm.datasets.pathways()` has the same rows.
#'
#' * Aggression, normal with sigma 1: mean 1 in group 1 (100 people); 3 + 0.2 (age - 8) in group 2 (60 people).
#' * Offenses, Poisson, at b = year - 15: log rate -0.8 - 0.1 b^2 in group 1, 1 - 0.1 b^2 in group 2.
#' * Group 2 of offenses has probability 0.2 after group 1 of aggression, 0.65 after its group 2.
#' * Hours of work a week at 25, normal with sigma 6: mean 38, 2 less for group 2 of aggression, 8 less for group 2 of
#'   offenses.
#'
#' @format Data frame of 800 rows, in each a wave of childhood beside one of youth: `id`, `age` 6 to 10, `aggression`,
#'   `year` 13 to 17 (the age in youth), `offenses`, `hours` (the same in all rows of a person), `true_child`,
#'   `true_youth`.
#' @source Drawn by `data-raw/datasets.R` of the package's sources.
#' @examples
#' people <- pathways[!duplicated(pathways$id), ]
#' round(prop.table(table(people$true_child, people$true_youth), 1), 2)
#' @family data sets
#' @name pathways
#' @docType data
#' @keywords datasets
#' @usage pathways
NULL
