test_that("a search in R is a search in Python, to the last digit, and each reads the other's file", {
  need_engine()
  ours <- small_search()
  theirs <- read_search(python_alone()$search)
  expect_identical(theirs$table, ours$table)
  fields <- c("choices", "sentences", "how", "criterion")
  expect_identical(theirs[fields], ours[fields])
  for (label in row.names(ours$table)) {
    for (field in c("coefficients", "vcov", "posterior", "ids", "data", "search", "warnings")) {
      expect_identical(theirs$fits[[label]][[field]], ours$fits[[label]][[field]])
    }
  }
  file <- tempfile(fileext = ".json")
  write_search(ours, file)
  expect_identical(read_search(file)$table, ours$table)
  lines <- run_python(c("import gbtm", sprintf("s = gbtm.load_search(%s)", deparse(file)),
                        "print(*[repr(float(v)) for v in s.table['bic_subjects']])", "print(s.fits['2: 1 0'].llf)"))
  expect_identical(as.numeric(strsplit(lines[1], " ")[[1]]), ours$table$bic_subjects)
  expect_identical(as.numeric(lines[2]), as.numeric(logLik(ours$fits[["2: 1 0"]])))
})

test_that("the table has what a choice needs, and the best is the best", {
  need_engine()
  x <- small_search()
  expect_identical(row.names(x$table), c("1: 1", "1: 0", "2: 1 1", "2: 1 0", "2: 0 0"))
  fit <- x$fits[["2: 1 1"]]
  expect_s3_class(fit, "gbtm")
  row <- x$table["2: 1 1", ]
  expect_equal(row$aic, AIC(fit))
  expect_equal(c(row$bic_subjects, row$bic_observations), c(BIC(fit), BIC(fit, n = "observations")))
  expect_equal(c(row$avepp_min, row$smallest_group), c(min(adequacy(fit)$avepp), min(fit$shares)))
  expect_identical(coef(best(x)), coef(x$fits[[x$choices[["bic_subjects"]]]]))
  expect_identical(coef(best(x, "traj_aic")), coef(best(x, "aic")))
  sorted <- sort(x, by = c("groups", "loglik"))
  expect_false(is.unsorted(sorted$groups))
  expect_identical(order(-sorted$loglik[sorted$groups == 2]), seq_len(3))
  expect_identical(sort(x, by = "loglik", decreasing = FALSE)$loglik, sort(x$table$loglik))
  expect_identical(as.data.frame(x), x$table)
  expect_error(best(x, "r2"), class = "gbtm_unknown_criterion")
  expect_error(best(x, "cv_loglik"), class = "gbtm_not_computed")
  expect_error(sort(x, by = "nothing"), class = "gbtm_unknown_column")
})

test_that("criteria may be called as R's users and the printed table call them", {
  need_engine()
  x <- small_search()
  expect_identical(best(x, "BIC"), best(x, "bic_subjects"))
  expect_identical(best(x, "BIC.obs"), best(x, criterion = "bic_observations"))
  expect_identical(best(x, AIC), best(x, "aic"))
  expect_identical(sort(x, by = "BIC"), sort(x, by = "bic_subjects"))
  expect_identical(criterion_name(c("ICL", "sabic", "BIC_observations", "entropy")),
                   c("icl_subjects", "sabic_subjects", "bic_observations", "entropy"))
  expect_error(best(x, "DIC"), "\"DIC\" is not known", class = "gbtm_unknown_criterion")
})

test_that("equal searches are identical", {
  need_engine()
  d <- small_data()
  formula <- y ~ t
  made <- lapply(1:2, function(i) gbtm_search(formula, d, "id", 2, 1, "groups", "BIC", control = quick(), seed = 1))
  expect_identical(made[[1]], made[[2]])
})

test_that("a fit of a search is a fit: documents, new people, update", {
  need_engine()
  fit <- best(small_search())
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_identical(read_gbtm(file)[c("ids", "data", "posterior", "coefficients")],
                   fit[c("ids", "data", "posterior", "coefficients")])
  expect_equal(predict(fit, small_data(), type = "posterior"), posterior(fit), tolerance = 1e-10)
  expect_identical(names(residuals(fit)), row.names(small_data()))
  expect_identical(fit$call$groups, 2)
  again <- update(fit, start = fit)
  expect_equal(coef(again), coef(fit), tolerance = 1e-6)
})

