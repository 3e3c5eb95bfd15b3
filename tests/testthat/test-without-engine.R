# Fits with a prior, with hidden units and with lags, read where there is no engine: what R does by itself.

in_r_without_engine <- function(lines) {
  script <- withr::local_tempfile(fileext = ".R")
  writeLines(lines, script)
  absent <- c("RETICULATE_PYTHON=/nonexistent", "GBTM_PYTHON=/nonexistent")
  system2(file.path(R.home("bin"), "Rscript"), shQuote(script), stdout = TRUE, stderr = FALSE, env = absent)
}

test_that("curves, groups and figures of priors, hidden units and lags need no engine", {
  need_engine()
  skip_if_not_installed("withr")
  folder <- withr::local_tempdir()
  fit_of <- function(...) {
    suppressWarnings(gbtm(offenses ~ year, data = pathways, id = "id", groups = 2, family = "poisson", ...,
                          control = gbtm_control(n_starts = 2)))
  }
  fits <- list(prior = fit_of(order = 1, prior = "weak"), units = fit_of(curve = network_curve(1)),
               lag = fit_of(order = 1, tcov = ~ lag(offenses, first = 0)))
  for (name in names(fits)) {
    write_gbtm(fits[[name]], file.path(folder, paste0(name, ".json")))
    saveRDS(fits[[name]], file.path(folder, paste0(name, ".rds")))
  }
  said <- in_r_without_engine(c(
    "library(gbtm)", sprintf("folder <- '%s'", folder), "stopifnot(!gbtm_engine()$available)",
    "for (file in list.files(folder, full.names = TRUE)) {",
    "  fit <- if (grepl('json$', file)) read_gbtm(file) else readRDS(file)",
    "  grDevices::pdf(NULL)", "  plot(fit)", "  invisible(grDevices::dev.off())",
    "  at <- predict(fit, newdata = data.frame(year = c(13, 14.5)))$estimate",
    "  numbers <- sprintf('%.12g', c(at, predict(fit)$estimate, fitted(fit)[1:5]))",
    "  cat(basename(file), nrow(posterior(fit)), numbers, '\\n')",
    "}"
  ))
  expect_length(said, 6)
  for (line in strsplit(trimws(said), " ", fixed = TRUE)) {
    fit <- fits[[sub("[.].*", "", line[1])]]
    here <- c(predict(fit, newdata = data.frame(year = c(13, 14.5)))$estimate, predict(fit)$estimate, fitted(fit)[1:5])
    expect_identical(as.integer(line[2]), nrow(posterior(fit)))
    expect_equal(as.numeric(line[-(1:2)]), unname(here), tolerance = 1e-11)
  }
})
