#!/usr/bin/env bash
# The golden master of a commit beside the working tree: bash scripts/golden.sh BASE PYTHON
# BASE is checked out under build/golden and taken away again. Its numbers stay there, by its name, for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
base=$(git rev-parse --short --verify "$1^{commit}")
python=$2
folder=build/golden
tree=$folder/tree-$$
mkdir -p "$folder"
trap 'git worktree remove --force "$tree" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# other cases, another script or another locked engine: other numbers
cases=$(ls -d "${GBTM_REFERENCE:-../shared/reference}"/traj/* tests/reference/* 2>/dev/null || true)
made_with=$({ echo "$cases"; cat scripts/golden.py inst/constraints/requirements.txt; } | cksum | cut -d' ' -f1)
before=$folder/$base-$made_with.npz

if [ ! -f "$before" ]; then
  echo "== $base"
  git worktree add --quiet --detach "$tree" "$base"
  PYTHONPATH="$tree/python" "$python" scripts/golden.py write "$folder/new-$$.npz"
  mv "$folder/new-$$.npz" "$before"
fi
echo "== the working tree"
PYTHONPATH=python "$python" scripts/golden.py write "$folder/after.npz"
echo "== $base and the working tree"
"$python" scripts/golden.py compare "$before" "$folder/after.npz"
