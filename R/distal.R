# Distal outcomes: asked of the engine here; what comes back is printed and taken apart in step-three.R.

#' Distal outcomes: what the groups lead to
#'
#' How the groups of a fit differ in what was measured after the trajectory. People are assigned to groups with error,
#' and treating the assignment as the truth shrinks what the groups differ by; these methods undo that, and their
#' standard errors carry the first step and the estimated errors of classification.
#'
#' @param fit a fit
#' @param formula `prison ~ group + age0`, where `group` stands for the groups of the fit; `group * v` gives `v` a slope
#'   in each group. The outcome may be an expression of columns. Times to an event: `Surv(time, event) ~ group`, or
#'   `Surv(entry, time, event)`, read as package survival reads them, which need not be installed
#' @param data people, a row each, or rows of a person that agree; they are joined to the fit by id, never by the order
#'   of rows. Who lacks something that the formula needs is left out of step three, and counted
#' @param family `"normal"`, `"logit"`, `"poisson"`, `"negbin"`, `"nominal"`, `"ordinal"`, `"exponential"`, `"weibull"`,
#'   `"cox"`; by default what the values say: 0/1 and logical logit, text and factors nominal, ordered factors ordinal,
#'   fractions normal, `Surv()` cox
#' @param method `"ml"` (the default but for normal outcomes), `"bch"` (the default for those: it holds whatever their
#'   distribution within groups), `"two-step"`, `"naive"`; `"traj"` is Stata's `outcome()`, a regression on posterior
#'   probabilities
#' @param assignment `"modal"`, or `"proportional"` to the posterior probabilities
#' @param shares `"free"` to estimate the shares of the groups again with the outcome, `"fixed"` at those of the fit;
#'   for `"ml"` and `"two-step"`
#' @param sigma_by_group whether each group has its own sigma, dispersion or shape; by default sigma does, but for
#'   `"bch"`
#' @param exposure name of the column of the time at risk of counts
#' @param id name of the column or columns of the ids; by default those of the fit
#' @param measured_at when the outcome was measured, on the scale of the fit's time: a number or the name of a column
#' @param covariance `"stacked"`; for comparison with what others print `"robust"` (the first step taken as known),
#'   `"bov"` (Bakk, Oberski and Vermunt 2014), `"bakk-kuha"`, `"model"`
#' @param groups_of of a dual model the outcome whose groups are meant, by name or number
#'
#' @return Object of class `gbtm_distal` with `groups`, a data frame of each group's mean, probability, rate, median
#'   time or hazard ratio with standard error and 95 % interval, averaged over the covariates of everybody;
#'   `coefficients`, `vcov`, on the scale of the link; `test` that the groups are equal; `family`, `method`,
#'   `assignment`, `nobs`, `n_step_one`, `notes` and `warnings`, in sentences. `summary()`, `coef()`, `vcov()`,
#'   `confint()`, `nobs()`, [tidy()] and [glance()] have methods, and see [compare()]. With `method = "traj"` of class
#'   `gbtm_traj_outcome`.
#' @section Errors: `gbtm_membership_covariates` (fit without `risk`, then ask [predictors()]), `gbtm_own_outcome`,
#'   `gbtm_no_group`, `gbtm_bad_formula`, `gbtm_no_id_matches`, `gbtm_bad_outcome`, `gbtm_no_family`,
#'   `gbtm_bad_family`, `gbtm_bad_method`, `gbtm_negative_variance`, `gbtm_proportion_outside`,
#'   `gbtm_singular_classification`, `gbtm_two_group_sets`, `gbtm_part_of_a_fit` and others; each says the way out.
#' @section Warnings: what is doubtful: classes `gbtm_near_singular`, `gbtm_small_group`, `gbtm_uncertain_group`,
#'   `gbtm_low_entropy` and others, also in `warnings` of the result.
#' @references Vermunt (2010, \doi{10.1093/pan/mpq025}); Bakk, Tekle and Vermunt (2013,
#'   \doi{10.1177/0081175012470644}); Bakk, Oberski and Vermunt (2014, \doi{10.1093/pan/mpu003}); Bakk and Kuha (2018,
#'   \doi{10.1007/s11336-017-9592-7}).
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' set.seed(1)
#' people <- data.frame(id = unique(fit$ids))
#' people$age0 <- rnorm(nrow(people))
#' people$prison <- rbinom(nrow(people), 1, plogis(assignment(fit) - 2.5 + 0.4 * people$age0))
#' out <- distal(fit, prison ~ group + age0, people)
#' out
#' compare(out)
#' beside_naive(out)
#' @export
distal <- function(fit, formula, data, family = NULL, method = NULL, assignment = "modal", shares = "free",
                   sigma_by_group = NULL, exposure = NULL, id = NULL, measured_at = NULL, covariance = "stacked",
                   groups_of = NULL) {
  check_names()
  call <- sys.call()
  check_people_of(fit, data)
  data <- without_declared(data)$data
  people <- people_ids(fit, data, id, call)
  chosen <- list(family = family, method = method, assignment = assignment, shares = shares, exposure = exposure,
                 covariance = covariance)
  for (name in names(chosen)) check_word(chosen[[name]], name, call)
  if (!is.null(sigma_by_group)) check_flag(sigma_by_group, "sigma_by_group")
  when <- measured_when(measured_at, data, call)
  check_groups_of(groups_of, call)
  require_columns(data, exposure, "exposure")
  read <- distal_columns(formula, data, people$known, exposure, call)
  columns <- c(stats::setNames(list(people$values), people$name), read$columns,
               if (is.character(when)) stats::setNames(list(data[[when]]), when))
  asked <- list(
    `function` = "distal", formula = read$text, outcome = json_array(read$outcome),
    options = c(chosen, list(
      sigma_by_group = sigma_by_group, measured_at = if (is.numeric(when)) json_number(when) else when,
      id = people$name, groups_of = groups_of
    ))
  )
  used_name <- if ("group" %in% names(data)) {
    "The table's own column 'group' is not used: in the formula it stands for the fit's groups."
  }
  new_step_three(fit, asked, columns, people$name, deparse_line(formula), read$terms, used_name, call)
}

