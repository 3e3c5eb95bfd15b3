# Makes the example fit: Rscript data-raw/offenses.R, from the repository root, with the package installed.

fit <- gbtm::gbtm(offenses ~ age, data = gbtm::offending, id = "id", groups = 3, order = 2, family = "zip",
                  control = gbtm::gbtm_control(progress = FALSE))
gbtm::write_gbtm(fit, "inst/extdata/offenses.json")
