# Traj's distal outcome as arguments of gbtm(): who has it is found here, and what is asked is read by the engine before
# the trajectories are fitted.

#' What gbtm() is asked of a distal outcome
#'
#' @param frame where the arguments of [gbtm()] stand
#' @param data the user's table; NULL where the model is one of several trajectories, or of people on disk
#' @return NULL where nothing is asked; else a list: `data`, the rows of those who have the outcome and the covariates
#'   of it, in one row or another; `excluded`, how many people have not; `options`; `columns`; `id` and `read`, the ids
#'   of all rows
#' @noRd
asked_joint <- function(frame, data, call) {
  if (!is.null(data)) ask_columns(c("outcome", "ocov"), frame, data)
  given <- joint_columns(mget(distal_arguments(), envir = frame), call)
  if (all(vapply(given, function(x) is.null(x) || isFALSE(x), NA))) return(NULL)
  options <- list(
    outcome = check_word(given$outcome, "outcome", call), omodel = check_word(given$omodel, "omodel", call),
    ocov = if (length(given$ocov)) json_array(given$ocov), baseoutcome = bound(given$baseoutcome, "baseoutcome"),
    twostep = check_flag(given$twostep, "twostep")
  )
  if (is.null(data)) {
    call_bridge("readable_outcome", as_request(list(options = options, columns = NULL)), call = call)
  }
  needed <- unique(c(given$outcome, given$ocov))
  require_columns(data, needed, "outcome")
  own <- without_declared(data)$data
  ids <- people_of_rows(own, frame$id, frame$wide)
  known <- has_all(own[needed], ids$codes)
  if (is.null(frame$id)) ids$values[known] <- seq_len(sum(known)) # rows are counted when they are fitted
  columns <- c(stats::setNames(list(ids$values[known]), ids$name), as.list(own[known, needed, drop = FALSE]))
  sent <- sent_columns(columns[!duplicated(names(columns))], ids$name)
  ask_readable(options, sent, call)
  list(data = data[known, , drop = FALSE], excluded = length(unique(ids$codes[!known])), options = options,
       columns = sent, id = ids$name, wide = !is.null(frame$wide), values = ids$values, known = known,
       label = row.names(data))
}

# `outcome` and `ocov` as names of columns, whichever way they were written.
joint_columns <- function(given, call) {
  for (argument in intersect(c("outcome", "ocov"), names(Filter(Negate(is.null), given)))) {
    given[[argument]] <- joint_names(given[[argument]], argument, call)
  }
  given
}

joint_names <- function(asked, argument, call) {
  if (is.character(asked) && is_formula_text(asked)) asked <- one_sided(asked, argument)
  if (inherits(asked, "formula")) asked <- column_names_of(asked, argument, call)
  if (is.character(asked) && !anyNA(asked) && (argument == "ocov" || length(asked) == 1)) return(asked)
  stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is no name of a column.", argument, shown(asked)), argument,
            sprintf("For example %s = \"prison\".", argument), call)
}

# The columns of `~ a + b`; an expression of columns has to be in the table first.
column_names_of <- function(formula, argument, call) {
  labels <- gsub("`", "", attr(stats::terms(formula), "term.labels"), fixed = TRUE)
  if (length(formula) == 2 && setequal(labels, all.vars(formula))) return(labels)
  stop_gbtm("bad_formula", sprintf("%s: %s is more than names of columns.", argument, deparse_line(formula)), argument,
            "Make a column of it in the data, and give that.", call)
}

# Whose each row is: its id, and a code.
people_of_rows <- function(data, id, wide) {
  if (!is.null(wide)) {
    rows <- wide_ids(data, id)
    return(list(values = rows$ids[rows$codes + 1], codes = seq_len(nrow(data)), name = rows$name))
  }
  own <- id_values(data, id)
  values <- id_column(own$values, own$name)
  codes <- match(values, unique(values))
  list(values = values, codes = codes, name = own$name)
}

# TRUE for the rows of people who have a value of each column, in one row or another.
has_all <- function(columns, codes) {
  has <- lapply(columns, function(x) unique(codes[!is.na(x)]))
  codes %in% Reduce(intersect, has)
}

ask_readable <- function(options, sent, call) {
  for (i in seq_along(sent)) send_column(paste0("people", i - 1), as.double(sent[[i]]$x))
  described <- lapply(sent, function(column) column[names(column) != "x"])
  call_bridge("readable_outcome", as_request(list(options = options, columns = described)), call = call)
}

# The rows that are fitted.
people_of_joint <- function(joint, data, fails) {
  if (is.null(joint)) return(data)
  if (fails && joint$excluded) {
    stop_gbtm("missing_values", sprintf("outcome: %d people lack it or a covariate of it, and na.action is na.fail.",
                                        joint$excluded), "outcome", "Without na.action they are left out and counted.")
  }
  joint$data
}

# The joint fit from that of the trajectories; the fit itself where no distal outcome was asked for.
joint_outcome <- function(fit, joint, call) {
  if (is.null(joint)) return(fit)
  request <- list(call = list(`function` = "joint", options = joint$options, id = joint$id, excluded = joint$excluded),
                  columns = joint$columns)
  said <- step_three_answer(fit, request, NULL, call)$said
  ids <- replace(joint$values, !joint$known, NA)
  read <- if (joint$wide) list(ids = ids, label = joint$label) else list(ids = fit$ids, label = id_labels(fit$ids))
  out <- new_traj_outcome(fit, said, read)
  out$excluded <- joint$excluded
  out$traj_table <- said$text
  out$call <- call
  out
}