#' Membership covariates after the fact: what leads to the groups
#'
#' Multinomial logits of membership on covariates by three steps, with the trajectories as they were fitted: the groups
#' do not move when covariates come or go, as they do where `risk` is fitted with them.
#'
#' @inheritParams distal
#' @param covariates a one-sided formula such as `~ sex + region`, or names of columns
#' @param method `"two-step"` (the default: least variance), `"ml"` (known as R3STEP), `"bch"`, `"naive"`
#' @param ref the reference group; by default that of the fit
#' @param x what `predictors()` returned
#'
#' @return Object of class `gbtm_predictors`, with the parts and methods of what [distal()] returns; the coefficients
#'   are named as in a fit with `risk`: `theta_sex[2]` is what a unit of sex adds to the log odds of group 2 against the
#'   reference. See [odds_ratios()]. `beside_one_step()`: data frame, the estimates beside those where covariates and
#'   trajectories are fitted together; its attribute `agreement` is the share of people whose group stays.
#' @section Errors: as [distal()]; `gbtm_bad_ref`, `gbtm_no_covariates`.
#' @examplesIf gbtm_engine()$available
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' set.seed(1)
#' people <- data.frame(id = unique(fit$ids))
#' people$sex <- rbinom(nrow(people), 1, 0.3 + 0.1 * assignment(fit))
#' out <- predictors(fit, ~ sex, people)
#' out
#' odds_ratios(out)
#' @export
predictors <- function(fit, covariates, data, method = "two-step", assignment = "modal", ref = NULL, id = NULL,
                       covariance = "stacked", groups_of = NULL) {
  check_names()
  call <- sys.call()
  check_people_of(fit, data)
  data <- without_declared(data)$data
  people <- people_ids(fit, data, id, call)
  check_groups_of(groups_of, call)
  chosen <- list(method = method, assignment = assignment, covariance = covariance)
  for (name in names(chosen)) check_word(chosen[[name]], name, call)
  formula <- one_sided(covariates, "covariates")
  if (is.character(covariates) && !is_formula_text(covariates)) require_columns(data, covariates, "covariates")
  used <- intersect(all.vars(formula), names(data))
  if (!length(used)) {
    stop_gbtm("no_covariates", sprintf("covariates: %s names no column.", deparse_line(formula)), "covariates",
              "For example ~ sex + region, or c(\"sex\", \"age\").", call)
  }
  refuse_twice(data, used)
  known <- stats::complete.cases(data[used])
  design <- design_of_people(formula, data, known, people$known, used, call)
  x <- design$x
  columns <- c(stats::setNames(list(people$values), people$name),
               lapply(stats::setNames(seq_len(ncol(x)), colnames(x)), function(j) x[, j]))
  if (!is.null(ref)) check_whole(ref, "ref", 1, "Give the number of a group.")
  asked <- list(`function` = "predictors", covariates = json_array(colnames(x)),
                options = c(chosen, list(ref = ref, id = people$name, groups_of = groups_of)))
  new_step_three(fit, asked, columns, people$name, deparse_line(formula), columns_of_terms(design), NULL, call)
}

check_people_of <- function(fit, data) {
  check_fit(fit)
  check_data(data)
}

# A missing value would reach the engine as nothing at all.
check_groups_of <- function(groups_of, call) {
  if (is.null(groups_of) || (is.atomic(groups_of) && length(groups_of) == 1 && !is.na(groups_of))) return(invisible())
  stop_gbtm("unknown_outcome", sprintf("groups_of: %s is no outcome.", shown(groups_of)), "groups_of",
            "Give the name or the number of one.", call)
}

# A word, or NULL where there is a default; which words there are the engine says.
# When the outcome was measured: NULL, a time, or the name of a column of such.
measured_when <- function(when, data, call) {
  if (is.null(when) || is_number(when)) return(when)
  if (!is.character(when)) {
    stop_gbtm("bad_measured_at", sprintf("measured_at: %s is no time.", shown(when)), "measured_at",
              "Give a number on the scale of the trajectory's time, or the name of a column of such.", call)
  }
  check_word(when, "measured_at", call)
  require_columns(data, when, "measured_at")
  when
}

check_word <- function(value, argument, call) {
  if (is.null(value) || is_text(value)) return(value)
  stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not one word.", argument, shown(value)), argument,
            "Give one text.", call)
}

# The ids of a table of people, and which of its rows are of people of the fit.
people_ids <- function(fit, data, id, call) {
  asked <- if (is.null(id)) ids_asked(fit) else id
  if (is.null(id) && !all(asked %in% names(data))) {
    stop_gbtm("unknown_column", sprintf("id: the table has no column '%s', by which the fit knows people.",
                                        paste(asked, collapse = ", ")), "id",
              paste("Name the column of the ids with id = \"..\": people are joined by id, never by the order of the",
                    "rows."), call)
  }
  own <- id_values(data, asked)
  values <- id_column(own$values, own$name)
  list(values = values, name = own$name, known = values %in% fit$ids)
}
