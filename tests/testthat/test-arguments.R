# All methods of the package, and its exported functions with dots, by name.
with_dots <- function() {
  space <- asNamespace("gbtm")
  methods <- space$.__NAMESPACE__.$S3methods
  methods <- paste(sub("^.*::", "", methods[, 1]), methods[, 2], sep = ".")
  lazy <- c("linearHypothesis.gbtm", "deltaMethod.gbtm", "augment.gbtm", "tidy.gbtm", "glance.gbtm", "autoplot.gbtm",
            "estfun.gbtm", "bread.gbtm")
  expect_true(all(lazy %in% ls(space)))
  known <- unique(c(methods, lazy, grep("^(tidy|glance|autoplot|knit_print)\\.", ls(space), value = TRUE),
                    getNamespaceExports("gbtm")))
  functions <- Filter(function(name) exists(name, space, mode = "function", inherits = FALSE), known)
  Filter(function(name) "..." %in% names(formals(get(name, space))), functions)
}

# What hands its dots on, to be refused there: generics, and what is no object of ours.
handed_on <- c("blrt", "pool", "cross_validate", "pool.default", "pool.mira", "autoplot", "linearHypothesis",
               "deltaMethod", "estfun", "bread")

test_that("every method refuses an argument that does not exist, before it does anything", {
  names <- setdiff(with_dots(), handed_on)
  expect_gt(length(names), 60)
  for (name in names) {
    called <- get(name, asNamespace("gbtm"))
    error <- expect_error(called(stop("the object was looked at"), qwertyuiop = 1), class = "gbtm_unknown_argument",
                          label = name)
    expect_identical(error$argument, "qwertyuiop", label = name)
  }
})

test_that("dots are empty or checked: none is left that only looks so", {
  # the body of every one of them begins with the check, or hands its dots to a function that has it
  for (name in setdiff(with_dots(), c(handed_on, "gbtm", "gbtm_search"))) {
    first <- paste(deparse(body(get(name, asNamespace("gbtm")))[[2]]), collapse = "")
    expect_match(first, "^check_(fits_in_)?dots\\(", label = name)
  }
})

test_that("the way out is what the argument is called here", {
  fit <- example_fit()
  ways <- function(expr) conditionMessage(expect_error(expr, class = "gbtm_unknown_argument"))
  expect_match(ways(vcov(fit, type = "HC")), "type: no such argument. It is called cov_type here.", fixed = TRUE)
  expect_match(ways(confint(fit, type = "profile")), "It is called method here", fixed = TRUE)
  expect_match(ways(blrt(fit, replications = 20)), "It is called n_max here", fixed = TRUE)
  expect_match(ways(blrt(fit, cores = 2)), "It is called n_jobs here", fixed = TRUE)
  expect_match(ways(predict(fit, new_data = 1)), "It is called newdata here", fixed = TRUE)
  expect_match(ways(plot(fit, color = "red")), "It is called colours here", fixed = TRUE)
  expect_match(ways(simulate(fit, nsims = 2)), "It is called nsim here", fixed = TRUE)
  expect_match(ways(coef(fit, 3)), "3: an argument without a name", fixed = TRUE)
  expect_match(ways(nobs(fit, zzz = 3)), "zzz: no such argument. There is: use.fallback.", fixed = TRUE)
  expect_match(ways(BIC(fit, k = 3)), "There is: n", fixed = TRUE)
  expect_match(ways(anova(fit, fit, tst = "Chisq")), "It is called test here", fixed = TRUE)
  skip_if_not_installed("generics")
  expect_match(ways(generics::tidy(fit, conf_level = 0.9)), "It is called conf.level here", fixed = TRUE)
})

test_that("what other packages give to any fit is taken", {
  fit <- example_fit()
  expect_identical(vcov(fit, complete = TRUE), vcov(fit))
  expect_identical(coef(fit, complete = FALSE), coef(fit))
  expect_identical(nobs(fit, use.fallback = TRUE), nobs(fit))
  skip_if_not_installed("generics")
  expect_no_error(generics::tidy(fit, conf.int = TRUE, conf.level = 0.9, exponentiate = FALSE))
})
