# Queries of a database as the source of people.

#' People from a database
#'
#' Read a query once, ordered by person, into Parquet files in which nobody is split; [gbtm()] fits from these without
#' the database.
#'
#' A connection of DBI's (of duckdb, RPostgres, RSQLite, odbc, ...) is asked by R, which hands the rows on, 100,000 at a
#' time. A DuckDB file or the URL of a database is read by the engine, whose Python then needs duckdb or sqlalchemy (and
#' the database's driver), and no row enters R.
#'
#' The files are as the database was: to see its later rows, read the query again into another folder. Numbers, logicals
#' (as 0 and 1) and text are taken; let the query make numbers of dates.
#'
#' @param query a SELECT; the database orders its rows by `id`
#' @param connection a connection of DBI's; or the path of a DuckDB file, or SQLAlchemy's URL of a database,
#'   `"postgresql://host/register"`
#' @param id the column that tells people apart
#' @param folder a new folder for the files; it appears when all is written, or not at all
#' @param rows of a file, about; a person's rows stay in one
#' @return What [parquet_files()] returns, for `data` of [gbtm()].
#' @section Errors: `gbtm_bad_query` for what the database refuses, `gbtm_bad_connection`, `gbtm_missing_file`,
#'   `gbtm_missing_package`, `gbtm_unknown_column`, `gbtm_bad_column`, `gbtm_no_data`, `gbtm_folder_exists`,
#'   `gbtm_not_written`.
#' @examples
#' \dontrun{
#' connection <- DBI::dbConnect(duckdb::duckdb(), "register.duckdb")
#' people <- query_files("SELECT id, age, y FROM register WHERE born > 1970", connection, id = "id",
#'                       folder = "cache")
#' fit <- gbtm(y ~ age, data = people, id = "id", groups = 4)
#' }
#' @export
query_files <- function(query, connection, id, folder, rows = 1e6) {
  check_names()
  call <- match.call()
  for (name in c("query", "id")) {
    if (!is_text(get(name))) {
      stop_gbtm(paste0("bad_", name), sprintf("%s: %s is no single text.", name, shown(get(name))), name,
                if (name == "id") "Give the name of a column." else "Give a SELECT.", call)
    }
  }
  check_path(folder, "folder")
  check_whole(rows, "rows", 1, "Give a number of rows, for example rows = 1e6.")
  ask_database(query, connection, list(id = id, folder = path.expand(folder), rows = rows), call)
  parquet_files(folder)
}

# The query's rows into the files of `place`, by the connection's own package or by the engine.
ask_database <- function(query, connection, place, call) {
  if (inherits(connection, "DBIConnection")) {
    query_by_dbi(query, connection, place, call)
  } else if (is_text(connection)) {
    if (!grepl("://", connection, fixed = TRUE)) connection <- path.expand(connection)
    long_answer("query_files", as_request(c(list(query = query, connection = connection), place)),
                progress = interactive(), call = call)
  } else {
    stop_gbtm("bad_connection", sprintf("connection: an object of class %s is no connection to a database.",
                                        class(connection)[1]), "connection",
              "Give a connection of DBI's, a DuckDB file, or a URL, \"postgresql://host/register\".", call)
  }
}

# `at_once`: rows of the database that are in R at a time.
query_by_dbi <- function(query, connection, place, call, at_once = 1e5) {
  key <- call_bridge("query_begin", as_request(place), call = call)$key
  open <- TRUE
  on.exit(if (open) call_bridge("query_end", key, FALSE))
  asked <- sprintf("SELECT * FROM (\n%s\n) gbtm_query ORDER BY %s", sub("[;[:space:]]+$", "", query),
                   DBI::dbQuoteIdentifier(connection, place$id))
  result <- said_of(DBI::dbSendQuery(connection, asked), call)
  on.exit(DBI::dbClearResult(result), add = TRUE)
  repeat {
    rows <- said_of(DBI::dbFetch(result, n = at_once), call)
    if (nrow(rows)) {
      columns <- lapply(stats::setNames(nm = names(rows)), function(name) query_column(rows[[name]], name, call))
      described <- sent_people(columns, place$id)$columns
      call_bridge("query_rows", key, as_request(list(columns = described)), call = call)
    }
    if (!nrow(rows) || DBI::dbHasCompleted(result)) break
  }
  open <- FALSE
  call_bridge("query_end", key, TRUE, call = call)
}

# What the database says is an error of ours.
said_of <- function(asked, call) {
  tryCatch(asked, error = function(e) {
    said <- strsplit(conditionMessage(e), "\n")[[1]][1]
    stop_gbtm("bad_query", sprintf("query: the database says: %s", said), "query",
              "Try it in the database: a SELECT, each of whose columns has a name of its own.", call)
  })
}

# A column as it crosses to the engine.
query_column <- function(x, name, call) {
  if (inherits(x, "integer64")) {
    x <- as.double(as.character(x)) # by its digits, whatever package knows the class
    if (any(abs(x) > 2^53, na.rm = TRUE)) {
      stop_gbtm("bad_column", sprintf("%s: whole numbers beyond 2^53, of which R has no digits.", name), name,
                "Let the query make text of them.", call)
    }
    return(x)
  }
  if (is.logical(x) || (is.numeric(x) && !is.object(x))) return(as.double(x))
  if (is.character(x) || is.factor(x)) return(as.character(x))
  stop_gbtm("bad_column", sprintf("%s: a column of class %s is not taken.", name, class(x)[1]), name,
            "Let the query make a number or text of it.", call)
}
