#!/usr/bin/env bash
# Prints a Python, 3.10 or later, that has venv and a shared library: R can load no other. Fails where there is none.
set -euo pipefail
for candidate in "${GBTM_BASE_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10 /usr/bin/python3; do
  [ -n "$candidate" ] && command -v "$candidate" >/dev/null || continue
  if "$candidate" - <<'PY' 2>/dev/null
import glob, os, sys, sysconfig
import ensurepip, venv
folder, name = sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("LDLIBRARY") or ""
multiarch = sysconfig.get_config_var("MULTIARCH") or ""
shared = any(glob.glob(os.path.join(d, name + "*")) for d in (folder, os.path.join(folder, multiarch)))
sys.exit(not (sys.version_info >= (3, 10) and sysconfig.get_config_var("Py_ENABLE_SHARED") and shared))
PY
  then
    command -v "$candidate"
    exit 0
  fi
done
echo "No Python (3.10 or later) with venv and a shared library was found." >&2
exit 1
