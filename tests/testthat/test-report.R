# Whether the engine's Python has what reports need.
need_report <- function() {
  need_engine()
  gbtm:::engine_bridge()
  for (module in c("jinja2", "docx", "tabulate", "great_tables")) {
    if (!reticulate::py_module_available(module)) skip(paste("no", module))
  }
}

test_that("a fit and a search are reported on", {
  need_report()
  file <- tempfile(fileext = ".html")
  expect_identical(grolts_report(small_fit(), file, author = "A. B\u00f6hm", checks = FALSE), file)
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, "A. B\u00f6hm", fixed = TRUE)
  expect_match(text, "GRoLTS", fixed = TRUE)
  file <- tempfile(fileext = ".md")
  grolts_report(small_search(), file)
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, formatC(BIC(best(small_search())), format = "f", digits = 2), fixed = TRUE)
  expect_error(grolts_report(small_fit(), tempfile(fileext = ".xyz")), class = "gbtm_unknown_format")
  expect_error(grolts_report(3, file), class = "gbtm_bad_fit")
})

# The code of a report in one language, run on a table; what it makes, by name.
made_by_code <- function(x, data, ...) {
  file <- tempfile(fileext = ".md")
  table <- tempfile(fileext = ".csv")
  data$y <- sprintf("%.17g", data$y)
  utils::write.csv(data, table, row.names = FALSE, quote = FALSE)
  grolts_report(x, file, checks = FALSE, data_file = table, ...)
  lines <- readLines(file, encoding = "UTF-8", warn = FALSE)
  begin <- which(lines == "library(gbtm)")
  code <- lines[seq(begin, begin + which(startsWith(lines[-seq_len(begin)], "```"))[1] - 1)]
  made <- new.env()
  utils::capture.output(eval(parse(text = code), made))
  c(as.list(made), code = list(code))
}

test_that("the code of a report makes the fit again, and from its optimum", {
  need_report()
  fit <- small_fit()
  made <- made_by_code(fit, small_data())
  expect_identical(coef(made$fit), coef(fit))
  at <- grep("the same optimum without a search:", made$code)
  code <- made$code
  below <- seq(at + 1, length(code))
  code[below] <- sub("^( *)# ", "\\1", code[below])
  again <- new.env()
  utils::capture.output(eval(parse(text = code), again))
  expect_equal(as.numeric(logLik(again$fit)), as.numeric(logLik(fit)), tolerance = 1e-10)
  expect_match(again$fit$search$sentence, "start values given")
})

test_that("the code of a report makes the search again", {
  need_report()
  search <- gbtm_search(y ~ t, small_data(), id = "id", groups = list(2), order = c(0, 1), how = "grid",
                        criterion = "aic", shape_starts = 2, refgroup = 2,
                        control = gbtm_control(n_starts = 3, seed = 5))
  file <- tempfile(fileext = ".json")
  write_search(search, file)
  for (x in list(search, read_search(file))) {
    made <- made_by_code(x, small_data(), criterion = "aic")
    expect_identical(made$found$table, search$table)
    expect_equal(as.numeric(logLik(made$fit)), as.numeric(logLik(best(search))), tolerance = 1e-8)
    expect_true("fit <- best(found)" %in% made$code)
  }
})

test_that("a report says what it is doing", {
  need_report()
  expect_error(grolts_report(small_fit(), tempfile(fileext = ".md"), progress = NA), class = "gbtm_error")
  said <- character()
  tell <- function(what, seconds) said <<- c(said, what) # in place of the line, which waits two seconds
  gbtm:::call_bridge("grolts_report", gbtm:::document_text(small_fit()), "fit", tempfile(fileext = ".md"), "{}", tell)
  expect_match(said, "report", all = FALSE)
})

test_that("tables go out as text and as files", {
  need_report()
  expect_match(to_table(small_fit(), "markdown"), "Estimates")
  expect_match(to_table(small_search(), "latex"), "tabular")
  expect_match(to_table(adequacy(small_fit()), "html"), "<table")
  given <- data.frame(name = c("a|b", NA), count = c(1L, NA), size = c(1.25, NA), row.names = c("x", "y"))
  expect_output(print(to_table(given, digits = c(size = 2))), "1.25")
  file <- tempfile(fileext = ".docx")
  expect_identical(to_table(small_fit(), "docx", file = file, what = "groups"), file)
  expect_gt(file.size(file), 5000)
  expect_error(to_table(small_fit(), "docx"), class = "gbtm_no_file")
  expect_error(to_table(small_fit(), what = "nothing"), class = "gbtm_unknown_table")
})

