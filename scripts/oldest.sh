#!/usr/bin/env bash
# The fast Python tests with the oldest versions that pyproject.toml admits, in build/oldest: an environment of its own,
# made of requirements-oldest.txt by the oldest Python that is here and that they have files for (3.10 or 3.11).
#   scripts/oldest.sh [TEST ..]
# PyTorch of that age has for Linux no build without CUDA among PyPI's: 2.5 GB are downloaded the first time.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/build/oldest
lock=$root/requirements-oldest.txt
unset PYTHONPATH
if [ ! -e "$folder/.ready" ] || [ "$lock" -nt "$folder/.ready" ]; then
  python=
  for candidate in python3.10 python3.11; do
    if command -v $candidate >/dev/null && $candidate -c 'import ensurepip, venv' 2>/dev/null; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then echo "test-oldest skipped: neither Python 3.10 nor 3.11 is here."; exit 0; fi
  echo "Making $folder with $($python --version) (some minutes the first time)"
  rm -rf "$folder"
  $python -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$lock" mpmath psutil pytest pytest-xdist
  touch "$folder/.ready"
fi
cd "$root"
export OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1
"$folder/bin/python" -c "
from importlib import metadata
print(*(f'{name} {metadata.version(name)}' for name in 'torch numpy pandas scipy statsmodels matplotlib formulaic'.split()), sep=', ')"
"$folder/bin/python" -m pytest -q -n "$(getconf _NPROCESSORS_ONLN)" --dist loadgroup -p no:cacheprovider "$@"
