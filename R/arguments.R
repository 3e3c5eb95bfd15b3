# Arguments that do not exist are refused, in methods too, whose dots would swallow them.

#' Refuse what stands in a method's dots
#'
#' The first line of every method whose generic has dots.
#' @param ... the method's own dots
#' @param known names that may stand there besides: what the method hands on, and what other packages send to any fit
#' @noRd
check_dots <- function(..., known = character()) {
  refuse_abbreviations(sys.function(-1), sys.call(-1), parent.frame(2))
  if (!...length()) return(invisible())
  given <- names(substitute(list(...)))[-1]
  own <- setdiff(names(formals(sys.function(-1)))[-1], "...")
  refuse_unknown(if (is.null(given)) "" else given, c(own, known), sys.call(-1), list(...)[[1]])
}

# As check_dots(), where fits stand in the dots, under any name.
check_fits_in_dots <- function(..., known = character()) {
  refuse_abbreviations(sys.function(-1), sys.call(-1), parent.frame(2))
  given <- list(...)
  labels <- names(given)
  if (is.null(labels)) labels <- rep("", length(given))
  odd <- which(nzchar(labels) & !vapply(given, inherits, NA, "gbtm"))
  if (!length(odd)) return(invisible())
  own <- setdiff(names(formals(sys.function(-1)))[-1], "...")
  refuse_unknown(labels[odd], c(own, known), sys.call(-1))
}

#' Refuse names of arguments that are not written out
#'
#' The first line of every function that is exported, without dots; check_dots() does it too. R takes the beginning of a
#' name for the name: `gbtm(t = "age")` would be a covariate.
#' @noRd
check_names <- function() refuse_abbreviations(sys.function(-1), sys.call(-1), parent.frame(2))

# `called` is the function that was called, `frame` where its `call` stands, for names in the dots there.
refuse_abbreviations <- function(called, call, frame) {
  known <- names(formals(called))
  before <- if ("..." %in% known) known[seq_len(match("...", known) - 1)] else known # R matches names after dots whole
  written <- names(call)[-1]
  if (any(vapply(as.list(call)[-1], identical, NA, quote(...)))) {
    written <- c(written, names(tryCatch(eval(quote(substitute(list(...))), frame), error = function(e) NULL))[-1])
  }
  for (name in setdiff(written, c("", known))) {
    whole <- before[startsWith(before, name)]
    if (length(whole) != 1 || (name == "col" && whole == "colours")) next # the word of R's own graphics
    stop_gbtm("unknown_argument", sprintf("%s: no such argument, and names are not abbreviated.", name), name,
              sprintf("Write %s in full if it is meant.", whole), call)
  }
}

#' Refuse arguments that do not exist
#'
#' What another program calls so, or what is nearly so spelled, is the way out.
#' @param value the value of the first of them, for arguments that belong elsewhere
#' @noRd
refuse_unknown <- function(names, known, call, value = NULL) {
  unknown <- setdiff(names, known)
  if (!length(unknown)) return(invisible())
  name <- unknown[1]
  if (!nzchar(name)) {
    stop_gbtm("unknown_argument", sprintf("%s: an argument without a name.", shown(value)), NULL, taken(known), call)
  }
  stop_gbtm("unknown_argument", sprintf("%s: no such argument.", name), name, argument_way_out(name, known), call)
}

taken <- function(known) {
  if (!length(known)) return("There are no further arguments.")
  sprintf("There %s: %s.", if (length(known) > 1) "are" else "is", listing(known, 40))
}

