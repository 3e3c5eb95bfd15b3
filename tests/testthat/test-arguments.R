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
               "deltaMethod", "estfun", "bread", "ranef", "update.gbtm", "odds_ratios", "odds_ratios.default",
               "compare", "compare.default",
               "[[.gbtm_several", "[[.gbtm_dual") # fields by name, with what base R gives them (exact)

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
  for (name in setdiff(with_dots(), c(handed_on, "gbtm", "gbtm_search", "outcome"))) {
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

# Exported functions and methods that take two arguments or more, by name.
with_arguments <- function() {
  space <- asNamespace("gbtm")
  functions <- union(with_dots(), Filter(function(name) is.function(get0(name, space, inherits = FALSE)),
                                         getNamespaceExports("gbtm")))
  Filter(function(name) length(setdiff(names(formals(get(name, space))), "...")) > 1, setdiff(functions, handed_on))
}

test_that("the beginning of a name is no name, and the whole one is the way out", {
  # R would take it for the argument: gbtm(t = "age") for tcov
  names <- with_arguments()
  expect_gt(length(names), 60)
  for (name in names) {
    called <- get(name, asNamespace("gbtm"))
    own <- names(formals(called))
    before <- own[seq_len(match("...", c(own, "..."), nomatch = 1) - 1)]
    long <- setdiff(before[nchar(before) > 2], before[1])
    if (!length(long)) next
    short <- substr(long[1], 1, nchar(long[1]) - 1)
    if (sum(startsWith(before, short)) > 1) next # R itself refuses what fits several
    error <- expect_error(do.call(called, c(list(quote(stop("the object was looked at"))),
                                            stats::setNames(list(1), short))),
                          class = "gbtm_unknown_argument", label = name)
    expect_identical(error$argument, short, label = name)
    expect_match(conditionMessage(error), sprintf("Write %s in full", long[1]), fixed = TRUE, label = name)
  }
  expect_error(gbtm(y ~ t, t = "age"), "t: no such argument.*Write tcov in full", class = "gbtm_unknown_argument")
  fit <- example_fit()
  # through a generic, and where the name stands in the dots of what calls
  expect_error(predict(fit, tim = 12), "Write times in full", class = "gbtm_unknown_argument")
  expect_error(lapply(list(fit), predict, tim = 12), "Write times in full", class = "gbtm_unknown_argument")
  expect_identical(lapply(list(fit), predict, times = 12)[[1]], predict(fit, times = 12))
  expect_error(update(structure(list(call = quote(gbtm(y ~ t))), class = "gbtm"), gro = 3), "Write groups in full")
})
