test_that("predicted effects of one group are those of nlme", {
  need_engine()
  skip_if_not_installed("nlme")
  fit <- suppressWarnings(gbtm(aggression ~ age, data = pathways, id = "id", groups = 1, order = 1, rorder = 1))
  theirs <- nlme::lme(aggression ~ age, random = list(id = nlme::pdDiag(~ age)), data = pathways, method = "ML",
                      na.action = na.omit,
                      control = nlme::lmeControl(msTol = 1e-12, tolerance = 1e-12, niterEM = 200, msMaxIter = 500))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(theirs)), tolerance = 1e-7)
  ours <- nlme::ranef(fit)
  other <- nlme::ranef(theirs)[row.names(ours), ]
  expect_equal(ours$intercept, other[["(Intercept)"]], tolerance = 1e-3)
  expect_equal(ours$slope, other$age, tolerance = 1e-3)
  expect_identical(row.names(ours), as.character(fit$ids))
})

test_that("covariances of the effects are those of the table", {
  need_engine()
  fit <- suppressWarnings(gbtm(aggression ~ age, data = pathways, id = "id", groups = 2, order = 1, rorder = c(1, 0),
                               control = gbtm_control(n_starts = 3)))
  table <- random_effects(fit)
  variances <- attr(nlme::ranef(fit), "postVar")
  expect_equal(sqrt(variances["slope", "slope", ]), table$slope_sd)
  expect_equal(variances[1, 2, ], table$correlation * table$intercept_sd * table$slope_sd)
  by_group <- random_effects(fit, by_group = TRUE)
  expect_identical(names(by_group)[1:3], c("id", "group", "probability"))
  of_two <- by_group[by_group$group == 2, ]
  expect_true(all(of_two$slope == 0 & of_two$slope_sd == 0))
  mixed <- tapply(by_group$probability * by_group$intercept, factor(by_group$id, unique(by_group$id)), sum)
  expect_equal(as.vector(mixed), table$intercept)
})

test_that("what has no random effects says so", {
  need_engine()
  fit <- read_gbtm(system.file("extdata", "offenses.json", package = "gbtm"))
  expect_error(random_effects(fit), class = "gbtm_no_random_effects")
  expect_error(random_effects(fit, TRUE, 3))
  expect_error(nlme::ranef(fit, condVar = TRUE))
})

test_that("correlated effects are those of nlme, and common ones are said once", {
  need_engine()
  skip_if_not_installed("nlme")
  fit <- suppressWarnings(gbtm(aggression ~ age, data = pathways, id = "id", groups = 1, order = 1, rorder = 1,
                               rcorr = TRUE))
  theirs <- nlme::lme(aggression ~ age, random = ~ age | id, data = pathways, method = "ML", na.action = na.omit,
                      control = nlme::lmeControl(msTol = 1e-12, tolerance = 1e-12, niterEM = 200, msMaxIter = 500))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(theirs)), tolerance = 1e-7)
  expect_equal(unname(sqrt(diag(vcov(fit)))[1:2]), unname(sqrt(diag(vcov(theirs)) * 1)), tolerance = 1e-2)
  covariance <- nlme::getVarCov(theirs)
  ours <- coef(fit)[c("r0_sigma[1]", "r1_sigma[1]", "r01_corr[1]")]
  expect_equal(ours[["r0_sigma[1]"]]^2, covariance[1, 1], tolerance = 1e-3)
  expect_equal(ours[["r01_corr[1]"]], stats::cov2cor(covariance)[1, 2], tolerance = 1e-3)
  common <- suppressWarnings(gbtm(aggression ~ age, data = pathways, id = "id", groups = 2, order = 1, rorder = 1,
                                  rcorr = TRUE, rcommon = TRUE, control = gbtm_control(n_starts = 3)))
  expect_true(all(c("r0_sigma", "r1_sigma", "r01_corr") %in% names(coef(common))))
  expect_identical(dim(nlme::ranef(common)), c(length(common$ids), 2L))
})

