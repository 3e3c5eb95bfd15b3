wide_example <- function() {
  d <- example_data()
  wide <- reshape(d, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide", sep = "_")
  for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
  wide
}

toupper_names <- function(text) gsub("offenses", "OFFENSES", text)

command <- "traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)"

test_that("a command fits what gbtm() fits, with traj's covariance and table", {
  need_engine()
  wide <- wide_example()
  fit <- traj(command, wide, control = quick())
  expect_s3_class(fit, c("traj", "gbtm"), exact = TRUE)
  long <- transform(example_data(), t = (age - 13.5) / 3.5)
  same <- gbtm(offenses ~ t, data = long, id = "id", groups = 2, family = "zip", cov_type = "traj", control = quick())
  expect_equal(unname(coef(fit)), unname(coef(same)), tolerance = 1e-6)
  expect_equal(unname(vcov(fit)), unname(vcov(same)), tolerance = 1e-5)
  expect_identical(fit$traj_names[1:4], c("interc1", "linear1", "quadra1", "interc2"))
  expect_output(print(fit), "Maximum Likelihood Estimates")
  expect_output(print(fit), "starts reached")
  expect_output(print(summary(fit)), "traj's correction")
  expect_identical(fit$ids, seq_len(nrow(wide)))
  expect_identical(traj(command, wide, id = "id", control = quick())$ids, wide$id)
})

test_that("matrices give start values", {
  need_engine()
  wide <- wide_example()
  fit <- traj(command, wide, control = quick())
  with_start <- paste(command, "start(b0)")
  again <- traj(with_start, wide, matrices = list(b0 = matrix(coef(fit), 1)), control = quick())
  expect_equal(coef(again), coef(fit), tolerance = 1e-7)
  expect_error(traj(with_start, wide), class = "gbtm_bad_start")
})

test_that("what cannot be honoured is an error", {
  expect_error(traj(2, data.frame()), class = "gbtm_not_traj")
  need_engine()
  wide <- wide_example()
  expect_error(traj("logit y x", wide), class = "gbtm_not_traj")
  expect_error(traj(sub("t_10", "q_10", command), wide), class = "gbtm_unknown_column")
  expect_error(traj(paste(command, "nonsense(1)"), wide), class = "gbtm_error")
  wide$offenses_10 <- factor(wide$offenses_10)
  expect_error(traj(command, wide), class = "gbtm_not_numeric")
})

test_that("a do-file is read as Stata reads it: case, if, comments, several commands, pictures", {
  need_engine()
  wide <- wide_example()
  wide$sex <- factor(rep_len(c("F", "M"), nrow(wide)))
  text <- sub("traj,", "quietly traj if sex == \"F\" & id < 90, /// women", toupper_names(command), fixed = TRUE)
  text <- sub("/// women", "/// women\n", text, fixed = TRUE)
  some <- wide[wide$sex == "F" & wide$id < 90, ]
  expect_message(
    expect_warning(fit <- traj(text, wide, id = "id", control = quick()), class = "gbtm_assumed"), "quietly"
  )
  same <- traj(command, some, id = "id", control = quick())
  expect_equal(fit$loglik, same$loglik, tolerance = 1e-10)
  expect_identical(fit$ids, some$id)
  expect_identical(which(!is.na(traj_data(fit)[["_traj_Group"]])), which(wide$sex == "F" & wide$id < 90))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  lines <- c("* two fits", command, "trajplot, xtitle(Age) xlabel(-1(1)1) ci", sub("2 2", "1 1", command))
  both <- traj(lines, wide, control = quick())
  expect_length(both, 2)
  expect_s3_class(both[[2]], "traj")
})

test_that("every fault of a text is told with its place, and other commands by name", {
  need_engine()
  wide <- wide_example()
  wrong <- sub("t_10", "q_10", sub("order(2 2)", "order(a)", command, fixed = TRUE))
  error <- tryCatch(traj(c(wrong, "estat ic"), wide), error = identity)
  expect_s3_class(error, "gbtm_several_faults")
  expect_match(conditionMessage(error),
               "line 1, column [0-9]+: indep.*line 1, column [0-9]+: order.*line 2, column 1: estat")
  expect_error(traj("traj, var(offenses_*) indep(t_*) model(cnorm) order(1 1)", wide), class = "gbtm_missing_option")
})

test_that("the minimum is 0 where it is not given, and two SAS ids name a person", {
  need_engine()
  wide <- wide_example()
  wide$house <- wide$id %/% 2
  wide$person <- wide$id %% 2
  step <- "proc traj data=a(where=(id < 61)); id house person; var offenses_10-offenses_17; indep t_10-t_17;
           model cnorm; max 99; ngroups 1; order 1; run;"
  expect_warning(sas <- proc_traj(step, wide, control = quick()), class = "gbtm_assumed")
  expect_identical(sas$ids[1], paste(wide$house[1], wide$person[1], sep = "."))
  text <- "traj if id < 61, var(offenses_10-offenses_17) indep(t_10-t_17) model(cnorm) max(99) order(1)"
  expect_warning(stata <- traj(text, wide, control = quick()), "traj takes 0", class = "gbtm_assumed")
  expect_equal(sas$loglik, stata$loglik)
  expect_equal(stata$loglik, traj(paste(text, "min(0)"), wide, control = quick())$loglik)
})

test_that("several outcomes with multgroups() are fitted and printed as Python does", {
  need_engine()
  d <- two_outcomes()
  across <- function(name) stats::setNames(as.data.frame(matrix(d[[name]], ncol = 4, byrow = TRUE)), paste0(name, 1:4))
  wide <- cbind(across("y"), across("n"), across("t"), s = as.numeric(d$sex[d$t == 0] == "woman"))
  text <- paste("traj, var1(y1-y4) indep1(t1-t4) model1(cnorm) order1(1 1) min1(-99) max1(99) var2(n1-n4)",
                "indep2(t1-t4) model2(zip) order2(0 0) multgroups(2) multrisk(s)")
  fit <- traj(text, wide, control = gbtm_control(n_starts = 3))
  expect_s3_class(fit, c("traj", "gbtm_several", "gbtm"), exact = TRUE)
  table <- tempfile(fileext = ".csv")
  wide[1:4] <- lapply(wide[1:4], sprintf, fmt = "%.17g")
  utils::write.csv(wide, table, row.names = FALSE)
  lines <- run_python(c(
    "import gbtm, pandas as pd", sprintf("d = pd.read_csv(%s)", deparse(table)),
    sprintf("print(gbtm.traj(%s, d, n_starts=3, rng=0, progress=False).to_traj().text)", deparse(text))
  ))
  ours <- strsplit(sub("\n$", "", fit$traj$text), "\n")[[1]]
  expect_identical(ours, lines[seq_along(ours)])
  expect_output(print(fit), "Model: Censored Normal.*Model: Zero Inflated Poisson.*Group membership.*Constant")
  expect_identical(fit$traj_names[1:2], c("intercG1M1", "linearG1M1"))
  wide[1:4] <- lapply(wide[1:4], as.numeric)
  # start() is in the order of traj's e(b), outcome by outcome
  per_outcome <- coef(fit)[order(substr(names(coef(fit)), 1, 1) == "t", substr(names(coef(fit)), 1, 1) == "n")]
  again <- traj(sprintf("%s start(%s)", text, paste(sprintf("%.17g", per_outcome), collapse = " ")), wide)
  expect_equal(coef(again), coef(fit), tolerance = 1e-6)
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  with_picture <- suppressWarnings(traj(c(text, "trajplot, xtitle(\"Wave\") ci"), wide, control = quick()))
  expect_equal(with_picture$loglik, fit$loglik, tolerance = 1e-8)
  dual <- sub(" multgroups(2) multrisk(s)", "", text, fixed = TRUE)
  expect_s3_class(suppressWarnings(traj(dual, wide, control = quick())), "gbtm_dual")
})
