# Pages of R's reference from the installed package: usage and examples as code, the other parts as R's own HTML.
#   Rscript scripts/site/r_reference.R FOLDER
# Writes FOLDER/NAME.md and FOLDER/NAME.parts.json (see hooks.py), and FOLDER/index.md.

folder <- commandArgs(trailingOnly = TRUE)[[1]]
dir.create(folder, recursive = TRUE, showWarnings = FALSE)
pages <- tools::Rd_db("gbtm")
names(pages) <- sub("[.]Rd$", "", names(pages))

tagged <- function(rd, tag) Filter(function(part) identical(attr(part, "Rd_tag"), tag), rd)
plain <- function(part) trimws(paste(unlist(part), collapse = ""))
aliases <- lapply(pages, function(rd) vapply(tagged(rd, "\\alias"), plain, ""))
titles <- vapply(pages, function(rd) gsub("\\s+", " ", plain(tagged(rd, "\\title")[[1]])), "")
links <- unlist(lapply(names(pages), function(name) {
  stats::setNames(rep(paste0(name, ".html"), length(aliases[[name]])), aliases[[name]])
}))

# Links of other packages have no page here: their text stays.
tidy_links <- function(html) {
  html <- gsub("<a href=\"\\.\\./\\.\\./[^\"]*\">(.*?)</a>", "\\1", html, perl = TRUE)
  html <- gsub("docs/([a-z-]+)\\.md", "<a href=\"../../docs/\\1.html\">docs/\\1.md</a>", html, perl = TRUE)
  gsub("</?p>\\s*(?=</?(ul|ol|dl|table|li))", "", html, perl = TRUE)
}

code_of <- function(html) {
  code <- sub("(?s).*<pre>(<code class='language-R'>)?", "", html, perl = TRUE)
  code <- sub("(?s)(</code>)?</pre>.*", "", code, perl = TRUE)
  code <- gsub("<[^>]+>", "", code)
  for (entity in list(c("&lt;", "<"), c("&gt;", ">"), c("&quot;", "\""), c("&#39;", "'"), c("&amp;", "&"))) {
    code <- gsub(entity[1], entity[2], code, fixed = TRUE)
  }
  trimws(code, whitespace = "[\n]")
}

write_page <- function(name) {
  file <- tempfile(fileext = ".html")
  tools::Rd2HTML(pages[[name]], file, Links = links, Links2 = character(), stages = c("build", "install", "render"))
  html <- paste(readLines(file, encoding = "UTF-8"), collapse = "\n")
  body <- sub("(?s)<hr[^>]*><div style=\"text-align: center;\">.*", "", sub("(?s).*?<h2[^>]*>.*?</h2>", "", html, perl = TRUE),
              perl = TRUE)
  body <- sub("(?s)</div>\\s*</body>.*", "", body, perl = TRUE)
  parts <- regmatches(body, gregexpr("(?s)<h3>.*?(?=<h3>|$)", body, perl = TRUE))[[1]]
  lines <- c(paste("#", titles[[name]]), "")
  kept <- character()
  for (part in parts) {
    heading <- gsub("<[^>]+>", "", sub("(?s)<h3>(.*?)</h3>.*", "\\1", part, perl = TRUE))
    rest <- sub("(?s)<h3>.*?</h3>", "", part, perl = TRUE)
    if (heading != "Description") lines <- c(lines, paste("##", heading), "")
    if (heading %in% c("Usage", "Examples")) {
      lines <- c(lines, "```r", code_of(rest), "```", "")
    } else {
      kept <- c(kept, tidy_links(rest))
      lines <- c(lines, sprintf("%%%%%d%%%%", length(kept) - 1L), "")
    }
  }
  writeLines(enc2utf8(lines), file.path(folder, paste0(name, ".md")), useBytes = TRUE)
  json <- jsonlite::toJSON(kept, auto_unbox = FALSE)
  writeLines(enc2utf8(json), file.path(folder, paste0(name, ".parts.json")), useBytes = TRUE)
}
for (name in names(pages)) write_page(name)

shown <- vapply(names(pages), function(name) {
  others <- aliases[[name]]
  others <- others[!grepl("[.](gbtm|default)|-package$|^%", others) | others == name]
  sprintf("| %s | [%s](%s.md) |", paste0("`", others, "`", collapse = " "), titles[[name]], name)
}, "")
writeLines(enc2utf8(c("# R reference", "",
                      "The help pages of the package, as `help(package = \"gbtm\")` has them. Their examples run in `R CMD check`.",
                      "", "| names | page |", "|---|---|", shown[order(tolower(names(pages)))])),
           file.path(folder, "index.md"), useBytes = TRUE)
cat(length(pages), "pages of R's reference\n")
