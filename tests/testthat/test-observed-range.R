# When a group was seen: by hand, in tables, warnings, summaries and pictures.

own_ages <- list(seq(8, 38, 2), seq(8, 22, 2), seq(16, 38, 2))

people_of_own_ages <- function(n = 60) {
  set.seed(1)
  do.call(rbind, lapply(seq_len(n), function(i) {
    g <- i %% 3 + 1
    age <- own_ages[[g]]
    mean <- list(2 + 0.1 * (age - 8), 12 - 0.2 * (age - 8), 5 + 0.02 * age)[[g]]
    data.frame(id = i, age = age, y = mean + rnorm(length(age), 0, 0.6))
  }))
}

fit_of_own_ages <- function() {
  once("own ages", function() {
    suppressWarnings(gbtm(y ~ age, people_of_own_ages(), id = "id", groups = 3, order = 1,
                          control = gbtm_control(n_starts = 6, seed = 1)))
  })
}

# The groups of the people who were seen at each of own_ages.
of_ages <- function(fit) unname(assignment(fit))[c(3, 1, 2)]

test_that("at most half a per cent of a group's weight is left out at an end", {
  mass <- cbind(100, c(0.4, 60, 60, 60, 0), c(0.6, 60, 60, 60, 1), c(100, 100, 0, 0, 0))
  expect_identical(gbtm:::lower_ends(1:5, mass, 1L), c(1, 2, 2, 1))
  expect_identical(gbtm:::lower_ends(-(5:1), mass[5:1, ], -5L), c(-5, -4, -5, -2))
  expect_identical(gbtm:::lower_ends(1:3, cbind(1, rep(0, 3)), 1L), c(1, NA))
  times <- sort(stats::rnorm(4000, 30, 8)) # ends at which there were few people are nobody's own
  p <- matrix(stats::rgamma(12000, 0.3), ncol = 3)
  expect_identical(gbtm:::lower_ends(times, p / rowSums(p), times[1]), rep(times[1], 3))
})

test_that("curves are marked where their group was not seen, as in Python", {
  need_engine()
  fit <- fit_of_own_ages()
  table <- predict(fit)
  for (j in 1:3) {
    mine <- table[table$group == of_ages(fit)[j], ]
    expect_identical(mine$age[!mine$outside], own_ages[[j]])
  }
  path <- tempfile(fileext = ".json")
  write_gbtm(fit, path)
  theirs <- run_python(c("import gbtm, json", sprintf("r = gbtm.load('%s')", path),
                         "print(json.dumps(r.predict()['outside'].tolist()))"))
  expect_identical(jsonlite::fromJSON(theirs[length(theirs)]), table$outside)
  new <- suppressWarnings(predict(fit, newdata = data.frame(age = c(15, 40))))
  expect_identical(new$outside[new$age == 15][of_ages(fit)], c(FALSE, FALSE, TRUE))
  expect_true(all(new$outside[new$age == 40]))
})

test_that("times that were asked for bring a warning, and those of the fit do not", {
  need_engine()
  fit <- fit_of_own_ages()
  expect_no_warning(predict(fit))
  expect_no_warning(predict(fit, times = c(16, 20.5)))
  expect_warning(predict(fit, times = c(20, 30)), sprintf("outside of what was seen at 30 of group %d \\(8 to 22\\)",
                                                          of_ages(fit)[2]), class = "gbtm_outside")
  said <- character()
  withCallingHandlers(predict(fit, times = c(10, 40, 60)), warning = function(w) {
    said <<- c(said, conditionMessage(w))
    invokeRestart("muffleWarning")
  })
  expect_length(said, 2)
  expect_match(said[1], "60 is far outside the observed ones, 8 to 38")
  expect_match(said[2], sprintf("at 10, 40 of group %d \\(16 to 38\\)", of_ages(fit)[3]))
  expect_false(grepl("60", said[2]))
  one <- gbtm(y ~ t, two_curves(20), id = "id", groups = 1, order = 1, control = quick())
  expect_warning(predict(one, times = 5.5), "at 5.5 of all groups \\(0 to 5\\)", class = "gbtm_outside")
  expect_false(any(grepl("Not seen over all", capture.output(print(summary(one))))))
})

test_that("the summary says it, and pictures draw that part apart", {
  need_engine()
  fit <- fit_of_own_ages()
  said <- paste(capture.output(print(summary(fit))), collapse = " ")
  expect_match(said, "Not seen over all of age 8 to 38: group")
  expect_match(said, sprintf("group %d \\(8 to 22\\)", of_ages(fit)[2]))
  early <- of_ages(fit)[2]
  curves <- gbtm:::drawn_curves(fit, NULL)
  mine <- curves[curves$group == early, ]
  part <- gbtm:::seen_parts(mine)
  expect_equal(max(mine$time[part$seen]), min(mine$time[part$unseen])) # the parts meet
  expect_lt(max(mine$time[part$seen]) - 22, diff(mine$time[1:2]) + 1e-9)
  expect_null(gbtm:::seen_parts(curves[curves$group == of_ages(fit)[1], ])$unseen)
  grDevices::png(tempfile())
  drawn <- plot(fit)
  grDevices::dev.off()
  expect_identical(drawn$outside, curves$outside)
  skip_if_not_installed("ggplot2")
  dotted <- function(picture) vapply(picture$layers, function(l) identical(l$aes_params$linetype, "11"), NA)
  expect_true(any(dotted(ggplot2::autoplot(fit))))
  expect_true(any(dotted(plot_groups(fit))))
  expect_false(any(dotted(ggplot2::autoplot(fit, groups = of_ages(fit)[1]))))
  expect_match(gsub("\n", " ", ggplot2::autoplot(fit)$labels$caption), "Dotted, greyed")
})
