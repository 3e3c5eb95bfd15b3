# People in Parquet files: the numbers of Python, and of the same people in memory; what asks for each person is
# refused.

# Two groups of counts with covariates, weights and clusters, in three files; the table, the folder, and Python's
# numbers.
on_disk <- function() once("on disk", function() { # nolint: brace_linter.
  set.seed(2)
  d <- expand.grid(t = 0:4, id = 1:150)
  people <- data.frame(male = rbinom(150, 1, 0.5), region = sample(c("a", "b", "c"), 150, TRUE),
                       w = round(runif(150, 0.5, 2), 2), town = sample(12, 150, TRUE), late = rbinom(150, 1, 0.5))
  d <- cbind(d, people[d$id, ])
  d$x <- sample(0:2, nrow(d), TRUE)
  d$e <- sample(c(0.5, 1, 2), nrow(d), TRUE)
  d$y <- rpois(nrow(d), d$e * exp(ifelse(d$late == 1, 1, -0.5) + 0.1 * d$t - 0.1 * d$x))
  d <- d[!(d$id <= 50 & d$t == 3), ]
  wide <- reshape(d[c("id", "t", "y", "male")], idvar = c("id", "male"), timevar = "t", direction = "wide", sep = "")
  folder <- tempfile("disk")
  dir.create(folder)
  csv <- file.path(folder, c("long.csv", "wide.csv"))
  write.csv(d, csv[1], row.names = FALSE)
  write.csv(wide, csv[2], row.names = FALSE, na = "")
  lines <- run_python(c(
    "import gbtm, warnings, numpy as np, pandas as pd", "warnings.simplefilter('ignore')",
    sprintf("f = %s", deparse(folder)), "d, wide = (pd.read_csv(f + '/' + n + '.csv') for n in ('long', 'wide'))",
    "for i in range(3): d[d.id % 3 == i].to_parquet(f'{f}/long{i}.parquet')",
    "wide.to_parquet(f + '/wide.parquet')",
    "d[d.t > 2].to_parquet(f + '/split1.parquet'), d[d.t <= 2].to_parquet(f + '/split0.parquet')",
    "def tell(name, *values):",
    "    flat = np.concatenate([np.ravel(np.asarray(v, dtype=float)) for v in values])",
    "    print('\\n' + name, *('%.17g' % v for v in flat))",
    "res = gbtm.GBTM.from_formula('y ~ t', data=f + '/long*.parquet', id='id', groups=2, family='poisson', order=1,",
    "    risk='~ C(male) + region', tcov=['x'], exposure='e', weights='w', cluster='town').fit(n_starts=3)",
    "tell('coef', res.params)", "tell('vcov', res.cov_params())",
    "tell('curves', res.predict()[['estimate', 'std err']].T)",
    "tell('adequacy', res.adequacy.T)", "tell('means', res.observed_means[['mean', 'weight']].T)",
    "new = res.classify(d[d.id < 9])", "tell('classify', new[['probability', 'lower', 'upper']].T)"
  ))
  told <- strsplit(lines[nzchar(lines)], " ")
  list(d = d, wide = wide, folder = folder,
       python = stats::setNames(lapply(told, function(w) as.numeric(w[-1])), vapply(told, `[[`, "", 1)))
})

files_of <- function(pattern) file.path(on_disk()$folder, pattern)

covariates_fit <- function(data) {
  suppressWarnings(gbtm(y ~ t, data, id = "id", groups = 2, family = "poisson", order = 1,
                        risk = ~ factor(male) + region, tcov = ~x, exposure = "e", weights = "w", cluster = ~town,
                        control = gbtm_control(n_starts = 3, progress = FALSE)))
}

disk_fit <- function() once("disk fit", function() covariates_fit(files_of("long*.parquet")))
memory_fit <- function() once("memory fit", function() covariates_fit(on_disk()$d))

