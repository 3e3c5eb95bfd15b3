test_that("estimates and standard errors are the reference's", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  cases <- list(
    list("binary", "ml", o_binary ~ group, "free", list(method = "ml")),
    list("binary_covariates", "bch", o_binary ~ group + v1 + v2, "", list(method = "bch")),
    list("normal_equal_sigma", "bch", o_normal ~ group, "", list()),
    list("weibull", "ml", Surv(o_time, o_event) ~ group + v1, "free", list(family = "weibull")),
    list("membership", "twostep", NULL, "free", list())
  )
  for (case in cases) {
    said <- distal_reference("d2_zip_k3", case[[1]], case[[2]], if (case[[2]] == "twostep") "none" else "modal",
                             case[[4]])
    out <- calm(if (is.null(case[[3]])) predictors(fit, ~ z1 + z2, people) else
      do.call(distal, c(list(fit, case[[3]], people), case[[5]])))
    ours <- coef(out)
    on_log <- grepl("^(log_|sigma|shape)", said$parameter)
    ours[on_log] <- log(ours[on_log])
    expect_gt(nrow(said), 3)
    expect_equal(unname(ours), said$estimate, tolerance = 1e-8, label = case[[1]])
    se <- unname(sqrt(diag(vcov(out))))[!on_log]
    expect_equal(se, said$se_stacked[!on_log], tolerance = 1e-6, label = case[[1]])
  }
})

test_that("every family and method has Python's digits", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  people$kind <- letters[people$o_nominal + 1]
  calm({
    binary <- distal(fit, o_binary ~ group + v1 + I(v1^2), people)
    expect_distal(numbers_of(binary), "binary")
    expect_distal(numbers_of(distal(fit, o_normal ~ group * kind + v1, people, method = "ml",
                                    sigma_by_group = FALSE)), "slopes")
    expect_distal(numbers_of(distal(fit, o_count ~ group, people, family = "negbin", exposure = "o_time",
                                    assignment = "proportional")), "counts")
    expect_distal(numbers_of(distal(fit, kind ~ group + v1, people, covariance = "bov")), "nominal")
    expect_distal(numbers_of(distal(fit, Surv(o_time, o_event) ~ group + v1, people, method = "bch")), "cox")
    expect_distal(numbers_of(distal(fit, Surv(o_time, o_event == 1) ~ group, people, family = "weibull",
                                    shares = "fixed")), "weibull")
    expect_distal(numbers_of(predictors(fit, ~ z1 + factor(kind), people)), "predictors")
    traj <- distal(fit, o_binary ~ group, people, method = "traj")
    expect_distal(list(coef(traj), t(vcov(traj)), traj$loglik), "traj")
  })
  expect_s3_class(traj, "gbtm_traj_outcome")
  expect_identical(names(coef(binary))[6:7], c("v1", "I(v1^2)"))
})

test_that("people are joined by id, whatever its type, their order and who else is in the table", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  out <- calm(distal(fit, o_normal ~ group, people))
  expect_identical(c(out$nobs, out$n_step_one), c(472L, 500L))
  expect_match(out$notes, "28 people of the fit lack", all = FALSE)
  stranger <- people[1, ]
  stranger[c("id", "o_normal")] <- list(10001, 1e6)
  shuffled <- rbind(stranger, people[rev(seq_len(nrow(people))), ])
  names(shuffled)[1] <- "pid"
  expect_identical(coef(calm(distal(fit, o_normal ~ group, shuffled, id = "pid"))), coef(out))
  d <- transform(small_data(), who = factor(paste("p", id)))
  named <- gbtm(y ~ t, d, id = "who", groups = 2, order = 1, control = gbtm_control(n_starts = 2))
  late <- data.frame(who = levels(d$who), x = seq_along(levels(d$who)) %% 3 == 0)
  expect_identical(coef(calm(distal(named, x ~ group, late[16:1, ]))),
                   coef(calm(distal(named, x ~ group, transform(late, who = factor(who))))))
  expect_error(distal(fit, o_normal ~ group, transform(people, id = paste0("p", id))), class = "gbtm_no_id_matches")
  expect_error(distal(fit, o_normal ~ group, people[-1]), "never by the order", class = "gbtm_unknown_column")
  twice <- rbind(people, transform(people, o_normal = o_normal + 1))
  expect_error(distal(fit, o_normal ~ group, twice), class = "gbtm_not_constant")
})