test_that("tidy methods are there for other packages", {
  skip_if_not_installed("generics")
  fit <- example_fit()
  table <- generics::tidy(fit, conf.int = TRUE)
  expect_identical(table$term, names(coef(fit)))
  expect_identical(table$estimate, unname(coef(fit)))
  expect_identical(unname(as.matrix(table[c("conf.low", "conf.high")])), unname(confint(fit)))
  expect_identical(generics::glance(fit)$BIC, BIC(fit))
  rows <- generics::augment(fit)
  expect_equal(rows$.fitted + rows$.resid, rows$offenses)
  d <- example_data()
  need_engine()
  mine <- gbtm(offenses ~ age, d, id = "id", groups = 1, order = 1, family = "poisson", control = quick())
  full <- generics::augment(mine, d)
  expect_identical(nrow(full), nrow(d))
  expect_identical(is.na(full$.fitted), is.na(d$offenses))
  expect_equal(full$.fitted + full$.resid, as.double(d$offenses))
  x <- small_search()
  expect_identical(nrow(generics::tidy(x)), nrow(x$table))
  expect_identical(generics::glance(x)$model, x$choices[["bic_subjects"]])
})

test_that("a report made from R speaks of R's functions", {
  need_report()
  fit <- small_fit()
  # a sentence of the engine's that names what does it in Python
  said <- "Report both, fit(start=res.optimum(2)) fits the other."
  told <- sprintf("\"warnings\": [{\"code\": \"tie\", \"group\": null, \"parameters\": [], \"message\": \"%s\"}]", said)
  fit$document$text <- sub("\"warnings\": \\[[^]]*\\]", told, fit$document$text)
  fit$warnings <- list(list(code = "tie", message = gbtm:::in_r_words(said)))
  file <- tempfile(fileext = ".md")
  grolts_report(fit, file, checks = FALSE)
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, "update(fit, start = optimum(fit, 2)) fits the other", fixed = TRUE)
  before <- sub("## Code that makes the fit again\n.*", "", text)
  expect_lt(nchar(before), nchar(text))
  expect_no_match(before, "\\bres\\.|search\\.[a-z_]+\\(|gbtm\\.report")
})

test_that("tables and reports of several outcomes are Python's, and speak of every one", {
  need_engine()
  fit <- two_outcome_fit()
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  theirs <- run_python(c("import gbtm", "from gbtm.report.exports import to_table",
                         sprintf("print(to_table(gbtm.load(%s), 'markdown'))", deparse(file))))
  ours <- strsplit(as.character(to_table(fit)), "\n")[[1]]
  numbers <- function(lines) unlist(regmatches(lines, gregexpr("-?[0-9]+[.][0-9]+", lines)))
  expect_identical(numbers(ours), numbers(theirs))
  expect_gt(length(numbers(ours)), 20)
  report <- tempfile(fileext = ".html")
  grolts_report(fit, report)
  text <- paste(readLines(report, warn = FALSE, encoding = "UTF-8"), collapse = "\n")
  for (part in c("y and n, whose groups are the same", "y over t: polynomial orders 1, 1", "n over t: polynomial")) {
    expect_true(grepl(part, text, fixed = TRUE))
  }
  expect_error(grolts_report(fit, report, checks = TRUE), class = "gbtm_several_outcomes")
  for (ask in list(to_table, function(x) grolts_report(x, report))) {
    expect_error(ask(of_outcome(fit, "n")), class = "gbtm_part_of_a_fit")
  }
})

