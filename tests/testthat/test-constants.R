# Constants and defaults that R has in common with Python: one file, used in both; the same values in signatures.

default_of <- function(name, argument) eval(formals(getFromNamespace(name, "gbtm"))[[argument]], asNamespace("gbtm"))

in_r <- c(fit = "gbtm_control", search = "gbtm_search", predict = "predict.gbtm", classify = "predict.gbtm",
          profile = "confint.gbtm", plot = "plot.gbtm", blrt = "blrt.gbtm", cross_validate = "cross_validate.gbtm",
          odds_ratios = "odds_ratios.gbtm", forecast = "forecast.gbtm")

test_that("defaults are those of Python", {
  shared <- jsonlite::fromJSON(test_path("..", "shared", "defaults.json"))
  for (name in names(shared)) {
    here <- if (name %in% names(in_r)) in_r[[name]] else name
    for (argument in names(shared[[name]])) {
      expect_equal(default_of(here, argument)[1], shared[[name]][[argument]], info = paste(here, argument))
    }
  }
})

test_that("the defaults of arguments are the constants that both languages read", {
  constants <- gbtm:::constants
  space <- asNamespace("gbtm")
  for (name in Filter(function(n) is.function(space[[n]]), ls(space))) {
    for (argument in intersect(c("level", "conf.level"), names(formals(space[[name]])))) {
      if (!identical(formals(space[[name]])[[argument]], substitute())) {
        expect_identical(default_of(name, argument), constants$level, info = name)
      }
    }
  }
  for (name in c("plot.gbtm", "autoplot.gbtm")) expect_equal(default_of(name, "n"), constants$curve_points)
  expect_equal(default_of("plot_groups", "individuals"), constants$individuals_per_group)
  expect_identical(default_of("plot_groups", "colours"), constants$palette)
  expect_identical(default_of("blrt.gbtm", "alpha"), constants$p_level)
})

test_that("NULL draws no band, and nothing else means that", {
  fit <- example_fit()
  file <- tempfile(fileext = ".png")
  grDevices::png(file)
  on.exit({
    grDevices::dev.off()
    unlink(file)
  })
  bands <- function(picture) sum(vapply(picture$layers, function(l) inherits(l$geom, "GeomRibbon"), NA))
  expect_silent(plot(fit, level = NULL))
  expect_error(plot(fit, level = 0), "level = NULL draws no band", class = "gbtm_bad_level")
  skip_if_not_installed("ggplot2")
  expect_identical(bands(ggplot2::autoplot(fit)), 1L)
  expect_identical(bands(ggplot2::autoplot(fit, level = NULL)), 0L)
  expect_identical(bands(plot_groups(fit, level = NULL)), 0L)
  expect_error(plot_groups(fit, level = 0), "level = NULL draws no band", class = "gbtm_bad_level")
})

test_that("lines of subjects are a number per group, all of the default or none", {
  skip_if_not_installed("ggplot2")
  fit <- example_fit()
  lines <- function(individuals) {
    own <- plot_groups(fit, individuals = individuals)$layers[[1]]$data
    if (is.data.frame(own) && "subject" %in% names(own)) length(unique(own$subject)) else 0L
  }
  expect_identical(lines(TRUE), lines(200))
  expect_identical(lines(FALSE), 0L)
  expect_identical(lines(0), 0L)
  expect_identical(lines(4), 12L)
  expect_match(plot_groups(fit, individuals = 4)$labels$caption, "4 of each larger\\s+group,\\s+evenly\\s+chosen")
  expect_error(plot_groups(fit, individuals = -1), class = "gbtm_bad_individuals")
  expect_identical(gbtm:::evenly(0:9, 4), c(0L, 2L, 5L, 7L))
})
