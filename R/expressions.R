# Arithmetic in parameter names, read without running code: "exp(theta_X1[2])", "t[1] = t[2], t^2[1] = 0".
# Names hold brackets and carets, those of a basis even commas and blanks, so that R cannot read them: the longest known
# name wins at each place and gives way to a plain symbol. Of what R's parser then makes of the rest, only a short list
# is obeyed, and nothing is ever given to eval().

expression_functions <- list(
  exp = list(exp, exp),
  log = list(log, function(x) 1 / x),
  sqrt = list(sqrt, function(x) 0.5 / sqrt(x)),
  logit = list(stats::qlogis, function(x) 1 / (x * (1 - x))),
  invlogit = list(stats::plogis, stats::dlogis)
)

#' The comma-separated equations of a text; a chain a = b = c is two of them
#' @return list of lists with `text`, `left` and `right` (NULL without an equals sign)
#' @noRd
read_equations <- function(text, names, argument) {
  tokens <- expression_tokens(text, names, argument)
  equations <- lapply(split_tokens(tokens, ","), function(equation) {
    sides <- split_tokens(equation, "=")
    trees <- lapply(sides, parse_side, text = text, argument = argument)
    labels <- vapply(sides, side_label, "", text = text)
    if (length(sides) == 1) return(list(list(text = labels, left = trees[[1]], right = NULL)))
    lapply(seq_len(length(sides) - 1), function(i) {
      list(text = paste(labels[i], "=", labels[i + 1]), left = trees[[i]], right = trees[[i + 1]])
    })
  })
  do.call(c, equations)
}

# Data frame of tokens: `shown` as in the text, `source` as R's parser is to read it, `at` where it begins.
expression_tokens <- function(text, names, argument) {
  if (anyDuplicated(names)) {
    stop_gbtm("ambiguous_parameter", sprintf("%s: the names of the parameters are not unique.", argument), argument,
              "Give the hypotheses as a matrix.")
  }
  longest <- order(-nchar(names))
  tokens <- list()
  at <- 1L
  while (at <= nchar(text)) {
    rest <- substring(text, at)
    if (grepl("^[[:space:]]", rest)) {
      at <- at + 1L
      next
    }
    token <- next_token(rest, names, longest)
    if (is.null(token)) stop_unknown(rest, names, argument)
    tokens[[length(tokens) + 1L]] <- data.frame(shown = token[1], source = token[2], at = at, stringsAsFactors = FALSE)
    at <- at + nchar(token[1])
  }
  if (length(tokens)) do.call(rbind, tokens) else data.frame(shown = character(), source = character(), at = integer())
}

# What the rest of the text begins with, as shown and as R's parser is to read it; NULL where that is nothing known.
next_token <- function(rest, names, longest) {
  fits <- vapply(names[longest], function(name) startsWith(rest, name) && ends_here(rest, name), TRUE)
  if (any(fits)) {
    i <- longest[which(fits)[1]]
    return(c(names[i], paste0("p", i)))
  }
  number <- leading(rest, "([0-9]+\\.?[0-9]*|\\.[0-9]+)([eE][+-]?[0-9]+)?")
  if (!is.null(number)) return(if (ends_here(rest, number)) c(number, number))
  operator <- leading(rest, "\\*\\*|[-+*/^(),=]")
  if (!is.null(operator)) return(c(operator, sub("**", "^", operator, fixed = TRUE)))
  word <- leading(rest, "[A-Za-z_][A-Za-z0-9_]*(?=\\s*\\()")
  if (isTRUE(word %in% names(expression_functions))) c(word, word)
}

leading <- function(rest, pattern) {
  found <- regmatches(rest, regexpr(paste0("^(?:", pattern, ")"), rest, perl = TRUE))
  if (length(found)) found
}

# A name may end here: `sigma` is neither the head of `sigma2` nor that of `sigma[2]`.
ends_here <- function(rest, name) {
  following <- substr(rest, nchar(name) + 1, nchar(name) + 1)
  last <- substr(name, nchar(name), nchar(name))
  following != "[" && !grepl("^[[:alnum:]_.]{2}$", paste0(last, following))
}

stop_unknown <- function(rest, names, argument) {
  word <- leading(rest, "[^\\s+\\-*/(),=]+")
  if (grepl("^[A-Za-z_]\\w*\\s*\\(", rest, perl = TRUE)) {
    stop_gbtm("bad_expression", sprintf("%s: there is no function '%s'.", argument, word), argument,
              sprintf("Use %s, or give a function of the parameters.", listing(names(expression_functions))))
  }
  stop_gbtm("unknown_parameter", sprintf("%s: '%s' is not a parameter of this fit.", argument, word), argument,
            sprintf("The parameters are %s.", listing(names, 100)))
}

