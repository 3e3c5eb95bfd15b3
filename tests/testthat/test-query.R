# Queries as the source of people: read once into files, whole or not at all.

# Two groups of people in SQLite, in an order that is not theirs, and the table.
register <- function() once("register", function() { # nolint: brace_linter.
  set.seed(4)
  d <- expand.grid(id = 1:120, t = 0:3)
  d$y <- rnorm(480) + ifelse(d$id %% 3 == 0, 2, -2)
  d$name <- sprintf("p%03d", d$id)
  d$male <- d$id %% 2 == 0
  d$y[5] <- NA
  connection <- DBI::dbConnect(RSQLite::SQLite(), tempfile())
  DBI::dbWriteTable(connection, "r", d)
  list(d = d, connection = connection)
})

quick <- function(data, id = "id") {
  gbtm(y ~ t, data, id = id, groups = 2, order = 0, control = gbtm_control(n_starts = 2, progress = FALSE))
}

test_that("a query of a DBI connection is the table, cut between people", {
  need_engine()
  skip_if_not_installed("RSQLite")
  r <- register()
  for (id in c("id", "name")) {
    folder <- tempfile("cache")
    files <- query_files("SELECT id, t, y, name, male FROM r WHERE t < 9; ", r$connection, id = id, folder = folder,
                         rows = 100)
    expect_s3_class(files, "gbtm_files")
    expect_length(list.files(folder), 5)
    fit <- suppressWarnings(quick(files, id))
    memory <- suppressWarnings(quick(r$d, id))
    expect_equal(unname(coef(fit)), unname(coef(memory)), tolerance = 1e-6)
    expect_identical(nobs(fit), nobs(memory))
  }
  few <- list(id = "name", folder = tempfile("cache"), rows = 100)
  gbtm:::query_by_dbi("SELECT * FROM r", r$connection, few, NULL, at_once = 90)
  expect_length(list.files(few$folder), 4) # cut at 176 rows, once the second ninety are there
  expect_equal(coef(suppressWarnings(quick(few$folder, "name"))), coef(fit), tolerance = 1e-12)
  expect_error(query_files("SELECT * FROM r", r$connection, id = "id", folder = folder), class = "gbtm_folder_exists")
  expect_identical(DBI::dbGetQuery(r$connection, "SELECT COUNT(*) AS n FROM r")$n, 480L) # it can be used on
})

test_that("a query that fails leaves nothing", {
  need_engine()
  skip_if_not_installed("RSQLite")
  connection <- register()$connection
  there <- tempfile("there")
  dir.create(there)
  ask <- function(query = "SELECT * FROM r", id = "id", to = connection) {
    query_files(query, to, id = id, folder = file.path(there, "cache"))
  }
  expect_error(ask("SELECT nothing FROM r"), "the database says", class = "gbtm_bad_query")
  expect_error(ask("SELECT * FROM r WHERE id < 0"), "no rows", class = "gbtm_no_data")
  expect_error(ask(id = "nobody"), class = "gbtm_bad_query")
  expect_error(ask("SELECT id, x'00ff' AS raw FROM r"), "class .*blob|class list", class = "gbtm_bad_column")
  expect_error(ask(3), class = "gbtm_bad_query")
  expect_error(ask(id = c("a", "b")), class = "gbtm_bad_id")
  expect_error(ask(to = 3), "is no connection", class = "gbtm_bad_connection")
  expect_error(ask(to = file.path(there, "none.duckdb")), class = "gbtm_missing_file")
  expect_identical(list.files(there), character())
})

test_that("the engine reads a DuckDB file itself", {
  need_engine()
  base <- tempfile(fileext = ".duckdb")
  made <- tryCatch(run_python(c(
    "import duckdb", sprintf("db = duckdb.connect(%s)", deparse(base)),
    "y = '((i * 7) % 11) - 8.0 * ((i // 4) % 2)'",
    "db.execute(f'CREATE TABLE r AS SELECT i // 4 AS id, i % 4 AS t, {y} AS y FROM range(240) s(i)')",
    "db.close(); print('made')"
  )), error = function(e) "")
  skip_if_not(any(grepl("made", made)), "duckdb of Python")
  files <- query_files("SELECT * FROM r", base, id = "id", folder = tempfile("cache"), rows = 50)
  i <- 0:239
  table <- data.frame(id = i %/% 4, t = i %% 4, y = (i * 7) %% 11 - 8 * ((i %/% 4) %% 2))
  expect_equal(unname(coef(quick(files))), unname(coef(quick(table))), tolerance = 1e-6)
})
