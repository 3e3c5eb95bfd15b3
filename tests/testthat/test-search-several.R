# Two outcomes whose groups differ clearly: y rises in one, n does not depend on the time.
several_search <- function() {
  once("several search", function() {
    gbtm_search(list(y ~ t, n ~ t), two_outcomes(), id = "id", groups = 2, order = list(2, 1),
                family = c("normal", "poisson"), shape_starts = 2, control = gbtm_control(n_starts = 4))
  })
}

test_that("a search of several outcomes in R is one in Python, and each reads the other's file", {
  need_engine()
  ours <- several_search()
  data <- tempfile(fileext = ".csv")
  utils::write.csv(transform(two_outcomes(), y = sprintf("%.17g", y)), data, row.names = FALSE, quote = FALSE)
  theirs <- tempfile(fileext = ".json")
  mine <- tempfile(fileext = ".json")
  write_search(ours, mine)
  lines <- run_python(c(
    "import gbtm, warnings, pandas as pd", "warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(data)),
    "of = [gbtm.Outcome('y ~ t', order=2), gbtm.Outcome('n ~ t', order=1, family='poisson')]",
    "found = gbtm.search(of, d, id='id', groups=2, n_starts=4, shape_starts=2)",
    sprintf("found.save(%s)", deparse(theirs)), sprintf("s = gbtm.load_search(%s)", deparse(mine)),
    "print(*[repr(float(v)) for v in s.table['bic_subjects']])",
    "print(*[repr(float(v)) for v in s.best().params])"
  ))
  read <- read_search(theirs)
  expect_identical(read$table, ours$table)
  expect_identical(read[c("choices", "sentences", "how", "criterion")],
                   ours[c("choices", "sentences", "how", "criterion")])
  for (label in row.names(ours$table)) {
    for (field in c("coefficients", "vcov", "posterior", "ids", "search", "warnings")) {
      expect_identical(read$fits[[label]][[field]], ours$fits[[label]][[field]])
    }
  }
  numbers <- function(line) as.numeric(strsplit(line, " ")[[1]])
  expect_identical(numbers(lines[1]), ours$table$bic_subjects)
  expect_identical(numbers(lines[2]), unname(coef(best(ours))))
})

test_that("its fits are fits of several outcomes, with the data once", {
  need_engine()
  x <- several_search()
  fit <- best(x)
  expect_s3_class(fit, c("gbtm_several", "gbtm"), exact = TRUE)
  alone <- eval(fit$call)
  expect_equal(coef(alone), coef(fit), tolerance = 1e-6)
  expect_identical(eval(fit$call$order), list(c(1, 1), c(1, 1)))
  one <- of_outcome(fit, "n")
  expect_equal(predict(one), predict(of_outcome(alone, "n")), tolerance = 1e-6)
  expect_identical(names(residuals(one)), row.names(two_outcomes()))
  expect_equal(predict(fit, two_outcomes(), type = "posterior"), posterior(fit), tolerance = 1e-10)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_identical(coef(of_outcome(read_gbtm(file), 2)), coef(one))
  expect_lt(length(serialize(unclass(x), NULL)), 3 * length(serialize(unclass(fit), NULL))) # of three models
  kept <- tempfile()
  saveRDS(x, kept)
  again <- best(readRDS(kept))
  fields <- c("coefficients", "posterior", "ids", "document", "search")
  expect_identical(unclass(again)[fields], unclass(fit)[fields])
  expect_identical(again$each$n$rows, fit$each$n$rows)
})

test_that("it is printed, drawn and validated", {
  need_engine()
  x <- several_search()
  lines <- capture.output(print(x))
  expect_match(lines[1], "2 outcomes, 1 to 2 groups, 3 models", fixed = TRUE)
  expect_match(lines, "^n over t: Poisson, 64 observations", all = FALSE)
  expect_true(all(nchar(c(lines, capture.output(print(summary(x))))) <= 80))
  skip_if_not_installed("ggplot2")
  expect_s3_class(plot_criteria(x), "ggplot")
  drawn <- plot_models(x, outcome = "n")
  expect_equal(unique(subset(drawn$data, startsWith(as.character(model), "2"))$estimate[1]),
               predict(best(x), outcome = "n")$estimate[1])
  error <- expect_error(plot_models(x), class = "gbtm_several_outcomes")
  expect_match(error$way_out, "outcome = \"y\"", fixed = TRUE)
})

