# Curves made of hidden units of time: what is asked for, and where the units of a fit turn.

#' Curves of a small network
#'
#' `curve = network_curve(3)` in [gbtm()] or [outcome()], in place of `order`: curves made of hidden units of time,
#' which the groups share. They bend where polynomials would swing, with few parameters; whether that pays is asked by
#' [cross_validate()].
#'
#' @param units number of hidden units, 1 to 10
#' @param fit a fit with such curves
#' @param x a `network_curve()`
#' @param ... nothing: an argument that does not exist is refused
#' @return `network_curve()`: a list of class `gbtm_network` with `units`. `hidden_units()`: data frame, a row a unit:
#'   `outcome`, `unit`, `location` in time at which it turns, and `width`, how long it takes.
#' @section Formula: \eqn{\eta_k(t) = a_k + \sum_h b_{kh} \tanh((t - location_h) / width_h)}{eta_k(t) = a_k + sum_h b_kh
#'   tanh((t - location_h) / width_h)}, with locations and widths the same for all groups. They are estimated, and count
#'   as parameters in `AIC()` and `BIC()`. Coefficients of hidden units have no standard errors and the curves no bands:
#'   these would take the units as known. `bootstrap()` finds them anew in each sample.
#' @section Errors: `gbtm_bad_curve`; `gbtm_no_network` for a fit without.
#' @examples
#' network_curve(3)
#' @examplesIf gbtm_engine()$available
#' d <- offending
#' fit <- gbtm(offenses ~ age, data = d, id = "id", groups = 2,
#'             family = "poisson", curve = network_curve(1),
#'             control = gbtm_control(n_starts = 4))
#' hidden_units(fit)
#' @export
network_curve <- function(units = 3) {
  if (!is_number(units) || !units %in% 1:10) {
    stop_gbtm("bad_curve", sprintf("curve: %s is not a number of hidden units, 1 to 10.", shown(units)), "curve",
              "Give the number of hidden units: curve = network_curve(3).")
  }
  structure(list(units = as.integer(units)), class = "gbtm_network")
}

#' @rdname network_curve
#' @export
print.gbtm_network <- function(x, ...) {
  check_dots(...)
  cat("Curves of ", x$units, " hidden unit", if (x$units > 1) "s", " of time\n", sep = "")
  invisible(x)
}

#' @rdname network_curve
#' @export
hidden_units <- function(fit) {
  check_fit(fit)
  parts <- unit_bases(fit)
  if (!length(parts)) {
    stop_gbtm("no_network", "hidden_units: the curves of this fit are no network's.", "fit",
              "Fit with curve = network_curve(3).")
  }
  tables <- lapply(names(parts), function(name) {
    basis <- parts[[name]]
    data.frame(outcome = name, unit = seq_along(basis$location), location = basis$location, width = basis$width)
  })
  do.call(rbind, tables)
}

# The time bases that are made of hidden units, by outcome.
unit_bases <- function(fit) {
  views <- if (is_several(fit)) outcome_views(fit) else list(fit)
  views <- Filter(function(v) identical(v$curves$bases$mean$kind, "network"), views)
  stats::setNames(lapply(views, function(v) v$curves$bases$mean), vapply(views, function(v) v$outcome_name, ""))
}

# Parameters of hidden units, which have no names.
n_of_units <- function(fit) as.integer(2 * sum(vapply(unit_bases(fit), function(b) length(b$location), 1L)))

# 1, and of each unit tanh((t - location) / width), (C, 1 + H).
unit_columns <- function(basis, times) {
  x <- sweep(outer(times, basis$location, "-"), 2, basis$width, "/")
  cbind(1, tanh(x))
}

# The curve as the engine is sent it.
sent_curve <- function(value) {
  if (is.null(value)) return(NULL)
  if (!inherits(value, "gbtm_network")) {
    stop_gbtm("bad_curve", sprintf("curve: %s is no network.", shown(value)), "curve",
              "Give the number of hidden units: curve = network_curve(3).")
  }
  list(units = value$units)
}

# What would take the hidden units as known, which are estimated too.
refuse_networks <- function(fit, argument, what, way_out) {
  if (length(unit_bases(fit))) {
    stop_gbtm("units_would_move", sprintf(
      "%s: %s would take the hidden units of the curves as known, which are estimated too.", argument, what
    ), argument, way_out)
  }
}

print_units <- function(fit) {
  parts <- unit_bases(fit)
  if (!length(parts)) return(invisible())
  for (name in names(parts)) {
    basis <- parts[[name]]
    units <- sprintf("%d at %s (width %s)", seq_along(basis$location), vapply(basis$location, format_short, ""),
                     vapply(basis$width, format_short, ""))
    print_wrapped(sprintf("Hidden units%s, shared by the groups, turn in %s: %s.",
                          if (is_several(fit)) paste(" of", name) else "", fit$time_name[1],
                          paste(units, collapse = ", ")))
  }
  print_wrapped(paste(
    "Coefficients of hidden units have no standard errors, and the curves no bands: these would take the units as",
    "known, which are estimated too. bootstrap() finds them anew in each sample. Standard errors of all else do take",
    "the units as known."
  ))
}
