test_that("numbers cross to the last bit", {
  set.seed(3)
  x <- c(stats::rnorm(100) * 10^stats::runif(100, -300, 300), pi, 1 / 3, 5e-324, 1e16, 2^53 + 2, NA, -1)
  expect_identical(jsonlite::fromJSON(gbtm:::json_array(x)), x)
  expect_identical(readBin(gbtm:::as_doubles(x), "double", length(x), endian = "little"), x)
})

test_that("arrays stay arrays, and missing values are null", {
  expect_identical(as.character(gbtm:::json_array(7L)), "[7]")
  expect_identical(as.character(gbtm:::json_array(c("a", NA))), "[\"a\",null]")
  request <- gbtm:::as_request(list(ids = gbtm:::json_array(1L), order = 2, orders = c(1, 2), min = NULL))
  expect_identical(request, "{\"ids\":[1],\"order\":2,\"orders\":[1,2],\"min\":null}")
})

test_that("interrupts stop a running fit, at whatever moment, and the session goes on", {
  need_engine()
  skip_on_os("windows")
  output <- tempfile()
  code <- c(
    sprintf("options(gbtm.python = %s)", deparse(gbtm_engine()$python)),
    "d <- expand.grid(t = 1:8, id = 1:400)",
    "d$y <- (d$id * 7 + d$t * 3) %% 5 * (d$id %% 3)",
    "fit <- function(n) suppressWarnings(gbtm(y ~ t, data = d, id = 'id', groups = 3, family = 'zip', order = 1,",
    "  control = gbtm_control(n_starts = n, time_budget = NULL)))",
    "invisible(fit(1))",
    "now <- function() format(as.numeric(Sys.time()), digits = 16)",
    "for (i in 1:20) {",
    "  cat('begun', i, 'in', Sys.getpid(), '\\n')",
    "  tryCatch(fit(50000), interrupt = function(e) cat('interrupted', i, 'at', now(), '\\n'))",
    "  cat('then', i, class(fit(1)), '\\n')",
    "}"
  )
  start_session(code, output)
  lines <- function(start) grep(paste0("^", start, " "), readLines(output, warn = FALSE), value = TRUE)
  wait_for <- function(start, seconds) {
    end <- Sys.time() + seconds
    while (!length(lines(start)) && Sys.time() < end) Sys.sleep(0.02)
    if (!length(lines(start))) stop("no '", start, "': ", paste(readLines(output, warn = FALSE), collapse = "\n"))
    lines(start)
  }
  pid <- as.integer(sub(".* in ", "", wait_for("begun 1", 90)))
  on.exit(tools::pskill(pid, tools::SIGKILL))
  for (i in 1:20) {
    wait_for(paste("begun", i), 60)
    Sys.sleep(0.1 + (i * 0.137) %% 0.6) # before, in and after the moments at which R looks
    sent <- as.numeric(Sys.time())
    tools::pskill(pid, tools::SIGINT)
    at <- as.numeric(sub(".* at ", "", wait_for(paste("interrupted", i), 60)))
    expect_lt(at - sent, 3)
  }
  expect_match(wait_for("then 20", 60), "gbtm")
})

test_that("the data of a fit are what was sent, at the rows used, and the file holds them too", {
  need_engine()
  d <- two_curves()
  d <- d[sample(nrow(d)), ]
  d$y[4] <- NA
  d$t[9] <- NA
  kinds <- list(as.integer, as.double, function(i) i + 0.5, as.character, function(i) factor(i, 30:1))
  for (kind in kinds) {
    mine <- d
    mine$id <- kind(d$id)
    mine$id[2] <- NA
    fit <- gbtm(y ~ t, data = mine, id = "id", groups = 2, order = 1, control = quick())
    rows <- fit$rows$position
    expect_identical(fit$data$y, mine$y[rows])
    expect_identical(fit$data$time, as.double(mine$t[rows]))
    expect_identical(as.character(fit$ids[fit$data$subject]), as.character(mine$id[rows]))
    expect_identical(fit$data$wave, fit$data$time + 1)
    expect_identical(fit$rows$label, row.names(mine)[rows])
    expect_setequal(rows, which(stats::complete.cases(mine)))
    file <- tempfile()
    write_gbtm(fit, file)
    expect_identical(read_gbtm(file)[c("ids", "data", "posterior")], fit[c("ids", "data", "posterior")])
  }
})
