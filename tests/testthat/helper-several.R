# The reference data of several outcomes, whose numbers an independent program computed; as tests/python/several.py.
several_folder <- function(file) test_path("..", "reference", "multi_dual", file)

several_expected <- function() once("several expected", function() jsonlite::fromJSON(several_folder("expected.json")))

several_data <- function() once("several data", function() utils::read.csv(several_folder("multi_data.csv")))

several_wide <- function() {
  columns <- lapply(c(a = "a", b = "b", c = "c"), function(stem) {
    grep(paste0("^", stem, "[0-9]+$"), names(several_data()), value = TRUE)
  })
  times <- several_expected()$multi$times
  c(columns, stats::setNames(times[c("a", "b", "c")], c("ta", "tb", "tc")))
}

# A normal, a logit and a ZIP outcome, each of its own times; `...` are own tables by name.
several_outcomes <- function(...) {
  own <- list(...)
  list(
    outcome(a ~ ta, order = c(1, 1, 2), sigma_by_group = TRUE, data = own$a),
    outcome(b ~ tb, family = "logit", order = 1, data = own$b),
    outcome(c ~ tc, family = "zip", order = c(0, 1, 1), iorder = 0, data = own$c)
  )
}

# An outcome's own long table.
several_long <- function(name) {
  wide <- several_wide()
  columns <- wide[[name]]
  time <- paste0("t", name)
  n <- nrow(several_data())
  table <- data.frame(id = rep(several_data()$id, length(columns)), rep(wide[[time]], each = n),
                      unlist(several_data()[columns], use.names = FALSE))
  names(table)[2:3] <- c(time, name)
  table[!is.na(table[[name]]), ]
}

# The reference estimates in the order of our parameters: curves, zero part, sigma, theta; those of `what`.
several_in_order <- function(which = "multi", what = "params") {
  names <- names(several_expected()[[which]]$params)
  values <- unlist(several_expected()[[which]][[what]])
  late <- grepl("sigma", names)
  theta <- startsWith(names, "theta")
  unname(values[c(which(!late & !theta), which(late), which(theta))])
}

# The fit of the reference, by its own estimates.
several_fit_of <- function(which = "multi") {
  once(paste("several", which), function() {
    gbtm(several_outcomes(), several_data(), id = "id", groups = 3, wide = several_wide(),
         risk = if (which == "multi_risk") ~ x, start = several_in_order(which))
  })
}

# Two clear groups with a normal and a count outcome.
two_outcomes <- function() {
  d <- small_data()
  set.seed(2)
  d$n <- stats::rpois(nrow(d), ifelse(d$id <= 8, 1, 4))
  d$sex <- factor(ifelse(d$id %% 2, "man", "woman"))
  d$x <- stats::rnorm(nrow(d))
  d
}

two_outcome_fit <- function() {
  once("two outcomes", function() {
    gbtm(list(y ~ t, n ~ t), two_outcomes(), id = "id", groups = 2, order = list(1, 0),
         family = c("normal", "poisson"), control = gbtm_control(n_starts = 4))
  })
}
