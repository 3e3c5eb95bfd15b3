# Ids of several columns: one person a combination, joined as in Python.

households <- function() {
  set.seed(5)
  d <- data.frame(HHID = rep(0:14, each = 8), PN = rep(c(10, 20), each = 4, times = 15), t = rep(0:3, 30))
  d$one <- rep(1:30, each = 4)
  d$x <- rep(stats::rnorm(30), each = 4)
  d$y <- 4 * (d$one %% 3 == 0) + stats::rnorm(120)
  d
}

test_that("joined ids are apart wherever the columns are", {
  d <- data.frame(a = c("a.b", "a", "a.b", NA), b = c("c", "b.c", "c", "d"))
  expect_identical(id_values(d, c("a", "b")), list(values = c("a.b_c", "a_b.c", "a.b_c", NA), name = "a.b"))
  expect_identical(id_values(data.frame(a = 1:2, b = c(10, 2.5)), c("a", "b"))$values, c("1.10", "2.2.5"))
  expect_identical(id_values(d, "a")$values, d$a)
  expect_error(id_values(d, c("a", "z")), class = "gbtm_unknown_column")
  expect_error(id_values(d, 1), class = "gbtm_bad_id")
})

test_that("a person is a combination, also among new people and in a fit read from a file", {
  need_engine()
  d <- households()
  one <- gbtm(y ~ t, d, id = "one", groups = 2, order = 1, risk = ~ x, control = quick())
  fit <- gbtm(y ~ t, d, id = c("HHID", "PN"), groups = 2, order = 1, risk = ~ x, control = quick())
  expect_equal(coef(fit), coef(one))
  expect_identical(fit$n_subjects, 30L)
  expect_identical(fit$ids[1:3], c("0.10", "0.20", "1.10"))
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  for (same in list(fit, read_gbtm(file))) {
    new <- predict(same, d, type = "posterior")
    expect_identical(names(new)[1], "HHID.PN")
    expect_equal(new$group_1, posterior(fit)$group_1, tolerance = 1e-7)
  }
  plain <- gbtm(y ~ t, d, id = c("HHID", "PN"), groups = 2, order = 1, control = quick())
  expect_equal(predict(plain, d, type = "posterior"), posterior(plain), tolerance = 1e-7, ignore_attr = TRUE)
})

test_that("so it is in wide data and in commands", {
  need_engine()
  d <- households()
  wide <- stats::reshape(d[c("HHID", "PN", "t", "y")], idvar = c("HHID", "PN"), timevar = "t", direction = "wide",
                         sep = "")
  for (j in 0:3) wide[[paste0("t", j)]] <- j
  fit <- gbtm(y ~ t, wide, id = c("HHID", "PN"), groups = 2, order = 1, wide = list(y = "y*", t = 0:3),
              control = quick())
  expect_identical(fit$ids[1:2], c("0.10", "0.20"))
  command <- traj("traj, var(y0-y3) indep(t0-t3) model(cnorm) min(-99) max(99) order(1 1)", wide, id = c("HHID", "PN"))
  expect_identical(command$ids, fit$ids)
  expect_error(gbtm(y ~ t, wide, id = "HHID", groups = 2, wide = list(y = "y*", t = 0:3)), "HHID", class =
                 "gbtm_duplicate_id")
})

kinds_of_ids <- function(k) {
  list(
    integer = k, double = k + 0, large = k * 1e5, fraction = k + 0.25, text = paste0("p", k),
    factor = factor(paste0("p", k), levels = paste0("p", 40:1)), ordered = factor(k, 40:1, ordered = TRUE),
    date = as.Date("2020-02-27") + k, time = as.POSIXct("2020-01-01", tz = "UTC") + 3600 * k, logical = k %% 2 == 0
  )
}

