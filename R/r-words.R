# What the engine says, in R's words. It speaks to users of Python: every text of its own that reaches R passes here,
# and nothing else in R knows how Python writes things.

# Whole expressions of Python's, as regular expressions, and what does the same in R; the first that fits wins.
whole_expressions <- c(
  "LinearityCheck\\.save\\(\\) wrote" = "holds a linearity check",
  "Index it by id, or by the index of y; if it is in the order of (the .+) already, give (\\S+?)\\.to_numpy\\(\\)" =
    "Name it by id; if it is in the order of \\1 already, give unname(\\2)",
  "Give (\\S+?)\\.loc\\[ids\\]\\.to_numpy\\(\\) if it is indexed by id, and (\\S+?)\\.to_numpy\\(\\) if it is" =
    "Give unname(\\1[ids]) if it is named by id, and unname(\\2) if it is",
  "res\\.posterior_to\\('folder'\\)" = "posterior_to(fit, \"folder\")",
  "(?:data=pandas\\.read_parquet\\(\\.\\.\\)|Panel\\.from_long\\(pandas\\.read_parquet\\(\\.\\.\\), \\.\\.\\))" =
    "data = arrow::read_parquet(..)",
  "Read it, Panel\\.from_parquet\\(folder, \\.\\.\\)," = "Read it, data = folder,",
  "Make the model of Panel\\.from_parquet\\(\\.\\.\\), or leave it out" = "Give files as data, or leave it out",
  "executor= spreads the work" = "parquet_files(.., n_jobs = 2) spreads the work",
  "Give a number of worker processes, or what has the submit\\(\\) .*get_executor\\(\\)\\." =
    "Give a number of processes.",
  "Give data=gbtm\\.ParquetFiles\\(.+? beside a formula, or Panel\\.from_parquet\\(\\.\\., repartition='folder'\\):" =
    "Give data = parquet_files(.., repartition = \"folder\"):",
  "res\\.of_outcome\\('(.+?)'\\)" = "of_outcome(fit, \"\\1\")",
  "res\\.of_outcome\\(name\\)\\.classify\\(newdata, by_wave ?= ?(?:True|TRUE)\\)" =
    "predict(fit, newdata, outcome = , by_wave = TRUE)",
  "\\b(equal_(?:curves|slopes))\\(outcome='(.+?)'\\)" = "\\1(fit, outcome = \"\\2\")",
  "\\bindependence\\((bootstrap ?= ?\\d+)\\)" = "independence_test(fit, \\1)",
  "or two outcomes: from_formula\\(\\[Outcome\\(\\.\\.\\), Outcome\\(\\.\\.\\)\\], groups=\\[3, 2\\]\\)" =
    "or two outcomes: gbtm(list(..), groups = c(3, 2))",
  "res\\.distal\\('outcome ~ group', people\\)" = "distal(fit, outcome ~ group, people)",
  "res\\.distal\\(\\.\\.\\)" = "distal(fit, ..)",
  "res\\.distal\\(\\.\\., method='two-step'\\)" = "distal(fit, .., method = \"two-step\")",
  "res\\.distal\\('outcome ~ group', people\\)" = "distal(fit, outcome ~ group, people)",
  "transitions\\(\\) and independence\\(\\)" = "transitions() and independence_test()",
  "'multi': outcomes share their groups; 'dual': each" = "\"multi\": outcomes share their groups; \"dual\": each",
  "its index can be read" = "its names can be read",
  "its index (is not that of|names none of)" = "its names are not those of",
  "(\\S+?)\\.to_numpy\\(\\)" = "unname(\\1)",
  "Put them into the table, data\\.assign\\((\\S+?)=\\.\\.\\.\\), which matches rows by their labels, and" =
    "Put them into the table, data$\\1 <- ..., and",
  "\\(d\\['date'\\] - d\\['date'\\]\\.min\\(\\)\\)\\.dt\\.days / 365\\.25" =
    "as.numeric(d$date - min(d$date)) / 365.25",
  "pd\\.Categorical\\(\\.\\., ordered ?= ?(?:True|TRUE)\\)" = "factor(.., ordered = TRUE)",
  "Ask compare\\('reference', ref=\\.\\.\\)" = "Ask compare(x, \"reference\", ref = ..)",
  "pd\\.read_csv\\(\\.\\., na_values='\\.'\\)" = "read.csv(.., na.strings = c(\"NA\", \".\"))",
  "pd\\.to_numeric\\(d\\['x'\\]\\.where\\(d\\['x'\\] != '\\.'\\)\\)" = "as.numeric(replace(d$x, d$x == \".\", NA))",
  "If you know where the file comes from, load it with trust_formula=True\\." =
    "R does not run code of a file: fit the model again.",
  "In Python, load\\(path, trust_formula=True\\) runs the file's formula, which is code\\." =
    "R does not run code of a file: fit the model again.",
  "y: give an \\(N, T\\) array, or arrays y, time and id of one length" = "y: give columns of one length",
  "Fit with from_formula or traj, or give a Panel to gbtm\\.fit\\.scoring\\.classify_panel" =
    "Fit with gbtm() or traj()",
  "gbtm\\.report\\.code\\.code_for\\(res, 'R'\\)" = "grolts_report(fit, \"report.html\")",
  "Give what gbtm\\.adequacy\\.residuals\\.residual_checks\\(res\\) returned" =
    "Give what residual_checks(fit) returned",
  "lambda b: np\\.exp\\(b\\[\"([^\"]+)\"\\]\\)" = "function(b) exp(b[\"\\1\"])",
  "It goes into the fit: \\.fit\\((\\w+) ?= ?\\.\\.\\.\\)" =
    "It is a setting of the search: control = gbtm_control(\\1 = )",
  "It goes into the model: GBTM\\(\\.\\.\\., (\\w+) ?= ?\\.\\.\\.\\)" =
    "It is an argument of the fit: gbtm(..., \\1 = )",
  "arrays go into GBTM\\(y, time\\)" = "matrices go into gbtm(Y, A)",
  "\\bnp\\.log\\(" = "log(",
  "\\((\\S+?) - (\\S+?)\\.min\\(\\)\\)\\.dt\\.days / 365\\.25" = "as.numeric(\\1 - min(\\1)) / 365.25",
  "pd\\.to_timedelta\\((\\S+?)\\)\\.dt\\.days / 365\\.25" = "as.numeric(\\1, units = \"days\") / 365.25",
  "or a pair \\(R, q\\)" = "or list(R, q)",
  "pandas\\.read_stata, R's haven::read_dta" = "haven::read_dta",
  "[A-Za-z_.]+\\([^()]*\\) \\(R: ((?:[^()]|\\([^()]*\\))*)\\)" = "\\1",
  "matrices=\\{'b0': \\[\\.\\.\\]\\} \\(R: (matrices = list\\(b0 = \\.\\.\\))\\)" = "\\1",
  " \\(Python: ((?:[^()]|\\([^()]*\\))*)\\)" = "",
  "Groups are in assignment \\(R: traj_data\\(\\)\\)" = "Groups are in traj_data()",
  "classify\\(\\) by wave" = "posterior(fit, newdata, by_wave = TRUE)",
  "classify\\(\\)" = "posterior()",
  "progress is shown by fit\\(progress=True\\)" = "progress is shown with gbtm_control(progress = TRUE)",
  "fit\\(start=res\\.optimum\\((\\w+)\\)\\)" = "update(fit, start = optimum(fit, \\1))",
  "print\\(res\\.to_traj\\(\\)\\)" = "print(fit)",
  "res\\.cov_params\\(\\)|\\bcov_params\\(\\)" = "vcov(fit)",
  "\\bconf_int\\(\\)" = "confint()",
  "\\bprofile_int\\(\\)" = "confint(method = \"profile\")",
  "res\\.params" = "coef(fit)",
  "(?:res|search|self)\\.(posterior|assignment|warnings)\\b(?!\\()" = "\\1(fit)",
  "(?:res|self)\\.([a-z_]+)\\(\\)" = "\\1(fit)",
  "res\\.([a-z_]+)\\((?=\\.\\.)" = "\\1(fit, ",
  "search\\.([a-z_]+)\\(\\)" = "\\1(search)",
  "search\\.([a-z_]+)\\((?=.)" = "\\1(search, ",
  "(?<![\\w)])\\.([a-z_]+)\\(\\)" = "\\1()",
  "(?<![\\w)])\\.table\\['(\\w+)'\\]" = "$table$\\1",
  "or its \\.table" = "or its $table",
  "gbtm\\.search\\(\\)" = "gbtm_search()",
  "the save\\(\\) of what gbtm_search\\(\\) returned" = "write_search()",
  "\\bsave\\(\\) or write_gbtm\\(\\)" = "write_gbtm()",
  "\\bsave\\(\\)" = "write_gbtm()",
  "\\b(fit|from_formula)\\(\\)(?=:)" = "gbtm()",
  "\\bsearch\\(\\)(?=:)" = "gbtm_search()",
  "\\bload(_search)?\\(\\)(?=:)" = "read_gbtm()",
  "\\bdelta\\(\\)" = "delta_method()",
  "\\bcriteria\\(\\)" = "summary()",
  "`pip install gbtm\\[\\w+\\]`" = "gbtm::install_gbtm()",
  "GBTM\\.from_formula" = "gbtm()",
  "search\\.(table|choices)\\b" = "search$\\1",
  "'~ sex \\+ C\\(region\\)', or \\['sex', 'age'\\]" = "~ sex + region, or c(\"sex\", \"age\")",
  "'~ age \\+ C\\(region\\)'" = "~ age + factor(region)",
  "gbtm\\.bootstrap\\(res\\)\\.curves\\(\\)" = "bootstrap()",
  "gbtm\\.bootstrap\\(res\\)" = "bootstrap()",
  "curve=gbtm\\.Network\\((\\d+)\\)" = "curve = network_curve(\\1)",
  "gbtm\\.Network\\((\\d+)\\)" = "network_curve(\\1)",
  "'(\\S+) ~ bs\\(age, df=4\\)'" = "\\1 ~ splines::bs(age, df = 4)",
  "groupby\\(id\\)\\.shift\\(\\)" = "ave()",
  "use center\\(\\), scale\\(\\), poly\\(\\) or bs\\(\\)" = "use scale(), poly(), bs() or ns()",
  "\\bgbtm\\.([a-z_]+)\\(" = "\\1("
)

