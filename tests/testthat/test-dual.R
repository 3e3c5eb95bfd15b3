# Dual models: what is fitted, what is kept, and what is asked of the whole or of one outcome.

test_that("an independent program has the same numbers", {
  need_engine()
  for (which in c("dual", "dual_risk")) {
    fit <- dual_fit(which)
    want <- several_expected()[[which]]
    expect_equal(fit$loglik, want$llf, tolerance = 1e-9)
    expect_identical(names(coef(fit)), dual_names(which))
    expect_equal(coef(fit), dual_reference(names(coef(fit)), which), ignore_attr = TRUE, tolerance = 1e-6)
    se <- summary(fit)$coefficients[, 2]
    expect_equal(se, dual_reference(names(coef(fit)), which, "se"), ignore_attr = TRUE, tolerance = 1e-5)
    theirs <- utils::read.csv(several_folder(paste0(which, "_posterior.csv")))
    ours <- posterior(fit)
    expect_equal(as.matrix(ours[2:7]), as.matrix(theirs[grep("^P", names(theirs))][1:6]), ignore_attr = TRUE,
                 tolerance = 1e-6)
  }
})

test_that("long tables of their own, joined by id, with groups by name", {
  need_engine()
  d <- dual_data()
  long <- function(s) {
    columns <- dual_wide()[[s]]
    table <- data.frame(id = rep(d$id, length(columns)), rep(dual_wide()[[paste0("t", s)]], each = nrow(d)),
                        unlist(d[columns], use.names = FALSE), x = d$x, z = d$z)
    names(table)[2:3] <- c(paste0("t", s), s)
    table[!is.na(table[[s]]), ]
  }
  fit <- gbtm(list(outcome(a ~ ta, order = 1), outcome(b ~ tb, order = 1, family = "poisson",
                                                      data = long("b")[c("tb", "id", "b")])),
              long("a"), id = "id", groups = c(b = 2, a = 3), risk = ~ x, risk2 = "z", start = dual_fit("dual_risk"))
  expect_equal(coef(fit), coef(dual_fit("dual_risk")), tolerance = 1e-7)
  expect_equal(unname(transitions(fit)$se), transitions(dual_fit("dual_risk"))$se, tolerance = 1e-7)
  without <- update(fit, risk2 = NULL, start = unname(coef(fit)[names(coef(fit)) != "theta2_z[2]"]))
  ratio <- anova(without, fit)
  expect_equal(ratio$Df[2], 1)
  expect_equal(ratio$Chisq[2], 2 * (fit$loglik - without$loglik))
})

test_that("factors predict the second set, with levels of fitted people alone, and new people are scored by them", {
  need_engine()
  d <- two_outcomes()
  d$region <- factor(c("north", "south", "west")[1 + d$id %% 3], levels = c("west", "north", "south", "none"))
  fit <- suppressWarnings(gbtm(list(y ~ t, n ~ t), d, id = "id", groups = 2, link = "dual", order = 0, risk2 = ~ region,
                               family = c("normal", "poisson"), refgroup2 = 2, control = gbtm_control(n_starts = 2)))
  expect_identical(fit$dual$covariates[[2]], c("regionnorth", "regionsouth"))
  expect_identical(tail(names(coef(fit)), 4),
                   c("theta2[1|1]", "theta2[1|2]", "theta2_regionnorth[1]", "theta2_regionsouth[1]"))
  pairs <- function(table) as.matrix(table[grep("^pair_", names(table))])
  expect_equal(pairs(predict(fit, d, type = "posterior")), pairs(posterior(fit)), ignore_attr = TRUE, tolerance = 1e-7)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  again <- read_gbtm(file)
  expect_equal(pairs(predict(again, d, type = "posterior")), pairs(posterior(fit)), ignore_attr = TRUE,
               tolerance = 1e-7)
  theirs <- run_python(c(
    "import gbtm, pandas as pd", sprintf("res = gbtm.load(%s)", deparse(file)),
    "d = pd.DataFrame({'id': [1, 2], 'region': ['west', 'south']})",
    "import warnings; warnings.simplefilter('ignore')",
    "print(*('%.17g' % v for v in res.classify(d)['probability']))"
  ))
  people <- data.frame(id = 1:2, region = c("west", "south"))
  for (one in list(fit, again)) {
    expect_warning(prior <- predict(one, people, type = "posterior"), class = "gbtm_prior")
    expect_equal(as.vector(t(pairs(prior))), as.numeric(strsplit(theirs, " ")[[1]]), tolerance = 1e-10)
  }
  b <- coef(fit)
  given <- stats::plogis(b[["theta2[1|2]"]] + b[["theta2_regionsouth[1]"]])
  expect_equal(prior$pair_2_1[2] / (prior$pair_2_1[2] + prior$pair_2_2[2]), given, tolerance = 1e-10)
  expect_error(predict(fit, transform(people, region = "east"), type = "posterior"), class = "gbtm_new_level")
  # the groups of one outcome need no covariates of the other's
  expect_equal(nrow(suppressWarnings(predict(fit, d[c("id", "t", "y")], type = "posterior", outcome = "y"))), 16)
})