test_that("a dual model is reported on, with the tables of both sets of groups", {
  need_report()
  fit <- example_dual()
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  tables <- c("estimates", "groups", "transitions", "reverse", "joint", "margins", "independence", "association",
              "two_step")
  theirs <- run_python(c("import gbtm", "from gbtm.report.exports import to_table",
                         sprintf("res = gbtm.load(%s)", deparse(file)),
                         sprintf("print(to_table(res, 'latex', what='%s'), '\\n=====')", tables)))
  theirs <- strsplit(paste(theirs, collapse = "\n"), "=====")[[1]]
  numbers <- function(text) unlist(regmatches(text, gregexpr("-?[0-9]+[.][0-9]+", text)))
  for (at in seq_along(tables)) {
    ours <- numbers(as.character(to_table(fit, "latex", what = tables[at])))
    expect_gt(length(ours), 1)
    expect_identical(ours, numbers(theirs[at]))
  }
  report <- tempfile(fileext = ".md")
  grolts_report(fit, report)
  text <- paste(readLines(report, warn = FALSE, encoding = "UTF-8"), collapse = "\n")
  shown <- sprintf("%.1f", 100 * transitions(fit)$estimate)
  for (part in c(outcome_names(fit), shown, "given those of", "independen")) {
    expect_true(grepl(part, text, fixed = TRUE), info = part)
  }
  before <- sub("## Code that makes the fit again\n.*", "", text)
  expect_lt(nchar(before), nchar(text))
  expect_no_match(before, "\\bres\\.|search\\.[a-z_]+\\(|gbtm\\.report")
  expect_error(grolts_report(fit, report, checks = TRUE), class = "gbtm_several_outcomes")
})

test_that("the R code of several outcomes makes the same fit, of a dual model too", {
  need_engine()
  d <- two_outcomes()
  own <- d[d$id > 2, c("id", "t", "n")]
  outcomes <- list(outcome(y ~ t, order = 0), outcome(n ~ t, order = 0, family = "poisson", data = own))
  quietly <- function(expr) suppressWarnings(expr, classes = "gbtm_warning")
  fits <- list(two_outcome_fit(), quietly(gbtm(outcomes, d, id = "id", groups = c(2, 2), risk = ~ sex,
                                               control = gbtm_control(n_starts = 2))))
  folder <- tempfile()
  dir.create(folder)
  utils::write.csv(d, file.path(folder, "data.csv"), row.names = FALSE)
  utils::write.csv(own, file.path(folder, "n.csv"), row.names = FALSE)
  here <- setwd(folder)
  on.exit(setwd(here))
  for (fit in fits) {
    write_gbtm(fit, "fit.json")
    code <- run_python(c("import gbtm", "from gbtm.recipes.code import code_for",
                         "print(code_for(gbtm.load('fit.json'), 'R'))"))
    made <- new.env()
    quietly(eval(parse(text = code[code != "summary(fit)"]), made))
    expect_equal(logLik(made$fit), logLik(fit), tolerance = 1e-9)
    expect_equal(coef(made$fit), coef(fit), tolerance = 1e-4)
  }
})

test_that("a section on distal outcomes has the results' numbers, in R's words", {
  need_report()
  fit <- distal_fit("d2_zip_k3")
  people <- distal_people("d2_zip_k3")
  few <- calm(distal(fit, o_binary ~ group + I(v1^2), people[people$id <= 60, ]))
  cox <- calm(distal(fit, Surv(o_time, o_event) ~ group, people))
  lead <- calm(predictors(fit, ~z1, people))
  file <- tempfile(fileext = ".md")
  grolts_report(fit, file, checks = FALSE, distal = list(few, cox, lead))
  text <- paste(readLines(file, encoding = "UTF-8", warn = FALSE), collapse = "\n")
  expect_match(text, "o_binary ~ group + I(v1^2)", fixed = TRUE)
  expect_match(text, "Surv(o_time, o_event) ~ group", fixed = TRUE)
  expect_true(length(few$warnings) > 0)
  for (words in few$warnings) expect_match(text, words, fixed = TRUE)
  for (number in c(few$groups$probability, cox$groups$hazard_ratio[-1], coef(lead)[["theta_z1[2]"]])) {
    expect_match(text, formatC(number, format = "f", digits = 3), fixed = TRUE)
  }
  grolts_report(fit, file, checks = FALSE, distal = lead)
  expect_match(paste(readLines(file, warn = FALSE), collapse = "\n"), "Odds ratios of membership", fixed = TRUE)
  traj <- calm(distal(fit, o_binary ~ group, people, method = "traj"))
  for (given in list(traj, "few", list(few, 3), data.frame(a = 1), few$groups)) {
    expect_error(grolts_report(fit, file, checks = FALSE, distal = given), class = "gbtm_bad_distal")
  }
  elsewhere <- calm(distal(distal_fit("d1_normal_k2"), o_binary ~ group, distal_people("d1_normal_k2")))
  expect_error(grolts_report(fit, file, checks = FALSE, distal = elsewhere), "groups of another fit",
               class = "gbtm_bad_distal")
})