test_that("it prints within the width, and lives without Python after saveRDS()", {
  need_engine()
  x <- small_search()
  for (lines in list(capture.output(print(x)), capture.output(print(summary(x))))) {
    expect_true(all(nchar(lines) <= 80))
    expect_match(lines, "^2: 1 1 .*\\*", all = FALSE)
  }
  file <- tempfile(fileext = ".rds")
  saveRDS(x, file)
  answer <- fresh_session(c(
    sprintf("x <- readRDS(%s)", deparse(file)), "stopifnot(!gbtm_engine()$available)", "print(x)", "summary(x)",
    "grDevices::png(tempfile())", "if (requireNamespace('ggplot2', quietly = TRUE)) plot(x)", "plot(best(x))",
    "grDevices::dev.off()", "print(best(x))", "print(adequacy(best(x)))", "cat('all', nrow(predict(best(x))), '\\n')"
  ), env = "GBTM_PYTHON=no-such-python")
  expect_match(answer, "all 8", all = FALSE)
  expect_false(any(grepl("python", unlist(lapply(unclass(x), class)), ignore.case = TRUE)))
  # the data once: five fits in less than twice the room of one
  expect_lt(length(serialize(unclass(x)$fits, NULL)), 5 * length(serialize(unclass(best(x)), NULL)))
})

test_that("bases, covariates, weights and wide data are searched too", {
  need_engine()
  d <- small_data()
  d$male <- d$id %% 2
  d$w <- 1 + d$id %% 3
  control <- gbtm_control(n_starts = 2)
  x <- suppressWarnings(gbtm_search(y ~ splines::bs(t, df = 3), d, id = "id", groups = list(2), risk = ~ male,
                                    weights = "w", control = control))
  expect_identical(row.names(x$table), "2: splines::bs(t, df = 3)")
  fit <- x$fits[[1]]
  expect_identical(nrow(predict(fit, times = c(0.3, 2.2))), 4L)
  expect_true(any(grepl("^theta_male", names(coef(fit)))))
  expect_identical(fit$weights, fit$weights[match(fit$ids, fit$ids)])
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_identical(read_gbtm(file)$weights, fit$weights)
  expect_equal(adequacy(read_gbtm(file)), adequacy(fit))
  wide <- reshape(d[c("id", "t", "y")], idvar = "id", timevar = "t", v.names = "y", direction = "wide", sep = "_")
  long <- gbtm_search(y ~ t, d, id = "id", groups = list(2), order = 1, how = "groups", control = control)
  other <- gbtm_search(y ~ t, wide, id = "id", wide = list(y = "y_*", t = 0:3), groups = list(2), order = 1,
                       how = "groups", control = control)
  expect_identical(other$table$loglik, long$table$loglik)
})

test_that("a checkpoint is gone on from, and a budget ends a search in words", {
  need_engine()
  folder <- tempfile()
  search <- function(...) {
    gbtm_search(y ~ t, small_data(), id = "id", groups = 2, order = 1, how = "groups",
                control = gbtm_control(n_starts = 2), checkpoint = folder, ...)
  }
  short <- search(time_budget = 1e-6)
  expect_identical(nrow(short$table), 1L)
  expect_match(short$sentences, "time budget", all = FALSE)
  kept <- list.files(folder, full.names = TRUE)
  written <- file.mtime(kept)
  whole <- search()
  expect_gt(length(list.files(folder)), length(kept))
  expect_identical(file.mtime(kept), written)
  expect_identical(search()$table, whole$table)
  expect_error(search(cov_type = "robust"), class = "gbtm_other_checkpoint")
})

test_that("errors are classed and name what is wrong", {
  d <- small_data()
  fails <- function(class, argument, ...) {
    error <- expect_error(gbtm_search(y ~ t, d, id = "id", ...), class = paste0("gbtm_", class))
    expect_identical(error$argument, argument)
    expect_true(nzchar(error$way_out))
  }
  fails("unknown_argument", "familly", familly = "zip")
  fails("bad_control", "control", control = 3)
  fails("bad_flag", "iorder_by_group", iorder_by_group = NA)
  need_engine()
  fails("unknown_how", "how", how = "best")
  fails("unknown_criterion", "criterion", criterion = "r2")
  fails("bad_groups", "groups", groups = 0)
  fails("bad_order", "order", order = -1)
  fails("bad_n_jobs", "n_jobs", n_jobs = 0)
  fails("bad_iorder", "iorder", iorder = "order")
  fails("bad_time_budget", "time_budget", time_budget = -1)
  fails("bad_device", "device", control = gbtm_control(device = "abacus"))
  expect_error(read_search(tempfile()), class = "gbtm_no_file")
  expect_error(read_search(tempdir()), class = "gbtm_no_file")
  file <- tempfile()
  writeLines("{}", file)
  expect_error(read_search(file), class = "gbtm_bad_document")
  expect_error(write_search(small_fit(), file), class = "gbtm_bad_search")
})
