#' Settings of the search for the best optimum
#'
#' The likelihood of a mixture has many optima. A fit begins from many starts and reports what they found, see
#' [start_report()].
#'
#' @param n_starts number of starts, or `NULL` to let the hit rate seen so far decide; the latter also rearranges the
#'   groups of the best optima and begins from fits with fewer groups
#' @param max_starts most starts when the hit rate decides
#' @param seed whole number, 0 or more. The same seed gives the same digits, and the same as `rng` of the Python
#'   package
#' @param time_budget seconds after which no further round of starts begins; `NULL` or `Inf` for no limit. The start
#'   report and a warning say when the budget ended the search
#' @param device torch device, for example `"cpu"` or `"cuda"`
#' @param progress `TRUE` shows a line that tells what the fit is doing once it takes more than two seconds
#' @param ... nothing: an argument that does not exist is refused, with the one that was probably meant
#'
#' @return A list of class `gbtm_control`, to be given as `control` to [gbtm()] or [traj()].
#' @section Errors: Of class `gbtm_error`, naming the setting, its value and the way out.
#' @examples
#' gbtm_control(n_starts = 50, seed = 1)
#' @export
gbtm_control <- function(n_starts = NULL, max_starts = 256, seed = 0, time_budget = 60, device = "cpu",
                         progress = interactive(), ...) {
  check_dots(...)
  if (!is.null(n_starts)) check_whole(n_starts, "n_starts", 1, "Give 1 or more, or NULL to let the hit rate decide.")
  check_whole(max_starts, "max_starts", 1, "Give a number of starts, 1 or more.")
  check_seed(seed)
  if (!is.null(time_budget) && !is_positive(time_budget)) {
    stop_gbtm("bad_time_budget", sprintf("time_budget: %s is not a positive number of seconds.", shown(time_budget)),
              "time_budget", "Give seconds, or NULL for no limit.")
  }
  if (!is.character(device) || length(device) != 1) {
    stop_gbtm("bad_device", sprintf("device: %s is not the name of a device.", shown(device)), "device",
              "For example device = \"cpu\".")
  }
  if (!is.null(time_budget) && is.infinite(time_budget)) time_budget <- NULL
  structure(
    class = "gbtm_control",
    list(n_starts = n_starts, max_starts = max_starts, seed = seed, time_budget = time_budget, device = device,
         progress = check_flag(progress, "progress"))
  )
}

is_positive <- function(value) is.numeric(value) && length(value) == 1 && isTRUE(value > 0)

check_control <- function(control) {
  if (!inherits(control, "gbtm_control")) {
    stop_gbtm("bad_control", sprintf("control: %s is not made by gbtm_control().", shown(control)), "control",
              "For example control = gbtm_control(n_starts = 50).")
  }
  control
}

# `seed` beside `control`: where R's users look for it.
seeded <- function(control, seed) {
  check_control(control)
  if (is.null(seed)) return(control)
  check_seed(seed)
  if (!control$seed %in% c(formals(gbtm_control)$seed, seed)) {
    stop_gbtm("two_seeds", sprintf("seed: %s, and control has seed %s.", shown(seed), shown(control$seed)), "seed",
              "Give one of them.")
  }
  control$seed <- seed
  control
}

#' @export
print.gbtm_control <- function(x, ...) {
  check_dots(...)
  values <- vapply(x, function(v) if (is.null(v)) "decided by the fit" else format(v), "")
  if (is.null(x$time_budget)) values["time_budget"] <- "no limit"
  cat("Settings of the search\n", paste0("  ", format(names(x)), "  ", values, "\n"), sep = "")
  invisible(x)
}
