# People whose data stay on disk: the engine reads the files, and no row of them enters R. A fit of them has sums in the
# place of what is known of each person.

#' Data that stay on disk
#'
#' `gbtm(y ~ t, data = "register/*.parquet", id = "id", ...)` fits people in Parquet files, long or wide, without a row
#' of them entering R: the engine reads them block by block and keeps the sums that the likelihood needs.
#' `parquet_files()` says more of how they are read. The numbers are those of the same people in memory, up to the
#' rounding of sums.
#'
#' All rows of a person have to lie in one file, next to each other where the file has several row groups: files sorted
#' by id do. Somebody in two blocks is an error that names the person and both files; `repartition` mends it.
#'
#' A fit of people on disk is a [gbtm()] fit, of which what asks for each person ([posterior()], [residuals()], ...) is
#' refused in words. `posterior_to()` writes the probabilities by block. Of the fit's arguments, covariates are names of
#' columns, `factor()` of them and their interactions, all else names of columns. Several outcomes that share their
#' groups, `gbtm(list(y ~ age, z ~ age), ...)`, are columns of the same files.
#'
#' @param files a file, a folder, several of them, or a pattern such as `"register/*.parquet"`
#' @param repartition a new folder, to which the rows are written once more with those of a person together; needs the
#'   Python package duckdb
#' @param block rows that are read at once, about; by default a million of long data, 100,000 of wide data
#' @param memory bytes of sums that a process keeps; what is beyond is read again at each pass. By default 1.2e9
#' @param n_jobs processes that work on the blocks; the digits are the same with any number
#' @param checkpoint a file in which the fit notes what it found; a fit that was cut off goes on from it when it is
#'   asked for again
#' @param fit a fit of people on disk
#' @param folder a new folder for the probabilities
#' @param data Parquet files of the people, with the columns of those that were fitted, or `parquet_files()`; by default
#'   those of the fit, which a fit read by [read_gbtm()] does not know
#' @return `parquet_files()`: an object for `data` of [gbtm()]. `posterior_to()`: the folder, invisibly, which has a
#'   Parquet file for each block: the id, `group` (the most probable one) and `p1`, `p2`, ...
#' @section Errors: `gbtm_missing_package` where the engine's Python lacks pyarrow; `gbtm_split_person`,
#'   `gbtm_missing_file`, `gbtm_changed_file`, `gbtm_not_parquet`, `gbtm_not_on_disk` for models and arguments that are
#'   not there for data on disk, `gbtm_on_disk` for what asks for each person, `gbtm_folder_exists`.
#' @examples
#' \dontrun{
#' fit <- gbtm(y ~ age, data = "register/*.parquet", id = "id", groups = 4)
#' summary(fit)
#' plot(fit)
#' posterior_to(fit, "posteriors")
#' slow <- parquet_files("register/*.parquet", memory = 4e9, n_jobs = 2, checkpoint = "fit.json")
#' gbtm(y ~ age, data = slow, id = "id", groups = 4)
#' }
#' @export
parquet_files <- function(files, repartition = NULL, block = NULL, memory = NULL, n_jobs = 1, checkpoint = NULL) {
  check_names()
  if (!is.character(files) || !length(files) || anyNA(files)) {
    stop_gbtm("bad_files", sprintf("files: %s are no paths.", shown(files)), "files",
              "Give files, folders or patterns such as \"register/*.parquet\".")
  }
  if (!is.null(repartition)) check_path(repartition, "repartition")
  if (!is.null(checkpoint)) check_path(checkpoint, "checkpoint")
  if (!is.null(block)) check_whole(block, "block", 1, "Give a number of rows, for example block = 1e6.")
  if (!is.null(memory)) check_whole(memory, "memory", 0, "Give a number of bytes, for example memory = 4e9.")
  check_whole(n_jobs, "n_jobs", 1, "Give a number of processes, 1 or more.")
  structure(class = "gbtm_files", list(files = files, repartition = repartition, block = block, memory = memory,
                                       n_jobs = n_jobs, checkpoint = checkpoint))
}

#' @export
print.gbtm_files <- function(x, ...) {
  check_dots(...)
  cat("Parquet files: ", listing(x$files, 4), "\n", sep = "")
  given <- Filter(Negate(is.null), unclass(x)[-1])
  cat(paste0("  ", format(names(given)), "  ", vapply(given, format, ""), "\n"), sep = "")
  invisible(x)
}

on_files <- function(data) {
  inherits(data, "gbtm_files") || (is.character(data) && is.null(dim(data)) && length(data) > 0)
}

