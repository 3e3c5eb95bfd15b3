# Makes the example fit of a dual model: Rscript data-raw/dual.R, from the repository root, with the package installed.
# Aggression in childhood and offences in youth, each with groups of its own.

set.seed(3)
people <- 160
first <- rep(1:2, c(100, 60))
second <- 1 + (stats::runif(people) < c(0.2, 0.65)[first])
child <- expand.grid(age = 6:10, id = seq_len(people))
youth <- expand.grid(year = 13:17, id = seq_len(people))
mean <- c(1, 3)[first[child$id]] + c(0, 0.2)[first[child$id]] * (child$age - 8)
child$aggression <- round(stats::rnorm(nrow(child), mean), 2)
youth$offenses <- stats::rpois(nrow(youth), exp(c(-0.8, 1)[second[youth$id]] - 0.1 * (youth$year - 15)^2))

fit <- gbtm::gbtm(list(gbtm::outcome(aggression ~ age, order = 1, data = child),
                       gbtm::outcome(offenses ~ year, family = "poisson", order = 2, data = youth)),
                  id = "id", groups = c(2, 2), control = gbtm::gbtm_control(progress = FALSE))
gbtm::write_gbtm(fit, "inst/extdata/dual.json")
