# Where a base R picture puts its legend and titles, in inches of the device, and the plot's box. Text is asked of the
# calls that write it.
places <- function(width, height, draw, mar = NULL) {
  file <- tempfile(fileext = ".pdf")
  grDevices::pdf(file, width, height)
  on.exit({
    grDevices::dev.off()
    unlink(file)
  })
  if (!is.null(mar)) graphics::par(mar = mar)
  found <- list()
  original <- gbtm:::legend_call
  titled <- gbtm:::draw_title
  noted <- list(
    legend_call = function(one, key, plot = TRUE) {
      drawn <- original(one, key, plot)
      if (plot) found$legend <<- c(in_inches(drawn$rect), list(text = one$legend, cex = one$cex))
      drawn
    },
    draw_title = function(main, settings = list()) found$room <<- titled(main, settings)
  )
  exchange <- function(with) for (name in names(with)) utils::assignInNamespace(name, with[[name]], "gbtm")
  on.exit(exchange(list(legend_call = original, draw_title = titled)), add = TRUE)
  exchange(noted)
  draw()
  found$plot <- list(x = graphics::grconvertX(0:1, "npc", "inches"), y = graphics::grconvertY(0:1, "npc", "inches"))
  found
}

# The box that legend() says it drew, in inches: on logarithmic axes it says the logarithms.
in_inches <- function(box) {
  usr <- graphics::par("usr")
  x <- (box$left + c(0, box$w) - usr[1]) / diff(usr[1:2])
  y <- (box$top - c(box$h, 0) - usr[3]) / diff(usr[3:4])
  list(x = graphics::grconvertX(x, "npc", "inches"), y = graphics::grconvertY(y, "npc", "inches"))
}

# The example as if it had so many groups.
with_groups <- function(n) {
  fit <- example_fit()
  again <- rep_len(1:3, n)
  fit$n_groups <- n
  fit$shares <- fit$shares[again] / sum(fit$shares[again])
  fit$posterior <- fit$posterior[, again, drop = FALSE] / rowSums(fit$posterior[, again, drop = FALSE])
  rows <- function(table) table[again, , drop = FALSE]
  fit$curves$coefficients <- lapply(fit$curves$coefficients, rows)
  fit$curves$positions <- lapply(fit$curves$positions, rows)
  fit$curves$offsets <- lapply(fit$curves$offsets, function(x) x[again])
  fit
}

long_names <- function(n) paste("people whose curve has a name of a good many words, number", seq_len(n))

test_that("the legend is above the plot, under the title and on the device, for 1 to 8 groups", {
  for (size in list(c(7, 5), c(4, 3), c(3, 3))) {
    for (n in 1:8) {
      for (labels in list(NULL, long_names(n))) {
        fit <- with_groups(n)
        at <- places(size[1], size[2], function() plot(fit, labels = labels, main = "A title above it"))
        where <- sprintf("%d groups on %g x %g inches%s", n, size[1], size[2], if (is.null(labels)) "" else ", long")
        expect_gte(min(at$legend$x), -1e-6, label = where)
        expect_lte(max(at$legend$x), size[1] + 1e-6, label = where)
        expect_gte(at$legend$y[1], at$plot$y[2] - 1e-6, label = where)
        expect_lte(at$legend$y[2], at$plot$y[2] + at$room + 1e-6, label = where) # where the title begins
        expect_lte(at$legend$y[2], size[2] + 1e-6, label = where)
        expect_length(at$legend$text, n)
      }
    }
  }
})

test_that("a long title is broken and stays on the device, and the legend below it", {
  title <- paste(rep("words that do not end", 5), collapse = " ")
  at <- places(7, 5, function() plot(example_fit(), main = title))
  expect_lte(at$legend$y[2], at$plot$y[2] + at$room)
  expect_gte(at$legend$y[1], at$plot$y[2] - 1e-6)
  grDevices::pdf(NULL, 4, 3)
  on.exit(grDevices::dev.off())
  graphics::plot(1)
  broken <- gbtm:::broken_text(title, 2, 1.2, 2)
  expect_lte(max(graphics::strwidth(strsplit(broken, "\n")[[1]], "inches", cex = 1.2, font = 2)), 2)
  expect_identical(gsub("\n", " ", broken), title)
})

test_that("names stand whole where they have room, and their shares always", {
  fit <- with_groups(3)
  at <- places(7, 5, function() plot(fit, labels = long_names(3)))
  expect_identical(trimws(gsub("\\s+", " ", at$legend$text)), gbtm:::legend_labels(fit, long_names(3)))
  grim <- places(3, 3, function() plot(with_groups(8), labels = long_names(8), main = "A title"))
  expect_true(all(grepl("%\\)\\s*$", grim$legend$text)))
})

test_that("without a margin above the legend is in the plot, and on a logarithmic axis it is where it was", {
  at <- places(4, 3, function() plot(example_fit()), mar = c(4, 4, 0.1, 0.1))
  expect_gte(min(at$legend$x), at$plot$x[1] - 1e-9)
  expect_lte(max(at$legend$x), at$plot$x[2] + 1e-9)
  expect_gte(min(at$legend$y), at$plot$y[1] - 1e-9)
  expect_lte(max(at$legend$y), at$plot$y[2] + 1e-9)
  plain <- places(7, 5, function() plot(example_fit()))
  log <- places(7, 5, function() plot(example_fit(), log = "y"))
  expect_equal(log$legend[c("x", "y")], plain$legend[c("x", "y")], tolerance = 1e-6)
  expect_equal(plain$plot, places(7, 5, function() graphics::plot(1))$plot) # the user's margins
  small <- places(4, 3, function() plot(with_groups(8), labels = long_names(8), legend = "topleft"))
  expect_lte(max(small$legend$x), small$plot$x[2] + 1e-9)
  expect_gte(min(small$legend$y), small$plot$y[1] - 1e-9)
})

test_that("the emptiest corner is taken", {
  grDevices::pdf(NULL, 7, 5)
  on.exit(grDevices::dev.off())
  graphics::plot(0:10, 0:10)
  corner <- function(x, y) gbtm:::emptiest_corner(c(2, 1), x, y)
  expect_identical(corner(c(9, 10), c(9, 10)), "topleft")
  expect_identical(corner(c(9, 1, 9), c(9, 9, 1)), "bottomleft")
})