test_that("outcomes have tables, orders and bases of their own, and the calls of the fits say so", {
  need_engine()
  d <- two_outcomes()
  of_n <- stats::setNames(d[d$id > 2, c("id", "t", "n")], c("id", "u", "n"))
  of_y <- d[c("id", "t", "y", "sex")]
  outs <- list(outcome(y ~ splines::ns(t, 2)), outcome(n ~ u, family = "poisson", data = of_n, order = 1))
  x <- gbtm_search(outs, of_y, id = "id", groups = list(2), risk = ~ sex, shape_starts = 1, subset = id < 15,
                   control = gbtm_control(n_starts = 4))
  expect_identical(row.names(x$table)[1], "2: y splines::ns(t, 2), n 1 1")
  fit <- best(x)
  expect_identical(fit$n_subjects, 14L)
  expect_equal(logLik(eval(fit$call)), logLik(fit), tolerance = 1e-8)
  expect_true(all(names(residuals(of_outcome(fit, "n"))) %in% row.names(of_n)))
  expect_identical(nrow(predict(fit, outcome = "y", times = c(0.5, 1.5))), 4L)
  call <- fit_call(quote(gbtm_search(formula = list(outcome(y ~ t, 2), n ~ t), data = d, groups = 3)),
                   list(n_groups = 2), list(outcomes = list(list(orders = 2:1), list(orders = 0:1))),
                   as_outcomes(list(outcome(y ~ t, 2), n ~ t)))
  expect_identical(call$formula, quote(list(outcome(formula = y ~ t), n ~ t)))
  expect_identical(eval(call$order), list(c(2, 1), c(0, 1)))
  one <- gbtm_search(list(y ~ t), d, id = "id", groups = 2, order = 1, how = "groups", control = quick())
  expect_identical(one$table, gbtm_search(y ~ t, d, id = "id", groups = 2, order = 1, how = "groups",
                                          control = quick())$table)
})

# Dual models: the groups of n depend on those of y; x is a covariate of the second set.
dual_search <- function() {
  once("dual search", function() {
    gbtm_search(list(y ~ t, n ~ t), dual_outcomes(), id = "id", groups = list(y = c(2, 3), n = list(2)),
                order = list(1, 0), family = c("normal", "poisson"), risk2 = ~ x, shape_starts = 1,
                control = gbtm_control(n_starts = 2))
  })
}

dual_outcomes <- function() {
  set.seed(4)
  n <- 50
  j <- rep(0:1, each = n / 2)
  k <- as.numeric(stats::runif(n) < ifelse(j == 1, 0.8, 0.25))
  d <- expand.grid(t = 0:4, id = seq_len(n))[c("id", "t")]
  d$y <- stats::rnorm(nrow(d), 1 + j[d$id] * (1.5 + 0.6 * d$t))
  d$n <- stats::rpois(nrow(d), exp(0.2 + 1.3 * k[d$id]))
  d$n[d$id < 4] <- NA
  d$x <- rep(stats::rnorm(n), each = 5)
  d
}

