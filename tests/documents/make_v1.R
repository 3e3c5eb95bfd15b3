# A fit of version 1 written by R, and what R answered of all fits of version 1; see make_v1.py, which goes first.
#
#     R_LIBS=OLDLIB GBTM_PYTHON=... Rscript tests/documents/make_v1.R
#
# where OLDLIB has the package of commit 928a8de, the last whose own format version 1 was.

library(gbtm)
folder <- file.path("tests", "documents", "v1")
at <- c(0, 2, 4)
d <- utils::read.csv(file.path(folder, "people.csv"), stringsAsFactors = FALSE)
d$place <- factor(d$place)

fit <- suppressWarnings(gbtm(
  count ~ t, data = d, id = "id", groups = 2, order = 1, family = "poisson", risk = ~ place + x, tcov = "w",
  exposure = "e", weights = "s", control = gbtm_control(n_starts = 4, progress = FALSE)
))
write_gbtm(fit, file.path(folder, "from_r.json"))

printed <- function(x) utils::capture.output(print(x))
people <- function(fit) {
  new <- d[d$id %in% c("p00", "p01") & d$t < 3, ]
  if (!fit$outcome_name %in% names(new)) return(NULL)
  new[[fit$outcome_name]] <- pmin(pmax(new[[fit$outcome_name]], fit$curves$lower), fit$curves$upper)
  new
}

answers <- function(name) {
  fit <- read_gbtm(file.path(folder, paste0(name, ".json")))
  curves <- predict(fit, times = at)
  new <- people(fit)
  plain <- gbtm:::is_plain(fit) && !is.null(new)
  list(
    coef = as.list(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), loglik = as.numeric(logLik(fit)), nobs = nobs(fit),
    bic = BIC(fit), curves = unclass(curves)[c("group", fit$time_name, "estimate", "se", "lower", "upper")],
    posterior = unname(as.matrix(posterior(fit)[1:5, -1])), fitted = unname(fitted(fit)),
    scored = if (plain) unname(as.matrix(predict(fit, newdata = new, type = "posterior")[, -1])),
    out_of_sample = nrow(out_of_sample(fit)),
    print = printed(fit), summary = printed(summary(fit))
  )
}

names <- setdiff(sub("\\.json$", "", list.files(folder, "^[a-z_0-9]+\\.json$")), "search")
for (name in names) {
  text <- jsonlite::toJSON(answers(name), digits = NA, auto_unbox = TRUE, na = "null", null = "null", pretty = 1)
  writeLines(text, file.path(folder, paste0(name, ".r.json")))
}
