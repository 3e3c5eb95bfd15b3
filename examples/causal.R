# The effect of a first event among people of like trajectories: joining a gang at 14 and offences at 15.
#
#     Rscript examples/causal.R [folder]
#
# Simulated data in which the truth is known: boys of high trajectories join more often and offend more afterwards in
# any case, and joining adds 1 to the offences of those who join. Trajectories are fitted to the waves before 14, of
# boys who had not joined by then; within their groups joiners are weighed against others by a propensity score of the
# covariates, of what they did before and of the probabilities of the groups (Haviland and Nagin 2005, Psychometrika
# 70). Where MatchIt is installed the same table is handed over to it.
library(gbtm)

effect <- 1
ages <- 10:15 # at 14 some join, at 15 the outcome is measured
begin <- 14

# A row a boy and age: offences y, impulsiveness x, and joined, the age at which he joined.
simulated <- function(n = 1500, seed = 1) {
  set.seed(seed)
  group <- sample(3, n, TRUE, c(0.5, 0.3, 0.2))
  x <- rnorm(n, 0.5 * (group - 2))
  joins <- runif(n) < plogis(-2.2 + 0.9 * (group - 1) + 0.5 * x)
  early <- runif(n) < 0.04 # had joined before 14
  d <- expand.grid(age = ages, id = seq_len(n))
  d$x <- x[d$id]
  d$joined <- ifelse(early, 12, ifelse(joins, begin, NA))[d$id]
  d$y <- c(0.5, 2.5, 4.5)[group][d$id] + c(0, 0.1, 0.2)[group][d$id] * (d$age - 12) + 0.3 * d$x +
    rnorm(nrow(d), 0, 0.8) + effect * (d$age > begin & !is.na(d$joined))
  d
}

# Groups of the trajectories before 14, with what is known of each boy; the outcome at 15 as `later`.
matching_table <- function(data) {
  before <- untreated_history(data, "joined", "age", "id", start = begin)
  fit <- gbtm(y ~ age, before, id = "id", groups = 3, order = 1)
  print(group_shares(fit))
  people <- data[data$age == max(ages), c("id", "x", "joined", "y")]
  names(people)[4] <- "later"
  people$gang <- as.numeric(!is.na(people$joined) & people$joined == begin)
  matching_frame(fit, people[c("id", "gang", "x", "later")], "gang")
}

# What balance is asked of: the covariate, the probabilities but for the first, the offences at each age.
known_before <- function(m) c("x", "prob_2", "prob_3", grep("^y@", names(m), value = TRUE))

# Of the effect on those who joined: 1 for them, e / (1 - e) for the others, e the probability to join; the others of a
# group weigh as much as its joiners.
weights_of <- function(m) {
  terms <- sprintf("`%s`", known_before(m))
  e <- fitted(glm(reformulate(c("factor(group)", terms), "gang"), binomial, m))
  w <- ifelse(m$gang == 1, 1, e / (1 - e))
  others <- m$gang == 0
  scale <- tapply(m$gang, m$group, sum) / tapply(w[others], m$group[others], sum)
  ifelse(others, w * scale[as.character(m$group)], 1)
}

# The effect of joining in a linear model, with an interval of 95 % that holds where variances differ (HC1).
effect_of <- function(formula, m, weights = rep(1, nrow(m))) {
  m$weight_ <- weights
  fit <- lm(formula, m, weights = weight_) # nolint: object_usage_linter.
  x <- model.matrix(fit)
  bread <- solve(crossprod(x * sqrt(weights)))
  meat <- crossprod(x * weights * residuals(fit))
  se <- sqrt(diag(bread %*% meat %*% bread)["gang"] * nrow(x) / fit$df.residual)
  b <- unname(coef(fit)["gang"])
  c(effect = b, lower = b - 1.96 * unname(se), upper = b + 1.96 * unname(se))
}

# Weights of MatchIt: nearest neighbours within groups, with a caliper. NULL where it is not installed.
matched <- function(m) {
  if (!requireNamespace("MatchIt", quietly = TRUE)) {
    message("MatchIt is not installed: install.packages(\"MatchIt\") to match with it. Weights are used alone.")
    return(NULL)
  }
  made <- MatchIt::matchit(gang ~ x + prob_2 + prob_3, data = m, exact = ~group, method = "nearest", caliper = 0.2)
  made$weights
}

main <- function(folder = NA) {
  m <- matching_table(simulated())
  m$w <- weights_of(m)
  balance <- balance_table(m, "gang", known_before(m), weights = "w")
  print(balance)
  ways <- rbind(
    naive = effect_of(later ~ gang, m), "adjusted for x" = effect_of(later ~ gang + x, m),
    "weighted within groups" = effect_of(later ~ gang + factor(group), m, m$w)
  )
  m$pairs <- matched(m)
  if (!is.null(m$pairs)) {
    kept <- m[m$pairs > 0, ]
    cat("\nMatchIt kept", sum(kept$gang), "of", sum(m$gang), "who joined.\n")
    ways <- rbind(ways, "matched by MatchIt" = effect_of(later ~ gang + factor(group), kept, kept$pairs))
    print(balance_table(m, "gang", c("x", "prob_2", "prob_3"), weights = "pairs"))
  }
  cat("\nThe true effect is ", effect, ".\n", sep = "")
  print(round(ways, 3))
  cat("\nBy group: where the effect is, and no cause of its differences\n")
  print(round(t(sapply(split(m, m$group), function(g) c(joined = sum(g$gang), effect_of(later ~ gang, g, g$w)))), 3))
  if (!is.na(folder)) {
    png(file.path(folder, "balance-R.png"), width = 1500, height = 600, res = 150)
    plot(balance)
    dev.off()
  }
  invisible(ways)
}

if (sys.nframe() == 0) main(commandArgs(trailingOnly = TRUE)[1])
