#!/usr/bin/env bash
# The documentation site, in site/: tutorials run, references made from the help pages and docstrings, links checked.
#   scripts/site.sh          what is missing is installed; the build itself asks nothing of the network
# GBTM_PYTHON is the engine's Python, R_LIBS has the R package. Look at it: python3 -m http.server -d site
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
out=${SITE_OUT:-$root/site}
venv=${SITE_VENV:-$root/.venv-site}
pages=$root/build/site/pages
bash scripts/system.sh site
if ! [ "$venv/.ready" -nt requirements-site.txt ]; then
  base=$(bash scripts/python.sh)
  $base -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements-site.txt
  touch "$venv/.ready"
fi
rm -rf "$pages"
mkdir -p "$pages"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} NO_MKDOCS_2_WARNING=1
"$GBTM_PYTHON" scripts/site/tutorials.py "$pages/docs/tutorials" build/site/tutorials ${GBTM_TUTORIALS:-docs/tutorials}
"$GBTM_PYTHON" scripts/site/python_reference.py "$pages/reference/python"
Rscript scripts/site/r_reference.R "$pages/reference/r"
"$venv/bin/python" scripts/site/assemble.py "$pages" build/site/mkdocs.yml "$out"
"$venv/bin/python" -m mkdocs --quiet build --clean --config-file build/site/mkdocs.yml
"$venv/bin/python" scripts/site/check.py "$out"
