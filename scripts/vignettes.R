# R's vignettes from the tutorials: the R parts, run here once, with their results and figures.
#   Rscript scripts/vignettes.R [NAME ..]      writes vignettes/NAME.Rmd and vignettes/NAME-figures/
# What is written has no code that is run again, so that R CMD check needs no engine for it. Tabs of Python and Stata
# are left out. Links to pages of the site get its address from DESCRIPTION.
# GBTM_PYTHON is the engine's Python; GBTM_TUTORIALS another folder of sources.

shipped <- c("first-model", "how-many-groups", "scales", "counts", "covariates", "dropout", "exposure",
             "time-to-event", "refining", "several-outcomes", "from-stata", "coming-from", "published-result",
             "writing-up", "a-million-people")
figure_dpi <- 96 # as many dots as the page is wide: a package is not to be larger than it need be
folder <- normalizePath(Sys.getenv("GBTM_TUTORIALS", "docs/tutorials"))
out <- file.path(normalizePath(Sys.getenv("GBTM_VIGNETTES_ROOT", ".")), "vignettes")
knit_script <- normalizePath("scripts/site/knit.R")
address <- sub(",.*", "", read.dcf("DESCRIPTION", "URL")[[1]])

# Lines of a source without the tabs of other languages, and without the marks of R's own.
r_parts <- function(lines, name) {
  kept <- character()
  tab <- NULL
  for (line in lines) {
    if (grepl("^/// tab \\|", line)) {
      if (!is.null(tab)) stop(name, ": a tab begins within the tab of ", tab, call. = FALSE)
      tab <- trimws(sub("^/// tab \\|", "", line))
    } else if (grepl("^///\\s*$", line)) {
      tab <- NULL
    } else if (is.null(tab) || identical(tab, "R")) {
      kept <- c(kept, line)
    }
  }
  if (any(grepl("^```\\{python", kept))) stop(name, ": a Python chunk stands outside of a tab", call. = FALSE)
  kept
}

# Links to the site's pages become addresses, those to other vignettes stay links to them.
own_links <- function(lines, names) {
  vignette <- sprintf("\\]\\((%s)\\.md", paste(names, collapse = "|"))
  lines <- gsub(vignette, "](\\1.html", lines)
  lines <- gsub("\\]\\(([a-z-]+)\\.md", sprintf("](%s/docs/tutorials/\\1.html", address), lines)
  lines <- gsub("\\]\\(\\.\\./\\.\\./([^):]+)\\.md", sprintf("](%s/\\1.html", address), lines)
  gsub("\\]\\(\\.\\./([^):]+)\\.md", sprintf("](%s/docs/\\1.html", address), lines)
}

header <- function(title) {
  c("---", sprintf("title: \"%s\"", title), "output: rmarkdown::html_vignette", "vignette: >",
    sprintf("  %%\\VignetteIndexEntry{%s}", title), "  %\\VignetteEngine{knitr::rmarkdown}",
    "  %\\VignetteEncoding{UTF-8}", "---", "",
    "<!-- Written by `make vignettes` from docs/tutorials: do not edit by hand. -->", "")
}

write_vignette <- function(name, names) {
  lines <- r_parts(readLines(file.path(folder, paste0(name, ".Rmd")), encoding = "UTF-8"), name)
  made <- tempfile()
  dir.create(file.path(made, "source"), recursive = TRUE)
  beside <- list.files(folder, full.names = TRUE)
  file.copy(beside[!dir.exists(beside) & !grepl("[.]Rmd$", beside)], file.path(made, "source"))
  source <- file.path(made, "source", paste0(name, ".Rmd"))
  writeLines(enc2utf8(lines), source, useBytes = TRUE)
  knitted <- shQuote(c(knit_script, source, file.path(made, "page"), figure_dpi))
  status <- system2(file.path(R.home("bin"), "Rscript"), knitted)
  if (status != 0) stop(name, ": a chunk failed", call. = FALSE)
  page <- readLines(file.path(made, "page", paste0(name, ".md")), encoding = "UTF-8")
  at <- grep("^# ", page)[[1]]
  page <- own_links(page[-seq_len(at)], names)
  page <- sub("^<img src=\"([^\"]+)\" alt=\"([^\"]*)\"[^>]*>$", "![](\\1){width=100% alt=\"\\2\"}", page)
  dir.create(out, showWarnings = FALSE)
  title <- sub("^# ", "", lines[[grep("^# ", lines)[[1]]]])
  writeLines(enc2utf8(c(header(gsub("`", "", title)), page)), file.path(out, paste0(name, ".Rmd")), useBytes = TRUE)
  figures <- paste0(name, "-figures")
  unlink(file.path(out, figures), recursive = TRUE)
  if (dir.exists(file.path(made, "page", figures))) file.copy(file.path(made, "page", figures), out, recursive = TRUE)
  cat(name, "\n")
}

asked <- commandArgs(trailingOnly = TRUE)
names <- if (length(asked)) asked else shipped
there <- file.exists(file.path(folder, paste0(names, ".Rmd")))
if (!all(there)) stop("no tutorial in ", folder, ": ", paste(names[!there], collapse = ", "), call. = FALSE)
for (name in names) write_vignette(name, union(shipped, names))
