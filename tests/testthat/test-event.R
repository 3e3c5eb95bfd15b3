# A time to an event beside the outcomes: what R asks for, against survreg() and formulas.

event_people <- function(n = 120) {
  set.seed(4)
  late <- stats::runif(n) < 0.5
  sex <- factor(ifelse(stats::rbinom(n, 1, 0.5) == 1, "m", "f"))
  time <- ifelse(late, 8, 3) * stats::rweibull(n, 1.5) * exp(-0.3 * (sex == "m")) + 0.01
  end <- stats::runif(n, 2, 12)
  died <- time <= end
  data.frame(id = seq_len(n), sex = sex, until = pmin(time, end), died = died, late = late)
}

event_data <- function(people = event_people(), waves = 4) {
  at <- rep(seq_len(nrow(people)), each = waves)
  d <- people[at, ]
  d$t <- rep(seq_len(waves) - 1, nrow(people))
  set.seed(5)
  d$y <- ifelse(d$late, 0, 2) + 0.3 * d$t + stats::rnorm(nrow(d))
  row.names(d) <- NULL
  d
}

few <- function() gbtm_control(n_starts = 3, progress = FALSE)

fit_event <- function(event, groups = 1, data = event_data(), ...) {
  gbtm(y ~ t, data, id = "id", groups = groups, order = 1, event = event, control = few(), ...)
}

test_that("gbtm_event() takes Surv() apart as the survival package does", {
  parts <- function(formula) vapply(gbtm_event(formula)$parts, deparse, "")
  expect_identical(parts(Surv(until, died) ~ 1), c(time = "until", status = "died"))
  expect_identical(parts(survival::Surv(a, until, died) ~ sex), c(time = "until", status = "died", entry = "a"))
  expect_identical(parts(Surv(event = died, time = until) ~ 1), c(time = "until", status = "died"))
  expect_identical(parts(Surv(low, high, type = "interval2") ~ 1), c(time = "low", upper = "high"))
  for (bad in list(until ~ sex, ~ sex, Surv(a, b, c, d) ~ 1, Surv(until, died, type = "left") ~ 1, 3)) {
    expect_error(gbtm_event(bad), class = "gbtm_bad_event")
  }
  expect_error(gbtm_event(Surv(until, died) ~ 1, cuts = 2), class = "gbtm_bad_event")
  expect_error(gbtm_event(Surv(until, died) ~ 1, hazard = "cox"), class = "gbtm_bad_hazard")
  expect_output(print(gbtm_event(Surv(until, died) ~ sex, "piecewise", cuts = c(2, 5))),
                "piecewise constant hazard in each group between 2, 5: Surv(until, died) ~ sex", fixed = TRUE)
})

test_that("statuses are 0 and 1, TRUE and FALSE, 1 and 2, or levels", {
  codes <- status_codes
  expect_identical(codes(c(TRUE, FALSE, NA)), c(1, 0, NA))
  expect_identical(codes(c(1, 2, 1)), c(0, 1, 0))
  expect_identical(codes(c(1, 1)), c(1, 1))
  expect_identical(codes(c(0, 1, 2)), c(0, 1, 2))
  expect_identical(codes(factor(c("none", "death", "none"), c("none", "death"))), c(0, 1, 0))
})

test_that("one group is survreg()", {
  need_engine()
  skip_if_not_installed("survival")
  people <- event_people()
  theirs <- survival::survreg(survival::Surv(until, died) ~ sex, people)
  fit <- fit_event(Surv(until, died) ~ sex)
  b <- coef(fit)
  expect_equal(unname(b[c("event_scale[1]", "event_shape[1]", "event_sexm")]),
               unname(c(exp(coef(theirs)[1]), 1 / theirs$scale, -coef(theirs)[2] / theirs$scale)), tolerance = 1e-5)
  alone <- gbtm(y ~ t, event_data(), id = "id", groups = 1, order = 1, control = few())
  expect_equal(as.numeric(logLik(fit)) - as.numeric(logLik(alone)), theirs$loglik[2], tolerance = 1e-7)
  # a covariate of the event is tested by the likelihood ratio, and the event itself is not
  less <- fit_event(Surv(until, died) ~ 1)
  expect_equal(anova(less, fit)$Chisq[2], 2 * (theirs$loglik[2] - survival::survreg(
    survival::Surv(until, died) ~ 1, people)$loglik[2]), tolerance = 1e-5)
  expect_warning(anova(alone, fit), "times to an event")
})

