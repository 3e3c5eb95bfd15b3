"""What the R package has to know of a Python before binding to it: run by gbtm_engine(), imports no package."""

import json
import os
import sys
import sysconfig
from importlib import metadata

NEEDED = ("torch", "numpy", "pandas", "scipy", "formulaic", "joblib", "matplotlib", "statsmodels")


def version(package):
    """Installed version, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


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


print(
    json.dumps(
        {
            "python": sys.version.split()[0],
            "recent": sys.version_info >= (3, 10),
            "shared": has_shared_library(),
            "packages": {package: version(package) for package in NEEDED},
        }
    )
)
