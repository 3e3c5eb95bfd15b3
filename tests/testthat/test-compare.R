wide_offenses <- function() {
  d <- example_data()
  wide <- reshape(d, idvar = "id", timevar = "age", v.names = "offenses", direction = "wide", sep = "_")
  for (age in 10:17) wide[[paste0("t_", age)]] <- (age - 13.5) / 3.5
  wide
}

command_offenses <- "traj, var(offenses_10-offenses_17) indep(t_10-t_17) model(zip) order(2 2) iorder(0)"

test_that("a fit agrees with its own printout", {
  need_engine()
  fit <- traj(command_offenses, wide_offenses(), control = quick())
  found <- compare_traj(fit, fit$traj$text)
  expect_s3_class(found, "gbtm_comparison", exact = TRUE)
  expect_true(found$agree)
  expect_true(found$same_optimum)
  expect_match(found$verdict, "^They agree")
  expect_identical(found$codes[1], "same_optimum")
  expect_length(found$sentences, length(found$codes))
  expect_identical(found$groups, 1:2)
  expect_equal(nrow(found$table), length(coef(fit)) + 1)
  expect_identical(names(found$table), c(
    "group", "group_printout", "parameter", "estimate", "estimate_printout", "difference", "se", "se_printout",
    "se_ratio", "agrees"
  ))
  expect_equal(found$table$estimate[1:6], unname(coef(fit)[1:6]))
  expect_true(all(found$table$agrees))
  expect_type(found$table$group, "integer")
  expect_equal(found$start, unname(coef(fit)), tolerance = 1e-4)
  expect_output(expect_invisible(print(found)), "Group in  Parameter")
})

test_that("lines of a log do, and which table is asked for", {
  need_engine()
  wide <- wide_offenses()
  fit <- traj(command_offenses, wide, control = quick())
  other <- traj(sub("order\\(2 2\\)", "order(1 2)", command_offenses), wide, control = quick())
  lines <- strsplit(paste(fit$traj$text, other$traj$text, sep = "\n. next\n"), "\n")[[1]]
  expect_true(compare_traj(fit, lines, which = 1)$agree)
  last <- compare_traj(fit, lines)
  expect_false(last$agree)
  expect_true("orders" %in% last$codes)
  expect_null(last$start)
  expect_error(compare_traj(fit, lines, which = 3), class = "gbtm_no_table")
})

test_that("the scale of time is recognised, with a fit read from its file", {
  need_engine()
  wide <- wide_offenses()
  fit <- traj(command_offenses, wide, control = quick())
  for (age in 10:17) wide[[paste0("t_", age)]] <- age
  path <- tempfile(fileext = ".json")
  write_gbtm(traj(command_offenses, wide, control = quick()), path)
  found <- compare_traj(read_gbtm(path), fit$traj$text)
  expect_true(found$same_optimum)
  expect_true("time_scale" %in% found$codes)
  expect_match(paste(found$sentences, collapse = " "), "theirs = (ours - 13.5) / 3.5", fixed = TRUE)
  expect_true("estimate_fit" %in% names(found$table))
})

test_that("what is no text and no table is an error", {
  expect_error(compare_traj(1, "a"), class = "gbtm_bad_fit")
  fit <- example_fit()
  expect_error(compare_traj(fit, 1), class = "gbtm_no_table")
  expect_error(compare_traj(fit, character()), class = "gbtm_no_table")
  expect_error(compare_traj(fit, "a", which = 0), class = "gbtm_no_table")
  need_engine()
  expect_error(compare_traj(fit, "nothing here"), class = "gbtm_no_table")
})

step <- "PROC TRAJ DATA=wide OUT=of; ID ID; VAR Offenses_10-Offenses_17; INDEP T_10-T_17;
  MODEL ZIP; IORDER 0; NGROUPS 2; ORDER 2 2; RUN; %TRAJPLOT(of, os)"

test_that("Proc Traj statements fit what the command fits", {
  need_engine()
  wide <- wide_offenses()
  fit <- proc_traj(step, wide, control = quick())
  same <- traj(command_offenses, wide, id = "id", control = quick())
  expect_identical(coef(fit), coef(same))
  expect_identical(fit$ids, wide$id)
  expect_s3_class(fit, "traj")
  lines <- strsplit(sub("IORDER 0;", "", step), "\n")[[1]]
  expect_warning(plain <- proc_traj(lines, wide, control = quick()), class = "gbtm_assumed")
  expect_identical(plain$family, "poisson")
})

test_that("a step that cannot be read is an error that says so", {
  expect_error(proc_traj(1, data.frame(a = 1)), class = "gbtm_not_traj")
  need_engine()
  wide <- wide_offenses()
  expect_error(proc_traj("proc means; run;", wide), class = "gbtm_not_traj")
  expect_error(proc_traj(sub("RUN", "FOO 2; RUN", step), wide), class = "gbtm_unknown_option")
  expect_error(proc_traj(sub("T_17", "T_18", step), wide), class = "gbtm_unknown_column")
})