as_files <- function(data) if (inherits(data, "gbtm_files")) data else parquet_files(data)

# Files where a table is meant.
refuse_files <- function() {
  stop_gbtm("not_on_disk", "data: files are given, and this takes a table.", "data",
            "gbtm() fits people in Parquet files; here give a data frame, or one made of a sample of the people.")
}

# What the engine is told of the files.
files_request <- function(files) {
  reading <- Filter(Negate(is.null), list(repartition = expanded(files$repartition), block = files$block,
                                          memory = files$memory))
  list(files = json_array(path.expand(files$files)), reading = as_named_json(reading))
}

expanded <- function(path) if (!is.null(path)) path.expand(path)

as_named_json <- function(x) structure(as_request(as_object(x)), class = "json")

#' Fit people in files
#'
#' @param frame where the arguments of [gbtm()] stand
#' @noRd
gbtm_on_files <- function(frame, call) {
  files <- as_files(frame$data)
  known <- call_bridge("file_columns", as.character(json_array(path.expand(files$files))), call = call)$columns
  refuse_of_tables(frame, call)
  columns <- as.data.frame(stats::setNames(rep(list(numeric()), length(known)), known), optional = TRUE)
  wide <- frame$wide
  ask_columns(c("id", covariate_arguments()), frame, columns, wide)
  outcomes <- as_outcomes(frame$formula, call, frame$family)
  several <- !is.null(outcomes)
  if (several) outcomes <- options_of_outcomes(outcomes, Filter(Negate(is.null), mget(
    intersect(names(call), outcome_arguments()), envir = frame)))
  groups <- groups_on_files(frame, outcomes, call)
  given <- without_constants(c(list(groups = groups, order = frame$order), mget(model_arguments(), envir = frame)))
  if (several) {
    given[outcome_arguments()] <- of_nothing()
  } else {
    given$family <- family_name(given$family, call, given$trials)
  }
  control <- seeded(frame$control, frame$seed)
  start <- frame$start
  smaller <- inherits(start, "gbtm") && start$spec$n_groups < groups
  options <- c(search_options(control, frame$cov_type, if (!smaller) start_values(start)),
               list(executor = if (files$n_jobs > 1) files$n_jobs, checkpoint = expanded(files$checkpoint)))
  there <- list(known = if (is.null(wide)) known else names(wide), wide = wide, columns = columns)
  covariates <- intersect(covariate_arguments(), names(given))
  model <- c(sent_options(given), covariates_on_files(given[covariates], wide, columns, call))
  request <- c(files_request(files), outcomes_request(frame$formula, outcomes, given, there, call), list(
    id = if (length(frame$id) > 1) json_array(frame$id) else frame$id,
    wide = if (!is.null(wide)) as_named_json(lapply(wide, wide_on_files)),
    model = as_named_json(Filter(Negate(is.null), model[setdiff(names(model), if (several) outcome_arguments())])),
    options = options, start_document = if (smaller) document_text(start)
  ))
  answer <- long_answer("fit_files", as_request(request), progress = control$progress, call = call)
  fit <- if (several) {
    new_gbtm(answer$document, answer$arrays, call = call, each = lapply(outcomes, `[`, "formula"))
  } else {
    new_gbtm(answer$document, answer$arrays, call = call, formula = frame$formula)
  }
  fit$files <- do.call(rbind, lapply(answer$seen, as.character))
  warn_findings(fit$warnings, call)
  fit
}

# Numbers of groups; by the orders where they are left out.
groups_on_files <- function(frame, outcomes, call) {
  asked <- if (!eval(quote(missing(groups)), frame)) frame$groups
  if (!is.null(outcomes)) return(groups_of_several(asked, outcomes, frame$link, call))
  if (is.null(asked)) groups_of(frame$order) else asked
}

# The formula, or several outcomes.
outcomes_request <- function(formula, outcomes, given, there, call) {
  if (is.null(outcomes)) return(list(formula = formula_on_files(formula, there$known, call)))
  list(outcomes = outcomes_on_files(outcomes, given, there, call))
}

# Values of the options of an outcome of which nothing is said.
of_nothing <- function() lapply(formals(gbtm)[outcome_arguments()], eval, envir = baseenv())

