# The main job on real data: fit, table, picture. Run by `make demo`.
# Data that R ships: serum bilirubin of patients with liver disease (survival::pbcseq, Mayo Clinic), and presence of
# bacteria in children (MASS::bacteria).
library(gbtm)
out <- commandArgs(trailingOnly = TRUE)[1]
if (is.na(out)) out <- "demo-output"
dir.create(out, showWarnings = FALSE)

liver <- transform(survival::pbcseq, years = day / 365.25, log_bili = log(bili))
fit <- gbtm(log_bili ~ years, data = subset(liver, years <= 8), id = "id", groups = 3, order = 2,
            family = "normal", sigma_by_group = TRUE)
print(summary(fit))
capture.output(summary(fit), file = file.path(out, "liver-R.txt"))
png(file.path(out, "liver-R.png"), width = 1200, height = 800, res = 150)
plot(fit, xlab = "years since enrolment", ylab = "log serum bilirubin (mg/dl)", individuals = TRUE)
invisible(dev.off())

present <- transform(MASS::bacteria, present = as.integer(y == "y"))
fit <- gbtm(present ~ week, data = present, id = "ID", groups = 2, order = 1, family = "logit")
print(fit)
png(file.path(out, "bacteria-R.png"), width = 1200, height = 800, res = 150)
plot(fit, ylab = "P(bacteria present)")
invisible(dev.off())