test_that("survival curves and predictions are those of the formulas, from a fit and from a file", {
  need_engine()
  d <- event_data()
  fit <- fit_event(gbtm_event(Surv(until, died) ~ sex), groups = 2)
  b <- coef(fit)
  table <- survival_curves(fit, times = c(0, 2), at = c(sexm = 1))
  hazard <- function(k, t) unname((t / b[sprintf("event_scale[%d]", k)])^b[sprintf("event_shape[%d]", k)])
  expect_equal(table$survival, c(1, exp(-exp(b[["event_sexm"]]) * hazard(1, 2)), 1,
                                 exp(-exp(b[["event_sexm"]]) * hazard(2, 2))), tolerance = 1e-10)
  expect_true(all(table$lower <= table$survival & table$survival <= table$upper))
  new <- d[d$id == 7, ]
  now <- new[new$t <= 1, ]
  ahead <- predict_event(fit, new, horizon = 2, landmark = 1)
  joint <- vapply(1:2, function(k) {
    mean <- b[sprintf("intercept[%d]", k)] + b[sprintf("t[%d]", k)] * now$t
    risk <- exp(b[["event_sexm"]] * (now$sex[1] == "m"))
    exp(sum(stats::dnorm(now$y, mean, b[["sigma"]], log = TRUE)) + (k == 2) * b[["theta[2]"]] - risk * hazard(k, 1))
  }, 1)
  left <- vapply(1:2, function(k) {
    exp(exp(b[["event_sexm"]] * (now$sex[1] == "m")) * (hazard(k, 1) - hazard(k, 3)))
  }, 1)
  expect_equal(ahead$probability, sum(joint / sum(joint) * (1 - left)), tolerance = 1e-8)
  expect_identical(nrow(predict_event(fit, new, horizon = 1:2, by_wave = TRUE)), 8L)
  path <- tempfile(fileext = ".json")
  write_gbtm(fit, path)
  back <- read_gbtm(path)
  expect_equal(predict_event(back, new, horizon = 2, landmark = 1), ahead)
  expect_equal(survival_curves(back, times = c(0, 2), at = list(sexm = 1)), table)
  expect_equal(predict(back, new, type = "group"), predict(fit, new, type = "group"))
  expect_equal(unname(unlist(predict(fit, new, type = "posterior")[paste0("group_", 1:2)])),
               unname(unlist(posterior(fit)[7, paste0("group_", 1:2)])), tolerance = 1e-8)
  expect_output(summary(fit) |> print(), "Event: [0-9]+ among 120 people; Weibull hazard in each group")
  skip_if_not_installed("ggplot2")
  picture <- plot_survival_curves(fit)
  expect_s3_class(picture, "ggplot")
  lines <- ggplot2::ggplot_build(picture)$data[[2]]
  expect_identical(tapply(lines$colour, lines$group, unique), tapply(group_colours[1:2], 1:2, unique))
})

