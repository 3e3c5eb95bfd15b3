# One tutorial, run: its R and Python chunks in one process, its results and figures in the page.
#   Rscript scripts/site/knit.R SOURCE.Rmd FOLDER [DPI]     writes FOLDER/NAME.md and FOLDER/NAME-figures/
# A chunk that fails ends it with status 1. GBTM_PYTHON is the Python of both languages.

arguments <- commandArgs(trailingOnly = TRUE)
source <- normalizePath(arguments[[1]])
name <- tools::file_path_sans_ext(basename(source))
dots <- if (length(arguments) > 2) as.integer(arguments[[3]]) else 130 # per inch of a figure
dir.create(arguments[[2]], recursive = TRUE, showWarnings = FALSE)
# It runs beside its results, with the files that lie beside it: knitr and Python then agree where figures go.
beside <- list.files(dirname(source), full.names = TRUE)
beside <- beside[!dir.exists(beside) & (beside == source | !grepl("[.]Rmd$", beside))]
invisible(file.copy(beside, arguments[[2]], overwrite = TRUE))
setwd(arguments[[2]])

Sys.setenv(RETICULATE_PYTHON = Sys.getenv("GBTM_PYTHON"), MPLBACKEND = "agg")
options(width = 84, digits = 5, cli.num_colors = 1L, warn = 1, reticulate.repl.quiet = TRUE)
knitr::opts_chunk$set(
  error = FALSE, comment = "#>", fig.path = paste0(name, "-figures/"), fig.width = 7, fig.height = 4.3, dpi = dots,
  dev = "png", dev.args = list(type = "cairo"), fig.align = "default"
)
# Python's figures in the size of R's, its tables as text
reticulate::py_run_string(sprintf("
import matplotlib, pandas
matplotlib.rcParams.update({'figure.figsize': (7, 4.3), 'savefig.dpi': %1$d, 'figure.dpi': %1$d})
pandas.DataFrame.__module__ = 'pandas.core.frame'  # by which name reticulate before 1.42 knows a table, to print it as text
pandas.options.display.width = 84
pandas.options.display.max_columns = None
del matplotlib, pandas
", as.integer(dots)))
knitr::opts_knit$set(progress = FALSE, verbose = FALSE)
invisible(knitr::knit(basename(source), paste0(name, ".md"), quiet = TRUE, envir = new.env(parent = globalenv())))
unlink(basename(source))
