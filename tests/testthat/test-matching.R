# Tables for matching within groups: Python's digits, R's types, people by id.

# People of the example's fit, in another order than the fit's.
people_of_example <- function(fit) {
  set.seed(1)
  ids <- unique(fit$ids)
  d <- data.frame(id = ids, x = stats::rnorm(length(ids)), count = seq_along(ids) * 2L,
                  gang = as.numeric(seq_along(ids) %% 3 == 0))
  d$place <- factor(c("town", "land")[1 + seq_along(ids) %% 2], levels = c("town", "land"))
  d$name <- paste0("p", ids)
  d$born <- as.Date("2000-01-01") + seq_along(ids)
  d$tall <- d$x > 0
  d[rev(seq_along(ids)), ]
}

test_that("a row a person has Python's digits and R's types", {
  need_engine()
  fit <- example_fit()
  people <- people_of_example(fit)
  m <- matching_frame(fit, people, "gang")
  expect_identical(m$id, fit$ids)
  expect_identical(row.names(m), as.character(fit$ids))
  expect_identical(m$group, unname(assignment(fit)))
  expect_identical(unname(as.matrix(m[paste0("prob_", 1:3)])), unname(fit$posterior))
  mine <- people[match(m$id, people$id), ]
  for (name in setdiff(names(people), "id")) expect_identical(m[[name]], mine[[name]], label = name)
  earlier <- example_data()
  expect_identical(m[["offenses@12"]], as.numeric(earlier$offenses[earlier$age == 12])[match(
    m$id, earlier$id[earlier$age == 12])])
  file <- tempfile(fileext = ".csv")
  utils::write.csv(people[c("id", "gang")], file, row.names = FALSE)
  saved <- tempfile(fileext = ".json")
  write_gbtm(fit, saved)
  lines <- run_python(c(
    "import gbtm, pandas as pd", sprintf("res = gbtm.load(%s)", deparse(saved)),
    sprintf("m = res.matching_frame(pd.read_csv(%s), 'gang')", deparse(file)),
    "print(*m.columns)", "print(*('%.17g' % v for v in m.fillna(-1).to_numpy().ravel(order='F')))"
  ))
  theirs <- strsplit(lines, " ")
  expect_identical(c(names(m)[2:13], "gang"), theirs[[1]])
  ours <- unlist(m[2:13], use.names = FALSE)
  expect_identical(ifelse(is.na(ours), -1, ours), as.numeric(theirs[[2]])[seq_along(ours)])
})

test_that("who has no treatment is left out, and what is no table for it is refused", {
  need_engine()
  fit <- example_fit()
  people <- people_of_example(fit)
  some <- people
  some$gang[c(2, 5)] <- NA
  expect_warning(m <- matching_frame(fit, some[-1, ], "gang"), "3 people of the fit have no value",
                 class = "gbtm_left_out")
  expect_identical(nrow(m), nrow(people) - 3L)
  expect_identical(matching_frame(fit, transform(people, gang = gang == 1), "gang")$gang,
                   matching_frame(fit, people, "gang")$gang)
  expect_error(matching_frame(fit, transform(people, gang = gang + 1), "gang"), class = "gbtm_bad_treatment")
  expect_error(matching_frame(fit, transform(people, group = 1), "gang"), "'group'", class = "gbtm_taken_name")
  expect_error(matching_frame(fit, people, "place"), class = "gbtm_not_numeric")
  expect_error(matching_frame(fit, people, "nosuch"), class = "gbtm_unknown_column")
  expect_error(matching_frame(fit, people, 4), class = "gbtm_bad_treatment")
  expect_error(matching_frame(fit, people[-1], "gang"), class = "gbtm_unknown_column")
  expect_error(matching_frame(fit, transform(people, id = paste(id)), "gang"), class = "gbtm_no_id_matches")
  expect_error(matching_frame(fit, rbind(people, transform(people, x = x + 1)), "gang"), class = "gbtm_not_constant")
  expect_error(matching_frame(fit, 3, "gang"), "people: ", class = "gbtm_bad_data")
  several <- people
  several$m <- matrix(0, nrow(people), 2)
  expect_error(matching_frame(fit, several, "gang"), class = "gbtm_bad_column")
})

test_that("of a dual model an outcome's own groups are meant", {
  need_engine()
  fit <- example_dual()
  ids <- unique(fit$ids)
  people <- data.frame(pid = ids, gang = seq_along(ids) %% 2)
  expect_error(matching_frame(fit, people, "gang", id = "pid"), "of_outcome\\(fit, \"aggression\"\\)",
               class = "gbtm_two_group_sets")
  own <- of_outcome(fit, "offenses")
  m <- matching_frame(own, people, "gang", id = "pid")
  expect_identical(m$group, unname(assignment(own)))
  expect_identical(names(m)[1], "pid")
})

test_that("rows before an event stay as they are", {
  need_engine()
  d <- data.frame(id = factor(rep(c("a", "b", "c", "d"), each = 3)), age = rep(11:13, 4), y = seq_len(12) / 7,
                  joined = rep(c(13, 11, NA, 12), each = 3))
  history <- function(...) {
    expect_warning(out <- untreated_history(d, "joined", "age", "id", ...), "people had it too early",
                   class = "gbtm_left_out")
    out
  }
  # by hand: b had it by his first wave; with start = 12 he had it before, and d at 12 has not
  expect_identical(history(), d[d$id != "b" & (is.na(d$joined) | d$age < d$joined), ])
  expect_identical(history(start = 12), d[d$id != "b" & d$age < 12, ])
  expect_error(untreated_history(d, "joined", "age", "id", start = 1), class = "gbtm_nobody")
  expect_error(untreated_history(transform(d, joined = age), "joined", "age", "id"), class = "gbtm_not_constant")
  expect_error(untreated_history(d, "nosuch", "age", "id"), class = "gbtm_unknown_column")
  expect_error(untreated_history(d, "joined", "age", "id", start = "12"), class = "gbtm_bad_start")
  expect_error(untreated_history(transform(d, age = as.Date("2020-01-01") + age), "joined", "age", "id"),
               class = "gbtm_not_numeric")
})

test_that("the worked example comes to the known effect, with and without MatchIt", {
  need_engine()
  file <- test_path("..", "..", "examples", "causal.R")
  skip_if_not(file.exists(file), "no examples beside the tests")
  example <- new.env()
  sys.source(file, example)
  example$requireNamespace <- function(...) FALSE
  data <- example$simulated(700)
  m <- suppressWarnings(example$matching_table(data))
  m$w <- example$weights_of(m)
  expect_message(expect_null(example$matched(m)), "MatchIt is not installed.*Weights are used alone")
  b <- balance_table(m, "gang", example$known_before(m), weights = "w")
  all <- b[b$group == "all", ]
  expect_true(all(all$balanced) && max(abs(all$smd_before)) > 0.5)
  holds <- function(way) way[["lower"]] < 1 && way[["upper"]] > 1
  expect_true(holds(example$effect_of(later ~ gang + factor(group), m, m$w)))
  expect_false(holds(example$effect_of(later ~ gang, m)))
  skip_if_not_installed("MatchIt")
  example$requireNamespace <- base::requireNamespace
  m$pairs <- example$matched(m)
  kept <- m[m$pairs > 0, ]
  expect_true(holds(example$effect_of(later ~ gang + factor(group), kept, kept$pairs)))
})