test_that("the digits are Python's", {
  need_engine()
  fit <- disk_fit()
  theirs <- on_disk()$python
  expect_identical(as.double(coef(fit)), theirs$coef)
  expect_identical(as.double(t(vcov(fit))), theirs$vcov)
  curves <- predict(fit)
  expect_equal(c(curves$estimate, curves$se), theirs$curves, tolerance = 1e-13)
  expect_equal(as.double(unlist(adequacy(fit)[-1])), theirs$adequacy, tolerance = 1e-12)
  means <- gbtm:::binned_means(fit)
  expect_equal(c(means$mean, means$weight), theirs$means, tolerance = 1e-13)
  new <- predict(fit, newdata = on_disk()$d[on_disk()$d$id < 9, ], type = "group")
  expect_equal(c(new$probability, new$lower, new$upper), theirs$classify, tolerance = 1e-13)
})

test_that("a fit of files is that of the same people in memory", {
  need_engine()
  disk <- disk_fit()
  memory <- memory_fit()
  expect_equal(unname(coef(disk)), unname(coef(memory)), tolerance = 1e-6)
  expect_equal(unname(vcov(disk)), unname(vcov(memory)), tolerance = 1e-5)
  expect_equal(as.double(logLik(disk)), as.double(logLik(memory)), tolerance = 1e-9)
  for (what in list(nobs, entropy, BIC, group_shares, adequacy, gbtm:::binned_means,
                    function(fit) gbtm:::drawn_curves(fit, 0.95),
                    function(fit) predict(fit, times = c(1.5, 2)))) {
    expect_equal(what(disk), what(memory), tolerance = 1e-6)
  }
  interval <- function(fit) unname(confint(fit))
  expect_equal(interval(disk), interval(memory), tolerance = 1e-5)
  expect_equal(unname(wald_test(disk, "x[1] = x[2]")$p.value), unname(wald_test(memory, "x[1] = x[2]")$p.value),
               tolerance = 1e-6)
  expect_equal(summary(disk)$criteria, summary(memory)$criteria, tolerance = 1e-9)
  expect_identical(length(capture.output(print(summary(disk)))), length(capture.output(print(summary(memory)))))
  some <- on_disk()$d[on_disk()$d$id %in% 20:30, ]
  expect_equal(as.matrix(predict(disk, newdata = some, type = "posterior")[2:3]),
               as.matrix(predict(memory, newdata = some, type = "posterior")[2:3]), tolerance = 1e-6)
  # who has no outcome yet has what the covariates say
  prior <- suppressWarnings(predict(disk, newdata = some[c("id", "male", "region")][1:2, ], type = "posterior"))
  expect_equal(sum(prior[1, 2:3]), 1)
})

test_that("wide files are read as wide tables are", {
  need_engine()
  fit <- function(data) {
    gbtm(y ~ t, data, id = "id", groups = 2, family = "poisson", risk = ~male, wide = list(y = "y*", t = 0:4),
         order = c(0, 1), control = gbtm_control(n_starts = 3, progress = FALSE))
  }
  disk <- fit(parquet_files(files_of("wide.parquet"), block = 60, memory = 1e9))
  expect_equal(coef(disk), coef(fit(on_disk()$wide)), tolerance = 1e-6)
  expect_s3_class(disk, "gbtm_disk")
  some <- on_disk()$wide[1:6, ]
  expect_equal(rowSums(predict(disk, newdata = some, type = "posterior")[2:3]), rep(1, 6), ignore_attr = TRUE)
})

test_that("posteriors are written by block, and nothing is left half-written", {
  need_engine()
  fit <- disk_fit()
  folder <- tempfile("p")
  expect_identical(posterior_to(fit, folder), folder)
  expect_length(list.files(folder), 3)
  table <- tempfile(fileext = ".csv")
  run_python(c("import pandas as pd", sprintf("pd.read_parquet(%s).sort_values('id').to_csv(%s, index=False)",
                                              deparse(folder), deparse(table))))
  written <- read.csv(table)
  memory <- posterior(memory_fit())
  expect_equal(written$p2, memory$group_2[order(memory$id)], tolerance = 1e-6)
  expect_identical(written$group, memory$assigned[order(memory$id)])
  expect_error(posterior_to(fit, folder), class = "gbtm_folder_exists")
  expect_error(posterior_to(memory_fit(), tempfile()), class = "gbtm_only_on_disk")
  # other people, and files that are other ones by now
  some <- tempfile("q")
  posterior_to(fit, some, data = files_of("long1.parquet"))
  expect_length(list.files(some), 1)
  path <- files_of("long0.parquet")
  kept <- readBin(path, "raw", file.size(path))
  when <- file.mtime(path)
  writeBin(kept[-1], path)
  nowhere <- tempfile("r")
  expect_error(posterior_to(fit, nowhere), "has changed", class = "gbtm_changed_file")
  expect_false(file.exists(nowhere))
  unlink(path)
  expect_error(posterior_to(fit, nowhere), "cannot be read", class = "gbtm_missing_file")
  writeBin(kept, path)
  Sys.setFileTime(path, when)
})