# Bare words: constants, kinds of objects, and arguments that have another name in R.
bare_words <- c(
  True = "TRUE", False = "FALSE", nan = "NaN", inf = "Inf", NoneType = "NULL",
  "a pandas DataFrame" = "a data frame", "pandas DataFrame" = "data frame", DataFrame = "data frame",
  ndarray = "array", Series = "vector", Index = "vector", "a dict" = "a named list", dict = "named list",
  tuple = "vector", float = "number", int = "number", str = "text", bool = "logical",
  "a GBTMResults" = "a fit", GBTMResults = "fit", "a ModelSearch" = "a search", ModelSearch = "search", GBTM = "gbtm",
  "of res" = "of fit"
)
their_arguments <- c(rng = "seed", res = "fit", random_state = "seed")

#' A text of the engine's in R's words
#'
#' What stands in quotes is a user's own, a column or a value, and stays; so does the column that an error begins with.
#' @param text character; NA stays
#' @param argument the argument or column that the text begins with
#' @noRd
in_r_words <- function(text, argument = NULL) {
  if (!is.character(text)) return(text)
  vapply(text, one_in_r_words, "", argument = argument, USE.NAMES = FALSE)
}

one_in_r_words <- function(text, argument) {
  if (is.na(text)) return(text)
  head <- if (length(argument) && startsWith(text, paste0(argument, ":"))) argument else ""
  rest <- substring(text, nchar(head) + 1)
  with_quotes <- grepl("['\"`]", names(whole_expressions))
  rest <- with_expressions(rest, whole_expressions[with_quotes])
  # what is quoted gives way to a mark: an apostrophe inside a word, or after one, begins no quotation
  quoted <- gregexpr("(?<![\\w'])'[^']*'(?!\\w)|\"[^\"]*\"|`[^`'\"]*`", rest, perl = TRUE)
  own <- regmatches(rest, quoted)[[1]]
  regmatches(rest, quoted) <- list(sprintf("\001%d\002", seq_along(own)))
  rest <- with_r_calls(with_bare_words(with_expressions(rest, whole_expressions[!with_quotes])))
  for (i in seq_along(own)) {
    mark <- sprintf("\001%d\002", i)
    rest <- sub(paste0(mark, "\003?"), quoted_in_r(own[i], mark, rest), rest)
  }
  paste0(r_argument(head), rest)
}

