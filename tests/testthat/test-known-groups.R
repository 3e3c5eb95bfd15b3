# People whose group is known: as in Python, and the same words without it.

made <- function(n = 90, seed = 1) {
  set.seed(seed)
  group <- rep(1:3, c(0.5, 0.3, 0.2) * n)
  t <- rep((0:5) / 5, n)
  who <- rep(seq_len(n), each = 6)
  y <- c(2, 1, 0)[group][who] + c(-0.5, 0.5, 1)[group][who] * t + c(0.8, 1, 1.2)[group][who] * rnorm(length(who))
  d <- data.frame(id = who, t = t, y = y, true = group[who])
  d$told <- ifelse(who %% 3 == 0, d$true, NA)
  d
}

fitted_to <- function(d, ...) gbtm(y ~ t, d, id = "id", groups = 3, order = 1, sigma_by_group = TRUE, ...)

# Without the known groups the data determine little, as a warning says.
plain_fit <- function(d) suppressWarnings(fitted_to(d))

test_that("with all known the fit is a regression in each group, and the shares are counts", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "true")
  for (k in 1:3) {
    line <- lm(y ~ t, d[d$true == k, ])
    expect_equal(unname(coef(fit)[sprintf(c("intercept[%d]", "t[%d]"), k)]), unname(coef(line)), tolerance = 1e-7)
    sigma <- sqrt(mean(residuals(line)^2))
    expect_equal(coef(fit)[[sprintf("sigma[%d]", k)]], sigma, tolerance = 1e-7)
  }
  expect_equal(group_shares(fit)$share, c(0.5, 0.3, 0.2), tolerance = 1e-8)
  lines <- vapply(1:3, function(k) as.numeric(logLik(lm(y ~ t, d[d$true == k, ]))), 1)
  expect_equal(as.numeric(logLik(fit)), sum(lines) + sum(90 * c(0.5, 0.3, 0.2) * log(c(0.5, 0.3, 0.2))))
})

test_that("known people stay in their groups, however the column is given", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "told")
  told <- d$told[match(fit$ids, d$id)]
  expect_equal(assignment(fit)[!is.na(told)], told[!is.na(told)], ignore_attr = TRUE)
  expect_equal(apply(fit$posterior, 1, max)[!is.na(told)], rep(1, sum(!is.na(told))))
  for (k in 1:3) d[[paste0("m", k)]] <- ifelse(is.na(d$told), 1, as.numeric(d$told == k))
  others <- list(fitted_to(d, known = told), fitted_to(d, known = ~ told), fitted_to(d, known = c("m1", "m2", "m3")),
                 fitted_to(d, known = ~ m1 + m2 + m3))
  for (other in others) {
    expect_equal(coef(other), coef(fit), tolerance = 1e-6)
    expect_equal(logLik(other), logLik(fit), tolerance = 1e-8)
  }
  expect_equal(coef(suppressWarnings(update(fit, known = NULL))), coef(plain_fit(d)))
  expect_output(print(fit), "The group of 30 of 90 subjects is known: 15 in group 1, 9 in group 2, 6 in")
  expect_output(print(summary(fit)), "The group of 30 of 90 subjects is known")
})

test_that("what cannot be known is refused, naming the people", {
  need_engine()
  d <- made()
  d$told[d$id == 6] <- 4
  expect_error(fitted_to(d, known = "told"), "a group that is none of the 3 of the model \\(id 6: 4\\)",
               class = "gbtm_bad_known")
  d <- made()
  d$told[1:2] <- c(1, 2)
  expect_error(fitted_to(d, known = "told"), "differs between the rows", class = "gbtm_not_constant")
  expect_s3_class(fitted_to(made(), known = "told", na.action = na.fail), "gbtm")
})

test_that("files keep what is known, and say how the column was read", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "told")
  path <- withr::local_tempfile(fileext = ".json")
  write_gbtm(fit, path)
  again <- read_gbtm(path)
  expect_identical(again$known_groups, fit$known_groups)
  expect_identical(known_accuracy(again, folds = 2, n_starts = 0)$by_subject,
                   known_accuracy(fit, folds = 2, n_starts = 0)$by_subject)
  plain <- plain_fit(d)
  expect_null(plain$known_groups)
  expect_false("known" %in% names(plain$read_as$design))
  expect_identical(fit$read_as$design$known, "told")
})

test_that("adequacy says on whom it is computed, as in Python", {
  need_engine()
  fit <- fitted_to(made(), known = "told")
  notes <- attr(adequacy(fit), "notes")
  expect_match(tail(notes, 1), "of all 90 subjects, also of the 30 whose group is known")
  answer <- gbtm:::fitted_answer("adequacy", gbtm:::document_text(fit))
  expect_identical(notes, unlist(answer$notes))
  all <- fitted_to(made(), known = "true")
  expect_match(tail(attr(adequacy(all), "notes"), 1), "they say nothing of how well")
})

