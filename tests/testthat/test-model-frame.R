test_that("model.frame() is the observations that were fitted, in the order and with the labels of the data", {
  need_engine()
  d <- small_data()
  set.seed(2)
  d <- d[sample(nrow(d)), ]
  d$id <- factor(paste0("p", d$id))
  d$y[c(4, 30)] <- NA
  d$sex <- factor(c("man", "woman")[1 + as.integer(d$id) %% 2])
  d$z <- stats::rnorm(nrow(d))
  d$w <- 1 + as.integer(d$id) %% 3
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~ sex, tcov = ~ z, weights = "w",
                               control = quick()))
  frame <- model.frame(fit)
  used <- d[-c(4, 30), ]
  expect_identical(names(frame), c("y", "t", "id", "z", "sexwoman", "(weights)"))
  expect_identical(row.names(frame), row.names(used))
  for (name in c("y", "id", "z")) expect_identical(frame[[name]], used[[name]], info = name)
  expect_equal(frame$t, used$t)
  expect_equal(frame$sexwoman, as.numeric(used$sex == "woman"))
  each <- tapply(used$w, used$id, mean)
  expect_equal(frame[["(weights)"]], used$w / mean(each))
  expect_identical(stats::model.response(frame), stats::setNames(used$y, row.names(used)))
  expect_identical(stats::model.weights(frame), frame[["(weights)"]])
  expect_equal(frame$y - fitted(fit), residuals(fit), ignore_attr = TRUE)
  expect_identical(names(fitted(fit)), row.names(frame))
  # a file keeps the numbers, in its own order
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  read <- model.frame(read_gbtm(file))
  expect_identical(names(read), names(frame))
  at <- match(paste(read$id, read$t), paste(frame$id, frame$t))
  expect_identical(read$y, frame$y[at])
  expect_identical(read$sexwoman, frame$sexwoman[at])
})

test_that("so it is for fits of searches, exposure, wide data and commands", {
  need_engine()
  set.seed(6)
  d <- expand.grid(t = 0:3, id = 1:20)
  d$x <- stats::rnorm(20)[d$id]
  d$months <- 1 + d$id %% 4
  d$n <- stats::rpois(80, d$months * ifelse(d$id > 10, 4, 0.5))
  found <- suppressWarnings(gbtm_search(n ~ t, d, id = "id", groups = 2, order = 1, family = "poisson", risk = ~ x,
                                        exposure = "months", how = "grid", shape_starts = 2,
                                        control = gbtm_control(n_starts = 4)))
  frame <- model.frame(best(found))
  expect_identical(names(frame), c("n", "t", "id", "x", "months"))
  expect_equal(frame, d[names(frame)], ignore_attr = TRUE)
  wide <- stats::reshape(d[c("id", "t", "n")], idvar = "id", timevar = "t", direction = "wide", sep = "_")
  for (j in 0:3) wide[[paste0("t_", j)]] <- j
  fit <- suppressWarnings(traj("traj, var(n_0-n_3) indep(t_0-t_3) model(zip) order(1 1)", wide, id = "id"))
  frame <- model.frame(fit)
  expect_identical(names(frame), c("n", "time", "id"))
  expect_equal(frame[[1]], d$n)
  expect_identical(row.names(frame), as.character(1:80))
  # these have no rows of a long table, and are found all the same
  expect_equal(fitted(fit) + residuals(fit), frame[[1]])
})

test_that("names that meet get an underscore", {
  fit <- example_fit()
  frame <- model.frame(replace(fit, "id_name", "age"))
  expect_identical(names(frame), c("offenses", "age", "age_"))
  expect_identical(frame$age_, fit$ids[fit$data$subject])
})

test_that("terms() are those of the formula, and a design matrix there is none", {
  fit <- example_fit()
  own <- terms(fit)
  expect_s3_class(own, "terms")
  expect_identical(all.vars(own), c("offenses", "age"))
  expect_identical(attr(own, "response"), 1L)
  expect_identical(stats::formula(own), stats::formula(fit), ignore_attr = TRUE)
  expect_error(stats::model.matrix(fit), "curve of its own order", class = "gbtm_no_model_matrix")
  need_engine()
  spline <- gbtm(sqrt(y + 5) ~ splines::ns(t, 2), small_data(), id = "id", groups = 2, control = quick())
  expect_identical(attr(terms(spline), "term.labels"), "splines::ns(t, 2)")
  expect_identical(names(model.frame(spline)), c("sqrt(y + 5)", "t", "id"))
  expect_equal(model.frame(spline)[[1]], sqrt(small_data()$y + 5))
})
