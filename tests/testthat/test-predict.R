test_that("curves are the formula's, and bands the delta method's", {
  fit <- example_fit()
  at <- c(10, 13.3, 17)
  table <- predict(fit, times = at)
  expect_identical(names(table), c("group", "age", "estimate", "se", "lower", "upper", "outside"))
  mean <- function(b) {
    u <- exp(cbind(1, at, at^2) %*% matrix(b[1:9], 3))
    as.vector((1 - stats::plogis(b[10])) * u)
  }
  expect_equal(table$estimate, mean(coef(fit)), tolerance = 1e-8)
  h <- 1e-6
  slope <- vapply(1:12, function(j) {
    up <- down <- coef(fit)
    step <- h * max(1e-3, abs(up[j]))
    up[j] <- up[j] + step
    down[j] <- down[j] - step
    (mean(up) - mean(down)) / (2 * step)
  }, numeric(9))
  expect_equal(table$se, sqrt(diag(slope %*% vcov(fit) %*% t(slope))), tolerance = 1e-4)
  expect_equal(table$upper, table$estimate + stats::qnorm(0.975) * table$se)
  expect_true(all(table$lower >= 0))
  expect_equal(predict(fit, newdata = data.frame(age = at)), table)
})

test_that("people are scored from partial histories", {
  fit <- example_fit()
  expect_equal(predict(fit, newdata = example_data(), type = "posterior"), posterior(fit), tolerance = 1e-8)
  expect_identical(predict(fit, newdata = example_data(), type = "assignment"), assignment(fit))
  unknown <- data.frame(id = c("a", "a", "b"), age = c(10, 11, 12), offenses = c(NA, NA, 9))
  expect_warning(p <- predict(fit, newdata = unknown, type = "posterior"), class = "gbtm_prior",
                 "1 person has no usable observation \\(a\\): their probabilities are the prior, the group shares")
  expect_equal(unlist(group_columns(p)[1, ]), fit$shares, ignore_attr = TRUE)
  expect_warning(most <- predict(fit, newdata = unknown, type = "assignment"), class = "gbtm_prior")
  expect_identical(most, c(a = 1L, b = 3L))
  expect_warning(p <- predict(fit, newdata = data.frame(id = 9:3), type = "prob"), "no column 'offenses': 7 people")
  expect_identical(p$id, 9:3)
  expect_equal(unlist(group_columns(p)[7, ]), fit$shares, ignore_attr = TRUE)
})

# What the printed coefficients say at covariates z, a row each with the constant's column first.
softmax <- function(fit, z) {
  b <- matrix(coef(fit)[grepl("^theta", names(coef(fit)))], ncol(z))
  u <- cbind(0, z %*% b)
  exp(u) / rowSums(exp(u))
}

test_that("people of whom only covariates are known have the prior, alike for every type", {
  need_engine()
  d <- two_curves(60, 0:2)
  set.seed(2)
  d$z <- c("a", "b", "c")[1 + (d$id * 7) %% 3]
  d$x <- stats::rnorm(60)[d$id]
  d$y[d$id %% 9 == 0 & d$t == 2] <- NA
  fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = ~ z + x, dropout = 0,
                               control = quick()))
  people <- data.frame(who = 1, id = c(12, 11, 14), z = c("b", "a", "c"), x = c(-1, 0, 2))
  p <- softmax(fit, cbind(1, people$z == "b", people$z == "c", people$x))
  no_outcome <- people[c("id", "z", "x")]
  tables <- list(no_outcome, cbind(no_outcome, t = 0, y = NA), cbind(no_outcome, t = NA, y = NA_real_),
                 merge(cbind(no_outcome, y = NA), data.frame(t = 0:2))) # several rows a person
  for (new in tables) {
    seen <- function(type, ...) {
      expect_warning(out <- suppressWarnings(predict(fit, newdata = new, type = type, ...), classes = "gbtm_dropped"),
                     "3 people have no usable observation", class = "gbtm_prior")
      out
    }
    of <- match(people$id, unique(new$id))
    posterior <- seen("posterior")
    expect_equal(unname(as.matrix(group_columns(posterior)[of, ])), p, tolerance = 1e-8)
    expect_equal(unname(seen("class")[of]), max.col(p), ignore_attr = TRUE)
    for (by_wave in c(FALSE, TRUE)) {
      table <- seen("group", by_wave = by_wave)
      expect_equal(matrix(table$probability, ncol = 2, byrow = TRUE)[of, ], p, tolerance = 1e-8)
      expect_identical(table$t, rep(NA_real_, 6))
      expect_equal(matrix(table$assigned, ncol = 2, byrow = TRUE)[of, ], p == apply(p, 1, max))
      # two groups: the logit is linear in theta
      b <- grep("^theta", names(coef(fit)))
      z <- c(1, 1, 0, -1)
      se <- sqrt(drop(z %*% vcov(fit)[b, b] %*% z))
      own <- table[table$id == 12 & table$group == 2, ]
      expect_equal(c(own$lower, own$upper), stats::plogis(sum(z * coef(fit)[b]) + c(-1, 1) * stats::qnorm(0.975) * se),
                   tolerance = 1e-6)
    }
  }
  expect_warning(rows <- predict(fit, newdata = people[c("z", "x")], type = "posterior"), class = "gbtm_prior")
  expect_equal(rows$id, 1:3)
  expect_error(predict(fit, newdata = people["id"], type = "posterior"), class = "gbtm_unknown_column")
  # beside somebody who was observed, and somebody of whom the covariates are not known
  both <- rbind(d[d$id == 4, ], cbind(no_outcome[c(1, 3), ], t = 1, y = NA)[names(d)],
                data.frame(id = 99, t = 0, y = NA, z = NA, x = 1))
  expect_warning(expect_warning(mixed <- predict(fit, newdata = both, type = "posterior"), "1 subject with a missing",
                                class = "gbtm_dropped"), class = "gbtm_prior")
  expect_equal(mixed$id, c(4, 12, 14))
  expect_equal(unname(as.matrix(group_columns(mixed)[2:3, ])), p[c(1, 3), ], tolerance = 1e-8)
})

