# The cases of tests/shared, which Python's tests read too. All of this runs without Python.

shared_path <- function(...) test_path("..", "shared", ...)

shared_fits <- function() sub("\\.json$", "", list.files(shared_path("fits"), "\\.json$"))

shared_fit <- function(name) read_gbtm(shared_path("fits", paste0(name, ".json")))

shared_cases <- function(name) {
  jsonlite::fromJSON(shared_path("cases", paste0(name, ".json")), simplifyDataFrame = FALSE)
}

joint <- function(test) {
  list(statistic = test$statistic[[1]], df = test$parameter[[1]], p = test$p.value)
}

computed <- list(
  estimates = function(fit, level) {
    table <- summary(fit)$coefficients
    ends <- confint(fit, level = level)
    list(estimate = coef(fit), se = table[, 2], z = table[, 3], p = table[, 4], lower = ends[, 1], upper = ends[, 2])
  },
  # R has these of the criteria; the others are columns of a search, which the engine computes
  criteria = function(fit) {
    list(loglik = as.numeric(logLik(fit)), parameters = attr(logLik(fit), "df"), aic = stats::AIC(fit),
         bic_subjects = BIC(fit), bic_observations = BIC(fit, n = "observations"), entropy = summary(fit)$entropy)
  },
  group_shares = function(fit) group_shares(fit),
  observed_means = function(fit) gbtm:::observed_means(fit),
  drawn_means = function(fit) gbtm:::binned_means(fit),
  drawn_lines = function(fit, most) {
    lines <- gbtm:::own_lines(fit, most)
    lines[order(lines$group, lines$subject, lines$time), ]
  },
  adequacy = function(fit) adequacy(fit),
  fitted = function(fit) list(fitted = fitted(fit)),
  curve = function(fit, level, times = NULL, tcov = NULL) predict(fit, times = times, level = level, tcov = tcov),
  equal_curves = function(fit, groups = NULL, include_intercept = TRUE) {
    joint(equal_curves(fit, groups, include_intercept))
  },
  odds_ratios = function(fit, level) {
    table <- suppressWarnings(odds_ratios(fit, level))
    c(table, reference = attr(table, "reference"))
  },
  wald = function(fit, hypotheses = NULL, matrix = NULL, value = NULL, df = NULL, f = FALSE) {
    what <- if (is.null(matrix)) unlist(hypotheses) else matrix
    joint(if (f) wald_test(fit, what, value, test = "F", df = df) else wald_test(fit, what, value, df = df))
  },
  wald_nonlinear = function(fit, `function`, value = 0, df = NULL) {
    joint(wald_test_nonlinear(fit, `function`, value, df = df))
  },
  delta = function(fit, `function`, level) delta_method(fit, `function`, level),
  posterior = function(fit, newdata) predict(fit, newdata = as.data.frame(newdata), type = "posterior"),
  likelihood_ratio = function(fit, smaller) {
    table <- anova(shared_fit(smaller), fit)
    list(statistic = table$Chisq[2], df = table$Df[2], p = table[["Pr(>Chisq)"]][2])
  }
)

compute <- function(fit, case) do.call(computed[[case$what]], c(list(fit), case$arguments))

described <- function(case) substr(paste(case$what, jsonlite::toJSON(case$arguments, auto_unbox = TRUE)), 1, 200)

# The names whose numbers are not the same to ten digits; a number that there is not is NA in both.
differences <- function(found, expected) {
  wrong <- vapply(names(expected), function(name) {
    ours <- as.double(unlist(found[[name]], use.names = FALSE))
    theirs <- if (is.null(expected[[name]])) NA_real_ else as.double(expected[[name]])
    rounding <- if (name == "mismatch") 1e-15 else 0 # a difference of two shares
    length(ours) != length(theirs) || any(is.na(ours) != is.na(theirs)) ||
      any(abs(ours - theirs) > 1e-10 * abs(theirs) + rounding, na.rm = TRUE)
  }, TRUE)
  names(expected)[wrong]
}

test_that("the numbers are those of the formulas", {
  for (name in shared_fits()) {
    fit <- shared_fit(name)
    for (case in Filter(function(case) !is.null(case$expected), shared_cases(name))) {
      found <- compute(fit, case)
      expected <- if (case$what == "criteria") case$expected[names(found)] else case$expected
      expect_identical(differences(found, expected), character(), info = paste(name, described(case)))
    }
  }
})

test_that("what is refused has the code that it has in Python", {
  for (name in shared_fits()) {
    fit <- shared_fit(name)
    for (case in Filter(function(case) !is.null(case$code), shared_cases(name))) {
      code <- tryCatch({
        compute(fit, case)
        "no error"
      }, gbtm_error = function(e) e$code)
      expect_identical(code, case$code, info = paste(name, described(case)))
    }
  }
})

test_that("every fit has its cases, and every kind of case is computed here", {
  expect_gt(length(shared_fits()), 0)
  expect_identical(sub("\\.json$", "", list.files(shared_path("cases"), "\\.json$")), shared_fits())
  kinds <- unique(unlist(lapply(shared_fits(), function(name) vapply(shared_cases(name), `[[`, "", "what"))))
  expect_setequal(kinds, names(computed))
})
