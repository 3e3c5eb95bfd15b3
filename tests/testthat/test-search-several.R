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
  fails("dual_search", "groups", groups = list(2:3, 2))
  fails("wrong_length", "order", order = list(1, 2, 3))
  fails("given_twice", "order", order = 1, formula = list(outcome(y ~ t, order = 2), n ~ t))
  fails("no_second_groups", "risk2", risk2 = "sex")
  fails("bad_order", "order", order = list(y = 9))
})
