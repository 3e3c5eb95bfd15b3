# One timing of flexmix, in a process of its own: data frame in, refit() with standard errors out.
#   Rscript benchmarks/flexmix.R data.csv FAMILY GROUPS STARTS
# Prints one JSON line. minprior = 0: flexmix would else drop groups below 5 % without a word.
suppressMessages(library(flexmix))
args <- commandArgs(trailingOnly = TRUE)
data <- read.csv(args[1])
family <- args[2]
groups <- as.integer(args[3])
starts <- as.integer(args[4])
control <- list(minprior = 0, iter.max = 1000)
set.seed(1)
begun <- proc.time()[["elapsed"]]
formula <- if (family == "logit") cbind(y, 1 - y) ~ t + I(t^2) | id else y ~ t + I(t^2) | id
model <- FLXMRglm(family = switch(family, normal = "gaussian", poisson = "poisson", logit = "binomial"))
fits <- lapply(seq_len(starts), function(i) {
  tryCatch(flexmix(formula, k = groups, data = data, model = model, control = control), error = function(e) NULL)
})
fits <- Filter(Negate(is.null), fits)
logliks <- vapply(fits, function(f) as.numeric(logLik(f)), 0)
best <- fits[[which.max(logliks)]]
searched <- proc.time()[["elapsed"]] - begun
errors <- tryCatch({
  capture.output(summary(refit(best)))
  TRUE
}, error = function(e) FALSE)
seconds <- proc.time()[["elapsed"]] - begun
peak <- grep("VmHWM", readLines("/proc/self/status"), value = TRUE)
peak <- as.numeric(gsub("[^0-9]", "", peak)) / 1e6
cat(sprintf('{"seconds": %.4f, "search_seconds": %.4f, "peak_gb": %.3f, "loglik": %.6f, ', seconds, searched, peak,
            max(logliks)))
cat(sprintf('"n_starts": %d, "standard_errors": %s, "version": "%s"}\n', starts, tolower(errors),
            packageVersion("flexmix")))