test_that("wide tables need no outcome either", {
  need_engine()
  d <- two_curves(40, 0:3)
  wide <- stats::reshape(d, idvar = "id", timevar = "t", direction = "wide", sep = "_")
  wide$x <- (wide$id * 3) %% 7 + wide$id / 20
  names(wide)[2:5] <- paste0("y_", 0:3)
  fit <- gbtm(y ~ t, wide, id = "id", wide = list(y = "y_*", t = 0:3), groups = 2, order = 1, risk = ~ x,
              control = quick())
  p <- softmax(fit, cbind(1, c(0, 3)))
  expect_gt(abs(p[1, 1] - p[2, 1]), 0.1)
  missing <- data.frame(id = 1:2, y_0 = NA, y_1 = NA, y_2 = NA, y_3 = NA, x = c(0, 3))
  for (new in list(missing, missing[c("id", "x")])) {
    expect_warning(found <- suppressWarnings(predict(fit, newdata = new, type = "posterior"), classes = "gbtm_dropped"),
                   "2 people", class = "gbtm_prior")
    expect_equal(unname(as.matrix(group_columns(found))), p, tolerance = 1e-8)
  }
})

test_that("other packages' names of the types mean the same, with new people and without", {
  need_engine()
  d <- small_data()
  plain <- small_fit()
  covariates <- suppressWarnings(gbtm(y ~ t, transform(d, x = id %% 4), id = "id", groups = 2, order = 1, risk = ~ x,
                                      control = quick())) # this one is scored by the engine
  new <- transform(d[d$t < 3 & d$id %in% c(2, 15), ], x = id %% 4, id = c("a", "b")[1 + (id > 2)])
  for (fit in list(plain, covariates)) {
    expect_identical(predict(fit, type = "response"), predict(fit))
    expect_identical(predict(fit, times = 1.5, type = "response"), predict(fit, times = 1.5, type = "curve"))
    expect_identical(predict(fit, new, type = "response"), predict(fit, new))
    expect_identical(unique(predict(fit, new, type = "response")$t), c(0, 1, 2))
    for (type in c("prob", "probs", "membership")) expect_identical(predict(fit, type = type), posterior(fit))
    expect_identical(predict(fit, type = "class"), assignment(fit))
    prob <- predict(fit, new, type = "prob")
    expect_identical(names(prob), names(posterior(fit)))
    expect_identical(prob$id, c("a", "b"))
    expect_identical(prob$assigned, 1:2)
    expect_equal(rowSums(group_columns(prob)), c(1, 1), ignore_attr = TRUE)
    expect_identical(predict(fit, new, type = "class"), c(a = 1L, b = 2L))
    table <- predict(fit, new, type = "group")
    expect_equal(as.vector(t(group_columns(prob))), table$probability, tolerance = 1e-8)
    expect_identical(table$group[table$assigned], prob$assigned)
  }
  # by hand: the posterior of two normal curves
  b <- coef(plain)
  share <- stats::plogis(c(-1, 1) * b[["theta[2]"]])
  density <- vapply(1:2, function(k) {
    mean <- b[[sprintf("intercept[%d]", k)]] + b[[sprintf("t[%d]", k)]] * 0.5
    share[k] * stats::dnorm(3.4, mean, b[["sigma"]])
  }, 1)
  one <- data.frame(id = "new", t = 0.5, y = 3.4)
  expect_equal(as.vector(group_columns(predict(plain, one, type = "prob"))), density / sum(density), tolerance = 1e-8)
})