test_that("what is doubtful is a classed warning, and is kept", {
  need_engine()
  fit <- distal_fit("d1_normal_k2")
  few <- distal_people("d1_normal_k2")[1:40, ]
  said <- list()
  out <- withCallingHandlers(distal(fit, o_binary ~ group, few), gbtm_small_group = function(w) {
    said[[length(said) + 1]] <<- conditionMessage(w)
    invokeRestart("muffleWarning")
  })
  expect_identical(unlist(said), out$warnings)
  expect_match(out$warnings, "intervals are rough", all = FALSE)
  expect_output(print(out), "Warning: Group")
})

test_that("a missing value in place of an option is no default", {
  need_engine()
  fit <- distal_fit("d1_normal_k2")
  people <- distal_people("d1_normal_k2")
  for (when in list(NA, NA_real_, Inf, TRUE, c(1, 2))) {
    expect_error(distal(fit, o_normal ~ group, people, measured_at = when), class = "gbtm_bad_measured_at")
  }
  for (whose in list(NA, NA_character_, 1:2, list())) {
    expect_error(distal(fit, o_normal ~ group, people, groups_of = whose), class = "gbtm_unknown_outcome")
    expect_error(predictors(fit, ~v1, people, groups_of = whose), class = "gbtm_unknown_outcome")
  }
})

test_that("refusals are the engine's, in R's words", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  refused <- function(class, words, ...) {
    error <- expect_error(distal(fit, ...), class = paste0("gbtm_", class))
    expect_match(conditionMessage(error), words, fixed = TRUE)
    expect_no_match(conditionMessage(error), "pd\\.|='|True|None|\\bres\\b")
  }
  refused("own_outcome", "made of 'y'", y ~ group, transform(people, y = y1))
  refused("own_outcome", "made of 'y'", log(y + 1) ~ group, transform(people, y = y1))
  refused("bad_family", "family: 'binomial' is none", o_binary ~ group, people, family = "binomial")
  refused("bad_outcome", "factor(.., ordered = TRUE)", letters[o_nominal + 1] ~ group, people, family = "ordinal")
  refused("bad_exposure", "family = \"poisson\" or \"negbin\"", o_binary ~ group, people, exposure = "o_time")
  refused("bad_method", "'traj' for a distal outcome", o_binary ~ group, people, method = "em")
  refused("one_group_set", "Leave it out", o_binary ~ group, people, groups_of = "y")
  refused("no_family", "whole numbers", o_count ~ group, people)
  refused("bad_covariance", "method = \"bch\"", o_normal ~ group, people, covariance = "model")
  error <- expect_error(odds_ratios(calm(distal(fit, o_normal ~ group, people))), class = "gbtm_no_ratio")
  expect_match(conditionMessage(error), "compare(x, \"reference\", ref = ..)", fixed = TRUE)
  with_risk <- calm(gbtm(y ~ t, transform(small_data(), w = id %% 3), id = "id", groups = 2, order = 1, risk = ~w,
                         control = gbtm_control(n_starts = 2)))
  error <- expect_error(distal(with_risk, x ~ group, data.frame(id = 1:16, x = 1:16 / 7)),
                        class = "gbtm_membership_covariates")
  expect_match(conditionMessage(error), "fit: its groups.*predictors\\(fit\\)")
  expect_error(predictors(fit, ~1, people), class = "gbtm_no_covariates")
  expect_error(predictors(fit, "nosuch", people), class = "gbtm_unknown_column")
  expect_error(predictors(fit, ~ z1 + I(2 * z1), people), "I(2 * z1) follows", fixed = TRUE, class = "gbtm_collinear")
  expect_error(predictors(fit, ~z1, people, ref = 4), class = "gbtm_bad_ref")
})

