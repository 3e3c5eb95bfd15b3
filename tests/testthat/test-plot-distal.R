# Figures of distal outcomes: what is drawn is what the tables say, and curves are those of survival.

test_that("numbers and naive numbers are drawn as the tables have them", {
  need_engine()
  out <- calm(distal(distal_fit("d2_zip_k3"), o_binary ~ group, distal_people("d2_zip_k3")))
  naive <- calm(distal(distal_fit("d2_zip_k3"), o_binary ~ group, distal_people("d2_zip_k3"), method = "naive"))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  before <- graphics::par("mar")
  expect_identical(plot(out, level = 0.9, main = "Prison", las = 0), group_table(out, 0.9))
  expect_identical(graphics::par("mar"), before)
  expect_identical(plot(naive), naive$groups)
  skip_if_not_installed("ggplot2")
  built <- ggplot2::ggplot_build(autoplot(out))$data
  expect_equal(built[[2]]$y, c(out$groups$probability, naive$groups$probability), tolerance = 1e-10)
  expect_equal(built[[1]]$ymax, c(out$groups$upper, naive$groups$upper), tolerance = 1e-10)
  expect_equal(ggplot2::ggplot_build(autoplot(out, naive = FALSE))$data[[2]]$x, 1:3)
  expect_equal(autoplot(out)$labels$y, "Probability of o_binary")
})

test_that("categories and hazard ratios have their names and scales", {
  need_engine()
  people <- distal_people("d2_zip_k3")
  people$kind <- letters[people$o_nominal + 1]
  out <- calm(distal(distal_fit("d2_zip_k3"), kind ~ group, people))
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  expect_identical(plot(out)$category, rep(c("a", "b", "c"), 3))
  marks <- distal_marks(out, TRUE, 0.95, c("low", "mid", "high"), NULL)
  expect_identical(marks$name[c(1, 9, 10)], c("low\na", "high\nc", "low\na"))
  cox <- calm(distal(distal_fit("d2_zip_k3"), Surv(o_time, o_event) ~ group, people))
  plot(cox)
  expect_true(graphics::par("ylog"))
  expect_error(plot(cox, type = "others"), class = "gbtm_bad_type")
  expect_error(plot(cox, labels = "one"), class = "gbtm_bad_labels")
  expect_error(plot(cox, level = 95), class = "gbtm_bad_level")
  expect_error(plot(cox, naive = 1), class = "gbtm_bad_flag")
  expect_error(plot(out, type = "survival"), "multinomial|nominal", class = "gbtm_no_survival")
})

test_that("survival curves are those that the estimates make", {
  need_engine()
  people <- distal_people("d2_zip_k3")
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  weibull <- calm(distal(distal_fit("d2_zip_k3"), Surv(o_time, o_event) ~ group, people, family = "weibull"))
  drawn <- plot(weibull, type = "survival")
  b <- coef(weibull)
  shape <- b[grep("shape", names(b))]
  expect_length(shape, 1)
  for (k in 1:3) {
    here <- drawn[drawn$group == k, ]
    expect_equal(here$survival, unname(exp(-here$time^shape * exp(b[[paste0("group[", k, "]")]]))), tolerance = 1e-10)
  }
  skip_if_not_installed("survival")
  # naive Cox regression is coxph() on the assigned groups
  fit <- distal_fit("d2_zip_k3")
  naive <- calm(distal(fit, Surv(o_time, o_event) ~ group, people, method = "naive"))
  drawn <- plot(naive, type = "survival")
  people$group <- factor(assignment(fit)[match(people$id, fit$ids)])
  cox <- survival::coxph(survival::Surv(o_time, o_event) ~ group, people, ties = "breslow")
  theirs <- survival::survfit(cox, data.frame(group = factor(1:3)), stype = 2, ctype = 1)
  for (k in 1:3) {
    here <- drawn[drawn$group == k, ]
    expect_equal(here$survival, summary(theirs[k], times = here$time, extend = TRUE)$surv, tolerance = 1e-6)
  }
  skip_if_not_installed("ggplot2")
  expect_equal(ggplot2::ggplot_build(autoplot(naive, type = "survival"))$data[[1]]$y, drawn$survival)
})