# Formulas and options of several outcomes, all in the same files; `given` are values of all options.
outcomes_on_files <- function(outcomes, given, there, call) {
  own <- which(own_tables(outcomes))
  if (length(own)) {
    stop_gbtm("not_on_disk", sprintf(
      "data: '%s' has a table of its own, and with data that stay on disk all outcomes are in the same files.",
      names(outcomes)[own[1]]), "data", "Join the tables, and write them to one.", call)
  }
  texts <- vapply(outcomes, function(o) {
    given[names(o$options)] <- o$options
    given$family <- family_name(given$family, call, given$trials)
    covariates <- given[intersect(covariate_arguments(), outcome_arguments())]
    options <- c(sent_options(given)[setdiff(outcome_arguments(), names(covariates))],
                 covariates_on_files(covariates, there$wide, there$columns, call))
    formula <- list(formula = formula_on_files(o$formula, there$known, call))
    as.character(as_named_json(Filter(Negate(is.null), c(formula, options))))
  }, "")
  structure(sprintf("[%s]", paste(texts, collapse = ",")), class = "json")
}

# Arguments that choose among the rows of a table.
refuse_of_tables <- function(frame, call) {
  asked_joint(frame, NULL, call)
  given <- c(if (!is.null(eval(quote(substitute(subset)), frame))) "subset",
             if (fails_on_missing(frame$na.action)) "na.action")
  if (length(given)) {
    stop_gbtm("not_on_disk", sprintf("%s: is not taken with data that stay on disk.", given[1]), given[1],
              "Leave it out, and write files with the rows that are meant.", call)
  }
}

# The formula as Python reads it: columns, and bases of the time.
formula_on_files <- function(formula, known, call) {
  if (is.character(formula) && length(formula) == 1) formula <- stats::as.formula(formula)
  if (!inherits(formula, "formula") || length(formula) != 3) {
    stop_gbtm("not_on_disk", "formula: with data that stay on disk it is outcome ~ time, names of columns.", "formula",
              "For example y ~ age.", call)
  }
  if (!is.name(formula[[2]])) {
    stop_gbtm("not_on_disk", sprintf("formula: with data that stay on disk the outcome is a column, and '%s' is none.",
                                     deparse_line(formula[[2]])), "formula", "Write the column to the files.", call)
  }
  right <- time_on_files(formula[[3]], environment(formula), call)
  used <- c(as.character(formula[[2]]), right$columns)
  unknown <- setdiff(used, known)
  if (length(unknown)) {
    stop_gbtm("unknown_column", sprintf("%s: no column named '%s'.", unknown[1], unknown[1]), unknown[1],
              sprintf("The columns are %s.", listing(known)), call)
  }
  paste(deparse_line(formula[[2]]), "~", right$text)
}

# A column of times, or terms of it, in Python's words: list of the `text` and the `columns` in it.
time_on_files <- function(right, env, call) {
  if (is.name(right)) return(list(text = deparse_line(right), columns = as.character(right)))
  if (is.call(right) && identical(right[[1]], as.name("+")) && length(right) == 3) {
    sides <- lapply(as.list(right)[-1], time_on_files, env, call)
    return(list(text = paste(sides[[1]]$text, "+", sides[[2]]$text),
                columns = unique(c(sides[[1]]$columns, sides[[2]]$columns))))
  }
  name <- if (is.call(right)) sub("^splines::|^gbtm::", "", deparse_line(right[[1]])) else ""
  if (!name %in% c("bs", stored_terms) || !is.name(right[[2]])) {
    stop_gbtm("not_on_disk", sprintf("formula: with data that stay on disk the time is a column, and '%s' is none.",
                                     deparse_line(right)), "formula",
              "Write the column to the files; or give a basis, splines::bs(age, df = 4).", call)
  }
  settings <- lapply(as.list(right)[-(1:2)], function(x) python_numbers(eval(x, env)))
  names <- sub("Boundary.knots", "boundary_knots", names(settings), fixed = TRUE)
  settings <- paste0(ifelse(nzchar(names), paste0(names, "="), ""), unlist(settings))
  list(text = sprintf("%s(%s)", name, paste(c(deparse_line(right[[2]]), settings), collapse = ", ")),
       columns = as.character(right[[2]]))
}

# A setting of a term, knots or a number of columns, as Python writes it.
python_numbers <- function(x) {
  if (is.logical(x)) return(if (isTRUE(x)) "True" else "False")
  numbers <- vapply(as.double(x), format, "", digits = 17)
  if (length(numbers) == 1) numbers else sprintf("[%s]", paste(numbers, collapse = ", "))
}

wide_on_files <- function(given) if (is.character(given) && length(given) == 1) given else json_array(given)

