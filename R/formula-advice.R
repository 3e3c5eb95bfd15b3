# What a formula with more than time in it was meant to say, and which argument says it here. Python has the same in its
# room for designs.

#' The way out for a right-hand side that is more or less than time
#'
#' @param right the right-hand side, as text
#' @param used the columns in it
#' @param data the table, to tell which of them are powers of time
#' @param outcome the left-hand side, as text
#' @noRd
formula_advice <- function(right, used, data, outcome) {
  if (grepl("^[[:space:]01+-]+$", right)) {
    return(sprintf("A curve that does not change is order = 0: %s ~ t with order = 0, t the time.", outcome))
  }
  said <- character()
  gone <- character()
  for (part in c(person_in, offset_in)) {
    found <- part(right)
    said <- c(said, found$said)
    gone <- c(gone, found$gone)
    right <- c(found$right, right)[1]
  }
  left <- setdiff(used, gone)
  time <- time_among(left, right, data)
  further <- setdiff(left, time)
  powers <- vapply(further, power_of, 0, time = time, data = data)
  order <- max(0, powers, own_powers(right, time))
  if (order > 1) {
    said <- c(said, sprintf("powers of time are order = %d, one value for all groups or one for each", order))
  }
  said <- c(said, covariates_in(further[powers == 0]))
  if (!length(said)) return(sprintf("For example %s ~ splines::bs(age, df = 4).", outcome))
  sprintf("Leave %s ~ %s and %s.", outcome, time, paste(said, collapse = "; "))
}

formula_name <- "`?([[:alnum:]._]+)`?"
formula_square <- "\\^[[:space:]]*2|poly\\([^,]*,[[:space:]]*(degree[[:space:]]*=[[:space:]]*)?2"

# Random effects and the person's column after a bar.
person_in <- function(right) {
  said <- character()
  gone <- character()
  effects <- "\\(((?:[^()|]|\\([^()|]*\\))*)\\|{1,2}[[:space:]]*%s[[:space:]]*\\)"
  effect <- first_match(sprintf(effects, formula_name), right)
  if (length(effect)) {
    order <- if (grepl("^[[:space:]01+-]*$", effect[2])) 0 else if (grepl(formula_square, effect[2])) 2 else 1
    said <- sprintf("for random effects give rorder = %d, and id = \"%s\", in place of %s", order, effect[3], effect[1])
    gone <- effect[3]
    right <- sub(effect[1], "", right, fixed = TRUE)
  }
  person <- first_match(sprintf("\\|[[:space:]]*%s[[:space:]]*$", formula_name), right)
  if (length(person)) said <- c(said, sprintf("give id = \"%s\" in place of %s", person[2], trimws(person[1])))
  list(said = said, gone = c(gone, person[2][length(person) > 0]), right = right)
}

offset_in <- function(right) {
  offset <- first_match("\\boffset\\((?:[^()]|\\([^()]*\\))*\\)", right)
  if (!length(offset)) return(NULL)
  inside <- sub("^offset\\((.*)\\)$", "\\1", offset)
  logged <- first_match(sprintf("^[[:space:]]*log\\([[:space:]]*%s[[:space:]]*\\)[[:space:]]*$", formula_name), inside)
  exposure <- if (length(logged)) sprintf("\"%s\"", logged[2]) else sprintf("~ exp(%s)", inside)
  list(said = sprintf("give exposure = %s, the time at risk itself, in place of %s", exposure, offset),
       gone = all.vars(str2lang(inside)))
}

covariates_in <- function(others) {
  if (!length(others)) return(NULL)
  quoted <- paste0("\"", others, "\"", collapse = ", ")
  if (length(others) > 1) quoted <- sprintf("c(%s)", quoted)
  sprintf(paste("for %s give risk = %s (one value a person, and who is in which group depends on it) or tcov = %s",
                "(it moves the outcome itself, in each group)"), paste(others, collapse = ", "), quoted, quoted)
}

# The match and its groups; nothing where there is none.
first_match <- function(pattern, text) regmatches(text, regexec(pattern, text, perl = TRUE))[[1]]

# Which of the columns is the time: the first that is a number of more than two values, and no category.
time_among <- function(left, right, data) {
  plain <- vapply(left, function(name) {
    category <- any(vapply(c("factor(", "as.factor("), function(f) grepl(paste0(f, name), right, fixed = TRUE), NA))
    here <- data[[name]]
    !category && (is.null(here) || (is.numeric(here) && length(unique(here)) > 2))
  }, NA)
  c(left[plain], left, "t")[1]
}

# The powers of time that are written out: age^2, I(age^3), I(age * age).
own_powers <- function(right, time) {
  words <- gsub("`", "", right, fixed = TRUE)
  plain <- gsub("([.])", "\\\\\\1", time)
  found <- regmatches(words, gregexpr(sprintf("(?<![[:alnum:]._])%s[[:space:]]*\\^[[:space:]]*[0-9]+", plain), words,
                                      perl = TRUE))[[1]]
  squared <- grepl(sprintf("I\\([[:space:]]*%s[[:space:]]*\\*[[:space:]]*%s[[:space:]]*\\)", plain, plain), words)
  c(as.numeric(sub("^.*\\^[[:space:]]*", "", found)), if (squared) 2)
}

# The order of the polynomial of time that a column is, by its values or its name; 0 where it is none.
power_of <- function(column, time, data) {
  if (!all(c(column, time) %in% names(data))) return(power_by_name(column, time))
  if (!all(vapply(data[c(column, time)], is.numeric, NA))) return(0)
  both <- unique(stats::na.omit(data.frame(x = data[[time]], z = data[[column]])))
  distinct <- length(unique(both$x))
  if (nrow(both) > distinct || any(is.infinite(as.matrix(both)))) return(0) # one time, several values
  for (k in setdiff(seq_len(max(0, min(5, distinct - 2))), 1)) {
    if (is_polynomial(both$z, both$x, k)) return(k)
  }
  power_by_name(column, time)
}

is_polynomial <- function(z, x, order) {
  rest <- stats::lm.fit(cbind(1, stats::poly(x, order)), z)$residuals
  max(abs(rest)) <= 1e-9 * max(abs(z))
}

# age2, age_sq, age.cubed
power_by_name <- function(column, time) {
  if (!startsWith(column, time)) return(0)
  ending <- tolower(sub("^[_.]", "", substring(column, nchar(time) + 1)))
  known <- c(sq = 2, squared = 2, quad = 2, cub = 3, cubed = 3, cubic = 3, "2" = 2, "3" = 3, "4" = 4, "5" = 5)
  if (ending %in% names(known)) known[[ending]] else 0
}
