# lintr on the files named, by the rules of .lintr; all of the package where none is named. Fails where it finds anything.
files <- commandArgs(trailingOnly = TRUE)
lints <- if (length(files)) lapply(files, lintr::lint) else list(lintr::lint_package())
for (found in lints) print(found)
quit(status = sum(lengths(lints)) > 0)