test_that("what cannot be predicted is an error", {
  fit <- example_fit()
  expect_error(predict(fit, type = "curves"), class = "gbtm_bad_type")
  expect_error(predict(fit, times = NA), class = "gbtm_bad_times")
  expect_error(predict(fit, times = "12"), class = "gbtm_not_numeric")
  expect_error(predict(fit, level = 95), class = "gbtm_bad_level")
  expect_error(predict(fit, newdata = data.frame(t = 1)), class = "gbtm_unknown_column")
  wrong <- data.frame(id = 1, age = 10, offenses = 0.5)
  expect_error(predict(fit, newdata = wrong, type = "posterior"), class = "gbtm_bad_outcome")
})

test_that("fitted values and residuals add up to the data", {
  fit <- example_fit()
  expect_equal(fitted(fit) + residuals(fit), fit$data$y)
})

# Made of the fit's data, for people of whom each has its own values.
likely <- function(fit, newdata) {
  p <- predict(fit, newdata = newdata, type = "posterior")
  unname(as.matrix(p[grep("group", names(p))]))
}

test_that("new people meet the means, knots and levels of the fit", {
  need_engine()
  set.seed(3)
  d <- expand.grid(t = 0:2, id = 1:120)
  x <- stats::rnorm(120, 5, 2)
  d$x <- x[d$id]
  d$z <- factor(c("a", "b", "c"))[1 + d$id %% 3]
  d$y <- ifelse(stats::runif(120) < stats::plogis(x - 5), 2.2, 1)[d$id] + stats::rnorm(nrow(d))
  some <- d[d$x > 7, ]
  for (risk in c(~ scale(x), ~ poly(x, 2), ~ splines::bs(x, df = 4), ~ splines::ns(x, 3), ~ z * scale(x))) {
    fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 0, risk = risk, control = quick()))
    fitted <- unname(as.matrix(posterior(fit)[unique(some$id), c("group_1", "group_2")]))
    expect_equal(likely(fit, some), fitted, tolerance = 1e-8, info = deparse(risk))
  }
})

test_that("covariates that depend on who else is there are refused for new people", {
  need_engine()
  d <- two_curves(24)
  d$x <- d$id %% 5
  for (risk in c(~ I(x - mean(x)), ~ rank(x), ~ cut(x, 3), ~ I(x / max(x)))) {
    fit <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, risk = risk, control = quick()))
    expect_error(predict(fit, newdata = d[d$id < 9, ], type = "posterior"), "depends on who else is in the table",
                 class = "gbtm_not_pointwise")
  }
})

test_that("categories of time are drawn and predicted at the times that were observed", {
  need_engine()
  d <- two_curves(24, c(0, 1, 2, 4, 8))
  fit <- gbtm(y ~ factor(t), d, id = "id", groups = 2, control = quick())
  means <- predict(fit)
  expect_equal(sort(unique(means$t)), c(0, 1, 2, 4, 8))
  seen <- tapply(d$y, list(assignment(fit)[as.character(d$id)], d$t), mean)
  expect_equal(means$estimate, as.vector(t(seen)), tolerance = 1e-4)
  expect_equal(predict(fit, times = 4)$estimate, means$estimate[means$t == 4])
  expect_error(predict(fit, times = 3), "3 was not observed", class = "gbtm_unknown_time")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_no_error(plot(fit))
  expect_output(print(fit), "Curves at the first, middle and last observed time")
  again <- predict(fit, newdata = d[d$id == 4 & d$t < 2, ], type = "posterior")
  expect_equal(nrow(again), 1)
})

test_that("nothing in a file is run", {
  mark <- tempfile()
  code <- sprintf("~ system('touch %s')", mark)
  call <- sprintf("system('touch %s')", mark)
  d <- example_data()
  change <- function(edit) {
    document <- jsonlite::fromJSON(system.file("extdata", "offenses.json", package = "gbtm"), simplifyVector = FALSE)
    path <- tempfile(fileext = ".json")
    writeLines(jsonlite::toJSON(edit(document), auto_unbox = TRUE, null = "null", digits = NA), path)
    path
  }
  edits <- list(
    function(x) replace(x, "formula", paste("offenses ~", call)),
    function(x) replace(x, "formula", paste(call, "~ age")),
    function(x) {
      x$group_sets[[1]]$membership$names <- list("constant", code)
      x
    },
    function(x) {
      x$outcomes[[1]]$name <- call
      x$outcomes[[1]]$time_name <- code
      x
    },
    function(x) replace(x, "id_name", code)
  )
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (edit in edits) {
    fit <- tryCatch(read_gbtm(change(edit)), error = function(e) NULL)
    if (is.null(fit)) next
    for (use in list(print, summary, plot, stats::formula, function(f) predict(f, newdata = d, type = "posterior"),
                     function(f) predict(f, newdata = d, type = "group"), stats::residuals, stats::predict)) {
      utils::capture.output(suppressWarnings(try(use(fit), silent = TRUE)))
    }
  }
  expect_false(file.exists(mark))
})
