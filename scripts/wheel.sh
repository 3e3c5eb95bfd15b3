#!/usr/bin/env bash
# The sdist and, made from it, the wheel, in dist/; then a fit from another folder by a bare environment that has the wheel.
#   scripts/wheel.sh PYTHON      a Python that has the engine's packages and setuptools; nothing is downloaded
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${WHEEL_OUT:-$root/dist}
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
unset PYTHONPATH
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
mkdir -p "$out" "$away/tree" "$away/sdist" "$away/elsewhere"

# a copy of the tracked files: setuptools would leave folders here, and take in what was left lying around
(cd "$root" && git ls-files -z | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null) | tar -xf - -C "$away/tree"
sdist=$(cd "$away/tree" && "$python" -c "
import sys, setuptools.build_meta as backend
print(backend.build_sdist(sys.argv[1]))" "$out" | tail -1)
tar -xzf "$out/$sdist" -C "$away/sdist" --strip-components=1
"$python" -m pip wheel --quiet --no-index --no-build-isolation --no-deps --wheel-dir "$away/wheel" "$away/sdist"
wheel=$(basename "$away"/wheel/*.whl)
cp "$away/wheel/$wheel" "$out/"

# the packages that gbtm needs come from the Python given, by a .pth file, and gbtm from the wheel alone
"$python" -m venv "$away/bare"
bare=$away/bare/bin/python
"$bare" -m pip install --quiet --no-index --no-deps "$away/wheel/$wheel"
site=$("$bare" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
"$python" -c "
import sys
print(*(p for p in sys.path if p.endswith(('site-packages', 'dist-packages'))), sep='\\n')" > "$site/dependencies.pth"

(cd "$root/python" && git ls-files gbtm) | sort > "$away/tracked"
"$bare" -m zipfile -l "$away/wheel/$wheel" | awk '/^gbtm\// {print $1}' | sort > "$away/shipped"
if ! diff "$away/tracked" "$away/shipped"; then echo "The wheel does not have the files of python/gbtm." >&2; exit 1; fi

cd "$away/elsewhere"
OMP_NUM_THREADS=1 "$bare" -W ignore - "$site" <<'PY'
import sys
from importlib import metadata
from pathlib import Path

import gbtm

assert Path(gbtm.__file__).is_relative_to(sys.argv[1]), gbtm.__file__
assert metadata.version("gbtm") == gbtm.__version__
data = gbtm.datasets.symptoms()
model = gbtm.GBTM.from_formula("score ~ month", data, id="id", groups=3, order=1, family="cnorm", min=0, max=10)
res = model.fit(n_starts=4, progress=False)
assert res.converged and abs(res.params["sigma"] - 1.5) < 0.2, res.summary()
res.save("fit.json")
assert gbtm.load("fit.json").llf == res.llf
report = gbtm.grolts_report(res, "report.html", progress=False)
assert "GRoLTS" in Path("report.html").read_text(encoding="utf-8")
print(f"gbtm {gbtm.__version__} from its wheel, Python {sys.version.split()[0]}: log-likelihood {res.llf:.3f}")
PY
echo "$out/$sdist"
echo "$out/$wheel"
