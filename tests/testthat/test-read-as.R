# People and columns of every kind that Python can read as R did.
varied <- function() {
  d <- two_curves(24, 0:3)
  d$region <- factor(c("south", "north", "east")[d$id %% 3 + 1], levels = c("south", "north", "east"))
  d$wave <- d$id %% 3
  d$grade <- as.character(d$id %% 4 + 8) # sorted as text, "10" comes before "8"
  d[["my var"]] <- (d$id * 7) %% 5 / 3
  d$flag <- d$id %% 2 == 0
  d$w <- 1 + d$id %% 2
  d$x <- (d$id * d$t) %% 7 / 7
  d
}

# What Python makes of a fit from its file: the posterior of the people in a table, and the fit that the report's code
# makes of the table, as numbers.
python_reads <- function(fit, data) {
  file <- tempfile(fileext = ".json")
  write_gbtm(fit, file)
  table <- tempfile(fileext = ".csv")
  numbers <- vapply(data, is.double, NA)
  data[numbers] <- lapply(data[numbers], function(x) ifelse(is.na(x), "", sprintf("%.17g", x)))
  utils::write.csv(data, table, row.names = FALSE, na = "")
  lines <- run_python(c(
    "import gbtm, warnings, contextlib, io, pandas as pd", "warnings.simplefilter('ignore')",
    "from gbtm.recipes.code import code_for",
    sprintf("res = gbtm.load(%s)", deparse(file)),
    sprintf("new = pd.read_csv(%s, float_precision='round_trip')", deparse(table)),
    "scope = {}",
    sprintf("code = code_for(res, 'Python', %s)", deparse(table)),
    "with contextlib.redirect_stdout(io.StringIO()): exec(code, scope)",
    "print(*('%.17g' % v for v in res.classify(new)['probability']))",
    "print('%.17g' % scope['res'].llf)", "print(*('%.17g' % v for v in scope['res'].params))"
  ))
  numbers <- lapply(strsplit(lines, " "), as.numeric)
  list(probability = numbers[[1]], loglik = numbers[[2]], params = numbers[[3]])
}

expect_read_alike <- function(fit, data) {
  expect_false(is.null(fit$read_as))
  ours <- suppressWarnings(predict(fit, newdata = data, type = "group")) # what is dropped is said
  theirs <- python_reads(fit, data)
  expect_equal(theirs$probability, ours$probability, tolerance = 1e-10)
  expect_equal(theirs$loglik, as.numeric(logLik(fit)), tolerance = 1e-8)
  expect_equal(theirs$params, unname(coef(fit)), tolerance = 1e-3)
}

few <- function(...) gbtm(..., groups = 2, order = 1, control = gbtm_control(n_starts = 2, progress = FALSE))

test_that("Python scores people and makes the fit again from long data", {
  need_engine()
  d <- varied()
  d$y[5] <- NA
  expect_read_alike(few(y ~ t, d, id = "id"), d)
  expect_read_alike(few(y ~ t, d, id = "id", risk = ~ `my var` + flag, tcov = "x", weights = ~ w), d)
  expect_read_alike(few(y ~ t, d, id = "id", risk = ~ region), d)
  expect_read_alike(few(y ~ t, d, id = "id", risk = "grade"), d)
  expect_read_alike(few(y ~ t, d, id = "id", tcov = ~ x + factor(wave)), d)
  d$n <- round(exp(d$y / 3))
  d$`at risk` <- 1 + d$t
  counts <- few(n ~ t, d, id = "id", family = "poisson", exposure = "at risk")
  expect_read_alike(counts, d)
  names(d)[names(d) == "y"] <- "my y"
  expect_read_alike(few(`my y` ~ t, d, id = "id"), d)
})

test_that("Python scores people and makes the fit again from wide data", {
  need_engine()
  d <- varied()[c("id", "t", "y", "x", "region")]
  wide <- stats::reshape(d, idvar = "id", timevar = "t", v.names = c("y", "x"), direction = "wide", sep = "_")
  columns <- list(y = "y_*", t = 0:3, x = paste0("x_", 0:3))
  fit <- few(y ~ t, wide, id = "id", wide = columns, tcov = "x", risk = ~ region)
  expect_read_alike(fit, wide)
})

test_that("Python scores people under a traj command with the ids' column", {
  need_engine()
  wide <- stats::reshape(small_data(), idvar = "id", timevar = "t", v.names = "y", direction = "wide", sep = "_")
  wide[paste0("t_", 0:3)] <- rep(0:3 / 3, each = nrow(wide))
  fit <- traj("traj, var(y_0-y_3) indep(t_0-t_3) model(cnorm) order(1 1) min(-99) max(99)", wide, id = "id",
              control = gbtm_control(n_starts = 2))
  expect_identical(fit$read_as$id, "id")
  expect_read_alike(fit, wide)
})

test_that("a search keeps how its data were read", {
  need_engine()
  expect_identical(best(small_search())$read_as[c("form", "id", "time", "outcome")],
                   list(form = "long", id = "id", time = "t", outcome = "y"))
})

test_that("what Python has no words for is not said", {
  need_engine()
  d <- varied()
  unsaid <- function(...) expect_null(few(..., data = d, id = "id")$read_as)
  unsaid(log(y + 20) ~ t)
  unsaid(y ~ t, risk = ~ log(w + 1))
  unsaid(y ~ t, weights = ~ 1 / w)
  unsaid(y ~ t, risk = ~ flag * region)
  unsaid(y ~ t, risk = ~ 0 + region)
  unsaid(y ~ t, tcov = ~ poly(x, 2))
  contrasts(d$region) <- stats::contr.sum(3)
  unsaid(y ~ t, risk = "region")
  own <- y ~ splines::bs(t, df = 4, intercept = TRUE) - 1
  expect_null(gbtm(own, d, id = "id", groups = 2, control = quick())$read_as)
})