test_that("intercept, slope and square are those of nlme", {
  need_engine()
  skip_if_not_installed("nlme")
  set.seed(4)
  data <- data.frame(id = rep(1:150, each = 7), t = rep(-3:3, 150))
  root <- chol(outer(c(1, 0.4, 0.15), c(1, 0.4, 0.15)) * matrix(c(1, 0.4, -0.3, 0.4, 1, 0.2, -0.3, 0.2, 1), 3))
  b <- (matrix(rnorm(450), 150) %*% root)[data$id, ]
  data$y <- 2 + 0.4 * data$t + b[, 1] + b[, 2] * data$t + b[, 3] * data$t^2 + 0.6 * rnorm(nrow(data))
  data <- data[runif(nrow(data)) > 0.2, ]
  control <- nlme::lmeControl(msTol = 1e-12, tolerance = 1e-12, niterEM = 200, msMaxIter = 500, opt = "optim")
  random <- list(full = ~ t + I(t^2) | id, diagonal = list(id = nlme::pdDiag(~ t + I(t^2))))
  for (kind in names(random)) {
    fit <- gbtm(y ~ t, data = data, id = "id", groups = 1, order = 2, rorder = 2, rcorr = kind == "full")
    theirs <- nlme::lme(y ~ t + I(t^2), random = random[[kind]], data = data, method = "ML", control = control)
    expect_lt(abs(as.numeric(logLik(fit)) - as.numeric(logLik(theirs))), 1e-6)
    fixed <- c("intercept[1]", "t[1]", "t^2[1]")
    expect_equal(unname(coef(fit)[fixed]), unname(nlme::fixef(theirs)), tolerance = 1e-4)
    z <- cbind(1, -3:3, (-3:3)^2)
    covariance <- unclass(nlme::getVarCov(theirs))
    precision <- lapply(split(data$t, data$id), function(t) { # the information on the fixed part, written out
      x <- z[t + 4, , drop = FALSE]
      crossprod(x, solve(x %*% covariance %*% t(x) + diag(theirs$sigma^2, length(t)), x))
    })
    expect_equal(unname(sqrt(diag(vcov(fit)))[fixed]), sqrt(diag(solve(Reduce(`+`, precision)))), tolerance = 2e-3,
                 ignore_attr = TRUE)
    expect_equal(unname(coef(fit)[paste0("r", 0:2, "_sigma[1]")]), unname(sqrt(diag(covariance))), tolerance = 1e-3)
    ours <- nlme::ranef(fit)
    expect_named(ours, c("intercept", "slope", "quadratic"))
    other <- nlme::ranef(theirs)[row.names(ours), ]
    for (j in 1:3) expect_equal(ours[[j]], other[[j]], tolerance = 1e-3)
    given <- attr(ours, "postVar")[, , 1]
    t <- data$t[data$id == 1]
    expected <- solve(solve(covariance) + crossprod(z[t + 4, ]) / theirs$sigma^2)
    expect_equal(unname(given), unname(expected), tolerance = 2e-3)
    if (kind == "full") {
      expect_equal(unname(coef(fit)[c("r01_corr[1]", "r02_corr[1]", "r12_corr[1]")]),
                   stats::cov2cor(covariance)[c(4, 7, 8)], tolerance = 1e-3)
      expect_error(confint(fit, "r12_corr[1]", method = "profile"), class = "gbtm_no_profile")
      small <- gbtm(y ~ t, data = data, id = "id", groups = 1, order = 2, rorder = 1, rcorr = TRUE)
      table <- anova(small, fit)
      chisq <- 2 * (as.numeric(logLik(fit)) - as.numeric(logLik(small)))
      half <- mean(stats::pchisq(chisq, c(2, 3), lower.tail = FALSE))
      expect_equal(table[["Pr(>Chisq)"]][2], half, tolerance = 1e-6)
    }
  }
})

test_that("curves of correlated effects of censored outcomes are means over them", {
  need_engine()
  set.seed(2)
  data <- data.frame(id = rep(1:70, each = 4), t = rep(0:3, 70))
  b <- matrix(rnorm(140), 70)
  data$y <- 1 + 0.3 * data$t + b[data$id, 1] + (0.3 * b[, 1] + 0.4 * b[, 2])[data$id] * data$t + 0.5 * rnorm(280)
  limits <- c(0, 4)
  data$y <- pmin(pmax(data$y, limits[1]), limits[2])
  fit <- gbtm(y ~ t, data = data, id = "id", groups = 1, order = 1, family = "cnorm", min = 0, max = 4, rorder = 1,
              rcorr = TRUE, control = gbtm_control(n_starts = 1))
  times <- c(0.5, 3)
  p <- coef(fit)
  marginal <- function(p, t) {
    g <- outer(p[4:5], p[4:5]) * matrix(c(1, p[6], p[6], 1), 2)
    s <- sqrt(p[3]^2 + drop(c(1, t) %*% g %*% c(1, t)))
    eta <- p[1] + p[2] * t
    a <- (limits - eta) / s
    eta * diff(pnorm(a)) - s * diff(dnorm(a)) + limits[1] * pnorm(a[1]) + limits[2] * pnorm(a[2], lower.tail = FALSE)
  }
  at <- predict(fit, times = times)
  expect_equal(at$estimate, unname(vapply(times, function(t) marginal(unname(p), t), 1)), tolerance = 1e-7)
  step <- 1e-5
  slope <- function(t, j) {
    (marginal(unname(p) + step * (1:6 == j), t) - marginal(unname(p) - step * (1:6 == j), t)) / (2 * step)
  }
  slopes <- outer(1:6, times, Vectorize(function(j, t) slope(t, j)))
  expect_equal(at$se, unname(sqrt(diag(t(slopes) %*% vcov(fit) %*% slopes))),
               tolerance = 1e-5)
  expect_error(gbtm(y ~ t, data = data, id = "id", groups = 1, order = 1, family = "cnorm", min = 0, max = 4,
                    rorder = 2), class = "gbtm_bad_rorder")
})
