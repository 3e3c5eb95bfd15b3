#!/usr/bin/env bash
# R CMD check --as-cran of the source package, away from this tree: without an engine, and with that of GBTM_PYTHON.
#   scripts/check.sh [without] [with]     by default both
# Fails on an error, a warning or a note, except that suggested packages are not installed here, and that the engine's
# files take more than 5 MB. Nothing is asked of the network: what CRAN looks up there is left out.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${CHECK_OUT:-$root/build/check}
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
mkdir -p "$out" "$away/home" "$away/repository/src/contrib" "$away/repository/web/packages"
# in place of CRAN: a repository of no packages
: > "$away/repository/src/contrib/PACKAGES"
Rscript --vanilla - "$away/repository/web/packages/packages.rds" <<'R'
columns <- c("Package", "Version", "Priority", "Depends", "Imports", "Suggests", "LinkingTo", "Enhances", "License",
             "Maintainer", "Title", "Published", "Archs", "NeedsCompilation", "OS_type", "MD5sum", "Path")
none <- as.data.frame(matrix(character(), 0, length(columns), dimnames = list(NULL, columns)))
saveRDS(none, commandArgs(trailingOnly = TRUE))
R

bash "$root/scripts/system.sh" site # knitr, rmarkdown and pandoc make pages of the vignettes
# R CMD build copies what lies in the folder; a copy of the tracked files has nothing that was left lying around.
mkdir "$away/gbtm"
(cd "$root" && git ls-files -z | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null) | tar -xf - -C "$away/gbtm"
(cd "$away" && R CMD build gbtm)

export _R_CHECK_CRAN_INCOMING_=FALSE _R_CHECK_FORCE_SUGGESTS_=FALSE _R_CHECK_SYSTEM_CLOCK_=FALSE
export _R_CHECK_XREFS_REPOSITORIES_=file://$away/repository
export R_PROFILE_USER=$away/profile HOME=$away/home
echo "options(repos = c(CRAN = 'file://$away/repository', BioCsoft = 'file://$away/repository'," \
  "BioCann = 'file://$away/repository', BioCexp = 'file://$away/repository'))" > "$away/profile"
engine=${GBTM_PYTHON:-}
unset GBTM_PYTHON RETICULATE_PYTHON NOT_CRAN GBTM_REQUIRE_ENGINE PYTHONPATH PYTHONDONTWRITEBYTECODE
failed=0
for kind in ${*:-without with}; do
  rm -rf "${out:?}/$kind" && mkdir -p "$out/$kind"
  echo "== $kind an engine"
  if [ "$kind" = with ]; then export GBTM_PYTHON=$engine; fi
  (cd "$away" && R CMD check --as-cran --no-manual --output="$out/$kind" gbtm_*.tar.gz) || failed=1
  log=$out/$kind/gbtm.Rcheck/00check.log
  known='(package dependencies|installed package size) \.\.\. NOTE$'
  if grep -E '(NOTE|WARNING|ERROR)$' "$log" | grep -vE "$known"; then failed=1; fi
  unset GBTM_PYTHON
done
exit $failed