test_that("a search over dual models is Python's, to the last digit", {
  need_engine()
  ours <- dual_search()
  d <- dual_outcomes()
  for (name in c("y", "x")) d[[name]] <- sprintf("%.17g", d[[name]])
  data <- tempfile(fileext = ".csv")
  utils::write.csv(d, data, row.names = FALSE, quote = FALSE)
  theirs <- tempfile(fileext = ".json")
  mine <- tempfile(fileext = ".json")
  write_search(ours, mine)
  lines <- run_python(c(
    "import gbtm, warnings, pandas as pd", "warnings.simplefilter('ignore')",
    sprintf("d = pd.read_csv(%s, float_precision='round_trip')", deparse(data)),
    "of = [gbtm.Outcome('y ~ t', order=1), gbtm.Outcome('n ~ t', order=0, family='poisson')]",
    "found = gbtm.search(of, d, id='id', groups=[[2, 3], [2]], risk2='x', n_starts=2, shape_starts=1)",
    sprintf("found.save(%s)", deparse(theirs)), sprintf("s = gbtm.load_search(%s)", deparse(mine)),
    "print(*[repr(float(v)) for v in s.table['bic_subjects']])",
    "print(*[repr(float(v)) for v in s.best().params])", "print(*s.table['groups2'])",
    "print(repr(float(s.best().transitions(at={'x': 1.0})['estimate'].iloc[0])))"
  ))
  read <- read_search(theirs)
  expect_identical(read$table, ours$table)
  same <- c("choices", "sentences", "how", "criterion")
  expect_identical(read[same], ours[same])
  for (label in row.names(ours$table)) {
    for (field in c("coefficients", "vcov", "dual", "ids", "search", "warnings")) {
      expect_identical(read$fits[[label]][[field]], ours$fits[[label]][[field]])
    }
  }
  numbers <- function(line) as.numeric(strsplit(line, " ")[[1]])
  expect_identical(numbers(lines[1]), ours$table$bic_subjects)
  expect_identical(numbers(lines[2]), unname(coef(best(ours))))
  expect_identical(numbers(lines[3]), as.numeric(ours$table$groups2))
  expect_equal(transitions(best(ours), at = c(x = 1))$estimate[1], numbers(lines[4]), tolerance = 1e-10)
})

test_that("its fits are dual models, with the data and the covariates of both sets once", {
  need_engine()
  x <- dual_search()
  expect_setequal(unique(paste(x$table$groups, x$table$groups2)), c("2 2", "3 2"))
  fit <- best(x)
  expect_s3_class(fit, c("gbtm_dual", "gbtm_several", "gbtm"), exact = TRUE)
  expect_identical(eval(fit$call$groups), as.numeric(fit$dual$sizes))
  expect_identical(lengths(eval(fit$call$order)), fit$dual$sizes)
  made <- fit$call
  made$control <- quote(gbtm_control(n_starts = 16)) # which group has which order, two starts need not find
  alone <- eval(made)
  expect_equal(as.numeric(logLik(alone)), as.numeric(logLik(fit)), tolerance = 1e-8)
  each <- function(fit) sort(transitions(fit)$estimate) # which group is the first is either's own
  expect_equal(each(alone), each(fit), tolerance = 1e-4)
  expect_identical(dim(fit$dual$risk), c(50L, 1L))
  expect_identical(alone$dual$risk, fit$dual$risk)
  expect_null(.subset2(x, "fits")[[1]]$dual$risk)
  expect_warning(again <- predict(fit, dual_outcomes(), type = "posterior"), "15 observations with a missing outcome")
  expect_equal(again, posterior(fit), tolerance = 1e-8)
  kept <- tempfile()
  saveRDS(x, kept)
  expect_identical(coef(best(readRDS(kept))), coef(fit))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_identical(read_gbtm(file)$dual, fit$dual)
})

test_that("the reference groups of both sets are those asked for", {
  need_engine()
  x <- gbtm_search(list(y ~ t, n ~ t), dual_outcomes(), id = "id", groups = 2, link = "dual", order = list(0, 0),
                   how = "groups", family = c("normal", "poisson"), refgroup2 = 2, control = quick())
  expect_identical(row.names(x$table), "2 x 2: y 0 0, n 0 0")
  expect_identical(best(x)$dual$references, c(1L, 2L))
  expect_true("theta2[1|1]" %in% names(coef(best(x))))
})

test_that("a search over dual models is printed, drawn, validated and reported on", {
  need_engine()
  x <- dual_search()
  lines <- capture.output(print(x))
  expect_match(lines[1], sprintf("2 outcomes, 2 to 3 and 2 groups, %d models", nrow(x$table)), fixed = TRUE)
  for (numbers in c("2 x 2: ", "3 x 2: ")) expect_match(lines, numbers, fixed = TRUE, all = FALSE)
  expect_true(all(nchar(c(lines, capture.output(print(summary(x))))) <= 80))
  expect_error(blrt(x), class = "gbtm_two_group_sets")
  skip_if_not_installed("ggplot2")
  picture <- plot_models(x, outcome = "n")
  expect_match(levels(picture$data$model), "^[23] x 2 groups, orders y ")
  checked <- cross_validate(x, labels = unname(x$choices["bic_subjects"]), folds = 2)
  expect_true(is.finite(checked$table[x$choices["bic_subjects"], "cv_loglik"]))
})