test_that("fits are kept by saveRDS() and as documents that Python reads too", {
  need_engine()
  fit <- disk_fit()
  kept <- tempfile(fileext = ".rds")
  saveRDS(fit, kept)
  expect_false(any(c("posterior", "data", "ids", "weights") %in% names(unclass(readRDS(kept)))))
  again <- readRDS(kept)
  expect_identical(capture.output(print(again)), capture.output(print(fit)))
  expect_identical(again$files, fit$files)
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  read <- read_gbtm(file)
  expect_identical(coef(read), coef(fit))
  expect_equal(adequacy(read), adequacy(fit))
  expect_error(posterior_to(read, tempfile()), "does not know where the people are", class = "gbtm_no_panel")
  python <- run_python(c("import gbtm", sprintf("r = gbtm.load(%s)", deparse(file)), "print('%.17g' % r.llf)",
                         "print(type(r).__name__)"))
  expect_identical(python, c(sprintf("%.17g", fit$loglik), "DiskResults"))
  second <- tempfile(fileext = ".json")
  write_gbtm(read, second)
  expect_identical(readBin(second, "raw", 1e6), readBin(file, "raw", 1e6))
})

test_that("pictures are drawn from sums", {
  need_engine()
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  on.exit({
    grDevices::dev.off()
    unlink(file)
  })
  drawn <- plot(disk_fit())
  expect_equal(drawn$estimate, plot(memory_fit())$estimate, tolerance = 1e-6)
  expect_error(plot(disk_fit(), individuals = TRUE), class = "gbtm_on_disk")
  skip_if_not_installed("ggplot2")
  expect_s3_class(ggplot2::autoplot(disk_fit()), "ggplot")
})

test_that("waves in bins have the means of the observations in them", {
  need_engine()
  fit <- disk_fit()
  sums <- list(waves = c(0, 1, 2, 10), means = matrix(c(1, 2, 3, 4, 5, 6, 7, NaN), 4), mass = matrix(c(1:7, 0), 4))
  fit[["sums"]] <- sums
  means <- gbtm:::means_of_sums(fit, c(1, 1, 1, 2))
  expect_equal(means$mean[1], sum(1:3 * 1:3) / 6)
  expect_equal(means$weight, c(6, 4, 18, 0))
  expect_equal(means$time[1], sum(c(6, 8, 10) * 0:2) / 24)
  expect_identical(means$mean[4], NaN)
})

test_that("what asks for each person is refused in words, and nothing is NULL or an internal error", {
  need_engine()
  fit <- disk_fit()
  for (ask in list(posterior, assignment, residuals, fitted, model.frame, weights, simulate, augment,
                   function(fit) fit$posterior, function(fit) fit$data, function(fit) fit$ids,
                   function(fit) residuals(fit, type = "pearson"), residual_checks, bootstrap, plot_groups,
                   function(fit) cross_validate(fit, folds = 2), function(fit) predict(fit, type = "posterior"),
                   function(fit) distal(fit, y ~ group, on_disk()$d))) {
    error <- expect_error(ask(fit), class = "gbtm_error")
    expect_match(conditionMessage(error), "posterior_to(fit, \"folder\")", fixed = TRUE)
    expect_false(grepl("res\\.|None|Python", conditionMessage(error)))
  }
  expect_error(confint(fit, method = "profile"), "sampling weights", class = "gbtm_error")
})