test_that("of two columns with one name none is taken", {
  need_engine()
  fit <- distal_fit("d2_zip_k3")
  people <- transform(distal_people("d2_zip_k3"), when = 9)
  for (name in c("o_normal", "z1", "id", "when")) {
    twice <- cbind(people, people[rev(seq_len(nrow(people))), name, drop = FALSE])
    error <- expect_error(distal(fit, log(o_normal + 99) ~ group * z1, twice, measured_at = "when"),
                          class = "gbtm_duplicate_column")
    expect_match(conditionMessage(error), sprintf("%s: 2 columns have this name", name), fixed = TRUE)
  }
  expect_error(predictors(fit, ~ log(z1 + 99), cbind(people, people["z1"])), class = "gbtm_duplicate_column")
  twice <- cbind(example_data(), offenses = 1)
  expect_error(gbtm(offenses ~ age, twice, id = "id", groups = 2), class = "gbtm_duplicate_column")
})

test_that("of a dual model the groups of the outcome that is named are meant", {
  need_engine()
  fit <- example_dual()
  ids <- unique(fit$ids)
  set.seed(3)
  people <- data.frame(id = ids, x = stats::rnorm(length(ids)) + unname(assignment(of_outcome(fit, 2))),
                       z = stats::rnorm(length(ids)))
  file <- tempfile(fileext = ".csv")
  utils::write.csv(transform(people, x = sprintf("%.17g", x), z = sprintf("%.17g", z)), file, row.names = FALSE,
                   quote = FALSE)
  table <- sprintf("__import__('pandas').read_csv(%s)", deparse(file))
  for (one in c("aggression", "offenses")) {
    out <- calm(distal(fit, x ~ group + z, people, groups_of = one))
    lead <- calm(predictors(fit, ~z, people, groups_of = one))
    theirs <- python_says(fit, c(
      sprintf("res.distal('x ~ group + z', %s, groups_of='%s').params", table, one),
      sprintf("res.distal('x ~ group + z', %s, groups_of='%s').cov_params()", table, one),
      sprintf("res.distal('x ~ group + z', %s, groups_of='%s').compare()['difference']", table, one),
      sprintf("res.predictors('~ z', %s, groups_of='%s').params", table, one)
    ))
    expect_equal(unname(coef(out)), theirs[[1]], tolerance = 1e-10, label = one)
    expect_equal(as.vector(vcov(out)), theirs[[2]], tolerance = 1e-10, label = one)
    expect_equal(compare(out)$difference, theirs[[3]], tolerance = 1e-10, label = one)
    expect_equal(unname(coef(lead)), theirs[[4]], tolerance = 1e-10, label = one)
    # its own set of groups: the naive means are those of the people assigned
    naive <- calm(distal(fit, x ~ group, people, groups_of = one, method = "naive"))
    own <- unname(assignment(of_outcome(fit, one)))
    expect_equal(naive$groups$mean, as.vector(tapply(people$x, own, mean)), tolerance = 1e-10)
  }
  expect_identical(coef(calm(distal(fit, x ~ group, people, groups_of = 2))),
                   coef(calm(distal(fit, x ~ group, people, groups_of = "offenses"))))
  expect_error(distal(fit, x ~ group, people), "groups_of = \"aggression\" or \"offenses\"",
               class = "gbtm_two_group_sets")
  expect_error(distal(fit, x ~ group, people, groups_of = "bmi"), class = "gbtm_unknown_outcome")
  for (ask in list(function(part) distal(part, x ~ group, people), function(part) predictors(part, ~z, people))) {
    expect_error(ask(of_outcome(fit, 1)), "groups_of = \"aggression\"", class = "gbtm_part_of_a_fit")
  }
})

test_that("of outcomes that share their groups there is one set of them", {
  need_engine()
  fit <- several_fit_of("multi")
  people <- data.frame(id = unique(fit$ids))
  people$x <- sin(seq_along(people$id)) + unname(assignment(fit))
  out <- calm(distal(fit, x ~ group, people, method = "naive"))
  expect_equal(out$groups$mean, as.vector(tapply(people$x, unname(assignment(fit)), mean)), tolerance = 1e-10)
})
