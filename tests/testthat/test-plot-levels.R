# The figures of levels: areas are the probabilities, points the observed shares of the data, added up.

levels_fit <- function(family, n = 80, groups = 2) {
  set.seed(4)
  d <- data.frame(id = rep(seq_len(n), each = 4), t = rep(0:3, n))
  d$y <- ifelse(d$id %% 2 == 1, sample(3, nrow(d), TRUE, c(0.7, 0.2, 0.1)), sample(3, nrow(d), TRUE, c(0.1, 0.3, 0.6)))
  d <- d[-c(2, 11, 30), ]
  fit <- suppressWarnings(gbtm(y ~ t, data = d, id = "id", groups = groups, order = 1, family = family,
                               control = gbtm_control(n_starts = 3)))
  list(fit = fit, data = d)
}

# Shares (T, C) of a group, each person counted as far as they are of it, summed up over the levels.
upto_by_hand <- function(made, group) {
  p <- posterior(made$fit)[[group + 1]][match(made$data$id, posterior(made$fit)$id)]
  sums <- tapply(p, list(made$data$t, made$data$y), sum)
  sums[is.na(sums)] <- 0
  t(apply(sums / rowSums(sums), 1, cumsum))
}

test_that("observed shares are the data's, weighted by the posterior", {
  need_engine()
  for (family in c("ordinal", "multinomial")) {
    made <- levels_fit(family)
    table <- observed_shares(made$fit)
    expect_named(table, c("group", "time", "level", "share", "upto", "weight"))
    for (k in 1:2) {
      own <- table[table$group == k, ]
      own <- own[order(own$level, own$time), ]
      expect_equal(matrix(own$upto, 4), upto_by_hand(made, k), ignore_attr = TRUE, tolerance = 1e-10)
      expect_equal(as.vector(tapply(own$share, own$time, sum)), rep(1, 4))
    }
  }
})

test_that("points lie where the shares end, in the colour of the area below", {
  need_engine()
  skip_if_not_installed("ggplot2")
  for (family in c("ordinal", "multinomial")) {
    made <- levels_fit(family)
    picture <- ggplot2::ggplot_build(plot_levels(made$fit))
    layers <- picture$data
    expect_length(layers, 3)
    areas <- unique(layers[[1]]$fill)
    expect_length(areas, 3)
    marks <- layers[[3]]
    for (k in 1:2) {
      own <- marks[marks$PANEL == k, ]
      wanted <- upto_by_hand(made, k)[, 1:2]
      expect_equal(own$y[order(match(own$fill, unique(own$fill)), own$x)], as.vector(wanted), tolerance = 1e-10)
    }
    colours <- level_colours(made$fit$curves, 3)
    expect_identical(unique(marks$fill[order(marks$PANEL, marks$group)]), rev(colours[1:2]))
    expect_length(ggplot2::ggplot_build(plot_levels(made$fit, observed = FALSE))$data, 1)
  }
})

test_that("areas are the probabilities, up to 1", {
  need_engine()
  skip_if_not_installed("ggplot2")
  made <- levels_fit("multinomial")
  layer <- ggplot2::ggplot_build(plot_levels(made$fit))$data[[1]]
  expect_equal(as.vector(tapply(layer$ymax, interaction(layer$x, layer$PANEL), max)), rep(1, 202))
  wanted <- level_probabilities(made$fit, times = 3)
  at_end <- layer[layer$x == 3, ]
  heights <- (at_end$ymax - at_end$ymin)[order(at_end$PANEL, at_end$ymin)]
  expect_equal(heights, wanted$probability, tolerance = 1e-10)
})

test_that("colours of levels in an order darken, and others are of the palette without doublets", {
  ordinal <- level_colours(list(family = "ordinal"), 6)
  light <- colSums(grDevices::col2rgb(ordinal))
  expect_true(all(diff(light) < 0))
  other <- level_colours(list(family = "multinomial"), 6)
  expect_identical(other, c("#d9d9d9", group_colours[1:5]))
  expect_false(anyDuplicated(level_colours(list(family = "multinomial"), 8)) > 0)
  expect_false(anyNA(level_colours(list(family = "ordinal"), 20)))
})

test_that("plot() draws with and without points, leaves the device as it was, and autoplot() too", {
  need_engine()
  made <- levels_fit("multinomial")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mfrow", "mar", "oma", "mgp", "cex", "fig"))
  with <- plot(made$fit, n = 11)
  expect_equal(graphics::par(c("mfrow", "mar", "oma", "mgp", "cex", "fig")), before)
  expect_equal(plot(made$fit, n = 11, observed = FALSE), with)
  expect_error(plot(made$fit, observed = NA), class = "gbtm_error")
  expect_error(plot(made$fit, labels = c("a", "b")), class = "gbtm_no_mean")
  skip_if_not_installed("ggplot2")
  expect_length(ggplot2::ggplot_build(ggplot2::autoplot(made$fit, observed = FALSE))$data, 1)
  expect_length(ggplot2::ggplot_build(ggplot2::autoplot(made$fit))$data, 3)
})