# The name of an argument in R.
r_argument <- function(name) if (isTRUE(name %in% names(their_arguments))) their_arguments[[name]] else name

with_expressions <- function(text, expressions) {
  for (pattern in names(expressions)) text <- gsub(pattern, expressions[[pattern]], text, perl = TRUE)
  text
}

# What stood in quotes: the value of an argument in double quotes, a formula and a name in list() without any.
quoted_in_r <- function(own, mark, text) {
  inside <- substr(own, 2, nchar(own) - 1)
  shown <- if (grepl(paste0(mark, "\003"), text, fixed = TRUE)) {
    inside
  } else if (!grepl(paste0("(= |= \"[^\"]*\"(,| or) |\\b(c|list)\\([^()]*)", mark), text) ||
               grepl("\"", inside, fixed = TRUE)) {
    own
  } else if (grepl("^[^']*~", inside)) {
    gsub("(?<![\\w.])C\\(", "factor(", inside, perl = TRUE)
  } else {
    sprintf("\"%s\"", inside)
  }
  gsub("\\", "\\\\", shown, fixed = TRUE)
}

with_bare_words <- function(text) {
  for (word in names(bare_words)) {
    text <- gsub(sprintf("(?<![\\w.])%s(?![\\w(])", word), bare_words[[word]], text, perl = TRUE)
  }
  # "None of the starts" is English
  gsub("(?<![\\w.])None(?!\\w| of | in )", "NULL", text, perl = TRUE)
}