test_that("the criteria of dual models are drawn over both numbers of groups", {
  skip_if_not_installed("ggplot2")
  table <- expand.grid(groups2 = c(2, 10), groups = 2:4)[2:1]
  table$bic_subjects <- c(130, 110, 104, 101, 103, NA)
  table$loglik <- c(-60, -50, -45, -40, -38, -37)
  table$occ_min <- c(Inf, 9, 8, 7, 6, 5)
  table$entropy <- seq(0.9, 0.65, -0.05)
  table$flag <- c("", "", "", "", "", "no convergence")
  table <- rbind(table, transform(table[4, ], bic_subjects = 120)) # another shape of the same numbers, and worse
  row.names(table) <- c(sprintf("%d x %d: a", table$groups[1:6], table$groups2[1:6]), "3 x 10: b")
  picture <- plot_criteria(table)
  drawn <- picture$data
  of <- function(stem) subset(drawn, startsWith(as.character(panel), stem))
  bic <- of("BIC (n = subjects)\nbest 101.0")
  expect_identical(bic$text, c("+29.0", "+9.0", "+3.0", "0", "+2.0"))
  expect_identical(paste(bic$groups, bic$groups2), c("2 2", "2 10", "3 2", "3 10", "4 2"))
  expect_identical(bic$chosen, c(FALSE, FALSE, FALSE, TRUE, FALSE))
  expect_equal(bic$shade, c(0, 20, 26, 29, 27) / 29)
  expect_identical(of("Log-likelihood")$text[4:5], c("-2.0", "0"))
  expect_identical(of("Log-likelihood")$chosen, bic$chosen) # of the model that BIC chooses
  expect_identical(of("Lowest OCC of a group\n")$text, c("Inf", "9.0", "8.0", "7.0", "6.0"))
  expect_identical(of("Relative entropy")$text, c("0.90", "0.85", "0.80", "0.75", "0.70"))
  expect_identical(levels(drawn$first), c("4", "3", "2")) # from the top down
  built <- ggplot2::ggplot_build(picture)
  frames <- built$data[[2]]
  expect_equal(as.numeric(unique(frames$x)), 2)
  expect_equal(as.numeric(unique(frames$y)), 2)
  expect_identical(unique(frames$colour), gbtm:::group_colours[2])
  expect_s3_class(plot_criteria(table, show = "bic"), "ggplot")
  expect_identical(nlevels(plot_criteria(table, show = "entropy")$data$panel), 1L)
})

test_that("what cannot be searched is refused in a sentence", {
  need_engine()
  d <- two_outcomes()
  fails <- function(class, argument, ..., formula = list(y ~ t, n ~ t)) {
    error <- expect_error(gbtm_search(formula, d, id = "id", ...), class = paste0("gbtm_", class))
    expect_identical(error$argument, argument)
    expect_true(nzchar(error$way_out))
  }
  fails("unknown_how", "how", how = "grid")
  fails("bad_iorder", "iorder", iorder = "order", family = c("normal", "zip"))
  fails("bad_template", "rorder", rorder = c(0, 1))
  fails("bad_groups", "groups", groups = list(2:3, 2), link = "multi")
  fails("bad_groups", "groups", groups = list(1, 2:3))
  fails("bad_groups", "groups", groups = list(2:3))
  fails("bad_groups", "groups", groups = list(2:3, 2, 2:4))
  fails("unknown_outcome", "groups", groups = list(y = 2:3, z = 2:3))
  fails("unknown_outcome", "groups", groups = list(y = 2:3, y = 2))
  fails("bad_groups", "groups", groups = list(2:3, 2), formula = list(y ~ t))
  fails("bad_groups", "groups", groups = list(2:3, 2), formula = y ~ t)
  fails("bad_groups", "link", link = "dual", formula = y ~ t)
  fails("bad_refgroup2", "refgroup2", groups = list(2:3, 2:3), refgroup2 = 0)
  fails("no_second_groups", "refgroup2", refgroup2 = 2)
  fails("wrong_length", "order", order = list(1, 2, 3))
  fails("given_twice", "order", order = 1, formula = list(outcome(y ~ t, order = 2), n ~ t))
  fails("no_second_groups", "risk2", risk2 = "sex")
  fails("bad_order", "order", order = list(y = 9))
})