test_that("hidden groups are found or not", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "told")
  found <- known_accuracy(fit, folds = 3)
  expect_equal(found$n, 30)
  expect_equal(found$by_subject$id, which(seq_len(90) %% 3 == 0))
  expect_equal(found$by_subject$known, d$true[match(found$by_subject$id, d$id)])
  expect_equal(found$accuracy, mean(found$by_subject$known == found$by_subject$found))
  expect_equal(found$se, sqrt(found$accuracy * (1 - found$accuracy) / 30))
  expect_equal(sum(diag(found$table)) / sum(found$table), found$accuracy)
  expect_equal(found$by_group$n, c(15, 9, 6))
  expect_output(print(found), "Held-out accuracy: of 30 people")
  expect_identical(known_accuracy(fit, folds = 3)$by_subject, found$by_subject)
  expect_error(known_accuracy(plain_fit(d)), class = "gbtm_no_known")
})

test_that("fits in which other people are known are not compared, and searches try numbers alone", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "told")
  small <- suppressWarnings(gbtm(y ~ t, d, id = "id", groups = 3, order = 0, sigma_by_group = TRUE))
  expect_error(anova(fit, small), "the group of other people is known", class = "gbtm_other_data")
  d$two <- ifelse(d$told == 3, NA, d$told)
  found <- gbtm_search(y ~ t, d, id = "id", groups = 2:3, order = 1, how = "groups", known = "two",
                       control = gbtm_control(n_starts = 4))
  expect_equal(nrow(found$table), 2)
  one <- found$fits[["2: 1 1"]]
  expect_false(is.null(one$known_groups))
  path <- withr::local_tempfile(fileext = ".json")
  write_search(found, path)
  expect_equal(read_search(path)$fits[[1]]$known_groups, found$fits[[1]]$known_groups)
  expect_error(gbtm_search(y ~ t, d, id = "id", groups = 3, order = 1, how = "groups", known = "two"),
               class = "gbtm_bad_groups")
  expect_error(gbtm_search(y ~ t, d, id = "id", groups = 2:3, order = 1, known = "two"), class = "gbtm_no_known_here")
})

test_that("wide tables and matrices know people too", {
  need_engine()
  d <- made()
  fit <- fitted_to(d, known = "told")
  Y <- matrix(d$y, 90, byrow = TRUE) # nolint: object_name_linter.
  told <- d$told[!duplicated(d$id)]
  other <- gbtm(Y ~ c((0:5) / 5), groups = 3, order = 1, sigma_by_group = TRUE, known = ~ told)
  expect_equal(unname(coef(other)), unname(coef(fit)), tolerance = 1e-6)
})

test_that("several outcomes share groups of which some are known", {
  need_engine()
  d <- made()
  set.seed(2)
  d$z <- 0.7 * d$true + rnorm(nrow(d))
  fit <- gbtm(list(y ~ t, z ~ t), d, id = "id", groups = 3, order = 1, known = "told",
              control = gbtm_control(n_starts = 8))
  told <- d$told[match(fit$ids, d$id)]
  expect_equal(assignment(fit)[!is.na(told)], told[!is.na(told)], ignore_attr = TRUE)
  expect_equal(apply(of_outcome(fit, "z")$posterior, 1, max)[!is.na(told)], rep(1, sum(!is.na(told))))
  expect_output(print(fit), "The group of 30 of 90 subjects is known")
})

test_that("three-step methods take known people as assigned without error", {
  need_engine()
  d <- made()
  set.seed(2)
  people <- data.frame(id = seq_len(90), o = rnorm(90, rep(c(0, 1, 2), c(45, 27, 18))), z = rnorm(90))
  group <- rep(1:3, c(45, 27, 18))
  all <- fitted_to(d, known = "true")
  for (method in c("bch", "ml", "two-step")) {
    out <- suppressWarnings(distal(all, o ~ group, people, method = method))
    expect_equal(out$groups$mean, as.vector(tapply(people$o, group, mean)), tolerance = 1e-7)
    theta <- suppressWarnings(predictors(all, ~ z, people, method = method))
    logit <- glm(factor(group[group < 3]) ~ z, binomial, people[group < 3, ])
    pair <- gbtm(y ~ t, d[d$true < 3, ], id = "id", groups = 2, order = 1, known = "true")
    two <- suppressWarnings(predictors(pair, ~ z, people, method = method))
    expect_equal(unname(coef(two)), unname(coef(logit)), tolerance = 1e-6)
    expect_length(coef(theta), 4)
  }
  half <- fitted_to(d, known = "told")
  error <- classification_error(half)
  expect_identical(error$n_known, 30L)
  expect_output(print(error), "Of those whose group is not known: that of 30 people is")
  known <- half$ids %in% d$id[!is.na(d$told)]
  p <- half$posterior[!known, ]
  a <- diag(3)[max.col(p), ]
  expect_equal(unname(error$table), unname(crossprod(p, a) / colSums(p)), tolerance = 1e-9)
  weights <- bch_weights(half)
  expect_equal(unname(weights[known, ]), diag(3)[d$true[match(half$ids[known], d$id)], ])
  expect_equal(unname(weights[!known, ]), unname(a %*% error$inverse), tolerance = 1e-8)
  expect_match(suppressWarnings(distal(half, o ~ group, people))$notes, "The group of 30 of these people is known",
               all = FALSE)
})

