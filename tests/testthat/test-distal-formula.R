asked <- function(formula, data, further = NULL) {
  distal_columns(formula, data, rep(TRUE, nrow(data)), further, NULL)
}

people <- data.frame(
  id = 1:6, y = c(0, 1, 1, 0, 1, NA), v = c(1, 2, 3, 4, 5, 6), `my x` = 6:1, t1 = 1:6, t2 = 2:7,
  status = c(1, 2, 1, 2, 2, 1), sex = factor(c("m", "f", "f", "m", "f", "x")), check.names = FALSE
)

test_that("what stands beside the group is its own, the rest common, in R's coding", {
  read <- asked(y ~ group * sex + log(v), people)
  expect_identical(read$text, "`y` ~ group + group:`sexm` + `log(v)`")
  expect_identical(read$columns$sexm, c(1, 0, 0, 1, 0, NA)) # the level x is seen of nobody who has the outcome
  expect_identical(read$columns[["log(v)"]], c(log(1:5), NA))
  expect_identical(read$terms, list(sex = "sexm"))
  expect_identical(asked(y ~ factor(group) + `my x`, people)$text, "`y` ~ group + `my x`")
  expect_identical(asked(y ~ group + v:group:sex, people)$terms, list(`v:sex` = c("v:sexf", "v:sexm")))
  expect_identical(asked(y ~ group + sex:group + sex, people)$text, asked(y ~ sex * group, people)$text)
  expect_identical(asked(y ~ group, people)$text, "`y` ~ group")
  expect_identical(ncol(as.data.frame(asked(y ~ group + poly(v, 2), people)$columns)), 3L)
})

test_that("Surv() is read as survival reads it", {
  expect_identical(asked(Surv(t1, status) ~ group, people)$columns$status, c(0, 1, 0, 1, 1, 0))
  expect_identical(asked(survival::Surv(t1, t2, status == 2) ~ group, people)$text,
                   "Surv(`t1`, `t2`, `status == 2`) ~ group")
  expect_identical(asked(Surv(event = y, time = t2) ~ group, people)$text, "Surv(`t2`, `y`) ~ group")
  expect_identical(asked(Surv(pmin(t1, 3), y) ~ group, people)$text, "Surv(`pmin(t1; 3)`, `y`) ~ group")
  expect_error(asked(Surv(t1) ~ group, people), "takes a time and an event", class = "gbtm_bad_formula")
  expect_error(asked(Surv(t1, y, type = "left") ~ group, people), class = "gbtm_bad_formula")
  expect_error(asked(Surv(t1, sex) ~ group, people), "not a factor", class = "gbtm_bad_outcome")
  skip_if_not_installed("survival")
  theirs <- survival::Surv(people$t1, people$status)
  expect_equal(asked(Surv(t1, status) ~ group, people)$columns$status, unname(theirs[, "status"]))
})

test_that("what cannot be read is refused by name", {
  expect_error(asked("y ~ group", people), class = "gbtm_bad_formula")
  expect_error(asked(~group, people), class = "gbtm_bad_formula")
  expect_error(asked(y ~ v, people), "no group on its right", class = "gbtm_no_group")
  expect_error(asked(nosuch ~ group, people), class = "gbtm_unknown_column")
  expect_error(asked(log(nosuch) ~ group, people), class = "gbtm_unknown_column")
  expect_error(asked(y ~ group + nosuch, people), class = "gbtm_bad_formula")
  expect_error(asked(y ~ group + offset(v), people), "exposure = \"column\"", class = "gbtm_bad_formula")
  expect_error(asked(cbind(y, v) ~ group, people), class = "gbtm_bad_formula")
  expect_error(asked(y ~ group + v, transform(people, v = NA_real_)), "nobody has all of y, v", class = "gbtm_nobody")
})
