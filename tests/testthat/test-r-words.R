# R speaks R. What the engine says is collected from its sources, and what it says of values is provoked.

# Words and signs of Python that have no place in a sentence for R's users.
python_words <- paste0(
  "\\b(True|False|None(?! of| in )|NoneType|dict|float|int|str|bool|tuple|ndarray|DataFrame|GBTM|rng|res|self|np|pd|",
  "pandas|numpy|lambda|conf_int|cov_params|from_formula|trust_formula|to_numpy|random_state)\\b|",
  "(?<!as)\\.(?!(numeric|character|integer|data|strings|csv|packages)\\b)[a-z_]+\\(|\\b[a-z_]+=[^=]|",
  "(?<![\\w)])\\[[-0-9'\"]|\\{['\"]"
)

# Every text in the engine's sources that reads as a sentence, with x1 for what is filled in. Not of gbtm.train(), which
# takes torch's own objects and which R does not have: a test below sees that no way leads from R to it.
engine_texts <- function() {
  file <- tempfile(fileext = ".json")
  run_python(c(
    "import ast, json, pathlib, re, gbtm", "root, out = pathlib.Path(gbtm.__file__).parent, []",
    "def text(n):",
    "    if isinstance(n, ast.Constant): return n.value if isinstance(n.value, str) else None",
    "    if isinstance(n, ast.JoinedStr):",
    "        return ''.join(v.value if isinstance(v, ast.Constant) else 'x1' for v in n.values)",
    "def walk(n, doc):",
    "    if text(n) is not None:",
    "        if id(n) not in doc: out.append(text(n))",
    "    else:",
    "        for c in ast.iter_child_nodes(n): walk(c, doc)",
    # programs that a report prints, in Python and in Stata, and patterns, are no sentences
    "code = {'python_code.py', 'stata.py', 'stata_names.py', 'log_text.py', 'checkpoint.py', 'several_code.py'}",
    "for p in root.rglob('*.py'):",
    "    own = p.relative_to(root).with_suffix('').parts",
    "    if p.name in code or own[0] == 'training' or own == ('api', 'training'): continue",
    "    tree = ast.parse(p.read_text())",
    "    walk(tree, {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)})",
    "out = [t for t in out if re.search(r'[A-Z.:,]', t)] # words of other programs that a table maps are no text",
    "out = [re.sub(r'\\{\\w+\\}', 'x1', t) for t in out if re.search(r'[a-z] [a-z(]|[.:] ', t)]",
    sprintf("pathlib.Path(%s).write_text(json.dumps(sorted(set(out))))", deparse(file))
  ))
  jsonlite::fromJSON(file)
}

test_that("nothing but the package's own list of names imports what trains", {
  need_engine()
  found <- run_python(c(
    "import ast, pathlib, gbtm", "root = pathlib.Path(gbtm.__file__).parent",
    "for p in root.rglob('*.py'):",
    "    own = p.relative_to(root).with_suffix('').parts",
    "    for n in ast.walk(ast.parse(p.read_text())):",
    "        if not isinstance(n, ast.ImportFrom) or not n.level: continue",
    "        module = (*own[:-n.level], *(n.module.split('.') if n.module else ()))",
    "        for target in ((*module, a.name) for a in n.names):",
    "            trains = target[0] == 'training' or target[:2] == ('api', 'training')",
    "            if trains and own[0] != 'training' and own != ('api', 'training'): print('/'.join(own))"
  ))
  expect_identical(unique(found), "__init__")
})

test_that("no text of the engine's has a Python word left", {
  need_engine()
  texts <- engine_texts()
  expect_gt(length(texts), 1000)
  expect_gt(sum(grepl(python_words, texts, perl = TRUE)), 80) # the pattern does see them
  said <- in_r_words(texts)
  expect_identical(said[grepl(python_words, said, perl = TRUE)], character())
})

