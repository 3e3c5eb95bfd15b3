# Traj's distal outcome as arguments of gbtm(): Python's from_formula() with the same options, and the command's.

joint_tables <- function() {
  once("joint tables", function() {
    people <- distal_people("d1_normal_k2")
    times <- jsonlite::fromJSON(distal_file("d1_normal_k2_step1.json"))$times
    people$three <- as.numeric(cut(people$v1, c(-Inf, -0.5, 0.5, Inf))) + 1
    people$three[7] <- NA
    long <- data.frame(id = rep(people$id, each = 5), t = rep(times, nrow(people)),
                       y = as.vector(t(as.matrix(people[paste0("y", 1:5)]))))
    further <- c("o_normal", "o_binary", "o_count", "v1", "three")
    list(people = people, long = cbind(long, people[match(long$id, people$id), further]), times = times)
  })
}

joint_in_r <- function(data = joint_tables()$long, ...) {
  gbtm(y ~ t, data, id = "id", groups = 2, order = 1, control = gbtm_control(n_starts = 1), ...)
}

test_that("each model of the outcome has Python's digits, of long data with a value in one row alone", {
  need_engine()
  long <- joint_tables()$long
  long$o_binary[duplicated(long$id)] <- NA
  asked <- list(
    "omodel='normal', outcome='o_normal', ocov=['v1']" = list(outcome = "o_normal", omodel = "normal", ocov = "v1"),
    "omodel='logit', outcome='o_binary', cov_type='traj'" =
      list(outcome = ~o_binary, omodel = "logit", cov_type = "traj"),
    "omodel='poisson', outcome='o_count', ocov=['v1', 'o_binary']" =
      list(outcome = "o_count", omodel = "poisson", ocov = ~ v1 + o_binary),
    "omodel='mlogit', outcome='three', baseoutcome=3" = list(outcome = "three", omodel = "mlogit", baseoutcome = 3),
    "omodel='logit', outcome='o_binary', twostep=True" = list(outcome = "o_binary", omodel = "logit", twostep = TRUE)
  )
  file <- tempfile(fileext = ".csv")
  write.csv(as.data.frame(lapply(long, function(x) ifelse(is.na(x), "", sprintf("%.17g", x)))), file,
            row.names = FALSE, quote = FALSE)
  lines <- run_python(c(
    "import gbtm, pandas as pd", sprintf("d = pd.read_csv(%s)", deparse(normalizePath(file))),
    "ask = lambda **o: gbtm.GBTM.from_formula('y ~ t', d, id='id', groups=2, order=1, **o).fit(n_starts=1, rng=1)",
    sprintf("out = ask(%s); print(out.excluded, *('%%.17g' %% v for v in [*out.params, *out.bse, out.llf]))",
            names(asked))
  ))
  expect_length(lines, length(asked))
  for (i in seq_along(asked)) {
    out <- do.call(joint_in_r, c(list(long), asked[[i]]))
    theirs <- as.numeric(strsplit(lines[i], " ")[[1]])
    expect_equal(c(unname(coef(out)), unname(sqrt(diag(vcov(out)))), out$loglik), theirs[-1], tolerance = 1e-9,
                 label = names(asked)[i])
    expect_equal(out$excluded, theirs[1])
    expect_equal(nobs(out), nrow(joint_tables()$people) - theirs[1])
  }
})

test_that("wide data have a row a person, and what traj leaves behind lies beside the rows", {
  need_engine()
  people <- joint_tables()$people
  wide <- list(y = paste0("y", 1:5), t = joint_tables()$times)
  out <- gbtm(y ~ t, people, wide = wide, groups = 2, order = 1, outcome = o_normal, omodel = "normal",
              control = gbtm_control(n_starts = 1))
  long <- joint_in_r(outcome = "o_normal", omodel = "normal")
  expect_equal(coef(out), coef(long), tolerance = 1e-6)
  expect_identical(is.na(traj_data(out)[["_traj_Outcome"]]), is.na(people$o_normal))
  expect_identical(nrow(traj_data(long)), sum(!is.na(people$o_normal)))
  expect_output(print(out), sprintf("%d people without the outcome left out", sum(is.na(people$o_normal))))
  expect_match(out$traj_table, sprintf("%d excluded by missing outcomes", out$excluded), fixed = TRUE)
  again <- update(out, omodel = "logit", outcome = "o_binary")
  expect_identical(again$family, "logit")
})

test_that("a factor's first level is the base of several categories, as in R's models", {
  need_engine()
  long <- joint_tables()$long
  long$kind <- factor(c("none", "low", "high")[long$three - 1], c("none", "low", "high", "unused"))
  out <- joint_in_r(long, outcome = "kind", omodel = "mlogit")
  numbers <- joint_in_r(long, outcome = "three", omodel = "mlogit")
  expect_equal(unname(coef(out)), unname(coef(numbers)), tolerance = 1e-9)
  expect_equal(traj_data(out), traj_data(numbers), tolerance = 1e-9)
})

test_that("what is wrong is said before the trajectories are fitted", {
  need_engine()
  refused <- function(class, words, ..., data = joint_tables()$long) {
    expect_error(gbtm(y ~ nosuchtime, data, id = "id", groups = 2, ...), words, class = paste0("gbtm_", class))
  }
  refused("bad_distal", "goes with outcome", omodel = "logit")
  refused("bad_distal", "goes with outcome", twostep = TRUE)
  refused("bad_distal", "Use one of normal", outcome = "o_binary")
  refused("bad_distal", "'probit' is none", outcome = "o_binary", omodel = "probit")
  refused("bad_distal", "has no categories", outcome = "o_binary", omodel = "logit", baseoutcome = 2)
  refused("bad_distal", "without ocov", outcome = "o_binary", omodel = "logit", ocov = "v1", twostep = TRUE)
  refused("bad_outcome", "are 2, 3, 4", outcome = "three", omodel = "mlogit", baseoutcome = 1)
  refused("bad_outcome", "o_normal", outcome = "o_normal", omodel = "logit")
  refused("unknown_column", "nosuch", outcome = "nosuch", omodel = "logit")
  refused("bad_formula", "more than names", outcome = ~ log(o_count), omodel = "normal")
  refused("bad_outcome", "no name of a column", outcome = c("o_binary", "v1"), omodel = "logit")
  refused("bad_flag", "twostep", outcome = "o_binary", omodel = "logit", twostep = "yes")
  refused("missing_values", "na.fail", outcome = "o_normal", omodel = "normal", na.action = na.fail)
  expect_error(gbtm(list(y ~ t, v1 ~ t), joint_tables()$long, id = "id", groups = 2, outcome = "o_binary",
                    omodel = "logit"), "with one trajectory of a table", class = "gbtm_bad_distal")
  matrices <- matrix(rnorm(40), 10, 4)
  expect_error(gbtm(matrices ~ 1:4, groups = 2, outcome = "o_binary", omodel = "logit"), "one trajectory",
               class = "gbtm_bad_distal")
})
