# Makes the example data and its fit: Rscript data-raw/offenses.R, from the repository root, with the package installed.

set.seed(20)
subjects <- 150
ages <- 10:17
group <- rep(1:3, c(75, 45, 30))
rate <- rbind(
  exp(-1.2 - 0.02 * (ages - 13)^2),
  exp(1.0 - 0.12 * (ages - 13)^2),
  exp(1.3 + 0.05 * (ages - 13) - 0.02 * (ages - 13)^2)
)
d <- data.frame(id = rep(seq_len(subjects), each = length(ages)), age = rep(ages, subjects))
mean <- as.vector(t(rate[group, ]))
d$offenses <- ifelse(stats::runif(nrow(d)) < 0.25, 0, stats::rpois(nrow(d), mean))
d$offenses[sample(nrow(d), 40)] <- NA
write.csv(d, "inst/extdata/offenses.csv", row.names = FALSE, quote = FALSE)

fit <- gbtm::gbtm(offenses ~ age, data = d, id = "id", groups = 3, order = 2, family = "zip",
                  control = gbtm::gbtm_control(progress = FALSE))
gbtm::write_gbtm(fit, "inst/extdata/offenses.json")
