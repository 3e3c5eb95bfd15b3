# Effects common to all groups: against equalities that name the groups, and what R makes of them.

people <- function() {
  set.seed(1)
  n <- 90
  group <- sample(1:2, n, TRUE)
  sex <- sample(0:1, n, TRUE)
  d <- data.frame(id = rep(seq_len(n), each = 5), t = rep(0:4, n), sex = rep(sex, each = 5), w = rnorm(5 * n),
                  job = rep(sample(c("a", "b", "c"), n, TRUE), each = 5))
  g <- rep(group, each = 5)
  d$y <- c(0, 3)[g] + c(0.4, -0.2)[g] * d$t + 0.7 * d$sex + 0.2 * d$sex * d$t + 0.3 * d$w + rnorm(5 * n, sd = 0.8)
  d
}

few <- gbtm_control(n_starts = 3)

fitted_with <- function(d, ..., order = 1) {
  suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 2, order = order, control = few, ...))
}

test_that("an effect stands once, and is that of groups constrained to have it", {
  need_engine()
  d <- people()
  fit <- fitted_with(d, common = ~ sex * t + w)
  held <- fitted_with(d, tcov = ~ sex * t + w,
                      constraints = c("sex[1] = sex[2]", "w[1] = w[2]", "sex:t[1] = sex:t[2]"))
  shared <- c("sex", "w", "sex:t")
  expect_identical(names(coef(fit))[5:7], shared)
  expect_equal(as.double(logLik(fit)), as.double(logLik(held)), tolerance = 1e-9)
  expect_identical(attr(logLik(fit), "df"), attr(logLik(held), "df"))
  expect_equal(unname(coef(fit)[shared]), unname(coef(held)[paste0(shared, "[2]")]), tolerance = 1e-6)
  expect_equal(sqrt(diag(vcov(fit)))[["sex"]], sqrt(diag(vcov(held)))[["sex[1]"]], tolerance = 1e-5)
  shown <- utils::capture.output(print(summary(fit)))
  common <- grep("^Common to all groups", shown)
  expect_length(common, 1)
  expect_match(shown[common + 2], "^ *sex ")
  expect_identical(summary(fit)$coefficients["sex", 1], unname(coef(fit)["sex"]))
  expect_identical(generics::tidy(fit)$component[5:8], rep("common", 4))
  se <- sqrt(vcov(fit)["sex", "sex"])
  expect_equal(unname(confint(fit)["sex", ]), coef(fit)[["sex"]] + c(-1, 1) * qnorm(0.975) * se)
  expect_equal(wald_test(fit, "sex = 0")$statistic[[1]], coef(fit)[["sex"]]^2 / vcov(fit)["sex", "sex"])
})

test_that("common against own effects is a likelihood ratio test", {
  need_engine()
  d <- people()
  fit <- fitted_with(d, common = ~ sex + w)
  own <- fitted_with(d, tcov = ~ sex + w)
  test <- anova(fit, own)
  expect_identical(test$Df[2], 2L)
  expect_equal(test[2, "Pr(>Chisq)"], pchisq(2 * (own$loglik - fit$loglik), 2, lower.tail = FALSE))
  # an effect of each group's own in the smaller model is none of the larger's
  other <- fitted_with(d, tcov = ~ w, common = ~ sex * t)
  expect_warning(anova(fitted_with(d, common = ~ sex + w + t:w + I(w^2)), other), class = "gbtm_no_chisq")
  plain <- gbtm(y ~ t, d, id = "id", groups = 2, order = 1, common = ~ sex + w, control = few)
  expect_equal(update(plain, common = NULL, tcov = ~ sex + w)$loglik, own$loglik, tolerance = 1e-9)
})

test_that("with order 0 the effect of time itself is common", {
  need_engine()
  d <- people()
  fit <- fitted_with(d, common = ~ t, order = 0)
  held <- fitted_with(d, constraints = "t[1] = t[2]")
  expect_equal(as.double(logLik(fit)), as.double(logLik(held)), tolerance = 1e-9)
  expect_equal(coef(fit)[["t"]], coef(held)[["t[1]"]], tolerance = 1e-6)
  at <- c(-1, 2.5, 7)
  columns <- c("estimate", "se", "lower", "upper")
  here <- suppressWarnings(predict(fit, times = at))
  expect_equal(here[columns], suppressWarnings(predict(held, times = at))[columns], tolerance = 1e-5)
  expect_no_match(utils::capture.output(print(summary(fit))), "are drawn at")
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(suppressWarnings(predict(read_gbtm(file), times = at)), here)
  # what time decides need not be given with the other covariates
  sexes <- fitted_with(d, common = ~ t + sex, order = 0)
  told <- predict(sexes, times = c(1, 2.5), tcov = cbind(t = c(1, 2.5), sex = 1))
  expect_equal(predict(sexes, times = c(1, 2.5), tcov = c(sex = 1)), told)
  expect_equal(predict(sexes, times = c(1, 2.5), tcov = 1), told)
  expect_equal(told$estimate[1], sum(coef(sexes)[c("intercept[1]", "t", "sex")]), tolerance = 1e-9)
  expect_error(fitted_with(d, common = ~ t), class = "gbtm_no_common")
})

