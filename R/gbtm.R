#' Fit a group-based trajectory model
#'
#' A finite mixture of growth curves: each subject belongs to one of `groups` latent groups, and each group has its own
#' curve of the outcome over time. Estimated by maximum likelihood from many starts; see [start_report()] for what they
#' found. The computing needs the Python engine, see [gbtm_engine()]; what is returned does not.
#'
#' @param formula `outcome ~ time`, a polynomial of `order` in time, which may be an expression of a column where
#'   `order` is given, `outcome ~ I(age - 40)` or `outcome ~ as.numeric(date)`; or, without `order`, a
#'   basis in the one variable time: `outcome ~ lspline(time, knots = c(12, 15))`, see [time_terms],
#'   `outcome ~ ns(time, df = 4)`, `bs()` or another. The outcome may be an expression such as `log(y)`. A
#'   matrix `Y` with one row per person and one column per wave needs no `data`: `Y ~ A` with a matrix or vector `A` of
#'   times, `Y ~ 1:5`, or as in trajeR `gbtm(Y, A, ...)`. Without times the names of the columns of `Y` are the times,
#'   if they are numbers, or else the waves are counted, with a warning. Row names are ids; what has names is matched by
#'   them. `risk`, `tcov` and the like may be variables beside `Y`. A list of formulas, or of [outcome()] objects where
#'   one has options of its own, is a model of several outcomes that share their groups, see below.
#' @param data data frame, tibble or data.table, or Parquet files that stay on disk, `"register/*.parquet"`, see
#'   [parquet_files()]; long (one row per observation, with `id`) or wide (one row per
#'   subject, with `wide`, or with matrices as columns). Outcome and time must be numeric (a logical outcome counts as 0
#'   and 1). An observation with a missing outcome, time or id is dropped and counted.
#' @param id name of the column that tells subjects apart: numbers, text or a factor. Several columns that name a person
#'   together, `c("HHID", "PN")`, are joined by a dot, `0.10`, in all that is returned. This and the other arguments
#'   that name a column also take `~ id`, the bare name `id`, and `d$id`, the values of a column of `data`
#' @param groups number of groups; may be left out where `order` has one value for each. Two numbers, `c(3, 2)`, for a
#'   dual model of two outcomes, in their order or by their names, see below
#' @param order polynomial order 0 to 5, one for all groups or one per group; -1 for a count group whose rate is zero.
#'   2 when not given.
#' @param family `r family_choices()`; or as R and other programs have it: `gaussian()`, `poisson`, `binomial()`,
#'   `MASS::negative.binomial()` (whose theta is estimated), `"tobit"`, `"bernoulli"`
#' @param iorder for `r those_having("has_zero_part")`: order of the polynomial for the zero-inflation probability, of a
#'   hurdle for the probability of a zero. One value (0 when not given) is common to all groups; one per group gives
#'   each its own, -1 for none: no zero inflation, of a hurdle no zeros. A hurdle's groups mostly want one each
#' @param sigma_by_group for `r those_having("has_sigma")`: one sigma per group instead of one for all
#' @param min,max for `r those_having("has_bounds")`: bounds at which the outcome is censored, each optional
#' @param censor_beyond for `r those_having("has_bounds")`: values beyond a bound count as at the bound instead of
#'   being an error
#' @param dispersion_by_group for `r those_having("has_dispersion")`: one psi per group instead of one for all
#' @param risk membership covariates: a one-sided formula such as `~ male + region`, or column names. Factors get
#'   treatment contrasts, unless they have contrasts of their own. In long data they must be the same on all rows of a
#'   subject; a subject with a missing one is dropped and counted.
#' @param tcov,dcov time-varying covariates of the outcome, with effects of their own in each group, and of dropout:
#'   the same in long data; in wide data names of `wide`, as column names or a formula. `tcov = ~ sex * t`, t the time,
#'   asks whether the curve differs by sex: its main effect of time is the curve itself and no covariate, as a warning
#'   says. In long data `tcov = ~ log1p(lag(y))`, y the outcome, is the outcome at the wave before, `lag(y, 2)` that
#'   before it: an observation without it is left out, as a warning says, unless `lag(y, first = 0)` says what stands
#'   before the first wave, and `lag(y, gaps = "last")` that the last outcome seen stands for a missed one. Simulations
#'   build their own
#' @param common covariates of the outcome, time-varying or of the person, given like `tcov`, whose effects are one for
#'   all groups: `common = ~ sex * t` beside each group's own curve. In `coef()` each stands once, `sex`, without a
#'   group; `anova()` tests it against an effect of each group's own, in `tcov`. With `order = 0`, `common = ~ t` is one
#'   slope beside each group's own level. In wide data one column may stand for a covariate that is the same at all
#'   waves
#' @param exposure for counts: the column with the time at risk (wide data: a name of `wide`); the rate is per unit of
#'   it
#' @param trials for `"binomial"`: out of how many the outcome counts successes, a column (wide data: a name of
#'   `wide`) or one number; `cbind(k, n - k) ~ t` says the same. Curves are the probability of a success. `"binomial"`
#'   without
#'   trials, of an outcome that is 0 or 1, is `"logit"`
#' @param weights column of sampling weights, rescaled to mean 1. This and the next four may be a one-sided formula
#'   too, such as `~ 1 / p`.
#' @param cluster,stratum columns that name the sampling cluster and the stratum, for standard errors
#' @param out_of_sample column, 1 for subjects that are scored but not fitted, see [out_of_sample()]
#' @param obsmar column, 1 for subjects whose missing waves are missing at random: they say nothing of dropout
#' @param refgroup the group whose membership coefficients are 0
#' @param dropout order of the dropout model, one for all groups or one per group: 0, a constant; 1, the last outcome
#'   too; 2, the last two; -1, none in that group
#' @param wave column of long data that counts the waves: 1 at the first, and more at every later one. Without it a wave
#'   is a distinct time. Dropout needs waves at which all were due, so that it is an error where times are people's own,
#'   such as the age at a visit, and no `wave` is given
#' @param ar1 for `r those_having("may_correlate")`: AR(1) errors within a subject, corr = rho^|difference in time|
#' @param rho_by_group one rho per group
#' @param rorder for `r those_having("may_correlate")`: random effects of each group: 0, an intercept; 1, a slope over
#'   time too; 2, an effect of time squared too; -1, none
#' @param rcorr the random effects of a group are correlated; else independent
#' @param phi_order for `r those_having("has_precision")`: order of the polynomial of time that log phi is in each
#'   group; without it phi is a constant
#' @param rcommon one covariance of the random effects for all groups that have them; else one for each
#' @param repeated whether a person may have several observations at one time, of two raters or two lesions: each of
#'   them counts as any other. Without it that is an error. In wide data columns then may have the same times. A random
#'   intercept, `rorder = 0`, allows for what they have in common, and `cov_type = "robust"` gives standard errors that
#'   do. AR(1) errors, `lag()` and dropout go by an order of observations and are refused
#' @param squeeze for `"beta"`: 0 and 1 may occur, and all values y are made `(y * (n - 1) + 0.5) / n`, with n the
#'   number of observations that are fitted (Smithson and Verkuilen 2006, Psychological Methods 11). Curves, observed
#'   means and residuals are of these values, forecasts of y; new people are squeezed by the n of the fit
#' @param curve [network_curve()], curves made of hidden units of time that the groups share, in place of `order`
#' @param wide for wide data, what the names in the formula stand for:
#'   `list(offenses = "count_*", age = c("age_1", "age_2"))` or `list(offenses = "count_*", age = c(10, 12))`. `id` is
#'   then optional. Row numbers in messages count the observations, subject by subject.
#' @param cov_type `"hessian"`, the inverse of the observed information; `"robust"`, the sandwich (what `NULL` means
#'   with weights); `"cluster"`, by cluster and stratum (what `NULL` means where they are named; intervals and tests by
#'   t with clusters less strata degrees of freedom, as Stata's svy); `"traj"`, the observed information's times
#'   n / (n - k + 1) as in Stata's traj. For few people `"HC1"`, the sandwich times N / (N - k), `"HC2"` or `"HC3"`,
#'   which correct each person's score for its leverage, by t with N - k; for few clusters `"CR1S"`, that of clusters
#'   times (N - 1) / (N - k), `"CR2"` or `"CR3"`, likewise. N people, k parameters, n observations
#' @param start numbers to start from, named as `coef()` is, or without names in its order, with group percentages in
#'   place of `theta` if you
#'   like; or a fit of the same model: no other starts are made then. Or a fit with one group less: each of its groups
#'   is split to make further starts, and the result is never worse than that fit.
#' @param control settings of the search, from [gbtm_control()]
#' @param subset rows to be used: a condition on the columns such as `age > 12`, or numbers of rows
#' @param na.action `na.omit` or `na.exclude`, which is what is done anyway: what is incomplete is dropped and counted.
#'   `na.fail` makes a missing value an error
#' @param seed the same as `control = gbtm_control(seed = )`
#' @param risk2,refgroup2 of a dual model: covariates that predict the groups of the second outcome given those of the
#'   first, with one effect a group, whichever group of the first; and the reference group of the second
#' @param link `"multi"`: outcomes share their groups; `"dual"`: each of two has its own. `NULL` where `groups` says
#'   which
#' @param constraints what has to hold of the parameters, by their names in `coef()`: `c("age[1] = 0",
#'   "age[2] = age[3]", "sigma[1] = sigma[2]", "age[1] > 0")`. See the section on constraints
#' @param prior `NULL`, maximum likelihood; `"weak"` or a [gbtm_prior()], which gives finite estimates where
#'   probabilities of 0 or 1, a sigma of 0 or an empty pair of groups have none. Log-likelihood and criteria are
#'   without it
#' @param known column with the number of the group of those whose group is known, `NA` for the others; or the names of
#'   a column for each group with a weight from 0 to 1, 1 for a group that a person may be in and 0 for one that it is
#'   not in. Of a dual model a list with an entry for each outcome, in order or by name: `list(conduct = "told")`,
#'   `list("told", NULL)`. See the section on known groups
#' @param event a time to an event whose hazard depends on the group, `Surv(T, died) ~ sex`, or a [gbtm_event()], which
#'   has the section on it
#' @param outcome,omodel,ocov traj's distal outcome, fitted with the trajectories: its column, one value a person;
#'   `"normal"`, `"logit"`, `"poisson"` or `"mlogit"`; columns of covariates of it. It is a regression on posterior
#'   probabilities: [distal()], of a fit without it, says what the groups differ by. Who lacks the outcome or one of
#'   `ocov` is left out of the trajectories too, and counted
#' @param baseoutcome with `omodel = "mlogit"` the value that the others are compared with; the lowest by default
#' @param twostep with `omodel = "logit"`, whether the trajectories do not know of the outcome
#' @param ... nothing: an argument that does not exist is refused, with the one that was probably meant
#'
#' @return With `outcome` an object of class `gbtm_traj_outcome`, as [traj()] returns for `outcome()`, with the fit of
#'   the trajectories alone in `fit`, traj's table in `traj_table` and how many people were left out in `excluded`.
#'   Otherwise a list of class `gbtm` that holds plain values only, so that `saveRDS()` keeps it. Its methods: `print`,
#'   `summary`, `coef`, `vcov`, `confint`, `logLik`, `AIC`, `BIC`, `nobs`, `fitted`, `residuals`, `predict`, `plot`,
#'   `formula`, `update`. See also [posterior()], [assignment()], [group_shares()], [start_report()], [write_gbtm()],
#'   [odds_ratios()], [wald_test()], [dispersion_test()].
#'   Groups of one specification are sorted by their mean fitted outcome, lowest first.
#'
#' @section Several outcomes: `gbtm(list(bmi ~ age, smokes ~ age), ...)`: people belong to the groups by all outcomes
#'   together, and each outcome has a family, times and curves of its own. A person is in the model who has an
#'   observation of some outcome. Options of an outcome are given for all, `order = 2`, or for each: a list in the order
#'   of the outcomes or by their names, `order = list(2, c(1, 1, 2))`, `tcov = list(bmi = ~ diet)`, where NULL or a name
#'   that is left out is what holds without the option; families, bounds and flags as a vector too,
#'   `family = c("normal", "logit")`. Or in [outcome()], which also takes the outcome's own long table: people are
#'   matched by id, and `risk`, `weights` and what else is known of people, as well as `wide` and `subset`, are of
#'   `data`. Outcomes are called as on the left of their formulas, parameters `bmi: age[1]`. `predict()`, `plot()` and
#'   `autoplot()` take `outcome`, and what is asked of one outcome alone is asked of [of_outcome()]. `coef()`, tests,
#'   groups, criteria and files are of the whole. Dropout goes by the waves and the last values of the first outcome.
#'
#' @section Dual models: With two outcomes and two numbers of groups, `groups = c(3, 2)`, each outcome has groups of its
#'   own, those of the second given those of the first (Nagin and Tremblay 2001, Psychological Methods 6). Parameters
#'   `theta2[2|1]` are logits of group 2 of the second outcome, for people in group 1 of the first; `theta2_z[2]` the
#'   effects of `risk2`. See [transitions()] for the probabilities, [independence_test()], [association()] and
#'   [plot_transitions()]. `posterior()` and `assignment()` are of the pairs of groups. What is asked of one set of
#'   groups, such as [adequacy()], is asked of [of_outcome()], which has the outcome's own groups.
#'
#' @section Constraints: Linear equalities of coefficients, values of scale parameters and ratios of two of a kind,
#'   `"sigma[1] = 2 * sigma[2]"`, and bounds with `<` or `>`; several in one text are separated by commas, and
#'   `"0 < age[1] < age[2]"` is two. Groups that constraints name keep their numbers, whatever their curves, and the
#'   search tries which group takes which number. `logLik()`, `BIC()` and `anova()` count free parameters. What is fixed
#'   has a standard error of 0 and no test; where estimates lie at a bound, a warning says what holds of their standard
#'   errors. Of several outcomes parameters are `"bmi: age[1]"`, and `"sigma = common, same units"` gives outcomes one
#'   sigma: refused for other families or bounds, and unless you say `same units` or the outcomes are censored at the
#'   same `min` and `max`.
#'
#' @section Known groups: With weights \eqn{m_{ik}}{m_ik} the likelihood of a person is
#'   \eqn{\sum_k \pi_k m_{ik} f_{ik}}{sum_k pi_k m_ik f_ik}: those whose group is known stay in it, and all have their
#'   say in curves and shares. Groups that somebody is known to be in keep their numbers, whatever their curves. New
#'   people and those `out_of_sample` are told their groups by their outcomes alone. [known_accuracy()] hides the groups
#'   of some and says how many the model finds. [adequacy()] says on whom it is computed. [distal()] and [predictors()]
#'   take known people as assigned without error. In a dual model the weight of a pair of groups is the product of the
#'   outcomes' own. Not with data on disk, hidden units, [blrt()], [lmr()] and searches of dual models.
#'
#' @section Errors: Errors are conditions of class `gbtm_error` and `gbtm_<code>`, for example `gbtm_duplicate_time`,
#'   with fields `argument` and `way_out`. What has to be known before the numbers are used is a warning of class
#'   `gbtm_warning` and `gbtm_<code>`, also printed by `summary()`.
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' fit <- gbtm(offenses ~ age, data = d, id = "id", groups = 2, family = "zip")
#' fit
#' coef(fit)
#' # whether membership differs between two halves of the people, with sampling weights
#' d$half <- factor(ifelse(d$id %% 2 == 0, "even", "odd"))
#' d$w <- 1 + d$id %% 3
#' weighted <- gbtm(offenses ~ age, data = d, id = "id", groups = 2, family = "zip", risk = ~ half,
#'                  weights = "w", control = gbtm_control(n_starts = 4))
#' summary(weighted)
#' # group 1 flat: its slopes are 0, and a test of that
#' flat <- update(fit, constraints = c("age[1] = 0", "age^2[1] = 0"))
#' anova(flat, fit)
#' # one effect of a covariate for all groups, and whether each group has its own
#' school$late <- as.numeric(school$year > 2)
#' shared <- gbtm(absences ~ year, data = school, id = "id", groups = 2, order = 1, family = "poisson",
#'                common = ~ late, control = gbtm_control(n_starts = 4))
#' coef(shared)["late"]
#' anova(shared, update(shared, common = NULL, tcov = ~ late))
#' # two raters of each person at each time: each counts
#' raters <- rbind(symptoms, transform(symptoms, score = pmin(10, score + month %% 2)))
#' gbtm(score ~ month, data = raters, id = "id", groups = 2, order = 1, family = "cnorm", min = 0,
#'      max = 10, repeated = TRUE, control = gbtm_control(n_starts = 4))
#' # two outcomes that share their groups
#' both <- gbtm(list(conduct ~ year, absences ~ year), data = school, id = "id", groups = 3, order = 1,
#'              family = c("normal", "poisson"), control = gbtm_control(n_starts = 4))
#' both
#' plot(both)
#' # each with groups of its own: how do those of the one go with those of the other?
#' dual <- gbtm(list(aggression ~ age, offenses ~ year), data = pathways, id = "id", groups = c(2, 2),
#'              order = list(1, 2), family = c("normal", "poisson"),
#'              control = gbtm_control(n_starts = 4))
#' transitions(dual)
#' @export
gbtm <- function(formula, data, id = NULL, groups, order = NULL, family = "normal", iorder = NULL,
                 sigma_by_group = FALSE, min = NULL, max = NULL, censor_beyond = FALSE, dispersion_by_group = FALSE,
                 risk = NULL, tcov = NULL, exposure = NULL, weights = NULL, cluster = NULL, stratum = NULL,
                 out_of_sample = NULL, refgroup = 1, dropout = NULL, dcov = NULL, obsmar = NULL, wave = NULL,
                 ar1 = FALSE, rho_by_group = FALSE, rorder = NULL, wide = NULL, cov_type = NULL, start = NULL,
                 control = gbtm_control(), subset = NULL, na.action = NULL, # nolint: object_name_linter.
                 seed = NULL, risk2 = NULL, refgroup2 = 1, link = NULL, constraints = NULL, prior = NULL, curve = NULL,
                 ..., outcome = NULL, omodel = NULL, ocov = NULL, baseoutcome = NULL, twostep = FALSE,
                 trials = NULL, rcorr = FALSE, rcommon = FALSE, phi_order = NULL, known = NULL,
                 repeated = FALSE, squeeze = FALSE, common = NULL, event = NULL) {
  call <- match.call()
  check_names()
  refuse_unknown(names(substitute(list(...)))[-1], names(formals(gbtm)), call)
  counted <- successes_of(formula, family, !missing(trials), call)
  if (!is.null(counted)) {
    formula <- counted$formula
    trials <- counted$trials
  }
  if (!missing(data) && on_files(data)) return(gbtm_on_files(environment(), call))
  outcomes <- as_outcomes(formula, call, family)
  if (!is.null(outcomes)) return(gbtm_several(environment(), outcomes, call, parent.frame()))
  if (missing(groups)) groups <- NULL
  refuse_second_groups(groups, link, risk2, refgroup2, call)
  laid <- outcome_matrix(formula, if (missing(data)) NULL else data, wide, call, parent.frame())
  if (is.null(laid)) {
    check_data(data)
    ask_columns(c("id", covariate_arguments()), environment(), data, wide)
  } else {
    table <- matrix_table(laid, id, values_here(covariate_arguments(), environment()))
    formula <- table$formula
    data <- table$data
    id <- table$id
    wide <- table$wide
  }
  control <- seeded(control, seed)
  fails <- fails_on_missing(na.action)
  data <- subset_rows(data, substitute(subset), parent.frame())
  joint <- asked_joint(environment(), if (is.null(laid)) data, call)
  data <- people_of_joint(joint, data, fails)
  if (is.null(groups)) groups <- groups_of(order)
  given <- mget(model_arguments())
  asked <- asked_model(formula, data, id, c(list(groups = groups, order = order), given), call)
  if (fails) refuse_missing(asked)
  answer <- answer_from(start, groups, asked, control, cov_type, call)
  fit <- new_gbtm(answer$document, answer$arrays, call = call, formula = formula, terms = asked$terms,
                  data = answer$data)
  fit$inputs <- asked$inputs
  fit$own_ids <- asked$own_ids
  fit$rows <- if (is.null(wide)) used_rows(answer$rows, row.names(data))
  warn_findings(fit$warnings, call)
  joint_outcome(fit, joint, call)
}

# The engine's answer, with starts of its own, from values, or from a fit with fewer groups.
answer_from <- function(start, groups, asked, control, cov_type, call) {
  # of hidden units numbers say nothing without the units
  smaller <- inherits(start, "gbtm") && (start$spec$n_groups < groups || length(unit_bases(start)) > 0)
  options <- search_options(control, cov_type, if (!smaller) start_values(start))
  bridge_fit(asked, options, control, call, if (smaller) document_text(start))
}
