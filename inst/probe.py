"""What the R package has to know of a Python before binding to it: run by gbtm_engine(), imports no package."""

import json
import os
import re
import sys
import sysconfig
from importlib import metadata, util

# The dependencies of pyproject.toml.
NEEDED = (
    "torch>=2.1", "numpy>=1.24", "pandas>=2.1", "scipy>=1.15", "formulaic>=1.1", "joblib>=1.3", "matplotlib>=3.8",
    "statsmodels>=0.14",
)


def version(package):
    """Installed version, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def numbers(version):
    """ "2.13.0+cpu" -> (2, 13): the leading whole numbers, which are enough to compare."""
    found = []
    for part in version.split("+")[0].split("."):
        digits = re.match("[0-9]*", part).group()
        if not digits:
            break
        found.append(int(digits))
    while found and found[-1] == 0:  # 2.1.0 is 2.1
        found.pop()
    return tuple(found)


def too_old(have, wanted):
    """Whether the installed version, None for none, falls short."""
    return have is None or numbers(have) < numbers(wanted)


def is_locked():
    """Whether pip is kept out of this Python, as out of Debian's own (PEP 668)."""
    in_environment = sys.prefix != sys.base_prefix
    return not in_environment and os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))


def has_shared_library():
    """Whether this Python can be loaded into another program; only Linux has Pythons that cannot."""
    if not sys.platform.startswith("linux"):
        return True
    get = sysconfig.get_config_var
    names = [name for name in (get("INSTSONAME"), get("LDLIBRARY")) if name and ".so" in name]
    folders = [get("LIBDIR"), get("LIBPL"), os.path.join(sys.base_prefix, "lib")]
    if get("LIBDIR") and get("MULTIARCH"):
        folders.append(os.path.join(get("LIBDIR"), get("MULTIARCH")))
    return any(os.path.exists(os.path.join(folder, name)) for folder in folders if folder for name in names)


pairs = [needed.split(">=") for needed in NEEDED]
packages = {name: version(name) for name, _ in pairs}
print(
    json.dumps(
        {
            "python": sys.version.split()[0],
            "recent": sys.version_info >= (3, 10),
            "shared": has_shared_library(),
            "base": sys.base_prefix,
            "pip": util.find_spec("pip") is not None,
            "locked": is_locked(),
            "packages": packages,
            "lacking": [name + ">=" + wanted for name, wanted in pairs if too_old(packages[name], wanted)],
        }
    )
)
