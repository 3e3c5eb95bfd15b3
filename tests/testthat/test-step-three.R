out <- function() once("a distal outcome", function() { # nolint: brace_linter.
  calm(distal(distal_fit("d2_zip_k3"), o_binary ~ group + v1 + I(v1^2), distal_people("d2_zip_k3")))
})

test_that("the methods of R's models are there and agree", {
  need_engine()
  b <- coef(out())
  se <- sqrt(diag(vcov(out())))
  expect_identical(dimnames(vcov(out())), list(names(b), names(b)))
  expect_equal(confint(out(), "v1", level = 0.9), matrix(b["v1"] + qnorm(c(0.05, 0.95)) * se["v1"], 1,
                                                         dimnames = list("v1", c("5 %", "95 %"))))
  table <- summary(out())$coefficients
  expect_equal(table[, 4], 2 * pnorm(-abs(b / se)))
  tidied <- tidy(out(), conf.int = TRUE, conf.level = 0.9)
  expect_equal(tidied$std.error, unname(se))
  expect_equal(tidied$conf.low, unname(confint(out(), level = 0.9)[, 1]))
  glanced <- glance(out())
  expect_identical(glanced$family, "logit")
  expect_equal(glanced$p.value, pchisq(glanced$statistic, 2, lower.tail = FALSE))
  expect_identical(nobs(out()), out()$nobs)
  expect_identical(formula(out()), o_binary ~ group + v1 + I(v1^2), ignore_attr = TRUE)
  expect_error(confint(out(), "nosuch"), class = "gbtm_unknown_parameter")
  expect_error(tidy(out(), conf.level = 2), class = "gbtm_bad_conf.level")
  expect_error(summary(out(), nosuch = 1), class = "gbtm_unknown_argument")
})

test_that("print and summary say what was done", {
  need_engine()
  expect_output(print(out()), "ML, modal assignment.*500 of 500 people.*probability.*Groups equal: chi2\\(2\\)")
  expect_output(print(summary(out())), "Std. Error.*probability.*as the values say.*carry step 1")
  traj <- calm(distal(distal_fit("d2_zip_k3"), o_binary ~ group, distal_people("d2_zip_k3"), method = "traj"))
  expect_output(print(summary(traj)), "as Stata's traj does.*no means of the groups")
  expect_error(anova(traj), class = "gbtm_not_with_traj")
})

test_that("a result that was saved is asked again in another session", {
  need_engine()
  file <- tempfile(fileext = ".rds")
  saveRDS(out(), file)
  said <- fresh_session(sprintf("cat(sprintf('%%.17g', compare(readRDS(%s))$difference))", deparse(file)))
  expect_equal(as.numeric(strsplit(utils::tail(said, 1), " ")[[1]]), compare(out())$difference, tolerance = 1e-12)
})

test_that("traj() reads outcome(), with Python's table and variables", {
  need_engine()
  people <- distal_people("d1_normal_k2")
  times <- jsonlite::fromJSON(distal_file("d1_normal_k2_step1.json"))$times
  for (j in seq_along(times)) people[[paste0("t", j)]] <- times[j]
  command <- paste("traj, var(y1-y5) indep(t1-t5) model(cnorm) order(1 1) min(-99) max(99)",
                   "outcome(o_normal) omodel(normal) ocov(v1)")
  out <- traj(command, people, id = "id", control = gbtm_control(n_starts = 2))
  lines <- run_python(c(
    "import gbtm, pandas as pd", sprintf("p = pd.read_csv(%s)", deparse(normalizePath(
      distal_file("d1_normal_k2_data.csv")))),
    sprintf("for j, t in enumerate([%s]): p[f't{j + 1}'] = t", paste(times, collapse = ", ")),
    sprintf("out = gbtm.traj(%s, p, id='id', n_starts=2)", deparse(command)),
    "print(*('%.17g' % v for v in [*out.params, *out.bse, out.llf]))",
    "print(out.to_traj().text)"
  ))
  expect_equal(c(unname(coef(out)), unname(sqrt(diag(vcov(out)))), out$loglik),
               as.numeric(strsplit(lines[1], " ")[[1]]), tolerance = 1e-10)
  table <- lines[-1]
  expect_identical(capture.output(print(out)), table[seq_len(max(which(nzchar(table))))])
  left <- sum(is.na(people$o_normal))
  expect_match(out$traj$text, sprintf("%d excluded by missing outcomes", left), fixed = TRUE)
  variables <- traj_data(out)
  expect_identical(dim(variables), c(nrow(people), 4L))
  expect_identical(is.na(variables[["_traj_Outcome"]]), is.na(people$o_normal))
  expect_identical(utils::tail(out$traj_names, 2), c("v1", "oSigma"))
  expect_error(traj(sub("omodel\\(normal\\)", "omodel(probit)", command), people), "not available",
               class = "gbtm_unknown_model")
})