# Split at the separators outside parentheses.
split_tokens <- function(tokens, separator) {
  depth <- cumsum((tokens$shown == "(") - (tokens$shown == ")"))
  here <- tokens$shown == separator & depth == 0
  part <- cumsum(here)
  lapply(0:sum(here), function(i) tokens[part == i & !here, , drop = FALSE])
}

parse_side <- function(tokens, text, argument) {
  tree <- tryCatch({
    tree <- if (nrow(tokens)) str2lang(paste(tokens$source, collapse = " "))
    if (is_arithmetic(tree)) tree
  }, error = function(e) NULL)
  if (is.null(tree)) {
    stop_gbtm("bad_expression", sprintf("%s: '%s' cannot be read.", argument,
                                        if (nchar(text) > 80) paste0(substr(text, 1, 77), "...") else text), argument,
              sprintf("Use + - * / ^ ( ), numbers, names of parameters, and %s.", listing(names(expression_functions))))
  }
  tree
}

side_label <- function(tokens, text) {
  last <- nrow(tokens)
  whole <- substr(text, tokens$at[1], tokens$at[last] + nchar(tokens$shown[last]) - 1)
  trimws(gsub("[[:space:]]+", " ", whole))
}

# The list is of what is allowed: numbers, the symbols of parameters, and calls by name with as many arguments as here.
arities <- c(
  list("+" = 1:2, "-" = 1:2, "*" = 2, "/" = 2, "^" = 2, "(" = 1),
  stats::setNames(rep(list(1), length(expression_functions)), names(expression_functions))
)

is_arithmetic <- function(tree) {
  if (is.numeric(tree)) return(is.finite(tree))
  if (is.symbol(tree)) return(grepl("^p[0-9]+$", as.character(tree)))
  is_known_call(tree) && all(vapply(as.list(tree)[-1], is_arithmetic, TRUE))
}

is_known_call <- function(tree) {
  if (!is.call(tree) || !is.symbol(tree[[1]]) || !is.null(names(tree))) return(FALSE)
  (length(tree) - 1) %in% arities[[as.character(tree[[1]])]]
}

#' Value, exact derivative and degree (0 constant, 1 linear, 2 anything else) of an expression at parameters
#' @noRd
evaluate_tree <- function(tree, at) {
  tryCatch(suppressWarnings(tree_term(tree, at)), error = function(e) {
    stop_gbtm("bad_expression", "An expression is too long.", NULL, "Give a function of the parameters.")
  })
}

tree_term <- function(tree, at) {
  if (is.numeric(tree)) return(list(value = tree, slope = numeric(length(at)), degree = 0))
  if (is.symbol(tree)) {
    i <- as.integer(substring(as.character(tree), 2))
    return(list(value = at[[i]], slope = as.numeric(seq_along(at) == i), degree = 1))
  }
  name <- as.character(tree[[1]])
  left <- tree_term(tree[[2]], at)
  if (length(tree) == 2) return(unary_term(name, left))
  binary_term(name, left, tree_term(tree[[3]], at))
}

unary_term <- function(name, x) {
  if (name %in% c("(", "+")) return(x)
  if (name == "-") return(list(value = -x$value, slope = -x$slope, degree = x$degree))
  f <- expression_functions[[name]]
  slope <- if (x$degree) f[[2]](x$value) * x$slope else x$slope
  list(value = f[[1]](x$value), slope = slope, degree = if (x$degree) 2 else 0)
}

binary_term <- function(name, a, b) {
  switch(
    name,
    "+" = list(value = a$value + b$value, slope = a$slope + b$slope, degree = max(a$degree, b$degree)),
    "-" = list(value = a$value - b$value, slope = a$slope - b$slope, degree = max(a$degree, b$degree)),
    "*" = list(value = a$value * b$value, slope = a$value * b$slope + b$value * a$slope,
               degree = min(a$degree + b$degree, 2)),
    "/" = list(value = a$value / b$value, slope = (a$slope - a$value / b$value * b$slope) / b$value,
               degree = if (b$degree == 0) a$degree else 2),
    "^" = power_term(a, b)
  )
}

power_term <- function(a, b) {
  value <- a$value^b$value
  if (a$degree + b$degree == 0) return(list(value = value, slope = a$slope, degree = 0))
  slope <- b$value * a$value^(b$value - 1) * a$slope
  if (b$degree) slope <- slope + value * log(a$value) * b$slope
  list(value = value, slope = slope, degree = 2)
}
