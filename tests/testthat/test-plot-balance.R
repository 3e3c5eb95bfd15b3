# Love plot, with and without ggplot2.

balance_example <- function() {
  once("balance", function() {
    m <- data.frame(group = rep(1:2, each = 40), x = c(1:40, rep(1:8, 5)) / 8, far = rep(0:1, 40) * 5)
    m$far <- m$far + m$x / 30
    m$gang <- rep(0:1, 40)
    m$gang[m$group == 2] <- 0
    m$w <- ifelse(m$gang == 1, 1, 1 / m$x)
    suppressWarnings(balance_table(m, "gang", c("x", "far"), weights = "w"))
  })
}

test_that("base R draws, leaves the device as it was, and returns the table", {
  need_engine()
  b <- balance_example()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par(c("mfrow", "mar", "oma"))
  expect_identical(plot(b, main = "Balance"), b)
  expect_identical(graphics::par(c("mfrow", "mar", "oma")), before)
  expect_error(plot(b[c("group", "covariate", "smd")]), class = "gbtm_no_balance")
  expect_error(plot(b, color = 3), "colours", class = "gbtm_unknown_argument")
})

test_that("ggplot2 has the same marks; what is far stands at the edge with its value", {
  need_engine()
  skip_if_not_installed("ggplot2")
  b <- balance_example()
  picture <- autoplot(b)
  built <- ggplot2::ggplot_build(picture)
  expect_identical(as.character(built$layout$layout$panel),
                   c("Group 1: 20 treated, 20 not", "Group 2: 0 treated, 40 not", "All: 20 treated, 60 not"))
  marks <- Filter(function(l) inherits(l$geom, "GeomPoint"), picture$layers)[[1]]$data
  known <- b[!is.na(b$smd), ]
  expect_equal(marks$smd, c(known$smd_before, known$smd))
  points <- built$data[[which(vapply(picture$layers, function(l) inherits(l$geom, "GeomPoint"), NA))]]
  expect_equal(sort(points$x), sort(pmin(marks$smd, 2)))
  texts <- built$data[vapply(picture$layers, function(l) inherits(l$geom, "GeomText"), NA)]
  far <- known[known$smd > 2, ]
  expect_identical(texts[[1]]$label, sprintf("%.1f, %.1f", far$smd_before, far$smd))
  expect_equal(texts[[1]]$x, rep(2, nrow(far)))
  expect_identical(texts[[2]]$label, "nobody to compare")
  expect_match(picture$labels$x, "beyond 2 at the edge", fixed = TRUE)
})

test_that("what is far before weighting, after, or both has its values, on either side", {
  rows <- data.frame(smd_before = c(0.5, 7, 4, 0.3, -9, 2, 3, NA), smd = c(0.1, 3, 0.2, -2.5, 9, 2, 3, NA))
  far <- gbtm:::far_balance(rows)
  expect_equal(far$row, c(2, 3, 5, 7, 4, 5))
  expect_equal(far$side, c(1, 1, 1, 1, -1, -1))
  expect_identical(far$words, c("7.0, 3.0", "4.0", "9.0", "3.0", "-2.5", "-9.0"))
  expect_match(gbtm:::smd_words(rows[3, ]), "beyond 2 at the edge", fixed = TRUE)
  expect_no_match(gbtm:::smd_words(rows[c(1, 6), ]), "beyond", fixed = TRUE)
})

test_that("ggplot2 draws a table in which nothing is far, or everybody has somebody to be compared with", {
  need_engine()
  skip_if_not_installed("ggplot2")
  m <- data.frame(group = rep(1:2, each = 20), x = c(1:20, 20:1), far = rep(0:1, 20) * 9 + rep(1:5, 8) / 5,
                  gang = rep(0:1, 20))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (covariates in list("x", c("x", "far"))) {
    b <- balance_table(m, "gang", covariates)
    expect_s3_class(ggplot2::ggplotGrob(autoplot(b)), "gtable")
    expect_s3_class(ggplot2::ggplotGrob(autoplot(balance_example())), "gtable")
  }
})
