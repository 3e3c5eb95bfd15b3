is_definition <- function(e) is.call(e) && identical(e[[1]], as.name("<-")) && is.name(e[[2]])

test_that("no function is defined in two files: the later one would silently take the place of the other", {
  folder <- file.path(testthat::test_path(), "..", "..", "R")
  skip_if_not(dir.exists(folder), "the sources are not here")
  named <- unlist(lapply(list.files(folder, "[.]R$", full.names = TRUE), function(file) {
    vapply(Filter(is_definition, as.list(parse(file))), function(e) as.character(e[[2]]), "")
  }))
  expect_gt(length(named), 500)
  expect_identical(unique(named[duplicated(named)]), character())
})
