#!/usr/bin/env bash
# What `make check` and `make wheel` do, on Debian trixie: R 4.5, reticulate 1.41, Python 3.13 and Debian's torch 2.6. Then
# the fast Python tests, with gbtm from its wheel.
#   scripts/check_modern.sh [check] [wheel] [tests [TEST ..]]     by default all three
# Debian is unpacked by debootstrap into build/trixie (3.7 GB; two to three minutes the first time), from the mirror that apt
# has here. Packages that it lacks are downloaded by the pip that is here, in the versions of our lock files, and installed
# there without the network. Skipped, with a word on why, where no such folder can be made.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
trixie=${TRIXIE:-$root/build/trixie}
log=$root/build/trixie.log
# Of the engine's packages those that Debian has, and of R's those that help pages and tests go to.
debian_python="venv dev pip setuptools torch pandas scipy statsmodels matplotlib joblib wrapt typing-extensions packaging
  docx jinja2 lxml tabulate babel cffi-backend cloudpickle sqlalchemy mpmath pytest pytest-xdist psutil"
debian_r="reticulate jsonlite testthat ggplot2 generics mass survival tibble knitr rmarkdown withr emmeans car sandwich nlme
  dbi rsqlite"
# The rest of the engine's packages, with their own.
from_pip="formulaic interface_meta narwhals great-tables faicons htmltools nokap lazy-importer multimark importlib_metadata
  importlib_resources zipp websockets duckdb pyarrow"

skipped() { echo "check-modern skipped: $*"; exit 0; }

# A command inside, with /proc and /dev for as long as it runs: the mounts are the command's own.
inside() {
  unshare --mount bash -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" "$@"' "$trixie" \
    env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 OMP_NUM_THREADS=1 \
    DEBIAN_FRONTEND=noninteractive "$@"
}

# Whether folders of other systems can be entered here.
can_enter() { unshare --mount bash -c 'd=$(mktemp -d) && mount -t proc proc "$d" && umount "$d" && rmdir "$d"' 2>/dev/null; }

# Debian's address in the settings of apt here, and the way there.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" && $2 !~ /security/ {print $2; exit}'
}

unpack() {
  local at proxy=
  at=$(mirror)
  if [ -z "$at" ]; then apt-get update -qq && at=$(mirror); fi
  [ -n "$at" ] || skipped "apt knows no mirror of Debian here."
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy
  echo "Unpacking Debian trixie in $trixie"
  rm -rf "$trixie"
  mkdir -p "$trixie"
  debootstrap --variant=minbase --include=ca-certificates trixie "$trixie" "$at" > "$log" 2>&1 ||
    { tail -3 "$log"; rm -rf "$trixie"; skipped "debootstrap could not run here, see $log."; }
  apt-config dump | grep -E '^Acquire::(https?|Check|Retries)' > "$trixie/etc/apt/apt.conf.d/90host" || true
}

install_packages() {
  local names=() p
  for p in $debian_python; do names+=("python3-$p"); done
  for p in $debian_r; do names+=("r-cran-$p"); done
  echo "Installing R, Python and their packages from Debian"
  cp /etc/resolv.conf "$trixie/etc/resolv.conf"
  [ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
    cp /etc/ssl/certs/ca-certificates.crt "$trixie/etc/ssl/certs/ca-certificates.crt"
  inside bash -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"' apt \
    git make gcc pandoc qpdf libpython3.13 r-base-dev "${names[@]}" >> "$log" 2>&1 ||
    { tail -5 "$log"; echo "Packages of trixie could not be installed." >&2; exit 1; }

  local python wheels=$trixie/root/wheels platforms=() names_and_versions
  python=$(bash "$root/scripts/python.sh")
  for p in manylinux_2_28 manylinux_2_17 manylinux2014; do platforms+=(--platform "${p}_$(uname -m)"); done
  mapfile -t names_and_versions < <(cat "$root/inst/constraints/requirements.txt" "$root/requirements-dev.txt" |
    grep -iE "^($(echo $from_pip | tr ' ' '|'))==" | sort -u)
  "$python" -m pip download --quiet --no-deps --only-binary :all: --python-version 3.13 --implementation cp --abi cp313 \
    --abi abi3 --abi none "${platforms[@]}" --dest "$wheels" "${names_and_versions[@]}" >> "$log" 2>&1 ||
    { tail -5 "$log"; echo "Packages that trixie lacks could not be downloaded." >&2; exit 1; }
  inside bash -c 'python3 -m venv --system-site-packages /root/engine &&
    /root/engine/bin/python -m pip install --quiet --no-index --no-deps /root/wheels/*.whl' >> "$log" 2>&1
  touch "$trixie/.ready"
}

# The tracked files as they are now, as a repository: what builds packages asks git for its files.
copy_tree() {
  rm -rf "$trixie/root/gbtm"
  mkdir -p "$trixie/root/gbtm"
  (cd "$root" && git ls-files -z | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null) | tar -xf - -C "$trixie/root/gbtm"
  inside bash -c 'cd /root/gbtm && git init -q && git add -A'
}

tell_versions() {
  inside /root/engine/bin/python - <<'PY'
import platform
import subprocess
from importlib import metadata

r = subprocess.run(["R", "--version"], capture_output=True, text=True).stdout.split("\n")[0].split(" (")[0]
reticulate = subprocess.run(["Rscript", "-e", "cat(format(packageVersion('reticulate')))"], capture_output=True, text=True)
names = "torch numpy pandas scipy statsmodels matplotlib formulaic joblib".split()
print(f"{r}, reticulate {reticulate.stdout}, Python {platform.python_version()},",
      ", ".join(f"{name} {metadata.version(name)}" for name in names))
PY
}

run_check() {
  echo "== R CMD check on trixie"
  inside env CHECK_OUT=/root/check GBTM_PYTHON=/root/engine/bin/python bash /root/gbtm/scripts/check.sh
}

run_wheel() {
  echo "== the wheel on trixie"
  rm -rf "$trixie/root/dist"
  inside env WHEEL_OUT=/root/dist bash /root/gbtm/scripts/wheel.sh /root/engine/bin/python
}

# gbtm from its wheel alone: pytest is kept from putting the tree's own python folder first.
run_tests() {
  echo "== Python tests on trixie, of the wheel"
  inside bash -c '/root/engine/bin/python -m pip install --quiet --no-index --no-deps --force-reinstall /root/dist/gbtm-*.whl
    cd /root/gbtm && /root/engine/bin/python -c "
import gbtm
assert gbtm.__file__.startswith(\"/root/engine/\"), gbtm.__file__" &&
    /root/engine/bin/python -m pytest -q -n "$(nproc)" --dist loadgroup -p no:cacheprovider -o pythonpath= "$@"' tests "$@"
}

[ "$(id -u)" = 0 ] || skipped "debootstrap and chroot need root."
command -v apt-get >/dev/null || skipped "this is no Debian, apt's settings are not there to be read."
command -v debootstrap >/dev/null || skipped "debootstrap is not installed: apt-get install debootstrap"
can_enter || skipped "this machine lets no process mount a folder of its own."
mkdir -p "$root/build"
if [ ! -e "$trixie/.ready" ]; then unpack; install_packages; fi
copy_tree
tell_versions
case ${1:-all} in
  check) run_check ;;
  wheel) run_wheel ;;
  tests) shift; run_wheel; run_tests "$@" ;;
  all) run_check; run_wheel; run_tests ;;
  *) echo "check, wheel or tests, not '$1'." >&2; exit 2 ;;
esac
