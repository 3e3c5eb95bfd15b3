# Makes the example fit of a dual model: Rscript data-raw/dual.R, from the repository root, with the package installed.
# Aggression in childhood and offenses in youth, each with groups of its own.

fit <- gbtm::gbtm(list(gbtm::outcome(aggression ~ age, order = 1),
                       gbtm::outcome(offenses ~ year, family = "poisson", order = 2)),
                  data = gbtm::pathways, id = "id", groups = c(2, 2), control = gbtm::gbtm_control(progress = FALSE))
gbtm::write_gbtm(fit, "inst/extdata/dual.json")