test_that("models, arguments and files that are not taken say so", {
  need_engine()
  files <- files_of("long*.parquet")
  ask <- function(..., data = files, id = "id", formula = y ~ t) {
    tryCatch(gbtm(formula, data, id = id, groups = 2, order = 1, ..., control = quick()), gbtm_error = identity)
  }
  expect_refused <- function(error, code, argument) {
    expect_s3_class(error, paste0("gbtm_", code))
    expect_identical(error$argument, argument)
    expect_false(grepl("pandas|None|Panel\\.|GBTM\\.", conditionMessage(error)), label = conditionMessage(error))
  }
  expect_refused(ask(subset = t > 1), "not_on_disk", "subset")
  expect_refused(ask(na.action = na.fail), "not_on_disk", "na.action")
  expect_refused(ask(rorder = 0), "not_on_disk", "rorder")
  expect_refused(ask(ar1 = TRUE), "not_on_disk", "ar1")
  expect_refused(ask(out_of_sample = "male"), "not_on_disk", "out_of_sample")
  expect_refused(ask(risk = ~ log(x)), "not_on_disk", "risk")
  expect_refused(ask(weights = ~ 1 / w), "not_on_disk", "weights")
  expect_refused(ask(formula = log(y) ~ t), "not_on_disk", "formula")
  expect_refused(ask(formula = y ~ I(t - 2)), "not_on_disk", "formula")
  expect_refused(ask(formula = z ~ t), "unknown_column", "z")
  expect_refused(ask(weights = "nobody"), "unknown_column", "nobody")
  expect_refused(ask(id = c("id", "town")), "no_id", "id")
  expect_refused(ask(data = files_of("nothing*.parquet")), "missing_file", "data")
  expect_refused(ask(data = files_of("long.csv")), "not_parquet", "data")
  split <- ask(data = files_of("split*.parquet"))
  expect_refused(split, "split_person", "id")
  expect_match(conditionMessage(split), "parquet_files(.., repartition = \"folder\")", fixed = TRUE)
  expect_error(gbtm_search(y ~ t, files, id = "id", groups = 2), "files are given", class = "gbtm_not_on_disk")
  expect_error(parquet_files(3), class = "gbtm_bad_files")
  expect_error(parquet_files("a", block = 0), class = "gbtm_bad_block")
  expect_output(print(parquet_files("a/*.parquet", block = 10)), "a/*.parquet", fixed = TRUE)
})

test_that("people who are split are brought together, and a fit that was cut off goes on", {
  need_engine()
  without_duckdb <- run_python("import importlib.util as u; print(u.find_spec('duckdb') is None)")
  skip_if(identical(without_duckdb, "True"), "no duckdb")
  notes <- tempfile(fileext = ".json")
  files <- parquet_files(files_of("split*.parquet"), repartition = tempfile("parts"), checkpoint = notes)
  fit <- function(data) gbtm(y ~ t, data, id = "id", groups = 2, family = "poisson", order = 1, control = quick())
  mended <- fit(files)
  expect_equal(coef(mended), coef(fit(on_disk()$d)), tolerance = 1e-6)
  expect_true(file.exists(notes))
})

several_outcomes <- function(data, ...) {
  suppressWarnings(gbtm(list(y ~ t, any ~ t), data, id = "id", groups = 2, family = c("poisson", "logit"),
                        order = list(1, 0), ..., control = gbtm_control(n_starts = 2, progress = FALSE)))
}

