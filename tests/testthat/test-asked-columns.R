# A column may be named as in lm() and its kin; the fit is the same fit.

same_fit <- function(a, b) {
  a$call <- b$call <- NULL
  expect_identical(a, b)
}

test_that("~ id, a bare name, its values and a variable that holds the name are the same column", {
  need_engine()
  d <- transform(small_data(), w = 1 + id %% 3, male = id %% 2, txt = paste0("p", id))
  fit <- function(...) gbtm(y ~ t, d, groups = 1, order = 1, control = quick(), ...)
  named <- gbtm(y ~ t, d, groups = 1, order = 1, control = quick(), id = "id", weights = "w", cluster = "txt")
  same_fit(gbtm(y ~ t, d, groups = 1, order = 1, control = quick(), id = ~ id, weights = "w", cluster = "txt"), named)
  same_fit(gbtm(y ~ t, d, groups = 1, order = 1, control = quick(), id = id, weights = w, cluster = txt), named)
  same_fit(gbtm(y ~ t, d, d$id, 1, 1, control = quick(), weights = d[["w"]], cluster = d$txt), named)
  key <- "id"
  same_fit(gbtm(y ~ t, d, key, 1, 1, control = quick(), weights = "w", cluster = "txt"), named)
  expect_identical(update(fit(id = "id"), . ~ ., weights = w)$inputs$weights, "w")
  expect_identical(fit(id = txt)$ids, unique(d$txt))
  expect_identical(fit(id = ~ txt + id)$id_name, fit(id = c("txt", "id"))$id_name)
})

test_that("a bare name that is also a variable's is the variable where that holds names, and else the column", {
  d <- data.frame(a = 1:3, b = 4:6)
  ask <- function(value, expression, argument = "weights") asked_column(argument, function() value, expression, d)
  expect_identical(ask("b", quote(a)), "b")
  expect_identical(ask(NULL, quote(a)), NULL)
  expect_identical(ask(~ b, quote(a)), ~ b)
  expect_identical(ask(stats::weights, quote(a)), "a")
  expect_identical(ask(c("p", "q", "r"), quote(a)), "a")
  expect_identical(ask(4:6, quote(x$b)), "b")
  expect_identical(ask("~ a + b", "~ a + b", "id"), c("a", "b"))
  d$c <- d$a
  expect_identical(ask(1:3, quote(d$c)), "c")
  expect_error(ask(1:3, quote(x)), "values are given", class = "gbtm_values_given")
})

test_that("what is no column is answered with what to write", {
  d <- transform(small_data(), w = 2, male = id %% 2)
  fit <- function(...) gbtm(y ~ t, d, groups = 1, order = 1, ...)
  expect_error(gbtm(y ~ t, d, id = nobody, groups = 1), "'nobody' is neither a column nor an object",
               class = "gbtm_unknown_column")
  expect_error(gbtm(y ~ t, d, id = d$id + 0.5, groups = 1), 'give the column\'s name: id = "id"',
               class = "gbtm_values_given", fixed = TRUE)
  expect_error(gbtm(y ~ t, d, "id", 1, 1, weights = 1 / w), "weights = ~ 1/w", class = "gbtm_bad_formula", fixed = TRUE)
  expect_error(gbtm(y ~ t, d, "id", 1, 1, risk = c(male, w)), 'risk = c("male", "w")', class = "gbtm_bad_formula",
               fixed = TRUE)
  expect_error(gbtm(y ~ t, d, ~ id * w, 1, 1), "more than names", class = "gbtm_bad_id")
  expect_error(gbtm(y ~ t, d, "id", 1, 1, exposure = stop("mine")), "mine")
  expect_error(gbtm_search(y ~ t, d, "id", weights = runif(nrow(d))), class = "gbtm_values_given")
  expect_error(gbtm_search(y ~ t, d, nobody), class = "gbtm_unknown_column")
  expect_error(traj("traj, var(y) indep(t) model(cnorm) order(1)", d, id = nobody), class = "gbtm_unknown_column")
})

test_that("names of wide data are found too", {
  need_engine()
  long <- transform(small_data(), z = (id + t) %% 2)
  wide <- stats::reshape(long, idvar = "id", timevar = "t", v.names = c("y", "z"), direction = "wide", sep = "_")
  columns <- list(y = "y_*", t = 0:3, z = "z_*")
  same_fit(gbtm(y ~ t, wide, id, 1, 1, wide = columns, tcov = z, control = quick()),
           gbtm(y ~ t, wide, "id", 1, 1, wide = columns, tcov = "z", control = quick()))
})