# Covariates and other columns as Python takes them.
covariates_on_files <- function(covariates, wide, columns, call) {
  covariates <- Filter(Negate(is.null), covariates)
  lapply(stats::setNames(nm = names(covariates)), function(name) {
    asked <- covariates[[name]]
    in_wide <- !is.null(wide) && name %in% c("tcov", "common", "dcov")
    if (in_wide) return(json_array(all.vars(one_sided(asked, name))))
    if (name %in% c("risk", "risk2", "tcov", "common", "dcov")) return(terms_on_files(asked, name, call))
    if (is.character(asked) && length(asked) == 1 && !is_formula_text(asked)) return(asked)
    found <- one_name(asked, name, c(names(columns), names(wide)), columns)
    if (isFALSE(found)) {
      stop_gbtm("not_on_disk", sprintf("%s: with data that stay on disk it is a column, and %s is none.", name,
                                       shown(asked)), name, "Write the column to the files.", call)
    }
    found
  })
}

# Names of columns as they are; a formula of columns, factor() of them and their interactions in Python's words.
terms_on_files <- function(asked, argument, call) {
  if (is.character(asked) && !is_formula_text(asked)) return(json_array(asked))
  right <- one_sided(asked, argument)[[2]]
  paste("~", deparse_line(python_terms(right, argument, call)))
}

python_terms <- function(term, argument, call) {
  if (is.name(term) || identical(term, 1)) return(term)
  made_by <- if (is.call(term) && is.name(term[[1]])) as.character(term[[1]]) else ""
  if (is_factor_of_column(term, made_by)) return(base::call("C", term[[2]]))
  if (!made_by %in% c("+", ":", "*", "(")) {
    said <- sprintf("%s: of data that stay on disk '%s' cannot be made.", argument, deparse_line(term))
    stop_gbtm("not_on_disk", said, argument,
              "Give columns, factor() of them, and their interactions; write other columns to the files.", call)
  }
  as.call(c(term[[1]], lapply(as.list(term)[-1], python_terms, argument, call)))
}

is_factor_of_column <- function(term, made_by) {
  made_by %in% c("factor", "as.factor") && length(term) == 2 && is.name(term[[2]])
}

# The files that were fitted, which have to be as they were.
seen_request <- function(seen) {
  rows <- apply(seen, 1, function(row) as.character(json_array(unname(row))))
  list(seen = structure(sprintf("[%s]", paste(rows, collapse = ",")), class = "json"),
       reading = as_named_json(list()))
}

# The answer with other standard errors of people on disk, who are read once more.
cov_type_of_files <- function(fit, cov_type, call) {
  if (is.null(fit[["files"]])) {
    stop_gbtm("no_panel", "cov_type: a fit that was read from a file does not know where the people are.", "cov_type",
              paste("Make the fit again from its estimates: gbtm(.., data = \"register/*.parquet\", start = coef(fit),",
                    sprintf("cov_type = \"%s\").", cov_type)), call)
  }
  request <- c(seen_request(fit[["files"]]), list(executor = NULL))
  long_answer("with_cov_type_of_files", document_text(fit), cov_type, as_request(request), progress = interactive(),
              call = call)
}

#' @rdname parquet_files
#' @export
posterior_to <- function(fit, folder, data = NULL, n_jobs = 1) {
  check_names()
  call <- match.call()
  check_fit(fit)
  check_path(folder, "folder")
  check_whole(n_jobs, "n_jobs", 1, "Give a number of processes, 1 or more.")
  if (!is_on_disk(fit)) {
    stop_gbtm("only_on_disk", "fit: its people are in memory.", "fit", "posterior(fit) has their probabilities.", call)
  }
  seen <- fit[["files"]]
  if (is.null(data) && is.null(seen)) {
    stop_gbtm("no_panel", "data: a fit that was read from a file does not know where the people are.", "data",
              "Give data = \"register/*.parquet\", the files of the fit or of other people.", call)
  }
  if (!is.null(data) && !on_files(data)) {
    stop_gbtm("bad_files", sprintf("data: an object of class %s are no files.", class(data)[1]), "data",
              "Give Parquet files; predict(fit, newdata, type = \"posterior\") takes a table.", call)
  }
  people <- if (is.null(data)) seen_request(seen) else files_request(as_files(data))
  request <- c(people, list(folder = path.expand(folder), executor = if (n_jobs > 1) n_jobs))
  long_answer("posterior_to", document_text(fit), as_request(request), progress = interactive(), call = call)
  invisible(folder)
}