test_that("several outcomes, and dropout, of files are those of the same table", {
  need_engine()
  d <- on_disk()$d
  d$any <- as.numeric(d$x > 0)
  d$any[d$id %% 5 == 0] <- NA
  d <- d[d$t <= 2 + d$id %% 4, ]
  folder <- tempfile("several")
  dir.create(folder)
  write.csv(d, file.path(folder, "d.csv"), row.names = FALSE, na = "")
  run_python(c("import pandas as pd", sprintf("f = %s", deparse(folder)), "d = pd.read_csv(f + '/d.csv')",
               "for i in range(2): d[d.id % 2 == i].to_parquet(f'{f}/p{i}.parquet')"))
  files <- file.path(folder, "p*.parquet")
  disk <- several_outcomes(files, dropout = 1, risk = ~male)
  memory <- several_outcomes(d, dropout = 1, risk = ~male)
  expect_equal(unname(coef(disk)), unname(coef(memory)), tolerance = 1e-6)
  expect_equal(unname(vcov(disk)), unname(vcov(memory)), tolerance = 1e-5)
  expect_equal(as.double(logLik(disk)), as.double(logLik(memory)), tolerance = 1e-10)
  for (name in c("y", "any")) {
    expect_equal(gbtm:::binned_means(of_outcome(disk, name)), gbtm:::binned_means(of_outcome(memory, name)),
                 tolerance = 1e-6)
  }
  expect_s3_class(summary(disk), "summary.gbtm")
  written <- posterior_to(disk, file.path(folder, "posteriors"))
  expect_length(list.files(written), 2)
  expect_error(posterior(disk), class = "gbtm_on_disk")
  own <- list(outcome(y ~ t, order = 1), outcome(any ~ t, data = d, order = 0))
  expect_error(gbtm(own, files, id = "id", groups = 2), class = "gbtm_not_on_disk")
  expect_error(gbtm(list(y ~ t, any ~ t), files, id = "id", groups = c(2, 2), order = 0), class = "gbtm_not_on_disk")
})

test_that("other standard errors are those in memory, from the files once more", {
  need_engine()
  folder <- tempfile("own")
  dir.create(folder)
  file.copy(list.files(on_disk()$folder, "^long.*parquet$", full.names = TRUE), folder)
  disk <- covariates_fit(file.path(folder, "*.parquet"))
  memory <- memory_fit()
  for (kind in c("hessian", "robust", "HC1")) {
    expect_equal(unname(vcov(disk, cov_type = kind)), unname(vcov(memory, cov_type = kind)), tolerance = 1e-5)
  }
  interval <- function(fit) unname(confint(fit, cov_type = "robust"))
  expect_equal(interval(disk), interval(memory), tolerance = 1e-5)
  expect_identical(summary(disk, cov_type = "HC1")$fit$cov_type, "HC1")
  expect_error(vcov(disk, cov_type = "HC3"), class = "gbtm_not_on_disk")
  path <- tempfile(fileext = ".json")
  write_gbtm(disk, path)
  read <- read_gbtm(path)
  expect_error(vcov(read, cov_type = "robust"), "does not know where the people are.*start = coef",
               class = "gbtm_no_panel")
  expect_identical(vcov(read, cov_type = "cluster"), vcov(disk))
})

test_that("the report of a fit of files has attrition from counts", {
  need_engine()
  path <- tempfile(fileext = ".md")
  grolts_report(disk_fit(), path)
  text <- readLines(path)
  memory <- tempfile(fileext = ".md")
  grolts_report(memory_fit(), memory, checks = FALSE)
  waves <- function(lines) lines[grep("Observed subjects by wave", lines):(grep("Gone: not seen", lines)[1])]
  expect_identical(waves(text), waves(readLines(memory)))
  expect_true(any(grepl("data/*.parquet", text, fixed = TRUE)))
  expect_error(grolts_report(disk_fit(), path, checks = TRUE), class = "gbtm_on_disk")
})

test_that("levels on disk have the numbers and the observed shares of the same people in memory", {
  need_engine()
  own <- on_disk()
  files <- file.path(own$folder, "long*.parquet")
  for (family in c("ordinal", "multinomial")) {
    fit <- function(data) {
      suppressWarnings(gbtm(x ~ t, data, id = "id", groups = 2, order = 0, family = family, prior = "weak",
                            control = gbtm_control(n_starts = 2)))
    }
    disk <- fit(files)
    memory <- fit(own$d)
    expect_equal(as.numeric(logLik(disk)), as.numeric(logLik(memory)), tolerance = 1e-8)
    expect_equal(coef(disk), coef(memory), tolerance = 1e-4)
    expect_equal(level_probabilities(disk), level_probabilities(memory), tolerance = 1e-4)
    shares <- shares_drawn(disk)
    expect_equal(shares, shares_drawn(memory), tolerance = 1e-4, ignore_attr = TRUE)
    expect_equal(nrow(shares), 2 * 5 * 2)
    grDevices::pdf(NULL)
    plot(disk)
    grDevices::dev.off()
    skip_if_not_installed("ggplot2")
    expect_length(ggplot2::ggplot_build(plot_levels(disk))$data, 3)
  }
})
