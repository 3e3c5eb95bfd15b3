#' gbtm: group-based trajectory models
#'
#' Begin with [gbtm()], or with [traj()] for a command of Stata's traj. [gbtm_engine()] says whether the engine that
#' fits is ready, and how to get it.
#'
#' @name gbtm-package
#' @keywords internal
#' @importFrom stats BIC coef fitted formula logLik nobs predict residuals vcov
NULL