test_that("competing causes, intervals, several outcomes and searches work", {
  need_engine()
  d <- event_data()
  d$cause <- factor(ifelse(d$died, c("death", "other")[1 + d$id %% 2], "none"), c("none", "death", "other"))
  fit <- fit_event(gbtm_event(Surv(until, cause) ~ 1, hazard = "piecewise", intervals = 2), data = d)
  expect_true(all(c("event1_log_hazard1[1]", "event2_log_hazard2[1]") %in% names(coef(fit))))
  shares <- vapply(1:2, function(c) survival_curves(fit, times = 4, cause = c)$incidence, 1)
  expect_equal(sum(shares), 1 - survival_curves(fit, times = 4)$survival, tolerance = 1e-7)
  d$low <- floor(d$until)
  d$high <- ifelse(d$died, d$low + 1, NA)
  d$low[d$low == 0] <- NA
  skip_if_not_installed("survival")
  once <- d[!duplicated(d$id), ]
  theirs <- survival::survreg(survival::Surv(low, high, type = "interval2") ~ 1, once)
  ours <- fit_event(Surv(low, high, type = "interval2") ~ 1, data = d)
  expect_equal(unname(coef(ours)[c("event_scale[1]", "event_shape[1]")]),
               unname(c(exp(coef(theirs)), 1 / theirs$scale)), tolerance = 1e-4)
  set.seed(1)
  d$x <- stats::rnorm(nrow(d))
  both <- gbtm(list(y ~ t, x ~ t), d, id = "id", groups = 2, order = 1, event = Surv(until, died) ~ sex,
               control = few())
  expect_true("event_sexm" %in% names(coef(of_outcome(both, "y"))))
  expect_false("event_sexm" %in% names(coef(of_outcome(both, "x"))))
  expect_identical(nrow(predict_event(both, d[d$id < 4, ], horizon = 1, landmark = 2)), 3L)
  found <- gbtm_search(y ~ t, d, id = "id", groups = 2, order = 1, event = Surv(until, died) ~ sex, control = few())
  expect_equal(logLik(best(found))[1], logLik(fit_event(Surv(until, died) ~ sex, 2))[1], tolerance = 1e-6)
  expect_identical(nrow(survival_curves(best(found), times = 1)), 2L)
})

test_that("hazard ratios are exponentiated, and what does not go with an event is refused", {
  need_engine()
  skip_if_not_installed("generics")
  fit <- fit_event(Surv(until, died) ~ sex)
  tidied <- generics::tidy(fit, exponentiate = TRUE)
  expect_equal(tidied$estimate[tidied$term == "event_sexm"], exp(coef(fit)[["event_sexm"]]))
  expect_error(fit_event(Surv(until, died) ~ 1, dropout = 0), class = "gbtm_beside_event")
  expect_error(fit_event(Surv(until, died) ~ 1, prior = "weak"), class = "gbtm_beside_event")
  expect_error(fit_event("died"), class = "gbtm_bad_event")
  expect_error(fit_event(Surv(until, nobody) ~ 1), "nobody cannot be computed", class = "gbtm_bad_event")
  expect_error(fit_event(Surv(t, died) ~ 1), class = "gbtm_not_constant")
  expect_error(simulate(fit), class = "gbtm_no_simulation")
  expect_error(forecast(fit, event_data()), class = "gbtm_no_forecast")
  expect_error(survival_curves(fit, times = -1), class = "gbtm_bad_times")
  expect_error(survival_curves(fit, at = c(age = 1)), class = "gbtm_unknown_covariate")
  expect_error(predict_event(fit, event_data(), horizon = 0), class = "gbtm_bad_horizon")
  expect_error(predict_event(example_fit(), event_data()), class = "gbtm_no_event")
})

test_that("events at one time are told of, and a fit without another optimum is refused in a sentence", {
  need_engine()
  d <- event_data()
  far <- d$id %% 2 == 0
  d$y <- d$y + 20 * far
  same <- transform(d, until = ifelse(far, 3, until), died = far | died)
  expect_error(fit_event(Surv(until, died) ~ 1, 2, same), "all its events are at one time",
               class = "gbtm_collapsed_event")
  whole <- transform(event_data(), until = 2 * ceiling(until / 2))
  said <- character()
  fit <- withCallingHandlers(
    gbtm(y ~ t, whole, id = "id", groups = 3, order = 1, event = Surv(until, died) ~ 1,
         control = gbtm_control(n_starts = 24, progress = FALSE)),
    gbtm_warning = function(w) {
      said <<- c(said, conditionMessage(w))
      tryInvokeRestart("muffleWarning")
    }
  )
  expect_match(said, "higher log-likelihood were set aside.*event_shape runs to infinity", all = FALSE)
  expect_true(all(coef(fit)[sprintf("event_shape[%d]", 1:3)] < 100))
})

