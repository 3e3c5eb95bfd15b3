library(testthat)
library(gbtm)

test_check("gbtm")
