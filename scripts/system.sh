#!/usr/bin/env bash
# What the project needs of the system: R with a few packages, and a Python that can make a virtual environment.
# Installs it where this is Debian and we are root; else says the one line to run. Quiet when nothing is missing.
set -euo pipefail

r_packages=(reticulate jsonlite testthat ggplot2 generics MASS survival tibble)
extra="${1:-}"
if [ "$extra" = dev ]; then r_packages+=(roxygen2 lintr); fi
if [ "$extra" = bench ]; then r_packages+=(flexmix); fi
if [ "$extra" = test ]; then r_packages+=(knitr); fi  # a tutorial that fails ends the site's build
if [ "$extra" = site ]; then r_packages+=(knitr rmarkdown); fi

missing=()
if ! command -v Rscript >/dev/null; then
  missing+=(r-base-core)
  for p in "${r_packages[@]}"; do missing+=("r-cran-${p,,}"); done
else
  for p in "${r_packages[@]}"; do
    Rscript -e "quit(status = !requireNamespace('$p', quietly = TRUE))" >/dev/null 2>&1 || missing+=("r-cran-${p,,}")
  done
fi
# Tests make repositories of their own.
[ "$extra" != test ] || command -v git >/dev/null || missing+=(git)
# What makes vignettes of their texts, and what R CMD check wants where there are some.
if [ "$extra" = site ]; then
  for program in pandoc qpdf; do command -v $program >/dev/null || missing+=($program); done
fi
# A compiler and R's headers let rpy2 build its fast interface.
command -v gcc >/dev/null && [ -d /usr/share/R/include ] || missing+=(r-base-dev)
bash "$(dirname "$0")/python.sh" >/dev/null 2>&1 || missing+=(python3 python3-venv python3-dev)

[ ${#missing[@]} -eq 0 ] && exit 0
line="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "Installing from Debian: ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
  echo "Missing: ${missing[*]}" >&2
  echo "Run:     sudo sh -c '$line'" >&2
  exit 1
fi
