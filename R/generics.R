# Generics of other packages that fits have methods for, so that library(gbtm) alone makes tidy(fit) work. Those of
# `generics` are handed on as they are; the larger packages are loaded at the first call.

#' Generics of other packages
#'
#' Fits, searches, pooled fits and bootstraps have methods for these. `tidy()`, `glance()` and `augment()` are those of
#' the package generics, see [tidy.gbtm()], and so is `forecast()`, see [forecast.gbtm()]. `autoplot()` calls the
#' generic of ggplot2, `linearHypothesis()` and `deltaMethod()` those of car, `estfun()` and `bread()` those of
#' sandwich, `ranef()` that of nlme, with all their methods; the package has to be installed, and need not be attached.
#'
#' @param x,object,model a fit, or whatever else the generic takes
#' @param ... arguments of the method
#' @return What the method returns.
#' @section Errors: `gbtm_no_package` where the package of the generic is not installed.
#' @examples
#' fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
#' tidy(fit)
#' @name generics
NULL

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @importFrom generics augment
#' @export
generics::augment

#' @rdname generics
#' @export
autoplot <- function(object, ...) generic_of("ggplot2", "autoplot")(object, ...)

#' @rdname generics
#' @export
linearHypothesis <- function(model, ...) generic_of("car", "linearHypothesis")(model, ...) # nolint: object_name_linter.

#' @rdname generics
#' @export
deltaMethod <- function(object, ...) generic_of("car", "deltaMethod")(object, ...) # nolint: object_name_linter.

#' @rdname generics
#' @export
estfun <- function(x, ...) generic_of("sandwich", "estfun")(x, ...)

#' @rdname generics
#' @export
ranef <- function(object, ...) generic_of("nlme", "ranef")(object, ...)

#' @rdname generics
#' @export
bread <- function(x, ...) generic_of("sandwich", "bread")(x, ...)

generic_of <- function(package, name) {
  if (!requireNamespace(package, quietly = TRUE)) {
    stop_gbtm("no_package", sprintf("%s(): the generic is %s's, which is not installed.", name, package), NULL,
              sprintf("Run install.packages(\"%s\").", package))
  }
  getExportedValue(package, name)
}
