# Errors and warnings are classed, so that code can tell them apart without reading sentences.

#' Raise an error that names what is wrong and the way out
#'
#' @param code stable machine-readable name; the condition has class `gbtm_<code>`
#' @param message what is wrong, beginning with the argument or column
#' @param argument the argument or column at fault
#' @param way_out what to do about it
#' @param call the call shown with the error
#' @noRd
stop_gbtm <- function(code, message, argument = NULL, way_out = "", call = NULL) {
  stop(gbtm_condition(code, message, argument, way_out, call, c("gbtm_error", "error")))
}

gbtm_condition <- function(code, message, argument, way_out, call, kind) {
  structure(
    class = c(paste0("gbtm_", code), kind, "condition"),
    list(
      message = trimws(paste(message, way_out)), call = call,
      code = code, argument = argument, way_out = way_out
    )
  )
}

#' Raise each finding of a fit as a warning condition of class `gbtm_<code>`
#' @noRd
warn_findings <- function(findings, call = NULL) {
  for (finding in findings) {
    warning(gbtm_condition(finding$code, finding$message, NULL, "", call, c("gbtm_warning", "warning")))
  }
}

check_fit <- function(fit) {
  if (!inherits(fit, "gbtm")) {
    stop_gbtm("bad_fit", sprintf("fit: an object of class %s is not a fit.", class(fit)[1]), "fit",
              "Give what gbtm(), traj() or read_gbtm() returned.")
  }
}

check_flag <- function(value, argument) {
  if (!isTRUE(value) && !isFALSE(value)) {
    stop_gbtm("bad_flag", sprintf("%s: %s is neither TRUE nor FALSE.", argument, shown(value)), argument,
              "Give TRUE or FALSE.")
  }
  value
}

# A confidence level, or the alpha that is 1 minus it.
check_level <- function(level, argument = "level", example = 0.95,
                        way_out = sprintf("For example %s = %g.", argument, example)) {
  if (!is.numeric(level) || length(level) != 1 || !isTRUE(level > 0 && level < 1)) {
    stop_gbtm(paste0("bad_", argument), sprintf("%s: %s is not between 0 and 1.", argument, shown(level)), argument,
              way_out)
  }
  level
}

is_text <- function(x) is.character(x) && length(x) == 1 && !is.na(x)

is_number <- function(x) is.numeric(x) && length(x) == 1 && is.finite(x)

check_whole <- function(value, argument, least, way_out) {
  if (!is_number(value) || value < least || value != floor(value)) {
    stop_gbtm(paste0("bad_", argument),
              sprintf("%s: %s is not a whole number, %d or more.", argument, shown(value), least), argument, way_out)
  }
}

check_seed <- function(seed) {
  check_whole(seed, "seed", 0, "Give a seed such as seed = 0; the same seed gives the same digits.")
}

# A value as the user would type it, short enough for a message.
shown <- function(value) {
  text <- paste(deparse(value, width.cutoff = 60L), collapse = " ")
  if (nchar(text) > 60) paste0(substr(text, 1, 57), "...") else text
}

listing <- function(names, most = 12) {
  more <- if (length(names) > most) sprintf(" and %d more", length(names) - most) else ""
  paste0(paste(utils::head(names, most), collapse = ", "), more)
}