test_that("columns by name say what Surv() cannot: causes whose times are in intervals", {
  named <- gbtm_event(time = "low", status = "cause", upper = "high", covariates = ~ sex)
  expect_identical(vapply(named$parts, deparse, ""), c(time = "low", status = "cause", upper = "high"))
  expect_identical(gbtm_event(time = "until", status = "died", covariates = "sex")$parts,
                   gbtm_event(Surv(until, died) ~ sex)$parts)
  expect_output(print(named), "gbtm_event(time = low, status = cause, upper = high) ~ sex", fixed = TRUE)
  for (bad in list(quote(gbtm_event()), quote(gbtm_event(time = "low")), quote(gbtm_event(time = 1, status = "d")),
                   quote(gbtm_event(Surv(low, died) ~ 1, upper = "high")))) {
    expect_error(eval(bad), class = "gbtm_bad_event")
  }
  need_engine()
  people <- event_people()
  people$cause <- factor(ifelse(people$died, c("death", "other")[1 + people$id %% 2], "none"),
                         c("none", "death", "other"))
  people$low <- floor(people$until)
  people$high <- ifelse(people$died, people$low + 1, NA)
  d <- event_data(people)
  fit <- fit_event(gbtm_event(time = "low", status = "cause", upper = "high"), data = d)
  b <- coef(fit)
  total <- function(t, c) (t / b[[sprintf("event%d_scale[1]", c)]])^b[[sprintf("event%d_shape[1]", c)]]
  hazard <- function(t, c) total(t, c) * b[[sprintf("event%d_shape[1]", c)]] / t
  each <- mapply(function(low, high, cause) {
    if (cause == 0) return(-total(low, 1) - total(low, 2))
    log(stats::integrate(function(t) hazard(t, cause) * exp(-total(t, 1) - total(t, 2)), low, high,
                         rel.tol = 1e-10)$value)
  }, people$low, people$high, as.integer(people$cause) - 1)
  alone <- gbtm(y ~ t, d, id = "id", groups = 1, order = 1, control = few())
  expect_equal(as.numeric(logLik(fit)) - as.numeric(logLik(alone)), sum(each), tolerance = 1e-7)
  d$cause <- as.integer(d$cause) - 1
  two <- fit_event(gbtm_event(time = "low", status = "cause", upper = "high"), groups = 2, data = d)
  path <- tempfile(fileext = ".json")
  write_gbtm(two, path)
  expect_equal(predict(read_gbtm(path), d[d$id < 9, ], type = "posterior")$group_2, posterior(two)$group_2[1:8],
               tolerance = 1e-8)
})