test_that("new people have the pairs, the engine's numbers, and the same from R and Python", {
  need_engine()
  fit <- dual_fit("dual_risk")
  d <- dual_data()[1:8, ]
  p <- suppressWarnings(predict(fit, d, type = "posterior"))
  expect_equal(p, posterior(fit)[1:8, ], ignore_attr = TRUE, tolerance = 1e-8)
  expect_identical(suppressWarnings(predict(fit, d, type = "assignment"))[-1], assignment(fit)[1:8, -1])
  table <- suppressWarnings(predict(fit, d, type = "group"))
  expect_identical(names(table)[3:5], c("group1", "group2", "probability"))
  expect_equal(table$probability, as.vector(t(as.matrix(p[2:7]))), tolerance = 1e-12)
  expect_true(all(table$lower <= table$probability & table$probability <= table$upper))
  # the groups of the first outcome given its own observations are those of any model
  alone <- suppressWarnings(predict(fit, d, type = "posterior", outcome = "a"))
  expect_equal(names(alone), c("id", "group_1", "group_2", "group_3", "assigned"))
})

test_that("one outcome is a fit of its own groups, as Python makes it", {
  need_engine()
  fit <- dual_fit("dual_risk")
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  for (name in c("a", "b")) {
    theirs <- tempfile(fileext = ".json")
    save <- sprintf("gbtm.load(%s).of_outcome('%s').save(%s)", deparse(file), name, deparse(theirs))
    run_python(c("import gbtm", save))
    made <- read_gbtm(theirs)
    ours <- of_outcome(fit, name)
    for (field in c("coefficients", "vcov", "posterior", "shares", "cov_shares", "reference", "blocks", "traj_names",
                    "identified", "internal", "curves", "nobs", "part_of", "data", "spec", "formula", "membership",
                    "read_as")) {
      expect_equal(ours[[field]], made[[field]], tolerance = 1e-12, ignore_formula_env = TRUE,
                   label = paste(name, field))
    }
    expect_equal(adequacy(ours)$avepp, adequacy(made)$avepp)
  }
  second <- of_outcome(fit, "b")
  shares <- group_shares(second)
  expect_equal(unname(coef(second)["theta[2]"]), log(shares$share[2] / shares$share[1]), tolerance = 1e-10)
  expect_equal(sqrt(vcov(second)["theta[2]", "theta[2]"]), shares$se[2] / prod(shares$share), tolerance = 1e-8)
  expect_equal(rowSums(group_columns(posterior(second))), rep(1, fit$n_subjects), tolerance = 1e-12,
               ignore_attr = TRUE)
})