test_that("tables have the ids in the type of the data, also of new people", {
  need_engine()
  d <- small_data()
  kinds <- kinds_of_ids(d$id)
  for (name in setdiff(names(kinds), "logical")) {
    own <- d
    own$id <- kinds[[name]]
    fit <- gbtm(y ~ t, own, id = "id", groups = 2, order = 1, control = quick())
    expect_identical(posterior(fit)$id, unique(own$id), info = name)
    some <- own[own$t < 2 & d$id > 5, ]
    for (type in c("posterior", "prob")) {
      expect_identical(predict(fit, some, type = type)$id, unique(some$id), info = paste(name, type))
    }
    expect_identical(unique(predict(fit, some, type = "group")$id), unique(some$id), info = name)
    expect_identical(names(predict(fit, own, type = "class")), names(assignment(fit)), info = name)
    expect_identical(nrow(merge(own, posterior(fit), by = "id")), nrow(own), info = name)
    expect_identical(simulate(fit, seed = 1)$id, own$id, info = name)
    file <- tempfile(fileext = ".json")
    write_gbtm(fit, file)
    read <- posterior(read_gbtm(file))
    expect_identical(read[-1], posterior(fit)[-1], info = name)
    # a file knows numbers and text
    text <- as.character(unique(own$id))
    expect_equal(read$id, if (is.numeric(own$id)) unique(own$id) else text, info = name)
    expect_identical(typeof(read$id), switch(name, integer = , double = , large = "integer", fraction = "double",
                                             "character"))
    # ids of new people are what they are there
    other <- transform(some, id = paste0("n", as.integer(factor(id))))
    expect_identical(predict(fit, other, type = "posterior")$id, unique(other$id))
  }
})

test_that("so do fits of searches, of wide data and of commands, and those who were held out", {
  need_engine()
  d <- small_data()
  d$id <- factor(paste0("p", d$id), levels = paste0("p", 16:1))
  d$out <- as.numeric(d$id %in% c("p3", "p9"))
  fit <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, out_of_sample = "out", control = quick())
  expect_identical(out_of_sample(fit)$id, factor(c("p3", "p9"), levels(d$id)))
  expect_identical(names(out_of_sample(fit)), names(posterior(fit)))
  expect_identical(posterior(fit)$id, unique(d$id[d$out == 0]))
  expect_identical(out_of_sample(small_fit())$id, integer())
  found <- gbtm_search(y ~ t, d, id = "id", groups = 2, order = 1, how = "grid", shape_starts = 2,
                       control = gbtm_control(n_starts = 4))
  expect_identical(posterior(best(found))$id, unique(d$id))
  expect_identical(cross_validate(best(found), folds = 2, n_starts = 1)$by_subject$id, unique(d$id))
  wide <- stats::reshape(d[c("id", "t", "y")], idvar = "id", timevar = "t", direction = "wide", sep = "")
  fit <- gbtm(y ~ t, wide, id = "id", groups = 2, order = 1, wide = list(y = "y*", t = 0:3), control = quick())
  expect_identical(posterior(fit)$id, wide$id)
  for (j in 0:3) wide[[paste0("t", j)]] <- j
  fit <- traj("traj, var(y0-y3) indep(t0-t3) model(cnorm) min(-99) max(99) order(1 1)", wide, id = "id")
  expect_identical(posterior(fit)$id, wide$id)
})

test_that("ids are found by what they are, or given back as they went", {
  for (own in kinds_of_ids(1:6)) {
    kept <- own_ids(data.frame(id = own), "id")
    sent <- if (is.numeric(own) && !is.object(own)) own else as.character(own)
    back <- in_own_type(rev(sent), kept)
    expect_identical(back, if (is.logical(own)) rev(sent == "TRUE") else rev(own))
  }
  expect_null(own_ids(data.frame(a = 1, b = 2), c("a", "b")))
  expect_null(own_ids(data.frame(a = 1), NULL))
  expect_identical(in_own_type(c("a", "z"), factor(c("a", "b"))), c("a", "z"))
  expect_identical(in_own_type(c("a", NA), factor(c("a", "b"))), factor(c("a", NA), c("a", "b")))
  expect_identical(id_labels(c(1e5, 2.5, 3e15, NA)), c("100000", "2.5", "3000000000000000", NA))
  expect_identical(id_labels(c(100000L, 7L)), c("100000", "7"))
})