# What to write in place of an argument that a function does not have: what other programs call so, a setting of the
# search, or what is nearly so spelled.
argument_way_out <- function(name, known) {
  if (!length(known)) return(taken(known))
  option_kinds()
  plain <- function(x) tolower(gsub("[._]", "", x))
  word <- plain(name)
  meant <- c(known[plain(known) == word], options_known$meant[[word]], method_words(word))
  found <- intersect(meant, known)
  if (length(found)) return(called_here(found[1], name))
  if (any(c("order", "max_starts") %in% known)) {
    elsewhere <- model_way_out(word, meant, plain)
    if (length(elsewhere)) return(elsewhere)
  }
  if ("refgroup" %in% meant) return("The reference group is chosen with the model: update(fit, refgroup = ...).")
  distance <- utils::adist(word, plain(known))
  if (min(distance) <= min(2, nchar(name) %/% 3)) return(called_here(known[which.min(distance)], name))
  taken(known)
}

# The same among the words of fitting a model: a sentence, a setting of the search or an argument of the fit; or NULL.
model_way_out <- function(word, meant, plain) {
  said <- unlist(options_known$said[intersect(c(word, plain(meant)), names(options_known$said))])
  if (length(said)) return(said[[1]])
  settings <- names(formals(gbtm_control))
  setting <- intersect(c(settings[plain(settings) == word], meant), settings)
  if (length(setting)) return(sprintf("It is a setting of the search: control = gbtm_control(%s = ).", setting[1]))
  arguments <- names(formals(gbtm))
  argument <- intersect(c(arguments[plain(arguments) == word], meant), arguments)
  if (length(argument)) sprintf("It is an argument of the fit: gbtm(..., %s = ).", argument[1])
}

called_here <- function(ours, name) {
  if (ours == "formula") {
    return(paste("It stands in the formula, outcome ~ time; the outcome may be a matrix with one row per person, as in",
                 "Y ~ A."))
  }
  sprintf("It is called %s here.", ours)
}

# What the methods of other packages call the arguments of ours; `name` in small letters without dots and underscores.
method_words <- function(name) {
  words <- list(
    level = c("conflevel", "confidence", "cilevel"), conf.level = "level", method = "type",
    cov_type = c("type", "vcov", "vcovtype", "robust", "se", "cov", "covtype", "sandwich"),
    type = c("what", "method", "kind", "se.fit"),
    n_max = c("replications", "nsim", "nboot", "b", "r", "nrep", "times", "draws", "n", "nbootstrap"),
    n = c("replications", "nsim", "nboot", "b", "r", "nrep", "times", "draws", "nbootstrap"),
    nsim = c("n", "replications", "draws"), n_starts = c("starts", "nstart", "nrep", "rep"),
    n_jobs = c("cores", "ncores", "mccores", "parallel", "workers", "ncpus", "threads", "cl", "njobs"),
    folds = c("k", "nfolds", "v"), seed = c("rng", "randomstate"), newdata = c("data", "newx"),
    data = "newdata", tcov = c("at", "covariates"), times = c("time", "newtimes", "at"),
    colours = c("col", "color", "colors", "colour", "palette"), individuals = c("spaghetti", "lines", "trajectories"),
    observed = c("points", "means"), criterion = c("ic", "by"), by = c("criterion", "ic"),
    df_complete = c("dfcom", "dfcomplete"), parm = c("which", "parameters"), test = "type",
    digits = c("digit", "signif"), legend = "legendpos"
  )
  names(words)[vapply(words, function(theirs) name %in% theirs, NA)]
}

# What a picture hands on to plot(): names of its arguments and of settings of par() that show where curves, bands,
# colours and marks are this package's; and the look of lines and marks.
plot_settings <- c(
  "xlim", "ylim", "log", "main", "sub", "xlab", "ylab", "ann", "axes", "frame.plot", "asp",
  "xgap.axis", "ygap.axis", "adj", "bty", "cex", "cex.axis", "cex.lab", "cex.main", "cex.sub", "col.axis",
  "col.lab", "col.main", "col.sub", "family", "fg", "font", "font.axis", "font.lab", "font.main", "font.sub", "lab",
  "las", "lty", "lwd", "mgp", "pch", "tck", "tcl", "xaxp", "xaxs", "xaxt", "xpd", "yaxp", "yaxs", "yaxt"
)
