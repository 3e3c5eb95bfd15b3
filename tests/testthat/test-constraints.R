# Constraints on parameters: against fits of reduced designs, and what R makes of them.

waves <- function() {
  set.seed(1)
  time <- seq(-1, 1, length.out = 5)
  group <- rep(1:3, c(40, 30, 30))
  curves <- rbind(-1.5 + 0.5 * time, 0 * time, 1.5 + 0.6 * time)
  y <- curves[group, ] + matrix(rnorm(500, sd = 0.5), 100)
  data.frame(id = rep(seq_len(100), each = 5), t = rep(time, 100), y = as.vector(t(y)))
}

test_that("a coefficient at zero is a lower order, and free parameters are counted", {
  need_engine()
  d <- waves()
  few <- gbtm_control(n_starts = 8)
  held <- gbtm(y ~ t, d, id = "id", groups = 3, order = 1, constraints = "t[1] = 0", control = few)
  reduced <- gbtm(y ~ t, d, id = "id", groups = 3, order = c(0, 1, 1), control = few)
  free <- gbtm(y ~ t, d, id = "id", groups = 3, order = 1, control = few)
  expect_equal(as.double(logLik(held)), as.double(logLik(reduced)), tolerance = 1e-9)
  expect_equal(attr(logLik(held), "df"), length(coef(reduced)))
  expect_equal(BIC(held), BIC(reduced), tolerance = 1e-8)
  same <- names(coef(reduced))
  expect_equal(coef(held)[same], coef(reduced), tolerance = 1e-5)
  expect_equal(sqrt(diag(vcov(held)))[same], sqrt(diag(vcov(reduced))), tolerance = 1e-5)
  expect_identical(unname(coef(held)["t[1]"]), 0)
  table <- summary(held)$coefficients
  expect_identical(unname(table["t[1]", 2]), 0)
  expect_true(all(is.na(table["t[1]", 3:4])))
  shown <- paste(utils::capture.output(print(summary(held))), collapse = "\n")
  expect_match(shown, "Constraints: t[1] = 0.", fixed = TRUE)
  expect_match(shown, "fixed", fixed = TRUE)
  test <- anova(held, free)
  expect_identical(test$npar, c(8L, 9L))
  chisq <- 2 * (free$loglik - held$loglik)
  expect_equal(test[2, "Pr(>Chisq)"], pchisq(chisq, 1, lower.tail = FALSE))
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(held, file)
  again <- read_gbtm(file)
  expect_identical(attr(logLik(again), "df"), 8L)
  expect_identical(as.character(again$constraints$texts), "t[1] = 0")
  expect_error(gbtm_search(y ~ t, d, id = "id", groups = 1:2, constraints = "t[1] = 0"), class = "gbtm_constrained")
})

test_that("a bound that bites is told, and its test is a mixture", {
  need_engine()
  d <- waves()
  few <- gbtm_control(n_starts = 4)
  expect_warning(
    tight <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, constraints = "sigma < 0.5", control = few),
    class = "gbtm_at_constraint")
  free <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, control = few)
  test <- anova(free, tight)
  chisq <- 2 * (free$loglik - tight$loglik)
  expect_equal(test[2, "Pr(>Chisq)"], pchisq(chisq, 1, lower.tail = FALSE) / 2)
  expect_equal(unname(coef(tight)["sigma"]), 0.5)
})

test_that("constraints are compared by what they allow, not by how they are written", {
  need_engine()
  d <- waves()
  few <- gbtm_control(n_starts = 4)
  fit <- function(..., order = 1) {
    gbtm(y ~ t, d, id = "id", groups = 3, order = order, control = few, constraints = c(...))
  }
  one <- fit("t[2] = t[3]", "2 * t[1] = 1")
  other <- fit("t[1]=0.5,  t[3] = t[2]")
  looser <- fit("t[3] = t[2]")
  expect_warning(same <- anova(one, other), "the same model", class = "gbtm_no_chisq")
  expect_true(is.na(same[2, "Pr(>Chisq)"]))
  test <- anova(one, looser)
  chisq <- 2 * (looser$loglik - one$loglik)
  expect_equal(test[2, "Pr(>Chisq)"], pchisq(chisq, 1, lower.tail = FALSE))
  flat <- fit("t[2] = t[3]", order = c(0, 1, 1))
  test <- anova(flat, looser)
  expect_equal(unlist(test[2, c("Df", "Pr(>Chisq)")], use.names = FALSE),
               c(1, pchisq(2 * (looser$loglik - flat$loglik), 1, lower.tail = FALSE)))
  expect_warning(anova(fit("t[1] = 0", "t[2] = 0"), looser), "not the larger model", class = "gbtm_no_chisq")
})

test_that("outcomes share a sigma where their units agree", {
  need_engine()
  d <- waves()
  d$z <- d$y + rep(c(0.3, -0.3), 250)
  several <- function(...) {
    gbtm(list(y ~ t, z ~ t), d, id = "id", groups = 2, order = 0, control = gbtm_control(n_starts = 2), ...)
  }
  expect_error(several(constraints = "sigma = common"), class = "gbtm_other_units")
  fit <- several(constraints = "sigma = common, same units")
  expect_equal(unname(coef(fit)["y: sigma"]), unname(coef(fit)["z: sigma"]))
  expect_identical(attr(logLik(fit), "df"), length(coef(fit)) - 1L)
})

test_that("relations are read from texts", {
  expect_identical(relations_of(c("a = b = c", "0 <= d, e>1", "f = g, same units")),
                   c("a=b", "b=c", "0<d", "e>1", "f=g"))
})

test_that("traj's bounds are kept where they are numbers or a matrix that is at hand", {
  need_engine()
  d <- waves()
  wide <- as.data.frame(matrix(d$y, 100, byrow = TRUE, dimnames = list(NULL, paste0("y", 1:5))))
  wide[paste0("t", 1:5)] <- rep(seq(-1, 1, length.out = 5), each = 100)
  text <- "traj, var(y1-y5) indep(t1-t5) model(cnorm) order(1 1) min(-99) max(99)"
  few <- gbtm_control(n_starts = 2)
  fit <- suppressWarnings(traj(paste(text, "upper(. . . . 0.5)"), wide, control = few))
  expect_equal(unname(coef(fit)["sigma"]), 0.5)
  bounds <- c(NA, NA, NA, NA, 0.4)
  fit <- suppressWarnings(traj(paste(text, "upper(bounds)"), wide, control = few))
  expect_equal(unname(coef(fit)["sigma"]), 0.4)
  suppressWarnings(expect_warning(traj(paste(text, "upper(nowhere)"), wide, control = few), class = "gbtm_assumed"))
})
