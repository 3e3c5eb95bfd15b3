# Balance against R's own means, variances and ks.test().

matched_people <- function() {
  once("matched people", function() {
    set.seed(4)
    n <- 240
    m <- data.frame(group = rep(c(2, 10), c(140, 100)), x = stats::rnorm(n), z = stats::rbinom(n, 1, 0.4) == 1)
    m$gang <- stats::rbinom(n, 1, stats::plogis(m$x - 0.5))
    m$w <- ifelse(m$gang == 1, 1, stats::runif(n))
    m$place <- "town"
    m
  })
}

test_that("without weights numbers are R's own", {
  need_engine()
  m <- matched_people()
  b <- balance_table(m, "gang", c("x", "z"))
  expect_s3_class(b, "gbtm_balance")
  expect_identical(b$group, rep(c("2", "10", "all"), each = 2))
  for (g in c("2", "10", "all")) {
    here <- if (g == "all") m else m[m$group == as.numeric(g), ]
    one <- here$x[here$gang == 1]
    other <- here$x[here$gang == 0]
    row <- b[b$group == g & b$covariate == "x", ]
    expect_equal(row$smd, (mean(one) - mean(other)) / sd(one), tolerance = 1e-12)
    expect_equal(row$variance_ratio, var(one) / var(other), tolerance = 1e-12)
    expect_equal(row$ks, unname(ks.test(one, other)$statistic), tolerance = 1e-12)
    expect_identical(c(row$n_treated, row$n_control), c(length(one), length(other)))
    for (name in c("smd", "variance_ratio", "ks")) expect_equal(row[[paste0(name, "_before")]], row[[name]])
  }
  expect_identical(b$balanced, abs(b$smd) <= 0.1)
})

test_that("weights count, and what was before them stands beside", {
  need_engine()
  m <- matched_people()
  b <- balance_table(m, "gang", weights = "w")
  plain <- balance_table(m, "gang", c("x", "z"))
  expect_identical(unique(b$covariate), c("x", "z"))
  for (name in c("smd", "variance_ratio", "ks")) expect_equal(b[[paste0(name, "_before")]], plain[[name]])
  other <- m[m$gang == 0, ]
  one <- m$x[m$gang == 1]
  row <- b[b$group == "all" & b$covariate == "x", ]
  weighted <- cov.wt(cbind(other$x), other$w, method = "unbiased")
  expect_equal(row$smd, (mean(one) - weighted$center) / sd(one), tolerance = 1e-12)
  expect_equal(row$variance_ratio, var(one) / weighted$cov[1], tolerance = 1e-12)
  expect_equal(row$ess_control, sum(other$w)^2 / sum(other$w^2), tolerance = 1e-12)
  at <- sort(m$x)
  steps <- vapply(at, function(v) mean(one <= v) - sum(other$w[other$x <= v]) / sum(other$w), 0)
  expect_equal(row$ks, max(abs(steps)), tolerance = 1e-12)
  expect_output(print(b), "Group 10: .*weighted by w|weighted by w")
  expect_output(print(b), "Not looked at, as they are no numbers: place.", fixed = TRUE)
  expect_output(print(b[c("covariate", "smd")]), "smd")
})

test_that("groups in which there is nobody to compare are said", {
  need_engine()
  m <- matched_people()
  m$gang[m$group == 2] <- 0
  m$group <- factor(m$group, c("10", "2"))
  expect_warning(b <- balance_table(m, "gang", "x"), "in group 2 nobody is treated", class = "gbtm_nobody_to_compare")
  expect_identical(b$group, c("10", "2", "all"))
  expect_true(is.na(b$smd[2]))
  expect_output(print(b), "Group 2: 0 treated, 140 not\nNobody to compare")
  expect_identical(balance_table(m, "gang", "x", by = NULL)$group, "all")
})

test_that("ids are no covariates, and what is no column is refused", {
  need_engine()
  m <- matched_people()
  m <- cbind(id = seq_len(nrow(m)) + 100, m)
  row.names(m) <- m$id
  expect_identical(unique(balance_table(m[m$id > 105, ], "gang")$covariate), c("x", "z", "w"))
  expect_error(balance_table(m, "x"), class = "gbtm_bad_treatment")
  expect_error(balance_table(m, "gang", weights = m$w), "frame\\$w", class = "gbtm_bad_weights")
  expect_error(balance_table(transform(m, w = -w), "gang", "x", weights = "w"), class = "gbtm_bad_weights")
  expect_error(balance_table(m, "gang", "place"), class = "gbtm_not_numeric")
  expect_error(balance_table(m, "gang", "nosuch"), class = "gbtm_unknown_column")
  expect_error(balance_table(m, "gang", by = "nosuch"), class = "gbtm_unknown_column")
  expect_error(balance_table(m["gang"], "gang", by = NULL), class = "gbtm_no_covariates")
  expect_error(balance_table(1, "gang"), "frame: ", class = "gbtm_bad_data")
})