test_that("files and saveRDS() keep all of it, and Python has the same digits", {
  need_engine()
  fit <- dual_fit("dual_risk")
  file <- tempfile(fileext = ".json")
  back <- tempfile(fileext = ".json")
  kept <- tempfile(fileext = ".rds")
  write_gbtm(fit, file)
  saveRDS(fit, kept)
  lines <- run_python(c(
    "import gbtm", sprintf("res = gbtm.load(%s); res.save(%s)", deparse(file), deparse(back)),
    "print(*('%.17g' % v for v in res.params)); print(*('%.17g' % v for v in res.bse))",
    "print(*('%.17g' % v for v in res.predict()['upper'])); print(*('%.17g' % v for v in res.entropies))"
  ))
  said <- lapply(strsplit(lines, " "), as.numeric)
  expect_identical(said[[1]], unname(coef(fit)))
  expect_equal(said[[2]], unname(sqrt(diag(vcov(fit)))), tolerance = 1e-14)
  expect_equal(said[[3]], predict(fit)$upper, tolerance = 1e-12)
  expect_equal(said[[4]], unname(entropy(fit)), tolerance = 1e-12)
  for (again in list(read_gbtm(file), read_gbtm(back), readRDS(kept))) {
    expect_s3_class(again, "gbtm_dual")
    expect_identical(coef(again), coef(fit))
    expect_identical(vcov(again), vcov(fit))
    expect_identical(transitions(again), transitions(fit))
    expect_identical(coef(of_outcome(again, "b")), coef(of_outcome(fit, "b")))
  }
  second <- tempfile(fileext = ".json")
  write_gbtm(read_gbtm(file), second)
  expect_identical(readBin(second, "raw", file.size(second)), readBin(file, "raw", file.size(file)))
  broken <- sub("\"two_step\"", "\"two_steps\"", readLines(file, warn = FALSE), fixed = TRUE)
  writeLines(broken, second)
  expect_error(read_gbtm(second), "dual.two_step", class = "gbtm_bad_document")
})

test_that("what is of one set of groups is refused in a sentence that says where to ask it", {
  fit <- example_dual()
  for (field in gbtm:::of_one_set) {
    expect_error(eval(call("$", fit, field)), class = "gbtm_two_group_sets")
    expect_error(fit[[field]], class = "gbtm_two_group_sets")
  }
  asks <- list(adequacy, avepp, occ, odds_ratios, plot_groups, plot_posteriors, traj_data, equal_curves)
  for (ask in asks) expect_error(ask(fit), "of_outcome\\(fit, \"aggression\"\\)", class = "gbtm_two_group_sets")
  for (ask in list(fitted, residuals, terms, plot_matrix)) {
    expect_error(ask(fit), class = "gbtm_several_outcomes")
  }
  expect_error(plot(fit, labels = c("low", "high")), "labels = list\\(aggression", class = "gbtm_two_group_sets")
  expect_error(plot(fit, groups = 1), class = "gbtm_two_group_sets")
  expect_error(logLik(of_outcome(fit, 1)), class = "gbtm_part_of_a_fit")
  expect_equal(nrow(adequacy(of_outcome(fit, "offenses"))), 2)
})

test_that("what is no dual model is refused in words", {
  d <- two_outcomes()
  two <- list(y ~ t, n ~ t)
  refused <- function(code, ...) expect_error(gbtm(...), class = paste0("gbtm_", code))
  refused("bad_groups", two, d, id = "id", groups = c(3, 2, 2))
  refused("unknown_outcome", two, d, id = "id", groups = c(y = 3, z = 2))
  refused("bad_groups", two, d, id = "id", groups = c(3, 2), link = "multi")
  refused("bad_groups", y ~ t, d, id = "id", groups = c(3, 2))
  refused("bad_groups", y ~ t, d, id = "id", groups = 2, link = "dual")
  refused("bad_link", two, d, id = "id", groups = 2, link = "joint")
  refused("no_second_groups", y ~ t, d, id = "id", groups = 2, risk2 = ~ sex)
  refused("no_second_groups", two, d, id = "id", groups = 2, risk2 = ~ sex)
  refused("no_second_groups", two, d, id = "id", groups = 2, refgroup2 = 2)
  refused("bad_refgroup2", two, d, id = "id", groups = c(2, 2), refgroup2 = 0)
  expect_error(gbtm_search(y ~ t, d, id = "id", groups = 2, risk2 = ~ sex), class = "gbtm_no_second_groups")
  need_engine()
  refused("bad_refgroup2", two, d, id = "id", groups = c(2, 2), refgroup2 = 3)
  refused("not_constant", two, d, id = "id", groups = c(2, 2), risk2 = ~ x)
  refused("constant_covariate", two, transform(d, one = 1), id = "id", groups = c(2, 2), risk2 = ~ one)
})