test_that("the terms of the formula say which columns they are", {
  need_engine()
  d <- people()
  common_of <- function(...) unlist(fitted_with(d, ...)$spec$outcomes[[1]]$common)
  expect_identical(common_of(common = "sex", tcov = c("w")), "sex")
  expect_identical(common_of(common = sex, tcov = w), "sex")
  expect_identical(common_of(tcov = ~ factor(job), common = ~ factor(job):t + sex),
                   c("sex", "factor(job)b:t", "factor(job)c:t"))
  expect_identical(common_of(tcov = "w", common = ~ log1p(w^2) + lag(y)), c("log1p(w^2)", "lag(y)"))
  expect_warning(gbtm(y ~ t, d, id = "id", groups = 2, order = 1, common = ~ sex * t, control = few),
                 "^common: t is no covariate here", class = "gbtm_time_in_tcov")
  expect_error(fitted_with(d, tcov = ~ sex * w, common = ~ w), "common: w stands in tcov too",
               class = "gbtm_common_and_own")
  expect_error(fitted_with(d, common = "nosuch"), "common: no column named 'nosuch'", class = "gbtm_unknown_column")
  expect_error(fitted_with(d, common = ~ nosuch), "^common: ", class = "gbtm_bad_formula")
  expect_error(fitted_with(d, common = ~ sex, curve = network_curve(2), order = NULL), class = "gbtm_bad_curve")
})

test_that("wide data and matrices may know a covariate once of a person", {
  need_engine()
  d <- people()
  long <- fitted_with(d, tcov = "w", common = ~ sex)
  wide <- reshape(d[c("id", "t", "y", "w", "sex")], idvar = c("id", "sex"), timevar = "t", direction = "wide")
  fit <- gbtm(y ~ t, wide, id = "id", wide = list(y = "y.*", t = 0:4, w = "w.*", sex = "sex"), groups = 2, order = 1,
              tcov = "w", common = ~ sex, control = few)
  expect_equal(coef(fit), coef(long), tolerance = 1e-9)
  new <- predict(fit, newdata = wide[1:4, ], type = "posterior")
  expect_equal(as.matrix(new[2:3]), as.matrix(posterior(fit)[1:4, 2:3]), ignore_attr = TRUE, tolerance = 1e-8)
  file <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, file)
  expect_equal(predict(read_gbtm(file), newdata = wide[1:4, ], type = "posterior"), new, tolerance = 1e-8)
  values <- as.matrix(wide[grep("^y", names(wide))])
  w <- as.matrix(wide[grep("^w", names(wide))])
  dimnames(values) <- dimnames(w) <- NULL
  sex <- wide$sex
  age <- 0:4
  beside <- gbtm(values ~ age, groups = 2, order = 1, tcov = ~ w, common = ~ sex, control = few)
  expect_equal(beside$loglik, long$loglik, tolerance = 1e-10)
  expect_true("sex" %in% names(coef(beside)))
})

test_that("each of several outcomes has common effects of its own", {
  need_engine()
  d <- people()
  d$any <- as.numeric(d$y > 1.5)
  both <- suppressWarnings(gbtm(
    list(outcome(y ~ t, order = 1, common = ~ sex + w), outcome(any ~ t, order = 1, family = "logit", common = "sex")),
    d, id = "id", groups = 2, control = few))
  expect_true(all(c("y: sex", "y: w", "any: sex") %in% names(coef(both))))
  expect_true("y: common to all groups" %in% tolower(names(coefficient_sections(summary(both)))))
  by_name <- suppressWarnings(gbtm(list(y ~ t, any ~ t), d, id = "id", groups = 2, order = 1,
                                   family = c("normal", "logit"), common = list(y = ~ sex + w, any = ~ sex),
                                   control = few))
  expect_equal(coef(by_name), coef(both))
})

test_that("Python reads which covariates they are, and the search takes them", {
  need_engine()
  d <- people()
  fit <- fitted_with(d, tcov = w, common = ~ sex + job)
  expect_identical(fit$read_as$asked, list(tcov = "~ w", common = "~ sex + job"))
  found <- suppressWarnings(gbtm_search(y ~ t, d, id = "id", groups = 1:2, order = 1, common = ~ sex + w))
  two <- found$table[found$table$groups == 2, ]
  expect_equal(max(two$loglik), fitted_with(d, common = ~ sex + w)$loglik, tolerance = 1e-8)
})