test_that("effects by group are each group's own, or common by a constraint", {
  need_engine()
  own <- gbtm_event(Surv(until, died) ~ sex, effects_by_group = TRUE)
  expect_output(print(own), "hazard in each group, and effects of covariates too: Surv(until, died) ~ sex",
                fixed = TRUE)
  one <- fit_event(Surv(until, died) ~ sex, groups = 2)
  fit <- fit_event(own, groups = 2)
  tied <- fit_event(own, groups = 2, constraints = "event_sexm[1] = event_sexm[2]")
  expect_equal(as.numeric(logLik(tied)), as.numeric(logLik(one)), tolerance = 1e-9)
  expect_equal(unname(coef(tied)[c("event_sexm[1]", "event_sexm[2]")]), rep(coef(one)[["event_sexm"]], 2),
               tolerance = 1e-6)
  expect_equal(anova(one, fit)$Chisq[2], 2 * as.numeric(logLik(fit) - logLik(one)), tolerance = 1e-8)
  b <- coef(fit)
  risk <- exp(b[sprintf("event_sexm[%d]", 1:2)])
  hazard <- (2 / b[sprintf("event_scale[%d]", 1:2)])^b[sprintf("event_shape[%d]", 1:2)]
  expect_equal(survival_curves(fit, times = 2, at = c(sexm = 1))$survival, unname(exp(-risk * hazard)),
               tolerance = 1e-10)
  d <- event_data()
  path <- tempfile(fileext = ".json")
  write_gbtm(fit, path)
  back <- read_gbtm(path)
  expect_equal(predict_event(back, d[d$id == 7, ], landmark = 1), predict_event(fit, d[d$id == 7, ], landmark = 1))
  expect_output(print(summary(fit)), "hazard in each group, and effects of\\s+covariates too.")
  expect_error(fit_event(gbtm_event(Surv(until, died) ~ 1, effects_by_group = TRUE)), "goes with covariates",
               class = "gbtm_bad_event")
  skip_if_not_installed("survival")
  theirs <- survival::survreg(survival::Surv(until, died) ~ sex, event_people())
  expect_equal(coef(fit_event(own))[["event_sexm[1]"]], -coef(theirs)[[2]] / theirs$scale, tolerance = 1e-5)
})

test_that("statuses of new people are coded as those of the fit, whoever is in the table", {
  need_engine()
  d <- event_data()
  d$coded <- d$died + 1
  d$cause <- factor(ifelse(d$died, "dead", "alive"), levels = c("alive", "dead"))
  plain <- fit_event(Surv(until, died) ~ 1, groups = 2, data = d)
  expected <- group_columns(posterior(plain))
  for (event in c(Surv(until, coded) ~ 1, Surv(until, cause) ~ 1)) {
    fit <- fit_event(event, groups = 2, data = d)
    for (person in c(which(!event_people()$died)[1], which(event_people()$died)[1])) {
      alone <- d[d$id == person, ]
      alone$cause <- factor(alone$cause) # one level is left
      expect_equal(group_columns(predict(fit, newdata = alone, type = "posterior")), expected[person, , drop = FALSE],
                   tolerance = 1e-6, ignore_attr = TRUE)
    }
  }
  alone$cause <- "lost"
  expect_error(predict(fit, newdata = alone, type = "posterior"), "lost did not occur", class = "gbtm_bad_event")
})

test_that("an event's time in other units is read for new people", {
  need_engine()
  d <- event_data()
  days <- 365
  fit <- fit_event(Surv(until * days, died) ~ 1, groups = 2, data = d)
  expect_equal(group_columns(predict(fit, newdata = d[d$id < 4, ], type = "posterior")),
               group_columns(posterior(fit)[1:3, ]), tolerance = 1e-8, ignore_attr = TRUE)
})

test_that("what says when the event was is no covariate of it", {
  for (bad in list(quote(gbtm_event(Surv(until, died) ~ sex + until)),
                   quote(gbtm_event(Surv(until, died) ~ log(until))),
                   quote(gbtm_event(Surv(low, high, type = "interval2") ~ high)),
                   quote(gbtm_event(time = "until", status = "died", covariates = ~ died)))) {
    expect_error(eval(bad), "says when the event was", class = "gbtm_own_covariate")
  }
  expect_s3_class(gbtm_event(Surv(end - age0, died) ~ age0), "gbtm_event")
})

test_that("of new people the event's time without its status is no event that is left out without a word", {
  need_engine()
  d <- event_data()
  fit <- fit_event(Surv(until, died) ~ 1, groups = 2, data = d)
  new <- d[d$id < 4, ]
  expect_error(predict(fit, newdata = new[names(new) != "died"], type = "posterior"), "no column died",
               class = "gbtm_bad_event")
  none <- predict(fit, newdata = new[!names(new) %in% c("died", "until")], type = "posterior")
  expect_gt(max(abs(group_columns(none) - group_columns(posterior(fit)[1:3, ]))), 1e-6)
})