test_that("print, summary and tables have both sets of groups", {
  fit <- example_dual()
  expect_output(print(fit), "2 outcomes, 2 and 2 groups (dual model)", fixed = TRUE)
  shown <- capture.output(print(summary(fit)))
  for (line in c("aggression: Membership logits (reference: group 1)", "Group shares of offenses",
                 "Groups of offenses given those of aggression:", "offenses: group 2 (37.1 %)")) {
    expect_true(line %in% shown, label = line)
  }
  expect_true(any(grepl("theta2[2|1]", shown, fixed = TRUE)))
  expect_true(any(grepl("of aggression, .* of offenses, .* of pairs", shown)))
  tidied <- tidy(fit)
  expect_identical(tidied$outcome[tidied$component == "membership"], rep(c("aggression", "offenses"), 1:2))
  glanced <- glance(fit)
  expect_identical(glanced$n_groups, "2 x 2")
  p <- fit$dual$posterior
  expect_equal(glanced$entropy, 1 + sum(p * log(p), na.rm = TRUE) / (160 * log(4)))
  expect_identical(nrow(augment(fit)), as.integer(nobs(fit)))
  ours <- assignment(fit)
  expect_identical(ours$group2, unname(assignment(of_outcome(fit, 2))))
  best <- max.col(p, ties.method = "first")
  expect_identical(ours$pair1, as.integer((best - 1) %/% 2 + 1))
})

test_that("draws, tests and the bootstrap take the whole fit", {
  need_engine()
  fit <- example_dual()
  drawn <- simulate(fit, seed = 3)
  groups <- unique(drawn[c("id", "outcome", "group")])
  expect_equal(nrow(groups), 2 * fit$n_subjects) # one group a person and outcome
  both <- table(split(groups$group, groups$outcome)$aggression, split(groups$group, groups$outcome)$offenses)
  expect_gt(stats::chisq.test(both)$statistic, 10) # and the two go together
  boot <- bootstrap(fit, n = 3, n_starts = 1, seed = 1)
  expect_equal(colnames(boot$shares), c("pair_1_1", "pair_1_2", "pair_2_1", "pair_2_2"))
  table <- predict(boot)
  slopes <- boot$params[, "aggression: intercept[2]"] + 8 * boot$params[, "aggression: age[2]"]
  here <- table[table$outcome == "aggression" & table$group == 2 & table$time == 8, ]
  expect_equal(here$se, stats::sd(slopes), tolerance = 1e-8)
  expect_output(print(boot), "Shares of the pairs of groups")
})

test_that("a joint traj command is the same model, and its printout Python's", {
  need_engine()
  d <- dual_data()
  for (i in 1:5) d[[paste0("ta", i)]] <- dual_wide()$ta[i]
  for (i in 1:4) d[[paste0("tb", i)]] <- dual_wide()$tb[i]
  command <- paste("traj, var(a1-a5) indep(ta1-ta5) model(cnorm) order(1 1 1) min(-20) max(20) risk(x) var2(b1-b4)",
                   "indep2(tb1-tb4) model2(zip) order2(1 1) iorder2(-1) risk2(z)")
  fit <- suppressWarnings(suppressMessages(traj(command, d, id = "id", control = gbtm_control(n_starts = 2))))
  expect_s3_class(fit, c("traj", "gbtm_dual"), exact = FALSE)
  expect_equal(transitions(fit)$estimate, transitions(dual_fit("dual_risk"))$estimate, tolerance = 1e-5)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  printed <- run_python(c("import gbtm", sprintf("print(gbtm.load(%s).to_traj().text)", deparse(file))))
  ours <- capture.output(print(fit))
  expect_identical(ours[seq_along(printed)], printed)
})