# Arguments, lists and dictionaries as R writes them, from the innermost brackets out.
with_r_calls <- function(text) {
  for (word in names(their_arguments)) {
    text <- gsub(sprintf("(?<![\\w.$])%s(?= ?=[^=]|:)", word), their_arguments[[word]], text, perl = TRUE)
  }
  text <- gsub("(?<![\\w.])([a-z][a-z0-9_]*)=(?=[^=\\s,;:)])(?![.]( |$))", "\\1 = ", text, perl = TRUE)
  text <- gsub("(?<![\\w.])([a-z][a-z0-9_]*)=(?=[,.;)]( |$)| (and|or|the|of) )", "\\1", text, perl = TRUE)
  plain <- "-?[0-9.]+(?:[eE][-+]?[0-9]+)?|-?Inf|NaN|TRUE|FALSE|\001[0-9]+\002|\\.\\.\\.?"
  item <- sprintf("(?:%s|NULL|(?:c|list)\\((?:[^()]|\\([^()]*\\))*\\))", plain)
  items <- sprintf("%s(?:, ?%s)*", item, item)
  repeat {
    before <- text
    text <- gsub(sprintf("(?<![\\w).])\\[(%s)\\]", plain), "\\1", text, perl = TRUE)
    text <- gsub(sprintf("(?<![\\w).])\\[((?:%s)(?:, ?(?:%s))*)\\]", plain, plain), "c(\\1)", text, perl = TRUE)
    text <- gsub(sprintf("(?<![\\w).])\\[(%s)\\]", items), "list(\\1)", text, perl = TRUE)
    text <- gsub(sprintf("(?<=: |= )\\((%s),?\\)", items), "c(\\1)", text, perl = TRUE)
    text <- gsub("(?<![\\w).])\\[\\]", "c()", text, perl = TRUE)
    key <- "\001[0-9]+\002"
    text <- gsub(sprintf("(?<=[{,] |[{])(%s): ?(?=%s)", key, item), "\\1\003 = ", text, perl = TRUE)
    pair <- sprintf("(?:\\.\\.\\.|%s\003 = %s)", key, item)
    text <- gsub(sprintf("\\{(%s(?:, ?%s)*)\\}", pair, pair), "list(\\1)", text, perl = TRUE)
    if (identical(before, text)) return(text)
  }
}

# What of an answer is said to the user, by the names under which it comes.
said_fields <- c("sentence", "sentences", "notes", "verdict", "failures", "failure", "problem", "assumed",
                 "flag")

#' An answer of the engine's with all that it says in R's words
#' @noRd
answer_in_r_words <- function(answer) {
  for (name in names(answer)[names(answer) %in% said_fields]) answer[[name]] <- said_in_r(answer[[name]])
  nested <- vapply(answer, is.list, NA)
  answer[nested] <- lapply(answer[nested], answer_in_r_words)
  answer
}

said_in_r <- function(x) if (is.list(x)) lapply(x, said_in_r) else in_r_words(x)
