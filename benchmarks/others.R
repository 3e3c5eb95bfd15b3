# One timing of another package, in a process of its own: data frame in, standard errors out where it gives them.
#   Rscript benchmarks/others.R                                  the versions of those that are installed
#   Rscript benchmarks/others.R PACKAGE data.csv FAMILY GROUPS   one timing
# Prints one JSON line; a package that fails says why in `failed`. Each chooses its own start values.
fits <- list()

# Latent class growth: no random effects, started from the model with one class. hlme() has one sigma for all classes;
# lcmm() has two ordered levels, which is a probit.
fits$lcmm <- function(long, family, groups) {
  if (family == "normal") {
    one <- lcmm::hlme(y ~ t + I(t^2), random = ~ -1, subject = "id", ng = 1, data = long, verbose = FALSE)
    fit <- lcmm::hlme(y ~ t + I(t^2), mixture = ~ t + I(t^2), random = ~ -1, subject = "id", ng = groups, data = long,
                      B = one, verbose = FALSE)
  } else {
    one <- lcmm::lcmm(y ~ t + I(t^2), random = ~ -1, subject = "id", ng = 1, data = long, link = "thresholds",
                      verbose = FALSE)
    fit <- lcmm::lcmm(y ~ t + I(t^2), mixture = ~ t + I(t^2), random = ~ -1, subject = "id", ng = groups, data = long,
                      link = "thresholds", B = one, verbose = FALSE)
  }
  if (!fit$conv %in% 1:2) stop("no convergence (conv = ", fit$conv, ")")
  list(loglik = fit$loglik, n_starts = 1, standard_errors = fit$conv == 1)
}

# Without a Hessian for Poisson, where version 0.11 stops for want of one.
fits$trajeR <- function(long, family, groups) {
  model <- c(normal = "CNORM", poisson = "POIS", logit = "LOGIT", zip = "ZIP")[[family]]
  fit <- trajeR::trajeR(Y = by_wave(long, "y"), A = by_wave(long, "t"), degre = rep(2, groups),
                        degre.nu = rep(1, groups), Model = model, Method = "L", hessian = family != "poisson",
                        itermax = 1000)
  list(loglik = fit$Likelihood, n_starts = 1, standard_errors = any(is.finite(fit$sd)))
}

# Its own engine: the others it offers are flexmix, lcmm and trajeR. Ten starts, for one often ends below the optimum.
fits$gbtmkit <- function(long, family, groups) {
  y <- by_wave(long, "y")
  t <- by_wave(long, "t")
  waves <- seq_len(ncol(y))
  outcomes <- paste0("y", waves)
  times <- paste0("t", waves)
  wide <- data.frame(seq_len(nrow(y)), y, t)
  names(wide) <- c("id", outcomes, times)
  spec <- gbtmkit::gbtm_spec(wide, outcomes = outcomes, time = times, id = "id",
                             family = c(normal = "gaussian", poisson = "poisson", logit = "binomial")[[family]])
  fit <- gbtmkit::gbtm_fit(spec, engine = "gbtmkit", n_groups = groups, degrees = rep(2, groups), hessian = TRUE,
                           itermax = 1000, seed = 1, n_starts = 10)
  list(loglik = gbtmkit::gbtm_loglik(fit), n_starts = 10, standard_errors = !is.null(fit$vcov))
}

# init starts for each group, 21 in all. The zero part is a polynomial of each group, 1 the least order it takes.
fits$crimCV <- function(long, family, groups) {
  fit <- crimCV::crimCV(by_wave(long, "y"), groups, dpolyp = 2, dpolyl = 1, model = "ZIP", init = 7)
  if (is.null(fit)) stop("no convergence")
  list(loglik = fit$llike, n_starts = 7 * groups, standard_errors = FALSE)
}

# The benchmark's data are complete and sorted by subject and time.
by_wave <- function(long, column) matrix(long[[column]], length(unique(long$id)), byrow = TRUE)

timing <- function(package, path, family, groups) {
  long <- utils::read.csv(path, colClasses = "numeric")
  loadNamespace(package)
  set.seed(1)
  begun <- proc.time()[["elapsed"]]
  utils::capture.output(result <- fits[[package]](long, family, groups))
  result$seconds <- proc.time()[["elapsed"]] - begun
  if (!is.finite(result$loglik)) stop("its log-likelihood is ", format(result$loglik))
  peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
  c(result, peak_gb = as.numeric(gsub("[^0-9]", "", peak)) / 1e6)
}

args <- commandArgs(trailingOnly = TRUE)
answer <- if (length(args)) {
  tryCatch(timing(args[1], args[2], args[3], as.integer(args[4])),
           error = function(e) list(failed = conditionMessage(e)))
} else {
  there <- Filter(function(name) requireNamespace(name, quietly = TRUE), names(fits))
  lapply(stats::setNames(nm = there), function(name) as.character(utils::packageVersion(name)))
}
cat(as.character(jsonlite::toJSON(answer, auto_unbox = TRUE, digits = NA)), "\n", sep = "")