test_that("constants, calls, lists and names are R's", {
  expect_identical(in_r_words("ar1: 'yes' is neither True nor False.", "ar1"), "ar1: 'yes' is neither TRUE nor FALSE.")
  expect_identical(in_r_words("Give seconds, or None for no limit."), "Give seconds, or NULL for no limit.")
  expect_identical(in_r_words("None of 8 starts reached it."), "None of 8 starts reached it.")
  expect_identical(in_r_words("For example order=2 or order=[2, 1, 3]."),
                   "For example order = 2 or order = c(2, 1, 3).")
  expect_identical(in_r_words("Give first= and gaps= the same, or times=."), "Give first and gaps the same, or times.")
  expect_identical(in_r_words("x: [[1, 2], [3, 4]] and (1, 2)."), "x: list(c(1, 2), c(3, 4)) and (1, 2).")
  expect_identical(in_r_words("x: (2, 1) is no order."), "x: c(2, 1) is no order.")
  expect_identical(in_r_words("x: {'a': [1, None], 'b': -inf} is not text."),
                   "x: list(a = list(1, NULL), b = -Inf) is not text.")
  expect_identical(in_r_words("Use conf_int(), or cov_type='robust'."), "Use confint(), or cov_type = \"robust\".")
  expect_identical(
    in_r_words("Use profile_int() or gbtm.bootstrap()."), "Use confint(method = \"profile\") or bootstrap()."
  )
  expect_identical(in_r_words("rng: nan is no seed.", "rng"), "seed: NaN is no seed.")
  expect_identical(in_r_words("res: with one group.", "res"), "fit: with one group.")
  expect_identical(in_r_words("Estimates are in res.params."), "Estimates are in coef(fit).")
  expect_identical(in_r_words("Ask res.predictors(..)."), "Ask predictors(fit, ..).")
  expect_identical(in_r_words("y: the name of t[2], poly(t)[1] and t^2[1]."),
                   "y: the name of t[2], poly(t)[1] and t^2[1].")
  expect_identical(in_r_words(c(NA, "")), c(NA, ""))
})

test_that("what is quoted, and the column that an error begins with, stays as it is", {
  quoted <- c("formula: no column named 'None'.", "x: 'a=[1, 2]' and \"True\" are the group's.", "by: `float` is odd.",
              "traj's default, and the subjects' own: 'rng=0'.")
  expect_identical(in_r_words(quoted), quoted)
  expect_identical(in_r_words("True: differs.", "True"), "True: differs.")
  error <- tryCatch(settled(list(ok = FALSE, error = list(
    code = "bad", message = "rng: True is not a number.", argument = "rng", way_out = "Give rng=0."
  )), NULL), error = identity)
  expect_identical(conditionMessage(error), "seed: TRUE is not a number. Give seed = 0.")
  expect_identical(error$argument, "seed")
})

test_that("sentences of answers and of documents are R's, and a file keeps its own", {
  answer <- settled(list(ok = TRUE, sentence = "Give a=True.", text = "a=True", more = list(
    list(notes = list("Use [1, 2].", "None")), failure = NULL
  )), NULL)
  expect_identical(answer$sentence, "Give a = TRUE.")
  expect_identical(answer$text, "a=True")
  expect_identical(answer$more[[1]]$notes, list("Use c(1, 2).", "NULL"))
  fit <- example_fit()
  text <- sub("\"warnings\": \\[[^]]*\\]", "\"warnings\": [{\"code\": \"odd\", \"message\": \"Use rng=[1, 2].\"}]",
              fit$document$text)
  read <- new_gbtm(text)
  expect_identical(read$warnings[[1]]$message, "Use seed = c(1, 2).")
  expect_output(print(read), "Warning: Use seed = c(1, 2).", fixed = TRUE)
  expect_match(document_text(read), "Use rng=[1, 2].", fixed = TRUE)
})

test_that("values that the engine refuses are shown as R writes them", {
  need_engine()
  d <- small_data()
  refused <- function(...) {
    conditionMessage(expect_error(gbtm(y ~ t, d, id = "id", ..., control = quick()), class = "gbtm_error"))
  }
  said <- c(
    refused(groups = 2, order = TRUE), refused(groups = 2, order = c(1, 2, 3)), refused(groups = 2, order = 1.5),
    refused(groups = c(2, 3), order = 1), refused(groups = list(a = 1), order = 1), refused(groups = "2"),
    refused(groups = 2, order = list(1, NULL)), refused(groups = 2, order = 1, family = list("a", TRUE)),
    refused(groups = 2, order = 1, refgroup = NA), refused(groups = 2, order = 1, rorder = c(0, 9)),
    refused(groups = 2, order = 1, iorder = c(TRUE, FALSE)), refused(groups = 2, order = 1, cov_type = TRUE),
    refused(groups = 2, order = 1, rho_by_group = TRUE), refused(groups = 2, order = 1, cov_type = "cluster")
  )
  expect_identical(said[grepl(python_words, said, perl = TRUE)], character())
  expect_match(said[5], "list(a = 1)", fixed = TRUE)
})