# Two outcomes whose groups hang together.
pairs_made <- function(n = 90) {
  d <- made(n)
  set.seed(4)
  low <- rep(c(0.8, 0.4, 0.2), c(0.5, 0.3, 0.2) * n)
  d$true2 <- ifelse(runif(n) < low, 1, 2)[d$id]
  d$z <- c(1.5, 0)[d$true2] + rnorm(nrow(d), sd = 0.8)
  d$told2 <- ifelse(d$id %% 4 == 0, d$true2, NA)
  d
}

dual_fit <- function(d, ...) {
  suppressWarnings(gbtm(list(y ~ t, z ~ t), d, id = "id", groups = c(3, 2), order = 1, ...,
                        control = gbtm_control(n_starts = 2)))
}

test_that("of a dual model the groups of either outcome may be known", {
  need_engine()
  d <- pairs_made()
  all <- dual_fit(d, known = list("true", "true2"))
  for (k in 1:2) {
    line <- lm(z ~ t, d[d$true2 == k, ])
    expect_equal(unname(coef(all)[sprintf(c("z: intercept[%d]", "z: t[%d]"), k)]), unname(coef(line)), tolerance = 1e-6)
  }
  first <- !duplicated(d$id)
  expect_equal(as.vector(all$dual$shares), as.vector(t(table(d$true[first], d$true2[first]))) / 90, tolerance = 1e-7)
  half <- dual_fit(d, known = list("told", "told2"))
  others <- list(dual_fit(d, known = list(y = "told", z = "told2")), dual_fit(d, known = c("told", "told2")),
                 dual_fit(d, known = list(~told, ~told2)), dual_fit(d, known = list(z = ~told2, y = ~told)))
  for (other in others) {
    expect_equal(coef(other), coef(half), tolerance = 1e-6)
    expect_equal(logLik(other), logLik(half), tolerance = 1e-9)
  }
  expect_output(print(half), "y: The group of 30 of 90 subjects is known: .* z: The group of 22 of 90 subjects is")
  told <- !is.na(d$told2[match(half$ids, d$id)])
  part <- of_outcome(half, "z")
  expect_equal(part$posterior[told, ], diag(2)[d$true2[match(half$ids[told], d$id)], ], ignore_attr = TRUE)
  expect_match(attr(adequacy(part), "notes"), "also of the 22 whose group is known", all = FALSE)
  one <- dual_fit(d, known = list(z = "told2"))
  expect_null(one$known_groups)
  expect_equal(dim(one$known_groups2), c(90, 1))
  expect_false(isTRUE(all.equal(logLik(one), logLik(half))))
  expect_identical(of_outcome(one, "z")$read_as$design$known2, "told2")
  path <- withr::local_tempfile(fileext = ".json")
  write_gbtm(half, path)
  again <- read_gbtm(path)
  expect_identical(again$known_groups2, half$known_groups2)
  expect_error(anova(dual_fit(d, known = list("told", "told2"), constraints = "y: t[1] = y: t[2]"), one),
               class = "gbtm_other_data")
  found <- known_accuracy(again, folds = 2, n_starts = 0, groups_of = "z")
  expect_match(found$sentence, "^Held-out accuracy of the groups of z: of 22 people")
  expect_equal(dim(found$table), c(2, 2))
  expect_error(known_accuracy(half), class = "gbtm_two_group_sets")
  expect_error(known_accuracy(fitted_to(d, known = "told"), groups_of = "y"), class = "gbtm_one_group_set")
  set.seed(5)
  people <- data.frame(id = 1:90, o = rnorm(90))
  out <- suppressWarnings(distal(all, o ~ group, people, groups_of = "z", method = "ml"))
  expect_equal(out$groups$mean, as.vector(tapply(people$o, d$true2[first], mean)), tolerance = 1e-7)
  expect_identical(classification_error(half, groups_of = "z")$n_known, 22L)
})

test_that("whose groups are known is said clearly", {
  need_engine()
  d <- pairs_made()
  error <- expect_error(dual_fit(d, known = "told"), "each of the two outcomes has groups", class = "gbtm_bad_known")
  expect_match(error$way_out, "known = list(y = \"told\"), or known = list(\"told\", NULL)", fixed = TRUE)
  expect_error(dual_fit(d, known = list("told")), class = "gbtm_bad_known")
  expect_error(dual_fit(d, known = list(q = "told")), class = "gbtm_unknown_outcome")
  expect_error(fitted_to(d, known = list("told", NULL)), "the outcomes share their groups", class = "gbtm_bad_known")
  expect_error(dual_fit(d, known = list(told, told2)), "no object here", class = "gbtm_bad_formula")
  expect_error(gbtm_search(list(y ~ t, z ~ t), d, id = "id", groups = list(2:3, 2), known = list("told", "told2")),
               class = "gbtm_no_known_here")
})
